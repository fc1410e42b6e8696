//! The sanitizers of C and C++: `==7==ERROR: AddressSanitizer: heap-use-after-free on address …`, stacks, and a summary.

use crate::text::block::{Grammar, Step};
use crate::text::title::Title;

struct Sanitizer {
    title: Title,
}

/// Begins at the header.
pub(crate) fn begin(line: &str) -> Option<Box<dyn Grammar>> {
    let header = line.strip_prefix("==").and_then(|rest| rest.split_once("=="));
    let text = header
        .and_then(|(_, rest)| rest.strip_prefix("ERROR: "))
        .or_else(|| line.strip_prefix("WARNING: ThreadSanitizer: ").map(|_| &line[9..]))?;
    let (name, fault) = text.split_once(": ").filter(|(name, _)| name.ends_with("Sanitizer"))?;
    Some(Box::new(Sanitizer { title: Title::new(name, without_addresses(fault)) }))
}

impl Grammar for Sanitizer {
    fn step(&mut self, line: &str) -> Step {
        if line.starts_with("SUMMARY: ") {
            return Step::TakeLast;
        }
        let is_part = line.is_empty()
            || line.starts_with([' ', '\t', '='])
            || line.ends_with(':')
            || line.contains(" at 0x")
            || line.contains("thread T");
        if is_part { Step::Take } else { Step::Hold }
    }

    fn title(&self) -> Option<Title> {
        Some(self.title.clone())
    }
}

/// `heap-use-after-free on address 0x60… at pc …` as `heap-use-after-free`.
fn without_addresses(fault: &str) -> &str {
    let fault = fault.split(" 0x").next().unwrap_or(fault);
    let fault = fault.split(" (pid=").next().unwrap_or(fault);
    fault.strip_suffix(" on address").unwrap_or(fault).trim()
}
