//! What a node notices about errors: feeds the rates, asks for patterns, and has an error with an urgent one filed at once.
//!
//! What counts as a pattern is decided in `pattern.rs` and its parts; here they are only given what they look at.

use healnode_report::{Fingerprint, UnixMillis};

use crate::ledger::{Entry, Ledger, Source};
use crate::limits::TOGETHER_COMPARED_MAX;
use crate::pattern::release::Releases;
use crate::pattern::together::{is_comparable, together};
use crate::pattern::{spike::spike, spreading::spreading};
use crate::rates::{Growth, Rates};
use crate::{Body, Effect, Now, Pattern, Record, Snapshot};

/// What patterns are noticed in.
#[derive(Clone, Hash, Default)]
pub(super) struct Noticing {
    rates: Rates,
    releases: Releases,
}

/// How far an origin's count was before a statement.
#[derive(Clone, Copy)]
pub(super) struct Former {
    count: u64,
    last_seen: UnixMillis,
}

impl Former {
    /// The same count, of a node that says at once what it sees: whatever it grows by happened at `at`.
    pub(super) fn until(self, at: UnixMillis) -> Self {
        Self { last_seen: at, ..self }
    }
}

/// Errors that come and go, with the windows in which they were seen.
type Comers = Vec<(Fingerprint, u64)>;

impl Noticing {
    /// Takes up the rates that were kept, and what the ledger shows.
    pub(super) fn new(snapshot: &mut Snapshot, ledger: &Ledger, wall: UnixMillis) -> Self {
        let mut releases = Releases::default();
        ledger.entries().flat_map(|(_, entry)| entry.tallies()).for_each(|(_, tally)| releases.note(tally));
        Self { rates: Rates::new(std::mem::take(&mut snapshot.rates), ledger, wall), releases }
    }

    pub(super) fn forget(&mut self, fingerprint: &Fingerprint) {
        self.rates.forget(fingerprint);
    }

    fn comers(&self, wall: UnixMillis) -> Comers {
        let latest = self.rates.latest().map(|(fingerprint, series)| (*fingerprint, series.windows_until(wall)));
        latest.filter(|(_, windows)| is_comparable(*windows)).take(TOGETHER_COMPARED_MAX).collect()
    }

    fn patterns(&self, wall: UnixMillis, fingerprint: &Fingerprint, entry: &Entry, comers: &Comers) -> Vec<Pattern> {
        let series = self.rates.get(fingerprint);
        let spike = series.and_then(|series| spike(&series.hours_until(wall)));
        let spike = spike.map(|(hour, usual)| Pattern::Spike { hour: hour.into(), usual });
        let app = entry.head().map_or("", |head| &head.app);
        let release = self.releases.new_in(app, &entry.releases(), entry.occurrences());
        let spreading = spreading(entry.nodes().values().map(|node| node.first_seen), wall);
        let others = comers.iter().filter(|(other, _)| other != fingerprint).copied();
        let with = series.map(|series| together(series.windows_until(wall), others)).unwrap_or_default();
        let found = [
            spike,
            release.map(|release| Pattern::NewInRelease { release }),
            spreading.map(|nodes| Pattern::Spreading { nodes }),
            (!with.is_empty()).then_some(Pattern::Together { with }),
        ];
        found.into_iter().flatten().collect()
    }
}

impl super::Node {
    /// Returns how far the count is that a statement is about to replace, if it is a count.
    pub(super) fn former_count(&self, source: Source, body: &Body) -> Option<Former> {
        let Body::Tally { fingerprint, .. } = body else { return None };
        let tally = self.ledger.entry(fingerprint).and_then(|entry| entry.tally_of(source))?;
        Some(Former { count: tally.count, last_seen: tally.last_seen })
    }

    /// Takes note of a count that was merged, and of what it was before.
    pub(super) fn note_count(&mut self, now: Now, body: &Body, former: Option<Former>, out: &mut Vec<Effect>) {
        let Body::Tally { fingerprint, tally } = body else { return };
        let (before, from) = former.map_or((0, tally.first_seen), |former| (former.count, former.last_seen));
        let growth = Growth { by: tally.count.saturating_sub(before), from, to: tally.last_seen };
        self.noticing.rates.note(*fingerprint, growth, now.wall);
        self.noticing.releases.note(tally);
        self.due_by_pattern(now, *fingerprint, out);
    }

    /// An error that was seen often enough does not wait for the bundle when something urgent is noticed about it.
    fn due_by_pattern(&mut self, now: Now, fingerprint: Fingerprint, out: &mut Vec<Effect>) {
        let Some(entry) = self.ledger.entry(&fingerprint).filter(|_| !self.desk.is_due(&fingerprint)) else { return };
        let is_urgent = || self.noticing.patterns(now.wall, &fingerprint, entry, &Comers::new()).iter().any(Pattern::is_urgent);
        if self.wants_issue(now, entry) && is_urgent() {
            self.due_at_once(now, fingerprint, out);
        }
    }

    /// Returns what is noticed about one error.
    pub(super) fn patterns(&self, wall: UnixMillis, fingerprint: &Fingerprint, entry: &Entry) -> Vec<Pattern> {
        self.noticing.patterns(wall, fingerprint, entry, &self.noticing.comers(wall))
    }

    /// Returns what an issue is to say. As of the last occurrence of anything, so it does not change with the moment of writing.
    pub(super) fn patterns_told(&self, fingerprint: &Fingerprint, entry: &Entry) -> Vec<Pattern> {
        self.patterns(self.noticing.rates.seen_until(), fingerprint, entry)
    }

    /// Returns what is noticed about each of many errors.
    pub(super) fn patterns_of_all(&self, wall: UnixMillis) -> impl Fn(&Fingerprint, &Entry) -> Vec<Pattern> {
        let comers = self.noticing.comers(wall);
        move |fingerprint, entry| self.noticing.patterns(wall, fingerprint, entry, &comers)
    }

    /// Keeps the rates that have changed since the last time. A crash loses no more than is told apart by the hour: the counts themselves are kept.
    pub(super) fn keep_rates(&mut self, out: &mut Vec<Effect>) {
        let unkept = self.noticing.rates.take_unkept();
        out.extend(unkept.into_iter().map(|(fingerprint, series)| Effect::Store(Record::Rate { fingerprint, series: Box::new(series) })));
    }
}
