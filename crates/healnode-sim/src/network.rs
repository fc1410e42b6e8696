//! Who is connected to whom, who is cut off from whom, and how long a message takes.
//!
//! Connections form a ring with random chords; questions and answers travel along them. Gossip is a direct delivery to every node that is not
//! cut off, with a delay of a few hops and its own chance of loss for each receiver: what gossipsub's forwarding looks like from above, at a
//! tenth of the events. It is harsher than the real thing in one way: when two parts cannot reach each other, nobody between them relays.

use std::collections::{BTreeMap, BTreeSet};

use healnode_core::Millis;

use crate::config::{Fault, Faults};
use crate::dice::Dice;

/// Of a thousand deliveries of gossip, so many are lost.
const LOST_PER_MILLE: u64 = 50;

/// Of a thousand deliveries, so many happen twice.
const REPEATED_PER_MILLE: u64 = 20;

/// Of a thousand deliveries, so many are late.
const LATE_PER_MILLE: u64 = 20;

/// How late.
const LATE_MS: (u64, u64) = (500, 8_000);

/// Delay of gossip over a few hops, and of one message over a connection.
const GOSSIP_MS: (u64, u64) = (2, 250);
const MESSAGE_MS: (u64, u64) = (1, 60);

/// How long after the end of a cut its ends may still act on what they did not hear.
const AFTERMATH_MS: u64 = 30_000;

/// Index of a node.
pub(crate) type Place = usize;

/// The network.
pub(crate) struct Network {
    links: Vec<Link>,
    by_node: Vec<Vec<usize>>,
    cuts: BTreeMap<usize, Cut>,
    /// Every cut there ever was, with its times.
    history: Vec<(usize, Cut, Millis, Option<Millis>)>,
}

/// A pair of nodes that keep a connection whenever they can.
pub(crate) struct Link {
    /// The two ends.
    pub(crate) ends: [Place; 2],
    /// The lives of the two processes that hold a connection, if they do.
    pub(crate) open: Option<[u32; 2]>,
}

/// Something that keeps messages from passing.
#[derive(Clone, Debug)]
pub(crate) struct Cut {
    /// Which part each node is in.
    pub(crate) parts: Vec<u8>,
    /// Whether only part 0 is not heard by the others.
    pub(crate) one_way: bool,
}

impl Network {
    pub(crate) fn new(nodes: usize, neighbours: usize, dice: &mut Dice) -> Self {
        let mut pairs = BTreeSet::new();
        for place in 0..nodes {
            pairs.extend(pair(place, (place + 1) % nodes));
            for _ in 1..neighbours {
                pairs.extend(pair(place, dice.below(nodes)));
            }
        }
        if nodes <= 2 * neighbours + 1 {
            pairs = (0..nodes).flat_map(|a| (0..a).map(move |b| [b, a])).collect();
        }
        let links: Vec<Link> = pairs.into_iter().map(|ends| Link { ends, open: None }).collect();
        let mut by_node = vec![Vec::new(); nodes];
        for (number, link) in links.iter().enumerate() {
            for end in link.ends {
                by_node[end].push(number);
            }
        }
        Self { links, by_node, cuts: BTreeMap::new(), history: Vec::new() }
    }

    pub(crate) fn links(&self) -> usize {
        self.links.len()
    }

    pub(crate) fn links_of(&self, place: Place) -> &[usize] {
        &self.by_node[place]
    }

    pub(crate) fn link(&mut self, number: usize) -> &mut Link {
        &mut self.links[number]
    }

    /// Returns whether a node holds any connection, and so takes part in gossip.
    pub(crate) fn is_joined(&self, place: Place) -> bool {
        self.by_node[place].iter().any(|number| self.links[*number].open.is_some())
    }

    /// Returns whether two nodes hold a connection.
    pub(crate) fn connected(&self, a: Place, b: Place) -> bool {
        self.by_node[a].iter().any(|number| self.links[*number].open.is_some() && self.links[*number].ends.contains(&b))
    }

    pub(crate) fn cut(&mut self, now: Millis, number: usize, cut: Cut) {
        self.history.push((number, cut.clone(), now, None));
        self.cuts.insert(number, cut);
    }

    pub(crate) fn mend(&mut self, now: Millis, number: usize) {
        self.cuts.remove(&number);
        for (_, _, _, until) in self.history.iter_mut().filter(|(cut, _, _, until)| *cut == number && until.is_none()) {
            *until = Some(now);
        }
    }

    pub(crate) fn mend_all(&mut self, now: Millis) {
        for number in self.cuts.keys().copied().collect::<Vec<_>>() {
            self.mend(now, number);
        }
    }

    /// Returns whether two nodes were cut off from each other at `at`, or shortly before.
    pub(crate) fn were_split(&self, a: Place, b: Place, at: Millis) -> bool {
        self.history.iter().any(|(_, cut, from, until)| {
            cut.parts[a] != cut.parts[b] && *from <= at && until.is_none_or(|until| at.0 < until.0 + AFTERMATH_MS)
        })
    }

    /// Returns whether what `from` sends reaches `to`.
    pub(crate) fn passes(&self, from: Place, to: Place) -> bool {
        !self.cuts.values().any(|cut| cut.parts[from] != cut.parts[to] && (!cut.one_way || cut.parts[from] == 0))
    }

    /// Returns whether a connection between the two can live.
    pub(crate) fn joins(&self, a: Place, b: Place) -> bool {
        self.passes(a, b) && self.passes(b, a)
    }
}

fn pair(a: Place, b: Place) -> Option<[Place; 2]> {
    (a != b).then(|| [a.min(b), a.max(b)])
}

/// Returns when copies of a gossiped message arrive at one receiver.
pub(crate) fn gossip_arrivals(now: Millis, faults: &Faults, dice: &mut Dice) -> impl Iterator<Item = Millis> + use<> {
    let lost = faults.has(Fault::Loss) && dice.per_mille(LOST_PER_MILLE);
    let repeated = faults.has(Fault::Repeat) && dice.per_mille(REPEATED_PER_MILLE);
    let mut arrival = || {
        let late = if faults.has(Fault::Reorder) && dice.per_mille(LATE_PER_MILLE) { dice.between(LATE_MS.0, LATE_MS.1) } else { 0 };
        Millis(now.0 + dice.between(GOSSIP_MS.0, GOSSIP_MS.1) + late)
    };
    let first = (!lost).then(&mut arrival);
    let second = repeated.then(&mut arrival);
    first.into_iter().chain(second)
}

/// Returns how long one message takes over a connection.
pub(crate) fn message_ms(dice: &mut Dice) -> u64 {
    dice.between(MESSAGE_MS.0, MESSAGE_MS.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_one_way_cut_lets_the_other_way_pass() {
        let mut network = Network::new(3, 2, &mut Dice::new(1));
        network.cut(Millis(0), 0, Cut { parts: vec![0, 1, 1], one_way: true });
        assert!(!network.passes(0, 1) && network.passes(1, 0) && network.passes(1, 2));
        assert!(!network.joins(0, 1));
        network.mend(Millis(5), 0);
        assert!(network.joins(0, 1));
    }

    #[test]
    fn a_small_mesh_is_full_and_a_large_one_is_not() {
        assert_eq!(Network::new(5, 4, &mut Dice::new(1)).links(), 10);
        let large = Network::new(100, 4, &mut Dice::new(1));
        assert!((300..=400).contains(&large.links()));
    }
}
