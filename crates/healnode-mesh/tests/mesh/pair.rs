//! Two or three nodes: who connects to whom, what passes between them, and what happens when one goes away.

use std::net::TcpListener;

use healnode_core::{RawError, Report, Summary, SyncRequest, SyncResponse, UnixMillis};
use healnode_mesh::{
    Mesh, MeshAnswer, MeshCommand, MeshConfig, MeshDropReason, MeshEvent, MeshResponse, SwarmKey, Transports, limits, parse_bootstrap,
};
use healnode_wire::Request;
use tokio::io::copy_bidirectional;

use crate::support::{Node, exchange, form, identity, knowing, listening, loopback, patiently, run};

fn private(config: MeshConfig, key: u8) -> MeshConfig {
    MeshConfig { swarm_key: Some(SwarmKey::generate([key; 32])), ..config }
}

async fn check_gossip(mut nodes: Vec<Node>) {
    form(&mut nodes).await;
    exchange(&mut nodes).await;
    for node in nodes {
        node.stop().await;
    }
}

#[tokio::test]
async fn two_nodes_gossip_both_ways_over_tcp() {
    let one = Node::start(1, loopback()).await;
    let two = Node::start(2, knowing(&one.addresses[0])).await;
    check_gossip(vec![one, two]).await;
}

#[tokio::test]
async fn two_nodes_gossip_both_ways_over_quic() {
    let one = Node::start(1, listening("/ip4/127.0.0.1/udp/0/quic-v1")).await;
    assert!(one.addresses[0].ends_with("/quic-v1"));
    let two = Node::start(2, knowing(&one.whole_address())).await;
    check_gossip(vec![one, two]).await;
}

#[tokio::test]
async fn nodes_with_the_same_swarm_key_gossip() {
    let one = Node::start(1, private(loopback(), 7)).await;
    let two = Node::start(2, private(knowing(&one.addresses[0]), 7)).await;
    check_gossip(vec![one, two]).await;
}

/// A stranger's first dial has failed for certain once it dials again; a friend connects all the while.
#[tokio::test]
async fn a_node_with_another_swarm_key_or_none_does_not_connect() {
    let mut one = Node::start(1, private(loopback(), 7)).await;
    let door = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let door_address = format!("/ip4/127.0.0.1/tcp/{}", door.local_addr().unwrap().port());
    let behind = one.addresses[0].rsplit('/').next().unwrap().to_owned();

    let mut strangers = [Node::start(2, private(knowing(&door_address), 8)).await, Node::start(3, knowing(&door_address)).await];
    let mut visits = tokio::task::JoinSet::new();
    patiently("the strangers to try again", async {
        while visits.len() < 4 {
            let (mut stranger, _) = door.accept().await.unwrap();
            let mut inside = tokio::net::TcpStream::connect(format!("127.0.0.1:{behind}")).await.unwrap();
            visits.spawn(async move { copy_bidirectional(&mut stranger, &mut inside).await });
        }
    })
    .await;
    let friend = Node::start(4, private(knowing(&one.addresses[0]), 7)).await;
    one.until_event(MeshEvent::PeerUp(friend.id)).await;

    let met = |node: &mut Node| -> Vec<MeshEvent> {
        node.all_told().iter().filter(|event| matches!(event, MeshEvent::PeerUp(_))).cloned().collect()
    };
    assert_eq!(met(&mut one), [MeshEvent::PeerUp(friend.id)]);
    strangers.iter_mut().for_each(|stranger| assert_eq!(met(stranger), []));
}

#[tokio::test]
async fn an_allow_list_lets_friends_in_and_keeps_strangers_out() {
    let friend_id = identity(3).node_id();
    let mut one = Node::start(1, MeshConfig { allow: vec![friend_id], ..loopback() }).await;
    let mut stranger = Node::start(2, knowing(&one.addresses[0])).await;
    stranger.until_event(MeshEvent::PeerDown(one.id)).await;
    let friend = Node::start(3, knowing(&one.addresses[0])).await;
    one.until_event(MeshEvent::PeerUp(friend_id)).await;
    assert!(!one.all_told().contains(&MeshEvent::PeerUp(stranger.id)));
    let mut nodes = [one, friend];
    form(&mut nodes).await;
}

#[tokio::test]
async fn a_bootstrap_node_that_comes_up_later_is_found() {
    let placeholder = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("/ip4/127.0.0.1/tcp/{}", placeholder.local_addr().unwrap().port());
    let mut two = Node::start(2, knowing(&address)).await;
    let refused = tokio::task::spawn_blocking(move || placeholder.accept().map(drop));
    patiently("a dial in vain", refused).await.unwrap().unwrap();

    let one = Node::start(1, listening(&address)).await;
    two.until_event(MeshEvent::PeerUp(one.id)).await;
}

