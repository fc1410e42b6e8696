//! How bad an error is, judged by its type.
//!
//! A report may say so itself; this is the judgement for one that does not. The first row that matches decides, so the more
//! specific names come first: a `RecursionError` is a `RuntimeError` too.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use Severity::{Critical, High, Low, Medium};

/// How bad an error is, in rising order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Someone stopped the program.
    Low,
    /// An ordinary error of the program.
    Medium,
    /// The operating system, I/O, the network or the runtime failed, or the program crashed.
    High,
    /// The machine or the process is out of memory or stack.
    Critical,
}

impl Severity {
    /// Every severity, in rising order.
    pub const ALL: [Severity; 4] = [Low, Medium, High, Critical];

    /// Judges an error by the name of its type, and where that says too little, by its message.
    pub fn of(error_type: &str, message: &str) -> Severity {
        let name = error_type.to_ascii_lowercase();
        let last = name.rsplit(['.', ':', '\\', '/']).next().unwrap_or(&name);
        if let Some(severity) = first(WHOLE_NAMES, |row| row == last) {
            return severity;
        }
        if let Some(severity) = first(PARTS_OF_NAMES, |row| name.contains(row)) {
            return severity;
        }
        let message = message.to_ascii_lowercase();
        first(PARTS_OF_MESSAGES, |row| message.contains(row)).unwrap_or(Medium)
    }

    /// The name that `Display` writes and `FromStr` reads.
    pub fn as_str(self) -> &'static str {
        match self {
            Low => "low",
            Medium => "medium",
            High => "high",
            Critical => "critical",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Severity {
    type Err = SeverityFormatError;

    fn from_str(text: &str) -> Result<Severity, SeverityFormatError> {
        let text = text.trim();
        Severity::ALL.into_iter().find(|severity| text.eq_ignore_ascii_case(severity.as_str())).ok_or(SeverityFormatError)
    }
}

/// The text names no severity. The message says which there are.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("expected one of low, medium, high, critical")]
pub struct SeverityFormatError;

type Table = &'static [(&'static str, Severity)];

fn first(table: Table, matches: impl Fn(&str) -> bool) -> Option<Severity> {
    let (_, severity) = table.iter().find(|(row, _)| matches(row))?;
    Some(*severity)
}

/// Rows for the last segment of a type's name, as a whole.
const WHOLE_NAMES: Table = &[
    ("keyboardinterrupt", Low),
    ("systemexit", Low),
    ("interrupt", Low),
    ("sigint", Low),
    ("sigterm", Low),
    ("sighup", Low),
    ("sigkill", Critical),
    ("oom", Critical),
    ("oomkilled", Critical),
    ("nomemoryerror", Critical),
    ("bad_alloc", Critical),
    ("systemstackerror", Critical),
    ("interruptederror", High),
    ("unsupportedoperation", High),
    ("urlerror", High),
    ("httperror", High),
    ("contenttooshorterror", High),
    ("gaierror", High),
    ("herror", High),
    ("sslerror", High),
    ("sslcertverificationerror", High),
    ("sslzeroreturnerror", High),
    ("ssleoferror", High),
    ("sslexception", High),
    ("sslhandshakeexception", High),
    ("samefileerror", High),
    ("specialfileerror", High),
    ("eofexception", High),
    ("bindexception", High),
    ("closedchannelexception", High),
    ("panic", High),
    ("sigsegv", High),
    ("sigabrt", High),
    ("sigbus", High),
    ("sigfpe", High),
    ("sigill", High),
    ("sigpipe", High),
    ("sigquit", High),
    ("sigsys", High),
    ("sigtrap", High),
    ("sigxcpu", High),
];

/// Rows for any part of a type's name.
const PARTS_OF_NAMES: Table = &[
    ("outofmemory", Critical),
    ("insufficientmemory", Critical),
    ("memoryerror", Critical),
    ("recursionerror", Critical),
    ("stackoverflow", Critical),
    ("insufficientexecutionstack", Critical),
    ("signal: killed", Critical),
    ("segmentation", High),
    ("segfault", High),
    ("panic", High),
    ("crash", High),
    ("assertionfailed", High),
    ("notimplementederror", High),
    ("runtimeerror", High),
    ("oserror", High),
    ("ioerror", High),
    ("ioexception", High),
    ("io::error", High),
    ("filenotfound", High),
    ("fileexists", High),
    ("isadirectory", High),
    ("notadirectory", High),
    ("nosuchfile", High),
    ("permissionerror", High),
    ("accessdenied", High),
    ("unauthorizedaccess", High),
    ("requests.exceptions.", High),
    ("smtp", High),
    ("connection", High),
    ("connect", High),
    ("socket", High),
    ("brokenpipe", High),
    ("timeout", High),
    ("blockingio", High),
    ("childprocess", High),
    ("processlookup", High),
    ("errno::", High),
    ("syscall", High),
    ("patherror", High),
    ("operror", High),
    ("network", High),
    ("unknownhost", High),
    ("noroutetohost", High),
    ("systemerror", High),
    ("fatal", High),
];

