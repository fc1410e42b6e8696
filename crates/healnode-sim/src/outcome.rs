//! What came of a run.

use std::fmt;

/// What came of a run.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Outcome {
    /// The seed that gives the same run again, with the same [`Config`](crate::Config).
    pub seed: u64,
    /// A hash over every event; equal only for equal runs.
    pub digest: u64,
    /// Inputs that nodes handled.
    pub events: u64,
    /// Different errors that the applications reported.
    pub fingerprints: usize,
    /// Of these, how many every node had to know an issue of in the end.
    pub due: usize,
    /// Issues that were created.
    pub issues: usize,
    /// Issues that were created for a fingerprint that had one.
    pub duplicates: Duplicates,
    /// Of the fingerprints, how many every node counted alike and right in the end.
    pub counts_agreed: usize,
    /// From the heal until every node agreed on everything and nothing was left to do; nothing if they never did.
    pub agreed_after_ms: Option<u64>,
    /// Occurrences that were acknowledged.
    pub occurrences: u64,
    /// Messages that nodes gossiped, each counted once.
    pub published: u64,
    /// Calls to the forge.
    pub forge_calls: u64,
    /// Nodes that were killed.
    pub kills: u64,
    /// Strikes that found nothing to strike, such as a kill of a dead node.
    pub skipped: u64,
    /// How often a check failed.
    pub violations: u64,
    /// What failed, the first few, in words.
    pub written: Vec<String>,
}

/// Second issues, by what led to them.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Duplicates {
    /// An earlier create had been left without a clear answer.
    pub unclear: usize,
    /// The creators were cut off from each other.
    pub split: usize,
    /// Neither: two nodes filed at once.
    pub race: usize,
}

impl Duplicates {
    /// Returns how many there are.
    pub fn total(&self) -> usize {
        self.unclear + self.split + self.race
    }
}

impl Outcome {
    /// Returns whether every check held and agreement was reached.
    pub fn is_good(&self) -> bool {
        self.violations == 0 && self.agreed_after_ms.is_some()
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "seed {}", self.seed)?;
        writeln!(
            f,
            "events {}, published {}, forge calls {}, kills {}, skipped {}",
            self.events, self.published, self.forge_calls, self.kills, self.skipped
        )?;
        let Duplicates { unclear, split, race } = self.duplicates;
        writeln!(
            f,
            "fingerprints {}, due {}, issues {}, duplicates {} (unclear {unclear}, split {split}, race {race})",
            self.fingerprints,
            self.due,
            self.issues,
            self.duplicates.total()
        )?;
        writeln!(f, "occurrences {}, counts agreed on {} of {}", self.occurrences, self.counts_agreed, self.fingerprints)?;
        match self.agreed_after_ms {
            Some(ms) => writeln!(f, "agreed {ms} ms after the heal")?,
            None => writeln!(f, "never agreed")?,
        }
        for line in &self.written {
            writeln!(f, "VIOLATED {line}")?;
        }
        write!(f, "digest {:016x}", self.digest)
    }
}
