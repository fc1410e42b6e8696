//! Terminals that are made for a command, so that it finds one and its output is seen all the same.

use std::io;
use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::{Mode, OFlags, open};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{OptionalActions, OutputModes, tcgetattr, tcgetwinsize, tcsetattr, tcsetwinsize};

/// A terminal of two ends.
pub(super) struct Pty {
    /// The end of this process.
    pub(super) master: OwnedFd,
    /// The end of the command.
    pub(super) slave: OwnedFd,
}

/// What a terminal is made for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Purpose {
    /// It is all that the command has: it does to keys and bytes what the real one would do.
    Everything,
    /// It takes output, and the real terminal, which has the keys, does the rest.
    Output,
}

/// Makes a terminal with the modes and the size of another.
///
/// # Errors
/// When the system gives none, or the other is none.
pub(super) fn open_like(other: impl AsFd, purpose: Purpose) -> io::Result<Pty> {
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?;
    grantpt(&master)?;
    unlockpt(&master)?;
    let slave = open(ptsname(&master, Vec::new())?, OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC, Mode::empty())?;
    let mut modes = tcgetattr(&other)?;
    match purpose {
        Purpose::Everything => {}
        Purpose::Output => modes.output_modes.remove(OutputModes::OPOST),
    }
    tcsetattr(&slave, OptionalActions::Now, &modes)?;
    copy_size(other, &master);
    Ok(Pty { master, slave })
}

/// Gives a terminal the size of another. Where that has none, it stays as it is.
pub(super) fn copy_size(from: impl AsFd, to: impl AsFd) {
    let copied = tcgetwinsize(from).and_then(|size| tcsetwinsize(to, size));
    if let Err(problem) = copied {
        tracing::debug!(%problem, "the size of a terminal could not be copied");
    }
}