#[tokio::test]
async fn a_peer_that_was_restarted_is_found_again() {
    let one = Node::start(1, loopback()).await;
    let (address, id) = (one.addresses[0].clone(), one.id);
    let mut two = Node::start(2, knowing(&one.whole_address())).await;
    two.until_event(MeshEvent::PeerUp(id)).await;
    one.stop().await;
    two.until_event(MeshEvent::PeerDown(id)).await;
    let one = Node::start(1, listening(&address)).await;
    two.until_event(MeshEvent::PeerUp(id)).await;
    check_gossip(vec![one, two]).await;
}

#[tokio::test]
async fn a_node_without_bootstrap_finds_the_peers_that_it_knew_before() {
    let one = Node::start(1, loopback()).await;
    let id = one.id;
    let mut two = Node::start(2, knowing(&one.addresses[0])).await;
    let remembered = two
        .until("the peer's addresses", |event| match event {
            MeshEvent::PeerAddresses { node, addresses } if node == id => Some(addresses),
            _ => None,
        })
        .await;
    assert_eq!(remembered, one.addresses);
    two.stop().await;

    let config = MeshConfig { known_peers: vec![(id, [vec!["nonsense".to_owned()], remembered].concat())], ..loopback() };
    let mut two = Node::start(2, config).await;
    two.until_event(MeshEvent::PeerUp(id)).await;
}

#[tokio::test]
async fn a_bootstrap_address_that_belongs_to_another_identity_is_not_accepted() {
    let one = Node::start(1, loopback()).await;
    let three = Node::start(3, loopback()).await;
    let impostor = format!("{}/p2p/{}", one.addresses[0], identity(9).node_id());
    let bootstrap = [impostor, three.whole_address()].map(|text| parse_bootstrap(&text, Transports::TcpAndQuic).unwrap());
    let mut two = Node::start(2, MeshConfig { bootstrap: bootstrap.to_vec(), ..loopback() }).await;
    two.until_event(MeshEvent::PeerUp(three.id)).await;
    assert!(!two.all_told().contains(&MeshEvent::PeerUp(one.id)));
}

#[tokio::test]
async fn a_port_in_use_is_an_error_that_names_the_address() {
    let one = Node::start(1, loopback()).await;
    let error = Mesh::bind(&identity(2), listening(&one.addresses[0])).await.err().unwrap();
    assert!(error.to_string().contains(&one.addresses[0]), "{error}");
    assert!(std::error::Error::source(&error).unwrap().to_string().contains("in use"));
}

fn compare() -> Request {
    Request::Pull(SyncRequest::Compare { summary: Summary([7; 16]) })
}

/// Answers the next question of `asker`, which must be `request`.
async fn answer(node: &mut Node, asker: &Node, request: &Request, response: MeshResponse) {
    let (id, from, asked) = node
        .until("a question", |event| match event {
            MeshEvent::Asked { id, from, request } => Some((id, from, request)),
            _ => None,
        })
        .await;
    assert_eq!((from, &asked), (asker.id, request));
    node.send(MeshCommand::Answer { id, response }).await;
}

#[tokio::test]
async fn a_late_joiner_asks_and_is_answered_both_ways() {
    let mut one = Node::start(1, loopback()).await;
    one.publish().await;
    let mut late = Node::start(2, knowing(&one.addresses[0])).await;
    late.until_event(MeshEvent::PeerUp(one.id)).await;
    one.until_event(MeshEvent::PeerUp(late.id)).await;

    let want = Request::Pull(SyncRequest::Want { have: Default::default() });
    let page = SyncResponse::Page { runs: vec![run(&one.identity, 1)], more: false };
    late.send(MeshCommand::Ask { id: 11, to: one.id, request: want.clone() }).await;
    answer(&mut one, &late, &want, MeshResponse::Pull(page.clone())).await;
    late.until_event(MeshEvent::Answered { id: 11, from: one.id, answer: Some(MeshAnswer::Pull(page)) }).await;

    one.send(MeshCommand::Ask { id: 11, to: late.id, request: compare() }).await;
    answer(&mut late, &one, &compare(), MeshResponse::Pull(SyncResponse::Same)).await;
    one.until_event(MeshEvent::Answered { id: 11, from: late.id, answer: Some(MeshAnswer::Pull(SyncResponse::Same)) }).await;
}

