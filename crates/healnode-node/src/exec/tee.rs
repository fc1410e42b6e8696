//! Passes a stream through, byte for byte, and shows it to the tail.

use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::task::JoinSet;

use super::tail::{Lines, SharedTail};

/// How long to read on after the command has ended: a child that it left behind may hold its streams open for ever.
const DRAIN_PATIENCE: Duration = Duration::from_millis(500);

/// Copies until either end closes. When nobody reads the output any more, the command gets to know: its next write fails as well.
pub(super) async fn copy(mut from: impl AsyncRead + Unpin, mut to: impl AsyncWrite + Unpin, tail: SharedTail) {
    let mut lines = Lines::new(tail);
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(length) = from.read(&mut buffer).await {
        if length == 0 {
            break;
        }
        lines.take(&buffer[..length]);
        if to.write_all(&buffer[..length]).await.is_err() || to.flush().await.is_err() {
            break;
        }
    }
    lines.finish();
}

/// Waits until everything the command wrote is passed on.
pub(super) async fn finish(tees: &mut JoinSet<()>) {
    let all = async { while tees.join_next().await.is_some() {} };
    if tokio::time::timeout(DRAIN_PATIENCE, all).await.is_err() {
        tees.shutdown().await;
    }
}
