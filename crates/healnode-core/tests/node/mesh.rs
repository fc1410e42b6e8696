//! A driver for a handful of nodes: messages arrive at once, the forge does as the test says, time passes only when it is told to.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use healnode_report::{Admission, Algorithm, Algorithms};

use healnode_core::{
    Body, BranchHead, CallId, CloseReason, Closing, Command, Effect, Epoch, Fingerprint, FixDepth, FixEnding, FixJob, FixOutcome, FixStage,
    FixView, ForgeCall, ForgeHealth, ForgeReply, FoundIssue, FoundPull, Guidance, Input, IssueNumber, IssueRef, Lease, LeaseNonce,
    LeaseRecord, LeaseStep, Marker, Millis, Node, NodeId, Now, Outcome, Policy, PullCall, PullReply, PullRequest, PullState, RawError,
    Record, Refusal, RefusalKind, Report, Run, Seq, Severity, Signature, Signed, Signer, Snapshot, StageRecord, Stated, Statement,
    SyncRequest, UnixMillis, lease_step,
};

/// A whole minute, so that bundles come at whole minutes of a test's time.
const WALL_BASE_MS: u64 = 1_795_612_200_000;

pub(crate) struct Mesh {
    pub(crate) members: Vec<Member>,
    pub(crate) forge: Forge,
    /// Every effect but questions, answers and wake-ups, with the number of the input that had it, in order.
    pub(crate) log: Vec<(usize, Effect)>,
    /// Whether published runs arrive.
    pub(crate) gossip: bool,
    now: Millis,
    inbox: VecDeque<(usize, Input)>,
    inputs: usize,
    questions: BTreeMap<u64, usize>,
    reports: u64,
    /// Jobs for the edge that looks for fixes, with who has them. Those for guidance are answered at once.
    pub(crate) jobs: VecDeque<(usize, CallId, FixJob)>,
    /// What jobs for guidance are answered with; nothing for no answer.
    pub(crate) guidance: Option<Guidance>,
}

pub(crate) struct Member {
    pub(crate) id: NodeId,
    pub(crate) node: Option<Node>,
    pub(crate) disk: Snapshot,
    epoch: Epoch,
    pub(crate) policy: Policy,
    samples: BTreeMap<Fingerprint, Box<Report>>,
    wake_at: Option<Millis>,
    cut_off: bool,
    lives: u8,
    /// The versions by which its reports are fingerprinted.
    algorithms: Algorithms,
    /// What became of its reports.
    pub(crate) outcomes: Vec<Outcome>,
}

#[derive(Default)]
pub(crate) struct Forge {
    pub(crate) manner: Manner,
    pub(crate) issues: Vec<FoundIssue>,
    /// Who created each issue.
    pub(crate) creators: Vec<usize>,
    /// Every call, with who made it.
    pub(crate) calls: Vec<(usize, ForgeCall)>,
    /// Whether there is no lease to be had.
    pub(crate) leaseless: bool,
    record: Option<LeaseRecord>,
    /// Every comment, with the issue it is under.
    pub(crate) comments: Vec<(u64, String)>,
    /// Calls that were not answered.
    pub(crate) held: VecDeque<(usize, CallId, ForgeCall)>,
    pub(crate) pulls: Vec<FoundPull>,
    /// Where each branch is, and whether that commit is healnode's.
    pub(crate) branches: BTreeMap<String, BranchHead>,
    /// Whether drafts are not to be had.
    pub(crate) draftless: bool,
    /// The text of each pull request.
    pub(crate) bodies: BTreeMap<u64, String>,
    commits: u64,
}

/// What the forge does with a call.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Manner {
    #[default]
    Answers,
    /// Nothing happens until `Mesh::answer_held`.
    Holds,
    /// Creates take effect, and their answers are lost.
    LosesAnswers,
    Denies,
}

struct NoKey;

impl Signer for NoKey {
    fn sign(&self, statement: &Statement) -> Signature {
        Signature([statement.seq.0 as u8; 64])
    }
}

