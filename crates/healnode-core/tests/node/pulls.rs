//! One draft pull request for each issue, whatever is lost, and none that people do not want.

use healnode_core::{BranchHead, CloseReason, Fingerprint, ForgeCall, Guidance, IssueNumber, PullCall, PullState, Suspect};

use crate::mesh::{Manner, Mesh};

const BRANCH: &str = "auto-fix/issue-1-keyerror";

/// An error that was seen three times at the first node.
fn reported(mesh: &mut Mesh) -> Fingerprint {
    mesh.report(0, "KeyError");
    mesh.report(0, "KeyError");
    mesh.report(0, "KeyError")
}

fn with_a_pull(nodes: usize) -> (Mesh, Fingerprint) {
    let mut mesh = Mesh::of_menders(nodes);
    let fingerprint = reported(&mut mesh);
    mesh.run_past_the_bundle();
    assert_eq!(mesh.forge.pulls.len(), 1);
    (mesh, fingerprint)
}

fn state(mesh: &Mesh, place: usize, fingerprint: Fingerprint) -> Option<String> {
    mesh.pull(place, fingerprint).map(|(_, state)| state)
}

fn reasons(mesh: &Mesh, fingerprint: Fingerprint) -> String {
    mesh.node(0).why(mesh.time(), fingerprint).expect("the error was seen").reasons.join("\n")
}

#[test]
fn an_issue_is_followed_by_one_draft_at_once_and_everybody_knows() {
    let mut mesh = Mesh::of_menders(3);
    mesh.guidance = Some(Guidance {
        suspects: vec![Suspect {
            path: "src/pay.rs".to_owned(),
            line: 7,
            function: String::new(),
            first_line: 7,
            source: "pay()".to_owned(),
            changed: None,
        }],
        ..Guidance::default()
    });
    let fingerprint = reported(&mut mesh);
    let bundle = 60 - 5;
    mesh.run_for(bundle);
    assert_eq!((mesh.forge.creates(), mesh.forge.opens()), (1, 1), "in the same second as the issue");
    for place in 0..3 {
        assert_eq!(mesh.pull(place, fingerprint), Some((1_000, "open".to_owned())));
    }
    assert!(mesh.forge.bodies[&1_000].contains("Closes #1") && mesh.forge.bodies[&1_000].contains("`src/pay.rs:7`"));
    assert!(reasons(&mesh, fingerprint).contains("Pull request #1000 (open)"));
    mesh.run_for(600);
    assert_eq!(mesh.forge.opens(), 1);
    assert!(!mesh.forge.is_leased());
}

#[test]
fn where_pull_requests_are_off_none_is_looked_for() {
    let mut mesh = Mesh::of(2);
    let fingerprint = reported(&mut mesh);
    mesh.run_for(300);
    assert_eq!(mesh.forge.pull_calls(|_| true), 0);
    assert_eq!(mesh.pull(0, fingerprint), None);
}

#[test]
fn what_a_person_closed_is_not_made_again_by_anybody_also_after_a_restart() {
    let (mut mesh, fingerprint) = with_a_pull(2);
    mesh.forge.pulls[0].pull.state = PullState::Closed;
    mesh.forge.branches.clear();
    mesh.run_for(130);
    assert_eq!(state(&mesh, 1, fingerprint).as_deref(), Some("closed"));
    for place in 0..2 {
        mesh.restart(place);
    }
    mesh.run_for(600);
    assert_eq!(mesh.forge.opens(), 1);
    assert!(reasons(&mesh, fingerprint).contains("closed by a person, so none is made again"));
}

#[test]
fn a_node_that_knows_nothing_adopts_what_is_there() {
    for pull_state in [PullState::Open, PullState::Closed, PullState::Merged { at: healnode_core::UnixMillis(5) }] {
        let (mut mesh, fingerprint) = with_a_pull(1);
        mesh.forge.pulls[0].pull.state = pull_state;
        mesh.wipe(0);
        mesh.start(0);
        reported(&mut mesh);
        mesh.run_for(300);
        assert_eq!((mesh.forge.creates(), mesh.forge.opens()), (1, 1), "{pull_state:?}");
        assert_eq!(mesh.pull(0, fingerprint).map(|(number, _)| number), Some(1_000));
    }
}

#[test]
fn an_open_whose_answer_is_lost_is_found_and_not_sent_again() {
    let mut mesh = Mesh::of_menders(2);
    let fingerprint = reported(&mut mesh);
    mesh.forge.manner = Manner::LosesAnswers;
    mesh.run_for(200);
    assert_eq!((mesh.forge.creates(), mesh.forge.opens()), (1, 1));
    assert_eq!(state(&mesh, 1, fingerprint).as_deref(), Some("open"));
    assert!(!mesh.forge.is_leased());
}

#[test]
fn a_branch_without_a_pull_request_is_given_a_minute_and_then_gets_one() {
    let mut mesh = Mesh::of_menders(1);
    mesh.forge.branches.insert(BRANCH.to_owned(), BranchHead { commit: "c".to_owned(), ours: true });
    reported(&mut mesh);
    mesh.run_for(55 + 50);
    assert_eq!(mesh.forge.opens(), 0);
    mesh.run_for(30);
    assert_eq!(mesh.forge.opens(), 1);
    let mut mesh = Mesh::of_menders(1);
    mesh.forge.branches.insert(BRANCH.to_owned(), BranchHead { commit: "c".to_owned(), ours: true });
    let fingerprint = reported(&mut mesh);
    mesh.run_for(55 + 20);
    mesh.forge.open_pull(BRANCH);
    mesh.run_for(200);
    assert_eq!((mesh.forge.opens(), state(&mesh, 0, fingerprint).as_deref()), (0, Some("open")), "it was on its way");
}

