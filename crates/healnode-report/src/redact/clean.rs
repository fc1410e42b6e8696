//! Takes out what a terminal would act on and what an eye does not see.
//!
//! Colour codes and invisible characters can sit inside a secret and hide it from every rule, so they go first.

use std::borrow::Cow;

/// The text without ANSI escapes, control characters other than `\n` and `\t`, and invisible or direction-changing characters.
pub(crate) fn clean(text: &str) -> Cow<'_, str> {
    if is_plain(text.as_bytes()) {
        return Cow::Borrowed(text);
    }
    let Some(first) = text.char_indices().position(|(_, character)| is_unwanted(character)) else {
        return Cow::Borrowed(text);
    };
    let mut out = String::with_capacity(text.len());
    out.extend(text.chars().take(first));
    let mut rest = text.chars().skip(first).peekable();
    while let Some(character) = rest.next() {
        match character {
            '\u{1b}' => skip_escape(&mut rest),
            '\u{9b}' => skip_sequence(&mut rest),
            '\u{2028}' | '\u{2029}' => out.push('\n'),
            _ if is_unwanted(character) => {}
            _ => out.push(character),
        }
    }
    Cow::Owned(out)
}

/// Whether a text is printable ASCII. Looks at a block of bytes at a time, without a branch for each.
fn is_plain(bytes: &[u8]) -> bool {
    let is_plain = |byte: &u8| matches!(byte, b' '..=b'~' | b'\n' | b'\t');
    bytes.chunks(64).all(|block| block.iter().fold(true, |plain, byte| plain & is_plain(byte)))
}

fn is_unwanted(character: char) -> bool {
    match character {
        '\n' | '\t' => false,
        ' '..='~' => false,
        _ => character.is_control() || is_invisible(character),
    }
}

/// Zero-width, direction-changing and tag characters, and line separators other than `\n`.
fn is_invisible(character: char) -> bool {
    matches!(character,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

type Rest<'a> = std::iter::Peekable<std::iter::Skip<std::str::Chars<'a>>>;

/// Skips what belongs to an ESC: a CSI sequence, an OSC or similar string, or one more character.
fn skip_escape(rest: &mut Rest<'_>) {
    match rest.peek() {
        Some('[') => {
            rest.next();
            skip_sequence(rest);
        }
        Some(']' | 'P' | 'X' | '^' | '_') => skip_string(rest),
        Some('(' | ')' | '#') => {
            rest.next();
            rest.next_if(char::is_ascii_alphanumeric);
        }
        Some('7' | '8' | '=' | '>' | 'D' | 'E' | 'H' | 'M' | 'N' | 'O' | 'Z' | 'c' | '\\') => {
            rest.next();
        }
        _ => {}
    }
}

/// Longest parameter part of a CSI sequence that is believed, in characters.
const PARAMETERS_MAX: usize = 32;

fn skip_sequence(rest: &mut Rest<'_>) {
    for _ in 0..PARAMETERS_MAX {
        if rest.next_if(|character| matches!(character, ' '..='?')).is_none() {
            break;
        }
    }
    rest.next_if(|character| matches!(character, '@'..='~'));
}

/// Longest OSC or similar string that is believed, in characters. Terminal titles and links are shorter.
const STRING_MAX: usize = 2048;

fn skip_string(rest: &mut Rest<'_>) {
    let mut ahead = rest.clone();
    for _ in 0..STRING_MAX {
        match ahead.next() {
            Some('\u{7}' | '\u{9c}') => {
                *rest = ahead;
                return;
            }
            Some('\u{1b}') => {
                ahead.next_if_eq(&'\\');
                *rest = ahead;
                return;
            }
            Some('\n') | None => return,
            Some(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::clean;

    fn check(text: &str, expected: &str) {
        assert_eq!(clean(text), expected, "{text:?}");
        assert_eq!(clean(expected), expected, "{text:?}, again");
    }

    #[test]
    fn escapes_and_control_characters_go_and_text_stays() {
        check("plain text", "plain text");
        check("a\tb\nc", "a\tb\nc");
        check("a\r\nb\0c\u{8}", "a\nbc");
        check("\u{1b}[1;31mred\u{1b}[0m", "red");
        check("\u{1b}]0;title\u{7}after", "after");
        check("\u{1b}]8;;http://x\u{1b}\\link\u{1b}]8;;\u{1b}\\", "link");
        check("half\u{1b}[", "half");
        check("\u{9b}31mred", "red");
    }

    #[test]
    fn what_the_eye_does_not_see_goes() {
        check("pa\u{200b}ss\u{202e}word\u{2066}\u{e0041}", "password");
        check("one\u{2028}two", "one\ntwo");
    }

    #[test]
    fn letters_of_any_script_stay() {
        check("주문 Straße 日本 👨\u{200d}👩", "주문 Straße 日本 👨\u{200d}👩");
    }
}
