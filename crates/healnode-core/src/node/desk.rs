//! From due to filed: which fingerprints are due, whose turn it is, and how far this node's own filings are.
//!
//! One filing at a time speaks to the forge; the others wait in line, claimed already, so that the next in rank knows. Turns and claims save
//! calls. What keeps an issue from being created twice is the filing's own order of steps, see `filing.rs`.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use healnode_report::{Fingerprint, Report, Severity, UnixMillis};

use crate::elect::{Voter, candidates, rank};
use crate::filing::{Doubt, Filing, GiveUp, Move};
use crate::issue::{Writer, draft, draft_many, reopening_comment};
use crate::ledger::Entry;
use crate::limits::{CREATED_AHEAD_MAX_MS, GROUP_MEMBERS_MAX, HOLDERS_ASKED_MAX, URL_BYTES_MAX};
use crate::similar::similar;
use crate::time::duration_millis;
use crate::{
    Body, CallId, CloseReason, Effect, Event, Filed, FilingNote, FilingStep, ForgeCall, ForgeHealth, ForgeReply, FoundIssue, Intent,
    IssueNumber, IssueRef, Millis, NodeId, Now, Record, Standing,
};

/// What waits to be filed, and what is being filed.
#[derive(Clone, Hash)]
pub(super) struct Desk {
    due: BTreeMap<Fingerprint, Due>,
    /// When another node's claim was first heard, or its intent, and which of the two it was. Saying it again does not prolong its hold, nor
    /// does taking it back in between.
    claims: BTreeMap<Fingerprint, BTreeMap<NodeId, (Millis, bool)>>,
    /// Filings that wait for the one before them.
    line: VecDeque<Filing>,
    current: Option<Filing>,
    /// What `line` and `current` are about.
    busy: BTreeSet<Fingerprint>,
    /// Intents on disk, by the number of their filing.
    intents: BTreeMap<u64, Intent>,
    /// Whether the lease may be this node's.
    leased: bool,
    /// Whether a create was sent under it that nothing is left to look for, though nobody has seen its outcome.
    pub(super) left_unclear: bool,
    /// Whether who goes first may have changed.
    look_over: bool,
    /// When the next turn comes, or the next claim loses its hold.
    next_turn: Option<Millis>,
}

pub(super) const HOUR: Duration = Duration::from_secs(3600);
pub(super) const DAY: Duration = Duration::from_secs(24 * 3600);

/// Returns how many more of at most `max` fit into the time span that ends at `wall`, and how long until one more does. 0 is no bound.
pub(super) fn left_in(times: &[UnixMillis], span: Duration, max: usize, wall: UnixMillis) -> (usize, Duration) {
    let within: Vec<&UnixMillis> = times.iter().filter(|at| at.0.saturating_add(duration_millis(span)) > wall.0).collect();
    if max == 0 || within.len() < max {
        return (if max == 0 { usize::MAX } else { max - within.len() }, Duration::ZERO);
    }
    let oldest_in_the_way = within[within.len() - max];
    (0, Duration::from_millis(oldest_in_the_way.0.saturating_add(duration_millis(span)).saturating_sub(wall.0)))
}

#[derive(Clone, Copy, Hash)]
struct Due {
    since: Millis,
    not_before: Millis,
}

impl Desk {
    /// Takes up what may have been sent before a restart: it is looked for before anything else.
    pub(super) fn new(intents: BTreeMap<u64, Intent>, now: Millis) -> Self {
        let line: VecDeque<Filing> = intents.values().map(|intent| Filing::new(intent.members.clone(), Doubt::Own(now))).collect();
        let busy = intents.values().flat_map(|intent| &intent.members).copied().collect();
        let (due, claims) = (BTreeMap::new(), BTreeMap::new());
        Self { due, claims, line, current: None, busy, intents, leased: false, left_unclear: false, look_over: true, next_turn: None }
    }

    /// Asks for the elections to be held again.
    pub(super) fn look_over(&mut self) {
        self.look_over = true;
    }

    pub(super) fn is_due(&self, fingerprint: &Fingerprint) -> bool {
        self.due.contains_key(fingerprint)
    }

    /// Returns whether a filing speaks to the forge just now.
    pub(super) fn is_busy(&self) -> bool {
        self.current.is_some()
    }

    pub(super) fn filings(&self) -> usize {
        self.line.len() + usize::from(self.current.is_some())
    }

    pub(super) fn forget(&mut self, fingerprint: &Fingerprint) {
        self.due.remove(fingerprint);
        self.claims.remove(fingerprint);
    }

    fn settle(&mut self, member: &Fingerprint) {
        self.forget(member);
        self.busy.remove(member);
    }
}

