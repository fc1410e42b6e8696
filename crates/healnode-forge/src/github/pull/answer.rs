//! A pull request as GitHub answers it, and whether it is one of ours.

use healnode_core::{FoundPull, IssueNumber, PullRequest, PullState};
use serde::Deserialize;

use crate::github::exchange::Failure;
use crate::github::git::checked;
use crate::github::issue::{IssueAuthor, IssueLabel, address, time};

/// The fields of a pull request that are read. Anything else that GitHub sends is passed over.
#[derive(Deserialize)]
pub(super) struct PullAnswer {
    pub(super) number: u64,
    html_url: String,
    state: String,
    merged_at: Option<String>,
    /// Nobody, when the account is gone.
    user: Option<IssueAuthor>,
    #[serde(default)]
    labels: Vec<IssueLabel>,
    head: Tip,
    base: Tip,
}

/// The text of a pull request, apart from the rest: a list of thousands is kept without.
#[derive(Deserialize)]
pub(super) struct PullText {
    pub(super) body: Option<String>,
}

/// One side of a pull request.
#[derive(Deserialize)]
struct Tip {
    #[serde(rename = "ref")]
    branch: String,
    sha: String,
    /// Nothing, when the repository is gone.
    repo: Option<TipRepository>,
}

#[derive(Deserialize)]
struct TipRepository {
    id: u64,
}

impl PullAnswer {
    /// Tells whether it is from a branch of the repository itself. A fork's branch may have any name.
    pub(super) fn is_from_here(&self) -> bool {
        let id = |tip: &Tip| tip.repo.as_ref().map(|repo| repo.id);
        id(&self.head).is_some() && id(&self.head) == id(&self.base)
    }

    pub(super) fn is_from(&self, branch: &str) -> bool {
        self.head.branch == branch && self.is_from_here()
    }

    /// Tells whether it is to be merged into this branch.
    pub(super) fn is_into(&self, branch: &str) -> bool {
        self.base.branch == branch
    }

    pub(super) fn branch(&self) -> &str {
        &self.head.branch
    }

    pub(super) fn is_by(&self, login: &str) -> bool {
        self.user.as_ref().is_some_and(|user| user.login.eq_ignore_ascii_case(login))
    }

    pub(super) fn has_label(&self, wanted: &str) -> bool {
        self.labels.iter().any(|label| label.is(wanted))
    }

    pub(super) fn state(&self) -> PullState {
        match (&self.merged_at, self.state.as_str()) {
            (Some(at), _) => PullState::Merged { at: time(Some(at)) },
            (None, "open") => PullState::Open,
            (None, _) => PullState::Closed,
        }
    }

    pub(super) fn reference(&self) -> PullRequest {
        PullRequest { number: IssueNumber(self.number), url: address(&self.html_url), state: self.state() }
    }

    /// Returns the commit that its branch is at, or was when it was merged or closed.
    pub(super) fn head(&self) -> Result<String, Failure> {
        checked(self.head.sha.clone())
    }

    pub(super) fn shown_to(&self, login: &str) -> Result<FoundPull, Failure> {
        Ok(FoundPull { pull: self.reference(), branch: self.head.branch.clone(), head: self.head()?, ours: self.is_by(login) })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn answer(change: impl FnOnce(&mut Value)) -> PullAnswer {
        let mut pull = json!({
            "number": 8, "html_url": "https://github.com/acme/shop/pull/8", "state": "open", "merged_at": null, "body": "text",
            "user": { "login": "Healer[bot]" }, "labels": [{ "name": "needs-review" }],
            "head": { "ref": "auto-fix/issue-7-x", "sha": "a".repeat(40), "repo": { "id": 1 } },
            "base": { "ref": "main", "sha": "b".repeat(40), "repo": { "id": 1 } },
        });
        change(&mut pull);
        serde_json::from_value(pull).unwrap()
    }

    #[test]
    fn what_became_of_a_pull_request_is_read() {
        assert_eq!(answer(|_| {}).state(), PullState::Open);
        assert_eq!(answer(|pull| pull["state"] = json!("closed")).state(), PullState::Closed);
        let merged = answer(|pull| {
            pull["state"] = json!("closed");
            pull["merged_at"] = json!("2026-11-25T13:10:32Z");
        });
        assert!(matches!(merged.state(), PullState::Merged { at } if at.to_string() == "2026-11-25T13:10:32.000Z"));
    }

    #[test]
    fn a_branch_of_that_name_in_a_fork_is_another_one() {
        let branch = "auto-fix/issue-7-x";
        assert!(answer(|_| {}).is_from(branch));
        assert!(!answer(|_| {}).is_from("auto-fix/issue-7-y"));
        assert!(!answer(|pull| pull["head"]["repo"]["id"] = json!(2)).is_from(branch));
        assert!(!answer(|pull| pull["head"]["repo"] = Value::Null).is_from(branch));
    }

    #[test]
    fn only_the_bots_own_are_its_own() {
        assert!(answer(|_| {}).shown_to("healer[bot]").is_ok_and(|found| found.ours));
        assert!(answer(|_| {}).shown_to("alice").is_ok_and(|found| !found.ours));
        assert!(answer(|pull| pull["user"] = Value::Null).shown_to("healer[bot]").is_ok_and(|found| !found.ours));
        assert!(answer(|pull| pull["head"]["sha"] = json!("../..")).shown_to("healer[bot]").is_err());
    }
}
