//! Issues in a repository on GitHub or on a GitHub Enterprise server.
//!
//! Carries out each call as one or a few exchanges: lists by author (never by search), creates once, edits only healnode's own part of a
//! body. Trusts a marker only in an issue that this very account wrote. Where an answer leaves open whether an issue was created, it says
//! so and does nothing more; looking again is the core's business.

mod account;
mod census;
mod client;
mod exchange;
mod issue;
mod label;
mod outcome;
mod pace;

use std::collections::BTreeMap;
use std::fmt;

use healnode_core::{ForgeCall, ForgeHealth, ForgeReply, FoundIssue, IssueDraft, IssueNumber, Marker};
use http::Method;
use serde_json::{Value, json};

use self::census::Census;
use self::client::Client;
use self::exchange::{Failure, Route, parse};
use self::issue::IssueAnswer;
use self::outcome::{Act, Answer, Obstacle};
use self::pace::Pacer;
use crate::forge::changed_body;
use crate::percent::encode;
use crate::{RepoName, Token};

pub use self::client::Timeouts;
pub use self::pace::Pace;

/// Pages of 100 issues that one list may have. A longer list is refused whole, for nothing can be said to be absent from half a list.
///
/// 100: at 10,000 issues a single look costs 2 % of an hour's requests.
const PAGES_MAX: usize = 100;

/// What an app is told when GitHub knows it not.
const APP_REFUSED: &str =
    "GitHub refused the app; check forge.app: its id, the id of its installation on the repository's owner, and its key.";

/// How often a single issue is asked for before a 404 is believed: a fresh one may not have reached every replica.
const TRIES: usize = 3;

/// What is needed to file on GitHub.
#[derive(Clone, Debug)]
pub struct GitHubConfig {
    /// Where issues go. A renamed repository is followed to its new name.
    pub repo: RepoName,
    /// Address of the API: `https://api.github.com`, or `https://HOST/api/v3` for an Enterprise server.
    pub api_url: String,
    /// What opens it.
    pub credential: Credential,
    /// This node's id, sent along in the header `X-Healnode-Id`.
    pub node_id: String,
    /// Labels to have ready. The first is carried by every issue and is the second key to find them by; may be empty.
    pub labels: Vec<String>,
    /// How far apart requests are.
    pub pace: Pace,
    /// How long they may take.
    pub timeouts: Timeouts,
}

/// What opens GitHub.
#[derive(Clone, Debug)]
pub enum Credential {
    /// A personal token, or any other that is sent as it is.
    Token(Token),
    /// An installation of a GitHub App: it files under its own name, with a token for an hour each.
    App {
        /// The app's id.
        id: u64,
        /// The id of its installation on the repository's owner.
        installation: u64,
        /// The app's private key.
        key_pem: AppKey,
    },
}

/// The private key of a GitHub App, as PEM. Can be used, never shown.
#[derive(Clone)]
pub struct AppKey(Vec<u8>);

