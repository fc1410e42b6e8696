//! `simulate`: sends a drill and says what happens next.

use std::io::Write;

use anyhow::Context as _;
use healnode_node::config::Config;
use healnode_node::{Drill, Fingerprint};

/// Sends a drill of the kind that the command line names, and writes what becomes of it.
pub(crate) async fn simulate(config: &Config, kind: &str, out: &mut dyn Write) -> anyhow::Result<()> {
    let drill: Drill = kind.parse().context("the kind of the drill")?;
    let simulated = healnode_node::simulate(config, drill).await?;
    let fingerprint = &simulated.delivered.fingerprint;
    let short = Fingerprint::short_of(fingerprint);
    if simulated.delivered.spooled {
        return Ok(writeln!(out, "The node went away meanwhile; the drill {short} is kept for the next `healnode run`.")?);
    }
    writeln!(out, "The drill was counted as {fingerprint}.")?;
    if simulated.files_issues {
        writeln!(
            out,
            "It is critical, so one node of the mesh files it soon, as \"{}\". Close that issue when you have seen it.",
            simulated.error_type
        )?;
    } else {
        writeln!(out, "This node only counts: with auto_issue on, an issue would be filed, as \"{}\".", simulated.error_type)?;
    }
    writeln!(out, "`healnode why {short}` tells by whom and when, `healnode show {short}` what is known of it.")?;
    Ok(())
}
