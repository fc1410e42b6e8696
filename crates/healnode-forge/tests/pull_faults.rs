//! GitHub at its worst about pull requests: for each fault, what the forge answers, and how many were opened.
//!
//! The answers are scripted by `fault_server`, which also keeps to GitHub's rules where the emulator of `pulls.rs` does not.

mod fault_server;

use std::time::Duration;

use fault_server::pulls::{FIRST_PULL, ROOT};
use fault_server::{BOT, Fault, FaultServer};
use healnode_core::{
    BranchHead, FileChange, ForgeCall, ForgeReply, FoundPull, IssueDraft, IssueNumber, Publication, PullCall, PullDraft, PullReply,
    PullState, RefusalKind, UnixMillis,
};
use healnode_forge::{Forge, LeaseKind, Timeouts};
use serde_json::json;

const BRANCH: &str = "auto-fix/issue-7-valueerror";
const POST_PULL: &str = "POST /repos/acme/shop/pulls";
const POST_REF: &str = "POST /repos/acme/shop/git/refs";
const MOVE_REF: &str = "PATCH /repos/acme/shop/git/refs/heads/auto-fix/issue-7-valueerror";
const LIST_PULLS: &str = "GET /repos/acme/shop/pulls?head";

/// For faults that would otherwise take half a minute to show.
const IMPATIENT: Timeouts = Timeouts {
    connect: Duration::from_secs(5),
    read: Duration::from_millis(500),
    write: Duration::from_secs(5),
    whole: Duration::from_secs(2),
    create: Duration::from_secs(2),
};

/// What loses an answer after everything was done.
fn lost_answers() -> [Fault; 7] {
    [
        Fault::ResetAfter,
        Fault::CloseAfter,
        Fault::StatusAfter(502),
        Fault::StallAfter,
        Fault::CutAfter,
        Fault::GarbageAfter,
        Fault::EmptyAfter,
    ]
}

#[tokio::test]
async fn a_pull_request_whose_answer_was_lost_is_found_and_none_is_opened_twice() {
    for fault in lost_answers() {
        let server = FaultServer::start().await;
        server.fail(POST_PULL, fault.clone());
        let (pull, head) = opened(forge_for(&server, &fault).call(open(1)).await);
        assert_eq!((pull.number, pull.state), (IssueNumber(FIRST_PULL), PullState::Open), "{fault:?}");
        assert_eq!(tip(&server), head);
        assert_eq!((server.count(POST_PULL), pulls(&server)), (1, 1), "{fault:?}");
        assert_eq!(server.state().branches.pulls[0]["labels"][1]["name"], "needs-review");
    }
}

#[tokio::test]
async fn a_pull_request_that_cannot_be_found_after_a_lost_answer_is_unclear() {
    let answers = [
        Fault::ResetBefore,
        Fault::Answer(503, Vec::new(), json!({})),
        Fault::Answer(201, Vec::new(), json!({ "number": 0 })),
        Fault::Answer(200, Vec::new(), json!([])),
        Fault::Answer(422, Vec::new(), json!({ "message": "A pull request already exists for acme:x." })),
    ];
    for fault in answers {
        let server = FaultServer::start().await;
        server.fail(POST_PULL, fault.clone());
        let reply = forge(&server).call(open(1)).await;
        assert!(matches!(&reply, ForgeReply::Unclear { why } if why.ends_with('.')), "{fault:?} {reply:?}");
        assert_eq!((server.count(POST_PULL), pulls(&server)), (1, 0), "{fault:?}");
        // The branch is the intent: the next attempt goes on from it.
        let (pull, _) = opened(forge(&server).call(open(2)).await);
        assert_eq!((pull.number, server.count(POST_REF)), (IssueNumber(FIRST_PULL), 1), "{fault:?}");
    }
    let server = FaultServer::start().await;
    server.fail(POST_PULL, Fault::ResetAfter);
    for _ in 0..2 {
        server.fail(LIST_PULLS, Fault::Answer(200, Vec::new(), json!([])));
    }
    server.fail(LIST_PULLS, Fault::StatusAfter(502));
    assert!(matches!(forge(&server).call(open(1)).await, ForgeReply::Unclear { .. }));
    assert_eq!(opened(forge(&server).call(open(2)).await).0.number, IssueNumber(FIRST_PULL));
    assert_eq!(server.count(POST_PULL), 1);
}

