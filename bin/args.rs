//! The command line. Its doc comments are the help texts, and `tests/data/cli-help.txt` holds them all.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use healnode_node::BRANCH_AGE_MIN;
use healnode_node::config::{InvalidDuration, Overrides, parse_duration};

/// Turns the errors of a fleet into one issue each, without a server.
///
/// A node runs beside each deployment. It redacts and fingerprints every error, counts it, tells its peers fingerprint and count, and when an
/// error was seen often enough, one node files one issue for all.
#[derive(Parser, Debug)]
#[command(name = "healnode", version, max_term_width = 100, arg_required_else_help = true)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) global: Global,

    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What every command takes.
#[derive(clap::Args, Debug)]
#[command(next_help_heading = "Global options")]
pub(crate) struct Global {
    /// Read this configuration file
    ///
    /// Without it: $HEALNODE_CONFIG, else healnode.toml in the working directory, in ~/.config/healnode, or in /etc/healnode.
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,

    /// Keep the node's state in this directory
    #[arg(long, global = true, value_name = "DIR")]
    data_dir: Option<PathBuf>,

    /// Reach the node by this Unix socket
    #[arg(long, global = true, value_name = "PATH")]
    socket: Option<PathBuf>,

    /// How the log is written to standard error
    #[arg(long, global = true, value_name = "FORMAT", value_enum, default_value_t = LogFormat::Text)]
    pub(crate) log_format: LogFormat,

    /// Log more; twice for everything
    ///
    /// $HEALNODE_LOG takes a filter in its place, such as healnode_mesh=trace.
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    verbose: u8,

    /// The same as -vv
    #[arg(long, global = true)]
    debug: bool,
}

#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum LogFormat {
    Text,
    Json,
}

#[derive(Subcommand, Debug)]
pub(crate) enum Command {
    /// Run a node in the foreground until it is interrupted
    Run {
        /// Decide and show as usual, and write nothing to GitHub or the outbox
        ///
        /// The titles of what would be filed are logged, and `healnode why` tells them. No token is looked for and no request is sent. Counts are
        /// shared with the other nodes, which file as they are set up to.
        #[arg(long)]
        dry_run: bool,
    },

    /// Show what it is about: three nodes on this machine, a failing command, one issue
    ///
    /// Starts three nodes that know nothing of your configuration, runs a command that fails beside each of them, and ends with one issue in a
    /// local folder. Explains what it shows, needs no network and no account, and takes less than a minute.
    Demo,

    /// Run a command unchanged and report its failure
    ///
    /// Output, signals, terminal and exit code are the command's own. It has failed when it ends with another code than 0, by a signal, for want
    /// of memory, or with a stack trace on standard error. When no node runs, the report is kept for the next one.
    ///
    /// Where the node takes in what Sentry and OpenTelemetry SDKs send, the command finds SENTRY_DSN, SENTRY_SPOTLIGHT,
    /// OTEL_EXPORTER_OTLP_ENDPOINT and OTEL_EXPORTER_OTLP_PROTOCOL set, unless it has its own. HEALNODE_STATUS_SOCKET and HEALNODE_DATA_DIR
    /// tell the healnode-client library in it where this node is.
    Exec {
        #[command(flatten)]
        log: LogLines,
        /// The command and its arguments
        #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true, value_name = "CMD")]
        argv: Vec<OsString>,
    },

    /// Lead the session of a command that `exec` runs on a terminal
    #[command(hide = true)]
    ExecSession {
        /// Standard error is the command's input
        #[arg(long)]
        input_apart: bool,
        #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true, value_name = "CMD")]
        argv: Vec<OsString>,
    },

    /// Find the errors in logs and report them
    ///
    /// Follows files over rotation, or a unit of systemd, and finds stack traces and lines at level error or above; each goes with the lines
    /// before it. How far a log was read is kept in the data directory, so a restart neither loses nor repeats. A log that is watched for the
    /// first time is read from its end. When no node runs, reports are kept for the next one.
    Watch(Watch),

    /// Report one error
    ///
    /// Prints its fingerprint once it is safe. When no node runs, the report is kept for the next one.
    Report(Report),

    /// Send an error that did not happen, to see what becomes of a real one
    ///
    /// Goes the whole way: it is counted, shared, and filed at once where the node files. Type, message, tag and environment say that it is a
    /// drill. Needs a node that runs; without one nothing is kept.
    Simulate {
        /// What seems to fail
        #[arg(value_parser = ["panic", "python", "node", "java", "oom", "segfault", "timeout", "http"], value_name = "KIND")]
        kind: String,
    },

