//! `errors`: one line for each error that the mesh has seen.

use healnode_node::Fingerprint;
use serde_json::Value;

use super::field::{ago, number, text};
use super::page::{Page, Style};
use super::patterns::marks;
use super::table::{Cell, Table};

/// Returns the errors as a table.
pub(crate) fn errors(errors: &Value, page: &Page) -> String {
    let errors = errors.as_array().map(Vec::as_slice).unwrap_or_default();
    if errors.is_empty() {
        return "no errors so far\n".to_owned();
    }
    let mut table = Table::new(&["FINGERPRINT", "COUNT", "NODES", "STATE", "ISSUE", "LAST SEEN", "ERROR"]);
    for error in errors {
        table.push(vec![
            Cell::new(Fingerprint::short_of(&text(error, "fingerprint"))),
            Cell::number(number(error, "occurrences")),
            Cell::number(error["nodes"].as_object().map_or(0, |nodes| nodes.len() as u64)),
            state_cell(&text(error, "state")),
            Cell::new(error["issue"]["number"].as_u64().map_or_else(|| "-".to_owned(), |number| format!("#{number}"))),
            Cell::new(ago(error, "last_seen", page)),
            Cell::styled(format!("{}{}", marks(error), headline(error)), severity_style(&text(error, "severity"))),
        ]);
    }
    table.render(page)
}

/// Returns type and message on one line.
pub(super) fn headline(error: &Value) -> String {
    let (error_type, message) = (text(error, "error_type"), text(error, "message"));
    if message.is_empty() { error_type } else { format!("{error_type}: {message}") }
}

pub(super) fn severity_style(severity: &str) -> Style {
    match severity {
        "critical" => Style::Bad,
        "high" => Style::Warn,
        _ => Style::Plain,
    }
}

fn state_cell(state: &str) -> Cell {
    let style = match state {
        "filed" => Style::Good,
        "due" | "filing" => Style::Warn,
        "regressed" => Style::Bad,
        "muted" | "quiet" => Style::Dim,
        _ => Style::Plain,
    };
    Cell::styled(state, style)
}
