//! What the nodes say of fixes and of pull requests, merged: part of the ledger.
//!
//! A peer speaks only for itself here as well. What it claims can keep a node from opening a pull request or from looking for a fix, and can
//! make it do neither. Who does what is decided in `node/pulls.rs` and `node/fixing.rs`.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use healnode_report::{Fingerprint, UnixMillis};

use super::{Entry, Ledger, Source};
use crate::{Body, FixNote, FixOutcomes, FixSummary, IssueNumber, KnownPull, NodeId, PullOutcomes, PullState, Verdict};

impl Ledger {
    /// Returns the errors whose issue this is, as far as is known.
    pub(crate) fn errors_of(&self, issue: IssueNumber) -> Vec<Fingerprint> {
        let is_of = |(_, entry): &(&Fingerprint, &Entry)| entry.issue().is_some_and(|known| known.number == issue);
        self.entries().filter(is_of).map(|(fingerprint, _)| *fingerprint).collect()
    }

    /// Returns all issues, each with its errors.
    pub(crate) fn errors_by_issue(&self) -> BTreeMap<IssueNumber, Vec<Fingerprint>> {
        let mut errors = BTreeMap::<IssueNumber, Vec<Fingerprint>>::new();
        for (fingerprint, entry) in self.entries() {
            if let Some(issue) = entry.issue() {
                errors.entry(issue.number).or_default().push(*fingerprint);
            }
        }
        errors
    }

    /// Returns how many pull requests are open, as far as is known.
    pub(crate) fn open_pulls(&self) -> usize {
        self.pull_outcomes().open
    }

    /// Returns what became of the pull requests, each counted once, by the latest word on it.
    pub(crate) fn pull_outcomes(&self) -> PullOutcomes {
        let mut latest = BTreeMap::<IssueNumber, &KnownPull>::new();
        for known in self.entries().filter_map(|(_, entry)| entry.known_pull()) {
            let Some(pull) = &known.pull else { continue };
            let held = latest.entry(pull.number).or_insert(known);
            if held.at < known.at {
                *held = known;
            }
        }
        let mut outcomes = PullOutcomes::default();
        for pull in latest.values().filter_map(|known| known.pull.as_ref()) {
            match pull.state {
                PullState::Open => outcomes.open += 1,
                PullState::Merged { .. } => outcomes.merged += 1,
                PullState::Closed => outcomes.closed += 1,
            }
        }
        outcomes
    }

    /// Returns what came of the last fix of each error.
    pub(crate) fn fix_outcomes(&self) -> FixOutcomes {
        let mut outcomes = FixOutcomes::default();
        for (_, last) in self.entries().filter_map(|(_, entry)| entry.last_fix()) {
            outcomes.published += usize::from(last.published);
            outcomes.failed += usize::from(!last.published);
            outcomes.verified += usize::from(last.published && last.verdict == Verdict::Verified);
        }
        outcomes
    }

    /// Returns the live nodes among `is_live` that say they can look for a fix.
    pub(crate) fn fixers(&self, is_live: impl Fn(NodeId) -> bool) -> Vec<NodeId> {
        let can_fix = |node: &NodeId| self.presence(*node).is_some_and(|presence| presence.can_fix);
        self.nodes().into_iter().filter(|node| can_fix(node) && is_live(*node)).collect()
    }
}

impl Entry {
    /// Returns how far each node is with a fix.
    pub(crate) fn fix_notes(&self) -> impl Iterator<Item = (Source, &FixNote)> {
        self.fixes.iter().filter_map(|(source, signed)| match &signed.statement.body {
            Body::Fix { note, .. } => Some((*source, note)),
            Body::Tally { .. } | Body::Filing { .. } | Body::Mute { .. } | Body::Presence(_) => None,
        })
    }

    /// Returns how far one origin says it is.
    pub(crate) fn fix_note_of(&self, source: Source) -> Option<&FixNote> {
        self.fix_notes().find_map(|(by, note)| (by == source).then_some(note))
    }

