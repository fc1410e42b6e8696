//! GitHub at its worst: for each fault, what the forge answers, and how many creates arrived.
//!
//! The answers are scripted by `fault_server`, so that each stands exactly where it hurts. What a well-behaved GitHub does is checked in
//! `contract.rs`.

#[path = "../../../tests/github/emulator.rs"]
mod emulator;
mod fault_server;

use std::time::Duration;

use fault_server::{BOT, Fault, FaultServer};
use healnode_core::{CloseReason, ForgeCall, ForgeHealth, ForgeReply, FoundIssue, IssueDraft, IssueNumber, Marker, RefusalKind};
use healnode_forge::{Forge, LeaseKind, Timeouts};
use serde_json::{Value, json};

const ISSUES: &str = "/repos/acme/shop/issues";
const POST_ISSUE: &str = "POST /repos/acme/shop/issues";

/// Longer than any call may take here, even on a busy machine.
const LONG: Duration = Duration::from_secs(50);

/// For faults that would otherwise take half a minute to show.
const IMPATIENT: Timeouts = Timeouts {
    connect: Duration::from_secs(5),
    read: Duration::from_millis(500),
    write: Duration::from_secs(5),
    whole: Duration::from_secs(2),
    create: Duration::from_secs(2),
};

#[tokio::test]
async fn a_create_whose_answer_is_lost_is_unclear_and_is_sent_once() {
    let faults = [
        Fault::ResetAfter,
        Fault::CloseAfter,
        Fault::StatusAfter(500),
        Fault::StatusAfter(502),
        Fault::StatusAfter(504),
        Fault::StallAfter,
        Fault::TrickleAfter,
        Fault::CutAfter,
        Fault::GarbageAfter,
        Fault::EmptyAfter,
        Fault::BadChunksAfter,
        Fault::MissingChunkAfter,
        Fault::NoHttpAfter,
        Fault::CutHeadAfter,
        Fault::ResetBefore,
        Fault::Answer(200, Vec::new(), json!([])),
        Fault::Answer(200, Vec::new(), created_issue()),
        Fault::Answer(202, Vec::new(), created_issue()),
        Fault::Answer(204, Vec::new(), json!(null)),
        Fault::Answer(304, Vec::new(), json!(null)),
        Fault::Answer(303, vec![("location", "http://elsewhere.invalid/".to_owned())], json!({})),
        Fault::Answer(201, Vec::new(), with("number", Value::Null)),
        Fault::Answer(201, Vec::new(), with("number", json!(0))),
        Fault::Answer(201, Vec::new(), with("number", json!("7"))),
        Fault::Answer(201, Vec::new(), with("repository_url", json!("https://api.github.test/repos/acme/other"))),
        Fault::Answer(201, Vec::new(), json!([created_issue()])),
        Fault::Answer(201, Vec::new(), json!({ "message": "Created" })),
        Fault::Answer(502, vec![("retry-after", "5".to_owned())], json!({})),
        Fault::Answer(503, Vec::new(), json!({})),
        Fault::Answer(599, Vec::new(), json!({})),
    ];
    for fault in faults {
        let server = FaultServer::start().await;
        server.fail(POST_ISSUE, fault.clone());
        let timeouts = if fault.is_slow() { IMPATIENT } else { Timeouts::default() };
        let mut forge = forge_at(server.url(), timeouts);
        let reply = tokio::time::timeout(LONG, forge.call(ForgeCall::Create(draft(1)))).await.expect("the call ends by itself");
        assert!(matches!(reply, ForgeReply::Unclear { .. }), "{fault:?}: {reply:?}");
        assert_eq!(server.count(POST_ISSUE), 1, "{fault:?}");

        let done = !matches!(fault, Fault::ResetBefore | Fault::Answer(..));
        assert_eq!(found(self::forge(&server).call(look(1)).await).len(), usize::from(done), "{fault:?}");
    }
}

#[tokio::test]
async fn a_create_that_a_proxy_repeated_is_one_issue_here_and_a_matter_for_the_sweep() {
    let server = FaultServer::start().await;
    let mut forge = forge(&server);
    server.fail(POST_ISSUE, Fault::Twice);
    assert!(matches!(forge.call(ForgeCall::Create(draft(1))).await, ForgeReply::Created(issue) if issue.number == IssueNumber(2)));
    let twins = found(forge.call(ForgeCall::Survey).await);
    assert_eq!(twins.iter().map(|twin| twin.issue.number.0).collect::<Vec<_>>(), [1, 2]);
}

#[tokio::test]
async fn a_redirect_that_names_no_other_repository_is_certainly_no_create() {
    for status in [301, 302, 307, 308] {
        let server = FaultServer::start().await;
        server.fail(POST_ISSUE, Fault::Answer(status, vec![("location", "http://elsewhere.invalid/".to_owned())], json!({})));
        let (kind, sentence) = refusal(forge(&server).call(ForgeCall::Create(draft(1))).await);
        assert!(kind == "unreachable" && sentence.contains("check forge.repo"), "{status} {kind} {sentence}");
        assert_eq!(server.count(POST_ISSUE), 1);
    }
}

