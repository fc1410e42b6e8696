//! Versioned CBOR for what goes to a peer or to disk.
//!
//! Every message and every record is one version byte and the CBOR of one value. A decoder looks at the length before anything else, then at
//! the version, then decodes, and then holds every list and every text against its bound. It never panics, and allocates no more than the
//! length that it allowed calls for (a forged length inside costs at most 1 MiB, until the bytes run out). What a peer sent comes out as [`Untrusted`] until its signatures are checked, which needs a key library
//! that this crate does not have: the caller brings the check. No I/O here; connections are `healnode-mesh`'s, files are `healnode-store`'s.
//!
//! **Only canonical bytes are accepted.** CBOR has many spellings of one value (longer integers, indefinite lengths, repeated keys, fields
//! in any order), and a signature is checked over a re-encoding of the decoded statement. If spellings were free, one signed statement could
//! travel as many different messages, and two nodes could disagree on what was signed. So a value whose re-encoding differs from the bytes
//! received is [`Malformed`](DecodeError::Malformed), which also refuses unknown fields anywhere. The one exception is a sample: nothing is
//! signed in it, and it is redacted again on arrival.

mod bounds;
mod decode;
pub mod limits;
mod message;
mod record;
mod signing;
mod untrusted;

pub use decode::DecodeError;
pub use message::{
    MESSAGE_VERSION, Request, Response, decode_request, decode_response, decode_run, encode_pull_response, encode_request, encode_run,
    encode_sample_response,
};
pub use record::{
    EventHash, RECORD_VERSION, Stored, decode_fix_log, decode_record, decode_sample, encode_fix_log, encode_record, encode_sample,
};
pub use signing::signing_bytes;
pub use untrusted::{BadSignature, Untrusted, Verified};
