//! Reports that found no node: one file each, taken in by the next node of the same data directory.
//!
//! Only redacted reports are written. Each carries an event id, so one that was counted just before a kill is not counted again.

use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use healnode_core::{Outcome, Report};
use healnode_report::RawError;
use tracing::{debug, info, warn};

use crate::clock::wall;
use crate::door::{Door, NotKept};
use crate::sessions::session_of;

/// Reports that may wait. One more is refused, and its sender is told.
///
/// 10,000 of at most 256 KiB; a typical one takes 5 KiB.
const FILES_MAX: usize = 10_000;

/// Bytes of one file. A longer one is none of ours and is set aside.
const FILE_BYTES_MAX: u64 = 1024 * 1024;

/// How often a running node looks for reports that came while it was busy.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// Why a report could not be put into the spool.
#[derive(Debug, thiserror::Error)]
pub enum SpoolError {
    /// As many wait as may.
    #[error("{} holds {FILES_MAX} reports already; start a node with this data directory to take them in", dir.display())]
    Full {
        /// The spool.
        dir: PathBuf,
    },
    /// It cannot be written.
    #[error("the report could not be written to {}", dir.display())]
    Io {
        /// The spool.
        dir: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
}

fn spool_dir(data_dir: &Path) -> PathBuf {
    data_dir.join("spool")
}

/// Writes a report so that it survives a power cut.
pub(crate) fn put(data_dir: &Path, report: &Report) -> Result<(), SpoolError> {
    let dir = spool_dir(data_dir);
    let on_io = |source| SpoolError::Io { dir: dir.clone(), source };
    make_private(&dir).map_err(on_io)?;
    if waiting(&dir).map_err(on_io)?.len() >= FILES_MAX {
        return Err(SpoolError::Full { dir });
    }
    write_whole(&dir, &format!("{:013}-{:016x}.json", wall().0, rand::random::<u64>()), report).map_err(on_io)
}

fn make_private(dir: &Path) -> io::Result<()> {
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(dir)
}

fn write_whole(dir: &Path, name: &str, report: &Report) -> io::Result<()> {
    let unfinished = dir.join(format!(".{name}.unfinished"));
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&unfinished)?;
    serde_json::to_writer(&mut file, report)?;
    file.flush()?;
    file.sync_all()?;
    std::fs::rename(&unfinished, dir.join(name))?;
    std::fs::File::open(dir)?.sync_all()
}

/// Returns how many reports wait for a node. What cannot be read counts as nothing.
pub(crate) fn count(data_dir: &Path) -> usize {
    waiting(&spool_dir(data_dir)).map_or(0, |files| files.len())
}

/// Returns the finished files, oldest first.
fn waiting(dir: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(dir)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "json") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// Removes what senders left half-written when they were killed. A sender takes milliseconds; what is older than a minute has none.
fn remove_unfinished(dir: &Path) -> io::Result<()> {
    for entry in std::fs::read_dir(dir)? {
        let entry = entry?;
        let is_unfinished = entry.path().extension().is_some_and(|extension| extension == "unfinished");
        let age = entry.metadata()?.modified()?.elapsed().unwrap_or_default();
        if is_unfinished && age > Duration::from_secs(60) {
            std::fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// Takes in what waits, and what comes, until the node stops.
pub(crate) async fn take_in(data_dir: PathBuf, door: Door) {
    let dir = spool_dir(&data_dir);
    if let Err(problem) = remove_unfinished(&dir) {
        debug!(%problem, "half-written reports were not looked for");
    }
    let mut problem = String::new();
    loop {
        match take_all(&dir, &door).await {
            Ok(()) => problem.clear(),
            Err(TakeError::Stopping) => return,
            Err(TakeError::Unreadable(_)) => {}
            Err(TakeError::Later(why)) if why == problem => {}
            Err(TakeError::Later(why)) => {
                warn!(why, "reports wait in the spool");
                problem = why;
            }
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// Why the spool was not emptied.
enum TakeError {
    /// The rest is tried again.
    Later(String),
    /// This one is tried again; those behind it may go ahead.
    Unreadable(io::Error),
    /// The node stops.
    Stopping,
}

async fn take_all(dir: &Path, door: &Door) -> Result<(), TakeError> {
    let files = match waiting(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(TakeError::Later(format!("{} cannot be read: {error}", dir.display()))),
        Ok(files) => files,
    };
    let mut unreadable = None;
    for file in files {
        match take_one(&file, door).await {
            Ok(()) => {}
            Err(TakeError::Unreadable(why)) => {
                unreadable.get_or_insert(format!("{} cannot be read ({why}); give it to the user that the node runs as", file.display()));
            }
            Err(error) => return Err(error),
        }
    }
    unreadable.map_or(Ok(()), |why| Err(TakeError::Later(why)))
}

async fn take_one(file: &Path, door: &Door) -> Result<(), TakeError> {
    let Some(mut raw) = read(file).map_err(TakeError::Unreadable)? else {
        set_aside(file);
        return Ok(());
    };
    let session = session_of(&mut raw);
    let taken = door.take_in(raw, session).await.map_err(|problem| match problem {
        NotKept::Disk(why) => TakeError::Later(why),
        NotKept::Unreadable => TakeError::Later(problem.to_string()),
        NotKept::Stopping => TakeError::Stopping,
    })?;
    match taken.outcome {
        Outcome::Counted => {
            if let Err(problem) = std::fs::remove_file(file) {
                warn!(file = %file.display(), %problem, "a report was counted and its file could not be removed");
            } else {
                info!(file = %file.display(), "took in a report from the spool");
            }
        }
        Outcome::LedgerFull => return Err(TakeError::Later("the ledger is full".to_owned())),
    }
    Ok(())
}

/// Reads a report; nothing when the file holds none.
fn read(file: &Path) -> io::Result<Option<RawError>> {
    if std::fs::metadata(file)?.len() > FILE_BYTES_MAX {
        return Ok(None);
    }
    Ok(serde_json::from_slice(&std::fs::read(file)?).ok())
}

/// Keeps a file that cannot be read as a report, under a name that is not looked at again.
fn set_aside(file: &Path) {
    warn!(file = %file.display(), "a file in the spool is no report; it is kept as .rejected");
    if let Err(problem) = std::fs::rename(file, file.with_extension("rejected")) {
        warn!(%problem, "it could not be renamed");
    }
}
