//! Deploy markers of this node, and the rollbacks that it asks for.
//!
//! Whether one is asked for is decided in `deploy.rs`; that it is kept before it leaves, and what came of it afterwards, here. Running it is
//! the edge's matter.

use std::collections::BTreeMap;

use healnode_report::limits::NAME_BYTES_MAX;
use healnode_report::{Fingerprint, UnixMillis};

use crate::deploy::{Deploys, Suspect};
use crate::{CallId, Deploy, DeployView, Effect, Event, Now, Record, RollbackFacts, RollbackOutcome, RollbackView, Snapshot};

/// Markers, and what is under way because of them.
#[derive(Clone, Hash, Default)]
pub(super) struct RollingBack {
    deploys: Deploys,
    /// Numbers of the markers whose rollback is under way.
    under_way: BTreeMap<CallId, u64>,
}

impl RollingBack {
    /// Takes up the markers that were kept.
    pub(super) fn new(snapshot: &mut Snapshot, wall: UnixMillis) -> Self {
        Self { deploys: Deploys::new(std::mem::take(&mut snapshot.deploys), wall), under_way: BTreeMap::new() }
    }
}

impl super::Node {
    /// Notes that a release was deployed here.
    pub(super) fn deployed(&mut self, now: Now, app: String, release: String, out: &mut Vec<Effect>) {
        let app = if app.is_empty() { self.policy.app.clone() } else { app };
        let deploy = self.rolling_back.deploys.mark(clip(app), clip(release), now.wall);
        out.push(Effect::Note(Event::Deployed { app: deploy.app.clone(), release: deploy.release.clone() }));
        out.push(Effect::Store(Record::Deploy(Box::new(deploy))));
    }

    /// Asks for a rollback, if this node's own count of an error makes a deploy answer for it. Where only listed peers are heard, their counts
    /// are believed as well.
    pub(super) fn roll_back_if_to_blame(&mut self, now: Now, fingerprint: Fingerprint, out: &mut Vec<Effect>) {
        let Some(policy) = self.policy.rollback else { return };
        let Some(entry) = self.ledger.entry(&fingerprint).filter(|entry| entry.muted(now.wall).is_none()) else { return };
        let Some(own) = entry.tally_of((self.me, self.epoch)) else { return };
        let Some((first_seen, _)) = entry.seen() else { return };
        let believed = if self.policy.allow.is_empty() { own.count } else { entry.occurrences() };
        let suspect = Suspect { fingerprint, own, first_seen, believed };
        let Some(deploy) = self.rolling_back.deploys.blame(&policy, &suspect, now.wall) else { return };
        let facts = RollbackFacts {
            fingerprint,
            error_type: own.head.error_type.clone(),
            severity: own.head.severity,
            release: deploy.release.clone(),
            app: deploy.app.clone(),
            deployed_at: deploy.at,
            first_seen,
            occurrences: entry.occurrences(),
            own_occurrences: own.count,
            nodes: entry.nodes().len(),
            issue_url: entry.issue().map(|issue| issue.url.clone()).filter(|url| !url.is_empty()),
        };
        let id = self.new_call();
        self.rolling_back.under_way.insert(id, deploy.number);
        out.push(Effect::Note(Event::RollbackAsked { fingerprint, app: deploy.app.clone(), release: deploy.release.clone() }));
        out.push(Effect::Store(Record::Deploy(Box::new(deploy))));
        out.push(Effect::Rollback { id, facts: Box::new(facts) });
    }

    /// Notes what came of a rollback.
    pub(super) fn rolled_back(&mut self, now: Now, id: CallId, outcome: RollbackOutcome, out: &mut Vec<Effect>) {
        let Some(number) = self.rolling_back.under_way.remove(&id) else { return };
        let Some(deploy) = self.rolling_back.deploys.end(number, outcome.clone(), now.wall) else { return };
        if let Some(rollback) = &deploy.rollback {
            out.push(Effect::Note(Event::RolledBack { fingerprint: rollback.fingerprint, release: deploy.release.clone(), outcome }));
        }
        out.push(Effect::Store(Record::Deploy(Box::new(deploy))));
    }

    /// Returns the deploys that this node was told of, the latest first, at most [`DEPLOYS_MAX`](crate::limits::DEPLOYS_MAX).
    pub fn deploys(&self) -> Vec<DeployView> {
        self.rolling_back.deploys.latest().map(deploy_view).collect()
    }

    /// Returns the last rollback that an error led to.
    pub(super) fn rollback_for(&self, fingerprint: &Fingerprint) -> Option<RollbackView> {
        self.rolling_back.deploys.latest().filter_map(rollback_view).find(|rollback| rollback.fingerprint == *fingerprint)
    }
}

fn clip(mut name: String) -> String {
    let end = name.floor_char_boundary(NAME_BYTES_MAX);
    name.truncate(end);
    name
}

fn deploy_view(deploy: &Deploy) -> DeployView {
    DeployView { release: deploy.release.clone(), app: deploy.app.clone(), at: deploy.at, rollback: rollback_view(deploy) }
}

fn rollback_view(deploy: &Deploy) -> Option<RollbackView> {
    let rollback = deploy.rollback.as_ref()?;
    let (ended_at, outcome) = rollback.ended.clone().unzip();
    Some(RollbackView {
        fingerprint: rollback.fingerprint,
        release: deploy.release.clone(),
        deployed_at: deploy.at,
        asked_at: rollback.at,
        ended_at,
        said: outcome.as_ref().map_or_else(|| "under way".to_owned(), ToString::to_string),
        outcome,
    })
}
