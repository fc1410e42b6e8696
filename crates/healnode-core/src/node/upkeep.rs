//! What becomes of issues after they are filed: the sweep and the lifecycle.
//!
//! At each bundle one live filer, in turn, surveys the bot's own issues. What people made of them goes into the ledger; duplicates
//! are closed, counts brought up to date, and what is news is told in one comment. One call at a time, behind any filing. An error that
//! comes back after its issue was closed is not dealt with here: it becomes due, and its filing opens the issue again.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Bound;

use healnode_report::{Fingerprint, Report, Severity, UnixMillis};

use crate::issue::{Writer, quiet_comment, spike_comment};
use crate::ledger::{Entry, Ledger};
use crate::limits::AHEAD_MAX_MS;
use crate::similar::similar;
use crate::time::duration_millis;
use crate::{
    CallId, CloseReason, Closing, Effect, Event, Filed, ForgeCall, ForgeHealth, ForgeReply, FoundIssue, IssueNumber, IssueRef, Marker,
    NodeId, Now, Policy, RefusalKind, Standing,
};

/// Issues that are edited in one bundle. The others wait for the next.
const REFRESHES_MAX: usize = 20;

/// Issues that a survey lacks and that are asked for by number in one bundle. The others wait for the next.
const INSPECTIONS_MAX: usize = 5;

/// So many times as many occurrences as when last told are told again.
const SPIKE_FACTOR: u64 = 10;

/// What is left to do, and what is being done.
#[derive(Clone, Hash, Default)]
pub(super) struct Upkeep {
    chores: VecDeque<Chore>,
    current: Option<(CallId, Chore)>,
    /// The issue that was asked for by number last, so that each has its turn.
    inspected: IssueNumber,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
enum Chore {
    Survey,
    /// Take the lease, for what would be said twice if two nodes said it at once.
    Lease,
    /// Look once more, under the lease, whether there is still something to tell.
    Recheck {
        number: IssueNumber,
        members: Vec<Fingerprint>,
    },
    CloseDuplicate {
        number: IssueNumber,
        of: IssueNumber,
    },
    Inspect {
        number: IssueNumber,
        members: Vec<Fingerprint>,
    },
    Follow {
        number: IssueNumber,
        members: Vec<Fingerprint>,
    },
    MarkQuiet {
        number: IssueNumber,
        quiet: bool,
    },
    CloseQuiet {
        number: IssueNumber,
    },
    Sample {
        issue: IssueRef,
        members: Vec<Fingerprint>,
        tell: bool,
    },
    Refresh {
        issue: IssueRef,
        members: Vec<Fingerprint>,
        tell: bool,
    },
    Tell {
        number: IssueNumber,
        text: String,
    },
}

impl Upkeep {
    /// Returns whether an answer is waited for.
    pub(super) fn is_busy(&self) -> bool {
        self.current.is_some()
    }

    /// Returns whether nothing is being done, and nothing is left to do.
    pub(super) fn is_idle(&self) -> bool {
        self.current.is_none() && self.chores.is_empty()
    }

    /// Returns whether something is about to be said for which the lease is needed.
    pub(super) fn is_speaking(&self) -> bool {
        self.current.iter().map(|(_, chore)| chore).chain(self.chores.front()).any(Chore::needs_lease)
    }
}

impl Chore {
    fn needs_lease(&self) -> bool {
        match self {
            Chore::Lease | Chore::Recheck { .. } | Chore::Tell { .. } | Chore::CloseQuiet { .. } => true,
            Chore::Sample { tell, .. } | Chore::Refresh { tell, .. } => *tell,
            Chore::Survey | Chore::CloseDuplicate { .. } | Chore::Inspect { .. } | Chore::Follow { .. } | Chore::MarkQuiet { .. } => false,
        }
    }
}

impl super::Node {
    /// Starts a round, if it is this node's to do and there is anything to look after. Live filers take turns, bundle by bundle, so that one that
    /// can't do it, whatever it says, does not keep it from being done.
    pub(super) fn begin_upkeep(&mut self, now: Now) {
        let mut filers: Vec<NodeId> = self.live_filers(now).collect();
        filers.sort_unstable();
        let bundle = now.wall.0 / duration_millis(self.policy.bundle_interval).max(1);
        let turn = usize::try_from(bundle % filers.len().max(1) as u64).unwrap_or_default();
        let leads = filers.get(turn) == Some(&self.me);
        let idle = self.upkeep.current.is_none() && self.upkeep.chores.is_empty();
        if leads && idle && self.ledger.entries().any(|(_, entry)| entry.issue().is_some()) {
            self.upkeep.chores.push_back(Chore::Survey);
            self.survey_pulls();
        }
    }

