//! The answering half of the status socket.

use std::convert::Infallible;
use std::future::IntoFuture as _;
use std::net::SocketAddr;
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::path::{Path as FilePath, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::rejection::StringRejection;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{StatusCode, header};
use axum::response::sse::{KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use healnode_core::{Command, ErrorState, ErrorView, Event, Fingerprint, Outcome, UnixMillis};
use healnode_report::RawError;
use healnode_report::limits::NAME_BYTES_MAX;
use serde::Serialize;
use serde_json::{Value, json};
use tokio::net::UnixListener;
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

use super::loopback::Loopback;
use super::{About, metrics};
use crate::clock::wall;
use crate::config::{Status, parse_duration};
use crate::deliver::new_event_id;
use crate::door::{Door, NotKept, Stopping};
use crate::ingest::Counters;
use crate::sessions::session_of;

/// Bytes of a posted report. A longer one is refused with 413; its parts are cut to far less anyway.
const REPORT_BYTES_MAX: usize = 4 * 1024 * 1024;

/// A mute without an end.
const FOR_EVER: UnixMillis = UnixMillis(253_402_300_799_000);

/// Shortest prefix of a fingerprint that is looked up, in hexadecimal digits.
const PREFIX_DIGITS_MIN: usize = 8;

/// Why the socket cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// Another node answers there.
    #[error("another node answers at {}; stop it, or set status.socket to another path", path.display())]
    Taken {
        /// The socket.
        path: PathBuf,
    },
    /// The address for metrics cannot be had.
    #[error("metrics cannot be told at {address} (status.http)")]
    Http {
        /// The address.
        address: SocketAddr,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// It cannot be bound.
    #[error("the status socket {} cannot be opened", path.display())]
    Bind {
        /// The socket.
        path: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
}

/// A bound socket. Its file goes away with it.
pub(crate) struct Server {
    listener: UnixListener,
    file: SocketFile,
    loopback: Option<Loopback>,
}

struct SocketFile(PathBuf);

impl Drop for SocketFile {
    fn drop(&mut self) {
        drop(std::fs::remove_file(&self.0));
    }
}

/// What requests are dealt with by.
#[derive(Clone)]
pub(super) struct Desk {
    door: Door,
    events: broadcast::Sender<Event>,
    about: About,
    ingest: Option<Arc<Counters>>,
    /// Where metrics are told over TCP.
    http: Option<SocketAddr>,
}

/// An answer that is no success: a status and a sentence that says what to do.
pub(super) struct Problem(pub(super) StatusCode, pub(super) String);

/// What a request is answered with.
pub(super) type Answer = Result<Response, Problem>;

impl Server {
    /// Opens the socket, and the address for metrics if there is to be one.
    pub(crate) async fn bind(status: &Status) -> Result<Self, ServerError> {
        let (listener, file) = bind_socket(&status.socket)?;
        let loopback = match status.http {
            Some(address) => Some(Loopback::bind(address).await.map_err(|source| ServerError::Http { address, source })?),
            None => None,
        };
        Ok(Self { listener, file, loopback })
    }

    /// Answers until the task is dropped.
    pub(crate) async fn run(self, door: Door, events: broadcast::Sender<Event>, about: About, ingest: Option<Arc<Counters>>) {
        let Self { listener, file, loopback } = self;
        let desk = Desk { door, events, about, ingest, http: loopback.as_ref().map(Loopback::address) };
        let router = Router::new()
            .route("/healthz", get(healthz))
            .route("/metrics", get(show_metrics))
            .route("/v1/status", get(status))
            .route("/v1/errors", get(errors))
            .route("/v1/errors/{fingerprint}", get(error))
            .route("/v1/errors/{fingerprint}/why", get(why))
            .route("/v1/errors/{fingerprint}/mute", post(mute))
            .route("/v1/errors/{fingerprint}/unmute", post(unmute))
            .route("/v1/errors/{fingerprint}/fix", post(fix))
            .route("/v1/peers", get(peers))
            .route("/v1/deploys", get(deploys).post(deploy))
            .route("/v1/events", get(stream_events))
            .route("/v1/report", post(report))
            .route("/v1/flush", post(flush))
            .fallback(async || Problem(StatusCode::NOT_FOUND, "there is nothing at this path; see docs/PROTOCOL.md".to_owned()))
            .method_not_allowed_fallback(async || {
                Problem(StatusCode::METHOD_NOT_ALLOWED, "this path takes another method; see docs/PROTOCOL.md".to_owned())
            })
            .layer(DefaultBodyLimit::max(REPORT_BYTES_MAX))
            .with_state(desk.clone());
        tokio::select! {
            served = axum::serve(listener, router).into_future() => {
                if let Err(problem) = served {
                    tracing::error!(%problem, "the status socket failed");
                }
            }
            () = serve_loopback(loopback, desk) => {}
        }
        drop(file);
    }
}

/// Answers at the address for metrics; without one it never ends.
async fn serve_loopback(loopback: Option<Loopback>, desk: Desk) {
    match loopback {
        Some(loopback) => loopback.run(desk).await,
        None => std::future::pending().await,
    }
}

/// Opens a socket, for its owner and group only. One that nobody answers any more is replaced.
fn bind_socket(path: &FilePath) -> Result<(UnixListener, SocketFile), ServerError> {
    let on_bind = |source| ServerError::Bind { path: path.to_owned(), source };
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent).map_err(on_bind)?;
    }
    if std::os::unix::net::UnixStream::connect(path).is_ok() {
        return Err(ServerError::Taken { path: path.to_owned() });
    }
    if std::fs::symlink_metadata(path).is_ok_and(|found| found.file_type().is_socket()) {
        std::fs::remove_file(path).map_err(on_bind)?;
    }
    let listener = UnixListener::bind(path).map_err(on_bind)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o660)).map_err(on_bind)?;
    Ok((listener, SocketFile(path.to_owned())))
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        json_response(self.0, &json!({ "error": self.1 }))
    }
}

