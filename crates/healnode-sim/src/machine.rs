//! One machine: an identity, a disk, a clock, and at times a process that is the node.

use std::collections::{BTreeMap, BTreeSet};

use healnode_core::{
    Epoch, Fingerprint, LeaseNonce, Millis, Node, NodeId, Now, Policy, Record, Report, Signature, Signed, Signer, Snapshot, Statement,
    UnixMillis,
};
use sha2::{Digest as _, Sha256};

use crate::config::Config;
use crate::edge::Edge;
use crate::plan::Kill;

/// What the wall clock shows when a run begins.
pub(crate) const WALL_BASE_MS: u64 = 1_795_612_200_000;

/// A machine.
pub(crate) struct Machine {
    pub(crate) id: NodeId,
    pub(crate) disk: Disk,
    pub(crate) policy: Policy,
    /// How far the wall clock is ahead; negative when behind.
    pub(crate) skew_ms: i64,
    /// Counts starts, so that what was meant for an earlier process is not taken for this one's.
    pub(crate) life: u32,
    pub(crate) process: Option<Process>,
    /// How the process is to die, once the moment is there.
    pub(crate) doom: Option<Kill>,
    /// Until when the process stands still.
    pub(crate) paused_until: Millis,
}

/// A running node.
pub(crate) struct Process {
    pub(crate) node: Node,
    pub(crate) edge: Edge,
    /// What it has claimed and not filed or put off.
    pub(crate) filing: BTreeSet<Fingerprint>,
    started: Millis,
    /// Counts wake-ups asked for; only the last one is given.
    pub(crate) wake: u64,
    /// When its edge for fixes is done with what it was asked for.
    pub(crate) fixing_until: Millis,
    /// Whether the node was told that its forge is in order, and has not heard otherwise since.
    pub(crate) forge_is_well: bool,
}

/// What outlives a process.
#[derive(Clone, Default)]
pub(crate) struct Disk {
    /// When it was made, by the machine's clock.
    epoch: Option<Epoch>,
    /// Nothing for a machine that never restarts: 1,000 copies of 1,000 ledgers would take gigabytes for nothing.
    pub(crate) kept: Option<Snapshot>,
    pub(crate) samples: BTreeMap<Fingerprint, Box<Report>>,
}

impl Machine {
    /// A machine that has not been started. `restarts` when it ever will be a second time.
    pub(crate) fn new(id: NodeId, policy: Policy, skew_ms: i64, restarts: bool) -> Self {
        let disk = Disk { kept: restarts.then(Snapshot::default), ..Disk::default() };
        Self { id, disk, policy, skew_ms, life: 0, process: None, doom: None, paused_until: Millis(0) }
    }

    /// Starts the node from its disk. `nonce` tells this run from every other.
    pub(crate) fn start(&mut self, now: Millis, config: &Config, nonce: LeaseNonce) {
        self.life += 1;
        let wall = self.wall(now);
        let epoch = *self.disk.epoch.get_or_insert(Epoch(wall.0));
        let snapshot = self.disk.kept.clone().unwrap_or_default();
        let signer = Box::new(HashSigner(self.id));
        let node = Node::new(self.id, epoch, self.policy.clone(), signer, snapshot, Now { mono: Millis(0), wall });
        let edge = Edge::new(config, nonce);
        self.paused_until = Millis(0);
        self.process =
            Some(Process { node, edge, filing: BTreeSet::new(), started: now, wake: 0, fixing_until: now, forge_is_well: false });
    }

    /// Empties the disk. The next start makes a new epoch.
    pub(crate) fn wipe(&mut self) {
        let kept = self.disk.kept.as_ref().map(|_| Snapshot::default());
        self.disk = Disk { kept, ..Disk::default() };
    }

    pub(crate) fn is_alive(&self, life: u32) -> bool {
        self.life == life && self.process.is_some()
    }

    pub(crate) fn is_paused(&self, now: Millis) -> bool {
        self.process.is_some() && now < self.paused_until
    }

    /// Returns under which epoch the node speaks.
    pub(crate) fn epoch(&self) -> Epoch {
        self.disk.epoch.unwrap_or_default()
    }

    pub(crate) fn wall(&self, now: Millis) -> UnixMillis {
        UnixMillis((WALL_BASE_MS + now.0).saturating_add_signed(self.skew_ms))
    }
}

impl Process {
    /// Returns the node's own time.
    pub(crate) fn mono(&self, now: Millis) -> Millis {
        Millis(now.0 - self.started.0)
    }

    /// Returns when the node's own time is `at`.
    pub(crate) fn when(&self, at: Millis) -> Millis {
        Millis(self.started.0.saturating_add(at.0))
    }
}

impl Disk {
    pub(crate) fn apply(&mut self, record: Record) {
        match &record {
            Record::Sample(report) => {
                self.samples.insert(report.fingerprint(), report.clone());
            }
            Record::ForgetFingerprint(fingerprint) => {
                self.samples.remove(fingerprint);
            }
            Record::Statement(_)
            | Record::Heard { .. }
            | Record::Counter { .. }
            | Record::EventId { .. }
            | Record::SeqReserved(_)
            | Record::Intent { .. }
            | Record::IntentSettled { .. }
            | Record::Rate { .. }
            | Record::Deploy(_)
            | Record::FixLog { .. }
            | Record::ForgetStatement { .. } => {}
        }
        if let Some(snapshot) = &mut self.kept {
            snapshot.apply(record);
        }
    }

    /// Returns the statement that `signed` would take the place of.
    pub(crate) fn predecessor(&self, signed: &Signed) -> Option<&Signed> {
        let statement = &signed.statement;
        self.kept.as_ref()?.statements.get(&(statement.origin, statement.epoch, statement.body.key()))
    }
}

/// Stands in for a key: a hash over the signer and what a real node would sign.
struct HashSigner(NodeId);

impl Signer for HashSigner {
    fn sign(&self, statement: &Statement) -> Signature {
        let hash = |round: u8| {
            Sha256::new().chain_update([round]).chain_update(self.0.key()).chain_update(healnode_wire::signing_bytes(statement)).finalize()
        };
        let mut signature = [0; 64];
        signature[..32].copy_from_slice(&hash(0));
        signature[32..].copy_from_slice(&hash(1));
        Signature(signature)
    }
}
