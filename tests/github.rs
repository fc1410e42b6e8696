//! The main job on GitHub, as far as it goes without GitHub: real nodes file with a stateful emulator of its API.
#![allow(clippy::unwrap_used, reason = "what goes wrong here has to fail the test")]

#[path = "github/emulator.rs"]
mod emulator;
mod harness;

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;

use emulator::Emulator;
use harness::{Site, TestNode, wait_for};

/// Sets up nodes that file with the emulator; all but the first know only the first.
fn mesh(site: &Site, github: &Emulator, names: &[&str]) -> Vec<TestNode> {
    let forge = format!("[forge]\nkind = \"github\"\nauto_issue = true\nrepo = {:?}\napi_url = {:?}\n", github.repo(), github.url());
    harness::mesh_of(names, |name, bootstrap| {
        let mut node = site.node_with_forge(name, bootstrap, &forge, "");
        node.set("HEALNODE_GITHUB_TOKEN", github.token());
        node
    })
}

#[test]
fn three_nodes_file_one_issue_on_github_and_keep_its_counts_true() {
    let Some(github) = Emulator::start() else { return };
    let site = Site::new();
    let nodes = mesh(&site, &github, &["a", "b", "c"]);
    let fingerprint = harness::report_on_each(&nodes, "ValueError", "cannot parse row 17");
    for node in &nodes {
        let error = node.wait_for_issue(&fingerprint);
        assert_eq!(error["occurrences"], 3);
    }
    let issues = github.issues();
    assert_eq!(issues.len(), 1, "{issues:?}");
    let issue = &issues[0];
    assert_eq!(issue["title"], "[Auto-Generated Error] ValueError: cannot parse row 17");
    assert_eq!(issue["user"]["login"], github.login());
    let labels: Vec<&str> = issue["labels"].as_array().unwrap().iter().filter_map(|label| label["name"].as_str()).collect();
    assert_eq!(labels, ["auto-generated", "bug"]);
    assert!(issue["body"].as_str().unwrap().starts_with(&format!("<!-- healnode-sig-{} v1 -->\n", &fingerprint[..32])));

    for _ in 0..3 {
        nodes[0].report("ValueError", "cannot parse row 18");
    }
    let number = issue["number"].as_u64().unwrap();
    harness::wait_for("the new count on the issue", || {
        github.issue(number)["body"].as_str().unwrap().contains("**Occurrences:** 6 across 3 nodes").then_some(())
    });
    assert_eq!(github.issues().len(), 1);
    github.check_requests();
}

#[test]
fn a_node_that_lost_its_disk_adopts_the_issue_instead_of_filing_again() {
    let Some(github) = Emulator::start() else { return };
    let site = Site::new();
    let first = mesh(&site, &github, &["a"]);
    let fingerprint = first[0].report_times(3, "ValueError", "filed before");
    first[0].wait_for_issue(&fingerprint);
    drop(first);

    let second = mesh(&site, &github, &["b"]);
    second[0].report_times(3, "ValueError", "filed before");
    let error = second[0].wait_for_issue(&fingerprint);
    assert_eq!(error["issue"]["number"], github.issues()[0]["number"]);
    assert_eq!(github.issues().len(), 1);
}

#[test]
fn a_duplicate_of_the_bots_own_is_closed_and_a_persons_issue_is_left_alone() {
    let Some(github) = Emulator::start() else { return };
    let site = Site::new();
    let nodes = mesh(&site, &github, &["a"]);
    let fingerprint = nodes[0].report_times(3, "ValueError", "twice");
    let kept = nodes[0].wait_for_issue(&fingerprint)["issue"]["number"].as_u64().unwrap();
    let copy = serde_json::json!({ "title": "again", "body": format!("<!-- healnode-sig-{} v1 -->\ncopy", &fingerprint[..32]), "labels": ["auto-generated"] });
    let path = format!("/repos/{}/issues", github.repo());
    let (_, duplicate) = github.request("POST", &path, github.token(), Some(&copy));
    let (_, persons) = github.request("POST", &path, github.person_token(), Some(&copy));
    let number = |issue: &serde_json::Value| issue["number"].as_u64().unwrap();
    harness::wait_for("the closing of the duplicate", || (github.issue(number(&duplicate))["state"] == "closed").then_some(()));
    assert_eq!(github.issue(kept)["state"], "open");
    assert_eq!(github.issue(number(&persons))["state"], "open");
}

