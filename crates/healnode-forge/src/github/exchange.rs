//! From a request to what it came to.
//!
//! Keeps the pace, logs an app in, sends once, and lets `outcome.rs` judge the answer. A request is sent a second time in one case only:
//! the answer named the repository's new address, so it has done nothing.

use std::time::{Duration, SystemTime};

use healnode_core::{ForgeReply, Refusal, RefusalKind};
use http::{Method, Uri};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::client::Sender;
use super::clock::Moment;
use super::outcome::{self, Act, Answer, NoAnswer, Obstacle};
use super::{APP_REFUSED, GitHub};
use crate::RepoName;

/// What an exchange came to when it is not what was hoped for.
pub(super) struct Failure {
    pub(super) obstacle: Obstacle,
    /// What it was judged by, if anything came back.
    pub(super) answer: Option<Box<Answer>>,
}

/// Where a request goes.
pub(super) enum Route<'a> {
    /// Below the repository.
    Repo(&'a str),
    /// Anywhere below the API's address.
    Root(&'a str),
}

impl GitHub {
    /// Sends a request, and once more to the new address if the repository has one: an answer that names it has done nothing.
    pub(super) async fn send(&mut self, act: Act, method: &Method, route: Route<'_>, body: Option<&Value>) -> Result<Answer, Failure> {
        if self.moved {
            self.find_repository().await?;
        }
        match self.send_once(act, Sender::Bot, method, &self.path(&route), body).await {
            Err(failure) if failure.obstacle == Obstacle::Moved => {
                let before = self.repo.clone();
                self.find_repository().await?;
                if self.repo.is_same_as(&before) {
                    return Err(failure);
                }
                self.send_once(act, Sender::Bot, method, &self.path(&route), body).await
            }
            other => other,
        }
    }

    fn path(&self, route: &Route<'_>) -> String {
        match route {
            Route::Repo(rest) => format!("/repos/{}{rest}", self.repo),
            Route::Root(path) => (*path).to_owned(),
        }
    }

    pub(super) async fn send_once(
        &mut self,
        act: Act,
        sender: Sender,
        method: &Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Answer, Failure> {
        self.pacer.turn(act).await.map_err(|wait| Failure::new(Obstacle::Limited(Some(wait))))?;
        if sender == Sender::Bot {
            self.log_in().await?;
        }
        if matches!(act, Act::Create | Act::Open) && !self.lease.lets_create(self.clock.at_most()) {
            return Err(Failure::new(Obstacle::Unleased));
        }
        let sent = Moment::now();
        let exchange = self.client.send(act, sender, method, path, body).await;
        self.pacer.ended(act);
        if let Some(date) = exchange.as_ref().ok().and_then(Answer::date) {
            self.clock.note(date, sent);
        }
        self.settle(act, exchange)
    }

    async fn log_in(&mut self) -> Result<(), Failure> {
        match self.client.log_in().await {
            Ok(None) => Ok(()),
            Ok(Some(refusal)) => match self.settle(Act::Read, Ok(refusal)) {
                Err(Failure { obstacle: Obstacle::Denied(_), .. }) => Err(Failure::denied(APP_REFUSED.to_owned())),
                other => other.map(drop),
            },
            Err(silence) => self.settle(Act::Read, Err(silence)).map(drop),
        }
    }

    fn settle(&mut self, act: Act, exchange: Result<Answer, NoAnswer>) -> Result<Answer, Failure> {
        let answer = exchange.map_err(|silence| Failure::new(outcome::judge_silence(act, silence)))?;
        let obstacle = match outcome::judge_answer(act, &answer, &self.repo, i64::try_from(unix_seconds()).unwrap_or(i64::MAX)) {
            Err(Obstacle::Limited(named)) => Obstacle::Limited(Some(self.pacer.limited(named))),
            judged => {
                self.pacer.welcome();
                let Err(obstacle) = judged else { return Ok(answer) };
                obstacle
            }
        };
        // A redirected create comes back as a successful list; the next request finds out the new name first.
        self.moved |= matches!(act, Act::Comment | Act::Create | Act::Open) && answer.status.is_success();
        Err(Failure { obstacle, answer: Some(Box::new(answer)) })
    }
}

pub(super) fn parse<T: DeserializeOwned>(act: Act, answer: &Answer) -> Result<T, Failure> {
    serde_json::from_slice(&answer.body).map_err(|error| {
        tracing::debug!(%error, "an answer that the API does not describe");
        Failure::garbage(act)
    })
}

fn seconds(wait: Duration) -> u64 {
    wait.as_secs_f64().ceil() as u64
}

/// Returns the wall clock in Unix seconds.
pub(super) fn unix_seconds() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs()
}

impl Failure {
    pub(super) fn new(obstacle: Obstacle) -> Self {
        Self { obstacle, answer: None }
    }

    pub(super) fn denied(message: String) -> Self {
        Self::new(Obstacle::Denied(message))
    }

    pub(super) fn invalid(message: String) -> Self {
        Self::new(Obstacle::Invalid(message))
    }

    pub(super) fn overtaken(message: String) -> Self {
        Self::new(Obstacle::Overtaken(message))
    }

    pub(super) fn unreachable(message: String) -> Self {
        Self::new(Obstacle::Unreachable(message))
    }

    /// Returns whether there was no clear answer, so that what was sent may have taken effect.
    pub(super) fn is_unclear(&self) -> bool {
        match self.obstacle {
            Obstacle::Unclear(_) => true,
            Obstacle::Moved
            | Obstacle::Limited(_)
            | Obstacle::Denied(_)
            | Obstacle::Invalid(_)
            | Obstacle::Unleased
            | Obstacle::Overtaken(_)
            | Obstacle::Unreachable(_) => false,
        }
    }

    /// Turns a lost answer to a write that decides nothing into a plain "try again", told as `message`.
    pub(super) fn unreachable_if_unclear(self, message: &str) -> Self {
        if self.is_unclear() { Self::unreachable(message.to_owned()) } else { self }
    }

    pub(super) fn garbage(act: Act) -> Self {
        Self::new(outcome::judge_garbage(act))
    }

    /// Returns what the core is told.
    pub(super) fn reply(self, repo: &RepoName) -> ForgeReply {
        let message = self.sentence(repo);
        let kind = match self.obstacle {
            Obstacle::Unclear(_) => return ForgeReply::Unclear { why: message },
            Obstacle::Invalid(_) => RefusalKind::Invalid,
            Obstacle::Limited(wait) => RefusalKind::Limited { retry_after: wait.unwrap_or_default() },
            Obstacle::Denied(_) => RefusalKind::Denied,
            Obstacle::Unleased => RefusalKind::Unleased,
            Obstacle::Overtaken(_) => RefusalKind::Overtaken,
            // Not by a new name of the repository, which is followed: a proxy that wants to be logged in to leads elsewhere, too.
            Obstacle::Moved | Obstacle::Unreachable(_) => RefusalKind::Unreachable,
        };
        ForgeReply::Refused(Refusal { kind, message })
    }

    /// Returns what people are told: what happened, and how to mend it.
    pub(super) fn sentence(&self, repo: &RepoName) -> String {
        match &self.obstacle {
            Obstacle::Denied(sentence)
            | Obstacle::Invalid(sentence)
            | Obstacle::Overtaken(sentence)
            | Obstacle::Unreachable(sentence)
            | Obstacle::Unclear(sentence) => sentence.clone(),
            Obstacle::Limited(wait) => format!(
                "The rate limit for this token is reached, so nothing is sent for {} s; whatever else uses it counts too.",
                seconds(wait.unwrap_or_default())
            ),
            Obstacle::Unleased => format!("Too little is left of the lease on {repo}, so nothing was sent; it is taken anew."),
            Obstacle::Moved => {
                format!("GitHub, or a proxy in between, leads away from {repo}, so nothing was done; check forge.repo and the proxy.")
            }
        }
    }

    /// Tells whether the answer's text has this phrase, which is in lower case.
    pub(super) fn says(&self, phrase: &str) -> bool {
        self.answer.as_ref().is_some_and(|answer| answer.says(phrase))
    }

    pub(super) fn status(&self) -> Option<u16> {
        self.answer.as_ref().map(|answer| answer.status.as_u16())
    }

    /// Tells whether only what this route is for is refused, not the account as a whole.
    pub(super) fn declines_feature(&self) -> bool {
        let certain = matches!(self.obstacle, Obstacle::Denied(_)) && matches!(self.status(), Some(403 | 404 | 410));
        certain && self.answer.as_ref().is_some_and(|answer| !answer.refuses_everything())
    }

    /// Makes of a refusal of one feature a refusal of this request alone, so that filing goes on without it.
    pub(super) fn of_feature(self, sentence: impl FnOnce() -> String) -> Self {
        if self.declines_feature() { Self { obstacle: Obstacle::Invalid(sentence()), ..self } } else { self }
    }

    /// A label that does not exist and may not be made fails the whole create, certainly.
    pub(super) fn is_about_labels(&self) -> bool {
        let refused = matches!(self.obstacle, Obstacle::Denied(_) | Obstacle::Invalid(_));
        refused && matches!(self.status(), Some(403 | 422)) && self.answer.as_ref().is_some_and(|answer| answer.says("label"))
    }
}

impl Answer {
    /// Returns the path of the next page. Only the path: the pages of a list are on the host that the list was asked from. A link that
    /// can't be read is no end of the list.
    pub(super) fn next_page(&self) -> Result<Option<String>, Failure> {
        let Some(links) = self.headers.get("link") else { return Ok(None) };
        let unreadable = || Failure::garbage(Act::Read);
        let links = links.to_str().map_err(|_not_ascii| unreadable())?;
        let Some(next) = links.split(',').find(|link| link.contains("rel=\"next\"")) else { return Ok(None) };
        let address = next.trim().strip_prefix('<').and_then(|rest| rest.split_once('>')).ok_or_else(unreadable)?.0;
        path_of(address).map(Some).ok_or_else(unreadable)
    }

    /// Returns the path of the address that a redirect names, on the host that was asked.
    pub(super) fn location(&self) -> Option<String> {
        path_of(self.headers.get("location")?.to_str().ok()?)
    }
}

fn path_of(address: &str) -> Option<String> {
    let uri: Uri = address.parse().ok()?;
    uri.path_and_query().map(ToString::to_string)
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue, StatusCode};

    use super::*;

    fn next_page(link: &'static str) -> Result<Option<String>, Failure> {
        let headers = HeaderMap::from_iter([(http::header::LINK, HeaderValue::from_static(link))]);
        Answer { status: StatusCode::OK, headers, body: Vec::new() }.next_page()
    }

    #[test]
    fn the_next_page_is_the_one_that_the_answer_names() {
        let link = "<https://api.github.com/repositories/1/issues?page=1>; rel=\"prev\", <https://api.github.com/repositories/1/issues?page=3>; rel=\"next\"";
        assert_eq!(next_page(link).ok().flatten().as_deref(), Some("/repositories/1/issues?page=3"));
        assert_eq!(next_page("<https://api.github.com/x?page=1>; rel=\"prev\"").ok(), Some(None));
    }

    #[test]
    fn a_link_that_cannot_be_read_does_not_end_the_list() {
        for link in ["https://api.github.com/x; rel=\"next\"", "<not an address>; rel=\"next\"", "<x,y>; rel=\"next\""] {
            assert!(next_page(link).is_err(), "{link}");
        }
    }
}
