//! The library for applications against a real node: what it captures is counted, and counted once.
#![allow(clippy::unwrap_used, reason = "what goes wrong here has to fail the test")]

mod harness;

use std::io;
use std::time::Duration;

use harness::{Site, TestNode, files_with, wait_for};
use healnode_client::{Client, Counts};
use serde_json::Value;

/// How long a delivery may take. Far more than it needs.
const PATIENCE: Duration = Duration::from_secs(60);

fn client(node: &TestNode) -> Client {
    Client::builder().release("shop@1.4").socket(node.socket()).data_dir(node.data_dir()).build().unwrap()
}

fn refused() -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionRefused, "postgres://shop:hunter2@db/orders refused the connection")
}

/// Waits until the node counts so many occurrences of the one error that it knows.
fn wait_for_count(node: &TestNode, occurrences: u64) -> Value {
    let errors = node.ask(&["errors"]);
    assert_eq!(errors.as_array().unwrap().len(), 1, "{errors}");
    node.wait_for_count(errors[0]["fingerprint"].as_str().unwrap(), occurrences)
}

#[test]
fn errors_of_an_application_are_counted_under_the_nodes_own_name_and_without_secrets() {
    let site = Site::new();
    let mut node = site.node("a", &[], "[bundle]\ninterval = \"1h\"\n");
    node.start();
    let client = client(&node);
    for _ in 0..3 {
        assert!(client.capture_error(&refused()).is_some());
    }
    assert!(client.flush(PATIENCE));
    assert_eq!(client.counts(), Counts { delivered: 3, ..Counts::default() });
    let error = wait_for_count(&node, 3);
    assert_eq!((&error["error_type"], &error["severity"]), (&"std::io::Error".into(), &"high".into()));
    assert_eq!(error["releases"]["shop@1.4"], 3);
    assert_eq!(node.ask(&["status"])["dropped"], Value::Object(serde_json::Map::new()), "no field of the library is unknown to the node");
    assert!(files_with(site.path(), "hunter2").is_empty());
}

#[test]
fn what_was_captured_without_a_node_is_counted_once_one_starts() {
    let site = Site::new();
    let mut node = site.node("a", &[], "[bundle]\ninterval = \"1h\"\n");
    let client = client(&node);
    client.capture_error(&refused());
    assert!(client.flush(PATIENCE));
    assert_eq!(client.counts(), Counts { spooled: 1, ..Counts::default() });
    assert!(files_with(site.path(), "hunter2").is_empty());
    node.start();
    wait_for("the report from the spool", || (node.ask(&["status"])["occurrences"] == 1).then_some(()));
    client.capture_error(&refused());
    assert!(client.flush(PATIENCE));
    wait_for_count(&node, 2);
}

#[test]
fn what_waited_for_a_node_is_of_the_nodes_own_app_where_it_names_none() {
    let site = Site::new();
    let mut node = site.node("a", &[], "[bundle]\ninterval = \"1s\"\nmin_occurrences = 1\n");
    let places = |name| Client::builder().app(name).socket(node.socket()).data_dir(node.data_dir()).build().unwrap();
    let nameless = Client::builder().socket(node.socket()).data_dir(node.data_dir()).build().unwrap();
    for (client, message) in [(nameless, "nobody's"), (places("billing"), "billing's")] {
        client.capture_error(&io::Error::other(message));
        assert!(client.flush(PATIENCE));
    }
    node.start();
    let issues = wait_for("the issues", || Some(site.issues()).filter(|issues| issues.len() == 2));
    for (_, issue) in issues {
        assert_eq!(
            (issue.contains("shop"), issue.contains("billing")),
            (issue.contains("nobody's"), issue.contains("billing's")),
            "{issue}"
        );
    }
}

#[test]
fn an_error_that_needs_an_issue_is_filed_at_its_first_occurrence() {
    let site = Site::new();
    let mut node = site.node("a", &[], "[bundle]\ninterval = \"1s\"\nmin_occurrences = 100\n");
    node.start();
    let client = client(&node);
    client.capture_error(&io::Error::other("not yet"));
    client.create_issue_from_error(&refused());
    assert!(client.flush(PATIENCE));
    let issues = wait_for("the issue", || Some(site.issues()).filter(|issues| !issues.is_empty()));
    assert_eq!(issues.len(), 1);
    assert!(issues[0].1.contains("[Auto-Generated Error] std::io::Error: "), "{}", issues[0].1);
}
