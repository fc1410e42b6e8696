//! All chance of a run, from one seed.
//!
//! xoshiro256++ by its published definition, so a seed means the same run on every machine and with every release of `rand`; the ranges are
//! taken here, because `rand` may change how it takes them.

use rand::SeedableRng;
use rand::rand_core::Rng;
use rand::rngs::Xoshiro256PlusPlus;

/// A source of chance.
pub(crate) struct Dice(Xoshiro256PlusPlus);

impl Dice {
    /// Two seeds give two runs; all 64 bits count.
    pub(crate) fn new(seed: u64) -> Self {
        Self(Xoshiro256PlusPlus::seed_from_u64(seed))
    }

    /// Returns 0 to `n` - 1, or 0 if `n` is 0.
    pub(crate) fn below(&mut self, n: usize) -> usize {
        let wide = u128::from(self.0.next_u64()) * n as u128;
        (wide >> 64) as usize
    }

    /// Returns `low` to `high`, both included.
    pub(crate) fn between(&mut self, low: u64, high: u64) -> u64 {
        let span = high.saturating_sub(low).saturating_add(1);
        low + self.below(usize::try_from(span).unwrap_or(usize::MAX)) as u64
    }

    /// Returns true in so many of a thousand cases.
    pub(crate) fn per_mille(&mut self, n: u64) -> bool {
        self.between(0, 999) < n
    }

    /// Returns `count` different numbers below `n`, in order; all of them if there are no more.
    pub(crate) fn some_of(&mut self, count: usize, n: usize) -> Vec<usize> {
        let mut all: Vec<usize> = (0..n).collect();
        let count = count.min(n);
        for place in 0..count {
            let other = place + self.below(n - place);
            all.swap(place, other);
        }
        all.truncate(count);
        all.sort_unstable();
        all
    }

    /// Returns 32 random bytes.
    pub(crate) fn bytes(&mut self) -> [u8; 32] {
        let mut bytes = [0; 32];
        self.0.fill_bytes(&mut bytes);
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_seed_is_one_run_and_neighbouring_seeds_are_not() {
        let run = |seed| {
            let mut dice = Dice::new(seed);
            (0..8).map(|_| dice.between(0, u64::MAX - 1)).collect::<Vec<_>>()
        };
        assert_eq!(run(2), run(2));
        assert_ne!(run(2), run(3));
    }

    #[test]
    fn ranges_reach_both_ends_and_never_beyond() {
        let mut dice = Dice::new(1);
        let drawn: std::collections::BTreeSet<u64> = (0..200).map(|_| dice.between(3, 6)).collect();
        assert_eq!(drawn.into_iter().collect::<Vec<_>>(), [3, 4, 5, 6]);
        assert_eq!(dice.some_of(9, 3), [0, 1, 2]);
        assert_eq!(dice.below(0), 0);
    }
}
