//! What stands between a node and the forge, one for each run of a node: it carries out one call after the other and keeps the lease.
//!
//! It works as the real edge does. Who may take the lease is decided by the core's own [`lease_step`]; here is how the record changes hands,
//! until when this run may create by its own clock, and what it owes to the next record. It never looks at anything but answers.

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use healnode_core::limits::LEASE_ISSUES_MAX;
use healnode_core::{
    CallId, ForgeCall, ForgeReply, IssueNumber, LEASE_LEFT_MIN, LEASE_RENEWED_BELOW, Lease, LeaseNonce, LeaseRecord, LeaseStep, Millis,
    PullCall, Refusal, RefusalKind, UnixMillis, lease_step,
};

use crate::config::{Config, ForgeKind, Protection};
use crate::forge::{Answer, Request, Said};

/// How often the register is read anew when somebody else was faster, before that is taken for an answer.
const ROUNDS_MAX: u8 = 3;

/// How soon to come back when others were faster each time.
const CROWDED_WAIT: Duration = Duration::from_secs(5);

/// The edge of one run of a node.
pub(crate) struct Edge {
    pub(crate) nonce: LeaseNonce,
    kind: ForgeKind,
    without: Option<Protection>,
    held: Option<Held>,
    /// The issues created last, as far as this run has read or made them.
    recent: BTreeSet<IssueNumber>,
    /// Up to when creates may have been sent without a known outcome, as long as no record says so.
    owed_doubt: Option<u64>,
    clock: Clock,
    silent_until: Millis,
    queue: VecDeque<(CallId, ForgeCall)>,
    doing: Option<Doing>,
}

/// A lease that was taken.
struct Held {
    version: u64,
    record: LeaseRecord,
    ends: Millis,
}

/// The forge's time, as far as answers tell.
#[derive(Default)]
struct Clock {
    /// A date, and when the request was sent that it answered, and when it arrived.
    last: Option<(u64, Millis, Millis)>,
}

struct Doing {
    id: CallId,
    call: ForgeCall,
    sent: Millis,
    rounds: u8,
    /// What is being put into the register.
    writing: Option<LeaseRecord>,
}

/// What to do next.
pub(crate) enum Next {
    Send(Request),
    Reply(CallId, ForgeReply),
    Nothing,
}

impl Edge {
    pub(crate) fn new(config: &Config, nonce: LeaseNonce) -> Self {
        Self {
            nonce,
            kind: config.forge,
            without: config.without,
            held: None,
            recent: BTreeSet::new(),
            owed_doubt: None,
            clock: Clock::default(),
            silent_until: Millis(0),
            queue: VecDeque::new(),
            doing: None,
        }
    }

    pub(crate) fn ask(&mut self, id: CallId, call: ForgeCall) {
        self.queue.push_back((id, call));
    }

    /// Begins the next call, if none is under way.
    pub(crate) fn begin(&mut self, now: Millis) -> Next {
        if self.doing.is_some() {
            return Next::Nothing;
        }
        let Some((id, call)) = self.queue.pop_front() else { return Next::Nothing };
        self.doing = Some(Doing { id, call: call.clone(), sent: now, rounds: 0, writing: None });
        match call {
            ForgeCall::Acquire => self.acquire(now),
            ForgeCall::Release { unclear } => self.release(now, unclear),
            ForgeCall::Create(_) | ForgeCall::Pull(PullCall::Open(_)) if !self.lets_create(now) => {
                let message = "too little is left of the lease".to_owned();
                self.reply(ForgeReply::Refused(Refusal { kind: RefusalKind::Unleased, message }))
            }
            ForgeCall::Look { .. }
            | ForgeCall::Survey
            | ForgeCall::Create(_)
            | ForgeCall::Inspect { .. }
            | ForgeCall::Update { .. }
            | ForgeCall::Comment { .. }
            | ForgeCall::Reopen { .. }
            | ForgeCall::Close { .. }
            | ForgeCall::MarkQuiet { .. }
            | ForgeCall::CloseDuplicate { .. }
            | ForgeCall::Pull(_) => {
                let named = self.recent.iter().copied();
                let also = if self.without == Some(Protection::Record) { Vec::new() } else { named.collect() };
                self.send(now, Request::Do { call, also })
            }
        }
    }

    /// Takes an answer to what was sent last.
    pub(crate) fn answered(&mut self, now: Millis, answer: Answer) -> Next {
        let Some(doing) = &mut self.doing else { return Next::Nothing };
        if let Some(date) = answer.date {
            self.clock.last = Some((date, doing.sent, now));
        }
        if let Said::Reply(ForgeReply::Refused(Refusal { kind: RefusalKind::Limited { retry_after }, .. })) = &answer.said {
            self.silent_until = now + *retry_after;
        }
        match answer.said {
            Said::Lease { version, record } => self.have_read(now, version, record),
            Said::Swapped(version) => self.have_written(now, version),
            Said::Reply(reply) => {
                match &reply {
                    ForgeReply::Created(issue) => self.note_issue(issue.number),
                    // One of them may be what a create made that got no answer.
                    ForgeReply::Found(found) => found.iter().for_each(|found| self.note_issue(found.issue.number)),
                    ForgeReply::Leased(_)
                    | ForgeReply::Held { .. }
                    | ForgeReply::Issue(_)
                    | ForgeReply::Gone { .. }
                    | ForgeReply::Done
                    | ForgeReply::Pull(_)
                    | ForgeReply::Refused(_)
                    | ForgeReply::Unclear { .. } => {}
                }
                self.reply(reply)
            }
        }
    }

