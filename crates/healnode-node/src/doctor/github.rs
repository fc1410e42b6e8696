//! GitHub: the credential, the account behind it, the repository, what may be done there, and how much of it.

use std::time::Duration;

use healnode_forge::{CredentialKind, Inspection, Rate, Repository, Right, Rights, Trouble, TroubleKind};

use super::socket::RunningNode;
use super::{Area, Finding, secret};
use crate::forging::NO_TOKEN;

/// Part of an hour's requests below which a warning is due: one in ten.
const RATE_LOW_PART: u64 = 10;

/// Days before a token's end from which on it is a warning: a week, in which somebody is at work.
const EXPIRY_DAYS_SOON: i64 = 7;

/// What is known of GitHub.
pub(super) struct Facts {
    /// Whether anything is to be filed there, or only may be one day.
    pub(super) auto_issue: bool,
    pub(super) auto_pr: bool,
    /// Address of the API.
    pub(super) api_url: String,
    /// The file with the token or the key.
    pub(super) secret: Option<secret::Facts>,
    /// What came of looking; nothing when no repository is named.
    pub(super) seen: Option<Seen>,
}

/// What came of looking.
pub(super) enum Seen {
    /// There is nothing to look with, for this reason.
    NoCredential(String),
    /// It was looked.
    Inspected {
        /// Where the credential was found.
        source: String,
        kind: CredentialKind,
        inspection: Box<Inspection>,
    },
}

impl Facts {
    fn inspected(&self) -> Option<(CredentialKind, &Inspection)> {
        match self.seen.as_ref()? {
            Seen::NoCredential(_) => None,
            Seen::Inspected { kind, inspection, .. } => Some((*kind, inspection)),
        }
    }

    /// Returns what kind of credential was looked with.
    pub(super) fn kind(&self) -> Option<CredentialKind> {
        self.inspected().map(|(kind, _)| kind)
    }

    /// Returns what may be done in the repository, if that was seen.
    pub(super) fn rights(&self) -> Option<Rights> {
        let (kind, inspection) = self.inspected()?;
        matches!(inspection.repository, Some(Ok(_))).then(|| inspection.rights(kind))
    }

    /// Returns whether nodes were seen to take turns by labels.
    pub(super) fn leases_by_label(&self) -> bool {
        self.inspected().is_some_and(|(_, inspection)| inspection.leases_by_label == Some(true))
    }

    /// Returns how far this machine's clock is ahead, in seconds.
    pub(super) fn clock_ahead_s(&self) -> Option<i64> {
        self.inspected()?.1.clock_ahead_s
    }

    /// Returns whether nothing at all came back.
    pub(super) fn is_unreachable(&self) -> bool {
        let is_unanswered =
            |account: &Result<String, Trouble>| account.as_ref().is_err_and(|trouble| trouble.kind == TroubleKind::Unanswered);
        self.inspected().is_some_and(|(_, inspection)| is_unanswered(&inspection.account) && inspection.clock_ahead_s.is_none())
    }

    /// Something is wrong: an error if it keeps this node from filing as it is told to.
    fn wrong(&self, area: Area, what: impl Into<String>, mend: impl Into<String>) -> Finding {
        if self.auto_issue { Finding::error(area, what, mend) } else { Finding::warning(area, what, mend) }
    }
}

pub(super) fn judge(facts: &Facts, node: Option<&RunningNode>) -> Vec<Finding> {
    let mut findings: Vec<Finding> = facts.secret.iter().filter_map(|file| secret::judge(Area::Token, file)).collect();
    match &facts.seen {
        None => findings.push(Finding::warning(
            Area::Forge,
            "forge.kind is \"github\" and forge.repo names no repository, so GitHub was not looked at.",
            "Set forge.repo = \"owner/name\" (or HEALNODE_REPO=owner/name).",
        )),
        // That the file cannot be read was said.
        Some(Seen::NoCredential(_)) if !findings.is_empty() => {}
        Some(Seen::NoCredential(why)) => findings.push(no_credential(facts, why, node)),
        Some(Seen::Inspected { source, kind, inspection }) => findings.extend(inspected(facts, source, *kind, inspection)),
    }
    findings
}

