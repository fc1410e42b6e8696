//! The other nodes: who can join, whether the addresses to join through answer, and how well the mesh holds together.
//!
//! What a node alone can see: its own connections, and whom it hears through others.

use std::path::PathBuf;

use super::probe::{Outcome, Voice};
use super::socket::{Peer, RunningNode};
use super::{Area, Finding, secret};

/// Nodes that a sentence names; the rest is counted.
const NAMED_MAX: usize = 3;

/// What is known of the mesh besides what a running node says.
pub(super) struct Facts {
    pub(super) network: Network,
    /// The file of the swarm key.
    pub(super) secret: Option<secret::Facts>,
    /// Addresses to listen on.
    pub(super) listen: Vec<String>,
    /// Whether other machines can reach none of them.
    pub(super) listens_on_loopback_only: bool,
    /// Addresses of these that the system does not let a node listen on, and why; looked at only while none runs.
    pub(super) refused_listens: Vec<(String, String)>,
    /// Addresses to join through.
    pub(super) bootstrap: Vec<Bootstrap>,
    /// How many seconds after a sign of life a node still takes part.
    pub(super) presence_s: u64,
}

/// Who can join.
pub(super) enum Network {
    /// Whoever reaches the port.
    Open,
    /// Whoever reaches the port, which is only this machine, or nobody but those listed.
    Guarded,
    /// Whoever has the key with this fingerprint.
    Private(String),
    /// Nobody: the key cannot be used.
    Broken {
        /// Its file.
        path: PathBuf,
        /// Why not.
        why: String,
    },
}

/// An address to join through.
pub(super) struct Bootstrap {
    pub(super) address: String,
    pub(super) is_loopback: bool,
    pub(super) outcome: Outcome,
}

pub(super) fn judge(facts: &Facts, node: Option<&RunningNode>) -> Vec<Finding> {
    let mut findings = network(facts);
    findings.extend(listening(facts));
    findings.extend(facts.refused_listens.iter().map(|(address, why)| refused(address, why)));
    findings.extend(bootstrap(facts, node));
    if let Some(node) = node {
        findings.extend(connections(facts, node));
        findings.extend(star(facts, node));
        findings.extend(cloned(node));
        findings.extend(versions(node));
    }
    findings
}

fn warning(what: String, mend: impl Into<String>) -> Finding {
    Finding::warning(Area::Mesh, what, mend)
}

fn error(what: String, mend: impl Into<String>) -> Finding {
    Finding::error(Area::Mesh, what, mend)
}

fn network(facts: &Facts) -> Vec<Finding> {
    let mut findings: Vec<Finding> = facts.secret.iter().filter_map(|file| secret::judge(Area::Mesh, file)).collect();
    match &facts.network {
        Network::Guarded => {}
        Network::Private(fingerprint) => {
            let what = format!("The network is private. Its key has the fingerprint {fingerprint}, which has to be the same on every node.");
            findings.push(Finding::ok(Area::Mesh, what));
        }
        Network::Open => findings.push(warning(
            "The network is open: whoever reaches the listening port can join and add to the counts.".to_owned(),
            "Make a key with `healnode swarm-key`, give the file to every node and name it in mesh.swarm_key; or list the nodes in mesh.allow.",
        )),
        // That it cannot be read was said with the file.
        Network::Broken { .. } if findings.iter().any(|finding| finding.level == super::Level::Error) => {}
        Network::Broken { path, why } => findings.push(error(
            format!("{} is no swarm key, so the node does not start: {why}.", path.display()),
            "Copy the file from a node that works, or make a new key with `healnode swarm-key` and give it to every node.",
        )),
    }
    findings
}

fn listening(facts: &Facts) -> Option<Finding> {
    let is_for_others = facts.bootstrap.iter().any(|bootstrap| !bootstrap.is_loopback);
    (facts.listens_on_loopback_only && is_for_others).then(|| {
        warning(
            format!("The node listens on {} only, where no other machine can reach it.", facts.listen.join(", ")),
            "Set mesh.listen = [\"/ip4/0.0.0.0/tcp/4801\"], so that nodes can reach each other directly.",
        )
    })
}

fn refused(address: &str, why: &str) -> Finding {
    error(
        format!("A node cannot listen on {address}: {why}."),
        "Stop the program that uses the port (another node perhaps), or set mesh.listen to a free port from 1024 on and an address of this machine.",
    )
}

fn bootstrap(facts: &Facts, node: Option<&RunningNode>) -> Vec<Finding> {
    facts.bootstrap.iter().filter_map(|bootstrap| knocked(facts, bootstrap, node)).collect()
}

