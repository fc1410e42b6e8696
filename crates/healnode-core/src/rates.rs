//! How often each error was seen lately: by the hour, and in which windows of five minutes at all.
//!
//! Fed by what tallies grow by, placed by the times that their origins give. So what arrives late, after a partition or a restart, falls where
//! it happened instead of looking like a burst. Counts here are for noticing patterns and never for filing numbers: what is too old, or beyond
//! the bounds, is left out. What is noticed in them is `pattern.rs`'s.

use std::collections::{BTreeMap, BTreeSet};

use healnode_report::{Fingerprint, UnixMillis};
use serde::{Deserialize, Serialize};

use crate::ledger::Ledger;
use crate::limits::{RATE_HOURS, SERIES_IDLE_WINDOWS, SERIES_MAX};

/// One hour, in milliseconds.
pub(crate) const HOUR_MS: u64 = 60 * 60 * 1000;

/// One window of activity, in milliseconds.
pub(crate) const WINDOW_MS: u64 = 5 * 60 * 1000;

/// Windows that one map holds.
const WINDOWS: u64 = 64;

/// How often one error was seen lately, across the mesh.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Series {
    /// The hour of the first of `hours`, since 1970.
    pub hour: u64,
    /// Occurrences by hour, the latest first, at most [`RATE_HOURS`](crate::limits::RATE_HOURS); as many as are known of.
    pub hours: Vec<u32>,
    /// The window of the lowest bit of `windows`, since 1970.
    pub window: u64,
    /// Windows in which it was seen, the latest in the lowest bit.
    pub windows: u64,
    /// Occurrences, all told, when last noted.
    pub total: u64,
}

/// What an origin's count has grown by, and over which time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Growth {
    /// Occurrences.
    pub(crate) by: u64,
    /// When the first of them happened, at the earliest.
    pub(crate) from: UnixMillis,
    /// When the last of them happened.
    pub(crate) to: UnixMillis,
}

impl Series {
    fn beginning_at(at: UnixMillis) -> Self {
        Self { hour: at.0 / HOUR_MS, hours: vec![0], window: at.0 / WINDOW_MS, windows: 0, total: 0 }
    }

    /// Returns the occurrences of the hour that `at` is in and of those before it, the latest first, as far back as is known.
    pub(crate) fn hours_until(&self, at: UnixMillis) -> Vec<u32> {
        let silent = (at.0 / HOUR_MS).saturating_sub(self.hour);
        let silent = usize::try_from(silent).unwrap_or(usize::MAX).min(RATE_HOURS);
        std::iter::repeat_n(0, silent).chain(self.hours.iter().copied()).take(RATE_HOURS).collect()
    }

    /// Returns the windows in which it was seen; that of `at` is the lowest bit.
    pub(crate) fn windows_until(&self, at: UnixMillis) -> u64 {
        let silent = (at.0 / WINDOW_MS).saturating_sub(self.window);
        if silent >= WINDOWS { 0 } else { self.windows << silent }
    }

    fn add(&mut self, growth: Growth, wall: UnixMillis) {
        let (from, to) = (growth.from.min(growth.to).min(wall).0 / HOUR_MS, growth.to.min(wall).0 / HOUR_MS);
        self.reach(to, from);
        let hours = (to - from + 1).min(RATE_HOURS as u64);
        let share = growth.by / hours;
        for back in 0..hours {
            let rest = if back == 0 { growth.by - share * hours } else { 0 };
            self.count(to - back, share + rest);
        }
        self.mark(growth.to.min(wall).0 / WINDOW_MS);
        if growth.by > 1 {
            self.mark(growth.from.min(growth.to).min(wall).0 / WINDOW_MS);
        }
        self.total = self.total.saturating_add(growth.by);
    }

    /// Makes room for hours up to `newest`, and back to `oldest` as far as it goes. Those in between had none.
    fn reach(&mut self, newest: u64, oldest: u64) {
        let ahead = usize::try_from(newest.saturating_sub(self.hour)).unwrap_or(usize::MAX).min(RATE_HOURS);
        self.hours.splice(0..0, std::iter::repeat_n(0, ahead));
        self.hour = self.hour.max(newest);
        let back = usize::try_from(self.hour.saturating_sub(oldest)).unwrap_or(usize::MAX).saturating_add(1);
        let length = self.hours.len().max(back).min(RATE_HOURS);
        self.hours.resize(length, 0);
    }

    fn count(&mut self, hour: u64, by: u64) {
        let place = usize::try_from(self.hour.saturating_sub(hour)).unwrap_or(usize::MAX);
        if let Some(count) = self.hours.get_mut(place) {
            *count = count.saturating_add(u32::try_from(by).unwrap_or(u32::MAX));
        }
    }

    fn mark(&mut self, window: u64) {
        let ahead = window.saturating_sub(self.window);
        self.windows = if ahead >= WINDOWS { 0 } else { self.windows << ahead };
        self.window = self.window.max(window);
        let back = self.window - window;
        if back < WINDOWS {
            self.windows |= 1 << back;
        }
    }

