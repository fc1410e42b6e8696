//! A run: events in the order of virtual time, each handed to the machine that it is for.
//!
//! This file is the driver of every node at once. It keeps the driver's promises (one input, then all its effects in order; one answer to
//! each question; effects that store and stand in a row are one step on disk) and breaks everything that nobody promised.

use std::collections::BTreeMap;
use std::rc::Rc;

use healnode_core::{
    CallId, Effect, Fingerprint, ForgeHealth, ForgeReply, Input, Millis, NodeId, Outcome as Verdict, PullRequest, PullResponse,
    RefusalKind, Report, Run,
};

use crate::checks::Checks;
use crate::config::{Config, Fault, Faults, ForgeKind};
use crate::demand::Demand;
use crate::dice::Dice;
use crate::forge::{Caller, Forge};
use crate::load::{Load, RETRY_MS};
use crate::machine::Machine;
use crate::network::{Network, Place, gossip_arrivals, message_ms};
use crate::outcome::Outcome;
use crate::plan::{Doom, Kill, Plan, Strike};
use crate::queue::Queue;

/// A question that has no answer by then is answered with nothing.
const ASK_TIMEOUT_MS: u64 = 10_000;

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

/// How often everything is looked at. Longer for many nodes, because looking costs more there.
fn checkpoint_ms(nodes: usize) -> u64 {
    match nodes {
        0..=20 => 1_000,
        21..=100 => 3_000,
        _ => 15_000,
    }
}

/// What can happen.
enum Event {
    Start(Place),
    Tick { place: Place, life: u32, wake: u64 },
    Gossip { to: Place, run: Rc<Run> },
    Asked { number: u64, request: PullRequest },
    Answered { number: u64, response: Option<PullResponse> },
    ForgeActs(u64),
    ForgeAnswers(u64),
    Sample { place: Place, life: u32, id: CallId, report: Option<Box<Report>> },
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
    places: BTreeMap<NodeId, Place>,
    network: Network,
    forge: Forge,
    load: Load,
    asks: BTreeMap<u64, Ask>,
    asks_made: u64,
    checks: Checks,
    demand: Demand,
    digest: u64,
    events: u64,
    published: u64,
    kills: u64,
    skipped: u64,
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
        let ids: Vec<NodeId> = machines.iter().map(|machine| machine.id).collect();
        let network = Network::new(config.nodes, config.neighbours, &mut dice);
        let forge = Forge::new(config, heal_at, &mut dice);
        let load = Load::draw(config, heal_at, &mut dice);
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
            places: ids.iter().enumerate().map(|(place, id)| (*id, place)).collect(),
            checks: Checks::new(&ids),
            machines,
            network,
            forge,
            load,
            asks: BTreeMap::new(),
            asks_made: 0,
            demand: Demand::default(),
            digest: 0xcbf2_9ce4_8422_2325,
            events: 0,
            published: 0,
            kills: 0,
            skipped: 0,
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
            Event::ForgeActs(number) => self.forge.act(self.now, number, &mut self.dice),
            Event::ForgeAnswers(number) => self.forge_answers(number),
            Event::Sample { place, life, id, report } => self.handle_in(place, life, Input::Sample { id, report }),
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
        machine.start(now);
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

    fn asked(&mut self, number: u64, request: PullRequest) {
        if let Some(to) = self.asks.get(&number).map(|ask| ask.to) {
            self.handle(to, Input::Asked { id: CallId(number), request });
        }
    }

    fn answered(&mut self, number: u64, response: Option<PullResponse>) {
        let Some(ask) = self.asks.remove(&number) else { return };
        let from = self.machines[ask.to].id;
        self.handle_in(ask.from, ask.life, Input::Answered { from, response });
    }

    fn forge_answers(&mut self, number: u64) {
        let Some((caller, reply)) = self.forge.answer(number) else { return };
        if self.machines[caller.place].is_alive(caller.life) {
            self.forge.answer_reached(number, &reply);
            if let (ForgeReply::Refused(refusal), Some(process)) = (&reply, &mut self.machines[caller.place].process) {
                process.forge_is_well &= !matches!(refusal.kind, RefusalKind::Denied | RefusalKind::Unreachable);
            }
            self.handle(caller.place, Input::Forge { id: caller.id, reply });
        }
        self.forge.forget_if_over(number);
    }

