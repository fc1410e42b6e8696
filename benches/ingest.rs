//! How many events an SDK's door takes: acknowledged events a second at one and at eight connections, how long each waits, what it costs.
//!
//! `cargo bench --bench ingest` starts a node of its own. With `-- --against DSN PID` the same events go in turns to another server that
//! speaks Sentry's protocol, whose process that is, and the last line compares the two.
#![allow(clippy::print_stdout, reason = "a table is what this program is for")]
#![allow(clippy::unwrap_used, clippy::unwrap_in_result, reason = "a benchmark ends at what it did not expect")]

#[path = "../tests/harness/mod.rs"]
mod harness;

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use harness::{Site, wait_for};

/// How long each round takes.
const ROUND: Duration = Duration::from_secs(10);

/// A real event of an SDK, with a chain of three exceptions, source lines and variables: 7 KB.
const EVENT: &[u8] = include_bytes!("../crates/healnode-capture/tests/data/captures/py-exception-chained-identity.bin");

/// A server to send to.
struct Target {
    name: &'static str,
    address: String,
    path: String,
    key: String,
    pid: u32,
}

struct Round {
    events: usize,
    seconds: f64,
    waits: Vec<Duration>,
    cpu: Duration,
    memory_kb: u64,
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let site = Site::new();
    let mut node = site.node_with_door("a", "127.0.0.1:0");
    node.start();
    let address = wait_for("the door", || node.ask(&["status"])["ingest"]["http"].as_str().map(str::to_owned));
    let mut targets =
        vec![Target { name: "healnode", address, path: "/api/1/envelope/".to_owned(), key: "hn".to_owned(), pid: node.pid() }];
    if let [flag, dsn, pid] = &arguments[..]
        && flag == "--against"
    {
        targets.push(Target::of_dsn(dsn, pid.parse().unwrap()));
    }
    println!(
        "{:<10} {:>11} {:>10} {:>9} {:>9} {:>9} {:>12} {:>9}",
        "server", "connections", "events/s", "p50", "p99", "most", "CPU an event", "memory"
    );
    for connections in [1, 8] {
        let rates: Vec<f64> = targets.iter().map(|target| report(target, connections, target.load(connections))).collect();
        if let [ours, theirs] = rates[..] {
            println!("{:<10} {connections:>11} {:>9.0}x", "ratio", ours / theirs);
        }
    }
    let counted = wait_for("the counts", || node.ask(&["status"])["occurrences"].as_u64());
    println!("occurrences counted: {counted}");
}

fn report(target: &Target, connections: usize, round: Round) -> f64 {
    let mut waits = round.waits;
    waits.sort_unstable();
    let at = |share: f64| waits[((waits.len() - 1) as f64 * share) as usize];
    let rate = round.events as f64 / round.seconds;
    println!(
        "{:<10} {connections:>11} {rate:>10.0} {:>9.2?} {:>9.2?} {:>9.2?} {:>12.2?} {:>6} MB",
        target.name,
        at(0.5),
        at(0.99),
        at(1.0),
        round.cpu / u32::try_from(round.events).unwrap().max(1),
        round.memory_kb / 1024
    );
    rate
}

impl Target {
    /// Takes `http://KEY@HOST:PORT/PROJECT` apart.
    fn of_dsn(dsn: &str, pid: u32) -> Target {
        let (key, rest) = dsn.strip_prefix("http://").unwrap().split_once('@').unwrap();
        let (address, project) = rest.split_once('/').unwrap();
        Target { name: "other", address: address.to_owned(), path: format!("/api/{project}/envelope/"), key: key.to_owned(), pid }
    }

    fn load(&self, connections: usize) -> Round {
        let (cpu, start) = (cpu_of(self.pid), Instant::now());
        let waits = Mutex::new(Vec::new());
        std::thread::scope(|scope| {
            for connection in 0..connections {
                let waits = &waits;
                scope.spawn(move || {
                    let own = self.send_until(start + ROUND, connection);
                    waits.lock().unwrap().extend(own);
                });
            }
        });
        let (seconds, cpu) = (start.elapsed().as_secs_f64(), cpu_of(self.pid) - cpu);
        let waits = waits.into_inner().unwrap();
        Round { events: waits.len(), seconds, waits, cpu, memory_kb: memory_of(self.pid) }
    }

    fn send_until(&self, end: Instant, connection: usize) -> Vec<Duration> {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.set_nodelay(true).unwrap();
        let mut waits = Vec::new();
        while Instant::now() < end {
            let body = event(connection, waits.len());
            let head = format!(
                "POST {} HTTP/1.1\r\nHost: {}\r\nX-Sentry-Auth: Sentry sentry_key={}, sentry_version=7\r\nContent-Length: {}\r\n\r\n",
                self.path,
                self.address,
                self.key,
                body.len()
            );
            let request = [head.as_bytes(), &body].concat();
            let start = Instant::now();
            stream.write_all(&request).unwrap();
            match read_answer(&mut stream) {
                Some(200) => waits.push(start.elapsed()),
                Some(status) => panic!("status {status}"),
                None => stream = TcpStream::connect(&self.address).unwrap(),
            }
        }
        waits
    }
}

/// The event with an id of its own.
fn event(connection: usize, number: usize) -> Vec<u8> {
    let text = std::str::from_utf8(EVENT).unwrap();
    let at = text.find("\"event_id\":\"").unwrap() + 12;
    let old = &text[at..at + 32];
    text.replace(old, &format!("{:08x}{connection:08x}{number:016x}", std::process::id())).into_bytes()
}

/// Reads one answer and returns its status; nothing when the connection is closed.
fn read_answer(stream: &mut TcpStream) -> Option<u16> {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let read = stream.read(&mut buffer).ok().filter(|read| *read > 0)?;
        bytes.extend_from_slice(&buffer[..read]);
        let text = String::from_utf8_lossy(&bytes).to_ascii_lowercase();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse::<usize>().ok());
        if body.len() >= length.unwrap_or(0) {
            return head.split(' ').nth(1)?.parse().ok();
        }
    }
}

/// Processor time of a process and of those it has waited for.
fn cpu_of(pid: u32) -> Duration {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let ticks: u64 =
        stat.rsplit(')').next().unwrap_or_default().split_whitespace().skip(11).take(4).filter_map(|field| field.parse::<u64>().ok()).sum();
    Duration::from_millis(ticks * 10)
}

fn memory_of(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(0)
}