    /// Returns whether it lies in the future: it was noted while the clock was wrong, and says nothing.
    fn is_ahead_of(&self, wall: UnixMillis) -> bool {
        self.hour > wall.0 / HOUR_MS + 1
    }
}

/// All series, at most [`SERIES_MAX`].
#[derive(Clone, Hash, Default)]
pub(crate) struct Rates {
    series: BTreeMap<Fingerprint, Series>,
    /// By the window in which each was seen last.
    by_activity: BTreeSet<(u64, Fingerprint)>,
    /// Changed since they were last kept.
    unkept: BTreeSet<Fingerprint>,
}

impl Rates {
    /// Takes up what was kept, and what the ledger has counted since then.
    pub(crate) fn new(kept: BTreeMap<Fingerprint, Series>, ledger: &Ledger, wall: UnixMillis) -> Self {
        let mut rates = Self::default();
        for (fingerprint, series) in kept.into_iter().take(SERIES_MAX) {
            rates.by_activity.insert((series.window, fingerprint));
            rates.series.insert(fingerprint, series);
        }
        for (fingerprint, entry) in ledger.entries() {
            let Some((first_seen, last_seen)) = entry.seen() else { continue };
            let kept = rates.series.get(fingerprint);
            let from = kept.map_or(first_seen, |series| UnixMillis(series.window * WINDOW_MS).max(first_seen));
            let by = entry.occurrences().saturating_sub(kept.map_or(0, |series| series.total));
            rates.note(*fingerprint, Growth { by, from, to: last_seen }, wall);
        }
        rates.unkept.clear();
        rates
    }

    /// Returns what is known of an error, if it is followed.
    pub(crate) fn get(&self, fingerprint: &Fingerprint) -> Option<&Series> {
        self.series.get(fingerprint)
    }

    /// Returns those seen last, the latest first.
    pub(crate) fn latest(&self) -> impl Iterator<Item = (&Fingerprint, &Series)> {
        self.by_activity.iter().rev().filter_map(|(_, fingerprint)| self.series.get_key_value(fingerprint))
    }

    /// Returns when anything was seen last, to a window.
    pub(crate) fn seen_until(&self) -> UnixMillis {
        UnixMillis(self.by_activity.last().map_or(0, |(window, _)| window * WINDOW_MS))
    }

    /// Notes that a count has grown. What happened longer ago than is followed is left out, and so is an error for which there is no room.
    pub(crate) fn note(&mut self, fingerprint: Fingerprint, growth: Growth, wall: UnixMillis) {
        let is_old = growth.to.0.saturating_add(RATE_HOURS as u64 * HOUR_MS) < wall.0;
        if growth.by == 0 || (is_old && !self.series.contains_key(&fingerprint)) || !self.make_room(&fingerprint, wall) {
            return;
        }
        let series = self.series.entry(fingerprint).or_insert_with(|| Series::beginning_at(growth.to.min(wall)));
        self.by_activity.remove(&(series.window, fingerprint));
        if series.is_ahead_of(wall) {
            *series = Series { total: series.total, ..Series::beginning_at(growth.to.min(wall)) };
        }
        series.add(growth, wall);
        self.by_activity.insert((series.window, fingerprint));
        self.unkept.insert(fingerprint);
    }

    /// Returns whether there is room. What was not seen for an hour makes way; a flood of errors that are seen once leaves the others alone.
    fn make_room(&mut self, fingerprint: &Fingerprint, wall: UnixMillis) -> bool {
        if self.series.len() < SERIES_MAX || self.series.contains_key(fingerprint) {
            return true;
        }
        let Some((window, idlest)) = self.by_activity.first().copied() else { return false };
        let is_idle = window + SERIES_IDLE_WINDOWS < wall.0 / WINDOW_MS;
        if is_idle {
            self.forget(&idlest);
        }
        is_idle
    }

    /// Forgets an error.
    pub(crate) fn forget(&mut self, fingerprint: &Fingerprint) {
        if let Some(series) = self.series.remove(fingerprint) {
            self.by_activity.remove(&(series.window, *fingerprint));
        }
        self.unkept.remove(fingerprint);
    }

