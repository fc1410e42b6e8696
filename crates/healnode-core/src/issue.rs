//! What an issue says: title, body and labels, from the ledger's entry and one sample.
//!
//! Everything that strangers wrote goes into a fence that its content cannot close, or into inline code, and can neither open a comment nor
//! forge a marker. healnode's own text stands between two markers; what people write around it is kept by [`merge_body`].

mod markdown;
pub(crate) mod pull;

use std::collections::BTreeMap;
use std::time::Duration;

use healnode_report::{Fingerprint, Head, Report, Severity, UnixMillis, language};

use crate::ledger::{Entry, NodeTally};
use crate::limits::{BODY_CHARS_MAX, TITLE_CHARS_MAX};
use crate::{IssueDraft, IssueNumber, Marker, Stated};
use crate::{NodeId, Pattern, Policy};
use markdown::{clip, clip_middle, code, fence, one_line};

/// Where healnode's own part of a body begins.
pub(crate) const BEGIN: &str = "<!-- healnode:begin -->";
const END: &str = "<!-- healnode:end -->";

/// Characters of the message in a title, by the contract.
const TITLE_MESSAGE_CHARS_MAX: usize = 80;

/// Characters of each long part of a body. Together with the tables they stay under [`BODY_CHARS_MAX`].
const MESSAGE_CHARS_MAX: usize = 8_000;
const STACK_CHARS_MAX: usize = 20_000;
const LOG_CHARS_MAX: usize = 12_000;
const CONTEXT_CHARS_MAX: usize = 6_000;
const COMMAND_CHARS_MAX: usize = 1_000;

/// Rows of the table of nodes; further ones are summed up in one line.
const NODE_ROWS_MAX: usize = 20;

/// What nodes call themselves.
pub(crate) type Names<'a> = BTreeMap<NodeId, &'a str>;

/// Which node writes the issue.
pub(crate) struct Writer<'a> {
    /// It.
    pub(crate) node: NodeId,
    /// How it is set up.
    pub(crate) policy: &'a Policy,
    /// An older issue that is not opened again.
    pub(crate) earlier: Option<IssueNumber>,
    /// Occurrences when they were last told in a comment; nothing for a new issue, which tells them itself.
    pub(crate) told: Option<u64>,
}

/// Writes the issue of one fingerprint.
pub(crate) fn draft(
    writer: &Writer<'_>,
    fingerprint: Fingerprint,
    entry: &Entry,
    sample: Option<&Report>,
    similar: &[(Fingerprint, &Entry)],
    patterns: &[Pattern],
    names: &Names<'_>,
) -> IssueDraft {
    let head = entry.head();
    let error_type = sample.map(Report::error_type).or(head.map(|head| head.error_type.as_str())).unwrap_or("Error");
    let message = sample.map(Report::message).or(head.map(|head| head.message.as_str())).unwrap_or("");
    let severity = entry.severity().unwrap_or(Severity::Medium);

    let mut text = String::from("# Auto-Generated Error Report\n\n");
    text.push_str(&earlier(writer));
    let command = sample.and_then(Report::command).map_or("unknown".to_owned(), |command| clip(&command, COMMAND_CHARS_MAX));
    let at = sample.map(Report::at).or(entry.seen().map(|(first, _)| first)).unwrap_or_default();
    let nodes = entry.nodes();
    line(&mut text, "Error Type", &code(error_type));
    line(&mut text, "Command", &code(&command));
    line(&mut text, "Timestamp", &at.to_string());
    line(&mut text, "Severity", &severity.to_string());
    line(&mut text, "Occurrences", &format!("{} across {}", entry.occurrences(), count_nodes(nodes.len())));
    line(&mut text, "Error Signature", &code(&fingerprint.to_string()));

    section(&mut text, "Error Message", &fence(&clip(message, MESSAGE_CHARS_MAX), "text"));
    if let Some(stack) = sample.and_then(Report::stack) {
        section(&mut text, "Stack Trace", &fence(&clip_middle(stack, STACK_CHARS_MAX), language(stack)));
    }
    if let Some(logs) = sample.map(Report::logs).filter(|logs| !logs.is_empty()) {
        let lines = fence(&clip_middle(&logs.join("\n"), LOG_CHARS_MAX), "text");
        section(&mut text, "Preceding Logs", &format!("Last {} log lines before error:\n\n{lines}", logs.len()));
    }
    if let Some(context) = sample.and_then(Report::context) {
        section(&mut text, "Additional Context", &fence(&clip_middle(&format!("{context:#}"), CONTEXT_CHARS_MAX), "json"));
    }
    section(&mut text, "Occurrences", &occurrences(entry, &nodes, names));
    if !patterns.is_empty() {
        section(&mut text, "Patterns", &patterns.iter().map(|pattern| format!("- {}\n", pattern.sentence(code))).collect::<String>());
    }
    section(&mut text, "System", &system(writer, sample));
    let named: Vec<(IssueNumber, &Head)> = similar.iter().filter_map(|(_, entry)| Some((entry.issue()?.number, entry.head()?))).collect();
    if !named.is_empty() {
        section(&mut text, "See Also", &see_also(&named));
    }
    text.push_str(&footer(writer, fingerprint));

    let title = title(error_type, message);
    let occurrences = entry.occurrences();
    let stated = Stated { occurrences, told: writer.told.unwrap_or(occurrences), similar: named.len(), severity: Some(severity) };
    finish(writer, &markers(writer, fingerprint, sample), stated, severity, title, &text)
}

