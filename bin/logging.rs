//! The log: to standard error, as text or as JSON lines, filtered by `-v` or by `HEALNODE_LOG`.
//!
//! Standard output belongs to what was asked for. Texts of errors are logged at debug level only, so the usual levels never show one.

use std::io::IsTerminal as _;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt;

use crate::args::{Global, LogFormat};
use crate::failure::Failure;
use crate::print::may_use_colour;

/// Filters for none, one and two `-v`.
pub(crate) type Levels = [&'static str; 3];

/// What a running node logs. Libraries are heard from only when something is wrong; those that warn at a peer's will, not even then.
pub(crate) const NODE: Levels =
    ["warn,libp2p_gossipsub=error,libp2p_request_response=error,healnode=info", "info,healnode=debug", "debug,healnode=trace"];

/// What a command that ends soon logs.
pub(crate) const COMMAND: Levels = ["error,healnode=warn", "warn,healnode=debug", "debug,healnode=trace"];

/// Starts the log.
///
/// # Errors
/// When `HEALNODE_LOG` is no filter.
pub(crate) fn start(global: &Global, levels: Levels) -> anyhow::Result<()> {
    let usual = levels[usize::from(global.verbosity()).min(levels.len() - 1)];
    let filter = match std::env::var("HEALNODE_LOG") {
        Ok(text) if !text.trim().is_empty() => EnvFilter::try_new(text).map_err(|error| bad_filter(&error))?,
        Ok(_) | Err(_) => EnvFilter::new(usual),
    };
    let log = fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match global.log_format {
        LogFormat::Text => log.with_ansi(may_use_colour(std::io::stderr().is_terminal())).init(),
        LogFormat::Json => log.json().init(),
    }
    Ok(())
}

fn bad_filter(error: &dyn std::fmt::Display) -> Failure {
    Failure {
        message: format!("environment HEALNODE_LOG: {error}"),
        hint: "a filter is a level such as debug, or levels by module such as warn,healnode_mesh=trace",
        bad_usage: true,
    }
}
