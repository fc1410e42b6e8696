//! What a mesh is told at start.

use healnode_core::NodeId;

use crate::{BootstrapAddress, ListenAddress, SwarmKey};

/// What a mesh is told at start. Everything is checked already, apart from what peers said.
#[derive(Clone, Debug, Default)]
pub struct MeshConfig {
    /// Where to listen. With none, this node can dial but not be dialled.
    pub listen: Vec<ListenAddress>,
    /// Whom to dial, for ever, until connected.
    pub bootstrap: Vec<BootstrapAddress>,
    /// The key of a private network; TCP only then.
    pub swarm_key: Option<SwarmKey>,
    /// The only nodes to connect to; empty for all.
    pub allow: Vec<NodeId>,
    /// Whether to look for peers in the local network.
    pub mdns: bool,
    /// Peers that earlier [`MeshEvent::PeerAddresses`](crate::MeshEvent::PeerAddresses) named. What cannot be read is ignored.
    pub known_peers: Vec<(NodeId, Vec<String>)>,
}
