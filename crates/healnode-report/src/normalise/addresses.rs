//! Addresses that are more than a number: of IPv6, of a network card, of a mailbox, of a host.
//!
//! Walks bytes from the first on and says where the address ends. A host's name is variable only when one of its labels is
//! numbered, or when the text says that it is the other end.

use std::net::Ipv6Addr;

use super::class::{byte, byte_before, from, is_digit, is_hex, is_letter, is_word, run};
use super::lists::{DOMAINS, ENDINGS, among};
use super::names::{Verdict, is_name, judge};

/// Longest address of IPv6 as text, in bytes.
const IPV6_BYTES_MAX: usize = 45;

/// End of the address of IPv6 that begins at `at`, with its zone.
pub(crate) fn ipv6_end(bytes: &[u8], at: usize) -> Option<usize> {
    let window = &bytes[..bytes.len().min(at + IPV6_BYTES_MAX + 1)];
    let mut end = run(window, at, |byte| is_hex(byte) || matches!(byte, b':' | b'.'));
    while end > at + 2 && (bytes[end - 1] == b'.' || bytes[end - 1] == b':' && bytes[end - 2] != b':') {
        end -= 1;
    }
    let candidate = bytes.get(at..end)?;
    let is_plausible = candidate.iter().filter(|byte| **byte == b':').count() >= 2 && candidate.iter().any(|byte| is_digit(*byte));
    let next = byte(bytes, end);
    if !is_plausible || is_word(next) || matches!(next, b'_' | b'(') {
        return None;
    }
    str::from_utf8(candidate).ok()?.parse::<Ipv6Addr>().ok()?;
    let zone = run(bytes, end + 1, is_word);
    Some(if next == b'%' && zone > end + 1 && zone <= end + 16 { zone } else { end })
}

/// End of the address of a network card that begins at `at`: six pairs of hexadecimal digits, or three groups of four.
pub(crate) fn mac_end(bytes: &[u8], at: usize) -> Option<usize> {
    let pairs = from(bytes, at).get(..17).filter(|text| {
        let separator = text[2];
        matches!(separator, b':' | b'-')
            && text.iter().enumerate().all(|(index, byte)| if index % 3 == 2 { *byte == separator } else { is_hex(*byte) })
    });
    let groups = || {
        from(bytes, at)
            .get(..14)
            .filter(|text| text.iter().enumerate().all(|(index, byte)| if index % 5 == 4 { *byte == b'.' } else { is_hex(*byte) }))
            .filter(|text| text.iter().any(|byte| is_digit(*byte)))
    };
    let end = at + pairs.or_else(groups)?.len();
    let next = byte(bytes, end);
    let goes_on = is_word(next) || matches!(next, b':' | b'-') && is_hex(byte(bytes, end + 1));
    (!goes_on).then_some(end)
}

/// End of the UUID that begins at `at`.
pub(crate) fn uuid_end(bytes: &[u8], at: usize) -> Option<usize> {
    let text = from(bytes, at).get(..36)?;
    let is_uuid =
        text.iter().enumerate().all(|(index, byte)| if matches!(index, 8 | 13 | 18 | 23) { *byte == b'-' } else { is_hex(*byte) });
    (is_uuid && !is_word(byte(bytes, at + 36))).then_some(at + 36)
}

/// End of the four numbers of an address in a host's name, `ip-10-0-1-23`, that begins at `at`.
pub(crate) fn dashed_address_end(bytes: &[u8], at: usize) -> Option<usize> {
    let mut end = at + 2;
    for _ in 0..4 {
        let digits = run(bytes, end + 1, is_digit);
        if byte(bytes, end) != b'-' || digits <= end + 1 || digits > end + 4 {
            return None;
        }
        end = digits;
    }
    (!is_word(byte(bytes, end)) && byte(bytes, end) != b'-').then_some(end)
}

/// Longest name of a mailbox, in bytes.
pub(crate) const MAILBOX_BYTES_MAX: usize = 64;

/// End of the e-mail address that begins at `at` and has its `@` at `sign`.
pub(crate) fn email_end(bytes: &[u8], at: usize, sign: usize) -> Option<usize> {
    if sign == at || sign > at + MAILBOX_BYTES_MAX || !bytes[at..sign].iter().all(|byte| is_word(*byte) || b"._%+-".contains(byte)) {
        return None;
    }
    let (end, last) = labels(bytes, sign + 1);
    let is_domain = last > sign + 1 && bytes[last..end].iter().all(|byte| is_letter(*byte)) && (2..=24).contains(&(end - last));
    is_domain.then_some(end)
}

/// Longest name of a host, in bytes.
const HOST_BYTES_MAX: usize = 128;

/// End of the labels of letters, digits and hyphens with dots between, and where the last of them begins.
fn labels(bytes: &[u8], at: usize) -> (usize, usize) {
    let window = &bytes[..bytes.len().min(at + HOST_BYTES_MAX)];
    let (mut end, mut last) = (at, at);
    loop {
        end = run(window, end, |byte| is_word(byte) || byte == b'-');
        if byte(window, end) != b'.' || !is_word(byte(window, end + 1)) {
            return (end, last);
        }
        last = end + 1;
        end = last;
    }
}

/// A host's name with its domain.
pub(crate) struct Host {
    /// Where it ends.
    pub(crate) end: usize,
    /// Whether one of its labels is numbered, so that it is one host of many.
    pub(crate) is_numbered: bool,
}

