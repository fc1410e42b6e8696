//! Values whose name tells that they are secret: `password=…`, `"token": "…"`, `api_key => '…'`, `--secret …`.
//!
//! Covers shell, JSON (also escaped), YAML, TOML, URL-encoded text, netrc, and the debug prints of common languages. Words,
//! blanks and references in a value's place stay, because prose talks about passwords more often than it shows one.

use super::headers;
use super::keys::secret_kind;
use super::kind::{AUTHORIZATION, COOKIE, Kind, PASSWORD, TOKEN};
use super::scan::{byte, byte_before, run, run_back};
use super::span::Spans;

/// Longest name that is looked at, in bytes to either side of its anchor.
const NAME_BYTES_MAX: usize = 64;

/// Adds the value of the name that the anchor lies in, if the name tells a secret.
pub(crate) fn find(text: &str, start: usize, end: usize, spans: &mut Spans) {
    let bytes = text.as_bytes();
    if start < spans.name_end || spans.is_in_value(start) {
        return;
    }
    let name_start = run_back(bytes, start, NAME_BYTES_MAX, is_name);
    let name_max = bytes.len().min(end + NAME_BYTES_MAX);
    let name_end = run(&bytes[..name_max], end, |byte| is_name(byte) && byte != b'.');
    spans.name_end = name_end;
    let name = text.get(skip_escape(bytes, name_start)..name_end).unwrap_or_default();
    let Some(kind) = secret_kind(name) else {
        return;
    };
    let pair = Pair { text, name, name_start, name_end, kind };
    if let Some((value_start, value_end)) = pair.value() {
        spans.add_value(value_start, value_end, kind);
    }
}

fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.')
}

