//! Secrets that their place in a statement betrays: arguments of a call, SQL that sets a password, connection strings of Oracle, lines
//! of a password file.

use super::kind::{CREDENTIALS, PASSWORD};
use super::quotes::quoted;
use super::references::is_blank_or_reference;
use super::scan::{byte, byte_before, judged, run};
use super::span::Spans;

/// Calls whose third argument is a password, in lower case, up to the parenthesis.
pub(crate) const CONNECTS: &[&str] = &[
    "pdo->__construct(",
    "pdo::__construct(",
    "new pdo(",
    "mysqli->__construct(",
    "mysqli::__construct(",
    "mysqli_connect(",
    "getconnection(",
];

/// Longest arguments that are looked at, in bytes.
const ARGUMENTS_BYTES_MAX: usize = 512;

/// Adds the third quoted argument of a call that connects to a database.
pub(crate) fn find_third_argument(text: &str, _: usize, end: usize, spans: &mut Spans<'_>) {
    let bytes = text.as_bytes();
    let max = end + ARGUMENTS_BYTES_MAX;
    let mut at = end;
    for place in 0..3 {
        let Some((from, to)) = quoted(text, at).filter(|(_, to)| *to < max) else {
            return;
        };
        if place == 2 {
            add(text, from, to, spans);
        }
        at = run(bytes, to + 1, |byte| matches!(byte, b',' | b' '));
    }
}

/// Adds the password of `IDENTIFIED BY '…'` and `IDENTIFIED WITH plugin BY '…'`.
pub(crate) fn find_identified(text: &str, _: usize, end: usize, spans: &mut Spans<'_>) {
    let window = judged(text, end).as_bytes();
    let quote = run(window, end, |byte| !matches!(byte, b'\'' | b'"' | b'\n' | b';'));
    let words = text.get(end..quote).unwrap_or_default();
    let last = words.trim_end().rsplit(' ').next().unwrap_or_default();
    let says_by = ["by", "as"].iter().any(|by| last.eq_ignore_ascii_case(by));
    if let Some((from, to)) = quoted(text, quote).filter(|_| says_by && words.len() < 64) {
        add(text, from, to, spans);
    }
}

/// Adds the key of `PRAGMA key = '…'`, with which SQLCipher opens a database.
pub(crate) fn find_pragma(text: &str, _: usize, end: usize, spans: &mut Spans<'_>) {
    let bytes = text.as_bytes();
    let quote = run(&bytes[..bytes.len().min(end + 8)], end, |byte| matches!(byte, b' ' | b'=' | b'('));
    if let Some((from, to)) = quoted(text, quote).filter(|_| quote > end) {
        add(text, from, to, spans);
    }
}

/// Adds the text that `ConvertTo-SecureString` takes.
pub(crate) fn find_secure_string(text: &str, _: usize, end: usize, spans: &mut Spans<'_>) {
    let window = judged(text, end).as_bytes();
    let quote = run(window, end, |byte| byte.is_ascii_alphabetic() || matches!(byte, b' ' | b'-' | b'('));
    if let Some((from, to)) = quoted(text, quote) {
        add(text, from, to, spans);
    }
}

/// Adds user and password of `jdbc:oracle:thin:user/password@host` and `sqlplus user/password@host`.
pub(crate) fn find_oracle(text: &str, _: usize, end: usize, spans: &mut Spans<'_>) {
    let bytes = text.as_bytes();
    let end = skip_options(bytes, end);
    let is_word = |byte: u8| !byte.is_ascii_whitespace() && !matches!(byte, b'@' | b'"' | b'\'');
    let at = run(judged(text, end).as_bytes(), end, is_word);
    let word = text.get(end..at).unwrap_or_default();
    let from = end + word.rfind(':').map_or(0, |colon| colon + 1);
    let password = text.get(from..at).and_then(|pair| pair.split_once('/')).map(|(_, password)| password);
    if byte(bytes, at) == b'@' && password.is_some_and(|password| !is_blank_or_reference(password)) {
        spans.add(from, at, CREDENTIALS);
    }
}

/// Skips options of one letter, such as `-s -l `.
fn skip_options(bytes: &[u8], mut at: usize) -> usize {
    for _ in 0..4 {
        match (byte(bytes, at), byte(bytes, at + 1), byte(bytes, at + 2)) {
            (b'-', b'a'..=b'z' | b'A'..=b'Z', b' ') => at += 3,
            _ => break,
        }
    }
    at
}

/// The port of a line in the password file of PostgreSQL: a usual one, or any.
pub(crate) const PGPASS: &[&str] = &[":5432:", ":5433:", ":6432:", ":*:"];

/// Adds the password of a line `host:port:database:user:password`.
pub(crate) fn find_pgpass(text: &str, start: usize, end: usize, spans: &mut Spans<'_>) {
    let bytes = text.as_bytes();
    if spans.is_in_value(start) {
        return;
    }
    let is_part = |byte: u8| !byte.is_ascii_whitespace() && !matches!(byte, b':' | b'"' | b'\'' | b'/');
    let window = &bytes[..bytes.len().min(end + PGPASS_BYTES_MAX)];
    let database = run(window, end, is_part);
    let user = run(window, database + 1, is_part);
    let colons = [database, user].iter().all(|at| byte(window, *at) == b':');
    let to = run(judged(text, user).as_bytes(), user + 1, |byte| !byte.is_ascii_whitespace() && !matches!(byte, b'"' | b'\''));
    if colons && database > end && user > database + 1 && is_part(byte_before(bytes, start)) && to >= user + 1 + PASSWORD_BYTES_MIN {
        add(text, user + 1, to, spans);
    }
}

/// Longest database and user of such a line, and shortest password, in bytes.
const PGPASS_BYTES_MAX: usize = 256;
const PASSWORD_BYTES_MIN: usize = 4;

fn add(text: &str, from: usize, to: usize, spans: &mut Spans<'_>) {
    if !is_blank_or_reference(text.get(from..to).unwrap_or_default()) {
        spans.add_value(from, to, PASSWORD);
    }
}
