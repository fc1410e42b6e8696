//! Passes a stream through, byte for byte, and shows it to the tail.
//!
//! One thread a stream, because a terminal or a pipe that is shared with others must not be switched to another way of waiting.

use std::io::{self, IsTerminal as _};
use std::os::fd::OwnedFd;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::{Errno, read, write};

use super::tail::{SharedTail, Stream};

/// How long a stream may stay silent once the command has ended. What the command wrote is there by then; a child that it left behind may
/// hold the stream open for ever, and loses it after this.
const SILENCE_MAX: Duration = Duration::from_millis(500);

/// Bytes that are copied at once: what a pipe holds.
const BUFFER_BYTES: usize = 64 * 1024;

/// One stream of the command.
pub(super) struct Tee {
    pub(super) from: OwnedFd,
    pub(super) to: OwnedFd,
    pub(super) stream: Stream,
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
    /// Copies until either end closes, or the command has ended and nothing more comes. A reader may be as slow as it likes. When nobody reads
    /// the output any more, the command gets to know: its next write to a pipe fails as well. That the real terminal is gone a command learns
    /// by a signal; until it ends, what it writes to its own is taken and forgotten, so that it does not wait for ever.
    pub(super) fn copy(&self, tail: &SharedTail, ended: &io::PipeReader) {
        let mut buffer = vec![0; BUFFER_BYTES];
        while self.has_more(ended) {
            match read(&self.from, &mut buffer) {
                Ok(length @ 1..) => {
                    tail.take(self.stream, &buffer[..length]);
                    if self.write_all(&buffer[..length]).is_err() && !self.from.is_terminal() {
                        return;
                    }
                }
                Err(Errno::INTR | Errno::AGAIN) => {}
                // A terminal whose other end is closed gives an error where a pipe gives nothing.
                Ok(_) | Err(_) => return,
            }
        }
    }

    /// Waits for more. Returns false when there is none to come.
    fn has_more(&self, ended: &io::PipeReader) -> bool {
        let mut both = [PollFd::new(&self.from, PollFlags::IN), PollFd::new(ended, PollFlags::IN)];
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
