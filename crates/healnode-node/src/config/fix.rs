//! Section `fix`: who proposes fixes, how far they may go, and how they are tested.

use std::path::{Path, PathBuf};
use std::time::Duration;

use healnode_core::limits::CHANGED_FILES_MAX;
use healnode_core::{MUTE_LABEL, QUIET_LABEL};
use healnode_fixer::WireApi;

use super::reader::Reader;
use super::{API_URL_ALLOWED, Config, DAY, HOUR, SECOND, is_api_url, is_label, or_none, read_label};

/// Section `fix`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fix {
    /// Who proposes fixes.
    pub fixer: FixerKind,
    /// Program and arguments of the fixer [`FixerKind::Command`]; not empty with it.
    pub command: Vec<String>,
    /// Where the code is fetched from; nothing for the repository of `forge.repo`.
    pub repository: Option<String>,
    /// Program and arguments that test the code; empty for none.
    pub test: Vec<String>,
    /// Program and arguments that fail as long as the error is there; empty for none.
    pub reproduce: Vec<String>,
    /// Longest run of either.
    pub test_timeout: Duration,
    /// Longest time for one fix.
    pub timeout: Duration,
    /// How often the fixer may try, at least 1.
    pub rounds: u8,
    /// Files that a fix may change, at least 1.
    pub max_files: usize,
    /// Lines that a fix may add and take away, at least 1.
    pub max_lines: usize,
    /// Label that a person has to put on an issue before a fix is looked for; empty for none.
    pub approval_label: String,
    /// Occurrences before a fix is looked for, at least 1.
    pub min_occurrences: u64,
    /// An error not seen for so long is not mended.
    pub max_age: Duration,
    /// Fixes that this node looks for in a day; 0 for none of its own accord.
    pub max_per_day: usize,
    /// Open pull requests beyond which no further ones are opened; 0 for no bound.
    pub max_open: usize,
    /// Labels of every pull request.
    pub labels: Vec<String>,
    /// TCP ports that the fixer [`FixerKind::Command`] may connect to.
    pub ports: Vec<u16>,
    /// Whether nothing is started where the kernel has no walls.
    pub require_walls: bool,
    /// Folders that fixer and tests may read besides the system's.
    pub readable: Vec<PathBuf>,
    /// The Copilot CLI.
    pub copilot: Copilot,
    /// A model of the operator's own; nothing without a `url`.
    pub provider: Option<Provider>,
}

/// Who proposes fixes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FixerKind {
    /// The Copilot CLI on this machine.
    Copilot,
    /// One question to a model, without tools.
    OpenAi,
    /// A program of the operator's.
    Command,
    /// GitHub's own coding agent.
    CopilotCloud,
}

/// Section `fix.copilot`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Copilot {
    /// The program; nothing for the one on PATH.
    pub binary: Option<PathBuf>,
    /// File with a token for Copilot's own models.
    pub token_file: Option<PathBuf>,
    /// Model that it asks, or empty.
    pub model: String,
}

/// Section `fix.provider`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Provider {
    /// Address of the interface.
    pub url: String,
    /// Name of the model.
    pub model: String,
    /// File with the key.
    pub key_file: Option<PathBuf>,
    /// Which way of asking it understands.
    pub wire_api: WireApi,
}

impl FixerKind {
    const ALL: [FixerKind; 4] = [FixerKind::Copilot, FixerKind::OpenAi, FixerKind::Command, FixerKind::CopilotCloud];

    /// Returns the name that the configuration gives it.
    pub fn name(self) -> &'static str {
        match self {
            FixerKind::Copilot => "copilot",
            FixerKind::OpenAi => "openai",
            FixerKind::Command => "command",
            FixerKind::CopilotCloud => "copilot-cloud",
        }
    }

    fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

