//! `healnode exec`: runs a command unchanged, and reports its failure.
//!
//! Output passes through byte for byte while the last lines are kept; signals are passed on; the exit code is the command's own. A report
//! that cannot be delivered changes none of that. A stream that is a terminal stays the command's own, so that programs behave there as ever;
//! what they print to it is then not part of the report.

mod failure;
mod tail;
mod tee;

use std::ffi::OsString;
use std::io::IsTerminal as _;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{ExitStatus, Stdio};
use std::task::{Context, Poll, Waker};

use healnode_report::RawError;
use rustix::process::{Pid, Signal, getpgrp, kill_process};
use rustix::termios::tcgetpgrp;
use tokio::process::{Child, Command};
use tokio::signal::unix::{self, SignalKind, signal};
use tokio::task::JoinSet;

use crate::config::Config;
use crate::deliver;
use tail::{Line, Lines, SharedTail, Stream};

/// Exit code when the command cannot be found, as shells have it.
const NOT_FOUND: i32 = 127;

/// Exit code when the command cannot be run, as shells have it.
const NOT_RUNNABLE: i32 = 126;

/// Exit codes of a command that ended by a signal are this much above the signal's number, as shells have it.
const SIGNAL_BASE: i32 = 128;

/// Signals that are passed on to the command.
const PASSED_ON: [SignalKind; 5] =
    [SignalKind::hangup(), SignalKind::terminate(), SignalKind::user_defined1(), SignalKind::user_defined2(), SignalKind::alarm()];

/// Their numbers, and what they are sent by.
const SIGNALS: [(i32, Signal); 7] = [
    (SignalKind::hangup().as_raw_value(), Signal::HUP),
    (SignalKind::terminate().as_raw_value(), Signal::TERM),
    (SignalKind::user_defined1().as_raw_value(), Signal::USR1),
    (SignalKind::user_defined2().as_raw_value(), Signal::USR2),
    (SignalKind::alarm().as_raw_value(), Signal::ALARM),
    (SignalKind::interrupt().as_raw_value(), Signal::INT),
    (SignalKind::quit().as_raw_value(), Signal::QUIT),
];

/// Signals that a terminal sends to the command itself, so they are passed on only where there is none.
const FROM_TERMINAL: [SignalKind; 2] = [SignalKind::interrupt(), SignalKind::quit()];

