//! Passwords in dialogs: what clients of mail servers send, and what a server says when it makes a password up.
//!
//! Here the words before a password are fixed, and neither a name nor a format tells it.

use super::kind::{CREDENTIALS, PASSWORD};
use super::references::is_blank_or_reference;
use super::scan::{byte, byte_before, is_base64, judged, run, run_back};
use super::span::Spans;
use super::values::{has_digit, has_letter};

/// How a client of SMTP, IMAP or POP3 begins to log in, in lower case.
pub(crate) const AUTHS: &[&str] = &[
    "auth plain ",
    "auth login ",
    "auth xoauth2 ",
    "auth oauthbearer ",
    "auth cram-md5 ",
    "authenticate plain ",
    "authenticate login ",
    "authenticate xoauth2 ",
];

/// Shortest base64 of a login, in bytes.
const LOGIN_BYTES_MIN: usize = 8;

/// Adds the base64 behind one of [`AUTHS`].
pub(crate) fn find_auth(text: &str, start: usize, end: usize, spans: &mut Spans<'_>) {
    let bytes = text.as_bytes();
    let to = run(bytes, end, is_base64);
    let value = &bytes[end..to];
    let has_small = value.iter().any(u8::is_ascii_lowercase);
    let is_generated = has_small && value.iter().skip(1).any(|byte| !byte.is_ascii_lowercase());
    if value.len() >= LOGIN_BYTES_MIN && is_generated && !byte_before(bytes, start).is_ascii_alphanumeric() {
        spans.add_value(end, to, CREDENTIALS);
    }
}

/// Longest tag before a command of IMAP that is looked at, in bytes.
const TAG_BYTES_MAX: usize = 16;

/// Adds user and password of IMAP's `a1 LOGIN user password`.
pub(crate) fn find_imap_login(text: &str, start: usize, end: usize, spans: &mut Spans<'_>) {
    let bytes = text.as_bytes();
    let tag = &bytes[run_back(bytes, start, TAG_BYTES_MAX, |byte| byte.is_ascii_alphanumeric())..start];
    if &bytes[start..end] != b" LOGIN " || tag.len() != 1 && !tag.iter().any(u8::is_ascii_digit) {
        return;
    }
    let is_word = |byte: u8| !byte.is_ascii_whitespace();
    let user = run(judged(text, end).as_bytes(), end, is_word);
    let to = run(judged(text, user).as_bytes(), user + 1, is_word);
    let password = text.get(user + 1..to).unwrap_or_default().trim_matches(['"']);
    let is_password = password.len() >= 6 && has_digit(password) && has_letter(password);
    if byte(bytes, user) == b' ' && is_password && !is_blank_or_reference(password) {
        spans.add_value(end, to, CREDENTIALS);
    }
}

/// Adds the password of Redis's `AUTH password` and `AUTH user password`.
pub(crate) fn find_redis_auth(text: &str, start: usize, end: usize, spans: &mut Spans<'_>) {
    let bytes = text.as_bytes();
    let before = byte_before(bytes, start);
    if !bytes[start..].starts_with(b"AUTH") || before.is_ascii_alphanumeric() || matches!(before, b'-' | b'_') {
        return;
    }
    let is_between = |byte: u8| matches!(byte, b' ' | b'"');
    let is_word = |byte: u8| !byte.is_ascii_whitespace() && !matches!(byte, b'"' | b'\'' | b')');
    let mut from = run(&bytes[..bytes.len().min(end + 2)], end, is_between);
    for _ in 0..2 {
        let to = run(judged(text, from).as_bytes(), from, is_word);
        let value = text.get(from..to).unwrap_or_default();
        let is_mixed = has_digit(value) && value.bytes().any(|byte| byte.is_ascii_lowercase()) && !value.contains(['=', ':', '/']);
        if is_mixed && value.len() >= LOGIN_BYTES_MIN && !is_blank_or_reference(value) {
            return spans.add_value(from, to, PASSWORD);
        }
        from = run(&bytes[..bytes.len().min(to + 3)], to, is_between);
    }
}

/// How far below its mention a password stands that has a line for itself, in bytes.
const LINE_BYTES_MAX: usize = 128;

/// Adds the password that has one of the next lines for itself, as when Jenkins starts for the first time.
pub(crate) fn find_password_below(text: &str, _: usize, end: usize, spans: &mut Spans<'_>) {
    let bytes = text.as_bytes();
    let line = run(&bytes[..bytes.len().min(end + LINE_BYTES_MAX)], end, |byte| byte != b'\n');
    let from = run(&bytes[..bytes.len().min(line + LINE_BYTES_MAX)], line, |byte| byte.is_ascii_whitespace());
    let to = run(judged(text, from).as_bytes(), from, |byte| !byte.is_ascii_whitespace());
    let value = text.get(from..to).unwrap_or_default();
    let is_password = value.len() >= 8 && has_digit(value) && has_letter(value);
    if from > line && is_password && matches!(bytes.get(to), None | Some(b'\n')) && !is_blank_or_reference(value) {
        spans.add_value(from, to, PASSWORD);
    }
}

/// Words between the mention of a password and the password, as in `A temporary password is generated for root@localhost: …`.
const BETWEEN: &[&str] =
    &["is", "was", "has", "been", "generated", "created", "set", "reset", "changed", "issued", "to", "for", "of", "user"];

/// How far the password may stand behind its mention, in bytes.
const BETWEEN_BYTES_MAX: usize = 96;

/// Adds the password at the end of a line that says whose it is, behind a colon.
pub(crate) fn find_password_for(text: &str, _: usize, end: usize, spans: &mut Spans<'_>) {
    let bytes = text.as_bytes();
    let window = &bytes[..bytes.len().min(end + BETWEEN_BYTES_MAX)];
    let line = run(window, end, |byte| byte != b'\n');
    let Some((before, _)) = text.get(end..line).and_then(|line| line.split_once(": ")) else {
        return;
    };
    let others = before.split(' ').filter(|word| !BETWEEN.iter().any(|row| row.eq_ignore_ascii_case(word))).count();
    let from = end + before.len() + 2;
    let to = run(judged(text, from).as_bytes(), from, |byte| !byte.is_ascii_whitespace());
    let value = text.get(from..to).unwrap_or_default();
    let is_password = value.len() >= 8 && has_digit(value) && has_letter(value) && !value.contains("://");
    let ends_line = matches!(bytes.get(run(bytes, to, |byte| byte == b' ')), None | Some(b'\n'));
    if others <= 1 && is_password && ends_line && !is_blank_or_reference(value) {
        spans.add_value(from, to, PASSWORD);
    }
}
