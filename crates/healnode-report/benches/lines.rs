//! What a line costs, on one core: redacting, normalising, and fingerprinting, which is both and a hash.
//!
//! `data/lines.txt` has messages and log lines as services write them, one of each shape. A trace is measured apart.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use healnode_report::{fingerprint, normalise, redact};

const LINES: &str = include_str!("data/lines.txt");
const TRACE: &str = include_str!("data/trace.txt");

fn lines(criterion: &mut Criterion) {
    let lines: Vec<&str> = LINES.lines().collect();
    let mut group = criterion.benchmark_group("lines");
    group.throughput(Throughput::Elements(lines.len() as u64));
    group.bench_function("redact", |bencher| {
        bencher.iter(|| lines.iter().for_each(|line| drop(black_box(redact(black_box(line))))));
    });
    group.bench_function("normalise", |bencher| {
        bencher.iter(|| lines.iter().for_each(|line| drop(black_box(normalise(black_box(line))))));
    });
    group.bench_function("fingerprint", |bencher| {
        bencher.iter(|| lines.iter().for_each(|line| drop(black_box(fingerprint("Error", black_box(line), None)))));
    });
    group.finish();
}

fn trace(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("trace");
    group.throughput(Throughput::Elements(1));
    group.bench_function("fingerprint", |bencher| {
        bencher.iter(|| fingerprint("RuntimeError", black_box("no answer from 10.0.0.7"), black_box(Some(TRACE))));
    });
    group.finish();
}

criterion_group!(benches, lines, trace);
criterion_main!(benches);
