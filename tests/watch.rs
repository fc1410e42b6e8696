//! `healnode watch` on real files and a recorded journal: nothing is lost and nothing counts twice, whatever becomes of the log or the watcher.
#![allow(clippy::unwrap_used, clippy::unwrap_in_result, reason = "what goes wrong here has to fail the test")]

mod harness;

use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use harness::{Site, TestNode, files_with, wait_for};
use serde_json::Value;

const TRACE: &str =
    "Traceback (most recent call last):\n  File \"/srv/jobs/load.py\", line 8, in load\n    row[3]\nIndexError: out of range\n";

/// No filing: these tests look at what is counted.
const SETTINGS: &str = "[bundle]\ninterval = \"1h\"\n";

#[test]
fn what_is_appended_is_reported_with_the_lines_before_it_and_the_name_of_the_log() {
    let site = Site::new();
    let mut node = nameless(&site, "[bundle]\ninterval = \"1s\"\nmin_occurrences = 1\n");
    let log = site.path().join("billing.log");
    append(&log, &format!("{TRACE}from before\n"));
    node.start();
    let _watcher = Watcher::of_files(&node, &[&log]);
    append(&log, &format!("loading row 1\n{TRACE}done\n"));
    let error = wait_for("the error", || node.ask(&["errors"]).get(0).cloned());
    assert_eq!((&error["error_type"], &error["occurrences"]), (&"IndexError".into(), &1.into()), "what was there before is not read");
    node.wait_for_issue(error["fingerprint"].as_str().unwrap());
    let (_, issue) = &site.issues()[0];
    for part in ["billing", "from before\nloading row 1\n", "line 8, in load"] {
        assert!(issue.contains(part), "{part:?} is not in {issue}");
    }
}

#[test]
fn a_log_that_is_rotated_is_followed_and_the_old_one_is_read_to_its_end() {
    let site = Site::new();
    let (node, log) = started(&site);
    let _watcher = Watcher::of_files(&node, &[&log]);
    let mut old = OpenOptions::new().append(true).open(&log).unwrap();
    error_line(&mut old, 1);
    fs::rename(&log, log.with_extension("log.1")).unwrap();
    error_line(&mut old, 2);
    let mut new = File::create(&log).unwrap();
    error_line(&mut new, 3);
    wait_for_errors(&node, 3);
    error_line(&mut old, 4);
    error_line(&mut new, 5);
    wait_for_errors(&node, 5);
    fs::rename(&log, log.with_extension("log.2")).unwrap();
    error_line(&mut File::create(&log).unwrap(), 6);
    wait_for_errors(&node, 6);
}

#[test]
fn a_log_that_is_truncated_is_read_from_its_start_and_its_copy_to_the_end() {
    let site = Site::new();
    let (node, log) = started(&site);
    let _watcher = Watcher::of_files(&node, &[&log]);
    let mut file = OpenOptions::new().append(true).open(&log).unwrap();
    error_line(&mut file, 1);
    wait_for_errors(&node, 1);
    for at in [2, 4, 6] {
        error_line(&mut file, at);
        fs::copy(&log, log.with_extension(format!("log.{at}"))).unwrap();
        file.set_len(0).unwrap();
        error_line(&mut file, at + 1);
        wait_for_errors(&node, at + 1);
    }
    // Longer than before by the time it is looked at, so only its beginning shows that it is another.
    file.set_len(0).unwrap();
    for at in 8..20 {
        error_line(&mut file, at);
    }
    wait_for_errors(&node, 19);
}

#[test]
fn a_trace_that_is_written_in_halves_is_one() {
    let site = Site::new();
    let (mut node, log) = (site.node("a", &[], SETTINGS), site.path().join("a.log"));
    node.start();
    append(&log, "ready\n");
    let _watcher = Watcher::of_files(&node, &[&log]);
    let half = TRACE.len() / 2;
    append(&log, &TRACE[..half]);
    // Longer than a look, and longer than the silence that ends a trace whose lines are whole.
    std::thread::sleep(Duration::from_millis(1500));
    append(&log, &TRACE[half..]);
    let error = wait_for("the error", || node.ask(&["errors"]).get(0).cloned());
    assert_eq!((&error["error_type"], &error["message"]), (&"IndexError".into(), &"out of range".into()));
    assert_eq!(node.ask(&["errors"]).as_array().unwrap().len(), 1);
}

