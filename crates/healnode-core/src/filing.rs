//! How one issue comes to be: take the lease, look, then create once.
//!
//! A state machine over the forge's answers. It never creates without a lease, never sends a second create without having looked after the
//! first, and never takes silence for a no. A filing that is resumed after a restart, or that finds the last holder's creates in doubt, starts
//! as if its own create had gone unanswered. `docs/ALGORITHM.md` draws the machine and says what each transition keeps.
//!
//! Who may file is decided in `elect.rs`, who holds the lease in `lease.rs`, what the issue says in `issue.rs`; the node carries out the
//! [`Move`]s.

use std::time::Duration;

use healnode_report::{Fingerprint, Report, UnixMillis};

use crate::limits::{CREATES_MAX, GIVEN_UP_AFTER, LOOK_AGAIN_AFTER};
use crate::time::duration_millis;
use crate::{CallId, CloseReason, ForgeReply, FoundIssue, IssueNumber, IssueRef, Lease, Marker, Millis, Refusal, RefusalKind};

/// How long to wait before a look that got no answer is repeated.
const LOOK_RETRY: Duration = Duration::from_secs(5);

/// How many looks in a row may go unanswered before the filing is put off.
const LOOKS_UNANSWERED_MAX: u8 = 3;

/// How often a lease that another node holds is asked for. A filing takes it for some 10 s.
const LEASE_POLL: Duration = Duration::from_secs(5);

/// How often a lease is asked for before the filing is put off: 10 minutes' worth of others' filings.
const LEASE_ASKED_MAX: u8 = 120;

/// How many creates may be refused because the lease had run out before the filing is put off.
const UNLEASED_MAX: u8 = 3;

/// A rate limit longer than this is not waited for: the filing is released, so that a node with another token may go ahead.
const LIMIT_WAIT_MAX: Duration = Duration::from_secs(60);

/// One issue on its way.
#[derive(Clone, PartialEq, Hash, Debug)]
pub(crate) struct Filing {
    /// What the issue is for.
    pub(crate) members: Vec<Fingerprint>,
    /// One whole report of the only member, once it is there.
    pub(crate) sample: Option<Box<Report>>,
    /// Does not begin before.
    pub(crate) not_before: Millis,
    /// An issue that is not opened again but succeeded by a new one: locked, or closed for too long.
    pub(crate) earlier: Option<IssueNumber>,
    /// What was closed before this, by the forge's clock, is not opened again.
    given_up_before: UnixMillis,
    /// The issue that is being opened again, and for what.
    pub(crate) reopened: Option<(Box<FoundIssue>, Vec<Fingerprint>)>,
    step: Step,
    /// Whether the lease was this filing's when it last asked, so that nobody else can be ahead of it.
    is_first: bool,
    /// When a create may last have been sent without a clear answer.
    unclear_since: Option<Millis>,
    /// Who may have sent it.
    unclear_by: Sender,
    /// Looks since then.
    looks: usize,
    unanswered: u8,
    creates: u8,
    unleased: u8,
    asked: u8,
}

