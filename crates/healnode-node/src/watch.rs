//! `healnode watch`: finds errors in logs and reports them: files, a unit of systemd, or standard input.
//!
//! What an error is decides `healnode_capture::text`. Here is how a log is followed (`follow.rs`, `journal.rs`, `pipe.rs`), how far it was
//! read (`position.rs`), and what goes with an error (`scan.rs`). Nothing of a log is written anywhere but in reports.

mod actions;
mod cutter;
mod entry;
mod file;
mod follow;
mod journal;
mod limits;
mod pipe;
mod position;
mod scan;
mod sink;

use std::collections::BTreeSet;
use std::future::Future;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::task::JoinSet;

use crate::config::Config;
use follow::Follower;
use journal::Journal;
use limits::FILES_MAX;
use position::{OpenError, Position};
use sink::Sink;
pub use sink::Watched;

/// What to watch.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Source {
    /// Files, by the paths that they are written to.
    Files(Vec<PathBuf>),
    /// A unit of systemd.
    Journal(String),
    /// Standard input, to its end.
    Input {
        /// The run of a CI system that the log is of, if it is of one.
        run: Option<Run>,
    },
}

/// A run of a CI system. Its log may be read more than once, and what is in it counts once at each node.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Run {
    /// What the CI system calls it, such as its number and attempt.
    pub id: String,
    /// The commit that it ran on, if that is known.
    pub release: Option<String>,
}

/// Why nothing is watched.
#[derive(Debug, thiserror::Error)]
pub enum WatchError {
    /// A path is of no file.
    #[error("{} is {what}", path.display())]
    NoFile {
        /// The path.
        path: PathBuf,
        /// What is there.
        what: &'static str,
    },
    /// A file is there and cannot be read.
    #[error("{} cannot be read", path.display())]
    Unreadable {
        /// The path.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// There are too many.
    #[error("{count} files are more than the {FILES_MAX} that one `healnode watch` follows")]
    TooMany {
        /// How many.
        count: usize,
    },
    /// Another process watches the same.
    #[error("another `healnode watch` follows {source_name} already")]
    Taken {
        /// What both want to watch.
        source_name: String,
    },
    /// How far a log was read cannot be kept.
    #[error("how far it was read cannot be kept in the data directory")]
    Keep(#[source] io::Error),
    /// `journalctl` cannot be run.
    #[error("journalctl could not be started")]
    NoJournal(#[source] io::Error),
    /// `journalctl` refused.
    #[error("journalctl says: {said}")]
    Journal {
        /// What it said.
        said: String,
    },
    /// Standard input cannot be read.
    #[error("standard input cannot be read")]
    Input(#[source] io::Error),
}

/// Watches until told to stop, or to the end of standard input. Returns what was seen. What is watched for the first time is read from now
/// on, or from its start with `is_from_start`.
///
/// # Errors
/// When it cannot be watched.
pub async fn watch(config: Config, source: Source, is_from_start: bool, stop: impl Future<Output = ()>) -> Result<Watched, WatchError> {
    let data_dir = config.data_dir.clone();
    let sink = Arc::new(Sink::new(config));
    position::forget_old(&data_dir);
    tokio::pin!(stop);
    match source {
        Source::Files(paths) => follow_all(&data_dir, paths, is_from_start, &sink, stop).await?,
        Source::Journal(unit) => {
            let position = take(&data_dir, &[b"journal:", unit.as_bytes()].concat(), &unit)?;
            let mut journal = tokio::select! {
                () = &mut stop => return Ok(sink.watched()),
                journal = Journal::open(unit, position, sink.clone(), is_from_start) => journal?,
            };
            tokio::select! {
                () = stop => journal.save(),
                ended = journal.run() => ended?,
            }
        }
        Source::Input { run } => tokio::select! {
            () = stop => {}
            ended = pipe::read(&sink, run.as_ref()) => ended.map_err(WatchError::Input)?,
        },
    }
    Ok(sink.watched())
}

async fn follow_all(
    data_dir: &Path,
    paths: Vec<PathBuf>,
    is_from_start: bool,
    sink: &Arc<Sink>,
    stop: impl Future<Output = ()>,
) -> Result<(), WatchError> {
    let followers = open_all(data_dir, paths, is_from_start, sink)?;
    let stopping = tokio::sync::watch::Sender::new(false);
    let mut tasks = JoinSet::new();
    for mut follower in followers {
        let mut stopped = stopping.subscribe();
        tasks.spawn(async move {
            tokio::select! {
                _ = stopped.wait_for(|is_stopping| *is_stopping) => {}
                () = follower.run() => {}
            }
            follower.save().await;
        });
    }
    stop.await;
    stopping.send_replace(true);
    while tasks.join_next().await.is_some() {}
    Ok(())
}

fn open_all(data_dir: &Path, paths: Vec<PathBuf>, is_from_start: bool, sink: &Arc<Sink>) -> Result<Vec<Follower>, WatchError> {
    let paths: BTreeSet<PathBuf> = paths.into_iter().map(|path| std::path::absolute(&path).unwrap_or(path)).collect();
    if paths.len() > FILES_MAX {
        return Err(WatchError::TooMany { count: paths.len() });
    }
    paths.iter().try_for_each(|path| check(path))?;
    let open = |path: PathBuf| {
        let position = take(data_dir, path.as_os_str().as_bytes(), &path.display().to_string())?;
        Follower::open(path.clone(), position, sink.clone(), is_from_start).map_err(|error| match error {
            follow::OpenError::Log(source) => WatchError::Unreadable { path, source },
            follow::OpenError::Keep(source) => WatchError::Keep(source),
        })
    };
    paths.into_iter().map(open).collect()
}

/// Refuses what can never be followed. What is not there yet may come.
fn check(path: &Path) -> Result<(), WatchError> {
    let what = match std::fs::metadata(path) {
        Ok(metadata) if metadata.is_dir() => "a folder",
        Ok(metadata) if !metadata.is_file() => "a pipe or a device, not a file",
        Ok(_) | Err(_) => return Ok(()),
    };
    Err(WatchError::NoFile { path: path.to_owned(), what })
}

fn take(data_dir: &Path, source: &[u8], name: &str) -> Result<Position, WatchError> {
    Position::take(data_dir, source).map_err(|error| match error {
        OpenError::Locked => WatchError::Taken { source_name: name.to_owned() },
        OpenError::Io(error) => WatchError::Keep(error),
    })
}
