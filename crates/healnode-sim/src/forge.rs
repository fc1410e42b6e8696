//! A forge in memory that misbehaves as real ones do.
//!
//! A request takes effect at one moment and is answered at another; between them the caller may die, the answer may get lost, and the lists
//! lag behind. What was created is remembered for good, so that the checks count creations, not requests. Beside the issues there is one
//! register for the lease, which changes hands by compare-and-swap. What a node makes of the answers is in `edge.rs`, what people do in
//! `people.rs`, and what nobody should have asked for in `oracle.rs`.

use std::collections::BTreeMap;
use std::time::Duration;

use healnode_core::{
    CloseReason, Closing, ForgeCall, ForgeReply, FoundIssue, IssueDraft, IssueNumber, IssueRef, LeaseNonce, LeaseRecord, Marker, Millis,
    PullCall, Refusal, RefusalKind, Stated, UnixMillis,
};

use crate::config::{Config, Fault, Faults, ForgeKind};
use crate::dice::Dice;
use crate::machine::WALL_BASE_MS;
use crate::network::Place;
use crate::oracle::Oracle;
use crate::outcome::{Comments, Duplicates};
use crate::pulls::{self, Pulls};

/// After this an edge takes the answer to a create or a comment for lost, and after this the answer to anything else, as the real one does.
const CREATE_GIVEN_UP_MS: u64 = 30_000;
const GIVEN_UP_MS: u64 = 60_000;

/// Time to an answer, as a rule and in slow spells.
const ANSWER_MS: (u64, u64) = (100, 1_000);
const SLOW_ANSWER_MS: (u64, u64) = (4_000, 40_000);

/// How long a new issue stays out of the lists.
const LAG_MS: (u64, u64) = (0, 5_000);

/// How long after it was sent a create may take effect whose caller has given up: no longer than the core leaves of a lease for it.
const LATE_EFFECT_MS: (u64, u64) = (5_000, 44_000);

/// How long after it was sent a create may take effect when the assumption about that is broken: beyond any lease.
const BEYOND_EFFECT_MS: (u64, u64) = (60_000, 240_000);

/// Of a thousand creates, and of a thousand other requests, so many get no clear answer.
const UNCLEAR_CREATES_PER_MILLE: u64 = 150;
const UNCLEAR_PER_MILLE: u64 = 30;

/// The forge.
pub(crate) struct Forge {
    kind: ForgeKind,
    faults: Faults,
    issues: Vec<Issue>,
    pub(crate) pulls: Pulls,
    register: Register,
    calls: BTreeMap<u64, Call>,
    count: u64,
    spells: Vec<Spell>,
    healed: bool,
    pub(crate) oracle: Oracle,
}

/// Where the lease is kept. Each write has a version of its own, as a git ref has its commit.
#[derive(Default)]
pub(crate) struct Register {
    pub(crate) version: u64,
    pub(crate) record: Option<LeaseRecord>,
}

/// An issue that exists, or did.
pub(crate) struct Issue {
    pub(crate) number: IssueNumber,
    pub(crate) markers: Vec<Marker>,
    /// Nothing while it is open.
    pub(crate) closing: Option<Closing>,
    /// Whether it is the bot's own.
    pub(crate) own: bool,
    pub(crate) deleted: bool,
    pub(crate) locked: bool,
    pub(crate) muted: bool,
    pub(crate) quiet: bool,
    /// Whether it ever was quiet, be it by a wrong clock.
    was_quiet: bool,
    pub(crate) stated: Option<Stated>,
    pub(crate) comments: Vec<String>,
    /// Occurrences that it told when it was created.
    told_first: u64,
    /// Whether there was one for one of its errors that was not done with.
    second: bool,
    /// How often it was closed, by anybody.
    pub(crate) closings: usize,
    /// When a person last opened it again.
    pub(crate) opened_at: Option<Millis>,
    /// Who created it.
    pub(crate) by: Place,
    pub(crate) at: Millis,
    /// Whether its creator was not told.
    pub(crate) unclear: bool,
    visible_at: Millis,
}

/// Which run of which node sent a request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Caller {
    pub(crate) place: Place,
    pub(crate) life: u32,
    pub(crate) nonce: LeaseNonce,
}

