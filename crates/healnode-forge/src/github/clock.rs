//! What time it is at GitHub, as far as its answers tell.
//!
//! Each answer carries a date by GitHub's own clock, in whole seconds. Between two answers time is counted by two local clocks, since either
//! can be wrong: the monotonic one stands still while the machine sleeps, and a person can set the other. Whoever needs to be late enough
//! asks for the earliest time that it can be, whoever needs to be early enough for the latest.

use std::time::{Duration, SystemTime};

use tokio::time::Instant;

/// How far apart the earliest and the latest time may be, in seconds, for a lease to be renewed by them. A slow answer and the cut to whole
/// seconds make up this much.
const SPREAD_SECONDS_MAX: u64 = 10;

/// A moment by both local clocks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment {
    monotonic: Instant,
    wall: SystemTime,
}

/// GitHub's clock.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct ForgeClock {
    last: Option<Reading>,
}

#[derive(Clone, Copy, Debug)]
struct Reading {
    /// The date of an answer, in Unix seconds.
    date: u64,
    /// Before its request was sent.
    sent: Moment,
    /// After it was read.
    received: Moment,
}

impl Moment {
    pub(super) fn now() -> Self {
        Self { monotonic: Instant::now(), wall: SystemTime::now() }
    }

    /// Returns how much time has passed at most: the larger of what the two clocks say.
    pub(super) fn elapsed_at_most(&self) -> Duration {
        self.monotonic.elapsed().max(self.wall.elapsed().unwrap_or_default())
    }

    /// Returns how much time has passed at least. A wall clock that was set back says nothing.
    fn elapsed_at_least(&self) -> Duration {
        self.monotonic.elapsed().min(self.wall.elapsed().unwrap_or_default())
    }
}

impl ForgeClock {
    /// Notes the date of an answer to a request that was sent at `sent`.
    pub(super) fn note(&mut self, date: u64, sent: Moment) {
        self.last = Some(Reading { date, sent, received: Moment::now() });
    }

    /// Returns the earliest that it can be, in Unix seconds; nothing before the first date.
    pub(super) fn at_least(&self) -> Option<u64> {
        let reading = self.last?;
        Some(reading.date.saturating_add(reading.received.elapsed_at_least().as_secs()))
    }

    /// Returns the latest that it can be, in Unix seconds; nothing before the first date.
    pub(super) fn at_most(&self) -> Option<u64> {
        let reading = self.last?;
        // A date is cut to the second, and so is the time passed.
        Some(reading.date.saturating_add(reading.sent.elapsed_at_most().as_secs()).saturating_add(2))
    }

    /// Tells whether the last date is good enough to count on from here: the two local clocks agree on what has passed since.
    pub(super) fn is_sharp(&self) -> bool {
        let spread = self.at_most().unwrap_or(u64::MAX).saturating_sub(self.at_least().unwrap_or(0));
        spread <= SPREAD_SECONDS_MAX
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn of_two_clocks_that_disagree_the_cautious_one_counts() {
        let mut clock = ForgeClock::default();
        assert_eq!((clock.at_least(), clock.at_most()), (None, None));
        let sent = Moment::now();
        clock.note(1_000, sent);
        assert_eq!((clock.at_least(), clock.at_most()), (Some(1_000), Some(1_002)));
        assert!(clock.is_sharp());
        // Only the monotonic clock moves here, as when the wall clock was set back.
        tokio::time::advance(Duration::from_secs(60)).await;
        assert_eq!((clock.at_least(), clock.at_most()), (Some(1_000), Some(1_062)));
        assert!(!clock.is_sharp() && !ForgeClock::default().is_sharp());
        assert!(sent.elapsed_at_most() >= Duration::from_secs(60));

        let slept = Moment { wall: SystemTime::now() - Duration::from_secs(300), ..Moment::now() };
        assert!(slept.elapsed_at_most() >= Duration::from_secs(300) && slept.elapsed_at_least() < Duration::from_secs(1));
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_took_long_may_have_been_dated_at_either_end() {
        let mut clock = ForgeClock::default();
        let sent = Moment::now();
        tokio::time::advance(Duration::from_secs(20)).await;
        clock.note(1_000, sent);
        assert_eq!((clock.at_least(), clock.at_most()), (Some(1_000), Some(1_022)));
    }
}
