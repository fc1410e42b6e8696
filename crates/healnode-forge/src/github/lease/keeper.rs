//! What this process knows of the lease between two calls.
//!
//! Which register is in use, what is held since when, what has yet to be written into the next record, and which issues a list must show.
//! Sends nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use healnode_core::limits::{LEASE_ISSUES_MAX, LOOK_AGAIN_AFTER};
use healnode_core::{IssueNumber, LEASE_LEFT_MIN, LEASE_RENEWED_BELOW, LEASE_SECONDS, LeaseNonce, LeaseRecord};
use tokio::time::Instant;

use super::Reading;
use crate::LeaseDescription;
use crate::github::clock::Moment;

/// How long a token that may write nothing is believed to stay so. Rights can be granted while the node runs.
const HOPELESS_FOR: Duration = Duration::from_secs(3600);

/// How long the successor of one slot may be refused before the register is given up. What is new may not be visible everywhere at once.
const STUCK_FOR: Duration = Duration::from_secs(60);

/// Numbers that are remembered as not to be asked for again. Of more, the oldest are forgotten, and asked for once more if a record names
/// them.
const PASSED_OVER_MAX: usize = 4 * LEASE_ISSUES_MAX;

/// What keeps two nodes from creating at once.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum LeaseKind {
    /// The best that the token's rights allow: a git ref, else labels, else nothing.
    #[default]
    Ref,
    /// Labels, else nothing.
    Label,
    /// Nothing but the order of turns among nodes that hear each other.
    None,
}

/// Where a record stands in its register.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Slot {
    /// There was never one.
    Empty,
    /// The commit that the ref points to, and that commit's tree.
    Commit { sha: String, tree: String },
    /// The label with this number.
    Label { generation: u64 },
}

/// A lease that was taken.
#[derive(Clone, Debug)]
pub(super) struct Held {
    pub(super) slot: Slot,
    pub(super) record: LeaseRecord,
    /// How long it lasts, counted from `since`.
    pub(super) granted: Duration,
    /// Before the request that took it was sent.
    pub(super) since: Moment,
}

/// What is known of the lease on one repository.
#[derive(Debug)]
pub(crate) struct Keeper {
    nonce: LeaseNonce,
    setting: LeaseKind,
    kind: LeaseKind,
    tried: bool,
    /// Why a lesser kind is in use than the setting asks for.
    fallen_back: Option<(&'static str, Instant)>,
    /// Reasons that the log has already.
    told: BTreeSet<&'static str>,
    held: Option<Held>,
    /// Up to when creates may have been sent without a known outcome, as long as no record says so.
    owed_doubt: Option<u64>,
    create_under_way: bool,
    /// The issues created last by anybody, at most [`LEASE_ISSUES_MAX`].
    recent: BTreeSet<IssueNumber>,
    /// Numbers of issues that are another account's, or without a marker.
    foreign: BTreeSet<IssueNumber>,
    gone: BTreeSet<IssueNumber>,
    /// Numbers that could not be found, and since when.
    missing: BTreeMap<IssueNumber, Instant>,
    /// A slot whose successor is refused although nobody seems to have taken it, and since when.
    stuck: Option<(Slot, Instant)>,
    /// What was written there that is no record, and how long it is respected.
    strange: Option<(Slot, u64)>,
    /// The commit that was read or written last. Commits never change.
    pub(super) commit: Option<(Slot, Option<LeaseRecord>)>,
    /// When the label that says that labels are in use was first seen, by GitHub's clock.
    pub(super) sentinel_seen: Option<u64>,
    /// Numbers of labels to be tidied away, highest last.
    pub(super) generations: Vec<u64>,
}

impl Keeper {
    pub(crate) fn new(setting: LeaseKind) -> Self {
        Self {
            nonce: LeaseNonce(rand::random()),
            setting,
            kind: setting,
            tried: false,
            fallen_back: None,
            told: BTreeSet::new(),
            held: None,
            owed_doubt: None,
            create_under_way: false,
            recent: BTreeSet::new(),
            foreign: BTreeSet::new(),
            gone: BTreeSet::new(),
            missing: BTreeMap::new(),
            stuck: None,
            strange: None,
            commit: None,
            sentinel_seen: None,
            generations: Vec::new(),
        }
    }

