//! One issue for both sides of a mesh that is cut in two: real nodes, each in a network of its own.
//!
//! Needs root and network namespaces, and says so when it is skipped. More cuts, over and over: `cargo bench --bench faults -- partition`.
#![allow(clippy::unwrap_used, reason = "what goes wrong here has to fail the test")]

#[path = "github/emulator.rs"]
mod emulator;
mod harness;
mod lab;
mod proxy;

use lab::netns::Cut;
use lab::{QUICK, Scene};

#[test]
fn both_sides_of_a_cut_see_enough_and_one_issue_is_created() {
    let Some(mut scene) = Scene::start_on_bridge(3, QUICK, "") else { return };
    let outcome = scene.run_cut(Cut::At(1), true);
    assert_eq!((outcome.creations, outcome.open), (1, 1), "issues created, and open in the end");
    assert_eq!(scene.proxy.offences(), Vec::<String>::new());
}
