//! What breaks, over and over, and what it came to: `cargo bench --bench faults`, or with the name of one measurement behind `--`.
//!
//! `faults` is the table of tests/lab/cases.rs; `partition` needs root and network namespaces; both need npm, for the emulator. Several
//! scenes run side by side, so times are those of a busy machine. `--profile dev` measures the same without a release build.
#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a benchmark prints, and has nothing to clean up after a failure")]

#[path = "../tests/github/emulator.rs"]
mod emulator;
#[path = "../tests/harness/mod.rs"]
mod harness;
#[path = "../tests/lab/mod.rs"]
mod lab;
#[path = "../tests/proxy/mod.rs"]
mod proxy;

use std::collections::{BTreeMap, VecDeque};
use std::fmt::Debug;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use harness::pipeline::send_pipelined;
use harness::{Site, TestNode, wait_for, wait_within};
use lab::cases::{CASES, Case, leader_killed_before_the_answer};
use lab::netns::Cut;
use lab::{Outcome, QUICK, QUICK_BY_LABEL, Scene, letters};

/// Scenes of three nodes and an emulator that run side by side. Nearly all they do is wait.
const SCENES: usize = 6;

/// Runs of each fault, and of those that take more than a minute.
const RUNS: usize = 6;
const SLOW_RUNS: usize = 3;

/// Runs of each kind of cut, half of them with sides that had given each other up before.
const CUTS: usize = 8;

/// Nodes that are killed side by side, and how often each.
const VICTIMS: usize = 2;
const KILLS: usize = 110;

/// Connections that report to a node while it is killed.
const REPORTERS: usize = 4;

/// Fingerprints in the store of the node that is restarted.
const FINGERPRINTS: usize = 100_000;

/// No bundle comes while something else is measured.
const NO_BUNDLES: &str = "[bundle]\ninterval = \"1d\"\nmin_occurrences = 1000\n";

fn main() {
    let only = std::env::args().skip(1).find(|argument| !argument.starts_with('-'));
    let measurements: [(&str, fn()); 6] = [
        ("faults", faults),
        ("partition", partition),
        ("kill", kill),
        ("failover", failover),
        ("restart", restart),
        ("requests", requests),
    ];
    for (name, measure) in measurements {
        if only.as_deref().is_none_or(|only| only == name) {
            measure();
        }
    }
}

/// Environment variables of every node.
type Settings = &'static [(&'static str, &'static str)];

/// A run that did not come to its end, or what it came to.
type Run = Option<Outcome>;

/// Runs what is to be done on several scenes side by side. What breaks a scene is counted, and the scene is set up anew.
fn on_scenes<J: Copy + Send, K: Ord + Debug + Send>(
    scenes: usize,
    jobs: Vec<(K, J)>,
    set_up: impl Fn() -> Option<Scene> + Sync,
    run: impl Fn(&mut Scene, J) -> Outcome + Sync,
) -> (BTreeMap<K, Vec<Run>>, Vec<String>) {
    let jobs = Mutex::new(VecDeque::from(jobs));
    let results = Mutex::new((BTreeMap::<K, Vec<Run>>::new(), Vec::new()));
    let work = || {
        let Some(mut scene) = set_up() else { return };
        loop {
            let Some((key, job)) = jobs.lock().unwrap().pop_front() else { break };
            let outcome = catch_unwind(AssertUnwindSafe(|| run(&mut scene, job))).ok();
            let is_broken = outcome.is_none();
            if is_broken {
                eprintln!("{key:?} did not come to its end:");
                scene.explain();
            }
            results.lock().unwrap().0.entry(key).or_default().push(outcome);
            if is_broken {
                let Some(fresh) = set_up() else { return };
                results.lock().unwrap().1.extend(std::mem::replace(&mut scene, fresh).proxy.offences());
            }
        }
        results.lock().unwrap().1.extend(scene.proxy.offences());
    };
    thread::scope(|scope| (0..scenes).for_each(|_| drop(scope.spawn(work))));
    results.into_inner().unwrap()
}

