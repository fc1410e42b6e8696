//! What is counted, by whom, and what survives.

use healnode_core::limits::TALLY_COUNT_MAX;
use healnode_core::{Outcome, RawError};

use crate::mesh::Mesh;

#[test]
fn the_same_event_id_twice_is_one_occurrence() {
    let mut mesh = Mesh::of(1);
    let mut raw = RawError::new("KeyError", "no such key");
    raw.event_id = Some("e1".to_owned());
    let fingerprint = mesh.report_raw(0, raw.clone());
    mesh.report_raw(0, raw.clone());
    mesh.restart(0);
    mesh.report_raw(0, raw);
    assert_eq!(mesh.count(0, fingerprint), 1);
    assert_eq!(mesh.members[0].outcomes, [Outcome::Counted; 3]);
}

#[test]
fn counts_survive_a_restart() {
    let mut mesh = Mesh::of(2);
    let fingerprint = mesh.report(0, "KeyError");
    mesh.report(0, "KeyError");
    mesh.kill(0);
    mesh.kill(1);
    mesh.start(0);
    mesh.run_for(3);
    assert_eq!(mesh.count(0, fingerprint), 2, "the second occurrence was not said yet, and is on disk");
    mesh.start(1);
    mesh.run_for(3);
    mesh.report(0, "KeyError");
    mesh.run_for(3);
    assert_eq!((mesh.count(0, fingerprint), mesh.count(1, fingerprint)), (3, 3));
}

#[test]
fn a_node_that_lost_its_disk_counts_on_under_a_new_epoch() {
    let mut mesh = Mesh::of(2);
    let fingerprint = mesh.report(0, "KeyError");
    mesh.run_for(1);
    mesh.wipe(0);
    mesh.cut_off(0);
    mesh.start(0);
    mesh.report(0, "KeyError");
    assert_eq!(mesh.count(0, fingerprint), 1, "nobody could tell it what it had said");
    mesh.heal(0);
    mesh.run_for(3);
    assert_eq!((mesh.count(0, fingerprint), mesh.count(1, fingerprint)), (2, 2));
}

#[test]
fn a_count_stops_at_what_a_peer_would_believe() {
    let mut mesh = Mesh::of(2);
    let fingerprint = mesh.report(0, "KeyError");
    mesh.kill(0);
    mesh.members[0].disk.counters.get_mut(&fingerprint).unwrap().count = TALLY_COUNT_MAX - 2;
    mesh.start(0);
    for _ in 0..5 {
        mesh.report(0, "KeyError");
    }
    mesh.run_for(5);
    assert_eq!((mesh.count(0, fingerprint), mesh.count(1, fingerprint)), (TALLY_COUNT_MAX, TALLY_COUNT_MAX));
}

#[test]
fn a_burst_is_said_once_a_flush_interval() {
    let mut mesh = Mesh::of(2);
    let before = mesh.node(0).status(mesh.time()).statements_published;
    let fingerprint = mesh.report(0, "KeyError");
    for _ in 0..1_000 {
        mesh.report(0, "KeyError");
    }
    mesh.run_for(1);
    assert_eq!(mesh.count(1, fingerprint), 1_001);
    assert_eq!(mesh.node(0).status(mesh.time()).statements_published - before, 2);
}

#[test]
fn a_late_joiner_learns_everything_by_pull() {
    let mut mesh = Mesh::unstarted(3);
    mesh.start(0);
    mesh.start(1);
    let mine = mesh.report(0, "KeyError");
    let other = mesh.report(1, "ValueError");
    mesh.run_for(1);
    mesh.gossip = false;
    mesh.start(2);
    mesh.run_for(2);
    assert_eq!((mesh.count(2, mine), mesh.count(2, other)), (1, 1));
}

#[test]
fn what_gossip_lost_is_pulled() {
    let mut mesh = Mesh::of(2);
    mesh.gossip = false;
    let fingerprint = mesh.report(0, "KeyError");
    assert_eq!(mesh.count(1, fingerprint), 0);
    mesh.run_for(3);
    assert_eq!(mesh.count(1, fingerprint), 1);
}
