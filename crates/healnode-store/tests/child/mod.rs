//! A second process: the test binary itself, running one of its own tests, which finds out by [`role`] that it is the child.
#![allow(dead_code)]

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const FOLDER: &str = "HEALNODE_TEST_CHILD_FOLDER";

/// Returns the folder to work in, if this process is the child.
pub(crate) fn role() -> Option<PathBuf> {
    env::var_os(FOLDER).map(PathBuf::from)
}

/// Returns the command that runs `test` as a child on `folder`. `launcher` goes before it.
pub(crate) fn command(launcher: &[&str], test: &str, folder: &Path) -> Command {
    let exe = env::current_exe().unwrap();
    let mut command = match launcher {
        [] => Command::new(exe),
        [first, rest @ ..] => {
            let mut command = Command::new(first);
            command.args(rest).arg(exe);
            command
        }
    };
    command.args([test, "--exact", "--nocapture", "--test-threads=1"]);
    command.env(FOLDER, folder).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    command
}

/// Tells the parent something, on a line of its own.
#[allow(clippy::print_stdout)]
pub(crate) fn tell(word: &str, number: u64) {
    println!("{SIGN} {word} {number}");
}

/// What the child's own lines begin with; the test harness prints others.
const SIGN: &str = "child:";

/// Reads what [`tell`] wrote, if the line is whole and the child's own. The first comes after what the harness wrote without a line end.
pub(crate) fn heard(line: &str) -> Option<(&str, u64)> {
    let (_, said) = line.split_once(SIGN)?;
    let (word, number) = said.trim().split_once(' ')?;
    Some((word, number.parse().ok()?))
}
