//! Everything that can happen to a node.

use healnode_report::{Fingerprint, Report, UnixMillis};

use crate::{FixOutcome, ForgeHealth, ForgeReply, NodeId, RollbackOutcome, Run, StageRecord, SyncRequest, SyncResponse};

/// Ties an answer to what asked for it. Numbers of the core's own calls and of the driver's are counted apart.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Hash)]
pub struct CallId(pub u64);

/// Everything that can happen to a node. Nothing else can.
#[derive(Clone, PartialEq, Debug)]
pub enum Input {
    /// An application handed over an error. It is answered by one [`Effect::Acknowledge`](crate::Effect::Acknowledge) with the same id.
    Captured {
        /// The driver's number for it.
        id: CallId,
        /// The error, redacted.
        report: Box<Report>,
    },
    /// An origin published its newest statements. Their signatures are checked, and `run.origin` is who published them.
    Gossip(Run),
    /// A connection to this peer opened, and there was none before.
    PeerUp(NodeId),
    /// The last connection to this peer closed.
    PeerDown(NodeId),
    /// A peer asks. It is answered by one [`Effect::Answer`](crate::Effect::Answer) with the same id.
    Asked {
        /// The driver's number for it.
        id: CallId,
        /// What it asks.
        request: SyncRequest,
    },
    /// A peer answered an [`Effect::Ask`](crate::Effect::Ask); `None` when it did not, or not in time. Signatures are checked.
    Answered {
        /// Who was asked.
        from: NodeId,
        /// What came back.
        response: Option<SyncResponse>,
    },
    /// The forge answered an [`Effect::Forge`](crate::Effect::Forge).
    Forge {
        /// Which call.
        id: CallId,
        /// What it answered.
        reply: ForgeReply,
    },
    /// An [`Effect::Rollback`](crate::Effect::Rollback) ended.
    RolledBack {
        /// Which.
        id: CallId,
        /// What came of it.
        outcome: RollbackOutcome,
    },
    /// Whether filing is possible has changed.
    ForgeHealth(ForgeHealth),
    /// The answer to an [`Effect::FetchSample`](crate::Effect::FetchSample); `None` when no holder gave one.
    Sample {
        /// Which call.
        id: CallId,
        /// One whole report of the fingerprint.
        report: Option<Box<Report>>,
    },
    /// A stage of an [`Effect::Fix`](crate::Effect::Fix) ended.
    FixStage {
        /// Which job.
        id: CallId,
        /// What became of it.
        record: StageRecord,
    },
    /// An [`Effect::Fix`](crate::Effect::Fix) ended.
    Fixed {
        /// Which job.
        id: CallId,
        /// What came of it.
        outcome: Box<FixOutcome>,
    },
    /// A person's word.
    Operator(Command),
    /// A wake-up asked for by [`Effect::WakeAt`](crate::Effect::WakeAt). One too many does no harm.
    Tick,
}

/// What a person can tell a node.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Command {
    /// A release was deployed beside this node.
    Deploy {
        /// Which app; nothing for the one that this node stands beside.
        app: String,
        /// Which release.
        release: String,
    },
    /// Look for due errors at once, in place of at the next bundle.
    Flush,
    /// Do not file this fingerprint before `until`. A time in the past lifts an earlier mute.
    Mute {
        /// The error.
        fingerprint: Fingerprint,
        /// Until when.
        until: UnixMillis,
        /// Who said so.
        by: String,
    },
    /// Look for a fix of this fingerprint at once.
    Fix {
        /// The error.
        fingerprint: Fingerprint,
        /// Whether what is found goes into the draft pull request; otherwise it is only shown.
        publish: bool,
    },
}
