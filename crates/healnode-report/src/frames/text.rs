//! What the readers of several languages need: names of files, lines behind them, and brackets.

use std::borrow::Cow;

/// The directories and the file of a path, whichever way its separators lean.
pub(super) fn components(path: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(path);
    std::iter::from_fn(move || {
        let path = rest?;
        let end = path.bytes().position(is_separator);
        rest = end.map(|end| &path[end + 1..]);
        Some(&path[..end.unwrap_or(path.len())])
    })
}

fn is_separator(byte: u8) -> bool {
    byte == b'/' || byte == b'\\'
}

/// The part of a path behind its last separator.
pub(super) fn last_component(path: &str) -> &str {
    &path[path.bytes().rposition(is_separator).map_or(0, |separator| separator + 1)..]
}

/// The part of a path behind its last separator, in lower case.
pub(super) fn base_name(path: &str) -> Cow<'_, str> {
    lower(last_component(path))
}

/// A name in lower case.
pub(super) fn lower(name: &str) -> Cow<'_, str> {
    if name.bytes().any(|byte| byte.is_ascii_uppercase()) { Cow::Owned(name.to_ascii_lowercase()) } else { Cow::Borrowed(name) }
}

/// A path without the words of a logger's prefix before it. Blanks belong to a path that begins at a root.
pub(super) fn rooted(path: &str) -> &str {
    if path.starts_with(['/', '<']) || path.get(1..3).is_some_and(|root| root == ":/" || root == ":\\") {
        return path;
    }
    last_word(path)
}

/// What stands behind the last blank.
pub(super) fn last_word(text: &str) -> &str {
    &text[text.bytes().rposition(|byte| byte == b' ' || byte == b'\t').map_or(0, |blank| blank + 1)..]
}

/// Whether a text is one or more decimal digits.
pub(super) fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Splits `path:line` or `path:line:column` into the path and the rest. `None` without a line.
pub(super) fn split_line(place: &str) -> Option<&str> {
    let strip = |text: &str| -> Option<usize> {
        let (path, number) = text.rsplit_once(':')?;
        is_number(number).then_some(path.len())
    };
    let once = strip(place)?;
    let twice = strip(&place[..once]);
    Some(&place[..twice.unwrap_or(once)]).filter(|path| !path.is_empty())
}

/// The text behind `  12: `, `12 ` or another mark. `None` without a number of at most five digits.
pub(super) fn behind_number<'a>(text: &'a str, mark: &str) -> Option<&'a str> {
    let digits = text.bytes().take(6).take_while(u8::is_ascii_digit).count();
    if digits == 0 || digits == 6 {
        return None;
    }
    text[digits..].strip_prefix(mark)
}

/// A name without what stands between brackets of a kind, however deep.
pub(super) fn without_brackets(name: &str, open: char, close: char) -> Cow<'_, str> {
    if !name.contains(open) {
        return Cow::Borrowed(name);
    }
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
    Cow::Owned(out)
}

/// The last place at or before `at` where a text may be cut.
pub(super) fn floor(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// Whether a dotted name is below one of those in a sorted list, none of which is below another one.
pub(super) fn is_below_any(name: &str, sorted: &[&str]) -> bool {
    let behind = sorted.partition_point(|entry| *entry <= name);
    let before = sorted[..behind].last();
    before.and_then(|entry| name.strip_prefix(entry)).is_some_and(|rest| rest.starts_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_name_has_no_directory_and_no_capitals() {
        assert_eq!(base_name("/srv/app/main.py"), "main.py");
        assert_eq!(base_name(r"C:\src\Main.cs"), "main.cs");
        assert_eq!(base_name("main.py"), "main.py");
    }

    #[test]
    fn a_place_is_split_from_its_line_and_column() {
        assert_eq!(split_line("a.js:1:2"), Some("a.js"));
        assert_eq!(split_line("a.go:12"), Some("a.go"));
        assert_eq!(split_line("http://h:80/a.js:1:2"), Some("http://h:80/a.js"));
        assert_eq!(split_line("a.go"), None);
    }

    #[test]
    fn a_list_is_asked_for_whole_parts_of_a_name() {
        let sorted = ["java", "javax", "org.apache"];
        assert!(is_below_any("java.util.List", &sorted));
        assert!(is_below_any("javax.sql.Row", &sorted));
        assert!(is_below_any("org.apache.Foo", &sorted));
        assert!(!is_below_any("javac.util.List", &sorted));
        assert!(!is_below_any("org.Foo", &sorted));
        assert!(!is_below_any("java", &sorted));
    }
}
