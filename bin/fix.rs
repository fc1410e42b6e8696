//! `fix`: has the node look for a fix, and tells how it goes.

use std::io::Write;
use std::time::Duration;

use healnode_node::client::Client;
use healnode_node::config::Config;
use serde_json::{Value, json};

use crate::args::Prefix;
use crate::print::{self, Page};

/// How often the node is asked how far it is. A stage takes from a tenth of a second to minutes.
const LOOK_EVERY: Duration = Duration::from_millis(300);

/// Asks for a fix, writes each stage as it ends, and then the result. Returns whether there is something to propose. One that is being looked
/// for already is followed instead.
///
/// Interrupted, it leaves the node to go on; `healnode show` tells the rest.
pub(crate) async fn fix(config: &Config, fingerprint: &Prefix, publish: bool, json: bool, out: &mut dyn Write) -> anyhow::Result<bool> {
    let client = Client::new(&config.status.socket);
    let path = format!("/v1/errors/{}", fingerprint.digits);
    let before = client.get(&path).await?["fix"].clone();
    client.post(&format!("{path}/fix"), &json!({ "publish": publish })).await?;
    let page = Page::of_stdout();
    let mut told = 0;
    loop {
        let error = client.get(&path).await?;
        let fix = &error["fix"];
        if fix["began"] != before["began"] || before["state"] == "working" {
            if !json {
                told = tell(fix, told, &page, out)?;
            }
            if fix["state"] != "working" {
                write_result(&error, json, &page, out)?;
                return Ok(matches!(fix["state"].as_str(), Some("proposed" | "published")));
            }
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// Writes the stages that have not been told. Returns how many have been.
fn tell(fix: &Value, told: usize, page: &Page, out: &mut dyn Write) -> anyhow::Result<usize> {
    let stages = fix["stages"].as_array().map(Vec::as_slice).unwrap_or_default();
    for stage in stages.iter().skip(told) {
        writeln!(out, "{}", print::stage_line(stage, page))?;
        out.flush()?;
    }
    Ok(stages.len())
}

fn write_result(error: &Value, json: bool, page: &Page, out: &mut dyn Write) -> anyhow::Result<()> {
    if json {
        return Ok(writeln!(out, "{}", error["fix"])?);
    }
    let mut fix = error["fix"].clone();
    if let Some(fields) = fix.as_object_mut() {
        fields.remove("stages");
    }
    Ok(write!(out, "\n{}", print::fix(&fix, page))?)
}
