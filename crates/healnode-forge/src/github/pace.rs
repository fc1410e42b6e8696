//! How fast GitHub is spoken to.
//!
//! GitHub asks for one request at a time (whoever owns the forge sees to that), a second between writes and more between creates, and
//! silence after a limit answer: who goes on asking is banned. All waits here are by the monotonic clock.

use std::collections::VecDeque;
use std::time::{Duration, SystemTime};

use tokio::time::Instant;

use super::outcome::Act;

/// First wait after a limit answer that names no time, as GitHub's documentation has it. It doubles with each further one.
const SECONDARY_WAIT: Duration = Duration::from_secs(60);

/// How often that wait doubles: up to 32 minutes.
const DOUBLINGS_MAX: u32 = 5;

/// Up to how many milliseconds are added to such a wait, so that nodes that share a token don't come back together.
const JITTER_MILLIS: u128 = 15_000;

const HOUR: Duration = Duration::from_secs(3600);

/// How far apart requests are. The default keeps to what GitHub tolerates in practice, which is less than it documents.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Pace {
    /// Between the end of one write and the next, at least. GitHub asks for 1 s.
    pub between_writes: Duration,
    /// Between the end of one create or comment and the next, at least. 4 s: fifteen a minute; some twenty a minute have been blocked.
    pub between_creates: Duration,
    /// Creates and comments within any hour. One more is refused as a rate limit until the oldest is an hour old. 100: some 150 have been blocked.
    pub creates_per_hour: usize,
    /// Before a fresh issue that answers 404 is asked for again.
    pub between_tries: Duration,
}

/// Keeps the pace.
#[derive(Debug)]
pub(crate) struct Pacer {
    pace: Pace,
    last_write: Option<Instant>,
    last_create: Option<Instant>,
    /// When creates and comments were sent within the last hour, oldest first; at most `creates_per_hour`.
    creates: VecDeque<Instant>,
    silent_until: Option<Instant>,
    unnamed_limits_in_a_row: u32,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            between_writes: Duration::from_secs(1),
            between_creates: Duration::from_secs(4),
            creates_per_hour: 100,
            between_tries: Duration::from_secs(1),
        }
    }
}

impl Pacer {
    pub(crate) fn new(pace: Pace) -> Self {
        Self { pace, last_write: None, last_create: None, creates: VecDeque::new(), silent_until: None, unnamed_limits_in_a_row: 0 }
    }

    /// Takes over what was sent and what was asked for before, but not the pace.
    pub(crate) fn inherit(&mut self, previous: Self) {
        *self = Self { pace: self.pace, ..previous };
    }

    pub(crate) fn pace(&self) -> Pace {
        self.pace
    }

    /// Waits until a request may be sent. Returns how long to stay away when that is not a matter of seconds. Cancel-safe.
    pub(crate) async fn turn(&mut self, act: Act) -> Result<(), Duration> {
        if let Some(wait) = self.silence() {
            return Err(wait);
        }
        match act {
            Act::Read => {}
            Act::Change => wait_since(self.last_write, self.pace.between_writes).await,
            Act::Comment | Act::Create | Act::Open => {
                self.hourly_budget()?;
                wait_since(self.last_write, self.pace.between_writes).await;
                wait_since(self.last_create, self.pace.between_creates).await;
                self.creates.push_back(Instant::now());
            }
        }
        Ok(())
    }

    /// Notes that a request has come to its end, whatever it was.
    pub(crate) fn ended(&mut self, act: Act) {
        let now = Instant::now();
        match act {
            Act::Read => {}
            Act::Change => self.last_write = Some(now),
            Act::Comment | Act::Create | Act::Open => {
                self.last_write = Some(now);
                self.last_create = Some(now);
            }
        }
    }

    /// Notes an answer that was no limit.
    pub(crate) fn welcome(&mut self) {
        self.unnamed_limits_in_a_row = 0;
    }

    /// Notes a limit answer: nothing is sent until the returned wait is over.
    pub(crate) fn limited(&mut self, named: Option<Duration>) -> Duration {
        let wait = named.unwrap_or_else(|| self.unnamed_wait());
        self.silent_until = Some(Instant::now() + wait);
        wait
    }

