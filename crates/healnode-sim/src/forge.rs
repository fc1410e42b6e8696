//! A forge in memory that misbehaves as real ones do.
//!
//! A call takes effect at one moment and is answered at another; between them the caller may die, the answer may get lost, and the lists
//! lag behind. What was created is remembered for good, so that the checks count creations, not requests. A lease has its place beside the
//! issues: one more kind of call with its own moment of effect.

use std::collections::BTreeMap;
use std::time::Duration;

use healnode_core::limits::{BODY_CHARS_MAX, GROUP_MEMBERS_MAX, TITLE_CHARS_MAX};
use healnode_core::{CallId, ForgeCall, ForgeReply, FoundIssue, IssueDraft, IssueNumber, IssueRef, Marker, Millis, Refusal, RefusalKind};

use crate::config::{Config, Fault, Faults, ForgeKind};
use crate::dice::Dice;
use crate::network::Place;
use crate::outcome::Duplicates;

/// After this a driver takes the answer for lost.
const DRIVER_TIMEOUT_MS: u64 = 10_000;

/// Time to an answer, as a rule and in slow spells.
const ANSWER_MS: (u64, u64) = (100, 1_000);
const SLOW_ANSWER_MS: (u64, u64) = (4_000, 14_000);

/// How long a new issue stays out of the lists.
const LAG_MS: (u64, u64) = (0, 5_000);

/// How long after its caller gave up a create may still take effect. Half of the minute that the core looks for it.
const LATE_EFFECT_MS: (u64, u64) = (0, 20_000);

/// How long after a create without a clear answer it is looked for before a second may be sent.
const LOOKED_FOR_MS: u64 = 60_000;

/// Of a thousand creates, and of a thousand other calls, so many get no clear answer.
const UNCLEAR_CREATES_PER_MILLE: u64 = 150;
const UNCLEAR_CALLS_PER_MILLE: u64 = 30;

/// The forge.
pub(crate) struct Forge {
    kind: ForgeKind,
    faults: Faults,
    issues: Vec<Issue>,
    calls: BTreeMap<u64, Call>,
    count: u64,
    spells: Vec<Spell>,
    /// Creates whose outcome their sender does not know.
    doubts: BTreeMap<(Place, Marker), Doubt>,
    healed: bool,
    /// What no node should have asked for, in words.
    pub(crate) violations: Vec<String>,
}

/// An issue that exists.
pub(crate) struct Issue {
    pub(crate) number: IssueNumber,
    pub(crate) markers: Vec<Marker>,
    pub(crate) open: bool,
    /// Who created it.
    pub(crate) by: Place,
    pub(crate) at: Millis,
    /// Whether its creator was not told.
    pub(crate) unclear: bool,
    visible_at: Millis,
}

/// Who called, in which of its lives, under which number.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Caller {
    pub(crate) place: Place,
    pub(crate) life: u32,
    pub(crate) id: CallId,
}

struct Call {
    caller: Caller,
    call: ForgeCall,
    /// What is answered, if that does not depend on what the forge does.
    fixed: Option<ForgeReply>,
    reply: Option<ForgeReply>,
    /// Whether its effect is still to come.
    pending: bool,
    answered: bool,
}

/// When a call takes effect, if it does, and when it is answered.
pub(crate) struct Course {
    pub(crate) number: u64,
    pub(crate) acts_at: Option<Millis>,
    pub(crate) answers_at: Millis,
}

