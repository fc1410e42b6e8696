//! What one peer says about one key, under its own signature.
//!
//! A peer speaks only for itself: nobody can raise another's count, and a newer statement replaces an older one of the same key. How
//! statements are merged and added up is the ledger's matter; how they become bytes is `healnode-wire`'s.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use healnode_report::{Fingerprint, Head, UnixMillis};
use serde::{Deserialize, Serialize};

use crate::{FixNote, IssueNumber, IssueRef, NodeId};

/// The moment that an origin's data directory was made, in Unix milliseconds. A node that lost its disk but kept its key counts under a
/// new epoch, so it overwrites nothing that it said before.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Epoch(pub u64);

/// The number of a statement within its origin's epoch. It only rises, from 1; 0 stands for "nothing yet".
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Seq(pub u64);

/// One thing that one peer said.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Statement {
    /// Who says it.
    pub origin: NodeId,
    /// Under which data directory.
    pub epoch: Epoch,
    /// Its number there.
    pub seq: Seq,
    /// What is said.
    pub body: Body,
}

/// What can be said.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Body {
    /// "I have seen this fingerprint this often."
    Tally {
        /// The error.
        fingerprint: Fingerprint,
        /// How often, when, and what it looks like.
        tally: Tally,
    },
    /// "I am about to file it", or "I have filed it".
    Filing {
        /// The error.
        fingerprint: Fingerprint,
        /// How far it got.
        note: FilingNote,
    },
    /// An operator's word.
    Mute {
        /// The error.
        fingerprint: Fingerprint,
        /// Until when, and who said so.
        mute: Mute,
    },
    /// A sign of life.
    Presence(Presence),
    /// How far a fix is, and what is known of the pull request.
    Fix {
        /// The error.
        fingerprint: Fingerprint,
        /// How far it got.
        note: FixNote,
    },
}

/// What a statement is about. Of two statements with the same origin, epoch and key, the later one counts.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub enum Key {
    /// A count.
    Tally(Fingerprint),
    /// The filing of an issue.
    Filing(Fingerprint),
    /// A mute.
    Mute(Fingerprint),
    /// A fix and its pull request.
    Fix(Fingerprint),
    /// A sign of life.
    Presence,
}

/// How often one origin has seen one fingerprint.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tally {
    /// Occurrences, all told. Never falls within an epoch.
    pub count: u64,
    /// When it was seen first, by the origin's clock.
    pub first_seen: UnixMillis,
    /// When it was seen last, by the origin's clock.
    pub last_seen: UnixMillis,
    /// What it looks like, without any text that varies.
    pub head: Head,
    /// Occurrences by release, at most [`RELEASES_MAX`](crate::limits::RELEASES_MAX); the rest is counted under `other`.
    pub releases: BTreeMap<String, u64>,
}

impl Tally {
    /// Adds another count to this one. What it looks like stays.
    pub(crate) fn add(&mut self, other: &Tally) {
        self.count = self.count.saturating_add(other.count);
        self.first_seen = self.first_seen.min(other.first_seen);
        self.last_seen = self.last_seen.max(other.last_seen);
        for (release, count) in &other.releases {
            let sum = self.releases.entry(release.clone()).or_default();
            *sum = sum.saturating_add(*count);
        }
    }
}

/// How far the filing of a fingerprint got at one node.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FilingNote {
    /// Whether the node is about to file it.
    pub step: FilingStep,
    /// The issue that the node knows of.
    pub issue: Option<Filed>,
}

/// How far a node is with filing.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize)]
pub enum FilingStep {
    /// It is not about to file; or gave up, without creating anything.
    #[default]
    Idle,
    /// It is about to look, and then to create.
    Claim,
    /// It may have sent a create whose answer it does not have yet.
    Intent,
}

/// What one node knows of the issue of a fingerprint.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Filed {
    /// Which issue.
    pub issue: IssueRef,
    /// Lower numbers are not the fingerprint's issue any more: deleted, given up, or closed as a duplicate of this one. Counts only in the
    /// latest word.
    pub floor: IssueNumber,
    /// Occurrences that the issue names; 0 when the node did not write it.
    pub occurrences: u64,
    /// Occurrences when they were last told in a comment, or at the creation.
    pub told: u64,
    /// When the mesh created it; 0 when it was found.
    pub created: UnixMillis,
    /// What people made of it.
    pub standing: Standing,
    /// When this was said. Of several nodes' word on one issue the latest counts.
    pub at: UnixMillis,
    /// Whether a person has put the label on it that approves of a fix.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub approved: bool,
}

/// What people, or time, made of an issue.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Standing {
    /// It is open.
    Open,
    /// It is open, and its error has not been seen for long.
    Quiet,
    /// It is open again, because its error came back.
    Regressed,
    /// It is closed as done. The error comes back when it is seen beyond this often enough.
    Closed(Baseline),
    /// A person wants no more of it: muted by label, closed as not planned, or dealt with elsewhere.
    Silenced,
    /// It is deleted. The fingerprint counts anew beyond this.
    Gone {
        /// Occurrences when that was noticed.
        occurrences: u64,
    },
}

/// What had been counted when an issue was closed.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Baseline {
    /// When, by the forge's clock; 0 when it did not say.
    pub at: UnixMillis,
    /// Occurrences, all told; 0 when the node that says so did not count them.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub counted: u64,
    /// Occurrences that named no release.
    pub unnamed: u64,
    /// Releases that had been seen by then, as the first 8 bytes of the SHA-256 of their names, at most
    /// [`BASELINE_RELEASES_MAX`](crate::limits::BASELINE_RELEASES_MAX): builds without the fix, for all one knows.
    pub releases: BTreeSet<u64>,
}

