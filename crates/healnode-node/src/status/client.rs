//! The asking half of the status socket.

use std::path::{Path, PathBuf};

use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::UnixStream;
use tokio::task::JoinSet;

/// Asks the node behind a socket.
#[derive(Clone, Debug)]
pub struct Client {
    socket: PathBuf,
}

/// Why there is no answer, or not the one hoped for.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Nobody listens.
    #[error("no node answers at {}", socket.display())]
    NoNode {
        /// The socket.
        socket: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// There is a socket, and this user may not use it.
    #[error("this user may not use the socket {}; status.socket can be put where it may, such as /run/healnode/healnode.sock", socket.display())]
    Forbidden {
        /// The socket.
        socket: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// The node answered with an error.
    #[error("{message}")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// What it said.
        message: String,
    },
    /// The connection broke, or what came was no answer. A request that changes something may have taken effect.
    #[error("the node at {} gave no proper answer", socket.display())]
    Broken {
        /// The socket.
        socket: PathBuf,
        /// What broke.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl ClientError {
    /// Returns whether the same request may go through later.
    pub fn is_temporary(&self) -> bool {
        match self {
            ClientError::Refused { status, .. } => *status >= 500,
            ClientError::NoNode { .. } | ClientError::Forbidden { .. } | ClientError::Broken { .. } => true,
        }
    }
}

impl Client {
    /// Asks through this socket. Nothing is opened yet.
    pub fn new(socket: &Path) -> Self {
        Self { socket: socket.to_owned() }
    }

    /// Gets one document, such as `/v1/status`.
    ///
    /// # Errors
    /// When no node answers, or it answers with an error.
    pub async fn get(&self, path: &str) -> Result<Value, ClientError> {
        self.send(Method::GET, path, Bytes::new()).await
    }

    /// Posts one document.
    ///
    /// # Errors
    /// When no node answers, or it answers with an error.
    pub async fn post(&self, path: &str, body: &Value) -> Result<Value, ClientError> {
        self.send(Method::POST, path, Bytes::from(body.to_string())).await
    }

    fn unreached(&self, source: std::io::Error) -> ClientError {
        let socket = self.socket.clone();
        if source.kind() == std::io::ErrorKind::PermissionDenied {
            ClientError::Forbidden { socket, source }
        } else {
            ClientError::NoNode { socket, source }
        }
    }

    async fn send(&self, method: Method, path: &str, body: Bytes) -> Result<Value, ClientError> {
        let stream = UnixStream::connect(&self.socket).await.map_err(|source| self.unreached(source))?;
        let broken = |source: Box<dyn std::error::Error + Send + Sync>| ClientError::Broken { socket: self.socket.clone(), source };
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(|error| broken(error.into()))?;
        let mut tasks = JoinSet::new();
        tasks.spawn(connection);
        let request = Request::builder().method(method).uri(path).header("host", "healnode").header("content-type", "application/json");
        let request = request.body(Full::new(body)).map_err(|error| broken(error.into()))?;
        let response = sender.send_request(request).await.map_err(|error| broken(error.into()))?;
        let status = response.status();
        let bytes = response.into_body().collect().await.map_err(|error| broken(error.into()))?.to_bytes();
        let value: Value = serde_json::from_slice(&bytes).map_err(|error| broken(error.into()))?;
        answer(status, value)
    }
}

fn answer(status: StatusCode, value: Value) -> Result<Value, ClientError> {
    if status.is_success() {
        return Ok(value);
    }
    let message = value.get("error").and_then(Value::as_str).unwrap_or("the node answered with an error").to_owned();
    Err(ClientError::Refused { status: status.as_u16(), message })
}
