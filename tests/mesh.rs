//! The main job with real processes: the same error beside several nodes becomes one issue.
#![allow(clippy::unwrap_used, reason = "what goes wrong here has to fail the test")]

mod harness;

use harness::{Site, files_with, wait_for};

#[test]
fn three_nodes_with_one_occurrence_each_file_one_issue_and_the_lowest_peer_id_files_it() {
    let site = Site::new();
    let nodes = site.mesh(&["a", "b", "c"], "");
    let fingerprints: Vec<String> = nodes.iter().map(|node| node.report("ValueError", "cannot parse row 17")).collect();
    assert!(fingerprints.iter().all(|fingerprint| *fingerprint == fingerprints[0]));
    for node in &nodes {
        let error = node.wait_for_issue(&fingerprints[0]);
        assert_eq!(error["occurrences"], 3);
        assert_eq!(error["nodes"].as_object().unwrap().len(), 3);
        assert_eq!(error["state"], "filed");
        assert_eq!(error["issue"]["number"], 1);
    }
    let issues = site.issues();
    assert_eq!(issues.len(), 1, "{issues:?}");
    let (_, issue) = &issues[0];
    assert!(issue.contains("[Auto-Generated Error] ValueError: cannot parse row 17"), "{issue}");
    assert!(issue.contains("**Occurrences:** 3 across 3 nodes"), "{issue}");
    let filer = lowest(nodes.iter().map(harness::TestNode::peer_id).collect());
    assert!(issue.contains(&format!("on node `{filer}`")), "{issue}");
}

/// Returns the peer id that comes first by the bytes it stands for. Ids of Ed25519 keys are equally long, so comparing their base58 digits
/// is comparing their bytes.
fn lowest(peer_ids: Vec<String>) -> String {
    let alphabet = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
    let digits = |id: &String| id.chars().map(|c| alphabet.find(c).unwrap()).collect::<Vec<_>>();
    peer_ids.into_iter().min_by_key(digits).unwrap()
}

#[test]
fn five_identical_errors_on_one_node_make_one_issue() {
    let site = Site::new();
    let nodes = site.mesh(&["a"], "");
    let mut fingerprint = String::new();
    for row in 1..=5 {
        fingerprint = nodes[0].report("ValueError", &format!("cannot parse row {row}"));
    }
    let error = nodes[0].wait_for_issue(&fingerprint);
    assert_eq!(error["occurrences"], 5);
    assert_eq!(site.issues().len(), 1);
}

#[test]
fn a_late_joiner_gets_everything() {
    let site = Site::new();
    let mut nodes = site.mesh(&["a", "b"], "[bundle]\ninterval = \"1s\"\nmin_occurrences = 2\n");
    let filed = nodes[0].report("ValueError", "no such row");
    nodes[1].report("ValueError", "no such row");
    let single = nodes[0].report("KeyError", "'name'");
    nodes[1].wait_for_issue(&filed);
    nodes[1].wait_for_count(&single, 1);
    let mut late = site.node("c", &[nodes[1].address()], "");
    late.start();
    let error = late.wait_for_issue(&filed);
    assert_eq!(error["occurrences"], 2);
    late.wait_for_count(&single, 1);
    nodes.push(late);
    assert_eq!(site.issues().len(), 1);
}

#[test]
fn the_mesh_outlives_its_bootstrap_node() {
    let site = Site::new();
    let mut nodes = site.mesh(&["a", "b", "c"], "");
    nodes[0].kill();
    let fingerprint = nodes[1].report("ValueError", "after the first node is gone");
    nodes[2].wait_for_count(&fingerprint, 1);
    nodes[2].report("ValueError", "after the first node is gone");
    nodes[1].wait_for_count(&fingerprint, 2);
}

#[test]
fn the_next_in_line_files_when_the_lowest_is_gone() {
    let site = Site::new();
    let mut nodes = site.mesh(&["a", "b", "c"], "[bundle]\ninterval = \"1s\"\nmin_occurrences = 4\n");
    let fingerprint = harness::report_on_each(&nodes, "ValueError", "gone");
    nodes.iter().for_each(|node| drop(node.wait_for_count(&fingerprint, 3)));
    let first = lowest(nodes.iter().map(harness::TestNode::peer_id).collect());
    let position = nodes.iter().position(|node| node.peer_id() == first).unwrap();
    nodes[position].kill();
    nodes.remove(position);
    nodes[0].report("ValueError", "gone");
    let error = nodes[1].wait_for_issue(&fingerprint);
    assert_eq!(error["occurrences"], 4);
    let second = lowest(nodes.iter().map(harness::TestNode::peer_id).collect());
    assert!(site.issues()[0].1.contains(&format!("on node `{second}`")));
}

#[test]
fn planted_secrets_are_nowhere_on_disk_or_in_the_issue() {
    let site = Site::new();
    let nodes = site.mesh(&["a", "b", "c"], "");
    let secrets = secrets();
    let [token, password, email, key] = &secrets;
    let message = format!("login failed for {email} with password={password}");
    let stack = format!(
        "Traceback (most recent call last):\n  File \"/srv/app/login.py\", line 3, in login\n    connect(token=\"{token}\")\nAuthError: {message}"
    );
    for node in &nodes {
        let input = serde_json::json!({
            "type": "AuthError", "message": message, "stack": stack, "logs": [format!("Authorization: Bearer {token}"), format!("AWS_SECRET_ACCESS_KEY={key}")],
            "command": format!("login --password {password} --token {token}"), "tags": { "user": email, "api_key": key },
        });
        let output = node.run_with_input(&["report", "--json"], &input.to_string());
        assert!(output.status.success());
        let output = node.run(&["exec", "--", "sh", "-c", "echo \"token $1\" >&2; exit 3", "job", token]);
        assert_eq!(output.status.code(), Some(3));
    }
    wait_for("both issues", || (site.issues().len() == 2).then_some(()));
    for secret in &secrets {
        assert_eq!(files_with(site.path(), secret), Vec::<std::path::PathBuf>::new(), "found {secret}");
    }
    assert!(
        site.issues().iter().any(|(_, issue)| issue.contains("AuthError") && issue.contains("login.py")),
        "the rest must stay readable"
    );
}

/// Secrets that no scanner of this repository should take for real ones: they are put together here.
fn secrets() -> [String; 4] {
    let token = ["ghp", "_", &"Zx8Kq2mP9wRt".repeat(3)].concat();
    let email = ["jane.doe", "@", "customer.example.com"].concat();
    let key = ["wJalrXUtnFEMI", "/K7MDENG/", "bPxRfiCYzQ9vKp2Lx7"].concat();
    [token, "hunter2-and-more".to_owned(), email, key]
}