/// One exchange with the forge.
#[derive(Clone, Debug)]
pub(crate) enum Request {
    /// Read the register.
    ReadLease,
    /// Put a record into the register, if it still has this version.
    SwapLease { version: u64, record: LeaseRecord },
    /// Anything about issues. Of `also`, those that a list lacks are read by their number.
    Do { call: ForgeCall, also: Vec<IssueNumber> },
}

/// What came back, with the forge's time if anything did.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    /// In whole Unix seconds, as of the moment of effect.
    pub(crate) date: Option<u64>,
    pub(crate) said: Said,
}

/// What was said.
#[derive(Clone, Debug)]
pub(crate) enum Said {
    Lease {
        version: u64,
        record: Option<LeaseRecord>,
    },
    /// The new version; nothing if another was faster.
    Swapped(Option<u64>),
    Reply(ForgeReply),
}

struct Call {
    caller: Caller,
    sent: Millis,
    request: Request,
    /// What is answered, if that does not depend on what the forge does.
    fixed: Option<Answer>,
    answer: Option<Answer>,
    /// Whether its effect is still to come.
    pending: bool,
    answered: bool,
}

/// When a request takes effect, if it does, and when it is answered.
pub(crate) struct Course {
    pub(crate) number: u64,
    pub(crate) acts_at: Option<Millis>,
    pub(crate) answers_at: Millis,
}

/// A time during which the forge behaves worse than usual.
struct Spell {
    from: Millis,
    until: Millis,
    kind: SpellKind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum SpellKind {
    Slow,
    Down,
    Limited,
    /// One node's token is revoked.
    Revoked(Place),
}

impl Forge {
    pub(crate) fn new(config: &Config, faulty_until: Millis, dice: &mut Dice) -> Self {
        let mut spells = Vec::new();
        let mut add = |wanted: bool, kind: SpellKind, longest_ms: u64, dice: &mut Dice| {
            let from = dice.between(0, faulty_until.0);
            let until = (from + dice.between(5_000, longest_ms)).min(faulty_until.0);
            spells.extend(wanted.then_some(Spell { from: Millis(from), until: Millis(until), kind }));
        };
        add(config.faults.has(Fault::Slow), SpellKind::Slow, 90_000, dice);
        add(config.faults.has(Fault::Outage), SpellKind::Down, 90_000, dice);
        add(config.faults.has(Fault::Refuse), SpellKind::Limited, 60_000, dice);
        for _ in 0..1 + config.nodes / 20 {
            let place = dice.below(config.nodes);
            add(config.faults.has(Fault::Refuse), SpellKind::Revoked(place), 120_000, dice);
        }
        Self {
            kind: config.forge,
            faults: config.faults.clone(),
            issues: Vec::new(),
            pulls: Pulls::new(config.forge == ForgeKind::Leased && !config.faults.has(Fault::Beyond), config.forge != ForgeKind::Leased),
            register: Register::default(),
            calls: BTreeMap::new(),
            count: 0,
            spells,
            healed: false,
            oracle: Oracle::new(config),
        }
    }

    pub(crate) fn issues(&self) -> &[Issue] {
        &self.issues
    }

    pub(crate) fn issues_mut(&mut self) -> &mut Vec<Issue> {
        &mut self.issues
    }

    /// Returns how many requests were sent.
    pub(crate) fn requests_made(&self) -> u64 {
        self.count
    }

    /// Returns the open issue that stands for a marker: the lowest.
    pub(crate) fn kept(&self, marker: Marker) -> Option<IssueNumber> {
        self.issues.iter().find(|issue| issue.is_open() && issue.is_for(marker)).map(|issue| issue.number)
    }

    /// Returns open issues all of whose markers stand on older open ones.
    pub(crate) fn redundant(&self) -> Vec<IssueNumber> {
        let stands = |issue: &Issue| issue.markers.iter().any(|marker| self.kept(*marker) == Some(issue.number));
        self.issues.iter().filter(|issue| issue.own && issue.is_open() && !stands(issue)).map(|issue| issue.number).collect()
    }