    /// Does the next chore, unless a filing speaks to the forge.
    pub(super) fn go_on_with_upkeep(&mut self, out: &mut Vec<Effect>) {
        if self.desk.is_busy() || self.upkeep.current.is_some() || self.pulls.is_calling() || self.fixing.is_calling() {
            return;
        }
        if self.health != ForgeHealth::Ready {
            self.upkeep.chores.clear();
            self.desk.look_over();
        }
        let Some(chore) = self.upkeep.chores.pop_front() else { return };
        let id = self.new_call();
        if let Some(effect) = self.chore_effect(id, &chore, None) {
            out.push(effect);
            self.upkeep.current = Some((id, chore));
        } else {
            self.desk.look_over();
        }
    }

    fn chore_effect(&self, id: CallId, chore: &Chore, sample: Option<&Report>) -> Option<Effect> {
        let call = match chore {
            Chore::Survey => ForgeCall::Survey,
            Chore::Lease => ForgeCall::Acquire,
            Chore::CloseDuplicate { number, of } => ForgeCall::CloseDuplicate { number: *number, of: *of },
            Chore::Inspect { number, .. } | Chore::Follow { number, .. } | Chore::Recheck { number, .. } => {
                ForgeCall::Inspect { number: *number }
            }
            Chore::MarkQuiet { number, quiet } => ForgeCall::MarkQuiet { number: *number, quiet: *quiet },
            Chore::CloseQuiet { number } => ForgeCall::Close { number: *number, comment: quiet_comment(self.policy.quiet_after) },
            Chore::Tell { number, text } => ForgeCall::Comment { number: *number, text: text.clone() },
            Chore::Sample { members, .. } => {
                let fingerprint = *members.first()?;
                return Some(Effect::FetchSample { id, fingerprint, holders: self.holders(&fingerprint) });
            }
            Chore::Refresh { issue, members, tell } => {
                let numbers = Numbers::of(&self.ledger, members);
                let told = if *tell { numbers.occurrences } else { numbers.told };
                let writer = Writer { node: self.me, policy: &self.policy, earlier: None, told: Some(told) };
                ForgeCall::Update { number: issue.number, draft: self.draft_with(&writer, members, sample)? }
            }
        };
        Some(Effect::Forge { id, call })
    }

    pub(super) fn upkeep_sample_came(&mut self, id: CallId, report: Option<Box<Report>>, out: &mut Vec<Effect>) {
        let Some((_, chore)) = self.upkeep.current.take_if(|(current, _)| *current == id) else { return };
        let Chore::Sample { issue, members, tell } = chore else { return };
        let sample = report.filter(|report| members.iter().any(|member| report.has_fingerprint(*member)));
        if sample.is_none() && members.len() == 1 {
            // Written without its sample, the issue would lose its stack trace. It is brought up to date when a holder is there again.
            return;
        }
        let refresh = Chore::Refresh { issue, members, tell };
        let id = self.new_call();
        if let Some(effect) = self.chore_effect(id, &refresh, sample.as_deref()) {
            out.push(effect);
            self.upkeep.current = Some((id, refresh));
        }
    }

