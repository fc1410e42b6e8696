//! What hostile input costs in memory. Alone in its process, because the kernel counts by process.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test ends at what it did not expect")]

mod support;

use std::fs;
use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use healnode_capture::limits::DECODED_BYTES_MAX;
use healnode_capture::otlp::{self, Signal};
use healnode_capture::sentry::{Request, receive};
use healnode_capture::text::Finder;

use support::NOW;

/// The most that any input may cost, in KiB: the decoded body, what is made of it, and a second text while a broken one is mended.
const GROWTH_MAX_KIB: u64 = 16 * 1024;

/// The most memory that this process ever had, in KiB.
fn peak_kib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

/// Repeats a piece up to the bound, between a start and an end.
fn filled(start: &str, piece: &str, end: &str) -> String {
    let room = DECODED_BYTES_MAX - start.len() - end.len() - 64;
    format!("{start}{}{end}", piece.repeat(room / piece.len()))
}

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn no_input_costs_more_than_a_few_times_its_bound() {
    let event = "{}\n{\"type\":\"event\"}\n";
    let envelopes = [
        filled(&format!("{event}{{\"exception\":["), "{},", "{}]}"),
        filled(&format!("{event}{{\"exception\":[{{\"stacktrace\":{{\"frames\":["), "{\"function\":\"f\"},", "{}]}}]}"),
        filled(&format!("{event}{{\"breadcrumbs\":["), "{\"message\":\"m\"},", "{}]}"),
        filled(&format!("{event}{{\"threads\":["), "{},", "{}]}"),
        filled(&format!("{event}{{\"tags\":["), "[\"a\",\"b\"],", "[]]}"),
        filled(&format!("{event}{{\"fingerprint\":["), "\"a\",", "\"\"]}"),
        filled(&format!("{event}{{\"contexts\":{{"), "\"a\":{},", "\"b\":{}}}"),
        filled(&format!("{event}{{\"message\":\""), "\u{1}", "\"}"),
        filled(&format!("{event}{{\"message\":\""), "\\ud83d", "\"}"),
        filled(event, "[", ""),
        filled("{}\n", "{\"type\":\"event\"}\n{\"message\":\"m\"}\n", ""),
        filled("{}\n", "{\"type\":\"client_report\"}\n{}\n", ""),
    ];
    let exports = [
        filled("{\"resourceLogs\":[", "{},", "{}]}"),
        filled("{\"resourceLogs\":[{\"scopeLogs\":[{\"logRecords\":[", "{\"severityNumber\":17},", "{}]}]}]}"),
        filled("{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{\"events\":[", "{},", "{}]}]}]}]}"),
        filled("{\"resourceLogs\":[{\"resource\":{\"attributes\":[", "{\"key\":\"os.x\"},", "{}]}}]}"),
        "\u{a}\0".repeat(DECODED_BYTES_MAX / 2),
    ];
    let packed: Vec<Vec<u8>> = envelopes.iter().chain(&exports).map(|text| gzip(text)).collect();
    let before = peak_kib();
    for body in &packed[..envelopes.len()] {
        let request = Request { uri: "/api/1/envelope/", content_encoding: Some("gzip"), body, ..Request::default() };
        let _delivery = receive(&request, NOW);
    }
    for body in &packed[envelopes.len()..] {
        for signal in [Signal::Logs, Signal::Traces] {
            let _export = otlp::receive(&otlp::Request { signal, content_type: None, content_encoding: Some("gzip"), body });
        }
    }
    let mut finder = Finder::default();
    for line in 0..60_000 {
        finder.feed(if line % 20_000 == 0 { "Traceback (most recent call last):" } else { "  File \"a.py\", line 1, in f" });
    }
    let growth = peak_kib() - before;
    assert!(growth < GROWTH_MAX_KIB, "{growth} KiB");
}
