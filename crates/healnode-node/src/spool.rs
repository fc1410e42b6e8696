//! Reports that found no node: one file each, taken in by the next node of the same data directory.
//!
//! Only redacted reports are written. Each carries an event id, so one that was counted just before a kill is not counted again.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use healnode_core::{Outcome, Report};
use healnode_report::RawError;
use tracing::{info, warn};

use crate::clock::wall;
use crate::door::{Door, NotKept};

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
pub(crate) fn put(data_dir: &Path, report: &Report, event_id: &str) -> Result<(), SpoolError> {
    let dir = spool_dir(data_dir);
    let on_io = |source| SpoolError::Io { dir: dir.clone(), source };
    make_private(&dir).map_err(on_io)?;
    if waiting(&dir).map_err(on_io)?.len() >= FILES_MAX {
        return Err(SpoolError::Full { dir });
    }
    let name: String = event_id.chars().filter(char::is_ascii_alphanumeric).take(64).collect();
    write_whole(&dir, &format!("{:013}-{name}.json", wall().0), report).map_err(on_io)
}

fn make_private(dir: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(dir)
}

fn write_whole(dir: &Path, name: &str, report: &Report) -> io::Result<()> {
    let unfinished = dir.join(format!(".{name}.unfinished"));
    let mut file = std::fs::File::create(&unfinished)?;
    serde_json::to_writer(&mut file, report)?;
    file.flush()?;
    file.sync_all()?;
    std::fs::rename(&unfinished, dir.join(name))?;
    std::fs::File::open(dir)?.sync_all()
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

/// Takes in what waits, and what comes, until the node stops.
pub(crate) async fn take_in(data_dir: PathBuf, door: Door) {
    let dir = spool_dir(&data_dir);
    loop {
        for file in waiting(&dir).unwrap_or_default() {
            match take_one(&file, &door).await {
                Ok(()) => {}
                Err(NotKept::Disk(_)) => break,
                Err(NotKept::Stopping) => return,
            }
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

async fn take_one(file: &Path, door: &Door) -> Result<(), NotKept> {
    let Some(raw) = read(file) else {
        set_aside(file);
        return Ok(());
    };
    match door.capture(Report::new(raw, wall())).await? {
        Outcome::Counted => {
            if let Err(problem) = std::fs::remove_file(file) {
                warn!(file = %file.display(), %problem, "a report was counted and its file could not be removed");
            } else {
                info!(file = %file.display(), "took in a report from the spool");
            }
        }
        Outcome::LedgerFull => warn!("the ledger is full; reports wait in the spool"),
    }
    Ok(())
}

fn read(file: &Path) -> Option<RawError> {
    let size = std::fs::metadata(file).ok()?.len();
    if size > FILE_BYTES_MAX {
        return None;
    }
    serde_json::from_str(&std::fs::read_to_string(file).ok()?).ok()
}

/// Keeps a file that cannot be read as a report, under a name that is not looked at again.
fn set_aside(file: &Path) {
    warn!(file = %file.display(), "a file in the spool is no report; it is kept as .rejected");
    if let Err(problem) = std::fs::rename(file, file.with_extension("rejected")) {
        warn!(%problem, "it could not be renamed");
    }
}