    /// Takes over what an earlier forge of this process held and owes. What its token could not do, another one may.
    pub(crate) fn inherit(&mut self, previous: Self, same_repository: bool) {
        let setting = self.setting;
        if !same_repository {
            *self = Self { nonce: previous.nonce, ..Self::new(setting) };
            return;
        }
        let goes_on = previous.held.is_some();
        *self = Self { setting, ..previous };
        if !goes_on {
            (self.kind, self.tried, self.fallen_back) = (setting, false, None);
        }
    }

    pub(super) fn nonce(&self) -> LeaseNonce {
        self.nonce
    }

    /// Returns the kind to try next.
    pub(super) fn kind(&mut self) -> LeaseKind {
        let hopeless = self.fallen_back.is_some_and(|(_, since)| since.elapsed() < HOPELESS_FOR);
        if self.kind == LeaseKind::None && self.setting != LeaseKind::None && !hopeless {
            (self.kind, self.tried) = (self.setting, false);
        }
        self.kind
    }

    /// Tells whether the kind in use has worked before.
    pub(super) fn is_tried(&self) -> bool {
        self.tried
    }

    pub(super) fn fall_back(&mut self, why: &'static str) {
        let next = match self.kind {
            LeaseKind::Ref => LeaseKind::Label,
            LeaseKind::Label | LeaseKind::None => LeaseKind::None,
        };
        (self.kind, self.tried, self.stuck) = (next, false, None);
        self.fallen_back = Some((why, Instant::now()));
        if self.told.insert(why) {
            tracing::warn!(why, lease = next.name(), "the better lease on GitHub cannot be used; see docs/GITHUB.md");
        }
    }

    pub(crate) fn describe(&self) -> LeaseDescription {
        let kind = (self.tried || self.kind == LeaseKind::None).then(|| self.kind.name());
        let reason = self.fallen_back.map(|(why, _)| why);
        let why = match (self.kind, self.tried, reason) {
            (LeaseKind::Ref, true, _) => "The git ref refs/healnode/lease lets one node at a time create issues.".to_owned(),
            (LeaseKind::Label, true, None) => "Labels let one node at a time create issues, as forge.lease asks for.".to_owned(),
            (LeaseKind::Label, true, Some(why)) => format!("Labels let one node at a time create issues, since {why}."),
            (LeaseKind::Ref | LeaseKind::Label, false, _) => "It is first taken when an issue is due.".to_owned(),
            (LeaseKind::None, _, Some(why)) if self.setting != LeaseKind::None => format!(
                "Nodes that cannot hear each other may file an error twice until the next sweep, since {why}; grant the token Issues read and write."
            ),
            (LeaseKind::None, _, _) => {
                "Nodes that cannot hear each other may file an error twice until the next sweep, since forge.lease is \"none\".".to_owned()
            }
        };
        LeaseDescription { kind, why }
    }

    pub(super) fn hold(&mut self, held: Held) {
        self.tried = true;
        self.stuck = None;
        self.owed_doubt = None;
        self.held = Some(held);
    }

    /// Returns what is held and forgets it, so that nothing is created until it is taken again. Its doubts stay owed until another record
    /// says them.
    pub(super) fn let_go(&mut self) -> Option<Held> {
        let held = self.held.take()?;
        self.owed_doubt = self.owed_doubt.max(held.record.doubt);
        Some(held)
    }

    /// Notes that the record in the register says all that was owed to it, if it was still this node's to write.
    pub(super) fn gave_back(&mut self, held: &Held, slot: Slot, record: LeaseRecord, now: Option<u64>) {
        if !held.left(now).is_zero() {
            self.owed_doubt = None;
        }
        if matches!(slot, Slot::Commit { .. }) {
            self.commit = Some((slot, Some(record)));
        }
    }

    /// Tells whether a create may be sent at this moment, which is `now` at the latest by GitHub's clock.
    pub(crate) fn lets_create(&self, now: Option<u64>) -> bool {
        match &self.held {
            Some(held) => held.left(now) >= LEASE_LEFT_MIN,
            None => self.kind == LeaseKind::None,
        }
    }

    pub(super) fn has_time_to_spare(&self, now: Option<u64>) -> bool {
        self.held.as_ref().is_some_and(|held| held.left(now) >= LEASE_RENEWED_BELOW)
    }

