//! A look at everything that filing on GitHub depends on, for `doctor`.
//!
//! Reads and changes nothing: no label is made, no issue touched. What is found is handed over as it is; what follows from it for a person
//! is said elsewhere. Only [`Inspection::rights`] judges, because what a role, a scope and a grant mean together is GitHub's own affair.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use chrono::DateTime;
use http::{HeaderMap, Method};
use serde::Deserialize;

use super::GitHub;
use super::client::Sender;
use super::exchange::{Failure, parse};
use super::outcome::{Act, Answer, Obstacle};
use crate::percent::encode;
use crate::{CredentialKind, RepoName};

/// Labels that are looked for; further ones are left out. One request each, and nobody needs more on an issue.
const LABELS_MAX: usize = 16;

/// The label by which nodes tell each other that they take turns by labels.
const LEASE_LABEL: &str = "healnode-lease";

/// What was found. What could not be asked says why, in a sentence.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Inspection {
    /// The account that issues are filed as. When there is trouble with it, nothing else was asked.
    pub account: Result<String, Trouble>,
    /// The repository; nothing when it was not asked for.
    pub repository: Option<Result<Repository, Trouble>>,
    /// What is left of this hour's requests.
    pub rate: Rate,
    /// The scopes of a classic token, as GitHub names them; nothing when GitHub named none.
    pub scopes: Option<Vec<String>>,
    /// How long the token lasts, in seconds; nothing when it has no end, or is no personal token.
    pub expires_in_s: Option<i64>,
    /// What an app may do in the repository, such as `issues: write`; nothing for a token.
    pub granted: Option<BTreeMap<String, String>>,
    /// Each label that issues are to carry, and whether the repository has it; nothing when that could not be found out.
    pub labels: Vec<(String, Option<bool>)>,
    /// Whether nodes take turns by labels there, as they do where one of them may not write contents; nothing when that could not be found out.
    pub leases_by_label: Option<bool>,
    /// How far this machine's clock is ahead of GitHub's, in seconds; behind is negative. GitHub's has whole seconds.
    pub clock_ahead_s: Option<i64>,
}

/// Why something could not be found out.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Trouble {
    /// What kind of trouble.
    pub kind: TroubleKind,
    /// What happened, in a sentence.
    pub why: String,
}

/// What kind of trouble.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TroubleKind {
    /// The answer is no.
    Refused,
    /// Too much was asked lately.
    Limited,
    /// There is no answer, or none that says anything.
    Unanswered,
}

/// A repository as this credential sees it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Repository {
    /// Its name by now.
    pub name: RepoName,
    /// Whether that is another one than was asked for.
    pub is_renamed: bool,
    /// Whether it is read-only.
    pub is_archived: bool,
    /// Whether it takes issues.
    pub has_issues: bool,
    /// Whether only some may see it.
    pub is_private: bool,
    /// What the account may do there by its role; nothing when GitHub does not say. The token may narrow it.
    pub role: Option<Role>,
}

/// What an account's role allows.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
pub struct Role {
    /// To read.
    #[serde(default)]
    pub pull: bool,
    /// To write.
    #[serde(default)]
    pub push: bool,
}

/// What is left of this hour's requests.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Rate {
    /// So many.
    Left {
        /// Requests left.
        remaining: u64,
        /// Requests an hour.
        limit: u64,
        /// How long until all of them are there again.
        resets_in: Duration,
    },
    /// The server counts none, as Enterprise servers do unless told to.
    Unlimited,
    /// It was not asked, or not answered.
    Unknown,
}

/// Whether something is allowed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Right {
    /// It is.
    Yes,
    /// It is not.
    No,
    /// Only trying tells: GitHub does not show what a fine-grained token was granted.
    Unknown,
}

/// What healnode may do in the repository.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Rights {
    /// To write issues.
    pub issues: Right,
    /// To make labels and to put them on issues.
    pub labels: Right,
    /// To write git refs, branches and commits.
    pub contents: Right,
    /// To open pull requests; they need [`contents`](Self::contents) as well.
    pub pulls: Right,
}

#[derive(Deserialize)]
struct RepositoryAnswer {
    full_name: String,
    #[serde(default)]
    archived: bool,
    #[serde(default = "yes")]
    has_issues: bool,
    #[serde(default)]
    private: bool,
    permissions: Option<Role>,
}

#[derive(Deserialize)]
struct RateAnswer {
    resources: Resources,
}

#[derive(Deserialize)]
struct Resources {
    core: Budget,
}

#[derive(Deserialize)]
struct Budget {
    limit: u64,
    remaining: u64,
    reset: u64,
}

#[derive(Deserialize)]
struct InstallationAnswer {
    #[serde(default)]
    permissions: BTreeMap<String, String>,
}

