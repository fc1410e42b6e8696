//! How one draft pull request comes to be: take the lease, look at its issue, look for it and its branch, then open it once.
//!
//! A state machine over the forge's answers, like `filing.rs`. The branch is made before the pull request and seen by everybody, so a branch
//! without a pull request says that one may be on its way: it is looked for after 2, 5, 15 and 60 s before one is opened. A pull request that
//! is there, whatever became of it, is never opened again. Which issues get one is decided in `node/pulls.rs`, what it says in `issue/pull.rs`.

use std::time::Duration;

use healnode_report::{Fingerprint, Report};

use crate::limits::{CREATES_MAX, LOOK_AGAIN_AFTER};
use crate::time::duration_millis;
use crate::{
    BranchHead, CallId, ForgeReply, FoundIssue, FoundPull, Guidance, IssueNumber, Lease, Marker, Millis, PullReply, PullRequest, Refusal,
    RefusalKind, issue_of_branch,
};

/// How long to wait before something that got no answer, and that may be done twice, is done again.
const RETRY: Duration = Duration::from_secs(5);

/// How many answers in a row may be missing before it is put off.
const UNANSWERED_MAX: u8 = 3;

/// How often a lease that another node holds is asked for, every 5 s, before it is put off: 2 minutes' worth. There is no hurry.
const LEASE_ASKED_MAX: u8 = 24;

/// How many opens may be refused because the lease had run out before it is put off.
const UNLEASED_MAX: u8 = 3;

/// A rate limit longer than this is not waited for.
const LIMIT_WAIT_MAX: Duration = Duration::from_secs(60);

/// One pull request on its way.
#[derive(Clone, Hash, Debug)]
pub(crate) struct Pulling {
    /// Of which issue.
    pub(crate) issue: IssueNumber,
    /// For which error.
    pub(crate) member: Fingerprint,
    /// Its branch.
    pub(crate) branch: String,
    /// One whole report, once it is there.
    pub(crate) sample: Option<Box<Report>>,
    /// What helps a person to a fix, if that was found.
    pub(crate) guidance: Option<Guidance>,
    /// The issue's address, as the forge gave it.
    pub(crate) url: String,
    step: Step,
    /// Since when a pull request may be on its way that nobody has seen.
    unclear_since: Option<Millis>,
    looks: usize,
    opens: u8,
    /// The repository allows no drafts, so a comment is left instead.
    no_drafts: bool,
    unanswered: u8,
    unleased: u8,
    asked: u8,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum Step {
    /// Not begun.
    Ready,
    /// Waits for a sample.
    Sampling(CallId),
    /// Waits for guidance, up to this time.
    Guiding(CallId, Millis),
    /// Waits for the lease.
    Leasing(CallId),
    /// Waits for the forge to show the issue.
    Inspecting(CallId),
    /// Waits for the forge to list all pull requests.
    Surveying(CallId),
    /// Waits for the forge to say what is there, as of this time or later.
    Looking(CallId, Millis),
    /// Waits for the forge to say what came of the open.
    Opening(CallId),
    /// Waits for the forge to say that a comment stands in its place.
    Commenting(CallId),
    /// Goes on at this time, beginning with the lease.
    Waiting(Millis),
}

/// What to do next.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum PullMove {
    /// Nothing; an answer or a time is waited for.
    Wait,
    /// Nothing, and whoever has the lease next has to look for what may have been opened.
    Unclear,
    /// Take the lease, or make sure of it.
    Acquire,
    /// Look at the issue.
    Inspect,
    /// Look for one whose branch has another name: nodes may know the error by different types.
    Survey,
    /// Look for the pull request and its branch.
    Look,
    /// Open it, unless the ledger says otherwise by now.
    Open,
    /// Leave a comment in its place.
    Comment,
    /// There is one.
    Adopt(PullRequest),
    /// It was opened.
    Opened(PullRequest),
    /// The comment stands.
    Commented,
    /// Not just now.
    PutOff(PutOff),
}

/// How a pull request was put off.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct PutOff {
    /// Not to be tried again by this node before; nothing for the next bundle.
    pub(crate) not_before: Option<Duration>,
    /// Whether it is this node, and not this pull request, that has to wait.
    pub(crate) blocked: bool,
    /// For people.
    pub(crate) why: String,
}

/// How long a pull request that the forge will not have, or that people stand in the way of, is left alone.
const LEFT_ALONE: Duration = Duration::from_secs(24 * 3600);

