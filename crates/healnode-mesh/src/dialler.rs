//! Whom to dial, and when.
//!
//! Bootstrap addresses are dialled for ever until somebody is reached there; known peers as long as too few are connected. Every failure
//! makes the next wait longer, and so does a connection that ended at once: a peer that refuses this node accepts the connection first.
//! A node never dials itself. Opens no connection: `mesh.rs` carries out what this decides.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use healnode_core::NodeId;
use libp2p::Multiaddr;
use libp2p::swarm::dial_opts::{DialOpts, PeerCondition};
use libp2p::swarm::{ConnectionId, DialError};
use rand::seq::IteratorRandom;

use crate::address::{is_loopback, is_numeric};
use crate::backoff::Backoff;
use crate::book::Book;
use crate::introduction::Introduction;
use crate::limits::{EXPLORE_EVERY, INTRODUCED_MAX, PEERS_WANTED, REDIAL_FIRST, REDIAL_LONGEST, STABLE_AFTER};
use crate::roster::Roster;
use crate::{BootstrapAddress, identity};

/// Whom to dial, and when.
pub(crate) struct Dialler {
    own: NodeId,
    own_addresses: BTreeSet<Multiaddr>,
    seeds: Vec<Seed>,
    pub(crate) book: Book,
    flights: BTreeMap<ConnectionId, Flight>,
    /// When a peer was last dialled that is not needed.
    explored: Option<Instant>,
}

/// A bootstrap address.
struct Seed {
    bootstrap: BootstrapAddress,
    /// Who was last reached there.
    holder: Option<NodeId>,
    /// Whether it turned out to be this node itself.
    is_own: bool,
    tried: Option<Instant>,
    backoff: Backoff,
}

/// What a dial under way is for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Flight {
    Seed(usize),
    Peer(NodeId),
}

impl Dialler {
    pub(crate) fn new(own: NodeId, bootstrap: Vec<BootstrapAddress>, now: Instant) -> Self {
        let seed = |bootstrap: BootstrapAddress| Seed {
            is_own: bootstrap.expected == Some(own),
            holder: bootstrap.expected,
            tried: None,
            backoff: Backoff::new(REDIAL_FIRST, REDIAL_LONGEST, now),
            bootstrap,
        };
        let seeds = bootstrap.into_iter().map(seed).collect();
        Self { own, own_addresses: BTreeSet::new(), seeds, book: Book::default(), flights: BTreeMap::new(), explored: None }
    }

    /// Notes an address of this node itself.
    pub(crate) fn listening(&mut self, address: Multiaddr) {
        for seed in self.seeds.iter_mut().filter(|seed| seed.bootstrap.address == address) {
            seed.is_own = true;
        }
        self.own_addresses.insert(address);
    }

    /// Returns the dials that are due; each counts as under way until it is [`opened`](Self::opened) or [`failed`](Self::failed).
    pub(crate) fn due(&mut self, roster: &Roster, now: Instant) -> Vec<DialOpts> {
        let mut dials = self.seeds_due(roster, now);
        dials.extend(self.peers_due(roster, now));
        dials
    }

    fn seeds_due(&mut self, roster: &Roster, now: Instant) -> Vec<DialOpts> {
        let pause = if roster.len() < PEERS_WANTED { Duration::ZERO } else { REDIAL_LONGEST };
        let mut dials = Vec::new();
        for (index, seed) in self.seeds.iter_mut().enumerate() {
            let flight = Flight::Seed(index);
            let under_way = self.flights.values().any(|other| *other == flight);
            if !under_way && seed.is_due(roster, pause, now) {
                seed.tried = Some(now);
                let dial = seed.dial();
                self.flights.insert(dial.connection_id(), flight);
                dials.push(dial);
            }
        }
        dials
    }

    fn peers_due(&mut self, roster: &Roster, now: Instant) -> Vec<DialOpts> {
        let under_way: BTreeSet<NodeId> = self.flights.values().filter_map(|flight| self.destination(flight)).collect();
        let missing = PEERS_WANTED.saturating_sub(roster.len() + under_way.len()).max(usize::from(self.is_time_to_explore(now)));
        let candidates = self.book.due(now).filter(|node| !roster.contains(node) && !under_way.contains(node));
        let chosen = candidates.sample(&mut rand::rng(), missing);
        let mut dials = Vec::new();
        for node in chosen {
            let elsewhere = |address: &&Multiaddr| !self.own_addresses.contains(*address);
            let addresses = self.book.addresses(&node).iter().filter(elsewhere).cloned().collect();
            let dial = dial(&node, addresses);
            self.flights.insert(dial.connection_id(), Flight::Peer(node));
            dials.push(dial);
        }
        dials
    }

