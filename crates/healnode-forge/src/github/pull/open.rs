//! Opening a draft pull request, once.
//!
//! Whatever was opened for the branch before counts, in any state: one that a person closed is not made again. The POST is sent once, under
//! the lease; after an answer that says nothing clear the list is read, and nothing is sent again. Labels come last, and are done without.

use healnode_core::{IssueNumber, PullDraft, PullReply, PullState};
use http::Method;
use serde_json::json;

use super::PULLS;
use super::answer::PullAnswer;
use crate::github::GitHub;
use crate::github::exchange::{Failure, Route};
use crate::github::outcome::{Act, Obstacle};
use crate::pull_rules::fault_in_draft;

/// Labels of one pull request. More are left out: nobody needs them, and each costs a request.
const LABELS_MAX: usize = 16;

/// What the one POST came to.
enum Posted {
    Opened(Box<PullAnswer>),
    NoDrafts,
}

impl GitHub {
    pub(super) async fn open_pull(&mut self, draft: &PullDraft) -> Result<PullReply, Failure> {
        if !self.lease.lets_create(self.clock.at_most()) {
            return Err(Failure::new(Obstacle::Unleased));
        }
        if let Some(fault) = fault_in_draft(draft) {
            return Err(Failure::invalid(fault));
        }
        if let Some(known) = self.known_pull(&draft.branch).await? {
            return Ok(PullReply::Opened { pull: known.reference(), head: known.head()? });
        }
        let base = self.default_branch().await?;
        let head = self.claim_branch(draft, &base).await?;
        if let Some(known) = self.known_pull(&draft.branch).await? {
            return Ok(PullReply::Opened { pull: known.reference(), head });
        }
        match self.post_pull(draft, &base).await? {
            Posted::Opened(pull) => {
                self.label_pull(&pull, &draft.labels).await;
                Ok(PullReply::Opened { pull: pull.reference(), head })
            }
            Posted::NoDrafts => Ok(PullReply::NoDrafts),
        }
    }

    /// Returns the pull request that this account opened from a branch, an open one if there is one.
    async fn known_pull(&mut self, branch: &str) -> Result<Option<PullAnswer>, Failure> {
        let login = self.learn_login().await?;
        let listed = self.pulls_from(branch).await?;
        let foreign = listed.iter().find(|pull| !pull.is_by(&login)).map(|pull| pull.number);
        let own = listed.into_iter().filter(|pull| pull.is_by(&login));
        let found = own.min_by_key(|pull| (pull.state() != PullState::Open, pull.number));
        match (found, foreign) {
            (None, Some(number)) => Err(Failure::overtaken(format!(
                "Somebody else has opened pull request #{number} from the branch {branch}, so it is left alone and none is opened."
            ))),
            (found, _) => Ok(found),
        }
    }

    async fn post_pull(&mut self, draft: &PullDraft, base: &str) -> Result<Posted, Failure> {
        let body = json!({ "title": draft.title, "head": draft.branch, "base": base, "body": draft.body, "draft": true });
        let sent = self.send(Act::Open, &Method::POST, Route::Repo("/pulls"), Some(&body)).await;
        let failure = match sent.and_then(|answer| self.pull_in(&answer.body, &draft.branch)) {
            Ok(pull) => return Ok(Posted::Opened(Box::new(pull))),
            Err(failure) => failure,
        };
        let refused = failure.status() == Some(422);
        if refused && failure.says("draft") && failure.says("not supported") {
            return Ok(Posted::NoDrafts);
        }
        let exists = refused && failure.says("already exists");
        if exists || matches!(failure.obstacle, Obstacle::Unclear(_)) {
            return match self.known_pull(&draft.branch).await {
                Ok(Some(pull)) => Ok(Posted::Opened(Box::new(pull))),
                Err(overtaken @ Failure { obstacle: Obstacle::Overtaken(_), .. }) => Err(overtaken),
                Ok(None) | Err(_) if exists => Err(Failure::new(Obstacle::Unclear(format!(
                    "GitHub says that there is a pull request for {}, but does not show it; it is looked for again.",
                    draft.branch
                )))),
                Ok(None) | Err(_) => Err(failure),
            };
        }
        Err(self.refused_pull(failure, draft))
    }

    fn pull_in(&mut self, body: &[u8], branch: &str) -> Result<PullAnswer, Failure> {
        match serde_json::from_slice::<PullAnswer>(body) {
            Ok(pull) if pull.number > 0 && pull.is_from(branch) && pull.head().is_ok() => Ok(pull),
            Ok(_) | Err(_) => {
                self.moved = true;
                Err(Failure::garbage(Act::Open))
            }
        }
    }

    fn refused_pull(&self, failure: Failure, draft: &PullDraft) -> Failure {
        let (repo, branch) = (&self.repo, &draft.branch);
        if failure.says("not permitted to create or approve pull requests") {
            return Failure::invalid(format!(
                "The settings of {repo} keep GitHub Actions from opening pull requests; allow it there under Actions, General."
            ));
        }
        match failure.status() {
            Some(422) if failure.says("no commits between") => {
                Failure::invalid(format!("The branch {branch} has no commit of its own by now, so no pull request can be opened from it."))
            }
            // A fresh branch may not have reached the replica that was asked.
            Some(422) if failure.says("\"head\"") => Failure::unreachable(format!(
                "GitHub does not see the branch {branch} yet, so no pull request was opened; it is tried again."
            )),
            _ => failure.for_want_of(PULLS, repo),
        }
    }

    /// Puts the labels on that are missing. Nothing that fails here is worth more than a line in the log.
    async fn label_pull(&mut self, pull: &PullAnswer, labels: &[String]) {
        let missing: Vec<&String> = labels.iter().filter(|label| !pull.has_label(label)).take(LABELS_MAX).collect();
        let mut ready = Vec::new();
        for label in missing {
            match self.prepare_label(label).await {
                Ok(()) => ready.push(label),
                Err(failure) => {
                    tracing::info!(%label, obstacle = ?failure.obstacle, "a label could not be made; the pull request goes without");
                }
            }
        }
        if ready.is_empty() {
            return;
        }
        let number = IssueNumber(pull.number);
        let route = format!("/issues/{}/labels", number.0);
        let labelled = self.send(Act::Change, &Method::POST, Route::Repo(&route), Some(&json!({ "labels": ready }))).await;
        if let Err(failure) = labelled {
            tracing::info!(%number, obstacle = ?failure.obstacle, "the pull request may lack its labels");
        }
    }
}
