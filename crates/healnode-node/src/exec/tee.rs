//! Passes a stream through, byte for byte, and shows it to the tail.
//!
//! One thread a stream, because a terminal or a pipe that is shared with others must not be switched to another way of waiting.

use std::io::{self, IsTerminal as _};
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::{Errno, read, write};

use super::tail::{SharedTail, Stream};

/// How long a stream may stay silent once the command has ended. What the command wrote is there by then; a child that it left behind may
/// hold the stream open for ever, and loses it after this.
const SILENCE_MAX: Duration = Duration::from_millis(500);

/// Bytes that are copied at once: what a pipe holds.
const BUFFER_BYTES: usize = 64 * 1024;

/// How long the last output of a command that was stopped may take to be shown.
const DRAIN_MAX: Duration = Duration::from_millis(200);

/// How often that is looked for.
const DRAIN_STEP: Duration = Duration::from_millis(1);

/// One stream of the command.
pub(super) struct Tee {
    source: Arc<Source>,
    to: OwnedFd,
    stream: Stream,
}

struct Source {
    from: OwnedFd,
    /// Whether something was taken out that is not written yet.
    is_busy: AtomicBool,
}

/// Tells whether all that was printed is shown. It keeps no stream open, so that a command notices when nobody reads any more.
pub(super) struct Drain(Vec<Weak<Source>>);

impl Drain {
    pub(super) fn of(tees: &[Tee]) -> Self {
        Self(tees.iter().map(|tee| Arc::downgrade(&tee.source)).collect())
    }

    /// Waits until all that the command has printed is shown, but not for a reader that takes its time.
    pub(super) async fn wait(&self) {
        let shown = async {
            while self.0.iter().filter_map(Weak::upgrade).any(|source| source.has_more()) {
                tokio::time::sleep(DRAIN_STEP).await;
            }
        };
        if tokio::time::timeout(DRAIN_MAX, shown).await.is_err() {
            tracing::debug!("some output comes after the stop");
        }
    }
}

impl Source {
    /// What is taken out makes this busy first, so there is no moment at which neither tells of it.
    fn has_more(&self) -> bool {
        let mut waiting = [PollFd::new(&self.from, PollFlags::IN)];
        let is_readable = poll(&mut waiting, Some(&Timespec::default())).is_ok() && waiting[0].revents().contains(PollFlags::IN);
        is_readable || self.is_busy.load(Ordering::SeqCst)
    }
}

/// Tells the copies that the command has ended, by being dropped.
pub(super) struct Running {
    _closed_at_the_end: io::PipeWriter,
    ended: io::PipeReader,
}

impl Running {
    /// # Errors
    /// When the system gives no pipe.
    pub(super) fn new() -> io::Result<Self> {
        let (ended, writer) = io::pipe()?;
        Ok(Self { _closed_at_the_end: writer, ended })
    }

    /// Returns what becomes readable when this is dropped.
    ///
    /// # Errors
    /// When there are too many open files.
    pub(super) fn end(&self) -> io::Result<io::PipeReader> {
        self.ended.try_clone()
    }
}

impl Tee {
    pub(super) fn new(from: OwnedFd, to: OwnedFd, stream: Stream) -> Self {
        Self { source: Arc::new(Source { from, is_busy: AtomicBool::new(false) }), to, stream }
    }

    /// Copies until either end closes, or the command has ended and nothing more comes. A reader may be as slow as it likes. When nobody reads
    /// the output any more, the command gets to know: its next write to a pipe fails as well. That the real terminal is gone a command learns
    /// by a signal; until it ends, what it writes to its own is taken and forgotten, so that it does not wait for ever.
    pub(super) fn copy(self, tail: &SharedTail, ended: &io::PipeReader) {
        let mut buffer = vec![0; BUFFER_BYTES];
        while self.waits_for_more(ended) {
            self.source.is_busy.store(true, Ordering::SeqCst);
            let is_over = self.pass_on(&mut buffer, tail);
            self.source.is_busy.store(false, Ordering::SeqCst);
            if is_over {
                return;
            }
        }
    }

    /// Passes on what is there. Returns whether that was all that there will be.
    fn pass_on(&self, buffer: &mut [u8], tail: &SharedTail) -> bool {
        match read(&self.source.from, &mut *buffer) {
            Ok(length @ 1..) => {
                tail.take(self.stream, &buffer[..length]);
                self.write_all(&buffer[..length]).is_err() && !self.source.from.is_terminal()
            }
            Err(Errno::INTR | Errno::AGAIN) => false,
            // A terminal whose other end is closed gives an error where a pipe gives nothing.
            Ok(_) | Err(_) => true,
        }
    }

    /// Waits for more. Returns false when there is none to come.
    fn waits_for_more(&self, ended: &io::PipeReader) -> bool {
        let mut both = [PollFd::new(&self.source.from, PollFlags::IN), PollFd::new(ended, PollFlags::IN)];
        loop {
            match poll(&mut both, None) {
                Ok(_) if !both[0].revents().is_empty() => return true,
                Ok(_) => break,
                Err(Errno::INTR) => {}
                Err(_) => return false,
            }
        }
        let silence = Timespec::try_from(SILENCE_MAX).ok();
        !matches!(poll(&mut both[..1], silence.as_ref()), Ok(0))
    }

    fn write_all(&self, mut bytes: &[u8]) -> Result<(), Errno> {
        while !bytes.is_empty() {
            match write(&self.to, bytes) {
                Ok(length) => bytes = &bytes[length..],
                Err(Errno::INTR) => {}
                // Another program has set the output to that.
                Err(Errno::AGAIN) => drop(poll(&mut [PollFd::new(&self.to, PollFlags::OUT)], None)),
                Err(problem) => return Err(problem),
            }
        }
        Ok(())
    }
}
