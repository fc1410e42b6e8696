//! What the core asks of the forge, and what the forge may answer.
//!
//! The answers draw one line sharply: whether an issue was for certain not created, or may have been. Everything that the core does about
//! an answer hangs on that line, never on the text of an error.

use std::fmt;
use std::time::Duration;

use healnode_report::Fingerprint;
use serde::{Deserialize, Serialize};

/// The number of an issue in its repository. Lower is older.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct IssueNumber(pub u64);

/// An issue that is known to exist.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IssueRef {
    /// Its number.
    pub number: IssueNumber,
    /// Where a person reads it, at most [`URL_BYTES_MAX`](crate::limits::URL_BYTES_MAX) bytes.
    pub url: String,
    /// Whether it was open when last seen.
    pub open: bool,
}

/// What ties an issue to a fingerprint: a line at the top of the issue's body that people do not see.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Marker([u8; 16]);

/// One thing to do on the forge.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ForgeCall {
    /// List this bot's own issues, open and closed, and give back those that carry one of `markers`. Never by search: its index lags.
    Look {
        /// At most [`GROUP_MEMBERS_MAX`](crate::limits::GROUP_MEMBERS_MAX).
        markers: Vec<Marker>,
    },
    /// List all of this bot's own issues that carry a marker.
    Survey,
    /// Create one issue, in one attempt.
    Create(IssueDraft),
    /// Replace healnode's own part of an issue's body. Text of people stays, and so does a title that people changed.
    Update {
        /// Which issue.
        number: IssueNumber,
        /// What it should say.
        draft: IssueDraft,
    },
    /// Close an issue as a duplicate of another. Both are this bot's own.
    CloseDuplicate {
        /// The one to close.
        number: IssueNumber,
        /// The one that stays.
        of: IssueNumber,
    },
}

/// What an issue is to say.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct IssueDraft {
    /// One line, at most [`TITLE_CHARS_MAX`](crate::limits::TITLE_CHARS_MAX) characters.
    pub title: String,
    /// Markdown that starts with the markers, at most [`BODY_CHARS_MAX`](crate::limits::BODY_CHARS_MAX) characters.
    pub body: String,
    /// Labels that it should carry. One that cannot be had is done without.
    pub labels: Vec<String>,
}

/// An issue of this bot's own, as the forge shows it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FoundIssue {
    /// Which issue.
    pub issue: IssueRef,
    /// The markers at the top of its body.
    pub markers: Vec<Marker>,
}

/// What the forge answered.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ForgeReply {
    /// The answer to [`ForgeCall::Look`] and [`ForgeCall::Survey`]: every page was read.
    Found(Vec<FoundIssue>),
    /// The issue was created.
    Created(IssueRef),
    /// An update or a closing was done.
    Done,
    /// Nothing was changed, for certain.
    Refused(Refusal),
    /// There was no clear answer. A create may have happened, or may yet happen.
    Unclear {
        /// For the log and for `why`: one sentence without secrets.
        why: String,
    },
}

/// Why the forge did not do what it was asked.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Refusal {
    /// What kind of refusal it is; decides what happens next.
    pub kind: RefusalKind,
    /// For people: one sentence without secrets that says how to mend it.
    pub message: String,
}

/// The kinds of refusal that are handled differently.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RefusalKind {
    /// A rate limit. Everything through this token waits.
    Limited {
        /// For at least so long.
        retry_after: Duration,
    },
    /// The token is missing, wrong, or lacks a right; or the repository is gone, archived, or has no issues. A person has to act.
    Denied,
    /// This very request will never be accepted.
    Invalid,
    /// The forge could not be reached, so nothing was sent.
    Unreachable,
}

/// Whether filing is possible at all.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ForgeHealth {
    /// It is, as far as is known.
    Ready,
    /// It is not, until a person acts or time passes.
    Blocked {
        /// One sentence without secrets that says how to mend it.
        why: String,
    },
}

impl Marker {
    /// Returns the marker of a fingerprint: its first 16 bytes.
    pub fn of(fingerprint: Fingerprint) -> Self {
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&fingerprint.as_bytes()[..16]);
        Self(bytes)
    }

    /// Reads the markers of an issue's body: one a line, before healnode's own part begins. People may write above and between them.
    pub fn read_all(body: &str) -> Vec<Self> {
        let head = body.lines().take_while(|line| line.trim() != crate::issue::BEGIN);
        head.filter_map(Self::read).take(crate::limits::GROUP_MEMBERS_MAX).collect()
    }

    fn read(line: &str) -> Option<Self> {
        let hex = line.trim().strip_prefix("<!-- healnode-sig-")?.strip_suffix(" v1 -->")?;
        if hex.len() != 32 || !hex.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte)) {
            return None;
        }
        let number = u128::from_str_radix(hex, 16).ok()?;
        Some(Self(number.to_be_bytes()))
    }
}

impl fmt::Display for Marker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<!-- healnode-sig-{:032x} v1 -->", u128::from_be_bytes(self.0))
    }
}

impl fmt::Debug for Marker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Marker({:032x})", u128::from_be_bytes(self.0))
    }
}

impl fmt::Display for IssueNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.0)
    }
}
