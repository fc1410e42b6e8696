//! Whether a fix may be looked for: every reason against it, in words.
//!
//! Error text is written by strangers, so a fix begins only from what this node, or a peer that its operator named, has seen itself. A person
//! may ask for a fix that is not worth it by its counts, never for one that is not safe. Pure; who of several nodes begins is decided in
//! `node/fixing.rs`.

use std::collections::BTreeSet;

use healnode_report::UnixMillis;

use crate::ledger::Entry;
use crate::limits::{AHEAD_MAX_MS, FIX_ATTEMPTS_MAX};
use crate::time::duration_millis;
use crate::{NodeId, Policy, PullState, Standing};

/// What a fix is looked for at.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Order {
    /// The node's own account.
    Own {
        /// Whether it was begun before this node stopped.
        again: bool,
    },
    /// A person's word, for the pull request.
    Publish,
    /// A person's word, to be shown only.
    DryRun,
}

/// What the gate has to know besides the ledger's entry.
pub(crate) struct Gate<'a> {
    /// Who asks.
    pub(crate) order: Order,
    /// This node.
    pub(crate) me: NodeId,
    /// How it is set up.
    pub(crate) policy: &'a Policy,
    /// By its own clock.
    pub(crate) wall: UnixMillis,
    /// Errors that share the issue.
    pub(crate) members: usize,
    /// Fixes that this node began on its own account within a day, besides this one.
    pub(crate) begun_today: usize,
    /// Another live node that works on it.
    pub(crate) working: Option<NodeId>,
}

/// How long after a failure that may pass a fix is looked for once more, in milliseconds.
const AGAIN_AFTER_MS: u64 = 24 * 3600 * 1000;

/// Errors that may share an issue: one by the present version of the algorithm and by the one before.
const MEMBERS_MAX: usize = 2;

