//! Headers of HTTP that carry credentials, in requests, in logs of requests, and in code.

use super::kind::{AUTHORIZATION, COOKIE};
use super::references::is_blank_or_reference;
use super::scan::{byte, byte_before, is_base64, is_word, judged, run, starts_a_word};
use super::span::Spans;

/// Longest value of an `Authorization` header, in bytes. Servers allow 8 KiB, some 16.
const VALUE_BYTES_MAX: usize = 16 * 1024;

/// The credentials of an `Authorization` header whose value begins at `start`, scheme included. With the name in full, any word
/// may be the scheme.
pub(crate) fn authorization(text: &str, name: &str, start: usize) -> Option<(usize, usize)> {
    let bytes = text.as_bytes();
    let from = run(&bytes[..bytes.len().min(start + 4)], start, |byte| matches!(byte, b'"' | b'\'' | b'\\' | b'['));
    let window = &bytes[from..bytes.len().min(from + VALUE_BYTES_MAX)];
    let line = from + value_end(window, from > start || is_quoted_name(bytes, start));
    let value = text.get(from..line)?.trim_end();
    let (scheme, rest) = value.split_once(' ').unwrap_or((value, ""));
    if rest.is_empty() {
        let is_generated = scheme.len() >= 8 && scheme.bytes().any(|byte| byte.is_ascii_digit());
        return (is_generated && !is_blank_or_reference(scheme)).then_some((from, from + value.len()));
    }
    let credentials = rest.split(' ').next().unwrap_or_default();
    let may_be_scheme = is_full_name(name) && scheme.bytes().all(is_word) && look_generated(credentials);
    if !is_scheme(scheme) && !may_be_scheme {
        return None;
    }
    let end = if is_list_scheme(scheme) { from + value.len() } else { from + scheme.len() + 1 + rest.find(' ').unwrap_or(rest.len()) };
    let is_placeholder = credentials.starts_with('<') && rest.contains('>');
    (!is_blank_or_reference(credentials) && !is_placeholder && credentials.len() >= 4).then_some((from, end))
}

const SCHEMES: &[&str] =
    &["basic", "bearer", "digest", "token", "negotiate", "ntlm", "apikey", "api-key", "bot", "hawk", "sso-key", "oauth"];

/// Whether a scheme's credentials are a list that runs to the end of the line.
fn is_list_scheme(word: &str) -> bool {
    word.eq_ignore_ascii_case("digest") || word.eq_ignore_ascii_case("oauth") || word.starts_with("AWS4")
}

fn is_scheme(word: &str) -> bool {
    SCHEMES.iter().any(|scheme| scheme.eq_ignore_ascii_case(word)) || word.starts_with("AWS4-HMAC")
}

fn is_full_name(name: &str) -> bool {
    ["authorization", "proxy-authorization"].iter().any(|full| full.eq_ignore_ascii_case(name))
}

/// Whether a word behind an unknown scheme is no word of prose.
fn look_generated(credentials: &str) -> bool {
    let value = credentials.trim_end_matches([':', '.', ',', ';', '=']);
    value.len() >= 8 && value.bytes().any(|byte| byte.is_ascii_digit() || matches!(byte, b':' | b'=' | b'+' | b'~' | b'$' | b'%'))
}

fn is_quoted_name(bytes: &[u8], start: usize) -> bool {
    matches!(byte_before(bytes, start), b'"' | b'\'')
}

/// Length of a header's value: to the closing quote or the end of the line.
fn value_end(value: &[u8], is_quoted: bool) -> usize {
    let quote = run(value, 0, |byte| !matches!(byte, b'"' | b'\'' | b'\n'));
    if is_quoted || byte(value, quote) != b'"' {
        return if byte(value, quote.saturating_sub(1)) == b'\\' { quote - 1 } else { quote };
    }
    if byte(value, quote.saturating_sub(1)) == b'=' {
        return run(value, 0, |byte| byte != b'\n');
    }
    quote
}

/// Credentials behind a bare `Bearer` or `Basic`, wherever they stand.
pub(crate) fn find_scheme(text: &str, start: usize, end: usize, spans: &mut Spans<'_>) {
    let bytes = text.as_bytes();
    if !starts_a_word(bytes, start) {
        return;
    }
    let is_token = |byte| is_base64(byte) || matches!(byte, b'.' | b'~');
    let from = run(bytes, end, |byte| byte == b' ');
    let to = run(bytes, from, is_token);
    let value = &text[from..to];
    let is_credential = if text[start..].starts_with(['b', 'B']) && end - start == 6 {
        decodes_to_a_pair(value.as_bytes())
    } else {
        let is_pair = value.trim_end_matches('=').contains('=');
        value.len() >= 8 && value.bytes().any(|byte| byte.is_ascii_digit()) && !value.starts_with('/') && !is_pair
    };
    if is_credential {
        spans.add(from, to, AUTHORIZATION);
    }
}

/// Whether base64 holds printable text with a colon: a user and a password.
fn decodes_to_a_pair(value: &[u8]) -> bool {
    let digits: Vec<u8> = value.iter().map_while(|byte| base64_digit(*byte)).take(512).collect();
    let mut has_colon = false;
    for group in digits.chunks_exact(4) {
        let bits = group.iter().fold(0_u32, |bits, digit| bits << 6 | u32::from(*digit));
        for byte in [bits >> 16, bits >> 8, bits].map(|bits| bits as u8) {
            has_colon |= byte == b':';
            if byte < b' ' || byte == 0x7f {
                return false;
            }
        }
    }
    has_colon || digits.len() >= 8 && digits.len() < 12 && value.ends_with(b"=")
}

fn base64_digit(byte: u8) -> Option<u8> {
    match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'+' | b'-' => Some(62),
        b'/' | b'_' => Some(63),
        _ => None,
    }
}

/// The pairs of a `Cookie` or `Set-Cookie` header, to the end of the line or the closing quote.
pub(crate) fn find_cookie(text: &str, start: usize, end: usize, spans: &mut Spans<'_>) {
    let bytes = text.as_bytes();
    if spans.is_in_value(start) {
        return;
    }
    let from = run(bytes, end, |byte| matches!(byte, b' ' | b'"' | b'\'' | b'\\'));
    let name = run(bytes, from, is_word);
    if byte(bytes, name) != b'=' || name == from {
        return;
    }
    let is_value = |byte| !matches!(byte, b'"' | b'\'' | b'\n' | b'\\');
    let to = run(judged(text, name).as_bytes(), name, is_value);
    if !is_blank_or_reference(text.get(name + 1..to).unwrap_or_default()) {
        spans.add_value(from, run(bytes, to, is_value), COOKIE);
    }
}