impl From<StringRejection> for Problem {
    fn from(rejection: StringRejection) -> Self {
        match rejection.status() {
            StatusCode::PAYLOAD_TOO_LARGE => Problem(StatusCode::PAYLOAD_TOO_LARGE, format!("a body may have {REPORT_BYTES_MAX} bytes")),
            _ => Problem(StatusCode::BAD_REQUEST, "the body is not UTF-8, or was cut off".to_owned()),
        }
    }
}

impl From<Stopping> for Problem {
    fn from(stopping: Stopping) -> Self {
        Problem(StatusCode::SERVICE_UNAVAILABLE, stopping.to_string())
    }
}

fn json_response(status: StatusCode, body: &impl Serialize) -> Response {
    let text = serde_json::to_string(body).unwrap_or_default();
    (status, [(header::CONTENT_TYPE, "application/json")], text).into_response()
}

fn ok(body: &impl Serialize) -> Response {
    json_response(StatusCode::OK, body)
}

/// Tells whether reports can be kept.
pub(super) async fn healthz(State(desk): State<Desk>) -> Answer {
    let problem = desk.door.ask(|_, _, facts| facts.disk_problem.clone()).await?;
    if problem.is_empty() { Ok(ok(&json!({ "ok": true }))) } else { Err(Problem(StatusCode::SERVICE_UNAVAILABLE, problem)) }
}

async fn status_value(desk: &Desk) -> Result<Value, Problem> {
    let about = desk.about.clone();
    let mut status = desk.door.ask(move |node, now, facts| about.status(node.status(now), facts)).await?;
    if let Some(fields) = status.as_object_mut() {
        fields.insert("ingest".to_owned(), desk.ingest.as_ref().map_or(Value::Null, |counters| counters.view()));
        fields.insert("metrics_http".to_owned(), json!(desk.http));
    }
    Ok(status)
}

async fn status(State(desk): State<Desk>) -> Answer {
    Ok(ok(&status_value(&desk).await?))
}

/// Tells the status as numbers.
pub(super) async fn show_metrics(State(desk): State<Desk>) -> Answer {
    let text = metrics::render(&status_value(&desk).await?);
    Ok(([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], text).into_response())
}

async fn errors(State(desk): State<Desk>) -> Answer {
    Ok(ok(&desk.door.ask(|node, now, _| node.errors(now)).await?))
}

async fn peers(State(desk): State<Desk>) -> Answer {
    let peers = desk.door.ask(|node, now, facts| {
        let mut peers = node.peers(now);
        for peer in &mut peers {
            peer.addresses = facts.addresses.get(&peer.peer_id).cloned().unwrap_or_default();
            peer.faults = facts.faults.get(&peer.peer_id).copied().unwrap_or_default();
        }
        peers
    });
    Ok(ok(&peers.await?))
}

