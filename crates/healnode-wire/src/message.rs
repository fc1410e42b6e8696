//! What goes to a peer: gossip, questions and answers. Which of them is sent when is decided in `healnode-core` and `healnode-mesh`.

use healnode_core::limits::REQUEST_BYTES_MAX;
use healnode_core::{Fingerprint, RawError, Report, Run, SyncRequest, SyncResponse};
use serde::{Deserialize, Serialize};

use crate::bounds::{check_request, check_response, check_run};
use crate::decode::{decode, decode_any_spelling, encode, require_canonical};
use crate::limits::{GOSSIP_BYTES_MAX, RESPONSE_BYTES_MAX};
use crate::{DecodeError, Untrusted};

/// The first byte of every message. A change to any type that goes to a peer needs a new one.
pub const MESSAGE_VERSION: u8 = 1;

/// What one node asks another.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Request {
    /// Part of anti-entropy.
    Pull(SyncRequest),
    /// One whole report of this fingerprint.
    Sample(Fingerprint),
}

/// What came back.
#[derive(Clone, PartialEq, Debug)]
pub enum Response {
    /// The answer to [`Request::Pull`].
    Pull(Untrusted<SyncResponse>),
    /// The answer to [`Request::Sample`]; `None` when the peer has none. [`Report::new`] redacts it again and makes it a report.
    Sample(Option<Box<RawError>>),
}

/// An answer as it is on the wire. It is written from one pair of types and read into another, because a report is read as a [`RawError`].
#[derive(Serialize, Deserialize)]
enum Answer<P, S> {
    Pull(P),
    Sample(Option<S>),
}

/// Returns a run as it is gossiped.
pub fn encode_run(run: &Run) -> Vec<u8> {
    encode(&[MESSAGE_VERSION], run)
}

/// Reads a gossiped run.
///
/// # Errors
/// When it is longer than [`GOSSIP_BYTES_MAX`], of another version, malformed, or out of bounds.
pub fn decode_run(bytes: &[u8]) -> Result<Untrusted<Run>, DecodeError> {
    let run = decode(MESSAGE_VERSION, GOSSIP_BYTES_MAX, bytes)?;
    check_run(&run)?;
    Ok(Untrusted::new(run))
}

/// Returns a question as it is sent.
pub fn encode_request(request: &Request) -> Vec<u8> {
    encode(&[MESSAGE_VERSION], request)
}

/// Reads a question.
///
/// # Errors
/// When it is longer than [`REQUEST_BYTES_MAX`], of another version, malformed, or out of bounds.
pub fn decode_request(bytes: &[u8]) -> Result<Request, DecodeError> {
    let request = decode(MESSAGE_VERSION, REQUEST_BYTES_MAX, bytes)?;
    match &request {
        Request::Pull(pull) => check_request(pull)?,
        Request::Sample(_) => {}
    }
    Ok(request)
}

/// Returns the answer to a [`Request::Pull`] as it is sent.
pub fn encode_pull_response(response: &SyncResponse) -> Vec<u8> {
    encode(&[MESSAGE_VERSION], &Answer::<_, ()>::Pull(response))
}

/// Returns the answer to a [`Request::Sample`] as it is sent.
pub fn encode_sample_response(sample: Option<&Report>) -> Vec<u8> {
    encode(&[MESSAGE_VERSION], &Answer::<(), _>::Sample(sample))
}

/// Reads an answer.
///
/// # Errors
/// When it is longer than [`RESPONSE_BYTES_MAX`], of another version, malformed, or out of bounds.
pub fn decode_response(bytes: &[u8]) -> Result<Response, DecodeError> {
    match decode_any_spelling(MESSAGE_VERSION, RESPONSE_BYTES_MAX, bytes)? {
        Answer::Pull(response) => {
            require_canonical(MESSAGE_VERSION, &Answer::<&SyncResponse, ()>::Pull(&response), bytes)?;
            check_response(&response)?;
            Ok(Response::Pull(Untrusted::new(response)))
        }
        Answer::Sample(sample) => Ok(Response::Sample(sample)),
    }
}
