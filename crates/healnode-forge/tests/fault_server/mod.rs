//! A GitHub that misbehaves on command: a few operations on issues in memory, over hand-written HTTP.
//!
//! The next write can be given a [`Fault`]. Everything that arrives is counted, so that a test can tell a second create from a first.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// Name of the account that every token belongs to.
pub(crate) const BOT: &str = "healer";

/// What goes wrong with one request.
#[derive(Clone, Debug)]
pub(crate) enum Fault {
    /// The connection is reset and nothing was done.
    ResetBefore,
    /// It was done, and the connection is reset.
    ResetAfter,
    /// It was done, and the connection ends without an answer.
    CloseAfter,
    /// It was done, and a proxy answers with this status and a page of HTML.
    StatusAfter(u16),
    /// It was done, and no answer ever comes.
    StallAfter,
    /// It was done, and the answer comes byte by byte without an end.
    TrickleAfter,
    /// It was done, and the answer ends in its middle.
    CutAfter,
    /// It was done, and the answer is no JSON.
    GarbageAfter,
    /// Nothing was done, and this is the answer: status, headers, body.
    Answer(u16, Vec<(&'static str, String)>, Value),
}

/// The server. Dropping it ends it.
pub(crate) struct FaultServer {
    url: String,
    state: Arc<Mutex<State>>,
    _server: JoinSet<()>,
}

/// What arrived.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) method: String,
    /// With its query.
    pub(crate) path: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Value,
}

#[derive(Default)]
pub(crate) struct State {
    pub(crate) issues: Vec<Value>,
    pub(crate) labels: Vec<String>,
    pub(crate) requests: Vec<Request>,
    /// The repository's name.
    pub(crate) repo: String,
    /// A name that it had, and the status with which that name is answered.
    pub(crate) old_name: Option<(String, u16)>,
    pub(crate) page_size: usize,
    pub(crate) archived: bool,
    pub(crate) has_issues: bool,
    faults: VecDeque<(&'static str, Fault)>,
}

impl FaultServer {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let state = State { repo: "acme/shop".to_owned(), page_size: 100, has_issues: true, ..State::default() };
        let state = Arc::new(Mutex::new(state));
        let mut server = JoinSet::new();
        server.spawn(serve(listener, state.clone()));
        Self { url, state, _server: server }
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no test panics while it holds this")
    }

    /// Gives the next request that starts with `what`, as in `POST /repos/acme/shop/issues`, this fault.
    pub(crate) fn fail(&self, what: &'static str, fault: Fault) {
        self.state().faults.push_back((what, fault));
    }

