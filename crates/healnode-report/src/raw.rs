//! What an application said, before redaction.
//!
//! It comes in and never goes out: no `Serialize`, no `Display`, and `Debug` prints lengths. Reading is lenient about what is
//! ignored and strict about what is used; no error repeats a value, because a value may be a secret.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Deserializer, Error as _, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Serialize};

use crate::severity::Severity;
use crate::time::{Moment, UnixMillis};

/// An error as its application told it, unredacted. [`Report::new`](crate::Report::new) takes it.
#[derive(Clone, PartialEq)]
pub struct RawError {
    /// Name of the error's type. Never empty when read from JSON.
    pub error_type: String,
    /// What the error said; may be empty.
    pub message: String,
    /// Stack trace as its language prints it.
    pub stack: Option<String>,
    /// How bad it is, if the application knows.
    pub severity: Option<Severity>,
    /// Log lines before the error, oldest first.
    pub logs: Vec<String>,
    /// The command that failed, one argument each. A single element is a command line.
    pub command: Vec<String>,
    /// Name of the deployment.
    pub app: Option<String>,
    /// Release of the deployment.
    pub release: Option<String>,
    /// Where it runs, such as `production`.
    pub environment: Option<String>,
    /// When it happened.
    pub at: Option<UnixMillis>,
    /// Id of the occurrence: the same id twice is one occurrence.
    pub event_id: Option<String>,
    /// The application's own idea of what makes the error the same, as Sentry SDKs send it.
    pub fingerprint: Vec<String>,
    /// Names and values that the application attached.
    pub tags: BTreeMap<String, String>,
    /// What else the application attached, of whatever shape.
    pub context: Option<serde_json::Value>,
    /// How many occurrences this stands for, at least 1.
    pub count: u64,
    /// The machine and the runtime.
    pub system: Option<System>,
    /// How many fields were ignored because their names are unknown.
    pub unknown_fields: u32,
    /// Frames that an operator's rule chose when the report was admitted first.
    pub(crate) frames: Option<Vec<String>>,
    /// The version that it was counted under, if that was not the current one.
    pub(crate) algorithm: Option<u16>,
    pub(crate) clipped: bool,
}

/// Where an error happened. In a [`Report`](crate::Report) every field is redacted.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct System {
    /// Operating system and its version.
    pub os: String,
    /// Processor architecture.
    pub arch: String,
    /// Name of the host, as a label.
    pub host: String,
    /// Language runtime and its version.
    pub runtime: String,
    /// Working directory.
    pub cwd: String,
}

impl RawError {
    /// An error of which only type and message are known. It counts once.
    pub fn new(error_type: impl Into<String>, message: impl Into<String>) -> RawError {
        RawError {
            error_type: error_type.into(),
            message: message.into(),
            stack: None,
            severity: None,
            logs: Vec::new(),
            command: Vec::new(),
            app: None,
            release: None,
            environment: None,
            at: None,
            event_id: None,
            fingerprint: Vec::new(),
            tags: BTreeMap::new(),
            context: None,
            count: 1,
            system: None,
            unknown_fields: 0,
            frames: None,
            algorithm: None,
            clipped: false,
        }
    }

    /// Reads one JSON object with at least `type` and `message`.
    ///
    /// # Errors
    /// Says what is wrong, in which field, and what is allowed there; never repeats a value.
    pub fn from_json(text: &str) -> Result<RawError, ReportFormatError> {
        serde_json::from_str(text).or_else(|_| RawError::from_json_value(text))
    }

    /// Reads in two steps, so that what is wrong can be told without the place where the reader noticed.
    fn from_json_value(text: &str) -> Result<RawError, ReportFormatError> {
        let value: serde_json::Value =
            serde_json::from_str(text).map_err(|error| ReportFormatError::NotJson { line: error.line(), column: error.column() })?;
        if !value.is_object() {
            return Err(ReportFormatError::NotAnObject { got: kind(&value) });
        }
        RawError::deserialize(value).map_err(|error| ReportFormatError::Field(error.to_string()))
    }
}

fn kind(value: &serde_json::Value) -> &'static str {
    match value {
        serde_json::Value::Null => "null",
        serde_json::Value::Bool(_) => "a boolean",
        serde_json::Value::Number(_) => "a number",
        serde_json::Value::String(_) => "a string",
        serde_json::Value::Array(_) => "an array",
        serde_json::Value::Object(_) => "an object",
    }
}

