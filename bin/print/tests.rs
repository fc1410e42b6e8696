//! What the views look like, on a terminal and in a file.

use healnode_node::UnixMillis;
use serde_json::{Value, json};

use super::text::columns;
use super::{Page, branches, deploy, doctor, errors, peers, show, status, why};

type View = fn(&Value, &Page) -> String;

const PEER: &str = "12D3KooWA1b2C3d4E5f6G7h8J9k1L2m3N4p5Q6r7S8t9U1v2W3x4";
const OTHER: &str = "12D3KooWZ9y8X7w6V5u4T3s2R1q9P8n7M6k5J4h3G2f1E9d8C7b6";

fn file() -> Page {
    Page { width: None, colour: false, now: "2026-05-01T12:00:00Z".parse().unwrap() }
}

fn error(error_type: &str, message: &str, state: &str) -> Value {
    json!({
        "fingerprint": "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
        "error_type": error_type, "message": message, "severity": "high", "occurrences": 5,
        "nodes": {PEER: 3, OTHER: 2}, "releases": {"1.2": 4, "1.3": 1},
        "first_seen": "2026-05-01T09:00:00.000Z", "last_seen": "2026-05-01T11:57:00.000Z",
        "state": state, "leader": PEER, "issue": null, "pull_request": null,
    })
}

fn filed() -> Value {
    let mut filed = error("ConnectionError", "db at <*> refused", "filed");
    filed["issue"] = json!({"number": 12, "url": "https://github.com/acme/shop/issues/12", "state": "open"});
    filed
}

#[test]
fn errors_are_one_line_each() {
    let text = errors(&json!([filed(), error("ValueError", "bad\nvalue", "counting")]), &file());
    assert_eq!(
        text,
        "FINGERPRINT   COUNT  NODES  STATE     ISSUE  LAST SEEN  ERROR\n\
         0123456789ab      5      2  filed     #12    3m ago     ConnectionError: db at <*> refused\n\
         0123456789ab      5      2  counting  -      3m ago     ValueError: bad\\nvalue\n"
    );
    assert_eq!(errors(&json!([]), &file()), "no errors so far\n");
}

fn noticed() -> Value {
    let mut noticed = error("ConnectionError", "db at <*> refused", "due");
    noticed["patterns"] = json!([
        {"kind": "spike", "hour": 120, "usual": 4.5}, {"kind": "new_in_release", "release": "2.0\u{1b}[31m"}, {"kind": "spreading", "nodes": 3},
        {"kind": "together", "with": ["fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210"]}, {"kind": "of_the_future"},
    ]);
    noticed
}

#[test]
fn what_is_noticed_about_an_error_is_a_mark_in_the_list_and_a_sentence_by_itself() {
    let line = errors(&json!([noticed()]), &file());
    let marks = "[spike 120/h, new in 2.0\\u{1b}[31m, spreading, together] ConnectionError: db at <*> refused\n";
    assert!(line.ends_with(marks), "{line}");
    let shown = show(&noticed(), &file());
    let sentences = "patterns      spike: seen 120 times within an hour, 4.5 is usual\n\
         \x20             new in release 2.0\\u{1b}[31m: no other release of the app has shown it\n\
         \x20             spreading: it began on one node and is on 3 by now\n\
         \x20             it nearly always comes together with fedcba987654\n";
    assert!(shown.contains(sentences), "{shown}");
}

#[test]
fn a_deploy_and_its_rollback_are_shown() {
    let mut noted = json!({"release": "2.0", "app": "shop", "at": "2026-05-01T11:00:00.000Z", "rollback": null});
    assert_eq!(deploy(&noted, &file()), "noted that shop 2.0 is deployed, at 2026-05-01T11:00:00.000Z\n");
    assert!(status(&json!({"last_deploy": noted}), &file()).contains("last deploy   shop 2.0, 1h ago\n"));
    let rollback = json!({"release": "2.0", "asked_at": "2026-05-01T11:05:00.000Z", "said": "done in 40 ms"});
    noted["rollback"] = rollback.clone();
    assert!(status(&json!({"last_deploy": noted}), &file()).contains("last deploy   shop 2.0, 1h ago; rollback: done in 40 ms\n"));
    let mut error = error("SegFault", "", "due");
    error["rollback"] = rollback;
    assert!(show(&error, &file()).contains("rollback      of 2.0, asked for at 2026-05-01T11:05:00.000Z: done in 40 ms\n"));
}

#[test]
fn a_table_fits_its_terminal_and_a_file_loses_nothing() {
    let long = "日本 and more ".repeat(40);
    let list = json!([error("ConnectionError", &long, "due"), error("E", "", "muted")]);
    for width in [80, 100, 200] {
        let text = errors(&list, &Page { width: Some(width), ..file() });
        assert!(text.lines().all(|line| columns(line) <= width), "{width}\n{text}");
        assert!(text.contains('…'));
    }
    assert!(errors(&list, &file()).contains(long.trim()));
}

