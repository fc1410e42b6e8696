//! The node as a state machine: ledger, election, filing.
//!
//! One entry point, [`Node::handle`]: an [`Input`] comes in, [`Effect`]s go out, in the order in which they must happen. There is no I/O
//! here, no clock, no randomness and no hash order, so the same inputs always give the same effects; the simulator runs thousands of these
//! side by side in virtual time. Whoever drives a node keeps two promises: the records of one input ([`Effect::Store`]) are durable before
//! any other effect of it leaves the process, and of one captured report's records all are kept or none.

mod call;
mod deploy;
mod effect;
mod elect;
mod event;
mod exposure;
mod filing;
mod fix;
mod fix_gate;
mod input;
mod issue;
mod lease;
mod ledger;
pub mod limits;
mod node;
mod node_id;
mod pattern;
mod policy;
mod pull_request;
mod pulling;
mod rates;
mod record;
mod similar;
mod statement;
mod sync;
mod time;
mod view;

pub use call::{
    CloseReason, Closing, ForgeCall, ForgeHealth, ForgeReply, FoundIssue, IssueDraft, IssueNumber, IssueRef, Lease, MUTE_LABEL, Marker,
    QUIET_LABEL, Refusal, RefusalKind, Stated,
};
pub use deploy::{Deploy, Rollback, RollbackFacts, RollbackOutcome, RollbackPolicy};
pub use effect::{Effect, Outcome};
pub use event::{DropReason, Event};
pub use fix::{
    FileChange, FixAnswer, FixDepth, FixEnding, FixFailure, FixJob, FixLog, FixNote, FixOutcome, FixStage, FixStep, FixSummary, Guidance,
    KnownPull, LastChange, Proposal, StageRecord, Suspect, TestPair, TestRun, Verdict,
};
pub use healnode_report::{Admission, Algorithm, Algorithms, Fingerprint, Head, RawError, Report, Severity, UnixMillis};
pub use input::{CallId, Command, Input};
pub use issue::merge_body;
pub use lease::{LEASE_LEFT_MIN, LEASE_RENEWED_BELOW, LEASE_SECONDS, LeaseNonce, LeaseRecord, LeaseStep, lease_step};
pub use node::Node;
pub use node_id::{InvalidNodeId, NodeId};
pub use pattern::{Pattern, Usual};
pub use policy::Policy;
pub use pull_request::{
    BRANCH_PREFIX, BranchHead, COMMIT_TRAILER, FoundPull, Publication, PullCall, PullDraft, PullReply, PullRequest, PullState, branch,
    issue_of_branch,
};
pub use rates::Series;
pub use record::{Intent, Record, Snapshot};
pub use statement::{
    Baseline, Body, Epoch, Filed, FilingNote, FilingStep, Key, Mute, Presence, Run, Seq, Signature, Signed, Signer, Standing, Statement,
    Tally,
};
pub use sync::{Digest, Summary, SyncRequest, SyncResponse};
pub use time::{Millis, Now};
pub use view::{
    CountView, DeployView, ErrorState, ErrorView, FixOutcomes, FixState, FixView, FixedView, IssueView, IssuesView, PeerView, PullOutcomes,
    RollbackView, StatusView, TypeView, Why,
};