impl Mesh {
    /// Nodes 0, 1, … with rising ids, all connected, all able to file, past their settling.
    pub(crate) fn of(nodes: usize) -> Self {
        let mut mesh = Self::unstarted(nodes);
        for place in 0..nodes {
            mesh.start(place);
        }
        mesh.run_for(5);
        mesh
    }

    pub(crate) fn unstarted(nodes: usize) -> Self {
        let policy = Policy { may_file: true, bundle_interval: Duration::from_secs(60), ..Policy::default() };
        let member = |place: usize| Member {
            id: NodeId::from_key([place as u8 + 1; 32]),
            node: None,
            disk: Snapshot::default(),
            epoch: Epoch(1),
            policy: policy.clone(),
            samples: BTreeMap::new(),
            wake_at: None,
            cut_off: false,
            lives: 0,
            algorithms: Algorithms::BUILT_IN,
            outcomes: Vec::new(),
        };
        Self {
            members: (0..nodes).map(member).collect(),
            forge: Forge::default(),
            log: Vec::new(),
            gossip: true,
            now: Millis(0),
            inbox: VecDeque::new(),
            inputs: 0,
            questions: BTreeMap::new(),
            reports: 0,
            jobs: VecDeque::new(),
            guidance: Some(Guidance::default()),
        }
    }

    /// Nodes that open pull requests and look for fixes.
    pub(crate) fn of_menders(nodes: usize) -> Self {
        let mut mesh = Self::unstarted(nodes);
        for place in 0..nodes {
            let policy = &mut mesh.members[place].policy;
            (policy.auto_pr, policy.auto_heal) = (true, true);
            mesh.start(place);
        }
        mesh.run_for(5);
        mesh
    }

    /// Starts a node from its disk and connects it to all that run.
    pub(crate) fn start(&mut self, place: usize) {
        let now = self.time();
        let member = &mut self.members[place];
        let node = Node::new(member.id, member.epoch, member.policy.clone(), Box::new(NoKey), member.disk.clone(), now);
        member.node = Some(node);
        member.lives += 1;
        member.wake_at = None;
        self.give(place, Input::Tick);
        self.give(place, Input::ForgeHealth(ForgeHealth::Ready));
        self.connect(place);
    }

    fn connect(&mut self, place: usize) {
        for other in (0..self.members.len()).filter(|other| *other != place) {
            if self.reaches(place, other) {
                self.give(place, Input::PeerUp(self.members[other].id));
                self.give(other, Input::PeerUp(self.members[place].id));
            }
        }
    }

    fn reaches(&self, a: usize, b: usize) -> bool {
        let runs = |place: usize| self.members[place].node.is_some();
        runs(a) && runs(b) && (a == b || !self.members[a].cut_off && !self.members[b].cut_off)
    }

    /// Kills a node. Its peers are not told.
    pub(crate) fn kill(&mut self, place: usize) {
        self.members[place].node = None;
        self.forge.held.retain(|(caller, ..)| *caller != place);
        self.jobs.retain(|(worker, ..)| *worker != place);
    }

    pub(crate) fn restart(&mut self, place: usize) {
        self.kill(place);
        self.start(place);
    }

    /// Kills a node and empties its disk.
    pub(crate) fn wipe(&mut self, place: usize) {
        self.kill(place);
        let member = &mut self.members[place];
        member.disk = Snapshot::default();
        member.samples.clear();
        member.epoch.0 += 1;
    }

    /// Restarts a node as one of the next version of the algorithm, which still knows this one.
    pub(crate) fn upgrade(&mut self, place: usize) {
        let this = Algorithms::BUILT_IN.current;
        let next = Algorithm { version: this.version + 1, ..this };
        let member = &mut self.members[place];
        member.algorithms = Algorithms { current: next, former: Some(this) };
        member.policy.algorithm = next.version;
        self.restart(place);
    }

    /// Cuts a node off from the others, without a word.
    pub(crate) fn cut_off(&mut self, place: usize) {
        self.members[place].cut_off = true;
    }

    pub(crate) fn heal(&mut self, place: usize) {
        self.members[place].cut_off = false;
        self.connect(place);
    }

    pub(crate) fn time(&self) -> Now {
        Now { mono: self.now, wall: UnixMillis(WALL_BASE_MS + self.now.0) }
    }

