//! The configuration: what the operator said, checked as a whole before anything starts.
//!
//! `config/default.toml` is the list of settings, their defaults and their documentation in one. A setting is taken from a flag, else from
//! the environment, else from a file, else from there. Tokens and keys are never part of a configuration, only the files that hold them;
//! those are read by whoever needs them.

mod duration;
mod fault;
mod fix;
mod reader;
mod rollback;
mod settings;
mod sources;
mod suggestion;

use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::time::Duration;

use healnode_core::{InvalidNodeId, NodeId, Policy};
use healnode_forge::RepoName;
use healnode_mesh::{AddressError, BootstrapAddress, ListenAddress, Transports, parse_bootstrap, parse_listen};
use healnode_report::limits::{LOG_LINES_MAX, NAME_BYTES_MAX};
use healnode_report::{Action, Admission, Glob, Redactor, RedactorOptions, Rule};

pub use self::duration::{InvalidDuration, parse as parse_duration};
pub use self::fault::{ConfigError, Fault, Origin};
pub use self::fix::{Copilot, Fix, FixerKind, Provider};
pub use self::rollback::Rollback;
pub use self::sources::{Environment, Overrides, Sources};

use self::reader::{Reader, Row};
use self::settings::Settings;

/// The settings with their default values and what they mean.
pub const DEFAULT_TOML: &str = include_str!("config/default.toml");

/// Longest path of a Unix socket, in bytes. Linux has room for 108 with the closing zero; a longer one cannot be bound.
pub const SOCKET_BYTES_MAX: usize = 107;

/// Longest label, in characters. GitHub refuses longer ones.
pub const LABEL_CHARS_MAX: usize = 50;

/// Largest id of a GitHub App or installation that is taken: the largest whole number in TOML.
const GITHUB_ID_MAX: u64 = i64::MAX as u64;

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);

/// Range of waits that tests shorten and slow links lengthen.
const WAIT: RangeInclusive<Duration> = Duration::from_millis(100)..=HOUR;

/// Everything an operator can set. `default.toml` says what each setting does.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where the node keeps its state.
    pub data_dir: PathBuf,
    /// Name of the deployment, or empty.
    pub app: String,
    /// What people call this node; empty for the runner's or the host's name.
    pub name: String,
    /// What is kept with an error.
    pub capture: Capture,
    /// The operator's word on which errors are the same.
    pub grouping: Grouping,
    /// What is taken out of errors besides what always is.
    pub redact: Redact,
    /// Where SDKs deliver.
    pub ingest: Ingest,
    /// The peers.
    pub mesh: Mesh,
    /// When errors are filed.
    pub bundle: Bundle,
    /// Where errors are filed.
    pub forge: Forge,
    /// What becomes of filed issues.
    pub lifecycle: Lifecycle,
    /// Who proposes fixes.
    pub fix: Fix,
    /// What takes a deploy back.
    pub rollback: Rollback,
    /// The node's own socket.
    pub status: Status,
    settings: Settings,
}

/// Section `capture`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Capture {
    /// Log lines kept with an error, at most [`LOG_LINES_MAX`].
    pub log_context_lines: usize,
}

/// Section `grouping`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grouping {
    /// Rules, in the order in which they are asked.
    pub rules: Vec<Rule>,
}

/// Section `redact`.
#[derive(Clone, Debug)]
pub struct Redact {
    /// What the operator adds to the built-in rules.
    pub options: RedactorOptions,
    /// Both.
    pub redactor: Redactor,
}

/// Section `ingest`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ingest {
    /// Where SDKs deliver; nothing turns it off.
    pub http: Option<SocketAddr>,
    /// Whether somebody chose that address: it is not the default one. Where nobody did, another port will do.
    pub is_chosen: bool,
    /// The origin whose pages may report, `*` for all; empty for none.
    pub cors: String,
}

/// Section `mesh`.
#[derive(Clone, Debug)]
pub struct Mesh {
    /// Where to listen.
    pub listen: Vec<ListenAddress>,
    /// Whom to dial first.
    pub bootstrap: Vec<BootstrapAddress>,
    /// File with the key of a private network.
    pub swarm_key: Option<PathBuf>,
    /// The only peers to connect to; empty for all.
    pub allow: Vec<NodeId>,
    /// Whether to look for peers in the local network.
    pub mdns: bool,
    /// Shortest time between two statements about one fingerprint.
    pub flush_interval: Duration,
    /// Time between signs of life.
    pub presence_interval: Duration,
    /// After how long a silent peer no longer takes part; at least twice `presence_interval`.
    pub presence_timeout: Duration,
    /// Time between two pulls.
    pub pull_interval: Duration,
}

