//! The one line that a person at a terminal reads after a failure: how often it was seen, and where it is filed.

use std::time::Duration;

use healnode_report::Fingerprint;
use serde_json::Value;

use crate::client::Client;
use crate::config::Config;
use crate::deliver::Delivered;

/// How long the node may take to tell. Nobody waits longer for a line that is a courtesy.
const PATIENCE: Duration = Duration::from_millis(300);

/// Returns the line, or nothing when the node does not tell in time.
pub(super) async fn line(config: &Config, delivered: &Delivered) -> Option<String> {
    let short = Fingerprint::short_of(&delivered.fingerprint);
    if delivered.ignored_by_rule.is_some() {
        return None;
    }
    if delivered.spooled {
        return Some(format!("healnode: {short} is kept until a node runs here"));
    }
    let client = Client::new(&config.status.socket);
    let path = format!("/v1/errors/{}", delivered.fingerprint);
    let error = tokio::time::timeout(PATIENCE, client.get(&path)).await.ok()?.ok()?;
    Some(format!("healnode: {short} {}", story(&error)))
}

fn story(error: &Value) -> String {
    let times = number(error["occurrences"].as_u64().unwrap_or(1), "time");
    let nodes = number(error["nodes"].as_object().map_or(1, |nodes| nodes.len() as u64), "node");
    let issue = match (error["issue"]["number"].as_u64(), error["issue"]["state"].as_str()) {
        (Some(number), Some(state @ ("open" | "closed"))) => format!("issue #{number} ({state})"),
        (Some(number), _) => format!("issue #{number}"),
        (None, _) => "no issue yet".to_owned(),
    };
    format!("seen {times} on {nodes}, {issue}")
}

fn number(count: u64, noun: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {noun}{plural}")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_line_tells_counts_and_issue() {
        let filed = json!({"occurrences": 14, "nodes": {"a": 9, "b": 4, "c": 1}, "issue": {"number": 212, "url": "", "state": "open"}});
        assert_eq!(story(&filed), "seen 14 times on 3 nodes, issue #212 (open)");
        assert_eq!(story(&json!({"occurrences": 1, "nodes": {"a": 1}, "issue": null})), "seen 1 time on 1 node, no issue yet");
    }

    #[test]
    fn what_is_not_known_is_not_printed() {
        let odd = json!({"occurrences": 2, "nodes": {}, "issue": {"number": 3, "state": "\u{1b}[2J"}});
        assert_eq!(story(&odd), "seen 2 times on 0 nodes, issue #3");
    }
}
