//! Toy repositories with a real bug, and a fixer over them.
#![allow(dead_code, clippy::unwrap_used, reason = "each test file uses its own part, and ends at what it did not expect")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use healnode_core::{FixDepth, FixEnding, FixJob, FixOutcome, StageRecord};
use healnode_fixer::{CommandFixer, Fixer, FixerConfig, FixerKind};
use healnode_report::{RawError, Redactor, Report, UnixMillis};
use tokio::sync::{mpsc, watch};

const INVENTORY: &str = "def average_price(items):
    total = sum(items)
    return total / len(items)
";

const TESTS: &str = "import unittest
from inventory import average_price


class Prices(unittest.TestCase):
    def test_some(self):
        self.assertEqual(average_price([1, 3]), 2)

    def test_empty(self):
        self.assertEqual(average_price([]), 0)
";

/// A shell line that mends the bug.
pub(crate) const MEND: &str = "sed -i 's|return total / len(items)|return total / len(items) if items else 0|' inventory.py";

const TRACE: &str = "Traceback (most recent call last):
  File \"/srv/shop/main.py\", line 9, in main
    print(average_price([]))
  File \"/srv/shop/inventory.py\", line 3, in average_price
    return total / len(items)
ZeroDivisionError: division by zero";

/// A repository, a data directory, and what lies beside them.
pub(crate) struct Toy {
    folder: tempfile::TempDir,
}

impl Toy {
    /// The Python shop: `average_price` divides by the number of items.
    pub(crate) fn python() -> Toy {
        let toy = Toy { folder: tempfile::tempdir().unwrap() };
        fs::create_dir(toy.origin()).unwrap();
        git(&toy.origin(), &["init", "--quiet", "--initial-branch=main"]);
        toy.commit(&[
            ("inventory.py", INVENTORY),
            ("test_inventory.py", TESTS),
            ("CODEOWNERS", "* @everybody\n/inventory.py @alice @acme/shop\n"),
            (".github/workflows/ci.yml", "on: push\n"),
            ("Cargo.lock", "version = 4\n"),
            ("other.py", "x = 1\n"),
        ]);
        toy
    }

    /// Commits files and returns the commit.
    pub(crate) fn commit(&self, files: &[(&str, &str)]) -> String {
        for (path, content) in files {
            let path = self.origin().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
        git(&self.origin(), &["add", "--all"]);
        git(&self.origin(), &["-c", "user.name=Alice", "-c", "user.email=alice@example.org", "commit", "--quiet", "-m", "shop: prices"]);
        git(&self.origin(), &["rev-parse", "HEAD"])
    }

    /// The folder of all.
    pub(crate) fn folder(&self) -> PathBuf {
        self.folder.path().canonicalize().unwrap()
    }

    /// The repository.
    pub(crate) fn origin(&self) -> PathBuf {
        self.folder().join("origin")
    }

    /// A configuration with a shell script as the fixer, and with the toy's tests.
    pub(crate) fn config(&self, script: &str) -> FixerConfig {
        let argv = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<String>>();
        FixerConfig {
            data_dir: self.folder().join("data"),
            repository: self.origin().to_str().unwrap().to_owned(),
            token: None,
            fixer: FixerKind::Command(CommandFixer {
                argv: argv(&["sh", "-c", script, "fixer", "{work}", "{report_file}", "{prompt_file}"]),
                ports: Vec::new(),
            }),
            tests: argv(&["python3", "-m", "unittest", "-q"]),
            reproduce: Vec::new(),
            tests_limit: Duration::from_secs(60),
            round_limit: Duration::from_secs(60),
            fix_limit: Duration::from_secs(300),
            rounds_max: 3,
            files_max: 5,
            lines_max: 120,
            readable: Vec::new(),
            require_walls: false,
            redactor: Redactor::default(),
        }
    }
}

/// A job about the toy's error.
pub(crate) fn job(depth: FixDepth, release: Option<&str>) -> FixJob {
    let mut raw = RawError::new("ZeroDivisionError", "division by zero");
    raw.stack = Some(TRACE.to_owned());
    raw.release = release.map(str::to_owned);
    let sample = Report::new(raw, UnixMillis(1_795_612_232_000));
    FixJob { fingerprint: sample.fingerprint(), depth, issue: None, sample: Box::new(sample), occurrences: 12 }
}

/// Runs one job and returns its outcome with its stages.
pub(crate) async fn run(config: FixerConfig, job: FixJob) -> (FixOutcome, Vec<StageRecord>) {
    fs::create_dir_all(&config.data_dir).unwrap();
    let (stages, mut records) = mpsc::channel(100);
    let (_keep, cancel) = watch::channel(false);
    let outcome = Fixer::new(config).unwrap().run(job, stages, cancel).await;
    let mut all = Vec::new();
    while let Some(record) = records.recv().await {
        all.push(record);
    }
    (outcome, all)
}

/// How it ended, in one line.
pub(crate) fn ending(outcome: &FixOutcome) -> String {
    match &outcome.ending {
        FixEnding::Guided => "guided".to_owned(),
        FixEnding::Proposed(proposal) => format!("proposed, {}", proposal.verdict),
        FixEnding::Failed(failure) => format!("{}: {}", failure.stage, failure.why),
    }
}

/// Stages as `stage round passed`.
pub(crate) fn stages(records: &[StageRecord]) -> Vec<String> {
    records.iter().map(|record| format!("{} {} {}", record.stage, record.round, if record.passed { "passed" } else { "failed" })).collect()
}

/// Runs git in a folder.
pub(crate) fn git(folder: &Path, arguments: &[&str]) -> String {
    let output = Command::new("git").current_dir(folder).args(arguments).output().unwrap();
    assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}