#[test]
fn colours_are_for_terminals_only_and_no_text_brings_its_own() {
    let hostile = error("\u{1b}[31mE", "\u{1b}]0;title\u{7}\u{9b}2J", "due");
    let views: [(View, Value); 3] =
        [(errors, json!([hostile])), (show, hostile.clone()), (why, json!({"error": hostile, "reasons": ["\u{1b}c"]}))];
    for (view, value) in views {
        assert!(!view(&value, &file()).contains(|c: char| c.is_control() && c != '\n'));
        let coloured = view(&value, &Page { colour: true, ..file() });
        assert!(coloured.contains("\u{1b}[") && !coloured.contains("\u{1b}]") && !coloured.contains("\u{1b}[31mE"));
    }
}

#[test]
fn one_error_is_shown_with_all_its_parts() {
    let mut filed = filed();
    filed["pull_request"] = json!(null);
    let expected = format!(
        "ConnectionError: db at <*> refused\n\n\
         fingerprint   0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\n\
         severity      high\n\
         state         filed\n\
         occurrences   5 across 2 nodes\n\
         \x20             {PEER}  3\n\
         \x20             {OTHER}  2\n\
         releases      1.2 (4), 1.3 (1)\n\
         first seen    2026-05-01T09:00:00.000Z (3h ago)\n\
         last seen     2026-05-01T11:57:00.000Z (3m ago)\n\
         issue         #12 open https://github.com/acme/shop/issues/12\n\
         pull request  none\n"
    );
    assert_eq!(show(&filed, &file()), expected);
    assert!(show(&error("E", "m", "due"), &file()).contains(&format!("state         due; {PEER} files it\n")));
    let mut nobody = error("E", "m", "due");
    nobody["leader"] = json!(null);
    assert!(show(&nobody, &file()).contains("due; no live node can file"));
}

#[test]
fn the_status_says_what_is_off_and_what_was_dropped() {
    let mut node = json!({
        "peer_id": PEER, "version": "0.1.0", "app": "shop", "uptime_s": 7_500, "listen": ["/ip4/127.0.0.1/tcp/4801"], "peers": 2,
        "signatures": 1, "occurrences": 5, "auto": {"issue": false, "pr": false, "heal": false},
        "forge": {"kind": "github", "repo": "acme/shop", "state": "ok"}, "dropped": {"repeated_event": 0, "ledger_full": 3}, "disk": "ok", "new_field": 1,
    });
    let expected = format!(
        "node          {PEER}\n\
         version       0.1.0, up 2h\n\
         app           shop\n\
         listens on    /ip4/127.0.0.1/tcp/4801\n\
         peers         2\n\
         errors        1 fingerprint, 5 occurrences\n\
         files issues  no, forge.auto_issue is off (github, acme/shop)\n\
         dropped       ledger_full 3\n\
         disk          ok\n"
    );
    assert_eq!(status(&node, &file()), expected);
    node["auto"]["issue"] = json!(true);
    node["dropped"] = json!({});
    let text = status(&node, &file());
    assert!(text.contains("files issues  no: ok (github, acme/shop)\ndropped       nothing\n"), "{text}");
    node["can_file"] = json!(true);
    assert!(status(&node, &file()).contains("files issues  yes (github, acme/shop)\n"));
    node["forge"]["lease"] = json!("ref");
    assert!(status(&node, &file()).contains("files issues  yes (github, acme/shop; one node at a time, by a ref)\n"));
    node["forge"]["lease"] = json!("none");
    assert!(status(&node, &file()).contains("a split mesh may file twice"));
    node["ingest"] = json!({"http": "127.0.0.1:8969", "errors": 3, "lost_by_applications": {"queue_overflow": 2}});
    assert!(status(&node, &file()).contains("door for SDKs 127.0.0.1:8969, 3 errors so far; applications lost 2 themselves\n"));
}

#[test]
fn what_became_of_pull_requests_and_fixes_is_a_line_each_once_there_are_any() {
    let none = json!({"pull_requests": {"open": 0, "merged": 0, "closed": 0}, "fixes": {"published": 0, "failed": 0, "verified": 0}});
    assert!(!status(&none, &file()).contains("pull requests") && !status(&none, &file()).contains("fixes"));
    let some = json!({"pull_requests": {"open": 1, "merged": 2, "closed": 3}, "fixes": {"published": 4, "failed": 5, "verified": 2}});
    let text = status(&some, &file());
    assert!(text.contains("pull requests 1 open, 2 merged, 3 closed\nfixes         4 published, 2 of them verified; 5 failed\n"), "{text}");
}