impl super::Node {
    /// Looks through the ledger for fingerprints that were seen often enough, and for critical ones whose filing came to nothing.
    pub(super) fn collect_due(&mut self, now: Now, out: &mut Vec<Effect>) {
        let fresh: Vec<Fingerprint> = self
            .ledger
            .entries()
            .filter(|(fingerprint, entry)| self.wants_issue(now, entry) && !self.desk.is_due(fingerprint))
            .map(|(fingerprint, _)| *fingerprint)
            .collect();
        let filers: Vec<NodeId> = if fresh.is_empty() { Vec::new() } else { self.live_filers(now).collect() };
        for fingerprint in fresh {
            self.make_due(now, fingerprint, &filers, out);
        }
        self.desk.look_over();
    }

    /// Returns whether an error has been seen often enough since it last had an open issue, and nobody silenced it.
    pub(super) fn wants_issue(&self, now: Now, entry: &Entry) -> bool {
        let unfiled = entry.unfiled();
        let is_enough = || unfiled >= self.policy.min_occurrences.max(1) || entry.severity() == Some(Severity::Critical);
        unfiled > 0 && is_enough() && entry.muted(now.wall).is_none()
    }

    /// Returns whether there is nothing left to file for a fingerprint.
    fn is_settled(&self, now: Now, fingerprint: &Fingerprint) -> bool {
        self.ledger.entry(fingerprint).is_none_or(|entry| !self.wants_issue(now, entry))
    }

    /// A critical error does not wait for the bundle.
    pub(super) fn due_at_once(&mut self, now: Now, fingerprint: Fingerprint, out: &mut Vec<Effect>) {
        let Some(entry) = self.ledger.entry(&fingerprint) else { return };
        if !self.desk.is_due(&fingerprint) && self.wants_issue(now, entry) {
            let filers: Vec<NodeId> = self.live_filers(now).collect();
            self.make_due(now, fingerprint, &filers, out);
        }
    }

    fn make_due(&mut self, now: Now, fingerprint: Fingerprint, filers: &[NodeId], out: &mut Vec<Effect>) {
        self.desk.due.insert(fingerprint, Due { since: now.mono, not_before: now.mono });
        self.desk.look_over();
        let occurrences = self.ledger.entry(&fingerprint).map(Entry::occurrences).unwrap_or_default();
        let rank = self.candidates_among(filers.iter().copied(), &fingerprint).iter().position(|node| *node == self.me);
        out.push(Effect::Note(Event::Due { fingerprint, occurrences, rank }));
        if self.policy.dry_run
            && let Some(title) = self.title(fingerprint)
        {
            out.push(Effect::Note(Event::WouldFile { fingerprint, title }));
        }
    }

    /// Returns the title that an issue about this error alone would have.
    pub(super) fn title(&self, fingerprint: Fingerprint) -> Option<String> {
        let writer = Writer { node: self.me, policy: &self.policy, earlier: None, told: None };
        self.draft_with(&writer, &[fingerprint], None).map(|draft| draft.title)
    }

    /// Returns this node's place among those that could file if it could; 0 files first.
    pub(super) fn rank_if_it_could_file(&self, now: Now, fingerprint: &Fingerprint) -> usize {
        let filers = self.live_filers(now).chain((!self.can_file()).then_some(self.me));
        self.candidates_among(filers, fingerprint).iter().position(|node| *node == self.me).unwrap_or_default()
    }

    /// Returns who may file a fingerprint, in the order of their turns.
    pub(super) fn candidates(&self, now: Now, fingerprint: &Fingerprint) -> Vec<NodeId> {
        self.candidates_among(self.live_filers(now), fingerprint)
    }

    fn candidates_among(&self, filers: impl Iterator<Item = NodeId>, fingerprint: &Fingerprint) -> Vec<NodeId> {
        let entry = self.ledger.entry(fingerprint);
        candidates(filers.map(|node| Voter { node, holds: entry.is_some_and(|entry| entry.is_held_by(node)) }))
    }

    /// Returns the live nodes that can file, this one among them if it can.
    pub(super) fn live_filers(&self, now: Now) -> impl Iterator<Item = NodeId> {
        let others = self.ledger.filers().filter(move |node| *node != self.me && self.is_live(now, *node));
        others.chain(self.can_file().then_some(self.me))
    }

