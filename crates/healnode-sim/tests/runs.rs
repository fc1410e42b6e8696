//! Fixed seeds at several sizes: faults, heal, agreement; and that the checks notice what they are for.

use healnode_sim::{Config, Fault, Faults, ForgeKind, Outcome, Protection, run};

fn check(config: &Config, seeds: std::ops::RangeInclusive<u64>) -> Vec<Outcome> {
    let outcomes: Vec<Outcome> = seeds.map(|seed| run(config, seed)).inspect(assert_good).collect();
    assert!(outcomes.iter().map(|outcome| outcome.issues).sum::<usize>() > 0, "runs in which nothing is filed show nothing");
    outcomes
}

fn assert_good(outcome: &Outcome) {
    assert!(outcome.is_good(), "{outcome}");
}

fn sum(outcomes: &[Outcome], number: impl Fn(&Outcome) -> usize) -> usize {
    outcomes.iter().map(number).sum()
}

fn struck(outcomes: &[Outcome], what: &str) -> u64 {
    outcomes.iter().filter_map(|outcome| outcome.seen.strikes.get(what)).sum()
}

#[test]
fn ten_nodes_agree_after_every_fault() {
    let outcomes = check(&Config::new(10), 1..=20);
    for what in ["kill", "disk lost", "cut", "pause", "clock step", "replay", "clone", "lie", "closed as done", "deleted"] {
        assert!(struck(&outcomes, what) > 0, "no {what} in twenty runs");
    }
}

#[test]
fn a_hundred_nodes_agree_after_every_fault() {
    check(&Config::new(100), 1..=1);
}

#[test]
fn three_hundred_nodes_agree_after_every_fault() {
    check(&Config { fingerprints: 6, minutes: 14, ..Config::new(300) }, 1..=1);
}

#[test]
fn a_few_nodes_agree_after_every_fault() {
    for nodes in 1..=4 {
        check(&Config::new(nodes), 1..=20);
    }
}

#[test]
fn with_a_lease_nothing_is_created_twice() {
    let outcomes = check(&Config { faults: Faults::all().without(Fault::Years).without(Fault::Step), ..Config::new(6) }, 1..=40);
    assert_eq!(sum(&outcomes, |outcome| outcome.duplicates.total()), 0);
    assert!(sum(&outcomes, |outcome| outcome.succeeded) > 0, "people did end issues that were then succeeded");
    assert!(outcomes.iter().any(|outcome| !outcome.seen.succession_ms.is_empty()), "filers did die");
}

#[test]
fn no_issue_gets_a_second_pull_request_whatever_people_and_the_forge_do() {
    let faults = [Fault::People, Fault::Unclear, Fault::Lag, Fault::Loss, Fault::Partition, Fault::Crash, Fault::Pause];
    let outcomes = check(&Config { faults: Faults::of(&faults), ..Config::new(4) }, 1..=60);
    assert_eq!(sum(&outcomes, |outcome| outcome.second_pulls), 0);
    assert!(sum(&outcomes, |outcome| outcome.fixes) > 0, "fixes were published");
    for what in ["pull closed", "pull merged", "pull pushed to"] {
        assert!(struck(&outcomes, what) > 0, "no {what}");
    }
}

#[test]
fn an_error_that_comes_back_opens_its_issue_again_and_says_so_once() {
    let outcomes = check(&Config { faults: Faults::of(&[Fault::People, Fault::Loss]), ..Config::new(3) }, 1..=80);
    assert!(sum(&outcomes, |outcome| outcome.comments.reopened) > 0, "errors did come back after their issue was closed");
    assert_eq!(sum(&outcomes, |outcome| outcome.comments.reopened_twice), 0);
}

#[test]
fn without_a_lease_second_issues_are_created_and_closed_again() {
    let outcomes = check(&Config { forge: ForgeKind::Plain, ..Config::new(6) }, 1..=40);
    let second = sum(&outcomes, |outcome| outcome.duplicates.total());
    assert!(second > 0 && sum(&outcomes, |outcome| outcome.swept) > 0, "{second}");
}

