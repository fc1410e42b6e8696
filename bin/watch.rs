//! `watch`: says what to watch, and how to mend what cannot be.
//!
//! Nothing goes to standard output. A person at a terminal is told at the end what was seen; a service's log is not.

use std::error::Error as _;
use std::future::Future;
use std::io::{self, IsTerminal as _, Write as _};
use std::path::Path;

use healnode_node::config::Config;
use healnode_node::{Run, Source, WatchError, Watched};

use crate::args;
use crate::failure::Failure;

/// The name by which standard input is asked for.
const INPUT: &str = "-";

/// Watches what the command line says, until told to stop or to the end of standard input.
pub(crate) async fn watch<S: Future<Output = ()>>(
    config: Config,
    args: &args::Watch,
    stop: impl FnOnce() -> anyhow::Result<S>,
) -> anyhow::Result<()> {
    let source = source(args)?;
    let watched = healnode_node::watch(config, source, args.from_start, stop()?).await.map_err(with_hint)?;
    if io::stderr().is_terminal() {
        let _nobody_reads = writeln!(io::stderr(), "{}", summary(watched));
    }
    Ok(())
}

fn source(args: &args::Watch) -> anyhow::Result<Source> {
    if let Some(unit) = &args.journal {
        return Ok(Source::Journal(unit.clone()));
    }
    if !args.files.iter().any(|file| file == Path::new(INPUT)) {
        if args.run.is_some() {
            return bad(
                "--run is for the log of a run on standard input",
                "write: `gh run view RUN --log-failed | healnode watch - --run RUN`",
            );
        }
        return Ok(Source::Files(args.files.clone()));
    }
    if args.files.len() > 1 {
        return bad("- is standard input, which is read to its end and not together with files", "run one `healnode watch` for each");
    }
    if args.from_start {
        return bad("--from-start is for files and units; standard input is read from where it is", "leave --from-start out");
    }
    if io::stdin().is_terminal() {
        return bad("standard input is a terminal", "send a log: `gh run view RUN --log | healnode watch -`");
    }
    let release = std::env::var("GITHUB_SHA").ok().filter(|commit| !commit.is_empty());
    Ok(Source::Input { run: args.run.clone().map(|id| Run { id, release }) })
}

fn bad(message: &str, hint: &'static str) -> anyhow::Result<Source> {
    Err(Failure { message: message.to_owned(), hint, bad_usage: true }.into())
}

fn with_hint(error: WatchError) -> anyhow::Error {
    let (hint, bad_usage) = match &error {
        WatchError::NoFile { path, .. } if path.is_dir() => ("name the logs in it: `healnode watch FOLDER/*.log`", true),
        WatchError::NoFile { .. } => ("send what comes out of it: `cat PIPE | healnode watch -`", true),
        WatchError::Unreadable { .. } => ("run it as a user that may read the log, such as one of the group adm", false),
        WatchError::TooMany { .. } => ("run several, each with a part of the files", true),
        WatchError::Taken { .. } => ("stop that one, or give this one a data directory of its own with --data-dir", false),
        WatchError::Keep(_) => ("--data-dir names a folder that this user may write to", false),
        WatchError::NoJournal(_) => ("the journal is systemd's; without it, watch the service's log: `healnode watch FILE`", false),
        WatchError::Journal { .. } => ("see what `journalctl -u UNIT` says; a user in the group systemd-journal may read all of it", false),
        WatchError::Input(_) => return error.into(),
    };
    let cause = error.source().map(|cause| format!(": {cause}")).unwrap_or_default();
    Failure { message: format!("{error}{cause}"), hint, bad_usage }.into()
}

fn summary(watched: Watched) -> String {
    let Watched { lines, errors, lost } = watched;
    let lost = if lost == 0 { String::new() } else { format!("; {lost} could not be delivered") };
    format!("{errors} {} in {lines} {}{lost}", if errors == 1 { "error" } else { "errors" }, if lines == 1 { "line" } else { "lines" })
}
