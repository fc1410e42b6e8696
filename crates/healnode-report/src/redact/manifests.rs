//! The data of a Kubernetes Secret, as YAML or JSON: every value under `data` and `stringData`, whatever its name.

use super::kind::SECRET;
use super::references::is_blank_or_reference;
use super::scan::{byte, is_base64, run};
use super::span::Spans;
use super::values::is_name;

/// How a manifest says that it is one, in lower case.
pub(crate) const ANCHORS: &[&str] = &[
    "kind: secret",
    "\"kind\":\"secret\"",
    "\"kind\": \"secret\"",
    "\\\"kind\\\":\\\"secret\\\"",
    "\\\"kind\\\": \\\"secret\\\"",
    "kind: \"secret\"",
];

/// How far before and behind its kind the data of a manifest is looked for, in bytes.
const BEFORE_BYTES_MAX: usize = 1024;
const BEHIND_BYTES_MAX: usize = 2048;

/// Adds the values of the Secret whose kind stands at `start`.
pub(crate) fn find(text: &str, start: usize, end: usize, spans: &mut Spans<'_>) {
    let bytes = text.as_bytes();
    if byte(bytes, end).is_ascii_alphanumeric() {
        return;
    }
    let from = start.saturating_sub(BEFORE_BYTES_MAX);
    let window = &bytes[..bytes.len().min(end + BEHIND_BYTES_MAX)];
    let mut at = from;
    while let Some(found) = window[at..].windows(DATA.len()).position(|word| word.eq_ignore_ascii_case(DATA)) {
        at += found + DATA.len();
        let open = run(window, at, |byte| matches!(byte, b'"' | b'\\' | b' ' | b':'));
        match byte(window, open) {
            b'{' => add_object(bytes, window, open, spans),
            b'\n' => add_block(bytes, window, open, spans),
            _ => {}
        }
    }
}

/// Ends the names of both fields, `data` and `stringData`.
const DATA: &[u8] = b"data";

/// Adds the values of `{"name":"value",…}`, also where its quotes are escaped.
fn add_object(bytes: &[u8], window: &[u8], open: usize, spans: &mut Spans<'_>) {
    let close = run(window, open, |byte| byte != b'}');
    let is_between = |byte: u8| matches!(byte, b'"' | b'\\' | b' ' | b',' | b'{' | b'\n');
    let mut at = open;
    while at < close {
        let name = run(window, at, is_between);
        let name_end = run(window, name, is_name);
        let from = run(window, name_end, |byte| matches!(byte, b'"' | b'\\' | b' ' | b':'));
        let to = run(window, from, |byte| !matches!(byte, b'"' | b'\\' | b'\n' | b'}'));
        if to <= name {
            return;
        }
        add(bytes, from, to, spans);
        at = to;
    }
}

/// Adds the values of the lines that are indented deeper than the line of the field.
fn add_block(bytes: &[u8], window: &[u8], line_end: usize, spans: &mut Spans<'_>) {
    let field = window[..line_end].iter().rposition(|byte| *byte == b'\n').map_or(0, |before| before + 1);
    let indent = run(window, field, |byte| byte == b' ') - field;
    let mut at = line_end;
    while byte(window, at) == b'\n' {
        let name = run(window, at + 1, |byte| byte == b' ');
        let name_end = run(window, name, is_name);
        if name - (at + 1) <= indent && indent > 0 || name == at + 1 || byte(window, name_end) != b':' {
            return;
        }
        let from = run(window, name_end + 1, |byte| matches!(byte, b' ' | b'"' | b'\''));
        let to = run(window, from, |byte| !matches!(byte, b'\n' | b' ' | b'"' | b'\''));
        add(bytes, from, to, spans);
        at = run(window, to, |byte| byte != b'\n');
    }
}

fn add(bytes: &[u8], from: usize, to: usize, spans: &mut Spans<'_>) {
    let value = std::str::from_utf8(&bytes[from.min(to)..to]).unwrap_or_default();
    if value.len() >= 4 && !is_blank_or_reference(value) {
        spans.add_value(from, run(bytes, to, is_base64), SECRET);
    }
}