fn yes() -> bool {
    true
}

impl Inspection {
    fn of_account(account: Result<String, Trouble>) -> Self {
        let labels = Vec::new();
        Self {
            account,
            repository: None,
            rate: Rate::Unknown,
            scopes: None,
            expires_in_s: None,
            granted: None,
            labels,
            leases_by_label: None,
            clock_ahead_s: None,
        }
    }

    /// Returns what this credential may do, from its kind and from what was found.
    pub fn rights(&self, kind: CredentialKind) -> Rights {
        let repository = self.repository.as_ref().and_then(|repository| repository.as_ref().ok());
        let role = repository.and_then(|repository| repository.role);
        let by_role = |allows: fn(Role) -> bool| role.map_or(Right::Unknown, |role| Right::of(allows(role)));
        match kind {
            CredentialKind::App => self.rights_of_app(),
            CredentialKind::Classic | CredentialKind::OAuth => {
                let is_private = repository.is_some_and(|repository| repository.is_private);
                let reach = self.scopes.as_ref().map_or(Right::Unknown, |scopes| Right::of(reaches(scopes, is_private)));
                let push = reach.and(by_role(|role| role.push));
                Rights { issues: reach.and(by_role(|role| role.pull)), labels: push, contents: push, pulls: push }
            }
            CredentialKind::FineGrained | CredentialKind::UserOfApp | CredentialKind::Other => {
                let push = Right::Unknown.and(by_role(|role| role.push));
                Rights { issues: Right::Unknown, labels: push, contents: push, pulls: push }
            }
            // It has no role; GitHub shows one that allows nothing.
            CredentialKind::Installation => {
                Rights { issues: Right::Unknown, labels: Right::Unknown, contents: Right::Unknown, pulls: Right::Unknown }
            }
        }
    }

    fn rights_of_app(&self) -> Rights {
        let grant = |name| {
            let Some(granted) = &self.granted else { return Right::Unknown };
            Right::of(granted.get(name).is_some_and(|level| level == "write" || level == "admin"))
        };
        Rights { issues: grant("issues"), labels: grant("issues"), contents: grant("contents"), pulls: grant("pull_requests") }
    }
}

impl Rights {
    /// Returns whether pull requests can be opened: that takes a branch, and the pull request itself.
    pub fn for_pulls(&self) -> Right {
        self.contents.and(self.pulls)
    }
}

/// Returns whether a classic token's scopes open a repository for writing.
fn reaches(scopes: &[String], is_private: bool) -> bool {
    scopes.iter().any(|scope| scope == "repo" || scope == "public_repo" && !is_private)
}

impl Right {
    fn of(allowed: bool) -> Self {
        if allowed { Right::Yes } else { Right::No }
    }

    /// Both are needed.
    fn and(self, other: Self) -> Self {
        match (self, other) {
            (Right::No, _) | (_, Right::No) => Right::No,
            (Right::Yes, Right::Yes) => Right::Yes,
            (Right::Unknown, _) | (_, Right::Unknown) => Right::Unknown,
        }
    }
}

impl GitHub {
    /// Looks at everything that filing depends on, without changing anything: some ten requests, one after the other. See
    /// [`Forge::inspect`](crate::Forge::inspect).
    pub async fn look_around(&mut self) -> Inspection {
        let login = match self.learn_login().await {
            Ok(login) => login,
            Err(failure) => {
                let clock_ahead_s = failure.answer.as_ref().and_then(|answer| clock_ahead(&answer.headers, now()));
                return Inspection { clock_ahead_s, ..Inspection::of_account(Err(self.trouble(&failure))) };
            }
        };
        let mut inspection = Inspection::of_account(Ok(login));
        inspection.rate = self.look_at_rate().await;
        match self.look_at_repository().await {
            Ok((repository, headers)) => {
                inspection.clock_ahead_s = clock_ahead(&headers, now());
                inspection.scopes = scopes(&headers);
                inspection.expires_in_s = expires_in(&headers, now());
                self.repo = repository.name.clone();
                inspection.granted = self.look_at_grants().await;
                inspection.labels = self.look_at_labels().await;
                inspection.leases_by_label = self.look_for_label(LEASE_LABEL).await;
                inspection.repository = Some(Ok(repository));
            }
            Err(failure) => {
                let headers = failure.answer.as_ref().map(|answer| &answer.headers);
                inspection.clock_ahead_s = headers.and_then(|headers| clock_ahead(headers, now()));
                inspection.scopes = headers.and_then(scopes);
                inspection.repository = Some(Err(self.trouble(&failure)));
            }
        }
        inspection
    }

