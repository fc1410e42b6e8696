//! The driver: one loop that owns the core, bounded channels to the edges, and what people use a node by.
//!
//! No business rules live here. `driver` feeds the core and carries out its effects in order; `run` puts a node together and takes it
//! apart; `status` is the Unix socket; `rollback` runs the operator's command; `exec`, `watch`, `deliver` and `spool` are how errors get in; `demo` is three nodes at work; `doctor` looks for
//! what keeps a node from working. What is decided is decided in `healnode-core`.

mod branches;
mod clock;
pub mod config;
mod connections;
mod credentials;
mod deliver;
mod demo;
mod display_name;
pub mod doctor;
mod door;
mod driver;
mod event_log;
mod exec;
mod facts;
mod fixer_setup;
mod fixing;
mod forging;
mod ingest;
mod rollback;
mod run;
mod sessions;
mod simulate;
mod spool;
mod status;
mod watch;

pub use branches::{BRANCH_AGE_MIN, BranchesError, branches};
pub use deliver::{DeliverError, Delivered, report};
pub use demo::{DemoError, demo};
pub use exec::{ExecError, exec, lead_session};
pub use healnode_mesh::SwarmKey;
pub use healnode_report::{Admission, Fingerprint, RawError, Redactor, UnixMillis};
pub use run::{RunError, identity, new_swarm_key, run};
pub use simulate::{Drill, DrillFormatError, SimulateError, Simulated, simulate};
pub use status::client;
pub use watch::{Run, Source, WatchError, Watched, watch};

/// The version of the program.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
