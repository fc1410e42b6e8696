//! What came through the HTTP door, in numbers. Only names that `healnode-capture` knows are counted under, so there are few.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};

use healnode_capture::{otlp, sentry};
use serde_json::{Value, json};

/// Counts since the start.
pub(crate) struct Counters {
    address: SocketAddr,
    counts: Mutex<Counts>,
}

#[derive(Default)]
struct Counts {
    kept: u64,
    shed: u64,
    messages: u64,
    discarded: BTreeMap<&'static str, u64>,
    lost: BTreeMap<&'static str, u64>,
}

impl Counters {
    pub(super) fn new(address: SocketAddr) -> Self {
        Self { address, counts: Mutex::default() }
    }

    /// An error is durable.
    pub(super) fn kept(&self) {
        self.change(|counts| counts.kept += 1);
    }

    /// An error could not be kept.
    pub(super) fn shed(&self) {
        self.change(|counts| counts.shed += 1);
    }

    pub(super) fn delivered(&self, delivery: &sentry::Delivery) {
        self.change(|counts| {
            counts.messages += delivery.messages;
            add(&mut counts.discarded, &delivery.discarded);
            add(&mut counts.lost, &delivery.losses);
        });
    }

    pub(super) fn exported(&self, export: &otlp::Export) {
        self.change(|counts| add(&mut counts.discarded, &export.discarded));
    }

    fn change(&self, change: impl FnOnce(&mut Counts)) {
        change(&mut self.counts.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Returns them for `status`: where the door is, what was taken, what was passed over, and what applications say that they lost
    /// themselves.
    pub(crate) fn view(&self) -> Value {
        let counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        json!({
            "http": self.address.to_string(),
            "errors": counts.kept,
            "messages": counts.messages,
            "turned_away": counts.shed,
            "discarded": counts.discarded,
            "lost_by_applications": counts.lost,
        })
    }
}

fn add(sum: &mut BTreeMap<&'static str, u64>, counts: &BTreeMap<&'static str, u64>) {
    for (name, count) in counts {
        let total = sum.entry(name).or_default();
        *total = total.saturating_add(*count);
    }
}
