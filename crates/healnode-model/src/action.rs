//! The steps that are possible in a state, and what each does.
//!
//! Time passes only when nothing is under way but what is late, so a late thing is one fault, however late it is.

use std::time::Duration;

use healnode_core::{ForgeCall, Millis};

use crate::State;
use crate::forge::{ANSWER_WAIT, Stage};
use crate::state::Passage;

/// One step. Nodes are numbered from 0, by rising id.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Action {
    /// An application reports the error at this node.
    Report(usize),
    /// A run arrives: to whom, from whom, up to which number.
    Deliver(Passage),
    /// It arrives, and will once more.
    Double(Passage),
    /// It gets lost.
    Lose(Passage),
    /// It takes its time.
    Delay(Passage),
    /// This node's call takes effect.
    Act(usize),
    /// It does, on a list that lacks the newest issue.
    ActOnStaleList(usize),
    /// Its answer arrives.
    Answer(usize),
    /// The call, or the answer, gets lost, and the node notices at once.
    LoseCall(usize),
    /// The call, or the answer, takes its time.
    DelayCall(usize),
    /// A create takes effect that nobody waits for any more: the one with this place in the line.
    ActLate(usize),
    /// A node dies and its peers notice.
    Kill(usize),
    /// A node dies in silence, and what it said last is lost.
    PowerOff(usize),
    /// A dead node starts again.
    Restart(usize),
    /// The first node is cut off from the others.
    CutOff,
    /// It is connected again.
    Mend,
    /// Time passes, to the next moment at which something happens by itself.
    Wait,
}

impl State {
    /// Adds every step that is possible.
    pub(crate) fn actions(&self, actions: &mut Vec<Action>) {
        if self.bounds.prompt && self.actions_on_prompt(actions) {
            return;
        }
        for passage in self.runs.keys() {
            self.actions_on_run(*passage, actions);
        }
        for place in self.places() {
            self.actions_on_member(place, actions);
        }
        actions.extend((0..self.forge.orphans.len()).map(Action::ActLate));
        if self.cut {
            actions.push(Action::Mend);
        } else if self.left.cuts > 0 {
            actions.push(Action::CutOff);
        }
        if self.next_moment().is_some_and(|at| at <= Millis(0) + self.bounds.horizon) && self.is_at_rest() {
            actions.push(Action::Wait);
        }
    }

    /// Adds the steps on the first thing that arrives before anything else does. Returns whether there is one.
    fn actions_on_prompt(&self, actions: &mut Vec<Action>) -> bool {
        if let Some((passage, _)) = self.runs.iter().find(|(_, flight)| !flight.late) {
            self.actions_on_run(*passage, actions);
            return true;
        }
        let is_prompt = |place: &usize| {
            let head = self.members[*place].calls.front();
            head.is_some_and(|call| !call.late && matches!(call.stage, Stage::Acted(..)))
        };
        if let Some(place) = self.places().find(is_prompt) {
            self.actions_on_member(place, actions);
            return true;
        }
        false
    }

    fn actions_on_run(&self, passage: Passage, actions: &mut Vec<Action>) {
        let Some(flight) = self.runs.get(&passage) else { return };
        actions.push(Action::Deliver(passage));
        let possible = [
            (self.left.doubled_runs > 0, Action::Double(passage)),
            (self.left.lost_runs > 0, Action::Lose(passage)),
            (self.left.late_runs > 0 && !flight.late, Action::Delay(passage)),
        ];
        actions.extend(possible.into_iter().filter(|(is_possible, _)| *is_possible).map(|(_, action)| action));
    }