pub(super) fn read(reader: &mut Reader<'_>, data_dir: &Path) -> Fix {
    let word = |text: &str| Ok(text.to_owned());
    let kinds = "\"copilot\", \"openai\", \"command\" or \"copilot-cloud\"";
    Fix {
        fixer: reader.text("fix.fixer", kinds, FixerKind::of_name).unwrap_or(FixerKind::Copilot),
        command: reader.list("fix.command", "[\"/usr/local/bin/fixer\", \"{work}\"]", word),
        repository: reader.text("fix.repository", REPOSITORY_ALLOWED, |text| or_none(text, read_repository)).flatten(),
        test: reader.list("fix.test", "[\"python3\", \"-m\", \"unittest\", \"-q\"]", word),
        reproduce: reader.list("fix.reproduce", "[\"./reproduce.sh\"]", word),
        test_timeout: reader.duration("fix.test_timeout", SECOND..=HOUR),
        timeout: reader.duration("fix.timeout", 60 * SECOND..=2_400 * SECOND),
        rounds: reader.number("fix.rounds", 1..=10),
        max_files: reader.number("fix.max_files", 1..=CHANGED_FILES_MAX),
        max_lines: reader.number("fix.max_lines", 1..=5_000),
        approval_label: reader.text("fix.approval_label", APPROVAL_ALLOWED, read_approval_label).unwrap_or_default(),
        min_occurrences: reader.number("fix.min_occurrences", 1..=1_000_000_000),
        max_age: reader.duration("fix.max_age", HOUR..=365 * DAY),
        max_per_day: reader.number("fix.max_per_day", 0..=1_000),
        max_open: reader.number("fix.max_open", 0..=1_000),
        labels: reader.list("fix.labels", "[\"needs-review\"]", read_label),
        ports: reader.list("fix.ports", "[\"443\"]", |text| text.parse().map_err(|_| "allowed are ports, 1 to 65535".to_owned())),
        require_walls: reader.switch("fix.require_walls"),
        readable: reader.list("fix.readable", "[\"/opt/toolchain\"]", read_folder),
        copilot: Copilot {
            binary: reader.optional_path("fix.copilot.binary", data_dir),
            token_file: reader.optional_path("fix.copilot.token_file", data_dir),
            model: reader.text("fix.copilot.model", "the name of a model, or \"\"", |text| Some(text.to_owned())).unwrap_or_default(),
        },
        provider: read_provider(reader, data_dir),
    }
}

fn read_provider(reader: &mut Reader<'_>, data_dir: &Path) -> Option<Provider> {
    let url = reader.text("fix.provider.url", API_URL_ALLOWED, |text| or_none(text, |url| is_api_url(url).then(|| url.to_owned())));
    let model = reader.text("fix.provider.model", "the name of a model, or \"\"", |text| Some(text.to_owned())).unwrap_or_default();
    let key_file = reader.optional_path("fix.provider.key_file", data_dir);
    let wire_api = reader.text("fix.provider.wire_api", "\"completions\" or \"responses\"", |name| name.parse().ok()).unwrap_or_default();
    url.flatten().map(|url| Provider { url, model, key_file, wire_api })
}

/// Checks what depends on more than one setting.
pub(super) fn check_together(needs: &mut impl FnMut(&str, bool, &[&str], String), config: &Config) {
    let (fix, heals) = (&config.fix, config.forge.auto_heal);
    needs(
        "fix.command",
        fix.fixer == FixerKind::Command && fix.command.is_empty(),
        &["fix.fixer"],
        "the fixer \"command\" needs a program: set fix.command = [\"/path/to/program\"]".to_owned(),
    );
    needs(
        "fix.provider.url",
        fix.fixer == FixerKind::OpenAi && fix.provider.is_none(),
        &["fix.fixer"],
        "the fixer \"openai\" needs the address of a model, such as \"http://127.0.0.1:11434/v1\"".to_owned(),
    );
    needs(
        "fix.provider.model",
        fix.provider.as_ref().is_some_and(|provider| provider.model.is_empty()),
        &["fix.provider.url"],
        "needs the name of a model there".to_owned(),
    );
    let own_labels = || config.forge.labels.iter().chain([&config.forge.priority_label]);
    needs(
        "fix.approval_label",
        !fix.approval_label.is_empty() && own_labels().any(|label| label.eq_ignore_ascii_case(&fix.approval_label)),
        &["forge.labels", "forge.priority_label"],
        "healnode puts this label on issues itself, so it would be nobody's word: choose another one".to_owned(),
    );
    needs(
        "fix.repository",
        heals && fix.fixer != FixerKind::CopilotCloud && fix.repository.is_none() && config.forge.repo.is_none(),
        &["forge.auto_heal", "forge.repo", "fix.fixer"],
        "a fix needs the code: name its address or its path here".to_owned(),
    );
}

const APPROVAL_ALLOWED: &str = "a label of up to 50 characters that healnode puts on no issue itself, or \"\"";

/// A label that healnode puts on issues itself, or that means something else, says nothing of a person's word.
fn read_approval_label(text: &str) -> Option<String> {
    let means_something_else = [MUTE_LABEL, QUIET_LABEL].iter().any(|label| label.eq_ignore_ascii_case(text));
    (!means_something_else && (text.is_empty() || is_label(text))).then(|| text.to_owned())
}

const REPOSITORY_ALLOWED: &str =
    "an https:// address without user and password, the absolute path of a repository on this machine, or \"\"";

fn read_repository(text: &str) -> Option<String> {
    let is_safe = if text.contains("://") { is_api_url(text) } else { Path::new(text).is_absolute() };
    is_safe.then(|| text.to_owned())
}

fn read_folder(text: &str) -> Result<PathBuf, String> {
    let path = Path::new(text);
    if path.is_absolute() { Ok(path.to_owned()) } else { Err("allowed are absolute paths".to_owned()) }
}
