//! What an error says of itself and its causes: a type, a message, and a line for each cause.
//!
//! Rust does not tell the type behind a `dyn Error`. It is read from the `Debug` text, whose first word is the type's name for whatever derives
//! `Debug`. Where an error has no name, as a text in a box has none, the name is that of its first cause that has one.

use std::error::Error;

use crate::bounded::{self, Bounded};
use crate::limits::{CAUSES_MAX, MESSAGE_BYTES_MAX, TYPE_BYTES_MAX};

/// The type of an error that has no name.
const NAMELESS: &str = "Error";

/// How the `Debug` texts of `std::io::Error` begin.
const IO_ERRORS: [&str; 4] = ["Os { code: ", "Custom { kind: ", "Kind(", "Error { kind: "];

/// An error with its causes, as text.
#[derive(PartialEq, Eq, Debug)]
pub(crate) struct Described {
    pub(crate) error_type: String,
    /// The messages of error and causes, joined by `: ` where one does not repeat the next.
    pub(crate) message: String,
    /// A line for each cause, outermost first; empty when there is none.
    pub(crate) causes: String,
}

/// Describes an error. `type_name` is the type's full name, if it is known at compile time.
pub(crate) fn describe(error: &dyn Error, type_name: Option<&str>) -> Described {
    let mut error_type = type_name.and_then(concrete).or_else(|| debug_name(error));
    let mut message = Bounded::new(MESSAGE_BYTES_MAX);
    message.add(format_args!("{error}"));
    let mut causes = Bounded::new(MESSAGE_BYTES_MAX);
    let mut cause = error.source();
    for _ in 0..CAUSES_MAX {
        let Some(error) = cause else { break };
        let text = bounded::text(format_args!("{error}"), MESSAGE_BYTES_MAX);
        let name = debug_name(error);
        if !message.as_str().ends_with(&text) {
            let separator = if message.is_empty() { "" } else { ": " };
            message.add(format_args!("{separator}{text}"));
        }
        causes.add(format_args!("caused by: {}: {text}\n", name.as_deref().unwrap_or(NAMELESS)));
        error_type = error_type.or(name);
        cause = error.source();
    }
    Described { error_type: error_type.unwrap_or_else(|| NAMELESS.to_owned()), message: message.into_text(), causes: causes.into_text() }
}

/// Returns a type's name without generic arguments; nothing for what only holds an error of another type.
fn concrete(type_name: &str) -> Option<String> {
    let holds_another = ["dyn ", "&", "alloc::boxed::Box<", "alloc::sync::Arc<", "alloc::rc::Rc<"];
    if holds_another.iter().any(|start| type_name.starts_with(start)) {
        return None;
    }
    let name = type_name.split_once('<').map_or(type_name, |(name, _)| name);
    Some(if name == "std::io::error::Error" { "std::io::Error" } else { name }.to_owned())
}

/// Returns the first word of the `Debug` text if it is the name of a type or a variant, and says more than that it is an error.
fn debug_name(error: &dyn Error) -> Option<String> {
    let mut debug = Bounded::new(TYPE_BYTES_MAX);
    debug.add(format_args!("{error:?}"));
    let debug = debug.as_str();
    if IO_ERRORS.iter().any(|start| debug.starts_with(start)) {
        return Some("std::io::Error".to_owned());
    }
    let end = debug.find(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != ':').unwrap_or(debug.len());
    let (name, rest) = debug.split_at(end);
    let is_name = name.starts_with(|c: char| c.is_ascii_uppercase()) && name != NAMELESS;
    let is_derived = rest.is_empty() || rest.starts_with('(') || rest.starts_with(" {");
    (is_name && is_derived).then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use std::fmt;
    use std::io;

    use super::*;

    #[derive(Debug)]
    struct RatesMissing(io::Error);

    impl fmt::Display for RatesMissing {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("no rates")
        }
    }

    impl Error for RatesMissing {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            Some(&self.0)
        }
    }

    #[derive(Debug)]
    struct Ring;

    impl fmt::Display for Ring {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("round")
        }
    }

    impl Error for Ring {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            Some(&Ring)
        }
    }

    fn type_of(error: &dyn Error) -> String {
        describe(error, None).error_type
    }

    #[test]
    fn the_messages_of_the_causes_are_part_of_the_message() {
        let error = RatesMissing(io::Error::from(io::ErrorKind::NotFound));
        let described = describe(&error, Some("shop::RatesMissing<u8>"));
        assert_eq!(described.error_type, "shop::RatesMissing");
        assert_eq!(described.message, "no rates: entity not found");
        assert_eq!(described.causes, "caused by: std::io::Error: entity not found\n");
    }

    #[test]
    fn the_name_of_a_type_is_read_from_its_debug_text() {
        assert_eq!(type_of(&RatesMissing(io::Error::from_raw_os_error(2))), "RatesMissing");
        assert_eq!(type_of(&io::Error::from_raw_os_error(2)), "std::io::Error");
        assert_eq!(type_of(&io::Error::other("x")), "std::io::Error");
        assert_eq!(type_of(&"x".parse::<u8>().unwrap_err()), "ParseIntError");
        assert_eq!(type_of(&*Box::<dyn Error>::from("Some text")), "Error");
    }

    #[test]
    fn a_name_that_says_nothing_gives_way_to_that_of_a_cause() {
        #[derive(Debug)]
        struct Nameless(RatesMissing);
        impl fmt::Display for Nameless {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "could not start: {}", self.0)
            }
        }
        impl Error for Nameless {
            fn source(&self) -> Option<&(dyn Error + 'static)> {
                Some(&self.0)
            }
        }
        let error = Nameless(RatesMissing(io::Error::other("gone")));
        let described = describe(&error, Some("dyn core::error::Error"));
        assert_eq!(described.message, "could not start: no rates: gone", "a message that repeats its cause is not doubled");
        assert_eq!(described.error_type, "Nameless");
    }

    #[test]
    fn a_chain_that_is_a_ring_ends() {
        let described = describe(&Ring, None);
        assert_eq!(described.message, "round");
        assert_eq!(described.causes.lines().count(), CAUSES_MAX);
    }
}
