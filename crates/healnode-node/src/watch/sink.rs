//! Where what is found goes: to the node, else into the spool.
//!
//! A source that can be read again waits until one of them takes its errors; one that cannot goes on without. Event ids are made from the
//! place in the source, so an error that is delivered again counts once.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures::StreamExt as _;
use healnode_core::{Fingerprint, Report};
use healnode_report::{Admission, RawError};

use super::limits::{DELIVERIES_MAX, RETRY_EVERY};
use crate::config::Config;
use crate::credentials;
use crate::deliver::{DeliverError, PATIENCE, admit, deliver};

/// What was seen while watching.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Watched {
    /// Lines, or entries of the journal.
    pub lines: u64,
    /// Errors that were found and delivered.
    pub errors: u64,
    /// Errors that were found and refused, or lost because a pipe does not wait.
    pub lost: u64,
}

/// Delivers errors.
pub(super) struct Sink {
    config: Config,
    admission: Admission,
    lines: AtomicU64,
    errors: AtomicU64,
    lost: AtomicU64,
}

impl Sink {
    pub(super) fn new(config: Config) -> Self {
        let admission = credentials::admission(&config);
        Self { config, admission, lines: AtomicU64::new(0), errors: AtomicU64::new(0), lost: AtomicU64::new(0) }
    }

    /// What was seen so far.
    pub(super) fn watched(&self) -> Watched {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Watched { lines: read(&self.lines), errors: read(&self.errors), lost: read(&self.lost) }
    }

    /// How many lines before an error are kept with it.
    pub(super) fn context_lines(&self) -> usize {
        self.config.capture.log_context_lines
    }

    /// What an error will be counted as.
    pub(super) fn fingerprint(&self, raw: &RawError) -> Fingerprint {
        self.admission.explain(raw).fingerprint
    }

    /// Notes that lines were read.
    pub(super) fn count_lines(&self, lines: u64) {
        self.lines.fetch_add(lines, Ordering::Relaxed);
    }

    /// What errors are said to be of: what the operator calls it, else what the source does.
    pub(super) fn app(&self, of_source: &str) -> String {
        if self.config.app.is_empty() { of_source.to_owned() } else { self.config.app.clone() }
    }

    /// Delivers errors of a source that can be read again: waits until each is taken or refused for good.
    pub(super) async fn deliver(&self, raws: Vec<RawError>) {
        self.deliver_all(raws, true).await;
    }

    /// Delivers errors of a source that does not wait. What neither the node nor the spool takes is lost.
    pub(super) async fn deliver_now(&self, raws: Vec<RawError>) {
        self.deliver_all(raws, false).await;
    }

    async fn deliver_all(&self, raws: Vec<RawError>, is_patient: bool) {
        let deliveries = raws.into_iter().map(|raw| self.deliver_one(admit(&self.config, &self.admission, raw), is_patient));
        futures::stream::iter(deliveries).buffer_unordered(DELIVERIES_MAX).for_each(|()| std::future::ready(())).await;
    }

    async fn deliver_one(&self, report: Report, is_patient: bool) {
        let mut problem = String::new();
        loop {
            match deliver(&self.config, &report, PATIENCE).await {
                Ok(delivered) => {
                    tracing::debug!(fingerprint = delivered.fingerprint, spooled = delivered.spooled, "an error was found");
                    self.errors.fetch_add(1, Ordering::Relaxed);
                    return;
                }
                Err(DeliverError::Spool(why)) if is_patient => {
                    if problem != why.to_string() {
                        problem = why.to_string();
                        tracing::warn!(problem, "an error waits to be delivered, and the log with it");
                    }
                }
                Err(why) => {
                    self.lost.fetch_add(1, Ordering::Relaxed);
                    tracing::warn!(problem = %why, "an error was found and not delivered");
                    return;
                }
            }
            tokio::time::sleep(RETRY_EVERY).await;
        }
    }
}

/// How long a wait for more may last before a stream counts as silent.
pub(super) fn silence(is_in_line: bool) -> Duration {
    if is_in_line { super::limits::SILENCE_IN_LINE } else { super::limits::SILENCE }
}
