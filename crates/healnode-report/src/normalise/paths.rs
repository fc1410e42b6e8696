//! Directories that differ from machine to machine.
//!
//! Below a home, a temporary or a deployment directory only the file's name tells anything, and below a package directory only
//! what follows it.

use super::class::{byte, byte_before, is_letter, is_word};
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
    "/var/home/",
    "/var/lib/docker/",
    "/var/lib/containerd/",
    "/var/lib/containers/",
    "/github/",
    "/runner/",
];

/// Directories below which the file's name varies too, unless it has an ending.
const TEMPORARY: &[&str] = &["/tmp/", "/var/tmp/", "/var/folders/", "/private/tmp/", "/private/var/", "/dev/shm/", "/run/user/"];

/// Longest path that is looked at, in bytes, so that a text full of slashes is not walked once for each.
const PATH_BYTES_MAX: usize = 1024;

/// End of the variable part of the path that begins with the slash at `at`, without the slash before the rest.
pub(crate) fn variable_prefix(text: &str, at: usize) -> Option<usize> {
    let bytes = text.as_bytes();
    let before = byte_before(bytes, at);
    let next = byte(bytes, at + 1);
    let is_inside = is_word(before) || matches!(before, b'.' | b'>' | b'_' | b'-' | b'/' | b'<');
    if is_inside || !(is_word(next) || matches!(next, b'.' | b'_' | b'<')) || follows_method(&bytes[..at]) {
        return None;
    }
    let end = path_end(text, at, b'/');
    let path = &bytes[at..end];
    let directories = Directories::of(path);
    if let Some(package) = directories.package {
        return Some(at + package);
    }
    let last = directories.last;
    if starts_with_any(path, TEMPORARY) {
        let is_file = path[last..].contains(&b'.');
        return Some(at + if is_file { last } else { path.len() });
    }
    if last > 0 && directories.has_temporary {
        return Some(at + last);
    }
    let end = if last + 1 == path.len() || last == 5 && path.starts_with(b"/home/") { path.len() } else { last };
    (last > 0 && starts_with_any(path, ROOTS)).then_some(at + end)
}

fn starts_with_any(path: &[u8], roots: &[&str]) -> bool {
    roots.iter().any(|root| path.starts_with(root.as_bytes()))
}

/// What the directories of a path say.
struct Directories {
    /// End of the last directory of packages and of what varies in it.
    package: Option<usize>,
    /// Where the last slash is.
    last: usize,
    has_temporary: bool,
}

impl Directories {
    fn of(path: &[u8]) -> Directories {
        let mut directories = Directories { package: None, last: 0, has_temporary: false };
        let (mut before, mut start): (&[u8], usize) = (b"", 1);
        for slash in (1..path.len()).filter(|at| path[*at] == b'/') {
            let name = &path[start..slash];
            match (before, name) {
                (_, b"site-packages" | b"dist-packages" | b"node_modules" | b"gems") | (b"vendor", b"bundle") | (b"pkg", b"mod") => {
                    directories.package = Some(slash);
                }
                (b"registry", b"src") | (b"git", b"checkouts") => directories.package = next_slash(path, slash).or(Some(slash)),
                (_, b"tmp" | b"temp" | b".tmp" | b"_temporary") => directories.has_temporary = true,
                _ => {}
            }
            (before, start) = (name, slash + 1);
            directories.last = slash;
        }
        directories
    }
}

/// The slash behind the directory that begins behind the slash at `at`: a registry's name with a hash.
fn next_slash(path: &[u8], at: usize) -> Option<usize> {
    path[at + 1..].iter().position(|byte| *byte == b'/').map(|length| at + 1 + length)
}

/// End of the variable part of a Windows path whose drive letter is at `at`.
pub(crate) fn drive_prefix(text: &str, at: usize) -> Option<usize> {
    let bytes = text.as_bytes();
    let is_drive =
        is_letter(byte(bytes, at)) && byte(bytes, at + 1) == b':' && byte(bytes, at + 2) == b'\\' && !is_word(byte_before(bytes, at));
    if !is_drive {
        return None;
    }
    let end = path_end(text, at + 2, b'\\');
    let path = &bytes[at..end];
    let below = &path[path.iter().skip(2).position(|byte| *byte != b'\\').map_or(path.len(), |length| length + 2)..];
    if below.starts_with(b"Windows\\") && !below.starts_with(b"Windows\\Temp\\") || below.starts_with(b"Program") {
        return None;
    }
    let last = path.iter().rposition(|byte| *byte == b'\\')?;
    let is_bare = last + 1 == path.len() || !path[..last].contains(&b'\\');
    Some(at + if is_bare { path.len() } else { last })
}

/// Whether a route of an API begins here, not a path of files.
fn follows_method(before: &[u8]) -> bool {
    let methods = ["GET ", "POST ", "PUT ", "PATCH ", "DELETE ", "HEAD ", "OPTIONS ", "GET \"", "route ", "endpoint "];
    matches!(before.last(), Some(b' ' | b'"')) && methods.iter().any(|method| before.ends_with(method.as_bytes()))
}

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
        let is_part = is_word(*byte)
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
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}
