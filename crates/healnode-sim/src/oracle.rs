//! What must hold at the forge, whatever goes wrong around it: who may send what when, and what may come to be.
//!
//! Looks at every request when it is sent, when it takes effect and when its answer arrives, and writes down in a sentence what should not
//! have been. The only second issues that it lets pass while there is a lease are those that a person asked for by what became of the first.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use healnode_core::limits::{BODY_CHARS_MAX, GIVEN_UP_AFTER, GROUP_MEMBERS_MAX, TITLE_CHARS_MAX};
use healnode_core::{
    CloseReason, ForgeCall, ForgeReply, IssueDraft, IssueNumber, LEASE_LEFT_MIN, Marker, Millis, PullCall, Refusal, RefusalKind,
};

use crate::config::{Config, Fault, ForgeKind};
use crate::forge::{Answer, Caller, Issue, Register, Request, Said, seconds};
use crate::load::CANARY;
use crate::network::Place;

/// How long after a create without a clear answer it is looked for before a second may be sent.
const LOOKED_FOR_MS: u64 = 60_000;

/// How long a look, and a create after it, may take together.
const OPENED_LATELY: Duration = Duration::from_secs(105);

/// The checks at the forge and what they found.
pub(crate) struct Oracle {
    leased: bool,
    /// Whether creates may take effect beyond any lease, so that second issues are excused.
    beyond: bool,
    max_per_hour: usize,
    /// Creates whose outcome their sender does not know.
    doubts: BTreeMap<(Place, Marker), Doubt>,
    /// Until when a run was asked to be silent.
    silent_until: BTreeMap<(Place, u32), Millis>,
    /// Issues that each node knows to have created, and so counts. A node that lost its disk does not.
    created: BTreeMap<Place, usize>,
    uncounted: BTreeSet<Place>,
    /// Second issues that a person's doing asked for.
    pub(crate) succeeded: usize,
    /// Issues closed as duplicates.
    pub(crate) swept: usize,
    pub(crate) violations: Vec<String>,
}

/// A create that was sent and not answered clearly.
struct Doubt {
    sent: Millis,
    looked: bool,
}

impl Oracle {
    pub(crate) fn new(config: &Config) -> Self {
        Self {
            leased: config.forge == ForgeKind::Leased,
            beyond: config.faults.has(Fault::Beyond),
            max_per_hour: config.policy.max_per_hour,
            doubts: BTreeMap::new(),
            silent_until: BTreeMap::new(),
            created: BTreeMap::new(),
            uncounted: BTreeSet::new(),
            succeeded: 0,
            swept: 0,
            violations: Vec::new(),
        }
    }

    /// Looks at a request that is sent. `others_create` when a create of another run is still to take effect.
    pub(crate) fn sent(&mut self, now: Millis, caller: &Caller, request: &Request, register: &Register, others_create: bool) {
        if self.silent_until.get(&(caller.place, caller.life)).is_some_and(|until| now < *until) {
            self.violated(now, format!("node {} was asked for silence and sent {}", caller.place, name(request)));
        }
        let Request::Do { call, .. } = request else { return };
        match call {
            ForgeCall::Create(draft) => {
                self.check_draft(now, draft);
                for marker in Marker::read_all(&draft.body) {
                    self.check_doubt(now, caller.place, marker);
                }
                self.check_lease(now, caller, register, others_create);
            }
            ForgeCall::Pull(PullCall::Open(_)) => self.check_lease(now, caller, register, others_create),
            ForgeCall::Update { draft, .. } => self.check_draft(now, draft),
            ForgeCall::Comment { text, .. } | ForgeCall::Reopen { comment: text, .. } | ForgeCall::Close { comment: text, .. } => {
                if text.contains(CANARY) {
                    self.violated(now, "a secret stands in a comment".to_owned());
                }
            }
            ForgeCall::Look { markers } if markers.len() > GROUP_MEMBERS_MAX => {
                self.violated(now, format!("a look asked for {} markers", markers.len()));
            }
            ForgeCall::Look { .. }
            | ForgeCall::Survey
            | ForgeCall::Acquire
            | ForgeCall::Release { .. }
            | ForgeCall::Inspect { .. }
            | ForgeCall::MarkQuiet { .. }
            | ForgeCall::Pull(_)
            | ForgeCall::CloseDuplicate { .. } => {}
        }
    }

    /// Whoever sends a create holds the lease for as long as it may take, and no create of an earlier holder is under way any more.
    fn check_lease(&mut self, now: Millis, caller: &Caller, register: &Register, others_create: bool) {
        if !self.leased {
            return;
        }
        let record = register.record.as_ref().filter(|record| record.held && record.holder == caller.nonce);
        let left = record.map_or(0, |record| record.until.saturating_sub(seconds(now)));
        // The forge's time is cut to the second.
        if left + 1 < LEASE_LEFT_MIN.as_secs() {
            self.violated(now, format!("node {} sent a create without the lease, {left} s were left of it", caller.place));
        }
        if others_create && !self.beyond {
            self.violated(now, format!("node {} sent a create while that of another could still take effect", caller.place));
        }
    }

    /// A second create may follow only when the first has been looked for, and a minute is over.
    fn check_doubt(&mut self, now: Millis, place: Place, marker: Marker) {
        let Some(first) = self.doubts.insert((place, marker), Doubt { sent: now, looked: false }) else { return };
        let waited_ms = now.0 - first.sent.0;
        if !first.looked || waited_ms < LOOKED_FOR_MS {
            let looked = first.looked;
            self.violated(now, format!("node {place} sent a second create for {marker:?} after {waited_ms} ms, looked: {looked}"));
        }
    }

