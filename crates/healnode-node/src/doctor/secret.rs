//! Files that hold a secret: whether the node can read them, and whether others can.

use std::path::{Path, PathBuf};

use super::{Area, Finding};

/// A file that holds a secret, named by a setting.
pub(super) struct Facts {
    /// The setting.
    pub(super) key: &'static str,
    pub(super) path: PathBuf,
    /// Its permissions, or why it cannot be read.
    pub(super) mode: Result<u32, String>,
}

/// Permissions of everybody who is neither the file's owner nor of its group. A group may be meant: containers hand secrets over so.
const OTHERS: u32 = 0o007;

/// Returns nothing when all is well.
pub(super) fn judge(area: Area, facts: &Facts) -> Option<Finding> {
    let (key, path) = (facts.key, facts.path.display());
    match &facts.mode {
        Ok(mode) if mode & OTHERS != 0 => Some(Finding::warning(
            area,
            format!("Every user of this machine can reach the secret in {path} ({key}, mode {:03o}).", mode & 0o777),
            format!("Run: chmod 600 {}. If others use this machine, replace the secret as well.", quoted(&facts.path)),
        )),
        Ok(_) => None,
        Err(why) => Some(Finding::error(
            area,
            format!("{path}, which {key} names, cannot be read by this user: {why}."),
            format!("Correct {key}, or give the user that runs the node the right to read the file; run doctor as that user too."),
        )),
    }
}

/// Returns a path as a shell takes it.
pub(super) fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'.' | b'-' | b'_' | b'+' | b',' | b'=' | b'@' | b':');
    if text.bytes().all(is_plain) { text } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests {
    use super::super::Level::{Error, Warning};
    use super::super::finding::check;
    use super::*;

    fn judged(mode: Result<u32, String>) -> Vec<Finding> {
        judge(Area::Token, &Facts { key: "forge.token_file", path: PathBuf::from("/etc/token"), mode }).into_iter().collect()
    }

    #[test]
    fn a_secret_that_everybody_can_reach_is_a_warning_and_one_for_a_group_is_not() {
        check(&judged(Ok(0o100_600)), &[]);
        check(&judged(Ok(0o100_440)), &[]);
        check(&judged(Ok(0o100_644)), &[(Warning, "mode 644). Run: chmod 600 /etc/token.")]);
        check(&judged(Ok(0o100_602)), &[(Warning, "chmod")]);
        check(&judged(Err("permission denied".to_owned())), &[(Error, "forge.token_file")]);
    }

    #[test]
    fn a_path_can_be_pasted_into_a_shell() {
        assert_eq!(quoted(Path::new("/etc/healnode/a.key")), "/etc/healnode/a.key");
        assert_eq!(quoted(Path::new("/my files/it's $HOME")), r"'/my files/it'\''s $HOME'");
    }
}
