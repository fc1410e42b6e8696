//! Deploy markers, and when a rollback is asked for.
//!
//! A marker says that this node's machine has got a release. It stays on this node: others are deployed at other times, and a marker from a
//! stranger could have a command run here. For the same reason a rollback rests on what this node has seen itself. What is run, and how, is the
//! edge's matter; this file decides whether, and that it is once for each marker.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::time::Duration;

use healnode_report::{Fingerprint, Severity, UnixMillis};
use serde::{Deserialize, Serialize};

use crate::Tally;
use crate::limits::DEPLOYS_MAX;
use crate::time::duration_millis;

/// That a release was deployed here.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Deploy {
    /// Which marker of this node's it is, from 1.
    pub number: u64,
    /// Which app, or nothing for whatever reports here.
    pub app: String,
    /// Which release.
    pub release: String,
    /// When this node was told.
    pub at: UnixMillis,
    /// The rollback that it led to.
    pub rollback: Option<Rollback>,
}

/// That a rollback was asked for, and what came of it.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rollback {
    /// For which error.
    pub fingerprint: Fingerprint,
    /// When.
    pub at: UnixMillis,
    /// What came of it, and when; nothing while it is under way.
    pub ended: Option<(UnixMillis, RollbackOutcome)>,
}

/// What came of a rollback.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(tag = "result", rename_all = "snake_case", deny_unknown_fields)]
pub enum RollbackOutcome {
    /// Nothing was run, because the configuration does not confirm it.
    DryRun,
    /// The command ended with 0.
    Done {
        /// How long it took, in milliseconds.
        took_ms: u64,
    },
    /// The command failed.
    Failed {
        /// Its exit code; nothing when a signal ended it.
        code: Option<i32>,
        /// How long it took, in milliseconds.
        took_ms: u64,
    },
    /// The command took too long and was killed.
    TimedOut {
        /// After how long, in milliseconds.
        after_ms: u64,
    },
    /// The command could not be started.
    NotStarted {
        /// Why not, in a few words of the operating system.
        why: String,
    },
    /// The node ended before the command did, or before it was started. It is not run again.
    Unknown,
}

/// When a rollback is asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RollbackPolicy {
    /// How long after a deploy an error counts as its doing. Longer catches what shows late, and blames it for what others did.
    pub window: Duration,
    /// Occurrences that make it significant, at least 1: this node's own, unless only listed peers are heard.
    pub min_occurrences: u64,
}

/// What a rollback command is told. No message, stack or log line is among it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct RollbackFacts {
    /// The error.
    pub fingerprint: Fingerprint,
    /// The name of its type, as the application gave it.
    pub error_type: String,
    /// How bad it is.
    pub severity: Severity,
    /// The release that was deployed.
    pub release: String,
    /// Of which app, or nothing.
    pub app: String,
    /// When it was deployed.
    pub deployed_at: UnixMillis,
    /// When the error was seen first.
    pub first_seen: UnixMillis,
    /// Occurrences across the mesh.
    pub occurrences: u64,
    /// Occurrences on this node.
    pub own_occurrences: u64,
    /// Nodes that have seen it.
    pub nodes: usize,
    /// Where its issue is read, if it has one.
    pub issue_url: Option<String>,
}

/// A critical error, as a rollback is decided by.
pub(crate) struct Suspect<'a> {
    /// Which.
    pub(crate) fingerprint: Fingerprint,
    /// What this node has counted itself.
    pub(crate) own: &'a Tally,
    /// When any node saw it first.
    pub(crate) first_seen: UnixMillis,
    /// Occurrences that can be believed.
    pub(crate) believed: u64,
}

/// The last markers of this node, the latest last, at most [`DEPLOYS_MAX`].
#[derive(Clone, Hash, Default)]
pub(crate) struct Deploys {
    markers: VecDeque<Deploy>,
}

impl Deploy {
    /// Returns the place that a marker is kept in.
    pub fn slot(&self) -> u8 {
        (self.number % DEPLOYS_MAX as u64) as u8
    }
}

