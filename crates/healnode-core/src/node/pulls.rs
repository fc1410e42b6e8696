//! A draft pull request for each issue: which issues want one, and what is known of those that are there.
//!
//! The node that filed an issue follows it up at once; what is left over goes to whoever has the turn of the upkeep, by a survey of the bot's
//! own pull requests. One at a time, behind filings and chores, under the lease. How one comes to be is `pulling.rs`'s, what it says is
//! `issue/pull.rs`'s. Never decides whether a fix is looked for.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use healnode_report::{Fingerprint, Report, UnixMillis};

use super::desk::{DAY, HOUR, left_in};
use super::upkeep::VERSIONS_MAX;
use crate::issue::Writer;
use crate::issue::pull::{PullText, draft_pull, guidance_comment};
use crate::ledger::Entry;
use crate::limits::{PULLS_LEFT_ALONE_MAX, PULLS_WAITING_MAX, URL_BYTES_MAX};
use crate::pulling::{PullMove, Pulling, PutOff};
use crate::{
    Body, CallId, Effect, Event, FixDepth, FixJob, FixNote, FixOutcome, ForgeCall, ForgeHealth, ForgeReply, FoundPull, IssueNumber,
    KnownPull, Millis, Now, PullCall, PullReply, PullRequest, PullState, RefusalKind, Standing, branch, issue_of_branch,
};

/// How long guidance is waited for. It may queue behind a fix; a pull request is of use without it.
const GUIDANCE_PATIENCE: Duration = Duration::from_secs(300);

/// What tells the comment in the place of a pull request from others.
const GUIDANCE_KEY: &str = "pull-guidance";

/// What is left to do, and what is being done.
#[derive(Clone, Hash, Default)]
pub(super) struct Pulls {
    /// Issues that are to have one, in the order in which they came.
    line: VecDeque<IssueNumber>,
    current: Option<Pulling>,
    survey: Survey,
    /// When this node opened those of the last day.
    opened: Vec<UnixMillis>,
    /// Open ones at the last survey.
    found_open: usize,
    /// Issues that get none for now, until when, and why.
    left_alone: BTreeMap<IssueNumber, (Millis, String)>,
    /// Up to when this node opens none at all, and why.
    blocked: Option<(Millis, String)>,
}

/// Whether the bot's own pull requests are looked through.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
enum Survey {
    #[default]
    Done,
    Wanted,
    Asked(CallId),
}

impl Pulls {
    /// Returns whether the forge has been asked something, and has not answered.
    pub(super) fn is_calling(&self) -> bool {
        matches!(self.survey, Survey::Asked(_)) || self.current.as_ref().is_some_and(Pulling::is_calling)
    }

    /// Returns how many are on their way at this node.
    pub(super) fn under_way(&self) -> usize {
        self.line.len() + usize::from(self.current.is_some())
    }

    fn awaits(&self, id: CallId) -> bool {
        self.current.as_ref().is_some_and(|pulling| pulling.awaits(id))
    }

    fn push(&mut self, issue: IssueNumber) {
        let is_known = self.line.contains(&issue) || self.current.as_ref().is_some_and(|pulling| pulling.issue == issue);
        if !is_known && self.line.len() < PULLS_WAITING_MAX {
            self.line.push_back(issue);
        }
    }

    fn leave_alone(&mut self, now: Now, issue: IssueNumber, until: Millis, why: String) {
        self.left_alone.retain(|_, (until, _)| *until > now.mono);
        if self.left_alone.len() < PULLS_LEFT_ALONE_MAX {
            self.left_alone.insert(issue, (until, why));
        }
    }
}

impl super::Node {
    /// Returns whether the forge is free for what can wait: no filing and no chore speaks to it or is about to, and nothing else does.
    pub(super) fn is_forge_free(&self) -> bool {
        self.health == ForgeHealth::Ready
            && !self.desk.is_busy()
            && self.upkeep.is_idle()
            && !self.pulls.is_calling()
            && !self.fixing.is_calling()
    }

    fn opens_pulls(&self) -> bool {
        self.policy.auto_pr && !self.policy.leaves_pulls_to_forge() && self.can_file()
    }

    /// Has the bot's own pull requests looked through, once the chores are done.
    pub(super) fn survey_pulls(&mut self) {
        if self.opens_pulls() && self.pulls.survey == Survey::Done {
            self.pulls.survey = Survey::Wanted;
        }
    }

