//! Section `rollback`: what is run when a deploy is to blame for a critical error.

use std::time::Duration;

use healnode_core::RollbackPolicy;

use super::reader::Reader;
use super::{DAY, HOUR, SECOND};

/// Section `rollback`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rollback {
    /// The command and its arguments; none turns it off.
    pub command: Vec<String>,
    /// Whether it is run. Otherwise it is only said that it would be.
    pub confirm: bool,
    /// How long after a deploy a critical error is its doing.
    pub window: Duration,
    /// Occurrences that make such an error significant, at least 1.
    pub min_occurrences: u64,
    /// How long the command may take.
    pub timeout: Duration,
}

impl Rollback {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        let rollback = Self {
            command: reader.list("rollback.command", "[\"/usr/local/bin/rollback\", \"--now\"]", |text| Ok(text.to_owned())),
            confirm: reader.switch("rollback.confirm"),
            window: reader.duration("rollback.window", SECOND..=DAY),
            min_occurrences: reader.number("rollback.min_occurrences", 1..=1_000_000_000),
            timeout: reader.duration("rollback.timeout", SECOND..=HOUR),
        };
        let program = rollback.command.first().map(String::as_str);
        if reader.is_sound("rollback.command") && program.is_some_and(|program| !is_findable(program)) {
            reader.refuse_key(
                "rollback.command",
                "the program has to be a whole path, such as \"/usr/local/bin/rollback\", or a name on PATH",
            );
        }
        rollback
    }

    /// Returns what of this the core decides by.
    pub(super) fn policy(&self) -> Option<RollbackPolicy> {
        let policy = RollbackPolicy { window: self.window, min_occurrences: self.min_occurrences };
        (!self.command.is_empty()).then_some(policy)
    }
}

/// A relative path would be taken from wherever the node happens to run.
fn is_findable(program: &str) -> bool {
    !program.is_empty() && (program.starts_with('/') || !program.contains('/'))
}
