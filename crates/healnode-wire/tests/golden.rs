//! The bytes of version 1, as they are on other machines and on disks. A test that fails here says: this change needs a new version.
//!
//! `HEALNODE_WRITE_GOLDEN=1 cargo test -p healnode-wire --test golden` writes the files anew, for a new version.
#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use healnode_core::{
    Baseline, Body, Deploy, Digest, Epoch, Filed, FilingNote, FilingStep, Fingerprint, FixAnswer, FixLog, FixNote, FixStage, FixStep,
    FixSummary, Head, Intent, IssueNumber, IssueRef, KnownPull, Mute, NodeId, Presence, PullRequest, PullState, RawError, Report, Rollback,
    RollbackOutcome, Run, Seq, Series, Severity, Signature, Signed, StageRecord, Standing, Statement, Summary, SyncRequest, SyncResponse,
    Tally, UnixMillis, Verdict,
};
use healnode_wire::{
    EventHash, Request, encode_fix_log, encode_pull_response, encode_record, encode_request, encode_run, encode_sample,
    encode_sample_response, signing_bytes,
};

/// Compares with `tests/data/v1/<name>.hex`: lines of 32 bytes.
fn check(name: &str, bytes: &[u8]) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/v1").join(name).with_extension("hex");
    let hex: String = bytes.chunks(32).map(|line| line.iter().map(|byte| format!("{byte:02x}")).collect::<String>() + "\n").collect();
    if std::env::var_os("HEALNODE_WRITE_GOLDEN").is_some() {
        std::fs::write(&path, &hex).unwrap();
    }
    let golden = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(hex, golden, "the bytes of {name} are not those in {}", path.display());
}

fn fingerprint() -> Fingerprint {
    Fingerprint::from_bytes([0xf1; 32])
}

fn tally() -> Tally {
    let head = Head {
        error_type: "ValueError".to_owned(),
        message: "no such thing".to_owned(),
        severity: Severity::High,
        app: "shop".to_owned(),
        release: "v1".to_owned(),
        frames: 0,
    };
    let releases = BTreeMap::from([("v1".to_owned(), 2), ("other".to_owned(), 1)]);
    Tally { count: 3, first_seen: UnixMillis(1_795_612_232_000), last_seen: UnixMillis(1_795_612_233_000), head, releases }
}

fn statement(seq: u64, body: Body) -> Statement {
    Statement { origin: NodeId::from_key([0x0a; 32]), epoch: Epoch(1_795_612_000_000), seq: Seq(seq), body }
}

fn run() -> Run {
    let note = |step, issue| Body::Filing { fingerprint: fingerprint(), note: FilingNote { step, issue } };
    let closed = Standing::Closed(Baseline { at: UnixMillis(5), counted: 0, unnamed: 2, releases: BTreeSet::from([6, 7]) });
    let mute = Mute { at: UnixMillis(1), until: UnixMillis(2), by: "Ann".to_owned() };
    let bodies = [
        Body::Tally { fingerprint: fingerprint(), tally: tally() },
        note(FilingStep::Claim, None),
        note(FilingStep::Intent, None),
        note(FilingStep::Idle, Some(filed(Standing::Open))),
        note(FilingStep::Idle, Some(filed(closed))),
        note(FilingStep::Claim, Some(filed(Standing::Gone { occurrences: 9 }))),
        Body::Mute { fingerprint: fingerprint(), mute },
        Body::Presence(Presence { can_file: true, can_fix: false, version: "0.1.0".to_owned(), name: String::new(), algorithm: 1 }),
    ];
    let sign = |(seq, body)| Signed { statement: statement(seq, body), signature: Signature([0x5a; 64]) };
    let statements = (11..).zip(bodies).map(sign).collect();
    Run { origin: NodeId::from_key([0x0a; 32]), epoch: Epoch(1_795_612_000_000), after: Seq(10), through: Seq(18), statements }
}

fn filed(standing: Standing) -> Filed {
    Filed {
        issue: IssueRef { number: IssueNumber(42), url: "https://example.com/issues/42".to_owned(), open: true },
        floor: IssueNumber(41),
        occurrences: 3,
        told: 2,
        created: UnixMillis(1_795_612_233_000),
        standing,
        at: UnixMillis(1_795_612_234_000),
        approved: false,
    }
}

