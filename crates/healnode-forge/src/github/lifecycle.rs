//! What becomes of an issue after it was filed: read, commented on, reopened, closed, marked quiet.
//!
//! A change of state comes first and its comment after it, and neither is repeated once the state is as wanted: a lost answer costs a
//! comment at worst, and never makes a second one. A right that is missing for one of these is no reason to stop filing.

use healnode_core::{CloseReason, ForgeReply, FoundIssue, IssueNumber, QUIET_LABEL};
use http::Method;
use serde_json::{Value, json};

use super::GitHub;
use super::exchange::{Failure, Route, parse};
use super::issue::{CommentAnswer, IssueAnswer};
use super::outcome::{Act, Obstacle};
use super::single::Single;
use crate::percent::encode;

impl GitHub {
    pub(super) async fn inspect(&mut self, number: IssueNumber) -> Result<ForgeReply, Failure> {
        let login = self.learn_login().await?;
        let issue = match self.single_issue(number).await? {
            Single::Here(issue) => issue,
            Single::Moved { to } => return Ok(ForgeReply::Gone { moved_to: to }),
            Single::Deleted | Single::NotFound => return Ok(ForgeReply::Gone { moved_to: None }),
        };
        let mut found = issue.shown_to(&login, &self.approval_label);
        self.find_twin(&mut found, &issue, &login).await?;
        Ok(ForgeReply::Issue(Box::new(found)))
    }

    /// Finds out of what an issue was closed as a duplicate: GitHub tells only in a comment. On servers that know no duplicates this account
    /// itself has closed it as not planned, with such a comment.
    async fn find_twin(&mut self, found: &mut FoundIssue, issue: &IssueAnswer, login: &str) -> Result<(), Failure> {
        let Some(closing) = &mut found.closing else { return Ok(()) };
        let only_own = match closing.reason {
            CloseReason::Duplicate { .. } => false,
            CloseReason::NotPlanned if issue.is_by(login) && issue.has_comments() => true,
            CloseReason::NotPlanned | CloseReason::Completed => return Ok(()),
        };
        let route = format!("/issues/{}/comments?per_page=100", issue.number);
        let comments = match self.send(Act::Read, &Method::GET, Route::Repo(&route), None).await {
            Err(failure) if failure.declines_feature() => return Ok(()),
            other => parse::<Vec<CommentAnswer>>(Act::Read, &other?)?,
        };
        let believed = comments.iter().filter(|comment| comment.is_by(login) || (!only_own && comment.is_by_a_member()));
        let of = believed.filter_map(CommentAnswer::duplicate_of).rfind(|of| of.0 != issue.number);
        if of.is_some() {
            closing.reason = CloseReason::Duplicate { of };
        }
        Ok(())
    }

    pub(super) async fn comment(&mut self, number: IssueNumber, text: &str) -> Result<ForgeReply, Failure> {
        let issue = self.own_issue(number).await?;
        self.refuse_locked(&issue)?;
        self.post_comment(number, text).await?;
        Ok(ForgeReply::Done)
    }

    pub(super) async fn reopen(&mut self, number: IssueNumber, comment: &str) -> Result<ForgeReply, Failure> {
        let issue = self.own_issue(number).await?;
        if issue.is_open() {
            return Ok(ForgeReply::Done);
        }
        self.refuse_locked(&issue)?;
        self.change_state(&issue, &json!({ "state": "open", "state_reason": "reopened" }), comment).await
    }

    pub(super) async fn close(&mut self, number: IssueNumber, comment: &str) -> Result<ForgeReply, Failure> {
        let issue = self.own_issue(number).await?;
        if !issue.is_open() {
            return Ok(ForgeReply::Done);
        }
        self.change_state(&issue, &json!({ "state": "closed", "state_reason": "completed" }), comment).await
    }

    async fn change_state(&mut self, issue: &IssueAnswer, change: &Value, comment: &str) -> Result<ForgeReply, Failure> {
        let number = IssueNumber(issue.number);
        let sentence = || format!("This account may not open or close issue {number}; grant it the triage role, or leave that to people.");
        self.patch(number, change).await.map_err(|failure| failure.of_feature(sentence))?;
        if !issue.locked
            && let Err(failure) = self.post_comment(number, comment).await
        {
            tracing::info!(%number, obstacle = ?failure.obstacle, "an issue was opened or closed, but the comment that says why may be missing");
        }
        Ok(ForgeReply::Done)
    }

