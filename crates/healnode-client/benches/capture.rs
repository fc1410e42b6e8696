//! What capturing costs the thread that captures: `cargo bench -p healnode-client --all-features`.

use criterion::{criterion_group, criterion_main};
fn none(_: &mut criterion::Criterion) {}
criterion_group!(benches, none);
criterion_main!(benches);
