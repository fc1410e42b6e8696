//! Deploy markers, and which critical errors have a rollback asked for.

use std::time::Duration;

use healnode_core::{
    CallId, Command, Effect, Event, Input, NodeId, RawError, Record, RollbackFacts, RollbackOutcome, RollbackPolicy, Severity,
};

use crate::mesh::Mesh;

fn mesh(nodes: usize) -> Mesh {
    let mut mesh = Mesh::unstarted(nodes);
    for place in 0..nodes {
        mesh.members[place].policy.rollback = Some(RollbackPolicy { window: Duration::from_secs(1_800), min_occurrences: 3 });
        mesh.start(place);
    }
    mesh.run_for(5);
    mesh
}

fn deploy(mesh: &mut Mesh, place: usize, release: &str) {
    mesh.give(place, Input::Operator(Command::Deploy { app: String::new(), release: release.to_owned() }));
}

fn fail(mesh: &mut Mesh, place: usize, times: usize) {
    for _ in 0..times {
        mesh.report_critical(place, "SegFault");
        mesh.run_for(1);
    }
}

fn asked(mesh: &Mesh) -> Vec<(CallId, RollbackFacts)> {
    let asked = |effect: &Effect| if let Effect::Rollback { id, facts } = effect { Some((*id, (**facts).clone())) } else { None };
    mesh.log.iter().filter_map(|(_, effect)| asked(effect)).collect()
}

#[test]
fn a_critical_error_after_a_deploy_asks_for_one_rollback() {
    let mut mesh = mesh(1);
    deploy(&mut mesh, 0, "2");
    fail(&mut mesh, 0, 2);
    assert_eq!(asked(&mesh), [], "it is not significant yet");
    fail(&mut mesh, 0, 5);
    let asked_for = asked(&mesh);
    let [(_, facts)] = &asked_for[..] else { panic!("{asked_for:?}") };
    assert_eq!((&*facts.error_type, &*facts.release, facts.own_occurrences, facts.nodes), ("SegFault", "2", 3, 1));
    mesh.report_critical(0, "StackOverflow");
    mesh.run_for(3);
    fail(&mut mesh, 0, 3);
    assert_eq!(asked(&mesh).len(), 1, "once for each deploy, whatever else comes");
}

#[test]
fn without_a_command_or_a_marker_nothing_is_asked_for() {
    let mut unset = Mesh::of(1);
    deploy(&mut unset, 0, "2");
    fail(&mut unset, 0, 9);
    let mut unmarked = mesh(1);
    fail(&mut unmarked, 0, 9);
    assert_eq!((asked(&unset), asked(&unmarked)), (vec![], vec![]));
}

#[test]
fn an_error_from_before_the_deploy_or_one_that_is_muted_or_not_critical_asks_for_none() {
    let mut old = mesh(1);
    fail(&mut old, 0, 1);
    deploy(&mut old, 0, "2");
    fail(&mut old, 0, 9);
    let mut muted = mesh(1);
    deploy(&mut muted, 0, "2");
    let fingerprint = muted.report_critical(0, "SegFault");
    muted.mute(0, fingerprint, 600);
    fail(&mut muted, 0, 9);
    let mut mild = mesh(1);
    deploy(&mut mild, 0, "2");
    for _ in 0..9 {
        mild.report(0, "KeyError");
        mild.run_for(1);
    }
    assert_eq!((asked(&old), asked(&muted), asked(&mild)), (vec![], vec![], vec![]));
}

#[test]
fn what_peers_say_counts_only_beside_what_this_node_saw_and_only_of_listed_ones() {
    let mut alone = mesh(2);
    deploy(&mut alone, 0, "2");
    fail(&mut alone, 1, 9);
    assert_eq!(asked(&alone), [], "it saw nothing itself");
    fail(&mut alone, 0, 2);
    assert_eq!(asked(&alone), [], "a stranger could have said the rest");
    let mut listed = Mesh::unstarted(2);
    for place in 0..2 {
        let policy = &mut listed.members[place].policy;
        policy.rollback = Some(RollbackPolicy { window: Duration::from_secs(1_800), min_occurrences: 3 });
        policy.allow = [1, 2].map(|n| NodeId::from_key([n; 32])).into();
        listed.start(place);
    }
    listed.run_for(5);
    deploy(&mut listed, 0, "2");
    fail(&mut listed, 1, 2);
    fail(&mut listed, 0, 1);
    assert_eq!(asked(&listed).len(), 1);
}

#[test]
fn a_restart_does_not_ask_again_and_says_that_the_end_is_unknown() {
    let mut mesh = mesh(1);
    deploy(&mut mesh, 0, "2");
    fail(&mut mesh, 0, 3);
    mesh.restart(0);
    fail(&mut mesh, 0, 5);
    assert_eq!(asked(&mesh).len(), 1);
    let deploys = mesh.node(0).deploys();
    assert_eq!(deploys[0].rollback.as_ref().and_then(|rollback| rollback.outcome.clone()), Some(RollbackOutcome::Unknown));
}

#[test]
fn what_came_of_it_is_kept_told_and_shown() {
    let mut mesh = mesh(1);
    deploy(&mut mesh, 0, "2");
    fail(&mut mesh, 0, 3);
    let (id, facts) = asked(&mesh).remove(0);
    let shown = |mesh: &Mesh| mesh.node(0).error(mesh.time(), facts.fingerprint).and_then(|error| error.rollback).unwrap();
    assert_eq!((shown(&mesh).outcome, &*shown(&mesh).said), (None, "under way"));
    let outcome = RollbackOutcome::Failed { code: Some(3), took_ms: 40 };
    mesh.give(0, Input::RolledBack { id, outcome: outcome.clone() });
    mesh.give(0, Input::RolledBack { id, outcome: RollbackOutcome::DryRun });
    assert_eq!(&*shown(&mesh).said, "failed with exit code 3 after 40 ms");
    let told = mesh.log.iter().filter(|(_, effect)| matches!(effect, Effect::Note(Event::RolledBack { .. }))).count();
    assert_eq!(told, 1, "an answer that nobody waits for is nothing");
    mesh.restart(0);
    let again = shown(&mesh);
    assert_eq!((again.outcome, again.release), (Some(outcome), "2".to_owned()));
    assert_eq!(mesh.node(0).status(mesh.time()).last_deploy.map(|deploy| deploy.release), Some("2".to_owned()));
}

#[test]
fn a_long_name_is_cut_and_only_the_last_deploys_are_kept() {
    let mut mesh = mesh(1);
    for n in 0..40 {
        deploy(&mut mesh, 0, &format!("{n}{}", "é".repeat(500)));
    }
    let deploys = mesh.node(0).deploys();
    assert_eq!((deploys.len(), mesh.members[0].disk.deploys.len()), (16, 16));
    assert!(deploys[0].release.starts_with("39é") && deploys.iter().all(|deploy| deploy.release.len() <= 128));
    let kept = mesh.log.iter().filter(|(_, effect)| matches!(effect, Effect::Store(Record::Deploy(_)))).count();
    assert_eq!(kept, 40);
}

#[test]
fn an_error_of_another_release_is_not_the_deploys_doing() {
    let mut mesh = mesh(1);
    deploy(&mut mesh, 0, "2");
    for _ in 0..5 {
        let mut raw = RawError::new("SegFault", "it did not work");
        (raw.severity, raw.release) = (Some(Severity::Critical), Some("1".to_owned()));
        mesh.report_raw(0, raw);
        mesh.run_for(1);
    }
    assert_eq!(asked(&mesh), []);
}
