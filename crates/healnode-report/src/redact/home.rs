//! Login names: in home directories, and where a text says `user`.

use super::kind::USER;
use super::scan::{byte, byte_before, run, run_back};
use super::span::Spans;

/// Names that belong to a system or a role, not to a person.
const ACCOUNTS: &[&str] = &[
    "admin",
    "administrator",
    "airflow",
    "all",
    "anonymous",
    "ansible",
    "apache",
    "app",
    "appuser",
    "azureuser",
    "bitnami",
    "builder",
    "centos",
    "circleci",
    "cloud-user",
    "coder",
    "codespace",
    "container",
    "debian",
    "default",
    "deploy",
    "developer",
    "docker",
    "ec2-user",
    "elasticsearch",
    "everyone",
    "fedora",
    "git",
    "gitlab-runner",
    "gitpod",
    "guest",
    "hadoop",
    "jenkins",
    "jovyan",
    "kafka",
    "linuxbrew",
    "me",
    "mysql",
    "nginx",
    "nobody",
    "node",
    "nonroot",
    "opc",
    "oracle",
    "pi",
    "postgres",
    "public",
    "rabbitmq",
    "redis",
    "root",
    "runner",
    "runneradmin",
    "sa",
    "service",
    "shared",
    "site",
    "spark",
    "system",
    "test",
    "tomcat",
    "ubuntu",
    "user",
    "username",
    "vagrant",
    "vscode",
    "worker",
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
        b'/' => {
            (is_free(bytes, start) || is_drive(bytes, start) || is_mounted(bytes, start))
                && is_exact(&bytes[start..end])
                && !is_route(text, start)
        }
        b'%' => is_exact_encoded(&bytes[start..end]),
        _ => true,
    };
    let name = text.get(end..to).unwrap_or_default();
    if is_home && is_person(name) {
        spans.add(end, to, USER);
    }
}

/// Whether a path begins at `start`.
fn is_free(bytes: &[u8], start: usize) -> bool {
    !byte_before(bytes, start).is_ascii_alphanumeric() && byte_before(bytes, start) != b'.'
}

/// Whether the letter of a drive stands before, as in `/c/Users` and `/mnt/c/Users`.
fn is_drive(bytes: &[u8], start: usize) -> bool {
    match bytes[..start] {
        [ref before @ .., b'/', letter] => letter.is_ascii_alphabetic() && (is_free(before, before.len()) || before.ends_with(b"/mnt")),
        _ => false,
    }
}

/// Folders in which systems keep their home directories, or mount those of others.
const HOME_PARENTS: &[&[u8]] = &[b"/export", b"/var", b"/nfs", b"/host", b"/rootfs", b"/data"];

fn is_mounted(bytes: &[u8], start: usize) -> bool {
    HOME_PARENTS.iter().any(|parent| bytes[..start].ends_with(parent))
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

/// Like [`is_exact`], in the escapes of a URL.
fn is_exact_encoded(anchor: &[u8]) -> bool {
    anchor[3..].starts_with(b"home") || anchor[3..].starts_with(b"Users")
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
    "authenticating user ",
    "disconnected from user ",
];

/// Adds the name behind one of [`LOGINS`], when ` from`, ` by`, a parenthesis or the end of the line shows that it is one.
pub(crate) fn find_ssh_login(text: &str, _: usize, end: usize, spans: &mut Spans<'_>) {
    let bytes = text.as_bytes();
    let to = run(bytes, end, is_name);
    let rest = &bytes[to..];
    let precedes_address = matches!(rest, [b' ', b'0'..=b'9', ..]);
    let is_followed =
        rest.is_empty() || precedes_address || [&b" from "[..], b" by ", b"(", b"\n"].iter().any(|next| rest.starts_with(next));
    let name = text.get(end..to).unwrap_or_default();
    if is_followed && is_person(name) {
        spans.add(end, to, USER);
    }
}

/// Adds the name in `role "NAME" does not exist`, which PostgreSQL says of a login.
pub(crate) fn find_role(text: &str, start: usize, end: usize, spans: &mut Spans<'_>) {
    let bytes = text.as_bytes();
    let to = run(bytes, end + 1, is_name);
    let name = text.get(end + 1..to).unwrap_or_default();
    let is_missing = bytes[to..].starts_with(b"\" does not exist") || bytes[to..].starts_with(b"\" is not permitted to log in");
    if byte(bytes, end) == b'"' && is_missing && !byte_before(bytes, start).is_ascii_alphabetic() && is_person(name) {
        spans.add(end + 1, to, USER);
    }
}

/// Adds the name in `sudo: NAME : TTY=…`, and in `session opened for user root by NAME(uid=…`.
pub(crate) fn find_caller(text: &str, start: usize, end: usize, spans: &mut Spans<'_>) {
    let bytes = text.as_bytes();
    let (from, to) = if bytes[start] == b'(' {
        (run_back(bytes, start, LOGIN_BYTES_MAX, is_name), start)
    } else {
        let from = run(&bytes[..bytes.len().min(end + 8)], end, |byte| byte == b' ');
        (from, run(bytes, from, is_name))
    };
    let is_named = bytes[..from].ends_with(b" by ") || to > end && bytes[to..].starts_with(b" : ");
    if is_named && is_person(text.get(from..to).unwrap_or_default()) {
        spans.add(from, to, USER);
    }
}

/// Longest login name that is looked for before what follows it, in bytes.
const LOGIN_BYTES_MAX: usize = 64;

/// How far behind the host the user stands in a line of PAM, in bytes.
const PAM_BYTES_MAX: usize = 80;

/// Adds the name in `rhost=HOST  user=NAME` of PAM.
pub(crate) fn find_pam_user(text: &str, _: usize, end: usize, spans: &mut Spans<'_>) {
    let bytes = text.as_bytes();
    let host = run(&bytes[..bytes.len().min(end + PAM_BYTES_MAX)], end, |byte| is_name(byte) || byte == b':');
    let field = run(&bytes[..bytes.len().min(host + 4)], host, |byte| byte == b' ');
    let from = field + b"user=".len();
    let to = run(bytes, from, is_name);
    let name = text.get(from..to).unwrap_or_default();
    if field > host && bytes[field..].starts_with(b"user=") && is_person(name) {
        spans.add(from, to, USER);
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
