//! What is demanded once everything has healed: agreement, and nothing left to do.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use healnode_core::{Epoch, Fingerprint, IssueNumber, Marker, Millis, NodeId, Now, Policy, Seq};

use crate::excuses::Excuses;
use crate::forge::{Forge, Issue};
use crate::load::Load;
use crate::machine::{Machine, Process};

/// Returns in how many rounds of pulls a statement must have reached everybody, if gossip brought it to nobody. Those who have it about double
/// in each, as each node asks one other; four more for the last few.
fn rounds(nodes: usize) -> u32 {
    4 + nodes.next_power_of_two().ilog2()
}

/// Since when the demands are met.
#[derive(Default)]
pub(crate) struct Demand {
    since: Option<Millis>,
    /// How far each origin was, a while before the end.
    heard: BTreeMap<(NodeId, Epoch), Seq>,
}

impl Demand {
    /// Takes note of whether everything was met at `now`.
    pub(crate) fn look(&mut self, now: Millis, unmet: Option<String>) {
        self.since = if unmet.is_some() { None } else { self.since.or(Some(now)) };
    }

    /// Returns since when everything has been met.
    pub(crate) fn since(&self) -> Option<Millis> {
        self.since
    }

    /// Shortly before the end, notes how far each origin is: so far everybody must have heard it in the end. A run that has healed for too
    /// short a time for that is not held to it.
    pub(crate) fn mark_heard(&mut self, machines: &[Machine], heal_at: Millis, end_at: Millis, now: Millis, pull_interval: Duration) {
        let wait_ms = u64::try_from((pull_interval * rounds(machines.len())).as_millis()).unwrap_or(u64::MAX).max(10_000);
        let mark_at = end_at.0.saturating_sub(wait_ms);
        if !self.heard.is_empty() || mark_at < heal_at.0 || now.0 < mark_at {
            return;
        }
        for machine in machines {
            let source = (machine.id, machine.epoch());
            if let Some(process) = &machine.process {
                self.heard.insert(source, process.node.digest().heard(&source));
            }
        }
    }

    /// Returns who has not heard whom, one sentence for each node that lacks anything.
    pub(crate) fn unheard(&self, machines: &[Machine], excuses: &Excuses) -> Vec<String> {
        if !excuses.cloned.is_empty() {
            return Vec::new();
        }
        let lacking = |machine: &Machine| {
            let Some(process) = &machine.process else { return Some(format!("{:?} is not running", machine.id)) };
            let digest = process.node.digest();
            let (source, seq) = self.heard.iter().find(|(source, seq)| digest.heard(source) < **seq)?;
            let place = machines.iter().position(|other| other.id == source.0).unwrap_or(usize::MAX);
            let heard = digest.heard(source);
            Some(format!("{:?} has heard node {place}, {:?} {:?}, up to {heard:?} of {seq:?}", machine.id, source.0, source.1))
        };
        machines.iter().filter_map(lacking).collect()
    }

    /// Returns how many fingerprints must have an issue.
    pub(crate) fn due(load: &Load, policy: &Policy) -> usize {
        load.errors().filter(|(fingerprint, critical)| is_due(load, policy, *fingerprint, *critical)).count()
    }

    /// Returns on how many fingerprints all nodes count alike and right.
    pub(crate) fn counts_agreed(machines: &[Machine], load: &Load, excuses: &Excuses) -> usize {
        let totals: Vec<BTreeMap<Fingerprint, u64>> = machines
            .iter()
            .filter_map(|machine| machine.process.as_ref())
            .map(|process| process.node.totals().map(|(fingerprint, count, _)| (fingerprint, count)).collect())
            .collect();
        let agreed = |fingerprint: Fingerprint| {
            let mut counts = totals.iter().map(|totals| totals.get(&fingerprint).copied().unwrap_or(0));
            let Some(first) = counts.next() else { return false };
            let truth = load.truth(fingerprint);
            (truth.least..=truth.most).contains(&first) && counts.all(|count| count == first)
        };
        load.errors().filter(|(fingerprint, _)| excuses.count(load, *fingerprint) || agreed(*fingerprint)).count()
    }

