//! Runs the application's code, such as its `Display`, so that a panic in it goes no further.

use std::panic::{AssertUnwindSafe, catch_unwind};

/// Returns what `act` gives, or nothing when it panicked. The payload is leaked: dropping it could panic again, with nobody around it.
pub(crate) fn contain<T>(act: impl FnOnce() -> T) -> Option<T> {
    match catch_unwind(AssertUnwindSafe(act)) {
        Ok(value) => Some(value),
        Err(payload) => {
            std::mem::forget(payload);
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_whose_payload_panics_in_turn_is_contained() {
        struct Bomb;
        impl Drop for Bomb {
            fn drop(&mut self) {
                panic!("the payload was dropped");
            }
        }
        assert!(contain(|| std::panic::panic_any(Bomb)).is_none());
        assert_eq!(contain(|| 7), Some(7));
    }
}
