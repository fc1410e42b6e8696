//! Where peers can be reached, and which of them is worth a dial.
//!
//! What a peer says of itself replaces what was known; what others say of it only fills gaps. Knows nothing of connections.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use healnode_core::NodeId;
use libp2p::Multiaddr;

use crate::backoff::Backoff;
use crate::limits::{BOOK_ADDRESSES_MAX, BOOK_PEERS_MAX, REDIAL_FIRST, REDIAL_LONGEST};

/// Failed dials after which a peer that was never met is forgotten.
const HEARSAY_FAILURES_MAX: u32 = 4;

/// How often the waits of all met peers may be ended because one was reached: a peer that comes and goes shall not set the pace.
const HURRY_EVERY: Duration = Duration::from_secs(5);

/// Where peers can be reached.
#[derive(Default)]
pub(crate) struct Book {
    entries: BTreeMap<NodeId, Entry>,
    hurried: Option<Instant>,
}

struct Entry {
    addresses: Vec<Multiaddr>,
    /// The address that a dial last reached it at, which stays whatever the peer announces.
    proven: Option<Multiaddr>,
    /// What the node was last told of it.
    told: Vec<Multiaddr>,
    /// Whether it was ever connected, so that it is more than hearsay.
    met: bool,
    backoff: Backoff,
}

impl Book {
    /// Notes what a peer says of itself. Returns all its addresses if they are not those that were returned last.
    pub(crate) fn announce(&mut self, node: NodeId, addresses: Vec<Multiaddr>, now: Instant) -> Option<&[Multiaddr]> {
        let entry = self.entry(node, now)?;
        entry.met = true;
        entry.addresses = entry.proven.iter().cloned().collect();
        addresses.into_iter().for_each(|address| entry.add(address));
        if entry.addresses == entry.told {
            return None;
        }
        entry.told.clone_from(&entry.addresses);
        Some(&entry.told)
    }

    /// Notes that a dial reached a peer at this address.
    pub(crate) fn prove(&mut self, node: NodeId, address: Multiaddr, now: Instant) {
        if let Some(entry) = self.entry(node, now) {
            entry.met = true;
            entry.addresses.retain(|known| *known != address);
            entry.addresses.insert(0, address.clone());
            entry.addresses.truncate(BOOK_ADDRESSES_MAX);
            entry.proven = Some(address);
        }
    }

    /// Notes what was known of a peer before this start.
    pub(crate) fn recall(&mut self, node: NodeId, addresses: Vec<Multiaddr>, now: Instant) {
        let _known_already = self.announce(node, addresses, now);
    }

    /// Notes what others say of a peer.
    pub(crate) fn hear(&mut self, node: NodeId, addresses: Vec<Multiaddr>, now: Instant) {
        if addresses.is_empty() {
            return;
        }
        if let Some(entry) = self.entry(node, now) {
            addresses.into_iter().for_each(|address| entry.add(address));
        }
    }

    /// Notes that a peer was dialled in vain. One that was never met is forgotten after a few such dials, but not by a node that is `alone` and
    /// has nothing better to try. One that was met may be cut off for days, and stays while there is room.
    pub(crate) fn fail(&mut self, node: &NodeId, alone: bool, now: Instant, chance: f64) {
        let Some(entry) = self.entries.get_mut(node) else {
            return;
        };
        entry.backoff.fail(now, chance);
        if !alone && !entry.met && entry.backoff.failures() >= HEARSAY_FAILURES_MAX {
            self.entries.remove(node);
        }
    }

    /// Notes that a good connection to a peer ended.
    pub(crate) fn restart(&mut self, node: &NodeId, now: Instant, chance: f64) {
        if let Some(entry) = self.entries.get_mut(node) {
            entry.backoff.restart(now, chance);
        }
    }

    /// Notes that a peer was reached: what kept it away may have kept others away, so those that were met are tried again at once.
    pub(crate) fn hurry(&mut self, now: Instant) {
        if self.hurried.is_some_and(|at| now.saturating_duration_since(at) < HURRY_EVERY) {
            return;
        }
        self.hurried = Some(now);
        self.entries.values_mut().filter(|entry| entry.met).for_each(|entry| entry.backoff.hurry(now));
    }

    pub(crate) fn addresses(&self, node: &NodeId) -> &[Multiaddr] {
        self.entries.get(node).map_or(&[], |entry| &entry.addresses)
    }

    /// Returns the peers that may be dialled.
    pub(crate) fn due(&self, now: Instant) -> impl Iterator<Item = NodeId> {
        self.entries.iter().filter(move |(_, entry)| entry.backoff.is_due(now) && !entry.addresses.is_empty()).map(|(node, _)| *node)
    }

