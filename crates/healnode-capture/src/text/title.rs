//! The line of a trace that names the error: `Type: message`.

use crate::text::Evidence;

/// The type of an error that has none. The message decides what it is.
pub(crate) const NO_TYPE: &str = "Error";

/// What an error is called.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Title {
    pub(crate) error_type: String,
    pub(crate) message: String,
    pub(crate) evidence: Evidence,
    /// A trace that stood in the same line.
    pub(crate) stack: Option<String>,
}

impl Title {
    /// The title of a trace.
    pub(crate) fn new(error_type: impl Into<String>, message: impl Into<String>) -> Title {
        Title { error_type: error_type.into(), message: message.into(), evidence: Evidence::Trace, stack: None }
    }

    /// The title of a line that says that it is an error.
    pub(crate) fn of_line(error_type: impl Into<String>, message: impl Into<String>) -> Title {
        Title { evidence: Evidence::Line, ..Title::new(error_type, message) }
    }

    /// Reads a line right above frames. A line without a type is all message.
    pub(crate) fn of_head(line: &str) -> Title {
        let line = line.trim();
        inside(line).or_else(|| plain(line)).unwrap_or_else(|| Title::new(NO_TYPE, line))
    }
}

/// Endings of the names of types that cannot be anything else.
const ENDINGS: &[&str] = &["Error", "Exception", "Throwable", "Failure"];

/// Whether a line names an error beyond doubt.
pub(crate) fn is_titled(line: &str) -> bool {
    inside(line.trim()).is_some()
}

/// Finds `SomeError: message` or `SomeError` in a line, whatever stands before it. A code that Node puts behind the name is left out.
fn inside(line: &str) -> Option<Title> {
    let mut from = 0;
    while let Some(length) = line[from..].find(": ") {
        let at = from + length;
        if let Some(name) = last_name(&line[..at]) {
            return Some(Title::new(name, until_inner(&line[at + 2..])));
        }
        from = at + 2;
    }
    last_name(line.strip_suffix(':').unwrap_or(line)).map(|name| Title::new(name, ""))
}

/// The message without the inner exception that .NET prints on the same line.
fn until_inner(message: &str) -> &str {
    message.split(" ---> ").next().unwrap_or(message).trim()
}

/// The last word of a text, if it is the name of an error's type.
fn last_name(text: &str) -> Option<&str> {
    let text = match text.rsplit_once(" [") {
        Some((before, code)) if code.ends_with(']') && !code.contains(' ') => before,
        Some(_) | None => text,
    };
    let name = text.rsplit(' ').next()?;
    let last = name.rsplit(['.', ':', '\\', '$', '+']).next()?;
    (is_name(name) && ENDINGS.iter().any(|ending| last.ends_with(ending))).then_some(name)
}

/// Reads `type: message`, or a type alone, if the line begins with a name.
pub(crate) fn plain(line: &str) -> Option<Title> {
    match line.split_once(": ") {
        Some((name, message)) if is_name(name) => Some(Title::new(name, message.trim())),
        None if is_name(line) => Some(Title::new(line, "")),
        Some(_) | None => None,
    }
}

/// Whether a text is a name: one word, perhaps with a path of modules before it.
pub(crate) fn is_name(text: &str) -> bool {
    let is_part = |character: char| character.is_alphanumeric() || matches!(character, '.' | '_' | '$' | ':' | '\\' | '+' | '`' | '/');
    text.starts_with(|first: char| first.is_alphabetic() || first == '_') && text.chars().all(is_part) && !text.ends_with(':')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_is_found_whatever_stands_before_it() {
        for (line, error_type, message) in [
            ("TypeError: x is undefined", "TypeError", "x is undefined"),
            ("Uncaught TypeError [ERR_INVALID]: x: y", "TypeError", "x: y"),
            ("Exception in thread \"main\" java.lang.IllegalStateException: closed", "java.lang.IllegalStateException", "closed"),
            ("Unhandled exception. System.ArgumentException: bad", "System.ArgumentException", "bad"),
            ("System.A.BException: out ---> System.C: in", "System.A.BException", "out"),
            ("ERROR [main] App - a.b.CException: d", "a.b.CException", "d"),
            ("Caused by: java.io.IOException", "java.io.IOException", ""),
            ("java.lang.RuntimeException: java.io.IOException: x", "java.lang.RuntimeException", "java.io.IOException: x"),
            ("Custom: thing", "Custom", "thing"),
            ("it went wrong: really", "Error", "it went wrong: really"),
        ] {
            let title = Title::of_head(line);
            assert_eq!((title.error_type.as_str(), title.message.as_str()), (error_type, message), "{line}");
        }
    }
}
