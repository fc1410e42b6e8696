//! `healnode exec` changes nothing about the command that it runs: bytes, exit code, signals.
#![allow(clippy::unwrap_used, reason = "what goes wrong here has to fail the test")]

mod harness;

use std::io::Read as _;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Command, Stdio};

use harness::{Site, wait_for};

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