fn no_credential(facts: &Facts, why: &str, node: Option<&RunningNode>) -> Finding {
    let can_file = node.is_some_and(|node| node.can_file && node.forge_kind == "github");
    if can_file {
        return Finding::warning(
            Area::Token,
            "The running node has a token, but doctor finds none in its own environment, so GitHub was not looked at.",
            "Run doctor with the node's environment (the same HEALNODE_GITHUB_TOKEN), or put the token into a file and set forge.token_file.",
        );
    }
    if why == NO_TOKEN {
        let what = "No GitHub token is to be found: forge.token_file is not set, HEALNODE_GITHUB_TOKEN, GH_TOKEN and GITHUB_TOKEN are not either, and `gh auth token` prints none.";
        let mend = "Make one that may read and write the repository's issues, and put it into a file of mode 600 that forge.token_file names, or into HEALNODE_GITHUB_TOKEN; or log in with `gh auth login`.";
        return facts.wrong(Area::Token, what, mend);
    }
    facts.wrong(
        Area::Token,
        sentence(why),
        "Correct the setting or the variable, or unset it to use another source; docs/GITHUB.md lists them.",
    )
}

fn inspected(facts: &Facts, source: &str, kind: CredentialKind, inspection: &Inspection) -> Vec<Finding> {
    let login = match &inspection.account {
        Ok(login) => login,
        Err(trouble) => {
            let mend =
                format!("The credential is {kind}, from {source}. If it is the one that was meant, make a new one and put it there.");
            return vec![troubled(facts, trouble, Area::Token, mend)];
        }
    };
    let mut findings = vec![Finding::ok(Area::Token, format!("The credential is {kind}, from {source}; issues are filed as {login}."))];
    findings.extend(inspection.expires_in_s.and_then(expiry));
    findings.extend(rate(&inspection.rate));
    let repository = match &inspection.repository {
        None => return findings,
        Some(Ok(repository)) => repository,
        Some(Err(trouble)) => {
            let mend = "Correct forge.repo, or let the account into the repository and include the repository in the token.";
            findings.push(troubled(facts, trouble, Area::Forge, mend.to_owned()));
            return findings;
        }
    };
    findings.extend(found(facts, repository));
    let rights = inspection.rights(kind);
    findings.push(allowed(facts, repository, &rights, kind));
    findings.extend(labels(&inspection.labels, rights.labels));
    findings.extend(pulls(facts, repository, &rights, kind));
    findings.extend(drafts(facts, repository));
    findings
}

/// Something could not be asked. `if_refused` mends it when the answer was no.
fn troubled(facts: &Facts, trouble: &Trouble, area: Area, if_refused: String) -> Finding {
    match trouble.kind {
        TroubleKind::Refused => facts.wrong(area, trouble.why.clone(), if_refused),
        TroubleKind::Limited => Finding::warning(
            Area::Token,
            trouble.why.clone(),
            "Wait and run doctor again. If that happens often, give healnode a credential of its own, best a GitHub App.",
        ),
        TroubleKind::Unanswered => facts.wrong(
            Area::Forge,
            trouble.why.clone(),
            format!(
                "See to the connection from this machine to {} (forge.api_url); if all is well with it, GitHub is down: wait.",
                facts.api_url
            ),
        ),
    }
}

/// Says when a token ends, if that is soon: nobody is told by a node that files.
fn expiry(expires_in_s: i64) -> Option<Finding> {
    let days = expires_in_s.max(0) / 86_400;
    if days >= EXPIRY_DAYS_SOON {
        return Some(Finding::ok(Area::Token, format!("The token expires in {days} days.")));
    }
    let when = match days {
        0 => "within a day".to_owned(),
        1 => "in 1 day".to_owned(),
        more => format!("in {more} days"),
    };
    Some(Finding::warning(
        Area::Token,
        format!("The token expires {when}; nothing is filed after that."),
        "Make a new one and put it in the place of the old. A node whose token is refused looks for a new one in token_file every few minutes, without a restart.",
    ))
}

