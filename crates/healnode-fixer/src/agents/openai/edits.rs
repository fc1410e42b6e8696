//! Edits that a model asks for, as exact search and replace within a work copy.
//!
//! All of them apply, or none. A text that is looked for occurs once, so that nothing is changed by guess. No link is followed, and nothing of
//! git's or of the forge's is written. Whether the change may stay is decided elsewhere.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::agents::limits::{EDITED_FILE_BYTES_MAX, EDITS_MAX};
use crate::agents::place::{Place, is_link};

/// One edit.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Edit {
    path: String,
    /// What is replaced; nothing for a file that is made.
    old: String,
    new: String,
}

/// Why edits were not applied. Written for the model: it holds its own words.
#[derive(Debug, thiserror::Error)]
pub(super) enum EditProblem {
    /// It is not a list of edits.
    #[error("`edits` is a list of at most {EDITS_MAX} objects with the texts `path`, `old` and `new`")]
    Shape,
    /// It leads out of the repository, through a link, or to where a fix may not write.
    #[error("edit {0}: the path may not be written")]
    Path(usize),
    /// There is no such file.
    #[error("edit {0}: there is no such file; to make one, `old` is empty")]
    NoFile(usize),
    /// There is one already.
    #[error("edit {0}: the file exists already, so `old` may not be empty")]
    Exists(usize),
    /// It occurs never, or more than once.
    #[error("edit {0}: `old` occurs {1} times in the file, not once")]
    Occurrences(usize, usize),
    /// It is too large, or no text.
    #[error("edit {0}: the file is larger than {EDITED_FILE_BYTES_MAX} bytes, or no text")]
    NoText(usize),
    /// The disk refused. Some of the edits may be there.
    #[error("the files cannot be written: {0}")]
    Disk(#[from] io::Error),
}

impl Edit {
    /// Reads a list of them.
    pub(super) fn list(value: &Value) -> Result<Vec<Self>, EditProblem> {
        let list = value.as_array().filter(|list| list.len() <= EDITS_MAX).ok_or(EditProblem::Shape)?;
        list.iter().map(|value| Self::read(value).ok_or(EditProblem::Shape)).collect()
    }

