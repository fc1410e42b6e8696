//! What is encoded decodes to the same value, and the bounds of messages leave room for everything that the core may put into them.
#![allow(clippy::unwrap_used)]

mod arbitrary;

use std::collections::BTreeMap;

use healnode_core::limits::{
    ANSWER_ITEMS_MAX, ANSWER_TEXT_BYTES_MAX, BASELINE_RELEASES_MAX, DIFF_BYTES_MAX, FAILING_TESTS_MAX, GROUP_MEMBERS_MAX, ORIGINS_MAX,
    PAGE_BYTES_MAX, REQUEST_BYTES_MAX, RUN_BYTES_MAX, STAGE_NOTE_BYTES_MAX, STAGE_RECORDS_MAX, STATEMENT_BYTES_MAX, TALLY_COUNT_MAX,
    TEST_TAIL_BYTES_MAX, URL_BYTES_MAX,
};
use healnode_core::{
    Baseline, Body, Digest, Epoch, Filed, FilingNote, FilingStep, Fingerprint, FixAnswer, FixLog, FixNote, FixStage, FixStep, FixSummary,
    Head, Intent, IssueNumber, IssueRef, KnownPull, NodeId, PullRequest, PullState, RawError, Report, Run, Seq, Severity, Signature,
    Signed, StageRecord, Standing, Statement, SyncRequest, SyncResponse, Tally, TestPair, TestRun, UnixMillis, Verdict,
};
use healnode_report::limits::{
    ERROR_TYPE_BYTES_MAX, HEAD_MESSAGE_BYTES_MAX, LOG_LINE_BYTES_MAX, LOG_LINES_MAX, MESSAGE_BYTES_MAX, NAME_BYTES_MAX, STACK_BYTES_MAX,
    TAG_NAME_BYTES_MAX, TAG_VALUE_BYTES_MAX, TAGS_MAX,
};
use healnode_wire::limits::{FIX_LOG_BYTES_MAX, GOSSIP_BYTES_MAX, RESPONSE_BYTES_MAX, RUN_HEADER_BYTES_MAX, SAMPLE_BYTES_MAX};
use healnode_wire::{
    EventHash, Request, Response, decode_fix_log, decode_record, decode_request, decode_response, decode_run, decode_sample,
    encode_fix_log, encode_pull_response, encode_record, encode_request, encode_run, encode_sample, encode_sample_response,
};
use proptest::prelude::*;

fn trust(_: &NodeId, _: &[u8], _: &Signature) -> bool {
    true
}

proptest! {
    #[test]
    fn a_run_comes_back_as_it_was(run in arbitrary::run()) {
        let verified = decode_run(&encode_run(&run)).unwrap().verify(trust).unwrap();
        prop_assert_eq!(verified.refused, 0);
        prop_assert_eq!(verified.message, run);
    }

    #[test]
    fn a_request_comes_back_as_it_was(request in arbitrary::request()) {
        prop_assert_eq!(decode_request(&encode_request(&request)), Ok(request));
    }

    #[test]
    fn an_answer_comes_back_as_it_was(response in arbitrary::response()) {
        let Response::Pull(untrusted) = decode_response(&encode_pull_response(&response)).unwrap() else { panic!("not a pull") };
        prop_assert_eq!(untrusted.verify(trust).unwrap().message, response);
    }

    #[test]
    fn records_come_back_as_they_were(run in arbitrary::run(), tally in arbitrary::tally(), number: u64, hash: [u8; 16], addresses: [String; 3]) {
        for signed in &run.statements {
            prop_assert_eq!(decode_record(&encode_record(signed)), Ok(signed.clone()));
        }
        prop_assert_eq!(decode_record(&encode_record(&tally)), Ok(tally));
        prop_assert_eq!(decode_record(&encode_record(&Seq(number))), Ok(Seq(number)));
        prop_assert_eq!(decode_record(&encode_record(&Epoch(number))), Ok(Epoch(number)));
        prop_assert_eq!(decode_record(&encode_record(&EventHash(hash))), Ok(EventHash(hash)));
        prop_assume!(addresses.iter().map(String::len).sum::<usize>() < 4_000);
        prop_assert_eq!(decode_record(&encode_record(&addresses.to_vec())), Ok(addresses.to_vec()));
    }

    #[test]
    fn the_estimate_of_a_statements_size_is_never_too_low(run in arbitrary::run()) {
        for signed in &run.statements {
            prop_assert!(encode_record(signed).len() <= signed.size_estimate(), "{} > {}", encode_record(signed).len(), signed.size_estimate());
        }
    }
}

