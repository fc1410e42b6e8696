//! What programs and pages without an SDK post to `/report-error`: one object with `error_type`, `error_message`, and perhaps `stack_trace`,
//! `context` and `source`.
//!
//! The two names are required, everything else may be of any kind. What is too long is cut between words or lines, because a cut within one
//! could halve a secret before it is redacted.

use std::borrow::Cow;

use healnode_report::RawError;

use crate::encoding::{DecodeError, decode};
use crate::lenient::{Lenient, fields, from_broken_json};
use crate::limits::{HEADER_BYTES_MAX, POSTED_MESSAGE_CHARACTERS_MAX, POSTED_STACK_CHARACTERS_MAX, POSTED_TYPE_CHARACTERS_MAX};
use crate::sentry::{Tags, app_of_prefix};

/// The tag that says who posts.
const SOURCE_TAG: &str = "source";

/// Where such an error is posted to.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Address {
    /// The app that the address names.
    pub app: Option<String>,
}

impl Address {
    /// Reads `[/app]/report-error`, with or without a slash at the end and with or without a query. `None` for any other address.
    pub fn of(uri: &str) -> Option<Address> {
        if uri.len() > HEADER_BYTES_MAX {
            return None;
        }
        let path = uri.split(['?', '#']).next().unwrap_or_default();
        let prefix = path.strip_suffix('/').unwrap_or(path).strip_suffix("/report-error")?;
        Some(Address { app: app_of_prefix(prefix) })
    }
}

/// An error that was posted.
#[derive(Clone, PartialEq, Debug)]
pub struct Posted {
    /// The error.
    pub error: RawError,
    /// Whether a part of it was too long.
    pub clipped: bool,
}

/// Why a request is no error. Nothing was taken from it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum PostError {
    /// It is longer than allowed.
    #[error("the body is too long")]
    TooLarge,
    /// It is no JSON object.
    #[error("the body has to be one JSON object with `error_type` and `error_message`")]
    NotAnObject,
    /// A field that has to be there is not.
    #[error("field `{0}` is missing, empty or no text")]
    Missing(&'static str),
}

/// Reads a request.
///
/// # Errors
/// When there is no object in it, or one without the two required fields.
pub fn receive(address: Address, content_encoding: Option<&str>, body: &[u8]) -> Result<Posted, PostError> {
    let decoded = decode(content_encoding, body).map_err(|problem| match problem {
        DecodeError::TooLarge => PostError::TooLarge,
        DecodeError::Unreadable => PostError::NotAnObject,
    })?;
    if decoded.is_cut {
        return Err(PostError::TooLarge);
    }
    let object: Object = from_broken_json(&decoded.bytes).ok_or(PostError::NotAnObject)?;
    let error_type = object.error_type.0.filter(|name| !name.trim().is_empty()).ok_or(PostError::Missing("error_type"))?;
    let message = object.error_message.0.ok_or(PostError::Missing("error_message"))?;
    let (error_type, is_type_cut) = words(&error_type, POSTED_TYPE_CHARACTERS_MAX);
    let (message, is_message_cut) = words(&message, POSTED_MESSAGE_CHARACTERS_MAX);
    let mut error = RawError::new(error_type, message);
    let stack = object.stack_trace.0.filter(|stack| !stack.trim().is_empty());
    let (stack, is_stack_cut) = stack.map(|stack| lines(&stack, POSTED_STACK_CHARACTERS_MAX)).unzip();
    error.stack = stack;
    error.app = address.app;
    error.tags = object.context.0;
    error.tags.extend(object.source.map(|source| (SOURCE_TAG.to_owned(), source)));
    Ok(Posted { error, clipped: is_type_cut || is_message_cut || is_stack_cut == Some(true) })
}

#[derive(Default)]
struct Object {
    error_type: Text,
    error_message: Text,
    stack_trace: Text,
    context: Tags,
    source: Option<String>,
}

fields!(Object {
    "error_type" => error_type,
    "error_message" => error_message,
    "stack_trace" => stack_trace,
    "context" => context,
    "source" => source,
});

/// A text, perhaps an empty one. What is no text is none.
#[derive(Default)]
struct Text(Option<String>);

impl Lenient for Text {
    fn from_text(text: &str) -> Text {
        Text(Some(text.to_owned()))
    }
}

/// Returns as many whole words from the beginning as fit, and whether any is missing. Of a single word that is too long, its length is told.
fn words(text: &str, characters_max: usize) -> (String, bool) {
    let Some((end, _)) = text.char_indices().nth(characters_max) else { return (text.to_owned(), false) };
    match text[..end].rfind(char::is_whitespace) {
        Some(space) => (text[..space].trim_end().to_owned(), true),
        None => (format!("[a text of {} bytes]", text.len()), true),
    }
}

