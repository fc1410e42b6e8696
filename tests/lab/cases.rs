//! What can break between a node and the forge, one case each, as a way to report an error while it breaks.
//!
//! Each case reports a critical error on every node and returns its fingerprint once the harm is done; what has to hold afterwards is the same for
//! all and stands in `mod.rs`.

use std::time::Duration;

use super::Scene;
use crate::harness::{wait_for, wait_within};
use crate::proxy::{Answer, Fault};

/// Reports an error of this type while something breaks, and returns its fingerprint.
pub(crate) type Inflict = fn(&mut Scene, &str) -> String;

/// A row of the table of faults.
pub(crate) struct Case {
    /// What breaks.
    pub(crate) name: &'static str,
    pub(crate) inflict: Inflict,
    /// Issues created when all is well. Two where the forge itself was asked twice.
    pub(crate) creations: usize,
    /// Whether it takes minutes: a create that may have worked is looked for that long, and so long lasts a lease that nobody gives back.
    pub(crate) is_slow: bool,
}

/// Every case.
pub(crate) const CASES: &[Case] = &[
    Case { name: "nothing", inflict: nothing, creations: 1, is_slow: false },
    Case { name: "reset before the effect", inflict: reset_before, creations: 1, is_slow: true },
    Case { name: "502 before the effect", inflict: bad_gateway_before, creations: 1, is_slow: true },
    Case { name: "reset after the effect", inflict: reset_after, creations: 1, is_slow: false },
    Case { name: "closed after the effect", inflict: closed_after, creations: 1, is_slow: false },
    Case { name: "502 after the effect", inflict: bad_gateway_after, creations: 1, is_slow: false },
    Case { name: "stalled after the effect", inflict: stalled_after, creations: 1, is_slow: false },
    Case { name: "answer cut", inflict: cut_after, creations: 1, is_slow: false },
    Case { name: "201 with garbage", inflict: garbage_created, creations: 1, is_slow: false },
    Case { name: "200 with a list", inflict: garbage_list, creations: 1, is_slow: false },
    Case { name: "answer 5 s late", inflict: slow_answer, creations: 1, is_slow: false },
    Case { name: "closed after, lists lag 8 s", inflict: closed_after_with_stale_lists, creations: 1, is_slow: false },
    Case { name: "403 with Retry-After", inflict: retry_after, creations: 1, is_slow: false },
    Case { name: "403 secondary limit", inflict: secondary_limit, creations: 1, is_slow: false },
    Case { name: "401 for a while", inflict: token_refused_for_a_while, creations: 1, is_slow: false },
    Case { name: "forge down for a while", inflict: forge_down_for_a_while, creations: 1, is_slow: false },
    Case { name: "leader killed before the answer", inflict: leader_killed_before_the_answer, creations: 1, is_slow: true },
    Case { name: "leader killed, effect late", inflict: leader_killed_and_the_effect_late, creations: 1, is_slow: true },
    Case { name: "leader killed, effect never", inflict: leader_killed_and_the_effect_never, creations: 1, is_slow: true },
    Case { name: "leader stopped before the answer", inflict: leader_stopped_before_the_answer, creations: 1, is_slow: true },
    Case { name: "leader stopped while it looks", inflict: leader_stopped_while_it_looks, creations: 1, is_slow: true },
    Case { name: "all killed before the answer", inflict: all_killed_before_the_answer, creations: 1, is_slow: true },
    Case { name: "lease's answer lost", inflict: lease_answer_lost, creations: 1, is_slow: false },
    Case { name: "lease's 502 before the effect", inflict: lease_bad_gateway_before, creations: 1, is_slow: false },
    Case { name: "lease's commit lost", inflict: lease_commit_lost, creations: 1, is_slow: false },
    Case { name: "leader stopped while it takes the lease", inflict: leader_stopped_while_it_takes_the_lease, creations: 1, is_slow: true },
    Case { name: "create doubled on its way", inflict: doubled, creations: 2, is_slow: false },
];

