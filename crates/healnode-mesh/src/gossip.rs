//! How runs are gossiped: the settings of gossipsub, and how peers are scored.
//!
//! Every setting here answers a way in which the defaults lose messages or peers. They are the same on every node.

use std::time::Duration;

use healnode_core::Run;
use libp2p::PeerId;
use libp2p::gossipsub::{
    Behaviour, ConfigBuilder, IdentTopic, Message, MessageAuthenticity, MessageId, PeerScoreParams, PeerScoreThresholds, PublishError,
    TopicScoreParams, ValidationMode, score_parameter_decay,
};
use libp2p::identity::Keypair;
use sha2::{Digest, Sha256};

use crate::MeshDropReason;
use crate::limits::{ANNOUNCED_IDS_MAX, CONTROL_BYTES_MAX, GOSSIP_RPC_BYTES_MAX};

/// The topic that runs are gossiped on. Another version of runs gets another topic, so that nodes of both can share a mesh.
pub const TOPIC: &str = "healnode/runs/1";

/// The longest run with its signature and framing stays far below the size that kills a link.
const _: () = assert!(2 * healnode_wire::limits::GOSSIP_BYTES_MAX < GOSSIP_RPC_BYTES_MAX);

/// How long a fault of a peer is remembered by its score.
const FAULT_MEMORY: Duration = Duration::from_secs(600);

/// Makes a gossipsub behaviour that is subscribed to [`TOPIC`].
///
/// # Errors
/// Never with the settings of this file, which a test builds.
pub(crate) fn build(keypair: &Keypair) -> Result<Behaviour, String> {
    let config = config().build().map_err(|error| error.to_string())?;
    let mut gossip = Behaviour::new(MessageAuthenticity::Signed(keypair.clone()), config)?;
    gossip.with_peer_score(score_params(), PeerScoreThresholds::default())?;
    gossip.subscribe(&topic()).map_err(|error| error.to_string())?;
    Ok(gossip)
}

pub(crate) fn topic() -> IdentTopic {
    IdentTopic::new(TOPIC)
}

/// Publishes a run. What it returns is a count for `status`, not a failure: anti-entropy brings what gossip could not.
pub(crate) fn publish(gossip: &mut Behaviour, run: &Run) -> Option<MeshDropReason> {
    let bytes = healnode_wire::encode_run(run);
    if bytes.len() > healnode_wire::limits::GOSSIP_BYTES_MAX {
        return Some(MeshDropReason::TooLong);
    }
    match gossip.publish(topic(), bytes) {
        Ok(_) => None,
        Err(PublishError::NoPeersSubscribedToTopic) => Some(MeshDropReason::NoPeers),
        Err(PublishError::AllQueuesFull(_) | PublishError::Duplicate) => Some(MeshDropReason::PeerBusy),
        Err(PublishError::MessageTooLarge) => Some(MeshDropReason::TooLong),
        Err(error @ (PublishError::SigningError(_) | PublishError::TransformFailed(_))) => {
            tracing::error!(%error, "a run could not be published");
            Some(MeshDropReason::Malformed)
        }
    }
}

fn config() -> ConfigBuilder {
    let mut config = ConfigBuilder::default();
    config
        .validation_mode(ValidationMode::Strict)
        .validate_messages()
        .message_id_fn(message_id)
        .heartbeat_interval(Duration::from_secs(1))
        .heartbeat_initial_delay(Duration::from_millis(100))
        .mesh_n(4)
        .mesh_n_low(2)
        .mesh_n_high(64)
        .mesh_outbound_min(1)
        .flood_publish(true)
        .duplicate_cache_time(Duration::from_secs(300))
        .history_length(12)
        .history_gossip(6)
        .max_transmit_size(GOSSIP_RPC_BYTES_MAX)
        .max_control_message_size(CONTROL_BYTES_MAX)
        .max_control_messages_sent(ANNOUNCED_IDS_MAX);
    config
}

/// Names a message by its publisher and the publisher's number for it: 20 bytes.
///
/// By content, the same run published again after a full queue would pass for a duplicate and never be sent; and long ids fill the
/// announcements (see [`CONTROL_BYTES_MAX`]).
fn message_id(message: &Message) -> MessageId {
    let mut hash = Sha256::new();
    hash.update(message.source.map(PeerId::to_bytes).unwrap_or_default());
    hash.update(message.sequence_number.unwrap_or_default().to_be_bytes());
    MessageId::new(&hash.finalize()[..20])
}

/// Scores nothing but faults: messages that no honest node passes on, and breaches of gossipsub's own rules.
///
/// One invalid message costs 20 and a place in the mesh, two cost 80 and what is published, three silence the peer, until
/// [`FAULT_MEMORY`] has passed. Off are the rules that punish honest peers: for sharing an address (containers, NAT), for delivering little
/// on a quiet topic, for being slow. Nothing earns credit, or a peer that behaved for an hour could misbehave for a while.
fn score_params() -> PeerScoreParams {
    let topic_params = TopicScoreParams {
        topic_weight: 1.0,
        time_in_mesh_weight: 0.0,
        first_message_deliveries_weight: 0.0,
        mesh_message_deliveries_weight: 0.0,
        mesh_failure_penalty_weight: 0.0,
        invalid_message_deliveries_weight: -20.0,
        invalid_message_deliveries_decay: score_parameter_decay(FAULT_MEMORY),
        ..TopicScoreParams::default()
    };
    PeerScoreParams {
        topics: [(topic().hash(), topic_params)].into(),
        ip_colocation_factor_weight: 0.0,
        slow_peer_weight: 0.0,
        behaviour_penalty_threshold: 6.0,
        ..PeerScoreParams::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(source: PeerId, sequence_number: u64) -> Message {
        Message { source: Some(source), data: vec![1], sequence_number: Some(sequence_number), topic: topic().hash() }
    }

    #[test]
    fn the_settings_keep_the_order_that_gossipsub_does_not_check() {
        let config = config().build().unwrap();
        assert!(config.mesh_outbound_min() <= config.mesh_n_low() && config.mesh_n_low() <= config.mesh_n());
        assert!(config.mesh_n() <= config.mesh_n_high() && 2 * config.mesh_outbound_min() <= config.mesh_n());
        assert!(config.history_gossip() <= config.history_length());
        assert!(config.validate_messages() && config.flood_publish());
    }

    #[test]
    fn the_scores_are_valid_and_forgive_what_honest_peers_do() {
        let params = score_params();
        assert_eq!(params.validate(), Ok(()));
        assert_eq!(params.ip_colocation_factor_weight, 0.0);
        let topic_params = &params.topics[&topic().hash()];
        assert_eq!((topic_params.mesh_message_deliveries_weight, topic_params.mesh_failure_penalty_weight), (0.0, 0.0));
        assert!(topic_params.invalid_message_deliveries_weight < 0.0);
    }

    #[test]
    fn a_full_announcement_fits_a_receiver_with_default_limits() {
        let id_bytes = message_id(&message(PeerId::random(), 1)).0.len() + 2;
        assert!(ANNOUNCED_IDS_MAX * id_bytes < 16 * 1024);
    }

    #[test]
    fn equal_runs_get_different_ids() {
        let (one, other) = (PeerId::random(), PeerId::random());
        assert_ne!(message_id(&message(one, 1)), message_id(&message(one, 2)));
        assert_ne!(message_id(&message(one, 1)), message_id(&message(other, 1)));
        assert_eq!(message_id(&message(one, 1)), message_id(&message(one, 1)));
    }

    #[test]
    fn the_behaviour_can_be_built() {
        assert!(build(&Keypair::generate_ed25519()).is_ok());
    }
}
