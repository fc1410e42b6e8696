//! Knocks at an address by TCP and tells by the first bytes what kind of program lives there.
//!
//! A node of a private network greets with 24 random bytes before it is spoken to (libp2p's `pnet`); one of an open network waits for the
//! other side's `multistream-select` header and returns it. Nothing of either handshake is completed.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// How long a connection may take. A machine that is there answers within a second, across the world too.
const CONNECT_PATIENCE: Duration = Duration::from_secs(3);

/// How long to wait for a greeting.
const GREETING_PATIENCE: Duration = Duration::from_millis(1_500);

/// Bytes of the greeting in a private network.
const NONCE_BYTES: usize = 24;

/// The first words of libp2p, with their length before them.
const HEADER: &[u8] = b"\x13/multistream/1.0.0\n";

/// What came of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Outcome {
    /// It is this node's own address.
    Itself,
    /// It is no TCP address, so it was left alone.
    NotTried,
    /// The name stands for no machine.
    NoSuchName,
    /// The machine is there, and nobody listens.
    Refused,
    /// Nobody answered in time.
    Silent,
    /// The system said this.
    Failed(String),
    /// Somebody answered.
    Answered(Voice),
}

/// Whoever answered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Voice {
    /// A node of a private network.
    Private,
    /// A node of an open network.
    Open,
    /// Somebody else.
    Stranger,
}

/// A machine and a port.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Target {
    pub(super) host: String,
    pub(super) port: u16,
}

impl Target {
    /// Reads a multiaddr as the configuration has it. Nothing when it is not for TCP.
    pub(super) fn of_address(address: &str) -> Option<Self> {
        let mut parts = address.split('/').skip(1);
        let (kind, host, transport, port) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let is_host = matches!(kind, "ip4" | "ip6" | "dns" | "dns4" | "dns6");
        (is_host && transport == "tcp").then_some(())?;
        Some(Self { host: host.to_owned(), port: port.parse().ok()? })
    }
}

/// Knocks at a machine's port.
pub(super) async fn knock(target: &Target) -> Outcome {
    let found = timeout(CONNECT_PATIENCE, tokio::net::lookup_host((target.host.as_str(), target.port))).await;
    let Some(address) = found.ok().and_then(Result::ok).and_then(|mut addresses| addresses.next()) else { return Outcome::NoSuchName };
    match timeout(CONNECT_PATIENCE, TcpStream::connect(address)).await {
        Err(_elapsed) => Outcome::Silent,
        Ok(Err(error)) if error.kind() == io::ErrorKind::ConnectionRefused => Outcome::Refused,
        Ok(Err(error)) if error.kind() == io::ErrorKind::TimedOut => Outcome::Silent,
        Ok(Err(error)) => Outcome::Failed(error.to_string()),
        Ok(Ok(stream)) => Outcome::Answered(listen(stream).await),
    }
}

/// Waits for a greeting, and greets if there is none.
async fn listen(mut stream: TcpStream) -> Voice {
    let mut nonce = [0; NONCE_BYTES];
    match timeout(GREETING_PATIENCE, stream.read_exact(&mut nonce)).await {
        Ok(Ok(_)) if nonce.is_ascii() => return Voice::Stranger,
        Ok(Ok(_)) => return Voice::Private,
        Ok(Err(_)) => return Voice::Stranger,
        Err(_elapsed) => {}
    }
    let mut answer = [0; HEADER.len()];
    let greet = async {
        stream.write_all(HEADER).await?;
        stream.read_exact(&mut answer).await
    };
    match timeout(GREETING_PATIENCE, greet).await {
        Ok(Ok(_)) if answer == HEADER => Voice::Open,
        Ok(Ok(_) | Err(_)) | Err(_) => Voice::Stranger,
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    #[test]
    fn only_tcp_addresses_are_knocked_at() {
        let target = |host: &str, port| Some(Target { host: host.to_owned(), port });
        assert_eq!(Target::of_address("/ip4/192.0.2.7/tcp/4801"), target("192.0.2.7", 4801));
        assert_eq!(Target::of_address("/dns4/node1.example/tcp/4801/p2p/12D3KooW"), target("node1.example", 4801));
        assert_eq!(Target::of_address("/ip6/::1/tcp/1"), target("::1", 1));
        for text in ["", "/ip4/192.0.2.7/udp/4801/quic-v1", "/ip4/192.0.2.7", "192.0.2.7:4801"] {
            assert_eq!(Target::of_address(text), None, "{text}");
        }
    }

    /// Knocks at somebody who says `greeting`, and after being greeted `answer`.
    async fn knocked(greeting: &[u8], answer: &[u8]) -> Outcome {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let target = Target { host: "127.0.0.1".to_owned(), port: listener.local_addr().unwrap().port() };
        let host = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            stream.write_all(greeting).await.unwrap();
            let mut heard = [0; HEADER.len()];
            if stream.read_exact(&mut heard).await.is_ok() {
                stream.write_all(answer).await.unwrap();
                let _until_it_hangs_up = stream.read(&mut heard).await;
            }
        };
        tokio::join!(knock(&target), host).0
    }

    #[tokio::test]
    async fn a_node_is_told_by_its_first_bytes() {
        assert_eq!(knocked(&[0xa5; 24], b"").await, Outcome::Answered(Voice::Private));
        assert_eq!(knocked(b"", HEADER).await, Outcome::Answered(Voice::Open));
        assert_eq!(knocked(b"SSH-2.0-OpenSSH_9.6p1 Debian\r\n", b"").await, Outcome::Answered(Voice::Stranger));
        assert_eq!(knocked(b"", b"HTTP/1.1 400 Bad Request\r\n\r\n").await, Outcome::Answered(Voice::Stranger));
    }

    #[tokio::test]
    async fn a_port_without_a_listener_refuses() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        drop(listener);
        assert_eq!(knock(&Target { host: "127.0.0.1".to_owned(), port }).await, Outcome::Refused);
    }
}
