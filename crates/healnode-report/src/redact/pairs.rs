//! Values whose name tells that they are secret: `password=…`, `"token": "…"`, `api_key => '…'`, `--secret …`.
//!
//! Covers shell, JSON (also escaped), YAML, TOML, URL-encoded text, netrc, and the debug prints of common languages. Words,
//! blanks and references in a value's place stay, because prose talks about passwords more often than it shows one.

use super::headers;
use super::keys::secret_kind;
use super::kind::{AUTHORIZATION, COOKIE, Kind, PASSWORD, TOKEN};
use super::scan::{byte, byte_before, judged, run, run_back};
use super::span::Spans;

/// Longest name that is looked at, in bytes to either side of its anchor.
const NAME_BYTES_MAX: usize = 64;

/// Longest name of a field that holds a name, and longest gap around its separator, in bytes.
const FIELD_BYTES_MAX: usize = 24;

/// Fields that hold the name of what a field beside them holds.
const NAME_FIELDS: &[&str] = &["name", "key", "variable", "env", "field", "parameter", "header", "parametername", "variablename"];

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
    let kind = if is_auth_variable(name, byte(bytes, name_end)) { PASSWORD } else { kind };
    let pair = Pair { text, name, name_start, name_end, kind };
    if let Some((value_start, value_end)) = pair.value() {
        spans.add_value(value_start, value_end, kind);
    }
}

/// Whether a name is a variable such as `REDIS_AUTH`, which holds a password and no header.
fn is_auth_variable(name: &str, next: u8) -> bool {
    let suffix = name.len().checked_sub("_auth".len()).and_then(|at| name.get(at..));
    next == b'=' && suffix.is_some_and(|suffix| suffix.eq_ignore_ascii_case("_auth"))
}

fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.')
}

