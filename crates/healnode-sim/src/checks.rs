//! What must hold, looked at from outside: after every effect what is cheap, at every checkpoint what is not.
//!
//! A check never stops a run; it writes down what is wrong, in a sentence, and the run goes on to its end.

use std::collections::BTreeMap;

use healnode_core::limits::{PAGE_BYTES_MAX, RUN_BYTES_MAX, STATEMENT_BYTES_MAX};
use healnode_core::{Body, Digest, Effect, Epoch, Fingerprint, Millis, NodeId, Record, Run, Seq, Signed, SyncResponse};

use crate::excuses::Excuses;
use crate::load::{CANARY, Load};
use crate::machine::Machine;
use crate::network::Place;

/// Violations that are written out; further ones are only counted.
const WRITTEN_MAX: usize = 20;

/// The checks and what they found.
pub(crate) struct Checks {
    pub(crate) written: Vec<String>,
    pub(crate) violations: u64,
    places: BTreeMap<NodeId, Vec<Place>>,
    /// The number of the last statement of each origin and epoch.
    said: BTreeMap<(NodeId, Epoch), Seq>,
    /// What each origin last said of a count, and under which number.
    counts_said: BTreeMap<(NodeId, Fingerprint, Epoch), (Seq, u64)>,
    /// What each node last showed of a count.
    counts_shown: Vec<BTreeMap<Fingerprint, u64>>,
}

impl Checks {
    pub(crate) fn new(machines: &[Machine]) -> Self {
        let mut places = BTreeMap::<NodeId, Vec<Place>>::new();
        for (place, machine) in machines.iter().enumerate() {
            places.entry(machine.id).or_default().push(place);
        }
        Self {
            written: Vec::new(),
            violations: 0,
            places,
            said: BTreeMap::new(),
            counts_said: BTreeMap::new(),
            counts_shown: vec![BTreeMap::new(); machines.len()],
        }
    }

    pub(crate) fn violated(&mut self, now: Millis, what: impl FnOnce() -> String) {
        self.violations += 1;
        if self.written.len() < WRITTEN_MAX {
            self.written.push(format!("at {now:?}: {}", what()));
        }
    }

    /// Looks at one effect before it happens.
    pub(crate) fn effect(&mut self, now: Millis, machine: &Machine, effect: &Effect, load: &Load, excuses: &Excuses) {
        match effect {
            Effect::Store(Record::Statement(signed)) => self.statement(now, machine, signed, load, excuses),
            Effect::Store(Record::Counter { .. } | Record::Sample(_) | Record::FixLog { .. })
            | Effect::Fix { .. }
            | Effect::Forge { .. }
            | Effect::Note(_) => self.secrecy(now, effect),
            Effect::Publish(run) => self.published(now, machine, run),
            Effect::Answer { response: SyncResponse::Page { runs, .. }, .. } => self.page(now, runs),
            Effect::Store(
                Record::Heard { .. }
                | Record::EventId { .. }
                | Record::SeqReserved(_)
                | Record::Intent { .. }
                | Record::IntentSettled { .. }
                | Record::Rate { .. }
                | Record::Deploy(_)
                | Record::ForgetStatement { .. }
                | Record::ForgetFingerprint(_),
            )
            | Effect::Ask { .. }
            | Effect::Answer { response: SyncResponse::Same | SyncResponse::Differs { .. }, .. }
            | Effect::Acknowledge { .. }
            | Effect::Rollback { .. }
            | Effect::FetchSample { .. }
            | Effect::WakeAt { .. } => {}
        }
    }

    fn secrecy(&mut self, now: Millis, effect: &Effect) {
        if format!("{effect:?}").contains(CANARY) {
            self.violated(now, || "a secret left its node".to_owned());
        }
    }

