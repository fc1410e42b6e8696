//! `healnode exec` changes nothing about the command that it runs: bytes, exit code, signals.
#![allow(clippy::unwrap_used, reason = "what goes wrong here has to fail the test")]

mod harness;

use std::io::Read as _;
use std::net::TcpListener;
use std::os::unix::net::UnixListener;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use harness::{Site, TestNode, wait_for};
use serde_json::Value;

fn check(script: &str, expected_code: i32) {
    let site = Site::new();
    let node = site.node("a", &[], "");
    let alone = Command::new("sh").args(["-c", script]).stdin(Stdio::null()).output().unwrap();
    let wrapped = node.run(&["exec", "--", "sh", "-c", script]);
    assert_eq!(wrapped.stdout, alone.stdout);
    assert_eq!(wrapped.stderr, alone.stderr);
    assert_eq!(wrapped.status.code(), Some(expected_code));
}

#[test]
fn output_passes_through_byte_for_byte() {
    check("printf 'a\\000b\\377\\r\\n'; printf 'no end' >&2; exit 0", 0);
    check("head -c 300000 /dev/urandom | tee /dev/null | cksum > /dev/null; yes healnode | head -c 3000000", 0);
}

#[test]
fn the_exit_code_is_the_commands_own() {
    check("exit 7", 7);
    check("echo out; echo err >&2; exit 255", 255);
}

#[test]
fn a_death_by_signal_is_128_and_its_number() {
    check("kill -SEGV $$", 128 + 11);
    check("kill -KILL $$", 128 + 9);
}

#[test]
fn a_command_that_is_not_there_gives_127_as_in_a_shell() {
    let site = Site::new();
    let node = site.node("a", &[], "");
    let output = node.run(&["exec", "--", "/nonexistent/command"]);
    assert_eq!(output.status.code(), Some(127));
}

#[test]
fn a_signal_to_healnode_reaches_the_command_and_makes_no_report() {
    let site = Site::new();
    let node = site.node("a", &[], "");
    let mut command = node.command();
    command.args(["exec", "--", "sh", "-c", "trap 'echo caught; exit 9' TERM; echo ready; while :; do sleep 0.05; done"]);
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
    let mut stdout = child.stdout.take().unwrap();
    let mut ready = [0; 6];
    stdout.read_exact(&mut ready).unwrap();
    assert!(Command::new("kill").arg("-TERM").arg(child.id().to_string()).status().unwrap().success());
    let mut rest = String::new();
    stdout.read_to_string(&mut rest).unwrap();
    assert_eq!((child.wait().unwrap().code(), rest.as_str()), (Some(9), "caught\n"));
    assert!(!node.data_dir().join("spool").exists());
}

#[test]
fn input_reaches_the_command() {
    let site = Site::new();
    let node = site.node("a", &[], "");
    let output = node.run_with_input(&["exec", "--", "cat"], "through and through");
    assert_eq!(output.stdout, b"through and through");
}

#[test]
fn a_reader_that_goes_away_ends_the_command_as_without_healnode() {
    let site = Site::new();
    let node = site.node("a", &[], "");
    let mut command = node.command();
    command.args(["exec", "--", "yes"]).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    let mut some = [0; 100];
    child.stdout.take().unwrap().read_exact(&mut some).unwrap();
    let status = child.wait().unwrap();
    assert!(!status.success() && status.signal().is_none());
}

