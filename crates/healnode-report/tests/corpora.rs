//! Goes through the corpora of the fuzz targets: inputs that reach different code, and those that once broke something.

mod fuzzed;

use std::fs;
use std::path::Path;

fn replay(target: &str, check: fn(&str)) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let mut count = 0;
    for entry in fs::read_dir(&folder).expect("the corpus is there") {
        let path = entry.expect("a file").path();
        let text = String::from_utf8_lossy(&fs::read(&path).expect("it can be read")).into_owned();
        eprintln!("{}", path.display());
        check(&text);
        count += 1;
    }
    assert!(count >= 20, "the corpus of {target} has {count} inputs");
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
