//! What becomes of issues after they are filed: duplicates are closed, counts are brought up to date.
//!
//! At each bundle the live filer with the lowest id surveys the bot's own issues and does what follows from them, one call at a time and
//! behind any filing. Only the survey's plan is decided here; what an issue says is `issue.rs`.

use std::collections::{BTreeMap, VecDeque};

use healnode_report::{Fingerprint, Report};

use crate::issue::Writer;
use crate::ledger::{Entry, Ledger};
use crate::{CallId, Effect, Event, ForgeCall, ForgeHealth, ForgeReply, FoundIssue, IssueNumber, IssueRef, Marker, Now, RefusalKind};

/// Issues whose counts are brought up to date in one bundle. The others wait for the next.
const REFRESHES_MAX: usize = 20;

/// What is left to do, and what is being done.
#[derive(Default)]
pub(super) struct Upkeep {
    chores: VecDeque<Chore>,
    current: Option<(CallId, Chore)>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
enum Chore {
    Survey,
    CloseDuplicate { number: IssueNumber, of: IssueNumber },
    Sample { issue: IssueRef, members: Vec<Fingerprint> },
    Refresh { issue: IssueRef, members: Vec<Fingerprint> },
}

impl Upkeep {
    /// Returns whether an answer is waited for.
    pub(super) fn is_busy(&self) -> bool {
        self.current.is_some()
    }
}

impl super::Node {
    /// Starts a round, if it is this node's to do and there is anything to look after.
    pub(super) fn begin_upkeep(&mut self, now: Now) {
        let leads = self.live_filers(now).min() == Some(self.me);
        let idle = self.upkeep.current.is_none() && self.upkeep.chores.is_empty();
        if leads && idle && self.ledger.entries().any(|(_, entry)| entry.issue().is_some()) {
            self.upkeep.chores.push_back(Chore::Survey);
        }
    }

    /// Does the next chore, unless a filing speaks to the forge.
    pub(super) fn go_on_with_upkeep(&mut self, out: &mut Vec<Effect>) {
        if self.desk.is_busy() || self.upkeep.current.is_some() {
            return;
        }
        if self.health != ForgeHealth::Ready {
            self.upkeep.chores.clear();
        }
        let Some(chore) = self.upkeep.chores.pop_front() else { return };
        let id = self.new_call();
        if let Some(effect) = self.chore_effect(id, &chore, None) {
            out.push(effect);
            self.upkeep.current = Some((id, chore));
        }
    }

    fn chore_effect(&self, id: CallId, chore: &Chore, sample: Option<&Report>) -> Option<Effect> {
        let call = match chore {
            Chore::Survey => ForgeCall::Survey,
            Chore::CloseDuplicate { number, of } => ForgeCall::CloseDuplicate { number: *number, of: *of },
            Chore::Sample { members, .. } => {
                let fingerprint = *members.first()?;
                return Some(Effect::FetchSample { id, fingerprint, holders: self.holders(&fingerprint) });
            }
            Chore::Refresh { issue, members } => {
                let draft = self.draft_with(&Writer { node: self.me, policy: &self.policy }, members, sample)?;
                ForgeCall::Update { number: issue.number, draft }
            }
        };
        Some(Effect::Forge { id, call })
    }

    pub(super) fn upkeep_sample_came(&mut self, id: CallId, report: Option<Box<Report>>, out: &mut Vec<Effect>) {
        let Some((_, chore)) = self.upkeep.current.take_if(|(current, _)| *current == id) else { return };
        let Chore::Sample { issue, members } = chore else { return };
        // Written without its sample, the issue would lose its stack trace. It is brought up to date when a holder is there again.
        let Some(sample) = report.filter(|report| members.contains(&report.fingerprint())) else { return };
        let refresh = Chore::Refresh { issue, members };
        let id = self.new_call();
        if let Some(effect) = self.chore_effect(id, &refresh, Some(&sample)) {
            out.push(effect);
            self.upkeep.current = Some((id, refresh));
        }
    }

    pub(super) fn upkeep_replied(&mut self, now: Now, id: CallId, reply: ForgeReply, out: &mut Vec<Effect>) {
        let Some((_, chore)) = self.upkeep.current.take_if(|(current, _)| *current == id) else { return };
        match (chore, reply) {
            (Chore::Survey, ForgeReply::Found(found)) => self.take_survey(now, &found, out),
            (Chore::CloseDuplicate { number, of }, ForgeReply::Done) => {
                out.push(Effect::Note(Event::DuplicateClosed { issue: number, of }));
            }
            (Chore::Refresh { issue, members }, ForgeReply::Done) => {
                for member in members {
                    let occurrences = self.ledger.entry(&member).map(Entry::occurrences).unwrap_or_default();
                    self.file_under(now, member, &issue, occurrences, out);
                }
            }
            (_, ForgeReply::Refused(refusal)) => match refusal.kind {
                RefusalKind::Invalid => {}
                RefusalKind::Limited { .. } => self.upkeep.chores.clear(),
                RefusalKind::Denied | RefusalKind::Unreachable => {
                    self.upkeep.chores.clear();
                    self.set_health(now, ForgeHealth::Blocked { why: refusal.message }, out);
                }
            },
            (_, ForgeReply::Unclear { .. } | ForgeReply::Found(_) | ForgeReply::Created(_) | ForgeReply::Done) => {
                self.upkeep.chores.clear();
            }
        }
        self.desk.look_over();
    }