#[tokio::test]
async fn a_branch_whose_answer_was_lost_is_found_and_gone_on_with() {
    for fault in lost_answers() {
        let server = FaultServer::start().await;
        server.fail(POST_REF, fault.clone());
        let (pull, head) = opened(forge_for(&server, &fault).call(open(1)).await);
        assert_eq!(tip(&server), head);
        assert_eq!((pull.number, server.count(POST_REF), server.count(POST_PULL)), (IssueNumber(FIRST_PULL), 1, 1), "{fault:?}");
    }
    let server = FaultServer::start().await;
    server.fail(POST_REF, Fault::ResetBefore);
    assert!(matches!(forge(&server).call(open(1)).await, ForgeReply::Unclear { why } if why.contains(BRANCH)));
    assert_eq!((heads(&server), server.count(POST_PULL)), (0, 0));
}

#[tokio::test]
async fn a_fresh_branch_that_is_not_shown_yet_is_waited_for() {
    let server = FaultServer::start().await;
    server.state().push(BRANCH, "Begin\n\nHealnode-Signature: 9\n");
    for _ in 0..2 {
        server.fail("GET /repos/acme/shop/git/ref/heads/auto-fix", Fault::Answer(404, Vec::new(), json!({ "message": "Not Found" })));
    }
    let (_, head) = opened(forge(&server).call(open(1)).await);
    assert_eq!(tip(&server), head);

    server.fail("GET /repos/acme/shop/git/ref/heads/auto-fix", Fault::Answer(404, Vec::new(), json!({ "message": "Not Found" })));
    assert_eq!(found(forge(&server).call(look()).await).1, Some(BranchHead { commit: head.clone(), ours: true }));
    server.fail("GET /repos/acme/shop/git/ref/heads/auto-fix", Fault::Answer(404, Vec::new(), json!({ "message": "Not Found" })));
    published(forge(&server).call(publish(&head, 1)).await);

    let server = FaultServer::start().await;
    let invalid = json!({ "message": "Validation Failed", "errors": [{ "resource": "PullRequest", "field": "head", "code": "invalid" }] });
    server.fail(POST_PULL, Fault::Answer(422, Vec::new(), invalid));
    assert_eq!(refusal(forge(&server).call(open(1)).await).0, RefusalKind::Unreachable);
    opened(forge(&server).call(open(1)).await);
}

#[tokio::test]
async fn rivals_without_a_lease_still_make_one_branch_and_one_pull_request() {
    let server = FaultServer::start().await;
    let mut nodes = tokio::task::JoinSet::new();
    for node in 1..=6 {
        let mut forge = forge(&server);
        nodes.spawn(async move { opened(forge.call(open(node)).await) });
    }
    let all = nodes.join_all().await;
    assert!(all.iter().all(|one| *one == all[0]), "{all:?}");
    assert_eq!((heads(&server), pulls(&server)), (1, 1));
}

#[tokio::test]
async fn rivals_that_publish_at_once_put_one_fix_on_the_branch() {
    let server = FaultServer::start().await;
    let (_, head) = opened(forge(&server).call(open(1)).await);
    let mut nodes = tokio::task::JoinSet::new();
    for node in 1..=6 {
        let (mut forge, head) = (forge(&server), head.clone());
        nodes.spawn(async move { forge.call(publish(&head, node)).await });
    }
    let replies = nodes.join_all().await;
    let published = replies.iter().filter(|reply| matches!(reply, ForgeReply::Pull(PullReply::Published { .. }))).count();
    let overtaken = replies.iter().filter(|reply| matches!(reply, ForgeReply::Refused(no) if no.kind == RefusalKind::Overtaken)).count();
    assert_eq!((published, overtaken), (1, 5), "{replies:?}");
    assert_eq!(server.count("PATCH /repos/acme/shop/pulls"), 1);
}

