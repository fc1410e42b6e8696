//! The command line from outside: the real binary, its help, its exit codes, and what it says when something is wrong.
//!
//! All help texts are one snapshot, `tests/data/cli-help.txt`. After a wanted change: `HEALNODE_TESTS_BLESS=1 cargo test --test cli_help`, then
//! read the difference.
#![allow(clippy::unwrap_used, reason = "a test ends at what it did not expect")]

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread;

const SNAPSHOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/cli-help.txt");

#[test]
fn every_help_text_is_the_one_in_the_snapshot() {
    let commands = [
        "",
        "run",
        "demo",
        "exec",
        "watch",
        "report",
        "simulate",
        "status",
        "errors",
        "show",
        "peers",
        "mute",
        "unmute",
        "deploy",
        "why",
        "fix",
        "branches",
        "doctor",
        "fingerprint",
        "redact",
        "id",
        "swarm-key",
        "config",
        "mcp",
        "completions",
        "man",
    ];
    let mut help = String::new();
    for command in commands {
        let arguments: Vec<&str> = [command, "--help"].into_iter().filter(|argument| !argument.is_empty()).collect();
        help.push_str(&format!("$ healnode {}\n{}\n", arguments.join(" "), out(&healnode("help", &arguments))));
    }
    assert_eq!(listed_commands(&help), commands[1..], "the snapshot shows every command");
    if std::env::var_os("HEALNODE_TESTS_BLESS").is_some() {
        fs::write(SNAPSHOT, &help).unwrap();
    }
    let snapshot = fs::read_to_string(SNAPSHOT).unwrap();
    assert!(help == snapshot, "the help has changed; see the head of tests/cli_help.rs. It is now:\n{help}");
}

#[test]
fn the_defaults_are_printed_byte_for_byte_and_read_back_as_the_defaults() {
    let defaults = out(&healnode("defaults", &["config", "--default"]));
    assert!(defaults.starts_with("# healnode.toml"));
    let folder = folder("defaults");
    let without_origin =
        |text: &str| text.lines().map(|line| line.split(" # ").next().unwrap_or_default().trim_end().to_owned()).collect::<Vec<_>>();
    let plain = out(&healnode("defaults", &["config"]));
    fs::write(folder.join("given.toml"), defaults).unwrap();
    let given = out(&healnode("defaults", &["--config", "given.toml", "config"]));
    assert_eq!(without_origin(&given), without_origin(&plain));
    assert!(given.contains("# given.toml:") && !plain.contains("given.toml"));
}

#[test]
fn bad_usage_is_exit_code_2_and_says_what_is_allowed() {
    for (arguments, says) in [
        (&["frobnicate"][..], "frobnicate"),
        (&["show", "abc"], "8 to 64 hex digits"),
        (&["show", "0123456z"], "8 to 64 hex digits"),
        (&["mute", "01234567", "--for", "soon"], "such as 15m"),
        (&["report", "--type", "E"], "--message"),
        (&["report", "--json", "--type", "E"], "cannot be used with"),
        (&["report", "--type", "E", "--message", "m", "--severity", "urgent"], "low, medium, high, critical"),
        (&["exec"], "<CMD>"),
        (&["exec", "--log-lines", "51", "--", "true"], "51 is not in 0..=50"),
        (&["simulate", "pyhton"], "panic, python, node, java, oom, segfault, timeout, http"),
        (&["watch"], "<FILE>"),
        (&["watch", "a.log", "--journal", "b.service"], "cannot be used with"),
        (&["watch", "-", "a.log"], "hint: run one `healnode watch` for each"),
        (&["watch", "-", "--from-start"], "hint: leave --from-start out"),
        (&["watch", "a.log", "--run", "7"], "hint: write: `gh run view RUN --log-failed"),
        (&["watch", "-", "--run", "a b"], "1 to 100 letters, digits"),
        (&["watch", "."], "hint: name the logs in it"),
        (&["watch", "/dev/null"], "hint: send what comes out of it"),
        (&["completions", "tcsh"], "bash"),
        (&["man", "frobnicate"], "no command \"frobnicate\""),
        (&["status", "--log-format", "xml"], "text, json"),
    ] {
        let output = healnode("usage", arguments);
        check(&output, 2, says);
        assert!(output.stdout.is_empty(), "{arguments:?}");
    }
}

#[test]
fn a_configuration_with_faults_is_exit_code_2_and_all_of_them_are_told() {
    let folder = folder("faults");
    fs::write(folder.join("healnode.toml"), "colour = 'red'\n[bundle]\nstorm = 1\n").unwrap();
    for command in [&["status"][..], &["run"], &["id"], &["config"], &["doctor"], &["report", "--type", "E", "--message", "m"]] {
        let output = healnode_with("faults", command, &[("HEALNODE_MESH_MDNS", "maybe")]);
        check(&output, 2, "error: the configuration is not valid");
        for fault in [
            "healnode.toml:1: colour: no such setting",
            "HEALNODE_MESH_MDNS: mesh.mdns = \"maybe\"",
            "healnode.toml:3: bundle.storm = 1",
            "hint: ",
        ] {
            assert!(err(&output).contains(fault), "{command:?}: {}", err(&output));
        }
    }
    check(&healnode_with("faults-log", &["status"], &[("HEALNODE_LOG", "a=b=c")]), 2, "HEALNODE_LOG");
}

