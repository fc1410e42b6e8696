//! Whether every list, text and number in a decoded value is within its bounds.
//!
//! These bounds are part of version 1 of the protocol, the same on every node, so whoever relays something outside them is at fault itself
//! and its whole message is refused. Compare `untrusted.rs`, where rules apply that may differ from node to node.

use healnode_core::limits::{BASELINE_RELEASES_MAX, ORIGINS_MAX, RELEASES_MAX, TALLY_COUNT_MAX, URL_BYTES_MAX};
use healnode_core::{Body, Digest, Filed, FixNote, Head, Run, Standing, Statement, SyncRequest, SyncResponse, Tally};
use healnode_report::limits::{ERROR_TYPE_BYTES_MAX, HEAD_MESSAGE_BYTES_MAX, NAME_BYTES_MAX};

use crate::DecodeError;

pub(crate) fn check_request(request: &SyncRequest) -> Result<(), DecodeError> {
    match request {
        SyncRequest::Compare { .. } => Ok(()),
        SyncRequest::Want { have } => check_digest(have),
    }
}

pub(crate) fn check_response(response: &SyncResponse) -> Result<(), DecodeError> {
    match response {
        SyncResponse::Same => Ok(()),
        SyncResponse::Differs { digest } => check_digest(digest),
        SyncResponse::Page { runs, .. } => {
            require(runs.len() <= ORIGINS_MAX)?;
            runs.iter().try_for_each(check_run)
        }
    }
}

/// Numbers may repeat: two statements of one number show that an identity was cloned, and the core wants to see both.
pub(crate) fn check_run(run: &Run) -> Result<(), DecodeError> {
    let mut last = run.after;
    for signed in &run.statements {
        let statement = &signed.statement;
        require(statement.origin == run.origin && statement.epoch == run.epoch)?;
        require(statement.seq > run.after && statement.seq >= last)?;
        check_statement(statement)?;
        last = statement.seq;
    }
    require(last <= run.through)
}

fn check_statement(statement: &Statement) -> Result<(), DecodeError> {
    match &statement.body {
        Body::Tally { tally, .. } => check_tally(tally),
        Body::Filing { note, .. } => note.issue.as_ref().map_or(Ok(()), check_filed),
        Body::Mute { mute, .. } => require(mute.by.len() <= NAME_BYTES_MAX),
        Body::Presence(presence) => require(presence.version.len() <= NAME_BYTES_MAX && presence.name.len() <= NAME_BYTES_MAX),
        Body::Fix { note, .. } => require(pull_url(note).is_none_or(|url| url.len() <= URL_BYTES_MAX)),
    }
}

fn pull_url(note: &FixNote) -> Option<&str> {
    Some(&note.pull.as_ref()?.pull.as_ref()?.url)
}

fn check_tally(tally: &Tally) -> Result<(), DecodeError> {
    check_head(&tally.head)?;
    require(tally.count <= TALLY_COUNT_MAX && tally.releases.values().all(|count| *count <= TALLY_COUNT_MAX))?;
    require(tally.releases.len() <= RELEASES_MAX)?;
    require(tally.releases.keys().all(|release| release.len() <= NAME_BYTES_MAX))
}

fn check_head(head: &Head) -> Result<(), DecodeError> {
    require(head.error_type.len() <= ERROR_TYPE_BYTES_MAX)?;
    require(head.message.len() <= HEAD_MESSAGE_BYTES_MAX)?;
    require(head.app.len() <= NAME_BYTES_MAX)?;
    require(head.release.len() <= NAME_BYTES_MAX)
}

fn check_filed(filed: &Filed) -> Result<(), DecodeError> {
    require(filed.issue.url.len() <= URL_BYTES_MAX)?;
    match &filed.standing {
        Standing::Closed(baseline) => require(baseline.releases.len() <= BASELINE_RELEASES_MAX),
        Standing::Open | Standing::Quiet | Standing::Regressed | Standing::Silenced | Standing::Gone { .. } => Ok(()),
    }
}

fn check_digest(digest: &Digest) -> Result<(), DecodeError> {
    require(digest.0.len() <= ORIGINS_MAX)
}

fn require(holds: bool) -> Result<(), DecodeError> {
    if holds { Ok(()) } else { Err(DecodeError::OutOfBounds) }
}
