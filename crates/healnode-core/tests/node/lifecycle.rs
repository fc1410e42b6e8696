//! What becomes of an issue after it is filed, and what people can tell healnode by what they do with it.

use std::time::Duration;

use healnode_core::{
    Body, CloseReason, ErrorState, Filed, FilingNote, FilingStep, Fingerprint, ForgeCall, IssueNumber, IssueRef, RawError, Standing,
    UnixMillis,
};

use crate::mesh::{Manner, Mesh};

const FIRST: IssueNumber = IssueNumber(1);

/// A mesh with one issue for one error that was seen three times, the last two by release `1.0`.
fn with_an_issue(nodes: usize) -> (Mesh, Fingerprint) {
    let mut mesh = Mesh::of(nodes);
    let fingerprint = mesh.report(0, "KeyError");
    by_release(&mut mesh, "1.0", 2);
    mesh.run_past_the_bundle();
    assert_eq!(mesh.forge.open(), [1]);
    (mesh, fingerprint)
}

fn by_release(mesh: &mut Mesh, release: &str, times: usize) {
    for _ in 0..times {
        let mut raw = RawError::new("KeyError", "it did not work");
        raw.release = Some(release.to_owned());
        mesh.report_raw(0, raw);
    }
}

fn close(mesh: &mut Mesh, reason: CloseReason) {
    let wall = mesh.time().wall;
    mesh.forge.close(FIRST, wall, reason);
    mesh.run_past_the_bundle();
}

fn state(mesh: &Mesh, fingerprint: Fingerprint) -> ErrorState {
    mesh.node(0).error(mesh.time(), fingerprint).expect("the error was seen").state
}

#[test]
fn an_error_that_comes_back_after_its_fix_opens_its_issue_again_with_one_comment() {
    let (mut mesh, fingerprint) = with_an_issue(2);
    close(&mut mesh, CloseReason::Completed);
    by_release(&mut mesh, "1.1", 2);
    mesh.run_past_the_bundle();
    assert_eq!(mesh.forge.open(), [0; 0], "two occurrences are not enough");
    by_release(&mut mesh, "1.1", 1);
    mesh.run_past_the_bundle();
    mesh.run_for(300);
    assert_eq!((mesh.forge.open(), mesh.forge.creates()), (vec![1], 1));
    assert_eq!(state(&mesh, fingerprint), ErrorState::Regressed);
    assert_eq!(mesh.forge.comments.len(), 1);
    assert!(mesh.forge.comments[0].1.contains("3 more, 6 in all"), "{:?}", mesh.forge.comments);
}

#[test]
fn builds_from_before_the_fix_do_not_open_an_issue_again() {
    let (mut mesh, fingerprint) = with_an_issue(1);
    close(&mut mesh, CloseReason::Completed);
    by_release(&mut mesh, "1.0", 50);
    mesh.run_for(300);
    assert_eq!((mesh.forge.open(), mesh.forge.comments.len()), (Vec::new(), 0));
    assert_eq!(state(&mesh, fingerprint), ErrorState::Filed);
    for _ in 0..3 {
        mesh.report(0, "KeyError");
    }
    mesh.run_past_the_bundle();
    assert_eq!(mesh.forge.open(), [1], "what names no release may be any build");
}

#[test]
fn closed_as_not_planned_means_silence() {
    let (mut mesh, fingerprint) = with_an_issue(1);
    close(&mut mesh, CloseReason::NotPlanned);
    by_release(&mut mesh, "2.0", 500);
    mesh.run_for(300);
    assert_eq!((mesh.forge.open(), mesh.forge.comments.len(), mesh.forge.creates()), (Vec::new(), 0, 1));
    assert_eq!(state(&mesh, fingerprint), ErrorState::Muted);
}

#[test]
fn the_mute_label_silences_an_issue_and_taking_it_off_ends_that() {
    let (mut mesh, fingerprint) = with_an_issue(1);
    mesh.forge.edit(FIRST, |found| found.muted = true);
    mesh.run_past_the_bundle();
    assert_eq!(state(&mesh, fingerprint), ErrorState::Muted);
    by_release(&mut mesh, "1.0", 100);
    let calls = mesh.forge.calls.len();
    mesh.run_for(200);
    assert!(mesh.forge.calls[calls..].iter().all(|(_, call)| matches!(call, ForgeCall::Survey)), "{:?}", &mesh.forge.calls[calls..]);
    mesh.forge.edit(FIRST, |found| found.muted = false);
    mesh.run_for(200);
    assert_eq!(state(&mesh, fingerprint), ErrorState::Filed);
    assert_eq!(mesh.forge.issues[0].stated.unwrap().occurrences, 103);
}

