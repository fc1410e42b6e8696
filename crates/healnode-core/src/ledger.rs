//! What every peer has said, merged.
//!
//! Of each origin, epoch and key the statement with the higher number is kept; of two with the same number, the one with the greater
//! signature. That is a join: commutative, associative, idempotent, so the order in which statements arrive does not matter. Everything
//! shown is computed from the statements on demand. The ledger knows nothing of connections, clocks or turns, and never writes.

mod fixes;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use healnode_report::{Fingerprint, Head, Severity, UnixMillis};
use sha2::{Digest as _, Sha256};

use crate::limits::{
    BASELINE_RELEASES_MAX, FINGERPRINTS_MAX, ORIGIN_STATEMENTS_MAX, ORIGINS_MAX, PEER_FINGERPRINTS_MAX, SAME_NUMBER_MAX, STATEMENTS_MAX,
};
use crate::{
    Baseline, Body, Digest, DropReason, Epoch, Filed, FilingNote, IssueNumber, IssueRef, Key, Mute, NodeId, Presence, Run, Seq, Signed,
    Standing, Summary, Tally,
};

/// What releases beyond their bound are counted under.
pub(crate) const OTHER_RELEASES: &str = "other";

/// Whose data directory a statement comes from.
pub(crate) type Source = (NodeId, Epoch);

/// All statements.
#[derive(Clone, Hash, Default)]
pub(crate) struct Ledger {
    entries: BTreeMap<Fingerprint, Entry>,
    presences: BTreeMap<Source, Signed>,
    origins: BTreeMap<Source, Origin>,
    statements: usize,
    /// The digest in short, while it holds.
    summary: Option<Summary>,
}

/// All statements about one fingerprint.
#[derive(Clone, Hash, Default)]
pub(crate) struct Entry {
    tallies: BTreeMap<Source, Signed>,
    filings: BTreeMap<Source, Signed>,
    mutes: BTreeMap<Source, Signed>,
    fixes: BTreeMap<Source, Signed>,
}

#[derive(Clone, Hash, Default)]
struct Origin {
    /// Everything up to here was heard.
    through: Seq,
    /// The highest number heard.
    highest: Seq,
    /// Keys by the number of their statement.
    by_seq: BTreeSet<(Seq, Key)>,
    cloned: bool,
}

/// What a merge did.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Merged {
    /// It was news and is kept.
    News {
        /// Nothing was known about its fingerprint before.
        first: bool,
        /// Two statements carry this number, for the first time: the identity is used twice.
        cloned: bool,
    },
    /// It was known, or a later one was.
    Known,
    /// It was not kept.
    Dropped(DropReason),
}

impl Ledger {
    /// Merges one statement, of this node's own if `own`: for those the last quarter of the room is kept.
    pub(crate) fn merge(&mut self, signed: Signed, own: bool) -> Merged {
        let source = (signed.statement.origin, signed.statement.epoch);
        let (key, seq) = (signed.statement.body.key(), signed.statement.seq);
        let held = self.get(source, key);
        let same_number = held.is_some_and(|held| held.statement.seq == seq && *held != signed);
        if held.is_some_and(|held| (held.statement.seq, held.signature.0) >= (seq, signed.signature.0)) {
            if same_number {
                self.mark_cloned(source);
            }
            return Merged::Known;
        }
        let replaced = held.map(|held| held.statement.seq);
        let same_numbers = self.same_numbers(source, seq);
        if same_numbers >= SAME_NUMBER_MAX {
            self.mark_cloned(source);
            return Merged::Dropped(DropReason::OutOfBounds);
        }
        if let Some(reason) = self.over_bound(source, key, replaced.is_some(), own) {
            return Merged::Dropped(reason);
        }
        let origin = self.origins.entry(source).or_default();
        if let Some(replaced) = replaced {
            origin.by_seq.remove(&(replaced, key));
        }
        let cloned = !origin.cloned && (same_number || same_numbers > 0);
        origin.cloned |= cloned;
        origin.by_seq.insert((seq, key));
        origin.highest = origin.highest.max(seq);
        self.statements += usize::from(replaced.is_none());
        let first = self.insert(source, key, signed);
        Merged::News { first, cloned }
    }

    fn mark_cloned(&mut self, source: Source) {
        if let Some(origin) = self.origins.get_mut(&source) {
            origin.cloned = true;
        }
    }

    /// Returns how many statements carry this number already.
    fn same_numbers(&self, source: Source, seq: Seq) -> usize {
        let Some(origin) = self.origins.get(&source) else { return 0 };
        let first_key = Key::Tally(Fingerprint::from_bytes([0; 32]));
        origin.by_seq.range((seq, first_key)..=(seq, Key::Presence)).take(SAME_NUMBER_MAX).count()
    }