    /// Returns how long nothing may be sent, if so.
    pub(crate) fn silence(&self) -> Option<Duration> {
        let left = self.silent_until?.saturating_duration_since(Instant::now());
        (!left.is_zero()).then_some(left)
    }

    fn unnamed_wait(&mut self) -> Duration {
        let doublings = self.unnamed_limits_in_a_row.min(DOUBLINGS_MAX);
        self.unnamed_limits_in_a_row = self.unnamed_limits_in_a_row.saturating_add(1);
        SECONDARY_WAIT * 2_u32.pow(doublings) + jitter()
    }

    fn hourly_budget(&mut self) -> Result<(), Duration> {
        let now = Instant::now();
        while self.creates.front().is_some_and(|sent| now.duration_since(*sent) >= HOUR) {
            self.creates.pop_front();
        }
        match self.creates.front() {
            Some(oldest) if self.creates.len() >= self.pace.creates_per_hour => Err(HOUR - now.duration_since(*oldest)),
            Some(_) | None => Ok(()),
        }
    }
}

async fn wait_since(last: Option<Instant>, gap: Duration) {
    if let Some(last) = last {
        tokio::time::sleep_until(last + gap).await;
    }
}

fn jitter() -> Duration {
    let nanos = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_nanos());
    Duration::from_millis(u64::try_from(nanos % JITTER_MILLIS).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn create(pacer: &mut Pacer) -> Result<Duration, Duration> {
        let before = Instant::now();
        pacer.turn(Act::Create).await?;
        pacer.ended(Act::Create);
        Ok(before.elapsed())
    }

    #[tokio::test(start_paused = true)]
    async fn writes_are_a_second_apart_and_creates_four() {
        let mut pacer = Pacer::new(Pace::default());
        assert_eq!(create(&mut pacer).await.unwrap().as_secs(), 0);
        assert_eq!(create(&mut pacer).await.unwrap().as_secs(), 4);

        let before = Instant::now();
        pacer.turn(Act::Change).await.unwrap();
        assert_eq!(before.elapsed().as_secs(), 1);
        pacer.turn(Act::Read).await.unwrap();
        assert_eq!(before.elapsed().as_secs(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_is_sent_during_the_silence_that_was_asked_for() {
        let mut pacer = Pacer::new(Pace::default());
        assert_eq!(pacer.limited(Some(Duration::from_secs(30))), Duration::from_secs(30));
        for act in [Act::Read, Act::Change, Act::Create] {
            assert_eq!(pacer.turn(act).await, Err(Duration::from_secs(30)));
        }
        tokio::time::sleep(Duration::from_secs(30)).await;
        assert_eq!(pacer.turn(Act::Read).await, Ok(()));
    }

    #[tokio::test(start_paused = true)]
    async fn a_limit_that_names_no_time_doubles_until_an_answer_is_no_limit() {
        let mut pacer = Pacer::new(Pace::default());
        let minutes = |pacer: &mut Pacer| pacer.limited(None).as_secs() / 60;
        assert_eq!([0; 7].map(|_| minutes(&mut pacer)), [1, 2, 4, 8, 16, 32, 32]);
        pacer.welcome();
        assert_eq!(minutes(&mut pacer), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn more_creates_than_an_hour_allows_are_put_off_until_the_oldest_is_an_hour_old() {
        let pace =
            Pace { between_writes: Duration::ZERO, between_creates: Duration::ZERO, creates_per_hour: 2, between_tries: Duration::ZERO };
        let mut pacer = Pacer::new(pace);
        create(&mut pacer).await.unwrap();
        tokio::time::sleep(Duration::from_secs(600)).await;
        create(&mut pacer).await.unwrap();
        assert_eq!(create(&mut pacer).await.unwrap_err(), Duration::from_secs(3000));
        tokio::time::sleep(Duration::from_secs(3000)).await;
        create(&mut pacer).await.unwrap();
        assert_eq!(create(&mut pacer).await.unwrap_err(), Duration::from_secs(600));
    }
}
