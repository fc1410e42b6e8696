//! Who is connected, since when, and what they did wrong.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use healnode_core::NodeId;
use rand::seq::IteratorRandom;

use crate::limits::{LET_GO_AFTER, PEERS_COMFORTABLE};

/// Who is connected.
#[derive(Default)]
pub(crate) struct Roster {
    links: BTreeMap<NodeId, Link>,
}

/// A connected peer.
pub(crate) struct Link {
    since: Instant,
    /// Whether the peer was reached over this machine's loopback.
    pub(crate) loopback: bool,
    faults: u32,
    last_fault: Instant,
}

/// How long a fault outside gossip is held against a peer.
const FAULT_MEMORY: Duration = Duration::from_secs(600);

impl Roster {
    pub(crate) fn len(&self) -> usize {
        self.links.len()
    }

    pub(crate) fn contains(&self, node: &NodeId) -> bool {
        self.links.contains_key(node)
    }

    pub(crate) fn nodes(&self) -> impl Iterator<Item = &NodeId> {
        self.links.keys()
    }

    pub(crate) fn link(&self, node: &NodeId) -> Option<&Link> {
        self.links.get(node)
    }

    /// Notes a first connection.
    pub(crate) fn open(&mut self, node: NodeId, loopback: bool, now: Instant) {
        self.links.insert(node, Link { since: now, loopback, faults: 0, last_fault: now });
    }

    /// Notes that the last connection closed, and returns how long there was one.
    pub(crate) fn close(&mut self, node: &NodeId, now: Instant) -> Option<Duration> {
        self.links.remove(node).map(|link| now.saturating_duration_since(link.since))
    }

    /// Returns a peer to let go, if there are so many that newcomers might find no place.
    pub(crate) fn spare(&self, now: Instant) -> Option<NodeId> {
        if self.links.len() <= PEERS_COMFORTABLE {
            return None;
        }
        let settled = self.links.iter().filter(|(_, link)| now.saturating_duration_since(link.since) >= LET_GO_AFTER);
        settled.map(|(node, _)| *node).choose(&mut rand::rng())
    }

    /// Notes a fault outside gossip, and returns how many there are now.
    pub(crate) fn blame(&mut self, node: &NodeId, now: Instant) -> u32 {
        self.links.get_mut(node).map_or(0, |link| {
            link.faults = link.faults.saturating_add(1);
            link.last_fault = now;
            link.faults
        })
    }

    /// Forgives whoever has done nothing wrong for ten minutes, and returns whom.
    pub(crate) fn forgive(&mut self, now: Instant) -> Vec<NodeId> {
        let due = |link: &Link| link.faults > 0 && now.saturating_duration_since(link.last_fault) >= FAULT_MEMORY;
        let forgiven: Vec<NodeId> = self.links.iter().filter(|(_, link)| due(link)).map(|(node, _)| *node).collect();
        for node in &forgiven {
            self.links.entry(*node).and_modify(|link| link.faults = 0);
        }
        forgiven
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_add_up_and_are_forgiven_in_time() {
        let (node, start) = (NodeId::from_key([1; 32]), Instant::now());
        let mut roster = Roster::default();
        assert_eq!(roster.blame(&node, start), 0, "nobody is there");
        roster.open(node, false, start);
        assert_eq!((roster.blame(&node, start), roster.blame(&node, start)), (1, 2));
        assert_eq!(roster.forgive(start + FAULT_MEMORY / 2), []);
        assert_eq!(roster.forgive(start + FAULT_MEMORY), [node]);
        assert_eq!(roster.forgive(start + FAULT_MEMORY), []);
        assert_eq!(roster.blame(&node, start), 1);
    }

    #[test]
    fn a_crowded_node_lets_a_settled_peer_go() {
        let start = Instant::now();
        let mut roster = Roster::default();
        let node = |n: usize| NodeId::from_key([u8::try_from(n).unwrap(); 32]);
        (0..PEERS_COMFORTABLE).for_each(|n| roster.open(node(n), false, start));
        assert_eq!(roster.spare(start + LET_GO_AFTER), None, "there is room");
        roster.open(node(PEERS_COMFORTABLE), false, start + LET_GO_AFTER);
        assert_eq!(roster.spare(start + LET_GO_AFTER / 2), None, "nobody has settled");
        let spared = roster.spare(start + LET_GO_AFTER);
        assert!(spared.is_some_and(|spared| spared != node(PEERS_COMFORTABLE)), "not the newcomer");
    }

    #[test]
    fn a_link_tells_how_long_it_lasted() {
        let (node, start) = (NodeId::from_key([1; 32]), Instant::now());
        let mut roster = Roster::default();
        roster.open(node, false, start);
        assert_eq!(roster.close(&node, start + FAULT_MEMORY), Some(FAULT_MEMORY));
        assert_eq!(roster.close(&node, start), None);
    }
}