    pub(super) fn doubt_age(&self, now: u64) -> Option<Duration> {
        self.held.as_ref()?.record.doubt_age(now)
    }

    /// Notes that a create is about to be sent. If nobody lives to see its answer, its outcome stays in doubt.
    pub(crate) fn begin_create(&mut self) {
        self.create_under_way = true;
    }

    /// Notes that a create has come back, and the issue if there certainly is one.
    pub(crate) fn end_create(&mut self, created: Option<IssueNumber>) {
        self.create_under_way = false;
        if let Some(number) = created {
            self.note_issue(number);
        }
    }

    /// Notes whether a create up to `now` may have been sent without a known outcome. Tells whether there is one.
    pub(super) fn note_unclear(&mut self, unclear: bool, now: u64) -> bool {
        let unclear = unclear || std::mem::take(&mut self.create_under_way);
        if unclear {
            self.owed_doubt = self.owed_doubt.max(Some(now));
        }
        unclear
    }

    /// Takes in what a record knows, and returns it with what this process knows besides.
    pub(super) fn complete(&mut self, record: LeaseRecord) -> LeaseRecord {
        for number in &record.issues {
            self.note_issue(*number);
        }
        // A local clock that jumped must not put a doubt further ahead than the term lasts.
        let owed = self.owed_doubt.map(|at| at.min(record.until));
        LeaseRecord { doubt: record.doubt.max(owed), issues: self.recent.iter().copied().collect(), ..record }
    }

    /// Notes that the successor of a slot was refused. Tells whether that goes on for longer than a rival or a list that is behind explains.
    pub(super) fn is_stuck(&mut self, slot: &Slot) -> bool {
        let since = match &self.stuck {
            Some((stuck, since)) if stuck == slot => *since,
            Some(_) | None => Instant::now(),
        };
        self.stuck = Some((slot.clone(), since));
        since.elapsed() >= STUCK_FOR
    }

    /// Returns the record to judge by. What is no record is respected for as long as a lease lasts: a person may have edited one.
    pub(super) fn record_of(&mut self, reading: &Reading, now: u64) -> Option<LeaseRecord> {
        if reading.slot == Slot::Empty || reading.record.is_some() {
            return reading.record.clone();
        }
        let until = match &self.strange {
            Some((slot, until)) if *slot == reading.slot => *until,
            Some(_) | None => now.saturating_add(LEASE_SECONDS),
        };
        self.strange = Some((reading.slot.clone(), until));
        Some(LeaseRecord { holder: LeaseNonce([0; 8]), held: true, until, doubt: None, issues: Vec::new() })
    }

    /// Notes issues that were found. One whose create got no answer is known by this alone, and whoever takes the lease next must not depend on
    /// seeing it in a list.
    pub(crate) fn note_found(&mut self, numbers: impl DoubleEndedIterator<Item = IssueNumber>) {
        numbers.rev().take(LEASE_ISSUES_MAX).for_each(|number| self.note_issue(number));
    }

    fn note_issue(&mut self, number: IssueNumber) {
        if !self.gone.contains(&number) {
            keep(&mut self.recent, number, LEASE_ISSUES_MAX);
        }
    }

    /// Returns the issues that a list has to show, but for those that are known not to be this account's.
    pub(crate) fn expected(&self) -> Vec<IssueNumber> {
        self.recent.difference(&self.foreign).copied().collect()
    }

    /// Notes that an issue is another account's, or without a marker.
    pub(crate) fn note_foreign(&mut self, number: IssueNumber) {
        keep(&mut self.foreign, number, PASSED_OVER_MAX);
    }

    /// Notes that an issue was deleted or moved away.
    pub(crate) fn note_gone(&mut self, number: IssueNumber) {
        keep(&mut self.gone, number, PASSED_OVER_MAX);
        self.recent.remove(&number);
        self.missing.remove(&number);
    }

