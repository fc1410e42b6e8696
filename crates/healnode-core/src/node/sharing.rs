//! What this node says to the others, and what it hears.
//!
//! Push: each statement goes out once, to everybody, and may be lost. Pull: at every connection and every second or so one peer is asked
//! for what this node lacks, which repairs whatever was lost. Liveness is judged by when a node's own statements arrive, never by the
//! times written in them.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use healnode_report::Severity;

use crate::ledger::{Merged, Source};
use crate::limits::{ORIGINS_MAX, PAGE_BYTES_MAX, RUN_BYTES_MAX, SEQ_RESERVE};
use crate::{
    Body, CallId, Digest, DropReason, Effect, Event, ForgeHealth, Millis, NodeId, Now, Presence, Record, Run, Seq, Signed, Statement,
    SyncRequest, SyncResponse,
};

/// What this node knows of its neighbours, and how far it is with its own statements.
#[derive(Clone, Hash)]
pub(super) struct Sharing {
    peers: BTreeMap<NodeId, Peer>,
    /// Nodes known from before the start. Each counts as live until a presence time-out has passed: a node that has just started has
    /// heard from nobody, and would otherwise think itself first in line.
    presumed: BTreeSet<NodeId>,
    /// The number of the last own statement.
    last_seq: Seq,
    /// Numbers up to this one may be used without a further write.
    seq_reserved: Seq,
    /// Own statements with numbers up to this one may have been lost from this disk, and come back from peers.
    lost_up_to: Seq,
    /// Whether no peer was asked for them yet. Until then this node does not say that it has heard itself beyond what it has.
    recovers: bool,
    /// The number of the last own statement that was published.
    published: Seq,
    /// Said, and not yet published.
    outgoing: Vec<Signed>,
    pub(super) statements_published: u64,
    last_asked: Option<NodeId>,
    /// Up to where origins were offered by peers, and something of it could not be taken in: there was no room, or it is not allowed. Other
    /// nodes are not told, and for a while this node does not ask again, so that nothing holds up what comes behind.
    passed: BTreeMap<Source, (Seq, Millis)>,
    /// How often in a row a peer had nothing that this node lacks.
    quiet_pulls: u32,
    /// When a copy of this node's identity was last told of.
    copy_told: Option<Millis>,
    pub(super) next_presence: Millis,
    pub(super) next_pull: Millis,
}

#[derive(Clone, Hash, Default)]
struct Peer {
    connected: bool,
    heard_at: Option<Millis>,
    /// Whether its last connection has closed since then: then it counts as gone until it is heard again.
    gone: bool,
    asked: bool,
    /// What it had heard when it was last asked for statements, until the last page is there.
    offers: Option<Digest>,
}

/// How long what was offered and could not be taken in is not asked for again.
const PASS_FOR: Duration = Duration::from_secs(600);

/// How often people are told that a copy of this node's identity is about.
const COPY_TOLD_EVERY: Duration = Duration::from_secs(3600);

/// How often the interval between two pulls doubles while peers have nothing that this node lacks. What gossip lost is repaired that much later,
/// and an idle mesh costs a quarter.
const PULL_DOUBLINGS_MAX: u32 = 2;

impl Sharing {
    /// Goes on behind every number that may have been used.
    pub(super) fn new(presumed: BTreeSet<NodeId>, said: Seq, reserved: Seq, now: Millis) -> Self {
        Self {
            peers: BTreeMap::new(),
            presumed,
            last_seq: said.max(reserved),
            seq_reserved: reserved,
            lost_up_to: said.max(reserved),
            recovers: reserved > said,
            published: said.max(reserved),
            outgoing: Vec::new(),
            statements_published: 0,
            last_asked: None,
            passed: BTreeMap::new(),
            quiet_pulls: 0,
            copy_told: None,
            next_presence: now,
            next_pull: now,
        }
    }

