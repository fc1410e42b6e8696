//! A line of a trace: where its text begins, and which language's trace it belongs to.
//!
//! One look at the first bytes behind the indentation chooses the single reader that is asked. A logger's prefix is passed over:
//! the text begins at the first word behind which a reader knows the rest. Knows no order and no causes; the readers do.

use super::text::{floor, split_line};
use super::{Language, dotnet, go, java, javascript, native, php, python, ruby, rust};

/// Longest part of a line that is read, in bytes. Names of generic types in .NET reach 3 KiB; nothing else comes near.
const LINE_BYTES_MAX: usize = 4096;

/// Longest prefix of a logger, in bytes: time, level, host, thread and class fit twice.
const PREFIX_BYTES_MAX: usize = 192;

/// A line without indentation, line end, and a logger's prefix.
#[derive(Clone, Copy)]
pub(super) struct Line<'a> {
    /// What is left of it.
    pub(super) text: &'a str,
    /// How many bytes stand before the text.
    pub(super) indent: usize,
    /// The language that prints such a frame, or such a line at the head of a trace.
    pub(super) language: Option<Language>,
}

impl<'a> Line<'a> {
    /// A line as it is, without its indentation.
    pub(super) fn new(line: &'a str) -> Line<'a> {
        let line = &line[..floor(line, LINE_BYTES_MAX)];
        let body = line.trim_start_matches([' ', '\t', '|', '│']);
        let text = body.trim_end();
        Line { text, indent: line.len() - body.len(), language: language(text) }
    }

    /// A line behind a logger's prefix, or as it is when no word of it begins what a trace says.
    pub(super) fn behind_prefix(line: &'a str) -> Line<'a> {
        let whole = Line::new(line);
        if whole.language.is_some() || is_marker(whole.text) {
            return whole;
        }
        let bytes = whole.text.as_bytes();
        for at in 1..bytes.len().min(PREFIX_BYTES_MAX) {
            let is_start = matches!(bytes[at - 1], b' ' | b'\t' | b'|') && !matches!(bytes[at], b' ' | b'\t' | b'|');
            if !is_start || !whole.text.is_char_boundary(at) {
                continue;
            }
            let text = &whole.text[at..];
            let language = by_first_word(text);
            if language.is_some() || is_marker(text) {
                return Line { text, indent: whole.indent + at, language };
            }
        }
        whole
    }
}

/// Whether a line parts a trace into causes, threads or members.
fn is_marker(text: &str) -> bool {
    match text.as_bytes().first() {
        Some(b'T') => text.starts_with("The above exception was"),
        Some(b'D') => text.starts_with("During handling of the above"),
        Some(b'C') => text.starts_with("Caused by: "),
        Some(b'S') => text.starts_with("Suppressed: ") || text.starts_with("Stack backtrace:"),
        Some(b's') => text.starts_with("stack backtrace:"),
        Some(b'N') => text.starts_with("Next "),
        Some(b'W') => text.starts_with("Wrapped by: "),
        Some(b'[') => text.starts_with("[cause]: ") || text.starts_with("[previous exception]"),
        Some(b'.') => text.starts_with("... "),
        Some(b'+') => text.starts_with("+-"),
        Some(b'-') => text.starts_with("--- End of "),
        _ => false,
    }
}

fn language(text: &str) -> Option<Language> {
    by_first_word(text).or_else(|| by_place(text))
}

/// The language of a line that begins with a word, a mark or a number of its own.
fn by_first_word(text: &str) -> Option<Language> {
    let is = |known: bool, language: Language| known.then_some(language);
    match text.as_bytes().first()? {
        b'F' => is(python::is_frame(text), Language::Python),
        b'T' => is(text.starts_with("Traceback (most recent call last)"), Language::Python),
        b'C' | b'I' if text.contains(" In") => is(python::is_frame(text), Language::Python),
        b'a' => at(text.strip_prefix("at ")?),
        b'#' => hash(text),
        b'0'..=b'9' => numbered(text),
        b'g' => is(text.starts_with("goroutine ") && text.ends_with("]:"), Language::Go),
        b'L' | 0xE2 => is(rust::is_origin(text), Language::Rust),
        b't' | b'p' => is(rust::is_header(text), Language::Rust),
        b'f' if text.starts_with("from ") => is(ruby::is_frame(text), Language::Ruby),
        b'f' | b'*' | b'=' | b'@' => is(native::is_frame(text), Language::Native),
        _ => None,
    }
}

/// `at …` is what five languages say; what stands before and between the brackets tells them apart.
fn at(call: &str) -> Option<Language> {
    if dotnet::is_call(call) {
        return Some(Language::DotNet);
    }
    if java::is_call(call) {
        return Some(Language::Java);
    }
    if rust::is_place(call) {
        return Some(Language::Rust);
    }
    if split_line(call).is_some_and(|path| path.ends_with(".php")) {
        return Some(Language::Php);
    }
    javascript::is_call(call).then_some(Language::JavaScript)
}

fn hash(text: &str) -> Option<Language> {
    if php::is_frame(text) {
        return Some(Language::Php);
    }
    native::is_frame(text).then_some(Language::Native)
}

fn numbered(text: &str) -> Option<Language> {
    if rust::is_frame(text) {
        return Some(Language::Rust);
    }
    if ruby::is_frame(text) {
        return Some(Language::Ruby);
    }
    if go::is_place(text) {
        return Some(Language::Go);
    }
    native::is_frame(text).then_some(Language::Native)
}

/// The language of a line that is told by the place in it: all of them have a colon, a bracket or an `@` there.
fn by_place(text: &str) -> Option<Language> {
    if !text.contains([':', '[']) {
        return python::is_old_cell(text).then_some(Language::Python);
    }
    if go::is_place(text) {
        return Some(Language::Go);
    }
    if ruby::is_frame(text) {
        return Some(Language::Ruby);
    }
    if javascript::is_browser_frame(text) {
        return Some(Language::JavaScript);
    }
    if php::is_console_frame(text) {
        return Some(Language::Php);
    }
    if dotnet::is_unity_frame(text) {
        return Some(Language::DotNet);
    }
    native::is_frame(text).then_some(Language::Native)
}
