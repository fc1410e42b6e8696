//! Text that fits a terminal: without control characters, cut to columns, with times as ages.

use std::time::Duration;

/// Returns a text without anything that could control a terminal or reverse what is read: such characters are written out, as `\n` or
/// `\u{1b}`.
pub(crate) fn printable(text: &str) -> String {
    let mut printable = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() || is_direction(c) { printable.extend(c.escape_default()) } else { printable.push(c) }
    }
    printable
}

/// Characters that change the direction of what follows, so that a line reads other than it is.
fn is_direction(c: char) -> bool {
    matches!(c, '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Returns how many columns a text takes.
pub(crate) fn columns(text: &str) -> usize {
    text.chars().map(char_columns).sum()
}

/// East Asian wide characters and emoji take two columns, combining marks none. By Unicode block: the few exceptions in them cost a column.
fn char_columns(c: char) -> usize {
    match u32::from(c) {
        0x0300..=0x036f | 0x200b..=0x200d | 0xfe00..=0xfe0f => 0,
        0x1100..=0x115f
        | 0x2e80..=0xa4cf
        | 0xac00..=0xd7a3
        | 0xf900..=0xfaff
        | 0xfe30..=0xfe6f
        | 0xff00..=0xff60
        | 0x1f300..=0x1faff
        | 0x20000..=0x3fffd => 2,
        _ => 1,
    }
}

/// Returns a text that takes at most `width` columns; what was longer ends in an ellipsis.
pub(crate) fn cut(text: &str, width: usize) -> String {
    if columns(text) <= width {
        return text.to_owned();
    }
    let mut cut = String::new();
    let mut used = 1;
    for c in text.chars() {
        used += char_columns(c);
        if used > width {
            break;
        }
        cut.push(c);
    }
    cut.push('…');
    cut
}

/// Returns a duration in its largest unit, rounded down: `45s`, `12m`, `3h`, `5d`.
pub(crate) fn age(duration: Duration) -> String {
    match duration.as_secs() {
        seconds @ 0..60 => format!("{seconds}s"),
        seconds @ 60..3_600 => format!("{}m", seconds / 60),
        seconds @ 3_600..172_800 => format!("{}h", seconds / 3_600),
        seconds => format!("{}d", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_controls_a_terminal_is_printed() {
        assert_eq!(printable("a\u{1b}[2Jb\r\n\u{9b}c\u{202e}d"), "a\\u{1b}[2Jb\\r\\n\\u{9b}c\\u{202e}d");
        assert_eq!(printable("größer 日本 🙂"), "größer 日本 🙂");
    }

    #[test]
    fn a_cut_text_takes_its_columns_and_no_more() {
        assert_eq!(cut("abc", 3), "abc");
        assert_eq!(cut("abcd", 3), "ab…");
        assert_eq!(cut("日本語", 4), "日…");
        assert_eq!(cut("日本語", 6), "日本語");
        assert_eq!(cut("abc", 0), "…");
    }

    #[test]
    fn an_age_has_one_unit() {
        for (seconds, text) in [(0, "0s"), (59, "59s"), (60, "1m"), (3_600, "1h"), (172_799, "47h"), (172_800, "2d")] {
            assert_eq!(age(Duration::from_secs(seconds)), text);
        }
    }
}