    fn entry(&mut self, node: NodeId, now: Instant) -> Option<&mut Entry> {
        if !self.entries.contains_key(&node) && self.entries.len() >= BOOK_PEERS_MAX && !self.make_room() {
            return None;
        }
        let backoff = Backoff::new(REDIAL_FIRST, REDIAL_LONGEST, now);
        Some(self.entries.entry(node).or_insert(Entry { addresses: Vec::new(), proven: None, told: Vec::new(), met: false, backoff }))
    }

    fn make_room(&mut self) -> bool {
        let worst = self.entries.iter().max_by_key(|(_, entry)| (entry.backoff.failures(), !entry.met));
        match worst {
            Some((node, entry)) if entry.backoff.failures() > 0 || !entry.met => {
                let node = *node;
                self.entries.remove(&node).is_some()
            }
            Some(_) | None => false,
        }
    }
}

impl Entry {
    fn add(&mut self, address: Multiaddr) {
        if self.addresses.len() < BOOK_ADDRESSES_MAX && !self.addresses.contains(&address) {
            self.addresses.push(address);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(n: usize) -> NodeId {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&(n as u64).to_be_bytes());
        NodeId::from_key(key)
    }

    fn addresses(ports: std::ops::Range<u16>) -> Vec<Multiaddr> {
        ports.map(|port| format!("/ip4/192.0.2.1/tcp/{port}").parse().unwrap()).collect()
    }

    #[test]
    fn what_a_peer_says_of_itself_replaces_hearsay_and_is_told_once() {
        let now = Instant::now();
        let mut book = Book::default();
        book.hear(node(1), addresses(1..9), now);
        book.hear(node(1), addresses(9..10), now);
        assert_eq!(book.addresses(&node(1)), addresses(1..9), "hearsay fills gaps only");
        assert_eq!(book.announce(node(1), addresses(20..22), now), Some(&addresses(20..22)[..]));
        assert_eq!(book.announce(node(1), addresses(20..22), now), None);
        assert_eq!(book.announce(node(1), addresses(21..22), now), Some(&addresses(21..22)[..]));
    }

    #[test]
    fn the_address_that_worked_comes_first_whatever_the_peer_says() {
        let now = Instant::now();
        let mut book = Book::default();
        book.prove(node(1), addresses(5..6).remove(0), now);
        book.announce(node(1), addresses(1..20), now);
        assert_eq!(book.addresses(&node(1)), [addresses(5..6), addresses(1..5), addresses(6..9)].concat());
    }

    #[test]
    fn what_was_known_before_this_start_is_not_told_back() {
        let now = Instant::now();
        let mut book = Book::default();
        book.recall(node(1), addresses(1..3), now);
        assert_eq!(book.announce(node(1), addresses(1..3), now), None);
    }

    #[test]
    fn a_full_book_gives_up_hearsay_and_failures_but_no_good_peer() {
        let now = Instant::now();
        let mut book = Book::default();
        (0..BOOK_PEERS_MAX - 1).for_each(|n| book.recall(node(n), addresses(1..2), now));
        book.hear(node(1000), addresses(1..2), now);
        book.hear(node(1001), addresses(1..2), now);
        assert_eq!((book.addresses(&node(1000)).len(), book.addresses(&node(1001)).len()), (0, 1), "newer hearsay takes its place");
        book.recall(node(1002), addresses(1..2), now);
        book.hear(node(1003), addresses(1..2), now);
        assert!(book.addresses(&node(1003)).is_empty(), "all are good");
        book.fail(&node(7), false, now, 1.0);
        book.hear(node(1003), addresses(1..2), now);
        assert_eq!((book.addresses(&node(7)).len(), book.addresses(&node(1003)).len()), (0, 1));
        assert_eq!(book.entries.len(), BOOK_PEERS_MAX);
    }

    #[test]
    fn when_one_peer_is_reached_the_others_that_were_met_are_tried_again_but_not_all_the_time() {
        let now = Instant::now();
        let mut book = Book::default();
        book.recall(node(1), addresses(1..2), now);
        book.hear(node(2), addresses(1..2), now);
        let fail_all = |book: &mut Book| [1, 2].iter().for_each(|n| (0..9).for_each(|_| book.fail(&node(*n), true, now, 1.0)));
        fail_all(&mut book);
        book.hurry(now);
        assert_eq!(book.due(now).collect::<Vec<_>>(), [node(1)]);
        fail_all(&mut book);
        book.hurry(now);
        assert_eq!(book.due(now).count(), 0);
    }

    #[test]
    fn a_peer_that_cannot_be_reached_is_forgotten_unless_the_node_is_alone() {
        let now = Instant::now();
        let mut book = Book::default();
        book.hear(node(1), addresses(1..2), now);
        (0..100).for_each(|_| book.fail(&node(1), true, now, 1.0));
        assert!(!book.addresses(&node(1)).is_empty());
        book.fail(&node(1), false, now, 1.0);
        assert!(book.addresses(&node(1)).is_empty());
    }
}
