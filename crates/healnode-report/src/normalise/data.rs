//! Texts that are someone's data: quoted values behind words that announce them, names of accounts and persons.
//!
//! Names of a program, such as keys, fields and modules, stand in quotes too, so a quote alone says nothing.

use super::class::{byte, ends_with_ignore_case, from, is_hex, is_letter, is_word, last_word, run, run_back, starts_with_ignore_case};
use super::lists::{
    DATA_ADJECTIVES, DATA_NOUNS, DATA_TYPES, IDENTIFIER_NOUNS, Key, NOT_USERS, OWNER_WORDS, PERSONS, PHRASE_ENDS, PROGRAM_NOUNS, among,
};

/// Phrases behind which a quoted text is data. The last word of each is in a list too.
const PHRASES: &[&str] = &[
    "with base 10",
    "time data",
    "not a valid email",
    "duplicate entry",
    "string to float",
    "string to int",
    "invalid literal",
    "could not parse",
    "cannot parse",
    "failed to parse",
    "unable to parse",
    "parsing",
    "for input string",
    "isoformat string",
    "invalid value: string",
    "invalid type: string",
    "invalid input syntax",
    "no such user",
    "value",
    "unknown variant",
];

/// What is said, behind a quoted text, about data.
const REMARKS: &[&str] = &[
    "was not recognized as a valid",
    "was not recognised as a valid",
    "could not be parsed",
    "cannot be parsed",
    "could not be converted",
    "cannot be converted",
    "does not match format",
];

/// Whether the text before a quote announces someone's data.
pub(crate) fn announces(before: &[u8]) -> bool {
    let end = run_back(before, before.len(), 6, |byte| matches!(byte, b' ' | b':' | b'=' | b'('));
    if is_duplicate_key(&before[..end]) {
        return true;
    }
    let word = last_word(&before[..end]);
    if word.len() < 2 {
        return false;
    }
    let earlier = &before[..end - word.len()];
    let key = Key::of(word);
    key.is_in(OWNER_WORDS)
        || key.is_in(DATA_NOUNS) && is_bad(earlier)
        || is_duplicate(key, earlier)
        || key.is_in(DATA_TYPES) && ends_with_ignore_case(earlier, "type ")
        || key.is_in(PHRASE_ENDS) && PHRASES.iter().any(|phrase| ends_with_ignore_case(&before[..end], phrase))
}

/// Whether a quoted text is the short tag of a file, `5f-1`, behind the header that holds it.
pub(crate) fn is_entity_tag(before: &[u8], quoted: &[u8]) -> bool {
    let is_tag = quoted.len() <= TAG_BYTES_MAX && quoted.iter().all(|byte| is_hex(*byte) || *byte == b'-');
    if !is_tag {
        return false;
    }
    let window = &before[before.len().saturating_sub(16)..];
    ["etag", "if-range", "if-match", "none-match"]
        .iter()
        .any(|row| window.windows(row.len()).any(|text| text.eq_ignore_ascii_case(row.as_bytes())))
}

/// Longest tag of hexadecimal numbers with hyphens, in bytes.
const TAG_BYTES_MAX: usize = 40;

/// Whether an adjective such as `invalid` stands before a noun, directly or with one word between.
fn is_bad(earlier: &[u8]) -> bool {
    let Some(earlier) = earlier.strip_suffix(b" ") else {
        return false;
    };
    let word = last_word(earlier);
    if among(DATA_ADJECTIVES, word) {
        return true;
    }
    among(DATA_NOUNS, word)
        && earlier[..earlier.len() - word.len()].strip_suffix(b" ").is_some_and(|text| among(DATA_ADJECTIVES, last_word(text)))
}

/// `duplicate slug 'hello'` and `unknown caller 'Ann'`: a thing that has one twice, if it is none of a program, or a person.
fn is_duplicate(key: Key, earlier: &[u8]) -> bool {
    let Some(earlier) = earlier.strip_suffix(b" ") else {
        return false;
    };
    let adjective = last_word(earlier);
    adjective.eq_ignore_ascii_case(b"duplicate") && !key.is_in(IDENTIFIER_NOUNS) && !key.is_in(PROGRAM_NOUNS)
        || adjective.eq_ignore_ascii_case(b"unknown") && key.is_in(PERSONS)
}

/// The `dup key: { name` of a document database.
fn is_duplicate_key(before: &[u8]) -> bool {
    let start = run_back(before, before.len(), 32, |byte| is_word(byte) || matches!(byte, b'_' | b'.'));
    before[..start].ends_with(b"dup key: { ")
}

