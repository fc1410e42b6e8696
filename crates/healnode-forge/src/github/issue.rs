//! An issue as GitHub answers it, and whether it is one of ours.

use healnode_core::limits::URL_BYTES_MAX;
use healnode_core::{CloseReason, Closing, FoundIssue, IssueNumber, IssueRef, MUTE_LABEL, Marker, QUIET_LABEL, Stated, UnixMillis};
use serde::Deserialize;
use serde_json::Value;

use crate::RepoName;
use crate::forge::duplicate_in;

/// The fields of an issue that are read. Anything else that GitHub sends is passed over.
#[derive(Deserialize)]
pub(crate) struct IssueAnswer {
    /// The database's id, which a duplicate is linked by.
    pub(crate) id: u64,
    pub(crate) number: u64,
    html_url: String,
    repository_url: Option<String>,
    state: String,
    state_reason: Option<String>,
    created_at: Option<String>,
    closed_at: Option<String>,
    #[serde(default)]
    pub(crate) locked: bool,
    #[serde(default)]
    comments: u64,
    pub(crate) body: Option<String>,
    /// Nobody, when the account is gone.
    pub(crate) user: Option<IssueAuthor>,
    #[serde(default)]
    labels: Vec<IssueLabel>,
    #[serde(default)]
    assignees: Vec<IssueAuthor>,
    /// There when it is a pull request: GitHub lists those as issues.
    pull_request: Option<Value>,
}

#[derive(Deserialize)]
pub(crate) struct IssueAuthor {
    pub(crate) login: String,
}

/// The fields of a comment that are read.
#[derive(Deserialize)]
pub(crate) struct CommentAnswer {
    body: Option<String>,
    user: Option<IssueAuthor>,
    author_association: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
pub(crate) enum IssueLabel {
    Object { name: Option<String> },
    Name(String),
}

impl IssueAnswer {
    /// Returns the issue if `login` wrote it and it has a marker. A marker in anybody else's issue or pull request is no evidence.
    pub(crate) fn found_by(&self, login: &str, approval_label: &str) -> Option<FoundIssue> {
        if !self.is_by(login) || self.pull_request.is_some() {
            return None;
        }
        Some(self.shown_to(login, approval_label)).filter(|found| !found.markers.is_empty())
    }

    /// Returns the issue as `login` may believe it, whoever wrote it.
    pub(crate) fn shown_to(&self, login: &str, approval_label: &str) -> FoundIssue {
        let own = self.is_by(login) && self.pull_request.is_none();
        let body = self.body.as_deref().filter(|_| own).unwrap_or_default();
        FoundIssue {
            issue: self.reference(),
            markers: Marker::read_all(body),
            is_one_error: Marker::are_of_one_error(body),
            created_at: time(self.created_at.as_deref()),
            closing: (!self.is_open()).then(|| Closing { at: time(self.closed_at.as_deref()), reason: self.close_reason() }),
            locked: self.locked,
            muted: self.has_label(MUTE_LABEL),
            quiet: self.has_label(QUIET_LABEL),
            approved: !approval_label.is_empty() && self.has_label(approval_label),
            stated: Stated::read(body),
        }
    }

    fn close_reason(&self) -> CloseReason {
        match self.state_reason.as_deref() {
            Some("not_planned") => CloseReason::NotPlanned,
            Some("duplicate") => CloseReason::Duplicate { of: None },
            Some(_) | None => CloseReason::Completed,
        }
    }

    /// Tells whether nothing in the answer says that the issue is in another repository.
    pub(crate) fn may_be_in(&self, repo: &RepoName) -> bool {
        let Some(url) = &self.repository_url else { return true };
        let mut parts = url.trim_end_matches('/').rsplit('/');
        let (name, owner) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        name.eq_ignore_ascii_case(repo.name()) && owner.eq_ignore_ascii_case(repo.owner())
    }

    pub(crate) fn has_comments(&self) -> bool {
        self.comments > 0
    }

    pub(crate) fn is_by(&self, login: &str) -> bool {
        self.user.as_ref().is_some_and(|user| user.login.eq_ignore_ascii_case(login))
    }