    /// An issue was created by this node just now.
    pub(super) fn follow_with_pull(&mut self, issue: IssueNumber) {
        if self.opens_pulls() {
            self.pulls.push(issue);
        }
    }

    /// Does the next thing, unless something else speaks to the forge.
    pub(super) fn go_on_with_pulls(&mut self, now: Now, out: &mut Vec<Effect>) {
        if !self.opens_pulls() {
            self.pulls.line.clear();
            self.pulls.current.take_if(|pulling| !pulling.is_calling());
            return;
        }
        if self.pulls.current.as_ref().and_then(Pulling::guided_by).is_some_and(|until| until <= now.mono) {
            self.take_guidance(now, None);
        }
        if !self.is_forge_free() {
            return;
        }
        if self.pulls.survey == Survey::Wanted {
            let id = self.new_call();
            self.pulls.survey = Survey::Asked(id);
            return out.push(Effect::Forge { id, call: ForgeCall::Pull(PullCall::Survey) });
        }
        match &self.pulls.current {
            Some(pulling) if pulling.wakes_at().is_some_and(|at| at <= now.mono) => self.carry_out_pull(now, PullMove::Acquire, out),
            Some(_) => {}
            None => self.start_next_pull(now, out),
        }
    }

    /// Returns when something is to be done here, as long as nothing else stands in the way: what does comes to its end by an input.
    pub(super) fn next_pull_work(&self) -> Option<Millis> {
        let current = self.pulls.current.as_ref()?;
        current.guided_by().or_else(|| current.wakes_at().filter(|_| self.is_forge_free()))
    }

    fn start_next_pull(&mut self, now: Now, out: &mut Vec<Effect>) {
        while let Some(issue) = self.pulls.line.pop_front() {
            let members = self.ledger.errors_of(issue);
            if self.pull_objections(now, issue, &members).is_empty()
                && let Some(member) = members.first().copied()
                && let Some(head) = self.ledger.entry(&member).and_then(Entry::head)
            {
                let mut pulling = Pulling::new(issue, member, branch(issue, &head.error_type));
                let id = self.new_call();
                pulling.sampling(id);
                self.pulls.current = Some(pulling);
                return out.push(Effect::FetchSample { id, fingerprint: member, holders: self.holders(&member) });
            }
        }
    }

    /// Returns why an issue with these errors gets no pull request from this node just now; nothing if it does.
    fn pull_objections(&self, now: Now, issue: IssueNumber, members: &[Fingerprint]) -> Vec<String> {
        let mut reasons = self.objections_to_this(now, issue, members);
        reasons.extend(self.objections_to_any(now));
        reasons
    }

    fn objections_to_this(&self, now: Now, issue: IssueNumber, members: &[Fingerprint]) -> Vec<String> {
        let mut reasons = Vec::new();
        let mut object = |holds: bool, why: String| reasons.extend(holds.then_some(why));
        object(members.is_empty() || members.len() > VERSIONS_MAX, "the issue lists several errors".to_owned());
        for entry in members.iter().filter_map(|member| self.ledger.entry(member)) {
            if let Some(why) = pull_objection(entry, now.wall) {
                object(true, why);
            }
        }
        if let Some((_, why)) = self.pulls.left_alone.get(&issue).filter(|(until, _)| *until > now.mono) {
            object(true, why.clone());
        }
        reasons
    }

    fn objections_to_any(&self, now: Now) -> Vec<String> {
        let mut reasons = Vec::new();
        let mut object = |holds: bool, why: String| reasons.extend(holds.then_some(why));
        object(!self.policy.auto_pr, "draft pull requests are off (forge.auto_pr)".to_owned());
        object(self.policy.leaves_pulls_to_forge(), "the forge's own agent makes one of its own (fix.fixer)".to_owned());
        object(!self.can_file(), format!("this node cannot file: {}", self.cannot_file_why()));
        if let Some((_, why)) = self.pulls.blocked.as_ref().filter(|(until, _)| *until > now.mono) {
            object(true, why.clone());
        }
        let open = self.ledger.open_pulls().max(self.pulls.found_open);
        let bound = self.policy.open_pulls_max;
        object(bound > 0 && open >= bound, format!("{open} pull requests of healnode's are open, and people have to read them"));
        let hourly = left_in(&self.pulls.opened, HOUR, self.policy.max_per_hour, now.wall);
        let daily = left_in(&self.pulls.opened, DAY, self.policy.max_per_day, now.wall);
        object(hourly.0.min(daily.0) == 0, "this node has opened as many as it may in a while".to_owned());
        reasons
    }

