//! What a node shows of itself: pure functions of its ledger and its filings. Field names are the contract of the status socket and of `--json`.

use std::collections::BTreeMap;

use healnode_report::{Fingerprint, Severity, UnixMillis};
use serde::{Deserialize, Serialize};

use crate::{FixAnswer, NodeId, Pattern, RollbackOutcome, StageRecord, TestPair, Verdict};

/// The node's part of `status`; the driver adds what only it knows.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct StatusView {
    /// This node.
    pub peer_id: NodeId,
    /// Other nodes that are live.
    pub peers: usize,
    /// Fingerprints in the ledger.
    pub signatures: usize,
    /// Occurrences of all of them, across the mesh.
    pub occurrences: u64,
    /// Whether this node can file, as it tells its peers.
    pub can_file: bool,
    /// Why it cannot, or nothing.
    pub cannot_file_why: String,
    /// Filings under way at this node.
    pub filings: usize,
    /// Pull requests on their way at this node.
    #[serde(default)]
    pub pulls: usize,
    /// Fixes under way at this node.
    #[serde(default)]
    pub fixes: usize,
    /// What became of healnode's own pull requests, across the mesh.
    #[serde(default)]
    pub pull_outcomes: PullOutcomes,
    /// What became of the fixes that were looked for, across the mesh.
    #[serde(default)]
    pub fix_outcomes: FixOutcomes,
    /// Statements that this node has published since it started.
    pub statements_published: u64,
    /// What was deployed last beside this node, if it was told.
    #[serde(default)]
    pub last_deploy: Option<DeployView>,
    /// What was dropped, by reason.
    pub dropped: BTreeMap<String, u64>,
    /// When due fingerprints are looked for next.
    pub next_bundle: UnixMillis,
    /// When they were looked for last; nothing before the first time since the node started.
    pub last_bundle: Option<UnixMillis>,
    /// What is in the ledger by severity, all four of them.
    pub by_severity: BTreeMap<Severity, CountView>,
    /// What is in the ledger by type of error: the [`TYPES_SHOWN_MAX`](crate::limits::TYPES_SHOWN_MAX) seen most often, most first.
    pub by_type: Vec<TypeView>,
    /// The types that are left out there, together.
    pub other_types: CountView,
    /// Occurrences by the node that saw them.
    pub by_node: BTreeMap<NodeId, u64>,
    /// Issues that are known.
    pub issues: IssuesView,
}

/// How much of something there is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct CountView {
    /// Fingerprints.
    pub signatures: usize,
    /// Occurrences of all of them.
    pub occurrences: u64,
}

/// One type of error.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct TypeView {
    /// Its name.
    pub error_type: String,
    /// Fingerprints.
    pub signatures: usize,
    /// Occurrences of all of them.
    pub occurrences: u64,
}

/// Issues that are known, by what was last seen of them.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct IssuesView {
    /// Those that are open.
    pub open: usize,
    /// Those that are closed.
    pub closed: usize,
}

impl CountView {
    pub(crate) fn add(&mut self, other: CountView) {
        self.signatures += other.signatures;
        self.occurrences = self.occurrences.saturating_add(other.occurrences);
    }
}

/// healnode's own pull requests by what people made of them, when last seen. Each counts once, however many errors share its issue.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct PullOutcomes {
    /// They wait for people.
    pub open: usize,
    /// A person took them in.
    pub merged: usize,
    /// A person closed them without taking them in.
    pub closed: usize,
}

/// The errors for which a fix was looked for, by what came of the last attempt. Dry runs are not among them.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct FixOutcomes {
    /// The fix went into the pull request, or the forge's own agent took the issue.
    pub published: usize,
    /// There was nothing to publish.
    pub failed: usize,
    /// Those of `published` for which a test, or the reproducer, failed before and passes with the fix.
    pub verified: usize,
}

/// One fingerprint across the mesh.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ErrorView {
    /// The error.
    pub fingerprint: Fingerprint,
    /// Its type.
    pub error_type: String,
    /// Its message, without what varies.
    pub message: String,
    /// The worst severity that any node gave it.
    pub severity: Severity,
    /// Occurrences, all told.
    pub occurrences: u64,
    /// Occurrences by node.
    pub nodes: BTreeMap<NodeId, u64>,
    /// Occurrences by release.
    pub releases: BTreeMap<String, u64>,
    /// When any node saw it first.
    pub first_seen: UnixMillis,
    /// When any node saw it last.
    pub last_seen: UnixMillis,
    /// What is noticed about it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub patterns: Vec<Pattern>,
    /// The last rollback that it led to on this node. Only where one error is shown, not in a list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollback: Option<RollbackView>,
    /// How far it is.
    pub state: ErrorState,
    /// Who files it, or would; nobody when no live node can.
    pub leader: Option<NodeId>,
    /// Its issue.
    pub issue: Option<IssueView>,
    /// Its pull request.
    pub pull_request: Option<IssueView>,
    /// Errors that are nearly this one, at most [`SIMILAR_MAX`](crate::limits::SIMILAR_MAX). Only where one error is shown, not in a list.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub similar: Vec<Fingerprint>,
    /// What became of the last fix. Only where one error is shown, not in a list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fix: Option<FixView>,
    /// How far it is from counting as fixed, once its issue is closed. Only where one error is shown, not in a list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fixed: Option<FixedView>,
}

