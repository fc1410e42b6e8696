//! `why`: how a fingerprint came about, and why it is filed or not.

use serde_json::Value;

use super::errors::headline;
use super::field::{counted, list, number, short_peer, text};
use super::page::{Page, Style};
use super::show::{Lines, ticket};
use super::text::printable;

/// Returns the reasons, then what they rest on.
pub(crate) fn why(why: &Value, page: &Page) -> String {
    let error = &why["error"];
    let reasons: String =
        list(why, "reasons").iter().filter_map(Value::as_str).map(|reason| format!("- {}\n", printable(reason))).collect();
    let nodes = error["nodes"].as_object().map_or(0, |nodes| nodes.len() as u64);
    let mut lines = Lines::new(page);
    lines.push("fingerprint", &text(error, "fingerprint"));
    lines.push("type", &text(error, "error_type"));
    lines.push("message", &text(error, "message"));
    lines.push(
        "occurrences",
        &format!("{} across {}, due at {}", number(error, "occurrences"), counted(nodes, "node"), number(why, "min_occurrences")),
    );
    lines.push("turns", &turns(why));
    lines.push("next", &text(why, "next_at"));
    lines.push("issue", &ticket(&error["issue"]));
    format!("{}\n\n{reasons}\n{}", page.paint(Style::Bold, &headline(error)), lines.text)
}

fn turns(why: &Value) -> String {
    let rank = why["rank"].as_u64();
    let candidates = list(why, "candidates").iter().filter_map(Value::as_str).enumerate();
    let named: Vec<String> = candidates
        .map(|(index, peer_id)| {
            if rank == Some(index as u64) {
                format!("{} (this node)", short_peer(&printable(peer_id)))
            } else {
                short_peer(&printable(peer_id))
            }
        })
        .collect();
    if named.is_empty() { "nobody: no live node can file".to_owned() } else { named.join(", then ") }
}
