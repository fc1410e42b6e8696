//! The listeners: opened at start, where a failure is the operator's to mend, and opened again when the system closes one.

use std::io;
use std::net::{Ipv6Addr, SocketAddr, TcpListener};
use std::time::{Duration, Instant};

use futures::StreamExt;
use libp2p::core::transport::{ListenerId, TransportError};
use libp2p::multiaddr::{Multiaddr, Protocol};

use super::{Mesh, MeshError};
use crate::ListenAddress;
use crate::backoff::Backoff;
use crate::limits::{REDIAL_FIRST, REDIAL_LONGEST};

/// How long opened listeners may take to name their addresses. Those that come later are told all the same.
const ADDRESSES_WAIT: Duration = Duration::from_secs(5);

/// A place to listen, open or not.
pub(super) struct Listener {
    address: ListenAddress,
    id: Option<ListenerId>,
    pub(super) bound: Vec<Multiaddr>,
    backoff: Backoff,
}

impl Mesh {
    pub(super) fn listen(&mut self, address: ListenAddress, now: Instant) -> Result<(), MeshError> {
        let id = self.open(&address).map_err(|source| MeshError::Listen { address: address.to_string(), source })?;
        let backoff = Backoff::new(REDIAL_FIRST, REDIAL_LONGEST, now);
        self.listeners.push(Listener { address, id: Some(id), bound: Vec::new(), backoff });
        Ok(())
    }

    /// Waits until every listener has an address, which takes a moment where it stands for all of a machine's.
    pub(super) async fn await_addresses(&mut self) {
        let deadline = tokio::time::Instant::now() + ADDRESSES_WAIT;
        while self.listeners.iter().any(|listener| listener.bound.is_empty()) {
            match tokio::time::timeout_at(deadline, self.swarm.select_next_some()).await {
                Ok(event) => self.on_event(event, Instant::now()),
                Err(_) => return,
            }
        }
    }

    pub(super) fn listen_again(&mut self, now: Instant) {
        for index in 0..self.listeners.len() {
            let listener = &self.listeners[index];
            if listener.id.is_some() || !listener.backoff.is_due(now) {
                continue;
            }
            let opened = self.open(&listener.address.clone());
            let listener = &mut self.listeners[index];
            match opened {
                Ok(id) => listener.id = Some(id),
                Err(error) => {
                    tracing::debug!(address = %listener.address, %error, "cannot listen");
                    listener.backoff.fail(now, rand::random());
                }
            }
        }
    }

    fn open(&mut self, address: &ListenAddress) -> io::Result<ListenerId> {
        refuse_used_port(address.multiaddr())?;
        self.swarm.listen_on(address.multiaddr().clone()).map_err(|error| match error {
            TransportError::MultiaddrNotSupported(_) => io::Error::new(io::ErrorKind::Unsupported, "no transport for such an address"),
            TransportError::Other(error) => error,
        })
    }

    pub(super) fn on_listening(&mut self, id: ListenerId, address: Multiaddr) {
        if let Some(listener) = self.listener(id) {
            listener.bound.push(address.clone());
        }
        self.outbox.listening(self.listen_addresses());
        self.dialler.listening(address);
    }

    pub(super) fn on_address_expired(&mut self, id: ListenerId, address: &Multiaddr) {
        if let Some(listener) = self.listener(id) {
            listener.bound.retain(|bound| bound != address);
        }
        self.outbox.listening(self.listen_addresses());
    }

    pub(super) fn on_listener_closed(&mut self, id: ListenerId, reason: &io::Result<()>, now: Instant) {
        let Some(listener) = self.listener(id) else {
            return;
        };
        listener.id = None;
        listener.bound.clear();
        listener.backoff.restart(now, rand::random());
        let reason = reason.as_ref().err().map(io::Error::to_string).unwrap_or_default();
        tracing::warn!(address = %listener.address, reason, "stopped listening; it is tried again for ever");
        self.outbox.listening(self.listen_addresses());
    }

    fn listener(&mut self, id: ListenerId) -> Option<&mut Listener> {
        self.listeners.iter_mut().find(|listener| listener.id == Some(id))
    }
}

/// Fails when another program listens on a TCP port.
///
/// libp2p opens its listeners for shared use of the port, so a second node of the same user would succeed, and the system would share
/// incoming connections out between the two.
fn refuse_used_port(address: &Multiaddr) -> io::Result<()> {
    let Some(socket) = probed(address) else {
        return Ok(());
    };
    match TcpListener::bind(socket) {
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => Err(error),
        Ok(_) | Err(_) => Ok(()),
    }
}

/// Returns what to bind to find out whether a port is in use.
///
/// For all IPv6 addresses that is the loopback: a plain bind to `::` would claim the port for IPv4 as well, where another listener of this
/// node may be.
fn probed(address: &Multiaddr) -> Option<SocketAddr> {
    let parts: Vec<Protocol<'_>> = address.iter().collect();
    match parts[..] {
        [Protocol::Ip4(ip), Protocol::Tcp(port)] if port != 0 => Some((ip, port).into()),
        [Protocol::Ip6(ip), Protocol::Tcp(port)] if port != 0 && ip.is_unspecified() => Some((Ipv6Addr::LOCALHOST, port).into()),
        [Protocol::Ip6(ip), Protocol::Tcp(port)] if port != 0 => Some((ip, port).into()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(address: &str, expected: Option<&str>) {
        assert_eq!(probed(&address.parse().unwrap()), expected.map(|socket| socket.parse().unwrap()), "{address}");
    }

    #[test]
    fn a_port_is_probed_where_another_listener_of_this_node_cannot_be() {
        check("/ip4/0.0.0.0/tcp/4801", Some("0.0.0.0:4801"));
        check("/ip6/::/tcp/4801", Some("[::1]:4801"));
        check("/ip6/2001:db8::1/tcp/4801", Some("[2001:db8::1]:4801"));
        check("/ip4/127.0.0.1/tcp/0", None);
        check("/ip4/127.0.0.1/udp/4801/quic-v1", None);
    }
}
