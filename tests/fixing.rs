//! From the issue to a proposed fix: a real node, a real repository, real fixers, and the draft pull request on an emulator of GitHub.
#![allow(clippy::unwrap_used, reason = "what goes wrong here has to fail the test")]

#[path = "copilot/cli.rs"]
mod cli;
#[path = "github/emulator.rs"]
mod emulator;
mod harness;
#[path = "../crates/healnode-fixer/tests/model/mod.rs"]
mod model;
mod toy;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use emulator::Emulator;
use harness::{Site, TestNode};
use model::{Model, Step};
use serde_json::{Value, json};
use toy::Toy;

/// How long a whole fix may take, tests and model calls and a forge that is not to be hurried.
const FIX_PATIENCE: Duration = Duration::from_secs(180);

/// A node that files with the emulator, opens pull requests and looks for fixes of the toy, set up by `fix`, not yet started.
fn healer(site: &Site, github: &Emulator, toy: &Toy, fix: &str) -> TestNode {
    let forge = format!(
        "[forge]\nkind = \"github\"\nauto_issue = true\nauto_pr = true\nauto_heal = true\nrepo = {:?}\napi_url = {:?}\n",
        github.repo(),
        github.url()
    );
    let mut node = site.node_with_forge("a", &[], &forge, &section(toy, fix));
    node.set("HEALNODE_GITHUB_TOKEN", github.token());
    node
}

fn section(toy: &Toy, fix: &str) -> String {
    format!("[fix]\nrepository = {:?}\ntest = {:?}\nmin_occurrences = 3\n{fix}", toy.path(), toy.test)
}

/// Reports the toy's failure often enough, and returns its fingerprint.
fn fail(node: &TestNode, toy: &Toy) -> String {
    let answers: Vec<Value> = (0..3).map(|_| node.post(&toy.report()).unwrap()).collect();
    answers[0]["fingerprint"].as_str().unwrap().to_owned()
}

/// Waits until the fix of an error is as `is` says.
fn wait_for_fix(node: &TestNode, fingerprint: &str, what: &str, is: impl Fn(&Value) -> bool) -> Value {
    harness::wait_within(FIX_PATIENCE, what, || node.get(&format!("/v1/errors/{fingerprint}")).filter(|error| is(&error["fix"])))
}

