//! What came of a run.

use std::collections::BTreeMap;
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
    /// Issues that were created for a fingerprint that had one, and that nobody was done with.
    pub duplicates: Duplicates,
    /// Issues that were created because a person was done with the one before.
    pub succeeded: usize,
    /// Issues that nodes closed as duplicates.
    pub swept: usize,
    /// Pull requests that were opened.
    pub pulls: usize,
    /// Of these, for an issue that had one; where no lease is to be had, these are excused.
    pub second_pulls: usize,
    /// Fixes that were put into a pull request.
    pub fixes: usize,
    /// Comments that nodes wrote.
    pub comments: Comments,
    /// Of the fingerprints, how many every node counted alike and right in the end.
    pub counts_agreed: usize,
    /// From the heal until every node agreed on everything and nothing was left to do; nothing if they never did.
    pub agreed_after_ms: Option<u64>,
    /// Occurrences that were acknowledged.
    pub occurrences: u64,
    /// Messages that nodes gossiped, each counted once.
    pub published: u64,
    /// Requests to the forge.
    pub requests: u64,
    /// What went wrong.
    pub seen: Seen,
    /// How often a check failed.
    pub violations: u64,
    /// What failed, the first few, in words.
    pub written: Vec<String>,
    /// The story of the run, if it was asked for.
    pub story: Vec<String>,
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

/// Comments, and those too many.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Comments {
    /// On issues that were opened again.
    pub reopened: usize,
    /// Of these, more than issues were closed.
    pub reopened_twice: usize,
    /// About counts.
    pub told: usize,
    /// Of these, without ten times as many occurrences as before.
    pub told_twice: usize,
}

/// What went wrong in a run, and how that was coped with.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Seen {
    /// How often what struck.
    pub strikes: BTreeMap<&'static str, u64>,
    /// Strikes that found nothing to strike, such as a kill of a dead node.
    pub skipped: u64,
    /// From the death of a node that was filing to the issue that another, or the same, created for it.
    pub succession_ms: Vec<u64>,
}

impl Seen {
    pub(crate) fn note(&mut self, what: &'static str) {
        *self.strikes.entry(what).or_default() += 1;
    }
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
        writeln!(f, "events {}, published {}, requests to the forge {}", self.events, self.published, self.requests)?;
        writeln!(f, "struck {:?}, skipped {}, successors after ms {:?}", self.seen.strikes, self.seen.skipped, self.seen.succession_ms)?;
        let Duplicates { unclear, split, race } = self.duplicates;
        writeln!(
            f,
            "fingerprints {}, due {}, issues {}, second issues {} (unclear {unclear}, split {split}, race {race}), succeeded {}, swept {}",
            self.fingerprints,
            self.due,
            self.issues,
            self.duplicates.total(),
            self.succeeded,
            self.swept
        )?;
        writeln!(f, "pull requests {} ({} too many), fixes {}", self.pulls, self.second_pulls, self.fixes)?;
        let Comments { reopened, reopened_twice, told, told_twice } = self.comments;
        writeln!(f, "comments: opened again {reopened} ({reopened_twice} too many), counts {told} ({told_twice} too many)")?;
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
