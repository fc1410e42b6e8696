//! Every bound of the mesh, why it is what it is, and what happens beyond it.
//!
//! None can be configured: two nodes with different message sizes lose a direction of their link in silence.

use std::time::Duration;

/// Bytes of one gossip message with its signature and framing. The same on every node.
///
/// 64 KiB is gossipsub's own default. A message near the limit is lost and takes the link with it, so what is published stays far below
/// ([`GOSSIP_BYTES_MAX`](healnode_wire::limits::GOSSIP_BYTES_MAX)).
pub const GOSSIP_RPC_BYTES_MAX: usize = 64 * 1024;

/// Bytes of gossipsub's own bookkeeping in one message.
///
/// The receiver refuses 16 KiB by default, which 224 announced messages fill; the link is then dead in one direction for good. 1 MiB, with
/// short ids and [`ANNOUNCED_IDS_MAX`], is out of reach.
pub const CONTROL_BYTES_MAX: usize = 1024 * 1024;

/// Message ids announced to one peer in one heartbeat; the rest is left to the next and to anti-entropy.
///
/// 500 ids of 20 bytes take 11 KB, which fits even a receiver with the default limit.
pub const ANNOUNCED_IDS_MAX: usize = 500;

/// How long a question to a peer may take, from asking to the last byte of the answer. After that the answer is `None`.
pub const ANSWER_WAIT: Duration = Duration::from_secs(10);

/// Questions of this node that wait for an answer. One more is answered with `None` at once.
pub const ASKED_MAX: usize = 512;

/// Questions of one peer, or of all, that wait for this node's answer. One more is refused, and counted as `busy`.
///
/// A peer asks one thing at a time; four leave room for a sample beside a pull and for a retry.
pub const REQUESTS_PER_PEER_MAX: usize = 4;

/// See [`REQUESTS_PER_PEER_MAX`]. 128 requests at their bound of 128 KiB stay under 16 MiB.
pub const REQUESTS_MAX: usize = 128;

/// Runs that wait for a slow node. One more is dropped and counted as `node_busy`; anti-entropy brings it.
pub const RUNS_WAITING_MAX: usize = 256;

/// Peers in the address book. When it is full, the one that failed most often makes room; while none has failed, a new one is left out.
pub const BOOK_PEERS_MAX: usize = 256;

/// Addresses kept of one peer, the newest first.
pub const BOOK_ADDRESSES_MAX: usize = 8;

/// Characters of one address, as text. A longer one is ignored.
///
/// A domain name has at most 253, a peer id 52.
pub const ADDRESS_CHARS_MAX: usize = 400;

/// Peers that one answer introduces, and how many lines of it are read.
pub const INTRODUCED_MAX: usize = 24;

/// Bytes of an answer that introduces peers. A longer one is refused.
pub const INTRODUCTION_BYTES_MAX: usize = INTRODUCED_MAX * BOOK_ADDRESSES_MAX * (ADDRESS_CHARS_MAX + 1);

/// Peers to be connected to. Below it, known peers are dialled; above it, none is, apart from bootstrap addresses.
///
/// Eight links per node keep 1,000 nodes in one piece when a few of them fail, at 0.07 MB each.
pub const PEERS_WANTED: usize = 8;

/// How often a met peer is dialled though there are links enough, so that the halves of a mesh that was split find each other again.
pub const EXPLORE_EVERY: Duration = Duration::from_secs(60);

/// Connections that may be open. One more is refused, and whoever dialled backs off.
///
/// 256 connections take about 18 MB.
pub const CONNECTIONS_MAX: u32 = 256;

/// Peers beyond which one after the other is let go, each after [`LET_GO_AFTER`], so that there is room for newcomers.
///
/// A bootstrap node would otherwise be full one day, and refuse all who know nobody else. Whoever is let go has been introduced to others.
pub const PEERS_COMFORTABLE: usize = 192;

/// See [`PEERS_COMFORTABLE`]. A minute is ample for finding other peers.
pub const LET_GO_AFTER: Duration = Duration::from_secs(60);

/// Connections to one peer. Two, because both sides may dial at once.
pub const CONNECTIONS_PER_PEER_MAX: u32 = 2;

/// Connections that are still in their handshake, each way. One more is refused.
pub const HANDSHAKES_MAX: u32 = 64;

/// Streams that a peer may have open on one connection. One more is refused.
///
/// Gossip, identify and ping take two each; questions in both directions some forty at the most.
pub const STREAMS_MAX: u32 = 64;

/// Bytes that a peer may send ahead on one QUIC stream, and on one QUIC connection. More waits at the peer.
///
/// The longest answer has 384 KiB; libp2p's own bounds of 10 and 15 MB would allow 256 peers to fill the memory of a small machine.
pub const QUIC_STREAM_BYTES_MAX: u32 = 512 * 1024;

/// See [`QUIC_STREAM_BYTES_MAX`].
pub const QUIC_CONNECTION_BYTES_MAX: u32 = 2 * 1024 * 1024;

/// How long a dial with its handshake may take.
pub const HANDSHAKE_WAIT: Duration = Duration::from_secs(10);

/// When a connection that carries nothing is closed. libp2p's default of 10 s would cut peers off between two pulls.
pub const IDLE_WAIT: Duration = Duration::from_secs(300);

/// How often a connection is tried with a ping; one that does not answer is closed.
pub const PING_INTERVAL: Duration = Duration::from_secs(15);

/// The first and the longest wait before an address is dialled again. The wait doubles with each failure, without an end to the tries.
pub const REDIAL_FIRST: Duration = Duration::from_secs(1);

/// See [`REDIAL_FIRST`].
pub const REDIAL_LONGEST: Duration = Duration::from_secs(60);

/// How long a connection must have lasted for its end to count as new trouble, not as one more failure of the old kind.
///
/// A peer that refuses us closes within moments; without this it would be dialled every second for ever.
pub const STABLE_AFTER: Duration = Duration::from_secs(10);

/// The shortest and the longest wait between two requests for introductions. It doubles, and starts anew when a peer connects.
pub const INTRODUCTION_FIRST: Duration = Duration::from_secs(2);

/// See [`INTRODUCTION_FIRST`].
pub const INTRODUCTION_LONGEST: Duration = Duration::from_secs(120);
