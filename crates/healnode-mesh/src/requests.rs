//! Questions of peers that wait for the node's answer, a bounded number of them for each peer and in all.

use std::collections::BTreeMap;

use healnode_core::NodeId;
use libp2p::request_response::{InboundRequestId, ResponseChannel};

use crate::limits::{REQUESTS_MAX, REQUESTS_PER_PEER_MAX};

/// Questions that wait for the node's answer, by the number that the node knows them under.
#[derive(Default)]
pub(crate) struct Requests {
    waiting: BTreeMap<u64, Waiting>,
    last_id: u64,
}

struct Waiting {
    from: NodeId,
    request: InboundRequestId,
    channel: ResponseChannel<Vec<u8>>,
}

impl Requests {
    /// Keeps a question and numbers it. `None` when too many wait already; the peer then gets no answer.
    pub(crate) fn admit(&mut self, from: NodeId, request: InboundRequestId, channel: ResponseChannel<Vec<u8>>) -> Option<u64> {
        let of_peer = self.waiting.values().filter(|waiting| waiting.from == from).count();
        if self.waiting.len() >= REQUESTS_MAX || of_peer >= REQUESTS_PER_PEER_MAX {
            return None;
        }
        self.last_id += 1;
        self.waiting.insert(self.last_id, Waiting { from, request, channel });
        Some(self.last_id)
    }

    /// Takes the way back to whoever asked. `None` when it has been taken, or the peer has given up.
    pub(crate) fn take(&mut self, id: u64) -> Option<ResponseChannel<Vec<u8>>> {
        self.waiting.remove(&id).map(|waiting| waiting.channel)
    }

    /// Forgets a question that its peer no longer waits for, and returns its number if it was waiting.
    pub(crate) fn expire(&mut self, request: InboundRequestId) -> Option<u64> {
        let id = *self.waiting.iter().find(|(_, waiting)| waiting.request == request)?.0;
        self.waiting.remove(&id);
        Some(id)
    }
}
