//! One run of the repository's own tests behind walls without a network, and what two of them say of a fix.
//!
//! Their output is read as long as they run, and only its end and the names in it are kept. They may not run or print for ever.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use healnode_core::limits::{FAILING_TESTS_MAX, TEST_TAIL_BYTES_MAX};
use healnode_core::{TestRun, Verdict};
use healnode_report::Redactor;
use tokio::io::{AsyncRead, AsyncReadExt as _};

use crate::failing::failing_test;
use crate::limits::{OUTPUT_BYTES_MAX, OUTPUT_LINE_BYTES_MAX, OUTPUT_TAIL_BYTES};
use crate::walls::{Ending, Ground, Launch, LaunchError, Running, launch};

/// A command to run in a copy.
pub(crate) struct Trial<'a> {
    /// Program and arguments.
    pub(crate) argv: &'a [String],
    /// The copy.
    pub(crate) copy: &'a Path,
    /// A private home.
    pub(crate) home: &'a Path,
    /// After how long it is stopped.
    pub(crate) limit: Duration,
}

/// Runs it.
pub(crate) async fn run(trial: Trial<'_>, ground: &Ground, redactor: &Redactor) -> Result<TestRun, LaunchError> {
    let walls = ground.walls(trial.copy, trial.home, &[]);
    let what = Launch { argv: trial.argv, dir: trial.copy, env: ground.environment(trial.home), walls: &walls };
    let mut running = launch(what, Stdio::null(), Stdio::piped(), Stdio::piped())?;
    let mut heard = Heard::default();
    let ended = tokio::time::timeout(trial.limit, listen(&mut running, &mut heard)).await;
    let (passed, ending) = match ended {
        Ok(Some(ending)) => (ending.is_success(), ending.to_string()),
        Ok(None) => (false, format!("stopped after {} MiB of output", OUTPUT_BYTES_MAX >> 20)),
        Err(_) => (false, format!("stopped after {} s", trial.limit.as_secs())),
    };
    if let Err(error) = running.stop().await {
        tracing::debug!(%error, "tests that were stopped had ended");
    }
    Ok(heard.into_run(passed, ending, redactor))
}

/// Reads what it prints until it ends. Nothing when it prints too much.
async fn listen(running: &mut Running, heard: &mut Heard) -> Option<Ending> {
    let (mut out, mut err) = (running.stdout.take(), running.stderr.take());
    let (mut out_line, mut err_line) = (Line::default(), Line::default());
    let mut ending = None;
    loop {
        tokio::select! {
            piece = next(&mut out) => heard.take(&piece, &mut out_line),
            piece = next(&mut err) => heard.take(&piece, &mut err_line),
            ended = running.wait(), if ending.is_none() => ending = Some(ended.unwrap_or(Ending { code: None, signal: None, excess: None })),
        }
        if heard.bytes > OUTPUT_BYTES_MAX {
            return None;
        }
        if let (None, None, Some(ended)) = (&out, &err, &ending) {
            return Some(ended.clone());
        }
    }
}

/// The next piece of a pipe, which is put away at its end. Waits for ever behind it.
async fn next<R: AsyncRead + Unpin>(pipe: &mut Option<R>) -> Vec<u8> {
    let Some(open) = pipe else {
        return std::future::pending().await;
    };
    let mut piece = Vec::with_capacity(OUTPUT_TAIL_BYTES);
    if open.read_buf(&mut piece).await.unwrap_or(0) == 0 {
        *pipe = None;
    }
    piece
}

/// The line that a pipe is in.
#[derive(Default)]
struct Line(Vec<u8>);

/// What was heard of a run.
#[derive(Default)]
struct Heard {
    bytes: u64,
    tail: Vec<u8>,
    failing: BTreeSet<String>,
}

impl Heard {
    fn take(&mut self, piece: &[u8], line: &mut Line) {
        self.bytes += u64::try_from(piece.len()).unwrap_or(u64::MAX);
        self.tail.extend_from_slice(piece);
        let surplus = self.tail.len().saturating_sub(OUTPUT_TAIL_BYTES);
        self.tail.drain(..surplus);
        for part in piece.split_inclusive(|byte| *byte == b'\n') {
            let room = OUTPUT_LINE_BYTES_MAX.saturating_sub(line.0.len());
            line.0.extend_from_slice(&part[..part.len().min(room)]);
            if part.ends_with(b"\n") {
                self.note(&String::from_utf8_lossy(&line.0));
                line.0.clear();
            }
        }
    }

