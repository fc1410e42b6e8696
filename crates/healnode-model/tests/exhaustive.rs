//! Every state within small bounds: never two creates, and one issue in the end.
//!
//! Each test has the faults of a kind or two; `cargo run --release -p healnode-model` mixes more of them, and takes minutes.

use std::time::Duration;

use healnode_model::{Bounds, Faults, check};

fn holds(bounds: &Bounds, states_min: usize) {
    let outcome = check(bounds, 1);
    assert!(outcome.broken.is_empty() && outcome.missed.is_empty(), "{outcome}");
    assert!(outcome.states >= states_min, "less was checked than thought: {outcome}");
}

fn prompt(nodes: u8, faults: Faults) -> Bounds {
    Bounds { prompt: true, faults, ..Bounds::new(nodes) }
}

#[test]
fn two_nodes_file_one_issue_in_whatever_order_things_arrive() {
    holds(&Bounds::new(2), 10_000);
}

#[test]
fn two_nodes_file_one_issue_whichever_answer_is_lost() {
    let faults = Faults { lost_calls: 1, ..Faults::default() };
    holds(&Bounds { faults, ..Bounds::new(2) }, 20_000);
}

#[test]
fn two_nodes_file_one_issue_over_a_mesh_that_loses_and_doubles() {
    let faults = Faults { lost_runs: 1, late_runs: 1, doubled_runs: 1, ..Faults::default() };
    holds(&prompt(2, faults), 1_000);
}

#[test]
fn two_nodes_file_one_issue_whoever_dies_whenever() {
    holds(&prompt(2, Faults { crashes: 1, ..Faults::default() }), 50_000);
}

#[test]
fn two_nodes_that_cannot_hear_each_other_file_one_issue_though_a_create_is_late_and_a_list_behind() {
    let faults = Faults { late_calls: 1, stale_lists: 1, ..Faults::default() };
    holds(&Bounds { split: true, ..prompt(2, faults) }, 1_000);
}

#[test]
fn two_nodes_that_are_cut_off_at_any_moment_file_one_issue() {
    holds(&prompt(2, Faults { cuts: 1, ..Faults::default() }), 1_000);
}

#[test]
fn two_nodes_that_take_each_other_for_dead_file_one_issue() {
    let faults = Faults { lost_calls: 1, late_calls: 1, ..Faults::default() };
    holds(&Bounds { presence_timeout: Duration::from_secs(40), ..prompt(2, faults) }, 1_000);
}

#[test]
fn two_nodes_of_two_versions_of_the_algorithm_file_one_issue_also_when_they_are_cut_off_at_any_moment() {
    holds(&Bounds { mixed: true, ..prompt(2, Faults { cuts: 1, ..Faults::default() }) }, 1_000);
    let faults = Faults { late_calls: 1, stale_lists: 1, ..Faults::default() };
    holds(&Bounds { mixed: true, split: true, ..prompt(2, faults) }, 1_000);
}

#[test]
fn three_nodes_file_one_issue() {
    holds(&prompt(3, Faults { lost_calls: 1, lost_runs: 1, ..Faults::default() }), 1_000);
}

#[test]
fn three_nodes_one_of_them_cut_off_at_any_moment_file_one_issue() {
    holds(&prompt(3, Faults { cuts: 1, ..Faults::default() }), 10_000);
}

#[test]
fn one_node_never_creates_twice_even_without_a_lease() {
    let faults = Faults { crashes: 1, lost_calls: 1, late_calls: 1, stale_lists: 1, ..Faults::default() };
    let bounds = Bounds { leased: false, bundle_interval: Duration::from_secs(30), ..prompt(1, faults) };
    holds(&bounds, 50_000);
}
