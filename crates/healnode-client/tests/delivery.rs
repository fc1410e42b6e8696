//! What arrives at a node, what waits in the spool, and what is counted as lost.
#![allow(clippy::unwrap_used, reason = "a test ends at what it did not expect")]

mod fake_node;

use std::error::Error;
use std::fmt;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixListener;
use std::time::{Duration, Instant};

use fake_node::{FakeNode, Manner, PATIENCE, TAKEN};
use healnode_client::limits::QUEUE_MAX;
use healnode_client::{Client, Counts};
use serde_json::Value;

const ANSWERS: Manner = Manner::Answers(TAKEN);

/// An error with a cause and a secret in its message.
#[derive(Debug)]
struct RatesMissing(io::Error);

impl fmt::Display for RatesMissing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no rates from https://jane:hunter2@rates.example/v1")
    }
}

impl Error for RatesMissing {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.0)
    }
}

fn rates_missing() -> RatesMissing {
    RatesMissing(io::Error::from(io::ErrorKind::ConnectionRefused))
}

#[test]
fn a_handled_error_arrives_with_all_that_explains_it_and_without_its_secrets() {
    let node = FakeNode::new(ANSWERS);
    let builder = node.builder().app("shop").release("shop@1.4").environment("production").repo("acme/shop").auto_issue(true);
    let client = builder.build().unwrap();
    client.log_line("connecting with token=hunter2hunter2");
    let event_id = client.capture_error_with(&rates_missing(), &[("order", &4711), ("password", &"hunter2")]).unwrap();
    let report = node.report();
    assert_eq!(report["type"], "delivery::RatesMissing");
    let message = report["message"].as_str().unwrap();
    assert!(message.starts_with("no rates from https://") && message.ends_with("/v1: connection refused"), "{message}");
    assert!(report["stack"].as_str().unwrap().starts_with("caused by: std::io::Error: connection refused"));
    assert_eq!((&report["app"], &report["release"], &report["environment"]), (&"shop".into(), &"shop@1.4".into(), &"production".into()));
    assert_eq!(report["event_id"], event_id.to_string());
    let tags = &report["tags"];
    assert_eq!((&tags["order"], &tags["asks.repo"], &tags["asks.auto_issue"]), (&"4711".into(), &"acme/shop".into(), &"true".into()));
    assert!(tags["location"].as_str().unwrap().contains("tests/delivery.rs:"), "{tags}");
    assert_eq!(report["logs"].as_array().unwrap().len(), 1);
    assert!(report["command"].is_string() && report["system"]["os"].is_string() && report["timestamp"].is_string());
    assert!(!report.to_string().contains("hunter2"), "{report}");
    assert!(client.flush(PATIENCE));
    assert_eq!(client.counts(), Counts { delivered: 1, ..Counts::default() });
}

#[test]
fn errors_of_every_kind_have_a_type_and_a_message() {
    let node = FakeNode::new(ANSWERS);
    let client = node.client();
    let check = |error_type: &str, message: &str| {
        let report = node.report();
        assert_eq!((&report["type"], &report["message"]), (&Value::from(error_type), &Value::from(message)));
    };
    client.capture_error(&io::Error::from(io::ErrorKind::NotFound));
    check("std::io::Error", "entity not found");
    let boxed: Box<dyn Error + Send + Sync> = Box::new(io::Error::from(io::ErrorKind::NotFound));
    client.capture_error(&*boxed);
    check("std::io::Error", "entity not found");
    client.capture_error(&*Box::<dyn Error>::from("no rates"));
    check("Error", "no rates");
    #[cfg(feature = "anyhow")]
    {
        use anyhow::Context as _;
        let error = Err::<(), _>(io::Error::from(io::ErrorKind::NotFound)).context("reading the rates").unwrap_err();
        client.capture_anyhow(&error);
        check("std::io::Error", "reading the rates: entity not found");
    }
    #[cfg(feature = "eyre")]
    {
        use eyre::WrapErr as _;
        let error = Err::<(), _>("x".parse::<u8>().unwrap_err()).wrap_err("reading the port").unwrap_err();
        client.capture_eyre(&error);
        check("ParseIntError", "reading the port: invalid digit found in string");
    }
}

