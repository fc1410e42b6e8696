//! A run: events in the order of virtual time, each handed to the machine that it is for.
//!
//! This file is the driver of every node at once. It keeps the driver's promises (one input, then all its effects in order; one answer to
//! each question; effects that store and stand in a row are one step on disk) and breaks everything that nobody promised.

use std::collections::BTreeMap;
use std::rc::Rc;

use healnode_core::{
    Body, CallId, Digest, Effect, Event as Noted, FilingStep, Fingerprint, FixAnswer, FixDepth, FixEnding, FixFailure, FixJob, FixOutcome,
    FixStage, ForgeHealth, ForgeReply, Guidance, Input, LeaseNonce, Marker, Millis, NodeId, Outcome as Acknowledged, Proposal, Record,
    RefusalKind, Report, Run, StageRecord, SyncRequest, SyncResponse, UnixMillis, Verdict,
};

use crate::checks::Checks;
use crate::config::{Config, Fault, Faults, ForgeKind};
use crate::demand::Demand;
use crate::dice::Dice;
use crate::edge::Next;
use crate::excuses::Excuses;
use crate::forge::{Caller, Forge};
use crate::hostile::Hostile;
use crate::load::{Load, RETRY_MS};
use crate::machine::{Machine, WALL_BASE_MS};
use crate::network::{Network, Place, gossip_arrivals, message_ms};
use crate::outcome::{Outcome, Seen};
use crate::people;
use crate::plan::{Doom, Kill, Plan, Strike};
use crate::queue::Queue;

/// A question that has no answer by then is answered with nothing.
const ASK_TIMEOUT_MS: u64 = 10_000;

/// How long guidance and a fix take.
const GUIDANCE_MS: (u64, u64) = (50, 5_000);
const PROPOSAL_MS: (u64, u64) = (1_000, 60_000);

/// How often a driver asks whether its forge is in order.
const PROBE_MS: u64 = 5_000;

/// Until both ends know that a connection is gone: at once when the other process died, else when pings go unanswered.
const CLOSED_MS: (u64, u64) = (1, 200);
const SILENT_MS: (u64, u64) = (5_000, 20_000);

/// Until a lost connection is opened again, once that is possible.
const DIAL_MS: (u64, u64) = (50, 3_000);

/// How long a node that is to die among certain effects may live without having any.
const DOOM_WAIT_MS: u64 = 20_000;

/// How long a sample takes from another node, besides the way.
const SAMPLE_MS: u64 = 5;

/// Runs that are kept to be heard again, and how many are at a time, and over which time.
const PAST_MAX: usize = 300;
const REPLAYED: usize = 30;
const REPLAY_MS: (u64, u64) = (1, 2_000);

/// How often everything is looked at. Longer for many nodes, because looking costs more there.
fn checkpoint_ms(nodes: usize) -> u64 {
    match nodes {
        0..=20 => 1_000,
        21..=100 => 10_000,
        _ => 15_000,
    }
}

/// What can happen.
enum Event {
    Start(Place),
    Tick { place: Place, life: u32, wake: u64 },
    Gossip { to: Place, run: Rc<Run> },
    Asked { number: u64, request: SyncRequest },
    Answered { number: u64, response: Option<SyncResponse> },
    ForgeActs(u64),
    ForgeAnswers(u64),
    EdgeReplies { place: Place, life: u32, id: CallId, reply: ForgeReply },
    Deferred { place: Place, life: u32, input: Box<Input> },
    Resume { place: Place, life: u32 },
    Sample { place: Place, life: u32, id: CallId, report: Option<Box<Report>> },
    Fixed { place: Place, life: u32, id: CallId, outcome: Box<FixOutcome> },
    Connect(usize),
    Report(usize),
    Probe { place: Place, life: u32 },
    Strike(Strike),
    DoomOverdue { place: Place, life: u32 },
    Heal,
    Checkpoint,
}

/// A question on its way.
struct Ask {
    from: Place,
    life: u32,
    to: Place,
}

/// Everything there is in a run.
struct World<'a> {
    config: &'a Config,
    now: Millis,
    heal_at: Millis,
    end_at: Millis,
    healed: bool,
    queue: Queue<Event>,
    dice: Dice,
    machines: Vec<Machine>,
    /// The machines of each identity: one, unless it is cloned.
    places: BTreeMap<NodeId, Vec<Place>>,
    network: Network,
    forge: Forge,
    load: Load,
    asks: BTreeMap<u64, Ask>,
    asks_made: u64,
    hostile: Option<Hostile>,
    excuses: Excuses,
    /// What was published, to be heard again.
    past: Vec<Rc<Run>>,
    /// What nodes that died were filing, and when.
    orphans: Vec<(Marker, Millis)>,
    checks: Checks,
    demand: Demand,
    digest: u64,
    events: u64,
    published: u64,
    seen: Seen,
    story: Vec<String>,
    effects: Vec<Effect>,
}

