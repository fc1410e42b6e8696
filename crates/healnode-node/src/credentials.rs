//! The secrets that this process itself was given: they go out of every text, whatever they look like and wherever they stand.

use healnode_forge::find_token;
use healnode_report::Admission;

use crate::config::Config;

/// Returns how errors become reports in a process that may hold the token of the forge.
pub(crate) fn admission(config: &Config) -> Admission {
    let found = find_token(|name| std::env::var(name).ok(), config.forge.token_file.as_deref());
    let token = found.ok().flatten().map(|found| found.token.reveal().to_owned());
    config.admission_without(token.into_iter().collect())
}
