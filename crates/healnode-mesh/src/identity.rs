//! The Ed25519 key that a node is known by.
//!
//! It signs the node's statements and is its libp2p identity, so a [`NodeId`] and a peer id are two spellings of one public key. Never
//! makes a seed and never keeps one: both are the caller's.

use std::fmt;

use healnode_core::{NodeId, Signature, Signer, Statement};
use libp2p::PeerId;
use libp2p::identity::{Keypair, ed25519};

/// A node's private key.
#[derive(Clone)]
pub struct Identity {
    pair: ed25519::Keypair,
    node_id: NodeId,
}

impl Identity {
    /// Makes the identity that belongs to a seed: 32 bytes from a cryptographic source of randomness, kept secret.
    pub fn from_seed(mut seed: [u8; 32]) -> Self {
        #[expect(clippy::expect_used, reason = "any 32 bytes are an Ed25519 seed; the only error is another length")]
        let secret = ed25519::SecretKey::try_from_bytes(&mut seed).expect("a seed of 32 bytes");
        let pair = ed25519::Keypair::from(secret);
        let node_id = NodeId::from_key(pair.public().to_bytes());
        Self { pair, node_id }
    }

    /// Returns who this is.
    pub fn node_id(&self) -> NodeId {
        self.node_id
    }

    pub(crate) fn keypair(&self) -> Keypair {
        self.pair.clone().into()
    }
}

impl Signer for Identity {
    fn sign(&self, statement: &Statement) -> Signature {
        let bytes = self.pair.sign(&healnode_wire::signing_bytes(statement));
        #[expect(clippy::expect_used, reason = "every Ed25519 signature has 64 bytes")]
        Signature(bytes.try_into().expect("a signature of 64 bytes"))
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Identity({})", self.node_id)
    }
}

/// Returns whether `signature` is `node`'s own over `bytes`.
pub fn verify(node: &NodeId, bytes: &[u8], signature: &Signature) -> bool {
    ed25519::PublicKey::try_from_bytes(node.key()).is_ok_and(|key| key.verify(bytes, &signature.0))
}

/// Returns the libp2p spelling of a node's id.
pub(crate) fn peer_id(node: &NodeId) -> PeerId {
    #[expect(clippy::expect_used, reason = "a NodeId's bytes are a peer id by construction")]
    PeerId::from_bytes(&node.peer_id_bytes()).expect("the bytes of a peer id")
}

/// Returns healnode's spelling of a peer id; `None` when its key is not Ed25519.
pub(crate) fn node_id(peer: &PeerId) -> Option<NodeId> {
    NodeId::from_peer_id_bytes(&peer.to_bytes()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_id_and_a_peer_id_are_one_key() {
        let identity = Identity::from_seed([7; 32]);
        let peer = identity.keypair().public().to_peer_id();
        assert_eq!(peer_id(&identity.node_id()), peer);
        assert_eq!(node_id(&peer), Some(identity.node_id()));
        assert_eq!(identity.node_id().to_string(), peer.to_string());
    }

    #[test]
    fn a_signature_holds_for_its_signer_and_its_bytes_only() {
        let (one, other) = (Identity::from_seed([1; 32]), Identity::from_seed([2; 32]));
        let signature = Signature(one.pair.sign(b"said").try_into().unwrap());
        assert!(verify(&one.node_id(), b"said", &signature));
        assert!(!verify(&other.node_id(), b"said", &signature));
        assert!(!verify(&one.node_id(), b"sad", &signature));
        assert!(!verify(&NodeId::from_key([0xff; 32]), b"said", &signature), "no point on the curve");
    }

    #[test]
    fn a_private_key_does_not_show_in_debug_output() {
        let identity = Identity::from_seed([7; 32]);
        assert_eq!(format!("{identity:?}"), format!("Identity({})", identity.node_id()));
    }
}
