//! The lease on GitHub: one holder at a time, whatever is lost, refused or run out.
//!
//! Rivals meet at the emulator; what goes wrong on the way is scripted by `fault_server`.

#[path = "../../../tests/github/emulator.rs"]
mod emulator;
mod fault_server;

use std::time::Duration;

use emulator::Emulator;
use fault_server::{BOT, Fault, FaultServer, unpaced};
use healnode_core::{
    ForgeCall, ForgeReply, FoundIssue, IssueDraft, IssueNumber, LEASE_SECONDS, Lease, LeaseNonce, LeaseRecord, Marker, Refusal, RefusalKind,
};
use healnode_forge::{Credential, Forge, GitHub, GitHubConfig, LeaseKind, Timeouts};
use serde_json::{Value, json};

const POST_ISSUE: &str = "POST /repos/acme/shop/issues";
const POST_REF: &str = "POST /repos/acme/shop/git/refs";
const MOVE_REF: &str = "PATCH /repos/acme/shop/git/refs/healnode/lease";
const POST_LABEL: &str = "POST /repos/acme/shop/labels";
const SENTINEL: &str = "healnode-lease";

/// For faults that would otherwise take half a minute to show.
const IMPATIENT: Timeouts = Timeouts {
    connect: Duration::from_secs(5),
    read: Duration::from_millis(300),
    write: Duration::from_secs(5),
    whole: Duration::from_secs(1),
    create: Duration::from_secs(1),
};

/// After these the request was carried out, and nobody was told.
const LOST_ANSWERS: [Fault; 6] =
    [Fault::ResetAfter, Fault::CloseAfter, Fault::StatusAfter(502), Fault::StallAfter, Fault::CutAfter, Fault::GarbageAfter];

#[tokio::test]
async fn one_node_at_a_time_holds_the_lease_and_another_gets_it_when_it_is_given_back() {
    for kind in [LeaseKind::Ref, LeaseKind::Label] {
        let server = FaultServer::start().await;
        make_old_sentinel_for(&server, kind);
        let [mut one, mut other] = [0; 2].map(|_| node(&server, kind));
        assert_eq!(doubt(acquire(&mut one).await), None, "{kind:?}");
        assert!((80..=95).contains(&held(acquire(&mut other).await)), "{kind:?}");
        release(&mut one, false).await;
        assert_eq!(doubt(acquire(&mut other).await), None, "{kind:?}");
        held(acquire(&mut one).await);
    }
}

#[tokio::test]
async fn of_many_rivals_at_the_emulator_one_wins_each_time() {
    for kind in [LeaseKind::Ref, LeaseKind::Label] {
        let Some(emulator) = Emulator::start() else { return };
        if kind == LeaseKind::Label {
            let sentinel = json!({ "name": SENTINEL, "description": "since 1: ..." });
            let path = format!("/repos/{}/labels", emulator.repo());
            assert_eq!(emulator.request("POST", &path, emulator.person_token(), Some(&sentinel)).0, 201);
        }
        let mut nodes: Vec<Forge> = (0..6).map(|_| node_at(&emulator, kind)).collect();
        for round in 0..25 {
            let mut rivals = tokio::task::JoinSet::new();
            for (at, mut node) in nodes.drain(..).enumerate() {
                rivals.spawn(async move {
                    // A different one is first each time.
                    for _ in 0..(at + round) % 6 {
                        tokio::task::yield_now().await;
                    }
                    (node.call(ForgeCall::Acquire).await, node)
                });
            }
            let mut winners = 0;
            for (reply, mut node) in rivals.join_all().await {
                if matches!(reply, ForgeReply::Leased(Lease { exclusive: true, doubt: None, .. })) {
                    winners += 1;
                    release(&mut node, false).await;
                } else {
                    held(reply);
                }
                nodes.push(node);
            }
            assert_eq!(winners, 1, "{kind:?} {round}");
        }
        emulator.check_requests();
    }
}