    /// Opens or closes a connection, as things stand.
    fn connect(&mut self, number: usize) {
        let [a, b] = self.network.link(number).ends;
        let lives = [self.machines[a].life, self.machines[b].life];
        let possible = self.machines[a].process.is_some() && self.machines[b].process.is_some() && self.network.joins(a, b);
        let open = self.network.link(number).open;
        match open {
            Some(held) if !possible || held != lives => {
                self.network.link(number).open = None;
                let (id_a, id_b) = (self.machines[a].id, self.machines[b].id);
                self.handle_in(a, held[0], Input::PeerDown(id_b));
                self.handle_in(b, held[1], Input::PeerDown(id_a));
                let wait = self.dice.between(DIAL_MS.0, DIAL_MS.1);
                self.later(wait, Event::Connect(number));
            }
            None if possible => {
                self.network.link(number).open = Some(lives);
                let (id_a, id_b) = (self.machines[a].id, self.machines[b].id);
                self.handle_in(a, lives[0], Input::PeerUp(id_b));
                self.handle_in(b, lives[1], Input::PeerUp(id_a));
            }
            Some(_) | None => {}
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
        match strike {
            Strike::Cut(number, cut) => {
                self.network.cut(self.now, number, cut);
                self.connections_change(SILENT_MS);
            }
            Strike::Mend(number) => {
                self.network.mend(self.now, number);
                self.connections_change(DIAL_MS);
            }
            Strike::Kill(place, kill) => self.doom(place, kill),
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
            self.skipped += 1;
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
        self.machines[place].process = None;
        self.forge.caller_died(place, kill.wiped, &mut self.dice);
        self.kills += 1;
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
        let others: Vec<&Machine> = self.machines.iter().filter(|other| other.id != id && other.process.is_some()).take(20).collect();
        let known = |fingerprint: Fingerprint| {
            let mut counts: Vec<u64> = others.iter().filter_map(|other| count_of(other, self.now, fingerprint, id)).collect();
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
            self.checks.shown(self.now, place, machine, &self.load);
        }
        if self.healed {
            let unmet = Demand::first_unmet(&self.machines, &self.forge, &self.load, &self.config.policy, self.now);
            self.demand.look(self.now, unmet);
        }
        self.demand.mark_heard(&self.machines, self.end_at, self.now, self.config.policy.pull_interval);
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
            self.checks.effect(now, &self.machines[place], &effect, &self.load);
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
            Effect::Store(record) => self.machines[place].disk.apply(record),
            Effect::Publish(run) => self.publish(place, run),
            Effect::Ask { to, request } => self.ask(place, to, request),
            Effect::Answer { id, response } => self.answer(id.0, response),
            Effect::Acknowledge { id, outcome: Verdict::Counted } => self.load.acknowledged(id.0 as usize),
            Effect::Acknowledge { outcome: Verdict::LedgerFull, .. } => self.checks.violated(self.now, || "a ledger is full".to_owned()),
            Effect::Forge { id, call } => {
                let caller = Caller { place, life: self.machines[place].life, id };
                let course = self.forge.submit(self.now, caller, call, &mut self.dice);
                if let Some(at) = course.acts_at {
                    self.queue.push(at, Event::ForgeActs(course.number));
                }
                self.queue.push(course.answers_at, Event::ForgeAnswers(course.number));
            }
            Effect::FetchSample { id, fingerprint, holders } => self.fetch_sample(place, id, fingerprint, &holders),
            Effect::WakeAt { at, .. } => self.wake(place, at),
            Effect::Note(_) => {}
        }
    }

    fn publish(&mut self, from: Place, run: Run) {
        self.published += 1;
        if !self.network.is_joined(from) {
            return;
        }
        let run = Rc::new(run);
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

    fn ask(&mut self, from: Place, to: NodeId, request: PullRequest) {
        let Some(to) = self.places.get(&to).copied() else { return };
        self.asks_made += 1;
        let number = self.asks_made;
        self.asks.insert(number, Ask { from, life: self.machines[from].life, to });
        self.later(ASK_TIMEOUT_MS, Event::Answered { number, response: None });
        if self.network.connected(from, to) && self.network.passes(from, to) {
            let way = message_ms(&mut self.dice);
            self.later(way, Event::Asked { number, request });
        }
    }

    fn answer(&mut self, number: u64, response: PullResponse) {
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
        for holder in holders.iter().filter_map(|holder| self.places.get(holder)) {
            if report.is_some() {
                break;
            }
            wait += SAMPLE_MS + 2 * message_ms(&mut self.dice);
            let there = self.machines[*holder].process.is_some() && self.network.joins(place, *holder);
            report = self.machines[*holder].disk.samples.get(&fingerprint).filter(|_| there).cloned();
        }
        self.later(wait, Event::Sample { place, life, id, report });
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
        let unheard = self.demand.unheard(&self.machines);
        for what in unheard.into_iter().chain(self.forge.violations.split_off(0)) {
            self.checks.violated(self.now, || what);
        }
        let duplicates = self.forge.duplicates(|a, b, at| self.network.were_split(a, b, at));
        let excused = !self.config.faults.leave_one_filer() && self.config.forge == ForgeKind::Plain;
        if !excused && duplicates.total() > 0 {
            self.checks.violated(self.now, || format!("{} second issues, and nothing excuses them", duplicates.total()));
        }
        let unmet = Demand::first_unmet(&self.machines, &self.forge, &self.load, &self.config.policy, self.now);
        if let Some(what) = unmet {
            self.checks.violated(self.now, || format!("at the end: {what}"));
        }
        let agreed_after_ms = self.demand.since().map(|since| since.0 - self.heal_at.0);
        let counts_agreed = Demand::counts_agreed(&self.machines, &self.load);
        let due = Demand::due(&self.load, &self.config.policy);
        self.mix([self.forge.issues().len() as u64, counts_agreed as u64, self.published, self.forge.calls_made()]);
        Outcome {
            seed,
            digest: self.digest,
            events: self.events,
            fingerprints: self.load.errors().count(),
            due,
            issues: self.forge.issues().len(),
            duplicates,
            counts_agreed,
            agreed_after_ms,
            occurrences: self.load.errors().map(|(fingerprint, _)| self.load.truth(fingerprint).least).sum(),
            published: self.published,
            forge_calls: self.forge.calls_made(),
            kills: self.kills,
            skipped: self.skipped,
            violations: self.checks.violations,
            written: self.checks.written,
        }
    }
}

fn machines(config: &Config, plan: &Plan, dice: &mut Dice) -> Vec<Machine> {
    let doomed = |place: Place| plan.strikes.iter().any(|(_, strike)| matches!(strike, Strike::Kill(doomed, _) if *doomed == place));
    (0..config.nodes)
        .map(|place| {
            let id = NodeId::from_key(dice.bytes());
            let tokenless = config.faults.has(Fault::Tokenless) && place > 0 && dice.per_mille(200);
            let mut policy = config.policy.clone();
            policy.may_file &= !tokenless;
            Machine::new(id, policy, skew_ms(config, dice), doomed(place))
        })
        .collect()
}

/// Most clocks are right to within two seconds, some are off by up to an hour.
fn skew_ms(config: &Config, dice: &mut Dice) -> i64 {
    if !config.faults.has(Fault::Skew) {
        return 0;
    }
    let bound = if dice.per_mille(100) { 3_600_000 } else { 2_000 };
    dice.between(0, 2 * bound) as i64 - bound as i64
}

fn count_of(machine: &Machine, now: Millis, fingerprint: Fingerprint, of: NodeId) -> Option<u64> {
    let process = machine.process.as_ref()?;
    let view = process.node.error(healnode_core::Now { mono: process.mono(now), wall: machine.wall(now) }, fingerprint)?;
    view.nodes.get(&of).copied()
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
    }
}