    pub(super) fn upkeep_replied(&mut self, now: Now, id: CallId, reply: ForgeReply, out: &mut Vec<Effect>) {
        let Some((_, chore)) = self.upkeep.current.take_if(|(current, _)| *current == id) else { return };
        match (chore, reply) {
            (Chore::Survey, ForgeReply::Found(found)) => self.take_survey(now, &found, out),
            (Chore::Lease, ForgeReply::Leased(_)) => {}
            // Whoever holds it may be telling the same; what is left to tell is seen at the next survey.
            (Chore::Lease, ForgeReply::Held { .. }) => self.upkeep.chores.retain(|chore| !chore.needs_lease()),
            (Chore::Recheck { members, .. }, ForgeReply::Issue(found)) => {
                if let Some(refresh) = refresh_chore(&self.ledger, &found, members) {
                    self.upkeep.chores.push_front(refresh);
                }
            }
            (Chore::CloseDuplicate { number, of }, ForgeReply::Done) => {
                out.push(Effect::Note(Event::DuplicateClosed { issue: number, of }));
            }
            (Chore::Inspect { members, .. }, ForgeReply::Issue(found)) => self.take_inspected(now, &found, members, out),
            (Chore::Follow { members, .. }, ForgeReply::Issue(found)) => self.follow(now, &found, &members, out),
            (Chore::Inspect { number, members }, ForgeReply::Gone { moved_to }) => self.issue_is_gone(now, number, &members, moved_to, out),
            (Chore::Refresh { issue, members, tell }, ForgeReply::Done) => self.refreshed(now, &issue, &members, tell, out),
            (
                Chore::Recheck { .. }
                | Chore::Follow { .. }
                | Chore::MarkQuiet { .. }
                | Chore::CloseQuiet { .. }
                | Chore::Tell { .. }
                | Chore::Refresh { .. },
                ForgeReply::Done | ForgeReply::Gone { .. },
            ) => {}
            (_, ForgeReply::Refused(refusal)) => match refusal.kind {
                RefusalKind::Invalid | RefusalKind::Unleased | RefusalKind::Overtaken => {}
                RefusalKind::Limited { .. } => self.upkeep.chores.clear(),
                RefusalKind::Denied | RefusalKind::Unreachable => {
                    self.upkeep.chores.clear();
                    self.set_health(now, ForgeHealth::Blocked { why: refusal.message }, out);
                }
            },
            (_, _unclear_or_unfitting) => self.upkeep.chores.clear(),
        }
        self.desk.look_over();
    }

    fn take_survey(&mut self, now: Now, found: &[FoundIssue], out: &mut Vec<Effect>) {
        for (fingerprint, filed) in news(&self.ledger, found, now) {
            self.file_under(now, fingerprint, filed, out);
        }
        let chores = &mut self.upkeep.chores;
        chores.extend(duplicates(found).into_iter().map(|(number, of)| Chore::CloseDuplicate { number, of }));
        let inspections = inspections(&self.ledger, found, self.upkeep.inspected);
        self.upkeep.inspected = inspections.last().map_or(IssueNumber(0), |(number, _)| *number);
        chores.extend(inspections.into_iter().map(|(number, members)| Chore::Inspect { number, members }));
        let followed = followed_issues(&self.ledger, found);
        let quiet = followed.iter().filter_map(|(issue, members)| quiet_chore(&self.ledger, &self.policy, issue, members, now));
        chores.extend(quiet.take(REFRESHES_MAX).flatten());
        let refreshes = followed.into_iter().filter_map(|(issue, members)| planned_refresh(&self.ledger, issue, members));
        chores.extend(refreshes.take(REFRESHES_MAX).flatten());
    }

    /// An issue that a person closed as a duplicate hands its errors on to the other one.
    pub(super) fn take_inspected(&mut self, now: Now, found: &FoundIssue, members: Vec<Fingerprint>, out: &mut Vec<Effect>) {
        let reason = found.closing.map(|closing| closing.reason);
        if let Some(CloseReason::Duplicate { of: Some(of) }) = reason
            && of != found.issue.number
        {
            return self.upkeep.chores.push_front(Chore::Follow { number: of, members });
        }
        for member in &members {
            let Some(entry) = self.ledger.entry(member) else { continue };
            let filed = filed_as_found(entry, found, now);
            if is_news(entry, &filed) {
                self.file_under(now, *member, filed, out);
            }
        }
    }

