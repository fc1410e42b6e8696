//! The client of a whole program, for code that nobody handed one to. The library's only global state, and only if the program asks for it.

use std::error::Error;
use std::panic::Location;
use std::sync::{Arc, OnceLock};

use crate::client::Inner;
use crate::event_id::EventId;

static INSTALLED: OnceLock<Arc<Inner>> = OnceLock::new();

/// Returns whether it is the first.
pub(crate) fn install(inner: &Arc<Inner>) -> bool {
    INSTALLED.set(inner.clone()).is_ok()
}

/// Reports an error through the installed client, see [`Client::install`](crate::Client::install) and
/// [`Client::capture_error`](crate::Client::capture_error). Does nothing when none is installed.
#[track_caller]
pub fn capture_error<E: Error + ?Sized>(error: &E) -> Option<EventId> {
    INSTALLED.get()?.capture_error(error, &[], None, Location::caller())
}