    pub(crate) fn is_open(&self) -> bool {
        self.state == "open"
    }

    pub(crate) fn has_label(&self, wanted: &str) -> bool {
        self.labels.iter().any(|label| label.is(wanted))
    }

    /// Tells whether one of these accounts is among those that the issue is assigned to.
    pub(crate) fn is_assigned_to(&self, logins: &[&str]) -> bool {
        self.assignees.iter().any(|assignee| logins.iter().any(|login| assignee.login.eq_ignore_ascii_case(login)))
    }

    pub(crate) fn is_assigned(&self) -> bool {
        !self.assignees.is_empty()
    }

    /// Returns what is kept of the issue.
    pub(crate) fn reference(&self) -> IssueRef {
        IssueRef { number: IssueNumber(self.number), url: address(&self.html_url), open: self.is_open() }
    }
}

impl IssueLabel {
    pub(crate) fn is(&self, wanted: &str) -> bool {
        match self {
            IssueLabel::Object { name } => name.as_ref().is_some_and(|name| name.eq_ignore_ascii_case(wanted)),
            IssueLabel::Name(name) => name.eq_ignore_ascii_case(wanted),
        }
    }
}

/// Returns an address that can be shown. Any other is left out; the number stands for itself.
pub(crate) fn address(url: &str) -> String {
    let web = url.starts_with("https://") || url.starts_with("http://");
    let plain = web && url.len() <= URL_BYTES_MAX && url.bytes().all(|byte| byte.is_ascii_graphic());
    if plain { url.to_owned() } else { String::new() }
}

impl CommentAnswer {
    pub(crate) fn is_by(&self, login: &str) -> bool {
        self.user.as_ref().is_some_and(|user| user.login.eq_ignore_ascii_case(login))
    }

    /// Tells whether a line of the comment is this one.
    pub(crate) fn has_line(&self, wanted: &str) -> bool {
        self.body.as_deref().is_some_and(|body| body.lines().any(|line| line.trim() == wanted))
    }

    /// Tells whether the repository's people have a say in what this comment's author says.
    pub(crate) fn is_by_a_member(&self) -> bool {
        matches!(self.author_association.as_deref(), Some("OWNER" | "MEMBER" | "COLLABORATOR"))
    }

