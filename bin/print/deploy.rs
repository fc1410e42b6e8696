//! Deploys that a node was told of, and the rollbacks that they led to.

use serde_json::Value;

use super::field::{ago, text};
use super::page::Page;

/// Returns what was noted.
pub(crate) fn deploy(deploy: &Value, _page: &Page) -> String {
    format!("noted that {} is deployed, at {}\n", name(deploy), text(deploy, "at"))
}

/// Returns the last deploy in a line, or nothing.
pub(super) fn last_deploy(deploy: &Value, page: &Page) -> String {
    if deploy.is_null() {
        return String::new();
    }
    let outcome = match text(&deploy["rollback"], "said").as_str() {
        "" => String::new(),
        said => format!("; rollback: {said}"),
    };
    format!("{}, {}{outcome}", name(deploy), ago(deploy, "at", page))
}

/// Returns what became of a rollback, or nothing.
pub(super) fn rollback(rollback: &Value) -> String {
    if rollback.is_null() {
        return String::new();
    }
    format!("of {}, asked for at {}: {}", text(rollback, "release"), text(rollback, "asked_at"), text(rollback, "said"))
}

fn name(deploy: &Value) -> String {
    let (app, release) = (text(deploy, "app"), text(deploy, "release"));
    if app.is_empty() { release } else { format!("{app} {release}") }
}
