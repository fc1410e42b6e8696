//! One forge, of whichever kind the configuration names.
//!
//! Whoever owns a [`Forge`] calls it, one call after the other: that is the queue which GitHub asks for. The two kinds keep one contract;
//! `tests/contract.rs` runs over both.

use healnode_core::{ForgeCall, ForgeHealth, ForgeReply, merge_body};

use crate::{GitHub, Outbox};

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

    /// Finds out whether issues can be filed, and prepares what filing needs: at the start, and after each reply that is not a success.
    pub async fn check(&mut self) -> ForgeHealth {
        match self {
            Forge::Outbox(outbox) => outbox.check().await,
            Forge::GitHub(github) => github.check().await,
        }
    }

    /// Takes over what the previous forge of the same configuration knew: what it sent when, how long GitHub wants silence, and how many
    /// issues there were. For a forge that is set up anew, as after a refused token, so that it does not start by hurrying.
    pub fn inherit(&mut self, previous: Forge) {
        if let (Forge::GitHub(github), Forge::GitHub(previous)) = (self, previous) {
            github.inherit(*previous);
        }
    }

    /// Returns what this forge is. The repository's name is the one it was last known by.
    pub fn describe(&self) -> ForgeDescription {
        match self {
            Forge::Outbox(outbox) => ForgeDescription { kind: "outbox", repo: outbox.dir().display().to_string() },
            Forge::GitHub(github) => ForgeDescription { kind: "github", repo: github.repo().to_string() },
        }
    }
}

/// Returns the body of an issue with healnode's own part renewed; nothing when that changes nothing.
pub(crate) fn changed_body(existing: &str, written: &str) -> Option<String> {
    let merged = merge_body(existing, written);
    // A browser that edits an issue sends it back with other line ends; they alone are no change.
    (merged != existing.replace("\r\n", "\n")).then_some(merged)
}
