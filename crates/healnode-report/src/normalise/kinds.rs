//! Variables of more than one word: dates, addresses, quantities.
//!
//! All patterns are one automaton, tried where a word begins; the first row that matches decides, so longer kinds come first. A
//! new kind is one more row.

use std::sync::LazyLock;

use regex_automata::meta::Regex;
use regex_automata::util::syntax;
use regex_automata::{Anchored, Input};

/// What begins at a word.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    /// Always variable.
    Whole,
    /// Variable, unless a product's name stands before.
    Version,
    /// Variable, unless it is an error number.
    Hex,
    /// Variable, unless it carries meaning.
    Number,
}

use Kind::{Hex, Number, Version, Whole};

const ROWS: &[(Kind, &str)] = &[
    (Whole, r"[A-Za-z0-9][A-Za-z0-9._%+-]{0,63}@(?:[A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z]{2,24}\b"),
    (Whole, r"[0-9A-Fa-f]{8}-(?:[0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12}\b"),
    (
        Whole,
        r"[0-9]{4}[-/.][0-9]{2}[-/.][0-9]{2}(?:[T _-][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]{1,9})?)?(?:Z| ?(?:UTC|GMT|[+-][0-9]{2}:?[0-9]{2}))?)?\b",
    ),
    (Whole, r"[0-9]{8}T[0-9]{6}(?:\.[0-9]{1,9})?Z?\b"),
    (Whole, r"[0-9]{1,2}/{month}/[0-9]{4}(?::[0-9]{2}:[0-9]{2}:[0-9]{2}(?: [+-][0-9]{4})?)?\b"),
    (Whole, r"{day}, [0-9]{1,2}[ -]{month}[ -][0-9]{2,4}(?: [0-9]{2}:[0-9]{2}(?::[0-9]{2})?(?: (?:[A-Z]{2,4}|[+-][0-9]{4}))?)?\b"),
    (Whole, r"(?:{day} )?{month} {1,2}[0-9]{1,2} [0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?(?: (?:[A-Z]{3,4} )?[0-9]{4})?\b"),
    (Whole, r"{month} [0-9]{1,2},? [0-9]{4}\b"),
    (Whole, r"[0-9]{1,2}[ -]{month}[ -][0-9]{2,4}(?: [0-9]{2}:[0-9]{2}(?::[0-9]{2})?)?\b"),
    (Whole, r"[0-9]{1,2}/[0-9]{1,2}/[0-9]{2,4}(?:,? [0-9]{1,2}:[0-9]{2}(?::[0-9]{2})?(?: ?[AaPp][Mm])?)?\b"),
    (Whole, r"(?:[0-9A-Fa-f]{2}[:-]){5}[0-9A-Fa-f]{2}\b"),
    (Whole, r"[0-9]{1,2}:[0-9]{2}:[0-9]{2}(?:[.,][0-9]{1,9})?(?: ?[AaPp][Mm])?\b"),
    (Whole, r"[0-9]{1,2}:[0-9]{2} ?[AaPp][Mm]\b"),
    (Whole, r"(?:[0-9A-Fa-f]{1,4}:){2,7}(?::?[0-9A-Fa-f]{1,4}(?::[0-9A-Fa-f]{1,4}){0,5}\b|:)"),
    (Whole, r"[0-9A-Fa-f]{1,4}::[0-9A-Fa-f]{1,4}(?::[0-9A-Fa-f]{1,4}){0,5}\b"),
    (Whole, r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}(?:/[0-9]{1,2})?\b"),
    (Version, r"v[0-9]{1,5}(?:\.[0-9]{1,6}){1,3}(?:[-+][0-9A-Za-z][0-9A-Za-z.+-]{0,63})?\b"),
    (Version, r"[0-9]{1,5}(?:\.[0-9]{1,6}){2,3}(?:[-+][0-9A-Za-z][0-9A-Za-z.+-]{0,63})?\b"),
    (Hex, r"0[xX][0-9A-Fa-f]+\b"),
    (Whole, r"[0-9]{1,9}(?:\.[0-9]{1,9})?(?: ?[xX] ?[0-9]{1,9}(?:\.[0-9]{1,9})?){1,7}\b"),
    (Whole, r"(?:[0-9]+(?:\.[0-9]+)?(?:ns|us|µs|μs|ms|s|m|h|d|w) ?){0,5}[0-9]+(?:\.[0-9]+)?(?:ns|us|µs|μs|ms|s|m|h|d|w)\b"),
    (
        Whole,
        r"{number} ?(?:[kKMGTPE]i?[Bb]|[kKMGTPE]?bps|[kKMG]?Hz|[kKMGTPE]i?B/s|B/s|bytes?|bits?|KB|kilobytes?|megabytes?|gigabytes?|rpm|rps|qps|fps|px|msecs?|secs?|seconds?|minutes?|mins?|hours?|hrs?|days?|weeks?|milliseconds?|microseconds?|nanoseconds?)\b",
    ),
    (Whole, r"{number}[BKMGT]\b"),
    (Whole, r"{number} ?%"),
    (Whole, r"{number}[eE][+-]?[0-9]{1,3}\b"),
    (Number, r"{number}\b"),
];

