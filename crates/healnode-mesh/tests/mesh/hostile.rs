//! Peers that speak libp2p but do not keep to healnode's protocol.

use std::io;
use std::time::Duration;

use futures::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, StreamExt};
use healnode_core::{NodeId, Run, Seq};
use healnode_mesh::{Identity, MeshDropReason, MeshEvent, PEERS_PROTOCOL, PROTOCOL_VERSION, PULL_PROTOCOL, TOPIC, limits};
use libp2p::gossipsub::{self, IdentTopic, MessageAuthenticity};
use libp2p::identity::{Keypair, ed25519};
use libp2p::request_response::{self, Codec, ProtocolSupport};
use libp2p::swarm::{NetworkBehaviour, SwarmEvent};
use libp2p::{Multiaddr, PeerId, StreamProtocol, Swarm, SwarmBuilder, identify, noise, tcp, yamux};

use crate::support::{Node, form, identity, knowing, loopback, patiently, run};

/// Sends whatever bytes it is given.
#[derive(Clone, Default)]
struct AnyBytes;

impl Codec for AnyBytes {
    type Protocol = StreamProtocol;
    type Request = Vec<u8>;
    type Response = Vec<u8>;

    async fn read_request<T: AsyncRead + Unpin + Send>(&mut self, _: &StreamProtocol, io: &mut T) -> io::Result<Vec<u8>> {
        read(io).await
    }

    async fn read_response<T: AsyncRead + Unpin + Send>(&mut self, _: &StreamProtocol, io: &mut T) -> io::Result<Vec<u8>> {
        read(io).await
    }

    async fn write_request<T: AsyncWrite + Unpin + Send>(&mut self, _: &StreamProtocol, io: &mut T, bytes: Vec<u8>) -> io::Result<()> {
        io.write_all(&bytes).await
    }

    async fn write_response<T: AsyncWrite + Unpin + Send>(&mut self, _: &StreamProtocol, io: &mut T, bytes: Vec<u8>) -> io::Result<()> {
        io.write_all(&bytes).await
    }
}

async fn read<T: AsyncRead + Unpin + Send>(io: &mut T) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    io.read_to_end(&mut bytes).await?;
    Ok(bytes)
}

#[derive(NetworkBehaviour)]
struct Speech {
    gossip: gossipsub::Behaviour,
    identify: identify::Behaviour,
    ask: request_response::Behaviour<AnyBytes>,
}

/// A peer with gossipsub's default settings that sends and answers whatever a test likes.
struct Villain {
    identity: Identity,
    swarm: Swarm<Speech>,
    victim: PeerId,
}

impl Villain {
    /// Connects to `victim` and waits until the two have each other in their gossip mesh.
    async fn beside(victim: &Node, seed: u8) -> Villain {
        let mut villain = Villain::approaching(victim, seed, PROTOCOL_VERSION);
        patiently("the villain to be trusted", villain.until(|swarm, _| swarm.behaviour().gossip.all_mesh_peers().next().is_some())).await;
        villain
    }

    fn approaching(victim: &Node, seed: u8, version: &str) -> Villain {
        let secret = ed25519::SecretKey::try_from_bytes([seed; 32]).unwrap();
        let keypair: Keypair = ed25519::Keypair::from(secret).into();
        let mut swarm = SwarmBuilder::with_existing_identity(keypair)
            .with_tokio()
            .with_tcp(tcp::Config::default(), noise::Config::new, yamux::Config::default)
            .unwrap()
            .with_behaviour(|keypair| {
                let mut gossip =
                    gossipsub::Behaviour::new(MessageAuthenticity::Signed(keypair.clone()), gossipsub::Config::default()).unwrap();
                gossip.subscribe(&IdentTopic::new(TOPIC)).unwrap();
                let protocols = [PULL_PROTOCOL, PEERS_PROTOCOL].map(|name| (StreamProtocol::new(name), ProtocolSupport::Full));
                Speech {
                    gossip,
                    identify: identify::Behaviour::new(identify::Config::new(version.to_owned(), keypair.public())),
                    ask: request_response::Behaviour::new(protocols, request_response::Config::default()),
                }
            })
            .unwrap()
            .with_swarm_config(|config| config.with_idle_connection_timeout(Duration::from_secs(60)))
            .build();
        swarm.dial(victim.addresses[0].parse::<Multiaddr>().unwrap()).unwrap();
        let victim = PeerId::from_bytes(&victim.id.peer_id_bytes()).unwrap();
        Villain { identity: identity(seed), swarm, victim }
    }

    async fn until(&mut self, mut done: impl FnMut(&mut Swarm<Speech>, Option<SwarmEvent<SpeechEvent>>) -> bool) {
        let mut look = tokio::time::interval(Duration::from_millis(100));
        loop {
            let event = tokio::select! {
                event = self.swarm.select_next_some() => Some(event),
                _ = look.tick() => None,
            };
            if done(&mut self.swarm, event) {
                return;
            }
        }
    }

    fn publish(&mut self, bytes: Vec<u8>) {
        self.swarm.behaviour_mut().gossip.publish(IdentTopic::new(TOPIC), bytes).unwrap();
    }

    fn ask(&mut self, bytes: Vec<u8>) {
        self.swarm.behaviour_mut().ask.send_request(&self.victim, bytes);
    }

    /// Goes on until the victim has counted so many drops.
    async fn until_dropped(&mut self, victim: &mut Node, reason: MeshDropReason, count: u64) {
        tokio::select! {
            () = self.until(|_, _| false) => {}
            () = victim.until_dropped(reason, count) => {}
        }
    }

