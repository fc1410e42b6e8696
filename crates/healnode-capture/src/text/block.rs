//! A trace that is being read: its lines, within bounds, and the grammar that says which line continues it.

use std::collections::VecDeque;

use crate::limits::{FIRST_LINES_KEPT, LAST_LINES_KEPT, LINES_HELD_MAX, STACK_BYTES_MAX, STACK_LINES_MAX};
use crate::text::line::Line;
use crate::text::title::Title;
use crate::text::{Found, abort, at_frames, causes, go, perl, php, python, ruby, rust, sanitizer};

/// What a grammar says about the next line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Step {
    /// It belongs to the trace.
    Take,
    /// It belongs to the trace and is not worth keeping.
    Skip,
    /// It belongs to the trace if a later line does.
    Hold,
    /// It is the last line of the trace.
    TakeLast,
    /// It does not belong to the trace, which has ended.
    End,
}

/// How a language prints its traces.
pub(crate) trait Grammar: Send {
    /// Looks at the next line, without its prefix.
    fn step(&mut self, line: &str) -> Step;

    /// What the error is called, as far as it was read. `None` when it was no error.
    fn title(&self) -> Option<Title>;
}

/// What became of a line.
pub(crate) enum Outcome {
    /// The trace goes on.
    Open,
    /// The trace has ended with it.
    Ended,
    /// The trace has ended before it.
    NotPart(Line),
}

/// A trace that is being read.
pub(crate) struct Block {
    grammar: Box<dyn Grammar>,
    first: u64,
    last: u64,
    /// Whether its first line had a prefix. If not, a line with one is a new entry of the log.
    has_prefix: bool,
    kept: Kept,
    held: Vec<(u64, Line)>,
}

/// Begins a trace, if a line announces one.
type Begin = fn(&str) -> Option<Box<dyn Grammar>>;

/// Grammars of languages that announce a trace in its first line.
const STARTERS: &[Begin] = &[python::begin, rust::begin, go::begin, sanitizer::begin, php::begin, ruby::begin, abort::begin, perl::begin];

impl Block {
    /// Begins a trace that a line announces.
    pub(crate) fn begin(number: u64, line: &Line) -> Option<Block> {
        let grammar = STARTERS.iter().find_map(|begin| begin(&line.body))?;
        Some(Block::new(grammar, &[(number, line)]))
    }

    /// Begins a trace of which the lines before are a part.
    pub(crate) fn begin_behind(number: u64, line: &Line, before: &VecDeque<(u64, Line)>) -> Option<Block> {
        let bodies: Vec<&str> = before.iter().map(|(_, line)| line.body.as_str()).collect();
        let (grammar, head) = at_frames::begin(&line.body, &bodies).or_else(|| causes::begin(&line.body, &bodies))?;
        let lines: Vec<(u64, &Line)> = before.iter().skip(head).map(|(number, line)| (*number, line)).chain([(number, line)]).collect();
        Some(Block::new(grammar, &lines))
    }

    fn new(grammar: Box<dyn Grammar>, lines: &[(u64, &Line)]) -> Block {
        let first = lines.first().map_or(0, |(number, _)| *number);
        let has_prefix = lines.first().is_some_and(|(_, line)| line.has_prefix);
        let mut block = Block { grammar, first, last: first, has_prefix, kept: Kept::default(), held: Vec::new() };
        for (number, line) in lines {
            block.keep(*number, &line.body);
        }
        block
    }

    /// Number of its first line.
    pub(crate) fn first(&self) -> u64 {
        self.first
    }

    /// Gives it the next line.
    pub(crate) fn step(&mut self, number: u64, line: Line) -> Outcome {
        let is_new_entry = line.has_prefix && !self.has_prefix;
        if is_new_entry || number.saturating_sub(self.first) > STACK_LINES_MAX {
            return Outcome::NotPart(line);
        }
        match self.grammar.step(&line.body) {
            Step::Take => self.take(number, &line.body),
            Step::Skip => self.last = number,
            Step::Hold if self.held.len() < LINES_HELD_MAX => self.held.push((number, line)),
            Step::TakeLast => {
                self.take(number, &line.body);
                return Outcome::Ended;
            }
            Step::Hold | Step::End => return Outcome::NotPart(line),
        }
        Outcome::Open
    }

    /// The error, if it is one, and the lines that do not belong to it after all.
    pub(crate) fn close(self) -> (Option<Found>, Vec<(u64, Line)>) {
        let found = self.grammar.title().map(|title| Found {
            error_type: title.error_type,
            message: title.message,
            stack: Some(self.kept.into_text()),
            lines: self.first..=self.last,
            evidence: title.evidence,
        });
        (found, self.held)
    }

    fn take(&mut self, number: u64, body: &str) {
        for (number, line) in std::mem::take(&mut self.held) {
            self.keep(number, &line.body);
        }
        self.keep(number, body);
    }

    fn keep(&mut self, number: u64, body: &str) {
        self.kept.push(body);
        self.last = number;
    }
}

/// The first and the last lines of a text.
#[derive(Default)]
struct Kept {
    first: Vec<String>,
    last: VecDeque<String>,
    bytes: usize,
    left_out: usize,
}

impl Kept {
    fn push(&mut self, line: &str) {
        self.bytes += line.len();
        if self.first.len() < FIRST_LINES_KEPT && self.last.is_empty() && self.bytes <= STACK_BYTES_MAX / 2 {
            self.first.push(line.to_owned());
            return;
        }
        self.last.push_back(line.to_owned());
        while self.last.len() > LAST_LINES_KEPT || self.bytes > STACK_BYTES_MAX && self.last.len() > 1 {
            self.bytes -= self.last.pop_front().map_or(0, |line| line.len());
            self.left_out += 1;
        }
    }

    fn into_text(self) -> String {
        let mut lines = self.first;
        if self.left_out > 0 {
            lines.push(format!("  [{} lines left out]", self.left_out));
        }
        lines.extend(self.last);
        lines.join("\n")
    }
}
