//! Calls of git: bounded in time and output, with a git directory of our own, and with nothing configured but what stands here.
//!
//! No hook, filter, external diff or helper of a repository or of the user runs. What git prints on its errors is logged for debugging only.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal};
use tokio::io::AsyncReadExt as _;
use tokio::process::{Child, Command};

use crate::limits::{GIT_ANSWER_BYTES_MAX, GIT_LIMIT};

/// Settings of every call. They go before what a repository may have configured.
const SETTINGS: &[&str] = &[
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.symlinks=false",
    "core.attributesFile=/dev/null",
    "core.autocrlf=false",
    "core.quotePath=false",
    "core.untrackedCache=false",
    "protocol.ext.allow=never",
    "gc.auto=0",
    "core.bigFileThreshold=1m",
    "core.compression=1",
    "maintenance.auto=false",
    "safe.directory=*",
    "advice.detachedHead=false",
    "commit.gpgSign=false",
    "credential.helper=",
];

/// Why a call of git did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum GitError {
    /// It cannot be started.
    #[error("git cannot be started: {0}")]
    Start(#[source] std::io::Error),
    /// It ended with something else than 0.
    #[error("git {what} ended with {code}")]
    Refused {
        /// What was asked of it.
        what: String,
        /// Its exit code, -1 when a signal ended it.
        code: i32,
    },
    /// It took too long, or said too much.
    #[error("git {what} took more than it may")]
    TooMuch {
        /// What was asked of it.
        what: String,
    },
}

/// One call of git.
pub(crate) struct Git {
    command: Command,
    what: String,
    limit: Duration,
}

impl Git {
    /// A call on a git directory.
    pub(crate) fn on(git_dir: &Path, what: &str) -> Git {
        let mut git = Git::alone(&[]);
        git.command.arg(prefixed("--git-dir=", git_dir));
        git.asks(what)
    }

    /// A call on a git directory with a work tree and an index of its own. New objects go into a folder of their own.
    pub(crate) fn in_copy(git_dir: &Path, copy: &Path, index: &Path, objects: &Path, what: &str) -> Git {
        let mut git = Git::alone(&[]);
        git.command.arg(prefixed("--git-dir=", git_dir)).arg(prefixed("--work-tree=", copy)).current_dir(copy);
        git.command.env("GIT_INDEX_FILE", index).env("GIT_OBJECT_DIRECTORY", objects);
        git.command.env("GIT_ALTERNATE_OBJECT_DIRECTORIES", git_dir.join("objects"));
        git.asks(what)
    }

    /// A call in a folder that no fixer has seen yet.
    pub(crate) fn at(folder: &Path, what: &str) -> Git {
        let mut git = Git::alone(&[]);
        git.command.current_dir(folder);
        git.asks(what)
    }

    fn alone(settings: &[&str]) -> Git {
        let mut command = Command::new("git");
        command.env_clear().stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0).kill_on_drop(true);
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("LC_ALL", "C").env("HOME", "/nonexistent");
        for (name, value) in
            [("GIT_CONFIG_GLOBAL", "/dev/null"), ("GIT_CONFIG_NOSYSTEM", "1"), ("GIT_TERMINAL_PROMPT", "0"), ("GIT_ATTR_NOSYSTEM", "1")]
        {
            command.env(name, value);
        }
        for setting in SETTINGS.iter().chain(settings) {
            command.arg("-c").arg(setting);
        }
        Git { command, what: String::new(), limit: GIT_LIMIT }
    }

    fn asks(mut self, what: &str) -> Git {
        self.command.arg(what);
        what.clone_into(&mut self.what);
        self
    }

    /// Adds arguments.
    pub(crate) fn with<I: AsRef<OsStr>>(mut self, arguments: impl IntoIterator<Item = I>) -> Git {
        self.command.args(arguments);
        self
    }

    /// Adds a variable to its environment.
    pub(crate) fn variable(mut self, name: &str, value: impl AsRef<OsStr>) -> Git {
        self.command.env(name, value);
        self
    }

    /// Lets it take longer, or less long.
    pub(crate) fn within(mut self, limit: Duration) -> Git {
        self.limit = limit;
        self
    }

    /// Runs it and returns what it prints.
    pub(crate) async fn bytes(mut self) -> Result<Vec<u8>, GitError> {
        let mut group = Group(self.command.spawn().map_err(GitError::Start)?);
        let too_much = || GitError::TooMuch { what: self.what.clone() };
        let (code, answer) = tokio::time::timeout(self.limit, group.finish()).await.map_err(|_| too_much())?.map_err(GitError::Start)?;
        if u64::try_from(answer.len()).unwrap_or(u64::MAX) > GIT_ANSWER_BYTES_MAX {
            return Err(too_much());
        }
        if code != 0 {
            return Err(GitError::Refused { what: self.what, code });
        }
        Ok(answer)
    }

    /// Runs it and returns what it prints as a text without the line end.
    pub(crate) async fn text(self) -> Result<String, GitError> {
        Ok(String::from_utf8_lossy(&self.bytes().await?).trim_end().to_owned())
    }
}

fn prefixed(option: &str, path: &Path) -> OsString {
    let mut argument = OsString::from(option);
    argument.push(path);
    argument
}

/// A child with all of its group, which ends with this value.
struct Group(Child);

impl Group {
    async fn finish(&mut self) -> std::io::Result<(i32, Vec<u8>)> {
        let (mut answer, mut complaint) = (Vec::new(), Vec::new());
        let (stdout, stderr) = (self.0.stdout.take(), self.0.stderr.take());
        let read = async {
            match stdout {
                Some(output) => output.take(GIT_ANSWER_BYTES_MAX + 1).read_to_end(&mut answer).await,
                None => Ok(0),
            }
        };
        let hear = async {
            match stderr {
                Some(output) => output.take(GIT_ANSWER_BYTES_MAX).read_to_end(&mut complaint).await,
                None => Ok(0),
            }
        };
        let (read, heard) = tokio::join!(read, hear);
        read.and(heard)?;
        let status = self.0.wait().await?;
        if !status.success() {
            tracing::debug!(complaint = %healnode_report::redact(&String::from_utf8_lossy(&complaint)), "git refused");
        }
        Ok((status.code().unwrap_or(-1), answer))
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        let group = self.0.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        if let Some(group) = group
            && let Err(error) = rustix::process::kill_process_group(group, Signal::KILL)
        {
            tracing::trace!(%error, "git has ended already");
        }
    }
}

/// Makes an empty bare git directory that treats all files as bytes, whatever a repository's attributes say.
pub(crate) async fn init_bare(git_dir: &Path) -> Result<(), GitError> {
    let parent = git_dir.parent().map_or_else(|| PathBuf::from("/"), Path::to_owned);
    Git::at(&parent, "init").with(["--quiet", "--bare", "--template="]).with([git_dir]).text().await?;
    let info = git_dir.join("info");
    std::fs::create_dir_all(&info).map_err(GitError::Start)?;
    std::fs::write(info.join("attributes"), "* -text -ident -filter -working-tree-encoding !diff\n").map_err(GitError::Start)?;
    std::fs::write(info.join("exclude"), LITTER).map_err(GitError::Start)
}

/// What tools leave behind that is no part of a change.
const LITTER: &str = "__pycache__/\n*.pyc\n.pytest_cache/\n.mypy_cache/\n.ruff_cache/\nnode_modules/\n/target/\n.DS_Store\n";
