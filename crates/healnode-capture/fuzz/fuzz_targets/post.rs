//! Feeds `post` with what the fuzzer makes up. What must hold is in `src/lib.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| healnode_capture_fuzz::post(input));