    /// Lets time pass.
    pub(crate) fn run_for(&mut self, seconds: u64) {
        let end = Millis(self.now.0 + seconds * 1_000);
        self.settle();
        while let Some((at, place)) = self.next_wake().filter(|(at, _)| *at <= end) {
            self.now = self.now.max(at);
            self.members[place].wake_at = None;
            self.give(place, Input::Tick);
        }
        self.now = end;
    }

    /// Runs to half a minute past the next whole minute: after the bundle, and after what it leads to.
    pub(crate) fn run_past_the_bundle(&mut self) {
        let into_minute = self.now.0 / 1_000 % 60;
        self.run_for(90 - into_minute);
    }

    fn next_wake(&self) -> Option<(Millis, usize)> {
        let wakes = self.members.iter().enumerate().filter(|(_, member)| member.node.is_some());
        wakes.filter_map(|(place, member)| Some((member.wake_at?, place))).min()
    }

    /// Hands an input to a node, and everything that follows from it to whom it is for.
    pub(crate) fn give(&mut self, place: usize, input: Input) {
        self.inbox.push_back((place, input));
        self.settle();
    }

    fn settle(&mut self) {
        while let Some((place, input)) = self.inbox.pop_front() {
            let now = self.time();
            let Some(node) = &mut self.members[place].node else { continue };
            let mut effects = Vec::new();
            node.handle(now, input, &mut effects);
            self.inputs += 1;
            for effect in effects {
                if !matches!(effect, Effect::Ask { .. } | Effect::Answer { .. } | Effect::WakeAt { .. }) {
                    self.log.push((self.inputs, effect.clone()));
                }
                self.carry_out(place, effect);
            }
        }
    }

    fn carry_out(&mut self, place: usize, effect: Effect) {
        match effect {
            Effect::Store(record) => self.store(place, record),
            Effect::Publish(run) => self.publish(place, &run),
            Effect::Ask { to, request } => self.ask(place, to, request),
            Effect::Answer { id, response } => {
                if let Some(asker) = self.questions.remove(&id.0) {
                    self.inbox.push_back((asker, Input::Answered { from: self.members[place].id, response: Some(response) }));
                }
            }
            Effect::Acknowledge { outcome, .. } => self.members[place].outcomes.push(outcome),
            Effect::Forge { id, call } => {
                self.forge.calls.push((place, call.clone()));
                self.forge.held.push_back((place, id, call));
                if self.forge.manner != Manner::Holds {
                    self.answer_calls();
                }
            }
            Effect::FetchSample { id, fingerprint, .. } => {
                let report = self.members.iter().find_map(|member| member.samples.get(&fingerprint)).cloned();
                self.inbox.push_back((place, Input::Sample { id, report }));
            }
            Effect::Rollback { .. } => {}
            Effect::Fix { id, job } => self.take_job(place, id, *job),
            Effect::WakeAt { at, .. } => self.members[place].wake_at = Some(at),
            Effect::Note(_) => {}
        }
    }

    fn take_job(&mut self, place: usize, id: CallId, job: FixJob) {
        match (job.depth, &self.guidance) {
            (FixDepth::Guidance, Some(guidance)) => {
                let outcome = FixOutcome { guidance: Some(guidance.clone()), ending: FixEnding::Guided };
                self.inbox.push_back((place, Input::Fixed { id, outcome: Box::new(outcome) }));
            }
            (FixDepth::Guidance, None) => {}
            (FixDepth::Proposal, _) => self.jobs.push_back((place, id, job)),
        }
    }

    /// Ends the oldest job that waits.
    pub(crate) fn end_job(&mut self, ending: FixEnding) {
        let (place, id, _) = self.jobs.pop_front().expect("a job waits");
        let record =
            StageRecord { stage: FixStage::Checkout, round: 0, at: self.time().wall, took_ms: 5, passed: true, note: "made".to_owned() };
        self.give(place, Input::FixStage { id, record });
        self.give(place, Input::Fixed { id, outcome: Box::new(FixOutcome { guidance: None, ending }) });
    }

