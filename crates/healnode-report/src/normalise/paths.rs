//! Directories that differ from machine to machine.
//!
//! Below a home, a temporary or a deployment directory only the file's name tells anything, and below a package directory only
//! what follows it.

use super::token_end;

/// Directories below which everything up to the file's name varies.
const ROOTS: &[&str] = &[
    "/home/",
    "/Users/",
    "/root/",
    "/opt/",
    "/srv/",
    "/app/",
    "/usr/src/app/",
    "/workspace/",
    "/workspaces/",
    "/builds/",
    "/build/",
    "/mnt/",
    "/media/",
    "/var/www/",
    "/var/lib/docker/",
    "/var/lib/containerd/",
    "/github/",
    "/runner/",
];

/// Directories below which the file's name varies too, unless it has an ending.
const TEMPORARY: &[&str] = &["/tmp/", "/var/tmp/", "/var/folders/", "/private/tmp/", "/private/var/", "/dev/shm/", "/run/user/"];

/// Directories of packages: what is before and they themselves vary.
const PACKAGES: &[&str] = &[
    "/site-packages/",
    "/dist-packages/",
    "/node_modules/",
    "/registry/src/",
    "/git/checkouts/",
    "/go/pkg/mod/",
    "/gems/",
    "/vendor/bundle/",
];

/// End of the variable part of the path that begins with the slash at `at`, without the slash before the rest.
pub(crate) fn variable_prefix(text: &str, at: usize) -> Option<usize> {
    let before = text[..at].bytes().next_back().unwrap_or(b' ');
    if before.is_ascii_alphanumeric() || matches!(before, b'.' | b'>' | b'_' | b'-' | b'/') || follows_method(&text[..at]) {
        return None;
    }
    let end = path_end(text, at, b'/');
    let path = &text[at..end];
    if let Some(package) = PACKAGES.iter().filter_map(|row| Some(path.rfind(row)? + row.len() - 1)).max() {
        return Some(at + package);
    }
    let last = path.rfind('/')?;
    if TEMPORARY.iter().any(|root| path.starts_with(root)) {
        let is_file = path[last..].contains('.');
        return Some(at + if is_file { last } else { path.len() });
    }
    let is_root = ROOTS.iter().any(|root| path.starts_with(root));
    let end = if last + 1 == path.len() || last == 5 && path.starts_with("/home/") { path.len() } else { last };
    (is_root && last > 0).then_some(at + end)
}

/// End of the variable part of a Windows path whose drive letter is at `at`.
pub(crate) fn drive_prefix(text: &str, at: usize) -> Option<usize> {
    let bytes = text.as_bytes();
    let is_drive = bytes[at].is_ascii_alphabetic()
        && bytes.get(at + 1) == Some(&b':')
        && bytes.get(at + 2) == Some(&b'\\')
        && !text[..at].bytes().next_back().is_some_and(|byte| byte.is_ascii_alphanumeric());
    if !is_drive {
        return None;
    }
    let end = path_end(text, at + 2, b'\\');
    let path = &text[at..end];
    let below = path[2..].trim_start_matches('\\');
    if below.starts_with("Windows\\") || below.starts_with("Program") {
        return None;
    }
    let last = path.rfind('\\')?;
    let is_bare = last + 1 == path.len() || !path[..last].contains('\\');
    Some(at + if is_bare { path.len() } else { last })
}

/// Whether a route of an API begins here, not a path of files.
fn follows_method(before: &str) -> bool {
    let methods = ["GET ", "POST ", "PUT ", "PATCH ", "DELETE ", "HEAD ", "OPTIONS ", "GET \"", "route ", "endpoint "];
    methods.iter().any(|method| before.ends_with(method))
}

/// Longest path that is looked at, in bytes, so that a text full of slashes is not walked once for each.
const PATH_BYTES_MAX: usize = 1024;

/// End of a path: the first byte that paths in messages don't hold. Tokens of a redaction are part of it.
fn path_end(text: &str, start: usize, separator: u8) -> usize {
    let bytes = text.as_bytes();
    let mut at = start;
    while let Some(byte) = bytes.get(at).filter(|_| at < start + PATH_BYTES_MAX) {
        if *byte == b'<' {
            match token_end(text, at) {
                Some(end) => at = end,
                None => break,
            }
            continue;
        }
        let is_part = byte.is_ascii_alphanumeric()
            || *byte == separator
            || *byte >= 0x80
            || matches!(byte, b'.' | b'_' | b'-' | b'~' | b'+' | b'@' | b'=' | b'$' | b'{' | b'}');
        if !is_part {
            break;
        }
        at += 1;
    }
    while at > start && bytes[at - 1] == b'.' {
        at -= 1;
    }
    at
}
