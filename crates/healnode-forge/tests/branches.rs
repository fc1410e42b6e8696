//! Branches that nobody needs any more: which are found, which are deleted, and which stay whatever a person asks.

mod fault_server;

use std::time::Duration;

use fault_server::{BOT, Fault, FaultServer};
use healnode_forge::{BranchFate, Forge, LeaseKind, Outbox, OutboxConfig, Tidying, Timeouts};
use serde_json::{Value, json};

const DAY_S: u64 = 24 * 3600;
const BOUND: Duration = Duration::from_secs(7 * DAY_S);
const OWN: &str = "Begin a fix\n\nHealnode-Signature: 1\n";
const DELETE: &str = "DELETE /repos/acme/shop/git/refs/heads/";

/// Makes a branch whose newest commit has this message and this age.
fn branch(server: &FaultServer, name: &str, message: &str, days: u64) {
    let mut state = server.state();
    let sha = state.push(name, message);
    let at = chrono::DateTime::from_timestamp((state.now() - days * DAY_S) as i64, 0).expect("a time");
    let commit = state.commits.get_mut(&sha).expect("a commit");
    commit["committer"] = json!({ "date": at.format("%Y-%m-%dT%H:%M:%SZ").to_string() });
}

fn pull(server: &FaultServer, branch: &str, login: &str, more: Value) {
    server.state().add_pull(branch, login, more);
}

async fn tidy(server: &FaultServer, delete: bool) -> Tidying {
    let mut forge = fault_server::forge_at(server.url(), Timeouts::default(), LeaseKind::None);
    forge.tidy_branches(BOUND, delete).await.expect("it is no folder")
}

fn fates(tidying: &Tidying) -> Vec<(&str, BranchFate)> {
    tidying.branches.iter().map(|branch| (branch.name.as_str(), branch.fate)).collect()
}

fn left(server: &FaultServer) -> Vec<String> {
    server.state().branches.heads.keys().cloned().collect()
}

/// One branch of each kind. The first three can go.
fn all_kinds(server: &FaultServer) {
    let closed = json!({ "state": "closed" });
    let merged = json!({ "state": "closed", "merged_at": "2026-01-01T00:00:00Z" });
    branch(server, "auto-fix/issue-1-closed", OWN, 8);
    pull(server, "auto-fix/issue-1-closed", BOT, closed.clone());
    branch(server, "auto-fix/issue-2-merged", OWN, 8);
    pull(server, "auto-fix/issue-2-merged", BOT, merged);
    branch(server, "auto-fix/issue-3-none", OWN, 8);
    branch(server, "auto-fix/issue-4-open", OWN, 400);
    pull(server, "auto-fix/issue-4-open", BOT, closed.clone());
    pull(server, "auto-fix/issue-4-open", "alice", json!({}));
    branch(server, "auto-fix/issue-5-people", "Mend it by hand", 400);
    pull(server, "auto-fix/issue-5-people", BOT, closed.clone());
    branch(server, "auto-fix/issue-6-young", OWN, 6);
    pull(server, "auto-fix/issue-6-young", BOT, closed);
    server.state().push("auto-fix/issue-7-undated", OWN);
    branch(server, "auto-fix/issue-8-base", OWN, 8);
    pull(server, "alice/on-top", "alice", json!({ "base": { "ref": "auto-fix/issue-8-base", "sha": "", "repo": { "id": 1 } } }));
    branch(server, "auto-fix/other", OWN, 400);
    branch(server, "feature", OWN, 400);
}

const KEPT: [(&str, BranchFate); 5] = [
    ("auto-fix/issue-4-open", BranchFate::OpenPull),
    ("auto-fix/issue-5-people", BranchFate::OfPeople),
    ("auto-fix/issue-6-young", BranchFate::Young),
    ("auto-fix/issue-7-undated", BranchFate::Undated),
    ("auto-fix/issue-8-base", BranchFate::OpenPullInto),
];

fn with_kept(first: BranchFate) -> Vec<(&'static str, BranchFate)> {
    let gone = ["auto-fix/issue-1-closed", "auto-fix/issue-2-merged", "auto-fix/issue-3-none"];
    gone.into_iter().map(|name| (name, first)).chain(KEPT).collect()
}

