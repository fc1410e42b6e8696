//! Any text, as a report in JSON: what is admitted once is admitted unchanged for ever.
#![no_main]

#[path = "../../tests/fuzzed/mod.rs"]
mod fuzzed;

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzzed::report(&String::from_utf8_lossy(data)));
