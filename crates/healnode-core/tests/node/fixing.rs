//! A fix is looked for by one node, of what it has seen itself, once; and is published only where nobody else has been.

use std::time::Duration;

use healnode_core::{
    Body, CloseReason, Command, Effect, FileChange, Filed, FilingNote, Fingerprint, FixAnswer, FixEnding, FixFailure, FixStage, FixState,
    ForgeCall, Input, IssueNumber, Proposal, PullCall, PullState, RawError, Standing, UnixMillis, Verdict,
};

use crate::mesh::Mesh;

const BRANCH: &str = "auto-fix/issue-1-keyerror";

fn proposal(verdict: Verdict) -> FixEnding {
    FixEnding::Proposed(Box::new(Proposal {
        base: "base".to_owned(),
        changes: vec![FileChange { path: "src/a.py".to_owned(), content: Some(b"fixed".to_vec()), executable: false }],
        diff: "+fixed".to_owned(),
        answer: FixAnswer { root_cause: "a missing check".to_owned(), ..FixAnswer::default() },
        tests: None,
        verdict,
        fixer: "script 1".to_owned(),
        rounds: 1,
        took_ms: 2_000,
        remarks: Vec::new(),
    }))
}

fn failure(passing: bool) -> FixEnding {
    FixEnding::Failed(FixFailure { stage: FixStage::Fixer, why: "the model has no idea".to_owned(), answer: None, passing })
}

fn report(mesh: &mut Mesh, place: usize, times: usize) -> Fingerprint {
    (0..times).map(|_| mesh.report(place, "KeyError")).last().expect("at least one report")
}

/// An error that was seen ten times at the first node, whose fix is being looked for.
fn being_fixed(nodes: usize) -> (Mesh, Fingerprint) {
    let mut mesh = Mesh::of_menders(nodes);
    let fingerprint = report(&mut mesh, 0, 10);
    mesh.run_past_the_bundle();
    mesh.run_past_the_bundle();
    assert_eq!(mesh.jobs.len(), 1);
    (mesh, fingerprint)
}

fn ask(mesh: &mut Mesh, place: usize, fingerprint: Fingerprint, publish: bool) {
    mesh.give(place, Input::Operator(Command::Fix { fingerprint, publish }));
}

fn failure_comments(mesh: &Mesh) -> usize {
    mesh.forge.comments.iter().filter(|(_, text)| text.starts_with("fix-failed")).count()
}

#[test]
fn the_lowest_node_that_has_seen_it_looks_for_a_fix_and_puts_it_into_the_pull_request() {
    let mut mesh = Mesh::of_menders(3);
    let fingerprint = report(&mut mesh, 1, 5);
    report(&mut mesh, 2, 5);
    mesh.run_past_the_bundle();
    mesh.run_past_the_bundle();
    assert_eq!(mesh.jobs.iter().map(|(place, ..)| *place).collect::<Vec<_>>(), [1], "not the first: it has not seen it");
    assert_eq!(mesh.fix(0, fingerprint).state, FixState::Working);
    mesh.run_for(600);
    assert_eq!(mesh.jobs.len(), 1, "the others leave it alone");
    mesh.end_job(proposal(Verdict::Verified));
    assert_eq!(mesh.forge.publications(), 1);
    let body = &mesh.forge.bodies[&1_000];
    assert!(body.contains("## Proposed Fix") && body.contains("a missing check") && body.contains("`verified`"), "{body}");
    let fix = mesh.fix(1, fingerprint);
    assert_eq!((fix.state, fix.attempts, fix.verdict), (FixState::Published, 1, Some(Verdict::Verified)));
    let stages: Vec<FixStage> = fix.stages.iter().map(|record| record.stage).collect();
    assert_eq!(stages, [FixStage::Gate, FixStage::Claim, FixStage::Checkout, FixStage::Publish]);
    assert_eq!(mesh.fix(2, fingerprint).state, FixState::Published);
    mesh.run_for(2 * 24 * 3_600);
    assert_eq!((mesh.forge.publications(), mesh.jobs.len(), failure_comments(&mesh)), (1, 0, 0));
}

