//! Fields and cells beside each other, one of which holds the name of what the next one holds.
//!
//! `{"name": "DB_PASSWORD", "value": "…"}`, `<td>DB_PASSWORD</td><td>…</td>`, the parts of a form. Whether the name tells a secret and
//! the value is one is decided in `pairs.rs`.

use super::keys::secret_kind;
use super::quotes::quoted;
use super::references::is_blank_or_reference;
use super::scan::{byte, byte_before, judged, run, run_back};
use super::span::Spans;
use super::values::{is_blank, is_name};

/// Longest name of a field that holds a name, and longest gap around its separator, in bytes.
const FIELD_BYTES_MAX: usize = 24;

/// How far behind the name the next field begins, in bytes.
const GAP_BYTES_MAX: usize = 64;

/// Fields that hold the name of what a field beside them holds.
const NAME_FIELDS: &[&str] =
    &["name", "key", "variable", "env", "field", "parameter", "header", "parametername", "variablename", "property"];

/// A name that tells a secret, where it may be what a field holds.
pub(crate) struct Field<'a> {
    pub(crate) text: &'a str,
    pub(crate) start: usize,
    pub(crate) end: usize,
}

impl Field<'_> {
    /// Whether it is the value of a field that holds names, such as `name: DB_PASSWORD` or `key="apiKey"`.
    pub(crate) fn holds_a_name(&self) -> bool {
        let bytes = self.text.as_bytes();
        let is_between = |byte| is_blank(byte) || matches!(byte, b'"' | b'\'' | b'\\');
        let separator = run_back(bytes, self.start, FIELD_BYTES_MAX, is_between);
        if !matches!(byte_before(bytes, separator), b':' | b'=') {
            return false;
        }
        let field_end = run_back(bytes, separator - 1, FIELD_BYTES_MAX, is_between);
        let field_start = run_back(bytes, field_end, FIELD_BYTES_MAX, is_name);
        let field = self.text.get(field_start..field_end).unwrap_or_default();
        NAME_FIELDS.iter().any(|row| row.eq_ignore_ascii_case(field))
    }

    /// Where the value begins when a field `value` follows the one that holds the name.
    pub(crate) fn sibling(&self) -> Option<usize> {
        let bytes = self.text.as_bytes();
        let max = bytes.len().min(self.end + GAP_BYTES_MAX);
        let is_between = |byte| is_blank(byte) || matches!(byte, b'"' | b'\'' | b'\\' | b',' | b';' | b'\n');
        let field = run(&bytes[..max], self.end, is_between);
        let is_value = bytes.get(field..field + 5).is_some_and(|word| word.eq_ignore_ascii_case(b"value"));
        if !is_value || field == self.end {
            return None;
        }
        let max = bytes.len().min(field + FIELD_BYTES_MAX);
        let separator = run(&bytes[..max], field + 5, |byte| is_blank(byte) || matches!(byte, b'"' | b'\'' | b'\\'));
        matches!(byte(bytes, separator), b':' | b'=').then_some(separator + 1)
    }

    /// The value in `<entry key="apiKey">…</entry>`.
    pub(crate) fn inside_element(&self) -> Option<(usize, usize)> {
        let bytes = self.text.as_bytes();
        let [b'"' | b'\'', b'>', ..] = bytes[self.end..] else {
            return None;
        };
        let from = self.end + 2;
        let to = run(judged(self.text, from).as_bytes(), from, |byte| byte != b'<' && !byte.is_ascii_whitespace());
        bytes[to..].starts_with(b"</").then_some((from, to))
    }

    /// The value of a form that is sent in parts: `name="password"`, an empty line, and the line of the value.
    pub(crate) fn form_value(&self) -> Option<(usize, usize)> {
        let bytes = self.text.as_bytes();
        let rest = bytes.get(self.end..)?;
        let quote = 1 + usize::from(rest.first() == Some(&b'\\'));
        let breaks: [&[u8]; 3] = [b"\n\n", b"\\r\\n\\r\\n", b"\\n\\n"];
        let found = breaks.iter().find(|found| rest.get(quote..).is_some_and(|rest| rest.starts_with(found)))?;
        let from = self.end + quote + found.len();
        let window = judged(self.text, from).as_bytes();
        let to = run(window, from, |byte| !matches!(byte, b'\n' | b'\\' | b'"'));
        let value = self.text.get(from..to)?;
        (!is_blank_or_reference(value.trim()) && !value.starts_with("--")).then_some((from, to))
    }

    /// The value in `<td>DB_PASSWORD</td><td><pre>…</pre></td>` and `<key>token</key><string>…</string>`: all of an element, behind one
    /// that the name fills.
    pub(crate) fn next_element(&self) -> Option<(usize, usize)> {
        let bytes = self.text.as_bytes();
        let rest = bytes.get(self.end..)?;
        if !rest.starts_with(b"</") || byte_before(bytes, self.start) != b'>' {
            return None;
        }
        let window = &bytes[..bytes.len().min(self.end + TAGS_BYTES_MAX)];
        let mut at = run(window, self.end, |byte| byte != b'>') + 1;
        let first = run(window, at, |byte| byte.is_ascii_whitespace());
        if !matches!((byte(window, first), byte(window, first + 1)), (b'<', b'a'..=b'z' | b'A'..=b'Z')) {
            return None;
        }
        while byte(window, run(window, at, |byte| byte.is_ascii_whitespace())) == b'<' {
            at = run(window, at, |byte| byte != b'>') + 1;
        }
        let is_quote = |byte: u8| byte.is_ascii_whitespace() || matches!(byte, b'"' | b'\'');
        let from = run(window, at, is_quote);
        let to = run(judged(self.text, from).as_bytes(), from, |byte| byte != b'<' && !is_quote(byte));
        let value = self.text.get(from..to)?;
        let closes = bytes[run(&bytes[..bytes.len().min(to + FIELD_BYTES_MAX)], to, is_quote)..].starts_with(b"</");
        (closes && value.bytes().any(|byte| !byte.is_ascii_alphabetic())).then_some((from, to))
    }
}

/// Adds the input that a validator shows below the name of its field: `password\n  too short [type=…, input_value='…'`.
pub(crate) fn find_input(text: &str, start: usize, end: usize, spans: &mut Spans<'_>) {
    let bytes = text.as_bytes();
    let line = run_back(bytes, start, INPUT_BYTES_MAX, |byte| byte != b'\n');
    let Some(above) = line.checked_sub(1) else {
        return;
    };
    let name_start = run_back(bytes, above, GAP_BYTES_MAX, is_name);
    let name = text.get(name_start..above).unwrap_or_default();
    if let Some(kind) = secret_kind(name)
        && let Some((from, to)) = quoted(text, end)
        && !is_blank_or_reference(text.get(from..to).unwrap_or_default())
    {
        spans.add_value(from, to, kind);
    }
}

/// Longest fault of a field before its input, in bytes.
const INPUT_BYTES_MAX: usize = 256;

/// Longest tags between a name and the value of the next element, in bytes.
const TAGS_BYTES_MAX: usize = 256;
