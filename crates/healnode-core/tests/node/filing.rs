//! Who files, when, and what keeps a second issue from coming to be.

use healnode_core::{
    Body, Command, ErrorState, Filed, FilingNote, FilingStep, ForgeCall, ForgeHealth, ForgeReply, Input, IssueNumber, IssueRef, Standing,
    UnixMillis,
};

use crate::mesh::{Manner, Mesh};

#[test]
fn three_nodes_with_one_occurrence_each_file_one_issue_by_the_lowest_id() {
    let mut mesh = Mesh::of(3);
    let fingerprint = mesh.report(0, "KeyError");
    mesh.report(1, "KeyError");
    mesh.report(2, "KeyError");
    mesh.run_past_the_bundle();
    assert_eq!(mesh.forge.creators, [0]);
    for place in 0..3 {
        assert_eq!((mesh.count(place, fingerprint), mesh.issue(place, fingerprint)), (3, Some(1)));
    }
    mesh.run_for(600);
    assert_eq!(mesh.forge.creates(), 1);
}

#[test]
fn five_identical_errors_on_one_node_make_one_issue() {
    let mut mesh = Mesh::of(3);
    for _ in 0..5 {
        mesh.report(2, "KeyError");
    }
    mesh.run_past_the_bundle();
    assert_eq!(mesh.forge.creators, [2], "only node 2 has seen it");
}

#[test]
fn whoever_does_not_want_to_wait_for_the_bundle_has_what_is_due_filed_at_once() {
    let mut mesh = Mesh::of(2);
    let fingerprint = mesh.report(0, "KeyError");
    mesh.report(0, "OSError");
    for _ in 0..2 {
        mesh.report(0, "KeyError");
    }
    mesh.give(0, Input::Operator(Command::Flush));
    mesh.run_for(10);
    assert_eq!((mesh.issue(0, fingerprint), mesh.forge.creates()), (Some(1), 1), "what was seen once is not due");
    mesh.run_past_the_bundle();
    assert_eq!(mesh.forge.creates(), 1);
}

#[test]
fn two_occurrences_make_none() {
    let mut mesh = Mesh::of(2);
    let fingerprint = mesh.report(0, "KeyError");
    mesh.report(1, "KeyError");
    mesh.run_for(600);
    assert_eq!(mesh.forge.calls, []);
    assert_eq!(mesh.node(0).error(mesh.time(), fingerprint).unwrap().state, ErrorState::Counting);
}

#[test]
fn a_critical_error_does_not_wait_for_the_bundle() {
    let mut mesh = Mesh::of(2);
    mesh.report_critical(1, "MemoryError");
    mesh.run_for(1);
    assert_eq!(mesh.forge.creators, [1]);
}

#[test]
fn a_critical_error_whose_filing_came_to_nothing_is_due_again_at_the_next_bundle() {
    let mut mesh = Mesh::of(1);
    mesh.forge.manner = Manner::Denies;
    mesh.report_critical(0, "MemoryError");
    mesh.restart(0);
    mesh.forge.manner = Manner::Answers;
    mesh.run_past_the_bundle();
    assert_eq!(mesh.forge.issues.len(), 1);
}

#[test]
fn eleven_due_at_once_make_one_issue() {
    let mut mesh = Mesh::of(2);
    for name in ["A", "B", "C", "D", "E", "F", "G", "H", "I", "J", "K"] {
        for _ in 0..3 {
            mesh.report(0, &format!("{name}Error"));
        }
    }
    mesh.run_past_the_bundle();
    assert_eq!(mesh.forge.issues.iter().map(|issue| issue.markers.len()).collect::<Vec<_>>(), [11]);
}

#[test]
fn a_muted_fingerprint_is_not_filed() {
    let mut mesh = Mesh::of(2);
    let fingerprint = mesh.report(0, "KeyError");
    mesh.mute(1, fingerprint, 200);
    mesh.report(0, "KeyError");
    mesh.report(0, "KeyError");
    mesh.run_for(180);
    assert_eq!(mesh.forge.calls, []);
    assert_eq!(mesh.node(0).error(mesh.time(), fingerprint).unwrap().state, ErrorState::Muted);
    mesh.run_for(120);
    assert_eq!(mesh.forge.creators, [0], "the mute is over");
}

fn filed_as(number: u64) -> FilingNote {
    let issue = IssueRef { number: IssueNumber(number), url: String::new(), open: true };
    let (floor, created) = (IssueNumber(0), UnixMillis(0));
    let filed = Filed { issue, floor, occurrences: 1, told: 1, created, standing: Standing::Open, at: UnixMillis(1), approved: false };
    FilingNote { step: FilingStep::Idle, issue: Some(filed) }
}