/// Runs a scenario with a seed.
pub fn run(config: &Config, seed: u64) -> Outcome {
    let mut world = World::new(config, seed);
    world.run();
    world.outcome(seed)
}

impl<'a> World<'a> {
    fn new(config: &'a Config, seed: u64) -> Self {
        let mut dice = Dice::new(seed);
        let end_at = Millis(config.minutes * 60_000);
        let heal_at = Millis(end_at.0 / 2);
        let plan = Plan::draw(config, heal_at, &mut dice);
        let machines = machines(config, &plan, &mut dice);
        let network = Network::new(machines.len(), config.neighbours, &mut dice);
        let mut forge = Forge::new(config, heal_at, &mut dice);
        let load = Load::draw(config, machines.len(), heal_at, &mut dice);
        let hostile =
            plan.hostile.then(|| Hostile::new(load.errors().map(|(fingerprint, _)| fingerprint), UnixMillis(WALL_BASE_MS), &mut dice));
        let excuses = excuses(&plan, &machines, hostile.as_ref());
        for place in excuses.twins.iter().copied() {
            forge.oracle.miscounts(place);
        }
        let mut places = BTreeMap::<NodeId, Vec<Place>>::new();
        for (place, machine) in machines.iter().enumerate() {
            places.entry(machine.id).or_default().push(place);
        }
        let mut queue = Queue::new();
        for (place, at) in plan.starts.iter().enumerate() {
            queue.push(*at, Event::Start(place));
        }
        for (at, strike) in plan.strikes {
            queue.push(at, Event::Strike(strike));
        }
        for (number, planned) in load.reports.iter().enumerate() {
            queue.push(planned.at, Event::Report(number));
        }
        queue.push(heal_at, Event::Heal);
        queue.push(Millis(0), Event::Checkpoint);
        Self {
            config,
            now: Millis(0),
            heal_at,
            end_at,
            healed: false,
            queue,
            dice,
            places,
            checks: Checks::new(&machines),
            machines,
            network,
            forge,
            load,
            asks: BTreeMap::new(),
            asks_made: 0,
            hostile,
            excuses,
            past: Vec::new(),
            orphans: Vec::new(),
            demand: Demand::default(),
            digest: 0xcbf2_9ce4_8422_2325,
            events: 0,
            published: 0,
            seen: Seen::default(),
            story: Vec::new(),
            effects: Vec::new(),
        }
    }

    fn run(&mut self) {
        while let Some((at, event)) = self.queue.pop() {
            if at > self.end_at {
                break;
            }
            self.now = at;
            self.happen(event);
        }
    }

    fn tell(&mut self, what: impl FnOnce() -> String) {
        if self.config.traced {
            self.story.push(format!("{:>9.3} {}", self.now.0 as f64 / 1_000.0, what()));
        }
    }

