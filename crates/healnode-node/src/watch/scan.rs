//! One stream of lines, in which errors are found with the lines before them.
//!
//! Each line comes with a mark, its place in the source; an error is given back with the mark of its first line. What an error is decides
//! `healnode_capture::text`. Nothing here waits or reads a clock: whoever feeds the lines says when the stream is silent.

use std::collections::VecDeque;
use std::ops::RangeInclusive;

use healnode_capture::text::{Finder, Found};
use healnode_report::RawError;

use super::limits::{CLAIMS_MAX, CONTEXT_LINE_BYTES_MAX, LINE_BYTES_MAX, RECENT_LINES};

/// An error, and where it was found.
pub(super) struct Sighting<M> {
    /// The place of its first line.
    pub(super) mark: M,
    /// What it says.
    pub(super) raw: RawError,
}

/// One stream of lines.
pub(super) struct Scan<M> {
    finder: Finder,
    /// Lines that came before the first that the finder was given.
    primed: u64,
    /// Number of the next line.
    next: u64,
    /// Lines before an error that are kept with it.
    context_lines: usize,
    /// The last lines, and those before the oldest that is still looked at.
    lines: VecDeque<Line<M>>,
    /// Lines that their source calls errors, until the finder has told of them or has let them go.
    claims: VecDeque<Claim>,
}

struct Line<M> {
    number: u64,
    /// Nothing for lines that are context only.
    mark: Option<M>,
    text: String,
}

struct Claim {
    lines: RangeInclusive<u64>,
    message: String,
}

impl<M: Clone> Scan<M> {
    pub(super) fn new(context_lines: usize) -> Self {
        Self { finder: Finder::default(), primed: 0, next: 0, context_lines, lines: VecDeque::new(), claims: VecDeque::new() }
    }

    /// Remembers a line that came before all others, only to go with an error.
    pub(super) fn prime(&mut self, text: &str) {
        self.remember(None, text);
        self.primed = self.next;
        self.prune();
    }

    /// Remembers the last lines of a stream that this one goes on from.
    pub(super) fn prime_from(&mut self, earlier: &Scan<M>) {
        let skip = earlier.lines.len().saturating_sub(self.context_lines);
        for line in earlier.lines.iter().skip(skip) {
            self.prime(&line.text);
        }
    }

    /// Takes a line and returns the errors that it completes.
    pub(super) fn feed(&mut self, mark: M, text: &str) -> Vec<Sighting<M>> {
        self.remember(Some(mark), text);
        let found = self.finder.feed(text);
        self.settle(found)
    }

    /// Takes a text of one or more lines that its source calls an error. It is one even when nothing else is found in it.
    pub(super) fn feed_error(&mut self, mark: &M, text: &str) -> Vec<Sighting<M>> {
        let last = self.next + text.split('\n').count() as u64 - 1;
        self.claims.push_back(Claim { lines: self.next..=last, message: beginning_of(text) });
        text.split('\n').flat_map(|line| self.feed(mark.clone(), line)).collect()
    }

    /// Returns what is still open, because the stream is silent or has ended.
    pub(super) fn flush(&mut self) -> Vec<Sighting<M>> {
        let found = self.finder.flush();
        self.settle(found)
    }

    /// The place of the oldest line that a later error may begin at. Nothing when every line is done with.
    pub(super) fn oldest(&self) -> Option<&M> {
        let number = self.oldest_number()?;
        self.lines.iter().find(|line| line.number >= number).and_then(|line| line.mark.as_ref())
    }

    fn oldest_number(&self) -> Option<u64> {
        let claimed = self.claims.front().map(|claim| *claim.lines.start());
        let open = self.finder.oldest_line().map(|number| number + self.primed);
        claimed.into_iter().chain(open).min()
    }

    fn remember(&mut self, mark: Option<M>, text: &str) {
        self.lines.push_back(Line { number: self.next, mark, text: whole_or_length(text, CONTEXT_LINE_BYTES_MAX) });
        self.next += 1;
    }

    fn settle(&mut self, found: Vec<Found>) -> Vec<Sighting<M>> {
        let found: Vec<Found> = found.into_iter().map(|found| self.renumbered(found)).collect();
        let is_told =
            |claim: &Claim| found.iter().any(|found| found.lines.start() <= claim.lines.end() && found.lines.end() >= claim.lines.start());
        self.claims.retain(|claim| !is_told(claim));
        let mut sightings: Vec<Sighting<M>> =
            found.into_iter().filter_map(|found| self.sighting(*found.lines.start(), found.into_raw())).collect();
        let open = self.finder.oldest_line().map_or(self.next, |number| number + self.primed);
        while self.claims.len() > CLAIMS_MAX || self.claims.front().is_some_and(|claim| *claim.lines.end() < open) {
            let Some(claim) = self.claims.pop_front() else { break };
            sightings.extend(self.sighting(*claim.lines.start(), RawError::new("Error", claim.message)));
        }
        self.prune();
        sightings
    }