    /// Returns what has changed since the last time, to be kept.
    pub(crate) fn take_unkept(&mut self) -> Vec<(Fingerprint, Series)> {
        let unkept = std::mem::take(&mut self.unkept);
        unkept.into_iter().filter_map(|fingerprint| Some((fingerprint, self.series.get(&fingerprint)?.clone()))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statement::tests::{fingerprint, statement, tally};

    const NOON: UnixMillis = UnixMillis(1_795_608_000_000);

    fn minutes(minutes: u64) -> UnixMillis {
        UnixMillis(NOON.0 + minutes * 60_000)
    }

    fn at(by: u64, minute: u64) -> Growth {
        Growth { by, from: minutes(minute), to: minutes(minute) }
    }

    fn rates(growths: &[(Growth, UnixMillis)]) -> Rates {
        let mut rates = Rates::default();
        for (growth, wall) in growths {
            rates.note(fingerprint(1), *growth, *wall);
        }
        rates
    }

    fn hours(growths: &[(Growth, UnixMillis)], at: UnixMillis) -> Vec<u32> {
        rates(growths).get(&fingerprint(1)).unwrap().hours_until(at)
    }

    #[test]
    fn counts_fall_into_their_hours_and_silence_is_none() {
        assert_eq!(NOON.0 % HOUR_MS, 0);
        assert_eq!(hours(&[(at(2, 0), minutes(0)), (at(3, 59), minutes(59))], minutes(59)), [5]);
        assert_eq!(hours(&[(at(2, 0), minutes(0)), (at(3, 180), minutes(180))], minutes(240)), [0, 3, 0, 0, 2]);
        let days = hours(&[(at(2, 0), minutes(0)), (at(3, 60 * 100), minutes(60 * 100))], minutes(60 * 100));
        assert_eq!((days.len(), days[0], days[1..].iter().sum::<u32>()), (RATE_HOURS, 3, 0));
    }

    #[test]
    fn what_arrives_late_is_counted_where_it_happened() {
        let healed = minutes(600);
        let late = Growth { by: 1_001, from: minutes(0), to: minutes(570) };
        let hours = hours(&[(at(1, 0), minutes(0)), (late, healed)], healed);
        assert_eq!(hours, [0, 101, 100, 100, 100, 100, 100, 100, 100, 100, 101]);
    }

    #[test]
    fn a_clock_that_is_ahead_counts_as_now_and_one_from_long_ago_not_at_all() {
        let ahead = Growth { by: 4, from: minutes(9_999), to: minutes(9_999) };
        assert_eq!(hours(&[(ahead, minutes(0))], minutes(0)), [4]);
        let old = Growth { by: 4, from: UnixMillis(0), to: UnixMillis(7) };
        assert!(rates(&[(old, minutes(0))]).get(&fingerprint(1)).is_none());
        assert_eq!(hours(&[(at(1, 0), minutes(0)), (old, minutes(0))], minutes(0)), [[1].as_slice(), &[0; RATE_HOURS - 1]].concat());
    }

    #[test]
    fn what_was_noted_while_the_clock_was_wrong_is_dropped() {
        let wrong = minutes(1_000_000);
        assert_eq!(hours(&[(at(7, 1_000_000), wrong), (at(1, 0), minutes(0))], minutes(0)), [1]);
    }

    #[test]
    fn windows_move_with_the_clock() {
        let growths = [(at(1, 0), minutes(0)), (at(1, 6), minutes(6)), (at(1, 30), minutes(30))];
        let series = rates(&growths).get(&fingerprint(1)).unwrap().clone();
        assert_eq!(series.windows_until(minutes(30)), 0b110_0001);
        assert_eq!(series.windows_until(minutes(36)), 0b1100_0010);
        assert_eq!(series.windows_until(minutes(30 + 64 * 5)), 0);
    }

    #[test]
    fn a_flood_of_errors_seen_once_does_not_push_out_what_is_followed() {
        let mut rates = Rates::default();
        let hash = |n: u64| Fingerprint::from_bytes(std::array::from_fn(|place| n.to_be_bytes().get(place).copied().unwrap_or(0)));
        for n in 0..SERIES_MAX as u64 + 500 {
            rates.note(hash(n), at(1, 0), minutes(0));
        }
        assert_eq!(rates.series.len(), SERIES_MAX);
        assert!(rates.get(&hash(0)).is_some() && rates.get(&hash(SERIES_MAX as u64)).is_none());
        rates.note(hash(0), at(1, 70), minutes(70));
        rates.note(hash(9_999), at(1, 70), minutes(70));
        assert!(rates.get(&hash(9_999)).is_some() && rates.get(&hash(0)).is_some() && rates.get(&hash(1)).is_none());
        assert_eq!((rates.series.len(), rates.by_activity.len()), (SERIES_MAX, SERIES_MAX));
    }

    #[test]
    fn after_a_restart_it_goes_on_with_what_was_counted_since_it_was_kept() {
        let mut before = rates(&[(at(2, 0), minutes(0))]);
        let kept: BTreeMap<_, _> = before.take_unkept().into_iter().collect();
        assert_eq!(before.take_unkept(), []);
        let mut ledger = Ledger::default();
        let mut signed = statement(1, 1, 1, tally(1, 5), 0);
        if let crate::Body::Tally { tally, .. } = &mut signed.statement.body {
            (tally.first_seen, tally.last_seen) = (minutes(0), minutes(61));
        }
        ledger.merge(signed, false);
        let after = Rates::new(kept, &ledger, minutes(90));
        assert_eq!(after.get(&fingerprint(1)).unwrap().hours_until(minutes(90)), [2, 3]);
        let again = Rates::new(after.series.clone(), &ledger, minutes(90));
        assert_eq!(again.series, after.series);
    }
}
