//! Words of letters and digits: names that are kept, counters that lose their number, ids.
//!
//! Looks at one word and nothing around it.

use super::class::{is_digit, is_hex, is_letter};
use super::lists::{COUNTERS, Key, NAMES, PRODUCTS, SPACED_NAMES, TURNING, among};
use super::random::is_unspoken;

/// What a word of letters and digits is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Verdict {
    /// A name; the digits belong to it.
    Keep,
    /// An id.
    Variable,
    /// Letters with a number behind.
    Counted {
        /// Length of the letters, in bytes.
        letters: usize,
    },
}

use Verdict::{Counted, Keep, Variable};

/// Whether a word counts things, also in the plural.
pub(crate) fn is_counter(word: &[u8]) -> bool {
    among(COUNTERS, word) || word.strip_suffix(b"s").is_some_and(|word| among(COUNTERS, word))
}

/// Whether digits behind a word belong to its name.
pub(crate) fn is_name(word: &[u8]) -> bool {
    let key = Key::of(word);
    key.is_in(NAMES) || key.is_in(SPACED_NAMES)
}

/// Whether a word of hexadecimal letters is a number: twelve of them are no word of a language, nor are four times the same.
pub(crate) fn is_hex_without_digits(word: &[u8]) -> bool {
    word.len() >= 12 || word.len() >= 4 && word.iter().all(|byte| *byte == word[0])
}

/// Longest word that can be a name, in bytes. Longer ones with digits in between are ids.
const NAME_BYTES_MAX: usize = 48;

/// Shortest word without capitals whose letters may tell that it is an id, in bytes.
const UNSPOKEN_BYTES_MIN: usize = 8;

/// Judges a word of ASCII letters and digits, at least one of each or digits only.
pub(crate) fn judge(word: &[u8]) -> Verdict {
    let digits = word.iter().filter(|byte| is_digit(**byte)).count();
    let letters = word.iter().take_while(|byte| is_letter(**byte)).count();
    if digits == word.len() || is_hexadecimal(word, digits) {
        return Variable;
    }
    match turns(word) {
        1 if letters > 0 => judge_counted(word, letters),
        1 => judge_leading(word, digits),
        _ if among(TURNING, word) || among(PRODUCTS, word) || is_message_code(word, letters) => Keep,
        _ if word.len() >= UNSPOKEN_BYTES_MIN && is_unspoken(word) => Variable,
        _ if word.len() <= NAME_BYTES_MAX && is_turning_name(word, letters, digits) => Keep,
        _ => Variable,
    }
}

/// Seven hex digits are the shortest git hash. Fewer digits than two make a short one more likely a word.
fn is_hexadecimal(word: &[u8], digits: usize) -> bool {
    let long_enough = word.len() >= 7 && digits >= 2 || word.len() >= 12;
    long_enough && word.iter().all(|byte| is_hex(*byte)) && !is_letters_then_few_digits(word, digits)
}

/// `decade12`, `face2000`: letters with up to four digits behind are a name.
fn is_letters_then_few_digits(word: &[u8], digits: usize) -> bool {
    digits <= 4 && word.len() - digits >= 4 && word.len() < 12 && word[..word.len() - digits].iter().all(|byte| is_letter(*byte))
}

/// How often letters turn to digits or back.
fn turns(word: &[u8]) -> usize {
    word.windows(2).filter(|pair| is_digit(pair[0]) != is_digit(pair[1])).count()
}

/// `SQL0911N`, `DSNT408I`: capitals for a component, a number, a letter that grades it.
fn is_message_code(word: &[u8], letters: usize) -> bool {
    let Some((grade, rest)) = word.split_last() else {
        return false;
    };
    let (component, number) = rest.split_at(letters.min(rest.len()));
    (3..=6).contains(&component.len())
        && component.iter().all(u8::is_ascii_uppercase)
        && (3..=5).contains(&number.len())
        && number.iter().all(|byte| is_digit(*byte))
        && matches!(grade, b'I' | b'W' | b'E' | b'N' | b'S' | b'A' | b'D' | b'C')
}

