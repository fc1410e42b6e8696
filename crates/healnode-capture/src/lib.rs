//! The protocols of the front doors: bytes and headers in, raw errors and counters out.
//!
//! Four doors share it. [`sentry`] reads what Sentry SDKs and Spotlight send, [`otlp`] what OpenTelemetry exporters send, [`report_error`] what
//! programs without either post, and [`text`] finds stack traces in what a program prints. Nothing here opens a socket, reads a clock or keeps
//! a state beyond one request or one stream of lines, and nothing redacts: that is done by `healnode-report`, which also decides whose code a
//! frame is.
//!
//! Every reader is total: no input makes it panic, its memory is bounded by [`limits`], and its time is linear in the input.
//!
//! ```
//! use healnode_capture::{sentry, text};
//! use healnode_report::UnixMillis;
//!
//! let body = b"{}\n{\"type\":\"event\"}\n{\"exception\":[{\"type\":\"ValueError\",\"value\":\"bad input\"}]}";
//! let request = sentry::Request { uri: "/shop/api/1/envelope/", body, ..sentry::Request::default() };
//! let delivery = sentry::receive(&request, UnixMillis(1_795_612_232_000))?;
//! assert_eq!((delivery.errors[0].app.as_deref(), delivery.errors[0].message.as_str()), (Some("shop"), "bad input"));
//!
//! let printed = "ready\nTraceback (most recent call last):\n  File \"a.py\", line 3, in f\nValueError: bad input";
//! let found = text::find_errors(printed.lines());
//! assert_eq!((found[0].error_type.as_str(), found[0].lines.clone()), ("ValueError", 1..=3));
//! # Ok::<(), sentry::ReceiveError>(())
//! ```
#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod encoding;
mod lenient;
pub mod limits;
pub mod otlp;
pub mod report_error;
pub mod sentry;
pub mod text;