    /// From now on this is the members' issue. One that is not this bot's own is in the hands of people, and nothing more is said about it.
    fn follow(&mut self, now: Now, found: &FoundIssue, members: &[Fingerprint], out: &mut Vec<Effect>) {
        for member in members {
            let Some(entry) = self.ledger.entry(member) else { continue };
            let mut filed = filed_as_found(entry, found, now);
            filed.floor = found.issue.number;
            if found.markers.is_empty() {
                filed.standing = Standing::Silenced;
            }
            self.file_under(now, *member, filed, out);
        }
    }

    fn issue_is_gone(&mut self, now: Now, number: IssueNumber, members: &[Fingerprint], moved_to: Option<String>, out: &mut Vec<Effect>) {
        for member in members {
            let Some((entry, filed)) = self.ledger.entry(member).and_then(|entry| Some((entry, entry.filed()?))) else { continue };
            if filed.issue.number != number {
                continue;
            }
            let mut gone = Filed { created: UnixMillis(0), ..filed.clone() };
            gone.issue.open = false;
            match &moved_to {
                Some(url) => {
                    gone.issue.url.clone_from(url);
                    gone.standing = Standing::Silenced;
                }
                None => {
                    gone.standing = Standing::Gone { occurrences: entry.occurrences() };
                    gone.floor = IssueNumber(number.0.saturating_add(1));
                }
            }
            self.file_under(now, *member, gone, out);
        }
    }