impl Gate<'_> {
    /// Returns why no fix may be looked for; nothing if it may.
    pub(crate) fn objections(&self, entry: &Entry) -> Vec<String> {
        let mut reasons: Vec<String> = self.unseen(entry).into_iter().collect();
        match self.order {
            Order::DryRun => {}
            Order::Publish => reasons.extend(self.nowhere_to_put(entry)),
            Order::Own { again } => {
                reasons.extend(self.unworthy(entry));
                reasons.extend(self.nowhere_to_put(entry));
                reasons.extend(self.tried(entry, again));
            }
        }
        reasons
    }

    /// Text that only strangers' nodes have seen never starts a fix.
    fn unseen(&self, entry: &Entry) -> Option<String> {
        let allowed = |allow: &BTreeSet<NodeId>| allow.iter().any(|node| entry.is_held_by(*node));
        let is_seen = entry.is_held_by(self.me) || allowed(&self.policy.allow);
        (!is_seen).then(|| "neither this node nor one that mesh.allow names has seen it itself".to_owned())
    }

    fn unworthy(&self, entry: &Entry) -> Vec<String> {
        let mut reasons = Vec::new();
        let mut object = |holds: bool, why: String| reasons.extend(holds.then_some(why));
        let policy = self.policy;
        object(!policy.auto_heal, "fixes are off (forge.auto_heal)".to_owned());
        let needs_approval = !policy.approval_label.is_empty();
        object(needs_approval && !entry.is_approved(), "nobody has approved it (fix.approval_label)".to_owned());
        object(
            entry.occurrences() < policy.fix_min_occurrences,
            format!("seen {} of {} times (fix.min_occurrences)", entry.occurrences(), policy.fix_min_occurrences),
        );
        let latest = UnixMillis(self.wall.0.saturating_add(AHEAD_MAX_MS));
        let is_recent =
            entry.last_seen_by(latest).is_some_and(|last| last.0.saturating_add(duration_millis(policy.fix_max_age)) >= self.wall.0);
        object(!is_recent, "not seen for long (fix.max_age)".to_owned());
        object(self.begun_today >= policy.fix_max_per_day, "as many as may be today (fix.max_per_day)".to_owned());
        reasons
    }

    fn nowhere_to_put(&self, entry: &Entry) -> Vec<String> {
        let mut reasons = Vec::new();
        let mut object = |holds: bool, why: &str| reasons.extend(holds.then(|| why.to_owned()));
        let is_asked = self.order == Order::Publish;
        match entry.filed().map(|filed| (&filed.standing, filed.issue.open)) {
            None => object(true, "it has no issue"),
            Some((Standing::Open | Standing::Quiet, true)) => {}
            Some((Standing::Regressed, true)) => object(!is_asked, "it came back after a fix, and a second one is for people"),
            Some((Standing::Silenced, _)) => object(true, "its issue is silenced"),
            Some((Standing::Open | Standing::Quiet | Standing::Regressed | Standing::Closed(_) | Standing::Gone { .. }, _)) => {
                object(true, "its issue is closed");
            }
        }
        object(entry.muted(self.wall).is_some(), "it is muted");
        object(self.members > MEMBERS_MAX, "its issue lists several errors");
        if !self.policy.fix_by_forge {
            match entry.known_pull().map(|known| known.pull.as_ref().map(|pull| pull.state)) {
                None => object(true, "it has no pull request yet"),
                Some(None) => object(true, "the repository allows no draft pull requests"),
                Some(Some(PullState::Open)) => {}
                Some(Some(PullState::Merged { .. })) => object(true, "its pull request was merged"),
                Some(Some(PullState::Closed)) => object(true, "a person closed its pull request"),
            }
        }
        reasons.extend(self.working.map(|by| format!("{by} works on it")));
        reasons
    }

    fn tried(&self, entry: &Entry, again: bool) -> Option<String> {
        let attempts = entry.fix_attempts();
        let last = entry.last_fix().map(|(_, last)| last);
        let may_pass = last.is_some_and(|last| last.passing && last.at.0.saturating_add(AGAIN_AFTER_MS) <= self.wall.0);
        let may_begin = attempts == 0 || (attempts < FIX_ATTEMPTS_MAX && (again || may_pass));
        match last {
            _ if may_begin && last.is_none_or(|last| !last.published) => None,
            Some(last) if last.published => Some(format!("a fix was proposed at {}", last.at)),
            Some(last) if last.passing && attempts < FIX_ATTEMPTS_MAX => {
                let at = UnixMillis(last.at.0.saturating_add(AGAIN_AFTER_MS));
                Some(format!("the last attempt failed at `{}`, and is made once more after {at}", last.stage))
            }
            Some(last) => Some(format!("an attempt failed at `{}`, at {}", last.stage, last.at)),
            None => Some("it was tried before, without an end".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::Ledger;
    use crate::statement::tests::{fingerprint, statement, tally};
    use crate::{Body, Filed, FilingNote, FixNote, FixStage, FixSummary, IssueNumber, IssueRef, KnownPull, Mute, PullRequest, Verdict};

    const DAY_MS: u64 = 24 * 3600 * 1000;
    const NOW: UnixMillis = UnixMillis(30 * DAY_MS);

    /// An error that may be mended, with what a test changes about it.
    struct Case {
        seen_by: u8,
        count: u64,
        last_seen: UnixMillis,
        standing: Option<Standing>,
        pull: Option<PullState>,
        note: FixNote,
        policy: Policy,
        order: Order,
        members: usize,
        begun_today: usize,
        working: Option<NodeId>,
        muted: bool,
        approved: bool,
    }

    fn node(n: u8) -> NodeId {
        NodeId::from_key([n; 32])
    }

    impl Default for Case {
        fn default() -> Self {
            Self {
                seen_by: 1,
                count: 10,
                last_seen: NOW,
                standing: Some(Standing::Open),
                pull: Some(PullState::Open),
                note: FixNote::default(),
                policy: Policy { may_file: true, auto_pr: true, auto_heal: true, ..Policy::default() },
                order: Order::Own { again: false },
                members: 1,
                begun_today: 0,
                working: None,
                muted: false,
                approved: false,
            }
        }
    }

    impl Case {
        fn objections(self) -> Vec<String> {
            let fingerprint = fingerprint(1);
            let mut ledger = Ledger::default();
            let mut body = tally(1, self.count);
            if let Body::Tally { tally, .. } = &mut body {
                tally.last_seen = self.last_seen;
            }
            ledger.merge(statement(self.seen_by, 1, 1, body, 0), false);
            if let Some(standing) = self.standing {
                let open = matches!(standing, Standing::Open | Standing::Quiet | Standing::Regressed);
                let issue = IssueRef { number: IssueNumber(3), url: String::new(), open };
                let (floor, created, at) = (IssueNumber(0), UnixMillis(0), UnixMillis(1));
                let filed = Filed { issue, floor, occurrences: 1, told: 1, created, standing, at, approved: self.approved };
                let note = FilingNote { issue: Some(filed), ..FilingNote::default() };
                ledger.merge(statement(1, 1, 2, Body::Filing { fingerprint, note }, 0), false);
            }
            let pull = self.pull.map(|state| PullRequest { number: IssueNumber(4), url: String::new(), state });
            let pull = pull.map(|pull| KnownPull { pull: Some(pull), issue: IssueNumber(3), at: UnixMillis(1) });
            ledger.merge(statement(2, 1, 3, Body::Fix { fingerprint, note: FixNote { pull, ..self.note } }, 0), false);
            if self.muted {
                let mute = Mute { at: NOW, until: UnixMillis(u64::MAX), by: "ann".to_owned() };
                ledger.merge(statement(1, 1, 4, Body::Mute { fingerprint, mute }, 0), false);
            }
            let gate = Gate {
                order: self.order,
                me: node(1),
                policy: &self.policy,
                wall: NOW,
                members: self.members,
                begun_today: self.begun_today,
                working: self.working,
            };
            gate.objections(ledger.entry(&fingerprint).unwrap())
        }
    }

    fn ended(days_ago: u64, passing: bool, published: bool) -> FixNote {
        let at = UnixMillis(NOW.0 - days_ago * DAY_MS);
        let last = FixSummary { at, verdict: Verdict::Failed, stage: FixStage::Fixer, published, passing };
        FixNote { attempts: 1, last: Some(last), ..FixNote::default() }
    }

    fn check(case: Case, expected: &[&str]) {
        let objections = case.objections();
        assert_eq!(objections.len(), expected.len(), "{objections:?}");
        for (objection, expected) in objections.iter().zip(expected) {
            assert!(objection.contains(expected), "{objection} is not about {expected}");
        }
    }

    #[test]
    fn an_error_seen_here_often_and_lately_with_an_open_pull_request_may_be_mended() {
        check(Case::default(), &[]);
    }

    #[test]
    fn each_condition_that_fails_is_named() {
        let old = UnixMillis(NOW.0 - 15 * DAY_MS);
        check(Case { policy: Policy { auto_heal: false, ..Case::default().policy }, ..Case::default() }, &["auto_heal"]);
        check(Case { count: 9, ..Case::default() }, &["seen 9 of 10 times"]);
        check(Case { last_seen: old, ..Case::default() }, &["not seen for long"]);
        check(Case { begun_today: 5, ..Case::default() }, &["fix.max_per_day"]);
        check(Case { standing: None, ..Case::default() }, &["no issue", "no pull request"]);
        check(Case { standing: Some(Standing::Silenced), ..Case::default() }, &["silenced"]);
        check(Case { standing: Some(Standing::Regressed), ..Case::default() }, &["came back after a fix"]);
        check(Case { members: 3, ..Case::default() }, &["several errors"]);
        check(Case { muted: true, ..Case::default() }, &["muted"]);
        check(Case { pull: None, ..Case::default() }, &["no pull request"]);
        check(Case { pull: Some(PullState::Closed), ..Case::default() }, &["a person closed"]);
        check(Case { pull: Some(PullState::Merged { at: NOW }), ..Case::default() }, &["merged"]);
        check(Case { working: Some(node(7)), ..Case::default() }, &["works on it"]);
        check(Case { count: 1, muted: true, ..Case::default() }, &["seen 1 of 10", "muted"]);
    }

    #[test]
    fn what_only_strangers_have_seen_is_mended_at_nobodys_word() {
        for order in [Order::Own { again: false }, Order::Publish, Order::DryRun] {
            check(Case { seen_by: 9, order, ..Case::default() }, &["has seen it itself"]);
            let policy = Policy { allow: [node(9)].into(), ..Case::default().policy };
            check(Case { seen_by: 9, order, policy, ..Case::default() }, &[]);
            let policy = Policy { allow: [node(8)].into(), ..Case::default().policy };
            check(Case { seen_by: 9, order, policy, ..Case::default() }, &["has seen it itself"]);
        }
    }

    #[test]
    fn an_attempt_is_made_once_and_once_more_a_day_after_a_failure_that_may_pass() {
        check(Case { note: ended(2, false, false), ..Case::default() }, &["an attempt failed at `fixer`"]);
        check(Case { note: ended(2, true, false), ..Case::default() }, &[]);
        check(Case { note: ended(0, true, false), ..Case::default() }, &["made once more after"]);
        check(Case { note: FixNote { attempts: 2, ..ended(2, true, false) }, ..Case::default() }, &["an attempt failed"]);
        check(Case { note: ended(2, true, true), ..Case::default() }, &["a fix was proposed"]);
        let without_end = FixNote { attempts: 1, ..FixNote::default() };
        check(Case { note: without_end.clone(), ..Case::default() }, &["without an end"]);
        check(Case { note: without_end, order: Order::Own { again: true }, ..Case::default() }, &[]);
    }

    #[test]
    fn a_person_may_ask_whatever_the_counts_and_a_dry_run_needs_no_place() {
        let policy = || Policy { auto_heal: false, ..Case::default().policy };
        let asked = |order| Case { order, count: 1, policy: policy(), note: ended(0, false, true), begun_today: 9, ..Case::default() };
        check(asked(Order::Publish), &[]);
        check(Case { pull: Some(PullState::Closed), ..asked(Order::Publish) }, &["a person closed"]);
        check(Case { standing: None, pull: None, ..asked(Order::DryRun) }, &[]);
    }

    #[test]
    fn where_a_label_approves_of_fixes_none_begins_without_it_unless_a_person_asks() {
        let policy = |label: &str| Policy { approval_label: label.to_owned(), ..Case::default().policy };
        let case = |approved| Case { approved, policy: policy("fix-it"), ..Case::default() };
        check(case(false), &["nobody has approved it (fix.approval_label)"]);
        check(Case { order: Order::Own { again: true }, ..case(false) }, &["nobody has approved it"]);
        check(case(true), &[]);
        check(Case { standing: None, pull: None, ..case(true) }, &["nobody has approved it", "it has no issue", "it has no pull request"]);
        check(Case { policy: policy(""), ..case(false) }, &[]);
        check(Case { order: Order::Publish, ..case(false) }, &[]);
        check(Case { order: Order::DryRun, ..case(false) }, &[]);
    }

    #[test]
    fn the_forges_own_agent_opens_a_pull_request_itself() {
        let policy = Policy { fix_by_forge: true, ..Case::default().policy };
        check(Case { pull: None, policy, ..Case::default() }, &[]);
    }
}
