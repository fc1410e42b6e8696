//! Keeps what the core asked to keep, and gives it back at start.
//!
//! One small API over sled, which no other crate names. A [`Store`] owns one folder, by a lock that it holds for life: records go in with
//! [`Store::append`], which returns once they are on disk, and come back as a [`Snapshot`](healnode_core::Snapshot) from [`Store::open`].
//! What the records mean is the core's matter; how values become bytes is `healnode-wire`'s. `identity` keeps the node's key beside the store.
//!
//! **Every call blocks** on the disk, for milliseconds as a rule and for longer while sled recovers. Call from a thread of your own, never
//! from an async task.
//!
//! # What survives what
//! - *The death of the process*, at any moment, also while opening: everything that an `append` acknowledged is there at the next start.
//! - *A power cut*: sled's flush hands its data to the disk without waiting for it, so the last half second may be missing. Two kinds of
//!   record may not be: reserved sequence numbers, because a number that is used again with other content looks like a cloned identity, and
//!   intents, because a forgotten one can become a second issue. An `append` with either also waits for the disk itself. Numbers are reserved
//!   a thousand at a time, so that is rare.
//! - *A full disk*: `append` says so, and works again once there is room. Nothing acknowledged is lost.
//! - *Damaged files*: `open` says so and leaves every byte as it was. One kind of damage cannot be told from a write that a power cut tore:
//!   the end of sled's log, written since the last start. Then the store opens as it was before that write.

mod changes;
mod engine;
mod error;
mod failure;
mod file;
mod folder;
pub mod identity;
mod keys;
pub mod limits;
mod load;
mod look;
mod store;

pub use error::{AppendError, OpenError, ReadError};
pub use look::{Look, look};
pub use store::Store;
