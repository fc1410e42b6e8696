//! Gathers the facts: from files, the socket, the bootstrap addresses, the forge and the environment.
//!
//! Only looks. What does not exist is not made, what is in use is not opened, and nobody is waited for longer than seconds.

mod fixer;

use std::fs;
use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use futures::future::join_all;
use healnode_core::ForgeHealth;
use healnode_mesh::{BootstrapAddress, ListenAddress};
use healnode_store::identity::IdentityError;
use rustix::fs::{Access, access, statvfs};
use serde_json::Value;
use tokio::time::timeout;

pub(super) use self::fixer::fix;
use super::filing::{self, Outbox, OutboxState};
use super::mesh::{self, Bootstrap, Network};
use super::probe::{Outcome, Target, knock};
use super::socket::{self, RunningNode};
use super::storage::{self, Folder};
use super::{github, identity, ingest, proxy, secret, settings};
use crate::client::{Client, ClientError};
use crate::config::{Config, ForgeKind};
use crate::forging::ForgeSetup;
use crate::run::{self, RunError};
use crate::spool;

/// How long a node may take to answer a question. It answers within milliseconds, or hangs.
const NODE_PATIENCE: Duration = Duration::from_secs(5);

/// Bootstrap addresses that are knocked at; further ones are not tried. One that answers is enough to join.
const KNOCKS_MAX: usize = 16;

/// The file by whose lock nodes take turns in an outbox. It is there once one has.
const OUTBOX_LOCK: &str = ".lock";

pub(super) fn settings(config: &Config) -> settings::Facts {
    settings::Facts { origins: config.origins() }
}

/// Finds out who answers on the socket, and asks a node how it is.
pub(super) async fn socket(config: &Config) -> socket::Facts {
    let path = &config.status.socket;
    match fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => return socket::Facts::Forbidden,
        Err(_) => return socket::Facts::Absent,
        Ok(found) if !found.file_type().is_socket() => return socket::Facts::OtherFile,
        Ok(_) => {}
    }
    let client = Client::new(path);
    let status = match timeout(NODE_PATIENCE, client.get("/v1/status")).await {
        Ok(Ok(status)) if status["peer_id"].is_string() => status,
        Ok(Ok(_)) => return socket::Facts::Strange("what it answers is not what a node says".to_owned()),
        Ok(Err(ClientError::NoNode { .. })) => return socket::Facts::Stale,
        Ok(Err(ClientError::Forbidden { .. })) => return socket::Facts::Forbidden,
        Ok(Err(ClientError::Refused { message, .. })) => return socket::Facts::Strange(format!("it answers with an error: {message}")),
        Ok(Err(ClientError::Broken { .. })) => return socket::Facts::Strange("it gives no proper answer".to_owned()),
        Err(_elapsed) => return socket::Facts::Strange(format!("it gave no answer within {} s", NODE_PATIENCE.as_secs())),
    };
    let peers = timeout(NODE_PATIENCE, client.get("/v1/peers")).await.ok().and_then(Result::ok).unwrap_or(Value::Null);
    socket::Facts::Node(Box::new(RunningNode::of_answers(&status, &peers)))
}

pub(super) fn identity(config: &Config) -> identity::Facts {
    let key = match run::identity(config) {
        Ok(Some(id)) => identity::Key::Sound(id),
        Ok(None) => identity::Key::Absent,
        Err(RunError::Identity(IdentityError::TooOpen { mode, .. })) => identity::Key::TooOpen(mode),
        Err(RunError::Identity(IdentityError::Malformed { .. })) => identity::Key::Malformed,
        Err(RunError::Identity(IdentityError::Io { source, .. }) | RunError::DataDir { source, .. }) => {
            identity::Key::Unreadable(source.to_string())
        }
        Err(other) => identity::Key::Unreadable(other.to_string()),
    };
    identity::Facts { path: run::identity_file(&config.data_dir), key }
}

