//! A proxy that does harm, between nodes and the emulator: loses answers, resets, stalls, doubles, lags, limits, goes away, on command.
//!
//! Rules name the requests that they strike, by method and path below the repository. Creations are counted here by what the emulator
//! answered, not by what a node was told. What a node may never do whatever happens is in `oracle.rs`.
#![allow(dead_code, reason = "each of the tests that include this file uses a part of it")]

mod http;
mod oracle;

use std::collections::BTreeMap;
use std::io::{self, BufReader, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use serde_json::Value;

pub(crate) use self::http::Answer;
use self::http::Request;

/// How long a held request is waited for, and how long it is held at most.
const HOLD_MAX: Duration = Duration::from_secs(180);

/// What goes wrong with one request.
#[derive(Clone)]
pub(crate) enum Fault {
    /// Nothing is done, and the connection is reset.
    ResetBefore,
    /// It is done, and the connection is reset.
    ResetAfter,
    /// It is done, and the connection ends without an answer.
    CloseAfter,
    /// It is done, and a gateway answers with this status and a page of HTML.
    StatusAfter(u16),
    /// It is done, and for this long nothing comes; then the connection ends.
    StallAfter(Duration),
    /// It is done, and the answer ends in its middle.
    CutAfter,
    /// It is done, and this is the answer.
    GarbageAfter(Answer),
    /// It is done, and the right answer comes this much later.
    SlowAfter(Duration),
    /// It is done twice, and the second answer is handed on.
    Doubled,
    /// Nothing is done, and this is the answer.
    Refuse(Answer),
    /// It waits at the gate before it is done.
    HoldBefore(Gate),
    /// It is done, and its answer waits at the gate.
    HoldAfter(Gate),
}

/// Where a request or its answer waits until the test lets it go.
#[derive(Clone, Default)]
pub(crate) struct Gate(Arc<(Mutex<Waiting>, Condvar)>);

#[derive(Default)]
struct Waiting {
    /// Who waits: the node, by its peer id.
    node: Option<String>,
    verdict: Option<Verdict>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Go,
    Vanish,
}

/// One request and what came of it.
#[derive(Clone, Debug)]
pub(crate) struct Exchange {
    /// The node that sent it, by its peer id.
    pub(crate) node: String,
    pub(crate) method: String,
    /// Below the repository, without the query.
    pub(crate) path: String,
    pub(crate) came: Instant,
    /// When the answer, or what was left of it, was out. Nothing while it is under way.
    pub(crate) ended: Option<Instant>,
    /// What the node was told; nothing when it got no whole answer.
    pub(crate) status: Option<u16>,
    /// How long the answer asked not to send anything.
    pub(crate) retry_after: Option<Duration>,
    /// The markers in an issue that is to be created.
    pub(crate) markers: Vec<String>,
}

/// An issue that the emulator created.
#[derive(Clone, Debug)]
pub(crate) struct Creation {
    pub(crate) markers: Vec<String>,
    pub(crate) number: u64,
    pub(crate) at: Instant,
}

/// The proxy. Dropping it ends it.
pub(crate) struct Proxy {
    address: SocketAddr,
    shared: Arc<Shared>,
    acceptor: Option<JoinHandle<()>>,
}

struct Shared {
    server: SocketAddr,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    rules: Vec<Rule>,
    exchanges: Vec<Exchange>,
    creations: Vec<Creation>,
    /// For how long a new issue is missing in lists.
    list_lag: Duration,
    is_down: bool,
    is_listening: bool,
    is_closing: bool,
    connections: BTreeMap<usize, TcpStream>,
    gates: Vec<Gate>,
}

struct Rule {
    method: &'static str,
    path: &'static str,
    /// How many more requests it strikes; all while it is there, if that is not said.
    times: Option<usize>,
    fault: Fault,
}

impl Proxy {
    /// Starts one on a port that the system chooses, in front of a server given as `http://IP:PORT`.
    pub(crate) fn start(ip: &str, server: &str) -> Self {
        let server = server.strip_prefix("http://").expect("a plain address").parse().expect("an address");
        let listener = TcpListener::bind((ip, 0)).expect("a free port");
        let address = listener.local_addr().expect("an address");
        let state = State { is_listening: true, ..State::default() };
        let shared = Arc::new(Shared { server, state: Mutex::new(state), changed: Condvar::new() });
        let acceptor = {
            let shared = shared.clone();
            thread::spawn(move || shared.accept(address, listener))
        };
        Self { address, shared, acceptor: Some(acceptor) }
    }

    /// Where it listens.
    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }

    /// Strikes the next so many requests of this method and path. A path is below the repository and has no query; a last `*` stands for
    /// anything, and the method `*` for all.
    pub(crate) fn strike(&self, times: usize, method: &'static str, path: &'static str, fault: Fault) {
        self.shared.state().rules.push(Rule { method, path, times: Some(times), fault });
    }

    /// Strikes every such request until [`Proxy::relent`].
    pub(crate) fn strike_all(&self, method: &'static str, path: &'static str, fault: Fault) {
        self.shared.state().rules.push(Rule { method, path, times: None, fault });
    }

    /// Forgets every rule, so that all goes well from here.
    pub(crate) fn relent(&self) {
        let mut state = self.shared.state();
        state.rules.clear();
        state.list_lag = Duration::ZERO;
    }

    /// Returns how many requests are still to be struck one by one.
    pub(crate) fn unspent(&self) -> usize {
        self.shared.state().rules.iter().filter_map(|rule| rule.times).sum()
    }

    /// Holds the next such request before it is done.
    pub(crate) fn hold_before(&self, method: &'static str, path: &'static str) -> Gate {
        let gate = Gate::default();
        self.strike(1, method, path, Fault::HoldBefore(gate.clone()));
        gate
    }

    /// Holds the answer of the next such request, which is done.
    pub(crate) fn hold_after(&self, method: &'static str, path: &'static str) -> Gate {
        let gate = Gate::default();
        self.strike(1, method, path, Fault::HoldAfter(gate.clone()));
        gate
    }

    /// From here, lists show an issue only when it is this old.
    pub(crate) fn lag_lists(&self, lag: Duration) {
        self.shared.state().list_lag = lag;
    }

    /// Ends every connection and refuses new ones.
    pub(crate) fn go_down(&self) {
        let mut state = self.shared.state();
        state.is_down = true;
        state.connections.values().for_each(shut);
        drop(state);
        self.wake_acceptor();
        self.shared.wait_until(|state| !state.is_listening);
    }

    /// Takes connections again, on the same address.
    pub(crate) fn come_up(&self) {
        self.shared.state().is_down = false;
        self.shared.changed.notify_all();
        self.shared.wait_until(|state| state.is_listening);
    }

    /// Returns what was sent so far.
    pub(crate) fn exchanges(&self) -> Vec<Exchange> {
        self.shared.state().exchanges.clone()
    }

    /// Returns the issues that were created with a marker, by the first 32 digits of its fingerprint.
    pub(crate) fn creations(&self, fingerprint: &str) -> Vec<Creation> {
        let state = self.shared.state();
        state
            .creations
            .iter()
            .filter(|creation| creation.markers.iter().any(|marker| fingerprint.starts_with(marker.as_str())))
            .cloned()
            .collect()
    }

    /// Returns what nodes did that they may never do.
    pub(crate) fn offences(&self) -> Vec<String> {
        oracle::offences(&self.exchanges())
    }

    fn wake_acceptor(&self) {
        // Refused when it listens no more; then there is nobody to wake.
        drop(TcpStream::connect(self.address));
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let mut state = self.shared.state();
        state.is_closing = true;
        state.connections.values().for_each(shut);
        let gates = std::mem::take(&mut state.gates);
        drop(state);
        gates.iter().for_each(Gate::release);
        self.shared.changed.notify_all();
        self.wake_acceptor();
        let ended = self.acceptor.take().map(JoinHandle::join);
        assert!(thread::panicking() || matches!(ended, Some(Ok(()))), "the proxy failed");
    }
}

