//! What tells two occurrences apart.

use std::fmt;
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

/// The id of one captured error, 32 hexadecimal digits. The node counts the same id once. Tell it to a user who asks what went wrong.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct EventId(u128);

impl EventId {
    /// Makes an id that no other process, thread or fork has.
    ///
    /// The standard library's keys for hash maps come from the system and are secret; process, time and number tell forks apart, which share
    /// the keys.
    pub(crate) fn new() -> Self {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let since_epoch = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let half = || {
            let mut hasher = RandomState::new().build_hasher();
            hasher.write_u32(std::process::id());
            hasher.write_u128(since_epoch.as_nanos());
            hasher.write_u64(number);
            hasher.finish()
        };
        Self(u128::from(half()) << 64 | u128::from(half()))
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn ids_of_many_threads_differ() {
        let threads: Vec<_> =
            (0..4).map(|_| std::thread::spawn(|| (0..1_000).map(|_| EventId::new().to_string()).collect::<Vec<_>>())).collect();
        let ids: BTreeSet<String> = threads.into_iter().flat_map(|thread| thread.join().unwrap_or_default()).collect();
        assert_eq!(ids.len(), 4_000);
        assert!(ids.iter().all(|id| id.len() == 32));
    }
}