impl Pulling {
    pub(crate) fn new(issue: IssueNumber, member: Fingerprint, branch: String) -> Self {
        Self {
            issue,
            member,
            branch,
            sample: None,
            guidance: None,
            url: String::new(),
            step: Step::Ready,
            unclear_since: None,
            looks: 0,
            opens: 0,
            no_drafts: false,
            unanswered: 0,
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
            | Step::Guiding(..)
            | Step::Leasing(_)
            | Step::Inspecting(_)
            | Step::Surveying(_)
            | Step::Looking(..)
            | Step::Opening(_)
            | Step::Commenting(_) => None,
        }
    }

    /// Returns up to when guidance is waited for.
    pub(crate) fn guided_by(&self) -> Option<Millis> {
        match self.step {
            Step::Guiding(_, until) => Some(until),
            Step::Waiting(_)
            | Step::Ready
            | Step::Sampling(_)
            | Step::Leasing(_)
            | Step::Inspecting(_)
            | Step::Surveying(_)
            | Step::Looking(..)
            | Step::Opening(_)
            | Step::Commenting(_) => None,
        }
    }

    /// Returns whether the forge has been asked something, and has not answered.
    pub(crate) fn is_calling(&self) -> bool {
        match self.step {
            Step::Leasing(_) | Step::Inspecting(_) | Step::Surveying(_) | Step::Looking(..) | Step::Opening(_) | Step::Commenting(_) => {
                true
            }
            Step::Ready | Step::Sampling(_) | Step::Guiding(..) | Step::Waiting(_) => false,
        }
    }

    /// Returns whether an answer with this number is waited for.
    pub(crate) fn awaits(&self, id: CallId) -> bool {
        match self.step {
            Step::Sampling(call)
            | Step::Guiding(call, _)
            | Step::Leasing(call)
            | Step::Inspecting(call)
            | Step::Surveying(call)
            | Step::Looking(call, _)
            | Step::Opening(call)
            | Step::Commenting(call) => call == id,
            Step::Ready | Step::Waiting(_) => false,
        }
    }

    pub(crate) fn sampling(&mut self, id: CallId) {
        self.step = Step::Sampling(id);
    }

    pub(crate) fn guiding(&mut self, id: CallId, until: Millis) {
        self.step = Step::Guiding(id, until);
    }

    pub(crate) fn leasing(&mut self, id: CallId) {
        self.step = Step::Leasing(id);
    }

    pub(crate) fn inspecting(&mut self, id: CallId) {
        self.step = Step::Inspecting(id);
    }

    pub(crate) fn surveying(&mut self, id: CallId) {
        self.step = Step::Surveying(id);
    }

    pub(crate) fn looking(&mut self, id: CallId, now: Millis) {
        self.step = Step::Looking(id, now);
    }

    pub(crate) fn opening(&mut self, id: CallId) {
        self.opens += 1;
        self.step = Step::Opening(id);
    }

    pub(crate) fn commenting(&mut self, id: CallId) {
        self.step = Step::Commenting(id);
    }

    /// Goes on from the lease as soon as there is room for it.
    pub(crate) fn wait_until(&mut self, at: Millis) -> PullMove {
        self.step = Step::Waiting(at);
        PullMove::Wait
    }

    /// Takes the forge's answer.
    pub(crate) fn next_after_reply(&mut self, now: Millis, reply: ForgeReply) -> PullMove {
        match (self.step, reply) {
            (_, ForgeReply::Refused(refusal)) => self.after_refusal(now, refusal),
            (Step::Leasing(_), ForgeReply::Leased(lease)) => {
                (self.unanswered, self.asked) = (0, 0);
                self.doubt(now, lease);
                PullMove::Inspect
            }
            (Step::Leasing(_), ForgeReply::Held { retry_after }) => self.after_held(now, retry_after),
            (Step::Inspecting(_), ForgeReply::Issue(found)) => self.after_inspect(&found),
            (Step::Inspecting(_), ForgeReply::Gone { .. }) => put_off(None, "its issue is gone"),
            (Step::Surveying(_), ForgeReply::Pull(PullReply::Found { pulls, .. })) => self.after_survey(&pulls),
            (Step::Looking(_, asked_at), ForgeReply::Pull(PullReply::Found { pulls, branch })) => {
                self.after_look(asked_at, &pulls, branch.as_ref())
            }
            (Step::Opening(_), ForgeReply::Pull(PullReply::Opened { pull, .. })) => PullMove::Opened(pull),
            (Step::Opening(_), ForgeReply::Pull(PullReply::NoDrafts)) => {
                self.no_drafts = true;
                PullMove::Comment
            }
            (Step::Opening(_), _unclear_or_unfitting) => {
                (self.unclear_since, self.looks) = (Some(now), 0);
                self.wait_until(now + LOOK_AGAIN_AFTER[0]);
                PullMove::Unclear
            }
            (Step::Commenting(_), ForgeReply::Done | ForgeReply::Gone { .. }) => PullMove::Commented,
            (
                Step::Leasing(_) | Step::Inspecting(_) | Step::Surveying(_) | Step::Looking(..) | Step::Commenting(_),
                _unclear_or_unfitting,
            ) => self.after_unanswered(now),
            (Step::Ready | Step::Sampling(_) | Step::Guiding(..) | Step::Waiting(_), _) => PullMove::Wait,
        }
    }

