//! Handing an issue to the forge's own coding agent.
//!
//! GitHub takes the request of a credential that may not do this and does nothing, so the issue is read back. The agent makes a branch and a
//! pull request of its own, which healnode never touches.

use healnode_core::{IssueNumber, PullReply};
use http::Method;
use serde_json::json;

use crate::CredentialKind;
use crate::github::GitHub;
use crate::github::exchange::{Failure, Route};
use crate::github::issue::IssueAnswer;
use crate::github::outcome::{Act, Obstacle};

/// What the agent is assigned as.
const AGENT: &str = "copilot-swe-agent[bot]";

/// What it is called when the issue is read back: that differs between the ways of asking.
const AGENT_NAMES: [&str; 3] = [AGENT, "copilot-swe-agent", "Copilot"];

/// How often the issue is read back: an assignment may not have reached every replica.
const TRIES: usize = 3;

/// Characters of the instructions. The rest is cut: the issue itself says what is wrong.
const INSTRUCTIONS_CHARS_MAX: usize = 8_000;

impl GitHub {
    pub(super) async fn assign(&mut self, number: IssueNumber, instructions: &str) -> Result<PullReply, Failure> {
        self.refuse_wrong_credential()?;
        let issue = self.own_issue(number).await?;
        if issue.is_assigned_to(&AGENT_NAMES) {
            return Ok(PullReply::Assigned);
        }
        if !issue.is_open() || issue.locked || issue.is_assigned() {
            let why = format!("Issue {number} is closed, locked, or assigned to somebody, so it is not handed to the coding agent.");
            return Err(Failure::invalid(why));
        }
        let base = self.default_branch().await?;
        let instructions: String = instructions.chars().take(INSTRUCTIONS_CHARS_MAX).collect();
        let agent = json!({
            "target_repo": self.repo.to_string(), "base_branch": base, "custom_instructions": instructions, "custom_agent": "", "model": "",
        });
        let body = json!({ "assignees": [AGENT], "agent_assignment": agent });
        let route = format!("/issues/{}/assignees", number.0);
        let unclear = match self.send(Act::Change, &Method::POST, Route::Repo(&route), Some(&body)).await {
            Ok(_) => None,
            Err(failure @ Failure { obstacle: Obstacle::Unclear(_), .. }) => Some(failure),
            Err(Failure { obstacle: Obstacle::Invalid(_), .. }) => return Err(self.not_taken(number)),
            Err(failure) => return Err(failure.of_feature(|| self.not_taken(number).sentence(&self.repo))),
        };
        if self.is_handed_over(number).await? {
            return Ok(PullReply::Assigned);
        }
        Err(unclear.unwrap_or_else(|| self.not_taken(number)))
    }

    /// GitHub lets only people hand work to its agent, and says nothing to anybody else.
    fn refuse_wrong_credential(&self) -> Result<(), Failure> {
        match self.credential {
            CredentialKind::App | CredentialKind::Installation => Err(Failure::invalid(format!(
                "GitHub's coding agent takes work from people only, and this is {}; use a person's token for that.",
                self.credential
            ))),
            CredentialKind::Classic
            | CredentialKind::FineGrained
            | CredentialKind::OAuth
            | CredentialKind::UserOfApp
            | CredentialKind::Other => Ok(()),
        }
    }

    async fn is_handed_over(&mut self, number: IssueNumber) -> Result<bool, Failure> {
        for tries in 1..=TRIES {
            let issue: IssueAnswer = self.own_issue(number).await?;
            if issue.is_assigned_to(&AGENT_NAMES) {
                return Ok(true);
            }
            if tries < TRIES {
                tokio::time::sleep(self.pacer.pace().between_tries).await;
            }
        }
        Ok(false)
    }

    fn not_taken(&self, number: IssueNumber) -> Failure {
        Failure::invalid(format!(
            "GitHub did not assign its coding agent to issue {number}: it has to be enabled for {}, and the token needs Actions, Contents, Issues and Pull requests: read and write.",
            self.repo
        ))
    }
}
