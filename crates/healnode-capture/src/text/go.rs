//! Go: `panic: message` or `fatal error: message`, then goroutines, of which the first is the one that failed.

use crate::text::block::{Grammar, Step};
use crate::text::title::Title;

enum State {
    Header,
    First,
    Others,
}

struct Panic {
    state: State,
    title: Title,
}

/// Begins at the header.
pub(crate) fn begin(line: &str) -> Option<Box<dyn Grammar>> {
    let kind = ["panic", "fatal error"].into_iter().find(|kind| line.strip_prefix(kind).is_some_and(|rest| rest.starts_with(": ")))?;
    let message = line[kind.len() + 2..].trim();
    let message = message.strip_suffix(" [recovered]").unwrap_or(message);
    Some(Box::new(Panic { state: State::Header, title: Title::of_line(kind, message) }))
}

impl Grammar for Panic {
    fn step(&mut self, line: &str) -> Step {
        let is_goroutine = line.starts_with("goroutine ") && line.ends_with(':');
        match self.state {
            State::Header if is_goroutine => {
                self.state = State::First;
                self.title.evidence = crate::text::Evidence::Trace;
                Step::Take
            }
            State::Header => Step::Hold,
            State::First | State::Others if line.starts_with("exit status ") => Step::TakeLast,
            State::First | State::Others if is_goroutine => {
                self.state = State::Others;
                Step::Skip
            }
            State::First if line.is_empty() => Step::Hold,
            State::First if is_part(line) => Step::Take,
            State::Others if line.is_empty() || is_part(line) => Step::Skip,
            State::First | State::Others => Step::End,
        }
    }

    fn title(&self) -> Option<Title> {
        Some(self.title.clone())
    }
}

/// Whether a line is a call, its place, or who created the goroutine.
fn is_part(line: &str) -> bool {
    line.starts_with('\t') || line.starts_with("created by ") || line.starts_with("...") || line.ends_with(')') && line.contains('(')
}
