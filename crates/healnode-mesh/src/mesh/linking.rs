//! Connections: who came, who went, where they can be reached, and whom to dial next.

use std::time::Instant;

use libp2p::core::ConnectedPoint;
use libp2p::ping::Failure;
use libp2p::swarm::ConnectionId;
use libp2p::{Multiaddr, PeerId, identify, mdns, ping};

use super::Mesh;
use crate::address::{dialable, is_loopback, without_peer};
use crate::behaviour::PROTOCOL_VERSION;
use crate::identity::node_id;
use crate::limits::BOOK_ADDRESSES_MAX;

impl Mesh {
    pub(super) fn dial(&mut self, now: Instant) {
        for dial in self.dialler.due(&self.roster, now) {
            let connection = dial.connection_id();
            if let Err(error) = self.swarm.dial(dial) {
                self.dialler.failed(connection, &error, &self.roster, now);
            }
        }
    }

    pub(super) fn on_opened(&mut self, peer: PeerId, connection: ConnectionId, endpoint: &ConnectedPoint, now: Instant) {
        let Some(node) = node_id(&peer) else {
            self.disconnect(peer, "has no Ed25519 key");
            return;
        };
        if let ConnectedPoint::Dialer { address, .. } = endpoint {
            self.dialler.opened(connection, node, without_peer(address.clone()), now);
        }
        if !self.roster.contains(&node) {
            self.roster.open(node, is_loopback(endpoint.get_remote_address()), now);
            self.outbox.peer_up(node);
            self.dialler.reached(now);
            self.introductions.restart(now, rand::random());
            self.ask_for_introduction(&node);
        }
    }

    pub(super) fn on_closed(&mut self, peer: &PeerId, remaining: u32, now: Instant) {
        let Some(node) = node_id(peer).filter(|_| remaining == 0) else {
            return;
        };
        if let Some(lasted) = self.roster.close(&node, now) {
            self.dialler.lost(&node, lasted, now);
            self.outbox.peer_down(node);
        }
    }

    pub(super) fn on_identify(&mut self, event: identify::Event, now: Instant) {
        match event {
            identify::Event::Received { peer_id, info, .. } if info.protocol_version != PROTOCOL_VERSION => {
                self.disconnect(peer_id, "is no healnode, or one of another version");
            }
            identify::Event::Received { peer_id, info, .. } => self.on_announcement(&peer_id, &info.listen_addrs, now),
            identify::Event::Error { peer_id, error, .. } => tracing::debug!(%peer_id, %error, "a peer did not introduce itself"),
            identify::Event::Sent { .. } | identify::Event::Pushed { .. } => {}
        }
    }

    fn on_announcement(&mut self, peer: &PeerId, addresses: &[Multiaddr], now: Instant) {
        let Some((node, link)) = node_id(peer).and_then(|node| Some((node, self.roster.link(&node)?))) else {
            return;
        };
        let addresses = addresses.iter().filter_map(|address| dialable(address, self.transports)).take(BOOK_ADDRESSES_MAX).collect();
        if let Some(news) = self.dialler.announced(node, addresses, link.loopback, now) {
            self.outbox.addresses(node, news.iter().map(Multiaddr::to_string).collect());
        }
    }

    /// Closes a connection whose peer is gone without a word. Ping itself only tells.
    pub(super) fn on_ping(&mut self, event: &ping::Event) {
        match &event.result {
            Err(Failure::Timeout | Failure::Other { .. }) => {
                tracing::debug!(peer = %event.peer, "a peer does not answer pings");
                self.swarm.close_connection(event.connection);
            }
            Ok(_) | Err(Failure::Unsupported) => {}
        }
    }

    /// Notes what the local network says, which anybody can: it is hearsay like any other.
    pub(super) fn on_mdns(&mut self, event: mdns::Event, now: Instant) {
        match event {
            mdns::Event::Discovered(found) => {
                for (peer, address) in found {
                    if let (Some(node), Some(address)) = (node_id(&peer), dialable(&address, self.transports)) {
                        self.dialler.introduced([(node, vec![address])].into(), false, now);
                    }
                }
            }
            mdns::Event::Expired(_) => {}
        }
    }

    pub(super) fn disconnect(&mut self, peer: PeerId, why: &'static str) {
        tracing::debug!(%peer, "disconnecting from a peer that {why}");
        if self.swarm.disconnect_peer_id(peer).is_err() {
            tracing::trace!(%peer, "the peer was gone already");
        }
    }
}
