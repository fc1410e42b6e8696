//! What is wrong with a node's surroundings, and how to mend it.
//!
//! Each part of `doctor/` has the facts of one area and a pure function from them to findings; `look.rs` and `probe.rs` are the only ones
//! that ask the machine and the network. Works with a running node, which is asked through its socket, and without one. Changes nothing and
//! leaves nothing behind: no folder is made, no store opened, no label created, no issue touched. A configuration that cannot be read is the
//! caller's business.

mod clock;
mod filing;
mod finding;
mod fix;
mod github;
mod identity;
mod ingest;
mod lease;
mod look;
mod mesh;
mod probe;
mod proxy;
mod secret;
mod settings;
mod socket;
mod storage;

pub use finding::{Area, Diagnosis, Finding, Level};

use crate::config::{Config, ForgeKind};

/// Looks at everything that a node with this configuration depends on. Takes seconds, above all where nobody answers.
///
/// Must be called within a tokio runtime. Cancel-safe.
pub async fn examine(config: &Config) -> Diagnosis {
    let socket = look::socket(config).await;
    let node = socket.node();
    let identity = look::identity(config);
    let github = match config.forge.kind {
        ForgeKind::Github => look::github(config).await,
        ForgeKind::Outbox => None,
    };
    let storage = look::storage(config, node);
    let mesh = look::mesh(config, node, socket.is_nobody_there() && !storage.is_in_use()).await;
    let mut findings = settings::judge(&look::settings(config));
    findings.extend(identity::judge(&identity, node));
    findings.extend(storage::judge(&storage));
    findings.extend(socket::judge(&config.status.socket, &socket));
    findings.extend(mesh::judge(&mesh, node));
    findings.extend(filing::judge(&look::filing(config).await, node));
    if let Some(github) = &github {
        findings.extend(github::judge(github, node));
    }
    findings.extend(lease::judge(config, github.as_ref(), node));
    findings.extend(clock::judge(github.as_ref().and_then(github::Facts::clock_ahead_s)));
    findings.extend(proxy::judge(&look::proxies(), config, github.as_ref()));
    findings.extend(ingest::judge(&look::applications(), look::ingest_door(config, node)));
    if let Some(fix) = look::fix(config).await {
        findings.extend(fix::judge(&fix, github.as_ref().and_then(github::Facts::kind)));
    }
    Diagnosis { findings }
}