#[test]
fn a_watcher_that_is_killed_again_and_again_loses_nothing_and_counts_nothing_twice() {
    let site = Site::new();
    let (node, log) = started(&site);
    let mut file = OpenOptions::new().append(true).open(&log).unwrap();
    drop(Watcher::of_files(&node, &[&log]));
    let mut written = 0;
    for round in 0..8 {
        let watcher = Watcher::of_files(&node, &[&log]);
        for _ in 0..20 {
            written += 1;
            error_line(&mut file, written);
            file.write_all(format!("one\ntwo\nthree\n{TRACE}").as_bytes()).unwrap();
            std::thread::sleep(Duration::from_millis(5 * round));
        }
        drop(watcher);
        if round % 3 == 2 {
            fs::rename(&log, log.with_extension(format!("log.{round}"))).unwrap();
            file = File::create(&log).unwrap();
        }
    }
    let _watcher = Watcher::of_files(&node, &[&log]);
    wait_for("every error", || {
        let counts = counts(&node);
        assert!(counts.iter().all(|count| *count <= written), "{counts:?} of {written}");
        (counts == [written, written]).then_some(())
    });
}

#[test]
fn what_was_written_and_rotated_while_nobody_watched_is_read_by_the_next() {
    let site = Site::new();
    let (node, log) = started(&site);
    let watcher = Watcher::of_files(&node, &[&log]);
    assert_eq!(watcher.stop(), Some(0));
    let mut file = OpenOptions::new().append(true).open(&log).unwrap();
    error_line(&mut file, 1);
    fs::rename(&log, log.with_extension("log.2")).unwrap();
    error_line(&mut File::create(&log).unwrap(), 2);
    fs::rename(&log, log.with_extension("log.1")).unwrap();
    error_line(&mut File::create(&log).unwrap(), 3);
    let watcher = Watcher::of_files(&node, &[&log]);
    wait_for_errors(&node, 3);
    assert_eq!(watcher.stop(), Some(0));
    let mut file = OpenOptions::new().append(true).open(&log).unwrap();
    error_line(&mut file, 4);
    fs::copy(&log, log.with_extension("log.3")).unwrap();
    file.set_len(0).unwrap();
    error_line(&mut file, 5);
    let _watcher = Watcher::of_files(&node, &[&log]);
    wait_for_errors(&node, 5);
}

#[test]
fn a_log_that_is_not_there_is_waited_for_and_said_once() {
    let site = Site::new();
    let mut node = site.node("a", &[], SETTINGS);
    node.start();
    let log = site.path().join("later.log");
    let watcher = Watcher::of_files(&node, &[&log]);
    wait_for("the word", || watcher.said().contains("waiting for it").then_some(()));
    drop(watcher);
    append(&log, "ERROR first of all\n");
    let watcher = Watcher::of_files(&node, &[&log]);
    wait_for_errors(&node, 1);
    fs::remove_file(&log).unwrap();
    append(&log, "ERROR first of all\n");
    wait_for_errors(&node, 2);
    assert_eq!(watcher.said(), "");
}

#[test]
fn without_a_node_reports_wait_in_the_spool_redacted_and_count_once() {
    let site = Site::new();
    let mut node = site.node("a", &[], SETTINGS);
    let log = site.path().join("a.log");
    append(&log, "ready\n");
    let mut watchers = Vec::new();
    for spooled in 1..=2 {
        watchers.drain(..).for_each(drop);
        let watcher = Watcher::start(&node, &["--from-start", log.to_str().unwrap()]);
        watcher.wait_until_it_follows(&node, 1);
        append(&log, "token=ghp_Zq7Kd02LmPx9TwR4bVnYc81HsGfJe6UaQo35\nERROR password=hunter2secret was refused\n");
        watchers.push(watcher);
        wait_for("the spooled report", || (spool(&node).len() >= spooled).then_some(()));
    }
    for secret in ["ghp_Zq7Kd02", "hunter2secret"] {
        assert_eq!(files_with(&node.data_dir(), secret), Vec::<PathBuf>::new());
    }
    node.start();
    wait_for_errors(&node, 2);
}

