//! What a fixer is: something that changes files in a work copy, in rounds, and may say what it did.
//!
//! Whatever it says, only what it left in the work copy is judged. A fixer sees the copy, the prompt and a private home, and nothing else.

use std::future::Future;
use std::path::Path;
use std::time::Duration;

use healnode_core::FixAnswer;

/// One round: the same work copy, with what the last round left in it.
pub(crate) struct Round<'a> {
    /// The work copy, an absolute path.
    pub(crate) work: &'a Path,
    /// A folder outside of the work copy that is empty before the first round and stays for all of them: home, caches, files for the fixer.
    pub(crate) home: &'a Path,
    /// Which round, from 1.
    pub(crate) number: u8,
    /// What the fixer is told. In a later round: what came of the last one.
    pub(crate) prompt: &'a str,
    /// Paths of files in the work copy that the error names, relative to it, the innermost first.
    pub(crate) suspects: &'a [String],
    /// After how long it is stopped.
    pub(crate) limit: Duration,
}

/// What came of a round.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum RoundEnd {
    /// It ended by itself, and may have said what it did.
    Ended(Option<FixAnswer>),
    /// It could not do its work: not installed, not logged in, no answer, stopped. One sentence without secrets and without text of strangers,
    /// and whether the same may work later.
    Failed {
        /// Why.
        why: String,
        /// Whether it may work later.
        passing: bool,
    },
}

/// A fixer, for all rounds of one job. Dropping it ends everything that it started.
pub(crate) trait Agent: Send {
    /// Returns its name with version or model, for people.
    fn name(&self) -> String;

    /// Goes through one round. It has ended everything that it started for it when it returns, however it returns.
    fn round(&mut self, round: Round<'_>) -> impl Future<Output = RoundEnd> + Send;

    /// Returns what a reviewer should know of the rounds so far, a sentence each: what the fixer was refused, what its model calls cost.
    fn remarks(&self) -> Vec<String> {
        Vec::new()
    }
}
