//! `status`: how the node is doing.

use std::time::Duration;

use serde_json::Value;

use super::deploy::last_deploy;
use super::field::{counted, counts, list, number, text};
use super::page::{Page, Style};
use super::show::Lines;
use super::text::{age, printable};

/// Returns the node's state, a line for each of its parts.
pub(crate) fn status(status: &Value, page: &Page) -> String {
    let mut lines = Lines::new(page);
    lines.push("node", &page.paint(Style::Bold, &text(status, "peer_id")));
    lines.push("version", &format!("{}, up {}", text(status, "version"), age(Duration::from_secs(number(status, "uptime_s")))));
    lines.push("app", &text(status, "app"));
    for (index, address) in list(status, "listen").iter().filter_map(Value::as_str).enumerate() {
        lines.push(if index == 0 { "listens on" } else { "" }, &printable(address));
    }
    lines.push("door for SDKs", &door(&status["ingest"]));
    lines.push("peers", &number(status, "peers").to_string());
    lines.push(
        "errors",
        &format!("{}, {}", counted(number(status, "signatures"), "fingerprint"), counted(number(status, "occurrences"), "occurrence")),
    );
    lines.push("files issues", &filing(status));
    lines.push("last deploy", &last_deploy(&status["last_deploy"], page));
    lines.push("pull requests", &pulls(status));
    lines.push("fixes", &fixes(status));
    let dropped: Vec<String> =
        counts(status, "dropped").iter().filter(|(_, count)| *count > 0).map(|(reason, count)| format!("{reason} {count}")).collect();
    lines.push("dropped", &if dropped.is_empty() { "nothing".to_owned() } else { page.paint(Style::Warn, &dropped.join(", ")) });
    let disk = text(status, "disk");
    lines.push("disk", &if disk == "ok" { disk } else { page.paint(Style::Bad, &disk) });
    lines.text
}

/// Where SDKs deliver, and what they say that they lost before they could. Nothing without a door.
fn door(ingest: &Value) -> String {
    let lost: u64 = counts(ingest, "lost_by_applications").iter().map(|(_, count)| count).sum();
    let lost = if lost == 0 { String::new() } else { format!("; applications lost {lost} themselves") };
    match text(ingest, "http").as_str() {
        "" => String::new(),
        address => format!("{address}, {} so far{lost}", counted(number(ingest, "errors"), "error")),
    }
}

/// What became of healnode's own pull requests. Nothing without one.
fn pulls(status: &Value) -> String {
    let pulls = &status["pull_requests"];
    let (open, merged, closed) = (number(pulls, "open"), number(pulls, "merged"), number(pulls, "closed"));
    if open + merged + closed == 0 { String::new() } else { format!("{open} open, {merged} merged, {closed} closed") }
}

/// What came of the fixes that were looked for. Nothing without one.
fn fixes(status: &Value) -> String {
    let fixes = &status["fixes"];
    let (published, failed) = (number(fixes, "published"), number(fixes, "failed"));
    if published + failed == 0 {
        return String::new();
    }
    format!("{published} published, {} of them verified; {failed} failed", number(fixes, "verified"))
}

fn filing(status: &Value) -> String {
    let is_on = |name: &str| status["auto"][name].as_bool().unwrap_or_default();
    let place = |parts: &[&str]| -> String {
        let parts: Vec<String> = parts.iter().map(|part| text(&status["forge"], part)).filter(|part| !part.is_empty()).collect();
        parts.join(", ")
    };
    if !is_on("issue") {
        return format!("no, forge.auto_issue is off ({})", place(&["kind", "repo"]));
    }
    if status["can_file"].as_bool() != Some(true) {
        return format!("no: {} ({})", place(&["state"]), place(&["kind", "repo"]));
    }
    let lease = match text(&status["forge"], "lease").as_str() {
        "" | "lock" => String::new(),
        "none" => "; without a lease, so a split mesh may file twice".to_owned(),
        kind => format!("; one node at a time, by a {kind}"),
    };
    format!("yes ({}{lease})", place(&["kind", "repo"]))
}
