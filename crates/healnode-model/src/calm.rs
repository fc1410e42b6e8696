//! What comes of a state when nothing goes wrong any more.
//!
//! Dead nodes start, cuts are mended, everything arrives at once and in order. Then there has to be exactly one issue, every node has to know
//! it, and nobody may hold on to the lease or to an intent.

use crate::State;

/// How many bundles it may take: what was put off comes up at the next, waits for a lease to run out and looks for a minute; and once more,
/// should it be put off again.
const BUNDLES_MAX: u32 = 8;

/// Steps that it may take. There are some hundred.
const STEPS_MAX: usize = 10_000;

impl State {
    /// Returns whether all ends well from here on.
    pub(crate) fn ends_well(&self) -> bool {
        let mut state = self.clone();
        state.calm_down();
        let end = state.now + self.bounds.bundle_interval * BUNDLES_MAX;
        for _step in 0..STEPS_MAX {
            if state.hand_on() {
                continue;
            }
            if state.is_well() {
                return true;
            }
            if state.next_moment().is_none_or(|at| at > end) {
                return false;
            }
            state.wait();
        }
        false
    }

    fn calm_down(&mut self) {
        self.forge.orphans.clear();
        self.cut = false;
        for place in self.places() {
            if !self.is_alive(place) {
                self.start(place);
            }
        }
        self.reconnect_all();
        for place in self.places() {
            if !self.members[place].reported {
                self.report(place);
            }
        }
    }

    /// Moves on what is under way. Returns whether there was anything.
    fn hand_on(&mut self) -> bool {
        if let Some(passage) = self.runs.keys().next().copied() {
            self.deliver(passage);
            return true;
        }
        let Some(place) = self.places().find(|place| !self.members[*place].calls.is_empty()) else { return false };
        self.act(place, false);
        self.answer(place, true);
        true
    }

    fn is_well(&self) -> bool {
        let is_known = |place: usize| {
            let member = &self.members[place];
            let report = self.the_report(place);
            let error = |name| member.node.as_ref()?.get().error(self.time(), name);
            let issue = report.fingerprints().find_map(|(name, _)| error(name)?.issue);
            issue.is_some_and(|issue| self.forge.issues.iter().any(|open| open.issue.open && open.issue.number.0 == issue.number))
                && member.disk.get().intents.is_empty()
        };
        self.open_issues() == 1 && !self.forge.is_leased(self.time()) && self.places().all(is_known)
    }
}
