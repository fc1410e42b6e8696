//! A line without what terminals and logs put into it.
//!
//! Colours go, and so do timestamps, hosts, processes and containers at the start. What is indented stays indented.

use crate::limits::LINE_BYTES_MAX;

/// A line as its program wrote it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Line {
    /// The line without its prefix.
    pub(crate) body: String,
    /// Whether a log put something before it.
    pub(crate) has_prefix: bool,
}

impl Line {
    /// Takes the prefix off a line.
    pub(crate) fn of(line: &str) -> Line {
        if line.len() > LINE_BYTES_MAX {
            return Line { body: format!("[a line of {} bytes]", line.len()), has_prefix: false };
        }
        let line = without_escapes(line.trim_end_matches(['\r', '\n']));
        let body = without_prefix(&line);
        Line { has_prefix: body.len() < line.len(), body: body.to_owned() }
    }
}

/// A line without the escape sequences of terminals.
fn without_escapes(line: &str) -> String {
    if !line.contains('\x1b') {
        return line.to_owned();
    }
    let mut out = String::with_capacity(line.len());
    let mut rest = line;
    while let Some((before, behind)) = rest.split_once('\x1b') {
        out.push_str(before);
        rest = match behind.strip_prefix('[') {
            Some(sequence) => sequence.find(|end: char| ('@'..='~').contains(&end)).map_or("", |end| &sequence[end + 1..]),
            None => behind,
        };
    }
    out.push_str(rest);
    out
}

fn without_prefix(line: &str) -> &str {
    let line = container(line).unwrap_or(line);
    let line = job(line).unwrap_or(line);
    let Some(rest) = timestamp(line) else {
        return line;
    };
    let rest = rest.strip_prefix(' ').unwrap_or(rest);
    ["stdout F ", "stderr F ", "stdout P ", "stderr P "].iter().find_map(|stream| rest.strip_prefix(stream)).unwrap_or(rest)
}

/// `web-1  | ` of Docker Compose.
fn container(line: &str) -> Option<&str> {
    let (name, rest) = line.split_once('|')?;
    let name = name.strip_suffix(' ')?.trim_end();
    let is_name = !name.is_empty()
        && (rest.is_empty() || rest.starts_with(' '))
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'));
    is_name.then(|| rest.strip_prefix(' ').unwrap_or(rest))
}

/// `build<tab>Run tests<tab>` of GitHub's command line, before a timestamp.
fn job(line: &str) -> Option<&str> {
    let mut fields = line.splitn(3, '\t').skip(2);
    fields.next().filter(|rest| iso(rest.trim_start_matches('\u{feff}')).is_some()).map(|rest| rest.trim_start_matches('\u{feff}'))
}

/// What stands behind a timestamp, and behind the host and process of a system log.
fn timestamp(line: &str) -> Option<&str> {
    if let Some(rest) = line.strip_prefix('[') {
        let (inside, rest) = rest.split_once(']').filter(|(inside, _)| inside.len() <= 48)?;
        let is_time = iso(inside).is_some() || clock(inside).is_some() || has_month(inside);
        return is_time.then_some(rest);
    }
    if let Some(rest) = iso(line).or_else(|| clock(line)) {
        return (rest.is_empty() || rest.starts_with([' ', '\t', ':'])).then_some(rest);
    }
    klog(line).or_else(|| system_log(line))
}

const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// Whether a text is a time such as `25-Nov-2026 10:00:00 UTC` or `Wed Nov 25 10:00:00.123 2026`.
fn has_month(text: &str) -> bool {
    text.split([' ', '-', '/']).any(|word| MONTHS.contains(&word)) && text.contains(':') && text.bytes().any(|byte| byte.is_ascii_digit())
}

/// What stands behind `2026-11-25T10:00:00.123Z`, in any of its variants.
fn iso(text: &str) -> Option<&str> {
    let rest = shape(text, b"dddd-dd-dd").or_else(|| shape(text, b"dddd/dd/dd"))?;
    let rest = rest.strip_prefix(['T', ' ', '_'])?;
    let rest = clock(rest)?;
    if let Some(rest) = rest.strip_prefix('Z') {
        return Some(rest);
    }
    let zone = rest.strip_prefix(' ').unwrap_or(rest);
    match zone.strip_prefix(['+', '-']) {
        Some(offset) => Some(shape(offset, b"dd:dd").or_else(|| shape(offset, b"dddd")).unwrap_or(rest)),
        None => Some(zone.strip_prefix("UTC").unwrap_or(rest)),
    }
}

