//! How one issue comes to be: look, then create once.
//!
//! A state machine over the forge's answers. It never sends a second create without having looked after the first, and it never takes
//! silence for a no. A filing that is taken over from another node, or resumed after a restart, starts as if its create had gone
//! unanswered. The lease, which keeps two filers apart, goes between `Sampling` and `Looking`: [`Filing::next_after_sample`].
//!
//! Who may file is decided in `elect.rs`; what the issue says, in `issue.rs`; the node carries out the [`Move`]s.

use std::time::Duration;

use healnode_report::{Fingerprint, Report};

use crate::limits::{CREATES_MAX, LOOK_AGAIN_AFTER};
use crate::{CallId, ForgeReply, FoundIssue, IssueRef, Marker, Millis, Refusal, RefusalKind};

/// How long to wait before a look that got no answer is repeated.
const LOOK_RETRY: Duration = Duration::from_secs(5);

/// How many looks in a row may go unanswered before the filing is put off.
const LOOKS_UNANSWERED_MAX: u8 = 3;

/// A rate limit longer than this is not waited for: the filing is released, so that a node with another token may go ahead.
const LIMIT_WAIT_MAX: Duration = Duration::from_secs(60);

/// One issue on its way.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Filing {
    /// What the issue is for.
    pub(crate) members: Vec<Fingerprint>,
    /// One whole report of the only member, once it is there.
    pub(crate) sample: Option<Box<Report>>,
    /// Does not begin before.
    pub(crate) not_before: Millis,
    step: Step,
    /// When a create may last have been sent without a clear answer, by this node or by one before it.
    unclear_since: Option<Millis>,
    /// Looks since then.
    looks: usize,
    unanswered: u8,
    creates: u8,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Step {
    /// Not begun.
    Ready,
    /// Waits for a sample.
    Sampling(CallId),
    /// Waits for the forge to say what is there.
    Looking(CallId),
    /// Waits for the forge to say what came of the create.
    Creating(CallId),
    /// Looks again at this time.
    Waiting(Millis),
}

/// What to do next.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Move {
    /// Nothing; an answer or a time is waited for.
    Wait,
    /// Get a sample.
    Sample,
    /// Look on the forge.
    Look,
    /// Create, unless the ledger says otherwise by now.
    Create,
    /// There is an issue for these. When no member is left, the filing is done.
    Adopt {
        /// Which issue.
        issue: IssueRef,
        /// For what.
        members: Vec<Fingerprint>,
        /// Whether this filing created it.
        created: bool,
    },
    /// Put the filing off.
    GiveUp(GiveUp),
}

/// How a filing was put off.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct GiveUp {
    /// Whether a create may have been sent; then nothing but another look may follow.
    pub(crate) unclear: bool,
    /// Not to be tried again before.
    pub(crate) not_before: Option<Duration>,
    /// Whether this node cannot file at all.
    pub(crate) blocked: bool,
    /// For people.
    pub(crate) why: String,
}

impl Filing {
    /// Begins a filing. `resumed` when a create may have been sent already, by this node before a restart or by another that claimed it:
    /// then nothing happens before that time, and looking takes a minute from there.
    pub(crate) fn new(members: Vec<Fingerprint>, resumed: Option<Millis>) -> Self {
        let not_before = resumed.unwrap_or_default();
        Self { members, sample: None, not_before, step: Step::Ready, unclear_since: resumed, looks: 0, unanswered: 0, creates: 0 }
    }

    /// Returns when it wants to go on by itself.
    pub(crate) fn wakes_at(&self) -> Option<Millis> {
        match self.step {
            Step::Waiting(at) => Some(at),
            Step::Ready | Step::Sampling(_) | Step::Looking(_) | Step::Creating(_) => None,
        }
    }

    /// Returns whether a create may have been sent that nobody has seen the outcome of.
    pub(crate) fn is_unclear(&self) -> bool {
        self.unclear_since.is_some() || matches!(self.step, Step::Creating(_))
    }

    /// Returns whether it can still be called off without leaving anything behind.
    pub(crate) fn is_revocable(&self) -> bool {
        !self.is_unclear()
    }

    /// Returns whether an answer with this number is waited for.
    pub(crate) fn awaits(&self, id: CallId) -> bool {
        match self.step {
            Step::Sampling(call) | Step::Looking(call) | Step::Creating(call) => call == id,
            Step::Ready | Step::Waiting(_) => false,
        }
    }

