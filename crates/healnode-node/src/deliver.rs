//! Hands one report to the node of this machine, or leaves it in the spool for the next one.

use std::time::Duration;

use healnode_core::Report;
use healnode_report::{Admission, RawError, System};
use serde::Serialize;
use serde_json::Value;

use crate::client::{Client, ClientError};
use crate::clock::wall;
use crate::config::Config;
use crate::credentials;
use crate::spool::{self, SpoolError};

/// How long a node may take to answer. Then the report goes into the spool; its event id keeps it from counting twice.
pub(crate) const PATIENCE: Duration = Duration::from_secs(5);

/// What became of a report.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Delivered {
    /// What it was counted as, in 64 hexadecimal digits.
    pub fingerprint: String,
    /// The id of this occurrence.
    pub event_id: String,
    /// Whether any part was cut to its bound.
    pub clipped: bool,
    /// Whether it waits in the spool, because no node answered.
    pub spooled: bool,
    /// The number of the node's rule that left it out, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ignored_by_rule: Option<u64>,
}

/// Why a report was not delivered. Nothing was kept of it.
#[derive(Debug, thiserror::Error)]
pub enum DeliverError {
    /// The node refused it for good.
    #[error(transparent)]
    Refused(ClientError),
    /// No node answered, and the spool does not take it.
    #[error("no node answered, and the report could not be kept for later")]
    Spool(#[from] SpoolError),
}

/// Redacts a report and delivers it. Returns once it is durable, at the node or in the spool.
///
/// # Errors
/// When neither takes it.
pub async fn report(config: &Config, raw: RawError) -> Result<Delivered, DeliverError> {
    report_within(config, raw, PATIENCE).await
}

/// Redacts a report and delivers it to a node that answers within `patience`, else to the spool.
pub(crate) async fn report_within(config: &Config, raw: RawError, patience: Duration) -> Result<Delivered, DeliverError> {
    let report = admit(config, &credentials::admission(config), raw);
    deliver(config, &report, patience).await
}

/// Redacts a report, and says where and when it happened unless it knows.
pub(crate) fn admit(config: &Config, admission: &Admission, mut raw: RawError) -> Report {
    raw.event_id.get_or_insert_with(new_event_id);
    if raw.system.is_none() {
        raw.system = Some(this_system());
    }
    if raw.app.is_none() && !config.app.is_empty() {
        raw.app = Some(config.app.clone());
    }
    raw.at.get_or_insert_with(wall);
    admission.readmit(raw, wall())
}

/// Delivers a report, to the spool when the node takes longer than `patience`. It counts once, however often it is delivered.
pub(crate) async fn deliver(config: &Config, report: &Report, patience: Duration) -> Result<Delivered, DeliverError> {
    let answer = hand_over(config, report, patience).await?;
    if answer.is_none() {
        spool::put(&config.data_dir, report)?;
    }
    let text = |name: &str| answer.as_ref().and_then(|answer| answer[name].as_str()).map(str::to_owned);
    Ok(Delivered {
        fingerprint: text("fingerprint").unwrap_or_else(|| report.fingerprint().to_string()),
        event_id: report.event_id().unwrap_or_default().to_owned(),
        clipped: report.clipped(),
        spooled: answer.is_none(),
        ignored_by_rule: answer.as_ref().and_then(|answer| answer["ignored_by_rule"].as_u64()),
    })
}

/// Returns the node's answer; nothing when none answered in time, or none can keep the report now.
async fn hand_over(config: &Config, report: &Report, patience: Duration) -> Result<Option<Value>, DeliverError> {
    let body = serde_json::to_value(report).unwrap_or_default();
    let client = Client::new(&config.status.socket);
    match tokio::time::timeout(patience, client.post("/v1/report", &body)).await {
        Ok(Ok(answer)) => Ok(Some(answer)),
        Ok(Err(error @ ClientError::Refused { .. })) if !error.is_temporary() => Err(DeliverError::Refused(error)),
        Ok(Err(ClientError::Refused { .. } | ClientError::NoNode { .. } | ClientError::Forbidden { .. } | ClientError::Broken { .. }))
        | Err(_) => Ok(None),
    }
}

/// Returns 32 random hexadecimal digits.
pub(crate) fn new_event_id() -> String {
    format!("{:032x}", rand::random::<u128>())
}

fn this_system() -> System {
    System {
        os: os_name(),
        arch: std::env::consts::ARCH.to_owned(),
        host: crate::display_name::host_name(),
        runtime: String::new(),
        cwd: std::env::current_dir().map(|dir| dir.display().to_string()).unwrap_or_default(),
    }
}

/// Returns what `/etc/os-release` calls this system, or its family.
fn os_name() -> String {
    let release = std::fs::read_to_string("/etc/os-release").unwrap_or_default();
    let name = release.lines().find_map(|line| line.strip_prefix("PRETTY_NAME="));
    name.map_or_else(|| std::env::consts::OS.to_owned(), |name| name.trim_matches('"').to_owned())
}