    /// Another node said how far it is with a filing. Elections are held again only where that can bring a turn nearer or end one: a claim
    /// on what this node merely waits for puts its turn off, and that is seen when the turn comes.
    pub(super) fn note_came(&mut self, now: Now, by: NodeId, fingerprint: Fingerprint, note: &FilingNote, out: &mut Vec<Effect>) {
        match note.step {
            FilingStep::Claim | FilingStep::Intent => {
                let unclear = note.step == FilingStep::Intent;
                let heard = self.desk.claims.entry(fingerprint).or_default().entry(by).or_insert((now.mono, unclear));
                if now.mono.since(heard.0) >= self.policy.claim_patience.saturating_mul(2) {
                    *heard = (now.mono, unclear);
                }
                if unclear && !heard.1 {
                    *heard = (now.mono, true);
                }
            }
            FilingStep::Idle => {
                if let Some(filed) = note.issue.as_ref().filter(|_| self.is_settled(now, &fingerprint)) {
                    self.desk.forget(&fingerprint);
                    out.push(Effect::Note(Event::Filed { fingerprint, issue: filed.issue.number, by, adopted: false }));
                }
            }
        }
        if self.desk.busy.contains(&fingerprint) || note.step == FilingStep::Idle {
            self.desk.look_over();
        }
    }

    /// Begins what it is this node's turn to file.
    pub(super) fn hold_elections(&mut self, now: Now, out: &mut Vec<Effect>) {
        self.go_on_if_time(now, out);
        let turn_came = self.next_desk_work().is_some_and(|at| at <= now.mono);
        if !self.desk.look_over && !turn_came {
            return;
        }
        self.desk.look_over = false;
        self.desk.next_turn = None;
        let settled_at = self.started + self.policy.settle;
        if now.mono < settled_at {
            self.desk.next_turn = Some(settled_at);
            return;
        }
        self.stand_back(now, out);
        let mine = self.my_turn(now);
        self.claim(now, &mine, out);
        self.start_next(now, out);
        self.give_lease_back_if_idle(out);
    }

    /// Others wait for the lease as long as this node holds it, so it is not kept for what does not begin at once.
    fn give_lease_back_if_idle(&mut self, out: &mut Vec<Effect>) {
        if self.desk.current.is_none() && !self.upkeep.is_speaking() && !self.pulls.is_calling() {
            let unclear = std::mem::take(&mut self.desk.left_unclear);
            self.give_lease_back(unclear, out);
        }
    }

    fn give_lease_back(&mut self, unclear: bool, out: &mut Vec<Effect>) {
        if std::mem::take(&mut self.desk.leased) {
            let id = self.new_call();
            out.push(Effect::Forge { id, call: ForgeCall::Release { unclear } });
        }
    }

    fn my_turn(&mut self, now: Now) -> Vec<Fingerprint> {
        let mut mine = Vec::new();
        let mut settled = Vec::new();
        let mut next_turn: Option<Millis> = None;
        let filers: Vec<NodeId> = if self.desk.due.is_empty() { Vec::new() } else { self.live_filers(now).collect() };
        for (fingerprint, due) in &self.desk.due {
            if self.is_settled(now, fingerprint) {
                settled.push(*fingerprint);
                continue;
            }
            if self.desk.busy.contains(fingerprint) {
                continue;
            }
            let Some(at) = self.turn(now, fingerprint, *due, &filers) else { continue };
            if at <= now.mono {
                mine.push(*fingerprint);
            } else {
                next_turn = Some(next_turn.map_or(at, |soonest| soonest.min(at)));
            }
        }
        for fingerprint in settled {
            self.desk.forget(&fingerprint);
        }
        self.desk.next_turn = next_turn;
        mine
    }

    /// Returns when it is this node's turn, as things stand; never, if it is no candidate.
    fn turn(&self, now: Now, fingerprint: &Fingerprint, due: Due, filers: &[NodeId]) -> Option<Millis> {
        let entry = self.ledger.entry(fingerprint);
        let rank = rank(self.me, filers, |node| entry.is_some_and(|entry| entry.is_held_by(node)))?;
        let rank = u32::try_from(rank).unwrap_or(u32::MAX);
        let turn = due.since + self.policy.turn.saturating_mul(rank);
        let held = self
            .claims(now, fingerprint)
            .filter(|(by, unclear, _)| *by < self.me || *unclear)
            .map(|(_, _, at)| at + self.policy.claim_patience);
        held.chain([turn, due.not_before]).max()
    }

    /// Returns the claims of other live nodes that still hold: whose, whether a create may have been sent, and when it was heard.
    fn claims(&self, now: Now, fingerprint: &Fingerprint) -> impl Iterator<Item = (NodeId, bool, Millis)> {
        let notes = self.ledger.entry(fingerprint).into_iter().flat_map(Entry::notes);
        let heard = self.desk.claims.get(fingerprint);
        notes.filter_map(move |((by, _), note)| {
            let unclear = match note.step {
                FilingStep::Claim => false,
                FilingStep::Intent => true,
                FilingStep::Idle => return None,
            };
            let at = heard.and_then(|heard| heard.get(&by)).map_or(self.started, |(at, _)| *at);
            let holds = by != self.me && self.is_live(now, by) && at + self.policy.claim_patience > now.mono;
            holds.then_some((by, unclear, at))
        })
    }