async fn resolve(desk: &Desk, prefix: String) -> Result<Fingerprint, Problem> {
    let prefix = prefix.to_ascii_lowercase();
    if prefix.len() < PREFIX_DIGITS_MIN || !prefix.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        let message = format!("a fingerprint is 64 hexadecimal digits; give at least the first {PREFIX_DIGITS_MIN} of them");
        return Err(Problem(StatusCode::BAD_REQUEST, message));
    }
    let found = desk.door.ask(move |node, _, _| node.resolve(&prefix)).await?;
    match found[..] {
        [fingerprint] => Ok(fingerprint),
        [] => Err(Problem(StatusCode::NOT_FOUND, "no such fingerprint is known here; `healnode errors` lists those that are".to_owned())),
        _ => Err(Problem(StatusCode::BAD_REQUEST, "more than one fingerprint begins like this; give more digits".to_owned())),
    }
}

async fn error(State(desk): State<Desk>, Path(prefix): Path<String>) -> Answer {
    let fingerprint = resolve(&desk, prefix).await?;
    Ok(ok(&desk.door.ask(move |node, now, _| node.error(now, fingerprint)).await?))
}

async fn why(State(desk): State<Desk>, Path(prefix): Path<String>) -> Answer {
    let fingerprint = resolve(&desk, prefix).await?;
    let why = desk.door.ask(move |node, now, _| node.why(now, fingerprint)).await?;
    let sample = desk.door.sample(fingerprint).await?;
    let mut answer = serde_json::to_value(&why).unwrap_or_default();
    if let Some(fields) = answer.as_object_mut() {
        fields.insert("grouping".to_owned(), sample.map_or(Value::Null, |sample| json!(sample.explanation())));
    }
    Ok(ok(&answer))
}

/// What an operator may say with a mute or an unmute.
fn order(body: Result<String, StringRejection>) -> Result<(Value, String), Problem> {
    let body = body?;
    let order: Value = if body.trim().is_empty() { json!({}) } else { parse_json(&body)? };
    let fields = order.as_object().into_iter().flatten().map(|(name, _)| name);
    if !order.is_object() || fields.into_iter().any(|name| name != "for" && name != "by") {
        return Err(Problem(StatusCode::BAD_REQUEST, "the body is an object with `for` and `by`, both optional".to_owned()));
    }
    let by = order.get("by").and_then(Value::as_str).filter(|by| !by.is_empty()).unwrap_or("an operator").to_owned();
    Ok((order, by))
}

async fn mute(State(desk): State<Desk>, Path(prefix): Path<String>, body: Result<String, StringRejection>) -> Answer {
    let fingerprint = resolve(&desk, prefix).await?;
    let (order, by) = order(body)?;
    let until = match order.get("for") {
        None | Some(Value::Null) => FOR_EVER,
        Some(text) => until(text)?,
    };
    desk.door.tell(Command::Mute { fingerprint, until, by }).await?;
    Ok(ok(&json!({ "fingerprint": fingerprint, "muted_until": until.to_string() })))
}

fn until(text: &Value) -> Result<UnixMillis, Problem> {
    let bad = || Problem(StatusCode::BAD_REQUEST, "`for` is a duration such as \"12h\" or \"7d\"".to_owned());
    let wait: Duration = text.as_str().and_then(|text| parse_duration(text).ok()).ok_or_else(bad)?;
    let wait_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
    Ok(UnixMillis(wall().0.saturating_add(wait_ms)).min(FOR_EVER))
}

async fn unmute(State(desk): State<Desk>, Path(prefix): Path<String>, body: Result<String, StringRejection>) -> Answer {
    let fingerprint = resolve(&desk, prefix).await?;
    let (_, by) = order(body)?;
    desk.door.tell(Command::Mute { fingerprint, until: UnixMillis(0), by }).await?;
    Ok(ok(&json!({ "fingerprint": fingerprint })))
}

async fn deploys(State(desk): State<Desk>) -> Answer {
    Ok(ok(&desk.door.ask(|node, _, _| node.deploys()).await?))
}

/// Notes a deploy, and answers with what was noted.
async fn deploy(State(desk): State<Desk>, body: Result<String, StringRejection>) -> Answer {
    let (app, release) = deploy_order(&parse_json(&body?)?)?;
    desk.door.tell(Command::Deploy { app, release: release.clone() }).await?;
    let noted = desk.door.ask(move |node, _, _| node.deploys().into_iter().find(|deploy| deploy.release == release)).await?;
    Ok(ok(&noted))
}