/// Returns as many whole lines from the beginning and from the end as fit, half of each, and whether any is missing: traces name the place
/// where they failed first or last.
fn lines(text: &str, characters_max: usize) -> (String, bool) {
    if text.chars().nth(characters_max).is_none() {
        return (text.to_owned(), false);
    }
    let lines: Vec<&str> = text.lines().collect();
    let first = fitting(lines.iter(), characters_max / 2);
    let last = fitting(lines[first..].iter().rev(), characters_max / 2);
    let missing = lines.len() - first - last;
    let mark = Cow::Owned(format!("  [{missing} lines left out]"));
    let kept = lines[..first].iter().map(|line| Cow::Borrowed(*line)).chain([mark]);
    let kept = kept.chain(lines[lines.len() - last..].iter().map(|line| Cow::Borrowed(*line)));
    (kept.collect::<Vec<Cow<'_, str>>>().join("\n"), true)
}

/// How many lines fit, each with its end.
fn fitting<'a>(lines: impl Iterator<Item = &'a &'a str>, characters_max: usize) -> usize {
    let mut characters = 0;
    lines
        .take_while(|line| {
            characters += line.chars().count() + 1;
            characters <= characters_max
        })
        .count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn post(body: &str) -> Result<Posted, PostError> {
        receive(Address::default(), None, body.as_bytes())
    }

    #[test]
    fn an_address_may_name_the_app() {
        let app = |uri: &str| Address::of(uri).map(|address| address.app);
        assert_eq!(app("/report-error"), Some(None));
        assert_eq!(app("/shop%20front/report-error/?x=1"), Some(Some("shop front".to_owned())));
        for other in ["/", "/report-errors", "/report-error/x", "/api/1/envelope/", &format!("/{}/report-error", "x".repeat(9_000))] {
            assert_eq!(app(other), None, "{other}");
        }
    }

    #[test]
    fn everything_that_is_known_becomes_part_of_the_error() {
        let posted = post(
            r#"{"error_type":"TypeError","error_message":"x is undefined","stack_trace":"TypeError: x is undefined\n    at f (a.js:1:2)",
            "context":{"page":"/cart","retries":3,"deep":{"a":1},"gone":null,"source":"context"},"source":"web","more":[1]}"#,
        )
        .unwrap();
        let error = posted.error;
        assert_eq!((error.error_type.as_str(), error.message.as_str(), posted.clipped), ("TypeError", "x is undefined", false));
        assert!(error.stack.unwrap().ends_with("at f (a.js:1:2)"));
        let tags: Vec<(&str, &str)> = error.tags.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
        assert_eq!(tags, [("page", "/cart"), ("retries", "3"), ("source", "web")]);
        let posted = post(r#"{"error_type":"Error","error_message":"","stack_trace":null,"context":"none"}"#).unwrap();
        assert_eq!((posted.error.message.as_str(), posted.error.stack), ("", None));
    }

    #[test]
    fn what_is_missing_is_named() {
        for (body, problem) in [
            ("", PostError::NotAnObject),
            ("[]", PostError::NotAnObject),
            ("{\"error_type\":", PostError::NotAnObject),
            ("{}", PostError::Missing("error_type")),
            (r#"{"error_type":" ","error_message":"m"}"#, PostError::Missing("error_type")),
            (r#"{"error_type":"E"}"#, PostError::Missing("error_message")),
            (r#"{"error_type":"E","error_message":{"a":1}}"#, PostError::Missing("error_message")),
        ] {
            assert_eq!(post(body).unwrap_err(), problem, "{body}");
        }
        assert_eq!(PostError::Missing("error_message").to_string(), "field `error_message` is missing, empty or no text");
        assert_eq!(receive(Address::default(), Some("gzip"), &vec![0; 3 << 20]).unwrap_err(), PostError::TooLarge);
    }

    #[test]
    fn what_is_too_long_is_cut_between_words_and_lines_and_said() {
        let of = |error_type: &str, message: &str, stack: &str| {
            let object = serde_json::json!({"error_type": error_type, "error_message": message, "stack_trace": stack});
            post(&object.to_string()).unwrap()
        };
        let whole = of(&"é".repeat(500), &"é".repeat(10_000), &"é".repeat(50_000));
        assert!(!whole.clipped);
        assert_eq!(whole.error.message.chars().count(), 10_000);

        let message = format!("{} secret-at-the-end", "word ".repeat(1_998));
        let cut = of("E", &message, "");
        assert!(cut.clipped && cut.error.message.ends_with("word") && !cut.error.message.contains("secret"));
        let one_word = of(&"x".repeat(501), "m", "");
        assert_eq!((one_word.clipped, one_word.error.error_type.as_str()), (true, "[a text of 501 bytes]"));

        let frames: String = (0..5_000).map(|n| format!("    at f{n} (a.js:{n}:1)\n")).collect();
        let stack = of("E", "m", &format!("E: m\n{frames}")).error.stack.unwrap();
        assert!(
            stack.chars().count() <= 50_100 && stack.starts_with("E: m\n    at f0 ") && stack.ends_with("(a.js:4999:1)"),
            "{}",
            stack.len()
        );
        assert!(stack.contains(" lines left out]"));
        let one_line = of("E", "m", &"x".repeat(50_001));
        assert_eq!((one_line.clipped, one_line.error.stack.as_deref()), (true, Some("  [1 lines left out]")));
    }
}
