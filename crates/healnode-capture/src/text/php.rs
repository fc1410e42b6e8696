//! PHP: `Fatal error: Uncaught Type: message in file:line`, calls, and further exceptions behind `Next`, of which the last was thrown last.

use crate::text::block::{Grammar, Step};
use crate::text::title::{Title, plain};

enum State {
    /// The message may go on.
    Message,
    Calls,
}

struct Fatal {
    state: State,
    /// The lines of the title that is being read.
    head: String,
}

const STARTS: &[&str] =
    &["PHP Fatal error:  ", "PHP Fatal error: ", "Fatal error: ", "PHP Parse error:  ", "PHP Parse error: ", "Parse error: "];

/// Begins at a fatal error, caught or not.
pub(crate) fn begin(line: &str) -> Option<Box<dyn Grammar>> {
    let rest = STARTS.iter().find_map(|start| line.strip_prefix(start))?;
    let is_php = line.starts_with("PHP ") || rest.starts_with("Uncaught ") || rest.contains(" on line ");
    is_php.then(|| -> Box<dyn Grammar> { Box::new(Fatal { state: State::Message, head: rest.trim().to_owned() }) })
}

impl Grammar for Fatal {
    fn step(&mut self, line: &str) -> Step {
        match self.state {
            State::Message if line == "Stack trace:" => {
                self.state = State::Calls;
                Step::Take
            }
            State::Message if !self.is_uncaught() => Step::End,
            State::Message => {
                self.head.push('\n');
                self.head.push_str(line);
                Step::Hold
            }
            State::Calls if line.starts_with("  thrown in ") => Step::TakeLast,
            State::Calls if line.starts_with('#') => Step::Take,
            State::Calls if line.is_empty() => Step::Hold,
            State::Calls => match line.strip_prefix("Next ") {
                Some(next) => {
                    self.head = format!("Uncaught {next}");
                    self.state = State::Message;
                    Step::Take
                }
                None => Step::End,
            },
        }
    }

    fn title(&self) -> Option<Title> {
        let head = without_place(self.head.lines().next().unwrap_or_default());
        let Some(uncaught) = head.strip_prefix("Uncaught ") else {
            return Some(Title::new("PHP Fatal error", head));
        };
        let whole = match self.state {
            State::Calls => without_place(self.head.strip_prefix("Uncaught ").unwrap_or(uncaught)),
            State::Message => uncaught,
        };
        Some(plain(whole).unwrap_or_else(|| Title::new("Exception", whole)))
    }
}

impl Fatal {
    fn is_uncaught(&self) -> bool {
        self.head.starts_with("Uncaught ")
    }
}

/// A title without ` in file:line` or ` in file on line 7`.
fn without_place(head: &str) -> &str {
    match head.rsplit_once(" in ") {
        Some((title, place)) if place.contains(".php") || place.contains(" on line ") || place.contains(':') => title.trim(),
        Some(_) | None => head.trim(),
    }
}
