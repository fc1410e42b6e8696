//! How a command ends: the one place that maps errors to exit codes and says what a person can do about them.
//!
//! Written to standard error: the message, its causes one a line, then a hint. Text from elsewhere cannot control the terminal there.

use std::io::{self, Write};
use std::process::ExitCode;

use healnode_node::ExecError;
use healnode_node::client::ClientError;
use healnode_node::config::ConfigError;

use crate::print::printable;

/// Exit code: the command could not do what it was told to.
pub(crate) const FAILED: u8 = 1;

/// Exit code: the command line or the configuration is wrong. The same that clap ends with.
const BAD_USAGE: u8 = 2;

/// Exit code: no node answers on the socket.
const NO_NODE: u8 = 3;

/// A failure of the program's own, with what to do about it.
#[derive(Debug)]
pub(crate) struct Failure {
    /// What went wrong.
    pub(crate) message: String,
    /// What to do next.
    pub(crate) hint: &'static str,
    /// Whether the command line or the environment is wrong.
    pub(crate) bad_usage: bool,
}

/// Tells a person what went wrong, and returns the exit code for it. A reader that went away is no failure.
pub(crate) fn finish(error: &anyhow::Error) -> ExitCode {
    if is_broken_pipe(error) {
        return ExitCode::SUCCESS;
    }
    tell(error);
    ExitCode::from(exit_code(error))
}

/// Tells a person what went wrong.
pub(crate) fn tell(error: &anyhow::Error) {
    let _nobody_reads = io::stderr().lock().write_all(text(error).as_bytes());
}

fn text(error: &anyhow::Error) -> String {
    let mut text = String::new();
    for (index, cause) in error.chain().enumerate() {
        for (row, line) in cause.to_string().lines().enumerate() {
            text.push_str(match (index, row) {
                (0, 0) => "error: ",
                (_, 0) => "  because: ",
                (_, _) => "  ",
            });
            text.push_str(&printable(line));
            text.push('\n');
        }
    }
    if let Some(hint) = hint(error) {
        text.push_str("hint: ");
        text.push_str(hint);
        text.push('\n');
    }
    text
}

fn exit_code(error: &anyhow::Error) -> u8 {
    if let Some(error) = error.downcast_ref::<ExecError>() {
        return u8::try_from(error.exit_code()).unwrap_or(FAILED);
    }
    if has::<ConfigError>(error, |_| true) || has::<Failure>(error, |failure| failure.bad_usage) {
        BAD_USAGE
    } else if has::<ClientError>(error, is_no_node) {
        NO_NODE
    } else {
        FAILED
    }
}

fn hint(error: &anyhow::Error) -> Option<&'static str> {
    if let Some(failure) = error.chain().find_map(|cause| cause.downcast_ref::<Failure>()) {
        return Some(failure.hint);
    }
    if has::<ConfigError>(error, |_| true) {
        return Some("`healnode config --default` lists all settings, their defaults and what they mean");
    }
    has::<ClientError>(error, is_no_node).then_some("start a node with `healnode run`, or name the socket of a running one with --socket")
}

fn is_no_node(error: &ClientError) -> bool {
    matches!(error, ClientError::NoNode { .. })
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    has::<io::Error>(error, |error| error.kind() == io::ErrorKind::BrokenPipe)
}

fn has<E: std::error::Error + 'static>(error: &anyhow::Error, test: impl Fn(&E) -> bool) -> bool {
    error.chain().filter_map(|cause| cause.downcast_ref::<E>()).any(test)
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}
