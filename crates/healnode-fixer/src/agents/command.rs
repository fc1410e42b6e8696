//! A fixer that is a command: a script, or another agent.
//!
//! It runs behind walls, with the prompt on its input and its network as narrow as it was configured. What it prints is thrown away; it may
//! leave an answer in a file.

use std::fs::{File, OpenOptions};
use std::io::Read as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use healnode_core::FixAnswer;
use serde_json::Value;

use super::answer::answer_from;
use crate::agent::{Agent, Round, RoundEnd};
use crate::config::CommandFixer;
use crate::limits::ANSWER_BYTES_MAX;
use crate::walls::{Ending, Ground, Launch, launch};

/// The fixer.
pub(crate) struct CommandAgent {
    config: CommandFixer,
    ground: Ground,
}

impl CommandAgent {
    /// A fixer that runs a command on this ground.
    pub(crate) fn new(config: CommandFixer, ground: Ground) -> CommandAgent {
        CommandAgent { config, ground }
    }

    async fn run(&self, round: &Round<'_>) -> Result<Option<FixAnswer>, RoundEnd> {
        let files = Files::lay_out(round).map_err(|error| failed(format!("its files cannot be written: {error}"), true))?;
        let argv: Vec<String> = self.config.argv.iter().map(|argument| files.filled_in(argument, round.work)).collect();
        let prompt = File::open(&files.prompt).map_err(|error| failed(format!("its prompt cannot be read: {error}"), true))?;
        let walls = self.ground.walls(round.work, round.home, &self.config.ports);
        let what = Launch { argv: &argv, dir: round.work, env: self.ground.environment(round.home), walls: &walls };
        let mut running = launch(what, prompt.into(), Stdio::null(), Stdio::null()).map_err(|error| failed(error.to_string(), false))?;
        let ended = tokio::time::timeout(round.limit, running.wait()).await;
        match ended {
            Ok(Ok(ending)) if ending.excess.is_none() => Ok(files.answer()),
            Ok(Ok(ending @ Ending { .. })) => Err(failed(format!("the command was {ending}"), false)),
            Ok(Err(error)) => Err(failed(format!("the command cannot be waited for: {error}"), true)),
            Err(_) => {
                let stopped = running.stop().await;
                tracing::debug!(?stopped, "the command took too long");
                Err(failed(format!("the command was stopped after {} s", round.limit.as_secs()), true))
            }
        }
    }
}

fn failed(why: String, passing: bool) -> RoundEnd {
    RoundEnd::Failed { why, passing }
}

impl Agent for CommandAgent {
    fn name(&self) -> String {
        let program = self.config.argv.first().map_or("nothing", |program| program.rsplit('/').next().unwrap_or(program));
        format!("command {program}")
    }

    async fn round(&mut self, round: Round<'_>) -> RoundEnd {
        match self.run(&round).await {
            Ok(answer) => RoundEnd::Ended(answer),
            Err(end) => end,
        }
    }
}

/// The files between healnode and the command, in its private home.
struct Files {
    prompt: PathBuf,
    job: PathBuf,
    report: PathBuf,
}

impl Files {
    fn lay_out(round: &Round<'_>) -> std::io::Result<Files> {
        let name = |kind: &str| round.home.join(format!("{kind}-{}", round.number));
        let files = Files { prompt: name("prompt"), job: name("job"), report: name("report") };
        let job = serde_json::json!({ "round": round.number, "suspects": round.suspects });
        for (path, content) in [(&files.prompt, round.prompt), (&files.job, &job.to_string())] {
            // The home belongs to the fixer since the first round: whatever lies there is not written through.
            OpenOptions::new()
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(path)
                .and_then(|mut file| std::io::Write::write_all(&mut file, content.as_bytes()))?;
        }
        Ok(files)
    }

    fn filled_in(&self, argument: &str, work: &Path) -> String {
        let places = [("{work}", work), ("{prompt_file}", &self.prompt), ("{job_file}", &self.job), ("{report_file}", &self.report)];
        places.iter().fold(argument.to_owned(), |argument, (name, path)| argument.replace(name, &path.to_string_lossy()))
    }

    /// The answer, if there is a readable one. A link is not followed: it could lead to what the command itself may not read.
    fn answer(&self) -> Option<FixAnswer> {
        let flags = libc::O_NOFOLLOW | libc::O_NONBLOCK;
        let file = OpenOptions::new().read(true).custom_flags(flags).open(&self.report).ok()?;
        let about = file.metadata().ok().filter(|about| about.is_file() && about.len() <= ANSWER_BYTES_MAX)?;
        let mut text = String::new();
        file.take(about.len()).read_to_string(&mut text).ok()?;
        serde_json::from_str::<Value>(&text).ok().filter(Value::is_object).map(|said| answer_from(&said))
    }
}
