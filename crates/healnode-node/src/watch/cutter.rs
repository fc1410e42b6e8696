//! Cuts bytes into lines, of which only complete ones come out, and knows where in the stream each begins.

/// Cuts one stream.
pub(super) struct Cutter {
    line_bytes_max: usize,
    /// Where the unfinished line begins.
    start: u64,
    /// How many bytes it has, with those that are not kept.
    bytes_whole: u64,
    unfinished: Vec<u8>,
}

impl Cutter {
    /// A stream whose next byte is at `offset` and begins a line.
    pub(super) fn new(offset: u64, line_bytes_max: usize) -> Self {
        Self { line_bytes_max, start: offset, bytes_whole: 0, unfinished: Vec::new() }
    }

    /// Where the line begins that has no end yet.
    pub(super) fn line_start(&self) -> u64 {
        self.start
    }

    /// Where the next byte is read.
    pub(super) fn read_to(&self) -> u64 {
        self.start + self.bytes_whole
    }

    /// Whether the last line lacks its end.
    pub(super) fn is_in_line(&self) -> bool {
        self.bytes_whole > 0
    }

    /// Takes the next bytes and gives each line that they complete, and where it begins.
    pub(super) fn take(&mut self, bytes: &[u8], mut each: impl FnMut(u64, &str)) {
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            match part.strip_suffix(b"\n") {
                Some(rest) => {
                    self.extend(rest);
                    self.end_line(1, &mut each);
                }
                None => self.extend(part),
            }
        }
    }

    /// Gives the last line although it lacks its end.
    pub(super) fn finish(&mut self, mut each: impl FnMut(u64, &str)) {
        if self.is_in_line() {
            self.end_line(0, &mut each);
        }
    }

    /// A file that was truncated under a program that writes on at its old place begins with a hole, which reads as zeros: they are no text.
    fn extend(&mut self, part: &[u8]) {
        self.bytes_whole += part.len() as u64;
        let hole = if self.unfinished.is_empty() { part.iter().take_while(|byte| **byte == 0).count() } else { 0 };
        let text = &part[hole..];
        let room = (self.line_bytes_max + 1).saturating_sub(self.unfinished.len());
        self.unfinished.extend_from_slice(&text[..text.len().min(room)]);
    }

    fn end_line(&mut self, end_bytes: u64, each: &mut impl FnMut(u64, &str)) {
        if self.unfinished.len() > self.line_bytes_max {
            each(self.start, &format!("[a line of {} bytes]", self.bytes_whole));
        } else {
            let text = String::from_utf8_lossy(&self.unfinished);
            each(self.start, text.strip_suffix('\r').unwrap_or(&text));
        }
        self.start += self.bytes_whole + end_bytes;
        self.bytes_whole = 0;
        self.unfinished.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(chunks: &[&[u8]], expected: &[(u64, &str)]) {
        let mut cutter = Cutter::new(100, 10);
        let mut lines = Vec::new();
        for chunk in chunks {
            cutter.take(chunk, |start, text| lines.push((start, text.to_owned())));
        }
        assert_eq!(cutter.read_to(), 100 + chunks.iter().map(|chunk| chunk.len() as u64).sum::<u64>());
        cutter.finish(|start, text| lines.push((start, text.to_owned())));
        assert_eq!(lines, expected.iter().map(|(start, text)| (*start, (*text).to_owned())).collect::<Vec<_>>());
        assert_eq!(cutter.line_start(), cutter.read_to());
    }

    #[test]
    fn lines_come_out_whole_and_say_where_they_begin() {
        check(&[b"on", b"e\ntw", b"o\r\n\nthree"], &[(100, "one"), (104, "two"), (109, ""), (110, "three")]);
        check(&[b"caf\xc3", b"\xa9\n"], &[(100, "caf\u{e9}")]);
        check(&[b"\xff\xfe\n"], &[(100, "\u{fffd}\u{fffd}")]);
    }

    #[test]
    fn a_line_that_is_too_long_is_its_length() {
        check(&[b"0123456789\n", b"0123456789", b"x\nend\n"], &[(100, "0123456789"), (111, "[a line of 11 bytes]"), (123, "end")]);
    }

    #[test]
    fn the_hole_of_a_truncated_file_is_no_text() {
        check(&[&[0; 40], b"\0\0text\n"], &[(100, "text")]);
    }

    #[test]
    fn a_line_is_complete_only_with_its_end() {
        let mut cutter = Cutter::new(0, 10);
        cutter.take(b"one\ntwo", |_, text| assert_eq!(text, "one"));
        assert_eq!((cutter.line_start(), cutter.read_to(), cutter.is_in_line()), (4, 7, true));
    }
}
