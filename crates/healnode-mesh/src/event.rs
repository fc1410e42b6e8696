//! What a node tells its mesh, and what the mesh tells the node.

use healnode_core::{NodeId, RawError, Report, Run, SyncResponse};
use healnode_wire::Request;

/// What a node can ask of its mesh.
#[derive(Clone, Debug, PartialEq)]
pub enum MeshCommand {
    /// Tell every peer. May be lost; anti-entropy repairs that.
    Publish(Run),
    /// Ask one peer. Exactly one [`MeshEvent::Answered`] with the same id follows, also when the peer is not connected.
    Ask {
        /// The caller's number for it.
        id: u64,
        /// Whom.
        to: NodeId,
        /// What.
        request: Request,
    },
    /// Answer a peer's question. One that came too late, or has been answered already, is ignored.
    Answer {
        /// The id of its [`MeshEvent::Asked`].
        id: u64,
        /// The answer.
        response: MeshResponse,
    },
}

/// What this node answers a peer.
#[derive(Clone, Debug, PartialEq)]
pub enum MeshResponse {
    /// The answer to [`Request::Pull`].
    Pull(SyncResponse),
    /// The answer to [`Request::Sample`]; `None` when this node has none.
    Sample(Option<Box<Report>>),
}

/// What a peer answered: the kind of answer that was asked for, within its bounds, its signatures checked.
#[derive(Clone, Debug, PartialEq)]
pub enum MeshAnswer {
    /// The answer to [`Request::Pull`].
    Pull(SyncResponse),
    /// The answer to [`Request::Sample`]; `None` when the peer has none. [`Report::new`] redacts it again; only that makes it a report.
    Sample(Option<Box<RawError>>),
}

/// What a mesh tells its node. Apart from runs and questions, which may be dropped and are then counted, none is ever lost.
#[derive(Clone, Debug, PartialEq)]
pub enum MeshEvent {
    /// Peers can reach this node at these addresses and no others. Comes again when that changes.
    Listening(Vec<String>),
    /// A connection to this peer opened, and there was none before.
    PeerUp(NodeId),
    /// The last connection to this peer closed.
    PeerDown(NodeId),
    /// Where a peer says that it can be reached, for `known_peers` after a restart. Comes again when it changes.
    PeerAddresses {
        /// Which peer.
        node: NodeId,
        /// Multiaddrs, most useful first.
        addresses: Vec<String>,
    },
    /// How often a connected peer lately sent what it should not have: out of bounds, wrongly signed, or not decodable. Comes again when that
    /// changes; faults are forgiven after ten minutes without a new one.
    PeerFaults {
        /// Which peer.
        node: NodeId,
        /// How often.
        faults: u32,
    },
    /// An origin published its newest statements. Signatures are checked, and `run.origin` is who published it.
    Run(Run),
    /// A peer asks. [`MeshCommand::Answer`] with the same id answers it, within [`ANSWER_WAIT`](crate::limits::ANSWER_WAIT).
    Asked {
        /// The mesh's number for it.
        id: u64,
        /// Who asks.
        from: NodeId,
        /// What it asks.
        request: Request,
    },
    /// A peer answered a [`MeshCommand::Ask`]; `None` when it did not, or not in time, or not with anything valid.
    Answered {
        /// The caller's number for it.
        id: u64,
        /// Who was asked.
        from: NodeId,
        /// What came back.
        answer: Option<MeshAnswer>,
    },
    /// Something was dropped since this was last told.
    Dropped {
        /// Why.
        reason: MeshDropReason,
        /// How often.
        count: u64,
    },
}

/// Why the mesh dropped something. Each has a counter in `status`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Hash)]
pub enum MeshDropReason {
    /// A message or an answer of a peer, or one of our own, is over its bound.
    TooLong,
    /// A peer speaks a version that this node does not know.
    ForeignVersion,
    /// What a peer sent cannot be decoded.
    Malformed,
    /// What a peer sent has text or numbers outside their bounds.
    OutOfBounds,
    /// What a peer sent is not signed by the origin that it names.
    WronglySigned,
    /// A run was published by another node than its origin.
    ForeignOrigin,
    /// Nobody was there to publish to.
    NoPeers,
    /// A peer takes messages more slowly than they come.
    PeerBusy,
    /// This node takes runs more slowly than they come.
    NodeBusy,
    /// A peer, or all of them, ask more at a time than is answered.
    TooManyRequests,
}

impl MeshDropReason {
    /// Returns the name under which it is counted.
    pub fn code(self) -> &'static str {
        match self {
            MeshDropReason::TooLong => "too_long",
            MeshDropReason::ForeignVersion => "foreign_version",
            MeshDropReason::Malformed => "malformed",
            MeshDropReason::OutOfBounds => "out_of_bounds",
            MeshDropReason::WronglySigned => "wrongly_signed",
            MeshDropReason::ForeignOrigin => "foreign_origin",
            MeshDropReason::NoPeers => "no_peers",
            MeshDropReason::PeerBusy => "peer_busy",
            MeshDropReason::NodeBusy => "node_busy",
            MeshDropReason::TooManyRequests => "too_many_requests",
        }
    }
}
