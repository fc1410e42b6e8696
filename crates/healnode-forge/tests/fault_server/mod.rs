//! A GitHub that misbehaves on command: a few operations on issues, labels, refs and pull requests in memory, over hand-written HTTP.
//!
//! The next request of a kind, or each of them, can be given a [`Fault`]. Everything that arrives is counted, so that a test can tell a second
//! create from a first. Its clock can be put forward.
#![allow(dead_code, reason = "each of the tests that include this file uses a part of it")]

pub(crate) mod pulls;

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, SystemTime};

use healnode_forge::{Credential, Forge, GitHub, GitHubConfig, LeaseKind, Pace, Timeouts};
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
    /// It was done, and the answer has no body.
    EmptyAfter,
    /// It was done, and the answer comes in pieces whose lengths are nonsense.
    BadChunksAfter,
    /// It was done, and the answer comes in pieces of which the last is missing.
    MissingChunkAfter,
    /// It was done, and the answer is no HTTP.
    NoHttpAfter,
    /// It was done, and the answer is cut within its head.
    CutHeadAfter,
    /// A proxy repeated it, so it was done twice; the answer is the second one's.
    Twice,
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
    /// Names and descriptions.
    pub(crate) labels: Vec<(String, String)>,
    pub(crate) comments: BTreeMap<u64, Vec<Value>>,
    /// By their names: message, tree and parents.
    pub(crate) commits: BTreeMap<String, Value>,
    /// Where the ref points to.
    pub(crate) lease_ref: Option<String>,
    /// How far this server's clock is ahead, in seconds.
    pub(crate) ahead: u64,
    pub(crate) tells_no_date: bool,
    pub(crate) branches: pulls::Branches,
    pub(crate) requests: Vec<Request>,
    /// The repository's name.
    pub(crate) repo: String,
    /// A name that it had, and the status with which that name is answered.
    pub(crate) old_name: Option<(String, u16)>,
    pub(crate) page_size: usize,
    pub(crate) archived: bool,
    pub(crate) has_issues: bool,
    faults: VecDeque<(&'static str, Fault)>,
    habits: Vec<(&'static str, Fault)>,
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

    /// Gives every request that starts with `what` this fault.
    pub(crate) fn fail_always(&self, what: &'static str, fault: Fault) {
        self.state().habits.push((what, fault));
    }

    /// Ends all faults.
    pub(crate) fn mend(&self) {
        let mut state = self.state();
        state.faults.clear();
        state.habits.clear();
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

/// No time between requests, for servers that do not mind.
pub(crate) fn unpaced() -> Pace {
    Pace { between_writes: Duration::ZERO, between_creates: Duration::ZERO, creates_per_hour: 100, between_tries: Duration::from_millis(1) }
}

/// A node's forge at the repository of a server, in a hurry.
pub(crate) fn forge_at(url: &str, timeouts: Timeouts, lease: LeaseKind) -> Forge {
    forge_with(url, timeouts, lease, "ghp_secret")
}

/// The same with a token of one's choice.
pub(crate) fn forge_with(url: &str, timeouts: Timeouts, lease: LeaseKind, token: &str) -> Forge {
    let config = GitHubConfig {
        repo: "acme/shop".parse().expect("a repository"),
        api_url: url.to_owned(),
        credential: Credential::Token(token.parse().expect("a token")),
        node_id: "12D3KooWnode".to_owned(),
        labels: vec!["auto-generated".to_owned(), "bug".to_owned()],
        approval_label: String::new(),
        lease,
        pace: unpaced(),
        timeouts,
    };
    Forge::GitHub(Box::new(GitHub::new(config).expect("a usable configuration")))
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
        let (fault, answer, date) = {
            let mut state = state.lock().expect("no test panics while it holds this");
            let (fault, answer) = state.take(request);
            (fault, answer, state.date())
        };
        match fault {
            None => {
                if stream.write_all(dated(&answer, date.as_deref()).as_bytes()).await.is_err() {
                    return;
                }
            }
            Some(fault) => return misbehave(stream, &fault, &answer, date.as_deref()).await,
        }
    }
}

/// Puts the date into an answer.
fn dated(answer: &str, date: Option<&str>) -> String {
    date.map_or(answer.to_owned(), |date| answer.replacen("\r\n", &format!("\r\ndate: {date}\r\n"), 1))
}

async fn misbehave(mut stream: TcpStream, fault: &Fault, answer: &str, date: Option<&str>) {
    let text = match fault {
        Fault::ResetBefore | Fault::ResetAfter => {
            stream.set_zero_linger().expect("a socket option");
            return;
        }
        Fault::CloseAfter => return,
        Fault::StallAfter => return std::future::pending().await,
        Fault::TrickleAfter => return trickle(stream).await,
        Fault::StatusAfter(status) => answer_text(*status, &[], "<html>Bad gateway</html>"),
        Fault::CutAfter => answer[..answer.len() - 2].to_owned(),
        Fault::GarbageAfter => answer_text(201, &[], "<html>It works!</html>"),
        Fault::EmptyAfter => answer_text(201, &[], ""),
        Fault::BadChunksAfter => "HTTP/1.1 201 Created\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n{}\r\n".to_owned(),
        Fault::MissingChunkAfter => "HTTP/1.1 201 Created\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n".to_owned(),
        Fault::NoHttpAfter => "SSH-2.0-OpenSSH_9.9\r\n".to_owned(),
        Fault::CutHeadAfter => "HTTP/1.1 201 Created\r\ncontent-".to_owned(),
        Fault::Twice => answer.to_owned(),
        Fault::Answer(status, headers, body) => answer_text(*status, headers, &body.to_string()),
    };
    if stream.write_all(dated(&text, date).as_bytes()).await.is_ok() {
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
        let once = at.and_then(|at| self.faults.remove(at)).map(|(_, fault)| fault);
        let fault = once.or_else(|| self.habits.iter().find(|(what, _)| line.starts_with(what)).map(|(_, fault)| fault.clone()));
        if matches!(fault, Some(Fault::ResetBefore | Fault::Answer(..))) {
            return (fault, String::new());
        }
        if matches!(fault, Some(Fault::Twice)) {
            self.answer(&request);
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
            ("POST", ["issues", number, "assignees"]) => self.assign(number),
            (_, ["pulls", rest @ ..]) => self.pull(request, rest),
            ("GET", ["issues", number, "comments"]) => {
                let comments = number.parse().ok().and_then(|number: u64| self.comments.get(&number)).cloned().unwrap_or_default();
                answer_text(200, &[], &json!(comments).to_string())
            }
            ("POST", ["issues", number, "comments"]) => {
                let comment = json!({ "body": request.body["body"], "user": { "login": BOT }, "author_association": "NONE" });
                self.comments.entry(number.parse().unwrap_or(0)).or_default().push(comment.clone());
                answer_text(201, &[], &comment.to_string())
            }
            ("POST", ["issues", number, "labels"]) => self.relabel(number, |labels| {
                labels.extend(request.body["labels"].as_array().expect("a list").iter().map(|name| json!({ "name": name })));
            }),
            ("DELETE", ["issues", number, "labels", name]) => {
                let name = name.replace("%3A", ":");
                self.relabel(number, |labels| labels.retain(|label| label["name"] != name.as_str()))
            }
            ("GET" | "POST" | "PATCH" | "DELETE", ["labels", ..]) => self.label(request, parts.get(1).copied()),
            ("GET" | "POST" | "PATCH" | "DELETE", ["git", rest @ ..]) => self.git(request, rest),
            _ => not_found(),
        }
    }

    fn label(&mut self, request: &Request, name: Option<&str>) -> String {
        let name = name.map(|name| name.replace("%3A", ":"));
        let text = |field: &str| request.body[field].as_str().unwrap_or_default().to_owned();
        let at = |labels: &[(String, String)], name: &str| labels.iter().position(|(known, _)| known == name);
        let shown = |(name, description): &(String, String)| json!({ "name": name, "description": description });
        match (request.method.as_str(), name) {
            ("GET", None) => {
                let labels: Vec<Value> = self.labels.iter().map(shown).collect();
                answer_text(200, &[], &json!(labels).to_string())
            }
            ("POST", None) if at(&self.labels, &text("name")).is_some() => {
                answer_text(422, &[], &json!({ "message": "Validation Failed" }).to_string())
            }
            ("POST", None) => {
                let label = (text("name"), text("description"));
                self.labels.push(label.clone());
                answer_text(201, &[], &shown(&label).to_string())
            }
            (method, Some(name)) => {
                let Some(at) = at(&self.labels, &name) else { return not_found() };
                match method {
                    "PATCH" => self.labels[at].1 = text("description"),
                    "DELETE" => {
                        self.labels.remove(at);
                        return answer_text(204, &[], "");
                    }
                    _ => {}
                }
                answer_text(200, &[], &shown(&self.labels[at]).to_string())
            }
            _ => not_found(),
        }
    }

    fn git(&mut self, request: &Request, path: &[&str]) -> String {
        if let Some(answer) = self.branch(request, path) {
            return answer;
        }
        let refused = |message: &str| answer_text(422, &[], &json!({ "message": message }).to_string());
        let shown = |sha: &str| json!({ "ref": "refs/healnode/lease", "object": { "type": "commit", "sha": sha } }).to_string();
        let sha = request.body["sha"].as_str().unwrap_or_default().to_owned();
        match (request.method.as_str(), path) {
            ("GET", ["ref", "healnode", "lease"]) => {
                self.lease_ref.as_ref().map_or_else(not_found, |sha| answer_text(200, &[], &shown(sha)))
            }
            ("GET", ["commits", sha]) => {
                let commit = self.commits.get(*sha);
                commit.map_or_else(not_found, |commit| {
                    let parents: Vec<Value> =
                        commit["parents"].as_array().into_iter().flatten().map(|parent| json!({ "sha": parent })).collect();
                    let shown = json!({ "sha": sha, "message": commit["message"], "tree": { "sha": commit["tree"] }, "parents": parents, "committer": commit["committer"] });
                    answer_text(200, &[], &shown.to_string())
                })
            }
            ("POST", ["trees"]) => answer_text(201, &[], &json!({ "sha": "e".repeat(40) }).to_string()),
            ("POST", ["commits"]) => {
                let sha = format!("{:040x}", self.commits.len() + 1);
                self.commits.insert(sha.clone(), request.body.clone());
                answer_text(201, &[], &json!({ "sha": sha }).to_string())
            }
            ("POST", ["refs"]) if self.lease_ref.is_some() => refused("Reference already exists"),
            ("POST", ["refs"]) => {
                self.lease_ref = Some(sha.clone());
                answer_text(201, &[], &shown(&sha))
            }
            ("PATCH", ["refs", "healnode", "lease"]) => {
                let child = self.commits.get(&sha).is_some_and(|commit| self.lease_ref.as_deref() == commit["parents"][0].as_str());
                if !child || request.body["force"] != false {
                    return refused("Update is not a fast-forward");
                }
                self.lease_ref = Some(sha.clone());
                answer_text(200, &[], &shown(&sha))
            }
            _ => not_found(),
        }
    }

    fn relabel(&mut self, number: &str, change: impl FnOnce(&mut Vec<Value>)) -> String {
        let number: u64 = number.parse().unwrap_or(0);
        let mut all = self.issues.iter_mut().chain(&mut self.branches.pulls);
        let Some(issue) = all.find(|issue| issue["number"] == number) else { return not_found() };
        let mut labels = issue["labels"].as_array().cloned().unwrap_or_default();
        change(&mut labels);
        issue["labels"] = json!(labels);
        answer_text(200, &[], &issue["labels"].to_string())
    }

    /// The time by this server's clock, in Unix seconds.
    pub(crate) fn now(&self) -> u64 {
        self.ahead + SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("a clock after 1970").as_secs()
    }

    fn date(&self) -> Option<String> {
        let date = chrono::DateTime::from_timestamp(self.now() as i64, 0).unwrap_or_default();
        (!self.tells_no_date).then(|| date.format("%a, %d %b %Y %H:%M:%S GMT").to_string())
    }

    pub(crate) fn label_names(&self) -> Vec<&str> {
        self.labels.iter().map(|(name, _)| name.as_str()).collect()
    }

    fn repository(&self) -> String {
        let repository = json!({
            "full_name": self.repo, "default_branch": "main", "archived": self.archived, "has_issues": self.has_issues, "permissions": { "push": true },
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
        self.issues.iter().chain(&self.branches.pulls).find(|issue| issue["number"] == number)
    }

    fn edit(&mut self, number: &str, change: &Value) -> String {
        let number: u64 = number.parse().unwrap_or(0);
        let Some(issue) = self.issues.iter_mut().find(|issue| issue["number"] == number) else { return not_found() };
        for (key, value) in change.as_object().expect("an object") {
            issue[key] = value.clone();
        }
        issue["closed_at"] = if issue["state"] == "closed" { json!("2026-11-25T12:00:00Z") } else { Value::Null };
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
