//! Everything that there is at one moment, and how inputs and effects go round.
//!
//! A step hands inputs to nodes and carries out what they ask for: records go to their disk at once, runs and calls are under way until a
//! later step moves them on. What nodes ask each other when a connection opens is answered within the step. Which steps there are is in
//! `action.rs`.

use std::collections::{BTreeMap, VecDeque};
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use healnode_core::limits::LOOK_AGAIN_AFTER;
use healnode_core::{
    Admission, Algorithm, Algorithms, CallId, Effect, Epoch, Event, ForgeCall, ForgeHealth, ForgeReply, Input, LEASE_LEFT_MIN, LeaseNonce,
    Millis, Node, NodeId, Now, Policy, RawError, Report, Run, Severity, Signature, Signer, Snapshot, Statement, UnixMillis,
};

use crate::forge::{Answer, Begun, Call, Edge, Forge, Orphan, Request, Stage};
use crate::member::{Hashed, Member, Unclear, hash_of};
use crate::{Bounds, Defect, Faults};

/// The time on the wall when it all begins: a whole multiple of every bundle interval in use.
const WALL_BASE_MS: u64 = 1_795_612_200_000;

/// Longer than anything that is explored.
const NEVER: Duration = Duration::from_secs(24 * 3600);

/// All nodes, the forge, and what is under way.
#[derive(Clone)]
pub struct State {
    pub(crate) bounds: Arc<Bounds>,
    pub(crate) now: Millis,
    pub(crate) members: Vec<Member>,
    pub(crate) forge: Forge,
    pub(crate) runs: BTreeMap<Passage, Flight>,
    /// Whether the first node is cut off from the others.
    pub(crate) cut: bool,
    /// Faults that may still happen.
    pub(crate) left: Faults,
    pub(crate) seen: Seen,
}

/// A run on its way: to whom, from whom, and up to which number.
pub(crate) type Passage = (usize, usize, u64);

/// A run on its way, maybe several times.
#[derive(Clone)]
pub(crate) struct Flight {
    pub(crate) run: Arc<Run>,
    hash: u64,
    pub(crate) copies: u8,
    /// Whether time passes while it is on its way.
    pub(crate) late: bool,
}

impl Hash for Flight {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        (self.hash, self.copies, self.late).hash(hasher);
    }
}

/// What has happened that should not, or that a check ought to have come across.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default, Debug)]
pub(crate) struct Seen {
    /// A create took effect whose sender did not hold the lease.
    pub(crate) unleased_create: bool,
    /// A create was sent while another might still take effect.
    pub(crate) create_beside_another: bool,
    /// A create was sent after an unclear one, without a look that would have shown its issue.
    pub(crate) blind_create: bool,
    /// A create was sent after an unclear one.
    pub(crate) second_create: bool,
    /// The lease of a node that had not given it back was taken.
    pub(crate) takeover: bool,
    /// An issue was found by a look.
    pub(crate) adoption: bool,
}

impl Hash for State {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        let Self { bounds: _, now, members, forge, runs, cut, left, seen } = self;
        (now, members, forge, runs, cut, left, seen).hash(hasher);
    }
}

/// By their hashes, as the checker compares them too.
impl PartialEq for State {
    fn eq(&self, other: &Self) -> bool {
        hash_of(self) == hash_of(other)
    }
}

struct NoKey;

impl Signer for NoKey {
    fn sign(&self, statement: &Statement) -> Signature {
        Signature([statement.seq.0 as u8; 64])
    }
}

/// Inputs that are to be handed over, and questions that wait for their answer.
#[derive(Default)]
struct Round {
    inputs: VecDeque<(usize, Input)>,
    askers: BTreeMap<CallId, usize>,
    questions: u64,
}

impl State {
    /// All nodes have started, and know each other; nothing has happened yet.
    pub(crate) fn first(bounds: &Bounds) -> Self {
        let member = |place: usize| Member {
            id: NodeId::from_key([place as u8 + 1; 32]),
            node: None,
            disk: Hashed::new(Snapshot::default()),
            sample: None,
            lives: 0,
            reported: false,
            wake_at: None,
            edge: Edge::new(place, 0),
            calls: VecDeque::new(),
            unclear: None,
        };
        let mut state = Self {
            bounds: Arc::new(bounds.clone()),
            now: Millis(0),
            members: (0..usize::from(bounds.nodes)).map(member).collect(),
            forge: Forge::default(),
            runs: BTreeMap::new(),
            cut: false,
            left: bounds.faults,
            seen: Seen::default(),
        };
        for place in 0..state.members.len() {
            state.start(place);
        }
        while let Some(passage) = state.runs.keys().next().copied() {
            state.deliver(passage);
        }
        if bounds.split {
            state.cut_off();
        }
        state.seal();
        state
    }

