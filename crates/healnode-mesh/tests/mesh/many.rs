//! The shape of a mesh: nodes that know one address find each other, and nobody is needed for good.

use futures::future::join_all;
use healnode_mesh::MeshEvent;

use crate::support::{Node, exchange, form, knowing, loopback, patiently};

async fn around_one(count: u8) -> Vec<Node> {
    let hub = Node::start(1, loopback()).await;
    let address = hub.addresses[0].clone();
    let others = join_all((2..=count).map(|seed| Node::start(seed, knowing(&address)))).await;
    std::iter::once(hub).chain(others).collect()
}

/// All twenty share one IP address, which is what gossipsub's default scores punish, and know one bootstrap node, which cannot keep so many
/// in its own mesh.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_nodes_that_know_one_address_form_a_mesh_that_outlives_it() {
    let mut nodes = around_one(20).await;
    form(&mut nodes).await;
    exchange(&mut nodes).await;

    let hub = nodes.remove(0);
    let hub_id = hub.id;
    hub.stop().await;
    let gone = nodes.iter_mut().map(async |node| {
        while !node.told.contains(&MeshEvent::PeerDown(hub_id)) {
            node.next().await;
        }
    });
    patiently("everybody to notice that the bootstrap node is gone", join_all(gone)).await;
    exchange(&mut nodes).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_nodes_that_know_one_address_reach_each_other() {
    let mut nodes = around_one(50).await;
    form(&mut nodes).await;
    exchange(&mut nodes).await;
}

#[tokio::test]
async fn four_nodes_that_know_one_address_all_get_to_know_each_other() {
    let mut nodes = around_one(4).await;
    let all_met = nodes.iter_mut().map(async |node| {
        while node.told.iter().filter(|event| matches!(event, MeshEvent::PeerUp(_))).count() < 3 {
            node.next().await;
        }
    });
    patiently("four nodes to know each other", join_all(all_met)).await;
}
