//! The status socket: who answers there, and what a running node says of itself.

use std::net::SocketAddr;
use std::path::Path;

use serde_json::Value;

use super::{Area, Finding};

/// What is at the path of the socket.
pub(super) enum Facts {
    /// Nothing.
    Absent,
    /// A socket at which nobody listens any more.
    Stale,
    /// A file that is no socket.
    OtherFile,
    /// A socket that this user may not use.
    Forbidden,
    /// Somebody who gives no proper answer, and in which way.
    Strange(String),
    /// A node.
    Node(Box<RunningNode>),
}

/// What a running node says of itself. What it does not say reads as empty.
#[derive(Clone, Default, Debug)]
pub(super) struct RunningNode {
    pub(super) peer_id: String,
    pub(super) version: String,
    /// Addresses that it listens on.
    pub(super) listen: Vec<String>,
    pub(super) auto_issue: bool,
    pub(super) can_file: bool,
    /// `outbox` or `github`.
    pub(super) forge_kind: String,
    /// Where it files.
    pub(super) repo: String,
    /// `ready`, or why it cannot file.
    pub(super) forge_state: String,
    /// Which lease it took last: `ref`, `label`, `lock` or `none`; empty when it took none yet.
    pub(super) lease: String,
    /// Why that one, in a sentence.
    pub(super) lease_why: String,
    /// `ok`, or why it cannot write.
    pub(super) disk: String,
    /// Where applications deliver, if they can.
    pub(super) ingest: Option<SocketAddr>,
    pub(super) peers: Vec<Peer>,
}

/// What it says of another node.
#[derive(Clone, Default, Debug)]
pub(super) struct Peer {
    pub(super) peer_id: String,
    pub(super) is_connected: bool,
    /// Seconds since it was heard; nothing if it never was since the node's start.
    pub(super) last_heard_s: Option<u64>,
    pub(super) can_file: bool,
    /// Its version, or nothing if it never said.
    pub(super) version: String,
    pub(super) is_cloned: bool,
}

pub(super) fn judge(path: &Path, facts: &Facts) -> Vec<Finding> {
    let path = path.display();
    let area = Area::Socket;
    vec![match facts {
        Facts::Absent => Finding::warning(area, format!("No node runs here: there is no socket at {path}."), "Start one: healnode run."),
        Facts::Stale => Finding::warning(
            area,
            format!("No node runs here: the socket {path} was left over by one that ended without clearing up."),
            "Start one: healnode run. It replaces the socket.",
        ),
        Facts::OtherFile => Finding::error(
            area,
            format!("{path} is no socket, so a node cannot open its socket there."),
            "Move that file away, or set status.socket to another path.",
        ),
        Facts::Forbidden => Finding::error(
            area,
            format!("This user may not use the socket {path}."),
            "Run doctor as the node's user or one of its group, or set status.socket to a folder that both may enter.",
        ),
        Facts::Strange(how) => Finding::error(
            area,
            format!("Something listens at {path}, but {how}."),
            "If it is a node, it hangs: end its process and start it again. If it is another program, set status.socket to another path.",
        ),
        Facts::Node(node) if node.version != crate::VERSION => Finding::warning(
            area,
            format!("A node of version {} answers at {path}, and this program has version {}.", node.version, crate::VERSION),
            "Stop the node and start it with this program, or use the program of that version.",
        ),
        Facts::Node(node) => Finding::ok(area, format!("A node of version {} answers at {path}.", node.version)),
    }]
}

impl Facts {
    /// Returns whether nobody listens.
    pub(super) fn is_nobody_there(&self) -> bool {
        matches!(self, Facts::Absent | Facts::Stale)
    }

    /// Returns the node that answers.
    pub(super) fn node(&self) -> Option<&RunningNode> {
        match self {
            Facts::Node(node) => Some(node),
            Facts::Absent | Facts::Stale | Facts::OtherFile | Facts::Forbidden | Facts::Strange(_) => None,
        }
    }
}

impl RunningNode {
    /// Reads what `/v1/status` and `/v1/peers` answered.
    pub(super) fn of_answers(status: &Value, peers: &Value) -> Self {
        Self {
            peer_id: text(status, "/peer_id"),
            version: text(status, "/version"),
            listen: texts(status, "/listen"),
            auto_issue: is_set(status, "/auto/issue"),
            can_file: is_set(status, "/can_file"),
            forge_kind: text(status, "/forge/kind"),
            repo: text(status, "/forge/repo"),
            forge_state: text(status, "/forge/state"),
            lease: text(status, "/forge/lease"),
            lease_why: text(status, "/forge/lease_why"),
            disk: text(status, "/disk"),
            ingest: text(status, "/ingest/http").parse().ok(),
            peers: peers.as_array().into_iter().flatten().map(Peer::of_answer).collect(),
        }
    }

    /// Returns the peers that it is connected to.
    pub(super) fn connected(&self) -> impl Iterator<Item = &Peer> {
        self.peers.iter().filter(|peer| peer.is_connected)
    }
}

impl Peer {
    fn of_answer(peer: &Value) -> Self {
        Self {
            peer_id: text(peer, "/peer_id"),
            is_connected: is_set(peer, "/connected"),
            last_heard_s: peer["last_heard_s"].as_u64(),
            can_file: is_set(peer, "/can_file"),
            version: text(peer, "/version"),
            is_cloned: is_set(peer, "/cloned"),
        }
    }
}

fn text(value: &Value, pointer: &str) -> String {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn texts(value: &Value, pointer: &str) -> Vec<String> {
    let items = value.pointer(pointer).and_then(Value::as_array).into_iter().flatten();
    items.filter_map(Value::as_str).map(str::to_owned).collect()
}

fn is_set(value: &Value, pointer: &str) -> bool {
    value.pointer(pointer).and_then(Value::as_bool).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::Level::{Error, Ok, Warning};
    use super::super::finding::check;
    use super::*;

    #[test]
    fn each_thing_that_can_be_at_the_path_has_its_row() {
        let judged = |facts: &Facts| judge(Path::new("/s"), facts);
        let node = |version: &str| Facts::Node(Box::new(RunningNode { version: version.to_owned(), ..RunningNode::default() }));
        check(&judged(&Facts::Absent), &[(Warning, "healnode run")]);
        check(&judged(&Facts::Stale), &[(Warning, "left over")]);
        check(&judged(&Facts::OtherFile), &[(Error, "no socket")]);
        check(&judged(&Facts::Forbidden), &[(Error, "may not use")]);
        check(&judged(&Facts::Strange("gave no answer".to_owned())), &[(Error, "but gave no answer.")]);
        check(&judged(&node("0.0.9")), &[(Warning, "version 0.0.9")]);
        check(&judged(&node(crate::VERSION)), &[(Ok, "answers at /s")]);
    }

    #[test]
    fn an_answer_is_read_as_far_as_it_goes() {
        let status =
            json!({ "peer_id": "12D", "listen": ["/ip4/127.0.0.1/tcp/1"], "auto": { "issue": true }, "forge": { "state": "ready" } });
        let peers = json!([{ "peer_id": "12E", "connected": true, "last_heard_s": 3 }, "nonsense"]);
        let node = RunningNode::of_answers(&status, &peers);
        assert_eq!((node.peer_id.as_str(), node.listen.len(), node.auto_issue, node.version.as_str()), ("12D", 1, true, ""));
        assert_eq!((node.forge_state.as_str(), node.connected().count()), ("ready", 1));
        assert_eq!(RunningNode::of_answers(&Value::Null, &Value::Null).peers.len(), 0);
    }
}