/// What may have happened before a filing begins.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) enum Doubt {
    /// Nothing.
    None,
    /// Another node was about to file. What it did is on record if it did so under a lease.
    Claimed(Millis),
    /// Another node may have sent a create, last at this time.
    Theirs(Millis),
    /// This node itself may have, last at this time.
    Own(Millis),
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum Sender {
    Claimant,
    Other,
    Me,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum Step {
    /// Not begun.
    Ready,
    /// Waits for a sample.
    Sampling(CallId),
    /// Waits for the lease.
    Leasing(CallId),
    /// Another node holds the lease. Waits for the forge to say what is there, and goes on at this time if it is nothing.
    Peeking(CallId, Millis),
    /// Waits for the forge to say what is there, as of this time or later.
    Looking(CallId, Millis),
    /// Waits for the forge to say what came of the create.
    Creating(CallId),
    /// Waits for the forge to open an issue again.
    Reopening(CallId),
    /// Goes on at this time, beginning with the lease.
    Waiting(Millis),
}

/// What to do next.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Move {
    /// Nothing; an answer or a time is waited for.
    Wait,
    /// Get a sample.
    Sample,
    /// Take the lease, or make sure of it.
    Acquire,
    /// Look on the forge, without the lease: what is there already can be adopted.
    Peek {
        /// When to ask for the lease again.
        until: Millis,
    },
    /// Look on the forge.
    Look,
    /// Create, unless the ledger says otherwise by now.
    Create,
    /// This issue of some members is closed. Open it again if their error came back; else adopt it as it is.
    ReopenOrAdopt {
        /// As it was found.
        found: Box<FoundIssue>,
        /// For what.
        members: Vec<Fingerprint>,
    },
    /// There is an issue for these. When no member is left, the filing is done.
    Adopt {
        /// As it was found.
        found: Box<FoundIssue>,
        /// For what.
        members: Vec<Fingerprint>,
    },
    /// The issue for all members was created.
    Created(IssueRef),
    /// The issue was opened again.
    Reopened,
    /// Put the filing off.
    GiveUp(GiveUp),
}

/// How a filing was put off.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct GiveUp {
    /// Whether this node may have sent a create; then nothing but another look may follow.
    pub(crate) unclear: bool,
    /// Not to be tried again before.
    pub(crate) not_before: Option<Duration>,
    /// Whether this node cannot file at all.
    pub(crate) blocked: bool,
    /// For people.
    pub(crate) why: String,
}

impl Filing {
    /// Begins a filing. When a create may have been sent already, nothing happens before that time, and looking takes a minute from there.
    pub(crate) fn new(members: Vec<Fingerprint>, doubt: Doubt) -> Self {
        let (unclear_since, unclear_by) = match doubt {
            Doubt::None => (None, Sender::Other),
            Doubt::Claimed(at) => (Some(at), Sender::Claimant),
            Doubt::Theirs(at) => (Some(at), Sender::Other),
            Doubt::Own(at) => (Some(at), Sender::Me),
        };
        Self {
            members,
            sample: None,
            not_before: unclear_since.unwrap_or_default(),
            earlier: None,
            given_up_before: UnixMillis(0),
            reopened: None,
            step: Step::Ready,
            is_first: false,
            unclear_since,
            unclear_by,
            looks: 0,
            unanswered: 0,
            creates: 0,
            unleased: 0,
            asked: 0,
        }
    }

    /// Returns when it wants to go on by itself.
    pub(crate) fn wakes_at(&self) -> Option<Millis> {
        match self.step {
            Step::Waiting(at) => Some(at),
            Step::Ready
            | Step::Sampling(_)
            | Step::Leasing(_)
            | Step::Peeking(..)
            | Step::Looking(..)
            | Step::Creating(_)
            | Step::Reopening(_) => None,
        }
    }

    /// Returns whether this node may have sent a create that nobody has seen the outcome of.
    pub(crate) fn is_unclear(&self) -> bool {
        (self.unclear_since.is_some() && self.unclear_by == Sender::Me) || matches!(self.step, Step::Creating(_))
    }

    /// Returns whether another node may be ahead of it.
    pub(crate) fn can_be_outranked(&self) -> bool {
        !self.is_first
    }

    /// Returns whether nothing can have been sent for its members, by anybody, as far as is known.
    pub(crate) fn is_fresh(&self) -> bool {
        self.unclear_since.is_none() && self.is_revocable()
    }

    /// Returns whether it can still be called off without leaving anything behind.
    pub(crate) fn is_revocable(&self) -> bool {
        !self.is_unclear() && !matches!(self.step, Step::Reopening(_))
    }