    fn over_bound(&self, source: Source, key: Key, replaces: bool, own: bool) -> Option<DropReason> {
        if replaces {
            return None;
        }
        match self.origins.get(&source) {
            None if self.origins.len() >= ORIGINS_MAX => return Some(DropReason::TooManyOrigins),
            Some(origin) if !own && origin.by_seq.len() >= ORIGIN_STATEMENTS_MAX => return Some(DropReason::OriginFull),
            None | Some(_) => {}
        }
        let fingerprint = key.fingerprint()?;
        let entries_max = if own { FINGERPRINTS_MAX } else { PEER_FINGERPRINTS_MAX };
        let no_room = self.entries.len() >= entries_max && !self.entries.contains_key(&fingerprint);
        (no_room || (!own && self.statements >= STATEMENTS_MAX)).then_some(DropReason::LedgerFull)
    }

    fn insert(&mut self, source: Source, key: Key, signed: Signed) -> bool {
        let Some(fingerprint) = key.fingerprint() else {
            self.presences.insert(source, signed);
            return false;
        };
        let first = !self.entries.contains_key(&fingerprint);
        let entry = self.entries.entry(fingerprint).or_default();
        match key {
            Key::Tally(_) => entry.tallies.insert(source, signed),
            Key::Filing(_) => entry.filings.insert(source, signed),
            Key::Mute(_) => entry.mutes.insert(source, signed),
            Key::Fix(_) => entry.fixes.insert(source, signed),
            Key::Presence => None,
        };
        first
    }

    fn get(&self, source: Source, key: Key) -> Option<&Signed> {
        let Some(fingerprint) = key.fingerprint() else { return self.presences.get(&source) };
        let entry = self.entries.get(&fingerprint)?;
        match key {
            Key::Tally(_) => entry.tallies.get(&source),
            Key::Filing(_) => entry.filings.get(&source),
            Key::Mute(_) => entry.mutes.get(&source),
            Key::Fix(_) => entry.fixes.get(&source),
            Key::Presence => None,
        }
    }

    /// Notes that everything in `(after, through]` of an origin has been heard. Returns the new mark if it moved.
    ///
    /// A run's `through` is not signed, so it counts only as far as there is a signed statement to show for it.
    pub(crate) fn hear(&mut self, source: Source, after: Seq, through: Seq) -> Option<Seq> {
        let origin = self.origins.get_mut(&source)?;
        let through = through.min(origin.highest);
        if after > origin.through || through <= origin.through {
            return None;
        }
        origin.through = through;
        self.summary = None;
        Some(through)
    }

    /// Returns the digest in short. Costs nothing while nothing was heard since the last time.
    pub(crate) fn summary(&mut self) -> Summary {
        if let Some(summary) = self.summary {
            return summary;
        }
        let summary = self.digest().summary();
        self.summary = Some(summary);
        summary
    }

    /// Returns how far each origin has been heard without a gap.
    pub(crate) fn digest(&self) -> Digest {
        let heard = self.origins.iter().filter(|(_, origin)| origin.through > Seq(0));
        Digest(heard.map(|(source, origin)| (*source, origin.through)).collect())
    }

    /// Returns how far an origin has been heard without a gap.
    pub(crate) fn through(&self, source: Source) -> Seq {
        self.origins.get(&source).map(|origin| origin.through).unwrap_or_default()
    }

    /// Returns the statements that a node with digest `have` lacks, up to about `bytes_max` bytes, and whether there are more. The last run is
    /// the only one that may be cut, and holds something then: whoever reads the page counts on that.
    pub(crate) fn page(&self, have: &Digest, bytes_max: usize) -> (Vec<Run>, bool) {
        let mut runs = Vec::new();
        let mut room = bytes_max;
        for (source, origin) in &self.origins {
            let after = have.heard(source);
            if origin.through <= after {
                continue;
            }
            if runs.len() + 2 > ORIGINS_MAX {
                return (runs, true);
            }
            let above = self.above_gap(*source, origin);
            let mut left = room.saturating_sub(above.iter().flat_map(|run| &run.statements).map(Signed::size_estimate).sum());
            let (run, cut) = self.run(*source, origin, after, &mut left);
            if cut && run.statements.is_empty() && !runs.is_empty() {
                return (runs, true);
            }
            room = left;
            runs.extend(above);
            runs.push(run);
            if cut {
                return (runs, true);
            }
        }
        (runs, false)
    }

