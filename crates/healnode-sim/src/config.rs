//! What is simulated: how many nodes, for how long, and which faults.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use healnode_core::Policy;

/// From so many nodes on, pulls are spaced out, and from so many on presence as well, see [`Config::new`].
const MIDDLING: usize = 40;
const LARGE: usize = 200;

/// Issues that a mesh may create in a run: enough for all errors and all that a liar invents, or the errors would wait for longer than a run.
const MAX_PER_HOUR: usize = 150;

/// One scenario. With a seed it is a run.
#[derive(Clone, Debug)]
pub struct Config {
    /// Nodes, 1 to 1,000; more would leave no room among the origins that a ledger keeps.
    pub nodes: usize,
    /// Virtual minutes, at least 2; faults in the first half, then everything heals.
    pub minutes: u64,
    /// Different errors that the applications have.
    pub fingerprints: usize,
    /// Connections that each node opens; it is in about twice as many. Small meshes are full.
    pub neighbours: usize,
    /// What goes wrong.
    pub faults: Faults,
    /// Which forge.
    pub forge: ForgeKind,
    /// What the edge of every node leaves out, to see that a check notices.
    pub without: Option<Protection>,
    /// Whether the outcome tells the story of the run: strikes, filings, and everything about the forge.
    pub traced: bool,
    /// How the nodes decide. `may_file` is set per node.
    pub policy: Policy,
}

/// What keeps two nodes from creating at once.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ForgeKind {
    /// Every create makes an issue, as on GitHub, and one node at a time holds a lease.
    Leased,
    /// Every create makes an issue, and there is no lease.
    Plain,
    /// A create returns the issue that carries its marker, if there is one, as the outbox does under its lock.
    CreateIfAbsent,
}

/// Something that protects from second issues.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Protection {
    /// Only one node at a time holds the lease.
    OneHolder,
    /// Nothing is created with too little left of the lease.
    Guard,
    /// Creates whose outcome nobody recorded are looked for by the next holder.
    Doubts,
    /// Issues that the lease's record names are read by their number where a list lacks them.
    Record,
}

impl Protection {
    /// Returns whether a create goes out whatever is left of the lease, when this is left out.
    pub(crate) fn is_guard(self) -> bool {
        match self {
            Protection::OneHolder | Protection::Guard => true,
            Protection::Doubts | Protection::Record => false,
        }
    }
}

/// The faults that a run may have.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Faults(BTreeSet<Fault>);

/// A kind of fault. How often and how hard it strikes is in `plan.rs`, `network.rs` and `forge.rs`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Fault {
    /// Gossip does not reach some receivers.
    Loss,
    /// Gossip arrives twice.
    Repeat,
    /// Gossip arrives late, behind newer.
    Reorder,
    /// The mesh splits in two or three, for longer than connections live.
    Partition,
    /// One part hears another and is not heard.
    OneWay,
    /// A node is cut off, often for less than it takes to notice.
    Blip,
    /// A node is killed between two effects and comes back with its disk.
    Crash,
    /// A node is killed and comes back with an empty disk, sometimes with its clock set back.
    Wipe,
    /// A node stands still, with everything that waits for it, and goes on.
    Pause,
    /// Nodes start late.
    Join,
    /// A second machine runs with a copy of a node's disk and identity. In some runs.
    Clone,
    /// Clocks are wrong by up to an hour.
    Skew,
    /// One clock is wrong by years. In some runs.
    Years,
    /// Clocks are set while their node runs.
    Step,
    /// Old gossip is heard again, in any order.
    Replay,
    /// A peer tells lies. In some runs.
    Hostile,
    /// People close, open, delete, lock and mute issues, and copy markers into their own. In some runs.
    People,
    /// The forge's lists lag behind.
    Lag,
    /// The forge takes long to answer.
    Slow,
    /// The forge's answers are lost, before or after what they answer happened, or it happens after the caller gave up.
    Unclear,
    /// The forge refuses: rate limits and revoked tokens.
    Refuse,
    /// The forge is down for a while.
    Outage,
    /// Some nodes have no token.
    Tokenless,
    /// Creates take effect later than any lease lasts, which the design assumes they never do.
    Beyond,
}

const FAULTS: [(Fault, &str); 24] = [
    (Fault::Loss, "loss"),
    (Fault::Repeat, "repeat"),
    (Fault::Reorder, "reorder"),
    (Fault::Partition, "partition"),
    (Fault::OneWay, "one-way"),
    (Fault::Blip, "blip"),
    (Fault::Crash, "crash"),
    (Fault::Wipe, "wipe"),
    (Fault::Pause, "pause"),
    (Fault::Join, "join"),
    (Fault::Clone, "clone"),
    (Fault::Skew, "skew"),
    (Fault::Years, "years"),
    (Fault::Step, "step"),
    (Fault::Replay, "replay"),
    (Fault::Hostile, "hostile"),
    (Fault::People, "people"),
    (Fault::Lag, "lag"),
    (Fault::Slow, "slow"),
    (Fault::Unclear, "unclear"),
    (Fault::Refuse, "refuse"),
    (Fault::Outage, "outage"),
    (Fault::Tokenless, "tokenless"),
    (Fault::Beyond, "beyond"),
];

