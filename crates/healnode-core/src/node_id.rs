//! Who a node is: its Ed25519 public key, written as a libp2p peer id.

use std::fmt;
use std::str::FromStr;

/// What libp2p puts before an Ed25519 key to make a peer id: identity multihash (`00`), 36 bytes (`24`), key type Ed25519 (`08 01`), 32 bytes of key (`12 20`).
///
/// Source: libp2p specification, "Peer Ids and Keys".
const PEER_ID_PREFIX: [u8; 6] = [0x00, 0x24, 0x08, 0x01, 0x12, 0x20];

/// A node's identity. Its order is the order of libp2p peer ids by bytes, which decides who files.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId([u8; 32]);

/// The text is no peer id of an Ed25519 key. Every healnode identity has one, so the text was cut or belongs to another program.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a peer id of an Ed25519 key (expected 52 characters that start with 12D3KooW)")]
pub struct InvalidNodeId;

impl NodeId {
    /// Takes the 32 bytes of an Ed25519 public key.
    pub const fn from_key(key: [u8; 32]) -> Self {
        Self(key)
    }

    /// Returns the 32 bytes of the Ed25519 public key.
    pub const fn key(&self) -> &[u8; 32] {
        &self.0
    }

    /// Returns the 38 bytes of the libp2p peer id.
    pub fn peer_id_bytes(&self) -> Vec<u8> {
        [&PEER_ID_PREFIX[..], &self.0].concat()
    }

    /// Reads the bytes of a libp2p peer id.
    ///
    /// # Errors
    /// When they are not the peer id of an Ed25519 key.
    pub fn from_peer_id_bytes(bytes: &[u8]) -> Result<Self, InvalidNodeId> {
        let key = bytes.strip_prefix(&PEER_ID_PREFIX).ok_or(InvalidNodeId)?;
        key.try_into().map(Self).map_err(|_| InvalidNodeId)
    }

    /// Returns the last eight characters of the peer id, for tables where the whole does not fit.
    pub fn short(&self) -> String {
        let text = self.to_string();
        text[text.len() - 8..].to_owned()
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&bs58::encode(self.peer_id_bytes()).into_string())
    }
}

impl fmt::Debug for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NodeId(..{})", self.short())
    }
}

impl FromStr for NodeId {
    type Err = InvalidNodeId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bytes = bs58::decode(text).into_vec().map_err(|_| InvalidNodeId)?;
        Self::from_peer_id_bytes(&bytes)
    }
}

impl serde::Serialize for NodeId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() { serializer.collect_str(self) } else { serializer.serialize_bytes(&self.0) }
    }
}

impl<'de> serde::Deserialize<'de> for NodeId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use serde::de::Error as _;
        if deserializer.is_human_readable() {
            return String::deserialize(deserializer)?.parse().map_err(D::Error::custom);
        }
        let bytes = serde_bytes::ByteArray::<32>::deserialize(deserializer)?;
        Ok(Self(bytes.into_array()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_id_survives_its_text() {
        let id = NodeId::from_key([7; 32]);
        assert!(id.to_string().starts_with("12D3KooW"));
        assert_eq!(id.to_string().parse(), Ok(id));
    }

    #[test]
    fn a_peer_id_of_another_key_type_is_refused() {
        assert_eq!("QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N".parse::<NodeId>(), Err(InvalidNodeId));
        assert_eq!("".parse::<NodeId>(), Err(InvalidNodeId));
    }
}
