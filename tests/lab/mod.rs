//! Real nodes, the emulator, and the proxy that does harm between them: one scene in which errors are reported while something breaks.
//!
//! Every case of `cases.rs` ends the same way, whatever broke: all nodes know the same issue, and what was created is counted.
#![allow(dead_code, reason = "each of the tests that include this file uses a part of it")]
#![allow(clippy::unwrap_used, clippy::unwrap_in_result, reason = "what goes wrong here has to fail the test")]

pub(crate) mod cases;
pub(crate) mod netns;

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use self::netns::{Bridge, Cut};
use crate::emulator::Emulator;
use crate::harness::{Site, TestNode, mesh_of, wait_within};
use crate::proxy::Proxy;

/// How long filing may take when an answer was lost: a lease that runs out, a takeover, a minute of looking, and time to spare.
const FILING_PATIENCE: Duration = Duration::from_secs(300);

/// Lists that the leader reads until two whole looks at its issues are over, which it takes only when nothing is being filed.
const LISTS_OF_TWO_SWEEPS: usize = 4;

/// What makes a mesh quick to notice a silent leader, so that a run takes seconds, and lets it file as often as there are runs. Nothing may
/// depend on it but time.
pub(crate) const QUICK: &[(&str, &str)] = &[
    ("HEALNODE_MESH_PRESENCE_INTERVAL", "500ms"),
    ("HEALNODE_MESH_PRESENCE_TIMEOUT", "3s"),
    ("HEALNODE_BUNDLE_TURN", "2s"),
    ("HEALNODE_BUNDLE_MAX_PER_HOUR", "0"),
    ("HEALNODE_BUNDLE_MAX_PER_DAY", "0"),
];

/// The same with labels in place of a git ref as the lease.
pub(crate) const QUICK_BY_LABEL: &[(&str, &str)] = &[QUICK[0], QUICK[1], QUICK[2], QUICK[3], QUICK[4], ("HEALNODE_FORGE_LEASE", "label")];

/// Nodes, forge, and what lies between. Dropping it ends all of it.
pub(crate) struct Scene {
    pub(crate) nodes: Vec<TestNode>,
    pub(crate) proxy: Proxy,
    pub(crate) github: Emulator,
    /// The network that can be cut, if the nodes are on one.
    pub(crate) bridge: Option<Bridge>,
    site: Site,
    peer_ids: Vec<String>,
    stopped: BTreeSet<usize>,
    errors: usize,
}

/// What a run came to.
#[derive(Clone, Debug)]
pub(crate) struct Outcome {
    /// Issues ever created for the error.
    pub(crate) creations: usize,
    /// Those that are open in the end.
    pub(crate) open: usize,
    /// From the first report to the last node's knowing the issue, of those that run.
    pub(crate) took: Duration,
    /// From mending what broke to the same issue on every node.
    pub(crate) agreed_after: Duration,
}

impl Scene {
    /// Sets up so many nodes that file with a forge of their own. `None` when npm is missing; then a line on standard error says so.
    pub(crate) fn start(count: usize, environment: &[(&str, &str)], settings: &str) -> Option<Self> {
        Some(Self::assemble(Emulator::start()?, None, count, environment, settings))
    }

    /// Sets up nodes that each live in a network of their own, on a bridge over which they and the forge are reached. `None` when npm or
    /// the right to make networks is missing.
    pub(crate) fn start_on_bridge(count: usize, environment: &[(&str, &str)], settings: &str) -> Option<Self> {
        let bridge = match Bridge::build(count) {
            Ok(bridge) => bridge,
            Err(reason) => {
                netns::skip(&reason);
                return None;
            }
        };
        Some(Self::assemble(Emulator::start()?, Some(bridge), count, environment, settings))
    }

    /// A node that is started again keeps the port that the system chose for it, so that the others find it.
    fn assemble(github: Emulator, bridge: Option<Bridge>, count: usize, environment: &[(&str, &str)], settings: &str) -> Self {
        let (site, proxy) = (Site::new(), Proxy::start(bridge.as_ref().map_or("127.0.0.1", Bridge::address), github.url()));
        let url = format!("http://localhost:{}", proxy.port());
        let forge = format!("[forge]\nkind = \"github\"\nauto_issue = true\nrepo = {:?}\napi_url = {url:?}\n", github.repo());
        let names: Vec<String> = (0..count).map(|number| format!("n{number}")).collect();
        let mut nodes = mesh_of(&names.iter().map(String::as_str).collect::<Vec<_>>(), |name, bootstrap| {
            let mut node = site.node_with_forge(name, bootstrap, &forge, settings);
            node.set("HEALNODE_GITHUB_TOKEN", github.token());
            environment.iter().for_each(|(name, value)| node.set(name, value));
            if let Some(bridge) = &bridge {
                let number = names.iter().position(|known| known == name).unwrap();
                node.run_in(bridge.namespace(number));
                node.set("HEALNODE_MESH_LISTEN", &format!("/ip4/{}/tcp/0", bridge.node_address(number)));
            }
            node
        });
        for node in &mut nodes {
            let address = node.address();
            node.set("HEALNODE_MESH_LISTEN", address.split("/p2p/").next().unwrap());
        }
        let peer_ids = nodes.iter().map(TestNode::peer_id).collect();
        let scene = Self { nodes, proxy, github, bridge, site, peer_ids, stopped: BTreeSet::new(), errors: 0 };
        wait_within(FILING_PATIENCE, "every node's knowing that all can file", || scene.all_can_file().then_some(()));
        scene
    }