/// Section `bundle`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bundle {
    /// How often is looked for due errors.
    pub interval: Duration,
    /// Occurrences that make an error due, at least 1.
    pub min_occurrences: u64,
    /// New errors at once that become one issue, at least 2.
    pub storm: usize,
    /// Issues that this node may create in an hour, less those that others created; 0 for no bound.
    pub max_per_hour: usize,
    /// Issues that this node may create in a day, less those that others created; 0 for no bound.
    pub max_per_day: usize,
    /// How long each rank waits for the one before.
    pub turn: Duration,
}

/// Section `forge`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forge {
    /// Which forge.
    pub kind: ForgeKind,
    /// Folder of the outbox.
    pub outbox: PathBuf,
    /// Where issues go. Always there when issues are filed on GitHub.
    pub repo: Option<RepoName>,
    /// Address of GitHub's API.
    pub api_url: String,
    /// File with a token; nothing for the usual environment variables.
    pub token_file: Option<PathBuf>,
    /// A GitHub App to file as, in place of a token.
    pub app: Option<ForgeApp>,
    /// Whether issues are filed.
    pub auto_issue: bool,
    /// Whether nothing is written to the forge all the same. No setting: `run --dry-run` turns it on.
    pub dry_run: bool,
    /// Whether draft pull requests are opened; only with `auto_issue`.
    pub auto_pr: bool,
    /// Whether fixes are looked for; only with `auto_pr`.
    pub auto_heal: bool,
    /// Labels of every issue.
    pub labels: Vec<String>,
    /// Label of issues of high and critical severity, or empty.
    pub priority_label: String,
    /// What keeps two halves of a mesh from filing the same.
    pub lease: Lease,
}

/// A kind of forge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ForgeKind {
    /// A folder of Markdown files.
    Outbox,
    /// GitHub, or a GitHub Enterprise Server.
    Github,
}

/// What keeps two halves of a mesh from filing the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lease {
    /// A git ref.
    Ref,
    /// A label.
    Label,
    /// Nothing; the sweep mends it afterwards.
    None,
}

/// Section `forge.app`: an installed GitHub App.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForgeApp {
    /// The app's id.
    pub id: u64,
    /// The installation's id.
    pub installation: u64,
    /// File with the app's private key.
    pub key_file: PathBuf,
}

/// Section `lifecycle`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lifecycle {
    /// After how long an error that stays away is quiet.
    pub quiet_after: Duration,
    /// Whether quiet issues are closed.
    pub close_quiet: bool,
}

/// Section `status`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// Path of the Unix socket, at most [`SOCKET_BYTES_MAX`] bytes.
    pub socket: PathBuf,
    /// Where metrics and health are told over TCP, on loopback; nothing turns it off.
    pub http: Option<SocketAddr>,
}

impl Config {
    /// Reads and checks a configuration. The only thing read from the machine is the file.
    ///
    /// # Errors
    /// Names everything that is wrong, at once.
    pub fn load(sources: &Sources) -> Result<Self, ConfigError> {
        let mut faults = Vec::new();
        let mut settings = Settings::of_defaults(DEFAULT_TOML);
        match sources.read_file() {
            Ok(Some((path, text))) => settings.lay_file(&path, &text, &mut faults),
            Ok(None) => {}
            Err(fault) => faults.push(fault),
        }
        settings.lay_environment(&sources.environment, &mut faults);
        settings.lay_flags(&sources.flags, &mut faults);
        let home = sources.environment.path("HOME");
        let mut reader = Reader::new(&mut settings, &mut faults, home, &sources.working_dir);
        let mut config = read_all(&mut reader);
        if reader.has_whole_sources() {
            check_together(&mut reader, &config);
        }
        if !faults.is_empty() {
            return Err(ConfigError { faults });
        }
        config.settings = settings;
        Ok(config)
    }

    /// Returns the switches of the forge that a variable sets: the variable, the switch as `status` calls it, and which way it is set.
    pub(crate) fn switches_of_environment(&self) -> Vec<(&str, &'static str, bool)> {
        let switches = [
            ("forge.auto_issue", "issue", self.forge.auto_issue),
            ("forge.auto_pr", "pr", self.forge.auto_pr),
            ("forge.auto_heal", "heal", self.forge.auto_heal),
        ];
        switches.into_iter().filter_map(|(key, name, is_on)| Some((self.settings.variable_of(key)?, name, is_on))).collect()
    }

