//! The HTTP door of a real node: requests of real SDKs, replayed; clients that mean harm; and a node that is killed while it takes errors.

#![allow(clippy::unwrap_used, reason = "what goes wrong here has to fail the test")]

mod harness;

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use harness::{Site, TestNode, wait_for};
use serde_json::{Value, json};

const CAPTURES: &str = "crates/healnode-capture/tests/data";

/// Errors among the requests; the others are messages, sessions, transactions and the like.
const ERRORS: u64 = 17;

struct Response {
    status: u16,
    head: String,
    body: String,
}

/// Sends one request over a connection of its own. Nothing when the connection breaks.
fn post(address: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Option<Response> {
    let mut stream = TcpStream::connect(address).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(30))).ok()?;
    let mut head = format!("POST {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Length: {}\r\n", body.len());
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    stream.write_all(format!("{head}\r\n").as_bytes()).ok()?;
    // A server that has read enough answers before the body ends.
    let _refused_midway = stream.write_all(body);
    let mut response = Vec::new();
    let _reset_behind_the_answer = stream.read_to_end(&mut response);
    let text = String::from_utf8_lossy(&response).into_owned();
    let (head, body) = text.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    Some(Response { status, head: head.to_ascii_lowercase(), body: body.to_owned() })
}

fn started(site: &Site) -> (TestNode, String) {
    let mut node = site.node_with_door("a", "127.0.0.1:0");
    node.start();
    let address = door(&node);
    (node, address)
}

fn door(node: &TestNode) -> String {
    wait_for("the door", || node.ask(&["status"])["ingest"]["http"].as_str().map(str::to_owned))
}

/// A recorded request.
struct Capture {
    name: String,
    path: String,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
}

fn captures() -> Vec<Capture> {
    let root = Path::new(CAPTURES);
    let list = fs::read_to_string(root.join("captures.txt")).unwrap();
    let rows = list.lines().filter(|line| !line.starts_with('#'));
    rows.map(|row| {
        let [name, path, encoding, auth] = row.split(" | ").collect::<Vec<_>>()[..] else { panic!("{row}") };
        let headers = [("Content-Encoding", encoding), ("X-Sentry-Auth", auth)];
        let headers = headers.into_iter().filter(|(_, value)| *value != "-").map(|(name, value)| (name, value.to_owned())).collect();
        let body = fs::read(root.join(format!("captures/{name}.bin"))).unwrap();
        Capture { name: name.to_owned(), path: path.to_owned(), headers, body }
    })
    .collect()
}

#[test]
fn every_request_of_a_real_sdk_is_answered_with_200_and_counts_once_however_often_it_comes() {
    let site = Site::new();
    let (node, address) = started(&site);
    for _ in 0..2 {
        for Capture { name, path, headers, body } in captures() {
            let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
            let response = post(&address, &path, &headers, &body).unwrap_or_else(|| panic!("{name}: no answer"));
            assert_eq!(response.status, 200, "{name}: {}", response.body);
            let id = serde_json::from_str::<Value>(&response.body).unwrap()["id"].as_str().unwrap().to_owned();
            assert!(id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit()), "{name}: {id}");
            assert!(response.head.contains("x-sentry-rate-limits: 86400:transaction;"), "{name}");
        }
    }
    let status = wait_for("the counts", || Some(node.ask(&["status"])).filter(|status| status["occurrences"] == ERRORS));
    assert_eq!(status["dropped"]["repeated_event"], ERRORS);
    assert_eq!(status["ingest"]["errors"], 2 * ERRORS);
    assert!(status["ingest"]["discarded"]["transaction"].as_u64() > Some(0), "{}", status["ingest"]);
    let errors = node.ask(&["errors"]);
    let is_one = |error: &Value| error["error_type"] == "RuntimeError" && error["occurrences"].as_u64() >= Some(3);
    assert!(errors.as_array().unwrap().iter().any(is_one), "one error in three encodings is one: {errors}");
    assert!(harness::files_with(site.path(), "jane@example.org").is_empty(), "source lines are redacted");
}

#[test]
fn the_app_stands_in_the_path_and_an_exporter_of_opentelemetry_is_understood() {
    let site = Site::new();
    let (node, address) = started(&site);
    let event = json!({"exception": {"values": [{"type": "ValueError", "value": "no such row"}]}});
    let envelope = format!("{{}}\n{{\"type\":\"event\"}}\n{event}\n");
    assert_eq!(post(&address, "/billing-api/api/1/envelope/", &[], envelope.as_bytes()).unwrap().status, 200);
    let record = json!({"resourceLogs": [{
        "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "shop"}}]},
        "scopeLogs": [{"logRecords": [{"severityNumber": 17, "attributes": [
            {"key": "exception.type", "value": {"stringValue": "KeyError"}},
            {"key": "exception.message", "value": {"stringValue": "'sku'"}}]}]}]}]});
    let sent = post(&address, "/v1/logs", &[("Content-Type", "application/json")], record.to_string().as_bytes()).unwrap();
    assert_eq!((sent.status, sent.body.as_str()), (200, "{}"));
    wait_for("both", || (node.ask(&["status"])["occurrences"] == 2).then_some(()));
    let types: BTreeMap<String, Value> = node
        .ask(&["errors"])
        .as_array()
        .unwrap()
        .iter()
        .map(|error| (error["error_type"].as_str().unwrap().to_owned(), error["occurrences"].clone()))
        .collect();
    assert_eq!(types, BTreeMap::from([("ValueError".to_owned(), json!(1)), ("KeyError".to_owned(), json!(1))]));
}