fn knocked(facts: &Facts, bootstrap: &Bootstrap, node: Option<&RunningNode>) -> Option<Finding> {
    let address = &bootstrap.address;
    let correct = "or correct the address in mesh.bootstrap";
    match &bootstrap.outcome {
        Outcome::Itself | Outcome::NotTried => None,
        Outcome::NoSuchName => {
            Some(warning(format!("{address}: the name cannot be resolved."), format!("Put the name into DNS or /etc/hosts, {correct}.")))
        }
        Outcome::Refused => Some(warning(
            format!("{address}: the machine is there, but nothing listens on that port."),
            format!("Start the node there; let it listen on an address that other machines reach (mesh.listen); {correct}."),
        )),
        Outcome::Silent => Some(warning(
            format!("{address}: no answer."),
            format!("Start that machine, open the port in the firewalls in between, {correct}."),
        )),
        Outcome::Failed(why) => {
            Some(warning(format!("{address}: it cannot be reached ({why})."), format!("Check the network in between, {correct}.")))
        }
        Outcome::Answered(Voice::Stranger) => Some(warning(
            format!("{address}: something answers there, but not as a healnode does."),
            format!("Start a node on that port, {correct}."),
        )),
        Outcome::Answered(voice @ (Voice::Private | Voice::Open)) => answered(facts, address, *voice, node),
    }
}

fn answered(facts: &Facts, address: &str, voice: Voice, node: Option<&RunningNode>) -> Option<Finding> {
    let fingerprint = match &facts.network {
        Network::Private(fingerprint) => Some(fingerprint),
        Network::Open | Network::Guarded => None,
        Network::Broken { .. } => return None,
    };
    match (voice, fingerprint) {
        (Voice::Private, None) => Some(error(
            format!("{address}: it belongs to a private network, and this node has no swarm key, so the two cannot talk."),
            "Copy the key file from there and name it in mesh.swarm_key.",
        )),
        (Voice::Open, Some(_)) => Some(error(
            format!("{address}: it has no swarm key, and this node has one, so the two cannot talk."),
            "Give it this node's key file (mesh.swarm_key), or take the key out here.",
        )),
        (_, fingerprint) => match node {
            None => Some(Finding::ok(Area::Mesh, format!("{address}: a node answers there."))),
            Some(node) if node.connected().next().is_none() => Some(not_connected(address, fingerprint)),
            Some(_) => None,
        },
    }
}

fn not_connected(address: &str, fingerprint: Option<&String>) -> Finding {
    let mend = match fingerprint {
        Some(fingerprint) => format!(
            "Most likely its swarm key is another one: run `healnode doctor` there and compare; here its fingerprint is {fingerprint}. Else see whether mesh.allow there leaves this node out."
        ),
        None => "See whether mesh.allow, there or here, leaves the other one out (`healnode id` shows a node's id), and whether both have the same version.".to_owned(),
    };
    warning(format!("{address}: a node answers there, but this one is not connected with it."), mend)
}

fn connections(facts: &Facts, node: &RunningNode) -> Option<Finding> {
    let connected = node.connected().count();
    let is_alone_by_mistake = facts.bootstrap.iter().any(|bootstrap| bootstrap.outcome != Outcome::Itself);
    if connected > 0 {
        let mut what = format!("The running node is connected with {} of the {} it knows.", counted(connected), node.peers.len());
        if facts.bootstrap.len() == 1 && node.peers.len() > 1 {
            what.push_str(" mesh.bootstrap names one address; with a second one it could also join while that machine is down.");
        }
        return Some(Finding::ok(Area::Mesh, what));
    }
    if is_alone_by_mistake || !node.peers.is_empty() {
        let known = if node.peers.is_empty() { String::new() } else { format!(", though it knows {}", counted(node.peers.len())) };
        return Some(warning(
            format!("The running node is connected with nobody{known}. It counts on its own until that changes."),
            "Mend what is said here about the addresses in mesh.bootstrap; if there is nothing, start the other nodes or name one of them there.",
        ));
    }
    let what = "The running node is alone, as it is told to be: mesh.bootstrap names nobody to join, and nobody joined it.";
    Some(Finding::ok(Area::Mesh, what))
}

