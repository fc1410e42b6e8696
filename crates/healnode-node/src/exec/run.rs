//! Starts a command with the streams that it would have, and waits until it has ended and all its output has passed.

use std::ffi::OsString;
use std::io::{self, IsTerminal};
use std::os::fd::{AsFd, OwnedFd};
use std::process::{ExitStatus, Stdio};

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, getpid, kill_process, waitid};
use tokio::process::{Child, Command};
use tokio::task::JoinSet;

use super::ExecError;
use super::pty::{self, Purpose, copy_size};
use super::session::{Session, Start, Streams};
use super::signals::{Signals, Stops, pass_on};
use super::tail::{SharedTail, Stream};
use super::tee::{Drain, Running, Tee};
use super::terminal::{Terminal, are_one_terminal, is_in_foreground};

/// Variables for the command besides those of this process.
type Variables<'a> = &'a [(&'static str, OsString)];

/// How a command ended.
pub(super) struct End {
    pub(super) status: ExitStatus,
    /// Whether it was told to stop, by the keyboard or by somebody else.
    pub(super) asked_to_stop: bool,
    pub(super) tail: SharedTail,
}

/// Runs a command to its end.
///
/// # Errors
/// When it cannot be run, or its end cannot be learned.
pub(super) async fn run(argv: &[OsString], command: &str, variables: Variables<'_>) -> Result<End, ExecError> {
    let no_start = |source| ExecError::Start { command: command.to_owned(), source };
    let mut signals = Signals::listen().map_err(no_start)?;
    let (mut job, tees) = start(argv, variables).await.map_err(no_start)?;
    let tail = SharedTail::default();
    let running = Running::new().map_err(no_start)?;
    let drain = Drain::of(&tees);
    let mut copies = JoinSet::new();
    for tee in tees {
        let (tail, end) = (tail.clone(), running.end().map_err(no_start)?);
        copies.spawn_blocking(move || tee.copy(&tail, &end));
    }
    let status = job.wait(&mut signals, &drain).await.map_err(|source| ExecError::Wait { command: command.to_owned(), source })?;
    drop(running);
    while copies.join_next().await.is_some() {}
    job.finish();
    Ok(End { status, asked_to_stop: signals.have_asked_to_stop(), tail })
}

/// A command that runs.
enum Job {
    /// Beside this process, on the same terminal if there is one.
    Beside(Box<Beside>),
    /// In a session of its own.
    Session(Box<Session>),
}

impl Job {
    async fn wait(&mut self, signals: &mut Signals, drain: &Drain) -> io::Result<ExitStatus> {
        match self {
            Job::Beside(beside) => beside.wait(signals, drain).await,
            Job::Session(session) => session.wait(signals, drain).await,
        }
    }

    /// Puts everything as it was.
    fn finish(self) {
        match self {
            Job::Beside(_) => {}
            Job::Session(session) => session.finish(),
        }
    }
}

async fn start(argv: &[OsString], variables: Variables<'_>) -> io::Result<(Job, Vec<Tee>)> {
    let Some(terminal) = Terminal::in_use() else { return start_beside(argv, variables) };
    let Ok(pty) = pty::open_like(&terminal, Purpose::Everything) else { return start_beside(argv, variables) };
    let (stream, other) = if !are_one_terminal(io::stdout().as_fd(), io::stderr().as_fd()) {
        (Stream::Out, Some(Outlet::open(io::stderr())?))
    } else {
        (Stream::Err, None)
    };
    let mut tees = vec![tee(pty.master.try_clone()?, io::stdout(), stream)?];
    let is_input = other.is_none() && !io::stdin().is_terminal();
    let other = match other {
        Some(errors) => {
            let (errors, from) = errors.split();
            tees.push(tee(from, io::stderr(), Stream::Err)?);
            errors
        }
        None if is_input => io::stdin().as_fd().try_clone_to_owned()?.into(),
        None => pty.slave.try_clone()?.into(),
    };
    let streams = Streams { terminal: pty.slave.into(), other, is_input };
    match Session::start(terminal, argv, variables, pty.master, streams).await? {
        Start::Running(session) => Ok((Job::Session(session), tees)),
        Start::NoSession => start_beside(argv, variables),
    }
}

/// A command in this process's own session and group, so that keys and job control reach it as if it had been started alone.
struct Beside {
    child: Child,
    /// From before it started, so that it cannot stop this process together with itself while its output is still to be shown.
    stops: Stops,
    /// Terminals that take its output, and follow the size of the real one.
    terminals: Vec<OwnedFd>,
}

fn start_beside(argv: &[OsString], variables: Variables<'_>) -> io::Result<(Job, Vec<Tee>)> {
    let Some((program, arguments)) = argv.split_first() else { return Err(io::ErrorKind::InvalidInput.into()) };
    let output = Outlet::open(io::stdout())?;
    let mut terminals = output.terminal()?;
    let (errors, both) = if output.is_terminal && are_one_terminal(io::stdout().as_fd(), io::stderr().as_fd()) {
        (None, Stream::Err)
    } else {
        (Some(Outlet::open(io::stderr())?), Stream::Out)
    };
    let mut builder = Command::new(program);
    builder.args(arguments).envs(variables.iter().map(|(name, value)| (name, value)));
    let mut tees = Vec::new();
    match errors {
        None => drop(builder.stderr(Stdio::from(output.to.try_clone()?))),
        Some(errors) => {
            terminals.extend(errors.terminal()?);
            let (to, from) = errors.split();
            builder.stderr(to);
            tees.push(tee(from, io::stderr(), Stream::Err)?);
        }
    }
    let (to, from) = output.split();
    tees.push(tee(from, io::stdout(), both)?);
    let stops = Stops::listen()?;
    let child = builder.stdout(to).spawn()?;
    Ok((Job::Beside(Box::new(Beside { child, stops, terminals })), tees))
}

impl Beside {
    async fn wait(&mut self, signals: &mut Signals, drain: &Drain) -> io::Result<ExitStatus> {
        loop {
            tokio::select! {
                status = self.child.wait() => return status,
                signal = signals.next() => self.take_signal(signal),
                () = self.stops.next() => if self.is_stopped() {
                    drain.wait().await;
                    kill_process(getpid(), Signal::STOP)?;
                },
            }
        }
    }

    fn pid(&self) -> Option<Pid> {
        self.child.id().and_then(|pid| i32::try_from(pid).ok()).and_then(Pid::from_raw)
    }

    fn is_stopped(&self) -> bool {
        let options = WaitIdOptions::STOPPED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        let status = self.pid().and_then(|pid| waitid(WaitId::Pid(pid), options).ok()?);
        status.is_some_and(|status| status.stopped())
    }

    fn take_signal(&self, signal: Signal) {
        let is_from_terminal = [Signal::INT, Signal::QUIT].contains(&signal);
        let is_for_command = match signal {
            // Whoever lets this process alone go on means the command.
            Signal::CONT => self.is_stopped(),
            // The command looked at its size when the real terminal told it, and has to look again.
            Signal::WINCH => !self.terminals.is_empty(),
            _ => !is_from_terminal || !is_in_foreground(),
        };
        if signal == Signal::WINCH {
            self.follow_size();
        }
        if let Some(pid) = self.pid().filter(|_| is_for_command) {
            pass_on(pid, signal);
        }
    }

    fn follow_size(&self) {
        if let Some(real) = Terminal::controlling() {
            self.terminals.iter().for_each(|terminal| copy_size(&real, terminal));
        }
    }
}

/// Where a stream of the command goes, and where it comes out.
struct Outlet {
    to: OwnedFd,
    from: OwnedFd,
    is_terminal: bool,
}

impl Outlet {
    /// Makes a terminal where there is one, else a pipe.
    fn open(real: impl AsFd + IsTerminal) -> io::Result<Self> {
        let pty = if real.is_terminal() { pty::open_like(&real, Purpose::Output).ok() } else { None };
        match pty {
            Some(pty) => Ok(Self { to: pty.slave, from: pty.master, is_terminal: true }),
            None => {
                let (from, to) = io::pipe()?;
                Ok(Self { to: to.into(), from: from.into(), is_terminal: false })
            }
        }
    }

    fn terminal(&self) -> io::Result<Vec<OwnedFd>> {
        if self.is_terminal { Ok(vec![self.from.try_clone()?]) } else { Ok(Vec::new()) }
    }

    fn split(self) -> (Stdio, OwnedFd) {
        (self.to.into(), self.from)
    }
}

fn tee(from: OwnedFd, to: impl AsFd, stream: Stream) -> io::Result<Tee> {
    Ok(Tee::new(from, to.as_fd().try_clone_to_owned()?, stream))
}
