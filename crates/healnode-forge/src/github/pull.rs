//! Draft pull requests on GitHub.
//!
//! The branch comes first, and is made once: git lets one of several rivals make a ref. Whoever finds it with a commit of healnode's goes on
//! with it, whoever finds it with a commit of people's leaves it alone. A branch is only ever moved forward from where it was expected,
//! never forced, and deleted only by `tidy`, when a person asks; nothing is merged. A right that is missing for any of this is no reason to stop filing issues.

mod answer;
mod assign;
mod branch;
mod look;
mod open;
mod publish;
mod remark;
mod tidy;

use healnode_core::{ForgeReply, PullCall, PullReply};

use super::GitHub;
use super::exchange::Failure;
use crate::RepoName;

pub use self::tidy::{BranchFate, OwnBranch, Tidying};

/// What the making of branches and commits needs.
const CONTENTS: &str = "Contents: read and write";

/// What the reading and opening of pull requests needs.
const PULLS: &str = "Pull requests: read and write";

impl GitHub {
    /// Carries out one call about pull requests.
    pub(super) async fn pull(&mut self, call: PullCall) -> Result<ForgeReply, Failure> {
        match call {
            PullCall::Look { branch } => self.look_for_pulls(&branch).await.map(ForgeReply::Pull),
            PullCall::Survey => self.survey_pulls().await.map(ForgeReply::Pull),
            PullCall::Open(draft) => self.open_pull(&draft).await.map(ForgeReply::Pull),
            PullCall::Publish(publication) => {
                let head = self.publish(&publication).await?;
                Ok(ForgeReply::Pull(PullReply::Published { head }))
            }
            PullCall::CommentOnce { number, key, text } => self.comment_once(number, &key, &text).await,
            PullCall::Assign { number, instructions } => self.assign(number, &instructions).await.map(ForgeReply::Pull),
        }
    }
}

impl Failure {
    /// Makes of the want of a right a refusal of this request alone, so that issues are filed all the same.
    fn for_want_of(self, right: &str, repo: &RepoName) -> Self {
        let named = self.answer.as_ref().and_then(|answer| answer.missing_permissions()).unwrap_or(right).to_owned();
        self.of_feature(|| {
            format!(
                "The token may not do this in {repo}: it needs {named}; grant it where the token was made. Issues are filed all the same."
            )
        })
    }

    /// Tells whether a rule of the repository stands against it.
    fn is_about_rules(&self) -> bool {
        let refused = matches!(self.status(), Some(403 | 409 | 422));
        refused && ["rule violation", "gh006", "gh013", "protected branch"].iter().any(|phrase| self.says(phrase))
    }

    /// Turns a lost answer to a write that nobody sees yet into a plain "try again".
    fn of_object(self) -> Self {
        self.unreachable_if_unclear(
            "GitHub gave no whole answer while a commit was made that nothing points to yet, so nothing was changed; it is tried again.",
        )
    }
}

/// Returns what people are told when a rule keeps healnode from its branch.
fn against_rules(branch: &str, repo: &RepoName) -> String {
    format!(
        "A rule of {repo} keeps this account from making or moving the branch {branch}; let the account bypass it, or except auto-fix/** from it."
    )
}