    fn renumbered(&self, mut found: Found) -> Found {
        found.lines = found.lines.start() + self.primed..=found.lines.end() + self.primed;
        found
    }

    fn sighting(&self, first: u64, mut raw: RawError) -> Option<Sighting<M>> {
        let at = self.lines.partition_point(|line| line.number < first);
        let mark = self.lines.iter().skip(at).find_map(|line| line.mark.clone())?;
        raw.logs = self.lines.range(at.saturating_sub(self.context_lines)..at).map(|line| line.text.clone()).collect();
        Some(Sighting { mark, raw })
    }

    /// Forgets what neither an open trace nor a new one can need. Of a long trace the middle goes: it begins at its first line, and what
    /// follows it begins at one of the last.
    fn prune(&mut self) {
        let oldest = self.oldest_number().unwrap_or(self.next);
        let before = self.lines.partition_point(|line| line.number < oldest);
        self.lines.drain(..before.saturating_sub(self.context_lines));
        let middle = before.min(self.context_lines) + 1;
        let most = 2 * self.context_lines + RECENT_LINES + 1;
        while self.lines.len() > most {
            self.lines.remove(middle);
        }
    }
}

/// A line, or how long it is: a cut could halve a secret.
fn whole_or_length(line: &str, bytes_max: usize) -> String {
    if line.len() > bytes_max { format!("[a line of {} bytes]", line.len()) } else { line.to_owned() }
}

/// The first lines of a text.
fn beginning_of(text: &str) -> String {
    let mut beginning = String::new();
    for line in text.split('\n') {
        if !beginning.is_empty() {
            beginning.push('\n');
        }
        beginning.push_str(&whole_or_length(line, LINE_BYTES_MAX));
        if beginning.len() >= LINE_BYTES_MAX {
            break;
        }
    }
    beginning
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: [&str; 3] = ["Traceback (most recent call last):", "  File \"a.py\", line 3, in f", "ValueError: bad"];

    fn told(sightings: Vec<Sighting<usize>>) -> Vec<(usize, String, String, Vec<String>)> {
        sightings.into_iter().map(|seen| (seen.mark, seen.raw.error_type, seen.raw.message, seen.raw.logs)).collect()
    }

    #[test]
    fn an_error_comes_with_its_place_and_the_lines_before_it() {
        let mut scan = Scan::new(2);
        scan.prime("earlier");
        let lines = ["one", "two", "three"].into_iter().chain(TRACE);
        let mut seen: Vec<_> = lines.enumerate().flat_map(|(at, line)| scan.feed(10 + at, line)).collect();
        assert_eq!(scan.oldest(), Some(&13));
        seen.extend(scan.flush());
        assert_eq!(told(seen), [(13, "ValueError".to_owned(), "bad".to_owned(), vec!["two".to_owned(), "three".to_owned()])]);
        assert_eq!(scan.oldest(), None);
    }

    #[test]
    fn lines_from_before_the_start_go_with_the_first_error() {
        let mut scan = Scan::new(3);
        scan.prime("a");
        scan.prime("b");
        let mut seen: Vec<_> = TRACE.iter().enumerate().flat_map(|(at, line)| scan.feed(at, line)).collect();
        seen.extend(scan.flush());
        assert_eq!(told(seen)[0].3, ["a", "b"]);
    }

    #[test]
    fn a_trace_of_any_length_keeps_the_lines_before_it_in_bounded_memory() {
        let mut scan = Scan::new(50);
        let mut seen = Vec::new();
        for at in 0..60 {
            seen.extend(scan.feed(at, &format!("line {at}")));
        }
        seen.extend(scan.feed(60, TRACE[0]));
        for at in 61..10_000 {
            seen.extend(scan.feed(at, TRACE[1]));
        }
        assert!(scan.lines.len() <= 2 * 50 + RECENT_LINES + 1, "{}", scan.lines.len());
        seen.extend(scan.feed(10_000, TRACE[2]));
        seen.extend(scan.flush());
        let told = told(seen);
        assert_eq!((told.len(), told[0].0, told[0].3[0].as_str(), told[0].3[49].as_str()), (1, 60, "line 10", "line 59"));
    }

    #[test]
    fn what_its_source_calls_an_error_is_one_unless_it_was_told_already() {
        let mut scan = Scan::new(5);
        assert!(scan.feed_error(&1, &TRACE.join("\n")).is_empty());
        assert_eq!(scan.oldest(), Some(&1));
        assert_eq!(told(scan.flush()), [(1, "ValueError".to_owned(), "bad".to_owned(), vec![])]);
        let mut seen = scan.feed_error(&2, "disk is gone");
        seen.extend(scan.feed_error(&3, "ERROR no disk"));
        seen.extend(scan.flush());
        let told = told(seen);
        assert_eq!(told.iter().map(|told| (told.0, told.2.as_str())).collect::<Vec<_>>(), [(3, "no disk"), (2, "disk is gone")]);
    }
}