    /// Returns what another node, or this one before it lost its disk, may have done about a fingerprint already.
    fn doubt(&self, now: Now, fingerprint: &Fingerprint) -> Doubt {
        let notes = self.ledger.entry(fingerprint).into_iter().flat_map(Entry::notes);
        let furthest = notes.filter(|(source, _)| *source != (self.me, self.epoch)).map(|(_, note)| note.step).max();
        match furthest {
            Some(FilingStep::Intent) => Doubt::Theirs(now.mono),
            Some(FilingStep::Claim) => Doubt::Claimed(now.mono),
            Some(FilingStep::Idle) | None => Doubt::None,
        }
    }

    /// Gives up filings that another node is ahead with, as long as nothing was sent. Whoever holds the lease goes on: the others wait for it.
    fn stand_back(&mut self, now: Now, out: &mut Vec<Effect>) {
        let outranked = |node: &Self, filing: &Filing| filing.members.iter().any(|member| node.is_outranked(now, member));
        self.release_where(|node, filing| filing.can_be_outranked() && outranked(node, filing), out);
    }

    /// Gives up every filing that was not sent, because this node cannot file any more.
    pub(super) fn release_all(&mut self, out: &mut Vec<Effect>) {
        self.release_where(|_, _| true, out);
    }

    fn release_where(&mut self, gone: impl Fn(&Self, &Filing) -> bool, out: &mut Vec<Effect>) {
        let gone = |node: &Self, filing: &Filing| filing.is_revocable() && gone(node, filing);
        let line = std::mem::take(&mut self.desk.line);
        let (mut released, kept): (VecDeque<Filing>, VecDeque<Filing>) = line.into_iter().partition(|filing| gone(self, filing));
        self.desk.line = kept;
        if self.desk.current.as_ref().is_some_and(|filing| gone(self, filing)) {
            released.extend(self.desk.current.take());
        }
        for filing in released {
            self.release(&filing, out);
        }
    }

    /// Returns whether another live node has claimed a fingerprint and goes before this one: by its id, or because it may have sent a create.
    fn is_outranked(&self, now: Now, fingerprint: &Fingerprint) -> bool {
        self.claims(now, fingerprint).any(|(by, unclear, _)| by < self.me || unclear)
    }

    fn release(&mut self, filing: &Filing, out: &mut Vec<Effect>) {
        for member in &filing.members {
            self.desk.busy.remove(member);
            self.step(*member, FilingStep::Idle, out);
        }
    }

    /// Says how far this node is with a filing. What it said of the issue stays.
    fn step(&mut self, fingerprint: Fingerprint, step: FilingStep, out: &mut Vec<Effect>) {
        let issue = self.own_note(&fingerprint).and_then(|note| note.issue.clone());
        self.say(Body::Filing { fingerprint, note: FilingNote { step, issue } }, out);
    }

    fn own_note(&self, fingerprint: &Fingerprint) -> Option<&FilingNote> {
        self.ledger.entry(fingerprint)?.note_of((self.me, self.epoch))
    }

    fn claim(&mut self, now: Now, mine: &[Fingerprint], out: &mut Vec<Effect>) {
        let mut by_doubt = BTreeMap::<Doubt, Vec<Fingerprint>>::new();
        for member in mine {
            by_doubt.entry(self.doubt(now, member)).or_default().push(*member);
            self.desk.busy.insert(*member);
            self.step(*member, FilingStep::Claim, out);
            out.push(Effect::Note(Event::Claimed { fingerprint: *member }));
        }
        for (doubt, members) in by_doubt.into_iter().rev() {
            self.line_up(now, members, doubt);
        }
    }

    /// Puts filings in line. Too many that wait become lists, however slowly they came.
    fn line_up(&mut self, now: Now, mut members: Vec<Fingerprint>, doubt: Doubt) {
        let single_max = self.policy.storm.min(self.creates_left(now).0);
        if doubt == Doubt::None && members.len() + self.desk.line.len() > single_max {
            let line = std::mem::take(&mut self.desk.line);
            let (waiting, kept): (VecDeque<Filing>, VecDeque<Filing>) = line.into_iter().partition(Filing::is_fresh);
            self.desk.line = kept;
            members.extend(waiting.into_iter().flat_map(|filing| filing.members));
        }
        let group_size = if members.len() > single_max { GROUP_MEMBERS_MAX } else { 1 };
        for group in members.chunks(group_size) {
            self.desk.line.push_back(Filing::new(group.to_vec(), doubt));
        }
    }

