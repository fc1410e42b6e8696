//! One issue as the text of a file: a head of `key: value` lines between two `---`, then the body.
//!
//! ```text
//! ---
//! title: [Auto-Generated Error] ValueError: bad input
//! state: open
//! labels: auto-generated, bug
//! filed-by: 12D3KooW…
//! created: 2026-11-25T13:10:32.000Z
//! ---
//! <!-- healnode-sig-… v1 -->
//! …
//! ```
//!
//! People may change any of it: set `state: closed` and `reason: not planned`, `locked: yes` or a label, add lines of their own to the head,
//! write into the body. What is not understood is kept as it is.

use healnode_core::{CloseReason, Closing, IssueDraft, Marker, UnixMillis};

use crate::forge::duplicate_in;

const FENCE: &str = "---";

/// The text of one issue's or pull request's file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Page {
    /// The lines between the fences.
    head: Vec<String>,
    body: String,
}

impl Page {
    pub(super) fn new(draft: &IssueDraft, bot: &str, now: UnixMillis) -> Self {
        let (labels, created) = (draft.labels.join(", "), now.to_string());
        let head = [("title", draft.title.as_str()), ("state", "open"), ("labels", &labels), ("filed-by", bot), ("created", &created)];
        Self { head: head.map(|(key, value)| format!("{key}: {}", one_line(value))).to_vec(), body: draft.body.clone() }
    }

    /// Reads a file; nothing when it has no head, or one without a state. Any state but `open` is a person's word for closed.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let (first, mut rest) = split_line(text)?;
        if first.trim_end() != FENCE {
            return None;
        }
        let mut head = Vec::new();
        loop {
            let (line, after) = split_line(rest)?;
            rest = after;
            if line.trim_end() == FENCE {
                break;
            }
            head.push(line.trim_end().to_owned());
        }
        let page = Self { head, body: rest.to_owned() };
        page.value("state").is_some().then_some(page)
    }

    /// Writes further lines into the head.
    pub(super) fn with(mut self, lines: &[(&str, &str)]) -> Self {
        for (key, value) in lines {
            self.set(key, &one_line(value));
        }
        self
    }

    pub(super) fn text(&self) -> String {
        let newline = if self.body.ends_with('\n') { "" } else { "\n" };
        format!("{FENCE}\n{}\n{FENCE}\n{}{newline}", self.head.join("\n"), self.body)
    }

    pub(super) fn is_open(&self) -> bool {
        self.value("state").is_some_and(|state| state.eq_ignore_ascii_case("open"))
    }

    pub(super) fn markers(&self) -> Vec<Marker> {
        Marker::read_all(&self.body)
    }

    pub(super) fn body(&self) -> &str {
        &self.body
    }

    pub(super) fn set_body(&mut self, body: String) {
        self.body = body;
    }

    /// Returns when it was created; nothing if the head does not say.
    pub(super) fn created(&self) -> Option<UnixMillis> {
        self.value("created")?.parse().ok()
    }

    /// Returns how it was closed. `changed` is when, if the head does not say: a person who closes it writes the state alone.
    pub(super) fn closing(&self, changed: UnixMillis) -> Option<Closing> {
        let at = self.value("closed").and_then(|text| text.parse().ok()).unwrap_or(changed);
        (!self.is_open()).then(|| Closing { at, reason: self.value("reason").map_or(CloseReason::Completed, reason_in) })
    }

    pub(super) fn is_locked(&self) -> bool {
        self.value("locked").is_some_and(|text| ["yes", "true", "on"].iter().any(|word| text.eq_ignore_ascii_case(word)))
    }

    pub(super) fn has_label(&self, wanted: &str) -> bool {
        self.labels().any(|label| label.eq_ignore_ascii_case(wanted))
    }

    pub(super) fn set_label(&mut self, name: &str, wanted: bool) {
        let mut labels: Vec<&str> = self.labels().filter(|label| !label.eq_ignore_ascii_case(name)).collect();
        labels.extend(wanted.then_some(name));
        let labels = labels.join(", ");
        self.set("labels", &labels);
    }

    pub(super) fn close(&mut self, closing: Closing) {
        self.set("state", "closed");
        self.set("reason", &reason_text(closing.reason));
        self.set("closed", &closing.at.to_string());
    }

    pub(super) fn reopen(&mut self) {
        self.set("state", "open");
        self.head.retain(|line| value_of(line, "reason").is_none() && value_of(line, "closed").is_none());
    }

    /// Writes below everything that is there.
    pub(super) fn comment(&mut self, bot: &str, now: UnixMillis, text: &str) {
        let newline = if self.body.ends_with('\n') { "" } else { "\n" };
        self.body.push_str(&format!("{newline}\n{FENCE}\n\nComment by `{}` at {now}:\n\n{}\n", one_line(bot), text.trim_end()));
    }

    fn labels(&self) -> impl Iterator<Item = &str> {
        self.value("labels").unwrap_or_default().split(',').map(str::trim).filter(|label| !label.is_empty())
    }

    pub(super) fn value(&self, key: &str) -> Option<&str> {
        self.head.iter().find_map(|line| value_of(line, key))
    }

    pub(super) fn set(&mut self, key: &str, value: &str) {
        let line = format!("{key}: {value}");
        match self.head.iter_mut().find(|line| value_of(line, key).is_some()) {
            Some(existing) => *existing = line,
            None => self.head.push(line),
        }
    }
}

fn value_of<'a>(line: &'a str, key: &str) -> Option<&'a str> {
    line.strip_prefix(key)?.strip_prefix(':').map(str::trim)
}

