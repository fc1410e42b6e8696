//! Words of prose behind a name: what sentences, types and prompts put where a value could stand.

use super::values::{among, has_digit, has_letter};

/// Whether a value is a word that prose and type annotations put behind a name.
pub(crate) fn is_word_of_prose(value: &str) -> bool {
    let word = value.trim_end_matches(|character: char| character.is_ascii_punctuation());
    word.len() < 2 && !has_digit(word) && value.len() < 3 || PROSE.iter().any(|row| row.eq_ignore_ascii_case(word))
}

/// Whether a value is a sentence about one, such as what a validator says: `can't be blank`, `This password is too common.`
pub(crate) fn is_sentence(value: &str) -> bool {
    let (mut words, mut told) = (0, 0);
    for word in value.split_ascii_whitespace().take(SENTENCE_WORDS_MAX) {
        words += 1;
        told += usize::from(among(SENTENCE, word.trim_end_matches(['.', '!', ','])));
    }
    let is_mixed = |word: &str| has_digit(word) && has_letter(word);
    words >= 3 && told >= 2 && !value.split_ascii_whitespace().take(SENTENCE_WORDS_MAX).any(is_mixed)
}

/// How many words tell whether a value is a sentence, at most.
const SENTENCE_WORDS_MAX: usize = 12;

/// Words that make up sentences about a value. A phrase that is a password hardly has two of them.
const SENTENCE: &[&str] = &[
    "is",
    "be",
    "must",
    "may",
    "should",
    "too",
    "not",
    "cannot",
    "can't",
    "isn't",
    "doesn't",
    "does",
    "at",
    "least",
    "than",
    "contain",
    "required",
    "characters",
    "please",
    "enter",
    "been",
];

/// `Password: `, with which a program asks for one.
pub(crate) fn is_prompt(value: &str) -> bool {
    let words = value.trim_end().strip_suffix([':', '?']);
    words.is_some_and(|words| words.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b' '))
}

const PROSE: &[&str] = &[
    "a",
    "an",
    "and",
    "any",
    "are",
    "argument",
    "authentication",
    "await",
    "bad",
    "bearer",
    "bool",
    "boolean",
    "bytes",
    "can",
    "cannot",
    "changed",
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
    "if",
    "in",
    "include",
    "incorrect",
    "int",
    "integer",
    "invalid",
    "is",
    "it",
    "length",
    "malformed",
    "match",
    "may",
    "mismatch",
    "missing",
    "must",
    "needs",
    "new",
    "no",
    "not",
    "number",
    "object",
    "ok",
    "omit",
    "only",
    "option",
    "optional",
    "or",
    "please",
    "rejected",
    "required",
    "revoked",
    "same-origin",
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