/// A create that was sent and not answered clearly.
struct Doubt {
    sent: Millis,
    looked: bool,
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
            calls: BTreeMap::new(),
            count: 0,
            spells,
            doubts: BTreeMap::new(),
            healed: false,
            violations: Vec::new(),
        }
    }

    pub(crate) fn issues(&self) -> &[Issue] {
        &self.issues
    }

    /// Returns how many calls were made.
    pub(crate) fn calls_made(&self) -> u64 {
        self.count
    }

    /// Returns the issue that stands for a marker: the lowest open one.
    pub(crate) fn kept(&self, marker: Marker) -> Option<IssueNumber> {
        self.issues.iter().find(|issue| issue.open && issue.markers.contains(&marker)).map(|issue| issue.number)
    }

    /// Returns open issues all of whose markers stand on older open ones.
    pub(crate) fn redundant(&self) -> Vec<IssueNumber> {
        let stands = |issue: &Issue| issue.markers.iter().any(|marker| self.kept(*marker) == Some(issue.number));
        self.issues.iter().filter(|issue| issue.open && !stands(issue)).map(|issue| issue.number).collect()
    }

    /// Counts issues that were created for a marker that had one, by what led to them.
    pub(crate) fn duplicates(&self, were_split: impl Fn(Place, Place, Millis) -> bool) -> Duplicates {
        let mut duplicates = Duplicates::default();
        for (place, issue) in self.issues.iter().enumerate() {
            let earlier: Vec<&Issue> = self.issues[..place].iter().filter(|earlier| shares_one(&earlier.markers, &issue.markers)).collect();
            let Some(last) = earlier.last() else { continue };
            match () {
                () if earlier.iter().any(|earlier| earlier.unclear) => duplicates.unclear += 1,
                () if were_split(last.by, issue.by, issue.at) => duplicates.split += 1,
                () => duplicates.race += 1,
            }
        }
        duplicates
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

    /// Takes a call in. What becomes of it is decided here.
    pub(crate) fn submit(&mut self, now: Millis, caller: Caller, call: ForgeCall, dice: &mut Dice) -> Course {
        self.check_call(now, caller.place, &call);
        self.count += 1;
        let number = self.count;
        let (slow, create) = (self.spell(now, SpellKind::Slow), matches!(call, ForgeCall::Create(_)));
        let range = if slow { SLOW_ANSWER_MS } else { ANSWER_MS };
        let answer_ms = dice.between(range.0, range.1);
        let acts_at = Millis(now.0 + dice.between(1, answer_ms));
        let unclear_per_mille = if create { UNCLEAR_CREATES_PER_MILLE } else { UNCLEAR_CALLS_PER_MILLE };
        let unclear = self.faults.has(Fault::Unclear) && !self.healed && dice.per_mille(unclear_per_mille);
        let (fixed, acts_at, answer_ms) = if let Some(refusal) = self.refusal(now, caller.place, dice) {
            (Some(refusal), None, answer_ms)
        } else if self.spell(now, SpellKind::Down) {
            (Some(no_answer()), None, DRIVER_TIMEOUT_MS)
        } else if answer_ms > DRIVER_TIMEOUT_MS {
            (Some(no_answer()), Some(acts_at), DRIVER_TIMEOUT_MS)
        } else if unclear {
            match dice.below(3) {
                0 => (Some(no_answer()), None, answer_ms),
                1 => (Some(no_answer()), Some(acts_at), answer_ms),
                _ => {
                    let late = DRIVER_TIMEOUT_MS + dice.between(LATE_EFFECT_MS.0, LATE_EFFECT_MS.1);
                    (Some(no_answer()), Some(Millis(now.0 + late)), DRIVER_TIMEOUT_MS)
                }
            }
        } else {
            (None, Some(acts_at), answer_ms)
        };
        self.calls.insert(number, Call { caller, call, fixed, reply: None, pending: acts_at.is_some(), answered: false });
        Course { number, acts_at, answers_at: Millis(now.0 + answer_ms) }
    }

    fn refusal(&self, now: Millis, place: Place, dice: &mut Dice) -> Option<ForgeReply> {
        let (kind, message) = if self.spell(now, SpellKind::Revoked(place)) {
            (RefusalKind::Denied, "the token was refused; make a new one")
        } else if self.spell(now, SpellKind::Limited) {
            (RefusalKind::Limited { retry_after: Duration::from_secs(dice.between(2, 90)) }, "too many requests")
        } else if self.spell(now, SpellKind::Down) && dice.per_mille(500) {
            (RefusalKind::Unreachable, "the forge cannot be reached")
        } else {
            return None;
        };
        Some(ForgeReply::Refused(Refusal { kind, message: message.to_owned() }))
    }

    /// Lets a call take effect.
    pub(crate) fn act(&mut self, now: Millis, number: u64, dice: &mut Dice) {
        let Some((caller, call, unclear)) = self
            .calls
            .get(&number)
            .filter(|call| call.pending)
            .map(|call| (call.caller, call.call.clone(), call.fixed.is_some() || call.answered))
        else {
            return;
        };
        let before = self.issues.len();
        let reply = self.carry_out(now, caller.place, call, dice);
        for issue in &mut self.issues[before..] {
            issue.unclear = unclear;
        }
        if let Some(call) = self.calls.get_mut(&number) {
            call.reply = Some(reply);
            call.pending = false;
        }
        self.forget_if_over(number);
    }

    /// Returns the answer to a call, and whose it is.
    pub(crate) fn answer(&mut self, number: u64) -> Option<(Caller, ForgeReply)> {
        let call = self.calls.get_mut(&number)?;
        call.answered = true;
        let reply = call.fixed.take().or_else(|| call.reply.take()).unwrap_or_else(no_answer);
        Some((call.caller, reply))
    }

    /// Forgets a call that has been answered, once it has no effect to come.
    pub(crate) fn forget_if_over(&mut self, number: u64) {
        if self.calls.get(&number).is_some_and(|call| call.answered && !call.pending) {
            self.calls.remove(&number);
        }
    }

    /// Notes that an answer reached its caller: what it leaves in doubt, and what it settles.
    pub(crate) fn answer_reached(&mut self, number: u64, reply: &ForgeReply) {
        let Some(call) = self.calls.get(&number) else { return };
        let place = call.caller.place;
        match (&call.call, reply) {
            (ForgeCall::Look { markers }, ForgeReply::Found(_)) => {
                for marker in markers {
                    self.doubts.entry((place, *marker)).and_modify(|doubt| doubt.looked = true);
                }
            }
            (ForgeCall::Create(draft), ForgeReply::Created(_) | ForgeReply::Refused(_)) => {
                for marker in Marker::read_all(&draft.body) {
                    self.doubts.remove(&(place, marker));
                }
            }
            (
                ForgeCall::Look { .. }
                | ForgeCall::Survey
                | ForgeCall::Create(_)
                | ForgeCall::Update { .. }
                | ForgeCall::CloseDuplicate { .. },
                _,
            ) => {}
        }
    }

    fn carry_out(&mut self, now: Millis, place: Place, call: ForgeCall, dice: &mut Dice) -> ForgeReply {
        match call {
            ForgeCall::Look { markers } => {
                ForgeReply::Found(self.visible(now).filter(|issue| shares_one(&issue.markers, &markers)).map(Issue::found).collect())
            }
            ForgeCall::Survey => ForgeReply::Found(self.visible(now).map(Issue::found).collect()),
            ForgeCall::Create(draft) => self.create(now, place, &draft, dice),
            ForgeCall::Update { .. } => ForgeReply::Done,
            ForgeCall::CloseDuplicate { number, of } => self.close(number, of),
        }
    }

    fn visible(&self, now: Millis) -> impl Iterator<Item = &Issue> {
        self.issues.iter().filter(move |issue| issue.visible_at <= now)
    }

    fn create(&mut self, now: Millis, by: Place, draft: &IssueDraft, dice: &mut Dice) -> ForgeReply {
        let markers = Marker::read_all(&draft.body);
        if self.kind == ForgeKind::CreateIfAbsent
            && let Some(there) = self.rival(&markers)
        {
            return there;
        }
        let lag = if self.faults.has(Fault::Lag) { dice.between(LAG_MS.0, LAG_MS.1) } else { 0 };
        let number = IssueNumber(self.issues.len() as u64 + 1);
        let issue = Issue { number, markers, open: true, by, at: now, unclear: false, visible_at: Millis(now.0 + lag) };
        let reply = ForgeReply::Created(issue.reference());
        self.issues.push(issue);
        reply
    }

    /// Returns what a forge answers that finds an open issue with some of the markers: that issue if it has all of them, else no clear
    /// answer, so that the caller looks.
    fn rival(&self, markers: &[Marker]) -> Option<ForgeReply> {
        let mut rivals = self.issues.iter().filter(|issue| issue.open && shares_one(&issue.markers, markers)).peekable();
        rivals.peek()?;
        let same = rivals.find(|rival| markers.iter().all(|marker| rival.markers.contains(marker)));
        Some(same.map_or_else(no_answer, |same| ForgeReply::Created(same.reference())))
    }

    fn close(&mut self, number: IssueNumber, of: IssueNumber) -> ForgeReply {
        if of >= number {
            self.violations.push(format!("{number} was closed as a duplicate of {of}, which is no older"));
        }
        for issue in self.issues.iter_mut().filter(|issue| issue.number == number) {
            issue.open = false;
        }
        ForgeReply::Done
    }

    fn check_call(&mut self, now: Millis, place: Place, call: &ForgeCall) {
        match call {
            ForgeCall::Create(draft) => {
                self.check_draft(draft);
                for marker in Marker::read_all(&draft.body) {
                    self.check_doubt(now, place, marker);
                }
            }
            ForgeCall::Update { draft, .. } => self.check_draft(draft),
            ForgeCall::Look { markers } if markers.len() > GROUP_MEMBERS_MAX => {
                self.violations.push(format!("a look asked for {} markers", markers.len()));
            }
            ForgeCall::Look { .. } | ForgeCall::Survey | ForgeCall::CloseDuplicate { .. } => {}
        }
    }

    /// A second create may follow only when the first has been looked for, and a minute is over.
    fn check_doubt(&mut self, now: Millis, place: Place, marker: Marker) {
        let Some(first) = self.doubts.insert((place, marker), Doubt { sent: now, looked: false }) else { return };
        let waited_ms = now.0 - first.sent.0;
        if !first.looked || waited_ms < LOOKED_FOR_MS {
            self.violations
                .push(format!("node {place} sent a second create for {marker:?} after {waited_ms} ms, looked: {}", first.looked));
        }
    }

    /// Notes that a process died: what it asked for and the forge had not begun may come to nothing. A node that lost its disk as well cannot
    /// know what it had sent.
    pub(crate) fn caller_died(&mut self, place: Place, wiped: bool, dice: &mut Dice) {
        for call in self.calls.values_mut().filter(|call| call.caller.place == place && call.pending) {
            call.pending = dice.per_mille(500);
        }
        if wiped {
            self.doubts.retain(|(owner, _), _| *owner != place);
        }
    }

    fn check_draft(&mut self, draft: &IssueDraft) {
        let fits = draft.body.chars().count() <= BODY_CHARS_MAX && draft.title.chars().count() <= TITLE_CHARS_MAX;
        if !fits || Marker::read_all(&draft.body).is_empty() {
            self.violations.push("an issue was drafted over its bounds or without a marker".to_owned());
        }
    }
}

impl Issue {
    fn reference(&self) -> IssueRef {
        IssueRef { number: self.number, url: format!("https://forge.example/issues/{}", self.number.0), open: self.open }
    }

    fn found(&self) -> FoundIssue {
        FoundIssue { issue: self.reference(), markers: self.markers.clone() }
    }
}

fn shares_one(these: &[Marker], those: &[Marker]) -> bool {
    these.iter().any(|marker| those.contains(marker))
}

fn no_answer() -> ForgeReply {
    ForgeReply::Unclear { why: "the connection broke".to_owned() }
}
