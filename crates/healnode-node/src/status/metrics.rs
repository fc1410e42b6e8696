//! The status in the text format of Prometheus.

use serde_json::Value;

/// Numbers of the status, their names as metrics, their kinds, and what they mean.
const METRICS: [(&str, &str, &str, &str); 7] = [
    ("uptime_s", "healnode_uptime_seconds", "gauge", "Seconds since the node started."),
    ("peers", "healnode_live_peers", "gauge", "Other nodes that are live."),
    ("signatures", "healnode_fingerprints", "gauge", "Fingerprints in the ledger."),
    ("occurrences", "healnode_occurrences", "gauge", "Occurrences across the mesh."),
    ("filings", "healnode_filings", "gauge", "Filings under way at this node."),
    ("acknowledged", "healnode_reports_acknowledged_total", "counter", "Reports acknowledged since the start."),
    ("statements_published", "healnode_statements_published_total", "counter", "Statements published since the start."),
];

/// Counts by outcome, their names as metrics, the label that tells them apart, and what they mean.
const OUTCOMES: [(&str, &str, &str, &str); 2] = [
    ("pull_requests", "healnode_pull_requests", "state", "Pull requests of healnode across the mesh, by what people made of them."),
    ("fixes", "healnode_fixes", "outcome", "Errors for which a fix was looked for, by what came of it; verified ones are published ones."),
];

/// Writes a status as metrics.
pub(super) fn render(status: &Value) -> String {
    let mut text = String::new();
    for (field, name, kind, help) in METRICS {
        let value = status.get(field).and_then(Value::as_u64).unwrap_or(0);
        text.push_str(&format!("# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {value}\n"));
    }
    let can_file = u8::from(status.get("can_file").and_then(Value::as_bool).unwrap_or(false));
    let name = "healnode_can_file";
    text.push_str(&format!("# HELP {name} Whether this node can file issues.\n# TYPE {name} gauge\n{name} {can_file}\n"));
    let name = "healnode_dropped_total";
    text.push_str(&format!("# HELP {name} What was dropped since the start, by reason.\n# TYPE {name} counter\n"));
    for (reason, count) in status.get("dropped").and_then(Value::as_object).into_iter().flatten() {
        text.push_str(&format!("{name}{{reason=\"{reason}\"}} {count}\n"));
    }
    for (field, name, label, help) in OUTCOMES {
        text.push_str(&format!("# HELP {name} {help}\n# TYPE {name} gauge\n"));
        for (outcome, count) in status.get(field).and_then(Value::as_object).into_iter().flatten() {
            text.push_str(&format!("{name}{{{label}=\"{outcome}\"}} {count}\n"));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn numbers_and_reasons_become_metrics() {
        let text = render(&json!({ "peers": 2, "can_file": true, "dropped": { "malformed": 3 }, "pull_requests": { "merged": 2 } }));
        assert!(text.contains("\nhealnode_live_peers 2\n"));
        assert!(text.contains("\nhealnode_can_file 1\n"));
        assert!(text.contains("\nhealnode_dropped_total{reason=\"malformed\"} 3\n"));
        assert!(text.contains("\nhealnode_pull_requests{state=\"merged\"} 2\n"));
    }
}