    /// Returns the newest statement of an origin that is held above a gap, if one is. What is heard without a gap may end with numbers whose
    /// statements it replaced; whoever hears of them must hold it to believe them, see [`Ledger::hear`].
    fn above_gap(&self, source: Source, origin: &Origin) -> Option<Run> {
        let (seq, key) = origin.by_seq.last().filter(|(seq, _)| *seq > origin.through)?;
        let signed = self.get(source, *key)?.clone();
        Some(Run { origin: source.0, epoch: source.1, after: Seq(seq.0 - 1), through: *seq, statements: vec![signed] })
    }

    fn run(&self, source: Source, origin: &Origin, after: Seq, room: &mut usize) -> (Run, bool) {
        let mut run = Run { origin: source.0, epoch: source.1, after, through: after, statements: Vec::new() };
        let highest_key = Key::Presence;
        for (seq, key) in origin.by_seq.range((Bound::Excluded((after, highest_key)), Bound::Included((origin.through, highest_key)))) {
            let Some(signed) = self.get(source, *key) else { continue };
            let size = signed.size_estimate();
            if size > *room && *seq > run.through {
                return (run, true);
            }
            *room = room.saturating_sub(size);
            run.through = *seq;
            run.statements.push(signed.clone());
        }
        run.through = origin.through;
        (run, false)
    }

    /// Returns the highest number heard of an origin.
    pub(crate) fn highest(&self, source: Source) -> Seq {
        self.origins.get(&source).map(|origin| origin.highest).unwrap_or_default()
    }

    /// Returns the nodes that say they have seen something after `latest`.
    pub(crate) fn nodes_ahead_of(&self, latest: UnixMillis) -> BTreeSet<NodeId> {
        let tallies = self.entries.values().flat_map(Entry::tallies);
        tallies.filter(|(_, tally)| tally.last_seen > latest).map(|(node, _)| node).collect()
    }

    /// Returns whether two nodes were seen to use this identity.
    pub(crate) fn is_cloned(&self, node: NodeId) -> bool {
        self.sources(node).any(|(_, origin)| origin.cloned)
    }

    fn sources(&self, node: NodeId) -> impl Iterator<Item = (&Source, &Origin)> {
        self.origins.range((node, Epoch(0))..=(node, Epoch(u64::MAX)))
    }

    /// Returns every node that ever said anything.
    pub(crate) fn nodes(&self) -> BTreeSet<NodeId> {
        self.origins.keys().map(|(node, _)| *node).collect()
    }

    /// Returns what a node last said about itself, under its latest epoch.
    pub(crate) fn presence(&self, node: NodeId) -> Option<&Presence> {
        let (_, signed) = self.presences.range((node, Epoch(0))..=(node, Epoch(u64::MAX))).next_back()?;
        match &signed.statement.body {
            Body::Presence(presence) => Some(presence),
            Body::Tally { .. } | Body::Filing { .. } | Body::Mute { .. } | Body::Fix { .. } => None,
        }
    }

    /// Returns what nodes call themselves. Those without a name are left out.
    pub(crate) fn names(&self) -> BTreeMap<NodeId, &str> {
        let presences = self.presences.iter().filter_map(|((node, _), signed)| match &signed.statement.body {
            Body::Presence(presence) => Some((*node, presence.name.as_str())),
            Body::Tally { .. } | Body::Filing { .. } | Body::Mute { .. } | Body::Fix { .. } => None,
        });
        let mut names: BTreeMap<NodeId, &str> = presences.collect();
        names.retain(|_, name| !name.is_empty());
        names
    }

    /// Returns the nodes that say, under their latest epoch, that they can file.
    pub(crate) fn filers(&self) -> impl Iterator<Item = NodeId> {
        let mut presences = self.presences.iter().peekable();
        let latest = std::iter::from_fn(move || {
            loop {
                let ((node, _), signed) = presences.next()?;
                if presences.peek().is_none_or(|((next, _), _)| next != node) {
                    return Some((*node, signed));
                }
            }
        });
        latest.filter_map(|(node, signed)| match &signed.statement.body {
            Body::Presence(presence) => presence.can_file.then_some(node),
            Body::Tally { .. } | Body::Filing { .. } | Body::Mute { .. } | Body::Fix { .. } => None,
        })
    }

    /// Returns whether no more fingerprints are taken in.
    pub(crate) fn is_full(&self) -> bool {
        self.entries.len() >= FINGERPRINTS_MAX
    }

    /// Returns all that is known about a fingerprint.
    pub(crate) fn entry(&self, fingerprint: &Fingerprint) -> Option<&Entry> {
        self.entries.get(fingerprint)
    }

