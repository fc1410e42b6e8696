//! Who files a fingerprint.
//!
//! Of the live peers that hold it and can file, the lowest id goes first; rank r waits r turns. No votes: the next turn replaces a dead
//! leader. Two sides of a split mesh can each choose one; settling that is the forge's part, in `filing.rs`. Knows nothing of addresses,
//! issues or the clock.

use crate::NodeId;

/// What an election needs to know about one node.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Voter {
    /// Who.
    pub(crate) node: NodeId,
    /// Whether it has seen the error itself.
    pub(crate) holds: bool,
}

/// Returns the nodes that may file, in the order of their turns, given the live nodes that can file at all.
///
/// Those that have seen the error themselves; if there is none, all: whoever is live has its count by replication.
pub(crate) fn candidates(live_filers: impl Iterator<Item = Voter>) -> Vec<NodeId> {
    let (holders, others): (Vec<Voter>, Vec<Voter>) = live_filers.partition(|voter| voter.holds);
    let chosen = if holders.is_empty() { others } else { holders };
    let mut nodes: Vec<NodeId> = chosen.into_iter().map(|voter| voter.node).collect();
    nodes.sort_unstable();
    nodes.dedup();
    nodes
}

/// Returns the place of `me` in that order, without putting the order together. `live_filers` names nobody twice.
pub(crate) fn rank(me: NodeId, live_filers: &[NodeId], holds: impl Fn(NodeId) -> bool) -> Option<usize> {
    let lower = live_filers.iter().filter(|node| **node < me);
    match () {
        () if !live_filers.contains(&me) => None,
        () if holds(me) => Some(lower.filter(|node| holds(**node)).count()),
        () if live_filers.iter().any(|node| holds(*node)) => None,
        () => Some(lower.count()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn voter(id: u8, holds: bool) -> Voter {
        Voter { node: NodeId::from_key([id; 32]), holds }
    }

    fn check(voters: &[Voter], expected: &[u8]) {
        let expected: Vec<NodeId> = expected.iter().map(|id| NodeId::from_key([*id; 32])).collect();
        assert_eq!(candidates(voters.iter().copied()), expected);
        let filers: Vec<NodeId> = voters.iter().map(|voter| voter.node).collect();
        let holds = |node: NodeId| voters.iter().any(|voter| voter.node == node && voter.holds);
        for node in &filers {
            assert_eq!(rank(*node, &filers, holds), expected.iter().position(|candidate| candidate == node));
        }
    }

    #[test]
    fn the_lowest_id_among_those_that_have_seen_it_goes_first() {
        check(&[voter(3, true), voter(1, false), voter(2, true)], &[2, 3]);
    }

    #[test]
    fn if_nobody_who_saw_it_can_file_the_others_stand_in() {
        check(&[voter(3, false), voter(1, false)], &[1, 3]);
        check(&[], &[]);
    }
}
