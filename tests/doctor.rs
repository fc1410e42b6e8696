//! `healnode doctor` from outside: the real binary beside real nodes, and what it says of each thing that can be wrong.
#![allow(clippy::unwrap_used, reason = "what goes wrong here has to fail the test")]

#[path = "github/emulator.rs"]
mod emulator;
mod harness;
mod toy;

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::SystemTime;

use emulator::Emulator;
use harness::{Site, TestNode, wait_for};
use serde_json::{Value, json};
use toy::Toy;

/// What doctor found, and its exit code.
struct Diagnosis {
    code: i32,
    json: Value,
}

impl Diagnosis {
    fn of(node: &TestNode) -> Self {
        let output = node.run(&["doctor", "--json"]);
        let json = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)));
        Self { code: output.status.code().unwrap(), json }
    }

    /// Returns the findings of one area at one level, what and mend together.
    fn at(&self, area: &str, level: &str) -> Vec<String> {
        let findings = self.json["findings"].as_array().unwrap().iter();
        let findings = findings.filter(|finding| finding["area"] == area && finding["level"] == level);
        findings.map(|finding| format!("{} {}", finding["what"].as_str().unwrap(), finding["mend"].as_str().unwrap_or_default())).collect()
    }

    /// Checks that something was found that says this.
    fn says(&self, area: &str, level: &str, part: &str) {
        assert!(self.at(area, level).iter().any(|text| text.contains(part)), "no {level} of {area} says {part}: {:#}", self.json);
    }

    /// Checks the exit code against the levels, and that errors are where they should be and nowhere else.
    fn has_errors_in(&self, areas: &[&str]) {
        let findings = self.json["findings"].as_array().unwrap().iter();
        let mut errors: Vec<&str> =
            findings.filter(|finding| finding["level"] == "error").map(|finding| finding["area"].as_str().unwrap()).collect();
        errors.dedup();
        assert_eq!(errors, areas, "{:#}", self.json);
        assert_eq!(self.code, i32::from(!areas.is_empty()), "{:#}", self.json);
    }
}

/// Returns a port on which nobody listens.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Returns every file below a folder, with its content, permissions and time of change.
fn tree(dir: &Path) -> BTreeMap<PathBuf, (Vec<u8>, u32, SystemTime)> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        let about = fs::symlink_metadata(&path).unwrap();
        if about.is_dir() {
            found.extend(tree(&path));
        }
        let content = if about.is_file() { fs::read(&path).unwrap() } else { Vec::new() };
        found.insert(path, (content, about.mode(), about.modified().unwrap()));
    }
    found
}

/// Starts a node and waits until it knows that it can file.
fn start(node: &mut TestNode) {
    node.start();
    wait_for("a forge that is ready", || (node.ask(&["status"])["can_file"] == true).then_some(()));
}

fn write(path: &Path, text: &str, mode: u32) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn beside_a_healthy_node_nothing_is_wrong() {
    let site = Site::new();
    let mut node = site.node("a", &[], "");
    start(&mut node);
    let found = Diagnosis::of(&node);
    found.has_errors_in(&[]);
    found.says("identity", "ok", &node.peer_id());
    found.says("socket", "ok", "answers at");
    found.says("mesh", "ok", "alone, as it is told to be");
    found.says("forge", "ok", "can file into");
    found.says("lease", "ok", "lock file");
    assert_eq!(found.json["overall"], "ok", "{:#}", found.json);
    assert!(found.json["findings"].as_array().unwrap().iter().all(|finding| finding["area"] != "fix"), "nobody looks for fixes");

    let text = node.run(&["doctor"]);
    let text = (text.status.code(), String::from_utf8(text.stdout).unwrap());
    assert!(text.0 == Some(0) && text.1.ends_with("\n\nnothing is wrong\n"), "{text:?}");
}

