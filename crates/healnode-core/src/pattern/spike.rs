//! Much more often than usual: one hour's count against the hours before it.
//!
//! A busy error is held against the median of those hours and their median absolute deviation, which a few odd hours do not move. A rare one has
//! a median of nothing, so it is held against how probable so many are at its rate so far. Neither says anything about an error that has just
//! begun, nor about the daily peak of an old one.

use super::Usual;

/// Occurrences in an hour below which nothing is a spike, whatever is usual. Ten of anything in an hour are few enough to be chance, or one
/// person who tries again.
const FLOOR: u32 = 10;

/// Hours that have to be known before one. Six give a median that two odd hours cannot move.
const HISTORY_MIN: usize = 6;

/// So many times the usual is the least that matters, however steady the series was.
const FACTOR: f64 = 2.0;

/// A median from here on is held against its deviation, one below against its probability. From ten on a Poisson count is close to normal, as
/// textbooks have it.
const DENSE_FROM: f64 = 10.0;

/// Deviations above the median. Iglewicz and Hoaglin (How to Detect and Handle Outliers, 1993) take 3.5 for a set of data that is looked at once;
/// here thousands of series are looked at every hour, and counts have longer tails than the normal distribution.
const DEVIATIONS: f64 = 6.0;

/// What makes a median absolute deviation comparable to a standard deviation, for normal data.
const MAD_SCALE: f64 = 1.4826;

/// How improbable a count has to be: at 2,048 series and 24 hours one false alarm in 20 days, were errors independent of each other.
const TAIL_MAX: f64 = 1e-6;

/// Mean above which an error that is mostly absent is not judged: it comes in such heaps that no rate describes it.
const RARE_MAX: f64 = 500.0;

/// What the rate of a rare error is before anything was seen of it: the prior of Jeffreys for a Poisson rate, Gamma(1/2, 0).
const PRIOR: f64 = 0.5;

/// Hours after which a day repeats itself, one before and one after included.
const DAY: std::ops::RangeInclusive<usize> = 23..=25;

/// Returns the count and what is usual, if the present hour is a spike, or the one before it. `hours` are counts by hour, the present first; as the
/// present hour is not over, it is never overrated.
pub(crate) fn spike(hours: &[u32]) -> Option<(u32, Usual)> {
    [0, 1].into_iter().find_map(|hour| spike_at(hours.get(hour..)?))
}

fn spike_at(hours: &[u32]) -> Option<(u32, Usual)> {
    let (count, before) = hours.split_first()?;
    if *count < FLOOR || before.len() < HISTORY_MIN {
        return None;
    }
    let daily = hours.get(*DAY.start()..).unwrap_or_default().iter().take(DAY.count()).max().copied().unwrap_or_default();
    let usual = median(before.to_vec());
    let (count_f, usual_f) = (f64::from(*count), usual.halves as f64 / 2.0);
    let is_usual_for_the_time = count_f < FACTOR * f64::from(daily);
    let is_spike = if usual_f >= DENSE_FROM { is_far_above(count_f, usual_f, before) } else { is_improbable(*count, before) };
    (is_spike && !is_usual_for_the_time && count_f >= FACTOR * usual_f).then_some((*count, usual))
}

/// For busy errors. A count varies by the root of its mean at least, also when it happened not to.
fn is_far_above(count: f64, usual: f64, before: &[u32]) -> bool {
    let distances = before.iter().map(|hour| (f64::from(*hour) - usual).abs().round() as u32).collect();
    let spread = MAD_SCALE * median(distances).halves as f64 / 2.0;
    count - usual >= DEVIATIONS * spread.max(usual.sqrt())
}

/// For rare errors: so many at once must be improbable at the rate so far, and twice the most of any hour, for rare errors come in clusters.
fn is_improbable(count: u32, before: &[u32]) -> bool {
    let most = before.iter().max().copied().unwrap_or_default();
    let seen: f64 = before.iter().map(|hour| f64::from(*hour)).sum();
    let hours = before.len() as f64;
    f64::from(count) >= FACTOR * f64::from(most) && seen <= RARE_MAX * hours && tail(count, seen + PRIOR, hours) < TAIL_MAX
}

/// Returns the probability of `count` or more in an hour, after `shape` were seen in `hours` hours, or something below a tenth of [`TAIL_MAX`] for
/// one that is smaller still. A Poisson count whose rate is only known from these has a negative binomial distribution (Gelman et al., Bayesian
/// Data Analysis, section 2.6).
fn tail(count: u32, shape: f64, hours: f64) -> f64 {
    let more = 1.0 / (hours + 1.0);
    let mut probability = (1.0 - more).powf(shape);
    let mut below = 0.0;
    for seen in 0..count {
        below += probability;
        if below >= 1.0 - TAIL_MAX / 10.0 {
            break;
        }
        probability *= (shape + f64::from(seen)) / f64::from(seen + 1) * more;
    }
    1.0 - below
}