    /// Returns the first demand that is not met, in words.
    ///
    /// Where a disk was lost, nodes may differ in what its node said last: a gap that nobody is left to fill keeps what comes after it from
    /// spreading. Then counts may differ within the truth, and an issue must be known to somebody, not to everybody.
    pub(crate) fn first_unmet(
        machines: &[Machine],
        forge: &Forge,
        load: &Load,
        policy: &Policy,
        excuses: &Excuses,
        now: Millis,
    ) -> Option<String> {
        let agreed = Self::counts_agreed(machines, load, excuses);
        if !load.lost_a_disk() && agreed < load.errors().count() {
            return Some(format!("counts agree on {agreed} fingerprints only"));
        }
        if load.unacknowledged() > 0 {
            return Some(format!("{} reports are not acknowledged", load.unacknowledged()));
        }
        if let Some(number) = forge.redundant().first() {
            return Some(format!("{number} is open and says nothing that an older one does not"));
        }
        let known: BTreeSet<Fingerprint> = machines.iter().filter_map(|machine| machine.process.as_ref()).flat_map(knows).collect();
        let excused = |fingerprint: &Fingerprint| load.lost_a_disk() && known.contains(fingerprint);
        let may_be_seen = |markers: &[Marker]| !excuses.touched.iter().any(|touched| markers.contains(touched)) && excuses.lied.is_empty();
        let is_known = |markers: &[Marker]| known.iter().any(|fingerprint| markers.contains(&Marker::of(*fingerprint)));
        let wants = |issue: &&Issue| policy.auto_pr && may_be_seen(&issue.markers) && is_known(&issue.markers);
        if let Some(issue) = forge.without_pull().into_iter().find(wants) {
            return Some(format!("{} is open and has no pull request", issue.number));
        }
        machines.iter().find_map(|machine| unmet_at(machine, forge, load, policy, excuses, now, &excused))
    }
}

/// Returns the fingerprints that a node knows an issue for.
fn knows(process: &Process) -> impl Iterator<Item = Fingerprint> {
    process.node.totals().filter_map(|(fingerprint, _, issue)| issue.map(|_| fingerprint))
}

/// Looks at one node. What was lost with a disk may be too little to be due; then its issue need not be known any more.
fn unmet_at(
    machine: &Machine,
    forge: &Forge,
    load: &Load,
    policy: &Policy,
    excuses: &Excuses,
    now: Millis,
    excused: &impl Fn(&Fingerprint) -> bool,
) -> Option<String> {
    let Some(process) = &machine.process else { return Some(format!("{:?} is not running", machine.id)) };
    let shown: BTreeMap<Fingerprint, (u64, Option<IssueNumber>)> =
        process.node.totals().map(|(fingerprint, count, issue)| (fingerprint, (count, issue.map(|issue| issue.number)))).collect();
    for (fingerprint, critical) in load.errors() {
        let (count, known) = shown.get(&fingerprint).copied().unwrap_or((0, None));
        let truth = load.truth(fingerprint);
        let any_count = excuses.count(load, fingerprint);
        if !any_count && !(truth.least..=truth.most).contains(&count) {
            return Some(format!("{:?} counts {count} of {}, the truth is {truth:?}", machine.id, fingerprint.short()));
        }
        if excuses.lied.contains(&fingerprint) {
            continue;
        }
        let kept = forge.kept(Marker::of(fingerprint));
        if excuses.cloned.contains(&machine.id) {
            continue;
        }
        let due = is_due(load, policy, fingerprint, critical) && !any_count;
        let forgotten = known.is_none() && (!due || excused(&fingerprint));
        if excuses.is_touched(fingerprint) {
            if kept.is_some() && known != kept && !forgotten && excuses.cloned.is_empty() {
                return Some(format!(
                    "{:?} knows {known:?} for {}, the forge keeps {kept:?} that people touched",
                    machine.id,
                    fingerprint.short()
                ));
            }
            continue;
        }
        if known != kept && !forgotten {
            return Some(format!("{:?} knows {known:?} for {}, the forge keeps {kept:?}", machine.id, fingerprint.short()));
        }
        if kept.is_none() && due {
            return Some(format!("{} is due and has no issue", fingerprint.short()));
        }
        if kept.is_some() && !any_count && !critical && truth.most < policy.min_occurrences {
            return Some(format!("{} has an issue and is not due", fingerprint.short()));
        }
    }
    let filings = process.node.status(Now { mono: process.mono(now), wall: machine.wall(now) }).filings;
    (filings > 0 && excuses.lied.is_empty()).then(|| format!("{:?} has {filings} filings under way", machine.id))
}

fn is_due(load: &Load, policy: &Policy, fingerprint: Fingerprint, critical: bool) -> bool {
    let least = load.truth(fingerprint).least;
    least >= policy.min_occurrences || (critical && least > 0)
}
