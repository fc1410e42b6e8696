//! Metrics and health over TCP on loopback, for what cannot read a Unix socket.
//!
//! Numbers only: nothing here tells the text of an error, and nothing can be changed. A page in somebody's browser does not get through by a
//! name that leads to this machine, for whoever asks has to name it by its address or as localhost.

use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::{Method, Request, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tracing::{debug, info};

use crate::connections::serve_each;

use super::server::{Answer, Desk, Problem, healthz, show_metrics};

/// Connections at a time; more wait. A monitor has one.
const CONNECTIONS_MAX: usize = 16;

/// How long the head of a request may take. One that does not come leaves its place to another.
const HEAD_PATIENCE: Duration = Duration::from_secs(5);

/// The open address.
pub(super) struct Loopback {
    listener: TcpListener,
    address: SocketAddr,
}

impl Loopback {
    /// Opens an address. That it is of loopback has been checked with the configuration.
    pub(super) async fn bind(address: SocketAddr) -> std::io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        info!(%address, "telling metrics");
        Ok(Self { listener, address })
    }

    /// Returns the address, with the port that the system chose if it was to.
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers until the task is dropped.
    pub(super) async fn run(self, desk: Desk) {
        let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
        serve_each(self.listener, places, |stream| serve(stream, desk.clone())).await;
    }
}

async fn serve(stream: TcpStream, desk: Desk) {
    let service = service_fn(|request| {
        let desk = desk.clone();
        async move { Ok::<Response, Infallible>(answer(&request, desk).await.into_response()) }
    });
    let mut connection = http1::Builder::new();
    connection.timer(TokioTimer::new()).header_read_timeout(HEAD_PATIENCE).keep_alive(false);
    if let Err(problem) = connection.serve_connection(TokioIo::new(stream), service).await {
        debug!(%problem, "a connection of a monitor ended");
    }
}

async fn answer(request: &Request<Incoming>, desk: Desk) -> Answer {
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    if !is_this_machine(host) {
        return Err(Problem(StatusCode::FORBIDDEN, "ask by the address, such as http://127.0.0.1, or as localhost".to_owned()));
    }
    match (request.method(), request.uri().path()) {
        (&Method::GET, "/metrics") => show_metrics(State(desk)).await,
        (&Method::GET, "/healthz") => healthz(State(desk)).await,
        (_, "/metrics" | "/healthz") => Err(Problem(StatusCode::METHOD_NOT_ALLOWED, "this is only read, with GET".to_owned())),
        _ => Err(Problem(StatusCode::NOT_FOUND, "here are /metrics and /healthz; the rest is on the Unix socket".to_owned())),
    }
}

/// Returns whether the host of a request is loopback, with or without a port.
fn is_this_machine(host: &str) -> bool {
    let is_port = |port: &str| port.bytes().all(|byte| byte.is_ascii_digit());
    let name = match host.rsplit_once(':') {
        Some((name, port)) if is_port(port) && !name.ends_with(':') => name,
        Some(_) | None => host,
    };
    let name = name.trim_matches(['[', ']']);
    name.eq_ignore_ascii_case("localhost") || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_is_known_by_its_addresses_and_by_localhost_alone() {
        for host in ["127.0.0.1", "127.0.0.1:9469", "[::1]", "[::1]:9469", "localhost", "LOCALHOST:80"] {
            assert!(is_this_machine(host), "{host}");
        }
        for host in ["", ":80", "evil.example", "evil.example:9469", "127.0.0.1.evil.example", "localhost.evil.example", "192.0.2.7:80"] {
            assert!(!is_this_machine(host), "{host}");
        }
    }
}