    pub(crate) fn time(&self) -> Now {
        Now { mono: self.now, wall: UnixMillis(WALL_BASE_MS + self.now.0) }
    }

    /// Brings the hashes up to date.
    pub(crate) fn seal(&mut self) {
        self.members.iter_mut().for_each(Member::seal);
    }

    pub(crate) fn is_alive(&self, place: usize) -> bool {
        self.members[place].node.is_some()
    }

    pub(crate) fn places(&self) -> std::ops::Range<usize> {
        0..self.members.len()
    }

    fn reaches(&self, a: usize, b: usize) -> bool {
        self.is_alive(a) && self.is_alive(b) && !(self.cut && (a == 0) != (b == 0))
    }

    /// Returns the versions of the algorithm that a node knows.
    pub(crate) fn algorithms(&self, place: usize) -> Algorithms {
        let this = Algorithms::BUILT_IN.current;
        if !self.bounds.mixed || place + 1 < self.members.len() {
            return Algorithms::BUILT_IN;
        }
        Algorithms { current: Algorithm { version: this.version + 1, ..this }, former: Some(this) }
    }

    fn policy(&self, place: usize) -> Policy {
        Policy {
            may_file: true,
            version: String::new(),
            algorithm: self.algorithms(place).current.version,
            bundle_interval: self.bounds.bundle_interval,
            presence_interval: NEVER,
            presence_timeout: self.bounds.presence_timeout,
            pull_interval: NEVER,
            settle: Duration::ZERO,
            ..Policy::default()
        }
    }

    /// Starts a node from its disk, and connects it to those that it reaches.
    pub(crate) fn start(&mut self, place: usize) {
        let (now, policy) = (self.time(), self.policy(place));
        let member = &mut self.members[place];
        member.lives += 1;
        member.edge = Edge::new(place, member.lives);
        let mut disk = member.disk.get().clone();
        if self.bounds.defect == Some(Defect::ForgottenIntent) {
            disk.intents.clear();
        }
        member.node = Some(Hashed::new(Node::new(member.id, Epoch(1), policy, Box::new(NoKey), disk, now)));
        member.wake_at = None;
        self.give([(place, Input::Tick), (place, Input::ForgeHealth(ForgeHealth::Ready))]);
        self.connect(place);
    }

    /// Opens the connections of a node to those that it reaches.
    fn connect(&mut self, place: usize) {
        for other in self.places().filter(|other| *other != place) {
            if self.reaches(place, other) {
                self.give([(place, Input::PeerUp(self.members[other].id)), (other, Input::PeerUp(self.members[place].id))]);
            }
        }
    }

    /// Kills a node. Its create may still be on its way; everything else that was under way to or from it is lost. Peers notice, unless it
    /// ends `silently`; what it had said just before is lost then.
    pub(crate) fn kill(&mut self, place: usize, silently: bool) {
        let told: Vec<usize> = self.places().filter(|other| *other != place && self.reaches(place, *other)).collect();
        if let Some(call) = self.members[place].calls.pop_front() {
            self.leave_behind(place, call);
        }
        let member = &mut self.members[place];
        (member.node, member.wake_at) = (None, None);
        member.calls.clear();
        self.runs.retain(|(to, from, _), _| *to != place && !(silently && *from == place));
        if !silently {
            let id = self.members[place].id;
            self.give(told.into_iter().map(|other| (other, Input::PeerDown(id))));
        }
    }

    /// A create that nobody waits for any more may take effect while the lease lasts that it was sent under.
    fn leave_behind(&mut self, place: usize, call: Call) {
        if let (Stage::Sent(at, _), ForgeCall::Create(_)) = (call.stage, &*call.call) {
            let nonce = self.members[place].edge.nonce;
            self.forge.orphans.push(Orphan { nonce, call: call.call, until: at + LEASE_LEFT_MIN });
        }
    }

    /// Cuts the first node off from the others. What is on its way in between is lost.
    pub(crate) fn cut_off(&mut self) {
        let pairs: Vec<(usize, usize)> = (1..self.members.len()).filter(|other| self.reaches(0, *other)).map(|other| (0, other)).collect();
        self.cut = true;
        self.runs.retain(|(to, from, _), _| (*to == 0) == (*from == 0));
        for (a, b) in pairs {
            self.give([(a, Input::PeerDown(self.members[b].id)), (b, Input::PeerDown(self.members[a].id))]);
        }
    }

    pub(crate) fn mend(&mut self) {
        self.cut = false;
        if self.is_alive(0) {
            self.connect(0);
        }
    }

