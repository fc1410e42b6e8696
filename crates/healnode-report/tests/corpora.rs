//! Goes through the corpora of the fuzz targets: inputs that reach different code, and those that once broke something.

#[path = "support/corpus.rs"]
mod corpus;
mod fuzzed;

/// How many inputs each corpus has at least.
const COUNT_MIN: usize = 20;

fn replay(target: &str, check: fn(&str)) {
    corpus::replay(env!("CARGO_MANIFEST_DIR"), target, COUNT_MIN, |input| check(&String::from_utf8_lossy(input)));
}

#[test]
fn what_redaction_and_normalisation_promise_holds_for_every_text_kept() {
    replay("text", fuzzed::text);
}

#[test]
fn every_trace_kept_is_read() {
    replay("trace", fuzzed::trace);
}

#[test]
fn every_report_kept_is_admitted_once_and_for_ever() {
    replay("report", fuzzed::report);
}
