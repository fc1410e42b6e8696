//! The data directory, the store in it, and the disk under both.

use std::path::PathBuf;

use healnode_store::Look;

use super::secret::quoted;
use super::{Area, Finding};

/// Free bytes below which nothing can be written: what the store says that it needs.
const ROOM_BYTES_MIN: u64 = 2 * 1024 * 1024;

/// Free bytes below which it gets tight: a start copies the store to rehearse its opening, and a store in use takes some tens of MiB.
const ROOM_BYTES_LOW: u64 = 100 * 1024 * 1024;

/// What is known of where a node keeps its state.
pub(super) struct Facts {
    /// The data directory.
    pub(super) dir: PathBuf,
    pub(super) folder: Folder,
    /// The store, or why it cannot be looked at; nothing when a node runs, whose own it is.
    pub(super) store: Option<Result<Look, String>>,
    /// Reports on disk that wait for a node to start.
    pub(super) waiting: usize,
    /// Bytes that this user can still write.
    pub(super) free_bytes: Option<u64>,
    /// What the running node says of its disk, unless all is well.
    pub(super) disk_problem: Option<String>,
}

impl Facts {
    /// Returns whether a process has the store open.
    pub(super) fn is_in_use(&self) -> bool {
        matches!(self.store, Some(Ok(Look::InUse { .. })))
    }
}

/// A folder that the node writes to.
pub(super) enum Folder {
    /// This user may write there, and its permissions are these.
    Usable(u32),
    /// It can be made.
    ToBeMade,
    /// It cannot be made, because this one may not be written to.
    BelowForbidden(PathBuf),
    /// This user may not write there.
    Forbidden,
    /// It is something else.
    SomethingElse,
}

pub(super) fn judge(facts: &Facts) -> Vec<Finding> {
    let mut findings: Vec<Finding> = folder(facts).into_iter().collect();
    findings.extend(store(facts));
    findings.extend(waiting(facts.waiting));
    findings.extend(room(facts));
    findings
}

fn folder(facts: &Facts) -> Option<Finding> {
    let dir = facts.dir.display();
    let as_user = "Run the node, and doctor, as the user that owns it, or set data_dir to a directory of this user's.";
    Some(match &facts.folder {
        Folder::Usable(mode) if mode & 0o007 != 0 => Finding::warning(
            Area::Store,
            format!("Every user of this machine can look into the data directory {dir} (mode {:03o}).", mode & 0o777),
            format!("Run: chmod 700 {}.", quoted(&facts.dir)),
        ),
        Folder::Usable(_) => return None,
        Folder::ToBeMade => {
            Finding::ok(Area::Store, format!("The data directory {dir} is not there yet; the first `healnode run` makes it."))
        }
        Folder::BelowForbidden(parent) => Finding::error(
            Area::Store,
            format!("The data directory {dir} is not there, and this user may not make it: {} is not theirs to write.", parent.display()),
            "Make it and give it to the user that runs the node, or set data_dir to another place.",
        ),
        Folder::Forbidden => Finding::error(Area::Store, format!("This user may not write to the data directory {dir}."), as_user),
        Folder::SomethingElse => {
            Finding::error(Area::Store, format!("{dir} is no directory."), "Move it away, or set data_dir to another place.")
        }
    })
}

fn store(facts: &Facts) -> Option<Finding> {
    let dir = facts.dir.join("store");
    let dir = dir.display();
    let finding = match facts.store.as_ref()? {
        Ok(Look::Absent) => return None,
        Ok(Look::Free) => Finding::ok(Area::Store, format!("The store in {dir} is of this version's format, and no node has it open.")),
        Ok(Look::InUse { pid }) => {
            let process = pid.map(|pid| format!(" (process {pid})")).unwrap_or_default();
            Finding::error(
                Area::Store,
                format!("Another healnode{process} has the store in {dir} open, but does not answer on this socket."),
                "Name its socket with --socket or status.socket. If it hangs, or is still starting or stopping, wait or end that process.",
            )
        }
        Ok(Look::Newer) => Finding::error(
            Area::Store,
            format!("The store in {dir} was written by a newer healnode, and this one cannot read it."),
            "Run that version, or set data_dir to another directory: counts come back from the peers.",
        ),
        Ok(Look::Foreign) => Finding::error(
            Area::Store,
            format!("{dir} holds files that are not healnode's, and a node does not start on them."),
            "Move them away, or set data_dir to an empty or new directory.",
        ),
        Err(why) => Finding::error(
            Area::Store,
            format!("The store in {dir} cannot be looked at by this user: {why}."),
            "Run doctor as the user that runs the node.",
        ),
    };
    Some(finding)
}