#[test]
fn a_slow_reader_gets_everything() {
    let site = Site::new();
    let node = site.node("a", &[], "");
    let mut command = node.command();
    command.args(["exec", "--", "head", "-c", "1000000", "/dev/zero"]).stdin(Stdio::null()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdout = child.stdout.take().unwrap();
    let mut read = 0;
    let mut buffer = [0; 4096];
    // Nothing is read until the command has long ended and all the pipes between are full.
    std::thread::sleep(std::time::Duration::from_secs(2));
    while let Ok(length @ 1..) = stdout.read(&mut buffer) {
        read += length;
    }
    assert_eq!((read, child.wait().unwrap().code()), (1_000_000, Some(0)));
}

#[test]
fn an_interrupted_command_and_a_closed_pipe_are_no_errors() {
    let site = Site::new();
    let node = site.node("a", &[], "");
    for signal in ["INT", "PIPE"] {
        let status = node.run(&["exec", "--", "sh", "-c", &format!("kill -{signal} $$")]).status;
        assert!(status.code().is_some_and(|code| code > 128), "{status}");
    }
    assert!(!node.data_dir().join("spool").exists());
}

#[test]
fn a_signal_is_passed_on_also_where_there_is_no_kill_program() {
    let site = Site::new();
    let node = site.node("a", &[], "");
    let mut command = node.command();
    command.env("PATH", "/nonexistent").args(["exec", "--", "/bin/sh", "-c", "trap 'exit 9' TERM; echo ready; while :; do :; done"]);
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
    let mut ready = [0; 6];
    child.stdout.take().unwrap().read_exact(&mut ready).unwrap();
    assert!(Command::new("kill").arg("-TERM").arg(child.id().to_string()).status().unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(9));
}

#[test]
fn the_order_between_the_streams_does_not_split_one_error_into_two() {
    let site = Site::new();
    let mut node = site.node("a", &[], "[bundle]\ninterval = \"1h\"\n");
    node.start();
    for _ in 0..10 {
        node.run(&["exec", "--", "sh", "-c", "echo out; echo err >&2; echo out; exit 1"]);
    }
    assert_eq!(node.ask(&["errors"]).as_array().unwrap().len(), 1);
}

#[test]
fn the_failure_is_reported_with_its_trace_and_its_last_lines() {
    let site = Site::new();
    let mut node = site.node("a", &[], "[bundle]\ninterval = \"1s\"\nmin_occurrences = 1\n");
    node.start();
    let script = "echo 'loading 3 rows'; printf 'Traceback (most recent call last):\\n  File \"/srv/jobs/load.py\", line 8, in load\\n    row[3]\\nIndexError: list index out of range\\n' >&2; exit 1";
    assert_eq!(node.run(&["exec", "--", "sh", "-c", script]).status.code(), Some(1));
    let error = wait_for("the error", || node.ask(&["errors"]).get(0).cloned());
    assert_eq!(error["error_type"], "IndexError");
    assert_eq!(error["message"], "list index out of range");
    node.wait_for_issue(error["fingerprint"].as_str().unwrap());
    let (_, issue) = &site.issues()[0];
    assert!(issue.contains("File \"/srv/jobs/load.py\", line 8, in load"), "{issue}");
    assert!(issue.contains("loading 3 rows"), "{issue}");
    assert!(issue.contains("```python"), "{issue}");
}

#[test]
fn a_command_that_succeeds_is_not_reported() {
    let site = Site::new();
    let node = site.node("a", &[], "");
    assert_eq!(node.run(&["exec", "--", "true"]).status.code(), Some(0));
    assert!(!node.data_dir().join("spool").exists());
}

#[test]
fn a_hundred_megabytes_pass_through_as_they_are() {
    const BYTES: usize = 100_000_000;
    let site = Site::new();
    let node = site.node("a", &[], "");
    let mut command = node.command();
    command.args(["exec", "--", "sh", "-c", &format!("yes 0123456789abcde | head -c {BYTES}")]);
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
    let mut stdout = child.stdout.take().unwrap();
    let mut buffer = vec![0; 1 << 16];
    let mut read = 0;
    while let Ok(length @ 1..) = stdout.read(&mut buffer) {
        let is_as_written = buffer[..length].iter().enumerate().all(|(at, byte)| *byte == b"0123456789abcde\n"[(read + at) % 16]);
        assert!(is_as_written, "behind byte {read}");
        read += length;
    }
    assert_eq!((read, child.wait().unwrap().code()), (BYTES, Some(0)));
}

/// What Python prints when a thread dies and the program goes on.
const DEAD_THREAD: &str = "Exception in thread Thread-1 (poll):\nTraceback (most recent call last):\n  File \"/srv/jobs/poll.py\", line 8, in poll\n    \
                           seen[key]\nKeyError: 'a'\n";

#[test]
fn a_trace_among_the_errors_of_a_command_that_ended_well_is_reported() {
    let site = Site::new();
    let mut node = site.node("a", &[], "[bundle]\ninterval = \"1h\"\n");
    node.start();
    let output = node.run(&["exec", "--", "sh", "-c", "printf '%s' \"$1\" >&2; echo done", "sh", DEAD_THREAD]);
    assert_eq!(
        (output.status.code(), output.stdout.as_slice(), output.stderr.as_slice()),
        (Some(0), &b"done\n"[..], DEAD_THREAD.as_bytes())
    );
    let error = wait_for("the error", || node.ask(&["errors"]).get(0).cloned());
    assert_eq!((&error["error_type"], &error["message"]), (&"KeyError".into(), &"'a'".into()));
}

/// Crashes as their runtimes print them, each with the type and the normalised message that it must have.
const CRASHES: [(&str, &str, &str); 8] = [
    (
        "Traceback (most recent call last):\n  File \"/srv/a.py\", line 3, in load\n    open(path)\nOSError: no disk\nin slot 3\n\n\
         The above exception was the direct cause of the following exception:\n\nTraceback (most recent call last):\n  \
         File \"/srv/a.py\", line 9, in start\n    load()\njobs.JobError: job failed\n",
        "jobs.JobError",
        "job failed",
    ),
    (
        "Traceback (most recent call last):\n  File \"/srv/b.py\", line 3, in check\n    raise\nValueError: two rows are wrong\nrow 3: no name\nrow 7: no id\n",
        "ValueError",
        "two rows are wrong",
    ),
    (
        "/srv/a.js:2\n  throw new ConfigError(n)\n  ^\n\nConfigError: worker has no config\n    at load (/srv/a.js:2:66)\n    at main (/srv/a.js:9:1) {\n  \
         [cause]: SyntaxError: no name\n      at JSON.parse (<anonymous>)\n      at load (/srv/a.js:2:31)\n}\n\nNode.js v20.20.2\n",
        "ConfigError",
        "worker has no config",
    ),
    (
        "thread 'main' (7) panicked at src/main.rs:2:5:\nassertion `left == right` failed\n  left: 1\n right: 2\n\
         note: run with `RUST_BACKTRACE=1` environment variable to display a backtrace\n",
        "panic",
        "assertion `left == right` failed left: <*> right: <*>",
    ),
    ("Error: failed to start\n\nCaused by:\n    No such file\n", "Error", "failed to start"),
    (
        "panic: assignment to nil map\n\ngoroutine 1 [running]:\nmain.add(...)\n\t/srv/main.go:9 +0x25\nmain.main()\n\t/srv/main.go:3 +0x1\nexit status 2\n",
        "panic",
        "assignment to nil map",
    ),
    (
        "starting\nException in thread \"main\" shop.CartException: closed\n\tat shop.Cart.add(Cart.java:3)\n\tat shop.Main.main(Main.java:9)\n\
         Caused by: java.io.IOException: disk\n\tat shop.Disk.write(Disk.java:7)\n\t... 2 more\n",
        "shop.CartException",
        "closed",
    ),
    (
        "/srv/a.rb:5:in `rescue in start': startup failed (RuntimeError)\n\tfrom /srv/a.rb:6:in `<main>'\n\
         /srv/a.rb:4:in `read': no file (Errno::ENOENT)\n\tfrom /srv/a.rb:6:in `<main>'\n",
        "RuntimeError",
        "startup failed",
    ),
];

#[test]
fn a_crash_is_the_same_error_under_exec_and_in_a_log() {
    let site = Site::new();
    let mut node = site.node("a", &[], "[bundle]\ninterval = \"1h\"\n");
    node.start();
    for (printed, error_type, message) in CRASHES {
        node.run(&["exec", "--", "sh", "-c", "printf %s \"$1\" >&2; exit 1", "sh", printed]);
        node.run_with_input(&["watch", "-"], printed);
        let errors = node.ask(&["errors"]);
        let of_crash: Vec<&Value> = errors.as_array().unwrap().iter().filter(|error| error["message"] == message).collect();
        assert_eq!(of_crash.len(), 1, "{printed}\n{errors}");
        assert_eq!(of_crash[0]["error_type"], error_type, "{printed}");
        node.wait_for_count(of_crash[0]["fingerprint"].as_str().unwrap(), 2);
    }
    assert_eq!(node.ask(&["errors"]).as_array().unwrap().len(), CRASHES.len());
}

#[test]
fn a_trace_in_the_output_of_a_command_that_ended_well_is_none_of_its_own() {
    let site = Site::new();
    let node = site.node("a", &[], "");
    assert_eq!(node.run(&["exec", "--", "printf", "%s", DEAD_THREAD]).stdout, DEAD_THREAD.as_bytes());
    assert!(!node.data_dir().join("spool").exists());
}

#[test]
fn a_command_is_told_where_the_node_takes_in_errors() {
    let ingest = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = ingest.local_addr().unwrap();
    let site = Site::new();
    let mut node = site.node("a", &[], "");
    node.set("HEALNODE_INGEST_HTTP", &address.to_string());
    for name in ["SENTRY_DSN", "SENTRY_SPOTLIGHT", "OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_PROTOCOL", "no_proxy", "NO_PROXY"] {
        let own = of_child(&node, name, Some("own"));
        let told = of_child(&node, name, None);
        match name {
            "SENTRY_DSN" => {
                let key = told.strip_prefix("http://hn_").unwrap().split('@').next().unwrap();
                assert!(key.len() == 32 && key.bytes().all(|byte| byte.is_ascii_hexdigit()), "{told}");
                assert_eq!((told.split('@').nth(1).unwrap(), own.as_str()), (&*format!("{address}/shop/1"), "own"));
            }
            "SENTRY_SPOTLIGHT" => assert_eq!((told, own), (format!("http://{address}/stream"), "own".into())),
            "OTEL_EXPORTER_OTLP_ENDPOINT" => assert_eq!((told, own), (format!("http://{address}"), "own".into())),
            "OTEL_EXPORTER_OTLP_PROTOCOL" => assert_eq!((told.as_str(), own.as_str()), ("http/protobuf", "own")),
            _ => assert_eq!((told.as_str(), own.as_str()), ("127.0.0.1,localhost", "own,127.0.0.1,localhost"), "{name}"),
        }
    }
}

#[test]
fn where_no_node_listens_the_environment_stays_as_it_is() {
    let site = Site::new();
    let mut node = site.node("a", &[], "");
    assert_eq!(of_child(&node, "SENTRY_DSN", None), "unset");
    let gone = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    node.set("HEALNODE_INGEST_HTTP", &gone.to_string());
    assert_eq!(of_child(&node, "SENTRY_DSN", None), "unset");
    assert_eq!(of_child(&node, "no_proxy", None), "unset");
}

#[test]
fn the_library_in_a_command_is_told_where_the_node_is_whether_it_runs_or_not() {
    let site = Site::new();
    let node = site.node("a", &[], "");
    assert_eq!(of_child(&node, "HEALNODE_STATUS_SOCKET", None), node.socket().display().to_string());
    assert_eq!(of_child(&node, "HEALNODE_DATA_DIR", None), node.data_dir().display().to_string());
}

/// Returns a variable of a command's environment, where this process gives it `own`.
fn of_child(node: &harness::TestNode, name: &str, own: Option<&str>) -> String {
    let mut command = node.command();
    for other in ["SENTRY_DSN", "SENTRY_SPOTLIGHT", "OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_PROTOCOL", "no_proxy", "NO_PROXY"] {
        command.env_remove(other);
    }
    command.envs(own.map(|own| (name, own)));
    let output =
        command.args(["exec", "--", "sh", "-c", &format!("printf %s \"${{{name}-unset}}\"")]).stdin(Stdio::null()).output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

/// Reports its own error as an SDK would, with the key of `SENTRY_DSN`, and then dies of it.
const REPORTS_ITSELF: &str = r#"
import json, os, urllib.request

def main():
    dsn = os.environ["SENTRY_DSN"]
    key, rest = dsn.removeprefix("http://").split("@")
    host, app, project = rest.split("/")
    frames = [{"filename": "boom.py", "function": "<module>"}, {"filename": "boom.py", "function": "main"}]
    event = {"platform": "python", "exception": {"values": [
        {"type": "ValueError", "value": "no such row", "stacktrace": {"frames": frames}}]}}
    body = "{}\n" + json.dumps({"type": "event"}) + "\n" + json.dumps(event) + "\n"
    request = urllib.request.Request(f"http://{host}/{app}/api/{project}/envelope/", body.encode())
    request.add_header("X-Sentry-Auth", f"Sentry sentry_key={key}")
    urllib.request.urlopen(request).read()
    raise ValueError("no such row")

main()
"#;

#[test]
fn a_crash_that_the_commands_sdk_reports_as_well_is_one_occurrence() {
    let site = Site::new();
    let mut node = site.node_with_door("a", "127.0.0.1:0");
    node.start();
    let door = wait_for("the door", || node.ask(&["status"])["ingest"]["http"].as_str().map(str::to_owned));
    node.set("HEALNODE_INGEST_HTTP", &door);
    let script = site.path().join("boom.py");
    std::fs::write(&script, REPORTS_ITSELF).unwrap();
    let mut command = node.command();
    command.env_remove("SENTRY_DSN").args(["exec", "--", "python3"]).arg(&script);
    let output = command.stdin(Stdio::null()).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stderr));
    let status = wait_for("the second report", || Some(node.ask(&["status"])).filter(|status| status["dropped"]["told_twice"] == 1));
    assert_eq!((&status["occurrences"], &status["signatures"]), (&1.into(), &1.into()), "{}", node.ask(&["errors"]));
}