    /// Returns where settings come from, those of the defaults left out, each file and variable once.
    pub fn origins(&self) -> Vec<String> {
        self.settings.origins()
    }

    /// Returns what was read as a file, each setting with a comment that says where it comes from. Later changes to the fields do not show.
    pub fn to_toml(&self) -> String {
        self.settings.to_toml()
    }

    /// Returns how errors become reports.
    pub fn admission(&self) -> Admission {
        Admission {
            rules: self.grouping.rules.clone(),
            redactor: self.redact.redactor.clone(),
            log_lines_max: self.capture.log_context_lines,
            ..Admission::default()
        }
    }

    /// Returns how errors become reports, where `credentials` are taken out wherever they stand.
    pub fn admission_without(&self, credentials: Vec<String>) -> Admission {
        let options = RedactorOptions { credentials, ..self.redact.options.clone() };
        let redactor = Redactor::new(&options).unwrap_or_else(|_| self.redact.redactor.clone());
        Admission { redactor, ..self.admission() }
    }

    /// Returns what of this the core decides by.
    pub fn policy(&self) -> Policy {
        Policy {
            may_file: self.forge.may_file(),
            dry_run: self.forge.dry_run,
            auto_pr: self.forge.auto_pr,
            auto_heal: self.forge.auto_heal,
            fix_by_forge: self.fix.fixer == FixerKind::CopilotCloud,
            approval_label: self.fix.approval_label.clone(),
            fix_min_occurrences: self.fix.min_occurrences,
            fix_max_age: self.fix.max_age,
            fix_max_per_day: self.fix.max_per_day,
            open_pulls_max: self.fix.max_open,
            pull_labels: self.fix.labels.clone(),
            allow: self.mesh.allow.iter().copied().collect(),
            app: self.app.clone(),
            min_occurrences: self.bundle.min_occurrences,
            bundle_interval: self.bundle.interval,
            storm: self.bundle.storm,
            max_per_hour: self.bundle.max_per_hour,
            max_per_day: self.bundle.max_per_day,
            quiet_after: self.lifecycle.quiet_after,
            close_quiet: self.lifecycle.close_quiet,
            flush_interval: self.mesh.flush_interval,
            presence_interval: self.mesh.presence_interval,
            presence_timeout: self.mesh.presence_timeout,
            pull_interval: self.mesh.pull_interval,
            turn: self.bundle.turn,
            rollback: self.rollback.policy(),
            labels: self.forge.labels.clone(),
            priority_label: self.forge.priority_label.clone(),
            ..Policy::default()
        }
    }
}

fn read_all(reader: &mut Reader<'_>) -> Config {
    let data_dir = reader.path("data_dir", Path::new(""));
    let short = |name: &str| (name.len() <= NAME_BYTES_MAX).then(|| name.to_owned());
    let app_allowed = format!("a name of at most {NAME_BYTES_MAX} bytes");
    Config {
        app: reader.text("app", &app_allowed, short).unwrap_or_default(),
        name: reader.text("name", &app_allowed, short).unwrap_or_default(),
        capture: Capture { log_context_lines: reader.number("capture.log_context_lines", 0..=LOG_LINES_MAX) },
        grouping: Grouping { rules: reader.tables("grouping.rule", read_rule) },
        redact: read_redact(reader),
        ingest: Ingest { http: read_http(reader), is_chosen: !reader.is_default("ingest.http"), cors: read_cors(reader) },
        mesh: read_mesh(reader, &data_dir),
        bundle: read_bundle(reader),
        forge: read_forge(reader, &data_dir),
        lifecycle: Lifecycle {
            quiet_after: reader.duration("lifecycle.quiet_after", HOUR..=365 * DAY),
            close_quiet: reader.switch("lifecycle.close_quiet"),
        },
        fix: fix::read(reader, &data_dir),
        rollback: Rollback::read(reader),
        status: Status { socket: reader.path("status.socket", &data_dir), http: read_loopback(reader, "status.http") },
        data_dir,
        settings: Settings::of_defaults(""),
    }
}