#[tokio::test]
async fn a_lease_that_is_held_costs_nothing_until_it_is_renewed_in_time() {
    for kind in [LeaseKind::Ref, LeaseKind::Label] {
        let server = FaultServer::start().await;
        make_old_sentinel_for(&server, kind);
        let mut node = node(&server, kind);
        doubt(acquire(&mut node).await);
        let taken = server.state().requests.len();
        doubt(acquire(&mut node).await);
        assert_eq!(server.state().requests.len(), taken, "{kind:?}");

        // As if this machine had been stopped, with both its clocks: an answer tells.
        server.state().ahead += 30;
        found(node.call(look(1)).await);
        let looked = server.state().requests.len();
        doubt(acquire(&mut node).await);
        assert_eq!(server.state().requests.len(), looked + if kind == LeaseKind::Ref { 3 } else { 2 }, "{kind:?}");

        // As if a person had set the wall clock back: the lease is read before it is renewed, for the time.
        pass(&server, 35).await;
        doubt(acquire(&mut node).await);
        pass(&server, 35).await;
        created(&mut node, 1).await;
        pass(&server, 20).await;
        assert_eq!(refused(node.call(ForgeCall::Create(draft(2))).await).kind, RefusalKind::Unleased);
        assert_eq!(server.count(POST_ISSUE), 1);
    }
}

#[tokio::test]
async fn nothing_is_created_without_a_lease() {
    let server = FaultServer::start().await;
    let mut node = node(&server, LeaseKind::Ref);
    let refusal = refused(node.call(ForgeCall::Create(draft(1))).await);
    assert_eq!(refusal.kind, RefusalKind::Unleased);
    assert!(refusal.message.contains("nothing was sent"), "{}", refusal.message);
    doubt(acquire(&mut node).await);
    release(&mut node, false).await;
    assert_eq!(refused(node.call(ForgeCall::Create(draft(1))).await).kind, RefusalKind::Unleased);
    assert_eq!(server.count(POST_ISSUE), 0);
}

#[tokio::test]
async fn a_lease_that_ran_out_is_taken_over_and_leaves_a_doubt() {
    for kind in [LeaseKind::Ref, LeaseKind::Label] {
        let server = FaultServer::start().await;
        make_old_sentinel_for(&server, kind);
        let [mut dead, mut successor] = [0; 2].map(|_| node(&server, kind));
        doubt(acquire(&mut dead).await);
        held(acquire(&mut successor).await);
        server.state().ahead += LEASE_SECONDS + 2;
        assert!(held(acquire(&mut successor).await) <= 4, "{kind:?}");
        server.state().ahead += 4;
        let doubt = doubt(acquire(&mut successor).await).expect("the dead node may have created something");
        assert!((5..=8).contains(&doubt.as_secs()), "{kind:?} {doubt:?}");

        // The dead one was only asleep: its clocks say so, or GitHub does when it tries to go on.
        pass(&server, 60).await;
        assert_eq!(refused(dead.call(ForgeCall::Create(draft(1))).await).kind, RefusalKind::Unleased, "{kind:?}");
        held(acquire(&mut dead).await);
        release(&mut dead, true).await;
        assert_eq!(server.count(POST_ISSUE), 0);
    }
}

#[tokio::test]
async fn an_unclear_create_is_a_doubt_for_whoever_comes_next_for_a_minute() {
    for kind in [LeaseKind::Ref, LeaseKind::Label] {
        let server = FaultServer::start().await;
        make_old_sentinel_for(&server, kind);
        let [mut one, mut other] = [0; 2].map(|_| node(&server, kind));
        doubt(acquire(&mut one).await);
        server.fail(POST_ISSUE, Fault::ResetAfter);
        assert!(matches!(one.call(ForgeCall::Create(draft(1))).await, ForgeReply::Unclear { .. }));
        release(&mut one, true).await;
        assert!(doubt(acquire(&mut other).await).is_some_and(|age| age.as_secs() <= 3), "{kind:?}");
        release(&mut other, false).await;
        server.state().ahead += 62;
        assert_eq!(doubt(acquire(&mut one).await), None, "{kind:?}");
    }
}

#[tokio::test]
async fn a_doubt_whose_giving_back_failed_is_not_forgotten() {
    for (kind, write) in [(LeaseKind::Ref, "POST /repos/acme/shop/git/commits"), (LeaseKind::Label, "PATCH /repos/acme/shop/labels")] {
        let server = FaultServer::start().await;
        make_old_sentinel_for(&server, kind);
        let mut first = node(&server, kind);
        doubt(acquire(&mut first).await);
        server.fail(write, Fault::Answer(500, Vec::new(), json!({})));
        assert_ne!(first.call(ForgeCall::Release { unclear: true }).await, ForgeReply::Done, "{kind:?}");
        assert_eq!(refused(first.call(ForgeCall::Create(draft(1))).await).kind, RefusalKind::Unleased);

        let mut renewed = node(&server, kind);
        renewed.inherit(first);
        assert!(doubt(acquire(&mut renewed).await).is_some(), "{kind:?}");
        release(&mut renewed, false).await;
        assert!(doubt(acquire(&mut node(&server, kind)).await).is_some(), "{kind:?}");
    }
}

