//! Where each source was read to, kept on disk so that a restart neither loses nor repeats.
//!
//! One small file for each source, written whole and renamed into place. It holds numbers and digests, nothing of what a log says.

use std::fs::{self, File, TryLockError};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::limits::{POSITION_BYTES_MAX, POSITION_KEPT};

/// Where a source was read to.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub(super) struct Kept {
    /// The files of one name, the oldest first, those that were rotated away included.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) places: Vec<Place>,
    /// What lay beside the file at the path when it was first read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) beside: Vec<u64>,
    /// The journal's own mark of its last entry that is done with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) cursor: Option<String>,
}

/// Where one file was read to, and how it is known again.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(super) struct Place {
    /// Names this run of the file's content; event ids are made from it.
    pub(super) stream: String,
    /// The file's number in its file system.
    pub(super) inode: u64,
    /// Everything before is done with.
    pub(super) offset: u64,
    /// How many bytes at the file's beginning its digest is of.
    pub(super) head_bytes: u64,
    /// Their digest.
    pub(super) head: String,
}

/// The file that keeps one source's position, and the lock that keeps others from it.
pub(super) struct Position {
    path: PathBuf,
    _lock: File,
}

/// Why a position cannot be kept.
#[derive(Debug)]
pub(super) enum OpenError {
    /// Another process keeps it.
    Locked,
    /// The folder cannot be written.
    Io(io::Error),
}

impl Position {
    /// Takes the position of a source for this process, until it is dropped.
    pub(super) fn take(data_dir: &Path, source: &[u8]) -> Result<Self, OpenError> {
        let dir = data_dir.join("watch");
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&dir).map_err(OpenError::Io)?;
        let path = dir.join(format!("{}.json", digest(&[source])));
        let lock = lock(&path).map_err(|error| match error {
            TryLockError::WouldBlock => OpenError::Locked,
            TryLockError::Error(error) => OpenError::Io(error),
        })?;
        Ok(Self { path, _lock: lock })
    }

    /// Returns what was kept. Nothing when the source was never watched, or what is there cannot be read.
    pub(super) fn read(&self) -> io::Result<Option<Kept>> {
        let mut text = Vec::new();
        match File::open(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
            Ok(file) => file.take(POSITION_BYTES_MAX).read_to_end(&mut text)?,
        };
        let kept = serde_json::from_slice(&text).map(Some);
        kept.map_err(|error| io::Error::new(io::ErrorKind::InvalidData, format!("{} is no position: {error}", self.path.display())))
    }

    /// Writes a position, so that it survives a power cut.
    pub(super) fn write(&self, kept: &Kept) -> io::Result<()> {
        let unfinished = self.path.with_extension("unfinished");
        let mut file = File::options().write(true).create(true).truncate(true).mode(0o600).open(&unfinished)?;
        file.write_all(&serde_json::to_vec(kept)?)?;
        file.sync_data()?;
        fs::rename(&unfinished, &self.path)
    }
}

fn lock(path: &Path) -> Result<File, TryLockError> {
    let file = File::options().write(true).create(true).truncate(false).mode(0o600).open(path.with_extension("lock"));
    let file = file.map_err(TryLockError::Error)?;
    file.try_lock()?;
    Ok(file)
}

/// Removes positions of what is long no longer watched. What cannot be removed stays.
pub(super) fn forget_old(data_dir: &Path) {
    let Ok(entries) = fs::read_dir(data_dir.join("watch")) else { return };
    for path in entries.flatten().map(|entry| entry.path()).filter(|path| path.extension().is_some_and(|extension| extension == "json")) {
        let age = fs::metadata(&path).and_then(|metadata| metadata.modified()).map(|at| at.elapsed().unwrap_or_default());
        if age.is_ok_and(|age| age > POSITION_KEPT)
            && let Ok(_lock) = lock(&path)
        {
            for path in [path.clone(), path.with_extension("lock")] {
                drop(fs::remove_file(path));
            }
        }
    }
}

/// Returns 32 hexadecimal digits that are the same for the same parts.
pub(super) fn digest(parts: &[&[u8]]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hash.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back_by_the_next_process_and_by_one_at_a_time() {
        let dir = tempfile::tempdir().unwrap();
        let position = Position::take(dir.path(), b"/var/log/a.log").unwrap();
        assert_eq!(position.read().unwrap(), None);
        let place = Place { stream: "s".to_owned(), inode: 7, offset: 9, head_bytes: 3, head: digest(&[b"abc"]) };
        let kept = Kept { places: vec![place], ..Kept::default() };
        position.write(&kept).unwrap();
        assert!(matches!(Position::take(dir.path(), b"/var/log/a.log"), Err(OpenError::Locked)));
        assert!(Position::take(dir.path(), b"/var/log/b.log").is_ok());
        drop(position);
        assert_eq!(Position::take(dir.path(), b"/var/log/a.log").unwrap().read().unwrap(), Some(kept));
    }

    #[test]
    fn what_is_no_position_is_told_apart_from_none() {
        let dir = tempfile::tempdir().unwrap();
        let position = Position::take(dir.path(), b"a").unwrap();
        fs::write(&position.path, "{").unwrap();
        assert_eq!(position.read().unwrap_err().kind(), io::ErrorKind::InvalidData);
    }

    #[test]
    fn positions_that_are_in_use_are_not_forgotten() {
        let dir = tempfile::tempdir().unwrap();
        let old = std::time::SystemTime::now() - POSITION_KEPT * 2;
        let take = |name: &[u8]| {
            let position = Position::take(dir.path(), name).unwrap();
            position.write(&Kept::default()).unwrap();
            File::options().write(true).open(&position.path).unwrap().set_modified(old).unwrap();
            position
        };
        let (used, unused) = (take(b"a"), take(b"b"));
        let unused_path = unused.path.clone();
        drop(unused);
        forget_old(dir.path());
        assert!(used.path.exists() && !unused_path.exists());
    }
}
