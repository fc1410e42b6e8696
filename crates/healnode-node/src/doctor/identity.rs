//! The node's key: whether it is there and can be used, and whom it stands for.

use std::path::PathBuf;

use healnode_core::NodeId;

use super::secret::quoted;
use super::socket::RunningNode;
use super::{Area, Finding};

/// What is known of the key.
pub(super) struct Facts {
    /// Its file.
    pub(super) path: PathBuf,
    pub(super) key: Key,
}

/// A key.
pub(super) enum Key {
    /// It is sound and stands for this node.
    Sound(NodeId),
    /// There is none yet.
    Absent,
    /// Others may use it, by its permissions.
    TooOpen(u32),
    /// The file holds something else.
    Malformed,
    /// It cannot be read.
    Unreadable(String),
}

pub(super) fn judge(facts: &Facts, node: Option<&RunningNode>) -> Option<Finding> {
    let path = facts.path.display();
    let area = Area::Identity;
    Some(match &facts.key {
        Key::Sound(id) => match node.filter(|node| node.peer_id != id.to_string()) {
            None => Finding::ok(area, format!("This node is {id}, by the key in {path}.")),
            Some(node) => Finding::error(
                area,
                format!("The key in {path} is that of {id}, but the node that answers on the socket is {}.", node.peer_id),
                "The socket and the data directory belong to two different nodes; name one node's with --socket and --data-dir.",
            ),
        },
        Key::Absent if node.is_some() => Finding::error(
            area,
            format!("A node answers on the socket, but there is no key at {path}, so it keeps its data elsewhere."),
            "Name that node's directory with --data-dir, or run doctor with the configuration that the node was started with.",
        ),
        Key::Absent => Finding::ok(area, format!("There is no key at {path} yet; the first `healnode run` makes one.")),
        Key::TooOpen(mode) => Finding::error(
            area,
            format!("Other users can read the node's key {path} (mode {mode:03o}), and a node does not start with such a key."),
            format!(
                "Run: chmod 600 {}. If somebody may have copied it, delete it instead, and the node gets a new id.",
                quoted(&facts.path)
            ),
        ),
        Key::Malformed => Finding::error(
            area,
            format!("{path} is no key of a node, so the node does not start."),
            "Restore it from a backup, or move it away: the next start makes a new key, and with it a new id.",
        ),
        Key::Unreadable(why) => Finding::error(
            area,
            format!("The node's key {path} cannot be read by this user: {why}."),
            "Run doctor as the user that runs the node, or give that user the file.",
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::super::Level::{Error, Ok};
    use super::super::finding::check;
    use super::*;

    fn judged(key: Key, node: Option<&RunningNode>) -> Vec<Finding> {
        judge(&Facts { path: PathBuf::from("/d/identity.key"), key }, node).into_iter().collect()
    }

    #[test]
    fn each_state_of_the_key_has_its_row() {
        let id = NodeId::from_key([7; 32]);
        let named = |peer_id: String| RunningNode { peer_id, ..RunningNode::default() };
        check(&judged(Key::Sound(id), None), &[(Ok, &id.to_string())]);
        check(&judged(Key::Sound(id), Some(&named(id.to_string()))), &[(Ok, "/d/identity.key")]);
        check(&judged(Key::Sound(id), Some(&named("12D3KooWother".to_owned()))), &[(Error, "12D3KooWother")]);
        check(&judged(Key::Absent, None), &[(Ok, "the first `healnode run` makes one")]);
        check(&judged(Key::Absent, Some(&named(id.to_string()))), &[(Error, "--data-dir")]);
        check(&judged(Key::TooOpen(0o644), None), &[(Error, "mode 644), and a node does not start with such a key. Run: chmod 600")]);
        check(&judged(Key::Malformed, None), &[(Error, "Restore it")]);
        check(&judged(Key::Unreadable("permission denied".to_owned()), None), &[(Error, "permission denied")]);
    }
}