#[test]
fn a_deleted_issue_is_followed_by_a_new_one_only_when_the_error_is_seen_again() {
    let (mut mesh, fingerprint) = with_an_issue(2);
    mesh.forge.issues.clear();
    mesh.run_for(300);
    assert_eq!((mesh.issue(0, fingerprint), mesh.forge.creates()), (None, 1));
    assert_eq!(mesh.issue(1, fingerprint), None);
    by_release(&mut mesh, "1.0", 3);
    mesh.run_past_the_bundle();
    assert_eq!((mesh.issue(1, fingerprint), mesh.forge.open()), (Some(2), vec![2]));
}

#[test]
fn an_open_issue_takes_the_place_of_a_silenced_one_that_is_not_there_any_more() {
    let (mut mesh, fingerprint) = with_an_issue(2);
    let mut other = mesh.forge.issues[0].clone();
    close(&mut mesh, CloseReason::NotPlanned);
    mesh.forge.issues.clear();
    other.issue.number = IssueNumber(7);
    mesh.forge.issues.push(other);
    mesh.run_for(200);
    for place in 0..2 {
        assert_eq!(mesh.issue(place, fingerprint), Some(7));
    }
}

#[test]
fn after_a_deletion_nobody_goes_back_to_the_issue_that_is_gone() {
    let (mut mesh, fingerprint) = with_an_issue(2);
    mesh.forge.issues.clear();
    mesh.run_for(200);
    by_release(&mut mesh, "1.0", 3);
    for _ in 0..3 {
        mesh.run_past_the_bundle();
        by_release(&mut mesh, "1.0", 20);
        assert_eq!((mesh.issue(0, fingerprint), mesh.issue(1, fingerprint)), (Some(2), Some(2)));
    }
}

#[test]
fn a_count_as_high_as_numbers_go_is_told_once() {
    let (mut mesh, _) = with_an_issue(1);
    let mut raw = RawError::new("KeyError", "it did not work");
    raw.count = u64::MAX;
    mesh.report_raw(0, raw);
    mesh.run_for(600);
    assert!(mesh.forge.comments.len() <= 1, "{:?}", mesh.forge.comments);
}

#[test]
fn a_locked_issue_is_not_opened_again_but_named_by_a_new_one() {
    let (mut mesh, fingerprint) = with_an_issue(1);
    mesh.forge.edit(FIRST, |found| found.locked = true);
    close(&mut mesh, CloseReason::Completed);
    by_release(&mut mesh, "1.1", 3);
    mesh.run_past_the_bundle();
    mesh.run_for(200);
    assert_eq!((mesh.forge.open(), mesh.issue(0, fingerprint)), (vec![2], Some(2)));
    let names_the_old =
        |(_, call): &(usize, ForgeCall)| matches!(call, ForgeCall::Create(draft) if draft.body.contains("Seen before in #1"));
    assert_eq!(mesh.forge.calls.iter().filter(|call| names_the_old(call)).count(), 1);
    by_release(&mut mesh, "1.1", 3);
    mesh.run_for(200);
    assert_eq!(mesh.forge.creates(), 2);
}

#[test]
fn an_issue_closed_as_a_duplicate_by_a_person_hands_its_error_on() {
    let mut mesh = Mesh::of(2);
    let fingerprint = mesh.report_critical(0, "OneError");
    let other = mesh.report_critical(0, "OtherError");
    mesh.run_for(20);
    assert_eq!((mesh.issue(0, fingerprint), mesh.issue(0, other)), (Some(1), Some(2)));
    close(&mut mesh, CloseReason::Duplicate { of: None });
    mesh.run_for(120);
    assert_eq!(mesh.issue(0, fingerprint), Some(1), "which one it duplicates is not known");
    mesh.forge.edit(FIRST, |found| found.closing.as_mut().unwrap().reason = CloseReason::Duplicate { of: Some(IssueNumber(2)) });
    mesh.run_for(300);
    for place in 0..2 {
        assert_eq!(mesh.issue(place, fingerprint), Some(2));
    }
    assert_eq!(mesh.forge.creates(), 2);
}

#[test]
fn an_error_that_was_handed_on_opens_the_other_issue_again_when_it_comes_back() {
    let mut mesh = Mesh::of(1);
    let fingerprint = mesh.report_critical(0, "OneError");
    mesh.report_critical(0, "OtherError");
    mesh.run_for(20);
    close(&mut mesh, CloseReason::Duplicate { of: Some(IssueNumber(2)) });
    mesh.run_for(120);
    assert_eq!(mesh.issue(0, fingerprint), Some(2));
    mesh.forge.close(IssueNumber(2), mesh.time().wall, CloseReason::Completed);
    mesh.run_for(120);
    mesh.report_critical(0, "OneError");
    mesh.run_for(120);
    assert_eq!((mesh.forge.open(), mesh.forge.comments.len(), mesh.forge.creates()), (vec![2], 1, 2));
}