/// The last fix of an error, as this node knows it: whole if it looked for it itself, else what the other one said.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct FixView {
    /// How far it is.
    pub state: FixState,
    /// Who looks for it, or did.
    pub node: Option<NodeId>,
    /// When this node began; 0 when another node did, or none.
    pub began: UnixMillis,
    /// Whether it was only to be shown.
    pub dry_run: bool,
    /// How often one was looked for without a person's asking, by all nodes together.
    pub attempts: u64,
    /// Why none is looked for by this node just now; nothing if one may be.
    pub blocked_by: Vec<String>,
    /// The stages so far.
    pub stages: Vec<StageRecord>,
    /// What the tests say of it.
    pub verdict: Option<Verdict>,
    /// What the fixer says.
    pub answer: Option<FixAnswer>,
    /// What it changed, as a unified diff; or nothing.
    pub diff: String,
    /// The tests before and after.
    pub tests: Option<TestPair>,
    /// Which fixer, with its version or model; or nothing.
    pub fixer: String,
    /// What a reviewer should know.
    pub remarks: Vec<String>,
}

/// How far a fix is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FixState {
    /// None was looked for.
    Idle,
    /// One is being looked for.
    Working,
    /// There is one to be looked at, and it is not in the pull request.
    Proposed,
    /// It is in the pull request, or the forge's own agent has the issue.
    Published,
    /// None was found.
    Failed,
    /// The node was stopped while it looked.
    Interrupted,
}

/// How long builds that may have the fix have run without the error.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct FixedView {
    /// When a build younger than the closing was seen first.
    pub since: UnixMillis,
    /// Whole hours since then.
    pub exposed_hours: u64,
    /// Occurrences that its former rate would have brought in that time, rounded down.
    pub expected: u64,
    /// Whether that is enough for the fix to count as holding, with a certainty of 95 %.
    pub verified: bool,
}

/// How far a fingerprint is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ErrorState {
    /// Not seen often enough.
    Counting,
    /// Seen often enough; somebody's turn to file it.
    Due,
    /// Somebody has claimed it.
    Filing,
    /// There is an issue.
    Filed,
    /// An operator silenced it.
    Muted,
    /// Not seen for long.
    Quiet,
    /// Seen again after its fix.
    Regressed,
}

/// An issue or a pull request.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct IssueView {
    /// Its number.
    pub number: u64,
    /// Where a person reads it.
    pub url: String,
    /// `open` or `closed`, when last seen; a pull request may be `merged` as well.
    pub state: String,
}

/// A deploy that this node was told of.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct DeployView {
    /// Which release.
    pub release: String,
    /// Of which app, or nothing.
    pub app: String,
    /// When this node was told.
    pub at: UnixMillis,
    /// The rollback that it led to.
    pub rollback: Option<RollbackView>,
}

/// A rollback that was asked for: what was done, and when.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct RollbackView {
    /// The error that it was asked for by.
    pub fingerprint: Fingerprint,
    /// The release that was deployed.
    pub release: String,
    /// When it was deployed.
    pub deployed_at: UnixMillis,
    /// When the rollback was asked for.
    pub asked_at: UnixMillis,
    /// When it ended; nothing while it is under way.
    pub ended_at: Option<UnixMillis>,
    /// What came of it; nothing while it is under way.
    pub outcome: Option<RollbackOutcome>,
    /// The same in words.
    pub said: String,
}

/// One other node.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct PeerView {
    /// Who.
    pub peer_id: NodeId,
    /// What it calls itself, or nothing. Anybody can call itself anything.
    #[serde(default)]
    pub name: String,
    /// Where it was reached; filled in by the driver.
    pub addresses: Vec<String>,
    /// Whether there is a connection to it.
    pub connected: bool,
    /// Seconds since a statement of its own last arrived; nothing if none did since this node started.
    pub last_heard_s: Option<u64>,
    /// Whether it says that it can file.
    pub can_file: bool,
    /// The version of its program, or nothing if it never said.
    pub version: String,
    /// Whether two nodes were seen to use this identity.
    pub cloned: bool,
    /// Whether what it says was seen lies more than a day ahead of this node's clock: one of the two clocks is wrong.
    pub clock_ahead: bool,
    /// Messages of its that were out of bounds or wrongly signed, lately; filled in by the driver.
    pub faults: u32,
}

/// Why a fingerprint is, or is not, filed.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Why {
    /// The error and all that is known about it.
    pub error: ErrorView,
    /// Occurrences that make it due.
    pub min_occurrences: u64,
    /// The nodes that could file it, in the order of their turns.
    pub candidates: Vec<NodeId>,
    /// This node's place among them, 0 first; nothing if it is not one.
    pub rank: Option<usize>,
    /// When something happens next, if that is known.
    pub next_at: Option<UnixMillis>,
    /// The answer, in sentences.
    pub reasons: Vec<String>,
}
