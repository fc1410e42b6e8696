//! What a launched process started, found in the table of processes, and its end.
//!
//! Kin is what descends from it, carries its mark in the environment, or was found to before. A process that left its family and shed that
//! mark falls to the node as the next of kin, and is known by the list of calls that it is bound to, and by a limit that no other launch
//! has, which it can lower but not forge. The rest of the machine is never touched.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustix::process::{Pid, PidfdFlags, Resource, Rlimit, Signal, WaitId, WaitIdOptions};
use tokio::process::Child;

use crate::limits::{CPU_SECONDS_MAX, FILE_BYTES_MAX, SWEEPS_MAX, THREADS_MAX};

/// The variable that marks a launched process and what it starts.
pub(super) const MARK_NAME: &str = "HEALNODE_FIX";

/// How long to wait between two looks while processes end.
const BETWEEN_LOOKS: Duration = Duration::from_millis(5);

/// Processes that were launched and not waited for yet. Whoever looks for strays leaves them alone.
static ROOTS: Mutex<BTreeSet<i32>> = Mutex::new(BTreeSet::new());

fn roots() -> MutexGuard<'static, BTreeSet<i32>> {
    ROOTS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A mark that no other launch has, and that says in which folder it was.
pub(super) fn mark(dir: &Path) -> String {
    format!("{}:{:032x}", dir.display(), rand::random::<u128>())
}

/// From here on, what loses its parent beneath this process becomes its child, and so does not get out of sight.
pub(super) fn adopt_orphans() {
    let taken = rustix::process::set_child_subreaper(Some(rustix::process::getpid()));
    if let Err(error) = taken {
        tracing::debug!(%error, "orphans of fixers go to the system");
    }
}

/// A limit on the size of a file that no other launch has.
pub(super) fn own_file_limit() -> u64 {
    FILE_BYTES_MAX + LAUNCHES.fetch_add(1, Ordering::Relaxed) + 1
}

/// Starts a process, binds it and notes it, with nobody looking for strays meanwhile.
///
/// Limits are of a process and not of the thread that starts it, so for the first microseconds it has none. What it starts by then is bound
/// when it is found.
pub(super) fn rooted(file_bytes_max: u64, spawn: impl FnOnce() -> io::Result<Child>) -> io::Result<Child> {
    let mut roots = roots();
    let child = spawn()?;
    let root = child.id().and_then(|id| i32::try_from(id).ok());
    if let Some(root) = root {
        limit(root, &own_limits(file_bytes_max));
    }
    roots.extend(root);
    Ok(child)
}

/// Launches so far. Each adds its number to the limit on the size of a file, as a second mark.
static LAUNCHES: AtomicU64 = AtomicU64::new(0);

/// A process as the table shows it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Entry {
    pid: i32,
    parent: i32,
    is_dead: bool,
    threads: u64,
    /// In ticks since the machine's start. With the number it names a process for good.
    started: u64,
    memory: u64,
}

/// What processes of one launch take together.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Taken {
    pub(super) processes: usize,
    pub(super) memory: u64,
}

/// All of one launch.
#[derive(Debug)]
pub(super) struct Kin {
    root: i32,
    started: u64,
    mark: String,
    file_bytes_max: u64,
    known: BTreeMap<i32, u64>,
}

impl Kin {
    /// The kin of a process that was just started, bound to the limits of one process.
    pub(super) fn of(root: i32, mark: String, file_bytes_max: u64) -> Kin {
        let started = read(root).map_or(0, |entry| entry.started);
        limit(root, &[thread_limit()]);
        Kin { root, started, mark, file_bytes_max, known: BTreeMap::from([(root, started)]) }
    }

    /// Looks once, binds what is new, and says what all take.
    pub(super) fn look(&mut self) -> Taken {
        let before = self.known.clone();
        let alive = self.find();
        let fresh: Vec<&Entry> = alive.iter().filter(|entry| before.get(&entry.pid) != Some(&entry.started)).collect();
        if !fresh.is_empty() {
            let [cpu, file, core] = own_limits(self.file_bytes_max);
            let limits = [cpu, file, core, thread_limit()];
            fresh.iter().for_each(|entry| limit(entry.pid, &limits));
        }
        Taken { processes: alive.len(), memory: alive.iter().map(|entry| entry.memory).sum() }
    }

