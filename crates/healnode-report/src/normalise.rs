//! Takes out of a message what differs from one occurrence to the next.
//!
//! A scanner walks the text once, word by word. Where a word has a digit, one combined automaton tells whether a date, an address
//! or another kind of many parts begins there; lists tell digits that carry meaning from digits that count. Everything variable
//! becomes the same [`PLACEHOLDER`], whatever it looked like, and so does every token that redaction leaves. A pure function of
//! the text; the lists belong to the version of the algorithm.

mod context;
mod kinds;
mod names;
mod paths;

use crate::redact::{clean, is_kind};
use context::Context;
use kinds::{Kind, kind_at};
use names::{Verdict, judge};

/// What stands for everything that varies.
pub const PLACEHOLDER: &str = "<*>";

/// Replaces what varies by [`PLACEHOLDER`], and runs of white space by one space.
///
/// Keeps digits that carry meaning: status and error numbers, names such as `int16` and `sha384`, versions of products, ports of
/// well-known services. Total on any text, and idempotent.
pub fn normalise(text: &str) -> String {
    let mut normalised = pass(&clean(text));
    for _ in 1..PASSES_MAX {
        let next = pass(&normalised);
        if next == normalised {
            break;
        }
        normalised = next;
    }
    normalised
}

/// How often a text is gone through, at most, until it no longer changes. As a rule the second pass changes nothing.
const PASSES_MAX: usize = 6;

fn pass(text: &str) -> String {
    let mut scanner = Scanner {
        text,
        bytes: text.as_bytes(),
        at: 0,
        out: String::with_capacity(text.len()),
        has_at_sign: text.contains('@'),
        in_url: false,
    };
    while scanner.at < text.len() {
        scanner.step();
    }
    scanner.out.truncate(scanner.out.trim_end().len());
    scanner.out
}

struct Scanner<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    out: String,
    has_at_sign: bool,
    in_url: bool,
}

