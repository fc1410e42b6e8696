//! `healnode demo`: three real nodes on this machine, a real failing command beside each, one issue for all.
//!
//! Everything it starts lives in one temporary folder and ends with it. It talks to its nodes as anybody would: through the command line
//! and the status socket.

use std::future::Future;
use std::io::Write;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tokio::process::{Child, Command};

use crate::client::{Client, ClientError};

/// How many nodes take part. Three is the default of `bundle.min_occurrences`, so each of them is needed.
const NODES: usize = 3;

/// How long each part may take before the demo says that it did not work.
const PATIENCE: Duration = Duration::from_secs(20);

/// How often the nodes are asked how far they are.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Why the demo did not come to its end.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// Something on this machine did not work.
    #[error("{what}")]
    Io {
        /// What.
        what: String,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// A node gave no answer.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// A node ended at its start.
    #[error("a node ended at its start: {log}")]
    NodeEnded {
        /// The last line of its log.
        log: String,
    },
    /// Something did not happen in time.
    #[error("{what} did not happen within {} s; the nodes' logs are in {}", PATIENCE.as_secs(), dir.display())]
    Late {
        /// What.
        what: &'static str,
        /// Where to look.
        dir: PathBuf,
    },
}

/// The error of an operation, with what it was for.
fn io(what: impl Into<String>) -> impl FnOnce(std::io::Error) -> DemoError {
    let what = what.into();
    move |source| DemoError::Io { what, source }
}

/// Runs the demo and tells `out` about it, until it ends or `stop` is done.
///
/// # Errors
/// When something does not work. The folder with the logs stays only when it may say why.
pub async fn demo(out: &mut dyn Write, stop: impl Future<Output = ()>) -> Result<(), DemoError> {
    let dir = std::env::temp_dir().join(format!("healnode-demo-{:016x}", rand::random::<u64>()));
    make_private(&dir).map_err(io(format!("{} cannot be made", dir.display())))?;
    let shown = tokio::select! {
        shown = show(&dir, out) => shown,
        () = stop => Ok(()),
    };
    if !matches!(shown, Err(DemoError::Late { .. } | DemoError::NodeEnded { .. })) {
        std::fs::remove_dir_all(&dir).map_err(io("the demo's folder cannot be removed"))?;
    }
    shown
}

/// Makes a folder for this user alone. One that is there already may be somebody else's, and is an error.
fn make_private(dir: &Path) -> std::io::Result<()> {
    std::fs::DirBuilder::new().mode(0o700).create(dir)
}

