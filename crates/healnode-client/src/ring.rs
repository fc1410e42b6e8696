//! The last lines that this process logged.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use healnode_report::UnixMillis;

use crate::bounded;
use crate::limits::LOG_LINE_BYTES_MAX;

/// One line. Reports share it with the ring.
#[derive(Clone)]
pub(crate) struct Line {
    /// When it was logged, unless its text says so.
    at: Option<UnixMillis>,
    text: Arc<str>,
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.at {
            Some(at) => write!(f, "{at} {}", self.text),
            None => f.write_str(&self.text),
        }
    }
}

/// The last lines, oldest first.
pub(crate) struct Ring {
    lines: Mutex<VecDeque<Line>>,
    lines_max: usize,
}

impl Ring {
    /// Keeps so many lines, or none.
    pub(crate) fn new(lines_max: usize) -> Self {
        Self { lines: Mutex::default(), lines_max }
    }

    pub(crate) fn keeps_lines(&self) -> bool {
        self.lines_max > 0
    }

    pub(crate) fn push(&self, at: Option<UnixMillis>, text: fmt::Arguments<'_>) {
        if !self.keeps_lines() {
            return;
        }
        let line = Line { at, text: bounded::text(text, LOG_LINE_BYTES_MAX).into() };
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.len() >= self.lines_max {
            lines.pop_front();
        }
        lines.push_back(line);
    }

    pub(crate) fn lines(&self) -> Vec<Line> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_lines_are_kept_each_within_its_bound() {
        let ring = Ring::new(2);
        for number in 0..5 {
            ring.push(None, format_args!("line {number}"));
        }
        ring.push(Some(UnixMillis(1_795_612_232_000)), format_args!("{}", "long ".repeat(10_000)));
        let lines: Vec<String> = ring.lines().iter().map(Line::to_string).collect();
        assert_eq!((lines.len(), &*lines[0]), (2, "line 4"));
        assert!(lines[1].starts_with("2026-11-25T13:10:32.000Z long ") && lines[1].len() < LOG_LINE_BYTES_MAX + 32, "{}", lines[1]);
    }
}