#[tokio::test]
async fn what_can_go_is_listed_and_nothing_is_deleted_unless_that_is_asked_for() {
    let server = FaultServer::start().await;
    all_kinds(&server);
    let before = left(&server);
    let tidying = tidy(&server, false).await;
    assert_eq!(fates(&tidying), with_kept(BranchFate::Stale));
    assert!(tidying.is_whole && tidying.trouble.is_none());
    assert_eq!((left(&server), server.count("DELETE ")), (before, 0));
    let pulls: Vec<_> = tidying.branches.iter().map(|branch| branch.pull.as_ref().map(|pull| pull.number.0)).collect();
    assert_eq!(pulls[..4], [Some(101), Some(102), None, Some(104)]);
}

#[tokio::test]
async fn only_what_nobody_needs_is_deleted() {
    let server = FaultServer::start().await;
    all_kinds(&server);
    let tidying = tidy(&server, true).await;
    assert_eq!(fates(&tidying), with_kept(BranchFate::Deleted));
    let kept: Vec<&str> = KEPT.iter().map(|(name, _)| *name).chain(["auto-fix/other", "feature"]).collect();
    assert_eq!(left(&server), kept);
    assert_eq!(server.count("DELETE "), 3);
    assert_eq!(fates(&tidy(&server, true).await), KEPT);
}

#[tokio::test]
async fn a_server_that_tells_no_time_has_no_old_branches() {
    let server = FaultServer::start().await;
    branch(&server, "auto-fix/issue-3-none", OWN, 400);
    server.state().tells_no_date = true;
    assert_eq!(fates(&tidy(&server, true).await), [("auto-fix/issue-3-none", BranchFate::Undated)]);
    assert_eq!(left(&server).len(), 1);
}

#[tokio::test]
async fn a_branch_that_a_rule_protects_stays_and_the_next_one_goes() {
    let server = FaultServer::start().await;
    branch(&server, "auto-fix/issue-1-a", OWN, 8);
    branch(&server, "auto-fix/issue-2-b", OWN, 8);
    let rule = json!({ "message": "Repository rule violations found" });
    server.fail(DELETE, Fault::Answer(422, Vec::new(), rule));
    let tidying = tidy(&server, true).await;
    assert_eq!(fates(&tidying), [("auto-fix/issue-1-a", BranchFate::Protected), ("auto-fix/issue-2-b", BranchFate::Deleted)]);
}

#[tokio::test]
async fn a_deletion_that_is_refused_ends_it_and_says_what_is_missing() {
    let server = FaultServer::start().await;
    branch(&server, "auto-fix/issue-1-a", OWN, 8);
    branch(&server, "auto-fix/issue-2-b", OWN, 8);
    server.fail(DELETE, Fault::Answer(403, Vec::new(), json!({ "message": "Resource not accessible by personal access token" })));
    let tidying = tidy(&server, true).await;
    assert!(tidying.trouble.as_ref().is_some_and(|why| why.contains("Contents: read and write")), "{tidying:?}");
    assert!(!tidying.is_whole && tidying.branches.is_empty());
    assert_eq!(left(&server).len(), 2);
}

#[tokio::test]
async fn pull_requests_that_cannot_be_listed_keep_every_branch() {
    let server = FaultServer::start().await;
    branch(&server, "auto-fix/issue-1-a", OWN, 8);
    for _try in 0..5 {
        server.fail("GET /repos/acme/shop/pulls", Fault::Answer(200, Vec::new(), json!({ "message": "try later" })));
    }
    let tidying = tidy(&server, true).await;
    assert!(tidying.trouble.is_some() && tidying.branches.is_empty());
    assert_eq!((left(&server).len(), server.count("DELETE ")), (1, 0));
}

#[tokio::test]
async fn a_folder_has_no_branches() {
    let dir = tempfile::tempdir().expect("a folder");
    let config = OutboxConfig { dir: dir.path().to_owned(), bot: "12D3KooWnode".to_owned(), approval_label: String::new() };
    let mut forge = Forge::Outbox(Outbox::new(config).expect("a path"));
    assert_eq!(forge.tidy_branches(BOUND, true).await, None);
}