    fn refreshed(&mut self, now: Now, issue: &IssueRef, members: &[Fingerprint], tell: bool, out: &mut Vec<Effect>) {
        let before = Numbers::of(&self.ledger, members);
        for member in members {
            let Some((entry, filed)) = self.ledger.entry(member).and_then(|entry| Some((entry, entry.filed()?))) else { continue };
            let occurrences = entry.occurrences();
            let told = if tell { occurrences } else { entry.told() };
            let filed = Filed { occurrences, told, created: UnixMillis(0), floor: entry.floor(), ..filed.clone() };
            self.file_under(now, *member, filed, out);
        }
        if tell {
            let text = spike_comment(before.occurrences, before.told);
            self.upkeep.chores.push_front(Chore::Tell { number: issue.number, text });
        }
    }
}

/// Sums over the errors of one issue.
struct Numbers {
    occurrences: u64,
    announced: u64,
    told: u64,
}

impl Numbers {
    fn of(ledger: &Ledger, members: &[Fingerprint]) -> Self {
        let sum =
            |number: fn(&Entry) -> u64| members.iter().filter_map(|member| ledger.entry(member)).map(number).fold(0, u64::saturating_add);
        Self { occurrences: sum(Entry::occurrences), announced: sum(Entry::announced), told: sum(Entry::told) }
    }
}

/// Returns what is to be known of a fingerprint's issue, now that it was seen.
pub(super) fn filed_as_found(entry: &Entry, found: &FoundIssue, now: Now) -> Filed {
    let known = entry.filed().filter(|filed| filed.issue.number == found.issue.number);
    let stated = found.stated.unwrap_or_default();
    let told = if known.is_some() { entry.told().max(stated.told) } else { found.stated.map_or(entry.occurrences(), |stated| stated.told) };
    Filed {
        issue: found.issue.clone(),
        floor: entry.floor().min(found.issue.number),
        occurrences: if known.is_some() { entry.announced().max(stated.occurrences) } else { stated.occurrences },
        told,
        created: UnixMillis(0),
        standing: standing(entry, found, known.map(|filed| &filed.standing)),
        at: now.wall,
        approved: found.approved,
    }
}

fn standing(entry: &Entry, found: &FoundIssue, known: Option<&Standing>) -> Standing {
    match (found.closing, known) {
        _ if found.muted => Standing::Silenced,
        (None, _) if found.quiet => Standing::Quiet,
        (None, Some(Standing::Regressed)) => Standing::Regressed,
        (None, _) => Standing::Open,
        (Some(Closing { reason: CloseReason::NotPlanned | CloseReason::Duplicate { .. }, .. }), _) => Standing::Silenced,
        (Some(closing), Some(Standing::Closed(baseline))) if baseline.at == closing.at => Standing::Closed(baseline.clone()),
        (Some(closing), _) => Standing::Closed(entry.baseline(closing.at)),
    }
}

fn is_news(entry: &Entry, seen: &Filed) -> bool {
    let differs = |known: &Filed| known.issue != seen.issue || known.standing != seen.standing || known.approved != seen.approved;
    entry.filed().is_none_or(differs)
}

/// Returns the fingerprints whose issue is another, or stands otherwise, than the ledger says.
fn news(ledger: &Ledger, found: &[FoundIssue], now: Now) -> Vec<(Fingerprint, Filed)> {
    let kept = kept_issues(found);
    let by_number: BTreeMap<IssueNumber, &FoundIssue> = found.iter().map(|found| (found.issue.number, found)).collect();
    let changed = |(fingerprint, entry): (&Fingerprint, &Entry)| {
        let known = entry.filed();
        let by_marker = kept.get(&Marker::of(*fingerprint)).copied();
        let by_marker = by_marker.filter(|found| known.is_none_or(|known| stands_for(found, known, &by_number)));
        let found = by_marker.or_else(|| by_number.get(&known?.issue.number).copied())?;
        let mut seen = filed_as_found(entry, found, now);
        if known.is_some_and(|known| known.issue.number < seen.issue.number) {
            seen.floor = seen.issue.number;
        }
        is_news(entry, &seen).then_some((*fingerprint, seen))
    };
    ledger.entries().filter_map(changed).collect()
}

/// Returns whether an issue found by its marker takes the place of the one that is known: it is the same, or comes before it, or is open while
/// the other is not among the bot's own any more. What is below the floor was given up.
fn stands_for(found: &FoundIssue, known: &Filed, by_number: &BTreeMap<IssueNumber, &FoundIssue>) -> bool {
    let number = found.issue.number;
    if number < known.floor {
        return false;
    }
    let comes_before = match by_number.get(&known.issue.number) {
        Some(other) => found.rank() < other.rank(),
        None => found.issue.open,
    };
    number <= known.issue.number || comes_before
}

/// Returns the issue that stands for each marker.
fn kept_issues(found: &[FoundIssue]) -> BTreeMap<Marker, &FoundIssue> {
    let mut kept = BTreeMap::<Marker, &FoundIssue>::new();
    for issue in found {
        for marker in &issue.markers {
            let best = kept.entry(*marker).or_insert(issue);
            if issue.rank() < best.rank() {
                *best = issue;
            }
        }
    }
    kept
}

/// Returns open issues that are no use, each with the older one that stays: all their errors are on lower ones, which are open, or were when
/// this one was created.
fn duplicates(found: &[FoundIssue]) -> Vec<(IssueNumber, IssueNumber)> {
    let mut by_marker = BTreeMap::<Marker, Vec<&FoundIssue>>::new();
    for issue in found {
        for marker in &issue.markers {
            by_marker.entry(*marker).or_default().push(issue);
        }
    }
    let stays = |issue: &FoundIssue| -> Option<IssueNumber> {
        let older = |marker: &Marker| {
            let twins = by_marker.get(marker)?.iter().filter(|twin| is_older_twin(twin, issue));
            twins.min_by_key(|twin| twin.rank()).map(|twin| twin.issue.number)
        };
        if issue.is_one_error {
            return issue.markers.iter().filter_map(older).min();
        }
        issue.markers.iter().map(older).collect::<Option<Vec<_>>>()?.into_iter().min()
    };
    found.iter().filter(|issue| issue.issue.open).filter_map(|issue| Some((issue.issue.number, stays(issue)?))).collect()
}

/// Returns whether `twin` was there, and open, when `issue` was created. One that had been closed by then does not count: its error came back.
fn is_older_twin(twin: &FoundIssue, issue: &FoundIssue) -> bool {
    let was_open = match twin.closing {
        None => true,
        Some(Closing { reason: CloseReason::Duplicate { .. }, .. }) => false,
        Some(closing) => closing.at > issue.created_at,
    };
    twin.issue.number < issue.issue.number && was_open
}

/// Returns issues that have to be asked for by their number, with whose they are: those that the survey lacks, and those closed as a duplicate,
/// for a list does not say of which. Begins behind `after`.
fn inspections(ledger: &Ledger, found: &[FoundIssue], after: IssueNumber) -> Vec<(IssueNumber, Vec<Fingerprint>)> {
    let by_number: BTreeMap<IssueNumber, &FoundIssue> = found.iter().map(|found| (found.issue.number, found)).collect();
    let mut wanted = BTreeMap::<IssueNumber, Vec<Fingerprint>>::new();
    for (fingerprint, entry) in ledger.entries() {
        let Some(known) = entry.filed() else { continue };
        let is_wanted = match by_number.get(&known.issue.number) {
            None => known.standing != Standing::Silenced,
            Some(found) => found.closing.is_some_and(|closing| matches!(closing.reason, CloseReason::Duplicate { .. })),
        };
        if is_wanted {
            wanted.entry(known.issue.number).or_default().push(*fingerprint);
        }
    }
    let behind = wanted.range((Bound::Excluded(after), Bound::Unbounded));
    behind.take(INSPECTIONS_MAX).map(|(number, members)| (*number, members.clone())).collect()
}

/// Returns the open issues that are followed, each with its errors. Only what the survey has seen counts: what peers say of issues that are not
/// there, or are for something else, leads to no call.
fn followed_issues<'a>(ledger: &Ledger, found: &'a [FoundIssue]) -> Vec<(&'a FoundIssue, Vec<Fingerprint>)> {
    let mut members = BTreeMap::<IssueNumber, Vec<Fingerprint>>::new();
    for (fingerprint, entry) in ledger.entries() {
        if let Some(filed) = entry.filed().filter(|filed| filed.standing != Standing::Silenced) {
            members.entry(filed.issue.number).or_default().push(*fingerprint);
        }
    }
    let followed = |found: &'a FoundIssue| {
        let mut members = members.remove(&found.issue.number)?;
        members.retain(|member| found.markers.contains(&Marker::of(*member)));
        (found.issue.open && !members.is_empty()).then_some((found, members))
    };
    found.iter().filter_map(followed).collect()
}