    /// Returns what there is to say about the pull request of an error's issue.
    pub(super) fn pull_reasons(&self, now: Now, entry: &Entry) -> Vec<String> {
        let Some(filed) = entry.filed() else { return Vec::new() };
        if let Some(known) = entry.known_pull() {
            return vec![known_reason(known)];
        }
        if !self.policy.auto_pr || !filed.issue.open {
            return Vec::new();
        }
        let reasons = self.pull_objections(now, filed.issue.number, &self.ledger.errors_of(filed.issue.number));
        match &reasons[..] {
            [] => vec!["A draft pull request is to follow its issue.".to_owned()],
            reasons => vec![format!("No draft pull request: {}.", reasons.join("; "))],
        }
    }

    /// Takes a sample, if one was asked for here. Returns whether that was so.
    pub(super) fn pull_sample_came(&mut self, now: Now, id: CallId, report: Option<&Report>, out: &mut Vec<Effect>) -> bool {
        let Some(pulling) = self.pulls.current.as_mut().filter(|pulling| pulling.awaits(id)) else { return false };
        let is_its = |report: &&Report| report.has_fingerprint(pulling.member);
        let Some(sample) = report.filter(is_its).cloned() else {
            pulling.wait_until(now.mono);
            return true;
        };
        pulling.sample = Some(Box::new(sample.clone()));
        let (fingerprint, issue) = (pulling.member, pulling.issue);
        let occurrences = self.ledger.entry(&fingerprint).map(Entry::occurrences).unwrap_or_default();
        let job = FixJob { fingerprint, depth: FixDepth::Guidance, issue: Some(issue), sample: Box::new(sample), occurrences };
        let id = self.new_call();
        if let Some(pulling) = &mut self.pulls.current {
            pulling.guiding(id, now.mono + GUIDANCE_PATIENCE);
        }
        out.push(Effect::Fix { id, job: Box::new(job) });
        true
    }

    /// Takes guidance, or the news that there is none, if it was asked for here. Returns whether that was so.
    pub(super) fn pull_guided(&mut self, now: Now, id: CallId, outcome: &FixOutcome) -> bool {
        let awaited = self.pulls.awaits(id);
        if awaited {
            self.take_guidance(now, Some(outcome));
        }
        awaited
    }

    fn take_guidance(&mut self, now: Now, outcome: Option<&FixOutcome>) {
        if let Some(pulling) = &mut self.pulls.current {
            pulling.guidance = outcome.and_then(|outcome| outcome.guidance.clone());
            pulling.wait_until(now.mono);
        }
    }

    /// Takes the forge's answer, if it was asked here. Returns it back if not.
    pub(super) fn pull_replied(&mut self, now: Now, id: CallId, reply: ForgeReply, out: &mut Vec<Effect>) -> Option<ForgeReply> {
        if self.pulls.survey == Survey::Asked(id) {
            self.pulls.survey = Survey::Done;
            self.take_pull_survey(now, reply, out);
            self.desk.look_over();
            return None;
        }
        let Some(pulling) = self.pulls.current.as_mut().filter(|pulling| pulling.awaits(id)) else { return Some(reply) };
        let next = pulling.next_after_reply(now.mono, reply);
        self.carry_out_pull(now, next, out);
        self.desk.look_over();
        None
    }

    fn carry_out_pull(&mut self, now: Now, next: PullMove, out: &mut Vec<Effect>) {
        match next {
            PullMove::Wait => {}
            PullMove::Unclear => self.desk.left_unclear = true,
            PullMove::Acquire => self.pull_call(out, Pulling::leasing, |_| ForgeCall::Acquire),
            PullMove::Inspect => self.pull_call(out, Pulling::inspecting, |pulling| ForgeCall::Inspect { number: pulling.issue }),
            PullMove::Survey => self.pull_call(out, Pulling::surveying, |_| ForgeCall::Pull(PullCall::Survey)),
            PullMove::Look => self.pull_call(
                out,
                |pulling, id| pulling.looking(id, now.mono),
                |pulling| ForgeCall::Pull(PullCall::Look { branch: pulling.branch.clone() }),
            ),
            PullMove::Open => self.open_pull(now, out),
            PullMove::Comment => self.comment_in_its_place(out),
            PullMove::Adopt(pull) => self.end_pull(now, Some(pull), out),
            PullMove::Opened(pull) => {
                self.pulls.opened.retain(|at| at.0.saturating_add(crate::time::duration_millis(DAY)) > now.wall.0);
                self.pulls.opened.push(now.wall);
                self.pulls.found_open += 1;
                self.end_pull(now, Some(pull), out);
            }
            PullMove::Commented => self.end_pull(now, None, out),
            PullMove::PutOff(put_off) => self.put_pull_off(now, put_off, out),
        }
    }