    /// Returns whether an answer with this number is waited for.
    pub(crate) fn awaits(&self, id: CallId) -> bool {
        match self.step {
            Step::Sampling(call)
            | Step::Leasing(call)
            | Step::Peeking(call, _)
            | Step::Looking(call, _)
            | Step::Creating(call)
            | Step::Reopening(call) => call == id,
            Step::Ready | Step::Waiting(_) => false,
        }
    }

    /// Begins. One error is shown with a sample; a list of them is not.
    pub(crate) fn start(&self) -> Move {
        if self.members.len() == 1 { Move::Sample } else { Move::Acquire }
    }

    /// Notes that a sample was asked for.
    pub(crate) fn sampling(&mut self, id: CallId) {
        self.step = Step::Sampling(id);
    }

    /// Notes that the lease was asked for.
    pub(crate) fn leasing(&mut self, id: CallId) {
        self.step = Step::Leasing(id);
    }

    /// Notes that a look without the lease was asked for.
    pub(crate) fn peeking(&mut self, id: CallId, until: Millis) {
        self.step = Step::Peeking(id, until);
    }

    /// Notes that a look was asked for.
    pub(crate) fn looking(&mut self, id: CallId, now: Millis) {
        self.step = Step::Looking(id, now);
    }

    /// Notes that a create was sent.
    pub(crate) fn creating(&mut self, id: CallId) {
        self.creates += 1;
        self.step = Step::Creating(id);
    }

    /// Notes that an issue is being opened again, for some members.
    pub(crate) fn reopening(&mut self, id: CallId, found: Box<FoundIssue>, members: Vec<Fingerprint>) {
        self.reopened = Some((found, members));
        self.step = Step::Reopening(id);
    }

    /// Takes a sample, or the news that there is none.
    pub(crate) fn next_after_sample(&mut self, sample: Option<Box<Report>>) -> Move {
        self.sample = sample;
        Move::Acquire
    }

    /// Goes on if its time has come: from the lease, which may have been lost meanwhile.
    pub(crate) fn next_after_wait(&self, now: Millis) -> Move {
        match self.step {
            Step::Waiting(at) if at <= now => Move::Acquire,
            Step::Waiting(_)
            | Step::Ready
            | Step::Sampling(_)
            | Step::Leasing(_)
            | Step::Peeking(..)
            | Step::Looking(..)
            | Step::Creating(_)
            | Step::Reopening(_) => Move::Wait,
        }
    }

    /// Takes the forge's answer.
    pub(crate) fn next_after_reply(&mut self, now: Millis, reply: ForgeReply) -> Move {
        match self.step {
            Step::Leasing(_) => self.after_lease(now, reply),
            Step::Peeking(_, until) => self.after_peek(now, until, reply),
            Step::Looking(_, asked_at) => self.after_look(now, asked_at, reply),
            Step::Creating(_) => self.after_create(now, reply),
            Step::Reopening(_) => self.after_reopen(now, reply),
            Step::Ready | Step::Sampling(_) | Step::Waiting(_) => Move::Wait,
        }
    }

    fn after_lease(&mut self, now: Millis, reply: ForgeReply) -> Move {
        match reply {
            ForgeReply::Leased(lease) => {
                self.unanswered = 0;
                self.is_first = lease.exclusive;
                let given_up_before = lease.date.map_or(0, |date| date.0.saturating_sub(duration_millis(GIVEN_UP_AFTER)));
                self.given_up_before = UnixMillis(given_up_before);
                self.doubt(now, lease);
                Move::Look
            }
            ForgeReply::Held { retry_after } => {
                self.is_first = false;
                self.asked += 1;
                let until = now + retry_after.min(LEASE_POLL);
                if self.asked.is_power_of_two() {
                    return Move::Peek { until };
                }
                if self.asked < LEASE_ASKED_MAX {
                    return self.wait_until(until);
                }
                self.put_off("another node has held the lease for long; this is tried again at the next bundle".to_owned())
            }
            ForgeReply::Refused(refusal) => self.after_refusal(now, refusal),
            ForgeReply::Unclear { why } => self.after_unanswered(now, why),
            ForgeReply::Found(_)
            | ForgeReply::Issue(_)
            | ForgeReply::Gone { .. }
            | ForgeReply::Created(_)
            | ForgeReply::Done
            | ForgeReply::Pull(_) => self.after_unanswered(now, UNFITTING.to_owned()),
        }
    }