#[test]
fn a_program_without_an_sdk_posts_its_error_and_is_told_what_became_of_it() {
    let site = Site::new();
    let (node, address) = started(&site);
    let error = json!({"error_type": "TypeError", "error_message": "cart is undefined", "stack_trace": "TypeError: cart is undefined\n    \
        at pay (https://shop.example/cart.js:7:3)\nCaused by: Error: offline\n    at load (https://shop.example/load.js:2:1)",
        "context": {"page": "/cart", "password": "hunter2secret"}, "source": "web"});
    let posted = |path: &str, body: &Value| {
        let response = post(&address, path, &[("Content-Type", "application/json")], body.to_string().as_bytes()).unwrap();
        (response.status, serde_json::from_str::<Value>(&response.body).unwrap())
    };
    let (status, told) = posted("/billing-api/report-error", &error);
    assert_eq!((status, &told["clipped"]), (200, &json!(false)), "{told}");
    assert!(told["event_id"].as_str().is_some_and(|id| id.len() == 32));
    let fingerprint = told["fingerprint"].as_str().unwrap();
    node.wait_for_count(fingerprint, 1);
    let why = node.ask(&["why", fingerprint]);
    assert_eq!(why["grouping"]["frames"], json!(["load.js:load", "caused by Error: offline"]), "{why}");
    assert!(harness::files_with(site.path(), "hunter2secret").is_empty());

    let mut long = error.clone();
    long["error_message"] = "word ".repeat(3_000).into();
    assert_eq!(posted("/report-error/", &long).1["clipped"], true);
    for (field, without) in [("error_type", json!({"error_message": "m"})), ("error_message", json!({"error_type": "E"}))] {
        let (status, told) = posted("/report-error", &without);
        assert!(status == 400 && told["detail"].as_str().unwrap().contains(field), "{status} {told}");
    }
    assert_eq!(post(&address, "/report-error", &[], b"garbage").unwrap().status, 400);
    assert_eq!(post(&address, "/report-error", &[], &vec![b'x'; 3 << 20]).unwrap().status, 413);
}

#[test]
fn a_page_of_another_site_cannot_report_unless_it_is_named() {
    const PAGE: (&str, &str) = ("Origin", "https://shop.example");
    let site = Site::new();
    let (mut node, address) = started(&site);
    let body = br#"{"error_type":"TypeError","error_message":"cart is undefined"}"#;
    let envelope = b"{}\n{\"type\":\"event\"}\n{\"message\":\"from a page\"}\n";
    for (path, body) in [("/report-error", body.as_slice()), ("/api/1/envelope/", envelope)] {
        let response = post(&address, path, &[PAGE, ("Content-Type", "text/plain")], body).unwrap();
        assert_eq!(response.status, 403, "{path}");
        assert!(!response.head.contains("access-control"), "{path}");
    }
    assert_eq!(node.ask(&["status"])["occurrences"], 0);
    node.stop();
    node.set("HEALNODE_INGEST_CORS", PAGE.1);
    node.start();
    let address = door(&node);
    let response = post(&address, "/report-error", &[PAGE], body).unwrap();
    assert_eq!(response.status, 200);
    assert!(response.head.contains("access-control-allow-origin: https://shop.example"), "{}", response.head);
    assert_eq!(post(&address, "/report-error", &[("Origin", "https://evil.example")], body).unwrap().status, 403);
}

