//! Values of every kind that goes over the wire, for properties. All are within their bounds, and their texts are redacted.
#![allow(dead_code)]

use healnode_core::limits::TALLY_COUNT_MAX;
use healnode_core::{
    Baseline, Body, Digest, Epoch, Filed, FilingNote, FilingStep, Fingerprint, FixNote, FixStage, FixStep, FixSummary, Head, IssueNumber,
    IssueRef, KnownPull, Mute, NodeId, Presence, PullRequest, PullState, Run, Seq, Severity, Signature, Signed, Standing, Statement,
    Summary, SyncRequest, SyncResponse, Tally, UnixMillis, Verdict,
};
use healnode_wire::Request;
use proptest::collection::{btree_map, btree_set, vec};
use proptest::prelude::*;

pub(crate) fn node_id() -> impl Strategy<Value = NodeId> {
    any::<[u8; 32]>().prop_map(NodeId::from_key)
}

pub(crate) fn fingerprint() -> impl Strategy<Value = Fingerprint> {
    any::<[u8; 32]>().prop_map(Fingerprint::from_bytes)
}

fn severity() -> impl Strategy<Value = Severity> {
    prop_oneof![Just(Severity::Low), Just(Severity::Medium), Just(Severity::High), Just(Severity::Critical)]
}

fn head() -> impl Strategy<Value = Head> {
    ("[A-Z][a-z]{0,20}", "[a-z ]{0,80}", severity(), "[a-z]{0,12}", "(v[0-9])?", prop_oneof![Just(0), any::<u64>()]).prop_map(
        |(error_type, message, severity, app, release, frames)| Head { error_type, message, severity, app, release, frames }.admit(),
    )
}

pub(crate) fn tally() -> impl Strategy<Value = Tally> {
    (0..=TALLY_COUNT_MAX, any::<u64>(), any::<u64>(), head(), btree_map("v[0-9]", 0..=TALLY_COUNT_MAX, 0..8)).prop_map(
        |(count, first_seen, last_seen, head, releases)| Tally {
            count,
            first_seen: UnixMillis(first_seen),
            last_seen: UnixMillis(last_seen),
            head,
            releases,
        },
    )
}

fn note() -> impl Strategy<Value = FilingNote> {
    let step = prop_oneof![Just(FilingStep::Idle), Just(FilingStep::Claim), Just(FilingStep::Intent)];
    (step, proptest::option::of(filed())).prop_map(|(step, issue)| FilingNote { step, issue })
}

fn filed() -> impl Strategy<Value = Filed> {
    let issue = (any::<u64>(), "https://[a-z]{1,9}/[0-9]{1,9}", any::<bool>());
    let issue = issue.prop_map(|(number, url, open)| IssueRef { number: IssueNumber(number), url, open });
    (issue, any::<[u64; 5]>(), standing(), any::<bool>()).prop_map(
        |(issue, [floor, occurrences, told, created, at], standing, approved)| Filed {
            issue,
            floor: IssueNumber(floor),
            occurrences,
            told,
            created: UnixMillis(created),
            standing,
            at: UnixMillis(at),
            approved,
        },
    )
}

fn standing() -> impl Strategy<Value = Standing> {
    let counted = prop_oneof![Just(0), any::<u64>()];
    let baseline = (any::<u64>(), counted, any::<u64>(), btree_set(any::<u64>(), 0..9));
    let baseline = baseline.prop_map(|(at, counted, unnamed, releases)| Baseline { at: UnixMillis(at), counted, unnamed, releases });
    prop_oneof![
        Just(Standing::Open),
        Just(Standing::Quiet),
        Just(Standing::Regressed),
        Just(Standing::Silenced),
        baseline.prop_map(Standing::Closed),
        any::<u64>().prop_map(|occurrences| Standing::Gone { occurrences }),
    ]
}

fn fix_note() -> impl Strategy<Value = FixNote> {
    let step = prop_oneof![Just(FixStep::Idle), Just(FixStep::Working)];
    (step, proptest::option::of(known_pull()), any::<u8>(), proptest::option::of(fix_summary()))
        .prop_map(|(step, pull, attempts, last)| FixNote { step, pull, attempts, last })
}

