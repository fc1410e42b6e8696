//! Deploy markers and the rollback command, on real nodes: what is run, when, how often, and when nothing is.
#![allow(clippy::unwrap_used, reason = "what goes wrong here has to fail the test")]

mod harness;

use std::fs;
use std::path::{Path, PathBuf};

use harness::{Site, TestNode, wait_for};
use serde_json::Value;

/// A script that writes down each time what it was told, and then does `more`.
fn script(site: &Site, more: &str) -> PathBuf {
    use std::os::unix::fs::PermissionsExt as _;
    let path = site.path().join("rollback");
    let runs = site.path().join("runs");
    fs::write(&path, format!("#!/bin/sh\ncat >> '{0}'\necho >> '{0}'\n{more}\n", runs.display())).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path
}

/// What the script was told, one run a line.
fn runs(site: &Site) -> Vec<Value> {
    let text = fs::read_to_string(site.path().join("runs")).unwrap_or_default();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn node(site: &Site, command: &Path, confirm: bool) -> TestNode {
    let mut node = site.node("a", &[], &format!("[rollback]\ncommand = [{command:?}]\nconfirm = {confirm}\n"));
    node.start();
    node
}

fn critical(node: &TestNode, times: usize, error_type: &str) -> String {
    let report = serde_json::json!({"type": error_type, "message": "secret words of a customer", "severity": "critical"});
    (0..times).fold(String::new(), |_, _| node.post(&report).unwrap()["fingerprint"].as_str().unwrap().to_owned())
}

/// Waits until the rollback that an error led to has ended, and returns it.
fn ended(node: &TestNode, fingerprint: &str) -> Value {
    let path = format!("/v1/errors/{fingerprint}");
    wait_for("the end of the rollback", || node.get(&path).map(|error| error["rollback"].clone()).filter(|it| !it["outcome"].is_null()))
}

#[test]
fn a_critical_error_after_a_deploy_runs_the_command_once() {
    let site = Site::new();
    let node = node(&site, &script(&site, "echo done"), true);
    let noted = node.ask(&["deploy", "2.0"]);
    assert_eq!((&noted["release"], &noted["app"], &noted["rollback"]), (&"2.0".into(), &"shop".into(), &Value::Null));
    let fingerprint = critical(&node, 3, "SegFault");
    let rollback = ended(&node, &fingerprint);
    assert_eq!((&rollback["outcome"]["result"], &rollback["release"]), (&"done".into(), &"2.0".into()));
    critical(&node, 5, "StackOverflow");
    critical(&node, 5, "SegFault");
    node.wait_for_count(&fingerprint, 8);
    let told = runs(&site);
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!((&told[0]["fingerprint"], &told[0]["error_type"]), (&Value::from(fingerprint.clone()), &"SegFault".into()));
    assert_eq!((&told[0]["severity"], &told[0]["own_occurrences"], &told[0]["nodes"]), (&"critical".into(), &3.into(), &1.into()));
    assert!(!told[0].to_string().contains("secret words"));
    let shown = String::from_utf8(node.run(&["show", &fingerprint]).stdout).unwrap();
    assert!(shown.contains("\nrollback      of 2.0, asked for at ") && shown.contains(": done in "), "{shown}");
    let status = String::from_utf8(node.run(&["status"]).stdout).unwrap();
    assert!(status.contains("\nlast deploy   shop 2.0, ") && status.contains("; rollback: done in "), "{status}");
    let next = node.ask(&["deploy", "2.1", "--app", "shop"]);
    assert_eq!(next["release"], "2.1");
    critical(&node, 5, "SegFault");
    let new = critical(&node, 3, "OutOfMemory");
    ended(&node, &new);
    let told = runs(&site);
    assert_eq!((told.len(), &told[1]["fingerprint"]), (2, &Value::from(new)), "an old error is not the next deploy's doing");
}

#[test]
fn without_confirmation_it_is_only_said() {
    let site = Site::new();
    let node = node(&site, &script(&site, ""), false);
    node.ask(&["deploy", "2.0"]);
    let fingerprint = critical(&node, 3, "SegFault");
    assert_eq!(ended(&node, &fingerprint)["outcome"]["result"], "dry_run");
    assert_eq!(runs(&site), Vec::<Value>::new());
    assert!(node.log().contains("would run the rollback command"), "{}", node.log());
}

#[test]
fn what_is_not_critical_or_comes_without_a_deploy_runs_nothing() {
    let site = Site::new();
    let node = node(&site, &script(&site, ""), true);
    critical(&node, 5, "SegFault");
    node.ask(&["deploy", "2.0"]);
    critical(&node, 5, "SegFault");
    let mild = node.report_times(5, "ValueError", "not so bad");
    node.wait_for_count(&mild, 5);
    let rare = critical(&node, 2, "StackOverflow");
    node.wait_for_count(&rare, 2);
    assert_eq!(runs(&site), Vec::<Value>::new());
    assert_eq!(node.get("/v1/deploys").unwrap()[0]["rollback"], Value::Null);
}

#[test]
fn a_kill_in_the_middle_does_not_run_it_twice() {
    let site = Site::new();
    let wait = format!("while [ ! -e '{}' ]; do sleep 0.05; done", site.path().join("go").display());
    let mut node = node(&site, &script(&site, &wait), true);
    node.ask(&["deploy", "2.0"]);
    let fingerprint = critical(&node, 3, "SegFault");
    wait_for("the run", || (runs(&site).len() == 1).then_some(()));
    node.kill();
    node.start();
    critical(&node, 5, "SegFault");
    critical(&node, 5, "StackOverflow");
    node.wait_for_count(&fingerprint, 8);
    let rollback = ended(&node, &fingerprint);
    assert_eq!(rollback["outcome"]["result"], "unknown");
    fs::write(site.path().join("go"), "").unwrap();
    node.stop();
    assert_eq!(runs(&site).len(), 1);
}

#[test]
fn a_failing_command_is_told_as_it_ended() {
    let site = Site::new();
    let node = node(&site, &script(&site, "exit 4"), true);
    node.ask(&["deploy", "2.0"]);
    let fingerprint = critical(&node, 3, "SegFault");
    let outcome = &ended(&node, &fingerprint)["outcome"];
    assert_eq!((&outcome["result"], &outcome["code"]), (&"failed".into(), &4.into()));
}

#[test]
fn what_is_no_deploy_is_refused() {
    let site = Site::new();
    let mut node = site.node("a", &[], "");
    node.start();
    for body in ["", "[]", "{}", r#"{"release": ""}"#, r#"{"release": 2}"#, r#"{"release": "a\nb"}"#, r#"{"release": "2", "apps": "x"}"#] {
        let (status, answer) = node.http("POST", "/v1/deploys", body).unwrap();
        assert_eq!(status, 400, "{body}: {answer}");
    }
    let long = serde_json::json!({"release": "x".repeat(129)}).to_string();
    assert_eq!(node.http("POST", "/v1/deploys", &long).unwrap().0, 400);
    assert_eq!(node.get("/v1/deploys"), Some(Value::Array(Vec::new())));
    assert_eq!(node.ask(&["status"])["last_deploy"], Value::Null);
}
