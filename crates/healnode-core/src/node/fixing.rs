//! Fixes: who looks for one, how far it is, and what becomes of it.
//!
//! At each bundle the errors that may be mended are looked through; of the nodes that can and have seen it themselves the one with the lowest
//! id goes first, says so, and the others leave it alone for a while. The edge does the work and reports each stage; what it proposes goes into
//! the pull request only from the commit that the branch was at when the work began, so of several nodes one publishes, and nobody publishes
//! on top of people. One at a time. May it begin at all? That is `fix_gate.rs`'s to say.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use healnode_report::{Fingerprint, Report, UnixMillis};

use super::desk::DAY;
use crate::elect::rank;
use crate::fix_gate::{Gate, Order};
use crate::issue::Writer;
use crate::issue::pull::{PullText, assignment_instructions, body, failure_comment, publishing_message};
use crate::ledger::Entry;
use crate::limits::{
    ANSWER_ITEMS_MAX, ANSWER_TEXT_BYTES_MAX, DIFF_BYTES_MAX, FAILING_TESTS_MAX, FIX_REQUESTS_MAX, FIXES_DUE_MAX, STAGE_NOTE_BYTES_MAX,
    STAGE_RECORDS_MAX, TEST_TAIL_BYTES_MAX,
};
use crate::time::duration_millis;
use crate::{
    Body, CallId, Effect, Epoch, Event, FixAnswer, FixDepth, FixEnding, FixFailure, FixJob, FixLog, FixNote, FixOutcome, FixStage,
    FixState, FixStep, FixSummary, FixView, ForgeCall, ForgeReply, FoundIssue, FoundPull, Guidance, IssueNumber, Marker, Millis, NodeId,
    Now, Proposal, Publication, PullCall, PullReply, PullState, Record, RefusalKind, StageRecord, TestRun, Verdict, branch,
};

/// How long another node's work is respected without news of its end, and how long the edge is waited for. The longest job, three rounds of
/// a slow model and slow tests, ends before.
const FIX_PATIENCE: Duration = Duration::from_secs(45 * 60);

/// How often one call to the forge is tried, and how long between two tries.
const TRIES_MAX: u8 = 4;
const RETRY: Duration = Duration::from_secs(15);

/// What tells the comment on a failure from others.
const FAILURE_KEY: &str = "fix-failed";

/// What is left to do, and what is being done.
#[derive(Clone, Hash, Default)]
pub(super) struct Fixing {
    /// The last fix of each error that this node looked for.
    logs: BTreeMap<Fingerprint, FixLog>,
    /// Errors that may be mended, and since when.
    due: BTreeMap<Fingerprint, Millis>,
    /// When another node's work was first heard of. Saying it again does not prolong its hold, nor does taking it back in between.
    claims: BTreeMap<(Fingerprint, NodeId), Millis>,
    /// What people asked for.
    asked: VecDeque<(Fingerprint, Order)>,
    /// What this node was at when it stopped.
    left_running: VecDeque<Fingerprint>,
    current: Option<Work>,
    look_over: bool,
    next_turn: Option<Millis>,
}

