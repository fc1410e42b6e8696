//! Two or three real nodes and a forge, in every order in which things can happen.
//!
//! The nodes are [`healnode_core::Node`]s, unchanged, each with what it keeps on disk. Around them is as little as decides who files: the runs
//! in flight between them, the forge with its lease and its issues, the calls under way, and the time. `stateright` takes every step that is
//! possible in every state that can be reached, within [`Bounds`], and holds each state against the promises in `protocol.rs`.
//!
//! States are compared as they are, clocks and sequence numbers included, by a hash of 64 bits: nothing is abstracted away, and the space is
//! finite because faults are counted and time ends. Time jumps from one moment at which something happens by itself to the next; timers are
//! never late, all clocks agree, and a call is carried out in no time unless it is late. Of the forge it is assumed that a create takes effect
//! within [`LEASE_LEFT_MIN`](healnode_core::LEASE_LEFT_MIN) or never, and that a list lags by 15 s at most.
//!
//! Not modelled: bytes, signatures, rate limits, refused tokens, clocks that are wrong, disks that are lost (see `healnode-sim`), and the
//! exchanges that make up one call to the forge (see `healnode-forge`).

mod action;
mod bounds;
mod calm;
mod forge;
mod member;
mod protocol;
mod state;

pub use action::Action;
pub use bounds::{Bounds, Defect, Faults, large_bounds};
pub use protocol::{Outcome, Protocol, check, find_fault};
pub use state::State;