    pub(super) fn is_connected(&self, peer: NodeId) -> bool {
        self.peers.get(&peer).is_some_and(|peer| peer.connected)
    }

    pub(super) fn heard_at(&self, peer: NodeId) -> Option<Millis> {
        self.peers.get(&peer).and_then(|peer| peer.heard_at)
    }

    /// Returns every node that may be live.
    pub(super) fn known(&self) -> impl Iterator<Item = NodeId> {
        let presumed = self.presumed.iter().filter(|node| !self.peers.contains_key(node));
        self.peers.keys().chain(presumed).copied()
    }
}

impl super::Node {
    /// Says something under this node's own name. It is kept before it leaves.
    pub(super) fn say(&mut self, body: Body, out: &mut Vec<Effect>) {
        let seq = self.next_seq(out);
        let statement = Statement { origin: self.me, epoch: self.epoch, seq, body };
        let signature = self.signer.sign(&statement);
        let signed = Signed { statement, signature };
        let merged = self.ledger.merge(signed.clone(), true);
        if !self.note_merge(&signed, merged, out) {
            return;
        }
        if !self.sharing.recovers {
            self.ledger.hear((self.me, self.epoch), Seq(0), seq);
        }
        out.push(Effect::Store(Record::Statement(signed.clone())));
        self.sharing.outgoing.push(signed);
    }

    /// Returns until when nothing is said about counts, because one that was said before and lost from this disk may be higher: until a peer
    /// was asked, but no longer than the node settles.
    pub(super) fn recovers_until(&self) -> Millis {
        if self.sharing.recovers { self.started + self.policy.settle } else { Millis(0) }
    }

    /// A peer has given back whatever this node once said and lost.
    fn end_recovery(&mut self) {
        if !std::mem::take(&mut self.sharing.recovers) {
            return;
        }
        let me = (self.me, self.epoch);
        self.ledger.hear(me, Seq(0), self.ledger.highest(me));
        self.counting.next_flush = self.counting.next_flush.map(|_| Millis(0));
    }

    fn next_seq(&mut self, out: &mut Vec<Effect>) -> Seq {
        let seq = Seq(self.sharing.last_seq.0 + 1);
        self.sharing.last_seq = seq;
        if seq > self.sharing.seq_reserved {
            self.sharing.seq_reserved = Seq(seq.0 + SEQ_RESERVE);
            out.push(Effect::Store(Record::SeqReserved(self.sharing.seq_reserved)));
        }
        seq
    }

    /// Publishes what was said during this input, in runs of bounded size.
    pub(super) fn publish_said(&mut self, out: &mut Vec<Effect>) {
        let mut statements = std::mem::take(&mut self.sharing.outgoing).into_iter().peekable();
        while statements.peek().is_some() {
            let mut run = Run {
                origin: self.me,
                epoch: self.epoch,
                after: self.sharing.published,
                through: self.sharing.published,
                statements: Vec::new(),
            };
            let mut bytes = 0;
            while let Some(signed) =
                statements.next_if(|signed| run.statements.is_empty() || bytes + signed.size_estimate() <= RUN_BYTES_MAX)
            {
                bytes += signed.size_estimate();
                run.through = signed.statement.seq;
                run.statements.push(signed);
            }
            self.sharing.published = run.through;
            self.sharing.statements_published += run.statements.len() as u64;
            out.push(Effect::Publish(run));
        }
    }

    pub(super) fn keep_present(&mut self, now: Now, out: &mut Vec<Effect>) {
        if self.sharing.next_presence <= now.mono {
            self.say_presence(now, out);
        }
    }

    fn say_presence(&mut self, now: Now, out: &mut Vec<Effect>) {
        self.sharing.next_presence = now.mono + self.policy.presence_interval;
        let presence = Presence {
            can_file: self.can_file(),
            can_fix: self.can_fix(),
            version: self.policy.version.clone(),
            name: self.policy.name.clone(),
            algorithm: self.policy.algorithm,
        };
        self.say(Body::Presence(presence), out);
        let timeout = self.policy.presence_timeout;
        self.sharing.peers.retain(|_, peer| peer.connected || peer.heard_at.is_some_and(|at| now.mono.since(at) < timeout));
        self.desk.look_over();
    }

