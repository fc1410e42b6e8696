//! Under which key each record is kept. One tree for all: a batch of sled's is atomic within a tree only.
//!
//! A key is one byte for the kind and then ids and numbers at their full width, so a range of keys is one kind, or one kind of one origin.
//! A change here needs a new version of the folder's format.

use healnode_core::{Epoch, Fingerprint, Key, NodeId};

use crate::failure::Failure;

pub(crate) const STATEMENT: u8 = b's';
pub(crate) const HEARD: u8 = b'h';
pub(crate) const COUNTER: u8 = b'c';
pub(crate) const EVENT_ID: u8 = b'i';
pub(crate) const INTENT: u8 = b'f';
pub(crate) const SAMPLE: u8 = b'r';
pub(crate) const FIX_LOG: u8 = b'x';
pub(crate) const RATE: u8 = b't';
pub(crate) const DEPLOY: u8 = b'd';
pub(crate) const PEER: u8 = b'p';

/// The number up to which sequence numbers may have been used.
pub(crate) const SEQ_RESERVED: [u8; 1] = *b"q";
/// The epoch of this directory.
pub(crate) const EPOCH: [u8; 1] = *b"e";

pub(crate) fn statement(origin: &NodeId, epoch: Epoch, key: &Key) -> Vec<u8> {
    let kind = match key {
        Key::Tally(_) => 0,
        Key::Filing(_) => 1,
        Key::Mute(_) => 2,
        Key::Fix(_) => 4,
        Key::Presence => 3,
    };
    let fingerprint = key.fingerprint();
    let about = fingerprint.as_ref().map_or(&[][..], |fingerprint| &fingerprint.as_bytes()[..]);
    [&[STATEMENT], &origin.key()[..], &epoch.0.to_be_bytes(), &[kind], about].concat()
}

pub(crate) fn heard(origin: &NodeId, epoch: Epoch) -> Vec<u8> {
    [&[HEARD], &origin.key()[..], &epoch.0.to_be_bytes()].concat()
}

pub(crate) fn read_heard(key: &[u8]) -> Result<(NodeId, Epoch), Failure> {
    let (origin, epoch) = rest::<40>(key)?.split_at(32);
    let mut id = [0; 32];
    id.copy_from_slice(origin);
    let mut number = [0; 8];
    number.copy_from_slice(epoch);
    Ok((NodeId::from_key(id), Epoch(u64::from_be_bytes(number))))
}

pub(crate) fn counter(fingerprint: &Fingerprint) -> Vec<u8> {
    [&[COUNTER], &fingerprint.as_bytes()[..]].concat()
}

pub(crate) fn read_counter(key: &[u8]) -> Result<Fingerprint, Failure> {
    rest(key).map(|bytes| Fingerprint::from_bytes(*bytes))
}

pub(crate) fn event_id(slot: u32) -> Vec<u8> {
    [&[EVENT_ID], &slot.to_be_bytes()[..]].concat()
}

pub(crate) fn read_event_id(key: &[u8]) -> Result<u32, Failure> {
    rest(key).map(|bytes| u32::from_be_bytes(*bytes))
}

pub(crate) fn intent(id: u64) -> Vec<u8> {
    [&[INTENT], &id.to_be_bytes()[..]].concat()
}

pub(crate) fn read_intent(key: &[u8]) -> Result<u64, Failure> {
    rest(key).map(|bytes| u64::from_be_bytes(*bytes))
}

pub(crate) fn rate(fingerprint: &Fingerprint) -> Vec<u8> {
    [&[RATE], &fingerprint.as_bytes()[..]].concat()
}

pub(crate) fn read_rate(key: &[u8]) -> Result<Fingerprint, Failure> {
    rest(key).map(|bytes| Fingerprint::from_bytes(*bytes))
}

pub(crate) fn deploy(slot: u8) -> Vec<u8> {
    vec![DEPLOY, slot]
}

pub(crate) fn read_deploy(key: &[u8]) -> Result<u8, Failure> {
    rest::<1>(key).map(|[slot]| *slot)
}

/// What the keys of all parts of a sample begin with.
pub(crate) fn sample(fingerprint: &Fingerprint) -> Vec<u8> {
    [&[SAMPLE], &fingerprint.as_bytes()[..]].concat()
}

/// What the keys of all parts of a fix's log begin with.
pub(crate) fn fix_log(fingerprint: &Fingerprint) -> Vec<u8> {
    [&[FIX_LOG], &fingerprint.as_bytes()[..]].concat()
}

/// Returns the key of one part of a value that takes several.
pub(crate) fn part(prefix: &[u8], part: u8) -> Vec<u8> {
    [prefix, &[part]].concat()
}

pub(crate) fn read_fix_log(key: &[u8]) -> Result<Fingerprint, Failure> {
    rest::<33>(key).map(|bytes| {
        let mut fingerprint = [0; 32];
        fingerprint.copy_from_slice(&bytes[..32]);
        Fingerprint::from_bytes(fingerprint)
    })
}

pub(crate) fn peer(peer: &NodeId) -> Vec<u8> {
    [&[PEER], &peer.key()[..]].concat()
}

pub(crate) fn read_peer(key: &[u8]) -> Result<NodeId, Failure> {
    rest(key).map(|bytes| NodeId::from_key(*bytes))
}

/// Returns what follows the kind, which has to be `N` bytes.
fn rest<const N: usize>(key: &[u8]) -> Result<&[u8; N], Failure> {
    let rest = key.get(1..).and_then(|rest| rest.try_into().ok());
    rest.ok_or_else(|| Failure::Damaged("a key of the wrong length".to_owned()))
}