    /// How many requests arrived that start with `what`.
    pub(crate) fn count(&self, what: &str) -> usize {
        self.state().requests.iter().filter(|request| request.line().starts_with(what)).count()
    }
}

impl Request {
    fn line(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    pub(crate) fn header(&self, name: &str) -> Vec<&str> {
        self.headers.iter().filter(|(key, _)| key == name).map(|(_, value)| value.as_str()).collect()
    }

    fn query(&self, name: &str) -> Option<&str> {
        let (_path, query) = self.path.split_once('?')?;
        query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
    }
}

async fn serve(listener: TcpListener, state: Arc<Mutex<State>>) {
    let mut connections = JoinSet::new();
    loop {
        let Ok((stream, _peer)) = listener.accept().await else { return };
        connections.spawn(converse(stream, state.clone()));
    }
}

/// One request after the other on one connection, until an answer ends it.
async fn converse(mut stream: TcpStream, state: Arc<Mutex<State>>) {
    while let Some(request) = read_request(&mut stream).await {
        let (fault, answer) = state.lock().expect("no test panics while it holds this").take(request);
        match fault {
            None => {
                if stream.write_all(answer.as_bytes()).await.is_err() {
                    return;
                }
            }
            Some(fault) => return misbehave(stream, &fault, &answer).await,
        }
    }
}

async fn misbehave(mut stream: TcpStream, fault: &Fault, answer: &str) {
    let text = match fault {
        Fault::ResetBefore | Fault::ResetAfter => {
            stream.set_zero_linger().expect("a socket option");
            return;
        }
        Fault::CloseAfter => return,
        Fault::StallAfter => return std::future::pending().await,
        Fault::TrickleAfter => return trickle(stream).await,
        Fault::StatusAfter(status) => answer_text(*status, &[], "<html>Bad gateway</html>"),
        Fault::CutAfter => answer[..answer.len() - 20].to_owned(),
        Fault::GarbageAfter => answer_text(201, &[], "<html>It works!</html>"),
        Fault::Answer(status, headers, body) => answer_text(*status, headers, &body.to_string()),
    };
    if stream.write_all(text.as_bytes()).await.is_ok() {
        let _closed_by_peer = stream.shutdown().await;
    }
}

async fn trickle(mut stream: TcpStream) {
    let mut pieces = tokio::time::interval(Duration::from_millis(50));
    let head = "HTTP/1.1 201 Created\r\ncontent-length: 1000000\r\n\r\n";
    let mut text = head.bytes().chain(std::iter::repeat(b' '));
    while let Some(byte) = text.next()
        && stream.write_all(&[byte]).await.is_ok()
    {
        pieces.tick().await;
    }
}

impl Fault {
    /// Tells whether it shows only when somebody loses patience.
    pub(crate) fn is_slow(&self) -> bool {
        matches!(self, Fault::StallAfter | Fault::TrickleAfter)
    }
}

impl State {
    /// Does what was asked, unless a fault keeps it from it.
    fn take(&mut self, request: Request) -> (Option<Fault>, String) {
        let line = request.line();
        self.requests.push(request.clone());
        let at = self.faults.iter().position(|(what, _)| line.starts_with(what));
        let fault = at.and_then(|at| self.faults.remove(at)).map(|(_, fault)| fault);
        if matches!(fault, Some(Fault::ResetBefore | Fault::Answer(..))) {
            return (fault, String::new());
        }
        let answer = self.answer(&request);
        (fault, answer)
    }

    fn answer(&mut self, request: &Request) -> String {
        let path = request.path.split('?').next().unwrap_or_default();
        if path == "/user" {
            return answer_text(200, &[], &json!({ "login": BOT }).to_string());
        }
        if path == "/repositories/1" {
            return self.repository();
        }
        if let Some((old, status)) = &self.old_name
            && let Some(rest) = path.strip_prefix(&format!("/repos/{old}"))
        {
            let location = format!("http://{}/repositories/1{rest}", request.header("host")[0]);
            return answer_text(*status, &[("location", location)], &json!({ "message": "Moved Permanently" }).to_string());
        }
        let below = path.strip_prefix(&format!("/repos/{}", self.repo)).or(path.strip_prefix("/repositories/1")).map(str::to_owned);
        let Some(below) = below else { return not_found() };
        let parts: Vec<&str> = below.split('/').skip(1).collect();
        match (request.method.as_str(), parts.as_slice()) {
            ("GET", []) => self.repository(),
            ("GET", ["issues"]) => self.list(request),
            ("POST", ["issues"]) => self.create(&request.body),
            ("GET", ["issues", number]) => self.find(number).map_or_else(not_found, |issue| answer_text(200, &[], &issue.to_string())),
            ("PATCH", ["issues", number]) => self.edit(number, &request.body),
            ("POST", ["issues", _, "comments"]) => answer_text(201, &[], "{}"),
            ("GET", ["labels", name]) if self.labels.iter().any(|label| label == name) => answer_text(200, &[], "{}"),
            ("POST", ["labels"]) => {
                self.labels.push(request.body["name"].as_str().unwrap_or_default().to_owned());
                answer_text(201, &[], "{}")
            }
            _ => not_found(),
        }
    }

    fn repository(&self) -> String {
        let repository = json!({
            "full_name": self.repo, "archived": self.archived, "has_issues": self.has_issues, "permissions": { "push": true },
        });
        answer_text(200, &[], &repository.to_string())
    }

