//! Numbers in all their forms: with a unit, with separators, as versions, addresses of IPv4, hexadecimal.
//!
//! Walks bytes from the first digit on and says where the number ends and what it is; whether it carries meaning is said in
//! `context`.

use super::class::{byte, from, is_digit, is_hex, is_letter, is_word, run};
use super::dates;
use super::lists::{ATTACHED_UNITS, SPACED_UNITS, among};

/// What begins with a digit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Number {
    /// Always variable: a date, a quantity with its unit, an address.
    Quantity,
    /// Variable, unless a product's name stands before.
    Version,
    /// Variable, unless it is an error number.
    Hex,
    /// Variable, unless it carries meaning.
    Plain,
    /// No number: letters follow directly.
    Mixed,
}

use Number::{Hex, Mixed, Plain, Quantity, Version};

/// The number that begins at a digit, and where it ends.
#[inline]
pub(crate) fn number_at(bytes: &[u8], start: usize) -> (Number, usize) {
    let digits = run(bytes, start, is_digit);
    if dates::may_begin(bytes, start, digits)
        && let Some(end) = dates::date_end(bytes, start)
    {
        return (Quantity, end);
    }
    if digits == start + 1 && bytes[start] == b'0' && byte(bytes, digits) | 0x20 == b'x' && is_hex(byte(bytes, digits + 1)) {
        let end = run(bytes, digits + 1, is_hex);
        return if is_word(byte(bytes, end)) { (Mixed, end) } else { (Hex, end) };
    }
    let groups = Groups::new(bytes, start, digits);
    if groups.are_address() {
        return (Quantity, mask_end(bytes, groups.end));
    }
    if groups.dots >= 2 && groups.others == 0 {
        return (Version, version_end(bytes, groups.end));
    }
    match quantity_end(bytes, groups.end) {
        Some(end) => (Quantity, end),
        None if !is_word(byte(bytes, groups.end)) => (Plain, groups.end),
        None if groups.end > digits => (Plain, digits),
        None => (Mixed, digits),
    }
}

/// End of the version that begins at `at`, behind its `v`.
pub(crate) fn version_at(bytes: &[u8], at: usize) -> Option<usize> {
    let groups = Groups::new(bytes, at, run(bytes, at, is_digit));
    (groups.dots >= 1 && groups.others == 0).then(|| version_end(bytes, groups.end))
}

/// Groups of digits with separators between.
struct Groups {
    end: usize,
    dots: usize,
    others: usize,
    digits_max: usize,
}

impl Groups {
    #[inline]
    fn new(bytes: &[u8], start: usize, digits: usize) -> Groups {
        let mut groups = Groups { end: digits, dots: 0, others: 0, digits_max: digits - start };
        while matches!(byte(bytes, groups.end), b'.' | b',' | b'_') && is_digit(byte(bytes, groups.end + 1)) {
            match bytes[groups.end] {
                b'.' => groups.dots += 1,
                _ => groups.others += 1,
            }
            let end = run(bytes, groups.end + 1, is_digit);
            groups.digits_max = groups.digits_max.max(end - groups.end - 1);
            groups.end = end;
        }
        while byte(bytes, groups.end) == b'\'' && is_apostrophe_group(bytes, groups.end) {
            groups.others += 1;
            groups.end += 4;
        }
        groups
    }

    fn are_address(&self) -> bool {
        self.dots == 3 && self.others == 0 && self.digits_max <= 3
    }
}

/// Three digits behind an apostrophe, as in `1'204'331`.
fn is_apostrophe_group(bytes: &[u8], at: usize) -> bool {
    byte(bytes, at) == b'\''
        && from(bytes, at + 1).iter().take_while(|byte| is_digit(**byte)).take(4).count() == 3
        && !is_word(byte(bytes, at + 4))
}

/// End of an address of IPv4 and of the length of its network's prefix.
fn mask_end(bytes: &[u8], end: usize) -> usize {
    let prefix = run(bytes, end + 1, is_digit);
    let is_mask = byte(bytes, end) == b'/' && matches!(prefix - end, 2 | 3) && !is_word(byte(bytes, prefix)) && byte(bytes, prefix) != b'.';
    if is_mask { prefix } else { end }
}

/// Longest tail of a version, such as `-rc.1+3ac9f01`, in bytes.
const VERSION_TAIL_MAX: usize = 64;

fn version_end(bytes: &[u8], end: usize) -> usize {
    let next = byte(bytes, end);
    let has_tail = is_word(next) || matches!(next, b'-' | b'+') && is_word(byte(bytes, end + 1));
    if !has_tail {
        return end;
    }
    let window = &bytes[..bytes.len().min(end + VERSION_TAIL_MAX)];
    let mut tail = run(window, end, |byte| is_word(byte) || matches!(byte, b'.' | b'+' | b'-'));
    while matches!(bytes[tail - 1], b'.' | b'+' | b'-') {
        tail -= 1;
    }
    run(bytes, tail, is_word)
}

/// End of what makes a number of digits a quantity: a unit, a percent sign, an exponent, further dimensions.
#[inline]
fn quantity_end(bytes: &[u8], end: usize) -> Option<usize> {
    match byte(bytes, end) {
        b'%' if byte(bytes, end + 1) != b'%' => Some(end + 1),
        b' ' => spaced_end(bytes, end),
        b'e' | b'E' if exponent_end(bytes, end).is_some() => exponent_end(bytes, end).map(|end| seconds_end(bytes, end)),
        b'x' | b'X' if is_digit(byte(bytes, end + 1)) => Some(dimensions_end(bytes, end)).filter(|end| !is_word(byte(bytes, *end))),
        letter if is_letter(letter) => attached_end(bytes, end),
        0xc2 | 0xce => micro_end(bytes, end),
        _ => None,
    }
}