#[test]
fn what_cannot_be_read_is_told_and_disturbs_nobody() {
    let site = Site::new();
    let (node, address) = started(&site);
    assert_eq!(post(&address, "/api/1/envelope/", &[], b"\x00\xff garbage").unwrap().status, 400);
    assert_eq!(post(&address, "/elsewhere", &[], b"garbage").unwrap().status, 404);
    assert_eq!(post(&address, "/api/1/envelope/", &[("Content-Encoding", "gzip")], b"no gzip").unwrap().status, 400);
    assert_eq!(post(&address, "/api/1/store/", &[], &vec![b'x'; 3 << 20]).unwrap().status, 413);
    let long = "x".repeat(200_000);
    assert!(post(&address, "/api/1/envelope/", &[("X-Long", &long)], b"{}").is_none_or(|response| response.status >= 400));
    let nested = format!("{{}}\n{{\"type\":\"event\"}}\n{{\"exception\":{}1{}}}\n", "[".repeat(100_000), "]".repeat(100_000));
    assert!(post(&address, "/api/1/envelope/", &[], nested.as_bytes()).is_some());

    let slow: Vec<TcpStream> = (0..200).map(|_| TcpStream::connect(&address).unwrap()).collect();
    for mut stream in &slow {
        stream.write_all(b"POST /api/1/envelope/ HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n{").unwrap();
    }
    let envelope = "{}\n{\"type\":\"event\"}\n{\"message\":\"after all that\"}\n";
    assert_eq!(post(&address, "/api/1/envelope/", &[], envelope.as_bytes()).unwrap().status, 200);
    wait_for("the count", || node.ask(&["status"])["occurrences"].as_u64().filter(|occurrences| *occurrences >= 1));
    assert!(node.memory_kb() < 400_000, "{} KB", node.memory_kb());
}

#[test]
fn no_acknowledged_event_is_lost_when_the_node_is_killed_while_it_takes_them() {
    let site = Site::new();
    let (mut node, address) = started(&site);
    let (acknowledged, sent) = (AtomicU64::new(0), AtomicU64::new(0));
    let goes_on = AtomicBool::new(true);
    std::thread::scope(|scope| {
        for sender in 0..4_u64 {
            let (address, acknowledged, sent, goes_on) = (&address, &acknowledged, &sent, &goes_on);
            scope.spawn(move || {
                for number in 0_u64.. {
                    if !goes_on.load(Ordering::Relaxed) {
                        return;
                    }
                    let id = format!("{sender:016x}{number:016x}");
                    let envelope = format!("{{\"event_id\":\"{id}\"}}\n{{\"type\":\"event\"}}\n{{\"message\":\"killed midway\"}}\n");
                    sent.fetch_add(1, Ordering::SeqCst);
                    match post(address, "/api/1/envelope/", &[], envelope.as_bytes()) {
                        Some(response) if response.status == 200 => drop(acknowledged.fetch_add(1, Ordering::SeqCst)),
                        Some(_) | None => return,
                    }
                }
            });
        }
        wait_for("some hundred events", || (acknowledged.load(Ordering::SeqCst) >= 300).then_some(()));
        node.kill();
        goes_on.store(false, Ordering::Relaxed);
    });
    node.start();
    let (acknowledged, sent) = (acknowledged.into_inner(), sent.into_inner());
    let counted =
        wait_for("what was acknowledged", || node.ask(&["status"])["occurrences"].as_u64().filter(|counted| *counted >= acknowledged));
    assert!(counted <= sent, "{acknowledged} acknowledged, {sent} sent, {counted} counted");
}

/// Sends an error with three lines by each door that takes lines, and returns the issues that come of them, in the order of the doors.
fn issues_with_log_lines(lines_max: &str) -> Vec<String> {
    let site = Site::new();
    let mut node = site.node_with_door("a", "127.0.0.1:0");
    node.set("HEALNODE_CAPTURE_LOG_CONTEXT_LINES", lines_max);
    node.set("HEALNODE_BUNDLE_MIN_OCCURRENCES", "1");
    node.start();
    let crumbs: Vec<Value> = (1..=3).map(|number| json!({"message": format!("line {number}"), "category": "console"})).collect();
    let event = json!({"exception": {"values": [{"type": "ByAnSdk", "value": "no such row"}]}, "breadcrumbs": {"values": crumbs}});
    let envelope = format!("{{}}\n{{\"type\":\"event\"}}\n{event}\n");
    assert_eq!(post(&door(&node), "/shop/api/1/envelope/", &[], envelope.as_bytes()).unwrap().status, 200);
    let logs: Vec<String> = (1..=3).map(|number| format!("line {number}")).collect();
    let report = |error_type: &str| json!({"type": error_type, "message": "no such row", "logs": logs});
    node.post(&report("ByTheSocket")).unwrap();
    assert!(node.run_with_input(&["report", "--json"], &report("ByTheProgram").to_string()).status.success());
    let issues = wait_for("three issues", || Some(site.issues()).filter(|issues| issues.len() == 3));
    let of_type = |name: &str| issues.iter().find(|(_, text)| text.contains(name)).unwrap().1.clone();
    ["ByAnSdk", "ByTheSocket", "ByTheProgram"].map(of_type).to_vec()
}

#[test]
fn as_many_log_lines_go_with_an_error_as_the_operator_wants_by_whichever_door_it_comes() {
    for (lines_max, kept) in [("0", &[][..]), ("2", &["line 2", "line 3"]), ("50", &["line 1", "line 2", "line 3"])] {
        for issue in issues_with_log_lines(lines_max) {
            for line in ["line 1", "line 2", "line 3"] {
                assert_eq!(issue.contains(line), kept.contains(&line), "{line}, where {lines_max} are wanted: {issue}");
            }
        }
    }
}
