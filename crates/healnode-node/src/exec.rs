//! `healnode exec`: runs a command unchanged, and reports its failure.
//!
//! Output passes through byte for byte while the last of it is kept; signals are passed on; the exit code is the command's own. Where the
//! command would find a terminal it finds one: a session of its own with all that belongs to it when this process has the terminal to itself,
//! else one that only takes output, and keys and job control stay as they are. A report that cannot be delivered changes none of that.

mod before;
mod environment;
mod failure;
mod footer;
mod keyboard;
mod leader;
mod memory;
mod message;
mod plain;
mod pty;
mod run;
mod session;
mod signals;
mod switches;
mod tail;
mod tee;
mod terminal;

use std::ffi::OsString;
use std::io::{IsTerminal as _, Write as _};
use std::os::unix::process::ExitStatusExt as _;
use std::process::ExitStatus;
use std::time::Duration;

use healnode_report::RawError;
use rustix::process::Signal;

use crate::config::Config;
use crate::deliver;
use crate::sessions::SESSION_TAG;
use failure::Ending;
use memory::KillCount;
use tail::Stream;

pub use leader::lead_session;

/// Exit code when the command cannot be found, as shells have it.
const NOT_FOUND: i32 = 127;

/// Exit code when the command cannot be run, as shells have it.
const NOT_RUNNABLE: i32 = 126;

/// Exit codes of a command that ended by a signal are this much above the signal's number, as shells have it.
const SIGNAL_BASE: i32 = 128;

/// How long the node may take to answer. Whoever waits for the command waits no longer than for a blink; then the report goes into the spool,
/// where it counts once even if the node took it all the same.
const PATIENCE: Duration = Duration::from_millis(300);

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

/// Runs a command to its end and reports its failure. Returns the exit code to end with.
///
/// # Errors
/// When the command could not be run. A report that could not be delivered is no error: it is a warning in the log.
pub async fn exec(config: Config, argv: Vec<OsString>) -> Result<i32, ExecError> {
    let words: Vec<String> = argv.iter().map(|argument| argument.to_string_lossy().into_owned()).collect();
    let command = words.first().cloned().ok_or(ExecError::NoCommand)?;
    let app = if config.app.is_empty() { failure::program_of(&words) } else { config.app.clone() };
    let additions = environment::additions(&config, &app);
    let kills = KillCount::now();
    let end = run::run(&argv, &command, &additions.variables).await?;
    let mut is_within_line = end.tail.is_within_line(Stream::Err);
    if !end.asked_to_stop && !is_by_choice(end.status) {
        let memory_ran_out = !end.status.success() && kills.is_some_and(KillCount::has_risen);
        let ending = Ending { status: end.status, memory_ran_out };
        if let Some(mut raw) = failure::describe(ending, words, end.tail.lines(), config.capture.log_context_lines) {
            raw.app = Some(app);
            raw.tags.extend(additions.token.map(|token| (SESSION_TAG.to_owned(), token)));
            let footer = send(&config, raw).await;
            is_within_line &= !tell(footer, is_within_line);
        }
    }
    if std::io::stderr().is_terminal() {
        tell(switches::warning(&config).await, is_within_line);
    }
    Ok(exit_code(end.status))
}

/// Delivers a report. Returns a line about it, for a person at a terminal.
async fn send(config: &Config, raw: RawError) -> Option<String> {
    match deliver::report_within(config, raw, PATIENCE).await {
        Ok(delivered) => {
            tracing::debug!(fingerprint = delivered.fingerprint, spooled = delivered.spooled, "failure reported");
            if std::io::stderr().is_terminal() { footer::line(config, &delivered).await } else { None }
        }
        Err(problem) => {
            let causes = std::iter::successors(std::error::Error::source(&problem), |cause| cause.source());
            let causes = causes.map(ToString::to_string).collect::<Vec<_>>().join(": ");
            tracing::warn!(%problem, causes, "the failure was not reported");
            None
        }
    }
}

/// Writes a line, on a line of its own. Returns whether there was one.
fn tell(line: Option<String>, is_within_line: bool) -> bool {
    let Some(line) = line else { return false };
    let begin = if is_within_line { "\n" } else { "" };
    let _nobody_reads = writeln!(std::io::stderr(), "{begin}{line}");
    true
}

/// Returns whether somebody ended the command, or its reader went away: no bug of its own.
fn is_by_choice(status: ExitStatus) -> bool {
    [Signal::INT, Signal::QUIT, Signal::HUP, Signal::PIPE].iter().any(|signal| status.signal() == Some(signal.as_raw()))
}

fn exit_code(status: ExitStatus) -> i32 {
    status.code().or_else(|| status.signal().map(|signal| SIGNAL_BASE + signal)).unwrap_or(1)
}
