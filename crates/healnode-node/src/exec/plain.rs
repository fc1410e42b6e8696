//! What stays of a terminal's output when it is read as text.
//!
//! Colours and cursor movements go, a line that was overwritten counts as its last writing, and what was shown on the alternate screen was
//! never part of a log. Linear, and total on any bytes.

use std::ops::Range;

/// What programs of the whole screen begin and end with, the newer forms first.
const SCREENS: [(&[u8], &[u8]); 3] = [(b"\x1b[?1049h", b"\x1b[?1049l"), (b"\x1b[?1047h", b"\x1b[?1047l"), (b"\x1b[?47h", b"\x1b[?47l")];

const ESCAPE: u8 = 0x1b;

/// Returns the lines of a text, each with where in the text it ends. Of one beyond the bound only the length is told: a cut
/// could halve a secret.
pub(super) fn plain_lines(text: &[u8], line_bytes_max: usize) -> Vec<(usize, String)> {
    let mut screens = alternate_screens(text).into_iter().peekable();
    let mut lines = Vec::new();
    let mut end = 0;
    for line in text.split_inclusive(|byte| *byte == b'\n') {
        let start = end;
        end += line.len();
        while screens.next_if(|screen| screen.end <= start).is_some() {}
        let is_hidden = screens.peek().is_some_and(|screen| screen.start <= start && end <= screen.end);
        if !is_hidden {
            lines.push((end, plain(line, line_bytes_max)));
        }
    }
    lines
}

/// Returns where the alternate screen was shown. One that began before the text, or never ended, counts as well.
fn alternate_screens(text: &[u8]) -> Vec<Range<usize>> {
    let mut screens = Vec::new();
    let mut start = None;
    let mut is_first = true;
    for index in text.iter().enumerate().filter(|(_, byte)| **byte == ESCAPE).map(|(index, _)| index) {
        let rest = &text[index..];
        if SCREENS.iter().any(|(begin, _)| rest.starts_with(begin)) {
            start = start.or(Some(index));
            is_first = false;
        } else if SCREENS.iter().any(|(_, end)| rest.starts_with(end)) {
            if let Some(start) = start.take().or(is_first.then_some(0)) {
                screens.push(start..index);
            }
            is_first = false;
        }
    }
    screens.extend(start.map(|start| start..text.len()));
    screens
}

fn plain(line: &[u8], bytes_max: usize) -> String {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let written = line.iter().rposition(|byte| *byte == b'\r').map_or(line, |again| &line[again + 1..]);
    let text = without_sequences(written);
    if text.len() > bytes_max { format!("[a line of {} bytes]", text.len()) } else { String::from_utf8_lossy(&text).into_owned() }
}

/// Takes out control sequences as ECMA-48 has them.
fn without_sequences(line: &[u8]) -> Vec<u8> {
    let mut text = Vec::with_capacity(line.len());
    let mut rest = line;
    while let Some(index) = rest.iter().position(|byte| *byte == ESCAPE) {
        text.extend_from_slice(&rest[..index]);
        rest = &rest[index + 1..];
        rest = &rest[sequence_length(rest)..];
    }
    text.extend_from_slice(rest);
    text.retain(|byte| !matches!(byte, 0x00..=0x08 | 0x0e..=0x1f | 0x7f));
    text
}

/// Returns the length of a control sequence behind its escape.
fn sequence_length(rest: &[u8]) -> usize {
    let until = |is_end: fn(&u8) -> bool| rest.iter().position(is_end).map_or(rest.len(), |end| end + 1);
    match rest.first() {
        None => 0,
        Some(b'[') => rest[1..].iter().position(|byte| (0x40..=0x7e).contains(byte)).map_or(rest.len(), |end| end + 2),
        Some(b']' | b'P' | b'X' | b'^' | b'_') => string_length(rest),
        Some(0x20..=0x2f) => until(|byte| (0x30..=0x7e).contains(byte)),
        Some(_) => 1,
    }
}

/// Returns the length of a sequence that ends with a bell, or with an escape and a backslash.
fn string_length(rest: &[u8]) -> usize {
    let end = rest.iter().position(|byte| matches!(*byte, 0x07 | ESCAPE));
    end.map_or(rest.len(), |end| if rest[end..].starts_with(b"\x1b\\") { end + 2 } else { end + 1 })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &[&str]) {
        let lines: Vec<String> = plain_lines(text.as_bytes(), 100).into_iter().map(|(_, line)| line).collect();
        assert_eq!(lines, expected);
    }

    #[test]
    fn colours_and_titles_go() {
        check("\x1b[1;31mValueError\x1b[0m: \x1b]0;title\x07no\x1b]8;;x\x1b\\pe\x1b(B\n", &["ValueError: nope"]);
        check("cut \x1b[", &["cut "]);
        check("cut \x1b]0;ti", &["cut "]);
        check("tab\tand ümlaut\x07\n", &["tab\tand ümlaut"]);
    }

    #[test]
    fn of_a_line_that_was_overwritten_the_last_writing_stays() {
        check("10 %\r50 %\r100 %\r\ndone\n", &["100 %", "done"]);
    }

    #[test]
    fn the_alternate_screen_is_no_log() {
        check("before\n\x1b[?1049hTraceback\nmore\n\x1b[?1049lafter\n", &["before", "after"]);
        check("half\nscreen\n\x1b[?1049lafter\n", &["after"]);
        check("before\n\x1b[?1049h\nkilled\n", &["before"]);
    }

    #[test]
    fn of_an_endless_line_the_length_is_told() {
        assert_eq!(plain_lines(&[b'x'; 1000], 100)[0].1, "[a line of 1000 bytes]");
        assert_eq!(plain_lines(&[b'x'; 100], 100)[0].1.len(), 100);
    }
}
