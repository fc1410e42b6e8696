//! The forge, and what stands between it and a node: the lease, the calls under way, the issues.
//!
//! Who may take the lease is decided by the core's own `lease_step`. How it is held, renewed and given back is that of
//! `healnode-forge/src/github/lease/`, in few lines: a record is put in the place of another only if that is still there, and whether enough
//! is left of the lease is judged at the node, when the create leaves. Request, effect and answer of a call are three steps.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use healnode_core::{
    CallId, CloseReason, Closing, ForgeCall, ForgeReply, FoundIssue, IssueDraft, IssueNumber, IssueRef, LEASE_LEFT_MIN,
    LEASE_RENEWED_BELOW, LEASE_SECONDS, Lease, LeaseNonce, LeaseRecord, LeaseStep, Marker, Millis, Now, Refusal, RefusalKind, Stated,
    UnixMillis, lease_step,
};

use crate::{Bounds, Defect};

/// How long an issue may be missing from a list. GitHub's lists lag by seconds.
const LIST_LAG: Duration = Duration::from_secs(15);

/// How long an answer is waited for.
pub(crate) const ANSWER_WAIT: Duration = Duration::from_secs(30);

/// The forge.
#[derive(Clone, Hash, Default)]
pub(crate) struct Forge {
    pub(crate) issues: Vec<FoundIssue>,
    pub(crate) record: Option<LeaseRecord>,
    /// Creates that nobody waits for any more. Each takes effect before its time is over, or never.
    pub(crate) orphans: Vec<Orphan>,
}

/// A create whose caller is dead or has given up.
#[derive(Clone, Hash)]
pub(crate) struct Orphan {
    pub(crate) nonce: LeaseNonce,
    pub(crate) call: Arc<ForgeCall>,
    pub(crate) until: Millis,
}

/// One call to the forge.
#[derive(Clone, Hash)]
pub(crate) struct Call {
    pub(crate) id: CallId,
    pub(crate) call: Arc<ForgeCall>,
    pub(crate) stage: Stage,
    /// Whether time passes while it is under way.
    pub(crate) late: bool,
}

/// How far a call is.
#[derive(Clone, Hash)]
pub(crate) enum Stage {
    /// Others go before it.
    Waiting,
    /// On its way to the forge.
    Sent(Millis, Request),
    /// It took effect, and the answer is on its way back.
    Acted(Millis, Answer),
}

/// What a node asks of the register that the lease is kept in.
#[derive(Clone, Hash)]
pub(crate) enum Request {
    /// Nothing.
    Plain,
    /// The lease, or more time; with the record that the node knows to be its own.
    Acquire(Option<LeaseRecord>),
    /// To put the second record in the place of the first.
    Swap(LeaseRecord, LeaseRecord),
}

/// What the forge says.
#[derive(Clone, Hash)]
pub(crate) struct Answer {
    pub(crate) reply: ForgeReply,
    /// The record that is the node's own once it hears the answer.
    record: Option<LeaseRecord>,
    /// When it took effect.
    pub(crate) at: Millis,
}

/// A node's end of the forge, gone when the node dies.
#[derive(Clone, Hash)]
pub(crate) struct Edge {
    pub(crate) nonce: LeaseNonce,
    held: Option<(LeaseRecord, Millis)>,
    /// Up to when creates may have been sent without a known outcome, as long as no record says so.
    owed_doubt: Option<u64>,
    /// Issues that a list has to show.
    recent: BTreeSet<IssueNumber>,
}

/// What becomes of a call as it leaves the node.
pub(crate) enum Begun {
    /// It is on its way.
    Sent(Request),
    /// It needs no forge.
    Answered(ForgeReply),
}

impl Edge {
    /// The edge of a node's `lives`th run.
    pub(crate) fn new(place: usize, lives: u8) -> Self {
        let nonce = LeaseNonce([place as u8 + 1, lives, 0, 0, 0, 0, 0, 0]);
        Self { nonce, held: None, owed_doubt: None, recent: BTreeSet::new() }
    }

    /// Sends a call, or answers it without the forge.
    pub(crate) fn begin(&mut self, bounds: &Bounds, now: Now, call: &ForgeCall) -> Begun {
        let date = Some(now.wall);
        match call {
            ForgeCall::Acquire if !bounds.leased => Begun::Answered(ForgeReply::Leased(Lease { exclusive: false, doubt: None, date })),
            ForgeCall::Acquire if bounds.defect == Some(Defect::LeaseForAll) => {
                Begun::Answered(ForgeReply::Leased(Lease { exclusive: true, doubt: None, date }))
            }
            ForgeCall::Acquire => match &self.held {
                Some((record, _)) if self.has_time_to_spare(bounds, now.mono) => Begun::Answered(leased(record, now)),
                Some(_) | None => Begun::Sent(Request::Acquire(self.held.take().map(|(record, _)| record))),
            },
            ForgeCall::Release { unclear } => self.begin_release(*unclear && bounds.defect != Some(Defect::CarelessRelease), seconds(now)),
            ForgeCall::Create(_) if !self.lets_create(bounds, now.mono) => Begun::Answered(ForgeReply::Refused(Refusal {
                kind: RefusalKind::Unleased,
                message: "too little is left of the lease".to_owned(),
            })),
            ForgeCall::Create(_)
            | ForgeCall::Look { .. }
            | ForgeCall::Survey
            | ForgeCall::Inspect { .. }
            | ForgeCall::Update { .. }
            | ForgeCall::Comment { .. }
            | ForgeCall::Reopen { .. }
            | ForgeCall::Close { .. }
            | ForgeCall::MarkQuiet { .. }
            | ForgeCall::Pull(_)
            | ForgeCall::CloseDuplicate { .. } => Begun::Sent(Request::Plain),
        }
    }