/// A name may follow an escaped line end or `%26`, whose letter or digits are no part of it.
fn skip_escape(bytes: &[u8], start: usize) -> usize {
    match (byte_before(bytes, start), byte(bytes, start)) {
        (b'\\', b'n' | b'r' | b't') => start + 1,
        (b'%', b'0'..=b'9') => start + 2,
        _ => start,
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Separator {
    Equals,
    Colon,
    Arrow,
    Comma,
    Space,
    Encoded,
    Element,
}

struct Pair<'a> {
    text: &'a str,
    name: &'a str,
    name_start: usize,
    name_end: usize,
    kind: Kind,
}

impl Pair<'_> {
    fn value(&self) -> Option<(usize, usize)> {
        let (separator, at) = self.separator()?;
        let bytes = self.text.as_bytes();
        if separator == Separator::Element {
            return self.element(at);
        }
        if separator == Separator::Space {
            return self.after_space(at);
        }
        let start = self.skip_to_value(at);
        if self.kind == AUTHORIZATION && separator != Separator::Comma {
            return headers::authorization(self.text, start);
        }
        if let Some((from, to)) = quoted(self.text, skip_wrapper(bytes, start)) {
            return self.accepts_quoted(from, to).then_some((from, to));
        }
        if separator == Separator::Comma || bytes.get(start) == Some(&b'\n') {
            return None;
        }
        if let Some(block) = self.yaml_block(start) {
            return Some(block);
        }
        let end = bare_end(bytes, start, separator);
        self.accepts_bare(separator, start, end).then_some((start, end))
    }

    /// What stands between name and value, and where it ends.
    fn separator(&self) -> Option<(Separator, usize)> {
        let bytes = self.text.as_bytes();
        if byte(bytes, self.name_end) == b'>' && self.starts_element() {
            return Some((Separator::Element, self.name_end + 1));
        }
        let closed = self.closed();
        let at = run(bytes, closed, is_blank);
        let rest = &bytes[at..];
        let found = match rest {
            [b'=', b'=', b'=', ..] => return None,
            [b'=', b'=', ..] => (Separator::Colon, at + 2),
            [b'=', b'>', ..] | [b'-', b'>', ..] => (Separator::Arrow, at + 2),
            [b':', b'=', ..] => (Separator::Equals, at + 2),
            [b':', b':', ..] => return None,
            [b'=', ..] => (Separator::Equals, at + 1),
            [b':', ..] => (Separator::Colon, at + 1),
            [b'%', b'3', b'D' | b'd' | b'A' | b'a', ..] => (Separator::Encoded, at + 3),
            [b',', ..] if closed > self.name_end => (Separator::Comma, at + 1),
            _ if at > closed && closed == self.name_end => (Separator::Space, at),
            _ => return None,
        };
        Some(found)
    }

    fn starts_element(&self) -> bool {
        byte_before(self.text.as_bytes(), self.name_start) == b'<'
    }

    /// End of the quotes and brackets that close the name, and of `%22`.
    fn closed(&self) -> usize {
        let bytes = self.text.as_bytes();
        if bytes[self.name_end..].starts_with(b"%22") {
            return self.name_end + 3;
        }
        let max = bytes.len().min(self.name_end + 6);
        run(&bytes[..max], self.name_end, |byte| matches!(byte, b'"' | b'\'' | b'`' | b'\\' | b']'))
    }

    /// Skips blanks, and a line end when a quoted value follows on the next line.
    fn skip_to_value(&self, at: usize) -> usize {
        let bytes = self.text.as_bytes();
        let start = run(bytes, at, is_blank);
        let next = run(bytes, start, |byte| is_blank(byte) || byte == b'\n');
        let is_quoted = matches!(byte(bytes, next), b'"' | b'\'');
        if is_quoted { next } else { start }
    }

    fn element(&self, start: usize) -> Option<(usize, usize)> {
        let bytes = self.text.as_bytes();
        let end = run(bytes, start, |byte| byte != b'<' && byte != b'\n');
        let closes = bytes[end..].strip_prefix(b"</")?.starts_with(self.name.as_bytes());
        let value = self.text.get(start..end)?;
        (closes && !is_blank_or_reference(value.trim())).then_some((start, end))
    }

    /// `--token X`, `password X` in a netrc, `password 'X'` and `password is X1` in prose.
    fn after_space(&self, at: usize) -> Option<(usize, usize)> {
        let bytes = self.text.as_bytes();
        let is_flag = self.name.starts_with("--");
        if !is_flag && self.kind != PASSWORD {
            return None;
        }
        let at = self.skip_is(at);
        if let Some((from, to)) = quoted(self.text, at) {
            return (to - from >= 4 && !byte(bytes, from).is_ascii_whitespace() && self.accepts_quoted(from, to)).then_some((from, to));
        }
        let end = bare_end(bytes, at, Separator::Space);
        let value = self.text.get(at..end)?;
        if value.starts_with('-') || is_blank_or_reference(value) {
            return None;
        }
        let is_mixed = value.len() >= 6 && has_letter(value) && has_digit(value) && !value.contains(['/', ':']);
        (is_flag || is_mixed || self.follows_login()).then_some((at, end))
    }

    fn skip_is(&self, at: usize) -> usize {
        let words = ["is ", "was ", "of ", "with "];
        words.iter().find(|word| self.text[at..].starts_with(**word)).map_or(at, |word| at + word.len())
    }

    /// Whether the name is the third word of `login NAME password`.
    fn follows_login(&self) -> bool {
        let from = self.name_start.saturating_sub(NAME_BYTES_MAX);
        let before = self.text.get(from..self.name_start).unwrap_or_default();
        let mut words = before.split_whitespace().rev();
        words.next().is_some() && matches!(words.next(), Some("login" | "user"))
    }

    /// The indented lines behind `password: |`.
    fn yaml_block(&self, start: usize) -> Option<(usize, usize)> {
        let bytes = self.text.as_bytes();
        let window = &bytes[..bytes.len().min(start + 8)];
        let line_end = run(window, start, |byte| byte != b'\n');
        let mark = self.text.get(start..line_end)?.trim_end();
        if !matches!(mark, "|" | ">" | "|-" | ">-" | "|+" | ">+") {
            return None;
        }
        let first = run(bytes, line_end, |byte| is_blank(byte) || byte == b'\n');
        let mut end = first;
        while end < bytes.len() && end.saturating_sub(first) < 16 * 1024 {
            let next_line = run(bytes, end, |byte| byte != b'\n');
            end = next_line;
            if !matches!(bytes.get(next_line + 1), Some(b' ' | b'\t')) {
                break;
            }
            end += 1;
        }
        (end > first && !is_blank_or_reference(self.text.get(first..end)?.trim())).then_some((first, end))
    }

    fn accepts_quoted(&self, from: usize, to: usize) -> bool {
        let value = self.text.get(from..to).unwrap_or_default().trim();
        !is_blank_or_reference(value) && !is_word_of_prose(value) && value != self.name
    }

    fn accepts_bare(&self, separator: Separator, start: usize, end: usize) -> bool {
        let value = self.text.get(start..end).unwrap_or_default();
        if is_blank_or_reference(value) || is_word_of_prose(value) || is_code(self.text, value, end) {
            return false;
        }
        if self.kind == TOKEN && !has_letter(value) && value.len() < 12 {
            return false;
        }
        if self.kind == COOKIE {
            return value.contains('=') || value.len() >= 16;
        }
        match separator {
            Separator::Equals | Separator::Encoded => true,
            Separator::Colon | Separator::Arrow => self.accepts_after_colon(value, end),
            Separator::Comma | Separator::Space | Separator::Element => false,
        }
    }

    /// After a colon prose is likely: a value needs a digit or a symbol, or a line of its own.
    fn accepts_after_colon(&self, value: &str, end: usize) -> bool {
        let has_symbol = value.bytes().any(|byte| byte.is_ascii_punctuation() && !matches!(byte, b'.' | b'-' | b'_' | b'!' | b'?'));
        if self.follows_unexpected() {
            return false;
        }
        has_digit(value) || has_symbol || !value.is_ascii() || self.is_whole_line(end) && value.len() >= 4
    }

    /// Whether a parser complains about a token in the text.
    fn follows_unexpected(&self) -> bool {
        let before = self.text[..self.name_start].trim_end();
        let words = ["unexpected", "expected", "unknown", "next", "illegal", "invalid"];
        self.kind == TOKEN
            && words.iter().any(|word| {
                before.len() >= word.len() && before.as_bytes()[before.len() - word.len()..].eq_ignore_ascii_case(word.as_bytes())
            })
    }

    /// Whether name and value have a line of several for themselves, as in YAML.
    fn is_whole_line(&self, end: usize) -> bool {
        let bytes = self.text.as_bytes();
        let is_indent = |byte| matches!(byte, b' ' | b'\t' | b'"' | b'\'' | b'-');
        let start = run_back(bytes, self.name_start, NAME_BYTES_MAX, is_indent);
        let begins_line = start == 0 || bytes[start - 1] == b'\n';
        let after = run(bytes, end, is_blank);
        begins_line && (after == bytes.len() || bytes[after] == b'\n')
    }
}

