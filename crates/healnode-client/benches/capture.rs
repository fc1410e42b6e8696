//! What capturing costs the thread that captures, whatever the node does: `cargo bench -p healnode-client --all-features`.
//!
//! Each sample captures as many errors as the queue has room for, so that none is cheap by being dropped.
#![allow(clippy::unwrap_used, reason = "a benchmark ends at what it did not expect")]

#[path = "../tests/fake_node/mod.rs"]
mod fake_node;

use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::{Criterion, criterion_group, criterion_main};
use fake_node::{FakeNode, Manner, PATIENCE, TAKEN};
use healnode_client::Client;
use healnode_client::limits::QUEUE_MAX;

/// Runs `count` captures in rounds that the queue has room for, and returns the time of the captures alone.
fn time(client: &Client, count: u64, error: &std::io::Error) -> Duration {
    let mut left = count;
    let mut total = Duration::ZERO;
    while left > 0 {
        let round = left.min(QUEUE_MAX as u64);
        let start = Instant::now();
        for _ in 0..round {
            black_box(client.capture_error(black_box(error)));
        }
        total += start.elapsed();
        client.flush(PATIENCE);
        left -= round;
    }
    total
}

fn capture(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("capture");
    group.sample_size(20).measurement_time(Duration::from_secs(3)).warm_up_time(Duration::from_secs(1));
    let error = std::io::Error::other("no rates from 10.0.0.7:5432 for order 4711");
    let (answering, absent) = (FakeNode::new(Manner::Answers(TAKEN)), FakeNode::new(Manner::IsAbsent));
    std::fs::write(absent.data_dir(), "a file, so that the benchmark is not one of the disk").unwrap();
    for (name, client) in [("node answers", answering.client()), ("no node", absent.client())] {
        (0..50).for_each(|number| client.log_line(format_args!("looked for the rates of order {number}, found none")));
        group.bench_function(name, |bencher| {
            bencher.iter_custom(|count| time(&client, count, &error));
        });
    }
    let off = Client::builder().enabled(false).build().unwrap();
    group.bench_function("off", |bencher| bencher.iter(|| off.capture_error(black_box(&error))));
    group.finish();
}

fn log_line(criterion: &mut Criterion) {
    let client = FakeNode::new(Manner::IsAbsent).client();
    criterion.bench_function("log line", |bencher| {
        bencher.iter(|| client.log_line(black_box("looked for the rates of order 4711, found none")));
    });
}

criterion_group!(benches, capture, log_line);
criterion_main!(benches);