    /// Ends all that is left. Nothing of it can start anything once it is stopped, so this comes to an end.
    pub(super) fn end(&mut self) {
        let mut stopped: BTreeSet<(i32, u64)> = BTreeSet::new();
        for _ in 0..SWEEPS_MAX {
            let alive = self.find();
            if alive.is_empty() {
                break;
            }
            let fresh: Vec<&Entry> = alive.iter().filter(|entry| !stopped.contains(&(entry.pid, entry.started))).collect();
            for entry in &fresh {
                send(entry, Signal::STOP);
            }
            if fresh.is_empty() {
                alive.iter().for_each(|entry| send(entry, Signal::KILL));
                std::thread::sleep(BETWEEN_LOOKS);
            }
            stopped.extend(fresh.iter().map(|entry| (entry.pid, entry.started)));
        }
    }

    /// Forgets the launched process itself, which was waited for.
    pub(super) fn bury_root(&mut self) {
        roots().remove(&self.root);
    }

    /// All living processes of this launch; buries the dead ones among the node's children.
    fn find(&mut self) -> Vec<Entry> {
        let roots = roots();
        let table = table();
        self.known.retain(|pid, started| table.get(pid).is_some_and(|entry| entry.started == *started));
        let own = own_pid();
        let own_filters = filters(own);
        for entry in table.values().filter(|entry| entry.started >= self.started) {
            let is_stray =
                || entry.parent == own && !roots.contains(&entry.pid) && filters(entry.pid) > own_filters && !self.is_of_others(entry.pid);
            if !self.known.contains_key(&entry.pid) && (has_mark(entry.pid, &self.mark) || is_stray()) {
                self.known.insert(entry.pid, entry.started);
            }
        }
        loop {
            let is_child = |entry: &&Entry| {
                !self.known.contains_key(&entry.pid) && entry.started >= self.started && self.known.contains_key(&entry.parent)
            };
            let children: Vec<(i32, u64)> = table.values().filter(is_child).map(|entry| (entry.pid, entry.started)).collect();
            if children.is_empty() {
                break;
            }
            self.known.extend(children);
        }
        let (dead, alive): (Vec<Entry>, Vec<Entry>) = self.known.keys().filter_map(|pid| table.get(pid)).partition(|entry| entry.is_dead);
        for entry in dead.iter().filter(|entry| entry.parent == own && !roots.contains(&entry.pid)) {
            bury(entry.pid);
        }
        alive
    }

    /// Whether a process carries a mark of another launch.
    fn is_of_others(&self, pid: i32) -> bool {
        let launches = FILE_BYTES_MAX + 1..=FILE_BYTES_MAX + LAUNCHES.load(Ordering::Relaxed);
        let limit = file_limit(pid).filter(|limit| launches.contains(limit));
        limit.map_or_else(|| marks(pid).any(|found| !found.starts_with(&self.mark)), |limit| limit != self.file_bytes_max)
    }
}

/// Ends what launches in folders beneath `folder` left when their node was killed: processes that carry their marks, and what descends
/// from them. Says how many there were. To be called before anything is launched.
pub fn sweep_orphans(folder: &Path) -> usize {
    let folder = fs::canonicalize(folder).unwrap_or_default();
    let Some(folder) = folder.to_str().filter(|folder| !folder.is_empty()) else {
        return 0;
    };
    let mark = format!("{}/", folder.trim_end_matches('/'));
    let mut kin = Kin { root: 0, started: 1, mark, file_bytes_max: 0, known: BTreeMap::new() };
    let found = kin.find().len();
    kin.end();
    found
}

fn own_pid() -> i32 {
    rustix::process::getpid().as_raw_nonzero().get()
}

/// What binds one process by itself.
fn own_limits(file_bytes_max: u64) -> [(Resource, u64); 3] {
    [(Resource::Cpu, CPU_SECONDS_MAX), (Resource::Fsize, file_bytes_max), (Resource::Core, 0)]
}

