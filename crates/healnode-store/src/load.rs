//! Everything that was kept, read back at start. Samples stay on disk until one is asked for.

use std::collections::BTreeMap;

use healnode_core::{Deploy, Epoch, Fingerprint, Intent, NodeId, Seq, Series, Signed, Snapshot, Tally};
use healnode_wire::{EventHash, decode_fix_log, decode_record};

use crate::engine::Engine;
use crate::failure::Failure;
use crate::keys;

/// Reads the epoch under which this directory was made.
pub(crate) fn epoch(engine: &Engine) -> Result<Epoch, Failure> {
    let value = engine.get(&keys::EPOCH)?.ok_or_else(|| Failure::Damaged("its epoch is missing".to_owned()))?;
    Ok(decode_record(&value)?)
}

/// Reads all records but samples.
pub(crate) fn snapshot(engine: &Engine) -> Result<Snapshot, Failure> {
    let mut snapshot = Snapshot::default();
    for pair in engine.scan(&[keys::STATEMENT]) {
        let signed: Signed = decode_record(&pair?.1)?;
        let statement = &signed.statement;
        snapshot.statements.insert((statement.origin, statement.epoch, statement.body.key()), signed);
    }
    for pair in engine.scan(&[keys::HEARD]) {
        let (key, value) = pair?;
        snapshot.heard.insert(keys::read_heard(&key)?, decode_record::<Seq>(&value)?);
    }
    for pair in engine.scan(&[keys::COUNTER]) {
        let (key, value) = pair?;
        snapshot.counters.insert(keys::read_counter(&key)?, decode_record::<Tally>(&value)?);
    }
    for pair in engine.scan(&[keys::EVENT_ID]) {
        let (key, value) = pair?;
        snapshot.event_ids.insert(keys::read_event_id(&key)?, decode_record::<EventHash>(&value)?.0);
    }
    for pair in engine.scan(&[keys::INTENT]) {
        let (key, value) = pair?;
        snapshot.intents.insert(keys::read_intent(&key)?, decode_record::<Intent>(&value)?);
    }
    for pair in engine.scan(&[keys::RATE]) {
        let (key, value) = pair?;
        snapshot.rates.insert(keys::read_rate(&key)?, decode_record::<Series>(&value)?);
    }
    for pair in engine.scan(&[keys::DEPLOY]) {
        let (key, value) = pair?;
        snapshot.deploys.insert(keys::read_deploy(&key)?, decode_record::<Deploy>(&value)?);
    }
    let mut logs = BTreeMap::<Fingerprint, Vec<u8>>::new();
    for pair in engine.scan(&[keys::FIX_LOG]) {
        let (key, part) = pair?;
        logs.entry(keys::read_fix_log(&key)?).or_default().extend_from_slice(&part);
    }
    for (fingerprint, bytes) in logs {
        snapshot.fix_logs.insert(fingerprint, decode_fix_log(&bytes)?);
    }
    if let Some(value) = engine.get(&keys::SEQ_RESERVED)? {
        snapshot.seq_reserved = decode_record(&value)?;
    }
    Ok(snapshot)
}

/// Reads the peers that were known, with their addresses.
pub(crate) fn peers(engine: &Engine) -> Result<Vec<(NodeId, Vec<String>)>, Failure> {
    let mut peers = Vec::new();
    for pair in engine.scan(&[keys::PEER]) {
        let (key, value) = pair?;
        peers.push((keys::read_peer(&key)?, decode_record(&value)?));
    }
    Ok(peers)
}