#[test]
fn every_finding_has_the_same_fields_and_says_how_to_mend_what_is_not_well() {
    let site = Site::new();
    let node = site.node("a", &[format!("/ip4/127.0.0.1/tcp/{}", free_port())], "");
    let found = Diagnosis::of(&node);
    assert_eq!(found.json.as_object().unwrap().keys().collect::<Vec<_>>(), ["findings", "overall"]);
    assert_eq!(found.json["overall"], "warning");
    for finding in found.json["findings"].as_array().unwrap() {
        assert_eq!(finding.as_object().unwrap().keys().collect::<Vec<_>>(), ["area", "level", "mend", "what"]);
        assert_eq!(finding["mend"].is_null(), finding["level"] == "ok", "{finding}");
    }
}

#[test]
fn without_a_node_it_looks_and_leaves_everything_as_it_was() {
    let site = Site::new();
    let mut node = site.node("a", &[], "");
    fs::create_dir(site.path().join("outbox")).unwrap();
    fs::write(site.path().join("outbox/notes.txt"), "mine").unwrap();
    let before = tree(site.path());
    let found = Diagnosis::of(&node);
    found.has_errors_in(&[]);
    found.says("socket", "warning", "healnode run");
    found.says("store", "ok", "not there yet");
    found.says("identity", "ok", "the first `healnode run` makes one");
    assert_eq!(tree(site.path()), before, "nothing is made");

    start(&mut node);
    node.report_times(3, "ValueError", "counted");
    wait_for("the issue", || (site.issues().len() == 1).then_some(()));
    let id = node.peer_id();
    node.stop();
    node.report("ValueError", "kept for later");
    let before = tree(&node.data_dir());
    let found = Diagnosis::of(&node);
    found.has_errors_in(&[]);
    found.says("store", "ok", "no node has it open");
    found.says("store", "warning", "1 report waits on disk");
    found.says("identity", "ok", &id);
    found.says("forge", "ok", "Issues can be written");
    assert_eq!(tree(&node.data_dir()), before, "the data directory is left alone");
}

#[test]
fn a_socket_that_was_left_over_is_told_from_a_running_node() {
    let site = Site::new();
    let mut node = site.node("a", &[], "");
    node.start();
    node.kill();
    let found = Diagnosis::of(&node);
    found.has_errors_in(&[]);
    found.says("socket", "warning", "left over");
}

#[test]
fn a_node_that_holds_the_store_but_not_this_socket_is_found() {
    let site = Site::new();
    let mut node = site.node("a", &[], "");
    node.start();
    let pid = format!("process {}", node.pid());
    let elsewhere = node.run(&["--socket", "/nonexistent/healnode.sock", "doctor", "--json"]);
    let found = Diagnosis { code: elsewhere.status.code().unwrap(), json: serde_json::from_slice(&elsewhere.stdout).unwrap() };
    found.has_errors_in(&["store"]);
    found.says("store", "error", &pid);
}

#[test]
fn an_address_to_join_through_at_which_nobody_listens_is_named() {
    let site = Site::new();
    let address = format!("/ip4/127.0.0.1/tcp/{}", free_port());
    let mut node = site.node("a", &[address.clone(), "/dns4/nowhere.invalid/tcp/4801".to_owned()], "");
    start(&mut node);
    let found = Diagnosis::of(&node);
    found.has_errors_in(&[]);
    found.says("mesh", "warning", &format!("{address}: the machine is there, but nothing listens"));
    found.says("mesh", "warning", "nowhere.invalid/tcp/4801: the name cannot be resolved");
    found.says("mesh", "warning", "connected with nobody");
}

#[test]
fn connected_nodes_find_each_other_well() {
    let site = Site::new();
    let nodes = site.mesh(&["a", "b"], "");
    for node in &nodes {
        wait_for("a forge that is ready", || (node.ask(&["status"])["can_file"] == true).then_some(()));
        let found = Diagnosis::of(node);
        found.has_errors_in(&[]);
        found.says("mesh", "ok", "connected with 1 node of the 1");
        assert_eq!(found.at("mesh", "warning"), Vec::<String>::new());
    }
}

