//! Finds errors in what a program prints: stack traces of every language, crash messages of runtimes, and lines that say that they are errors.
//!
//! A [`Finder`] takes a line at a time and gives back an error as soon as the lines behind it show that it is whole. It keeps no more than
//! one open trace and a few lines before it. Every language has a grammar in a file of its own; what logs put before each line is taken off
//! in `text/line.rs`.

mod abort;
mod at_frames;
mod block;
mod causes;
mod go;
mod json;
mod line;
mod perl;
mod php;
mod python;
mod ruby;
mod rust;
mod sanitizer;
mod single;
mod title;

use std::collections::VecDeque;
use std::ops::RangeInclusive;

use healnode_report::RawError;

use crate::limits::LINES_BEFORE_MAX;
use crate::text::block::{Block, Outcome};
pub(crate) use crate::text::go::PANIC as GO_PANIC;
use crate::text::line::Line;
pub(crate) use crate::text::title::NO_TYPE;
use crate::text::title::Title;

/// How sure it is that a text tells of an error.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Evidence {
    /// A line that says so. Programs also print such lines when they do well.
    Line,
    /// A stack trace, or words that a runtime prints about a failure.
    Trace,
}

/// An error that a program printed.
#[derive(Clone, PartialEq)]
pub struct Found {
    /// Name of its type; `Error` if it has none.
    pub error_type: String,
    /// What it said.
    pub message: String,
    /// The trace, without what logs put before each line. None for a single line.
    pub stack: Option<String>,
    /// The numbers of its first and last line. The first line ever has number 0.
    pub lines: RangeInclusive<u64>,
    /// How sure it is.
    pub evidence: Evidence,
}

impl Found {
    /// The error, of which nothing else is known.
    pub fn into_raw(self) -> RawError {
        let mut raw = RawError::new(self.error_type, self.message);
        raw.stack = self.stack;
        raw
    }

    fn of_line(number: u64, title: Title) -> Found {
        Found { error_type: title.error_type, message: title.message, stack: title.stack, lines: number..=number, evidence: title.evidence }
    }
}

/// Shows lengths, because the text is somebody's data.
impl std::fmt::Debug for Found {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Found")
            .field("error_type_bytes", &self.error_type.len())
            .field("message_bytes", &self.message.len())
            .field("stack_bytes", &self.stack.as_ref().map(String::len))
            .field("lines", &self.lines)
            .field("evidence", &self.evidence)
            .finish()
    }
}

/// Finds the errors in a text that is there as a whole, in the order of their first lines.
pub fn find_errors<'a>(lines: impl IntoIterator<Item = &'a str>) -> Vec<Found> {
    let mut finder = Finder::default();
    let mut found: Vec<Found> = lines.into_iter().flat_map(|line| finder.feed(line)).collect();
    found.extend(finder.flush());
    found
}

/// Finds errors in a stream of lines, in bounded memory.
#[derive(Default)]
pub struct Finder {
    /// Number of the next line.
    next: u64,
    /// Lines that belong to no trace, the newest last.
    before: VecDeque<(u64, Line)>,
    /// The trace that is being read.
    open: Option<Block>,
    /// A line that says that it is an error, until it is clear that no trace of the same error follows.
    pending: Option<Found>,
}

/// How far a line may stand before a trace to be about the same error.
const SAME_ERROR_LINES: u64 = 2;

impl Finder {
    /// Takes a line, without its end, and returns the errors that it completes.
    pub fn feed(&mut self, line: &str) -> Vec<Found> {
        let number = self.next;
        self.next += 1;
        let mut found = Vec::new();
        let mut queue = VecDeque::from([(number, Line::of(line))]);
        while let Some((number, line)) = queue.pop_front() {
            self.take(number, line, &mut queue, &mut found);
        }
        found
    }

    /// Returns what is still open. To be called at the end, and when a stream has been silent for a while: a second is enough.
    pub fn flush(&mut self) -> Vec<Found> {
        let mut found = Vec::new();
        while let Some(block) = self.open.take() {
            let (error, held) = block.close();
            found.extend(error);
            let mut queue: VecDeque<(u64, Line)> = held.into();
            while let Some((number, line)) = queue.pop_front() {
                self.take(number, line, &mut queue, &mut found);
            }
        }
        found.extend(self.pending.take());
        self.before.clear();
        found
    }

    /// Number of the oldest line that a later error may begin at or need. Whoever reads a stream again from there finds what is still to be
    /// found; nothing when no line is open.
    pub fn oldest_line(&self) -> Option<u64> {
        let before = self.before.front().map(|(number, _)| *number);
        let open = self.open.as_ref().map(Block::first);
        let pending = self.pending.as_ref().map(|found| *found.lines.start());
        [before, open, pending].into_iter().flatten().min()
    }

    /// Gives a line to the open trace, or looks whether it begins one. Lines that turn out not to belong to a trace go back to the queue.
    fn take(&mut self, number: u64, line: Line, queue: &mut VecDeque<(u64, Line)>, found: &mut Vec<Found>) {
        let Some(mut block) = self.open.take() else {
            self.begin(number, line, found);
            return;
        };
        match block.step(number, line) {
            Outcome::Open => self.open = Some(block),
            Outcome::Ended => found.extend(block.close().0),
            Outcome::NotPart(line) => {
                let (error, held) = block.close();
                found.extend(error);
                queue.push_front((number, line));
                for line in held.into_iter().rev() {
                    queue.push_front(line);
                }
            }
        }
    }

    fn begin(&mut self, number: u64, line: Line, found: &mut Vec<Found>) {
        if let Some(block) = Block::begin(number, &line).or_else(|| Block::begin_behind(number, &line, &self.before)) {
            self.settle(block.first(), found);
            self.before.clear();
            self.open = Some(block);
            return;
        }
        if let Some(title) = json::read(&line.body).or_else(|| single::read(&line)) {
            found.extend(self.pending.replace(Found::of_line(number, title)));
        } else if self.pending.as_ref().is_some_and(|pending| number > pending.lines.end() + SAME_ERROR_LINES) {
            found.extend(self.pending.take());
        }
        if self.before.len() == LINES_BEFORE_MAX {
            self.before.pop_front();
        }
        self.before.push_back((number, line));
    }

    /// Gives back the pending line, unless a trace begins at it or right behind it.
    fn settle(&mut self, first: u64, found: &mut Vec<Found>) {
        let pending = self.pending.take();
        found.extend(pending.filter(|pending| pending.evidence == Evidence::Trace || pending.lines.end() + SAME_ERROR_LINES < first));
    }
}
