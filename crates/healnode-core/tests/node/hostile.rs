//! Peers that lie, clocks that are wrong, disks that forget: what they cannot bring about.

use std::collections::BTreeSet;

use healnode_core::{Body, Effect, Epoch, Input, Mute, NodeId, RawError, Run, Seq, SyncResponse, UnixMillis};

use crate::mesh::Mesh;

const DAY: u64 = 24 * 3600;

#[test]
fn a_page_that_claims_more_than_it_shows_hides_nothing() {
    let mut mesh = Mesh::of(2);
    mesh.gossip = false;
    let (liar, victim) = (mesh.members[0].id, 1);
    let empty = |origin, epoch| Run { origin, epoch, after: Seq(0), through: Seq(u64::MAX), statements: Vec::new() };
    let mut runs = vec![empty(liar, Epoch(1))];
    runs.extend((50..200).map(|n| empty(NodeId::from_key([n; 32]), Epoch(1))));
    mesh.give(victim, Input::Answered { from: liar, response: Some(SyncResponse::Page { runs, more: false }) });
    let fingerprint = mesh.report(0, "KeyError");
    mesh.run_for(5);
    assert_eq!(mesh.count(victim, fingerprint), 1, "what the liar's peers say of it still arrives");
    assert_eq!(mesh.node(victim).peers(mesh.time()).len(), 1, "origins that nobody signed for do not exist");
}

#[test]
fn counts_that_a_power_cut_took_come_back_from_a_peer_before_the_node_speaks() {
    let mut mesh = Mesh::of(2);
    let fingerprint = mesh.report(0, "KeyError");
    mesh.run_for(1);
    let old_disk = mesh.members[0].disk.clone();
    for _ in 0..9 {
        mesh.report(0, "KeyError");
    }
    mesh.run_for(1);
    assert_eq!(mesh.count(1, fingerprint), 10);
    mesh.kill(0);
    mesh.members[0].disk = old_disk;
    mesh.start(0);
    mesh.report(0, "KeyError");
    mesh.run_for(5);
    assert_eq!((mesh.count(0, fingerprint), mesh.count(1, fingerprint)), (11, 11));
}

#[test]
fn critical_errors_that_come_one_after_the_other_become_lists_as_well() {
    let mut mesh = Mesh::of(1);
    mesh.forge.manner = crate::mesh::Manner::Holds;
    for n in 0..60_u8 {
        let name = [char::from(b'a' + n / 26), char::from(b'a' + n % 26)].iter().collect::<String>();
        mesh.report_critical(0, &format!("Critical{name}Error"));
        mesh.run_for(1);
    }
    mesh.forge.manner = crate::mesh::Manner::Answers;
    mesh.answer_held();
    mesh.run_for(300);
    assert!(mesh.forge.creates() <= 12, "{} creates", mesh.forge.creates());
    let listed: BTreeSet<_> = mesh.forge.issues.iter().flat_map(|issue| issue.markers.clone()).collect();
    assert_eq!(listed.len(), 60, "none is forgotten");
}

#[test]
fn a_report_that_carries_a_time_long_past_counts_and_stays() {
    let mut mesh = Mesh::of(2);
    let mut raw = RawError::new("KeyError", "from a device without a clock");
    raw.at = Some(UnixMillis(0));
    let fingerprint = mesh.report_raw(0, raw);
    mesh.run_for(3 * 3600);
    assert_eq!((mesh.count(0, fingerprint), mesh.count(1, fingerprint)), (1, 1));
}

#[test]
fn an_unmute_holds_against_a_mute_from_a_clock_that_is_ahead() {
    let mut mesh = Mesh::of(2);
    let fingerprint = mesh.report(0, "KeyError");
    let ahead = UnixMillis(mesh.time().wall.0 + 3_600_000);
    mesh.tell(0, 1, Body::Mute { fingerprint, mute: Mute { at: ahead, until: UnixMillis(u64::MAX), by: "bob".to_owned() } });
    mesh.mute(0, fingerprint, 0);
    mesh.report(0, "KeyError");
    mesh.report(0, "KeyError");
    mesh.run_past_the_bundle();
    assert_eq!(mesh.issue(0, fingerprint), Some(1));
}

#[test]
fn an_error_that_was_forgotten_goes_on_counting_from_where_it_was() {
    let mut mesh = Mesh::of(2);
    let fingerprint = mesh.report(0, "KeyError");
    mesh.report(0, "KeyError");
    mesh.run_for(31 * DAY);
    assert_eq!((mesh.count(0, fingerprint), mesh.count(1, fingerprint)), (0, 0), "nobody has seen it for a month");
    mesh.report(0, "KeyError");
    mesh.run_for(5);
    assert_eq!((mesh.count(0, fingerprint), mesh.count(1, fingerprint)), (3, 3));
}

#[test]
fn a_node_that_is_not_on_the_allow_list_is_not_heard_through_others_either() {
    let mut mesh = Mesh::unstarted(3);
    mesh.members[2].policy.allow = BTreeSet::from([mesh.members[1].id]);
    for place in 0..3 {
        mesh.start(place);
    }
    let fingerprint = mesh.report(0, "KeyError");
    mesh.run_for(10);
    assert_eq!((mesh.count(1, fingerprint), mesh.count(2, fingerprint)), (1, 0));
}

#[test]
fn what_cannot_be_taken_in_holds_up_nothing_that_comes_behind_it() {
    let mut mesh = Mesh::unstarted(3);
    mesh.members[2].policy.allow = BTreeSet::from([mesh.members[1].id]);
    mesh.gossip = false;
    for place in 0..3 {
        mesh.start(place);
    }
    for n in 0..1_500_u32 {
        let name: String = [n / 676, n / 26 % 26, n % 26].map(|digit| char::from(b'a' + digit as u8)).iter().collect();
        mesh.report(0, &format!("Flood{name}Error"));
    }
    let fingerprint = mesh.report(1, "KeyError");
    mesh.run_for(60);
    assert_eq!(mesh.count(2, fingerprint), 1, "node 0, who is not allowed, comes first in every page");
}

#[test]
fn old_words_said_again_do_not_keep_a_dead_node_alive() {
    let mut mesh = Mesh::of(3);
    let dead = mesh.members[0].id;
    let published = |effect: &Effect| if let Effect::Publish(run) = effect { Some(run.clone()) } else { None };
    let replayed = mesh.log.iter().rev().filter_map(|(_, effect)| published(effect)).find(|run| run.origin == dead).unwrap();
    mesh.kill(0);
    for _ in 0..10 {
        mesh.run_for(20);
        mesh.give(1, Input::Gossip(replayed.clone()));
    }
    let fingerprint = mesh.report(1, "KeyError");
    mesh.report(1, "KeyError");
    mesh.report(2, "KeyError");
    mesh.run_past_the_bundle();
    assert_eq!((mesh.issue(2, fingerprint), &mesh.forge.creators[..]), (Some(1), &[1][..]));
}
