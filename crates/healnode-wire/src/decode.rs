//! From bytes to a value and back, the same way for every message and record. Knows nothing of what the values mean.

use serde::Serialize;
use serde::de::DeserializeOwned;

/// Why bytes were refused. Nothing of them was kept.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum DecodeError {
    /// They are longer than such a message or record may be. They were not decoded.
    #[error("longer than it may be")]
    TooLong,
    /// They are in another version of the format. They were not decoded.
    #[error("in format version {0}, which this program does not know")]
    ForeignVersion(u8),
    /// They are not the canonical encoding of such a value.
    #[error("not what such a message or record looks like")]
    Malformed,
    /// They are well formed, but a list, a text or a number in them is outside its bounds.
    #[error("a list, text or number in it is out of bounds")]
    OutOfBounds,
}

impl DecodeError {
    /// Returns the name under which such a refusal is counted.
    pub fn code(&self) -> &'static str {
        match self {
            DecodeError::TooLong => "too_long",
            DecodeError::ForeignVersion(_) => "foreign_version",
            DecodeError::Malformed => "malformed",
            DecodeError::OutOfBounds => "out_of_bounds",
        }
    }
}

/// Returns `prefix` and the CBOR of `value`.
///
/// # Panics
/// Never with the types of this project: writing to memory does not fail, and none of their serialisers does.
pub(crate) fn encode<T: Serialize>(prefix: &[u8], value: &T) -> Vec<u8> {
    let mut bytes = prefix.to_vec();
    serde_cbor::to_writer(&mut bytes, value).expect("a value of this project serialises into memory");
    bytes
}

/// Reads a value of at most `bytes_max` bytes, the version byte included, from its canonical encoding.
pub(crate) fn decode<T: Serialize + DeserializeOwned>(version: u8, bytes_max: usize, bytes: &[u8]) -> Result<T, DecodeError> {
    let value = decode_any_spelling(version, bytes_max, bytes)?;
    require_canonical(version, &value, bytes)?;
    Ok(value)
}

/// Reads a value of at most `bytes_max` bytes, the version byte included, from any encoding.
pub(crate) fn decode_any_spelling<T: DeserializeOwned>(version: u8, bytes_max: usize, bytes: &[u8]) -> Result<T, DecodeError> {
    if bytes.len() > bytes_max {
        return Err(DecodeError::TooLong);
    }
    let (found, body) = bytes.split_first().ok_or(DecodeError::Malformed)?;
    if *found != version {
        return Err(DecodeError::ForeignVersion(*found));
    }
    serde_cbor::from_slice(body).map_err(|_| DecodeError::Malformed)
}

/// Refuses `bytes` unless they are what `value` encodes to.
pub(crate) fn require_canonical<T: Serialize>(version: u8, value: &T, bytes: &[u8]) -> Result<(), DecodeError> {
    if encode(&[version], value) == bytes { Ok(()) } else { Err(DecodeError::Malformed) }
}
