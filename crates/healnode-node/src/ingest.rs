//! The HTTP door on loopback, through which applications' own SDKs deliver, Sentry's, Spotlight's and OpenTelemetry's, and programs without one
//! post to `/report-error`.
//!
//! What a request means is read in `healnode-capture`, what is answered stands in `ingest/answer.rs`; here are the sockets and their bounds. A
//! request is answered once its errors are durable. An application must not notice: whatever is readable gets 200, and what cannot be kept
//! now is turned away with a word on when to come back.

mod answer;
mod body;
mod cors;
mod counters;

use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use healnode_capture::report_error::{self, Address, PostError};
use healnode_capture::{otlp, sentry};
use healnode_report::RawError;
use hyper::body::Incoming;
use hyper::header::{AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tracing::{debug, info, warn};

use crate::clock::wall;
use crate::config;
use crate::connections::serve_each;
use crate::deliver::new_event_id;
use crate::door::{Door, NotKept, Taken};
use crate::sessions::{KEY_PREFIX, Teller};
use answer::{Answer, Reply};
use cors::Pages;
pub(crate) use counters::Counters;

/// Connections at a time. More wait until one ends; most SDKs keep one open for each process.
const CONNECTIONS_MAX: usize = 512;

/// How long a connection may take over the head of a request, or be idle.
const HEAD_PATIENCE: Duration = Duration::from_secs(30);

/// Bytes of a request's head. SDKs send less than one KiB.
const HEAD_BYTES_MAX: usize = 64 * 1024;

/// How long a request waits for its errors to be durable. Beyond it, whoever waits at its end would notice.
const KEEP_PATIENCE: Duration = Duration::from_secs(2);

/// Bodies that are taken apart at a time. With what one may become, this bounds the memory.
const DECODING_MAX: usize = 4;

/// Bodies above this are taken apart on a thread of their own, in bytes.
const INLINE_BYTES_MAX: usize = 64 * 1024;

/// Why the door cannot be opened.
#[derive(Debug, thiserror::Error)]
#[error("ingest.http cannot be opened at {address}; free it, set another address, or \"\" to do without")]
pub struct IngestError {
    address: SocketAddr,
    #[source]
    source: std::io::Error,
}

/// The open door.
pub(crate) struct Ingest {
    listeners: Vec<TcpListener>,
    counters: Arc<Counters>,
    pages: Pages,
}

impl Ingest {
    /// Opens the door; on loopback for both families, because SDKs say `localhost`. Where the address that nobody chose is taken, another port
    /// is.
    ///
    /// # Errors
    /// When an address that somebody chose cannot be had.
    pub(crate) async fn bind(address: SocketAddr, settings: &config::Ingest) -> Result<Self, IngestError> {
        let first = match TcpListener::bind(address).await {
            Ok(listener) => listener,
            Err(problem) if !settings.is_chosen => {
                let other = SocketAddr::new(address.ip(), 0);
                warn!(%address, %problem, "the address for SDKs is taken, so another port is used; set ingest.http to choose one");
                TcpListener::bind(other).await.map_err(|source| IngestError { address: other, source })?
            }
            Err(source) => return Err(IngestError { address, source }),
        };
        let bound = first.local_addr().map_err(|source| IngestError { address, source })?;
        let mut listeners = vec![first];
        if let Some(twin) = other_loopback(bound)
            && let Ok(listener) = TcpListener::bind(twin).await
        {
            listeners.push(listener);
        }
        info!(address = %bound, "taking errors from SDKs");
        Ok(Self { listeners, counters: Arc::new(Counters::new(bound)), pages: Pages::of(&settings.cors) })
    }

    /// Returns what it counts.
    pub(crate) fn counters(&self) -> Arc<Counters> {
        self.counters.clone()
    }

    /// Takes errors until the task is dropped.
    pub(crate) async fn run(self, door: Door) {
        let room = Arc::new(Semaphore::new(body::ROOM_KIB));
        let decoding = Semaphore::new(DECODING_MAX);
        let desk = Arc::new(Desk { door, counters: self.counters, pages: self.pages, room, decoding });
        let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
        let mut doors = JoinSet::new();
        for listener in self.listeners {
            let desk = desk.clone();
            doors.spawn(serve_each(listener, places.clone(), move |stream| serve(stream, desk.clone())));
        }
        while doors.join_next().await.is_some() {}
    }
}

/// Returns the address by which a door that is open on all interfaces is reached from this machine.
pub(crate) fn reachable(mut address: SocketAddr) -> SocketAddr {
    match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => address.set_ip(Ipv4Addr::LOCALHOST.into()),
        IpAddr::V6(ip) if ip.is_unspecified() => address.set_ip(Ipv6Addr::LOCALHOST.into()),
        IpAddr::V4(_) | IpAddr::V6(_) => {}
    }
    address
}