#[tokio::test]
async fn without_tls_nothing_was_sent() {
    let server = FaultServer::start().await;
    let hangs_up = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = hangs_up.local_addr().unwrap();
    let mut hanging_up = tokio::task::JoinSet::new();
    hanging_up.spawn(async move {
        while let Ok((stream, _peer)) = hangs_up.accept().await {
            drop(stream);
        }
    });
    // The one waits for the end of a head that never comes, the other closes at once.
    for url in [server.url().replace("http:", "https:"), format!("https://{address}")] {
        let mut forge = forge_at(&url, Timeouts { connect: Duration::from_millis(300), ..Timeouts::default() });
        assert_eq!(refusal(forge.call(ForgeCall::Create(draft(1))).await).0, "unreachable", "{url}");
    }
    assert_eq!(server.state().requests.len(), 0);
}

#[tokio::test]
async fn a_comment_is_written_once_and_a_right_that_is_missing_for_it_stops_nothing_else() {
    let comment = |number| ForgeCall::Comment { number, text: "Ten times as many.".to_owned() };
    for fault in [Fault::ResetAfter, Fault::StatusAfter(502), Fault::CutHeadAfter, Fault::Answer(200, Vec::new(), json!([]))] {
        let server = FaultServer::start().await;
        let number = file(&server, 1, BOT, json!({}));
        server.fail("POST /repos/acme/shop/issues/1/comments", fault.clone());
        let reply = forge(&server).call(comment(number)).await;
        assert!(matches!(&reply, ForgeReply::Unclear { why } if why.contains("not written again")), "{fault:?} {reply:?}");
        assert_eq!(server.count("POST"), 1, "{fault:?}");
    }
    for status in [403, 404, 410, 422] {
        let server = FaultServer::start().await;
        let number = file(&server, 1, BOT, json!({}));
        server.fail("POST /repos/acme/shop/issues/1/comments", Fault::Answer(status, Vec::new(), json!({ "message": "no" })));
        assert_eq!(refusal(forge(&server).call(comment(number)).await).0, "invalid", "{status}");
    }
}

#[tokio::test]
async fn an_issue_whose_reopening_was_not_confirmed_gets_no_second_comment() {
    for (state, call) in [("closed", reopen(1)), ("open", close(1))] {
        let server = FaultServer::start().await;
        let mut forge = forge(&server);
        file(&server, 1, BOT, json!({ "state": state }));
        server.fail("PATCH", Fault::ResetAfter);
        assert!(matches!(forge.call(call.clone()).await, ForgeReply::Unclear { .. }));
        assert_eq!(forge.call(call).await, ForgeReply::Done);
        assert_eq!((server.count("PATCH"), server.count("POST")), (1, 0));
    }
}

#[tokio::test]
async fn a_comment_that_fails_does_not_undo_the_closing_it_is_about() {
    let faults = [
        Fault::ResetAfter,
        Fault::Answer(403, Vec::new(), json!({})),
        Fault::Answer(403, vec![("retry-after", "9".to_owned())], json!({})),
    ];
    for fault in faults {
        let server = FaultServer::start().await;
        let mut forge = forge(&server);
        file(&server, 1, BOT, json!({}));
        server.fail("POST", fault);
        assert_eq!(forge.call(close(1)).await, ForgeReply::Done);
        assert_eq!(server.state().issues[0]["state"], "closed");
        assert_eq!(server.state().issues[0]["state_reason"], "completed");
    }
}

#[tokio::test]
async fn an_issue_that_may_not_be_changed_is_left_alone_and_filing_goes_on() {
    let refusal_of_changes = || Fault::Answer(403, Vec::new(), json!({ "message": "Must have triage access" }));
    let server = FaultServer::start().await;
    let mut forge = forge(&server);
    let number = file(&server, 1, BOT, json!({}));
    file(&server, 2, BOT, json!({ "state": "closed" }));
    for what in ["PATCH", "POST /repos/acme/shop/issues/1/labels"] {
        server.fail_always(what, refusal_of_changes());
    }
    for call in [close(1), reopen(2), ForgeCall::MarkQuiet { number, quiet: true }] {
        let (kind, sentence) = refusal(forge.call(call).await);
        assert!(kind == "invalid" && sentence.contains("triage"), "{kind} {sentence}");
    }
    server.state().issues[0]["labels"] = json!([{ "name": "healnode:quiet" }]);
    server.fail("DELETE", Fault::Answer(404, Vec::new(), json!({ "message": "Label does not exist" })));
    assert_eq!(forge.call(ForgeCall::MarkQuiet { number, quiet: false }).await, ForgeReply::Done);
    assert!(matches!(forge.call(ForgeCall::Create(draft(3))).await, ForgeReply::Created(_)));
}