    fn begin_release(&mut self, unclear: bool, now: u64) -> Begun {
        if unclear {
            self.owed_doubt = self.owed_doubt.max(Some(now));
        }
        let Some((record, _)) = self.held.take() else { return Begun::Answered(ForgeReply::Done) };
        let given_back = self.complete(record.given_back(unclear, now));
        Begun::Sent(Request::Swap(record, given_back))
    }

    fn left(&self, now: Millis) -> Duration {
        self.held.as_ref().map_or(Duration::ZERO, |(_, until)| until.since(now))
    }

    fn has_time_to_spare(&self, bounds: &Bounds, now: Millis) -> bool {
        let enough = if bounds.defect == Some(Defect::LeaseToTheLastMoment) { Duration::from_millis(1) } else { LEASE_RENEWED_BELOW };
        self.left(now) >= enough
    }

    fn lets_create(&self, bounds: &Bounds, now: Millis) -> bool {
        match bounds.defect {
            _ if !bounds.leased => true,
            Some(Defect::LeaseForAll) => true,
            Some(Defect::LeaseToTheLastMoment) => !self.left(now).is_zero(),
            Some(Defect::BlindLook | Defect::CarelessRelease | Defect::ForgottenIntent) | None => self.left(now) >= LEASE_LEFT_MIN,
        }
    }

    /// Takes in what a record knows, and returns it with what this run of the node knows besides.
    fn complete(&mut self, record: LeaseRecord) -> LeaseRecord {
        self.recent.extend(record.issues.iter().copied());
        LeaseRecord { doubt: record.doubt.max(self.owed_doubt), issues: self.recent.iter().copied().collect(), ..record }
    }

    /// Hears the answer to a call that was sent at `sent`.
    pub(crate) fn hear(&mut self, bounds: &Bounds, sent: Millis, answer: Answer) -> ForgeReply {
        match &answer.reply {
            ForgeReply::Leased(_) => {
                self.held = answer.record.map(|record| (record, sent + Duration::from_secs(LEASE_SECONDS)));
                self.owed_doubt = None;
            }
            ForgeReply::Created(issue) => {
                self.recent.insert(issue.number);
            }
            ForgeReply::Found(found) if bounds.defect != Some(Defect::CarelessRelease) => {
                self.recent.extend(found.iter().map(|issue| issue.issue.number));
            }
            ForgeReply::Done if answer.record.is_some() => self.owed_doubt = None,
            ForgeReply::Held { .. }
            | ForgeReply::Found(_)
            | ForgeReply::Issue(_)
            | ForgeReply::Gone { .. }
            | ForgeReply::Done
            | ForgeReply::Pull(_)
            | ForgeReply::Refused(_)
            | ForgeReply::Unclear { .. } => {}
        }
        answer.reply
    }
}

impl Forge {
    /// Lets a request take effect. `stale` leaves out of a list whatever may be missing from it.
    pub(crate) fn act(&mut self, bounds: &Bounds, now: Now, edge: &mut Edge, call: &ForgeCall, request: &Request, stale: bool) -> Answer {
        let mut record = None;
        let reply = match (call, request) {
            (_, Request::Acquire(known)) => {
                let (reply, mine) = self.acquire(now, edge, known.as_ref());
                record = mine;
                reply
            }
            (_, Request::Swap(from, to)) => {
                record = self.swap(from, to);
                ForgeReply::Done
            }
            (ForgeCall::Look { .. }, _) if bounds.defect == Some(Defect::BlindLook) => ForgeReply::Found(Vec::new()),
            (ForgeCall::Look { markers }, _) => {
                let has_one = |issue: &&FoundIssue| issue.markers.iter().any(|marker| markers.contains(marker));
                ForgeReply::Found(self.list(now, edge, stale).filter(has_one).cloned().collect())
            }
            (ForgeCall::Create(draft), _) => ForgeReply::Created(self.create(now, draft)),
            (ForgeCall::Survey, _) => ForgeReply::Found(self.list(now, edge, stale).cloned().collect()),
            (ForgeCall::Inspect { number }, _) => match self.issues.iter().find(|issue| issue.issue.number == *number) {
                Some(issue) => ForgeReply::Issue(Box::new(issue.clone())),
                None => ForgeReply::Gone { moved_to: None },
            },
            (ForgeCall::Update { number, draft }, _) => self.edit(*number, |issue| issue.stated = Stated::read(&draft.body)),
            (ForgeCall::Reopen { number, .. }, _) => self.edit(*number, |issue| (issue.issue.open, issue.closing) = (true, None)),
            (ForgeCall::Close { number, .. }, _) => self.close(*number, now.wall, CloseReason::Completed),
            (ForgeCall::CloseDuplicate { number, of }, _) => self.close(*number, now.wall, CloseReason::Duplicate { of: Some(*of) }),
            (ForgeCall::MarkQuiet { number, quiet }, _) => self.edit(*number, |issue| issue.quiet = *quiet),
            (ForgeCall::Acquire | ForgeCall::Release { .. } | ForgeCall::Comment { .. } | ForgeCall::Pull(_), Request::Plain) => {
                ForgeReply::Done
            }
        };
        Answer { reply, record, at: now.mono }
    }

