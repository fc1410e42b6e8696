//! Seed phrases of wallets (BIP-39): twelve or more words behind a telling one.
//!
//! The 2048 words are not listed here. All of them have 3 to 8 small letters, and prose does not go on for twelve words without a
//! shorter one, a longer one, or one of the commonest words of English, none of which is on the list.

use super::kind::SEED_PHRASE;
use super::scan::run;
use super::span::Spans;

/// Words that tell that a phrase follows, in lower case.
pub(crate) const ANCHORS: &[&str] =
    &["mnemonic", "seed", "recovery phrase", "recovery words", "secret phrase", "backup phrase", "bip39", "bip-39"];

/// Fewest and most words of a phrase.
const WORDS_MIN: usize = 12;
const WORDS_MAX: usize = 24;

/// How far behind the telling word a phrase may begin, in bytes.
const BEGIN_BYTES_MAX: usize = 64;

/// Common words of 3 to 8 letters that are no words of a phrase.
const PROSE: &[&str] = &[
    "and", "are", "been", "but", "could", "did", "does", "for", "from", "has", "have", "her", "his", "its", "not", "our", "the", "their",
    "them", "these", "they", "those", "was", "were", "which", "with", "would", "your", "phrase", "mnemonic", "words",
];

/// Adds the phrase that begins a few words behind the anchor.
pub(crate) fn find(text: &str, _: usize, end: usize, spans: &mut Spans<'_>) {
    let bytes = text.as_bytes();
    if spans.is_in_value(end) {
        return;
    }
    let mut at = run(bytes, end, |byte| byte.is_ascii_alphanumeric());
    let max = bytes.len().min(end + BEGIN_BYTES_MAX);
    while at < max {
        let start = run(&bytes[..max], at, |byte| !byte.is_ascii_lowercase());
        let (count, phrase_end) = phrase(bytes, start);
        if count >= WORDS_MIN {
            spans.add_value(start, phrase_end, SEED_PHRASE);
            return;
        }
        at = run(bytes, start, |byte| byte.is_ascii_alphanumeric()).max(start + 1);
    }
}

/// How many words of a phrase follow each other from `start` on, and where they end.
fn phrase(bytes: &[u8], start: usize) -> (usize, usize) {
    let (mut count, mut end, mut at) = (0, start, start);
    while count < WORDS_MAX {
        let word_end = run(&bytes[..bytes.len().min(at + 9)], at, |byte| byte.is_ascii_lowercase());
        let word = &bytes[at..word_end];
        let is_whole = bytes.get(word_end).is_none_or(|byte| !byte.is_ascii_alphanumeric() && !matches!(byte, b'_' | b'-' | b'=' | b'('));
        if !(3..=8).contains(&word.len()) || !is_whole || PROSE.iter().any(|row| row.as_bytes() == word) {
            break;
        }
        count += 1;
        end = word_end;
        at = gap_end(bytes, word_end);
    }
    (count, end)
}

/// Behind what stands between two words of a phrase: blanks, a line end, or `", "` of a list.
fn gap_end(bytes: &[u8], at: usize) -> usize {
    run(&bytes[..bytes.len().min(at + 4)], at, |byte| matches!(byte, b' ' | b'\n' | b',' | b'"' | b'\''))
}