#[tokio::test]
async fn a_create_that_was_given_up_half_way_is_a_doubt() {
    let server = FaultServer::start().await;
    let mut node = node(&server, LeaseKind::Ref);
    doubt(acquire(&mut node).await);
    server.fail(POST_ISSUE, Fault::StallAfter);
    let given_up = tokio::time::timeout(Duration::from_millis(300), node.call(ForgeCall::Create(draft(1)))).await;
    assert!(given_up.is_err());
    release(&mut node, false).await;
    assert!(doubt(acquire(&mut self::node(&server, LeaseKind::Ref)).await).is_some());
}

#[tokio::test]
async fn a_lost_answer_to_any_write_makes_no_second_holder() {
    let writes = [
        (LeaseKind::Ref, "POST /repos/acme/shop/git/trees"),
        (LeaseKind::Ref, "POST /repos/acme/shop/git/commits"),
        (LeaseKind::Ref, POST_REF),
        (LeaseKind::Ref, MOVE_REF),
        (LeaseKind::Label, POST_LABEL),
    ];
    for (kind, write) in writes {
        for fault in LOST_ANSWERS.into_iter().chain([Fault::ResetBefore]) {
            let server = FaultServer::start().await;
            make_old_sentinel_for(&server, kind);
            let [mut one, mut other] = [0; 2].map(|_| fault_server::forge_at(server.url(), IMPATIENT, kind));
            if write == MOVE_REF {
                doubt(acquire(&mut other).await);
                release(&mut other, false).await;
            }
            server.fail(write, fault.clone());
            let before = server.count(write);
            let first = acquire(&mut one).await;
            if [POST_REF, MOVE_REF, POST_LABEL].contains(&write) && !matches!(fault, Fault::ResetBefore) {
                assert_eq!(server.count(write), before + 1, "{write} {fault:?}");
            }
            // A write that decides nothing may cost another attempt.
            let reply = if matches!(first, ForgeReply::Refused(_)) { acquire(&mut one).await } else { first };
            assert!(matches!(reply, ForgeReply::Leased(Lease { exclusive: true, doubt: None, .. })), "{write} {fault:?}");
            held(acquire(&mut other).await);
            created(&mut one, 1).await;
            release(&mut one, false).await;
            doubt(acquire(&mut other).await);
        }
    }
}

#[tokio::test]
async fn a_lease_that_cannot_be_read_after_a_lost_answer_is_unclear_and_found_again_later() {
    let cases = [(LeaseKind::Ref, POST_REF, "GET /repos/acme/shop/git"), (LeaseKind::Label, POST_LABEL, "GET /repos/acme/shop/labels?")];
    for (kind, write, read) in cases {
        let server = FaultServer::start().await;
        make_old_sentinel_for(&server, kind);
        let mut node = node(&server, kind);
        server.fail(write, Fault::ResetAfter);
        // The first read is the one before the write.
        let before = server.count(read);
        let acquired = acquire_while(&mut node, || {
            if server.count(read) > before {
                server.fail_always(read, Fault::StatusAfter(502));
            }
        });
        let reply = acquired.await;
        assert!(matches!(reply, ForgeReply::Unclear { .. } | ForgeReply::Refused(_)), "{kind:?} {reply:?}");
        assert_eq!(refused(node.call(ForgeCall::Create(draft(1))).await).kind, RefusalKind::Unleased);
        server.mend();
        assert_eq!(doubt(acquire(&mut node).await), None, "{kind:?}");
        created(&mut node, 1).await;
    }
}