/// The same port on the other family's loopback.
fn other_loopback(address: SocketAddr) -> Option<SocketAddr> {
    match address.ip() {
        IpAddr::V4(Ipv4Addr::LOCALHOST) => Some(SocketAddr::new(Ipv6Addr::LOCALHOST.into(), address.port())),
        IpAddr::V6(Ipv6Addr::LOCALHOST) => Some(SocketAddr::new(Ipv4Addr::LOCALHOST.into(), address.port())),
        IpAddr::V4(_) | IpAddr::V6(_) => None,
    }
}

async fn serve(stream: TcpStream, desk: Arc<Desk>) {
    let service = service_fn(|request| {
        let desk = desk.clone();
        async move {
            let mut response = desk.answer(request).await.into_response();
            desk.pages.tell(response.headers_mut());
            Ok::<_, Infallible>(response)
        }
    });
    let mut connection = http1::Builder::new();
    connection.timer(TokioTimer::new()).header_read_timeout(HEAD_PATIENCE).max_buf_size(HEAD_BYTES_MAX);
    if let Err(problem) = connection.serve_connection(TokioIo::new(stream), service).await {
        debug!(%problem, "a connection of an application ended");
    }
}

/// What requests are dealt with by.
struct Desk {
    door: Door,
    counters: Arc<Counters>,
    pages: Pages,
    /// Room for bodies.
    room: Arc<Semaphore>,
    decoding: Semaphore,
}

impl Desk {
    async fn answer(&self, request: Request<Incoming>) -> Answer {
        if request.method() == Method::OPTIONS && self.pages.are_any() {
            return Answer::MayReport;
        }
        if request.method() != Method::POST {
            return Answer::not_here(request.method());
        }
        let (head, incoming) = request.into_parts();
        if !self.pages.may_send(&head.headers) {
            return Answer::OtherPage;
        }
        let Some(body) = body::read(incoming, self.room.clone()).await else { return Answer::TooSlow };
        let uri = head.uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
        let header = |name: &str| head.headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let encoding = header(CONTENT_ENCODING.as_str());
        if let Some(address) = Address::of(&uri) {
            return self.answer_post(body.bytes.len(), move || report_error::receive(address, encoding.as_deref(), &body.bytes)).await;
        }
        match otlp::Signal::of(&uri) {
            Some(signal) => {
                let content_type = header(CONTENT_TYPE.as_str());
                self.answer_otlp(move || {
                    let request = otlp::Request {
                        signal,
                        content_type: content_type.as_deref(),
                        content_encoding: encoding.as_deref(),
                        body: &body.bytes,
                    };
                    otlp::receive(&request)
                })
                .await
            }
            None => {
                let (sentry_auth, authorization) = (header("x-sentry-auth"), header(AUTHORIZATION.as_str()));
                let is_known = sentry::Route::of(&uri).is_some();
                let length = body.bytes.len();
                let receive = move || {
                    let request = sentry::Request {
                        uri: &uri,
                        content_encoding: encoding.as_deref(),
                        sentry_auth: sentry_auth.as_deref(),
                        authorization: authorization.as_deref(),
                        body: &body.bytes,
                    };
                    sentry::receive(&request, wall())
                };
                self.answer_sentry(is_known, length, receive).await
            }
        }
    }