async fn show(dir: &Path, out: &mut dyn Write) -> Result<(), DemoError> {
    let mut say = |text: &str| writeln!(out, "{text}").and_then(|()| out.flush()).map_err(io("the terminal is gone"));
    let program = std::env::current_exe().map_err(io("this program cannot be found"))?;

    say("healnode demo: one bug on three machines becomes one issue.\n")?;
    say("1. Three nodes start. The second and third know only the first.")?;
    let started = Instant::now();
    let mut nodes: Vec<DemoNode> = Vec::new();
    for number in 1..=NODES {
        let bootstrap = nodes.first().map(|first| first.address.clone());
        let node = DemoNode::start(&program, dir, number, bootstrap.as_deref()).await?;
        say(&format!("   node {number}  {}", node.peer_id))?;
        nodes.push(node);
    }
    wait_for(dir, "every node knowing the others", &nodes, |status| status["peers"].as_u64() >= Some(NODES as u64 - 1)).await?;
    say(&format!("   They found each other, {:.1} s after the start.\n", started.elapsed().as_secs_f64()))?;

    say("2. The same job fails beside each node, as `healnode exec -- sh -c '...'`, with a secret on its command line.")?;
    for node in &nodes {
        let (code, line) = node.fail(&program).await?;
        say(&format!("   node {}  exit code {code}, unchanged; it printed: {line}", node.number))?;
    }
    let failed = Instant::now();

    say("\n3. Each node redacts the error, fingerprints it, counts it, and tells the others only that.")?;
    let error = wait_for_issue(dir, &nodes).await?;
    let fingerprint = error["fingerprint"].as_str().unwrap_or_default();
    say(&format!("   fingerprint {}", fingerprint.get(..16).unwrap_or(fingerprint)))?;
    say(&format!("   occurrences {} across {} nodes", error["occurrences"], error["nodes"].as_object().map_or(0, serde_json::Map::len)))?;

    say("\n4. One of them files one issue for all.")?;
    let files = issue_files(&dir.join("outbox")).map_err(io("the outbox cannot be read"))?;
    let issues = files.iter().map(std::fs::read_to_string).collect::<Result<Vec<_>, _>>().map_err(io("the issue cannot be read"))?;
    let is_filer = |node: &&DemoNode| issues.iter().any(|issue| issue.contains(&format!("filed-by: {}", node.peer_id)));
    let filer = nodes.iter().find(is_filer).map_or(0, |node| node.number);
    say(&format!(
        "   Elected: node {filer}. Of the live nodes that have seen the error and can file, the lowest peer id files; in that order they are:"
    ))?;
    let mut order: Vec<&DemoNode> = nodes.iter().collect();
    order.sort_by_key(|node| node.order());
    for node in order {
        say(&format!("     node {}  {}", node.number, node.peer_id))?;
    }
    say(&format!(
        "   Filed {:.1} s after the third failure (this demo looks every second; the default is every 15 minutes).",
        failed.elapsed().as_secs_f64()
    ))?;
    say(&format!("   Issues in the outbox: {}\n", issues.len()))?;
    for line in issues.iter().flat_map(|issue| issue.lines()) {
        say(&format!("   | {line}"))?;
    }

    for node in nodes {
        node.stop().await?;
    }
    say("\nThe nodes are stopped and the demo's folder is removed. To run your own: healnode run. To file on GitHub: see README.md.")
}

