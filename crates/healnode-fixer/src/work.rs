//! The folder of one fix: a copy for the fixer, a copy for the tests, a private home, and git's own files about them.
//!
//! The fixer's copy is only ever read by a git whose directory lies elsewhere, and the tests never run in it: they run in a copy of the
//! difference alone. The folder is removed with its value, and what a killed node left at the next start.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use crate::git::{Git, GitError};
use crate::limits::{CHANGED_FILE_BYTES_MAX, LOOKED_AT_FILES_MAX};
use crate::policy::{Change, Side};

/// The folder of one fix.
#[derive(Debug)]
pub(crate) struct Work {
    root: PathBuf,
    git_dir: PathBuf,
    commit: String,
}

/// What a fixer left, as git sees it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Difference {
    /// All of the copy as a tree.
    pub(crate) tree: String,
    /// What differs.
    pub(crate) changes: Vec<Change>,
    /// The same as a unified diff.
    pub(crate) diff: String,
}

impl Work {
    /// Makes the folder, which has no copy in it yet.
    pub(crate) fn new(folder: &Path, git_dir: &Path, commit: &str) -> io::Result<Work> {
        let root = folder.join(format!("{:032x}", rand::random::<u128>()));
        let work = Work { root, git_dir: git_dir.to_owned(), commit: commit.to_owned() };
        for part in ["home", "trial-home", "objects"] {
            fs::create_dir_all(work.root.join(part))?;
        }
        Ok(work)
    }

    /// The copy that the fixer works in.
    pub(crate) fn copy(&self) -> PathBuf {
        self.root.join("copy")
    }

    /// The copy that the tests run in.
    pub(crate) fn trial(&self) -> PathBuf {
        self.root.join("trial")
    }

    /// The fixer's private home.
    pub(crate) fn home(&self) -> PathBuf {
        self.root.join("home")
    }

    /// The tests' private home.
    pub(crate) fn trial_home(&self) -> PathBuf {
        self.root.join("trial-home")
    }

    fn git(&self, copy: &Path, index: &str, what: &str) -> Git {
        Git::in_copy(&self.git_dir, copy, &self.root.join(index), &self.root.join("objects"), what)
    }

    /// Fills a fresh folder with a tree, and with a git repository of its own, for tools that want one.
    pub(crate) async fn fill(&self, copy: &Path, tree: &str) -> Result<(), GitError> {
        remove(copy).and_then(|()| fs::create_dir_all(copy)).map_err(GitError::Start)?;
        self.git(copy, "index-fill", "read-tree").with([tree]).text().await?;
        self.git(copy, "index-fill", "checkout-index").with(["--all", "--force", "--quiet"]).text().await?;
        Git::at(copy, "init").with(["--quiet", "--template="]).text().await?;
        Git::at(copy, "add").with(["--all"]).text().await?;
        let names = ["GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL"];
        let commit = Git::at(copy, "commit").with(["--quiet", "--allow-empty", "--no-verify", "--message=base"]);
        names.into_iter().fold(commit, |git, name| git.variable(name, "healnode")).text().await?;
        Ok(())
    }

    /// Makes the tests' copy hold a tree that the fixer left: on top of what is there, or from nothing.
    pub(crate) async fn apply(&self, tree: &str, afresh: bool) -> Result<(), GitError> {
        let trial = self.trial();
        if afresh {
            return self.fill(&trial, tree).await;
        }
        let git = |what: &str| self.git(&trial, "index-trial", what);
        git("read-tree").with([&self.commit]).text().await?;
        git("update-index").with(["-q", "--really-refresh"]).bytes().await.map(drop).or_else(Self::only_refused)?;
        git("read-tree").with(["--reset", "-u", tree]).text().await?;
        Ok(())
    }

    /// Files that the tests before changed need no refreshing: they are written anew.
    fn only_refused(error: GitError) -> Result<(), GitError> {
        match error {
            GitError::Refused { .. } => Ok(()),
            GitError::Start(_) | GitError::TooMuch { .. } => Err(error),
        }
    }

