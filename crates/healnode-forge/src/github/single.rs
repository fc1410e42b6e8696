//! One issue by its number: whether it is there, and whether it is this account's own.

use healnode_core::IssueNumber;
use http::Method;

use super::GitHub;
use super::exchange::{Failure, Route, parse};
use super::issue::IssueAnswer;
use super::outcome::{Act, Answer, Obstacle};

/// How often a single issue is asked for before a 404 is believed: a fresh one may not have reached every replica.
const TRIES: usize = 3;

/// What there is under a number.
pub(super) enum Single {
    /// The issue.
    Here(Box<IssueAnswer>),
    /// It is in another repository now, at this address if that could be found out.
    Moved { to: Option<String> },
    /// It was deleted.
    Deleted,
    /// There is none, for all that GitHub shows.
    NotFound,
}

impl GitHub {
    pub(super) async fn single_issue(&mut self, number: IssueNumber) -> Result<Single, Failure> {
        let failure = match self.get_issue(number).await {
            Ok(answer) => return self.here_or_moved(number, &answer),
            Err(failure) => failure,
        };
        let single = match (failure.status(), &failure.answer) {
            (Some(404), _) => Single::NotFound,
            (Some(410), _) => Single::Deleted,
            (Some(301 | 302 | 307 | 308), Some(answer)) if failure.obstacle == Obstacle::Moved => {
                Single::Moved { to: self.address_after(answer).await }
            }
            _ => return Err(failure),
        };
        // Without the repository nothing can be said about its issues.
        self.find_repository().await?;
        Ok(single)
    }

    /// Reads one issue, and makes sure that it is this account's own and was not moved elsewhere.
    pub(super) async fn own_issue(&mut self, number: IssueNumber) -> Result<IssueAnswer, Failure> {
        let login = self.learn_login().await?;
        match self.single_issue(number).await? {
            Single::Here(issue) if issue.is_by(&login) => Ok(*issue),
            Single::Here(_) => Err(Failure::invalid(format!("Issue {number} was not filed by {login}, so it is left alone."))),
            Single::Moved { .. } => Err(Failure::invalid(format!("Issue {number} was moved to another repository, so it is left alone."))),
            Single::Deleted | Single::NotFound => {
                Err(Failure::invalid(format!("Issue {number} is not in {} any more, so it is left alone.", self.repo)))
            }
        }
    }

    fn here_or_moved(&self, number: IssueNumber, answer: &Answer) -> Result<Single, Failure> {
        let issue: IssueAnswer = parse(Act::Read, answer)?;
        if issue.number == number.0 && issue.may_be_in(&self.repo) {
            return Ok(Single::Here(Box::new(issue)));
        }
        Ok(Single::Moved { to: Some(issue.reference().url).filter(|url| !url.is_empty()) })
    }

    /// Follows a redirect of one issue to find out where people read it now.
    async fn address_after(&mut self, answer: &Answer) -> Option<String> {
        let route = answer.location()?;
        let answer = self.send(Act::Read, &Method::GET, Route::Root(&route), None).await.ok()?;
        let issue: IssueAnswer = parse(Act::Read, &answer).ok()?;
        Some(issue.reference().url).filter(|url| !url.is_empty())
    }

    async fn get_issue(&mut self, number: IssueNumber) -> Result<Answer, Failure> {
        let route = format!("/issues/{}", number.0);
        let mut tries = 1;
        loop {
            match self.send(Act::Read, &Method::GET, Route::Repo(&route), None).await {
                Err(failure) if failure.status() == Some(404) && tries < TRIES => {
                    tries += 1;
                    tokio::time::sleep(self.pacer.pace().between_tries).await;
                }
                other => return other,
            }
        }
    }
}