    /// Returns how many issues this node may create just now, and how long until there is room for one more. What any node says to have created
    /// counts, so that many file no more than one may. Another's word counts as long as the issue is its error's, which ends at the next survey for
    /// what a liar made up. A time that is ahead of this node's clock counts as this moment; one that is far ahead would hold everybody up.
    fn creates_left(&self, now: Now) -> (usize, Duration) {
        let latest = now.wall.0.saturating_add(CREATED_AHEAD_MAX_MS);
        let mut created = BTreeMap::<IssueNumber, UnixMillis>::new();
        let notes = self.ledger.entries().flat_map(|(_, entry)| entry.filed_notes().map(move |(source, filed)| (entry, source.0, filed)));
        for (entry, by, filed) in notes.filter(|(_, _, filed)| filed.created > UnixMillis(0)) {
            let is_believed = || filed.created.0 <= latest && entry.issue().is_some_and(|issue| issue.number == filed.issue.number);
            let is_counted = by == self.me || is_believed();
            if is_counted && filed.created.0.saturating_add(duration_millis(DAY)) > now.wall.0 {
                let at = created.entry(filed.issue.number).or_default();
                *at = filed.created.min(now.wall).max(*at);
            }
        }
        let mut times: Vec<UnixMillis> = created.into_values().collect();
        times.sort_unstable();
        let hourly = left_in(&times, HOUR, self.policy.max_per_hour, now.wall);
        let daily = left_in(&times, DAY, self.policy.max_per_day, now.wall);
        (hourly.0.min(daily.0), hourly.1.max(daily.1))
    }

    fn start_next(&mut self, now: Now, out: &mut Vec<Effect>) {
        if self.desk.current.is_some() || self.health != ForgeHealth::Ready || self.is_errand_out() {
            return;
        }
        while self.desk.current.is_none() {
            let Some(ready) = self.desk.line.iter().position(|filing| filing.not_before <= now.mono) else { return };
            self.desk.current = self.desk.line.remove(ready);
            self.drop_settled_members(now);
            match &self.desk.current {
                Some(filing) if !filing.members.is_empty() => {
                    let first = filing.start();
                    self.carry_out(now, first, out);
                }
                Some(_) | None => {
                    self.desk.current = None;
                    self.settle_intents(out);
                }
            }
        }
    }

    /// Returns whether something other than a filing has asked the forge, and waits for its answer.
    fn is_errand_out(&self) -> bool {
        self.upkeep.is_busy() || self.pulls.is_calling() || self.fixing.is_calling()
    }

    fn go_on_if_time(&mut self, now: Now, out: &mut Vec<Effect>) {
        if let Some(filing) = &self.desk.current {
            let next = filing.next_after_wait(now.mono);
            self.carry_out(now, next, out);
        }
    }

    pub(super) fn next_desk_work(&self) -> Option<Millis> {
        let filing = self.desk.current.as_ref().and_then(Filing::wakes_at);
        let can_start = self.desk.current.is_none() && self.health == ForgeHealth::Ready && !self.is_errand_out();
        let settled_at = self.started + self.policy.settle;
        let waiting = self.desk.line.iter().map(|filing| filing.not_before.max(settled_at)).min().filter(|_| can_start);
        [filing, waiting, self.desk.next_turn].into_iter().flatten().min()
    }

    pub(super) fn sample_came(&mut self, now: Now, id: CallId, report: Option<Box<Report>>, out: &mut Vec<Effect>) {
        let Some(filing) = self.desk.current.as_mut().filter(|filing| filing.awaits(id)) else {
            if self.pull_sample_came(now, id, report.as_deref(), out) || self.fix_sample_came(now, id, report.as_deref(), out) {
                return;
            }
            return self.upkeep_sample_came(id, report, out);
        };
        let sample = report.filter(|report| matches!(filing.members[..], [member] if report.has_fingerprint(member)));
        let next = filing.next_after_sample(sample);
        self.carry_out(now, next, out);
    }

    pub(super) fn forge_replied(&mut self, now: Now, id: CallId, reply: ForgeReply, out: &mut Vec<Effect>) {
        if matches!(reply, ForgeReply::Leased(_)) {
            // Also when the filing that asked for it was called off: then it is given back at once.
            (self.desk.leased, self.desk.look_over) = (true, true);
        }
        let Some(filing) = self.desk.current.as_mut().filter(|filing| filing.awaits(id)) else {
            let Some(reply) = self.pull_replied(now, id, reply, out) else { return };
            let Some(reply) = self.fix_replied(now, id, reply, out) else { return };
            return self.upkeep_replied(now, id, reply, out);
        };
        let next = filing.next_after_reply(now.mono, reply);
        self.carry_out(now, next, out);
    }

