//! Takes out of a message what differs from one occurrence to the next.
//!
//! A scanner walks the text once, word by word, by a table of byte classes. Where a word has a digit, or something announces data,
//! it looks closer; lists tell digits that carry meaning from digits that count. Everything variable becomes the same
//! [`PLACEHOLDER`], whatever it looked like, and so does every token that redaction leaves. A pure function of the text; the lists
//! belong to the version of the algorithm.

mod addresses;
mod class;
mod codes;
mod context;
mod data;
mod dates;
mod ids;
mod lists;
mod names;
mod numbers;
mod output;
mod paths;
mod random;
mod scanner;
mod types;

use std::borrow::Cow;

use crate::redact::{clean, is_kind};
pub(crate) use types::normalise_type;

/// What stands for everything that varies.
pub const PLACEHOLDER: &str = "<*>";

/// Replaces what varies by [`PLACEHOLDER`], and runs of white space by one space.
///
/// Keeps digits that carry meaning: status and error numbers, names such as `int16` and `sha384`, versions of products, ports of
/// well-known services. Total on any text, and idempotent.
pub fn normalise(text: &str) -> String {
    let clean = if may_be_unclean(text) { clean(text) } else { Cow::Borrowed(text) };
    let Some(mut normalised) = scanner::pass(&clean) else {
        return clean.into_owned();
    };
    for _ in 1..PASSES_MAX {
        match scanner::pass(&normalised) {
            Some(next) if next != normalised => normalised = next,
            _ => break,
        }
    }
    normalised
}

/// How often a text is gone through, at most, until it no longer changes. As a rule the second pass changes nothing, and a pass
/// that changes nothing writes nothing.
const PASSES_MAX: usize = 6;

/// Whether a text may hold something that [`clean`] takes out. Plain ASCII does not, and is told from the rest in one go.
fn may_be_unclean(text: &str) -> bool {
    text.bytes().fold(false, |seen, byte| seen | !(matches!(byte, b' '..=b'~' | b'\n' | b'\t')))
}

/// End of a placeholder or of a redaction's token that begins at `at`.
fn token_end(text: &str, at: usize) -> Option<usize> {
    let rest = text.as_bytes().get(at + 1..)?;
    if rest.starts_with(b"*>") {
        return Some(at + PLACEHOLDER.len());
    }
    let length = rest.iter().take(TOKEN_BYTES_MAX).position(|byte| *byte == b'>')?;
    is_kind(text.get(at + 1..at + 1 + length)?).then_some(at + length + 2)
}

/// Longest name of a redaction's token, in bytes, with room for more kinds.
const TOKEN_BYTES_MAX: usize = 32;
