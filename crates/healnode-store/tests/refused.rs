//! A folder that is in use, somebody else's, newer, or damaged is refused with a clear message, and not a byte of it is changed.
#![allow(clippy::unwrap_used)]

mod child;
mod records;

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use healnode_core::{Record, Snapshot};
use healnode_store::{OpenError, Store};
use records::{NOW, counter, fingerprint, heard, report};

/// Makes a store with something in it, and returns what.
fn fill(dir: &Path) -> Snapshot {
    let (store, _) = Store::open(dir, NOW).unwrap();
    for n in 0..300 {
        store.append(&[counter(n, 1), heard(n), Record::Sample(Box::new(report(n, 3_000)))]).unwrap();
    }
    drop(store);
    Store::open(dir, NOW).unwrap().1
}

/// Returns every file below a folder with its contents, apart from the lock.
fn contents(dir: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(contents(&path));
        } else if path.file_name().unwrap() != "healnode.lock" {
            files.insert(path.clone(), fs::read(path).unwrap());
        }
    }
    files
}

/// Checks that a folder is refused with a message that says `says`, and that nothing in it changes.
fn check_refused(dir: &Path, says: &str) -> OpenError {
    let before = contents(dir);
    let error = Store::open(dir, NOW).map(|(store, _)| store).unwrap_err();
    let message = error.to_string();
    assert!(message.contains(says) && message.contains(&*dir.to_string_lossy()), "{message}");
    assert!(contents(dir) == before, "files were changed: {message}");
    error
}

#[test]
fn a_second_opening_in_the_same_process_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = Store::open(dir.path(), NOW).unwrap();
    let error = check_refused(dir.path(), "in use by another healnode");
    assert!(matches!(error, OpenError::InUse { pid: Some(pid), .. } if pid == std::process::id()), "{error:?}");
    store.append(&[heard(1)]).unwrap();
    drop(store);
    Store::open(dir.path(), NOW).unwrap();
}

#[test]
fn an_opening_while_another_process_has_the_store_is_refused() {
    if let Some(dir) = child::role() {
        let (_store, _) = Store::open(&dir, NOW).unwrap();
        child::tell("opened", 0);
        std::io::stdin().lines().next();
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let test = "an_opening_while_another_process_has_the_store_is_refused";
    let mut process = child::command(&[], test, dir.path()).spawn().unwrap();
    let mut lines = BufReader::new(process.stdout.take().unwrap()).lines().map_while(Result::ok);
    assert!(lines.any(|line| child::heard(&line).is_some()));

    let error = check_refused(dir.path(), &format!("(process {})", process.id()));
    assert!(matches!(error, OpenError::InUse { .. }));
    drop(process.stdin.take());
    assert!(process.wait().unwrap().success());
    Store::open(dir.path(), NOW).unwrap();
}

#[test]
fn a_folder_with_other_files_is_refused() {
    for name in ["notes.txt", "sled", "format.old"] {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join(name), "mine").unwrap();
        assert!(matches!(check_refused(dir.path(), "not healnode's"), OpenError::Foreign { .. }));
        assert!(!dir.path().join("healnode.lock").exists());
    }
}

#[test]
fn a_store_of_a_newer_format_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    fill(dir.path());
    fs::write(dir.path().join("format"), "healnode store v2\n").unwrap();
    assert!(matches!(check_refused(dir.path(), "newer healnode"), OpenError::Newer { .. }));
    fs::write(dir.path().join("format"), "another program v1\n").unwrap();
    assert!(matches!(check_refused(dir.path(), "not healnode's"), OpenError::Foreign { .. }));
}

#[test]
fn a_new_store_is_for_its_owner_only() {
    let dir = tempfile::tempdir().unwrap();
    let store = dir.path().join("data/store");
    Store::open(&store, NOW).unwrap();
    assert_eq!(fs::metadata(&store).unwrap().permissions().mode() & 0o777, 0o700);
}