    pub(super) fn set_health(&mut self, now: Now, health: ForgeHealth, out: &mut Vec<Effect>) {
        let could = self.can_file();
        let is_news = self.health != health;
        self.health = health;
        let can_file = self.can_file();
        if is_news && self.policy.may_file {
            out.push(Effect::Note(Event::CanFile { can_file, why: self.cannot_file_why() }));
        }
        if could != can_file {
            if !can_file {
                self.release_all(out);
            }
            self.say_presence(now, out);
        }
    }

    pub(super) fn can_file(&self) -> bool {
        self.policy.may_file && self.health == ForgeHealth::Ready
    }

    pub(super) fn cannot_file_why(&self) -> String {
        match &self.health {
            _ if self.policy.dry_run => "this is a dry run, so nothing is filed".to_owned(),
            _ if !self.policy.may_file => "filing is off (auto_issue = false)".to_owned(),
            ForgeHealth::Ready => String::new(),
            ForgeHealth::Blocked { why } => why.clone(),
        }
    }

    /// Returns whether a node takes part: it is this one, it was heard lately, or there was no time yet to notice that it is gone.
    pub(super) fn is_live(&self, now: Now, node: NodeId) -> bool {
        let is_presumed = || now.mono.since(self.started) < self.policy.presence_timeout && self.sharing.presumed.contains(&node);
        node == self.me || self.is_heard(now, node) || is_presumed()
    }

    /// Returns whether a node was heard lately.
    pub(super) fn is_heard(&self, now: Now, node: NodeId) -> bool {
        let peer = self.sharing.peers.get(&node).filter(|peer| !peer.gone);
        peer.and_then(|peer| peer.heard_at).is_some_and(|at| now.mono.since(at) < self.policy.presence_timeout)
    }

    pub(super) fn peer_up(&mut self, now: Now, peer: NodeId, out: &mut Vec<Effect>) {
        self.heard_from(now, peer);
        let known = self.sharing.peers.entry(peer).or_default();
        known.connected = true;
        known.asked = false;
        self.ask(peer, out);
    }

    pub(super) fn peer_down(&mut self, peer: NodeId) {
        if let Some(peer) = self.sharing.peers.get_mut(&peer) {
            (peer.connected, peer.asked, peer.gone) = (false, false, true);
        }
        self.sharing.presumed.remove(&peer);
        self.desk.look_over();
    }

    /// Merges a run. Whoever is heard to have said something new is alive; old words said again are no sign of it.
    pub(super) fn hear_run(&mut self, now: Now, run: Run, out: &mut Vec<Effect>) {
        if !self.policy.allow.is_empty() && run.origin != self.me && !self.policy.allow.contains(&run.origin) {
            return self.drop_counted(DropReason::NotAllowed, out);
        }
        let source = (run.origin, run.epoch);
        let known_before = self.ledger.highest(source);
        let mut through = run.through;
        for signed in run.statements {
            let seq = signed.statement.seq;
            if !self.hear_statement(now, source, signed, out) {
                through = through.min(Seq(seq.0.saturating_sub(1)));
            }
        }
        if let Some(through) = self.ledger.hear(source, run.after, through) {
            out.push(Effect::Store(Record::Heard { origin: source.0, epoch: source.1, through }));
        }
        if run.after > self.ledger.through(source) {
            self.pull_soon(now);
        }
        if source.0 != self.me && self.ledger.highest(source) > known_before {
            self.heard_from(now, source.0);
        }
    }

