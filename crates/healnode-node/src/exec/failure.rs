//! What went wrong with a command: read from how it ended and from its last lines.
//!
//! A stack trace or a panic message names the error better than an exit code does; where there is none, the code or the signal is the type
//! and the last line is the message. How traces read is in `healnode_capture::text`, which `watch` asks as well.

use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::ExitStatus;

use healnode_capture::text::{Evidence, Found, find_errors};
use healnode_report::{RawError, Severity};

use super::SIGNAL_BASE;
use super::before::lines_before;
use super::tail::{Line, Stream};

/// The signal that the system kills with.
const KILL: i32 = 9;

/// Signals by number on Linux, with their names.
const SIGNALS: [(i32, &str); 13] = [
    (1, "SIGHUP"),
    (2, "SIGINT"),
    (3, "SIGQUIT"),
    (4, "SIGILL"),
    (5, "SIGTRAP"),
    (6, "SIGABRT"),
    (7, "SIGBUS"),
    (8, "SIGFPE"),
    (9, "SIGKILL"),
    (11, "SIGSEGV"),
    (13, "SIGPIPE"),
    (15, "SIGTERM"),
    (31, "SIGSYS"),
];

/// How a command ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Ending {
    pub(super) status: ExitStatus,
    /// Whether the system killed something of the command's group for want of memory.
    pub(super) memory_ran_out: bool,
}

impl Ending {
    /// Returns whether the command, or what a shell ran for it, was killed for want of memory.
    fn is_out_of_memory(self) -> bool {
        let was_killed = self.status.signal() == Some(KILL) || self.status.code() == Some(SIGNAL_BASE + KILL);
        self.memory_ran_out && was_killed
    }
}

/// Returns the report of a command that failed, with at most `logs_max` lines from before its trace; nothing of one that did not. One that
/// ended well has failed when it printed a trace to standard error, for then a part of it is dead.
pub(super) fn describe(ending: Ending, argv: Vec<String>, lines: Vec<Line>, logs_max: usize) -> Option<RawError> {
    let (errors, output) = by_stream(&lines);
    let mut raw = if ending.status.success() {
        find_error(&errors).filter(is_trace)?.into_raw()
    } else if ending.is_out_of_memory() {
        out_of_memory(&program_of(&argv))
    } else {
        let found = find_error(&errors).or_else(|| find_error(&output)).map(Found::into_raw);
        found.unwrap_or_else(|| from_status(ending.status, &program_of(&argv), last_line(&errors).or_else(|| last_line(&output))))
    };
    if ending.status.signal().is_some() {
        raw.severity.get_or_insert(Severity::High);
    }
    raw.command = argv;
    raw.logs = lines_before(&lines, raw.stack.as_deref(), logs_max);
    Some(raw)
}

