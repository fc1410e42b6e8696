//! Whole meshes on this machine's loopback: real sockets, ports that the system chooses, no sleeping.
//!
//! `support` starts nodes and waits for what they tell. `pair` is about two or three nodes, `many` about the shape of a larger mesh, `hostile`
//! about peers that do not keep to the protocol, `quiet` about what must go on while nothing happens.
#![allow(clippy::unwrap_used, clippy::wildcard_enum_match_arm)]

mod hostile;
mod many;
mod pair;
mod quiet;
mod support;
