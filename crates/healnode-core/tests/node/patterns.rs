//! What a node notices about errors, where it says so, and what is filed sooner for it.

use std::time::Duration;

use healnode_core::{ErrorState, Fingerprint, ForgeCall, Pattern, RawError, Usual};

use crate::mesh::Mesh;

/// A mesh whose bundles are hours apart, so that what is filed sooner shows.
fn mesh(nodes: usize) -> Mesh {
    let mut mesh = Mesh::unstarted(nodes);
    for place in 0..nodes {
        mesh.members[place].policy.bundle_interval = Duration::from_secs(24 * 3_600);
        mesh.start(place);
    }
    mesh.run_for(5);
    mesh
}

fn report(mesh: &mut Mesh, place: usize, error_type: &str, release: &str, count: u64) -> Fingerprint {
    let mut raw = RawError::new(error_type, "it did not work");
    (raw.release, raw.count) = (Some(release.to_owned()).filter(|release| !release.is_empty()), count);
    let fingerprint = mesh.report_raw(place, raw);
    mesh.run_for(1);
    fingerprint
}

fn patterns(mesh: &Mesh, fingerprint: Fingerprint) -> Vec<Pattern> {
    mesh.node(0).error(mesh.time(), fingerprint).unwrap().patterns
}

fn created(mesh: &Mesh) -> Vec<&str> {
    let created = mesh.forge.calls.iter().filter_map(|(_, call)| if let ForgeCall::Create(draft) = call { Some(draft) } else { None });
    created.map(|draft| &*draft.body).collect()
}

#[test]
fn what_is_new_in_a_release_is_filed_at_once_when_seen_often_enough() {
    let mut mesh = mesh(1);
    let old = report(&mut mesh, 0, "OldError", "1", 5);
    let new = report(&mut mesh, 0, "NewError", "2", 2);
    assert_eq!((patterns(&mesh, old), patterns(&mesh, new)), (vec![], vec![Pattern::NewInRelease { release: "2".to_owned() }]));
    mesh.run_for(60);
    assert_eq!(created(&mesh).len(), 0, "not often enough");
    report(&mut mesh, 0, "NewError", "2", 1);
    mesh.run_for(60);
    let bodies = created(&mesh);
    assert_eq!(bodies.len(), 1, "the other waits for the bundle");
    assert!(bodies[0].contains("## Patterns\n\n- New in release `2`: no other release of the app has shown it.\n"), "{}", bodies[0]);
    let reasons = mesh.node(0).why(mesh.time(), new).unwrap().reasons.join("\n");
    assert!(reasons.contains("New in release 2: no other release of the app has shown it."), "{reasons}");
    assert_eq!(mesh.node(0).error(mesh.time(), old).unwrap().state, ErrorState::Counting);
}

#[test]
fn what_spreads_is_filed_at_once_and_what_begins_everywhere_is_not() {
    let mut mesh = mesh(3);
    for place in 0..3 {
        report(&mut mesh, place, "EverywhereError", "", 3);
    }
    let spreading = report(&mut mesh, 0, "SpreadingError", "", 3);
    mesh.run_for(300);
    report(&mut mesh, 1, "SpreadingError", "", 1);
    mesh.run_for(300);
    assert_eq!((patterns(&mesh, spreading), created(&mesh).len()), (vec![], 0));
    report(&mut mesh, 2, "SpreadingError", "", 1);
    mesh.run_for(60);
    assert_eq!(patterns(&mesh, spreading), [Pattern::Spreading { nodes: 3 }]);
    let bodies = created(&mesh);
    assert!(bodies.len() == 1 && bodies[0].contains("SpreadingError"), "{bodies:?}");
}

#[test]
fn a_spike_shows_in_lists_and_survives_a_restart() {
    let mut mesh = mesh(1);
    let steady = report(&mut mesh, 0, "SteadyError", "", 4);
    let spiking = report(&mut mesh, 0, "SpikingError", "", 4);
    for _ in 0..8 {
        mesh.run_for(3_000);
        report(&mut mesh, 0, "SteadyError", "", 4);
        mesh.run_for(600);
        report(&mut mesh, 0, "SpikingError", "", 4);
    }
    assert_eq!(patterns(&mesh, spiking), []);
    mesh.run_for(3_600);
    report(&mut mesh, 0, "SteadyError", "", 4);
    report(&mut mesh, 0, "SpikingError", "", 120);
    let expected = vec![Pattern::Spike { hour: 120, usual: Usual { halves: 8 } }];
    let listed = |mesh: &Mesh| -> Vec<(Fingerprint, Vec<Pattern>)> {
        mesh.node(0).errors(mesh.time()).into_iter().map(|error| (error.fingerprint, error.patterns)).collect()
    };
    assert_eq!(listed(&mesh), [(spiking, expected), (steady, vec![])]);
    mesh.restart(0);
    let after = patterns(&mesh, spiking);
    assert!(matches!(after[..], [Pattern::Spike { hour: 60..=120, .. }]), "what was not kept is told apart less well: {after:?}");
    mesh.run_for(3 * 3_600);
    assert_eq!(patterns(&mesh, spiking), [], "three hours later it is over");
}

#[test]
fn what_arrives_late_after_a_partition_is_no_spike() {
    let mut mesh = mesh(2);
    let fingerprint = report(&mut mesh, 1, "SteadyError", "", 4);
    mesh.cut_off(1);
    for _ in 0..10 {
        mesh.run_for(3_600);
        report(&mut mesh, 1, "SteadyError", "", 40);
    }
    mesh.heal(1);
    mesh.run_for(30);
    assert_eq!((mesh.count(0, fingerprint), patterns(&mesh, fingerprint)), (404, vec![]));
}

#[test]
fn errors_that_always_come_together_name_each_other() {
    let mut mesh = mesh(1);
    let lonely = report(&mut mesh, 0, "LonelyError", "", 1);
    let (mut one, mut other) = (lonely, lonely);
    for round in 0..8 {
        one = report(&mut mesh, 0, "OneError", "", 1);
        other = report(&mut mesh, 0, "OtherError", "", 1);
        mesh.run_for(900);
        if round % 2 == 0 {
            report(&mut mesh, 0, "LonelyError", "", 1);
        }
        mesh.run_for(1_200);
    }
    assert_eq!(patterns(&mesh, one), [Pattern::Together { with: vec![other] }]);
    assert_eq!(patterns(&mesh, other), [Pattern::Together { with: vec![one] }]);
    assert_eq!(patterns(&mesh, lonely), []);
    assert_eq!(created(&mesh).len(), 0, "that is no reason to hurry");
}
