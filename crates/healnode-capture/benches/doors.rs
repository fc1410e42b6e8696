//! What a request and a printed line cost, on one core: reading alone, and reading and making the report.

#![allow(clippy::unwrap_used, reason = "a benchmark ends at what it did not expect")]
#![allow(missing_docs, reason = "criterion's macro makes functions without")]

use std::fs;
use std::hint::black_box;
use std::path::Path;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use healnode_capture::sentry::{Delivery, Request, receive};
use healnode_capture::text::find_errors;
use healnode_report::{Report, UnixMillis};

const NOW: UnixMillis = UnixMillis(1_795_612_232_000);

/// Recorded requests and their encodings: a usual one three times, and a large one.
const REQUESTS: &[(&str, Option<&str>)] = &[
    ("py-exception-chained-identity", None),
    ("py-exception-chained-gzip", Some("gzip")),
    ("py-exception-chained-br", Some("br")),
    ("rust-panic", None),
    ("py-deep-recursion-529KB-br", Some("br")),
];

fn data(path: &str) -> Vec<u8> {
    fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(path)).unwrap()
}

fn requests(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("requests");
    for (name, content_encoding) in REQUESTS {
        let body = data(&format!("captures/{name}.bin"));
        let read = || -> Delivery {
            let request = Request { uri: "/api/1/envelope/", content_encoding: *content_encoding, body: &body, ..Request::default() };
            receive(black_box(&request), NOW).unwrap()
        };
        group.throughput(Throughput::Elements(1));
        group.bench_function(format!("{name}/read"), |bencher| bencher.iter(read));
        group.bench_function(format!("{name}/report"), |bencher| {
            bencher.iter(|| read().errors.into_iter().map(|raw| Report::new(raw, NOW)).collect::<Vec<Report>>());
        });
    }
    group.finish();
}

fn lines(criterion: &mut Criterion) {
    let trace = String::from_utf8(data("output/py-chained.err")).unwrap();
    let plain = "2026-11-25T10:00:00.123Z INFO billing.jobs: job 42 done in 17 ms\n".repeat(20);
    let mut group = criterion.benchmark_group("lines");
    for (name, text) in [("trace", trace), ("log", plain)] {
        group.throughput(Throughput::Elements(text.lines().count() as u64));
        group.bench_function(name, |bencher| bencher.iter(|| find_errors(black_box(&text).lines())));
    }
    group.finish();
}

criterion_group!(doors, requests, lines);
criterion_main!(doors);
