//! Whatever a peer sends, decoding it ends soon, in a value within its bounds or in an error that says what was wrong.
#![allow(clippy::unwrap_used)]

mod arbitrary;

use std::time::{Duration, Instant};

use healnode_core::limits::{BASELINE_RELEASES_MAX, ORIGINS_MAX, REQUEST_BYTES_MAX, TALLY_COUNT_MAX, URL_BYTES_MAX};
use healnode_core::{
    Baseline, Body, Digest, Epoch, Filed, FilingNote, FilingStep, Fingerprint, FixNote, Head, Intent, IssueNumber, IssueRef, KnownPull,
    Mute, NodeId, Presence, PullRequest, PullState, Run, Seq, Severity, Signature, Signed, Standing, Statement, SyncRequest, SyncResponse,
    Tally, UnixMillis,
};
use healnode_wire::limits::{GOSSIP_BYTES_MAX, RESPONSE_BYTES_MAX, SAMPLE_BYTES_MAX};
use healnode_wire::{
    DecodeError, EventHash, MESSAGE_VERSION, Request, Response, decode_record, decode_request, decode_response, decode_run, decode_sample,
    encode_pull_response, encode_request, encode_run, signing_bytes,
};
use proptest::collection::vec;
use proptest::prelude::*;

/// Gives the bytes to every decoder there is, and checks that hardly any takes them: two kinds of record are numbers, the others differ.
fn decode_as_anything(bytes: &[u8]) {
    let accepted = [
        decode_run(bytes).is_ok(),
        decode_request(bytes).is_ok(),
        decode_response(bytes).is_ok(),
        decode_sample(bytes).is_ok(),
        decode_record::<Signed>(bytes).is_ok(),
        decode_record::<Tally>(bytes).is_ok(),
        decode_record::<Seq>(bytes).is_ok(),
        decode_record::<Epoch>(bytes).is_ok(),
        decode_record::<EventHash>(bytes).is_ok(),
        decode_record::<Intent>(bytes).is_ok(),
        decode_record::<Vec<String>>(bytes).is_ok(),
    ];
    let accepted = accepted.into_iter().filter(|accepted| *accepted).count();
    assert!(accepted <= 2, "{accepted} decoders take {bytes:02x?}");
}