fn found(facts: &Facts, repository: &Repository) -> Vec<Finding> {
    let name = &repository.name;
    let mut findings = Vec::new();
    if repository.is_renamed {
        findings.push(Finding::warning(
            Area::Forge,
            format!("The repository is called {name} by now. Its old name works until somebody else takes it."),
            format!("Set forge.repo = \"{name}\"."),
        ));
    }
    if repository.is_archived {
        findings.push(facts.wrong(
            Area::Forge,
            format!("{name} is archived, so nothing can be filed there."),
            "Unarchive it in its settings, or set forge.repo to another one.",
        ));
    }
    if !repository.has_issues {
        findings.push(facts.wrong(
            Area::Forge,
            format!("Issues are turned off in {name}."),
            "Turn them on in its settings under General, Features, or set forge.repo to another one.",
        ));
    }
    if findings.is_empty() {
        let who = if repository.is_private { "private" } else { "public" };
        findings.push(Finding::ok(Area::Forge, format!("{name} is there, {who}, and takes issues.")));
    }
    findings
}

fn allowed(facts: &Facts, repository: &Repository, rights: &Rights, kind: CredentialKind) -> Finding {
    let name = &repository.name;
    let named = |wanted: Right| {
        let all = [("issues", rights.issues), ("labels", rights.labels), ("git refs", rights.contents)];
        all.iter().filter(|(_, right)| *right == wanted).map(|(what, _)| *what).collect::<Vec<_>>().join(", ")
    };
    let (yes, no, unknown) = (named(Right::Yes), named(Right::No), named(Right::Unknown));
    let mut what = format!("In {name}, the credential ");
    let parts = [("may write ", yes), ("may not write ", no), ("was perhaps granted to write ", unknown)];
    let parts: Vec<String> = parts.iter().filter(|(_, list)| !list.is_empty()).map(|(verb, list)| format!("{verb}{list}")).collect();
    what.push_str(&parts.join("; it "));
    what.push('.');
    if rights.issues == Right::No {
        return facts.wrong(Area::Token, what, grant(kind));
    }
    if parts.iter().any(|part| part.starts_with("was")) {
        what.push_str(" GitHub does not show what this kind of credential was granted; the first attempt tells.");
    }
    Finding::ok(Area::Token, what)
}

fn grant(kind: CredentialKind) -> &'static str {
    match kind {
        CredentialKind::App => "Give the app the permission Issues: read and write, and accept it where the app is installed.",
        CredentialKind::Classic | CredentialKind::OAuth => {
            "Make a token with the scope repo, or public_repo for a public repository, of an account that may see the repository."
        }
        CredentialKind::FineGrained | CredentialKind::UserOfApp | CredentialKind::Installation | CredentialKind::Other => {
            "Grant Issues: read and write where the token was made."
        }
    }
}

fn rate(rate: &Rate) -> Option<Finding> {
    let (remaining, limit, resets_in) = match rate {
        Rate::Left { remaining, limit, resets_in } => (*remaining, *limit, *resets_in),
        Rate::Unlimited => return Some(Finding::ok(Area::Token, "The server counts no requests.")),
        Rate::Unknown => return None,
    };
    let left = format!("{remaining} of {limit} requests are left this hour; all are there again in {}.", minutes(resets_in));
    if remaining >= limit / RATE_LOW_PART {
        return Some(Finding::ok(Area::Token, left));
    }
    Some(Finding::warning(
        Area::Token,
        left,
        "Wait, or give healnode a credential of its own, best a GitHub App: whatever else uses this account spends the same budget.",
    ))
}

fn minutes(wait: Duration) -> String {
    format!("{} min", wait.as_secs().div_ceil(60))
}