const CREATE: (&str, &str) = ("POST", "/issues");
const LIST: (&str, &str) = ("GET", "/issues");

/// What makes or moves the ref that is the lease.
const LEASE: (&str, &str) = ("*", "/git/refs*");

fn strike_create(scene: &Scene, error: &str, fault: Fault) -> String {
    scene.proxy.strike(1, CREATE.0, CREATE.1, fault);
    scene.report_critical(error)
}

pub(crate) fn nothing(scene: &mut Scene, error: &str) -> String {
    scene.report_critical(error)
}

pub(crate) fn reset_before(scene: &mut Scene, error: &str) -> String {
    strike_create(scene, error, Fault::ResetBefore)
}

pub(crate) fn bad_gateway_before(scene: &mut Scene, error: &str) -> String {
    strike_create(scene, error, Fault::Refuse(Answer::json(502, "{}")))
}

pub(crate) fn reset_after(scene: &mut Scene, error: &str) -> String {
    strike_create(scene, error, Fault::ResetAfter)
}

pub(crate) fn closed_after(scene: &mut Scene, error: &str) -> String {
    strike_create(scene, error, Fault::CloseAfter)
}

pub(crate) fn bad_gateway_after(scene: &mut Scene, error: &str) -> String {
    strike_create(scene, error, Fault::StatusAfter(502))
}

pub(crate) fn stalled_after(scene: &mut Scene, error: &str) -> String {
    strike_create(scene, error, Fault::StallAfter(Duration::from_secs(4)))
}

pub(crate) fn cut_after(scene: &mut Scene, error: &str) -> String {
    strike_create(scene, error, Fault::CutAfter)
}

pub(crate) fn garbage_created(scene: &mut Scene, error: &str) -> String {
    strike_create(scene, error, Fault::GarbageAfter(Answer::json(201, "{\"number\":")))
}

/// What a client sees that follows a redirect of a create.
pub(crate) fn garbage_list(scene: &mut Scene, error: &str) -> String {
    strike_create(scene, error, Fault::GarbageAfter(Answer::json(200, "[]")))
}

pub(crate) fn slow_answer(scene: &mut Scene, error: &str) -> String {
    strike_create(scene, error, Fault::SlowAfter(Duration::from_secs(5)))
}

pub(crate) fn closed_after_with_stale_lists(scene: &mut Scene, error: &str) -> String {
    scene.proxy.lag_lists(Duration::from_secs(8));
    strike_create(scene, error, Fault::CloseAfter)
}