#[tokio::test]
async fn a_fix_whose_answer_was_lost_is_there_once() {
    for fault in lost_answers() {
        let server = FaultServer::start().await;
        let (_, head) = opened(forge(&server).call(open(1)).await);
        server.fail(MOVE_REF, fault.clone());
        let fixed = published(forge_for(&server, &fault).call(publish(&head, 1)).await);
        assert_eq!(tip(&server), fixed, "{fault:?}");
        assert_eq!(server.state().branches.pulls[0]["body"], "<!-- healnode:begin -->\nFixed by 1\n<!-- healnode:end -->");
        assert_eq!(server.count(MOVE_REF), 1, "{fault:?}");
    }
    let server = FaultServer::start().await;
    let (_, head) = opened(forge(&server).call(open(1)).await);
    server.fail(MOVE_REF, Fault::ResetBefore);
    assert!(matches!(forge(&server).call(publish(&head, 1)).await, ForgeReply::Unclear { .. }));
    let before = commits(&server);
    let fixed = published(forge(&server).call(publish(&head, 1)).await);
    // The same commit was made, and none beside it.
    assert_eq!((commits(&server), &tip(&server)), (before, &fixed));
    server.fail("PATCH /repos/acme/shop/pulls", Fault::ResetBefore);
    assert!(matches!(forge(&server).call(publish(&fixed, 2)).await, ForgeReply::Unclear { .. }));
    let further = published(forge(&server).call(publish(&fixed, 2)).await);
    assert_eq!((server.count(MOVE_REF), &tip(&server)), (3, &further));
    assert!(server.state().branches.pulls[0]["body"].as_str().unwrap().contains("Fixed by 2"));
}

#[tokio::test]
async fn what_a_person_pushed_meanwhile_stays() {
    let server = FaultServer::start().await;
    let (_, head) = opened(forge(&server).call(open(1)).await);
    let pushed = server.state().push(BRANCH, "Mend it by hand");
    let (kind, why) = refusal(forge(&server).call(publish(&head, 1)).await);
    assert!(kind == RefusalKind::Overtaken && why.contains("a person"), "{why}");
    assert_eq!(found(forge(&server).call(look()).await).1, Some(BranchHead { commit: pushed, ours: false }));
    assert_eq!((server.count("PATCH"), server.count("POST /repos/acme/shop/git/blobs")), (0, 0));

    server.state().branches.heads.remove(BRANCH);
    assert_eq!(refusal(forge(&server).call(publish(&head, 1)).await).0, RefusalKind::Overtaken);
    // One that comes between reading and moving.
    let server = FaultServer::start().await;
    let (_, head) = opened(forge(&server).call(open(1)).await);
    server.fail(MOVE_REF, Fault::Answer(422, Vec::new(), json!({ "message": "Update is not a fast forward" })));
    assert_eq!(refusal(forge(&server).call(publish(&head, 1)).await).0, RefusalKind::Invalid);
    published(forge(&server).call(publish(&head, 1)).await);
}

#[tokio::test]
async fn a_branch_of_people_is_left_alone() {
    let server = FaultServer::start().await;
    let theirs = server.state().push(BRANCH, "My own work\n\nnot Healnode-Signature: x\n");
    let (kind, why) = refusal(forge(&server).call(open(1)).await);
    assert!(kind == RefusalKind::Overtaken && why.contains(BRANCH) && why.ends_with('.'), "{why}");
    assert_eq!((server.count("POST"), server.count("PATCH"), &tip(&server)), (0, 0, &theirs));

    // Somebody else's pull request from healnode's branch.
    let server = FaultServer::start().await;
    server.state().push(BRANCH, "Begin\n\nHealnode-Signature: 1\n");
    server.state().add_pull(BRANCH, "alice", json!({}));
    assert_eq!(refusal(forge(&server).call(open(1)).await).0, RefusalKind::Overtaken);
    let (pulls, branch) = found(forge(&server).call(look()).await);
    assert!(!pulls[0].ours && branch.is_some_and(|head| head.ours));
    assert_eq!(found(forge(&server).call(ForgeCall::Pull(PullCall::Survey)).await).0, []);
    assert_eq!(refusal(forge(&server).call(publish(ROOT, 1)).await).0, RefusalKind::Invalid);
}

