//! Runs the operator's rollback command, or says that it would.
//!
//! The core decides whether and when, and has written that down before anything arrives here. The command gets facts on its standard input and
//! nothing by its arguments; no shell reads anything. What it prints is somebody's data: bounded, and never logged above debug.

use std::ffi::OsString;
use std::process::{ExitStatus, Stdio};
use std::time::{Duration, Instant};

use healnode_core::{CallId, RollbackFacts, RollbackOutcome};
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, Command};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tracing::{debug, info, warn};

use crate::config;

/// Rollbacks that wait to be run, and ends that wait to be told. The core asks at most once for each deploy; what finds no room is not run.
pub(crate) const ROLLBACKS_MAX: usize = 16;

/// Bytes of each output stream that are kept for the debug log. The rest is read and dropped, so that the command is not held up.
const OUTPUT_BYTES_MAX: u64 = 16 * 1024;

/// How long a command that took too long may take to end by itself once it is told to.
const GRACE: Duration = Duration::from_secs(5);

/// How long is waited for the rest of the output, which processes that the command left behind may keep open.
const OUTPUT_PATIENCE: Duration = Duration::from_secs(1);

/// What a command finds in its environment; nothing else of the node's gets there, tokens least of all.
const ENVIRONMENT: [&str; 2] = ["PATH", "HOME"];

/// Runs what is asked for, one after the other, until nobody asks any more.
///
/// When the node stops, a command that runs is left alone: half a rollback is worse than one whose end nobody saw.
pub(crate) async fn run(
    config: config::Rollback,
    mut asked: mpsc::Receiver<(CallId, Box<RollbackFacts>)>,
    ended: mpsc::Sender<(CallId, RollbackOutcome)>,
) {
    while let Some((id, facts)) = asked.recv().await {
        let outcome = roll_back(&config, &facts).await;
        if ended.send((id, outcome)).await.is_err() {
            return;
        }
    }
}

async fn roll_back(config: &config::Rollback, facts: &RollbackFacts) -> RollbackOutcome {
    let (fingerprint, release) = (facts.fingerprint.short(), &facts.release);
    match config.command.split_first() {
        Some((program, arguments)) if config.confirm => {
            info!(%fingerprint, release, "running the rollback command");
            run_command(program, arguments, facts, config.timeout).await
        }
        Some(_) | None => {
            warn!(%fingerprint, release, "would run the rollback command; rollback.confirm = true lets it");
            RollbackOutcome::DryRun
        }
    }
}

async fn run_command(program: &str, arguments: &[String], facts: &RollbackFacts, limit: Duration) -> RollbackOutcome {
    let began = Instant::now();
    let mut command = Command::new(program);
    command.args(arguments).env_clear().envs(environment()).current_dir("/").process_group(0);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = match command.spawn() {
        Ok(child) => child,
        Err(problem) => return RollbackOutcome::NotStarted { why: problem.kind().to_string() },
    };
    let mut talk = JoinSet::new();
    feed(&mut talk, &mut child, facts);
    listen(&mut talk, child.stdout.take(), "stdout");
    listen(&mut talk, child.stderr.take(), "stderr");
    let status = tokio::time::timeout(limit, child.wait()).await;
    if status.is_err() {
        end(&mut child).await;
    }
    let all_said = async { while talk.join_next().await.is_some() {} };
    if tokio::time::timeout(OUTPUT_PATIENCE, all_said).await.is_err() {
        debug!("the rollback command left a process behind that keeps its output open");
    }
    let took_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    status.map_or(RollbackOutcome::TimedOut { after_ms: took_ms }, |status| ending(status, took_ms))
}

fn environment() -> impl Iterator<Item = (&'static str, OsString)> {
    ENVIRONMENT.into_iter().filter_map(|name| Some((name, std::env::var_os(name)?)))
}

fn ending(status: std::io::Result<ExitStatus>, took_ms: u64) -> RollbackOutcome {
    match status {
        Ok(status) if status.success() => RollbackOutcome::Done { took_ms },
        Ok(status) => RollbackOutcome::Failed { code: status.code(), took_ms },
        Err(problem) => {
            debug!(%problem, "how the rollback command ended could not be found out");
            RollbackOutcome::Failed { code: None, took_ms }
        }
    }
}

/// Writes the facts. A command that does not read them is none the worse for it.
fn feed(talk: &mut JoinSet<()>, child: &mut Child, facts: &RollbackFacts) {
    let (Some(mut input), Ok(text)) = (child.stdin.take(), serde_json::to_vec(facts)) else { return };
    talk.spawn(async move {
        if let Err(problem) = input.write_all(&text).await {
            debug!(%problem, "the rollback command did not read its input");
        }
    });
}

fn listen(talk: &mut JoinSet<()>, stream: Option<impl AsyncRead + Send + Unpin + 'static>, name: &'static str) {
    let Some(mut stream) = stream else { return };
    talk.spawn(async move {
        let mut kept = Vec::new();
        let read = (&mut stream).take(OUTPUT_BYTES_MAX).read_to_end(&mut kept).await;
        debug!(stream = name, output = %String::from_utf8_lossy(&kept).escape_debug(), "the rollback command printed");
        if let Err(problem) = read.and(tokio::io::copy(&mut stream, &mut tokio::io::sink()).await) {
            debug!(%problem, "the output of the rollback command could not be read");
        }
    });
}

