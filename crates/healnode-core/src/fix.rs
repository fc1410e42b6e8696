//! A fix: what the core asks of the edge that looks for one, stage by stage, and what that edge may answer.
//!
//! The edge works in a copy of the repository and never publishes. Whether a fix is looked for, by which node, and what becomes of it is
//! decided in `node/fixing.rs`; how a copy is made, guarded and judged is `healnode-fixer`'s.

use std::fmt;

use healnode_report::{Fingerprint, Report, UnixMillis};
use serde::{Deserialize, Serialize};

use crate::{IssueNumber, PullRequest};

/// The stages of a fix, in their order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FixStage {
    /// May a fix be looked for at all?
    Gate,
    /// This node says that it does it.
    Claim,
    /// A fresh work copy is made of the repository.
    Checkout,
    /// The places in the code that the error names are found.
    Context,
    /// The repository's own tests, before.
    TestsBefore,
    /// The fixer changes files.
    Fixer,
    /// What it changed is held against what may be changed.
    DiffPolicy,
    /// The repository's own tests, after.
    TestsAfter,
    /// The fix goes into the draft pull request.
    Publish,
}

/// What became of one stage.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct StageRecord {
    /// Which stage.
    pub stage: FixStage,
    /// Which round of the fixer, from 1; 0 for stages that come once.
    #[serde(default)]
    pub round: u8,
    /// When it ended.
    pub at: UnixMillis,
    /// How long it took, in milliseconds.
    pub took_ms: u64,
    /// Whether it passed.
    pub passed: bool,
    /// One sentence of healnode's own, at most [`STAGE_NOTE_BYTES_MAX`](crate::limits::STAGE_NOTE_BYTES_MAX) bytes.
    pub note: String,
}

/// How far a job goes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum FixDepth {
    /// As far as the context: what a person needs to begin.
    Guidance,
    /// As far as a proposal.
    Proposal,
}

/// One job for the edge. It is answered by one [`Input::Fixed`](crate::Input::Fixed).
#[derive(Clone, PartialEq, Debug)]
pub struct FixJob {
    /// The error.
    pub fingerprint: Fingerprint,
    /// How far to go.
    pub depth: FixDepth,
    /// Its issue, if it has one.
    pub issue: Option<IssueNumber>,
    /// One whole report of it, redacted.
    pub sample: Box<Report>,
    /// Occurrences across the mesh.
    pub occurrences: u64,
}

/// What came of a job.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct FixOutcome {
    /// What a person needs to begin, if the context was found.
    pub guidance: Option<Guidance>,
    /// How it ended.
    pub ending: FixEnding,
}

/// How a job ended.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum FixEnding {
    /// It was for guidance only.
    Guided,
    /// There is something to propose.
    Proposed(Box<Proposal>),
    /// There is not.
    Failed(FixFailure),
}

/// Why there is nothing to propose.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct FixFailure {
    /// Where it ended.
    pub stage: FixStage,
    /// One sentence of healnode's own, without secrets and without text of strangers.
    pub why: String,
    /// What the fixer had to say all the same.
    pub answer: Option<FixAnswer>,
    /// Whether nothing is wrong with the error or the repository: the same job may pass later, as when a model does not answer.
    pub passing: bool,
}

/// Where the error comes from, for whoever mends it.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
pub struct Guidance {
    /// The commit that was looked at, in full.
    pub commit: String,
    /// Places in the repository's own code, the innermost first, at most [`SUSPECTS_MAX`](crate::limits::SUSPECTS_MAX).
    pub suspects: Vec<Suspect>,
    /// Who owns the innermost of them by CODEOWNERS, as written there, at most [`OWNERS_MAX`](crate::limits::OWNERS_MAX).
    pub owners: Vec<String>,
}

/// One place in the code.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct Suspect {
    /// The file, from the root of the repository, with `/`.
    pub path: String,
    /// The line that the error names, from 1; 0 when it names none.
    pub line: u32,
    /// The function, as the error names it, or nothing.
    pub function: String,
    /// The number of the first line of `source`.
    pub first_line: u32,
    /// The lines around it, redacted, at most [`SUSPECT_SOURCE_BYTES_MAX`](crate::limits::SUSPECT_SOURCE_BYTES_MAX) bytes.
    pub source: String,
    /// Who changed the named line last, if that is known.
    pub changed: Option<LastChange>,
}

/// A commit that changed a line last.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct LastChange {
    /// The commit, in full.
    pub commit: String,
    /// Its author's name, without an address.
    pub author: String,
    /// When.
    pub at: UnixMillis,
    /// Its first line.
    pub subject: String,
}

/// What a fixer says about its fix: the four things that it is asked for. All of it is text of a stranger.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
pub struct FixAnswer {
    /// Why the error happens.
    pub root_cause: String,
    /// What was changed, and why that helps.
    pub changes: String,
    /// Which files, by its own word.
    pub files: Vec<String>,
    /// Test cases that would keep it from coming back.
    pub tests: Vec<String>,
}

