//! The forge's pull requests: a branch is made at once or not at all, its pull request perhaps later, perhaps never.
//!
//! Harsher than real ones, which refuse a second open pull request of one branch: here every open makes one, so that the checks see what the
//! nodes themselves keep from happening. What is listed lags; where a branch is does not.

use std::collections::BTreeMap;

use healnode_core::{
    BranchHead, ForgeReply, FoundPull, IssueNumber, Millis, Publication, PullCall, PullDraft, PullReply, PullRequest, PullState, Refusal,
    RefusalKind, UnixMillis, issue_of_branch,
};

use crate::dice::Dice;
use crate::forge::seconds;
use crate::load::CANARY;

/// Numbers of pull requests begin here, so that those of issues stay what they are without any.
const FIRST: u64 = 1_000_000;

/// Of a thousand pull requests whose opener is not told, so many come later than their branch, and so many never.
const LATER_PER_MILLE: u64 = 400;
const NEVER_PER_MILLE: u64 = 300;

/// All pull requests.
pub(crate) struct Pulls {
    /// Whether nothing excuses a second one for an issue.
    strict: bool,
    /// Whether one that is open is given back in the place of a second.
    guarded: bool,
    pulls: Vec<Pull>,
    branches: BTreeMap<String, Branch>,
    /// Those that come later than their branch.
    late: Vec<(Millis, PullDraft)>,
    commits: u64,
    /// Commits of people.
    theirs: Vec<String>,
    pub(crate) publications: usize,
    pub(crate) second: usize,
    pub(crate) violations: Vec<String>,
}

struct Pull {
    number: IssueNumber,
    issue: Option<IssueNumber>,
    branch: String,
    state: PullState,
    visible_at: Millis,
}

struct Branch {
    commit: String,
    ours: bool,
}

