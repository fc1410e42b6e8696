//! What kind of byte a byte is, by one look into a table.
//!
//! The scanner asks this for every byte of a message, so it is a table and no chain of comparisons. Says nothing about words.

/// A lower-case letter.
pub(crate) const LOWER: u8 = 1;
/// An upper-case letter.
pub(crate) const UPPER: u8 = 2;
/// A digit.
pub(crate) const DIGIT: u8 = 4;
/// A letter that is no hexadecimal digit.
pub(crate) const NOT_HEX: u8 = 8;
/// Something else at which the scanner looks, or the first byte of digits of another script.
pub(crate) const EVENT: u8 = 16;

const LETTER: u8 = LOWER | UPPER;
const WORD: u8 = LETTER | DIGIT;

const EVENTS: &[u8] = b" \t\n<\"'`()]},/?:=\xd9\xdb\xe0\xef";

static CLASSES: [u8; 256] = {
    let mut classes = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let letter = byte as u8;
        classes[byte] = match letter {
            b'0'..=b'9' => DIGIT,
            b'a'..=b'f' => LOWER,
            b'A'..=b'F' => UPPER,
            b'g'..=b'z' => LOWER | NOT_HEX,
            b'G'..=b'Z' => UPPER | NOT_HEX,
            _ => 0,
        };
        byte += 1;
    }
    let mut event = 0;
    while event < EVENTS.len() {
        classes[EVENTS[event] as usize] |= EVENT;
        event += 1;
    }
    classes
};

/// The class of a byte: some of the constants above.
#[inline]
pub(crate) fn class(byte: u8) -> u8 {
    CLASSES[usize::from(byte)]
}

/// Whether a byte is an ASCII letter or digit.
#[inline]
pub(crate) fn is_word(byte: u8) -> bool {
    class(byte) & WORD != 0
}

/// Whether a byte is an ASCII letter.
#[inline]
pub(crate) fn is_letter(byte: u8) -> bool {
    class(byte) & LETTER != 0
}

/// Whether a byte is an ASCII digit.
#[inline]
pub(crate) fn is_digit(byte: u8) -> bool {
    class(byte) & DIGIT != 0
}

/// Whether a byte is a hexadecimal digit.
#[inline]
pub(crate) fn is_hex(byte: u8) -> bool {
    let class = class(byte);
    class & WORD != 0 && class & NOT_HEX == 0
}

/// The byte at a place, or a space outside of the text.
#[inline]
pub(crate) fn byte(bytes: &[u8], at: usize) -> u8 {
    bytes.get(at).copied().unwrap_or(b' ')
}

/// The byte before a place, or a space at the start.
#[inline]
pub(crate) fn byte_before(bytes: &[u8], at: usize) -> u8 {
    if at == 0 { b' ' } else { byte(bytes, at - 1) }
}

/// The bytes from a place on; none outside of the text.
#[inline]
pub(crate) fn from(bytes: &[u8], at: usize) -> &[u8] {
    bytes.get(at..).unwrap_or_default()
}

/// End of the run of bytes of a kind from `at` on.
#[inline]
pub(crate) fn run(bytes: &[u8], at: usize, kind: impl Fn(u8) -> bool) -> usize {
    let mut end = at.min(bytes.len());
    while end < bytes.len() && kind(bytes[end]) {
        end += 1;
    }
    end
}

/// Start of the run of bytes of a kind that ends at `at`, at most `length_max` bytes back.
#[inline]
pub(crate) fn run_back(bytes: &[u8], at: usize, length_max: usize, kind: impl Fn(u8) -> bool) -> usize {
    let low = at.saturating_sub(length_max);
    let mut start = at;
    while start > low && kind(bytes[start - 1]) {
        start -= 1;
    }
    start
}

/// The letters, digits and underscores that end a text. Longer words than 32 bytes are in none of the lists.
#[inline]
pub(crate) fn last_word(bytes: &[u8]) -> &[u8] {
    &bytes[run_back(bytes, bytes.len(), 32, |byte| is_word(byte) || byte == b'_')..]
}

/// Whether a text ends with a row in lower case, in any case itself.
pub(crate) fn ends_with_ignore_case(bytes: &[u8], row: &str) -> bool {
    bytes.len() >= row.len() && bytes[bytes.len() - row.len()..].eq_ignore_ascii_case(row.as_bytes())
}

/// Whether a text begins with a row in lower case, in any case itself.
pub(crate) fn starts_with_ignore_case(bytes: &[u8], row: &str) -> bool {
    bytes.len() >= row.len() && bytes[..row.len()].eq_ignore_ascii_case(row.as_bytes())
}
