//! What both kinds of forge ask of a pull request before they touch anything: its branch, its commits, its comments.
//!
//! These are the last guards before something leaves this machine. They refuse what the core would never ask for, so that a fault there
//! cannot write to somebody's branch, nor outside of a repository.

use healnode_core::limits::CHANGED_FILES_MAX;
use healnode_core::{BRANCH_PREFIX, COMMIT_TRAILER, FileChange, Publication, PullDraft};

/// Letters of a branch after its prefix. [`healnode_core::branch`] makes at most some 80.
const BRANCH_REST_MAX: usize = 100;

/// Bytes of all the files of one commit. More are refused: a fix of so much is none.
///
/// 8 MiB: GitHub ends a request after 10 s.
const COMMIT_BYTES_MAX: usize = 8 * 1024 * 1024;

/// Letters of a comment's key.
const KEY_CHARS_MAX: usize = 60;

/// Bytes of a file's path; file systems take 4,096.
const PATH_BYTES_MAX: usize = 1_024;

/// Tells whether a branch may be one of healnode's own. Its name becomes part of addresses and of file names.
pub(crate) fn is_own_branch(branch: &str) -> bool {
    let Some(rest) = branch.strip_prefix(BRANCH_PREFIX) else { return false };
    !rest.is_empty() && rest.len() <= BRANCH_REST_MAX && rest.bytes().all(is_plain)
}

/// Tells whether a commit is one of healnode's own, by its message.
pub(crate) fn is_own_message(message: &str) -> bool {
    message.lines().any(|line| line.starts_with(COMMIT_TRAILER))
}

/// Returns what is wrong with a draft, in a sentence.
pub(crate) fn fault_in_draft(draft: &PullDraft) -> Option<String> {
    fault_in_branch(&draft.branch).or_else(|| fault_in_message(&draft.message))
}

/// Returns what is wrong with a commit that is to be put on a branch, in a sentence.
pub(crate) fn fault_in_publication(publication: &Publication) -> Option<String> {
    let changes = &publication.changes;
    let bytes = changes.iter().filter_map(|change| change.content.as_ref()).fold(0_usize, |sum, content| sum.saturating_add(content.len()));
    let path = changes.iter().find(|change| !is_inside(change));
    let twice = changes.iter().enumerate().any(|(at, change)| changes[..at].iter().any(|earlier| earlier.path == change.path));
    fault_in_branch(&publication.branch).or_else(|| fault_in_message(&publication.message)).or_else(|| {
        Some(match () {
            () if changes.is_empty() => "The fix changes no file, so nothing was published.".to_owned(),
            () if changes.len() > CHANGED_FILES_MAX => {
                format!("The fix changes {} files, more than {CHANGED_FILES_MAX}, so nothing was published.", changes.len())
            }
            () if bytes > COMMIT_BYTES_MAX => format!("The fix has files of {bytes} bytes, too many to publish, so nothing was published."),
            () if path.is_some() => "The fix changes a file outside of the repository, or git's own, so nothing was published.".to_owned(),
            () if twice => "The fix changes the same file twice, so nothing was published.".to_owned(),
            () => return None,
        })
    })
}

/// Returns the line by which a comment is known, which people do not see; nothing when the key is none.
pub(crate) fn note_line(key: &str) -> Option<String> {
    let plain = !key.is_empty() && key.len() <= KEY_CHARS_MAX && key.bytes().all(is_plain) && !key.contains("--");
    plain.then(|| format!("<!-- healnode-note-{key} v1 -->"))
}

fn fault_in_branch(branch: &str) -> Option<String> {
    (!is_own_branch(branch)).then(|| format!("The branch {branch:?} is none of healnode's own, so it is left alone."))
}

fn fault_in_message(message: &str) -> Option<String> {
    (!is_own_message(message))
        .then(|| format!("The message of the commit has no line {COMMIT_TRAILER}, so it could not be told apart from people's."))
}

fn is_inside(change: &FileChange) -> bool {
    let path = &change.path;
    let is_name = |part: &str| !part.is_empty() && part != "." && part != ".." && !part.eq_ignore_ascii_case(".git");
    path.len() <= PATH_BYTES_MAX && !path.chars().any(|c| c.is_control() || c == '\\') && path.split('/').all(is_name)
}

fn is_plain(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-'
}

#[cfg(test)]
mod tests {
    use healnode_core::{IssueNumber, UnixMillis};

    use super::*;

    fn publication(paths: &[&str]) -> Publication {
        let change = |path: &&str| FileChange { path: (*path).to_owned(), content: Some(b"x".to_vec()), executable: false };
        Publication {
            number: IssueNumber(2),
            branch: "auto-fix/issue-1-valueerror".to_owned(),
            expected: "a".repeat(40),
            base: "b".repeat(40),
            changes: paths.iter().map(change).collect(),
            message: format!("Fix it\n\n{COMMIT_TRAILER} 1\n"),
            at: UnixMillis(0),
            body: String::new(),
        }
    }

    #[test]
    fn only_branches_of_healnodes_own_are_touched() {
        assert!(is_own_branch("auto-fix/issue-7-valueerror") && is_own_branch(&healnode_core::branch(IssueNumber(7), &"a".repeat(500))));
        for branch in ["main", "auto-fix/issue-", "auto-fix/issue-7/../../main", "auto-fix/issue-7-A", "refs/heads/auto-fix/issue-7", ""] {
            assert!(!is_own_branch(branch), "{branch}");
        }
        assert!(!is_own_branch(&format!("{BRANCH_PREFIX}{}", "a".repeat(101))));
    }

    #[test]
    fn a_commit_stays_inside_the_repository_and_within_bounds() {
        assert_eq!(fault_in_publication(&publication(&["src/a.py", ".github/x", "a b/ü.txt"])), None);
        for path in ["", "/etc/passwd", "a//b", "../a", "a/../b", "./a", ".git/config", "a/.GIT/hooks/x", "a\nb", "a\\b", "a/"] {
            assert!(fault_in_publication(&publication(&[path])).is_some_and(|why| why.ends_with('.')), "{path:?}");
        }
        assert!(fault_in_publication(&publication(&[])).is_some());
        assert!(fault_in_publication(&publication(&["a", "b", "a"])).is_some());
        let many: Vec<String> = (0..=CHANGED_FILES_MAX).map(|number| number.to_string()).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        assert!(fault_in_publication(&publication(&many)).is_some() && fault_in_publication(&publication(&many[1..])).is_none());
        let mut large = publication(&["a"]);
        large.changes[0].content = Some(vec![0; COMMIT_BYTES_MAX + 1]);
        assert!(fault_in_publication(&large).is_some());
        assert!(fault_in_publication(&Publication { message: "Fix it".to_owned(), ..publication(&["a"]) }).is_some());
        assert!(fault_in_publication(&Publication { branch: "main".to_owned(), ..publication(&["a"]) }).is_some());
    }

    #[test]
    fn a_key_that_could_end_its_comment_is_none() {
        assert_eq!(note_line("fix-failed-2").as_deref(), Some("<!-- healnode-note-fix-failed-2 v1 -->"));
        for key in ["", "a--b", "A", "a b", "->", &"a".repeat(61)] {
            assert_eq!(note_line(key), None, "{key}");
        }
    }
}