impl Gate {
    /// Waits until a request is here, and returns the peer id of the node that sent it.
    pub(crate) fn wait(&self) -> String {
        let (waiting, changed) = &*self.0;
        let waiting = waiting.lock().expect("nobody panics while holding this");
        let (waiting, wait) = changed.wait_timeout_while(waiting, HOLD_MAX, |waiting| waiting.node.is_none()).expect("nobody panics");
        assert!(!wait.timed_out(), "no such request came within {HOLD_MAX:?}");
        waiting.node.clone().unwrap_or_default()
    }

    /// Lets it go.
    pub(crate) fn release(&self) {
        self.decide(Verdict::Go);
    }

    /// Lets it vanish as if it had never been sent.
    pub(crate) fn discard(&self) {
        self.decide(Verdict::Vanish);
    }

    fn decide(&self, verdict: Verdict) {
        let (waiting, changed) = &*self.0;
        waiting.lock().expect("nobody panics while holding this").verdict = Some(verdict);
        changed.notify_all();
    }

    /// Waits for the test's word. Returns whether to go on.
    fn pass(&self, node: &str) -> bool {
        let (waiting, changed) = &*self.0;
        let mut waiting = waiting.lock().expect("nobody panics while holding this");
        waiting.node = Some(node.to_owned());
        changed.notify_all();
        let (waiting, _) = changed.wait_timeout_while(waiting, HOLD_MAX, |waiting| waiting.verdict.is_none()).expect("nobody panics");
        waiting.verdict == Some(Verdict::Go)
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nobody panics while holding this")
    }