    /// What a claimant did under the lease is on its record; only a forge without a lease leaves that open.
    fn doubt(&mut self, now: Millis, lease: Lease) {
        if lease.exclusive && self.unclear_by == Sender::Claimant {
            self.unclear_since = None;
        }
        let Some(age) = lease.doubt else { return };
        let since = Millis(now.0.saturating_sub(duration_millis(age)));
        if self.unclear_since.is_none_or(|known| known < since) {
            if self.unclear_since.is_none() {
                self.unclear_by = Sender::Other;
            }
            self.unclear_since = Some(since);
            self.looks = 0;
        }
    }

    fn after_create(&mut self, now: Millis, reply: ForgeReply) -> Move {
        match reply {
            ForgeReply::Created(issue) => Move::Created(issue),
            ForgeReply::Refused(Refusal { kind: RefusalKind::Unleased, message }) => {
                self.unleased += 1;
                self.creates -= 1;
                if self.unleased < UNLEASED_MAX { Move::Acquire } else { self.put_off(message) }
            }
            ForgeReply::Refused(refusal) => self.after_refusal(now, refusal),
            ForgeReply::Unclear { .. }
            | ForgeReply::Leased(_)
            | ForgeReply::Held { .. }
            | ForgeReply::Found(_)
            | ForgeReply::Issue(_)
            | ForgeReply::Gone { .. }
            | ForgeReply::Pull(_)
            | ForgeReply::Done => {
                self.unclear_since = Some(now);
                self.unclear_by = Sender::Me;
                self.looks = 0;
                self.wait_until(now + LOOK_AGAIN_AFTER[0])
            }
        }
    }

    /// Looks less and less often while the lease is held. What would have to be opened again waits for the lease.
    fn after_peek(&mut self, now: Millis, until: Millis, reply: ForgeReply) -> Move {
        match reply {
            ForgeReply::Found(found) => {
                let kept: Vec<&FoundIssue> = found.iter().filter(|found| self.is_for_a_member(found)).collect();
                match self.take_first(&kept) {
                    Some(adopt @ Move::Adopt { .. }) => adopt,
                    _ => self.wait_until(until),
                }
            }
            ForgeReply::Refused(refusal) => self.after_refusal(now, refusal),
            ForgeReply::Unclear { .. }
            | ForgeReply::Leased(_)
            | ForgeReply::Held { .. }
            | ForgeReply::Issue(_)
            | ForgeReply::Gone { .. }
            | ForgeReply::Pull(_)
            | ForgeReply::Created(_)
            | ForgeReply::Done => self.wait_until(until),
        }
    }

    fn after_look(&mut self, now: Millis, asked_at: Millis, reply: ForgeReply) -> Move {
        match reply {
            ForgeReply::Found(found) => {
                self.unanswered = 0;
                let (given_up, kept): (Vec<&FoundIssue>, Vec<&FoundIssue>) =
                    found.iter().filter(|found| self.is_for_a_member(found)).partition(|found| is_given_up(found, self.given_up_before));
                self.earlier = given_up.iter().map(|found| found.issue.number).max();
                self.take_first(&kept).unwrap_or_else(|| self.after_absent(asked_at))
            }
            ForgeReply::Refused(refusal) => self.after_refusal(now, refusal),
            ForgeReply::Unclear { why } => self.after_unanswered(now, why),
            ForgeReply::Leased(_)
            | ForgeReply::Held { .. }
            | ForgeReply::Issue(_)
            | ForgeReply::Gone { .. }
            | ForgeReply::Pull(_)
            | ForgeReply::Created(_)
            | ForgeReply::Done => self.after_unanswered(now, UNFITTING.to_owned()),
        }
    }

