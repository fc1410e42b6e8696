//! A backtrace as text, with the frames of the application first.
//!
//! What the runtime and this library put around the place of the error is taken out: it is the same in every backtrace, and would count as
//! the application's own. Finding the names takes milliseconds, so the background thread does it.

use std::backtrace::Backtrace;
use std::fmt;

use crate::bounded;
use crate::limits::BACKTRACE_BYTES_MAX;

/// What stands above the place of an error: panicking, capturing.
const ABOVE: [&str; 8] = ["std::", "core::", "alloc::", "<std::", "<core::", "<alloc::", "rust_begin_unwind", "__rust"];

/// Where the sources of the standard library are said to be.
const RUNTIME_SOURCES: &str = "/rustc/";

/// Where panicking begins. What is above belongs to the panic.
const TOP: &str = "__rust_end_short_backtrace";

/// Where a thread's own code begins; what is below is the runtime's.
const BOTTOM: &str = "__rust_begin_short_backtrace";

/// What this library's own frames are called. Where they are inlined they have no crate in their name, and are known by their place.
const OWN: &str = "healnode_client";

/// What a frame without a symbol is called. As a name it would make frames equal that are not.
const UNKNOWN: &str = "<unknown>";

/// What stands above the frames, as a panic prints it.
const HEADING: &str = "stack backtrace:\n";

/// Returns the frames as a panic prints them, or nothing when none is left.
pub(crate) fn text(backtrace: &Backtrace) -> String {
    let frames = trim(&bounded::text(format_args!("{backtrace}"), BACKTRACE_BYTES_MAX));
    if frames.is_empty() { frames } else { format!("{HEADING}{frames}") }
}

/// Returns the backtrace that an error prints of itself when it is shown by `Debug`, as those of `anyhow` do, or nothing.
pub(crate) fn in_debug_text(error: fmt::Arguments<'_>) -> String {
    let text = bounded::text(error, BACKTRACE_BYTES_MAX);
    let frames = text.split_once("Stack backtrace:\n").map(|(_, frames)| trim(frames)).unwrap_or_default();
    if frames.is_empty() { frames } else { format!("{HEADING}{frames}") }
}

fn trim(text: &str) -> String {
    let frames = split(text);
    let top = frames.iter().position(|frame| frame.function.contains(TOP)).map_or(0, |panicking| panicking + 1);
    let frames = frames.into_iter().skip(top).take_while(|frame| !frame.function.contains(BOTTOM)).skip_while(Frame::is_above);
    let frames = frames.filter(|frame| !frame.is_own() && frame.function != UNKNOWN);
    frames.flat_map(|frame| frame.lines).flat_map(|line| [line, "\n"]).collect()
}

/// One frame: a line with its number and function, and where it is.
struct Frame<'a> {
    function: &'a str,
    lines: Vec<&'a str>,
}

impl Frame<'_> {
    fn is_above(&self) -> bool {
        let is_of_runtime = self.lines.iter().any(|line| line.contains(RUNTIME_SOURCES));
        is_of_runtime || self.is_own() || ABOVE.iter().any(|above| self.function.starts_with(above))
    }

    fn is_own(&self) -> bool {
        let sources = file!().trim_end_matches("frames.rs");
        self.function.contains(OWN) || self.lines.iter().any(|line| line.contains(sources))
    }
}

fn split(text: &str) -> Vec<Frame<'_>> {
    let mut frames: Vec<Frame<'_>> = Vec::new();
    for line in text.lines() {
        if let Some(function) = function(line) {
            frames.push(Frame { function, lines: vec![line] });
        } else if let Some(frame) = frames.last_mut() {
            frame.lines.push(line);
        }
    }
    frames
}

/// The function of a line `  12: shop::cart::add`.
fn function(line: &str) -> Option<&str> {
    let (number, name) = line.trim_start().split_once(": ")?;
    (!number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_lies_between_the_panic_and_the_runtime_is_kept() {
        let text = "   0: std::backtrace::Backtrace::create\n   1: healnode_client::hook::report\n   \
                    2: <alloc::boxed::Box<F,A> as core::ops::function::Fn<Args>>::call\n   3: panic_display<alloc::string::String>\n             at /rustc/abc/library/core/src/panicking.rs:1:1\n   \
                    4: core::option::unwrap_failed\n             at /rustc/abc/library/core/src/option.rs:1:1\n   \
                    5: shop::cart::add\n             at ./src/cart.rs:9:13\n   6: <unknown>\n   7: core::ops::function::FnOnce::call_once\n   \
                    8: healnode_client::Client::wrap_main\n             at ./x.rs:1:1\n   9: shop::main\n             at ./src/main.rs:3:5\n  \
                    10: std::sys::backtrace::__rust_begin_short_backtrace\n  11: main\n";
        let kept = "   5: shop::cart::add\n             at ./src/cart.rs:9:13\n   7: core::ops::function::FnOnce::call_once\n   \
                    9: shop::main\n             at ./src/main.rs:3:5\n";
        assert_eq!(trim(text), kept);
    }

    #[test]
    fn a_program_without_symbols_has_no_frames() {
        assert_eq!(trim("   0: <unknown>\n   1: <unknown>\n"), "");
        assert_eq!(trim(""), "");
    }
}