/// Why GitHub can't be spoken to at all. Nothing was sent.
#[derive(Debug, thiserror::Error)]
pub enum GitHubConfigError {
    /// The address is not that of an API.
    #[error(
        "forge.api_url {given:?} is not the address of a GitHub API: write https://api.github.com, or https://HOST/api/v3 for an Enterprise server"
    )]
    ApiUrl {
        /// What was given.
        given: String,
    },
    /// The key of the app can't be read.
    #[error("the key of the GitHub App is not an RSA private key in PEM form; download one from the app's settings")]
    AppKey(#[source] octocrab::Error),
    /// TLS can't be set up.
    #[error("TLS cannot be set up; install the system's root certificates (the package is often called ca-certificates)")]
    Tls(#[source] octocrab::Error),
}

/// A repository on GitHub, and one account to file in it.
pub struct GitHub {
    client: Client,
    repo: RepoName,
    /// Set when an answer hints that the repository has another name by now.
    moved: bool,
    labels: Vec<String>,
    labels_are_ready: bool,
    /// The account that issues are filed as, once it is known.
    login: Option<String>,
    pacer: Pacer,
    census: Census,
}

impl GitHub {
    /// Sets up the connection, without sending anything yet. Must be called within a tokio runtime.
    ///
    /// # Errors
    /// When the address, the app's key or the system's root certificates are unusable.
    pub fn new(config: GitHubConfig) -> Result<Self, GitHubConfigError> {
        Ok(Self {
            client: Client::new(&config)?,
            repo: config.repo,
            moved: false,
            labels: config.labels,
            labels_are_ready: false,
            login: None,
            pacer: Pacer::new(config.pace),
            census: Census::default(),
        })
    }

    /// Returns the repository by the name it was last known by.
    pub fn repo(&self) -> &RepoName {
        &self.repo
    }

    /// See [`Forge::inherit`](crate::Forge::inherit).
    pub(crate) fn inherit(&mut self, previous: Self) {
        self.pacer.inherit(previous.pacer);
        if self.repo.is_same_as(&previous.repo) {
            self.census = previous.census;
        }
    }

    /// Carries out one call; see [`Forge::call`](crate::Forge::call).
    pub async fn call(&mut self, call: ForgeCall) -> ForgeReply {
        let outcome = match call {
            ForgeCall::Look { markers } => self.look(&markers).await,
            ForgeCall::Survey => self.survey().await.map(ForgeReply::Found),
            ForgeCall::Create(draft) => self.create(&draft).await,
            ForgeCall::Update { number, draft } => self.update(number, &draft).await,
            ForgeCall::CloseDuplicate { number, of } => self.close_duplicate(number, of).await,
        };
        outcome.unwrap_or_else(|failure| failure.reply(&self.repo))
    }

    /// Finds out whether issues can be filed; see [`Forge::check`](crate::Forge::check).
    pub async fn check(&mut self) -> ForgeHealth {
        match self.prepare().await {
            Ok(()) => ForgeHealth::Ready,
            Err(failure) => ForgeHealth::Blocked { why: failure.sentence(&self.repo) },
        }
    }

    async fn look(&mut self, markers: &[Marker]) -> Result<ForgeReply, Failure> {
        let mut found = self.survey().await?;
        found.retain(|issue| issue.markers.iter().any(|marker| markers.contains(marker)));
        Ok(ForgeReply::Found(found))
    }

    /// Lists by author and, because a list has been seen to come back empty, by label as well; oldest first, so that pages don't shift
    /// while they are read.
    async fn survey(&mut self) -> Result<Vec<FoundIssue>, Failure> {
        let login = self.learn_login().await?;
        let mut keys = vec![format!("creator={}", encode(&login, b""))];
        keys.extend(self.labels.first().map(|label| format!("labels={}", encode(label, b""))));
        let mut own = BTreeMap::new();
        for key in keys {
            let route = format!("/issues?{key}&state=all&sort=created&direction=asc&per_page=100");
            for issue in self.list(&route).await? {
                if let Some(found) = issue.found_by(&login) {
                    own.insert(found.issue.number, found);
                }
            }
        }
        if !self.census.admits(&login, own.len()) {
            return Err(Failure::new(Obstacle::Unreachable(
                "GitHub's list of issues lacks many that it showed before, so nothing is said to be absent; it is read again.".to_owned(),
            )));
        }
        Ok(own.into_values().collect())
    }

    async fn list(&mut self, route: &str) -> Result<Vec<IssueAnswer>, Failure> {
        let mut answer = self.send(Act::Read, &Method::GET, Route::Repo(route), None).await?;
        let mut issues: Vec<IssueAnswer> = parse(Act::Read, &answer)?;
        for _further in 1..PAGES_MAX {
            let Some(next) = answer.next_page()? else { return Ok(issues) };
            answer = self.send(Act::Read, &Method::GET, Route::Root(&next), None).await?;
            issues.extend(parse::<Vec<IssueAnswer>>(Act::Read, &answer)?);
        }
        match answer.next_page()? {
            None => Ok(issues),
            Some(_) => Err(Failure::denied(format!(
                "There are more than {} issues in {} by this account or with its label, too many to look through; use another account, label or repository.",
                PAGES_MAX * 100,
                self.repo
            ))),
        }
    }

    async fn create(&mut self, draft: &IssueDraft) -> Result<ForgeReply, Failure> {
        let answer = match self.post_issue(draft, &draft.labels).await {
            Err(failure) if !draft.labels.is_empty() && failure.is_about_labels() => {
                tracing::info!(repo = %self.repo, "labels were refused, so the issue is filed without");
                self.post_issue(draft, &[]).await?
            }
            other => other?,
        };
        let issue: IssueAnswer = parse(Act::Create, &answer)?;
        let missing = draft.labels.iter().filter(|label| !issue.has_label(label)).count();
        if missing > 0 {
            tracing::info!(number = issue.number, missing, "the issue was filed without some of its labels");
        }
        Ok(ForgeReply::Created(issue.reference()))
    }

    async fn post_issue(&mut self, draft: &IssueDraft, labels: &[String]) -> Result<Answer, Failure> {
        let mut body = json!({ "title": draft.title, "body": draft.body });
        if !labels.is_empty() {
            body["labels"] = json!(labels);
        }
        self.send(Act::Create, &Method::POST, Route::Repo("/issues"), Some(&body)).await
    }

    /// The title stays as it is: it is the fingerprint's, which does not change, or a person's.
    async fn update(&mut self, number: IssueNumber, draft: &IssueDraft) -> Result<ForgeReply, Failure> {
        let issue = self.own_issue(number).await?;
        if let Some(body) = changed_body(issue.body.as_deref().unwrap_or_default(), &draft.body) {
            self.patch(number, &json!({ "body": body })).await?;
        }
        Ok(ForgeReply::Done)
    }

    async fn close_duplicate(&mut self, number: IssueNumber, of: IssueNumber) -> Result<ForgeReply, Failure> {
        let kept = self.own_issue(of).await?;
        let closing = self.own_issue(number).await?;
        if !closing.is_open() {
            return Ok(ForgeReply::Done);
        }
        let linked = json!({ "state": "closed", "state_reason": "duplicate", "duplicate_issue_id": kept.id });
        match self.patch(number, &linked).await {
            Err(Failure { obstacle: Obstacle::Invalid(_), .. }) => self.close_with_comment(number, of).await?,
            other => drop(other?),
        }
        Ok(ForgeReply::Done)
    }

    /// For Enterprise servers that know no duplicates.
    async fn close_with_comment(&mut self, number: IssueNumber, of: IssueNumber) -> Result<(), Failure> {
        let comment = json!({ "body": format!("Duplicate of {of}") });
        let route = format!("/issues/{}/comments", number.0);
        self.send(Act::Change, &Method::POST, Route::Repo(&route), Some(&comment)).await?;
        self.patch(number, &json!({ "state": "closed", "state_reason": "not_planned" })).await
    }

    /// Reads one issue, and makes sure that it is this account's own and was not moved elsewhere.
    async fn own_issue(&mut self, number: IssueNumber) -> Result<IssueAnswer, Failure> {
        let login = self.learn_login().await?;
        let answer = self.get_issue(number).await?;
        let issue: IssueAnswer = parse(Act::Read, &answer)?;
        if issue.number != number.0 {
            return Err(Failure::invalid(format!("Issue {number} was moved to another repository, so it is left alone.")));
        }
        if !issue.is_by(&login) {
            return Err(Failure::invalid(format!("Issue {number} was not filed by {login}, so it is left alone.")));
        }
        Ok(issue)
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
                Err(failure) if matches!(failure.status(), Some(301 | 404 | 410)) => {
                    self.find_repository().await?;
                    return Err(Failure::invalid(format!("Issue {number} is not in {} any more, so it is left alone.", self.repo)));
                }
                other => return other,
            }
        }
    }

    async fn patch(&mut self, number: IssueNumber, change: &Value) -> Result<(), Failure> {
        let route = format!("/issues/{}", number.0);
        self.send(Act::Change, &Method::PATCH, Route::Repo(&route), Some(change)).await.map(drop)
    }
}

impl AppKey {
    /// Takes the content of a PEM file. Whether it is a key shows in [`GitHub::new`].
    pub fn new(pem: impl Into<Vec<u8>>) -> Self {
        Self(pem.into())
    }

    fn reveal(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for AppKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AppKey(hidden)")
    }
}

impl fmt::Debug for GitHub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GitHub").field("repo", &self.repo).field("login", &self.login).finish_non_exhaustive()
    }
}
