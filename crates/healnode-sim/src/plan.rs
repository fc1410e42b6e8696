//! When which fault strikes the mesh: drawn from the seed before the run begins, so that a plan can be printed and read.

use healnode_core::Millis;

use crate::config::{Config, Fault};
use crate::dice::Dice;
use crate::network::{Cut, Place};
use crate::{hostile, people};

/// Something that is done to the mesh.
#[derive(Clone, Debug)]
pub(crate) enum Strike {
    /// A cut begins.
    Cut(usize, Cut),
    /// A cut ends.
    Mend(usize),
    /// A node is killed.
    Kill(Place, Kill),
    /// A node stands still for so many milliseconds.
    Pause(Place, u64),
    /// A clock is set, by so many milliseconds.
    Step(Place, i64),
    /// Old gossip is heard again.
    Replay,
    /// A copy of a node's disk is started on another machine.
    Clone { of: Place, at: Place },
    /// A person touches an issue.
    Person,
    /// The hostile peer speaks.
    Lie,
}

/// How a node dies and comes back.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Kill {
    /// Between which effects.
    pub(crate) doom: Doom,
    /// How long until it is started again.
    pub(crate) down_ms: u64,
    /// Whether its disk is emptied.
    pub(crate) wiped: bool,
    /// Whether its clock is set back by an hour before it comes back.
    pub(crate) clock_back: bool,
}

/// The effects between which a node dies.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Doom {
    /// At once, between two inputs.
    AtOnce,
    /// Somewhere among the effects of the next input that has any.
    AnyEffect,
    /// Somewhere among the effects of the next input that calls the forge.
    ForgeEffect,
    /// Somewhere among the effects of the next report.
    ReportEffect,
}

/// When each node starts, and what strikes when.
pub(crate) struct Plan {
    pub(crate) starts: Vec<Millis>,
    pub(crate) strikes: Vec<(Millis, Strike)>,
    /// Whose disk is copied to one more machine, if any.
    pub(crate) cloned: Option<Place>,
    /// Whose clock is wrong by how many milliseconds, if anybody's is wrong by years.
    pub(crate) years: Option<(Place, i64)>,
    pub(crate) hostile: bool,
}

/// Of a thousand runs, an identity is cloned in so many, and a clock is wrong by years.
const CLONED_PER_MILLE: u64 = 250;
const YEARS_PER_MILLE: u64 = 300;

const HOUR_MS: i64 = 3_600_000;
const YEAR_MS: i64 = 365 * 24 * HOUR_MS;

impl Plan {
    pub(crate) fn draw(config: &Config, faulty_until: Millis, dice: &mut Dice) -> Self {
        let rarely = |fault: Fault, per_mille: u64, dice: &mut Dice| config.faults.has(fault) && dice.per_mille(per_mille);
        let cloned = rarely(Fault::Clone, CLONED_PER_MILLE, dice).then(|| dice.below(config.nodes));
        let years = rarely(Fault::Years, YEARS_PER_MILLE, dice).then(|| (dice.below(config.nodes), either_way(10 * YEAR_MS, dice)));
        let hostile = rarely(Fault::Hostile, hostile::RUNS_PER_MILLE, dice);
        let people = rarely(Fault::People, people::RUNS_PER_MILLE, dice);
        let machines = config.nodes + usize::from(cloned.is_some());
        let mut planner = Planner { config, machines, until: faulty_until.0, dice, cuts: 0, strikes: Vec::new() };
        planner.partitions();
        planner.blips();
        planner.kills();
        planner.pauses();
        planner.steps();
        planner.replays();
        planner.clone_of(cloned);
        planner.people(people);
        planner.lies(hostile);
        let strikes = planner.strikes;
        let late = |place: Place, dice: &mut Dice| config.faults.has(Fault::Join) && place > 0 && dice.per_mille(100);
        let starts = (0..config.nodes)
            .map(|place| Millis(if late(place, dice) { dice.between(0, faulty_until.0 / 2) } else { dice.between(0, 1_500) }))
            .collect();
        Self { starts, strikes, cloned, years, hostile }
    }
}

struct Planner<'a> {
    config: &'a Config,
    machines: usize,
    until: u64,
    dice: &'a mut Dice,
    cuts: usize,
    strikes: Vec<(Millis, Strike)>,
}

