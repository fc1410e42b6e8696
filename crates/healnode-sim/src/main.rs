//! Runs the simulator and prints what came of it.

#![expect(clippy::print_stdout, reason = "a table is what this program is for")]

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::time::Instant;

use clap::{Parser, ValueEnum};
use healnode_sim::{Config, Faults, ForgeKind, Outcome, Protection, run};

mod table;

use table::Table;

/// Runs many real nodes in virtual time: faults first, then everything heals and agreement is demanded.
#[derive(Parser)]
struct Args {
    /// Runs this many seeds.
    #[arg(long, default_value_t = 20, conflicts_with = "seed")]
    seeds: u64,
    /// The first of them.
    #[arg(long, default_value_t = 1, conflicts_with = "seed")]
    from: u64,
    /// Runs this one seed and prints all about it.
    #[arg(long)]
    seed: Option<u64>,
    /// With --seed: tells what struck, who filed what, and everything that was said to the forge.
    #[arg(long, requires = "seed")]
    story: bool,
    /// Nodes; several numbers with commas between them make a table each.
    #[arg(long, value_delimiter = ',', default_value = "10", value_parser = clap::value_parser!(u16).range(1..=1_000))]
    nodes: Vec<u16>,
    /// Virtual minutes, half of them with faults.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(2..=600))]
    minutes: u64,
    /// Different errors that the applications have.
    #[arg(long, default_value_t = 14)]
    fingerprints: usize,
    /// What goes wrong: "all", "none", names with commas, "-name" to leave one out.
    #[arg(long, default_value = "all", allow_hyphen_values = true)]
    faults: Faults,
    /// What keeps two nodes from creating at once.
    #[arg(long, value_enum, default_value_t = LeaseArg::On)]
    lease: LeaseArg,
    /// Leaves a protection out of every node's edge, to see that a check notices.
    #[arg(long, value_enum)]
    without: Option<WithoutArg>,
    /// Runs at the same time; 0 for as many as there are processors.
    #[arg(long, default_value_t = 0)]
    jobs: usize,
}

#[derive(Clone, Copy, ValueEnum)]
enum LeaseArg {
    /// The lease on the forge.
    On,
    /// Nothing but the order of turns.
    Off,
    /// A forge that creates only what is not there yet, as the outbox does.
    CreateIfAbsent,
}

#[derive(Clone, Copy, ValueEnum)]
enum WithoutArg {
    /// Everybody gets the lease.
    OneHolder,
    /// A create goes out whatever is left of the lease.
    Guard,
    /// The lease's record says nothing of creates in doubt.
    Doubts,
    /// Nobody reads the issues that the record names and a list lacks.
    Record,
}

fn main() -> ExitCode {
    let args = Args::parse();
    let good = match args.seed {
        Some(seed) => args.nodes.iter().map(|nodes| show_one(&args, *nodes, seed)).fold(true, |all, good| all & good),
        None => args.nodes.iter().map(|nodes| show_many(&args, *nodes)).fold(true, |all, good| all & good),
    };
    if good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn config(args: &Args, nodes: u16) -> Config {
    let forge = match args.lease {
        LeaseArg::On => ForgeKind::Leased,
        LeaseArg::Off => ForgeKind::Plain,
        LeaseArg::CreateIfAbsent => ForgeKind::CreateIfAbsent,
    };
    let without = args.without.map(|without| match without {
        WithoutArg::OneHolder => Protection::OneHolder,
        WithoutArg::Guard => Protection::Guard,
        WithoutArg::Doubts => Protection::Doubts,
        WithoutArg::Record => Protection::Record,
    });
    Config {
        without,
        minutes: args.minutes,
        fingerprints: args.fingerprints,
        faults: args.faults.clone(),
        forge,
        traced: args.story,
        ..Config::new(nodes.into())
    }
}

fn show_one(args: &Args, nodes: u16, seed: u64) -> bool {
    let started = Instant::now();
    println!("seed {seed}, nodes {nodes}, minutes {}, faults {}", args.minutes, args.faults);
    let outcome = run(&config(args, nodes), seed);
    for line in &outcome.story {
        println!("{line}");
    }
    println!("{outcome}");
    println!("wall {:.1} s", started.elapsed().as_secs_f64());
    outcome.is_good()
}

fn show_many(args: &Args, nodes: u16) -> bool {
    let started = Instant::now();
    let mut table = Table::default();
    run_all(args, &config(args, nodes), |outcome| {
        if !outcome.is_good() {
            let why = outcome.written.first().map_or("no check failed, but they never agreed", String::as_str);
            println!("FAILED seed {}, nodes {nodes}, faults {}: {why}", outcome.seed, args.faults);
        }
        table.add(&outcome);
    });
    println!("{}", table.text(nodes, &args.faults.to_string(), started.elapsed()));
    table.is_good()
}

/// Runs the seeds on several threads and hands over what came of them, in the order of the seeds.
fn run_all(args: &Args, config: &Config, mut take: impl FnMut(Outcome)) {
    let next = AtomicU64::new(args.from);
    let end = args.from.saturating_add(args.seeds);
    let jobs = if args.jobs == 0 { std::thread::available_parallelism().map_or(1, usize::from) } else { args.jobs };
    let (done, outcomes) = mpsc::sync_channel::<Outcome>(jobs);
    std::thread::scope(|scope| {
        for _ in 0..jobs {
            let (next, done) = (&next, done.clone());
            scope.spawn(move || {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= end || done.send(run(config, seed)).is_err() {
                        return;
                    }
                }
            });
        }
        drop(done);
        let mut waiting = BTreeMap::new();
        let mut awaited = args.from;
        for outcome in outcomes {
            waiting.insert(outcome.seed, outcome);
            while let Some(outcome) = waiting.remove(&awaited) {
                awaited += 1;
                take(outcome);
            }
        }
    });
}
