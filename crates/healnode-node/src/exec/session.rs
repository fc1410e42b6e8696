//! A command with a terminal and a session of its own, as seen from the terminal that it really runs on.
//!
//! The real terminal is raw, keys go to the command's own, and that does with them what it always does. When the command is stopped, so is
//! everything that was started with this process, as the shell expects; when it goes on in the background, the real terminal is left alone.
//! The half that stands beside the command is `leader.rs`.

use std::ffi::OsString;
use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::process::ExitStatusExt as _;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_current_process_group};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;
use tokio::process::{Child, Command};

use super::keyboard::Keyboard;
use super::message::{CONTINUE, INPUT_APART, MESSAGE_BYTES, Message};
use super::pty::copy_size;
use super::signals::{Signals, pass_on};
use super::tee::Drain;
use super::terminal::Terminal;

/// How often a command in the background looks whether it came to the foreground, for shells do not always say so.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// How long a stop of this process may take to begin. Where nobody could let it go on the system leaves it running, and so is the command.
const STOP_MAX: Duration = Duration::from_millis(20);

/// A command with a session of its own.
pub(super) struct Session {
    terminal: Terminal,
    master: OwnedFd,
    keyboard: Keyboard,
    control: UnixStream,
    received: Vec<u8>,
    leader: Child,
    command: Pid,
    is_in_background: bool,
}

/// The streams of a command in a session, apart from its terminal.
pub(super) struct Streams {
    /// Its terminal.
    pub(super) terminal: Stdio,
    /// The one of its streams that goes elsewhere.
    pub(super) other: Stdio,
    /// Which one that is.
    pub(super) is_input: bool,
}

/// Whether a session came about.
pub(super) enum Start {
    /// The command runs.
    Running(Box<Session>),
    /// The system gives no session; the command was not run.
    NoSession,
}

impl Session {
    /// Starts a command in a session on the terminal behind `master`, of which `output` is the other end.
    ///
    /// # Errors
    /// When the command cannot be run.
    pub(super) async fn start(
        terminal: Terminal,
        argv: &[OsString],
        variables: &[(&'static str, OsString)],
        master: OwnedFd,
        streams: Streams,
    ) -> io::Result<Start> {
        let Ok((control, leader)) = start_leader(argv, variables, streams) else { return Ok(Start::NoSession) };
        let mut received = Vec::new();
        let mut control = UnixStream::from_std(control)?;
        let command = match receive(&mut control, &mut received).await? {
            Some(Message::Started(pid)) => pid,
            Some(Message::NotStarted(number)) => return Err(io::Error::from_raw_os_error(number)),
            Some(Message::Stopped(_) | Message::Ended(_)) | None => return Ok(Start::NoSession),
        };
        let keyboard = Keyboard::new(terminal.as_fd().try_clone_to_owned()?, master.try_clone()?, command)?;
        let mut session = Self { terminal, master, keyboard, control, received, leader, command, is_in_background: true };
        session.take_terminal();
        Ok(Start::Running(Box::new(session)))
    }

    /// Waits for the command's end.
    ///
    /// # Errors
    /// When its end cannot be learned.
    pub(super) async fn wait(&mut self, signals: &mut Signals, drain: &Drain) -> io::Result<ExitStatus> {
        loop {
            tokio::select! {
                message = receive(&mut self.control, &mut self.received) => match message? {
                    Some(Message::Ended(status)) => return Ok(ExitStatus::from_raw(status)),
                    Some(Message::Stopped(signal)) => self.stop(signal, drain).await?,
                    Some(Message::Started(_) | Message::NotStarted(_)) => {}
                    None => return self.leader.wait().await,
                },
                signal = signals.next() => self.take_signal(signal),
                () = tokio::time::sleep(LOOK_EVERY), if self.is_in_background => self.take_terminal(),
            }
        }
    }

    /// Gives the terminal back, once all output is shown.
    pub(super) fn finish(mut self) {
        self.leave_terminal();
    }

    fn take_signal(&mut self, signal: Signal) {
        match signal {
            Signal::WINCH => copy_size(&self.terminal, &self.master),
            Signal::CONT => self.take_terminal(),
            Signal::INT | Signal::QUIT if self.keyboard.has_signalled() => {}
            _ => pass_on(self.command, signal),
        }
    }

    /// Takes the terminal, if this process is the one that may use it.
    fn take_terminal(&mut self) {
        self.is_in_background = !self.terminal.is_in_foreground();
        if self.is_in_background {
            self.keyboard.listen(false);
            return;
        }
        self.terminal.make_raw();
        copy_size(&self.terminal, &self.master);
        self.keyboard.listen(true);
    }

    fn leave_terminal(&mut self) {
        self.keyboard.listen(false);
        self.terminal.restore();
    }

    /// Stops everything that was started with this process, and lets the command go on when that does.
    async fn stop(&mut self, signal: i32, drain: &Drain) -> io::Result<()> {
        drain.wait().await;
        self.leave_terminal();
        let signals = [Signal::TTIN, Signal::TTOU];
        let signal = signals.into_iter().find(|other| other.as_raw() == signal).unwrap_or(Signal::TSTP);
        kill_current_process_group(signal)?;
        tokio::time::sleep(STOP_MAX).await;
        self.take_terminal();
        self.control.write_all(&[CONTINUE]).await
    }
}

fn start_leader(
    argv: &[OsString],
    variables: &[(&'static str, OsString)],
    streams: Streams,
) -> io::Result<(std::os::unix::net::UnixStream, Child)> {
    let (here, there) = std::os::unix::net::UnixStream::pair()?;
    here.set_nonblocking(true)?;
    let mut builder = Command::new("/proc/self/exe");
    builder
        .arg0("healnode")
        .arg("exec-session")
        .args(streams.is_input.then_some(INPUT_APART))
        .arg("--")
        .args(argv)
        .envs(variables.iter().map(|(name, value)| (name, value)));
    builder.stdin(Stdio::from(OwnedFd::from(there))).stdout(streams.terminal).stderr(streams.other);
    Ok((here, builder.spawn()?))
}

/// Waits for a message. Nothing when the leader is gone. May be cancelled: what has come of a message is kept.
async fn receive(control: &mut UnixStream, received: &mut Vec<u8>) -> io::Result<Option<Message>> {
    loop {
        if let Some((message, rest)) = received.split_first_chunk::<MESSAGE_BYTES>() {
            let (message, rest) = (Message::from_bytes(*message)?, rest.to_vec());
            *received = rest;
            return Ok(Some(message));
        }
        match control.read_buf(received).await {
            Ok(1..) => {}
            Ok(0) => return Ok(None),
            Err(problem) if problem.kind() == io::ErrorKind::ConnectionReset => return Ok(None),
            Err(problem) => return Err(problem),
        }
    }
}