#[test]
fn a_drill_goes_the_whole_way_and_says_that_it_is_one() {
    let site = Site::new();
    let mut node = site.node("a", &[], "[bundle]\ninterval = \"1h\"\nmin_occurrences = 3\n");
    node.start();
    let output = node.run(&["simulate", "python"]);
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let fingerprint = said.split_whitespace().find(|word| word.len() == 65).unwrap().trim_end_matches('.');
    assert!(said.contains(&format!("healnode why {}", &fingerprint[..12])), "{said}");
    node.wait_for_issue(fingerprint);
    let (_, issue) = &site.issues()[0];
    for part in ["Drill: ValueError", "only a drill, nothing failed", "in parse_quantity", "```python", "drill"] {
        assert!(issue.contains(part), "{part} is missing: {issue}");
    }
}

#[test]
fn a_drill_without_a_node_leaves_nothing_behind() {
    let site = Site::new();
    let node = site.node("a", &[], "");
    assert_eq!(node.run(&["simulate", "oom"]).status.code(), Some(3));
    assert!(!node.data_dir().join("spool").exists());
}

/// Returns how many reports wait for a node.
fn spooled(node: &TestNode) -> usize {
    let files = std::fs::read_dir(node.data_dir().join("spool"));
    files.map_or(0, |files| files.filter(|file| file.as_ref().unwrap().path().extension().is_some_and(|it| it == "json")).count())
}

