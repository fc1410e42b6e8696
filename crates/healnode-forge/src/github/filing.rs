//! Creating an issue, once, and keeping its text up to date.

use healnode_core::{ForgeReply, IssueDraft, IssueNumber};
use http::Method;
use serde_json::{Value, json};

use super::GitHub;
use super::exchange::{Failure, Route, parse};
use super::issue::IssueAnswer;
use super::outcome::{Act, Answer};
use crate::forge::changed_body;

impl GitHub {
    pub(super) async fn create(&mut self, draft: &IssueDraft) -> Result<ForgeReply, Failure> {
        self.lease.begin_create();
        let outcome = self.create_once(draft).await;
        self.lease.end_create(outcome.as_ref().ok().map(|issue| IssueNumber(issue.number)));
        let issue = outcome?;
        let missing = draft.labels.iter().filter(|label| !issue.has_label(label)).count();
        if missing > 0 {
            tracing::info!(number = issue.number, missing, "the issue was filed without some of its labels");
        }
        Ok(ForgeReply::Created(issue.reference()))
    }

    async fn create_once(&mut self, draft: &IssueDraft) -> Result<IssueAnswer, Failure> {
        let answer = match self.post_issue(draft, &draft.labels).await {
            Err(failure) if !draft.labels.is_empty() && failure.is_about_labels() => {
                tracing::info!(repo = %self.repo, "labels were refused, so the issue is filed without");
                self.post_issue(draft, &[]).await?
            }
            other => other?,
        };
        let issue: IssueAnswer = parse(Act::Create, &answer)?;
        if issue.number == 0 || !issue.may_be_in(&self.repo) {
            self.moved = true;
            return Err(Failure::garbage(Act::Create));
        }
        Ok(issue)
    }

    async fn post_issue(&mut self, draft: &IssueDraft, labels: &[String]) -> Result<Answer, Failure> {
        let mut body = json!({ "title": draft.title, "body": draft.body });
        if !labels.is_empty() {
            body["labels"] = json!(labels);
        }
        self.send(Act::Create, &Method::POST, Route::Repo("/issues"), Some(&body)).await
    }

    /// The title stays as it is: it is the fingerprint's, which does not change, or a person's.
    pub(super) async fn update(&mut self, number: IssueNumber, draft: &IssueDraft) -> Result<ForgeReply, Failure> {
        let issue = self.own_issue(number).await?;
        // The text comes last: it says that nothing is left to do.
        self.add_missing_labels(&issue, &draft.labels).await?;
        if let Some(body) = changed_body(issue.body.as_deref().unwrap_or_default(), &draft.body) {
            self.patch(number, &json!({ "body": body })).await?;
        }
        Ok(ForgeReply::Done)
    }

    pub(super) async fn patch(&mut self, number: IssueNumber, change: &Value) -> Result<(), Failure> {
        let route = format!("/issues/{}", number.0);
        self.send(Act::Change, &Method::PATCH, Route::Repo(&route), Some(change)).await.map(drop)
    }
}
