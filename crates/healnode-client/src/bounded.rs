//! Text that is written up to a bound.
//!
//! A value that would print gigabytes is stopped while it prints: what is over the bound is never allocated.

use std::fmt::{self, Write as _};

/// How far back a cut looks for white space. Longer than any secret without white space that is worth its name.
const BACK_BYTES_MAX: usize = 1024;

/// A text that takes no more than its bound.
pub(crate) struct Bounded {
    text: String,
    bytes_max: usize,
    is_cut: bool,
}

impl Bounded {
    pub(crate) fn new(bytes_max: usize) -> Self {
        Self { text: String::new(), bytes_max, is_cut: false }
    }

    /// Adds what a value prints. A value that fails to print itself leaves what it printed so far.
    pub(crate) fn add(&mut self, text: fmt::Arguments<'_>) {
        let _cut_or_failed = self.write_fmt(text);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns the text. One that was cut ends at white space, because half a secret is none that a rule knows.
    pub(crate) fn into_text(mut self) -> String {
        if self.is_cut {
            let from = floor(&self.text, self.text.len().saturating_sub(BACK_BYTES_MAX));
            if let Some(at) = self.text[from..].rfind(char::is_whitespace) {
                self.text.truncate(from + at);
            }
        }
        self.text
    }
}

impl fmt::Write for Bounded {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let room = self.bytes_max.saturating_sub(self.text.len());
        if text.len() <= room && !self.is_cut {
            self.text.push_str(text);
            return Ok(());
        }
        if !self.is_cut {
            self.text.push_str(&text[..floor(text, room)]);
            self.is_cut = true;
        }
        Err(fmt::Error)
    }
}

/// Returns what a value prints, up to a bound.
pub(crate) fn text(value: fmt::Arguments<'_>, bytes_max: usize) -> String {
    let mut bounded = Bounded::new(bytes_max);
    bounded.add(value);
    bounded.into_text()
}

fn floor(text: &str, at: usize) -> usize {
    (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Endless;

    impl fmt::Display for Endless {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            loop {
                f.write_str("again ")?;
            }
        }
    }

    #[test]
    fn what_never_ends_is_cut_at_white_space() {
        assert_eq!(text(format_args!("{Endless}"), 20), "again again again");
    }

    #[test]
    fn a_cut_leaves_whole_characters_and_nothing_is_added_behind_it() {
        let mut bounded = Bounded::new(4);
        bounded.add(format_args!("aéé"));
        bounded.add(format_args!("b"));
        assert_eq!(bounded.into_text(), "aé");
        assert_eq!(text(format_args!("fits"), 4), "fits");
    }
}
