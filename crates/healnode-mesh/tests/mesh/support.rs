//! Nodes without a core: each keeps what its mesh tells and says only what a test lets it say.

use std::collections::BTreeSet;
use std::future::Future;
use std::time::Duration;

use futures::future::join_all;
use healnode_core::{Body, Epoch, NodeId, Presence, Run, Seq, Signed, Signer, Statement};
use healnode_mesh::{Identity, Mesh, MeshCommand, MeshConfig, MeshDropReason, MeshEvent, Transports, parse_bootstrap, parse_listen};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

/// How long anything may take. Generous, since it only matters when something is broken.
const PATIENCE: Duration = Duration::from_secs(50);

/// How long to wait at first before a run is published anew.
const PROBE: Duration = Duration::from_millis(300);

pub(crate) struct Node {
    pub(crate) id: NodeId,
    pub(crate) identity: Identity,
    pub(crate) addresses: Vec<String>,
    pub(crate) heard: BTreeSet<(NodeId, Seq)>,
    pub(crate) told: Vec<MeshEvent>,
    commands: mpsc::Sender<MeshCommand>,
    events: mpsc::Receiver<MeshEvent>,
    tasks: JoinSet<()>,
    seq: u64,
}

/// Fails a test that waits for something that does not come.
pub(crate) async fn patiently<T>(what: &str, future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(PATIENCE, future).await {
        Ok(value) => value,
        Err(_) => panic!("waited in vain for {what}"),
    }
}

pub(crate) fn identity(seed: u8) -> Identity {
    Identity::from_seed([seed; 32])
}

/// A configuration that listens on a port of the system's choice and knows nobody.
pub(crate) fn loopback() -> MeshConfig {
    listening("/ip4/127.0.0.1/tcp/0")
}

pub(crate) fn listening(address: &str) -> MeshConfig {
    MeshConfig { listen: vec![parse_listen(address, Transports::TcpAndQuic).unwrap()], ..MeshConfig::default() }
}

/// The same, with one bootstrap address.
pub(crate) fn knowing(address: &str) -> MeshConfig {
    MeshConfig { bootstrap: vec![parse_bootstrap(address, Transports::TcpAndQuic).unwrap()], ..loopback() }
}

pub(crate) fn run(identity: &Identity, seq: u64) -> Run {
    let origin = identity.node_id();
    let body = Body::Presence(Presence { can_file: false, can_fix: false, version: "0.1.0".to_owned(), name: String::new(), algorithm: 1 });
    let statement = Statement { origin, epoch: Epoch(1), seq: Seq(seq), body };
    let signature = identity.sign(&statement);
    Run { origin, epoch: Epoch(1), after: Seq(seq - 1), through: Seq(seq), statements: vec![Signed { statement, signature }] }
}

impl Node {
    pub(crate) async fn start(seed: u8, config: MeshConfig) -> Node {
        let mesh = Mesh::bind(&identity(seed), config).await.unwrap();
        Node::around(identity(seed), mesh, 4096)
    }

    /// Runs a mesh whose events queue up in `places`.
    pub(crate) fn around(identity: Identity, mesh: Mesh, places: usize) -> Node {
        let (commands, commands_taken) = mpsc::channel(64);
        let (events_given, events) = mpsc::channel(places);
        let addresses = mesh.listen_addresses();
        let mut tasks = JoinSet::new();
        tasks.spawn(mesh.run(commands_taken, events_given));
        let (heard, told) = (BTreeSet::new(), Vec::new());
        Node { id: identity.node_id(), identity, addresses, heard, told, commands, events, tasks, seq: 0 }
    }

    /// Returns where this node can be reached, with its id.
    pub(crate) fn whole_address(&self) -> String {
        format!("{}/p2p/{}", self.addresses[0], self.id)
    }

    pub(crate) async fn send(&self, command: MeshCommand) {
        self.commands.send(command).await.unwrap();
    }

