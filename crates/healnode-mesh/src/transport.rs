//! How bytes get from one node to another: TCP, and QUIC where there is no swarm key; names are looked up.
//!
//! On TCP the swarm key comes first, so that without it not even a handshake can be read; then noise, then yamux. QUIC has no place for a
//! swarm key.

use libp2p::core::muxing::StreamMuxerBox;
use libp2p::core::transport::{Boxed, OrTransport, Transport};
use libp2p::core::upgrade::Version;
use libp2p::dns::{ResolverConfig, ResolverOpts};
use libp2p::identity::Keypair;
use libp2p::pnet::PnetConfig;
use libp2p::{PeerId, dns, noise, quic, tcp, yamux};

use crate::limits::{HANDSHAKE_WAIT, QUIC_CONNECTION_BYTES_MAX, QUIC_STREAM_BYTES_MAX, STREAMS_MAX};
use crate::{SwarmKey, Transports};

type Connections = Boxed<(PeerId, StreamMuxerBox)>;

/// The key cannot be used for a noise handshake.
pub(crate) type KeyError = noise::Error;

impl Transports {
    /// Returns what a network with this key, or without one, can speak.
    pub fn with(swarm_key: Option<&SwarmKey>) -> Self {
        if swarm_key.is_some() { Transports::TcpOnly } else { Transports::TcpAndQuic }
    }
}

/// Returns the whole transport. A machine without a resolver configuration still reaches numeric addresses; its name lookups fail.
pub(crate) fn build(keypair: &Keypair, swarm_key: Option<&SwarmKey>) -> Result<Connections, KeyError> {
    match dns::tokio::Transport::system(connections(keypair, swarm_key)?) {
        Ok(named) => Ok(named.boxed()),
        Err(error) => {
            tracing::warn!(%error, "no resolver configuration: bootstrap addresses with a name cannot be reached");
            let unnamed = connections(keypair, swarm_key)?;
            Ok(dns::tokio::Transport::custom(unnamed, ResolverConfig::default(), ResolverOpts::default()).boxed())
        }
    }
}

fn connections(keypair: &Keypair, swarm_key: Option<&SwarmKey>) -> Result<Connections, KeyError> {
    let noise = noise::Config::new(keypair)?;
    let tcp = tcp::tokio::Transport::new(tcp::Config::default().nodelay(true));
    match swarm_key.map(SwarmKey::pre_shared_key) {
        Some(key) => Ok(secure(tcp.and_then(move |stream, _| PnetConfig::new(key).handshake(stream)), noise)),
        None => Ok(OrTransport::new(quic(keypair), secure(tcp, noise)).map(|either, _| either.into_inner()).boxed()),
    }
}

/// Authenticates and multiplexes a stream of bytes, all of it within [`HANDSHAKE_WAIT`].
fn secure<T>(streams: T, noise: noise::Config) -> Connections
where
    T: Transport<Dial: Send, ListenerUpgrade: Send, Error: Send + Sync> + Send + Unpin + 'static,
    T::Output: futures::AsyncRead + futures::AsyncWrite + Send + Unpin + 'static,
{
    let mut yamux = yamux::Config::default();
    yamux.set_max_num_streams(STREAMS_MAX as usize);
    streams.upgrade(Version::V1Lazy).authenticate(noise).multiplex(yamux).timeout(HANDSHAKE_WAIT).boxed()
}

fn quic(keypair: &Keypair) -> Connections {
    let mut config = quic::Config::new(keypair);
    config.handshake_timeout = HANDSHAKE_WAIT;
    config.max_concurrent_stream_limit = STREAMS_MAX;
    config.max_stream_data = QUIC_STREAM_BYTES_MAX;
    config.max_connection_data = QUIC_CONNECTION_BYTES_MAX;
    quic::tokio::Transport::new(config).map(|(peer, muxer), _| (peer, StreamMuxerBox::new(muxer))).boxed()
}
