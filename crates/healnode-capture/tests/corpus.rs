//! Asks of every kept input of the fuzzer what the fuzzer asks of new ones. What must hold is in `fuzz/src/lib.rs`.

#![allow(clippy::unwrap_used, reason = "a test ends at what it did not expect")]

#[allow(unreachable_pub, reason = "it is a crate of its own for the fuzzer")]
#[path = "../fuzz/src/lib.rs"]
mod checks;
#[path = "../../healnode-report/tests/support/corpus.rs"]
mod corpus;
mod support;

use std::fs;

use support::{Capture, data};

fn replay(target: &str, check: impl Fn(&[u8])) {
    corpus::replay(env!("CARGO_MANIFEST_DIR"), target, 1, check);
}

#[test]
fn envelopes_hold_what_must_hold() {
    replay("envelope", checks::envelope);
    for name in Capture::names() {
        let capture = Capture::load(&name);
        let choice = match capture.content_encoding.as_deref() {
            Some("gzip") => 2,
            Some("br") => 3,
            Some(_) | None => 0,
        };
        checks::envelope(&[&[choice], capture.body.as_slice()].concat());
    }
}

#[test]
fn older_events_hold_what_must_hold() {
    replay("store", checks::store);
}

#[test]
fn posted_errors_hold_what_must_hold() {
    replay("post", checks::post);
}

#[test]
fn exports_hold_what_must_hold() {
    replay("otlp", checks::otlp);
}

#[test]
fn lines_hold_what_must_hold() {
    replay("lines", checks::lines);
    for entry in fs::read_dir(data().join("output")).unwrap() {
        checks::lines(&fs::read(entry.unwrap().path()).unwrap());
    }
}