    /// Counts issues that were created for a marker that had one which was not done with, by what led to them.
    pub(crate) fn duplicates(&self, were_split: impl Fn(Place, Place, Millis) -> bool) -> Duplicates {
        let mut duplicates = Duplicates::default();
        for (index, issue) in self.issues.iter().enumerate().filter(|(_, issue)| issue.second) {
            let twins = self.issues[..index].iter().filter(|earlier| earlier.own && shares_one(&earlier.markers, &issue.markers));
            let earlier: Vec<&Issue> = twins.collect();
            match () {
                () if issue.unclear || earlier.iter().any(|earlier| earlier.unclear) => duplicates.unclear += 1,
                () if earlier.last().is_some_and(|last| were_split(last.by, issue.by, issue.at)) => duplicates.split += 1,
                () => duplicates.race += 1,
            }
        }
        duplicates
    }

    /// Counts comments, and those that say again what was said.
    pub(crate) fn comments(&self) -> Comments {
        let mut comments = Comments::default();
        for issue in &self.issues {
            let reopened = issue.comments.iter().filter(|text| text.starts_with("Seen again")).count();
            let told: Vec<u64> = issue.comments.iter().filter_map(|text| occurrences_told(text)).collect();
            let steps =
                told.iter().zip(std::iter::once(&issue.told_first).chain(&told)).filter(|(now, before)| **now >= before.saturating_mul(10));
            comments.reopened += reopened;
            comments.reopened_twice += reopened.saturating_sub(issue.closings);
            comments.told += told.len();
            comments.told_twice += told.len() - steps.count();
        }
        comments
    }

    /// Ends every fault but the lag of lists, which is no fault.
    pub(crate) fn heal(&mut self) {
        self.healed = true;
        self.spells.clear();
    }

    /// Returns whether a node's driver finds its forge in order.
    pub(crate) fn is_well(&self, now: Millis, place: Place) -> bool {
        !self.spell(now, SpellKind::Down) && !self.spell(now, SpellKind::Revoked(place))
    }

    fn spell(&self, now: Millis, kind: SpellKind) -> bool {
        self.spells.iter().any(|spell| spell.kind == kind && spell.from <= now && now < spell.until)
    }

    /// Takes a request in. What becomes of it is decided here.
    pub(crate) fn submit(&mut self, now: Millis, caller: Caller, request: Request, dice: &mut Dice) -> Course {
        self.oracle.sent(now, &caller, &request, &self.register, self.creates_on_the_wire(caller.nonce));
        if let Request::Do { call: ForgeCall::Pull(call), .. } = &request {
            self.pulls.sent(now, call);
        }
        self.count += 1;
        let number = self.count;
        let create = request.is_create();
        let range = if self.spell(now, SpellKind::Slow) { SLOW_ANSWER_MS } else { ANSWER_MS };
        let given_up_ms = if create { CREATE_GIVEN_UP_MS } else { GIVEN_UP_MS };
        let answer_ms = dice.between(range.0, range.1);
        let acts_at = Millis(now.0 + dice.between(1, answer_ms));
        let unclear_per_mille = if create { UNCLEAR_CREATES_PER_MILLE } else { UNCLEAR_PER_MILLE };
        let unclear = self.faults.has(Fault::Unclear) && !self.healed && dice.per_mille(unclear_per_mille);
        let (fixed, acts_at, answer_ms) = if let Some(refusal) = self.refusal(now, &caller, dice) {
            (Some(refusal), None, answer_ms)
        } else if self.spell(now, SpellKind::Down) {
            (Some(no_answer()), None, given_up_ms / 3)
        } else if answer_ms > given_up_ms {
            (Some(no_answer()), Some(acts_at), given_up_ms)
        } else if unclear {
            match dice.below(3) {
                0 => (Some(no_answer()), None, answer_ms),
                1 => (Some(no_answer()), Some(acts_at), answer_ms),
                _ => (Some(no_answer()), Some(self.late_effect(now, dice)), dice.between(answer_ms, given_up_ms)),
            }
        } else {
            (None, Some(acts_at), answer_ms)
        };
        self.calls.insert(number, Call { caller, sent: now, request, fixed, answer: None, pending: acts_at.is_some(), answered: false });
        Course { number, acts_at, answers_at: Millis(now.0 + answer_ms) }
    }

    fn late_effect(&self, now: Millis, dice: &mut Dice) -> Millis {
        let beyond = self.faults.has(Fault::Beyond) && dice.per_mille(500);
        let range = if beyond { BEYOND_EFFECT_MS } else { LATE_EFFECT_MS };
        Millis(now.0 + dice.between(range.0, range.1))
    }