impl Deploys {
    /// Takes up the markers that were kept, by place. A rollback that was under way may or may not have run.
    pub(crate) fn new(kept: BTreeMap<u8, Deploy>, wall: UnixMillis) -> Self {
        let mut markers: Vec<Deploy> = kept.into_values().collect();
        markers.sort_by_key(|deploy| deploy.number);
        for rollback in markers.iter_mut().filter_map(|deploy| deploy.rollback.as_mut()) {
            rollback.ended.get_or_insert((wall, RollbackOutcome::Unknown));
        }
        Self { markers: markers.into() }
    }

    /// Notes a deploy. Returns it as it is to be kept.
    pub(crate) fn mark(&mut self, app: String, release: String, at: UnixMillis) -> Deploy {
        let number = self.markers.back().map_or(1, |last| last.number + 1);
        let deploy = Deploy { number, app, release, at, rollback: None };
        self.markers.push_back(deploy.clone());
        while self.markers.len() > DEPLOYS_MAX {
            self.markers.pop_front();
        }
        deploy
    }

    /// Returns the markers, the latest first.
    pub(crate) fn latest(&self) -> impl Iterator<Item = &Deploy> {
        self.markers.iter().rev()
    }

    /// Returns the deploy that a suspect is to be rolled back for, having noted that. It is to be kept before anything is run: then nothing is run
    /// twice, whatever happens meanwhile.
    pub(crate) fn blame(&mut self, policy: &RollbackPolicy, suspect: &Suspect<'_>, wall: UnixMillis) -> Option<Deploy> {
        let is_severe = suspect.own.head.severity == Severity::Critical;
        let is_significant = suspect.own.count > 0 && suspect.believed >= policy.min_occurrences.max(1);
        let latest = self.markers.iter_mut().rev().find(|deploy| deploy.app.is_empty() || deploy.app == suspect.own.head.app)?;
        let age = wall.0.checked_sub(latest.at.0)?;
        let is_recent = age <= duration_millis(policy.window);
        let is_new = suspect.first_seen >= latest.at;
        let is_of_release = suspect.own.releases.is_empty() || suspect.own.releases.contains_key(&latest.release);
        if latest.rollback.is_some() || !(is_severe && is_significant && is_recent && is_new && is_of_release) {
            return None;
        }
        latest.rollback = Some(Rollback { fingerprint: suspect.fingerprint, at: wall, ended: None });
        Some(latest.clone())
    }

    /// Notes what came of a rollback. Returns the marker as it is to be kept.
    pub(crate) fn end(&mut self, number: u64, outcome: RollbackOutcome, wall: UnixMillis) -> Option<Deploy> {
        let deploy = self.markers.iter_mut().find(|deploy| deploy.number == number)?;
        deploy.rollback.as_mut()?.ended = Some((wall, outcome));
        Some(deploy.clone())
    }
}

