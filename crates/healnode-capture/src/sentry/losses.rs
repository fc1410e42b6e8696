//! What an SDK says that it did not send: `client_report`.

use healnode_report::limits::COUNT_MAX;

use crate::lenient::{Ends, fields, from_broken_json};
use crate::limits::TEXTS_MAX;
use crate::sentry::Delivery;

/// Reasons that mean a loss.
const LOSSES: &[&str] = &["queue_overflow", "cache_overflow", "ratelimit_backoff", "network_error", "send_error", "backpressure"];

/// Reasons that are the application's own choice.
const CHOICES: &[&str] = &["sample_rate", "before_send", "event_processor"];

/// Categories of what would have become an error.
const CATEGORIES: &[&str] = &["error", "default"];

/// A report of what was not sent.
#[derive(Default)]
pub(crate) struct ClientReport {
    discarded: Ends<Discarded, TEXTS_MAX, 0>,
}

fields!(ClientReport { "discarded_events" => discarded });

#[derive(Default)]
struct Discarded {
    reason: Option<String>,
    category: Option<String>,
    quantity: Option<u64>,
}

fields!(Discarded { "reason" => reason, "category" => category, "quantity" => quantity });

impl ClientReport {
    /// Reads one. What is unreadable says nothing.
    pub(crate) fn read(payload: &[u8]) -> ClientReport {
        from_broken_json(payload).unwrap_or_default()
    }

    /// Adds its counts of errors. Unknown reasons count as the loss `other`; a quantity is bounded as the count of a report is.
    pub(crate) fn add_to(self, delivery: &mut Delivery) {
        *delivery.discarded.entry("client_report").or_default() += 1;
        for entry in self.discarded.0 {
            let category = entry.category.as_deref().unwrap_or_default();
            if !CATEGORIES.contains(&category) {
                continue;
            }
            let reason = entry.reason.as_deref().unwrap_or_default();
            let known = |reasons: &[&'static str]| reasons.iter().find(|known| **known == reason).copied();
            let count = match known(CHOICES) {
                Some(reason) => delivery.choices.entry(reason).or_default(),
                None => delivery.losses.entry(known(LOSSES).unwrap_or("other")).or_default(),
            };
            *count = count.saturating_add(entry.quantity.unwrap_or(0)).min(COUNT_MAX);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn losses_are_told_from_choices_and_from_what_is_not_an_error() {
        let report = br#"{"discarded_events":[{"reason":"queue_overflow","category":"error","quantity":3},
            {"reason":"before_send","category":"error","quantity":2},{"reason":"ratelimit_backoff","category":"transaction","quantity":9},
            {"reason":"new_reason","category":"default","quantity":18446744073709551615},{"reason":null,"quantity":[]},7]}"#;
        let mut delivery = Delivery::default();
        ClientReport::read(report).add_to(&mut delivery);
        assert_eq!(delivery.losses.into_iter().collect::<Vec<_>>(), [("other", COUNT_MAX), ("queue_overflow", 3)]);
        assert_eq!(delivery.choices.into_iter().collect::<Vec<_>>(), [("before_send", 2)]);
    }

    #[test]
    fn garbage_says_nothing() {
        let mut delivery = Delivery::default();
        ClientReport::read(b"\xff[").add_to(&mut delivery);
        assert!(delivery.losses.is_empty() && delivery.choices.is_empty());
    }
}