#[test]
fn a_pipe_is_read_to_its_end_and_nothing_is_printed() {
    let site = Site::new();
    let mut node = site.node("a", &[], SETTINGS);
    node.start();
    let time = "build\tRun tests\t2026-11-25T10:00:00.1234567Z ";
    let log =
        format!("##[group]Run make\n{TRACE}##[error]Process completed with exit code 1.\n##[group]Run lint\n##[error]no newline at end");
    let log: String = log.lines().map(|line| format!("{time}{line}\n")).collect();
    let output = node.run_with_input(&["watch", "-"], log.trim_end());
    assert_eq!((output.status.code(), output.stdout.as_slice(), output.stderr.as_slice()), (Some(0), &b""[..], &b""[..]));
    let mut messages: Vec<String> =
        node.ask(&["errors"]).as_array().unwrap().iter().map(|error| error["message"].as_str().unwrap().to_owned()).collect();
    messages.sort();
    assert_eq!(messages, ["no newline at end", "out of range"]);
}

#[test]
fn the_log_of_a_run_counts_once_however_often_it_is_read_and_other_runs_count_as_well() {
    let site = Site::new();
    let mut node = site.node("a", &[], SETTINGS);
    node.set("GITHUB_SHA", "0f1e2d3c4b5a");
    node.start();
    // One error three times: twice in a step, and once in another.
    let log = format!("##[group]Run a\n{TRACE}ready\n{TRACE}##[group]Run b\n{TRACE}##[error]Process completed with exit code 1.\n");
    for _ in 0..3 {
        assert_eq!(node.run_with_input(&["watch", "-", "--run", "77-1"], &log).status.code(), Some(0));
    }
    wait_for("every reading", || (node.ask(&["status"])["dropped"]["repeated_event"] == 6).then_some(()));
    let status = wait_for("the counts", || Some(node.ask(&["status"])).filter(|status| status["occurrences"] == 3));
    assert_eq!(status["signatures"], 1);
    assert_eq!(node.ask(&["errors"])[0]["releases"]["0f1e2d3c4b5a"], 3);
    assert_eq!(node.run_with_input(&["watch", "-", "--run", "77-2"], &log).status.code(), Some(0));
    wait_for("the second attempt", || (node.ask(&["status"])["occurrences"] == 6).then_some(()));
    assert_eq!(node.run_with_input(&["watch", "-"], &log).status.code(), Some(0));
    wait_for("a log of no run", || (node.ask(&["status"])["occurrences"] == 9).then_some(()));
}

#[test]
fn garbage_is_read_past() {
    let site = Site::new();
    let (node, log) = started(&site);
    let mut file = OpenOptions::new().append(true).open(&log).unwrap();
    let _watcher = Watcher::of_files(&node, &[&log]);
    let mut state = 1_u64;
    let garbage: Vec<u8> = std::iter::repeat_with(|| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 33) as u8
    })
    .take(3_000_000)
    .collect();
    file.write_all(&garbage).unwrap();
    file.write_all(&vec![b'x'; 3_000_000]).unwrap();
    file.write_all(b"\n\xff\xfe\n").unwrap();
    error_line(&mut file, 1);
    wait_for_errors(&node, 1);
}

#[test]
fn a_large_log_is_read_in_little_memory() {
    let site = Site::new();
    let mut node = site.node("a", &[], SETTINGS);
    node.start();
    let log = site.path().join("large.log");
    let mut file = std::io::BufWriter::new(File::create(&log).unwrap());
    let line = format!("2026-11-25T10:00:00.123Z INFO GET /rows {}\n", "x".repeat(950));
    for at in 0..100_000 {
        file.write_all(line.as_bytes()).unwrap();
        if at % 20_000 == 0 {
            file.write_all(b"2026-11-25T10:00:00.123Z ERROR no such row\n").unwrap();
        }
    }
    file.flush().unwrap();
    assert!(log.metadata().unwrap().len() > 90 * 1024 * 1024);
    let watcher = Watcher::start(&node, &["--from-start", log.to_str().unwrap()]);
    wait_for_errors(&node, 5);
    let memory_kb = watcher.memory_kb();
    assert!(memory_kb < 60_000, "{memory_kb} kB");
}

#[test]
fn a_log_of_nothing_but_errors_is_counted_in_little_memory() {
    let site = Site::new();
    let mut node = site.node("a", &[], SETTINGS);
    node.start();
    let log = site.path().join("errors.log");
    append(&log, &"2026-11-25T10:00:00.123Z ERROR no such row\n".repeat(10_000));
    let watcher = Watcher::start(&node, &["--from-start", log.to_str().unwrap()]);
    wait_for_errors(&node, 10_000);
    let memory_kb = watcher.memory_kb();
    assert!(memory_kb < 60_000, "{memory_kb} kB");
}