/// Writes one issue that lists many fingerprints.
pub(crate) fn draft_many(writer: &Writer<'_>, members: &[(Fingerprint, &Entry)]) -> IssueDraft {
    let severity = members.iter().filter_map(|(_, entry)| entry.severity()).max().unwrap_or(Severity::Medium);
    let mut text = format!(
        "# Auto-Generated Error Report\n\n{}{} errors became due at once, so they share this issue.\n\n",
        earlier(writer),
        members.len()
    );
    text.push_str("| Fingerprint | Error | Severity | Occurrences | Nodes |\n|---|---|---|--:|--:|\n");
    for (fingerprint, entry) in members {
        let (error_type, message) = entry.head().map_or(("Error", ""), |head| (head.error_type.as_str(), head.message.as_str()));
        let error = code(&clip(&format!("{error_type}: {}", one_line(message)), TITLE_MESSAGE_CHARS_MAX));
        let severity = entry.severity().unwrap_or(Severity::Medium);
        row(
            &mut text,
            &[
                &code(&fingerprint.short()),
                &error,
                &severity.to_string(),
                &entry.occurrences().to_string(),
                &entry.nodes().len().to_string(),
            ],
        );
    }
    text.push_str("\n`healnode show FINGERPRINT` on any node tells more about each.\n\n");
    text.push_str(&format!("---\n\n*Created automatically by healnode {} on node `{}`.*\n", writer.policy.version, writer.node));
    let kinds: std::collections::BTreeSet<&str> =
        members.iter().filter_map(|(_, entry)| entry.head()).map(|head| head.error_type.as_str()).collect();
    let kinds = kinds.into_iter().collect::<Vec<_>>().join(", ");
    let title =
        format!("[Auto-Generated Error] {} new errors at once: {}", members.len(), clip(&one_line(&kinds), TITLE_MESSAGE_CHARS_MAX));
    let markers: String = members.iter().map(|(member, _)| Marker::of(*member).line(writer.policy.algorithm, false)).collect();
    let occurrences = members.iter().map(|(_, entry)| entry.occurrences()).fold(0, u64::saturating_add);
    let stated = Stated { occurrences, told: writer.told.unwrap_or(occurrences), similar: 0, severity: Some(severity) };
    finish(writer, &markers, stated, severity, title, &text)
}

/// Returns the markers of one error: by the version that it is counted under, and by the other one if a sample shows it, so that nodes of
/// either version find the issue.
fn markers(writer: &Writer<'_>, fingerprint: Fingerprint, sample: Option<&Report>) -> String {
    let keys: Vec<(Fingerprint, u16)> = sample.into_iter().flat_map(Report::fingerprints).collect();
    let Some((_, version)) = keys.iter().find(|(key, _)| *key == fingerprint) else {
        return Marker::of(fingerprint).line(writer.policy.algorithm, false);
    };
    let others = keys.iter().filter(|(key, _)| *key != fingerprint).map(|(key, version)| Marker::of(*key).line(*version, true));
    std::iter::once(Marker::of(fingerprint).line(*version, false)).chain(others).collect()
}