#[tokio::test]
async fn the_label_for_quiet_issues_is_made_when_it_is_missing() {
    let server = FaultServer::start().await;
    let mut forge = forge(&server);
    let number = file(&server, 1, BOT, json!({}));
    for quiet in [true, true, false] {
        assert_eq!(forge.call(ForgeCall::MarkQuiet { number, quiet }).await, ForgeReply::Done);
        assert_eq!(inspected(forge.call(ForgeCall::Inspect { number }).await).quiet, quiet);
    }
    assert_eq!(server.state().label_names(), ["healnode:quiet"]);
    assert_eq!(server.count("POST /repos/acme/shop/issues/1/labels"), 1);
}

#[tokio::test]
async fn an_issue_is_read_by_its_number_whoever_wrote_it() {
    let server = FaultServer::start().await;
    let mut forge = forge(&server);
    file(&server, 1, BOT, json!({ "locked": true, "labels": [{ "name": "healnode:mute" }] }));
    file(&server, 1, "mallory", json!({}));
    file(&server, 1, BOT, json!({ "pull_request": { "url": "x" } }));
    let own = inspected(forge.call(inspect(1)).await);
    assert!(own.locked && own.muted && own.markers == [marker(1)]);
    for number in [2, 3] {
        assert_eq!(inspected(forge.call(inspect(number)).await).markers, []);
    }
}

#[tokio::test]
async fn of_what_an_issue_is_a_duplicate_is_believed_only_from_the_repositorys_people_and_itself() {
    let comment =
        |login: &str, association: &str, body: &str| json!({ "user": { "login": login }, "author_association": association, "body": body });
    let duplicate = json!({ "state": "closed", "state_reason": "duplicate", "comments": 2, "closed_at": "2026-11-25T12:00:00Z" });
    let not_planned = json!({ "state": "closed", "state_reason": "not_planned", "comments": 2 });
    let twin = |number| CloseReason::Duplicate { of: Some(IssueNumber(number)) };
    let rows = [
        (&duplicate, vec![comment("alice", "MEMBER", "Duplicate of #7"), comment("mallory", "NONE", "Duplicate of #9")], twin(7)),
        (
            &duplicate,
            vec![
                comment("alice", "OWNER", "Duplicate of #7"),
                comment(
                    "bob",
                    "COLLABORATOR",
                    "No:
duplicate of #8",
                ),
            ],
            twin(8),
        ),
        (&duplicate, vec![comment(BOT, "NONE", "Duplicate of #6")], twin(6)),
        (&duplicate, vec![comment("alice", "MEMBER", "Duplicate of #1")], CloseReason::Duplicate { of: None }),
        (&duplicate, vec![comment("mallory", "CONTRIBUTOR", "Duplicate of #9")], CloseReason::Duplicate { of: None }),
        (&not_planned, vec![comment(BOT, "NONE", "Duplicate of #6")], twin(6)),
        (&not_planned, vec![comment("alice", "OWNER", "Duplicate of #7")], CloseReason::NotPlanned),
    ];
    for (issue, comments, expected) in rows {
        let server = FaultServer::start().await;
        file(&server, 1, BOT, issue.clone());
        server.state().comments.insert(1, comments.clone());
        let closing = inspected(forge(&server).call(inspect(1)).await).closing.expect("it is closed");
        assert_eq!(closing.reason, expected, "{comments:?}");
    }
    let server = FaultServer::start().await;
    file(&server, 1, BOT, duplicate);
    server.fail("GET /repos/acme/shop/issues/1/comments", Fault::StatusAfter(502));
    assert_eq!(refusal(forge(&server).call(inspect(1)).await).0, "unreachable");
}

#[tokio::test]
async fn an_issue_that_was_deleted_or_moved_away_is_gone_and_a_repository_that_is_away_is_not() {
    let server = FaultServer::start().await;
    let mut forge = forge(&server);
    let gone = ForgeReply::Gone { moved_to: None };
    assert_eq!(forge.call(inspect(9)).await, gone);
    assert_eq!(server.count("GET /repos/acme/shop/issues/9"), 3);
    server.fail("GET /repos/acme/shop/issues/8", Fault::Answer(410, Vec::new(), json!({ "message": "This issue was deleted" })));
    assert_eq!(forge.call(inspect(8)).await, gone);

    let location = format!("{}/repositories/2/issues/5", server.url());
    server.fail("GET /repos/acme/shop/issues/7", Fault::Answer(301, vec![("location", location)], json!({ "message": "Moved" })));
    let mut elsewhere = with("html_url", json!("https://github.test/acme/other/issues/5"));
    elsewhere["number"] = json!(5);
    server.fail("GET /repositories/2/issues/5", Fault::Answer(200, Vec::new(), elsewhere.clone()));
    let moved = ForgeReply::Gone { moved_to: Some("https://github.test/acme/other/issues/5".to_owned()) };
    assert_eq!(forge.call(inspect(7)).await, moved);
    server.fail("GET /repos/acme/shop/issues/7", Fault::Answer(200, Vec::new(), elsewhere));
    assert_eq!(forge.call(inspect(7)).await, moved);

    for _ in 0..3 {
        server.fail("GET /repos/acme/shop/issues/1", Fault::Answer(404, Vec::new(), json!({ "message": "Not Found" })));
    }
    server.fail("GET /repos/acme/shop", Fault::Answer(404, Vec::new(), json!({ "message": "Not Found" })));
    assert_eq!(refusal(forge.call(inspect(1)).await).0, "denied");
}