#[tokio::test]
async fn a_token_that_may_not_write_contents_falls_back_to_labels_and_waits_until_no_ref_can_be_held() {
    let refusals = [
        Fault::Answer(403, Vec::new(), json!({ "message": "Resource not accessible by personal access token" })),
        Fault::Answer(404, Vec::new(), json!({ "message": "Not Found" })),
        Fault::Answer(409, Vec::new(), json!({ "message": "Git Repository is empty." })),
        Fault::Answer(422, Vec::new(), json!({ "message": "Repository rule violations found" })),
    ];
    for refusal in refusals {
        let server = FaultServer::start().await;
        let mut node = node(&server, LeaseKind::Ref);
        assert_eq!(node.describe().lease.kind, None);
        let what = if matches!(refusal, Fault::Answer(422, ..)) { POST_REF } else { "POST /repos/acme/shop/git" };
        server.fail_always(what, refusal.clone());
        assert_eq!(held(acquire(&mut node).await), LEASE_SECONDS + 15, "{refusal:?}");
        assert_eq!(server.state().label_names(), [SENTINEL]);
        assert!(held(acquire(&mut node).await) > LEASE_SECONDS);
        server.state().ahead += LEASE_SECONDS + 16;
        assert_eq!(doubt(acquire(&mut node).await), None, "{refusal:?}");
        assert_eq!(server.state().label_names(), [SENTINEL, "healnode-lease-1"]);
        let lease = node.describe().lease;
        assert_eq!(lease.kind, Some("label"));
        assert!(lease.why.starts_with("Labels let one node") && lease.why.ends_with('.'), "{}", lease.why);
        created(&mut node, 1).await;
    }
}

#[tokio::test]
async fn a_ref_that_github_makes_but_does_not_show_is_given_up_after_a_minute() {
    let server = FaultServer::start().await;
    let mut node = node(&server, LeaseKind::Ref);
    server.state().lease_ref = Some("f".repeat(40));
    server.fail_always("GET /repos/acme/shop/git/ref/", Fault::Answer(404, Vec::new(), json!({ "message": "Not Found" })));
    assert!(held(acquire(&mut node).await) < 10);
    pass(&server, 61).await;
    assert_eq!(held(acquire(&mut node).await), LEASE_SECONDS + 15);
}

#[tokio::test]
async fn labels_that_github_makes_but_does_not_show_are_given_up() {
    let server = FaultServer::start().await;
    let mut node = node(&server, LeaseKind::Label);
    server.fail_always("GET /repos/acme/shop/labels?", Fault::Answer(200, Vec::new(), json!([])));
    held(acquire(&mut node).await);
    held(acquire(&mut node).await);
    server.state().ahead += LEASE_SECONDS + 16;
    assert!(matches!(acquire(&mut node).await, ForgeReply::Leased(Lease { exclusive: false, doubt: None, .. })));

    let server = FaultServer::start().await;
    let mut node = self::node(&server, LeaseKind::Label);
    make_old_sentinel(&server);
    server.fail_always(POST_LABEL, Fault::Answer(422, Vec::new(), json!({ "message": "Validation Failed" })));
    held(acquire(&mut node).await);
    pass(&server, 61).await;
    assert!(matches!(acquire(&mut node).await, ForgeReply::Leased(Lease { exclusive: false, doubt: None, .. })));
}

#[tokio::test]
async fn a_ref_that_a_person_deleted_is_made_again() {
    let server = FaultServer::start().await;
    let mut node = node(&server, LeaseKind::Ref);
    doubt(acquire(&mut node).await);
    server.state().lease_ref = None;
    server.state().ahead += 30;
    found(node.call(look(1)).await);
    doubt(acquire(&mut node).await);
    assert_eq!(server.count(POST_REF), 2);
    assert_eq!(node.describe().lease.kind, Some("ref"));
}

#[tokio::test]
async fn a_doubt_goes_along_when_a_node_changes_from_the_ref_to_labels() {
    let server = FaultServer::start().await;
    let record = LeaseRecord { doubt: Some(server.state().now() - 20), ..free_record() };
    plant_record(&server, &record);
    let mut node = node(&server, LeaseKind::Ref);
    assert!(doubt(acquire(&mut node).await).is_some());
    make_old_sentinel(&server);
    server.state().ahead += 30;
    found(node.call(look(1)).await);
    let doubt = doubt(acquire(&mut node).await).expect("the doubt is a minute's");
    assert!((50..=55).contains(&doubt.as_secs()), "{doubt:?}");
    assert_eq!(node.describe().lease.kind, Some("label"));
}