    fn trouble(&self, failure: &Failure) -> Trouble {
        let kind = if matches!(failure.obstacle, Obstacle::Limited(_)) {
            TroubleKind::Limited
        } else if matches!(failure.obstacle, Obstacle::Unreachable(_) | Obstacle::Unclear(_)) {
            TroubleKind::Unanswered
        } else {
            TroubleKind::Refused
        };
        Trouble { kind, why: failure.sentence(&self.repo) }
    }

    async fn look_at_rate(&mut self) -> Rate {
        let answer = match self.read("/rate_limit").await {
            Ok(answer) => answer,
            Err(failure) if failure.status() == Some(404) => return Rate::Unlimited,
            Err(_) => return Rate::Unknown,
        };
        let Ok(RateAnswer { resources: Resources { core } }) = parse(Act::Read, &answer) else { return Rate::Unknown };
        let forge_now = now().saturating_sub(clock_ahead(&answer.headers, now()).unwrap_or(0));
        let resets_in = Duration::from_secs(core.reset.saturating_sub(forge_now.unsigned_abs()));
        Rate::Left { remaining: core.remaining, limit: core.limit, resets_in }
    }

    async fn look_at_grants(&mut self) -> Option<BTreeMap<String, String>> {
        if !self.client.is_app() {
            return None;
        }
        let route = format!("/repos/{}/installation", self.repo);
        let answer = self.send_once(Act::Read, Sender::App, &Method::GET, &route, None).await.ok()?;
        Some(parse::<InstallationAnswer>(Act::Read, &answer).ok()?.permissions)
    }

    async fn look_at_repository(&mut self) -> Result<(Repository, HeaderMap), Failure> {
        let found = match self.read(&format!("/repos/{}", self.repo)).await {
            Err(Failure { obstacle: Obstacle::Moved, answer: Some(answer) }) => {
                let route = answer.location().ok_or_else(|| Failure::garbage(Act::Read))?;
                self.read(&route).await
            }
            other => other,
        }?;
        let repository: RepositoryAnswer = parse(Act::Read, &found)?;
        let name: RepoName = repository.full_name.parse().map_err(|_invalid| Failure::garbage(Act::Read))?;
        let repository = Repository {
            is_renamed: !name.is_same_as(&self.repo),
            name,
            is_archived: repository.archived,
            has_issues: repository.has_issues,
            is_private: repository.private,
            role: repository.permissions,
        };
        Ok((repository, found.headers))
    }

    async fn look_at_labels(&mut self) -> Vec<(String, Option<bool>)> {
        let mut labels: Vec<(String, Option<bool>)> = Vec::new();
        let mut answers = true;
        for name in self.labels.iter().take(LABELS_MAX).cloned().collect::<Vec<_>>() {
            let there = if answers { self.look_for_label(&name).await } else { None };
            answers = there.is_some();
            labels.push((name, there));
        }
        labels
    }

    async fn look_for_label(&mut self, name: &str) -> Option<bool> {
        match self.read(&format!("/repos/{}/labels/{}", self.repo, encode(name, b""))).await {
            Ok(_) => Some(true),
            Err(failure) if failure.status() == Some(404) => Some(false),
            Err(_) => None,
        }
    }

    async fn read(&mut self, route: &str) -> Result<Answer, Failure> {
        self.send_once(Act::Read, Sender::Bot, &Method::GET, route, None).await
    }
}

fn scopes(headers: &HeaderMap) -> Option<Vec<String>> {
    let text = headers.get("x-oauth-scopes")?.to_str().ok()?;
    Some(text.split(',').map(str::trim).filter(|scope| !scope.is_empty()).map(str::to_owned).collect())
}

/// The header is that of <https://github.blog/changelog/2021-07-26-expiration-options-for-personal-access-tokens/>, such as
/// `2027-03-31 00:00:00 UTC`, or with an offset at its end.
fn expires_in(headers: &HeaderMap, now: i64) -> Option<i64> {
    let text = headers.get("github-authentication-token-expiration")?.to_str().ok()?.replace("UTC", "+0000");
    let at = DateTime::parse_from_str(text.trim(), "%Y-%m-%d %H:%M:%S %z").ok()?;
    Some(at.timestamp().saturating_sub(now))
}

fn clock_ahead(headers: &HeaderMap, now: i64) -> Option<i64> {
    let date = DateTime::parse_from_rfc2822(headers.get("date")?.to_str().ok()?.trim()).ok()?;
    Some(now.saturating_sub(date.timestamp()))
}