    /// Show how the node is doing
    Status {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },

    /// List the errors that the mesh has seen
    Errors {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },

    /// Show one error
    Show {
        #[command(flatten)]
        fingerprint: Prefix,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },

    /// List the other nodes
    Peers {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },

    /// Keep an error from being filed, on every node
    Mute {
        #[command(flatten)]
        fingerprint: Prefix,
        /// How long, such as 12h or 7d; without it until it is unmuted
        #[arg(long = "for", value_name = "DURATION", value_parser = duration)]
        period: Option<String>,
    },

    /// Let an error be filed again
    Unmute {
        #[command(flatten)]
        fingerprint: Prefix,
    },

    /// Say that a release was deployed beside the node
    ///
    /// Say it before the release gets traffic. A critical error that is seen for the first time within rollback.window after it has the command
    /// in rollback.command run, once, if rollback.confirm is set; see `healnode config --default`. Only this node takes note.
    Deploy {
        /// Which release, as reports name it
        release: String,
        /// Which app; without it the one that the node is configured with
        #[arg(long, value_name = "NAME")]
        app: Option<String>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },

    /// Explain why an error is filed, or is not; by whom, and when next
    Why {
        #[command(flatten)]
        fingerprint: Prefix,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },

    /// Look for a fix of one error now, and show it
    ///
    /// The node makes a copy of the code, runs its tests, lets the fixer of the section fix change it, holds the change against what may be changed,
    /// and runs the tests again. Each stage is told as it ends. Without --publish nothing leaves the machine. Ends with 1 when there is nothing to
    /// propose. Interrupted, it leaves the node to go on.
    Fix {
        #[command(flatten)]
        fingerprint: Prefix,
        /// Put what is found into the draft pull request
        #[arg(long)]
        publish: bool,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },

    /// List the branches of its own that nobody needs any more, and delete them
    ///
    /// Those are called auto-fix/issue-..., their pull request is merged or closed or they have none, and their newest commit is healnode's and
    /// older than the bound. Looks on GitHub with the token that a node would use, without a running node. Nothing is deleted without --apply.
    Branches {
        /// How old the newest commit of a branch has to be, such as 36h or 7d, at least 1h
        #[arg(long, value_name = "DURATION", default_value = "7d", value_parser = branch_age)]
        older_than: Duration,
        /// Delete them
        #[arg(long)]
        apply: bool,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },

    /// Look for what keeps the node from working, and say how to mend it
    ///
    /// Looks at configuration, identity, store, socket, mesh, forge, token, lease, clock and proxies, with a running node or without one, and
    /// changes nothing. Ends with 0 when nothing is broken, warnings included, with 1 when something is, and with 2 when the configuration is not
    /// valid. Run it as the user and with the environment that the node runs with.
    Doctor {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },

    /// Read messages from standard input and print the fingerprint of each
    ///
    /// One message a line, one line of 64 hex digits each, in the same order. A message alone has no type and no stack; with --json they count.
    /// The built-in rules apply, and those of the sections grouping and redact in a file that --config names.
    Fingerprint {
        /// Each line is an object with "type", "message" and possibly "stack", as for `healnode report --json`
        #[arg(long)]
        json: bool,
        /// Add a tab and the text that was hashed, without what varies; then the frames and the parts of a fingerprint of its own, if there are any
        #[arg(long)]
        explain: bool,
    },

    /// Read texts from standard input and print them without secrets and personal data
    ///
    /// The built-in rules apply, and those of the section redact in a file that --config names.
    Redact {
        /// Each line is a JSON string, in and out
        #[arg(long)]
        json: bool,
    },

    /// Print the peer id of this node
    Id,

    /// Make a key for a private network and print it
    ///
    /// Save it in a file that only the node can read, give the same file to every node, and name it in the setting mesh.swarm_key.
    SwarmKey,

    /// Print the configuration in effect and where each setting comes from
    Config {
        /// Print all settings with their defaults and what they mean
        #[arg(long)]
        default: bool,
    },

    /// Serve the Model Context Protocol on standard input and output
    ///
    /// For assistants that are to report errors and ask about them: tools to report one, to list and show those that were seen, to ask how the
    /// node is, and to let it look at once for errors that are due. Ends with standard input.
    Mcp,

    /// Print the completions of a shell
    Completions {
        /// Which shell
        shell: Shell,
    },