async fn wait_for(dir: &Path, what: &'static str, nodes: &[DemoNode], ready: impl Fn(&Value) -> bool) -> Result<(), DemoError> {
    for node in nodes {
        let deadline = Instant::now() + PATIENCE;
        while !ready(&node.client.get("/v1/status").await?) {
            if Instant::now() > deadline {
                return Err(DemoError::Late { what, dir: dir.to_owned() });
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }
    Ok(())
}

/// Waits until every node knows of the same issue, and returns what the last one says.
async fn wait_for_issue(dir: &Path, nodes: &[DemoNode]) -> Result<Value, DemoError> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let mut last = Value::Null;
        let mut known = 0;
        for node in nodes {
            let errors = node.client.get("/v1/errors").await?;
            last = errors.get(0).cloned().unwrap_or_default();
            known += usize::from(last["issue"].is_object());
        }
        if known == nodes.len() {
            return Ok(last);
        }
        if Instant::now() > deadline {
            return Err(DemoError::Late { what: "filing the issue", dir: dir.to_owned() });
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

fn issue_files(outbox: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(outbox)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "md") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// One node of the demo. Killed if it is dropped.
struct DemoNode {
    number: usize,
    dir: PathBuf,
    child: Child,
    client: Client,
    peer_id: String,
    address: String,
}

impl DemoNode {
    async fn start(program: &Path, dir: &Path, number: usize, bootstrap: Option<&str>) -> Result<Self, DemoError> {
        let home = dir.join(format!("node{number}"));
        std::fs::create_dir_all(&home).map_err(io("a node's folder cannot be made"))?;
        std::fs::write(home.join("healnode.toml"), settings(dir, &home, bootstrap)).map_err(io("a node's settings cannot be written"))?;
        let log = std::fs::File::create(home.join("log")).map_err(io("a node's log cannot be made"))?;
        let mut command = clean_command(program, &home);
        command.arg("run").stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).kill_on_drop(true);
        let mut child = command.spawn().map_err(io("a node could not be started"))?;
        let client = Client::new(&home.join("socket"));
        let status = Self::first_status(&home, &mut child, &client).await?;
        let peer_id = status["peer_id"].as_str().unwrap_or_default().to_owned();
        let address = status["listen"][0].as_str().unwrap_or_default().to_owned();
        Ok(Self { number, dir: home, child, client, peer_id, address })
    }

    async fn first_status(home: &Path, child: &mut Child, client: &Client) -> Result<Value, DemoError> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Ok(status) = client.get("/v1/status").await
                && status["listen"][0].is_string()
            {
                return Ok(status);
            }
            if child.try_wait().map_err(io("a node could not be watched"))?.is_some() {
                let log = std::fs::read_to_string(home.join("log")).unwrap_or_default();
                return Err(DemoError::NodeEnded { log: log.lines().last().unwrap_or_default().to_owned() });
            }
            if Instant::now() > deadline {
                return Err(DemoError::Late { what: "starting a node", dir: home.to_owned() });
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// Runs the failing job beside this node. Returns its exit code and its last line.
    async fn fail(&self, program: &Path) -> Result<(i32, String), DemoError> {
        let secret = ["--token=", "ghp_", &"x7Kq2mP9".repeat(5)[..36]].concat();
        let script = "echo \"invoice run, worker $$\"; cat /srv/invoices/rates.json";
        let mut command = clean_command(program, &self.dir);
        command.args(["exec", "--", "sh", "-c", script, "invoices", &secret]);
        let output = command.output().await.map_err(io("the job could not be started"))?;
        let line = String::from_utf8_lossy(&output.stderr).lines().next().unwrap_or_default().to_owned();
        Ok((output.status.code().unwrap_or(-1), line))
    }

    /// Peer ids are compared by the bytes that their text stands for.
    fn order(&self) -> Option<healnode_core::NodeId> {
        self.peer_id.parse().ok()
    }

    async fn stop(mut self) -> Result<(), DemoError> {
        if let Some(pid) = self.child.id().and_then(|pid| Pid::from_raw(i32::try_from(pid).ok()?)) {
            kill_process(pid, Signal::TERM).map_err(|error| io("a node could not be stopped")(error.into()))?;
        }
        if tokio::time::timeout(PATIENCE, self.child.wait()).await.is_err() {
            self.child.kill().await.map_err(io("a node could not be stopped"))?;
        }
        Ok(())
    }
}

fn settings(dir: &Path, home: &Path, bootstrap: Option<&str>) -> String {
    let quoted = |path: &Path| toml::Value::String(path.display().to_string());
    let bootstrap = bootstrap.map(|address| toml::Value::String(address.to_owned()).to_string()).unwrap_or_default();
    format!(
        "data_dir = {}\napp = \"invoices\"\n[ingest]\nhttp = \"\"\n[mesh]\nlisten = [\"/ip4/127.0.0.1/tcp/0\"]\nbootstrap = [{bootstrap}]\n[bundle]\ninterval = \"1s\"\n\
         [forge]\nauto_issue = true\noutbox = {}\n[status]\nsocket = {}\n",
        quoted(&home.join("data")),
        quoted(&dir.join("outbox")),
        quoted(&home.join("socket")),
    )
}

/// A command of this program that no setting of the caller's reaches.
fn clean_command(program: &Path, home: &Path) -> Command {
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("HEALNODE_") || text.starts_with("IPFS_AUTO_") || text == "IPFS_REPO" {
            command.env_remove(&name);
        }
    }
    command.arg("--config").arg(home.join("healnode.toml"));
    command
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn the_folder_is_for_its_owner_only_and_is_never_one_that_was_there() {
        let parent = tempfile::tempdir().unwrap();
        let dir = parent.path().join("demo");
        make_private(&dir).unwrap();
        assert_eq!(std::fs::metadata(&dir).unwrap().permissions().mode() & 0o777, 0o700);
        assert_eq!(make_private(&dir).unwrap_err().kind(), std::io::ErrorKind::AlreadyExists);
        assert_eq!(make_private(&parent.path().join("none/demo")).unwrap_err().kind(), std::io::ErrorKind::NotFound);
    }
}