/// Whether the text behind a closing quote says that what was quoted is data.
pub(crate) fn is_remarked(after: &[u8]) -> bool {
    let Some(after) = after.strip_prefix(b" ") else {
        return false;
    };
    if let Some(rest) = after.strip_prefix(b"is not a valid ") {
        let noun = &rest[..run(rest, 0, is_letter)];
        return among(DATA_NOUNS, noun) || among(DATA_TYPES, noun) || noun == b"choice";
    }
    matches!(after.first(), Some(b'w' | b'c' | b'd')) && REMARKS.iter().any(|row| starts_with_ignore_case(after, row))
}

/// Longest name of an account, in bytes.
const USER_BYTES_MAX: usize = 64;

/// End of the account's name that begins at `at`, behind the word `user` that ends at `end`: `for user anna`, `invalid user anna`.
pub(crate) fn user_end(bytes: &[u8], end: usize) -> Option<usize> {
    let start = run(&bytes[..bytes.len().min(end + 3)], end, |byte| byte == b' ');
    let before = bytes[..end].len().checked_sub(5)?;
    let announcer = last_word(&bytes[..before]);
    let is_announced =
        bytes[before] == b' ' && [&b"invalid"[..], b"unknown", b"illegal", b"for"].iter().any(|word| announcer.eq_ignore_ascii_case(word));
    if start == end || !is_announced {
        return None;
    }
    account_end(bytes, start)
}

/// End of the account's name in `password for anna from`.
pub(crate) fn password_owner_end(bytes: &[u8], end: usize) -> Option<usize> {
    let start = from(bytes, end).starts_with(b" for ").then_some(end + 5)?;
    let end = account_end(bytes, start)?;
    from(bytes, end).starts_with(b" from ").then_some(end)
}

/// End of an account's name: a word that is no other noun, with nothing behind that would make it one.
fn account_end(bytes: &[u8], start: usize) -> Option<usize> {
    let window = &bytes[..bytes.len().min(start + USER_BYTES_MAX)];
    let mut end =
        run(window, start, |byte| is_word(byte) || matches!(byte, b'.' | b'_' | b'-' | b'\\' | b'@' | b'+' | b'$') || byte >= 0x80);
    while end > start && matches!(bytes[end - 1], b'.' | b'-') {
        end -= 1;
    }
    let after = from(bytes, end);
    let is_whole = matches!(byte(bytes, end), b',' | b';' | b')' | b']' | b'\'' | b'"' | b'.' | b':') || after.is_empty();
    let goes_on = [" from ", " by ", " on ", " at ", " in ", " to ", " [", " (", " has ", " does ", " is ", " not "];
    let is_name = end > start && !among(NOT_USERS, &bytes[start..end]) && is_word(bytes[start]);
    (is_name && (is_whole || goes_on.iter().any(|row| after.starts_with(row.as_bytes())))).then_some(end)
}

/// End of the value of a key that names an account or a host, from behind the `=` on. Nothing and its names are no value.
pub(crate) fn value_end(bytes: &[u8], start: usize) -> Option<usize> {
    let window = &bytes[..bytes.len().min(start + USER_BYTES_MAX * 2)];
    let end = run(window, start, |byte| is_word(byte) || matches!(byte, b'.' | b'_' | b'-' | b'\\' | b'@' | b'+' | b'$'));
    let value = &bytes[start..end];
    let is_nothing = [&b"null"[..], b"none", b"nil", b"undefined", b"true", b"false"].iter().any(|word| value.eq_ignore_ascii_case(word));
    (end > start && !is_nothing && (end == bytes.len() || matches!(bytes[end], b' ' | b',' | b';' | b')' | b']' | b'\n' | b'\t')))
        .then_some(end)
}

/// Most words of a person's name.
const NAMES_MAX: usize = 3;

/// End of a person's name, from behind the `:` or `=` of `customer name: Anna Berg` on. `at` is where that stands.
pub(crate) fn person_end(bytes: &[u8], at: usize) -> Option<usize> {
    let before = bytes[..at].strip_suffix(b" name").or(bytes[..at].strip_suffix(b" Name"))?;
    if !among(PERSONS, last_word(before)) {
        return None;
    }
    let start = run(&bytes[..bytes.len().min(at + 3)], at + 1, |byte| byte == b' ');
    let mut end = start;
    for count in 0..NAMES_MAX {
        let from = end + usize::from(count > 0);
        let is_next = count == 0 || byte(bytes, end) == b' ';
        let window = &bytes[..bytes.len().min(from + USER_BYTES_MAX)];
        let word = run(window, from, |byte| is_letter(byte) || matches!(byte, b'-' | b'\'') || byte >= 0x80);
        if !is_next || word <= from || bytes[from].is_ascii_lowercase() {
            break;
        }
        end = word;
    }
    (end > start).then_some(end)
}