/// Names the issues of errors that are nearly this one.
fn see_also(named: &[(IssueNumber, &Head)]) -> String {
    let row = |(number, head): &(IssueNumber, &Head)| {
        format!("- {number}: {}\n", code(&clip(&format!("{}: {}", head.error_type, one_line(&head.message)), TITLE_MESSAGE_CHARS_MAX)))
    };
    format!("Errors of the same type and place, with a message that differs in one word:\n\n{}", named.iter().map(row).collect::<String>())
}

/// Writes what is said under an issue that is opened again: what came back, and how often.
pub(crate) fn reopening_comment(back: &[(Fingerprint, &Entry)]) -> String {
    let mut text = String::from("Seen again since this was closed, so healnode has opened it again.\n\n");
    for (fingerprint, entry) in back.iter().take(NODE_ROWS_MAX) {
        let releases = entry.releases().into_keys().map(|release| code(&release)).collect::<Vec<_>>().join(", ");
        let releases = if releases.is_empty() { String::new() } else { format!(", in {}", clip(&releases, COMMAND_CHARS_MAX)) };
        let last = entry.seen().map(|(_, last)| format!(", last at {}", seconds(last))).unwrap_or_default();
        let count = entry.unfiled();
        text.push_str(&format!("- {}: {count} more, {} in all{releases}{last}\n", code(&fingerprint.short()), entry.occurrences()));
    }
    text
}

/// Writes what is said once when an error is seen ten times as often as when that was last said.
pub(crate) fn spike_comment(occurrences: u64, told: u64) -> String {
    format!("Seen {occurrences} times by now, up from {told}. The numbers above are kept up to date without further comments.\n")
}

/// Writes what is said under an issue that is closed because its error is no longer seen.
pub(crate) fn quiet_comment(quiet_after: Duration) -> String {
    let hours = quiet_after.as_secs() / 3600;
    let span = match (hours / 24, hours) {
        (0, 1) => "an hour".to_owned(),
        (0, hours) => format!("{hours} hours"),
        (1, _) => "a day".to_owned(),
        (days, _) => format!("{days} days"),
    };
    format!("Not seen for {span}, so healnode has closed this. It is opened again if the error comes back.\n")
}

fn earlier(writer: &Writer<'_>) -> String {
    writer.earlier.map(|number| format!("Seen before in {number}, which was closed too long ago, or is locked.\n\n")).unwrap_or_default()
}

/// Puts healnode's part of `written` in the place of healnode's part of `existing`. Everything else in `existing` stays. Where a person has
/// taken healnode's part out, nothing is put back.
pub fn merge_body(existing: &str, written: &str) -> String {
    let existing = existing.replace("\r\n", "\n");
    match (own_part(&existing), own_part(written)) {
        (Some(old), Some(new)) => [&existing[..old.start], &written[new], &existing[old.end..]].concat(),
        (None, _) | (_, None) => existing,
    }
}

fn own_part(body: &str) -> Option<std::ops::Range<usize>> {
    let start = body.find(BEGIN)?;
    let end = start + body[start..].find(END)? + END.len();
    Some(start..end)
}

fn finish(writer: &Writer<'_>, markers: &str, stated: Stated, severity: Severity, title: String, text: &str) -> IssueDraft {
    let mut body = markers.to_owned();
    let stated = stated.to_string();
    let room = BODY_CHARS_MAX.saturating_sub(body.len() + stated.len() + BEGIN.len() + END.len() + 8);
    body.push_str(&format!("{BEGIN}\n{stated}\n{}\n{END}\n", clip(text.trim_end(), room)));
    let mut labels = writer.policy.labels.clone();
    if severity >= Severity::High && !writer.policy.priority_label.is_empty() {
        labels.push(writer.policy.priority_label.clone());
    }
    IssueDraft { title: clip(&title, TITLE_CHARS_MAX - 3), body, labels }
}

fn title(error_type: &str, message: &str) -> String {
    let message = clip(&one_line(message), TITLE_MESSAGE_CHARS_MAX);
    let title = format!("[Auto-Generated Error] {}: {message}", one_line(error_type));
    title.trim_end_matches([' ', ':']).to_owned()
}

