//! What a number of records change on disk.

use std::collections::BTreeMap;

use healnode_core::{NodeId, Record};
use healnode_wire::{EventHash, Stored, encode_fix_log, encode_record, encode_sample};

use crate::engine::Engine;
use crate::failure::Failure;
use crate::keys;
use crate::limits::{ADDRESS_BYTES_MAX, ADDRESSES_MAX, PEERS_MAX, VALUE_BYTES_MAX};

/// Values to write and keys to remove, all at once. The later of two changes to one key counts.
#[derive(Default)]
pub(crate) struct Changes {
    writes: BTreeMap<Vec<u8>, Option<Vec<u8>>>,
    needs_sync: bool,
}

impl Changes {
    /// Adds what one record changes. Reads from `engine` what is to be removed.
    pub(crate) fn add(&mut self, engine: &Engine, record: &Record) -> Result<(), Failure> {
        match record {
            Record::Statement(signed) => {
                let statement = &signed.statement;
                self.put(keys::statement(&statement.origin, statement.epoch, &statement.body.key()), signed);
            }
            Record::Heard { origin, epoch, through } => self.put(keys::heard(origin, *epoch), through),
            Record::Counter { fingerprint, tally } => self.put(keys::counter(fingerprint), tally),
            Record::EventId { slot, hash } => self.put(keys::event_id(*slot), &EventHash(*hash)),
            Record::SeqReserved(seq) => {
                self.put(keys::SEQ_RESERVED.to_vec(), seq);
                self.needs_sync = true;
            }
            Record::Sample(report) => self.put_parts(engine, &keys::sample(&report.fingerprint()), &encode_sample(report))?,
            Record::Intent { id, intent } => {
                self.put(keys::intent(*id), intent);
                self.needs_sync = true;
            }
            Record::Rate { fingerprint, series } => self.put(keys::rate(fingerprint), series.as_ref()),
            Record::Deploy(deploy) => {
                self.put(keys::deploy(deploy.slot()), deploy.as_ref());
                self.needs_sync = true;
            }
            Record::IntentSettled { id } => self.remove(keys::intent(*id)),
            Record::ForgetStatement { origin, epoch, key } => self.remove(keys::statement(origin, *epoch, key)),
            Record::FixLog { fingerprint, log } => self.put_parts(engine, &keys::fix_log(fingerprint), &encode_fix_log(log))?,
            Record::ForgetFingerprint(fingerprint) => {
                self.remove(keys::counter(fingerprint));
                self.remove(keys::rate(fingerprint));
                self.remove_parts(engine, &keys::sample(fingerprint))?;
                self.remove_parts(engine, &keys::fix_log(fingerprint))?;
            }
        }
        Ok(())
    }

    /// Adds what replaces all known peers by these, as far as there is room for them.
    pub(crate) fn replace_peers(&mut self, engine: &Engine, peers: &[(NodeId, Vec<String>)]) -> Result<(), Failure> {
        for key in engine.keys(&[keys::PEER])? {
            self.remove(key);
        }
        for (peer, addresses) in peers.iter().take(PEERS_MAX) {
            let short = addresses.iter().filter(|address| address.len() <= ADDRESS_BYTES_MAX);
            let kept: Vec<String> = short.take(ADDRESSES_MAX).cloned().collect();
            self.put(keys::peer(peer), &kept);
        }
        Ok(())
    }

    /// Sets one value.
    pub(crate) fn put<T: Stored>(&mut self, key: Vec<u8>, value: &T) {
        self.writes.insert(key, Some(encode_record(value)));
    }

    /// Returns whether these changes have to survive a power cut.
    pub(crate) fn needs_sync(&self) -> bool {
        self.needs_sync
    }

    /// Returns these changes as one atomic step.
    pub(crate) fn into_batch(self) -> sled::Batch {
        let mut batch = sled::Batch::default();
        for (key, value) in self.writes {
            match value {
                Some(value) => batch.insert(key, value),
                None => batch.remove(key),
            }
        }
        batch
    }

    fn remove(&mut self, key: Vec<u8>) {
        self.writes.insert(key, None);
    }

    /// Sets one value that may be too long for one key, in the place of an earlier one.
    fn put_parts(&mut self, engine: &Engine, prefix: &[u8], value: &[u8]) -> Result<(), Failure> {
        self.remove_parts(engine, prefix)?;
        for (part, bytes) in (0..=u8::MAX).zip(value.chunks(VALUE_BYTES_MAX)) {
            self.writes.insert(keys::part(prefix, part), Some(bytes.to_vec()));
        }
        Ok(())
    }

    /// Removes the parts that are on disk and those that an earlier record of the same step wrote.
    fn remove_parts(&mut self, engine: &Engine, prefix: &[u8]) -> Result<(), Failure> {
        for (_, value) in self.writes.range_mut(prefix.to_vec()..).take_while(|(key, _)| key.starts_with(prefix)) {
            *value = None;
        }
        for key in engine.keys(prefix)? {
            self.remove(key);
        }
        Ok(())
    }
}
