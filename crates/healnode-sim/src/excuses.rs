//! What a run may not be held to, because somebody lied, or somebody wanted it so.
//!
//! A question to an identity that two machines have may be asked of one and gone on with at the other, whose answer then lacks what the first
//! offered: for ten minutes that is not asked for again. So where an identity is cloned, nobody is held to have heard everything.
//!
//! Second issues, calls without a lease and leaks are never excused here: only counts, and who knows of which issue.

use std::collections::BTreeSet;

use healnode_core::{Fingerprint, Marker, NodeId};

use crate::load::Load;
use crate::network::Place;

/// Who and what is excused.
#[derive(Default)]
pub(crate) struct Excuses {
    /// Machines that share an identity with another.
    pub(crate) twins: BTreeSet<Place>,
    /// Their identities.
    pub(crate) cloned: BTreeSet<NodeId>,
    /// Errors that a hostile peer has told lies about.
    pub(crate) lied: BTreeSet<Fingerprint>,
    /// Errors whose issues people have touched.
    pub(crate) touched: BTreeSet<Marker>,
}

impl Excuses {
    /// Returns whether counts of an error may be anything: of two machines with one identity only one's word is kept, so that they cannot give
    /// back what a third lost either; and a liar counts as it likes.
    pub(crate) fn count(&self, load: &Load, fingerprint: Fingerprint) -> bool {
        let unsure = load.lost_a_disk() && !self.cloned.is_empty();
        unsure || self.lied.contains(&fingerprint) || self.twins.iter().any(|twin| load.sent_to(fingerprint, *twin) > 0)
    }

    /// Returns whether people have touched an issue of an error.
    pub(crate) fn is_touched(&self, fingerprint: Fingerprint) -> bool {
        self.touched.contains(&Marker::of(fingerprint))
    }
}