    /// Reads what the fixer left. Every file is read anew, whatever its times say.
    pub(crate) async fn difference(&self) -> Result<Difference, GitError> {
        let copy = self.copy();
        let git = |what: &str| self.git(&copy, "index-after", what);
        git("read-tree").with([&self.commit]).text().await?;
        git("add").with(["--all"]).text().await?;
        let tree = git("write-tree").text().await?;
        let listed = git("diff-index").with(["--cached", "--raw", "-z", "--no-renames", "--no-abbrev", &self.commit]).bytes().await?;
        let mut changes = Vec::new();
        for entry in entries(&listed).into_iter().take(LOOKED_AT_FILES_MAX) {
            let before = self.side(&entry.before_mode, &entry.before).await?;
            let after = self.side(&entry.after_mode, &entry.after).await?;
            changes.push(Change { path: entry.path, before, after });
        }
        let unified = ["--cached", "--no-ext-diff", "--no-textconv", "--no-renames", "--no-color", &self.commit];
        let diff = git("diff").with(unified).bytes().await?;
        Ok(Difference { tree, changes, diff: String::from_utf8_lossy(&diff).into_owned() })
    }

    /// One side of a changed file. Content beyond its bound is left out.
    async fn side(&self, mode: &str, object: &str) -> Result<Option<Side>, GitError> {
        if mode == "000000" {
            return Ok(None);
        }
        let git = |what: &str| self.git(&self.root, "index-after", what);
        let mut content = None;
        if mode.starts_with("100") {
            let size: u64 = git("cat-file").with(["-s", object]).text().await?.parse().unwrap_or(u64::MAX);
            if size <= CHANGED_FILE_BYTES_MAX {
                content = Some(git("cat-file").with(["blob", object]).bytes().await?);
            }
        }
        Ok(Some(Side { mode: mode.to_owned(), content }))
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        if let Err(error) = remove(&self.root) {
            tracing::warn!(%error, "the work folder of a fix cannot be removed");
        }
    }
}

/// Removes what a killed node left. To be called before a fix begins.
pub(crate) fn clear(folder: &Path) -> io::Result<()> {
    remove(folder)?;
    fs::create_dir_all(folder)
}

/// Removes a folder with all in it, also what was made unreadable. Does not follow links.
fn remove(folder: &Path) -> io::Result<()> {
    if fs::symlink_metadata(folder).is_err() {
        return Ok(());
    }
    fs::remove_dir_all(folder).or_else(|_| {
        open_up(folder);
        fs::remove_dir_all(folder)
    })
}

fn open_up(folder: &Path) {
    if let Err(error) = fs::set_permissions(folder, fs::Permissions::from_mode(0o700)) {
        tracing::debug!(%error, "a folder of a fixer stays shut");
    }
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            open_up(&entry.path());
        }
    }
}

struct RawEntry {
    before_mode: String,
    after_mode: String,
    before: String,
    after: String,
    path: String,
}

/// Reads `:MODE MODE OBJECT OBJECT STATUS\0PATH\0` and so on. A path that is no text shows what it cannot be.
fn entries(listed: &[u8]) -> Vec<RawEntry> {
    let mut parts = listed.split(|byte| *byte == 0);
    let mut entries = Vec::new();
    while let (Some(head), Some(path)) = (parts.next(), parts.next()) {
        let head = String::from_utf8_lossy(head);
        let fields: Vec<&str> = head.trim_start_matches(':').split(' ').collect();
        if let [before_mode, after_mode, before, after, ..] = fields[..] {
            let owned = |text: &str| text.to_owned();
            entries.push(RawEntry {
                before_mode: owned(before_mode),
                after_mode: owned(after_mode),
                before: owned(before),
                after: owned(after),
                path: String::from_utf8_lossy(path).into_owned(),
            });
        }
    }
    entries
}
