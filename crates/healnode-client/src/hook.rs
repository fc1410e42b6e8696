//! Panics: captured by a hook that then leaves them to the hook before.

use std::backtrace::Backtrace;
use std::panic::{self, PanicHookInfo};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::bounded;
use crate::busy::Busy;
use crate::capture::Capture;
use crate::client::Inner;
use crate::limits::MESSAGE_BYTES_MAX;

/// The type of a panic, as `healnode exec` names what it reads on standard error.
const PANIC: &str = "panic";

/// The message of a panic whose payload is no text.
const NO_TEXT: &str = "Box<dyn Any>";

/// Installs the hook, once for each client.
pub(crate) fn install(inner: &Arc<Inner>) {
    let can_install = !std::thread::panicking();
    if !can_install || inner.is_hooked.swap(true, Ordering::Relaxed) {
        return;
    }
    let inner = inner.clone();
    let before = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        let inside = Busy::enter();
        if inside.is_some() {
            inner.capture_inside(|| capture(info));
        }
        before(info);
        drop(inside);
        if ends_process(&inner) {
            inner.queue.flush_at_exit();
        }
    }));
}

/// The frames are asked for whatever the environment says: without them, all panics of one line in a library would be one error.
fn capture(info: &PanicHookInfo<'_>) -> Capture {
    let message = bounded::text(format_args!("{}", info.payload_as_str().unwrap_or(NO_TEXT)), MESSAGE_BYTES_MAX);
    let thread = std::thread::current();
    let thread = thread.name().unwrap_or("<unnamed>");
    let place = info.location().map(ToString::to_string).unwrap_or_default();
    let mut capture = Capture::new(PANIC.to_owned(), message);
    capture.heading = format!("thread '{thread}' panicked at {place}:\n{}\n", capture.message);
    capture.backtrace = Some(Backtrace::force_capture());
    capture
}

/// Whether the process is over after the hook, and nobody else waits for its last reports.
fn ends_process(inner: &Inner) -> bool {
    let is_main = std::thread::current().name() == Some("main");
    cfg!(panic = "abort") || is_main && !inner.is_wrapped.load(Ordering::Relaxed)
}
