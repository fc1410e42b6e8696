//! Sums over many runs, as a table for people.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use healnode_sim::Outcome;

/// Sums over runs.
#[derive(Default)]
pub(crate) struct Table {
    seeds: u64,
    failed: u64,
    events: u64,
    due: usize,
    issues: usize,
    unclear: usize,
    split: usize,
    race: usize,
    succeeded: usize,
    swept: usize,
    pulls: usize,
    second_pulls: usize,
    fixes: usize,
    reopened: usize,
    reopened_twice: usize,
    told: usize,
    told_twice: usize,
    counts_agreed: usize,
    fingerprints: usize,
    occurrences: u64,
    published: u64,
    requests: u64,
    strikes: BTreeMap<&'static str, u64>,
    skipped: u64,
    succession_ms: Vec<u64>,
    agreed_after_ms: Vec<u64>,
    digest: u64,
}

impl Table {
    pub(crate) fn add(&mut self, outcome: &Outcome) {
        self.seeds += 1;
        self.failed += u64::from(!outcome.is_good());
        self.events += outcome.events;
        self.due += outcome.due;
        self.issues += outcome.issues;
        self.unclear += outcome.duplicates.unclear;
        self.split += outcome.duplicates.split;
        self.race += outcome.duplicates.race;
        self.succeeded += outcome.succeeded;
        self.swept += outcome.swept;
        self.pulls += outcome.pulls;
        self.second_pulls += outcome.second_pulls;
        self.fixes += outcome.fixes;
        self.reopened += outcome.comments.reopened;
        self.reopened_twice += outcome.comments.reopened_twice;
        self.told += outcome.comments.told;
        self.told_twice += outcome.comments.told_twice;
        self.counts_agreed += outcome.counts_agreed;
        self.fingerprints += outcome.fingerprints;
        self.occurrences += outcome.occurrences;
        self.published += outcome.published;
        self.requests += outcome.requests;
        for (what, times) in &outcome.seen.strikes {
            *self.strikes.entry(what).or_default() += times;
        }
        self.skipped += outcome.seen.skipped;
        self.succession_ms.extend(&outcome.seen.succession_ms);
        self.agreed_after_ms.extend(outcome.agreed_after_ms);
        self.digest = self.digest.rotate_left(7) ^ outcome.digest;
    }

    pub(crate) fn is_good(&self) -> bool {
        self.failed == 0
    }

    pub(crate) fn text(&mut self, nodes: u16, faults: &str, took: Duration) -> String {
        let mut text = String::new();
        let mut line = |name: &str, value: String| {
            // Writing to a string cannot fail.
            let _infallible = writeln!(text, "{name:<42} {value}");
        };
        let seconds = took.as_secs_f64();
        let second = self.unclear + self.split + self.race;
        let strikes: Vec<String> = self.strikes.iter().map(|(what, times)| format!("{what} {times}")).collect();
        let per_issue = self.requests as f64 / self.issues.max(1) as f64;
        line("nodes, seeds, faults", format!("{nodes}, {}, {faults}", self.seeds));
        line("seeds failed", self.failed.to_string());
        line("wall, seeds a second, events", format!("{seconds:.1} s, {:.2}, {}", self.seeds as f64 / seconds, self.events));
        line("struck", strikes.join(", "));
        line("struck nothing", self.skipped.to_string());
        line("errors due, issues created", format!("{}, {}", self.due, self.issues));
        line("second issues (unclear, split, race)", format!("{second} ({}, {}, {})", self.unclear, self.split, self.race));
        line("issues in the place of one people ended", self.succeeded.to_string());
        line("duplicates closed", self.swept.to_string());
        line("pull requests (too many), fixes published", format!("{} ({}), {}", self.pulls, self.second_pulls, self.fixes));
        line("counts agreed on, of errors", format!("{}, {}", self.counts_agreed, self.fingerprints));
        line("occurrences acknowledged", self.occurrences.to_string());
        line("comments: opened again (too many)", format!("{} ({})", self.reopened, self.reopened_twice));
        line("comments: counts (too many)", format!("{} ({})", self.told, self.told_twice));
        line("requests to the forge, for each issue", format!("{}, {per_issue:.1}", self.requests));
        line("messages gossiped", self.published.to_string());
        line("from a filer's death to the issue, s", spread(&mut self.succession_ms));
        line("from the heal to agreement, s", spread(&mut self.agreed_after_ms));
        line("digest", format!("{:016x}", self.digest));
        text
    }
}

fn spread(ms: &mut [u64]) -> String {
    ms.sort_unstable();
    let at = |per_mille: usize| {
        ms.get((ms.len() * per_mille / 1_000).min(ms.len().saturating_sub(1))).map_or(f64::NAN, |ms| *ms as f64 / 1_000.0)
    };
    format!("median {:.0}, 99 % {:.0}, most {:.0}, of {}", at(500), at(990), at(1_000), ms.len())
}
