//! Login names: in home directories, and where a text says `user`.

use super::kind::USER;
use super::scan::{byte, byte_before, run, run_back};
use super::span::Spans;

/// Names that belong to a system or a role, not to a person.
const ACCOUNTS: &[&str] = &[
    "admin",
    "administrator",
    "all",
    "anonymous",
    "app",
    "apache",
    "circleci",
    "coder",
    "default",
    "deploy",
    "docker",
    "ec2-user",
    "everyone",
    "git",
    "gitpod",
    "guest",
    "jenkins",
    "jovyan",
    "linuxbrew",
    "mysql",
    "nginx",
    "node",
    "nobody",
    "postgres",
    "public",
    "root",
    "runner",
    "sa",
    "service",
    "shared",
    "system",
    "test",
    "ubuntu",
    "user",
    "username",
    "vagrant",
    "vscode",
    "www",
    "www-data",
];

fn is_person(name: &str) -> bool {
    !name.is_empty() && name != "." && name != ".." && !ACCOUNTS.iter().any(|account| account.eq_ignore_ascii_case(name))
}

fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-' | b'@') || byte >= 0x80
}

/// Adds the name in `/home/NAME`, `/Users/NAME`, `C:\Users\NAME` and `~NAME/`.
pub(crate) fn find_directory(text: &str, start: usize, end: usize, spans: &mut Spans<'_>) {
    let bytes = text.as_bytes();
    let before = byte_before(bytes, start);
    let to = name_end(bytes, end);
    let is_home = match bytes[start] {
        b'~' => !before.is_ascii_alphanumeric() && bytes[end..].first().is_some_and(u8::is_ascii_lowercase) && byte(bytes, to) == b'/',
        b'/' => !before.is_ascii_alphanumeric() && before != b'.' && is_exact(&bytes[start..end]) && !is_route(text, start),
        _ => true,
    };
    let name = text.get(end..to).unwrap_or_default();
    if is_home && is_person(name) {
        spans.add(end, to, USER);
    }
}

/// Words before a path that make it one of a web site.
const ROUTES: &[&str] = &["get", "post", "put", "patch", "delete", "head", "options", "route", "endpoint", "url", "uri"];

fn is_route(text: &str, start: usize) -> bool {
    let before = &text.as_bytes()[..start];
    let end = before.len() - before.iter().rev().take(2).take_while(|byte| matches!(byte, b' ' | b'"' | b'\'')).count();
    let word = &before[run_back(before, end, 8, |byte| byte.is_ascii_alphabetic())..end];
    ROUTES.iter().any(|route| route.as_bytes().eq_ignore_ascii_case(word))
}

/// `/users/` in lower case is a route of an API.
fn is_exact(anchor: &[u8]) -> bool {
    anchor == b"/home/" || anchor == b"/Users/"
}

/// End of a directory's name. One with a space in it is taken whole when a separator follows.
fn name_end(bytes: &[u8], start: usize) -> usize {
    let word = run(bytes, start, is_name);
    let trimmed = start + bytes[start..word].iter().rposition(|byte| *byte != b'.').map_or(0, |last| last + 1);
    if byte(bytes, word) == b' ' && bytes.get(start.wrapping_sub(1)) == Some(&b'\\') {
        let second = run(bytes, word + 1, is_name);
        if second > word + 1 && byte(bytes, second) == b'\\' {
            return second;
        }
    }
    trimmed
}

/// What stands before the name of who logs in, in the log of an SSH server, in lower case.
pub(crate) const LOGINS: &[&str] = &[
    "invalid user ",
    "failed password for ",
    "accepted password for ",
    "accepted publickey for ",
    "session opened for user ",
    "session closed for user ",
];

/// Adds the name behind one of [`LOGINS`], when ` from`, ` by`, a parenthesis or the end of the line shows that it is one.
pub(crate) fn find_ssh_login(text: &str, _: usize, end: usize, spans: &mut Spans<'_>) {
    let bytes = text.as_bytes();
    let to = run(bytes, end, is_name);
    let rest = &bytes[to..];
    let is_followed = rest.is_empty() || [&b" from "[..], b" by ", b"(", b"\n"].iter().any(|next| rest.starts_with(next));
    let name = text.get(end..to).unwrap_or_default();
    if is_followed && is_person(name) {
        spans.add(end, to, USER);
    }
}

/// Adds the name in `user 'NAME'` and the like.
pub(crate) fn find_login(text: &str, start: usize, end: usize, spans: &mut Spans<'_>) {
    let bytes = text.as_bytes();
    let quote = byte(bytes, end);
    if byte_before(bytes, start).is_ascii_alphabetic() || !matches!(quote, b'"' | b'\'' | b'`') {
        return;
    }
    let from = end + 1;
    let to = run(bytes, from, |byte| is_name(byte) || matches!(byte, b'\\' | b'+' | b'$'));
    let name = text.get(from..to).unwrap_or_default();
    let is_type = quote == b'`' && name.starts_with(|first: char| first.is_ascii_uppercase());
    if byte(bytes, to) == quote && !is_type && is_person(name) {
        spans.add(from, to, USER);
    }
}
