//! Go: `panic: message` or `fatal error: message`, then goroutines, of which the first is the one that failed.
//!
//! The message ends at a blank line, and in front of a signal or another panic; Go indents what follows its first line.

use crate::text::block::{Grammar, Step};
use crate::text::title::Title;

/// The type of a panic.
pub(crate) const PANIC: &str = "panic";

enum State {
    /// The message may go on.
    Message,
    Header,
    First,
    Others,
}

struct Panic {
    state: State,
    title: Title,
    /// Lines of the message behind the first, if a goroutine follows.
    perhaps: Vec<String>,
}

/// Begins at the header.
pub(crate) fn begin(line: &str) -> Option<Box<dyn Grammar>> {
    let kind = [PANIC, "fatal error"].into_iter().find(|kind| line.strip_prefix(kind).is_some_and(|rest| rest.starts_with(": ")))?;
    let message = without_recovery(line[kind.len() + 2..].trim());
    Some(Box::new(Panic { state: State::Message, title: Title::of_line(kind, message), perhaps: Vec::new() }))
}

impl Grammar for Panic {
    fn step(&mut self, line: &str) -> Step {
        let is_goroutine = line.starts_with("goroutine ") && line.ends_with(':');
        match self.state {
            State::Message | State::Header if is_goroutine => {
                self.state = State::First;
                self.title.evidence = crate::text::Evidence::Trace;
                self.complete_message();
                Step::Take
            }
            State::Message if is_behind_message(line) => {
                self.state = State::Header;
                Step::Hold
            }
            State::Message => {
                self.perhaps.push(line.strip_prefix('\t').unwrap_or(line).to_owned());
                Step::Hold
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

impl Panic {
    fn complete_message(&mut self) {
        for more in self.perhaps.drain(..) {
            self.title.message.push('\n');
            self.title.message.push_str(without_recovery(&more));
        }
    }
}

/// A message without the note that the program went on after it.
fn without_recovery(message: &str) -> &str {
    [" [recovered]", " [recovered, repanicked]"].iter().find_map(|note| message.strip_suffix(note)).unwrap_or(message)
}

/// Whether a line ends the message above it.
fn is_behind_message(line: &str) -> bool {
    line.is_empty() || line.starts_with("[signal ") || line.starts_with("\tpanic: ")
}

/// Whether a line is a call, its place, or who created the goroutine.
fn is_part(line: &str) -> bool {
    line.starts_with('\t') || line.starts_with("created by ") || line.starts_with("...") || line.ends_with(')') && line.contains('(')
}