#[test]
fn what_was_counted_when_an_issue_was_closed_is_remembered_for_as_long_as_it_may_be_opened_again() {
    let mut mesh = Mesh::unstarted(1);
    mesh.members[0].policy.bundle_interval = Duration::from_secs(24 * 3600);
    mesh.members[0].policy.presence_interval = Duration::from_secs(24 * 3600);
    mesh.members[0].policy.pull_interval = Duration::from_secs(24 * 3600);
    mesh.start(0);
    by_release(&mut mesh, "1.0", 3);
    mesh.run_for(2 * 24 * 3600);
    close(&mut mesh, CloseReason::Completed);
    mesh.run_for(35 * 24 * 3600);
    by_release(&mut mesh, "2.0", 3);
    mesh.run_for(2 * 24 * 3600);
    assert_eq!((mesh.forge.open(), mesh.forge.creates()), (vec![1], 1));
}

#[test]
fn who_sees_less_than_an_issue_names_does_not_call_it_quiet() {
    let mut mesh = Mesh::unstarted(1);
    mesh.members[0].policy.quiet_after = Duration::from_secs(3_600);
    mesh.start(0);
    mesh.report_critical(0, "MemoryError");
    mesh.run_for(100);
    mesh.forge.edit(FIRST, |found| found.stated = Some(healnode_core::Stated { occurrences: 50, told: 50, ..Default::default() }));
    mesh.run_for(5_000);
    assert!(!mesh.forge.issues[0].quiet);
}

#[test]
fn ten_times_as_many_occurrences_are_told_in_one_comment() {
    let (mut mesh, _) = with_an_issue(2);
    by_release(&mut mesh, "1.0", 26);
    mesh.run_for(200);
    assert_eq!((mesh.forge.comments.len(), mesh.forge.issues[0].stated.unwrap().occurrences), (0, 29));
    by_release(&mut mesh, "1.0", 1);
    mesh.run_for(200);
    assert_eq!(mesh.forge.comments.len(), 1);
    assert!(mesh.forge.comments[0].1.contains("Seen 30 times by now, up from 3"), "{:?}", mesh.forge.comments);
    mesh.kill(0);
    mesh.run_for(300);
    mesh.start(0);
    by_release(&mut mesh, "1.0", 200);
    mesh.run_for(200);
    assert_eq!(mesh.forge.comments.len(), 1, "whoever leads knows what was told");
}

#[test]
fn the_status_says_when_the_last_bundle_was_and_which_issues_are_known() {
    let mut mesh = Mesh::unstarted(1);
    mesh.start(0);
    mesh.run_for(30);
    assert_eq!(mesh.node(0).status(mesh.time()).last_bundle, None);
    let (mut mesh, _) = with_an_issue(2);
    mesh.run_for(70);
    let status = mesh.node(0).status(mesh.time());
    let last = status.last_bundle.unwrap();
    assert!(last.0 % 60_000 == 0 && mesh.time().wall.0 - last.0 < 60_000, "{last}");
    assert_eq!((status.issues.open, status.issues.closed), (1, 0));
    close(&mut mesh, CloseReason::Completed);
    mesh.run_for(70);
    let status = mesh.node(1).status(mesh.time());
    assert_eq!((status.issues.open, status.issues.closed), (0, 1));
}

fn labels_of_updates(mesh: &Mesh) -> Vec<Vec<String>> {
    let labels = |(_, call): &(usize, ForgeCall)| match call {
        ForgeCall::Update { draft, .. } => Some(draft.labels.clone()),
        ForgeCall::Look { .. }
        | ForgeCall::Survey
        | ForgeCall::Acquire
        | ForgeCall::Release { .. }
        | ForgeCall::Inspect { .. }
        | ForgeCall::Create(_)
        | ForgeCall::Comment { .. }
        | ForgeCall::Reopen { .. }
        | ForgeCall::Close { .. }
        | ForgeCall::MarkQuiet { .. }
        | ForgeCall::CloseDuplicate { .. }
        | ForgeCall::Pull(_) => None,
    };
    mesh.forge.calls.iter().filter_map(labels).collect()
}

#[test]
fn an_error_that_turns_out_worse_than_its_issue_says_gets_the_label_once_and_keeps_it() {
    let (mut mesh, _) = with_an_issue(2);
    mesh.report(0, "KeyError");
    mesh.run_for(200);
    assert_eq!(labels_of_updates(&mesh), Vec::<Vec<String>>::new(), "one more of the same is no news");
    mesh.report_critical(1, "KeyError");
    mesh.run_for(200);
    assert_eq!(labels_of_updates(&mesh), [["auto-generated", "bug", "priority"]]);
    assert_eq!(mesh.forge.issues[0].stated.unwrap().severity, Some(healnode_core::Severity::Critical));
    mesh.run_for(400);
    assert_eq!((labels_of_updates(&mesh).len(), mesh.forge.comments.len()), (1, 0));
}

