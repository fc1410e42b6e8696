//! Small clusters of one to three nodes, wired by hand: what one node decides, and what a few of them make of it.
//!
//! `mesh.rs` is the wiring. Faults by the thousand are `healnode-sim`'s.
#![allow(clippy::unwrap_used)]

mod counting;
mod filing;
mod fixing;
mod hostile;
mod lifecycle;
mod mesh;
mod order;
mod patterns;
mod pulls;
mod rollback;
mod upgrade;