/// Returns what makes an issue's label say whether its errors are still seen. Where the issue names more occurrences than are known here,
/// somebody sees them who cannot be heard.
fn quiet_chore(ledger: &Ledger, policy: &Policy, found: &FoundIssue, members: &[Fingerprint], now: Now) -> Option<Vec<Chore>> {
    let sees_all = found.stated.is_none_or(|stated| stated.occurrences <= Numbers::of(ledger, members).occurrences);
    if policy.quiet_after.is_zero() || !sees_all {
        return None;
    }
    let latest = UnixMillis(now.wall.0.saturating_add(AHEAD_MAX_MS));
    let last_seen = members.iter().filter_map(|member| ledger.entry(member)?.last_seen_by(latest)).max()?;
    let is_quiet = last_seen.0.saturating_add(duration_millis(policy.quiet_after)) < now.wall.0;
    let number = found.issue.number;
    match (is_quiet, found.quiet) {
        (true, false) => Some(vec![Chore::MarkQuiet { number, quiet: true }]),
        (true, true) if policy.close_quiet => Some(vec![Chore::Lease, Chore::CloseQuiet { number }]),
        (false, true) => Some(vec![Chore::MarkQuiet { number, quiet: false }]),
        (true, true) | (false, false) => None,
    }
}

/// Returns what brings an issue up to date, if it has to be. What tells people something is looked at again under the lease first.
fn planned_refresh(ledger: &Ledger, found: &FoundIssue, members: Vec<Fingerprint>) -> Option<Vec<Chore>> {
    let refresh = refresh_chore(ledger, found, members.clone())?;
    let recheck = Chore::Recheck { number: found.issue.number, members };
    Some(if refresh.needs_lease() { vec![Chore::Lease, recheck] } else { vec![refresh] })
}

/// Returns what brings an issue up to date whose counts have grown by a step, or so much that people are told, or whose severity has risen.
fn refresh_chore(ledger: &Ledger, found: &FoundIssue, members: Vec<Fingerprint>) -> Option<Chore> {
    let numbers = Numbers::of(ledger, &members);
    let stated = found.stated.unwrap_or_default();
    let told = numbers.told.max(stated.told);
    let tell = !found.locked && told > 0 && told.checked_mul(SPIKE_FACTOR).is_some_and(|enough| numbers.occurrences >= enough);
    let has_grown = step(numbers.occurrences) > step(numbers.announced.max(stated.occurrences));
    let is_due = tell || has_grown || has_risen(ledger, &members, stated.severity) || names_too_few(ledger, &members, stated.similar);
    let issue = found.issue.clone();
    let may_be_one = members.len() <= VERSIONS_MAX;
    let chore = if may_be_one { Chore::Sample { issue, members, tell } } else { Chore::Refresh { issue, members, tell } };
    is_due.then_some(chore)
}

