//! Credentials in URLs and connection strings: `scheme://user:password@host`, and telling query parameters.

use super::keys::secret_kind;
use super::kind::{CREDENTIALS, Kind, SIGNATURE, TOKEN};
use super::references::{is_blank_or_reference, is_stand_in_pair};
use super::scan::{byte, byte_before, judged, run, run_back};
use super::span::Spans;

/// Longest user and password that are looked for, in bytes.
const USER_INFO_BYTES_MAX: usize = 1024;

/// Adds what stands between `://` and `@`.
pub(crate) fn find_user_info(text: &str, start: usize, end: usize, spans: &mut Spans<'_>) {
    let bytes = text.as_bytes();
    if !byte_before(bytes, start).is_ascii_alphanumeric() {
        return;
    }
    let window = &bytes[..bytes.len().min(end + USER_INFO_BYTES_MAX)];
    let authority = run(window, end, |byte| !is_outside(byte) && !matches!(byte, b'/' | b'?' | b'#'));
    let Some(at) = last_at(&bytes[end..authority]).or_else(|| at_behind_slash(window, end, authority)) else {
        return;
    };
    let user_info = text.get(end..end + at).unwrap_or_default();
    if user_info != "git" && !is_blank_or_reference(user_info) && !is_stand_in_pair(user_info) {
        spans.add(end, end + at, CREDENTIALS);
    }
}

/// Longest user and longest password of a `user:password@host` without a scheme, in bytes.
const BARE_BYTES_MAX: usize = 128;

/// Words before a colon that name where a package comes from, not a user.
const PACKAGE_SOURCES: &[&str] = &["npm", "jsr", "pip", "git", "file", "link", "workspace", "patch", "mailto", "docker", "oci"];

/// Adds `user:password` before an `@` and a host, where no scheme says that it is a URL.
pub(crate) fn find_bare_user_info(text: &str, start: usize, end: usize, spans: &mut Spans<'_>) {
    let bytes = text.as_bytes();
    let is_part = |byte: u8| !is_outside(byte) && !matches!(byte, b'/' | b'@' | b'<' | b'>' | b'(' | b'[' | b'{' | b',' | b';' | b'=');
    let from = run_back(bytes, start, 2 * BARE_BYTES_MAX, is_part);
    let Some((user, password)) = text.get(from..start).and_then(|user_info| user_info.split_once(':')) else {
        return;
    };
    let host_end =
        run(&bytes[..bytes.len().min(end + BARE_BYTES_MAX)], end, |byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-'));
    let is_user = user.bytes().any(|byte| byte.is_ascii_alphabetic())
        && user.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'))
        && !PACKAGE_SOURCES.iter().any(|source| source.eq_ignore_ascii_case(user));
    let is_password = (3..=BARE_BYTES_MAX).contains(&password.len()) && !password.contains(':') && !is_blank_or_reference(password);
    if is_user && is_password && !is_stand_in_pair(&text[from..start]) && is_host(&text[end..host_end]) {
        spans.add(from, start, CREDENTIALS);
    }
}

/// Whether a word behind an `@` is a host, and neither a version nor a digest.
fn is_host(word: &str) -> bool {
    let begins_with_digit = word.starts_with(|c: char| c.is_ascii_digit());
    let is_digest = ["sha256", "sha512", "latest"].contains(&word);
    !word.is_empty() && !is_digest && (!begins_with_digit || word.trim_end_matches('.').parse::<std::net::Ipv4Addr>().is_ok())
}

fn is_outside(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'"' | b'\'' | b'`')
}

fn last_at(authority: &[u8]) -> Option<usize> {
    authority.iter().rposition(|byte| *byte == b'@')
}

/// A password may hold `/`, `?` or `#` without being encoded. What is behind the colon is no port then.
fn at_behind_slash(window: &[u8], start: usize, authority: usize) -> Option<usize> {
    let colon = start + window[start..authority].iter().position(|byte| *byte == b':')?;
    let is_port = window[colon + 1..authority].iter().all(u8::is_ascii_digit);
    if is_port || byte(window, authority) == b' ' {
        return None;
    }
    let end = run(window, authority, |byte| !is_outside(byte));
    last_at(&window[start..end])
}

/// Names of parameters that are secret in a URL and ordinary elsewhere.
const PARAMETERS: &[(&str, Kind)] = &[
    ("sig", SIGNATURE),
    ("signature", SIGNATURE),
    ("x-amz-signature", SIGNATURE),
    ("x-goog-signature", SIGNATURE),
    ("x-amz-security-token", TOKEN),
    ("x-amz-credential", CREDENTIALS),
    ("code", TOKEN),
    ("key", TOKEN),
    ("hmac", SIGNATURE),
    ("ticket", TOKEN),
    ("appid", TOKEN),
    ("oauth_signature", SIGNATURE),
    ("oauth_verifier", TOKEN),
    ("code_verifier", TOKEN),
];

/// What follows the `&` of HTML.
const ESCAPED: &[&[u8]] = &[b"amp;", b"#38;", b"#x26;"];

/// Adds the value of a query parameter whose name tells a secret.
pub(crate) fn find_parameter(text: &str, start: usize, end: usize, spans: &mut Spans<'_>) {
    let bytes = text.as_bytes();
    if spans.is_in_value(start) {
        return;
    }
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    let end = ESCAPED.iter().find(|rest| bytes[end..].starts_with(rest)).map_or(end, |rest| end + rest.len());
    let name_end = run(&bytes[..bytes.len().min(end + 48)], end, is_name);
    let name = text.get(end..name_end).unwrap_or_default();
    if byte(bytes, name_end) != b'=' || !may_be_secret(name) {
        return;
    }
    let from = name_end + 1;
    let is_value = |byte| !is_outside(byte) && !matches!(byte, b'&' | b'#' | b';' | b'<' | b'>' | b')' | b']' | b'}' | b',' | b'\\');
    let to = run(judged(text, from).as_bytes(), from, is_value);
    let value = text.get(from..to).unwrap_or_default();
    if let Some(kind) = parameter_kind(name, value)
        && !is_blank_or_reference(value)
    {
        spans.add_value(from, run(bytes, to, is_value), kind);
    }
}

fn may_be_secret(name: &str) -> bool {
    secret_kind(name).is_some() || PARAMETERS.iter().any(|(row, _)| row.eq_ignore_ascii_case(name))
}

fn parameter_kind(name: &str, value: &str) -> Option<Kind> {
    let listed = PARAMETERS.iter().find(|(row, _)| row.eq_ignore_ascii_case(name));
    match listed {
        Some((_, kind)) => {
            let is_long = value.len() >= 12 || value.len() >= 6 && value.bytes().any(|byte| byte.is_ascii_digit());
            is_long.then_some(*kind)
        }
        None => secret_kind(name),
    }
}
