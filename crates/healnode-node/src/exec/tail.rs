//! The last lines of what a command printed.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

/// Bytes of one line that are kept. The rest of a longer one is passed through and forgotten.
const LINE_BYTES_MAX: usize = 16 * 1024;

/// Where a line was printed to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Stream {
    /// Standard output.
    Out,
    /// Standard error.
    Err,
}

/// One line that a command printed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Line {
    pub(super) stream: Stream,
    pub(super) text: String,
}

/// The last lines of both streams together, in the order in which they arrived. Between the streams that order is chance.
#[derive(Clone)]
pub(super) struct SharedTail(Arc<Mutex<Tail>>);

struct Tail {
    lines: VecDeque<Line>,
    lines_max: usize,
}

/// Cuts one stream into lines.
pub(super) struct Lines {
    tail: SharedTail,
    stream: Stream,
    unfinished: Vec<u8>,
}

impl SharedTail {
    pub(super) fn new(lines_max: usize) -> Self {
        Self(Arc::new(Mutex::new(Tail { lines: VecDeque::new(), lines_max })))
    }

    pub(super) fn lines(&self) -> Vec<Line> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).lines.iter().cloned().collect()
    }

    fn push(&self, stream: Stream, line: &[u8]) {
        let mut tail = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if tail.lines_max == 0 {
            return;
        }
        if tail.lines.len() == tail.lines_max {
            tail.lines.pop_front();
        }
        let text = String::from_utf8_lossy(line).trim_end_matches('\r').to_owned();
        tail.lines.push_back(Line { stream, text });
    }
}

impl Lines {
    pub(super) fn new(tail: SharedTail, stream: Stream) -> Self {
        Self { tail, stream, unfinished: Vec::new() }
    }

    pub(super) fn take(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            self.extend(&rest[..end]);
            self.tail.push(self.stream, &self.unfinished);
            self.unfinished.clear();
            rest = &rest[end + 1..];
        }
        self.extend(rest);
    }

    fn extend(&mut self, bytes: &[u8]) {
        let room = LINE_BYTES_MAX.saturating_sub(self.unfinished.len());
        self.unfinished.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }

    /// Takes the last line, which may lack its end.
    pub(super) fn finish(self) {
        if !self.unfinished.is_empty() {
            self.tail.push(self.stream, &self.unfinished);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(chunks: &[&str], lines_max: usize, expected: &[&str]) {
        let tail = SharedTail::new(lines_max);
        let mut lines = Lines::new(tail.clone(), Stream::Out);
        for chunk in chunks {
            lines.take(chunk.as_bytes());
        }
        lines.finish();
        assert_eq!(tail.lines().into_iter().map(|line| line.text).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn lines_are_put_together_from_chunks() {
        check(&["on", "e\ntw", "o\r\nthree"], 50, &["one", "two", "three"]);
    }

    #[test]
    fn only_the_last_lines_are_kept() {
        check(&["1\n2\n3\n4\n"], 2, &["3", "4"]);
        check(&["1\n2\n"], 0, &[]);
    }

    #[test]
    fn a_line_without_end_is_cut() {
        let tail = SharedTail::new(5);
        let mut lines = Lines::new(tail.clone(), Stream::Out);
        for _ in 0..100 {
            lines.take(&[b'x'; 1024]);
        }
        lines.finish();
        assert_eq!(tail.lines()[0].text.len(), LINE_BYTES_MAX);
    }
}
