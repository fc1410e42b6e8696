//! The branch of a pull request: read, and made once.

use healnode_core::PullDraft;
use http::Method;
use serde_json::json;

use super::{CONTENTS, against_rules};
use crate::github::GitHub;
use crate::github::exchange::{Failure, Route};
use crate::github::git::{Commit, is_about_emptiness, target_in};
use crate::github::outcome::{Act, Obstacle};
use crate::percent::encode;
use crate::pull_rules::is_own_message;

/// How often a ref is read that is said to exist: a fresh one may not have reached every replica.
const TRIES: usize = 3;

/// Where a branch is.
pub(super) struct Head {
    pub(super) commit: String,
    pub(super) made: Commit,
}

impl GitHub {
    /// Reads where a branch is; nothing when there is none.
    pub(super) async fn read_branch(&mut self, branch: &str) -> Result<Option<Head>, Failure> {
        let Some(commit) = self.read_tip(branch).await? else { return Ok(None) };
        let made = self.read_commit(&commit).await.map_err(|failure| failure.for_want_of(CONTENTS, &self.repo))?;
        Ok(Some(Head { commit, made }))
    }

    /// Reads the name of a branch's newest commit.
    pub(super) async fn read_tip(&mut self, branch: &str) -> Result<Option<String>, Failure> {
        let route = format!("/git/ref/heads/{}", encode(branch, b"/"));
        match self.send(Act::Read, &Method::GET, Route::Repo(&route), None).await {
            Err(failure) if failure.status() == Some(404) || is_about_emptiness(&failure) => Ok(None),
            other => target_in(&other.map_err(|failure| failure.for_want_of(CONTENTS, &self.repo))?).map(Some),
        }
    }

    /// Returns the name of the branch that pull requests are merged into.
    pub(super) async fn default_branch(&mut self) -> Result<String, Failure> {
        let named = self.find_repository().await?.default_branch.filter(|name| !name.is_empty());
        named.ok_or_else(|| Failure::garbage(Act::Read))
    }

    /// Makes sure that the branch of a draft is there, and is healnode's. Returns the commit that it is at.
    pub(super) async fn claim_branch(&mut self, draft: &PullDraft, base: &str) -> Result<String, Failure> {
        match self.read_branch(&draft.branch).await? {
            Some(head) => own_head(head, &draft.branch),
            None => self.make_branch(draft, base).await,
        }
    }

    async fn make_branch(&mut self, draft: &PullDraft, base: &str) -> Result<String, Failure> {
        let from = self.read_branch(base).await?.ok_or_else(|| self.nothing_to_begin_with(base))?;
        let commit = json!({ "message": draft.message, "tree": from.made.tree, "parents": [from.commit] });
        let sha =
            self.make_object("/git/commits", &commit).await.map_err(|failure| failure.for_want_of(CONTENTS, &self.repo).of_object())?;
        let body = json!({ "ref": format!("refs/heads/{}", draft.branch), "sha": sha });
        let failure = match self.send(Act::Change, &Method::POST, Route::Repo("/git/refs"), Some(&body)).await {
            Ok(answer) if target_in(&answer).is_ok_and(|target| target == sha) => return Ok(sha),
            Ok(_) => Failure::garbage(Act::Change),
            Err(failure) => failure,
        };
        if failure.is_about_rules() {
            return Err(Failure::invalid(against_rules(&draft.branch, &self.repo)));
        }
        let exists = failure.status() == Some(422) && failure.says("already exists");
        if exists || matches!(failure.obstacle, Obstacle::Unclear(_)) {
            // The ref itself tells who made it.
            return match self.read_fresh_branch(&draft.branch).await? {
                Some(head) => own_head(head, &draft.branch),
                None => Err(failure.of_hidden_branch(&draft.branch)),
            };
        }
        if failure.status() == Some(422) {
            return Err(Failure::invalid(format!(
                "GitHub refuses to make the branch {} in {}; a branch that is called auto-fix may be in its way.",
                draft.branch, self.repo
            )));
        }
        Err(failure.for_want_of(CONTENTS, &self.repo))
    }

    /// Reads where a branch is that there should be.
    pub(super) async fn read_fresh_branch(&mut self, branch: &str) -> Result<Option<Head>, Failure> {
        for _try in 1..TRIES {
            if let Some(head) = self.read_branch(branch).await? {
                return Ok(Some(head));
            }
            tokio::time::sleep(self.pacer.pace().between_tries).await;
        }
        self.read_branch(branch).await
    }

    fn nothing_to_begin_with(&self, base: &str) -> Failure {
        Failure::invalid(format!("{} has no commit on its default branch {base:?}, so there is nothing to propose a change to.", self.repo))
    }
}

impl Failure {
    /// Says that a branch is not to be seen that was just made, or that is said to be there.
    fn of_hidden_branch(self, branch: &str) -> Self {
        if self.is_unclear() {
            return Self::new(Obstacle::Unclear(format!(
                "GitHub gave no clear answer about the branch {branch}, so no pull request was opened; both are looked for before it is tried again."
            )));
        }
        Self::unreachable(format!(
            "GitHub says that the branch {branch} exists, but does not show it yet, so nothing was opened; it is tried again."
        ))
    }
}

fn own_head(head: Head, branch: &str) -> Result<String, Failure> {
    if is_own_message(&head.made.message) {
        return Ok(head.commit);
    }
    Err(Failure::overtaken(format!("The branch {branch} has commits of people's, so it is left alone and no pull request is opened.")))
}
