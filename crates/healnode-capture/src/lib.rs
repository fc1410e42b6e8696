//! The protocols of the front doors: bytes and headers in, raw errors and counters out.
//!
//! Three doors share it. [`sentry`] reads what Sentry SDKs and Spotlight send, [`otlp`] what OpenTelemetry exporters send, and [`text`] finds
//! stack traces in what a program prints. Nothing here opens a socket, reads a clock or keeps a state beyond one request or one stream of
//! lines, and nothing redacts: that is done by `healnode-report`, which also decides whose code a frame is.
//!
//! Any input is total: no panic, memory bounded by [`limits`], time linear in the input.
#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod encoding;
mod lenient;
pub mod limits;
pub mod otlp;
pub mod sentry;
pub mod text;
