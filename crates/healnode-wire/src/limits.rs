//! Every bound of a message or a record as bytes, with its reason. What is longer is refused before it is decoded.
//!
//! The bounds of what is inside are `healnode_core::limits` and `healnode_report::limits`; `bounds.rs` applies them.

use healnode_core::limits::{ORIGINS_MAX, PAGE_BYTES_MAX, RUN_BYTES_MAX};

/// Bytes of a run without its statements. Five names and five numbers take 105.
pub const RUN_HEADER_BYTES_MAX: usize = 128;

/// Bytes of a gossiped message. A longer one is dropped and counted.
///
/// One run of as many statements as a run may hold. They need no count of their own: the smallest takes some 200 bytes, so 40 fit.
pub const GOSSIP_BYTES_MAX: usize = RUN_BYTES_MAX + RUN_HEADER_BYTES_MAX;

/// Bytes of an answer, be it a page or a sample. A longer one is dropped and counted.
///
/// A full page whose statements come from as many origins as there may be: 384 KiB.
pub const RESPONSE_BYTES_MAX: usize = PAGE_BYTES_MAX + ORIGINS_MAX * RUN_HEADER_BYTES_MAX;

/// Bytes of a whole report. Its texts at their bounds take some 150 KiB.
pub const SAMPLE_BYTES_MAX: usize = 256 * 1024;

/// Bytes of a record other than a sample. A longer one is taken for damage.
///
/// The largest, an intent, a tally or a statement, takes 4 KiB; the rest is room for what a later version may add.
pub const RECORD_BYTES_MAX: usize = 64 * 1024;

/// Bytes of what is kept of a fix. The diff at its bound takes 32 KiB, two test runs 56 KiB, stages, answer and remarks 50 KiB.
pub const FIX_LOG_BYTES_MAX: usize = 256 * 1024;