    /// Returns what a node shows of a fix.
    pub(crate) fn fix(&self, place: usize, fingerprint: Fingerprint) -> FixView {
        self.node(place).error(self.time(), fingerprint).and_then(|error| error.fix).expect("there is something to show")
    }

    /// Returns what a node knows of the pull request of an error: its number and its state.
    pub(crate) fn pull(&self, place: usize, fingerprint: Fingerprint) -> Option<(u64, String)> {
        let pull = self.node(place).error(self.time(), fingerprint)?.pull_request?;
        Some((pull.number, pull.state))
    }

    fn store(&mut self, place: usize, record: Record) {
        if let Record::Sample(report) = &record {
            self.members[place].samples.insert(report.fingerprint(), report.clone());
        }
        self.members[place].disk.apply(record);
    }

    fn publish(&mut self, place: usize, run: &Run) {
        for other in (0..self.members.len()).filter(|other| *other != place) {
            if self.gossip && self.reaches(place, other) {
                self.inbox.push_back((other, Input::Gossip(run.clone())));
            }
        }
    }

    fn ask(&mut self, place: usize, to: NodeId, request: SyncRequest) {
        let other = self.members.iter().position(|member| member.id == to).filter(|other| self.reaches(place, *other));
        let Some(other) = other else { return self.inbox.push_back((place, Input::Answered { from: to, response: None })) };
        let id = self.inputs as u64 * 100 + self.questions.len() as u64;
        self.questions.insert(id, place);
        self.inbox.push_back((other, Input::Asked { id: CallId(id), request }));
    }

    /// Lets the forge deal with every call that waits, in its present manner.
    pub(crate) fn answer_held(&mut self) {
        self.answer_calls();
        self.settle();
    }

    fn answer_calls(&mut self) {
        while let Some((place, id, call)) = self.forge.held.pop_front() {
            let nonce = LeaseNonce([place as u8, self.members[place].lives, 0, 0, 0, 0, 0, 0]);
            let reply = self.forge.reply(place, nonce, self.time().wall, call);
            self.inbox.push_back((place, Input::Forge { id, reply }));
        }
    }

    /// Has node `from` say something to node `to` that its real self never said.
    pub(crate) fn tell(&mut self, to: usize, from: usize, body: Body) {
        let statement = Statement { origin: self.members[from].id, epoch: self.members[from].epoch, seq: Seq(1 << 40), body };
        let Statement { origin, epoch, seq, .. } = statement;
        let statements = vec![Signed { statement, signature: Signature([9; 64]) }];
        self.give(to, Input::Gossip(Run { origin, epoch, after: Seq(seq.0 - 1), through: seq, statements }));
    }

    /// Has an application report an error at a node.
    pub(crate) fn report(&mut self, place: usize, error_type: &str) -> Fingerprint {
        self.report_raw(place, RawError::new(error_type, "it did not work"))
    }

    pub(crate) fn report_critical(&mut self, place: usize, error_type: &str) -> Fingerprint {
        let mut raw = RawError::new(error_type, "it did not work");
        raw.severity = Some(Severity::Critical);
        self.report_raw(place, raw)
    }

    pub(crate) fn report_raw(&mut self, place: usize, raw: RawError) -> Fingerprint {
        self.reports += 1;
        let admission = Admission { algorithms: self.members[place].algorithms, ..Admission::default() };
        let report = admission.readmit(raw, self.time().wall);
        let fingerprint = report.fingerprint();
        self.give(place, Input::Captured { id: CallId(self.reports), report: Box::new(report) });
        fingerprint
    }

    pub(crate) fn mute(&mut self, place: usize, fingerprint: Fingerprint, seconds: u64) {
        let until = UnixMillis(self.time().wall.0 + seconds * 1_000);
        self.give(place, Input::Operator(Command::Mute { fingerprint, until, by: "ann".to_owned() }));
    }

    pub(crate) fn node(&self, place: usize) -> &Node {
        self.members[place].node.as_ref().expect("the node was started")
    }

    /// Returns how often a node thinks that an error was seen.
    pub(crate) fn count(&self, place: usize, fingerprint: Fingerprint) -> u64 {
        self.node(place).error(self.time(), fingerprint).map_or(0, |error| error.occurrences)
    }