    fn pull_call(&mut self, out: &mut Vec<Effect>, step: impl Fn(&mut Pulling, CallId), call: impl Fn(&Pulling) -> ForgeCall) {
        let id = self.new_call();
        let Some(pulling) = &mut self.pulls.current else { return };
        step(pulling, id);
        out.push(Effect::Forge { id, call: call(pulling) });
    }

    /// The last check before the one thing that cannot be undone.
    fn open_pull(&mut self, now: Now, out: &mut Vec<Effect>) {
        let Some(pulling) = &self.pulls.current else { return };
        let (issue, branch) = (pulling.issue, pulling.branch.clone());
        let members = self.ledger.errors_of(issue);
        if let Some(why) = self.pull_objections(now, issue, &members).into_iter().next() {
            return self.put_pull_off(now, PutOff { not_before: None, blocked: false, why }, out);
        }
        let Some(draft) = self.with_pull_text(|text| draft_pull(text, &branch, now.wall.0)) else { return };
        self.pull_call(out, Pulling::opening, |_| ForgeCall::Pull(PullCall::Open(draft.clone())));
    }

    fn comment_in_its_place(&mut self, out: &mut Vec<Effect>) {
        let Some(text) = self.with_pull_text(guidance_comment) else { return };
        self.pull_call(out, Pulling::commenting, |pulling| {
            let (number, key) = (pulling.issue, GUIDANCE_KEY.to_owned());
            ForgeCall::Pull(PullCall::CommentOnce { number, key, text: text.clone() })
        });
    }

