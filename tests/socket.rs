//! The status socket, as scripts use it: JSON for every answer, also for those that are no success.
#![allow(clippy::unwrap_used, reason = "what goes wrong here has to fail the test")]

mod harness;

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream;

use harness::{Site, TestNode};
use serde_json::{Value, json};

fn node(site: &Site) -> TestNode {
    let mut node = site.node("a", &[], "[bundle]\ninterval = \"1h\"\n");
    node.start();
    node
}

fn ask(node: &TestNode, method: &str, path: &str, body: &str) -> (u16, Value) {
    let (status, body) = node.http(method, path, body).unwrap();
    (status, serde_json::from_str(&body).unwrap_or_else(|_| panic!("{path} answered {status} with {body:?}")))
}

#[test]
fn a_report_is_answered_with_its_fingerprint_and_is_shown_from_then_on() {
    let site = Site::new();
    let node = node(&site);
    let report = json!({ "type": "ValueError", "message": "no row 7", "release": "shop@1.4", "severity": "high", "count": 2, "event_id": "e1", "colour": "red" });
    let (status, answer) = ask(&node, "POST", "/v1/report", &report.to_string());
    assert_eq!((status, &answer["event_id"], &answer["clipped"]), (200, &json!("e1"), &json!(false)));
    let fingerprint = answer["fingerprint"].as_str().unwrap();
    let (_, error) = ask(&node, "GET", &format!("/v1/errors/{}", &fingerprint[..8]), "");
    let keys: Vec<&String> = error.as_object().unwrap().keys().collect();
    let contract = [
        "error_type",
        "fingerprint",
        "first_seen",
        "issue",
        "last_seen",
        "leader",
        "message",
        "nodes",
        "occurrences",
        "pull_request",
        "releases",
        "severity",
        "state",
    ];
    assert_eq!(keys, contract);
    assert_eq!((&error["occurrences"], &error["releases"]["shop@1.4"], &error["severity"]), (&json!(2), &json!(2), &json!("high")));
    for time in ["first_seen", "last_seen"] {
        let text = error[time].as_str().unwrap();
        assert!(text.starts_with("20") && text.contains('T') && text.ends_with('Z'), "{time} is {text}");
    }
    let (_, why) = ask(&node, "GET", &format!("/v1/errors/{fingerprint}/why"), "");
    assert!(why["reasons"][1].as_str().unwrap().contains("3 times are needed"), "{why}");
}

#[test]
fn status_has_every_field_of_the_contract() {
    let site = Site::new();
    let (_, status) = ask(&node(&site), "GET", "/v1/status", "");
    for field in [
        "peer_id",
        "version",
        "app",
        "uptime_s",
        "listen",
        "peers",
        "signatures",
        "occurrences",
        "auto",
        "forge",
        "dropped",
        "by_severity",
        "by_type",
        "other_types",
        "by_node",
        "issues",
    ] {
        assert!(!status[field].is_null(), "{field} is missing in {status}");
    }
    assert!(status.get("last_bundle").is_some(), "null before the first bundle, and there all the same: {status}");
    assert_eq!(status["forge"]["kind"], "outbox");
    assert_eq!(status["pull_requests"], json!({ "open": 0, "merged": 0, "closed": 0 }));
    assert_eq!(status["fixes"], json!({ "published": 0, "failed": 0, "verified": 0 }));
    assert_eq!(status["auto"], json!({ "issue": true, "pr": false, "heal": false }));
}

#[test]
fn bad_requests_get_a_sentence_and_change_nothing() {
    let site = Site::new();
    let node = node(&site);
    let too_long = format!("{{\"type\":\"A\",\"message\":\"{}\"}}", "x".repeat(5 << 20));
    let cases: [(&str, &str, &str, u16); 9] = [
        ("GET", "/v1/nothing", "", 404),
        ("GET", "/v1/report", "", 405),
        ("POST", "/v1/report", "{", 400),
        ("POST", "/v1/report", "[]", 400),
        ("POST", "/v1/report", "{\"message\":\"no type\"}", 400),
        ("POST", "/v1/report", "{\"type\":\"A\",\"message\":\"m\",\"severity\":\"huge\"}", 400),
        ("POST", "/v1/report", &too_long, 413),
        ("GET", "/v1/errors/abc", "", 400),
        ("GET", "/v1/errors/0123456789", "", 404),
    ];
    for (method, path, body, expected) in cases {
        let (status, answer) = ask(&node, method, path, body);
        assert_eq!(status, expected, "{method} {path}: {answer}");
        assert!(answer["error"].as_str().is_some_and(|sentence| sentence.len() > 10), "{method} {path}: {answer}");
    }
    assert_eq!(node.ask(&["status"])["signatures"], 0);
}

#[test]
fn a_report_over_its_bounds_is_kept_clipped_and_says_so() {
    let site = Site::new();
    let node = node(&site);
    let report = json!({ "type": "ValueError", "message": "long ".repeat(20_000), "stack": "line\n".repeat(100_000), "logs": vec!["x".repeat(5_000); 500] });
    let (status, answer) = ask(&node, "POST", "/v1/report", &report.to_string());
    assert_eq!((status, &answer["clipped"]), (200, &json!(true)));
    assert_eq!(node.ask(&["status"])["occurrences"], 1);
}