    /// Print the manual page, of a command or of the whole
    Man {
        /// Which command
        command: Option<String>,
    },
}

#[derive(clap::Args, Debug)]
pub(crate) struct Report {
    /// The name of the error's type, such as ValueError
    #[arg(long = "type", value_name = "TYPE", required_unless_present = "json")]
    pub(crate) error_type: Option<String>,

    /// What the error said
    #[arg(long, required_unless_present = "json")]
    pub(crate) message: Option<String>,

    /// A file with the stack trace, as its language prints it
    #[arg(long, value_name = "FILE")]
    pub(crate) stack_file: Option<PathBuf>,

    /// How bad it is; without it the type decides
    #[arg(long, value_parser = ["low", "medium", "high", "critical"])]
    pub(crate) severity: Option<String>,

    /// Read reports from standard input, one JSON object after the other
    ///
    /// "type" and "message" are needed; "stack", "severity", "logs", "command", "app", "release", "environment", "timestamp", "event_id",
    /// "fingerprint", "tags" and "count" are taken as well.
    #[arg(long, conflicts_with_all = ["error_type", "message", "stack_file", "severity"])]
    pub(crate) json: bool,
}

#[derive(clap::Args, Debug)]
pub(crate) struct Watch {
    /// Logs, by the names that they are written to; - reads standard input to its end
    #[arg(value_name = "FILE", required_unless_present = "journal", conflicts_with = "journal")]
    pub(crate) files: Vec<PathBuf>,

    /// Watch what a unit of systemd prints, such as nginx.service
    #[arg(long, value_name = "UNIT")]
    pub(crate) journal: Option<String>,

    /// Read a log that is watched for the first time from its start
    #[arg(long)]
    pub(crate) from_start: bool,

    /// Standard input is the log of this run of a CI system, such as 15203984771-1
    ///
    /// However often the log of a run is read, each error in it counts once at a node. The id goes with each error as the tag "run", and the
    /// commit in $GITHUB_SHA as its release.
    #[arg(long, value_name = "ID", value_parser = run_id, conflicts_with = "journal")]
    pub(crate) run: Option<String>,

    #[command(flatten)]
    pub(crate) log: LogLines,
}

/// How much of a log goes with an error.
#[derive(clap::Args, Clone, Copy, Default, Debug)]
pub(crate) struct LogLines {
    /// Keep so many of the lines before an error, 0 to 50
    ///
    /// Without it: the setting capture.log_context_lines. The node keeps no more than its own setting says.
    #[arg(long = "log-lines", value_name = "N", value_parser = clap::value_parser!(u16).range(0..=50))]
    pub(crate) log_lines: Option<u16>,
}

/// Which error is meant.
#[derive(clap::Args, Debug)]
pub(crate) struct Prefix {
    /// Its fingerprint, or the first 8 or more digits of it
    #[arg(id = "fingerprint", value_name = "FP", value_parser = fingerprint_prefix)]
    pub(crate) digits: String,
}

impl Global {
    /// Returns how much more than usual is logged.
    pub(crate) fn verbosity(&self) -> u8 {
        if self.debug { self.verbose.max(2) } else { self.verbose }
    }

    /// Returns the flags that are settings.
    pub(crate) fn overrides(&self) -> Overrides {
        Overrides { data_dir: self.data_dir.clone(), socket: self.socket.clone(), ..Overrides::default() }
    }
}

pub(crate) fn fingerprint_prefix(text: &str) -> Result<String, &'static str> {
    let is_prefix = (8..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_prefix {
        Ok(text.to_ascii_lowercase())
    } else {
        Err("a fingerprint is given by 8 to 64 hex digits, as `healnode errors` shows them")
    }
}

fn run_id(text: &str) -> Result<String, &'static str> {
    let is_id = !text.is_empty() && text.len() <= 100 && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._:/#-".contains(&byte));
    if is_id { Ok(text.to_owned()) } else { Err("the id of a run has 1 to 100 letters, digits and . _ : / # -") }
}

fn duration(text: &str) -> Result<String, InvalidDuration> {
    parse_duration(text).map(|_| text.to_owned())
}

fn branch_age(text: &str) -> Result<Duration, String> {
    let age = parse_duration(text).map_err(|invalid| invalid.to_string())?;
    if age < BRANCH_AGE_MIN { Err("a branch younger than 1h may be at work".to_owned()) } else { Ok(age) }
}
