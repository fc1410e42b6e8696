//! From due to filed: which fingerprints are due, whose turn it is, and how far this node's own filings are.
//!
//! One filing at a time speaks to the forge; the others wait in line, claimed already, so that the next in rank knows. Turns and claims save
//! calls. What keeps an issue from being created twice is the filing's own order of steps, see `filing.rs`.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use healnode_report::{Fingerprint, Report, Severity};

use crate::elect::{Voter, candidates};
use crate::filing::{Filing, GiveUp, Move};
use crate::issue::{Writer, draft, draft_many};
use crate::ledger::Entry;
use crate::limits::{GROUP_MEMBERS_MAX, HOLDERS_ASKED_MAX, URL_BYTES_MAX};
use crate::{
    Body, CallId, Effect, Event, FilingNote, ForgeCall, ForgeHealth, ForgeReply, Intent, IssueRef, Marker, Millis, NodeId, Now, Record,
};

/// What waits to be filed, and what is being filed.
pub(super) struct Desk {
    due: BTreeMap<Fingerprint, Due>,
    /// When another node's claim was first heard, or its intent, and which of the two it was. Saying it again does not prolong its hold.
    claims: BTreeMap<Fingerprint, BTreeMap<NodeId, (Millis, bool)>>,
    /// Filings that wait for the one before them.
    line: VecDeque<Filing>,
    current: Option<Filing>,
    /// What `line` and `current` are about.
    busy: BTreeSet<Fingerprint>,
    /// Intents on disk, by the number of their filing.
    intents: BTreeMap<u64, Intent>,
    /// Whether who goes first may have changed.
    look_over: bool,
    /// When the next turn comes, or the next claim loses its hold.
    next_turn: Option<Millis>,
}

#[derive(Clone, Copy)]
struct Due {
    since: Millis,
    not_before: Millis,
}

impl Desk {
    /// Takes up what may have been sent before a restart: it is looked for before anything else.
    pub(super) fn new(intents: BTreeMap<u64, Intent>, now: Millis) -> Self {
        let line: VecDeque<Filing> = intents.values().map(|intent| Filing::new(intent.members.clone(), Some(now))).collect();
        let busy = intents.values().flat_map(|intent| &intent.members).copied().collect();
        Self { due: BTreeMap::new(), claims: BTreeMap::new(), line, current: None, busy, intents, look_over: true, next_turn: None }
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
        let min = self.policy.min_occurrences;
        let often_enough = |entry: &Entry| entry.occurrences() >= min || entry.severity() == Some(Severity::Critical);
        let ripe = |entry: &Entry| often_enough(entry) && entry.issue().is_none() && entry.muted(now.wall).is_none();
        let fresh: Vec<Fingerprint> = self
            .ledger
            .entries()
            .filter(|(fingerprint, entry)| ripe(entry) && !self.desk.is_due(fingerprint))
            .map(|(fingerprint, _)| *fingerprint)
            .collect();
        let filers: Vec<NodeId> = if fresh.is_empty() { Vec::new() } else { self.live_filers(now).collect() };
        for fingerprint in fresh {
            self.make_due(now, fingerprint, &filers, out);
        }
        self.desk.look_over();
    }

