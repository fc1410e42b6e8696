//! One libp2p swarm: publishes runs, hands over verified runs and peer changes.
//!
//! [`Mesh::bind`] opens the listeners, [`Mesh::run`] owns the swarm until its commands close. What comes out of a [`MeshEvent`] has been
//! checked: its size, its bounds, and the signature of every statement in it. Gossip may lose messages in silence and for good; whoever
//! uses this asks peers for what is missing, on every [`MeshEvent::PeerUp`] and from time to time. Knows nothing of issues, and keeps
//! nothing on disk.

mod address;
mod backoff;
mod behaviour;
mod book;
mod codec;
mod config;
mod dialler;
mod event;
mod gossip;
mod identity;
mod introduction;
pub mod limits;
mod mesh;
mod outbox;
mod requests;
mod roster;
mod swarm_key;
mod transport;
mod verify;

pub use address::{AddressError, BootstrapAddress, ListenAddress, Transports, parse_bootstrap, parse_listen};
pub use behaviour::{PEERS_PROTOCOL, PROTOCOL_VERSION, PULL_PROTOCOL};
pub use config::MeshConfig;
pub use event::{MeshAnswer, MeshCommand, MeshDropReason, MeshEvent, MeshResponse};
pub use gossip::TOPIC;
pub use identity::{Identity, verify};
pub use mesh::{Mesh, MeshError};
pub use swarm_key::{SwarmKey, SwarmKeyError};
