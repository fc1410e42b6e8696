//! Whether an error whose issue was closed is gone: builds that may have the fix must have run long enough without it.
//!
//! An error that was seen L times an hour and is not seen for E hours is gone with a certainty that grows with L times E. What counts is the time
//! since a build was seen that is younger than the closing, not the closing itself. Tallies do not say when a release was seen first, so the
//! latest time that it can have been is taken: a fix is found to hold later rather than too early. Pure; decides nothing.

use std::collections::BTreeMap;
use std::time::Duration;

use healnode_report::UnixMillis;

use crate::ledger::{Entry, Ledger, OTHER_RELEASES, release_hash};
use crate::{Standing, Tally};

/// Occurrences that would have been expected by now, had nothing changed, for a fix to count as holding: with so many, none at all is seen by
/// chance in one case of twenty (e to the power of -3).
const EXPECTED_ENOUGH: u64 = 3;

/// How long the builds with a fix have run without the error.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Exposure {
    /// When a build that may have the fix was seen first.
    pub(crate) since: UnixMillis,
    /// For how long such builds have run.
    pub(crate) exposed: Duration,
    /// Occurrences that its former rate would have brought by now, rounded down.
    pub(crate) expected: u64,
    /// Whether that is enough.
    pub(crate) verified: bool,
}

/// When each release of each app was seen first, at the latest.
#[derive(Default)]
pub(crate) struct Builds<'a>(BTreeMap<(&'a str, &'a str), UnixMillis>);

impl<'a> Builds<'a> {
    /// Looks through the whole ledger.
    pub(crate) fn of(ledger: &'a Ledger) -> Self {
        let mut builds = Self::default();
        for tally in ledger.entries().flat_map(|(_, entry)| entry.tallies()).map(|(_, tally)| tally) {
            for release in tally.releases.keys().filter(|release| *release != OTHER_RELEASES) {
                let at = seen_by(tally);
                let known = builds.0.entry((&tally.head.app, release)).or_insert(at);
                *known = at.min(*known);
            }
        }
        builds
    }

    fn of_app(&self, app: &'a str) -> impl Iterator<Item = (&'a str, UnixMillis)> {
        self.0.range((app, "")..).take_while(move |((of, _), _)| *of == app).map(|((_, release), at)| (*release, *at))
    }
}

/// Returns when a tally's releases were seen, at the latest. That of a tally with one release was seen when the tally was begun.
fn seen_by(tally: &Tally) -> UnixMillis {
    let named = tally.releases.values().fold(0, |sum: u64, count| sum.saturating_add(*count));
    if tally.releases.len() == 1 && named == tally.count { tally.first_seen } else { tally.last_seen }
}

