//! The bytes under a statement's signature.

use healnode_core::Statement;

use crate::decode::encode;

/// Sets a statement's signature apart from everything else that the same key may sign, now or later.
const SIGNING_PREFIX: &[u8] = b"healnode statement v1\0";

/// Returns the bytes that an origin signs for a statement: a fixed prefix and the canonical CBOR of the statement.
pub fn signing_bytes(statement: &Statement) -> Vec<u8> {
    encode(SIGNING_PREFIX, statement)
}