/// What stands behind `10:00:00.123`.
fn clock(text: &str) -> Option<&str> {
    let rest = shape(text, b"dd:dd:dd")?;
    let Some(fraction) = rest.strip_prefix(['.', ',']) else {
        return Some(rest);
    };
    let digits = fraction.bytes().take_while(u8::is_ascii_digit).count();
    Some(if digits > 0 { &fraction[digits..] } else { rest })
}

/// What stands behind `E1125 10:00:00.000000    123 file.go:12]`.
fn klog(line: &str) -> Option<&str> {
    let rest = line.strip_prefix(['I', 'W', 'E', 'F'])?;
    let rest = clock(shape(rest, b"dddd")?.strip_prefix(' ')?)?;
    rest.split_once(']').filter(|(place, _)| place.len() <= 128).map(|(_, rest)| rest)
}

/// What stands behind `Nov 25 10:00:00 host program[7]:`.
fn system_log(line: &str) -> Option<&str> {
    let rest = MONTHS.iter().find_map(|month| line.strip_prefix(month))?;
    let rest = rest.strip_prefix(' ')?.trim_start();
    let days = rest.bytes().take_while(u8::is_ascii_digit).count();
    let rest = clock(rest.get(days..)?.strip_prefix(' ')?)?.strip_prefix(' ')?;
    let (_host, rest) = rest.split_once(' ')?;
    let (program, rest) = rest.split_once(':')?;
    (!program.contains(' ') || program.starts_with("kernel")).then_some(rest)
}

/// What stands behind a shape, in which `d` is a digit.
fn shape<'a>(text: &'a str, shape: &[u8]) -> Option<&'a str> {
    let bytes = text.as_bytes();
    let fits = |(byte, wanted): (&u8, &u8)| if *wanted == b'd' { byte.is_ascii_digit() } else { byte == wanted };
    (bytes.len() >= shape.len() && bytes.iter().zip(shape).all(fits)).then(|| &text[shape.len()..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_logs_put_before_a_line_goes_and_its_indentation_stays() {
        for line in [
            "  File \"a.py\", line 3",
            "2026-11-25T10:00:00.1234567Z   File \"a.py\", line 3",
            "2026-11-25 10:00:00,123   File \"a.py\", line 3",
            "2026-11-25T10:00:00+01:00 stderr F   File \"a.py\", line 3",
            "[2026-11-25 10:00:00]   File \"a.py\", line 3",
            "[25-Nov-2026 10:00:00 UTC]   File \"a.py\", line 3",
            "10:00:00.123   File \"a.py\", line 3",
            "web-1  |   File \"a.py\", line 3",
            "web-1 | 2026-11-25T10:00:00Z   File \"a.py\", line 3",
            "build\tRun tests\t2026-11-25T10:00:00.1Z   File \"a.py\", line 3",
            "Nov 25 10:00:00 host app[77]:   File \"a.py\", line 3",
            "Nov  5 10:00:00 host app:   File \"a.py\", line 3",
            "E1125 10:00:00.000000       1 file.go:12]   File \"a.py\", line 3",
            "\x1b[31m  File \"a.py\", \x1b[1;32mline 3\x1b[0m\r",
        ] {
            assert_eq!(Line::of(line).body, "  File \"a.py\", line 3", "{line}");
        }
    }

    #[test]
    fn what_only_looks_like_a_prefix_stays() {
        for line in [
            "  | ValueError: x",
            "  + Exception Group",
            "10 errors",
            "2026 was a year",
            "[main] x",
            "a || b",
            "Nov is a month",
            "é",
            "\t#0 x",
        ] {
            assert_eq!(Line::of(line).body, line);
        }
        assert_eq!(Line::of(&"x".repeat(LINE_BYTES_MAX + 1)).body, "[a line of 16385 bytes]");
    }
}
