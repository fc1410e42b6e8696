//! What real nodes cost, measured on this machine: `cargo bench --bench nodes`, or with the name of one measurement behind `--`.
//!
//! Bytes on the wire are those of the loopback interface, so nothing else should use it meanwhile; `unshare -n` gives the benchmark an
//! interface of its own: `unshare -n sh -c 'ip link set lo up && cargo bench --offline --bench nodes'`.
#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a benchmark prints, and has nothing to clean up after a failure")]

#[path = "../tests/harness/mod.rs"]
mod harness;

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use harness::pipeline::send_pipelined;
use harness::{Site, TestNode};

/// Occurrences of the one error in `burst`.
const BURST: usize = 1_000_000;

/// Connections that post them.
const SENDERS: usize = 8;

fn main() {
    let only = std::env::args().skip(1).find(|argument| !argument.starts_with('-'));
    let measurements: [(&str, fn()); 5] = [("start", start), ("idle", idle), ("spread", spread), ("file", file), ("burst", burst)];
    for (name, measure) in measurements {
        if only.as_deref().is_none_or(|only| only == name) {
            measure();
        }
    }
}

fn quiet_site() -> (Site, &'static str) {
    (Site::new(), "[bundle]\ninterval = \"1h\"\n")
}

/// From starting the process to its first answer.
fn start() {
    let (site, settings) = quiet_site();
    let mut node = site.node("a", &[], settings);
    let mut times: Vec<Duration> = (0..20)
        .map(|_| {
            let begun = Instant::now();
            node.spawn();
            while node.get("/v1/status").is_none() {
                std::thread::sleep(Duration::from_millis(1));
            }
            let took = begun.elapsed();
            node.kill();
            took
        })
        .collect();
    times.sort();
    println!("start: from process start to the first answer of `status`: median {:?}, worst {:?} of {}", times[10], times[19], times.len());
}

/// Memory, processor time and traffic of nodes that have nothing to do.
fn idle() {
    for count in [1, 3, 10] {
        let site = Site::new();
        let names: Vec<String> = (0..count).map(|number| format!("n{number}")).collect();
        let nodes = site.mesh(&names.iter().map(String::as_str).collect::<Vec<_>>(), "[bundle]\ninterval = \"1h\"\n");
        std::thread::sleep(Duration::from_secs(10));
        let (bytes, ticks) = (loopback_bytes(), cpu_ticks(&nodes));
        let period = Duration::from_secs(30);
        std::thread::sleep(period);
        let bytes = (loopback_bytes() - bytes) as f64 / period.as_secs_f64() / count as f64;
        let cpu = (cpu_ticks(&nodes) - ticks) as f64 / period.as_secs_f64() / count as f64;
        let mut memory: Vec<u64> = nodes.iter().map(|node| node.memory_kb()).collect();
        memory.sort_unstable();
        println!(
            "idle: {count} nodes: resident {:.1} to {:.1} MB each, {cpu:.2} % of a core each, {bytes:.0} bytes/s on the wire each",
            memory[0] as f64 / 1e3,
            memory[count - 1] as f64 / 1e3
        );
    }
}

/// From a report on one node, acknowledged, to its showing on the last of ten.
fn spread() {
    let site = Site::new();
    let names: Vec<String> = (0..10).map(|number| format!("n{number}")).collect();
    let nodes = site.mesh(&names.iter().map(String::as_str).collect::<Vec<_>>(), "[bundle]\ninterval = \"1h\"\n");
    let mut times: Vec<Duration> = (0..30u8)
        .map(|round| {
            let name = char::from(b'a' + round % 26).to_string().repeat(usize::from(round) + 3);
            let begun = Instant::now();
            let fingerprint = post(&nodes[usize::from(round) % 10], &json!({ "type": format!("SpreadError{name}"), "message": "spread" }));
            for node in &nodes {
                while node.get(&format!("/v1/errors/{fingerprint}")).is_none() {}
            }
            begun.elapsed()
        })
        .collect();
    times.sort();
    println!(
        "spread: from a report on one node to its showing on the last of 10: median {:?}, worst {:?} of {}",
        times[15],
        times[29],
        times.len()
    );
}

/// From the report that makes a critical error due to its issue in the outbox.
fn file() {
    let site = Site::new();
    let nodes = site.mesh(&["a", "b", "c"], "[bundle]\ninterval = \"1h\"\n");
    std::thread::sleep(Duration::from_secs(3));
    let mut times: Vec<Duration> = (0..20u8)
        .map(|round| {
            let name = char::from(b'a' + round).to_string().repeat(6);
            let before = site.issues().len();
            let begun = Instant::now();
            post(&nodes[usize::from(round) % 3], &json!({ "type": format!("FileError{name}"), "message": "file", "severity": "critical" }));
            while site.issues().len() == before {
                std::thread::sleep(Duration::from_millis(1));
            }
            begun.elapsed()
        })
        .collect();
    times.sort();
    println!(
        "file: from a critical report to its issue in the outbox, 3 nodes: median {:?}, worst {:?} of {}",
        times[10],
        times[19],
        times.len()
    );
}

/// A million identical reports at one of two nodes: what is published, and what goes over the wire.
fn burst() {
    let (site, settings) = quiet_site();
    let mut nodes = vec![site.node("a", &[], settings)];
    nodes[0].start();
    let mut other = site.node("b", &[nodes[0].address()], settings);
    other.start();
    nodes.push(other);
    nodes.iter().for_each(|node| node.wait_for_peers(1));
    let published = |node: &TestNode| node.ask(&["status"])["statements_published"].as_u64().unwrap();
    let (statements, bytes, begun) = (published(&nodes[0]), loopback_bytes(), Instant::now());
    let (socket, body) = (nodes[0].socket(), "{\"type\":\"BurstError\",\"message\":\"the same again\"}");
    std::thread::scope(|scope| {
        for _ in 0..SENDERS {
            scope.spawn(|| send_pipelined(&socket, std::iter::repeat_n(body, BURST / SENDERS)));
        }
    });
    let took = begun.elapsed();
    let fingerprint = nodes[0].ask(&["errors"])[0]["fingerprint"].as_str().unwrap().to_owned();
    nodes[1].wait_for_count(&fingerprint, BURST as u64);
    println!(
        "burst: {BURST} identical reports, each acknowledged when durable, in {:.1} s ({:.0}/s): {} statements published, {} bytes on the wire, {:.1} MB resident",
        took.as_secs_f64(),
        BURST as f64 / took.as_secs_f64(),
        published(&nodes[0]) - statements,
        loopback_bytes() - bytes,
        nodes[0].memory_kb() as f64 / 1e3,
    );
}

fn post(node: &TestNode, report: &Value) -> String {
    node.post(report).unwrap()["fingerprint"].as_str().unwrap().to_owned()
}

/// Processor time of all nodes, in hundredths of a second, which is percent of a core each second.
fn cpu_ticks(nodes: &[TestNode]) -> u64 {
    let ticks = |node: &TestNode| {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", node.pid())).unwrap();
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
        fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
    };
    nodes.iter().map(ticks).sum()
}

fn loopback_bytes() -> u64 {
    let table = std::fs::read_to_string("/proc/net/dev").unwrap();
    let line = table.lines().find_map(|line| line.trim().strip_prefix("lo:")).unwrap();
    line.split_whitespace().nth(8).unwrap().parse().unwrap()
}
