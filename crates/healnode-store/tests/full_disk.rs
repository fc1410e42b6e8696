//! A full disk: an append says so and returns, nothing acknowledged is lost, and the same store goes on once there is room.
#![allow(clippy::unwrap_used)]

mod child;
mod records;

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use healnode_core::Record;
use healnode_store::{AppendError, Store};
use records::{NOW, counter, fingerprint, report};

/// Removing this makes room, where the disk itself is full.
const FILLER: &str = "filler";

fn step(n: u64) -> [Record; 2] {
    [counter(n, n), Record::Sample(Box::new(report(n, 60_000)))]
}

/// Appends until the disk is full for good (sled finds some room at first when it is opened again), waits for the parent to make room, and
/// goes on.
fn fill_up_and_go_on(folder: &Path) {
    let dir = folder.join("store");
    let (store, _) = Store::open(&dir, NOW).unwrap();
    let (mut acknowledged, mut refused) = (0, 0);
    while refused < 5 {
        let started = Instant::now();
        match store.append(&step(acknowledged + 1)) {
            Ok(()) => (acknowledged, refused) = (acknowledged + 1, 0),
            Err(AppendError::Full { .. }) => refused += 1,
            Err(error @ (AppendError::Damaged { .. } | AppendError::Io { .. })) => panic!("{error:?}"),
        }
        assert!(started.elapsed() < Duration::from_secs(10));
        assert!(acknowledged < 10_000, "the disk does not get full");
    }
    child::tell("full", acknowledged);
    std::io::stdin().lines().next();
    if folder.join(FILLER).exists() {
        fs::remove_file(folder.join(FILLER)).unwrap();
    }
    for n in acknowledged + 1..acknowledged + 20 {
        store.append(&step(n)).unwrap();
    }
    drop(store);
    check(&dir, acknowledged + 19);
    child::tell("went on", 0);
}

/// Checks that everything up to `acknowledged` is there.
fn check(dir: &Path, acknowledged: u64) {
    let (store, snapshot) = Store::open(dir, NOW).unwrap();
    for n in 1..=acknowledged {
        assert_eq!(snapshot.counters.get(&fingerprint(n)).map(|tally| tally.count), Some(n));
        assert!(store.sample(fingerprint(n)).unwrap().is_some());
    }
}

/// Runs `test` as a child under `launcher`. When it says that the disk is full, `make_room` is called with its process id; then it has to go on.
fn check_goes_on(launcher: &[&str], test: &str, folder: &Path, make_room: impl FnOnce(u32)) {
    let mut process = child::command(launcher, test, folder).spawn().unwrap();
    let mut lines = BufReader::new(process.stdout.take().unwrap()).lines().map_while(Result::ok);
    let acknowledged = lines.find_map(|line| child::heard(&line).map(|(_, number)| number)).expect("the child gets to a full disk");
    assert!(acknowledged > 10, "{acknowledged}");
    make_room(process.id());
    writeln!(process.stdin.take().unwrap(), "go on").unwrap();
    lines.for_each(drop);
    assert!(process.wait().unwrap().success(), "the child did not go on");
}

#[test]
fn a_store_goes_on_when_its_files_may_grow_again() {
    if let Some(folder) = child::role() {
        return fill_up_and_go_on(&folder);
    }
    let folder = tempfile::tempdir().unwrap();
    let launcher = ["sh", "-c", r#"trap "" XFSZ; ulimit -S -f 8192; exec "$0" "$@""#];
    check_goes_on(&launcher, "a_store_goes_on_when_its_files_may_grow_again", folder.path(), |pid| {
        let raised = Command::new("prlimit").args(["--pid", &pid.to_string(), "--fsize=unlimited:unlimited"]).status().unwrap();
        assert!(raised.success());
    });
    check(&folder.path().join("store"), 20);
}

#[test]
fn a_store_goes_on_when_the_disk_has_room_again() {
    if let Some(folder) = child::role() {
        fs::write(folder.join(FILLER), vec![1; 8 << 20]).unwrap();
        return fill_up_and_go_on(&folder);
    }
    let folder = tempfile::tempdir().unwrap();
    let mount = format!("mount -t tmpfs -o size=16m tmpfs '{}'", folder.path().display());
    let probe = ["--user", "--map-root-user", "--mount", "sh", "-c", &mount];
    if !Command::new("unshare").args(probe).output().is_ok_and(|output| output.status.success()) {
        eprintln!("skipped: no file system can be mounted here; the limit on file sizes above stands for it");
        return;
    }
    let script = format!(r#"{mount} && exec "$0" "$@""#);
    let launcher = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", &script];
    check_goes_on(&launcher, "a_store_goes_on_when_the_disk_has_room_again", folder.path(), |_| {});
}
