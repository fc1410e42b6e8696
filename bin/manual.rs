//! What is made of the command line's own description: manual pages and completions.

use std::io::{self, Write};

use clap::CommandFactory as _;
use clap_complete::Shell;
use clap_mangen::Man;

use crate::args::Args;
use crate::failure::Failure;

/// Writes a shell's completions.
pub(crate) fn completions(shell: Shell, out: &mut dyn Write) -> io::Result<()> {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut Args::command(), "healnode", &mut text);
    out.write_all(&text)
}

/// Writes a manual page in roff, of one command or of the whole program.
///
/// # Errors
/// When there is no such command, or `out` fails.
pub(crate) fn page(command: Option<&str>, out: &mut dyn Write) -> anyhow::Result<()> {
    let mut whole = Args::command();
    whole.build();
    let described = match command {
        None => Some(whole),
        Some(name) => whole.find_subcommand(name).cloned(),
    };
    let described = described.ok_or_else(|| Failure {
        message: format!("there is no command {:?}", command.unwrap_or_default()),
        hint: "`healnode --help` lists the commands",
        bad_usage: true,
    })?;
    Ok(Man::new(described).render(out)?)
}
