//! What an operator chooses about looking for a fix.
//!
//! Holds values only. Keys, defaults and their checks are the node's configuration's.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use healnode_report::Redactor;

use crate::agents::{CopilotConfig, OpenAiConfig};

/// What an operator chooses.
#[derive(Clone, Debug)]
pub struct FixerConfig {
    /// The node's data directory. Mirror and work copies lie in `fix` beneath it, and nothing that is started may read the rest.
    pub data_dir: PathBuf,
    /// Where the repository is cloned from: an address for git, or a local path.
    pub repository: String,
    /// What is shown to an `https` address, if it wants to see something. It reaches git by its environment only, and only while it fetches.
    pub token: Option<RepositoryToken>,
    /// Who changes the code.
    pub fixer: FixerKind,
    /// The repository's own tests: program and arguments, run at its root without a shell. Without them no fix is `verified`.
    ///
    /// Choose what a contributor runs first: the quick tests, all that they need installed beforehand, since they have no network.
    pub tests: Vec<String>,
    /// A command that fails as long as the error is there. Empty for none.
    pub reproduce: Vec<String>,
    /// How long one run of either may take: twice the slowest that was seen.
    pub tests_limit: Duration,
    /// How long one round of the fixer may take. Models with tools need minutes.
    pub round_limit: Duration,
    /// How long all of it may take.
    pub fix_limit: Duration,
    /// How often the fixer is asked, with what came of the last round. Beyond three there is little to gain.
    pub rounds_max: u8,
    /// How many files a fix may change. Small fixes are read, large ones are not.
    pub files_max: usize,
    /// How many lines a fix may add and remove, together.
    pub lines_max: usize,
    /// Folders that fixer and tests may read beside the system's and the toolchains'.
    pub readable: Vec<PathBuf>,
    /// Whether nothing is started where the kernel has no walls. Otherwise the proposal says so.
    pub require_walls: bool,
    /// Takes secrets out of what is shown to a model or published, and finds them in what a fixer added.
    pub redactor: Redactor,
}

/// Who changes the code.
#[derive(Clone, Debug)]
pub enum FixerKind {
    /// Nobody, for this reason. Jobs for guidance are carried out all the same.
    Nobody(String),
    /// A command.
    Command(CommandFixer),
    /// The Copilot CLI.
    Copilot(CopilotConfig),
    /// A model without tools.
    OpenAi(OpenAiConfig),
}

/// A command that changes the code.
///
/// Its prompt comes on its input, and it works in the copy. In its arguments `{work}` stands for the copy, `{prompt_file}` for a file with
/// the prompt, `{job_file}` for one with the suspects as JSON, and `{report_file}` for one where it may leave an object with `root_cause`,
/// `changes`, `files` and `tests`.
#[derive(Clone, Debug)]
pub struct CommandFixer {
    /// Program and arguments, without a shell.
    pub argv: Vec<String>,
    /// TCP ports that it may connect to. None keeps it off the network; names are looked up over TCP port 53.
    pub ports: Vec<u16>,
}

/// A token that may read the repository. It is never shown.
#[derive(Clone)]
pub struct RepositoryToken(String);

impl RepositoryToken {
    /// Keeps a token.
    pub fn new(token: impl Into<String>) -> RepositoryToken {
        RepositoryToken(token.into())
    }

    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for RepositoryToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RepositoryToken")
    }
}
