//! Which places in the code an error came through.
//!
//! One look at each line finds its language; the one with most lines reads the trace, unless only another one finds frames of the
//! application. Readers return the frames of the innermost cause, nearest the throw first, and mark those of libraries and
//! runtimes. Only the application's own take part in a fingerprint, as `basename:function`: no lines, addresses, arguments or
//! directories, so that neither a new release of a library nor a moved line changes them. Total on any text, and linear.

mod bundle;
mod cause;
mod dotnet;
mod go;
mod java;
mod javascript;
mod line;
mod native;
mod php;
mod place;
mod python;
mod recursion;
mod ruby;
mod rust;
mod symbol;
mod text;

use std::borrow::Cow;

use crate::limits::{FRAME_BYTES_MAX, FRAMES_MAX};
use crate::normalise::{normalise, normalise_type};
use line::Line;

pub use place::{Place, in_app_places};

/// A place in the code.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Frame<'a> {
    /// Path of the file, or the module or class, as printed. Empty when the trace names none.
    pub(crate) path: &'a str,
    /// Base name of the file in lower case, or the class, without what differs between two builds. May be empty.
    pub(crate) file: Cow<'a, str>,
    /// Name of the function without what compilers add to it. Empty when it has none.
    pub(crate) function: Cow<'a, str>,
    /// Whether it is the application's own code.
    pub(crate) in_app: bool,
}

impl Frame<'_> {
    /// Whether it takes part in a fingerprint: the application's own code, with a name.
    fn counts(&self) -> bool {
        self.in_app && !(self.file.is_empty() && self.function.is_empty())
    }

    /// Whether another frame is in the same function.
    fn is_same(&self, other: &Frame) -> bool {
        self.function == other.function && self.file == other.file
    }
}

/// A stack trace in some language.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Trace<'a> {
    /// The language, as a fence in Markdown names it.
    pub(crate) language: &'static str,
    /// The frames of the innermost cause, nearest the throw first, libraries included.
    pub(crate) frames: Vec<Frame<'a>>,
    /// The type and the message of the innermost cause. `None` when the trace shows no chain.
    cause: Option<Cow<'a, str>>,
    /// Whether frames are left out of the middle of it, as of a recursion.
    is_elided: bool,
}

/// A language that prints traces of its own kind.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Language {
    Python,
    Java,
    Go,
    Rust,
    Php,
    Ruby,
    JavaScript,
    DotNet,
    Native,
}

/// Every language, in the order of the enum. Of two that know equally many lines the first one reads the trace.
const LANGUAGES: [Language; 9] = [
    Language::Python,
    Language::Java,
    Language::Go,
    Language::Rust,
    Language::Php,
    Language::Ruby,
    Language::JavaScript,
    Language::DotNet,
    Language::Native,
];

impl Language {
    fn fence(self) -> &'static str {
        match self {
            Language::Python => "python",
            Language::Java => "java",
            Language::Go => "go",
            Language::Rust => "rust",
            Language::Php => "php",
            Language::Ruby => "ruby",
            Language::JavaScript => "javascript",
            Language::DotNet => "csharp",
            Language::Native => "cpp",
        }
    }

    fn read<'a>(self, lines: &[Line<'a>]) -> Vec<Frame<'a>> {
        match self {
            Language::Python => python::read(lines),
            Language::Java => java::read(lines),
            Language::Go => go::read(lines),
            Language::Rust => rust::read(lines),
            Language::Php => php::read(lines),
            Language::Ruby => ruby::read(lines),
            Language::JavaScript => javascript::read(lines),
            Language::DotNet => dotnet::read(lines),
            Language::Native => native::read(lines),
        }
    }
}

/// The language of a trace, as a fence in Markdown names it, or `text`.
pub fn language(stack: &str) -> &'static str {
    read(stack).map_or("text", |trace| trace.language)
}

/// The application's own frames nearest the throw, innermost cause first, as `basename:function`; behind them the innermost cause
/// itself, as `caused by type: message`, when the trace shows a chain.
///
/// At most [`FRAMES_MAX`] frames. Recursion is folded. Empty when nothing is recognised; without frames when all are of libraries,
/// and when none of them has a name.
pub fn in_app_frames(stack: &str) -> Vec<String> {
    read(stack).as_ref().map(key).unwrap_or_default()
}

/// Reads a trace. `None` when no line is of a trace in a language that has a reader.
pub(crate) fn read(stack: &str) -> Option<Trace<'_>> {
    let lines = lines(stack);
    let is_elided = lines.iter().any(|line| is_elision(line.text));
    let mut first = None;
    for language in by_lines(&lines) {
        let (frames, cause) = (language.read(&lines), cause::innermost(language, &lines));
        let trace = Trace { language: language.fence(), frames, cause, is_elided };
        if trace.frames.iter().any(|frame| frame.in_app) {
            return Some(trace);
        }
        first = first.or(Some(trace));
    }
    first
}

/// Whether a line stands for frames of a recursion, in Go and in Ruby.
fn is_elision(text: &str) -> bool {
    text.starts_with("...") && (text.ends_with("frames elided...") || text.ends_with("levels..."))
}

