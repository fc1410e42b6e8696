//! Dates and clock times in the forms in which logs write them.
//!
//! All forms are one automaton, tried only where [`may_begin`] or [`month_or_day`] says that one of them can begin; the first row
//! that matches decides, so longer forms come first. A new form is one more row.

use std::sync::LazyLock;

use regex_automata::meta::Regex;
use regex_automata::util::syntax;
use regex_automata::{Anchored, Input};

use super::class::{byte, from, is_digit, is_word, run};

const ROWS: &[&str] = &[
    r"[0-9]{4}[-/.][0-9]{2}[-/.][0-9]{2}(?:[T _-][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]{1,9})?)?(?:Z| ?(?:UTC|GMT|[+-][0-9]{2}:?[0-9]{2}))?)?",
    r"[0-9]{8}T[0-9]{6}(?:\.[0-9]{1,9})?Z?",
    r"[0-9]{1,2}/{month}/[0-9]{4}(?::[0-9]{2}:[0-9]{2}:[0-9]{2}(?: [+-][0-9]{4})?)?",
    r"{day}, [0-9]{1,2}[ -]{month}[ -][0-9]{2,4}(?: [0-9]{2}:[0-9]{2}(?::[0-9]{2})?(?: (?:[A-Z]{2,4}|[+-][0-9]{4}))?)?",
    r"(?:{day} )?{month} {1,2}[0-9]{1,2} [0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?(?: (?:[A-Z]{3,4} )?[0-9]{4})?",
    r"{month} [0-9]{1,2},? [0-9]{4}",
    r"[0-9]{1,2}[ -]{month}[ -][0-9]{2,4}(?: [0-9]{2}:[0-9]{2}(?::[0-9]{2})?)?",
    r"[0-9]{1,2}/[0-9]{1,2}/[0-9]{2,4}(?:,? [0-9]{1,2}:[0-9]{2}(?::[0-9]{2})?(?: ?[AaPp][Mm])?)?",
    r"[0-9]{1,2}\.[0-9]{1,2}\.[0-9]{4}(?:,? [0-9]{1,2}:[0-9]{2}(?::[0-9]{2})?)?",
    r"[0-9]{1,2}:[0-9]{2}:[0-9]{2}(?:[.,][0-9]{1,9})?(?: ?[AaPp][Mm])?",
    r"[0-9]{1,2}:[0-9]{2} ?[AaPp][Mm]",
];

const MONTH: &str = "(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Sept|Oct|Nov|Dec|January|February|March|April|June|July|August|September|October|November|December)";
const DAY: &str = "(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun|Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday)";

static AUTOMATON: LazyLock<Regex> = LazyLock::new(|| {
    let patterns: Vec<String> = ROWS.iter().map(|row| row.replace("{month}", MONTH).replace("{day}", DAY)).collect();
    Regex::builder().syntax(syntax::Config::new().unicode(false).utf8(false)).build_many(&patterns).expect("the patterns above are valid")
});

/// Longest date with its time, in bytes.
const DATE_BYTES_MAX: usize = 64;

/// End of the date or time that begins at `at`.
pub(crate) fn date_end(bytes: &[u8], at: usize) -> Option<usize> {
    let window = &bytes[..bytes.len().min(at + DATE_BYTES_MAX)];
    let found = AUTOMATON.search_half(&Input::new(window).range(at..).anchored(Anchored::Yes))?;
    let end = found.offset();
    (!is_word(byte(bytes, end))).then_some(end)
}

/// End of a duration of ISO 8601 that begins with the `P` at `at`: `P3DT4H`, `PT0.25S`.
pub(crate) fn duration_end(bytes: &[u8], at: usize) -> Option<usize> {
    let window = &bytes[..bytes.len().min(at + DATE_BYTES_MAX)];
    let (mut end, mut parts, mut is_time) = (at + 1, 0, false);
    loop {
        if byte(window, end) == b'T' && !is_time {
            is_time = true;
            end += 1;
        }
        let number = run(window, end, |byte| is_digit(byte) || byte == b'.');
        let is_unit = match byte(window, number) {
            b'H' | b'S' => is_time,
            b'M' => true,
            b'Y' | b'W' | b'D' => !is_time,
            _ => false,
        };
        if number == end || !is_digit(bytes[end]) || !is_unit {
            break;
        }
        parts += 1;
        end = number + 1;
    }
    (parts > 0 && !is_word(byte(bytes, end)) && (is_time || parts > 1 || end - at > 2)).then_some(end)
}

/// Whether a date or a time can begin with the digits from `start` to `end`.
pub(crate) fn may_begin(bytes: &[u8], start: usize, end: usize) -> bool {
    let (next, after) = (byte(bytes, end), byte(bytes, end + 1));
    match end - start {
        4 => matches!(next, b'-' | b'/' | b'.') && is_digit(after),
        8 => next == b'T' && is_digit(after),
        1 | 2 => match next {
            b'/' => is_digit(after) || month_or_day(from(bytes, end + 1)),
            b':' | b'.' => is_digit(after) && is_digit(byte(bytes, end + 2)) || next == b'.' && is_digit(after),
            b' ' | b'-' => month_or_day(from(bytes, end + 1)),
            _ => false,
        },
        _ => false,
    }
}

/// Whether a text begins with the name of a month or of a day of the week.
pub(crate) fn month_or_day(bytes: &[u8]) -> bool {
    let Some(start) = bytes.first_chunk::<3>() else {
        return false;
    };
    matches!(
        start,
        b"Jan"
            | b"Feb"
            | b"Mar"
            | b"Apr"
            | b"May"
            | b"Jun"
            | b"Jul"
            | b"Aug"
            | b"Sep"
            | b"Oct"
            | b"Nov"
            | b"Dec"
            | b"Mon"
            | b"Tue"
            | b"Wed"
            | b"Thu"
            | b"Fri"
            | b"Sat"
            | b"Sun"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_found_whole() {
        for text in [
            "2026-11-25T13:10:32.123Z",
            "2026-11-25 13:10:32,123",
            "20270912T081500Z",
            "25/Nov/2026:13:10:32 +0000",
            "Wed, 25 Nov 2026 13:10:32 GMT",
            "Wed Nov 25 13:10:32 2026",
            "Nov  5 13:10:32",
            "November 5, 2026",
            "5 Nov 2026 13:10",
            "11/25/2026, 1:10 PM",
            "25.11.2026 13:10:32",
            "13:10:32.5",
            "9:05 PM",
        ] {
            let bytes = text.as_bytes();
            let digits = bytes.iter().take_while(|byte| byte.is_ascii_digit()).count();
            assert!(may_begin(bytes, 0, digits) || month_or_day(bytes), "{text}");
            assert_eq!(date_end(bytes, 0), Some(text.len()), "{text}");
        }
    }
}