#[tokio::test]
async fn a_branch_that_a_person_deleted_after_closing_is_not_made_again() {
    let server = FaultServer::start().await;
    server.state().add_pull(BRANCH, BOT, json!({ "state": "closed" }));
    let (pull, _) = opened(forge(&server).call(open(1)).await);
    assert_eq!((pull.state, server.count("POST")), (PullState::Closed, 0));
}

#[tokio::test]
async fn a_branch_of_that_name_in_a_fork_is_another_one() {
    let server = FaultServer::start().await;
    let fork = json!({ "head": { "ref": BRANCH, "label": format!("acme:{BRANCH}"), "sha": ROOT, "repo": { "id": 2 } } });
    server.state().add_pull(BRANCH, BOT, fork);
    assert_eq!(opened(forge(&server).call(open(1)).await).0.number, IssueNumber(FIRST_PULL + 1));
}

#[tokio::test]
async fn a_repository_without_drafts_says_so() {
    let server = FaultServer::start().await;
    let body =
        json!({ "message": "Validation Failed", "errors": [{ "message": "Draft pull requests are not supported in this repository." }] });
    server.fail_always(POST_PULL, Fault::Answer(422, Vec::new(), body));
    assert_eq!(forge(&server).call(open(1)).await, ForgeReply::Pull(PullReply::NoDrafts));
    assert_eq!(forge(&server).call(open(2)).await, ForgeReply::Pull(PullReply::NoDrafts));
    assert_eq!((server.count(POST_PULL), server.count(POST_REF)), (2, 1));
}

#[tokio::test]
async fn a_right_that_is_missing_stops_nothing_else() {
    let forbidden = |message: &str| Fault::Answer(403, Vec::new(), json!({ "message": message }));
    let no_access = || forbidden("Resource not accessible by personal access token");
    let named = vec![("x-accepted-github-permissions", "pull_requests=write".to_owned())];
    let rows = [
        (POST_REF, no_access(), "Contents: read and write"),
        ("POST /repos/acme/shop/git/commits", no_access(), "Contents: read and write"),
        (POST_PULL, no_access(), "Pull requests: read and write"),
        (POST_PULL, Fault::Answer(404, Vec::new(), json!({ "message": "Not Found" })), "Pull requests: read and write"),
        (POST_PULL, Fault::Answer(403, named, json!({ "message": "Resource not accessible by integration" })), "pull_requests=write"),
        (LIST_PULLS, no_access(), "Pull requests: read and write"),
        (POST_PULL, forbidden("GitHub Actions is not permitted to create or approve pull requests."), "under Actions, General"),
        (
            POST_REF,
            Fault::Answer(422, Vec::new(), json!({ "message": "Repository rule violations found\n\nGH013" })),
            "A rule of acme/shop",
        ),
        (POST_REF, Fault::Answer(409, Vec::new(), json!({ "message": "Repository rule violations found" })), "A rule of acme/shop"),
        (POST_REF, Fault::Answer(422, Vec::new(), json!({ "message": "Reference update failed" })), "called auto-fix"),
        (POST_PULL, Fault::Answer(422, Vec::new(), json!({ "message": "No commits between main and x" })), "no commit of its own"),
    ];
    for (what, fault, sentence) in rows {
        let server = FaultServer::start().await;
        let mut forge = forge(&server);
        server.fail_always(what, fault);
        let (kind, why) = refusal(forge.call(open(1)).await);
        assert_eq!(kind, RefusalKind::Invalid, "{what} {why}");
        assert!(why.contains(sentence) && why.ends_with('.'), "{what} {why}");
        assert_eq!(pulls(&server), 0, "{what}");
        assert!(matches!(forge.call(ForgeCall::Create(issue())).await, ForgeReply::Created(_)), "{what}");
    }
    // What closes the whole repository does stop it.
    let server = FaultServer::start().await;
    server.fail_always(POST_REF, forbidden("Repository was archived so is read-only."));
    assert_eq!(refusal(forge(&server).call(open(1)).await).0, RefusalKind::Denied);
    server.mend();
    server.fail_always(POST_REF, Fault::Answer(401, Vec::new(), json!({ "message": "Bad credentials" })));
    assert_eq!(refusal(forge(&server).call(open(1)).await).0, RefusalKind::Denied);
}