fn fix() -> Body {
    let (number, url) = (IssueNumber(43), "https://example.com/pull/43".to_owned());
    let pull = PullRequest { number, url, state: PullState::Merged { at: UnixMillis(1_795_612_235_000) } };
    let pull = Some(KnownPull { pull: Some(pull), issue: IssueNumber(42), at: UnixMillis(6) });
    let last = FixSummary { at: UnixMillis(7), verdict: Verdict::Verified, stage: FixStage::Publish, published: true, passing: false };
    Body::Fix { fingerprint: fingerprint(), note: FixNote { step: FixStep::Working, pull, attempts: 1, last: Some(last) } }
}

fn fix_log() -> FixLog {
    let (at, note) = (UnixMillis(8), "it may be looked for".to_owned());
    let stages = vec![StageRecord { stage: FixStage::Gate, round: 0, at, took_ms: 2, passed: true, note }];
    let answer = Some(FixAnswer { root_cause: "a missing check".to_owned(), ..FixAnswer::default() });
    let verdict = Some(Verdict::NotRegressed);
    FixLog { began: UnixMillis(8), stages, answer, diff: "--- a".to_owned(), verdict, fixer: "script".to_owned(), ..FixLog::default() }
}

fn digest() -> Digest {
    Digest(BTreeMap::from([((NodeId::from_key([0x0a; 32]), Epoch(7)), Seq(17)), ((NodeId::from_key([0x0b; 32]), Epoch(8)), Seq(300))]))
}

fn report() -> Report {
    let mut raw = RawError::new("ValueError", "no such thing");
    raw.logs = vec!["one".to_owned(), "two".to_owned()];
    raw.app = Some("shop".to_owned());
    Report::new(raw, UnixMillis(1_795_612_232_000))
}

#[test]
fn the_bytes_under_a_signature_stay() {
    let can_fix =
        Body::Presence(Presence { can_file: true, can_fix: true, version: "0.1.0".to_owned(), name: String::new(), algorithm: 1 });
    check("signing_bytes_fix", &signing_bytes(&statement(2, fix())));
    check("signing_bytes_can_fix", &signing_bytes(&statement(3, can_fix)));
    check("signing_bytes", &signing_bytes(&statement(1, Body::Tally { fingerprint: fingerprint(), tally: tally() })));
}

#[test]
fn the_bytes_of_messages_stay() {
    check("run", &encode_run(&run()));
    check("request_compare", &encode_request(&Request::Pull(SyncRequest::Compare { summary: Summary([0xcc; 16]) })));
    check("request_want", &encode_request(&Request::Pull(SyncRequest::Want { have: digest() })));
    check("request_sample", &encode_request(&Request::Sample(fingerprint())));
    check("response_same", &encode_pull_response(&SyncResponse::Same));
    check("response_differs", &encode_pull_response(&SyncResponse::Differs { digest: digest() }));
    check("response_page", &encode_pull_response(&SyncResponse::Page { runs: vec![run()], more: true }));
    check("response_sample", &encode_sample_response(Some(&report())));
    check("response_no_sample", &encode_sample_response(None));
}

#[test]
fn the_bytes_of_records_stay() {
    check("record_statement", &encode_record(&run().statements[0]));
    check("record_tally", &encode_record(&tally()));
    check("record_seq", &encode_record(&Seq(1_024)));
    check("record_epoch", &encode_record(&Epoch(1_795_612_000_000)));
    check("record_intent", &encode_record(&Intent { members: vec![fingerprint()] }));
    check("record_rate", &encode_record(&Series { hour: 498_781, hours: vec![0, 300, 7], window: 5_985_372, windows: 0b1011, total: 307 }));
    let ended = Some((UnixMillis(1_795_612_009_000), RollbackOutcome::Failed { code: Some(1), took_ms: 40 }));
    let rollback = Some(Rollback { fingerprint: fingerprint(), at: UnixMillis(1_795_612_008_000), ended });
    let (app, release) = ("shop".to_owned(), "2.0".to_owned());
    check("record_deploy", &encode_record(&Deploy { number: 3, app, release, at: UnixMillis(1_795_612_000_000), rollback }));
    check("record_event_hash", &encode_record(&EventHash([0xee; 16])));
    check("record_addresses", &encode_record(&vec!["/ip4/192.0.2.1/tcp/4801".to_owned()]));
    check("record_sample", &encode_sample(&report()));
    check("record_fix_log", &encode_fix_log(&fix_log()));
}