#[tokio::test]
async fn the_holder_of_the_ref_gives_it_up_for_a_node_that_needs_labels() {
    let server = FaultServer::start().await;
    let [mut strong, mut weak] = [0; 2].map(|_| node(&server, LeaseKind::Ref));
    doubt(acquire(&mut strong).await);
    let refusal = Fault::Answer(403, Vec::new(), json!({ "message": "Resource not accessible by personal access token" }));
    server.fail("GET /repos/acme/shop/git", refusal);
    held(acquire(&mut weak).await);

    // The strong one may use what it has left, and finds out when it renews.
    created(&mut strong, 1).await;
    pass(&server, 30).await;
    held(acquire(&mut strong).await);
    assert_eq!(refused(strong.call(ForgeCall::Create(draft(2))).await).kind, RefusalKind::Unleased);
    server.state().ahead += LEASE_SECONDS;
    assert_eq!(doubt(acquire(&mut weak).await), None);
    held(acquire(&mut strong).await);
    release(&mut weak, false).await;
    doubt(acquire(&mut strong).await);
    assert!(strong.describe().lease.why.contains("healnode-lease"));

    // A node that starts later touches no ref at all.
    let before = server.count(POST_REF) + server.count(MOVE_REF);
    held(acquire(&mut node(&server, LeaseKind::Ref)).await);
    assert_eq!(server.count(POST_REF) + server.count(MOVE_REF), before);
}

#[tokio::test]
async fn a_token_without_any_right_to_write_files_without_a_lease_and_says_so() {
    let server = FaultServer::start().await;
    let mut node = node(&server, LeaseKind::Ref);
    let refusal = || Fault::Answer(403, Vec::new(), json!({ "message": "Resource not accessible by personal access token" }));
    server.fail_always("POST /repos/acme/shop/git", refusal());
    server.fail_always(POST_LABEL, refusal());
    assert!(matches!(acquire(&mut node).await, ForgeReply::Leased(Lease { exclusive: false, doubt: None, .. })));
    let before = server.state().requests.len();
    assert!(matches!(acquire(&mut node).await, ForgeReply::Leased(Lease { exclusive: false, doubt: None, .. })));
    assert_eq!(server.state().requests.len(), before);
    created(&mut node, 1).await;
    release(&mut node, true).await;
    assert_eq!(server.state().requests.len(), before + 1);
    let lease = node.describe().lease;
    assert!(lease.kind == Some("none") && lease.why.contains("labels") && lease.why.contains("grant"), "{lease:?}");
}

#[tokio::test]
async fn without_dates_in_the_answers_there_is_no_lease_and_the_reason_is_told() {
    let server = FaultServer::start().await;
    server.state().tells_no_date = true;
    let mut node = node(&server, LeaseKind::Ref);
    assert!(matches!(acquire(&mut node).await, ForgeReply::Leased(Lease { exclusive: false, doubt: None, .. })));
    assert!(node.describe().lease.why.contains("Date"), "{:?}", node.describe());
}

#[tokio::test]
async fn a_lease_that_nobody_wants_costs_no_request() {
    let server = FaultServer::start().await;
    let mut node = node(&server, LeaseKind::None);
    assert!(matches!(acquire(&mut node).await, ForgeReply::Leased(Lease { exclusive: false, doubt: None, .. })));
    release(&mut node, true).await;
    assert_eq!(server.state().requests.len(), 0);
    assert!(node.describe().lease.why.contains("forge.lease"));
}

#[tokio::test]
async fn a_refusal_that_concerns_the_whole_token_is_no_reason_for_a_lesser_lease() {
    let rows = [
        (401, Vec::new(), "Bad credentials", RefusalKind::Denied),
        (403, vec![("x-github-sso", "required; url=https://github.com".to_owned())], "Resource protected", RefusalKind::Denied),
        (403, Vec::new(), "Repository was archived so is read-only.", RefusalKind::Denied),
        (403, Vec::new(), "This installation has been suspended", RefusalKind::Denied),
        (403, Vec::new(), "the acme organization has an IP allow list enabled", RefusalKind::Denied),
        (403, vec![("retry-after", "7".to_owned())], "secondary rate limit", RefusalKind::Limited { retry_after: Duration::from_secs(7) }),
        (503, Vec::new(), "", RefusalKind::Unreachable),
    ];
    for (status, headers, message, expected) in rows {
        let server = FaultServer::start().await;
        let mut node = node(&server, LeaseKind::Ref);
        server.fail("POST /repos/acme/shop/git/trees", Fault::Answer(status, headers, json!({ "message": message })));
        assert_eq!(refused(acquire(&mut node).await).kind, expected, "{status} {message}");
        assert_eq!(server.state().label_names(), [""; 0]);
    }
}

