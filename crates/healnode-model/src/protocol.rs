//! The promises, and the check of them.
//!
//! Beside them stands what has to be possible, so that a check that looks at too little is noticed. What each step does is in `state.rs`.

use std::fmt;
use std::time::{Duration, Instant};

use stateright::{Checker, CheckerBuilder, HasDiscoveries, Model, Property};

use crate::{Action, Bounds, State};

/// All that can happen within some bounds, for `stateright`.
#[derive(Clone)]
pub struct Protocol {
    /// The bounds.
    pub bounds: Bounds,
}

impl Model for Protocol {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        vec![State::first(&self.bounds)]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        state.actions(actions);
    }

    fn next_state(&self, state: &State, action: Action) -> Option<State> {
        Some(state.after(action))
    }

    fn properties(&self) -> Vec<Property<Self>> {
        let Bounds { nodes, faults, leased, .. } = self.bounds;
        let mut properties = vec![
            Property::always("no create comes blindly after an unclear one", |_, state: &State| !state.seen.blind_create),
            Property::always("no create takes effect without the lease", |_, state: &State| !state.seen.unleased_create),
            Property::sometimes("an issue is created", |_, state: &State| !state.forge.issues.is_empty()),
        ];
        if leased || nodes == 1 {
            properties.extend([
                Property::always("never two creates", |_, state: &State| state.forge.issues.len() <= 1),
                Property::always("no create is sent beside another", |_, state: &State| !state.seen.create_beside_another),
            ]);
        }
        if self.bounds.defect.is_none() {
            properties.push(Property::always("one issue in the end", |_, state: &State| state.ends_well()));
        }
        if nodes > 1 {
            properties.push(Property::sometimes("an issue is found by a look", |_, state: &State| state.seen.adoption));
        }
        if faults.lost_calls > 0 {
            properties
                .push(Property::sometimes("a second create is sent after an unclear one", |_, state: &State| state.seen.second_create));
        }
        if faults.crashes > 0 && leased {
            properties.push(Property::sometimes("a lease is taken that was not given back", |_, state: &State| state.seen.takeover));
        }
        properties
    }
}

/// What came of a check.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// States that can be reached.
    pub states: usize,
    /// Steps to the farthest of them.
    pub depth: usize,
    /// How long it took.
    pub took: Duration,
    /// What turned out wrong, each with the steps that lead there.
    pub broken: Vec<(&'static str, Vec<Action>)>,
    /// What never happened, though it should be possible.
    pub missed: Vec<&'static str>,
}

/// Visits every state within the bounds, with so many threads.
pub fn check(bounds: &Bounds, threads: usize) -> Outcome {
    outcome(bounds, |builder| counts(builder.threads(threads).spawn_dfs().join()))
}

/// Visits states from the nearest to the farthest, until one is found that breaks a promise.
pub fn find_fault(bounds: &Bounds) -> Outcome {
    outcome(bounds, |builder| counts(builder.finish_when(HasDiscoveries::AnyFailures).spawn_bfs().join()))
}

fn outcome(bounds: &Bounds, run: impl FnOnce(CheckerBuilder<Protocol>) -> Counts) -> Outcome {
    let started = Instant::now();
    let protocol = Protocol { bounds: bounds.clone() };
    let properties = protocol.properties();
    let (states, depth, found) = run(protocol.checker());
    let is_broken = |name: &str| properties.iter().any(|property| property.name == name && property.expectation.discovery_is_failure());
    let is_missed = |property: &&Property<Protocol>| {
        !property.expectation.discovery_is_failure() && !found.iter().any(|(name, _)| *name == property.name)
    };
    let missed = properties.iter().filter(is_missed).map(|property| property.name).collect();
    let broken = found.iter().filter(|(name, _)| is_broken(name)).cloned().collect();
    Outcome { states, depth, took: started.elapsed(), broken, missed }
}

type Counts = (usize, usize, Vec<(&'static str, Vec<Action>)>);

fn counts(checker: impl Checker<Protocol>) -> Counts {
    let found = checker.discoveries().into_iter().map(|(name, path)| (name, path.into_actions())).collect();
    (checker.unique_state_count(), checker.max_depth(), found)
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = if self.broken.is_empty() { "good" } else { "BROKEN" };
        write!(f, "{:>9} states, {:>3} steps deep, {:>6.1} s: {verdict}", self.states, self.depth, self.took.as_secs_f64())?;
        for (name, steps) in &self.broken {
            write!(f, "\n  not so: {name}, after")?;
            for step in steps {
                write!(f, "\n    {step:?}")?;
            }
        }
        for name in &self.missed {
            write!(f, "\n  never seen: {name}")?;
        }
        Ok(())
    }
}
