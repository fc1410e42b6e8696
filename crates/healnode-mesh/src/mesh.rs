//! The owner of the swarm: one loop, in which commands go in and events come out.
//!
//! It never waits for the node. What the node has not taken yet stays in the outbox, where everything is bounded; so a slow node loses
//! runs, which anti-entropy brings, and peers' questions, which peers repeat, but no news of a peer and no answer.

mod exchanging;
mod linking;
mod listening;

use std::collections::BTreeMap;
use std::io;
use std::time::{Duration, Instant};

use futures::StreamExt;
use healnode_core::{NodeId, Run};
use libp2p::gossipsub::{self, MessageAcceptance};
use libp2p::request_response::OutboundRequestId;
use libp2p::swarm::{self, Swarm, SwarmEvent};
use tokio::sync::mpsc;

use self::exchanging::Asked;
use self::listening::Listener;
use crate::address::dialable;
use crate::backoff::Backoff;
use crate::behaviour::{Behaviour, BehaviourEvent};
use crate::dialler::Dialler;
use crate::identity::{node_id, peer_id};
use crate::limits::{IDLE_WAIT, INTRODUCTION_FIRST, INTRODUCTION_LONGEST};
use crate::outbox::Outbox;
use crate::requests::Requests;
use crate::roster::Roster;
use crate::{Identity, MeshCommand, MeshConfig, MeshDropReason, MeshEvent, Transports, gossip, transport, verify};

/// How often the loop turns when nothing happens.
///
/// A quiet gossipsub does not wake its swarm for its own heartbeat: when the timer fires it is set anew without anybody waiting for it. Its
/// other timer, of the scores, hides that until both fire together, after a busy moment; then heartbeats come every few seconds only, and mesh
/// repair stalls. Turning the loop polls the swarm, and with it both timers.
const PUMP_INTERVAL: Duration = Duration::from_millis(250);

/// Score of one fault outside gossip, before gossipsub's factor of 10: as much as one invalid message.
const FAULT_SCORE: f64 = -2.0;

/// One libp2p swarm and everything that belongs to it.
pub struct Mesh {
    swarm: Swarm<Behaviour>,
    transports: Transports,
    listeners: Vec<Listener>,
    dialler: Dialler,
    roster: Roster,
    outbox: Outbox,
    requests: Requests,
    asked: BTreeMap<OutboundRequestId, Asked>,
    introductions: Backoff,
}

