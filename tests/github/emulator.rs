//! A GitHub for one test: the emulator from npm, started on free ports, with accounts of its own.
//!
//! Included with `#[path]` by every test that needs it. Needs npm once, to install what `package.json` beside this file pins; without npm
//! a test says that it is skipped, or fails when `HEALNODE_TESTS_REQUIRE_NPM` is 1. What the emulator gets wrong is a matter for tests with
//! scripted answers, not for this one.
#![allow(dead_code, reason = "each of the tests that include this file uses a part of it")]

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::Value;

/// A running emulator. Dropping it ends it.
pub(crate) struct Emulator {
    child: Child,
    about: Value,
    requests: PathBuf,
}

/// A GitHub App that is installed on the repository's owner.
pub(crate) struct App {
    pub(crate) id: u64,
    pub(crate) installation: u64,
    pub(crate) login: String,
    pub(crate) key_pem: String,
}

impl Emulator {
    /// Starts one. `None` when npm is missing; then a line on standard error says so.
    pub(crate) fn start() -> Option<Self> {
        match install() {
            Ok(()) => Some(Self::launch()),
            Err(reason) => {
                skip(&reason);
                None
            }
        }
    }

    fn launch() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("requests-{}-{}.jsonl", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let requests = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        let mut child = node("emulator.mjs").arg(&requests).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("node starts");
        let stdout = child.stdout.take().expect("standard output is piped");
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line).expect("the emulator's output can be read");
        let about = serde_json::from_str(&line).expect("the emulator says how to reach it");
        Self { child, about, requests }
    }

    /// Address of the API.
    pub(crate) fn url(&self) -> &str {
        self.text("/url")
    }

    /// The one repository, as `owner/name`.
    pub(crate) fn repo(&self) -> &str {
        self.text("/repo")
    }

    /// A token of the account that healnode files as.
    pub(crate) fn token(&self) -> &str {
        self.text("/bot/token")
    }

    /// The name of that account.
    pub(crate) fn login(&self) -> &str {
        self.text("/bot/login")
    }

    /// A token of a person who may write to the repository as well.
    pub(crate) fn person_token(&self) -> &str {
        self.text("/person/token")
    }

    /// The app.
    pub(crate) fn app(&self) -> App {
        let number = |pointer| self.about.pointer(pointer).and_then(Value::as_u64).expect("the app has its numbers");
        App {
            id: number("/app/id"),
            installation: number("/app/installation"),
            login: format!("{}[bot]", self.text("/app/slug")),
            key_pem: self.text("/app/key").to_owned(),
        }
    }

    /// The first hundred issues, open and closed, oldest first.
    pub(crate) fn issues(&self) -> Vec<Value> {
        let path = format!("/repos/{}/issues?state=all&sort=created&direction=asc&per_page=100", self.repo());
        let (status, issues) = self.request("GET", &path, self.person_token(), None);
        assert_eq!(status, 200, "{issues}");
        issues.as_array().expect("a list of issues").clone()
    }

    /// One issue, by its number.
    pub(crate) fn issue(&self, number: u64) -> Value {
        let (status, issue) = self.request("GET", &format!("/repos/{}/issues/{number}", self.repo()), self.person_token(), None);
        assert_eq!(status, 200, "{issue}");
        issue
    }

    /// Sends one request as the owner of `token`, past what is being tested. Returns the status and the answer.
    pub(crate) fn request(&self, method: &str, path: &str, token: &str, body: Option<&Value>) -> (u16, Value) {
        let body = body.map(Value::to_string).unwrap_or_default();
        let address = self.url().strip_prefix("http://").expect("a plain address");
        let head =
            format!("{method} {path} HTTP/1.0\r\nhost: {address}\r\nauthorization: Bearer {token}\r\ncontent-type: application/json");
        let request = format!("{head}\r\nx-from-test: yes\r\ncontent-length: {}\r\n\r\n{body}", body.len());
        let mut answer = String::new();
        let mut stream = TcpStream::connect(address).expect("the emulator listens");
        stream.write_all(request.as_bytes()).expect("the emulator reads");
        stream.read_to_string(&mut answer).expect("the emulator answers");
        let (head, body) = answer.split_once("\r\n\r\n").expect("a whole answer");
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
        (status, serde_json::from_str(body).unwrap_or(Value::Null))
    }

    /// Every request so far, but for those of [`Emulator::request`].
    pub(crate) fn requests(&self) -> Vec<Value> {
        let text = fs::read_to_string(&self.requests).unwrap_or_default();
        text.lines().map(|line| serde_json::from_str(line).expect("a recorded request")).collect()
    }

    /// Checks every request so far against GitHub's description of its API.
    pub(crate) fn check_requests(&self) {
        let faults = check_requests(&self.requests);
        assert!(faults.is_empty(), "{faults}");
    }

    fn text(&self, pointer: &str) -> &str {
        self.about.pointer(pointer).and_then(Value::as_str).expect("the emulator told it at its start")
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        let _already_gone = self.child.kill();
        let _status = self.child.wait();
        let _never_written = fs::remove_file(&self.requests);
    }
}

/// Returns what is wrong with the requests in a file of JSON lines; nothing when all is well. Needs what [`Emulator::start`] installs.
pub(crate) fn check_requests(path: &Path) -> String {
    let output = node("check.mjs").arg(path).stderr(Stdio::inherit()).output().expect("node starts");
    if output.status.success() { String::new() } else { String::from_utf8_lossy(&output.stdout).into_owned() }
}

/// Installs what `package.json` pins, once; others wait meanwhile.
pub(crate) fn install() -> Result<(), String> {
    let dir = dir();
    let (_lock, wanted) = lock(&dir.join("package-lock.json"));
    let installed = dir.join("node_modules/.installed");
    if fs::read(&installed).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    let output = Command::new("npm").arg("ci").current_dir(&dir).output().map_err(|error| format!("npm cannot be run: {error}"))?;
    if !output.status.success() {
        return Err(format!("npm ci failed: {}", String::from_utf8_lossy(&output.stderr).trim()));
    }
    fs::write(installed, wanted).map_err(|error| format!("node_modules cannot be written to: {error}"))
}

/// Waits for the lock on a file, which lasts as long as the handle. Returns the content too.
fn lock(path: &Path) -> (File, Vec<u8>) {
    let mut file = File::open(path).expect("the file is there");
    file.lock().expect("a file can be locked");
    let mut content = Vec::new();
    file.read_to_end(&mut content).expect("the file can be read");
    (file, content)
}

/// Says that a test is skipped, past the capture of its output.
pub(crate) fn skip(reason: &str) {
    assert_ne!(std::env::var("HEALNODE_TESTS_REQUIRE_NPM").as_deref(), Ok("1"), "needs npm: {reason}");
    writeln!(io::stderr(), "skipped: needs npm ({reason})").expect("standard error can be written");
}

fn node(script: &str) -> Command {
    let dir = dir();
    let mut command = Command::new(dir.join("node_modules/.bin/node"));
    command.arg(dir.join(script));
    command
}

/// The folder of this file, from any of the packages that include it.
fn dir() -> PathBuf {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let found = package.ancestors().map(|dir| dir.join("tests/github")).find(|dir| dir.join("package.json").is_file());
    found.expect("tests/github is above the package")
}