impl fmt::Display for RollbackOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RollbackOutcome::DryRun => write!(f, "dry run, nothing was run"),
            RollbackOutcome::Done { took_ms } => write!(f, "done in {took_ms} ms"),
            RollbackOutcome::Failed { code: Some(code), took_ms } => write!(f, "failed with exit code {code} after {took_ms} ms"),
            RollbackOutcome::Failed { code: None, took_ms } => write!(f, "ended by a signal after {took_ms} ms"),
            RollbackOutcome::TimedOut { after_ms } => write!(f, "killed after {after_ms} ms"),
            RollbackOutcome::NotStarted { why } => write!(f, "could not be started: {why}"),
            RollbackOutcome::Unknown => write!(f, "the node ended before it did; it is not run again"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Body;
    use crate::statement::tests::{fingerprint, tally};

    const POLICY: RollbackPolicy = RollbackPolicy { window: Duration::from_secs(1_800), min_occurrences: 3 };

    fn at(minute: u64) -> UnixMillis {
        UnixMillis(1_795_608_000_000 + minute * 60_000)
    }

    fn own(count: u64, severity: Severity, releases: &[&str]) -> Tally {
        let Body::Tally { mut tally, .. } = tally(1, count) else { unreachable!() };
        tally.head.severity = severity;
        tally.releases = releases.iter().map(|release| ((*release).to_owned(), count)).collect();
        tally
    }

    fn deployed(app: &str) -> Deploys {
        let mut deploys = Deploys::default();
        deploys.mark("shop".to_owned(), "1".to_owned(), at(0));
        deploys.mark(app.to_owned(), "2".to_owned(), at(60));
        deploys
    }

    fn blame(deploys: &mut Deploys, own: &Tally, first_minute: u64, minute: u64) -> Option<u64> {
        let suspect = Suspect { fingerprint: fingerprint(1), own, first_seen: at(first_minute), believed: own.count };
        deploys.blame(&POLICY, &suspect, at(minute)).map(|deploy| deploy.number)
    }

    #[test]
    fn a_critical_error_that_is_new_after_a_deploy_is_blamed_on_it() {
        for (own, first_minute, minute, expected) in [
            (own(3, Severity::Critical, &[]), 61, 62, Some(2)),
            (own(3, Severity::Critical, &["2"]), 60, 90, Some(2)),
            (own(3, Severity::Critical, &["1", "2"]), 60, 90, Some(2)),
            (own(3, Severity::Critical, &["1"]), 61, 62, None),
            (own(2, Severity::Critical, &[]), 61, 62, None),
            (own(0, Severity::Critical, &[]), 61, 62, None),
            (own(9, Severity::High, &[]), 61, 62, None),
            (own(3, Severity::Critical, &[]), 59, 62, None),
            (own(3, Severity::Critical, &[]), 61, 91, None),
            (own(3, Severity::Critical, &[]), 61, 59, None),
        ] {
            assert_eq!(blame(&mut deployed("shop"), &own, first_minute, minute), expected, "{own:?} {first_minute} {minute}");
            assert_eq!(blame(&mut deployed(""), &own, first_minute, minute), expected, "a marker without an app is for all");
        }
    }

    #[test]
    fn a_deploy_of_another_app_is_not_blamed() {
        let error = own(3, Severity::Critical, &[]);
        assert_eq!(blame(&mut deployed("till"), &error, 61, 62), None, "the last deploy of its own app is too long ago");
    }

    #[test]
    fn each_deploy_is_blamed_once_and_the_next_anew() {
        let mut deploys = deployed("shop");
        let error = own(3, Severity::Critical, &[]);
        assert_eq!(blame(&mut deploys, &error, 61, 62), Some(2));
        assert_eq!(blame(&mut deploys, &error, 61, 63), None);
        deploys.mark("shop".to_owned(), "1".to_owned(), at(64));
        assert_eq!(blame(&mut deploys, &error, 61, 65), None, "it is older than the deploy that takes the release back");
        assert_eq!(blame(&mut deploys, &error, 65, 66), Some(3));
    }

    #[test]
    fn what_was_under_way_when_the_node_ended_is_not_run_again() {
        let mut deploys = deployed("shop");
        let error = own(3, Severity::Critical, &[]);
        assert!(blame(&mut deploys, &error, 61, 62).is_some());
        let kept = deploys.markers.iter().map(|deploy| (deploy.slot(), deploy.clone())).collect();
        let mut deploys = Deploys::new(kept, at(70));
        assert_eq!(blame(&mut deploys, &error, 61, 71), None);
        let ended = deploys.latest().next().and_then(|deploy| deploy.rollback.as_ref()?.ended.clone());
        assert_eq!(ended, Some((at(70), RollbackOutcome::Unknown)));
    }

    #[test]
    fn only_the_last_markers_are_kept_each_in_a_place_of_its_own() {
        let mut deploys = Deploys::default();
        let mut kept = BTreeMap::new();
        for n in 0..100 {
            let deploy = deploys.mark(String::new(), n.to_string(), at(n));
            kept.insert(deploy.slot(), deploy);
        }
        let restored = Deploys::new(kept, at(0));
        assert_eq!(restored.markers, deploys.markers);
        assert_eq!((restored.markers.len(), &*restored.markers[0].release), (DEPLOYS_MAX, "84"));
    }
}