    fn heard_from(&mut self, now: Now, node: NodeId) {
        let peer = self.sharing.peers.entry(node).or_default();
        let before = peer.heard_at.replace(now.mono);
        let was_gone = std::mem::take(&mut peer.gone);
        if was_gone || before.is_none_or(|at| now.mono.since(at) >= self.policy.presence_timeout) {
            self.desk.look_over();
        }
    }

    /// Merges one statement. Returns whether it may count as heard: one that was dropped for want of room must be asked for again, by this node
    /// and by those that hear through it.
    fn hear_statement(&mut self, now: Now, source: Source, signed: Signed, out: &mut Vec<Effect>) -> bool {
        if source == (self.me, self.epoch) && signed.statement.seq > self.sharing.lost_up_to {
            if self.ledger.highest(source) < signed.statement.seq {
                self.tell_of_copy(now, out);
            }
            return false;
        }
        let was_filer = matches!(signed.statement.body, Body::Presence(_)).then(|| self.is_filer(source.0));
        let former = self.former_count(source, &signed.statement.body);
        let merged = self.ledger.merge(signed.clone(), source.0 == self.me);
        if !self.note_merge(&signed, merged, out) {
            return merged == Merged::Known;
        }
        out.push(Effect::Store(Record::Statement(signed.clone())));
        self.follow_up(now, source, &signed, out);
        self.note_count(now, &signed.statement.body, former, out);
        if was_filer.is_some_and(|was| was != self.is_filer(source.0)) {
            self.desk.look_over();
        }
        true
    }

    /// A copy speaks as often as this node itself; people need to hear of it now and then.
    fn tell_of_copy(&mut self, now: Now, out: &mut Vec<Effect>) {
        if self.sharing.copy_told.is_none_or(|at| now.mono.since(at) >= COPY_TOLD_EVERY) {
            self.sharing.copy_told = Some(now.mono);
            out.push(Effect::Note(Event::ClonedIdentity { origin: self.me }));
        }
    }

    /// Returns whether a node last said that it can file.
    pub(super) fn is_filer(&self, node: NodeId) -> bool {
        self.ledger.presence(node).is_some_and(|presence| presence.can_file)
    }

    fn follow_up(&mut self, now: Now, source: Source, signed: &Signed, out: &mut Vec<Effect>) {
        match &signed.statement.body {
            Body::Tally { fingerprint, tally } => {
                if source == (self.me, self.epoch) {
                    self.counting.recover(*fingerprint, tally);
                }
                if tally.head.severity == Severity::Critical {
                    self.due_at_once(now, *fingerprint, out);
                    self.roll_back_if_to_blame(now, *fingerprint, out);
                }
            }
            Body::Filing { fingerprint, note } => self.note_came(now, source.0, *fingerprint, note, out),
            Body::Mute { .. } => self.desk.look_over(),
            Body::Fix { fingerprint, note } => self.fix_note_came(now, source.0, *fingerprint, note),
            Body::Presence(_) => {}
        }
    }

    /// Asks the next connected peer for what this node lacks.
    pub(super) fn pull_from_next(&mut self, now: Now, out: &mut Vec<Effect>) {
        if self.sharing.next_pull > now.mono {
            return;
        }
        self.sharing.next_pull = now.mono + self.policy.pull_interval.saturating_mul(1 << self.sharing.quiet_pulls);
        let connected = |(peer, state): (&NodeId, &Peer)| (state.connected && !state.asked).then_some(*peer);
        let after = self.sharing.peers.iter().filter_map(connected).find(|peer| Some(*peer) > self.sharing.last_asked);
        let next = after.or_else(|| self.sharing.peers.iter().find_map(connected));
        if let Some(peer) = next {
            self.sharing.last_asked = Some(peer);
            self.ask(peer, out);
        }
    }

    /// Something is missing somewhere, so the next pull does not wait any longer than it has to.
    fn pull_soon(&mut self, now: Now) {
        self.sharing.quiet_pulls = 0;
        self.sharing.next_pull = self.sharing.next_pull.min(now.mono + self.policy.pull_interval);
    }

