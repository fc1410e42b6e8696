//! Small clusters of one to three nodes, wired by hand: what one node decides, and what a few of them make of it.
//!
//! `mesh.rs` is the wiring. Faults by the thousand are `healnode-sim`'s.

mod counting;
mod filing;
mod fixing;
mod hostile;
mod lifecycle;
mod mesh;
mod order;
mod pulls;
mod upgrade;
