//! A command-line program whose failure is reported: the same output and exit code as without healnode.
//!
//! `cargo run --example client_program -- /srv/invoices/rates.json`
#![allow(clippy::print_stdout, reason = "an example prints")]

use std::process::ExitCode;

use anyhow::{Context as _, bail};
use healnode_client::Client;

fn main() -> ExitCode {
    let client = match Client::builder().app("rates").release(healnode_client::release!()).build() {
        Ok(client) => client,
        Err(problem) => {
            println!("{problem}");
            return ExitCode::FAILURE;
        }
    };
    client.wrap_main(|| show_rates(&client))
}

fn show_rates(client: &Client) -> anyhow::Result<()> {
    let Some(path) = std::env::args().nth(1) else { bail!("name the file with the rates") };
    client.log_line(format_args!("reading {path}"));
    let text = std::fs::read_to_string(&path).with_context(|| format!("reading the rates of {path}"))?;
    for line in text.lines() {
        println!("{}", line.parse::<f64>().with_context(|| format!("reading the rate {line:?}"))?);
    }
    Ok(())
}