/// Why a mesh could not start. Nothing of it runs then.
#[derive(Debug, thiserror::Error)]
pub enum MeshError {
    /// An address cannot be listened on.
    #[error("cannot listen on {address} (see `listen` in the section `mesh` of the configuration)")]
    Listen {
        /// Which.
        address: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The local network cannot be searched for peers.
    #[error("cannot look for peers in the local network (to do without: `mdns = false` in the section `mesh` of the configuration)")]
    Mdns(#[source] io::Error),
    /// The identity cannot be used on the network: a fault in this program.
    #[error("the identity cannot be used for a connection")]
    Key(#[source] libp2p::noise::Error),
    /// Gossip refuses its settings: a fault in this program.
    #[error("gossip cannot be set up: {0}")]
    Gossip(String),
}

impl Mesh {
    /// Opens all listeners. Peers can connect from then on, but only [`run`](Self::run) deals with them.
    ///
    /// Needs a tokio runtime. May be cancelled: the listeners close.
    ///
    /// # Errors
    /// When one of the addresses cannot be listened on, or the local network cannot be searched though it should be.
    pub async fn bind(identity: &Identity, config: MeshConfig) -> Result<Self, MeshError> {
        let now = Instant::now();
        let keypair = identity.keypair();
        let connections = transport::build(&keypair, config.swarm_key.as_ref()).map_err(MeshError::Key)?;
        let behaviour = Behaviour::build(&keypair, &config)?;
        let swarm_config = swarm::Config::with_tokio_executor().with_idle_connection_timeout(IDLE_WAIT);
        let mut mesh = Self {
            swarm: Swarm::new(connections, behaviour, keypair.public().to_peer_id(), swarm_config),
            transports: Transports::with(config.swarm_key.as_ref()),
            listeners: Vec::new(),
            dialler: Dialler::new(identity.node_id(), config.bootstrap, now),
            roster: Roster::default(),
            outbox: Outbox::default(),
            requests: Requests::default(),
            asked: BTreeMap::new(),
            introductions: Backoff::new(INTRODUCTION_FIRST, INTRODUCTION_LONGEST, now),
        };
        mesh.recall(config.known_peers, now);
        for address in config.listen {
            mesh.listen(address, now)?;
        }
        mesh.await_addresses().await;
        Ok(mesh)
    }

    /// Returns where this node can be reached, with the ports that the system chose: at least one address of each listener. Where one stands
    /// for all of a machine's addresses, the others follow as [`MeshEvent::Listening`].
    pub fn listen_addresses(&self) -> Vec<String> {
        self.listeners.iter().flat_map(|listener| &listener.bound).map(ToString::to_string).collect()
    }

    /// Runs until `commands` closes or nobody takes `events` any more; then all connections close.
    ///
    /// May be cancelled at any time, to the same effect. Commands are taken even while the node takes no events, so a node may wait for a
    /// place in `commands` without fear of a deadlock.
    pub async fn run(mut self, mut commands: mpsc::Receiver<MeshCommand>, events: mpsc::Sender<MeshEvent>) {
        let mut pump = tokio::time::interval(PUMP_INTERVAL);
        pump.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = pump.tick() => self.maintain(Instant::now()),
                event = self.swarm.select_next_some() => self.on_event(event, Instant::now()),
                command = commands.recv() => match command {
                    Some(command) => self.on_command(command),
                    None => return,
                },
                place = events.reserve(), if !self.outbox.is_empty() => match (place, self.outbox.pop()) {
                    (Ok(place), Some(event)) => place.send(event),
                    (Ok(_), None) => {}
                    (Err(_), _) => return,
                },
                () = events.closed() => return,
            }
        }
    }

    fn recall(&mut self, known_peers: Vec<(NodeId, Vec<String>)>, now: Instant) {
        for (node, addresses) in known_peers {
            let addresses = addresses.iter().filter_map(|text| dialable(&text.parse().ok()?, self.transports)).collect();
            self.dialler.book.recall(node, addresses, now);
        }
    }

    /// Does what time brings about.
    fn maintain(&mut self, now: Instant) {
        self.listen_again(now);
        self.dial(now);
        self.ask_for_introductions(now);
        if let Some(node) = self.roster.spare(now) {
            self.disconnect(peer_id(&node), "has found others by now");
        }
        for node in self.roster.forgive(now) {
            self.outbox.faults(node, 0);
            self.swarm.behaviour_mut().gossip.set_application_score(&peer_id(&node), 0.0);
        }
    }

    fn on_command(&mut self, command: MeshCommand) {
        match command {
            MeshCommand::Publish(run) => self.publish(&run),
            MeshCommand::Ask { id, to, request } => self.ask(id, to, request),
            MeshCommand::Answer { id, response } => self.answer(id, response),
        }
    }

    fn on_event(&mut self, event: SwarmEvent<BehaviourEvent>, now: Instant) {
        match event {
            SwarmEvent::Behaviour(event) => self.on_behaviour(event, now),
            SwarmEvent::ConnectionEstablished { peer_id, connection_id, endpoint, .. } => {
                self.on_opened(peer_id, connection_id, &endpoint, now);
            }
            SwarmEvent::ConnectionClosed { peer_id, num_established, .. } => self.on_closed(&peer_id, num_established, now),
            SwarmEvent::OutgoingConnectionError { connection_id, error, .. } => {
                self.dialler.failed(connection_id, &error, &self.roster, now);
            }
            SwarmEvent::NewListenAddr { listener_id, address } => self.on_listening(listener_id, address),
            SwarmEvent::ExpiredListenAddr { listener_id, address } => self.on_address_expired(listener_id, &address),
            SwarmEvent::ListenerClosed { listener_id, reason, .. } => self.on_listener_closed(listener_id, &reason, now),
            SwarmEvent::ListenerError { error, .. } => tracing::debug!(%error, "a listener had trouble with a connection"),
            SwarmEvent::IncomingConnectionError { error, .. } => tracing::debug!(%error, "an incoming connection failed"),
            SwarmEvent::IncomingConnection { .. }
            | SwarmEvent::Dialing { .. }
            | SwarmEvent::NewExternalAddrCandidate { .. }
            | SwarmEvent::ExternalAddrConfirmed { .. }
            | SwarmEvent::ExternalAddrExpired { .. }
            | SwarmEvent::NewExternalAddrOfPeer { .. } => {}
            _ => {}
        }
    }

    fn on_behaviour(&mut self, event: BehaviourEvent, now: Instant) {
        match event {
            BehaviourEvent::Gossip(event) => self.on_gossip(event, now),
            BehaviourEvent::Identify(event) => self.on_identify(event, now),
            BehaviourEvent::Ping(event) => self.on_ping(&event),
            BehaviourEvent::Pull(event) => self.on_pull(event, now),
            BehaviourEvent::Peers(event) => self.on_peers(event, now),
            BehaviourEvent::Mdns(event) => self.on_mdns(event, now),
            BehaviourEvent::Limits(never) | BehaviourEvent::Allowed(never) => match never {},
        }
    }

    fn publish(&mut self, run: &Run) {
        if let Some(reason) = gossip::publish(&mut self.swarm.behaviour_mut().gossip, run) {
            self.outbox.dropped(reason, 1);
        }
    }

    fn on_gossip(&mut self, event: gossipsub::Event, now: Instant) {
        match event {
            gossipsub::Event::Message { propagation_source, message_id, message } => {
                let acceptance = self.on_message(&message);
                if let (MessageAcceptance::Reject, Some(node)) = (&acceptance, node_id(&propagation_source)) {
                    self.note_fault(&node, now);
                }
                self.swarm.behaviour_mut().gossip.report_message_validation_result(&message_id, &propagation_source, acceptance);
            }
            gossipsub::Event::SlowPeer { failed_messages, .. } => {
                let lost = failed_messages.priority + failed_messages.non_priority;
                self.outbox.dropped(MeshDropReason::PeerBusy, lost as u64);
            }
            gossipsub::Event::GossipsubNotSupported { peer_id } => tracing::debug!(%peer_id, "a peer does not gossip"),
            gossipsub::Event::Subscribed { .. } | gossipsub::Event::Unsubscribed { .. } => {}
        }
    }

    /// Judges a message. Whoever passed an unacceptable one on is at fault, as every node judges alike.
    fn on_message(&mut self, message: &gossipsub::Message) -> MessageAcceptance {
        let Some(source) = message.source.as_ref().and_then(node_id) else {
            self.outbox.dropped(MeshDropReason::WronglySigned, 1);
            return MessageAcceptance::Reject;
        };
        match verify::run(&message.data, &source) {
            Ok(verified) => {
                self.count_refused(verified.refused);
                self.outbox.run(verified.message);
                MessageAcceptance::Accept
            }
            Err(reason) => {
                tracing::debug!(%source, reason = reason.code(), "a gossiped message was dropped");
                self.outbox.dropped(reason, 1);
                MessageAcceptance::Reject
            }
        }
    }

    fn note_fault(&mut self, node: &NodeId, now: Instant) -> u32 {
        let faults = self.roster.blame(node, now);
        if faults > 0 {
            self.outbox.faults(*node, faults);
        }
        faults
    }

    fn count_refused(&mut self, statements: usize) {
        if statements > 0 {
            self.outbox.dropped(MeshDropReason::OutOfBounds, statements as u64);
        }
    }

    /// Counts something bad that a peer sent outside gossip, and lets the peer's score suffer for it.
    fn blame(&mut self, node: &NodeId, reason: MeshDropReason, now: Instant) {
        tracing::debug!(%node, reason = reason.code(), "what a peer sent was dropped");
        self.outbox.dropped(reason, 1);
        let faults = self.note_fault(node, now);
        self.swarm.behaviour_mut().gossip.set_application_score(&peer_id(node), FAULT_SCORE * f64::from(faults));
    }
}