impl fmt::Debug for RawError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RawError")
            .field("error_type_bytes", &self.error_type.len())
            .field("message_bytes", &self.message.len())
            .field("stack_bytes", &self.stack.as_ref().map(String::len))
            .field("log_lines", &self.logs.len())
            .field("arguments", &self.command.len())
            .field("tags", &self.tags.len())
            .field("has_context", &self.context.is_some())
            .field("count", &self.count)
            .finish_non_exhaustive()
    }
}

/// Why a text is no report. Nothing was taken from it.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ReportFormatError {
    /// It is no JSON.
    #[error("no valid JSON at line {line}, column {column}; a report is one object such as {EXAMPLE}")]
    NotJson {
        /// Line of the fault, from 1.
        line: usize,
        /// Column of the fault, from 1.
        column: usize,
    },
    /// It is JSON, and no object.
    #[error("a report is one JSON object such as {EXAMPLE}, this is {got}")]
    NotAnObject {
        /// What it is.
        got: &'static str,
    },
    /// A field is missing or not what it has to be. The text names it and says what is allowed.
    #[error("{0}")]
    Field(String),
}

const EXAMPLE: &str = r#"{"type": "ValueError", "message": "what went wrong"}"#;

impl<'de> Deserialize<'de> for RawError {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<RawError, D::Error> {
        deserializer.deserialize_map(RawErrorVisitor)
    }
}

struct RawErrorVisitor;

impl<'de> Visitor<'de> for RawErrorVisitor {
    type Value = RawError;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a report, an object with `type` and `message`")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<RawError, A::Error> {
        let mut raw = RawError::new("", "");
        let (mut has_type, mut has_message) = (false, false);
        while let Some(name) = map.next_key::<String>()? {
            has_type |= name == "type";
            has_message |= name == "message";
            read_field(&mut raw, &name, &mut map)?;
        }
        if !has_type || raw.error_type.trim().is_empty() {
            return Err(A::Error::custom("field `type` is missing or empty; give the name of the error's type, such as \"ValueError\""));
        }
        if !has_message {
            return Err(A::Error::custom("field `message` is missing; give what the error said, or \"\" if it said nothing"));
        }
        Ok(raw)
    }
}

fn read_field<'de, A: MapAccess<'de>>(raw: &mut RawError, name: &str, map: &mut A) -> Result<(), A::Error> {
    match name {
        "type" => raw.error_type = read(map, name, "a string")?,
        "message" => raw.message = read(map, name, "a string")?,
        "stack" => raw.stack = read(map, name, "a string with the stack trace")?,
        "severity" => {
            raw.severity = read(map, name, "one of \"low\", \"medium\", \"high\", \"critical\"")?;
        }
        "logs" => raw.logs = read::<Lines, A>(map, name, "a list of strings, one a line")?.0,
        "command" => {
            raw.command = read::<Arguments, A>(map, name, "a string, or a list of strings, one an argument")?.0;
        }
        "app" => raw.app = read(map, name, "a string")?,
        "release" => raw.release = read(map, name, "a string")?,
        "environment" => raw.environment = read(map, name, "a string")?,
        "timestamp" => {
            let moment: Option<Moment> = read(map, name, "an RFC 3339 time such as \"2026-11-25T13:10:32Z\", or Unix seconds")?;
            raw.at = moment.map(|moment| moment.0);
        }
        "event_id" => raw.event_id = read(map, name, "a string")?,
        "fingerprint" => {
            raw.fingerprint = read::<Option<_>, A>(map, name, "a list of strings")?.unwrap_or_default();
        }
        "tags" => raw.tags = read::<Tags, A>(map, name, "an object with strings as values")?.0,
        "context" => raw.context = read(map, name, "any JSON value")?,
        "count" => {
            let count: u64 = read(map, name, "a whole number of occurrences, 1 or more")?;
            raw.count = count.max(1);
        }
        "system" => raw.system = read(map, name, "an object with strings as values")?,
        "frames" => raw.frames = read(map, name, "a list of strings, one a frame")?,
        "algorithm" => raw.algorithm = read(map, name, "the number of a version")?,
        "clipped" => raw.clipped = read(map, name, "true or false")?,
        _ => {
            map.next_value::<IgnoredAny>()?;
            raw.unknown_fields = raw.unknown_fields.saturating_add(1);
        }
    }
    Ok(())
}

fn read<'de, T: Deserialize<'de>, A: MapAccess<'de>>(map: &mut A, name: &str, allowed: &str) -> Result<T, A::Error> {
    map.next_value().map_err(|_| A::Error::custom(format!("field `{name}` has to be {allowed}")))
}

/// Lines as a list, or as one text.
struct Lines(Vec<String>);

