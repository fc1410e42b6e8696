//! An operator's word on which errors are the same, and which are none.
//!
//! Rules are asked in their order, with what is left of an error after redaction. Those that say whose code a frame is come first; then the
//! first that fits says how bad the error is, and the first other one what it is. What a rule decided goes with the report, see `admission.rs`.

use crate::frames;
use crate::severity::Severity;

/// One rule: what it fits, and what it does.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Rule {
    /// Fits errors of these types; `None` for all.
    pub error_type: Option<Glob>,
    /// Fits errors with these messages; `None` for all.
    pub message: Option<Glob>,
    /// Fits errors that came through these places in the code, and, for [`Action::InApp`], the frames that are meant: file paths, or modules
    /// where a language names those, as the trace prints them.
    pub path: Option<Glob>,
    /// What is done.
    pub action: Action,
}

/// What a rule does.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Action {
    /// Errors with the same list are the same. `{{ default }}` stands for the computed fingerprint, `{{ type }}` for the error's type and
    /// `{{ message }}` for its message without what varies.
    Fingerprint(Vec<String>),
    /// The error is answered politely and left out.
    Ignore,
    /// The frames are, or are not, the application's own code.
    InApp(bool),
    /// The error is this bad, whatever its type or the application says. Decides nothing else, so a later rule may still do so.
    Severity(Severity),
}

/// A text in which `*` stands for any other, also for none. It fits as a whole.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Glob(String);

impl Glob {
    /// Takes a text with or without `*`.
    pub fn new(text: impl Into<String>) -> Glob {
        Glob(text.into())
    }

    /// Whether it fits a text. Takes time in proportion to the text.
    pub fn fits(&self, text: &str) -> bool {
        let Some((head, rest)) = self.0.split_once('*') else { return self.0 == text };
        let (middle, tail) = rest.rsplit_once('*').unwrap_or(("", rest));
        let inside = text.strip_prefix(head).and_then(|text| text.strip_suffix(tail));
        let Some(mut inside) = inside else { return false };
        for piece in middle.split('*').filter(|piece| !piece.is_empty()) {
            let Some(at) = inside.find(piece) else { return false };
            inside = &inside[at + piece.len()..];
        }
        true
    }
}

/// What rules decided about an error.
#[derive(Default)]
pub(crate) struct Decision {
    /// The frames that count, where a rule changed whose code they are.
    pub(crate) frames: Option<Vec<String>>,
    /// How bad the error is, by the first rule that fits and says so.
    pub(crate) severity: Option<Severity>,
    /// What the first rule that fits does, with the rule's number from 1.
    pub(crate) verdict: Option<(usize, Verdict)>,
}

/// What becomes of an error that a rule fits.
pub(crate) enum Verdict {
    Fingerprint(Vec<String>),
    Ignore,
}

/// Asks rules about an error.
pub(crate) fn decide(rules: &[Rule], error_type: &str, message: &str, stack: Option<&str>) -> Decision {
    let fits = |glob: &Option<Glob>, text: &str| glob.as_ref().is_none_or(|glob| glob.fits(text));
    let fitting = rules.iter().enumerate().filter(|(_, rule)| fits(&rule.error_type, error_type) && fits(&rule.message, message));
    let fitting: Vec<(usize, &Rule)> = fitting.collect();
    if fitting.is_empty() {
        return Decision::default();
    }
    let mut trace = stack.and_then(frames::read);
    let mut is_changed = false;
    for frame in trace.iter_mut().flat_map(|trace| &mut trace.frames) {
        for (_, rule) in &fitting {
            if let (Action::InApp(in_app), true) = (&rule.action, fits(&rule.path, frame.path)) {
                is_changed |= frame.in_app != *in_app;
                frame.in_app = *in_app;
            }
        }
    }
    let comes_through = |path: &Option<Glob>| {
        path.as_ref().is_none_or(|path| trace.iter().flat_map(|trace| &trace.frames).any(|frame| path.fits(frame.path)))
    };
    let through = || fitting.iter().filter(|(_, rule)| comes_through(&rule.path));
    let severity = through().find_map(|(_, rule)| match &rule.action {
        Action::Severity(severity) => Some(*severity),
        Action::Fingerprint(_) | Action::Ignore | Action::InApp(_) => None,
    });
    let verdict = through().find_map(|(index, rule)| match &rule.action {
        Action::Fingerprint(parts) => Some((index + 1, Verdict::Fingerprint(parts.clone()))),
        Action::Ignore => Some((index + 1, Verdict::Ignore)),
        Action::InApp(_) | Action::Severity(_) => None,
    });
    Decision { frames: trace.as_ref().filter(|_| is_changed).map(frames::key), severity, verdict }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_anything_and_the_rest_for_itself() {
        for (glob, text, expected) in [
            ("KeyError", "KeyError", true),
            ("KeyError", "KeyErrors", false),
            ("*Error", "KeyError", true),
            ("*timed out*", "request timed out after 3 s", true),
            ("*/vendor/*", "src/vendor/a.py", true),
            ("*/vendor/*", "src/vendored/a.py", false),
            ("a*b*c", "a-b-c", true),
            ("a*b*c", "a-c", false),
            ("ab*ba", "aba", false),
            ("a*b*b", "ab", false),
            ("*", "", true),
            ("", "x", false),
            ("**x**", "axb", true),
        ] {
            assert_eq!(Glob::new(glob).fits(text), expected, "{glob} on {text}");
        }
    }
}
