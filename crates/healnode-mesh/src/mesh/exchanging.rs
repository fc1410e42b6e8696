//! Questions and answers: anti-entropy and samples for the node, introductions for the mesh itself.

use std::time::Instant;

use healnode_core::NodeId;
use healnode_wire::Request;
use libp2p::PeerId;
use libp2p::request_response::{Event, InboundRequestId, Message, OutboundFailure, OutboundRequestId, ResponseChannel};
use rand::seq::IteratorRandom;

use super::Mesh;
use crate::identity::{node_id, peer_id};
use crate::limits::{ASKED_MAX, PEERS_WANTED};
use crate::{MeshAnswer, MeshDropReason, MeshEvent, MeshResponse, introduction, verify};

/// A question of this node that waits for an answer.
pub(super) struct Asked {
    id: u64,
    to: NodeId,
    request: Request,
}

impl Mesh {
    pub(super) fn ask(&mut self, id: u64, to: NodeId, request: Request) {
        if !self.roster.contains(&to) || self.asked.len() >= ASKED_MAX {
            self.answered(id, to, None);
            return;
        }
        let bytes = healnode_wire::encode_request(&request);
        let sent = self.swarm.behaviour_mut().pull.send_request(&peer_id(&to), bytes);
        self.asked.insert(sent, Asked { id, to, request });
    }

    pub(super) fn answer(&mut self, id: u64, response: MeshResponse) {
        let Some(channel) = self.requests.take(id) else {
            return;
        };
        let bytes = match response {
            MeshResponse::Pull(response) => healnode_wire::encode_pull_response(&response),
            MeshResponse::Sample(sample) => healnode_wire::encode_sample_response(sample.as_deref()),
        };
        if bytes.len() > healnode_wire::limits::RESPONSE_BYTES_MAX {
            self.outbox.dropped(MeshDropReason::TooLong, 1);
        } else if self.swarm.behaviour_mut().pull.send_response(channel, bytes).is_err() {
            tracing::debug!("a peer did not wait for its answer");
        }
    }

    fn answered(&mut self, id: u64, from: NodeId, answer: Option<MeshAnswer>) {
        self.outbox.exchange(MeshEvent::Answered { id, from, answer });
    }

    pub(super) fn on_pull(&mut self, event: Event<Vec<u8>, Vec<u8>>, now: Instant) {
        match event {
            Event::Message { peer, message: Message::Request { request_id, request, channel }, .. } => {
                if let Some(from) = node_id(&peer) {
                    self.on_request(from, request_id, &request, channel, now);
                }
            }
            Event::Message { message: Message::Response { request_id, response }, .. } => self.on_response(request_id, &response, now),
            Event::OutboundFailure { request_id, error, .. } => self.on_no_response(request_id, &error),
            Event::InboundFailure { request_id, .. } => {
                if let Some(id) = self.requests.expire(request_id) {
                    self.outbox.withdraw(id);
                }
            }
            Event::ResponseSent { .. } => {}
        }
    }

    fn on_request(&mut self, from: NodeId, request_id: InboundRequestId, bytes: &[u8], channel: ResponseChannel<Vec<u8>>, now: Instant) {
        match healnode_wire::decode_request(bytes) {
            Ok(request) => match self.requests.admit(from, request_id, channel) {
                Some(id) => self.outbox.exchange(MeshEvent::Asked { id, from, request }),
                None => self.outbox.dropped(MeshDropReason::TooManyRequests, 1),
            },
            Err(error) => self.blame(&from, error.into(), now),
        }
    }

    fn on_response(&mut self, request_id: OutboundRequestId, bytes: &[u8], now: Instant) {
        let Some(Asked { id, to, request }) = self.asked.remove(&request_id) else {
            return;
        };
        match verify::answer(bytes, &request) {
            Ok(verified) => {
                self.count_refused(verified.refused);
                self.answered(id, to, Some(verified.message));
            }
            Err(reason) => {
                self.blame(&to, reason, now);
                self.answered(id, to, None);
            }
        }
    }

    fn on_no_response(&mut self, request_id: OutboundRequestId, error: &OutboundFailure) {
        if let Some(Asked { id, to, .. }) = self.asked.remove(&request_id) {
            tracing::debug!(%to, %error, "a peer did not answer");
            self.answered(id, to, None);
        }
    }

    /// Asks some peer for others, as long as there are too few.
    pub(super) fn ask_for_introductions(&mut self, now: Instant) {
        if self.roster.len() >= PEERS_WANTED || !self.introductions.is_due(now) {
            return;
        }
        self.introductions.fail(now, rand::random());
        if let Some(node) = self.roster.nodes().choose(&mut rand::rng()).copied() {
            self.ask_for_introduction(&node);
        }
    }

    pub(super) fn ask_for_introduction(&mut self, node: &NodeId) {
        self.swarm.behaviour_mut().peers.send_request(&peer_id(node), Vec::new());
    }

    pub(super) fn on_peers(&mut self, event: Event<Vec<u8>, Vec<u8>>, now: Instant) {
        match event {
            Event::Message { peer, message: Message::Request { channel, .. }, .. } => self.introduce(&peer, channel),
            Event::Message { peer, message: Message::Response { response, .. }, .. } => self.on_introduction(&peer, &response, now),
            Event::OutboundFailure { peer, error, .. } => tracing::debug!(%peer, %error, "a peer introduces nobody"),
            Event::InboundFailure { .. } | Event::ResponseSent { .. } => {}
        }
    }

    fn introduce(&mut self, peer: &PeerId, channel: ResponseChannel<Vec<u8>>) {
        let Some(asker) = node_id(peer) else {
            return;
        };
        let bytes = introduction::encode(&self.dialler.introduction(&self.roster, &asker));
        if self.swarm.behaviour_mut().peers.send_response(channel, bytes).is_err() {
            tracing::debug!(%asker, "a peer did not wait for introductions");
        }
    }

    fn on_introduction(&mut self, peer: &PeerId, bytes: &[u8], now: Instant) {
        let Some((introducer, link)) = node_id(peer).and_then(|node| Some((node, self.roster.link(&node)?))) else {
            return;
        };
        match introduction::decode(bytes, self.transports) {
            Ok(introduction) => self.dialler.introduced(introduction, link.loopback, now),
            Err(reason) => self.blame(&introducer, reason, now),
        }
    }
}