#[test]
fn networks_that_cannot_talk_are_told_apart_from_machines_that_are_down() {
    let site = Site::new();
    let with_key = |name: &str, key: &str, bootstrap: &[String]| {
        let mut node = site.node(name, bootstrap, "");
        if !key.is_empty() {
            let path = site.path().join(format!("{key}.key"));
            if !path.exists() {
                write(&path, &String::from_utf8(node.run(&["swarm-key"]).stdout).unwrap(), 0o600);
            }
            node.set("HEALNODE_MESH_SWARM_KEY", path.to_str().unwrap());
        }
        start(&mut node);
        node
    };
    let private = with_key("a", "one", &[]);
    let open = with_key("b", "", &[]);

    let other_key = with_key("c", "other", &[private.address()]);
    let found = Diagnosis::of(&other_key);
    found.has_errors_in(&[]);
    found.says("mesh", "warning", "Most likely its swarm key is another one");

    let no_key = with_key("d", "", &[private.address()]);
    let found = Diagnosis::of(&no_key);
    found.has_errors_in(&["mesh"]);
    found.says("mesh", "error", "it belongs to a private network");

    let needless_key = with_key("e", "one", &[open.address()]);
    let found = Diagnosis::of(&needless_key);
    found.has_errors_in(&["mesh"]);
    found.says("mesh", "error", "it has no swarm key");

    let fingerprint = |node: &TestNode| Diagnosis::of(node).at("mesh", "ok").into_iter().find(|text| text.contains("fingerprint")).unwrap();
    assert_eq!(fingerprint(&private), fingerprint(&needless_key));
    assert_ne!(fingerprint(&private), fingerprint(&other_key));
}

#[test]
fn a_port_that_another_program_uses_is_found_before_the_start() {
    let site = Site::new();
    let mut node = site.node("a", &[], "");
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    node.set("HEALNODE_MESH_LISTEN", &format!("/ip4/127.0.0.1/tcp/{}", taken.local_addr().unwrap().port()));
    let found = Diagnosis::of(&node);
    found.has_errors_in(&["mesh"]);
    found.says("mesh", "error", "cannot listen on");
}

#[test]
fn a_token_that_everybody_can_read_is_told_and_not_shown() {
    let site = Site::new();
    let token = site.path().join("token");
    write(&token, "ghp_Zq7Kd02LmPx9TwR4bVnYc81HsGfJe6UaQo35\n", 0o644);
    let nobody = format!("http://127.0.0.1:{}", free_port());
    let forge =
        format!("[forge]\nkind = \"github\"\nauto_issue = true\nrepo = \"acme/shop\"\napi_url = {nobody:?}\ntoken_file = {token:?}\n");
    let mut node = site.node_with_forge("a", &[], &forge, "");
    node.set("HTTPS_PROXY", "http://user:hunter2@proxy.example:3128");
    let found = Diagnosis::of(&node);
    found.has_errors_in(&["forge"]);
    found.says("token", "warning", &format!("chmod 600 {}", token.display()));
    found.says("forge", "error", &format!("connection from this machine to {nobody}"));
    found.says("proxy", "warning", "HTTPS_PROXY is set");
    let text = found.json.to_string() + &String::from_utf8(node.run(&["-vv", "doctor"]).stdout).unwrap();
    assert!(!text.contains("ghp_") && !text.contains("hunter2"), "{text}");
}

