//! Standard input line by line in constant memory, however long a line is.

use std::io::{self, BufRead};

/// Longest line that is taken whole, in bytes. Of a longer one only this much is kept, and it is marked as cut.
///
/// 1 MiB: a report with stack and logs at their bounds takes some 200 KiB as JSON.
pub(crate) const LINE_BYTES_MAX: usize = 1024 * 1024;

/// Reads lines.
pub(crate) struct Lines<R> {
    input: R,
    bytes: Vec<u8>,
    number: u64,
    is_drained: bool,
}

/// One line, without its end.
pub(crate) struct Line<'a> {
    /// Its number, from 1.
    pub(crate) number: u64,
    /// Its bytes, at most [`LINE_BYTES_MAX`].
    pub(crate) bytes: &'a [u8],
    /// How many bytes it has in all.
    pub(crate) bytes_whole: u64,
}

impl<R: BufRead> Lines<R> {
    pub(crate) fn new(input: R) -> Self {
        Self { input, bytes: Vec::new(), number: 0, is_drained: true }
    }

    /// Returns the next line, or nothing at the end. `before_wait` is called whenever more input may have to be waited for.
    pub(crate) fn next(&mut self, mut before_wait: impl FnMut() -> io::Result<()>) -> io::Result<Option<Line<'_>>> {
        self.bytes.clear();
        let mut bytes_whole = 0_u64;
        loop {
            if self.is_drained {
                before_wait()?;
            }
            let buffer = match self.input.fill_buf() {
                Ok(buffer) => buffer,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            if buffer.is_empty() && bytes_whole == 0 {
                return Ok(None);
            }
            let end = buffer.iter().position(|byte| *byte == b'\n');
            let part = &buffer[..end.unwrap_or(buffer.len())];
            let room = LINE_BYTES_MAX - self.bytes.len();
            self.bytes.extend_from_slice(&part[..part.len().min(room)]);
            bytes_whole += part.len() as u64;
            let (is_last, used) = (end.is_some() || buffer.is_empty(), part.len() + usize::from(end.is_some()));
            self.is_drained = used == buffer.len();
            self.input.consume(used);
            if is_last {
                break;
            }
        }
        self.number += 1;
        let bytes = self.bytes.strip_suffix(b"\r").unwrap_or(&self.bytes);
        Ok(Some(Line { number: self.number, bytes, bytes_whole }))
    }
}

impl Line<'_> {
    /// Returns whether only the beginning of the line was kept.
    pub(crate) fn is_cut(&self) -> bool {
        self.bytes_whole > LINE_BYTES_MAX as u64
    }
}

#[cfg(test)]
mod tests {
    use std::io::BufReader;

    use super::*;

    fn lines(input: &[u8], buffer_bytes: usize) -> Vec<(u64, Vec<u8>, u64)> {
        let mut lines = Lines::new(BufReader::with_capacity(buffer_bytes, input));
        let mut all = Vec::new();
        while let Some(line) = lines.next(|| Ok(())).unwrap() {
            all.push((line.number, line.bytes.to_vec(), line.bytes_whole));
        }
        all
    }

    #[test]
    fn lines_come_out_whole_however_they_come_in() {
        for buffer_bytes in [1, 2, 3, 100] {
            let all = lines(b"one\n\ntwo\r\nthree", buffer_bytes);
            assert_eq!(all, [(1, b"one".to_vec(), 3), (2, Vec::new(), 0), (3, b"two".to_vec(), 4), (4, b"three".to_vec(), 5)]);
        }
        assert!(lines(b"", 10).is_empty());
    }

    #[test]
    fn a_line_that_is_too_long_is_cut_and_the_next_one_is_not() {
        let mut input = vec![b'x'; LINE_BYTES_MAX + 5];
        input.extend(b"\nnext\n");
        let all = lines(&input, 4096);
        assert_eq!((all[0].1.len(), all[0].2), (LINE_BYTES_MAX, LINE_BYTES_MAX as u64 + 5));
        assert_eq!(all[1], (2, b"next".to_vec(), 4));
    }

    #[test]
    fn before_waiting_for_more_whoever_writes_is_told() {
        let mut lines = Lines::new(BufReader::with_capacity(100, &b"one\ntwo\n"[..]));
        let mut waits = 0;
        let mut before_wait = || {
            waits += 1;
            Ok(())
        };
        while lines.next(&mut before_wait).unwrap().is_some() {}
        assert_eq!(waits, 2, "once at the start, once at the end");
    }
}
