//! The edge that looks for a fix: in a fresh copy of the repository, behind walls, judged by what it leaves.
//!
//! It carries out one [`FixJob`](healnode_core::FixJob) at a time, stage by stage. Whether one is looked for, and what becomes of what was
//! found, is decided in `healnode-core`; what is published goes through the forge. It never pushes, never merges, never runs a git command
//! that reads configuration or hooks of the work copy, and never takes a fixer's word for anything: only the difference between the copy
//! before and after counts.

mod agent;
mod agents;
mod config;
mod context;
mod failing;
mod git;
mod limits;
mod owners;
mod pipeline;
mod policy;
mod prompt;
mod repository;
mod trial;
mod walls;
mod work;

pub use agents::{
    CopilotAccount, CopilotConfig, CopilotError, CopilotProbe, InvalidProvider, OpenAiConfig, Provider, ProviderKey, WireApi, probe_copilot,
};
pub use config::{CommandFixer, FixerConfig, FixerKind, RepositoryToken};
pub use pipeline::Fixer;
pub use repository::{RepositoryError, reach};
pub use walls::{WallsReport, is_readable_behind_walls, sweep_orphans};
