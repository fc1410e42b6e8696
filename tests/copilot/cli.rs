//! The real Copilot CLI for tests, offline: npm installs once what `package.json` beside this file pins.
//!
//! Included with `#[path]` by every test that needs it. Without npm a test says that it is skipped, or fails when `HEALNODE_TESTS_REQUIRE_NPM`
//! is 1. The CLI is never logged in: a scripted model answers it, see `crates/healnode-fixer/tests/model/mod.rs`.
#![allow(
    dead_code,
    clippy::unwrap_used,
    reason = "each of the tests that include this file uses a part of it, and ends at what it did not expect"
)]

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

/// An installed CLI.
pub(crate) struct Cli {
    /// The program.
    pub(crate) binary: PathBuf,
    /// Where it unpacks itself, once for all tests.
    pub(crate) cache: PathBuf,
}

/// Installs it, once; others wait meanwhile. `None` when npm is missing; then a line on standard error says so.
pub(crate) fn cli() -> Option<Cli> {
    match install() {
        Ok(cli) => Some(cli),
        Err(reason) => {
            assert_ne!(std::env::var("HEALNODE_TESTS_REQUIRE_NPM").as_deref(), Ok("1"), "needs npm: {reason}");
            writeln!(io::stderr(), "skipped: needs npm ({reason})").expect("standard error can be written");
            None
        }
    }
}

fn install() -> Result<Cli, String> {
    let dir = dir();
    let (_lock, wanted) = lock(&dir.join("package-lock.json"));
    let installed = dir.join("node_modules/.installed");
    if fs::read(&installed).ok().as_ref() != Some(&wanted) {
        let output = Command::new("npm").arg("ci").current_dir(&dir).output().map_err(|error| format!("npm cannot be run: {error}"))?;
        if !output.status.success() {
            return Err(format!("npm ci failed: {}", String::from_utf8_lossy(&output.stderr).trim()));
        }
        fs::write(installed, wanted).map_err(|error| format!("node_modules cannot be written to: {error}"))?;
    }
    let processor = if cfg!(target_arch = "aarch64") { "arm64" } else { "x64" };
    let binary = dir.join(format!("node_modules/@github/copilot-linux-{processor}/copilot"));
    Ok(Cli { binary, cache: dir.join("node_modules/.unpacked") })
}

/// Waits for the lock on a file, which lasts as long as the handle. Returns the content too.
fn lock(path: &Path) -> (File, Vec<u8>) {
    let mut file = File::open(path).unwrap();
    file.lock().unwrap();
    let mut content = Vec::new();
    file.read_to_end(&mut content).unwrap();
    (file, content)
}

/// The folder of this file, from any of the packages that include it.
fn dir() -> PathBuf {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package.ancestors().map(|dir| dir.join("tests/copilot")).find(|dir| dir.join("package.json").is_file()).unwrap()
}
