//! The identity file: made once, private, and never written over.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use healnode_store::identity::{IdentityError, load_or_create};

fn must_not_make() -> [u8; 32] {
    panic!("there is an identity already")
}

fn write(path: &Path, text: &[u8], mode: u32) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn an_identity_is_made_once_and_readable_for_its_owner_only() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("identity.key");
    let seed: [u8; 32] = std::array::from_fn(|n| n as u8 * 8);
    assert_eq!(load_or_create(&path, || seed).unwrap(), seed);
    assert_eq!(load_or_create(&path, must_not_make).unwrap(), seed);
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
}

#[test]
fn an_identity_that_others_can_read_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("identity.key");
    load_or_create(&path, || [7; 32]).unwrap();
    for mode in [0o640, 0o604, 0o660, 0o601] {
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        let error = load_or_create(&path, must_not_make).unwrap_err();
        assert!(matches!(error, IdentityError::TooOpen { .. }) && error.to_string().contains("chmod 600"), "{error}");
    }
}

#[test]
fn a_file_that_is_no_identity_is_refused_and_stays_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("identity.key");
    let hex = "07".repeat(32);
    let cases = [
        String::new(),
        hex.clone(),
        "healnode identity v1\n".to_owned(),
        format!("healnode identity v1\n{}\n", &hex[1..]),
        format!("healnode identity v1\n{hex}07\n"),
        format!("healnode identity v1\n+{}\n", &hex[1..]),
        format!("healnode identity v2\n{hex}\n"),
    ];
    for text in cases {
        write(&path, text.as_bytes(), 0o600);
        let error = load_or_create(&path, must_not_make).unwrap_err();
        assert!(matches!(error, IdentityError::Malformed { .. }), "{text}: {error}");
        assert!(!error.to_string().contains(&hex[..8]), "{error}");
        assert_eq!(fs::read(&path).unwrap(), text.as_bytes());
    }
    write(&path, &[0xff; 40], 0o600);
    assert!(matches!(load_or_create(&path, must_not_make), Err(IdentityError::Malformed { .. })));
}

#[test]
fn a_folder_that_is_missing_is_an_error_and_makes_no_identity_elsewhere() {
    let dir = tempfile::tempdir().unwrap();
    let error = load_or_create(&dir.path().join("missing/identity.key"), || [7; 32]).unwrap_err();
    assert!(matches!(error, IdentityError::Io { .. }), "{error}");
}

#[test]
fn a_half_written_identity_of_an_earlier_start_is_replaced() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("identity.key");
    write(&dir.path().join("identity.key.new"), b"healnode iden", 0o644);
    assert_eq!(load_or_create(&path, || [7; 32]).unwrap(), [7; 32]);
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
}
