//! Reports that found no node: one file each in the node's data directory, taken in by the next node that starts or runs there.
//!
//! The other half is the `spool.rs` of `healnode-node`. Only a `Report` can be written, which is redacted by its nature.

use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;

use healnode_report::Report;

use crate::capture::now;
use crate::event_id::EventId;
use crate::limits::SPOOL_FILES_MAX;

/// Writes a report so that it survives a power cut.
///
/// # Errors
/// When it cannot be written, or as many wait as may.
pub(crate) fn put(data_dir: &Path, report: &Report) -> io::Result<()> {
    let dir = data_dir.join("spool");
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&dir)?;
    if std::fs::read_dir(&dir)?.take(SPOOL_FILES_MAX).count() >= SPOOL_FILES_MAX {
        return Err(io::ErrorKind::StorageFull.into());
    }
    let name = format!("{:013}-{}.json", now().0, EventId::new());
    let unfinished = dir.join(format!(".{name}.unfinished"));
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&unfinished)?;
    let written =
        serde_json::to_vec(report).map_err(io::Error::from).and_then(|bytes| file.write_all(&bytes)).and_then(|()| file.sync_all());
    if let Err(problem) = written.and_then(|()| std::fs::rename(&unfinished, dir.join(name))) {
        drop(std::fs::remove_file(&unfinished));
        return Err(problem);
    }
    std::fs::File::open(dir)?.sync_all()
}
