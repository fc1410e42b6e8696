//! Multiaddrs that people write and that peers name: which are of use, and what is said of those that are not.
//!
//! What a person wrote is refused with the value and a right one beside it; what a peer named is left out in silence.

use std::fmt;
use std::net::IpAddr;

use healnode_core::NodeId;
use libp2p::PeerId;
use libp2p::multiaddr::{Multiaddr, Protocol};

use crate::identity::node_id;
use crate::limits::ADDRESS_CHARS_MAX;

/// What a mesh can speak.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Transports {
    /// An open network.
    TcpAndQuic,
    /// A private network: a swarm key protects TCP connections, and there is no such thing for QUIC.
    TcpOnly,
}

/// An address to listen on.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ListenAddress(Multiaddr);

impl ListenAddress {
    /// Returns whether only this machine can reach it.
    pub fn is_loopback(&self) -> bool {
        let ip = |part: Protocol<'_>| if let Protocol::Ip4(address) = part { Some(address.is_loopback()) } else { None };
        let ip6 = |part: Protocol<'_>| if let Protocol::Ip6(address) = part { Some(address.is_loopback()) } else { None };
        self.0.iter().find_map(|part| ip(part.clone()).or_else(|| ip6(part))).unwrap_or(false)
    }
}

/// An address to dial until connected, with or without the id of who is expected there.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BootstrapAddress {
    pub(crate) address: Multiaddr,
    pub(crate) expected: Option<NodeId>,
}

/// Why an address cannot be used. The message names it and shows a right one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// It is no multiaddr at all, or one that is too long.
    #[error("`{0}` is not a multiaddr (a right one: {1})")]
    Unreadable(String, &'static str),
    /// It is a multiaddr of a kind that cannot be used here.
    #[error("`{0}` cannot be used here (a right one: {1})")]
    Unsupported(String, &'static str),
    /// It is for QUIC, and there is a swarm key.
    #[error("`{0}` is for QUIC, which a swarm key cannot protect: use TCP (a right one: {1}), or remove the swarm key")]
    QuicInPrivateNetwork(String, &'static str),
    /// It ends in a peer id of another kind of key.
    #[error("`{0}` does not end in the id of a healnode, which starts with 12D3KooW (`healnode id` shows it)")]
    ForeignPeerId(String),
}

const LISTEN_EXAMPLE: &str = "/ip4/0.0.0.0/tcp/4801";
const BOOTSTRAP_EXAMPLE: &str = "/ip4/192.0.2.7/tcp/4801";

/// Reads an address to listen on: `/ip4/…` or `/ip6/…`, then `/tcp/PORT` or `/udp/PORT/quic-v1`. Port 0 lets the system choose.
///
/// # Errors
/// When it is something else, or one that `transports` cannot speak.
pub fn parse_listen(text: &str, transports: Transports) -> Result<ListenAddress, AddressError> {
    let address = parse(text, LISTEN_EXAMPLE)?;
    let shape = Shape::of(&address).filter(|shape| shape.host != Host::Name && shape.peer.is_none());
    require(shape, text, transports, LISTEN_EXAMPLE)?;
    Ok(ListenAddress(address))
}

/// Reads an address to dial: as [`parse_listen`], or with `/dns4/…`, `/dns6/…` or `/dns/…` and a name, and `/p2p/ID` at its end or not.
///
/// # Errors
/// When it is something else, or one that `transports` cannot speak.
pub fn parse_bootstrap(text: &str, transports: Transports) -> Result<BootstrapAddress, AddressError> {
    let address = parse(text, BOOTSTRAP_EXAMPLE)?;
    let shape = Shape::of(&address).filter(|shape| shape.is_place());
    let shape = require(shape, text, transports, BOOTSTRAP_EXAMPLE)?;
    let Some(peer) = shape.peer else {
        return Ok(BootstrapAddress { address, expected: None });
    };
    let expected = node_id(&peer).ok_or_else(|| AddressError::ForeignPeerId(text.to_owned()))?;
    Ok(BootstrapAddress { address: without_peer(address), expected: Some(expected) })
}

/// Reads an address that a peer named, and leaves out a peer id at its end. `None` when it cannot be dialled.
pub(crate) fn dialable(address: &Multiaddr, transports: Transports) -> Option<Multiaddr> {
    let shape = Shape::of(address).filter(|shape| shape.is_place() && shape.is_spoken(transports))?;
    let short = address.to_string().len() <= ADDRESS_CHARS_MAX;
    (short && shape.port != 0).then(|| without_peer(address.clone()))
}

/// Returns whether only this machine can reach the address.
pub(crate) fn is_loopback(address: &Multiaddr) -> bool {
    Shape::of(address).is_some_and(|shape| matches!(shape.host, Host::Ip(ip) if ip.is_loopback()))
}

/// Returns whether the address names a machine by its number, so that it means the same thing at every look.
pub(crate) fn is_numeric(address: &Multiaddr) -> bool {
    Shape::of(address).is_some_and(|shape| matches!(shape.host, Host::Ip(_)))
}

/// Returns the address without a peer id at its end.
pub(crate) fn without_peer(mut address: Multiaddr) -> Multiaddr {
    if matches!(address.iter().last(), Some(Protocol::P2p(_))) {
        address.pop();
    }
    address
}

impl ListenAddress {
    pub(crate) fn multiaddr(&self) -> &Multiaddr {
        &self.0
    }
}

impl fmt::Display for ListenAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for BootstrapAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.address.fmt(f)?;
        self.expected.map_or(Ok(()), |node| write!(f, "/p2p/{node}"))
    }
}