    /// Returns all fingerprints, in order.
    pub(crate) fn entries(&self) -> impl Iterator<Item = (&Fingerprint, &Entry)> {
        self.entries.iter()
    }

    /// Returns how many fingerprints there are.
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Forgets a fingerprint. Returns the keys of its statements.
    pub(crate) fn forget(&mut self, fingerprint: Fingerprint) -> Vec<(Source, Key)> {
        let Some(entry) = self.entries.remove(&fingerprint) else { return Vec::new() };
        let parts = [
            (entry.tallies, Key::Tally(fingerprint)),
            (entry.filings, Key::Filing(fingerprint)),
            (entry.mutes, Key::Mute(fingerprint)),
            (entry.fixes, Key::Fix(fingerprint)),
        ];
        let mut forgotten = Vec::new();
        for (statements, key) in parts {
            for (source, signed) in statements {
                if let Some(origin) = self.origins.get_mut(&source) {
                    origin.by_seq.remove(&(signed.statement.seq, key));
                }
                forgotten.push((source, key));
            }
        }
        self.statements -= forgotten.len();
        forgotten
    }

    /// Forgets origins that have nothing left to say but that they once were there, when room gets scarce. Returns the keys of their
    /// statements. While there is room they stay: peers look at different times, and would give back to each other what one of them forgot.
    pub(crate) fn forget_origins(&mut self, is_gone: impl Fn(NodeId) -> bool) -> Vec<(Source, Key)> {
        if self.origins.len() <= ORIGINS_MAX / 4 * 3 {
            return Vec::new();
        }
        let is_idle = |source: &Source, origin: &Origin| is_gone(source.0) && origin.by_seq.iter().all(|(_, key)| *key == Key::Presence);
        let gone: Vec<Source> = self.origins.iter().filter(|(source, origin)| is_idle(source, origin)).map(|(source, _)| *source).collect();
        for source in &gone {
            self.origins.remove(source);
            self.statements -= usize::from(self.presences.remove(source).is_some());
            self.summary = None;
        }
        gone.into_iter().map(|source| (source, Key::Presence)).collect()
    }
}

impl Entry {
    /// Returns what each origin says of its own count.
    pub(crate) fn tallies(&self) -> impl Iterator<Item = (NodeId, &Tally)> {
        self.tallies.iter().filter_map(|((node, _), signed)| match &signed.statement.body {
            Body::Tally { tally, .. } => Some((*node, tally)),
            Body::Filing { .. } | Body::Mute { .. } | Body::Presence(_) | Body::Fix { .. } => None,
        })
    }

    /// Returns the counts of several entries as one: of an error that is counted under several versions of the algorithm. It is for showing;
    /// nobody has signed it.
    pub(crate) fn sum(entries: &[&Entry]) -> Entry {
        let mut sum = Entry::default();
        for (source, signed) in entries.iter().flat_map(|entry| &entry.tallies) {
            let Body::Tally { tally, .. } = &signed.statement.body else { continue };
            let summed = sum.tallies.entry(*source).or_insert_with(|| signed.clone());
            if summed != signed
                && let Body::Tally { tally: total, .. } = &mut summed.statement.body
            {
                total.add(tally);
            }
        }
        sum
    }

    /// Returns whether a node has seen it itself.
    pub(crate) fn is_held_by(&self, node: NodeId) -> bool {
        let mut tallies = self.tallies.range((node, Epoch(0))..=(node, Epoch(u64::MAX)));
        tallies.any(|(_, signed)| matches!(&signed.statement.body, Body::Tally { tally, .. } if tally.count > 0))
    }

    /// Returns what an origin last said of its own count.
    pub(crate) fn tally_of(&self, source: Source) -> Option<&Tally> {
        match &self.tallies.get(&source)?.statement.body {
            Body::Tally { tally, .. } => Some(tally),
            Body::Filing { .. } | Body::Mute { .. } | Body::Presence(_) | Body::Fix { .. } => None,
        }
    }

    /// Returns how far each node's filing got.
    pub(crate) fn notes(&self) -> impl Iterator<Item = (Source, &FilingNote)> {
        self.filings.iter().filter_map(|(source, signed)| match &signed.statement.body {
            Body::Filing { note, .. } => Some((*source, note)),
            Body::Tally { .. } | Body::Mute { .. } | Body::Presence(_) | Body::Fix { .. } => None,
        })
    }

    /// Returns occurrences across the mesh.
    pub(crate) fn occurrences(&self) -> u64 {
        self.tallies().fold(0, |sum, (_, tally)| sum.saturating_add(tally.count))
    }

