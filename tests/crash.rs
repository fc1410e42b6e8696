//! What survives: kills, restarts, nodes that are not there, a second process on one directory.
#![allow(clippy::unwrap_used, reason = "what goes wrong here has to fail the test")]

mod harness;

use harness::Site;

#[test]
fn counts_and_the_issue_survive_a_kill_of_all() {
    let site = Site::new();
    let mut nodes = site.mesh(&["a", "b", "c"], "");
    let fingerprint = harness::report_on_each(&nodes, "ValueError", "kept");
    nodes.iter().for_each(|node| drop(node.wait_for_issue(&fingerprint)));
    for node in &mut nodes {
        node.kill();
    }
    for node in &mut nodes {
        node.start();
        let error = node.wait_for_issue(&fingerprint);
        assert_eq!(error["occurrences"], 3);
        assert_eq!(error["issue"]["number"], 1);
    }
    nodes[0].report("ValueError", "kept");
    nodes[0].wait_for_count(&fingerprint, 4);
    assert_eq!(site.issues().len(), 1);
}

#[test]
fn every_acknowledged_report_survives_a_kill_right_after() {
    let site = Site::new();
    let mut node = site.node("a", &[], "[bundle]\ninterval = \"1h\"\n");
    for round in 1..=10 {
        node.start();
        let fingerprint = node.report("ValueError", "counted");
        node.kill();
        node.start();
        node.wait_for_count(&fingerprint, round);
        node.kill();
    }
}

#[test]
fn a_report_without_a_node_waits_for_the_next_run_and_counts_once() {
    let site = Site::new();
    let mut node = site.node("a", &[], "[bundle]\ninterval = \"1h\"\n");
    let fingerprint = node.report("ValueError", "nobody was there");
    node.start();
    node.wait_for_count(&fingerprint, 1);
    node.kill();
    node.start();
    node.wait_for_count(&fingerprint, 1);
}

#[test]
fn the_same_event_id_twice_is_one_occurrence_also_over_a_restart() {
    let site = Site::new();
    let mut node = site.node("a", &[], "[bundle]\ninterval = \"1h\"\n");
    let report = r#"{"type":"ValueError","message":"twice","event_id":"9a7c"}"#;
    node.start();
    assert!(node.run_with_input(&["report", "--json"], report).status.success());
    node.kill();
    node.start();
    assert!(node.run_with_input(&["report", "--json"], report).status.success());
    assert_eq!(node.ask(&["status"])["occurrences"], 1);
    assert_eq!(node.ask(&["status"])["dropped"]["repeated_event"], 1);
}

#[test]
fn a_second_node_on_the_same_directory_is_refused_and_the_first_goes_on() {
    let site = Site::new();
    let mut node = site.node("a", &[], "");
    node.start();
    let second = node.run(&["--socket", site.path().join("other").to_str().unwrap(), "run"]);
    assert_eq!(second.status.code(), Some(1));
    let message = String::from_utf8_lossy(&second.stderr);
    assert!(message.contains("in use by another healnode"), "{message}");
    node.ask(&["status"]);
}

#[test]
fn a_node_stops_cleanly_on_sigterm() {
    let site = Site::new();
    let mut node = site.node("a", &[], "");
    node.start();
    assert_eq!(node.stop(), Some(0));
    assert!(!node.home().join("socket").exists());
}

#[test]
fn without_a_token_the_node_counts_on_and_says_why_nothing_is_filed() {
    let site = Site::new();
    let forge = "[forge]\nkind = \"github\"\nrepo = \"acme/app\"\nauto_issue = true\napi_url = \"http://127.0.0.1:9\"\n";
    let mut node = site.node_with_forge("a", &[], forge, "");
    node.set("PATH", "/nonexistent");
    node.start();
    let fingerprint = node.report("ValueError", "counted all the same");
    node.wait_for_count(&fingerprint, 1);
    harness::wait_for("the reason", || {
        let state = node.ask(&["status"])["forge"]["state"].as_str().unwrap().to_owned();
        state.contains("there is no GitHub token").then_some(())
    });
}

#[test]
fn no_node_gives_exit_code_3_and_says_what_to_do() {
    let site = Site::new();
    let node = site.node("a", &[], "");
    let output = node.run(&["status"]);
    assert_eq!(output.status.code(), Some(3));
    let message = String::from_utf8_lossy(&output.stderr);
    assert!(message.contains("no node answers") && message.contains("healnode run"), "{message}");
}
