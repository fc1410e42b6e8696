//! The command line program: parses, sets up logging, calls the node's library, and turns what comes back into text and an exit code.
//!
//! It decides nothing about errors, peers or issues. What was asked for goes to standard output, what is said about it to standard error.

mod args;
mod ask;
mod failure;
mod filter;
mod fix;
mod line;
mod logging;
mod manual;
mod mcp;
mod print;
mod report;
mod simulate;
mod watch;

use std::ffi::OsString;
use std::fmt::Display;
use std::future::Future;
use std::io::{self, Write};
use std::os::unix::process::CommandExt as _;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Parser as _;
use healnode_node::config::{Config, DEFAULT_TOML, Overrides, Sources};
use healnode_node::{Admission, ExecError};
use tokio::signal::unix::{SignalKind, signal};

use args::{Args, Command, Global, LogLines};
use failure::Failure;

fn main() -> ExitCode {
    let args = Args::parse();
    run(&args).unwrap_or_else(|error| failure::finish(&error))
}

fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let global = &args.global;
    if !matches!(args.command, Command::Exec { .. } | Command::ExecSession { .. }) {
        logging::start(global, if matches!(args.command, Command::Run { .. }) { logging::NODE } else { logging::COMMAND })?;
    }
    let mut out = io::stdout();
    match &args.command {
        Command::Exec { log, argv } => return exec(global, *log, argv),
        Command::ExecSession { input_apart, argv } => return Ok(ExitCode::from(healnode_node::lead_session(argv, *input_apart))),
        Command::Run { dry_run } => wait_for(run_node(load(global)?, *dry_run))?,
        Command::Demo => wait_for(run_demo(&mut out))?,
        Command::Watch(watch) => wait_for(watch::watch(load_with(global, watch.log)?, watch, told_to_stop))?,
        Command::Report(report) => wait_for(report::report(&load(global)?, report, &mut out))?,
        Command::Simulate { kind } => wait_for(simulate::simulate(&load(global)?, kind, &mut out))?,
        Command::Status { json } => wait_for(ask::status(&load(global)?, *json, &mut out))?,
        Command::Errors { json } => wait_for(ask::errors(&load(global)?, *json, &mut out))?,
        Command::Show { fingerprint, json } => wait_for(ask::show(&load(global)?, fingerprint, *json, &mut out))?,
        Command::Peers { json } => wait_for(ask::peers(&load(global)?, *json, &mut out))?,
        Command::Mute { fingerprint, period } => wait_for(ask::mute(&load(global)?, fingerprint, period.as_deref(), &mut out))?,
        Command::Unmute { fingerprint } => wait_for(ask::unmute(&load(global)?, fingerprint, &mut out))?,
        Command::Deploy { release, app, json } => wait_for(ask::deploy(&load(global)?, release, app.as_deref(), *json, &mut out))?,
        Command::Why { fingerprint, json } => wait_for(ask::why(&load(global)?, fingerprint, *json, &mut out))?,
        Command::Fix { fingerprint, publish, json } => {
            let is_proposed = wait_for(fix::fix(&load(global)?, fingerprint, *publish, *json, &mut out))?;
            out.flush()?;
            return Ok(if is_proposed { ExitCode::SUCCESS } else { ExitCode::from(failure::FAILED) });
        }
        Command::Branches { older_than, apply, json } => {
            wait_for(ask::branches(&load(global)?, *older_than, *apply, *json, &mut out))?;
        }
        Command::Doctor { json } => {
            let is_broken = wait_for(ask::doctor(&load(global)?, *json, &mut out))?;
            out.flush()?;
            return Ok(if is_broken { ExitCode::from(failure::FAILED) } else { ExitCode::SUCCESS });
        }
        Command::Fingerprint { json, explain } => {
            filter::fingerprint(&admission(global)?, *json, *explain, io::stdin().lock(), &mut out)?;
        }
        Command::Redact { json } => filter::redact(&admission(global)?.redactor, *json, io::stdin().lock(), &mut out)?,
        Command::Id => writeln!(out, "{}", identity(&load(global)?)?)?,
        Command::SwarmKey => out.write_all(healnode_node::new_swarm_key().to_file().as_bytes())?,
        Command::Config { default: true } => out.write_all(DEFAULT_TOML.as_bytes())?,
        Command::Config { default: false } => out.write_all(load(global)?.to_toml().as_bytes())?,
        Command::Mcp => wait_for(async { mcp::serve(&load(global)?, io::stdin().lock(), &mut out).await })?,
        Command::Completions { shell } => manual::completions(*shell, &mut out)?,
        Command::Man { command } => manual::page(command.as_deref(), &mut out)?,
    }
    out.flush()?;
    Ok(ExitCode::SUCCESS)
}