    /// Lets one case happen to a new error, and waits until all is quiet again.
    pub(crate) fn run(&mut self, case: cases::Inflict) -> Outcome {
        let error = self.new_error();
        let begun = Instant::now();
        let fingerprint = case(self, &error);
        self.await_issue(&fingerprint);
        let took = begun.elapsed();
        assert_eq!(self.proxy.unspent(), 0, "a fault that struck nobody");
        self.mend();
        let mended = Instant::now();
        self.await_agreement(&fingerprint, None);
        self.conclude(&fingerprint, took, mended.elapsed())
    }

    /// Cuts the network, lets every node see enough of a new error for its side to file it, and mends the network. With `apart`, the sides
    /// have given each other up before.
    pub(crate) fn run_cut(&mut self, cut: Cut, apart: bool) -> Outcome {
        let error = self.new_error();
        let bridge = self.bridge.as_ref().expect("the nodes are on a bridge");
        bridge.cut(cut);
        if apart {
            wait_within(FILING_PATIENCE, "each side's giving up the other", || self.sides_are_apart(cut).then_some(()));
        }
        let begun = Instant::now();
        let fingerprint = self.report(&error, "medium", 3);
        self.await_issue(&fingerprint);
        let took = begun.elapsed();
        self.bridge.as_ref().expect("still there").heal();
        let healed = Instant::now();
        self.await_agreement(&fingerprint, Some(3 * self.nodes.len() as u64));
        self.conclude(&fingerprint, took, healed.elapsed())
    }

    fn conclude(&self, fingerprint: &str, took: Duration, agreed_after: Duration) -> Outcome {
        self.await_sweeps();
        let marker = format!("<!-- healnode-sig-{} ", &fingerprint[..32]);
        let is_open = |issue: &&Value| issue["state"] == "open" && issue["body"].as_str().unwrap_or_default().contains(&marker);
        let open = self.github.issues().iter().filter(is_open).count();
        Outcome { creations: self.proxy.creations(fingerprint).len(), open, took, agreed_after }
    }

    /// Returns an error type that was not used before. Letters, because digits would be taken for one and the same.
    pub(crate) fn new_error(&mut self) -> String {
        self.errors += 1;
        letters("Fault", self.errors)
    }

    /// Reports a critical error once at every node that runs, all at the same time, and returns its fingerprint.
    pub(crate) fn report_critical(&self, error: &str) -> String {
        self.report(error, "critical", 1)
    }

    /// Reports an error so many times at every node that runs, all at the same time, and returns its fingerprint.
    pub(crate) fn report(&self, error: &str, severity: &str, times: usize) -> String {
        let report = json!({ "type": error, "message": "while something breaks", "severity": severity });
        let post = |node: &TestNode| {
            for _ in 1..times {
                node.post(&report).unwrap();
            }
            node.post(&report).unwrap()
        };
        let answers: Vec<Value> = std::thread::scope(|scope| {
            let senders: Vec<_> = self.awake().map(|node| scope.spawn(|| post(node))).collect();
            senders.into_iter().map(|sender| sender.join().unwrap()).collect()
        });
        answers[0]["fingerprint"].as_str().unwrap().to_owned()
    }

    /// Returns which node has a peer id.
    pub(crate) fn position(&self, peer_id: &str) -> usize {
        self.peer_ids.iter().position(|known| known == peer_id).expect("a node of this scene")
    }

    /// Ends a node as a crash would.
    pub(crate) fn kill(&mut self, position: usize) {
        self.nodes[position].kill();
    }

    /// Stops a node, as a machine that is suspended.
    pub(crate) fn stop(&mut self, position: usize) {
        self.nodes[position].signal("STOP");
        self.stopped.insert(position);
    }

    /// Lets a stopped node go on.
    pub(crate) fn resume(&mut self, position: usize) {
        self.nodes[position].signal("CONT");
        self.stopped.remove(&position);
    }

