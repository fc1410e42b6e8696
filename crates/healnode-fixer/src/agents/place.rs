//! Where a path that a model names lies: within the work copy, and whether a fix may write there.
//!
//! Looks at the path as it is written and at symbolic links on its way, and at nothing else. The last word has the difference that is left.

use std::path::{Component, Path, PathBuf};

/// Names that no part of a written path may have, in any case: git's own folder, and the forge's.
const GUARDED: [&str; 2] = [".git", ".github"];

/// A path within the work copy, relative to it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Place(PathBuf);

impl Place {
    /// Finds it from an absolute path, or from one relative to the work copy. `None` when it leads outside, by `..` or a link on its way.
    pub(super) fn find(work: &Path, path: &Path, is_link: impl Fn(&Path) -> bool) -> Option<Self> {
        let relative = if path.is_absolute() { path.strip_prefix(work).ok()? } else { path };
        let mut place = PathBuf::new();
        for component in relative.components() {
            match component {
                Component::Normal(name) => place.push(name),
                Component::CurDir => continue,
                Component::ParentDir | Component::RootDir | Component::Prefix(_) => return None,
            }
            if is_link(&work.join(&place)) {
                return None;
            }
        }
        Some(Self(place))
    }

    /// Whether a fix may write there: a file, and not one of git's or of the forge's.
    pub(super) fn is_writable(&self) -> bool {
        let is_guarded = |name: &str| GUARDED.iter().any(|guarded| guarded.eq_ignore_ascii_case(name));
        !self.0.as_os_str().is_empty() && self.0.iter().all(|part| part.to_str().is_some_and(|name| !is_guarded(name)))
    }

    /// The path relative to the work copy.
    pub(super) fn as_path(&self) -> &Path {
        &self.0
    }
}

/// Whether there is a symbolic link, or something of which that cannot be told.
pub(super) fn is_link(path: &Path) -> bool {
    match path.symlink_metadata() {
        Ok(metadata) => metadata.is_symlink(),
        Err(error) => error.kind() != std::io::ErrorKind::NotFound,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_lies_within_the_work_copy_or_nowhere() {
        let check = |path: &str, expected: Option<(&str, bool)>| {
            let place = Place::find(Path::new("/w/copy"), Path::new(path), |path| path.ends_with("link"));
            let found = place.as_ref().map(|place| (place.as_path().to_str().unwrap(), place.is_writable()));
            assert_eq!(found, expected, "{path}");
        };
        check("/w/copy/src/a.py", Some(("src/a.py", true)));
        check("src/./a.py", Some(("src/a.py", true)));
        check("/w/copy", Some(("", false)));
        check("/w/copy/.git/hooks/pre-commit", Some((".git/hooks/pre-commit", false)));
        check("sub/.GIT/config", Some(("sub/.GIT/config", false)));
        check(".github/workflows/ci.yml", Some((".github/workflows/ci.yml", false)));
        check(".gitignore", Some((".gitignore", true)));
        check("/w/copy/../secret", None);
        check("../secret", None);
        check("src/../../secret", None);
        check("src/../a.py", None);
        check("/w/copy-of-another/a.py", None);
        check("/etc/passwd", None);
        check("link", None);
        check("/w/copy/link/a.py", None);
    }

    #[test]
    fn a_link_is_seen_as_one() {
        let dir = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink("/nowhere", dir.path().join("link")).unwrap();
        std::fs::write(dir.path().join("file"), "").unwrap();
        assert!(is_link(&dir.path().join("link")));
        assert!(!is_link(&dir.path().join("file")));
        assert!(!is_link(&dir.path().join("missing")));
        assert!(is_link(&dir.path().join("file/below")));
    }
}
