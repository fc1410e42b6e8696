//! One issue as the text of a file: a head of `key: value` lines between two `---`, then the body.
//!
//! ```text
//! ---
//! title: [Auto-Generated Error] ValueError: bad input
//! state: open
//! labels: auto-generated, bug
//! filed-by: 12D3KooW…
//! ---
//! <!-- healnode-sig-… v1 -->
//! …
//! ```
//!
//! People may change any of it: set `state: closed`, add lines of their own to the head, write into the body. What is not understood is
//! kept as it is.

use healnode_core::{IssueDraft, Marker};

const FENCE: &str = "---";

/// The text of one issue's file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Page {
    /// The lines between the fences.
    head: Vec<String>,
    body: String,
}

impl Page {
    pub(super) fn new(draft: &IssueDraft, bot: &str) -> Self {
        let head = [("title", draft.title.as_str()), ("state", "open"), ("labels", &draft.labels.join(", ")), ("filed-by", bot)];
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

    pub(super) fn close(&mut self, reason: &str) {
        self.set("state", "closed");
        self.set("reason", reason);
    }

    fn value(&self, key: &str) -> Option<&str> {
        self.head.iter().find_map(|line| value_of(line, key))
    }

    fn set(&mut self, key: &str, value: &str) {
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

fn split_line(text: &str) -> Option<(&str, &str)> {
    if text.is_empty() {
        return None;
    }
    Some(text.split_once('\n').unwrap_or((text, "")))
}

fn one_line(text: &str) -> String {
    text.split(|character: char| character.is_control()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft() -> IssueDraft {
        let body = format!("<!-- healnode-sig-{:032x} v1 -->\n# Report\n---\nnot a head\n", 5);
        IssueDraft { title: "ValueError: bad\nstate: closed".to_owned(), body, labels: vec!["auto-generated".to_owned(), "bug".to_owned()] }
    }

    #[test]
    fn what_is_written_is_read_again() {
        let page = Page::new(&draft(), "12D3KooW");
        let text = page.text();
        assert!(text.starts_with(
            "---\ntitle: ValueError: bad state: closed\nstate: open\nlabels: auto-generated, bug\nfiled-by: 12D3KooW\n---\n<!--"
        ));
        assert_eq!(Page::parse(&text).unwrap(), page);
        assert_eq!(page.markers().len(), 1);
        assert_eq!(page.body(), draft().body);
    }

    #[test]
    fn closing_keeps_what_people_added_to_the_head() {
        let text = Page::new(&draft(), "n").text().replace("state: open", "state: open\r\nowner: alice\r\n# a remark");
        let mut page = Page::parse(&text).unwrap();
        assert!(page.is_open());
        page.close("Duplicate of #3");
        assert!(!page.is_open());
        let text = page.text();
        assert!(text.contains("\nowner: alice\n# a remark\n") && text.contains("\nreason: Duplicate of #3\n"), "{text}");
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
