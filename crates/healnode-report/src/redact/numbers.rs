//! Numbers that belong to a person: payment cards, bank accounts, phones, social security.
//!
//! Check digits, lengths and neighbours decide. One random number in ten passes Luhn, so a card also needs the length and the
//! first digits of its brand.

use super::kind::{CARD, IBAN, IMEI, PHONE, SSN};
use super::network::{find_dashed_mac, find_dotted_mac, find_ipv4};
use super::scan::{byte, byte_before, run};
use super::span::Spans;

/// Looks at every number of the text.
pub(crate) fn find(text: &str, spans: &mut Spans<'_>) {
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(digit) = bytes[at..].iter().position(u8::is_ascii_digit) {
        let start = at + digit;
        let end = run(bytes, start, |byte| byte.is_ascii_digit());
        look_at(text, start, end, spans);
        at = end;
    }
}

fn look_at(text: &str, start: usize, end: usize, spans: &mut Spans<'_>) {
    let bytes = text.as_bytes();
    let (length, next) = (end - start, byte(bytes, end));
    if length <= 3 && next == b'.' {
        find_ipv4(text, start, spans);
    }
    if length >= 2 && byte_before(bytes, start).is_ascii_uppercase() {
        find_iban(text, start, spans);
    }
    if length <= 2 && (next == b'-' || next.is_ascii_hexdigit()) {
        find_dashed_mac(text, start, spans);
    }
    if length <= 4 && (next == b'.' || next.is_ascii_hexdigit() || byte_before(bytes, start) == b'.') {
        find_dotted_mac(text, start, spans);
    }
    let before = byte_before(bytes, start);
    if before.is_ascii_alphanumeric() || matches!(before, b'_' | b'.' | b'-' | b'+') {
        return;
    }
    if length == 3 && next == b'-' {
        find_ssn(text, start, spans);
    }
    find_card(text, start, spans);
}

/// Collects the digits from `start` on, with single spaces or dashes between. Returns where they end.
fn collect<'a>(bytes: &[u8], start: usize, digits: &'a mut [u8; 24], separators: &[u8]) -> (&'a [u8], usize) {
    let (mut count, mut at, mut end) = (0, start, start);
    while let Some(byte) = bytes.get(at) {
        if byte.is_ascii_digit() && count < digits.len() {
            digits[count] = byte - b'0';
            count += 1;
            end = at + 1;
        } else if !separators.contains(byte) || byte_before(bytes, at) == *byte {
            break;
        }
        at += 1;
    }
    (&digits[..count], end)
}

fn find_card(text: &str, start: usize, spans: &mut Spans<'_>) {
    let bytes = text.as_bytes();
    let mut buffer = [0; 24];
    let separator = bytes[start..].iter().find(|byte| !byte.is_ascii_digit()).copied().unwrap_or(b' ');
    let separators: &[u8] = if matches!(separator, b' ' | b'-') { &[separator] } else { &[] };
    let (digits, end) = collect(bytes, start, &mut buffer, separators);
    let next = byte(bytes, end);
    if next.is_ascii_alphanumeric() || next == b'_' || next == b'.' && byte(bytes, end + 1).is_ascii_digit() {
        return;
    }
    if digits.len() == 15 && luhn(digits) && mentions(text, start, "imei") {
        spans.add(start, end, IMEI);
    } else if is_card(digits) && groups_are_long(&bytes[start..end]) && luhn(digits) {
        spans.add(start, end, CARD);
    }
}

fn is_card(digits: &[u8]) -> bool {
    match digits {
        [4, ..] => matches!(digits.len(), 13 | 16 | 19),
        [5, 1..=5, ..] | [2, 2..=7, ..] => digits.len() == 16,
        [3, 4 | 7, ..] => digits.len() == 15,
        [3, 0 | 6 | 8, ..] => digits.len() == 14,
        [3, 5, ..] => digits.len() == 16,
        [6, 0 | 2 | 4 | 5, ..] => matches!(digits.len(), 16..=19),
        _ => false,
    }
}

/// Whether every group of a written card has four digits or more, but for its last.
fn groups_are_long(card: &[u8]) -> bool {
    let mut groups = card.split(|byte| !byte.is_ascii_digit()).collect::<Vec<_>>();
    groups.pop();
    groups.iter().all(|group| group.len() >= 4)
}

fn luhn(digits: &[u8]) -> bool {
    let weigh = |(place, digit): (usize, &u8)| match (place % 2, digit * 2) {
        (0, _) => u32::from(*digit),
        (_, double) if double > 9 => u32::from(double - 9),
        (_, double) => u32::from(double),
    };
    digits.iter().rev().enumerate().map(weigh).sum::<u32>() % 10 == 0
}

