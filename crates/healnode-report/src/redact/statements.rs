//! Secrets that their place in a statement betrays: arguments of a call, SQL that sets a password, connection strings of Oracle.

use super::kind::{CREDENTIALS, PASSWORD};
use super::scan::{byte, judged, run};
use super::span::Spans;
use super::values::{is_blank_or_reference, quoted};

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
    let is_word = |byte: u8| !byte.is_ascii_whitespace() && !matches!(byte, b'@' | b'"' | b'\'');
    let at = run(judged(text, end).as_bytes(), end, is_word);
    let word = text.get(end..at).unwrap_or_default();
    let from = end + word.rfind(':').map_or(0, |colon| colon + 1);
    let password = text.get(from..at).and_then(|pair| pair.split_once('/')).map(|(_, password)| password);
    if byte(bytes, at) == b'@' && password.is_some_and(|password| !is_blank_or_reference(password)) {
        spans.add(from, at, CREDENTIALS);
    }
}

fn add(text: &str, from: usize, to: usize, spans: &mut Spans<'_>) {
    if !is_blank_or_reference(text.get(from..to).unwrap_or_default()) {
        spans.add_value(from, to, PASSWORD);
    }
}
