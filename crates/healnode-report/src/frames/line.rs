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

/// Most words of a logger's prefix. It bounds how often a line is tried.
const PREFIX_WORDS_MAX: usize = 16;

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
        Line::after(line, None)
    }

    /// A line as it is, below one of a language. Of several lines in a row that begin with `at`, the first one tells the language.
    pub(super) fn after(line: &'a str, before: Option<Language>) -> Line<'a> {
        let line = &line[..floor(line, LINE_BYTES_MAX)];
        let blanks = line.bytes().take_while(|byte| is_blank(*byte)).count();
        let body = line[blanks..].trim_start_matches('│').trim_ascii_start();
        let text = body.trim_ascii_end();
        let is_next = matches!(before, Some(Language::Java | Language::DotNet | Language::JavaScript)) && text.starts_with("at ");
        let language = if is_next { before } else { language(text) };
        Line { text, indent: line.len() - body.len(), language }
    }

    /// A line behind as many bytes. All of it is left when it has not as many.
    pub(super) fn behind(line: &'a str, prefix: usize) -> Line<'a> {
        let rest = Line::new(line.get(prefix..).unwrap_or(line));
        Line { indent: rest.indent + prefix, ..rest }
    }

    /// Whether neither a language nor the order of a trace tells what it is.
    pub(super) fn is_unknown(&self) -> bool {
        self.language.is_none() && !is_marker(self.text)
    }

    /// A line behind a logger's prefix, or as it is when no word of it begins what a trace says.
    pub(super) fn behind_prefix(line: &'a str) -> Line<'a> {
        let whole = Line::new(line);
        if whole.language.is_some() || is_marker(whole.text) {
            return whole;
        }
        let bytes = whole.text.as_bytes();
        let is_start = |at: &usize| is_blank(bytes[at - 1]) && !is_blank(bytes[*at]);
        for at in (1..bytes.len().min(PREFIX_BYTES_MAX)).filter(is_start).take(PREFIX_WORDS_MAX) {
            let text = &whole.text[at..];
            let language = by_first_word(text);
            if language.is_some() || is_marker(text) {
                return Line { text, indent: whole.indent + at, language };
            }
        }
        whole
    }
}

/// How many bytes of a logger's prefix all lines of a trace share, any digit standing for any other one.
///
/// No more than stands before the lines that begin with a word of their own. Nought when it would be nothing but indentation.
pub(super) fn shared_prefix(stack: &str, lines: &[Line]) -> usize {
    let mut whole = stack.lines().filter(|line| !line.trim_ascii().is_empty());
    let first = whole.next().unwrap_or_default();
    let mut length = first.len().min(PREFIX_BYTES_MAX);
    let mut is_alone = true;
    for line in whole.take(lines.len()) {
        let is_same = |(one, other): &(u8, u8)| one == other || one.is_ascii_digit() && other.is_ascii_digit();
        length = first.bytes().zip(line.bytes()).take(length).take_while(is_same).count();
        is_alone = false;
        if length == 0 {
            return 0;
        }
    }
    let anchored = lines.iter().filter(|line| by_first_word(line.text).is_some()).map(|line| line.indent).min();
    let length = length.min(anchored.unwrap_or(length));
    let prefix = &first.as_bytes()[..length];
    let end = prefix.iter().rposition(|byte| is_blank(*byte)).map_or(0, |blank| blank + 1);
    if is_alone || prefix[..end].iter().all(|byte| is_blank(*byte)) { 0 } else { end }
}

/// Whether a byte parts the words of a prefix, or draws the edge of a group.
fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'|')
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
        b'b' | b'e' | 0xC3 | 0xD0 => is(dotnet::is_translated_frame(text), Language::DotNet),
        b'>' => is(python::is_frame(text), Language::Python),
        b'C' | b'I' if text.contains(" In") => is(python::is_frame(text), Language::Python),
        b'a' => at(text.strip_prefix("at ")?),
        b'#' => hash(text),
        b'P' => is(php::is_counted_frame(text), Language::Php),
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
    if java::is_call(call) {
        return Some(Language::Java);
    }
    if dotnet::is_call(call) {
        return Some(Language::DotNet);
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
    if ruby::is_counted_frame(text) {
        return Some(Language::Ruby);
    }
    if php::is_counted_frame(text) {
        return Some(Language::Php);
    }
    native::is_counted_frame(text).then_some(Language::Native)
}

/// The language of a line that is told by the place in it: all of them have a colon, a bracket or an `@` there.
fn by_place(text: &str) -> Option<Language> {
    if !text.contains([':', '[']) {
        return python::is_old_cell(text).then_some(Language::Python);
    }
    if go::is_place(text) {
        return Some(Language::Go);
    }
    if text.contains(".py:") && python::is_short_frame(text) {
        return Some(Language::Python);
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
