//! What must be on disk before what leaves.

use std::collections::BTreeSet;
use std::time::Duration;

use healnode_core::{Command, Effect, Epoch, FixDepth, ForgeCall, Input, Marker, NodeId, Record, RollbackPolicy, Seq, Signed};
use proptest::prelude::*;

use crate::mesh::{Manner, Mesh};

#[derive(Clone, Debug)]
enum Act {
    Report { place: usize, error: usize, critical: bool },
    Deploy(usize),
    Restart(usize),
    CutOff(usize),
    Heal(usize),
    Manner(usize),
    Run(u64),
}

fn any_act() -> impl Strategy<Value = Act> {
    prop_oneof![
        4 => (0..3usize, 0..4usize, any::<bool>()).prop_map(|(place, error, critical)| Act::Report { place, error, critical }),
        1 => (0..3usize).prop_map(Act::Deploy),
        1 => (0..3usize).prop_map(Act::Restart),
        1 => (0..3usize).prop_map(Act::CutOff),
        1 => (0..3usize).prop_map(Act::Heal),
        1 => (0..4usize).prop_map(Act::Manner),
        3 => (1..70u64).prop_map(Act::Run),
    ]
}

fn act(mesh: &mut Mesh, act: Act) {
    match act {
        Act::Report { place, error, critical } => {
            let error_type = ["AError", "BError", "CError", "DError"][error];
            if critical {
                mesh.report_critical(place, error_type)
            } else {
                mesh.report(place, error_type)
            };
        }
        Act::Deploy(place) => mesh.give(place, Input::Operator(Command::Deploy { app: String::new(), release: "2".to_owned() })),
        Act::Restart(place) => mesh.restart(place),
        Act::CutOff(place) => mesh.cut_off(place),
        Act::Heal(place) => mesh.heal(place),
        Act::Manner(manner) => {
            mesh.forge.manner = [Manner::Answers, Manner::Holds, Manner::LosesAnswers, Manner::Denies][manner];
            mesh.answer_held();
        }
        Act::Run(seconds) => mesh.run_for(seconds),
    }
}

/// Follows the effects of all nodes, in order.
#[derive(Default)]
struct Order {
    /// What is on some disk.
    statements: BTreeSet<(NodeId, Epoch, Seq)>,
    /// Of the input at hand: what an intent was stored for, and whether a count was.
    intents: BTreeSet<Marker>,
    input: usize,
    counted: bool,
    rollback_kept: bool,
    /// Whether a fix that goes on was stored.
    logged: bool,
}

impl Order {
    fn check(&mut self, input: usize, effect: &Effect) {
        if input != self.input {
            *self = Order { statements: std::mem::take(&mut self.statements), input, ..Order::default() };
        }
        match effect {
            Effect::Store(Record::Statement(signed)) => {
                self.statements.insert(number(signed));
            }
            Effect::Store(Record::Intent { intent, .. }) => self.intents.extend(intent.members.iter().map(|member| Marker::of(*member))),
            Effect::Store(Record::Counter { .. }) => self.counted = true,
            Effect::Store(Record::Deploy(deploy)) => self.rollback_kept = deploy.rollback.is_some(),
            Effect::Rollback { .. } => assert!(self.rollback_kept, "a rollback that a restart would not know of"),
            Effect::Publish(run) => {
                for signed in &run.statements {
                    assert!(self.statements.contains(&number(signed)), "published before it was stored");
                }
            }
            Effect::Forge { call: ForgeCall::Create(draft), .. } => {
                let markers = Marker::read_all(&draft.body);
                assert!(markers.iter().all(|marker| self.intents.contains(marker)), "a create without an intent on disk");
            }
            Effect::Store(Record::FixLog { log, .. }) => self.logged = log.running,
            Effect::Fix { job, .. } => assert!(self.logged || job.depth == FixDepth::Guidance, "a fix without a log on disk"),
            Effect::Acknowledge { .. } => assert!(self.counted, "acknowledged before it was counted"),
            Effect::Store(
                Record::Heard { .. }
                | Record::EventId { .. }
                | Record::Rate { .. }
                | Record::SeqReserved(_)
                | Record::Sample(_)
                | Record::IntentSettled { .. }
                | Record::ForgetStatement { .. }
                | Record::ForgetFingerprint(_),
            )
            | Effect::Ask { .. }
            | Effect::Answer { .. }
            | Effect::Forge { .. }
            | Effect::FetchSample { .. }
            | Effect::WakeAt { .. }
            | Effect::Note(_) => {}
        }
    }
}

fn number(signed: &Signed) -> (NodeId, Epoch, Seq) {
    (signed.statement.origin, signed.statement.epoch, signed.statement.seq)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn store_comes_before_publish_and_forge_in_every_input(acts in prop::collection::vec(any_act(), 1..40)) {
        let mut mesh = Mesh::of_menders(3);
        for place in 0..3 {
            mesh.members[place].policy.rollback = Some(RollbackPolicy { window: Duration::from_secs(1_800), min_occurrences: 1 });
            mesh.restart(place);
        }
        for one in acts {
            act(&mut mesh, one);
        }
        let mut order = Order::default();
        for (input, effect) in &mesh.log {
            order.check(*input, effect);
        }
    }
}