    /// Returns whether a create of another run than this one is still to take effect.
    fn creates_on_the_wire(&self, nonce: LeaseNonce) -> bool {
        self.calls.values().any(|call| call.pending && call.request.is_create() && call.caller.nonce != nonce)
    }

    fn refusal(&mut self, now: Millis, caller: &Caller, dice: &mut Dice) -> Option<Answer> {
        let (kind, message) = if self.spell(now, SpellKind::Revoked(caller.place)) {
            (RefusalKind::Denied, "the token was refused; make a new one")
        } else if self.spell(now, SpellKind::Limited) {
            let seconds = dice.between(2, 90);
            (RefusalKind::Limited { retry_after: Duration::from_secs(seconds) }, "too many requests")
        } else if self.spell(now, SpellKind::Down) && dice.per_mille(500) {
            (RefusalKind::Unreachable, "the forge cannot be reached")
        } else {
            return None;
        };
        let date = (kind != RefusalKind::Unreachable).then_some(seconds(now));
        Some(Answer { date, said: Said::Reply(ForgeReply::Refused(Refusal { kind, message: message.to_owned() })) })
    }

    /// Lets a request take effect.
    pub(crate) fn act(&mut self, now: Millis, number: u64, dice: &mut Dice) {
        let Some(call) = self.calls.get_mut(&number).filter(|call| call.pending) else { return };
        call.pending = false;
        let (caller, request, unclear) = (call.caller, call.request.clone(), call.fixed.is_some() || call.answered);
        let late_ms = if self.faults.has(Fault::Beyond) { BEYOND_EFFECT_MS } else { LATE_EFFECT_MS };
        let late = (Millis((call.sent.0 + late_ms.0).max(now.0)), Millis((call.sent.0 + late_ms.1).max(now.0)));
        let said = match request {
            Request::Do { call: ForgeCall::Pull(call), .. } => Said::Reply(self.carry_out_pull(now, call, unclear, late, dice)),
            Request::ReadLease => Said::Lease { version: self.register.version, record: self.register.record.clone() },
            Request::SwapLease { version, record } => Said::Swapped(self.register.swap(version, record)),
            Request::Do { call, also } => Said::Reply(self.carry_out(now, &caller, call, &also, unclear, dice)),
        };
        if let Some(call) = self.calls.get_mut(&number) {
            call.answer = Some(Answer { date: Some(seconds(now)), said });
        }
        self.forget_if_over(number);
    }

    /// Returns whose request it is.
    pub(crate) fn caller(&self, number: u64) -> Option<Caller> {
        self.calls.get(&number).map(|call| call.caller)
    }

    /// Returns the answer to a request.
    pub(crate) fn answer(&mut self, number: u64) -> Option<Answer> {
        let call = self.calls.get_mut(&number)?;
        call.answered = true;
        Some(call.fixed.take().or_else(|| call.answer.take()).unwrap_or_else(no_answer))
    }

    /// Notes that an answer reached its caller.
    pub(crate) fn answer_reached(&mut self, now: Millis, number: u64, answer: &Answer) {
        if let Some(call) = self.calls.get(&number) {
            self.oracle.answered(now, &call.caller, &call.request, answer);
        }
    }

    /// Forgets a request that has been answered, once it has no effect to come.
    pub(crate) fn forget_if_over(&mut self, number: u64) {
        if self.calls.get(&number).is_some_and(|call| call.answered && !call.pending) {
            self.calls.remove(&number);
        }
    }

    /// Notes that a process died: what it asked for and the forge had not begun may come to nothing. A node that lost its disk as well cannot
    /// know what it had sent.
    pub(crate) fn caller_died(&mut self, place: Place, wiped: bool, dice: &mut Dice) {
        for call in self.calls.values_mut().filter(|call| call.caller.place == place && call.pending) {
            call.pending = dice.per_mille(500);
        }
        self.oracle.died(place);
        if wiped {
            self.oracle.disk_lost(place);
        }
    }