#[test]
fn a_torn_snapshot_is_mended_on_the_next_start() {
    let dir = tempfile::tempdir().unwrap();
    let kept = fill(dir.path());
    fs::write(dir.path().join("sled/snap.FFFFFFFFFFFFFFFF.generating"), "torn").unwrap();
    let (store, snapshot) = Store::open(dir.path(), NOW).unwrap();
    assert_eq!(snapshot, kept);
    assert!(store.sample(fingerprint(7)).unwrap().is_some());
}

#[test]
fn what_a_kill_left_half_made_is_made_again() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("format.new"), "healnode st").unwrap();
    drop(Store::open(dir.path(), NOW).unwrap());
    fs::rename(dir.path().join("sled"), dir.path().join("sled.new")).unwrap();
    fs::write(dir.path().join("sled.new/conf"), "torn torn torn").unwrap();
    fs::create_dir(dir.path().join("sled.trial")).unwrap();
    let (_, snapshot) = Store::open(dir.path(), NOW).unwrap();
    assert_eq!(snapshot, Snapshot::default());
    drop(Store::open(dir.path(), NOW).unwrap());
    assert!(!dir.path().join("sled.new").exists() && !dir.path().join("sled.trial").exists());
}

#[test]
fn a_damaged_store_is_refused_and_stays_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    fill(dir.path());
    let check = |file: &str, damage: fn(&[u8]) -> Vec<u8>| {
        let file = dir.path().join("sled").join(file);
        let healthy = fs::read(&file).unwrap();
        fs::write(&file, damage(&healthy)).unwrap();
        let error = check_refused(dir.path(), "move the folder away");
        assert!(matches!(error, OpenError::Damaged { .. }), "{error:?}");
        fs::write(&file, healthy).unwrap();
    };
    check("db", |healthy| garbage(healthy.len()));
    check("db", |healthy| vec![0; healthy.len()]);
    check("db", |_| Vec::new());
    check("db", |healthy| [garbage(healthy.len() - 4_096), healthy[healthy.len() - 4_096..].to_vec()].concat());
    check("conf", |healthy| garbage(healthy.len()));
    check_refused_snapshot(dir.path());
}

/// Checks the same with the one file whose name varies.
fn check_refused_snapshot(dir: &Path) {
    let names = fs::read_dir(dir.join("sled")).unwrap().map(|entry| entry.unwrap().path());
    let snapshot = names.into_iter().find(|path| path.file_name().unwrap().to_string_lossy().starts_with("snap.")).unwrap();
    fs::write(snapshot, garbage(500)).unwrap();
    check_refused(dir, "move the folder away");
}

fn garbage(len: usize) -> Vec<u8> {
    (0..len).map(|n| (n * 7 % 251) as u8).collect()
}

/// Not every byte of sled's file is in use, so a partly damaged store may open. Then it has everything.
#[test]
fn a_partly_damaged_store_is_refused_unchanged_or_opens_with_everything() {
    let healthy = tempfile::tempdir().unwrap();
    let kept = fill(healthy.path());
    let len = fs::metadata(healthy.path().join("sled/db")).unwrap().len() as usize;
    let mut refused = 0;
    for n in 0..16 {
        let dir = tempfile::tempdir().unwrap();
        copy(healthy.path(), dir.path());
        let file = dir.path().join("sled/db");
        let mut bytes = fs::read(&file).unwrap();
        let damaged = len / 16 * n..len / 16 * n + 5_000;
        bytes[damaged.clone()].copy_from_slice(&garbage(damaged.len()));
        fs::write(&file, bytes).unwrap();

        let before = contents(dir.path());
        match Store::open(dir.path(), NOW) {
            Ok((store, snapshot)) => {
                assert_eq!(snapshot, kept);
                assert!((0..300).all(|n| store.sample(fingerprint(n)).unwrap().is_some()));
            }
            Err(error) => {
                assert!(matches!(error, OpenError::Damaged { .. }), "{error:?}");
                assert!(contents(dir.path()) == before, "files were changed: {error}");
                refused += 1;
            }
        }
    }
    assert!(refused > 0);
}

fn copy(from: &Path, to: &Path) {
    for (file, bytes) in contents(from) {
        let target = to.join(file.strip_prefix(from).unwrap());
        fs::create_dir_all(target.parent().unwrap()).unwrap();
        fs::write(target, bytes).unwrap();
    }
}