/// Versions of the algorithm under which one error may be counted.
pub(super) const VERSIONS_MAX: usize = 2;

/// Returns whether an error is worse than its issue says: the label for what is urgent may be missing.
fn has_risen(ledger: &Ledger, members: &[Fingerprint], stated: Option<Severity>) -> bool {
    let worst = members.iter().filter_map(|member| ledger.entry(member)?.severity()).max();
    stated.is_some() && worst > stated
}

/// Returns whether an issue lacks similar errors that have issues by now.
fn names_too_few(ledger: &Ledger, members: &[Fingerprint], named: usize) -> bool {
    let [member] = members else { return false };
    similar(ledger, *member).iter().filter(|(_, entry)| entry.issue().is_some()).count() > named
}

/// Returns the highest of 1, 2, 5, 10, 20, 50 … that `count` has reached, so that a busy error is not edited at every bundle.
fn step(count: u64) -> u64 {
    let mut power: u64 = 1;
    while let Some(next) = power.checked_mul(10).filter(|next| *next <= count) {
        power = next;
    }
    [5, 2].into_iter().filter_map(|factor| power.checked_mul(factor)).find(|step| *step <= count).unwrap_or(power.min(count))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statement::tests::fingerprint;

    fn issue(number: u64, open: bool, members: &[u8]) -> FoundIssue {
        let markers = members.iter().map(|member| Marker::of(fingerprint(*member))).collect();
        let created_at = UnixMillis(number * 1_000);
        let closing = (!open).then_some(Closing { at: UnixMillis(number * 1_000 + 500), reason: CloseReason::Completed });
        let issue = IssueRef { number: IssueNumber(number), url: String::new(), open };
        let is_one_error = members.len() == 1;
        FoundIssue {
            issue,
            markers,
            is_one_error,
            created_at,
            closing,
            locked: false,
            muted: false,
            quiet: false,
            approved: false,
            stated: None,
        }
    }

    fn check(found: &[FoundIssue], expected: &[(u64, u64)]) {
        let expected: Vec<_> = expected.iter().map(|(number, of)| (IssueNumber(*number), IssueNumber(*of))).collect();
        assert_eq!(duplicates(found), expected);
    }

    #[test]
    fn the_lowest_open_issue_stays_and_the_others_are_its_duplicates() {
        check(&[issue(3, true, &[1]), issue(2, true, &[1]), issue(4, true, &[1])], &[(3, 2), (4, 2)]);
        check(&[issue(1, false, &[1]), issue(2, true, &[1])], &[]);
        check(&[issue(1, true, &[1]), issue(2, true, &[2])], &[]);
    }

    #[test]
    fn a_duplicate_whose_older_twin_a_person_closed_first_is_closed_as_well() {
        let mut older = issue(1, false, &[1]);
        older.closing = Some(Closing { at: UnixMillis(5_000), reason: CloseReason::Completed });
        check(&[older.clone(), issue(2, true, &[1])], &[(2, 1)]);
        check(&[older, issue(9, true, &[1])], &[]);
    }

    #[test]
    fn a_list_is_a_duplicate_only_if_every_error_on_it_has_another_issue() {
        check(&[issue(1, true, &[1]), issue(2, true, &[1, 2])], &[]);
        check(&[issue(1, true, &[1, 2]), issue(2, true, &[2])], &[(2, 1)]);
    }

    #[test]
    fn counts_are_announced_in_steps() {
        assert_eq!([0, 1, 2, 4, 5, 9, 10, 49, 50, 123].map(step), [0, 1, 2, 2, 5, 5, 10, 20, 50, 100]);
        assert_eq!(step(u64::MAX), 10_000_000_000_000_000_000);
    }
}
