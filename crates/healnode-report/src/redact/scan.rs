//! Walking bytes: where a run ends, where a word begins, what a value looks like.

/// End of the run of bytes of a class from `at` on.
pub(crate) fn run(bytes: &[u8], at: usize, class: impl Fn(u8) -> bool) -> usize {
    let at = at.min(bytes.len());
    bytes[at..].iter().position(|byte| !class(*byte)).map_or(bytes.len(), |length| at + length)
}

/// How far a run is followed before it is believed, in bytes. Keeps a text that is all prefixes from being walked once for each.
const PROBE_BYTES: usize = 512;

/// Like [`run`], at most [`PROBE_BYTES`] far: enough to judge a value before it is walked to its end.
pub(crate) fn probe(bytes: &[u8], at: usize, class: impl Fn(u8) -> bool) -> usize {
    run(&bytes[..bytes.len().min(at + PROBE_BYTES)], at, class)
}

/// How much of a value is judged, in bytes. One that is rejected may hold many anchors, and is not walked to its end from each.
const JUDGED_BYTES_MAX: usize = 1024;

/// The text up to where a value that begins at `start` is judged. What is accepted is then walked to its end.
pub(crate) fn judged(text: &str, start: usize) -> &str {
    let mut end = text.len().min(start + JUDGED_BYTES_MAX);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// Start of the run of bytes of a class that ends at `at`, at most `length_max` bytes back.
pub(crate) fn run_back(bytes: &[u8], at: usize, length_max: usize, class: impl Fn(u8) -> bool) -> usize {
    let low = at.saturating_sub(length_max);
    bytes[low..at].iter().rposition(|byte| !class(*byte)).map_or(low, |last| low + last + 1)
}

/// The byte at a place, or a space outside of the text.
pub(crate) fn byte(bytes: &[u8], at: usize) -> u8 {
    bytes.get(at).copied().unwrap_or(b' ')
}

/// The byte before a place, or a space at the start.
pub(crate) fn byte_before(bytes: &[u8], at: usize) -> u8 {
    at.checked_sub(1).map_or(b' ', |before| byte(bytes, before))
}

/// Whether a value can begin here: not inside a word, unless what is before is an escape such as `%3D` or `\n`.
pub(crate) fn starts_a_word(bytes: &[u8], at: usize) -> bool {
    if !byte_before(bytes, at).is_ascii_alphanumeric() {
        return true;
    }
    let before = &bytes[at.saturating_sub(6)..at];
    match before {
        [.., b'%', high, low] | [.., b'\\', b'x', high, low] | [.., b'\\', b'u', b'0', b'0', high, low] => {
            high.is_ascii_hexdigit() && low.is_ascii_hexdigit()
        }
        [.., b'\\', b'n' | b'r' | b't'] => true,
        _ => false,
    }
}

/// Letters, digits, `_` and `-`.
pub(crate) fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-'
}

/// What base64 of either alphabet is made of, padding included.
pub(crate) fn is_base64(byte: u8) -> bool {
    is_word(byte) || matches!(byte, b'+' | b'/' | b'=')
}

/// Whether a value has the look of something generated: digits or mixed case, and no monotony such as `xxxx`.
pub(crate) fn looks_generated(value: &[u8]) -> bool {
    let has_digit = value.iter().any(u8::is_ascii_digit);
    let changes = case_changes(value);
    (has_digit || changes >= 2 && changes * CASE_WORD_LETTERS >= value.len()) && distinct(value) >= value.len().min(6) && !has_mask(value)
}

/// Letters of a word in a name such as `requiredTypesOf`. Where capitals stand closer, no digit is needed to tell a generated value.
const CASE_WORD_LETTERS: usize = 6;

/// Whether small letters and capitals take turns more often than in any name.
pub(crate) fn takes_turns(value: &[u8]) -> bool {
    let turns = value.windows(2).filter(|pair| pair[0].is_ascii_lowercase() != pair[1].is_ascii_lowercase()).count();
    turns * 7 >= value.len() * 2 && distinct(value) >= value.len().min(10) && !has_mask(value)
}

/// How often a lower-case letter is followed by a capital.
fn case_changes(value: &[u8]) -> usize {
    value.windows(2).filter(|pair| pair[0].is_ascii_lowercase() && pair[1].is_ascii_uppercase()).count()
}

/// Whether eight or more bytes that stand for something in documents follow each other, as in `xxxxxxxx`.
pub(crate) fn has_mask(value: &[u8]) -> bool {
    value
        .windows(8)
        .any(|window| matches!(window[0], b'x' | b'X' | b'*' | b'.' | b'#' | b'0') && window.iter().all(|byte| *byte == window[0]))
}

/// Whether a value has the look of drawn letters: small ones, capitals and digits that take turns as they would by chance.
pub(crate) fn looks_random(value: &[u8]) -> bool {
    let any = |class: fn(&u8) -> bool| value.iter().any(class);
    let class = |byte: u8| (byte.is_ascii_lowercase(), byte.is_ascii_uppercase(), byte.is_ascii_digit());
    let turns = value.windows(2).filter(|pair| class(pair[0]) != class(pair[1])).count();
    let is_mixed = any(u8::is_ascii_lowercase) && any(u8::is_ascii_uppercase) && any(u8::is_ascii_digit);
    is_mixed && turns * 5 >= value.len() * 2 && distinct(value) >= value.len().min(10) && !has_mask(value)
}

/// How many different bytes a value has.
pub(crate) fn distinct(value: &[u8]) -> usize {
    let mut seen = [false; 256];
    for byte in value {
        seen[usize::from(*byte)] = true;
    }
    seen.iter().filter(|seen| **seen).count()
}