fn read_redact(reader: &mut Reader<'_>) -> Redact {
    let pattern = |row: &mut Row| match (row.text("name"), row.text("regex")) {
        (Some(name), Some(regex)) => Ok((name, regex)),
        _ => Err("needs a name and a regex".to_owned()),
    };
    let options = RedactorOptions {
        patterns: reader.tables("redact.pattern", pattern),
        allowed: reader.list("redact.allow", "[\"support@example.com\"]", |text| Ok(text.to_owned())),
        ip_addresses: reader.switch("redact.ip_addresses"),
        ..RedactorOptions::default()
    };
    let redactor = Redactor::new(&options).unwrap_or_else(|error| {
        let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}")).unwrap_or_default();
        reader.refuse_key("redact.pattern", format!("{error}{cause}"));
        Redactor::default()
    });
    Redact { options, redactor }
}

fn read_rule(row: &mut Row) -> Result<Rule, String> {
    let (error_type, message, path) = (row.text("type"), row.text("message"), row.text("path"));
    let mut actions: Vec<Action> = row.list("fingerprint").map(Action::Fingerprint).into_iter().collect();
    actions.extend(row.switch("ignore").filter(|ignore| *ignore).map(|_| Action::Ignore));
    actions.extend(row.switch("in_app").map(Action::InApp));
    if let Some(severity) = row.text("severity") {
        actions.push(Action::Severity(severity.parse().map_err(|error| format!("severity: {error}"))?));
    }
    let (Some(action), None) = (actions.pop(), actions.pop()) else {
        return Err("needs one of fingerprint, ignore = true, in_app and severity, and not two".to_owned());
    };
    if path.is_none() && matches!(action, Action::InApp(_)) {
        return Err("in_app needs the path of the frames that are meant".to_owned());
    }
    if [&error_type, &message, &path].iter().all(|glob| glob.is_none()) {
        return Err("needs type, message or path, so that it does not fit every error; \"*\" does".to_owned());
    }
    let glob = |text: Option<String>| text.map(Glob::new);
    Ok(Rule { error_type: glob(error_type), message: glob(message), path: glob(path), action })
}

fn read_http(reader: &mut Reader<'_>) -> Option<SocketAddr> {
    let allowed = "an IP address and a port, such as \"127.0.0.1:8969\", or \"\" to turn it off";
    reader.text("ingest.http", allowed, |text| or_none(text, |address| address.parse().ok())).flatten()
}

fn read_cors(reader: &mut Reader<'_>) -> String {
    let allowed = "an origin such as \"https://shop.example\", \"*\" for every page, or \"\" for none";
    let is_origin = |text: &str| {
        let host = text.split_once("://").map_or("", |(_, host)| host);
        !host.is_empty() && !host.contains(['/', '?', '#', '@']) && text.bytes().all(|byte| byte.is_ascii_graphic())
    };
    let read = |text: &str| (text.is_empty() || text == "*" || is_origin(text)).then(|| text.to_owned());
    reader.text("ingest.cors", allowed, read).unwrap_or_default()
}

fn read_loopback(reader: &mut Reader<'_>, key: &str) -> Option<SocketAddr> {
    let allowed = "an IP address of loopback and a port, such as \"127.0.0.1:9469\", or \"\" to turn it off";
    let parse = |text: &str| text.parse().ok().filter(|address: &SocketAddr| address.ip().is_loopback());
    reader.text(key, allowed, |text| or_none(text, parse)).flatten()
}

/// Returns nothing for an empty text, and what `parse` makes of another one.
fn or_none<T>(text: &str, parse: impl FnOnce(&str) -> Option<T>) -> Option<Option<T>> {
    if text.is_empty() { Some(None) } else { parse(text).map(Some) }
}

