//! Real nodes for tests: each a process of its own on loopback, with ports that the system chooses, asked through the command line.
#![allow(dead_code, reason = "each of the tests that include this file uses a part of it")]
#![allow(clippy::unwrap_used, clippy::unwrap_in_result, reason = "what goes wrong here has to fail the test")]

pub(crate) mod pipeline;

use std::ffi::OsStr;
use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

/// How long anything may take that is waited for. Far more than it needs, for machines that do other things as well.
const PATIENCE: Duration = Duration::from_secs(60);

/// How often a condition is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Waits until `look` gives something.
pub(crate) fn wait_for<T>(what: &str, look: impl FnMut() -> Option<T>) -> T {
    wait_within(PATIENCE, what, look)
}

/// Waits until `look` gives something, for what takes its time by design.
pub(crate) fn wait_within<T>(patience: Duration, what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + patience;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < deadline, "{what} did not come about within {patience:?}");
        std::thread::sleep(LOOK_EVERY);
    }
}

/// Starts nodes of which all but the first know only the first, set up by `set_up` from a name and the addresses to join through.
pub(crate) fn mesh_of(names: &[&str], set_up: impl Fn(&str, &[String]) -> TestNode) -> Vec<TestNode> {
    let mut nodes: Vec<TestNode> = Vec::new();
    for name in names {
        let bootstrap: Vec<String> = nodes.first().map(TestNode::address).into_iter().collect();
        let mut node = set_up(name, &bootstrap);
        node.start();
        nodes.push(node);
    }
    for node in &nodes {
        node.wait_for_peers(names.len() - 1);
    }
    nodes
}

/// A folder for nodes that share an outbox.
pub(crate) struct Site {
    dir: TempDir,
}

/// A node, running or not. Killed when dropped.
pub(crate) struct TestNode {
    home: PathBuf,
    environment: Vec<(String, String)>,
    /// The network namespace that it runs in, if not that of the test.
    namespace: Option<String>,
    child: Option<Child>,
}

impl Site {
    pub(crate) fn new() -> Self {
        Self { dir: tempfile::Builder::new().prefix("hn").tempdir().unwrap() }
    }

    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    /// Returns the issues in the shared outbox, by file name.
    pub(crate) fn issues(&self) -> Vec<(String, String)> {
        let Ok(entries) = fs::read_dir(self.dir.path().join("outbox")) else { return Vec::new() };
        let paths = entries.map(|entry| entry.unwrap().path()).filter(|path| path.extension() == Some(OsStr::new("md")));
        let mut issues: Vec<_> =
            paths.map(|path| (path.file_name().unwrap().to_string_lossy().into_owned(), fs::read_to_string(&path).unwrap())).collect();
        issues.sort();
        issues
    }

    /// Sets up a node that files into the shared outbox, without starting it. `more` is added to its settings.
    pub(crate) fn node(&self, name: &str, bootstrap: &[String], more: &str) -> TestNode {
        let outbox = self.dir.path().join("outbox");
        let forge = format!("[forge]\nauto_issue = true\noutbox = {outbox:?}\n");
        self.node_with_forge(name, bootstrap, &forge, more)
    }

    /// Sets up a lone node with a door for SDKs at an address.
    pub(crate) fn node_with_door(&self, name: &str, http: &str) -> TestNode {
        let node = self.node(name, &[], "");
        let file = node.home.join("healnode.toml");
        let settings = fs::read_to_string(&file).unwrap().replace("http = \"\"", &format!("http = {http:?}"));
        fs::write(&file, settings).unwrap();
        node
    }

    /// Sets up a node with another forge.
    pub(crate) fn node_with_forge(&self, name: &str, bootstrap: &[String], forge: &str, more: &str) -> TestNode {
        let home = self.dir.path().join(name);
        fs::create_dir_all(&home).unwrap();
        let (data, socket) = (home.join("data"), home.join("socket"));
        let bundle = if more.contains("[bundle]") { "" } else { "[bundle]\ninterval = \"1s\"\n" };
        let settings = format!(
            "data_dir = {data:?}\napp = \"shop\"\n[ingest]\nhttp = \"\"\n[mesh]\nlisten = [\"/ip4/127.0.0.1/tcp/0\"]\nbootstrap = {bootstrap:?}\n\
             [status]\nsocket = {socket:?}\n{bundle}{forge}{more}"
        );
        fs::write(home.join("healnode.toml"), settings).unwrap();
        TestNode { home, environment: Vec::new(), namespace: None, child: None }
    }

