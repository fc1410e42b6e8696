//! All that runs on a connection, as one behaviour, and the names under which it is spoken.
//!
//! The order of the fields counts: what may refuse a connection comes before what would already use it.

use std::time::Duration;

use libp2p::allow_block_list::{self, AllowedPeers};
use libp2p::connection_limits::{self, ConnectionLimits};
use libp2p::identity::Keypair;
use libp2p::request_response::{self, ProtocolSupport};
use libp2p::swarm::NetworkBehaviour;
use libp2p::swarm::behaviour::toggle::Toggle;
use libp2p::{StreamProtocol, gossipsub, identify, mdns, ping};

use crate::codec::BytesCodec;
use crate::identity::peer_id;
use crate::limits::{
    ANSWER_WAIT, CONNECTIONS_MAX, CONNECTIONS_PER_PEER_MAX, HANDSHAKES_MAX, INTRODUCTION_BYTES_MAX, PING_INTERVAL, REQUESTS_PER_PEER_MAX,
};
use crate::{MeshConfig, MeshError, gossip};

/// What every healnode says of itself when a connection opens. A peer that says something else is left alone.
pub const PROTOCOL_VERSION: &str = "healnode/1";

/// The protocol of anti-entropy and samples: one encoded request, one encoded response.
pub const PULL_PROTOCOL: &str = "/healnode/pull/1";

/// The protocol by which peers introduce peers: an empty request, and as response multiaddrs that end in `/p2p/ID`, one a line.
pub const PEERS_PROTOCOL: &str = "/healnode/peers/1";

#[derive(NetworkBehaviour)]
pub(crate) struct Behaviour {
    pub(crate) limits: connection_limits::Behaviour,
    pub(crate) allowed: Toggle<allow_block_list::Behaviour<AllowedPeers>>,
    pub(crate) gossip: gossipsub::Behaviour,
    pub(crate) identify: identify::Behaviour,
    pub(crate) ping: ping::Behaviour,
    pub(crate) pull: request_response::Behaviour<BytesCodec>,
    pub(crate) peers: request_response::Behaviour<BytesCodec>,
    pub(crate) mdns: Toggle<mdns::tokio::Behaviour>,
}

impl Behaviour {
    pub(crate) fn build(keypair: &Keypair, config: &MeshConfig) -> Result<Self, MeshError> {
        let identify = identify::Config::new(PROTOCOL_VERSION.to_owned(), keypair.public())
            .with_agent_version(concat!("healnode/", env!("CARGO_PKG_VERSION")).to_owned())
            .with_push_listen_addr_updates(true)
            .with_cache_size(0);
        Ok(Self {
            limits: connection_limits::Behaviour::new(connection_limits()),
            allowed: allow_list(config).into(),
            gossip: gossip::build(keypair).map_err(MeshError::Gossip)?,
            identify: identify::Behaviour::new(identify),
            ping: ping::Behaviour::new(ping::Config::new().with_interval(PING_INTERVAL).with_timeout(PING_WAIT)),
            pull: request_response(PULL_PROTOCOL, healnode_core::limits::REQUEST_BYTES_MAX, healnode_wire::limits::RESPONSE_BYTES_MAX),
            peers: request_response(PEERS_PROTOCOL, 0, INTRODUCTION_BYTES_MAX),
            mdns: mdns(keypair, config)?.into(),
        })
    }
}

/// How long an answer to a ping may take before the connection is closed.
const PING_WAIT: Duration = Duration::from_secs(20);

fn connection_limits() -> ConnectionLimits {
    ConnectionLimits::default()
        .with_max_pending_incoming(Some(HANDSHAKES_MAX))
        .with_max_pending_outgoing(Some(HANDSHAKES_MAX))
        .with_max_established(Some(CONNECTIONS_MAX))
        .with_max_established_per_peer(Some(CONNECTIONS_PER_PEER_MAX))
}

fn allow_list(config: &MeshConfig) -> Option<allow_block_list::Behaviour<AllowedPeers>> {
    if config.allow.is_empty() {
        return None;
    }
    let mut list = allow_block_list::Behaviour::<AllowedPeers>::default();
    for node in &config.allow {
        list.allow_peer(peer_id(node));
    }
    Some(list)
}

fn request_response(
    protocol: &'static str,
    request_bytes_max: usize,
    response_bytes_max: usize,
) -> request_response::Behaviour<BytesCodec> {
    let config =
        request_response::Config::default().with_request_timeout(ANSWER_WAIT).with_max_concurrent_streams(2 * REQUESTS_PER_PEER_MAX);
    let protocols = [(StreamProtocol::new(protocol), ProtocolSupport::Full)];
    request_response::Behaviour::with_codec(BytesCodec { request_bytes_max, response_bytes_max }, protocols, config)
}

fn mdns(keypair: &Keypair, config: &MeshConfig) -> Result<Option<mdns::tokio::Behaviour>, MeshError> {
    if !config.mdns {
        return Ok(None);
    }
    mdns::tokio::Behaviour::new(mdns::Config::default(), keypair.public().to_peer_id()).map(Some).map_err(MeshError::Mdns)
}
