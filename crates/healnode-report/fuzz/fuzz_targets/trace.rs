//! Any text, as a stack trace: it is read without a panic, and its frames are within their bounds.
#![no_main]

#[path = "../../tests/fuzzed/mod.rs"]
mod fuzzed;

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzzed::trace(&String::from_utf8_lossy(data)));
