//! What can go wrong with a store, what state that leaves, and how to mend it.

use std::io;
use std::path::PathBuf;

/// Why a store could not be opened. No file that was there before was changed, unless it was too large or the disk too full to rehearse on a
/// copy; see [`REHEARSAL_BYTES_MAX`](crate::limits::REHEARSAL_BYTES_MAX).
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process has it open, or this one has.
    #[error(
        "{} is in use by another healnode{}; stop that one, or give this one another data directory",
        dir.display(),
        pid.map(|pid| format!(" (process {pid})")).unwrap_or_default()
    )]
    InUse {
        /// The store's folder.
        dir: PathBuf,
        /// The process that has it open, if it said so.
        pid: Option<u32>,
    },
    /// The folder holds something else.
    #[error("{} holds files that are not healnode's; give an empty or new data directory", dir.display())]
    Foreign {
        /// The store's folder.
        dir: PathBuf,
    },
    /// The store was written by a later version of the program.
    #[error("{} was written by a newer healnode; use that version, or another data directory", dir.display())]
    Newer {
        /// The store's folder.
        dir: PathBuf,
    },
    /// Files of the store are damaged.
    #[error(
        "the store in {} is damaged ({reason}); move the folder away and start again: counts come back from the peers, and this node goes on under a new epoch",
        dir.display()
    )]
    Damaged {
        /// The store's folder.
        dir: PathBuf,
        /// What was found.
        reason: String,
    },
    /// There is no room to open it.
    #[error("no room on the disk of {}; free at least 2 MiB", dir.display())]
    Full {
        /// The store's folder.
        dir: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The operating system refused something.
    #[error("cannot open the store in {}", dir.display())]
    Io {
        /// The store's folder.
        dir: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

/// Why records were not kept for certain. Some or all of them may be on disk; appending the same again is safe.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// The disk is full. The next append tries again; it works once there is room.
    #[error("no room on the disk of {}; free at least 2 MiB", dir.display())]
    Full {
        /// The store's folder.
        dir: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Files of the store turned out to be damaged. Nothing more can be kept there.
    #[error("the store in {} is damaged ({reason}); stop the node, move the folder away and start again", dir.display())]
    Damaged {
        /// The store's folder.
        dir: PathBuf,
        /// What was found.
        reason: String,
    },
    /// The operating system refused something. The next append tries again.
    #[error("cannot write to the store in {}", dir.display())]
    Io {
        /// The store's folder.
        dir: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

/// Why something could not be read back. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The store is shut after a failed append, because the disk is full. It opens again once there is room.
    #[error("the store in {} waits for room on its disk; free at least 2 MiB", dir.display())]
    Full {
        /// The store's folder.
        dir: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// It is damaged, or written by a newer version of the program.
    #[error("unreadable data in the store in {} ({reason})", dir.display())]
    Damaged {
        /// The store's folder.
        dir: PathBuf,
        /// What was found.
        reason: String,
    },
    /// The operating system refused something.
    #[error("cannot read from the store in {}", dir.display())]
    Io {
        /// The store's folder.
        dir: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}
