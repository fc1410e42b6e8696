//! Turns a raw error into a [`Report`]: the only thing that may be stored, sent to a peer, or filed.
//!
//! The way of an error is redact, clip, normalise, fingerprint, and every step is a pure function of its text: no clock,
//! no locale, no environment, no memory of earlier errors. So every node gives the same error the same [`Fingerprint`].
//!
//! [`RawError`] cannot be serialised or displayed, and [`Report::new`] is the only way to make a report. What was stored, or
//! came from a peer, decodes into a `RawError` and is admitted anew; admitting twice changes nothing.
//!
//! ```
//! use healnode_report::{RawError, Report, UnixMillis};
//!
//! let mut raw = RawError::new("ConnectionError", "db at 10.0.0.7:5999 refused root:hunter2@db after 3 tries");
//! raw.app = Some("shop".into());
//! let report = Report::new(raw, UnixMillis(1_795_612_232_000));
//! assert_eq!(report.severity().to_string(), "high");
//! assert_eq!(report.fingerprint().to_string().len(), 64);
//! ```
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod admission;
mod clip;
mod context;
mod fingerprint;
mod frames;
mod grouping;
mod head;
pub mod limits;
mod normalise;
mod raw;
mod redact;
mod report;
mod severity;
mod time;

pub use admission::{Admission, Admitted};
pub use fingerprint::{Algorithm, Algorithms, DEFAULT_PART, Explanation, Fingerprint, FingerprintFormatError, fingerprint};
pub use frames::{Place, in_app_frames, in_app_places, language};
pub use grouping::{Action, Glob, Rule};
pub use head::Head;
pub use normalise::{PLACEHOLDER, normalise};
pub use raw::{RawError, ReportFormatError, System};
pub use redact::{Redactor, RedactorError, RedactorOptions, names_a_secret, redact, redact_argv};
pub use report::Report;
pub use severity::{Severity, SeverityFormatError};
pub use time::{TimeFormatError, UnixMillis};
