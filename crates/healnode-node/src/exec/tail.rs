//! The last of what a command printed.
//!
//! While the command runs, bytes are only kept; what they mean as lines is looked at when it has ended.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use super::plain::plain_lines;

/// Bytes of each stream that are kept: room for traces of hundreds of lines, next to nothing beside any program.
const STREAM_BYTES_MAX: usize = 256 * 1024;

/// Pieces that are kept. Only streams that take turns byte by byte have so many; the oldest goes.
const PIECES_MAX: usize = 4096;

/// How long a piece of one stream may grow before the next one begins.
const PIECE_BYTES: usize = 32 * 1024;

/// Longest line that is read, in bytes, as with logs. Of a longer one only the length is known.
const LINE_BYTES_MAX: usize = healnode_capture::limits::LINE_BYTES_MAX;

/// Where a line was printed to. A terminal that takes both is standard error: there a trace is looked for.
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

/// The last of both streams together, in the order in which it arrived. Between the streams that order is chance.
#[derive(Clone, Default)]
pub(super) struct SharedTail(Arc<Mutex<Tail>>);

#[derive(Default)]
struct Tail {
    pieces: VecDeque<Piece>,
    out_bytes: usize,
    err_bytes: usize,
    /// Whether a stream lost its beginning, and so perhaps the beginning of its first line.
    is_out_cut: bool,
    is_err_cut: bool,
}

struct Piece {
    stream: Stream,
    bytes: Vec<u8>,
}

impl SharedTail {
    /// Keeps what a stream printed.
    pub(super) fn take(&self, stream: Stream, bytes: &[u8]) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take(stream, bytes);
    }

    /// Returns whether the last line of a stream lacks its end.
    pub(super) fn is_within_line(&self, stream: Stream) -> bool {
        let tail = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let last = tail.pieces.iter().rev().find(|piece| piece.stream == stream && !piece.bytes.is_empty());
        last.is_some_and(|piece| !piece.bytes.ends_with(b"\n"))
    }

    /// Returns the lines, without what only moves a terminal's cursor. The last one of each stream may lack its end.
    pub(super) fn lines(&self) -> Vec<Line> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).lines()
    }
}

impl Tail {
    fn take(&mut self, stream: Stream, bytes: &[u8]) {
        let kept = &bytes[bytes.len().saturating_sub(STREAM_BYTES_MAX)..];
        *self.is_cut(stream) |= kept.len() < bytes.len();
        match self.pieces.back_mut().filter(|last| last.stream == stream && last.bytes.len() + kept.len() <= PIECE_BYTES) {
            Some(last) => last.bytes.extend_from_slice(kept),
            None => self.pieces.push_back(Piece { stream, bytes: kept.to_vec() }),
        }
        *self.count(stream) += kept.len();
        while *self.count(stream) > STREAM_BYTES_MAX {
            let oldest = self.pieces.iter().position(|piece| piece.stream == stream);
            self.forget(oldest.unwrap_or_default());
        }
        if self.pieces.len() > PIECES_MAX {
            self.forget(0);
        }
    }

    fn forget(&mut self, index: usize) {
        if let Some(piece) = self.pieces.remove(index) {
            *self.count(piece.stream) -= piece.bytes.len();
            *self.is_cut(piece.stream) = true;
        }
    }

    fn count(&mut self, stream: Stream) -> &mut usize {
        match stream {
            Stream::Out => &mut self.out_bytes,
            Stream::Err => &mut self.err_bytes,
        }
    }

    fn is_cut(&mut self, stream: Stream) -> &mut bool {
        match stream {
            Stream::Out => &mut self.is_out_cut,
            Stream::Err => &mut self.is_err_cut,
        }
    }

    fn lines(&self) -> Vec<Line> {
        let mut lines = self.of(Stream::Out, self.is_out_cut);
        lines.extend(self.of(Stream::Err, self.is_err_cut));
        lines.sort_by_key(|(arrival, _)| *arrival);
        lines.into_iter().map(|(_, line)| line).collect()
    }

