//! What must hold for every input. The fuzz targets ask it of new inputs, `tests/corpus.rs` of those that were kept.
//!
//! The first byte of an input chooses the encoding or the format, so that one corpus reaches all of them.

use healnode_capture::limits::{
    DECODED_BYTES_MAX, EVENTS_MAX, EXPORTED_ERRORS_MAX, LOG_LINES_MAX, POSTED_MESSAGE_CHARACTERS_MAX, POSTED_STACK_CHARACTERS_MAX,
    STACK_BYTES_MAX,
};
use healnode_capture::otlp::{self, Signal};
use healnode_capture::report_error::{self, Address};
use healnode_capture::sentry::{self, Request};
use healnode_capture::text::{Finder, find_errors};
use healnode_report::{RawError, Report, UnixMillis};

const NOW: UnixMillis = UnixMillis(1_795_612_232_000);

const ENCODINGS: [Option<&str>; 6] = [None, Some(""), Some("gzip"), Some("br"), Some("deflate"), Some("zstd")];

/// An envelope, in any encoding.
pub fn envelope(input: &[u8]) {
    sentry(input, "/app/api/1/envelope/?sentry_key=k");
}

/// An event for the older endpoint, in any encoding.
pub fn store(input: &[u8]) {
    sentry(input, "/api/1/store/");
}

fn sentry(input: &[u8], uri: &str) {
    let Some((choice, body)) = input.split_first() else {
        return;
    };
    let content_encoding = ENCODINGS[usize::from(*choice) % ENCODINGS.len()];
    let request = Request { uri, content_encoding, body, ..Request::default() };
    let Ok(delivery) = sentry::receive(&request, NOW) else {
        return;
    };
    assert!(delivery.errors.len() <= EVENTS_MAX);
    assert!(delivery.event_id.as_ref().is_none_or(|id| id.len() == 32));
    assert!(delivery.errors.iter().all(|raw| raw.logs.len() <= LOG_LINES_MAX));
    delivery.errors.into_iter().for_each(admit);
}

/// An error that is posted without an SDK, in any encoding.
pub fn post(input: &[u8]) {
    let Some((choice, body)) = input.split_first() else {
        return;
    };
    let content_encoding = ENCODINGS[usize::from(*choice) % ENCODINGS.len()];
    if let Ok(posted) = report_error::receive(Address::default(), content_encoding, body) {
        assert!(posted.error.message.chars().count() <= POSTED_MESSAGE_CHARACTERS_MAX);
        assert!(posted.error.stack.as_ref().is_none_or(|stack| stack.chars().count() <= POSTED_STACK_CHARACTERS_MAX + 100));
        admit(posted.error);
    }
}

/// An export, of either signal and in either format.
pub fn otlp(input: &[u8]) {
    let Some((choice, body)) = input.split_first() else {
        return;
    };
    let signal = if choice & 1 == 0 { Signal::Logs } else { Signal::Traces };
    let content_type = [None, Some("application/json"), Some("application/x-protobuf"), None][usize::from(choice >> 1) % 4];
    let content_encoding = (choice & 8 != 0).then_some("gzip");
    let Ok(export) = otlp::receive(&otlp::Request { signal, content_type, content_encoding, body }) else {
        return;
    };
    assert!(export.errors.len() <= EXPORTED_ERRORS_MAX);
    export.errors.into_iter().for_each(admit);
}

/// Lines that a program printed, at once and with silence after every one.
pub fn lines(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let count = text.lines().count() as u64;
    for found in find_errors(text.lines()) {
        assert!(found.lines.start() <= found.lines.end() && *found.lines.end() < count);
        assert!(found.stack.as_ref().is_none_or(|stack| stack.len() <= 2 * STACK_BYTES_MAX));
        admit(found.into_raw());
    }
    let mut finder = Finder::default();
    for line in text.lines() {
        finder.feed(line).into_iter().chain(finder.flush()).for_each(|found| assert!(*found.lines.end() < count));
    }
}

/// An error has a type, holds no more than its input could give, and becomes a report.
fn admit(raw: RawError) {
    assert!(!raw.error_type.is_empty());
    assert!(raw.message.len() <= 2 * DECODED_BYTES_MAX);
    let report = Report::new(raw, NOW);
    assert!(report.message().len() <= healnode_report::limits::MESSAGE_BYTES_MAX);
}