    /// Begins. One error is shown with a sample; a list of them is not.
    pub(crate) fn start(&self) -> Move {
        if self.members.len() == 1 { Move::Sample } else { Move::Look }
    }

    /// Notes that a sample was asked for.
    pub(crate) fn sampling(&mut self, id: CallId) {
        self.step = Step::Sampling(id);
    }

    /// Notes that a look was asked for.
    pub(crate) fn looking(&mut self, id: CallId) {
        self.step = Step::Looking(id);
    }

    /// Notes that a create was sent.
    pub(crate) fn creating(&mut self, id: CallId) {
        self.creates += 1;
        self.step = Step::Creating(id);
    }

    /// Takes a sample, or the news that there is none.
    pub(crate) fn next_after_sample(&mut self, sample: Option<Box<Report>>) -> Move {
        self.sample = sample;
        Move::Look
    }

    /// Goes on if its time has come.
    pub(crate) fn next_after_wait(&self, now: Millis) -> Move {
        match self.step {
            Step::Waiting(at) if at <= now => Move::Look,
            Step::Waiting(_) | Step::Ready | Step::Sampling(_) | Step::Looking(_) | Step::Creating(_) => Move::Wait,
        }
    }

    /// Takes the forge's answer.
    pub(crate) fn next_after_reply(&mut self, now: Millis, reply: ForgeReply) -> Move {
        match self.step {
            Step::Creating(_) => self.after_create(now, reply),
            Step::Looking(_) => self.after_look(now, reply),
            Step::Ready | Step::Sampling(_) | Step::Waiting(_) => Move::Wait,
        }
    }

    fn after_create(&mut self, now: Millis, reply: ForgeReply) -> Move {
        match reply {
            ForgeReply::Created(issue) => Move::Adopt { issue, members: self.members.clone(), created: true },
            ForgeReply::Refused(refusal) => self.after_refusal(now, refusal),
            ForgeReply::Unclear { .. } | ForgeReply::Found(_) | ForgeReply::Done => {
                self.unclear_since = Some(now);
                self.looks = 0;
                self.wait_until(now + LOOK_AGAIN_AFTER[0])
            }
        }
    }

    fn after_look(&mut self, now: Millis, reply: ForgeReply) -> Move {
        match reply {
            ForgeReply::Found(found) => {
                self.unanswered = 0;
                self.adopt_first(&found).unwrap_or_else(|| self.after_absent(now))
            }
            ForgeReply::Refused(refusal) => self.after_refusal(now, refusal),
            ForgeReply::Unclear { why } => self.after_unanswered_look(now, why),
            ForgeReply::Created(_) | ForgeReply::Done => {
                self.after_unanswered_look(now, "the forge gave an answer that does not fit the question".to_owned())
            }
        }
    }

    /// Of the issues found, takes the lowest that is for any member.
    fn adopt_first(&self, found: &[FoundIssue]) -> Option<Move> {
        let of = |issue: &FoundIssue| -> Vec<Fingerprint> {
            self.members.iter().copied().filter(|member| issue.markers.contains(&Marker::of(*member))).collect()
        };
        let lowest = found.iter().filter(|issue| !of(issue).is_empty()).min_by_key(|issue| issue.issue.number)?;
        Some(Move::Adopt { issue: lowest.issue.clone(), members: of(lowest), created: false })
    }

    fn after_absent(&mut self, now: Millis) -> Move {
        let Some(since) = self.unclear_since else { return Move::Create };
        self.looks += 1;
        if let Some(wait) = LOOK_AGAIN_AFTER.get(self.looks) {
            return self.wait_until((since + *wait).max(now));
        }
        if self.creates >= CREATES_MAX {
            let why = "two creates got no clear answer; looking again at the next bundle".to_owned();
            return Move::GiveUp(GiveUp { unclear: true, not_before: None, blocked: false, why });
        }
        self.unclear_since = None;
        Move::Create
    }

    fn after_unanswered_look(&mut self, now: Millis, why: String) -> Move {
        self.unanswered += 1;
        if self.unanswered < LOOKS_UNANSWERED_MAX {
            return self.wait_until(now + LOOK_RETRY);
        }
        Move::GiveUp(GiveUp { unclear: self.unclear_since.is_some(), not_before: None, blocked: false, why })
    }

