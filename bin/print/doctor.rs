//! `doctor`: one line for each finding, and how to mend it below those that are not well.

use serde_json::Value;

use super::field::{counted, list, text};
use super::page::{Page, Style};

/// Columns of an area's name: those of the longest.
const AREA_COLUMNS: usize = 13;

/// Returns what was found, and how it is in all.
pub(crate) fn doctor(diagnosis: &Value, page: &Page) -> String {
    let findings = list(diagnosis, "findings");
    let mut lines = String::new();
    for finding in findings {
        let (mark, style) = match finding["level"].as_str() {
            Some("ok") => ("✓", Style::Good),
            Some("warning") => ("!", Style::Warn),
            Some(_) | None => ("✗", Style::Bad),
        };
        let area = page.paint(Style::Dim, &format!("{:<AREA_COLUMNS$}", text(finding, "area")));
        lines.push_str(&format!("{} {area} {}\n", page.paint(style, mark), text(finding, "what")));
        let mend = text(finding, "mend");
        if !mend.is_empty() {
            lines.push_str(&format!("  {:<AREA_COLUMNS$} → {mend}\n", ""));
        }
    }
    format!("{lines}\n{}\n", summary(findings, page))
}

fn summary(findings: &[Value], page: &Page) -> String {
    let count = |level: &str| findings.iter().filter(|finding| finding["level"] == level).count() as u64;
    match (count("error"), count("warning")) {
        (0, 0) => page.paint(Style::Good, "nothing is wrong"),
        (0, warnings) => page.paint(Style::Warn, &format!("nothing is broken; {}", counted(warnings, "warning"))),
        (errors, 0) => page.paint(Style::Bad, &counted(errors, "error")),
        (errors, warnings) => page.paint(Style::Bad, &format!("{}, {}", counted(errors, "error"), counted(warnings, "warning"))),
    }
}
