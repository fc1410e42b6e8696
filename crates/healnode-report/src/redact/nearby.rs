//! Generated values near a telling name, with no separator between: `API key provided: …`, `token "…" expired`.
//!
//! Randomness alone is no proof, and a telling name alone is none: both together are. Digests, public keys and ids of peers stay.

use super::quotes::quoted;
use super::scan::{byte, is_base64, judged, looks_generated, looks_random, run};

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
    let word_end = run(window, at, |byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'+'));
    let (from, to) = quoted(text, at).unwrap_or((at, word_end));
    let value = bytes.get(from..to)?;
    let digits = value.strip_prefix(b"0x").unwrap_or(value);
    let is_hex = digits.len() >= HEX_BYTES_MIN && digits.iter().all(u8::is_ascii_hexdigit) && looks_generated(digits);
    let is_random = value.len() >= RIGHT_BEHIND_BYTES_MIN && looks_random(value) && !is_public(value);
    let end = if to == word_end { run(bytes, to, is_base64) } else { to };
    (is_hex || is_random).then_some((from, end))
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
        let name = value.windows(2).position(|pair| pair[0] == b'=' && pair[1] != b'=').map_or(0, |equals| equals + 1);
        let (from, value) = (at + name, &value[name..]);
        if value.len() >= RANDOM_BYTES_MIN && looks_random(value) && !is_public(value) && !is_digest(&bytes[..at]) {
            let to = run(bytes, from + value.len(), |byte| byte.is_ascii_alphanumeric());
            return Some((from, random_end(bytes, to)));
        }
        at = if byte(bytes, end) == b'\n' { end } else { end + 1 };
    }
    None
}

/// End of the random words that follow each other with little between, such as the lines of a key in an escaped text.
fn random_end(bytes: &[u8], mut end: usize) -> usize {
    loop {
        let from = run(&bytes[..bytes.len().min(end + GAP_BYTES_MAX)], end, |byte| !is_base64(byte) && byte != b'\n');
        let to = run(&bytes[..bytes.len().min(from + 4 * NEARBY_BYTES_MAX)], from, is_base64);
        let word = &bytes[from..to];
        if from == end || word.len() < RANDOM_BYTES_MIN || !looks_random(word) || is_public(word) {
            return end;
        }
        end = to;
    }
}

/// Most bytes between random words that follow each other.
const GAP_BYTES_MAX: usize = 6;

fn trim_punctuation(mut value: &[u8]) -> &[u8] {
    while let [rest @ .., b'.' | b'-' | b'/'] = value {
        value = rest;
    }
    value
}

/// How public keys, ids of peers and content, and digests begin.
const PUBLIC: &[&str] = &["AAAAB3", "AAAAC3", "AAAAE2", "12D3Koo", "Qm", "bafy", "SHA256", "sha", "//", "ssh-", "pk_live_", "pk_test_"];

fn is_public(value: &[u8]) -> bool {
    PUBLIC.iter().any(|prefix| value.starts_with(prefix.as_bytes()))
}

/// Whether the name of a hash function or of the id of a key stands right before, as in `SHA256:…` and `kid '…'`.
fn is_digest(before: &[u8]) -> bool {
    let name = before.trim_ascii_end().strip_suffix(b"'").unwrap_or(before).trim_ascii_end();
    name.ends_with(b"kid")
        || before.ends_with(b"256:")
        || before.ends_with(b"512:")
        || before.ends_with(b"384:")
        || before.ends_with(b"MD5:")
}