/// Every fault of the table, many times.
fn faults() {
    let rounds = RUNS.max(SLOW_RUNS);
    let jobs_of = |(position, case): (usize, &'static Case)| ((position, case.name), case);
    let in_round = |round: usize| {
        let is_in = move |(_, case): &(usize, &Case)| round < if case.is_slow { SLOW_RUNS } else { RUNS };
        CASES.iter().enumerate().filter(is_in).map(jobs_of)
    };
    let jobs: Vec<_> = (0..rounds).flat_map(in_round).collect();
    let (results, offences) = on_scenes(SCENES, jobs, || Scene::start(3, QUICK, ""), |scene, case| scene.run(case.inflict));
    println!("faults: three nodes, one emulator, critical report on each node at the same time");
    println!("| fault | runs | issues created each | open in the end | too many | not ended | median from report to issue, worst |");
    println!("|---|--:|--:|--:|--:|--:|--:|");
    let (mut runs, mut extra) = (0, 0);
    for ((position, _), found) in &results {
        let case = &CASES[*position];
        let ended: Vec<&Outcome> = found.iter().flatten().collect();
        let too_many: usize = ended.iter().map(|outcome| outcome.creations.saturating_sub(case.creations)).sum();
        println!(
            "| {} | {} | {} | {} | {too_many} | {} | {} |",
            case.name,
            found.len(),
            range(ended.iter().map(|outcome| outcome.creations)),
            range(ended.iter().map(|outcome| outcome.open)),
            found.len() - ended.len(),
            median_and_worst(ended.iter().map(|outcome| outcome.took).collect())
        );
        runs += found.len();
        extra += too_many;
    }
    println!("faults: {runs} runs, {extra} issues too many, {} offences against the forge {offences:?}", offences.len());
}

/// Networks that are cut while every side sees enough to file.
fn partition() {
    /// Name, nodes, cut, settings, and what Alertmanager did.
    const CUT: [(&str, usize, Cut, Settings, &str); 4] = [
        ("1 / 2", 3, Cut::At(1), QUICK, "2 in 25 of 25"),
        ("2 / 3", 5, Cut::At(2), QUICK, "2 in 15, 3 in 10"),
        ("5 singles", 5, Cut::Singles, QUICK, "5 in 25 of 25"),
        ("1 / 2, lease by label", 3, Cut::At(1), QUICK_BY_LABEL, "2 in 25 of 25"),
    ];
    println!(
        "partition: every node sees the error three times while the network is cut; bundles every second, at the same moment everywhere"
    );
    println!(
        "| cut | runs | issues created each | open in the end | not ended | known on every side, median, worst | from heal to agreement, median, worst | Alertmanager 0.25.0, measured in the same kind of partition: notifications each |"
    );
    println!("|---|--:|--:|--:|--:|--:|--:|--:|");
    for (name, nodes, cut, settings, alertmanager) in CUT {
        let jobs = (0..CUTS).map(|run| ((), run % 2 == 0)).collect();
        let set_up = || Scene::start_on_bridge(nodes, settings, "");
        let (results, offences) = on_scenes(2, jobs, set_up, |scene, apart| scene.run_cut(cut, apart));
        let found = results.into_values().next().unwrap_or_default();
        let ended: Vec<&Outcome> = found.iter().flatten().collect();
        println!(
            "| {name} | {} | {} | {} | {} | {} | {} | {alertmanager} |",
            found.len(),
            tally(ended.iter().map(|outcome| outcome.creations)),
            range(ended.iter().map(|outcome| outcome.open)),
            found.len() - ended.len(),
            median_and_worst(ended.iter().map(|outcome| outcome.took).collect()),
            median_and_worst(ended.iter().map(|outcome| outcome.agreed_after).collect()),
        );
        offences.iter().for_each(|offence| println!("{offence}"));
    }
}

/// What one kill did to the counts.
#[derive(Default)]
struct Toll {
    kills: usize,
    acknowledged: u64,
    unacknowledged: u64,
    lost: u64,
    doubled: u64,
}

/// Nodes killed at random moments while reports come in.
fn kill() {
    let tolls: Vec<Toll> = thread::scope(|scope| {
        let victims: Vec<_> = (0..VICTIMS).map(|number| scope.spawn(move || kill_one_node(number as u64))).collect();
        victims.into_iter().map(|victim| victim.join().unwrap()).collect()
    });
    let sum = |of: fn(&Toll) -> u64| tolls.iter().map(of).sum::<u64>();
    println!(
        "kill: {} times kill -9 while {REPORTERS} connections report: {} reports acknowledged, {} sent again with the same id, {} lost, {} counted twice",
        sum(|toll| toll.kills as u64),
        sum(|toll| toll.acknowledged),
        sum(|toll| toll.unacknowledged),
        sum(|toll| toll.lost),
        sum(|toll| toll.doubled)
    );
}

fn kill_one_node(seed: u64) -> Toll {
    let site = Site::new();
    let mut node = site.node("victim", &[], NO_BUNDLES);
    let mut toll = Toll::default();
    let mut dice = seed + 1;
    let mut known = 0;
    node.start();
    for run in 0..KILLS {
        dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let (acknowledged, open) = report_until_killed(&mut node, run, Duration::from_micros((dice >> 33) % 150_000));
        node.start();
        toll.lost += acknowledged - shown(&node, known, acknowledged).min(acknowledged);
        open.iter().for_each(|report| drop(node.post(report).expect("a running node acknowledges")));
        // What is shown follows a moment later, and whole: with the last report everything before it shows too.
        node.post(&killed_report("last", run, 0)).expect("a running node acknowledges");
        let sent = acknowledged + open.len() as u64 + 1;
        let counted = shown(&node, known, sent);
        toll.lost += sent.saturating_sub(counted);
        toll.doubled += counted.saturating_sub(sent);
        known += counted;
        toll.kills += 1;
        toll.acknowledged += acknowledged;
        toll.unacknowledged += open.len() as u64;
    }
    toll
}

/// Returns how many reports were acknowledged before the node was killed, and those that were not.
fn report_until_killed(node: &mut TestNode, run: usize, after: Duration) -> (u64, Vec<Value>) {
    let report = |reporter: usize, number: u64| killed_report(&format!("reporter {reporter}"), run, number);
    let pid = node.pid().to_string();
    let (acknowledged, open) = thread::scope(|scope| {
        let node = &*node;
        let report_all = |reporter| {
            let acknowledged = (0..).take_while(|number| node.post(&report(reporter, *number)).is_some()).count() as u64;
            (acknowledged, report(reporter, acknowledged))
        };
        let reporters: Vec<_> = (0..REPORTERS).map(|reporter| scope.spawn(move || report_all(reporter))).collect();
        thread::sleep(after);
        assert!(std::process::Command::new("kill").args(["-9", &pid]).status().unwrap().success());
        let ended = reporters.into_iter().map(|reporter| reporter.join().unwrap());
        ended.fold((0, Vec::new()), |(sum, mut open), (acknowledged, report)| {
            open.push(report);
            (sum + acknowledged, open)
        })
    });
    node.kill();
    (acknowledged, open)
}

fn killed_report(by: &str, run: usize, number: u64) -> Value {
    json!({ "type": "KilledError", "message": "while it was killed", "event_id": format!("{by}, run {run}, report {number}") })
}

/// Returns how many occurrences more than before a node shows, once they are as many as expected or have had the time to be.
fn shown(node: &TestNode, before: u64, expected: u64) -> u64 {
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        let more = node.get("/v1/status").unwrap()["occurrences"].as_u64().unwrap() - before;
        if more >= expected || Instant::now() > deadline {
            return more;
        }
        thread::sleep(Duration::from_millis(5));
    }
}