/// Why a command was not run, or its end is not known.
#[derive(Debug, thiserror::Error)]
pub enum ExecError {
    /// There is no command.
    #[error("no command was given; write: healnode exec -- COMMAND ARGUMENTS")]
    NoCommand,
    /// It did not start.
    #[error("{command} could not be started")]
    Start {
        /// Which command.
        command: String,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// Its end could not be waited for.
    #[error("the end of {command} could not be waited for")]
    Wait {
        /// Which command.
        command: String,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
}

impl ExecError {
    /// Returns the exit code that a shell would give.
    pub fn exit_code(&self) -> i32 {
        match self {
            ExecError::NoCommand => 2,
            ExecError::Start { source, .. } if source.kind() == std::io::ErrorKind::NotFound => NOT_FOUND,
            ExecError::Start { .. } => NOT_RUNNABLE,
            ExecError::Wait { .. } => 1,
        }
    }
}

/// How a command ended, for its report.
struct End {
    status: ExitStatus,
    /// Whether this process was told to stop, and passed that on.
    asked_to_stop: bool,
    lines: Vec<Line>,
}

/// Runs a command to its end and reports its failure. Returns the exit code to end with.
///
/// # Errors
/// When the command could not be run. A report that could not be delivered is no error: it is a warning in the log.
pub async fn exec(config: Config, argv: Vec<OsString>) -> Result<i32, ExecError> {
    let (program, arguments) = argv.split_first().ok_or(ExecError::NoCommand)?;
    let command = program.to_string_lossy().into_owned();
    let end = run(program, arguments, &command, config.capture.log_context_lines).await?;
    let code = exit_code(end.status);
    if code != 0 && !end.asked_to_stop && !is_by_choice(end.status) {
        let argv = argv.iter().map(|argument| argument.to_string_lossy().into_owned()).collect();
        send(&config, failure::describe(end.status, argv, end.lines)).await;
    }
    Ok(code)
}

async fn send(config: &Config, raw: RawError) {
    match deliver::report(config, raw).await {
        Ok(delivered) => tracing::debug!(fingerprint = delivered.fingerprint, spooled = delivered.spooled, "failure reported"),
        Err(problem) => {
            let causes = std::iter::successors(std::error::Error::source(&problem), |cause| cause.source());
            let causes = causes.map(ToString::to_string).collect::<Vec<_>>().join(": ");
            tracing::warn!(%problem, causes, "the failure was not reported");
        }
    }
}

/// Returns whether somebody ended the command, or its reader went away: no bug of its own.
fn is_by_choice(status: ExitStatus) -> bool {
    [Signal::INT, Signal::QUIT, Signal::HUP, Signal::PIPE].iter().any(|signal| status.signal() == Some(signal.as_raw()))
}

fn exit_code(status: ExitStatus) -> i32 {
    status.code().or_else(|| status.signal().map(|signal| SIGNAL_BASE + signal)).unwrap_or(1)
}

async fn run(program: &OsString, arguments: &[OsString], command: &str, lines_max: usize) -> Result<End, ExecError> {
    let mut signals = Signals::listen().map_err(|source| ExecError::Start { command: command.to_owned(), source })?;
    let mut builder = Command::new(program);
    builder.args(arguments).stdout(pipe_unless(std::io::stdout().is_terminal())).stderr(pipe_unless(std::io::stderr().is_terminal()));
    let mut child = builder.spawn().map_err(|source| ExecError::Start { command: command.to_owned(), source })?;

    let tail = SharedTail::new(lines_max);
    let ended = tee::Ended::new();
    let mut tees = JoinSet::new();
    if let Some(stdout) = child.stdout.take() {
        tees.spawn(tee::copy(stdout, tokio::io::stdout(), Lines::new(tail.clone(), Stream::Out), ended.wait()));
    }
    if let Some(stderr) = child.stderr.take() {
        tees.spawn(tee::copy(stderr, tokio::io::stderr(), Lines::new(tail.clone(), Stream::Err), ended.wait()));
    }
    let status = wait(&mut child, &mut signals).await.map_err(|source| ExecError::Wait { command: command.to_owned(), source })?;
    ended.tell();
    while tees.join_next().await.is_some() {}
    signals.take_pending();
    Ok(End { status, asked_to_stop: signals.stopped, lines: tail.lines() })
}

fn pipe_unless(is_terminal: bool) -> Stdio {
    if is_terminal { Stdio::inherit() } else { Stdio::piped() }
}

async fn wait(child: &mut Child, signals: &mut Signals) -> std::io::Result<ExitStatus> {
    loop {
        tokio::select! {
            status = child.wait() => return status,
            kind = signals.next() => {
                let passes_on = !FROM_TERMINAL.contains(&kind) || !is_in_foreground();
                if let Some(pid) = child.id().filter(|_| passes_on) {
                    pass_on(pid, kind);
                }
            }
        }
    }
}

/// Returns whether a terminal sends its signals to this process, and so to the command in the same process group.
fn is_in_foreground() -> bool {
    let terminal = std::fs::File::open("/dev/tty");
    terminal.is_ok_and(|terminal| tcgetpgrp(terminal).is_ok_and(|group| group == getpgrp()))
}

fn pass_on(pid: u32, kind: SignalKind) {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
    let signal = SIGNALS.iter().find(|(raw, _)| *raw == kind.as_raw_value()).map(|(_, signal)| *signal);
    if let (Some(pid), Some(signal)) = (pid, signal)
        && let Err(problem) = kill_process(pid, signal)
    {
        tracing::debug!(%problem, "a signal could not be passed on");
    }
}

/// The signals that are passed on.
struct Signals {
    streams: Vec<(SignalKind, unix::Signal)>,
    stopped: bool,
}

impl Signals {
    /// Listens for what is not ignored: a signal that is caught here would no longer be ignored by the command, which would undo `nohup`.
    fn listen() -> std::io::Result<Self> {
        let ignored = ignored_signals();
        let kinds = PASSED_ON.into_iter().chain(FROM_TERMINAL).filter(|kind| ignored >> (kind.as_raw_value() - 1) & 1 == 0);
        let streams = kinds.map(|kind| Ok((kind, signal(kind)?))).collect::<std::io::Result<_>>()?;
        Ok(Self { streams, stopped: false })
    }

    async fn next(&mut self) -> SignalKind {
        let kind = std::future::poll_fn(|context| self.poll(context)).await;
        self.note(kind);
        kind
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<SignalKind> {
        for (kind, stream) in &mut self.streams {
            if stream.poll_recv(context).is_ready() {
                return Poll::Ready(*kind);
            }
        }
        Poll::Pending
    }

    /// Takes note of signals that came just as the command ended.
    fn take_pending(&mut self) {
        while let Poll::Ready(kind) = self.poll(&mut Context::from_waker(Waker::noop())) {
            self.note(kind);
        }
    }

    fn note(&mut self, kind: SignalKind) {
        self.stopped |= [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup(), SignalKind::quit()].contains(&kind);
    }
}

/// Returns the signals that this process ignores, one bit each, the first for signal 1. Nothing where the system does not tell.
fn ignored_signals() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0)
}