fn line(text: &mut String, name: &str, value: &str) {
    text.push_str(&format!("**{name}:** {value}\n\n"));
}

fn section(text: &mut String, heading: &str, content: &str) {
    text.push_str(&format!("## {heading}\n\n{}\n\n", content.trim_end()));
}

fn row(text: &mut String, cells: &[&str]) {
    let cells: Vec<String> = cells.iter().map(|cell| cell.replace('|', "\\|")).collect();
    text.push_str(&format!("| {} |\n", cells.join(" | ")));
}

fn count_nodes(count: usize) -> String {
    if count == 1 { "1 node".to_owned() } else { format!("{count} nodes") }
}

fn occurrences(entry: &Entry, nodes: &BTreeMap<NodeId, NodeTally>, names: &Names<'_>) -> String {
    let mut text = String::from("| Node | Occurrences | First seen | Last seen |\n|---|--:|---|---|\n");
    for (node, tally) in nodes.iter().take(NODE_ROWS_MAX) {
        let name = names.get(node).map(|name| format!(" {}", code(name))).unwrap_or_default();
        let node = format!("{}{name}", code(&node.to_string()));
        row(&mut text, &[&node, &tally.count.to_string(), &seconds(tally.first_seen), &seconds(tally.last_seen)]);
    }
    if nodes.len() > NODE_ROWS_MAX {
        let rest = nodes.values().skip(NODE_ROWS_MAX).fold(0, |sum: u64, tally| sum.saturating_add(tally.count));
        row(&mut text, &[&format!("and {} more", nodes.len() - NODE_ROWS_MAX), &rest.to_string(), "", ""]);
    }
    let releases = entry.releases();
    if !releases.is_empty() {
        text.push_str("\n| Release | Occurrences |\n|---|--:|\n");
        for (release, count) in releases.iter().take(NODE_ROWS_MAX) {
            row(&mut text, &[&code(release), &count.to_string()]);
        }
    }
    text
}

fn seconds(at: UnixMillis) -> String {
    UnixMillis(at.0 / 1000 * 1000).to_string()
}

fn system(writer: &Writer<'_>, sample: Option<&Report>) -> String {
    let mut facts: Vec<(&str, &str)> = Vec::new();
    let app = sample.and_then(Report::app).unwrap_or(&writer.policy.app);
    facts.push(("App", app));
    if let Some(sample) = sample {
        facts.push(("Release", sample.release().unwrap_or("")));
        facts.push(("Environment", sample.environment().unwrap_or("")));
        if let Some(system) = sample.system() {
            facts.extend([("Operating system", &*system.os), ("Architecture", &*system.arch), ("Host", &*system.host)]);
            facts.extend([("Runtime", &*system.runtime), ("Working directory", &*system.cwd)]);
        }
        facts.extend(sample.tags().iter().map(|(name, value)| (&**name, &**value)));
    }
    let mut text = String::new();
    for (name, value) in facts.into_iter().filter(|(_, value)| !value.is_empty()) {
        text.push_str(&format!("- {}: {}\n", code_unless_plain(name), code(value)));
    }
    if text.is_empty() { "Nothing was reported.".to_owned() } else { text }
}

fn code_unless_plain(name: &str) -> String {
    if name.chars().all(|c| c.is_ascii_alphanumeric() || c == ' ') { name.to_owned() } else { code(name) }
}

fn footer(writer: &Writer<'_>, fingerprint: Fingerprint) -> String {
    format!(
        "---\n\n*Created automatically by healnode {} on node `{}`, for every node that has seen `{}`. \
         Counts are kept up to date; text outside this block is yours.*\n",
        writer.policy.version,
        writer.node,
        fingerprint.short()
    )
}

#[cfg(test)]
mod tests {
    use healnode_report::RawError;

    use super::*;
    use crate::ledger::Ledger;
    use crate::statement::tests::{fingerprint, statement, tally};
    use crate::{Body, Presence};

    fn ledger() -> Ledger {
        let mut ledger = Ledger::default();
        ledger.merge(statement(1, 1, 1, tally(1, 3), 0), false);
        ledger.merge(statement(2, 1, 1, tally(1, 4), 0), false);
        ledger
    }

