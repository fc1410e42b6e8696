//! Everything a node can ask for.

use healnode_report::Fingerprint;

use crate::{CallId, Event, FixJob, ForgeCall, Millis, NodeId, Record, RollbackFacts, Run, SyncRequest, SyncResponse};

/// Everything a node can ask for, in the order in which it must happen.
#[derive(Clone, PartialEq, Debug)]
pub enum Effect {
    /// Keep this. It is durable before any later effect of the same input leaves.
    Store(Record),
    /// Tell every peer. May be lost; anti-entropy repairs that.
    Publish(Run),
    /// Ask one peer. Comes back as [`Input::Answered`](crate::Input::Answered), also when nothing came back.
    Ask {
        /// Whom.
        to: NodeId,
        /// What.
        request: SyncRequest,
    },
    /// Answer a peer's question.
    Answer {
        /// The id of its [`Input::Asked`](crate::Input::Asked).
        id: CallId,
        /// The answer.
        response: SyncResponse,
    },
    /// Tell the application what became of its report.
    Acknowledge {
        /// The id of its [`Input::Captured`](crate::Input::Captured).
        id: CallId,
        /// What became of it.
        outcome: Outcome,
    },
    /// Do this on the forge. Comes back as [`Input::Forge`](crate::Input::Forge).
    Forge {
        /// The core's number for it.
        id: CallId,
        /// What to do.
        call: ForgeCall,
    },
    /// Run the operator's rollback command, or say that it would be run. Comes back as [`Input::RolledBack`](crate::Input::RolledBack). That it was
    /// asked for is kept before, and it is never asked for again.
    Rollback {
        /// The core's number for it.
        id: CallId,
        /// What the command is told.
        facts: Box<RollbackFacts>,
    },
    /// Get one whole report: from this node's own store, else from the holders in turn. Comes back as [`Input::Sample`](crate::Input::Sample).
    FetchSample {
        /// The core's number for it.
        id: CallId,
        /// Of which error.
        fingerprint: Fingerprint,
        /// Who has one, other than this node.
        holders: Vec<NodeId>,
    },
    /// Look for a fix, or for what helps a person to one. Its stages come back as [`Input::FixStage`](crate::Input::FixStage), its end as
    /// [`Input::Fixed`](crate::Input::Fixed). The driver runs one at a time, in the order in which they were asked for.
    Fix {
        /// The core's number for it.
        id: CallId,
        /// What to do.
        job: Box<FixJob>,
    },
    /// Send an [`Input::Tick`](crate::Input::Tick) at this time. Takes the place of the wake-up asked for before.
    WakeAt {
        /// When.
        at: Millis,
        /// For traces.
        why: &'static str,
    },
    /// Something that people may want to know of: for the log, metrics and the event stream.
    Note(Event),
}

/// What became of a report.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// It is counted, or was counted before under the same event id.
    Counted,
    /// It is not: the ledger holds as many fingerprints as it may.
    LedgerFull,
}
