//! What the core asks of the forge, and what the forge may answer.
//!
//! The answers draw one line sharply: whether an issue was for certain not created, or may have been. Everything that the core does about
//! an answer hangs on that line, never on the text of an error.

use std::fmt;
use std::time::Duration;

use healnode_report::{Fingerprint, Severity, UnixMillis};
use serde::{Deserialize, Serialize};

use crate::{PullCall, PullReply};

/// The number of an issue in its repository. Lower is older.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct IssueNumber(pub u64);

/// An issue that is known to exist.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
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
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum ForgeCall {
    /// List this bot's own issues, open and closed, and give back those that carry one of `markers`. Never by search: its index lags.
    Look {
        /// At most [`GROUP_MEMBERS_MAX`](crate::limits::GROUP_MEMBERS_MAX).
        markers: Vec<Marker>,
    },
    /// List all of this bot's own issues that carry a marker.
    Survey,
    /// Take the lease that lets only one node at a time create issues in this repository, or make sure that there is enough left of it.
    /// Costs nothing while this node holds it with time to spare.
    Acquire,
    /// Give the lease back.
    Release {
        /// Whether a create may have been sent under it that nobody has seen the outcome of. Whoever takes it next has to look for a minute.
        unclear: bool,
    },
    /// Read one issue by its number, also one that is not this bot's own.
    Inspect {
        /// Which issue.
        number: IssueNumber,
    },
    /// Create one issue, in one attempt. Refused as [`RefusalKind::Unleased`], with nothing sent, when too little is left of the lease.
    Create(IssueDraft),
    /// Replace healnode's own part of an issue's body. Text of people stays, and so does a title that people changed.
    Update {
        /// Which issue.
        number: IssueNumber,
        /// What it should say.
        draft: IssueDraft,
    },
    /// Write a comment under an issue of this bot's own, in one attempt.
    Comment {
        /// Which issue.
        number: IssueNumber,
        /// What it says.
        text: String,
    },
    /// Open a closed issue of this bot's own again, and say why in a comment. An open one is left as it is.
    Reopen {
        /// Which issue.
        number: IssueNumber,
        /// What the comment says.
        comment: String,
    },
    /// Close an open issue of this bot's own as completed, and say why in a comment. A closed one is left as it is.
    Close {
        /// Which issue.
        number: IssueNumber,
        /// What the comment says.
        comment: String,
    },
    /// Put the label [`QUIET_LABEL`] on an issue of this bot's own, or take it off.
    MarkQuiet {
        /// Which issue.
        number: IssueNumber,
        /// Whether it should carry the label.
        quiet: bool,
    },
    /// Close an issue as a duplicate of another. Both are this bot's own.
    CloseDuplicate {
        /// The one to close.
        number: IssueNumber,
        /// The one that stays.
        of: IssueNumber,
    },
    /// Something about pull requests.
    Pull(PullCall),
}

/// What an issue is to say.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct IssueDraft {
    /// One line, at most [`TITLE_CHARS_MAX`](crate::limits::TITLE_CHARS_MAX) characters.
    pub title: String,
    /// Markdown that starts with the markers, at most [`BODY_CHARS_MAX`](crate::limits::BODY_CHARS_MAX) characters.
    pub body: String,
    /// Labels that it should carry. One that cannot be had is done without.
    pub labels: Vec<String>,
}

/// A label that a person puts on an issue to silence it.
pub const MUTE_LABEL: &str = "healnode:mute";

/// The label of an issue whose errors have not been seen for long.
pub const QUIET_LABEL: &str = "healnode:quiet";

/// An issue, as the forge shows it.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct FoundIssue {
    /// Which issue.
    pub issue: IssueRef,
    /// The markers at the top of its body; none in an issue that is not this bot's own.
    pub markers: Vec<Marker>,
    /// Whether the markers are of one error, by several versions of the algorithm, rather than of one error each.
    pub is_one_error: bool,
    /// When it was created, by the forge's clock.
    pub created_at: UnixMillis,
    /// When and why it was closed; nothing while it is open.
    pub closing: Option<Closing>,
    /// Whether a person has locked its conversation.
    pub locked: bool,
    /// Whether it carries [`MUTE_LABEL`].
    pub muted: bool,
    /// Whether it carries [`QUIET_LABEL`].
    pub quiet: bool,
    /// Whether it carries the label of [`Policy::approval_label`](crate::Policy::approval_label); never where that is empty.
    pub approved: bool,
    /// The numbers that its text names, if they can be read.
    pub stated: Option<Stated>,
}

/// How an issue was closed.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Closing {
    /// When, by the forge's clock.
    pub at: UnixMillis,
    /// Why.
    pub reason: CloseReason,
}

/// Why an issue was closed.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum CloseReason {
    /// It is done, or nobody said why.
    Completed,
    /// It is not to be worked on.
    NotPlanned,
    /// It is the same as another issue.
    Duplicate {
        /// Which, if that could be found out.
        of: Option<IssueNumber>,
    },
}

/// The numbers in an issue's text, as a line that people do not see. They let nodes that cannot hear each other keep one issue true: neither
/// lowers its count, nor says the same thing again.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Stated {
    /// Occurrences that the text names.
    pub occurrences: u64,
    /// Occurrences when they were last told in a comment, or when the issue was created.
    pub told: u64,
    /// How many similar errors the text names.
    pub similar: usize,
    /// The severity that the text names, unless it is of a version that did not say so here.
    pub severity: Option<Severity>,
}