    /// Returns the lines of one stream, each with the piece that it ended in.
    fn of(&self, stream: Stream, is_cut: bool) -> Vec<(usize, Line)> {
        let mut text = Vec::new();
        let mut ends = Vec::new();
        for (index, piece) in self.pieces.iter().enumerate().filter(|(_, piece)| piece.stream == stream) {
            text.extend_from_slice(&piece.bytes);
            ends.push((text.len(), index));
        }
        let lost = if is_cut { text.iter().position(|byte| *byte == b'\n').map_or(0, |end| end + 1) } else { 0 };
        let arrival = |end: usize| ends.get(ends.partition_point(|(piece_end, _)| *piece_end < end)).map_or(0, |(_, index)| *index);
        let lines = plain_lines(&text[lost..], LINE_BYTES_MAX).into_iter();
        lines.map(|(end, text)| (arrival(lost + end), Line { stream, text })).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(tail: &SharedTail) -> Vec<String> {
        tail.lines().into_iter().map(|line| line.text).collect()
    }

    #[test]
    fn lines_are_put_together_from_chunks() {
        let tail = SharedTail::default();
        for chunk in ["on", "e\ntw", "o\r\nthree"] {
            tail.take(Stream::Out, chunk.as_bytes());
        }
        assert_eq!(texts(&tail), ["one", "two", "three"]);
    }

    #[test]
    fn lines_of_both_streams_stand_in_the_order_in_which_they_ended() {
        let tail = SharedTail::default();
        for (stream, text) in [(Stream::Out, "o1\no"), (Stream::Err, "e1\n"), (Stream::Out, "2\n"), (Stream::Err, "e2\n")] {
            tail.take(stream, text.as_bytes());
        }
        assert_eq!(texts(&tail), ["o1", "e1", "o2", "e2"]);
        tail.take(Stream::Out, b"o3");
        assert_eq!([Stream::Out, Stream::Err].map(|stream| tail.is_within_line(stream)), [true, false]);
    }

    #[test]
    fn a_talkative_stream_does_not_push_out_the_other() {
        let tail = SharedTail::default();
        tail.take(Stream::Err, b"what went wrong\n");
        for number in 0..100_000 {
            tail.take(Stream::Out, format!("row {number}\n").as_bytes());
        }
        let lines = texts(&tail);
        assert_eq!((lines[0].as_str(), lines.last().map(String::as_str)), ("what went wrong", Some("row 99999")));
        assert!(tail.0.lock().unwrap().out_bytes <= STREAM_BYTES_MAX);
    }

    #[test]
    fn the_first_line_is_never_half_a_line() {
        let tail = SharedTail::default();
        for _ in 0..STREAM_BYTES_MAX / 10 * 3 {
            tail.take(Stream::Err, b"123456789\n");
        }
        assert!(texts(&tail).iter().all(|line| line == "123456789"));
        tail.take(Stream::Err, &b"abcdefghijk\n".repeat(STREAM_BYTES_MAX));
        assert!(texts(&tail).iter().all(|line| line == "abcdefghijk"));
    }

    #[test]
    fn streams_that_take_turns_by_the_byte_are_bounded() {
        let tail = SharedTail::default();
        for _ in 0..PIECES_MAX {
            tail.take(Stream::Out, b"o");
            tail.take(Stream::Err, b"e");
        }
        assert_eq!(tail.0.lock().unwrap().pieces.len(), PIECES_MAX);
    }

    #[test]
    fn of_a_line_without_end_the_length_is_told() {
        let tail = SharedTail::default();
        for _ in 0..1000 {
            tail.take(Stream::Out, &[b'x'; 1024]);
        }
        let lines = texts(&tail);
        assert!(lines.len() == 1 && lines[0].starts_with("[a line of ") && lines[0].ends_with(" bytes]"), "{lines:?}");
    }
}