    /// Returns the pull request of its issue: the lowest that anybody knows of, as the node describes it that looked at it last.
    pub(crate) fn known_pull(&self) -> Option<&KnownPull> {
        let issue = self.issue()?.number;
        let number = |known: &KnownPull| known.pull.as_ref().map_or(IssueNumber(u64::MAX), |pull| pull.number);
        self.pull_words().filter(|known| known.issue == issue).min_by_key(|known| (number(known), Reverse(known.at)))
    }

    /// Returns a time for a new word on its pull request that holds against all there are, whatever clocks these were written by.
    pub(crate) fn next_pull_at(&self, wall: UnixMillis) -> UnixMillis {
        self.pull_words().map(|known| UnixMillis(known.at.0.saturating_add(1))).max().map_or(wall, |next| next.max(wall))
    }

    fn pull_words(&self) -> impl Iterator<Item = &KnownPull> {
        self.fix_notes().filter_map(|(_, note)| note.pull.as_ref())
    }

    /// Returns how often a fix was looked for without a person's asking, by all nodes together.
    pub(crate) fn fix_attempts(&self) -> u64 {
        self.fix_notes().map(|(_, note)| u64::from(note.attempts)).sum()
    }

    /// Returns what came of the last fix, by whose word.
    pub(crate) fn last_fix(&self) -> Option<(NodeId, &FixSummary)> {
        let ended = self.fix_notes().filter_map(|((by, _), note)| Some((by, note.last.as_ref()?)));
        ended.max_by_key(|(by, last)| (last.at, *by))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statement::tests::{fingerprint, statement};
    use crate::{Filed, FilingNote, FixStage, IssueRef, PullRequest, Standing};

    fn ledger(pulls: &[(u8, Option<u64>, PullState, u64)]) -> Ledger {
        let mut ledger = Ledger::default();
        let filed = Filed {
            issue: IssueRef { number: IssueNumber(3), url: String::new(), open: true },
            floor: IssueNumber(0),
            occurrences: 1,
            told: 1,
            created: UnixMillis(0),
            standing: Standing::Open,
            at: UnixMillis(1),
            approved: false,
        };
        let note = FilingNote { issue: Some(filed), ..FilingNote::default() };
        ledger.merge(statement(9, 1, 1, Body::Filing { fingerprint: fingerprint(1), note }, 0), false);
        for (origin, number, state, at) in pulls {
            let pull = number.map(|number| PullRequest { number: IssueNumber(number), url: String::new(), state: *state });
            let known = KnownPull { pull, issue: IssueNumber(3), at: UnixMillis(*at) };
            let note = FixNote { pull: Some(known), attempts: 1, ..FixNote::default() };
            ledger.merge(statement(*origin, 1, 2, Body::Fix { fingerprint: fingerprint(1), note }, 0), false);
        }
        ledger
    }

    #[test]
    fn the_lowest_pull_request_counts_as_the_latest_word_describes_it() {
        let known = |pulls: &[(u8, Option<u64>, PullState, u64)]| {
            let ledger = ledger(pulls);
            let known = ledger.entry(&fingerprint(1)).and_then(Entry::known_pull).cloned();
            known.and_then(|known| known.pull).map(|pull| (pull.number.0, pull.state))
        };
        assert_eq!(known(&[]), None);
        assert_eq!(known(&[(1, Some(8), PullState::Open, 5), (2, Some(8), PullState::Closed, 6)]), Some((8, PullState::Closed)));
        assert_eq!(known(&[(1, Some(9), PullState::Open, 50), (2, Some(8), PullState::Closed, 6)]), Some((8, PullState::Closed)));
        assert_eq!(known(&[(1, None, PullState::Open, 50), (2, Some(8), PullState::Open, 6)]), Some((8, PullState::Open)));
    }

    #[test]
    fn a_word_on_another_issue_says_nothing_and_attempts_add_up() {
        let mut ledger = ledger(&[(1, Some(8), PullState::Open, 5), (2, Some(8), PullState::Open, 6)]);
        let known = KnownPull { pull: None, issue: IssueNumber(1), at: UnixMillis(9) };
        let note = FixNote { pull: Some(known), ..FixNote::default() };
        ledger.merge(statement(3, 1, 1, Body::Fix { fingerprint: fingerprint(1), note }, 0), false);
        let entry = ledger.entry(&fingerprint(1)).unwrap();
        assert_eq!(entry.known_pull().map(|known| known.issue), Some(IssueNumber(3)));
        assert_eq!(entry.fix_attempts(), 2);
        assert_eq!(ledger.open_pulls(), 1);
        assert_eq!(entry.next_pull_at(UnixMillis(1)), UnixMillis(10));
    }
    /// Two errors, 1 and 2, that share the issue and its pull request.
    fn shared(states: [(PullState, u64); 2]) -> Ledger {
        let mut ledger = ledger(&[(1, Some(8), states[0].0, states[0].1)]);
        let entry = ledger.entry(&fingerprint(1)).unwrap();
        let note = entry.notes().next().map(|(_, note)| note.clone()).unwrap();
        ledger.merge(statement(9, 1, 5, Body::Filing { fingerprint: fingerprint(2), note }, 0), false);
        let pull = PullRequest { number: IssueNumber(8), url: String::new(), state: states[1].0 };
        let known = KnownPull { pull: Some(pull), issue: IssueNumber(3), at: UnixMillis(states[1].1) };
        let note = FixNote { pull: Some(known), ..FixNote::default() };
        ledger.merge(statement(2, 1, 5, Body::Fix { fingerprint: fingerprint(2), note }, 0), false);
        ledger
    }

    #[test]
    fn each_pull_request_counts_once_by_the_latest_word_on_it() {
        let outcomes = |open, merged, closed| PullOutcomes { open, merged, closed };
        let merged = PullState::Merged { at: UnixMillis(7) };
        assert_eq!(ledger(&[]).pull_outcomes(), outcomes(0, 0, 0));
        assert_eq!(ledger(&[(1, None, PullState::Open, 5)]).pull_outcomes(), outcomes(0, 0, 0));
        assert_eq!(ledger(&[(1, Some(8), PullState::Open, 5), (2, Some(8), PullState::Closed, 6)]).pull_outcomes(), outcomes(0, 0, 1));
        assert_eq!(shared([(PullState::Open, 5), (merged, 6)]).pull_outcomes(), outcomes(0, 1, 0));
        assert_eq!(shared([(merged, 6), (PullState::Open, 5)]).pull_outcomes(), outcomes(0, 1, 0));
        assert_eq!(shared([(PullState::Open, 5), (PullState::Open, 5)]).pull_outcomes(), outcomes(1, 0, 0));
    }

    #[test]
    fn the_last_fix_of_an_error_counts_and_only_what_was_published_is_verified() {
        let after = |ended: &[(u64, Verdict, bool)]| {
            let mut ledger = ledger(&[]);
            for (at, verdict, published) in ended {
                let last =
                    FixSummary { at: UnixMillis(*at), verdict: *verdict, stage: FixStage::Publish, published: *published, passing: false };
                let note = FixNote { last: Some(last), ..FixNote::default() };
                let origin = u8::try_from(*at).unwrap();
                ledger.merge(statement(origin, 1, 1, Body::Fix { fingerprint: fingerprint(1), note }, 0), false);
            }
            let FixOutcomes { published, failed, verified } = ledger.fix_outcomes();
            (published, failed, verified)
        };
        assert_eq!(after(&[]), (0, 0, 0));
        assert_eq!(after(&[(1, Verdict::Failed, false), (2, Verdict::Verified, true)]), (1, 0, 1));
        assert_eq!(after(&[(1, Verdict::NotRegressed, true)]), (1, 0, 0));
        assert_eq!(after(&[(1, Verdict::Verified, false)]), (0, 1, 0));
    }
}
