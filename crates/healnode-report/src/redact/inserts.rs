//! Secrets among the values of an SQL statement that inserts a row: the names of its columns tell which they are.
//!
//! The values stand in the statement, or behind it where a library shows what it bound to the placeholders.

use super::keys::secret_kind;
use super::quotes::quoted;
use super::references::is_blank_or_reference;
use super::scan::{byte, judged, run};
use super::span::Spans;

/// How an insertion begins, in lower case.
pub(crate) const ANCHORS: &[&str] = &["insert into ", "replace into "];

/// Most items of a list.
const ITEMS_MAX: usize = 32;

/// Longest name of a table, and how far behind the columns the values begin, and behind the statement what was bound, in bytes.
const TABLE_BYTES_MAX: usize = 128;
const VALUES_BYTES_MAX: usize = 24;
const BOUND_BYTES_MAX: usize = 64;

/// Adds the values of columns whose names tell a secret.
pub(crate) fn find(text: &str, _: usize, end: usize, spans: &mut Spans<'_>) {
    let bytes = text.as_bytes();
    let (columns, columns_end) = items(text, open_behind(bytes, end, TABLE_BYTES_MAX));
    if !columns.iter().any(|(from, to)| secret_kind(column(text, *from, *to)).is_some()) {
        return;
    }
    let (values, values_end) = items(text, open_behind(bytes, columns_end, VALUES_BYTES_MAX));
    add(text, &columns, &values, spans);
    let bound = open_behind(bytes, values_end, BOUND_BYTES_MAX);
    if text.get(values_end..bound).is_some_and(|between| between.contains("[parameters: ")) {
        add(text, &columns, &items(text, bound).0, spans);
    }
}

fn add(text: &str, columns: &[(usize, usize)], values: &[(usize, usize)], spans: &mut Spans<'_>) {
    for ((name_start, name_end), (start, _)) in columns.iter().zip(values) {
        if let Some(kind) = secret_kind(column(text, *name_start, *name_end))
            && let Some((from, to)) = quoted(text, *start)
            && !is_blank_or_reference(text.get(from..to).unwrap_or_default())
        {
            spans.add_value(from, to, kind);
        }
    }
}

/// The name of a column without its quotes.
fn column(text: &str, from: usize, to: usize) -> &str {
    text.get(from..to).unwrap_or_default().trim_matches(['"', '`', '[', ']', '\\', ' '])
}

/// Where the next parenthesis opens, at most some bytes ahead.
fn open_behind(bytes: &[u8], at: usize, bytes_max: usize) -> usize {
    run(&bytes[..bytes.len().min(at + bytes_max)], at, |byte| byte != b'(')
}

/// The items of a list in the parenthesis that opens at `open`, and where it closes. Commas and parentheses in quotes do not count.
fn items(text: &str, open: usize) -> (Vec<(usize, usize)>, usize) {
    let mut found = Vec::new();
    if byte(text.as_bytes(), open) != b'(' {
        return (found, open);
    }
    let window = judged(text, open);
    let mut at = open + 1;
    while at < window.len() && found.len() < ITEMS_MAX {
        let from = run(window.as_bytes(), at, |byte| byte.is_ascii_whitespace());
        let behind = quoted(window, from).map_or(from, |(_, to)| to + 1);
        let to = run(window.as_bytes(), behind, |byte| !matches!(byte, b',' | b')'));
        found.push((from, to));
        if byte(window.as_bytes(), to) != b',' {
            return (found, to + 1);
        }
        at = to + 1;
    }
    (found, at)
}