#[test]
fn seen_too_seldom_nothing_is_mended() {
    let mut mesh = Mesh::of_menders(1);
    let fingerprint = report(&mut mesh, 0, 9);
    mesh.run_for(600);
    assert_eq!(mesh.jobs.len(), 0);
    assert!(mesh.fix(0, fingerprint).blocked_by[0].contains("seen 9 of 10 times"));
    report(&mut mesh, 0, 1);
    mesh.run_for(120);
    assert_eq!(mesh.jobs.len(), 1);
}

#[test]
fn text_that_only_others_have_seen_starts_no_fix_unless_the_operator_trusts_them() {
    for trusted in [false, true] {
        let mut mesh = Mesh::unstarted(2);
        for place in 0..2 {
            let ids = [mesh.members[0].id, mesh.members[1].id];
            let policy = &mut mesh.members[place].policy;
            (policy.auto_pr, policy.auto_heal) = (true, place == 0);
            policy.allow = if trusted { ids.into() } else { Default::default() };
            mesh.start(place);
        }
        mesh.run_for(5);
        let fingerprint = report(&mut mesh, 1, 10);
        mesh.run_for(400);
        ask(&mut mesh, 0, fingerprint, true);
        mesh.run_for(10);
        assert_eq!(mesh.jobs.len(), usize::from(trusted));
        if !trusted {
            assert!(mesh.fix(0, fingerprint).stages[0].note.contains("has seen it itself"));
        }
    }
}

#[test]
fn where_people_have_pushed_nothing_is_put_on_top() {
    let (mut mesh, fingerprint) = being_fixed(1);
    let head = mesh.forge.branches.get_mut(BRANCH).expect("the branch was made");
    (head.commit, head.ours) = ("theirs".to_owned(), false);
    mesh.end_job(proposal(Verdict::Verified));
    mesh.run_for(600);
    assert_eq!((mesh.forge.publications(), failure_comments(&mesh)), (0, 0));
    let fix = mesh.fix(0, fingerprint);
    assert_eq!(fix.state, FixState::Failed);
    assert!(fix.stages.last().is_some_and(|last| last.stage == FixStage::Publish && last.note.contains("people work on its branch")));
    assert_eq!(fix.diff, "+fixed", "what was found is kept");
}

#[test]
fn a_pull_request_that_is_closed_meanwhile_or_a_branch_that_moved_drops_the_fix() {
    let changes: [fn(&mut Mesh); 2] = [
        |mesh| mesh.forge.pulls[0].pull.state = PullState::Closed,
        |mesh| mesh.forge.branches.get_mut(BRANCH).expect("the branch was made").commit = "another node's".to_owned(),
    ];
    for change in changes {
        let (mut mesh, _) = being_fixed(1);
        change(&mut mesh);
        mesh.end_job(proposal(Verdict::Verified));
        mesh.run_for(600);
        assert_eq!((mesh.forge.publications(), mesh.jobs.len()), (0, 0));
    }
}

#[test]
fn a_failure_is_told_once_and_is_the_end_of_it() {
    for ending in [failure(false), proposal(Verdict::Failed)] {
        let (mut mesh, fingerprint) = being_fixed(2);
        mesh.end_job(ending);
        mesh.run_for(2 * 24 * 3_600);
        assert_eq!((mesh.forge.publications(), mesh.jobs.len(), failure_comments(&mesh)), (0, 0, 1));
        assert_eq!(mesh.forge.comments[0].0, 1_000, "under the pull request");
        assert_eq!((mesh.fix(0, fingerprint).state, mesh.fix(1, fingerprint).state), (FixState::Failed, FixState::Failed));
    }
}