/// What the forge answered.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum ForgeReply {
    /// The answer to [`ForgeCall::Look`] and [`ForgeCall::Survey`]: every page was read.
    Found(Vec<FoundIssue>),
    /// The answer to [`ForgeCall::Acquire`]: this node may create.
    Leased(Lease),
    /// The answer to [`ForgeCall::Acquire`]: another node may create just now.
    Held {
        /// For how long at most, unless it takes more.
        retry_after: Duration,
    },
    /// The answer to [`ForgeCall::Inspect`].
    Issue(Box<FoundIssue>),
    /// The issue was deleted, or moved to another repository.
    Gone {
        /// Its new address, if it was moved and that is known.
        moved_to: Option<String>,
    },
    /// The issue was created.
    Created(IssueRef),
    /// What was asked for is done, or was so already.
    Done,
    /// The answer to a [`ForgeCall::Pull`], unless it is one of the others.
    Pull(PullReply),
    /// Nothing was changed, for certain.
    Refused(Refusal),
    /// There was no clear answer. A create may have happened, or may yet happen.
    Unclear {
        /// For the log and for `why`: one sentence without secrets.
        why: String,
    },
}

/// Leave to create.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Lease {
    /// Whether the forge keeps every other node from creating meanwhile. If not, nothing but the order of turns does.
    pub exclusive: bool,
    /// How long ago a create may last have been sent whose outcome its sender did not record; nothing if there is none to be looked for.
    pub doubt: Option<Duration>,
    /// What time it is by the forge's clock, if that is known.
    pub date: Option<UnixMillis>,
}

/// Why the forge did not do what it was asked.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Refusal {
    /// What kind of refusal it is; decides what happens next.
    pub kind: RefusalKind,
    /// For people: one sentence without secrets that says how to mend it.
    pub message: String,
}

/// The kinds of refusal that are handled differently.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
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
    /// Too little is left of the lease, or it is lost.
    Unleased,
    /// The forge could not be reached, so nothing was sent.
    Unreachable,
    /// Another node, or a person, was first: the branch is not where it was expected.
    Overtaken,
}

/// Whether filing is possible at all.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
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

    /// Returns the line of a body that carries it. `version` is that of the algorithm; `also` says that it is of the error of the line before.
    pub fn line(self, version: u16, also: bool) -> String {
        format!("<!-- healnode-sig-{:032x} v{version}{} -->\n", u128::from_be_bytes(self.0), if also { ALSO } else { "" })
    }

    /// Reads the markers of an issue's body: one a line, before healnode's own part begins. People may write above and between them.
    pub fn read_all(body: &str) -> Vec<Self> {
        Self::lines(body).map(|(marker, _)| marker).collect()
    }

    /// Returns whether the markers of a body are of one error.
    pub fn are_of_one_error(body: &str) -> bool {
        Self::lines(body).filter(|(_, also)| !also).count() == 1
    }

    fn lines(body: &str) -> impl Iterator<Item = (Self, bool)> {
        let head = body.lines().take_while(|line| line.trim() != crate::issue::BEGIN);
        head.filter_map(Self::read).take(crate::limits::GROUP_MEMBERS_MAX)
    }

    fn read(line: &str) -> Option<(Self, bool)> {
        let (hex, version) = line.trim().strip_prefix("<!-- healnode-sig-")?.strip_suffix(" -->")?.split_once(" v")?;
        let (version, also) = version.strip_suffix(ALSO).map_or((version, false), |version| (version, true));
        version.parse::<u16>().ok()?;
        if hex.len() != 32 || !hex.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte)) {
            return None;
        }
        let number = u128::from_str_radix(hex, 16).ok()?;
        Some((Self(number.to_be_bytes()), also))
    }
}

/// Stands behind the version in the marker of an error whose other marker is on the line before.
const ALSO: &str = " also";

impl FoundIssue {
    /// Returns an order in which the issue that stands for a marker comes first: the lowest open one, else the lowest that was not closed as
    /// a duplicate.
    pub(crate) fn rank(&self) -> (u8, IssueNumber) {
        let class = match self.closing.map(|closing| closing.reason) {
            None => 0,
            Some(CloseReason::Completed | CloseReason::NotPlanned) => 1,
            Some(CloseReason::Duplicate { .. }) => 2,
        };
        (class, self.issue.number)
    }
}

impl Stated {
    /// Reads the first line of healnode's own part of an issue's body.
    pub fn read(body: &str) -> Option<Self> {
        let line = body.lines().skip_while(|line| line.trim() != crate::issue::BEGIN).nth(1)?;
        let numbers = line.trim().strip_prefix("<!-- healnode-count ")?.strip_suffix(" v1 -->")?;
        let (occurrences, told) = numbers.split_once(" told ")?;
        let (told, severity) = told.split_once(" severity ").map_or((told, None), |(told, severity)| (told, Some(severity)));
        let (told, similar) = told.split_once(" similar ").unwrap_or((told, "0"));
        let severity = severity.and_then(|severity| severity.parse().ok());
        Some(Self { occurrences: occurrences.parse().ok()?, told: told.parse().ok()?, similar: similar.parse().ok()?, severity })
    }
}

impl fmt::Display for Stated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let similar = if self.similar == 0 { String::new() } else { format!(" similar {}", self.similar) };
        let severity = self.severity.map(|severity| format!(" severity {severity}")).unwrap_or_default();
        write!(f, "<!-- healnode-count {} told {}{similar}{severity} v1 -->", self.occurrences, self.told)
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
