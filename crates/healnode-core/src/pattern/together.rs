//! Errors that come together: seen in nearly the same windows of time, again and again.
//!
//! The measure is the index of Jaccard over windows of five minutes: those in which both were seen, of those in which either was. Two errors of
//! one outage are no habit, and two that are always there say nothing, so both have to come and go several times.

use healnode_report::Fingerprint;

use crate::limits::TOGETHER_MAX;

/// Windows in which an error has to be seen. With six of 64 each, two independent errors share all by a chance of one in 75 million.
const ACTIVE_MIN: u32 = 6;

/// Windows in which it may be seen at most: half. Beyond that two coincide much of the time by being there.
const ACTIVE_MAX: u32 = 32;

/// Times that it has to have begun anew. Once or twice is one incident with a pause.
const BEGINNINGS_MIN: u32 = 3;

/// Least index, in hundredths. At 90 one window of ten may be missed at an edge.
const INDEX_MIN: u32 = 90;

/// Returns whether an error comes and goes enough to be compared. `windows` are those in which it was seen, one a bit.
pub(crate) fn is_comparable(windows: u64) -> bool {
    let beginnings = (windows & !(windows << 1)).count_ones();
    (ACTIVE_MIN..=ACTIVE_MAX).contains(&windows.count_ones()) && beginnings >= BEGINNINGS_MIN
}

/// Returns the index of two errors in hundredths, if they come together.
fn index(one: u64, other: u64) -> Option<u32> {
    let (both, either) = ((one & other).count_ones(), (one | other).count_ones());
    let index = (both * 100).checked_div(either)?;
    (index >= INDEX_MIN && is_comparable(one) && is_comparable(other)).then_some(index)
}

/// Returns which of `others` come together with an error that was seen in `windows`, at most [`TOGETHER_MAX`], the closest first.
pub(crate) fn together(windows: u64, others: impl Iterator<Item = (Fingerprint, u64)>) -> Vec<Fingerprint> {
    let mut found: Vec<(u32, Fingerprint)> = others.filter_map(|(other, seen)| Some((100 - index(windows, seen)?, other))).collect();
    found.sort_unstable();
    found.truncate(TOGETHER_MAX);
    found.into_iter().map(|(_, other)| other).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statement::tests::fingerprint;

    /// Ten windows in five visits.
    const VISITS: u64 = 0b11_0000_0011_0000_0000_0110_0000_0000_1100_0000_0000_0011;

    #[test]
    fn what_comes_and_goes_with_it_comes_together() {
        let one_missed = VISITS & !1;
        for (one, other, expected) in [
            (VISITS, VISITS, Some(100)),
            (VISITS, one_missed, Some(90)),
            (VISITS, one_missed & !2, None),
            (VISITS, VISITS << 1, None),
            (VISITS, 0, None),
            (0, 0, None),
            (u64::MAX, u64::MAX, None),
            (0b1111_1111, 0b1111_1111, None),
            (0b111_0111, 0b111_0111, None),
            (0b1_0101, 0b1_0101, None),
            (0b101_0101_0101, 0b101_0101_0101, Some(100)),
        ] {
            assert_eq!(index(one, other), expected, "{one:b} {other:b}");
            assert_eq!(index(other, one), expected);
        }
    }

    #[test]
    fn the_closest_come_first_and_only_a_few() {
        let others = (1..=20).map(|n| (fingerprint(n), if n == 20 { VISITS } else { VISITS & !1 }));
        let found = together(VISITS, others.chain([(fingerprint(30), VISITS << 3)]));
        assert_eq!(found, [20, 1, 2, 3, 4].map(fingerprint));
    }

    #[test]
    fn independent_errors_hardly_ever_seem_to_come_together() {
        let mut state = 7_u64;
        let mut random = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            state >> 16
        };
        let maps: Vec<u64> = (0..1_000).map(|n| (0..64).filter(|_| random() % 16 < 2 + n % 6).fold(0, |map, bit| map | 1 << bit)).collect();
        let comparable = maps.iter().filter(|map| is_comparable(**map)).count();
        let pairs = maps.iter().enumerate().flat_map(|(place, one)| maps.iter().skip(place + 1).map(move |other| (one, other)));
        assert!(comparable > 800, "{comparable}");
        assert_eq!(pairs.filter(|(one, other)| index(**one, **other).is_some()).count(), 0);
    }
}