#[test]
fn a_failure_that_may_pass_is_tried_once_more_after_a_day() {
    let (mut mesh, fingerprint) = being_fixed(1);
    mesh.end_job(failure(true));
    mesh.run_for(23 * 3_600);
    assert_eq!(mesh.jobs.len(), 0);
    mesh.run_for(2 * 3_600);
    assert_eq!(mesh.jobs.len(), 1);
    mesh.end_job(failure(true));
    mesh.run_for(3 * 24 * 3_600);
    assert_eq!((mesh.jobs.len(), mesh.fix(0, fingerprint).attempts, failure_comments(&mesh)), (0, 2, 1));
}

#[test]
fn a_dry_run_changes_nothing_and_says_nothing_to_others() {
    let mut mesh = Mesh::of(2);
    let fingerprint = report(&mut mesh, 0, 1);
    mesh.run_for(5);
    let (calls, effects) = (mesh.forge.calls.len(), mesh.log.len());
    ask(&mut mesh, 0, fingerprint, false);
    mesh.end_job(proposal(Verdict::NotRegressed));
    mesh.run_for(5);
    assert_eq!(mesh.forge.calls.len(), calls);
    let said = mesh.log[effects..].iter().filter(|(_, effect)| matches!(effect, Effect::Publish(run) if run.statements.iter().any(|signed| matches!(signed.statement.body, Body::Fix { .. }))));
    assert_eq!(said.count(), 0);
    let fix = mesh.fix(0, fingerprint);
    assert_eq!((fix.state, fix.diff.as_str(), fix.attempts), (FixState::Proposed, "+fixed", 0));
}

#[test]
fn a_person_may_have_it_published_whatever_the_counts_and_whatever_was_tried() {
    let (mut mesh, fingerprint) = being_fixed(1);
    mesh.end_job(failure(false));
    mesh.run_for(10);
    ask(&mut mesh, 0, fingerprint, true);
    mesh.end_job(proposal(Verdict::NotRegressed));
    mesh.run_for(10);
    assert_eq!((mesh.forge.publications(), mesh.fix(0, fingerprint).attempts), (1, 1), "a person's word is no attempt");
}

#[test]
fn one_at_a_time_and_what_people_ask_for_waits_its_turn() {
    let mut mesh = Mesh::of(1);
    let kinds = ["AError", "BError", "CError"];
    let fingerprints: Vec<Fingerprint> = kinds.iter().map(|kind| mesh.report(0, kind)).collect();
    for fingerprint in &fingerprints {
        ask(&mut mesh, 0, *fingerprint, false);
    }
    for fingerprint in &fingerprints {
        assert_eq!(mesh.jobs.len(), 1);
        assert_eq!(mesh.jobs[0].2.fingerprint, *fingerprint);
        assert_eq!(mesh.node(0).status(mesh.time()).fixes, 1);
        mesh.end_job(failure(false));
    }
    assert_eq!(mesh.node(0).status(mesh.time()).fixes, 0);
}

#[test]
fn a_node_that_was_stopped_takes_its_fix_up_again_once() {
    let (mut mesh, fingerprint) = being_fixed(1);
    mesh.restart(0);
    mesh.run_for(30);
    assert_eq!((mesh.jobs.len(), mesh.fix(0, fingerprint).attempts), (1, 2), "the one that was cut short counts");
    mesh.restart(0);
    mesh.run_for(2 * 24 * 3_600);
    assert_eq!((mesh.jobs.len(), mesh.fix(0, fingerprint).state), (0, FixState::Interrupted));
}

#[test]
fn a_dry_run_that_was_cut_short_is_not_taken_up_again() {
    let mut mesh = Mesh::of(1);
    let fingerprint = report(&mut mesh, 0, 1);
    ask(&mut mesh, 0, fingerprint, false);
    assert_eq!(mesh.jobs.len(), 1);
    mesh.restart(0);
    mesh.run_for(60);
    assert_eq!((mesh.jobs.len(), mesh.fix(0, fingerprint).state), (0, FixState::Interrupted));
}

