//! The commands that ask how things are: the running node by one request, or, for `doctor` and `branches`, the machine and GitHub. What comes back is written as JSON
//! or as text for a person.

use std::io::Write;
use std::time::Duration;

use healnode_node::client::Client;
use healnode_node::config::Config;
use healnode_node::doctor::{Level, examine};
use serde_json::{Value, json};

use crate::args::Prefix;
use crate::print::{self, Page};

type Out<'a> = &'a mut dyn Write;

pub(crate) async fn status(config: &Config, json: bool, out: Out<'_>) -> anyhow::Result<()> {
    write(&client(config).get("/v1/status").await?, json, print::status, out)
}

pub(crate) async fn errors(config: &Config, json: bool, out: Out<'_>) -> anyhow::Result<()> {
    write(&client(config).get("/v1/errors").await?, json, print::errors, out)
}

pub(crate) async fn peers(config: &Config, json: bool, out: Out<'_>) -> anyhow::Result<()> {
    write(&client(config).get("/v1/peers").await?, json, print::peers, out)
}

pub(crate) async fn show(config: &Config, fingerprint: &Prefix, json: bool, out: Out<'_>) -> anyhow::Result<()> {
    write(&client(config).get(&path(fingerprint, "")).await?, json, print::show, out)
}

pub(crate) async fn why(config: &Config, fingerprint: &Prefix, json: bool, out: Out<'_>) -> anyhow::Result<()> {
    write(&client(config).get(&path(fingerprint, "/why")).await?, json, print::why, out)
}

/// Trouble on the way is told after what was done before it.
pub(crate) async fn branches(config: &Config, older_than: Duration, apply: bool, json: bool, out: Out<'_>) -> anyhow::Result<()> {
    let answer = healnode_node::branches(config, older_than, apply).await?;
    write(&answer, json, print::branches, out)?;
    match answer["trouble"].as_str() {
        Some(trouble) => Err(anyhow::anyhow!("{trouble}")),
        None => Ok(()),
    }
}

/// Returns whether anything is broken.
pub(crate) async fn doctor(config: &Config, json: bool, out: Out<'_>) -> anyhow::Result<bool> {
    let diagnosis = examine(config).await;
    write(&serde_json::to_value(&diagnosis)?, json, print::doctor, out)?;
    Ok(diagnosis.overall() == Level::Error)
}

pub(crate) async fn mute(config: &Config, fingerprint: &Prefix, period: Option<&str>, out: Out<'_>) -> anyhow::Result<()> {
    let order = json!({"for": period, "by": who()});
    client(config).post(&path(fingerprint, "/mute"), &order).await?;
    let until = period.map_or_else(|| "until it is unmuted".to_owned(), |period| format!("for {period}"));
    Ok(writeln!(out, "{} is muted on every node {until}", fingerprint.digits)?)
}

pub(crate) async fn unmute(config: &Config, fingerprint: &Prefix, out: Out<'_>) -> anyhow::Result<()> {
    client(config).post(&path(fingerprint, "/unmute"), &json!({"by": who()})).await?;
    Ok(writeln!(out, "{} may be filed again", fingerprint.digits)?)
}

pub(crate) async fn deploy(config: &Config, release: &str, app: Option<&str>, json: bool, out: Out<'_>) -> anyhow::Result<()> {
    let noted = client(config).post("/v1/deploys", &json!({"release": release, "app": app})).await?;
    write(&noted, json, print::deploy, out)
}

fn client(config: &Config) -> Client {
    Client::new(&config.status.socket)
}

fn path(fingerprint: &Prefix, action: &str) -> String {
    format!("/v1/errors/{}{action}", fingerprint.digits)
}

/// Returns the name under which an order is given.
fn who() -> String {
    std::env::var("USER").unwrap_or_default()
}

fn write(answer: &Value, json: bool, print: fn(&Value, &Page) -> String, out: Out<'_>) -> anyhow::Result<()> {
    let text = if json { format!("{answer}\n") } else { print(answer, &Page::of_stdout()) };
    Ok(out.write_all(text.as_bytes())?)
}
