//! Reads a request's body within its bounds of bytes and time.

use std::time::Duration;

use healnode_capture::limits::BODY_BYTES_MAX;
use http_body_util::BodyExt as _;
use hyper::body::Incoming;

/// How long a body may take. SDKs send theirs at once.
const PATIENCE: Duration = Duration::from_secs(15);

/// Returns a body, of one that is too long a byte more than is allowed, by which it is known. Nothing when it takes too long or breaks off.
pub(super) async fn read(mut body: Incoming) -> Option<Vec<u8>> {
    let whole = async {
        let mut bytes = Vec::new();
        while let Some(frame) = body.frame().await {
            let Ok(data) = frame.ok()?.into_data() else { continue };
            let room = (BODY_BYTES_MAX + 1).saturating_sub(bytes.len());
            bytes.extend_from_slice(&data[..data.len().min(room)]);
            if bytes.len() > BODY_BYTES_MAX {
                break;
            }
        }
        Some(bytes)
    };
    tokio::time::timeout(PATIENCE, whole).await.ok().flatten()
}
