//! Any text, as a message: what redaction and normalisation promise holds.
#![no_main]

#[path = "../../tests/fuzzed/mod.rs"]
mod fuzzed;

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzzed::text(&String::from_utf8_lossy(data)));
