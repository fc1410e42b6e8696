//! The state of a node, and the one door to it.
//!
//! This file takes an input apart and hands it to the part that decides: `counting` what was captured, `patterns` what is noticed in it,
//! `rollback` what deploys answer for, `sharing` what is said and heard, `desk` who files and how far it got, `upkeep` what becomes of issues
//! afterwards, `pulls` which get a pull request, `fixing` who looks for a fix, `showing` what people see. Each part is methods of [`Node`]; all
//! of them only change the state and push effects.

mod counting;
mod desk;
mod fixing;
mod patterns;
mod pulls;
mod rollback;
mod sharing;
mod showing;
mod statistics;
mod upkeep;

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use healnode_report::limits::NAME_BYTES_MAX;
use healnode_report::{Fingerprint, UnixMillis};

use crate::exposure::{Builds, exposure};
use crate::ledger::{Entry, Ledger, Merged};
use crate::limits::{AHEAD_MAX_MS, GIVEN_UP_AFTER};
use crate::time::duration_millis;
use crate::{
    CallId, Command, DropReason, Effect, Epoch, Event, ForgeHealth, Input, Millis, Mute, NodeId, Now, Policy, Signer, Snapshot, Standing,
};
use counting::Counting;
use desk::Desk;
use fixing::Fixing;
use patterns::Noticing;
use pulls::Pulls;
use rollback::RollingBack;
use sharing::Sharing;
use upkeep::Upkeep;

/// How often is looked for fingerprints past the retention.
const FORGET_INTERVAL_MS: u64 = 60 * 60 * 1000;

/// A node, without its edges.
#[derive(Clone)]
pub struct Node {
    me: NodeId,
    epoch: Epoch,
    policy: Policy,
    signer: Arc<dyn Signer>,
    started: Millis,
    ledger: Ledger,
    counting: Counting,
    noticing: Noticing,
    rolling_back: RollingBack,
    sharing: Sharing,
    desk: Desk,
    upkeep: Upkeep,
    pulls: Pulls,
    fixing: Fixing,
    /// Errors whose fix was found to hold.
    verified: BTreeSet<Fingerprint>,
    health: ForgeHealth,
    calls: u64,
    next_bundle: Millis,
    next_forget: Millis,
    /// What was past the retention when last looked for. It is forgotten if it still is at the next look, so that a clock that is wrong for
    /// a while after a start costs nothing.
    fading: BTreeSet<Fingerprint>,
    /// Origins that were not live when last looked at.
    gone: BTreeSet<NodeId>,
    wake_at: Option<Millis>,
    dropped: BTreeMap<DropReason, u64>,
}

/// Over everything that decides what the node does next, but for what never changes: its policy and its signer.
impl Hash for Node {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        let Self {
            me,
            epoch,
            policy: _,
            signer: _,
            started,
            ledger,
            counting,
            noticing,
            rolling_back,
            sharing,
            desk,
            upkeep,
            pulls,
            fixing,
            verified,
            health,
            calls,
            next_bundle,
            next_forget,
            fading,
            gone,
            wake_at,
            dropped,
        } = self;
        (me, epoch, started, ledger, counting, sharing, desk, upkeep).hash(hasher);
        (noticing, rolling_back, pulls, fixing, verified).hash(hasher);
        (health, calls, next_bundle, next_forget, fading, gone, wake_at, dropped).hash(hasher);
    }
}

impl Node {
    /// Takes up where `snapshot` left off. Nothing happens until the first input, which is best a [`Input::Tick`].
    pub fn new(me: NodeId, epoch: Epoch, policy: Policy, signer: Box<dyn Signer>, mut snapshot: Snapshot, now: Now) -> Self {
        let mut ledger = Ledger::default();
        for signed in std::mem::take(&mut snapshot.statements).into_values() {
            ledger.merge(signed, true);
        }
        for (source, through) in &snapshot.heard {
            ledger.hear(*source, crate::Seq(0), *through);
        }
        let said = ledger.highest((me, epoch));
        ledger.hear((me, epoch), crate::Seq(0), said);
        let noticing = Noticing::new(&mut snapshot, &ledger, now.wall);
        let rolling_back = RollingBack::new(&mut snapshot, now.wall);
        let sharing = Sharing::new(ledger.nodes(), said, snapshot.seq_reserved, now.mono);
        let horizon = UnixMillis(now.wall.0.saturating_sub(duration_millis(policy.retention)));
        let counting = Counting::new(snapshot.counters, snapshot.event_ids, &ledger, (me, epoch), horizon);
        let calls = snapshot.intents.keys().last().copied().unwrap_or(0);
        let desk = Desk::new(snapshot.intents, now.mono);
        let next_bundle = now.mono + bundle_wait(&policy, now.wall);
        let next_forget = now.mono;
        let health = ForgeHealth::Blocked { why: "the forge has not answered yet".to_owned() };
        let upkeep = Upkeep::default();
        let (wake_at, dropped) = (None, BTreeMap::new());
        let started = now.mono;
        Self {
            me,
            epoch,
            policy,
            signer: signer.into(),
            started,
            ledger,
            counting,
            noticing,
            rolling_back,
            sharing,
            desk,
            upkeep,
            pulls: Pulls::default(),
            fixing: Fixing::new(snapshot.fix_logs),
            verified: BTreeSet::new(),
            health,
            calls,
            next_bundle,
            next_forget,
            fading: BTreeSet::new(),
            gone: BTreeSet::new(),
            wake_at,
            dropped,
        }
    }

