//! Anti-entropy: what two nodes say to each other to find out what one of them lacks.
//!
//! First they compare 16 bytes. Only if these differ does the asker learn how far the other has heard each origin, and then fetches what it
//! lacks, page by page. The cost follows the difference, not the size of the ledger. Which peer is asked when is decided in `node.rs`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::{Epoch, NodeId, Run, Seq};

/// How far each origin and epoch has been heard without a gap. At most [`ORIGINS_MAX`](crate::limits::ORIGINS_MAX) entries.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Digest(pub BTreeMap<(NodeId, Epoch), Seq>);

/// A digest in 16 bytes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Summary(#[serde(with = "serde_bytes")] pub [u8; 16]);

/// What a node asks another.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum SyncRequest {
    /// "Have you heard what I have heard?"
    Compare {
        /// The asker's digest in short.
        summary: Summary,
    },
    /// "Send what I lack."
    Want {
        /// The asker's digest.
        have: Digest,
    },
}

/// What the other answers.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum SyncResponse {
    /// Both have heard the same.
    Same,
    /// They have not.
    Differs {
        /// The answerer's digest.
        digest: Digest,
    },
    /// What the asker lacks, at most [`PAGE_BYTES_MAX`](crate::limits::PAGE_BYTES_MAX) bytes.
    Page {
        /// Statements by origin and epoch.
        runs: Vec<Run>,
        /// Whether there is more to ask for.
        more: bool,
    },
}

impl Digest {
    /// Returns the digest in short: the first 16 bytes of a SHA-256 over its entries.
    pub fn summary(&self) -> Summary {
        let mut hash = Sha256::new();
        for ((origin, epoch), seq) in &self.0 {
            hash.update(origin.key());
            hash.update(epoch.0.to_be_bytes());
            hash.update(seq.0.to_be_bytes());
        }
        let mut summary = [0; 16];
        summary.copy_from_slice(&hash.finalize()[..16]);
        Summary(summary)
    }

    /// Returns whether `other` has heard anything that this one has not.
    pub fn lacks(&self, other: &Digest) -> bool {
        other.0.iter().any(|(origin, seq)| self.heard(origin) < *seq)
    }

    /// Returns how far an origin and epoch has been heard.
    pub fn heard(&self, origin: &(NodeId, Epoch)) -> Seq {
        self.0.get(origin).copied().unwrap_or_default()
    }
}