    fn statement(&mut self, now: Millis, machine: &Machine, signed: &Signed, load: &Load, excuses: &Excuses) {
        let statement = &signed.statement;
        let source = (statement.origin, statement.epoch);
        if statement.origin == machine.id && statement.epoch == machine.epoch() {
            self.own_statement(now, source, signed, excuses.cloned.contains(&source.0));
        } else if self.said.get(&source).is_none_or(|last| statement.seq > *last) {
            self.violated(now, || format!("{:?} holds a statement that {:?} never made", machine.id, statement.origin));
        }
        let Body::Tally { fingerprint, tally } = &statement.body else { return };
        let Some(places) = self.places.get(&statement.origin) else { return };
        let sent: u64 = places.iter().map(|place| load.sent_to(*fingerprint, *place)).sum();
        if tally.count > sent {
            self.violated(now, || format!("{:?} counts {} where {sent} were sent", statement.origin, tally.count));
        }
        let before = machine.disk.predecessor(signed).map(|before| &before.statement.body);
        if let Some(Body::Tally { tally: before, .. }) = before
            && before.count > tally.count
            && !excuses.cloned.contains(&statement.origin)
        {
            self.violated(now, || {
                format!("the count of {:?} fell from {} to {} at {:?}", statement.origin, before.count, tally.count, machine.id)
            });
        }
    }

    fn own_statement(&mut self, now: Millis, source: (NodeId, Epoch), signed: &Signed, cloned: bool) {
        let (seq, body) = (signed.statement.seq, &signed.statement.body);
        let returned = self.said.get(&source).is_some_and(|last| seq <= *last);
        if returned && !cloned {
            return self.violated(now, || format!("{:?} used the number {seq:?} again", source.0));
        }
        if format!("{body:?}").contains(CANARY) {
            self.violated(now, || "a secret was said".to_owned());
        }
        let said = self.said.entry(source).or_default();
        *said = seq.max(*said);
        if let Body::Tally { fingerprint, tally } = body {
            let last = self.counts_said.insert((source.0, *fingerprint, source.1), (seq, tally.count)).map_or(0, |(_, count)| count);
            if last > tally.count && !cloned {
                self.violated(now, || format!("{:?} said {last} and then {}", source.0, tally.count));
            }
        }
    }

    fn published(&mut self, now: Millis, machine: &Machine, run: &Run) {
        if run.origin != machine.id || run.epoch != machine.epoch() {
            self.violated(now, || format!("{:?} published as {:?}", machine.id, run.origin));
        }
        if self.said.get(&(run.origin, run.epoch)).is_none_or(|stored| run.through > *stored) {
            self.violated(now, || format!("{:?} published what it had not stored", machine.id));
        }
        let bytes: usize = run.statements.iter().map(Signed::size_estimate).sum();
        if bytes > RUN_BYTES_MAX && run.statements.len() > 1 {
            self.violated(now, || format!("a run takes {bytes} bytes"));
        }
    }

    fn page(&mut self, now: Millis, runs: &[Run]) {
        let bytes: usize = runs.iter().flat_map(|run| &run.statements).map(Signed::size_estimate).sum();
        if bytes > PAGE_BYTES_MAX + STATEMENT_BYTES_MAX {
            self.violated(now, || format!("a page takes {bytes} bytes"));
        }
    }

    /// Notes what the hostile peer has said, so that it may be stored.
    pub(crate) fn lied(&mut self, run: &Run) {
        self.said.insert((run.origin, run.epoch), run.through);
    }

    /// Looks at the counts that a node shows.
    pub(crate) fn shown(&mut self, now: Millis, place: Place, machine: &Machine, load: &Load, excuses: &Excuses) {
        let Some(process) = &machine.process else { return };
        for (fingerprint, count, _) in process.node.totals() {
            if !load.is_real(fingerprint) || excuses.count(load, fingerprint) {
                continue;
            }
            let most = load.truth(fingerprint).most;
            if count > most {
                self.violated(now, || format!("node {place} shows {count} where {most} were sent"));
            }
            let last = self.counts_shown[place].insert(fingerprint, count).unwrap_or(0);
            if last > count {
                self.violated(now, || format!("node {place} showed {last} and then {count}"));
            }
        }
    }

    /// Returns how much of what `origin` said of its count a node has heard without a gap, so that it hands it on.
    pub(crate) fn handed_on(&self, digest: &Digest, origin: NodeId, fingerprint: Fingerprint) -> u64 {
        let said = self.counts_said.range((origin, fingerprint, Epoch(0))..=(origin, fingerprint, Epoch(u64::MAX)));
        said.filter(|((_, _, epoch), (seq, _))| digest.heard(&(origin, *epoch)) >= *seq).map(|(_, (_, count))| count).sum()
    }

    /// Notes that a node lost its disk and may show less from now on.
    pub(crate) fn disk_lost(&mut self, place: Place) {
        self.counts_shown[place].clear();
    }
}