    /// Opens every connection anew, so that whatever anybody lacks is asked for.
    pub(crate) fn reconnect_all(&mut self) {
        self.places().for_each(|place| self.connect(place));
    }

    /// Returns the one error as a node reports it.
    pub(crate) fn the_report(&self, place: usize) -> Report {
        let mut raw = RawError::new("MemoryError", "it did not work");
        raw.severity = Some(Severity::Critical);
        Admission { algorithms: self.algorithms(place), ..Admission::default() }.readmit(raw, UnixMillis(WALL_BASE_MS))
    }

    /// Hands the one error to a node.
    pub(crate) fn report(&mut self, place: usize) {
        self.members[place].reported = true;
        let report = Box::new(self.the_report(place));
        self.give([(place, Input::Captured { id: CallId(1), report })]);
    }

    pub(crate) fn deliver(&mut self, passage: Passage) {
        let Some(flight) = self.runs.get_mut(&passage) else { return };
        flight.copies -= 1;
        let run = Run::clone(&flight.run);
        if flight.copies == 0 {
            self.runs.remove(&passage);
        }
        self.give([(passage.0, Input::Gossip(run))]);
    }

    /// Lets the forge deal with the call that a node waits for.
    pub(crate) fn act(&mut self, place: usize, stale: bool) {
        let (now, bounds) = (self.time(), Arc::clone(&self.bounds));
        let member = &mut self.members[place];
        let Some(head) = member.calls.front_mut() else { return };
        let Stage::Sent(sent, request) = &head.stage else { return };
        let holder = self.forge.record.as_ref().filter(|record| record.held).map(|record| record.holder);
        let answer = self.forge.act(&bounds, now, &mut member.edge, &head.call, request, stale);
        let is_granted = matches!(answer.reply, ForgeReply::Leased(_));
        self.seen.takeover |= is_granted && holder.is_some_and(|holder| holder != member.edge.nonce);
        let is_create = matches!(answer.reply, ForgeReply::Created(_));
        head.stage = Stage::Acted(*sent, answer);
        let nonce = member.edge.nonce;
        if is_create {
            self.check_effect(nonce);
        }
    }

    /// Lets a create take effect that nobody waits for any more.
    pub(crate) fn act_late(&mut self, orphan: usize) {
        let (now, bounds) = (self.time(), Arc::clone(&self.bounds));
        let orphan = self.forge.orphans.remove(orphan);
        let mut nobody = Edge::new(0, 0);
        self.forge.act(&bounds, now, &mut nobody, &orphan.call, &Request::Plain, false);
        self.check_effect(orphan.nonce);
    }

    fn check_effect(&mut self, sender: LeaseNonce) {
        self.seen.unleased_create |= self.bounds.leased && !self.forge.is_leased_to(sender, self.time());
    }

    /// Hands a node the answer to the call that it waits for; or, if it does not `arrive`, the news that there is none.
    pub(crate) fn answer(&mut self, place: usize, arrives: bool) {
        let Some(call) = self.members[place].calls.pop_front() else { return };
        let id = call.id;
        let member = &mut self.members[place];
        let reply = match call.stage {
            Stage::Acted(sent, answer) if arrives => {
                settle_doubt(&mut member.unclear, &answer);
                member.edge.hear(&self.bounds, sent, answer)
            }
            Stage::Waiting | Stage::Sent(..) | Stage::Acted(..) => ForgeReply::Unclear { why: "there was no answer".to_owned() },
        };
        let mut round = Round::default();
        round.inputs.push_back((place, Input::Forge { id, reply }));
        self.begin_next(place, &mut round);
        self.go_round(round);
    }

    /// The caller has waited for long enough. The forge may get to its create still.
    pub(crate) fn time_out(&mut self, place: usize) {
        if let Some(call) = self.members[place].calls.front().cloned() {
            self.leave_behind(place, call);
        }
        self.answer(place, false);
    }

    /// Wakes every node whose time has come.
    pub(crate) fn tick(&mut self) {
        for place in self.places() {
            if self.members[place].wake_at.is_some_and(|at| at <= self.now) {
                self.members[place].wake_at = None;
                self.give([(place, Input::Tick)]);
            }
        }
    }

    fn give(&mut self, inputs: impl IntoIterator<Item = (usize, Input)>) {
        self.go_round(Round { inputs: inputs.into_iter().collect(), ..Round::default() });
    }

    fn go_round(&mut self, mut round: Round) {
        while let Some((place, input)) = round.inputs.pop_front() {
            let now = self.time();
            let Some(node) = &mut self.members[place].node else { continue };
            let mut effects = Vec::new();
            node.change().handle(now, input, &mut effects);
            for effect in effects {
                self.carry_out(place, effect, &mut round);
            }
        }
    }

