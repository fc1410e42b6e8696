//! From a job to its outcome: checkout, context, tests, fixer, policy, tests, and again with what came of it.
//!
//! One job at a time. However it ends, also by being dropped, nothing of it runs on and its copies are removed. A fix is proposed only when
//! the policy accepts it and the tests say that nothing got worse.

use std::fs;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use healnode_core::limits::{CHANGED_FILES_MAX, DIFF_BYTES_MAX, STAGE_NOTE_BYTES_MAX};
use healnode_core::{
    FixAnswer, FixDepth, FixEnding, FixFailure, FixJob, FixOutcome, FixStage, Guidance, Proposal, StageRecord, TestPair, TestRun, Verdict,
};
use healnode_report::UnixMillis;
use tokio::sync::{mpsc, watch};

use crate::agent::{Agent, Round, RoundEnd};
use crate::agents::{CommandAgent, Copilot, OpenAi};
use crate::config::{FixerConfig, FixerKind};
use crate::context::{guidance, is_changed};
use crate::git::GitError;
use crate::limits::REMARKS_MAX;
use crate::policy::{Accepted, Bounds, judge};
use crate::prompt;
use crate::repository::{Mirror, RepositoryError};
use crate::trial::{Trial, run as run_trial, verdict};
use crate::walls::{Ground, WallsReport, sweep_orphans};
use crate::work::{Difference, Work, clear};

/// Looks for fixes, one after the other.
#[derive(Debug)]
pub struct Fixer {
    config: FixerConfig,
    mirror: Mirror,
    ground: Ground,
    walls: WallsReport,
    /// Where work copies lie.
    folder: PathBuf,
    one_at_a_time: tokio::sync::Mutex<()>,
}

impl Fixer {
    /// Sets up, and ends and removes what a killed node left. To be called once for a data directory.
    pub fn new(config: FixerConfig) -> Result<Fixer, RepositoryError> {
        let own = config.data_dir.join("fix");
        fs::create_dir_all(&own)?;
        let (data_dir, own) = (fs::canonicalize(&config.data_dir)?, fs::canonicalize(&own)?);
        let orphans = sweep_orphans(&own);
        if orphans > 0 {
            tracing::info!(orphans, "processes of an earlier fix are ended");
        }
        let folder = own.join("work");
        clear(&folder)?;
        let ground = Ground::look(&config.readable, &[data_dir], |name| std::env::var(name).ok());
        let mirror = Mirror::new(own.join("mirror.git"), config.repository.clone(), config.token.clone());
        Ok(Fixer { mirror, ground, walls: WallsReport::look(), folder, one_at_a_time: tokio::sync::Mutex::new(()), config })
    }

    /// What this machine's kernel keeps fixer and tests from.
    pub fn walls(&self) -> WallsReport {
        self.walls
    }

    /// Brings the mirror up to date and returns the head of the default branch, to see whether the repository is there at all.
    pub async fn probe(&self) -> Result<String, RepositoryError> {
        self.mirror.fetch().await?;
        self.mirror.head().await
    }

    /// Carries out a job. Every stage is told when it ends; nobody has to listen. Ends soon when `cancel` turns true. May be dropped.
    pub async fn run(&self, job: FixJob, stages: mpsc::Sender<StageRecord>, mut cancel: watch::Receiver<bool>) -> FixOutcome {
        let _alone = self.one_at_a_time.lock().await;
        let run = Run::new(self, &job, stages);
        let cancelled = async {
            if cancel.wait_for(|is_cancelled| *is_cancelled).await.is_err() {
                std::future::pending::<()>().await;
            }
        };
        let ended = tokio::select! {
            ended = run.go() => ended,
            () = cancelled => Err(run.failure("it was cancelled", true)),
            () = tokio::time::sleep(self.config.fix_limit) => Err(run.failure("all of it took too long", true)),
        };
        let ending = match ended {
            Ok(ending) => ending,
            Err(failure) => {
                run.record(failure.stage, run.round(), Duration::ZERO, false, failure.why.clone()).await;
                FixEnding::Failed(failure)
            }
        };
        FixOutcome { guidance: run.guidance(), ending }
    }
}

/// How far a run is.
#[derive(Clone, Debug)]
struct Progress {
    stage: FixStage,
    round: u8,
    guidance: Option<Guidance>,
    answer: Option<FixAnswer>,
}

/// One job on its way.
struct Run<'a> {
    fixer: &'a Fixer,
    job: &'a FixJob,
    stages: mpsc::Sender<StageRecord>,
    began: Instant,
    progress: Mutex<Progress>,
}

/// Runs of the tests and of the reproducer before any change.
struct Before {
    tests: Option<TestRun>,
    reproduced: Option<TestRun>,
}

