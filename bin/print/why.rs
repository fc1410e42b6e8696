//! `why`: how a fingerprint came about, and why it is filed or not.

use serde_json::Value;

use super::errors::headline;
use super::field::{counted, list, number, short_peer, text};
use super::page::{Page, Style};
use super::show::{Lines, similar, ticket};
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
    grouping(&why["grouping"], &mut lines);
    lines.push("similar", &similar(error));
    lines.push(
        "occurrences",
        &format!("{} across {}, due at {}", number(error, "occurrences"), counted(nodes, "node"), number(why, "min_occurrences")),
    );
    lines.push("turns", &turns(why));
    lines.push("next", &text(why, "next_at"));
    lines.push("issue", &ticket(&error["issue"]));
    format!("{}\n\n{reasons}\n{}", page.paint(Style::Bold, &headline(error)), lines.text)
}

/// What of the error was hashed. Nothing is said when this node has no report of it.
fn grouping(grouping: &Value, lines: &mut Lines<'_>) {
    let names = |name: &str| -> Vec<String> { list(grouping, name).iter().filter_map(Value::as_str).map(printable).collect() };
    let (frames, parts) = (names("frames"), names("parts"));
    let mut rests_on = match (parts.is_empty(), frames.is_empty()) {
        (false, _) => "a fingerprint of its own",
        (true, false) => "type, message and the application's frames",
        (true, true) => "type and message",
    }
    .to_owned();
    if let Some(version) = grouping["version"].as_u64() {
        rests_on.push_str(&format!(" (algorithm hn{version})"));
        lines.push("grouped by", &rests_on);
    }
    lines.push("own parts", &parts.join(" | "));
    for (index, frame) in frames.iter().enumerate() {
        lines.push(if index == 0 { "frames" } else { "" }, frame);
    }
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