#[test]
fn commands_that_need_no_configuration_do_not_read_it() {
    fs::write(folder("unread").join("healnode.toml"), "colour = 'red'\n").unwrap();
    for command in [&["config", "--default"][..], &["swarm-key"], &["completions", "bash"], &["man"], &["redact"], &["fingerprint"]] {
        check(&healnode("unread", command), 0, "");
    }
}

#[test]
fn without_a_node_it_is_exit_code_3_and_says_how_to_start_one() {
    for command in [
        &["status"][..],
        &["errors", "--json"],
        &["peers"],
        &["show", "01234567"],
        &["why", "01234567"],
        &["unmute", "01234567"],
        &["deploy", "2.0"],
        &["simulate", "python"],
    ] {
        let output = healnode("nobody", command);
        check(&output, 3, "healnode.sock");
        assert!(err(&output).contains("hint: start a node with `healnode run`"), "{}", err(&output));
    }
}

#[test]
fn the_id_of_a_node_that_never_ran_is_a_failure_that_says_so() {
    check(&healnode("no-id", &["id"]), 1, "hint: `healnode run` makes one");
}

#[test]
fn a_command_runs_even_when_the_configuration_has_faults() {
    fs::write(folder("exec-faults").join("healnode.toml"), "colour = 'red'\n").unwrap();
    let output = healnode("exec-faults", &["exec", "--", "sh", "-c", "printf out; exit 7"]);
    check(&output, 7, "colour: no such setting");
    assert_eq!(output.stdout, b"out");
}

#[test]
fn with_debug_more_is_logged_as_with_two_vs_and_without_it_nothing_when_all_is_well() {
    let log = |flags: &[&str]| err(&healnode("debug", &[flags, &["exec", "--", "sh", "-c", "exit 3"]].concat()));
    assert_eq!(log(&[]), "");
    for flags in [&["--debug"][..], &["-vv"], &["--verbose"]] {
        assert!(log(flags).contains("DEBUG") && log(flags).contains("failure reported"), "{flags:?}: {}", log(flags));
    }
    let lines = log(&["--debug", "--log-format", "json"]);
    assert!(lines.lines().all(|line| line.starts_with('{')) && lines.contains("failure reported"), "{lines}");
}

#[test]
fn swarm_keys_are_fresh_and_in_the_format_of_ipfs() {
    let (one, other) = (out(&healnode("keys", &["swarm-key"])), out(&healnode("keys", &["swarm-key"])));
    assert_ne!(one, other);
    let lines: Vec<&str> = one.lines().collect();
    assert_eq!(lines[..2], ["/key/swarm/psk/1.0.0/", "/base16/"]);
    assert!(lines.len() == 3 && lines[2].len() == 64 && lines[2].bytes().all(|byte| byte.is_ascii_hexdigit()), "{one}");
}

#[test]
fn manual_and_completions_cover_the_commands() {
    assert!(out(&healnode("manual", &["man"])).contains("swarm\\-key"));
    assert!(out(&healnode("manual", &["man", "mute"])).contains(".TH healnode-mute"));
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        assert!(out(&healnode("manual", &["completions", shell])).contains("swarm-key"), "{shell}");
    }
}

#[test]
fn fingerprints_come_in_the_order_of_the_messages() {
    let prints = filter(&["fingerprint"], b"first\nsecond\r\n\nfirst");
    let lines: Vec<&str> = prints.lines().collect();
    assert_eq!(lines.len(), 4);
    assert!(lines.iter().all(|line| line.len() == 64 && line.bytes().all(|byte| byte.is_ascii_hexdigit())), "{prints}");
    assert_eq!(lines[0], lines[3]);
    assert_ne!(lines[0], lines[1]);
    assert_eq!(lines[1], filter(&["fingerprint"], b"second").trim_end());
}

