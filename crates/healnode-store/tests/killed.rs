//! `kill -9` at any moment takes nothing that was acknowledged, and leaves nothing that cannot be opened.
#![allow(clippy::unwrap_used)]

mod child;
mod records;

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::thread::sleep;
use std::time::Duration;

use healnode_core::{Epoch, Record, Seq, Snapshot};
use healnode_store::Store;
use records::{NOW, counter, fingerprint, heard, node, report};

/// Different errors that the child counts in turn.
const ERRORS: u64 = 50;

/// Runs `test` as a child on `dir`, kills it after `lifetime`, and returns the last number that it acknowledged, or 0.
fn run_and_kill(test: &str, dir: &Path, lifetime: Duration) -> u64 {
    let mut process = child::command(&[], test, dir).spawn().unwrap();
    let lines = BufReader::new(process.stdout.take().unwrap()).lines();
    let mut lines = lines.map_while(Result::ok).filter_map(|line| child::heard(&line).map(|(_, number)| number));
    let first = lines.next();
    sleep(lifetime);
    process.kill().unwrap();
    process.wait().unwrap();
    lines.last().or(first).unwrap_or_default()
}

fn through(snapshot: &Snapshot) -> u64 {
    snapshot.heard.get(&(node(1), Epoch(1))).map_or(0, |seq| seq.0)
}

/// What one append of the child holds, so that it is plain to see whether all of it is there.
fn step(n: u64) -> Vec<Record> {
    let sample = n.is_multiple_of(7).then(|| Record::Sample(Box::new(report(n % ERRORS, 20_000))));
    let reserved = n.is_multiple_of(16).then_some(Record::SeqReserved(Seq(n)));
    [counter(n % ERRORS, n), heard(n)].into_iter().chain(sample).chain(reserved).collect()
}

fn append_until_killed(dir: &Path) -> ! {
    let (store, snapshot) = Store::open(dir, NOW).unwrap();
    let mut n = through(&snapshot);
    child::tell("opened", n);
    loop {
        n += 1;
        store.append(&step(n)).unwrap();
        child::tell("acknowledged", n);
    }
}

#[test]
fn everything_acknowledged_is_there_after_a_kill_while_appending() {
    if let Some(dir) = child::role() {
        append_until_killed(&dir);
    }
    let dir = tempfile::tempdir().unwrap();
    let mut acknowledged_in_all = 0;
    for round in 0..25 {
        let lifetime = Duration::from_millis(5 + round * 11 % 90);
        let acknowledged = run_and_kill("everything_acknowledged_is_there_after_a_kill_while_appending", dir.path(), lifetime);
        let (store, snapshot) = Store::open(dir.path(), NOW).unwrap();
        let kept = through(&snapshot);
        assert!(kept >= acknowledged, "kept {kept}, acknowledged {acknowledged}");
        check_whole(&snapshot, kept);
        assert!(store.sample(fingerprint(7)).unwrap().is_some() || kept < 7);
        acknowledged_in_all = kept;
    }
    assert!(acknowledged_in_all > 25, "the child was killed before it did anything: {acknowledged_in_all}");
}

/// Checks that the last append is there as a whole or not at all, and every one before it.
fn check_whole(snapshot: &Snapshot, kept: u64) {
    let mut expected = BTreeMap::new();
    for n in kept.saturating_sub(ERRORS - 1).max(1)..=kept {
        expected.insert(fingerprint(n % ERRORS), n);
    }
    let counts: BTreeMap<_, _> = snapshot.counters.iter().map(|(fingerprint, tally)| (*fingerprint, tally.count)).collect();
    assert_eq!(counts, expected);
    assert_eq!(snapshot.seq_reserved.0, kept / 16 * 16);
}

fn open_until_killed(dir: &Path) -> ! {
    child::tell("started", 0);
    loop {
        let (store, snapshot) = Store::open(dir, NOW).unwrap();
        store.append(&step(through(&snapshot) + 1)).unwrap();
        child::tell("acknowledged", through(&snapshot) + 1);
    }
}

#[test]
fn everything_acknowledged_is_there_after_a_kill_while_opening() {
    if let Some(dir) = child::role() {
        open_until_killed(&dir);
    }
    let dir = tempfile::tempdir().unwrap();
    for round in 0..30 {
        let lifetime = Duration::from_millis(round * 7 % 45);
        let acknowledged = run_and_kill("everything_acknowledged_is_there_after_a_kill_while_opening", dir.path(), lifetime);
        let (_, snapshot) = Store::open(dir.path(), NOW).unwrap();
        assert!(through(&snapshot) >= acknowledged, "kept {}, acknowledged {acknowledged}", through(&snapshot));
        check_whole(&snapshot, through(&snapshot));
    }
}

#[test]
fn a_kill_during_the_very_first_opening_leaves_a_folder_that_opens() {
    if let Some(dir) = child::role() {
        open_until_killed(&dir);
    }
    for round in 0..20 {
        let dir = tempfile::tempdir().unwrap();
        run_and_kill("a_kill_during_the_very_first_opening_leaves_a_folder_that_opens", dir.path(), Duration::from_millis(round));
        let (store, _) = Store::open(dir.path(), NOW).unwrap();
        assert_eq!(store.epoch(), Epoch(NOW.0));
    }
}