    fn written(sample: Option<&Report>) -> IssueDraft {
        let ledger = ledger();
        let policy = Policy::default();
        let writer = Writer { node: NodeId::from_key([1; 32]), policy: &policy, earlier: None, told: None };
        let patterns = [Pattern::NewInRelease { release: "2`\n<!-- healnode:end -->\n# H".to_owned() }, Pattern::Spreading { nodes: 3 }];
        draft(&writer, fingerprint(1), ledger.entry(&fingerprint(1)).unwrap(), sample, &[], &patterns, &Names::new())
    }

    fn report(error_type: &str, message: &str, stack: &str) -> Report {
        let mut raw = RawError::new(error_type, message);
        raw.stack = Some(stack.to_owned());
        Report::new(raw, UnixMillis(0))
    }

    #[test]
    fn the_body_follows_the_contract() {
        let draft = written(Some(&report(
            "ValueError",
            "no such thing",
            "Traceback (most recent call last):\n  File \"a.py\", line 1, in f\nValueError: no",
        )));
        let lines: Vec<&str> = draft.body.lines().collect();
        assert_eq!(lines[0], Marker::of(fingerprint(1)).line(1, false).trim_end());
        assert_eq!(draft.title, "[Auto-Generated Error] ValueError: no such thing");
        let parts = [
            "# Auto-Generated Error Report",
            "**Error Type:** `ValueError`",
            "**Occurrences:** 7 across 2 nodes",
            "## Error Message",
            "## Stack Trace",
            "```python",
            "## Occurrences",
            "## Patterns",
            "- Spreading: it began on one node and is on 3 by now.",
            "## System",
        ];
        let mut rest = draft.body.as_str();
        for part in parts {
            let at = rest.find(part).unwrap_or_else(|| panic!("{part} is missing or out of order in\n{}", draft.body));
            rest = &rest[at..];
        }
    }