#[tokio::test]
async fn an_update_never_lowers_the_count_that_an_issue_names() {
    let server = FaultServer::start().await;
    let mut forge = forge(&server);
    let counted = |count: u64| {
        let mut draft = draft(1);
        draft.body = draft.body.replace(
            "Occurrences: 3",
            &format!(
                "<!-- healnode-count {count} told 3 v1 -->
Occurrences: {count}"
            ),
        );
        draft
    };
    let number = file(&server, 1, BOT, json!({ "body": counted(40).body }));
    for count in [39, 40] {
        assert_eq!(forge.call(ForgeCall::Update { number, draft: counted(count) }).await, ForgeReply::Done);
    }
    assert_eq!(server.count("PATCH"), 0);
    assert_eq!(forge.call(ForgeCall::Update { number, draft: counted(41) }).await, ForgeReply::Done);
    assert_eq!(server.count("PATCH"), 1);
}

#[tokio::test]
async fn a_refused_create_is_certain_and_is_sent_once() {
    let no_headers = Vec::new;
    let message = |text: &str| json!({ "message": text });
    let rows = [
        (401, no_headers(), message("Bad credentials"), "denied"),
        (403, vec![("retry-after", "30".to_owned())], message("You have exceeded a secondary rate limit"), "limited 30"),
        (403, vec![("x-ratelimit-remaining", "0".to_owned())], message("API rate limit exceeded"), "limited 60"),
        (403, no_headers(), message("Resource not accessible by personal access token"), "denied"),
        (404, no_headers(), message("Not Found"), "denied"),
        (410, no_headers(), message("Issues are disabled for this repo"), "denied"),
        (403, vec![("x-github-sso", "required; url=https://github.com".to_owned())], message("Resource protected"), "denied"),
        (403, no_headers(), message("Repository was archived so is read-only."), "denied"),
        (400, no_headers(), message("Problems parsing JSON"), "invalid"),
        (409, no_headers(), message("Conflict"), "unreachable"),
        (413, no_headers(), message("too large"), "invalid"),
        (422, no_headers(), message("Validation Failed"), "invalid"),
        (422, no_headers(), message("endpoint has been spammed"), "invalid"),
        (451, no_headers(), message("Unavailable due to DMCA"), "denied"),
        (429, vec![("retry-after", "2".to_owned())], message("slow down"), "limited 2"),
    ];
    for (status, headers, body, expected) in rows {
        let server = FaultServer::start().await;
        let mut forge = forge(&server);
        server.fail(POST_ISSUE, Fault::Answer(status, headers, body.clone()));
        let (kind, sentence) = refusal(forge.call(ForgeCall::Create(draft(1))).await);
        assert_eq!(kind, expected, "{status} {body}");
        assert!(sentence.ends_with('.') && !sentence.contains("secret"), "{sentence}");
        assert_eq!(server.count(POST_ISSUE), 1, "{status}");
    }
}

#[tokio::test]
async fn without_a_connection_nothing_was_sent() {
    for nobody in ["http://127.0.0.1:0", "http://nowhere.invalid"] {
        let mut forge = forge_at(nobody, Timeouts::default());
        for call in [ForgeCall::Survey, ForgeCall::Create(draft(1))] {
            assert_eq!(refusal(forge.call(call).await).0, "unreachable");
        }
        assert!(matches!(forge.check().await, ForgeHealth::Blocked { why } if why.contains("forge.api_url")));
    }
}

#[tokio::test]
async fn a_read_that_fails_says_nothing_of_what_is_there() {
    let faults = [Fault::StatusAfter(502), Fault::CutAfter, Fault::GarbageAfter, Fault::StallAfter, Fault::ResetAfter];
    for fault in faults {
        let server = FaultServer::start().await;
        let timeouts = if fault.is_slow() { IMPATIENT } else { Timeouts::default() };
        let mut forge = forge_at(server.url(), timeouts);
        forge.check().await;
        server.fail("GET /repos/acme/shop/issues?labels", fault.clone());
        assert_eq!(refusal(forge.call(look(1)).await).0, "unreachable", "{fault:?}");
    }
}