impl Scanner<'_> {
    fn step(&mut self) {
        match self.bytes[self.at] {
            b' ' | b'\t' | b'\n' => self.space(),
            b'<' => self.angle(),
            b'"' | b'\'' | b'`' => self.quote(),
            b'(' => self.parenthesis(),
            b'/' => self.slash(),
            b'?' if self.in_url => self.query(),
            b':' if self.text[self.at..].starts_with("://") => self.authority(),
            byte if byte.is_ascii_alphanumeric() => self.word(),
            _ => self.copy_character(),
        }
    }

    fn space(&mut self) {
        self.in_url = false;
        self.at = self.run(self.at, |byte| matches!(byte, b' ' | b'\t' | b'\n'));
        if !self.out.is_empty() {
            self.out.push(' ');
        }
    }

    fn copy_character(&mut self) {
        let rest = &self.text[self.at..];
        let length = rest.chars().next().map_or(1, char::len_utf8);
        self.copy_to(self.at + length);
    }

    fn copy_to(&mut self, end: usize) {
        self.out.push_str(&self.text[self.at..end]);
        self.at = end;
    }

    /// Writes a placeholder for the text up to `end`. One that only a separator parts from the placeholder before joins it.
    fn replace_to(&mut self, end: usize) {
        self.at = end;
        for joiner in JOINERS {
            if let Some(before) = self.out.strip_suffix(joiner)
                && before.ends_with(PLACEHOLDER)
            {
                self.out.truncate(before.len());
                return;
            }
        }
        self.out.push_str(PLACEHOLDER);
    }

    fn run(&self, at: usize, class: impl Fn(u8) -> bool) -> usize {
        let at = at.min(self.bytes.len());
        self.bytes[at..].iter().position(|byte| !class(*byte)).map_or(self.bytes.len(), |length| at + length)
    }

    fn angle(&mut self) {
        match token_end(self.text, self.at) {
            Some(end) => self.replace_to(end),
            None => self.copy_character(),
        }
    }

    /// A quoted value behind words that announce someone's data.
    fn quote(&mut self) {
        self.in_url = false;
        let quote = self.bytes[self.at];
        let from = self.at + 1;
        let window = self.bytes.len().min(from + DATA_BYTES_MAX);
        let closing = self.bytes[from..window].iter().position(|byte| *byte == quote);
        let announced = context::announces_data(&self.text[..self.at]);
        self.copy_character();
        if let Some(length) = closing
            && length > 0
            && announced
        {
            self.replace_to(from + length);
        }
    }

    /// The value in `Key (email)=(…) already exists`.
    fn parenthesis(&mut self) {
        let is_value = self.text[..self.at].ends_with(")=");
        self.copy_character();
        let window = self.bytes.len().min(self.at + DATA_BYTES_MAX);
        let closing = self.bytes[self.at..window].iter().position(|byte| *byte == b')');
        if let Some(length) = closing.filter(|length| is_value && *length > 0) {
            self.replace_to(self.at + length);
        }
    }

    fn slash(&mut self) {
        match paths::variable_prefix(self.text, self.at) {
            Some(end) => self.replace_to(end),
            None => self.copy_character(),
        }
    }

    fn authority(&mut self) {
        self.in_url = true;
        self.copy_to(self.at + 3);
        let is_user_info = |byte: u8| !matches!(byte, b' ' | b'\n' | b'/' | b'"' | b'\'' | b'@');
        let end = self.run(self.at, is_user_info);
        if end > self.at && self.bytes.get(end) == Some(&b'@') {
            self.replace_to(end);
        }
    }

    fn query(&mut self) {
        self.copy_character();
        let end = self.run(self.at, |byte| !matches!(byte, b' ' | b'\n' | b'\t' | b'"' | b'\'' | b'`' | b')' | b']' | b'}'));
        if end > self.at {
            self.replace_to(end);
        }
    }

    fn word(&mut self) {
        let end = self.run(self.at, |byte| byte.is_ascii_alphanumeric());
        let word = &self.text[self.at..end];
        let has_digit = word.bytes().any(|byte| byte.is_ascii_digit());
        if let Some(prefix) = paths::drive_prefix(self.text, self.at) {
            return self.replace_to(prefix);
        }
        if (has_digit || self.has_at_sign || kinds::may_begin(word, self.bytes.get(end)))
            && let Some((kind, kind_end)) = kind_at(self.text, self.at)
        {
            return self.kind(kind, kind_end);
        }
        if has_digit || names::is_hex_without_digits(word) || self.is_pod_suffix(word) || self.follows_object_sign(word) {
            return self.mixed_word(end);
        }
        self.copy_to(end);
    }

    fn kind(&mut self, kind: Kind, end: usize) {
        let context = Context::new(self.text, self.at, end, &self.out);
        let keeps = match kind {
            Kind::Whole => false,
            Kind::Version => context.keeps_version(),
            Kind::Hex => context.keeps_hex(),
            Kind::Number => context.keeps_number(),
        };
        if keeps {
            return self.copy_to(end);
        }
        self.drop_sign();
        self.replace_to(end);
    }

    /// A word of letters and digits, or one of letters that was found out to be an id.
    fn mixed_word(&mut self, end: usize) {
        let word = &self.text[self.at..end];
        if self.is_pod_suffix(word) || self.follows_object_sign(word) {
            return self.replace_to(end);
        }
        let context = Context::new(self.text, self.at, end, &self.out);
        if context.is_state_code() {
            return self.copy_to(end);
        }
        match judge(word) {
            Verdict::Keep => self.copy_to(end),
            Verdict::Variable if context.keeps_digits_in_name() => self.copy_to(end),
            Verdict::Variable => self.replace_to(end),
            Verdict::Counted { letters } => {
                self.copy_to(self.at + letters);
                self.replace_to(end);
            }
        }
    }

    /// The last part of a pod's name: five letters and digits behind a hash.
    fn is_pod_suffix(&self, word: &str) -> bool {
        word.len() == 5
            && self.out.strip_suffix('-').is_some_and(|before| before.ends_with(PLACEHOLDER))
            && word.bytes().all(|byte| matches!(byte, b'2' | b'4'..=b'9' | b'b'..=b'z') && !b"eiouy".contains(&byte))
    }

    /// The hash in the default text of a Java object, `Type@3ac9f01e`.
    fn follows_object_sign(&self, word: &str) -> bool {
        let mut before = self.text[..self.at].bytes().rev();
        before.next() == Some(b'@')
            && before.next().is_some_and(|byte| byte.is_ascii_alphanumeric() || byte == b';')
            && word.len() <= 16
            && word.bytes().all(|byte| byte.is_ascii_hexdigit())
            && word.bytes().any(|byte| byte.is_ascii_digit())
    }

    fn drop_sign(&mut self) {
        let mut before = self.out.bytes().rev();
        if matches!(before.next(), Some(b'-' | b'+'))
            && !before.next().is_some_and(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'>' | b'-' | b'_'))
        {
            self.out.pop();
        }
    }
}

/// Longest quoted or parenthesised value that is taken for someone's data, in bytes.
const DATA_BYTES_MAX: usize = 256;

/// What may stand between two variables that count as one.
const JOINERS: &[&str] =
    &["", " ", ".", ":", "-", "_", "/", ",", ", ", "; ", "x", "..", "...", " - ", "|", "\\", "@", "+", "', '", "\", \"", "), (", "], ["];

/// End of a placeholder or of a redaction's token that begins at `at`.
fn token_end(text: &str, at: usize) -> Option<usize> {
    let rest = &text[at + 1..];
    if rest.starts_with("*>") {
        return Some(at + PLACEHOLDER.len());
    }
    let length = rest.bytes().take(TOKEN_BYTES_MAX).position(|byte| byte == b'>')?;
    is_kind(rest.get(..length)?).then_some(at + length + 2)
}

/// Longest name of a redaction's token, in bytes, with room for more kinds.
const TOKEN_BYTES_MAX: usize = 32;
