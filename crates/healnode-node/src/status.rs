//! The status socket: HTTP/1.1 with JSON over a Unix socket, for people and scripts on this machine.
//!
//! `server` answers, `client` asks, `metrics` writes the same facts for Prometheus, `loopback` hands them out over TCP where that is wanted.
//! Every answer is computed by the driver between two inputs, so it is never half of one state and half of the next.

pub mod client;
mod loopback;
mod metrics;
pub(crate) mod server;

use serde_json::{Value, json};

use crate::config::Config;
use crate::facts::Facts;
use healnode_core::StatusView;

/// What of the configuration is shown.
#[derive(Clone, Debug)]
pub(crate) struct About {
    app: String,
    issue: bool,
    pr: bool,
    heal: bool,
    forge: &'static str,
    repo: String,
}

impl About {
    pub(crate) fn of(config: &Config) -> Self {
        let forge = &config.forge;
        let folder = || forge.outbox.display().to_string();
        Self {
            app: config.app.clone(),
            issue: forge.auto_issue,
            pr: forge.auto_pr,
            heal: forge.auto_heal,
            forge: forge.kind.name(),
            repo: match forge.kind {
                crate::config::ForgeKind::Outbox => folder(),
                crate::config::ForgeKind::Github => forge.repo.as_ref().map(ToString::to_string).unwrap_or_default(),
            },
        }
    }

    /// Returns `status` as the contract has it.
    fn status(&self, view: StatusView, facts: &Facts) -> Value {
        let mut dropped = view.dropped;
        for (reason, count) in &facts.dropped {
            *dropped.entry((*reason).to_owned()).or_default() += count;
        }
        let state = if view.can_file { "ready".to_owned() } else { view.cannot_file_why };
        let lease = facts.lease.as_ref();
        let (lease, lease_why) = (lease.and_then(|lease| lease.kind), lease.map(|lease| lease.why.as_str()).unwrap_or_default());
        json!({
            "peer_id": view.peer_id,
            "version": crate::VERSION,
            "app": self.app,
            "uptime_s": facts.uptime.as_secs(),
            "listen": facts.listening,
            "peers": view.peers,
            "signatures": view.signatures,
            "occurrences": view.occurrences,
            "auto": { "issue": self.issue, "pr": self.pr, "heal": self.heal },
            "forge": { "kind": self.forge, "repo": self.repo, "state": state, "lease": lease, "lease_why": lease_why },
            "last_deploy": view.last_deploy,
            "dropped": dropped,
            "can_file": view.can_file,
            "filings": view.filings,
            "pull_requests": view.pull_outcomes,
            "fixes": view.fix_outcomes,
            "next_bundle": view.next_bundle.to_string(),
            "last_bundle": view.last_bundle.map(|at| at.to_string()),
            "by_severity": view.by_severity,
            "by_type": view.by_type,
            "other_types": view.other_types,
            "by_node": view.by_node,
            "issues": view.issues,
            "acknowledged": facts.acknowledged,
            "statements_published": view.statements_published,
            "disk": if facts.disk_problem.is_empty() { "ok" } else { &facts.disk_problem },
        })
    }
}