#[test]
fn where_applications_deliver_is_told_and_a_proxy_in_their_way_is_a_warning() {
    let site = Site::new();
    let mut node = site.node_with_door("a", "127.0.0.1:0");
    start(&mut node);
    let door = node.ask(&["status"])["ingest"]["http"].as_str().unwrap().to_owned();
    for name in ["HTTP_PROXY", "ALL_PROXY", "all_proxy", "NO_PROXY", "SENTRY_DSN", "OTEL_EXPORTER_OTLP_ENDPOINT"] {
        node.set(name, "");
    }
    node.set("http_proxy", "http://user:hunter2@proxy.example:3128");
    let found = Diagnosis::of(&node);
    found.has_errors_in(&[]);
    found.says("ingest", "ok", &format!("SENTRY_DSN=http://hn@{door}/billing-api/1"));
    found.says("ingest", "warning", "http_proxy is set and does not spare 127.0.0.1");
    assert!(!found.json.to_string().contains("hunter2"));
    node.set("no_proxy", "127.0.0.1,localhost");
    let found = Diagnosis::of(&node);
    assert_eq!(found.at("ingest", "warning"), Vec::<String>::new());
    found.says("ingest", "ok", "SDKs of Sentry for Rust");
}

#[test]
fn on_github_account_rights_labels_and_budget_are_told_and_nothing_is_changed() {
    let Some(github) = Emulator::start() else { return };
    let site = Site::new();
    let forge = format!("[forge]\nkind = \"github\"\nauto_issue = true\nrepo = {:?}\napi_url = {:?}\n", github.repo(), github.url());
    let mut node = site.node_with_forge("a", &[], &forge, "");
    node.set("HEALNODE_GITHUB_TOKEN", github.token());
    let found = Diagnosis::of(&node);
    found.has_errors_in(&[]);
    found.says("token", "ok", &format!("the environment variable HEALNODE_GITHUB_TOKEN; issues are filed as {}", github.login()));
    found.says("token", "ok", "may write issues, labels, git refs");
    found.says("token", "ok", "requests are left this hour");
    found.says("forge", "ok", &format!("{} is there, public, and takes issues", github.repo()));
    found.says("forge", "ok", "These labels are missing, and the node makes them at its start: auto-generated");
    found.says("lease", "ok", "refs/healnode/lease");
    found.says("clock", "ok", "agrees");
    assert!(!found.json.to_string().contains(github.token()));
    assert!(github.requests().iter().all(|request| request["method"] == "GET"), "{:?}", github.requests());
    github.check_requests();

    start(&mut node);
    let found = Diagnosis::of(&node);
    found.has_errors_in(&[]);
    found.says("forge", "ok", "has the labels that issues carry");
    found.says("forge", "ok", "the running node can file into");
}

#[test]
fn on_github_a_wrong_name_and_an_app_without_its_rights_are_told() {
    let Some(github) = Emulator::start() else { return };
    let site = Site::new();
    let forge = |repo: &str, more: &str| {
        format!("[forge]\nkind = \"github\"\nauto_issue = true\nrepo = {repo:?}\napi_url = {:?}\n{more}", github.url())
    };
    let mut lost = site.node_with_forge("a", &[], &forge("acme/nowhere", ""), "");
    lost.set("HEALNODE_GITHUB_TOKEN", github.token());
    let found = Diagnosis::of(&lost);
    found.has_errors_in(&["forge"]);
    found.says("forge", "error", "Correct forge.repo");

    let app = github.app();
    let key = site.path().join("app.pem");
    write(&key, &app.key_pem, 0o600);
    let settings = format!("[forge.app]\nid = {}\ninstallation = {}\nkey_file = {key:?}\n", app.id, app.installation);
    let found = Diagnosis::of(&site.node_with_forge("b", &[], &forge(github.repo(), &settings), ""));
    found.has_errors_in(&[]);
    found.says("token", "ok", &format!("a GitHub App, from the key file {}; issues are filed as {}", key.display(), app.login));
    found.says("token", "ok", "may write issues, labels; it may not write git refs");
    found.says("lease", "ok", "by labels, for the token may not write");
    github.check_requests();
}

