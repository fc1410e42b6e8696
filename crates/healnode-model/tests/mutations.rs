//! What protects from a second create, taken away piece by piece: each time the check finds one.

use healnode_model::{Bounds, Defect, Faults, find_fault};

fn breaks(bounds: &Bounds, promise: &str) {
    let outcome = find_fault(bounds);
    assert!(outcome.broken.iter().any(|(name, _)| *name == promise), "{promise}: {outcome}");
}

fn split_without(defect: Defect) -> Bounds {
    Bounds { split: true, prompt: true, defect: Some(defect), ..Bounds::new(2) }
}

#[test]
fn with_a_lease_for_everybody_both_sides_of_a_split_create() {
    breaks(&split_without(Defect::LeaseForAll), "never two creates");
}

#[test]
fn without_a_look_the_next_holder_creates_again() {
    breaks(&split_without(Defect::BlindLook), "never two creates");
}

#[test]
fn a_lease_used_to_the_last_moment_lets_a_create_take_effect_after_it() {
    let faults = Faults { lost_calls: 1, late_calls: 1, ..Faults::default() };
    breaks(&Bounds { faults, ..split_without(Defect::LeaseToTheLastMoment) }, "no create takes effect without the lease");
}

#[test]
fn given_back_without_a_word_on_a_late_create_the_lease_leads_the_next_holder_to_another() {
    let faults = Faults { late_calls: 1, stale_lists: 1, ..Faults::default() };
    breaks(&Bounds { faults, ..split_without(Defect::CarelessRelease) }, "never two creates");
}

#[test]
fn without_its_intent_a_restarted_node_creates_again() {
    let faults = Faults { crashes: 1, ..Faults::default() };
    let bounds = Bounds { faults, leased: false, prompt: true, defect: Some(Defect::ForgottenIntent), ..Bounds::new(1) };
    breaks(&Bounds { bundle_interval: std::time::Duration::from_secs(30), ..bounds }, "never two creates");
}