/// All that this node hears of others comes through one connection.
fn star(facts: &Facts, node: &RunningNode) -> Option<Finding> {
    let mut connected = node.connected();
    let (Some(hub), None) = (connected.next(), connected.next()) else { return None };
    let is_live = |peer: &&Peer| !peer.is_connected && peer.last_heard_s.is_some_and(|seconds| seconds <= facts.presence_s);
    let beyond: Vec<&Peer> = node.peers.iter().filter(is_live).collect();
    if beyond.is_empty() {
        return None;
    }
    Some(warning(
        format!(
            "The mesh looks like a star: this node hears {} only through {}. While that one is down, every node counts and files on its own.",
            named(&beyond),
            hub.peer_id
        ),
        "Let the nodes reach each other: open the port of mesh.listen between all machines, and name more than one of them in mesh.bootstrap.",
    ))
}

fn cloned(node: &RunningNode) -> Vec<Finding> {
    let cloned = node.peers.iter().filter(|peer| peer.is_cloned);
    let finding = |peer: &Peer| {
        error(
            format!("Two nodes use the identity {}, so what they count cannot be told apart.", peer.peer_id),
            "On one of the two machines, stop the node, delete identity.key from its data directory and start it again. Do not copy data directories, not with images of machines either.",
        )
    };
    cloned.map(finding).collect()
}

fn versions(node: &RunningNode) -> Option<Finding> {
    let other: Vec<&Peer> = node.peers.iter().filter(|peer| !peer.version.is_empty() && peer.version != node.version).collect();
    let mut versions: Vec<&str> = other.iter().map(|peer| peer.version.as_str()).collect();
    versions.sort_unstable();
    versions.dedup();
    versions.truncate(NAMED_MAX);
    (!other.is_empty()).then(|| {
        warning(
            format!("{} of another version ({}) than the running node's {}.", are(&other), versions.join(", "), node.version),
            "Bring all nodes to one version when it suits; until then they count together as far as both understand.",
        )
    })
}

fn counted(nodes: usize) -> String {
    if nodes == 1 { "1 node".to_owned() } else { format!("{nodes} nodes") }
}

fn are(peers: &[&Peer]) -> String {
    format!("{} {}", named(peers), if peers.len() == 1 { "is" } else { "are" })
}

