//! Gathers what is known of the fixer: its program or model, the tests, git, the repository and the kernel's walls.
//!
//! Fetches nothing and asks no model. The Copilot CLI is asked for its version in a folder that is removed again, because it unpacks itself.
//! The node's own fixer is never set up from here: that would end what a running node has begun.

use std::fs::{self, DirBuilder};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::process;

use healnode_fixer::{CopilotConfig, CopilotError, CopilotProbe, WallsReport, is_readable_behind_walls, probe_copilot};
use rustix::fs::{Access, access};

use super::secret;
use crate::config::{Config, FixerKind};
use crate::doctor::fix::{CopilotTrouble, Facts, Fixer, Local, Place, Program};
use crate::fixer_setup::{self, FixerSetup};

/// Looks at the fixer, if fixes are to be looked for or somebody has chosen one.
pub(in crate::doctor) async fn fix(config: &Config) -> Option<Facts> {
    (config.forge.auto_heal || is_chosen(config)).then_some(())?;
    let walls = WallsReport::look();
    let fixer = fixer(config, walls).await;
    let local = match config.fix.fixer {
        FixerKind::Copilot | FixerKind::OpenAi | FixerKind::Command => Some(local(config, walls).await),
        FixerKind::CopilotCloud => None,
    };
    Some(Facts { auto_heal: config.forge.auto_heal, secrets: secrets(config), fixer, local })
}

/// Whether a fixer is set other than by default.
fn is_chosen(config: &Config) -> bool {
    let fix = &config.fix;
    fix.fixer != FixerKind::Copilot || fix.provider.is_some() || fix.copilot.binary.is_some() || fix.copilot.token_file.is_some()
}

/// The keys that the fixer needs, in the order in which they are taken.
fn secrets(config: &Config) -> Vec<secret::Facts> {
    let fix = &config.fix;
    let key = fix.provider.as_ref().map(|provider| provider.key_file.as_ref());
    match fix.fixer {
        FixerKind::Copilot | FixerKind::OpenAi if key.is_some() => secret("fix.provider.key_file", key.flatten()).into_iter().collect(),
        FixerKind::Copilot => secret("fix.copilot.token_file", fix.copilot.token_file.as_ref()).into_iter().collect(),
        FixerKind::OpenAi | FixerKind::Command | FixerKind::CopilotCloud => Vec::new(),
    }
}

async fn fixer(config: &Config, walls: WallsReport) -> Fixer {
    let fix = &config.fix;
    match fix.fixer {
        FixerKind::Copilot => Fixer::Copilot(match fixer_setup::copilot(fix, &config.data_dir) {
            Err(why) => Err(CopilotTrouble::NotSetUp(why)),
            Ok(copilot) => probe(copilot).await.map_err(CopilotTrouble::Program),
        }),
        FixerKind::OpenAi => Fixer::OpenAi(fix.provider.as_ref().map_or_else(
            || Err("fix.provider.url is not set".to_owned()),
            |provider| Ok(format!("{} at {}", provider.model, fixer_setup::open_provider(provider)?.host())),
        )),
        FixerKind::Command => Fixer::Command(program(&fix.command, config, walls)),
        FixerKind::CopilotCloud => Fixer::Cloud(config.forge.kind),
    }
}

/// Asks the Copilot CLI for its version. What it unpacks is thrown away.
async fn probe(copilot: CopilotConfig) -> Result<CopilotProbe, CopilotError> {
    let cache = std::env::temp_dir().join(format!("healnode-doctor-{}-{:016x}", process::id(), rand::random::<u64>()));
    DirBuilder::new().mode(0o700).create(&cache).map_err(|error| CopilotError::Cache(cache.clone(), error))?;
    let _folder = Passing(cache.clone());
    probe_copilot(&CopilotConfig { cache, ..copilot }).await
}

/// A folder that goes when it is dropped.
struct Passing(PathBuf);

impl Drop for Passing {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            tracing::debug!(folder = %self.0.display(), %error, "a folder stays behind");
        }
    }
}

async fn local(config: &Config, walls: WallsReport) -> Local {
    let fix = &config.fix;
    let has_git = on_path("git").is_some_and(|path| is_executable(&path));
    let repository = if has_git { Some(FixerSetup::new(config, config.redact.redactor.clone()).reach().await) } else { None };
    let named = |argv: &[String]| (!argv.is_empty()).then(|| program(argv, config, walls));
    Local { repository, walls, require_walls: fix.require_walls, test: named(&fix.test), reproduce: named(&fix.reproduce) }
}

/// Looks for the program of a command, as it would be found when it is started in the copy.
fn program(argv: &[String], config: &Config, walls: WallsReport) -> Program {
    let name = argv.first().cloned().unwrap_or_default();
    let path = if name.contains('/') { Some(PathBuf::from(&name)) } else { on_path(&name) };
    let place = match path {
        Some(path) if !path.is_absolute() => Place::Copy,
        Some(path) if !path.is_file() => Place::Nowhere,
        Some(path) if !is_executable(&path) => Place::NotExecutable(path),
        Some(path) if walls.files && !is_readable_behind_walls(&path, &config.fix.readable, &config.data_dir) => Place::BehindWalls(path),
        Some(path) => Place::Found(path),
        None => Place::Nowhere,
    };
    Program { name, place }
}

/// Returns where a program lies on the PATH: the first that can be executed, else the first of that name.
fn on_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let found: Vec<PathBuf> = std::env::split_paths(&path)
        .filter(|folder| folder.is_absolute())
        .map(|folder| folder.join(name))
        .filter(|path| path.is_file())
        .collect();
    found.iter().find(|path| is_executable(path)).or(found.first()).cloned()
}

fn is_executable(path: &Path) -> bool {
    access(path, Access::EXEC_OK).is_ok()
}
