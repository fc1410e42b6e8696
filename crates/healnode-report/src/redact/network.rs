//! Addresses that lead to a person or a machine: e-mail, public IP and hardware addresses.
//!
//! Private, loopback and documentation addresses stay: they tell what is wrong and lead nowhere.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::kind::{EMAIL, IP, MAC};
use super::scan::{byte, byte_before, run, run_back};
use super::span::Spans;

/// Longest local part and longest domain of an e-mail address, in bytes (RFC 5321).
const LOCAL_BYTES_MAX: usize = 64;
const DOMAIN_BYTES_MAX: usize = 255;

/// Endings behind a dot that make `name@word.ending` a unit, a file or a package and no address.
const OTHER_ENDINGS: &[&str] = &[
    "service", "socket", "timer", "target", "mount", "device", "scope", "slice", "png", "jpg", "jpeg", "gif", "svg", "webp", "js", "mjs",
    "cjs", "ts", "css", "py", "rb", "rs", "go", "java", "json", "lock", "so", "dll", "local", "git",
];

/// Adds the e-mail address around an `@` or `%40`.
pub(crate) fn find_email(text: &str, start: usize, end: usize, spans: &mut Spans<'_>) {
    let bytes = text.as_bytes();
    let is_local = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'%' | b'+' | b'-');
    let mut from = run_back(bytes, start, LOCAL_BYTES_MAX, is_local);
    while from < start && !bytes[from].is_ascii_alphanumeric() {
        from += 1;
    }
    let window = &bytes[..bytes.len().min(end + DOMAIN_BYTES_MAX)];
    let run_end = run(window, end, |byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-'));
    let to = end + bytes[end..run_end].iter().rposition(|byte| byte.is_ascii_alphanumeric()).map_or(0, |last| last + 1);
    let (local, domain) = (&text[from..start], &text[end..to]);
    if !local.is_empty() && local != "git" && !is_user_info(text, from) && is_domain(domain) {
        spans.add(from, to, EMAIL);
    }
}

/// Whether a local part is the user or the password of a URL, which another rule judges.
fn is_user_info(text: &str, from: usize) -> bool {
    let bytes = text.as_bytes();
    let start = run_back(bytes, from, LOCAL_BYTES_MAX, |byte| byte.is_ascii_alphanumeric() || matches!(byte, b':' | b'_' | b'-' | b'.'));
    bytes[..from].ends_with(b"://") || byte_before(bytes, from) == b':' && bytes[..start].ends_with(b"://")
}

fn is_domain(domain: &str) -> bool {
    let Some((name, ending)) = domain.rsplit_once('.') else {
        return false;
    };
    let is_ending = (2..=24).contains(&ending.len()) && ending.bytes().all(|byte| byte.is_ascii_alphabetic());
    is_ending
        && !name.is_empty()
        && name.split('.').all(|label| !label.is_empty())
        && !OTHER_ENDINGS.iter().any(|other| other.eq_ignore_ascii_case(ending))
}

/// Adds the public IPv4 address whose first digit is at `start`.
pub(crate) fn find_ipv4(text: &str, start: usize, spans: &mut Spans<'_>) {
    let bytes = text.as_bytes();
    let end = run(&bytes[..bytes.len().min(start + 16)], start, |byte| byte.is_ascii_digit() || byte == b'.');
    let end = if byte_before(bytes, end) == b'.' { end - 1 } else { end };
    if !stands_alone(bytes, start, end) {
        return;
    }
    if let Ok(address) = text[start..end].parse::<Ipv4Addr>()
        && is_public(address)
        && !follows_version(text, start)
    {
        spans.add(start, end, IP);
    }
}

fn stands_alone(bytes: &[u8], start: usize, end: usize) -> bool {
    let before = byte_before(bytes, start);
    let (next, after) = (byte(bytes, end), byte(bytes, end + 1));
    let follows_name = before == b'/' && byte_before(bytes, start - 1).is_ascii_alphanumeric();
    let is_longer = next == b'.' && after.is_ascii_digit();
    let is_version = next == b'-' && after.is_ascii_alphabetic();
    !before.is_ascii_alphanumeric()
        && !matches!(before, b'.' | b'_' | b'-' | b'@')
        && !follows_name
        && !next.is_ascii_alphanumeric()
        && next != b'_'
        && !is_longer
        && !is_version
}

/// How far before a number with four parts a text may tell that it is a version, in bytes.
const UPGRADE_BYTES_MAX: usize = 40;

