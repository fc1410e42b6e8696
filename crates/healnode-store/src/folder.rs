//! The store's folder: whose it is, which format it has, and that only one process uses it.
//!
//! ```text
//! healnode.lock   locked while a store is open; holds the process id, for people
//! format          one line; names the version of everything in the folder
//! sled/           sled's files
//! sled.new/       a store in the making; worthless
//! sled.trial/     a copy on which opening is rehearsed; worthless
//! room            written and removed to see whether the disk has room; worthless
//! ```

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use crate::OpenError;
use crate::failure::Failure;
use crate::file::{temporary_path, write_whole};

pub(crate) const LOCK: &str = "healnode.lock";
pub(crate) const FORMAT: &str = "format";
pub(crate) const FORMAT_V1: &str = "healnode store v1\n";
pub(crate) const FORMAT_ANY: &str = "healnode store v";

/// A folder that is ours, and locked until this is dropped.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    _lock: File,
}

impl Folder {
    /// Takes a folder, and makes it first if it is missing. Whatever is refused was not touched.
    pub(crate) fn take(path: &Path) -> Result<Folder, OpenError> {
        let on_open = |error: io::Error| Failure::from(error).on_open(path);
        DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(on_open)?;
        if is_foreign(path).map_err(on_open)? {
            return Err(OpenError::Foreign { dir: path.to_owned() });
        }
        let lock = lock(path)?;
        require_format(path)?;
        Ok(Folder { path: path.to_owned(), _lock: lock })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Where sled's files are.
    pub(crate) fn data(&self) -> PathBuf {
        self.path.join("sled")
    }

    /// Where a store is made before it is named [`data`](Folder::data).
    pub(crate) fn data_in_the_making(&self) -> PathBuf {
        self.path.join("sled.new")
    }

    /// Where opening is rehearsed.
    pub(crate) fn trial(&self) -> PathBuf {
        self.path.join("sled.trial")
    }

    /// What is written to see whether there is room.
    pub(crate) fn room_probe(&self) -> PathBuf {
        self.path.join("room")
    }
}

/// Returns whether the folder holds anything, but no format file. What a first start may leave before that file is there does not count.
pub(crate) fn is_foreign(path: &Path) -> io::Result<bool> {
    if path.join(FORMAT).exists() {
        return Ok(false);
    }
    let ours = [PathBuf::from(LOCK), temporary_path(Path::new(FORMAT))];
    for entry in fs::read_dir(path)? {
        if !ours.contains(&PathBuf::from(entry?.file_name())) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Locks the folder before sled sees it. sled has a lock of its own, but takes it only after it has read and written files.
fn lock(path: &Path) -> Result<File, OpenError> {
    let on_open = |error: io::Error| Failure::from(error).on_open(path);
    let mut options = OpenOptions::new();
    let mut file = options.read(true).write(true).create(true).truncate(false).mode(0o600).open(path.join(LOCK)).map_err(on_open)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Err(OpenError::InUse { dir: path.to_owned(), pid: read_pid(&mut file) }),
        Err(TryLockError::Error(error)) => return Err(on_open(error)),
    }
    write_pid(&mut file);
    Ok(file)
}

pub(crate) fn read_pid(file: &mut File) -> Option<u32> {
    let mut text = String::new();
    file.take(16).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

/// Writes the process id, which only makes a message clearer: the lock holds without it, also on a full disk.
fn write_pid(file: &mut File) {
    let written = file.set_len(0).and_then(|()| file.rewind()).and_then(|()| writeln!(file, "{}", std::process::id()));
    if let Err(error) = written {
        tracing::debug!(%error, "the process id could not be written to the lock file");
    }
}

fn require_format(path: &Path) -> Result<(), OpenError> {
    let on_open = |error: io::Error| Failure::from(error).on_open(path);
    let format = path.join(FORMAT);
    match fs::read(&format) {
        Ok(found) if found == FORMAT_V1.as_bytes() => Ok(()),
        Ok(found) if found.starts_with(FORMAT_ANY.as_bytes()) => Err(OpenError::Newer { dir: path.to_owned() }),
        Ok(_) => Err(OpenError::Foreign { dir: path.to_owned() }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => write_whole(&format, FORMAT_V1.as_bytes()).map_err(on_open),
        Err(error) => Err(on_open(error)),
    }
}