    /// Returns occurrences by node, with when each saw it first and last.
    pub(crate) fn nodes(&self) -> BTreeMap<NodeId, NodeTally> {
        let mut nodes = BTreeMap::<NodeId, NodeTally>::new();
        for (node, tally) in self.tallies() {
            let seen = NodeTally { count: tally.count, first_seen: tally.first_seen, last_seen: tally.last_seen };
            nodes.entry(node).and_modify(|sum| sum.add(seen)).or_insert(seen);
        }
        nodes
    }

    /// Returns occurrences by release; reports that named none are left out.
    pub(crate) fn releases(&self) -> BTreeMap<String, u64> {
        let mut releases = BTreeMap::<String, u64>::new();
        for (release, count) in self.tallies().flat_map(|(_, tally)| &tally.releases) {
            let sum = releases.entry(release.clone()).or_default();
            *sum = sum.saturating_add(*count);
        }
        releases
    }

    /// Returns what it looks like: the head of the lowest node that has seen it.
    pub(crate) fn head(&self) -> Option<&Head> {
        self.tallies().next().map(|(_, tally)| &tally.head)
    }

    /// Returns the worst severity that any node gave it.
    pub(crate) fn severity(&self) -> Option<Severity> {
        self.tallies().map(|(_, tally)| tally.head.severity).max()
    }

    /// Returns when any node saw it first, and when any saw it last.
    pub(crate) fn seen(&self) -> Option<(UnixMillis, UnixMillis)> {
        let first = self.tallies().map(|(_, tally)| tally.first_seen).min()?;
        let last = self.tallies().map(|(_, tally)| tally.last_seen).max()?;
        Some((first, last))
    }

    /// Returns when any node saw it last, by clocks that are not ahead of `latest`; what says otherwise is left out.
    pub(crate) fn last_seen_by(&self, latest: UnixMillis) -> Option<UnixMillis> {
        self.tallies().map(|(_, tally)| tally.last_seen).filter(|seen| *seen <= latest).max()
    }

    /// Returns its issue: the lowest number that any node has filed and that is not given up, as the node describes it that looked at it last.
    pub(crate) fn issue(&self) -> Option<&IssueRef> {
        self.filed().map(|filed| &filed.issue)
    }

    /// Returns the latest word on its issue.
    pub(crate) fn filed(&self) -> Option<&Filed> {
        let floor = self.floor();
        let kept = self.words().filter(|filed| filed.issue.number >= floor);
        kept.min_by_key(|filed| (filed.issue.number, Reverse(filed.at)))
    }

    /// Returns whether a person has approved of a fix, by the latest word on its issue.
    pub(crate) fn is_approved(&self) -> bool {
        self.filed().is_some_and(|filed| filed.approved)
    }

    /// Returns how many occurrences its issue names.
    pub(crate) fn announced(&self) -> u64 {
        self.highest(|filed| filed.occurrences)
    }

    /// Returns how many occurrences there were when they were last told in a comment, or when the issue was created.
    pub(crate) fn told(&self) -> u64 {
        self.highest(|filed| filed.told)
    }

    fn highest(&self, number: impl Fn(&Filed) -> u64) -> u64 {
        let Some(issue) = self.issue().map(|issue| issue.number) else { return 0 };
        self.words().filter(|filed| filed.issue.number == issue).map(number).max().unwrap_or(0)
    }

    /// Returns the occurrences that ask for an issue: all while there was none, those since it was closed or deleted, and none while one is
    /// open or silenced.
    pub(crate) fn unfiled(&self) -> u64 {
        let gone = || self.latest_word().filter(|latest| matches!(latest.standing, Standing::Gone { .. }));
        match self.filed().or_else(gone).map(|filed| &filed.standing) {
            Some(Standing::Closed(baseline)) => self.beyond(baseline),
            Some(Standing::Open | Standing::Quiet | Standing::Regressed | Standing::Silenced) => 0,
            Some(Standing::Gone { occurrences }) => self.occurrences().saturating_sub(*occurrences),
            None => self.occurrences(),
        }
    }

    /// Returns occurrences beyond what had been counted, by builds that may have the fix: those of releases seen since, and of no release.
    pub(crate) fn beyond(&self, baseline: &Baseline) -> u64 {
        let releases = self.named_releases();
        let new = releases.iter().filter(|(release, _)| !baseline.releases.contains(&release_hash(release)));
        let named = new.fold(0, |sum: u64, (_, count)| sum.saturating_add(*count));
        self.unnamed(&releases).saturating_sub(baseline.unnamed).saturating_add(named)
    }