    fn carry_out(&mut self, now: Now, next: Move, out: &mut Vec<Effect>) {
        match next {
            Move::Wait => {}
            Move::Sample => self.ask_for_sample(out),
            Move::Acquire => self.acquire(now, out),
            Move::Peek { until } => self.look(out, |filing, id| filing.peeking(id, until)),
            Move::Look => self.look(out, |filing, id| filing.looking(id, now.mono)),
            Move::Create => self.create(now, out),
            Move::ReopenOrAdopt { found, members } => self.reopen_or_adopt(now, found, members, out),
            Move::Adopt { found, members } => match self.handed_on(now, &found, &members) {
                Some(other) => self.reopen_or_adopt(now, other, members, out),
                None => self.adopt(now, &found, &members, out),
            },
            Move::Created(issue) => self.created(now, &issue, out),
            Move::Reopened => self.reopened(now, out),
            Move::GiveUp(give_up) => self.give_up(now, give_up, out),
        }
    }

    fn ask_for_sample(&mut self, out: &mut Vec<Effect>) {
        let id = self.new_call();
        let Some(filing) = &mut self.desk.current else { return };
        filing.sampling(id);
        let Some(fingerprint) = filing.members.first().copied() else { return };
        let holders = self.holders(&fingerprint);
        out.push(Effect::FetchSample { id, fingerprint, holders });
    }

    /// Returns other nodes that have seen a fingerprint: those with a connection first.
    pub(super) fn holders(&self, fingerprint: &Fingerprint) -> Vec<NodeId> {
        let nodes = self.ledger.entry(fingerprint).map(Entry::nodes).unwrap_or_default();
        let (near, far): (Vec<NodeId>, Vec<NodeId>) =
            nodes.into_keys().filter(|node| *node != self.me).partition(|node| self.sharing.is_connected(*node));
        near.into_iter().chain(far).take(HOLDERS_ASKED_MAX).collect()
    }

    /// Asks for the lease, unless the ledger says by now that there is nothing left to file.
    fn acquire(&mut self, now: Now, out: &mut Vec<Effect>) {
        self.drop_settled_members(now);
        let id = self.new_call();
        match &mut self.desk.current {
            Some(filing) if !filing.members.is_empty() => filing.leasing(id),
            Some(_) | None => return self.finish(out),
        }
        out.push(Effect::Forge { id, call: ForgeCall::Acquire });
    }

    fn look(&mut self, out: &mut Vec<Effect>, step: impl Fn(&mut Filing, CallId)) {
        let id = self.new_call();
        let Some(filing) = &mut self.desk.current else { return };
        step(filing, id);
        let markers = filing.members.iter().flat_map(|member| filing.markers(*member)).collect();
        out.push(Effect::Forge { id, call: ForgeCall::Look { markers } });
    }

    /// The last check before the one thing that cannot be undone.
    fn create(&mut self, now: Now, out: &mut Vec<Effect>) {
        self.drop_settled_members(now);
        let Some(filing) = &self.desk.current else { return };
        if filing.members.is_empty() {
            return self.finish(out);
        }
        let members = filing.members.clone();
        if let Some(give_up) = self.objection(now, &members) {
            return self.give_up(now, give_up, out);
        }
        let Some(draft) = self.draft(&members) else { return };
        let id = self.new_call();
        let intent = Intent { members: members.clone() };
        self.desk.intents.insert(id.0, intent.clone());
        out.push(Effect::Store(Record::Intent { id: id.0, intent }));
        for member in &members {
            self.step(*member, FilingStep::Intent, out);
        }
        if let Some(filing) = &mut self.desk.current {
            filing.creating(id);
        }
        out.push(Effect::Forge { id, call: ForgeCall::Create(draft) });
    }

    /// Returns why nothing may be created after all, if there is a reason.
    fn objection(&self, now: Now, members: &[Fingerprint]) -> Option<GiveUp> {
        let put_off = |not_before, why: &str| Some(GiveUp { unclear: false, not_before, blocked: false, why: why.to_owned() });
        let can_be_outranked = self.desk.current.as_ref().is_none_or(Filing::can_be_outranked);
        if can_be_outranked && members.iter().any(|member| self.is_outranked(now, member)) {
            return put_off(None, "another node is filing it");
        }
        if !self.can_file() {
            return put_off(None, "this node can no longer file");
        }
        match self.creates_left(now) {
            (0, wait) => put_off(Some(wait), "as many issues were filed as may be in a while (bundle.max_per_hour, bundle.max_per_day)"),
            _ => None,
        }
    }

    /// Takes out members that got an issue, or a mute, while this node was looking.
    fn drop_settled_members(&mut self, now: Now) {
        let Some(mut filing) = self.desk.current.take() else { return };
        let (gone, kept): (Vec<Fingerprint>, Vec<Fingerprint>) = filing.members.iter().partition(|member| self.is_settled(now, member));
        filing.members = kept;
        self.desk.left_unclear |= !gone.is_empty() && filing.is_unclear();
        self.desk.current = Some(filing);
        for member in gone {
            self.desk.settle(&member);
        }
    }

