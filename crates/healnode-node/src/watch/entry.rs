//! One entry of the journal, as `journalctl --output=json` prints it.
//!
//! A field is a text, a list of bytes when it is not UTF-8, a list of either when it stands there twice, or nothing when it is too large.

use std::collections::BTreeMap;

use healnode_report::{RawError, Severity, UnixMillis};
use serde_json::Value;

use super::limits::CURSOR_BYTES_MAX;

/// The lowest priority that is an error: `err` of syslog.
const ERROR_PRIORITY: u8 = 3;

/// An entry, as far as it matters here.
pub(super) struct Entry {
    /// Its place in the journal.
    pub(super) cursor: String,
    /// When it was received.
    pub(super) at: Option<UnixMillis>,
    /// What was said.
    pub(super) message: String,
    /// Whether its priority is error or above.
    pub(super) is_error: bool,
    /// The number of the process that said it, or nothing.
    pub(super) process: String,
    names: BTreeMap<&'static str, String>,
}

/// Fields that name who an entry is about, the strongest first: what systemd says about a unit names that unit.
const NAMES: [&str; 4] = ["UNIT", "COREDUMP_UNIT", "_SYSTEMD_UNIT", "_COMM"];

impl Entry {
    /// Reads an entry. Nothing when the line is none.
    pub(super) fn read(line: &str) -> Option<Entry> {
        let fields: BTreeMap<String, Value> = serde_json::from_str(line).ok()?;
        let text = |name: &str| fields.get(name).and_then(text_of);
        let cursor = text("__CURSOR").filter(|cursor| cursor.len() <= CURSOR_BYTES_MAX)?;
        let names = NAMES.into_iter().chain(["COREDUMP_SIGNAL_NAME", "COREDUMP_COMM"]);
        Some(Entry {
            cursor,
            at: text("__REALTIME_TIMESTAMP").and_then(|micros| micros.parse::<u64>().ok()).map(|micros| UnixMillis(micros / 1000)),
            message: text("MESSAGE").unwrap_or_default(),
            is_error: text("PRIORITY").and_then(|priority| priority.parse::<u8>().ok()).is_some_and(|priority| priority <= ERROR_PRIORITY),
            process: text("_PID").unwrap_or_default(),
            names: names.filter_map(|name| Some((name, text(name)?))).collect(),
        })
    }

    /// What the application is called that it is about.
    pub(super) fn app(&self) -> Option<String> {
        NAMES.iter().find_map(|name| self.names.get(name)).map(|name| unit_name(name))
    }

    /// The error, if systemd tells of a core dump in it.
    pub(super) fn core_dump(&self) -> Option<RawError> {
        let signal = self.names.get("COREDUMP_SIGNAL_NAME")?;
        let program = self.names.get("COREDUMP_COMM").map_or("a process", String::as_str);
        let mut raw = RawError::new(signal.clone(), format!("{program} was ended by {signal} and dumped core"));
        raw.stack = self.message.split_once('\n').map(|(_, stack)| stack.trim().to_owned()).filter(|stack| !stack.is_empty());
        raw.severity = Some(Severity::High);
        Some(raw)
    }
}

/// Returns the name of a unit without what says that it is a service, and without the instance of a template.
pub(super) fn unit_name(unit: &str) -> String {
    let name = unit.strip_suffix(".service").unwrap_or(unit);
    name.split_once('@').map_or(name, |(template, _)| template).to_owned()
}

fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::Array(items) => {
            bytes_of(items).or_else(|| items.iter().find_map(|item| item.as_array().map_or_else(|| string_of(item), |item| bytes_of(item))))
        }
        Value::String(_) | Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => string_of(value),
    }
}

fn string_of(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

fn bytes_of(items: &[Value]) -> Option<String> {
    let bytes: Option<Vec<u8>> = items.iter().map(|item| item.as_u64().and_then(|byte| u8::try_from(byte).ok())).collect();
    Some(String::from_utf8_lossy(&bytes?).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(fields: &str, message: &str, is_error: bool, app: Option<&str>) {
        let entry = Entry::read(&format!(r#"{{"__CURSOR":"s=1;i=2","__REALTIME_TIMESTAMP":"1795612232123456",{fields}}}"#)).unwrap();
        assert_eq!((entry.message.as_str(), entry.is_error, entry.app().as_deref()), (message, is_error, app), "{fields}");
        assert_eq!((entry.cursor.as_str(), entry.at), ("s=1;i=2", Some(UnixMillis(1_795_612_232_123))));
    }

    #[test]
    fn an_entry_says_what_who_and_how_bad() {
        check(r#""MESSAGE":"m","PRIORITY":"6","_SYSTEMD_UNIT":"shop.service","_COMM":"python3""#, "m", false, Some("shop"));
        check(r#""MESSAGE":"m","PRIORITY":"3","_SYSTEMD_UNIT":"init.scope","UNIT":"shop@7.service""#, "m", true, Some("shop"));
        check(r#""MESSAGE":[99,97,102,195,169,255],"PRIORITY":"2","_COMM":"shop""#, "caf\u{e9}\u{fffd}", true, Some("shop"));
        check(r#""MESSAGE":["first","second"]"#, "first", false, None);
        check(r#""MESSAGE":[[104,105],"x"]"#, "hi", false, None);
        check(r#""MESSAGE":null,"PRIORITY":"x""#, "", false, None);
    }

    #[test]
    fn what_is_no_entry_is_left_out() {
        for line in ["", "{", "[]", "{}", r#"{"MESSAGE":"m"}"#, "-- No entries --"] {
            assert!(Entry::read(line).is_none(), "{line}");
        }
        assert!(Entry::read(&format!(r#"{{"__CURSOR":"{}"}}"#, "x".repeat(2000))).is_none());
    }

    #[test]
    fn a_core_dump_is_an_error_with_its_stack() {
        let line = r##"{"__CURSOR":"c","MESSAGE":"Process 7 (shop) of user 0 dumped core.\n\nStack trace of thread 7:\n#0  0x1 main (shop + 0x1)","COREDUMP_SIGNAL_NAME":"SIGSEGV","COREDUMP_COMM":"shop","COREDUMP_UNIT":"shop.service"}"##;
        let entry = Entry::read(line).unwrap();
        let raw = entry.core_dump().unwrap();
        assert_eq!((raw.error_type.as_str(), raw.message.as_str()), ("SIGSEGV", "shop was ended by SIGSEGV and dumped core"));
        assert!(raw.stack.unwrap().starts_with("Stack trace of thread 7:"));
        assert_eq!(entry.app().as_deref(), Some("shop"));
    }
}
