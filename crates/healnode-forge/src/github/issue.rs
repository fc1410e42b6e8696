//! An issue as GitHub answers it, and whether it is one of ours.

use healnode_core::limits::URL_BYTES_MAX;
use healnode_core::{FoundIssue, IssueNumber, IssueRef, Marker};
use serde::Deserialize;
use serde_json::Value;

/// The fields of an issue that are read. Anything else that GitHub sends is passed over.
#[derive(Deserialize)]
pub(crate) struct IssueAnswer {
    /// The database's id, which a duplicate is linked by.
    pub(crate) id: u64,
    pub(crate) number: u64,
    html_url: String,
    state: String,
    pub(crate) body: Option<String>,
    /// Nobody, when the account is gone.
    pub(crate) user: Option<IssueAuthor>,
    #[serde(default)]
    labels: Vec<IssueLabel>,
    /// There when it is a pull request: GitHub lists those as issues.
    pull_request: Option<Value>,
}

#[derive(Deserialize)]
pub(crate) struct IssueAuthor {
    pub(crate) login: String,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum IssueLabel {
    Object { name: Option<String> },
    Name(String),
}

impl IssueAnswer {
    /// Returns the issue if `login` wrote it and it has a marker. A marker in anybody else's issue or pull request is no evidence.
    pub(crate) fn found_by(&self, login: &str) -> Option<FoundIssue> {
        if !self.is_by(login) || self.pull_request.is_some() {
            return None;
        }
        let markers = Marker::read_all(self.body.as_deref().unwrap_or_default());
        if markers.is_empty() {
            return None;
        }
        Some(FoundIssue { issue: self.reference(), markers })
    }

    pub(crate) fn is_by(&self, login: &str) -> bool {
        self.user.as_ref().is_some_and(|user| user.login.eq_ignore_ascii_case(login))
    }

    pub(crate) fn is_open(&self) -> bool {
        self.state == "open"
    }

    pub(crate) fn has_label(&self, wanted: &str) -> bool {
        self.labels.iter().any(|label| match label {
            IssueLabel::Object { name } => name.as_ref().is_some_and(|name| name.eq_ignore_ascii_case(wanted)),
            IssueLabel::Name(name) => name.eq_ignore_ascii_case(wanted),
        })
    }

    /// Returns what is kept of the issue. An address that could not be shown is left out; the number stands for itself.
    pub(crate) fn reference(&self) -> IssueRef {
        let url = &self.html_url;
        let web = url.starts_with("https://") || url.starts_with("http://");
        let plain = web && url.len() <= URL_BYTES_MAX && url.bytes().all(|byte| byte.is_ascii_graphic());
        IssueRef { number: IssueNumber(self.number), url: if plain { url.clone() } else { String::new() }, open: self.is_open() }
    }
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
        let found = answer(|_| {}).found_by("healer[bot]").unwrap();
        assert_eq!((found.issue.number, found.issue.open, found.markers.len()), (IssueNumber(7), true, 1));

        assert!(answer(|_| {}).found_by("alice").is_none());
        assert!(answer(|issue| issue["user"] = Value::Null).found_by("healer[bot]").is_none());
        assert!(answer(|issue| issue["pull_request"] = json!({ "url": "x" })).found_by("healer[bot]").is_none());
        assert!(answer(|issue| issue["body"] = Value::Null).found_by("healer[bot]").is_none());
        assert!(answer(|issue| issue["body"] = json!("Hello\n<!-- healnode-sig-0 v1 -->")).found_by("healer[bot]").is_none());
    }

    #[test]
    fn an_address_that_could_not_be_shown_is_left_out() {
        for url in ["javascript:alert(1)".to_owned(), "https://x/\u{1b}[2J".to_owned(), format!("https://{}", "x".repeat(600))] {
            let reference = answer(|issue| issue["html_url"] = json!(url)).reference();
            assert_eq!((reference.number, reference.url.as_str()), (IssueNumber(7), ""));
        }
    }

    #[test]
    fn labels_are_compared_as_github_does() {
        let issue = answer(|_| {});
        assert!(issue.has_label("bug") && issue.has_label("auto-generated") && !issue.has_label("priority"));
    }
}