    pub(super) async fn mark_quiet(&mut self, number: IssueNumber, quiet: bool) -> Result<ForgeReply, Failure> {
        let issue = self.own_issue(number).await?;
        if issue.has_label(QUIET_LABEL) == quiet {
            return Ok(ForgeReply::Done);
        }
        let sentence = || format!("This account may not label issue {number}, so it goes without; grant it the triage role.");
        let marked = if quiet { self.add_labels(number, &[QUIET_LABEL]).await } else { self.remove_label(number, QUIET_LABEL).await };
        marked.map_err(|failure| failure.of_feature(sentence))?;
        Ok(ForgeReply::Done)
    }

    /// Adds those of the labels that the issue lacks, and takes none away. Where that is not allowed the issue goes without.
    pub(super) async fn add_missing_labels(&mut self, issue: &IssueAnswer, labels: &[String]) -> Result<(), Failure> {
        let missing: Vec<&str> = labels.iter().map(String::as_str).filter(|label| !issue.has_label(label)).collect();
        if missing.is_empty() {
            return Ok(());
        }
        let number = IssueNumber(issue.number);
        match self.add_labels(number, &missing).await {
            Err(failure) if failure.declines_feature() || failure.is_about_labels() => {
                tracing::info!(%number, obstacle = ?failure.obstacle, "an issue goes without a label");
                Ok(())
            }
            other => other,
        }
    }

    /// Adds labels. To set them all would race with people.
    async fn add_labels(&mut self, number: IssueNumber, labels: &[&str]) -> Result<(), Failure> {
        for label in labels {
            self.prepare_label(label).await?;
        }
        let route = format!("/issues/{}/labels", number.0);
        self.send(Act::Change, &Method::POST, Route::Repo(&route), Some(&json!({ "labels": labels }))).await.map(drop)
    }

    async fn remove_label(&mut self, number: IssueNumber, label: &str) -> Result<(), Failure> {
        let route = format!("/issues/{}/labels/{}", number.0, encode(label, b""));
        match self.send(Act::Change, &Method::DELETE, Route::Repo(&route), None).await {
            // A person was faster.
            Err(failure) if failure.status() == Some(404) => Ok(()),
            other => other.map(drop),
        }
    }

    pub(super) async fn close_duplicate(&mut self, number: IssueNumber, of: IssueNumber) -> Result<ForgeReply, Failure> {
        let kept = self.own_issue(of).await?;
        let closing = self.own_issue(number).await?;
        if !closing.is_open() {
            return Ok(ForgeReply::Done);
        }
        let linked = json!({ "state": "closed", "state_reason": "duplicate", "duplicate_issue_id": kept.id });
        let sentence = || format!("This account may not close issue {number}, so the duplicate stays open.");
        match self.patch(number, &linked).await.map_err(|failure| failure.of_feature(sentence)) {
            Err(Failure { obstacle: Obstacle::Invalid(_), .. }) => {
                // For Enterprise servers that know no duplicates.
                let plain = json!({ "state": "closed", "state_reason": "not_planned" });
                return self.change_state(&closing, &plain, &format!("Duplicate of {of}")).await;
            }
            other => other?,
        }
        Ok(ForgeReply::Done)
    }

    /// A comment may not be written twice, so whoever gets no clear answer must not call this again.
    pub(super) async fn post_comment(&mut self, number: IssueNumber, text: &str) -> Result<(), Failure> {
        let route = format!("/issues/{}/comments", number.0);
        let sentence = || format!("This account may not comment on issue {number}, so nothing was written.");
        let sent = self.send(Act::Comment, &Method::POST, Route::Repo(&route), Some(&json!({ "body": text }))).await;
        sent.map(drop).map_err(|failure| failure.of_feature(sentence))
    }

    pub(super) fn refuse_locked(&self, issue: &IssueAnswer) -> Result<(), Failure> {
        if !issue.locked {
            return Ok(());
        }
        Err(Failure::invalid(format!(
            "The conversation on issue #{} is locked, so it is left alone; unlock it to have it kept.",
            issue.number
        )))
    }
}