    /// Returns the issue that a node knows of.
    pub(crate) fn issue(&self, place: usize, fingerprint: Fingerprint) -> Option<u64> {
        self.node(place).error(self.time(), fingerprint)?.issue.map(|issue| issue.number)
    }
}

impl Forge {
    fn reply(&mut self, place: usize, nonce: LeaseNonce, wall: UnixMillis, call: ForgeCall) -> ForgeReply {
        if self.manner == Manner::Denies {
            return ForgeReply::Refused(Refusal { kind: RefusalKind::Denied, message: "make a new token".to_owned() });
        }
        match call {
            ForgeCall::Acquire => self.acquire(nonce, wall),
            ForgeCall::Release { unclear } => {
                let mine = self.record.as_mut().filter(|record| record.holder == nonce);
                if let Some(record) = mine {
                    *record = record.given_back(unclear, wall.0 / 1000);
                }
                ForgeReply::Done
            }
            ForgeCall::Look { markers } => {
                let has_one = |issue: &&FoundIssue| issue.markers.iter().any(|marker| markers.contains(marker));
                ForgeReply::Found(self.issues.iter().filter(has_one).cloned().collect())
            }
            ForgeCall::Survey => ForgeReply::Found(self.issues.clone()),
            ForgeCall::Inspect { number } => match self.issues.iter().find(|found| found.issue.number == number) {
                Some(found) => ForgeReply::Issue(Box::new(found.clone())),
                None => ForgeReply::Gone { moved_to: None },
            },
            ForgeCall::Create(draft) => {
                let number = IssueNumber(self.creators.len() as u64 + 1);
                let issue = IssueRef { number, url: format!("https://forge.example/{}", number.0), open: true };
                self.issues.push(FoundIssue {
                    issue: issue.clone(),
                    markers: Marker::read_all(&draft.body),
                    is_one_error: Marker::are_of_one_error(&draft.body),
                    created_at: wall,
                    closing: None,
                    locked: false,
                    muted: false,
                    quiet: false,
                    approved: false,
                    stated: Stated::read(&draft.body),
                });
                self.creators.push(place);
                match self.manner {
                    Manner::LosesAnswers => ForgeReply::Unclear { why: "cut off".to_owned() },
                    Manner::Answers | Manner::Holds | Manner::Denies => ForgeReply::Created(issue),
                }
            }
            ForgeCall::Update { number, draft } => self.edit(number, |found| found.stated = Stated::read(&draft.body)),
            ForgeCall::Comment { number, text } => {
                self.comments.push((number.0, text));
                ForgeReply::Done
            }
            ForgeCall::Reopen { number, comment } => {
                self.comments.push((number.0, comment));
                self.edit(number, |found| (found.issue.open, found.closing) = (true, None))
            }
            ForgeCall::Close { number, comment } => {
                self.comments.push((number.0, comment));
                self.close(number, wall, CloseReason::Completed)
            }
            ForgeCall::MarkQuiet { number, quiet } => self.edit(number, |found| found.quiet = quiet),
            ForgeCall::CloseDuplicate { number, of } => self.close(number, wall, CloseReason::Duplicate { of: Some(of) }),
            ForgeCall::Pull(call) => self.pull_reply(call),
        }
    }

