//! What waits for a node that is slower than its mesh.
//!
//! Everything that must not be lost is kept in a form that cannot grow without end: of a peer only what has changed since the node was last
//! told, of drops a number by reason. Runs may be lost, so the oldest stay and new ones are dropped. Questions are bounded by `requests.rs`,
//! answers by what the node itself asked.

use std::collections::{BTreeMap, VecDeque};

use healnode_core::{NodeId, Run};

use crate::limits::RUNS_WAITING_MAX;
use crate::{MeshDropReason, MeshEvent};

/// Events that the node has not taken yet.
#[derive(Default)]
pub(crate) struct Outbox {
    peers: BTreeMap<NodeId, Change>,
    exchanges: VecDeque<MeshEvent>,
    runs: VecDeque<Run>,
    addresses: BTreeMap<NodeId, Vec<String>>,
    faults: BTreeMap<NodeId, u32>,
    listening: Option<Vec<String>>,
    dropped: BTreeMap<MeshDropReason, u64>,
}

/// What the node has not been told yet about a peer.
#[derive(Clone, Copy)]
enum Change {
    Up,
    Down,
    DownAndUp,
}

impl Outbox {
    pub(crate) fn peer_up(&mut self, node: NodeId) {
        let change = if self.peers.contains_key(&node) { Change::DownAndUp } else { Change::Up };
        self.peers.insert(node, change);
    }

    pub(crate) fn peer_down(&mut self, node: NodeId) {
        match self.peers.remove(&node) {
            Some(Change::Up) => {}
            Some(Change::Down | Change::DownAndUp) | None => {
                self.peers.insert(node, Change::Down);
            }
        }
    }

    /// Queues an [`MeshEvent::Asked`] or an [`MeshEvent::Answered`].
    pub(crate) fn exchange(&mut self, event: MeshEvent) {
        self.exchanges.push_back(event);
    }

    /// Takes a question back that its peer no longer waits for.
    pub(crate) fn withdraw(&mut self, asked: u64) {
        self.exchanges.retain(|event| !matches!(event, MeshEvent::Asked { id, .. } if *id == asked));
    }

    pub(crate) fn run(&mut self, run: Run) {
        if self.runs.len() < RUNS_WAITING_MAX {
            self.runs.push_back(run);
        } else {
            self.dropped(MeshDropReason::NodeBusy, 1);
        }
    }

    pub(crate) fn addresses(&mut self, node: NodeId, addresses: Vec<String>) {
        self.addresses.insert(node, addresses);
    }

    pub(crate) fn faults(&mut self, node: NodeId, faults: u32) {
        self.faults.insert(node, faults);
    }

    pub(crate) fn listening(&mut self, addresses: Vec<String>) {
        self.listening = Some(addresses);
    }

    pub(crate) fn dropped(&mut self, reason: MeshDropReason, count: u64) {
        *self.dropped.entry(reason).or_default() += count;
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.peers.is_empty()
            && self.exchanges.is_empty()
            && self.runs.is_empty()
            && self.addresses.is_empty()
            && self.faults.is_empty()
            && self.listening.is_none()
            && self.dropped.is_empty()
    }

    /// Takes what the node should hear next. News of a peer comes before what the peer says.
    pub(crate) fn pop(&mut self) -> Option<MeshEvent> {
        self.pop_peer()
            .or_else(|| self.listening.take().map(MeshEvent::Listening))
            .or_else(|| self.exchanges.pop_front())
            .or_else(|| self.runs.pop_front().map(MeshEvent::Run))
            .or_else(|| self.addresses.pop_first().map(|(node, addresses)| MeshEvent::PeerAddresses { node, addresses }))
            .or_else(|| self.faults.pop_first().map(|(node, faults)| MeshEvent::PeerFaults { node, faults }))
            .or_else(|| self.dropped.pop_first().map(|(reason, count)| MeshEvent::Dropped { reason, count }))
    }

    fn pop_peer(&mut self) -> Option<MeshEvent> {
        let (node, change) = self.peers.pop_first()?;
        match change {
            Change::Up => Some(MeshEvent::PeerUp(node)),
            Change::Down => Some(MeshEvent::PeerDown(node)),
            Change::DownAndUp => {
                self.peers.insert(node, Change::Up);
                Some(MeshEvent::PeerDown(node))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use healnode_core::{Epoch, Seq};

    use super::*;

    const PEER: NodeId = NodeId::from_key([1; 32]);

    fn check(changes: &str, expected: &[MeshEvent]) {
        let mut outbox = Outbox::default();
        for change in changes.chars() {
            if change == 'u' { outbox.peer_up(PEER) } else { outbox.peer_down(PEER) }
        }
        let told: Vec<MeshEvent> = std::iter::from_fn(|| outbox.pop()).collect();
        assert_eq!(told, expected, "{changes}");
        assert!(outbox.is_empty());
    }

    #[test]
    fn a_slow_node_hears_what_has_changed_about_a_peer_and_no_more() {
        check("u", &[MeshEvent::PeerUp(PEER)]);
        check("ud", &[]);
        check("udu", &[MeshEvent::PeerUp(PEER)]);
        check("d", &[MeshEvent::PeerDown(PEER)]);
        check("du", &[MeshEvent::PeerDown(PEER), MeshEvent::PeerUp(PEER)]);
        check("dud", &[MeshEvent::PeerDown(PEER)]);
        check("dudu", &[MeshEvent::PeerDown(PEER), MeshEvent::PeerUp(PEER)]);
    }

    #[test]
    fn runs_over_the_bound_are_dropped_and_counted() {
        let mut outbox = Outbox::default();
        for through in 1..=RUNS_WAITING_MAX as u64 + 3 {
            outbox.run(Run { origin: PEER, epoch: Epoch(1), after: Seq(0), through: Seq(through), statements: Vec::new() });
        }
        outbox.peer_up(PEER);
        let told: Vec<MeshEvent> = std::iter::from_fn(|| outbox.pop()).collect();
        assert_eq!(told.len(), RUNS_WAITING_MAX + 2);
        assert_eq!(told[0], MeshEvent::PeerUp(PEER), "news of peers do not wait behind runs");
        assert_eq!(told.last(), Some(&MeshEvent::Dropped { reason: MeshDropReason::NodeBusy, count: 3 }));
    }
}