#[tokio::test]
async fn a_list_that_is_behind_hides_no_issue_that_was_created_under_the_lease() {
    for kind in [LeaseKind::Ref, LeaseKind::Label] {
        let server = FaultServer::start().await;
        make_old_sentinel_for(&server, kind);
        let [mut one, mut other] = [0; 2].map(|_| node(&server, kind));
        doubt(acquire(&mut one).await);
        created(&mut one, 1).await;
        server.state().add(json!("t"), json!(draft(1).body), "mallory", json!({}));
        release(&mut one, false).await;

        server.fail_always("GET /repos/acme/shop/issues?", Fault::Answer(200, Vec::new(), json!([])));
        assert_eq!(found(other.call(look(1)).await), [0; 0], "{kind:?}: it cannot know yet");
        doubt(acquire(&mut other).await);
        assert_eq!(found(other.call(look(1)).await), [1], "{kind:?}");
        assert_eq!(found(one.call(look(1)).await), [1], "{kind:?}");
    }
}

#[tokio::test]
async fn an_issue_that_was_found_after_its_create_went_unanswered_is_named_to_the_next_holder() {
    let server = FaultServer::start().await;
    let [mut one, mut other] = [0; 2].map(|_| node(&server, LeaseKind::Ref));
    doubt(acquire(&mut one).await);
    server.state().add(json!("t"), json!(draft(1).body), BOT, json!({}));
    assert_eq!(found(one.call(look(1)).await), [1]);
    release(&mut one, false).await;
    assert_eq!(planted(&server).issues, [IssueNumber(1)]);

    server.fail_always("GET /repos/acme/shop/issues?", Fault::Answer(200, Vec::new(), json!([])));
    doubt(acquire(&mut other).await);
    assert_eq!(found(other.call(look(1)).await), [1]);
}

#[tokio::test]
async fn an_issue_of_the_record_that_is_gone_or_foreign_is_asked_for_once() {
    let server = FaultServer::start().await;
    server.state().add(json!("t"), json!(draft(1).body), "mallory", json!({}));
    plant_record(&server, &LeaseRecord { issues: vec![IssueNumber(1), IssueNumber(7)], ..free_record() });
    let mut node = node(&server, LeaseKind::Ref);
    doubt(acquire(&mut node).await);
    server.fail("GET /repos/acme/shop/issues/7", Fault::Answer(410, Vec::new(), json!({ "message": "This issue was deleted" })));
    for _ in 0..3 {
        assert_eq!(found(node.call(look(1)).await), [0; 0]);
    }
    assert_eq!(server.count("GET /repos/acme/shop/issues/1"), 1);
    assert_eq!(server.count("GET /repos/acme/shop/issues/7"), 1);
    // The foreign one is for nodes with another account; the deleted one is for nobody.
    release(&mut node, false).await;
    assert_eq!(planted(&server).issues, [IssueNumber(1)]);
}

#[tokio::test]
async fn an_issue_of_the_record_that_cannot_be_found_is_waited_for_a_minute() {
    let server = FaultServer::start().await;
    plant_record(&server, &LeaseRecord { issues: vec![IssueNumber(7)], ..free_record() });
    let mut node = node(&server, LeaseKind::Ref);
    doubt(acquire(&mut node).await);
    assert_eq!(refused(node.call(look(1)).await).kind, RefusalKind::Unreachable);
    pass(&server, 61).await;
    assert_eq!(found(node.call(look(1)).await), [0; 0]);
}

#[tokio::test]
async fn what_a_person_wrote_into_the_register_is_respected_for_as_long_as_a_lease_lasts() {
    let server = FaultServer::start().await;
    make_old_sentinel(&server);
    server.state().labels.push(("healnode-lease-4".to_owned(), "mine".to_owned()));
    let mut node = node(&server, LeaseKind::Label);
    assert!(held(acquire(&mut node).await) >= LEASE_SECONDS);
    server.state().ahead += LEASE_SECONDS + 6;
    assert!(doubt(acquire(&mut node).await).is_some());
    assert!(server.state().label_names().contains(&"healnode-lease-5"));
}