#[test]
fn a_note_that_arrives_between_look_and_create_stops_the_create() {
    let mut mesh = Mesh::of(2);
    mesh.forge.manner = Manner::Holds;
    let fingerprint = mesh.report_critical(0, "MemoryError");
    mesh.answer_held();
    assert!(matches!(mesh.forge.calls[..], [(0, ForgeCall::Acquire), (0, ForgeCall::Look { .. })]));
    mesh.tell(0, 1, Body::Filing { fingerprint, note: filed_as(7) });
    mesh.forge.manner = Manner::Answers;
    mesh.answer_held();
    mesh.run_for(40);
    assert_eq!(mesh.forge.creates(), 0);
    assert_eq!(mesh.issue(0, fingerprint), Some(7));
}

#[test]
fn a_claim_of_a_lower_id_that_arrives_between_look_and_create_stops_the_create_unless_the_lease_is_held() {
    let creates = |leaseless| {
        let mut mesh = Mesh::of(2);
        mesh.forge.leaseless = leaseless;
        mesh.forge.manner = Manner::Holds;
        let fingerprint = mesh.report_critical(1, "MemoryError");
        mesh.answer_held();
        mesh.tell(1, 0, Body::Filing { fingerprint, note: FilingNote { step: FilingStep::Claim, issue: None } });
        mesh.forge.manner = Manner::Answers;
        mesh.answer_held();
        mesh.run_for(30);
        mesh.forge.creates()
    };
    assert_eq!((creates(true), creates(false)), (0, 1));
}

#[test]
fn the_next_in_rank_files_when_the_leader_stays_silent() {
    let mut mesh = Mesh::of(3);
    for place in [0, 1, 2] {
        mesh.report(place, "KeyError");
    }
    mesh.run_for(1);
    mesh.kill(0);
    mesh.run_for(180);
    assert_eq!(mesh.forge.creators, [1]);
}

#[test]
fn a_leader_that_dies_after_its_claim_is_replaced_and_its_create_looked_for() {
    let mut mesh = Mesh::of(2);
    mesh.forge.manner = Manner::LosesAnswers;
    let fingerprint = mesh.report_critical(0, "MemoryError");
    assert_eq!(mesh.forge.creators, [0]);
    mesh.kill(0);
    mesh.give(1, Input::PeerDown(mesh.members[0].id));
    mesh.forge.manner = Manner::Answers;
    mesh.run_for(180);
    assert_eq!(mesh.forge.creators, [0], "node 1 found it and made no second one");
    assert_eq!(mesh.issue(1, fingerprint), Some(1));
}

#[test]
fn an_unanswered_create_is_looked_for_for_a_minute_before_a_second() {
    let mut mesh = Mesh::of(1);
    mesh.forge.manner = Manner::Holds;
    mesh.report_critical(0, "MemoryError");
    mesh.answer_held();
    mesh.answer_held();
    let (place, id, _) = mesh.forge.held.pop_front().unwrap();
    mesh.forge.manner = Manner::Answers;
    mesh.give(place, Input::Forge { id, reply: ForgeReply::Unclear { why: "cut off".to_owned() } });
    mesh.run_for(59);
    assert_eq!(mesh.forge.creates(), 1);
    mesh.run_for(2);
    let looks = mesh.forge.calls.iter().filter(|(_, call)| matches!(call, ForgeCall::Look { .. })).count();
    assert_eq!((looks, mesh.forge.creates(), mesh.forge.issues.len()), (5, 2, 1));
}

#[test]
fn a_restart_between_intent_and_answer_looks_before_it_creates() {
    let mut mesh = Mesh::of(1);
    mesh.forge.manner = Manner::LosesAnswers;
    let fingerprint = mesh.report_critical(0, "MemoryError");
    mesh.kill(0);
    assert_eq!(mesh.members[0].disk.intents.len(), 1);
    let calls_before = mesh.forge.calls.len();
    mesh.forge.manner = Manner::Answers;
    mesh.start(0);
    mesh.run_for(10);
    mesh.run_for(100);
    let since: Vec<_> = mesh.forge.calls[calls_before..].iter().filter(|(_, call)| !matches!(call, ForgeCall::Acquire)).collect();
    assert!(matches!(since[..], [(0, ForgeCall::Look { .. }), ..]), "{since:?}");
    assert_eq!((mesh.forge.issues.len(), mesh.issue(0, fingerprint)), (1, Some(1)));
    assert_eq!(mesh.members[0].disk.intents.len(), 0, "the intent is settled");
}

#[test]
fn a_lone_node_with_an_open_intent_wakes_by_itself() {
    let mut mesh = Mesh::of(1);
    mesh.forge.manner = Manner::Holds;
    mesh.report_critical(0, "MemoryError");
    mesh.answer_held();
    mesh.answer_held();
    assert_eq!(mesh.forge.creates(), 1);
    mesh.restart(0);
    mesh.forge.manner = Manner::Answers;
    mesh.run_for(170);
    assert_eq!(mesh.forge.issues.len(), 1, "nothing came of the first create, so there was a second, when the old lease was over");
}

