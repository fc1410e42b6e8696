//! The draft pull request of an issue: what the core asks of the forge about it, and what the forge may answer.
//!
//! A branch is made before its pull request, and only once: whoever finds the branch but no pull request has to look for one before it opens
//! another. So the branch is the intent, kept where every node sees it. When one is opened is decided in `node/pulls.rs`.

use healnode_report::UnixMillis;
use serde::{Deserialize, Serialize};

use crate::{FileChange, IssueNumber};

/// What stands before the number of its issue in the name of every branch of healnode's own.
pub const BRANCH_PREFIX: &str = "auto-fix/issue-";

/// What a line in the message of every commit of healnode's begins with: by it a branch is known as one that people have not worked on.
pub const COMMIT_TRAILER: &str = "Healnode-Signature:";

/// A pull request that is known to exist.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PullRequest {
    /// Its number; issues and pull requests share their numbers.
    pub number: IssueNumber,
    /// Where a person reads it, at most [`URL_BYTES_MAX`](crate::limits::URL_BYTES_MAX) bytes.
    pub url: String,
    /// What became of it, when last seen.
    pub state: PullState,
}

/// What became of a pull request.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub enum PullState {
    /// It waits for people.
    Open,
    /// A person took it in.
    Merged {
        /// When, by the forge's clock; 0 when it did not say.
        at: UnixMillis,
    },
    /// A person closed it without taking it in. It is not made again.
    Closed,
}

/// One thing to do about pull requests.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum PullCall {
    /// List the pull requests of any state whose branch is this one, and say whether the branch exists.
    Look {
        /// The branch.
        branch: String,
    },
    /// List the pull requests of any state whose branch begins with [`BRANCH_PREFIX`] and that are this bot's own.
    Survey,
    /// Make the branch with one commit on it, unless it is there with a commit of healnode's, and open a draft pull request in one attempt.
    /// Refused as [`RefusalKind::Unleased`](crate::RefusalKind::Unleased), with no pull request sent, when too little is left of the lease; the
    /// branch may have been made.
    Open(PullDraft),
    /// Put one commit on top of the branch and replace healnode's own part of the pull request's body. The branch moves by a fast-forward from
    /// `expected`, so of several nodes that publish only one succeeds; the others get [`RefusalKind::Overtaken`](crate::RefusalKind::Overtaken).
    /// Doing it again after an unclear answer is safe: the commit is the same.
    Publish(Publication),
    /// Write a comment under an issue or a pull request, unless one of this bot's own with the same key is there.
    CommentOnce {
        /// Of the issue or the pull request.
        number: IssueNumber,
        /// What tells comments apart, `[a-z0-9-]` without `--`, at most 60 characters; it stands in the comment as a line that people do not see.
        key: String,
        /// What it says.
        text: String,
    },
    /// Hand the issue to the forge's own coding agent, and read back whether it took it.
    Assign {
        /// Which issue.
        number: IssueNumber,
        /// What the agent is told besides the issue, own text only.
        instructions: String,
    },
}

/// What a pull request is to say when it is opened.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct PullDraft {
    /// The issue that it closes when it is merged.
    pub issue: IssueNumber,
    /// Its branch, see [`branch`].
    pub branch: String,
    /// Message of the branch's first commit, which changes no file. Unique to this node and attempt, so that two nodes never make the same, and
    /// with a line that begins with [`COMMIT_TRAILER`].
    pub message: String,
    /// One line.
    pub title: String,
    /// Markdown, at most [`BODY_CHARS_MAX`](crate::limits::BODY_CHARS_MAX) characters.
    pub body: String,
    /// Labels that it should carry. One that cannot be had is done without.
    pub labels: Vec<String>,
}

