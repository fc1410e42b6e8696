//! A log record or a span event that may tell of an exception, and the error that it makes.

use healnode_report::{RawError, Severity, System, UnixMillis};
use sha2::{Digest as _, Sha256};

use crate::limits::TEXTS_MAX;
use crate::text::{Evidence, NO_TYPE, find_errors};

/// Takes what was read.
pub(crate) trait Sink {
    /// Takes an error.
    fn error(&mut self, error: RawError);

    /// Counts what is none, by kind.
    fn passed_over(&mut self, kind: &'static str, count: u64);
}

/// Attributes of what sends the records.
#[derive(Clone, PartialEq, Default, Debug)]
pub(crate) struct Resource {
    app: Option<String>,
    release: Option<String>,
    environment: Option<String>,
    instance: Option<String>,
    sdk: Option<String>,
    runtime: [Option<String>; 2],
    os: Option<String>,
    system: System,
    command: Vec<String>,
}

/// The value of an attribute.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub(crate) enum Attribute {
    /// Neither a text nor a list.
    #[default]
    Other,
    Text(String),
    List(Vec<String>),
}

impl Attribute {
    fn text(self) -> Option<String> {
        match self {
            Attribute::Text(text) => Some(text).filter(|text| !text.trim().is_empty()),
            Attribute::Other | Attribute::List(_) => None,
        }
    }

    fn list(self) -> Vec<String> {
        match self {
            Attribute::Text(text) => vec![text],
            Attribute::List(texts) => texts.into_iter().take(TEXTS_MAX).collect(),
            Attribute::Other => Vec::new(),
        }
    }
}

impl Resource {
    /// Takes an attribute, if it is one that matters.
    pub(crate) fn set(&mut self, name: &str, value: Attribute) {
        match name {
            "service.name" => self.app = value.text().filter(|name| !name.starts_with("unknown_service")),
            "service.version" => self.release = value.text(),
            "deployment.environment.name" => self.environment = value.text(),
            "deployment.environment" => self.environment = self.environment.take().or(value.text()),
            "service.instance.id" => self.instance = value.text(),
            "telemetry.sdk.language" => self.sdk = value.text(),
            "process.runtime.name" => self.runtime[0] = value.text(),
            "process.runtime.version" => self.runtime[1] = value.text(),
            "process.command_args" => self.command = value.list(),
            "host.name" => self.system.host = value.text().unwrap_or_default(),
            "host.arch" => self.system.arch = value.text().unwrap_or_default(),
            "os.type" => self.os = value.text(),
            "os.description" => self.system.os = value.text().unwrap_or_default(),
            "process.working_directory" => self.system.cwd = value.text().unwrap_or_default(),
            _ => {}
        }
    }

    fn system(&self) -> Option<System> {
        let mut system = self.system.clone();
        if system.os.is_empty() {
            system.os = self.os.clone().unwrap_or_default();
        }
        system.runtime = self.runtime.iter().flatten().map(String::as_str).collect::<Vec<&str>>().join(" ");
        (system != System::default()).then_some(system)
    }
}

/// Whether an attribute may matter, so that the others cost nothing.
pub(crate) fn is_wanted(name: &str) -> bool {
    ["exception.", "service.", "deployment.", "host.", "os.", "process.", "telemetry."].iter().any(|start| name.starts_with(start))
}

/// Lowest number of the severity of an error.
const SEVERITY_ERROR: u64 = 17;

/// Lowest number of the severity of a failure that ends the program.
const SEVERITY_FATAL: u64 = 21;

/// A log record or a span event.
#[derive(Clone, PartialEq, Default, Debug)]
pub(crate) struct Record {
    /// Nanoseconds since 1970, or 0.
    pub(crate) nanos: u64,
    /// When it was seen, for one without a time.
    pub(crate) observed_nanos: u64,
    pub(crate) severity: u64,
    pub(crate) body: Option<String>,
    /// The ids as hex digits, empty for none.
    pub(crate) trace_id: String,
    pub(crate) span_id: String,
    pub(crate) error_type: Option<String>,
    pub(crate) message: Option<String>,
    pub(crate) stack: Option<String>,
}

impl Record {
    /// Takes an attribute, if it is one that matters.
    pub(crate) fn set(&mut self, name: &str, value: Attribute) {
        match name {
            "exception.type" => self.error_type = value.text(),
            "exception.message" => self.message = value.text(),
            "exception.stacktrace" => self.stack = value.text(),
            _ => {}
        }
    }