/// Waits until the fix of an error has come to an end.
fn wait_for_end(node: &TestNode, fingerprint: &str) -> Value {
    wait_for_fix(node, fingerprint, "the end of the fix", |fix| matches!(fix["state"].as_str(), Some("published" | "failed")))
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

/// A script that mends the toy and says so.
fn mending(toy: &Toy) -> String {
    let mend = format!("#!/bin/sh\nset -e\nsed -i 's|{}|{}|' \"$1/{}\"\n", toy.bug, toy.mended, toy.file);
    let answer = "printf '{\"root_cause\":\"an empty list\",\"changes\":\"a guard\",\"files\":[],\"tests\":[\"no items\"]}' > \"$2\"\n";
    format!("{mend}{answer}")
}

/// Settings of a fixer that asks a model, with a key of its own in a file.
fn with_model(site: &Site, fixer: &str, model: &Model) -> String {
    let key = site.path().join("model-key");
    fs::write(&key, "sk-real\n").unwrap();
    format!("fixer = {fixer:?}\n[fix.provider]\nurl = {:?}\nmodel = \"any-name\"\nkey_file = {key:?}\n", model.base_url())
}

/// One edit of the toy by the Copilot CLI.
fn edit(toy: &Toy, old: &str, new: &str) -> Step {
    Step::tool("edit", json!({ "path": toy.file, "old_str": old, "new_str": new }))
}

fn submit(toy: &Toy, root_cause: &str) -> Step {
    let report = json!({ "root_cause": root_cause, "changes": "a guard", "files": [toy.file], "tests": ["no items"] });
    Step::tool("submit_fix_report", report)
}

/// Checks that the one draft pull request has the mended program, which passes its tests, and says how that came about.
fn check_published(github: &Emulator, toy: &Toy, error: &Value, fixer: &str) -> String {
    assert_eq!((&error["fix"]["state"], &error["fix"]["verdict"]), (&json!("published"), &json!("verified")), "{error}");
    let pulls = pulls(github);
    assert_eq!(pulls.len(), 1, "{pulls:?}");
    let (pull, number) = (&pulls[0], error["issue"]["number"].as_u64().unwrap());
    let branch = format!("auto-fix/issue-{number}-{}", toy.error_type.to_lowercase());
    assert_eq!(pull["head"]["ref"], branch.as_str());
    assert_eq!(pull["draft"], true);
    assert_eq!(pull["title"], format!("[Auto-Fix] Fix for issue #{number}: {}", toy.error_type));
    let body = pull["body"].as_str().unwrap();
    for part in [&format!("Closes #{number}"), toy.file, "## Proposed Fix", "verified", fixer, "`@acme/stock`", "Ann"] {
        assert!(body.contains(part), "{part} is not in\n{body}");
    }
    let labels: Vec<&str> = pull["labels"].as_array().unwrap().iter().filter_map(|label| label["name"].as_str()).collect();
    assert!(labels.contains(&"auto-generated") && labels.contains(&"needs-review"), "{labels:?}");
    assert!(toy.passes_on(github, &branch), "{}", toy::content(github, toy.file, &branch));
    assert!(!toy.passes_on(github, "main"));
    body.to_owned()
}

#[test]
fn a_program_of_the_operators_mends_a_bug_and_the_draft_pull_request_has_the_fix() {
    let Some(github) = Emulator::start() else { return };
    let site = Site::new();
    let toy = Toy::python(site.path(), Some(&github));
    let mut node = healer(&site, &github, &toy, &command(&script(&site, "mend", &mending(&toy))));
    node.start();
    let fingerprint = fail(&node, &toy);
    let error = wait_for_end(&node, &fingerprint);
    let body = check_published(&github, &toy, &error, "command");
    assert!(body.contains("an empty list") && body.contains("a guard"), "{body}");
    github.check_requests();

    let shown = String::from_utf8(node.run(&["show", &fingerprint]).stdout).unwrap();
    for part in ["published", "diff-policy", "tests-after", "an empty list", toy.mended] {
        assert!(shown.contains(part), "{part} is not in\n{shown}");
    }
}

#[test]
fn the_copilot_cli_mends_a_bug_in_python() {
    let (Some(github), Some(cli)) = (Emulator::start(), cli::cli()) else { return };
    let site = Site::new();
    let toy = Toy::python(site.path(), Some(&github));
    let model = Model::start(vec![edit(&toy, toy.bug, toy.mended), submit(&toy, "nothing to divide by")]);
    let mut node = healer(&site, &github, &toy, &with_model(&site, "copilot", &model));
    node.set("HEALNODE_COPILOT_BIN", cli.binary.to_str().unwrap());
    node.start();
    let fingerprint = fail(&node, &toy);
    let error = wait_for_end(&node, &fingerprint);
    let body = check_published(&github, &toy, &error, "Copilot CLI 1.0.102");
    assert!(body.contains("nothing to divide by"), "{body}");
    assert!(model.requests().iter().all(|request| request["headers"]["authorization"] == "Bearer sk-real"), "the proxy adds the key");
    assert!(!format!("{:?}", model.requests()).contains(github.token()), "the forge's token is no business of a model's");
}

#[test]
fn the_copilot_cli_mends_a_bug_in_rust_after_the_tests_have_failed_once() {
    let (Some(github), Some(cli)) = (Emulator::start(), cli::cli()) else { return };
    let site = Site::new();
    let toy = Toy::rust(site.path(), Some(&github));
    let steps = vec![
        edit(&toy, toy.bug, toy.wrong),
        submit(&toy, "off by one"),
        edit(&toy, toy.wrong, toy.mended),
        submit(&toy, "nothing to divide by"),
    ];
    let model = Model::start(steps);
    let mut node = healer(&site, &github, &toy, &with_model(&site, "copilot", &model));
    node.set("HEALNODE_COPILOT_BIN", cli.binary.to_str().unwrap());
    node.start();
    let fingerprint = fail(&node, &toy);
    let error = wait_for_end(&node, &fingerprint);
    let body = check_published(&github, &toy, &error, "Copilot CLI 1.0.102");
    assert!(body.contains("nothing to divide by") && !body.contains("off by one"), "{body}");
    let rounds = |stage: &str| error["fix"]["stages"].as_array().unwrap().iter().filter(|record| record["stage"] == stage).count();
    assert_eq!(rounds("fixer"), 2, "{error}");
}

#[test]
fn a_model_without_tools_mends_a_bug() {
    let Some(github) = Emulator::start() else { return };
    let site = Site::new();
    let toy = Toy::python(site.path(), Some(&github));
    let edits = json!([{ "path": toy.file, "old": toy.bug, "new": toy.mended }]);
    let answer = json!({ "root_cause": "nothing to divide by", "changes": "a guard", "files": [toy.file], "tests": [], "edits": edits });
    let model = Model::without_tools(vec![Step::text(&answer.to_string())]);
    let mut node = healer(&site, &github, &toy, &with_model(&site, "openai", &model));
    node.start();
    let fingerprint = fail(&node, &toy);
    let error = wait_for_end(&node, &fingerprint);
    check_published(&github, &toy, &error, "any-name at 127.0.0.1");
}

#[test]
fn a_hostile_fixer_leaves_nothing_but_one_comment_that_says_why() {
    let Some(github) = Emulator::start() else { return };
    let site = Site::new();
    let toy = Toy::python(site.path(), Some(&github));
    let ran = site.path().join("hook-ran");
    let hostile = format!(
        "#!/bin/sh\ncd \"$1\"\nmkdir -p .github/workflows .git/hooks\necho 'on: push' > .github/workflows/evil.yml\n\
         printf '#!/bin/sh\\ntouch {ran}\\n' > .git/hooks/pre-commit; chmod +x .git/hooks/pre-commit\n\
         git config core.fsmonitor 'touch {ran}'\ncat {token} > stolen\ntouch {ran}\n",
        ran = ran.display(),
        token = site.path().join("a/data/identity.key").display(),
    );
    let mut node = healer(&site, &github, &toy, &format!("{}rounds = 1\n", command(&script(&site, "hostile", &hostile))));
    node.start();
    let fingerprint = fail(&node, &toy);
    let error = wait_for_end(&node, &fingerprint);
    assert_eq!(error["fix"]["state"], "failed", "{error}");
    let last = error["fix"]["stages"].as_array().unwrap().last().unwrap().clone();
    assert_eq!((&last["stage"], &last["passed"]), (&json!("diff-policy"), &json!(false)), "{error}");
    assert!(!ran.exists(), "nothing of it ran, and nothing was written outside");

    let number = error["pull_request"]["number"].as_u64().unwrap();
    let comments = || {
        let path = format!("/repos/{}/issues/{number}/comments", github.repo());
        github.request("GET", &path, github.person_token(), None).1.as_array().unwrap().clone()
    };
    let told = harness::wait_for("the comment", || Some(comments()).filter(|comments| !comments.is_empty()));
    assert!(told[0]["body"].as_str().unwrap().contains("diff-policy"), "{told:?}");
    let branch = error["pull_request"]["number"].as_u64().map(|_| pulls(&github)[0]["head"]["ref"].as_str().unwrap().to_owned()).unwrap();
    assert_eq!(toy::content(&github, toy.file, &branch), toy::content(&github, toy.file, "main"));

    assert!(!node.run(&["fix", &fingerprint]).status.success(), "asked for again, it fails again");
    assert_eq!(comments().len(), 1, "and says so to nobody but whoever asked");
}

#[test]
fn a_dry_run_shows_the_fix_and_leaves_no_trace_of_it() {
    let site = Site::new();
    let toy = Toy::python(site.path(), None);
    let mut node = site.node("a", &[], &section(&toy, &command(&script(&site, "mend", &mending(&toy)))));
    node.start();
    let fingerprint = fail(&node, &toy);
    let output = node.run(&["fix", &fingerprint[..8]]);
    let shown = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{shown}{}", String::from_utf8_lossy(&output.stderr));
    for part in ["checkout", "context", "tests-before", "fixer 1", "diff-policy 1", "tests-after 1", "verified", "an empty list"] {
        assert!(shown.contains(part), "{part} is not in\n{shown}");
    }
    assert!(shown.contains(&format!("-{}", toy.bug)) && shown.contains(&format!("+{}", toy.mended)), "{shown}");
    assert!(fs::read_to_string(toy.path().join(toy.file)).unwrap().contains(toy.bug), "the repository is as it was");
    assert_eq!(fs::read_dir(node.data_dir().join("fix/work")).map(Iterator::count).unwrap_or_default(), 0, "no copy is left");
    assert!(!site.path().join("outbox/pulls").exists());
}

#[test]
fn whoever_asks_for_a_fix_that_is_being_looked_for_is_told_of_that_one() {
    let site = Site::new();
    let toy = Toy::python(site.path(), None);
    let slow = mending(&toy).replace("set -e\n", "set -e\nsleep 2\n");
    let mut node = site.node("a", &[], &section(&toy, &command(&script(&site, "mend", &slow))));
    node.start();
    let fingerprint = fail(&node, &toy);
    let ask = || String::from_utf8(node.run(&["fix", &fingerprint]).stdout).unwrap();
    std::thread::scope(|scope| {
        let first = scope.spawn(ask);
        wait_for_fix(&node, &fingerprint, "the first fix", |fix| fix["state"] == "working");
        let second = ask();
        assert!(second.contains("verified") && first.join().unwrap().contains("verified"), "{second}");
    });
}

#[test]
fn a_node_killed_at_any_stage_mends_afterwards_and_opens_one_pull_request() {
    std::thread::scope(|scope| {
        for stage in ["checkout", "fixer", "tests-after"] {
            scope.spawn(move || killed_at(stage));
        }
    });
}

fn killed_at(stage: &str) {
    let Some(github) = Emulator::start() else { return };
    let site = Site::new();
    let toy = Toy::python(site.path(), Some(&github));
    let slow = mending(&toy).replace("set -e\n", "set -e\nsleep 1\n");
    let mut node = healer(&site, &github, &toy, &command(&script(&site, "mend", &slow)));
    node.start();
    let fingerprint = fail(&node, &toy);
    wait_for_fix(&node, &fingerprint, stage, |fix| {
        fix["stages"].as_array().is_some_and(|stages| stages.iter().any(|record| record["stage"] == stage))
    });
    node.kill();
    node.start();
    let error = wait_for_end(&node, &fingerprint);
    check_published(&github, &toy, &error, "command");
    assert_eq!(fs::read_dir(node.data_dir().join("fix/work")).map(Iterator::count).unwrap_or_default(), 0, "no copy is left");
}

#[test]
fn without_a_fixer_a_draft_pull_request_says_where_to_look_and_is_made_once() {
    let site = Site::new();
    let toy = Toy::python(site.path(), None);
    let outbox = site.path().join("outbox");
    let forge = format!("[forge]\nauto_issue = true\nauto_pr = true\noutbox = {outbox:?}\n");
    let mut node = site.node_with_forge("a", &[], &forge, &section(&toy, ""));
    node.start();
    let pulls = || -> Vec<PathBuf> {
        let entries = fs::read_dir(outbox.join("pulls")).into_iter().flatten().flatten();
        entries.map(|entry| entry.path()).filter(|path| path.extension().is_some_and(|extension| extension == "md")).collect()
    };
    let fingerprint = fail(&node, &toy);
    let path = harness::wait_for("the pull request", || pulls().pop());
    let text = fs::read_to_string(&path).unwrap();
    for part in ["Closes #1", "inventory.py", "`@acme/stock`", "Ann", toy.bug.trim()] {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }

    node.kill();
    fs::write(&path, text.replace("state: open", "state: closed")).unwrap();
    node.start();
    fail(&node, &toy);
    let closed = |error: &Value| error["pull_request"]["state"] == "closed";
    harness::wait_for("its closing", || node.get(&format!("/v1/errors/{fingerprint}")).filter(closed));
    assert_eq!(pulls(), [path]);
}