pub(crate) fn retry_after(scene: &mut Scene, error: &str) -> String {
    let limit = Answer::json(403, r#"{"message":"You have exceeded a secondary rate limit."}"#).with("retry-after", "5");
    strike_create(scene, error, Fault::Refuse(limit))
}

pub(crate) fn secondary_limit(scene: &mut Scene, error: &str) -> String {
    let limit =
        Answer::json(403, r#"{"message":"You have exceeded a secondary rate limit. Please wait a few minutes before you try again."}"#);
    strike_create(scene, error, Fault::Refuse(limit))
}

pub(crate) fn token_refused_for_a_while(scene: &mut Scene, error: &str) -> String {
    scene.proxy.strike_all("*", "*", Fault::Refuse(Answer::json(401, r#"{"message":"Bad credentials"}"#)));
    let fingerprint = scene.report_critical(error);
    await_state(scene, "401");
    scene.proxy.relent();
    fingerprint
}

pub(crate) fn forge_down_for_a_while(scene: &mut Scene, error: &str) -> String {
    scene.proxy.go_down();
    let fingerprint = scene.report_critical(error);
    await_state(scene, "could not be reached");
    scene.proxy.come_up();
    fingerprint
}

/// Waits until some node says this of the forge.
fn await_state(scene: &Scene, words: &str) {
    wait_for("a node's word that the forge fails", || {
        let said = |status: serde_json::Value| status["forge"]["state"].as_str().is_some_and(|state| state.contains(words));
        scene.nodes.iter().any(|node| node.get("/v1/status").is_some_and(said)).then_some(())
    });
}

pub(crate) fn doubled(scene: &mut Scene, error: &str) -> String {
    strike_create(scene, error, Fault::Doubled)
}

pub(crate) fn lease_answer_lost(scene: &mut Scene, error: &str) -> String {
    scene.proxy.strike(1, LEASE.0, LEASE.1, Fault::ResetAfter);
    scene.report_critical(error)
}

pub(crate) fn lease_bad_gateway_before(scene: &mut Scene, error: &str) -> String {
    scene.proxy.strike(1, LEASE.0, LEASE.1, Fault::Refuse(Answer::json(502, "{}")));
    scene.report_critical(error)
}

pub(crate) fn lease_commit_lost(scene: &mut Scene, error: &str) -> String {
    scene.proxy.strike(1, "POST", "/git/commits", Fault::CloseAfter);
    scene.report_critical(error)
}

pub(crate) fn leader_killed_before_the_answer(scene: &mut Scene, error: &str) -> String {
    let gate = scene.proxy.hold_after(CREATE.0, CREATE.1);
    let fingerprint = scene.report_critical(error);
    let leader = scene.position(&gate.wait());
    scene.kill(leader);
    gate.release();
    fingerprint
}

/// The request outlives its sender, and does its work only when the successor has looked already.
pub(crate) fn leader_killed_and_the_effect_late(scene: &mut Scene, error: &str) -> String {
    let gate = scene.proxy.hold_before(CREATE.0, CREATE.1);
    let fingerprint = scene.report_critical(error);
    let leader = gate.wait();
    scene.kill(scene.position(&leader));
    let seen = scene.proxy.exchanges().len();
    wait_within(super::FILING_PATIENCE, "the successor's look", || {
        let is_look =
            |exchange: &crate::proxy::Exchange| exchange.node != leader && exchange.path == LIST.1 && exchange.status == Some(200);
        scene.proxy.exchanges()[seen..].iter().any(is_look).then_some(())
    });
    gate.release();
    fingerprint
}

pub(crate) fn leader_killed_and_the_effect_never(scene: &mut Scene, error: &str) -> String {
    let gate = scene.proxy.hold_before(CREATE.0, CREATE.1);
    let fingerprint = scene.report_critical(error);
    let leader = scene.position(&gate.wait());
    scene.kill(leader);
    gate.discard();
    fingerprint
}

/// The successor adopts while the leader stands still; then the leader gets its answer after all.
pub(crate) fn leader_stopped_before_the_answer(scene: &mut Scene, error: &str) -> String {
    let gate = scene.proxy.hold_after(CREATE.0, CREATE.1);
    stop_at(scene, error, &gate)
}

/// What the leader has read says that there is no issue. When it goes on, that is long untrue.
pub(crate) fn leader_stopped_while_it_looks(scene: &mut Scene, error: &str) -> String {
    let gate = scene.proxy.hold_after(LIST.0, LIST.1);
    stop_at(scene, error, &gate)
}

pub(crate) fn leader_stopped_while_it_takes_the_lease(scene: &mut Scene, error: &str) -> String {
    let gate = scene.proxy.hold_after(LEASE.0, LEASE.1);
    stop_at(scene, error, &gate)
}

fn stop_at(scene: &mut Scene, error: &str, gate: &crate::proxy::Gate) -> String {
    let fingerprint = scene.report_critical(error);
    let leader = scene.position(&gate.wait());
    scene.stop(leader);
    scene.await_issue(&fingerprint);
    gate.release();
    scene.resume(leader);
    fingerprint
}

pub(crate) fn all_killed_before_the_answer(scene: &mut Scene, error: &str) -> String {
    let gate = scene.proxy.hold_after(CREATE.0, CREATE.1);
    let fingerprint = scene.report_critical(error);
    gate.wait();
    (0..scene.nodes.len()).for_each(|position| scene.kill(position));
    gate.release();
    scene.mend();
    fingerprint
}
