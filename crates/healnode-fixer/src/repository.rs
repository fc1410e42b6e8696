//! A mirror of the repository, and what is read from it: commits, files, who changed a line last.
//!
//! The mirror is bare and the node's own; fixers and tests cannot read it. A token is in the environment of the call that fetches, and
//! nowhere else. Nothing is ever pushed.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use healnode_core::LastChange;
use healnode_report::UnixMillis;

use crate::config::RepositoryToken;
use crate::git::{Git, GitError, init_bare};
use crate::limits::{FETCH_LIMIT, REACH_LIMIT};

/// The head of the default branch, in the mirror.
const HEAD: &str = "refs/healnode/head";

/// Hex digits of the shortest commit id that is taken for one, as git prints it.
const COMMIT_DIGITS_MIN: usize = 7;

/// Why a repository cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RepositoryError {
    /// It cannot be fetched: not there, no right, no network. It may work later.
    #[error("the repository cannot be fetched: {0}")]
    Fetch(String),
    /// What was asked is not in it, or git failed.
    #[error("the repository cannot be read: {0}")]
    Read(String),
    /// The data directory cannot be written to.
    #[error("the mirror cannot be kept: {0}")]
    Disk(#[from] std::io::Error),
}

impl From<GitError> for RepositoryError {
    fn from(error: GitError) -> RepositoryError {
        RepositoryError::Read(error.to_string())
    }
}

/// Asks whether a repository could be fetched, without fetching anything or leaving anything behind. Takes 15 seconds at most.
///
/// # Errors
///
/// [`RepositoryError::Fetch`].
pub async fn reach(address: &str, token: Option<RepositoryToken>) -> Result<(), RepositoryError> {
    let mirror = Mirror::new(PathBuf::new(), address.to_owned(), token);
    let ask = Git::at(Path::new("/"), "ls-remote").with(["--quiet", "--", address, "HEAD"]);
    let said = mirror.with_access(ask).within(REACH_LIMIT).text().await.map_err(|error| RepositoryError::Fetch(error.to_string()))?;
    if said.is_empty() { Err(RepositoryError::Fetch("it has no commit on its default branch".to_owned())) } else { Ok(()) }
}

/// The mirror.
#[derive(Clone, Debug)]
pub(crate) struct Mirror {
    git_dir: PathBuf,
    address: String,
    token: Option<RepositoryToken>,
}

impl Mirror {
    /// A mirror in a folder, which need not exist.
    pub(crate) fn new(git_dir: PathBuf, address: String, token: Option<RepositoryToken>) -> Mirror {
        Mirror { git_dir, address, token }
    }

    /// Its git directory.
    pub(crate) fn git_dir(&self) -> &Path {
        &self.git_dir
    }

    /// Brings it up to date.
    pub(crate) async fn fetch(&self) -> Result<(), RepositoryError> {
        if !self.git_dir.join("HEAD").is_file() {
            fs::create_dir_all(&self.git_dir)?;
            init_bare(&self.git_dir).await?;
        }
        let refs = ["+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*", &format!("+HEAD:{HEAD}")];
        let fetch =
            Git::on(&self.git_dir, "fetch").with(["--quiet", "--prune", "--no-tags", "--force", "--"]).with([&self.address]).with(refs);
        self.with_access(fetch).within(FETCH_LIMIT).text().await.map_err(|error| RepositoryError::Fetch(error.to_string()))?;
        Ok(())
    }

    /// Gives one call what it needs to get in: the token for `https`, the user's agent and home for `ssh`.
    fn with_access(&self, git: Git) -> Git {
        match &self.token {
            Some(token) if self.address.starts_with("https://") => {
                let credentials = base64(format!("x-access-token:{}", token.reveal()).as_bytes());
                git.variable("GIT_CONFIG_COUNT", "1")
                    .variable("GIT_CONFIG_KEY_0", format!("http.{}.extraHeader", self.address))
                    .variable("GIT_CONFIG_VALUE_0", format!("Authorization: Basic {credentials}"))
            }
            Some(_) | None if self.address.starts_with("https://") || self.address.starts_with('/') => git,
            Some(_) | None => ["HOME", "SSH_AUTH_SOCK"]
                .into_iter()
                .filter_map(|name| Some((name, std::env::var_os(name)?)))
                .fold(git, |git, (name, value)| git.variable(name, value))
                .variable("GIT_SSH_COMMAND", "ssh -o BatchMode=yes"),
        }
    }