/// The host's name that begins at `at`.
pub(crate) fn host_at(bytes: &[u8], at: usize) -> Option<Host> {
    let (end, last) = labels(bytes, at);
    if last == at || matches!(byte(bytes, end), b'_' | b'(') || bytes[end - 1] == b'-' {
        return None;
    }
    let ending = &bytes[last..end];
    let has_letters = bytes[at..last].iter().any(|byte| is_letter(*byte));
    let is_country = || ending.len() == 2 && ending.iter().all(u8::is_ascii_lowercase) && bytes[at..last - 1].contains(&b'.');
    if !has_letters || !(among(DOMAINS, ending) || is_country()) || among(ENDINGS, ending) {
        return None;
    }
    let first = bytes[at..last - 1].split(|byte| *byte == b'.').next().unwrap_or_default();
    let has_domain = first.len() + at + 1 < last;
    let is_numbered = has_domain && is_machine_number(first) || bytes[at..last - 1].split(|byte| *byte == b'.').any(is_numbered);
    Some(Host { end, is_numbered })
}

/// End of the domain that begins at `at`, behind the first labels of a host's name.
pub(crate) fn domain_end(bytes: &[u8], at: usize) -> Option<usize> {
    let (end, last) = labels(bytes, at);
    let ending = bytes.get(last..end)?;
    let is_country = ending.len() == 2 && ending.iter().all(u8::is_ascii_lowercase);
    (last > at && (is_country || among(DOMAINS, ending)) && !among(ENDINGS, ending)).then_some(end)
}

/// Whether a label has a number that no name has. A region of a cloud, such as `eu-west-1`, names
/// a place.
fn is_numbered(label: &[u8]) -> bool {
    let has_number = |part: &[u8]| part.iter().any(|byte| is_digit(*byte)) && (judge(part) != Verdict::Keep || is_machine(part));
    !is_region(label) && label.split(|byte| *byte == b'-').any(has_number)
}

/// Services with a number in their name.
const NUMBERED_SERVICES: &[&[u8]] = &[b"auth0", b"b2", b"ec2", b"r2"];

/// Whether the first label of a name is letters with up to three digits, as in `mx1` or `nm12`, and no service.
fn is_machine_number(label: &[u8]) -> bool {
    let letters = run(label, 0, is_letter);
    let digits = label.len() - letters;
    (2..=8).contains(&letters)
        && (1..=3).contains(&digits)
        && label[letters..].iter().all(|byte| is_digit(*byte))
        && !is_name(&label[..letters])
        && !NUMBERED_SERVICES.contains(&label)
}

/// Longest name of a region, in bytes.
const REGION_BYTES_MAX: usize = 16;

fn is_region(label: &[u8]) -> bool {
    let mut parts = label.split(|byte| *byte == b'-');
    let is_country = parts.next().is_some_and(|first| first.len() == 2 && first.iter().all(u8::is_ascii_lowercase));
    let is_number = parts.next_back().is_some_and(|last| last.len() == 1 && is_digit(last[0]));
    is_country && is_number && label.len() <= REGION_BYTES_MAX && parts.next().is_some_and(|name| name.iter().all(u8::is_ascii_lowercase))
}

/// Whether a part of a label is in capitals, as a machine's generated name is.
fn is_machine(part: &[u8]) -> bool {
    part.len() >= 6 && !part.iter().any(u8::is_ascii_lowercase)
}

/// Whether an address stands behind a host's name, as in `host [10.0.0.1]`.
pub(crate) fn is_followed_by_address(bytes: &[u8], end: usize) -> bool {
    let open = end + usize::from(byte(bytes, end) == b' ');
    let digits = run(bytes, open + 1, is_digit);
    matches!(byte(bytes, open), b'[' | b'(')
        && (from(bytes, open + 1).starts_with(b"<*>") || digits > open + 1 && digits <= open + 4 && byte(bytes, digits) == b'.')
}

/// Whether a name can begin at a place: not inside a word.
pub(crate) fn starts_a_name(bytes: &[u8], at: usize) -> bool {
    let before = byte_before(bytes, at);
    !is_word(before) && !matches!(before, b'.' | b'-' | b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_found_whole() {
        for text in ["fe80::1ff:fe23:4567:890a", "::1", "::ffff:10.1.2.3", "fe80::1%eth0", "2001:db8:0:0:0:0:0:1"] {
            assert_eq!(ipv6_end(text.as_bytes(), 0), Some(text.len()), "{text}");
        }
        for text in ["0a:1b:2c:3d:4e:5f", "0A-1B-2C-3D-4E-5F", "0a1b.2c3d.4e5f"] {
            assert_eq!(mac_end(text.as_bytes(), 0), Some(text.len()), "{text}");
        }
        assert_eq!(uuid_end(b"550e8400-e29b-41d4-a716-446655440000", 0), Some(36));
        assert_eq!(email_end(b"a.b@c.example.org", 0, 3), Some(17));
    }

    #[test]
    fn what_only_looks_like_an_address_is_none() {
        for text in ["12:34:56", "abc::def", "a::b::c", "Vec::new", "10:5"] {
            assert_eq!(ipv6_end(text.as_bytes(), 0), None, "{text}");
        }
    }

    #[test]
    fn a_host_is_numbered_or_named() {
        let numbered = |text: &str| host_at(text.as_bytes(), 0).map(|host| host.is_numbered);
        for text in [
            "ip-10-0-0-1.eu-west-1.compute.internal",
            "node-12.shop.test",
            "220-135-1-1.dsl.example.net",
            "web3.example.com",
            "db-7.internal",
        ] {
            assert_eq!(numbered(text), Some(true), "{text}");
        }
        for text in ["api.example.com", "s3.eu-west-1.example.com", "db.shop.lan"] {
            assert_eq!(numbered(text), Some(false), "{text}");
        }
        for text in ["report-12.csv", "libfoo.so.8", "1.2.3", "org.shop.v2.Cart", "main.rs"] {
            assert_eq!(numbered(text), None, "{text}");
        }
    }
}