    fn wait_until(&self, come: impl Fn(&State) -> bool) {
        let (_state, wait) = self.changed.wait_timeout_while(self.state(), HOLD_MAX, |state| !come(state)).expect("nobody panics");
        assert!(!wait.timed_out(), "the proxy did not do what it was told");
    }

    /// Takes connections, one thread each, and joins them in the end.
    fn accept(self: &Arc<Self>, address: SocketAddr, listener: TcpListener) {
        let mut listener = Some(listener);
        let mut threads = Vec::new();
        for number in 0.. {
            let accepted = listener.as_ref().map(TcpListener::accept);
            let mut state = self.state();
            if state.is_down && !state.is_closing {
                state.is_listening = false;
                drop(state);
                drop(accepted);
                drop(listener.take());
                self.changed.notify_all();
                let state = self.changed.wait_while(self.state(), |state| state.is_down && !state.is_closing).expect("nobody panics");
                if state.is_closing {
                    break;
                }
                drop(state);
                listener = Some(TcpListener::bind(address).expect("the address is ours"));
                self.state().is_listening = true;
                self.changed.notify_all();
                continue;
            }
            if state.is_closing {
                break;
            }
            let Some(Ok((stream, _))) = accepted else { continue };
            state.connections.insert(number, stream.try_clone().expect("a stream can be cloned"));
            drop(state);
            let shared = self.clone();
            threads.push(thread::spawn(move || {
                // A connection that breaks is a node's own affair.
                let _broken = shared.converse(stream);
                shared.state().connections.remove(&number);
            }));
        }
        for thread in threads {
            thread.join().expect("a connection's thread does not panic");
        }
    }

    /// One request after the other on one connection, until a fault ends it.
    fn converse(&self, stream: TcpStream) -> io::Result<()> {
        let mut reader = BufReader::new(stream.try_clone()?);
        while let Some(request) = Request::read(&mut reader)? {
            let (entry, fault) = self.enter(&request);
            let outcome = self.treat(&request, fault, &stream);
            self.leave(entry, outcome.as_ref().ok().and_then(Option::as_ref));
            if outcome?.is_none() {
                return Ok(());
            }
        }
        Ok(())
    }

    fn enter(&self, request: &Request) -> (usize, Option<Fault>) {
        let mut state = self.state();
        let markers = if request.method == "POST" && request.path() == "/issues" { markers_in(&request.body) } else { Vec::new() };
        state.exchanges.push(Exchange {
            node: node_of(request),
            method: request.method.clone(),
            path: request.path().to_owned(),
            came: Instant::now(),
            ended: None,
            status: None,
            retry_after: None,
            markers,
        });
        let entry = state.exchanges.len() - 1;
        let Some(found) = state.rules.iter().position(|rule| rule.strikes(request)) else { return (entry, None) };
        let rule = &mut state.rules[found];
        let fault = rule.fault.clone();
        if let Some(times) = &mut rule.times {
            *times -= 1;
            if *times == 0 {
                state.rules.remove(found);
            }
        }
        if let Fault::HoldBefore(gate) | Fault::HoldAfter(gate) = &fault {
            state.gates.push(gate.clone());
        }
        (entry, Some(fault))
    }

    fn leave(&self, entry: usize, answer: Option<&Answer>) {
        let mut state = self.state();
        let exchange = &mut state.exchanges[entry];
        exchange.ended = Some(Instant::now());
        exchange.status = answer.map(|answer| answer.status);
        let seconds = answer.and_then(|answer| answer.header("retry-after")?.parse().ok());
        exchange.retry_after = seconds.map(Duration::from_secs);
    }