impl<'de> Deserialize<'de> for Lines {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Lines, D::Error> {
        Ok(Lines(match OneOrMany::deserialize(deserializer)? {
            OneOrMany::None => Vec::new(),
            OneOrMany::One(text) => text.lines().map(str::to_owned).collect(),
            OneOrMany::Many(lines) => lines,
        }))
    }
}

/// Arguments as a list, or a command line as one text.
struct Arguments(Vec<String>);

impl<'de> Deserialize<'de> for Arguments {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Arguments, D::Error> {
        Ok(Arguments(match OneOrMany::deserialize(deserializer)? {
            OneOrMany::None => Vec::new(),
            OneOrMany::One(line) => vec![line],
            OneOrMany::Many(arguments) => arguments,
        }))
    }
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
    None,
}

/// Tags whose values are strings, or numbers and booleans that are taken as text.
struct Tags(BTreeMap<String, String>);

impl<'de> Deserialize<'de> for Tags {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Tags, D::Error> {
        let tags: Option<BTreeMap<String, Scalar>> = Option::deserialize(deserializer)?;
        let text = |(name, value): (String, Scalar)| Some((name, value.into_text()?));
        Ok(Tags(tags.unwrap_or_default().into_iter().filter_map(text).collect()))
    }
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Scalar {
    Text(String),
    Boolean(bool),
    Whole(i64),
    Decimal(f64),
    Absent,
}

impl Scalar {
    fn into_text(self) -> Option<String> {
        match self {
            Scalar::Text(text) => Some(text),
            Scalar::Boolean(value) => Some(value.to_string()),
            Scalar::Whole(value) => Some(value.to_string()),
            Scalar::Decimal(value) => Some(value.to_string()),
            Scalar::Absent => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_error(json: &str, says: &str) {
        let error = RawError::from_json(json).unwrap_err().to_string();
        assert!(error.contains(says), "{json}: {error}");
    }

    #[test]
    fn a_whole_report_is_read() {
        let raw = RawError::from_json(
            r#"{"type":"E","message":"m","stack":"s","severity":"high","logs":["a","b"],"command":["x","-y"],
                "app":"shop","release":"1.2","environment":"prod","timestamp":1795612232.5,"event_id":"id",
                "fingerprint":["{{ default }}","x"],"tags":{"a":"b","n":3},"context":{"cart":[1]},"count":7,
                "system":{"os":"linux","cwd":"/srv"},"extra":1,"more":{}}"#,
        )
        .unwrap();
        assert_eq!(raw.severity, Some(Severity::High));
        assert_eq!(raw.logs, ["a", "b"]);
        assert_eq!(raw.command, ["x", "-y"]);
        assert_eq!(raw.at, Some(UnixMillis(1_795_612_232_500)));
        assert_eq!(raw.tags.get("n").map(String::as_str), Some("3"));
        assert_eq!(raw.context, Some(serde_json::json!({"cart": [1]})));
        assert_eq!(raw.count, 7);
        assert_eq!(raw.system.unwrap().cwd, "/srv");
        assert_eq!(raw.unknown_fields, 2);
    }

    #[test]
    fn type_and_message_are_enough_and_null_is_absent() {
        let raw = RawError::from_json(
            r#"{"type":"E","message":"","stack":null,"logs":null,"command":"ls -l","tags":null,"context":null,"count":0}"#,
        )
        .unwrap();
        assert_eq!((raw.count, raw.stack, raw.context), (1, None, None));
        assert_eq!(raw.command, ["ls -l"]);
    }

    #[test]
    fn errors_name_the_field_and_what_is_allowed() {
        check_error("[1]", "one JSON object");
        check_error("{", "no valid JSON at line 1");
        check_error(r#"{"message":"m"}"#, "field `type` is missing");
        check_error(r#"{"type":" ","message":"m"}"#, "field `type` is missing or empty");
        check_error(r#"{"type":"E"}"#, "field `message` is missing");
        check_error(r#"{"type":"E","message":"m","severity":"urgent"}"#, "\"critical\"");
        check_error(r#"{"type":"E","message":"m","timestamp":"noon"}"#, "RFC 3339");
        check_error(r#"{"type":"E","message":"m","count":-1}"#, "1 or more");
        check_error(r#"{"type":"E","message":"m","logs":[1]}"#, "list of strings");
    }

    #[test]
    fn neither_errors_nor_debug_repeat_a_value() {
        let error = RawError::from_json(r#"{"type":"E","message":{"pw":"hunter2"}}"#).unwrap_err();
        assert!(!error.to_string().contains("hunter2"));
        let raw = RawError::new("hunter2", "hunter2");
        assert!(!format!("{raw:?}").contains("hunter2"));
    }
}