impl Config {
    /// Ten virtual minutes of `nodes` nodes with every fault that the design allows for, a bundle each minute, and a forge like GitHub with a
    /// lease.
    ///
    /// With 40 nodes or more a peer is asked every 3 s in place of each second. With 200 nodes or more a sign of life goes out every three minutes in place of every 15 s, a peer is asked every 30 s,
    /// and a busy count is said every second: at 1,000 nodes the default intervals cost 40,000,000 deliveries and 600,000 pulls of
    /// 48 KiB, which test patience and nothing else.
    pub fn new(nodes: usize) -> Self {
        let mut policy = Policy {
            may_file: true,
            auto_pr: true,
            auto_heal: true,
            fix_min_occurrences: 5,
            open_pulls_max: 0,
            bundle_interval: Duration::from_secs(60),
            max_per_hour: MAX_PER_HOUR,
            max_per_day: 0,
            ..Policy::default()
        };
        if nodes >= MIDDLING {
            policy.pull_interval = Duration::from_secs(3);
        }
        if nodes >= LARGE {
            policy.presence_interval = Duration::from_secs(180);
            policy.presence_timeout = Duration::from_secs(370);
            policy.pull_interval = Duration::from_secs(30);
            policy.flush_interval = Duration::from_secs(1);
        }
        let (faults, forge) = (Faults::all(), ForgeKind::Leased);
        Self { nodes, minutes: 10, fingerprints: 14, neighbours: 4, faults, forge, without: None, traced: false, policy }
    }
}

impl Faults {
    /// Returns no fault at all. Delays remain.
    pub fn none() -> Self {
        Self::default()
    }

    /// Returns every fault that the design allows for: all but [`Fault::Beyond`].
    pub fn all() -> Self {
        Self(FAULTS.iter().map(|(fault, _)| *fault).filter(|fault| *fault != Fault::Beyond).collect())
    }

    /// Returns these faults.
    pub fn of(faults: &[Fault]) -> Self {
        Self(faults.iter().copied().collect())
    }

    /// Returns these faults without one.
    pub fn without(mut self, fault: Fault) -> Self {
        self.0.remove(&fault);
        self
    }

    /// Returns these faults and one more.
    pub fn with(mut self, fault: Fault) -> Self {
        self.0.insert(fault);
        self
    }

    /// Returns whether a fault may strike.
    pub fn has(&self, fault: Fault) -> bool {
        self.0.contains(&fault)
    }

    /// Returns whether none of the faults can strike that may make a second issue: whoever files is alone, and is answered.
    pub fn leave_one_filer(&self) -> bool {
        let splitting = [
            Fault::Partition,
            Fault::OneWay,
            Fault::Blip,
            Fault::Crash,
            Fault::Wipe,
            Fault::Pause,
            Fault::Clone,
            Fault::Skew,
            Fault::Years,
            Fault::Step,
            Fault::Hostile,
            Fault::People,
            Fault::Beyond,
            Fault::Slow,
            Fault::Unclear,
            Fault::Refuse,
            Fault::Outage,
        ];
        !splitting.iter().any(|fault| self.has(*fault))
    }
}

/// The text names no fault; nothing was changed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct UnknownFault(String);

impl fmt::Display for UnknownFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = FAULTS.iter().map(|(_, name)| *name).collect();
        write!(f, "no fault is called {:?}; there are: all, none, {}", self.0, names.join(", "))
    }
}

impl std::error::Error for UnknownFault {}

impl FromStr for Faults {
    type Err = UnknownFault;

    /// Reads `all`, `none`, or names with commas between them; a name with a minus before it is taken out of those before it.
    fn from_str(text: &str) -> Result<Self, UnknownFault> {
        let mut faults = Self::none();
        for name in text.split(',').map(str::trim) {
            match name {
                "all" => faults = Self::all(),
                "none" => faults = Self::none(),
                _ => faults.take(name)?,
            }
        }
        Ok(faults)
    }
}

impl Faults {
    fn take(&mut self, name: &str) -> Result<(), UnknownFault> {
        let wanted = name.trim_start_matches('-');
        let Some((fault, _)) = FAULTS.iter().find(|(_, known)| *known == wanted) else { return Err(UnknownFault(name.to_owned())) };
        if name.starts_with('-') {
            self.0.remove(fault);
        } else {
            self.0.insert(*fault);
        }
        Ok(())
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = FAULTS.iter().filter(|(fault, _)| self.has(*fault)).map(|(_, name)| *name).collect();
        match names.len() {
            0 => f.write_str("none"),
            _ if *self == Self::all() => f.write_str("all"),
            _ => f.write_str(&names.join(",")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_read_by_name_and_written_back() {
        let read = |text: &str| text.parse::<Faults>().map(|faults| faults.to_string());
        assert_eq!(read("all"), Ok("all".to_owned()));
        assert_eq!(read("crash, loss"), Ok("loss,crash".to_owned()));
        assert_eq!(read("all,-wipe").map(|text| text.contains("wipe")), Ok(false));
        assert_eq!(read("fire"), Err(UnknownFault("fire".to_owned())));
    }
}