fn named(peers: &[&Peer]) -> String {
    let names: Vec<&str> = peers.iter().take(NAMED_MAX).map(|peer| peer.peer_id.as_str()).collect();
    match peers.len() - names.len() {
        0 => names.join(", "),
        more => format!("{} and {more} more", names.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Level::{Error, Ok, Warning};
    use super::super::finding::check;
    use super::*;

    fn facts(network: Network, outcomes: &[Outcome]) -> Facts {
        let bootstrap =
            |outcome: &Outcome| Bootstrap { address: "/ip4/192.0.2.7/tcp/4801".to_owned(), is_loopback: false, outcome: outcome.clone() };
        Facts {
            network,
            secret: None,
            listen: vec!["/ip4/0.0.0.0/tcp/4801".to_owned()],
            listens_on_loopback_only: false,
            refused_listens: Vec::new(),
            bootstrap: outcomes.iter().map(bootstrap).collect(),
            presence_s: 40,
        }
    }

    fn private() -> Network {
        Network::Private("f00d".to_owned())
    }

    fn peer(name: &str, is_connected: bool, last_heard_s: Option<u64>) -> Peer {
        Peer { peer_id: name.to_owned(), is_connected, last_heard_s, version: "1".to_owned(), ..Peer::default() }
    }

    fn node(peers: Vec<Peer>) -> RunningNode {
        RunningNode { version: "1".to_owned(), peers, ..RunningNode::default() }
    }

    #[test]
    fn who_can_join_is_told() {
        check(&judge(&facts(Network::Guarded, &[]), None), &[]);
        check(&judge(&facts(private(), &[]), None), &[(Ok, "fingerprint f00d")]);
        check(&judge(&facts(Network::Open, &[]), None), &[(Warning, "healnode swarm-key")]);
        let broken = || Network::Broken { path: PathBuf::from("/k"), why: "the first line is wrong".to_owned() };
        check(&judge(&facts(broken(), &[]), None), &[(Error, "/k is no swarm key")]);
        let secret = Some(secret::Facts { key: "mesh.swarm_key", path: PathBuf::from("/k"), mode: Err("denied".to_owned()) });
        check(&judge(&Facts { secret, ..facts(broken(), &[]) }, None), &[(Error, "denied")]);
    }

    #[test]
    fn a_node_that_nobody_can_reach_is_told_when_others_are_elsewhere() {
        let loopback = |outcomes| Facts { listens_on_loopback_only: true, ..facts(Network::Guarded, outcomes) };
        check(&judge(&loopback(&[]), None), &[]);
        check(&judge(&loopback(&[Outcome::NotTried]), None), &[(Warning, "mesh.listen")]);
    }

    #[test]
    fn an_address_that_cannot_be_listened_on_is_told_with_the_reason() {
        let refused_listens = vec![("/ip4/0.0.0.0/tcp/4801".to_owned(), "address in use".to_owned())];
        let facts = Facts { refused_listens, ..facts(Network::Guarded, &[]) };
        check(&judge(&facts, None), &[(Error, "/ip4/0.0.0.0/tcp/4801: address in use.")]);
    }

    #[test]
    fn each_outcome_of_a_knock_has_its_row() {
        let judged = |network, outcome| judge(&facts(network, &[outcome]), None);
        check(&judged(Network::Guarded, Outcome::Itself), &[]);
        check(&judged(Network::Guarded, Outcome::NotTried), &[]);
        check(&judged(Network::Guarded, Outcome::NoSuchName), &[(Warning, "/ip4/192.0.2.7/tcp/4801: the name")]);
        check(&judged(Network::Guarded, Outcome::Refused), &[(Warning, "nothing listens")]);
        check(&judged(Network::Guarded, Outcome::Silent), &[(Warning, "firewalls")]);
        check(&judged(Network::Guarded, Outcome::Failed("no route".to_owned())), &[(Warning, "no route")]);
        check(&judged(Network::Guarded, Outcome::Answered(Voice::Stranger)), &[(Warning, "not as a healnode does")]);
        check(&judged(Network::Guarded, Outcome::Answered(Voice::Open)), &[(Ok, "a node answers")]);
        check(&judged(Network::Guarded, Outcome::Answered(Voice::Private)), &[(Error, "private network")]);
        check(&judged(private(), Outcome::Answered(Voice::Private)), &[(Ok, "f00d"), (Ok, "a node answers")]);
        check(&judged(private(), Outcome::Answered(Voice::Open)), &[(Ok, "f00d"), (Error, "no swarm key")]);
    }

    #[test]
    fn a_node_that_answers_and_is_not_connected_hints_at_the_key() {
        let alone = node(Vec::new());
        let judged = judge(&facts(private(), &[Outcome::Answered(Voice::Private)]), Some(&alone));
        check(&judged, &[(Ok, "f00d"), (Warning, "here its fingerprint is f00d"), (Warning, "connected with nobody.")]);
        let judged = judge(&facts(Network::Guarded, &[Outcome::Answered(Voice::Open)]), Some(&alone));
        check(&judged, &[(Warning, "mesh.allow"), (Warning, "connected with nobody.")]);
    }

    #[test]
    fn a_node_is_alone_by_choice_or_by_mistake() {
        let alone = node(Vec::new());
        check(&judge(&facts(Network::Guarded, &[]), Some(&alone)), &[(Ok, "as it is told to be")]);
        check(&judge(&facts(Network::Guarded, &[Outcome::Itself]), Some(&alone)), &[(Ok, "as it is told to be")]);
        let left = node(vec![peer("a", false, None)]);
        check(&judge(&facts(Network::Guarded, &[]), Some(&left)), &[(Warning, "though it knows 1 node")]);
        let together = node(vec![peer("a", true, Some(1)), peer("b", true, Some(1))]);
        check(&judge(&facts(Network::Guarded, &[Outcome::Answered(Voice::Open)]), Some(&together)), &[(Ok, "2 nodes of the 2")]);
    }

    #[test]
    fn a_star_is_seen_from_its_points() {
        let star =
            node(vec![peer("hub", true, Some(1)), peer("b", false, Some(3)), peer("c", false, Some(40)), peer("gone", false, Some(41))]);
        check(&judge(&facts(Network::Guarded, &[]), Some(&star)), &[(Ok, "1 node of the 4"), (Warning, "hears b, c only through hub")]);
        let pair = node(vec![peer("hub", true, Some(1)), peer("gone", false, None)]);
        check(&judge(&facts(Network::Guarded, &[]), Some(&pair)), &[(Ok, "1 node of the 2")]);
    }

    #[test]
    fn clones_and_other_versions_are_named() {
        let clone = Peer { is_cloned: true, ..peer("twin", true, Some(1)) };
        let old = Peer { version: "0".to_owned(), ..peer("old", true, Some(1)) };
        let unheard = Peer { version: String::new(), ..peer("new", true, None) };
        let judged = judge(&facts(Network::Guarded, &[]), Some(&node(vec![clone, old, unheard])));
        check(&judged, &[(Ok, "3 nodes of the 3"), (Error, "identity twin"), (Warning, "old is of another version (0)")]);
    }
}
