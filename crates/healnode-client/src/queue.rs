//! Captured errors that wait for the background thread. Adding one never waits.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::capture::Capture;
use crate::limits::{ANSWER_WAIT_MAX, EXIT_WAIT_MAX, QUEUE_MAX};

/// What became of the captured errors of one client, up to now.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Counts {
    /// The node has them.
    pub delivered: u64,
    /// They wait on the disk for the next node.
    pub spooled: u64,
    /// The node does not want them.
    pub refused: u64,
    /// They are lost: too many at once, or no node answers and the disk does not take them.
    pub dropped: u64,
}

/// What became of one captured error.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Fate {
    Delivered,
    Spooled,
    Refused,
    Dropped,
}

pub(crate) struct Queue {
    state: Mutex<State>,
    /// Something was added, or the queue was closed.
    added: Condvar,
    /// Nothing is left to do.
    emptied: Condvar,
}

struct State {
    waiting: VecDeque<Capture>,
    /// Whether the background thread delivers one at the moment.
    delivers: bool,
    closed: bool,
    counts: Counts,
    /// What is left of the time that the end of the process may wait.
    exit_wait: Duration,
    /// When the process ends at the latest, while its end waits.
    ends_at: Option<Instant>,
}

impl Queue {
    pub(crate) fn new() -> Self {
        let state = State {
            waiting: VecDeque::new(),
            delivers: false,
            closed: false,
            counts: Counts::default(),
            exit_wait: EXIT_WAIT_MAX,
            ends_at: None,
        };
        Self { state: Mutex::new(state), added: Condvar::new(), emptied: Condvar::new() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns whether one more has room; counts it as dropped if not. Asked before the work of capturing, so that a storm costs little.
    pub(crate) fn has_room(&self) -> bool {
        let mut state = self.lock();
        let has_room = state.waiting.len() < QUEUE_MAX;
        state.counts.dropped += u64::from(!has_room);
        has_room
    }

    /// Adds one, and returns whether it has room; it is dropped and counted if not.
    pub(crate) fn add(&self, capture: Capture) -> bool {
        let mut state = self.lock();
        if state.waiting.len() >= QUEUE_MAX {
            state.counts.dropped += 1;
            return false;
        }
        state.waiting.push_back(capture);
        self.added.notify_one();
        true
    }

    /// Waits for the next one. Nothing once the queue is closed and empty.
    pub(crate) fn take(&self) -> Option<Capture> {
        let state = self.lock();
        let mut state =
            self.added.wait_while(state, |state| state.waiting.is_empty() && !state.closed).unwrap_or_else(PoisonError::into_inner);
        let capture = state.waiting.pop_front();
        state.delivers = capture.is_some();
        capture
    }

    /// Says what became of the one that was taken.
    pub(crate) fn done(&self, fate: Fate) {
        let mut state = self.lock();
        let counts = &mut state.counts;
        let count = match fate {
            Fate::Delivered => &mut counts.delivered,
            Fate::Spooled => &mut counts.spooled,
            Fate::Refused => &mut counts.refused,
            Fate::Dropped => &mut counts.dropped,
        };
        *count += 1;
        state.delivers = false;
        self.emptied.notify_all();
    }

    /// Counts one that was lost on its way here.
    pub(crate) fn lose(&self) {
        self.lock().counts.dropped += 1;
    }

    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.added.notify_all();
    }

    pub(crate) fn counts(&self) -> Counts {
        self.lock().counts
    }

    /// Waits until nothing is left to do, at most so long. Returns whether nothing is.
    pub(crate) fn flush(&self, wait_max: Duration) -> bool {
        let is_left = |state: &mut State| !state.waiting.is_empty() || state.delivers;
        let waited = self.emptied.wait_timeout_while(self.lock(), wait_max, is_left);
        let (mut state, _timeout) = waited.unwrap_or_else(PoisonError::into_inner);
        !is_left(&mut state)
    }

    /// The same at the end of a process, where several may ask one after the other: those in vain wait at most [`EXIT_WAIT_MAX`] together.
    pub(crate) fn flush_at_exit(&self) -> bool {
        let start = Instant::now();
        let wait_max = {
            let mut state = self.lock();
            state.ends_at = Some(start + state.exit_wait);
            state.exit_wait
        };
        let is_empty = self.flush(wait_max);
        let mut state = self.lock();
        state.exit_wait = if is_empty { EXIT_WAIT_MAX } else { state.exit_wait.saturating_sub(start.elapsed()) };
        state.ends_at = None;
        is_empty
    }

    /// How long a node may take to answer: at the end of the process half of what is left, so that there is time for the spool.
    pub(crate) fn answer_wait(&self) -> Duration {
        let left = self.lock().ends_at.map(|ends_at| ends_at.saturating_duration_since(Instant::now()));
        left.map_or(ANSWER_WAIT_MAX, |left| ANSWER_WAIT_MAX.min(left / 2))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn capture() -> Capture {
        Capture::new("E".to_owned(), String::new())
    }

    #[test]
    fn one_too_many_is_dropped_and_counted() {
        let queue = Queue::new();
        assert!((0..QUEUE_MAX).all(|_| queue.has_room() && queue.add(capture())));
        assert!(!queue.add(capture()));
        assert!(!queue.has_room());
        assert_eq!(queue.counts().dropped, 2);
    }

    #[test]
    fn what_is_on_its_way_counts_as_left_and_the_waits_at_the_end_add_up() {
        let queue = Queue::new();
        assert!(queue.flush(Duration::ZERO));
        queue.add(capture());
        assert!(queue.take().is_some());
        assert!(!queue.flush(Duration::ZERO));
        queue.lock().exit_wait = Duration::from_millis(1);
        assert!(!queue.flush_at_exit());
        assert_eq!(queue.lock().exit_wait, Duration::ZERO);
        queue.done(Fate::Spooled);
        assert!(queue.flush_at_exit());
        assert_eq!(queue.counts(), Counts { spooled: 1, ..Counts::default() });
    }

    #[test]
    fn a_closed_queue_is_emptied_first() {
        let queue = Queue::new();
        queue.add(capture());
        queue.close();
        assert!(queue.take().is_some());
        queue.done(Fate::Delivered);
        assert!(queue.take().is_none());
    }
}
