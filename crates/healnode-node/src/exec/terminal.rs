//! The terminal that this process was started on: its modes, its size, and who may use it just now.
//!
//! Its modes are put back when it is dropped. What a command does on its own terminal is `pty.rs`'s and `session.rs`'s matter.

use std::io::{self, IsTerminal as _};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{Mode, OFlags, fstat, open};
use rustix::process::{Pid, getpgrp};
use rustix::termios::{OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcgetpgrp, tcsetattr};

/// The controlling terminal, as its modes were found.
pub(super) struct Terminal {
    device: OwnedFd,
    usual: Termios,
    is_raw: bool,
}

impl Terminal {
    /// Returns the terminal, if this process is the one that uses it now, and output is on it together with the input or, where that comes from
    /// elsewhere, the errors: such a command asks its errors' terminal for keys.
    pub(super) fn in_use() -> Option<Self> {
        let (input, output, errors) = (io::stdin(), io::stdout(), io::stderr());
        let has_keys = if input.is_terminal() {
            are_one_terminal(input.as_fd(), output.as_fd())
        } else {
            are_one_terminal(output.as_fd(), errors.as_fd())
        };
        if has_keys && foreground(&output) == Some(getpgrp()) { Self::controlling() } else { None }
    }

    /// Returns the controlling terminal of this process.
    pub(super) fn controlling() -> Option<Self> {
        let device = open("/dev/tty", OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC, Mode::empty()).ok()?;
        let usual = tcgetattr(&device).ok()?;
        Some(Self { device, usual, is_raw: false })
    }

    /// Hands every key and every byte on as they are, for the terminal behind does with them what this one would have done.
    pub(super) fn make_raw(&mut self) {
        if !self.is_raw {
            self.usual = tcgetattr(&self.device).unwrap_or_else(|_| self.usual.clone());
        }
        self.is_raw = tcsetattr(&self.device, OptionalActions::Drain, &raw(&self.usual)).is_ok() || self.is_raw;
    }

    /// Puts the modes back. What was written before is shown in the modes that it was written for.
    pub(super) fn restore(&mut self) {
        if std::mem::take(&mut self.is_raw) && tcsetattr(&self.device, OptionalActions::Drain, &self.usual).is_err() {
            tracing::debug!("the modes of the terminal could not be put back");
        }
    }

    /// Puts the modes back that another process left raw when it was killed.
    pub(super) fn restore_after_another(&mut self) {
        let left = raw(&self.usual);
        let is_left_raw = |now: &Termios| now.local_modes == left.local_modes && now.output_modes == left.output_modes;
        self.is_raw = tcgetattr(&self.device).is_ok_and(|now| is_left_raw(&now));
        self.restore();
    }

    /// Returns whether this process may read from it.
    pub(super) fn is_in_foreground(&self) -> bool {
        foreground(&self.device) == Some(getpgrp())
    }
}

impl AsFd for Terminal {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.device.as_fd()
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        self.restore();
    }
}

/// Returns whether both are terminals, and the same one.
pub(super) fn are_one_terminal(one: BorrowedFd<'_>, other: BorrowedFd<'_>) -> bool {
    let device = |stream: BorrowedFd<'_>| fstat(stream).ok().map(|file| file.st_rdev);
    one.is_terminal() && other.is_terminal() && device(one) == device(other)
}

/// Returns whether the controlling terminal sends its signals to this process group.
pub(super) fn is_in_foreground() -> bool {
    std::fs::File::open("/dev/tty").is_ok_and(|terminal| foreground(terminal) == Some(getpgrp()))
}

fn foreground(terminal: impl AsFd) -> Option<Pid> {
    tcgetpgrp(terminal).ok()
}

fn raw(usual: &Termios) -> Termios {
    let mut raw = usual.clone();
    raw.make_raw();
    raw.special_codes[SpecialCodeIndex::VMIN] = 1;
    raw.special_codes[SpecialCodeIndex::VTIME] = 0;
    raw
}