#[tokio::test]
async fn a_reader_of_an_old_list_of_labels_wins_nothing() {
    let server = FaultServer::start().await;
    make_old_sentinel(&server);
    let [mut one, mut other] = [0; 2].map(|_| node(&server, LeaseKind::Label));
    for _ in 0..12 {
        doubt(acquire(&mut one).await);
        release(&mut one, false).await;
    }
    assert_eq!(server.state().label_names().len(), 1 + 8, "{:?}", server.state().label_names());
    doubt(acquire(&mut one).await);
    let old = |generations: std::ops::RangeInclusive<u64>| -> Value {
        let line = free_record().to_line(100);
        let mut labels: Vec<Value> =
            generations.map(|generation| json!({ "name": format!("healnode-lease-{generation}"), "description": line })).collect();
        labels.push(json!({ "name": SENTINEL, "description": "since 1: ..." }));
        json!(labels)
    };
    // So far behind that the next number is free again: the second look shows who is ahead.
    server.fail("GET /repos/acme/shop/labels?", Fault::Answer(200, Vec::new(), old(1..=2)));
    held(acquire(&mut other).await);
    server.fail("GET /repos/acme/shop/labels?", Fault::Answer(200, Vec::new(), old(8..=9)));
    held(acquire(&mut other).await);
    created(&mut one, 1).await;
}

#[tokio::test]
async fn a_filed_issue_costs_as_many_requests_as_the_documentation_says() {
    // The first by ref with `GET /user`, and with making the ref; the others by label, until there are old ones to delete.
    let rows = [(LeaseKind::Ref, 1, [6, 3, 1, 2]), (LeaseKind::Ref, 2, [4, 2, 1, 2]), (LeaseKind::Label, 10, [3, 2, 1, 2])];
    for (kind, issues, expected) in rows {
        let server = FaultServer::start().await;
        make_old_sentinel_for(&server, kind);
        let mut node = node(&server, kind);
        let mut counts = [0; 4];
        for number in 1..=issues {
            let calls = [ForgeCall::Acquire, look(number), ForgeCall::Create(draft(number)), ForgeCall::Release { unclear: false }];
            for (at, call) in calls.into_iter().enumerate() {
                let before = server.state().requests.len();
                node.call(call).await;
                counts[at] = server.state().requests.len() - before;
            }
        }
        assert_eq!(counts, expected, "{kind:?} {issues}");
    }
    let server = FaultServer::start().await;
    let [mut one, mut other] = [0; 2].map(|_| node(&server, LeaseKind::Ref));
    for _ in 0..2 {
        for node in [&mut other, &mut one] {
            doubt(acquire(node).await);
            release(node, false).await;
        }
    }
    let before = server.state().requests.len();
    doubt(acquire(&mut other).await);
    assert_eq!(server.state().requests.len() - before, 5);
}

#[tokio::test]
async fn every_request_for_a_lease_is_as_github_describes_it() {
    let Some(emulator) = Emulator::start() else { return };
    let path = |route: &str| format!("/repos/{}{route}", emulator.repo());
    let [mut one, mut other] = [0; 2].map(|_| node_at(&emulator, LeaseKind::Ref));
    doubt(acquire(&mut one).await);
    held(acquire(&mut other).await);
    release(&mut one, false).await;
    doubt(acquire(&mut other).await);
    let (status, lease) = emulator.request("GET", &path("/git/ref/healnode/lease"), emulator.person_token(), None);
    assert_eq!(status, 200, "{lease}");
    let sha = lease["object"]["sha"].as_str().expect("a name");
    let (_, commit) = emulator.request("GET", &path(&format!("/git/commits/{sha}")), emulator.person_token(), None);
    assert!(commit["message"].as_str().expect("a text").contains("held by 12D3KooWnode"), "{commit}");

    let mut labels = node_at(&emulator, LeaseKind::Label);
    held(acquire(&mut labels).await);
    let sentinel = json!({ "description": "since 1: ..." });
    let (status, _) = emulator.request("PATCH", &path("/labels/healnode-lease"), emulator.person_token(), Some(&sentinel));
    assert_eq!(status, 200);
    for _ in 0..10 {
        doubt(acquire(&mut labels).await);
        release(&mut labels, true).await;
    }
    emulator.check_requests();
}