/// What an address consists of.
struct Shape {
    host: Host,
    port: u16,
    quic: bool,
    peer: Option<PeerId>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Host {
    Ip(IpAddr),
    Name,
}

impl Shape {
    fn of(address: &Multiaddr) -> Option<Self> {
        let parts: Vec<Protocol<'_>> = address.iter().take(5).collect();
        let (parts, peer) = match parts.split_last() {
            Some((Protocol::P2p(peer), before)) => (before, Some(*peer)),
            _ => (&parts[..], None),
        };
        match parts {
            [host, Protocol::Tcp(port)] => Some(Self { host: Host::of(host)?, port: *port, quic: false, peer }),
            [host, Protocol::Udp(port), Protocol::QuicV1] => Some(Self { host: Host::of(host)?, port: *port, quic: true, peer }),
            _ => None,
        }
    }

    /// Returns whether a machine can be reached there. A link-local IPv6 address means nothing without the name of an interface.
    fn is_place(&self) -> bool {
        match self.host {
            Host::Ip(IpAddr::V6(ip)) if ip.is_unicast_link_local() => false,
            Host::Ip(ip) => !ip.is_unspecified() && !ip.is_multicast(),
            Host::Name => true,
        }
    }

    fn is_spoken(&self, transports: Transports) -> bool {
        !self.quic || transports == Transports::TcpAndQuic
    }
}

impl Host {
    fn of(part: &Protocol<'_>) -> Option<Self> {
        if let Protocol::Ip4(ip) = part {
            Some(Host::Ip((*ip).into()))
        } else if let Protocol::Ip6(ip) = part {
            Some(Host::Ip((*ip).into()))
        } else {
            matches!(part, Protocol::Dns(_) | Protocol::Dns4(_) | Protocol::Dns6(_)).then_some(Host::Name)
        }
    }
}

fn parse(text: &str, example: &'static str) -> Result<Multiaddr, AddressError> {
    let unreadable = || AddressError::Unreadable(text.chars().take(ADDRESS_CHARS_MAX).collect(), example);
    if text.len() > ADDRESS_CHARS_MAX { Err(unreadable()) } else { text.parse().map_err(|_| unreadable()) }
}

fn require(shape: Option<Shape>, text: &str, transports: Transports, example: &'static str) -> Result<Shape, AddressError> {
    let shape = shape.ok_or_else(|| AddressError::Unsupported(text.to_owned(), example))?;
    if shape.is_spoken(transports) { Ok(shape) } else { Err(AddressError::QuicInPrivateNetwork(text.to_owned(), example)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PEER: &str = "12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN";

    fn listens(text: &str) -> bool {
        parse_listen(text, Transports::TcpAndQuic).is_ok()
    }

    fn bootstraps(text: &str) -> bool {
        parse_bootstrap(text, Transports::TcpAndQuic).is_ok()
    }

    #[test]
    fn tcp_and_quic_on_a_numeric_address_can_be_listened_on() {
        assert!(listens("/ip4/0.0.0.0/tcp/4801"));
        assert!(listens("/ip6/::/tcp/0"));
        assert!(listens("/ip4/127.0.0.1/udp/4801/quic-v1"));
        for text in ["", "0.0.0.0:4801", "/ip4/0.0.0.0", "/ip4/0.0.0.0/tcp/70000", "/ip4/0.0.0.0/udp/4801", "/dns4/example.com/tcp/4801"] {
            assert!(!listens(text), "{text}");
        }
        assert!(!listens(&format!("/ip4/0.0.0.0/tcp/4801/p2p/{PEER}")));
    }

    #[test]
    fn a_bootstrap_address_may_have_a_name_and_a_peer_id() {
        assert!(bootstraps("/ip4/192.0.2.7/tcp/4801"));
        assert!(bootstraps(&format!("/dns4/seed.example.com/tcp/4801/p2p/{PEER}")));
        assert!(bootstraps(&format!("/ip6/2001:db8::1/udp/4801/quic-v1/p2p/{PEER}")));
        for text in ["/ip4/0.0.0.0/tcp/4801", "/ip4/192.0.2.7/tcp/4801/ws", "/memory/1", "/ip4/224.0.0.1/tcp/4801", &format!("/p2p/{PEER}")]
        {
            assert!(!bootstraps(text), "{text}");
        }
    }

    #[test]
    fn a_bootstrap_address_is_shown_as_it_was_written() {
        for text in ["/ip4/192.0.2.7/tcp/4801".to_owned(), format!("/dns4/seed.example.com/tcp/4801/p2p/{PEER}")] {
            assert_eq!(parse_bootstrap(&text, Transports::TcpOnly).unwrap().to_string(), text);
        }
    }

    #[test]
    fn a_refusal_names_the_value_and_shows_a_right_one() {
        let refused = parse_listen("localhost:4801", Transports::TcpAndQuic).unwrap_err().to_string();
        assert!(refused.contains("`localhost:4801`") && refused.contains(LISTEN_EXAMPLE), "{refused}");
        let refused = parse_bootstrap("/ip4/192.0.2.7/udp/1/quic-v1", Transports::TcpOnly).unwrap_err().to_string();
        assert!(refused.contains("swarm key") && refused.contains("use TCP") && refused.contains(BOOTSTRAP_EXAMPLE), "{refused}");
        let foreign = "/ip4/192.0.2.7/tcp/4801/p2p/QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N";
        assert_eq!(parse_bootstrap(foreign, Transports::TcpOnly), Err(AddressError::ForeignPeerId(foreign.to_owned())));
    }

    #[test]
    fn what_a_peer_names_is_kept_only_if_it_can_be_dialled() {
        let check = |text: &str, expected: Option<&str>| {
            let kept = dialable(&text.parse().unwrap(), Transports::TcpOnly);
            assert_eq!(kept, expected.map(|text| text.parse().unwrap()), "{text}");
        };
        check(&format!("/ip4/192.0.2.7/tcp/4801/p2p/{PEER}"), Some("/ip4/192.0.2.7/tcp/4801"));
        check("/ip4/192.0.2.7/tcp/0", None);
        check("/ip4/0.0.0.0/tcp/4801", None);
        check("/ip6/fe80::1/tcp/4801", None);
        check("/ip4/192.0.2.7/udp/4801/quic-v1", None);
        check(&format!("/ip4/192.0.2.7/tcp/4801/p2p/{PEER}/p2p-circuit"), None);
    }
}
