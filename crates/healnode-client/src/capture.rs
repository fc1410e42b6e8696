//! A captured error on its way to the background thread, and how it becomes a report there.
//!
//! Capturing copies what changes; everything that takes time waits for the background thread: names of frames, facts about the machine,
//! redaction.

use std::backtrace::{Backtrace, BacktraceStatus};
use std::collections::BTreeMap;

use healnode_report::{RawError, Report, Severity, System, UnixMillis};

use crate::bounded;
use crate::event_id::EventId;
use crate::frames;
use crate::limits::{COMMAND_BYTES_MAX, CONTEXT_BYTES_MAX, CONTEXT_MAX};
use crate::ring::Line;

/// What was captured of one error.
pub(crate) struct Capture {
    pub(crate) event_id: EventId,
    pub(crate) at: UnixMillis,
    pub(crate) error_type: String,
    pub(crate) message: String,
    /// Nothing leaves it to the type and the message.
    pub(crate) severity: Option<Severity>,
    /// What stands above the frames.
    pub(crate) heading: String,
    pub(crate) backtrace: Option<Backtrace>,
    pub(crate) logs: Vec<Line>,
    pub(crate) tags: BTreeMap<String, String>,
}

impl Capture {
    pub(crate) fn new(error_type: String, message: String) -> Self {
        Self {
            event_id: EventId::new(),
            at: now(),
            error_type,
            message,
            severity: None,
            heading: String::new(),
            backtrace: None,
            logs: Vec::new(),
            tags: BTreeMap::new(),
        }
    }

    /// Attaches a value, unless there are as many as may be.
    pub(crate) fn tag(&mut self, name: &str, value: std::fmt::Arguments<'_>) {
        if self.tags.len() < CONTEXT_MAX {
            self.tags.insert(bounded::text(format_args!("{name}"), CONTEXT_BYTES_MAX), bounded::text(value, CONTEXT_BYTES_MAX));
        }
    }
}

pub(crate) fn now() -> UnixMillis {
    let since_epoch = std::time::SystemTime::now().duration_since(std::time::SystemTime::UNIX_EPOCH).unwrap_or_default();
    UnixMillis(u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX))
}

/// What is the same in all reports of a process.
#[derive(Clone, Default)]
pub(crate) struct Origin {
    pub(crate) app: Option<String>,
    pub(crate) release: Option<String>,
    pub(crate) environment: Option<String>,
    /// What the application asks of the node.
    pub(crate) asks: Vec<(&'static str, String)>,
}

impl Origin {
    /// Redacts a capture and makes a report of it.
    pub(crate) fn report(&self, capture: Capture) -> Report {
        let mut raw = RawError::new(capture.error_type, capture.message);
        raw.stack = stack(capture.heading, capture.backtrace.as_ref());
        raw.severity = capture.severity;
        raw.logs = capture.logs.iter().map(Line::to_string).collect();
        raw.command = command();
        raw.app = self.app.clone();
        raw.release = self.release.clone();
        raw.environment = self.environment.clone();
        raw.at = Some(capture.at);
        raw.event_id = Some(capture.event_id.to_string());
        raw.tags = capture.tags;
        raw.tags.extend(self.asks.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
        raw.system = Some(this_system());
        Report::new(raw, capture.at)
    }
}

fn stack(mut stack: String, backtrace: Option<&Backtrace>) -> Option<String> {
    let frames = backtrace.filter(|backtrace| backtrace.status() == BacktraceStatus::Captured).map(frames::text);
    stack.push_str(&frames.unwrap_or_default());
    (!stack.is_empty()).then_some(stack)
}

/// The command line, up to its bound.
fn command() -> Vec<String> {
    let mut bytes = 0;
    let arguments = std::env::args_os().map(|argument| argument.to_string_lossy().into_owned());
    arguments
        .take_while(|argument| {
            bytes += argument.len() + 1;
            bytes <= COMMAND_BYTES_MAX
        })
        .collect()
}

fn this_system() -> System {
    System {
        os: os_name(),
        arch: std::env::consts::ARCH.to_owned(),
        host: std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default().trim().to_owned(),
        runtime: "Rust".to_owned(),
        cwd: std::env::current_dir().map(|dir| dir.display().to_string()).unwrap_or_default(),
    }
}

/// What `/etc/os-release` calls this system, or its family.
fn os_name() -> String {
    let release = std::fs::read_to_string("/etc/os-release").unwrap_or_default();
    let name = release.lines().find_map(|line| line.strip_prefix("PRETTY_NAME="));
    name.map_or_else(|| std::env::consts::OS.to_owned(), |name| name.trim_matches('"').to_owned())
}
