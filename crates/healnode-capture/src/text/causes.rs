//! Rust's `anyhow` and `eyre`: `Error: message`, causes behind `Caused by:`, and perhaps a backtrace.

use crate::text::block::{Grammar, Step};
use crate::text::title::{NO_TYPE, Title};

struct Causes {
    message: String,
}

/// Begins at `Caused by:` below a line that begins with `Error: `. Returns at which of the lines before the trace begins.
pub(crate) fn begin(line: &str, before: &[&str]) -> Option<(Box<dyn Grammar>, usize)> {
    if line != "Caused by:" {
        return None;
    }
    let head = before.iter().rposition(|line| !line.is_empty())?;
    let message = before[head].strip_prefix("Error: ")?.trim().to_owned();
    Some((Box::new(Causes { message }), head))
}

impl Grammar for Causes {
    fn step(&mut self, line: &str) -> Step {
        let is_part = line.starts_with(' ') || matches!(line, "Stack backtrace:" | "stack backtrace:" | "Location:" | "Backtrace omitted.");
        match line.is_empty() {
            true => Step::Hold,
            false if is_part => Step::Take,
            false => Step::End,
        }
    }

    fn title(&self) -> Option<Title> {
        Some(Title::new(NO_TYPE, &self.message))
    }
}