/// From the leader's death to the issue's being there, or its being known to the others.
fn failover() {
    type Fail = fn(&mut Scene) -> Duration;
    let kinds: [(&str, Fail); 2] = [
        ("dies, then a critical error comes: until its issue is created", dies_before),
        ("dies between create and answer: until the others know the issue", dies_between),
    ];
    for (settings, environment) in [("default settings", &[][..]), ("presence 500 ms / 3 s, turn 2 s", QUICK)] {
        for (what, fail) in kinds {
            let times: Vec<Duration> = thread::scope(|scope| {
                let set_up = || Scene::start(3, environment, NO_BUNDLES);
                let work = move || set_up().map(|mut scene| fail(&mut scene));
                let scenes: Vec<_> = (0..SCENES).map(|_| scope.spawn(work)).collect();
                scenes.into_iter().filter_map(|scene| scene.join().unwrap()).collect()
            });
            println!("failover: {settings}: the leader {what}: {} of {}", median_and_worst(times.clone()), times.len());
        }
    }
}

fn dies_before(scene: &mut Scene) -> Duration {
    let error = scene.new_error();
    let fingerprint = scene.report(&error, "medium", 1);
    let path = format!("/v1/errors/{fingerprint}");
    wait_for("every node's count", || {
        scene.nodes.iter().all(|node| node.get(&path).is_some_and(|error| error["occurrences"] == scene.nodes.len())).then_some(())
    });
    let leader = scene.position(scene.nodes[0].get(&path).unwrap()["leader"].as_str().unwrap());
    let died = Instant::now();
    scene.kill(leader);
    scene.report_critical(&error);
    let created =
        wait_within(Duration::from_secs(240), "the issue", || scene.proxy.creations(&fingerprint).first().map(|creation| creation.at));
    scene.mend();
    scene.await_agreement(&fingerprint, None);
    created - died
}

fn dies_between(scene: &mut Scene) -> Duration {
    let error = scene.new_error();
    let fingerprint = leader_killed_before_the_answer(scene, &error);
    let died = Instant::now();
    scene.await_issue(&fingerprint);
    let took = died.elapsed();
    scene.mend();
    scene.await_agreement(&fingerprint, None);
    took
}

