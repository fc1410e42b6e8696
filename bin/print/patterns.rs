//! What is noticed about an error: a mark each in a list, a sentence each where it is shown alone.

use serde_json::Value;

use super::field::{list, number, text};
use super::text::printable;

/// Returns the marks of an error, in front of its name.
pub(super) fn marks(error: &Value) -> String {
    let marks: Vec<String> = list(error, "patterns").iter().filter_map(mark).collect();
    if marks.is_empty() { String::new() } else { format!("[{}] ", marks.join(", ")) }
}

/// A kind that is not known is left out.
fn mark(pattern: &Value) -> Option<String> {
    match text(pattern, "kind").as_str() {
        "spike" => Some(format!("spike {}/h", number(pattern, "hour"))),
        "new_in_release" => Some(format!("new in {}", text(pattern, "release"))),
        "spreading" => Some("spreading".to_owned()),
        "together" => Some("together".to_owned()),
        _ => None,
    }
}

/// Returns a sentence for each.
pub(super) fn sentences(error: &Value) -> Vec<String> {
    list(error, "patterns").iter().filter_map(sentence).collect()
}

fn sentence(pattern: &Value) -> Option<String> {
    match text(pattern, "kind").as_str() {
        "spike" => {
            let usual = pattern["usual"].as_f64().unwrap_or_default();
            Some(format!("spike: seen {} times within an hour, {usual} is usual", number(pattern, "hour")))
        }
        "new_in_release" => Some(format!("new in release {}: no other release of the app has shown it", text(pattern, "release"))),
        "spreading" => Some(format!("spreading: it began on one node and is on {} by now", number(pattern, "nodes"))),
        "together" => {
            let with = list(pattern, "with").iter().filter_map(Value::as_str);
            let with: Vec<String> = with.map(|other| printable(other).chars().take(12).collect()).collect();
            Some(format!("it nearly always comes together with {}", with.join(", ")))
        }
        _ => None,
    }
}