    fn carry_out(&mut self, place: usize, effect: Effect, round: &mut Round) {
        match effect {
            Effect::Store(record) => self.members[place].store(record),
            Effect::Publish(run) => self.publish(place, run),
            Effect::Ask { to, request } => match self.places().find(|other| self.members[*other].id == to && self.reaches(place, *other)) {
                Some(other) => {
                    round.questions += 1;
                    let id = CallId(round.questions);
                    round.askers.insert(id, place);
                    round.inputs.push_back((other, Input::Asked { id, request }));
                }
                None => round.inputs.push_back((place, Input::Answered { from: to, response: None })),
            },
            Effect::Answer { id, response } => {
                let from = self.members[place].id;
                let asker = round.askers.remove(&id);
                round.inputs.extend(asker.map(|asker| (asker, Input::Answered { from, response: Some(response) })));
            }
            Effect::Forge { id, call } => {
                let is_first = self.members[place].calls.is_empty();
                self.members[place].calls.push_back(Call { id, call: Arc::new(call), stage: Stage::Waiting, late: false });
                if is_first {
                    self.begin_next(place, round);
                }
            }
            Effect::FetchSample { id, .. } => {
                let report = self.members[place].sample.as_ref().map(|sample| Box::new(Report::clone(&sample.0)));
                round.inputs.push_back((place, Input::Sample { id, report }));
            }
            Effect::WakeAt { at, .. } => self.members[place].wake_at = Some(at),
            Effect::Note(Event::Filed { adopted, by, .. }) => self.seen.adoption |= adopted && by == self.members[place].id,
            Effect::Note(_) | Effect::Rollback { .. } | Effect::Acknowledge { .. } | Effect::Fix { .. } => {}
        }
    }

    fn publish(&mut self, place: usize, run: Run) {
        let (through, hash, run) = (run.through.0, hash_of(&run), Arc::new(run));
        let reached: Vec<usize> = self.places().filter(|other| *other != place && self.reaches(place, *other)).collect();
        for other in reached {
            let flight = Flight { run: Arc::clone(&run), hash, copies: 0, late: false };
            self.runs.entry((other, place, through)).or_insert(flight).copies += 1;
        }
    }

    /// Sends a node's next call, if it has one.
    fn begin_next(&mut self, place: usize, round: &mut Round) {
        let now = self.time();
        while let Some(head) = self.members[place].calls.front() {
            let (id, call) = (head.id, Arc::clone(&head.call));
            match self.members[place].edge.begin(&self.bounds, now, &call) {
                Begun::Answered(reply) => {
                    self.members[place].calls.pop_front();
                    round.inputs.push_back((place, Input::Forge { id, reply }));
                }
                Begun::Sent(request) => {
                    if matches!(*call, ForgeCall::Create(_)) {
                        self.check_create(place);
                    }
                    if let Some(head) = self.members[place].calls.front_mut() {
                        head.stage = Stage::Sent(now.mono, request);
                    }
                    return;
                }
            }
        }
    }

    /// Holds a create that leaves against the promises about it.
    fn check_create(&mut self, place: usize) {
        let is_create = |call: &Call| matches!((&call.stage, &*call.call), (Stage::Sent(..), ForgeCall::Create(_)));
        let others = self.members.iter().flat_map(|member| &member.calls).any(is_create);
        self.seen.create_beside_another |= others || !self.forge.orphans.is_empty();
        let unclear = &mut self.members[place].unclear;
        if let Some(first) = unclear {
            self.seen.second_create = true;
            let shows_it = first.sent + LOOK_AGAIN_AFTER[LOOK_AGAIN_AFTER.len() - 1];
            self.seen.blind_create |= first.looked.is_none_or(|looked| looked < shows_it);
        }
        *unclear = Some(Unclear { sent: self.now, looked: None });
    }

    /// Returns the open issues.
    pub(crate) fn open_issues(&self) -> usize {
        self.forge.issues.iter().filter(|issue| issue.issue.open).count()
    }
}

/// Takes note of what an answer says about an unclear create.
fn settle_doubt(unclear: &mut Option<Unclear>, answer: &Answer) {
    match &answer.reply {
        ForgeReply::Created(_) => *unclear = None,
        ForgeReply::Found(_) => {
            if let Some(unclear) = unclear {
                unclear.looked = Some(answer.at);
            }
        }
        ForgeReply::Leased(_)
        | ForgeReply::Held { .. }
        | ForgeReply::Issue(_)
        | ForgeReply::Gone { .. }
        | ForgeReply::Done
        | ForgeReply::Pull(_)
        | ForgeReply::Refused(_)
        | ForgeReply::Unclear { .. } => {}
    }
}
