//! What people see: views of the state, computed when asked for.

use std::collections::BTreeSet;

use healnode_report::{Fingerprint, UnixMillis};

use super::pulls::state_word;
use super::statistics::Statistics;
use crate::exposure::{Builds, exposure};
use crate::ledger::Entry;
use crate::limits::AHEAD_MAX_MS;
use crate::similar::similar;
use crate::time::duration_millis;
use crate::{
    Digest, ErrorState, ErrorView, Filed, FilingStep, FixedView, IssueRef, IssueView, Millis, Mute, NodeId, Now, PeerView, Standing,
    StatusView, Why,
};

impl super::Node {
    /// Returns who this node is.
    pub fn id(&self) -> NodeId {
        self.me
    }

    /// Returns whether there is a connection to a peer.
    pub fn is_connected(&self, peer: NodeId) -> bool {
        self.sharing.is_connected(peer)
    }

    /// Returns the node as a whole.
    pub fn status(&self, now: Now) -> StatusView {
        let live = self.sharing.known().filter(|peer| self.is_heard(now, *peer)).count();
        let statistics = Statistics::of(&self.ledger);
        StatusView {
            peer_id: self.me,
            peers: live,
            signatures: self.ledger.len(),
            occurrences: self.ledger.entries().map(|(_, entry)| entry.occurrences()).fold(0, u64::saturating_add),
            can_file: self.can_file(),
            cannot_file_why: self.cannot_file_why(),
            filings: self.desk.filings(),
            pulls: self.pulls.under_way(),
            fixes: self.fixing.under_way(),
            pull_outcomes: self.ledger.pull_outcomes(),
            fix_outcomes: self.ledger.fix_outcomes(),
            statements_published: self.sharing.statements_published,
            last_deploy: self.deploys().into_iter().next(),
            dropped: self.dropped.iter().map(|(reason, count)| (reason.code().to_owned(), *count)).collect(),
            next_bundle: self.wall_of(now, self.next_bundle),
            last_bundle: self.last_bundle(now),
            by_severity: statistics.by_severity,
            by_type: statistics.by_type,
            other_types: statistics.other_types,
            by_node: statistics.by_node,
            issues: statistics.issues,
        }
    }

    /// Bundles come at whole multiples of the interval, so the last was one interval before the next, if the node ran then.
    fn last_bundle(&self, now: Now) -> Option<UnixMillis> {
        let last = Millis(self.next_bundle.0.checked_sub(duration_millis(self.policy.bundle_interval))?);
        (last > self.started).then(|| UnixMillis(now.wall.0.saturating_sub(duration_millis(now.mono.since(last)))))
    }

    /// Returns how far each origin has been heard without a gap.
    pub fn digest(&self) -> Digest {
        self.ledger.digest()
    }

    /// Returns, for each fingerprint, occurrences across the mesh and its issue, as this node knows them. Cheaper than `errors`.
    pub fn totals(&self) -> impl Iterator<Item = (Fingerprint, u64, Option<&IssueRef>)> {
        self.ledger.entries().map(|(fingerprint, entry)| (*fingerprint, entry.occurrences(), entry.issue()))
    }

    /// Returns all fingerprints, those seen last first.
    pub fn errors(&self, now: Now) -> Vec<ErrorView> {
        let patterns = self.patterns_of_all(now.wall);
        let view = |(fingerprint, entry): (&Fingerprint, &Entry)| {
            Some(ErrorView { patterns: patterns(fingerprint, entry), ..self.view(now, *fingerprint, entry)? })
        };
        let mut errors: Vec<ErrorView> = self.ledger.entries().filter_map(view).collect();
        errors.sort_by(|a, b| b.last_seen.cmp(&a.last_seen).then(a.fingerprint.cmp(&b.fingerprint)));
        errors
    }

    /// Returns one fingerprint, if it is known.
    pub fn error(&self, now: Now, fingerprint: Fingerprint) -> Option<ErrorView> {
        let entry = self.ledger.entry(&fingerprint)?;
        let mut error = self.view(now, fingerprint, entry)?;
        error.patterns = self.patterns(now.wall, &fingerprint, entry);
        error.rollback = self.rollback_for(&fingerprint);
        error.fix = self.fix_view(now, fingerprint, entry);
        error.fixed = self.fixed_view(now, entry);
        error.similar = similar(&self.ledger, fingerprint).into_iter().map(|(similar, _)| similar).collect();
        Some(error)
    }

    /// Returns the known fingerprints whose hexadecimal text begins with `prefix`, at most two.
    pub fn resolve(&self, prefix: &str) -> Vec<Fingerprint> {
        self.ledger
            .entries()
            .map(|(fingerprint, _)| *fingerprint)
            .filter(|fingerprint| fingerprint.to_string().starts_with(prefix))
            .take(2)
            .collect()
    }

