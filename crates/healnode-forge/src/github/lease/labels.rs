//! The lease as labels: `healnode-lease-7` holds the seventh record in its description, and the highest number counts.
//!
//! A label's name is unique, so of several rivals one makes the next. Whoever reads a list that is behind fails at that, because the last few
//! are kept. `healnode-lease`, without a number, says that labels are in use here; see `lease.rs`.

use std::time::Duration;

use healnode_core::{LEASE_SECONDS, LeaseRecord};
use http::Method;
use serde::Deserialize;
use serde_json::json;

use super::keeper::Slot;
use super::{Hindrance, Reading, Written};
use crate::github::GitHub;
use crate::github::exchange::{Failure, Route, parse};
use crate::github::outcome::{Act, Obstacle};

const SENTINEL: &str = "healnode-lease";
const PREFIX: &str = "healnode-lease-";
const SENTINEL_ROUTE: &str = "/labels/healnode-lease";
const COLOR: &str = "ededed";

/// Characters of a label's description, as on GitHub.
const DESCRIPTION_CHARS_MAX: usize = 100;

/// Digits of a label's number. More were not written by healnode.
const DIGITS_MAX: usize = 15;

/// Pages of 100 labels. In a repository with more, labels are no lease.
const PAGES_MAX: usize = 20;

/// How many of the last records are kept, so that a list that is behind leads to a number that is taken.
///
/// 8: a new one is made every few seconds at most, so a list may be half a minute behind.
const KEPT: usize = 8;

/// How many older ones are deleted when a lease is given back. The rest is for the next time.
const TIDIED_MAX: usize = 4;

/// How old the label without a number must be before the numbered ones count, in seconds: whoever took the ref before it was there has lost
/// it by then.
///
/// 105: a lease, and 15 s for a label to be seen everywhere.
const SENTINEL_SECONDS: u64 = LEASE_SECONDS + 15;

/// Why labels are given up where they might be made.
const INVISIBLE: &str = "GitHub refuses or does not show the labels of the lease there";

#[derive(Deserialize)]
struct LabelAnswer {
    name: String,
    description: Option<String>,
}

/// What the labels say.
#[derive(Debug, Default)]
pub(super) struct LabelList {
    /// When the label without a number was made, if it is there; nothing inside if it does not say.
    sentinel: Option<Option<u64>>,
    highest: Option<u64>,
    record: Option<LeaseRecord>,
    generations: Vec<u64>,
}

impl LabelList {
    fn of(labels: &[LabelAnswer]) -> Self {
        let mut list = Self::default();
        for label in labels {
            if label.name.eq_ignore_ascii_case(SENTINEL) {
                list.sentinel = Some(label.description.as_deref().and_then(made_at));
            } else if let Some(generation) = generation_of(&label.name) {
                list.generations.push(generation);
                if list.highest.is_none_or(|highest| generation > highest) {
                    list.highest = Some(generation);
                    list.record = label.description.as_deref().and_then(LeaseRecord::from_line);
                }
            }
        }
        list.generations.sort_unstable();
        list
    }

    pub(super) fn highest(&self) -> Option<u64> {
        self.highest
    }

    pub(super) fn into_reading(self) -> Reading {
        let slot = self.highest.map_or(Slot::Empty, |generation| Slot::Label { generation });
        Reading { slot, record: self.record }
    }
}

impl GitHub {
    /// Tells whether a node that may not use the ref has said so.
    pub(super) async fn labels_are_in_use(&mut self) -> Result<bool, Failure> {
        match self.send(Act::Read, &Method::GET, Route::Repo(SENTINEL_ROUTE), None).await {
            Ok(_) => Ok(true),
            Err(failure) if failure.status() == Some(404) => Ok(false),
            Err(failure) => Err(failure),
        }
    }