/// A GitHub that answers nobody, and a `gh` that has a token, with a node that would use both.
struct Untouched {
    site: Site,
    github: TcpListener,
}

impl Untouched {
    fn new() -> Self {
        let (site, github) = (Site::new(), TcpListener::bind("127.0.0.1:0").unwrap());
        github.set_nonblocking(true).unwrap();
        let gh = site.path().join("gh");
        fs::write(&gh, "#!/bin/sh\necho \"$*\" >> \"$0.calls\"\necho gho_fromTheFakeProgram0123456789abcdefgh\n").unwrap();
        fs::set_permissions(&gh, fs::Permissions::from_mode(0o755)).unwrap();
        Self { site, github }
    }

    fn node(&self, auto_issue: bool, flags: &[&str]) -> TestNode {
        let address = self.github.local_addr().unwrap();
        let forge =
            format!("[forge]\nkind = \"github\"\nauto_issue = {auto_issue}\nrepo = \"acme/shop\"\napi_url = \"http://{address}\"\n");
        let mut node = self.site.node_with_forge("a", &[], &forge, "");
        node.set("PATH", &format!("{}:{}", self.site.path().display(), std::env::var("PATH").unwrap()));
        node.start_with(flags);
        node
    }

    fn is_asked(&self) -> bool {
        self.github.accept().is_ok()
    }

    fn is_gh_called(&self) -> bool {
        self.site.path().join("gh.calls").exists()
    }
}

#[test]
fn with_filing_off_nothing_is_sent_and_no_token_is_looked_for() {
    let untouched = Untouched::new();
    let node = untouched.node(false, &[]);
    let fingerprint = node.report_times(3, "ValueError", "seen often enough");
    // Due, and a bundle later still nobody's to file.
    wait_for("the error to be due", || node.error(&fingerprint).filter(|error| error["state"] == "due"));
    let next_bundle = node.ask(&["status"])["next_bundle"].clone();
    wait_for("another bundle", || (node.ask(&["status"])["next_bundle"] != next_bundle).then_some(()));
    assert_eq!(node.ask(&["status"])["forge"]["state"], "filing is off (auto_issue = false)");
    assert!(!untouched.is_asked() && !untouched.is_gh_called());
}

#[test]
fn a_dry_run_sends_nothing_and_tells_what_it_would_file() {
    let untouched = Untouched::new();
    let node = untouched.node(true, &["--dry-run"]);
    let fingerprint = node.report_times(3, "ValueError", "seen often enough");
    wait_for("the error to be due", || node.error(&fingerprint).filter(|error| error["state"] == "due"));
    let title = "[Auto-Generated Error] ValueError: seen often enough";
    wait_for("the word in the log", || node.log().contains(&format!("{title:?}")).then_some(()));
    let why = node.ask(&["why", &fingerprint])["reasons"].to_string();
    assert!(why.contains(&format!("number 1 in line to file it, as: {title}")) && why.contains("this is a dry run"), "{why}");
    assert_eq!(node.ask(&["status"])["forge"]["state"], "this is a dry run, so nothing is filed");
    assert!(!untouched.is_asked() && !untouched.is_gh_called());
}

#[test]
fn a_dry_run_does_not_stand_in_the_way_of_a_node_that_files() {
    let site = Site::new();
    let mut dry = site.node("a", &[], "");
    dry.start_with(&["--dry-run"]);
    let mut filer = site.node("b", &[dry.address()], "");
    filer.start();
    filer.wait_for_peers(1);
    dry.wait_for_peers(1);
    let fingerprint = dry.report_times(3, "ValueError", "seen by both");
    filer.wait_for_issue(&fingerprint);
    dry.wait_for_issue(&fingerprint);
    assert_eq!(site.issues().len(), 1);
}

#[test]
fn with_filing_on_the_same_node_looks_for_a_token_and_asks_github() {
    let untouched = Untouched::new();
    let _node = untouched.node(true, &[]);
    wait_for("a request", || untouched.is_asked().then_some(()));
    assert!(untouched.is_gh_called());
}
