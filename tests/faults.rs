//! One issue, whatever breaks on the way to the forge: real nodes, the emulator, and a proxy between them that does harm.
//!
//! Each test breaks one thing. However it ends, the fingerprint got one issue, was created once, and no node did what it never may. The same
//! cases, over and over: `cargo bench --bench faults`.
#![allow(clippy::unwrap_used, reason = "what goes wrong here has to fail the test")]

#[path = "github/emulator.rs"]
mod emulator;
mod harness;
mod lab;
mod proxy;

use lab::cases::{self, CASES, Inflict};
use lab::{QUICK, Scene};

fn check(inflict: Inflict) {
    let Some(mut scene) = Scene::start(3, QUICK, "") else { return };
    let outcome = scene.run(inflict);
    assert_eq!((outcome.creations, outcome.open), (1, 1), "issues created, and open in the end");
    assert_eq!(scene.proxy.offences(), Vec::<String>::new());
}

/// What waits for minutes by design waits side by side, each case with nodes and a forge of its own.
#[test]
fn a_leader_killed_or_stopped_at_any_moment_and_a_create_that_never_arrived_leave_one_issue() {
    std::thread::scope(|scope| {
        let slow = CASES.iter().filter(|case| case.is_slow);
        let running: Vec<_> = slow.map(|case| (case.name, scope.spawn(|| check(case.inflict)))).collect();
        let failed: Vec<_> = running.into_iter().filter_map(|(name, case)| case.join().is_err().then_some(name)).collect();
        assert!(failed.is_empty(), "{failed:?}");
    });
}

#[test]
fn a_reset_after_the_effect_makes_no_second_issue() {
    check(cases::reset_after);
}

#[test]
fn a_connection_closed_after_the_effect_makes_no_second_issue() {
    check(cases::closed_after);
}

#[test]
fn a_bad_gateway_after_the_effect_makes_no_second_issue() {
    check(cases::bad_gateway_after);
}

#[test]
fn an_answer_that_never_comes_makes_no_second_issue() {
    check(cases::stalled_after);
}

#[test]
fn an_answer_cut_in_its_middle_makes_no_second_issue() {
    check(cases::cut_after);
}

#[test]
fn garbage_with_status_201_makes_no_second_issue() {
    check(cases::garbage_created);
}

#[test]
fn a_list_in_answer_to_a_create_makes_no_second_issue() {
    check(cases::garbage_list);
}

#[test]
fn an_issue_that_lists_do_not_show_yet_is_not_filed_again() {
    check(cases::closed_after_with_stale_lists);
}

#[test]
fn nothing_is_sent_while_github_asks_to_wait() {
    check(cases::retry_after);
}

#[test]
fn a_token_that_is_refused_for_a_while_delays_the_issue() {
    check(cases::token_refused_for_a_while);
}

#[test]
fn a_forge_that_is_down_for_a_while_delays_the_issue() {
    check(cases::forge_down_for_a_while);
}

#[test]
fn a_lease_whose_answer_is_lost_is_found_to_be_held() {
    check(cases::lease_answer_lost);
}

#[test]
fn a_lease_that_is_not_granted_is_asked_for_again() {
    check(cases::lease_bad_gateway_before);
}

/// Held by a dead node, a lease lasts longer than is waited here.
#[test]
fn a_node_that_is_stopped_while_it_files_gives_its_lease_back() {
    let Some(mut scene) = Scene::start(2, QUICK, "") else { return };
    let looks = scene.proxy.hold_before("GET", "/issues");
    let error = scene.new_error();
    let fingerprint = scene.report_critical(&error);
    let leader = scene.position(&looks.wait());
    scene.nodes[leader].signal("TERM");
    harness::wait_for("the leader's stopping", || scene.nodes[leader].log().contains("stopping").then_some(()));
    looks.release();
    scene.nodes[leader].wait_for_end();
    scene.nodes[1 - leader].wait_for_issue(&fingerprint);
    assert_eq!(scene.proxy.creations(&fingerprint).len(), 1);
}

/// No client can prevent what a network does twice. The sweep mends it.
#[test]
fn of_two_issues_that_one_create_made_the_later_is_closed() {
    let Some(mut scene) = Scene::start(3, QUICK, "") else { return };
    let outcome = scene.run(cases::doubled);
    assert_eq!(outcome.creations, 2);
    let issues = scene.github.issues();
    let states: Vec<&str> = issues.iter().map(|issue| issue["state"].as_str().unwrap()).collect();
    assert_eq!(states, ["open", "closed"], "the lower number stays");
}