/// One fix on its way.
#[derive(Clone, Hash)]
struct Work {
    fingerprint: Fingerprint,
    order: Order,
    issue: Option<IssueNumber>,
    pull: Option<IssueNumber>,
    branch: String,
    /// The issue's address, as it follows from what the forge gave.
    issue_url: String,
    sample: Option<Box<Report>>,
    /// The commit that the branch was at when the work began.
    head: String,
    guidance: Option<Guidance>,
    proposal: Option<Box<Proposal>>,
    /// What is told under the pull request or the issue.
    failure: Option<FixFailure>,
    /// The date of the commit, once there is one to be made.
    published_at: UnixMillis,
    step: Step,
    tries: u8,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum Step {
    /// Waits for a sample.
    Sampling(CallId),
    /// Wants something of the forge, not before this time.
    Wants(Errand, Millis),
    /// Has asked the forge for it.
    Asked(Errand, CallId),
    /// Waits for the edge, up to this time.
    Working(CallId, Millis),
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum Errand {
    /// See whether a person has approved of it, before anything else. What peers say of that is believed only up to here.
    Approval,
    /// See where the branch is, before the work.
    Look,
    /// See whether it is still there, after the work.
    LookAgain,
    Publish,
    /// Tell of a failure.
    Comment,
    /// Hand it to the forge's own agent.
    Assign,
}

impl Fixing {
    pub(super) fn new(logs: BTreeMap<Fingerprint, FixLog>) -> Self {
        let left_running = logs.iter().filter(|(_, log)| log.running).map(|(fingerprint, _)| *fingerprint).collect();
        Self { logs, left_running, look_over: true, ..Self::default() }
    }

    /// Returns whether the forge has been asked something, and has not answered.
    pub(super) fn is_calling(&self) -> bool {
        self.current.as_ref().is_some_and(|work| matches!(work.step, Step::Asked(..)))
    }

    /// Returns how many are under way at this node.
    pub(super) fn under_way(&self) -> usize {
        usize::from(self.current.is_some())
    }

    /// Asks for the turns to be looked at again.
    pub(super) fn look_over(&mut self) {
        self.look_over = true;
    }

    pub(super) fn forget(&mut self, fingerprint: &Fingerprint) {
        self.logs.remove(fingerprint);
        self.due.remove(fingerprint);
        self.claims.retain(|(about, _), _| about != fingerprint);
    }

    fn awaits(&self, id: CallId) -> bool {
        self.current.as_ref().is_some_and(|work| match work.step {
            Step::Sampling(call) | Step::Asked(_, call) | Step::Working(call, _) => call == id,
            Step::Wants(..) => false,
        })
    }

    fn is_at(&self, fingerprint: &Fingerprint) -> bool {
        self.current.as_ref().is_some_and(|work| work.fingerprint == *fingerprint)
    }

    fn want(&mut self, errand: Errand, at: Millis) {
        if let Some(work) = &mut self.current {
            work.step = Step::Wants(errand, at);
        }
    }
}

impl super::Node {
    /// Returns whether this node looks for fixes on its own.
    pub(super) fn can_fix(&self) -> bool {
        self.policy.auto_pr && self.policy.auto_heal && self.can_file()
    }

    /// A person asks for a fix. A second word on the same error takes the place of the first while that waits.
    pub(super) fn fix_asked(&mut self, now: Now, fingerprint: Fingerprint, publish: bool, out: &mut Vec<Effect>) {
        let order = if publish { Order::Publish } else { Order::DryRun };
        if self.ledger.entry(&fingerprint).is_none() || self.fixing.is_at(&fingerprint) {
            return;
        }
        self.fixing.asked.retain(|(waiting, _)| *waiting != fingerprint);
        if self.fixing.asked.len() < FIX_REQUESTS_MAX {
            self.fixing.asked.push_back((fingerprint, order));
        } else {
            self.turn_away(now, fingerprint, order, "as many fixes as may wait do so already", out);
        }
    }

    /// Another node said how far it is with a fix.
    pub(super) fn fix_note_came(&mut self, now: Now, by: NodeId, fingerprint: Fingerprint, note: &FixNote) {
        if note.step == FixStep::Working {
            let heard = self.fixing.claims.entry((fingerprint, by)).or_insert(now.mono);
            if now.mono.since(*heard) >= FIX_PATIENCE.saturating_mul(2) {
                *heard = now.mono;
            }
        }
        self.fixing.look_over = true;
    }

    /// Looks through the ledger for errors that may be mended.
    pub(super) fn collect_fixes(&mut self, now: Now) {
        self.fixing.look_over = true;
        if !self.can_fix() {
            return self.fixing.due.clear();
        }
        let errors = self.ledger.errors_by_issue();
        let may = |(fingerprint, entry): &(&Fingerprint, &Entry)| {
            let members = entry.issue().and_then(|issue| errors.get(&issue.number)).map_or(0, Vec::len);
            members > 0 && self.objections_of(now, **fingerprint, entry, Order::Own { again: false }, members).is_empty()
        };
        let open: Vec<Fingerprint> = self.ledger.entries().filter(may).map(|(fingerprint, _)| *fingerprint).take(FIXES_DUE_MAX).collect();
        let since = std::mem::take(&mut self.fixing.due);
        self.fixing.due = open.into_iter().map(|member| (member, since.get(&member).copied().unwrap_or(now.mono))).collect();
    }

    /// Returns why no fix may be looked for; nothing if it may.
    fn fix_objections(&self, now: Now, fingerprint: Fingerprint, entry: &Entry, order: Order) -> Vec<String> {
        let members = entry.issue().map_or(1, |issue| self.ledger.errors_of(issue.number).len());
        self.objections_of(now, fingerprint, entry, order, members)
    }

    fn objections_of(&self, now: Now, fingerprint: Fingerprint, entry: &Entry, order: Order, members: usize) -> Vec<String> {
        let is_of_today = |log: &&FixLog| !log.asked && log.began.0.saturating_add(duration_millis(DAY)) > now.wall.0;
        let logs = self.fixing.logs.iter().filter(|(about, _)| **about != fingerprint).map(|(_, log)| log);
        let gate = Gate {
            order,
            me: self.me,
            policy: &self.policy,
            wall: now.wall,
            members,
            begun_today: logs.filter(is_of_today).count(),
            working: self.fix_claims(now, fingerprint).next().map(|(by, _)| by),
        };
        gate.objections(entry)
    }

    /// Returns the live nodes that work on it, and since when that is known.
    fn fix_claims(&self, now: Now, fingerprint: Fingerprint) -> impl Iterator<Item = (NodeId, Millis)> {
        let notes = self.ledger.entry(&fingerprint).into_iter().flat_map(Entry::fix_notes);
        notes.filter_map(move |((by, _), note)| {
            let at = self.fixing.claims.get(&(fingerprint, by)).copied().unwrap_or(self.started);
            let holds = note.step == FixStep::Working && by != self.me && self.is_live(now, by) && at + FIX_PATIENCE > now.mono;
            holds.then_some((by, at))
        })
    }

    /// Does the next thing.
    pub(super) fn go_on_with_fixing(&mut self, now: Now, out: &mut Vec<Effect>) {
        self.end_overdue_work(now, out);
        if self.fixing.current.is_none() {
            self.begin_next_fix(now, out);
        }
        if let Some(work) = &self.fixing.current
            && let Step::Wants(errand, at) = work.step
            && at <= now.mono
            && self.is_forge_free()
        {
            self.run_errand(now, errand, out);
        }
    }

    /// Returns when something is to be done here, as long as nothing else stands in the way.
    pub(super) fn next_fix_work(&self) -> Option<Millis> {
        let turn = self.fixing.next_turn.filter(|_| self.fixing.current.is_none() && self.pulls.under_way() == 0);
        let step = self.fixing.current.as_ref().and_then(|work| match work.step {
            Step::Wants(_, at) => Some(at).filter(|_| self.is_forge_free()),
            Step::Working(_, until) => Some(until),
            Step::Sampling(_) | Step::Asked(..) => None,
        });
        turn.into_iter().chain(step).min()
    }

    fn end_overdue_work(&mut self, now: Now, out: &mut Vec<Effect>) {
        let overdue = |work: &Work| matches!(work.step, Step::Working(_, until) if until <= now.mono);
        if self.fixing.current.as_ref().is_some_and(overdue) {
            let why = format!("it took longer than {} minutes", FIX_PATIENCE.as_secs() / 60);
            self.fail(now, FixFailure { stage: FixStage::Fixer, why, answer: None, passing: true }, false, out);
        }
    }

    fn begin_next_fix(&mut self, now: Now, out: &mut Vec<Effect>) {
        if now.mono < self.started + self.policy.settle {
            self.fixing.next_turn = Some(self.started + self.policy.settle);
            return;
        }
        while let Some(fingerprint) = self.fixing.left_running.front().copied() {
            if !self.take_up_again(now, fingerprint, out) {
                break;
            }
            self.fixing.left_running.pop_front();
            if self.fixing.current.is_some() {
                return;
            }
        }
        while let Some((fingerprint, order)) = self.fixing.asked.pop_front() {
            self.begin_if_may(now, fingerprint, order, false, out);
            if self.fixing.current.is_some() {
                return;
            }
        }
        if self.fixing.look_over || self.fixing.next_turn.is_some_and(|at| at <= now.mono) {
            self.begin_whose_turn_it_is(now, out);
        }
    }

    /// Goes on with what this node was at when it stopped: from the beginning, and once. Returns whether that is settled; what needs the forge
    /// waits for it.
    fn take_up_again(&mut self, now: Now, fingerprint: Fingerprint, out: &mut Vec<Effect>) -> bool {
        let Some(log) = self.fixing.logs.get(&fingerprint) else { return true };
        let order = if log.asked { Order::Publish } else { Order::Own { again: true } };
        if log.dry_run || log.taken_up || self.ledger.entry(&fingerprint).is_none() {
            self.leave_interrupted(now, fingerprint, out);
            return true;
        }
        if self.policy.may_file && !self.can_file() {
            return false;
        }
        let objects = |entry: &Entry| !self.can_file() || !self.fix_objections(now, fingerprint, entry, order).is_empty();
        let may = self.ledger.entry(&fingerprint).is_some_and(|entry| !objects(entry));
        if may {
            self.begin(now, fingerprint, order, true, out);
        } else {
            self.leave_interrupted(now, fingerprint, out);
        }
        true
    }

    fn leave_interrupted(&mut self, now: Now, fingerprint: Fingerprint, out: &mut Vec<Effect>) {
        let Some(log) = self.fixing.logs.get_mut(&fingerprint) else { return };
        (log.running, log.interrupted) = (false, true);
        let stage = log.stages.last().map_or(FixStage::Claim, |record| record.stage);
        let dry_run = log.dry_run;
        self.store_log(fingerprint, out);
        if !dry_run && self.ledger.entry(&fingerprint).is_some() {
            let last = FixSummary { at: now.wall, verdict: Verdict::Failed, stage, published: false, passing: false };
            let note = FixNote { step: FixStep::Idle, last: Some(last), ..self.own_fix_note(&fingerprint) };
            self.say(Body::Fix { fingerprint, note }, out);
        }
        out.push(Effect::Note(Event::FixEnded { fingerprint, stage, passed: false, published: false }));
    }

    fn begin_whose_turn_it_is(&mut self, now: Now, out: &mut Vec<Effect>) {
        if self.pulls.under_way() > 0 {
            // Their guidance would wait behind a long job. The end of each leads here again.
            return;
        }
        (self.fixing.look_over, self.fixing.next_turn) = (false, None);
        if !self.can_fix() {
            return;
        }
        let fixers: Vec<NodeId> =
            self.ledger.fixers(|node| node != self.me && self.is_live(now, node)).into_iter().chain([self.me]).collect();
        let mut next_turn: Option<Millis> = None;
        for (fingerprint, since) in self.fixing.due.clone() {
            let Some(entry) = self.ledger.entry(&fingerprint) else { continue };
            let Some(rank) = rank(self.me, &fixers, |node| entry.is_held_by(node)) else { continue };
            let at = since + self.policy.turn.saturating_mul(u32::try_from(rank).unwrap_or(u32::MAX));
            if at > now.mono {
                next_turn = Some(next_turn.map_or(at, |soonest| soonest.min(at)));
                continue;
            }
            self.fixing.due.remove(&fingerprint);
            if self.fix_objections(now, fingerprint, entry, Order::Own { again: false }).is_empty() {
                // What comes behind is looked at when this is over.
                self.fixing.look_over = true;
                return self.begin(now, fingerprint, Order::Own { again: false }, false, out);
            }
        }
        self.fixing.next_turn = next_turn;
    }

    fn begin_if_may(&mut self, now: Now, fingerprint: Fingerprint, order: Order, again: bool, out: &mut Vec<Effect>) {
        let Some(entry) = self.ledger.entry(&fingerprint) else { return };
        let mut objections = self.fix_objections(now, fingerprint, entry, order);
        if order == Order::Publish && !self.can_file() {
            objections.push(format!("this node cannot file: {}", self.cannot_file_why()));
        }
        if objections.is_empty() {
            self.begin(now, fingerprint, order, again, out);
        } else {
            self.turn_away(now, fingerprint, order, &objections.join("; "), out);
        }
    }

    /// Leaves word for whoever asked that nothing was done.
    fn turn_away(&mut self, now: Now, fingerprint: Fingerprint, order: Order, why: &str, out: &mut Vec<Effect>) {
        let log = FixLog { began: now.wall, dry_run: order == Order::DryRun, asked: true, ..FixLog::default() };
        self.fixing.logs.insert(fingerprint, log);
        self.record_stage(fingerprint, own_stage(now, FixStage::Gate, false, why), out);
        out.push(Effect::Note(Event::FixEnded { fingerprint, stage: FixStage::Gate, passed: false, published: false }));
    }

    fn begin(&mut self, now: Now, fingerprint: Fingerprint, order: Order, taken_up: bool, out: &mut Vec<Effect>) {
        let Some(entry) = self.ledger.entry(&fingerprint) else { return };
        let issue = entry.issue().map(|issue| issue.number);
        let pull = entry.known_pull().and_then(|known| known.pull.as_ref()).map(|pull| pull.number);
        let error_type = entry.head().map_or("", |head| head.error_type.as_str());
        let branch = issue.map(|issue| branch(issue, error_type)).unwrap_or_default();
        let is_own = matches!(order, Order::Own { .. });
        let dry_run = order == Order::DryRun;
        let log = FixLog { began: now.wall, dry_run, asked: !is_own, taken_up, running: true, ..FixLog::default() };
        self.fixing.logs.insert(fingerprint, log);
        self.record_stage(fingerprint, own_stage(now, FixStage::Gate, true, "it may be looked for"), out);
        if !dry_run {
            let note = self.own_fix_note(&fingerprint);
            let attempts = note.attempts.saturating_add(u8::from(is_own));
            self.say(Body::Fix { fingerprint, note: FixNote { step: FixStep::Working, attempts, ..note } }, out);
        }
        out.push(Effect::Note(Event::FixBegan { fingerprint }));
        let id = self.new_call();
        self.fixing.current = Some(Work {
            fingerprint,
            order,
            issue,
            pull,
            branch,
            issue_url: String::new(),
            sample: None,
            head: String::new(),
            guidance: None,
            proposal: None,
            failure: None,
            published_at: UnixMillis(0),
            step: Step::Sampling(id),
            tries: 0,
        });
        out.push(Effect::FetchSample { id, fingerprint, holders: self.holders(&fingerprint) });
    }

    /// Takes a sample, if one was asked for here. Returns whether that was so.
    pub(super) fn fix_sample_came(&mut self, now: Now, id: CallId, report: Option<&Report>, out: &mut Vec<Effect>) -> bool {
        if !self.fixing.awaits(id) {
            return false;
        }
        let Some(work) = &mut self.fixing.current else { return false };
        let fingerprint = work.fingerprint;
        let Some(sample) = report.filter(|report| report.has_fingerprint(fingerprint)) else {
            let why = "no node that is there has a whole report of it".to_owned();
            self.fail(now, FixFailure { stage: FixStage::Claim, why, answer: None, passing: true }, false, out);
            return true;
        };
        work.sample = Some(Box::new(sample.clone()));
        match work.order {
            Order::DryRun => self.start_work(now, out),
            Order::Own { .. } if !self.policy.approval_label.is_empty() => self.fixing.want(Errand::Approval, now.mono),
            Order::Own { .. } | Order::Publish => self.want_place(now),
        }
        true
    }

    /// Nothing more stands in the way but where it goes.
    fn want_place(&mut self, now: Now) {
        self.fixing.want(if self.policy.fix_by_forge { Errand::Assign } else { Errand::Look }, now.mono);
    }

    /// Goes on where the issue is this error's and a person has approved of a fix. If not, what was seen is told to the others, and that was no
    /// attempt.
    fn have_asked_for_approval(&mut self, now: Now, found: &FoundIssue, out: &mut Vec<Effect>) {
        let Some(work) = &mut self.fixing.current else { return };
        work.tries = 0;
        let fingerprint = work.fingerprint;
        let is_its_issue = found.markers.contains(&Marker::of(fingerprint));
        if is_its_issue && found.approved {
            return self.want_place(now);
        }
        if is_its_issue {
            self.take_inspected(now, found, vec![fingerprint], out);
        }
        self.stand_back_from_fix(fingerprint, out);
    }

    fn start_work(&mut self, now: Now, out: &mut Vec<Effect>) {
        let id = self.new_call();
        let Some(work) = &mut self.fixing.current else { return };
        let Some(sample) = work.sample.clone() else { return };
        work.step = Step::Working(id, now.mono + FIX_PATIENCE);
        let (fingerprint, issue) = (work.fingerprint, work.issue);
        let occurrences = self.ledger.entry(&fingerprint).map(Entry::occurrences).unwrap_or_default();
        let why = if work.order == Order::DryRun { "a dry run: nothing is said to others" } else { "this node does it" };
        self.record_stage(fingerprint, own_stage(now, FixStage::Claim, true, why), out);
        let job = FixJob { fingerprint, depth: FixDepth::Proposal, issue, sample, occurrences };
        out.push(Effect::Fix { id, job: Box::new(job) });
    }

    /// Keeps what the edge says of a stage.
    pub(super) fn fix_stage_came(&mut self, id: CallId, record: StageRecord, out: &mut Vec<Effect>) {
        if self.fixing.awaits(id)
            && let Some(work) = &self.fixing.current
        {
            self.record_stage(work.fingerprint, record, out);
        }
    }

    /// Takes what came of a job.
    pub(super) fn fixed(&mut self, now: Now, id: CallId, outcome: FixOutcome, out: &mut Vec<Effect>) {
        if self.pull_guided(now, id, &outcome) || !self.fixing.awaits(id) {
            return;
        }
        let Some(work) = &mut self.fixing.current else { return };
        work.guidance = outcome.guidance;
        match outcome.ending {
            FixEnding::Guided => {
                let why = "the edge looked for guidance only".to_owned();
                self.fail(now, FixFailure { stage: FixStage::Fixer, why, answer: None, passing: true }, false, out);
            }
            FixEnding::Failed(failure) => self.fail(now, failure, true, out),
            FixEnding::Proposed(proposal) => self.take_proposal(now, proposal, out),
        }
    }

    fn take_proposal(&mut self, now: Now, proposal: Box<Proposal>, out: &mut Vec<Effect>) {
        let Some(work) = &self.fixing.current else { return };
        let (fingerprint, dry_run) = (work.fingerprint, work.order == Order::DryRun);
        if let Some(log) = self.fixing.logs.get_mut(&fingerprint) {
            keep_proposal(log, &proposal);
        }
        self.store_log(fingerprint, out);
        if proposal.verdict == Verdict::Failed {
            let (stage, why) = (FixStage::TestsAfter, "tests that passed before fail with it, or what failed still does".to_owned());
            return self.fail(now, FixFailure { stage, why, answer: Some(proposal.answer), passing: false }, true, out);
        }
        if dry_run {
            return self.end(now, None, false, out);
        }
        if let Some(work) = &mut self.fixing.current {
            (work.proposal, work.published_at) = (Some(proposal), now.wall);
        }
        self.fixing.want(Errand::LookAgain, now.mono);
    }

    fn run_errand(&mut self, now: Now, errand: Errand, out: &mut Vec<Effect>) {
        let Some(call) = self.errand_call(errand) else {
            let why = "it has no place any more".to_owned();
            return self.fail(now, FixFailure { stage: FixStage::Publish, why, answer: None, passing: false }, false, out);
        };
        let id = self.new_call();
        if let Some(work) = &mut self.fixing.current {
            work.step = Step::Asked(errand, id);
            work.tries += 1;
        }
        out.push(Effect::Forge { id, call });
    }

    fn errand_call(&self, errand: Errand) -> Option<ForgeCall> {
        let work = self.fixing.current.as_ref()?;
        match errand {
            Errand::Approval => work.issue.map(|number| ForgeCall::Inspect { number }),
            Errand::Look | Errand::LookAgain | Errand::Publish | Errand::Comment | Errand::Assign => {
                self.call_about_pull(work, errand).map(ForgeCall::Pull)
            }
        }
    }

    fn call_about_pull(&self, work: &Work, errand: Errand) -> Option<PullCall> {
        let writer = Writer { node: self.me, policy: &self.policy, earlier: None, told: None };
        match errand {
            Errand::Approval => None,
            Errand::Look | Errand::LookAgain => Some(PullCall::Look { branch: work.branch.clone() }),
            Errand::Assign => {
                let number = work.issue?;
                Some(PullCall::Assign { number, instructions: assignment_instructions(number, work.fingerprint) })
            }
            Errand::Comment => {
                let text = failure_comment(&writer, work.failure.as_ref()?);
                Some(PullCall::CommentOnce { number: work.pull.or(work.issue)?, key: FAILURE_KEY.to_owned(), text })
            }
            Errand::Publish => {
                let (proposal, issue) = (work.proposal.as_ref()?, work.issue?);
                let text = PullText {
                    writer: &writer,
                    issue,
                    issue_url: &work.issue_url,
                    fingerprint: work.fingerprint,
                    entry: self.ledger.entry(&work.fingerprint)?,
                    sample: work.sample.as_deref(),
                    guidance: work.guidance.as_ref(),
                };
                Some(PullCall::Publish(Publication {
                    number: work.pull?,
                    branch: work.branch.clone(),
                    expected: work.head.clone(),
                    base: proposal.base.clone(),
                    changes: proposal.changes.clone(),
                    message: publishing_message(issue, work.fingerprint, self.me, work.published_at),
                    at: work.published_at,
                    body: body(&text, Some(proposal)),
                }))
            }
        }
    }

    /// Takes the forge's answer, if it was asked here. Returns it back if not.
    pub(super) fn fix_replied(&mut self, now: Now, id: CallId, reply: ForgeReply, out: &mut Vec<Effect>) -> Option<ForgeReply> {
        let asked = self.fixing.current.as_ref().filter(|_| self.fixing.awaits(id)).map(|work| work.step);
        let Some(Step::Asked(errand, _)) = asked else { return Some(reply) };
        self.desk.look_over();
        match (errand, reply) {
            (_, ForgeReply::Refused(refusal)) => match refusal.kind {
                RefusalKind::Limited { retry_after } => self.try_again(now, errand, retry_after.max(RETRY), out),
                RefusalKind::Unreachable | RefusalKind::Unleased => self.try_again(now, errand, RETRY, out),
                RefusalKind::Denied | RefusalKind::Invalid | RefusalKind::Overtaken => {
                    self.errand_failed(now, errand, refusal.message, out);
                }
            },
            (Errand::Look | Errand::LookAgain, ForgeReply::Pull(PullReply::Found { pulls, branch })) => {
                let head = branch.map(|branch| (branch.commit, branch.ours));
                self.have_looked(now, errand, &pulls, head, out);
            }
            (Errand::Approval, ForgeReply::Issue(found)) => self.have_asked_for_approval(now, &found, out),
            (Errand::Approval, ForgeReply::Gone { .. }) => {
                if let Some(fingerprint) = self.fixing.current.as_ref().map(|work| work.fingerprint) {
                    self.stand_back_from_fix(fingerprint, out);
                }
            }
            (Errand::Publish, ForgeReply::Pull(PullReply::Published { .. })) => {
                self.record_own(now, FixStage::Publish, true, "it is in the pull request, for people to judge", out);
                self.end(now, None, true, out);
            }
            (Errand::Assign, ForgeReply::Pull(PullReply::Assigned)) => {
                self.record_own(now, FixStage::Publish, true, "the forge's own agent has the issue", out);
                self.end(now, None, true, out);
            }
            (Errand::Comment, ForgeReply::Done | ForgeReply::Gone { .. }) => self.end_failed(now, out),
            (_, _unclear_or_unfitting) => self.try_again(now, errand, RETRY, out),
        }
        None
    }

    /// Nothing that is asked here does harm when it is done twice.
    fn try_again(&mut self, now: Now, errand: Errand, wait: Duration, out: &mut Vec<Effect>) {
        let Some(work) = &self.fixing.current else { return };
        if work.tries < TRIES_MAX {
            self.fixing.want(errand, now.mono + wait);
        } else {
            self.errand_failed(now, errand, "the forge gave no clear answer".to_owned(), out);
        }
    }

    fn errand_failed(&mut self, now: Now, errand: Errand, why: String, out: &mut Vec<Effect>) {
        let stage = match errand {
            Errand::Approval | Errand::Look | Errand::Assign => FixStage::Claim,
            Errand::LookAgain | Errand::Publish => FixStage::Publish,
            Errand::Comment => return self.end_failed(now, out),
        };
        self.fail(now, FixFailure { stage, why, answer: None, passing: false }, false, out);
    }

    /// Nothing is put where people work, nor where another node was faster.
    fn have_looked(&mut self, now: Now, errand: Errand, pulls: &[FoundPull], head: Option<(String, bool)>, out: &mut Vec<Effect>) {
        let Some(work) = &mut self.fixing.current else { return };
        let found = pulls.iter().find(|found| Some(found.pull.number) == work.pull);
        if let Some(found) = found {
            work.issue_url = issue_url(&found.pull.url, found.pull.number, work.issue);
        }
        let is_open = found.is_some_and(|found| found.ours && found.pull.state == PullState::Open);
        let is_published_by_another =
            |((by, _), note): ((NodeId, Epoch), &FixNote)| by != self.me && note.last.as_ref().is_some_and(|last| last.published);
        let is_own = matches!(work.order, Order::Own { .. });
        let was_faster = is_own && self.ledger.entry(&work.fingerprint).is_some_and(|entry| entry.fix_notes().any(is_published_by_another));
        let objection = match &head {
            _ if !is_open => Some("its pull request is not open any more"),
            None => Some("its branch is gone"),
            Some((_, false)) => Some("people work on its branch"),
            Some((commit, true)) if errand == Errand::LookAgain && *commit != work.head => Some("the branch has moved on meanwhile"),
            Some(_) if errand == Errand::LookAgain && was_faster => Some("another node has proposed a fix meanwhile"),
            Some(_) => None,
        };
        if let Some(why) = objection {
            return self.errand_failed(now, errand, why.to_owned(), out);
        }
        work.tries = 0;
        if errand == Errand::LookAgain {
            return self.fixing.want(Errand::Publish, now.mono);
        }
        work.head = head.map(|(commit, _)| commit).unwrap_or_default();
        let fingerprint = work.fingerprint;
        if is_own && self.fix_claims(now, fingerprint).any(|(by, _)| by < self.me) {
            return self.stand_back_from_fix(fingerprint, out);
        }
        self.start_work(now, out);
    }

    /// A node with a lower id has begun as well, or nobody has approved of it, and nothing was done here yet: that was no attempt.
    fn stand_back_from_fix(&mut self, fingerprint: Fingerprint, out: &mut Vec<Effect>) {
        self.fixing.current = None;
        self.fixing.logs.remove(&fingerprint);
        out.push(Effect::Store(Record::FixLog { fingerprint, log: Box::default() }));
        let note = self.own_fix_note(&fingerprint);
        let attempts = note.attempts.saturating_sub(1);
        self.say(Body::Fix { fingerprint, note: FixNote { step: FixStep::Idle, attempts, ..note } }, out);
    }

    /// Ends the work without a fix. What the fixer has to say is told under the pull request, once.
    fn fail(&mut self, now: Now, failure: FixFailure, tell: bool, out: &mut Vec<Effect>) {
        let Some(work) = &mut self.fixing.current else { return };
        let fingerprint = work.fingerprint;
        let told = tell && work.order != Order::DryRun && (work.pull.is_some() || work.issue.is_some());
        work.failure = Some(failure.clone());
        work.tries = 0;
        if let Some(log) = self.fixing.logs.get_mut(&fingerprint) {
            log.answer = failure.answer.as_ref().map(bounded_answer).or(log.answer.take());
            let is_recorded = log.stages.last().is_some_and(|last| last.stage == failure.stage && !last.passed);
            if !is_recorded {
                self.record_stage(fingerprint, own_stage(now, failure.stage, false, &failure.why), out);
            } else {
                self.store_log(fingerprint, out);
            }
        }
        if told { self.fixing.want(Errand::Comment, now.mono) } else { self.end_failed(now, out) }
    }

    fn end_failed(&mut self, now: Now, out: &mut Vec<Effect>) {
        let failure = self.fixing.current.as_ref().and_then(|work| work.failure.clone());
        self.end(now, failure, false, out);
    }

    fn end(&mut self, now: Now, failure: Option<FixFailure>, published: bool, out: &mut Vec<Effect>) {
        let Some(work) = self.fixing.current.take() else { return };
        let fingerprint = work.fingerprint;
        let verdict = match (&failure, work.proposal.as_ref()) {
            (Some(_), _) => Verdict::Failed,
            (None, Some(proposal)) => proposal.verdict,
            (None, None) => Verdict::NotRegressed,
        };
        let stage = failure.as_ref().map_or(FixStage::Publish, |failure| failure.stage);
        if let Some(log) = self.fixing.logs.get_mut(&fingerprint) {
            log.running = false;
            log.verdict = log.verdict.or(failure.is_some().then_some(Verdict::Failed));
        }
        self.store_log(fingerprint, out);
        if work.order != Order::DryRun {
            let passing = failure.as_ref().is_some_and(|failure| failure.passing);
            let last = FixSummary { at: now.wall, verdict, stage, published, passing };
            let note = FixNote { step: FixStep::Idle, last: Some(last), ..self.own_fix_note(&fingerprint) };
            self.say(Body::Fix { fingerprint, note }, out);
        }
        out.push(Effect::Note(Event::FixEnded { fingerprint, stage, passed: failure.is_none(), published }));
        self.fixing.look_over = true;
    }

    fn record_own(&mut self, now: Now, stage: FixStage, passed: bool, note: &str, out: &mut Vec<Effect>) {
        if let Some(work) = &self.fixing.current {
            self.record_stage(work.fingerprint, own_stage(now, stage, passed, note), out);
        }
    }

    fn record_stage(&mut self, fingerprint: Fingerprint, mut record: StageRecord, out: &mut Vec<Effect>) {
        let Some(log) = self.fixing.logs.get_mut(&fingerprint) else { return };
        record.note = clipped(&record.note, STAGE_NOTE_BYTES_MAX);
        if log.stages.len() < STAGE_RECORDS_MAX {
            log.stages.push(record);
        }
        self.store_log(fingerprint, out);
    }

    fn store_log(&self, fingerprint: Fingerprint, out: &mut Vec<Effect>) {
        if let Some(log) = self.fixing.logs.get(&fingerprint) {
            out.push(Effect::Store(Record::FixLog { fingerprint, log: Box::new(log.clone()) }));
        }
    }

    /// Returns what people see of a fix, if there is anything to see.
    pub(super) fn fix_view(&self, now: Now, fingerprint: Fingerprint, entry: &Entry) -> Option<FixView> {
        let log = self.fixing.logs.get(&fingerprint).filter(|log| log.began > UnixMillis(0));
        let last = entry.last_fix();
        if log.is_none() && last.is_none() && entry.fix_attempts() == 0 && !self.policy.auto_heal {
            return None;
        }
        let working = self.fix_claims(now, fingerprint).next().map(|(by, _)| by);
        let own = log.map(|log| (log, state_of(log)));
        let (state, node) = match (&own, working, last) {
            (Some((_, FixState::Working)), _, _) => (FixState::Working, Some(self.me)),
            (_, Some(by), _) => (FixState::Working, Some(by)),
            (Some((log, state)), None, last) if last.is_none_or(|(by, last)| by == self.me || last.at <= log.began) => {
                (*state, Some(self.me))
            }
            (_, None, Some((by, last))) => (if last.published { FixState::Published } else { FixState::Failed }, Some(by)),
            (_, None, None) => (FixState::Idle, None),
        };
        let mut blocked_by = self.fix_objections(now, fingerprint, entry, Order::Own { again: false });
        if state == FixState::Working {
            blocked_by.clear();
        }
        let log = log.cloned().unwrap_or_default();
        let verdict = log.verdict.or(last.map(|(_, last)| last.verdict));
        Some(FixView {
            state,
            node,
            began: log.began,
            dry_run: log.dry_run,
            attempts: entry.fix_attempts(),
            blocked_by,
            stages: log.stages,
            verdict,
            answer: log.answer,
            diff: log.diff,
            tests: log.tests,
            fixer: log.fixer,
            remarks: log.remarks,
        })
    }

    /// Returns what there is to say about a fix.
    pub(super) fn fix_reasons(&self, now: Now, fingerprint: Fingerprint, entry: &Entry) -> Vec<String> {
        let Some(view) = self.fix_view(now, fingerprint, entry) else { return Vec::new() };
        let by = view.node.map(|node| if node == self.me { "this node".to_owned() } else { node.to_string() }).unwrap_or_default();
        let mut reasons = Vec::new();
        match view.state {
            FixState::Idle => {}
            FixState::Working => reasons.push(format!("A fix is being looked for by {by}.")),
            FixState::Proposed => reasons.push("This node has a fix to show, and has not published it.".to_owned()),
            FixState::Published => reasons.push(format!("A fix was put into the pull request by {by}.")),
            FixState::Failed => reasons.push(format!("A fix was looked for by {by}, in vain.")),
            FixState::Interrupted => reasons.push("This node was stopped while it looked for a fix.".to_owned()),
        }
        if self.policy.auto_heal && view.state != FixState::Working {
            reasons.push(match &view.blocked_by[..] {
                [] => "A fix may be looked for.".to_owned(),
                against => format!("No fix is looked for: {}.", against.join("; ")),
            });
        }
        reasons
    }
}

fn own_stage(now: Now, stage: FixStage, passed: bool, note: &str) -> StageRecord {
    StageRecord { stage, round: 0, at: now.wall, took_ms: 0, passed, note: note.to_owned() }
}

fn state_of(log: &FixLog) -> FixState {
    match log.stages.last() {
        _ if log.running => FixState::Working,
        _ if log.interrupted => FixState::Interrupted,
        Some(last) if last.stage == FixStage::Publish && last.passed => FixState::Published,
        Some(last) if !last.passed => FixState::Failed,
        Some(_) if log.verdict == Some(Verdict::Failed) => FixState::Failed,
        Some(_) => FixState::Proposed,
        None => FixState::Idle,
    }
}

/// Returns the address of an issue, from that of a pull request in the same repository.
fn issue_url(pull_url: &str, pull: IssueNumber, issue: Option<IssueNumber>) -> String {
    let base = pull_url.strip_suffix(&format!("/pull/{}", pull.0)).or_else(|| pull_url.strip_suffix(&format!("/pulls/{}", pull.0)));
    base.zip(issue).map(|(base, issue)| format!("{base}/issues/{}", issue.0)).unwrap_or_default()
}

fn keep_proposal(log: &mut FixLog, proposal: &Proposal) {
    log.answer = Some(bounded_answer(&proposal.answer));
    log.diff = clipped(&proposal.diff, DIFF_BYTES_MAX);
    log.tests = proposal.tests.clone();
    for run in log.tests.iter_mut().flat_map(|tests| [&mut tests.before, &mut tests.after]) {
        bound_run(run);
    }
    log.verdict = Some(proposal.verdict);
    log.fixer = clipped(&proposal.fixer, STAGE_NOTE_BYTES_MAX);
    log.remarks = bounded_items(&proposal.remarks);
}

fn bound_run(run: &mut TestRun) {
    run.ending = clipped(&run.ending, STAGE_NOTE_BYTES_MAX);
    run.failing.truncate(FAILING_TESTS_MAX);
    run.failing.iter_mut().for_each(|name| *name = clipped(name, STAGE_NOTE_BYTES_MAX));
    let cut = run.tail.len().saturating_sub(TEST_TAIL_BYTES_MAX);
    let cut = (cut..=run.tail.len()).find(|at| run.tail.is_char_boundary(*at)).unwrap_or_default();
    run.tail.drain(..cut);
}

fn bounded_answer(answer: &FixAnswer) -> FixAnswer {
    FixAnswer {
        root_cause: clipped(&answer.root_cause, ANSWER_TEXT_BYTES_MAX),
        changes: clipped(&answer.changes, ANSWER_TEXT_BYTES_MAX),
        files: bounded_items(&answer.files),
        tests: bounded_items(&answer.tests),
    }
}

fn bounded_items(items: &[String]) -> Vec<String> {
    items.iter().take(ANSWER_ITEMS_MAX).map(|item| clipped(item, STAGE_NOTE_BYTES_MAX)).collect()
}

/// Returns the beginning of a text, at most `bytes_max` bytes, cut at a character boundary.
fn clipped(text: &str, bytes_max: usize) -> String {
    let end = (0..=bytes_max.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    text[..end].to_owned()
}
