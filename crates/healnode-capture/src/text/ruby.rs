//! Ruby: ``cart.rb:12:in `add': message (Type)``, callers behind `from`, then causes in the same way.

use crate::text::block::{Grammar, Step};
use crate::text::title::{NO_TYPE, Title};

struct Ruby {
    title: Title,
    /// Lines of the message behind the first, if a caller follows.
    perhaps: Vec<String>,
    /// Whether the message may still go on.
    is_open: bool,
}

/// Begins at a place with a message.
pub(crate) fn begin(line: &str) -> Option<Box<dyn Grammar>> {
    let title = header(line)?;
    Some(Box::new(Ruby { title, perhaps: Vec::new(), is_open: true }))
}

impl Grammar for Ruby {
    fn step(&mut self, line: &str) -> Step {
        if line.trim_start().starts_with("from ") && line.starts_with([' ', '\t']) {
            self.close_message();
            return Step::Take;
        }
        match header(line) {
            Some(title) if title == self.title => Step::End,
            Some(_) if !self.is_open => Step::Take,
            Some(_) => Step::End,
            None if self.is_open => {
                self.perhaps.push(line.to_owned());
                Step::Hold
            }
            None if line.trim_start().starts_with("... ") && line.ends_with(" levels...") => Step::Take,
            None => Step::End,
        }
    }

    fn title(&self) -> Option<Title> {
        Some(self.title.clone())
    }
}

impl Ruby {
    /// A blank line ends the message: behind it Ruby shows the source.
    fn close_message(&mut self) {
        if self.is_open {
            let more = self.perhaps.iter().take_while(|line| !line.trim().is_empty());
            self.title.message = std::iter::once(self.title.message.clone()).chain(more.cloned()).collect::<Vec<String>>().join("\n");
        }
        self.is_open = false;
    }
}

/// Reads ``path:line:in `function': message (Type)``. A type is what tells an error from a warning.
fn header(line: &str) -> Option<Title> {
    let (place, rest) = line.split_once(":in ")?;
    let (path, number) = place.rsplit_once(':')?;
    let is_place = !path.is_empty() && !path.starts_with([' ', '\t']) && number.bytes().all(|byte| byte.is_ascii_digit());
    let (_, message) = rest.strip_prefix(['`', '\''])?.split_once("': ")?;
    if !is_place || message.starts_with("warning: ") {
        return None;
    }
    let (message, kind) = match message.strip_suffix(')').and_then(|message| message.rsplit_once(" (")) {
        Some((message, kind)) if crate::text::title::is_name(kind) => (message, kind),
        Some(_) | None => (message, NO_TYPE),
    };
    Some(Title::new(kind, message.trim()))
}
