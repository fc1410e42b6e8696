//! An operator's word on what is one error, on real nodes: rules, patterns, and how a fingerprint came about.

mod harness;

use harness::{Site, mesh_of, wait_for};
use serde_json::json;

const RULES: &str = r#"
[[grouping.rule]]
message = "*cancelled by its owner*"
ignore = true

[[grouping.rule]]
type = "*TimeoutError"
fingerprint = ["gateway"]

[[grouping.rule]]
path = "*/shared/*"
in_app = false

[[redact.pattern]]
name = "customer"
regex = 'CUST-[0-9]{6}'
"#;

const TRACE: &str = "Traceback (most recent call last):\n  File \"/srv/app/main.py\", line 3, in main\n    run()\n  \
                     File \"/srv/app/shared/retry.py\", line 9, in retry\n    raise\nValueError: no";

#[test]
fn rules_decide_what_is_one_error_and_what_is_none_and_a_node_without_them_agrees() {
    let site = Site::new();
    let nodes = mesh_of(&["a", "b"], |name, bootstrap| site.node(name, bootstrap, if name == "a" { RULES } else { "" }));
    let ignored = nodes[0].post(&json!({"type": "JobError", "message": "job 7 was cancelled by its owner"})).unwrap();
    assert_eq!(ignored["ignored_by_rule"], 1);
    let one = nodes[0].report("ReadTimeoutError", "no answer in 3 s");
    let other = nodes[0].report("ConnectTimeoutError", "gateway of CUST-123456 is away");
    assert_eq!(one, other);
    let error = nodes[1].wait_for_count(&one, 2);
    assert_eq!(error["error_type"], "ConnectTimeoutError");
    assert_eq!(nodes[0].ask(&["errors"]).as_array().map(Vec::len), Some(1));
    assert_eq!(nodes[0].ask(&["status"])["dropped"]["ignored"], 1);
    let why = nodes[0].run(&["why", &one]);
    let text = String::from_utf8_lossy(&why.stdout);
    assert!(text.contains("a fingerprint of its own (algorithm hn1)") && text.contains("gateway"), "{text}");
    assert!(harness::files_with(site.path(), "CUST-123456").is_empty(), "the pattern takes it out before it is written");
}

#[test]
fn why_shows_the_frames_that_count_and_the_command_line_the_same() {
    let site = Site::new();
    let mut node = site.node("a", &[], RULES);
    node.start();
    let report = json!({"type": "ValueError", "message": "row 71 is gone", "stack": TRACE});
    let fingerprint = node.post(&report).unwrap()["fingerprint"].as_str().unwrap().to_owned();
    let grouping = wait_for("why", || node.get(&format!("/v1/errors/{fingerprint}/why")))["grouping"].clone();
    assert_eq!(grouping["frames"], json!(["main.py:main"]));
    assert_eq!(grouping["message"], "row <*> is gone");
    let explained = node.run_with_input(&["fingerprint", "--json", "--explain"], &format!("{report}\n"));
    assert_eq!(String::from_utf8_lossy(&explained.stdout), format!("{fingerprint}\trow <*> is gone\tmain.py:main\n"));
}
