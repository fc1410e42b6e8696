//! The composite action of `examples/github-action`, its shell part run here: against a folder in place of GitHub, in bash as a runner would.
#![allow(clippy::unwrap_used, reason = "what goes wrong here has to fail the test")]

#[path = "github/emulator.rs"]
mod emulator;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use emulator::Emulator;
use tempfile::TempDir;

const ACTION: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/github-action");

#[test]
fn a_step_that_fails_is_filed_and_ends_with_its_own_code() {
    let runner = Runner::new();
    let trace = "Traceback (most recent call last):\\n  File \"load.py\", line 8, in load\\nIndexError: out of range\\n";
    let run = format!("echo working\nprintf '{trace}' >&2\nexit 7\n");
    let output = runner.run(&run, &[("INPUT_APP", "nightly-tests")]);
    let said = text(&output.stdout);
    assert_eq!(output.status.code(), Some(7), "{said}{}", text(&output.stderr));
    assert!(said.starts_with("working\n") && said.contains("::notice title=healnode::the failure is "), "{said}");
    let issues = runner.issues();
    assert_eq!(issues.len(), 1);
    assert!(issues[0].contains("IndexError") && issues[0].contains("nightly-tests"), "{}", issues[0]);
    assert!(runner.read("output").starts_with("issue=file://") && runner.read("summary").contains("The failure is file://"));
    assert_eq!(fs::read_dir(runner.path("temp")).unwrap().count(), 0, "the node leaves nothing behind");
}

#[test]
fn two_jobs_that_fail_alike_have_one_issue_on_github() {
    let Some(github) = Emulator::start() else { return };
    for _ in 0..2 {
        let runner = Runner::new();
        let variables = [
            ("HEALNODE_FORGE_KIND", "github"),
            ("GITHUB_API_URL", github.url()),
            ("GITHUB_REPOSITORY", github.repo()),
            ("INPUT_TOKEN", github.token()),
        ];
        let output = runner.run("echo 'no such row' >&2; exit 7", &variables);
        assert_eq!(output.status.code(), Some(7), "{}", text(&output.stderr));
        assert!(text(&output.stdout).contains("::notice title=healnode::the failure is http"), "{}", text(&output.stdout));
    }
    assert_eq!(github.issues().len(), 1);
}

#[test]
fn a_step_that_succeeds_costs_no_waiting_and_files_nothing() {
    let runner = Runner::new();
    let started = Instant::now();
    let output = runner.run("echo fine", &[("INPUT_WAIT_SECONDS", "60")]);
    assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(0), &b"fine\n"[..]));
    assert!(started.elapsed() < Duration::from_secs(50) && runner.issues().is_empty());
}

#[test]
fn the_command_is_run_as_a_step_is_and_does_not_get_the_token() {
    let runner = Runner::new();
    let output = runner.run("env; false | true; echo not here", &[("INPUT_TOKEN", "ghs_onlyForTheNode"), ("INPUT_WAIT_SECONDS", "30")]);
    let said = text(&output.stdout);
    assert_eq!(output.status.code(), Some(1));
    assert!(said.contains("PATH=") && !said.contains("ghs_onlyForTheNode") && !said.contains("not here"), "{said}");
}

#[test]
fn a_node_that_does_not_start_is_a_warning() {
    let runner = Runner::new();
    let output = runner.run("echo working; exit 3", &[("HEALNODE_MESH_LISTEN", "nowhere")]);
    let said = text(&output.stdout);
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert!(said.contains("::warning title=healnode::the node did not start") && said.contains("working\n"), "{said}");
}

#[test]
fn an_issue_that_does_not_come_is_waited_for_no_longer_than_allowed() {
    let runner = Runner::new();
    fs::write(runner.path("outbox"), "a file where the folder should be").unwrap();
    let output = runner.run("exit 4", &[("INPUT_WAIT_SECONDS", "2")]);
    let said = text(&output.stdout);
    assert_eq!(output.status.code(), Some(4), "{said}");
    assert!(said.contains("was not filed within 2 seconds"), "{said}");
}

#[test]
fn without_auto_issue_nothing_is_filed() {
    let runner = Runner::new();
    let output = runner.run("exit 5", &[("INPUT_AUTO_ISSUE", "false")]);
    assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(5), &b""[..]));
    assert!(runner.issues().is_empty());
}

#[test]
fn the_program_is_the_one_that_is_named_or_the_one_on_the_path() {
    let runner = Runner::new();
    let program = env!("CARGO_BIN_EXE_healnode");
    let beside = Path::new(program).parent().unwrap().display().to_string();
    for (name, path) in [(program, ""), ("", beside.as_str())] {
        let path = format!("{path}:{}", std::env::var("PATH").unwrap());
        let output = runner.script("install.sh", &[("INPUT_PATH", name), ("PATH", &path)]);
        assert!(output.status.success(), "{}", text(&output.stderr));
        assert_eq!(runner.read("output").lines().next_back(), Some(format!("program={program}").as_str()));
    }
    let output = runner.script("install.sh", &[("INPUT_PATH", "/nonexistent/healnode")]);
    assert!(!output.status.success() && text(&output.stdout).contains("::error title=healnode::the input path names no program"));
}

