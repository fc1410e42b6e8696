//! Generated values near a telling name, with no separator between: `API key provided: …`, `token "…" expired`.
//!
//! Randomness alone is no proof, and a telling name alone is none: both together are. Digests, public keys and ids of peers stay.

use super::scan::{judged, looks_generated, looks_random, run};
use super::values::quoted;

/// How far behind a telling name a random word is looked for, and how long it is at least, in bytes.
const NEARBY_BYTES_MAX: usize = 64;
const RANDOM_BYTES_MIN: usize = 20;

/// Shortest value right behind a name, in bytes, and shortest one that is all hex.
const RIGHT_BEHIND_BYTES_MIN: usize = 16;
const HEX_BYTES_MIN: usize = 32;

/// A generated value that begins at `at`, right behind a telling name. It may be quoted.
pub(crate) fn generated_value(text: &str, at: usize) -> Option<(usize, usize)> {
    let bytes = text.as_bytes();
    let window = judged(text, at).as_bytes();
    let word_end = run(window, at, |byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'));
    let (from, to) = quoted(text, at).unwrap_or((at, word_end));
    let value = bytes.get(from..to)?;
    let digits = value.strip_prefix(b"0x").unwrap_or(value);
    let is_hex = digits.len() >= HEX_BYTES_MIN && digits.iter().all(u8::is_ascii_hexdigit) && looks_generated(digits);
    let is_random = value.len() >= RIGHT_BEHIND_BYTES_MIN && looks_random(value) && !is_public(value);
    (is_hex || is_random).then_some((from, to))
}

/// A word of the same line, a few words behind a name that ends at `name_end`, that has the look of drawn letters.
pub(crate) fn random_word(text: &str, name_end: usize) -> Option<(usize, usize)> {
    let bytes = text.as_bytes();
    let window = &bytes[..bytes.len().min(name_end + NEARBY_BYTES_MAX + RANDOM_BYTES_MIN)];
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'+' | b'/' | b'=' | b'.' | b'~');
    let mut at = name_end;
    while at < window.len() && window[at] != b'\n' {
        let end = run(&bytes[..bytes.len().min(at + 4 * NEARBY_BYTES_MAX)], at, is_part);
        let value = trim_punctuation(bytes.get(at..end)?);
        if value.len() >= RANDOM_BYTES_MIN && looks_random(value) && !is_public(value) && !is_digest(&bytes[..at]) {
            return Some((at, run(bytes, at + value.len(), |byte| byte.is_ascii_alphanumeric())));
        }
        at = end + 1;
    }
    None
}

fn trim_punctuation(mut value: &[u8]) -> &[u8] {
    while let [rest @ .., b'.' | b'-' | b'/'] = value {
        value = rest;
    }
    value
}

/// How public keys, ids of peers and content, and digests begin.
const PUBLIC: &[&str] = &["AAAAB3", "AAAAC3", "AAAAE2", "12D3Koo", "Qm", "bafy", "SHA256", "sha", "//", "ssh-"];

fn is_public(value: &[u8]) -> bool {
    PUBLIC.iter().any(|prefix| value.starts_with(prefix.as_bytes()))
}

/// Whether the name of a hash function stands right before, as in `SHA256:…`.
fn is_digest(before: &[u8]) -> bool {
    before.ends_with(b"256:") || before.ends_with(b"512:") || before.ends_with(b"384:") || before.ends_with(b"MD5:")
}
