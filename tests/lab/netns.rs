//! Networks that can be cut: a bridge in the test's own network, and each node in a namespace of its own on it.
//!
//! A cut makes packets between the sides vanish, both ways and in silence, as a failing link does; the bridge's own address, where the forge
//! listens, stays reachable from everywhere: in a namespace, `localhost` is that address, because healnode speaks plain HTTP to nothing else.
//! Needs root and iproute2. All of it is taken down again when it is dropped.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

/// Which nodes hear each other, by their number.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Cut {
    /// Those below this number on one side, the others on the other.
    At(usize),
    /// Each for itself.
    Singles,
}

/// A bridge with its nodes' networks.
pub(crate) struct Bridge {
    name: String,
    /// The first three bytes of every address, of the range that RFC 2544 sets aside for tests.
    subnet: String,
    address: String,
    namespaces: Vec<String>,
}

impl Cut {
    /// Returns whether two nodes cannot hear each other.
    pub(crate) fn parts(self, one: usize, other: usize) -> bool {
        match self {
            Self::At(first) => (one < first) != (other < first),
            Self::Singles => one != other,
        }
    }
}

impl Bridge {
    /// Builds one with so many networks on it. An error is a sentence about what is missing.
    pub(crate) fn build(count: usize) -> Result<Self, String> {
        static BUILT: AtomicUsize = AtomicUsize::new(0);
        let (process, number) = (std::process::id(), BUILT.fetch_add(1, Ordering::Relaxed));
        let subnet = free_subnet(process as usize + number * 7)?;
        let name = format!("hn{process}b{number}");
        let mut bridge = Self { name, address: format!("{subnet}.1"), subnet, namespaces: Vec::new() };
        ip(&["link", "add", &bridge.name, "type", "bridge"])?;
        ip(&["addr", "add", &format!("{}/24", bridge.address), "dev", &bridge.name])?;
        ip(&["link", "set", &bridge.name, "up"])?;
        for node in 0..count {
            let namespace = format!("{}n{node}", bridge.name);
            ip(&["netns", "add", &namespace])?;
            bridge.namespaces.push(namespace.clone());
            bridge.connect(node, &namespace)?;
            bridge.name_localhost(&namespace).map_err(|error| format!("{}: {error}", files_of(&namespace).display()))?;
        }
        Ok(bridge)
    }

    fn connect(&self, node: usize, namespace: &str) -> Result<(), String> {
        ip(&["link", "add", namespace, "type", "veth", "peer", "name", "eth0", "address", &hardware(node), "netns", namespace])?;
        ip(&["link", "set", namespace, "master", &self.name, "up"])?;
        ip(&["-n", namespace, "addr", "add", &format!("{}/24", self.node_address(node)), "dev", "eth0"])?;
        ip(&["-n", namespace, "link", "set", "lo", "up"])?;
        ip(&["-n", namespace, "link", "set", "eth0", "up"])
    }

    /// `ip netns exec` shows the files of this folder in place of those in /etc.
    fn name_localhost(&self, namespace: &str) -> std::io::Result<()> {
        let folder = files_of(namespace);
        fs::create_dir_all(&folder)?;
        fs::write(folder.join("hosts"), format!("{} localhost\n", self.address))
    }

    /// Address that every node reaches, whatever is cut.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// The network of one node, by its number.
    pub(crate) fn namespace(&self, node: usize) -> &str {
        &self.namespaces[node]
    }

    /// Address of one node, by its number.
    pub(crate) fn node_address(&self, node: usize) -> String {
        format!("{}.{}", self.subnet, 10 + node)
    }

    /// Cuts the network.
    pub(crate) fn cut(&self, cut: Cut) {
        self.point(|from, to| if cut.parts(from, to) { "02:00:00:00:ff:ff".to_owned() } else { hardware(to) });
    }

    /// Mends it.
    pub(crate) fn heal(&self) {
        self.point(|_, to| hardware(to));
    }

    /// Sets to which hardware each node sends what is for another.
    fn point(&self, hardware: impl Fn(usize, usize) -> String) {
        for (from, namespace) in self.namespaces.iter().enumerate() {
            let others = (0..self.namespaces.len()).filter(|to| *to != from);
            let line = |to| format!("neigh replace {} lladdr {} dev eth0 nud permanent\n", self.node_address(to), hardware(from, to));
            let batch: String = others.map(line).collect();
            let mut child = Command::new("ip").args(["-n", namespace, "-batch", "-"]).stdin(Stdio::piped()).spawn().expect("ip starts");
            child.stdin.take().expect("piped").write_all(batch.as_bytes()).expect("ip reads");
            assert!(child.wait().expect("ip ends").success(), "neighbours of {namespace} cannot be set");
        }
    }
}

impl Drop for Bridge {
    fn drop(&mut self) {
        for namespace in &self.namespaces {
            let _gone = ip(&["netns", "del", namespace]);
            let _never_written = fs::remove_dir_all(files_of(namespace));
        }
        let _gone = ip(&["link", "del", &self.name]);
    }
}

/// Says that a test is skipped, past the capture of its output.
pub(crate) fn skip(reason: &str) {
    writeln!(std::io::stderr(), "skipped: needs root and network namespaces ({reason})").expect("standard error can be written");
}

fn files_of(namespace: &str) -> PathBuf {
    Path::new("/etc/netns").join(namespace)
}

fn hardware(node: usize) -> String {
    format!("02:00:00:00:00:{:02x}", 10 + node)
}

/// Returns the start of a network that nothing on this machine uses, trying from `first` on.
fn free_subnet(first: usize) -> Result<String, String> {
    let used = output(&["-o", "-4", "addr"])?;
    let subnets = (0..512).map(|step| (first + step) % 512).map(|number| format!("198.{}.{}", 18 + number / 256, number % 256));
    subnets.into_iter().find(|subnet| !used.contains(&format!("{subnet}."))).ok_or_else(|| "every test network is in use".to_owned())
}

fn ip(arguments: &[&str]) -> Result<(), String> {
    output(arguments).map(drop)
}

fn output(arguments: &[&str]) -> Result<String, String> {
    let output = Command::new("ip").args(arguments).output().map_err(|error| format!("ip cannot be run: {error}"))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    Err(format!("ip {}: {}", arguments.join(" "), String::from_utf8_lossy(&output.stderr).trim()))
}