/// Returns the time in Unix seconds.
fn now() -> i64 {
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since_1970.as_secs()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const READER: Role = Role { pull: true, push: false };
    const WRITER: Role = Role { pull: true, push: true };

    fn found(role: Option<Role>, is_private: bool, scopes: Option<&[&str]>) -> Inspection {
        let repository =
            Repository { name: "acme/shop".parse().unwrap(), is_renamed: false, is_archived: false, has_issues: true, is_private, role };
        let scopes = scopes.map(|scopes| scopes.iter().map(|scope| (*scope).to_owned()).collect());
        Inspection { repository: Some(Ok(repository)), scopes, ..Inspection::of_account(Ok("healer".to_owned())) }
    }

    fn check(inspection: &Inspection, kind: CredentialKind, issues: Right, labels: Right, contents: Right) {
        let rights = inspection.rights(kind);
        assert_eq!((rights.issues, rights.labels, rights.contents), (issues, labels, contents), "{kind:?} {inspection:?}");
        // Only an app is granted the one without the other.
        assert!(kind == CredentialKind::App || rights.pulls == contents, "{kind:?} {inspection:?}");
    }

    #[test]
    fn a_classic_token_may_what_role_and_scope_allow() {
        use CredentialKind::Classic;
        use Right::{No, Unknown, Yes};
        check(&found(Some(WRITER), true, Some(&["repo", "gist"])), Classic, Yes, Yes, Yes);
        check(&found(Some(WRITER), false, Some(&["public_repo"])), Classic, Yes, Yes, Yes);
        check(&found(Some(WRITER), true, Some(&["public_repo"])), Classic, No, No, No);
        check(&found(Some(WRITER), false, Some(&[])), Classic, No, No, No);
        check(&found(Some(READER), false, Some(&["repo"])), Classic, Yes, No, No);
        check(&found(Some(WRITER), false, None), Classic, Unknown, Unknown, Unknown);
        check(&found(None, false, Some(&["repo"])), CredentialKind::OAuth, Unknown, Unknown, Unknown);
    }

    #[test]
    fn what_a_fine_grained_token_was_granted_only_trying_tells() {
        use Right::{No, Unknown};
        check(&found(Some(WRITER), false, None), CredentialKind::FineGrained, Unknown, Unknown, Unknown);
        check(&found(Some(READER), false, None), CredentialKind::FineGrained, Unknown, No, No);
        check(&found(Some(READER), false, None), CredentialKind::Installation, Unknown, Unknown, Unknown);
    }

    #[test]
    fn an_app_may_what_it_was_granted_whatever_the_role() {
        use Right::{No, Unknown, Yes};
        let granted = |pairs: &[(&str, &str)]| Inspection {
            granted: Some(pairs.iter().map(|(name, level)| ((*name).to_owned(), (*level).to_owned())).collect()),
            ..found(Some(READER), true, None)
        };
        check(&granted(&[("issues", "write"), ("contents", "write")]), CredentialKind::App, Yes, Yes, Yes);
        check(&granted(&[("issues", "write"), ("contents", "read")]), CredentialKind::App, Yes, Yes, No);
        check(&granted(&[("metadata", "read")]), CredentialKind::App, No, No, No);
        for (contents, pulls, both) in [("write", "write", Yes), ("write", "read", No), ("read", "write", No)] {
            let rights = granted(&[("contents", contents), ("pull_requests", pulls)]).rights(CredentialKind::App);
            assert_eq!(rights.for_pulls(), both, "{contents} {pulls}");
        }
        assert_eq!(granted(&[("contents", "write")]).rights(CredentialKind::App).for_pulls(), No);
        assert_eq!(found(None, true, None).rights(CredentialKind::App).for_pulls(), Unknown);
        check(&found(None, true, None), CredentialKind::App, Unknown, Unknown, Unknown);
    }

    #[test]
    fn headers_tell_scopes_and_time() {
        let mut headers = HeaderMap::new();
        assert_eq!((scopes(&headers), clock_ahead(&headers, 0), expires_in(&headers, 0)), (None, None, None));
        headers.insert("x-oauth-scopes", "repo, gist".parse().unwrap());
        headers.insert("date", "Thu, 01 Jan 1970 00:01:00 GMT".parse().unwrap());
        assert_eq!(scopes(&headers), Some(vec!["repo".to_owned(), "gist".to_owned()]));
        assert_eq!((clock_ahead(&headers, 70), clock_ahead(&headers, 0)), (Some(10), Some(-60)));
        for text in ["1970-01-02 00:00:00 UTC", "1970-01-02 02:00:00 +0200"] {
            headers.insert("github-authentication-token-expiration", text.parse().unwrap());
            assert_eq!(expires_in(&headers, 400), Some(86_000), "{text}");
        }
        headers.insert("github-authentication-token-expiration", "never".parse().unwrap());
        assert_eq!(expires_in(&headers, 0), None);
        headers.insert("x-oauth-scopes", "".parse().unwrap());
        assert_eq!(scopes(&headers), Some(Vec::new()));
    }
}
