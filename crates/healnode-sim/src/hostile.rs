//! A peer that tells lies under its own name: about errors that nobody has, about counts, about claims and about issues.
//!
//! What it says is well formed and signed, or the edge would not let it in. It can make honest nodes file what it invents and distrust what
//! they know of the errors that it talks about; it must not make any of them create twice, exceed a bound, or stop.

use healnode_core::limits::TALLY_COUNT_MAX;
use healnode_core::{
    Baseline, Body, Epoch, Filed, FilingNote, FilingStep, Fingerprint, Head, IssueNumber, IssueRef, NodeId, Presence, Run, Seq, Severity,
    Signature, Signed, Standing, Statement, Tally, UnixMillis,
};

use crate::dice::Dice;

/// Of a thousand runs, a hostile peer is in so many.
pub(crate) const RUNS_PER_MILLE: u64 = 250;

/// How often it speaks.
pub(crate) const SPEAKS_MS: (u64, u64) = (3_000, 20_000);

/// Errors that it invents in a run at most.
const INVENTED_MAX: usize = 120;

/// The peer.
pub(crate) struct Hostile {
    pub(crate) id: NodeId,
    epoch: Epoch,
    seq: u64,
    /// Real errors that it talks about.
    victims: Vec<Fingerprint>,
    invented: usize,
}

impl Hostile {
    /// Half of them come before everybody in the order of ids. A third of the errors are its victims.
    pub(crate) fn new(errors: impl Iterator<Item = Fingerprint>, wall: UnixMillis, dice: &mut Dice) -> Self {
        let mut key = dice.bytes();
        if dice.per_mille(500) {
            key[..8].fill(0);
        }
        let victims = errors.filter(|_| dice.per_mille(333)).collect();
        Self { id: NodeId::from_key(key), epoch: Epoch(wall.0), seq: 0, victims, invented: 0 }
    }

    pub(crate) fn victims(&self) -> &[Fingerprint] {
        &self.victims
    }

    /// Returns what it says next, and the name and number up to which it has spoken.
    pub(crate) fn speak(&mut self, wall: UnixMillis, dice: &mut Dice) -> Run {
        let after = Seq(self.seq);
        let mut bodies = vec![Body::Presence(Presence {
            can_file: true,
            can_fix: true,
            version: "9.9.9".to_owned(),
            name: String::new(),
            algorithm: 1,
        })];
        let flood = dice.below(25).min(INVENTED_MAX - self.invented);
        self.invented += flood;
        for _ in 0..flood {
            bodies.push(tally(Fingerprint::from_bytes(dice.bytes()), wall, dice));
        }
        for _ in 0..dice.below(8) {
            let Some(victim) = self.victims.get(dice.below(self.victims.len())).copied() else { break };
            bodies.push(if dice.per_mille(300) { tally(victim, wall, dice) } else { filing(victim, wall, dice) });
        }
        let statements: Vec<Signed> = bodies.into_iter().map(|body| self.sign(body, dice)).collect();
        Run { origin: self.id, epoch: self.epoch, after, through: Seq(self.seq), statements }
    }

    /// Now and then a number is used twice.
    fn sign(&mut self, body: Body, dice: &mut Dice) -> Signed {
        self.seq = (self.seq + u64::from(!dice.per_mille(50))).max(1);
        let mut signature = [0; 64];
        signature[..32].copy_from_slice(&dice.bytes());
        let statement = Statement { origin: self.id, epoch: self.epoch, seq: Seq(self.seq), body };
        Signed { statement, signature: Signature(signature) }
    }
}

fn tally(fingerprint: Fingerprint, wall: UnixMillis, dice: &mut Dice) -> Body {
    let head = Head {
        error_type: "InventedError".to_owned(),
        message: "never happened".to_owned(),
        severity: if dice.per_mille(200) { Severity::Critical } else { Severity::Medium },
        app: "elsewhere".to_owned(),
        release: String::new(),
        frames: 0,
    };
    let count = [1, 3, 1_000, TALLY_COUNT_MAX][dice.below(4)];
    let tally = Tally { count, first_seen: UnixMillis(0), last_seen: wall, head, releases: Default::default() };
    Body::Tally { fingerprint, tally }
}

fn filing(fingerprint: Fingerprint, wall: UnixMillis, dice: &mut Dice) -> Body {
    let step = [FilingStep::Idle, FilingStep::Claim, FilingStep::Intent][dice.below(3)];
    let number = IssueNumber([1, 2, 7, 4_711, u64::MAX][dice.below(5)]);
    let standing = match dice.below(6) {
        0 => Standing::Open,
        1 => Standing::Quiet,
        2 => Standing::Regressed,
        3 => Standing::Closed(Baseline { at: wall, counted: 0, unnamed: dice.between(0, 1_000), releases: Default::default() }),
        4 => Standing::Silenced,
        _ => Standing::Gone { occurrences: dice.between(0, 1_000) },
    };
    let issue = Filed {
        issue: IssueRef { number, url: "https://elsewhere.example/1".to_owned(), open: dice.per_mille(500) },
        floor: IssueNumber([0, 1, 9, u64::MAX][dice.below(4)]),
        occurrences: dice.between(0, 1_000_000),
        told: dice.between(0, 1_000_000),
        created: wall,
        standing,
        at: UnixMillis([0, wall.0, u64::MAX][dice.below(3)]),
        approved: false,
    };
    let issue = (step == FilingStep::Idle || dice.per_mille(300)).then_some(issue);
    Body::Filing { fingerprint, note: FilingNote { step, issue } }
}
