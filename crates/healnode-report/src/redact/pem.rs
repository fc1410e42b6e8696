//! Private keys in PEM blocks: on many lines, on one with escaped line ends, and cut before their end.

use super::kind::PRIVATE_KEY;
use super::scan::{byte, run};
use super::span::Spans;

/// Longest label between the dashes, in bytes. `PGP PRIVATE KEY BLOCK` has 21.
const LABEL_BYTES_MAX: usize = 48;

/// Shortest run of base64 behind a header that makes it a key and not a mention.
const BODY_BYTES_MIN: usize = 16;

/// Adds a private key whose header's dashes begin at `start`. A block without an end runs to the end of the text.
pub(crate) fn find(text: &str, start: usize, end: usize, spans: &mut Spans) {
    if spans.covers(start) {
        return;
    }
    let label_max = text.len().min(end + LABEL_BYTES_MAX);
    let Some(label) = text.as_bytes()[end..label_max].windows(5).position(|dashes| dashes == b"-----") else {
        return;
    };
    let body = end + label + 5;
    if !text[end..end + label].to_ascii_uppercase().contains("PRIVATE KEY") || !has_body(text, body) {
        return;
    }
    spans.add_by_format(start, block_end(text, body), PRIVATE_KEY);
}

fn block_end(text: &str, body: usize) -> usize {
    let Some(footer) = text[body..].find("-----END ") else {
        return text.len();
    };
    let label = body + footer + 9;
    text[label..].find("-----").map_or(text.len(), |dashes| label + dashes + 5)
}

/// Whether base64, or a header field of an old key, follows behind line ends and prefixes of log lines.
fn has_body(text: &str, body: usize) -> bool {
    let bytes = text.as_bytes();
    let mut at = body;
    for _ in 0..4 {
        at = run(bytes, at, |byte| matches!(byte, b' ' | b'\n' | b'\t' | b'"' | b'\'' | b'|' | b'>' | b'+'));
        if byte(bytes, at) == b'\\' {
            at += 2;
        }
    }
    let rest = text.get(at..).unwrap_or_default();
    let is_base64 = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=');
    let fields = ["Proc-Type:", "Version:", "Comment:", "DEK-Info:"];
    fields.iter().any(|field| rest.starts_with(field)) || run(rest.as_bytes(), 0, is_base64) >= BODY_BYTES_MIN
}
