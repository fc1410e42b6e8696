//! Hands the errors of an application to the healnode node on its machine, which counts them across the fleet and files one issue for all.
//!
//! ```
//! use healnode_client::{Client, release};
//!
//! let client = Client::builder().app("shop").release(release!()).environment("production").build()?;
//! # let client = Client::builder().enabled(false).build()?;
//! if let Err(error) = std::fs::read_to_string("/srv/invoices/rates.json") {
//!     client.capture_error(&error);
//! }
//! # Ok::<(), healnode_client::BuildError>(())
//! ```
//!
//! Besides [`Client::capture_error`] there are [`Client::wrap_main`] for a whole program, [`Client::install_panic_hook`], and by feature
//! `capture_anyhow` (`anyhow`), `capture_eyre` (`eyre`), and a layer for `tracing_subscriber` (`tracing`).
//!
//! # What an application can rely on
//!
//! - It does not wait. Capturing copies what is needed and hands it to one background thread, over a queue of 64; what comes while that is full
//!   is dropped and counted, see [`Client::counts`]. Only [`Client::flush`], the end of [`Client::wrap_main`], the end of the last client and a
//!   panic that ends the process wait, the latter three 2 s in all.
//! - It does not fail. No method panics, or changes what the application prints, returns or exits with; a node that is down, slow or broken is
//!   not noticed. Nothing of the library reports itself.
//! - It stays small. Every text, list and queue has a bound; [`limits`] has them all with their reasons. No async runtime is needed or started.
//! - **Nothing leaves the process unredacted**, neither to the node nor to the disk: tokens, passwords, personal data and home directories are
//!   replaced in the background thread, by the same code and rules as on the node. That is why the library depends on `healnode-report`. What
//!   is not redacted cannot be written: only a redacted report can be serialised.
//!
//! # Where errors go
//!
//! To the node's socket. When no node answers within a second, the report is left in the spool of the node's data directory, up to 1,000 of
//! them, and the next node there takes it in; it is counted once whatever happens. A node that did not answer is left alone for 30 s.
//!
//! What the application says of issues, pull requests and fixes are wishes; the node's configuration decides, see [`Builder::repo`].
//!
//! `std::process::exit` ends a program without any of its destructors: call [`Client::flush`] before. What is still on its way when a process
//! ends is lost.
#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test ends at what it did not expect"))]

mod bounded;
mod builder;
mod busy;
mod capture;
mod chain;
mod client;
mod contain;
mod event_id;
mod failure;
mod frames;
mod hook;
mod installed;
#[cfg(feature = "tracing")]
mod layer;
pub mod limits;
mod places;
mod post;
mod queue;
mod ring;
mod spool;
mod worker;

pub use builder::{BuildError, Builder};
pub use client::Client;
pub use event_id::EventId;
pub use failure::{Failure, kind};
pub use installed::capture_error;
#[cfg(feature = "tracing")]
pub use layer::TracingLayer;
pub use queue::Counts;

/// Name and version of the crate that this stands in, as `name@version`.
#[macro_export]
macro_rules! release {
    () => {
        concat!(env!("CARGO_PKG_NAME"), "@", env!("CARGO_PKG_VERSION"))
    };
}
