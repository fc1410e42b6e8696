//! Puts a node together, and takes it apart again.
//!
//! Everything that can be wrong with the configuration, the disk or the network is found before the first error is counted. Each task has
//! an owner here; when one ends before its time, or panics, the node stops and says so.

use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use healnode_core::{Node, NodeId, Statement};
use healnode_mesh::{Identity, Mesh, MeshConfig, MeshError, SwarmKey, SwarmKeyError};
use healnode_store::identity::{IdentityError, load_or_create};
use healnode_store::{OpenError, Store};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tracing::{info, warn};

use crate::clock::{Clock, wall};
use crate::config::Config;
use crate::credentials;
use crate::display_name::{display_name, host_name};
use crate::door::Door;
use crate::driver::{Driver, Edges};
use crate::fixer_setup::FixerSetup;
use crate::ingest::{Ingest, IngestError};
use crate::status::About;
use crate::status::server::{Server, ServerError};
use crate::{event_log, fixing, forging, rollback, spool};

/// Commands that wait for the mesh. More are dropped and counted; anti-entropy repairs what that loses.
const MESH_COMMANDS_MAX: usize = 1_024;

/// Events that wait for the driver. The mesh drops and counts runs beyond, and holds everything else back.
const MESH_EVENTS_MAX: usize = 1_024;

/// Calls that wait for the forge. The core has one at a time under way.
const FORGE_CALLS_MAX: usize = 16;

/// Jobs that wait for the fixer. The core has one fix under way, and one that looks for what a pull request says.
const FIX_JOBS_MAX: usize = 4;

/// How long the tasks may take to end once the node stops. The longest is a call to the forge.
const STOP_PATIENCE: Duration = Duration::from_secs(5);