    /// Returns occurrences by release, without those that share a name for want of room.
    fn named_releases(&self) -> BTreeMap<String, u64> {
        let mut releases = self.releases();
        releases.remove(OTHER_RELEASES);
        releases
    }

    fn unnamed(&self, releases: &BTreeMap<String, u64>) -> u64 {
        let named = releases.values().fold(0, |sum: u64, count| sum.saturating_add(*count));
        self.occurrences().saturating_sub(named)
    }

    /// Returns what has been counted by now, for an issue that was closed at `at`.
    pub(crate) fn baseline(&self, at: UnixMillis) -> Baseline {
        let releases = self.named_releases();
        let unnamed = self.unnamed(&releases);
        Baseline {
            at,
            counted: self.occurrences(),
            unnamed,
            releases: releases.keys().rev().take(BASELINE_RELEASES_MAX).map(|name| release_hash(name)).collect(),
        }
    }

    fn words(&self) -> impl Iterator<Item = &Filed> {
        self.filed_notes().map(|(_, filed)| filed)
    }

    /// Returns what each origin says of the issue that it knows of.
    pub(crate) fn filed_notes(&self) -> impl Iterator<Item = (Source, &Filed)> {
        self.notes().filter_map(|(by, note)| Some((by, note.issue.as_ref()?)))
    }

    /// Returns the number below which its issues are given up.
    pub(crate) fn floor(&self) -> IssueNumber {
        self.latest_word().map_or(IssueNumber(0), |latest| latest.floor)
    }

    /// Of two words of one time the one that gives up less holds, so that no word can be the last for ever.
    fn latest_word(&self) -> Option<&Filed> {
        self.words().max_by_key(|filed| (filed.at, Reverse(filed.floor)))
    }

    /// Returns how far one origin says its filing got.
    pub(crate) fn note_of(&self, source: Source) -> Option<&FilingNote> {
        self.notes().find_map(|(by, note)| (by == source).then_some(note))
    }

    /// Returns a time for a new word on its issue that holds against all there are, whatever clocks these were written by.
    pub(crate) fn next_filed_at(&self, wall: UnixMillis) -> UnixMillis {
        self.words().map(|filed| UnixMillis(filed.at.0.saturating_add(1))).max().map_or(wall, |next| next.max(wall))
    }

    /// Returns a time for a new word of an operator that holds against all there are, whatever clocks these were written by.
    pub(crate) fn next_mute_at(&self, wall: UnixMillis) -> UnixMillis {
        self.operators_words().map(|mute| UnixMillis(mute.at.0.saturating_add(1))).max().map_or(wall, |next| next.max(wall))
    }

    fn operators_words(&self) -> impl Iterator<Item = &Mute> {
        self.mutes.values().filter_map(|signed| match &signed.statement.body {
            Body::Mute { mute, .. } => Some(mute),
            Body::Tally { .. } | Body::Filing { .. } | Body::Presence(_) | Body::Fix { .. } => None,
        })
    }

    /// Returns the operators' latest word, if it silences the fingerprint at `wall`.
    pub(crate) fn muted(&self, wall: UnixMillis) -> Option<&Mute> {
        self.operators_words().max_by_key(|mute| (mute.at, Reverse(mute.until))).filter(|mute| mute.until > wall)
    }
}

/// A release in few bytes, whatever its name.
pub(crate) fn release_hash(release: &str) -> u64 {
    let hash: [u8; 32] = Sha256::digest(release).into();
    u64::from_be_bytes([hash[0], hash[1], hash[2], hash[3], hash[4], hash[5], hash[6], hash[7]])
}

/// How often one node has seen a fingerprint, over its epochs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct NodeTally {
    /// Occurrences.
    pub(crate) count: u64,
    /// When it saw it first.
    pub(crate) first_seen: UnixMillis,
    /// When it saw it last.
    pub(crate) last_seen: UnixMillis,
}