    pub(super) async fn list_lease_labels(&mut self) -> Result<LabelList, Hindrance> {
        let mut labels: Vec<LabelAnswer> = Vec::new();
        let mut answer = self.send(Act::Read, &Method::GET, Route::Repo("/labels?per_page=100"), None).await?;
        for _page in 0..PAGES_MAX {
            labels.extend(parse::<Vec<LabelAnswer>>(Act::Read, &answer)?);
            let Some(next) = answer.next_page()? else {
                let list = LabelList::of(&labels);
                self.lease.generations = list.generations.clone();
                return Ok(list);
            };
            answer = self.send(Act::Read, &Method::GET, Route::Root(&next), None).await?;
        }
        Err(Hindrance::Unusable("the repository has too many labels to look through"))
    }

    /// Makes sure that the label without a number is there. Returns how long to wait until the others count.
    pub(super) async fn sentinel_wait(&mut self, list: &LabelList) -> Result<Option<Duration>, Hindrance> {
        let now = self.forge_time()?;
        let Some(made) = list.sentinel else {
            let made = self.make_sentinel(now).await?;
            let waited = self.lease.sentinel_seen.is_some_and(|seen| now.saturating_sub(seen) > SENTINEL_SECONDS);
            if waited && !made {
                return Err(Hindrance::Unusable(INVISIBLE));
            }
            if made || self.lease.sentinel_seen.is_none() {
                self.lease.sentinel_seen = Some(now);
            }
            return Ok(Some(Duration::from_secs(SENTINEL_SECONDS)));
        };
        let seen = *self.lease.sentinel_seen.get_or_insert(now);
        let age = now.saturating_sub(made.map_or(seen, |made| made.min(seen)));
        Ok((age < SENTINEL_SECONDS).then(|| Duration::from_secs(SENTINEL_SECONDS - age)))
    }

    /// Returns whether it was not there before.
    async fn make_sentinel(&mut self, now: u64) -> Result<bool, Failure> {
        let label = json!({ "name": SENTINEL, "color": COLOR, "description": sentinel_text(now) });
        match self.send(Act::Change, &Method::POST, Route::Repo("/labels"), Some(&label)).await {
            // Another node was faster.
            Err(failure) if failure.status() == Some(422) => Ok(false),
            other => other.map(|_answer| true).map_err(super::undecided),
        }
    }

    /// Puts a record after the one in `slot`.
    pub(super) async fn write_label(&mut self, slot: &Slot, record: &LeaseRecord) -> Result<Written, Hindrance> {
        let last = match slot {
            Slot::Label { generation } => *generation,
            Slot::Empty | Slot::Commit { .. } => 0,
        };
        let generation = last.saturating_add(1);
        let line = record.to_line(DESCRIPTION_CHARS_MAX);
        let label = json!({ "name": format!("{PREFIX}{generation}"), "color": COLOR, "description": line });
        match self.send(Act::Change, &Method::POST, Route::Repo("/labels"), Some(&label)).await {
            Ok(_) => Ok(Written::Won(Slot::Label { generation })),
            Err(failure) if matches!(failure.status(), Some(409 | 422)) => match self.lease.is_stuck(slot) {
                true => Err(Hindrance::Unusable(INVISIBLE)),
                false => Ok(Written::Lost),
            },
            Err(Failure { obstacle: Obstacle::Unclear(_), .. }) => self.find_label(generation, record).await,
            Err(failure) => Err(failure.into()),
        }
    }

    /// The answer was lost: the list tells whose label it is.
    async fn find_label(&mut self, generation: u64, record: &LeaseRecord) -> Result<Written, Hindrance> {
        let list = match self.list_lease_labels().await {
            Err(Hindrance::Failed(_)) => {
                let sentence = "GitHub gave no clear answer about the lease, so nothing is created until it can be read.";
                return Err(Failure::new(Obstacle::Unclear(sentence.to_owned())).into());
            }
            other => other?,
        };
        let same = |found: &LeaseRecord| (found.holder, found.until) == (record.holder, record.until);
        let own = list.highest == Some(generation) && list.record.as_ref().is_some_and(same);
        Ok(if own { Written::Won(Slot::Label { generation }) } else { Written::Lost })
    }