/// Why a node did not start, or did not go on.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The data directory cannot be used.
    #[error("the data directory {} cannot be made or entered", path.display())]
    DataDir {
        /// Which.
        path: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// The identity cannot be used.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// The store cannot be used.
    #[error(transparent)]
    Store(#[from] OpenError),
    /// The swarm key cannot be read.
    #[error("the swarm key {} cannot be used; `healnode swarm-key` prints a new one", path.display())]
    SwarmKey {
        /// Its file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: SwarmKeyProblem,
    },
    /// The mesh cannot be joined.
    #[error(transparent)]
    Mesh(#[from] MeshError),
    /// The HTTP door cannot be opened.
    #[error(transparent)]
    Ingest(#[from] IngestError),
    /// The status socket cannot be opened.
    #[error(transparent)]
    Status(#[from] ServerError),
    /// A part of the node ended before its time. Everything acknowledged is on disk; start the node again.
    #[error("the {task} ended before its time; everything acknowledged is on disk, start the node again")]
    TaskEnded {
        /// Which part.
        task: &'static str,
    },
}

/// Why a swarm key cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SwarmKeyProblem {
    /// The file cannot be read.
    #[error(transparent)]
    Unreadable(#[from] std::io::Error),
    /// It holds something else.
    #[error(transparent)]
    Malformed(#[from] SwarmKeyError),
}

/// Runs a node until `shutdown` is done.
///
/// # Errors
/// When it cannot start, or when a part of it fails. Errors of peers, of the forge and of a full disk do not end it.
pub async fn run(config: Config, shutdown: impl Future<Output = ()>) -> Result<(), RunError> {
    warn_of_an_open_network(&config);
    make_data_dir(&config.data_dir)?;
    let (store, snapshot) = Store::open(&config.data_dir.join("store"), wall())?;
    let identity = load_identity(&config.data_dir)?;
    let me = identity.node_id();
    let store = Arc::new(store);
    let server = Server::bind(&config.status).await?;
    let ingest = match config.ingest.http {
        Some(address) => Some(Ingest::bind(address, &config.ingest).await?),
        None => None,
    };
    let forge = forging::ForgeSetup::new(&config.forge, &config.fix.approval_label, me);
    let mesh_config = mesh_config(&config, &store)?;
    let known_peers = mesh_config.known_peers.clone();
    let mesh = Mesh::bind(&identity, mesh_config).await?;

    let clock = Clock::start();
    let mut policy = config.policy();
    policy.version = crate::VERSION.to_owned();
    let admission = Arc::new(credentials::admission(&config));
    let fixer = FixerSetup::new(&config, admission.redactor.clone());
    if let Some(why) = fixer.lacks().filter(|_| policy.auto_heal) {
        warn!(why, "no fixes are looked for");
        policy.auto_heal = false;
    }
    policy.name = display_name(&config.name, |name| std::env::var(name).ok(), &host_name());
    let node = Node::new(me, store.epoch(), policy, Box::new(Signer(identity)), snapshot, clock.now());
    let (door, inside) = Door::new(admission.clone(), config.app.clone());
    let (to_mesh, mesh_commands) = mpsc::channel(MESH_COMMANDS_MAX);
    let (mesh_sender, mesh_events) = mpsc::channel(MESH_EVENTS_MAX);
    let (to_forge, forge_calls) = mpsc::channel(FORGE_CALLS_MAX);
    let (forge_sender, forged) = mpsc::channel(FORGE_CALLS_MAX);
    let (to_rollback, rollbacks) = mpsc::channel(rollback::ROLLBACKS_MAX);
    let (rollback_sender, rolled_back) = mpsc::channel(rollback::ROLLBACKS_MAX);
    let (to_fixer, fix_jobs) = mpsc::channel(FIX_JOBS_MAX);
    let (fixing_sender, fixing) = mpsc::channel(FIX_JOBS_MAX);
    let events = event_log::event_stream();
    let edges = Edges {
        clock,
        admission,
        store,
        door: inside,
        mesh: to_mesh,
        mesh_events,
        forge: to_forge,
        forged,
        rollback: to_rollback,
        rolled_back,
        fixer: to_fixer,
        fixing,
        events: events.clone(),
    };
    let driver = Driver::new(node, edges, known_peers);
    let (stop, stopped) = oneshot::channel();

    info!(peer_id = %me, data_dir = %config.data_dir.display(), socket = %config.status.socket.display(), forge = config.forge.kind.name(), "node started");
    let mut tasks = JoinSet::new();
    tasks.spawn(named("mesh", mesh.run(mesh_commands, mesh_sender)));
    let counters = ingest.as_ref().map(Ingest::counters);
    tasks.spawn(named("status socket", server.run(door.clone(), events, About::of(&config), counters)));
    if let Some(ingest) = ingest {
        tasks.spawn(named("HTTP door", ingest.run(door.clone())));
    }
    tasks.spawn(named("rollback", rollback::run(config.rollback.clone(), rollbacks, rollback_sender)));
    tasks.spawn(named("spool", spool::take_in(config.data_dir.clone(), door)));
    tasks.spawn(named("fixer", fixing::run(fixer, fix_jobs, fixing_sender)));
    let mut forge_task = JoinSet::new();
    forge_task.spawn(forging::run(forge, forge_calls, forge_sender));
    let mut loop_task = JoinSet::new();
    loop_task.spawn(driver.run(stopped));

    let outcome = tokio::select! {
        () = shutdown => Ok(()),
        ended = tasks.join_next() => Err(RunError::TaskEnded { task: ended.and_then(Result::ok).unwrap_or("node") }),
        _ = forge_task.join_next() => Err(RunError::TaskEnded { task: "forge" }),
        _ = loop_task.join_next() => Err(RunError::TaskEnded { task: "driver" }),
    };
    drop(stop);
    info!("stopping");
    // The driver goes first: what it was told is durable then. The forge gets a moment to give its lease back. A call that takes longer is cut
    // off; the intent on disk makes the next start look before it creates.
    if !ends_within(STOP_PATIENCE, &mut loop_task).await {
        warn!("the driver did not stop in time");
    }
    if !ends_within(STOP_PATIENCE, &mut forge_task).await {
        info!("a call to the forge was cut off");
    }
    tasks.shutdown().await;
    outcome
}

async fn ends_within<T: 'static>(patience: Duration, tasks: &mut JoinSet<T>) -> bool {
    tokio::time::timeout(patience, async { while tasks.join_next().await.is_some() {} }).await.is_ok()
}

async fn named(name: &'static str, task: impl Future<Output = ()>) -> &'static str {
    task.await;
    name
}

/// Signs with the node's identity.
struct Signer(Identity);

impl healnode_core::Signer for Signer {
    fn sign(&self, statement: &Statement) -> healnode_core::Signature {
        self.0.sign(statement)
    }
}

fn warn_of_an_open_network(config: &Config) {
    if is_open_network(config) {
        warn!("whoever reaches the listening port can join: set mesh.swarm_key or mesh.allow");
    }
}

/// Returns whether whoever reaches the port, from another machine, can join.
pub(crate) fn is_open_network(config: &Config) -> bool {
    let is_open = config.mesh.swarm_key.is_none() && config.mesh.allow.is_empty();
    is_open && config.mesh.listen.iter().any(|address| !address.is_loopback())
}

fn make_data_dir(path: &Path) -> Result<(), RunError> {
    use std::os::unix::fs::DirBuilderExt as _;
    let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path);
    made.map_err(|source| RunError::DataDir { path: path.to_owned(), source })
}

pub(crate) fn identity_file(data_dir: &Path) -> PathBuf {
    data_dir.join("identity.key")
}

fn load_identity(data_dir: &Path) -> Result<Identity, RunError> {
    let seed = load_or_create(&identity_file(data_dir), rand::random)?;
    Ok(Identity::from_seed(seed))
}

/// Returns who the node of this data directory is, or nothing if it never ran.
///
/// # Errors
/// When there is an identity and it cannot be used.
pub fn identity(config: &Config) -> Result<Option<NodeId>, RunError> {
    let is_there = identity_file(&config.data_dir).try_exists();
    if !is_there.map_err(|source| RunError::DataDir { path: config.data_dir.clone(), source })? {
        return Ok(None);
    }
    load_identity(&config.data_dir).map(|identity| Some(identity.node_id()))
}

/// Makes the key of a new private network.
pub fn new_swarm_key() -> SwarmKey {
    SwarmKey::generate(rand::random())
}

fn mesh_config(config: &Config, store: &Store) -> Result<MeshConfig, RunError> {
    let swarm_key = config.mesh.swarm_key.as_deref().map(read_swarm_key).transpose()?;
    if let Some(key) = &swarm_key {
        info!(fingerprint = key.fingerprint(), "private network");
    }
    let known_peers = store.peers().unwrap_or_else(|problem| {
        warn!(%problem, "addresses of earlier peers could not be read");
        Vec::new()
    });
    Ok(MeshConfig {
        listen: config.mesh.listen.clone(),
        bootstrap: config.mesh.bootstrap.clone(),
        swarm_key,
        allow: config.mesh.allow.clone(),
        mdns: config.mesh.mdns,
        known_peers,
    })
}

fn read_swarm_key(path: &Path) -> Result<SwarmKey, RunError> {
    parse_swarm_key(path).map_err(|source| RunError::SwarmKey { path: path.to_owned(), source })
}

pub(crate) fn parse_swarm_key(path: &Path) -> Result<SwarmKey, SwarmKeyProblem> {
    Ok(std::fs::read_to_string(path)?.parse()?)
}
