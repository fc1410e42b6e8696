//! Pull requests as Markdown files below `pulls`.
//!
//! ```text
//! ---
//! title: Fix ValueError: bad input
//! state: open
//! labels: auto-generated, needs-review
//! filed-by: 12D3KooW…
//! created: 2026-11-25T13:10:32.000Z
//! issue: 7
//! branch: auto-fix/issue-7-valueerror
//! head: 0f5c…
//! ---
//! …
//! ```
//!
//! A branch is what its file says; there is no repository behind it. People set `state: merged` or `state: closed`, or delete the file.

use std::io;

use healnode_core::{
    BRANCH_PREFIX, BranchHead, ForgeReply, FoundPull, IssueDraft, IssueNumber, Publication, PullCall, PullDraft, PullReply, PullRequest,
    PullState, Refusal, RefusalKind, UnixMillis,
};

use super::folder::{Entry, Locked};
use super::page::{Page, one_line};
use super::{Outbox, commit, now};
use crate::forge::changed_body;
use crate::pull_rules::{fault_in_draft, fault_in_publication, note_line};

/// What ends healnode's own part of a text; comments stand below it.
const OWN_END: &str = "<!-- healnode:end -->";

impl Outbox {
    pub(super) fn pull(&self, locked: &Locked, call: PullCall) -> io::Result<ForgeReply> {
        match call {
            PullCall::Look { branch } => {
                let pulls = find(locked, |found| found.branch == branch)?;
                let head = pulls.last().map(|found| BranchHead { commit: found.head.clone(), ours: true });
                Ok(ForgeReply::Pull(PullReply::Found { pulls, branch: head }))
            }
            PullCall::Survey => {
                let pulls = find(locked, |found| found.branch.starts_with(BRANCH_PREFIX))?;
                Ok(ForgeReply::Pull(PullReply::Found { pulls, branch: None }))
            }
            PullCall::Open(draft) => self.open_pull(locked, &draft),
            PullCall::Publish(publication) => self.publish(locked, &publication),
            PullCall::CommentOnce { number, key, text } => self.comment_once(locked, number, &key, &text),
            PullCall::Assign { .. } => Ok(refused(
                RefusalKind::Invalid,
                "Issues in a folder cannot be handed to a coding agent of GitHub's; use another fixer.".to_owned(),
            )),
        }
    }

    fn open_pull(&self, locked: &Locked, draft: &PullDraft) -> io::Result<ForgeReply> {
        if let Some(fault) = fault_in_draft(draft) {
            return Ok(refused(RefusalKind::Invalid, fault));
        }
        if let Some(known) =
            find(locked, |found| found.branch == draft.branch)?.into_iter().min_by_key(|found| found.pull.state != PullState::Open)
        {
            return Ok(ForgeReply::Pull(PullReply::Opened { pull: known.pull, head: known.head }));
        }
        let text = IssueDraft { title: draft.title.clone(), body: draft.body.clone(), labels: draft.labels.clone() };
        let head = unique_name();
        let lines = [("issue", draft.issue.0.to_string()), ("branch", draft.branch.clone()), ("head", head.clone())];
        let page = Page::new(&text, &self.bot, now()).with(&lines.each_ref().map(|(key, value)| (*key, value.as_str())));
        let name = draft.branch.strip_prefix("auto-fix/").unwrap_or("pull");
        let pull = reference(&locked.create_pull(&page, name)?);
        Ok(ForgeReply::Pull(PullReply::Opened { pull, head }))
    }

    fn publish(&self, locked: &Locked, publication: &Publication) -> io::Result<ForgeReply> {
        if let Some(fault) = fault_in_publication(publication) {
            return Ok(refused(RefusalKind::Invalid, fault));
        }
        let number = publication.number;
        let Some(mut entry) = locked.read_pull(number)?.filter(|entry| entry.page.value("branch") == Some(&publication.branch)) else {
            return Ok(refused(
                RefusalKind::Invalid,
                format!("There is no readable pull request {number} for that branch, so nothing was published."),
            ));
        };
        if state(&entry) != PullState::Open {
            let why = format!("A person has merged or closed pull request {number}, so nothing more is put into it.");
            return Ok(refused(RefusalKind::Overtaken, why));
        }
        let message = one_line(publication.message.trim_end());
        let head = entry.page.value("head").unwrap_or_default().to_owned();
        // This very commit, published before: its message is unique.
        let head = if entry.page.value("commit") == Some(message.trim()) {
            head
        } else if head == publication.expected {
            locked.write_commit(&entry, &commit::stream(publication, &self.bot))?;
            unique_name()
        } else {
            let why = format!("The branch of pull request {number} is not where it was expected: another node, or a person, was first.");
            return Ok(refused(RefusalKind::Overtaken, why));
        };
        entry.page.set("head", &head);
        entry.page.set("commit", message.trim());
        if let Some(body) = changed_body(entry.page.body(), &publication.body) {
            entry.page.set_body(body);
        }
        locked.replace(&entry)?;
        Ok(ForgeReply::Pull(PullReply::Published { head }))
    }

    fn comment_once(&self, locked: &Locked, number: IssueNumber, key: &str, text: &str) -> io::Result<ForgeReply> {
        let Some(line) = note_line(key) else {
            return Ok(refused(RefusalKind::Invalid, format!("{key:?} is no key for a comment, so nothing was written.")));
        };
        let found = match locked.read(number)? {
            Some(entry) => Some(entry),
            None => locked.read_pull(number)?,
        };
        let Some(mut entry) = found else { return Ok(self.gone(number)) };
        let below = entry.page.body().rfind(OWN_END).unwrap_or(0);
        if entry.page.body()[below..].lines().any(|written| written.trim() == line) {
            return Ok(ForgeReply::Done);
        }
        if entry.page.is_locked() {
            return Ok(refused(RefusalKind::Invalid, format!("{number} is locked, so it is left alone.")));
        }
        entry.page.comment(&self.bot, now(), &format!("{line}\n{text}"));
        locked.replace(&entry)?;
        Ok(ForgeReply::Done)
    }
}

fn find(locked: &Locked, wanted: impl Fn(&FoundPull) -> bool) -> io::Result<Vec<FoundPull>> {
    Ok(locked.pulls()?.iter().filter_map(found).filter(wanted).collect())
}

/// Returns the pull request of a file; nothing when the file names no branch.
fn found(entry: &Entry) -> Option<FoundPull> {
    let value = |key| entry.page.value(key).filter(|value| !value.is_empty()).map(str::to_owned);
    Some(FoundPull { pull: reference(entry), branch: value("branch")?, head: value("head")?, ours: value("filed-by").is_some() })
}

fn reference(entry: &Entry) -> PullRequest {
    PullRequest { number: entry.number, url: entry.url(), state: state(entry) }
}

/// Any state but `open` and `merged` is a person's word for closed.
fn state(entry: &Entry) -> PullState {
    let state = entry.page.value("state").unwrap_or_default();
    if entry.page.is_open() {
        PullState::Open
    } else if state.eq_ignore_ascii_case("merged") {
        let at = entry.page.value("merged").and_then(|text| text.parse::<UnixMillis>().ok());
        PullState::Merged { at: at.unwrap_or(entry.changed) }
    } else {
        PullState::Closed
    }
}

/// Makes a name for a commit. It only has to differ from every other.
fn unique_name() -> String {
    let bytes: [u8; 20] = rand::random();
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn refused(kind: RefusalKind, message: String) -> ForgeReply {
    ForgeReply::Refused(Refusal { kind, message })
}