#[test]
fn a_newcomer_does_not_think_itself_first() {
    let mut mesh = Mesh::unstarted(3);
    mesh.start(0);
    mesh.start(2);
    mesh.run_for(55);
    for place in [0, 0, 2] {
        mesh.report(place, "KeyError");
    }
    mesh.start(1);
    mesh.run_for(35);
    assert_eq!(mesh.forge.creators, [0]);
    assert!(mesh.forge.calls.iter().all(|(place, _)| *place == 0));
}

fn both_sides_of_a_split_file(mesh: &mut Mesh) -> healnode_core::Fingerprint {
    mesh.cut_off(1);
    mesh.run_for(50);
    mesh.forge.manner = Manner::Holds;
    let fingerprint = mesh.report_critical(0, "MemoryError");
    mesh.report_critical(1, "MemoryError");
    for _call in ["lease", "look", "create"] {
        mesh.answer_held();
    }
    mesh.forge.manner = Manner::Answers;
    mesh.answer_held();
    fingerprint
}

#[test]
fn without_a_lease_two_sides_of_a_split_file_one_each_and_the_sweep_closes_the_later() {
    let mut mesh = Mesh::of(2);
    mesh.forge.leaseless = true;
    let fingerprint = both_sides_of_a_split_file(&mut mesh);
    assert_eq!(mesh.forge.open(), [1, 2], "both looked before either created");
    mesh.heal(1);
    mesh.run_for(130);
    assert_eq!(mesh.forge.open(), [1]);
    assert_eq!((mesh.issue(0, fingerprint), mesh.issue(1, fingerprint)), (Some(1), Some(1)));
}

#[test]
fn with_a_lease_the_second_side_of_a_split_waits_and_finds_the_issue_of_the_first() {
    let mut mesh = Mesh::of(2);
    let fingerprint = both_sides_of_a_split_file(&mut mesh);
    mesh.run_for(20);
    assert_eq!(mesh.forge.creators, [0]);
    assert_eq!((mesh.issue(0, fingerprint), mesh.issue(1, fingerprint)), (Some(1), Some(1)));
    assert!(!mesh.forge.is_leased(), "nobody keeps the lease for longer than it is needed");
}

#[test]
fn a_holder_that_dies_keeps_the_other_side_of_a_split_waiting_only_until_its_lease_is_over() {
    let mut mesh = Mesh::of(2);
    mesh.cut_off(1);
    mesh.run_for(50);
    mesh.forge.manner = Manner::Holds;
    let fingerprint = mesh.report_critical(0, "MemoryError");
    mesh.answer_held();
    mesh.kill(0);
    mesh.forge.manner = Manner::Answers;
    mesh.report_critical(1, "MemoryError");
    mesh.run_for(80);
    assert_eq!(mesh.forge.creates(), 0, "the dead holder's create might still be on its way");
    mesh.run_for(100);
    assert_eq!(mesh.forge.creators, [1]);
    assert_eq!(mesh.issue(1, fingerprint), Some(1));
}

#[test]
fn a_create_in_doubt_stays_in_doubt_for_others_when_a_peer_settles_its_error() {
    let mut mesh = Mesh::of(2);
    mesh.forge.manner = Manner::Holds;
    let fingerprint = mesh.report_critical(0, "MemoryError");
    mesh.answer_held();
    mesh.answer_held();
    let (place, id, create) = mesh.forge.held.pop_front().unwrap();
    assert!(matches!(create, ForgeCall::Create(_)));
    mesh.forge.manner = Manner::Answers;
    mesh.give(place, Input::Forge { id, reply: ForgeReply::Unclear { why: "cut off".to_owned() } });
    mesh.tell(0, 1, Body::Filing { fingerprint, note: filed_as(7) });
    mesh.run_for(5);
    assert!(mesh.forge.calls.contains(&(0, ForgeCall::Release { unclear: true })), "{:?}", mesh.forge.calls);
}

#[test]
fn issues_beyond_the_hourly_bound_wait_as_a_list() {
    let mut mesh = Mesh::unstarted(1);
    mesh.members[0].policy.max_per_hour = 2;
    mesh.start(0);
    mesh.run_for(5);
    for name in ["A", "B", "C", "D", "E"] {
        mesh.report_critical(0, &format!("{name}Error"));
        mesh.run_for(2);
    }
    mesh.run_for(600);
    assert_eq!(mesh.forge.issues.len(), 2);
    mesh.run_for(3_600);
    let members: usize = mesh.forge.issues.iter().map(|found| found.markers.len()).sum();
    assert_eq!((mesh.forge.issues.len(), members), (3, 5), "the other three share one");
}