impl NodeTally {
    fn add(&mut self, other: NodeTally) {
        self.count = self.count.saturating_add(other.count);
        self.first_seen = self.first_seen.min(other.first_seen);
        self.last_seen = self.last_seen.max(other.last_seen);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::statement::tests::{statement, tally};

    /// Of two statements that differ only in what they say, the signatures differ as well.
    fn any_signed() -> impl Strategy<Value = Signed> {
        (1..4u8, 1..3u64, 1..12u64, 0..3u8, 1..50u8)
            .prop_map(|(origin, epoch, seq, fingerprint, count)| statement(origin, epoch, seq, tally(fingerprint, count.into()), count))
    }

    fn contents(statements: &[Signed]) -> Vec<Signed> {
        let mut ledger = Ledger::default();
        for signed in statements {
            ledger.merge(signed.clone(), false);
        }
        ledger.entries.values().flat_map(|entry| entry.tallies.values().cloned()).collect()
    }

    proptest! {
        #[test]
        fn the_order_and_number_of_arrivals_does_not_matter(statements in prop::collection::vec(any_signed(), 0..30), cut in 0..30usize) {
            let expected = contents(&statements);
            let mut reversed = statements.clone();
            reversed.reverse();
            prop_assert_eq!(&contents(&reversed), &expected);
            let cut = cut.min(statements.len());
            let rotated: Vec<_> = statements[cut..].iter().chain(&statements[..cut]).chain(&statements).cloned().collect();
            prop_assert_eq!(&contents(&rotated), &expected);
        }

        #[test]
        fn merging_two_ledgers_is_merging_their_statements(left in prop::collection::vec(any_signed(), 0..20), right in prop::collection::vec(any_signed(), 0..20)) {
            let merged: Vec<_> = contents(&left).into_iter().chain(contents(&right)).collect();
            let all: Vec<_> = left.into_iter().chain(right).collect();
            prop_assert_eq!(contents(&merged), contents(&all));
        }

        #[test]
        fn pages_bring_a_stranger_everything(statements in prop::collection::vec(any_signed(), 0..40), room in 500..3000usize) {
            let mut full = Ledger::default();
            for signed in &statements {
                let source = (signed.statement.origin, signed.statement.epoch);
                full.merge(signed.clone(), false);
                full.hear(source, Seq(0), Seq(12));
            }
            let mut stranger = Ledger::default();
            for _ in 0..100 {
                let (runs, more) = full.page(&stranger.digest(), room);
                for run in runs {
                    for signed in run.statements {
                        stranger.merge(signed, false);
                    }
                    stranger.hear((run.origin, run.epoch), run.after, run.through);
                }
                if !more {
                    break;
                }
            }
            prop_assert_eq!(stranger.digest(), full.digest());
            for (fingerprint, entry) in full.entries() {
                prop_assert_eq!(stranger.entry(fingerprint).map(Entry::occurrences), Some(entry.occurrences()));
            }
        }
    }

    #[test]
    fn a_count_is_the_sum_over_origins_and_epochs() {
        let mut ledger = Ledger::default();
        for (origin, epoch, count) in [(1, 1, 2), (1, 2, 3), (2, 1, 10)] {
            ledger.merge(statement(origin, epoch, 1, tally(0, count), 0), false);
        }
        let (_, entry) = ledger.entries().next().unwrap();
        assert_eq!(entry.occurrences(), 15);
        assert_eq!(entry.nodes().values().map(|node| node.count).collect::<Vec<_>>(), [5, 10]);
    }

    #[test]
    fn a_peer_with_a_gap_hands_on_what_it_heard_before_the_gap() {
        let source = (NodeId::from_key([1; 32]), Epoch(1));
        let mut peer = Ledger::default();
        for (seq, fingerprint) in [(1, 0), (2, 1), (4, 1)] {
            peer.merge(statement(1, 1, seq, tally(fingerprint, seq), 0), false);
        }
        peer.hear(source, Seq(0), Seq(2));
        let mut stranger = Ledger::default();
        for run in peer.page(&stranger.digest(), 10_000).0 {
            for signed in run.statements {
                stranger.merge(signed, false);
            }
            stranger.hear(source, run.after, run.through);
        }
        assert_eq!(stranger.digest(), peer.digest(), "number 2 was replaced by 4, which lies above the gap");
    }

    #[test]
    fn a_gap_stays_a_gap_until_it_is_filled() {
        let mut ledger = Ledger::default();
        let source = (NodeId::from_key([1; 32]), Epoch(1));
        ledger.merge(statement(1, 1, 6, tally(0, 1), 0), false);
        assert_eq!(ledger.hear(source, Seq(0), Seq(3)), Some(Seq(3)));
        assert_eq!(ledger.hear(source, Seq(5), Seq(6)), None);
        assert_eq!(ledger.hear(source, Seq(2), Seq(6)), Some(Seq(6)));
    }

    #[test]
    fn nothing_counts_as_heard_that_no_signed_statement_shows() {
        let mut ledger = Ledger::default();
        let stranger = (NodeId::from_key([9; 32]), Epoch(1));
        assert_eq!(ledger.hear(stranger, Seq(0), Seq(u64::MAX)), None);
        assert_eq!(ledger.digest(), Digest::default());
        ledger.merge(statement(1, 1, 6, tally(0, 1), 0), false);
        assert_eq!(ledger.hear((NodeId::from_key([1; 32]), Epoch(1)), Seq(0), Seq(u64::MAX)), Some(Seq(6)));
    }

    /// A key apart from those of `tally`, whose last bytes are all the same.
    fn numbered(n: usize) -> Fingerprint {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&(n as u64).to_be_bytes());
        bytes[31] = 1;
        Fingerprint::from_bytes(bytes)
    }