fn node(server: &FaultServer, lease: LeaseKind) -> Forge {
    fault_server::forge_at(server.url(), Timeouts::default(), lease)
}

fn node_at(emulator: &Emulator, lease: LeaseKind) -> Forge {
    let config = GitHubConfig {
        repo: emulator.repo().parse().expect("a repository"),
        api_url: emulator.url().to_owned(),
        credential: Credential::Token(emulator.token().parse().expect("a token")),
        node_id: "12D3KooWnode".to_owned(),
        labels: vec!["auto-generated".to_owned()],
        approval_label: String::new(),
        lease,
        pace: unpaced(),
        timeouts: Timeouts::default(),
    };
    Forge::GitHub(Box::new(GitHub::new(config).expect("a usable configuration")))
}

fn make_old_sentinel_for(server: &FaultServer, kind: LeaseKind) {
    if kind == LeaseKind::Label {
        make_old_sentinel(server);
    }
}

fn make_old_sentinel(server: &FaultServer) {
    server.state().labels.push((SENTINEL.to_owned(), "since 1: ...".to_owned()));
}

fn free_record() -> LeaseRecord {
    LeaseRecord { holder: LeaseNonce([9; 8]), held: false, until: 5, doubt: None, issues: Vec::new() }
}

fn plant_record(server: &FaultServer, record: &LeaseRecord) {
    let mut state = server.state();
    let sha = "f".repeat(40);
    let commit = json!({ "message": format!("text\n\n{}\n", record.to_line(1_000)), "tree": "e".repeat(40), "parents": [] });
    state.commits.insert(sha.clone(), commit);
    state.lease_ref = Some(sha);
}

fn planted(server: &FaultServer) -> LeaseRecord {
    let state = server.state();
    let commit = &state.commits[state.lease_ref.as_ref().expect("a ref")];
    commit["message"].as_str().expect("a text").lines().find_map(LeaseRecord::from_line).expect("a record")
}

/// Lets time pass, here and there.
async fn pass(server: &FaultServer, seconds: u64) {
    server.state().ahead += seconds;
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(seconds)).await;
    tokio::time::resume();
    // Connections that were idle for too long end here, and not under the next request.
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
}

async fn acquire(node: &mut Forge) -> ForgeReply {
    node.call(ForgeCall::Acquire).await
}

/// Does something again and again while a node takes the lease.
async fn acquire_while(node: &mut Forge, mut meanwhile: impl FnMut()) -> ForgeReply {
    let acquired = acquire(node);
    tokio::pin!(acquired);
    loop {
        tokio::select! {
            reply = &mut acquired => return reply,
            () = tokio::task::yield_now() => meanwhile(),
        }
    }
}

async fn release(node: &mut Forge, unclear: bool) {
    assert_eq!(node.call(ForgeCall::Release { unclear }).await, ForgeReply::Done);
}

async fn created(node: &mut Forge, number: u8) {
    let reply = node.call(ForgeCall::Create(draft(number))).await;
    assert!(matches!(reply, ForgeReply::Created(_)), "{reply:?}");
}

/// Returns the doubt of a lease that was taken.
fn doubt(reply: ForgeReply) -> Option<Duration> {
    let ForgeReply::Leased(Lease { exclusive: true, doubt, .. }) = reply else { panic!("{reply:?}") };
    doubt
}

/// Returns for how many seconds to stay away.
fn held(reply: ForgeReply) -> u64 {
    let ForgeReply::Held { retry_after } = reply else { panic!("{reply:?}") };
    retry_after.as_secs()
}

fn refused(reply: ForgeReply) -> Refusal {
    let ForgeReply::Refused(refusal) = reply else { panic!("{reply:?}") };
    refusal
}

fn found(reply: ForgeReply) -> Vec<u64> {
    let ForgeReply::Found(found) = reply else { panic!("{reply:?}") };
    found.iter().map(|found: &FoundIssue| found.issue.number.0).collect()
}

fn marker(number: u8) -> Marker {
    Marker::read_all(&format!("<!-- healnode-sig-{number:032x} v1 -->"))[0]
}

fn look(number: u8) -> ForgeCall {
    ForgeCall::Look { markers: vec![marker(number)] }
}

fn draft(number: u8) -> IssueDraft {
    IssueDraft { title: "T".to_owned(), body: marker(number).line(1, false), labels: Vec::new() }
}