impl Planner<'_> {
    fn partitions(&mut self) {
        let nodes = self.machines;
        if self.config.faults.has(Fault::Partition) {
            for _ in 0..self.dice.between(1, 2) {
                let kinds = self.dice.between(2, 3) as usize;
                let parts = (0..nodes).map(|_| self.dice.below(kinds) as u8).collect();
                let long = self.dice.between(20_000, self.until / 2);
                self.cut(Cut { parts, one_way: false }, long);
            }
        }
        if self.config.faults.has(Fault::OneWay) {
            let parts = (0..nodes).map(|_| u8::from(self.dice.per_mille(700))).collect();
            let long = self.dice.between(5_000, self.until / 3);
            self.cut(Cut { parts, one_way: true }, long);
        }
    }

    fn blips(&mut self) {
        if !self.config.faults.has(Fault::Blip) {
            return;
        }
        for _ in 0..2 + self.config.nodes / 10 {
            let place = self.dice.below(self.config.nodes);
            let parts = (0..self.machines).map(|other| u8::from(other == place)).collect();
            let long = self.dice.between(10, 9_000);
            self.cut(Cut { parts, one_way: false }, long);
        }
    }

    fn cut(&mut self, cut: Cut, long_ms: u64) {
        self.cuts += 1;
        let from = self.dice.between(0, self.until.saturating_sub(long_ms));
        self.strikes.push((Millis(from), Strike::Cut(self.cuts, cut)));
        self.strikes.push((Millis(from + long_ms), Strike::Mend(self.cuts)));
    }

    fn kills(&mut self) {
        let nodes = self.config.nodes;
        let crashes = if self.config.faults.has(Fault::Crash) { 2 + nodes / 20 } else { 0 };
        let wipes = if self.config.faults.has(Fault::Wipe) { 1 + nodes / 100 } else { 0 };
        for number in 0..crashes + wipes {
            let wiped = number >= crashes;
            let doom = [Doom::AtOnce, Doom::AnyEffect, Doom::ForgeEffect, Doom::ReportEffect][self.dice.below(4)];
            let down_ms = if self.dice.per_mille(300) { self.dice.between(50, 1_000) } else { self.dice.between(1_000, self.until / 4) };
            let kill = Kill { doom, down_ms, wiped, clock_back: wiped && self.dice.per_mille(300) };
            let at = Millis(self.dice.between(1_000, self.until));
            self.strikes.push((at, Strike::Kill(self.dice.below(nodes), kill)));
        }
    }

    /// Most are short; some are longer than a lease.
    fn pauses(&mut self) {
        if !self.config.faults.has(Fault::Pause) {
            return;
        }
        for _ in 0..1 + self.config.nodes / 10 {
            let (shortest, longest) = [(1_000, 5_000), (5_000, 40_000), (40_000, 200_000)][self.dice.below(3)];
            let long_ms = self.dice.between(shortest, longest).min(self.until / 2);
            let at = self.dice.between(0, self.until - long_ms);
            let place = self.dice.below(self.config.nodes);
            self.strikes.push((Millis(at), Strike::Pause(place, long_ms)));
        }
    }

    /// Never beyond the retention: what was counted and not said before a restart is then taken for long past, and said with the next occurrence.
    fn steps(&mut self) {
        if !self.config.faults.has(Fault::Step) {
            return;
        }
        for _ in 0..1 + self.config.nodes / 20 {
            let most = if self.dice.per_mille(200) { 20 * 24 * HOUR_MS } else { HOUR_MS };
            let by_ms = either_way(most, self.dice);
            let place = self.dice.below(self.config.nodes);
            let at = self.moment();
            self.strikes.push((at, Strike::Step(place, by_ms)));
        }
    }

    fn replays(&mut self) {
        let times = if self.config.faults.has(Fault::Replay) { self.dice.between(2, 6) } else { 0 };
        for _ in 0..times {
            let at = self.moment();
            self.strikes.push((at, Strike::Replay));
        }
    }

    fn clone_of(&mut self, cloned: Option<Place>) {
        if let Some(of) = cloned {
            let at = Millis(self.dice.between(5_000, self.until / 2));
            self.strikes.push((at, Strike::Clone { of, at: self.config.nodes }));
        }
    }

    fn people(&mut self, wanted: bool) {
        let times = if wanted { self.dice.between(2, 10) } else { 0 };
        for _ in 0..times {
            let at = self.moment();
            self.strikes.push((at, Strike::Person));
        }
    }

    fn lies(&mut self, wanted: bool) {
        let mut at = 0;
        while wanted && at < self.until {
            at += self.dice.between(hostile::SPEAKS_MS.0, hostile::SPEAKS_MS.1);
            self.strikes.push((Millis(at.min(self.until)), Strike::Lie));
        }
    }

    fn moment(&mut self) -> Millis {
        Millis(self.dice.between(1_000, self.until))
    }
}

fn either_way(most: i64, dice: &mut Dice) -> i64 {
    dice.between(0, 2 * most.unsigned_abs()) as i64 - most
}