    /// Carries a request out, as far as the fault allows. Returns the answer that the node got; nothing when it got no whole one.
    fn treat(&self, request: &Request, fault: Option<Fault>, stream: &TcpStream) -> io::Result<Option<Answer>> {
        let answer = match fault {
            None => self.forward(request)?,
            Some(Fault::Refuse(answer)) => answer,
            Some(Fault::ResetBefore) => return reset(stream).map(|()| None),
            Some(Fault::HoldBefore(gate)) => match gate.pass(&node_of(request)) {
                true => self.forward(request)?,
                false => return Ok(None),
            },
            Some(Fault::Doubled) => {
                self.forward(request)?;
                self.forward(request)?
            }
            Some(after) => match self.mar(request, after, stream)? {
                Some(answer) => answer,
                None => return Ok(None),
            },
        };
        (&*stream).write_all(&answer.to_bytes())?;
        Ok(Some(answer))
    }

    /// The faults after the effect.
    fn mar(&self, request: &Request, fault: Fault, mut stream: &TcpStream) -> io::Result<Option<Answer>> {
        let answer = self.forward(request)?;
        match fault {
            Fault::ResetAfter => reset(stream).map(|()| None),
            Fault::StatusAfter(status) => {
                let page = Answer { status, headers: Vec::new(), body: b"<html>Bad gateway</html>".to_vec() };
                Ok(Some(page.with("content-type", "text/html")))
            }
            Fault::StallAfter(time) => {
                self.pause(time);
                Ok(None)
            }
            Fault::SlowAfter(time) => {
                self.pause(time);
                Ok(Some(answer))
            }
            Fault::CutAfter => {
                let bytes = answer.to_bytes();
                stream.write_all(&bytes[..bytes.len() - answer.body.len() / 2])?;
                Ok(None)
            }
            Fault::GarbageAfter(garbage) => Ok(Some(garbage)),
            Fault::HoldAfter(gate) => Ok(gate.pass(&node_of(request)).then_some(answer)),
            Fault::CloseAfter | Fault::ResetBefore | Fault::Doubled | Fault::Refuse(_) | Fault::HoldBefore(_) => Ok(None),
        }
    }

    fn pause(&self, time: Duration) {
        drop(self.changed.wait_timeout_while(self.state(), time, |state| !state.is_closing).expect("nobody panics"));
    }

    fn forward(&self, request: &Request) -> io::Result<Answer> {
        let mut answer = request.forward(self.server)?;
        if request.method == "POST" && request.path() == "/issues" && answer.status == 201 {
            self.note_creation(request, &answer);
        }
        if request.method == "GET" && request.path() == "/issues" {
            self.make_stale(&mut answer);
        }
        let host = request.header("host").unwrap_or_default();
        for (_, value) in answer.headers.iter_mut().filter(|(name, _)| name == "link") {
            *value = value.replace(&format!("http://{}", self.server), &format!("http://{host}"));
        }
        Ok(answer)
    }

    fn note_creation(&self, request: &Request, answer: &Answer) {
        let issue: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        let creation =
            Creation { markers: markers_in(&request.body), number: issue["number"].as_u64().unwrap_or_default(), at: Instant::now() };
        self.state().creations.push(creation);
    }

    /// Takes issues out of a list that are younger than the lag.
    fn make_stale(&self, answer: &mut Answer) {
        let state = self.state();
        let fresh: Vec<u64> =
            state.creations.iter().filter(|creation| creation.at.elapsed() < state.list_lag).map(|creation| creation.number).collect();
        let Ok(Value::Array(mut issues)) = serde_json::from_slice(&answer.body) else { return };
        issues.retain(|issue| issue["number"].as_u64().is_none_or(|number| !fresh.contains(&number)));
        answer.body = Value::Array(issues).to_string().into_bytes();
    }
}

impl Rule {
    fn strikes(&self, request: &Request) -> bool {
        let path = request.path();
        let here = self.path.strip_suffix('*').map_or(path == self.path, |start| path.starts_with(start));
        here && (self.method == "*" || self.method == request.method)
    }
}

fn node_of(request: &Request) -> String {
    request.header("x-healnode-id").unwrap_or_default().to_owned()
}

/// Returns the digits of every marker in an issue's text.
fn markers_in(body: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(body);
    text.split("<!-- healnode-sig-").skip(1).map(|rest| rest.chars().take(32).collect()).collect()
}

/// Ends a connection so that the other side is told of a reset.
fn reset(stream: &TcpStream) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    let _entered = runtime.enter();
    let stream = stream.try_clone()?;
    stream.set_nonblocking(true)?;
    tokio::net::TcpStream::from_std(stream)?.set_zero_linger()
}

fn shut(stream: &TcpStream) {
    // Whoever is gone needs no end.
    let _gone = stream.shutdown(Shutdown::Both);
}
