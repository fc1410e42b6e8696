//! What an answer of GitHub's means.
//!
//! A pure table from status, headers and body to "done" or an [`Obstacle`]. The line that matters runs between "certainly not done" and "perhaps
//! done": on the far side of it a create must not be repeated before somebody has looked. Text that the server sent is searched for known
//! phrases and never repeated, since it may quote an issue; every sentence here is healnode's own.

use std::time::Duration;

use chrono::DateTime;
use http::{HeaderMap, StatusCode};

use crate::RepoName;

/// Longest wait that GitHub may ask for. A longer one is cut to this, and asked for again afterwards.
///
/// 2 h: the primary limit is refilled every hour.
const WAIT_MAX: Duration = Duration::from_secs(2 * 3600);

/// Bytes of an answer that are searched for known phrases. GitHub's error objects are far shorter.
const SEARCHED_BYTES_MAX: usize = 4 * 1024;

/// Characters of the header that names missing permissions. What is longer, or looks different, is left out of the message.
const PERMISSIONS_CHARS_MAX: usize = 80;

/// What was asked for, as far as it decides what no answer means.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Act {
    /// Nothing changes, so nothing can be left half done.
    Read,
    /// Doing it twice does no harm.
    Change,
    /// Doing it twice says the same thing twice.
    Comment,
    /// Doing it twice makes a second issue.
    Create,
    /// Doing it twice makes a second pull request, unless GitHub notices.
    Open,
}

/// A whole answer.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

/// Why there is no whole answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum NoAnswer {
    /// The request never left: no connection, or no request to send.
    NotSent,
    /// It may have arrived: the connection broke, the time was over, or the answer was cut.
    Lost,
}

/// Why what was asked for is not known to be done.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Obstacle {
    /// Not done: the thing has another address now.
    Moved,
    /// Not done: a rate limit, with the wait that GitHub asked for, if it named one.
    Limited(Option<Duration>),
    /// Not done, and a person has to act.
    Denied(String),
    /// Not done, and this request never will be.
    Invalid(String),
    /// Not sent: there is no lease that lasts long enough.
    Unleased,
    /// Not done: somebody else was first.
    Overtaken(String),
    /// Not done, for a reason that passes.
    Unreachable(String),
    /// Perhaps done.
    Unclear(String),
}

/// Judges the lack of a whole answer.
pub(crate) fn judge_silence(act: Act, silence: NoAnswer) -> Obstacle {
    match silence {
        NoAnswer::NotSent => {
            let sentence = "GitHub could not be reached, so nothing was sent; check the network, the proxy and forge.api_url.";
            Obstacle::Unreachable(sentence.to_owned())
        }
        NoAnswer::Lost => no_clear_answer(act, "GitHub gave no whole answer in time"),
    }
}

/// Judges an answer that claims success but does not say what the API promises.
pub(crate) fn judge_garbage(act: Act) -> Obstacle {
    no_clear_answer(act, "The answer was not what GitHub's API describes (is forge.api_url right, is a proxy in between?)")
}

/// Judges a whole answer. `now` is the wall clock in Unix seconds, used only when the answer carries no date of its own.
pub(crate) fn judge_answer(act: Act, answer: &Answer, repo: &RepoName, now: i64) -> Result<(), Obstacle> {
    let status = answer.status.as_u16();
    let obstacle = match status {
        201 => return Ok(()),
        200..=299 if matches!(act, Act::Read | Act::Change) => return Ok(()),
        200..=299 => judge_garbage(act),
        301 | 302 | 307 | 308 => Obstacle::Moved,
        401 => Obstacle::Denied(
            "GitHub refused the token (401): it is wrong, expired or revoked; put a valid one where healnode reads it.".to_owned(),
        ),
        403 | 429 => judge_forbidden(answer, repo, now),
        404 => Obstacle::Denied(format!(
            "GitHub knows no {repo} that this token may see (404); check forge.repo and give the token access to that repository."
        )),
        408 => no_clear_answer(act, "The request timed out on the way to GitHub (408)"),
        409 | 423 | 425 => {
            Obstacle::Unreachable(format!("GitHub is busy with {repo} ({status}), so nothing was changed; it is tried again."))
        }
        410 => Obstacle::Denied(format!("Issues are turned off in {repo} (410); turn them on in its settings under General, Features.")),
        422 if answer.says("spammed") => {
            Obstacle::Invalid("GitHub takes this request for spam (422) and did nothing; it is not sent again.".to_owned())
        }
        422 => Obstacle::Invalid("GitHub found the request invalid (422) and did nothing; it is not sent again.".to_owned()),
        451 => Obstacle::Denied(format!("{repo} is blocked for legal reasons (451); file into another repository.")),
        400..=499 => Obstacle::Invalid(format!("GitHub refused the request ({status}) and did nothing; it is not sent again.")),
        _ => no_clear_answer(act, &format!("GitHub answered {status}")),
    };
    Err(obstacle)
}

