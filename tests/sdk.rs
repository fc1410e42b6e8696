//! Real SDKs of other languages against a real node: what their errors become, and that an application does not notice a node that is away.
//!
//! The SDKs come from their registries. Where one is not reached its tests say that they are skipped; with `HEALNODE_TESTS_REQUIRE_PIP` or
//! `HEALNODE_TESTS_REQUIRE_NPM` set that is a failure.

#![allow(clippy::unwrap_used, reason = "what goes wrong here has to fail the test")]

mod harness;
#[path = "sdk/install.rs"]
mod install;
#[path = "sdk/node.rs"]
mod node;
#[path = "sdk/opentelemetry.rs"]
mod opentelemetry;
#[path = "sdk/python.rs"]
mod python;

use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use harness::{Site, TestNode, wait_for};

/// A node with an open door.
struct Open {
    site: Site,
    node: TestNode,
    /// Host and port.
    door: String,
}

impl Open {
    fn start() -> Open {
        let site = Site::new();
        let mut node = site.node_with_door("a", "127.0.0.1:0");
        node.start();
        let door = wait_for("the door", || node.ask(&["status"])["ingest"]["http"].as_str().map(str::to_owned));
        node.set("HEALNODE_INGEST_HTTP", &door);
        Open { site, node, door }
    }

    fn dsn(&self) -> String {
        format!("http://hn@{}/billing-api/1", self.door)
    }

    /// Checks that these errors were counted, by type and often as given, and no others.
    fn has_counted(&self, types: &[&str]) {
        wait_for("the errors", || (self.node.ask(&["status"])["occurrences"].as_u64() >= Some(types.len() as u64)).then_some(()));
        let errors = self.node.ask(&["errors"]);
        let mut found: Vec<&str> = errors.as_array().unwrap().iter().filter_map(|error| error["error_type"].as_str()).collect();
        found.sort_unstable();
        assert_eq!(found, types, "{errors}");
        assert_eq!(self.node.ask(&["status"])["occurrences"], types.len());
    }

    /// Runs a command that fails under `healnode exec`, and checks that its failure was told twice and counts once.
    fn tells_once(&self, error_type: &str, set_up: impl FnOnce(&mut Command)) {
        let mut command = self.node.command();
        without_settings(&mut command);
        set_up(command.args(["exec", "--"]));
        let output = command.stdin(Stdio::null()).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stderr));
        let twice = || Some(self.node.ask(&["status"])).filter(|status| status["dropped"]["told_twice"] == 1);
        let status = wait_for("the second report", twice);
        assert_eq!(status["occurrences"], 1, "{}", self.node.ask(&["errors"]));
        assert_eq!(self.node.ask(&["errors"])[0]["error_type"], error_type);
    }
}

/// Variables by which an SDK would find another way than the one that a test wants.
const SETTINGS: [&str; 10] = [
    "http_proxy",
    "https_proxy",
    "all_proxy",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "SENTRY_DSN",
    "SENTRY_SPOTLIGHT",
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "OTEL_EXPORTER_OTLP_PROTOCOL",
];

fn without_settings(command: &mut Command) -> &mut Command {
    for name in SETTINGS {
        command.env_remove(name);
    }
    command
}

/// What came of a program, and how long it took.
#[derive(Debug)]
struct Run {
    output: Output,
    took: Duration,
}

impl Run {
    fn of(command: &mut Command) -> Run {
        let start = Instant::now();
        let output = without_settings(command).stdin(Stdio::null()).output().unwrap();
        Run { output, took: start.elapsed() }
    }

    fn code(&self) -> Option<i32> {
        self.output.status.code()
    }

    /// Checks that a program did not notice what another run of it was without.
    fn is_like(&self, other: &Run) {
        assert_eq!(self.output, other.output);
        self.is_as_quick_as(other);
    }

    fn is_as_quick_as(&self, other: &Run) {
        assert!(self.took < other.took * 3 + Duration::from_secs(2), "{:?} in the place of {:?}", self.took, other.took);
    }
}

/// An address at which nobody listens.
fn nobody() -> String {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
}
