//! New in a release: no other release of the app has shown the error, and there were others before.
//!
//! Tallies say when an origin saw an error first and last and by which releases, not when each release came up. From that follows when a
//! release was there at the latest: that is what [`Releases`] remembers, so that of two releases one is called the newer only if it was.

use std::collections::BTreeMap;

use healnode_report::UnixMillis;

use crate::Tally;
use crate::ledger::OTHER_RELEASES;
use crate::limits::{APPS_FOLLOWED_MAX, RELEASES_FOLLOWED_MAX};

/// When each release of each app was there at the latest, at most [`APPS_FOLLOWED_MAX`] apps and [`RELEASES_FOLLOWED_MAX`] releases of each.
#[derive(Clone, Hash, Default)]
pub(crate) struct Releases {
    apps: BTreeMap<String, BTreeMap<String, UnixMillis>>,
}

impl Releases {
    /// Takes in what a tally shows. A tally of one release has its first occurrence by it; one of several had each by its last at the latest.
    pub(crate) fn note(&mut self, tally: &Tally) {
        let is_full = self.apps.len() >= APPS_FOLLOWED_MAX && !self.apps.contains_key(&tally.head.app);
        if tally.releases.is_empty() || is_full {
            return;
        }
        let named = tally.releases.values().fold(0, |sum: u64, count| sum.saturating_add(*count));
        let is_of_one = tally.releases.len() == 1 && named >= tally.count;
        let at = if is_of_one { tally.first_seen } else { tally.last_seen };
        let releases = self.apps.entry(tally.head.app.clone()).or_default();
        for release in tally.releases.keys().filter(|release| *release != OTHER_RELEASES) {
            let since = releases.entry(release.clone()).or_insert(at);
            *since = at.min(*since);
        }
        while releases.len() > RELEASES_FOLLOWED_MAX {
            let oldest = releases.iter().min_by_key(|(_, since)| **since).map(|(release, _)| release.clone());
            oldest.map(|oldest| releases.remove(&oldest));
        }
    }

    /// Returns the one release that has shown an error, if another release of the app was there before it. `shown` are the error's occurrences
    /// by release, `occurrences` all of them.
    pub(crate) fn new_in(&self, app: &str, shown: &BTreeMap<String, u64>, occurrences: u64) -> Option<String> {
        let (release, count) = shown.first_key_value().filter(|(release, _)| *release != OTHER_RELEASES)?;
        if shown.len() > 1 || *count < occurrences {
            return None;
        }
        let releases = self.apps.get(app)?;
        let since = releases.get(release)?;
        releases.values().any(|other| other < since).then(|| release.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Body;
    use crate::statement::tests::tally;

    fn seen(app: &str, releases: &[(&str, u64)], first: u64, last: u64) -> Tally {
        let Body::Tally { mut tally, .. } = tally(1, 0) else { unreachable!() };
        tally.head.app = app.to_owned();
        tally.releases = releases.iter().map(|(release, count)| ((*release).to_owned(), *count)).collect();
        tally.count = tally.releases.values().sum();
        (tally.first_seen, tally.last_seen) = (UnixMillis(first), UnixMillis(last));
        tally
    }

    /// Checks the last of `tallies`, the others being of other errors.
    fn check(tallies: &[Tally], expected: Option<&str>) {
        let mut releases = Releases::default();
        for tally in tallies {
            releases.note(tally);
        }
        let last = tallies.last().unwrap();
        assert_eq!(releases.new_in(&last.head.app, &last.releases, last.count).as_deref(), expected, "{tallies:?}");
    }

    #[test]
    fn what_only_a_later_release_shows_is_new_in_it() {
        check(&[seen("shop", &[("1", 5)], 10, 20), seen("shop", &[("2", 3)], 30, 40)], Some("2"));
        check(
            &[seen("shop", &[("1", 5), ("2", 1)], 10, 35), seen("shop", &[("1", 1)], 10, 10), seen("shop", &[("2", 3)], 30, 40)],
            Some("2"),
        );
    }

    #[test]
    fn what_the_first_release_shows_is_not_new_even_when_another_follows() {
        check(&[seen("shop", &[("1", 5)], 10, 20)], None);
        check(&[seen("shop", &[("2", 5)], 30, 40), seen("shop", &[("1", 3)], 10, 20)], None);
        check(&[seen("shop", &[("1", 1)], 5, 6), seen("shop", &[("2", 5)], 30, 40), seen("shop", &[("1", 3)], 45, 50)], None);
    }

    #[test]
    fn what_another_release_may_have_shown_is_not_new() {
        let before = seen("shop", &[("1", 5)], 10, 20);
        check(&[before.clone(), seen("shop", &[("1", 1), ("2", 3)], 15, 40)], None);
        check(&[before.clone(), seen("shop", &[("2", 3), (OTHER_RELEASES, 1)], 30, 40)], None);
        check(&[before.clone(), seen("shop", &[(OTHER_RELEASES, 1)], 30, 40)], None);
        check(&[before.clone(), seen("till", &[("2", 3)], 30, 40)], None);
        let mut unnamed = seen("shop", &[("2", 3)], 30, 40);
        unnamed.count += 1;
        check(&[before, unnamed], None);
    }

    #[test]
    fn of_two_releases_whose_order_is_not_known_neither_is_new() {
        check(&[seen("shop", &[("1", 5), ("2", 5)], 10, 60), seen("shop", &[("2", 3)], 30, 40)], None);
    }

    #[test]
    fn the_oldest_releases_make_way() {
        let mut releases = Releases::default();
        for n in 0..RELEASES_FOLLOWED_MAX as u64 * 3 {
            releases.note(&seen("shop", &[(&n.to_string(), 1)], n, n));
        }
        let (newest, kept) = ((RELEASES_FOLLOWED_MAX * 3 - 1).to_string(), &releases.apps["shop"]);
        assert!(kept.len() == RELEASES_FOLLOWED_MAX && kept.contains_key(&newest));
        for n in 0..APPS_FOLLOWED_MAX * 2 {
            releases.note(&seen(&n.to_string(), &[("1", 1)], 1, 1));
        }
        assert_eq!(releases.apps.len(), APPS_FOLLOWED_MAX);
    }
}