    /// Returns every other node that was ever heard of.
    pub fn peers(&self, now: Now) -> Vec<PeerView> {
        let mut nodes = self.ledger.nodes();
        nodes.extend(self.sharing.known());
        nodes.remove(&self.me);
        let ahead = self.ledger.nodes_ahead_of(UnixMillis(now.wall.0.saturating_add(AHEAD_MAX_MS)));
        nodes.into_iter().map(|peer| self.peer_view(now, peer, &ahead)).collect()
    }

    fn peer_view(&self, now: Now, peer: NodeId, ahead: &BTreeSet<NodeId>) -> PeerView {
        let presence = self.ledger.presence(peer);
        PeerView {
            peer_id: peer,
            name: presence.map(|presence| presence.name.clone()).unwrap_or_default(),
            addresses: Vec::new(),
            connected: self.sharing.is_connected(peer),
            last_heard_s: self.sharing.heard_at(peer).map(|at| now.mono.since(at).as_secs()),
            can_file: presence.is_some_and(|presence| presence.can_file),
            version: presence.map(|presence| presence.version.clone()).unwrap_or_default(),
            cloned: self.ledger.is_cloned(peer),
            clock_ahead: ahead.contains(&peer),
            faults: 0,
        }
    }

    fn view(&self, now: Now, fingerprint: Fingerprint, entry: &Entry) -> Option<ErrorView> {
        let head = entry.head()?;
        let (first_seen, last_seen) = entry.seen()?;
        let issue = entry.issue().map(|issue| IssueView {
            number: issue.number.0,
            url: issue.url.clone(),
            state: if issue.open { "open" } else { "closed" }.to_owned(),
        });
        Some(ErrorView {
            fingerprint,
            error_type: head.error_type.clone(),
            message: head.message.clone(),
            severity: entry.severity().unwrap_or(head.severity),
            occurrences: entry.occurrences(),
            nodes: entry.nodes().into_iter().map(|(node, tally)| (node, tally.count)).collect(),
            releases: entry.releases(),
            first_seen,
            last_seen,
            patterns: Vec::new(),
            rollback: None,
            state: self.state(now, &fingerprint, entry),
            leader: self.candidates(now, &fingerprint).first().copied(),
            issue,
            pull_request: entry.known_pull().and_then(|known| known.pull.as_ref()).map(|pull| IssueView {
                number: pull.number.0,
                url: pull.url.clone(),
                state: state_word(Some(pull)).to_owned(),
            }),
            similar: Vec::new(),
            fix: None,
            fixed: None,
        })
    }

    fn fixed_view(&self, now: Now, entry: &Entry) -> Option<FixedView> {
        let is_closed = entry.filed().is_some_and(|filed| matches!(filed.standing, Standing::Closed(_)));
        if !is_closed {
            return None;
        }
        let exposure = exposure(entry, &Builds::of(&self.ledger), now.wall)?;
        Some(FixedView {
            since: exposure.since,
            exposed_hours: exposure.exposed.as_secs() / 3600,
            expected: exposure.expected,
            verified: exposure.verified,
        })
    }

    fn state(&self, now: Now, fingerprint: &Fingerprint, entry: &Entry) -> ErrorState {
        let claimed = entry.notes().any(|((by, _), note)| note.step != FilingStep::Idle && self.is_live(now, by));
        if let Some(filed) = entry.filed() {
            return match filed.standing {
                Standing::Silenced => ErrorState::Muted,
                Standing::Quiet => ErrorState::Quiet,
                Standing::Regressed => ErrorState::Regressed,
                Standing::Closed(_) if self.wants_issue(now, entry) => ErrorState::Regressed,
                Standing::Closed(_) | Standing::Open | Standing::Gone { .. } => ErrorState::Filed,
            };
        }
        match () {
            () if entry.muted(now.wall).is_some() => ErrorState::Muted,
            () if claimed => ErrorState::Filing,
            () if self.desk.is_due(fingerprint) => ErrorState::Due,
            () => ErrorState::Counting,
        }
    }

    /// Returns why a fingerprint is, or is not, filed.
    pub fn why(&self, now: Now, fingerprint: Fingerprint) -> Option<Why> {
        let entry = self.ledger.entry(&fingerprint)?;
        let error = self.error(now, fingerprint)?;
        let candidates = self.candidates(now, &fingerprint);
        let rank = candidates.iter().position(|node| *node == self.me);
        let next_at =
            matches!(error.state, ErrorState::Counting | ErrorState::Due | ErrorState::Filing).then(|| self.wall_of(now, self.next_bundle));
        let reasons = self.reasons(now, entry, &error, &candidates);
        Some(Why { error, min_occurrences: self.policy.min_occurrences, candidates, rank, next_at, reasons })
    }