    fn later(&mut self, wait_ms: u64, event: Event) {
        self.queue.push(Millis(self.now.0 + wait_ms), event);
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Start(place) => self.start(place),
            Event::Tick { place, life, wake } => self.tick(place, life, wake),
            Event::Gossip { to, run } => self.gossip(to, &run),
            Event::Asked { number, request } => self.asked(number, request),
            Event::Answered { number, response } => self.answered(number, response),
            Event::ForgeActs(number) => self.forge_acts(number),
            Event::ForgeAnswers(number) => self.forge_answers(number),
            Event::EdgeReplies { place, life, id, reply } => self.edge_replies(place, life, id, reply),
            Event::Deferred { place, life, input } => self.handle_in(place, life, *input),
            Event::Resume { place, life } => self.resume(place, life),
            Event::Sample { place, life, id, report } => self.handle_in(place, life, Input::Sample { id, report }),
            Event::Fixed { place, life, id, outcome } => self.fixed(place, life, id, outcome),
            Event::Connect(link) => self.connect(link),
            Event::Report(number) => self.report(number),
            Event::Probe { place, life } => self.probe(place, life),
            Event::Strike(strike) => self.strike(strike),
            Event::DoomOverdue { place, life } => self.doom_overdue(place, life),
            Event::Heal => self.heal(),
            Event::Checkpoint => self.checkpoint(),
        }
    }

    fn start(&mut self, place: Place) {
        let now = self.now;
        let machine = &mut self.machines[place];
        if machine.process.is_some() {
            return;
        }
        let mut nonce = [0; 8];
        nonce.copy_from_slice(&self.dice.bytes()[..8]);
        machine.start(now, self.config, LeaseNonce(nonce));
        self.tell(|| format!("node {place} starts"));
        let machine = &mut self.machines[place];
        let (life, may_file) = (machine.life, machine.policy.may_file);
        self.handle(place, Input::Tick);
        if may_file {
            let wait = self.dice.between(20, 500);
            self.later(wait, Event::Probe { place, life });
        }
        self.redial(place);
    }

    fn redial(&mut self, place: Place) {
        for link in self.network.links_of(place).to_vec() {
            let wait = self.dice.between(DIAL_MS.0, DIAL_MS.1);
            self.later(wait, Event::Connect(link));
        }
    }

    fn tick(&mut self, place: Place, life: u32, wake: u64) {
        let machine = &self.machines[place];
        if machine.is_alive(life) && machine.process.as_ref().is_some_and(|process| process.wake == wake) {
            self.handle(place, Input::Tick);
        }
    }

    fn gossip(&mut self, to: Place, run: &Run) {
        if self.machines[to].process.is_some() && self.network.is_joined(to) {
            self.handle(to, Input::Gossip(run.clone()));
        }
    }

    fn asked(&mut self, number: u64, request: SyncRequest) {
        if let Some(to) = self.asks.get(&number).map(|ask| ask.to) {
            self.handle(to, Input::Asked { id: CallId(number), request });
        }
    }

    fn answered(&mut self, number: u64, response: Option<SyncResponse>) {
        let Some(ask) = self.asks.remove(&number) else { return };
        let from = self.machines[ask.to].id;
        self.handle_in(ask.from, ask.life, Input::Answered { from, response });
    }

    fn forge_acts(&mut self, number: u64) {
        let before = self.forge.issues().len();
        self.forge.act(self.now, number, &mut self.dice);
        for issue in &self.forge.issues()[before..] {
            let now = self.now;
            let adopted = self.orphans.extract_if(.., |(marker, _)| issue.is_for(*marker));
            self.seen.succession_ms.extend(adopted.map(|(_, died)| now.0 - died.0));
        }
    }

    fn forge_answers(&mut self, number: u64) {
        let Some(caller) = self.forge.caller(number) else { return };
        let machine = &self.machines[caller.place];
        if machine.is_alive(caller.life) && machine.is_paused(self.now) {
            return self.queue.push(machine.paused_until, Event::ForgeAnswers(number));
        }
        let Some(answer) = self.forge.answer(number) else { return };
        if self.machines[caller.place].is_alive(caller.life) {
            self.forge.answer_reached(self.now, number, &answer);
            let now = self.now;
            if let Some(process) = &mut self.machines[caller.place].process {
                let next = process.edge.answered(now, answer);
                self.go_on_at_edge(caller.place, next);
            }
        }
        self.forge.forget_if_over(number);
    }

    /// Does what an edge wants to do next, and begins the call after it if that is an answer.
    fn go_on_at_edge(&mut self, place: Place, next: Next) {
        let now = self.now;
        let life = self.machines[place].life;
        let mut next = next;
        loop {
            let Some(process) = &mut self.machines[place].process else { return };
            match next {
                Next::Nothing => return,
                Next::Send(request) => {
                    self.tell(|| format!("node {place} sends {request:?}"));
                    let Some(process) = &mut self.machines[place].process else { return };
                    let caller = Caller { place, life, nonce: process.edge.nonce };
                    let course = self.forge.submit(now, caller, request, &mut self.dice);
                    if let Some(at) = course.acts_at {
                        self.queue.push(at, Event::ForgeActs(course.number));
                    }
                    return self.queue.push(course.answers_at, Event::ForgeAnswers(course.number));
                }
                Next::Reply(id, reply) => {
                    self.queue.push(now, Event::EdgeReplies { place, life, id, reply });
                    next = process.edge.begin(now);
                }
            }
        }
    }

    fn begin_at_edge(&mut self, place: Place) {
        let now = self.now;
        if self.machines[place].is_paused(now) {
            return;
        }
        if let Some(process) = &mut self.machines[place].process {
            let next = process.edge.begin(now);
            self.go_on_at_edge(place, next);
        }
    }

    fn edge_replies(&mut self, place: Place, life: u32, id: CallId, reply: ForgeReply) {
        self.tell(|| format!("node {place} is told {reply:?}"));
        if let (ForgeReply::Refused(refusal), Some(process)) = (&reply, &mut self.machines[place].process) {
            process.forge_is_well &= !matches!(refusal.kind, RefusalKind::Denied | RefusalKind::Unreachable);
        }
        self.handle_in(place, life, Input::Forge { id, reply });
    }

    fn pause(&mut self, place: Place, long_ms: u64) {
        let now = self.now;
        let machine = &mut self.machines[place];
        if machine.process.is_none() || machine.is_paused(now) {
            self.seen.skipped += 1;
            return;
        }
        self.seen.note("pause");
        machine.paused_until = now + std::time::Duration::from_millis(long_ms);
        let (until, life) = (machine.paused_until, machine.life);
        self.queue.push(until, Event::Resume { place, life });
        for link in self.network.links_of(place).to_vec() {
            let wait = self.dice.between(SILENT_MS.0, SILENT_MS.1);
            self.later(wait, Event::Connect(link));
        }
    }

    fn resume(&mut self, place: Place, life: u32) {
        if self.machines[place].is_alive(life) {
            self.begin_at_edge(place);
            self.redial(place);
        }
    }

    /// Opens or closes a connection, as things stand.
    fn connect(&mut self, number: usize) {
        let [a, b] = self.network.link(number).ends;
        let lives = [self.machines[a].life, self.machines[b].life];
        let answers = |place: Place| self.machines[place].process.is_some() && !self.machines[place].is_paused(self.now);
        let possible = answers(a) && answers(b) && self.network.joins(a, b) && self.machines[a].id != self.machines[b].id;
        let open = self.network.link(number).open;
        match open {
            Some(held) if !possible || held != lives => {
                self.network.link(number).open = None;
                self.peer_changes(a, held[0], b, Input::PeerDown);
                self.peer_changes(b, held[1], a, Input::PeerDown);
                let wait = self.dice.between(DIAL_MS.0, DIAL_MS.1);
                self.later(wait, Event::Connect(number));
            }
            None if possible => {
                self.peer_changes(a, lives[0], b, Input::PeerUp);
                self.peer_changes(b, lives[1], a, Input::PeerUp);
                self.network.link(number).open = Some(lives);
            }
            Some(_) | None => {}
        }
    }

    /// Tells a node that a peer has come or gone, unless it holds another connection to the same identity.
    fn peer_changes(&mut self, at: Place, life: u32, peer: Place, change: impl FnOnce(NodeId) -> Input) {
        let id = self.machines[peer].id;
        let twins = self.places.get(&id).into_iter().flatten().filter(|twin| **twin != peer);
        if !twins.clone().any(|twin| self.network.connected(at, *twin)) {
            self.handle_in(at, life, change(id));
        }
    }

    fn report(&mut self, number: usize) {
        let place = self.load.reports[number].place;
        let wall = self.machines[place].wall(self.now);
        let Some(report) = self.load.send(number, wall) else { return };
        self.later(RETRY_MS, Event::Report(number));
        if self.machines[place].process.is_some() {
            self.handle(place, Input::Captured { id: CallId(number as u64), report: Box::new(report) });
        }
    }

    fn probe(&mut self, place: Place, life: u32) {
        if !self.machines[place].is_alive(life) {
            return;
        }
        self.later(PROBE_MS, Event::Probe { place, life });
        let well = self.forge.is_well(self.now, place);
        let Some(process) = &mut self.machines[place].process else { return };
        if well && !process.forge_is_well {
            process.forge_is_well = true;
            self.handle(place, Input::ForgeHealth(ForgeHealth::Ready));
        }
    }

    fn strike(&mut self, strike: Strike) {
        self.tell(|| format!("strikes {strike:?}"));
        match strike {
            Strike::Cut(number, cut) => {
                self.seen.note("cut");
                self.network.cut(self.now, number, cut);
                self.connections_change(SILENT_MS);
            }
            Strike::Mend(number) => {
                self.network.mend(self.now, number);
                self.connections_change(DIAL_MS);
            }
            Strike::Kill(place, kill) => self.doom(place, kill),
            Strike::Pause(place, long_ms) => self.pause(place, long_ms),
            Strike::Step(place, by_ms) => {
                self.seen.note("clock step");
                self.machines[place].skew_ms += by_ms;
                self.forge.oracle.miscounts(place);
            }
            Strike::Replay => self.replay(),
            Strike::Clone { of, at } => {
                self.seen.note("clone");
                self.machines[at].disk = self.machines[of].disk.clone();
                self.start(at);
            }
            Strike::Person => self.person(),
            Strike::Lie => self.lie(),
        }
    }

    fn replay(&mut self) {
        self.seen.note("replay");
        for _ in 0..REPLAYED.min(self.past.len()) {
            let run = Rc::clone(&self.past[self.dice.below(self.past.len())]);
            let to = self.dice.below(self.machines.len());
            if self.machines[to].id != run.origin {
                let wait = self.dice.between(REPLAY_MS.0, REPLAY_MS.1);
                self.later(wait, Event::Gossip { to, run });
            }
        }
    }

    fn person(&mut self) {
        let touched = if self.dice.per_mille(people::PULLS_PER_MILLE) {
            self.forge.touch_pull(self.now, &mut self.dice)
        } else {
            people::touch(self.forge.issues_mut(), self.now, &mut self.dice)
        };
        match touched {
            Some((what, markers)) => {
                self.tell(|| format!("a person {what} {markers:?}"));
                self.seen.note(what);
                self.excuses.touched.extend(markers);
            }
            None => self.seen.skipped += 1,
        }
    }

    fn lie(&mut self) {
        let wall = UnixMillis(WALL_BASE_MS + self.now.0);
        let Some(hostile) = &mut self.hostile else { return };
        self.seen.note("lie");
        let run = Rc::new(hostile.speak(wall, &mut self.dice));
        self.checks.lied(&run);
        for to in 0..self.machines.len() {
            for at in gossip_arrivals(self.now, &self.config.faults, &mut self.dice) {
                self.queue.push(at, Event::Gossip { to, run: Rc::clone(&run) });
            }
        }
    }

    /// Has every connection looked at that should be open and is not, or the other way round.
    fn connections_change(&mut self, wait_ms: (u64, u64)) {
        for number in 0..self.network.links() {
            let link = self.network.link(number);
            let ([a, b], open) = (link.ends, link.open.is_some());
            if open != self.network.joins(a, b) {
                let wait = self.dice.between(wait_ms.0, wait_ms.1);
                self.later(wait, Event::Connect(number));
            }
        }
    }

    fn doom(&mut self, place: Place, kill: Kill) {
        let machine = &mut self.machines[place];
        if machine.process.is_none() || machine.doom.is_some() {
            self.seen.skipped += 1;
            return;
        }
        machine.doom = Some(kill);
        let life = machine.life;
        if kill.doom == Doom::AtOnce {
            self.kill(place);
        } else {
            self.later(DOOM_WAIT_MS, Event::DoomOverdue { place, life });
        }
    }

    fn doom_overdue(&mut self, place: Place, life: u32) {
        if self.machines[place].is_alive(life) {
            self.kill(place);
        }
    }

    fn kill(&mut self, place: Place) {
        let Some(kill) = self.machines[place].doom.take() else { return };
        let process = self.machines[place].process.take();
        let filing = process.into_iter().flat_map(|process| process.filing).filter(|filing| self.load.is_real(*filing)).map(Marker::of);
        let left = filing.filter(|marker| self.forge.kept(*marker).is_none());
        self.orphans.extend(left.map(|marker| (marker, self.now)));
        self.forge.caller_died(place, kill.wiped, &mut self.dice);
        self.seen.note(if kill.wiped { "disk lost" } else { "kill" });
        if kill.wiped {
            self.wipe(place, kill);
        }
        let silent = self.dice.per_mille(300);
        let wait = if silent { SILENT_MS } else { CLOSED_MS };
        for link in self.network.links_of(place).to_vec() {
            let wait = self.dice.between(wait.0, wait.1);
            self.later(wait, Event::Connect(link));
        }
        let back_at = (self.now.0 + kill.down_ms).min(self.heal_at.0.max(self.now.0 + 1));
        self.queue.push(Millis(back_at), Event::Start(place));
    }

    fn wipe(&mut self, place: Place, kill: Kill) {
        let id = self.machines[place].id;
        let others = self.machines.iter().filter(|other| other.id != id).filter_map(|other| other.process.as_ref()).take(20);
        let digests: Vec<Digest> = others.map(|process| process.node.digest()).collect();
        let known = |fingerprint: Fingerprint| {
            let mut counts: Vec<u64> = digests.iter().map(|digest| self.checks.handed_on(digest, id, fingerprint)).collect();
            counts.sort_unstable();
            counts.iter().rev().nth(1).copied().unwrap_or(0)
        };
        self.load.disk_lost(place, known);
        self.checks.disk_lost(place);
        let machine = &mut self.machines[place];
        machine.wipe();
        machine.skew_ms -= if kill.clock_back { 3_600_000 } else { 0 };
    }

    fn heal(&mut self) {
        self.healed = true;
        self.network.mend_all(self.now);
        self.forge.heal();
        self.connections_change(DIAL_MS);
        for machine in &mut self.machines {
            machine.doom = None;
        }
    }

    fn checkpoint(&mut self) {
        self.later(checkpoint_ms(self.config.nodes), Event::Checkpoint);
        for (place, machine) in self.machines.iter().enumerate() {
            self.checks.shown(self.now, place, machine, &self.load, &self.excuses);
        }
        if self.healed {
            let unmet = Demand::first_unmet(&self.machines, &self.forge, &self.load, &self.config.policy, &self.excuses, self.now);
            self.demand.look(self.now, unmet);
        }
        self.demand.mark_heard(&self.machines, self.heal_at, self.end_at, self.now, self.config.policy.pull_interval);
    }

    /// Hands an input to a process, if it still lives.
    fn handle_in(&mut self, place: Place, life: u32, input: Input) {
        if self.machines[place].is_alive(life) {
            self.handle(place, input);
        }
    }

    /// Hands an input to a node and lets its effects happen, as far as the node lives to see them.
    fn handle(&mut self, place: Place, input: Input) {
        let now = self.now;
        let machine = &mut self.machines[place];
        if machine.is_paused(now) {
            let (until, life) = (machine.paused_until, machine.life);
            return self.queue.push(until, Event::Deferred { place, life, input: Box::new(input) });
        }
        let wall = machine.wall(now);
        let Some(process) = &mut machine.process else { return };
        let is_report = matches!(input, Input::Captured { .. });
        let kind = kind_of(&input);
        let mut effects = std::mem::take(&mut self.effects);
        process.node.handle(healnode_core::Now { mono: process.mono(now), wall }, input, &mut effects);
        self.events += 1;
        self.mix([now.0, place as u64, kind, effects.len() as u64]);
        let death = self.death(place, &effects, is_report);
        for effect in effects.drain(..).take(death.unwrap_or(usize::MAX)) {
            self.checks.effect(now, &self.machines[place], &effect, &self.load, &self.excuses);
            self.apply(place, effect);
        }
        self.effects = effects;
        if death.is_some() {
            self.kill(place);
        }
    }

    /// Returns after how many of its effects a node dies, if it does.
    fn death(&mut self, place: Place, effects: &[Effect], is_report: bool) -> Option<usize> {
        let doom = self.machines[place].doom?.doom;
        let strikes = match doom {
            Doom::AtOnce => false,
            Doom::AnyEffect => !effects.is_empty(),
            Doom::ForgeEffect => effects.iter().any(|effect| matches!(effect, Effect::Forge { .. })),
            Doom::ReportEffect => is_report && !effects.is_empty(),
        };
        let is_store = |place: usize| effects.get(place).is_some_and(|effect| matches!(effect, Effect::Store(_)));
        let moments: Vec<usize> = (0..=effects.len()).filter(|at| *at == 0 || !is_store(*at) || !is_store(*at - 1)).collect();
        strikes.then(|| moments[self.dice.below(moments.len())])
    }

    fn mix(&mut self, words: [u64; 4]) {
        for word in words {
            self.digest = (self.digest ^ word).wrapping_mul(0x0000_0100_0000_01b3).rotate_left(29);
        }
    }

    fn apply(&mut self, place: Place, effect: Effect) {
        match effect {
            Effect::Store(record) => {
                self.follow_filing(place, &record);
                self.machines[place].disk.apply(record);
            }
            Effect::Publish(run) => self.publish(place, run),
            Effect::Ask { to, request } => self.ask(place, to, request),
            Effect::Answer { id, response } => self.answer(id.0, response),
            Effect::Acknowledge { id, outcome: Acknowledged::Counted } => self.load.acknowledged(id.0 as usize),
            Effect::Acknowledge { outcome: Acknowledged::LedgerFull, .. } => {
                self.checks.violated(self.now, || "a ledger is full".to_owned());
            }
            Effect::Forge { id, call } => {
                if let Some(process) = &mut self.machines[place].process {
                    process.edge.ask(id, call);
                }
                self.begin_at_edge(place);
            }
            Effect::Rollback { .. } => {}
            Effect::FetchSample { id, fingerprint, holders } => self.fetch_sample(place, id, fingerprint, &holders),
            Effect::Fix { id, job } => self.fix(place, id, &job),
            Effect::WakeAt { at, .. } => self.wake(place, at),
            Effect::Note(noted) => self.noted(place, &noted),
        }
    }

    fn noted(&mut self, place: Place, noted: &Noted) {
        if !matches!(noted, Noted::Appeared { .. } | Noted::Dropped { .. }) {
            self.tell(|| format!("node {place} notes {noted:?}"));
        }
        if matches!(noted, Noted::ClonedIdentity { .. }) {
            self.seen.note("clone noticed");
        }
    }

    fn follow_filing(&mut self, place: Place, record: &Record) {
        let id = self.machines[place].id;
        let Some(process) = &mut self.machines[place].process else { return };
        if let Record::Statement(signed) = record
            && let Body::Filing { fingerprint, note } = &signed.statement.body
            && signed.statement.origin == id
        {
            match note.step {
                FilingStep::Idle => process.filing.remove(fingerprint),
                FilingStep::Claim | FilingStep::Intent => process.filing.insert(*fingerprint),
            };
        }
    }

    fn publish(&mut self, from: Place, run: Run) {
        self.published += 1;
        if !self.network.is_joined(from) {
            return;
        }
        let run = Rc::new(run);
        self.remember(&run);
        for to in (0..self.machines.len()).filter(|to| *to != from) {
            if self.network.passes(from, to) {
                let arrivals = if self.healed {
                    gossip_arrivals(self.now, &Faults::none(), &mut self.dice)
                } else {
                    gossip_arrivals(self.now, &self.config.faults, &mut self.dice)
                };
                for at in arrivals {
                    self.queue.push(at, Event::Gossip { to, run: Rc::clone(&run) });
                }
            }
        }
    }

    fn remember(&mut self, run: &Rc<Run>) {
        if self.healed || !self.config.faults.has(Fault::Replay) {
            return;
        }
        if self.past.len() < PAST_MAX {
            self.past.push(Rc::clone(run));
        } else {
            let replaced = self.dice.below(PAST_MAX);
            self.past[replaced] = Rc::clone(run);
        }
    }

    fn ask(&mut self, from: Place, to: NodeId, request: SyncRequest) {
        let twins = self.places.get(&to).into_iter().flatten();
        let Some(to) = twins.clone().find(|twin| self.network.connected(from, **twin)).or(twins.clone().next()).copied() else { return };
        self.asks_made += 1;
        let number = self.asks_made;
        self.asks.insert(number, Ask { from, life: self.machines[from].life, to });
        self.later(ASK_TIMEOUT_MS, Event::Answered { number, response: None });
        if self.network.connected(from, to) && self.network.passes(from, to) {
            let way = message_ms(&mut self.dice);
            self.later(way, Event::Asked { number, request });
        }
    }

    fn answer(&mut self, number: u64, response: SyncResponse) {
        let Some(ask) = self.asks.get(&number) else { return };
        if self.network.passes(ask.to, ask.from) {
            let way = message_ms(&mut self.dice);
            self.later(way, Event::Answered { number, response: Some(response) });
        }
    }

    fn fetch_sample(&mut self, place: Place, id: CallId, fingerprint: Fingerprint, holders: &[NodeId]) {
        let life = self.machines[place].life;
        let mut wait = 0;
        let mut report = self.machines[place].disk.samples.get(&fingerprint).cloned();
        for holder in holders.iter().filter_map(|holder| self.places.get(holder)?.first()) {
            if report.is_some() {
                break;
            }
            wait += SAMPLE_MS + 2 * message_ms(&mut self.dice);
            let there = self.machines[*holder].process.is_some() && self.network.joins(place, *holder);
            report = self.machines[*holder].disk.samples.get(&fingerprint).filter(|_| there).cloned();
        }
        self.later(wait, Event::Sample { place, life, id, report });
    }

    /// The edge that looks for fixes does one job after the other.
    fn fix(&mut self, place: Place, id: CallId, job: &FixJob) {
        let now = self.now;
        let outcome = Box::new(fix_outcome(job, &mut self.dice));
        let range = match job.depth {
            FixDepth::Guidance => GUIDANCE_MS,
            FixDepth::Proposal => PROPOSAL_MS,
        };
        let took_ms = self.dice.between(range.0, range.1);
        let machine = &mut self.machines[place];
        let life = machine.life;
        let Some(process) = &mut machine.process else { return };
        process.fixing_until = Millis(process.fixing_until.max(now).0 + took_ms);
        self.queue.push(process.fixing_until, Event::Fixed { place, life, id, outcome });
    }

    fn fixed(&mut self, place: Place, life: u32, id: CallId, outcome: Box<FixOutcome>) {
        let wall = self.machines[place].wall(self.now);
        let record = StageRecord { stage: FixStage::Checkout, round: 0, at: wall, took_ms: 1, passed: true, note: String::new() };
        self.handle_in(place, life, Input::FixStage { id, record });
        self.handle_in(place, life, Input::Fixed { id, outcome });
    }

    fn wake(&mut self, place: Place, at: Millis) {
        let now = self.now;
        let life = self.machines[place].life;
        let Some(process) = &mut self.machines[place].process else { return };
        process.wake += 1;
        let (at, wake) = (process.when(at).max(now), process.wake);
        self.queue.push(at, Event::Tick { place, life, wake });
    }

    fn outcome(mut self, seed: u64) -> Outcome {
        let unheard = self.demand.unheard(&self.machines, &self.excuses);
        let at_the_forge = self.forge.oracle.violations.split_off(0).into_iter().chain(self.forge.pulls.violations.split_off(0));
        for what in unheard.into_iter().chain(at_the_forge) {
            self.checks.violated(self.now, || what);
        }
        let duplicates = self.forge.duplicates(|a, b, at| self.network.were_split(a, b, at));
        let excused = !self.config.faults.leave_one_filer() && self.config.forge != ForgeKind::CreateIfAbsent;
        if !excused && duplicates.total() > 0 {
            self.checks.violated(self.now, || format!("{} second issues, and nothing excuses them", duplicates.total()));
        }
        let comments = self.forge.comments();
        if comments.reopened_twice > 0 && self.config.forge == ForgeKind::Leased {
            self.checks.violated(self.now, || format!("{} comments too many on issues that were opened again", comments.reopened_twice));
        }
        if comments.told_twice > 0 && self.config.faults.leave_one_filer() {
            self.checks.violated(self.now, || format!("{} comments too many on counts", comments.told_twice));
        }
        let unmet = Demand::first_unmet(&self.machines, &self.forge, &self.load, &self.config.policy, &self.excuses, self.now);
        if let Some(what) = unmet {
            self.checks.violated(self.now, || format!("at the end: {what}"));
        }
        let agreed_after_ms = self.demand.since().map(|since| since.0 - self.heal_at.0);
        let counts_agreed = Demand::counts_agreed(&self.machines, &self.load, &self.excuses);
        let due = Demand::due(&self.load, &self.config.policy);
        let issues = self.forge.issues().iter().filter(|issue| issue.own).count();
        self.mix([issues as u64, counts_agreed as u64, self.published, self.forge.requests_made()]);
        Outcome {
            seed,
            digest: self.digest,
            events: self.events,
            fingerprints: self.load.errors().count(),
            due,
            issues,
            duplicates,
            succeeded: self.forge.oracle.succeeded,
            swept: self.forge.oracle.swept,
            pulls: self.forge.pulls.len(),
            second_pulls: self.forge.pulls.second,
            fixes: self.forge.pulls.publications,
            comments,
            counts_agreed,
            agreed_after_ms,
            occurrences: self.load.errors().map(|(fingerprint, _)| self.load.truth(fingerprint).least).sum(),
            published: self.published,
            requests: self.forge.requests_made(),
            seen: self.seen,
            violations: self.checks.violations,
            written: self.checks.written,
            story: self.story,
        }
    }
}