/// Whether a word such as `version` stands before, or a text tells of an upgrade.
fn follows_version(text: &str, start: usize) -> bool {
    let around = &text.as_bytes()[start.saturating_sub(UPGRADE_BYTES_MAX)..start];
    if around.windows(5).any(|word| word.eq_ignore_ascii_case(b"pgrad") || word.eq_ignore_ascii_case(b"ngrad")) {
        return true;
    }
    let before = text[..start].trim_end_matches([' ', ':', '=', '"', '\'', '(', '<', '>']);
    let word_start = run_back(before.as_bytes(), before.len(), 12, |byte| byte.is_ascii_alphabetic());
    let word = &before[word_start..];
    [
        "version",
        "ver",
        "v",
        "release",
        "rev",
        "build",
        "driver",
        "firmware",
        "oid",
        "mask",
        "netmask",
        "section",
        "chapter",
        "clause",
        "article",
        "paragraph",
    ]
    .iter()
    .any(|row| row.eq_ignore_ascii_case(word))
}

/// Whether an address leads to someone. Where both middle parts are zero it is mostly the version of an assembly.
fn is_public(address: Ipv4Addr) -> bool {
    let [first, second, third, _] = address.octets();
    let is_version = (second, third) == (0, 0);
    let is_shared = first == 100 && (64..128).contains(&second);
    let is_test_range = first == 198 && (second == 18 || second == 19);
    !(address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_documentation()
        || address.is_multicast()
        || is_shared
        || is_version
        || is_test_range
        || first == 0
        || first >= 240)
}

/// Adds public IPv6 and hardware addresses.
pub(crate) fn find_colon_addresses(text: &str, spans: &mut Spans<'_>) {
    let bytes = text.as_bytes();
    let is_part = |byte: u8| byte.is_ascii_hexdigit() || byte == b':';
    let mut at = 0;
    while let Some(colon) = bytes[at..].iter().position(|byte| *byte == b':') {
        let colon = at + colon;
        let start = run_back(bytes, colon, 4, |byte| byte.is_ascii_hexdigit());
        let end = run(bytes, colon, is_part);
        at = end;
        let is_inside = byte_before(bytes, start).is_ascii_alphanumeric() || byte(bytes, end).is_ascii_alphanumeric();
        if !is_inside {
            add_colon_address(text, start, end, spans);
        }
    }
}

fn add_colon_address(text: &str, start: usize, end: usize, spans: &mut Spans<'_>) {
    let address = text[start..end].trim_end_matches(':');
    if is_mac(address.as_bytes(), b':') {
        spans.add(start, start + address.len(), MAC);
    } else if let Ok(parsed) = address.parse::<Ipv6Addr>()
        && parsed.segments()[0] & 0xe000 == 0x2000
        && parsed.segments()[..2] != [0x2001, 0x0db8]
    {
        spans.add(start, start + address.len(), IP);
    }
}

/// Adds the hardware address in the form `aa-bb-cc-dd-ee-ff` that a digit at `digit` is part of.
pub(crate) fn find_dashed_mac(text: &str, digit: usize, spans: &mut Spans<'_>) {
    let bytes = text.as_bytes();
    let start = run_back(bytes, digit, 16, |byte| byte.is_ascii_hexdigit() || byte == b'-');
    let Some(address) = bytes.get(start..start + 17) else {
        return;
    };
    let is_inside = byte_before(bytes, start).is_ascii_alphanumeric() || super::scan::is_word(byte(bytes, start + 17));
    if is_mac(address, b'-') && !is_inside && byte_before(bytes, start) != b'-' {
        spans.add(start, start + 17, MAC);
    }
}

/// Adds the hardware address in the form `aabb.ccdd.eeff` that a digit at `digit` is part of.
pub(crate) fn find_dotted_mac(text: &str, digit: usize, spans: &mut Spans<'_>) {
    let bytes = text.as_bytes();
    let is_part = |byte: u8| byte.is_ascii_hexdigit() || byte == b'.';
    let start = run_back(bytes, digit, 14, is_part);
    let Some(address) = bytes.get(start..start + 14) else {
        return;
    };
    let groups_are_hex = address.iter().enumerate().all(|(at, byte)| if at % 5 == 4 { *byte == b'.' } else { byte.is_ascii_hexdigit() });
    let has_letter = address.iter().any(u8::is_ascii_alphabetic);
    let next = byte(bytes, start + 14);
    let goes_on = super::scan::is_word(next) || next == b'.' && is_part(byte(bytes, start + 15));
    if groups_are_hex && has_letter && !goes_on && !super::scan::is_word(byte_before(bytes, start)) {
        spans.add(start, start + 14, MAC);
    }
}

fn is_mac(address: &[u8], separator: u8) -> bool {
    address.len() == 17
        && address
            .chunks(3)
            .all(|pair| pair[0].is_ascii_hexdigit() && pair[1].is_ascii_hexdigit() && pair.get(2).is_none_or(|byte| *byte == separator))
}
