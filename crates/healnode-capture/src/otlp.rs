//! What OpenTelemetry exporters send over HTTP: logs and traces, as protobuf or as JSON.
//!
//! Exceptions on log records and on span events become raw errors; all else is counted. Applications may send one exception both ways, so it
//! gets an event id that is the same each time: made of trace, span, type and message. The two formats are read by `otlp/protobuf.rs` and
//! `otlp/json.rs` into the records of `otlp/record.rs`.

mod json;
mod protobuf;
mod record;
mod wire;

use std::collections::{BTreeMap, BTreeSet};

use healnode_report::RawError;

use crate::encoding::{DecodeError, decode};
use crate::limits::{BODY_BYTES_MAX, DECODED_BYTES_MAX, EXPORTED_ERRORS_MAX, HEADER_BYTES_MAX};
use crate::otlp::record::Sink;

/// What is exported.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Signal {
    /// Log records.
    Logs,
    /// Spans with their events.
    Traces,
}

impl Signal {
    /// Reads `/v1/logs` and `/v1/traces`, whatever stands before, with or without a slash at the end. `None` for any other address.
    pub fn of(uri: &str) -> Option<Signal> {
        if uri.len() > HEADER_BYTES_MAX {
            return None;
        }
        let path = uri.split(['?', '#']).next().unwrap_or_default();
        let path = path.strip_suffix('/').unwrap_or(path);
        match () {
            () if path.ends_with("/v1/logs") => Some(Signal::Logs),
            () if path.ends_with("/v1/traces") => Some(Signal::Traces),
            () => None,
        }
    }
}

/// How an export is written, and how its answer has to be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Format {
    /// `application/x-protobuf`.
    Protobuf,
    /// `application/json`.
    Json,
}

impl Format {
    /// Judges by `Content-Type`, and without one by the first byte of the decoded body.
    pub fn of(content_type: Option<&str>, decoded: &[u8]) -> Format {
        match content_type.unwrap_or_default() {
            kind if kind.contains("json") => Format::Json,
            kind if kind.contains("protobuf") => Format::Protobuf,
            _ if decoded.trim_ascii_start().starts_with(b"{") => Format::Json,
            _ => Format::Protobuf,
        }
    }

    /// The `Content-Type` of the answer.
    pub fn content_type(self) -> &'static str {
        match self {
            Format::Protobuf => "application/x-protobuf",
            Format::Json => "application/json",
        }
    }

    /// The answer that says that everything was taken: an empty response message.
    pub fn response(self) -> &'static [u8] {
        match self {
            Format::Protobuf => b"",
            Format::Json => b"{}",
        }
    }
}

/// The parts of a request that matter.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// What the address asks for.
    pub signal: Signal,
    /// `Content-Type`.
    pub content_type: Option<&'a str>,
    /// `Content-Encoding`.
    pub content_encoding: Option<&'a str>,
    /// The body, without the framing of HTTP.
    pub body: &'a [u8],
}

/// What a request brought.
#[derive(Clone, PartialEq, Debug)]
pub struct Export {
    /// How it was written.
    pub format: Format,
    /// The errors. One that belongs to a span has an event id, which is the same each time that it comes; others have none.
    pub errors: Vec<RawError>,
    /// What was passed over, by kind: `log`, `error_log` (at level error, without an exception), `span`, `duplicate`, and `beyond` for errors
    /// beyond the bound.
    pub discarded: BTreeMap<&'static str, u64>,
    /// Whether the body was longer than allowed and its end was not read.
    pub is_cut: bool,
}

/// Why a request brought nothing.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ReceiveError {
    /// It is too long, and the part that may be read has nothing whole. Answer with 413.
    #[error("the body is longer than {BODY_BYTES_MAX} bytes, or {DECODED_BYTES_MAX} after decoding")]
    TooLarge,
    /// It is no export. Answer with 400, which tells the exporter not to try again.
    #[error("the body is no export of logs or traces in the format that its header names")]
    Unreadable,
}

/// Takes a request apart.
///
/// # Errors
/// When nothing in it is readable.
pub fn receive(request: &Request<'_>) -> Result<Export, ReceiveError> {
    let decoded = decode(request.content_encoding, request.body).map_err(|error| match error {
        DecodeError::TooLarge => ReceiveError::TooLarge,
        DecodeError::Unreadable => ReceiveError::Unreadable,
    })?;
    let format = Format::of(request.content_type, &decoded.bytes);
    let mut collected = Collected::default();
    let is_whole = match (format, request.signal) {
        (Format::Protobuf, Signal::Logs) => protobuf::read_logs(&decoded.bytes, &mut collected),
        (Format::Protobuf, Signal::Traces) => protobuf::read_traces(&decoded.bytes, &mut collected),
        (Format::Json, Signal::Logs | Signal::Traces) => json::read(&decoded.bytes, &mut collected),
    };
    let is_empty = collected.errors.is_empty() && collected.discarded.is_empty();
    match (is_whole && !decoded.is_cut, is_empty) {
        (false, true) if decoded.is_cut => Err(ReceiveError::TooLarge),
        (false, true) => Err(ReceiveError::Unreadable),
        _ => Ok(Export { format, errors: collected.errors, discarded: collected.discarded, is_cut: decoded.is_cut }),
    }
}

/// Collects errors within the bound, each once.
#[derive(Default)]
struct Collected {
    errors: Vec<RawError>,
    ids: BTreeSet<String>,
    discarded: BTreeMap<&'static str, u64>,
}

impl Sink for Collected {
    fn error(&mut self, error: RawError) {
        if self.errors.len() == EXPORTED_ERRORS_MAX {
            return self.passed_over("beyond", 1);
        }
        let is_new = error.event_id.as_ref().is_none_or(|id| self.ids.insert(id.clone()));
        if is_new {
            self.errors.push(error);
        } else {
            self.passed_over("duplicate", 1);
        }
    }

    fn passed_over(&mut self, kind: &'static str, count: u64) {
        *self.discarded.entry(kind).or_default() += count;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_names_its_signal() {
        for (uri, signal) in [
            ("/v1/logs", Some(Signal::Logs)),
            ("/v1/traces/", Some(Signal::Traces)),
            ("/otlp/v1/traces?x", Some(Signal::Traces)),
            ("/v1/metrics", None),
            ("v1/logs", None),
            ("", None),
        ] {
            assert_eq!(Signal::of(uri), signal, "{uri}");
        }
    }
}