#[tokio::test]
async fn during_a_limit_nothing_is_sent() {
    let server = FaultServer::start().await;
    let mut forge = forge(&server);
    server.fail(POST_ISSUE, Fault::Answer(403, vec![("retry-after", "1".to_owned())], json!({})));
    assert_eq!(refusal(forge.call(ForgeCall::Create(draft(1))).await).0, "limited 1");
    let before = server.state().requests.len();
    for call in [ForgeCall::Survey, ForgeCall::Create(draft(1)), ForgeCall::Update { number: IssueNumber(1), draft: draft(1) }] {
        assert_eq!(refusal(forge.call(call).await).0, "limited 1");
    }
    assert!(matches!(forge.check().await, ForgeHealth::Blocked { .. }));
    assert_eq!(server.state().requests.len(), before);

    let created = loop {
        match forge.call(ForgeCall::Create(draft(1))).await {
            ForgeReply::Created(issue) => break issue,
            ForgeReply::Refused(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            other @ (ForgeReply::Found(_)
            | ForgeReply::Leased(_)
            | ForgeReply::Held { .. }
            | ForgeReply::Issue(_)
            | ForgeReply::Gone { .. }
            | ForgeReply::Done
            | ForgeReply::Pull(_)
            | ForgeReply::Unclear { .. }) => panic!("{other:?}"),
        }
    };
    assert_eq!(created.number, IssueNumber(1));
}

#[tokio::test]
async fn a_forge_that_is_set_up_anew_keeps_the_silence_and_the_doubts_of_the_last_one() {
    let server = FaultServer::start().await;
    let mut first = forge(&server);
    for _ in 0..12 {
        file(&server, 1, BOT, json!({}));
    }
    assert_eq!(found(first.call(look(1)).await).len(), 12);
    server.state().issues.clear();
    let mut second = forge(&server);
    second.inherit(first);
    assert_eq!(refusal(second.call(look(1)).await).0, "unreachable");

    server.fail(POST_ISSUE, Fault::Answer(403, vec![("retry-after", "30".to_owned())], json!({})));
    assert_eq!(refusal(second.call(ForgeCall::Create(draft(1))).await).0, "limited 30");
    let mut third = forge(&server);
    third.inherit(second);
    assert!(refusal(third.call(ForgeCall::Survey).await).0.starts_with("limited"));
}

#[tokio::test]
async fn labels_are_never_the_reason_to_lose_an_issue() {
    for status in [403, 422] {
        let server = FaultServer::start().await;
        let mut forge = forge(&server);
        let body = json!({ "message": "You do not have permission to create labels on this repository." });
        server.fail(POST_ISSUE, Fault::Answer(status, Vec::new(), body));
        assert!(matches!(forge.call(ForgeCall::Create(draft(1))).await, ForgeReply::Created(_)));
        assert_eq!(server.count(POST_ISSUE), 2);
        assert_eq!(server.state().issues.len(), 1);
        assert_eq!(server.state().requests.last().unwrap().body.get("labels"), None);
    }
}

#[tokio::test]
async fn a_label_that_may_not_be_added_keeps_no_issue_from_being_brought_up_to_date() {
    let server = FaultServer::start().await;
    let mut forge = forge(&server);
    let number = file(&server, 1, BOT, json!({ "labels": [{ "name": "bug" }] }));
    server.fail_always(
        "POST /repos/acme/shop/issues/1/labels",
        Fault::Answer(403, Vec::new(), json!({ "message": "Must have triage access" })),
    );
    let mut newer = draft(1);
    newer.body = newer.body.replace("Occurrences: 3", "Occurrences: 30");
    assert_eq!(forge.call(ForgeCall::Update { number, draft: newer }).await, ForgeReply::Done);
    assert_eq!(server.count("PATCH"), 1);
    let state = server.state();
    let sent: Vec<_> = state.requests.iter().filter_map(|request| request.body.get("labels")).collect();
    assert_eq!(sent, [&json!(["auto-generated"])]);
}

#[tokio::test]
async fn labels_are_made_once_and_a_refusal_to_make_them_blocks_nothing() {
    let server = FaultServer::start().await;
    let mut forge = forge(&server);
    server.state().labels.push(("bug".to_owned(), String::new()));
    server.fail("POST /repos/acme/shop/labels", Fault::Answer(403, Vec::new(), json!({ "message": "Resource not accessible" })));
    assert_eq!(forge.check().await, ForgeHealth::Ready);
    assert_eq!(forge.check().await, ForgeHealth::Ready);
    assert_eq!(server.state().label_names(), ["bug", "auto-generated", "healnode:mute"]);
    assert_eq!(forge.check().await, ForgeHealth::Ready);
    assert_eq!(server.count("POST /repos/acme/shop/labels"), 3);
}

#[tokio::test]
async fn every_page_is_read_whatever_host_the_links_name() {
    let server = FaultServer::start().await;
    let mut forge = forge(&server);
    server.state().page_size = 2;
    for _ in 0..7 {
        file(&server, 1, BOT, json!({}));
    }
    let numbers: Vec<u64> = found(forge.call(look(1)).await).iter().map(|found| found.issue.number.0).collect();
    assert_eq!(numbers, [1, 2, 3, 4, 5, 6, 7]);
    server.fail("GET /repositories/1/issues", Fault::StatusAfter(502));
    assert_eq!(refusal(forge.call(look(1)).await).0, "unreachable");
}

#[tokio::test]
async fn a_list_too_long_to_read_is_refused_whole() {
    let server = FaultServer::start().await;
    let mut forge = forge(&server);
    server.state().page_size = 1;
    for _ in 0..101 {
        file(&server, 2, BOT, json!({}));
    }
    let (kind, sentence) = refusal(forge.call(look(1)).await);
    assert_eq!(kind, "denied");
    assert!(sentence.contains("10000 issues"), "{sentence}");
}

#[tokio::test]
async fn only_the_bots_own_issues_are_believed() {
    let server = FaultServer::start().await;
    let mut forge = forge(&server);
    file(&server, 1, "mallory", json!({}));
    file(&server, 1, BOT, json!({ "pull_request": { "url": "x" } }));
    file(&server, 1, BOT, json!({ "body": null }));
    file(&server, 1, BOT, json!({ "state": "closed" }));
    let found = found(forge.call(look(1)).await);
    assert_eq!(found.iter().map(|found| (found.issue.number.0, found.issue.open)).collect::<Vec<_>>(), [(4, false)]);

    let mallorys = IssueNumber(1);
    assert_eq!(refusal(forge.call(ForgeCall::Update { number: mallorys, draft: draft(1) }).await).0, "invalid");
    assert_eq!(refusal(forge.call(ForgeCall::CloseDuplicate { number: mallorys, of: IssueNumber(4) }).await).0, "invalid");
    assert_eq!(server.count("PATCH"), 0);
}

#[tokio::test]
async fn a_list_that_suddenly_lacks_most_issues_is_not_believed() {
    let server = FaultServer::start().await;
    let mut forge = forge(&server);
    for _ in 0..12 {
        file(&server, 1, BOT, json!({}));
    }
    assert_eq!(found(forge.call(look(1)).await).len(), 12);
    server.state().issues.clear();
    assert_eq!(refusal(forge.call(look(1)).await).0, "unreachable");
}

#[tokio::test]
async fn a_renamed_repository_is_followed_and_nothing_is_created_twice() {
    for status in [307, 308] {
        let server = FaultServer::start().await;
        let mut forge = forge(&server);
        assert_eq!(forge.check().await, ForgeHealth::Ready);
        rename(&server, status);
        assert!(matches!(forge.call(ForgeCall::Create(draft(1))).await, ForgeReply::Created(_)), "{status}");
        assert_eq!(server.state().issues.len(), 1);
        assert_eq!(forge.describe().repo, "acme/store");
        assert_eq!(found(forge.call(look(1)).await).len(), 1);
    }
}

#[tokio::test]
async fn a_create_that_a_redirect_turned_into_a_list_is_unclear_and_the_next_goes_to_the_new_name() {
    let server = FaultServer::start().await;
    let mut forge = forge(&server);
    rename(&server, 301);
    let first = forge.call(ForgeCall::Create(draft(1))).await;
    let second = match first {
        ForgeReply::Unclear { .. } => forge.call(ForgeCall::Create(draft(1))).await,
        reply @ (ForgeReply::Created(_)
        | ForgeReply::Found(_)
        | ForgeReply::Leased(_)
        | ForgeReply::Held { .. }
        | ForgeReply::Issue(_)
        | ForgeReply::Gone { .. }
        | ForgeReply::Done
        | ForgeReply::Pull(_)
        | ForgeReply::Refused(_)) => reply,
    };
    assert!(matches!(second, ForgeReply::Created(_)), "{second:?}");
    assert_eq!(server.state().issues.len(), 1);
}

#[tokio::test]
async fn a_fresh_issue_that_answers_404_is_asked_for_again() {
    let server = FaultServer::start().await;
    let mut forge = forge(&server);
    let number = file(&server, 1, BOT, json!({}));
    for _ in 0..2 {
        server.fail("GET /repos/acme/shop/issues/1", Fault::Answer(404, Vec::new(), json!({ "message": "Not Found" })));
    }
    assert_eq!(forge.call(ForgeCall::Update { number, draft: draft(1) }).await, ForgeReply::Done);
    assert_eq!(refusal(forge.call(ForgeCall::Update { number: IssueNumber(9), draft: draft(1) }).await).0, "invalid");
    assert_eq!(server.count("GET /repos/acme/shop/issues/9"), 3);
}

#[tokio::test]
async fn an_update_writes_only_what_is_new() {
    let server = FaultServer::start().await;
    let mut forge = forge(&server);
    let number = file(&server, 1, BOT, json!({ "body": draft(1).body.replace('\n', "\r\n") }));
    let mut newer = draft(1);
    newer.title = "Another title".to_owned();
    assert_eq!(forge.call(ForgeCall::Update { number, draft: newer.clone() }).await, ForgeReply::Done);
    assert_eq!(server.count("PATCH"), 0);

    newer.body = newer.body.replace("Occurrences: 3", "Occurrences: 4");
    server.fail("PATCH", Fault::ResetAfter);
    assert!(matches!(forge.call(ForgeCall::Update { number, draft: newer.clone() }).await, ForgeReply::Unclear { .. }));
    assert_eq!(forge.call(ForgeCall::Update { number, draft: newer }).await, ForgeReply::Done);
    assert_eq!(server.count("PATCH"), 1);
    assert_eq!(server.state().requests.iter().rfind(|request| request.method == "PATCH").unwrap().body.as_object().unwrap().len(), 1);
}

#[tokio::test]
async fn a_server_that_knows_no_duplicates_gets_a_comment_and_a_plain_closing() {
    let server = FaultServer::start().await;
    let mut forge = forge(&server);
    let (of, number) = (file(&server, 1, BOT, json!({})), file(&server, 1, BOT, json!({})));
    server.fail("PATCH", Fault::Answer(422, Vec::new(), json!({ "message": "Validation Failed" })));
    assert_eq!(forge.call(ForgeCall::CloseDuplicate { number, of }).await, ForgeReply::Done);
    let state = server.state();
    let comment = state.requests.iter().find(|request| request.path.ends_with("/comments")).unwrap();
    assert_eq!(comment.body, json!({ "body": "Duplicate of #1" }));
    assert_eq!(state.issues[1]["state"], "closed");
    assert_eq!(state.issues[0]["state"], "open");
}

#[tokio::test]
async fn a_repository_that_takes_no_issues_blocks_filing_with_the_reason() {
    let server = FaultServer::start().await;
    server.state().has_issues = false;
    assert!(matches!(forge(&server).check().await, ForgeHealth::Blocked { why } if why.contains("turned off in acme/shop")));
    server.state().archived = true;
    assert!(matches!(forge(&server).check().await, ForgeHealth::Blocked { why } if why.contains("archived")));
    server.fail("GET /user", Fault::Answer(401, Vec::new(), json!({ "message": "Bad credentials" })));
    assert!(matches!(forge(&server).check().await, ForgeHealth::Blocked { why } if why.contains("token")));
}

#[tokio::test]
async fn a_token_that_may_not_ask_who_it_is_is_asked_through_graphql() {
    let server = FaultServer::start().await;
    let mut forge = forge(&server);
    file(&server, 1, "github-actions[bot]", json!({}));
    server.fail("GET /user", Fault::Answer(403, Vec::new(), json!({ "message": "Resource not accessible by integration" })));
    let viewer = json!({ "data": { "viewer": { "login": "github-actions[bot]" } } });
    server.fail("POST /graphql", Fault::Answer(200, Vec::new(), viewer));
    server.fail("GET /repos/acme/shop/issues?creator=github-actions%5Bbot%5D", Fault::Answer(200, Vec::new(), json!([])));
    assert_eq!(found(forge.call(look(1)).await).len(), 1);
}

#[tokio::test]
async fn every_request_is_as_github_describes_it() {
    if let Err(reason) = emulator::install() {
        return emulator::skip(&reason);
    }
    let server = FaultServer::start().await;
    let mut forge = forge(&server);
    server.state().page_size = 1;
    let (of, number) = (file(&server, 1, BOT, json!({})), file(&server, 1, BOT, json!({})));
    forge.check().await;
    forge.call(look(1)).await;
    forge.call(ForgeCall::Create(draft(2))).await;
    let mut newer = draft(1);
    newer.body = newer.body.replace("Occurrences: 3", "Occurrences: 4");
    forge.call(ForgeCall::Update { number, draft: newer }).await;
    server.fail("PATCH", Fault::Answer(422, Vec::new(), json!({})));
    forge.call(ForgeCall::CloseDuplicate { number, of }).await;
    server.fail("PATCH", Fault::StatusAfter(502));
    forge.call(ForgeCall::CloseDuplicate { number: of, of: IssueNumber(3) }).await;
    file(&server, 4, BOT, json!({ "state": "closed", "state_reason": "duplicate" }));
    let lifecycle = [
        inspect(4),
        reopen(4),
        close(4),
        ForgeCall::Comment { number: IssueNumber(4), text: "x".to_owned() },
        ForgeCall::MarkQuiet { number: IssueNumber(4), quiet: true },
        ForgeCall::MarkQuiet { number: IssueNumber(4), quiet: false },
    ];
    for call in lifecycle {
        forge.call(call).await;
    }

    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("requests.jsonl");
    let lines: Vec<Value> =
        server.state().requests.iter().filter(|request| !request.path.starts_with("/repositories/")).map(recorded).collect();
    assert!(lines.len() >= 15, "{lines:?}");
    std::fs::write(&path, as_lines(&lines)).unwrap();
    assert_eq!(emulator::check_requests(&path), "");

    for (pointer, wrong) in [("/path", json!("/repos/acme/shop/isues")), ("/query", json!([["per_page", "500"]])), ("/headers", json!([]))]
    {
        let mut spoilt = lines.clone();
        let list = spoilt.iter_mut().find(|line| line["path"] == ISSUES).unwrap();
        *list.pointer_mut(pointer).unwrap() = wrong;
        std::fs::write(&path, as_lines(&spoilt)).unwrap();
        assert_ne!(emulator::check_requests(&path), "", "{pointer}");
    }
    for wrong in [json!({ "title": "x", "boddy": "y" }), json!({ "body": "y" }), json!({ "title": "x", "labels": "bug" })] {
        let mut spoilt = lines.clone();
        spoilt.iter_mut().find(|line| line["path"] == ISSUES && line["method"] == "POST").unwrap()["body"] = json!(wrong.to_string());
        std::fs::write(&path, as_lines(&spoilt)).unwrap();
        assert_ne!(emulator::check_requests(&path), "", "{wrong}");
    }
}

fn forge(server: &FaultServer) -> Forge {
    forge_at(server.url(), Timeouts::default())
}

fn forge_at(url: &str, timeouts: Timeouts) -> Forge {
    fault_server::forge_at(url, timeouts, LeaseKind::None)
}

/// What GitHub answers to a create, more or less.
fn created_issue() -> Value {
    json!({
        "id": 9, "number": 7, "html_url": "https://github.test/acme/shop/issues/7", "state": "open", "user": { "login": BOT }, "labels": [],
        "repository_url": "https://api.github.test/repos/acme/shop",
    })
}

fn with(field: &str, value: Value) -> Value {
    let mut issue = created_issue();
    issue[field] = value;
    issue
}

fn inspect(number: u64) -> ForgeCall {
    ForgeCall::Inspect { number: IssueNumber(number) }
}

fn inspected(reply: ForgeReply) -> FoundIssue {
    let ForgeReply::Issue(found) = reply else { panic!("{reply:?}") };
    *found
}

fn reopen(number: u64) -> ForgeCall {
    ForgeCall::Reopen { number: IssueNumber(number), comment: "It came back.".to_owned() }
}

fn close(number: u64) -> ForgeCall {
    ForgeCall::Close { number: IssueNumber(number), comment: "Quiet for 14 days.".to_owned() }
}

fn marker(number: u8) -> Marker {
    Marker::read_all(&format!("<!-- healnode-sig-{number:032x} v1 -->"))[0]
}

fn draft(number: u8) -> IssueDraft {
    IssueDraft {
        title: "[Auto-Generated Error] ValueError: bad input".to_owned(),
        body: format!("{}<!-- healnode:begin -->\nOccurrences: 3\n<!-- healnode:end -->\n", marker(number).line(1, false)),
        labels: vec!["auto-generated".to_owned(), "bug".to_owned()],
    }
}

fn look(number: u8) -> ForgeCall {
    ForgeCall::Look { markers: vec![marker(number)] }
}

/// Files an issue about `number` past the forge.
fn file(server: &FaultServer, number: u8, login: &str, more: Value) -> IssueNumber {
    let issue = server.state().add(json!("title"), json!(draft(number).body), login, json!({}));
    let mut state = server.state();
    let issue_number = issue["number"].as_u64().expect("a number");
    let stored = state.issues.last_mut().expect("it was just added");
    for (key, value) in more.as_object().expect("an object") {
        stored[key] = value.clone();
    }
    IssueNumber(issue_number)
}

fn rename(server: &FaultServer, status: u16) {
    let mut state = server.state();
    state.old_name = Some(("acme/shop".to_owned(), status));
    state.repo = "acme/store".to_owned();
}

fn found(reply: ForgeReply) -> Vec<FoundIssue> {
    let ForgeReply::Found(found) = reply else { panic!("{reply:?}") };
    found
}

/// Returns the kind of a refusal, with the wait rounded up to 2, 30 or 60 s for a limit, and its sentence.
fn refusal(reply: ForgeReply) -> (String, String) {
    let ForgeReply::Refused(refusal) = reply else { panic!("{reply:?}") };
    let kind = match refusal.kind {
        RefusalKind::Limited { retry_after } => {
            let seconds = [1, 2, 30, 60].into_iter().rfind(|seconds| retry_after.as_secs_f64().ceil() as u64 >= *seconds);
            format!("limited {}", seconds.unwrap_or(0))
        }
        RefusalKind::Denied => "denied".to_owned(),
        RefusalKind::Invalid => "invalid".to_owned(),
        RefusalKind::Unleased => "unleased".to_owned(),
        RefusalKind::Unreachable => "unreachable".to_owned(),
        RefusalKind::Overtaken => "overtaken".to_owned(),
    };
    (kind, refusal.message)
}

/// One request in the form that `check.mjs` reads.
fn recorded(request: &fault_server::Request) -> Value {
    let (path, query) = request.path.split_once('?').unwrap_or((&request.path, ""));
    let query: Vec<Vec<&str>> = query.split('&').filter(|pair| !pair.is_empty()).map(|pair| pair.splitn(2, '=').collect()).collect();
    let body = if request.body.is_null() { Value::Null } else { json!(request.body.to_string()) };
    json!({ "method": request.method, "path": path, "query": query, "headers": request.headers, "body": body })
}

fn as_lines(lines: &[Value]) -> String {
    lines.iter().map(|line| format!("{line}\n")).collect()
}