    /// Publishes a run of its own and returns its number.
    pub(crate) async fn publish(&mut self) -> Seq {
        self.seq += 1;
        self.send(MeshCommand::Publish(run(&self.identity, self.seq))).await;
        Seq(self.seq)
    }

    /// Takes the next event.
    pub(crate) async fn next(&mut self) -> MeshEvent {
        let event = self.events.recv().await.unwrap();
        if let MeshEvent::Run(run) = &event {
            self.heard.insert((run.origin, run.through));
        }
        self.told.push(event.clone());
        event
    }

    /// Takes events until one is what the test waits for.
    pub(crate) async fn until<T>(&mut self, what: &str, mut pick: impl FnMut(MeshEvent) -> Option<T>) -> T {
        patiently(what, async {
            loop {
                if let Some(found) = pick(self.next().await) {
                    return found;
                }
            }
        })
        .await
    }

    pub(crate) async fn until_event(&mut self, event: MeshEvent) {
        let what = format!("{event:?}");
        self.until(&what, |told| (told == event).then_some(())).await;
    }

    /// Takes events until everything in `wanted` has been heard, now or earlier.
    pub(crate) async fn until_heard(&mut self, wanted: &BTreeSet<(NodeId, Seq)>) {
        while !wanted.is_subset(&self.heard) {
            self.next().await;
        }
    }

    fn knows(&self, id: &NodeId) -> bool {
        *id == self.id || self.heard.iter().any(|(origin, _)| origin == id)
    }

    async fn until_known(&mut self, ids: &BTreeSet<NodeId>) {
        while !ids.iter().all(|id| self.knows(id)) {
            self.next().await;
        }
    }

    /// Takes events until so many have been dropped for this reason, now or earlier.
    pub(crate) async fn until_dropped(&mut self, reason: MeshDropReason, count: u64) {
        while self.dropped(reason) < count {
            patiently(reason.code(), self.next()).await;
        }
    }

    /// Returns how many were dropped for this reason, as far as events have been taken.
    pub(crate) fn dropped(&self, reason: MeshDropReason) -> u64 {
        let counted = |event: &MeshEvent| match event {
            MeshEvent::Dropped { reason: told, count } if *told == reason => *count,
            _ => 0,
        };
        self.told.iter().map(counted).sum()
    }

    /// Takes what is there already and returns all that was ever told.
    pub(crate) fn all_told(&mut self) -> &[MeshEvent] {
        while let Ok(event) = self.events.try_recv() {
            self.told.push(event);
        }
        &self.told
    }

    /// Stops the mesh and waits until it has stopped.
    pub(crate) async fn stop(mut self) {
        drop(self.commands);
        patiently("the mesh to stop", self.tasks.join_next()).await.unwrap().unwrap();
    }
}

/// Waits until a run of every node has reached every other. Whoever was not heard by all publishes anew, after ever longer waits, since links
/// may still be forming.
pub(crate) async fn form(nodes: &mut [Node]) {
    let mut wait = PROBE;
    patiently("the mesh to form", async {
        loop {
            let unheard: BTreeSet<NodeId> =
                nodes.iter().map(|node| node.id).filter(|id| !nodes.iter().all(|node| node.knows(id))).collect();
            if unheard.is_empty() {
                return;
            }
            for node in nodes.iter_mut().filter(|node| unheard.contains(&node.id)) {
                node.publish().await;
            }
            let listen = join_all(nodes.iter_mut().map(|node| node.until_known(&unheard)));
            if tokio::time::timeout(wait, listen).await.is_err() {
                wait *= 2;
            }
        }
    })
    .await;
}

/// Lets every node publish once, and waits until each of these runs has reached all others.
pub(crate) async fn exchange(nodes: &mut [Node]) {
    let mut published = BTreeSet::new();
    for node in nodes.iter_mut() {
        published.insert((node.id, node.publish().await));
    }
    let listen = nodes.iter_mut().map(|node| {
        let wanted = published.iter().filter(|(origin, _)| *origin != node.id).copied().collect();
        async move { node.until_heard(&wanted).await }
    });
    patiently("a run of each node to reach all others", join_all(listen)).await;
}
