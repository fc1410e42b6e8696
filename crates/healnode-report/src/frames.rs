//! Which places in the code an error came through.
//!
//! Every language has a reader that knows its lines; the one that recognises most lines of a trace reads it. Readers return the
//! frames of the innermost cause, nearest the throw first, and mark the ones of libraries and runtimes. Only the application's own
//! frames take part in a fingerprint, as `basename:function`: no lines, addresses, arguments or directories, so that neither a new
//! release of a library nor a moved line changes them. Total on any text, and linear.

mod dotnet;
mod go;
mod java;
mod javascript;
mod native;
mod php;
mod python;
mod ruby;
mod rust;
mod text;

use crate::limits::{FRAME_BYTES_MAX, FRAMES_MAX};

/// A place in the code.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Frame {
    /// Base name of the file, or the module, or empty.
    file: String,
    /// Name of the function, or empty when it has none.
    function: String,
    /// Whether it is the application's own code.
    in_app: bool,
}

impl Frame {
    fn new(path: &str, function: &str, in_app: bool) -> Frame {
        Frame { file: text::base_name(path).to_ascii_lowercase(), function: function.to_owned(), in_app }
    }

    fn into_text(self) -> String {
        let mut text = format!("{}:{}", self.file, self.function);
        text.truncate(text::floor(&text, FRAME_BYTES_MAX));
        text
    }
}

/// How a language prints its traces.
struct Language {
    /// Name for the fence of a code block in Markdown.
    fence: &'static str,
    /// Whether a line can only be of this language's traces.
    knows: fn(&str) -> bool,
    /// The frames of the innermost cause, nearest the throw first.
    read: fn(&[&str]) -> Vec<Frame>,
}

/// Every language, the one with the more telling lines first.
const LANGUAGES: &[Language] = &[
    Language { fence: "python", knows: python::knows, read: python::read },
    Language { fence: "java", knows: java::knows, read: java::read },
    Language { fence: "go", knows: go::knows, read: go::read },
    Language { fence: "rust", knows: rust::knows, read: rust::read },
    Language { fence: "php", knows: php::knows, read: php::read },
    Language { fence: "ruby", knows: ruby::knows, read: ruby::read },
    Language { fence: "javascript", knows: javascript::knows, read: javascript::read },
    Language { fence: "csharp", knows: dotnet::knows, read: dotnet::read },
    Language { fence: "cpp", knows: native::knows, read: native::read },
];

/// The language of a trace, as a fence in Markdown names it, or `text`.
pub fn language(stack: &str) -> &'static str {
    let lines: Vec<&str> = lines(stack);
    recognise(&lines).map_or("text", |language| language.fence)
}

/// The application's own frames nearest the throw, innermost cause first, as `basename:function`.
///
/// At most [`FRAMES_MAX`]. Recursion is folded. Empty when nothing is recognised, when all frames are of libraries, and when none
/// of them has a name.
pub fn in_app_frames(stack: &str) -> Vec<String> {
    let lines = lines(stack);
    let Some(language) = recognise(&lines) else {
        return Vec::new();
    };
    let frames: Vec<Frame> = (language.read)(&lines).into_iter().filter(|frame| frame.in_app).collect();
    if frames.iter().all(|frame| frame.function.is_empty() && frame.file.is_empty()) {
        return Vec::new();
    }
    let mut folded = fold(frames);
    folded.truncate(FRAMES_MAX);
    folded.into_iter().map(Frame::into_text).collect()
}

/// Most lines of a trace that are looked at. A clipped trace has fewer.
const LINES_MAX: usize = 4096;

/// Lines of a trace. Of one that is too long the last ones are left out.
fn lines(stack: &str) -> Vec<&str> {
    stack.lines().take(LINES_MAX).collect()
}

fn recognise(lines: &[&str]) -> Option<&'static Language> {
    let count = |language: &Language| lines.iter().filter(|line| (language.knows)(line)).count();
    let mut best: Option<(usize, &Language)> = None;
    for language in LANGUAGES {
        let known = count(language);
        if known > best.map_or(0, |(most, _)| most) {
            best = Some((known, language));
        }
    }
    best.map(|(_, language)| language)
}

/// Longest cycle of frames that is folded into one turn.
const CYCLE_MAX: usize = 4;

/// Leaves one turn of each recursion.
fn fold(frames: Vec<Frame>) -> Vec<Frame> {
    let mut folded: Vec<Frame> = Vec::with_capacity(frames.len().min(64));
    for frame in frames {
        folded.push(frame);
        for cycle in 1..=CYCLE_MAX {
            let Some(before) = folded.len().checked_sub(2 * cycle) else {
                break;
            };
            let (first, second) = folded[before..].split_at(cycle);
            if first == second {
                folded.truncate(before + cycle);
                break;
            }
        }
    }
    folded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recursion_is_folded_also_when_it_has_several_steps() {
        let names = ["top", "even", "odd", "even", "odd", "even", "odd", "main", "main"];
        let frames = names.iter().map(|name| Frame::new("a.py", name, true)).collect();
        let folded: Vec<String> = fold(frames).into_iter().map(|frame| frame.function).collect();
        assert_eq!(folded, ["top", "even", "odd", "main"]);
    }

    #[test]
    fn a_text_without_a_trace_has_no_frames() {
        for text in ["", "something went wrong", "at first I thought", "\n\n\n", "File \"", "#0", "in `"] {
            assert_eq!(in_app_frames(text), Vec::<String>::new(), "{text}");
            assert_eq!(language(text), "text", "{text}");
        }
    }
}