#[test]
fn creates_that_take_effect_beyond_any_lease_are_closed_again() {
    let config = Config { faults: Faults::all().with(Fault::Beyond), ..Config::new(6) };
    let outcomes = check(&config, 1..=30);
    let second = sum(&outcomes, |outcome| outcome.duplicates.total());
    assert!(second > 0 && sum(&outcomes, |outcome| outcome.swept) >= second, "{second}");
    let late = check(&Config { faults: Faults::of(&[Fault::Unclear, Fault::Beyond, Fault::Lag]), ..Config::new(4) }, 1..=30);
    assert!(sum(&late, |outcome| outcome.second_pulls) > 0, "a pull request that comes too late is a second one, and is counted");
}

/// Leaves a protection out and returns what the checks say in the first run in which they notice.
fn noticed(without: Protection, faults: Faults, seeds: u64) -> Option<String> {
    let config = Config { without: Some(without), faults, ..Config::new(6) };
    let says = |outcome: Outcome| {
        let mut written = outcome.written.into_iter();
        written.find(|what| what.contains("without the lease") || what.contains("could still take effect") || what.contains("beside"))
    };
    (1..=seeds).find_map(|seed| says(run(&config, seed)))
}

#[test]
fn a_lease_that_is_granted_to_everybody_is_noticed() {
    assert!(noticed(Protection::OneHolder, Faults::all(), 5).is_some());
}

#[test]
fn a_create_with_too_little_left_of_the_lease_is_noticed() {
    let faults = Faults::of(&[Fault::Pause, Fault::Slow, Fault::Unclear, Fault::Partition]);
    assert!(noticed(Protection::Guard, faults, 200).is_some());
}

#[test]
fn a_record_whose_issues_nobody_reads_is_noticed() {
    let faults = Faults::of(&[Fault::Partition, Fault::Blip, Fault::Loss, Fault::Crash, Fault::Lag]);
    assert!(noticed(Protection::Record, faults, 100).is_some());
}

#[test]
fn where_whoever_files_is_alone_and_is_answered_there_is_no_second_issue() {
    let harmless = [Fault::Loss, Fault::Repeat, Fault::Reorder, Fault::Replay, Fault::Join, Fault::Lag, Fault::Tokenless];
    for faults in [Faults::none(), Faults::of(&harmless)] {
        for forge in [ForgeKind::Leased, ForgeKind::Plain] {
            let config = Config { faults: faults.clone(), forge, ..Config::new(10) };
            let outcomes = check(&config, 1..=5);
            assert_eq!(sum(&outcomes, |outcome| outcome.duplicates.total()), 0);
        }
    }
}

#[test]
fn a_forge_that_creates_only_what_is_absent_never_has_two() {
    let config = Config { forge: ForgeKind::CreateIfAbsent, ..Config::new(7) };
    for outcome in check(&config, 1..=10) {
        assert_eq!(outcome.duplicates.total(), 0, "{outcome}");
    }
}

#[test]
fn no_disk_is_lost_so_every_count_is_exact() {
    let faults = Faults::all().without(Fault::Wipe).without(Fault::Clone).without(Fault::Hostile);
    let config = Config { faults, ..Config::new(7) };
    for outcome in check(&config, 1..=15) {
        assert_eq!(outcome.counts_agreed, outcome.fingerprints, "{outcome}");
    }
}

#[test]
fn a_seed_is_a_run_and_another_seed_is_another() {
    let config = Config::new(5);
    let digests: Vec<u64> = (1..=20).map(|seed| run(&config, seed).digest).collect();
    assert_eq!(run(&config, 3).digest, digests[2]);
    let distinct: std::collections::BTreeSet<u64> = digests.iter().copied().collect();
    assert_eq!(distinct.len(), digests.len());
}

#[test]
fn every_seed_that_ever_failed_is_good() {
    let lines = include_str!("../seeds.txt").lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty());
    for line in lines {
        let (what, cause) = line.split_once(" -- ").unwrap_or_else(|| panic!("no cause in {line:?}"));
        let parts: Vec<&str> = what.split(' ').collect();
        let [seed, nodes, faults] = parts[..] else { panic!("not `seed nodes faults`: {line:?}") };
        let config = Config { faults: faults.parse().unwrap(), ..Config::new(nodes.parse().unwrap()) };
        let outcome = run(&config, seed.parse().unwrap());
        assert!(outcome.is_good(), "{cause}\n{outcome}");
    }
}
