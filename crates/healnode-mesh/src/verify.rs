//! From a peer's bytes to something that a node may be given, or to the reason why not.

use healnode_core::{NodeId, Run, SyncRequest, SyncResponse};
use healnode_wire::{BadSignature, DecodeError, Request, Response, Verified};

use crate::{MeshAnswer, MeshDropReason};

/// Reads a gossiped run that `source` published.
pub(crate) fn run(bytes: &[u8], source: &NodeId) -> Result<Verified<Run>, MeshDropReason> {
    let run = healnode_wire::decode_run(bytes)?;
    if run.claimed_origin() != *source {
        return Err(MeshDropReason::ForeignOrigin);
    }
    Ok(run.verify(crate::identity::verify)?)
}

/// Reads a peer's answer to `request`, which has to be of the kind that was asked for.
pub(crate) fn answer(bytes: &[u8], request: &Request) -> Result<Verified<MeshAnswer>, MeshDropReason> {
    match (healnode_wire::decode_response(bytes)?, request) {
        (Response::Pull(response), Request::Pull(asked)) => {
            let Verified { message, refused } = response.verify(crate::identity::verify)?;
            if answers(asked, &message) {
                Ok(Verified { message: MeshAnswer::Pull(message), refused })
            } else {
                Err(MeshDropReason::Malformed)
            }
        }
        (Response::Sample(sample), Request::Sample(_)) => Ok(Verified { message: MeshAnswer::Sample(sample), refused: 0 }),
        (Response::Pull(_), Request::Sample(_)) | (Response::Sample(_), Request::Pull(_)) => Err(MeshDropReason::Malformed),
    }
}

fn answers(request: &SyncRequest, response: &SyncResponse) -> bool {
    match request {
        SyncRequest::Compare { .. } => matches!(response, SyncResponse::Same | SyncResponse::Differs { .. }),
        SyncRequest::Want { .. } => matches!(response, SyncResponse::Page { .. }),
    }
}

impl From<DecodeError> for MeshDropReason {
    fn from(error: DecodeError) -> Self {
        match error {
            DecodeError::TooLong => MeshDropReason::TooLong,
            DecodeError::ForeignVersion(_) => MeshDropReason::ForeignVersion,
            DecodeError::Malformed => MeshDropReason::Malformed,
            DecodeError::OutOfBounds => MeshDropReason::OutOfBounds,
        }
    }
}

impl From<BadSignature> for MeshDropReason {
    fn from(_: BadSignature) -> Self {
        MeshDropReason::WronglySigned
    }
}