fn labels(labels: &[(String, Option<bool>)], right: Right) -> Option<Finding> {
    let missing: Vec<&str> = labels.iter().filter(|(_, there)| *there == Some(false)).map(|(name, _)| name.as_str()).collect();
    let missing = missing.join(", ");
    Some(match right {
        _ if labels.is_empty() => return None,
        Right::No => Finding::warning(
            Area::Token,
            "The account may not label issues there, so they are filed without labels.",
            "Give the account write access to the repository, or set forge.labels = [] and forge.priority_label = \"\".",
        ),
        Right::Yes | Right::Unknown if missing.is_empty() => {
            Finding::ok(Area::Forge, format!("The repository has the labels that issues carry: {}.", names(labels)))
        }
        Right::Yes => Finding::ok(Area::Forge, format!("These labels are missing, and the node makes them at its start: {missing}.")),
        Right::Unknown => Finding::ok(
            Area::Forge,
            format!("These labels are missing: {missing}. The node makes them at its start if it may; else issues are filed without."),
        ),
    })
}

fn names(labels: &[(String, Option<bool>)]) -> String {
    labels.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(", ")
}

fn pulls(facts: &Facts, repository: &Repository, rights: &Rights, kind: CredentialKind) -> Option<Finding> {
    let refused = match (rights.contents, rights.pulls) {
        (Right::No, Right::No) => "contents and pull requests",
        (Right::No, Right::Yes | Right::Unknown) => "contents",
        (Right::Yes | Right::Unknown, Right::No) => "pull requests",
        (Right::Yes | Right::Unknown, Right::Yes | Right::Unknown) => return None,
    };
    facts.auto_pr.then(|| {
        Finding::warning(
            Area::Token,
            format!("The credential may not write {refused} in {}, so no pull request can follow an issue.", repository.name),
            grant_pulls(kind),
        )
    })
}

fn grant_pulls(kind: CredentialKind) -> &'static str {
    match kind {
        CredentialKind::App => {
            "Give the app the permissions Contents and Pull requests: read and write, and accept them where it is installed; or set forge.auto_pr = false."
        }
        CredentialKind::Classic | CredentialKind::OAuth => {
            "Make a token with the scope repo, or public_repo for a public repository, of an account that may push there; or set forge.auto_pr = false."
        }
        CredentialKind::FineGrained | CredentialKind::UserOfApp | CredentialKind::Installation | CredentialKind::Other => {
            "Let the account push there, and grant the token Contents and Pull requests: read and write; or set forge.auto_pr = false."
        }
    }
}

fn drafts(facts: &Facts, repository: &Repository) -> Option<Finding> {
    (facts.auto_pr && repository.is_private).then(|| {
        Finding::warning(
            Area::Forge,
            format!(
                "{} is private. On a free plan, private repositories have no draft pull requests, and GitHub does not tell beforehand.",
                repository.name
            ),
            "If the owner's plan has none, set forge.auto_pr = false; issues are filed all the same.",
        )
    })
}

