//! `branches`: one line for each branch of healnode's own, and what becomes of it.

use serde_json::Value;

use super::field::{list, number, text};
use super::page::{Page, Style};
use super::table::{Cell, Table};

/// Returns the branches as a table, and what can be done about them.
pub(crate) fn branches(answer: &Value, page: &Page) -> String {
    let branches = list(answer, "branches");
    if text(answer, "kind") == "outbox" {
        return "nothing to clean up: the outbox has no branches\n".to_owned();
    }
    if branches.is_empty() {
        return if answer["trouble"].is_null() {
            format!("{} has no branches of healnode's\n", text(answer, "repo"))
        } else {
            String::new()
        };
    }
    let mut table = Table::new(&["BRANCH", "PULL REQUEST", "COMMITTED", "STATE"]);
    for branch in branches {
        table.push(vec![Cell::new(text(branch, "name")), Cell::new(pull(branch)), Cell::new(text(branch, "committed_at")), fate(branch)]);
    }
    table.render(page) + &last_words(answer)
}

fn pull(branch: &Value) -> String {
    let pull = &branch["pull_request"];
    if pull.is_null() { "none".to_owned() } else { format!("#{} {}", number(pull, "number"), text(pull, "state")) }
}

fn fate(branch: &Value) -> Cell {
    match text(branch, "fate").as_str() {
        "stale" => Cell::styled("can go", Style::Warn),
        "deleted" => Cell::styled("deleted", Style::Good),
        "open_pull_request" => Cell::new("stays: its pull request is open"),
        "open_pull_request_into" => Cell::new("stays: a pull request into it is open"),
        "of_people" => Cell::new("stays: the newest commit is not healnode's"),
        "undated" => Cell::new("stays: its age cannot be read"),
        "young" => Cell::new("stays: too young"),
        "protected" => Cell::styled("stays: a rule of the repository protects it", Style::Warn),
        other => Cell::new(other),
    }
}

fn last_words(answer: &Value) -> String {
    let mut words = String::new();
    match list(answer, "branches").iter().filter(|branch| text(branch, "fate") == "stale").count() {
        0 => {}
        count => words.push_str(&format!("\n{count} of them can go; --apply deletes what can\n")),
    }
    if answer["whole"] == false {
        words.push_str("\nnot all branches were looked at\n");
    }
    words
}
