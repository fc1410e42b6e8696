//! Ids of many parts: of pods, of resources in a cloud, of orders.
//!
//! Walks bytes from the first part on and says where the id ends.

use super::class::{byte, byte_before, from, is_digit, is_hex, is_word, run, run_back};

/// The letters and digits of which a cluster makes the parts of a pod's name: none that could spell a word.
fn is_pod_byte(byte: u8) -> bool {
    matches!(byte, b'2' | b'4'..=b'9' | b'b'..=b'z') && !matches!(byte, b'e' | b'i' | b'o' | b'u' | b'y')
}

/// Whether a word is the last part of a pod's name, as it is behind a hash.
pub(crate) fn is_pod_suffix(word: &[u8]) -> bool {
    word.len() == 5 && word.iter().all(|byte| is_pod_byte(*byte))
}

/// End of the hash of a pod's template and of the part behind it, as in `7d9f8b6c5d-x2x7z`.
pub(crate) fn pod_end(bytes: &[u8], start: usize, end: usize) -> Option<usize> {
    let last = end + 6;
    let is_pod = (6..=10).contains(&(end - start))
        && byte(bytes, end) == b'-'
        && bytes[start..end].iter().all(|byte| is_pod_byte(*byte))
        && !is_word(byte(bytes, last))
        && bytes.get(end + 1..last).is_some_and(is_pod_suffix);
    is_pod.then_some(last)
}

/// Whether a word is the random part of a name such as `agent-x2k7p`. Without a digit it is a word.
pub(crate) fn is_random_suffix(bytes: &[u8], start: usize, end: usize) -> bool {
    let word = &bytes[start..end];
    byte_before(bytes, start) == b'-' && is_pod_suffix(word) && word.iter().any(|byte| is_digit(*byte)) && !is_word(byte(bytes, end))
}

/// Whether a word is the hash in the default text of a Java object, `Type@3ac9f01e`.
pub(crate) fn is_object_hash(bytes: &[u8], start: usize, end: usize) -> bool {
    let type_end = start.saturating_sub(1);
    end - start <= 16
        && byte_before(bytes, start) == b'@'
        && (is_word(byte_before(bytes, type_end)) || byte_before(bytes, type_end) == b';')
        && bytes[start..end].iter().all(|byte| is_hex(*byte))
}

/// The region and the account in the name of a cloud's resource, `arn:aws:sqs:eu-north-1:112233445566:queue`: where they begin and
/// end.
pub(crate) fn account_of_resource(bytes: &[u8], start: usize) -> Option<(usize, usize)> {
    let field = |at: usize| {
        let window = &bytes[..bytes.len().min(at + 32)];
        let end = run(window, at, |byte| is_word(byte) || byte == b'-');
        (byte(bytes, end) == b':').then_some(end)
    };
    let partition = field(start + 4)?;
    let service = field(partition + 1)?;
    let region = field(service + 1)?;
    let account = field(region + 1)?;
    (account > service + 2).then_some((service + 1, account))
}

/// End of a code such as `B25-04`: one or two capitals with digits, a hyphen, more digits.
pub(crate) fn code_end(bytes: &[u8], start: usize, end: usize) -> Option<usize> {
    let word = &bytes[start..end];
    let letters = word.iter().take_while(|byte| byte.is_ascii_uppercase()).count();
    let is_code = (1..=2).contains(&letters) && word.len() <= letters + 4 && word[letters..].iter().all(|byte| is_digit(*byte));
    let digits = run(bytes, end + 1, is_digit);
    (is_code && byte(bytes, end) == b'-' && digits > end + 1 && !is_word(byte(bytes, digits))).then_some(digits)
}

/// End of up to three capitals behind a number, `81324-RW`. One `D` is a dimension.
pub(crate) fn number_suffix_end(bytes: &[u8], end: usize) -> usize {
    let letters = run(&bytes[..bytes.len().min(end + 5)], end + 1, |byte| byte.is_ascii_uppercase());
    let count = letters.saturating_sub(end + 1);
    let is_suffix =
        byte(bytes, end) == b'-' && (1..=3).contains(&count) && !is_word(byte(bytes, letters)) && from(bytes, end + 1)[..count] != *b"D";
    if is_suffix { letters } else { end }
}

/// Length of the two to five small letters with an underscore that stand before `at`, and begin a name.
pub(crate) fn prefix_length(bytes: &[u8], at: usize) -> usize {
    let Some(end) = at.checked_sub(1).filter(|end| bytes[*end] == b'_') else {
        return 0;
    };
    let start = run_back(bytes, end, 6, |byte| byte.is_ascii_lowercase());
    let before = byte_before(bytes, start);
    let begins = !is_word(before) && !matches!(before, b'_' | b'-' | b'.' | b'/');
    if begins && (2..=5).contains(&(end - start)) { at - start } else { 0 }
}

/// Length of a code's groups, in bytes, and how many there are.
const GROUP_BYTES: std::ops::RangeInclusive<usize> = 3..=6;
const GROUPS: std::ops::RangeInclusive<usize> = 3..=6;

