//! Fixed seeds at several sizes: faults, heal, agreement.

use healnode_sim::{Config, Fault, Faults, ForgeKind, Outcome, run};

fn check(config: &Config, seeds: std::ops::RangeInclusive<u64>) -> Vec<Outcome> {
    let outcomes: Vec<Outcome> = seeds.map(|seed| run(config, seed)).inspect(assert_good).collect();
    assert!(outcomes.iter().map(|outcome| outcome.issues).sum::<usize>() > 0, "runs in which nothing is filed show nothing");
    outcomes
}

fn assert_good(outcome: &Outcome) {
    assert!(outcome.is_good(), "{outcome}");
}

#[test]
fn ten_nodes_agree_after_every_fault() {
    let outcomes = check(&Config::new(10), 1..=20);
    assert!(outcomes.iter().map(|outcome| outcome.kills).sum::<u64>() > 20, "the faults did strike");
}

#[test]
fn a_hundred_nodes_agree_after_every_fault() {
    check(&Config::new(100), 1..=4);
}

#[test]
fn a_thousand_nodes_agree_after_every_fault() {
    let outcomes = check(&Config { fingerprints: 10, ..Config::new(1_000) }, 1..=1);
    assert!(outcomes.iter().all(|outcome| outcome.counts_agreed == outcome.fingerprints));
}

#[test]
fn a_few_nodes_agree_after_every_fault() {
    for nodes in 1..=4 {
        check(&Config::new(nodes), 1..=20);
    }
}

#[test]
fn where_whoever_files_is_alone_and_is_answered_there_is_no_second_issue() {
    let harmless = [Fault::Loss, Fault::Repeat, Fault::Reorder, Fault::Join, Fault::Lag, Fault::Tokenless];
    for faults in [Faults::none(), Faults::of(&harmless)] {
        let config = Config { faults, ..Config::new(10) };
        for outcome in check(&config, 1..=10) {
            assert_eq!(outcome.duplicates.total(), 0, "{outcome}");
        }
    }
}

#[test]
fn a_forge_that_creates_only_what_is_absent_never_has_two() {
    let config = Config { forge: ForgeKind::CreateIfAbsent, ..Config::new(7) };
    for outcome in check(&config, 1..=20) {
        assert_eq!(outcome.duplicates.total(), 0, "{outcome}");
    }
}

#[test]
fn no_disk_is_lost_so_every_count_is_exact() {
    let config = Config { faults: Faults::all().without(Fault::Wipe), ..Config::new(7) };
    for outcome in check(&config, 1..=20) {
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
