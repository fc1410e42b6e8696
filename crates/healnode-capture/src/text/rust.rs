//! Rust: the header of a panic in its old and new form, the message, and a backtrace if one was asked for.

use crate::limits::LINES_HELD_MAX;
use crate::text::block::{Grammar, Step};
use crate::text::title::Title;

/// The type of a panic.
const TYPE: &str = "panic";

enum State {
    /// The next line is the message.
    Message,
    /// The message may go on.
    MoreMessage,
    Backtrace,
}

struct Panic {
    state: State,
    message: Vec<String>,
    /// Lines that belong to the message if a note or a backtrace follows.
    perhaps: Vec<String>,
}

/// Begins at `thread 'main' panicked at`, also with the id of the thread.
pub(crate) fn begin(line: &str) -> Option<Box<dyn Grammar>> {
    let place = line.strip_prefix("thread '").and_then(|rest| rest.split_once("' "))?.1;
    let place = place.split_once("panicked at ").filter(|(id, _)| id.is_empty() || id.starts_with('('))?.1;
    let old_message = place.strip_prefix('\'').map(|quoted| quoted.rsplit_once("', ").map_or(quoted, |(message, _)| message));
    let state = if old_message.is_some() { State::MoreMessage } else { State::Message };
    Some(Box::new(Panic { state, message: old_message.into_iter().map(str::to_owned).collect(), perhaps: Vec::new() }))
}

impl Grammar for Panic {
    fn step(&mut self, line: &str) -> Step {
        match self.state {
            State::Message if line.is_empty() => Step::End,
            State::Message => {
                self.message.push(line.to_owned());
                self.state = State::MoreMessage;
                Step::Take
            }
            State::MoreMessage => self.step_behind_message(line),
            State::Backtrace if line.starts_with("note: ") => Step::TakeLast,
            State::Backtrace if line.starts_with(' ') => Step::Take,
            State::Backtrace => Step::End,
        }
    }

    fn title(&self) -> Option<Title> {
        Some(Title::new(TYPE, self.message.join("\n")))
    }
}

impl Panic {
    fn step_behind_message(&mut self, line: &str) -> Step {
        if line.starts_with("note: ") {
            self.message.append(&mut self.perhaps);
            return Step::TakeLast;
        }
        if line == "stack backtrace:" {
            self.message.append(&mut self.perhaps);
            self.state = State::Backtrace;
            return Step::Take;
        }
        if line.starts_with("thread '") {
            return Step::End;
        }
        let is_assertion = self.perhaps.is_empty()
            && self.message.len() < LINES_HELD_MAX
            && (line.starts_with("  left: ") || line.starts_with(" right: "));
        if is_assertion {
            self.message.push(line.to_owned());
            return Step::Take;
        }
        self.perhaps.push(line.to_owned());
        Step::Hold
    }
}