    fn actions_on_member(&self, place: usize, actions: &mut Vec<Action>) {
        let member = &self.members[place];
        if member.node.is_none() {
            actions.push(Action::Restart(place));
            return;
        }
        if !member.reported {
            actions.push(Action::Report(place));
        }
        if self.left.crashes > 0 {
            actions.extend([Action::Kill(place), Action::PowerOff(place)]);
        }
        let Some(call) = member.calls.front() else { return };
        let is_look = matches!(*call.call, ForgeCall::Look { .. } | ForgeCall::Survey);
        let can_be_lost = match call.stage {
            Stage::Sent(..) => {
                actions.push(Action::Act(place));
                if is_look && self.left.stale_lists > 0 && self.forge.can_lag(self.time(), &member.edge) {
                    actions.push(Action::ActOnStaleList(place));
                }
                true
            }
            Stage::Acted(..) => {
                actions.push(Action::Answer(place));
                !is_look
            }
            Stage::Waiting => false,
        };
        if can_be_lost && self.left.lost_calls > 0 {
            actions.push(Action::LoseCall(place));
        }
        if self.left.late_calls > 0 && !call.late {
            actions.push(Action::DelayCall(place));
        }
    }

    /// Returns whether nothing will happen before time passes.
    fn is_at_rest(&self) -> bool {
        let all_reported = self.members.iter().all(|member| member.reported || member.node.is_none());
        let calls_wait = self.members.iter().filter_map(|member| member.calls.front()).all(|call| call.late);
        all_reported && calls_wait && self.runs.values().all(|flight| flight.late)
    }

    /// Returns when something happens by itself: a node wakes, gives up a call, or a create can have no effect any more.
    pub(crate) fn next_moment(&self) -> Option<Millis> {
        let wakes = self.members.iter().filter_map(|member| member.wake_at);
        let given_up = self.places().filter_map(|place| self.given_up_at(place));
        let orphans = self.forge.orphans.iter().map(|orphan| orphan.until + Duration::from_millis(1));
        wakes.chain(given_up).chain(orphans).min().map(|at| at.max(self.now))
    }

    fn given_up_at(&self, place: usize) -> Option<Millis> {
        match self.members[place].calls.front()?.stage {
            Stage::Sent(at, _) | Stage::Acted(at, _) => Some(at + ANSWER_WAIT),
            Stage::Waiting => None,
        }
    }

    /// Returns the state after a step.
    pub(crate) fn after(&self, action: Action) -> State {
        let mut state = self.clone();
        state.take(action);
        state.seal();
        state
    }

    fn take(&mut self, action: Action) {
        match action {
            Action::Report(place) => self.report(place),
            Action::Deliver(passage) => self.deliver(passage),
            Action::Double(passage) => {
                self.left.doubled_runs -= 1;
                if let Some(flight) = self.runs.get_mut(&passage) {
                    flight.copies += 1;
                }
                self.deliver(passage);
            }
            Action::Lose(passage) => {
                self.left.lost_runs -= 1;
                self.runs.remove(&passage);
            }
            Action::Delay(passage) => {
                self.left.late_runs -= 1;
                if let Some(flight) = self.runs.get_mut(&passage) {
                    flight.late = true;
                }
            }
            Action::Act(place) => self.act(place, false),
            Action::ActOnStaleList(place) => {
                self.left.stale_lists -= 1;
                self.act(place, true);
            }
            Action::Answer(place) => self.answer(place, true),
            Action::LoseCall(place) => {
                self.left.lost_calls -= 1;
                self.answer(place, false);
            }
            Action::DelayCall(place) => {
                self.left.late_calls -= 1;
                if let Some(call) = self.members[place].calls.front_mut() {
                    call.late = true;
                }
            }
            Action::ActLate(orphan) => self.act_late(orphan),
            Action::Kill(place) => self.die(place, false),
            Action::PowerOff(place) => self.die(place, true),
            Action::Restart(place) => self.start(place),
            Action::CutOff => {
                self.left.cuts -= 1;
                self.cut_off();
            }
            Action::Mend => self.mend(),
            Action::Wait => self.wait(),
        }
    }

    fn die(&mut self, place: usize, silently: bool) {
        self.left.crashes -= 1;
        self.kill(place, silently);
    }

    /// Lets time pass to the next moment. Timers are never late, and come before whatever else arrives at that moment.
    pub(crate) fn wait(&mut self) {
        let Some(at) = self.next_moment() else { return };
        self.now = at;
        self.forge.orphans.retain(|orphan| orphan.until >= at);
        for place in self.places() {
            if self.given_up_at(place).is_some_and(|given_up| given_up <= at) {
                self.time_out(place);
            }
        }
        self.tick();
    }
}