/// How many threads its user may have, with all that there are on this machine.
fn thread_limit() -> (Resource, u64) {
    (Resource::Nproc, table().values().map(|entry| entry.threads).sum::<u64>() + THREADS_MAX)
}

/// Binds one process.
fn limit(pid: i32, limits: &[(Resource, u64)]) {
    let Some(pid) = Pid::from_raw(pid) else {
        return;
    };
    for (resource, value) in limits {
        let fixed = Rlimit { current: Some(*value), maximum: Some(*value) };
        if let Err(error) = rustix::process::prlimit(Some(pid), *resource, fixed) {
            tracing::debug!(%error, ?resource, "a process of a fixer is not limited");
        }
    }
}

/// Signals exactly the process that was seen, not one that has its number by now.
fn send(entry: &Entry, signal: Signal) {
    let Some(handle) = Pid::from_raw(entry.pid).and_then(|pid| rustix::process::pidfd_open(pid, PidfdFlags::empty()).ok()) else {
        return;
    };
    if read(entry.pid).is_some_and(|seen| seen.started == entry.started)
        && let Err(error) = rustix::process::pidfd_send_signal(&handle, signal)
    {
        tracing::debug!(%error, "a process of a fixer cannot be ended");
    }
}

/// Takes a dead child out of the table.
fn bury(pid: i32) {
    if let Some(pid) = Pid::from_raw(pid)
        && let Err(error) = rustix::process::waitid(WaitId::Pid(pid), WaitIdOptions::EXITED | WaitIdOptions::NOHANG)
    {
        tracing::trace!(%error, "somebody else buried it");
    }
}

fn has_mark(pid: i32, mark: &str) -> bool {
    marks(pid).any(|found| found.starts_with(mark))
}

fn marks(pid: i32) -> impl Iterator<Item = String> {
    let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
    let text = String::from_utf8_lossy(&environment).into_owned();
    let marks: Vec<String> =
        text.split('\0').filter_map(|line| line.strip_prefix(MARK_NAME)?.strip_prefix('=')).map(str::to_owned).collect();
    marks.into_iter()
}

/// The most that a process may write into one file, in bytes.
fn file_limit(pid: i32) -> Option<u64> {
    let limits = fs::read_to_string(format!("/proc/{pid}/limits")).ok()?;
    let line = limits.lines().find_map(|line| line.strip_prefix("Max file size"))?;
    line.split_ascii_whitespace().nth(1)?.parse().ok()
}

/// How many lists of calls a process is bound to.
fn filters(pid: i32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let count = status.lines().find_map(|line| line.strip_prefix("Seccomp_filters:"));
    count.and_then(|count| count.trim().parse().ok()).unwrap_or(0)
}

fn table() -> BTreeMap<i32, Entry> {
    let folders = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = folders.filter_map(|folder| folder.file_name().to_str()?.parse::<i32>().ok());
    pids.filter_map(read).map(|entry| (entry.pid, entry)).collect()
}

fn read(pid: i32) -> Option<Entry> {
    entry(pid, &fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

/// Reads one line of the table. The name in it is the process's own choice and may hold anything; the fields begin after its last bracket.
fn entry(pid: i32, stat: &str) -> Option<Entry> {
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_ascii_whitespace().collect();
    let number = |index: usize| fields.get(index)?.parse::<u64>().ok();
    let page = u64::try_from(rustix::param::page_size()).unwrap_or(4096);
    Some(Entry {
        pid,
        is_dead: matches!(*fields.first()?, "Z" | "X"),
        parent: fields.get(1)?.parse().ok()?,
        threads: number(17)?,
        started: number(19)?,
        memory: number(21)?.saturating_mul(page),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_cannot_forge_its_line_by_its_name() {
        let stat = "42 (x) R 1 1 (evil) S 7 42 42 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 3 0 991 1000 25 18446744073709551615";
        let read = entry(42, stat).unwrap();
        assert_eq!((read.parent, read.started, read.threads, read.is_dead), (7, 991, 3, false));
        assert_eq!(entry(42, "42 (x"), None);
        assert_eq!(entry(42, "42 (x) S 7"), None);
    }
}
