//! When something that failed is tried again: after a wait that doubles with each failure, up to a longest one, for ever.

use std::time::{Duration, Instant};

/// When something that failed is tried again.
#[derive(Clone, Debug)]
pub(crate) struct Backoff {
    first: Duration,
    longest: Duration,
    failures: u32,
    due: Instant,
}

impl Backoff {
    /// Makes one that is due at once.
    pub(crate) fn new(first: Duration, longest: Duration, now: Instant) -> Self {
        Self { first, longest, failures: 0, due: now }
    }

    pub(crate) fn is_due(&self, now: Instant) -> bool {
        self.due <= now
    }

    /// Returns how often it failed since it last went well.
    pub(crate) fn failures(&self) -> u32 {
        self.failures
    }

    /// Waits longer than the last time. `chance` from 0 to 1 spreads the wait over its upper half, so that nodes that failed together do not
    /// try together.
    pub(crate) fn fail(&mut self, now: Instant, chance: f64) {
        let wait = self.first.saturating_mul(1 << self.failures.min(16)).min(self.longest);
        self.failures = self.failures.saturating_add(1);
        self.due = now + wait.mul_f64(0.5 + 0.5 * chance.clamp(0.0, 1.0));
    }

    /// Ends the present wait. The next one is as long as it would have been.
    pub(crate) fn hurry(&mut self, now: Instant) {
        self.due = self.due.min(now);
    }

    /// Starts anew: the next wait is the first again.
    pub(crate) fn restart(&mut self, now: Instant, chance: f64) {
        self.failures = 0;
        self.fail(now, chance);
        self.failures = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: Duration = Duration::from_secs(1);
    const LONGEST: Duration = Duration::from_secs(60);

    #[test]
    fn the_wait_doubles_up_to_the_longest_and_no_further() {
        let now = Instant::now();
        let mut backoff = Backoff::new(FIRST, LONGEST, now);
        assert!(backoff.is_due(now));
        for seconds in [1, 2, 4, 8, 16, 32, 60, 60] {
            backoff.fail(now, 1.0);
            assert_eq!(backoff.due, now + Duration::from_secs(seconds));
        }
        backoff.hurry(now);
        assert!(backoff.is_due(now));
        for _ in 0..1000 {
            backoff.fail(now, 1.0);
        }
        assert_eq!(backoff.due, now + LONGEST);
    }

    #[test]
    fn chance_takes_up_to_half_of_the_wait_away() {
        let now = Instant::now();
        let mut backoff = Backoff::new(FIRST, LONGEST, now);
        backoff.fail(now, 0.0);
        assert_eq!(backoff.due, now + FIRST / 2);
    }

    #[test]
    fn after_a_success_the_wait_is_short_again() {
        let now = Instant::now();
        let mut backoff = Backoff::new(FIRST, LONGEST, now);
        (0..9).for_each(|_| backoff.fail(now, 1.0));
        backoff.restart(now, 1.0);
        assert_eq!((backoff.failures(), backoff.due), (0, now + FIRST));
    }
}