    /// Applies one input. Never blocks and never fails: what a caller could do about an error is an effect.
    pub fn handle(&mut self, now: Now, input: Input, out: &mut Vec<Effect>) {
        match input {
            Input::Captured { id, report } => self.captured(now, id, *report, out),
            Input::Gossip(run) => self.hear_run(now, run, out),
            Input::PeerUp(peer) => self.peer_up(now, peer, out),
            Input::PeerDown(peer) => self.peer_down(peer),
            Input::Asked { id, request } => self.asked(id, request, out),
            Input::Answered { from, response } => self.answered(now, from, response, out),
            Input::Forge { id, reply } => self.forge_replied(now, id, reply, out),
            Input::ForgeHealth(health) => self.set_health(now, health, out),
            Input::RolledBack { id, outcome } => self.rolled_back(now, id, outcome, out),
            Input::Operator(Command::Deploy { app, release }) => self.deployed(now, app, release, out),
            Input::Sample { id, report } => self.sample_came(now, id, report, out),
            Input::Operator(Command::Mute { fingerprint, until, by }) => {
                let by = by.chars().take(NAME_BYTES_MAX / 4).collect();
                let at = self.ledger.entry(&fingerprint).map_or(now.wall, |entry| entry.next_mute_at(now.wall));
                self.say(crate::Body::Mute { fingerprint, mute: Mute { at, until, by } }, out);
                self.desk.look_over();
            }
            Input::Operator(Command::Fix { fingerprint, publish }) => self.fix_asked(now, fingerprint, publish, out),
            Input::FixStage { id, record } => self.fix_stage_came(id, record, out),
            Input::Fixed { id, outcome } => self.fixed(now, id, *outcome, out),
            Input::Operator(Command::Flush) => {
                self.say_counts(now, out);
                self.collect_due(now, out);
            }
            Input::Tick => {}
        }
        self.run_timers(now, out);
        self.hold_elections(now, out);
        self.go_on_with_upkeep(out);
        self.go_on_with_pulls(now, out);
        self.go_on_with_fixing(now, out);
        self.publish_said(out);
        self.ask_to_be_woken(out);
    }

    fn run_timers(&mut self, now: Now, out: &mut Vec<Effect>) {
        self.flush_counts(now, out);
        self.keep_present(now, out);
        self.pull_from_next(now, out);
        if self.next_bundle <= now.mono {
            self.next_bundle = now.mono + bundle_wait(&self.policy, now.wall);
            self.collect_due(now, out);
            self.begin_upkeep(now);
            self.collect_fixes(now);
            self.note_verified(now, out);
        }
        if self.next_forget <= now.mono {
            self.next_forget = Millis(now.mono.0 + FORGET_INTERVAL_MS);
            self.forget_expired(now, out);
            self.keep_rates(out);
        }
    }

    fn ask_to_be_woken(&mut self, out: &mut Vec<Effect>) {
        let deadlines = [
            (Some(self.next_bundle), "bundle"),
            (Some(self.next_forget), "forget"),
            (self.counting.next_flush, "flush"),
            (Some(self.sharing.next_presence), "presence"),
            (Some(self.sharing.next_pull), "pull"),
            (self.next_desk_work(), "filing"),
            (self.next_pull_work(), "pull request"),
            (self.next_fix_work(), "fix"),
        ];
        let soonest = deadlines.into_iter().filter_map(|(at, why)| Some((at?, why))).min();
        let Some((at, why)) = soonest else { return };
        if self.wake_at != Some(at) {
            self.wake_at = Some(at);
            out.push(Effect::WakeAt { at, why });
        }
    }

    fn forget_expired(&mut self, now: Now, out: &mut Vec<Effect>) {
        let Some(horizon) = now.wall.0.checked_sub(duration_millis(self.policy.retention)) else { return };
        let is_past = |(_, entry): &(&Fingerprint, &Entry)| is_expired(entry, UnixMillis(horizon), now.wall);
        let past: BTreeSet<Fingerprint> = self.ledger.entries().filter(is_past).map(|(fingerprint, _)| *fingerprint).collect();
        let expired: Vec<Fingerprint> = past.intersection(&self.fading).copied().collect();
        self.fading = past;
        for fingerprint in expired {
            self.fading.remove(&fingerprint);
            self.forget(fingerprint, out);
        }
        self.forget_gone(now, out);
    }