    fn after_reopen(&mut self, now: Millis, reply: ForgeReply) -> Move {
        match reply {
            ForgeReply::Done => Move::Reopened,
            ForgeReply::Refused(refusal) => self.after_refusal(now, refusal),
            ForgeReply::Unclear { why } => self.after_unanswered(now, why),
            ForgeReply::Leased(_)
            | ForgeReply::Held { .. }
            | ForgeReply::Found(_)
            | ForgeReply::Issue(_)
            | ForgeReply::Gone { .. }
            | ForgeReply::Pull(_)
            | ForgeReply::Created(_) => self.after_unanswered(now, UNFITTING.to_owned()),
        }
    }

    /// Returns the markers by which an issue for a member is known: its own, and those by other versions of the algorithm as far as a sample
    /// shows them.
    pub(crate) fn markers(&self, member: Fingerprint) -> impl Iterator<Item = Marker> {
        let others = self.sample.iter().flat_map(|sample| sample.fingerprints()).map(|(other, _)| other);
        std::iter::once(member).chain(others.filter(move |other| *other != member)).map(Marker::of)
    }

    fn is_known_by(&self, found: &FoundIssue, member: Fingerprint) -> bool {
        self.markers(member).any(|marker| found.markers.contains(&marker))
    }

    fn is_for_a_member(&self, found: &FoundIssue) -> bool {
        self.members.iter().any(|member| self.is_known_by(found, *member))
    }

    /// Of the issues found, takes the one that stands for any member.
    fn take_first(&self, found: &[&FoundIssue]) -> Option<Move> {
        let first = found.iter().min_by_key(|found| found.rank())?;
        let members = self.members.iter().copied().filter(|member| self.is_known_by(first, *member)).collect();
        let found = Box::new((*first).clone());
        let done = first.closing.is_some_and(|closing| closing.reason == CloseReason::Completed) && !first.muted;
        Some(if done { Move::ReopenOrAdopt { found, members } } else { Move::Adopt { found, members } })
    }

    fn after_absent(&mut self, asked_at: Millis) -> Move {
        let Some(since) = self.unclear_since else { return Move::Create };
        while let Some(wait) = LOOK_AGAIN_AFTER.get(self.looks) {
            self.looks += 1;
            if asked_at < since + *wait {
                return self.wait_until(since + *wait);
            }
        }
        if self.creates >= CREATES_MAX {
            let why = "two creates got no clear answer; looking again at the next bundle".to_owned();
            return Move::GiveUp(GiveUp { unclear: true, not_before: None, blocked: false, why });
        }
        self.unclear_since = None;
        Move::Create
    }

    fn after_unanswered(&mut self, now: Millis, why: String) -> Move {
        self.unanswered += 1;
        if self.unanswered < LOOKS_UNANSWERED_MAX {
            return self.wait_until(now + LOOK_RETRY);
        }
        self.put_off(why)
    }

    fn put_off(&self, why: String) -> Move {
        Move::GiveUp(GiveUp { unclear: self.is_left_unclear(), not_before: None, blocked: false, why })
    }

    fn after_refusal(&mut self, now: Millis, refusal: Refusal) -> Move {
        let (not_before, blocked) = match refusal.kind {
            RefusalKind::Limited { retry_after } if retry_after <= LIMIT_WAIT_MAX => return self.wait_until(now + retry_after),
            RefusalKind::Limited { retry_after } => (Some(retry_after), false),
            RefusalKind::Denied | RefusalKind::Unreachable => (None, true),
            RefusalKind::Invalid | RefusalKind::Unleased | RefusalKind::Overtaken => (None, false),
        };
        Move::GiveUp(GiveUp { unclear: self.is_left_unclear(), not_before, blocked, why: refusal.message })
    }