fn is_blank(byte: u8) -> bool {
    byte == b' ' || byte == b'\t'
}

fn has_digit(value: &str) -> bool {
    value.bytes().any(|byte| byte.is_ascii_digit())
}

fn has_letter(value: &str) -> bool {
    value.bytes().any(|byte| byte.is_ascii_alphabetic())
}

/// Skips what debug prints put around a string: `Some(`, `String(`, `b`, `@`.
fn skip_wrapper(bytes: &[u8], start: usize) -> usize {
    let mut at = start;
    for _ in 0..2 {
        let name_end = run(&bytes[..bytes.len().min(at + 24)], at, |byte| byte.is_ascii_alphanumeric() || byte == b'_');
        let next = byte(bytes, name_end);
        if name_end > at && next == b'(' {
            at = name_end + 1;
        } else if name_end == at + 1 && matches!(next, b'"' | b'\'') {
            return name_end;
        }
    }
    if matches!(byte(bytes, at), b'@' | b'&') && byte(bytes, at + 1) == b'"' {
        return at + 1;
    }
    at
}

/// The inside of a quoted value that begins at `start`. Without a closing quote it runs to the end of the line.
fn quoted(text: &str, start: usize) -> Option<(usize, usize)> {
    let bytes = text.as_bytes();
    let escapes = run(&bytes[..bytes.len().min(start + 7)], start, |byte| byte == b'\\') - start;
    let open = start + escapes;
    let quote = byte(bytes, open);
    if bytes[start.min(bytes.len())..].starts_with(b"%22") {
        let from = start + 3;
        return Some((from, from + text[from..].find("%22").unwrap_or(text.len() - from)));
    }
    if !matches!(quote, b'"' | b'\'' | b'`') {
        return None;
    }
    let mut from = open + 1;
    if quote == b'"' && bytes[from..].starts_with(b"\"\"") {
        from += 2;
    }
    Some((from, closing_quote(bytes, from, quote, escapes)))
}

fn closing_quote(bytes: &[u8], from: usize, quote: u8, escapes: usize) -> usize {
    let mut at = from;
    while at < bytes.len() {
        let slashes = run(bytes, at, |byte| byte == b'\\') - at;
        at += slashes;
        let here = byte(bytes, at);
        if here == b'\n' {
            return at;
        }
        if here == quote && (slashes == escapes || escapes == 0 && slashes.is_multiple_of(2) || slashes < escapes) {
            return at - slashes.min(escapes);
        }
        at += 1;
    }
    bytes.len()
}

/// End of a value without quotes.
fn bare_end(bytes: &[u8], start: usize, separator: Separator) -> usize {
    let mut at = start;
    while at < bytes.len() && !ends_bare(bytes, at, separator) {
        at += 1;
    }
    at
}

fn ends_bare(bytes: &[u8], at: usize, separator: Separator) -> bool {
    match bytes[at] {
        b'<' => bytes[at..].starts_with(b"</") || bytes[at..].starts_with(b"<br"),
        b' ' | b'\t' | b'\n' | b'"' | b'\'' | b'`' | b'|' => true,
        b';' | b'&' => separator != Separator::Space,
        b'%' => separator == Separator::Encoded && ends_encoded(&bytes[at..]),
        b'\\' => matches!(byte(bytes, at + 1), b'n' | b'r' | b't' | b'"' | b'\''),
        b',' | b')' | b']' | b'}' => ends_item(bytes, at + 1),
        _ => false,
    }
}

