//! What only the driver knows of a node: its edges, as people are shown them.

use std::collections::BTreeMap;
use std::time::Duration;

use healnode_core::NodeId;
use healnode_forge::LeaseDescription;

/// What the driver knows besides the core, for people.
#[derive(Default)]
pub(crate) struct Facts {
    /// Where peers can reach this node.
    pub(crate) listening: Vec<String>,
    /// Where peers say that they can be reached.
    pub(crate) addresses: BTreeMap<NodeId, Vec<String>>,
    /// How often connected peers lately sent what they should not have.
    pub(crate) faults: BTreeMap<NodeId, u32>,
    /// What keeps two nodes from filing at once, once that is known.
    pub(crate) lease: Option<LeaseDescription>,
    /// What was dropped at the edges, by reason.
    pub(crate) dropped: BTreeMap<&'static str, u64>,
    /// Reports acknowledged since the start.
    pub(crate) acknowledged: u64,
    /// Why nothing can be written just now, or nothing.
    pub(crate) disk_problem: String,
    /// How long the node has been up.
    pub(crate) uptime: Duration,
}