/// Most lines of a trace that are looked at. A clipped trace has fewer.
const LINES_MAX: usize = 4096;

/// Room for the lines of most traces.
const LINES_USUAL: usize = 64;

/// Lines of a trace. Of one that is too long the last ones are left out.
///
/// A logger's prefix is looked for when none is known for what it is. What all lines begin with is taken from those that only
/// their neighbours explain.
fn lines(stack: &str) -> Vec<Line<'_>> {
    let mut lines: Vec<Line> = Vec::with_capacity(LINES_USUAL);
    for line in stack.lines().take(LINES_MAX) {
        let before = lines.last().and_then(|line| line.language);
        lines.push(Line::after(line, before));
    }
    if lines.iter().all(|line| line.language.is_none()) {
        for (line, whole) in lines.iter_mut().zip(stack.lines()) {
            *line = Line::behind_prefix(whole);
        }
    }
    let prefix = line::shared_prefix(stack, &lines);
    if prefix > 0 {
        for (line, whole) in lines.iter_mut().zip(stack.lines()).filter(|(line, _)| line.is_unknown()) {
            *line = Line::behind(whole, prefix);
        }
    }
    lines
}

/// The languages that know some of the lines, the one that knows most of them first.
fn by_lines(lines: &[Line]) -> impl Iterator<Item = Language> {
    let mut known = [0_usize; LANGUAGES.len()];
    for language in lines.iter().filter_map(|line| line.language) {
        known[language as usize] += 1;
    }
    let mut languages = LANGUAGES;
    languages.sort_by_key(|language| std::cmp::Reverse(known[*language as usize]));
    languages.into_iter().take_while(move |language| known[*language as usize] > 0)
}

/// What of a trace takes part in a fingerprint: the application's own frames nearest the throw, as `basename:function`, or as
/// `function` where that names its module.
///
/// At most [`FRAMES_MAX`], each within [`FRAME_BYTES_MAX`]. A function stands in it once. Behind them stands the innermost cause of a
/// chain, as `caused by type: message`, so that one place that wraps many errors does not make them one.
pub(crate) fn key(trace: &Trace) -> Vec<String> {
    let mut kept: Vec<&Frame> = Vec::with_capacity(FRAMES_MAX);
    for frame in recursion::unwound(&trace.frames, trace.is_elided) {
        if kept.len() == FRAMES_MAX {
            break;
        }
        if !kept.iter().any(|known| known.is_same(frame)) {
            kept.push(frame);
        }
    }
    kept.into_iter().map(text).chain(trace.cause.as_deref().map(caused_by)).collect()
}

/// The innermost cause without what varies in its message.
fn caused_by(cause: &str) -> String {
    let (error_type, message) = cause.split_once(": ").filter(|(error_type, _)| !error_type.contains(' ')).unwrap_or(("", cause));
    let mut text = String::from("caused by ");
    if !error_type.is_empty() {
        text.push_str(&normalise_type(error_type));
        text.push_str(": ");
    }
    text.push_str(&normalise(message));
    text.truncate(text::floor(&text, FRAME_BYTES_MAX));
    text
}

fn text(frame: &Frame) -> String {
    let mut text = String::with_capacity(frame.file.len() + 1 + frame.function.len());
    if !frame.file.is_empty() {
        text.push_str(&frame.file);
        text.push(':');
    }
    text.push_str(&frame.function);
    text.truncate(text::floor(&text, FRAME_BYTES_MAX));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_within_another_ones_message_is_read_when_only_it_has_the_applications_frames() {
        let stack = "org.apache.spark.SparkException: failed\nTraceback (most recent call last):\n  File \"/srv/job.py\", line 3, in run\n\
                     ValueError: bad\n\tat org.apache.spark.A.a(A.scala:1)\n\tat org.apache.spark.B.b(B.scala:1)\n\tat java.lang.Thread.run(Thread.java:1)";
        assert_eq!(in_app_frames(stack), ["job.py:run"]);
        assert_eq!(language(stack), "python");
    }

    #[test]
    fn a_loggers_prefix_does_not_matter() {
        let stack =
            "goroutine 1 [running]:\nmain.(*Cart).Add(0xc0000, {0x1, 0x2})\n\t/srv/cart.go:21 +0x1d\nmain.main()\n\t/srv/main.go:9 +0x25";
        for prefix in
            ["web_1  | ", "2026-11-25T13:10:32.125Z stderr F ", "Nov 25 13:10:32 host app[812]: ", "[2026-11-25 13:10:32] ERROR app: "]
        {
            let logged: Vec<String> = stack.lines().map(|line| format!("{prefix}{line}")).collect();
            assert_eq!(in_app_frames(&logged.join("\r\n")), in_app_frames(stack), "{prefix}");
        }
    }

    #[test]
    fn a_text_without_a_trace_has_no_frames() {
        for text in ["", "something went wrong", "at first I thought", "\n\n\n", "File \"", "#0", "in `"] {
            assert_eq!(in_app_frames(text), Vec::<String>::new(), "{text}");
            assert_eq!(language(text), "text", "{text}");
        }
    }
}
