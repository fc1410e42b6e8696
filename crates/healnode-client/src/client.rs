//! What an application holds: captures errors, and hands them to the background thread.
//!
//! Every method returns at once, whatever the node does; those that wait say so and say how long. None panics, and what the application's own
//! `Display` and `Debug` do is contained.

use std::error::Error;
use std::fmt::{self, Display};
use std::panic::Location;
use std::process::{ExitCode, Termination};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use healnode_report::Severity;

use crate::builder::Builder;
use crate::capture::{Capture, Origin};
use crate::contain::contain;
use crate::event_id::EventId;
use crate::failure::Failure;
use crate::places::Places;
use crate::queue::{Counts, Queue};
use crate::ring::Ring;
use crate::worker::Worker;
use crate::{busy::Busy, chain, frames, hook};

/// The exit code of a program whose `main` panicked.
const PANICKED: u8 = 101;

/// Hands errors to the node on this machine. Clones share everything.
///
/// When the last clone goes out of scope, it waits for what is still on its way, up to 2 s, so keep one until the end of `main`. The panic hook,
/// the layer for `tracing` and [`install`](Client::install) go on working after that, but nothing waits for them.
#[derive(Clone)]
pub struct Client {
    handle: Arc<Handle>,
}

/// What the clones share, and nobody else: its end is the end of the last clone.
struct Handle {
    inner: Arc<Inner>,
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.inner.queue.flush_at_exit();
    }
}

/// What works behind a client.
pub(crate) struct Inner {
    pub(crate) is_enabled: bool,
    pub(crate) queue: Arc<Queue>,
    pub(crate) ring: Ring,
    origin: Origin,
    places: Places,
    /// Whether there is a background thread. It starts with the first error.
    is_started: OnceLock<bool>,
    pub(crate) is_hooked: AtomicBool,
    /// Whether somebody waits for the last reports after `main`, so that the panic hook need not.
    pub(crate) is_wrapped: AtomicBool,
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.queue.close();
    }
}

impl Inner {
    pub(crate) fn new(is_enabled: bool, ring: Ring, origin: Origin, places: Places) -> Self {
        Self {
            is_enabled,
            queue: Arc::new(Queue::new()),
            ring,
            origin,
            places,
            is_started: OnceLock::new(),
            is_hooked: AtomicBool::new(false),
            is_wrapped: AtomicBool::new(false),
        }
    }

    /// Captures what `make` gives, unless the library is off, full, or what this thread is in already.
    pub(crate) fn capture(&self, make: impl FnOnce() -> Capture) -> Option<EventId> {
        if !self.is_enabled {
            return None;
        }
        let _inside = Busy::enter()?;
        self.capture_inside(make)
    }

    /// The same for whoever is inside already.
    pub(crate) fn capture_inside(&self, make: impl FnOnce() -> Capture) -> Option<EventId> {
        if !self.queue.has_room() {
            return None;
        }
        let Some(mut capture) = contain(make) else {
            self.queue.lose();
            return None;
        };
        capture.logs = self.ring.lines();
        if let Some(name) = std::thread::current().name() {
            capture.tag("thread", format_args!("{name}"));
        }
        let event_id = capture.event_id;
        if !self.is_started() {
            self.queue.lose();
            return None;
        }
        self.queue.add(capture).then_some(event_id)
    }

    fn is_started(&self) -> bool {
        *self.is_started.get_or_init(|| {
            let worker = Worker { queue: self.queue.clone(), origin: self.origin.clone(), places: self.places.clone(), ask_again_at: None };
            worker.start().is_ok()
        })
    }

    pub(crate) fn capture_error<E: Error + ?Sized>(
        &self,
        error: &E,
        context: &[(&str, &dyn Display)],
        severity: Option<Severity>,
        location: &Location<'_>,
    ) -> Option<EventId> {
        self.capture(|| {
            let described = chain::describe(&error, Some(std::any::type_name::<E>()));
            let mut capture = Capture::new(described.error_type, described.message);
            capture.heading = described.causes;
            capture.severity = severity;
            capture.backtrace = Some(std::backtrace::Backtrace::capture());
            capture.tag("location", format_args!("{}:{}", location.file(), location.line()));
            for (name, value) in context {
                capture.tag(name, format_args!("{value}"));
            }
            capture
        })
    }

    /// Captures what ended `main`.
    fn capture_failure<Kind>(&self, failure: &impl Failure<Kind>) {
        self.capture(|| {
            let mut capture = Capture::new(String::new(), String::new());
            failure.show(&mut |error, type_name| {
                let described = chain::describe(error, type_name);
                (capture.error_type, capture.message, capture.heading) = (described.error_type, described.message, described.causes);
            });
            capture.heading.push_str(&frames::in_debug_text(format_args!("{failure:?}")));
            capture
        });
    }
}

impl Client {
    /// Says what the application is, and what it asks of the node.
    pub fn builder() -> Builder {
        Builder::default()
    }

    pub(crate) fn new(inner: Inner) -> Self {
        Self { handle: Arc::new(Handle { inner: Arc::new(inner) }) }
    }

    pub(crate) fn inner(&self) -> &Arc<Inner> {
        &self.handle.inner
    }

    /// Reports an error with its causes, and returns its id; nothing when it was dropped.
    ///
    /// An error in a box is given as `&*error`, because a box of a `dyn Error` is no error itself. Its type is read from its `Debug` text.
    ///
    /// The message is that of the error and of its causes. With `RUST_BACKTRACE` or `RUST_LIB_BACKTRACE` set, the report has a backtrace of
    /// this call; where an error keeps one of its own, it is left alone, since finding its names would hold the caller for milliseconds.
    #[track_caller]
    pub fn capture_error<E: Error + ?Sized>(&self, error: &E) -> Option<EventId> {
        self.inner().capture_error(error, &[], None, Location::caller())
    }

