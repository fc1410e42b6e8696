//! What an application says of itself, and what it asks of the node.

use std::path::PathBuf;

use crate::capture::Origin;
use crate::client::{Client, Inner};
use crate::limits::LOG_LINES_MAX;
use crate::places::Places;
use crate::ring::Ring;

/// Makes a [`Client`]. What is not said is left to the node.
#[derive(Clone, Debug, Default)]
pub struct Builder {
    app: Option<String>,
    release: Option<String>,
    environment: Option<String>,
    repo: Option<String>,
    auto_issue: Option<bool>,
    auto_pr: Option<bool>,
    auto_heal: Option<bool>,
    log_context_lines: Option<usize>,
    socket: Option<PathBuf>,
    data_dir: Option<PathBuf>,
    is_off: bool,
}

/// Why there is no client. The text says what to write instead.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum BuildError {
    /// The repository has no form of one.
    #[error("repo is {repo:?}; a repository is owner/name, such as \"acme/shop\"")]
    Repo {
        /// What was given.
        repo: String,
    },
    /// A pull request without an issue.
    #[error("auto_pr needs auto_issue: a pull request is made from an issue")]
    PrWithoutIssue,
    /// A fix without a pull request.
    #[error("auto_heal needs auto_pr: a fix is proposed in a pull request")]
    HealWithoutPr,
}

impl Builder {
    /// Name of the deployment, such as `shop`. Up to 128 bytes.
    pub fn app(mut self, app: impl Into<String>) -> Self {
        self.app = Some(app.into());
        self
    }

    /// Release of the deployment, such as `shop@1.4.2`; see [`release!`](crate::release). Up to 128 bytes.
    pub fn release(mut self, release: impl Into<String>) -> Self {
        self.release = Some(release.into());
        self
    }

    /// Where it runs, such as `production`. Up to 128 bytes.
    pub fn environment(mut self, environment: impl Into<String>) -> Self {
        self.environment = Some(environment.into());
        self
    }

    /// The repository that the application's issues belong into, as `owner/name`.
    ///
    /// This and the three `auto_` settings are wishes. They go along with each report as tags (`asks.repo`, `asks.auto_issue`, …), for people to
    /// see where they differ from what happens. What happens is decided by the node's own configuration: a program that can reach the socket
    /// must not be able to send a fleet's errors into another repository.
    pub fn repo(mut self, repo: impl Into<String>) -> Self {
        self.repo = Some(repo.into());
        self
    }

    /// Whether the application wants issues to be filed. See [`repo`](Builder::repo).
    pub fn auto_issue(mut self, auto_issue: bool) -> Self {
        self.auto_issue = Some(auto_issue);
        self
    }

    /// Whether the application wants draft pull requests; needs `auto_issue`. See [`repo`](Builder::repo).
    pub fn auto_pr(mut self, auto_pr: bool) -> Self {
        self.auto_pr = Some(auto_pr);
        self
    }

    /// Whether the application wants fixes to be proposed; needs `auto_pr`. See [`repo`](Builder::repo).
    pub fn auto_heal(mut self, auto_heal: bool) -> Self {
        self.auto_heal = Some(auto_heal);
        self
    }

    /// How many of the last log lines go along with an error: 50 unless set, and never more. 0 keeps none.
    pub fn log_context_lines(mut self, lines: usize) -> Self {
        self.log_context_lines = Some(lines);
        self
    }

    /// The node's socket. Without it: `HEALNODE_STATUS_SOCKET`, else `healnode.sock` in the data directory.
    pub fn socket(mut self, socket: impl Into<PathBuf>) -> Self {
        self.socket = Some(socket.into());
        self
    }

    /// The node's data directory, in whose spool reports are left when no node answers. Without it: `HEALNODE_DATA_DIR`, else
    /// `~/.local/state/healnode`.
    pub fn data_dir(mut self, data_dir: impl Into<PathBuf>) -> Self {
        self.data_dir = Some(data_dir.into());
        self
    }

    /// Whether anything is done at all. A client that is off keeps no lines, starts no thread, opens nothing and writes nothing.
    ///
    /// ```
    /// let client = healnode_client::Client::builder().enabled(!cfg!(debug_assertions)).build()?;
    /// # Ok::<(), healnode_client::BuildError>(())
    /// ```
    pub fn enabled(mut self, enabled: bool) -> Self {
        self.is_off = !enabled;
        self
    }

    /// Makes the client. Opens nothing; the background thread starts with the first error.
    ///
    /// # Errors
    /// When the repository is none, or an `auto_` setting lacks the one that it needs.
    pub fn build(self) -> Result<Client, BuildError> {
        let asks = self.asks()?;
        let lines_max = self.log_context_lines.unwrap_or(LOG_LINES_MAX).min(LOG_LINES_MAX);
        let origin = Origin { app: self.app, release: self.release, environment: self.environment, asks };
        let places = Places::find(self.socket, self.data_dir, |name| std::env::var_os(name));
        Ok(Client::new(Inner::new(!self.is_off, Ring::new(lines_max), origin, places)))
    }

    fn asks(&self) -> Result<Vec<(&'static str, String)>, BuildError> {
        if let Some(repo) = self.repo.as_deref().filter(|repo| !is_repo(repo)) {
            return Err(BuildError::Repo { repo: repo.to_owned() });
        }
        let is_on = |switch: Option<bool>| switch == Some(true);
        if is_on(self.auto_pr) && !is_on(self.auto_issue) {
            return Err(BuildError::PrWithoutIssue);
        }
        if is_on(self.auto_heal) && !is_on(self.auto_pr) {
            return Err(BuildError::HealWithoutPr);
        }
        let switches = [("asks.auto_issue", self.auto_issue), ("asks.auto_pr", self.auto_pr), ("asks.auto_heal", self.auto_heal)];
        let switches = switches.into_iter().filter_map(|(name, switch)| Some((name, switch?.to_string())));
        Ok(self.repo.iter().map(|repo| ("asks.repo", repo.clone())).chain(switches).collect())
    }
}

fn is_repo(text: &str) -> bool {
    let is_name = |name: &str| {
        let is_dots = name == "." || name == "..";
        (1..=100).contains(&name.len()) && !is_dots && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
    };
    text.split_once('/').is_some_and(|(owner, name)| is_name(owner) && is_name(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repository_is_owner_and_name() {
        for repo in ["", "shop", "acme/", "/shop", "acme/shop/x", "https://github.com/acme/shop", "acme/..", "a b/c"] {
            let error = Client::builder().repo(repo).build().map(drop);
            assert_eq!(error, Err(BuildError::Repo { repo: repo.to_owned() }));
        }
        assert!(Client::builder().repo("acme/shop.rs").build().is_ok());
    }

    #[test]
    fn a_switch_alone_says_which_one_it_needs() {
        assert_eq!(Client::builder().auto_pr(true).build().map(drop), Err(BuildError::PrWithoutIssue));
        assert_eq!(Client::builder().auto_issue(true).auto_heal(true).build().map(drop), Err(BuildError::HealWithoutPr));
        assert!(Client::builder().auto_issue(true).auto_pr(true).auto_heal(true).build().is_ok());
        assert!(Client::builder().auto_pr(false).build().is_ok());
    }
}