/// Returns the name of the program that a command line runs.
pub(super) fn program_of(argv: &[String]) -> String {
    let name = argv.first().and_then(|program| Path::new(program).file_name());
    name.map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

fn out_of_memory(program: &str) -> RawError {
    let mut raw = RawError::new("OutOfMemory", format!("{program} was killed by the system, which had run out of memory"));
    raw.severity = Some(Severity::Critical);
    raw
}

/// Takes the streams apart. In which order lines of different streams arrive is chance, and must not decide what an error is called.
fn by_stream(lines: &[Line]) -> (Vec<String>, Vec<String>) {
    let of = |stream| lines.iter().filter(|line| line.stream == stream).map(|line| line.text.clone()).collect();
    (of(Stream::Err), of(Stream::Out))
}

/// The last line that says anything.
fn last_line(lines: &[String]) -> Option<&str> {
    lines.iter().rev().map(|line| line.trim()).find(|line| !line.is_empty())
}

fn from_status(status: ExitStatus, program: &str, last_line: Option<&str>) -> RawError {
    let (error_type, ending) = match status.signal() {
        Some(number) => {
            let name = SIGNALS
                .iter()
                .find(|(signal, _)| *signal == number)
                .map_or_else(|| format!("signal {number}"), |(_, name)| (*name).to_owned());
            let ending = format!("{program} was ended by {name}");
            (name, ending)
        }
        None => ("ExitStatus".to_owned(), format!("{program} exited with status {}", status.code().unwrap_or(1))),
    };
    let message = last_line.map_or_else(|| ending.clone(), |line| format!("{ending}: {line}"));
    RawError::new(error_type, message)
}

/// Finds the last error in what was printed: the last trace, else what a runtime said about its end. A line that only calls itself an error
/// is none here, because the exit code says more.
fn find_error(lines: &[String]) -> Option<Found> {
    let mut found = find_errors(lines.iter().map(String::as_str));
    found.retain(|found| found.evidence == Evidence::Trace);
    let last_trace = found.iter().rposition(is_trace).or(found.len().checked_sub(1));
    last_trace.map(|last| found.swap_remove(last))
}

fn is_trace(found: &Found) -> bool {
    found.stack.is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    const FAILED: i32 = 1 << 8;

    fn report(status: i32, lines: Vec<Line>) -> Option<RawError> {
        let ending = Ending { status: ExitStatus::from_raw(status), memory_ran_out: false };
        describe(ending, vec!["/usr/bin/worker".to_owned()], lines, 50)
    }

    fn lines(stream: Stream, output: &str) -> Vec<Line> {
        output.lines().map(|text| Line { stream, text: text.to_owned() }).collect()
    }

    fn check(output: &str, error_type: &str, message: &str) {
        let raw = report(FAILED, lines(Stream::Err, output)).unwrap();
        assert_eq!((raw.error_type.as_str(), raw.message.as_str()), (error_type, message));
    }

    #[test]
    fn the_last_trace_names_the_error() {
        check(
            "ready\nTraceback (most recent call last):\n  File \"a.py\", line 3, in f\n    g()\nValueError: bad input",
            "ValueError",
            "bad input",
        );
        check("thread 'main' panicked at src/main.rs:2:5:\nno config\nnote: run with `RUST_BACKTRACE=1`", "panic", "no config");
        check("panic: assignment to nil map\n\ngoroutine 1 [running]:\nmain.main()", "panic", "assignment to nil map");
        check(
            "/app/x.js:3\n\nTypeError: x is undefined\n    at f (/app/x.js:3:9)\n    at main (/app/x.js:9:1)\n\nNode.js v20",
            "TypeError",
            "x is undefined",
        );
        check(
            "Exception in thread \"main\" java.lang.IllegalStateException: closed\n\tat a.B.c(B.java:3)",
            "java.lang.IllegalStateException",
            "closed",
        );
    }

    #[test]
    fn a_message_keeps_its_blank_lines_and_a_cause_does_not_hide_what_was_thrown() {
        check(
            "Traceback (most recent call last):\n  File \"a.py\", line 3, in f\nOSError: gone\n\n\
             During handling of the above exception, another exception occurred:\n\n\
             Traceback (most recent call last):\n  File \"a.py\", line 5, in g\nJobError: failed",
            "JobError",
            "failed",
        );
        check(
            "java.io.IOException: closed\n\tat a.B.c(B.java:3)\nCaused by: java.net.SocketException: reset\n\tat a.D.e(D.java:9)",
            "java.io.IOException",
            "closed",
        );
    }

    #[test]
    fn what_a_shell_says_of_a_signal_names_the_error_and_is_no_trace() {
        let said = "sh: line 1:    77 Segmentation fault      (core dumped) ./app";
        check(said, "SIGSEGV", said);
        assert!(report(0, lines(Stream::Err, said)).is_none());
        check("ERROR no such row\ngiving up", "ExitStatus", "worker exited with status 1: giving up");
    }

    #[test]
    fn without_a_trace_the_exit_code_and_the_last_line_name_it() {
        check("starting\ncat: no such file", "ExitStatus", "worker exited with status 1: cat: no such file");
        check("", "ExitStatus", "worker exited with status 1");
    }

    #[test]
    fn the_order_between_the_streams_does_not_matter() {
        let line = |stream, text: &str| Line { stream, text: text.to_owned() };
        let mut lines = vec![line(Stream::Err, "no such file"), line(Stream::Out, "row 1"), line(Stream::Out, "row 2")];
        for _ in 0..3 {
            lines.rotate_left(1);
            let raw = report(FAILED, lines.clone()).unwrap();
            assert_eq!(raw.message, "worker exited with status 1: no such file");
        }
    }

    #[test]
    fn a_crash_is_named_by_its_signal() {
        let raw = report(11, Vec::new()).unwrap();
        assert_eq!((raw.error_type.as_str(), raw.message.as_str()), ("SIGSEGV", "worker was ended by SIGSEGV"));
        assert_eq!(raw.severity, Some(Severity::High));
    }

    #[test]
    fn a_command_that_ended_well_failed_only_if_there_is_a_trace_among_its_errors() {
        let trace =
            "Exception in thread Thread-1:\nTraceback (most recent call last):\n  File \"w.py\", line 3, in run\nKeyError: 'a'\nbye";
        let raw = report(0, lines(Stream::Err, trace)).unwrap();
        assert_eq!((raw.error_type.as_str(), raw.message.as_str()), ("KeyError", "'a'"));
        assert!(report(0, lines(Stream::Out, trace)).is_none());
        assert!(report(0, lines(Stream::Err, "error: 3 rows skipped")).is_none());
    }

    #[test]
    fn a_kill_for_want_of_memory_is_critical() {
        let described = |status, memory_ran_out| {
            let ending = Ending { status: ExitStatus::from_raw(status), memory_ran_out };
            let raw = describe(ending, vec!["worker".to_owned()], Vec::new(), 50).unwrap();
            (raw.error_type, raw.severity)
        };
        assert_eq!(described(9, true), ("OutOfMemory".to_owned(), Some(Severity::Critical)));
        assert_eq!(described(137 << 8, true), ("OutOfMemory".to_owned(), Some(Severity::Critical)));
        assert_eq!(described(9, false), ("SIGKILL".to_owned(), Some(Severity::High)));
        assert_eq!(described(FAILED, true), ("ExitStatus".to_owned(), None));
    }

    #[test]
    fn the_lines_before_a_trace_of_any_length_are_logs_while_the_trace_is_whole() {
        let trace: String = std::iter::once("java.lang.IllegalStateException: closed\n".to_owned())
            .chain((0..120).map(|depth| format!("\tat a.B.c{depth}(B.java:3)\n")))
            .collect();
        let before: String = (0..60).map(|row| format!("row {row}\n")).collect();
        let raw = report(FAILED, lines(Stream::Err, &format!("{before}{trace}"))).unwrap();
        assert_eq!((raw.error_type.as_str(), raw.stack.unwrap().lines().count()), ("java.lang.IllegalStateException", 121));
        assert_eq!((raw.logs.len(), raw.logs[0].as_str(), raw.logs[49].as_str()), (50, "row 10", "row 59"));
    }
}