/// End of the seconds behind an exponent, `1.2e-05 s`.
fn seconds_end(bytes: &[u8], end: usize) -> usize {
    let is_seconds = byte(bytes, end) == b' ' && byte(bytes, end + 1) == b's' && !is_word(byte(bytes, end + 2));
    if is_seconds { end + 2 } else { end }
}

fn exponent_end(bytes: &[u8], end: usize) -> Option<usize> {
    let sign = usize::from(matches!(byte(bytes, end + 1), b'+' | b'-'));
    let exponent = run(bytes, end + 1 + sign, is_digit);
    (exponent > end + 1 + sign && exponent <= end + 4 + sign && !is_word(byte(bytes, exponent))).then_some(exponent)
}

/// End of `x480` and of all that follow.
fn dimensions_end(bytes: &[u8], mut end: usize) -> usize {
    while byte(bytes, end) | 0x20 == b'x' && is_digit(byte(bytes, end + 1)) {
        end = run(bytes, end + 1, is_digit);
    }
    end
}

/// `µs`, in either of the two characters.
fn micro_end(bytes: &[u8], end: usize) -> Option<usize> {
    let is_micro = from(bytes, end).starts_with("µs".as_bytes()) || from(bytes, end).starts_with("μs".as_bytes());
    (is_micro && !is_word(byte(bytes, end + 3))).then_some(end + 3)
}

/// Longest unit, in bytes.
const UNIT_BYTES_MAX: usize = 12;

/// Most numbers with units that make one duration: days, hours, minutes, seconds and parts of it.
const PARTS_MAX: usize = 6;

/// A unit directly behind, and further numbers with units, as in `1h2m3.5s`.
fn attached_end(bytes: &[u8], mut end: usize) -> Option<usize> {
    for _ in 0..PARTS_MAX {
        let unit = unit_end(bytes, end)?;
        if !is_digit(byte(bytes, unit)) {
            return (!is_word(byte(bytes, unit))).then(|| rate_end(bytes, unit));
        }
        end = Groups::new(bytes, unit, run(bytes, unit, is_digit)).end;
    }
    None
}

fn unit_end(bytes: &[u8], start: usize) -> Option<usize> {
    if matches!(byte(bytes, start), 0xc2 | 0xce) {
        return micro_end(bytes, start);
    }
    let unit = run(&bytes[..bytes.len().min(start + UNIT_BYTES_MAX)], start, is_letter);
    let is_unit = match bytes[start..unit] {
        [letter] => matches!(letter, b's' | b'm' | b'h' | b'd' | b'w' | b'B' | b'K' | b'M' | b'G' | b'T' | b'P'),
        ref letters => among(ATTACHED_UNITS, letters),
    };
    is_unit.then_some(unit)
}

/// A unit, a percent sign or a further dimension behind a space.
#[inline]
fn spaced_end(bytes: &[u8], end: usize) -> Option<usize> {
    let start = end + 1;
    match byte(bytes, start) {
        b'%' if byte(bytes, start + 1) != b'%' => return Some(start + 1),
        b'x' | b'X' if byte(bytes, start + 1) == b' ' && is_digit(byte(bytes, start + 2)) => {
            let digits = run(bytes, start + 2, is_digit);
            return Some(digits).filter(|end| !is_word(byte(bytes, *end)));
        }
        0xc2 | 0xce => return micro_end(bytes, start),
        _ => {}
    }
    let unit = run(&bytes[..bytes.len().min(start + UNIT_BYTES_MAX)], start, is_letter);
    let is_unit = unit > start && !is_word(byte(bytes, unit)) && among(SPACED_UNITS, &bytes[start..unit]);
    is_unit.then(|| rate_end(bytes, unit))
}

/// End of `/s` behind a unit.
fn rate_end(bytes: &[u8], end: usize) -> usize {
    let time = run(&bytes[..bytes.len().min(end + UNIT_BYTES_MAX)], end + 1, is_letter);
    let is_rate = byte(bytes, end) == b'/'
        && matches!(from(bytes, end + 1)[..time - end - 1], [b's'] | [b's', b'e', b'c'] | [b'h'] | [b'm', b'i', b'n']);
    if is_rate { time } else { end }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(number: Number, texts: &[&str]) {
        for text in texts {
            assert_eq!(number_at(text.as_bytes(), 0), (number, text.len()), "{text}");
        }
    }

    #[test]
    fn numbers_are_found_whole() {
        check(
            Quantity,
            &["10.1.2.3/24", "1h2m3.5s", "1.5 GiB", "972.7mb", "12%", "100 %", "640x480", "3 x 4", "1e-9", "2.4e+04", "12 MB/s", "5µs"],
        );
        check(Version, &["1.2.3", "5.13.0-rc.1+3ac9f01", "7.0.12.1234", "3.12.0rc1"]);
        check(Hex, &["0x7f3a", "0XDEADBEEF"]);
        check(Plain, &["31", "1,234,567", "1_000", "0.5", "1'204'331"]);
    }

    #[test]
    fn letters_behind_make_no_number() {
        assert_eq!(number_at(b"3ac9f01", 0), (Mixed, 1));
        assert_eq!(number_at(b"4k", 0), (Mixed, 1));
        assert_eq!(number_at(b"2fa", 0).0, Mixed);
        assert_eq!(number_at(b"802.11ac", 0), (Plain, 3));
    }
}