#[test]
fn an_error_that_stays_away_is_labelled_as_quiet_until_it_is_seen_again() {
    let mut mesh = Mesh::unstarted(1);
    mesh.members[0].policy.quiet_after = Duration::from_secs(3_600);
    mesh.start(0);
    let fingerprint = mesh.report_critical(0, "MemoryError");
    mesh.run_for(3_500);
    assert!(!mesh.forge.issues[0].quiet);
    mesh.run_for(300);
    assert!(mesh.forge.issues[0].quiet);
    assert_eq!((state(&mesh, fingerprint), mesh.forge.open()), (ErrorState::Quiet, vec![1]));
    mesh.report_critical(0, "MemoryError");
    mesh.run_for(200);
    assert!(!mesh.forge.issues[0].quiet);
    assert_eq!((state(&mesh, fingerprint), mesh.forge.comments.len()), (ErrorState::Filed, 0));
}

#[test]
fn a_quiet_issue_is_closed_only_if_configured_and_opened_again_when_the_error_comes_back() {
    let mut mesh = Mesh::unstarted(1);
    mesh.members[0].policy.quiet_after = Duration::from_secs(3_600);
    mesh.members[0].policy.close_quiet = true;
    mesh.start(0);
    mesh.report_critical(0, "MemoryError");
    mesh.run_for(4_000);
    assert_eq!((mesh.forge.open(), mesh.forge.comments.len()), (Vec::new(), 1));
    mesh.report_critical(0, "MemoryError");
    mesh.run_for(200);
    assert_eq!((mesh.forge.open(), mesh.forge.comments.len(), mesh.forge.creates()), (vec![1], 2, 1));
}

#[test]
fn a_forge_that_is_down_for_a_day_costs_nothing_but_time() {
    let mut mesh = Mesh::of(1);
    mesh.forge.manner = Manner::Denies;
    let fingerprints: Vec<Fingerprint> = ["A", "B", "C"].map(|name| mesh.report_critical(0, &format!("{name}Error"))).into();
    mesh.run_for(12 * 3_600);
    mesh.restart(0);
    mesh.run_for(12 * 3_600);
    assert_eq!(mesh.forge.issues, []);
    mesh.forge.manner = Manner::Answers;
    mesh.restart(0);
    mesh.run_for(200);
    assert!(fingerprints.iter().all(|fingerprint| mesh.issue(0, *fingerprint).is_some()));
}

#[test]
fn a_peer_that_says_every_issue_is_given_up_brings_about_no_second_one() {
    let (mut mesh, fingerprint) = with_an_issue(2);
    let issue = IssueRef { number: IssueNumber(9), url: String::new(), open: false };
    let filed = Filed {
        issue,
        floor: IssueNumber(u64::MAX),
        occurrences: 0,
        told: 0,
        created: UnixMillis(0),
        standing: Standing::Gone { occurrences: 0 },
        at: UnixMillis(u64::MAX),
        approved: false,
    };
    mesh.tell(0, 1, Body::Filing { fingerprint, note: FilingNote { step: FilingStep::Idle, issue: Some(filed) } });
    by_release(&mut mesh, "1.0", 20);
    mesh.run_for(300);
    assert_eq!((mesh.forge.creates(), mesh.issue(0, fingerprint)), (1, Some(1)));
    let calls = mesh.forge.calls.len();
    mesh.run_for(300);
    assert!(mesh.forge.calls[calls..].iter().all(|(_, call)| matches!(call, ForgeCall::Survey)), "it is not looked for over and over");
}

#[test]
fn errors_that_differ_in_one_word_are_named_on_each_others_issue_once() {
    let mut mesh = Mesh::of(2);
    let say = |mesh: &mut Mesh, message: &str| {
        for _ in 0..3 {
            mesh.report_raw(0, RawError::new("OperationalError", message));
        }
    };
    say(&mut mesh, "no such table: orders in main");
    mesh.run_past_the_bundle();
    say(&mut mesh, "no such table: invoices in main");
    say(&mut mesh, "the disk image is malformed");
    mesh.run_for(300);
    let texts: Vec<(u64, &str)> = mesh
        .forge
        .calls
        .iter()
        .filter_map(|(_, call)| {
            if let ForgeCall::Create(draft) = call {
                return Some((0, draft.body.as_str()));
            }
            let ForgeCall::Update { number, draft } = call else { return None };
            Some((number.0, draft.body.as_str()))
        })
        .filter(|(_, body)| body.contains("## See Also"))
        .collect();
    let [(0, created), (1, updated)] = texts[..] else { panic!("{texts:?}") };
    assert!(created.contains("- #1: `OperationalError: no such table: orders in main`"), "{created}");
    assert!(updated.contains("`OperationalError: no such table: invoices in main`"), "{updated}");
}