/// Has each node see errors of its own, so that each would file.
fn many_critical_errors(mesh: &mut Mesh, nodes: usize) {
    for (index, name) in ["A", "B", "C", "D", "E", "F"].into_iter().enumerate() {
        mesh.report_critical(index % nodes, &format!("{name}Error"));
        mesh.run_for(2);
    }
}

fn bounded(nodes: usize, max_per_hour: usize, max_per_day: usize) -> Mesh {
    let mut mesh = Mesh::unstarted(nodes);
    for place in 0..nodes {
        let policy = &mut mesh.members[place].policy;
        (policy.max_per_hour, policy.max_per_day) = (max_per_hour, max_per_day);
        mesh.start(place);
    }
    mesh.run_for(5);
    mesh
}

#[test]
fn three_nodes_create_no_more_in_an_hour_than_one_may() {
    let mut mesh = bounded(3, 2, 0);
    many_critical_errors(&mut mesh, 3);
    mesh.run_for(1_800);
    assert_eq!(mesh.forge.issues.len(), 2);
    let why = mesh.node(2).why(mesh.time(), mesh.node(2).errors(mesh.time())[0].fingerprint).unwrap();
    assert_ne!(why.error.state, ErrorState::Filed);
    mesh.run_for(3_600);
    assert_eq!(mesh.forge.issues.len(), 4);
    mesh.run_for(3_600);
    let members: usize = mesh.forge.issues.iter().map(|found| found.markers.len()).sum();
    assert!(mesh.forge.issues.len() <= 6 && members == 6, "{:?}", mesh.forge.issues);
}

#[test]
fn a_mesh_creates_no_more_in_a_day_than_one_node_may() {
    let mut mesh = bounded(2, 0, 3);
    many_critical_errors(&mut mesh, 2);
    mesh.run_for(12 * 3_600);
    assert_eq!(mesh.forge.issues.len(), 3);
    mesh.run_for(13 * 3_600);
    let members: usize = mesh.forge.issues.iter().map(|found| found.markers.len()).sum();
    assert!((4..=6).contains(&mesh.forge.issues.len()) && members == 6, "{:?}", mesh.forge.issues);
}

#[test]
fn a_node_that_lost_its_disk_still_knows_what_was_filed() {
    let mut mesh = bounded(2, 0, 1);
    mesh.report_critical(0, "AError");
    mesh.run_for(5);
    mesh.wipe(0);
    mesh.start(0);
    mesh.run_for(5);
    mesh.report_critical(0, "BError");
    mesh.run_for(600);
    assert_eq!(mesh.forge.issues.len(), 1);
}

#[test]
fn a_create_that_lies_far_ahead_holds_nobody_up() {
    let holds_up = |ahead_s: u64| {
        let mut mesh = bounded(2, 1, 0);
        let other = mesh.report(1, "OtherError");
        let mut note = filed_as(7);
        if let Some(filed) = &mut note.issue {
            filed.created = UnixMillis(mesh.time().wall.0 + ahead_s * 1_000);
        }
        mesh.tell(0, 1, Body::Filing { fingerprint: other, note });
        mesh.report_critical(0, "MemoryError");
        mesh.run_for(600);
        mesh.forge.issues.is_empty()
    };
    assert!(holds_up(0) && holds_up(600));
    assert!(!holds_up(100 * 24 * 3_600));
}

#[test]
fn a_refused_token_leaves_the_node_counting_and_says_why() {
    let mut mesh = Mesh::of(1);
    mesh.forge.manner = Manner::Denies;
    let fingerprint = mesh.report_critical(0, "MemoryError");
    mesh.report_critical(0, "MemoryError");
    mesh.run_for(1);
    let status = mesh.node(0).status(mesh.time());
    assert_eq!((status.can_file, status.cannot_file_why.as_str()), (false, "make a new token"));
    assert_eq!(mesh.count(0, fingerprint), 2);
    let why = mesh.node(0).why(mesh.time(), fingerprint).unwrap();
    assert!(why.reasons.iter().any(|reason| reason.contains("make a new token")), "{:?}", why.reasons);
    mesh.forge.manner = Manner::Answers;
    mesh.give(0, Input::ForgeHealth(ForgeHealth::Ready));
    mesh.run_past_the_bundle();
    assert_eq!(mesh.issue(0, fingerprint), Some(1));
}

#[test]
fn when_the_holder_cannot_file_another_node_does() {
    let mut mesh = Mesh::of(2);
    mesh.give(0, Input::ForgeHealth(ForgeHealth::Blocked { why: "no token".to_owned() }));
    for _ in 0..3 {
        mesh.report(0, "KeyError");
    }
    mesh.run_past_the_bundle();
    assert_eq!(mesh.forge.creators, [1]);
}