    /// Once in a while one more peer is dialled than are needed: two halves of a mesh that was split are full each, and would never look for
    /// each other.
    fn is_time_to_explore(&mut self, now: Instant) -> bool {
        let is_time = self.explored.is_none_or(|at| now.saturating_duration_since(at) >= EXPLORE_EVERY);
        if is_time {
            self.explored = Some(now);
        }
        is_time
    }

    fn destination(&self, flight: &Flight) -> Option<NodeId> {
        match flight {
            Flight::Peer(node) => Some(*node),
            Flight::Seed(index) => self.seeds[*index].holder,
        }
    }

    /// Notes that there is a link to a peer that there was none to.
    pub(crate) fn reached(&mut self, now: Instant) {
        self.book.hurry(now);
    }

    /// Notes that a connection opened that this node dialled.
    pub(crate) fn opened(&mut self, connection: ConnectionId, node: NodeId, address: Multiaddr, now: Instant) {
        if let Some(Flight::Seed(index)) = self.flights.remove(&connection) {
            self.seeds[index].holder = Some(node);
        }
        self.book.prove(node, address, now);
    }

    /// Notes that a dial failed.
    pub(crate) fn failed(&mut self, connection: ConnectionId, error: &DialError, roster: &Roster, now: Instant) {
        match self.flights.remove(&connection) {
            Some(_) if matches!(error, DialError::DialPeerConditionFalse(_)) => {}
            Some(Flight::Seed(index)) => self.seeds[index].failed(error, now),
            Some(Flight::Peer(node)) => self.book.fail(&node, roster.len() == 0, now, rand::random()),
            None => {}
        }
    }

    /// Notes that the last connection to a peer ended, after it `lasted` so long.
    pub(crate) fn lost(&mut self, node: &NodeId, lasted: Duration, now: Instant) {
        let stable = lasted >= STABLE_AFTER;
        for seed in self.seeds.iter_mut().filter(|seed| seed.holder == Some(*node)) {
            if stable { seed.backoff.restart(now, rand::random()) } else { seed.backoff.fail(now, rand::random()) }
        }
        if stable { self.book.restart(node, now, rand::random()) } else { self.book.fail(node, true, now, rand::random()) }
    }

    /// Notes what a peer, connected in this way, says of itself. Returns all its addresses if they are not those that were returned last.
    pub(crate) fn announced(&mut self, node: NodeId, addresses: Vec<Multiaddr>, loopback: bool, now: Instant) -> Option<&[Multiaddr]> {
        let addresses = self.useful(addresses, loopback);
        self.book.announce(node, addresses, now)
    }

    /// Notes what a peer, connected in this way, says of others.
    pub(crate) fn introduced(&mut self, introduction: Introduction, loopback: bool, now: Instant) {
        for (node, addresses) in introduction {
            if node != self.own {
                let addresses = self.useful(addresses, loopback);
                self.book.hear(node, addresses, now);
            }
        }
    }

    /// Returns what to tell a peer of the others: some that are connected, chosen at random, so that no part of the mesh stays apart.
    pub(crate) fn introduction(&self, roster: &Roster, asker: &NodeId) -> Introduction {
        let loopback = roster.link(asker).is_some_and(|link| link.loopback);
        let others = roster.nodes().filter(|node| *node != asker).sample(&mut rand::rng(), INTRODUCED_MAX);
        let told = |node: &NodeId| self.book.addresses(node).iter().filter(|address| loopback || !is_loopback(address)).cloned().collect();
        others.into_iter().map(|node| (*node, told(node))).collect()
    }

    /// Leaves out what leads back here: this node's own addresses, and another machine's loopback.
    fn useful(&self, addresses: Vec<Multiaddr>, loopback: bool) -> Vec<Multiaddr> {
        addresses.into_iter().filter(|address| !self.own_addresses.contains(address) && (loopback || !is_loopback(address))).collect()
    }
}

impl Seed {
    fn is_due(&self, roster: &Roster, pause: Duration, now: Instant) -> bool {
        let held = self.holder.is_some_and(|node| roster.contains(&node));
        let rested = self.tried.is_none_or(|tried| now.saturating_duration_since(tried) >= pause);
        !self.is_own && !held && rested && self.backoff.is_due(now)
    }

