//! The fix of one error: how far it is, stage by stage, and what came of it.
//!
//! What a fixer wrote is a stranger's text, and so is every line of a diff: control characters are written out.

use std::time::Duration;

use serde_json::Value;

use super::field::{list, number, text};
use super::page::{Page, Style};
use super::show::Lines;
use super::text::printable;

/// Returns a fix, a line for each of its parts.
pub(crate) fn fix(fix: &Value, page: &Page) -> String {
    let mut lines = Lines::new(page);
    add_fix(&mut lines, fix, page);
    lines.text
}

/// Adds what is known of an error's fix.
pub(super) fn add_fix(lines: &mut Lines<'_>, fix: &Value, page: &Page) {
    if fix.is_null() {
        return;
    }
    lines.push("fix", &summary(fix));
    for stage in list(fix, "stages") {
        lines.push("", &stage_line(stage, page));
    }
    let answer = &fix["answer"];
    lines.push("root cause", &text(answer, "root_cause"));
    lines.push("changes", &text(answer, "changes"));
    lines.push("files", &joined(answer, "files"));
    for (at, test) in list(answer, "tests").iter().filter_map(Value::as_str).enumerate() {
        lines.push(if at == 0 { "to be tested" } else { "" }, &printable(test));
    }
    lines.push("tests", &tests(&fix["tests"]));
    for (at, remark) in list(fix, "remarks").iter().filter_map(Value::as_str).enumerate() {
        lines.push(if at == 0 { "remarks" } else { "" }, &printable(remark));
    }
    for line in fix["diff"].as_str().unwrap_or_default().lines() {
        let shown: Vec<String> = line.split('\t').map(printable).collect();
        lines.text.push_str(&page.paint(diff_style(line), &shown.join("\t")));
        lines.text.push('\n');
    }
}

/// Returns the line of one stage: what, how it went, how long it took, and a sentence.
pub(crate) fn stage_line(stage: &Value, page: &Page) -> String {
    let round = number(stage, "round");
    let name = if round > 0 { format!("{} {round}", text(stage, "stage")) } else { text(stage, "stage") };
    let passed = stage["passed"].as_bool().unwrap_or_default();
    let mark = if passed { page.paint(Style::Good, "passed") } else { page.paint(Style::Bad, "failed") };
    let took = seconds(Duration::from_millis(number(stage, "took_ms")));
    format!("{name:<15} {mark} {took:>7}  {}", text(stage, "note")).trim_end().to_owned()
}

fn seconds(took: Duration) -> String {
    format!("{:.1}s", took.as_secs_f64())
}

fn summary(fix: &Value) -> String {
    let parts = [text(fix, "state"), text(fix, "verdict"), text(fix, "fixer")];
    let mut said: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    if fix["dry_run"].as_bool().unwrap_or_default() {
        said.push("dry run".to_owned());
    }
    let node = text(fix, "node");
    if !node.is_empty() {
        said.push(format!("on {node}"));
    }
    said.join(", ")
}

fn tests(pair: &Value) -> String {
    if pair.is_null() {
        return String::new();
    }
    let run = |name: &str| {
        let run = &pair[name];
        let failing = list(run, "failing").len();
        let failing = if failing == 0 { String::new() } else { format!(", {failing} failing") };
        format!("{name} {}{failing}", text(run, "ending"))
    };
    format!("{}; {}", run("before"), run("after"))
}

fn joined(object: &Value, name: &str) -> String {
    list(object, name).iter().filter_map(Value::as_str).map(printable).collect::<Vec<_>>().join(", ")
}

fn diff_style(line: &str) -> Style {
    match line.as_bytes().first() {
        Some(b'+') => Style::Good,
        Some(b'-') => Style::Bad,
        _ => Style::Dim,
    }
}