/// Whether a word stands in the 16 bytes before.
fn mentions(text: &str, start: usize, word: &str) -> bool {
    let before = &text.as_bytes()[start.saturating_sub(16)..start];
    before.windows(word.len()).any(|window| window.eq_ignore_ascii_case(word.as_bytes()))
}

fn find_ssn(text: &str, start: usize, spans: &mut Spans<'_>) {
    let bytes = text.as_bytes();
    let Some(number) = text.get(start..start + 11) else {
        return;
    };
    let groups: Vec<&str> = number.split('-').collect();
    let [area, group, serial] = groups[..] else {
        return;
    };
    let has_shape =
        (area.len(), group.len(), serial.len()) == (3, 2, 4) && groups.iter().all(|group| group.bytes().all(|byte| byte.is_ascii_digit()));
    let is_issued = !matches!(area, "000" | "666") && !area.starts_with('9') && group != "00" && serial != "0000";
    let next = byte(bytes, start + 11);
    if has_shape && is_issued && !next.is_ascii_alphanumeric() && next != b'-' {
        spans.add(start, start + 11, SSN);
    }
}

/// Adds the phone number behind a `+`.
pub(crate) fn find_phone(text: &str, start: usize, end: usize, spans: &mut Spans<'_>) {
    let bytes = text.as_bytes();
    let before = byte_before(bytes, start);
    if before.is_ascii_alphanumeric() || matches!(before, b'.' | b'+' | b')') || !matches!(byte(bytes, end), b'1'..=b'9') {
        return;
    }
    let mut buffer = [0; 24];
    let (digits, last) = collect(bytes, end, &mut buffer, b" -.()/");
    let is_grouped = last - end > digits.len();
    let next = byte(bytes, last);
    let digits_min = if is_grouped { 9 } else { 10 };
    if (digits_min..=15).contains(&digits.len()) && !next.is_ascii_alphanumeric() && next != b'_' {
        spans.add(start, last, PHONE);
    }
}

/// Names of fields that hold a phone number, in lower case.
pub(crate) const PHONES: &[&str] =
    &["phone", "phone number", "phone_number", "phonenumber", "mobile", "mobile number", "tel", "telephone", "cell", "fax"];

/// Adds the number of 9 to 15 digits behind one of [`PHONES`]. It needs no `+`, and may begin with a parenthesis.
pub(crate) fn find_phone_field(text: &str, start: usize, end: usize, spans: &mut Spans<'_>) {
    let bytes = text.as_bytes();
    if byte_before(bytes, start).is_ascii_alphanumeric() {
        return;
    }
    let from = run(&bytes[..bytes.len().min(end + 6)], end, |byte| matches!(byte, b':' | b'=' | b' ' | b'"' | b'\''));
    if !matches!(byte(bytes, from), b'0'..=b'9' | b'(') || from == end {
        return;
    }
    let mut buffer = [0; 24];
    let opening = usize::from(byte(bytes, from) == b'(');
    let (digits, last) = collect(bytes, from + opening, &mut buffer, b" -.()/");
    let next = byte(bytes, last);
    if (9..=15).contains(&digits.len()) && !next.is_ascii_alphanumeric() && next != b'_' {
        spans.add(from, last, PHONE);
    }
}

/// Longest IBAN, in characters, and with a space after every four.
const IBAN_CHARACTERS_MAX: usize = 34;

/// Adds the IBAN whose check digits begin at `digits`.
fn find_iban(text: &str, digits: usize, spans: &mut Spans<'_>) {
    let bytes = text.as_bytes();
    let Some(start) = digits.checked_sub(2) else {
        return;
    };
    if !bytes[start..digits].iter().all(u8::is_ascii_uppercase) || byte_before(bytes, start).is_ascii_alphanumeric() {
        return;
    }
    let mut account = Vec::with_capacity(IBAN_CHARACTERS_MAX);
    let mut best = None;
    let mut at = start;
    while account.len() < IBAN_CHARACTERS_MAX {
        let here = byte(bytes, at);
        let is_gap = here == b' ' && account.len().is_multiple_of(4) && byte(bytes, at + 1) != b' ';
        if here.is_ascii_digit() || here.is_ascii_uppercase() {
            account.push(here);
        } else if !is_gap || at >= bytes.len() {
            break;
        }
        at += 1;
        if account.len() >= 15 && !byte(bytes, at).is_ascii_alphanumeric() && mod_97(&account) == 1 {
            best = Some(at);
        }
    }
    if let Some(end) = best {
        spans.add(start, end, IBAN);
    }
}

fn mod_97(account: &[u8]) -> u32 {
    let (country, number) = account.split_at(4);
    number.iter().chain(country).fold(0, |rest, character| match character {
        b'0'..=b'9' => (rest * 10 + u32::from(character - b'0')) % 97,
        _ => (rest * 100 + u32::from(character - b'A') + 10) % 97,
    })
}