    /// Changes what an own label says. It stays the highest unless somebody else has taken the lease, and then nobody reads it.
    pub(super) async fn rewrite_label(&mut self, generation: u64, record: &LeaseRecord) -> Result<Written, Hindrance> {
        let route = format!("/labels/{PREFIX}{generation}");
        let change = json!({ "description": record.to_line(DESCRIPTION_CHARS_MAX) });
        match self.send(Act::Change, &Method::PATCH, Route::Repo(&route), Some(&change)).await {
            Ok(_) => Ok(Written::Won(Slot::Label { generation })),
            Err(failure) if matches!(failure.status(), Some(404 | 422)) => Ok(Written::Lost),
            Err(failure) => Err(failure.into()),
        }
    }

    /// Deletes records that are no longer needed. Whatever goes wrong here can wait.
    pub(super) async fn tidy_labels(&mut self) {
        let generations = std::mem::take(&mut self.lease.generations);
        let old = generations.len().saturating_sub(KEPT);
        for generation in generations.into_iter().take(old.min(TIDIED_MAX)) {
            let route = format!("/labels/{PREFIX}{generation}");
            if let Err(failure) = self.send(Act::Change, &Method::DELETE, Route::Repo(&route), None).await {
                tracing::debug!(generation, obstacle = ?failure.obstacle, "an old label of the lease could not be deleted");
                return;
            }
        }
    }
}

fn generation_of(name: &str) -> Option<u64> {
    let head = name.get(..PREFIX.len())?;
    let digits = &name[PREFIX.len()..];
    let plain = (1..=DIGITS_MAX).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit()) && !digits.starts_with('0');
    (head.eq_ignore_ascii_case(PREFIX) && plain).then(|| digits.parse().ok()).flatten()
}

fn sentinel_text(now: u64) -> String {
    format!("since {now}: nodes of healnode take turns here by labels, see docs/GITHUB.md")
}

fn made_at(description: &str) -> Option<u64> {
    description.strip_prefix("since ")?.split(':').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use healnode_core::{IssueNumber, LeaseNonce};

    use super::*;

    fn label(name: &str, description: &str) -> LabelAnswer {
        LabelAnswer { name: name.to_owned(), description: Some(description.to_owned()) }
    }

    #[test]
    fn the_highest_number_counts_whatever_the_order() {
        let issues = vec![IssueNumber(7)];
        let record = |until| LeaseRecord { holder: LeaseNonce([1; 8]), held: true, until, doubt: None, issues: issues.clone() };
        let list = LabelList::of(&[
            label("healnode-lease-9", &record(9).to_line(100)),
            label("Healnode-Lease-10", &record(10).to_line(100)),
            label("healnode-lease-2", "nonsense"),
            label("healnode-lease-011", &record(11).to_line(100)),
            label("healnode-lease-x", ""),
            label("bug", ""),
            label("healnode-lease", &sentinel_text(1_800_000_000)),
        ]);
        assert_eq!((list.highest, list.generations.as_slice()), (Some(10), [2, 9, 10].as_slice()));
        assert_eq!(list.sentinel, Some(Some(1_800_000_000)));
        assert_eq!(list.record.map(|record| record.until), Some(10));
    }

    #[test]
    fn a_highest_label_that_cannot_be_read_hides_the_ones_below_it() {
        let older = LeaseRecord { holder: LeaseNonce([1; 8]), held: false, until: 1, doubt: None, issues: Vec::new() };
        let list = LabelList::of(&[label("healnode-lease-1", &older.to_line(100)), label("healnode-lease-2", "edited")]);
        assert_eq!((list.highest, list.record.is_some()), (Some(2), false));
    }

    #[test]
    fn what_is_written_fits_into_a_label() {
        let record = LeaseRecord {
            holder: LeaseNonce([255; 8]),
            held: true,
            until: u64::from(u32::MAX),
            doubt: Some(u64::from(u32::MAX)),
            issues: (1..=16).map(|number| IssueNumber(number * 10_000_000)).collect(),
        };
        assert!(record.to_line(DESCRIPTION_CHARS_MAX).len() <= 100);
        assert!(sentinel_text(u64::from(u32::MAX)).len() <= 100);
        assert!(PREFIX.len() + DIGITS_MAX <= 50);
        assert_eq!(made_at(&sentinel_text(12)), Some(12));
        assert_eq!(made_at("made by hand"), None);
    }
}
