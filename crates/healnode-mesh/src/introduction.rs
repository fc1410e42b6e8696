//! How peers introduce peers: what is said of whom, and how it is written.
//!
//! Only connected peers are introduced, with the addresses that they announced. It is hearsay all the same: whoever dials such an address
//! insists on the peer id, so a lie costs a failed dial. The text is one multiaddr a line, each with `/p2p/ID` at its end.

use std::collections::BTreeMap;

use healnode_core::NodeId;
use libp2p::Multiaddr;
use libp2p::multiaddr::Protocol;

use crate::address::dialable;
use crate::identity::{node_id, peer_id};
use crate::limits::{BOOK_ADDRESSES_MAX, INTRODUCED_MAX, INTRODUCTION_BYTES_MAX};
use crate::{MeshDropReason, Transports};

/// Peers and where they can be reached.
pub(crate) type Introduction = BTreeMap<NodeId, Vec<Multiaddr>>;

pub(crate) fn encode(introduction: &Introduction) -> Vec<u8> {
    let mut text = String::new();
    for (node, addresses) in introduction.iter().take(INTRODUCED_MAX) {
        for address in addresses.iter().take(BOOK_ADDRESSES_MAX) {
            let whole = address.clone().with(Protocol::P2p(peer_id(node)));
            text.push_str(&whole.to_string());
            text.push('\n');
        }
    }
    text.into_bytes()
}

/// Reads an introduction, and leaves out addresses that cannot be dialled.
///
/// # Errors
/// When it is too long, or no list of multiaddrs that end in a peer id.
pub(crate) fn decode(bytes: &[u8], transports: Transports) -> Result<Introduction, MeshDropReason> {
    if bytes.len() > INTRODUCTION_BYTES_MAX {
        return Err(MeshDropReason::TooLong);
    }
    let text = str::from_utf8(bytes).map_err(|_| MeshDropReason::Malformed)?;
    let mut introduction = Introduction::new();
    for line in text.lines().take(INTRODUCED_MAX * BOOK_ADDRESSES_MAX) {
        let address: Multiaddr = line.parse().map_err(|_| MeshDropReason::Malformed)?;
        let Some(Protocol::P2p(peer)) = address.iter().last() else {
            return Err(MeshDropReason::Malformed);
        };
        if let (Some(node), Some(address)) = (node_id(&peer), dialable(&address, transports)) {
            introduction.entry(node).or_default().push(address);
        }
    }
    Ok(introduction)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Identity;

    fn node(n: u8) -> NodeId {
        Identity::from_seed([n; 32]).node_id()
    }

    fn read(text: &str) -> Result<Introduction, MeshDropReason> {
        decode(text.as_bytes(), Transports::TcpOnly)
    }

    #[test]
    fn an_introduction_survives_its_text() {
        let addresses = |last: u8| vec![format!("/ip4/192.0.2.{last}/tcp/4801").parse().unwrap(), "/dns4/a.example/tcp/1".parse().unwrap()];
        let introduction = Introduction::from([(node(1), addresses(1)), (node(2), addresses(2))]);
        assert_eq!(decode(&encode(&introduction), Transports::TcpOnly), Ok(introduction));
        assert_eq!(read(""), Ok(Introduction::new()));
    }

    #[test]
    fn what_is_no_list_of_peers_is_refused() {
        for text in ["hello", "/ip4/192.0.2.1/tcp/4801", "/ip4/192.0.2.1/tcp/4801/p2p/12D3KooW"] {
            assert_eq!(read(text), Err(MeshDropReason::Malformed), "{text}");
        }
        assert_eq!(decode(&[0xff, 0xfe], Transports::TcpOnly), Err(MeshDropReason::Malformed));
        assert_eq!(decode(&vec![b'/'; INTRODUCTION_BYTES_MAX + 1], Transports::TcpOnly), Err(MeshDropReason::TooLong));
    }

    #[test]
    fn what_cannot_be_dialled_is_left_out() {
        let quic = format!("/ip4/192.0.2.1/udp/4801/quic-v1/p2p/{}\n", node(1));
        let rsa = "/ip4/192.0.2.1/tcp/4801/p2p/QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N";
        assert_eq!(read(&(quic + rsa)), Ok(Introduction::new()));
    }

    #[test]
    fn the_longest_introduction_is_within_its_bound() {
        let name = format!("/dns4/{}/tcp/4801", "a".repeat(250));
        let addresses: Vec<Multiaddr> = vec![name.parse().unwrap(); BOOK_ADDRESSES_MAX + 1];
        let introduction = (0..=INTRODUCED_MAX as u8).map(|n| (node(n), addresses.clone())).collect();
        let bytes = encode(&introduction);
        assert!(bytes.len() <= INTRODUCTION_BYTES_MAX);
        assert_eq!(decode(&bytes, Transports::TcpOnly).map(|read| read.len()), Ok(INTRODUCED_MAX));
    }
}
