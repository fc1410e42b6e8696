//! Which errors are nearly the same: of one type, from one place in the code, with messages that differ in one word.
//!
//! They are named on each other's issues and never merged: whether they are one bug is for a person to say.

use healnode_report::{Fingerprint, Head};

use crate::ledger::{Entry, Ledger};
use crate::limits::SIMILAR_MAX;

/// Fewest words of a message that says enough without a stack: below that one word is most of it.
const WORDS_MIN: usize = 4;

/// Returns the errors that are nearly `fingerprint`, those with the lowest issue first, at most [`SIMILAR_MAX`].
pub(crate) fn similar(ledger: &Ledger, fingerprint: Fingerprint) -> Vec<(Fingerprint, &Entry)> {
    let Some(head) = ledger.entry(&fingerprint).and_then(Entry::head) else { return Vec::new() };
    let is_similar =
        |(other, entry): &(&Fingerprint, &Entry)| **other != fingerprint && entry.head().is_some_and(|other| are_similar(head, other));
    let mut similar: Vec<(Fingerprint, &Entry)> =
        ledger.entries().filter(is_similar).map(|(fingerprint, entry)| (*fingerprint, entry)).collect();
    similar.sort_by_key(|(fingerprint, entry)| (entry.issue().map_or(u64::MAX, |issue| issue.number.0), *fingerprint));
    similar.truncate(SIMILAR_MAX);
    similar
}

fn are_similar(one: &Head, other: &Head) -> bool {
    one.frames == other.frames
        && one.error_type == other.error_type
        && one.app == other.app
        && one.message != other.message
        && differ_in_one_word(&one.message, &other.message, if one.frames == 0 { WORDS_MIN } else { 1 })
}

/// Returns whether one word was replaced, added or left out, of at least `words_min`.
fn differ_in_one_word(one: &str, other: &str, words_min: usize) -> bool {
    let (one, other): (Vec<&str>, Vec<&str>) = (one.split_whitespace().collect(), other.split_whitespace().collect());
    let (shorter, longer) = (one.len().min(other.len()), one.len().max(other.len()));
    let head = one.iter().zip(&other).take_while(|(one, other)| one == other).count();
    let tail = one.iter().rev().zip(other.iter().rev()).take_while(|(one, other)| one == other).count();
    shorter >= words_min && longer - shorter <= 1 && head + tail + 1 >= longer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_word_may_be_replaced_added_or_left_out() {
        for (one, other, expected) in [
            ("no such table users", "no such table orders", true),
            ("no such table users", "no such table", false),
            ("cannot open the file", "cannot open the old file", true),
            ("cannot open the file", "cannot read that file", false),
            ("cannot open the file", "cannot open the", false),
            ("a a a a", "a a a a a", true),
        ] {
            assert_eq!(differ_in_one_word(one, other, WORDS_MIN), expected, "{one} | {other}");
        }
    }
}
