//! What any step below the public API can fail with, before it is known which operation failed.

use std::io;
use std::path::Path;

use healnode_wire::DecodeError;

use crate::{AppendError, OpenError, ReadError};

/// A failure of sled, of a file, or of what was in it.
#[derive(Debug)]
pub(crate) enum Failure {
    /// No room on the disk.
    Full(io::Error),
    /// Bytes that make no sense.
    Damaged(String),
    /// Bytes of a later version of the program.
    Newer,
    /// Anything else that the operating system refused.
    Io(io::Error),
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        if is_full(error.kind()) { Failure::Full(error) } else { Failure::Io(error) }
    }
}

/// A file that may not grow is as good as a full disk: a quota, or a limit on the size of files.
fn is_full(kind: io::ErrorKind) -> bool {
    matches!(kind, io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge)
}

impl From<sled::Error> for Failure {
    fn from(error: sled::Error) -> Self {
        match error {
            sled::Error::Io(error) if is_cut_short(error.kind()) => Failure::Damaged(error.to_string()),
            sled::Error::Io(error) => error.into(),
            error @ (sled::Error::CollectionNotFound(_)
            | sled::Error::Unsupported(_)
            | sled::Error::ReportableBug(_)
            | sled::Error::Corruption { .. }) => Failure::Damaged(error.to_string()),
        }
    }
}

fn is_cut_short(kind: io::ErrorKind) -> bool {
    matches!(kind, io::ErrorKind::UnexpectedEof | io::ErrorKind::InvalidData)
}

impl From<DecodeError> for Failure {
    fn from(error: DecodeError) -> Self {
        match error {
            DecodeError::ForeignVersion(_) => Failure::Newer,
            DecodeError::TooLong | DecodeError::Malformed | DecodeError::OutOfBounds => Failure::Damaged(format!("a record is {error}")),
        }
    }
}

impl Failure {
    pub(crate) fn on_open(self, dir: &Path) -> OpenError {
        let dir = dir.to_owned();
        match self {
            Failure::Full(source) => OpenError::Full { dir, source },
            Failure::Damaged(reason) => OpenError::Damaged { dir, reason },
            Failure::Newer => OpenError::Newer { dir },
            Failure::Io(source) => OpenError::Io { dir, source },
        }
    }

    pub(crate) fn on_append(self, dir: &Path) -> AppendError {
        let dir = dir.to_owned();
        match self {
            Failure::Full(source) => AppendError::Full { dir, source },
            Failure::Damaged(reason) => AppendError::Damaged { dir, reason },
            Failure::Newer => AppendError::Damaged { dir, reason: NEWER.to_owned() },
            Failure::Io(source) => AppendError::Io { dir, source },
        }
    }

    pub(crate) fn on_read(self, dir: &Path) -> ReadError {
        let dir = dir.to_owned();
        match self {
            Failure::Full(source) => ReadError::Full { dir, source },
            Failure::Damaged(reason) => ReadError::Damaged { dir, reason },
            Failure::Newer => ReadError::Damaged { dir, reason: NEWER.to_owned() },
            Failure::Io(source) => ReadError::Io { dir, source },
        }
    }
}

const NEWER: &str = "a record of a newer healnode";