/// Returns how long builds with the fix have run without the error; nothing while its issue is not closed, no such build was seen, or it was
/// seen in one.
pub(crate) fn exposure(entry: &Entry, builds: &Builds<'_>, wall: UnixMillis) -> Option<Exposure> {
    let Standing::Closed(baseline) = &entry.filed()?.standing else { return None };
    if baseline.at == UnixMillis(0) || entry.beyond(baseline) > 0 {
        return None;
    }
    let app = entry.head()?.app.as_str();
    let with_fix = builds.of_app(app).filter(|(release, at)| *at > baseline.at && !baseline.releases.contains(&release_hash(release)));
    let since = with_fix.map(|(_, at)| at).min().filter(|since| *since < wall)?;
    let exposed_ms = wall.0 - since.0;
    let (first, _) = entry.seen()?;
    let before_ms = baseline.at.0.saturating_sub(first.0).max(1);
    let counted = if baseline.counted == 0 { entry.occurrences() } else { baseline.counted };
    let expected = u128::from(counted) * u128::from(exposed_ms) / u128::from(before_ms);
    let expected = u64::try_from(expected).unwrap_or(u64::MAX);
    Some(Exposure { since, exposed: Duration::from_millis(exposed_ms), expected, verified: expected >= EXPECTED_ENOUGH })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statement::tests::{fingerprint, statement, tally};
    use crate::{Baseline, Body, Filed, FilingNote, IssueNumber, IssueRef};

    const HOUR: u64 = 3_600_000;
    const CLOSED: UnixMillis = UnixMillis(100 * HOUR);

    /// What one node has seen of an error: from when, until when, and of which releases.
    fn seen(n: u8, count: u64, from: u64, until: u64, releases: &[&str]) -> Body {
        let Body::Tally { fingerprint, tally } = tally(n, count) else { unreachable!("that is what it makes") };
        let each = count / releases.len().max(1) as u64;
        let releases = releases.iter().map(|release| ((*release).to_owned(), each)).collect();
        Body::Tally {
            fingerprint,
            tally: Tally { first_seen: UnixMillis(from * HOUR), last_seen: UnixMillis(until * HOUR), releases, ..tally },
        }
    }

    /// An error that was seen 50 times in 100 hours by 1.0 before its issue was closed, and what else was seen.
    fn after(others: &[Body], hours: u64) -> Option<Exposure> {
        let mut ledger = Ledger::default();
        let own = seen(1, 50, 0, 99, &["1.0"]);
        let releases = [release_hash("1.0")].into();
        let standing = Standing::Closed(Baseline { at: CLOSED, counted: 50, unnamed: 0, releases });
        let issue = IssueRef { number: IssueNumber(1), url: String::new(), open: false };
        let filed = Filed {
            issue,
            floor: IssueNumber(0),
            occurrences: 50,
            told: 50,
            created: UnixMillis(0),
            standing,
            at: CLOSED,
            approved: false,
        };
        let note = FilingNote { issue: Some(filed), ..FilingNote::default() };
        for (origin, body) in (1..).zip([own, Body::Filing { fingerprint: fingerprint(1), note }].iter().chain(others)) {
            ledger.merge(statement(origin, 1, 1, body.clone(), 0), false);
        }
        let builds = Builds::of(&ledger);
        exposure(ledger.entry(&fingerprint(1))?, &builds, UnixMillis(CLOSED.0 + hours * HOUR))
    }

    #[test]
    fn a_fix_holds_when_its_builds_ran_long_enough_for_the_former_rate() {
        let newer = || seen(2, 1, 110, 110, &["1.1"]);
        let at = |hours| after(&[newer()], hours).map(|found| (found.exposed.as_secs() / 3600, found.expected, found.verified));
        assert_eq!(at(10), None, "the build was seen just now");
        assert_eq!(at(15), Some((5, 2, false)));
        assert_eq!(at(16), Some((6, 3, true)), "half an occurrence an hour for six hours");
    }

    #[test]
    fn time_without_a_newer_build_proves_nothing() {
        assert_eq!(after(&[], 10_000), None);
        assert_eq!(after(&[seen(2, 9, 0, 5_000, &["1.0"])], 10_000), None, "the old build runs on");
        assert_eq!(after(&[seen(2, 1, 50, 50, &["0.9"])], 10_000), None, "it was seen before the closing");
    }

    #[test]
    fn a_build_of_another_app_proves_nothing() {
        let Body::Tally { fingerprint, mut tally } = seen(2, 1, 110, 110, &["1.1"]) else { unreachable!("that is what it makes") };
        tally.head.app = "other".to_owned();
        assert_eq!(after(&[Body::Tally { fingerprint, tally }], 10_000), None);
    }

    #[test]
    fn a_tally_of_several_builds_counts_from_when_it_was_last_seen() {
        let both = || seen(2, 10, 50, 130, &["1.0", "1.1"]);
        assert_eq!(after(&[both()], 40).map(|found| found.since), Some(UnixMillis(130 * HOUR)));
        let found = after(&[both(), seen(3, 1, 120, 125, &["1.1"])], 40);
        assert_eq!(found.map(|found| found.since), Some(UnixMillis(120 * HOUR)), "another error shows it earlier");
    }

    #[test]
    fn an_error_seen_in_a_newer_build_is_not_gone() {
        assert_eq!(after(&[seen(2, 1, 110, 110, &["1.1"]), seen(1, 1, 120, 120, &["1.1"])], 10_000), None);
    }
}
