//! What the readers of several languages need: names of files and functions, and whose code a path is.

/// The part of a path behind its last separator, without query, fragment, and content hash.
pub(crate) fn base_name(path: &str) -> String {
    let path = path.split(['?', '#']).next().unwrap_or(path);
    let name = path.rsplit(['/', '\\']).next().unwrap_or(path);
    without_hash(name)
}

/// `main.3f9a1c2b.js` and `main-3f9a1c2b.js` without the hash.
fn without_hash(name: &str) -> String {
    let is_hash = |part: &str| {
        part.len() >= 6
            && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
            && part.bytes().any(|byte| byte.is_ascii_digit())
            && part.bytes().filter(u8::is_ascii_alphabetic).count() >= 2
    };
    let mut parts: Vec<&str> = name.split('.').collect();
    if parts.len() >= 3 && is_hash(parts[parts.len() - 2]) {
        parts.remove(parts.len() - 2);
    }
    if parts.len() >= 2
        && let Some((stem, hash)) = parts[parts.len() - 2].rsplit_once('-')
        && is_hash(hash)
    {
        let at = parts.len() - 2;
        parts[at] = stem;
    }
    parts.join(".")
}

/// Whether a path holds one of several directories, whichever way its separators lean.
pub(crate) fn holds_any(path: &str, directories: &[&str]) -> bool {
    let path = path.replace('\\', "/");
    directories.iter().any(|directory| path.contains(directory))
}

/// Splits `path:line` or `path:line:column` into the path and the rest. `None` without a line.
pub(crate) fn split_line(place: &str) -> Option<&str> {
    let strip = |text: &'_ str| -> Option<usize> {
        let (path, number) = text.rsplit_once(':')?;
        let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
        is_number.then_some(path.len())
    };
    let once = strip(place)?;
    let twice = strip(&place[..once]);
    Some(&place[..twice.unwrap_or(once)]).filter(|path| !path.is_empty())
}

/// A name without what stands between brackets of a kind, however deep.
pub(crate) fn without_brackets(name: &str, open: char, close: char) -> String {
    let mut depth = 0_usize;
    let mut out = String::with_capacity(name.len());
    for character in name.chars() {
        if character == open {
            depth += 1;
        } else if character == close {
            depth = depth.saturating_sub(1);
        } else if depth == 0 {
            out.push(character);
        }
    }
    out
}

/// The last place at or before `at` where a text may be cut.
pub(crate) fn floor(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// What stands between the first `open` and the next `close` behind it.
pub(crate) fn between<'a>(text: &'a str, open: &str, close: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(open)?;
    rest.split_once(close).map(|(inside, _)| inside)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_name_has_no_directory_query_or_hash() {
        for (path, name) in [
            ("/srv/app/main.py", "main.py"),
            (r"C:\src\Main.cs", "Main.cs"),
            ("https://x.test/static/main.3f9a1c2b.js?v=3", "main.js"),
            ("assets/index-B7x9aQ2d.js", "index.js"),
            ("jquery.min.js", "jquery.min.js"),
        ] {
            assert_eq!(base_name(path), name);
        }
    }

    #[test]
    fn a_place_is_split_from_its_line_and_column() {
        assert_eq!(split_line("a.js:1:2"), Some("a.js"));
        assert_eq!(split_line("a.go:12"), Some("a.go"));
        assert_eq!(split_line("http://h:80/a.js:1:2"), Some("http://h:80/a.js"));
        assert_eq!(split_line("a.go"), None);
    }
}