#[test]
fn a_muted_error_is_not_filed_until_it_is_unmuted() {
    let site = Site::new();
    let mut node = site.node("a", &[], "[bundle]\ninterval = \"1s\"\nmin_occurrences = 2\n");
    node.start();
    let fingerprint = node.report("ValueError", "muted");
    assert!(node.run(&["mute", &fingerprint[..12], "--for", "7d"]).status.success());
    node.report("ValueError", "muted");
    node.wait_for_count(&fingerprint, 2);
    assert_eq!(node.error(&fingerprint).unwrap()["state"], "muted");
    let reasons = node.ask(&["why", &fingerprint])["reasons"].to_string();
    assert!(reasons.contains("Muted by"), "{reasons}");
    assert!(node.run(&["unmute", &fingerprint]).status.success());
    node.wait_for_issue(&fingerprint);
    assert_eq!(site.issues().len(), 1);
}

#[test]
fn events_stream_while_they_happen() {
    let site = Site::new();
    let node = node(&site);
    let mut stream = UnixStream::connect(node.socket()).unwrap();
    stream.write_all(b"GET /v1/events HTTP/1.1\r\nhost: healnode\r\n\r\n").unwrap();
    let mut lines = BufReader::new(stream).lines().map(Result::unwrap);
    lines.by_ref().find(|line| line.is_empty());
    let fingerprint = node.report("ValueError", "seen live");
    let event = lines.find_map(|line| line.strip_prefix("data: ").map(str::to_owned)).unwrap();
    let event: Value = serde_json::from_str(&event).unwrap();
    assert_eq!((event["event"].as_str(), event["fingerprint"].as_str()), (Some("appeared"), Some(fingerprint.as_str())));
}

#[test]
fn metrics_and_health_are_there_and_the_socket_is_for_owner_and_group() {
    let site = Site::new();
    let node = node(&site);
    node.report("ValueError", "counted");
    let (status, metrics) = node.http("GET", "/metrics", "").unwrap();
    assert!(status == 200 && metrics.contains("\nhealnode_reports_acknowledged_total 1\n"), "{metrics}");
    assert_eq!(ask(&node, "GET", "/healthz", ""), (200, json!({ "ok": true })));
    assert_eq!(std::fs::metadata(node.socket()).unwrap().permissions().mode() & 0o777, 0o660);
}

/// Sends a request over TCP and returns the status and the body.
fn over_tcp(address: &str, method: &str, path: &str, host: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(format!("{method} {path} HTTP/1.1\r\nhost: {host}\r\ncontent-length: 0\r\n\r\n").as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head[9..12].parse().unwrap(), body.to_owned())
}

#[test]
fn metrics_are_on_loopback_as_well_where_that_is_wanted_and_nothing_else_is() {
    let site = Site::new();
    let mut node = site.node("a", &[], "");
    node.set("HEALNODE_STATUS_HTTP", "127.0.0.1:0");
    node.start();
    node.report("ValueError", "counted");
    let address = node.ask(&["status"])["metrics_http"].as_str().unwrap().to_owned();
    let (status, metrics) = over_tcp(&address, "GET", "/metrics", &address);
    assert!(status == 200 && metrics.contains("\nhealnode_reports_acknowledged_total 1\n"), "{metrics}");
    assert_eq!(over_tcp(&address, "GET", "/healthz", "localhost"), (200, "{\"ok\":true}".to_owned()));
    for (method, path, host, expected) in [
        ("GET", "/v1/status", "localhost", 404),
        ("GET", "/v1/errors", "localhost", 404),
        ("POST", "/v1/report", "localhost", 404),
        ("POST", "/v1/flush", "localhost", 404),
        ("POST", "/metrics", "localhost", 405),
        ("GET", "/metrics", "rebound.example", 403),
        ("GET", "/metrics", "", 403),
    ] {
        let (status, body) = over_tcp(&address, method, path, host);
        assert_eq!(status, expected, "{method} {path} at {host}: {body}");
        assert!(body.contains("\"error\""), "{body}");
    }
    // Connections that say nothing do not keep a monitor out for good.
    let _silent: Vec<TcpStream> = (0..20).map(|_| TcpStream::connect(&address).unwrap()).collect();
    assert_eq!(over_tcp(&address, "GET", "/healthz", &address).0, 200);
}

#[test]
fn without_an_address_nothing_is_told_over_tcp_and_one_that_is_taken_is_an_error() {
    let site = Site::new();
    assert_eq!(node(&site).ask(&["status"])["metrics_http"], Value::Null);
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let mut other = site.node("b", &[], "");
    other.set("HEALNODE_STATUS_HTTP", &address);
    let output = other.run(&["run"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.code() == Some(1) && said.contains(&format!("metrics cannot be told at {address} (status.http)")), "{said}");
}