    fn take_survey(&mut self, now: Now, found: &[FoundIssue], out: &mut Vec<Effect>) {
        for (fingerprint, issue) in changed_issues(&self.ledger, found) {
            let announced = self.ledger.entry(&fingerprint).map(Entry::announced).unwrap_or_default();
            self.file_under(now, fingerprint, &issue, announced, out);
        }
        self.upkeep.chores.extend(duplicates(found).into_iter().map(|(number, of)| Chore::CloseDuplicate { number, of }));
        self.upkeep.chores.extend(stale_issues(&self.ledger, found));
    }
}

/// Returns the fingerprints whose issue is another, or in another state, than the ledger says.
fn changed_issues(ledger: &Ledger, found: &[FoundIssue]) -> Vec<(Fingerprint, IssueRef)> {
    let kept = kept_issues(found);
    let changed = |(fingerprint, entry): (&Fingerprint, &Entry)| {
        let found = *kept.get(&Marker::of(*fingerprint))?;
        let is_news =
            entry.issue().is_none_or(|known| found.number < known.number || (found.number == known.number && found.open != known.open));
        is_news.then(|| (*fingerprint, found.clone()))
    };
    ledger.entries().filter_map(changed).collect()
}

/// Returns the issue that stands for each marker: the lowest open one, or the lowest if all are closed.
fn kept_issues(found: &[FoundIssue]) -> BTreeMap<Marker, &IssueRef> {
    let mut kept = BTreeMap::<Marker, &IssueRef>::new();
    for issue in found {
        for marker in &issue.markers {
            let best = kept.entry(*marker).or_insert(&issue.issue);
            if (!issue.issue.open, issue.issue.number) < (!best.open, best.number) {
                *best = &issue.issue;
            }
        }
    }
    kept
}

/// Returns open issues all of whose markers are kept on lower ones, each with the issue that stays.
fn duplicates(found: &[FoundIssue]) -> Vec<(IssueNumber, IssueNumber)> {
    let kept = kept_issues(found);
    let stays = |issue: &FoundIssue| -> Option<IssueNumber> {
        let others =
            issue.markers.iter().map(|marker| kept.get(marker).map(|kept| kept.number).filter(|number| *number < issue.issue.number));
        others.collect::<Option<Vec<_>>>()?.into_iter().min()
    };
    found.iter().filter(|issue| issue.issue.open).filter_map(|issue| Some((issue.issue.number, stays(issue)?))).collect()
}

/// Returns what brings open issues up to date whose counts have grown by a step. Only what the survey has seen counts: what peers say of
/// issues that are not there, or are for something else, leads to no call.
fn stale_issues(ledger: &Ledger, found: &[FoundIssue]) -> Vec<Chore> {
    let open: BTreeMap<IssueNumber, &FoundIssue> =
        found.iter().filter(|found| found.issue.open).map(|found| (found.issue.number, found)).collect();
    let mut by_issue = BTreeMap::<IssueNumber, (IssueRef, Vec<Fingerprint>, bool)>::new();
    for (fingerprint, entry) in ledger.entries() {
        let Some(issue) = entry.issue() else { continue };
        if open.get(&issue.number).is_none_or(|found| !found.markers.contains(&Marker::of(*fingerprint))) {
            continue;
        }
        let stale = step(entry.occurrences()) > step(entry.announced());
        let (_, members, any_stale) = by_issue.entry(issue.number).or_insert_with(|| (issue.clone(), Vec::new(), false));
        members.push(*fingerprint);
        *any_stale |= stale;
    }
    let stale = by_issue.into_values().filter(|(_, _, stale)| *stale).take(REFRESHES_MAX);
    let chore = |(issue, members, _): (IssueRef, Vec<Fingerprint>, bool)| match members.len() {
        1 => Chore::Sample { issue, members },
        _ => Chore::Refresh { issue, members },
    };
    stale.map(chore).collect()
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
        FoundIssue { issue: IssueRef { number: IssueNumber(number), url: String::new(), open }, markers }
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