fn median(mut numbers: Vec<u32>) -> Usual {
    numbers.sort_unstable();
    let middle = numbers.len() / 2;
    let upper = numbers.get(middle).copied().unwrap_or_default();
    let lower = if numbers.len() % 2 == 1 { upper } else { numbers.get(middle.wrapping_sub(1)).copied().unwrap_or_default() };
    Usual { halves: u64::from(upper) + u64::from(lower) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::RATE_HOURS;

    fn usual(number: f64) -> Usual {
        Usual { halves: (number * 2.0) as u64 }
    }

    /// Numbers that look random and are the same each time.
    struct Noise(u64);

    impl Noise {
        fn unit(&mut self) -> f64 {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (self.0 >> 11) as f64 / (1u64 << 53) as f64
        }

        /// A Poisson count, by Knuth's method, in parts so that it works for high rates.
        fn poisson(&mut self, rate: f64) -> u32 {
            if rate > 30.0 {
                return self.poisson(30.0) + self.poisson(rate - 30.0);
            }
            let (limit, mut product, mut count) = ((-rate).exp(), self.unit(), 0);
            while product > limit {
                product *= self.unit();
                count += 1;
            }
            count
        }
    }

    /// Returns how many of 10,000 hours of a series are called spikes.
    fn alarms(seed: u64, mut next: impl FnMut(&mut Noise, usize) -> u32) -> usize {
        let mut noise = Noise(seed);
        let mut hours: Vec<u32> = Vec::new();
        let mut alarms = 0;
        for hour in 0..10_000 {
            hours.insert(0, next(&mut noise, hour));
            hours.truncate(RATE_HOURS);
            alarms += usize::from(spike_at(&hours).is_some());
        }
        alarms
    }

    #[test]
    fn what_is_far_beyond_the_usual_is_a_spike() {
        let steady = |now: u32, usual: u32| [vec![now], vec![usual; 12]].concat();
        for (hours, expected) in [
            (steady(120, 4), Some((120, usual(4.0)))),
            (steady(40, 10), Some((40, usual(10.0)))),
            (steady(28, 10), None),
            (steady(2_000, 800), Some((2_000, usual(800.0)))),
            (steady(1_500, 800), None),
            (steady(10, 0), Some((10, usual(0.0)))),
            (steady(9, 0), None),
            (steady(10, 3), None),
            ([vec![100], vec![1; 5]].concat(), None),
            ([vec![100], vec![1; 6]].concat(), Some((100, usual(1.0)))),
            (vec![50, 1, 0, 2, 0, 1, 0, 0, 3, 0], Some((50, usual(0.0)))),
            (vec![], None),
            (vec![u32::MAX; 20], None),
        ] {
            assert_eq!(spike(&hours), expected, "{hours:?}");
        }
    }

    #[test]
    fn a_spike_is_still_one_in_the_hour_after_it_and_not_later() {
        let hours = [vec![2], vec![120], vec![4; 12]].concat();
        assert_eq!(spike(&hours), Some((120, usual(4.0))));
        assert_eq!(spike(&[vec![3], hours].concat()), None);
    }

    #[test]
    fn one_odd_hour_before_does_not_hide_a_spike_of_a_busy_error() {
        let hours = [vec![300], vec![20; 20], vec![1_000], vec![20; 20]].concat();
        assert_eq!(spike(&hours), Some((300, usual(20.0))));
    }

    #[test]
    fn the_same_peak_each_day_is_none_after_the_first_day() {
        let hours = [vec![400], vec![20; 23], vec![350], vec![20; 23]].concat();
        assert_eq!(spike(&hours), None);
        let shifted = [vec![400], vec![20; 22], vec![350], vec![20; 23]].concat();
        assert_eq!(spike(&shifted), None);
        let twice = [vec![900], vec![20; 23], vec![350], vec![20; 23]].concat();
        assert!(spike(&twice).is_some());
    }

    #[test]
    fn steady_errors_raise_no_alarm_at_any_rate() {
        for (seed, rate) in [(1, 0.05), (2, 0.5), (3, 2.0), (4, 9.0), (5, 12.0), (6, 60.0), (7, 500.0)] {
            assert_eq!(alarms(seed, |noise, _| noise.poisson(rate)), 0, "rate {rate}");
        }
    }

    #[test]
    fn errors_that_come_in_clusters_or_by_day_and_night_raise_hardly_any() {
        let clusters = alarms(1, |noise, _| if noise.unit() < 0.1 { 5 + noise.poisson(8.0) } else { 0 });
        assert!(clusters <= 20, "{clusters} of 10,000 hours, about 1,000 of them clusters");
        let retries = alarms(2, |noise, _| 7 * noise.poisson(3.0));
        assert!(retries <= 2, "{retries} of 10,000 hours; each failure is counted seven times");
        let daily = alarms(3, |noise, hour| noise.poisson(if hour % 24 < 8 { 5.0 } else { 80.0 }));
        assert!(daily <= 1, "{daily}: at most the first morning");
        let growing = alarms(4, |noise, hour| noise.poisson(1.0 + hour as f64 / 20.0));
        assert_eq!(growing, 0, "slow growth is none");
    }

    #[test]
    fn the_tail_is_that_of_a_negative_binomial() {
        for (count, shape, hours, expected) in [(1, 0.5, 1.0, 0.292_893), (3, 2.0, 1.0, 0.312_5), (0, 3.0, 5.0, 1.0)] {
            assert!((tail(count, shape, hours) - expected).abs() < 1e-5, "{count} {shape} {hours}: {}", tail(count, shape, hours));
        }
        assert!(tail(u32::MAX, 10.5, 20.0) < TAIL_MAX);
    }
}