#[tokio::test]
async fn a_sample_is_fetched_from_a_peer_that_has_one_and_missed_at_one_that_has_none() {
    let mut one = Node::start(1, loopback()).await;
    let mut two = Node::start(2, knowing(&one.addresses[0])).await;
    two.until_event(MeshEvent::PeerUp(one.id)).await;
    let sample = Report::new(RawError::new("ValueError", "no such thing"), UnixMillis(1));
    let request = Request::Sample(sample.fingerprint());

    two.send(MeshCommand::Ask { id: 1, to: one.id, request: request.clone() }).await;
    answer(&mut one, &two, &request, MeshResponse::Sample(Some(Box::new(sample.clone())))).await;
    let raw = two
        .until("the sample", |event| match event {
            MeshEvent::Answered { answer: Some(MeshAnswer::Sample(sample)), .. } => sample,
            _ => None,
        })
        .await;
    assert_eq!(Report::new(*raw, UnixMillis(2)), sample);

    two.send(MeshCommand::Ask { id: 2, to: one.id, request: request.clone() }).await;
    answer(&mut one, &two, &request, MeshResponse::Sample(None)).await;
    two.until_event(MeshEvent::Answered { id: 2, from: one.id, answer: Some(MeshAnswer::Sample(None)) }).await;
}

#[tokio::test]
async fn an_answer_of_another_kind_than_the_question_is_none() {
    let mut one = Node::start(1, loopback()).await;
    let mut two = Node::start(2, knowing(&one.addresses[0])).await;
    two.until_event(MeshEvent::PeerUp(one.id)).await;
    two.send(MeshCommand::Ask { id: 1, to: one.id, request: compare() }).await;
    answer(&mut one, &two, &compare(), MeshResponse::Sample(None)).await;
    two.until_event(MeshEvent::Answered { id: 1, from: one.id, answer: None }).await;
    two.until_dropped(MeshDropReason::Malformed, 1).await;
}

#[tokio::test]
async fn questions_over_the_bound_are_refused_and_the_others_answered() {
    let mut one = Node::start(1, loopback()).await;
    let mut two = Node::start(2, knowing(&one.addresses[0])).await;
    two.until_event(MeshEvent::PeerUp(one.id)).await;
    let admitted = limits::REQUESTS_PER_PEER_MAX as u64;
    for id in 0..admitted + 2 {
        two.send(MeshCommand::Ask { id, to: one.id, request: compare() }).await;
    }
    one.until_dropped(MeshDropReason::TooManyRequests, 2).await;
    for _ in 0..2 {
        two.until("a refusal", |event| matches!(event, MeshEvent::Answered { answer: None, .. }).then_some(())).await;
    }
    let asked: Vec<u64> =
        one.all_told().iter().filter_map(|event| if let MeshEvent::Asked { id, .. } = event { Some(*id) } else { None }).collect();
    assert_eq!(asked.len() as u64, admitted);
    for id in asked {
        one.send(MeshCommand::Answer { id, response: MeshResponse::Pull(SyncResponse::Same) }).await;
        two.until("an answer", |event| matches!(event, MeshEvent::Answered { answer: Some(_), .. }).then_some(())).await;
    }
}

/// The channel of events has one place and nobody takes from it, while more commands come than their channel has places for.
#[tokio::test]
async fn a_node_that_takes_no_events_can_still_give_commands_and_loses_no_answer() {
    let mesh = Mesh::bind(&identity(1), loopback()).await.unwrap();
    let mut node = Node::around(identity(1), mesh, 1);
    let nobody = identity(2).node_id();
    patiently("the mesh to take commands", async {
        for id in 0..300 {
            node.send(MeshCommand::Ask { id, to: nobody, request: compare() }).await;
        }
    })
    .await;
    for id in 0..300 {
        node.until_event(MeshEvent::Answered { id, from: nobody, answer: None }).await;
    }
}

/// With ids made of content, the second would pass for a duplicate and never be sent, also when the first was lost on the way.
#[tokio::test]
async fn a_run_that_is_published_again_arrives_again() {
    let one = Node::start(1, loopback()).await;
    let two = Node::start(2, knowing(&one.addresses[0])).await;
    let mut nodes = [one, two];
    form(&mut nodes).await;
    let [one, two] = &mut nodes;
    let again = run(&one.identity, 77);
    for _ in 0..2 {
        one.send(MeshCommand::Publish(again.clone())).await;
        two.until_event(MeshEvent::Run(again.clone())).await;
    }
}

#[tokio::test]
async fn a_run_for_nobody_is_counted() {
    let mut alone = Node::start(1, loopback()).await;
    alone.publish().await;
    alone.until_dropped(MeshDropReason::NoPeers, 1).await;
}
