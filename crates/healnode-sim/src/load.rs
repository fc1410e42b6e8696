//! The applications beside the nodes: which errors they have, when they report them, and what they may count on.
//!
//! An application hands each report to its own node and repeats it, with the same event id, until it is acknowledged. So the truth is known:
//! what was acknowledged must be counted, once, and nothing beyond what was sent may be. Every report carries secrets, each with the same
//! canary in it, which must never be seen again.

use std::collections::BTreeMap;

use healnode_core::{Fingerprint, Millis, RawError, Report, Severity, UnixMillis};

use crate::config::Config;
use crate::dice::Dice;
use crate::network::Place;

/// Stands in every secret.
pub(crate) const CANARY: &str = "cAnArY7Q2zx9";

/// How long an application waits for its acknowledgement before it repeats a report.
pub(crate) const RETRY_MS: u64 = 3_000;

/// How long after the first a fingerprint's reports may come.
const SPREAD_MS: u64 = 45_000;

/// Of a thousand errors, so many come back from a newer release, so much later; some only after everything has healed.
const LATER_PER_MILLE: u64 = 400;
const LATER_MS: (u64, u64) = (60_000, 240_000);

/// Nodes that see one error.
const HOLDERS_MAX: usize = 60;

/// All applications.
pub(crate) struct Load {
    errors: Vec<Kind>,
    pub(crate) reports: Vec<Planned>,
    /// Occurrences sent and acknowledged, by error and node.
    counts: BTreeMap<(Fingerprint, Place), Counts>,
    lost_a_disk: bool,
}

/// One kind of error.
struct Kind {
    fingerprint: Fingerprint,
    error_type: String,
    critical: bool,
}

/// One report.
#[derive(Clone)]
pub(crate) struct Planned {
    kind: usize,
    pub(crate) place: Place,
    pub(crate) at: Millis,
    count: u64,
    /// Whether it comes from a newer release than the first ones.
    newer: bool,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Planned,
    Sent,
    Acknowledged,
    GivenUp,
}

#[derive(Clone, Copy, Default)]
struct Counts {
    sent: u64,
    acknowledged: u64,
    /// Acknowledged, and gone with a disk before any peer heard of it.
    lost: u64,
}

/// What is known of the true number of occurrences.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Truth {
    /// At least so many must be counted.
    pub(crate) least: u64,
    /// At most so many may be.
    pub(crate) most: u64,
}

impl Load {
    pub(crate) fn draw(config: &Config, machines: usize, faulty_until: Millis, dice: &mut Dice) -> Self {
        let burst_at = dice.per_mille(250).then(|| dice.between(2_000, faulty_until.0 / 2));
        let mut load = Self { errors: Vec::new(), reports: Vec::new(), counts: BTreeMap::new(), lost_a_disk: false };
        for kind in 0..config.fingerprints {
            let critical = kind % 7 == 3;
            let error_type = name(kind);
            let fingerprint = report(&error_type, critical, Place::MAX, 0, 1, false, UnixMillis(1)).fingerprint();
            load.errors.push(Kind { fingerprint, error_type, critical });
            let burst = burst_at.filter(|_| !critical && kind % 5 != 4);
            let from = burst.unwrap_or_else(|| dice.between(1_000, faulty_until.0 * 9 / 10));
            load.plan(kind, from, machines, dice);
            load.plan_later(kind, from, machines, faulty_until, dice);
        }
        load.reports.sort_by_key(|planned| planned.at);
        load
    }

    /// Every fifth kind is seen too seldom to be due, unless it is critical.
    fn plan(&mut self, kind: usize, from_ms: u64, nodes: usize, dice: &mut Dice) {
        let rare = kind % 5 == 4;
        let holders = if rare { 2 } else { 1 + dice.below(HOLDERS_MAX.min(nodes)) };
        let places = dice.some_of(holders, nodes);
        let total = if rare { 2 } else { holders.max(3) + dice.below(holders + 1) };
        for number in 0..total {
            let place = places[number % places.len()];
            let at = Millis(from_ms + dice.between(0, SPREAD_MS));
            let count = if rare { 1 } else { 1 + dice.below(3) as u64 };
            self.reports.push(Planned { kind, place, at, count, newer: false, state: State::Planned });
        }
    }

    /// Some come back from a newer release, often enough to open a closed issue again, or ten times as often.
    fn plan_later(&mut self, kind: usize, from_ms: u64, machines: usize, until: Millis, dice: &mut Dice) {
        if kind % 5 == 4 || !dice.per_mille(LATER_PER_MILLE) {
            return;
        }
        let latest_ms = until.0 + until.0 / 4;
        let from_ms = (from_ms + dice.between(LATER_MS.0, LATER_MS.1)).min(latest_ms);
        let many = dice.per_mille(400);
        for _ in 0..4 {
            let place = dice.below(machines);
            let at = Millis(from_ms + dice.between(0, 20_000));
            let count = if many { dice.between(20, 60) } else { 1 };
            self.reports.push(Planned { kind, place, at, count, newer: true, state: State::Planned });
        }
    }

    /// Returns the report that an application hands over now, unless it need not any more.
    pub(crate) fn send(&mut self, number: usize, wall: UnixMillis) -> Option<Report> {
        let planned = &mut self.reports[number];
        let kind = &self.errors[planned.kind];
        match planned.state {
            State::Planned => {
                planned.state = State::Sent;
                self.counts.entry((kind.fingerprint, planned.place)).or_default().sent += planned.count;
            }
            State::Sent => {}
            State::Acknowledged | State::GivenUp => return None,
        }
        Some(report(&kind.error_type, kind.critical, planned.place, number, planned.count, planned.newer, wall))
    }