#[test]
fn a_node_that_accepts_and_stays_silent_does_not_hold_the_command_up() {
    let site = Site::new();
    let (alone, beside) = (site.node("a", &[], ""), site.node("b", &[], ""));
    let _silent = UnixListener::bind(beside.socket()).unwrap();
    let fails = |node: &TestNode| {
        let start = Instant::now();
        assert_eq!(node.run(&["exec", "--", "sh", "-c", "echo gone >&2; exit 3"]).status.code(), Some(3));
        start.elapsed()
    };
    let without_node = fails(&alone);
    let with_silent_node = fails(&beside);
    assert_eq!((spooled(&alone), spooled(&beside)), (1, 1));
    // A third of a second, and what a busy machine adds to it.
    assert!(with_silent_node < without_node * 2 + Duration::from_secs(2), "{with_silent_node:?}, {without_node:?} without a node");
}

#[test]
fn a_failure_that_a_late_node_and_the_spool_both_take_is_one_occurrence() {
    let site = Site::new();
    let mut node = site.node("a", &[], "[bundle]\ninterval = \"1h\"\n");
    node.start();
    node.signal("STOP");
    let code = node.run(&["exec", "--", "sh", "-c", "echo gone >&2; exit 3"]).status.code();
    let waiting = spooled(&node);
    node.signal("CONT");
    assert_eq!((code, waiting), (Some(3), 1));
    wait_for("the spool to be empty", || (spooled(&node) == 0).then_some(()));
    let errors = node.ask(&["errors"]);
    assert_eq!((errors.as_array().unwrap().len(), &errors[0]["occurrences"]), (1, &1.into()), "{errors}");
}