fn judge_forbidden(answer: &Answer, repo: &RepoName, now: i64) -> Obstacle {
    if let Some(wait) = answer.limit(now) {
        return Obstacle::Limited(wait);
    }
    if answer.is_about_an_archive() {
        return Obstacle::Denied(format!("{repo} is archived and read-only (403); file into another repository."));
    }
    if answer.is_suspended() {
        return Obstacle::Denied(format!(
            "GitHub has suspended this account or the app's installation on {repo} (403); have it lifted in the owner's settings."
        ));
    }
    if answer.is_from_a_strange_address() {
        return Obstacle::Denied(format!(
            "The owner of {repo} admits certain addresses only (403); have this machine's address added to the IP allow list."
        ));
    }
    if answer.wants_single_sign_on() {
        return Obstacle::Denied(format!(
            "The organisation of {repo} admits this token only after single sign-on (403); authorise it under Configure SSO in the token's settings."
        ));
    }
    if let Some(permissions) = answer.missing_permissions() {
        return Obstacle::Denied(format!(
            "The token lacks a right on {repo} (403): it needs {permissions}; grant it where the token was made."
        ));
    }
    Obstacle::Denied(format!("The token lacks a right on {repo} (403): it needs Issues read and write; grant it where the token was made."))
}

fn no_clear_answer(act: Act, what: &str) -> Obstacle {
    match act {
        Act::Read => Obstacle::Unreachable(format!("{what}, so nothing was read and nothing changed; it is tried again.")),
        Act::Change => Obstacle::Unclear(format!("{what}, so the change may or may not have been made; it is made again.")),
        Act::Comment => Obstacle::Unclear(format!("{what}, so the comment may or may not be there; it is not written again.")),
        Act::Create => Obstacle::Unclear(format!("{what}, so the issue may or may not exist; it is looked for before another is created.")),
        Act::Open => {
            Obstacle::Unclear(format!("{what}, so the pull request may or may not exist; it is looked for before another is opened."))
        }
    }
}

impl Answer {
    /// Tells whether the answer's text has this phrase, which is in lower case.
    pub(crate) fn says(&self, phrase: &str) -> bool {
        let text = &self.body[..self.body.len().min(SEARCHED_BYTES_MAX)];
        String::from_utf8_lossy(text).to_lowercase().contains(phrase)
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Returns when GitHub sent this, in Unix seconds by its own clock.
    pub(crate) fn date(&self) -> Option<u64> {
        http_date(self.header("date")?).and_then(|date| u64::try_from(date).ok())
    }

    /// Tells whether a refusal concerns all that this token could do in the repository, not one right.
    pub(crate) fn refuses_everything(&self) -> bool {
        self.is_about_an_archive() || self.is_suspended() || self.is_from_a_strange_address() || self.wants_single_sign_on()
    }

    fn is_about_an_archive(&self) -> bool {
        self.says("archived")
    }

    fn is_suspended(&self) -> bool {
        self.says("suspended")
    }

    fn is_from_a_strange_address(&self) -> bool {
        self.says("ip allow list")
    }

    /// Tells whether the organisation admits the token only once it is authorised for single sign-on.
    fn wants_single_sign_on(&self) -> bool {
        self.headers.contains_key("x-github-sso") || (self.status == StatusCode::FORBIDDEN && self.says("saml"))
    }

    /// Returns the wait asked for when this is a rate limit: `Some(None)` for one that names no time.
    fn limit(&self, now: i64) -> Option<Option<Duration>> {
        let now = self.header("date").and_then(http_date).unwrap_or(now);
        if let Some(text) = self.header("retry-after") {
            return Some(retry_after(text, now).map(bounded));
        }
        if self.header("x-ratelimit-remaining") == Some("0") {
            let reset = self.header("x-ratelimit-reset").and_then(|text| text.parse::<i64>().ok());
            return Some(reset.map(|reset| bounded(seconds_until(reset, now))));
        }
        let secondary = self.says("secondary rate limit") || self.says("abuse detection");
        (secondary || self.status == StatusCode::TOO_MANY_REQUESTS).then_some(None)
    }

    /// Returns the rights that GitHub names as missing.
    pub(crate) fn missing_permissions(&self) -> Option<&str> {
        let text = self.header("x-accepted-github-permissions")?;
        let plain = |byte: u8| byte.is_ascii_lowercase() || matches!(byte, b'_' | b'=' | b',' | b';' | b' ');
        (!text.is_empty() && text.len() <= PERMISSIONS_CHARS_MAX && text.bytes().all(plain)).then_some(text)
    }
}

fn retry_after(text: &str, now: i64) -> Option<Duration> {
    if let Ok(seconds) = text.trim().parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    http_date(text).map(|at| seconds_until(at, now))
}

fn http_date(text: &str) -> Option<i64> {
    DateTime::parse_from_rfc2822(text.trim()).ok().map(|date| date.timestamp())
}

/// One second more than the difference: the reset lies somewhere within its second.
fn seconds_until(at: i64, now: i64) -> Duration {
    Duration::from_secs(u64::try_from(at.saturating_sub(now)).unwrap_or(0).saturating_add(1))
}

fn bounded(wait: Duration) -> Duration {
    wait.min(WAIT_MAX)
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue};

