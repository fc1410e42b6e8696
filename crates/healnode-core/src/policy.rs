//! The knobs of the core, each with how to choose it.

use std::collections::BTreeSet;
use std::time::Duration;

use healnode_report::Algorithms;

use crate::{NodeId, RollbackPolicy};

/// How a node decides. The same on every node of a mesh, except for `may_file`, `rollback`, `auto_pr`, `auto_heal`, `fix_by_forge`, `allow`,
/// `app`, `name`, `version` and `algorithm`.
#[derive(Clone, PartialEq, Debug)]
pub struct Policy {
    /// Whether this node is configured to file issues. Without it the node still counts, shares and shows what it would file.
    pub may_file: bool,
    /// Whether a draft pull request follows each issue that this node looks after; only with `may_file`.
    pub auto_pr: bool,
    /// Whether this node looks for fixes on its own; only with `auto_pr`.
    pub auto_heal: bool,
    /// Whether the fix is left to the forge's own coding agent instead.
    pub fix_by_forge: bool,
    /// Label that a person has to put on the issue before a fix is looked for without being asked for; empty for none. Set it where nothing is
    /// to be spent on a fix, and no text of an error to reach a model, without a person's word.
    pub approval_label: String,
    /// Occurrences across the mesh before a fix is looked for. Higher than for an issue: 10, so that there is something to mend.
    pub fix_min_occurrences: u64,
    /// An error not seen for so long is not mended.
    pub fix_max_age: Duration,
    /// Fixes that this node looks for in a day; 0 for none but those that a person asks for.
    pub fix_max_per_day: usize,
    /// Open pull requests of healnode's beyond which no further ones are opened; 0 for no bound. People have to read them.
    pub open_pulls_max: usize,
    /// Whether this node tells what it would file, without filing it; only without `may_file`.
    pub dry_run: bool,
    /// The only origins whose statements count, besides this node's own; empty for all.
    pub allow: BTreeSet<NodeId>,
    /// Name of the deployment, for reports that carry none.
    pub app: String,
    /// What people call this node, for the presence statement; at most [`NAME_BYTES_MAX`](healnode_report::limits::NAME_BYTES_MAX) bytes.
    pub name: String,
    /// Version of the program, for the presence statement and the footer.
    pub version: String,
    /// The version of the algorithm that new errors are counted under, for the presence statement.
    pub algorithm: u16,
    /// Occurrences across the mesh that make a fingerprint due. At least 1; 3 keeps one-off hiccups out of the tracker.
    pub min_occurrences: u64,
    /// How often is looked for due fingerprints, at whole multiples of the wall clock so that all nodes look together. Shorter files sooner;
    /// longer bundles more.
    pub bundle_interval: Duration,
    /// More new fingerprints than this due at once become one issue.
    pub storm: usize,
    /// Issues that this node may create in an hour, less those that other nodes say to have created; 0 for no bound. What is due beyond it is put
    /// into lists, and waits when even those are too many.
    pub max_per_hour: usize,
    /// Issues that this node may create in a day, less those that other nodes say to have created; 0 for no bound.
    pub max_per_day: usize,
    /// After how long without an occurrence an open issue is labelled as quiet; zero for never. Longer for errors that are rare by nature.
    pub quiet_after: Duration,
    /// Whether an issue that has become quiet is closed as well.
    pub close_quiet: bool,
    /// Shortest time between two statements about one fingerprint. Shorter shows counts sooner; longer costs less traffic in a burst.
    pub flush_interval: Duration,
    /// How often a sign of life goes out. The presence time-out should be at least twice this.
    pub presence_interval: Duration,
    /// After how long without a statement of its own a peer no longer takes part in elections. Shorter replaces a silent leader sooner.
    pub presence_timeout: Duration,
    /// How often one peer is asked for what this node lacks.
    pub pull_interval: Duration,
    /// How long after its start a node takes no part in elections, so that it first hears who else is there.
    pub settle: Duration,
    /// How long a node of rank r waits, times r. Longer than a gossip round plus one filing.
    pub turn: Duration,
    /// How long a claim of a lower rank is respected without news. Longer than the last look after an unclear answer.
    pub claim_patience: Duration,
    /// How long a fingerprint without an open issue is kept after it was last seen.
    pub retention: Duration,
    /// When a rollback is asked for; nothing for never.
    pub rollback: Option<RollbackPolicy>,
    /// Labels of every issue.
    pub labels: Vec<String>,
    /// Label of issues of high and critical severity, besides the others; empty for none.
    pub priority_label: String,
    /// Labels of every pull request.
    pub pull_labels: Vec<String>,
}

impl Policy {
    /// Returns whether the forge's own agent opens the pull requests: one of healnode's beside it would be a second for the same.
    pub(crate) fn leaves_pulls_to_forge(&self) -> bool {
        self.auto_heal && self.fix_by_forge
    }
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            may_file: false,
            auto_pr: false,
            auto_heal: false,
            fix_by_forge: false,
            approval_label: String::new(),
            fix_min_occurrences: 10,
            fix_max_age: Duration::from_secs(14 * 24 * 3600),
            fix_max_per_day: 5,
            open_pulls_max: 10,
            dry_run: false,
            allow: BTreeSet::new(),
            app: String::new(),
            name: String::new(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            algorithm: Algorithms::BUILT_IN.current.version,
            min_occurrences: 3,
            bundle_interval: Duration::from_secs(15 * 60),
            storm: 10,
            max_per_hour: 10,
            max_per_day: 30,
            quiet_after: Duration::from_secs(14 * 24 * 3600),
            close_quiet: false,
            flush_interval: Duration::from_millis(200),
            presence_interval: Duration::from_secs(15),
            presence_timeout: Duration::from_secs(40),
            pull_interval: Duration::from_secs(1),
            settle: Duration::from_secs(2),
            turn: Duration::from_secs(20),
            claim_patience: Duration::from_secs(90),
            retention: Duration::from_secs(30 * 24 * 3600),
            rollback: None,
            labels: vec!["auto-generated".to_owned(), "bug".to_owned()],
            priority_label: "priority".to_owned(),
            pull_labels: vec!["auto-generated".to_owned(), "needs-review".to_owned()],
        }
    }
}