    fn carry_out(
        &mut self,
        now: Millis,
        caller: &Caller,
        call: ForgeCall,
        also: &[IssueNumber],
        unclear: bool,
        dice: &mut Dice,
    ) -> ForgeReply {
        match call {
            ForgeCall::Look { markers } => {
                let shown = self.listed(now, also).filter(|issue| markers.iter().any(|marker| issue.is_for(*marker)));
                ForgeReply::Found(shown.map(Issue::found).collect())
            }
            ForgeCall::Survey => ForgeReply::Found(self.listed(now, also).map(Issue::found).collect()),
            ForgeCall::Acquire | ForgeCall::Release { .. } | ForgeCall::Pull(_) => ForgeReply::Done,
            ForgeCall::Create(draft) => self.create(now, caller, &draft, unclear, dice),
            ForgeCall::Inspect { number } => match self.issue(number) {
                Some(issue) => ForgeReply::Issue(Box::new(issue.found())),
                None => ForgeReply::Gone { moved_to: None },
            },
            ForgeCall::Update { number, draft } => self.change(number, |issue| issue.stated = Stated::read(&draft.body)),
            ForgeCall::Comment { number, text } => self.change(number, |issue| issue.comments.push(text)),
            ForgeCall::Reopen { number, comment } => self.change(number, |issue| issue.reopen(comment)),
            ForgeCall::Close { number, comment } => self.change(number, |issue| {
                if issue.is_open() {
                    issue.comments.push(comment);
                    issue.close(now, CloseReason::Completed);
                }
            }),
            ForgeCall::MarkQuiet { number, quiet } => self.change(number, |issue| {
                issue.quiet = quiet;
                issue.was_quiet |= quiet;
            }),
            ForgeCall::CloseDuplicate { number, of } => {
                self.oracle.closes_duplicate(number, of);
                self.change(number, |issue| issue.close(now, CloseReason::Duplicate { of: Some(of) }))
            }
        }
    }

    fn carry_out_pull(&mut self, now: Millis, call: PullCall, unclear: bool, late: (Millis, Millis), dice: &mut Dice) -> ForgeReply {
        let lag = if self.faults.has(Fault::Lag) { dice.between(LAG_MS.0, LAG_MS.1) } else { 0 };
        let reply = self.pulls.act(now, call.clone(), !unclear, late, lag, dice);
        pulls::told(&call, reply)
    }

    /// Returns the open issues of one error that nobody muted or locked, that were never quiet, and that have no pull request.
    pub(crate) fn without_pull(&self) -> Vec<&Issue> {
        let wants =
            |issue: &&Issue| issue.own && issue.is_open() && issue.markers.len() == 1 && !issue.muted && !issue.locked && !issue.was_quiet;
        self.issues.iter().filter(wants).filter(|issue| !self.pulls.is_taken_care_of(issue.number)).collect()
    }

    /// Lets a person touch a pull request. A merge closes its issue.
    pub(crate) fn touch_pull(&mut self, now: Millis, dice: &mut Dice) -> Option<(&'static str, Vec<Marker>)> {
        let (what, number) = self.pulls.touch(now, dice)?;
        let issue = self.issues.iter_mut().find(|issue| issue.number == number)?;
        if what == "pull merged" {
            issue.close(now, CloseReason::Completed);
        }
        Some((what, issue.markers.clone()))
    }

    fn issue(&self, number: IssueNumber) -> Option<&Issue> {
        self.issues.iter().find(|issue| issue.number == number && !issue.deleted)
    }

    fn change(&mut self, number: IssueNumber, change: impl FnOnce(&mut Issue)) -> ForgeReply {
        match self.issues.iter_mut().find(|issue| issue.number == number && !issue.deleted) {
            Some(issue) if issue.own => {
                change(issue);
                ForgeReply::Done
            }
            Some(_) => {
                let message = "the issue is another account's".to_owned();
                ForgeReply::Refused(Refusal { kind: RefusalKind::Invalid, message })
            }
            None => ForgeReply::Gone { moved_to: None },
        }
    }

    /// Returns the bot's own issues that a list shows, and those of `also` that it lacks.
    fn listed(&self, now: Millis, also: &[IssueNumber]) -> impl Iterator<Item = &Issue> {
        self.issues.iter().filter(move |issue| issue.own && !issue.deleted && (issue.visible_at <= now || also.contains(&issue.number)))
    }