#[test]
fn an_error_that_needs_an_issue_is_critical_and_others_are_what_their_type_says() {
    let node = FakeNode::new(ANSWERS);
    let client = node.client();
    client.create_issue_from_error(&rates_missing());
    assert_eq!(node.report()["severity"], "critical");
    client.capture_error(&io::Error::other("x"));
    assert_eq!(node.report()["severity"], "high");
}

#[test]
fn without_a_node_a_report_waits_in_the_spool_redacted_and_for_this_user_only() {
    let node = FakeNode::new(Manner::IsAbsent);
    let client = node.client();
    let event_id = client.capture_error(&rates_missing()).unwrap();
    assert!(client.flush(PATIENCE));
    assert_eq!(client.counts(), Counts { spooled: 1, ..Counts::default() });
    let [(path, text)] = &node.spool()[..] else { panic!("{:?}", node.spool()) };
    let report: Value = serde_json::from_str(text).unwrap();
    assert_eq!(report["event_id"], event_id.to_string());
    assert!(!text.contains("hunter2"));
    assert_eq!(std::fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(std::fs::metadata(path.parent().unwrap()).unwrap().permissions().mode() & 0o777, 0o700);
    assert_eq!(path.extension().unwrap(), "json");
}

fn check_spooled(manner: Manner) {
    let node = FakeNode::new(manner);
    let client = node.client();
    client.capture_error(&rates_missing());
    assert!(client.flush(PATIENCE));
    assert_eq!(client.counts(), Counts { spooled: 1, ..Counts::default() });
    assert_eq!(node.spool().len(), 1);
}

#[test]
fn a_node_that_answers_nothing_useful_leaves_the_report_to_the_spool() {
    check_spooled(Manner::Answers("HTTP/1.1 507 Insufficient Storage\r\ncontent-length: 0\r\n\r\n"));
    check_spooled(Manner::Answers("220 mail.example ESMTP\r\n"));
    check_spooled(Manner::Answers("no line ever ends here"));
    check_spooled(Manner::Answers(""));
}

#[test]
fn a_report_that_the_node_does_not_want_is_not_kept() {
    let node = FakeNode::new(Manner::Answers("HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n"));
    let client = node.client();
    client.capture_error(&rates_missing());
    assert!(client.flush(PATIENCE));
    assert_eq!(client.counts(), Counts { refused: 1, ..Counts::default() });
    assert!(node.spool().is_empty());
}

#[test]
fn a_silent_node_is_asked_once_and_then_left_alone() {
    let node = FakeNode::new(Manner::IsSilent);
    let client = node.client();
    for _ in 0..5 {
        client.capture_error(&rates_missing());
    }
    assert!(client.flush(PATIENCE));
    assert_eq!(client.counts(), Counts { spooled: 5, ..Counts::default() });
    node.report();
    assert_eq!(node.rest().len(), 0);
}

#[test]
fn a_node_that_accepts_nobody_does_not_hold_the_thread() {
    let node = FakeNode::new(Manner::IsAbsent);
    let listener = UnixListener::bind(node.socket()).unwrap();
    rustix::net::listen(&listener, 0).unwrap();
    let _first = std::os::unix::net::UnixStream::connect(node.socket()).unwrap();
    let client = node.client();
    client.capture_error(&rates_missing());
    assert!(client.flush(PATIENCE));
    assert_eq!(client.counts(), Counts { spooled: 1, ..Counts::default() });
}

#[test]
fn what_neither_node_nor_disk_takes_is_counted_as_lost() {
    let node = FakeNode::new(Manner::IsAbsent);
    std::fs::write(node.data_dir(), "a file where the folder would be").unwrap();
    let client = node.client();
    client.capture_error(&rates_missing());
    assert!(client.flush(PATIENCE));
    assert_eq!(client.counts(), Counts { dropped: 1, ..Counts::default() });
}

#[test]
fn a_full_spool_is_left_alone() {
    let node = FakeNode::new(Manner::IsAbsent);
    let spool = node.data_dir().join("spool");
    std::fs::create_dir_all(&spool).unwrap();
    for number in 0..healnode_client::limits::SPOOL_FILES_MAX {
        std::fs::write(spool.join(format!("{number}.json")), "{}").unwrap();
    }
    let client = node.client();
    client.capture_error(&rates_missing());
    assert!(client.flush(PATIENCE));
    assert_eq!(client.counts(), Counts { dropped: 1, ..Counts::default() });
}

#[test]
fn more_than_the_queue_holds_is_dropped_and_every_error_is_accounted_for() {
    let node = FakeNode::new(Manner::IsSilent);
    let client = node.client();
    client.capture_error(&rates_missing());
    node.report();
    let ids = (0..QUEUE_MAX + 100).filter(|_| client.capture_error(&rates_missing()).is_some()).count();
    assert_eq!((ids, client.counts().dropped), (QUEUE_MAX, 100));
    assert!(client.flush(PATIENCE));
    assert_eq!(client.counts(), Counts { spooled: 1 + QUEUE_MAX as u64, dropped: 100, ..Counts::default() });
}

#[test]
fn an_error_that_cannot_be_shown_harms_nobody() {
    #[derive(Debug)]
    struct Broken;
    impl fmt::Display for Broken {
        fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
            panic!("this message is expected in the output of the test")
        }
    }
    impl Error for Broken {}
    let node = FakeNode::new(ANSWERS);
    let client = node.client();
    assert_eq!(client.capture_error(&Broken), None);
    client.log_line(Broken);
    assert_eq!(client.counts(), Counts { dropped: 1, ..Counts::default() });
    client.capture_error(&rates_missing());
    assert_eq!(node.report()["logs"], Value::Null);
}

