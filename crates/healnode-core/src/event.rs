//! What a node tells people about itself. Only codes, ids and numbers: error text is somebody's data. The title of what a dry run would file is
//! the exception, because that is what somebody asked for.

use healnode_report::{Fingerprint, Severity};
use serde::Serialize;

use crate::{FixStage, IssueNumber, NodeId, RollbackOutcome};

/// Something that happened inside a node.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// A fingerprint was seen for the first time, here or on a peer.
    Appeared {
        /// The error.
        fingerprint: Fingerprint,
        /// How bad it is.
        severity: Severity,
    },
    /// A fingerprint became due.
    Due {
        /// The error.
        fingerprint: Fingerprint,
        /// Occurrences across the mesh.
        occurrences: u64,
        /// This node's place in the order of filing; 0 files first. `None` when it does not take part.
        rank: Option<usize>,
    },
    /// A release was deployed beside this node.
    Deployed {
        /// Which app, or nothing.
        app: String,
        /// Which release.
        release: String,
    },
    /// A deploy is to be rolled back, because of a critical error that came after it.
    RollbackAsked {
        /// The error.
        fingerprint: Fingerprint,
        /// Which app was deployed, or nothing.
        app: String,
        /// Which release.
        release: String,
    },
    /// A rollback ended, or was not run.
    RolledBack {
        /// The error that it was asked for by.
        fingerprint: Fingerprint,
        /// The release that was deployed.
        release: String,
        /// What came of it.
        outcome: RollbackOutcome,
    },
    /// A fingerprint became due in a dry run, so nothing is filed.
    WouldFile {
        /// The error.
        fingerprint: Fingerprint,
        /// The title that its issue would have.
        title: String,
    },
    /// This node has begun to file.
    Claimed {
        /// The error.
        fingerprint: Fingerprint,
    },
    /// An issue exists for the fingerprint.
    Filed {
        /// The error.
        fingerprint: Fingerprint,
        /// Which issue.
        issue: IssueNumber,
        /// Who says so.
        by: NodeId,
        /// Whether it was there already when this node looked.
        adopted: bool,
    },
    /// Filing did not go through; what happens next is in `why`.
    FilingDelayed {
        /// The error.
        fingerprint: Fingerprint,
        /// One sentence, from the forge's side.
        why: String,
    },
    /// Something new is known of the pull request of an issue.
    Pull {
        /// The error.
        fingerprint: Fingerprint,
        /// Its issue.
        issue: IssueNumber,
        /// Which pull request; nothing where a comment stands in its place.
        pull: Option<IssueNumber>,
        /// `open`, `merged`, `closed`, or `comment`.
        state: &'static str,
    },
    /// A pull request was put off.
    PullDelayed {
        /// The error.
        fingerprint: Fingerprint,
        /// One sentence.
        why: String,
    },
    /// This node has begun to look for a fix.
    FixBegan {
        /// The error.
        fingerprint: Fingerprint,
    },
    /// A fix has come to its end.
    FixEnded {
        /// The error.
        fingerprint: Fingerprint,
        /// The stage in which it ended.
        stage: FixStage,
        /// Whether that stage passed.
        passed: bool,
        /// Whether it is in the pull request.
        published: bool,
    },
    /// Builds with the fix have been exposed long enough without the error.
    FixVerified {
        /// The error.
        fingerprint: Fingerprint,
        /// Its issue.
        issue: IssueNumber,
    },
    /// A second issue for the same fingerprint was closed.
    DuplicateClosed {
        /// The one that was closed.
        issue: IssueNumber,
        /// The one that stays.
        of: IssueNumber,
    },
    /// Two statements with one number: somebody runs a copy of this identity.
    ClonedIdentity {
        /// Whose identity.
        origin: NodeId,
    },
    /// Whether this node can file has changed.
    CanFile {
        /// Whether it can.
        can_file: bool,
        /// Why not, or nothing.
        why: String,
    },
    /// Something was dropped.
    Dropped {
        /// Why.
        reason: DropReason,
    },
}

/// Why something was dropped. Each has a counter in `status`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DropReason {
    /// A report with an event id that was counted already.
    RepeatedEvent,
    /// The ledger holds as many fingerprints as it may.
    LedgerFull,
    /// A peer has more statements than it may.
    OriginFull,
    /// There are more origins than are kept.
    TooManyOrigins,
    /// A statement of an origin that is not on the allow-list.
    NotAllowed,
    /// A statement whose text or numbers are outside their bounds.
    OutOfBounds,
}

impl DropReason {
    /// Returns the name under which it is counted.
    pub fn code(self) -> &'static str {
        match self {
            DropReason::RepeatedEvent => "repeated_event",
            DropReason::LedgerFull => "ledger_full",
            DropReason::OriginFull => "origin_full",
            DropReason::TooManyOrigins => "too_many_origins",
            DropReason::NotAllowed => "not_allowed",
            DropReason::OutOfBounds => "out_of_bounds",
        }
    }
}
