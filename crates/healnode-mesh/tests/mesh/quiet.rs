//! What must go on while nothing happens.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use healnode_mesh::MeshEvent;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Dispatch, Event, Metadata, Subscriber};

use crate::support::{Node, knowing, loopback, patiently};

/// Counts heartbeats of gossipsub, which says at each that a mesh of two is a small one.
#[derive(Clone, Default)]
struct Heartbeats(Arc<AtomicU32>);

impl Subscriber for Heartbeats {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.is_event() && metadata.target().starts_with("libp2p_gossipsub")
    }

    fn event(&self, event: &Event<'_>) {
        let mut message = Message(String::new());
        event.record(&mut message);
        if message.0.starts_with("HEARTBEAT: Mesh low") {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

struct Message(String);

impl Visit for Message {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            self.0 = format!("{value:?}");
        }
    }
}

/// Without the loop's pump, a quiet node's heartbeat comes every few seconds at best, when a ping happens to wake it.
#[tokio::test]
async fn a_quiet_mesh_keeps_its_heartbeat() {
    let heartbeats = Heartbeats::default();
    // With a single dispatcher, tracing asks the thread that comes to a log line first whether anybody wants it, and here other tests run too.
    let _another_dispatcher = Dispatch::new(Heartbeats::default());
    let _guard = tracing::subscriber::set_default(heartbeats.clone());
    let one = Node::start(1, loopback()).await;
    let mut two = Node::start(2, knowing(&one.addresses[0])).await;
    two.until_event(MeshEvent::PeerUp(one.id)).await;

    // A machine that is busy for a moment. Gossipsub's two timers then fire together; while apart, each wakes the other's poll.
    std::thread::sleep(Duration::from_millis(1500));
    let settled = Instant::now();
    let beats = || heartbeats.0.load(Ordering::Relaxed);
    let before = beats();
    patiently("twelve heartbeats of the two nodes", async {
        let mut look = tokio::time::interval(Duration::from_millis(100));
        while beats() < before + 12 {
            look.tick().await;
        }
    })
    .await;
    assert!(settled.elapsed() < Duration::from_secs(10), "six heartbeats of each node took {:?}", settled.elapsed());
}