#[test]
fn what_is_wrong_with_a_repository_and_a_token_is_told_one_by_one() {
    let headers =
        "date: Thu, 01 Jan 2026 00:00:00 GMT\r\nx-oauth-scopes: gist\r\ngithub-authentication-token-expiration: 2026-01-02 00:00:00 UTC";
    let repository =
        json!({ "full_name": "acme/store", "archived": true, "has_issues": false, "private": true, "permissions": { "pull": true } });
    let rate = json!({ "resources": { "core": { "limit": 5000, "remaining": 3, "reset": 1 } } });
    let url = scripted(move |path| match path {
        "/user" => (200, headers, json!({ "login": "healer" })),
        "/rate_limit" => (200, headers, rate.clone()),
        "/repos/acme/shop" => (301, "location: /repositories/7", Value::Null),
        "/repositories/7" => (200, headers, repository.clone()),
        _ => (404, headers, Value::Null),
    });
    let found = Diagnosis::of(&with_token(&Site::new(), &url));
    found.has_errors_in(&["forge", "token"]);
    found.says("token", "warning", "expires within a day");
    found.says("token", "warning", "3 of 5000 requests");
    found.says("forge", "warning", "Set forge.repo = \"acme/store\"");
    found.says("forge", "error", "acme/store is archived");
    found.says("forge", "error", "Issues are turned off in acme/store");
    found.says("token", "error", "with the scope repo");
    found.says("token", "warning", "filed without labels");
    found.says("lease", "warning", "each side may file one issue");
    found.says("clock", "warning", "ahead of GitHub's");
}

#[test]
fn a_token_that_is_refused_and_a_server_that_is_down_are_told_apart() {
    let site = Site::new();
    let refusing = scripted(|_| (401, "date: Thu, 01 Jan 2026 00:00:00 GMT", json!({ "message": "Bad credentials" })));
    let found = Diagnosis::of(&with_token(&site, &refusing));
    found.has_errors_in(&["token"]);
    found.says("token", "error", "a classic personal token, from the environment variable HEALNODE_GITHUB_TOKEN");
    found.says("clock", "warning", "ahead of GitHub's");

    let down = scripted(|_| (502, "server: proxy", Value::Null));
    let found = Diagnosis::of(&with_token(&site, &down));
    found.has_errors_in(&["forge"]);
    found.says("forge", "error", "GitHub is down");

    let limited = scripted(|_| (403, "retry-after: 30", Value::Null));
    let found = Diagnosis::of(&with_token(&site, &limited));
    found.has_errors_in(&[]);
    found.says("token", "warning", "Wait and run doctor again");
}

#[test]
fn a_copilot_cli_that_is_missing_is_an_error_and_one_that_runs_leaves_nothing_behind() {
    let site = Site::new();
    let (token, passing) = (site.path().join("token"), site.path().join("passing"));
    write(&token, "github_pat_Zq7Kd02LmPx9TwR4bVnYc81HsGfJe6UaQo35\n", 0o600);
    fs::create_dir(&passing).unwrap();
    let toy = Toy::python(site.path(), None);
    let copilot = |name: &str, binary: &Path| {
        let fix = format!("repository = {:?}\n[fix.copilot]\nbinary = {binary:?}\ntoken_file = {token:?}\n", toy.path());
        let mut node = healer(&site, name, &fix);
        node.set("TMPDIR", passing.to_str().unwrap());
        node
    };
    let found = Diagnosis::of(&copilot("a", Path::new("/nonexistent/copilot")));
    found.has_errors_in(&["fix"]);
    found.says("fix", "error", "There is no Copilot CLI at /nonexistent/copilot, so no fix can be looked for. Correct fix.copilot.binary");
    found.says("fix", "warning", "nothing can be verified");
    found.says("fix", "ok", &format!("The code can be fetched from {}", toy.path().display()));

    let cli = site.path().join("copilot");
    write(&cli, "#!/bin/sh\ntouch \"$COPILOT_PKG_CACHE_HOME/unpacked\" && echo 'GitHub Copilot CLI 1.0.102.'\n", 0o755);
    let node = copilot("b", &cli);
    let before = tree(site.path());
    let found = Diagnosis::of(&node);
    found.has_errors_in(&[]);
    found.says("fix", "ok", "The Copilot CLI 1.0.102");
    assert!(!found.json.to_string().contains("github_pat_"));
    let after = tree(site.path());
    assert_eq!(after.keys().collect::<Vec<_>>(), before.keys().collect::<Vec<_>>(), "nothing stays behind");
}

