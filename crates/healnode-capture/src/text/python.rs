//! Python: `Traceback (most recent call last):`, frames, and the exception on the last line; joined by sentences, or drawn as groups.
//!
//! Of a message of several lines the first that says anything is taken: nothing tells the others from what the program prints next. They
//! belong to the trace where the sentence of a chain follows them.

use crate::text::block::{Grammar, Step};
use crate::text::title::{NO_TYPE, Title, is_name};

const HEADER: &str = "Traceback (most recent call last):";

/// Sentences between a cause and the exception that it led to.
const CHAINS: &[&str] = &[
    "The above exception was the direct cause of the following exception:",
    "During handling of the above exception, another exception occurred:",
];

/// Words that stand where a type would stand, in lines of a log.
const LEVELS: &[&str] = &["DEBUG", "INFO", "NOTICE", "WARN", "WARNING", "ERROR", "CRITICAL", "FATAL", "TRACE"];

enum State {
    Frames,
    Named,
    Chained,
}

struct Python {
    state: State,
    title: Option<(String, String)>,
    has_frames: bool,
    /// Whether the first line of the message was blank.
    awaits_message: bool,
    /// Whether the exception that is being read is a group and has been named.
    is_group: bool,
    /// How far the whole trace is indented.
    indent: usize,
}

/// Begins at a header, or at the frame that a syntax error is printed with.
pub(crate) fn begin(line: &str) -> Option<Box<dyn Grammar>> {
    let is_syntax_error = line.starts_with("  File \"") && line.contains("\", line ") && !line.contains(", in ");
    if !line.ends_with(HEADER) && !is_syntax_error {
        return None;
    }
    let indent = line.len() - line.trim_start().len();
    let indent = if is_syntax_error || line.trim_start().starts_with('+') { 0 } else { indent };
    Some(Box::new(Python {
        state: State::Frames,
        title: None,
        has_frames: is_syntax_error,
        awaits_message: false,
        is_group: false,
        indent,
    }))
}

impl Grammar for Python {
    fn step(&mut self, line: &str) -> Step {
        let margin = line.bytes().take(self.indent).take_while(|byte| matches!(byte, b' ' | b'\t')).count();
        let line = &line[margin..];
        match self.state {
            State::Frames => self.step_in_frames(line),
            State::Named if line.is_empty() => Step::Hold,
            State::Named if CHAINS.contains(&line) => {
                self.state = State::Chained;
                Step::Take
            }
            State::Named if line.ends_with(HEADER) => Step::End,
            State::Named => self.step_behind_name(line),
            State::Chained if line.is_empty() => Step::Hold,
            State::Chained if line.ends_with(HEADER) => {
                self.state = State::Frames;
                self.is_group = false;
                Step::Take
            }
            State::Chained => Step::End,
        }
    }

    fn title(&self) -> Option<Title> {
        match &self.title {
            Some((error_type, message)) => Some(Title::new(error_type, message)),
            None => self.has_frames.then(|| Title::new(NO_TYPE, "")),
        }
    }
}

impl Python {
    fn step_in_frames(&mut self, line: &str) -> Step {
        if let Some(group) = line.strip_prefix("  | ")
            && let Some(title) = title(group)
        {
            self.title = Some(title);
            self.is_group = true;
            return Step::Take;
        }
        if line.is_empty() {
            if self.is_group {
                self.state = State::Named;
            }
            return Step::Hold;
        }
        if line.starts_with([' ', '\t']) {
            self.has_frames |= line.trim_start().starts_with("File \"");
            return Step::Take;
        }
        let name = title(line).filter(|_| !self.is_group);
        self.state = State::Named;
        match name {
            Some(title) => {
                self.awaits_message = line.ends_with(": ");
                self.title = Some(title);
                Step::Take
            }
            None => Step::End,
        }
    }

    fn step_behind_name(&mut self, line: &str) -> Step {
        match &mut self.title {
            Some((_, message)) if self.awaits_message => {
                line.trim().clone_into(message);
                self.awaits_message = false;
                Step::Take
            }
            Some(_) | None => Step::Hold,
        }
    }
}

/// Reads `module.Type: message`, without the count that Python puts behind the message of a group.
fn title(line: &str) -> Option<(String, String)> {
    let (name, message) = line.split_once(": ").unwrap_or((line.strip_suffix(':').unwrap_or(line), ""));
    let is_type = is_name(name) && !name.contains(['/', '\\', '$', '+', '`', ':']) && !LEVELS.contains(&name);
    is_type.then(|| (name.to_owned(), without_count(message.trim()).to_owned()))
}

fn without_count(message: &str) -> &str {
    let counted = message.strip_suffix(" sub-exceptions)").or_else(|| message.strip_suffix(" sub-exception)"));
    let split = counted.and_then(|counted| counted.rsplit_once(" ("));
    match split {
        Some((message, count)) if !count.is_empty() && count.bytes().all(|byte| byte.is_ascii_digit()) => message,
        Some(_) | None => message,
    }
}
