//! GitHub at its worst: for each fault, what the forge answers, and how many creates arrived.
//!
//! The answers are scripted by `fault_server`, so that each stands exactly where it hurts. What a well-behaved GitHub does is checked in
//! `contract.rs`.

#[path = "../../../tests/github/emulator.rs"]
mod emulator;
mod fault_server;

use std::time::Duration;

use fault_server::{BOT, Fault, FaultServer};
use healnode_core::{ForgeCall, ForgeHealth, ForgeReply, FoundIssue, IssueDraft, IssueNumber, Marker, RefusalKind};
use healnode_forge::{Credential, Forge, GitHub, GitHubConfig, Pace, Timeouts};
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
        Fault::ResetBefore,
        Fault::Answer(200, Vec::new(), json!([])),
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
        (422, no_headers(), message("Validation Failed"), "invalid"),
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
            other @ (ForgeReply::Found(_) | ForgeReply::Done | ForgeReply::Unclear { .. }) => panic!("{other:?}"),
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
async fn labels_are_made_once_and_a_refusal_to_make_them_blocks_nothing() {
    let server = FaultServer::start().await;
    let mut forge = forge(&server);
    server.state().labels.push("bug".to_owned());
    server.fail("POST /repos/acme/shop/labels", Fault::Answer(403, Vec::new(), json!({ "message": "Resource not accessible" })));
    assert_eq!(forge.check().await, ForgeHealth::Ready);
    assert_eq!(forge.check().await, ForgeHealth::Ready);
    assert_eq!(server.state().labels, ["bug", "auto-generated"]);
    assert_eq!(forge.check().await, ForgeHealth::Ready);
    assert_eq!(server.count("POST /repos/acme/shop/labels"), 2);
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
        reply @ (ForgeReply::Created(_) | ForgeReply::Found(_) | ForgeReply::Done | ForgeReply::Refused(_)) => reply,
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
    let config = GitHubConfig {
        repo: "acme/shop".parse().expect("a repository"),
        api_url: url.to_owned(),
        credential: Credential::Token("ghp_secret".parse().expect("a token")),
        node_id: "12D3KooWnode".to_owned(),
        labels: vec!["auto-generated".to_owned(), "bug".to_owned()],
        pace: Pace {
            between_writes: Duration::ZERO,
            between_creates: Duration::ZERO,
            creates_per_hour: 100,
            between_tries: Duration::from_millis(1),
        },
        timeouts,
    };
    Forge::GitHub(Box::new(GitHub::new(config).expect("a usable configuration")))
}

fn marker(number: u8) -> Marker {
    Marker::read_all(&format!("<!-- healnode-sig-{number:032x} v1 -->"))[0]
}

fn draft(number: u8) -> IssueDraft {
    IssueDraft {
        title: "[Auto-Generated Error] ValueError: bad input".to_owned(),
        body: format!("{}\n<!-- healnode:begin -->\nOccurrences: 3\n<!-- healnode:end -->\n", marker(number)),
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
        RefusalKind::Unreachable => "unreachable".to_owned(),
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
