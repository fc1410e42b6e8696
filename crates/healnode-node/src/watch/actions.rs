//! What GitHub Actions writes into a log besides what steps print: where steps begin, and which lines are errors.
//!
//! Each failed step ends with a line that says only its exit code. That is an error where nothing better was found in the step.

use super::scan::{Scan, Sighting};

/// The steps of a log. One of another origin is a single step without marks.
#[derive(Default)]
pub(super) struct Steps {
    /// Whether an error was found since the step began.
    has_error: bool,
}

/// What a line means to Actions.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Meaning<'a> {
    /// Nothing: a step printed it.
    Output,
    /// A step begins.
    Begin,
    /// An error, as a step or the runner puts it.
    Error(&'a str),
    /// A step failed, for whatever reason.
    Failed(&'a str),
}

impl Steps {
    /// Takes a line and returns the errors that it completes.
    pub(super) fn feed(&mut self, scan: &mut Scan<u64>, mark: u64, line: &str) -> Vec<Sighting<u64>> {
        let sightings = match meaning(line) {
            Meaning::Output => scan.feed(mark, line),
            Meaning::Error(message) => scan.feed_error(&mark, message),
            Meaning::Begin => {
                let mut sightings = scan.flush();
                self.has_error = false;
                sightings.extend(scan.feed(mark, line));
                return sightings;
            }
            Meaning::Failed(message) => {
                let mut sightings = scan.flush();
                self.note(&sightings);
                sightings.extend(if self.has_error { scan.feed(mark, line) } else { scan.feed_error(&mark, message) });
                sightings
            }
        };
        self.note(&sightings);
        sightings
    }

    /// Takes note of errors that were found.
    pub(super) fn note(&mut self, sightings: &[Sighting<u64>]) {
        self.has_error |= !sightings.is_empty();
    }
}

fn meaning(line: &str) -> Meaning<'_> {
    let marked = |mark: &str| line.split_once(mark).filter(|(before, _)| is_prefix(before)).map(|(_, text)| text);
    if marked("##[group]Run ").is_some() {
        return Meaning::Begin;
    }
    let message = marked("##[error]").or_else(|| {
        let command = marked("::error")?;
        let (properties, message) = command.split_once("::")?;
        (properties.is_empty() || properties.starts_with(' ')).then_some(message)
    });
    match message {
        Some(message) if message.starts_with("Process completed with exit code ") => Meaning::Failed(message),
        Some(message) if !message.trim().is_empty() => Meaning::Error(message),
        Some(_) | None => Meaning::Output,
    }
}

/// Whether a text is what stands before each line of a log of Actions: nothing, or a time, with the job and the step before it.
fn is_prefix(text: &str) -> bool {
    let time = text.rsplit('\t').next().unwrap_or(text).trim_start_matches('\u{feff}');
    time.is_empty() || time.len() <= 32 && time.ends_with("Z ") && time.as_bytes().get(10) == Some(&b'T')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_read_with_and_without_what_stands_before_them() {
        for (line, expected) in [
            ("##[error]a.py: bad", Meaning::Error("a.py: bad")),
            ("2026-11-25T10:00:00.1234567Z ##[error]bad", Meaning::Error("bad")),
            ("build\tRun tests\t\u{feff}2026-11-25T10:00:00.1234567Z ##[group]Run make", Meaning::Begin),
            ("::error file=a.py,line=3::bad", Meaning::Error("bad")),
            ("::error::bad", Meaning::Error("bad")),
            ("##[error]Process completed with exit code 1.", Meaning::Failed("Process completed with exit code 1.")),
            ("see ##[error]bad", Meaning::Output),
            ("::errors::bad", Meaning::Output),
            ("##[error]", Meaning::Output),
            ("plain", Meaning::Output),
        ] {
            assert_eq!(meaning(line), expected, "{line}");
        }
    }

    #[test]
    fn an_exit_code_is_an_error_only_where_nothing_better_was_found() {
        let log = "##[group]Run a\nTraceback (most recent call last):\n  File \"a.py\", line 3, in f\nValueError: bad\n\
                   ##[error]Process completed with exit code 1.\n##[group]Run b\nquiet\n##[error]Process completed with exit code 2.";
        let (mut scan, mut steps) = (Scan::new(5), Steps::default());
        let mut seen: Vec<_> = log.lines().enumerate().flat_map(|(at, line)| steps.feed(&mut scan, at as u64, line)).collect();
        seen.extend(scan.flush());
        let messages: Vec<_> = seen.iter().map(|seen| seen.raw.message.as_str()).collect();
        assert_eq!(messages, ["bad", "Process completed with exit code 2."]);
    }
}
