//! Perl: `message at file line 7.`, and callers behind `called at`.
//!
//! A warning reads the same, so a message without callers is weak evidence.

use crate::text::Evidence;
use crate::text::block::{Grammar, Step};
use crate::text::title::{NO_TYPE, Title};

struct Die {
    title: Title,
}

/// Begins at a message with a place.
pub(crate) fn begin(line: &str) -> Option<Box<dyn Grammar>> {
    let (message, place) = line.rsplit_once(" at ")?;
    let (file, number) = place.strip_suffix('.')?.split_once(" line ")?;
    let number = number.split(", <").next().unwrap_or(number);
    let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    let is_file = file == "-e" || !file.contains(' ') && file.contains(['.', '/']);
    let is_message = !message.trim().is_empty() && !message.starts_with([' ', '\t']);
    (is_number && is_file && is_message).then(|| -> Box<dyn Grammar> { Box::new(Die { title: Title::of_line(NO_TYPE, message.trim()) }) })
}

impl Grammar for Die {
    fn step(&mut self, line: &str) -> Step {
        let is_caller = line.starts_with('\t') && line.contains(" called at ");
        if !is_caller {
            return Step::End;
        }
        self.title.evidence = Evidence::Trace;
        Step::Take
    }

    fn title(&self) -> Option<Title> {
        Some(self.title.clone())
    }
}