    fn ask(&mut self, to: NodeId, out: &mut Vec<Effect>) {
        let summary = self.ledger.summary();
        self.send_request(to, SyncRequest::Compare { summary }, out);
    }

    fn send_request(&mut self, to: NodeId, request: SyncRequest, out: &mut Vec<Effect>) {
        if let Some(peer) = self.sharing.peers.get_mut(&to) {
            peer.asked = true;
            out.push(Effect::Ask { to, request });
        }
    }

    pub(super) fn asked(&mut self, id: CallId, request: SyncRequest, out: &mut Vec<Effect>) {
        let response = match request {
            SyncRequest::Compare { summary } => {
                if self.ledger.summary() == summary {
                    SyncResponse::Same
                } else {
                    SyncResponse::Differs { digest: self.ledger.digest() }
                }
            }
            SyncRequest::Want { have } => {
                let (runs, more) = self.ledger.page(&have, PAGE_BYTES_MAX);
                SyncResponse::Page { runs, more }
            }
        };
        out.push(Effect::Answer { id, response });
    }

    pub(super) fn answered(&mut self, now: Now, from: NodeId, response: Option<SyncResponse>, out: &mut Vec<Effect>) {
        if let Some(peer) = self.sharing.peers.get_mut(&from) {
            peer.asked = false;
        }
        match response {
            None => {}
            Some(SyncResponse::Same) => {
                self.sharing.quiet_pulls = (self.sharing.quiet_pulls + 1).min(PULL_DOUBLINGS_MAX);
                self.end_recovery();
            }
            Some(SyncResponse::Differs { digest }) => {
                self.pull_soon(now);
                self.want(now, from, digest, out);
            }
            Some(SyncResponse::Page { runs, more }) => {
                let last = runs.last().map(|run| ((run.origin, run.epoch), run.statements.last().map(|signed| signed.statement.seq)));
                for run in runs {
                    self.hear_run(now, run, out);
                }
                let offers = self.sharing.peers.get_mut(&from).and_then(|peer| peer.offers.take());
                let Some(offers) = offers else { return };
                self.pass(now, &offers, last.filter(|_| more));
                if more { self.want(now, from, offers, out) } else { self.end_recovery() }
            }
        }
    }

    /// Notes what a page has offered: everything, or, if it was cut, what comes before the origin that it was cut in, and of that one what it
    /// held. A page that held nothing of it has offered all that can be had.
    fn pass(&mut self, now: Now, offers: &Digest, cut: Option<(Source, Option<Seq>)>) {
        for (source, offered) in &offers.0 {
            let through = match cut {
                Some((last, _)) if *source > last => break,
                Some((last, Some(held))) if *source == last => held,
                Some(_) | None => *offered,
            };
            let is_open = self.ledger.through(*source) < through;
            if is_open && (self.sharing.passed.len() < ORIGINS_MAX || self.sharing.passed.contains_key(source)) {
                self.sharing.passed.insert(*source, (through, now.mono));
            }
        }
    }

    /// Asks a peer for what it has heard, and this node has neither heard nor passed.
    fn want(&mut self, now: Now, from: NodeId, digest: Digest, out: &mut Vec<Effect>) {
        self.sharing.passed.retain(|_, (_, at)| now.mono.since(*at) < PASS_FOR);
        let passed = |source: &Source| self.sharing.passed.get(source).map(|(seq, _)| *seq).unwrap_or_default();
        let have = Digest(digest.0.keys().map(|source| (*source, self.ledger.through(*source).max(passed(source)))).collect());
        if !have.lacks(&digest) {
            return self.end_recovery();
        }
        if let Some(peer) = self.sharing.peers.get_mut(&from) {
            peer.offers = Some(digest);
        }
        self.send_request(from, SyncRequest::Want { have }, out);
    }
}