#[test]
fn a_sample_comes_back_as_an_error_that_makes_the_same_report() {
    let report = Report::new(RawError::new("ValueError", "no such thing"), UnixMillis(1_795_612_232_000));
    let again = |raw: RawError| Report::new(raw, UnixMillis(0));

    let Response::Sample(Some(raw)) = decode_response(&encode_sample_response(Some(&report))).unwrap() else { panic!("no sample") };
    assert_eq!(again(*raw), report);
    assert_eq!(again(decode_sample(&encode_sample(&report)).unwrap()), report);
    assert_eq!(decode_response(&encode_sample_response(None)), Ok(Response::Sample(None)));
}

#[test]
fn the_largest_report_fits_a_record_and_an_answer() {
    let word = |bytes: usize| "word ".repeat(bytes / 5 + 1);
    let mut raw = RawError::new(word(ERROR_TYPE_BYTES_MAX), word(MESSAGE_BYTES_MAX));
    raw.stack = Some("  at one.two(three)\n".repeat(STACK_BYTES_MAX / 20 + 1));
    raw.logs = vec![word(LOG_LINE_BYTES_MAX); LOG_LINES_MAX];
    raw.command = vec![word(5_000)];
    raw.tags = (0..TAGS_MAX).map(|n| (format!("t{n}{}", "a".repeat(TAG_NAME_BYTES_MAX - 3)), word(TAG_VALUE_BYTES_MAX))).collect();
    let report = Report::new(raw, UnixMillis(0));

    let record = encode_sample(&report);
    assert!(record.len() > 120_000 && record.len() <= SAMPLE_BYTES_MAX, "{}", record.len());
    assert!(decode_sample(&record).is_ok());
    assert!(decode_response(&encode_sample_response(Some(&report))).is_ok());
}

fn largest_tally() -> Body {
    let text = |bytes| "x".repeat(bytes);
    let head = Head {
        error_type: text(ERROR_TYPE_BYTES_MAX),
        message: text(HEAD_MESSAGE_BYTES_MAX),
        severity: Severity::Critical,
        app: text(NAME_BYTES_MAX),
        release: text(NAME_BYTES_MAX),
        frames: 0,
    };
    let releases: BTreeMap<String, u64> = (0..8).map(|n| (format!("{n}{}", text(NAME_BYTES_MAX - 1)), TALLY_COUNT_MAX)).collect();
    let tally = Tally { count: TALLY_COUNT_MAX, first_seen: UnixMillis(u64::MAX), last_seen: UnixMillis(u64::MAX), head, releases };
    Body::Tally { fingerprint: Fingerprint::from_bytes([255; 32]), tally }
}

fn longest_address() -> Body {
    let largest = u64::MAX;
    let releases = (0..BASELINE_RELEASES_MAX as u64).map(|n| largest - n).collect();
    let filed = Filed {
        issue: IssueRef { number: IssueNumber(largest), url: "u".repeat(URL_BYTES_MAX), open: false },
        floor: IssueNumber(largest),
        occurrences: largest,
        told: largest,
        created: UnixMillis(largest),
        standing: Standing::Closed(Baseline { at: UnixMillis(largest), counted: largest, unnamed: largest, releases }),
        at: UnixMillis(largest),
        approved: true,
    };
    let note = FilingNote { step: FilingStep::Intent, issue: Some(filed) };
    Body::Filing { fingerprint: Fingerprint::from_bytes([255; 32]), note }
}

fn largest_fix() -> Body {
    let at = UnixMillis(u64::MAX);
    let pull = PullRequest { number: IssueNumber(u64::MAX), url: "u".repeat(URL_BYTES_MAX), state: PullState::Merged { at } };
    let last = FixSummary { at, verdict: Verdict::NotRegressed, stage: FixStage::TestsBefore, published: false, passing: true };
    let pull = KnownPull { pull: Some(pull), issue: IssueNumber(u64::MAX), at };
    let note = FixNote { step: FixStep::Working, pull: Some(pull), attempts: u8::MAX, last: Some(last) };
    Body::Fix { fingerprint: Fingerprint::from_bytes([255; 32]), note }
}

fn run_of(origin: u8, bodies: Vec<Body>) -> Run {
    let (origin, epoch, after) = (NodeId::from_key([origin; 32]), Epoch(u64::MAX), Seq(u64::MAX - 1_000));
    let sign = |(n, body)| Signed { statement: Statement { origin, epoch, seq: Seq(after.0 + n), body }, signature: Signature([255; 64]) };
    Run { origin, epoch, after, through: Seq(u64::MAX), statements: (1..).zip(bodies).map(sign).collect() }
}