/// What a round came to.
enum Judged {
    Proposed(Box<Proposal>),
    /// What is wrong, for the fixer and for people, and the end of the tests' output.
    Again {
        stage: FixStage,
        why: String,
        output: String,
    },
}

impl<'a> Run<'a> {
    fn new(fixer: &'a Fixer, job: &'a FixJob, stages: mpsc::Sender<StageRecord>) -> Run<'a> {
        let progress = Progress { stage: FixStage::Checkout, round: 0, guidance: None, answer: None };
        Run { fixer, job, stages, began: Instant::now(), progress: Mutex::new(progress) }
    }

    async fn go(&self) -> Result<FixEnding, FixFailure> {
        if let (FixDepth::Proposal, FixerKind::Nobody(why)) = (self.job.depth, &self.fixer.config.fixer) {
            self.set(|progress| progress.stage = FixStage::Fixer);
            return Err(self.failure(why, true));
        }
        let commit = self.checkout().await?;
        let guidance = self.context(&commit).await?;
        match self.job.depth {
            FixDepth::Guidance => return Ok(FixEnding::Guided),
            FixDepth::Proposal => {}
        }
        let work = self.copies(&commit).await?;
        let before = self.tests_before(&work).await?;
        let ground = self.fixer.ground.clone();
        match &self.fixer.config.fixer {
            FixerKind::Nobody(why) => Err(self.failure(why, true)),
            FixerKind::Command(command) => self.rounds(CommandAgent::new(command.clone(), ground), &guidance, &work, &before).await,
            FixerKind::Copilot(copilot) => self.rounds(Copilot::new(copilot.clone(), ground), &guidance, &work, &before).await,
            FixerKind::OpenAi(openai) => self.rounds(OpenAi::new(openai.clone()), &guidance, &work, &before).await,
        }
    }

    /// The commit that the job is about: the release's, or the head of the default branch.
    async fn checkout(&self) -> Result<String, FixFailure> {
        let watch = self.begin(FixStage::Checkout, 0);
        let mirror = &self.fixer.mirror;
        mirror.fetch().await.map_err(|error| self.repository_failure(&error))?;
        let of_release = match self.job.sample.release() {
            Some(release) => mirror.commit_of(release).await,
            None => None,
        };
        let (commit, what) = match of_release {
            Some(commit) => (commit, "the release's commit"),
            None => (mirror.head().await.map_err(|error| self.repository_failure(&error))?, "the head of the default branch"),
        };
        self.pass(watch, format!("{what}, {}", &commit[..commit.len().min(12)])).await;
        Ok(commit)
    }

    async fn context(&self, commit: &str) -> Result<Guidance, FixFailure> {
        let watch = self.begin(FixStage::Context, 0);
        let fixer = self.fixer;
        let found = guidance(&fixer.mirror, commit, &self.job.sample, &fixer.config.redactor).await;
        let found = found.map_err(|error| self.repository_failure(&error))?;
        self.set(|progress| progress.guidance = Some(found.clone()));
        if self.job.depth == FixDepth::Proposal {
            if found.suspects.is_empty() {
                return Err(self.failure("the error names no file of the repository", false));
            }
            let head = fixer.mirror.head().await.map_err(|error| self.repository_failure(&error))?;
            if is_changed(&fixer.mirror, &found, &head).await {
                return Err(self.failure("the lines that the error names have changed since that release", false));
            }
        }
        self.pass(watch, format!("{} places in the repository's own code", found.suspects.len())).await;
        Ok(found)
    }

    /// The work folder with both copies.
    async fn copies(&self, commit: &str) -> Result<Work, FixFailure> {
        self.set(|progress| progress.stage = FixStage::Checkout);
        let fixer = self.fixer;
        if fixer.config.require_walls && !fixer.walls.is_whole() {
            return Err(self.failure("this machine's kernel lacks the walls that are required", false));
        }
        let on_disk = |error: std::io::Error| self.failure(&format!("the work folder cannot be made: {}", error.kind()), true);
        let work = Work::new(&fixer.folder, fixer.mirror.git_dir(), commit).map_err(on_disk)?;
        for home in [work.home(), work.trial_home()] {
            fixer.ground.furnish(&home).map_err(on_disk)?;
        }
        for copy in [work.copy(), work.trial()] {
            work.fill(&copy, commit).await.map_err(|error| self.git_failure(&error))?;
        }
        Ok(work)
    }

    async fn tests_before(&self, work: &Work) -> Result<Before, FixFailure> {
        let watch = self.begin(FixStage::TestsBefore, 0);
        let config = &self.fixer.config;
        let before = Before { tests: self.trial(&config.tests, work).await?, reproduced: self.trial(&config.reproduce, work).await? };
        let note = before.tests.as_ref().map_or("no tests are configured".to_owned(), told);
        self.pass(watch, note).await;
        Ok(before)
    }

    /// Runs a command in the tests' copy, if there is one.
    async fn trial(&self, argv: &[String], work: &Work) -> Result<Option<TestRun>, FixFailure> {
        if argv.is_empty() {
            return Ok(None);
        }
        let (copy, home) = (work.trial(), work.trial_home());
        let trial = Trial { argv, copy: &copy, home: &home, limit: self.fixer.config.tests_limit };
        let ran = run_trial(trial, &self.fixer.ground, &self.fixer.config.redactor).await;
        ran.map(Some).map_err(|error| self.failure(&format!("the tests: {error}"), false))
    }

    async fn rounds(&self, mut agent: impl Agent, guidance: &Guidance, work: &Work, before: &Before) -> Result<FixEnding, FixFailure> {
        let config = &self.fixer.config;
        let files_max = config.files_max.min(CHANGED_FILES_MAX);
        let mut prompt = prompt::first(self.job, guidance, files_max, config.lines_max, &config.tests);
        let suspects: Vec<String> = guidance.suspects.iter().map(|suspect| suspect.path.clone()).collect();
        let rounds = config.rounds_max.max(1);
        for number in 1..=rounds {
            self.ask(&mut agent, work, number, &prompt, &suspects).await?;
            match self.judge(work, before, number, &agent.name()).await? {
                Judged::Proposed(mut proposal) => {
                    proposal.remarks = bounded(agent.remarks().into_iter().chain(proposal.remarks).collect());
                    return Ok(FixEnding::Proposed(proposal));
                }
                Judged::Again { stage, why, .. } if number == rounds => {
                    self.set(|progress| progress.stage = stage);
                    return Err(self.failure(&why, false));
                }
                Judged::Again { stage, why, output } => {
                    self.record(stage, number, Duration::ZERO, false, why.clone()).await;
                    prompt = prompt::later(&why, &output);
                }
            }
        }
        Err(self.failure("no round was gone through", false))
    }

    async fn ask(&self, agent: &mut impl Agent, work: &Work, number: u8, prompt: &str, suspects: &[String]) -> Result<(), FixFailure> {
        let watch = self.begin(FixStage::Fixer, number);
        let (copy, home) = (work.copy(), work.home());
        let round = Round { work: &copy, home: &home, number, prompt, suspects, limit: self.fixer.config.round_limit };
        match agent.round(round).await {
            RoundEnd::Ended(answer) => {
                let mut note = format!("{}{}", agent.name(), if answer.is_some() { ", with an answer" } else { "" });
                for remark in agent.remarks() {
                    note = format!("{note}; {remark}");
                }
                self.set(|progress| progress.answer = answer.or(progress.answer.take()));
                self.pass(watch, note).await;
                Ok(())
            }
            RoundEnd::Failed { why, passing } => Err(self.failure(&why, passing)),
        }
    }

    async fn judge(&self, work: &Work, before: &Before, round: u8, fixer: &str) -> Result<Judged, FixFailure> {
        let watch = self.begin(FixStage::DiffPolicy, round);
        let config = &self.fixer.config;
        let refused = |why: String| Judged::Again { stage: FixStage::DiffPolicy, why, output: String::new() };
        let Ok(difference) = work.difference().await else {
            return Ok(refused("what it left cannot be read as a change of the repository".into()));
        };
        if difference.changes.is_empty() {
            return Ok(refused("it changed nothing".into()));
        }
        let bounds = Bounds { files_max: config.files_max.min(CHANGED_FILES_MAX), lines_max: config.lines_max };
        let accepted = match judge(&difference.changes, bounds, &config.redactor) {
            Ok(accepted) => accepted,
            Err(why) => return Ok(refused(why)),
        };
        self.pass(watch, format!("{} files, {} remarks", accepted.files.len(), accepted.remarks.len())).await;
        self.tests_after(work, before, round, fixer, difference, accepted).await
    }

    /// Runs the tests on the difference alone: in the untouched copy the first time, later in a fresh one, since a proposal ran in the other.
    async fn tests_after(
        &self,
        work: &Work,
        before: &Before,
        round: u8,
        fixer: &str,
        difference: Difference,
        accepted: Accepted,
    ) -> Result<Judged, FixFailure> {
        let watch = self.begin(FixStage::TestsAfter, round);
        work.apply(&difference.tree, round > 1).await.map_err(|error| self.git_failure(&error))?;
        let config = &self.fixer.config;
        let tests = self.trial(&config.tests, work).await?;
        let reproduced = self.trial(&config.reproduce, work).await?;
        let pair = before.tests.clone().zip(tests).map(|(before, after)| TestPair { before, after });
        let both = before.reproduced.as_ref().zip(reproduced.as_ref()).map(|(before, after)| (before.passed, after.passed));
        let verdict = verdict(pair.as_ref().map(|pair| (&pair.before, &pair.after)), both);
        let note = pair.as_ref().map_or("no tests are configured".to_owned(), |pair| told(&pair.after));
        if verdict == Verdict::Failed {
            let last = pair.map(|pair| pair.after).filter(|after| !after.passed).or(reproduced);
            let output = last.map(|last| last.tail).unwrap_or_default();
            return Ok(Judged::Again { stage: FixStage::TestsAfter, why: format!("the tests after it: {note}"), output });
        }
        self.pass(watch, note).await;
        let mut remarks = accepted.remarks;
        if !self.fixer.walls.is_whole() {
            remarks.push(self.fixer.walls.to_string());
        }
        Ok(Judged::Proposed(Box::new(Proposal {
            base: self.guidance().map(|guidance| guidance.commit).unwrap_or_default(),
            changes: accepted.files,
            diff: clip(&difference.diff, DIFF_BYTES_MAX, "\n[the rest is cut]\n"),
            answer: self.redacted_answer().unwrap_or_default(),
            tests: pair,
            verdict,
            fixer: fixer.to_owned(),
            rounds: round,
            took_ms: milliseconds(self.began.elapsed()),
            remarks: bounded(remarks),
        })))
    }

    fn begin(&self, stage: FixStage, round: u8) -> Instant {
        self.set(|progress| (progress.stage, progress.round) = (stage, round));
        Instant::now()
    }

    async fn pass(&self, began: Instant, note: String) {
        let (stage, round) = (self.read().stage, self.read().round);
        self.record(stage, round, began.elapsed(), true, note).await;
    }

    async fn record(&self, stage: FixStage, round: u8, took: Duration, passed: bool, note: String) {
        let note = clip(&note, STAGE_NOTE_BYTES_MAX, "");
        let record = StageRecord { stage, round, at: now(), took_ms: milliseconds(took), passed, note };
        if self.stages.send(record).await.is_err() {
            tracing::trace!("nobody listens to the stages of a fix");
        }
    }

    fn failure(&self, why: &str, passing: bool) -> FixFailure {
        FixFailure { stage: self.read().stage, why: clip(why, STAGE_NOTE_BYTES_MAX, ""), answer: self.redacted_answer(), passing }
    }

    fn repository_failure(&self, error: &RepositoryError) -> FixFailure {
        self.failure(&error.to_string(), matches!(error, RepositoryError::Fetch(_) | RepositoryError::Disk(_)))
    }

    fn git_failure(&self, error: &GitError) -> FixFailure {
        self.failure(&format!("the work copy cannot be made: {error}"), true)
    }

    fn guidance(&self) -> Option<Guidance> {
        self.read().guidance
    }

    fn round(&self) -> u8 {
        self.read().round
    }

    /// The answer without secrets: a fixer may repeat what it read.
    fn redacted_answer(&self) -> Option<FixAnswer> {
        let redact = |text: &String| self.fixer.config.redactor.redact(text).into_owned();
        self.read().answer.map(|answer| FixAnswer {
            root_cause: redact(&answer.root_cause),
            changes: redact(&answer.changes),
            files: answer.files.iter().map(redact).collect(),
            tests: answer.tests.iter().map(redact).collect(),
        })
    }

    fn read(&self) -> Progress {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set(&self, change: impl FnOnce(&mut Progress)) {
        change(&mut self.progress.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

/// A run of the tests in one sentence.
fn told(run: &TestRun) -> String {
    match (run.passed, run.failing.len()) {
        (true, _) => "passed".to_owned(),
        (false, 0) => format!("failed, {}", run.ending),
        (false, 1) => format!("1 failing test, {}", run.ending),
        (false, failing) => format!("{failing} failing tests, {}", run.ending),
    }
}

fn bounded(mut remarks: Vec<String>) -> Vec<String> {
    if remarks.len() > REMARKS_MAX {
        let more = remarks.len() - REMARKS_MAX + 1;
        remarks.truncate(REMARKS_MAX - 1);
        remarks.push(format!("and {more} more"));
    }
    remarks
}

fn clip(text: &str, bytes_max: usize, end: &str) -> String {
    if text.len() <= bytes_max {
        return text.to_owned();
    }
    format!("{}{end}", &text[..text.floor_char_boundary(bytes_max - end.len())])
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

fn now() -> UnixMillis {
    UnixMillis(milliseconds(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()))
}