fn waiting(reports: usize) -> Option<Finding> {
    let reports = match reports {
        0 => return None,
        1 => "1 report waits".to_owned(),
        more => format!("{more} reports wait"),
    };
    Some(Finding::warning(
        Area::Store,
        format!("{reports} on disk for the next node to count."),
        "Start a node with this data directory: healnode run.",
    ))
}

fn room(facts: &Facts) -> Option<Finding> {
    let dir = facts.dir.display();
    if let Some(problem) = &facts.disk_problem {
        let what = format!("The running node cannot write: {}.", problem.trim_end_matches('.'));
        return Some(Finding::error(Area::Store, what, format!("Free room on the disk of {dir}; the node goes on by itself.")));
    }
    let free = facts.free_bytes?;
    Some(if free < ROOM_BYTES_MIN {
        Finding::error(
            Area::Store,
            format!("The disk of {dir} has {} left, too little to keep anything.", mebibytes(free)),
            format!("Free at least {}, better {}.", mebibytes(ROOM_BYTES_MIN), mebibytes(ROOM_BYTES_LOW)),
        )
    } else if free < ROOM_BYTES_LOW {
        Finding::warning(
            Area::Store,
            format!("The disk of {dir} has only {} left. Once it is full, reports are refused.", mebibytes(free)),
            format!("Free some: {} are plenty.", mebibytes(ROOM_BYTES_LOW)),
        )
    } else {
        Finding::ok(Area::Store, format!("The disk of {dir} has {} left.", mebibytes(free)))
    })
}

fn mebibytes(bytes: u64) -> String {
    let mebibytes = bytes / 1024 / 1024;
    if mebibytes < 10 * 1024 { format!("{mebibytes} MiB") } else { format!("{} GiB", mebibytes / 1024) }
}

#[cfg(test)]
mod tests {
    use super::super::Level::{Error, Ok as Fine, Warning};
    use super::super::finding::check;
    use super::*;

    fn facts(folder: Folder, store: Option<Result<Look, String>>) -> Facts {
        Facts { dir: PathBuf::from("/d"), folder, store, waiting: 0, free_bytes: None, disk_problem: None }
    }

    #[test]
    fn the_folder_can_be_used_or_made() {
        let judged = |folder| judge(&facts(folder, None));
        check(&judged(Folder::Usable(0o40_700)), &[]);
        check(&judged(Folder::Usable(0o40_755)), &[(Warning, "chmod 700 /d")]);
        check(&judged(Folder::ToBeMade), &[(Fine, "makes it")]);
        check(&judged(Folder::BelowForbidden(PathBuf::from("/var/lib"))), &[(Error, "/var/lib is not theirs")]);
        check(&judged(Folder::Forbidden), &[(Error, "may not write")]);
        check(&judged(Folder::SomethingElse), &[(Error, "no directory")]);
    }

    #[test]
    fn the_store_is_free_or_says_why_not() {
        let judged = |store| judge(&facts(Folder::Usable(0o700), Some(store)));
        check(&judged(Ok(Look::Absent)), &[]);
        check(&judged(Ok(Look::Free)), &[(Fine, "no node has it open")]);
        check(&judged(Ok(Look::InUse { pid: Some(77) })), &[(Error, "process 77")]);
        check(&judged(Ok(Look::InUse { pid: None })), &[(Error, "Another healnode has")]);
        check(&judged(Ok(Look::Newer)), &[(Error, "newer healnode")]);
        check(&judged(Ok(Look::Foreign)), &[(Error, "not healnode's")]);
        check(&judged(Err("permission denied".to_owned())), &[(Error, "permission denied")]);
    }

    #[test]
    fn reports_that_wait_are_counted() {
        let judged = |waiting| judge(&Facts { waiting, ..facts(Folder::Usable(0o700), None) });
        check(&judged(1), &[(Warning, "1 report waits on disk")]);
        check(&judged(12), &[(Warning, "12 reports wait on disk")]);
    }

    #[test]
    fn a_disk_that_gets_full_is_seen_before_it_is() {
        let judged = |free_bytes| judge(&Facts { free_bytes, ..facts(Folder::Usable(0o700), None) });
        check(&judged(Some(1024 * 1024)), &[(Error, "has 1 MiB left")]);
        check(&judged(Some(50 * 1024 * 1024)), &[(Warning, "only 50 MiB")]);
        check(&judged(Some(50 * 1024 * 1024 * 1024)), &[(Fine, "50 GiB")]);
        let full = Facts { disk_problem: Some("no room".to_owned()), free_bytes: Some(1 << 40), ..facts(Folder::Usable(0o700), None) };
        check(&judge(&full), &[(Error, "cannot write: no room.")]);
    }
}