/// Changes one place of valid bytes: replaces, inserts, removes or cuts.
fn mutate(bytes: &mut Vec<u8>, how: u8, at: prop::sample::Index, byte: u8) {
    let at = at.index(bytes.len());
    match how % 4 {
        0 => bytes[at] = byte,
        1 => bytes.insert(at, byte),
        2 => {
            bytes.remove(at);
        }
        _ => bytes.truncate(at),
    }
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes in vec(any::<u8>(), 0..2_000)) {
        decode_as_anything(&bytes);
        decode_as_anything(&[&[MESSAGE_VERSION], &bytes[..]].concat());
    }

    #[test]
    fn changed_bytes_never_panic_and_never_pass_for_what_they_were(
        run in arbitrary::run(),
        response in arbitrary::response(),
        changes in vec((any::<u8>(), any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        for original in [encode_run(&run), encode_pull_response(&response)] {
            let mut bytes = original.clone();
            for (how, at, byte) in &changes {
                if !bytes.is_empty() {
                    mutate(&mut bytes, *how, *at, *byte);
                }
            }
            decode_as_anything(&bytes);
            if bytes != original && decode_run(&bytes).is_ok() {
                prop_assert_ne!(decode_run(&bytes), decode_run(&original));
            }
            if bytes != original && decode_response(&bytes).is_ok() {
                prop_assert_ne!(decode_response(&bytes), decode_response(&original));
            }
        }
    }
}

fn check_refused(bytes: &[u8], error: DecodeError) {
    assert_eq!(decode_run(bytes), Err(error));
    assert_eq!(decode_request(bytes), Err(error));
    assert_eq!(decode_response(bytes), Err(error));
    assert_eq!(decode_record::<Signed>(bytes), Err(error));
}

#[test]
fn another_version_is_told_from_nonsense() {
    check_refused(&[2, 0xa0], DecodeError::ForeignVersion(2));
    check_refused(&[0], DecodeError::ForeignVersion(0));
    check_refused(&[], DecodeError::Malformed);
    check_refused(&[MESSAGE_VERSION], DecodeError::Malformed);
    check_refused(&[MESSAGE_VERSION, 0xff], DecodeError::Malformed);
}

#[test]
fn a_message_over_its_length_is_not_even_decoded() {
    let long = |bytes_max: usize| vec![99; bytes_max + 1];
    assert_eq!(decode_run(&long(GOSSIP_BYTES_MAX)), Err(DecodeError::TooLong));
    assert_eq!(decode_request(&long(REQUEST_BYTES_MAX)), Err(DecodeError::TooLong));
    assert_eq!(decode_response(&long(RESPONSE_BYTES_MAX)), Err(DecodeError::TooLong));
    assert_eq!(decode_sample(&long(SAMPLE_BYTES_MAX)).unwrap_err(), DecodeError::TooLong);
    assert_eq!(decode_run(&long(GOSSIP_BYTES_MAX - 1)), Err(DecodeError::ForeignVersion(99)));
}

#[test]
fn a_forged_length_and_a_deep_nesting_end_at_once() {
    let started = Instant::now();
    for huge in [
        &[0x9b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff][..],
        &[0xbb, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
        &[0x5b, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
    ] {
        check_refused(&[&[MESSAGE_VERSION], huge].concat(), DecodeError::Malformed);
        let mut run = encode_run(&run(Vec::new()));
        run.pop();
        assert_eq!(decode_run(&[&run, huge].concat()), Err(DecodeError::Malformed));
    }
    for opening in [0x81, 0x9f, 0xa1, 0xbf, 0xc1, 0xd8] {
        let bomb = [vec![MESSAGE_VERSION], vec![opening; GOSSIP_BYTES_MAX - 1]].concat();
        decode_as_anything(&bomb);
        assert_eq!(decode_run(&bomb), Err(DecodeError::Malformed));
    }
    assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
}

/// Returns other spellings of a run or of an answer with one in it: a longer integer, a list without a length, a tag, fields in another order.
fn other_spellings(bytes: &[u8]) -> [Vec<u8>; 4] {
    let replace = |old: &[u8], new: &[u8]| {
        let at = bytes.windows(old.len()).position(|window| window == old).unwrap();
        [&bytes[..at], new, &bytes[at + old.len()..]].concat()
    };
    [
        replace(b"\x65after\x00", b"\x65after\x18\x00"),
        replace(b"\x6astatements\x80", b"\x6astatements\x9f\xff"),
        replace(b"\x65after\x00", b"\x65after\xc1\x00"),
        replace(b"\x65after\x00\x67through\x09", b"\x67through\x09\x65after\x00"),
    ]
}

#[test]
fn another_spelling_of_the_same_value_is_refused() {
    let run = run(Vec::new());
    let spellings = other_spellings(&encode_run(&run));
    for spelling in spellings.iter().chain([&[&encode_run(&run)[..], b"\0"].concat()]) {
        assert_eq!(decode_run(spelling), Err(DecodeError::Malformed), "{spelling:02x?}");
    }
    let page = encode_pull_response(&SyncResponse::Page { runs: vec![run], more: false });
    for spelling in other_spellings(&page).iter().chain([&[&page[..], b"\0"].concat()]) {
        assert_eq!(decode_response(spelling), Err(DecodeError::Malformed), "{spelling:02x?}");
    }
}

#[test]
fn an_unknown_field_is_refused_at_every_depth() {
    let bytes = encode_run(&run(vec![tally_body(|_| {})]));
    for (known, unknown) in
        [("origin", "orxgin"), ("through", "thxough"), ("statements", "stxtements"), ("signature", "sxgnature"), ("app", "axp")]
    {
        let text = |name: &str| [&[0x60 | u8::try_from(name.len()).unwrap()], name.as_bytes()].concat();
        let at = bytes.windows(known.len() + 1).position(|window| window == text(known)).unwrap();
        let mut extra = bytes.clone();
        extra.splice(at..at + known.len() + 1, text(unknown));
        assert_eq!(decode_run(&extra), Err(DecodeError::Malformed), "{unknown}");
    }
    let head = bytes.windows(11).position(|window| window == b"\x6aerror_type").unwrap();
    let mut extra = bytes.clone();
    extra[head - 1] += 1;
    extra.splice(head..head, *b"\x61x\x00");
    assert_eq!(decode_run(&extra), Err(DecodeError::Malformed));
}

fn signed(seq: u64, body: Body) -> Signed {
    Signed {
        statement: Statement { origin: NodeId::from_key([1; 32]), epoch: Epoch(1), seq: Seq(seq), body },
        signature: Signature([2; 64]),
    }
}

fn run(bodies: Vec<Body>) -> Run {
    let statements: Vec<Signed> = (1..).zip(bodies).map(|(n, body)| signed(n, body)).collect();
    Run { origin: NodeId::from_key([1; 32]), epoch: Epoch(1), after: Seq(0), through: Seq(9), statements }
}

fn tally_body(change: impl FnOnce(&mut Tally)) -> Body {
    let head = Head {
        error_type: "ValueError".to_owned(),
        message: "no such thing".to_owned(),
        severity: Severity::Low,
        app: "shop".to_owned(),
        release: String::new(),
        frames: 0,
    };
    let mut tally = Tally { count: 1, first_seen: UnixMillis(1), last_seen: UnixMillis(1), head, releases: Default::default() };
    change(&mut tally);
    Body::Tally { fingerprint: Fingerprint::from_bytes([3; 32]), tally }
}

fn presence() -> Body {
    Body::Presence(Presence { can_file: true, can_fix: false, version: "1".to_owned(), name: String::new(), algorithm: 1 })
}

#[test]
fn a_text_or_list_over_its_bound_is_refused_in_gossip_and_in_a_page() {
    let fingerprint = Fingerprint::from_bytes([3; 32]);
    let filed = |url: String, standing| {
        let issue = IssueRef { number: IssueNumber(1), url, open: true };
        let (floor, zero) = (IssueNumber(0), UnixMillis(0));
        let filed = Filed { issue, floor, occurrences: 1, told: 1, created: zero, standing, at: UnixMillis(1), approved: true };
        Body::Filing { fingerprint, note: FilingNote { step: FilingStep::Idle, issue: Some(filed) } }
    };
    let pull = |url: String| {
        let pull = PullRequest { number: IssueNumber(2), url, state: PullState::Open };
        KnownPull { pull: Some(pull), issue: IssueNumber(1), at: UnixMillis(1) }
    };
    let releases = (0..=BASELINE_RELEASES_MAX as u64).collect();
    let mute = Mute { at: UnixMillis(1), until: UnixMillis(1), by: "x".repeat(129) };
    let bodies = [
        tally_body(|tally| tally.head.error_type = "x".repeat(129)),
        tally_body(|tally| tally.head.message = "x".repeat(513)),
        tally_body(|tally| tally.count = TALLY_COUNT_MAX + 1),
        tally_body(|tally| tally.releases = [("1.0".to_owned(), TALLY_COUNT_MAX + 1)].into()),
        tally_body(|tally| tally.head.app = "x".repeat(129)),
        tally_body(|tally| tally.head.release = "x".repeat(129)),
        tally_body(|tally| tally.releases = [("x".repeat(129), 1)].into()),
        tally_body(|tally| tally.releases = (0..9).map(|n| (n.to_string(), 1)).collect()),
        filed("u".repeat(URL_BYTES_MAX + 1), Standing::Open),
        filed(String::new(), Standing::Closed(Baseline { at: UnixMillis(1), counted: 0, unnamed: 0, releases })),
        Body::Mute { fingerprint, mute },
        Body::Presence(Presence { can_file: true, can_fix: true, version: "x".repeat(129), name: String::new(), algorithm: 1 }),
        Body::Presence(Presence { can_file: true, can_fix: true, version: "1".to_owned(), name: "x".repeat(129), algorithm: 1 }),
        Body::Fix { fingerprint, note: FixNote { pull: Some(pull("u".repeat(URL_BYTES_MAX + 1))), ..FixNote::default() } },
    ];
    for body in bodies {
        let bad = run(vec![presence(), body.clone()]);
        assert_eq!(decode_run(&encode_run(&bad)), Err(DecodeError::OutOfBounds), "{body:?}");
        let page = SyncResponse::Page { runs: vec![run(Vec::new()), bad], more: false };
        assert_eq!(decode_response(&encode_pull_response(&page)), Err(DecodeError::OutOfBounds), "{body:?}");
    }
}

#[test]
fn a_run_that_contradicts_itself_is_refused() {
    let check = |change: fn(&mut Run)| {
        let mut run = run(vec![presence(), presence()]);
        assert!(decode_run(&encode_run(&run)).is_ok());
        change(&mut run);
        assert_eq!(decode_run(&encode_run(&run)), Err(DecodeError::OutOfBounds), "{run:?}");
    };
    check(|run| run.origin = NodeId::from_key([9; 32]));
    check(|run| run.epoch = Epoch(9));
    check(|run| run.after = Seq(1));
    check(|run| run.through = Seq(1));
    check(|run| run.statements.reverse());
    check(|run| {
        run.statements.clear();
        run.after = Seq(10);
    });
}

#[test]
fn both_statements_of_a_cloned_identity_get_through() {
    let mut run = run(vec![presence(), tally_body(|_| {})]);
    run.statements[1].statement.seq = Seq(1);
    assert!(decode_run(&encode_run(&run)).is_ok());
}

#[test]
fn more_runs_or_digest_entries_than_there_are_origins_are_refused() {
    let entry = |n: usize| {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&n.to_be_bytes());
        ((NodeId::from_key(key), Epoch(1)), Seq(1))
    };
    let digest = Digest((0..=ORIGINS_MAX).map(entry).collect());
    let request = Request::Pull(SyncRequest::Want { have: digest.clone() });
    assert_eq!(decode_request(&encode_request(&request)), Err(DecodeError::OutOfBounds));
    let differs = SyncResponse::Differs { digest };
    assert_eq!(decode_response(&encode_pull_response(&differs)), Err(DecodeError::OutOfBounds));
    let page = SyncResponse::Page { runs: vec![run(Vec::new()); ORIGINS_MAX + 1], more: false };
    assert_eq!(decode_response(&encode_pull_response(&page)), Err(DecodeError::OutOfBounds));
}

#[test]
fn the_check_sees_origin_signature_and_the_bytes_that_were_signed() {
    let run = run(vec![presence(), tally_body(|_| {})]);
    let expected: Vec<Vec<u8>> = run.statements.iter().map(|signed| signing_bytes(&signed.statement)).collect();
    let seen = std::cell::RefCell::new(Vec::new());
    let check = |origin: &NodeId, bytes: &[u8], signature: &Signature| {
        assert_eq!((origin, signature), (&run.origin, &Signature([2; 64])));
        seen.borrow_mut().push(bytes.to_vec());
        true
    };
    decode_run(&encode_run(&run)).unwrap().verify(check).unwrap();
    assert_eq!(*seen.borrow(), expected);
    assert!(expected[0].starts_with(b"healnode statement v1\0"));
}

#[test]
fn one_forged_statement_drops_the_whole_message() {
    let run = run(vec![presence(), tally_body(|_| {})]);
    let forged = signing_bytes(&run.statements[1].statement);
    let check = |_: &NodeId, bytes: &[u8], _: &Signature| bytes != forged;
    assert_eq!(decode_run(&encode_run(&run)).unwrap().verify(check).unwrap_err().origin, run.origin);
    let page = SyncResponse::Page { runs: vec![run], more: false };
    let Response::Pull(untrusted) = decode_response(&encode_pull_response(&page)).unwrap() else { panic!("not a pull") };
    assert!(untrusted.verify(check).is_err());
}

#[test]
fn a_statement_with_unredacted_text_is_left_out_and_the_rest_stays() {
    let secret = "https://root:hunter2hunter2@example.com/";
    let bodies = [
        tally_body(|tally| tally.head.message = format!("cannot reach {secret}")),
        tally_body(|tally| tally.head.message = "two\nlines".to_owned()),
        tally_body(|tally| tally.releases = [(secret.to_owned(), 1)].into()),
    ];
    for body in bodies {
        let received = run(vec![presence(), body, tally_body(|_| {})]);
        let verified = decode_run(&encode_run(&received)).unwrap().verify(|_, _, _| true).unwrap();
        assert_eq!(verified.refused, 1, "{received:?}");
        let before = healnode_core::Seq(received.statements[1].statement.seq.0 - 1);
        assert_eq!(verified.message.through, before, "the run must not reach past what was left out");
        assert_eq!(verified.message.statements, [received.statements[0].clone(), received.statements[2].clone()]);
    }
}