#[test]
fn two_watchers_of_one_log_are_one_too_many() {
    let site = Site::new();
    let (node, log) = started(&site);
    let _watcher = Watcher::of_files(&node, &[&log]);
    let output = node.run(&["watch", log.to_str().unwrap()]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.code() == Some(1) && said.contains("already") && said.contains("hint: "), "{said}");
}

#[test]
fn a_unit_is_followed_through_the_journal_and_found_again() {
    let site = Site::new();
    let mut node = nameless(&site, SETTINGS);
    let journal = FakeJournal::new(site.path());
    node.set("PATH", &journal.path);
    journal.add("7", "6", &text("from before"));
    node.start();
    let watcher = Watcher::start(&node, &["--journal", "shop.service"]);
    watcher.wait_until_it_follows(&node, 1);
    for (line, other) in TRACE.lines().zip(["a", "b", "c", "d"]) {
        journal.add("7", "6", &text(line));
        journal.add("8", "6", &text(other));
    }
    journal.add("7", "3", "[100,105,115,107,32,255]");
    wait_for("both errors", || (counts(&node) == [1, 1]).then_some(()));
    let errors = node.ask(&["errors"]).to_string();
    assert!(errors.contains("IndexError") && errors.contains("disk"), "{errors}");
    drop(watcher);
    journal.add("7", "3", &text("disk \u{fffd}"));
    let watcher = Watcher::start(&node, &["--journal", "shop.service"]);
    wait_for("the third", || (counts(&node) == [1, 2]).then_some(()));
    assert_eq!(watcher.stop(), Some(0));
    let calls = fs::read_to_string(site.path().join("calls")).unwrap();
    assert!(calls.contains("--after-cursor=c1 ") && calls.contains("--unit shop.service"), "{calls}");
}

#[test]
fn a_journal_that_cannot_be_read_is_told_with_a_way_out() {
    let site = Site::new();
    let mut node = site.node("a", &[], SETTINGS);
    node.set("PATH", "/nonexistent");
    let output = node.run(&["watch", "--journal", "shop.service"]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.code() == Some(1) && said.contains("journalctl could not be started") && said.contains("hint: "), "{said}");
}

#[test]
fn a_journal_that_ends_is_read_again_where_it_was_left_and_one_that_refuses_is_told() {
    let site = Site::new();
    let mut node = nameless(&site, SETTINGS);
    let journal = FakeJournal::new(site.path());
    node.set("PATH", &journal.path);
    node.start();
    let script = site.path().join("bin/journalctl");
    let following = fs::read_to_string(&script).unwrap();
    fs::write(&script, following.replace("--pid=$PPID -f ", "")).unwrap();
    let watcher = Watcher::start(&node, &["--journal", "shop.service"]);
    watcher.wait_until_it_follows(&node, 1);
    for number in 1..=3 {
        journal.add("7", "3", &text("disk is gone"));
        wait_for_errors(&node, number);
    }
    fs::write(&script, "#!/bin/sh\necho 'No journal for you.' >&2\nexit 1\n").unwrap();
    let output = node.run(&["watch", "--journal", "other.service"]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.code() == Some(1) && said.contains("journalctl says: No journal for you."), "{said}");
}

/// A `journalctl` that prints what was recorded, and then what is recorded.
struct FakeJournal {
    entries: PathBuf,
    path: String,
}

impl FakeJournal {
    fn new(dir: &Path) -> Self {
        let (bin, entries) = (dir.join("bin"), dir.join("entries"));
        fs::create_dir(&bin).unwrap();
        fs::write(&entries, "").unwrap();
        let script = format!(
            "#!/bin/sh\necho \"$* \" >> {calls}\nfrom=1\nfor argument; do\n  case $argument in\n    --lines=1) exec tail -n 1 {entries};;\n    \
             --after-cursor=c*) from=$((${{argument#--after-cursor=c}} + 1));;\n  esac\ndone\nexec tail -n +$from --pid=$PPID -f {entries}\n",
            calls = dir.join("calls").display(),
            entries = entries.display(),
        );
        fs::write(bin.join("journalctl"), script).unwrap();
        fs::set_permissions(bin.join("journalctl"), fs::Permissions::from_mode(0o755)).unwrap();
        let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
        Self { entries, path }
    }