#[test]
fn an_error_while_an_error_is_captured_is_not_reported() {
    #[derive(Debug)]
    struct Nested<'a>(&'a Client);
    impl fmt::Display for Nested<'_> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            assert_eq!(self.0.capture_error(&io::Error::other("inner")), None);
            self.0.log_line("inner");
            f.write_str("outer")
        }
    }
    impl Error for Nested<'_> {}
    let node = FakeNode::new(ANSWERS);
    let client = node.client();
    client.capture_error(&Nested(&client));
    assert!(client.flush(PATIENCE));
    assert_eq!(node.report()["message"], "outer");
    assert_eq!(node.rest().len(), 0);
}

#[test]
fn huge_errors_arrive_cut() {
    let node = FakeNode::new(ANSWERS);
    let client = node.client();
    for _ in 0..1_000 {
        client.log_line("word ".repeat(10_000));
    }
    client.capture_error_with(&io::Error::other("word ".repeat(1_000_000)), &[("x", &"y ".repeat(1_000_000))]);
    let report = node.report();
    assert_eq!((&report["clipped"], report["logs"].as_array().unwrap().len()), (&Value::Bool(true), 50));
    assert!(report.to_string().len() < 100_000);
}

#[test]
fn a_client_that_is_off_does_nothing() {
    let node = FakeNode::new(ANSWERS);
    let client = node.builder().enabled(false).build().unwrap();
    client.log_line("x");
    client.install_panic_hook();
    assert_eq!(client.capture_error(&rates_missing()), None);
    assert!(client.flush(Duration::ZERO));
    assert_eq!(client.counts(), Counts::default());
    assert!(!node.data_dir().exists());
}

