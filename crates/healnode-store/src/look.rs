//! A look at a store's folder from outside, which changes nothing: whose it is, and whether a process uses it.
//!
//! Reads no data and says nothing of whether it is sound: that takes opening, which sled cannot do without writing.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::Path;

use crate::folder::{FORMAT, FORMAT_ANY, FORMAT_V1, LOCK, is_foreign, read_pid};

/// What a folder is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Look {
    /// Not there, or empty: a store is made there when one is opened.
    Absent,
    /// A store that nobody has open.
    Free,
    /// A store that a process has open.
    InUse {
        /// Which, if it said so.
        pid: Option<u32>,
    },
    /// A store of a later version of the program.
    Newer,
    /// Something else.
    Foreign,
}

/// Looks at the folder of a store. Holds its lock, shared, for the moment that it takes to see whether it is free.
///
/// # Errors
/// When this user may not look.
pub fn look(dir: &Path) -> io::Result<Look> {
    match fs::metadata(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Look::Absent),
        Err(error) => return Err(error),
        Ok(found) if !found.is_dir() => return Ok(Look::Foreign),
        Ok(_) => {}
    }
    match fs::read(dir.join(FORMAT)) {
        Ok(format) if format == FORMAT_V1.as_bytes() => look_at_lock(dir),
        Ok(format) if format.starts_with(FORMAT_ANY.as_bytes()) => Ok(Look::Newer),
        Ok(_) => Ok(Look::Foreign),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(if is_foreign(dir)? { Look::Foreign } else { Look::Absent }),
        Err(error) => Err(error),
    }
}

fn look_at_lock(dir: &Path) -> io::Result<Look> {
    let mut file = match File::open(dir.join(LOCK)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Look::Free),
        other => other?,
    };
    match file.try_lock_shared() {
        Ok(()) => Ok(Look::Free),
        Err(TryLockError::WouldBlock) => Ok(Look::InUse { pid: read_pid(&mut file) }),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use healnode_core::UnixMillis;

    use super::*;
    use crate::Store;

    #[test]
    fn a_store_is_seen_as_what_it_is_and_left_as_it_was() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("store");
        assert_eq!(look(&path).unwrap(), Look::Absent);
        assert!(!path.exists());
        let (store, _) = Store::open(&path, UnixMillis(1)).unwrap();
        assert_eq!(look(&path).unwrap(), Look::InUse { pid: Some(std::process::id()) });
        drop(store);
        assert_eq!(look(&path).unwrap(), Look::Free);
        fs::write(path.join(FORMAT), "healnode store v9\n").unwrap();
        assert_eq!(look(&path).unwrap(), Look::Newer);
        fs::write(path.join(FORMAT), "something\n").unwrap();
        assert_eq!(look(&path).unwrap(), Look::Foreign);
    }

    #[test]
    fn an_empty_folder_is_no_store_yet_and_one_with_other_files_is_foreign() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(look(dir.path()).unwrap(), Look::Absent);
        fs::write(dir.path().join("notes.txt"), "mine").unwrap();
        assert_eq!(look(dir.path()).unwrap(), Look::Foreign);
        assert_eq!(look(&dir.path().join("notes.txt")).unwrap(), Look::Foreign);
    }
}