    /// A critical error does not wait for the bundle.
    pub(super) fn due_at_once(&mut self, now: Now, fingerprint: Fingerprint, out: &mut Vec<Effect>) {
        let Some(entry) = self.ledger.entry(&fingerprint) else { return };
        if !self.desk.is_due(&fingerprint) && entry.issue().is_none() && entry.muted(now.wall).is_none() {
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
    }

    /// Returns who may file a fingerprint, in the order of their turns.
    pub(super) fn candidates(&self, now: Now, fingerprint: &Fingerprint) -> Vec<NodeId> {
        self.candidates_among(self.live_filers(now), fingerprint)
    }

    fn candidates_among(&self, filers: impl Iterator<Item = NodeId>, fingerprint: &Fingerprint) -> Vec<NodeId> {
        let holders = self.ledger.entry(fingerprint).map(Entry::nodes).unwrap_or_default();
        candidates(filers.map(|node| Voter { node, holds: holders.get(&node).is_some_and(|tally| tally.count > 0) }))
    }

    /// Returns the live nodes that can file, this one among them if it can.
    pub(super) fn live_filers(&self, now: Now) -> impl Iterator<Item = NodeId> {
        let others = self.ledger.filers().filter(move |node| *node != self.me && self.is_live(now, *node));
        others.chain(self.can_file().then_some(self.me))
    }

    /// Another node said how far it is with a filing. Elections are held again only where that can bring a turn nearer or end one: a claim
    /// on what this node merely waits for puts its turn off, and that is seen when the turn comes.
    pub(super) fn note_came(&mut self, now: Now, by: NodeId, fingerprint: Fingerprint, note: &FilingNote, out: &mut Vec<Effect>) {
        match note {
            FilingNote::Claim | FilingNote::Intent => {
                let unclear = *note == FilingNote::Intent;
                let heard = self.desk.claims.entry(fingerprint).or_default().entry(by).or_insert((now.mono, unclear));
                if unclear && !heard.1 {
                    *heard = (now.mono, true);
                }
            }
            FilingNote::Released => {
                if let Some(claims) = self.desk.claims.get_mut(&fingerprint) {
                    claims.remove(&by);
                }
            }
            FilingNote::Filed { issue, .. } => {
                let issue = issue.number;
                self.desk.forget(&fingerprint);
                out.push(Effect::Note(Event::Filed { fingerprint, issue, by, adopted: false }));
            }
        }
        if self.desk.busy.contains(&fingerprint) || matches!(note, FilingNote::Released) {
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
    }

    fn my_turn(&mut self, now: Now) -> Vec<Fingerprint> {
        let mut mine = Vec::new();
        let mut settled = Vec::new();
        let mut next_turn: Option<Millis> = None;
        let filers: Vec<NodeId> = if self.desk.due.is_empty() { Vec::new() } else { self.live_filers(now).collect() };
        for (fingerprint, due) in &self.desk.due {
            let Some(entry) = self.ledger.entry(fingerprint) else { continue };
            if entry.issue().is_some() || entry.muted(now.wall).is_some() {
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
        let rank = self.candidates_among(filers.iter().copied(), fingerprint).iter().position(|node| *node == self.me)?;
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
            let unclear = match note {
                FilingNote::Claim => false,
                FilingNote::Intent => true,
                FilingNote::Released | FilingNote::Filed { .. } => return None,
            };
            let at = heard.and_then(|heard| heard.get(&by)).map_or(self.started, |(at, _)| *at);
            let holds = by != self.me && self.is_live(now, by) && at + self.policy.claim_patience > now.mono;
            holds.then_some((by, unclear, at))
        })
    }

    /// Returns whether another node, or this one before it lost its disk, may have sent a create that nobody has seen the outcome of.
    fn is_taken_over(&self, fingerprint: &Fingerprint) -> bool {
        let mut notes = self.ledger.entry(fingerprint).into_iter().flat_map(Entry::notes);
        notes.any(|(source, note)| source != (self.me, self.epoch) && matches!(note, FilingNote::Claim | FilingNote::Intent))
    }

    /// Gives up filings that another node is ahead with, as long as nothing was sent.
    fn stand_back(&mut self, now: Now, out: &mut Vec<Effect>) {
        self.release_where(|node, filing| filing.members.iter().any(|member| node.is_outranked(now, member)), out);
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
            self.note(*member, FilingNote::Released, out);
        }
    }

    fn note(&mut self, fingerprint: Fingerprint, note: FilingNote, out: &mut Vec<Effect>) {
        self.say(Body::Filing { fingerprint, note }, out);
    }

    fn claim(&mut self, now: Now, mine: &[Fingerprint], out: &mut Vec<Effect>) {
        for member in mine {
            self.desk.busy.insert(*member);
            self.note(*member, FilingNote::Claim, out);
            out.push(Effect::Note(Event::Claimed { fingerprint: *member }));
        }
        let (resumed, fresh): (Vec<Fingerprint>, Vec<Fingerprint>) = mine.iter().partition(|member| self.is_taken_over(member));
        self.line_up(&resumed, Some(now.mono));
        self.line_up(&fresh, None);
    }

    /// Puts filings in line. Too many that wait become lists, however slowly they came.
    fn line_up(&mut self, members: &[Fingerprint], resumed: Option<Millis>) {
        let mut members = members.to_vec();
        if resumed.is_none() && members.len() + self.desk.line.len() > self.policy.storm {
            let line = std::mem::take(&mut self.desk.line);
            let (waiting, kept): (VecDeque<Filing>, VecDeque<Filing>) = line.into_iter().partition(Filing::is_revocable);
            self.desk.line = kept;
            members.extend(waiting.into_iter().flat_map(|filing| filing.members));
        }
        let group_size = if members.len() > self.policy.storm { GROUP_MEMBERS_MAX } else { 1 };
        for group in members.chunks(group_size) {
            self.desk.line.push_back(Filing::new(group.to_vec(), resumed));
        }
    }

    fn start_next(&mut self, now: Now, out: &mut Vec<Effect>) {
        if self.desk.current.is_some() || self.health != ForgeHealth::Ready || self.upkeep.is_busy() {
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

    fn go_on_if_time(&mut self, now: Now, out: &mut Vec<Effect>) {
        if let Some(filing) = &self.desk.current {
            let next = filing.next_after_wait(now.mono);
            self.carry_out(now, next, out);
        }
    }

    pub(super) fn next_desk_work(&self) -> Option<Millis> {
        let filing = self.desk.current.as_ref().and_then(Filing::wakes_at);
        let can_start = self.desk.current.is_none() && self.health == ForgeHealth::Ready && !self.upkeep.is_busy();
        let settled_at = self.started + self.policy.settle;
        let waiting = self.desk.line.iter().map(|filing| filing.not_before.max(settled_at)).min().filter(|_| can_start);
        [filing, waiting, self.desk.next_turn].into_iter().flatten().min()
    }

    pub(super) fn sample_came(&mut self, now: Now, id: CallId, report: Option<Box<Report>>, out: &mut Vec<Effect>) {
        let Some(filing) = self.desk.current.as_mut().filter(|filing| filing.awaits(id)) else {
            return self.upkeep_sample_came(id, report, out);
        };
        let sample = report.filter(|report| filing.members == [report.fingerprint()]);
        let next = filing.next_after_sample(sample);
        self.carry_out(now, next, out);
    }

    pub(super) fn forge_replied(&mut self, now: Now, id: CallId, reply: ForgeReply, out: &mut Vec<Effect>) {
        let Some(filing) = self.desk.current.as_mut().filter(|filing| filing.awaits(id)) else {
            return self.upkeep_replied(now, id, reply, out);
        };
        let next = filing.next_after_reply(now.mono, reply);
        self.carry_out(now, next, out);
    }

    fn carry_out(&mut self, now: Now, next: Move, out: &mut Vec<Effect>) {
        match next {
            Move::Wait => {}
            Move::Sample => self.ask_for_sample(out),
            Move::Look => self.look(out),
            Move::Create => self.create(now, out),
            Move::Adopt { issue, members, created } => self.adopt(now, &issue, &members, created, out),
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

    fn look(&mut self, out: &mut Vec<Effect>) {
        let id = self.new_call();
        let Some(filing) = &mut self.desk.current else { return };
        filing.looking(id);
        let markers = filing.members.iter().map(|member| Marker::of(*member)).collect();
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
        let foreign = members.iter().any(|member| self.is_outranked(now, member));
        if foreign || !self.can_file() {
            let why = if foreign { "another node is filing it" } else { "this node can no longer file" };
            return self.give_up(now, GiveUp { unclear: false, not_before: None, blocked: false, why: why.to_owned() }, out);
        }
        let Some(draft) = self.draft(&members) else { return };
        let id = self.new_call();
        let intent = Intent { members: members.clone() };
        self.desk.intents.insert(id.0, intent.clone());
        out.push(Effect::Store(Record::Intent { id: id.0, intent }));
        for member in &members {
            self.note(*member, FilingNote::Intent, out);
        }
        if let Some(filing) = &mut self.desk.current {
            filing.creating(id);
        }
        out.push(Effect::Forge { id, call: ForgeCall::Create(draft) });
    }

    /// Takes out members that got an issue, or a mute, while this node was looking.
    fn drop_settled_members(&mut self, now: Now) {
        let Some(mut filing) = self.desk.current.take() else { return };
        let settled =
            |member: &Fingerprint| self.ledger.entry(member).is_none_or(|entry| entry.issue().is_some() || entry.muted(now.wall).is_some());
        let (gone, kept): (Vec<Fingerprint>, Vec<Fingerprint>) = filing.members.iter().partition(|member| settled(member));
        filing.members = kept;
        self.desk.current = Some(filing);
        for member in gone {
            self.desk.settle(&member);
        }
    }

    fn draft(&self, members: &[Fingerprint]) -> Option<crate::IssueDraft> {
        let writer = Writer { node: self.me, policy: &self.policy };
        let sample = self.desk.current.as_ref().and_then(|filing| filing.sample.as_deref());
        self.draft_with(&writer, members, sample)
    }

    pub(super) fn draft_with(&self, writer: &Writer<'_>, members: &[Fingerprint], sample: Option<&Report>) -> Option<crate::IssueDraft> {
        let entries: Vec<(Fingerprint, &Entry)> = members.iter().filter_map(|member| Some((*member, self.ledger.entry(member)?))).collect();
        match &entries[..] {
            [] => None,
            [(fingerprint, entry)] => Some(draft(writer, *fingerprint, entry, sample)),
            many => Some(draft_many(writer, many)),
        }
    }

    fn adopt(&mut self, now: Now, issue: &IssueRef, members: &[Fingerprint], created: bool, out: &mut Vec<Effect>) {
        for member in members {
            let entry = self.ledger.entry(member);
            let occurrences = if created { entry.map(Entry::occurrences).unwrap_or_default() } else { 0 };
            self.file_under(now, *member, issue, occurrences, out);
            out.push(Effect::Note(Event::Filed { fingerprint: *member, issue: issue.number, by: self.me, adopted: !created }));
            self.desk.settle(member);
        }
        let Some(filing) = &mut self.desk.current else { return };
        filing.members.retain(|member| !members.contains(member));
        if filing.members.is_empty() {
            self.finish(out);
        } else {
            self.look(out);
        }
    }

    /// Says that a fingerprint has an issue, which names so many occurrences. An address that no peer would take is left out.
    pub(super) fn file_under(&mut self, now: Now, fingerprint: Fingerprint, issue: &IssueRef, occurrences: u64, out: &mut Vec<Effect>) {
        let at = self.ledger.entry(&fingerprint).map_or(now.wall, |entry| entry.next_filed_at(now.wall));
        let url = if issue.url.len() <= URL_BYTES_MAX { issue.url.clone() } else { String::new() };
        self.note(fingerprint, FilingNote::Filed { issue: IssueRef { url, ..*issue }, occurrences, at }, out);
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
            self.desk.line.push_back(Filing::new(filing.members, Some(not_before)));
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