#[test]
fn an_explained_fingerprint_is_one_line_with_the_text_that_was_hashed() {
    let line = filter(&["fingerprint", "--json", "--explain"], br#"{"type":"E","message":"one\ntwo"}"#);
    let (print, text) = line.trim_end_matches('\n').split_once('\t').unwrap();
    assert_eq!(print.len(), 64);
    assert!(text.starts_with("one") && text.ends_with("two") && !text.contains('\n'), "{text}");
}

#[test]
fn a_line_that_is_no_report_is_named_after_the_ones_before_it_were_answered() {
    let input = b"{\"type\":\"E\",\"message\":\"m\"}\n{\"type\":\"E\",\"secret\":\"hunter2\"}\n";
    let output = healnode_on("report-lines", &["fingerprint", "--json"], input);
    check(&output, 1, "line 2");
    assert_eq!(output.stdout.len(), 65, "one fingerprint and its line's end");
    assert!(!err(&output).contains("hunter2"), "{}", err(&output));
}

#[test]
fn redaction_keeps_the_lines_and_takes_the_secrets() {
    let token = "ghp_Zq7Kd02LmPx9TwR4bVnYc81HsGfJe6UaQo35";
    let text = filter(&["redact"], format!("plain\ntoken {token} end\n").as_bytes());
    assert!(text.starts_with("plain\ntoken ") && text.ends_with(" end\n") && !text.contains(token), "{text}");
    let json = filter(&["redact", "--json"], format!("\"a\\n{token}\"\n\"b\"\n").as_bytes());
    assert!(json.starts_with("\"a\\n") && json.ends_with("\"b\"\n") && !json.contains(token), "{json}");
    check(&healnode_on("redact-lines", &["redact", "--json"], b"\"a\"\n{}\n"), 1, "line 2 is not a JSON string");
}

#[test]
fn a_line_of_any_length_is_answered_and_never_half_redacted() {
    let mut input = b"before\n".to_vec();
    input.extend(std::iter::repeat_n(b'x', 3 * 1024 * 1024));
    input.extend(b"\nafter\n");
    let text = filter(&["redact"], &input);
    assert_eq!(text, "before\n<withheld: 3145728 bytes, more than 1048576>\nafter\n");
    assert_eq!(filter(&["fingerprint"], &input).lines().count(), 3);
    check(&healnode_on("long-json", &["fingerprint", "--json"], &input[7..]), 1, "line 1 has 3145728 bytes");
}

#[test]
fn an_answer_comes_before_the_next_question() {
    let mut child = start("turns", &["redact"], &[]);
    let mut input = child.stdin.take().unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    for text in ["one\n", "two\n"] {
        input.write_all(text.as_bytes()).unwrap();
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        assert_eq!(line, text);
    }
    drop(input);
    assert!(child.wait().unwrap().success());
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    for (command, line) in [(&["redact"][..], "\n"), (&["redact", "--json"], "\"\"\n"), (&["fingerprint"], "\n")] {
        let mut child = start("pipe", command, &[]);
        let mut input = child.stdin.take().unwrap();
        let lines = line.repeat(1024);
        let writer = thread::spawn(move || while input.write_all(lines.as_bytes()).is_ok() {});
        let mut output = child.stdout.take().unwrap();
        output.read_exact(&mut [0; 10]).unwrap();
        drop(output);
        writer.join().unwrap();
        let output = child.wait_with_output().unwrap();
        check(&output, 0, "");
        assert!(output.stderr.is_empty(), "{}", err(&output));
    }
}

/// Returns the names in the list of commands.
fn listed_commands(help: &str) -> Vec<&str> {
    let list = help.split("\nCommands:\n").nth(1).unwrap().split("\n\n").next().unwrap();
    list.lines().filter_map(|line| line.split_whitespace().next()).filter(|name| *name != "help").collect()
}

fn filter(arguments: &[&str], input: &[u8]) -> String {
    out(&healnode_on("filter", arguments, input))
}

fn healnode(name: &str, arguments: &[&str]) -> Output {
    healnode_with(name, arguments, &[])
}

fn healnode_with(name: &str, arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    let mut child = start(name, arguments, variables);
    drop(child.stdin.take());
    child.wait_with_output().unwrap()
}

fn healnode_on(name: &str, arguments: &[&str], input: &[u8]) -> Output {
    let mut child = start(name, arguments, &[]);
    let mut stdin = child.stdin.take().unwrap();
    thread::scope(|scope| {
        scope.spawn(move || stdin.write_all(input));
        child.wait_with_output().unwrap()
    })
}

/// A socket on which no node answers. A path of its own, for that of a build folder can be too long for a socket.
const NO_SOCKET: (&str, &str) = ("HEALNODE_STATUS_SOCKET", "/nonexistent/healnode.sock");

/// Starts the binary in a folder of its own, with nothing of the caller's environment but where programs are.
fn start(name: &str, arguments: &[&str], variables: &[(&str, &str)]) -> Child {
    let folder = folder(name);
    let mut command = Command::new(env!("CARGO_BIN_EXE_healnode"));
    command.args(arguments).current_dir(&folder).env_clear().env("HOME", &folder).env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command.envs([NO_SOCKET]).envs(variables.iter().copied()).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().unwrap()
}

/// Returns the folder of one test.
fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("cli_help").join(name);
    fs::create_dir_all(&folder).unwrap();
    folder
}

fn check(output: &Output, code: i32, says: &str) {
    assert_eq!(output.status.code(), Some(code), "{}", err(output));
    assert!(err(output).contains(says), "{}\n  expected {says}", err(output));
}

fn out(output: &Output) -> String {
    assert!(output.status.success(), "{}", err(output));
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}