#[tokio::test]
async fn a_fix_that_may_not_be_published_stops_nothing_else() {
    let rule = json!({ "message": "Repository rule violations found\n\nCommits must have verified signatures." });
    let rows = [
        ("POST /repos/acme/shop/git/blobs", Fault::Answer(403, Vec::new(), json!({ "message": "Resource not accessible" })), "Contents"),
        (MOVE_REF, Fault::Answer(403, Vec::new(), json!({ "message": "Resource not accessible" })), "Contents"),
        (MOVE_REF, Fault::Answer(422, Vec::new(), rule), "A rule of acme/shop"),
        (MOVE_REF, Fault::Answer(404, Vec::new(), json!({ "message": "Not Found" })), "Workflows"),
    ];
    for (what, fault, sentence) in rows {
        let server = FaultServer::start().await;
        let mut forge = forge(&server);
        let (_, head) = opened(forge.call(open(1)).await);
        server.fail_always(what, fault);
        let (kind, why) = refusal(forge.call(publish(&head, 1)).await);
        assert!(kind == RefusalKind::Invalid && why.contains(sentence) && why.ends_with('.'), "{what} {kind:?} {why}");
        assert_eq!(server.count("PATCH /repos/acme/shop/pulls"), 0, "{what}");
        assert!(matches!(forge.call(ForgeCall::Create(issue())).await, ForgeReply::Created(_)), "{what}");
    }
    // Its text is worth less than the fix.
    let server = FaultServer::start().await;
    let (_, head) = opened(forge(&server).call(open(1)).await);
    server.fail("PATCH /repos/acme/shop/pulls", Fault::Answer(403, Vec::new(), json!({ "message": "Resource not accessible" })));
    published(forge(&server).call(publish(&head, 1)).await);
    // A lost answer to what nobody sees yet changes nothing.
    server.fail("POST /repos/acme/shop/git/trees", Fault::ResetAfter);
    let head = tip(&server);
    assert_eq!(refusal(forge(&server).call(publish(&head, 2)).await).0, RefusalKind::Unreachable);
}

#[tokio::test]
async fn labels_are_never_the_reason_to_lose_a_pull_request() {
    for (what, fault) in [
        ("POST /repos/acme/shop/labels", Fault::Answer(403, Vec::new(), json!({ "message": "Resource not accessible" }))),
        ("POST /repos/acme/shop/issues/101/labels", Fault::StatusAfter(502)),
        ("POST /repos/acme/shop/issues/101/labels", Fault::Answer(403, vec![("retry-after", "9".to_owned())], json!({}))),
    ] {
        let server = FaultServer::start().await;
        server.fail_always(what, fault);
        assert_eq!(opened(forge(&server).call(open(1)).await).0.number, IssueNumber(FIRST_PULL), "{what}");
    }
}

#[tokio::test]
async fn without_a_lease_nothing_is_sent() {
    let server = FaultServer::start().await;
    let mut forge = fault_server::forge_at(server.url(), Timeouts::default(), LeaseKind::Ref);
    assert_eq!(refusal(forge.call(open(1)).await).0, RefusalKind::Unleased);
    assert_eq!(server.state().requests.len(), 0);
    assert!(matches!(forge.call(ForgeCall::Acquire).await, ForgeReply::Leased(_)));
    opened(forge.call(open(1)).await);
    // A fix needs none: the branch moves from where it was expected, or not at all.
    assert_eq!(forge.call(ForgeCall::Release { unclear: false }).await, ForgeReply::Done);
    let head = tip(&server);
    published(forge.call(publish(&head, 1)).await);
}

