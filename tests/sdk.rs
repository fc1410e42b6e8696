//! A real SDK of another language against a real node: what its errors become, and that an application does not notice a node that is away.
//!
//! The SDK comes from its registry. Where that is not reached the tests say that they are skipped; with `HEALNODE_TESTS_REQUIRE_PIP` set that
//! is a failure.

#![allow(clippy::unwrap_used, reason = "what goes wrong here has to fail the test")]

mod harness;

use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use harness::{Site, wait_for};

/// The release of the SDK that is tried.
const SDK: &str = "sentry-sdk==2.75.0";

/// Returns a Python that has the SDK, once for all tests; nothing when it cannot be had.
fn python() -> Option<&'static PathBuf> {
    static PYTHON: OnceLock<Option<PathBuf>> = OnceLock::new();
    let found = PYTHON.get_or_init(|| {
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("sdk-python");
        let python = folder.join("bin/python");
        let has_sdk =
            |python: &PathBuf| Command::new(python).args(["-c", "import sentry_sdk"]).output().is_ok_and(|done| done.status.success());
        if has_sdk(&python) {
            return Some(python);
        }
        let made = Command::new("python3").args(["-m", "venv", "--clear"]).arg(&folder).output().ok()?.status.success();
        let installed = made && Command::new(&python).args(["-m", "pip", "install", "-q", SDK]).output().ok()?.status.success();
        installed.then_some(python).filter(has_sdk)
    });
    if found.is_none() {
        assert!(std::env::var_os("HEALNODE_TESTS_REQUIRE_PIP").is_none(), "{SDK} cannot be installed");
        eprintln!("skipped: {SDK} cannot be installed here");
    }
    found.as_ref()
}

/// Runs a script with the SDK set up for a DSN. Returns its exit code and how long it took.
fn run(python: &PathBuf, dsn: &str, script: &str) -> (Option<i32>, Duration) {
    let script = format!("import sentry_sdk\nsentry_sdk.init(dsn={dsn:?})\n{script}");
    let start = Instant::now();
    let mut command = Command::new(python);
    for name in ["http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "SENTRY_DSN", "SENTRY_SPOTLIGHT"] {
        command.env_remove(name);
    }
    let output = command.args(["-c", &script]).output().unwrap();
    (output.status.code(), start.elapsed())
}

#[test]
fn errors_handled_and_not_in_threads_and_coroutines_are_all_reported() {
    let Some(python) = python() else { return };
    let site = Site::new();
    let mut node = site.node_with_door("a", "127.0.0.1:0");
    node.start();
    let door = wait_for("the door", || node.ask(&["status"])["ingest"]["http"].as_str().map(str::to_owned));
    let dsn = format!("http://hn@{door}/billing-api/1");
    for (script, code) in [
        ("try:\n    {}['sku']\nexcept KeyError as error:\n    sentry_sdk.capture_exception(error)", 0),
        ("def charge():\n    raise ValueError('no such row')\ncharge()", 1),
        ("import threading\nt = threading.Thread(target=lambda: 1 / 0)\nt.start()\nt.join()", 0),
        ("import asyncio\nasync def main():\n    raise RuntimeError('loop closed')\nasyncio.run(main())", 1),
        ("sentry_sdk.capture_message('disk almost full', level='warning')", 0),
    ] {
        assert_eq!(run(python, &dsn, script).0, Some(code), "{script}");
    }
    wait_for("four errors", || (node.ask(&["status"])["occurrences"] == 4).then_some(()));
    let errors = node.ask(&["errors"]);
    let mut types: Vec<&str> = errors.as_array().unwrap().iter().filter_map(|error| error["error_type"].as_str()).collect();
    types.sort_unstable();
    assert_eq!(types, ["KeyError", "RuntimeError", "ValueError", "ZeroDivisionError"]);
    assert_eq!(node.ask(&["status"])["ingest"]["messages"], 1);
}

#[test]
fn an_application_does_not_notice_a_node_that_is_away() {
    let Some(python) = python() else { return };
    let script = "def charge():\n    raise ValueError('no such row')\ncharge()";
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (code, away) = run(python, &format!("http://hn@{free}/app/1"), script);
    let (_, off) = run(python, "", script);
    assert_eq!(code, Some(1));
    assert!(away < off * 3 + Duration::from_secs(2), "{away:?} with a node that is away, {off:?} with the SDK switched off");
}
