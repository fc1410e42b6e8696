//! From the issue to a proposed fix: a real node, a real repository, real fixers, and the draft pull request on an emulator of GitHub.
#![allow(clippy::unwrap_used, reason = "what goes wrong here has to fail the test")]

#[path = "github/emulator.rs"]
mod emulator;
mod harness;
mod toy;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use emulator::Emulator;
use harness::{Site, TestNode};
use serde_json::Value;
use toy::Toy;

/// A node that files with the emulator, opens pull requests and looks for fixes of the toy, set up by `fix`.
fn healer(site: &Site, github: &Emulator, toy: &Toy, fix: &str) -> TestNode {
    let forge = format!(
        "[forge]\nkind = \"github\"\nauto_issue = true\nauto_pr = true\nauto_heal = true\nrepo = {:?}\napi_url = {:?}\n",
        github.repo(),
        github.url()
    );
    let fix = format!("[fix]\nrepository = {:?}\ntest = {}\nmin_occurrences = 3\n{fix}", toy.path(), toy::TEST_COMMAND);
    let mut node = site.node_with_forge("a", &[], &forge, &fix);
    node.set("HEALNODE_GITHUB_TOKEN", github.token());
    node.start();
    node
}

/// Reports the toy's failure often enough, and returns its fingerprint.
fn fail(node: &TestNode) -> String {
    let answers: Vec<Value> = (0..3).map(|_| node.post(&toy::report()).unwrap()).collect();
    answers[0]["fingerprint"].as_str().unwrap().to_owned()
}

/// Waits until the fix of an error has come to an end.
fn wait_for_end(node: &TestNode, fingerprint: &str) -> Value {
    harness::wait_within(std::time::Duration::from_secs(120), "the end of the fix", || {
        let error = node.get(&format!("/v1/errors/{fingerprint}"))?;
        let ended = matches!(error["fix"]["state"].as_str(), Some("published" | "failed"));
        ended.then_some(error)
    })
}

/// The pull requests on the emulator, of any state.
fn pulls(github: &Emulator) -> Vec<Value> {
    let (status, pulls) = github.request("GET", &format!("/repos/{}/pulls?state=all", github.repo()), github.person_token(), None);
    assert_eq!(status, 200, "{pulls}");
    pulls.as_array().unwrap().clone()
}

/// Writes an executable script into a folder of scripts.
fn script(site: &Site, name: &str, text: &str) -> PathBuf {
    let path = site.path().join("scripts").join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path
}

/// Settings of the fixer `command` with a script, which it may read.
fn command(script: &Path) -> String {
    format!("fixer = \"command\"\ncommand = [{script:?}, \"{{work}}\", \"{{report_file}}\"]\nreadable = [{:?}]\n", script.parent().unwrap())
}

/// Checks that the one draft pull request has the mended program, which passes its tests, and says how that came about.
fn check_published(github: &Emulator, error: &Value, fixer: &str) {
    assert_eq!(error["fix"]["state"], "published", "{error}");
    assert_eq!(error["fix"]["verdict"], "verified", "{error}");
    let pulls = pulls(github);
    assert_eq!(pulls.len(), 1, "{pulls:?}");
    let (pull, number) = (&pulls[0], error["issue"]["number"].as_u64().unwrap());
    let branch = format!("auto-fix/issue-{number}-zerodivisionerror");
    assert_eq!(pull["head"]["ref"], branch.as_str());
    assert_eq!(pull["draft"], true);
    assert_eq!(pull["title"], format!("[Auto-Fix] Fix for issue #{number}: ZeroDivisionError"));
    let body = pull["body"].as_str().unwrap();
    for part in [&format!("Closes #{number}"), "inventory.py", "## Proposed Fix", "verified", fixer, "`@acme/stock`", "Ann"] {
        assert!(body.contains(part), "{part} is not in\n{body}");
    }
    assert!(toy::passes_on(github, &branch), "{}", toy::content(github, "inventory.py", &branch));
    assert!(!toy::passes_on(github, "main"));
}

#[test]
fn a_program_of_the_operators_mends_a_bug_and_the_draft_pull_request_has_the_fix() {
    let Some(github) = Emulator::start() else { return };
    let site = Site::new();
    let toy = Toy::new(site.path(), Some(&github));
    let mend = format!("#!/bin/sh\nset -e\nsed -i 's|{}|{}|' \"$1/inventory.py\"\n", toy::BUG, toy::MENDED);
    let answer = "printf '{\"root_cause\":\"an empty list\",\"changes\":\"a guard\",\"files\":[\"inventory.py\"],\"tests\":[\"no items\"]}' > \"$2\"\n";
    let node = healer(&site, &github, &toy, &command(&script(&site, "mend", &format!("{mend}{answer}"))));
    let fingerprint = fail(&node);
    let error = wait_for_end(&node, &fingerprint);
    check_published(&github, &error, "command");
    let body = pulls(&github)[0]["body"].as_str().unwrap().to_owned();
    assert!(body.contains("an empty list") && body.contains("a guard"), "{body}");
    github.check_requests();
}