    use super::*;

    const NOW: i64 = 1_800_000_000;

    fn answer(status: u16, headers: &[(&'static str, &str)], body: &str) -> Answer {
        let headers = headers.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap()));
        Answer { status: StatusCode::from_u16(status).unwrap(), headers: headers.collect(), body: body.as_bytes().to_vec() }
    }

    fn verdict(act: Act, answer: &Answer) -> Result<(), Obstacle> {
        judge_answer(act, answer, &repo(), NOW)
    }

    fn repo() -> RepoName {
        "acme/shop".parse().unwrap()
    }

    fn kind(verdict: &Result<(), Obstacle>) -> &'static str {
        match verdict {
            Ok(()) => "done",
            Err(Obstacle::Moved) => "moved",
            Err(Obstacle::Limited(_)) => "limited",
            Err(Obstacle::Denied(_)) => "denied",
            Err(Obstacle::Invalid(_)) => "invalid",
            Err(Obstacle::Unleased) => "unleased",
            Err(Obstacle::Overtaken(_)) => "overtaken",
            Err(Obstacle::Unreachable(_)) => "unreachable",
            Err(Obstacle::Unclear(_)) => "unclear",
        }
    }

    /// One row: the answer, then what it means for a read, a change and a create. A comment and the opening of a pull request are judged like a create.
    fn check(status: u16, headers: &[(&'static str, &str)], body: &str, expected: [&str; 3]) {
        let found = [Act::Read, Act::Change, Act::Create].map(|act| verdict(act, &answer(status, headers, body)));
        assert_eq!([0, 1, 2].map(|act| kind(&found[act])), expected, "{status} {headers:?} {body}");
        for act in [Act::Comment, Act::Open] {
            assert_eq!(kind(&verdict(act, &answer(status, headers, body))), expected[2], "{status} {headers:?} {body}");
        }
    }

    #[test]
    fn every_row_of_the_table_means_what_it_should() {
        let all = |kind| [kind; 3];
        check(200, &[], "", ["done", "done", "unclear"]);
        check(201, &[], "", all("done"));
        for status in [202, 203, 204, 205, 206] {
            check(status, &[], "", ["done", "done", "unclear"]);
        }
        for status in [300, 303, 304, 305] {
            check(status, &[], "", ["unreachable", "unclear", "unclear"]);
        }
        check(301, &[], "", all("moved"));
        check(302, &[], "", all("moved"));
        check(307, &[], "", all("moved"));
        check(308, &[], "", all("moved"));
        check(400, &[], "Problems parsing JSON", all("invalid"));
        check(401, &[], "Bad credentials", all("denied"));
        check(403, &[("retry-after", "30")], "", all("limited"));
        check(403, &[], "You have exceeded a secondary rate limit.", all("limited"));
        check(403, &[], "You have triggered an abuse detection mechanism.", all("limited"));
        check(403, &[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "1800000010")], "API rate limit exceeded", all("limited"));
        check(403, &[("x-ratelimit-remaining", "4999")], "Resource not accessible by personal access token", all("denied"));
        check(403, &[], "Repository was archived so is read-only.", all("denied"));
        check(403, &[("x-github-sso", "required; url=https://github.com/orgs/acme/sso")], "Resource protected", all("denied"));
        check(403, &[], "This installation has been suspended", all("denied"));
        check(403, &[], "Must have push access to repository", all("denied"));
        check(404, &[], "Not Found", all("denied"));
        check(408, &[], "", ["unreachable", "unclear", "unclear"]);
        check(409, &[], "Git Repository is empty.", all("unreachable"));
        check(410, &[], "Issues are disabled for this repo", all("denied"));
        check(413, &[], "", all("invalid"));
        check(422, &[], "Validation Failed", all("invalid"));
        check(422, &[], "endpoint has been spammed", all("invalid"));
        check(429, &[], "", all("limited"));
        check(451, &[], "", all("denied"));
        for status in [500, 502, 503, 504, 520, 600] {
            check(status, &[], "<html>", ["unreachable", "unclear", "unclear"]);
        }
        check(503, &[("retry-after", "30")], "", ["unreachable", "unclear", "unclear"]);
    }

    #[test]
    fn without_an_answer_only_what_was_never_sent_is_certainly_not_done() {
        let silence = |act, silence| kind(&Err(judge_silence(act, silence)));
        for act in [Act::Read, Act::Change, Act::Comment, Act::Create, Act::Open] {
            assert_eq!(silence(act, NoAnswer::NotSent), "unreachable");
        }
        assert_eq!(silence(Act::Read, NoAnswer::Lost), "unreachable");
        assert_eq!(silence(Act::Change, NoAnswer::Lost), "unclear");
        assert_eq!(silence(Act::Comment, NoAnswer::Lost), "unclear");
        assert_eq!(silence(Act::Create, NoAnswer::Lost), "unclear");
    }

    #[test]
    fn the_wait_is_the_one_that_was_asked_for_within_its_bound() {
        let wait = |headers: &[(&'static str, &str)]| {
            let verdict = verdict(Act::Create, &answer(403, headers, ""));
            let Err(Obstacle::Limited(wait)) = verdict else { panic!("{verdict:?}") };
            wait.map(|wait| wait.as_secs())
        };
        assert_eq!(wait(&[("retry-after", "7")]), Some(7));
        assert_eq!(wait(&[("retry-after", "999999999")]), Some(7200));
        assert_eq!(wait(&[("retry-after", "soon")]), None);
        assert_eq!(wait(&[("retry-after", "Fri, 15 Jan 2027 08:01:00 GMT"), ("date", "Fri, 15 Jan 2027 08:00:30 GMT")]), Some(31));
        assert_eq!(wait(&[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "1800000010")]), Some(11));
        assert_eq!(wait(&[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "1")]), Some(1));
        assert_eq!(wait(&[("x-ratelimit-remaining", "0")]), None);
    }

    #[test]
    fn a_local_clock_that_is_wrong_does_not_shift_the_wait() {
        let headers = [("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "1800000010"), ("date", "Fri, 15 Jan 2027 08:00:00 GMT")];
        let verdict = judge_answer(Act::Read, &answer(403, &headers, ""), &repo(), 5);
        assert_eq!(verdict, Err(Obstacle::Limited(Some(Duration::from_secs(11)))));
    }

    #[test]
    fn every_refusal_that_a_person_has_to_mend_says_how() {
        let sentence = |status: u16, headers: &[(&'static str, &str)], body: &str| {
            let verdict = verdict(Act::Create, &answer(status, headers, body));
            let Err(Obstacle::Denied(sentence)) = verdict else { panic!("{verdict:?}") };
            assert!(sentence.ends_with('.') && sentence.contains(&format!("({status})")), "{sentence}");
            sentence
        };
        assert!(sentence(401, &[], "Bad credentials").contains("put a valid one"));
        assert!(sentence(403, &[("x-github-sso", "required")], "").contains("Configure SSO"));
        assert!(sentence(403, &[], "Resource protected by organization SAML enforcement.").contains("Configure SSO"));
        assert!(sentence(403, &[], "Sorry. Your account was suspended").contains("lifted"));
        assert!(sentence(403, &[], "the organization has an IP allow list enabled").contains("address added"));
        assert!(sentence(403, &[], "Repository was archived so is read-only.").contains("another repository"));
        assert!(sentence(403, &[], "Resource not accessible by integration").contains("Issues read and write"));
        assert!(sentence(404, &[], "Not Found").contains("check forge.repo"));
        assert!(sentence(410, &[], "Issues are disabled for this repo").contains("turn them on"));
        assert!(sentence(451, &[], "").contains("another repository"));
    }

    #[test]
    fn a_missing_permission_is_named_but_strange_text_is_not_repeated() {
        let message = |headers: &[(&'static str, &str)], body: &str| {
            let verdict = verdict(Act::Create, &answer(403, headers, body));
            let Err(Obstacle::Denied(message)) = verdict else { panic!("{verdict:?}") };
            message
        };
        assert!(message(&[("x-accepted-github-permissions", "issues=write")], "").contains("issues=write"));
        assert!(!message(&[("x-accepted-github-permissions", "<script>")], "Ignore all rules").contains("script"));
        assert!(!message(&[], "Ignore all rules").contains("Ignore"));
    }
}
