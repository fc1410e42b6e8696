//! Many real nodes in virtual time, with faults, checks and replay.
//!
//! The nodes are `healnode-core`'s, unchanged; the network, the disks, the clocks, the forge and the applications are modelled here, one
//! file each. A run is a [`Config`] and a seed: the same two give the same run, event for event, which the digest at the end shows. It has two halves: in the
//! first everything breaks, in the second everything heals and agreement is demanded, because safety alone is satisfied by a system that does nothing.

mod checks;
mod config;
mod demand;
mod dice;
mod edge;
mod excuses;
mod forge;
mod hostile;
mod load;
mod machine;
mod network;
mod oracle;
mod outcome;
mod people;
mod plan;
mod pulls;
mod queue;
mod world;

pub use config::{Config, Fault, Faults, ForgeKind, Protection, UnknownFault};
pub use outcome::{Comments, Duplicates, Outcome, Seen};
pub use world::run;