/// Runs a command as if healnode were not there. A configuration with faults is told, but is no reason not to run the command.
fn exec(global: &Global, log: LogLines, argv: &[OsString]) -> anyhow::Result<ExitCode> {
    match logging::start(global, logging::COMMAND).and_then(|()| load_with(global, log)) {
        Ok(config) => {
            let code = wait_for(async { Ok(healnode_node::exec(config, argv.to_vec()).await?) })?;
            Ok(ExitCode::from(u8::try_from(code).unwrap_or(failure::FAILED)))
        }
        Err(error) => {
            failure::tell(&error.context("the command runs, but its failure will not be reported"));
            Err(become_command(argv))
        }
    }
}

/// Replaces this process by a command. Returns only if that fails.
fn become_command(argv: &[OsString]) -> anyhow::Error {
    let Some((program, arguments)) = argv.split_first() else { return ExecError::NoCommand.into() };
    let source = std::process::Command::new(program).args(arguments).exec();
    ExecError::Start { command: program.to_string_lossy().into_owned(), source }.into()
}

async fn run_node(mut config: Config, dry_run: bool) -> anyhow::Result<()> {
    config.forge.dry_run = dry_run;
    Ok(healnode_node::run(config, told_to_stop()?).await?)
}

/// Runs the demo to its end. Told to stop before, it takes its nodes and its folder with it.
async fn run_demo(out: &mut dyn Write) -> anyhow::Result<()> {
    Ok(healnode_node::demo(out, told_to_stop()?).await?)
}

/// Returns what waits for this process to be told to stop.
fn told_to_stop() -> anyhow::Result<impl Future<Output = ()>> {
    let mut interrupt = signal(SignalKind::interrupt()).context("watching for an interrupt")?;
    let mut terminate = signal(SignalKind::terminate()).context("watching for a termination")?;
    let mut hangup = signal(SignalKind::hangup()).context("watching for a hang-up")?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hangup.recv() => {}
        }
    })
}

fn identity(config: &Config) -> anyhow::Result<impl Display> {
    healnode_node::identity(config)?.ok_or_else(|| {
        let message = format!("there is no node in {} yet, so it has no id", config.data_dir.display());
        Failure { message, hint: "`healnode run` makes one on its first start; --data-dir names another directory", bad_usage: false }
            .into()
    })
}

/// Returns the rules of the filters: the built-in ones, and those of a configuration that was named. One that merely lies about has no say in
/// what a script reads.
fn admission(global: &Global) -> anyhow::Result<Admission> {
    if global.config.is_none() { Ok(Admission::default()) } else { Ok(load(global)?.admission()) }
}

fn load(global: &Global) -> anyhow::Result<Config> {
    load_with(global, LogLines::default())
}

fn load_with(global: &Global, log: LogLines) -> anyhow::Result<Config> {
    let sources = Sources {
        file: global.config.clone(),
        flags: Overrides { log_lines: log.log_lines, ..global.overrides() },
        environment: std::env::vars_os().collect(),
        working_dir: std::env::current_dir().unwrap_or_default(),
    };
    Config::load(&sources).context("the configuration is not valid")
}

/// Runs a future to its end on all cores.
fn wait_for<T>(future: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().context("starting the threads of the program")?;
    runtime.block_on(future)
}