    /// The head of the default branch.
    pub(crate) async fn head(&self) -> Result<String, RepositoryError> {
        Ok(Git::on(&self.git_dir, "rev-parse").with(["--verify", "--quiet", &format!("{HEAD}^{{commit}}")]).text().await?)
    }

    /// The commit that a release names, if it names one and the mirror has it.
    pub(crate) async fn commit_of(&self, release: &str) -> Option<String> {
        let commit = named_commit(release)?;
        Git::on(&self.git_dir, "rev-parse").with(["--verify", "--quiet", &format!("{commit}^{{commit}}")]).text().await.ok()
    }

    /// The regular files of a commit.
    pub(crate) async fn files(&self, commit: &str) -> Result<Vec<String>, RepositoryError> {
        let listed = Git::on(&self.git_dir, "ls-tree").with(["-r", "-z", "--full-tree", commit]).bytes().await?;
        let entries = listed.split(|byte| *byte == 0).filter_map(|entry| std::str::from_utf8(entry).ok());
        let files = entries.filter(|entry| entry.starts_with("100")).filter_map(|entry| entry.split_once('\t'));
        Ok(files.map(|(_, path)| path.to_owned()).collect())
    }

    /// A file of a commit, or nothing when there is none.
    pub(crate) async fn content(&self, commit: &str, path: &str) -> Option<String> {
        let bytes = Git::on(&self.git_dir, "cat-file").with(["blob", &format!("{commit}:{path}")]).bytes().await.ok()?;
        Some(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// Who changed a line last.
    pub(crate) async fn last_change(&self, commit: &str, path: &str, line: u32) -> Option<LastChange> {
        let range = format!("{line},{line}");
        let blamed = Git::on(&self.git_dir, "blame").with(["--porcelain", "-L", &range, commit, "--", path]).text().await.ok()?;
        last_change(&blamed)
    }
}

/// The commit that a release is, or carries behind its `+`.
fn named_commit(release: &str) -> Option<&str> {
    let candidate = release.rsplit_once('+').map_or(release, |(_, commit)| commit);
    let is_commit = (COMMIT_DIGITS_MIN..=40).contains(&candidate.len()) && candidate.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_commit.then_some(candidate)
}

fn last_change(blamed: &str) -> Option<LastChange> {
    let commit = blamed.split_whitespace().next()?.to_owned();
    let fields: BTreeMap<&str, &str> =
        blamed.lines().skip(1).take_while(|line| !line.starts_with('\t')).filter_map(|line| line.split_once(' ')).collect();
    let seconds: u64 = fields.get("author-time")?.parse().ok()?;
    let one_line = |name: &str| healnode_report::redact(fields.get(name).copied().unwrap_or_default()).into_owned();
    Some(LastChange { commit, author: one_line("author"), at: UnixMillis(seconds.saturating_mul(1000)), subject: one_line("summary") })
}

/// Base64 as HTTP's basic authorisation wants it.
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let word = (0..3).fold(0_u32, |word, index| word << 8 | u32::from(chunk.get(index).copied().unwrap_or(0)));
        for digit in 0..4 {
            let index = word >> (18 - 6 * digit) & 63;
            text.push(if digit <= chunk.len() { char::from(DIGITS[index as usize]) } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_hex_digits_of_a_release_are_a_commit() {
        let sha = "0123456789abcdef0123456789abcdef01234567";
        for (release, expected) in [
            (format!("shop@1.2+{sha}"), Some(sha)),
            (sha.to_owned(), Some(sha)),
            ("shop@1.2+0123456".to_owned(), Some("0123456")),
            ("shop@1.2".to_owned(), None),
            ("shop@1.2+--output=x".to_owned(), None),
            ("1.2+abc".to_owned(), None),
        ] {
            assert_eq!(named_commit(&release), expected, "{release}");
        }
    }

    #[tokio::test]
    async fn a_repository_that_is_not_there_and_one_without_a_commit_are_out_of_reach() {
        let dir = tempfile::tempdir().unwrap();
        let reached = async |name: &str| reach(&dir.path().join(name).to_string_lossy(), None).await.map_err(|error| error.to_string());
        assert!(reached("nowhere").await.unwrap_err().starts_with("the repository cannot be fetched: git ls-remote ended with"));
        fs::create_dir(dir.path().join("empty")).unwrap();
        init_bare(&dir.path().join("empty")).await.unwrap();
        assert!(reached("empty").await.unwrap_err().contains("no commit"));
    }

    #[test]
    fn base64_has_its_padding() {
        for (text, expected) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg==")] {
            assert_eq!(base64(text.as_bytes()), expected);
        }
    }
}
