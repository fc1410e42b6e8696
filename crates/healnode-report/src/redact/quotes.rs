//! Quoted values: what languages put around a string, which quotes there are, and where a value between them ends.

use super::scan::{byte, byte_before, judged, run};
use super::values::is_blank;

/// Skips what debug prints put around a string: `Some(`, also when the string has a line of its own, `String(`, `b`, `@`, `[`, the
/// `string(12)` of PHP, the `(string) (len=12)` of Go, the `chr` of R, and the `<<` of Erlang.
pub(crate) fn skip_wrapper(bytes: &[u8], start: usize) -> usize {
    let mut at = start;
    if let Some(length) = WRAPPERS.iter().find(|wrapper| bytes[at.min(bytes.len())..].starts_with(wrapper)).map(|wrapper| wrapper.len()) {
        at = skip_go_length(bytes, at + length);
    }
    for _ in 0..2 {
        let name_end = run(&bytes[..bytes.len().min(at + 24)], at, |byte| byte.is_ascii_alphanumeric() || byte == b'_');
        let next = byte(bytes, name_end);
        if name_end > at && next == b'(' {
            at = skip_line_end(bytes, skip_length(bytes, name_end + 1));
        } else if name_end == at + 1 && matches!(next, b'"' | b'\'') {
            return name_end;
        }
    }
    match (byte(bytes, at), byte(bytes, at + 1)) {
        (b'@' | b'&', b'"') | (b'[', b'"' | b'\'' | b'\\') => at + 1,
        _ => at,
    }
}

/// What languages put before a string when they print it for a debugger.
const WRAPPERS: &[&[u8]] = &[b"<<", b"(string) ", b"chr "];

/// Skips `(len=12) `.
fn skip_go_length(bytes: &[u8], at: usize) -> usize {
    let digits = if bytes[at..].starts_with(b"(len=") { at + 5 } else { return at };
    let end = run(&bytes[..bytes.len().min(digits + 6)], digits, |byte| byte.is_ascii_digit());
    if bytes[end..].starts_with(b") \"") { end + 2 } else { at }
}

/// Skips `12) ` before a quote.
fn skip_length(bytes: &[u8], at: usize) -> usize {
    let digits = run(&bytes[..bytes.len().min(at + 6)], at, |byte| byte.is_ascii_digit());
    if digits > at && bytes[digits..].starts_with(b") \"") { digits + 2 } else { at }
}

/// How far a string is indented on a line of its own, at most, in bytes.
const INDENT_BYTES_MAX: usize = 96;

/// Skips a line end and blanks before a quote.
fn skip_line_end(bytes: &[u8], at: usize) -> usize {
    let end = run(&bytes[..bytes.len().min(at + INDENT_BYTES_MAX)], at, |byte| is_blank(byte) || byte == b'\n');
    if byte(bytes, end) == b'"' { end } else { at }
}

/// Quotes in the escapes of URLs, JSON and HTML.
const ENCODED_QUOTES: &[&str] = &["%22", "%27", "%2522", "&quot;", "&#34;", "&#39;", "\\u0022", "\\u0027", "\\x22", "\\x27"];

/// Length of the escaped quote that a text begins with.
pub(crate) fn encoded_quote(rest: &[u8]) -> Option<usize> {
    ENCODED_QUOTES.iter().find(|quote| rest.starts_with(quote.as_bytes())).map(|quote| quote.len())
}

/// The inside of a quoted value that begins at `start`. Without a closing quote it runs to the end of the line.
pub(crate) fn quoted(text: &str, start: usize) -> Option<(usize, usize)> {
    let bytes = text.as_bytes();
    let start = start.min(bytes.len());
    let escapes = run(&bytes[..bytes.len().min(start + 7)], start, |byte| byte == b'\\') - start;
    let open = start + escapes;
    let quote = byte(bytes, open);
    if let Some(length) = encoded_quote(&bytes[start..]) {
        let (quote, from) = (&bytes[start..start + length], start + length);
        let close = bytes[from..].windows(length).position(|window| window == quote);
        let end = close.map_or(bytes.len(), |close| from + close);
        return Some((from, run(&bytes[..end], from, |byte| byte != b'\n')));
    }
    if let Some(inside) = quoted_by_pair(text, start) {
        return Some(inside);
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

/// Quotes that open and close by different characters.
const PAIRED_QUOTES: &[(&str, &str)] = &[
    ("\u{201c}", "\u{201d}"),
    ("\u{2018}", "\u{2019}"),
    ("\u{201e}", "\u{201c}"),
    ("\u{300c}", "\u{300d}"),
    ("\u{300e}", "\u{300f}"),
    ("\u{ab}", "\u{bb}"),
];

/// The inside of a value between quotes of print, such as `“…”` and `「…」`, on one line.
pub(crate) fn quoted_by_pair(text: &str, start: usize) -> Option<(usize, usize)> {
    if byte(text.as_bytes(), start).is_ascii() {
        return None;
    }
    let rest = text.get(start..)?;
    let (open, close) = PAIRED_QUOTES.iter().find(|(open, _)| rest.starts_with(open))?;
    let from = start + open.len();
    let line = judged(text, from).get(from..)?.split('\n').next()?;
    Some((from, from + line.find(close)?))
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
