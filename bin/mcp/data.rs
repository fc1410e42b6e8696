//! What strangers wrote, made fit to be handed on: printable, and of bounded length.
//!
//! It stays inside JSON, as the value of a field, and never becomes a message of the protocol.

use serde_json::{Map, Value};

use crate::print::printable;

/// Characters of one text that are handed on: a message, or a line of a reason. The issue has the whole.
const TEXT_CHARS_MAX: usize = 2_000;

/// Items of one list, and fields of one object, that are handed on. A node lists its peers and releases; few have more.
const ITEMS_MAX: usize = 100;

/// Returns the value with every text in it printable and cut to its bound, and every list and object to its own.
pub(super) fn bounded(value: &Value) -> Value {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
        Value::String(text) => Value::String(bounded_text(text)),
        Value::Array(items) => Value::Array(items.iter().take(ITEMS_MAX).map(bounded).collect()),
        Value::Object(fields) => {
            let fields = fields.iter().take(ITEMS_MAX);
            Value::Object(fields.map(|(name, value)| (bounded_text(name), bounded(value))).collect::<Map<_, _>>())
        }
    }
}

/// Returns a text that fits, without anything that could control a terminal or reverse what is read.
pub(super) fn bounded_text(text: &str) -> String {
    let mut cut: String = text.chars().take(TEXT_CHARS_MAX).collect();
    if cut.len() < text.len() {
        cut.push('…');
    }
    printable(&cut)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn texts_are_printable_and_everything_is_bounded() {
        let value = json!({"a\u{1b}": "x\u{1b}[2J\u{202e}y", "long": "é".repeat(5_000), "many": vec![1; 500], "deep": [{"n": null}]});
        let bounded = bounded(&value);
        assert_eq!(bounded["a\\u{1b}"], "x\\u{1b}[2J\\u{202e}y");
        assert_eq!(bounded["long"].as_str().unwrap().chars().count(), TEXT_CHARS_MAX + 1);
        assert_eq!(bounded["many"].as_array().unwrap().len(), ITEMS_MAX);
        assert_eq!(bounded["deep"], json!([{"n": null}]));
    }
}
