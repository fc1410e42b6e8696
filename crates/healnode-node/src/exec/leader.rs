//! The process that leads the session of a command that has a terminal of its own.
//!
//! A command whose parent is in another session cannot be stopped from the keyboard, for nobody there could let it go on. So between `exec`
//! and the command stands this: it takes the terminal, starts the command as a shell would, and tells `session.rs` how it fares. It also puts
//! the real terminal in order when `exec` was killed. A process of its own, because only that can be had without unsafe code.

use std::ffi::OsString;
use std::io::{self, Write as _};
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::process::CommandExt as _;
use std::process::Command;

use rustix::process::{Pid, Signal, WaitOptions, WaitStatus, ioctl_tiocsctty, kill_process_group, setsid, waitpid};
use rustix::termios::{tcgetpgrp, tcsetpgrp};
use tokio::io::AsyncReadExt as _;
use tokio::net::UnixStream;
use tokio::signal::unix::{SignalKind, signal};

use super::message::{CONTINUE, Message};
use super::signals::ignored_signals;
use super::terminal::Terminal;

/// Leads the session of a command to its end. Standard input is the way to whoever started this, standard output the command's terminal, and
/// standard error that of the command, or with `is_input_apart` its input.
///
/// Returns the exit code of this process, which nobody asks for: 0, or 1 when no session came about.
pub fn lead_session(argv: &[OsString], is_input_apart: bool) -> u8 {
    match lead(argv, is_input_apart) {
        Ok(()) => 0,
        Err(problem) => {
            tracing::debug!(%problem, "there is no session");
            1
        }
    }
}

fn lead(argv: &[OsString], is_input_apart: bool) -> io::Result<()> {
    let real = Terminal::controlling();
    let terminal = io::stdout().as_fd().try_clone_to_owned()?;
    setsid()?;
    ioctl_tiocsctty(&terminal)?;
    let control = std::os::unix::net::UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        // Before the command starts, so that no word of it is missed.
        let mut ends = signal(SignalKind::child())?;
        // The end of `exec` is also a hang-up, which must not end this before its work is done.
        let _hangups = if ignored_signals().contains(SignalKind::hangup()) { None } else { Some(signal(SignalKind::hangup())?) };
        let mut leader = Leader { control: control.try_clone()?, terminal, command: None };
        leader.start(argv, is_input_apart)?;
        control.set_nonblocking(true)?;
        let mut control = UnixStream::from_std(control)?;
        let mut order = [0];
        loop {
            tokio::select! {
                _ = ends.recv() => if leader.look()? { return Ok(()) },
                length = control.read(&mut order) => match length {
                    Ok(1..) if order[0] == CONTINUE => leader.let_go_on(),
                    Ok(1..) => {}
                    Ok(0) | Err(_) => {
                        if let Some(mut real) = real {
                            real.restore_after_another();
                        }
                        return Ok(());
                    }
                },
            }
        }
    })
}

struct Leader {
    control: std::os::unix::net::UnixStream,
    terminal: OwnedFd,
    command: Option<Pid>,
}

impl Leader {
    fn start(&mut self, argv: &[OsString], is_input_apart: bool) -> io::Result<()> {
        let Some((program, arguments)) = argv.split_first() else { return Err(io::ErrorKind::InvalidInput.into()) };
        let mut builder = Command::new(program);
        builder.args(arguments).process_group(0);
        if is_input_apart {
            builder.stdin(io::stderr().as_fd().try_clone_to_owned()?).stderr(self.terminal.try_clone()?);
        } else {
            builder.stdin(self.terminal.try_clone()?);
        }
        let pid = match builder.spawn() {
            Ok(child) => i32::try_from(child.id()).ok().and_then(Pid::from_raw).ok_or(io::ErrorKind::InvalidData)?,
            Err(problem) => return self.tell(Message::NotStarted(problem.raw_os_error().unwrap_or(0))),
        };
        // A command that is quicker than this stops at its first use of the terminal, and `look` lets it go on.
        tcsetpgrp(&self.terminal, pid)?;
        self.command = Some(pid);
        self.tell(Message::Started(pid))
    }

    /// Tells what became of the command. Returns whether it has ended.
    fn look(&mut self) -> io::Result<bool> {
        while let Some((_, status)) = self.command.and_then(|pid| waitpid(Some(pid), WaitOptions::NOHANG | WaitOptions::UNTRACED).ok()?) {
            if let Some(signal) = status.stopping_signal() {
                self.stopped(signal)?;
            } else if has_ended(status) {
                self.tell(Message::Ended(status.as_raw()))?;
                return Ok(true);
            }
        }
        Ok(self.command.is_none())
    }

    fn stopped(&mut self, signal: i32) -> io::Result<()> {
        let is_for_terminal = [Signal::TTIN, Signal::TTOU].iter().any(|other| other.as_raw() == signal);
        if is_for_terminal && tcgetpgrp(&self.terminal).ok() == self.command {
            self.let_go_on();
            return Ok(());
        }
        self.tell(Message::Stopped(signal))
    }

    fn let_go_on(&self) {
        if let Some(Err(problem)) = self.command.map(|pid| kill_process_group(pid, Signal::CONT)) {
            tracing::debug!(%problem, "the command could not be told to go on");
        }
    }

    fn tell(&mut self, message: Message) -> io::Result<()> {
        self.control.write_all(&message.to_bytes())
    }
}

fn has_ended(status: WaitStatus) -> bool {
    status.exited() || status.signaled()
}