    fn list(&self, request: &Request) -> String {
        let creator = request.query("creator");
        let wanted = |issue: &&Value| creator.is_none_or(|creator| issue["user"]["login"] == creator);
        let all: Vec<&Value> = self.issues.iter().filter(wanted).collect();
        let page: usize = request.query("page").and_then(|page| page.parse().ok()).unwrap_or(1);
        let from = (page - 1) * self.page_size;
        let shown = &all[from.min(all.len())..(from + self.page_size).min(all.len())];
        let mut headers = Vec::new();
        if from + self.page_size < all.len() {
            let key = creator.map(|creator| format!("creator={creator}&")).unwrap_or_default();
            let next = format!("http://elsewhere.invalid/repositories/1/issues?{key}page={}", page + 1);
            headers.push(("link", format!("<{next}>; rel=\"next\", <{next}0>; rel=\"last\"")));
        }
        answer_text(200, &headers, &json!(shown).to_string())
    }

    fn create(&mut self, draft: &Value) -> String {
        let issue = self.add(draft["title"].clone(), draft["body"].clone(), BOT, json!({ "labels": draft["labels"] }));
        answer_text(201, &[], &issue.to_string())
    }

    /// Adds an issue as if somebody had filed it; `more` overrides its fields.
    pub(crate) fn add(&mut self, title: Value, body: Value, login: &str, more: Value) -> Value {
        let number = self.issues.len() + 1;
        let mut issue = json!({
            "id": 9_000_000_000_u64 + number as u64, "number": number, "title": title, "body": body, "state": "open", "labels": [],
            "user": { "login": login }, "html_url": format!("https://github.test/{}/issues/{number}", self.repo),
        });
        for (key, value) in more.as_object().expect("an object") {
            issue[key] = if value.is_null() { json!([]) } else { value.clone() };
        }
        self.issues.push(issue.clone());
        issue
    }

    fn find(&self, number: &str) -> Option<&Value> {
        let number: u64 = number.parse().ok()?;
        self.issues.iter().find(|issue| issue["number"] == number)
    }

    fn edit(&mut self, number: &str, change: &Value) -> String {
        let number: u64 = number.parse().unwrap_or(0);
        let Some(issue) = self.issues.iter_mut().find(|issue| issue["number"] == number) else { return not_found() };
        for (key, value) in change.as_object().expect("an object") {
            issue[key] = value.clone();
        }
        answer_text(200, &[], &issue.to_string())
    }
}

fn not_found() -> String {
    answer_text(404, &[], &json!({ "message": "Not Found" }).to_string())
}

fn answer_text(status: u16, headers: &[(&'static str, String)], body: &str) -> String {
    let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    format!("HTTP/1.1 {status} Status\r\ncontent-type: application/json\r\ncontent-length: {}\r\n{headers}\r\n{body}", body.len())
}

async fn read_request(stream: &mut TcpStream) -> Option<Request> {
    let mut bytes = Vec::new();
    let head_end = loop {
        if let Some(at) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break at;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8(bytes[..head_end].to_vec()).ok()?;
    let mut lines = head.split("\r\n");
    let mut first = lines.next()?.split(' ');
    let (method, path) = (first.next()?.to_owned(), first.next()?.to_owned());
    let headers: Vec<(String, String)> =
        lines.filter_map(|line| line.split_once(':')).map(|(name, value)| (name.to_lowercase(), value.trim().to_owned())).collect();
    let length = headers.iter().find(|(name, _)| name == "content-length").and_then(|(_, value)| value.parse().ok()).unwrap_or(0);
    let mut body = bytes.split_off(head_end + 4);
    while body.len() < length {
        if stream.read_buf(&mut body).await.ok()? == 0 {
            return None;
        }
    }
    let body = serde_json::from_slice(&body).unwrap_or(Value::Null);
    Some(Request { method, path, headers, body })
}
