//! Private keys in PEM blocks: on many lines, on one with escaped line ends, and cut before their end.

use super::kind::PRIVATE_KEY;
use super::scan::{byte, byte_before, judged, looks_generated, run, run_back};
use super::span::Spans;

/// Longest label between the dashes, in bytes. `PGP PRIVATE KEY BLOCK` has 21.
const LABEL_BYTES_MAX: usize = 48;

/// Shortest run of base64 behind a header that makes it a key and not a mention.
const BODY_BYTES_MIN: usize = 16;

/// Adds a private key whose header's dashes begin at `start`. A block without an end runs to the end of the text.
pub(crate) fn find(text: &str, start: usize, end: usize, spans: &mut Spans<'_>) {
    if spans.covers(start) {
        return;
    }
    let Some(body) = label_end(text, end) else {
        return;
    };
    if has_body(text, body) || has_prefixed_body(text, body) {
        spans.add_by_format(start, block_end(text, body), PRIVATE_KEY);
    }
}

/// End of the dashes behind a label that begins at `start`, if it is that of a private key.
fn label_end(text: &str, start: usize) -> Option<usize> {
    let label_max = text.len().min(start + LABEL_BYTES_MAX);
    let length = text.as_bytes()[start..label_max].windows(5).position(|dashes| dashes == b"-----")?;
    let label = text.get(start..start + length)?.to_ascii_uppercase().replace("%20", " ").replace('+', " ");
    label.contains("PRIVATE KEY").then_some(start + length + 5)
}

/// Shortest base64 at the end of a line that makes it one of a key, whatever is before it. Lines of PEM have 64.
const LINE_BYTES_MIN: usize = 40;

/// Longest prefix that a log puts before a line, and longest line, in bytes.
const PREFIX_BYTES_MAX: usize = 256;
const LINE_BYTES_MAX: usize = 64 * 1024;

/// Adds a private key whose header was cut off: the lines above a footer that end in base64.
pub(crate) fn find_end(text: &str, start: usize, end: usize, spans: &mut Spans<'_>) {
    if spans.covers(start) {
        return;
    }
    let Some(footer_end) = label_end(text, end) else {
        return;
    };
    if let Some(from) = body_before(text.as_bytes(), start) {
        spans.add_by_format(from, footer_end, PRIVATE_KEY);
    }
}

/// Start of the base64 in the lines above a footer. Its last line may be short.
fn body_before(bytes: &[u8], footer: usize) -> Option<usize> {
    let last = line_before(bytes, footer)?;
    let mut from = base64_start(bytes, last);
    let mut is_key = last - from >= LINE_BYTES_MIN || last - from >= BODY_BYTES_MIN && looks_generated(&bytes[from..last]);
    if from == last {
        return None;
    }
    while let Some(line_end) = line_before(bytes, from) {
        let start = base64_start(bytes, line_end);
        if line_end - start < LINE_BYTES_MIN {
            break;
        }
        from = start;
        is_key = true;
    }
    is_key.then_some(from)
}

/// End of the line above the one that holds `at`. Line ends may be escaped.
fn line_before(bytes: &[u8], at: usize) -> Option<usize> {
    if bytes[..at].ends_with(b"\\n") {
        return Some(at - 2);
    }
    let start = run_back(bytes, at, PREFIX_BYTES_MAX, |byte| byte != b'\n');
    (start > 0 && byte_before(bytes, start) == b'\n').then(|| start - 1)
}

fn base64_start(bytes: &[u8], line_end: usize) -> usize {
    let start = run_back(bytes, line_end, LINE_BYTES_MAX, is_body);
    let is_escape = start < line_end && bytes[start] == b'n' && byte_before(bytes, start) == b'\\';
    if is_escape { start + 1 } else { start }
}

fn is_body(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=')
}

/// Whether the line behind a header ends in base64, or has a header field, behind a prefix such as the name of a container.
fn has_prefixed_body(text: &str, body: usize) -> bool {
    let window = judged(text, body);
    let bytes = window.as_bytes();
    let header_end = run(bytes, body, |byte| byte == b' ' || byte == b'\t');
    if byte(bytes, header_end) != b'\n' {
        return false;
    }
    let line_end = run(bytes, header_end + 1, |byte| byte != b'\n');
    let line = window.get(header_end + 1..line_end).unwrap_or_default();
    FIELDS.iter().any(|field| line.contains(field)) || line_end - run_back(bytes, line_end, LINE_BYTES_MIN, is_body) >= LINE_BYTES_MIN
}

/// Most lines of a key of PuTTY.
const PUTTY_LINES_MAX: usize = 64;

/// Adds the lines of base64 behind the `Private-Lines: 14` of a key of PuTTY.
pub(crate) fn find_putty(text: &str, _: usize, end: usize, spans: &mut Spans<'_>) {
    let bytes = text.as_bytes();
    let count_end = run(bytes, end, |byte| byte == b' ' || byte.is_ascii_digit());
    let from = run(bytes, count_end, |byte| matches!(byte, b'\n' | b' '));
    let mut to = from;
    for _ in 0..PUTTY_LINES_MAX {
        let line_end = run(bytes, to, is_body);
        if line_end < to + BODY_BYTES_MIN {
            break;
        }
        to = line_end + usize::from(byte(bytes, line_end) == b'\n');
    }
    let end = if byte_before(bytes, to) == b'\n' { to - 1 } else { to };
    if end > from {
        spans.add_by_format(from, end, PRIVATE_KEY);
    }
}

/// What old keys have above their base64.
const FIELDS: &[&str] = &["Proc-Type:", "Version:", "Comment:", "DEK-Info:"];

fn block_end(text: &str, body: usize) -> usize {
    let Some(footer) = text[body..].find("-----END") else {
        return text.len();
    };
    let label = body + footer + 8;
    text[label..].find("-----").map_or(text.len(), |dashes| label + dashes + 5)
}

/// Whether base64, or a header field of an old key, follows behind line ends and prefixes of log lines.
fn has_body(text: &str, body: usize) -> bool {
    let body = body + usize::from(text[body..].starts_with("%0A") || text[body..].starts_with("%0D")) * 3;
    let bytes = text.as_bytes();
    let mut at = body;
    for _ in 0..4 {
        at = run(bytes, at, |byte| matches!(byte, b' ' | b'\n' | b'\t' | b'"' | b'\'' | b'|' | b'>' | b'+'));
        if byte(bytes, at) == b'\\' {
            at += 2;
        }
    }
    let rest = text.get(at..).unwrap_or_default();
    FIELDS.iter().any(|field| rest.starts_with(field)) || run(rest.as_bytes(), 0, is_body) >= BODY_BYTES_MIN
}

#[cfg(test)]
mod tests {
    use crate::redact::redact;

    #[test]
    fn a_key_with_escaped_line_ends_goes_without_its_header() {
        let line = "AbCdEfGhIjKlMnOpQrStUvWxYz0123456789abcdefgh";
        let text = format!("key: \"{line}\\n{line}\\nAbC=\\n-----END PRIVATE KEY-----\\n\"");
        assert_eq!(redact(&text), "key: \"<private-key>\\n\"");
    }
}
