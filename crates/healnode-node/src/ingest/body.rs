//! Reads requests' bodies within their bounds of bytes and time, and all together within one.

use std::sync::Arc;
use std::time::Duration;

use healnode_capture::limits::DECODED_BYTES_MAX;
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// How long a body may take. SDKs send theirs at once.
const PATIENCE: Duration = Duration::from_secs(15);

/// Room for all bodies together, in KiB. Whoever finds none waits, and is turned away when the wait is too long.
pub(super) const ROOM_KIB: usize = 32 * 1024;

/// A body, and the room that it takes until it is dropped.
pub(super) struct Body {
    pub(super) bytes: Vec<u8>,
    _room: Option<OwnedSemaphorePermit>,
}

/// Returns a body; of one that is too long a byte more than is allowed, by which it is known. Nothing when it takes too long or breaks off.
pub(super) async fn read(mut incoming: Incoming, room: Arc<Semaphore>) -> Option<Body> {
    let whole = async {
        let mut body = Body { bytes: Vec::new(), _room: None };
        while let Some(frame) = incoming.frame().await {
            let Ok(data) = frame.ok()?.into_data() else { continue };
            let kib = u32::try_from(data.len().div_ceil(1024)).ok()?;
            let permit = room.clone().acquire_many_owned(kib).await.ok()?;
            match &mut body._room {
                Some(held) => held.merge(permit),
                None => body._room = Some(permit),
            }
            let free = (DECODED_BYTES_MAX + 1).saturating_sub(body.bytes.len());
            body.bytes.extend_from_slice(&data[..data.len().min(free)]);
            if body.bytes.len() > DECODED_BYTES_MAX {
                break;
            }
        }
        Some(body)
    };
    tokio::time::timeout(PATIENCE, whole).await.ok().flatten()
}
