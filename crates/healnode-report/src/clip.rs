//! Brings a text within its bound.
//!
//! Redaction comes first and the cut second; what the cut leaves is redacted again until nothing changes, so that a part that was
//! admitted once is admitted unchanged for ever.

use std::borrow::Cow;

use crate::limits::STACK_HEAD_BYTES;
use crate::redact::redact;

/// A text within its bound.
pub(crate) struct Part {
    pub(crate) text: String,
    pub(crate) clipped: bool,
}

/// Redacts a text by the built-in rules, puts it on one line and clips it.
pub(crate) fn line(text: &str, bytes_max: usize) -> Part {
    settle(text, redact, |text| clip(&one_line(text), bytes_max))
}

/// How often a part is admitted, at most, until it no longer changes. A cut can end a number where it looks like a card's, and the
/// second round redacts that; the rest is room to spare.
const ROUNDS_MAX: usize = 6;

/// Redacts and shapes a text until that changes nothing. What shaping leaves as it is needs no second round: redaction is idempotent.
pub(crate) fn settle(text: &str, redact: impl Fn(&str) -> Cow<'_, str>, shape: impl Fn(&str) -> Part) -> Part {
    let round = |text: &str| {
        let redacted = redact(text);
        let part = shape(&redacted);
        let is_settled = part.text == *redacted;
        (part, is_settled)
    };
    let (mut part, mut is_settled) = round(text);
    for _ in 1..ROUNDS_MAX {
        if is_settled {
            break;
        }
        let (next, settled) = round(&part.text);
        part = Part { text: next.text, clipped: part.clipped || next.clipped };
        is_settled = settled;
    }
    part
}

/// The text with its line ends and tabs as spaces.
pub(crate) fn one_line(text: &str) -> String {
    if !text.contains(['\n', '\t']) && text.trim() == text {
        return text.to_owned();
    }
    text.replace(['\n', '\t'], " ").trim().to_owned()
}

/// Keeps the beginning, cut at a character boundary.
pub(crate) fn clip(text: &str, bytes_max: usize) -> Part {
    let end = floor(text, bytes_max);
    Part { text: text[..end].trim_end().to_owned(), clipped: end < text.len() }
}

/// What stands in the place of the middle that was cut out.
pub(crate) const GAP: &str = "\n[...]\n";

/// Keeps the head and the tail, cut at line ends where there are any.
pub(crate) fn clip_middle(text: &str, bytes_max: usize) -> Part {
    if text.len() <= bytes_max {
        return Part { text: text.trim_end().to_owned(), clipped: false };
    }
    let head = &text[..floor(text, STACK_HEAD_BYTES)];
    let head = head.rfind('\n').map_or(head, |end| &head[..end]);
    let room = bytes_max - STACK_HEAD_BYTES - GAP.len();
    let tail = &text[ceil(text, text.len() - room)..];
    let tail = tail.find('\n').map_or(tail, |end| &tail[end + 1..]);
    Part { text: format!("{head}{GAP}{}", tail.trim_end()), clipped: true }
}

fn floor(text: &str, at: usize) -> usize {
    (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}

fn ceil(text: &str, at: usize) -> usize {
    (at..text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len())
}