    /// Ends every fault: rules are forgotten, the forge is there, every node runs.
    pub(crate) fn mend(&mut self) {
        self.proxy.relent();
        for position in std::mem::take(&mut self.stopped) {
            self.resume(position);
        }
        self.nodes.iter_mut().filter(|node| !node.is_running()).for_each(TestNode::start);
    }

    /// Waits until every node that runs knows of an issue for an error.
    pub(crate) fn await_issue(&self, fingerprint: &str) {
        let knows = |node: &TestNode| node.get(&format!("/v1/errors/{fingerprint}")).is_some_and(|error| error["issue"].is_object());
        wait_within(FILING_PATIENCE, "the issue on every node that runs", || self.awake().all(knows).then_some(()));
    }

    /// Waits until every node says the same of an error, and counts so many occurrences if that is given.
    pub(crate) fn await_agreement(&self, fingerprint: &str, occurrences: Option<u64>) {
        let path = format!("/v1/errors/{fingerprint}");
        let said = |node: &TestNode| {
            let error = node.get(&path)?;
            let expected = occurrences.is_none_or(|occurrences| error["occurrences"] == occurrences);
            let settled = expected && error["state"] == "filed" && error["issue"].is_object();
            settled.then(|| (error["issue"]["number"].clone(), error["occurrences"].clone(), error["nodes"].clone()))
        };
        wait_within(FILING_PATIENCE, "the same word on every node", || {
            let first = said(&self.nodes[0])?;
            self.nodes.iter().all(|node| said(node).as_ref() == Some(&first)).then_some(())
        });
    }

    /// Waits until the leader has twice looked after its issues, so that a second create would have been sent by now.
    fn await_sweeps(&self) {
        let lists = || {
            let is_list =
                |exchange: &&crate::proxy::Exchange| exchange.method == "GET" && exchange.path == "/issues" && exchange.status == Some(200);
            self.proxy.exchanges().iter().filter(is_list).count()
        };
        let before = lists();
        wait_within(FILING_PATIENCE, "two sweeps", || (lists() >= before + LISTS_OF_TWO_SWEEPS).then_some(()));
    }

    /// Says on standard error what is needed to understand a failure and would be gone with the folder.
    pub(crate) fn explain(&self) {
        let first = self.proxy.exchanges().first().map(|exchange| exchange.came);
        for exchange in self.proxy.exchanges() {
            let position = self.peer_ids.iter().position(|known| *known == exchange.node);
            let at = first.map(|first| exchange.came - first).unwrap_or_default();
            eprintln!("{at:.3?} n{position:?} {} {} -> {:?}", exchange.method, exchange.path, exchange.status);
        }
        for (position, node) in self.nodes.iter().enumerate() {
            eprintln!("n{position} is {}:\n{}", self.peer_ids[position], node.log());
            let is_awake = node.is_running() && !self.stopped.contains(&position);
            let known = is_awake.then(|| (node.get("/v1/errors"), node.get("/v1/peers")));
            eprintln!("n{position} knows {known:?}");
        }
    }

    fn awake(&self) -> impl Iterator<Item = &TestNode> {
        let awake = |(position, node): &(usize, &TestNode)| node.is_running() && !self.stopped.contains(position);
        self.nodes.iter().enumerate().filter(awake).map(|(_, node)| node)
    }

    fn all_can_file(&self) -> bool {
        let can_file =
            |peers: Value| peers.as_array().unwrap().iter().filter(|peer| peer["can_file"] == true).count() == self.nodes.len() - 1;
        self.nodes.iter().all(|node| {
            let ready = node.get("/v1/status").is_some_and(|status| status["forge"]["state"] == "ready");
            ready && node.get("/v1/peers").is_some_and(can_file)
        })
    }

    fn sides_are_apart(&self, cut: Cut) -> bool {
        self.nodes.iter().enumerate().all(|(at, node)| {
            let peers = node.get("/v1/peers").unwrap_or_default();
            let silent = |peer: &Value| peer["last_heard_s"].as_u64().is_none_or(|seconds| seconds >= 4);
            let others = self.peer_ids.iter().enumerate().filter(|(other, _)| cut.parts(at, *other));
            let find = |id: &String| peers.as_array().and_then(|peers| peers.iter().find(|peer| peer["peer_id"] == **id));
            others.map(|(_, id)| id).all(|id| find(id).is_none_or(silent))
        })
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.explain();
        }
    }
}

/// Returns a name that differs from all others in letters only.
pub(crate) fn letters(start: &str, mut number: usize) -> String {
    let mut name = start.to_owned();
    while number > 0 {
        name.push(char::from(b'a' + (number % 26) as u8));
        number /= 26;
    }
    name
}