#[test]
fn the_last_clone_waits_for_what_is_on_its_way() {
    let node = FakeNode::new(ANSWERS);
    let client = node.client();
    client.clone().capture_error(&rates_missing());
    drop(client);
    assert_eq!(node.rest().len(), 1);
}

#[test]
fn capturing_costs_the_same_whatever_the_node_does() {
    let answering = Costs::beside(ANSWERS).median;
    let silent = Costs::beside(Manner::IsSilent).median;
    let absent = Costs::beside(Manner::IsAbsent).median;
    assert!(silent <= 10 * answering && absent <= 10 * answering, "answering {answering:?}, silent {silent:?}, absent {absent:?}");
}

/// The most that a caller may notice of one error.
const COST_MAX: Duration = Duration::from_millis(100);

#[test]
fn an_error_costs_its_caller_less_than_a_tenth_of_a_second_from_the_first_one_on() {
    for manner in [ANSWERS, Manner::IsSilent, Manner::IsAbsent] {
        // The least of three: a first capture that the machine put aside for others says nothing about the library.
        let costs: Vec<Costs> = (0..3).map(|_| Costs::beside(manner)).collect();
        let first = costs.iter().map(|costs| costs.first).min().unwrap();
        let median = costs.iter().map(|costs| costs.median).min().unwrap();
        assert!(first < COST_MAX && median < COST_MAX, "the first {first:?}, the median {median:?}");
    }
}

/// The time that a caller takes for one error.
struct Costs {
    /// For the first of a client, which starts the background thread.
    first: Duration,
    /// For those that follow, the background thread having something to do.
    median: Duration,
}

impl Costs {
    fn beside(manner: Manner) -> Self {
        let node = FakeNode::new(manner);
        let client = node.client();
        let error = rates_missing();
        let cost = || {
            let start = Instant::now();
            client.capture_error(&error);
            start.elapsed()
        };
        let first = cost();
        let mut costs: Vec<Duration> = (1..QUEUE_MAX).map(|_| cost()).collect();
        costs.sort();
        Self { first, median: costs[costs.len() / 2] }
    }
}

#[cfg(feature = "tracing")]
mod tracing_layer {
    use tracing_subscriber::layer::SubscriberExt as _;

    use super::*;

    #[test]
    fn error_events_become_reports_with_the_lines_before_them() {
        let node = FakeNode::new(ANSWERS);
        let client = node.builder().log_context_lines(3).build().unwrap();
        let subscriber = tracing_subscriber::registry().with(client.layer());
        tracing::subscriber::with_default(subscriber, || {
            for number in 0..5 {
                tracing::info!(number, "looking for rates");
            }
            tracing::debug!("not kept");
            let error = rates_missing();
            tracing::error!(order = 4711, error = &error as &(dyn Error + 'static), "could not ship");
            tracing::error!(target: "shop::cart", error = %io::Error::other("x"), "could not pack");
        });
        let report = node.report();
        assert_eq!(report["type"], "RatesMissing");
        assert!(report["message"].as_str().unwrap().starts_with("could not ship: no rates from "), "{report}");
        assert_eq!(report["stack"], "caused by: std::io::Error: connection refused");
        assert_eq!(report["tags"]["order"], "4711");
        let logs: Vec<&str> = report["logs"].as_array().unwrap().iter().map(|line| line.as_str().unwrap()).collect();
        assert_eq!(logs.len(), 3);
        assert!(logs[2].contains("Z  INFO delivery::tracing_layer: looking for rates number=4"), "{logs:?}");
        let report = node.report();
        assert_eq!((&report["type"], &report["message"]), (&Value::from("shop::cart"), &Value::from("could not pack")));
        assert_eq!(report["tags"]["error"], "x");
        let last = report["logs"][2].as_str().unwrap();
        assert!(last.contains("ERROR delivery::tracing_layer: could not ship order=4711 error=no rates"), "{last}");
    }
}
