//! `show`: everything about one error.

use healnode_node::Fingerprint;
use serde_json::Value;

use super::deploy::rollback;
use super::errors::{headline, severity_style};
use super::field::{counted, counts, list, number, text, time_and_age};
use super::fix::add_fix;
use super::page::{Page, Style};
use super::patterns::sentences;
use super::text::printable;

/// Releases that are named; the rest is counted.
const RELEASES_SHOWN: usize = 8;

/// Returns one error, a line for each of its parts.
pub(crate) fn show(error: &Value, page: &Page) -> String {
    let nodes = counts(error, "nodes");
    let severity = text(error, "severity");
    let mut lines = Lines::new(page);
    lines.push("fingerprint", &text(error, "fingerprint"));
    lines.push("severity", &page.paint(severity_style(&severity), &severity));
    lines.push("state", &state(error));
    lines.push("occurrences", &format!("{} across {}", number(error, "occurrences"), counted(nodes.len() as u64, "node")));
    for (node, count) in &nodes {
        lines.push("", &format!("{node}  {count}"));
    }
    lines.push("releases", &releases(error));
    lines.push("first seen", &time_and_age(error, "first_seen", page));
    lines.push("last seen", &time_and_age(error, "last_seen", page));
    lines.push("issue", &ticket(&error["issue"]));
    lines.push("pull request", &ticket(&error["pull_request"]));
    for (index, sentence) in sentences(error).iter().enumerate() {
        lines.push(if index == 0 { "patterns" } else { "" }, sentence);
    }
    lines.push("rollback", &rollback(&error["rollback"]));
    lines.push("similar", &similar(error));
    add_fix(&mut lines, &error["fix"], page);
    format!("{}\n\n{}", page.paint(Style::Bold, &headline(error)), lines.text)
}

fn state(error: &Value) -> String {
    let (state, leader) = (text(error, "state"), text(error, "leader"));
    match state.as_str() {
        "counting" | "due" | "filing" if leader.is_empty() => format!("{state}; no live node can file"),
        "counting" | "due" | "filing" => format!("{state}; {leader} files it"),
        _ => state,
    }
}

fn releases(error: &Value) -> String {
    let releases = counts(error, "releases");
    let mut named: Vec<String> = releases.iter().take(RELEASES_SHOWN).map(|(release, count)| format!("{release} ({count})")).collect();
    if releases.len() > RELEASES_SHOWN {
        named.push(format!("{} more", releases.len() - RELEASES_SHOWN));
    }
    named.join(", ")
}

/// Returns the errors that are nearly this one, by the beginnings of their fingerprints.
pub(super) fn similar(error: &Value) -> String {
    let shorts =
        list(error, "similar").iter().filter_map(Value::as_str).map(|similar| Fingerprint::short_of(&printable(similar)).to_owned());
    shorts.collect::<Vec<String>>().join(", ")
}

/// Returns an issue or a pull request in words.
pub(super) fn ticket(ticket: &Value) -> String {
    if ticket.is_null() {
        return "none".to_owned();
    }
    format!("#{} {} {}", number(ticket, "number"), text(ticket, "state"), text(ticket, "url"))
}

/// Lines with a label each.
pub(super) struct Lines<'a> {
    page: &'a Page,
    pub(super) text: String,
}

impl<'a> Lines<'a> {
    pub(super) fn new(page: &'a Page) -> Self {
        Self { page, text: String::new() }
    }

    /// Adds a line, unless it has nothing to say.
    pub(super) fn push(&mut self, label: &str, value: &str) {
        if !value.is_empty() {
            let label = self.page.paint(Style::Dim, &format!("{label:<13}"));
            self.text.push_str(&format!("{label} {value}\n"));
        }
    }
}