#[test]
fn what_the_action_hands_over_is_what_its_scripts_read() {
    let action = fs::read_to_string(format!("{ACTION}/action.yml")).unwrap();
    let scripts = ["install.sh", "run.sh"].map(|name| fs::read_to_string(format!("{ACTION}/{name}")).unwrap()).concat();
    let handed: Vec<&str> = action.lines().filter_map(|line| line.trim().split_once(": ")?.0.strip_prefix("INPUT_")).collect();
    assert_eq!(handed.len(), 10);
    for name in handed {
        assert!(scripts.contains(&format!("${{INPUT_{name}:")), "INPUT_{name} is not read");
    }
}

/// Returns the command of the workflow that reads the log of a failed run.
fn command_of_failed_run() -> String {
    let workflow = fs::read_to_string(format!("{ACTION}/failed-run.yml")).unwrap();
    let (_, command) = workflow.split_once("          run: |\n").unwrap();
    command.lines().map(|line| format!("{}\n", line.trim_start())).collect()
}

#[test]
fn the_log_of_a_failed_run_is_filed_under_the_run_s_own_commit_and_reading_it_is_no_failure() {
    let runner = Runner::new();
    let gh = runner.path("gh");
    let log = "test\\tRun make\\t2026-11-25T10:00:00.1234567Z ";
    let lines = ["##[group]Run make", "loading", "##[error]no rule to make target all", "##[error]Process completed with exit code 2."];
    let printed: String = lines.iter().map(|line| format!("{log}{line}\\n")).collect();
    fs::write(&gh, format!("#!/bin/sh\necho \"$GH_TOKEN $*\" > \"$0.asked\"\nprintf '{printed}'\n")).unwrap();
    fs::set_permissions(&gh, fs::Permissions::from_mode(0o755)).unwrap();
    let beside = Path::new(env!("CARGO_BIN_EXE_healnode")).parent().unwrap();
    let path = format!("{}:{}:{}", runner.path("").display(), beside.display(), std::env::var("PATH").unwrap());
    let variables = [
        ("PATH", path.as_str()),
        ("RUN", "77"),
        ("ATTEMPT", "2"),
        ("COMMIT", "0f1e2d3c4b5a"),
        ("GITHUB_SHA", "the default branch"),
        ("GH_TOKEN", "ghs_reads"),
        ("INPUT_APP", "nightly"),
    ];
    let output = runner.run(&command_of_failed_run(), &variables);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    // The repository is not named, for with the outbox it would be one too much.
    assert_eq!(runner.read("gh.asked").trim(), "ghs_reads run view 77 --attempt 2 --repo  --log-failed");
    let issues = runner.issues();
    assert_eq!(issues.len(), 1, "{issues:?}");
    for part in ["no rule to make target all", "loading", "nightly", "0f1e2d3c4b5a"] {
        assert!(issues[0].contains(part), "{part} is not in {}", issues[0]);
    }
    assert!(text(&output.stdout).contains("::notice title=healnode::the failure is "), "{}", text(&output.stdout));
}

/// A runner's folders.
struct Runner {
    dir: TempDir,
}

impl Runner {
    fn new() -> Self {
        let dir = tempfile::Builder::new().prefix("hn").tempdir().unwrap();
        ["temp", "workspace"].into_iter().for_each(|name| fs::create_dir(dir.path().join(name)).unwrap());
        // A repository's own configuration is for its service, not for its jobs.
        fs::write(dir.path().join("workspace/healnode.toml"), "no = 'configuration of this job'\n").unwrap();
        Self { dir }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_default()
    }

    /// Runs a step with the action.
    fn run(&self, run: &str, variables: &[(&str, &str)]) -> Output {
        let given = [("INPUT_RUN", run), ("INPUT_PROGRAM", env!("CARGO_BIN_EXE_healnode"))];
        self.script("run.sh", &[&given, variables].concat())
    }

    fn script(&self, name: &str, variables: &[(&str, &str)]) -> Output {
        let mut command = Command::new("bash");
        command.arg(format!("{ACTION}/{name}")).env_clear().env("PATH", std::env::var_os("PATH").unwrap()).env("HOME", self.dir.path());
        command.env("GITHUB_ACTION_PATH", ACTION).env("RUNNER_TEMP", self.path("temp")).env("GITHUB_OUTPUT", self.path("output"));
        command.env("GITHUB_STEP_SUMMARY", self.path("summary"));
        command.env("HEALNODE_FORGE_KIND", "outbox").env("HEALNODE_FORGE_OUTBOX", self.path("outbox"));
        command.envs(variables.iter().copied()).current_dir(self.path("workspace")).stdin(Stdio::null());
        command.output().unwrap()
    }

    fn issues(&self) -> Vec<String> {
        let Ok(entries) = fs::read_dir(self.path("outbox")) else { return Vec::new() };
        let paths = entries.map(|entry| entry.unwrap().path()).filter(|path| path.extension().is_some_and(|extension| extension == "md"));
        paths.map(|path| fs::read_to_string(path).unwrap()).collect()
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
