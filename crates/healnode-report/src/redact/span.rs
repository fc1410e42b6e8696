//! The places of a text that are to be redacted.

use std::ops::Range;

use super::kind::{IP, Kind};
use super::own::Own;

/// What a value leaves behind.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Label {
    Kind(Kind),
    /// The number of an own pattern.
    Own(usize),
}

/// How sure a rule is. The surer one names what is found.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Finding {
    ByPlace,
    ByFormat,
    Credential,
}

struct Span {
    start: usize,
    end: usize,
    label: Label,
    finding: Finding,
}

/// Places found so far, in any order and possibly overlapping.
pub(crate) struct Spans<'a> {
    own: &'a Own,
    spans: Vec<Span>,
    /// Where the last span found by its format ends, so that a run of prefixes is walked once.
    format_end: usize,
    /// Where the last name looked at by the key-name rule ends, so that each name is looked at once.
    pub(crate) name_end: usize,
    /// Where the last command looked at ends, so that each word is looked at once.
    pub(crate) command_end: usize,
    /// The value found by its name or header that reaches farthest. A place inside it needs no look.
    value: Range<usize>,
}

impl<'a> Spans<'a> {
    pub(crate) fn new(own: &'a Own) -> Self {
        Spans { own, spans: Vec::new(), format_end: 0, name_end: 0, command_end: 0, value: 0..0 }
    }

    /// Adds a value that its place betrays, such as a name in a path.
    pub(crate) fn add(&mut self, start: usize, end: usize, kind: Kind) {
        self.push_kind(start, end, kind, Finding::ByPlace);
    }

    /// Adds a value that its name or its header betrays, however long it is.
    pub(crate) fn add_value(&mut self, start: usize, end: usize, kind: Kind) {
        if end > self.value.end {
            self.value = start..end;
        }
        self.push_kind(start, end, kind, Finding::ByPlace);
    }

    /// Whether a place lies within a value that was found by its name or header.
    pub(crate) fn is_in_value(&self, place: usize) -> bool {
        self.value.contains(&place)
    }

    /// Adds a value that its own format betrays. Where it overlaps another, its kind is the one shown.
    pub(crate) fn add_by_format(&mut self, start: usize, end: usize, kind: Kind) {
        self.format_end = self.format_end.max(end);
        self.push_kind(start, end, kind, Finding::ByFormat);
    }

    /// Whether a place lies within a value that was found by its format.
    pub(crate) fn covers(&self, place: usize) -> bool {
        place < self.format_end
    }

    /// Adds a credential that goes by its exact value, even when it is allowed.
    pub(crate) fn add_credential(&mut self, start: usize, end: usize, kind: Kind) {
        self.push(start, end, Label::Kind(kind), Finding::Credential);
    }

    /// Adds what an own pattern found.
    pub(crate) fn add_own(&mut self, start: usize, end: usize, pattern: usize) {
        self.push(start, end, Label::Own(pattern), Finding::ByFormat);
    }

    fn push_kind(&mut self, start: usize, end: usize, kind: Kind, finding: Finding) {
        if kind != IP || !self.own.keeps_ip_addresses() {
            self.push(start, end, Label::Kind(kind), finding);
        }
    }

    fn push(&mut self, start: usize, end: usize, label: Label, finding: Finding) {
        if start < end {
            self.spans.push(Span { start, end, label, finding });
        }
    }

    /// Puts the tokens in place of the union of all spans. `None` when that changes nothing.
    pub(crate) fn replace_in(mut self, text: &str) -> Option<String> {
        let own = self.own;
        if own.has_allowed() {
            self.spans.retain(|span| {
                span.finding == Finding::Credential || !text.get(span.start..span.end).is_some_and(|value| own.allows(value))
            });
        }
        self.spans.sort_by_key(|span| (span.start, std::cmp::Reverse(span.end)));
        let mut merged: Vec<Span> = Vec::new();
        for span in self.spans {
            match merged.last_mut() {
                Some(last) if span.start < last.end => last.absorb(&span),
                _ => merged.push(span),
            }
        }
        merged.retain(|span| !is_token(span, text, own));
        (!merged.is_empty()).then(|| write(text, &merged, own))
    }
}

impl Span {
    fn absorb(&mut self, other: &Span) {
        self.end = self.end.max(other.end);
        if other.finding > self.finding {
            self.label = other.label;
            self.finding = other.finding;
        }
    }

    fn token(&self, own: &Own) -> String {
        match self.label {
            Label::Kind(kind) => kind.token(),
            Label::Own(pattern) => own.token(pattern),
        }
    }
}

fn is_token(span: &Span, text: &str, own: &Own) -> bool {
    text.get(span.start..span.end).is_some_and(|value| value == span.token(own))
}

fn write(text: &str, spans: &[Span], own: &Own) -> String {
    let mut out = String::with_capacity(text.len());
    let mut done = 0;
    for span in spans {
        let start = floor(text, span.start).max(done);
        out.push_str(&text[done..start]);
        out.push_str(&span.token(own));
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