    /// Notes that an issue could not be found. Tells whether that was so for long enough to be believed: a fresh one may not be everywhere yet.
    pub(crate) fn note_missing(&mut self, number: IssueNumber) -> bool {
        let since = *self.missing.entry(number).or_insert_with(Instant::now);
        let believed = since.elapsed() >= LOOK_AGAIN_AFTER[LOOK_AGAIN_AFTER.len() - 1];
        if believed {
            self.note_gone(number);
        }
        self.missing.retain(|number, _| self.recent.contains(number));
        believed
    }
}

/// Adds the number and drops the lowest, which is the oldest, when there are too many.
fn keep(numbers: &mut BTreeSet<IssueNumber>, number: IssueNumber, max: usize) {
    numbers.insert(number);
    while numbers.len() > max {
        numbers.pop_first();
    }
}

impl Held {
    /// Returns how long a record lasts from the moment at which it is `now` at the latest. Never longer than any lease does, whatever an
    /// answer claimed the time to be.
    pub(super) fn granted(record: &LeaseRecord, now: Option<u64>) -> Duration {
        let left = now.map_or(0, |now| record.until.saturating_sub(now));
        Duration::from_secs(left.min(LEASE_SECONDS))
    }

    /// Returns what is left by the local clocks or by GitHub's, whichever is less: a virtual machine that was stopped has slow clocks both,
    /// and the next answer's date tells.
    fn left(&self, now: Option<u64>) -> Duration {
        self.granted.saturating_sub(self.since.elapsed_at_most()).min(Self::granted(&self.record, now))
    }
}

impl LeaseKind {
    fn name(self) -> &'static str {
        match self {
            LeaseKind::Ref => "ref",
            LeaseKind::Label => "label",
            LeaseKind::None => "none",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_800_000_000;

    fn record(issues: &[u64]) -> LeaseRecord {
        let issues = issues.iter().copied().map(IssueNumber).collect();
        LeaseRecord { holder: LeaseNonce([1; 8]), held: true, until: NOW + LEASE_SECONDS, doubt: None, issues }
    }

    fn holding(seconds: u64) -> Keeper {
        let mut keeper = Keeper::new(LeaseKind::Ref);
        let slot = Slot::Label { generation: 1 };
        keeper.hold(Held { slot, record: record(&[]), granted: Duration::from_secs(seconds), since: Moment::now() });
        keeper
    }

    fn numbers(record: &LeaseRecord) -> Vec<u64> {
        record.issues.iter().map(|number| number.0).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn a_create_needs_more_of_the_lease_than_it_can_take() {
        let keeper = holding(90);
        let now = Some(NOW);
        assert!(keeper.lets_create(now) && keeper.has_time_to_spare(now));
        tokio::time::advance(Duration::from_secs(26)).await;
        assert!(keeper.lets_create(now) && !keeper.has_time_to_spare(now));
        tokio::time::advance(Duration::from_secs(20)).await;
        assert!(!keeper.lets_create(now));
    }

    #[tokio::test]
    async fn a_stopped_machine_is_found_out_by_the_date_of_the_next_answer() {
        let keeper = holding(90);
        assert!(keeper.lets_create(Some(NOW + 45)) && !keeper.has_time_to_spare(Some(NOW + 45)));
        assert!(!keeper.lets_create(Some(NOW + 46)) && !keeper.lets_create(None));
    }

    #[tokio::test]
    async fn nothing_is_created_without_a_lease_unless_there_is_none_to_be_had() {
        assert!(!Keeper::new(LeaseKind::Ref).lets_create(Some(NOW)));
        assert!(!Keeper::new(LeaseKind::Label).lets_create(Some(NOW)));
        assert!(Keeper::new(LeaseKind::None).lets_create(None));
        let mut keeper = holding(90);
        assert!(keeper.let_go().is_some() && !keeper.lets_create(Some(NOW)));
    }

    #[tokio::test]
    async fn a_record_never_grants_more_than_a_lease_whatever_the_date_was() {
        assert_eq!(Held::granted(&record(&[]), Some(NOW + 2)), Duration::from_secs(88));
        assert_eq!(Held::granted(&record(&[]), Some(5)), Duration::from_secs(LEASE_SECONDS));
        assert_eq!(Held::granted(&record(&[]), Some(NOW + 500)), Duration::ZERO);
        assert_eq!(Held::granted(&record(&[]), None), Duration::ZERO);
    }

    #[tokio::test]
    async fn a_create_that_nobody_saw_the_end_of_is_in_doubt_until_a_record_says_so() {
        let mut keeper = holding(90);
        keeper.begin_create();
        assert!(keeper.note_unclear(false, NOW));
        assert!(!keeper.note_unclear(false, NOW + 5));
        assert_eq!(keeper.complete(record(&[])).doubt, Some(NOW));
        let held = keeper.let_go().unwrap();
        keeper.gave_back(&held, held.slot.clone(), record(&[]), Some(NOW));
        assert_eq!(keeper.complete(record(&[])).doubt, None);

        let run_out = Held { granted: Duration::ZERO, ..held };
        keeper.note_unclear(true, NOW + 9);
        keeper.gave_back(&run_out, run_out.slot.clone(), record(&[]), Some(NOW));
        assert_eq!(keeper.complete(record(&[])).doubt, Some(NOW + 9));
        let later = LeaseRecord { doubt: Some(NOW + 20), ..record(&[]) };
        assert_eq!(keeper.complete(later).doubt, Some(NOW + 20));
    }

    #[tokio::test(start_paused = true)]
    async fn the_issues_of_all_nodes_are_remembered_and_those_that_are_gone_are_not_asked_for_again() {
        let mut keeper = Keeper::new(LeaseKind::Ref);
        keeper.end_create(Some(IssueNumber(40)));
        assert_eq!(numbers(&keeper.complete(record(&[7, 50]))), [7, 40, 50]);
        keeper.note_foreign(IssueNumber(50));
        keeper.note_gone(IssueNumber(7));
        assert_eq!(keeper.expected(), [IssueNumber(40)]);
        assert_eq!(numbers(&keeper.complete(record(&[7]))), [40, 50]);

        assert!(!keeper.note_missing(IssueNumber(40)));
        tokio::time::advance(Duration::from_secs(60)).await;
        assert!(keeper.note_missing(IssueNumber(40)));
        assert_eq!(keeper.expected(), []);

        for number in 100..200 {
            keeper.end_create(Some(IssueNumber(number)));
        }
        assert_eq!(keeper.expected().len(), LEASE_ISSUES_MAX);
        assert_eq!(keeper.expected().last(), Some(&IssueNumber(199)));
    }

    #[tokio::test]
    async fn what_is_no_record_is_respected_for_as_long_as_a_lease_lasts() {
        let mut keeper = Keeper::new(LeaseKind::Ref);
        let reading = Reading { slot: Slot::Label { generation: 3 }, record: None };
        let first = keeper.record_of(&reading, NOW).unwrap();
        assert_eq!((first.held, first.until), (true, NOW + LEASE_SECONDS));
        assert_eq!(keeper.record_of(&reading, NOW + 50), Some(first));
        assert_eq!(keeper.record_of(&Reading { slot: Slot::Empty, record: None }, NOW), None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_token_without_rights_is_given_another_chance_after_an_hour_and_a_new_token_at_once() {
        let mut keeper = Keeper::new(LeaseKind::Ref);
        keeper.fall_back("a");
        assert_eq!(keeper.kind(), LeaseKind::Label);
        keeper.fall_back("b");
        assert_eq!((keeper.kind(), keeper.describe().kind), (LeaseKind::None, Some("none")));
        let mut renewed = Keeper::new(LeaseKind::Ref);
        let nonce = keeper.nonce();
        tokio::time::advance(HOPELESS_FOR).await;
        assert_eq!(keeper.kind(), LeaseKind::Ref);
        keeper.fall_back("a");
        renewed.inherit(keeper, true);
        assert_eq!((renewed.kind(), renewed.nonce()), (LeaseKind::Ref, nonce));
        assert_eq!(renewed.describe().kind, None);
    }

    #[tokio::test]
    async fn what_is_held_and_owed_outlives_a_forge_that_is_set_up_anew_for_the_same_repository() {
        let mut previous = holding(90);
        previous.note_unclear(true, NOW);
        let mut same = Keeper::new(LeaseKind::Ref);
        same.inherit(previous, true);
        assert!(same.lets_create(Some(NOW)));
        let nonce = same.nonce();
        let mut other = Keeper::new(LeaseKind::Ref);
        other.inherit(same, false);
        assert!(!other.lets_create(Some(NOW)) && other.nonce() == nonce);
        assert_eq!(other.complete(record(&[])).doubt, None);
    }
}