    fn draft(&self, members: &[Fingerprint]) -> Option<crate::IssueDraft> {
        let filing = self.desk.current.as_ref();
        let earlier = filing.and_then(|filing| filing.earlier);
        let writer = Writer { node: self.me, policy: &self.policy, earlier, told: None };
        self.draft_with(&writer, members, filing.and_then(|filing| filing.sample.as_deref()))
    }

    pub(super) fn draft_with(&self, writer: &Writer<'_>, members: &[Fingerprint], sample: Option<&Report>) -> Option<crate::IssueDraft> {
        let entries: Vec<(Fingerprint, &Entry)> = members.iter().filter_map(|member| Some((*member, self.ledger.entry(member)?))).collect();
        let is_of_sample = |member: Fingerprint| sample.is_some_and(|sample| sample.has_fingerprint(member));
        match &entries[..] {
            [] => None,
            [(fingerprint, entry)] => {
                let patterns = self.patterns_told(fingerprint, entry);
                Some(draft(writer, *fingerprint, entry, sample, &similar(&self.ledger, *fingerprint), &patterns, &self.ledger.names()))
            }
            [(fingerprint, _), ..] if entries.iter().all(|(member, _)| is_of_sample(*member)) => {
                let sum = Entry::sum(&entries.iter().map(|(_, entry)| *entry).collect::<Vec<_>>());
                let patterns = self.patterns_told(fingerprint, &sum);
                Some(draft(writer, *fingerprint, &sum, sample, &similar(&self.ledger, *fingerprint), &patterns, &self.ledger.names()))
            }
            many => Some(draft_many(writer, many)),
        }
    }

    fn created(&mut self, now: Now, issue: &IssueRef, out: &mut Vec<Effect>) {
        let Some(filing) = &self.desk.current else { return };
        let (members, earlier) = (filing.members.clone(), filing.earlier);
        for member in &members {
            let entry = self.ledger.entry(member);
            let occurrences = entry.map(Entry::occurrences).unwrap_or_default();
            let floor = earlier.map_or_else(|| entry.map(Entry::floor).unwrap_or_default(), |_| issue.number);
            let filed = Filed {
                issue: issue.clone(),
                floor,
                occurrences,
                told: occurrences,
                created: now.wall,
                standing: Standing::Open,
                at: now.wall,
                approved: false,
            };
            self.settle_as(now, *member, filed, false, out);
        }
        self.follow_with_pull(issue.number);
        self.go_on_with_others(now, &members, out);
    }

    /// An issue that was closed as done is opened again if its error came back as often as would make a new one due. Otherwise what was seen
    /// so far may all be older than the fix.
    fn reopen_or_adopt(&mut self, now: Now, found: Box<FoundIssue>, members: Vec<Fingerprint>, out: &mut Vec<Effect>) {
        let came_back = |member: &Fingerprint| {
            let entry = self.ledger.entry(member)?;
            let closed = matches!(entry.filed()?.standing, Standing::Closed(_));
            (closed && self.wants_issue(now, entry)).then_some((*member, entry))
        };
        let back: Vec<(Fingerprint, &Entry)> = members.iter().filter_map(came_back).collect();
        if back.is_empty() {
            return self.adopt(now, &found, &members, out);
        }
        let comment = reopening_comment(&back);
        let number = found.issue.number;
        let id = self.new_call();
        if let Some(filing) = &mut self.desk.current {
            filing.reopening(id, found, members);
        }
        out.push(Effect::Forge { id, call: ForgeCall::Reopen { number, comment } });
    }

    fn reopened(&mut self, now: Now, out: &mut Vec<Effect>) {
        let Some((found, members)) = self.desk.current.as_mut().and_then(|filing| filing.reopened.take()) else { return };
        for member in &members {
            let Some(entry) = self.ledger.entry(member) else { continue };
            let filed = Filed {
                issue: IssueRef { open: true, ..found.issue.clone() },
                floor: entry.floor().min(found.issue.number),
                occurrences: entry.announced(),
                told: entry.occurrences(),
                created: UnixMillis(0),
                standing: Standing::Regressed,
                at: now.wall,
                approved: found.approved,
            };
            self.settle_as(now, *member, filed, true, out);
        }
        self.go_on_with_others(now, &members, out);
    }

    /// Returns the issue that an error was handed on to when the one that was found was closed as its duplicate, if that one is closed as well
    /// and the error came back.
    fn handed_on(&self, now: Now, found: &FoundIssue, members: &[Fingerprint]) -> Option<Box<FoundIssue>> {
        let is_duplicate = matches!(found.closing?.reason, CloseReason::Duplicate { .. });
        let entry = self.ledger.entry(members.first()?).filter(|entry| is_duplicate && self.wants_issue(now, entry))?;
        let other = entry.filed().filter(|filed| filed.issue.number != found.issue.number)?;
        Some(Box::new(FoundIssue { issue: other.issue.clone(), ..found.clone() }))
    }