    fn check_draft(&mut self, now: Millis, draft: &IssueDraft) {
        let fits = draft.body.chars().count() <= BODY_CHARS_MAX && draft.title.chars().count() <= TITLE_CHARS_MAX;
        if !fits || Marker::read_all(&draft.body).is_empty() {
            self.violated(now, "an issue was drafted over its bounds or without a marker".to_owned());
        }
        if draft.title.contains(CANARY) || draft.body.contains(CANARY) || draft.labels.iter().any(|label| label.contains(CANARY)) {
            self.violated(now, "a secret stands in an issue".to_owned());
        }
    }

    /// Notes that an answer reached its caller: what it settles, and what it asks for.
    pub(crate) fn answered(&mut self, now: Millis, caller: &Caller, request: &Request, answer: &Answer) {
        let Said::Reply(reply) = &answer.said else { return };
        if let ForgeReply::Refused(Refusal { kind: RefusalKind::Limited { retry_after }, .. }) = reply {
            self.silent_until.insert((caller.place, caller.life), now + *retry_after);
        }
        let Request::Do { call, .. } = request else { return };
        match (call, reply) {
            (ForgeCall::Look { markers }, ForgeReply::Found(_)) => {
                for marker in markers {
                    self.doubts.entry((caller.place, *marker)).and_modify(|doubt| doubt.looked = true);
                }
            }
            (ForgeCall::Create(draft), ForgeReply::Created(_) | ForgeReply::Refused(_)) => {
                for marker in Marker::read_all(&draft.body) {
                    self.doubts.remove(&(caller.place, marker));
                }
                if matches!(reply, ForgeReply::Created(_)) {
                    self.count(now, caller.place);
                }
            }
            (_, _) => {}
        }
    }

    /// No run is as long as an hour.
    fn count(&mut self, now: Millis, place: Place) {
        let created = self.created.entry(place).or_default();
        *created += 1;
        let created = *created;
        if self.max_per_hour > 0 && created > self.max_per_hour && !self.uncounted.contains(&place) {
            self.violated(now, format!("node {place} created {created} issues within an hour"));
        }
    }

    /// Notes that a node died, and so may not have counted the issue that it heard of last.
    pub(crate) fn died(&mut self, place: Place) {
        if let Some(created) = self.created.get_mut(&place) {
            *created = created.saturating_sub(1);
        }
    }

    /// Notes that a node cannot know any more what it sent.
    pub(crate) fn disk_lost(&mut self, place: Place) {
        self.doubts.retain(|(owner, _), _| *owner != place);
        self.uncounted.insert(place);
    }

    /// Notes that a node cannot count by the hour: its clock was set, or another counts under its name.
    pub(crate) fn miscounts(&mut self, place: Place) {
        self.uncounted.insert(place);
    }

    /// Looks at an issue that comes to be. Returns whether there was one for one of its errors that was not done with.
    pub(crate) fn created(&mut self, now: Millis, caller: &Caller, issue: &Issue, earlier: &[Issue]) -> bool {
        let mut second = false;
        for marker in &issue.markers {
            let before: Vec<&Issue> = earlier.iter().filter(|earlier| earlier.is_for(*marker)).collect();
            let Some(in_the_way) = before.iter().find(|before| !is_done_with(before, now) && !was_just_opened(before, now)) else {
                self.succeeded += usize::from(!before.is_empty());
                continue;
            };
            second = true;
            if self.leased && !self.beyond {
                let state = if in_the_way.is_open() { "open" } else { "closed" };
                let what = format!("node {} created {} beside {}, which is {state}", caller.place, issue.number, in_the_way.number);
                self.violated(now, format!("{what}, for {marker:?}"));
            }
        }
        second
    }

    /// Looks at an issue that is to be closed as a duplicate.
    pub(crate) fn closes_duplicate(&mut self, number: IssueNumber, of: IssueNumber) {
        self.swept += 1;
        if of >= number {
            self.violations.push(format!("{number} was closed as a duplicate of {of}, which is no older"));
        }
    }

    fn violated(&mut self, now: Millis, what: String) {
        self.violations.push(format!("at {now:?}: {what}"));
    }
}

/// Returns whether an error that comes back gets a new issue in the place of this one.
fn is_done_with(issue: &Issue, now: Millis) -> bool {
    let Some(closing) = issue.closing else { return issue.deleted };
    let long_ago = closing.at.0 + u64::try_from(GIVEN_UP_AFTER.as_millis()).unwrap_or(u64::MAX) < seconds(now) * 1_000;
    let done = closing.reason == CloseReason::Completed && !issue.muted;
    issue.deleted || (done && (issue.locked || long_ago))
}

/// Returns whether a person opened an issue again so lately that a create that takes effect now was decided before.
fn was_just_opened(issue: &Issue, now: Millis) -> bool {
    issue.opened_at.is_some_and(|at| now.since(at) < OPENED_LATELY)
}

fn name(request: &Request) -> &'static str {
    match request {
        Request::ReadLease => "a question for the lease",
        Request::SwapLease { .. } => "a write of the lease",
        Request::Do { .. } => "a request",
    }
}
