//! Records to keep, made from small numbers.
#![allow(dead_code)]

use healnode_core::{
    Body, Deploy, Epoch, Fingerprint, FixLog, Head, Intent, NodeId, Presence, RawError, Record, Report, Rollback, RollbackOutcome, Seq,
    Series, Severity, Signature, Signed, Statement, Tally, UnixMillis,
};

pub(crate) const NOW: UnixMillis = UnixMillis(1_795_612_232_000);

pub(crate) fn node(n: u8) -> NodeId {
    NodeId::from_key([n; 32])
}

/// The fingerprint of [`report`] with the same number.
pub(crate) fn fingerprint(n: u64) -> Fingerprint {
    report(n, 0).fingerprint()
}

/// A report whose stack trace has about `stack_bytes` bytes, and whose fingerprint is the same whatever these are.
pub(crate) fn report(n: u64, stack_bytes: usize) -> Report {
    let mut raw = RawError::new("ValueError", "no such thing");
    raw.fingerprint = vec![format!("error {n}")];
    raw.stack = Some("  at one.two(three)\n".repeat(stack_bytes / 20));
    Report::new(raw, NOW)
}

pub(crate) fn tally(count: u64) -> Tally {
    let head = Head {
        error_type: "ValueError".to_owned(),
        message: "no such thing".to_owned(),
        severity: Severity::Medium,
        app: "shop".to_owned(),
        release: String::new(),
        frames: 0,
    };
    Tally { count, first_seen: NOW, last_seen: UnixMillis(NOW.0 + count), head, releases: [("v1".to_owned(), count)].into() }
}

pub(crate) fn counter(n: u64, count: u64) -> Record {
    Record::Counter { fingerprint: fingerprint(n), tally: tally(count) }
}

pub(crate) fn heard(through: u64) -> Record {
    Record::Heard { origin: node(1), epoch: Epoch(1), through: Seq(through) }
}

pub(crate) fn statement(origin: u8, seq: u64, body: Body) -> Record {
    let statement = Statement { origin: node(origin), epoch: Epoch(1), seq: Seq(seq), body };
    Record::Statement(Signed { statement, signature: Signature([origin; 64]) })
}

pub(crate) fn presence(version: u64) -> Body {
    Body::Presence(Presence { can_file: true, can_fix: false, version: version.to_string(), name: String::new(), algorithm: 1 })
}

pub(crate) fn intent(id: u64, members: u64) -> Record {
    Record::Intent { id, intent: Intent { members: (0..members).map(fingerprint).collect() } }
}

pub(crate) fn fix_log(n: u64, diff_bytes: usize) -> Record {
    let log = FixLog { began: NOW, running: diff_bytes.is_multiple_of(2), diff: "+ one\n".repeat(diff_bytes / 6), ..FixLog::default() };
    Record::FixLog { fingerprint: fingerprint(n), log: Box::new(log) }
}

pub(crate) fn rate(n: u64, count: u32) -> Record {
    let series = Series { hour: 498_781, hours: vec![count; 48], window: 5_985_372, windows: u64::MAX / 3, total: count.into() };
    Record::Rate { fingerprint: fingerprint(n), series: Box::new(series) }
}

pub(crate) fn deploy(number: u64, ended: bool) -> Record {
    let outcome = RollbackOutcome::Failed { code: Some(1), took_ms: number };
    let rollback = Rollback { fingerprint: fingerprint(number), at: NOW, ended: ended.then_some((NOW, outcome)) };
    let (app, release) = ("shop".to_owned(), "é".repeat(64));
    Record::Deploy(Box::new(Deploy { number, app, release, at: NOW, rollback: number.is_multiple_of(2).then_some(rollback) }))
}