#[test]
fn a_program_that_mends_is_found_with_its_tests_and_the_code_or_each_is_missed() {
    let site = Site::new();
    let toy = Toy::python(site.path(), None);
    let scripts = site.path().join("scripts");
    fs::create_dir(&scripts).unwrap();
    let mend = scripts.join("mend");
    write(&mend, "#!/bin/sh\n", 0o755);
    let settings = |repository: &Path, test: &str, readable: &str| {
        format!("fixer = \"command\"\ncommand = [{mend:?}]\nrepository = {repository:?}\ntest = {test}\nreadable = [{readable}]\n")
    };
    let readable = format!("{scripts:?}");
    let found = Diagnosis::of(&healer(&site, "a", &settings(toy.path(), &format!("{:?}", toy.test), &readable)));
    found.has_errors_in(&[]);
    found.says("fix", "ok", &format!("{} looks for fixes", mend.display()));
    found.says("fix", "ok", "/python3 tests the code before and after a fix");
    found.says("fix", "ok", "The code can be fetched from");
    let has_walls = found.at("fix", "ok").iter().any(|text| text.contains("run behind walls"));
    assert!(has_walls || !found.at("fix", "warning").is_empty(), "{:#}", found.json);

    let lost = settings(Path::new("/nonexistent/shop"), "[\"healnode-no-such-program\"]", "");
    let found = Diagnosis::of(&healer(&site, "b", &lost));
    found.has_errors_in(&["fix"]);
    found.says("fix", "error", "cannot be fetched");
    found.says("fix", "error", "healnode-no-such-program, the program of fix.test, is not to be found");
    assert_eq!(found.at("fix", "error").iter().any(|text| text.contains("fix.readable")), has_walls, "{:#}", found.json);
}

/// Sets up a node that is to look for fixes, wherever this machine's kernel lets it.
fn healer(site: &Site, name: &str, fix: &str) -> TestNode {
    let forge = format!("[forge]\nauto_issue = true\nauto_pr = true\nauto_heal = true\noutbox = {:?}\n", site.path().join("outbox"));
    site.node_with_forge(name, &[], &forge, &format!("[fix]\nrequire_walls = false\n{fix}"))
}

/// Sets up a node that files at this address with a classic token.
fn with_token(site: &Site, url: &str) -> TestNode {
    let forge = format!("[forge]\nkind = \"github\"\nauto_issue = true\nrepo = \"acme/shop\"\napi_url = {url:?}\n");
    let mut node = site.node_with_forge("a", &[], &forge, "");
    node.set("HEALNODE_GITHUB_TOKEN", "ghp_Zq7Kd02LmPx9TwR4bVnYc81HsGfJe6UaQo35");
    node
}

/// Starts a server that answers every path as `answer` says: with a status, headers and a body. It ends with the test's process.
fn scripted(answer: impl Fn(&str) -> (u16, &'static str, Value) + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for stream in listener.incoming() {
            answer_one(stream.unwrap(), &answer);
        }
    });
    url
}

fn answer_one(mut stream: TcpStream, answer: &impl Fn(&str) -> (u16, &'static str, Value)) {
    let mut lines = BufReader::new(stream.try_clone().unwrap()).lines().map_while(Result::ok);
    let Some(first) = lines.next() else { return };
    lines.find(String::is_empty);
    let (status, headers, body) = answer(first.split(' ').nth(1).unwrap());
    let body = body.to_string();
    let head = format!("HTTP/1.1 {status} Said\r\n{headers}\r\ncontent-length: {}\r\nconnection: close", body.len());
    stream.write_all(format!("{head}\r\n\r\n{body}").as_bytes()).unwrap();
}