    /// Whether it tells of an exception.
    pub(crate) fn has_exception(&self) -> bool {
        self.error_type.is_some() || self.message.is_some() || self.stack.is_some()
    }

    /// Whether it may tell of an error, as a log record.
    pub(crate) fn may_be_error(&self) -> bool {
        self.has_exception() || self.severity >= SEVERITY_ERROR
    }

    /// Gives a log record to the sink.
    pub(crate) fn log(mut self, resource: &Resource, sink: &mut impl Sink) {
        if self.has_exception() {
            return sink.error(self.into_raw(resource));
        }
        if self.severity < SEVERITY_ERROR {
            return sink.passed_over("log", 1);
        }
        let body = self.body.take().unwrap_or_default();
        match find_errors(body.lines()).into_iter().rev().find(|found| found.evidence == Evidence::Trace) {
            Some(found) => {
                (self.error_type, self.message, self.stack) = (Some(found.error_type), Some(found.message), found.stack);
                sink.error(self.into_raw(resource));
            }
            None => sink.passed_over("error_log", 1),
        }
    }

    /// The error that it tells of.
    pub(crate) fn into_raw(self, resource: &Resource) -> RawError {
        let printed = self.stack.as_deref().and_then(|stack| find_errors(stack.lines()).pop());
        let printed = printed.filter(|printed| self.error_type.as_deref().is_none_or(|sent| is_same_class(sent, &printed.error_type)));
        let (printed_type, printed_message) = printed.map(|found| (found.error_type, found.message)).unzip();
        let error_type = error_type(self.error_type.as_deref(), printed_type);
        let printed_message = printed_message.filter(|message| !message.is_empty());
        let message = printed_message.or(self.message).or(self.body).unwrap_or_default();
        let mut raw = RawError::new(error_type, message);
        raw.event_id = event_id(&self.trace_id, &self.span_id, &raw);
        raw.stack = self.stack;
        let is_fatal = self.severity >= SEVERITY_FATAL;
        raw.severity = is_fatal
            .then(|| Severity::of(&raw.error_type, &raw.message))
            .filter(|judged| *judged != Severity::Low)
            .map(|judged| judged.max(Severity::High));
        let nanos = if self.nanos > 0 { self.nanos } else { self.observed_nanos };
        raw.at = (nanos > 0).then_some(UnixMillis(nanos / 1_000_000));
        raw.app.clone_from(&resource.app);
        raw.release.clone_from(&resource.release);
        raw.environment.clone_from(&resource.environment);
        raw.command.clone_from(&resource.command);
        raw.system = resource.system();
        let tags = [("service.instance.id", &resource.instance), ("telemetry.sdk.language", &resource.sdk)];
        raw.tags = tags.into_iter().filter_map(|(name, text)| Some((name.to_owned(), text.clone()?))).collect();
        raw
    }
}

/// Whether two names of types may be of one class: SDKs put more or fewer modules before it, one on records, another on events. Then type and
/// message are as the trace prints them, for in the message SDKs differ as well: Python's logs have the first argument of the exception in
/// its place.
fn is_same_class(sent: &str, printed: &str) -> bool {
    let last = |name: &str| name.rsplit(['.', ':', '\\']).next().unwrap_or_default().to_owned();
    last(sent) == last(printed)
}

/// The type as its trace prints it, else as it was sent, without the modules that Python does not print.
fn error_type(sent: Option<&str>, printed: Option<String>) -> String {
    match (sent, printed) {
        (_, Some(printed)) => printed,
        (Some(sent), None) => sent.strip_prefix("__main__.").or_else(|| sent.strip_prefix("builtins.")).unwrap_or(sent).to_owned(),
        (None, None) => NO_TYPE.to_owned(),
    }
}

/// The id of an exception of a span: 32 hex digits, the same on a log record and on an event. `None` outside of a span.
fn event_id(trace_id: &str, span_id: &str, raw: &RawError) -> Option<String> {
    if trace_id.is_empty() {
        return None;
    }
    let mut hash = Sha256::new();
    for part in [trace_id, span_id, &raw.error_type, &raw.message] {
        hash.update(part.len().to_le_bytes());
        hash.update(part);
    }
    Some(hex(&hash.finalize()[..16]))
}

/// Bytes as hex digits. An id of which every byte is 0 is none.
pub(crate) fn id(bytes: &[u8]) -> String {
    let is_id = bytes.len() <= 16 && bytes.iter().any(|byte| *byte != 0);
    if is_id { hex(bytes) } else { String::new() }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
