//! From one node to others: an error that travels, by a bad input that is handed on or a deployment that rolls out.
//!
//! It began on one node, which had it alone for a while; what begins everywhere at once has a common cause and does not spread.

use healnode_report::UnixMillis;

use crate::rates::HOUR_MS;

/// Nodes that make it a spread: two may be chance, and a mesh of two has no more.
const NODES_MIN: usize = 3;

/// How long the first node has to have it alone, in milliseconds. A minute is more than the clocks of nodes that keep time differ by, and more
/// than a shared failure takes to show everywhere.
const ALONE_MIN_MS: u64 = 60 * 1000;

/// How long it is worth saying after it happened, in milliseconds: a day, by which an issue is there and the table of nodes says it.
const TOLD_FOR_MS: u64 = 24 * HOUR_MS;

/// Returns how many nodes have seen an error that spread within an hour of its beginning. `first_seen` is when each node saw it first.
pub(crate) fn spreading(first_seen: impl IntoIterator<Item = UnixMillis>, wall: UnixMillis) -> Option<u64> {
    let mut first_seen: Vec<u64> = first_seen.into_iter().map(|at| at.0).collect();
    first_seen.sort_unstable();
    let (begin, second) = (*first_seen.first()?, *first_seen.get(1)?);
    let last_needed = *first_seen.get(NODES_MIN - 1)?;
    let was_alone = second - begin >= ALONE_MIN_MS;
    let is_fast = last_needed - begin <= HOUR_MS;
    let is_recent = last_needed.saturating_add(TOLD_FOR_MS) > wall.0;
    (was_alone && is_fast && is_recent).then_some(first_seen.len() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(minutes: &[u64], at_minute: u64, expected: Option<u64>) {
        let wall = UnixMillis(at_minute * 60_000);
        assert_eq!(spreading(minutes.iter().map(|minute| UnixMillis(minute * 60_000)), wall), expected, "{minutes:?} at {at_minute}");
    }

    #[test]
    fn from_one_node_to_three_within_an_hour_is_a_spread() {
        check(&[100, 110, 150], 150, Some(3));
        check(&[150, 100, 101, 160, 900], 900, Some(5));
    }

    #[test]
    fn what_begins_everywhere_comes_slowly_or_stays_on_two_is_none() {
        check(&[], 100, None);
        check(&[100], 100, None);
        check(&[100, 110], 150, None);
        check(&[100, 100, 100, 100], 100, None);
        check(&[100, 110, 161], 170, None);
    }

    #[test]
    fn nodes_that_replace_others_later_make_no_spread_of_an_old_error() {
        check(&[100, 100 + 5_000, 101 + 5_000, 102 + 5_000], 5_200, None);
    }

    #[test]
    fn it_is_told_for_a_day() {
        check(&[100, 110, 150], 150 + 24 * 60 - 1, Some(3));
        check(&[100, 110, 150], 150 + 24 * 60, None);
        check(&[u64::MAX / 60_000, 1, 2], 3, None);
    }
}