/// A name may follow an escaped line end, `\u0026` or `%26`, whose letter or digits are no part of it.
fn skip_escape(bytes: &[u8], start: usize) -> usize {
    match (byte_before(bytes, start), byte(bytes, start)) {
        (b'\\', b'n' | b'r' | b't') => start + 1,
        (b'\\', b'u') if bytes[start..].starts_with(b"u00") => start + 5,
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
        let is_value_of_field = self.is_value_of_field();
        if is_value_of_field && let Some(inside) = self.inside_element() {
            return Some(inside);
        }
        if is_value_of_field && let Some(at) = self.sibling() {
            return self.value_behind(Separator::Equals, at);
        }
        let (separator, at) = self.separator()?;
        if is_value_of_field && separator == Separator::Comma {
            return None;
        }
        self.value_behind(separator, at)
    }

    fn value_behind(&self, separator: Separator, at: usize) -> Option<(usize, usize)> {
        let bytes = self.text.as_bytes();
        if separator == Separator::Element {
            return self.element(at);
        }
        if separator == Separator::Space {
            return self.after_space(at);
        }
        let start = self.skip_to_value(at);
        if self.kind == AUTHORIZATION && separator != Separator::Comma {
            return headers::authorization(self.text, self.name, start);
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
        let end = bare_end(judged(self.text, start).as_bytes(), start, separator);
        self.accepts_bare(separator, start, end).then(|| (start, self.connection_end(bare_end(bytes, end, separator))))
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
        if let Some(found) = escaped_separator(&bytes[self.name_end..]) {
            return Some((found, self.name_end + ESCAPE_BYTES));
        }
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

    /// Whether the name is itself the value of a field such as `name: DB_PASSWORD` or `key="apiKey"`.
    fn is_value_of_field(&self) -> bool {
        let bytes = self.text.as_bytes();
        let is_between = |byte| is_blank(byte) || matches!(byte, b'"' | b'\'' | b'\\');
        let separator = run_back(bytes, self.name_start, FIELD_BYTES_MAX, is_between);
        if !matches!(byte_before(bytes, separator), b':' | b'=') {
            return false;
        }
        let field_end = run_back(bytes, separator - 1, FIELD_BYTES_MAX, is_between);
        let field_start = run_back(bytes, field_end, FIELD_BYTES_MAX, is_name);
        let field = self.text.get(field_start..field_end).unwrap_or_default();
        NAME_FIELDS.iter().any(|row| row.eq_ignore_ascii_case(field))
    }

    /// Where the value begins when a field `value` follows the one that holds the name.
    fn sibling(&self) -> Option<usize> {
        let bytes = self.text.as_bytes();
        let max = bytes.len().min(self.name_end + NAME_BYTES_MAX);
        let is_between = |byte| is_blank(byte) || matches!(byte, b'"' | b'\'' | b'\\' | b',' | b';' | b'\n');
        let field = run(&bytes[..max], self.name_end, is_between);
        let is_value = bytes.get(field..field + 5).is_some_and(|word| word.eq_ignore_ascii_case(b"value"));
        if !is_value || field == self.name_end {
            return None;
        }
        let max = bytes.len().min(field + FIELD_BYTES_MAX);
        let separator = run(&bytes[..max], field + 5, |byte| is_blank(byte) || matches!(byte, b'"' | b'\'' | b'\\'));
        matches!(byte(bytes, separator), b':' | b'=').then_some(separator + 1)
    }

    /// The value in `<entry key="apiKey">…</entry>`.
    fn inside_element(&self) -> Option<(usize, usize)> {
        let bytes = self.text.as_bytes();
        let [b'"' | b'\'', b'>', ..] = bytes[self.name_end..] else {
            return None;
        };
        let from = self.name_end + 2;
        let to = run(judged(self.text, from).as_bytes(), from, |byte| byte != b'<' && !byte.is_ascii_whitespace());
        (bytes[to..].starts_with(b"</") && self.accepts_quoted(from, to)).then_some((from, to))
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
        let end = bare_end(judged(self.text, at).as_bytes(), at, Separator::Space);
        let value = self.text.get(at..end)?;
        if value.starts_with('-') || is_blank_or_reference(value) {
            return None;
        }
        let is_mixed = value.len() >= 6 && has_letter(value) && has_digit(value) && !value.contains(['/', ':']);
        (is_flag || is_mixed || self.follows_login()).then(|| (at, bare_end(bytes, end, Separator::Space)))
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

    /// A value in a connection string may hold blanks: it runs to the `;` when that ends a pair.
    fn connection_end(&self, end: usize) -> usize {
        let bytes = self.text.as_bytes();
        let window = judged(self.text, end).as_bytes();
        let semicolon = run(window, end, |byte| !matches!(byte, b';' | b'\n' | b'"' | b'\'' | b'`' | b'=' | b'<' | b'>'));
        if byte(bytes, end) != b' ' || byte(window, semicolon) != b';' {
            return end;
        }
        let next = run(window, semicolon + 1, |byte| is_name(byte) || byte == b' ');
        let is_followed = byte(bytes, semicolon + 1).is_ascii_alphabetic() && byte(bytes, next) == b'=';
        let is_last = matches!(byte(bytes, semicolon + 1), b'\n' | b'"' | b'\'') || semicolon + 1 == bytes.len();
        let is_pair = is_followed || is_last && byte_before(bytes, self.name_start) == b';';
        if is_pair { semicolon } else { end }
    }

    fn accepts_quoted(&self, from: usize, to: usize) -> bool {
        let value = self.text.get(from..to).unwrap_or_default().trim();
        !is_blank_or_reference(value)
            && !is_word_of_prose(value)
            && !is_harmless(self.name, value)
            && !value.eq_ignore_ascii_case(self.name)
    }

    fn accepts_bare(&self, separator: Separator, start: usize, end: usize) -> bool {
        let value = self.text.get(start..end).unwrap_or_default();
        if is_blank_or_reference(value) || is_word_of_prose(value) || is_code(self.text, value, end) || is_harmless(self.name, value) {
            return false;
        }
        if self.kind == TOKEN && !has_letter(value) && value.len() < 12 {
            return false;
        }
        if self.kind == COOKIE {
            return value.contains('=') || value.len() >= 16;
        }
        if is_auth_variable(self.name, b'=') && AUTH_METHODS.iter().any(|method| method.eq_ignore_ascii_case(value)) {
            return false;
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

/// Length of an escape such as `\u003d`.
const ESCAPE_BYTES: usize = 6;

/// A separator that a JSON writer escaped because it minds HTML.
fn escaped_separator(rest: &[u8]) -> Option<Separator> {
    let escape = rest.get(..ESCAPE_BYTES)?;
    if escape.eq_ignore_ascii_case(b"\\u003d") {
        return Some(Separator::Equals);
    }
    escape.eq_ignore_ascii_case(b"\\u003a").then_some(Separator::Colon)
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
            return if escapes == 0 { closing_quote_below(bytes, at, quote).unwrap_or(at) } else { at };
        }
        if here == quote && (slashes == escapes || escapes == 0 && slashes.is_multiple_of(2) || slashes < escapes) {
            return at - slashes.min(escapes);
        }
        at += 1;
    }
    bytes.len()
}

/// Most lines of a quoted value, and their bytes. A quote farther down is hardly that of the value.
const QUOTED_LINES_MAX: usize = 5;
const QUOTED_BYTES_MAX: usize = 512;

/// The quote that closes a value on one of the next lines, unless it has the look of one that opens.
fn closing_quote_below(bytes: &[u8], line_end: usize, quote: u8) -> Option<usize> {
    let window = &bytes[..bytes.len().min(line_end + QUOTED_BYTES_MAX)];
    let close = run(window, line_end, |byte| byte != quote);
    let lines = bytes[line_end..close].iter().filter(|byte| **byte == b'\n').count();
    let ends_word = byte_before(bytes, close).is_ascii_alphanumeric() || matches!(byte_before(bytes, close), b'!' | b'.' | b'+' | b'/');
    let is_free = matches!(byte(bytes, close + 1), b' ' | b'\n' | b',' | b';' | b')' | b']' | b'}');
    (close < window.len() && lines < QUOTED_LINES_MAX && ends_word && is_free).then_some(close)
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
        b'\\' => matches!(byte(bytes, at + 1), b'n' | b'r' | b't' | b'"' | b'\'') || bytes[at..].starts_with(b"\\u0026"),
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

/// Whether a value shows that its name does not mean a secret here: a count of tests that pass, a folder, a database.
pub(crate) fn is_harmless(name: &str, value: &str) -> bool {
    let is = |names: &[&str]| names.iter().any(|row| row.eq_ignore_ascii_case(name));
    let ends_with_key = name.len() >= 3 && name.as_bytes()[name.len() - 3..].eq_ignore_ascii_case(b"key");
    is(&["pass", "pw", "otp", "sid", "credentials"]) && is_small_number(value)
        || is(&["sid"]) && is_database(value)
        || is(&["pwd", "oldpwd"]) && is_path(value)
        || ends_with_key && is_path(value) && value.contains(['.', '_', '-'])
}

/// `12`, `0.5s`, `3/4`, `99%`. One-time passwords have at least four digits.
fn is_small_number(value: &str) -> bool {
    let number = value.trim_end_matches(['m', 's', '%', ',', ';', '.', ')']);
    let is_small = |part: &str| (1..=3).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
    value.len() <= 10 && number.split(['.', '/']).all(is_small)
}

/// The identifier of an Oracle database, such as `ORCL1`.
fn is_database(value: &str) -> bool {
    let is_sid = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
    value.len() <= 8 && value.starts_with(|first: char| first.is_ascii_uppercase()) && value.bytes().all(is_sid)
}

/// An absolute path. Base64 may begin with a slash as well, so that a key needs more to be one.
fn is_path(value: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'.' | b'_' | b'-' | b'<' | b'>' | b'*');
    value.starts_with('/') && value.bytes().all(is_part)
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

/// What a setting such as `SMTP_AUTH` holds when it is no password.
const AUTH_METHODS: &[&str] =
    &["basic", "plain", "login", "digest", "oauth2", "on", "off", "yes", "no", "0", "1", "cram-md5", "md5", "trust"];

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