#[test]
fn work_of_a_node_that_died_is_not_done_again_by_another() {
    let (mut mesh, _) = being_fixed(2);
    report(&mut mesh, 1, 1);
    mesh.kill(0);
    mesh.run_for(2 * 24 * 3_600);
    assert_eq!(mesh.jobs.len(), 0, "that was an attempt");
}

#[test]
fn an_answer_that_does_not_come_ends_after_a_while() {
    let (mut mesh, fingerprint) = being_fixed(1);
    mesh.run_for(46 * 60);
    assert_eq!(mesh.fix(0, fingerprint).state, FixState::Failed);
    mesh.end_job(proposal(Verdict::Verified));
    mesh.run_for(60);
    assert_eq!(mesh.forge.publications(), 0, "its answer comes too late");
}

#[test]
fn where_the_forge_has_an_agent_of_its_own_the_issue_is_handed_to_it() {
    let mut mesh = Mesh::unstarted(1);
    let policy = &mut mesh.members[0].policy;
    (policy.auto_pr, policy.auto_heal, policy.fix_by_forge) = (true, true, true);
    mesh.start(0);
    let fingerprint = report(&mut mesh, 0, 10);
    mesh.run_for(600);
    assert_eq!(mesh.jobs.len(), 0);
    assert_eq!(mesh.forge.pull_calls(|call| matches!(call, PullCall::Assign { number: IssueNumber(1), .. })), 1);
    assert_eq!(mesh.fix(0, fingerprint).state, FixState::Published);
    assert_eq!(mesh.forge.pull_calls(|call| matches!(call, PullCall::Open(_))), 0, "it makes a pull request of its own");
}

#[test]
fn an_error_that_comes_back_after_its_fix_gets_no_second_one() {
    let mut mesh = Mesh::of_menders(1);
    let by_release = |mesh: &mut Mesh, release: &str, times: usize| {
        for _ in 0..times {
            let mut raw = RawError::new("KeyError", "it did not work");
            raw.release = Some(release.to_owned());
            mesh.report_raw(0, raw);
        }
    };
    by_release(&mut mesh, "1.0", 3);
    mesh.run_past_the_bundle();
    let wall = mesh.time().wall;
    mesh.forge.close(IssueNumber(1), wall, CloseReason::Completed);
    mesh.run_past_the_bundle();
    by_release(&mut mesh, "2.0", 20);
    mesh.run_for(900);
    assert_eq!((mesh.forge.open(), mesh.jobs.len()), (vec![1], 0));
}

#[test]
fn no_more_fixes_are_begun_in_a_day_than_may_be() {
    let mut mesh = Mesh::unstarted(1);
    let policy = &mut mesh.members[0].policy;
    (policy.auto_pr, policy.auto_heal, policy.fix_max_per_day) = (true, true, 2);
    mesh.start(0);
    for kind in ["AError", "BError", "CError", "DError"] {
        for _ in 0..10 {
            mesh.report(0, kind);
        }
    }
    for _ in 0..40 {
        mesh.run_for(600);
        if !mesh.jobs.is_empty() {
            mesh.end_job(failure(false));
        }
    }
    assert_eq!(failure_comments(&mesh), 2);
    mesh.run_for(26 * 3_600);
    assert!(!mesh.jobs.is_empty(), "the next day has room again");
}

#[test]
fn a_fix_is_found_to_hold_once_newer_builds_ran_long_enough() {
    let mut mesh = Mesh::of(1);
    let by_release = |mesh: &mut Mesh, kind: &str, release: &str| {
        let mut raw = RawError::new(kind, "it did not work");
        raw.release = Some(release.to_owned());
        mesh.report_raw(0, raw)
    };
    let fingerprint = (0..12).map(|_| by_release(&mut mesh, "KeyError", "1.0")).last().expect("twelve reports");
    mesh.run_for(3_600);
    let wall = mesh.time().wall;
    mesh.forge.close(IssueNumber(1), wall, CloseReason::Completed);
    mesh.run_for(120);
    by_release(&mut mesh, "OtherError", "1.1");
    mesh.run_for(600);
    let fixed = |mesh: &Mesh| mesh.node(0).error(mesh.time(), fingerprint).and_then(|error| error.fixed);
    assert!(fixed(&mesh).is_some_and(|fixed| !fixed.verified), "{:?}", fixed(&mesh));
    mesh.run_for(1_800);
    assert!(fixed(&mesh).is_some_and(|fixed| fixed.verified), "{:?}", fixed(&mesh));
    let told = mesh.log.iter().filter(|(_, effect)| matches!(effect, Effect::Note(healnode_core::Event::FixVerified { .. })));
    assert_eq!(told.count(), 1);
    by_release(&mut mesh, "KeyError", "1.1");
    assert_eq!(fixed(&mesh), None);
}