    #[test]
    fn one_origin_fills_no_more_than_its_share_and_what_it_said_before_still_counts() {
        let mut ledger = Ledger::default();
        ledger.merge(statement(1, 1, 1, tally(1, 3), 0), false);
        let source = (NodeId::from_key([1; 32]), Epoch(1));
        let filled = (1..ORIGIN_STATEMENTS_MAX).map(|n| (Seq(n as u64 + 1), Key::Tally(numbered(n))));
        ledger.origins.get_mut(&source).unwrap().by_seq.extend(filled);
        let next = ORIGIN_STATEMENTS_MAX as u64 + 1;
        assert_eq!(ledger.merge(statement(1, 1, next, tally(2, 1), 0), false), Merged::Dropped(DropReason::OriginFull));
        assert_eq!(ledger.merge(statement(1, 1, next, tally(1, 4), 0), false), Merged::News { first: false, cloned: false });
        assert_eq!(ledger.merge(statement(2, 1, 1, tally(2, 1), 0), false), Merged::News { first: true, cloned: false });
        assert_eq!(ledger.merge(statement(1, 1, next + 1, tally(3, 1), 0), true), Merged::News { first: true, cloned: false }, "its own");
    }

    #[test]
    fn peers_fill_no_more_than_their_share_and_the_nodes_own_errors_still_find_room() {
        let mut ledger = Ledger::default();
        ledger.merge(statement(1, 1, 1, tally(1, 3), 0), false);
        ledger.entries.extend((1..PEER_FINGERPRINTS_MAX).map(|n| (numbered(n), Entry::default())));
        assert_eq!(ledger.merge(statement(1, 1, 2, tally(2, 1), 0), false), Merged::Dropped(DropReason::LedgerFull));
        assert_eq!(ledger.merge(statement(2, 1, 1, tally(1, 1), 0), false), Merged::News { first: false, cloned: false }, "known already");
        assert_eq!(ledger.merge(statement(3, 1, 1, tally(2, 1), 0), true), Merged::News { first: true, cloned: false }, "its own");
        ledger.entries.extend((0..=FINGERPRINTS_MAX).map(|n| (numbered(n), Entry::default())));
        assert_eq!(ledger.merge(statement(3, 1, 2, tally(4, 1), 0), true), Merged::Dropped(DropReason::LedgerFull));
    }

    #[test]
    fn a_flood_under_one_number_stays_small() {
        let mut ledger = Ledger::default();
        for n in 0..100 {
            ledger.merge(statement(1, 1, 5, tally(n, 1), n), false);
        }
        assert_eq!(ledger.len(), SAME_NUMBER_MAX);
        assert!(ledger.is_cloned(NodeId::from_key([1; 32])));
    }

    #[test]
    fn origins_with_nothing_left_to_say_are_forgotten_once_they_are_gone_and_room_is_scarce() {
        let mut ledger = Ledger::default();
        let presence =
            || Body::Presence(Presence { can_file: true, can_fix: false, version: "1".to_owned(), name: String::new(), algorithm: 1 });
        for epoch in 0..=ORIGINS_MAX as u64 / 4 * 3 {
            assert_eq!(ledger.forget_origins(|_| true), []);
            ledger.merge(statement(1, epoch, 1, presence(), 0), false);
        }
        ledger.merge(statement(2, 1, 2, tally(0, 1), 0), false);
        assert_eq!(ledger.forget_origins(|_| true).len(), ORIGINS_MAX / 4 * 3 + 1);
        assert_eq!(ledger.nodes().into_iter().collect::<Vec<_>>(), [NodeId::from_key([2; 32])]);
    }

    #[test]
    fn two_statements_with_one_number_betray_a_cloned_identity() {
        let mut ledger = Ledger::default();
        ledger.merge(statement(1, 1, 5, tally(0, 2), 0), false);
        assert_eq!(ledger.merge(statement(1, 1, 5, tally(0, 3), 1), false), Merged::News { first: false, cloned: true });
        assert!(ledger.is_cloned(NodeId::from_key([1; 32])));
        assert_eq!(ledger.merge(statement(2, 1, 5, tally(0, 3), 1), false), Merged::News { first: false, cloned: false });
        assert!(!ledger.is_cloned(NodeId::from_key([2; 32])));
    }
}