/// End of a code of groups of one length, `AU7-XK2-99Q`: capitals and digits, both in at least two of the groups.
pub(crate) fn groups_end(bytes: &[u8], start: usize) -> Option<usize> {
    let is_part = |byte: u8| is_digit(byte) || byte.is_ascii_uppercase();
    let length = run(&bytes[..bytes.len().min(start + 8)], start, is_part) - start;
    let (mut at, mut count, mut mixed) = (start, 0, 0);
    if !GROUP_BYTES.contains(&length) {
        return None;
    }
    while count <= *GROUPS.end() {
        let end = run(&bytes[..bytes.len().min(at + length + 1)], at, is_part);
        if end - at != length {
            return None;
        }
        let digits = bytes[at..end].iter().filter(|byte| is_digit(**byte)).count();
        mixed += usize::from(digits > 0 && digits < length);
        count += 1;
        at = end + 1;
        if byte(bytes, end) != b'-' {
            return (GROUPS.contains(&count) && mixed >= 2 && !is_word(byte(bytes, end))).then_some(end);
        }
    }
    None
}

/// Length of the directories `3f/` before a hash, at most two: stores spread their objects so.
pub(crate) fn shard_length(bytes: &[u8], start: usize, end: usize) -> usize {
    let is_shard = |at: usize| at >= 4 && bytes[at - 1] == b'/' && bytes[at - 4] == b'/' && is_hex(bytes[at - 2]) && is_hex(bytes[at - 3]);
    if byte_before(bytes, start) != b'/' || !bytes[start..end].iter().all(|byte| is_hex(*byte)) {
        return 0;
    }
    match (is_shard(start), is_shard(start.saturating_sub(3))) {
        (true, true) => 6,
        (true, false) => 3,
        _ => 0,
    }
}

/// Shortest hash whose first digits are a directory, in bytes.
pub(crate) const SHARDED_BYTES_MIN: usize = 30;

/// Whether a word stands behind the `$$` of a class that a library made.
pub(crate) fn is_made_up(bytes: &[u8], start: usize, end: usize) -> bool {
    bytes[..start].ends_with(b"$$") && bytes[start..end].iter().all(|byte| is_hex(*byte))
}

/// Whether a capital with a number is one of several in brackets, `[C12][S34]`: of a connection, of a stream.
pub(crate) fn is_in_chain(bytes: &[u8], start: usize, end: usize) -> bool {
    bytes[start].is_ascii_uppercase()
        && bytes[start + 1..end].iter().all(|byte| is_digit(*byte))
        && byte_before(bytes, start) == b'['
        && (from(bytes, end).starts_with(b"][") || bytes[..start].ends_with(b"][") && byte(bytes, end) == b']')
}

/// End of a phone number whose first part is in parentheses: `(202) 555-0143`.
pub(crate) fn phone_end(bytes: &[u8], at: usize) -> Option<usize> {
    let area = run(&bytes[..bytes.len().min(at + 6)], at + 1, is_digit);
    if !(3..=5).contains(&(area - at)) || byte(bytes, area) != b')' {
        return None;
    }
    let start = area + 1 + usize::from(byte(bytes, area + 1) == b' ');
    let window = &bytes[..bytes.len().min(start + 12)];
    let mut end = run(window, start, |byte| is_digit(byte) || matches!(byte, b'-' | b' ' | b'.'));
    while end > start && !is_digit(bytes[end - 1]) {
        end -= 1;
    }
    let digits = bytes[start.min(end)..end].iter().filter(|byte| is_digit(**byte)).count();
    let has_groups = bytes[start.min(end)..end].iter().any(|byte| matches!(byte, b'-' | b'.'));
    ((6..=8).contains(&digits) && has_groups && !is_word(byte(bytes, end))).then_some(end)
}

/// Longest id of several parts, in bytes.
const VALUE_BYTES_MAX: usize = 96;

/// End of the parts that go on with an id behind its first.
pub(crate) fn value_end(bytes: &[u8], end: usize) -> usize {
    let window = &bytes[..bytes.len().min(end + VALUE_BYTES_MAX)];
    let mut last = run(window, end, |byte| is_word(byte) || matches!(byte, b'-' | b'_'));
    while last > end && !is_word(bytes[last - 1]) {
        last -= 1;
    }
    run(bytes, last, is_word)
}

/// Length of the account and the sign before the address of a machine, `deploy@10.0.0.5`.
pub(crate) fn account_length(bytes: &[u8], at: usize) -> usize {
    let Some(sign) = at.checked_sub(1).filter(|sign| bytes[*sign] == b'@') else {
        return 0;
    };
    let start = run_back(bytes, sign, 32, |byte| is_word(byte) || matches!(byte, b'.' | b'_' | b'-'));
    if start < sign && !matches!(byte_before(bytes, start), b'/' | b'@' | b'>') { at - start } else { 0 }
}

/// Whether a word opens a line of a Go logger: a level, month and day, then the time, as in `I1125 13:10:32.004512`.
pub(crate) fn is_log_header(bytes: &[u8], start: usize, end: usize) -> bool {
    let is_time = |text: &[u8]| matches!(text, [b' ', h, i, b':', m, n, b':', ..] if [h, i, m, n].iter().all(|byte| is_digit(**byte)));
    end - start == 5
        && matches!(bytes[start], b'I' | b'W' | b'E' | b'F')
        && bytes[start + 1..end].iter().all(|byte| is_digit(*byte))
        && is_time(from(bytes, end))
}

/// Longest digit of another script, in bytes, and which are known: Arabic, Persian, Devanagari, full width.
pub(crate) fn foreign_digit_length(bytes: &[u8], at: usize) -> usize {
    match from(bytes, at) {
        [0xd9, 0xa0..=0xa9, ..] | [0xdb, 0xb0..=0xb9, ..] => 2,
        [0xe0, 0xa5, 0xa6..=0xaf, ..] | [0xef, 0xbc, 0x90..=0x99, ..] => 3,
        _ => 0,
    }
}