const MONTH: &str = "(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Sept|Oct|Nov|Dec|January|February|March|April|June|July|August|September|October|November|December)";
const DAY: &str = "(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun|Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday)";
const NUMBER: &str = "[0-9]+(?:[.,_][0-9]+)*";

static AUTOMATON: LazyLock<Regex> = LazyLock::new(|| {
    let expand = |pattern: &str| pattern.replace("{month}", MONTH).replace("{day}", DAY).replace("{number}", NUMBER);
    let patterns: Vec<String> = ROWS.iter().map(|(_, pattern)| expand(pattern)).collect();
    Regex::builder().syntax(syntax::Config::new().unicode(false).utf8(false)).build_many(&patterns).expect("the patterns above are valid")
});

/// The kind that begins at `at`, and where it ends.
pub(crate) fn kind_at(text: &str, at: usize) -> Option<(Kind, usize)> {
    let window = floor(text, at + WINDOW_BYTES);
    let input = Input::new(&text[..window]).range(at..window).anchored(Anchored::Yes);
    let found = AUTOMATON.search_half(&input)?;
    let (kind, _) = ROWS[found.pattern().as_usize()];
    Some((kind, found.offset()))
}

/// How far ahead a kind is looked for, in bytes. Only numbers and hex are longer, and their rest is a number again.
const WINDOW_BYTES: usize = 256;

fn floor(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// Whether a word without digits may begin one of the kinds: the name of a day or a month, or the first part of a UUID or an
/// address. `next` is the byte behind it.
pub(crate) fn may_begin(word: &str, next: Option<&u8>) -> bool {
    const STARTS: &str = "JanFebMarAprMayJunJulAugSepOctNovDecMonTueWedThuFriSatSun";
    let bytes = word.as_bytes();
    let is_first_part = match next {
        Some(b'-') => matches!(bytes.len(), 2 | 8),
        Some(b':') => bytes.len() <= 4,
        _ => false,
    };
    if is_first_part && bytes.iter().all(u8::is_ascii_hexdigit) {
        return true;
    }
    (3..=9).contains(&bytes.len()) && bytes[0].is_ascii_uppercase() && STARTS.as_bytes().chunks(3).any(|start| bytes.starts_with(start))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_found_whole() {
        for text in [
            "2026-11-25T13:10:32.123Z",
            "2026-11-25 13:10:32,123",
            "20270912T081500Z",
            "25/Nov/2026:13:10:32 +0000",
            "Wed, 25 Nov 2026 13:10:32 GMT",
            "Wed Nov 25 13:10:32 2026",
            "Nov  5 13:10:32",
            "13:10:32.5",
            "9:05 PM",
            "fe80::1ff:fe23:4567:890a",
            "0a:1b:2c:3d:4e:5f",
            "10.1.2.3/24",
            "550e8400-e29b-41d4-a716-446655440000",
            "1h2m3.5s",
            "1.5 GiB",
            "12%",
            "640x480",
            "1e-9",
            "1,234,567",
        ] {
            assert_eq!(kind_at(text, 0).map(|(_, end)| end), Some(text.len()), "{text}");
        }
    }
}