#[test]
fn a_branch_that_people_work_on_gets_none() {
    let mut mesh = Mesh::of_menders(1);
    mesh.forge.branches.insert(BRANCH.to_owned(), BranchHead { commit: "c".to_owned(), ours: false });
    let fingerprint = reported(&mut mesh);
    mesh.run_for(1_000);
    assert_eq!(mesh.forge.opens(), 0);
    assert_eq!(mesh.forge.pull_calls(|call| matches!(call, PullCall::Look { .. })), 1, "it is left alone for a day");
    assert!(reasons(&mesh, fingerprint).contains("people work on its branch"));
}

#[test]
fn where_there_are_no_drafts_guidance_stands_under_the_issue_once() {
    let mut mesh = Mesh::of_menders(2);
    mesh.forge.draftless = true;
    let fingerprint = reported(&mut mesh);
    mesh.run_for(900);
    assert_eq!((mesh.forge.opens(), mesh.forge.comments.len()), (1, 1));
    assert!(mesh.forge.comments[0].1.contains("allows no draft pull requests"));
    assert_eq!(mesh.pull(1, fingerprint), None);
    assert!(reasons(&mesh, fingerprint).contains("Guidance stands under issue #1"));
}

#[test]
fn a_list_of_errors_gets_none() {
    let mut mesh = Mesh::of_menders(1);
    for kind in ["AError", "BError", "CError", "DError", "EError", "FError", "GError", "HError", "IError", "JError", "KError"] {
        for _ in 0..3 {
            mesh.report(0, kind);
        }
    }
    mesh.run_for(400);
    assert_eq!((mesh.forge.creates(), mesh.forge.opens()), (1, 0));
}

#[test]
fn an_issue_that_is_closed_or_silenced_before_its_pull_request_gets_none() {
    let changes: [fn(&mut Mesh); 2] = [
        |mesh| {
            let wall = mesh.time().wall;
            mesh.forge.close(IssueNumber(1), wall, CloseReason::NotPlanned);
        },
        |mesh| {
            mesh.forge.edit(IssueNumber(1), |found| found.muted = true);
        },
    ];
    for change in changes {
        let mut mesh = Mesh::of_menders(1);
        mesh.guidance = None;
        reported(&mut mesh);
        mesh.run_for(60);
        change(&mut mesh);
        mesh.run_for(900);
        assert_eq!((mesh.forge.creates(), mesh.forge.opens()), (1, 0));
    }
}

#[test]
fn guidance_that_does_not_come_is_done_without() {
    let mut mesh = Mesh::of_menders(1);
    mesh.guidance = None;
    reported(&mut mesh);
    mesh.run_for(240);
    assert_eq!(mesh.forge.opens(), 0);
    mesh.run_for(180);
    assert_eq!(mesh.forge.opens(), 1);
    assert!(!mesh.forge.bodies[&1_000].contains("Where to look"));
}

#[test]
fn when_the_filer_dies_another_node_opens_it_in_its_turn() {
    let mut mesh = Mesh::of_menders(2);
    mesh.guidance = None;
    let fingerprint = reported(&mut mesh);
    mesh.run_for(60);
    assert_eq!(mesh.forge.creators, [0]);
    mesh.kill(0);
    mesh.guidance = Some(Guidance::default());
    mesh.run_for(300);
    assert_eq!((mesh.forge.opens(), state(&mesh, 1, fingerprint).as_deref()), (1, Some("open")));
    mesh.start(0);
    mesh.run_for(300);
    assert_eq!((mesh.forge.opens(), state(&mesh, 0, fingerprint).as_deref()), (1, Some("open")));
}

#[test]
fn beyond_so_many_open_ones_people_are_left_in_peace() {
    let mut mesh = Mesh::unstarted(1);
    let policy = &mut mesh.members[0].policy;
    (policy.auto_pr, policy.open_pulls_max) = (true, 2);
    mesh.start(0);
    for kind in ["AError", "BError", "CError"] {
        for _ in 0..3 {
            mesh.report(0, kind);
        }
    }
    mesh.run_for(400);
    assert_eq!((mesh.forge.creates(), mesh.forge.opens()), (3, 2));
    mesh.forge.pulls[0].pull.state = PullState::Merged { at: mesh.time().wall };
    mesh.run_for(130);
    assert_eq!(mesh.forge.opens(), 3);
}

#[test]
fn a_pull_request_follows_its_issue_and_a_filing_that_is_due_goes_before_the_next() {
    let mut mesh = Mesh::of_menders(1);
    reported(&mut mesh);
    for _ in 0..3 {
        mesh.report(0, "OtherError");
    }
    mesh.run_for(60);
    let is_create = |call: &ForgeCall| matches!(call, ForgeCall::Create(_));
    let is_open = |call: &ForgeCall| matches!(call, ForgeCall::Pull(PullCall::Open(_)));
    let calls = mesh.forge.calls.iter().map(|(_, call)| call).filter(|call| is_create(call) || is_open(call));
    assert_eq!(calls.map(is_open).collect::<Vec<_>>(), [false, false, true, true]);
}