fn fix_outcome(job: &FixJob, dice: &mut Dice) -> FixOutcome {
    let guidance = dice.per_mille(700).then(Guidance::default);
    let failure = |passing| FixEnding::Failed(FixFailure { stage: FixStage::Fixer, why: "no idea".to_owned(), answer: None, passing });
    let ending = match (job.depth, dice.below(4)) {
        (FixDepth::Guidance, 0) | (FixDepth::Proposal, 0) => failure(true),
        (FixDepth::Guidance, _) => FixEnding::Guided,
        (FixDepth::Proposal, 1) => failure(false),
        (FixDepth::Proposal, _) => FixEnding::Proposed(Box::new(Proposal {
            base: "base".to_owned(),
            changes: Vec::new(),
            diff: String::new(),
            answer: FixAnswer::default(),
            tests: None,
            verdict: Verdict::Verified,
            fixer: "script".to_owned(),
            rounds: 1,
            took_ms: 1,
            remarks: Vec::new(),
        })),
    };
    FixOutcome { guidance, ending }
}

fn excuses(plan: &Plan, machines: &[Machine], hostile: Option<&Hostile>) -> Excuses {
    let mut excuses = Excuses::default();
    if let Some(cloned) = plan.cloned {
        excuses.twins.extend([cloned, machines.len() - 1]);
        excuses.cloned.insert(machines[cloned].id);
    }
    excuses.lied.extend(hostile.iter().flat_map(|hostile| hostile.victims()));
    excuses
}