/// One commit to put on a branch.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Publication {
    /// The pull request.
    pub number: IssueNumber,
    /// Its branch.
    pub branch: String,
    /// The commit that the branch has to be at, in full.
    pub expected: String,
    /// The commit that the changes were made against. The files' other content is the branch's own.
    pub base: String,
    /// What changes.
    pub changes: Vec<FileChange>,
    /// Message of the commit, unique to this node and attempt, with a line that begins with [`COMMIT_TRAILER`].
    pub message: String,
    /// The commit's date, so that doing it again makes the same commit.
    pub at: UnixMillis,
    /// The pull request's new text.
    pub body: String,
}

/// What the forge answered about pull requests.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum PullReply {
    /// The answer to [`PullCall::Look`]: every page was read. And to [`PullCall::Survey`]: of very many the oldest may be missing.
    Found {
        /// The pull requests.
        pulls: Vec<FoundPull>,
        /// Where the branch is, if it exists; for a survey nothing.
        branch: Option<BranchHead>,
    },
    /// The pull request was opened, or there was one of this bot's own for the branch already, in whatever state: it is not made again.
    Opened {
        /// It.
        pull: PullRequest,
        /// The commit that its branch is at.
        head: String,
    },
    /// The answer to [`PullCall::Publish`].
    Published {
        /// The commit that the branch is at.
        head: String,
    },
    /// The repository allows no drafts. The branch may have been made.
    NoDrafts,
    /// The answer to [`PullCall::Assign`]: the agent is among the issue's assignees.
    Assigned,
}

/// Where a branch is.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct BranchHead {
    /// Its newest commit, in full.
    pub commit: String,
    /// Whether that commit is one of healnode's: if not, people work there, and nothing is put on top.
    pub ours: bool,
}

/// A pull request, as the forge shows it.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct FoundPull {
    /// Which.
    pub pull: PullRequest,
    /// Its branch.
    pub branch: String,
    /// The commit that the branch is at, or was when it was merged or closed.
    pub head: String,
    /// Whether it is this bot's own.
    pub ours: bool,
}

/// Returns the branch of an issue's pull request: `auto-fix/issue-{number}-{error-type}`, at most 60 characters of the type in `[a-z0-9-]`.
pub fn branch(issue: IssueNumber, error_type: &str) -> String {
    let mut slug = String::new();
    for c in error_type.chars() {
        match c.to_ascii_lowercase() {
            c if c.is_ascii_alphanumeric() => slug.push(c),
            _ if slug.is_empty() || slug.ends_with('-') => {}
            _ => slug.push('-'),
        }
        if slug.len() >= SLUG_BYTES_MAX {
            break;
        }
    }
    let slug = slug.trim_end_matches('-');
    format!("{BRANCH_PREFIX}{}-{}", issue.0, if slug.is_empty() { "error" } else { slug })
}

/// Returns the issue that a branch is for.
pub fn issue_of_branch(branch: &str) -> Option<IssueNumber> {
    branch.strip_prefix(BRANCH_PREFIX)?.split('-').next()?.parse().ok().map(IssueNumber)
}

/// Characters of an error's type in a branch. Git hosts allow some 240 bytes; people read them in lists.
const SLUG_BYTES_MAX: usize = 60;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_branch_names_the_issue_and_the_type_in_plain_letters() {
        for (number, error_type, expected) in [
            (7, "ZeroDivisionError", "auto-fix/issue-7-zerodivisionerror"),
            (12, "java.lang.NullPointerException", "auto-fix/issue-12-java-lang-nullpointerexception"),
            (1, "std::io::Error", "auto-fix/issue-1-std-io-error"),
            (1, "..", "auto-fix/issue-1-error"),
            (1, "-x.lock@{", "auto-fix/issue-1-x-lock"),
            (3, "Ошибка", "auto-fix/issue-3-error"),
        ] {
            let branch = branch(IssueNumber(number), error_type);
            assert_eq!(branch, expected);
            assert_eq!(issue_of_branch(&branch), Some(IssueNumber(number)));
        }
        assert!(branch(IssueNumber(1), &"a".repeat(500)).len() < 100);
        assert_eq!(issue_of_branch("auto-fix/other"), None);
    }
}