/// An operator's word that a fingerprint is not to be filed.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mute {
    /// When this was said. Of several operators' words the latest counts.
    pub at: UnixMillis,
    /// Until when it holds. A time in the past is an unmute.
    pub until: UnixMillis,
    /// Who said so: a display name, at most [`NAME_BYTES_MAX`](healnode_report::limits::NAME_BYTES_MAX) bytes.
    pub by: String,
}

/// A sign of life.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Presence {
    /// Whether this node could file an issue: it is configured to, and its forge answers.
    pub can_file: bool,
    /// Whether it could look for a fix as well.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub can_fix: bool,
    /// The version of its program.
    pub version: String,
    /// What people call it: a display name, at most [`NAME_BYTES_MAX`](healnode_report::limits::NAME_BYTES_MAX) bytes, or nothing. Anybody can
    /// say anything here; who a node is, its id says.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// The version of the algorithm that it counts new errors under, if the others know it.
    #[serde(default = "first_algorithm", skip_serializing_if = "is_first_algorithm")]
    pub algorithm: u16,
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// What a presence without a word on it means.
fn first_algorithm() -> u16 {
    1
}

fn is_first_algorithm(version: &u16) -> bool {
    *version == first_algorithm()
}

/// An Ed25519 signature over a statement's bytes.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Signature(pub [u8; 64]);

/// A statement and its origin's signature. Whoever hands one to the core has checked the signature.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signed {
    /// What is said.
    pub statement: Statement,
    /// That it was the origin who said it.
    pub signature: Signature,
}

/// Statements of one origin and epoch that leave no gap: whoever has heard everything up to `after` has, with these, heard everything up
/// to `through`. Statements that were replaced meanwhile are left out.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Run {
    /// Whose statements these are.
    pub origin: NodeId,
    /// Of which epoch.
    pub epoch: Epoch,
    /// The number before the first.
    pub after: Seq,
    /// The number up to which nothing is missing.
    pub through: Seq,
    /// The statements, by rising number.
    pub statements: Vec<Signed>,
}

/// Signs this node's own statements. Pure: the same statement always gets the same signature.
pub trait Signer: Send + Sync {
    /// Returns the signature of `statement` under this node's identity key.
    fn sign(&self, statement: &Statement) -> Signature;
}

impl Body {
    /// Returns what the statement is about.
    pub fn key(&self) -> Key {
        match self {
            Body::Tally { fingerprint, .. } => Key::Tally(*fingerprint),
            Body::Filing { fingerprint, .. } => Key::Filing(*fingerprint),
            Body::Mute { fingerprint, .. } => Key::Mute(*fingerprint),
            Body::Presence(_) => Key::Presence,
            Body::Fix { fingerprint, .. } => Key::Fix(*fingerprint),
        }
    }
}

impl Key {
    /// Returns the fingerprint that the key is about, if it is about one.
    pub fn fingerprint(&self) -> Option<Fingerprint> {
        match self {
            Key::Tally(fingerprint) | Key::Filing(fingerprint) | Key::Mute(fingerprint) | Key::Fix(fingerprint) => Some(*fingerprint),
            Key::Presence => None,
        }
    }
}

impl Signed {
    /// Returns an upper estimate of the bytes that this takes on the wire: its texts, plus 300 for ids, numbers, names and signature.
    pub fn size_estimate(&self) -> usize {
        let text = match &self.statement.body {
            Body::Tally { tally, .. } => {
                let head = &tally.head;
                let releases: usize = tally.releases.keys().map(|release| release.len() + 12).sum();
                head.error_type.len() + head.message.len() + head.app.len() + head.release.len() + releases + 100
            }
            Body::Filing { note, .. } => 30 + note.issue.as_ref().map_or(0, Filed::size_estimate),
            Body::Mute { mute, .. } => mute.by.len() + 30,
            Body::Presence(presence) => presence.version.len() + presence.name.len() + 40,
            Body::Fix { note, .. } => 160 + note.pull.as_ref().and_then(|known| known.pull.as_ref()).map_or(0, |pull| pull.url.len()),
        };
        text + 300
    }
}

impl Filed {
    fn size_estimate(&self) -> usize {
        let releases = match &self.standing {
            Standing::Closed(baseline) => baseline.releases.len() * 9 + 60,
            Standing::Open | Standing::Quiet | Standing::Regressed | Standing::Silenced | Standing::Gone { .. } => 20,
        };
        self.issue.url.len() + releases + 155
    }
}

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signature({:02x}{:02x}..)", self.0[0], self.0[1])
    }
}

impl Serialize for Signature {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

impl<'de> Deserialize<'de> for Signature {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        serde_bytes::ByteArray::<64>::deserialize(deserializer).map(|bytes| Signature(bytes.into_array()))
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use healnode_report::Severity;

    use super::*;

    pub(crate) fn fingerprint(n: u8) -> Fingerprint {
        Fingerprint::from_bytes([n; 32])
    }

    pub(crate) fn tally(n: u8, count: u64) -> Body {
        let head = Head {
            error_type: "ValueError".to_owned(),
            message: "no such thing".to_owned(),
            severity: Severity::Medium,
            app: "shop".to_owned(),
            release: String::new(),
            frames: 0,
        };
        let tally = Tally { count, first_seen: UnixMillis(1), last_seen: UnixMillis(2), head, releases: BTreeMap::new() };
        Body::Tally { fingerprint: fingerprint(n), tally }
    }

    pub(crate) fn statement(origin: u8, epoch: u64, seq: u64, body: Body, signature: u8) -> Signed {
        let statement = Statement { origin: NodeId::from_key([origin; 32]), epoch: Epoch(epoch), seq: Seq(seq), body };
        Signed { statement, signature: Signature([signature; 64]) }
    }
}