    fn dial(&self) -> DialOpts {
        let address = self.bootstrap.address.clone();
        match &self.bootstrap.expected {
            Some(node) => dial(node, vec![address]),
            None => DialOpts::unknown_peer_id().address(address).allocate_new_port().build(),
        }
    }

    /// A name may stand for several machines, this one among them, so only a numeric address is given up as our own.
    fn failed(&mut self, error: &DialError, now: Instant) {
        let bootstrap = &self.bootstrap;
        if matches!(error, DialError::LocalPeerId { .. }) && is_numeric(&bootstrap.address) {
            self.is_own = true;
            tracing::info!(%bootstrap, "a bootstrap address is this node's own");
        } else if self.backoff.failures() == 0 {
            tracing::warn!(
                %bootstrap,
                "a bootstrap address cannot be reached and is tried again for ever; if a node is there, compare swarm keys and mesh.allow"
            );
        }
        tracing::debug!(%bootstrap, %error, "dial failed");
        self.backoff.fail(now, rand::random());
    }
}

/// Dials from a port of its own: from the listening port, two nodes that dial each other at once would meet in one connection with two
/// initiators.
fn dial(node: &NodeId, addresses: Vec<Multiaddr>) -> DialOpts {
    DialOpts::peer_id(identity::peer_id(node)).condition(PeerCondition::Disconnected).allocate_new_port().addresses(addresses).build()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Identity, Transports, parse_bootstrap};

    const SEED: &str = "/ip4/192.0.2.7/tcp/4801";

    fn node(n: u8) -> NodeId {
        Identity::from_seed([n; 32]).node_id()
    }

    fn address(last: u8) -> Multiaddr {
        format!("/ip4/192.0.2.{last}/tcp/4801").parse().unwrap()
    }

    fn dialler(bootstrap: &str, now: Instant) -> Dialler {
        Dialler::new(node(1), vec![parse_bootstrap(bootstrap, Transports::TcpAndQuic).unwrap()], now)
    }

    fn roster(nodes: impl IntoIterator<Item = u8>, now: Instant) -> Roster {
        let mut roster = Roster::default();
        nodes.into_iter().for_each(|n| roster.open(node(n), false, now));
        roster
    }

    /// Returns the one dial that is due.
    fn only_dial(dialler: &mut Dialler, roster: &Roster, now: Instant) -> ConnectionId {
        let dials = dialler.due(roster, now);
        assert_eq!(dials.len(), 1);
        dials[0].connection_id()
    }

    /// Counts the dials of an hour in which each is answered by `outcome`.
    fn dials_in_an_hour(dialler: &mut Dialler, roster: &Roster, mut outcome: impl FnMut(&mut Dialler, ConnectionId, Instant)) -> usize {
        let start = Instant::now();
        let mut count = 0;
        for quarter_second in 0..4 * 3600 {
            let now = start + Duration::from_millis(250 * quarter_second);
            for dial in dialler.due(roster, now) {
                count += 1;
                outcome(dialler, dial.connection_id(), now);
            }
        }
        count
    }

    #[test]
    fn an_address_that_fails_is_dialled_again_for_ever_but_not_often() {
        let mut dialler = dialler(SEED, Instant::now());
        let nobody = Roster::default();
        let dials = dials_in_an_hour(&mut dialler, &nobody, |dialler, id, now| {
            dialler.failed(id, &DialError::Aborted, &Roster::default(), now);
        });
        assert!((60..=140).contains(&dials), "{dials}");
    }

    #[test]
    fn a_peer_that_accepts_and_then_closes_is_not_dialled_in_a_loop() {
        let mut dialler = dialler(SEED, Instant::now());
        let nobody = Roster::default();
        let dials = dials_in_an_hour(&mut dialler, &nobody, |dialler, id, now| {
            dialler.opened(id, node(2), address(7), now);
            dialler.lost(&node(2), Duration::from_millis(30), now);
        });
        assert!((60..=280).contains(&dials), "seed and address book dial it, each within its own back-off: {dials}");
    }

    #[test]
    fn after_a_good_connection_the_next_dial_comes_soon() {
        let now = Instant::now();
        let mut dialler = dialler(SEED, now);
        let nobody = Roster::default();
        for _ in 0..9 {
            let later = now + 20 * REDIAL_LONGEST;
            let id = only_dial(&mut dialler, &nobody, later);
            dialler.failed(id, &DialError::Aborted, &nobody, now);
        }
        let id = only_dial(&mut dialler, &nobody, now + REDIAL_LONGEST);
        dialler.opened(id, node(2), address(7), now);
        dialler.lost(&node(2), STABLE_AFTER, now);
        assert!(!dialler.due(&nobody, now + REDIAL_FIRST).is_empty());
    }

    #[test]
    fn a_bootstrap_address_is_left_alone_while_its_holder_is_connected() {
        let now = Instant::now();
        let mut dialler = dialler(SEED, now);
        let id = only_dial(&mut dialler, &Roster::default(), now);
        assert!(dialler.due(&Roster::default(), now).is_empty(), "it is under way");
        dialler.opened(id, node(2), address(7), now);
        assert!(dialler.due(&roster([2], now), now + REDIAL_LONGEST).is_empty());
        assert_eq!(dialler.due(&roster([3], now), now + REDIAL_LONGEST).len(), 1, "not by its address and as a known peer as well");
    }

    #[test]
    fn a_node_with_enough_peers_tries_a_bootstrap_address_once_in_a_while() {
        let mut dialler = dialler(SEED, Instant::now());
        let enough = roster(10..18, Instant::now());
        let dials = dials_in_an_hour(&mut dialler, &enough, |dialler, id, now| {
            dialler.failed(id, &DialError::Aborted, &Roster::default(), now);
        });
        assert!((40..=62).contains(&dials), "{dials}");
    }

    #[test]
    fn a_node_does_not_dial_itself() {
        let now = Instant::now();
        let nobody = Roster::default();
        let mut by_id = dialler(&format!("{SEED}/p2p/{}", node(1)), now);
        assert!(by_id.due(&nobody, now).is_empty());
        let mut by_address = dialler(SEED, now);
        by_address.listening(address(7));
        by_address.introduced([(node(2), vec![address(7)]), (node(1), vec![address(8)])].into(), true, now);
        assert!(by_address.due(&nobody, now).is_empty());
        let mut by_trial = dialler(SEED, now);
        let id = only_dial(&mut by_trial, &nobody, now);
        by_trial.failed(id, &DialError::LocalPeerId { address: address(7) }, &nobody, now);
        assert!(by_trial.due(&nobody, now + REDIAL_LONGEST).is_empty());
    }

    #[test]
    fn a_name_that_led_to_this_node_is_tried_again_as_it_may_stand_for_others() {
        let now = Instant::now();
        let mut dialler = dialler("/dns4/seeds.example/tcp/4801", now);
        let id = only_dial(&mut dialler, &Roster::default(), now);
        dialler.failed(id, &DialError::LocalPeerId { address: address(7) }, &Roster::default(), now);
        assert_eq!(dialler.due(&Roster::default(), now + REDIAL_LONGEST).len(), 1);
    }

    #[test]
    fn known_peers_are_dialled_until_there_are_enough() {
        let now = Instant::now();
        let mut dialler = Dialler::new(node(1), Vec::new(), now);
        dialler.introduced((20..60).map(|n| (node(n), vec![address(n)])).collect(), false, now);
        assert_eq!(dialler.due(&roster(2..5, now), now).len(), PEERS_WANTED - 3);
        assert_eq!(dialler.due(&roster(2..5, now), now).len(), 0, "enough are under way");
        assert_eq!(dialler.due(&roster(2..10, now), now).len(), 0);
    }

    #[test]
    fn loopback_addresses_are_told_only_on_the_same_machine() {
        let now = Instant::now();
        let mut dialler = Dialler::new(node(1), Vec::new(), now);
        let home: Multiaddr = "/ip4/127.0.0.1/tcp/4801".parse().unwrap();
        assert_eq!(dialler.announced(node(2), vec![home.clone(), address(2)], false, now), Some(&[address(2)][..]));
        assert_eq!(dialler.announced(node(3), vec![home.clone(), address(3)], true, now), Some(&[home.clone(), address(3)][..]));
        let mut roster = roster([2, 3, 4], now);
        roster.open(node(5), true, now);
        assert_eq!(dialler.introduction(&roster, &node(4))[&node(3)], [address(3)]);
        assert_eq!(dialler.introduction(&roster, &node(5))[&node(3)], [home, address(3)]);
        assert!(!dialler.introduction(&roster, &node(4)).contains_key(&node(4)));
    }
}