/// From starting the process to its first answer, with many fingerprints in the store.
fn restart() {
    let site = Site::new();
    let mut node = site.node("full", &[], NO_BUNDLES);
    node.start();
    let begun = Instant::now();
    let socket = node.socket();
    let report = |number| format!("{{\"type\":{:?},\"message\":\"one of many\"}}", letters("Many", number));
    let reporters = REPORTERS;
    thread::scope(|scope| {
        for reporter in 0..reporters {
            let numbers = (1 + reporter..=FINGERPRINTS).step_by(reporters);
            scope.spawn(|| send_pipelined(&socket, numbers.map(report)));
        }
    });
    let filled = begun.elapsed();
    let signatures = |node: &TestNode| node.get("/v1/status").and_then(|status| status["signatures"].as_u64());
    assert_eq!(signatures(&node), Some(FINGERPRINTS as u64));
    let mut answers = |end: fn(&mut TestNode)| -> Vec<Duration> {
        (0..5)
            .map(|_| {
                end(&mut node);
                let begun = Instant::now();
                node.spawn();
                wait_for("the node's answer", || signatures(&node).filter(|count| *count == FINGERPRINTS as u64));
                begun.elapsed()
            })
            .collect()
    };
    let killed = answers(TestNode::kill);
    let stopped = answers(|node| assert_eq!(node.stop(), Some(0)));
    println!(
        "restart: {FINGERPRINTS} fingerprints, reported in {:.1} s: first answer after kill -9 {}, after a clean end {} of 5; {:.0} MB resident",
        filled.as_secs_f64(),
        median_and_worst(killed),
        median_and_worst(stopped),
        node.memory_kb() as f64 / 1e3
    );
}

/// What is asked of the forge.
fn requests() {
    const FILED: usize = 10;
    const BUNDLES: usize = 12;
    const BUNDLES_PER_HOUR: f64 = 4.0;
    let Some(mut scene) = Scene::start(3, &[], NO_BUNDLES) else { return };
    let before = scene.proxy.exchanges().len();
    for _ in 0..FILED {
        let error = scene.new_error();
        let fingerprint = scene.report_critical(&error);
        scene.await_agreement(&fingerprint, None);
    }
    println!("requests: three nodes, per filed issue: {}", per(&scene, before, FILED as f64));

    let Some(mut scene) = Scene::start(3, &[], "[bundle]\ninterval = \"5s\"\n") else { return };
    let start = scene.proxy.exchanges().len();
    let error = scene.new_error();
    let fingerprint = scene.report_critical(&error);
    scene.await_agreement(&fingerprint, Some(3));
    println!("requests: three nodes, to start and to file the first issue: {}", per(&scene, 0, 1.0));
    wait_for("the counts on the issue", || {
        scene.proxy.exchanges()[start..].iter().any(|exchange| exchange.method == "PATCH").then_some(())
    });
    let (quiet, begun) = (scene.proxy.exchanges().len(), Instant::now());
    thread::sleep(Duration::from_secs(5 * BUNDLES as u64));
    let per_bundle = per(&scene, quiet, BUNDLES as f64);
    let hourly = (scene.proxy.exchanges().len() - quiet) as f64 / BUNDLES as f64 * BUNDLES_PER_HOUR;
    println!(
        "requests: three nodes, one issue, idle: {per_bundle} per bundle over {:?}, so {hourly:.1} an hour with bundles every 15 min",
        begun.elapsed()
    );
}

/// Returns what was sent since, by kind, divided.
fn per(scene: &Scene, since: usize, divisor: f64) -> String {
    let mut kinds: BTreeMap<String, usize> = BTreeMap::new();
    let exchanges = scene.proxy.exchanges();
    for exchange in &exchanges[since..] {
        let path: String = exchange
            .path
            .split('/')
            .take(3)
            .map(|part| if part.starts_with(|first: char| first.is_ascii_digit()) { "N" } else { part })
            .collect::<Vec<_>>()
            .join("/");
        *kinds.entry(format!("{} {path}", exchange.method)).or_default() += 1;
    }
    let kinds: Vec<String> = kinds.into_iter().map(|(kind, count)| format!("{kind} {:.1}", count as f64 / divisor)).collect();
    format!("{:.1} ({})", (exchanges.len() - since) as f64 / divisor, kinds.join(", "))
}

fn range(values: impl Iterator<Item = usize> + Clone) -> String {
    match (values.clone().min(), values.max()) {
        (Some(least), Some(most)) if least < most => format!("{least} to {most}"),
        (Some(same), _) => same.to_string(),
        (None, _) => "none".to_owned(),
    }
}

/// Returns how often each value occurs.
fn tally(values: impl Iterator<Item = usize>) -> String {
    let mut counts: BTreeMap<usize, usize> = BTreeMap::new();
    values.for_each(|value| *counts.entry(value).or_default() += 1);
    let texts: Vec<String> = counts.iter().map(|(value, count)| format!("{value} in {count}")).collect();
    texts.join(", ")
}

fn median_and_worst(mut times: Vec<Duration>) -> String {
    times.sort();
    let (Some(median), Some(worst)) = (times.get(times.len() / 2), times.last()) else { return "none".to_owned() };
    format!("{:.2} s, {:.2} s", median.as_secs_f64(), worst.as_secs_f64())
}