    fn with_pull_text<T>(&self, write: impl FnOnce(&PullText<'_>) -> T) -> Option<T> {
        let pulling = self.pulls.current.as_ref()?;
        let writer = Writer { node: self.me, policy: &self.policy, earlier: None, told: None };
        Some(write(&PullText {
            writer: &writer,
            issue: pulling.issue,
            issue_url: &pulling.url,
            fingerprint: pulling.member,
            entry: self.ledger.entry(&pulling.member)?,
            sample: pulling.sample.as_deref(),
            guidance: pulling.guidance.as_ref(),
        }))
    }

    fn end_pull(&mut self, now: Now, pull: Option<PullRequest>, out: &mut Vec<Effect>) {
        let Some(pulling) = self.pulls.current.take() else { return };
        let members = self.ledger.errors_of(pulling.issue);
        self.know_pull(now, pulling.issue, &members, pull.as_ref(), out);
    }

    fn put_pull_off(&mut self, now: Now, put_off: PutOff, out: &mut Vec<Effect>) {
        let Some(pulling) = self.pulls.current.take() else { return };
        let PutOff { not_before, blocked, why } = put_off;
        let until = not_before.map_or(self.next_bundle, |wait| now.mono + wait);
        out.push(Effect::Note(Event::PullDelayed { fingerprint: pulling.member, why: why.clone() }));
        if blocked {
            self.pulls.blocked = Some((until, why));
            self.pulls.line.clear();
        } else {
            self.pulls.leave_alone(now, pulling.issue, until, why);
        }
        self.desk.look_over();
    }

    /// Says what became of an issue's pull request, if that is news.
    fn know_pull(&mut self, now: Now, issue: IssueNumber, members: &[Fingerprint], pull: Option<&PullRequest>, out: &mut Vec<Effect>) {
        for member in members.iter().copied() {
            let Some(entry) = self.ledger.entry(&member) else { continue };
            if entry.known_pull().is_some_and(|known| known.pull.as_ref() == pull) {
                continue;
            }
            let mut pull = pull.cloned();
            if let Some(pull) = pull.as_mut().filter(|pull| pull.url.len() > URL_BYTES_MAX) {
                pull.url.clear();
            }
            let event =
                Event::Pull { fingerprint: member, issue, pull: pull.as_ref().map(|pull| pull.number), state: state_word(pull.as_ref()) };
            let known = KnownPull { pull, issue, at: entry.next_pull_at(now.wall) };
            let note = FixNote { pull: Some(known), ..self.own_fix_note(&member) };
            self.say(Body::Fix { fingerprint: member, note }, out);
            out.push(Effect::Note(event));
        }
        self.fixing.look_over();
    }

    /// Returns what this node last said of a fix.
    pub(super) fn own_fix_note(&self, fingerprint: &Fingerprint) -> FixNote {
        self.ledger.entry(fingerprint).and_then(|entry| entry.fix_note_of((self.me, self.epoch))).cloned().unwrap_or_default()
    }

    fn take_pull_survey(&mut self, now: Now, reply: ForgeReply, out: &mut Vec<Effect>) {
        let found = match reply {
            ForgeReply::Pull(PullReply::Found { pulls, .. }) => pulls,
            ForgeReply::Refused(refusal) if refusal.kind == RefusalKind::Denied => {
                self.pulls.blocked = Some((self.next_bundle, refusal.message));
                return;
            }
            ForgeReply::Pull(_)
            | ForgeReply::Refused(_)
            | ForgeReply::Unclear { .. }
            | ForgeReply::Found(_)
            | ForgeReply::Leased(_)
            | ForgeReply::Held { .. }
            | ForgeReply::Issue(_)
            | ForgeReply::Gone { .. }
            | ForgeReply::Created(_)
            | ForgeReply::Done => return,
        };
        self.pulls.found_open = found.iter().filter(|found| found.ours && found.pull.state == PullState::Open).count();
        let by_issue = lowest_by_issue(&found);
        let errors = self.ledger.errors_by_issue();
        for (issue, pull) in &by_issue {
            let members = errors.get(issue).map(Vec::as_slice).unwrap_or_default();
            self.know_pull(now, *issue, members, Some(pull), out);
        }
        if !self.objections_to_any(now).is_empty() {
            return;
        }
        let wanting: Vec<IssueNumber> = errors
            .into_iter()
            .filter(|(issue, members)| !by_issue.contains_key(issue) && self.objections_to_this(now, *issue, members).is_empty())
            .map(|(issue, _)| issue)
            .take(PULLS_WAITING_MAX)
            .collect();
        for issue in wanting {
            self.pulls.push(issue);
        }
    }
}

/// Returns what keeps an error's issue from having a pull request, as far as the ledger shows.
fn pull_objection(entry: &Entry, wall: UnixMillis) -> Option<String> {
    let filed = entry.filed()?;
    if let Some(known) = entry.known_pull() {
        return Some(known_reason(known).trim_end_matches('.').to_owned());
    }
    // Its branch is named by its type, and two nodes must not name one differently.
    if entry.head().is_none() {
        return Some("no count of it has arrived here".to_owned());
    }
    let stands = match filed.standing {
        Standing::Open | Standing::Regressed if !filed.issue.open => Some("its issue is closed"),
        Standing::Open | Standing::Regressed => None,
        Standing::Quiet => Some("it has not been seen for long"),
        Standing::Closed(_) | Standing::Gone { .. } => Some("its issue is closed"),
        Standing::Silenced => Some("its issue is silenced"),
    };
    stands.or(entry.muted(wall).map(|_| "it is muted")).map(str::to_owned)
}

fn known_reason(known: &KnownPull) -> String {
    match &known.pull {
        None => format!("Guidance stands under issue {}: the repository allows no draft pull requests.", known.issue),
        Some(pull) => match pull.state {
            PullState::Open => format!("Pull request {} (open): {}", pull.number, pull.url),
            PullState::Merged { .. } => format!("Pull request {} was merged: {}", pull.number, pull.url),
            PullState::Closed => format!("Pull request {} was closed by a person, so none is made again: {}", pull.number, pull.url),
        },
    }
}

/// Returns the state of a pull request in a word.
pub(super) fn state_word(pull: Option<&PullRequest>) -> &'static str {
    match pull.map(|pull| pull.state) {
        None => "comment",
        Some(PullState::Open) => "open",
        Some(PullState::Merged { .. }) => "merged",
        Some(PullState::Closed) => "closed",
    }
}

/// Returns the pull request that stands for each issue: the lowest.
fn lowest_by_issue(found: &[FoundPull]) -> BTreeMap<IssueNumber, PullRequest> {
    let mut lowest = BTreeMap::<IssueNumber, PullRequest>::new();
    for found in found.iter().filter(|found| found.ours) {
        let Some(issue) = issue_of_branch(&found.branch) else { continue };
        let kept = lowest.entry(issue).or_insert_with(|| found.pull.clone());
        if found.pull.number < kept.number {
            *kept = found.pull.clone();
        }
    }
    lowest
}