    fn read(value: &Value) -> Option<Self> {
        let text = |name| value.get(name).and_then(Value::as_str).map(str::to_owned);
        Some(Self { path: text("path")?, old: text("old")?, new: text("new")? })
    }
}

/// Applies edits, one after the other.
pub(super) fn apply(work: &Path, edits: &[Edit]) -> Result<(), EditProblem> {
    let mut files: BTreeMap<PathBuf, String> = BTreeMap::new();
    for (number, edit) in (1..).zip(edits) {
        let place = Place::find(work, Path::new(&edit.path), is_link).filter(Place::is_writable).ok_or(EditProblem::Path(number))?;
        let path = work.join(place.as_path());
        let text = match files.remove(&path) {
            Some(text) => Some(text),
            None => read(&path, number)?,
        };
        files.insert(path, edited(text, edit, number)?);
    }
    for (path, text) in files {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(path, text)?;
    }
    Ok(())
}

fn edited(text: Option<String>, edit: &Edit, number: usize) -> Result<String, EditProblem> {
    let text = match (text, edit.old.is_empty()) {
        (None, true) => edit.new.clone(),
        (None, false) => return Err(EditProblem::NoFile(number)),
        (Some(_), true) => return Err(EditProblem::Exists(number)),
        (Some(text), false) => match text.matches(&edit.old).count() {
            1 => text.replacen(&edit.old, &edit.new, 1),
            count => return Err(EditProblem::Occurrences(number, count)),
        },
    };
    if text.len() <= EDITED_FILE_BYTES_MAX { Ok(text) } else { Err(EditProblem::NoText(number)) }
}

/// Reads a file; nothing where there is none.
fn read(path: &Path, number: usize) -> Result<Option<String>, EditProblem> {
    let metadata = match path.symlink_metadata() {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(_) => return Err(EditProblem::Path(number)),
    };
    if !metadata.is_file() {
        return Err(EditProblem::Path(number));
    }
    if metadata.len() > EDITED_FILE_BYTES_MAX as u64 {
        return Err(EditProblem::NoText(number));
    }
    String::from_utf8(fs::read(path)?).map(Some).map_err(|_| EditProblem::NoText(number))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const FILE: &str = "one\ntwo\ntwo\n";

    #[test]
    fn edits_apply_exactly_once_or_not_at_all() {
        let check = |edits: Value, expected: Result<&str, &str>| {
            let dir = tempfile::tempdir().unwrap();
            fs::write(dir.path().join("a"), FILE).unwrap();
            fs::write(dir.path().join("binary"), [0xff, 0xfe]).unwrap();
            let applied = Edit::list(&edits).and_then(|edits| apply(dir.path(), &edits)).map_err(|problem| problem.to_string());
            let left = fs::read_to_string(dir.path().join("a")).unwrap();
            match expected {
                Ok(expected) => assert_eq!((applied, &*left), (Ok(()), expected), "{edits}"),
                Err(expected) => {
                    assert!(applied.as_ref().is_err_and(|problem| problem.contains(expected)), "{edits}: {applied:?}");
                    assert_eq!(left, FILE, "{edits}");
                    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2, "{edits}");
                }
            }
        };
        let edit = |path: &str, old: &str, new: &str| json!({ "path": path, "old": old, "new": new });
        check(json!([]), Ok(FILE));
        check(json!([edit("a", "one", "1")]), Ok("1\ntwo\ntwo\n"));
        check(json!([edit("a", "one", "1"), edit("a", "1\ntwo", "2")]), Ok("2\ntwo\n"));
        check(json!([edit("a", "one", "1"), edit("a", "one", "2")]), Err("edit 2: `old` occurs 0 times"));
        check(json!([edit("a", "two", "2")]), Err("edit 1: `old` occurs 2 times"));
        check(json!([edit("new", "", "x"), edit("a", "three", "3")]), Err("edit 2: `old` occurs 0 times"));
        check(json!([edit("a", "", "all")]), Err("exists already"));
        check(json!([edit("missing", "x", "y")]), Err("no such file"));
        check(json!([edit("binary", "x", "y")]), Err("no text"));
        check(json!([edit("a", "one", &"x".repeat(EDITED_FILE_BYTES_MAX))]), Err("larger"));
        for path in ["../b", "/etc/passwd", ".git/hooks/pre-commit", ".github/workflows/ci.yml", "", ".", "a/below"] {
            check(json!([edit(path, "", "x")]), Err("may not be written"));
        }
        check(json!({}), Err("`edits` is a list"));
        check(json!([{ "path": "a", "old": "one" }]), Err("`edits` is a list"));
        check(json!(vec![edit("a", "one", "one"); EDITS_MAX + 1]), Err("`edits` is a list"));
    }

    #[test]
    fn a_file_is_made_with_its_folder() {
        let dir = tempfile::tempdir().unwrap();
        let edits = json!([{ "path": "tests/test_a.py", "old": "", "new": "pass\n" }]);
        apply(dir.path(), &Edit::list(&edits).unwrap()).unwrap();
        assert_eq!(fs::read_to_string(dir.path().join("tests/test_a.py")).unwrap(), "pass\n");
    }

    #[test]
    fn no_link_is_followed() {
        let (dir, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        fs::write(outside.path().join("b"), "one").unwrap();
        std::os::unix::fs::symlink(outside.path(), dir.path().join("folder")).unwrap();
        std::os::unix::fs::symlink(outside.path().join("b"), dir.path().join("file")).unwrap();
        for path in ["folder/b", "file", "folder/new"] {
            for old in ["one", ""] {
                let edits = json!([{ "path": path, "old": old, "new": "changed" }]);
                assert!(matches!(apply(dir.path(), &Edit::list(&edits).unwrap()), Err(EditProblem::Path(1))), "{path} {old}");
            }
        }
        assert_eq!(fs::read_to_string(outside.path().join("b")).unwrap(), "one");
        assert!(!outside.path().join("new").exists());
    }

    #[test]
    fn the_executable_bit_stays() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("run.sh");
        fs::write(&path, "one").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        apply(dir.path(), &Edit::list(&json!([{ "path": "run.sh", "old": "one", "new": "two" }])).unwrap()).unwrap();
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o755);
    }
}