#[test]
fn the_lines_before_the_trace_go_with_it_as_many_as_the_command_line_says() {
    let site = Site::new();
    let trace: String = (0..64).map(|depth| format!("\tat a.B.c{depth}(B.java:3)\n")).collect();
    let script =
        "exec 1>&2; for row in $(seq 60); do echo row $row; done; printf 'java.lang.IllegalStateException: closed\n%s' \"$1\" >&2; exit 1";
    for (name, flags, first) in
        [("a", &[][..], Some("row 11")), ("b", &["--log-lines", "2"], Some("row 59")), ("c", &["--log-lines", "0"], None)]
    {
        let node = site.node(name, &[], "");
        let command = ["--", "sh", "-c", script, "sh", trace.as_str()];
        assert_eq!(node.run(&[&["exec"], flags, &command].concat()).status.code(), Some(1));
        let file = std::fs::read_dir(node.data_dir().join("spool")).unwrap().next().unwrap().unwrap().path();
        let report: serde_json::Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
        assert_eq!(report["stack"].as_str().unwrap().lines().count(), 65);
        assert_eq!(report["logs"].get(0).and_then(|line| line.as_str()), first, "{report}");
        assert_eq!(
            report["logs"].as_array().map(|lines| lines.iter().any(|line| line.as_str().unwrap().contains("\tat"))),
            first.map(|_| false)
        );
    }
}
