//! One forge, of whichever kind the configuration names.
//!
//! Whoever owns a [`Forge`] calls it, one call after the other: that is the queue which GitHub asks for. The two kinds keep one contract;
//! `tests/contract.rs` runs over both.

use std::time::Duration;

use healnode_core::{ForgeCall, ForgeHealth, ForgeReply, IssueNumber, Stated, merge_body};

use crate::{GitHub, Inspection, Outbox, Tidying};

/// Where issues are filed.
#[derive(Debug)]
pub enum Forge {
    /// A folder on this machine.
    Outbox(Outbox),
    /// A repository on GitHub or on a GitHub Enterprise server.
    GitHub(Box<GitHub>),
}

/// What a forge is, for `status` and `doctor`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ForgeDescription {
    /// `outbox` or `github`.
    pub kind: &'static str,
    /// `owner/name`, or the folder.
    pub repo: String,
    /// What keeps two nodes from creating at once.
    pub lease: LeaseDescription,
}

/// The lease on a forge, for `status` and `doctor`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LeaseDescription {
    /// `ref`, `label`, `lock` or `none`; nothing until it was first taken.
    pub kind: Option<&'static str>,
    /// For people: one sentence that says why that kind, and how to get a better one.
    pub why: String,
}

impl Forge {
    /// Carries out one call. Never fails: what a caller could do about a failure is in the reply.
    ///
    /// May wait for seconds to keep the pace that the forge asks for. Dropping the future while a create is under way leaves it unknown
    /// whether the issue exists, as after [`ForgeReply::Unclear`].
    pub async fn call(&mut self, call: ForgeCall) -> ForgeReply {
        match self {
            Forge::Outbox(outbox) => outbox.call(call).await,
            Forge::GitHub(github) => github.call(call).await,
        }
    }

    /// Looks at everything that filing depends on, without changing anything, for `doctor`. Nothing for a folder: [`check`](Self::check)
    /// tells all there is.
    pub async fn inspect(&mut self) -> Option<Inspection> {
        match self {
            Forge::Outbox(_) => None,
            Forge::GitHub(github) => Some(github.look_around().await),
        }
    }

    /// Looks through healnode's own branches for those that nobody needs any more: whose pull request is merged or closed, or that have none,
    /// and whose newest commit is healnode's and older than `older_than`. Deletes them if `delete`; else changes nothing. Nothing for a folder,
    /// which has no branches.
    pub async fn tidy_branches(&mut self, older_than: Duration, delete: bool) -> Option<Tidying> {
        match self {
            Forge::Outbox(_) => None,
            Forge::GitHub(github) => Some(github.tidy_branches(older_than, delete).await),
        }
    }

    /// Finds out whether issues can be filed, and prepares what filing needs: at the start, and after each reply that is not a success.
    pub async fn check(&mut self) -> ForgeHealth {
        match self {
            Forge::Outbox(outbox) => outbox.check().await,
            Forge::GitHub(github) => github.check().await,
        }
    }

    /// Takes over what the previous forge of the same configuration knew: what it sent when, how long GitHub wants silence, how many issues
    /// there were, and the lease. For a forge that is set up anew, as after a refused token, so that it does not start by hurrying.
    pub fn inherit(&mut self, previous: Forge) {
        if let (Forge::GitHub(github), Forge::GitHub(previous)) = (self, previous) {
            github.inherit(*previous);
        }
    }

    /// Returns what this forge is. The repository's name is the one it was last known by.
    pub fn describe(&self) -> ForgeDescription {
        match self {
            Forge::Outbox(outbox) => {
                let why = "The lock file in the folder lets one node at a time create issues.".to_owned();
                let lease = LeaseDescription { kind: Some("lock"), why };
                ForgeDescription { kind: "outbox", repo: outbox.dir().display().to_string(), lease }
            }
            Forge::GitHub(github) => ForgeDescription { kind: "github", repo: github.repo().to_string(), lease: github.describe_lease() },
        }
    }
}

/// Returns the body of an issue with healnode's own part renewed; nothing when that changes nothing, or would lower the count that the
/// issue names: another node has seen more.
pub(crate) fn changed_body(existing: &str, written: &str) -> Option<String> {
    let stated = |body| Stated::read(body).map(|stated| stated.occurrences);
    if stated(existing) > stated(written).or(Some(u64::MAX)) {
        return None;
    }
    let merged = merge_body(existing, written);
    // A browser that edits an issue sends it back with other line ends; they alone are no change.
    (merged != existing.replace("\r\n", "\n")).then_some(merged)
}

/// Reads `Duplicate of #7` at the start of a text.
pub(crate) fn duplicate_in(text: &str) -> Option<IssueNumber> {
    const WORDS: &str = "duplicate of #";
    let text = text.trim_start();
    let head = text.get(..WORDS.len())?;
    let digits: String = text[WORDS.len()..].chars().take_while(char::is_ascii_digit).collect();
    head.eq_ignore_ascii_case(WORDS).then(|| digits.parse().ok().map(IssueNumber)).flatten()
}
