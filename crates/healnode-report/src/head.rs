//! What every node may know of an error without having seen it.
//!
//! A head travels by gossip and is kept by every node. It holds no raw text: the message in it is redacted, normalised and
//! short. The full report stays on the node that captured it.

use serde::{Deserialize, Serialize};

use crate::clip::line;
use crate::limits::{ERROR_TYPE_BYTES_MAX, HEAD_MESSAGE_BYTES_MAX, NAME_BYTES_MAX};
use crate::severity::Severity;

/// The gossiped part of a report.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct Head {
    /// Type of the error, on one line, up to [`ERROR_TYPE_BYTES_MAX`] bytes.
    pub error_type: String,
    /// Normalised message, on one line, up to [`HEAD_MESSAGE_BYTES_MAX`] bytes.
    pub message: String,
    /// How bad it is.
    pub severity: Severity,
    /// Name of the deployment, or empty.
    pub app: String,
    /// Release of the deployment, or empty.
    pub release: String,
    /// What tells its frames from others', or 0 when it has none: errors of one type and one place are alike.
    #[serde(default, skip_serializing_if = "is_none")]
    pub frames: u64,
}

fn is_none(frames: &u64) -> bool {
    *frames == 0
}

impl Head {
    /// Redacts and clips a head that came from elsewhere. What an honest node made is returned unchanged.
    pub fn admit(self) -> Head {
        Head {
            error_type: line(&self.error_type, ERROR_TYPE_BYTES_MAX).text,
            message: line(&self.message, HEAD_MESSAGE_BYTES_MAX).text,
            severity: self.severity,
            app: line(&self.app, NAME_BYTES_MAX).text,
            release: line(&self.release, NAME_BYTES_MAX).text,
            frames: self.frames,
        }
    }
}