#[test]
fn two_that_begin_at_once_do_the_work_once() {
    let mut mesh = Mesh::of_menders(2);
    mesh.gossip = false;
    for place in 0..2 {
        mesh.members[place].policy.turn = Duration::ZERO;
    }
    report(&mut mesh, 0, 10);
    report(&mut mesh, 1, 10);
    mesh.run_for(400);
    while !mesh.jobs.is_empty() {
        mesh.end_job(proposal(Verdict::Verified));
    }
    mesh.run_for(400);
    let published = mesh.forge.calls.iter().filter(|(_, call)| matches!(call, ForgeCall::Pull(PullCall::Publish(_))));
    assert_eq!(published.count(), 1);
}

/// An error that was seen ten times at the first node, where a label has to approve of fixes.
fn waiting_for_approval() -> (Mesh, Fingerprint) {
    let mut mesh = Mesh::unstarted(2);
    for place in 0..2 {
        let policy = &mut mesh.members[place].policy;
        (policy.auto_pr, policy.auto_heal) = (true, true);
        policy.approval_label = "fix-it".to_owned();
        mesh.start(place);
    }
    mesh.run_for(5);
    let fingerprint = report(&mut mesh, 0, 10);
    for _ in 0..3 {
        mesh.run_past_the_bundle();
    }
    assert_eq!((mesh.forge.pulls.len(), mesh.jobs.len()), (1, 0));
    (mesh, fingerprint)
}

#[test]
fn nothing_is_mended_until_a_person_has_approved_of_it() {
    let (mut mesh, fingerprint) = waiting_for_approval();
    assert_eq!(mesh.fix(0, fingerprint).blocked_by, ["nobody has approved it (fix.approval_label)"]);
    mesh.forge.issues[0].approved = true;
    for _ in 0..3 {
        mesh.run_past_the_bundle();
    }
    assert_eq!(mesh.jobs.len(), 1);
    mesh.end_job(proposal(Verdict::Verified));
    assert_eq!(mesh.forge.publications(), 1);
}

#[test]
fn what_a_person_asks_for_needs_no_label() {
    let (mut mesh, fingerprint) = waiting_for_approval();
    ask(&mut mesh, 0, fingerprint, true);
    mesh.run_for(60);
    assert_eq!(mesh.jobs.len(), 1);
}

#[test]
fn a_peer_that_says_it_was_approved_starts_nothing_and_costs_no_attempt() {
    let (mut mesh, fingerprint) = waiting_for_approval();
    let filed = Filed {
        issue: mesh.forge.issues[0].issue.clone(),
        floor: IssueNumber(0),
        occurrences: 10,
        told: 10,
        created: UnixMillis(0),
        standing: Standing::Open,
        at: UnixMillis(u64::MAX),
        approved: true,
    };
    mesh.tell(0, 1, Body::Filing { fingerprint, note: FilingNote { issue: Some(filed), ..FilingNote::default() } });
    for _ in 0..6 {
        mesh.run_past_the_bundle();
    }
    let fix = mesh.fix(0, fingerprint);
    assert_eq!((mesh.jobs.len(), fix.attempts), (0, 0));
    mesh.forge.issues[0].approved = true;
    for _ in 0..3 {
        mesh.run_past_the_bundle();
    }
    assert_eq!(mesh.jobs.len(), 1);
}
