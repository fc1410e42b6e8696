//! Nodes of two versions of the algorithm: one error, one issue, whoever counts it by which version.

use healnode_core::{ForgeCall, Marker, UnixMillis};
use healnode_report::{Admission, Algorithm, Algorithms, Fingerprint, RawError, Report};

use crate::mesh::Mesh;

/// The fingerprints of an error that the harness reports, by this version and by the next.
fn fingerprints(error_type: &str) -> (Fingerprint, Fingerprint) {
    let this = Algorithms::BUILT_IN.current;
    let next = Algorithms { current: Algorithm { version: this.version + 1, ..this }, former: Some(this) };
    let raw = RawError::new(error_type, "it did not work");
    let report = Report::new(raw.clone(), UnixMillis(0));
    let upgraded = Admission { algorithms: next, ..Admission::default() }.readmit(raw, UnixMillis(0));
    (report.fingerprint(), upgraded.fingerprint())
}

fn report(mesh: &mut Mesh, place: usize, times: usize) {
    for _ in 0..times {
        mesh.report(place, "KeyError");
    }
}

#[test]
fn an_issue_filed_before_the_upgrade_is_followed_after_it() {
    let mut mesh = Mesh::of(2);
    report(&mut mesh, 0, 3);
    mesh.run_past_the_bundle();
    mesh.upgrade(0);
    mesh.upgrade(1);
    report(&mut mesh, 0, 30);
    report(&mut mesh, 1, 30);
    mesh.run_for(600);
    let (this, next) = fingerprints("KeyError");
    assert_eq!(mesh.forge.creates(), 1);
    assert_eq!((mesh.count(1, this), mesh.count(1, next)), (63, 0));
    assert_eq!(mesh.issue(1, this), Some(1));
}

#[test]
fn while_an_older_node_is_live_new_errors_are_counted_as_it_counts_them() {
    let mut mesh = Mesh::of(3);
    mesh.upgrade(1);
    mesh.upgrade(2);
    mesh.run_for(5);
    for place in 0..3 {
        report(&mut mesh, place, 1);
    }
    mesh.run_past_the_bundle();
    let (this, next) = fingerprints("KeyError");
    assert_eq!(mesh.forge.creates(), 1);
    assert_eq!((mesh.count(0, this), mesh.count(0, next)), (3, 0));
}

#[test]
fn once_all_are_upgraded_new_errors_go_by_the_new_version_and_their_issue_carries_both_markers() {
    let mut mesh = Mesh::of(2);
    mesh.upgrade(0);
    mesh.upgrade(1);
    mesh.run_for(5);
    report(&mut mesh, 0, 3);
    mesh.run_past_the_bundle();
    let (this, next) = fingerprints("KeyError");
    assert_eq!((mesh.count(1, this), mesh.count(1, next)), (0, 3));
    let [issue] = &mesh.forge.issues[..] else { panic!("one issue") };
    assert_eq!(issue.markers, [Marker::of(next), Marker::of(this)]);
    assert!(issue.is_one_error);
    let body = mesh.forge.calls.iter().find_map(|(_, call)| {
        let ForgeCall::Create(draft) = call else { return None };
        Some(draft.body.clone())
    });
    let lines: Vec<String> = body.unwrap().lines().take(2).map(str::to_owned).collect();
    assert!(lines[0].ends_with(" v2 -->") && lines[1].ends_with(" v1 also -->"), "{lines:?}");
}

#[test]
fn two_versions_that_could_not_hear_each_other_share_one_issue() {
    for upgraded_first in [true, false] {
        let mut mesh = Mesh::of(2);
        mesh.cut_off(0);
        mesh.upgrade(1);
        mesh.run_for(60);
        let (first, second) = if upgraded_first { (1, 0) } else { (0, 1) };
        report(&mut mesh, first, 3);
        mesh.run_past_the_bundle();
        report(&mut mesh, second, 3);
        mesh.run_past_the_bundle();
        assert_eq!(mesh.forge.open(), [1], "the second finds the first one's issue");
        mesh.heal(0);
        mesh.run_for(30);
        report(&mut mesh, 1, 100);
        report(&mut mesh, 0, 100);
        mesh.run_for(600);
        assert_eq!(mesh.forge.creates(), 1);
        let (this, next) = fingerprints("KeyError");
        for place in 0..2 {
            assert_eq!((mesh.count(place, this) + mesh.count(place, next), mesh.issue(place, this)), (206, Some(1)));
        }
        let stated = mesh.forge.issues[0].stated.unwrap();
        assert!(stated.occurrences >= 200, "the issue names what both have counted: {stated:?}");
    }
}

#[test]
fn an_issue_that_was_forgotten_with_its_version_is_found_by_its_old_marker() {
    let mut mesh = Mesh::of(1);
    report(&mut mesh, 0, 3);
    mesh.run_past_the_bundle();
    mesh.wipe(0);
    mesh.upgrade(0);
    mesh.run_for(5);
    report(&mut mesh, 0, 3);
    mesh.run_past_the_bundle();
    let (_, next) = fingerprints("KeyError");
    assert_eq!((mesh.forge.creates(), mesh.issue(0, next)), (1, Some(1)));
}
