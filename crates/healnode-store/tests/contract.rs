//! Whatever sequence of records is kept, with re-openings in between, comes back as the model says: every record applied in order.
#![allow(clippy::unwrap_used)]

mod records;

use std::collections::BTreeMap;
use std::fs;

use healnode_core::{
    Body, Epoch, FilingNote, FilingStep, Fingerprint, FixNote, Key, Mute, NodeId, Record, Report, Seq, Snapshot, UnixMillis,
};
use healnode_store::Store;
use healnode_store::limits::{ADDRESS_BYTES_MAX, ADDRESSES_MAX, PEERS_MAX, STEP_RECORDS_MAX};
use proptest::collection::vec;
use proptest::prelude::*;
use records::{NOW, counter, deploy, fingerprint, fix_log, heard, intent, node, presence, rate, report, statement, tally};

/// What one can do with a store.
#[derive(Clone, Debug)]
enum Operation {
    Append(Vec<Record>),
    KeepPeers(Vec<(NodeId, Vec<String>)>),
    Reopen,
}

/// What a store should hold.
#[derive(Default)]
struct Model {
    snapshot: Snapshot,
    samples: BTreeMap<Fingerprint, Report>,
    peers: BTreeMap<NodeId, Vec<String>>,
}

impl Model {
    fn apply(&mut self, record: Record) {
        match &record {
            Record::Sample(report) => {
                self.samples.insert(report.fingerprint(), (**report).clone());
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
            | Record::FixLog { .. }
            | Record::Rate { .. }
            | Record::Deploy(_)
            | Record::ForgetStatement { .. } => {}
        }
        self.snapshot.apply(record);
    }

    fn check_besides_snapshot(&self, store: &Store) {
        for n in 0..4 {
            let kept = store.sample(fingerprint(n)).unwrap().map(|raw| Report::new(raw, UnixMillis(0)));
            assert_eq!(kept.as_ref(), self.samples.get(&fingerprint(n)));
        }
        assert_eq!(store.peers().unwrap(), self.peers.clone().into_iter().collect::<Vec<_>>());
    }
}

fn claim() -> FilingNote {
    FilingNote { step: FilingStep::Claim, issue: None }
}

fn body() -> impl Strategy<Value = Body> {
    let mute = Mute { at: NOW, until: NOW, by: "Ann".to_owned() };
    prop_oneof![
        (0..4_u64, 1..99_u64).prop_map(|(n, count)| Body::Tally { fingerprint: fingerprint(n), tally: tally(count) }),
        (0..4_u64).prop_map(|n| Body::Filing { fingerprint: fingerprint(n), note: claim() }),
        (0..4_u64).prop_map(move |n| Body::Mute { fingerprint: fingerprint(n), mute: mute.clone() }),
        (0..4_u64).prop_map(|n| Body::Fix { fingerprint: fingerprint(n), note: FixNote { attempts: 1, ..FixNote::default() } }),
        (0..9_u64).prop_map(presence),
    ]
}

fn key() -> impl Strategy<Value = Key> {
    body().prop_map(|body| body.key())
}

fn record() -> impl Strategy<Value = Record> {
    prop_oneof![
        (0..3_u8, 1..99_u64, body()).prop_map(|(origin, seq, body)| statement(origin, seq, body)),
        (0..3_u8, 0..3_u64, 0..99_u64).prop_map(|(n, epoch, seq)| Record::Heard {
            origin: node(n),
            epoch: Epoch(epoch),
            through: Seq(seq)
        }),
        (0..4_u64, 1..99_u64).prop_map(|(n, count)| counter(n, count)),
        (0..9_u32, any::<[u8; 16]>()).prop_map(|(slot, hash)| Record::EventId { slot, hash }),
        (0..9_999_u64).prop_map(|seq| Record::SeqReserved(Seq(seq))),
        (0..4_u64, 0..70_000_usize).prop_map(|(n, stack_bytes)| Record::Sample(Box::new(report(n, stack_bytes)))),
        (0..4_u64, 0..40_000_usize).prop_map(|(n, diff_bytes)| fix_log(n, diff_bytes)),
        (0..3_u64, 1..4_u64).prop_map(|(id, members)| intent(id, members)),
        (0..4_u64, 0..9_u32).prop_map(|(n, count)| rate(n, count)),
        (0..40_u64, any::<bool>()).prop_map(|(number, ended)| deploy(number, ended)),
        (0..3_u64).prop_map(|id| Record::IntentSettled { id }),
        (0..3_u8, key()).prop_map(|(origin, key)| Record::ForgetStatement { origin: node(origin), epoch: Epoch(1), key }),
        (0..4_u64).prop_map(|n| Record::ForgetFingerprint(fingerprint(n))),
    ]
}

fn operation() -> impl Strategy<Value = Operation> {
    let peers = vec((any::<u8>().prop_map(node), vec("/ip4/192.0.2.[1-9]/tcp/4801", 0..3)), 0..4);
    prop_oneof![
        6 => vec(record(), 0..12).prop_map(Operation::Append),
        1 => peers.prop_map(Operation::KeepPeers),
        2 => Just(Operation::Reopen),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn what_was_kept_comes_back_as_the_model_says(operations in vec(operation(), 1..12)) {
        let dir = tempfile::tempdir().unwrap();
        let mut model = Model::default();
        let (mut store, snapshot) = Store::open(dir.path(), NOW).unwrap();
        prop_assert_eq!(&snapshot, &model.snapshot);
        for operation in operations.into_iter().chain([Operation::Reopen]) {
            match operation {
                Operation::Append(records) => {
                    store.append(&records).unwrap();
                    records.into_iter().for_each(|record| model.apply(record));
                }
                Operation::KeepPeers(peers) => {
                    store.keep_peers(&peers).unwrap();
                    model.peers = peers.into_iter().collect();
                }
                Operation::Reopen => {
                    drop(store);
                    let (again, snapshot) = Store::open(dir.path(), UnixMillis(1)).unwrap();
                    prop_assert_eq!(&snapshot, &model.snapshot);
                    prop_assert_eq!(again.epoch(), Epoch(NOW.0));
                    store = again;
                }
            }
            model.check_besides_snapshot(&store);
        }
        let blobs = fs::read_dir(dir.path().join("sled/blobs")).unwrap().count();
        prop_assert_eq!(blobs, 0, "a page went to a file of its own, which sled does not sync");
    }
}

#[test]
fn the_same_records_twice_are_the_same_as_once() {
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = Store::open(dir.path(), NOW).unwrap();
    let records = [
        counter(1, 5),
        heard(7),
        Record::Sample(Box::new(report(1, 30_000))),
        fix_log(1, 20_000),
        intent(1, 2),
        Record::IntentSettled { id: 1 },
    ];
    store.append(&records).unwrap();
    store.append(&records).unwrap();
    drop(store);
    let (store, snapshot) = Store::open(dir.path(), NOW).unwrap();
    let mut model = Model::default();
    records.into_iter().for_each(|record| model.apply(record));
    assert_eq!(snapshot, model.snapshot);
    model.check_besides_snapshot(&store);
}

#[test]
fn an_append_of_many_steps_keeps_them_all_and_forgets_them_all() {
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = Store::open(dir.path(), NOW).unwrap();
    let slots = 0..u32::try_from(3 * STEP_RECORDS_MAX + 1).unwrap();
    let event_ids: Vec<Record> = slots.clone().map(|slot| Record::EventId { slot, hash: [7; 16] }).collect();
    let statements: Vec<Record> =
        slots.clone().map(|n| statement(1, u64::from(n), Body::Filing { fingerprint: fingerprint(n.into()), note: claim() })).collect();
    store.append(&event_ids).unwrap();
    store.append(&statements).unwrap();
    drop(store);
    let (store, snapshot) = Store::open(dir.path(), NOW).unwrap();
    assert_eq!(snapshot.event_ids.len(), slots.len());
    assert_eq!(snapshot.statements.len(), slots.len());

    let forget = |n: u32| Record::ForgetStatement { origin: node(1), epoch: Epoch(1), key: Key::Filing(fingerprint(n.into())) };
    store.append(&slots.map(forget).collect::<Vec<_>>()).unwrap();
    drop(store);
    assert!(Store::open(dir.path(), NOW).unwrap().1.statements.is_empty());
}

#[test]
fn peers_and_addresses_beyond_their_bounds_are_not_kept() {
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = Store::open(dir.path(), NOW).unwrap();
    let key = |n: usize| {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&n.to_be_bytes());
        NodeId::from_key(key)
    };
    let mut addresses = vec!["x".repeat(ADDRESS_BYTES_MAX + 1)];
    addresses.extend((0..ADDRESSES_MAX + 1).map(|n| format!("{n}{}", "y".repeat(ADDRESS_BYTES_MAX - 1))));
    let peers: Vec<_> = (0..PEERS_MAX + 1).map(|n| (key(n), addresses.clone())).collect();
    store.keep_peers(&peers).unwrap();
    let kept = store.peers().unwrap();
    assert_eq!(kept.len(), PEERS_MAX);
    assert!(kept.iter().all(|(_, kept)| *kept == addresses[1..=ADDRESSES_MAX]));
}