/// Ends a command and whatever it has started in its group: first it is asked to, then it has to.
async fn end(child: &mut Child) {
    let group = child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
    signal(group, Signal::TERM);
    if tokio::time::timeout(GRACE, child.wait()).await.is_err() {
        debug!("the rollback command did not end when it was told to");
    }
    signal(group, Signal::KILL);
    drop(child.wait().await);
}

fn signal(group: Option<Pid>, signal: Signal) {
    if let Some(Err(problem)) = group.map(|group| kill_process_group(group, signal)) {
        debug!(%problem, ?signal, "nothing is left of the rollback command to send a signal to");
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use healnode_core::{Fingerprint, Severity, UnixMillis};
    use tempfile::TempDir;

    use super::*;

    fn facts() -> RollbackFacts {
        RollbackFacts {
            fingerprint: Fingerprint::from_bytes([7; 32]),
            error_type: "$(touch owned); `id`".to_owned(),
            severity: Severity::Critical,
            release: "2.0".to_owned(),
            app: "shop".to_owned(),
            deployed_at: UnixMillis(1_795_608_000_000),
            first_seen: UnixMillis(1_795_608_060_000),
            occurrences: 9,
            own_occurrences: 4,
            nodes: 2,
            issue_url: None,
        }
    }

    fn shell(script: &str, dir: &Path, confirm: bool, timeout: Duration) -> config::Rollback {
        let script = format!("cd '{}' || exit 99; {script}", dir.display());
        let command = ["/bin/sh", "-c", &script].map(str::to_owned).to_vec();
        config::Rollback { command, confirm, window: Duration::from_secs(1), min_occurrences: 1, timeout }
    }

    async fn run_script(script: &str, limit: Duration) -> (RollbackOutcome, TempDir) {
        let dir = tempfile::tempdir().unwrap();
        (roll_back(&shell(script, dir.path(), true, limit), &facts()).await, dir)
    }

    const LONG: Duration = Duration::from_secs(60);

    #[tokio::test]
    async fn the_command_reads_facts_and_sees_nothing_else() {
        let (outcome, dir) = run_script("cat > facts; env | cut -d= -f1 | sort > names", LONG).await;
        assert!(matches!(outcome, RollbackOutcome::Done { .. }), "{outcome:?}");
        let told: serde_json::Value = serde_json::from_slice(&std::fs::read(dir.path().join("facts")).unwrap()).unwrap();
        assert_eq!(told["release"], "2.0");
        assert_eq!(told["deployed_at"], "2026-11-25T12:00:00.000Z");
        assert_eq!(told["issue_url"], serde_json::Value::Null);
        assert!(told.get("message").is_none());
        let names = std::fs::read_to_string(dir.path().join("names")).unwrap();
        let known = ["HOME", "OLDPWD", "PATH", "PWD", "SHLVL", "_"];
        assert!(names.lines().all(|name| known.contains(&name)), "{names}");
        assert!(!dir.path().join("owned").exists());
    }

    #[tokio::test]
    async fn a_dry_run_runs_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let outcome = roll_back(&shell("touch ran", dir.path(), false, LONG), &facts()).await;
        assert_eq!((outcome, dir.path().join("ran").exists()), (RollbackOutcome::DryRun, false));
    }

    #[tokio::test]
    async fn how_it_ended_is_told() {
        assert!(matches!(run_script("exit 7", LONG).await.0, RollbackOutcome::Failed { code: Some(7), .. }));
        assert!(matches!(run_script("kill -9 $$", LONG).await.0, RollbackOutcome::Failed { code: None, .. }));
        let config = config::Rollback { command: vec!["/nowhere/rollback".to_owned()], ..shell("", Path::new("/"), true, LONG) };
        assert_eq!(roll_back(&config, &facts()).await, RollbackOutcome::NotStarted { why: "entity not found".to_owned() });
    }

    #[tokio::test]
    async fn more_output_than_is_kept_holds_nothing_up() {
        let (outcome, _dir) = run_script("head -c 3000000 /dev/zero; head -c 3000000 /dev/zero >&2; exec true", LONG).await;
        assert!(matches!(outcome, RollbackOutcome::Done { .. }), "{outcome:?}");
    }

    #[tokio::test]
    async fn one_that_takes_too_long_is_ended_with_all_that_it_started() {
        let script = "sleep 300 & echo $! > child; sleep 300";
        let (outcome, dir) = run_script(script, Duration::from_secs(10)).await;
        assert!(matches!(outcome, RollbackOutcome::TimedOut { after_ms } if after_ms < 30_000), "{outcome:?}");
        let child: i32 = std::fs::read_to_string(dir.path().join("child")).unwrap().trim().parse().unwrap();
        let state = || std::fs::read_to_string(format!("/proc/{child}/stat")).unwrap_or_default();
        for _ in 0..200 {
            if state().is_empty() || state().contains(") Z ") {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("the process that the command started still runs: {}", state());
    }
}