    /// Returns the issue that a line of the comment calls the same, in the words that GitHub itself understands.
    pub(crate) fn duplicate_of(&self) -> Option<IssueNumber> {
        self.body.as_deref()?.lines().find_map(duplicate_in)
    }
}

/// A time that cannot be read is none, which is the beginning of 1970.
pub(crate) fn time(text: Option<&str>) -> UnixMillis {
    text.and_then(|text| text.parse().ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn answer(change: impl FnOnce(&mut Value)) -> IssueAnswer {
        let mut issue = json!({
            "id": 9_000_000_001_u64, "number": 7, "html_url": "https://github.com/acme/shop/issues/7", "state": "open",
            "body": format!("<!-- healnode-sig-{:032x} v1 -->\r\ntext", 5), "user": { "login": "Healer[bot]" },
            "labels": [{ "name": "Bug" }, "auto-generated"], "comments": 0,
        });
        change(&mut issue);
        serde_json::from_value(issue).unwrap()
    }

    #[test]
    fn only_the_bots_own_issues_with_a_marker_are_found() {
        let found = answer(|_| {}).found_by("healer[bot]", "").unwrap();
        assert_eq!((found.issue.number, found.issue.open, found.markers.len()), (IssueNumber(7), true, 1));

        assert!(answer(|_| {}).found_by("alice", "").is_none());
        assert!(answer(|issue| issue["user"] = Value::Null).found_by("healer[bot]", "").is_none());
        assert!(answer(|issue| issue["pull_request"] = json!({ "url": "x" })).found_by("healer[bot]", "").is_none());
        assert!(answer(|issue| issue["body"] = Value::Null).found_by("healer[bot]", "").is_none());
        assert!(answer(|issue| issue["body"] = json!("Hello\n<!-- healnode-sig-0 v1 -->")).found_by("healer[bot]", "").is_none());
    }

    #[test]
    fn an_address_that_could_not_be_shown_is_left_out() {
        for url in ["javascript:alert(1)".to_owned(), "https://x/\u{1b}[2J".to_owned(), format!("https://{}", "x".repeat(600))] {
            let reference = answer(|issue| issue["html_url"] = json!(url)).reference();
            assert_eq!((reference.number, reference.url.as_str()), (IssueNumber(7), ""));
        }
    }

    #[test]
    fn what_people_made_of_an_issue_is_read() {
        let shown = answer(|issue| {
            issue["state"] = json!("closed");
            issue["state_reason"] = json!("not_planned");
            issue["created_at"] = json!("2026-11-25T13:10:32Z");
            issue["closed_at"] = json!("2026-11-26T00:00:00Z");
            issue["locked"] = json!(true);
            issue["labels"] = json!([{ "name": "Healnode:Mute" }, { "name": "healnode:quiet" }]);
            issue["body"] = json!(format!(
                "<!-- healnode-sig-{:032x} v1 -->\r\n<!-- healnode:begin -->\r\n<!-- healnode-count 12 told 10 v1 -->\r\n",
                5
            ));
        })
        .shown_to("healer[bot]", "");
        assert_eq!(shown.created_at.to_string(), "2026-11-25T13:10:32.000Z");
        let closing = shown.closing.unwrap();
        assert_eq!((closing.at.to_string().as_str(), closing.reason), ("2026-11-26T00:00:00.000Z", CloseReason::NotPlanned));
        assert!(shown.locked && shown.muted && shown.quiet);
        assert_eq!(shown.stated, Some(Stated { occurrences: 12, told: 10, ..Stated::default() }));

        let plain = answer(|_| {}).shown_to("alice", "");
        assert_eq!((plain.markers.len(), plain.closing, plain.stated, plain.created_at), (0, None, None, UnixMillis(0)));
        assert!(!plain.locked && !plain.muted && !plain.quiet);
    }

    #[test]
    fn only_words_at_the_start_of_a_line_name_the_twin() {
        let of = |body: &str| {
            let comment: CommentAnswer = serde_json::from_value(json!({ "body": body })).unwrap();
            comment.duplicate_of().map(|number| number.0)
        };
        assert_eq!(of("Hello\r\nDuplicate of #12, I think"), Some(12));
        assert_eq!(of("duplicate of #7"), Some(7));
        for text in [
            "",
            "Not a duplicate of #7",
            "> Duplicate of #7",
            "Duplicate of acme/shop#7",
            "Duplicate of #",
            "Duplicate of #99999999999999999999",
        ] {
            assert_eq!(of(text), None, "{text}");
        }
    }

    #[test]
    fn an_issue_of_another_repository_is_noticed() {
        let repo: RepoName = "Acme/shop".parse().unwrap();
        assert!(answer(|_| {}).may_be_in(&repo));
        assert!(answer(|issue| issue["repository_url"] = json!("https://x/api/v3/repos/acme/Shop")).may_be_in(&repo));
        assert!(!answer(|issue| issue["repository_url"] = json!("https://api.github.com/repos/acme/other")).may_be_in(&repo));
        assert!(!answer(|issue| issue["repository_url"] = json!("shop")).may_be_in(&repo));
    }

    #[test]
    fn labels_are_compared_as_github_does() {
        let issue = answer(|_| {});
        assert!(issue.has_label("bug") && issue.has_label("auto-generated") && !issue.has_label("priority"));
    }

    #[test]
    fn only_the_label_that_is_asked_for_approves_and_none_does_when_none_is() {
        let labelled = answer(|issue| issue["labels"] = json!([{ "name": "Fix-It" }, { "name": null }, ""]));
        let approved = |label: &str| labelled.shown_to("healer[bot]", label).approved;
        assert!(approved("fix-it"));
        assert!(!approved("fix") && !approved(""));
        assert!(!answer(|_| {}).shown_to("healer[bot]", "fix-it").approved);
    }
}
