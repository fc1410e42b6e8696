//! Runs the simulator and prints what came of it.

#![expect(clippy::print_stdout, reason = "a table is what this program is for")]

use std::process::ExitCode;
use std::time::Instant;

use clap::Parser;
use healnode_sim::{Config, Faults, ForgeKind, Outcome, run};

/// Runs many real nodes in virtual time: faults first, then everything heals and agreement is demanded.
#[derive(Parser)]
struct Args {
    /// Runs this many seeds, from 1.
    #[arg(long, default_value_t = 20, conflicts_with = "seed")]
    seeds: u64,
    /// Runs this one seed and prints all about it.
    #[arg(long)]
    seed: Option<u64>,
    /// Nodes; several numbers with commas between them make a line each.
    #[arg(long, value_delimiter = ',', default_value = "10", value_parser = clap::value_parser!(u16).range(1..=1_000))]
    nodes: Vec<u16>,
    /// Virtual minutes, half of them with faults.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(2..=600))]
    minutes: u64,
    /// What goes wrong: "all", "none", names with commas, "-name" to leave one out.
    #[arg(long, default_value = "all", allow_hyphen_values = true)]
    faults: Faults,
    /// A forge that creates only what is not there yet, as the outbox does.
    #[arg(long)]
    create_if_absent: bool,
}

fn main() -> ExitCode {
    let args = Args::parse();
    let good = match args.seed {
        Some(seed) => args.nodes.iter().map(|nodes| show_one(&args, *nodes, seed)).fold(true, |all, good| all & good),
        None => {
            println!("{HEADER}");
            args.nodes.iter().map(|nodes| show_many(&args, *nodes)).fold(true, |all, good| all & good)
        }
    };
    if good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn config(args: &Args, nodes: u16) -> Config {
    let forge = if args.create_if_absent { ForgeKind::CreateIfAbsent } else { ForgeKind::Plain };
    Config { minutes: args.minutes, faults: args.faults.clone(), forge, ..Config::new(nodes.into()) }
}

fn show_one(args: &Args, nodes: u16, seed: u64) -> bool {
    let started = Instant::now();
    println!("seed {seed}, nodes {nodes}, minutes {}, faults {}", args.minutes, args.faults);
    let outcome = run(&config(args, nodes), seed);
    println!("{outcome}");
    println!("wall {:.1} s", started.elapsed().as_secs_f64());
    outcome.is_good()
}

const HEADER: &str = "nodes seeds    events   wall s  filed/due  duplicates (unclear split race)  counts agreed  \
                      agreed after s (median max)  published  forge calls  kills  failed  digest";

fn show_many(args: &Args, nodes: u16) -> bool {
    let started = Instant::now();
    let config = config(args, nodes);
    let mut sum = Sum::default();
    for seed in 1..=args.seeds {
        let outcome = run(&config, seed);
        if !outcome.is_good() {
            let why = outcome.written.first().map_or("no check failed, but they never agreed", String::as_str);
            println!("FAILED seed {seed}, nodes {nodes}, faults {}: {why}", args.faults);
        }
        sum.add(&outcome);
    }
    println!("{nodes:>5} {:>5} {}", args.seeds, sum.line(started.elapsed().as_secs_f64()));
    sum.failed == 0
}

#[derive(Default)]
struct Sum {
    events: u64,
    due: usize,
    issues: usize,
    unclear: usize,
    split: usize,
    race: usize,
    counts_agreed: usize,
    fingerprints: usize,
    agreed_after_ms: Vec<u64>,
    published: u64,
    forge_calls: u64,
    kills: u64,
    failed: u64,
    digest: u64,
}

impl Sum {
    fn add(&mut self, outcome: &Outcome) {
        self.events += outcome.events;
        self.due += outcome.due;
        self.issues += outcome.issues;
        self.unclear += outcome.duplicates.unclear;
        self.split += outcome.duplicates.split;
        self.race += outcome.duplicates.race;
        self.counts_agreed += outcome.counts_agreed;
        self.fingerprints += outcome.fingerprints;
        self.agreed_after_ms.extend(outcome.agreed_after_ms);
        self.published += outcome.published;
        self.forge_calls += outcome.forge_calls;
        self.kills += outcome.kills;
        self.failed += u64::from(!outcome.is_good());
        self.digest = self.digest.rotate_left(7) ^ outcome.digest;
    }

    fn line(&mut self, wall_s: f64) -> String {
        self.agreed_after_ms.sort_unstable();
        let seconds = |ms: Option<&u64>| ms.map_or(f64::NAN, |ms| *ms as f64 / 1_000.0);
        let median = seconds(self.agreed_after_ms.get(self.agreed_after_ms.len() / 2));
        let max = seconds(self.agreed_after_ms.last());
        let filed = format!("{}/{}", self.issues, self.due);
        let duplicates = format!("{} ({} {} {})", self.unclear + self.split + self.race, self.unclear, self.split, self.race);
        let agreed = format!("{}/{}", self.counts_agreed, self.fingerprints);
        let after = format!("{median:.0} {max:.0}");
        format!(
            "{:>9} {wall_s:>8.1} {filed:>10} {duplicates:>32} {agreed:>14} {after:>28} {:>10} {:>12} {:>6} {:>7}  {:016x}",
            self.events, self.published, self.forge_calls, self.kills, self.failed, self.digest
        )
    }
}
