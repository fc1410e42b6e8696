//! From a captured report to this node's own tally.
//!
//! Each report is counted durably before it is acknowledged; what the other nodes are told of it may come later, and once for many.

use std::collections::{BTreeMap, BTreeSet};

use healnode_report::{Fingerprint, Report, Severity, UnixMillis};
use sha2::{Digest as _, Sha256};

use crate::ledger::{Ledger, OTHER_RELEASES, Source};
use crate::limits::{EVENT_IDS_MAX, FINGERPRINTS_MAX, RELEASES_MAX, TALLY_COUNT_MAX};
use crate::{Body, CallId, DropReason, Effect, Millis, NodeId, Now, Outcome, Record, Tally};

/// Stands in the ring where the next event id goes, so that a restart goes on at the same place.
const NO_EVENT: [u8; 16] = [0; 16];

/// What this node itself has counted.
#[derive(Clone, Hash)]
pub(super) struct Counting {
    tallies: BTreeMap<Fingerprint, Tally>,
    /// Counted, and not yet said.
    unsaid: BTreeSet<Fingerprint>,
    /// When each was last said; older than a flush interval means nothing.
    said_at: BTreeMap<Fingerprint, Millis>,
    /// When the first of `unsaid` may be said.
    pub(super) next_flush: Option<Millis>,
    events: EventIds,
}

/// The event ids counted last, in the order of their arrival.
#[derive(Clone, Hash)]
struct EventIds {
    known: BTreeSet<[u8; 16]>,
    ring: BTreeMap<u32, [u8; 16]>,
    next_slot: u32,
}

impl Counting {
    /// Takes up what was counted before. What was counted and not said before the end is said soon, unless it was last seen before `horizon`.
    pub(super) fn new(
        mut tallies: BTreeMap<Fingerprint, Tally>,
        event_ids: BTreeMap<u32, [u8; 16]>,
        ledger: &Ledger,
        me: Source,
        horizon: UnixMillis,
    ) -> Self {
        let mut unsaid = BTreeSet::new();
        for (fingerprint, tally) in &mut tallies {
            let said = ledger.entry(fingerprint).and_then(|entry| entry.tally_of(me));
            match said {
                Some(said) if said.count >= tally.count => *tally = said.clone(),
                Some(_) | None if tally.last_seen >= horizon => {
                    unsaid.insert(*fingerprint);
                }
                Some(_) | None => {}
            }
        }
        let next_flush = (!unsaid.is_empty()).then_some(Millis(0));
        Self { tallies, unsaid, said_at: BTreeMap::new(), next_flush, events: EventIds::new(event_ids) }
    }

    /// Raises the own tally to what this node once said and lost.
    pub(super) fn recover(&mut self, fingerprint: Fingerprint, said: &Tally) {
        let tally = self.tallies.entry(fingerprint).or_insert_with(|| said.clone());
        if tally.count < said.count {
            *tally = said.clone();
        }
    }

    /// Forgets that there was anything to say. The count itself stays, as long as there is room: within an epoch it must never fall, not even
    /// for those who remember it when the error comes back.
    pub(super) fn forget(&mut self, fingerprint: &Fingerprint) -> Option<&Tally> {
        self.unsaid.remove(fingerprint);
        self.said_at.remove(fingerprint);
        if self.tallies.len() > FINGERPRINTS_MAX {
            self.tallies.remove(fingerprint);
        }
        self.tallies.get(fingerprint)
    }
}

impl super::Node {
    pub(super) fn captured(&mut self, now: Now, id: CallId, report: Report, out: &mut Vec<Effect>) {
        let report = self.by_known_version(now, report);
        let fingerprint = report.fingerprint();
        let known = self.ledger.entry(&fingerprint).is_some() || self.counting.tallies.contains_key(&fingerprint);
        if !known && self.ledger.is_full() {
            self.drop_counted(DropReason::LedgerFull, out);
            out.push(Effect::Acknowledge { id, outcome: Outcome::LedgerFull });
            return;
        }
        if let Some(event_id) = report.event_id() {
            let records = self.counting.events.remember(event_id);
            if records.is_empty() {
                self.drop_counted(DropReason::RepeatedEvent, out);
                out.push(Effect::Acknowledge { id, outcome: Outcome::Counted });
                return;
            }
            out.extend(records.into_iter().map(Effect::Store));
        }
        let sampled = self.count(now, &report);
        if let Some(tally) = self.counting.tallies.get(&fingerprint) {
            out.push(Effect::Store(Record::Counter { fingerprint, tally: tally.clone() }));
        }
        if !sampled {
            out.push(Effect::Store(Record::Sample(Box::new(report))));
        }
        out.push(Effect::Acknowledge { id, outcome: Outcome::Counted });
        self.say_tally_or_later(now, fingerprint, out);
    }

    /// An error that is known by the version of the algorithm before is followed under it. So is every error while a live node knows no other:
    /// else the two would count it apart.
    fn by_known_version(&self, now: Now, report: Report) -> Report {
        let Some((former, version)) = report.former() else { return report };
        let is_known = self.ledger.entry(&former).is_some() || self.counting.unsaid.contains(&former);
        if is_known || self.has_live_node_of(now, version) { report.into_former() } else { report }
    }

