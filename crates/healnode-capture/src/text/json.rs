//! A line of a log that is a JSON object: level, message, and perhaps a stack trace, under the names that loggers give them.

use serde::de::MapAccess;

use crate::lenient::{Fields, Lenient, fields, from_json, object, value};
use crate::text::find_errors;
use crate::text::title::{NO_TYPE, Title};

#[derive(Default)]
struct Entry {
    level: Option<String>,
    message: Option<String>,
    stack: Option<String>,
    error: Cause,
}

impl Fields for Entry {
    fn read<'de, A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<bool, A::Error> {
        match name {
            "level" | "severity" | "levelname" | "lvl" | "log.level" | "@l" => self.level = value(map)?,
            "msg" | "message" | "event" | "@m" => self.message = value(map)?,
            "stack" | "stack_trace" | "stacktrace" | "exc_info" | "exception" | "traceback" | "error.stack_trace" | "@x" => {
                self.stack = value(map)?;
            }
            "err" | "error" => self.error = value(map)?,
            "error.type" => self.error.kind = value(map)?,
            "error.message" => self.error.message = value(map)?,
            _ => return Ok(false),
        }
        Ok(true)
    }
}

impl Lenient for Entry {
    fn from_object<'de, A: MapAccess<'de>>(map: A) -> Result<Entry, A::Error> {
        object(map)
    }
}

/// The error of an entry: an object, or a text.
#[derive(Default)]
struct Cause {
    kind: Option<String>,
    message: Option<String>,
    stack: Option<String>,
}

#[derive(Default)]
struct CauseParts {
    kind: Option<String>,
    name: Option<String>,
    message: Option<String>,
    stack: Option<String>,
    stack_trace: Option<String>,
}

fields!(CauseParts { "type" => kind, "name" => name, "message" => message, "stack" => stack, "stack_trace" => stack_trace });

impl Lenient for Cause {
    fn from_text(text: &str) -> Cause {
        Cause { message: Option::from_text(text), ..Cause::default() }
    }

    fn from_object<'de, A: MapAccess<'de>>(map: A) -> Result<Cause, A::Error> {
        let parts: CauseParts = object(map)?;
        Ok(Cause { kind: parts.kind.or(parts.name), message: parts.message, stack: parts.stack.or(parts.stack_trace) })
    }
}

/// Reads an entry at level error or above.
pub(crate) fn read(line: &str) -> Option<Title> {
    if !line.starts_with('{') || !line.ends_with('}') {
        return None;
    }
    let entry: Entry = from_json(line.as_bytes())?;
    if !is_error(entry.level.as_deref()?) {
        return None;
    }
    let stack = entry.stack.or(entry.error.stack);
    let traced = stack.as_deref().and_then(|stack| find_errors(stack.lines()).pop()).filter(|found| found.stack.is_some());
    if let (Some(found), Some(stack)) = (traced, stack) {
        return Some(Title { stack: Some(stack), ..Title::new(found.error_type, found.message) });
    }
    let kind = entry.error.kind.unwrap_or_else(|| NO_TYPE.to_owned());
    let parts: Vec<String> = entry.message.into_iter().chain(entry.error.message).collect();
    Some(Title::of_line(kind, parts.join(": ")))
}

/// Whether a level is error or above, as a word or as one of the numbers of Bunyan and Pino.
fn is_error(level: &str) -> bool {
    let words = ["error", "err", "fatal", "critical", "crit", "alert", "emerg", "emergency", "panic", "dpanic", "severe"];
    words.iter().any(|word| level.eq_ignore_ascii_case(word)) || level.parse::<u32>().is_ok_and(|number| (50..100).contains(&number))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::Evidence;

    #[test]
    fn an_entry_names_its_error() {
        for (line, error_type, message, evidence) in [
            (r#"{"level":"error","msg":"job failed"}"#, "Error", "job failed", Evidence::Line),
            (r#"{"level":50,"msg":"job failed","err":{"type":"TypeError","message":"x"}}"#, "TypeError", "job failed: x", Evidence::Line),
            (r#"{"severity":"CRITICAL","message":"m","error":"no disk"}"#, "Error", "m: no disk", Evidence::Line),
            (
                r#"{"level":50,"err":{"stack":"TypeError: x is undefined\n    at f (/srv/a.js:1:2)"},"msg":"m"}"#,
                "TypeError",
                "x is undefined",
                Evidence::Trace,
            ),
            (
                r#"{"levelname":"ERROR","exc_info":"Traceback (most recent call last):\n  File \"a.py\", line 1, in f\nValueError: bad"}"#,
                "ValueError",
                "bad",
                Evidence::Trace,
            ),
        ] {
            let title = read(line).unwrap_or_else(|| panic!("{line}"));
            assert_eq!((title.error_type.as_str(), title.message.as_str(), title.evidence), (error_type, message, evidence), "{line}");
        }
        for line in [r#"{"level":"info","msg":"x"}"#, r#"{"level":30}"#, "{}", "{", "{}}", r#"{"level":null}"#] {
            assert_eq!(read(line), None, "{line}");
        }
    }
}
