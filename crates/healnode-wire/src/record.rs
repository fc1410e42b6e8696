//! What goes to disk: one version byte and one value. Keys are `healnode-store`'s.

use healnode_core::{Deploy, Epoch, FixLog, Intent, RawError, Report, Seq, Series, Signed, Tally};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::DecodeError;
use crate::decode::{decode, decode_any_spelling, encode};
use crate::limits::{FIX_LOG_BYTES_MAX, RECORD_BYTES_MAX, SAMPLE_BYTES_MAX};

/// The first byte of every record. A change to any type that goes to disk needs a new one.
pub const RECORD_VERSION: u8 = 1;

/// The first 16 bytes of the SHA-256 of an event id.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EventHash(#[serde(with = "serde_bytes")] pub [u8; 16]);

/// A value that can be a record. Implemented here for all that there are.
pub trait Stored: Serialize + DeserializeOwned {}

impl Stored for Signed {}
impl Stored for Tally {}
impl Stored for Seq {}
impl Stored for Epoch {}
impl Stored for Intent {}
impl Stored for Series {}
impl Stored for Deploy {}
impl Stored for EventHash {}

/// A peer's addresses.
impl Stored for Vec<String> {}

/// Returns a value as it is on disk.
pub fn encode_record<T: Stored>(value: &T) -> Vec<u8> {
    encode(&[RECORD_VERSION], value)
}

/// Reads a value from disk. What is inside is not held against the bounds that peers have to keep: this node wrote it, and a node that refused
/// its own records could not start.
///
/// # Errors
/// When it is longer than [`RECORD_BYTES_MAX`], of another version, or malformed.
pub fn decode_record<T: Stored>(bytes: &[u8]) -> Result<T, DecodeError> {
    decode(RECORD_VERSION, RECORD_BYTES_MAX, bytes)
}

/// Returns a whole report as it is on disk.
pub fn encode_sample(report: &Report) -> Vec<u8> {
    encode(&[RECORD_VERSION], report)
}

/// Reads a whole report from disk. [`Report::new`] redacts it again, by the rules of this version of the program, and makes it a report.
///
/// # Errors
/// When it is longer than [`SAMPLE_BYTES_MAX`], of another version, or malformed.
pub fn decode_sample(bytes: &[u8]) -> Result<RawError, DecodeError> {
    decode_any_spelling(RECORD_VERSION, SAMPLE_BYTES_MAX, bytes)
}

/// Returns what a node keeps of a fix, as it is on disk.
pub fn encode_fix_log(log: &FixLog) -> Vec<u8> {
    encode(&[RECORD_VERSION], log)
}

/// Reads what a node keeps of a fix.
///
/// # Errors
/// When it is longer than [`FIX_LOG_BYTES_MAX`], of another version, or malformed.
pub fn decode_fix_log(bytes: &[u8]) -> Result<FixLog, DecodeError> {
    decode(RECORD_VERSION, FIX_LOG_BYTES_MAX, bytes)
}