    fn add(&self, process: &str, priority: &str, message: &str) {
        let number = fs::read_to_string(&self.entries).unwrap().lines().count() + 1;
        let entry = format!(
            "{{\"__CURSOR\":\"c{number}\",\"__REALTIME_TIMESTAMP\":\"1795612232000000\",\"_SYSTEMD_UNIT\":\"shop.service\",\"_COMM\":\"python3\",\
             \"_PID\":\"{process}\",\"PRIORITY\":\"{priority}\",\"MESSAGE\":{message}}}\n"
        );
        append(&self.entries, &entry);
    }
}

fn text(message: &str) -> String {
    Value::from(message).to_string()
}

/// A running `healnode watch`. Killed when dropped.
struct Watcher {
    child: Child,
    said: PathBuf,
}

impl Watcher {
    /// Watches files, and returns once they are followed.
    fn of_files(node: &TestNode, logs: &[&Path]) -> Self {
        let arguments: Vec<&str> = logs.iter().map(|log| log.to_str().unwrap()).collect();
        let watcher = Watcher::start(node, &arguments);
        watcher.wait_until_it_follows(node, logs.len());
        watcher
    }

    fn start(node: &TestNode, arguments: &[&str]) -> Self {
        let said = node.home().join("said");
        let mut command = node.command();
        command.arg("watch").args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(File::create(&said).unwrap());
        Self { child: command.spawn().unwrap(), said }
    }

    fn wait_until_it_follows(&self, node: &TestNode, sources: usize) {
        wait_for("the positions", || {
            let entries = fs::read_dir(node.data_dir().join("watch")).ok()?;
            let is_position = |name: &str| name.ends_with(".json");
            (entries.filter(|entry| is_position(&entry.as_ref().unwrap().file_name().to_string_lossy())).count() == sources).then_some(())
        });
    }

    fn said(&self) -> String {
        fs::read_to_string(&self.said).unwrap()
    }

    fn memory_kb(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        line.split_whitespace().next().unwrap().parse().unwrap()
    }

    /// Ends it as an operator would, and returns its exit code.
    fn stop(mut self) -> Option<i32> {
        assert!(Command::new("kill").arg("-TERM").arg(self.child.id().to_string()).status().unwrap().success());
        let code = self.child.wait().unwrap().code();
        assert_eq!(self.said(), "", "it says nothing where nobody looks");
        code
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// A running node, and a log that is there and says nothing yet.
fn started(site: &Site) -> (TestNode, PathBuf) {
    let mut node = site.node("a", &[], SETTINGS);
    node.start();
    let log = site.path().join("a.log");
    append(&log, "ready, and at it since 2026-11-25\n");
    (node, log)
}

/// A node that was given no name for what it runs beside.
fn nameless(site: &Site, settings: &str) -> TestNode {
    let node = site.node("a", &[], settings);
    let settings = node.home().join("healnode.toml");
    let text = fs::read_to_string(&settings).unwrap().replace("app = \"shop\"\n", "");
    fs::write(settings, text).unwrap();
    node
}

fn append(log: &Path, text: &str) {
    OpenOptions::new().create(true).append(true).open(log).unwrap().write_all(text.as_bytes()).unwrap();
}

/// Writes a line that is an error, the same one for every number.
fn error_line(file: &mut File, number: u64) {
    file.write_all(format!("2026-11-25T10:00:00.{number:03}Z ERROR row {number} is broken\n").as_bytes()).unwrap();
}

/// How often each error was seen, the rarest first.
fn counts(node: &TestNode) -> Vec<u64> {
    let mut counts: Vec<u64> =
        node.ask(&["errors"]).as_array().unwrap().iter().map(|error| error["occurrences"].as_u64().unwrap()).collect();
    counts.sort_unstable();
    counts
}

/// Waits until there is one error, seen so often.
fn wait_for_errors(node: &TestNode, occurrences: u64) {
    wait_for("the errors", || {
        let counts = counts(node);
        assert!(counts.len() <= 1 && counts.iter().all(|count| *count <= occurrences), "{counts:?}, expected {occurrences}");
        (counts == [occurrences]).then_some(())
    });
}

fn spool(node: &TestNode) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(node.data_dir().join("spool")) else { return Vec::new() };
    entries.map(|entry| entry.unwrap().path()).filter(|path| path.extension().is_some_and(|extension| extension == "json")).collect()
}
