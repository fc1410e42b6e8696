//! How far a check goes: how many nodes, how many of each fault, and until when.

use std::time::Duration;

/// What is checked.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Bounds {
    /// How many nodes there are. Each is given one critical report of the same error, so that each wants to file it at once.
    pub nodes: u8,
    /// How many faults there may be, in all nodes together.
    pub faults: Faults,
    /// Whether the first node begins cut off from the others.
    pub split: bool,
    /// Whether the last node counts by the next version of the algorithm, which the others do not know.
    pub mixed: bool,
    /// Whether the forge has a lease.
    pub leased: bool,
    /// Whether what is under way arrives before anything else happens, unless it is late: a run, and the answer to a call that took effect.
    /// Otherwise all orders are possible without a fault.
    pub prompt: bool,
    /// How often the nodes look over what is due. What one of them put off comes up again then.
    pub bundle_interval: Duration,
    /// When exploring ends. What comes after it, in each state, is the faultless continuation.
    pub horizon: Duration,
    /// After how long without a word a node counts as gone.
    pub presence_timeout: Duration,
    /// What is broken on purpose.
    pub defect: Option<Defect>,
}

/// How many of each fault there may be.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Faults {
    /// Nodes that die. Each may start again from its disk at any later time.
    pub crashes: u8,
    /// Calls to the forge that are lost on the way, or whose answer is.
    pub lost_calls: u8,
    /// Calls that take longer than nothing: while one does, time passes. The caller gives up after 30 s.
    pub late_calls: u8,
    /// Lists that lack an issue created just now.
    pub stale_lists: u8,
    /// Runs that do not arrive.
    pub lost_runs: u8,
    /// Runs that arrive late: while they are on their way, time passes.
    pub late_runs: u8,
    /// Runs that arrive twice.
    pub doubled_runs: u8,
    /// Times that the first node is cut off from the others. Each may be mended at any later time.
    pub cuts: u8,
}

/// Something that is left out on purpose, to see that the check notices.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Defect {
    /// The forge gives the lease to everybody.
    LeaseForAll,
    /// A look never finds anything.
    BlindLook,
    /// A lease is not renewed as long as anything is left of it, and a create is sent with however little.
    LeaseToTheLastMoment,
    /// A lease is given back as if no create were in doubt, and its record does not name issues that were found.
    CarelessRelease,
    /// A node that restarts does not remember that it may have sent a create.
    ForgottenIntent,
}

impl Bounds {
    /// Nodes that hear each other, a forge with a lease, no faults, five minutes.
    pub fn new(nodes: u8) -> Self {
        Self {
            nodes,
            faults: Faults::default(),
            split: false,
            mixed: false,
            leased: true,
            prompt: false,
            bundle_interval: Duration::from_secs(120),
            horizon: Duration::from_secs(290),
            presence_timeout: Duration::from_secs(24 * 3600),
            defect: None,
        }
    }
}

/// Returns what is checked when there are ten minutes, each with a name.
pub fn large_bounds() -> Vec<(&'static str, Bounds)> {
    let none = Faults::default();
    let alone = Faults { crashes: 1, lost_calls: 1, late_calls: 1, stale_lists: 1, ..none };
    let prompt = |nodes, faults| Bounds { faults, prompt: true, ..Bounds::new(nodes) };
    let split = |nodes, faults| Bounds { split: true, ..prompt(nodes, faults) };
    let any_order = |faults| Bounds { faults, ..Bounds::new(2) };
    let leaseless = Bounds { leased: false, bundle_interval: Duration::from_secs(30), ..prompt(1, alone) };
    let forgetful = Bounds { presence_timeout: Duration::from_secs(40), ..prompt(2, Faults { crashes: 1, ..none }) };
    let three_crash = Bounds { horizon: Duration::from_secs(150), ..prompt(3, Faults { crashes: 1, ..none }) };
    vec![
        ("1 node: crash, lost, late call, stale list", prompt(1, alone)),
        ("1 node: the same without a lease", leaseless),
        ("2 nodes, any order: lost call", any_order(Faults { lost_calls: 1, ..none })),
        ("2 nodes, any order: cut", any_order(Faults { cuts: 1, ..none })),
        ("2 nodes, any order: crash", any_order(Faults { crashes: 1, ..none })),
        (
            "2 nodes: lost call; lost, late, doubled run",
            prompt(2, Faults { lost_calls: 1, lost_runs: 1, late_runs: 1, doubled_runs: 1, ..none }),
        ),
        ("2 nodes: crash, lost run", prompt(2, Faults { crashes: 1, lost_runs: 1, ..none })),
        ("2 nodes: crash, lost call", prompt(2, Faults { crashes: 1, lost_calls: 1, ..none })),
        ("2 nodes that forget each other: crash", forgetful),
        ("2 nodes, split: lost, late call, stale list", split(2, Faults { lost_calls: 1, late_calls: 1, stale_lists: 1, ..none })),
        ("3 nodes: cut", prompt(3, Faults { cuts: 1, ..none })),
        ("3 nodes: lost call, lost run", prompt(3, Faults { lost_calls: 1, lost_runs: 1, ..none })),
        ("3 nodes, split: late call, stale list", split(3, Faults { late_calls: 1, stale_lists: 1, ..none })),
        ("3 nodes, 150 s: crash", three_crash),
        ("2 nodes, 2 versions: cut, lost call", Bounds { mixed: true, ..prompt(2, Faults { cuts: 1, lost_calls: 1, ..none }) }),
        (
            "3 nodes, 2 versions, split: late call, stale list",
            Bounds { mixed: true, ..split(3, Faults { late_calls: 1, stale_lists: 1, ..none }) },
        ),
    ]
}