impl Pulls {
    pub(crate) fn new(strict: bool, guarded: bool) -> Self {
        Self {
            strict,
            guarded,
            pulls: Vec::new(),
            branches: BTreeMap::new(),
            late: Vec::new(),
            commits: 0,
            theirs: Vec::new(),
            publications: 0,
            second: 0,
            violations: Vec::new(),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.pulls.len()
    }

    /// Returns whether an issue has one, whatever became of it, or people work on its branch.
    pub(crate) fn is_taken_care_of(&self, issue: IssueNumber) -> bool {
        let theirs = |(branch, head): (&String, &Branch)| issue_of_branch(branch) == Some(issue) && !head.ours;
        self.pulls.iter().any(|pull| pull.issue == Some(issue)) || self.branches.iter().any(theirs)
    }

    /// Looks at what is sent.
    pub(crate) fn sent(&mut self, now: Millis, call: &PullCall) {
        if format!("{call:?}").contains(CANARY) {
            self.violated(now, "a secret stands in a pull request".to_owned());
        }
        if let PullCall::Publish(publication) = call
            && self.theirs.contains(&publication.expected)
        {
            self.violated(now, format!("a fix was to be put on top of commits of people, on {}", publication.branch));
        }
    }

    /// Lets a call take effect. `told` is whether its caller hears of it; `late` between which moments it may take effect if it comes late.
    pub(crate) fn act(
        &mut self,
        now: Millis,
        call: PullCall,
        told: bool,
        late: (Millis, Millis),
        lag_ms: u64,
        dice: &mut Dice,
    ) -> PullReply {
        self.let_late_ones_come(now, lag_ms);
        match call {
            PullCall::Look { branch } => {
                let head = self.branches.get(&branch).map(|head| BranchHead { commit: head.commit.clone(), ours: head.ours });
                PullReply::Found { pulls: self.listed(now).filter(|found| found.branch == branch).collect(), branch: head }
            }
            PullCall::Survey => PullReply::Found { pulls: self.listed(now).collect(), branch: None },
            PullCall::Open(draft) => self.open(now, draft, told, late, lag_ms, dice),
            PullCall::Publish(publication) => self.publish(&publication),
            PullCall::CommentOnce { .. } | PullCall::Assign { .. } => PullReply::Assigned,
        }
    }

    fn open(&mut self, now: Millis, draft: PullDraft, told: bool, late: (Millis, Millis), lag_ms: u64, dice: &mut Dice) -> PullReply {
        self.commits += 1;
        let commit = format!("begun-{}", self.commits);
        let head = self.branches.entry(draft.branch.clone()).or_insert(Branch { commit, ours: true }).commit.clone();
        if !told && dice.per_mille(NEVER_PER_MILLE) {
            return PullReply::NoDrafts;
        }
        if !told && dice.per_mille(LATER_PER_MILLE) {
            self.late.push((Millis(dice.between(late.0.0, late.1.0)), draft));
            return PullReply::NoDrafts;
        }
        let pull = self.make(now, &draft, lag_ms);
        PullReply::Opened { pull, head }
    }

    fn let_late_ones_come(&mut self, now: Millis, lag_ms: u64) {
        let due: Vec<(Millis, PullDraft)> = self.late.extract_if(.., |(at, _)| *at <= now).collect();
        for (at, draft) in due {
            self.make(at, &draft, lag_ms);
        }
    }

    fn make(&mut self, now: Millis, draft: &PullDraft, lag_ms: u64) -> PullRequest {
        let issue = issue_of_branch(&draft.branch);
        let there = self.pulls.iter().find(|pull| pull.issue == issue);
        if let Some(there) = there.filter(|there| self.guarded && there.state == PullState::Open) {
            return there.reference();
        }
        if let Some(there) = there {
            self.second += 1;
            let what = format!("a second pull request for issue {} beside {}, which is {:?}", draft.issue, there.number, there.state);
            if self.strict {
                self.violated(now, what);
            }
        }
        let number = IssueNumber(FIRST + self.pulls.len() as u64);
        let visible_at = Millis(now.0 + lag_ms);
        let pull = Pull { number, issue, branch: draft.branch.clone(), state: PullState::Open, visible_at };
        let reference = pull.reference();
        self.pulls.push(pull);
        reference
    }

    fn publish(&mut self, publication: &Publication) -> PullReply {
        self.commits += 1;
        let commit = format!("fix-{}", self.commits);
        match self.branches.get_mut(&publication.branch).filter(|head| head.commit == publication.expected) {
            Some(head) => {
                head.commit.clone_from(&commit);
                self.publications += 1;
                PullReply::Published { head: commit }
            }
            None => PullReply::NoDrafts,
        }
    }

    fn listed(&self, now: Millis) -> impl Iterator<Item = FoundPull> {
        let head = |pull: &Pull| self.branches.get(&pull.branch).map(|head| head.commit.clone()).unwrap_or_default();
        self.pulls.iter().filter(move |pull| pull.visible_at <= now).map(move |pull| FoundPull {
            pull: pull.reference(),
            branch: pull.branch.clone(),
            head: head(pull),
            ours: true,
        })
    }

    /// Lets a person close one, merge one, or push to its branch. Returns what was done, and to which issue's.
    pub(crate) fn touch(&mut self, now: Millis, dice: &mut Dice) -> Option<(&'static str, IssueNumber)> {
        let open: Vec<usize> = (0..self.pulls.len()).filter(|index| self.pulls[*index].state == PullState::Open).collect();
        let pull = &mut self.pulls[*open.get(dice.below(open.len()))?];
        let issue = pull.issue?;
        let what = match dice.below(3) {
            0 => {
                pull.state = PullState::Closed;
                "pull closed"
            }
            1 => {
                pull.state = PullState::Merged { at: UnixMillis(seconds(now) * 1_000) };
                "pull merged"
            }
            _ => {
                let branch = self.branches.get_mut(&pull.branch)?;
                self.commits += 1;
                branch.commit = format!("theirs-{}", self.commits);
                branch.ours = false;
                self.theirs.push(branch.commit.clone());
                "pull pushed to"
            }
        };
        if what == "pull closed" && dice.per_mille(500) {
            let branch = pull.branch.clone();
            self.branches.remove(&branch);
        }
        Some((what, issue))
    }

    fn violated(&mut self, now: Millis, what: String) {
        self.violations.push(format!("at {now:?}: {what}"));
    }
}

impl Pull {
    fn reference(&self) -> PullRequest {
        PullRequest { number: self.number, url: format!("https://forge.example/pull/{}", self.number.0), state: self.state }
    }
}

/// Returns what a caller is told.
pub(crate) fn told(call: &PullCall, reply: PullReply) -> ForgeReply {
    match (call, reply) {
        (PullCall::CommentOnce { .. }, _) => ForgeReply::Done,
        (PullCall::Publish(_), PullReply::NoDrafts) => {
            ForgeReply::Refused(Refusal { kind: RefusalKind::Overtaken, message: "the branch has moved".to_owned() })
        }
        (_, reply) => ForgeReply::Pull(reply),
    }
}
