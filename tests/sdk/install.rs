//! Installs SDKs from PyPI and npm below the build's folder, once for all tests; says so where that cannot be done.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// SDKs of Python, each at the release that is tried.
const PACKAGES: [&str; 3] = ["sentry-sdk==2.75.0", "opentelemetry-sdk==1.43.0", "opentelemetry-exporter-otlp-proto-http==1.43.0"];

/// Returns a Python that has the SDKs; nothing when they cannot be had.
pub(crate) fn python() -> Option<&'static PathBuf> {
    static PYTHON: OnceLock<Option<PathBuf>> = OnceLock::new();
    or_skip(PYTHON.get_or_init(|| installed("sdk-python", &PACKAGES.join("\n"), install_python)), "HEALNODE_TESTS_REQUIRE_PIP", "PyPI")
}

/// Returns the folder of modules that has the SDK of Node; nothing when it cannot be had.
pub(crate) fn node_modules() -> Option<&'static PathBuf> {
    static MODULES: OnceLock<Option<PathBuf>> = OnceLock::new();
    let lock = include_str!("package-lock.json");
    or_skip(MODULES.get_or_init(|| installed("sdk-node", lock, install_node)), "HEALNODE_TESTS_REQUIRE_NPM", "npm")
}

fn or_skip(found: &'static Option<PathBuf>, required_by: &str, registry: &str) -> Option<&'static PathBuf> {
    if found.is_none() {
        assert!(std::env::var_os(required_by).is_none(), "the SDKs of {registry} cannot be installed");
        eprintln!("skipped: the SDKs of {registry} cannot be installed here");
    }
    found.as_ref()
}

/// Installs into a folder, unless exactly `wanted` is there already. Returns what is used of it.
fn installed(name: &str, wanted: &str, install: impl FnOnce(&Path) -> Option<()>) -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let (used, mark) = (folder.join(if name == "sdk-node" { "node_modules" } else { "bin/python" }), folder.join(".installed"));
    if used.exists() && fs::read_to_string(&mark).is_ok_and(|installed| installed == wanted) {
        return Some(used);
    }
    install(&folder)?;
    fs::write(mark, wanted).ok()?;
    Some(used)
}

fn install_python(folder: &Path) -> Option<()> {
    succeeds(Command::new("python3").args(["-m", "venv", "--clear"]).arg(folder))?;
    succeeds(Command::new(folder.join("bin/python")).args(["-m", "pip", "install", "-q"]).args(PACKAGES))
}

fn install_node(folder: &Path) -> Option<()> {
    fs::create_dir_all(folder).ok()?;
    fs::write(folder.join("package.json"), include_str!("package.json")).ok()?;
    fs::write(folder.join("package-lock.json"), include_str!("package-lock.json")).ok()?;
    succeeds(Command::new("npm").args(["ci", "--no-audit", "--no-fund"]).current_dir(folder))
}

fn succeeds(command: &mut Command) -> Option<()> {
    command.output().ok()?.status.success().then_some(())
}