    async fn answer_sentry(
        &self,
        is_known: bool,
        length: usize,
        receive: impl FnOnce() -> Result<sentry::Delivery, sentry::ReceiveError> + Send + 'static,
    ) -> Answer {
        let delivery = match self.decode(length, receive).await {
            Some(Ok(delivery)) => delivery,
            Some(Err(sentry::ReceiveError::TooLarge)) => return Answer::TooLarge,
            Some(Err(sentry::ReceiveError::Unreadable)) if !is_known => return Answer::NotFound,
            Some(Err(sentry::ReceiveError::Unreadable)) | None => return Answer::Unreadable,
        };
        self.counters.delivered(&delivery);
        let event_id = delivery.event_id.unwrap_or_else(new_event_id);
        let session = delivery.auth.key.as_deref().and_then(|key| key.strip_prefix(KEY_PREFIX)).map(str::to_owned);
        let errors = delivery.errors.into_iter().map(|mut raw| {
            raw.event_id.get_or_insert_with(|| event_id.clone());
            raw
        });
        match self.keep(errors, session).await {
            Ok(()) => Answer::Taken(Reply::Sentry { event_id }),
            Err(NotTaken) => Answer::ComeBack,
        }
    }

    async fn answer_otlp(&self, receive: impl FnOnce() -> Result<otlp::Export, otlp::ReceiveError> + Send + 'static) -> Answer {
        let export = match self.decode(usize::MAX, receive).await {
            Some(Ok(export)) => export,
            Some(Err(otlp::ReceiveError::TooLarge)) => return Answer::TooLarge,
            Some(Err(otlp::ReceiveError::Unreadable)) | None => return Answer::Unreadable,
        };
        self.counters.exported(&export);
        let errors = export.errors.into_iter().map(|mut raw| {
            raw.event_id.get_or_insert_with(new_event_id);
            raw
        });
        match self.keep(errors, None).await {
            Ok(()) => Answer::Taken(Reply::Otlp(export.format)),
            Err(NotTaken) => Answer::ComeBack,
        }
    }

    async fn answer_post(
        &self,
        length: usize,
        receive: impl FnOnce() -> Result<report_error::Posted, PostError> + Send + 'static,
    ) -> Answer {
        let posted = match self.decode(length, receive).await {
            Some(Ok(posted)) => posted,
            Some(Err(PostError::TooLarge)) => return Answer::TooLarge,
            Some(Err(problem @ (PostError::NotAnObject | PostError::Missing(_)))) => return Answer::Incomplete(problem.to_string()),
            None => return Answer::Unreadable,
        };
        let mut raw = posted.error;
        let event_id = raw.event_id.get_or_insert_with(new_event_id).clone();
        match self.keep_one(raw, None).await {
            Ok(taken) => Answer::Taken(Reply::ReportError { taken, event_id, clipped: posted.clipped }),
            Err(NotTaken) => Answer::ComeBack,
        }
    }

    /// Takes a body apart, a few at a time. Nothing when the program failed on it.
    async fn decode<T: Send + 'static>(&self, length: usize, receive: impl FnOnce() -> T + Send + 'static) -> Option<T> {
        let _place = self.decoding.acquire().await.ok()?;
        if length <= INLINE_BYTES_MAX {
            return Some(receive());
        }
        tokio::task::spawn_blocking(receive).await.ok()
    }

    /// Keeps errors. One that cannot be kept turns the whole request away; those before it count once when it comes again, by their ids.
    async fn keep(&self, errors: impl Iterator<Item = RawError>, session: Option<String>) -> Result<(), NotTaken> {
        for raw in errors {
            self.keep_one(raw, session.clone().map(|session| (session, Teller::Sdk))).await?;
        }
        Ok(())
    }

    async fn keep_one(&self, raw: RawError, session: Option<(String, Teller)>) -> Result<Taken, NotTaken> {
        match tokio::time::timeout(KEEP_PATIENCE, self.door.take_in(raw, session)).await {
            Ok(Ok(taken)) => {
                self.counters.kept();
                Ok(taken)
            }
            Ok(Err(NotKept::Disk(_) | NotKept::Unreadable | NotKept::Stopping)) | Err(_) => {
                self.counters.shed();
                Err(NotTaken)
            }
        }
    }
}

/// What a request brought cannot be kept now.
struct NotTaken;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_door_on_all_interfaces_is_reached_on_this_machine() {
        assert_eq!(reachable("0.0.0.0:1".parse().unwrap()), "127.0.0.1:1".parse().unwrap());
        assert_eq!(reachable("[::]:1".parse().unwrap()), "[::1]:1".parse().unwrap());
    }
}
