//! Checks the claim and filing protocol within some bounds, and prints what came of it.

#![expect(clippy::print_stdout, reason = "a table is what this program is for")]

use std::num::NonZero;
use std::process::ExitCode;
use std::thread::available_parallelism;
use std::time::Duration;

use clap::Parser;
use healnode_model::{Bounds, Faults, check, large_bounds};

/// Visits every state that a few real nodes and a forge can get into. Without --nodes, checks one list of bounds after the other.
#[derive(Parser)]
struct Args {
    /// Nodes; up to 3 can be checked in reasonable time.
    #[arg(long, value_parser = clap::value_parser!(u8).range(1..=5))]
    nodes: Option<u8>,
    /// Nodes that die; each may start again at any time.
    #[arg(long, default_value_t = 0, requires = "nodes")]
    crashes: u8,
    /// Calls to the forge, or answers, that are lost.
    #[arg(long, default_value_t = 0, requires = "nodes")]
    lost_calls: u8,
    /// Calls to the forge, or answers, that take their time.
    #[arg(long, default_value_t = 0, requires = "nodes")]
    late_calls: u8,
    /// Lists of the forge that lack the newest issue.
    #[arg(long, default_value_t = 0, requires = "nodes")]
    stale_lists: u8,
    /// Messages that are lost.
    #[arg(long, default_value_t = 0, requires = "nodes")]
    lost_runs: u8,
    /// Messages that take their time.
    #[arg(long, default_value_t = 0, requires = "nodes")]
    late_runs: u8,
    /// Messages that arrive twice.
    #[arg(long, default_value_t = 0, requires = "nodes")]
    doubled_runs: u8,
    /// Times that the first node is cut off.
    #[arg(long, default_value_t = 0, requires = "nodes")]
    cuts: u8,
    /// Begins with the first node cut off.
    #[arg(long, requires = "nodes")]
    split: bool,
    /// Has the last node count by the next version of the algorithm.
    #[arg(long, requires = "nodes")]
    mixed: bool,
    /// A forge without a lease.
    #[arg(long, requires = "nodes")]
    leaseless: bool,
    /// Lets messages and answers arrive in any order, without that being a fault.
    #[arg(long, requires = "nodes")]
    any_order: bool,
    /// Seconds between bundles.
    #[arg(long, default_value_t = 120, requires = "nodes", value_parser = clap::value_parser!(u64).range(1..=3_600))]
    bundle: u64,
    /// Seconds after which a silent node counts as gone.
    #[arg(long, default_value_t = 86_400, requires = "nodes", value_parser = clap::value_parser!(u64).range(1..))]
    presence_timeout: u64,
    /// Seconds until exploring ends.
    #[arg(long, default_value_t = 290, requires = "nodes", value_parser = clap::value_parser!(u64).range(1..=3_600))]
    until: u64,
    /// Threads; as many as there are processors by default.
    #[arg(long)]
    threads: Option<usize>,
}

fn main() -> ExitCode {
    let args = Args::parse();
    let threads = args.threads.unwrap_or_else(|| available_parallelism().map_or(1, NonZero::get)).max(1);
    let chosen = match args.nodes {
        Some(nodes) => vec![("as asked for", bounds(&args, nodes))],
        None => large_bounds(),
    };
    let mut is_good = true;
    for (name, bounds) in chosen {
        let outcome = check(&bounds, threads);
        println!("{name:<44} {outcome}");
        is_good &= outcome.broken.is_empty();
    }
    if is_good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn bounds(args: &Args, nodes: u8) -> Bounds {
    let faults = Faults {
        crashes: args.crashes,
        lost_calls: args.lost_calls,
        late_calls: args.late_calls,
        stale_lists: args.stale_lists,
        lost_runs: args.lost_runs,
        late_runs: args.late_runs,
        doubled_runs: args.doubled_runs,
        cuts: args.cuts,
    };
    Bounds {
        faults,
        split: args.split,
        mixed: args.mixed,
        leased: !args.leaseless,
        prompt: !args.any_order,
        bundle_interval: Duration::from_secs(args.bundle),
        presence_timeout: Duration::from_secs(args.presence_timeout),
        horizon: Duration::from_secs(args.until),
        ..Bounds::new(nodes)
    }
}
