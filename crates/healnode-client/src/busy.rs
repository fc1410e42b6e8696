//! Keeps the library from reporting itself: whatever a thread does while it is inside, errors and log lines of it are not taken.
//!
//! Inside are the background thread, a thread that captures (it runs the application's `Display` and `Debug`), and the panic hook while the
//! hook before it runs.

use std::cell::Cell;

thread_local! {
    static IS_INSIDE: Cell<bool> = const { Cell::new(false) };
}

/// This thread is inside until it is dropped.
pub(crate) struct Busy(());

impl Busy {
    /// Enters, unless this thread is inside already, or ends.
    pub(crate) fn enter() -> Option<Self> {
        let was_inside = IS_INSIDE.try_with(|inside| inside.replace(true)).unwrap_or(true);
        (!was_inside).then_some(Self(()))
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        let _thread_ended = IS_INSIDE.try_with(|inside| inside.set(false));
    }
}