    /// A report with everything that a report can carry.
    fn whole_report() -> Report {
        let raw = r#"{
            "type": "ValueError",
            "message": "no such thing",
            "stack": "Traceback (most recent call last):\n  File \"a.py\", line 1, in f\nValueError: no such thing",
            "severity": "high",
            "logs": ["starting", "opening the cart", "no such thing"],
            "command": ["shop", "--port", "8080", "--api-key=SECRET123"],
            "app": "shop",
            "release": "2.1.0",
            "environment": "production",
            "timestamp": "2026-11-25T13:10:32Z",
            "tags": {"region": "eu-west-1"},
            "context": {"cart": {"items": 3}, "password": "hunter2"},
            "system": {"os": "Linux 6.12", "arch": "x86_64", "host": "web-1", "runtime": "CPython 3.13.1", "cwd": "/srv/shop"}
        }"#;
        Report::new(RawError::from_json(raw).unwrap(), UnixMillis(0))
    }

    #[test]
    fn the_whole_body_is_as_it_was_agreed_on() {
        let mut ledger = Ledger::default();
        for origin in 1..=NODE_ROWS_MAX as u8 + 1 {
            let Body::Tally { fingerprint, mut tally } = tally(1, origin.into()) else { unreachable!("a tally") };
            tally.first_seen = UnixMillis(1_795_612_232_000 + u64::from(origin) * 1_000);
            tally.last_seen = UnixMillis(1_795_612_999_999);
            tally.head.severity = if origin == 7 { Severity::High } else { Severity::Medium };
            tally.releases = [("2.0.9".to_owned(), 1), ("2.1.0".to_owned(), u64::from(origin) - 1)].into();
            ledger.merge(statement(origin, 1, 1, Body::Tally { fingerprint, tally }, 0), false);
        }
        for (origin, name) in [(1, "runner-7"), (2, "`a` | <!-- b")] {
            let presence = Presence { can_file: true, can_fix: false, version: String::new(), name: name.to_owned(), algorithm: 1 };
            ledger.merge(statement(origin, 1, 2, Body::Presence(presence), 0), false);
        }
        let policy = Policy { version: "1.2.3".to_owned(), ..Policy::default() };
        let writer = Writer { node: NodeId::from_key([1; 32]), policy: &policy, earlier: None, told: None };
        let report = whole_report();
        let draft = draft(&writer, fingerprint(1), ledger.entry(&fingerprint(1)).unwrap(), Some(&report), &[], &[], &ledger.names());
        assert_eq!(draft.body, include_str!("../tests/data/issue.txt"));
        assert_eq!(draft.title, "[Auto-Generated Error] ValueError: no such thing");
        assert_eq!(draft.labels, ["auto-generated", "bug", "priority"]);
    }

    #[test]
    fn a_title_has_eighty_characters_of_the_message_on_one_line() {
        let title = |message: &str| written(Some(&report("ValueError", message, ""))).title;
        let (short, long) = ("\u{e4}".repeat(80), "\u{e4}".repeat(81));
        assert_eq!(title(&short), format!("[Auto-Generated Error] ValueError: {short}"));
        assert_eq!(title(&long), format!("[Auto-Generated Error] ValueError: {short}..."));
        assert_eq!(title("first line\n  second\tline\n"), "[Auto-Generated Error] ValueError: first line second line");
    }

    #[test]
    fn sections_of_what_was_not_reported_are_left_out() {
        let body = written(Some(&report("ValueError", "no such thing", ""))).body;
        for heading in ["## Stack Trace", "## Preceding Logs", "## Additional Context", "## See Also"] {
            assert!(!body.contains(heading), "{heading} in\n{body}");
        }
        assert!(body.contains("**Command:** `unknown`") && body.contains("**Error Signature:** `0101"));
    }

    #[test]
    fn high_and_critical_errors_have_the_label_and_others_have_not() {
        let with = |severity: Severity| {
            let mut ledger = Ledger::default();
            let Body::Tally { fingerprint: key, mut tally } = tally(1, 3) else { unreachable!("a tally") };
            tally.head.severity = severity;
            ledger.merge(statement(1, 1, 1, Body::Tally { fingerprint: key, tally }, 0), false);
            let policy = Policy::default();
            let writer = Writer { node: NodeId::from_key([1; 32]), policy: &policy, earlier: None, told: None };
            draft(&writer, key, ledger.entry(&key).unwrap(), None, &[], &[], &Names::new()).labels
        };
        for (severity, expected) in Severity::ALL.into_iter().zip([false, false, true, true]) {
            assert_eq!(with(severity).contains(&"priority".to_owned()), expected, "{severity}");
        }
    }

    #[test]
    fn content_cannot_break_out_of_its_fence_or_forge_a_marker() {
        let hostile = "x\n````\n# Owned\n<!-- healnode:end -->\n<!-- healnode-sig-00000000000000000000000000000000 v1 -->";
        let draft = written(Some(&report("Bad`Type\n# H", hostile, hostile)));
        assert_eq!(Marker::read_all(&draft.body).len(), 1);
        assert_eq!(draft.body.matches(END).count(), 1);
        assert!(draft.body.contains("`````text\nx\n````\n# Owned"));
        assert_eq!(draft.title.lines().count(), 1);
    }

    #[test]
    fn the_longest_report_stays_within_the_forge_limits() {
        let long = "a long line of text \u{e9}\n".repeat(10_000);
        let draft = written(Some(&report(&long, &long, &long)));
        assert!(draft.body.chars().count() <= BODY_CHARS_MAX);
        assert!(draft.title.chars().count() <= TITLE_CHARS_MAX);
        assert!(draft.body.trim_end().ends_with(END));
    }

    #[test]
    fn what_people_wrote_around_the_block_stays() {
        let old = written(None).body;
        let edited = format!("{old}\nMy note: see the wiki.\n");
        let new = old.replace("7 across", "9 across");
        let merged = merge_body(&edited, &new);
        assert!(merged.contains("9 across 2 nodes") && merged.contains("My note: see the wiki."));
        assert_eq!(merge_body("only mine", &new), "only mine");
    }

    #[test]
    fn a_list_of_errors_carries_every_marker() {
        let ledger = ledger();
        let policy = Policy::default();
        let writer = Writer { node: NodeId::from_key([1; 32]), policy: &policy, earlier: None, told: None };
        let entry = ledger.entry(&fingerprint(1)).unwrap();
        let draft = draft_many(&writer, &[(fingerprint(1), entry), (fingerprint(2), entry)]);
        assert_eq!(Marker::read_all(&draft.body), [Marker::of(fingerprint(1)), Marker::of(fingerprint(2))]);
        assert!(draft.title.contains("2 new errors at once: ValueError"));
    }
}
