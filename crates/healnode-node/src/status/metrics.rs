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
    by_severity(&mut text, status);
    issues(&mut text, status);
    ingest(&mut text, status);
    for (field, name, label, help) in OUTCOMES {
        text.push_str(&format!("# HELP {name} {help}\n# TYPE {name} gauge\n"));
        for (outcome, count) in status.get(field).and_then(Value::as_object).into_iter().flatten() {
            text.push_str(&format!("{name}{{{label}=\"{outcome}\"}} {count}\n"));
        }
    }
    text
}

fn by_severity(text: &mut String, status: &Value) {
    let metrics = [
        ("signatures", "healnode_fingerprints_by_severity", "Fingerprints in the ledger, by severity."),
        ("occurrences", "healnode_occurrences_by_severity", "Occurrences across the mesh, by severity."),
    ];
    for (field, name, help) in metrics {
        let family = Family { name, kind: "gauge", help, label: "severity" };
        family.write(text, counts(status.get("by_severity")).map(|(severity, count)| (severity, count.get(field))));
    }
}

fn issues(text: &mut String, status: &Value) {
    let family = Family { name: "healnode_issues", kind: "gauge", help: "Issues that are known, by state.", label: "state" };
    family.write(text, counts(status.get("issues")).map(|(state, count)| (state, Some(count))));
}

/// What the HTTP door took and did not take. Nothing without a door.
fn ingest(text: &mut String, status: &Value) {
    let Some(ingest) = status.get("ingest").filter(|ingest| ingest.is_object()) else { return };
    let numbers = [
        ("errors", "healnode_ingest_errors_total", "Errors that came over HTTP and are durable."),
        ("messages", "healnode_ingest_messages_total", "Messages that came over HTTP and are no errors."),
        ("turned_away", "healnode_ingest_turned_away_total", "Requests over HTTP that were turned away."),
    ];
    for (field, name, help) in numbers {
        let value = ingest.get(field).and_then(Value::as_u64).unwrap_or(0);
        text.push_str(&format!("# HELP {name} {help}\n# TYPE {name} counter\n{name} {value}\n"));
    }
    let families = [
        ("discarded", "healnode_ingest_discarded_total", "category", "What came over HTTP and is not for a node, by category."),
        ("lost_by_applications", "healnode_ingest_lost_by_applications_total", "reason", "What applications lost themselves, by reason."),
    ];
    for (field, name, label, help) in families {
        let family = Family { name, kind: "counter", help, label };
        family.write(text, counts(ingest.get(field)).map(|(value, count)| (value, Some(count))));
    }
}

fn counts(object: Option<&Value>) -> impl Iterator<Item = (&String, &Value)> {
    object.and_then(Value::as_object).into_iter().flatten()
}

/// Metrics of one name that differ in one label.
struct Family {
    name: &'static str,
    kind: &'static str,
    help: &'static str,
    label: &'static str,
}

impl Family {
    /// Writes them. A label's value that is no plain word is left out.
    fn write<'a>(&self, text: &mut String, rows: impl Iterator<Item = (&'a String, Option<&'a Value>)>) {
        let Self { name, kind, help, label } = self;
        text.push_str(&format!("# HELP {name} {help}\n# TYPE {name} {kind}\n"));
        for (value, count) in rows {
            let is_word = value.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'));
            if let (true, Some(count)) = (is_word, count.and_then(Value::as_u64)) {
                text.push_str(&format!("{name}{{{label}=\"{value}\"}} {count}\n"));
            }
        }
    }
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
        assert!(!text.contains("ingest"), "there is no door");
    }

    #[test]
    fn severities_issues_and_the_door_become_metrics_and_types_and_nodes_do_not() {
        let text = render(&json!({
            "by_severity": { "high": { "signatures": 2, "occurrences": 27 }, "low": { "signatures": 0, "occurrences": 0 } },
            "issues": { "open": 3, "closed": 1 },
            "by_type": [{ "error_type": "KeyError", "signatures": 1, "occurrences": 9 }],
            "by_node": { "12D3KooW": 9 },
            "ingest": { "http": "127.0.0.1:8969", "errors": 4, "messages": 5, "turned_away": 6, "discarded": { "session": 7 },
                "lost_by_applications": { "queue_overflow": 8, "x\"} 1\ny": 9 } },
        }));
        for line in [
            "healnode_fingerprints_by_severity{severity=\"high\"} 2",
            "healnode_occurrences_by_severity{severity=\"high\"} 27",
            "healnode_issues{state=\"open\"} 3",
            "healnode_ingest_errors_total 4",
            "healnode_ingest_messages_total 5",
            "healnode_ingest_turned_away_total 6",
            "healnode_ingest_discarded_total{category=\"session\"} 7",
            "healnode_ingest_lost_by_applications_total{reason=\"queue_overflow\"} 8",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} in\n{text}");
        }
        assert!(!text.contains("KeyError") && !text.contains("12D3KooW") && !text.contains("} 9"), "{text}");
    }
}