    /// Reports an error with values that explain it, up to 40; returns as [`capture_error`](Client::capture_error) does.
    ///
    /// ```
    /// # let client = healnode_client::Client::builder().enabled(false).build()?;
    /// # let error = std::io::Error::other("no rates");
    /// client.capture_error_with(&error, &[("order", &4711), ("currency", &"EUR")]);
    /// # Ok::<(), healnode_client::BuildError>(())
    /// ```
    #[track_caller]
    pub fn capture_error_with<E: Error + ?Sized>(&self, error: &E, context: &[(&str, &dyn Display)]) -> Option<EventId> {
        self.inner().capture_error(error, context, None, Location::caller())
    }

    /// Reports an error of which one occurrence is enough for an issue.
    ///
    /// It is reported as critical: only those are due at once, all others when they have happened `bundle.min_occurrences` times. Whether an
    /// issue is filed is the node's decision all the same, and it files one for all occurrences on all nodes.
    #[track_caller]
    pub fn create_issue_from_error<E: Error + ?Sized>(&self, error: &E) -> Option<EventId> {
        self.inner().capture_error(error, &[], Some(Severity::Critical), Location::caller())
    }

    /// Reports an `anyhow::Error` with its contexts; returns as [`capture_error`](Client::capture_error) does.
    #[cfg(feature = "anyhow")]
    #[track_caller]
    pub fn capture_anyhow(&self, error: &anyhow::Error) -> Option<EventId> {
        let error: &(dyn Error + 'static) = error.as_ref();
        self.inner().capture_error(error, &[], None, Location::caller())
    }

    /// Reports an `eyre::Report` with its contexts; returns as [`capture_error`](Client::capture_error) does.
    #[cfg(feature = "eyre")]
    #[track_caller]
    pub fn capture_eyre(&self, error: &eyre::Report) -> Option<EventId> {
        let error: &(dyn Error + 'static) = error.as_ref();
        self.inner().capture_error(error, &[], None, Location::caller())
    }

    /// Runs a program's `main`: reports its error or its panic, prints the error as `main` would have, and returns the exit code that the
    /// program would have had.
    ///
    /// Panics of all threads are reported from then on, see [`install_panic_hook`](Client::install_panic_hook). Waits for what is still on
    /// its way, up to 2 s.
    ///
    /// ```no_run
    /// fn main() -> std::process::ExitCode {
    ///     let client = healnode_client::Client::builder().app("shop").build().expect("the names above are sound");
    ///     client.wrap_main(|| {
    ///         let rates = std::fs::read_to_string("rates.json")?;
    ///         println!("{rates}");
    ///         Ok::<(), std::io::Error>(())
    ///     })
    /// }
    /// ```
    pub fn wrap_main<T: Termination, E: Failure<Kind>, Kind>(&self, main: impl FnOnce() -> Result<T, E>) -> ExitCode {
        self.install_panic_hook();
        self.inner().is_wrapped.store(true, Ordering::Relaxed);
        let code = match contain(main) {
            Some(Ok(value)) => value.report(),
            Some(Err(error)) => {
                print(format_args!("Error: {error:?}\n"));
                self.inner().capture_failure(&error);
                ExitCode::FAILURE
            }
            None => ExitCode::from(PANICKED),
        };
        self.inner().queue.flush_at_exit();
        code
    }

    /// Reports panics of all threads, and leaves them to the hook before. A second call does nothing.
    ///
    /// A panic that ends the process, because it is on the main thread or because panics abort, waits up to 2 s until it is reported; one on
    /// another thread does not wait.
    pub fn install_panic_hook(&self) {
        if self.inner().is_enabled {
            hook::install(self.inner());
        }
    }

    /// Makes this the client of [`healnode_client::capture_error`](crate::capture_error) and reports panics. Returns `false` when another
    /// client is installed already; then nothing changes.
    pub fn install(&self) -> bool {
        let is_first = crate::installed::install(self.inner());
        if is_first {
            self.install_panic_hook();
        }
        is_first
    }

    /// Keeps a log line, to be sent along with the next errors. For applications that do not log through `tracing`.
    pub fn log_line(&self, line: impl Display) {
        self.inner().log_line(None, format_args!("{line}"));
    }

    /// A layer that keeps the last lines and reports events of level `ERROR`.
    #[cfg(feature = "tracing")]
    pub fn layer(&self) -> crate::TracingLayer {
        crate::TracingLayer::new(self.inner())
    }

    /// Waits until everything captured is at the node or on the disk, at most so long. Returns whether it is.
    pub fn flush(&self, wait_max: Duration) -> bool {
        self.inner().queue.flush(wait_max)
    }

    /// Returns what became of the errors captured so far.
    pub fn counts(&self) -> Counts {
        self.inner().queue.counts()
    }
}

impl Inner {
    /// Keeps a log line, unless this thread is inside the library.
    pub(crate) fn log_line(&self, at: Option<healnode_report::UnixMillis>, text: fmt::Arguments<'_>) {
        if !self.is_enabled || !self.ring.keeps_lines() {
            return;
        }
        if let Some(_inside) = Busy::enter() {
            contain(|| self.ring.push(at, text));
        }
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("is_enabled", &self.inner().is_enabled).field("counts", &self.counts()).finish_non_exhaustive()
    }
}

/// Prints on standard error. A closed one is no failure of the program, as it is none for `main`.
fn print(text: fmt::Arguments<'_>) {
    use std::io::Write as _;
    let _printed_or_closed = std::io::stderr().write_fmt(text);
}
