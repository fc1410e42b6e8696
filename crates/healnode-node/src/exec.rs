//! `healnode exec`: runs a command unchanged, and reports its failure.
//!
//! Output passes through byte for byte while the last lines are kept; signals are passed on; the exit code is the command's own. A report
//! that cannot be delivered changes none of that. Standard output stays the caller's own where that is a terminal, so programs behave there
//! as ever; standard error is always read, since that is where errors are.

mod failure;
mod tail;
mod tee;

use std::ffi::OsString;
use std::io::IsTerminal as _;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{ExitStatus, Stdio};

use healnode_report::RawError;
use tokio::process::{Child, Command};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::task::JoinSet;

use crate::config::Config;
use crate::deliver;
use tail::SharedTail;

/// Exit code when the command cannot be found, as shells have it.
const NOT_FOUND: i32 = 127;

/// Exit code when the command cannot be run, as shells have it.
const NOT_RUNNABLE: i32 = 126;

/// Exit codes of a command that ended by a signal are this much above the signal's number, as shells have it.
const SIGNAL_BASE: i32 = 128;

/// Signals that are passed on to the command.
const PASSED_ON: [SignalKind; 5] =
    [SignalKind::hangup(), SignalKind::terminate(), SignalKind::user_defined1(), SignalKind::user_defined2(), SignalKind::alarm()];

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
    lines: Vec<String>,
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
    if code != 0 && !end.asked_to_stop {
        let argv = argv.iter().map(|argument| argument.to_string_lossy().into_owned()).collect();
        send(&config, failure::describe(end.status, argv, end.lines)).await;
    }
    Ok(code)
}

async fn send(config: &Config, raw: RawError) {
    match deliver::report(config, raw).await {
        Ok(delivered) => tracing::debug!(fingerprint = delivered.fingerprint, spooled = delivered.spooled, "failure reported"),
        Err(problem) => {
            let cause = std::error::Error::source(&problem).map(ToString::to_string).unwrap_or_default();
            tracing::warn!(%problem, cause, "the failure was not reported");
        }
    }
}

fn exit_code(status: ExitStatus) -> i32 {
    status.code().or_else(|| status.signal().map(|signal| SIGNAL_BASE + signal)).unwrap_or(1)
}

async fn run(program: &OsString, arguments: &[OsString], command: &str, lines_max: usize) -> Result<End, ExecError> {
    let on_terminal = std::io::stdout().is_terminal();
    let mut signals = Signals::listen().map_err(|source| ExecError::Start { command: command.to_owned(), source })?;
    let mut builder = Command::new(program);
    builder.args(arguments).stderr(Stdio::piped());
    builder.stdout(if on_terminal { Stdio::inherit() } else { Stdio::piped() });
    let mut child = builder.spawn().map_err(|source| ExecError::Start { command: command.to_owned(), source })?;

    let tail = SharedTail::new(lines_max);
    let mut tees = JoinSet::new();
    if let Some(stdout) = child.stdout.take() {
        tees.spawn(tee::copy(stdout, tokio::io::stdout(), tail.clone()));
    }
    if let Some(stderr) = child.stderr.take() {
        tees.spawn(tee::copy(stderr, tokio::io::stderr(), tail.clone()));
    }
    let status = wait(&mut child, &mut signals).await.map_err(|source| ExecError::Wait { command: command.to_owned(), source })?;
    tee::finish(&mut tees).await;
    Ok(End { status, asked_to_stop: signals.stopped, lines: tail.lines() })
}

async fn wait(child: &mut Child, signals: &mut Signals) -> std::io::Result<ExitStatus> {
    loop {
        tokio::select! {
            status = child.wait() => return status,
            kind = signals.next() => {
                let passes_on = !FROM_TERMINAL.contains(&kind) || !std::io::stdin().is_terminal();
                if let Some(pid) = child.id().filter(|_| passes_on) {
                    pass_on(pid, kind).await;
                }
            }
        }
    }
}

/// Sends a signal by the `kill` command, which every system has: the standard library has no call for it.
async fn pass_on(pid: u32, kind: SignalKind) {
    let sent = Command::new("kill").arg(format!("-{}", kind.as_raw_value())).arg(pid.to_string()).stderr(Stdio::null()).status().await;
    if let Err(problem) = sent {
        tracing::warn!(%problem, "a signal could not be passed on");
    }
}

/// The signals that are passed on.
struct Signals {
    streams: Vec<(SignalKind, Signal)>,
    stopped: bool,
}

impl Signals {
    fn listen() -> std::io::Result<Self> {
        let kinds = PASSED_ON.into_iter().chain(FROM_TERMINAL);
        let streams = kinds.map(|kind| Ok((kind, signal(kind)?))).collect::<std::io::Result<_>>()?;
        Ok(Self { streams, stopped: false })
    }

    async fn next(&mut self) -> SignalKind {
        let kind = std::future::poll_fn(|context| {
            for (kind, stream) in &mut self.streams {
                if stream.poll_recv(context).is_ready() {
                    return std::task::Poll::Ready(*kind);
                }
            }
            std::task::Poll::Pending
        })
        .await;
        self.stopped |= [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup(), SignalKind::quit()].contains(&kind);
        kind
    }
}