/// Rows for any part of a message, for types that say nothing.
const PARTS_OF_MESSAGES: Table = &[
    ("out of memory", Critical),
    ("cannot allocate memory", Critical),
    ("heap limit allocation failed", Critical),
    ("maximum recursion depth exceeded", Critical),
    ("maximum call stack size exceeded", Critical),
    ("stack overflow", Critical),
    ("has overflowed its stack", Critical),
    ("oom-kill", Critical),
    ("segmentation fault", High),
    ("sigsegv", High),
    ("core dumped", High),
    ("panicked at", High),
    ("runtime error: ", High),
    ("econnrefused", High),
    ("econnreset", High),
    ("etimedout", High),
    ("enospc", High),
    ("eacces", High),
    ("enoent", High),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn check(severity: Severity, errors: &[(&str, &str)]) {
        for (error_type, message) in errors {
            assert_eq!(Severity::of(error_type, message), severity, "{error_type}: {message}");
        }
    }

    #[test]
    fn someone_who_stops_the_program_is_low() {
        check(Low, &[("KeyboardInterrupt", ""), ("SystemExit", "2"), ("Interrupt", ""), ("SIGINT", "")]);
    }

    #[test]
    fn ordinary_errors_are_medium() {
        check(
            Medium,
            &[
                ("ValueError", "x"),
                ("TypeError", "x"),
                ("KeyError", "'a'"),
                ("AttributeError", "x"),
                ("Error", "x"),
                ("java.lang.NullPointerException", "x"),
                ("NoMethodError", "undefined method"),
                ("DesignError", "x"),
                ("AbortError", "the user aborted a request"),
                ("java.lang.UnsupportedOperationException", ""),
                ("java.lang.InterruptedException", "sleep interrupted"),
                ("EOFError", "EOF when reading a line"),
                ("ClassLoaderError", "x"),
                ("json.decoder.JSONDecodeError", "x"),
            ],
        );
    }

    #[test]
    fn failures_of_the_system_and_crashes_are_high() {
        check(
            High,
            &[
                ("OSError", "x"),
                ("IOError", "x"),
                ("RuntimeError", "x"),
                ("FileNotFoundError", "x"),
                ("ConnectionError", "x"),
                ("requests.exceptions.ConnectionError", "x"),
                ("java.io.IOException", "x"),
                ("InterruptedError", "[Errno 4] Interrupted system call"),
                ("urllib.error.URLError", "<urlopen error [Errno 111] x>"),
                ("urllib.error.HTTPError", "HTTP Error 502: Bad Gateway"),
                ("socket.gaierror", "[Errno -2] Name or service not known"),
                ("ssl.SSLError", "x"),
                ("SSLCertVerificationError", "x"),
                ("io.UnsupportedOperation", "not readable"),
                ("requests.exceptions.ChunkedEncodingError", "x"),
                ("smtplib.SMTPRecipientsRefused", "x"),
                ("javax.net.ssl.SSLHandshakeException", "x"),
                ("SIGSEGV", ""),
                ("panic", "index out of range"),
                ("Error", "connect ECONNREFUSED 127.0.0.1:5432"),
            ],
        );
    }

    #[test]
    fn running_out_of_memory_or_stack_is_critical() {
        check(
            Critical,
            &[
                ("MemoryError", ""),
                ("RecursionError", "x"),
                ("java.lang.OutOfMemoryError", "Java heap space"),
                ("java.lang.StackOverflowError", ""),
                ("std::bad_alloc", ""),
                ("SIGKILL", ""),
                ("RangeError", "Maximum call stack size exceeded"),
                ("runtime error", "goroutine stack overflow"),
            ],
        );
    }

    #[test]
    fn names_read_back_in_any_case_and_errors_name_what_is_allowed() {
        for severity in Severity::ALL {
            assert_eq!(severity.to_string().to_uppercase().parse(), Ok(severity));
        }
        let error = "urgent".parse::<Severity>().unwrap_err();
        assert!(error.to_string().contains("low, medium, high, critical"));
    }
}
