//! The two kinds of time. Waits are measured in [`Millis`]; what people read, and what other nodes are told, is [`UnixMillis`].

use std::fmt;
use std::ops::Add;
use std::time::Duration;

use healnode_report::UnixMillis;

/// A point of monotonic time, in milliseconds since the driver started. It never steps back and means nothing to another process.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Millis(pub u64);

impl Millis {
    /// Returns how long ago `earlier` was; zero when it lies ahead.
    pub fn since(self, earlier: Millis) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Duration> for Millis {
    type Output = Millis;

    fn add(self, wait: Duration) -> Millis {
        Millis(self.0.saturating_add(duration_millis(wait)))
    }
}

impl fmt::Debug for Millis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}ms", self.0)
    }
}

/// The moment of an input, by both clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Now {
    /// What waits are measured by.
    pub mono: Millis,
    /// What is written down. It may step, and may be wrong; no decision about another node rests on it.
    pub wall: UnixMillis,
}

/// Returns whole milliseconds, at most `u64::MAX`.
pub(crate) fn duration_millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