#[test]
fn the_largest_statements_fit_their_bound_and_their_estimate() {
    for signed in run_of(1, vec![largest_tally(), longest_address(), largest_fix()]).statements {
        let record = encode_record(&signed);
        assert!(record.len() <= STATEMENT_BYTES_MAX);
        assert!(record.len() <= signed.size_estimate(), "{} > {}", record.len(), signed.size_estimate());
        assert_eq!(decode_record(&record), Ok(signed));
    }
}

#[test]
fn a_full_run_fits_a_gossiped_message() {
    let empty = run_of(1, Vec::new());
    assert!(encode_run(&empty).len() <= RUN_HEADER_BYTES_MAX, "{}", encode_run(&empty).len());

    let size = run_of(1, vec![largest_tally()]).statements[0].size_estimate();
    let full = encode_run(&run_of(1, vec![largest_tally(); RUN_BYTES_MAX / size]));
    assert!(full.len() <= GOSSIP_BYTES_MAX);
    assert!(decode_run(&full).is_ok());
}

#[test]
fn a_full_page_from_every_origin_fits_an_answer() {
    let (origins, size) = (ORIGINS_MAX, run_of(1, vec![longest_address()]).statements[0].size_estimate());
    let mut room = PAGE_BYTES_MAX / size;
    let mut runs = Vec::new();
    for n in 0..origins {
        let statements = room.min(1);
        room -= statements;
        runs.push(run_of(u8::try_from(n % 256).unwrap(), vec![longest_address(); statements]));
    }
    let page = encode_pull_response(&SyncResponse::Page { runs, more: true });
    assert!(page.len() <= RESPONSE_BYTES_MAX, "{}", page.len());
    assert!(decode_response(&page).is_ok());
}

#[test]
fn a_digest_of_every_origin_fits_a_request() {
    let entry = |n: usize| {
        let mut key = [255; 32];
        key[..8].copy_from_slice(&n.to_be_bytes());
        ((NodeId::from_key(key), Epoch(u64::MAX)), Seq(u64::MAX))
    };
    let request = Request::Pull(SyncRequest::Want { have: Digest((0..ORIGINS_MAX).map(entry).collect()) });
    assert!(encode_request(&request).len() <= REQUEST_BYTES_MAX);
    assert!(decode_request(&encode_request(&request)).is_ok());
}

#[test]
fn the_largest_intent_fits_a_record() {
    let intent = Intent { members: vec![Fingerprint::from_bytes([255; 32]); GROUP_MEMBERS_MAX] };
    assert_eq!(decode_record(&encode_record(&intent)), Ok(intent));
}

#[test]
fn the_largest_fix_log_fits_its_bound_and_comes_back() {
    let text = |bytes| "x".repeat(bytes);
    let record = StageRecord {
        stage: FixStage::TestsBefore,
        round: u8::MAX,
        at: UnixMillis(u64::MAX),
        took_ms: u64::MAX,
        passed: false,
        note: text(STAGE_NOTE_BYTES_MAX),
    };
    let items = vec![text(STAGE_NOTE_BYTES_MAX); ANSWER_ITEMS_MAX];
    let (root_cause, changes) = (text(ANSWER_TEXT_BYTES_MAX), text(ANSWER_TEXT_BYTES_MAX));
    let answer = FixAnswer { root_cause, changes, files: items.clone(), tests: items.clone() };
    let (passed, ending) = (false, text(STAGE_NOTE_BYTES_MAX));
    let failing = vec![text(STAGE_NOTE_BYTES_MAX); FAILING_TESTS_MAX];
    let run = TestRun { passed, ending, failing, tail: text(TEST_TAIL_BYTES_MAX) };
    let log = FixLog {
        began: UnixMillis(u64::MAX),
        stages: vec![record; STAGE_RECORDS_MAX],
        answer: Some(answer),
        diff: text(DIFF_BYTES_MAX),
        tests: Some(TestPair { before: run.clone(), after: run }),
        verdict: Some(Verdict::NotRegressed),
        fixer: text(STAGE_NOTE_BYTES_MAX),
        remarks: items,
        ..FixLog::default()
    };
    let bytes = encode_fix_log(&log);
    assert!(bytes.len() <= FIX_LOG_BYTES_MAX, "{}", bytes.len());
    assert_eq!(decode_fix_log(&bytes), Ok(log));
}