    /// Starts nodes of which all but the first know only the first.
    pub(crate) fn mesh(&self, names: &[&str], more: &str) -> Vec<TestNode> {
        mesh_of(names, |name, bootstrap| self.node(name, bootstrap, more))
    }
}

impl TestNode {
    /// Sets a variable for everything that is run for this node.
    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.environment.push((name.to_owned(), value.to_owned()));
    }

    /// Lets the node run in a network namespace.
    pub(crate) fn run_in(&mut self, namespace: &str) {
        self.namespace = Some(namespace.to_owned());
    }

    pub(crate) fn home(&self) -> &Path {
        &self.home
    }

    pub(crate) fn data_dir(&self) -> PathBuf {
        self.home.join("data")
    }

    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.home.join("log")).unwrap_or_default()
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.home.join("socket")
    }

    /// Returns the process id of the running node.
    pub(crate) fn pid(&self) -> u32 {
        self.child.as_ref().unwrap().id()
    }

    /// Starts the node and waits until it answers.
    pub(crate) fn start(&mut self) {
        self.start_with(&[]);
    }

    /// Starts the node with flags and waits until it answers.
    pub(crate) fn start_with(&mut self, flags: &[&str]) {
        self.spawn_with(flags);
        wait_for("the node's answer", || {
            let ended = self.child.as_mut().unwrap().try_wait().unwrap();
            assert!(ended.is_none(), "the node ended: {}", self.log());
            self.try_ask(&["status"]).filter(|status| status["listen"][0].is_string())
        });
    }

    /// Starts the node.
    pub(crate) fn spawn(&mut self) {
        self.spawn_with(&[]);
    }

    /// Starts the node with flags.
    pub(crate) fn spawn_with(&mut self, flags: &[&str]) {
        let log = fs::OpenOptions::new().create(true).append(true).open(self.home.join("log")).unwrap();
        let mut command = self.command_in(self.namespace.as_deref());
        command.arg("run").args(flags).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        self.child = Some(command.spawn().unwrap());
    }

    /// A command of the program with this node's settings, and none of the tests' own.
    pub(crate) fn command(&self) -> Command {
        self.command_in(None)
    }

    /// `ip netns exec` becomes the program, so the process is the node itself and takes signals meant for it.
    fn command_in(&self, namespace: Option<&str>) -> Command {
        let program = env!("CARGO_BIN_EXE_healnode");
        let mut command = match namespace {
            None => Command::new(program),
            Some(namespace) => {
                let mut command = Command::new("ip");
                command.args(["netns", "exec", namespace, program]);
                command
            }
        };
        for (name, _) in std::env::vars_os() {
            let text = name.to_string_lossy();
            if text.starts_with("HEALNODE_") || text.starts_with("IPFS_") || text.ends_with("_TOKEN") {
                command.env_remove(&name);
            }
        }
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command.arg("--config").arg(self.home.join("healnode.toml"));
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.command().args(arguments).stdin(Stdio::null()).output().unwrap()
    }

    pub(crate) fn run_with_input(&self, arguments: &[&str], input: &str) -> Output {
        let mut command = self.command();
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        child.wait_with_output().unwrap()
    }

    fn try_ask(&self, arguments: &[&str]) -> Option<Value> {
        let output = self.run(&[arguments, &["--json"]].concat());
        output.status.success().then(|| serde_json::from_slice(&output.stdout).unwrap())
    }

    /// Asks the running node.
    pub(crate) fn ask(&self, arguments: &[&str]) -> Value {
        let output = self.run(&[arguments, &["--json"]].concat());
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    }

    pub(crate) fn peer_id(&self) -> String {
        self.ask(&["status"])["peer_id"].as_str().unwrap().to_owned()
    }

    pub(crate) fn address(&self) -> String {
        self.ask(&["status"])["listen"][0].as_str().unwrap().to_owned()
    }

    pub(crate) fn wait_for_peers(&self, count: usize) {
        wait_for("every peer", || (self.ask(&["status"])["peers"].as_u64() >= Some(count as u64)).then_some(()));
    }

    /// Sends one request to the node's socket. Returns the status and the body, or nothing when nobody answers.
    pub(crate) fn http(&self, method: &str, path: &str, body: &str) -> Option<(u16, String)> {
        let mut stream = UnixStream::connect(self.socket()).ok()?;
        let head = format!("{method} {path} HTTP/1.1\r\nhost: healnode\r\nconnection: close\r\ncontent-length: {}", body.len());
        stream.write_all(format!("{head}\r\n\r\n").as_bytes()).ok()?;
        // A body that is too long is answered before it is read; what was answered is there all the same.
        let _whole = stream.write_all(body.as_bytes());
        let mut answer = Vec::new();
        let _to_the_end = stream.read_to_end(&mut answer);
        let answer = String::from_utf8(answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n")?;
        Some((head[9..12].parse().unwrap(), body.to_owned()))
    }

    /// Reports through the socket and returns the answer; nothing when the report was not acknowledged.
    pub(crate) fn post(&self, report: &Value) -> Option<Value> {
        let (status, answer) = self.http("POST", "/v1/report", &report.to_string())?;
        (status == 200).then(|| serde_json::from_str(&answer).ok()).flatten()
    }

    /// Asks the running node through its socket, without starting a process.
    pub(crate) fn get(&self, path: &str) -> Option<Value> {
        let (status, answer) = self.http("GET", path, "")?;
        (status == 200).then(|| serde_json::from_str(&answer).ok()).flatten()
    }

    /// Reports one occurrence, as an application would, and returns its fingerprint.
    pub(crate) fn report(&self, error_type: &str, message: &str) -> String {
        let input = serde_json::json!({ "type": error_type, "message": message }).to_string();
        let output = self.run_with_input(&["report", "--json"], &input);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
        answer["fingerprint"].as_str().unwrap().to_owned()
    }

    /// Reports so many occurrences, one after the other, and returns their fingerprint.
    pub(crate) fn report_times(&self, times: usize, error_type: &str, message: &str) -> String {
        let mut fingerprint = String::new();
        for _ in 0..times {
            fingerprint = self.report(error_type, message);
        }
        fingerprint
    }

    /// Returns what the node knows of an error, or nothing.
    pub(crate) fn error(&self, fingerprint: &str) -> Option<Value> {
        self.ask(&["errors"]).as_array().unwrap().iter().find(|error| error["fingerprint"] == fingerprint).cloned()
    }

    /// Waits until the node knows of an issue for an error.
    pub(crate) fn wait_for_issue(&self, fingerprint: &str) -> Value {
        wait_for("the issue", || self.error(fingerprint).filter(|error| error["issue"].is_object()))
    }

    /// Waits until the node counts so many occurrences.
    pub(crate) fn wait_for_count(&self, fingerprint: &str, occurrences: u64) -> Value {
        wait_for("the count", || self.error(fingerprint).filter(|error| error["occurrences"] == occurrences))
    }

    /// Returns the resident memory of the running node, in kilobytes.
    pub(crate) fn memory_kb(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.split_whitespace().next().unwrap().parse().unwrap()
    }

    /// Ends the node as a crash would.
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// Waits until the node has ended by itself.
    pub(crate) fn wait_for_end(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.wait().unwrap();
        }
    }

    /// Ends the node as an operator would, and returns its exit code.
    pub(crate) fn stop(&mut self) -> Option<i32> {
        self.signal("TERM");
        self.child.take().unwrap().wait().unwrap().code()
    }

    /// Sends the running node a signal.
    pub(crate) fn signal(&self, name: &str) {
        let sent = Command::new("kill").arg(format!("-{name}")).arg(self.pid().to_string()).status().unwrap();
        assert!(sent.success());
    }

    pub(crate) fn is_running(&self) -> bool {
        self.child.is_some()
    }
}

impl Drop for TestNode {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Reports one occurrence on each node, and returns their fingerprint.
pub(crate) fn report_on_each(nodes: &[TestNode], error_type: &str, message: &str) -> String {
    let mut fingerprint = String::new();
    for node in nodes {
        fingerprint = node.report(error_type, message);
    }
    fingerprint
}

/// Returns the files below a folder whose bytes contain `needle`.
pub(crate) fn files_with(dir: &Path, needle: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let Ok(entries) = fs::read_dir(dir) else { return found };
    for entry in entries.flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(files_with(&path, needle));
        } else if fs::read(&path).unwrap_or_default().windows(needle.len()).any(|window| window == needle.as_bytes()) {
            found.push(path);
        }
    }
    found
}
