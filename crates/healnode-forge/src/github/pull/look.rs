//! Which pull requests there are.
//!
//! For one branch the list is read whole or not believed. A survey reads the newest and says in the log when there are more: it tells what
//! became of pull requests, never that there is none.

use healnode_core::{BRANCH_PREFIX, BranchHead, IssueNumber, PullReply, PullState};
use http::Method;

use super::PULLS;
use super::answer::{PullAnswer, PullText};
use crate::github::GitHub;
use crate::github::exchange::{Failure, Route, parse};
use crate::github::outcome::Act;
use crate::percent::encode;
use crate::pull_rules::is_own_message;

/// Pages of 100 pull requests that one branch may have. More are refused: nothing can be said of half a list.
const BRANCH_PAGES_MAX: usize = 5;

/// Pages of 100 pull requests that a survey reads, the newest first. Older ones are left out, and that is logged.
///
/// 20: what a repository sees in months, for 0.4 % of an hour's requests.
const SURVEY_PAGES_MAX: usize = 20;

impl GitHub {
    pub(super) async fn look_for_pulls(&mut self, branch: &str) -> Result<PullReply, Failure> {
        let login = self.learn_login().await?;
        let listed = self.pulls_from(branch).await?;
        let pulls = listed.iter().map(|pull| pull.shown_to(&login)).collect::<Result<_, _>>()?;
        // GitHub closes a pull request whose branch is deleted.
        let head = match listed.iter().any(|pull| pull.state() == PullState::Open) {
            true => self.read_fresh_branch(branch).await?,
            false => self.read_branch(branch).await?,
        };
        let branch = head.map(|head| BranchHead { ours: is_own_message(&head.made.message), commit: head.commit });
        Ok(PullReply::Found { pulls, branch })
    }

    pub(super) async fn survey_pulls(&mut self) -> Result<PullReply, Failure> {
        let login = self.learn_login().await?;
        let route = "/pulls?state=all&sort=created&direction=desc&per_page=100";
        let pages =
            self.read_pages::<PullAnswer>(route, SURVEY_PAGES_MAX).await.map_err(|failure| failure.for_want_of(PULLS, &self.repo))?;
        if !pages.is_whole {
            tracing::info!(repo = %self.repo, read = pages.items.len(), "of very many pull requests the oldest are not looked at");
        }
        let own = |pull: &&PullAnswer| pull.is_by(&login) && pull.is_from_here() && pull.branch().starts_with(BRANCH_PREFIX);
        let mut pulls = pages.items.iter().filter(own).map(|pull| pull.shown_to(&login)).collect::<Result<Vec<_>, _>>()?;
        // One that was opened while the pages were read pushes another onto the next page.
        pulls.sort_by_key(|found| found.pull.number);
        pulls.dedup_by_key(|found| found.pull.number);
        Ok(PullReply::Found { pulls, branch: None })
    }

    /// Lists the pull requests of any state from a branch of this repository, whoever opened them.
    pub(super) async fn pulls_from(&mut self, branch: &str) -> Result<Vec<PullAnswer>, Failure> {
        let head = encode(&format!("{}:{branch}", self.repo.owner()), b"");
        let route = format!("/pulls?head={head}&state=all&per_page=100");
        let pages =
            self.read_pages::<PullAnswer>(&route, BRANCH_PAGES_MAX).await.map_err(|failure| failure.for_want_of(PULLS, &self.repo))?;
        if !pages.is_whole {
            let why = format!("There are too many pull requests for the branch {branch} to look through, so it is left alone.");
            return Err(Failure::invalid(why));
        }
        Ok(pages.items.into_iter().filter(|pull| pull.is_from(branch)).collect())
    }

    /// Reads one pull request, and its text.
    pub(super) async fn read_pull(&mut self, number: IssueNumber) -> Result<(PullAnswer, String), Failure> {
        let route = format!("/pulls/{}", number.0);
        let answer = match self.send(Act::Read, &Method::GET, Route::Repo(&route), None).await {
            Err(failure) if failure.status() == Some(404) => {
                // Without the repository nothing can be said about its pull requests.
                self.find_repository().await?;
                return Err(Failure::invalid(format!("There is no pull request {number} in {} that this token may see.", self.repo)));
            }
            other => other.map_err(|failure| failure.for_want_of(PULLS, &self.repo))?,
        };
        let pull: PullAnswer = parse(Act::Read, &answer)?;
        let text: PullText = parse(Act::Read, &answer)?;
        if pull.number == number.0 { Ok((pull, text.body.unwrap_or_default())) } else { Err(Failure::garbage(Act::Read)) }
    }
}
