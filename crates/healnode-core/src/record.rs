//! What a node keeps on disk, and what it is given back at start.
//!
//! A [`Snapshot`] is all records applied in order; it is the model that every store is held against.

use std::collections::BTreeMap;

use healnode_report::{Fingerprint, Report};
use serde::{Deserialize, Serialize};

use crate::{Deploy, Epoch, FixLog, Key, NodeId, Seq, Series, Signed, Tally};

/// One thing to keep.
#[derive(Clone, PartialEq, Debug)]
pub enum Record {
    /// A statement, in the place of an earlier one with the same origin, epoch and key.
    Statement(Signed),
    /// How far an origin has been heard without a gap.
    Heard {
        /// Whose statements.
        origin: NodeId,
        /// Of which epoch.
        epoch: Epoch,
        /// Up to which number.
        through: Seq,
    },
    /// What this node itself has counted; may run ahead of its last statement.
    Counter {
        /// The error.
        fingerprint: Fingerprint,
        /// How often, when, and what it looks like.
        tally: Tally,
    },
    /// The event id of a counted report, as a hash, in a ring of [`EVENT_IDS_MAX`](crate::limits::EVENT_IDS_MAX) places.
    EventId {
        /// The place in the ring.
        slot: u32,
        /// The first 16 bytes of the id's SHA-256.
        hash: [u8; 16],
    },
    /// Numbers up to this one may have been used.
    SeqReserved(Seq),
    /// One whole report, in the place of an earlier one of the same fingerprint.
    Sample(Box<Report>),
    /// How often an error was seen lately, in the place of an earlier one. Written once an hour at most.
    Rate {
        /// The error.
        fingerprint: Fingerprint,
        /// It.
        series: Box<Series>,
    },
    /// A deploy, in the place of what was kept in the same [`slot`](Deploy::slot).
    Deploy(Box<Deploy>),
    /// A create may be sent from now on.
    Intent {
        /// Which filing.
        id: u64,
        /// What it is about.
        intent: Intent,
    },
    /// The filing is settled.
    IntentSettled {
        /// Which filing.
        id: u64,
    },
    /// A statement is forgotten.
    ForgetStatement {
        /// Whose.
        origin: NodeId,
        /// Of which epoch.
        epoch: Epoch,
        /// About what.
        key: Key,
    },
    /// What became of the last fix that this node looked for, in the place of an earlier one.
    FixLog {
        /// The error.
        fingerprint: Fingerprint,
        /// It.
        log: Box<FixLog>,
    },
    /// What was known of a fingerprint besides statements is forgotten: its counter, its sample, its fix and its rate.
    ForgetFingerprint(Fingerprint),
}

/// What a filing that may have been sent is about.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Intent {
    /// The fingerprints that the one issue is for.
    pub members: Vec<Fingerprint>,
}

/// Everything that was kept, apart from samples, which stay on disk until one is asked for.
#[derive(Clone, PartialEq, Hash, Debug, Default)]
pub struct Snapshot {
    /// Statements by origin, epoch and key.
    pub statements: BTreeMap<(NodeId, Epoch, Key), Signed>,
    /// How far each origin has been heard.
    pub heard: BTreeMap<(NodeId, Epoch), Seq>,
    /// What this node itself has counted.
    pub counters: BTreeMap<Fingerprint, Tally>,
    /// Hashes of event ids by place.
    pub event_ids: BTreeMap<u32, [u8; 16]>,
    /// How often errors were seen lately.
    pub rates: BTreeMap<Fingerprint, Series>,
    /// Deploys by slot.
    pub deploys: BTreeMap<u8, Deploy>,
    /// Numbers up to this one may have been used.
    pub seq_reserved: Seq,
    /// Filings that may have been sent and are not settled.
    pub intents: BTreeMap<u64, Intent>,
    /// The last fix that this node looked for, of each fingerprint.
    pub fix_logs: BTreeMap<Fingerprint, FixLog>,
}

impl Snapshot {
    /// Applies one record.
    pub fn apply(&mut self, record: Record) {
        match record {
            Record::Statement(signed) => {
                let statement = &signed.statement;
                self.statements.insert((statement.origin, statement.epoch, statement.body.key()), signed);
            }
            Record::Heard { origin, epoch, through } => {
                self.heard.insert((origin, epoch), through);
            }
            Record::Counter { fingerprint, tally } => {
                self.counters.insert(fingerprint, tally);
            }
            Record::EventId { slot, hash } => {
                self.event_ids.insert(slot, hash);
            }
            Record::SeqReserved(seq) => self.seq_reserved = seq,
            Record::Rate { fingerprint, series } => {
                self.rates.insert(fingerprint, *series);
            }
            Record::Deploy(deploy) => {
                self.deploys.insert(deploy.slot(), *deploy);
            }
            Record::Intent { id, intent } => {
                self.intents.insert(id, intent);
            }
            Record::IntentSettled { id } => {
                self.intents.remove(&id);
            }
            Record::ForgetStatement { origin, epoch, key } => {
                self.statements.remove(&(origin, epoch, key));
            }
            Record::ForgetFingerprint(fingerprint) => {
                self.counters.remove(&fingerprint);
                self.rates.remove(&fingerprint);
                self.fix_logs.remove(&fingerprint);
            }
            Record::FixLog { fingerprint, log } => {
                self.fix_logs.insert(fingerprint, *log);
            }
            Record::Sample(_) => {}
        }
    }
}