    /// Goes on until the victim's node has been told that this peer is at fault.
    async fn until_named(&mut self, victim: &mut Node) {
        let named = MeshEvent::PeerFaults { node: self.identity.node_id(), faults: 1 };
        tokio::select! {
            () = self.until(|_, _| false) => {}
            () = victim.until_event(named) => {}
        }
    }

    /// Goes on until the victim has thrown it out of its gossip mesh.
    async fn until_thrown_out(&mut self) {
        patiently("the villain to be thrown out", self.until(|swarm, _| swarm.behaviour().gossip.all_mesh_peers().next().is_none())).await;
    }
}

/// One bad message is dropped, counted under `reason` and held against its sender, while an honest peer's run still arrives.
async fn check(reason: MeshDropReason, bad: impl FnOnce(&Identity, NodeId) -> Vec<u8>) {
    let victim = Node::start(1, loopback()).await;
    let honest = Node::start(2, knowing(&victim.addresses[0])).await;
    let mut villain = Villain::beside(&victim, 3).await;
    let bytes = bad(&villain.identity, honest.id);
    let mut nodes = [victim, honest];
    villain.publish(bytes);
    villain.until_named(&mut nodes[0]).await;
    villain.until_dropped(&mut nodes[0], reason, 1).await;
    villain.until_thrown_out().await;
    form(&mut nodes).await;
    assert_eq!(nodes[1].dropped(reason), 0, "it was passed on");
    assert!(nodes[0].heard.iter().all(|(origin, _)| *origin == nodes[1].id));
}

#[tokio::test]
async fn a_malformed_run_is_dropped_and_counted() {
    check(MeshDropReason::Malformed, |_, _| b"\x01 not CBOR".to_vec()).await;
}

#[tokio::test]
async fn a_run_of_a_foreign_version_is_dropped_and_counted() {
    check(MeshDropReason::ForeignVersion, |villain, _| {
        let mut bytes = healnode_wire::encode_run(&run(villain, 1));
        bytes[0] = 99;
        bytes
    })
    .await;
}

#[tokio::test]
async fn a_run_that_is_too_long_is_dropped_and_counted() {
    check(MeshDropReason::TooLong, |_, _| vec![1; healnode_wire::limits::GOSSIP_BYTES_MAX + 1]).await;
}

#[tokio::test]
async fn a_run_that_another_key_signed_is_dropped_and_counted() {
    check(MeshDropReason::WronglySigned, |villain, _| {
        let mut forged = run(villain, 1);
        forged.statements[0].signature = run(&identity(9), 1).statements[0].signature;
        healnode_wire::encode_run(&forged)
    })
    .await;
}

#[tokio::test]
async fn a_run_in_the_name_of_another_node_is_dropped_and_counted() {
    check(MeshDropReason::ForeignOrigin, |_, honest| healnode_wire::encode_run(&Run { origin: honest, ..run(&identity(2), 1) })).await;
}

#[tokio::test]
async fn a_run_whose_statements_skip_its_end_is_dropped_and_counted() {
    check(MeshDropReason::OutOfBounds, |villain, _| healnode_wire::encode_run(&Run { through: Seq(4), ..run(villain, 5) })).await;
}

#[tokio::test]
async fn questions_that_cannot_be_read_are_counted_and_held_against_the_asker() {
    let mut victim = Node::start(1, loopback()).await;
    let mut villain = Villain::beside(&victim, 3).await;
    villain.ask(b"\x01 not CBOR".to_vec());
    villain.until_dropped(&mut victim, MeshDropReason::Malformed, 1).await;
    villain.ask(vec![1; healnode_core::limits::REQUEST_BYTES_MAX + 1]);
    villain.until_dropped(&mut victim, MeshDropReason::TooLong, 1).await;
    villain.until_thrown_out().await;
    assert!(!victim.all_told().iter().any(|event| matches!(event, MeshEvent::Asked { .. })));
}

/// The victim asks for introductions of its own accord when the villain connects.
#[tokio::test]
async fn an_introduction_that_cannot_be_read_is_counted() {
    let mut victim = Node::start(1, loopback()).await;
    let mut villain = Villain::approaching(&victim, 3, PROTOCOL_VERSION);
    let answer = villain.until(|swarm, event| {
        if let Some(SwarmEvent::Behaviour(SpeechEvent::Ask(request_response::Event::Message {
            message: request_response::Message::Request { channel, .. },
            ..
        }))) = event
        {
            swarm.behaviour_mut().ask.send_response(channel, b"who are you?".to_vec()).unwrap();
        }
        false
    });
    tokio::select! {
        () = answer => {}
        () = victim.until_dropped(MeshDropReason::Malformed, 1) => {}
    }
}

#[tokio::test]
async fn an_introduction_longer_than_its_bound_is_counted() {
    let mut victim = Node::start(1, loopback()).await;
    let mut villain = Villain::approaching(&victim, 3, PROTOCOL_VERSION);
    let answer = villain.until(|swarm, event| {
        if let Some(SwarmEvent::Behaviour(SpeechEvent::Ask(request_response::Event::Message {
            message: request_response::Message::Request { channel, .. },
            ..
        }))) = event
        {
            swarm.behaviour_mut().ask.send_response(channel, vec![b'/'; limits::INTRODUCTION_BYTES_MAX + 1]).unwrap();
        }
        false
    });
    tokio::select! {
        () = answer => {}
        () = victim.until_dropped(MeshDropReason::TooLong, 1) => {}
    }
}

#[tokio::test]
async fn a_peer_that_is_no_healnode_is_left_alone() {
    let mut victim = Node::start(1, loopback()).await;
    let mut stranger = Villain::approaching(&victim, 3, "ipfs/0.1.0");
    let id = stranger.identity.node_id();
    tokio::select! {
        () = stranger.until(|_, _| false) => {}
        () = victim.until_event(MeshEvent::PeerDown(id)) => {}
    }
}
