//! What the log, the metrics and the event stream hear of an event. Codes, ids and numbers only, and in a dry run titles, because it was
//! started to see them; otherwise error text is somebody's data.

use healnode_core::Event;
use tokio::sync::broadcast;
use tracing::{debug, info, warn};

/// Events that a slow reader of the stream may lag behind before it misses some.
const EVENTS_KEPT: usize = 256;

/// The event stream's sending half.
pub(crate) fn event_stream() -> broadcast::Sender<Event> {
    broadcast::Sender::new(EVENTS_KEPT)
}

/// Writes an event to the log and to whoever listens.
pub(crate) fn emit(event: Event, stream: &broadcast::Sender<Event>) {
    log(&event);
    if stream.receiver_count() > 0 {
        drop(stream.send(event));
    }
}

fn log(event: &Event) {
    match event {
        Event::Appeared { fingerprint, severity } => info!(fingerprint = %fingerprint.short(), %severity, "new error"),
        Event::Due { fingerprint, occurrences, rank } => info!(fingerprint = %fingerprint.short(), occurrences, ?rank, "error is due"),
        Event::Deployed { app, release } => info!(app, release, "deployed"),
        Event::RollbackAsked { fingerprint, app, release } => {
            warn!(fingerprint = %fingerprint.short(), app, release, "a critical error came after a deploy; rollback asked for");
        }
        Event::RolledBack { fingerprint, release, outcome } => {
            warn!(fingerprint = %fingerprint.short(), release, %outcome, "rollback");
        }
        Event::WouldFile { fingerprint, title } => info!(fingerprint = %fingerprint.short(), ?title, "dry run: this would be filed"),
        Event::Claimed { fingerprint } => info!(fingerprint = %fingerprint.short(), "filing"),
        Event::Filed { fingerprint, issue, by, adopted } => info!(fingerprint = %fingerprint.short(), %issue, %by, adopted, "issue filed"),
        Event::FilingDelayed { fingerprint, why } => warn!(fingerprint = %fingerprint.short(), why, "filing put off"),
        Event::Pull { fingerprint, issue, pull: Some(pull), state } => {
            info!(fingerprint = %fingerprint.short(), %issue, %pull, state, "pull request");
        }
        Event::Pull { fingerprint, issue, pull: None, state } => {
            info!(fingerprint = %fingerprint.short(), %issue, state, "no draft pull requests here; a comment says where to look");
        }
        Event::PullDelayed { fingerprint, why } => warn!(fingerprint = %fingerprint.short(), why, "pull request put off"),
        Event::FixBegan { fingerprint } => info!(fingerprint = %fingerprint.short(), "looking for a fix"),
        Event::FixEnded { fingerprint, stage, passed, published } => {
            info!(fingerprint = %fingerprint.short(), %stage, passed, published, "fix ended");
        }
        Event::FixVerified { fingerprint, issue } => info!(fingerprint = %fingerprint.short(), %issue, "fix holds"),
        Event::DuplicateClosed { issue, of } => info!(%issue, %of, "duplicate issue closed"),
        Event::ClonedIdentity { origin } => {
            warn!(%origin, "two nodes use this identity; give one of them an empty data directory");
        }
        Event::CanFile { can_file: true, .. } => info!("can file"),
        Event::CanFile { can_file: false, why } => warn!(why, "cannot file; counting and sharing go on"),
        Event::Dropped { reason } => debug!(reason = reason.code(), "dropped"),
    }
}
