//! What C and C++ print before they abort: an exception that nobody caught, an assertion, a heap that is broken.

use crate::text::block::{Grammar, Step};
use crate::text::single;
use crate::text::title::Title;

struct Abort {
    title: Title,
}

/// What the C library says about a broken heap or stack.
const HEAP: &[&str] = &[
    "double free or corruption",
    "free(): ",
    "malloc(): ",
    "realloc(): ",
    "munmap_chunk(): ",
    "malloc_consolidate(): ",
    "corrupted size vs. prev_size",
    "corrupted double-linked list",
    "*** stack smashing detected ***",
    "*** buffer overflow detected ***",
];

/// Begins at the first line.
pub(crate) fn begin(line: &str) -> Option<Box<dyn Grammar>> {
    let title = exception(line).or_else(|| assertion(line)).or_else(|| heap(line))?;
    Some(Box::new(Abort { title }))
}

impl Grammar for Abort {
    fn step(&mut self, line: &str) -> Step {
        if let Some(what) = line.trim_start().strip_prefix("what():") {
            what.trim().clone_into(&mut self.title.message);
            return Step::Take;
        }
        if single::signal(line).is_some_and(|title| title.error_type == "SIGABRT") { Step::TakeLast } else { Step::End }
    }

    fn title(&self) -> Option<Title> {
        Some(self.title.clone())
    }
}

/// `terminate called after throwing an instance of 'std::runtime_error'`, of GNU's library or of LLVM's.
fn exception(line: &str) -> Option<Title> {
    if let Some(rest) = line.strip_prefix("libc++abi: terminating due to uncaught exception of type ") {
        let (kind, message) = rest.split_once(": ").unwrap_or((rest, ""));
        return Some(Title::new(kind, message));
    }
    let rest = line.strip_prefix("terminate called ")?;
    let kind = rest.strip_prefix("after throwing an instance of '").and_then(|rest| rest.split_once('\'')).map(|(kind, _)| kind);
    Some(Title::new(kind.unwrap_or("std::terminate"), ""))
}

/// ``app: cart.c:12: add: Assertion `n > 0' failed.``
fn assertion(line: &str) -> Option<Title> {
    let start = line.find("Assertion `")?;
    line.trim_end().ends_with("' failed.").then(|| Title::new("AssertionFailed", line[start..].trim_end()))
}

fn heap(line: &str) -> Option<Title> {
    HEAP.iter().any(|start| line.starts_with(start)).then(|| Title::new("SIGABRT", line.trim()))
}