    /// Looks after origins that were gone at the last look already.
    fn forget_gone(&mut self, now: Now, out: &mut Vec<Effect>) {
        let live: BTreeSet<NodeId> = self.sharing.known().filter(|node| self.is_live(now, *node)).chain([self.me]).collect();
        let gone: BTreeSet<NodeId> = self.ledger.nodes().difference(&live).copied().collect();
        let long_gone: BTreeSet<NodeId> = gone.intersection(&self.gone).copied().collect();
        self.gone = gone;
        for ((origin, epoch), key) in self.ledger.forget_origins(|node| long_gone.contains(&node)) {
            out.push(Effect::Store(crate::Record::ForgetStatement { origin, epoch, key }));
            out.push(Effect::Store(crate::Record::Heard { origin, epoch, through: crate::Seq(0) }));
        }
    }

    fn forget(&mut self, fingerprint: Fingerprint, out: &mut Vec<Effect>) {
        for ((origin, epoch), key) in self.ledger.forget(fingerprint) {
            out.push(Effect::Store(crate::Record::ForgetStatement { origin, epoch, key }));
        }
        self.desk.forget(&fingerprint);
        self.noticing.forget(&fingerprint);
        self.fixing.forget(&fingerprint);
        self.verified.remove(&fingerprint);
        out.push(Effect::Store(crate::Record::ForgetFingerprint(fingerprint)));
        if let Some(tally) = self.counting.forget(&fingerprint).cloned() {
            out.push(Effect::Store(crate::Record::Counter { fingerprint, tally }));
        }
    }

    /// Tells, once, of each fix that has been found to hold.
    fn note_verified(&mut self, now: Now, out: &mut Vec<Effect>) {
        let is_closed =
            |(_, entry): &(&Fingerprint, &Entry)| entry.filed().is_some_and(|filed| matches!(filed.standing, Standing::Closed(_)));
        let closed: BTreeMap<&Fingerprint, &Entry> = self.ledger.entries().filter(is_closed).collect();
        self.verified.retain(|fingerprint| closed.contains_key(fingerprint));
        if closed.len() == self.verified.len() {
            return;
        }
        let builds = Builds::of(&self.ledger);
        let open = closed.into_iter().filter(|(fingerprint, _)| !self.verified.contains(fingerprint));
        let holds = |(fingerprint, entry): (&Fingerprint, &Entry)| {
            let exposure = exposure(entry, &builds, now.wall)?;
            exposure.verified.then_some((*fingerprint, entry.issue()?.number))
        };
        let found: Vec<(Fingerprint, crate::IssueNumber)> = open.filter_map(holds).collect();
        for (fingerprint, issue) in found {
            self.verified.insert(fingerprint);
            out.push(Effect::Note(Event::FixVerified { fingerprint, issue }));
        }
    }

    fn new_call(&mut self) -> CallId {
        self.calls += 1;
        CallId(self.calls)
    }

    fn drop_counted(&mut self, reason: DropReason, out: &mut Vec<Effect>) {
        *self.dropped.entry(reason).or_default() += 1;
        out.push(Effect::Note(Event::Dropped { reason }));
    }

    /// Takes note of what a merge did. Returns whether it was news.
    fn note_merge(&mut self, signed: &crate::Signed, merged: Merged, out: &mut Vec<Effect>) -> bool {
        match merged {
            Merged::Known => false,
            Merged::Dropped(reason) => {
                self.drop_counted(reason, out);
                false
            }
            Merged::News { first, cloned } => {
                if cloned {
                    out.push(Effect::Note(Event::ClonedIdentity { origin: signed.statement.origin }));
                }
                if first && let crate::Body::Tally { fingerprint, tally } = &signed.statement.body {
                    out.push(Effect::Note(Event::Appeared { fingerprint: *fingerprint, severity: tally.head.severity }));
                }
                true
            }
        }
    }
}

/// Returns how long until the next whole multiple of the bundle interval on the wall clock. Nodes with true clocks look together, so their
/// turns are counted from the same moment; with a wrong clock only the order suffers.
fn bundle_wait(policy: &Policy, wall: UnixMillis) -> std::time::Duration {
    let interval = duration_millis(policy.bundle_interval).max(1);
    std::time::Duration::from_millis(interval - wall.0 % interval)
}

fn is_expired(entry: &Entry, horizon: UnixMillis, wall: UnixMillis) -> bool {
    let is_kept = entry.issue().is_some_and(|issue| issue.open) || entry.muted(wall).is_some() || may_be_reopened(entry, wall);
    !is_kept && entry.last_seen_by(UnixMillis(wall.0.saturating_add(AHEAD_MAX_MS))).is_none_or(|last| last < horizon)
}

/// What had been counted when an issue was closed is needed as long as the issue may be opened again.
fn may_be_reopened(entry: &Entry, wall: UnixMillis) -> bool {
    match entry.filed().map(|filed| &filed.standing) {
        Some(Standing::Closed(baseline)) => wall.0 < baseline.at.0.saturating_add(duration_millis(GIVEN_UP_AFTER)),
        Some(Standing::Open | Standing::Quiet | Standing::Regressed | Standing::Silenced | Standing::Gone { .. }) | None => false,
    }
}
