//! Switches in the environment of `exec` that the running node sets otherwise: whoever set them there is told that they mean nothing.

use std::time::Duration;

use serde_json::Value;

use crate::client::Client;
use crate::config::Config;

/// How long the node may take to tell how it is set.
const PATIENCE: Duration = Duration::from_millis(300);

/// Returns a line about the first of such switches. Nothing when no node tells in time how it is set, or all is as it is there.
pub(super) async fn warning(config: &Config) -> Option<String> {
    let switches = config.switches_of_environment();
    if switches.is_empty() {
        return None;
    }
    let client = Client::new(&config.status.socket);
    let status = tokio::time::timeout(PATIENCE, client.get("/v1/status")).await.ok()?.ok()?;
    first_without_effect(&switches, &status["auto"])
}

fn first_without_effect(switches: &[(&str, &str, bool)], auto: &Value) -> Option<String> {
    let differs = |(_, name, is_on): &&(&str, &str, bool)| auto[*name].as_bool().is_some_and(|at_node| at_node != *is_on);
    let (variable, name, is_on) = switches.iter().find(differs)?;
    Some(format!("healnode: {variable}={is_on} has no effect on a command; the node runs with auto_{name} = {}", !is_on))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_switch_that_is_set_otherwise_is_told_and_none_else() {
        let switches = [("IPFS_AUTO_ISSUE", "issue", true), ("HEALNODE_AUTO_PR", "pr", false)];
        let said = |auto| first_without_effect(&switches, &auto);
        assert_eq!(said(json!({"issue": true, "pr": false, "heal": true})), None);
        assert_eq!(said(json!({})), None);
        let expected = "healnode: IPFS_AUTO_ISSUE=true has no effect on a command; the node runs with auto_issue = false";
        assert_eq!(said(json!({"issue": false, "pr": true})).as_deref(), Some(expected));
    }
}