    fn pull_reply(&mut self, call: PullCall) -> ForgeReply {
        let loses = self.manner == Manner::LosesAnswers;
        let unclear = || ForgeReply::Unclear { why: "cut off".to_owned() };
        let reply = match call {
            PullCall::Look { branch } => {
                let pulls = self.pulls.iter().filter(|found| found.branch == branch).cloned().collect();
                PullReply::Found { pulls, branch: self.branches.get(&branch).cloned() }
            }
            PullCall::Survey => PullReply::Found { pulls: self.pulls.clone(), branch: None },
            PullCall::Open(_) if self.draftless => PullReply::NoDrafts,
            PullCall::Open(draft) => {
                let pull = self.open_pull(&draft.branch);
                self.bodies.insert(pull.number.0, draft.body);
                if loses {
                    return unclear();
                }
                PullReply::Opened { pull, head: self.branches[&draft.branch].commit.clone() }
            }
            PullCall::Publish(publication) => {
                let head = self.branches.get_mut(&publication.branch).filter(|head| head.commit == publication.expected);
                let Some(head) = head else {
                    return ForgeReply::Refused(Refusal { kind: RefusalKind::Overtaken, message: "the branch has moved".to_owned() });
                };
                self.commits += 1;
                head.commit = format!("c{}", self.commits);
                self.bodies.insert(publication.number.0, publication.body);
                PullReply::Published { head: head.commit.clone() }
            }
            PullCall::CommentOnce { number, key, text } => {
                let text = format!("{key}: {text}");
                if !self.comments.iter().any(|(under, said)| *under == number.0 && said.starts_with(&key)) {
                    self.comments.push((number.0, text));
                }
                return ForgeReply::Done;
            }
            PullCall::Assign { .. } => PullReply::Assigned,
        };
        ForgeReply::Pull(reply)
    }

    /// Makes a branch, unless it is there, and a pull request on it.
    pub(crate) fn open_pull(&mut self, branch: &str) -> PullRequest {
        self.commits += 1;
        let commit = format!("c{}", self.commits);
        let head = self.branches.entry(branch.to_owned()).or_insert(BranchHead { commit, ours: true }).clone();
        let number = IssueNumber(1_000 + self.pulls.len() as u64);
        let url = format!("https://forge.example/pull/{}", number.0);
        let pull = PullRequest { number, url, state: PullState::Open };
        self.pulls.push(FoundPull { pull: pull.clone(), branch: branch.to_owned(), head: head.commit, ours: true });
        pull
    }

    /// Returns how many opens were sent.
    pub(crate) fn opens(&self) -> usize {
        self.pull_calls(|call| matches!(call, PullCall::Open(_)))
    }

    /// Returns how many publications were sent.
    pub(crate) fn publications(&self) -> usize {
        self.pull_calls(|call| matches!(call, PullCall::Publish(_)))
    }

    pub(crate) fn pull_calls(&self, is_one: impl Fn(&PullCall) -> bool) -> usize {
        self.calls.iter().filter(|(_, call)| matches!(call, ForgeCall::Pull(call) if is_one(call))).count()
    }

    fn acquire(&mut self, nonce: LeaseNonce, wall: UnixMillis) -> ForgeReply {
        let (now, date) = (wall.0 / 1000, Some(wall));
        if self.leaseless {
            return ForgeReply::Leased(Lease { exclusive: false, doubt: None, date });
        }
        match lease_step(self.record.as_ref(), nonce, now) {
            LeaseStep::Take(record) => {
                let doubt = record.doubt_age(now);
                self.record = Some(record);
                ForgeReply::Leased(Lease { exclusive: true, doubt, date })
            }
            LeaseStep::Ours => ForgeReply::Leased(Lease { exclusive: true, doubt: None, date }),
            LeaseStep::Wait(retry_after) => ForgeReply::Held { retry_after },
        }
    }

    pub(crate) fn close(&mut self, number: IssueNumber, at: UnixMillis, reason: CloseReason) -> ForgeReply {
        self.edit(number, |found| (found.issue.open, found.closing) = (false, Some(Closing { at, reason })))
    }

    pub(crate) fn edit(&mut self, number: IssueNumber, change: impl Fn(&mut FoundIssue)) -> ForgeReply {
        self.issues.iter_mut().filter(|found| found.issue.number == number).for_each(change);
        ForgeReply::Done
    }

    /// Returns whether anybody holds the lease.
    pub(crate) fn is_leased(&self) -> bool {
        self.record.as_ref().is_some_and(|record| record.held)
    }

    /// Returns the numbers of the open issues.
    pub(crate) fn open(&self) -> Vec<u64> {
        self.issues.iter().filter(|found| found.issue.open).map(|found| found.issue.number.0).collect()
    }

    /// Returns how many creates were sent.
    pub(crate) fn creates(&self) -> usize {
        self.calls.iter().filter(|(_, call)| matches!(call, ForgeCall::Create(_))).count()
    }
}