    fn acquire(&mut self, now: Millis) -> Next {
        let date = self.date(now);
        match self.kind {
            ForgeKind::Plain => return self.reply(ForgeReply::Leased(Lease { exclusive: false, doubt: None, date })),
            ForgeKind::CreateIfAbsent => return self.reply(ForgeReply::Leased(Lease { exclusive: true, doubt: None, date })),
            ForgeKind::Leased if self.without == Some(Protection::OneHolder) => {
                return self.reply(ForgeReply::Leased(Lease { exclusive: true, doubt: None, date }));
            }
            ForgeKind::Leased => {}
        }
        if self.left(now).is_some_and(|left| left >= LEASE_RENEWED_BELOW) {
            return self.leased(now);
        }
        match self.held.take() {
            Some(held) => {
                let renewed = held.record.renewed(self.clock.at_least(now));
                self.write(now, held.version, renewed)
            }
            None => self.send(now, Request::ReadLease),
        }
    }

    fn have_read(&mut self, now: Millis, version: u64, record: Option<LeaseRecord>) -> Next {
        for number in record.iter().flat_map(|record| record.issues.clone()) {
            self.note_issue(number);
        }
        match lease_step(record.as_ref(), self.nonce, self.clock.at_least(now)) {
            LeaseStep::Wait(retry_after) => self.reply(ForgeReply::Held { retry_after }),
            LeaseStep::Take(taken) => self.write(now, version, taken),
            LeaseStep::Ours => match record {
                Some(record) => self.write(now, version, record.renewed(self.clock.at_least(now))),
                None => self.reply(ForgeReply::Held { retry_after: CROWDED_WAIT }),
            },
        }
    }

    fn write(&mut self, now: Millis, version: u64, record: LeaseRecord) -> Next {
        for number in &record.issues {
            self.note_issue(*number);
        }
        let mut record = record;
        record.issues = self.recent.iter().copied().collect();
        record.doubt = record.doubt.max(self.owed_doubt);
        if self.without == Some(Protection::Doubts) {
            record.doubt = None;
        }
        if let Some(doing) = &mut self.doing {
            doing.writing = Some(record.clone());
        }
        self.send(now, Request::SwapLease { version, record })
    }

    fn have_written(&mut self, now: Millis, version: Option<u64>) -> Next {
        let Some(doing) = &mut self.doing else { return Next::Nothing };
        let is_release = matches!(doing.call, ForgeCall::Release { .. });
        match (version, doing.writing.take()) {
            (Some(_), Some(_)) if is_release => {
                self.owed_doubt = None;
                self.reply(ForgeReply::Done)
            }
            (Some(version), Some(record)) => {
                let left = record.until.saturating_sub(self.clock.at_most_at(doing.sent));
                let ends = doing.sent + Duration::from_secs(left);
                self.owed_doubt = None;
                self.held = Some(Held { version, record, ends });
                self.leased(now)
            }
            (None, _) if is_release => self.reply(ForgeReply::Done),
            (_, _) => {
                doing.rounds += 1;
                if doing.rounds < ROUNDS_MAX {
                    self.send(now, Request::ReadLease)
                } else {
                    self.reply(ForgeReply::Held { retry_after: CROWDED_WAIT })
                }
            }
        }
    }

    fn release(&mut self, now: Millis, unclear: bool) -> Next {
        let at = self.clock.at_most_at(now);
        if unclear {
            self.owed_doubt = self.owed_doubt.max(Some(at));
        }
        match self.held.take() {
            Some(held) => self.write(now, held.version, held.record.given_back(unclear, at)),
            None => self.reply(ForgeReply::Done),
        }
    }

    fn leased(&mut self, now: Millis) -> Next {
        let doubt = self.held.as_ref().and_then(|held| held.record.doubt_age(self.clock.at_least(now)));
        self.reply(ForgeReply::Leased(Lease { exclusive: true, doubt, date: self.date(now) }))
    }

    fn date(&self, now: Millis) -> Option<UnixMillis> {
        Some(UnixMillis(self.clock.at_least(now) * 1_000))
    }

    fn left(&self, now: Millis) -> Option<Duration> {
        self.held.as_ref().map(|held| held.ends.since(now))
    }

    fn lets_create(&self, now: Millis) -> bool {
        match self.kind {
            ForgeKind::Plain | ForgeKind::CreateIfAbsent => true,
            ForgeKind::Leased => {
                self.without.is_some_and(Protection::is_guard) || self.left(now).is_some_and(|left| left >= LEASE_LEFT_MIN)
            }
        }
    }

    fn send(&mut self, now: Millis, request: Request) -> Next {
        if now < self.silent_until {
            let kind = RefusalKind::Limited { retry_after: self.silent_until.since(now) };
            return self.reply(ForgeReply::Refused(Refusal { kind, message: "GitHub asked for silence".to_owned() }));
        }
        if let Some(doing) = &mut self.doing {
            doing.sent = now;
        }
        Next::Send(request)
    }

    fn reply(&mut self, reply: ForgeReply) -> Next {
        match self.doing.take() {
            Some(doing) => Next::Reply(doing.id, reply),
            None => Next::Nothing,
        }
    }

    fn note_issue(&mut self, number: IssueNumber) {
        self.recent.insert(number);
        while self.recent.len() > LEASE_ISSUES_MAX {
            self.recent.pop_first();
        }
    }
}

impl Clock {
    /// Returns the earliest that it can be at the forge.
    fn at_least(&self, now: Millis) -> u64 {
        self.last.map_or(0, |(date, _, received)| date + now.since(received).as_secs())
    }

    /// Returns the latest that it can have been at the forge at a moment since the last answer.
    fn at_most_at(&self, now: Millis) -> u64 {
        self.last.map_or(0, |(date, sent, _)| date + now.since(sent).as_secs() + 2)
    }
}