fn judge_counted(word: &[u8], letters: usize) -> Verdict {
    let (name, digits) = word.split_at(letters);
    if digits.len() >= 8 && word.len() >= 10 || name.eq_ignore_ascii_case(b"tmp") {
        return Variable;
    }
    if is_counter(name) && word != b"DB2" {
        return Counted { letters };
    }
    let is_code = digits.len() == 5 && name.len() <= 6 && name.iter().all(u8::is_ascii_uppercase);
    if digits.len() <= 4 || is_code || is_name(name) {
        return Keep;
    }
    Counted { letters }
}

/// `4k`, `3d`, `2fa` are names, `2nd` and `12345abc` are not.
fn judge_leading(word: &[u8], digits: usize) -> Verdict {
    let is_ordinal = matches!(word[digits..], [b's', b't'] | [b'n', b'd'] | [b'r', b'd'] | [b't', b'h']);
    if digits > 2 || is_ordinal { Variable } else { Keep }
}

/// Whether letters and digits in turns are a name: words in it, as in `Base32Decoder`, or a letter or two around few digits, as in
/// `k8s`. Ids have no words.
fn is_turning_name(word: &[u8], letters: usize, digits: usize) -> bool {
    if letters == 0 || word[..letters].eq_ignore_ascii_case(b"tmp") {
        return false;
    }
    let count = words(word);
    let all = word.len() - digits;
    let is_long = word.len() > 20;
    let has_words = digits <= 6 && digits <= all && if is_long { all >= count * 4 } else { all * 2 >= count * 5 };
    let tail = word.iter().rev().take_while(|byte| is_letter(**byte)).count();
    let is_short = count == 2 && digits <= 2 && letters <= 2 && tail <= 2 && tail + letters + digits == word.len();
    let is_version = matches!(word[0], b'v' | b'V') && is_digit(word[1]) && word.len() <= 10 && digits <= 4 && count == 2;
    let is_named = is_name(&word[..letters]) && digits <= 4 && tail <= 4 && count == 2;
    has_words || is_short || is_version || is_named
}

/// How many words of letters there are, also `MaxPool` being two.
fn words(word: &[u8]) -> usize {
    let starts = |index: usize| {
        let before = index.checked_sub(1).map_or(b'0', |before| word[before]);
        let next_is_lower = word.get(index + 1).is_some_and(u8::is_ascii_lowercase);
        let is_camel = word[index].is_ascii_uppercase() && (before.is_ascii_lowercase() || before.is_ascii_uppercase() && next_is_lower);
        is_letter(word[index]) && (is_digit(before) || is_camel)
    };
    (0..word.len()).filter(|index| starts(*index)).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_keep_their_digits() {
        for word in [
            "int16",
            "sha384",
            "utf8",
            "latin1",
            "av1",
            "ES384",
            "Vec3",
            "base58",
            "k8s",
            "riscv64",
            "E0599",
            "TS7006",
            "CS8602",
            "LNK2019",
            "log4j",
            "i18n",
            "h264",
            "s3",
            "x86",
            "4k",
            "2fa",
            "utf8mb4",
            "PGRST116",
            "v4",
            "oauth2",
            "MSB30073",
            "Base64Encoder",
            "HmacSHA256Signer",
            "v2alpha1",
            "Log4jLogger",
            "MaxPool2d",
            "cp1251w",
            "win32api",
            "SQL0911N",
            "DSNT408I",
        ] {
            assert_eq!(judge(word.as_bytes()), Keep, "{word}");
        }
    }

    #[test]
    fn counters_lose_their_number() {
        for (word, letters) in [("worker16", 6), ("node1", 4), ("Thread12", 6), ("abcxyz123456", 6)] {
            assert_eq!(judge(word.as_bytes()), Counted { letters }, "{word}");
        }
    }

    #[test]
    fn ids_are_variable() {
        for word in ["3ac9f01", "7d9f8b6c5d", "x2x7z", "01ARZ3NDEKTSV4RRFFQ69G5FAV", "2nd", "V1StGXR8Z5jdHi6B", "tmpa1b2c3", "q8wz3k"] {
            assert_eq!(judge(word.as_bytes()), Variable, "{word}");
        }
    }
}