/// A fix to propose.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Proposal {
    /// The commit that it was made against, in full.
    pub base: String,
    /// What changes, at most [`CHANGED_FILES_MAX`](crate::limits::CHANGED_FILES_MAX).
    pub changes: Vec<FileChange>,
    /// The same as a unified diff, clipped to [`DIFF_BYTES_MAX`](crate::limits::DIFF_BYTES_MAX) bytes.
    pub diff: String,
    /// What the fixer says.
    pub answer: FixAnswer,
    /// The repository's own tests before and after, if they are configured.
    pub tests: Option<TestPair>,
    /// What that shows.
    pub verdict: Verdict,
    /// Which fixer, with its version or model.
    pub fixer: String,
    /// Rounds that it took, from 1.
    pub rounds: u8,
    /// How long all of it took, in milliseconds.
    pub took_ms: u64,
    /// What a reviewer should know: tests that were changed, lines that open the network or run commands, a sandbox that this machine lacks.
    pub remarks: Vec<String>,
}

/// One changed file. Links, submodules and executable bits are never changed.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct FileChange {
    /// The file, from the root of the repository, with `/`.
    pub path: String,
    /// Its content; nothing when it is deleted.
    pub content: Option<Vec<u8>>,
    /// Whether it was executable before, and stays so.
    pub executable: bool,
}

/// The same tests, before and after.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct TestPair {
    /// Before.
    pub before: TestRun,
    /// After.
    pub after: TestRun,
}

/// One run of the repository's own tests.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
pub struct TestRun {
    /// Whether the command ended with 0.
    pub passed: bool,
    /// How it ended, in words: `exit 1`, `signal 9`, `stopped after 300 s`.
    pub ending: String,
    /// Names of failing tests, where they could be told, at most [`FAILING_TESTS_MAX`](crate::limits::FAILING_TESTS_MAX).
    pub failing: Vec<String>,
    /// The end of its output, redacted, at most [`TEST_TAIL_BYTES_MAX`](crate::limits::TEST_TAIL_BYTES_MAX) bytes.
    pub tail: String,
}

/// What the tests say of a fix.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// A test that failed before passes, and none that passed before fails.
    Verified,
    /// Nothing that passed before fails; nothing shows that the error is gone.
    NotRegressed,
    /// Something fails that passed before, or what failed before still does.
    Failed,
}

/// How far a node is with a fix, and what it knows of the pull request.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FixNote {
    /// Whether the node works on it.
    pub step: FixStep,
    /// The pull request that the node knows of.
    pub pull: Option<KnownPull>,
    /// Fixes that the node has looked for on its own account, not at a person's word.
    pub attempts: u8,
    /// What came of the last one.
    pub last: Option<FixSummary>,
}

/// How far a node is with a fix.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize)]
pub enum FixStep {
    /// It does not work on it.
    #[default]
    Idle,
    /// It looks for a fix, or is about to publish one.
    Working,
}

/// What one node knows of a pull request.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KnownPull {
    /// It; nothing where the repository allows no drafts and a comment was left instead.
    pub pull: Option<PullRequest>,
    /// Of which issue.
    pub issue: IssueNumber,
    /// When this was said. Of several nodes' word the latest counts.
    pub at: UnixMillis,
}

/// What came of a fix, in short.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FixSummary {
    /// When it ended.
    pub at: UnixMillis,
    /// What the tests say of it.
    pub verdict: Verdict,
    /// The stage in which it ended.
    pub stage: FixStage,
    /// Whether it is in the pull request.
    pub published: bool,
    /// Whether it failed for a reason that may pass, as when a model does not answer.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub passing: bool,
}

/// What a node keeps of the last fix that it looked for: the stages, and the result.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
pub struct FixLog {
    /// When it began.
    pub began: UnixMillis,
    /// Whether nothing of it was to be published.
    pub dry_run: bool,
    /// Whether a person asked for it.
    #[serde(default)]
    pub asked: bool,
    /// Whether it was begun again after this node stopped in the middle of it.
    #[serde(default)]
    pub taken_up: bool,
    /// Whether this node stopped in the middle of it, and it was not begun again.
    #[serde(default)]
    pub interrupted: bool,
    /// Whether it goes on.
    pub running: bool,
    /// The stages so far, at most [`STAGE_RECORDS_MAX`](crate::limits::STAGE_RECORDS_MAX).
    pub stages: Vec<StageRecord>,
    /// What the fixer says.
    pub answer: Option<FixAnswer>,
    /// What it changed, as a unified diff.
    pub diff: String,
    /// The tests before and after.
    pub tests: Option<TestPair>,
    /// What that shows.
    pub verdict: Option<Verdict>,
    /// Which fixer, with its version or model.
    pub fixer: String,
    /// What a reviewer should know.
    pub remarks: Vec<String>,
}

impl fmt::Display for FixStage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            FixStage::Gate => "gate",
            FixStage::Claim => "claim",
            FixStage::Checkout => "checkout",
            FixStage::Context => "context",
            FixStage::TestsBefore => "tests-before",
            FixStage::Fixer => "fixer",
            FixStage::DiffPolicy => "diff-policy",
            FixStage::TestsAfter => "tests-after",
            FixStage::Publish => "publish",
        })
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Verdict::Verified => "verified",
            Verdict::NotRegressed => "not-regressed",
            Verdict::Failed => "failed",
        })
    }
}
