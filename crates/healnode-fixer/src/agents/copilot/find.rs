//! Which Copilot CLI is used, and whether it runs.
//!
//! Looks where the operator says, and on the `PATH`. Installs nothing. Running it once lets it unpack itself where later rounds may only read.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::io::AsyncReadExt;
use tokio::process::Command;
use tokio::time::timeout;

use super::{CopilotAccount, CopilotConfig};
use crate::agents::limits::{PROBE_BYTES_MAX, PROBE_LIMIT};

/// The variable that names the program.
const BINARY_VARIABLE: &str = "HEALNODE_COPILOT_BIN";

/// What `--version` says before the version.
const VERSION_PREFIX: &str = "GitHub Copilot CLI ";

/// A Copilot CLI that runs.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Installed {
    /// The program, without links.
    pub(super) binary: PathBuf,
    /// What has to be readable for it to run.
    pub(super) needs: PathBuf,
    /// Its version.
    pub(super) version: String,
}

/// What is known of the Copilot CLI, for people.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CopilotProbe {
    /// The program.
    pub binary: PathBuf,
    /// Its version.
    pub version: String,
    /// Who answers its model calls, in words.
    pub account: String,
}

/// Why there is no Copilot CLI to be used. Each message says how to mend it.
#[derive(Debug, thiserror::Error)]
pub enum CopilotError {
    /// There is none on the `PATH`.
    #[error("there is no Copilot CLI: install it (npm install -g @github/copilot), or name it in {BINARY_VARIABLE}")]
    Missing,
    /// There is none where it is said to be.
    #[error("there is no Copilot CLI at {0}: correct the path")]
    NotThere(PathBuf),
    /// The folder for its cache cannot be made.
    #[error("the Copilot CLI cannot unpack itself into {0}: {1}")]
    Cache(PathBuf, #[source] std::io::Error),
    /// It does not start.
    #[error("{0} does not start: {1}")]
    Start(PathBuf, #[source] std::io::Error),
    /// It says no version.
    #[error("{0} does not say the version of a Copilot CLI: is it one, and does it run by hand?")]
    NoVersion(PathBuf),
}

/// Looks for the Copilot CLI and asks it for its version. The first time it unpacks itself, which takes a second and 235 MB.
///
/// # Errors
///
/// Each of [`CopilotError`].
pub async fn probe(config: &CopilotConfig) -> Result<CopilotProbe, CopilotError> {
    let installed = install(config).await?;
    let account = match &config.account {
        CopilotAccount::Provider(provider) => format!("a provider at {}", provider.host()),
        CopilotAccount::Login(_) => "GitHub, by a token".to_owned(),
    };
    Ok(CopilotProbe { binary: installed.binary, version: installed.version, account })
}

/// The same, for a round.
pub(super) async fn install(config: &CopilotConfig) -> Result<Installed, CopilotError> {
    let named = config.binary.clone().or_else(|| std::env::var_os(BINARY_VARIABLE).filter(|value| !value.is_empty()).map(PathBuf::from));
    let binary = native(find(named, std::env::var_os("PATH").as_deref())?);
    std::fs::create_dir_all(&config.cache).map_err(|error| CopilotError::Cache(config.cache.clone(), error))?;
    let said = version_text(&binary, &config.cache).await.map_err(|error| CopilotError::Start(binary.clone(), error))?;
    let version = version(&said).ok_or_else(|| CopilotError::NoVersion(binary.clone()))?;
    Ok(Installed { needs: needs(&binary), binary, version })
}

/// Returns the folder of npm's package, or the program alone: beside it anything may lie, as in a home.
fn needs(binary: &Path) -> PathBuf {
    let package = binary.ancestors().skip(1).find(|folder| folder.parent().is_some_and(|scope| scope.ends_with("node_modules/@github")));
    package.unwrap_or(binary).to_owned()
}

/// Finds the program. Returns its path without links.
fn find(named: Option<PathBuf>, path: Option<&OsStr>) -> Result<PathBuf, CopilotError> {
    if let Some(named) = named {
        return program(&named).ok_or(CopilotError::NotThere(named));
    }
    let folders = path.map(std::env::split_paths).into_iter().flatten().filter(|folder| folder.is_absolute());
    folders.map(|folder| folder.join("copilot")).find_map(|path| program(&path)).ok_or(CopilotError::Missing)
}

fn program(path: &Path) -> Option<PathBuf> {
    path.canonicalize().ok().filter(|path| path.is_file())
}

/// Returns the program that npm's loader starts, which needs no Node.js; the path itself when it is no such loader.
fn native(binary: PathBuf) -> PathBuf {
    let processor = if cfg!(target_arch = "aarch64") { "arm64" } else { "x64" };
    let system = if cfg!(target_os = "macos") { "darwin" } else { "linux" };
    let scope = binary.parent().filter(|folder| folder.ends_with("@github/copilot")).and_then(Path::parent);
    let beside = scope.and_then(|scope| program(&scope.join(format!("copilot-{system}-{processor}/copilot"))));
    beside.unwrap_or(binary)
}

async fn version_text(binary: &Path, cache: &Path) -> std::io::Result<String> {
    let mut command = Command::new(binary);
    command.arg("--version").current_dir(cache).env_clear();
    command.envs(std::env::var_os("PATH").map(|path| ("PATH", path)));
    command.env("HOME", cache).env("LANG", "C.UTF-8").env("COPILOT_PKG_CACHE_HOME", cache).env("COPILOT_AUTO_UPDATE", "false");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true);
    let mut child = command.spawn()?;
    let mut said = Vec::new();
    let talk = async {
        if let Some(output) = child.stdout.take() {
            output.take(PROBE_BYTES_MAX).read_to_end(&mut said).await?;
        }
        child.wait().await
    };
    let _ended = timeout(PROBE_LIMIT, talk).await.map_err(|_| std::io::ErrorKind::TimedOut)??;
    Ok(String::from_utf8_lossy(&said).into_owned())
}

fn version(said: &str) -> Option<String> {
    let version = said.lines().find_map(|line| line.strip_prefix(VERSION_PREFIX))?.trim().trim_end_matches('.');
    let is_version =
        (1..=32).contains(&version.len()) && version.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-+".contains(&byte));
    is_version.then(|| version.to_owned())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_version_is_read_from_what_the_cli_says() {
        assert_eq!(version("GitHub Copilot CLI 1.0.102.\nRun 'copilot update' to check for updates.\n").as_deref(), Some("1.0.102"));
        assert_eq!(version("warning\nGitHub Copilot CLI 2.0.0-1\n").as_deref(), Some("2.0.0-1"));
        for said in ["", "git version 2", "GitHub Copilot CLI \u{1b}[31m", "GitHub Copilot CLI ."] {
            assert_eq!(version(said), None, "{said}");
        }
    }

    #[test]
    fn a_named_program_comes_before_the_path_and_is_not_guessed() {
        let dir = tempfile::tempdir().unwrap();
        let dir = dir.path().canonicalize().unwrap();
        fs::write(dir.join("copilot"), "").unwrap();
        fs::write(dir.join("other"), "").unwrap();
        let path = Some(dir.as_os_str());
        assert_eq!(find(None, path).unwrap(), dir.join("copilot"));
        assert_eq!(find(Some(dir.join("other")), path).unwrap(), dir.join("other"));
        assert!(matches!(find(Some(dir.join("missing")), path), Err(CopilotError::NotThere(_))));
        assert!(matches!(find(None, Some(OsStr::new("/nowhere:relative"))), Err(CopilotError::Missing)));
        assert!(matches!(find(None, None), Err(CopilotError::Missing)));
    }

    #[test]
    fn the_loader_of_npm_is_passed_by() {
        let dir = tempfile::tempdir().unwrap();
        let scope = dir.path().canonicalize().unwrap().join("node_modules/@github");
        let loader = scope.join("copilot/npm-loader.js");
        fs::create_dir_all(loader.parent().unwrap()).unwrap();
        assert_eq!(native(loader.clone()), loader, "there is nothing else");
        let processor = if cfg!(target_arch = "aarch64") { "arm64" } else { "x64" };
        let program = scope.join(format!("copilot-linux-{processor}/copilot"));
        fs::create_dir_all(program.parent().unwrap()).unwrap();
        fs::write(&program, "").unwrap();
        assert_eq!(native(loader), program);
        assert_eq!(native("/usr/bin/copilot".into()), Path::new("/usr/bin/copilot"));
    }

    #[test]
    fn nothing_beside_a_single_program_becomes_readable() {
        assert_eq!(needs(Path::new("/home/me/copilot")), Path::new("/home/me/copilot"));
        assert_eq!(needs(Path::new("/x/@github/copilot/copilot")), Path::new("/x/@github/copilot/copilot"));
        let package = Path::new("/usr/lib/node_modules/@github/copilot");
        assert_eq!(needs(&package.join("npm-loader.js")), package);
    }

    #[tokio::test]
    async fn a_program_that_is_no_copilot_is_told_so() {
        let dir = tempfile::tempdir().unwrap();
        let provider = crate::agents::Provider::new("http://127.0.0.1:1", None, crate::agents::WireApi::Completions).unwrap();
        let config = |binary: &str| CopilotConfig {
            binary: Some(binary.into()),
            model: "m".into(),
            account: CopilotAccount::Provider(provider.clone()),
            cache: dir.path().join("cache"),
        };
        assert!(matches!(probe(&config("/bin/true")).await, Err(CopilotError::NoVersion(_))));
        assert!(matches!(probe(&config("/etc/passwd")).await, Err(CopilotError::Start(..))));
    }
}
