//! What a fixer says about its fix, from the JSON that it says it in.
//!
//! Takes what is there and clips it; never fails, for only the difference that a fixer leaves is judged.

use healnode_core::FixAnswer;
use serde_json::{Value, json};

use super::limits::ANSWER_ENTRY_BYTES_MAX;
use crate::limits::{ANSWER_ENTRIES_MAX, ANSWER_TEXT_BYTES_MAX};

/// Reads an object with `root_cause`, `changes`, `files` and `tests`. What is missing or of another type is empty.
pub(super) fn answer_from(value: &Value) -> FixAnswer {
    FixAnswer {
        root_cause: text(value, "root_cause"),
        changes: text(value, "changes"),
        files: entries(value, "files"),
        tests: entries(value, "tests"),
    }
}

/// Returns the same as a JSON schema, for models that are given one.
pub(super) fn answer_schema() -> Value {
    let text = |description: &str| json!({ "type": "string", "description": description });
    let list = |description: &str| json!({ "type": "array", "items": { "type": "string" }, "description": description });
    json!({
        "type": "object",
        "required": ["root_cause", "changes", "files", "tests"],
        "properties": {
            "root_cause": text("Why the error happens."),
            "changes": text("What was changed, and why that helps."),
            "files": list("The changed files, from the root of the repository."),
            "tests": list("Test cases that would keep the error from coming back, a sentence each."),
        },
    })
}

/// Cuts a text at a character boundary.
pub(super) fn clip(text: &str, bytes_max: usize) -> &str {
    &text[..text.floor_char_boundary(bytes_max)]
}

fn text(value: &Value, name: &str) -> String {
    clip(value[name].as_str().unwrap_or_default(), ANSWER_TEXT_BYTES_MAX).to_owned()
}

fn entries(value: &Value, name: &str) -> Vec<String> {
    let entries = value[name].as_array().map(Vec::as_slice).unwrap_or_default();
    let texts = entries.iter().filter_map(Value::as_str);
    texts.take(ANSWER_ENTRIES_MAX).map(|entry| clip(entry, ANSWER_ENTRY_BYTES_MAX).to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_there_is_taken() {
        let said = json!({ "root_cause": "no items", "changes": "a guard", "files": ["a.py", 3], "tests": "none", "more": 1 });
        let answer = answer_from(&said);
        assert_eq!(answer.root_cause, "no items");
        assert_eq!(answer.changes, "a guard");
        assert_eq!(answer.files, ["a.py"]);
        assert!(answer.tests.is_empty());
    }

    #[test]
    fn other_shapes_are_an_empty_answer() {
        for said in [json!(null), json!([1]), json!("text"), json!({ "root_cause": {} })] {
            assert_eq!(answer_from(&said), FixAnswer::default(), "{said}");
        }
    }

    #[test]
    fn long_answers_are_clipped_between_characters() {
        let said = json!({ "root_cause": "ä".repeat(ANSWER_TEXT_BYTES_MAX), "files": vec!["€".repeat(1000); 100] });
        let answer = answer_from(&said);
        assert_eq!(answer.root_cause.len(), ANSWER_TEXT_BYTES_MAX);
        assert_eq!(answer.files.len(), ANSWER_ENTRIES_MAX);
        assert_eq!(answer.files[0].len(), ANSWER_ENTRY_BYTES_MAX / 3 * 3);
    }

    #[test]
    fn the_schema_asks_for_what_is_read() {
        let schema = answer_schema();
        for name in schema["required"].as_array().unwrap() {
            assert!(schema["properties"][name.as_str().unwrap()].is_object());
        }
    }
}