    fn adopt(&mut self, now: Now, found: &FoundIssue, members: &[Fingerprint], out: &mut Vec<Effect>) {
        // What was found may be this node's own create; lists elsewhere need not show it yet.
        let is_own = self.desk.current.as_ref().is_some_and(Filing::is_unclear);
        self.desk.left_unclear |= is_own;
        let succeeds = self.desk.current.as_ref().and_then(|filing| filing.earlier).is_some_and(|earlier| earlier < found.issue.number);
        for member in members {
            let Some(entry) = self.ledger.entry(member) else { continue };
            let mut filed = super::upkeep::filed_as_found(entry, found, now);
            if is_own {
                filed.created = now.wall;
            }
            if succeeds {
                filed.floor = found.issue.number;
            }
            self.settle_as(now, *member, filed, true, out);
        }
        self.go_on_with_others(now, members, out);
    }

    fn settle_as(&mut self, now: Now, member: Fingerprint, filed: Filed, adopted: bool, out: &mut Vec<Effect>) {
        let issue = filed.issue.number;
        self.file_under(now, member, filed, out);
        out.push(Effect::Note(Event::Filed { fingerprint: member, issue, by: self.me, adopted }));
        self.desk.settle(&member);
    }

    fn go_on_with_others(&mut self, now: Now, settled: &[Fingerprint], out: &mut Vec<Effect>) {
        let Some(filing) = &mut self.desk.current else { return };
        filing.members.retain(|member| !settled.contains(member));
        if filing.members.is_empty() {
            self.finish(out);
        } else {
            self.acquire(now, out);
        }
    }

    /// Says that a fingerprint has an issue. When this node created it is its own word only, for that counts against its bounds. An address that
    /// no peer would take is left out.
    pub(super) fn file_under(&mut self, now: Now, fingerprint: Fingerprint, mut filed: Filed, out: &mut Vec<Effect>) {
        filed.at = self.ledger.entry(&fingerprint).map_or(now.wall, |entry| entry.next_filed_at(now.wall));
        let own = self.own_note(&fingerprint).and_then(|note| note.issue.as_ref());
        let own = own.filter(|own| own.issue.number == filed.issue.number);
        filed.created = filed.created.max(own.map(|own| own.created).unwrap_or_default());
        if filed.issue.url.len() > URL_BYTES_MAX {
            filed.issue.url.clear();
        }
        self.say(Body::Filing { fingerprint, note: FilingNote { step: FilingStep::Idle, issue: Some(filed) } }, out);
    }

    fn finish(&mut self, out: &mut Vec<Effect>) {
        self.desk.current = None;
        self.settle_intents(out);
        self.desk.look_over();
    }

    /// Lets go of intents whose every member has an issue by now.
    fn settle_intents(&mut self, out: &mut Vec<Effect>) {
        let has_issue = |member: &Fingerprint| self.ledger.entry(member).is_none_or(|entry| entry.issue().is_some());
        let settled: Vec<u64> =
            self.desk.intents.iter().filter(|(_, intent)| intent.members.iter().all(has_issue)).map(|(id, _)| *id).collect();
        for id in settled {
            self.desk.intents.remove(&id);
            out.push(Effect::Store(Record::IntentSettled { id }));
        }
    }

    fn give_up(&mut self, now: Now, give_up: GiveUp, out: &mut Vec<Effect>) {
        let Some(filing) = self.desk.current.take() else { return };
        let not_before = give_up.not_before.map_or(self.next_bundle, |wait| now.mono + wait);
        for member in &filing.members {
            out.push(Effect::Note(Event::FilingDelayed { fingerprint: *member, why: give_up.why.clone() }));
            if let Some(due) = self.desk.due.get_mut(member) {
                due.not_before = not_before;
            }
        }
        if give_up.unclear {
            self.give_lease_back(true, out);
            self.desk.line.push_back(Filing::new(filing.members, Doubt::Own(not_before)));
        } else {
            self.release(&filing, out);
            self.let_go_of_intents(&filing.members, out);
        }
        if give_up.blocked {
            self.set_health(now, ForgeHealth::Blocked { why: give_up.why }, out);
        }
        self.desk.look_over();
    }

    /// Lets go of intents that came to nothing, for certain.
    fn let_go_of_intents(&mut self, members: &[Fingerprint], out: &mut Vec<Effect>) {
        let gone: Vec<u64> = self
            .desk
            .intents
            .iter()
            .filter(|(_, intent)| intent.members.iter().all(|member| members.contains(member)))
            .map(|(id, _)| *id)
            .collect();
        for id in gone {
            self.desk.intents.remove(&id);
            out.push(Effect::Store(Record::IntentSettled { id }));
        }
    }
}
