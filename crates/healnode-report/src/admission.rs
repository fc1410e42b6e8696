//! What an operator adds to the built-in rules by which an error becomes a report.
//!
//! It is settled once, when the report is captured: what a rule decided goes with the report, so that every node that reads it later gives it
//! the same fingerprint, whatever its own rules are.

use crate::fingerprint::Algorithms;
use crate::raw::RawError;
use crate::report::Report;
use crate::time::UnixMillis;

/// How errors are admitted on a node.
#[derive(Clone, Debug, Default)]
pub struct Admission {
    /// The versions of the algorithm that are computed.
    pub algorithms: Algorithms,
}

impl Admission {
    /// Admits an error: redacts, clips, fingerprints. `now` is its time if it carries none.
    pub fn admit(&self, raw: RawError, now: UnixMillis) -> Report {
        Report::admit(raw, now, self)
    }
}