    /// A create of the last holder's may have been an open.
    fn doubt(&mut self, now: Millis, lease: Lease) {
        let Some(age) = lease.doubt else { return };
        let since = Millis(now.0.saturating_sub(duration_millis(age)));
        if self.unclear_since.is_none_or(|known| known < since) {
            (self.unclear_since, self.looks) = (Some(since), 0);
        }
    }

    fn after_held(&mut self, now: Millis, retry_after: Duration) -> PullMove {
        self.asked += 1;
        if self.asked < LEASE_ASKED_MAX {
            return self.wait_until(now + retry_after.min(RETRY));
        }
        put_off(None, "another node has held the lease for long; this is tried again at the next bundle")
    }

    /// People may have closed or silenced it since it was last surveyed, and a list of errors is nothing that one branch mends.
    fn after_inspect(&mut self, found: &FoundIssue) -> PullMove {
        self.url.clone_from(&found.issue.url);
        match () {
            () if !found.markers.contains(&Marker::of(self.member)) => put_off(None, "its issue is not healnode's own"),
            () if !found.issue.open => put_off(None, "its issue is closed"),
            () if !found.is_one_error => put_off(Some(LEFT_ALONE), "its issue is a list of errors"),
            () if found.muted || found.locked => put_off(None, "its issue is silenced"),
            () if found.quiet => put_off(None, "its error has not been seen for long"),
            () => PullMove::Survey,
        }
    }

    fn after_survey(&self, pulls: &[FoundPull]) -> PullMove {
        let of_issue = pulls.iter().filter(|found| issue_of_branch(&found.branch) == Some(self.issue));
        of_issue.min_by_key(|found| found.pull.number).map_or(PullMove::Look, |lowest| PullMove::Adopt(lowest.pull.clone()))
    }

    fn after_look(&mut self, asked_at: Millis, pulls: &[FoundPull], branch: Option<&BranchHead>) -> PullMove {
        self.unanswered = 0;
        if let Some(lowest) = pulls.iter().min_by_key(|found| found.pull.number) {
            return PullMove::Adopt(lowest.pull.clone());
        }
        if self.no_drafts {
            return PullMove::Comment;
        }
        match branch {
            Some(branch) if !branch.ours => return put_off(Some(LEFT_ALONE), "people work on its branch"),
            Some(_) if self.unclear_since.is_none() && self.opens == 0 => (self.unclear_since, self.looks) = (Some(asked_at), 0),
            Some(_) | None => {}
        }
        self.after_absent(asked_at)
    }

    fn after_absent(&mut self, asked_at: Millis) -> PullMove {
        let Some(since) = self.unclear_since else { return PullMove::Open };
        while let Some(wait) = LOOK_AGAIN_AFTER.get(self.looks) {
            self.looks += 1;
            if asked_at < since + *wait {
                return self.wait_until(since + *wait);
            }
        }
        if self.opens >= CREATES_MAX {
            return put_off(None, "two attempts to open it got no clear answer; looking again at the next bundle");
        }
        PullMove::Open
    }

    fn after_unanswered(&mut self, now: Millis) -> PullMove {
        self.unanswered += 1;
        if self.unanswered < UNANSWERED_MAX {
            return self.wait_until(now + RETRY);
        }
        put_off(None, "the forge does not answer; this is tried again at the next bundle")
    }