    fn note(&mut self, line: &str) {
        if self.failing.len() < FAILING_TESTS_MAX {
            self.failing.extend(failing_test(line.trim_end_matches(['\n', '\r'])));
        }
    }

    fn into_run(self, passed: bool, ending: String, redactor: &Redactor) -> TestRun {
        let tail = String::from_utf8_lossy(&self.tail).into_owned();
        let tail = redactor.redact(&tail);
        let tail = &tail[tail.ceil_char_boundary(tail.len().saturating_sub(TEST_TAIL_BYTES_MAX))..];
        let failing = if passed { Vec::new() } else { self.failing.iter().map(|name| redactor.redact(name).into_owned()).collect() };
        TestRun { passed, ending, failing, tail: tail.to_owned() }
    }
}

/// What the tests say of a fix, and the command that fails as long as the error is there: whether it passed before, and after.
pub(crate) fn verdict(tests: Option<(&TestRun, &TestRun)>, reproduced: Option<(bool, bool)>) -> Verdict {
    let of_tests = tests.map_or(Verdict::NotRegressed, |(before, after)| of_tests(before, after));
    match reproduced {
        Some((false, false) | (true, false)) => Verdict::Failed,
        Some((false, true)) if of_tests == Verdict::NotRegressed => Verdict::Verified,
        Some((false | true, true)) | None => of_tests,
    }
}

fn of_tests(before: &TestRun, after: &TestRun) -> Verdict {
    match (before.passed, after.passed) {
        (false, true) => Verdict::Verified,
        (true, true) => Verdict::NotRegressed,
        (true, false) => Verdict::Failed,
        (false, false) => of_failing(&before.failing, &after.failing),
    }
}

/// Both runs failed, so their names decide. Without names, or with more than are kept, nothing is shown.
fn of_failing(before: &[String], after: &[String]) -> Verdict {
    let is_known = |names: &[String]| !names.is_empty() && names.len() < FAILING_TESTS_MAX;
    let is_better = is_known(before) && is_known(after) && after.iter().all(|name| before.contains(name)) && after.len() < before.len();
    if is_better { Verdict::Verified } else { Verdict::Failed }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ended(passed: bool, failing: &[&str]) -> TestRun {
        TestRun { passed, failing: failing.iter().map(|name| (*name).to_owned()).collect(), ..TestRun::default() }
    }

    #[test]
    fn a_verdict_needs_something_that_failed_before_and_passes_after() {
        for (before, after, reproduced, expected) in [
            (ended(false, &["a"]), ended(true, &[]), None, Verdict::Verified),
            (ended(true, &[]), ended(true, &[]), None, Verdict::NotRegressed),
            (ended(true, &[]), ended(false, &["a"]), None, Verdict::Failed),
            (ended(false, &["a"]), ended(false, &["a"]), None, Verdict::Failed),
            (ended(false, &["a", "b"]), ended(false, &["b"]), None, Verdict::Verified),
            (ended(false, &["a"]), ended(false, &["b"]), None, Verdict::Failed),
            (ended(false, &["a", "b"]), ended(false, &["b", "c"]), None, Verdict::Failed),
            (ended(false, &["a"]), ended(false, &[]), None, Verdict::Failed),
            (ended(true, &[]), ended(true, &[]), Some((false, true)), Verdict::Verified),
            (ended(true, &[]), ended(true, &[]), Some((false, false)), Verdict::Failed),
            (ended(true, &[]), ended(false, &[]), Some((false, true)), Verdict::Failed),
            (ended(true, &[]), ended(true, &[]), Some((true, true)), Verdict::NotRegressed),
        ] {
            assert_eq!(verdict(Some((&before, &after)), reproduced), expected, "{before:?} {after:?} {reproduced:?}");
        }
        assert_eq!(verdict(None, None), Verdict::NotRegressed);
    }

    #[test]
    fn the_end_of_the_output_is_kept_and_redacted_and_names_are_found_anywhere() {
        let (mut heard, mut line) = (Heard::default(), Line::default());
        heard.take(b"test a::b ... FAI", &mut line);
        heard.take(b"LED\n", &mut line);
        for _ in 0..10_000 {
            heard.take(b"noise noise noise\n", &mut line);
        }
        heard.take(b"password=hunter2 the end\n", &mut line);
        let run = heard.into_run(false, "exit 1".into(), &Redactor::default());
        assert_eq!(run.failing, ["a::b"]);
        assert!(run.tail.len() <= TEST_TAIL_BYTES_MAX && run.tail.ends_with("the end\n") && !run.tail.contains("hunter2"));
    }
}