/// Returns a text as a sentence of its own.
pub(super) fn sentence(text: &str) -> String {
    let mut letters = text.trim_end_matches('.').chars();
    letters.next().map_or_else(String::new, |first| format!("{}{}.", first.to_uppercase(), letters.as_str()))
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use healnode_forge::Role;

    use super::super::Level::{Error, Ok as Fine, Warning};
    use super::super::finding::check;
    use super::*;

    fn repository() -> Repository {
        let role = Some(Role { pull: true, push: true });
        let name = "acme/shop".parse().unwrap();
        Repository { name, is_renamed: false, is_archived: false, has_issues: true, is_private: false, role }
    }

    fn inspection(repository: Repository) -> Inspection {
        Inspection {
            account: Ok("healer".to_owned()),
            repository: Some(Ok(repository)),
            rate: Rate::Unknown,
            scopes: Some(vec!["repo".to_owned()]),
            expires_in_s: None,
            granted: None,
            labels: Vec::new(),
            leases_by_label: Some(false),
            clock_ahead_s: Some(0),
        }
    }

    fn trouble(kind: TroubleKind, why: &str) -> Trouble {
        Trouble { kind, why: why.to_owned() }
    }

    fn seen(kind: CredentialKind, inspection: Inspection) -> Facts {
        let seen = Seen::Inspected { source: "the file /t".to_owned(), kind, inspection: Box::new(inspection) };
        Facts { auto_issue: true, auto_pr: false, api_url: "https://api.github.com".to_owned(), secret: None, seen: Some(seen) }
    }

    fn judged(inspection: Inspection) -> Vec<Finding> {
        judge(&seen(CredentialKind::Classic, inspection), None)
    }

    #[test]
    fn a_credential_that_works_is_told_with_its_source_and_account() {
        let expected = [
            (Fine, "a classic personal token, from the file /t; issues are filed as healer"),
            (Fine, "acme/shop is there, public"),
            (Fine, "may write issues, labels, git refs."),
        ];
        check(&judged(inspection(repository())), &expected);
    }

    #[test]
    fn a_missing_credential_matters_as_far_as_it_keeps_from_filing() {
        let none = |auto_issue| Facts {
            auto_issue,
            auto_pr: false,
            api_url: String::new(),
            secret: None,
            seen: Some(Seen::NoCredential(NO_TOKEN.to_owned())),
        };
        check(&judge(&none(true), None), &[(Error, "No GitHub token is to be found")]);
        check(&judge(&none(false), None), &[(Warning, "No GitHub token is to be found")]);
        let malformed = Seen::NoCredential("the environment variable GH_TOKEN is set, but holds no token".to_owned());
        check(&judge(&Facts { seen: Some(malformed), ..none(true) }, None), &[(Error, "The environment variable GH_TOKEN")]);
        let node = RunningNode { can_file: true, forge_kind: "github".to_owned(), ..RunningNode::default() };
        check(&judge(&none(true), Some(&node)), &[(Warning, "The running node has a token")]);
        let secret = secret::Facts { key: "forge.token_file", path: PathBuf::from("/t"), mode: Err("not found".to_owned()) };
        check(&judge(&Facts { secret: Some(secret), ..none(true) }, None), &[(Error, "/t, which forge.token_file names")]);
        check(&judge(&Facts { seen: None, ..none(false) }, None), &[(Warning, "forge.repo")]);
    }

    #[test]
    fn a_refused_credential_ends_the_look() {
        let refused = Inspection {
            account: Err(trouble(TroubleKind::Refused, "GitHub refused the token (401).")),
            repository: None,
            clock_ahead_s: Some(3),
            ..inspection(repository())
        };
        let facts = seen(CredentialKind::FineGrained, refused);
        check(&judge(&facts, None), &[(Error, "a fine-grained personal token, from the file /t. If")]);
        assert!(facts.rights().is_none() && !facts.is_unreachable());
        let unreached = Inspection {
            account: Err(trouble(TroubleKind::Unanswered, "GitHub could not be reached.")),
            repository: None,
            clock_ahead_s: None,
            ..inspection(repository())
        };
        let facts = seen(CredentialKind::FineGrained, unreached);
        check(&judge(&facts, None), &[(Error, "connection from this machine to https://api.github.com")]);
        assert!(facts.is_unreachable());
    }

    #[test]
    fn the_repository_is_there_open_and_called_so() {
        let row = |change: fn(&mut Repository)| {
            let mut changed = repository();
            change(&mut changed);
            judged(inspection(changed)).remove(1)
        };
        check(&[row(|repository| repository.is_renamed = true)], &[(Warning, "forge.repo = \"acme/shop\"")]);
        check(&[row(|repository| repository.is_archived = true)], &[(Error, "archived")]);
        check(&[row(|repository| repository.has_issues = false)], &[(Error, "turned off")]);
        check(&[row(|repository| repository.is_private = true)], &[(Fine, "private")]);
        let absent =
            Inspection { repository: Some(Err(trouble(TroubleKind::Refused, "GitHub knows no acme/shop."))), ..inspection(repository()) };
        check(&judged(absent)[1..], &[(Error, "Correct forge.repo")]);
        let limited = trouble(TroubleKind::Limited, "The rate limit for this token is reached.");
        check(&judged(Inspection { repository: Some(Err(limited)), ..inspection(repository()) })[1..], &[(Warning, "Wait")]);
    }

    #[test]
    fn rights_are_told_as_far_as_they_are_known() {
        let unscoped = Inspection { scopes: Some(Vec::new()), ..inspection(repository()) };
        check(&judged(unscoped)[2..], &[(Error, "may not write issues, labels, git refs. Make a token with the scope repo")]);
        let reader = Repository { role: Some(Role { pull: true, push: false }), ..repository() };
        let judged = judge(&seen(CredentialKind::FineGrained, inspection(reader)), None);
        check(&judged[2..], &[(Fine, "may not write labels, git refs; it was perhaps granted to write issues. GitHub does not show")]);
    }

    #[test]
    fn a_token_is_renewed_before_it_ends() {
        let row = |expires_in_s| expiry(expires_in_s).into_iter().collect::<Vec<_>>();
        check(&row(30 * 86_400), &[(Fine, "in 30 days")]);
        check(&row(7 * 86_400 - 1), &[(Warning, "in 6 days")]);
        check(&row(3_600), &[(Warning, "within a day")]);
        check(&row(-5), &[(Warning, "within a day")]);
    }

    #[test]
    fn the_budget_runs_low_before_it_runs_out() {
        let row =
            |remaining| rate(&Rate::Left { remaining, limit: 5_000, resets_in: Duration::from_secs(61) }).into_iter().collect::<Vec<_>>();
        check(&row(5_000), &[(Fine, "5000 of 5000 requests are left this hour; all are there again in 2 min.")]);
        check(&row(499), &[(Warning, "499 of 5000")]);
        check(&row(0), &[(Warning, "0 of 5000")]);
    }

    #[test]
    fn labels_are_there_or_made_or_done_without() {
        let row =
            |there, right| labels(&[("bug".to_owned(), Some(true)), ("priority".to_owned(), there)], right).into_iter().collect::<Vec<_>>();
        check(&row(Some(true), Right::Unknown), &[(Fine, "bug, priority.")]);
        check(&row(Some(false), Right::Yes), &[(Fine, "makes them at its start: priority.")]);
        check(&row(Some(false), Right::Unknown), &[(Fine, "if it may")]);
        check(&row(Some(true), Right::No), &[(Warning, "filed without labels")]);
        assert_eq!(labels(&[], Right::No), None);
    }

    #[test]
    fn drafts_in_a_private_repository_are_doubted_only_when_they_are_wanted() {
        let private = || inspection(Repository { is_private: true, ..repository() });
        let facts = |auto_pr| Facts { auto_pr, ..seen(CredentialKind::Classic, private()) };
        assert_eq!(judge(&facts(false), None).len(), 3);
        check(&judge(&facts(true), None)[3..], &[(Warning, "On a free plan")]);
    }

    #[test]
    fn rights_for_pull_requests_are_missed_only_when_they_are_wanted_and_known_to_lack() {
        let judged = |auto_pr, kind, inspection| judge(&Facts { auto_pr, ..seen(kind, inspection) }, None).split_off(3);
        let reader = || inspection(Repository { role: Some(Role { pull: true, push: false }), ..repository() });
        check(&judged(true, CredentialKind::Classic, reader()), &[(Warning, "contents and pull requests in acme/shop")]);
        check(&judged(true, CredentialKind::FineGrained, reader()), &[(Warning, "Let the account push there")]);
        check(&judged(false, CredentialKind::Classic, reader()), &[]);
        check(&judged(true, CredentialKind::Classic, inspection(repository())), &[]);
        check(&judged(true, CredentialKind::FineGrained, inspection(repository())), &[]);
        let granted = |names: &[&str]| Inspection {
            granted: Some(names.iter().map(|name| ((*name).to_owned(), "write".to_owned())).collect()),
            ..inspection(repository())
        };
        let app = |names| judged(true, CredentialKind::App, granted(names));
        check(&app(&["issues", "contents"]), &[(Warning, "may not write pull requests in")]);
        check(&app(&["issues", "pull_requests"]), &[(Warning, "may not write contents in")]);
        check(&app(&["issues", "contents", "pull_requests"]), &[]);
    }
}