    /// Returns whether an earlier create of this node's is unclear, now that the forge has said what came of the last call.
    fn is_left_unclear(&self) -> bool {
        self.unclear_since.is_some() && self.unclear_by == Sender::Me
    }

    fn wait_until(&mut self, at: Millis) -> Move {
        self.step = Step::Waiting(at);
        Move::Wait
    }
}

const UNFITTING: &str = "the forge gave an answer that does not fit the question";

/// Returns whether an issue is closed for good, so that an error that comes back gets a new one.
fn is_given_up(found: &FoundIssue, before: UnixMillis) -> bool {
    found.closing.is_some_and(|closing| closing.reason == CloseReason::Completed && (found.locked || closing.at < before)) && !found.muted
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Closing;
    use crate::statement::tests::fingerprint;

    const CALL: CallId = CallId(1);

    fn found(number: u64) -> FoundIssue {
        FoundIssue {
            issue: issue(number),
            markers: vec![Marker::of(fingerprint(1))],
            is_one_error: true,
            created_at: UnixMillis(0),
            closing: None,
            locked: false,
            muted: false,
            quiet: false,
            approved: false,
            stated: None,
        }
    }

    fn issue(number: u64) -> IssueRef {
        IssueRef { number: IssueNumber(number), url: String::new(), open: true }
    }

    fn closed(number: u64, reason: CloseReason) -> FoundIssue {
        FoundIssue { closing: Some(Closing { at: UnixMillis(100), reason }), ..found(number) }
    }

    fn looking(doubt: Doubt) -> Filing {
        let mut filing = Filing::new(vec![fingerprint(1)], doubt);
        filing.looking(CALL, Millis(0));
        filing
    }

    fn leased(filing: &mut Filing, now: Millis, lease: Lease) -> Move {
        filing.leasing(CALL);
        filing.next_after_reply(now, ForgeReply::Leased(lease))
    }

    /// Looks at a time and finds nothing.
    fn look_in_vain(filing: &mut Filing, at: Millis) -> Move {
        filing.looking(CALL, at);
        filing.next_after_reply(at, ForgeReply::Found(Vec::new()))
    }

    fn unclear() -> ForgeReply {
        ForgeReply::Unclear { why: "cut off".to_owned() }
    }

    fn refused(kind: RefusalKind) -> ForgeReply {
        ForgeReply::Refused(Refusal { kind, message: String::new() })
    }

    const EXCLUSIVE: Lease = Lease { exclusive: true, doubt: None, date: None };

    #[test]
    fn the_lease_comes_first_then_a_look_and_only_then_one_create() {
        let mut filing = Filing::new(vec![fingerprint(1)], Doubt::None);
        assert_eq!(filing.next_after_sample(None), Move::Acquire);
        assert_eq!(leased(&mut filing, Millis(0), EXCLUSIVE), Move::Look);
        assert_eq!(look_in_vain(&mut filing, Millis(0)), Move::Create);
    }

    #[test]
    fn a_lease_that_another_holds_is_asked_for_again_and_nothing_is_sent_meanwhile() {
        let mut filing = Filing::new(vec![fingerprint(1)], Doubt::None);
        filing.leasing(CALL);
        let held = ForgeReply::Held { retry_after: Duration::from_secs(80) };
        assert_eq!(filing.next_after_reply(Millis(0), held.clone()), Move::Peek { until: Millis(5_000) });
        filing.peeking(CALL, Millis(5_000));
        assert_eq!(filing.next_after_reply(Millis(1_000), ForgeReply::Found(Vec::new())), Move::Wait);
        assert_eq!(filing.wakes_at(), Some(Millis(5_000)));
        assert_eq!(filing.next_after_wait(Millis(5_000)), Move::Acquire);
        let looks = (2..=20).filter(|_| {
            filing.leasing(CALL);
            matches!(filing.next_after_reply(Millis(0), held.clone()), Move::Peek { .. })
        });
        assert_eq!(looks.count(), 4, "at the 2nd, 4th, 8th and 16th time");
    }

    #[test]
    fn what_is_there_already_is_adopted_without_the_lease_and_what_is_closed_waits_for_it() {
        let after = |found: FoundIssue| {
            let mut filing = Filing::new(vec![fingerprint(1)], Doubt::None);
            filing.peeking(CALL, Millis(5_000));
            filing.next_after_reply(Millis(0), ForgeReply::Found(vec![found]))
        };
        assert!(matches!(after(found(1)), Move::Adopt { .. }));
        assert!(matches!(after(closed(1, CloseReason::NotPlanned)), Move::Adopt { .. }));
        assert_eq!(after(closed(1, CloseReason::Completed)), Move::Wait);
    }

    #[test]
    fn the_lowest_issue_with_the_marker_is_adopted_and_an_open_one_before_a_closed_one() {
        let adopted = |issues: Vec<FoundIssue>| {
            let next = looking(Doubt::None).next_after_reply(Millis(0), ForgeReply::Found(issues));
            let Move::Adopt { found, .. } = next else { panic!("{next:?}") };
            found.issue.number.0
        };
        assert_eq!(adopted(vec![found(9), found(4), found(7)]), 4);
        assert_eq!(adopted(vec![closed(2, CloseReason::Completed), found(7)]), 7);
        assert_eq!(adopted(vec![closed(2, CloseReason::Duplicate { of: None }), closed(3, CloseReason::NotPlanned)]), 3);
    }

    #[test]
    fn an_issue_closed_as_done_may_be_opened_again_unless_it_is_locked_or_closed_for_too_long() {
        let after = |found: FoundIssue, before: u64| {
            let mut filing = Filing::new(vec![fingerprint(1)], Doubt::None);
            let date = Some(UnixMillis(before + duration_millis(GIVEN_UP_AFTER)));
            leased(&mut filing, Millis(0), Lease { date, ..EXCLUSIVE });
            filing.looking(CALL, Millis(0));
            let next = filing.next_after_reply(Millis(0), ForgeReply::Found(vec![found]));
            (next, filing.earlier)
        };
        let done = closed(2, CloseReason::Completed);
        assert!(matches!(after(done.clone(), 0), (Move::ReopenOrAdopt { .. }, None)));
        assert_eq!(after(done.clone(), 101), (Move::Create, Some(IssueNumber(2))));
        assert_eq!(after(FoundIssue { locked: true, ..done.clone() }, 0), (Move::Create, Some(IssueNumber(2))));
        assert!(matches!(after(FoundIssue { muted: true, ..done }, 0), (Move::Adopt { .. }, None)));
    }

    #[test]
    fn an_unanswered_create_is_followed_by_looks_at_2_5_15_and_60_seconds_and_only_then_by_a_second() {
        let mut filing = looking(Doubt::None);
        filing.creating(CALL);
        assert_eq!(filing.next_after_reply(Millis(1_000), unclear()), Move::Wait);
        for seconds in [2, 5, 15, 60] {
            let at = Millis(1_000 + seconds * 1_000);
            assert_eq!(filing.wakes_at(), Some(at));
            assert_eq!(filing.next_after_wait(at), Move::Acquire);
            assert_eq!(leased(&mut filing, at, EXCLUSIVE), Move::Look);
            let expected = if seconds == 60 { Move::Create } else { Move::Wait };
            assert_eq!(look_in_vain(&mut filing, at), expected);
        }
    }

    #[test]
    fn a_look_that_began_before_the_minute_was_over_does_not_end_it() {
        let mut filing = looking(Doubt::Own(Millis(0)));
        filing.looking(CALL, Millis(59_000));
        assert_eq!(filing.next_after_reply(Millis(61_000), ForgeReply::Found(Vec::new())), Move::Wait);
        assert_eq!(filing.wakes_at(), Some(Millis(60_000)));
    }

    #[test]
    fn what_another_may_have_sent_is_looked_for_like_an_own_create_but_can_be_let_go_of() {
        let mut filing = Filing::new(vec![fingerprint(1)], Doubt::None);
        let doubt = Some(Duration::from_secs(10));
        assert_eq!(leased(&mut filing, Millis(30_000), Lease { doubt, ..EXCLUSIVE }), Move::Look);
        assert_eq!(look_in_vain(&mut filing, Millis(30_000)), Move::Wait);
        assert_eq!(filing.wakes_at(), Some(Millis(35_000)), "15 s after it may have been sent");
        assert!(filing.is_revocable());
    }

    #[test]
    fn a_mere_claim_of_another_is_in_doubt_only_where_there_is_no_lease() {
        let after = |exclusive| {
            let mut filing = Filing::new(vec![fingerprint(1)], Doubt::Claimed(Millis(0)));
            leased(&mut filing, Millis(0), Lease { exclusive, ..EXCLUSIVE });
            look_in_vain(&mut filing, Millis(0))
        };
        assert_eq!(after(true), Move::Create);
        assert_eq!(after(false), Move::Wait);
    }

    #[test]
    fn a_create_that_was_refused_for_want_of_a_lease_leads_back_to_the_lease_a_few_times() {
        let mut filing = looking(Doubt::None);
        for _ in 1..UNLEASED_MAX {
            filing.creating(CALL);
            assert_eq!(filing.next_after_reply(Millis(0), refused(RefusalKind::Unleased)), Move::Acquire);
            filing.leasing(CALL);
            assert!(filing.is_revocable());
        }
        filing.creating(CALL);
        let next = filing.next_after_reply(Millis(0), refused(RefusalKind::Unleased));
        assert!(matches!(next, Move::GiveUp(GiveUp { unclear: false, .. })), "{next:?}");
    }

    #[test]
    fn after_two_unclear_creates_nothing_but_looking_is_left() {
        let mut filing = looking(Doubt::None);
        let mut now = Millis(0);
        for round in 1..=2 {
            filing.creating(CALL);
            filing.next_after_reply(now, unclear());
            let next = loop {
                now = filing.wakes_at().unwrap();
                leased(&mut filing, now, EXCLUSIVE);
                let next = look_in_vain(&mut filing, now);
                if next != Move::Wait {
                    break next;
                }
            };
            if round == 1 {
                assert_eq!(next, Move::Create);
            } else {
                assert!(matches!(next, Move::GiveUp(GiveUp { unclear: true, .. })));
            }
        }
    }

    #[test]
    fn a_short_rate_limit_is_waited_for_and_a_long_one_is_not() {
        let limited = |seconds| refused(RefusalKind::Limited { retry_after: Duration::from_secs(seconds) });
        let mut filing = looking(Doubt::None);
        assert_eq!(filing.next_after_reply(Millis(0), limited(30)), Move::Wait);
        filing.looking(CALL, Millis(0));
        let next = filing.next_after_reply(Millis(0), limited(600));
        assert!(matches!(next, Move::GiveUp(GiveUp { blocked: false, not_before: Some(_), .. })));
    }

    #[test]
    fn a_refused_token_blocks_the_node_and_an_unanswered_look_does_not_create() {
        let next = looking(Doubt::None).next_after_reply(Millis(0), refused(RefusalKind::Denied));
        assert!(matches!(next, Move::GiveUp(GiveUp { blocked: true, unclear: false, .. })));
        let mut filing = looking(Doubt::None);
        assert_eq!(filing.next_after_reply(Millis(0), unclear()), Move::Wait);
        assert_eq!(filing.wakes_at(), Some(Millis(5_000)));
    }
}
