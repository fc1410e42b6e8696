//! When which fault strikes the mesh: drawn from the seed before the run begins, so that a plan can be printed and read.

use healnode_core::Millis;

use crate::config::{Config, Fault};
use crate::dice::Dice;
use crate::network::{Cut, Place};

/// Something that is done to the mesh.
#[derive(Clone, Debug)]
pub(crate) enum Strike {
    /// A cut begins.
    Cut(usize, Cut),
    /// A cut ends.
    Mend(usize),
    /// A node is killed.
    Kill(Place, Kill),
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
}

impl Plan {
    pub(crate) fn draw(config: &Config, faulty_until: Millis, dice: &mut Dice) -> Self {
        let mut planner = Planner { config, until: faulty_until.0, dice, cuts: 0, strikes: Vec::new() };
        planner.partitions();
        planner.blips();
        planner.kills();
        let strikes = planner.strikes;
        let late = |place: Place, dice: &mut Dice| config.faults.has(Fault::Join) && place > 0 && dice.per_mille(100);
        let starts = (0..config.nodes)
            .map(|place| Millis(if late(place, dice) { dice.between(0, faulty_until.0 / 2) } else { dice.between(0, 1_500) }))
            .collect();
        Self { starts, strikes }
    }
}

struct Planner<'a> {
    config: &'a Config,
    until: u64,
    dice: &'a mut Dice,
    cuts: usize,
    strikes: Vec<(Millis, Strike)>,
}

impl Planner<'_> {
    fn partitions(&mut self) {
        let nodes = self.config.nodes;
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
            let parts = (0..self.config.nodes).map(|other| u8::from(other == place)).collect();
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
}