fn reason_in(text: &str) -> CloseReason {
    let words = text.to_lowercase().replace(['_', '-', '\''], " ");
    match words.as_str() {
        "not planned" | "wontfix" | "won t fix" => CloseReason::NotPlanned,
        _ if words.starts_with("duplicate") => CloseReason::Duplicate { of: duplicate_in(text) },
        _ => CloseReason::Completed,
    }
}

fn reason_text(reason: CloseReason) -> String {
    match reason {
        CloseReason::Completed => "completed".to_owned(),
        CloseReason::NotPlanned => "not planned".to_owned(),
        CloseReason::Duplicate { of: None } => "duplicate".to_owned(),
        CloseReason::Duplicate { of: Some(number) } => format!("Duplicate of {number}"),
    }
}

fn split_line(text: &str) -> Option<(&str, &str)> {
    if text.is_empty() {
        return None;
    }
    Some(text.split_once('\n').unwrap_or((text, "")))
}

pub(super) fn one_line(text: &str) -> String {
    text.split(|character: char| character.is_control()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use healnode_core::{IssueNumber, MUTE_LABEL, QUIET_LABEL};

    use super::*;

    const NOW: UnixMillis = UnixMillis(1_800_000_000_000);

    fn draft() -> IssueDraft {
        let body = format!("<!-- healnode-sig-{:032x} v1 -->\n# Report\n---\nnot a head\n", 5);
        IssueDraft { title: "ValueError: bad\nstate: closed".to_owned(), body, labels: vec!["auto-generated".to_owned(), "bug".to_owned()] }
    }

    #[test]
    fn what_is_written_is_read_again() {
        let page = Page::new(&draft(), "12D3KooW", NOW);
        let text = page.text();
        assert!(text.starts_with(
            "---\ntitle: ValueError: bad state: closed\nstate: open\nlabels: auto-generated, bug\nfiled-by: 12D3KooW\ncreated: 2027-01-15T08:00:00.000Z\n---\n<!--"
        ));
        assert_eq!(page.created(), Some(NOW));
        assert_eq!(Page::parse(&text).unwrap(), page);
        assert_eq!(page.markers().len(), 1);
        assert_eq!(page.body(), draft().body);
    }

    #[test]
    fn closing_keeps_what_people_added_to_the_head() {
        let text = Page::new(&draft(), "n", NOW).text().replace("state: open", "state: open\r\nowner: alice\r\n# a remark");
        let mut page = Page::parse(&text).unwrap();
        assert!(page.is_open());
        let closing = Closing { at: NOW, reason: CloseReason::Duplicate { of: Some(IssueNumber(3)) } };
        page.close(closing);
        assert_eq!((page.is_open(), page.closing(UnixMillis(1))), (false, Some(closing)));
        let text = page.text();
        assert!(text.contains("\nowner: alice\n# a remark\n") && text.contains("\nreason: Duplicate of #3\n"), "{text}");
    }

    #[test]
    fn a_person_closes_locks_and_mutes_in_plain_words() {
        let edited = |from: &str, to: &str| Page::parse(&Page::new(&draft(), "n", NOW).text().replace(from, to)).unwrap();
        let reason = |text: &str| edited("state: open", &format!("state: closed\nreason: {text}")).closing(UnixMillis(1)).unwrap();
        assert_eq!(
            edited("state: open", "state: closed").closing(UnixMillis(1)),
            Some(Closing { at: UnixMillis(1), reason: CloseReason::Completed })
        );
        assert_eq!(reason("fixed in 1.2").reason, CloseReason::Completed);
        for text in ["not planned", "Not_Planned", "won't fix", "wontfix"] {
            assert_eq!(reason(text).reason, CloseReason::NotPlanned, "{text}");
        }
        assert_eq!(reason("duplicate of #12").reason, CloseReason::Duplicate { of: Some(IssueNumber(12)) });
        assert_eq!(reason("duplicate").reason, CloseReason::Duplicate { of: None });
        assert!(edited("state: open", "state: open\nlocked: Yes").is_locked() && !edited("", "").is_locked());
        assert!(edited("labels: auto", "labels: Healnode:Mute,auto").has_label(MUTE_LABEL));
    }

    #[test]
    fn reopening_and_labelling_leave_the_rest_of_the_head_alone() {
        let mut page = Page::parse(&Page::new(&draft(), "n", NOW).text().replace("state: open", "state: open\nowner: alice")).unwrap();
        let before = page.clone();
        page.close(Closing { at: NOW, reason: CloseReason::Completed });
        page.set_label(QUIET_LABEL, true);
        page.set_label(QUIET_LABEL, true);
        assert!(page.text().contains("labels: auto-generated, bug, healnode:quiet\n"));
        page.reopen();
        page.set_label(QUIET_LABEL, false);
        assert_eq!(page, before);
    }

    #[test]
    fn a_comment_stands_below_everything_else() {
        let mut page = Page::new(&draft(), "n", NOW);
        page.comment("n", NOW, "It came back.\n");
        let read = Page::parse(&page.text()).unwrap();
        assert!(read.body().ends_with("\n---\n\nComment by `n` at 2027-01-15T08:00:00.000Z:\n\nIt came back.\n"), "{}", read.body());
        assert_eq!(read.markers().len(), 1);
    }

    #[test]
    fn a_file_edited_into_nonsense_is_no_page() {
        for text in ["", "\n", "# Hello", "---", "---\n---\n", "---\nstate: open\n", "---\ntitle: x\n---\nbody", "state: open\n---\nbody"] {
            assert_eq!(Page::parse(text), None, "{text:?}");
        }
        assert!(Page::parse("\u{feff}---\r\nstate: closed\r\n---\r\n").is_some());
        assert!(Page::parse("---\nstate: Open\n---\nbody").is_some_and(|page| page.is_open()));
        assert!(Page::parse("---\nstate: done\n---\nbody").is_some_and(|page| !page.is_open()));
    }
}