    fn create(&mut self, now: Millis, caller: &Caller, draft: &IssueDraft, unclear: bool, dice: &mut Dice) -> ForgeReply {
        let markers = Marker::read_all(&draft.body);
        if self.kind == ForgeKind::CreateIfAbsent
            && let Some(there) = self.rival(&markers)
        {
            return there;
        }
        let lag = if self.faults.has(Fault::Lag) { dice.between(LAG_MS.0, LAG_MS.1) } else { 0 };
        let mut issue = Issue::new(self.next_number(), markers, now, caller.place);
        issue.stated = Stated::read(&draft.body);
        issue.unclear = unclear;
        issue.visible_at = Millis(now.0 + lag);
        issue.told_first = issue.stated.unwrap_or_default().told;
        issue.second = self.oracle.created(now, caller, &issue, &self.issues);
        let reply = ForgeReply::Created(issue.reference());
        self.issues.push(issue);
        reply
    }

    /// Returns the number of the next issue, pull request or whatever else takes one.
    pub(crate) fn next_number(&self) -> IssueNumber {
        IssueNumber(self.issues.len() as u64 + 1)
    }

    /// Returns what a forge answers that finds an open issue with some of the markers: that issue if it has all of them, else no clear
    /// answer, so that the caller looks.
    fn rival(&self, markers: &[Marker]) -> Option<ForgeReply> {
        let mut rivals = self.issues.iter().filter(|issue| issue.own && issue.is_open() && shares_one(&issue.markers, markers)).peekable();
        rivals.peek()?;
        let same = rivals.find(|rival| markers.iter().all(|marker| rival.markers.contains(marker)));
        let unclear = ForgeReply::Unclear { why: "an issue for some of these is there".to_owned() };
        Some(same.map_or(unclear, |same| ForgeReply::Created(same.reference())))
    }
}

impl Register {
    fn swap(&mut self, version: u64, record: LeaseRecord) -> Option<u64> {
        if version != self.version {
            return None;
        }
        self.version += 1;
        self.record = Some(record);
        Some(self.version)
    }
}

impl Request {
    pub(crate) fn is_create(&self) -> bool {
        matches!(self, Request::Do { call: ForgeCall::Create(_) | ForgeCall::Pull(PullCall::Open(_)), .. })
    }
}

impl Issue {
    pub(crate) fn new(number: IssueNumber, markers: Vec<Marker>, at: Millis, by: Place) -> Self {
        Self {
            number,
            markers,
            closing: None,
            own: true,
            deleted: false,
            locked: false,
            muted: false,
            quiet: false,
            was_quiet: false,
            stated: None,
            comments: Vec::new(),
            told_first: 0,
            second: false,
            closings: 0,
            opened_at: None,
            by,
            at,
            unclear: false,
            visible_at: at,
        }
    }

    pub(crate) fn is_open(&self) -> bool {
        self.closing.is_none() && !self.deleted
    }

    pub(crate) fn is_for(&self, marker: Marker) -> bool {
        self.own && self.markers.contains(&marker)
    }

    pub(crate) fn close(&mut self, now: Millis, reason: CloseReason) {
        if self.is_open() {
            self.closing = Some(Closing { at: UnixMillis(seconds(now) * 1_000), reason });
            self.closings += 1;
        }
    }

    fn reopen(&mut self, comment: String) {
        if self.closing.take().is_some() {
            self.comments.push(comment);
        }
    }

    fn reference(&self) -> IssueRef {
        IssueRef { number: self.number, url: format!("https://forge.example/issues/{}", self.number.0), open: self.is_open() }
    }

    fn found(&self) -> FoundIssue {
        FoundIssue {
            issue: self.reference(),
            markers: if self.own { self.markers.clone() } else { Vec::new() },
            is_one_error: self.markers.len() == 1,
            created_at: UnixMillis((WALL_BASE_MS + self.at.0) / 1_000 * 1_000),
            closing: self.closing,
            locked: self.locked,
            muted: self.muted,
            quiet: self.quiet,
            approved: false,
            stated: self.stated,
        }
    }
}

/// Reads the number of a comment about counts.
fn occurrences_told(text: &str) -> Option<u64> {
    text.strip_prefix("Seen ")?.split(' ').next()?.parse().ok()
}

/// Returns the forge's time in Unix seconds.
pub(crate) fn seconds(now: Millis) -> u64 {
    (WALL_BASE_MS + now.0) / 1_000
}

pub(crate) fn shares_one(these: &[Marker], those: &[Marker]) -> bool {
    these.iter().any(|marker| those.contains(marker))
}

fn no_answer() -> Answer {
    Answer { date: None, said: Said::Reply(ForgeReply::Unclear { why: "the connection broke".to_owned() }) }
}
