//! The places of a text that are to be redacted.

use std::ops::Range;

use super::kind::Kind;

struct Span {
    start: usize,
    end: usize,
    kind: Kind,
    by_format: bool,
}

/// Places found so far, in any order and possibly overlapping.
#[derive(Default)]
pub(crate) struct Spans {
    spans: Vec<Span>,
    /// Where the last span found by its format ends, so that a run of prefixes is walked once.
    format_end: usize,
    /// Where the last name looked at by the key-name rule ends, so that each name is looked at once.
    pub(crate) name_end: usize,
    /// The value found by its name or header that reaches farthest. A place inside it needs no look.
    value: Range<usize>,
}

impl Spans {
    /// Adds a value that its place betrays, such as a name in a path.
    pub(crate) fn add(&mut self, start: usize, end: usize, kind: Kind) {
        self.push(start, end, kind, false);
    }

    /// Adds a value that its name or its header betrays, however long it is.
    pub(crate) fn add_value(&mut self, start: usize, end: usize, kind: Kind) {
        if end > self.value.end {
            self.value = start..end;
        }
        self.push(start, end, kind, false);
    }

    /// Whether a place lies within a value that was found by its name or header.
    pub(crate) fn is_in_value(&self, place: usize) -> bool {
        self.value.contains(&place)
    }

    /// Adds a value that its own format betrays. Where it overlaps another, its kind is the one shown.
    pub(crate) fn add_by_format(&mut self, start: usize, end: usize, kind: Kind) {
        self.format_end = self.format_end.max(end);
        self.push(start, end, kind, true);
    }

    /// Whether a place lies within a value that was found by its format.
    pub(crate) fn covers(&self, place: usize) -> bool {
        place < self.format_end
    }

    fn push(&mut self, start: usize, end: usize, kind: Kind, by_format: bool) {
        if start < end {
            self.spans.push(Span { start, end, kind, by_format });
        }
    }

    /// Puts the tokens in place of the union of all spans. `None` when that changes nothing.
    pub(crate) fn replace_in(mut self, text: &str) -> Option<String> {
        self.spans.sort_by_key(|span| (span.start, std::cmp::Reverse(span.end)));
        let mut merged: Vec<Span> = Vec::new();
        for span in self.spans {
            match merged.last_mut() {
                Some(last) if span.start < last.end => last.absorb(&span),
                _ => merged.push(span),
            }
        }
        merged.retain(|span| !is_token(span, text));
        (!merged.is_empty()).then(|| write(text, &merged))
    }
}

impl Span {
    fn absorb(&mut self, other: &Span) {
        self.end = self.end.max(other.end);
        if other.by_format && !self.by_format {
            self.kind = other.kind;
            self.by_format = true;
        }
    }
}

fn is_token(span: &Span, text: &str) -> bool {
    text.get(span.start..span.end).is_some_and(|value| value == span.kind.token())
}

fn write(text: &str, spans: &[Span]) -> String {
    let mut out = String::with_capacity(text.len());
    let mut done = 0;
    for span in spans {
        let start = floor(text, span.start).max(done);
        out.push_str(&text[done..start]);
        out.push_str(&span.kind.token());
        done = ceil(text, span.end).max(start);
    }
    out.push_str(&text[done..]);
    out
}

fn floor(text: &str, mut at: usize) -> usize {
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

fn ceil(text: &str, mut at: usize) -> usize {
    while at < text.len() && !text.is_char_boundary(at) {
        at += 1;
    }
    at.min(text.len())
}