#[test]
fn branches_are_one_line_each_and_say_why_they_stay() {
    let answer = json!({"kind": "github", "repo": "acme/shop", "whole": true, "trouble": null, "branches": [
        {"name": "auto-fix/issue-1-a", "committed_at": "2026-01-01T00:00:00.000Z", "pull_request": {"number": 7, "state": "closed"}, "fate": "stale"},
        {"name": "auto-fix/issue-2-b", "committed_at": null, "pull_request": null, "fate": "undated"},
    ]});
    let text = branches(&answer, &file());
    assert!(text.contains("#7 closed") && text.contains("can go\n") && text.contains("stays: its age cannot be read\n"), "{text}");
    assert!(text.ends_with("\n1 of them can go; --apply deletes what can\n"), "{text}");
    let outbox = json!({"kind": "outbox", "branches": []});
    assert_eq!(branches(&outbox, &file()), "nothing to clean up: the outbox has no branches\n");
    let nothing = json!({"kind": "github", "repo": "acme/shop", "whole": true, "trouble": null, "branches": []});
    assert_eq!(branches(&nothing, &file()), "acme/shop has no branches of healnode's\n");
}

#[test]
fn peers_are_one_line_each() {
    let list = json!([
        {"peer_id": PEER, "addresses": ["/ip4/10.0.0.1/tcp/4801"], "connected": true, "last_heard_s": 4, "can_file": true, "version": "0.1.0", "cloned": false},
        {"peer_id": OTHER, "addresses": [], "connected": false, "last_heard_s": null, "can_file": false, "version": "", "cloned": true},
    ]);
    let trouble = |field: &str, value: Value| {
        let mut peer = list[0].clone();
        peer[field] = value;
        peers(&json!([peer]), &file())
    };
    assert!(trouble("clock_ahead", json!(true)).contains("more than a day ahead"));
    assert!(trouble("faults", json!(2)).contains("sent 2 messages that no healnode sends"));
    let named = trouble("name", json!("runner-7\u{1b}[2J"));
    assert!(named.contains(&format!("{PEER} runner-7")) && !named.contains('\u{1b}'), "{named}");
    let text = peers(&list, &file());
    assert!(text.contains(&format!("{PEER}  up    4s ago  yes    0.1.0    /ip4/10.0.0.1/tcp/4801\n")), "{text}");
    assert!(text.contains(&format!("{OTHER}  down  never   no              two nodes use this identity; stop one of them\n")), "{text}");
    assert!(peers(&json!([]), &file()).contains("mesh.bootstrap"));
}

#[test]
fn findings_are_a_line_each_and_those_that_are_not_well_say_how_to_mend_them() {
    let diagnosis = json!({"overall": "error", "findings": [
        {"area": "configuration", "level": "ok", "what": "Valid.", "mend": null},
        {"area": "mesh", "level": "warning", "what": "The network is open.", "mend": "Make a key."},
        {"area": "token", "level": "error", "what": "GitHub refused\u{1b} the token.", "mend": "Make a new one."},
    ]});
    assert_eq!(
        doctor(&diagnosis, &file()),
        "✓ configuration Valid.\n\
         ! mesh          The network is open.\n\
         \x20               → Make a key.\n\
         ✗ token         GitHub refused\\u{1b} the token.\n\
         \x20               → Make a new one.\n\
         \n\
         1 error, 1 warning\n"
    );
    assert!(doctor(&json!({"overall": "ok", "findings": []}), &file()).ends_with("nothing is wrong\n"));
}

#[test]
fn why_gives_the_reasons_first_and_then_the_turns() {
    let answer = json!({
        "error": error("E", "m", "due"), "min_occurrences": 3, "candidates": [PEER, OTHER], "rank": 1, "next_at": "2026-05-01T12:15:00.000Z",
        "reasons": ["It was seen 5 times, and 3 make it due."],
    });
    let text = why(&answer, &file());
    assert!(text.starts_with("E: m\n\n- It was seen 5 times, and 3 make it due.\n\nfingerprint"), "{text}");
    assert!(text.contains("occurrences   5 across 2 nodes, due at 3\n"), "{text}");
    assert!(text.contains("turns         …U1v2W3x4, then …E9d8C7b6 (this node)\n"), "{text}");
    assert!(text.contains("next          2026-05-01T12:15:00.000Z\n"), "{text}");
}

#[test]
fn a_strange_answer_is_shown_as_far_as_it_is_understood() {
    for value in [json!(null), json!({}), json!([1, "x"]), json!("text")] {
        for view in [deploy, doctor, errors, peers, show, status, why] {
            view(&value, &Page { now: UnixMillis(0), width: Some(1), colour: true });
        }
    }
}