    fn after_refusal(&mut self, now: Millis, refusal: Refusal) -> PullMove {
        let Refusal { kind, message } = refusal;
        let (not_before, blocked) = match kind {
            RefusalKind::Unleased => {
                self.unleased += 1;
                self.opens = self.opens.saturating_sub(u8::from(matches!(self.step, Step::Opening(_))));
                if self.unleased < UNLEASED_MAX {
                    return PullMove::Acquire;
                }
                (None, false)
            }
            RefusalKind::Limited { retry_after } if retry_after <= LIMIT_WAIT_MAX => return self.wait_until(now + retry_after),
            RefusalKind::Limited { retry_after } => (Some(retry_after), true),
            RefusalKind::Denied | RefusalKind::Unreachable => (None, true),
            RefusalKind::Invalid | RefusalKind::Overtaken => (Some(LEFT_ALONE), false),
        };
        PullMove::PutOff(PutOff { not_before, blocked, why: message })
    }
}

fn put_off(not_before: Option<Duration>, why: &str) -> PullMove {
    PullMove::PutOff(PutOff { not_before, blocked: false, why: why.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statement::tests::fingerprint;
    use crate::{IssueRef, PullState, UnixMillis};

    const CALL: CallId = CallId(1);
    const EXCLUSIVE: Lease = Lease { exclusive: true, doubt: None, date: None };

    fn pulling() -> Pulling {
        Pulling::new(IssueNumber(7), fingerprint(1), "auto-fix/issue-7-error".to_owned())
    }

    fn issue() -> FoundIssue {
        FoundIssue {
            issue: IssueRef { number: IssueNumber(7), url: String::new(), open: true },
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

    fn pull(number: u64, state: PullState) -> FoundPull {
        let pull = PullRequest { number: IssueNumber(number), url: String::new(), state };
        FoundPull { pull, branch: String::new(), head: String::new(), ours: true }
    }

    fn found(pulls: Vec<FoundPull>, branch: Option<bool>) -> ForgeReply {
        let branch = branch.map(|ours| BranchHead { commit: "c".to_owned(), ours });
        ForgeReply::Pull(PullReply::Found { pulls, branch })
    }

    fn look(pulling: &mut Pulling, at: u64, reply: ForgeReply) -> PullMove {
        pulling.leasing(CALL);
        assert_eq!(pulling.next_after_reply(Millis(at), ForgeReply::Leased(EXCLUSIVE)), PullMove::Inspect);
        pulling.inspecting(CALL);
        assert_eq!(pulling.next_after_reply(Millis(at), ForgeReply::Issue(Box::new(issue()))), PullMove::Survey);
        pulling.surveying(CALL);
        assert_eq!(pulling.next_after_reply(Millis(at), found(Vec::new(), None)), PullMove::Look);
        pulling.looking(CALL, Millis(at));
        pulling.next_after_reply(Millis(at), reply)
    }

    fn refused(kind: RefusalKind) -> ForgeReply {
        ForgeReply::Refused(Refusal { kind, message: String::new() })
    }

    fn unclear() -> ForgeReply {
        ForgeReply::Unclear { why: String::new() }
    }

    #[test]
    fn the_lease_comes_first_then_the_issue_then_a_look_and_only_then_one_open() {
        assert_eq!(look(&mut pulling(), 0, found(Vec::new(), None)), PullMove::Open);
    }

    #[test]
    fn whatever_became_of_the_lowest_pull_request_it_is_adopted_and_none_is_opened() {
        for state in [PullState::Open, PullState::Closed, PullState::Merged { at: UnixMillis(1) }] {
            let there = found(vec![pull(12, PullState::Open), pull(9, state)], Some(true));
            assert_eq!(look(&mut pulling(), 0, there), PullMove::Adopt(pull(9, state).pull));
        }
    }

    #[test]
    fn one_under_another_name_for_the_same_issue_is_adopted_and_one_for_another_issue_is_not() {
        let under = |branch: &str| {
            let mut pulling = pulling();
            pulling.surveying(CALL);
            let there = FoundPull { branch: branch.to_owned(), ..pull(9, PullState::Closed) };
            pulling.next_after_reply(Millis(0), found(vec![there], None))
        };
        assert_eq!(under("auto-fix/issue-7-othererror"), PullMove::Adopt(pull(9, PullState::Closed).pull));
        assert_eq!(under("auto-fix/issue-70-error"), PullMove::Look);
    }

    #[test]
    fn a_branch_without_a_pull_request_is_looked_at_for_a_minute_before_one_is_opened() {
        let mut pulling = pulling();
        assert_eq!(look(&mut pulling, 1_000, found(Vec::new(), Some(true))), PullMove::Wait);
        for seconds in [2, 5, 15, 60] {
            let at = 1_000 + seconds * 1_000;
            assert_eq!(pulling.wakes_at(), Some(Millis(at)));
            let expected = if seconds == 60 { PullMove::Open } else { PullMove::Wait };
            assert_eq!(look(&mut pulling, at, found(Vec::new(), Some(true))), expected);
        }
    }

    #[test]
    fn an_unanswered_open_is_looked_for_and_after_two_nothing_but_the_next_bundle_is_left() {
        let mut pulling = pulling();
        let mut now = 0;
        for round in 1..=2 {
            pulling.opening(CALL);
            assert_eq!(pulling.next_after_reply(Millis(now), unclear()), PullMove::Unclear);
            let next = loop {
                now = pulling.wakes_at().unwrap().0;
                let next = look(&mut pulling, now, found(Vec::new(), Some(true)));
                if next != PullMove::Wait {
                    break next;
                }
            };
            match round {
                1 => assert_eq!(next, PullMove::Open),
                _ => assert!(matches!(next, PullMove::PutOff(PutOff { blocked: false, .. })), "{next:?}"),
            }
        }
        assert_eq!(now, 120_000);
    }

    #[test]
    fn what_another_may_have_opened_is_looked_for_too() {
        let mut pulling = pulling();
        pulling.leasing(CALL);
        let lease = Lease { doubt: Some(Duration::from_secs(10)), ..EXCLUSIVE };
        pulling.next_after_reply(Millis(30_000), ForgeReply::Leased(lease));
        pulling.looking(CALL, Millis(30_000));
        assert_eq!(pulling.next_after_reply(Millis(30_000), found(Vec::new(), None)), PullMove::Wait);
        assert_eq!(pulling.wakes_at(), Some(Millis(35_000)), "15 s after it may have been sent");
    }

    #[test]
    fn an_issue_that_people_closed_or_silenced_or_that_lists_many_gets_none() {
        let changes: [fn(&mut FoundIssue); 6] = [
            |found| found.issue.open = false,
            |found| found.muted = true,
            |found| found.locked = true,
            |found| found.quiet = true,
            |found| found.is_one_error = false,
            |found| found.markers.clear(),
        ];
        for change in changes {
            let mut found = issue();
            change(&mut found);
            let mut pulling = pulling();
            pulling.inspecting(CALL);
            assert!(matches!(pulling.next_after_reply(Millis(0), ForgeReply::Issue(Box::new(found))), PullMove::PutOff(_)));
        }
    }

    #[test]
    fn a_branch_that_people_work_on_is_left_to_them() {
        let next = look(&mut pulling(), 0, found(Vec::new(), Some(false)));
        assert!(matches!(next, PullMove::PutOff(PutOff { not_before: Some(_), blocked: false, .. })), "{next:?}");
    }

    #[test]
    fn where_there_are_no_drafts_a_comment_is_left_and_asked_for_again_until_it_stands() {
        let mut pulling = pulling();
        pulling.opening(CALL);
        assert_eq!(pulling.next_after_reply(Millis(0), ForgeReply::Pull(PullReply::NoDrafts)), PullMove::Comment);
        pulling.commenting(CALL);
        assert_eq!(pulling.next_after_reply(Millis(0), unclear()), PullMove::Wait);
        assert_eq!(look(&mut pulling, 5_000, found(Vec::new(), Some(true))), PullMove::Comment);
        pulling.commenting(CALL);
        assert_eq!(pulling.next_after_reply(Millis(5_000), ForgeReply::Done), PullMove::Commented);
    }

    #[test]
    fn a_token_that_may_not_keeps_this_node_from_all_pull_requests_and_a_bad_request_only_from_this_one() {
        let blocked = |kind| {
            let mut pulling = pulling();
            pulling.opening(CALL);
            let PullMove::PutOff(put_off) = pulling.next_after_reply(Millis(0), refused(kind)) else { return None };
            Some(put_off.blocked)
        };
        assert_eq!(blocked(RefusalKind::Denied), Some(true));
        assert_eq!(blocked(RefusalKind::Invalid), Some(false));
        assert_eq!(blocked(RefusalKind::Overtaken), Some(false));
        assert_eq!(blocked(RefusalKind::Unleased), None, "the lease is taken again");
    }
}