    /// Returns whether a list made now may differ from one that lags.
    pub(crate) fn can_lag(&self, now: Now, edge: &Edge) -> bool {
        self.issues.len() > self.list(now, edge, true).count()
    }

    fn list(&self, now: Now, edge: &Edge, stale: bool) -> impl Iterator<Item = &FoundIssue> {
        let lag_ms = LIST_LAG.as_millis() as u64;
        let is_shown = move |issue: &FoundIssue| !stale || issue.created_at.0 + lag_ms <= now.wall.0;
        self.issues.iter().filter(move |issue| is_shown(issue) || edge.recent.contains(&issue.issue.number))
    }

    fn acquire(&mut self, now: Now, edge: &mut Edge, known: Option<&LeaseRecord>) -> (ForgeReply, Option<LeaseRecord>) {
        let step = match known.filter(|known| self.record.as_ref() == Some(known)) {
            Some(known) => LeaseStep::Take(known.renewed(seconds(now))),
            None => lease_step(self.record.as_ref(), edge.nonce, seconds(now)),
        };
        let wanted = match (step, &self.record) {
            (LeaseStep::Wait(retry_after), _) => return (ForgeReply::Held { retry_after }, None),
            (LeaseStep::Take(record), _) => record,
            (LeaseStep::Ours, Some(record)) => record.renewed(seconds(now)),
            (LeaseStep::Ours, None) => return (ForgeReply::Held { retry_after: Duration::from_secs(5) }, None),
        };
        let wanted = edge.complete(wanted);
        let reply = leased(&wanted, now);
        self.record = Some(wanted.clone());
        (reply, Some(wanted))
    }

    fn swap(&mut self, from: &LeaseRecord, to: &LeaseRecord) -> Option<LeaseRecord> {
        if self.record.as_ref() != Some(from) {
            return None;
        }
        self.record = Some(to.clone());
        self.record.clone()
    }

    fn create(&mut self, now: Now, draft: &IssueDraft) -> IssueRef {
        let number = IssueNumber(self.issues.len() as u64 + 1);
        let issue = IssueRef { number, url: String::new(), open: true };
        self.issues.push(FoundIssue {
            issue: issue.clone(),
            markers: Marker::read_all(&draft.body),
            is_one_error: Marker::are_of_one_error(&draft.body),
            created_at: now.wall,
            closing: None,
            locked: false,
            muted: false,
            quiet: false,
            approved: false,
            stated: Stated::read(&draft.body),
        });
        issue
    }

    fn close(&mut self, number: IssueNumber, at: UnixMillis, reason: CloseReason) -> ForgeReply {
        self.edit(number, |issue| (issue.issue.open, issue.closing) = (false, Some(Closing { at, reason })))
    }

    fn edit(&mut self, number: IssueNumber, change: impl Fn(&mut FoundIssue)) -> ForgeReply {
        self.issues.iter_mut().filter(|issue| issue.issue.number == number).for_each(change);
        ForgeReply::Done
    }

    /// Returns whether a run of a node holds the lease just now.
    pub(crate) fn is_leased_to(&self, nonce: LeaseNonce, now: Now) -> bool {
        self.is_leased(now) && self.record.as_ref().is_some_and(|record| record.holder == nonce)
    }

    /// Returns whether anybody holds the lease.
    pub(crate) fn is_leased(&self, now: Now) -> bool {
        self.record.as_ref().is_some_and(|record| record.held && seconds(now) <= record.until)
    }
}

fn leased(record: &LeaseRecord, now: Now) -> ForgeReply {
    ForgeReply::Leased(Lease { exclusive: true, doubt: record.doubt_age(seconds(now)), date: Some(now.wall) })
}

/// Returns the forge's time.
fn seconds(now: Now) -> u64 {
    now.wall.0 / 1000
}
