//! Passes a stream through, byte for byte, and shows it to the tail.

use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::sync::watch;

use super::tail::Lines;

/// How long a stream may stay silent once the command has ended. What the command wrote is there by then; a child that it left behind may
/// hold the stream open for ever, and loses it after this.
const SILENCE_MAX: Duration = Duration::from_millis(500);

/// Tells the copies that the command has ended.
pub(super) struct Ended(watch::Sender<bool>);

impl Ended {
    pub(super) fn new() -> Self {
        Self(watch::Sender::new(false))
    }

    pub(super) fn wait(&self) -> watch::Receiver<bool> {
        self.0.subscribe()
    }

    pub(super) fn tell(&self) {
        self.0.send_replace(true);
    }
}

/// Copies until either end closes, or the command has ended and nothing more comes. A reader may be as slow as it likes. When nobody reads the
/// output any more, the command gets to know: its next write fails as well.
pub(super) async fn copy(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    mut lines: Lines,
    mut ended: watch::Receiver<bool>,
) {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let length = tokio::select! {
            biased;
            length = from.read(&mut buffer) => length,
            () = silence_after(&mut ended) => break,
        };
        let Some(length) = length.ok().filter(|length| *length > 0) else { break };
        lines.take(&buffer[..length]);
        if to.write_all(&buffer[..length]).await.is_err() || to.flush().await.is_err() {
            break;
        }
    }
    lines.finish();
}

async fn silence_after(ended: &mut watch::Receiver<bool>) {
    // An error means that nobody can tell any more, which is an end as well.
    drop(ended.wait_for(|ended| *ended).await);
    tokio::time::sleep(SILENCE_MAX).await;
}
