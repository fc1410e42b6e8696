//! A process behind walls: its pipes, its end, and the end of all that it started.
//!
//! A task watches over it while it runs. However it ends, and also when the value is dropped, nothing of it goes on.

use std::fmt;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustix::process::{Pid, Signal};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout};
use tokio::task::JoinSet;

use super::kin::{Kin, Taken};
use crate::limits::{DISK_BYTES_MAX, MEMORY_BYTES_MAX, PROCESSES_MAX, STOP_GRACE, WATCH_EVERY};

/// A started process.
#[derive(Debug)]
pub(crate) struct Running {
    /// Its input, when it was asked for as a pipe.
    pub(crate) stdin: Option<ChildStdin>,
    /// Its output, likewise.
    pub(crate) stdout: Option<ChildStdout>,
    /// Its errors, likewise.
    pub(crate) stderr: Option<ChildStderr>,
    child: Child,
    watched: Arc<Mutex<Watched>>,
    /// Ends with this value.
    _watch: JoinSet<()>,
}

#[derive(Debug)]
struct Watched {
    kin: Kin,
    excess: Option<&'static str>,
}

/// How a process ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Ending {
    /// Its exit code, unless a signal ended it.
    pub(crate) code: Option<i32>,
    /// The signal that ended it.
    pub(crate) signal: Option<i32>,
    /// Which bound it broke, in words, when that was its end.
    pub(crate) excess: Option<&'static str>,
}

impl Ending {
    /// Whether it ended with 0 of itself.
    pub(crate) fn is_success(&self) -> bool {
        self.code == Some(0) && self.excess.is_none()
    }
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.excess, self.code, self.signal) {
            (Some(excess), _, _) => write!(f, "stopped for {excess}"),
            (None, Some(code), _) => write!(f, "exit {code}"),
            (None, None, Some(signal)) => write!(f, "signal {signal}"),
            (None, None, None) => f.write_str("ended"),
        }
    }
}

impl Running {
    /// Takes over a process that was just started.
    pub(super) fn watch(mut child: Child, mark: String, file_bytes_max: u64, dir: &Path) -> Running {
        let root = child.id().and_then(|id| i32::try_from(id).ok()).unwrap_or(0);
        let watched = Arc::new(Mutex::new(Watched { kin: Kin::of(root, mark, file_bytes_max), excess: None }));
        let mut watch = JoinSet::new();
        watch.spawn(look_after(Arc::clone(&watched), dir.to_owned()));
        Running { stdin: child.stdin.take(), stdout: child.stdout.take(), stderr: child.stderr.take(), child, watched, _watch: watch }
    }

    /// Waits for its end, and ends what it left. May be cancelled and called again.
    pub(crate) async fn wait(&mut self) -> std::io::Result<Ending> {
        let status = self.child.wait().await?;
        let mut watched = lock(&self.watched);
        watched.kin.bury_root();
        watched.kin.end();
        Ok(ending(status, watched.excess))
    }

    /// Ends it: asks all of its group, waits up to [`STOP_GRACE`], then ends whatever is left.
    pub(crate) async fn stop(mut self) -> std::io::Result<Ending> {
        drop(self.stdin.take());
        self.signal_group(Signal::TERM);
        match tokio::time::timeout(STOP_GRACE, self.wait()).await {
            Ok(ended) => ended,
            Err(_) => {
                self.signal_group(Signal::KILL);
                self.wait().await
            }
        }
    }

    #[cfg(test)]
    pub(super) fn child_id(&self) -> i32 {
        self.child.id().and_then(|id| i32::try_from(id).ok()).unwrap_or(0)
    }

    /// Signals the group. Does nothing once the process was waited for: its number may be another's by then.
    fn signal_group(&self, signal: Signal) {
        let group = self.child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        if let Some(group) = group
            && let Err(error) = rustix::process::kill_process_group(group, signal)
        {
            tracing::debug!(%error, "a fixer's group is gone already");
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.signal_group(Signal::KILL);
        let mut watched = lock(&self.watched);
        watched.kin.end();
        watched.kin.bury_root();
    }
}

fn lock(watched: &Mutex<Watched>) -> MutexGuard<'_, Watched> {
    watched.lock().unwrap_or_else(PoisonError::into_inner)
}

fn ending(status: ExitStatus, excess: Option<&'static str>) -> Ending {
    Ending { code: status.code(), signal: status.signal(), excess }
}

/// Looks after a process and its kin until dropped, and ends all of them when together they break a bound.
async fn look_after(watched: Arc<Mutex<Watched>>, dir: PathBuf) {
    let room = free_room(&dir);
    loop {
        tokio::time::sleep(WATCH_EVERY).await;
        let used = room.saturating_sub(free_room(&dir));
        let mut watched = lock(&watched);
        if let Some(excess) = excess(watched.kin.look(), used) {
            watched.excess = Some(excess);
            watched.kin.end();
        }
    }
}

fn excess(taken: Taken, disk: u64) -> Option<&'static str> {
    let bounds = [
        (taken.processes > PROCESSES_MAX, "too many processes"),
        (taken.memory > MEMORY_BYTES_MAX, "too much memory"),
        (disk > DISK_BYTES_MAX, "too much room on the disk"),
    ];
    bounds.into_iter().find_map(|(is_broken, name)| is_broken.then_some(name))
}

/// Free bytes on the disk that holds a folder, or nothing when it cannot be told.
fn free_room(dir: &Path) -> u64 {
    rustix::fs::statvfs(dir).map_or(0, |disk| disk.f_bavail.saturating_mul(disk.f_frsize))
}