fn read_mesh(reader: &mut Reader<'_>, data_dir: &Path) -> Mesh {
    let swarm_key = reader.optional_path("mesh.swarm_key", data_dir);
    let transports = if swarm_key.is_some() { Transports::TcpOnly } else { Transports::TcpAndQuic };
    let address_problem = |error: AddressError| match error {
        AddressError::QuicInPrivateNetwork(..) => "a swarm key cannot protect QUIC; use /tcp/, or unset mesh.swarm_key".to_owned(),
        AddressError::ForeignPeerId(_) => "ends in a peer id that is no healnode's; `healnode id` shows the right one".to_owned(),
        AddressError::Unreadable(..) | AddressError::Unsupported(..) => {
            "allowed are multiaddrs such as \"/ip4/192.0.2.7/tcp/4801\"".to_owned()
        }
    };
    Mesh {
        listen: reader.list("mesh.listen", "[\"/ip4/0.0.0.0/tcp/4801\"]", |text| parse_listen(text, transports).map_err(address_problem)),
        bootstrap: reader.list("mesh.bootstrap", "[\"/dns4/node1.example/tcp/4801\"]", |text| {
            parse_bootstrap(text, transports).map_err(address_problem)
        }),
        swarm_key,
        allow: reader.list("mesh.allow", "[\"12D3KooW…\"]", |text| text.parse().map_err(|error: InvalidNodeId| error.to_string())),
        mdns: reader.switch("mesh.mdns"),
        flush_interval: reader.duration("mesh.flush_interval", Duration::from_millis(10)..=60 * SECOND),
        presence_interval: reader.duration("mesh.presence_interval", WAIT),
        presence_timeout: reader.duration("mesh.presence_timeout", 2 * *WAIT.start()..=DAY),
        pull_interval: reader.duration("mesh.pull_interval", WAIT),
    }
}

fn read_bundle(reader: &mut Reader<'_>) -> Bundle {
    Bundle {
        interval: reader.duration("bundle.interval", SECOND..=DAY),
        min_occurrences: reader.number("bundle.min_occurrences", 1..=1_000_000_000),
        storm: reader.number("bundle.storm", 2..=1_000_000),
        max_per_hour: reader.number("bundle.max_per_hour", 0..=1_000),
        max_per_day: reader.number("bundle.max_per_day", 0..=10_000),
        turn: reader.duration("bundle.turn", WAIT),
    }
}

/// Reads which forge is meant. Where a repository is named and nobody said which, it is the one that has repositories.
fn read_kind(reader: &mut Reader<'_>, repo: Option<&RepoName>) -> ForgeKind {
    if repo.is_some() && !reader.is_given("forge.kind") {
        reader.follow("forge.kind", ForgeKind::Github.name(), "forge.repo");
    }
    reader.text("forge.kind", "\"outbox\" or \"github\"", ForgeKind::of_name).unwrap_or(ForgeKind::Outbox)
}

fn read_forge(reader: &mut Reader<'_>, data_dir: &Path) -> Forge {
    let label_allowed = label_allowed();
    let owned = |text: &str, allowed: bool| allowed.then(|| text.to_owned());
    let repo: Option<RepoName> =
        reader.text("forge.repo", "\"owner/name\", without https:// and .git", |text| or_none(text, |repo| repo.parse().ok())).flatten();
    Forge {
        kind: read_kind(reader, repo.as_ref()),
        outbox: reader.path("forge.outbox", data_dir),
        repo,
        api_url: reader.text("forge.api_url", API_URL_ALLOWED, |text| owned(text, is_api_url(text))).unwrap_or_default(),
        token_file: reader.optional_path("forge.token_file", data_dir),
        app: read_forge_app(reader, data_dir),
        auto_issue: reader.switch("forge.auto_issue"),
        dry_run: false,
        auto_pr: reader.switch("forge.auto_pr"),
        auto_heal: reader.switch("forge.auto_heal"),
        labels: reader.list("forge.labels", "[\"bug\"]", read_label),
        priority_label: reader
            .text("forge.priority_label", &format!("{label_allowed}, or \"\""), |text| owned(text, text.is_empty() || is_label(text)))
            .unwrap_or_default(),
        lease: reader.text("forge.lease", "\"ref\", \"label\" or \"none\"", Lease::of_name).unwrap_or(Lease::None),
    }
}

fn label_allowed() -> String {
    format!("a label of 1 to {LABEL_CHARS_MAX} characters")
}

fn is_label(text: &str) -> bool {
    !text.trim().is_empty() && text.chars().count() <= LABEL_CHARS_MAX
}

fn read_label(text: &str) -> Result<String, String> {
    if is_label(text) { Ok(text.to_owned()) } else { Err(format!("allowed is {}", label_allowed())) }
}