fn known_pull() -> impl Strategy<Value = KnownPull> {
    let state =
        prop_oneof![Just(PullState::Open), Just(PullState::Closed), any::<u64>().prop_map(|at| PullState::Merged { at: UnixMillis(at) }),];
    let pull = (any::<u64>(), "https://[a-z]{1,9}/[0-9]{1,9}", state);
    let pull = pull.prop_map(|(number, url, state)| PullRequest { number: IssueNumber(number), url, state });
    (proptest::option::of(pull), any::<u64>(), any::<u64>()).prop_map(|(pull, issue, at)| KnownPull {
        pull,
        issue: IssueNumber(issue),
        at: UnixMillis(at),
    })
}

fn fix_summary() -> impl Strategy<Value = FixSummary> {
    let verdict = prop_oneof![Just(Verdict::Verified), Just(Verdict::NotRegressed), Just(Verdict::Failed)];
    let stage = prop_oneof![Just(FixStage::Gate), Just(FixStage::TestsBefore), Just(FixStage::DiffPolicy), Just(FixStage::Publish)];
    (any::<u64>(), verdict, stage, any::<bool>(), any::<bool>()).prop_map(|(at, verdict, stage, published, passing)| FixSummary {
        at: UnixMillis(at),
        verdict,
        stage,
        published,
        passing,
    })
}

fn body() -> impl Strategy<Value = Body> {
    let mute = (any::<u64>(), any::<u64>(), "\\PC{0,30}");
    let mute = mute.prop_map(|(at, until, by)| Mute { at: UnixMillis(at), until: UnixMillis(until), by });
    prop_oneof![
        (fingerprint(), tally()).prop_map(|(fingerprint, tally)| Body::Tally { fingerprint, tally }),
        (fingerprint(), note()).prop_map(|(fingerprint, note)| Body::Filing { fingerprint, note }),
        (fingerprint(), mute).prop_map(|(fingerprint, mute)| Body::Mute { fingerprint, mute }),
        (fingerprint(), fix_note()).prop_map(|(fingerprint, note)| Body::Fix { fingerprint, note }),
        (any::<bool>(), any::<bool>(), "[0-9.]{1,12}", "(\\PC{1,30})?", 1..3_u16).prop_map(
            |(can_file, can_fix, version, name, algorithm)| { Body::Presence(Presence { can_file, can_fix, version, name, algorithm }) }
        ),
    ]
}

fn signature() -> impl Strategy<Value = Signature> {
    vec(any::<u8>(), 64).prop_map(|bytes| Signature(bytes.try_into().unwrap()))
}

pub(crate) fn run() -> impl Strategy<Value = Run> {
    let said = vec((1..5_u64, body(), signature()), 0..8);
    (node_id(), any::<u64>(), 0..u64::MAX / 2, said, 0..9_u64).prop_map(|(origin, epoch, after, said, beyond)| {
        let mut seq = after;
        let mut sign = |(step, body, signature): (u64, Body, Signature)| {
            seq += step;
            Signed { statement: Statement { origin, epoch: Epoch(epoch), seq: Seq(seq), body }, signature }
        };
        let statements: Vec<Signed> = said.into_iter().map(&mut sign).collect();
        Run { origin, epoch: Epoch(epoch), after: Seq(after), through: Seq(seq + beyond), statements }
    })
}

fn digest() -> impl Strategy<Value = Digest> {
    btree_map((node_id(), any::<u64>().prop_map(Epoch)), any::<u64>().prop_map(Seq), 0..20).prop_map(Digest)
}

pub(crate) fn request() -> impl Strategy<Value = Request> {
    prop_oneof![
        any::<[u8; 16]>().prop_map(|summary| Request::Pull(SyncRequest::Compare { summary: Summary(summary) })),
        digest().prop_map(|have| Request::Pull(SyncRequest::Want { have })),
        fingerprint().prop_map(Request::Sample),
    ]
}

pub(crate) fn response() -> impl Strategy<Value = SyncResponse> {
    prop_oneof![
        Just(SyncResponse::Same),
        digest().prop_map(|digest| SyncResponse::Differs { digest }),
        (vec(run(), 0..4), any::<bool>()).prop_map(|(runs, more)| SyncResponse::Page { runs, more }),
    ]
}