    /// Returns whether a live node counts by this version of the algorithm, or an earlier one.
    fn has_live_node_of(&self, now: Now, version: u16) -> bool {
        let is_of = |node: NodeId| self.ledger.presence(node).is_some_and(|presence| presence.algorithm <= version);
        self.sharing.known().any(|node| is_of(node) && self.is_live(now, node))
    }

    /// Counts a report. Returns whether a sample like it is kept already: one of the same release.
    ///
    /// It is seen last when it is counted, whatever time it carries: a report from a device without a clock, or from a spool that waited,
    /// must not be past the retention as soon as it is counted.
    fn count(&mut self, now: Now, report: &Report) -> bool {
        let at = report.at().min(now.wall);
        let head = report.head();
        let release = head.release.clone();
        let tallies = &mut self.counting.tallies;
        let first = !tallies.contains_key(&report.fingerprint());
        let tally = tallies.entry(report.fingerprint()).or_insert_with(|| Tally {
            count: 0,
            first_seen: at,
            last_seen: at,
            head: head.clone(),
            releases: BTreeMap::new(),
        });
        let known_release = release.is_empty() || tally.releases.contains_key(&release) || tally.releases.len() >= RELEASES_MAX;
        tally.count = tally.count.saturating_add(report.count()).min(TALLY_COUNT_MAX);
        tally.first_seen = tally.first_seen.min(at);
        tally.last_seen = tally.last_seen.max(now.wall);
        tally.head = crate::Head { severity: tally.head.severity.max(head.severity), ..head };
        if !release.is_empty() {
            count_release(&mut tally.releases, release, report.count());
        }
        !first && known_release
    }

    /// Says a tally at once, or once its flush interval is over.
    fn say_tally_or_later(&mut self, now: Now, fingerprint: Fingerprint, out: &mut Vec<Effect>) {
        let free_at = self.counting.said_at.get(&fingerprint).map_or(now.mono, |at| *at + self.policy.flush_interval);
        let free_at = free_at.max(self.recovers_until());
        if free_at <= now.mono {
            return self.say_tally(now, fingerprint, out);
        }
        self.counting.unsaid.insert(fingerprint);
        self.counting.next_flush = Some(self.counting.next_flush.map_or(free_at, |at| at.min(free_at)));
    }

    fn say_tally(&mut self, now: Now, fingerprint: Fingerprint, out: &mut Vec<Effect>) {
        self.counting.unsaid.remove(&fingerprint);
        let Some(tally) = self.counting.tallies.get(&fingerprint).cloned() else { return };
        self.counting.said_at.insert(fingerprint, now.mono);
        let (severity, last_seen) = (tally.head.severity, tally.last_seen);
        let body = Body::Tally { fingerprint, tally };
        let former = self.former_count((self.me, self.epoch), &body).map(|former| former.until(last_seen));
        self.say(body.clone(), out);
        self.note_count(now, &body, former, out);
        if severity == Severity::Critical {
            self.due_at_once(now, fingerprint, out);
            self.roll_back_if_to_blame(now, fingerprint, out);
        }
    }

    /// Says what was counted, whether its flush interval is over or not. While a restart is being recovered from, nothing is said.
    pub(super) fn say_counts(&mut self, now: Now, out: &mut Vec<Effect>) {
        if self.recovers_until() > now.mono {
            return;
        }
        for fingerprint in std::mem::take(&mut self.counting.unsaid) {
            self.say_tally(now, fingerprint, out);
        }
    }

    /// Says what was counted and whose flush interval is over.
    pub(super) fn flush_counts(&mut self, now: Now, out: &mut Vec<Effect>) {
        if self.counting.next_flush.is_none_or(|at| at > now.mono) {
            return;
        }
        let interval = self.policy.flush_interval;
        self.counting.said_at.retain(|_, at| *at + interval > now.mono);
        self.counting.next_flush = None;
        for fingerprint in std::mem::take(&mut self.counting.unsaid) {
            self.say_tally_or_later(now, fingerprint, out);
        }
    }
}

fn count_release(releases: &mut BTreeMap<String, u64>, release: String, count: u64) {
    let fits = releases.contains_key(&release) || releases.len() < RELEASES_MAX - 1;
    let counter = releases.entry(if fits { release } else { OTHER_RELEASES.to_owned() }).or_default();
    *counter = counter.saturating_add(count).min(TALLY_COUNT_MAX);
}

impl EventIds {
    fn new(ring: BTreeMap<u32, [u8; 16]>) -> Self {
        let next_slot = (0..EVENT_IDS_MAX).find(|slot| ring.get(slot).is_none_or(|hash| *hash == NO_EVENT)).unwrap_or(0);
        Self { known: ring.values().copied().collect(), ring, next_slot }
    }

    /// Remembers an id. Returns what to keep, or nothing if the id is known.
    fn remember(&mut self, event_id: &str) -> Vec<Record> {
        let mut hash = [0; 16];
        hash.copy_from_slice(&Sha256::digest(event_id.as_bytes())[..16]);
        if !self.known.insert(hash) {
            return Vec::new();
        }
        let slot = self.next_slot;
        self.next_slot = (slot + 1) % EVENT_IDS_MAX;
        self.ring.insert(slot, hash);
        let mut records = vec![Record::EventId { slot, hash }];
        if let Some(oldest) = self.ring.insert(self.next_slot, NO_EVENT).filter(|oldest| *oldest != NO_EVENT) {
            self.known.remove(&oldest);
            records.push(Record::EventId { slot: self.next_slot, hash: NO_EVENT });
        }
        records
    }
}