fn read_forge_app(reader: &mut Reader<'_>, data_dir: &Path) -> Option<ForgeApp> {
    let id: u64 = reader.number("forge.app.id", 0..=GITHUB_ID_MAX);
    let installation: u64 = reader.number("forge.app.installation", 0..=GITHUB_ID_MAX);
    let key_file = reader.optional_path("forge.app.key_file", data_dir);
    let is_missing = [("forge.app.id", id == 0), ("forge.app.installation", installation == 0), ("forge.app.key_file", key_file.is_none())];
    if is_missing.iter().any(|(_, missing)| !missing) {
        for (key, _) in is_missing.iter().filter(|(_, missing)| *missing) {
            if reader.is_sound(key) {
                reader.refuse(key, "a GitHub App needs id, installation and key_file");
            }
        }
    }
    Some(ForgeApp { id, installation, key_file: key_file? })
}

/// Checks what depends on more than one setting. A setting that is wrong by itself is left alone here.
fn check_together(reader: &mut Reader<'_>, config: &Config) {
    let forge = &config.forge;
    let mut needs = |key: &str, wanted: bool, others: &[&str], problem: String| {
        if wanted && reader.is_sound(key) && others.iter().all(|other| reader.is_sound(other)) {
            reader.refuse(key, problem);
        }
    };
    needs(
        "forge.auto_pr",
        forge.auto_pr && !forge.auto_issue,
        &["forge.auto_issue"],
        "needs forge.auto_issue = true (or HEALNODE_AUTO_ISSUE=true)".to_owned(),
    );
    needs(
        "forge.auto_heal",
        forge.auto_heal && !forge.auto_pr,
        &["forge.auto_pr"],
        "needs forge.auto_pr = true (or HEALNODE_AUTO_PR=true)".to_owned(),
    );
    needs(
        "forge.repo",
        forge.kind == ForgeKind::Github && forge.auto_issue && forge.repo.is_none(),
        &["forge.kind", "forge.auto_issue"],
        "filing on GitHub needs a repository and there is no default: set forge.repo = \"owner/name\" (or HEALNODE_REPO=owner/name)"
            .to_owned(),
    );
    needs(
        "forge.kind",
        forge.kind == ForgeKind::Outbox && forge.auto_issue && forge.repo.is_some(),
        &["forge.repo", "forge.auto_issue"],
        "a repository is named, and issues would go to the outbox: set forge.kind = \"github\" (or HEALNODE_FORGE_KIND=github), or unset forge.repo".to_owned(),
    );
    needs(
        "forge.token_file",
        forge.app.is_some() && forge.token_file.is_some(),
        &[],
        "use a token or a GitHub App (forge.app), not both".to_owned(),
    );
    needs(
        "mesh.presence_timeout",
        config.mesh.presence_timeout < 2 * config.mesh.presence_interval,
        &["mesh.presence_interval"],
        format!("must be at least twice mesh.presence_interval, which is {}", duration::format(config.mesh.presence_interval)),
    );
    fix::check_together(&mut needs, config);
    let socket_bytes = config.status.socket.as_os_str().len();
    needs(
        "status.socket",
        socket_bytes > SOCKET_BYTES_MAX,
        &["data_dir"],
        format!(
            "the path of a Unix socket can have {SOCKET_BYTES_MAX} bytes, this has {socket_bytes}; set a shorter one, such as \"/run/healnode.sock\""
        ),
    );
}

impl Forge {
    /// Returns whether anything may be written to the forge. If not, it is not even set up.
    pub fn may_file(&self) -> bool {
        self.auto_issue && !self.dry_run
    }
}

impl ForgeKind {
    /// Returns the name that the configuration and `status` give it.
    pub fn name(self) -> &'static str {
        match self {
            ForgeKind::Outbox => "outbox",
            ForgeKind::Github => "github",
        }
    }

    fn of_name(name: &str) -> Option<Self> {
        [ForgeKind::Outbox, ForgeKind::Github].into_iter().find(|kind| kind.name() == name)
    }
}

impl Lease {
    fn of_name(name: &str) -> Option<Self> {
        match name {
            "ref" => Some(Lease::Ref),
            "label" => Some(Lease::Label),
            "none" => Some(Lease::None),
            _ => None,
        }
    }
}

const API_URL_ALLOWED: &str =
    "an https:// address without user, password and query; http:// only for this machine, because a token is sent there";

fn is_api_url(text: &str) -> bool {
    let Ok(uri) = text.parse::<hyper::Uri>() else { return false };
    let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else { return false };
    let is_safe = scheme == "https" || scheme == "http" && is_this_machine(authority.host());
    is_safe && !authority.as_str().contains('@') && uri.query().is_none()
}

fn is_this_machine(host: &str) -> bool {
    host == "localhost" || host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests;