    /// Notes an acknowledgement.
    pub(crate) fn acknowledged(&mut self, number: usize) {
        let planned = &mut self.reports[number];
        if planned.state == State::Sent {
            planned.state = State::Acknowledged;
            self.counts.entry((self.errors[planned.kind].fingerprint, planned.place)).or_default().acknowledged += planned.count;
        }
    }

    /// Notes that a node lost its disk. `known_elsewhere` is what at least two other nodes have heard it say. Reports that were not
    /// acknowledged are not repeated: their application has lost its memory as well.
    pub(crate) fn disk_lost(&mut self, place: Place, known_elsewhere: impl Fn(Fingerprint) -> u64) {
        self.lost_a_disk = true;
        for planned in self.reports.iter_mut().filter(|planned| planned.place == place && planned.state == State::Sent) {
            planned.state = State::GivenUp;
        }
        for ((fingerprint, _), counts) in self.counts.iter_mut().filter(|((_, owner), _)| *owner == place) {
            let kept = counts.acknowledged - counts.lost;
            counts.lost += kept.saturating_sub(known_elsewhere(*fingerprint));
        }
    }

    /// Returns what is known of the true count of an error.
    pub(crate) fn truth(&self, fingerprint: Fingerprint) -> Truth {
        let of = self.counts.range((fingerprint, 0)..=(fingerprint, Place::MAX));
        of.fold(Truth { least: 0, most: 0 }, |truth, (_, counts)| Truth {
            least: truth.least + counts.acknowledged - counts.lost,
            most: truth.most + counts.sent,
        })
    }

    /// Returns how many occurrences were handed to one node.
    pub(crate) fn sent_to(&self, fingerprint: Fingerprint, place: Place) -> u64 {
        self.counts.get(&(fingerprint, place)).map_or(0, |counts| counts.sent)
    }

    /// Returns all errors, and whether each is critical.
    pub(crate) fn errors(&self) -> impl Iterator<Item = (Fingerprint, bool)> {
        self.errors.iter().map(|kind| (kind.fingerprint, kind.critical))
    }

    /// Returns whether an application has this error.
    pub(crate) fn is_real(&self, fingerprint: Fingerprint) -> bool {
        self.errors.iter().any(|kind| kind.fingerprint == fingerprint)
    }

    /// Returns whether any node lost its disk.
    pub(crate) fn lost_a_disk(&self) -> bool {
        self.lost_a_disk
    }

    /// Returns how many reports were sent and neither acknowledged nor given up.
    pub(crate) fn unacknowledged(&self) -> usize {
        self.reports.iter().filter(|planned| planned.state == State::Sent).count()
    }
}

/// Returns a type name without digits, which normalisation would take out.
fn name(mut kind: usize) -> String {
    let mut letters = String::new();
    loop {
        letters.push(char::from(b'a' + (kind % 26) as u8));
        kind /= 26;
        if kind == 0 {
            return format!("Sim{letters}Error");
        }
    }
}

fn report(error_type: &str, critical: bool, place: Place, number: usize, count: u64, newer: bool, wall: UnixMillis) -> Report {
    let mut raw = RawError::new(error_type, format!("postgres://root:{CANARY}@10.0.0.{}/shop refused, attempt {number}", place % 250));
    raw.severity = Some(if critical { Severity::Critical } else { Severity::Medium });
    raw.logs = vec![format!("POST /login password={CANARY}"), format!("Authorization: Bearer {CANARY}{CANARY}")];
    raw.command = vec!["serve".to_owned(), format!("--api-key={CANARY}")];
    raw.stack = Some(format!(
        "Traceback (most recent call last):\n  File \"/srv/shop/{error_type}.py\", line 7, in charge\n    pay(token=\"{CANARY}\")\n\
         {error_type}: https://shop:{CANARY}@pay.example/v1 refused"
    ));
    let major = if newer { 2 } else { 1 };
    raw.release = Some(format!("{major}.{}.0", place % 3));
    raw.event_id = Some(format!("{place}-{number}"));
    raw.count = count;
    Report::new(raw, wall)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_a_fingerprint_of_its_own_and_keeps_it() {
        let config = Config { fingerprints: 60, ..Config::new(10) };
        let load = Load::draw(&config, config.nodes, Millis(300_000), &mut Dice::new(1));
        let distinct: std::collections::BTreeSet<Fingerprint> = load.errors().map(|(fingerprint, _)| fingerprint).collect();
        assert_eq!(distinct.len(), 60);
        let other = report(&name(7), false, 3, 99, 2, true, UnixMillis(5));
        assert!(distinct.contains(&other.fingerprint()));
    }

    #[test]
    fn no_report_shows_its_canary() {
        let shown = format!("{:?}", report("Error", false, 1, 1, 1, false, UnixMillis(1)));
        assert!(!shown.contains(CANARY), "{shown}");
        assert!(shown.contains("attempt"));
    }

    #[test]
    fn what_only_a_lost_disk_knew_is_not_demanded() {
        let config = Config { fingerprints: 1, ..Config::new(1) };
        let mut load = Load::draw(&config, config.nodes, Millis(300_000), &mut Dice::new(1));
        let (fingerprint, _) = load.errors().next().unwrap();
        let sent: u64 = load.reports.iter().map(|planned| planned.count).sum();
        for number in 0..load.reports.len() {
            assert!(load.send(number, UnixMillis(1)).is_some());
            load.acknowledged(number);
            assert!(load.send(number, UnixMillis(1)).is_none());
        }
        assert_eq!(load.truth(fingerprint), Truth { least: sent, most: sent });
        load.disk_lost(0, |_| 1);
        assert_eq!(load.truth(fingerprint), Truth { least: 1, most: sent });
    }
}