fn deploy_order(order: &Value) -> Result<(String, String), Problem> {
    let bad = |what: &str| Problem(StatusCode::BAD_REQUEST, format!("the body is an object with `release` and possibly `app`; {what}"));
    let fields = order.as_object().ok_or_else(|| bad("this is none"))?;
    if let Some(name) = fields.keys().find(|name| *name != "release" && *name != "app") {
        return Err(bad(&format!("it has no field `{}`", name.escape_debug())));
    }
    let name = |field: &str| match fields.get(field) {
        None | Some(Value::Null) => Ok(String::new()),
        Some(Value::String(name)) if name.len() <= NAME_BYTES_MAX && !name.contains(char::is_control) => Ok(name.trim().to_owned()),
        Some(_) => Err(bad(&format!("`{field}` is a name of at most {NAME_BYTES_MAX} bytes"))),
    };
    let (app, release) = (name("app")?, name("release")?);
    if release.is_empty() { Err(bad("`release` may not be empty")) } else { Ok((app, release)) }
}

async fn fix(State(desk): State<Desk>, Path(prefix): Path<String>, body: Result<String, StringRejection>) -> Answer {
    let fingerprint = resolve(&desk, prefix).await?;
    let body = body?;
    let order: Value = if body.trim().is_empty() { json!({}) } else { parse_json(&body)? };
    let bad = || Problem(StatusCode::BAD_REQUEST, "the body is an object with `publish`, true or false, and nothing else".to_owned());
    let fields = order.as_object().ok_or_else(bad)?;
    let publish = match fields.get("publish") {
        None => false,
        Some(Value::Bool(publish)) => *publish,
        Some(_) => return Err(bad()),
    };
    if fields.keys().any(|name| name != "publish") {
        return Err(bad());
    }
    desk.door.tell(Command::Fix { fingerprint, publish }).await?;
    Ok(ok(&json!({ "fingerprint": fingerprint, "publish": publish })))
}

fn parse_json(text: &str) -> Result<Value, Problem> {
    serde_json::from_str(text)
        .map_err(|error| Problem(StatusCode::BAD_REQUEST, format!("the body is no JSON: line {}, column {}", error.line(), error.column())))
}

async fn report(State(desk): State<Desk>, body: Result<String, StringRejection>) -> Answer {
    let mut raw = RawError::from_json(&body?).map_err(|error| Problem(StatusCode::BAD_REQUEST, error.to_string()))?;
    let event_id = raw.event_id.get_or_insert_with(new_event_id).clone();
    let session = session_of(&mut raw);
    let taken = match desk.door.take_in(raw, session).await {
        Ok(taken) => taken,
        Err(NotKept::Disk(why)) => return Err(Problem(StatusCode::INSUFFICIENT_STORAGE, why)),
        Err(problem @ NotKept::Unreadable) => return Err(Problem(StatusCode::INTERNAL_SERVER_ERROR, problem.to_string())),
        Err(NotKept::Stopping) => return Err(Stopping.into()),
    };
    if taken.outcome == Outcome::LedgerFull {
        let message = "the ledger holds as many different errors as it may; it takes more once old ones are forgotten";
        return Err(Problem(StatusCode::INSUFFICIENT_STORAGE, message.to_owned()));
    }
    let mut answer = json!({
        "fingerprint": taken.fingerprint,
        "event_id": event_id,
        "clipped": taken.clipped,
    });
    if let Some(rule) = taken.ignored_by {
        answer["ignored_by_rule"] = json!(rule);
    }
    Ok(ok(&answer))
}

/// Lets the node look for due errors at once. Answers how many there are.
async fn flush(State(desk): State<Desk>) -> Answer {
    desk.door.tell(Command::Flush).await?;
    let is_due = |error: &ErrorView| matches!(error.state, ErrorState::Due | ErrorState::Filing);
    let due = desk.door.ask(move |node, now, _| node.errors(now).iter().filter(|error| is_due(error)).count()).await?;
    Ok(ok(&json!({ "due": due })))
}

async fn stream_events(State(desk): State<Desk>) -> Response {
    let events = futures::stream::unfold(desk.events.subscribe(), async |mut events| {
        loop {
            match events.recv().await {
                Ok(event) => {
                    let event = axum::response::sse::Event::default().json_data(&event).unwrap_or_default();
                    return Some((Ok::<_, Infallible>(event), events));
                }
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return None,
            }
        }
    });
    Sse::new(events).keep_alive(KeepAlive::default()).into_response()
}