    fn reasons(&self, now: Now, entry: &Entry, error: &ErrorView, candidates: &[NodeId]) -> Vec<String> {
        let mut reasons = vec![format!("Seen {} on {}.", times(error.occurrences), nodes(error.nodes.len()))];
        reasons.extend(error.patterns.iter().map(|pattern| pattern.sentence(str::to_owned)));
        let next_bundle = self.wall_of(now, self.next_bundle);
        let unfiled = entry.unfiled();
        reasons.extend(entry.filed().map(issue_reason));
        match error.state {
            ErrorState::Counting if unfiled < self.policy.min_occurrences => reasons.push(format!(
                "Not due: {} are needed (bundle.min_occurrences), or critical severity; this one is {}.",
                times(self.policy.min_occurrences),
                error.severity
            )),
            ErrorState::Counting => reasons.push(format!("Often enough; it becomes due at the next bundle, {next_bundle}.")),
            ErrorState::Regressed if error.issue.as_ref().is_some_and(|issue| issue.state == "closed") => {
                reasons.push(format!("Seen {} since then, so the issue is to be opened again.", times(unfiled)));
            }
            ErrorState::Muted | ErrorState::Filed | ErrorState::Due | ErrorState::Filing | ErrorState::Quiet | ErrorState::Regressed => {}
        }
        reasons.extend(self.pull_reasons(now, entry));
        reasons.extend(self.fix_reasons(now, error.fingerprint, entry));
        reasons.extend(error.fixed.map(fixed_reason));
        reasons.extend(entry.muted(now.wall).map(mute_reason));
        if self.wants_issue(now, entry) {
            reasons.extend(entry.notes().filter_map(|((by, _), note)| claim_reason(by, note.step)));
            reasons.push(self.turn_reason(candidates));
            reasons.extend(self.policy.dry_run.then(|| self.dry_run_reason(now, error.fingerprint)));
            reasons.extend((!self.can_file()).then(|| format!("This node cannot file: {}.", self.cannot_file_why().trim_end_matches('.'))));
        }
        reasons
    }

    fn dry_run_reason(&self, now: Now, fingerprint: Fingerprint) -> String {
        let place = self.rank_if_it_could_file(now, &fingerprint) + 1;
        let title = self.title(fingerprint).unwrap_or_default();
        format!("Were this no dry run, this node would be number {place} in line to file it, as: {title}")
    }

    fn turn_reason(&self, candidates: &[NodeId]) -> String {
        let Some(leader) = candidates.first() else { return "No live node can file, so it is counted and shared only.".to_owned() };
        let turn = self.policy.turn.as_secs();
        match candidates.iter().position(|node| *node == self.me) {
            Some(0) => "It is this node's to file: of the live nodes that have seen it and can file, it has the lowest peer id.".to_owned(),
            Some(rank) => format!(
                "It is {leader}'s to file, as the lowest peer id; this node is number {} in line and steps in after {} s.",
                rank + 1,
                turn.saturating_mul(rank as u64)
            ),
            None => format!("It is {leader}'s to file, as the lowest peer id of the live nodes that have seen it and can file."),
        }
    }

    fn wall_of(&self, now: Now, at: Millis) -> UnixMillis {
        UnixMillis(now.wall.0.saturating_add(duration_millis(at.since(now.mono))))
    }
}

/// A mute that ends in the last year that a time can show has no end.
fn mute_reason(mute: &Mute) -> String {
    if mute.until.to_string().starts_with("9999-") {
        format!("Muted by {}, until it is unmuted.", mute.by)
    } else {
        format!("Muted by {} until {}.", mute.by, mute.until)
    }
}

fn issue_reason(filed: &Filed) -> String {
    let issue = &filed.issue;
    let number = issue.number;
    let stands = match &filed.standing {
        Standing::Open => "open".to_owned(),
        Standing::Quiet => "open, and not seen for long".to_owned(),
        Standing::Regressed => "open again, because it came back".to_owned(),
        Standing::Closed(baseline) => format!("closed{}", since(baseline.at)),
        Standing::Silenced if issue.open => "silenced by a label, or in the hands of people".to_owned(),
        Standing::Silenced => "closed for good: not planned, a duplicate, or moved away".to_owned(),
        Standing::Gone { .. } => "deleted".to_owned(),
    };
    format!("Filed as issue {number} ({stands}): {}", issue.url)
}

fn fixed_reason(fixed: FixedView) -> String {
    let FixedView { since, exposed_hours, expected, verified } = fixed;
    let hours = if exposed_hours == 1 { "1 hour".to_owned() } else { format!("{exposed_hours} hours") };
    let so_far =
        format!("Builds younger than its closing have run for {hours}, since {since}, without it; its former rate would have brought");
    let verdict = if verified { "The fix holds." } else { "That is too few to tell." };
    format!("{so_far} {expected}. {verdict}")
}

fn since(at: UnixMillis) -> String {
    if at == UnixMillis(0) { String::new() } else { format!(" since {at}") }
}

fn claim_reason(by: NodeId, step: FilingStep) -> Option<String> {
    match step {
        FilingStep::Claim => Some(format!("{by} has claimed it and looks whether an issue is there already.")),
        FilingStep::Intent => Some(format!("{by} has sent it, or is about to.")),
        FilingStep::Idle => None,
    }
}

fn times(count: u64) -> String {
    if count == 1 { "once".to_owned() } else { format!("{count} times") }
}

fn nodes(count: usize) -> String {
    if count == 1 { "1 node".to_owned() } else { format!("{count} nodes") }
}