pub(super) fn storage(config: &Config, node: Option<&RunningNode>) -> storage::Facts {
    let dir = config.data_dir.clone();
    let store = node.is_none().then(|| healnode_store::look(&dir.join("store")).map_err(|error| error.to_string()));
    let free_bytes = statvfs(existing(&dir)).ok().map(|disk| disk.f_bavail.saturating_mul(disk.f_frsize));
    let waiting = if node.is_none() { spool::count(&dir) } else { 0 };
    let disk_problem = node.filter(|node| !matches!(node.disk.as_str(), "" | "ok")).map(|node| node.disk.clone());
    storage::Facts { folder: folder(&dir), dir, store, waiting, free_bytes, disk_problem }
}

fn folder(dir: &Path) -> Folder {
    match fs::metadata(dir) {
        Ok(found) if !found.is_dir() => Folder::SomethingElse,
        Ok(found) if is_writable(dir) => Folder::Usable(found.permissions().mode()),
        Ok(_) => Folder::Forbidden,
        Err(_) => {
            let parent = existing(dir);
            if is_writable(parent) { Folder::ToBeMade } else { Folder::BelowForbidden(parent.to_owned()) }
        }
    }
}

/// Returns the nearest folder above that exists, or the path itself if it does.
fn existing(path: &Path) -> &Path {
    path.ancestors().find(|path| path.exists()).unwrap_or(Path::new("/"))
}

fn is_writable(dir: &Path) -> bool {
    access(dir, Access::WRITE_OK | Access::EXEC_OK).is_ok()
}

/// Returns a secret's file and its permissions, if a setting names one.
fn secret(key: &'static str, path: Option<&PathBuf>) -> Option<secret::Facts> {
    let path = path?.clone();
    let readable = access(&path, Access::READ_OK).map_err(io::Error::from);
    let mode = readable.and_then(|()| fs::metadata(&path)).map(|found| found.permissions().mode());
    Some(secret::Facts { key, path, mode: mode.map_err(|error| error.to_string()) })
}

/// Knocks at the bootstrap addresses; and, when no node can be there, tries whether one could listen.
pub(super) async fn mesh(config: &Config, node: Option<&RunningNode>, is_nobody_there: bool) -> mesh::Facts {
    let listen = &config.mesh.listen;
    let own = node.map(|node| node.listen.as_slice()).unwrap_or_default();
    let knocks = config.mesh.bootstrap.iter().take(KNOCKS_MAX).map(|address| bootstrap(address, own));
    mesh::Facts {
        network: network(config),
        secret: secret("mesh.swarm_key", config.mesh.swarm_key.as_ref()),
        listen: listen.iter().map(ToString::to_string).collect(),
        listens_on_loopback_only: !listen.is_empty() && listen.iter().all(ListenAddress::is_loopback),
        bootstrap: join_all(knocks).await,
        refused_listens: if is_nobody_there { listen.iter().filter_map(refused).collect() } else { Vec::new() },
        presence_s: config.mesh.presence_timeout.as_secs(),
    }
}

/// Returns an address that cannot be listened on, and why. Those for which the system chooses a port, and QUIC, are not tried.
fn refused(address: &ListenAddress) -> Option<(String, String)> {
    let address = address.to_string();
    let target = Target::of_address(&address).filter(|target| target.port != 0)?;
    let problem = TcpListener::bind((target.host.as_str(), target.port)).err()?;
    Some((address, problem.to_string()))
}

fn network(config: &Config) -> Network {
    let Some(path) = &config.mesh.swarm_key else {
        return if run::is_open_network(config) { Network::Open } else { Network::Guarded };
    };
    match run::parse_swarm_key(path) {
        Ok(key) => Network::Private(key.fingerprint()),
        Err(problem) => Network::Broken { path: path.clone(), why: problem.to_string() },
    }
}

/// Knocks at an address, unless it is one of this node's own.
async fn bootstrap(address: &BootstrapAddress, own: &[String]) -> Bootstrap {
    let address = address.to_string();
    let place = address.split("/p2p/").next().unwrap_or_default();
    let target = Target::of_address(&address);
    let is_loopback = target.as_ref().is_some_and(|target| is_loopback(&target.host));
    let outcome = match &target {
        _ if own.iter().any(|own| own.split("/p2p/").next() == Some(place)) => Outcome::Itself,
        None => Outcome::NotTried,
        Some(target) => knock(target).await,
    };
    Bootstrap { address, is_loopback, outcome }
}

fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

pub(super) async fn filing(config: &Config) -> filing::Facts {
    let forge = &config.forge;
    let (place, outbox) = match forge.kind {
        ForgeKind::Github => (forge.repo.as_ref().map(ToString::to_string).unwrap_or_default(), None),
        ForgeKind::Outbox => (forge.outbox.display().to_string(), Some(outbox(config).await)),
    };
    filing::Facts { kind: forge.kind, auto_issue: forge.auto_issue, place, outbox }
}

async fn outbox(config: &Config) -> Outbox {
    let dir = config.forge.outbox.clone();
    let state = match folder(&dir) {
        Folder::ToBeMade => OutboxState::ToBeMade,
        Folder::BelowForbidden(parent) => OutboxState::Blocked(format!(
            "The folder for issues, {}, is not there, and this user may not make it in {}",
            dir.display(),
            parent.display()
        )),
        Folder::Forbidden => OutboxState::Blocked(format!("This user may not write to the folder for issues, {}", dir.display())),
        Folder::SomethingElse => OutboxState::Blocked(format!("{} is to be the folder for issues, and is no folder", dir.display())),
        Folder::Usable(_) if dir.join(OUTBOX_LOCK).exists() => try_writing(config).await,
        Folder::Usable(_) => OutboxState::Ready,
    };
    Outbox { dir, state }
}

/// Writes a file and removes it, in a folder that has been in use: in another one, the lock's file would stay behind.
async fn try_writing(config: &Config) -> OutboxState {
    let health = match ForgeSetup::to_look(&config.forge).open().await {
        Ok(mut forge) => forge.check().await,
        Err(why) => ForgeHealth::Blocked { why },
    };
    match health {
        ForgeHealth::Ready => OutboxState::Ready,
        ForgeHealth::Blocked { why } => OutboxState::Blocked(why),
    }
}

/// Looks at GitHub, as the credential that a node would find from here.
pub(super) async fn github(config: &Config) -> Option<github::Facts> {
    let forge = &config.forge;
    let token = secret("forge.token_file", forge.token_file.as_ref());
    let seen = match &forge.repo {
        None => None,
        Some(repo) => {
            let setup = ForgeSetup::to_look(forge);
            Some(match setup.credential().await {
                Err(why) => github::Seen::NoCredential(why),
                Ok((credential, source)) => {
                    let kind = credential.kind();
                    match setup.open_github(repo.clone(), credential) {
                        Err(why) => github::Seen::NoCredential(why),
                        Ok(mut forge) => {
                            let inspection = Box::new(forge.inspect().await?);
                            github::Seen::Inspected { source, kind, inspection }
                        }
                    }
                }
            })
        }
    };
    Some(github::Facts {
        auto_issue: forge.auto_issue,
        auto_pr: forge.auto_pr,
        api_url: forge.api_url.clone(),
        secret: token.or_else(|| secret("forge.app.key_file", forge.app.as_ref().map(|app| &app.key_file))),
        seen,
    })
}

/// Returns a variable of this process's environment, unless it is empty.
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

pub(super) fn proxies() -> proxy::Facts {
    proxy::Facts { proxies: proxy::PROXY_VARIABLES.into_iter().filter(|name| variable(name).is_some()).collect() }
}

pub(super) fn applications() -> ingest::Facts {
    ingest::Facts {
        targets: ingest::TARGET_VARIABLES.into_iter().filter_map(|name| Some((name, variable(name)?))).collect(),
        proxies: ingest::PROXY_VARIABLES.into_iter().filter(|name| variable(name).is_some()).collect(),
        exceptions: ingest::EXCEPTION_VARIABLES.into_iter().filter_map(variable).collect(),
    }
}

/// Returns where applications deliver: as the running node says, else as the configuration does.
pub(super) fn ingest_door(config: &Config, node: Option<&RunningNode>) -> Option<SocketAddr> {
    node.map_or(config.ingest.http, |node| node.ingest)
}