    fn after_refusal(&mut self, now: Millis, refusal: Refusal) -> Move {
        let (not_before, blocked) = match refusal.kind {
            RefusalKind::Limited { retry_after } if retry_after <= LIMIT_WAIT_MAX => return self.wait_until(now + retry_after),
            RefusalKind::Limited { retry_after } => (Some(retry_after), false),
            RefusalKind::Denied | RefusalKind::Unreachable => (None, true),
            RefusalKind::Invalid => (None, false),
        };
        Move::GiveUp(GiveUp { unclear: self.unclear_since.is_some(), not_before, blocked, why: refusal.message })
    }

    fn wait_until(&mut self, at: Millis) -> Move {
        self.step = Step::Waiting(at);
        Move::Wait
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::IssueNumber;
    use crate::statement::tests::fingerprint;

    const CALL: CallId = CallId(1);

    fn issue(number: u64) -> IssueRef {
        IssueRef { number: IssueNumber(number), url: String::new(), open: true }
    }

    fn looking(resumed: Option<Millis>) -> Filing {
        let mut filing = Filing::new(vec![fingerprint(1)], resumed);
        filing.looking(CALL);
        filing
    }

    fn unclear() -> ForgeReply {
        ForgeReply::Unclear { why: "cut off".to_owned() }
    }

    #[test]
    fn nothing_found_leads_to_one_create() {
        let mut filing = looking(None);
        assert_eq!(filing.next_after_reply(Millis(0), ForgeReply::Found(Vec::new())), Move::Create);
    }

    #[test]
    fn the_lowest_issue_with_the_marker_is_adopted() {
        let mut filing = looking(None);
        let markers = vec![Marker::of(fingerprint(1))];
        let found = [9, 4, 7].map(|number| FoundIssue { issue: issue(number), markers: markers.clone() });
        let expected = Move::Adopt { issue: issue(4), members: vec![fingerprint(1)], created: false };
        assert_eq!(filing.next_after_reply(Millis(0), ForgeReply::Found(found.into())), expected);
    }

    #[test]
    fn an_unanswered_create_is_followed_by_looks_at_2_5_15_and_60_seconds_and_only_then_by_a_second() {
        let mut filing = looking(None);
        filing.creating(CALL);
        assert_eq!(filing.next_after_reply(Millis(1_000), unclear()), Move::Wait);
        for seconds in [2, 5, 15, 60] {
            let at = Millis(1_000 + seconds * 1_000);
            assert_eq!(filing.wakes_at(), Some(at));
            assert_eq!(filing.next_after_wait(at), Move::Look);
            filing.looking(CALL);
            let expected = if seconds == 60 { Move::Create } else { Move::Wait };
            assert_eq!(filing.next_after_reply(at, ForgeReply::Found(Vec::new())), expected);
        }
    }

    #[test]
    fn a_resumed_filing_starts_as_if_its_create_had_gone_unanswered() {
        let mut filing = looking(Some(Millis(0)));
        assert_eq!(filing.next_after_reply(Millis(0), ForgeReply::Found(Vec::new())), Move::Wait);
        assert_eq!(filing.wakes_at(), Some(Millis(5_000)));
    }

    #[test]
    fn after_two_unclear_creates_nothing_but_looking_is_left() {
        let mut filing = looking(None);
        let mut now = Millis(0);
        for round in 1..=2 {
            filing.creating(CALL);
            filing.next_after_reply(now, unclear());
            let next = loop {
                now = filing.wakes_at().unwrap();
                filing.looking(CALL);
                let next = filing.next_after_reply(now, ForgeReply::Found(Vec::new()));
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
        let limited = |seconds| {
            let kind = RefusalKind::Limited { retry_after: Duration::from_secs(seconds) };
            ForgeReply::Refused(Refusal { kind, message: String::new() })
        };
        let mut filing = looking(None);
        assert_eq!(filing.next_after_reply(Millis(0), limited(30)), Move::Wait);
        filing.looking(CALL);
        assert!(matches!(
            filing.next_after_reply(Millis(0), limited(600)),
            Move::GiveUp(GiveUp { blocked: false, not_before: Some(_), .. })
        ));
    }

    #[test]
    fn a_refused_token_blocks_the_node_and_an_unanswered_look_does_not_create() {
        let mut filing = looking(None);
        let denied = ForgeReply::Refused(Refusal { kind: RefusalKind::Denied, message: "no".to_owned() });
        assert!(matches!(filing.next_after_reply(Millis(0), denied), Move::GiveUp(GiveUp { blocked: true, unclear: false, .. })));
        let mut filing = looking(None);
        assert_eq!(filing.next_after_reply(Millis(0), unclear()), Move::Wait);
        assert_eq!(filing.wakes_at(), Some(Millis(5_000)));
    }
}