#[tokio::test]
async fn a_lease_that_runs_short_while_the_branch_is_made_opens_nothing() {
    let server = FaultServer::start().await;
    let mut forge = fault_server::forge_at(server.url(), IMPATIENT, LeaseKind::Ref);
    assert!(matches!(forge.call(ForgeCall::Acquire).await, ForgeReply::Leased(_)));
    let ref_of_the_lease = server.count(POST_REF);
    server.fail(POST_REF, Fault::StallAfter);
    let a_minute_passes = async {
        while server.count(POST_REF) == ref_of_the_lease {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        server.state().ahead = 60;
    };
    let (reply, ()) = tokio::join!(forge.call(open(1)), a_minute_passes);
    assert_eq!(refusal(reply).0, RefusalKind::Unleased);
    assert_eq!((heads(&server), server.count(POST_PULL)), (1, 0));
}

#[tokio::test]
async fn during_a_limit_nothing_is_sent() {
    let server = FaultServer::start().await;
    let mut forge = forge(&server);
    server.fail(POST_PULL, Fault::Answer(403, vec![("retry-after", "30".to_owned())], json!({})));
    assert!(matches!(refusal(forge.call(open(1)).await).0, RefusalKind::Limited { .. }));
    let before = server.state().requests.len();
    for call in [open(1), publish(ROOT, 1), look(), note("x"), ForgeCall::Pull(PullCall::Survey)] {
        assert!(matches!(refusal(forge.call(call).await).0, RefusalKind::Limited { .. }));
    }
    assert_eq!(server.state().requests.len(), before);
}

#[tokio::test]
async fn every_page_is_read_and_of_very_many_the_newest() {
    let server = FaultServer::start().await;
    server.state().page_size = 2;
    for number in 0..50 {
        let (branch, login) =
            if number % 2 == 0 { (format!("auto-fix/issue-{number}-x"), BOT) } else { (format!("topic-{number}"), "alice") };
        server.state().add_pull(&branch, login, json!({}));
    }
    let (pulls, _) = found(forge(&server).call(ForgeCall::Pull(PullCall::Survey)).await);
    let numbers: Vec<u64> = pulls.iter().map(|found| found.pull.number.0).collect();
    assert_eq!((numbers.len(), numbers[0], numbers[19]), (20, FIRST_PULL + 10, FIRST_PULL + 48));
    for _ in 0..3 {
        server.state().add_pull(BRANCH, "alice", json!({}));
    }
    assert_eq!(found(forge(&server).call(look()).await).0.len(), 3);
    for _ in 0..8 {
        server.state().add_pull(BRANCH, "alice", json!({}));
    }
    assert_eq!(refusal(forge(&server).call(look()).await).0, RefusalKind::Invalid);
    for fault in [Fault::StatusAfter(502), Fault::CutAfter, Fault::GarbageAfter] {
        server.fail(LIST_PULLS, fault);
        assert_eq!(refusal(forge(&server).call(look()).await).0, RefusalKind::Unreachable);
    }
}

#[tokio::test]
async fn a_comment_whose_answer_was_lost_is_found_and_not_written_again() {
    for fault in [Fault::ResetAfter, Fault::StatusAfter(502), Fault::CutHeadAfter] {
        let server = FaultServer::start().await;
        add_issue(&server);
        server.fail("POST /repos/acme/shop/issues/1/comments", fault.clone());
        assert_eq!(forge(&server).call(note("fix-failed")).await, ForgeReply::Done, "{fault:?}");
        assert_eq!(forge(&server).call(note("fix-failed")).await, ForgeReply::Done);
        assert_eq!(server.count("POST"), 1, "{fault:?}");
    }
    let server = FaultServer::start().await;
    add_issue(&server);
    // Anybody can write such a line.
    let forged = json!({ "body": "<!-- healnode-note-fix-failed v1 -->\nhello", "user": { "login": "mallory" } });
    server.state().comments.insert(1, vec![forged]);
    server.fail("POST /repos/acme/shop/issues/1/comments", Fault::ResetBefore);
    assert!(matches!(forge(&server).call(note("fix-failed")).await, ForgeReply::Unclear { .. }));
    assert_eq!(forge(&server).call(note("fix-failed")).await, ForgeReply::Done);
    assert_eq!(server.state().comments[&1].len(), 2);

    server.state().issues[0]["locked"] = json!(true);
    assert_eq!(refusal(forge(&server).call(note("other")).await).0, RefusalKind::Invalid);
    assert_eq!(server.state().comments[&1].len(), 2);
}

#[tokio::test]
async fn the_coding_agent_is_believed_to_have_an_issue_only_when_it_does() {
    let assign = || ForgeCall::Pull(PullCall::Assign { number: IssueNumber(1), instructions: "Mend it.".to_owned() });
    let post = "POST /repos/acme/shop/issues/1/assignees";
    let server = FaultServer::start().await;
    add_issue(&server);
    let (kind, why) = refusal(forge(&server).call(assign()).await);
    assert!(kind == RefusalKind::Invalid && why.contains("did not assign") && why.ends_with('.'), "{why}");
    server.state().branches.has_agent = true;
    server.fail(post, Fault::ResetAfter);
    for _ in 0..2 {
        assert_eq!(forge(&server).call(assign()).await, ForgeReply::Pull(PullReply::Assigned));
    }
    assert_eq!(server.count(post), 2);
    let sent = server.state().requests.iter().rfind(|request| request.method == "POST").expect("it was sent").body.clone();
    assert_eq!(sent["assignees"], json!(["copilot-swe-agent[bot]"]));
    assert_eq!((&sent["agent_assignment"]["target_repo"], &sent["agent_assignment"]["base_branch"]), (&json!("acme/shop"), &json!("main")));

    for (field, value) in [("assignees", json!([{ "login": "alice" }])), ("state", json!("closed")), ("locked", json!(true))] {
        let server = FaultServer::start().await;
        add_issue(&server);
        server.state().issues[0][field] = value;
        assert_eq!(refusal(forge(&server).call(assign()).await).0, RefusalKind::Invalid, "{field}");
        assert_eq!(server.count("POST"), 0);
    }
    for status in [403, 404, 422] {
        let server = FaultServer::start().await;
        add_issue(&server);
        server.fail(post, Fault::Answer(status, Vec::new(), json!({ "message": "no" })));
        assert_eq!(refusal(forge(&server).call(assign()).await).0, RefusalKind::Invalid, "{status}");
    }
    // What a job in GitHub Actions has would be taken in silence.
    let mut of_a_job = fault_server::forge_with(server.url(), Timeouts::default(), LeaseKind::None, "ghs_secret");
    let before = server.state().requests.len();
    let (kind, why) = refusal(of_a_job.call(assign()).await);
    assert!(kind == RefusalKind::Invalid && why.contains("a person's token"), "{why}");
    assert_eq!(server.state().requests.len(), before);
}

#[tokio::test]
async fn each_call_costs_the_requests_that_the_guide_says() {
    let server = FaultServer::start().await;
    add_issue(&server);
    server.state().branches.has_agent = true;
    let mut forge = forge(&server);
    // The account is asked for once, and labels are made once.
    forge.check().await;
    for name in ["auto-generated", "needs-review"] {
        server.state().labels.push((name.to_owned(), String::new()));
    }
    let assign = ForgeCall::Pull(PullCall::Assign { number: IssueNumber(1), instructions: String::new() });
    let rows = [(look(), 2, 0), (open(1), 12, 4), (look(), 3, 0), (note("x"), 3, 1), (note("x"), 1, 0), (assign, 4, 1)];
    for (call, all, writes) in rows {
        assert_eq!(cost(&server, &mut forge, call.clone()).await, (all, writes), "{call:?}");
    }
    let head = tip(&server);
    assert_eq!(cost(&server, &mut forge, publish(&head, 1)).await, (8, 5));
    assert_eq!(cost(&server, &mut forge, publish(&head, 1)).await, (3, 0));
}

/// Returns how many requests a call makes, and how many of them write.
async fn cost(server: &FaultServer, forge: &mut Forge, call: ForgeCall) -> (usize, usize) {
    let before = server.state().requests.len();
    let reply = forge.call(call).await;
    assert!(matches!(reply, ForgeReply::Pull(_) | ForgeReply::Done), "{reply:?}");
    let sent = server.state().requests.split_off(before);
    (sent.len(), sent.iter().filter(|request| request.method != "GET").count())
}

fn forge(server: &FaultServer) -> Forge {
    fault_server::forge_at(server.url(), Timeouts::default(), LeaseKind::None)
}

fn forge_for(server: &FaultServer, fault: &Fault) -> Forge {
    let timeouts = if fault.is_slow() { IMPATIENT } else { Timeouts::default() };
    fault_server::forge_at(server.url(), timeouts, LeaseKind::None)
}

/// Where the branch is. Each of these lets go of the server's state, so that several can stand in one line.
fn tip(server: &FaultServer) -> String {
    server.state().branches.heads[BRANCH].clone()
}

fn heads(server: &FaultServer) -> usize {
    server.state().branches.heads.len()
}

fn pulls(server: &FaultServer) -> usize {
    server.state().branches.pulls.len()
}

fn commits(server: &FaultServer) -> usize {
    server.state().commits.len()
}

fn add_issue(server: &FaultServer) {
    server.state().add(json!("title"), json!("text"), BOT, json!({}));
}

fn issue() -> IssueDraft {
    IssueDraft { title: "ValueError".to_owned(), body: "text".to_owned(), labels: Vec::new() }
}

fn open(node: u8) -> ForgeCall {
    ForgeCall::Pull(PullCall::Open(PullDraft {
        issue: IssueNumber(7),
        branch: BRANCH.to_owned(),
        message: format!("Begin a fix\n\nHealnode-Signature: {node}\n"),
        title: "Fix ValueError".to_owned(),
        body: "<!-- healnode:begin -->\nCloses #7.\n<!-- healnode:end -->".to_owned(),
        labels: vec!["auto-generated".to_owned(), "needs-review".to_owned()],
    }))
}

fn publish(expected: &str, node: u8) -> ForgeCall {
    ForgeCall::Pull(PullCall::Publish(Publication {
        number: IssueNumber(FIRST_PULL),
        branch: BRANCH.to_owned(),
        expected: expected.to_owned(),
        base: ROOT.to_owned(),
        changes: vec![FileChange { path: "src/app.py".to_owned(), content: Some(b"fixed\n".to_vec()), executable: true }],
        message: format!("Fix it\n\nHealnode-Signature: {node}\n"),
        at: UnixMillis(1_790_000_000_123),
        body: format!("<!-- healnode:begin -->\nFixed by {node}\n<!-- healnode:end -->"),
    }))
}

fn look() -> ForgeCall {
    ForgeCall::Pull(PullCall::Look { branch: BRANCH.to_owned() })
}

fn note(key: &str) -> ForgeCall {
    ForgeCall::Pull(PullCall::CommentOnce { number: IssueNumber(1), key: key.to_owned(), text: "No fix was found.".to_owned() })
}

fn opened(reply: ForgeReply) -> (healnode_core::PullRequest, String) {
    let ForgeReply::Pull(PullReply::Opened { pull, head }) = reply else { panic!("{reply:?}") };
    (pull, head)
}

fn published(reply: ForgeReply) -> String {
    let ForgeReply::Pull(PullReply::Published { head }) = reply else { panic!("{reply:?}") };
    head
}

fn found(reply: ForgeReply) -> (Vec<FoundPull>, Option<BranchHead>) {
    let ForgeReply::Pull(PullReply::Found { pulls, branch }) = reply else { panic!("{reply:?}") };
    (pulls, branch)
}

fn refusal(reply: ForgeReply) -> (RefusalKind, String) {
    let ForgeReply::Refused(refusal) = reply else { panic!("{reply:?}") };
    (refusal.kind, refusal.message)
}