fn machines(config: &Config, plan: &Plan, dice: &mut Dice) -> Vec<Machine> {
    let doomed = |place: Place| {
        plan.cloned == Some(place) || plan.strikes.iter().any(|(_, strike)| matches!(strike, Strike::Kill(doomed, _) if *doomed == place))
    };
    let mut machines: Vec<Machine> = (0..config.nodes)
        .map(|place| {
            let id = NodeId::from_key(dice.bytes());
            let tokenless = config.faults.has(Fault::Tokenless) && place > 0 && dice.per_mille(200);
            let mut policy = config.policy.clone();
            policy.may_file &= !tokenless;
            let years_ms = plan.years.filter(|(wrong, _)| *wrong == place).map_or(0, |(_, by_ms)| by_ms);
            Machine::new(id, policy, skew_ms(config, dice) + years_ms, doomed(place))
        })
        .collect();
    if let Some(cloned) = plan.cloned {
        let original = &machines[cloned];
        machines.push(Machine::new(original.id, original.policy.clone(), original.skew_ms, true));
    }
    machines
}

/// Most clocks are right to within two seconds, some are off by up to an hour.
fn skew_ms(config: &Config, dice: &mut Dice) -> i64 {
    if !config.faults.has(Fault::Skew) {
        return 0;
    }
    let bound = if dice.per_mille(100) { 3_600_000 } else { 2_000 };
    dice.between(0, 2 * bound) as i64 - bound as i64
}

fn kind_of(input: &Input) -> u64 {
    match input {
        Input::Captured { .. } => 1,
        Input::Gossip(_) => 2,
        Input::PeerUp(_) => 3,
        Input::PeerDown(_) => 4,
        Input::Asked { .. } => 5,
        Input::Answered { .. } => 6,
        Input::Forge { .. } => 7,
        Input::ForgeHealth(_) => 8,
        Input::Sample { .. } => 9,
        Input::Operator(_) => 10,
        Input::Tick => 11,
        Input::FixStage { .. } => 12,
        Input::Fixed { .. } => 13,
        Input::RolledBack { .. } => 14,
    }
}
