//! A node as the library sees it: a socket that takes HTTP, and a data directory with a spool.
#![allow(dead_code, reason = "each of the tests that include this file uses a part of it")]
#![allow(clippy::unwrap_used, clippy::unwrap_in_result, reason = "what goes wrong here has to fail the test")]

use std::io::{Read as _, Write as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use healnode_client::{Builder, Client};
use serde_json::Value;
use tempfile::TempDir;

/// How long anything may take that is waited for.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// What the real node answers.
pub(crate) const TAKEN: &str = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}";

/// How a node treats those who ask.
#[derive(Clone, Copy)]
pub(crate) enum Manner {
    /// With this text.
    Answers(&'static str),
    /// Takes the request and says nothing.
    IsSilent,
    /// Is not there.
    IsAbsent,
}

pub(crate) struct FakeNode {
    dir: TempDir,
    reports: Receiver<Value>,
}

impl FakeNode {
    pub(crate) fn new(manner: Manner) -> Self {
        let dir = tempfile::Builder::new().prefix("hn").tempdir().unwrap();
        let (sender, reports) = channel();
        match manner {
            Manner::Answers(answer) => listen(&dir, sender, Some(answer)),
            Manner::IsSilent => listen(&dir, sender, None),
            Manner::IsAbsent => {}
        }
        Self { dir, reports }
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.dir.path().join("socket")
    }

    pub(crate) fn data_dir(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    pub(crate) fn builder(&self) -> Builder {
        Client::builder().socket(self.socket()).data_dir(self.data_dir())
    }

    pub(crate) fn client(&self) -> Client {
        self.builder().build().unwrap()
    }

    /// Waits for the next report.
    pub(crate) fn report(&self) -> Value {
        self.reports.recv_timeout(PATIENCE).unwrap()
    }

    /// Returns what has come and was not looked at.
    pub(crate) fn rest(&self) -> Vec<Value> {
        self.reports.try_iter().collect()
    }

    /// Returns the files in the spool with their texts.
    pub(crate) fn spool(&self) -> Vec<(PathBuf, String)> {
        files(&self.data_dir().join("spool"))
    }
}

fn files(dir: &Path) -> Vec<(PathBuf, String)> {
    let Ok(entries) = std::fs::read_dir(dir) else { return Vec::new() };
    entries.map(|entry| entry.unwrap().path()).map(|path| (path.clone(), std::fs::read_to_string(path).unwrap())).collect()
}

fn listen(dir: &TempDir, sender: Sender<Value>, answer: Option<&'static str>) {
    let listener = UnixListener::bind(dir.path().join("socket")).unwrap();
    std::thread::spawn(move || {
        let mut held = Vec::new();
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let Some(report) = read_request(&mut stream) else { continue };
            let _test_is_over = sender.send(report);
            match answer {
                Some(answer) => drop(stream.write_all(answer.as_bytes())),
                None => held.push(stream),
            }
        }
    });
}

/// Reads `POST /v1/report` with its body.
fn read_request(stream: &mut UnixStream) -> Option<Value> {
    let mut request = Vec::new();
    let mut piece = [0; 4096];
    loop {
        let text = String::from_utf8_lossy(&request).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            assert!(head.starts_with("POST /v1/report HTTP/1.1\r\nhost: "), "{head}");
            let length: usize = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap().parse().unwrap();
            if body.len() >= length {
                return Some(serde_json::from_str(body).unwrap());
            }
        }
        match stream.read(&mut piece).ok()? {
            0 => return None,
            read => request.extend_from_slice(&piece[..read]),
        }
    }
}