/// Whether what follows a comma or a closing bracket shows that it is no part of the value.
fn ends_item(bytes: &[u8], at: usize) -> bool {
    if matches!(byte(bytes, at), b' ' | b'\n' | b'\t' | b',' | b')' | b']' | b'}' | b'"' | b'\'' | b'.' | b':' | b';') {
        return true;
    }
    let name = run(&bytes[..bytes.len().min(at + NAME_BYTES_MAX)], at, is_name);
    name > at && matches!(byte(bytes, name), b'=' | b':')
}

fn ends_encoded(rest: &[u8]) -> bool {
    let codes: [&[u8]; 5] = [b"%26", b"%3B", b"%3b", b"%22", b"%20"];
    codes.iter().any(|code| rest.starts_with(code))
}

/// Whether a bare value is a call or a path of names in source code, such as `os.environ[` or `self.password`.
fn is_code(text: &str, value: &str, end: usize) -> bool {
    if value.starts_with(['(', '[', '{', '*', '&', '@']) && value.len() < 3 {
        return true;
    }
    let is_path = value.bytes().all(|byte| byte.is_ascii_alphabetic() || matches!(byte, b'_' | b'.' | b'(' | b')' | b'['));
    let is_call = value.contains('(') || text[end..].starts_with('(');
    is_path && (value.contains('.') && !value.ends_with('.') || is_call)
}

/// Whether a value is empty, a reference to the secret, a mask, or a token of an earlier redaction.
pub(crate) fn is_blank_or_reference(value: &str) -> bool {
    let bytes = value.as_bytes();
    let is_mask = bytes.iter().all(|byte| matches!(byte, b'*' | b'x' | b'X' | b'.' | b'-' | b'_' | b'?' | b'#'));
    let wrapped = |open: &str, close: &str| value.starts_with(open) && value.ends_with(close);
    value.is_empty()
        || is_mask
        || is_angled(value)
        || wrapped("{", "}")
        || wrapped("[", "]")
        || wrapped("%", "%")
        || value.starts_with("%(")
        || value.starts_with("${")
        || value.starts_with("$(")
        || value.starts_with("{{")
        || is_format(bytes)
        || is_variable(bytes)
        || NOTHING.iter().any(|word| word.eq_ignore_ascii_case(value))
}

/// `<password>`, `<your-key>`, also several joined, and with punctuation behind.
fn is_angled(value: &str) -> bool {
    let value = value.trim_end_matches([',', '.', ';', ')', ']', '}']);
    let inside = value.strip_prefix('<').and_then(|value| value.strip_suffix('>'));
    inside.is_some_and(|inside| {
        inside
            .bytes()
            .all(|byte| byte.is_ascii_alphabetic() || matches!(byte, b'-' | b'_' | b' ' | b'*' | b'<' | b'>' | b'.' | b':' | b'/'))
    })
}

fn is_format(value: &[u8]) -> bool {
    matches!(value, [b'%', b's' | b'd' | b'v' | b'q' | b'r' | b'@', ..] if value.len() <= 3)
}

fn is_variable(value: &[u8]) -> bool {
    matches!(value, [b'$', first, rest @ ..] if (first.is_ascii_alphabetic() || *first == b'_')
        && rest.iter().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || *byte == b'_'))
}

const NOTHING: &[&str] = &["null", "none", "nil", "undefined", "true", "false", "redacted", "filtered", "masked", "hidden", "n/a"];

/// Whether a value is a word that prose and type annotations put behind a name.
fn is_word_of_prose(value: &str) -> bool {
    let word = value.trim_end_matches(|character: char| character.is_ascii_punctuation());
    word.len() < 2 && !has_digit(word) && value.len() < 3 || PROSE.iter().any(|row| row.eq_ignore_ascii_case(word))
}

const PROSE: &[&str] = &[
    "a",
    "an",
    "and",
    "any",
    "are",
    "argument",
    "authentication",
    "bad",
    "bearer",
    "bool",
    "boolean",
    "bytes",
    "can",
    "cannot",
    "does",
    "empty",
    "error",
    "expected",
    "expired",
    "failed",
    "field",
    "for",
    "from",
    "got",
    "has",
    "in",
    "incorrect",
    "int",
    "integer",
    "invalid",
    "is",
    "it",
    "length",
    "malformed",
    "may",
    "mismatch",
    "missing",
    "must",
    "needs",
    "no",
    "not",
    "number",
    "object",
    "ok",
    "only",
    "option",
    "optional",
    "or",
    "please",
    "rejected",
    "required",
    "revoked",
    "should",
    "str",
    "string",
    "text",
    "that",
    "the",
    "this",
    "to",
    "too",
    "unauthorized",
    "unexpected",
    "unknown",
    "use",
    "user",
    "value",
    "verification",
    "was",
    "were",
    "with",
    "without",
    "wrong",
    "you",
    "your",
];
