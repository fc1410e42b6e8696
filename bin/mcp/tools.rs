//! The tools, and what each asks the node. `tools.json` describes them.

use std::time::Duration;

use healnode_node::RawError;
use healnode_node::client::{Client, ClientError};
use healnode_node::config::Config;
use serde_json::{Map, Value, json};

use super::data::{bounded, bounded_text};
use super::message::Fault;
use crate::args::fingerprint_prefix;

const TOOLS: &str = include_str!("tools.json");

/// How long the node may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// Errors that are listed unless more are asked for, and at most.
const ERRORS_USUAL: u64 = 20;
const ERRORS_MAX: u64 = 100;

/// Fields of an error in a list. Its nodes and releases are counted only.
const LISTED: [&str; 8] = ["fingerprint", "error_type", "message", "severity", "occurrences", "first_seen", "last_seen", "state"];

type Arguments = Map<String, Value>;

/// What a tool came to: a document, or a sentence about what went wrong.
type Outcome = Result<Value, String>;

/// Returns what tools there are, as the protocol lists them.
pub(super) fn list() -> Value {
    serde_json::from_str(TOOLS).unwrap_or_default()
}

/// Calls a tool. What a tool cannot do is a result that says so, so that whoever called reads it.
pub(super) async fn call(config: &Config, params: &Value) -> Result<Value, Fault> {
    let name = params["name"].as_str().ok_or(Fault::BadParams("a call needs the name of a tool"))?;
    let arguments = match params.get("arguments") {
        None | Some(Value::Null) => Arguments::new(),
        Some(Value::Object(arguments)) => arguments.clone(),
        Some(_) => return Err(Fault::BadParams("the arguments of a call are an object")),
    };
    let outcome = match name {
        "report" => report(config, arguments).await,
        "status" => get(config, "/v1/status").await,
        "errors" => errors(config, &arguments).await,
        "show" => show(config, &arguments).await,
        "flush" => ask(client(config).post("/v1/flush", &json!({}))).await,
        _ => return Err(Fault::BadParams("there is no such tool; tools/list names those there are")),
    };
    let (text, is_error) = match outcome {
        Ok(document) => (bounded(&document).to_string(), false),
        Err(sentence) => (bounded_text(&sentence), true),
    };
    Ok(json!({ "content": [{ "type": "text", "text": text }], "isError": is_error }))
}

async fn report(config: &Config, arguments: Arguments) -> Outcome {
    let raw = RawError::from_json(&Value::Object(arguments).to_string()).map_err(|problem| problem.to_string())?;
    let delivered = healnode_node::report(config, raw).await.map_err(|problem| problem.to_string())?;
    serde_json::to_value(&delivered).map_err(|problem| problem.to_string())
}

async fn errors(config: &Config, arguments: &Arguments) -> Outcome {
    let limit = match arguments.get("limit") {
        None | Some(Value::Null) => ERRORS_USUAL,
        Some(limit) => limit.as_u64().filter(|limit| (1..=ERRORS_MAX).contains(limit)).ok_or("limit is a whole number from 1 to 100")?,
    };
    let errors = get(config, "/v1/errors").await?;
    let errors = errors.as_array().map(Vec::as_slice).unwrap_or_default();
    let listed: Vec<Value> = errors.iter().take(usize::try_from(limit).unwrap_or(usize::MAX)).map(summary).collect();
    Ok(json!({ "left_off": errors.len() - listed.len(), "errors": listed }))
}

fn summary(error: &Value) -> Value {
    let mut summary: Arguments = LISTED.into_iter().map(|field| (field.to_owned(), error[field].clone())).collect();
    summary.insert("nodes".to_owned(), json!(error["nodes"].as_object().map_or(0, Map::len)));
    summary.insert("issue".to_owned(), error["issue"].clone());
    Value::Object(summary)
}

async fn show(config: &Config, arguments: &Arguments) -> Outcome {
    let digits = arguments.get("fingerprint").and_then(Value::as_str).ok_or("show needs a fingerprint")?;
    let digits = fingerprint_prefix(digits)?;
    get(config, &format!("/v1/errors/{digits}/why")).await
}

fn client(config: &Config) -> Client {
    Client::new(&config.status.socket)
}

async fn get(config: &Config, path: &str) -> Outcome {
    ask(client(config).get(path)).await
}

async fn ask(question: impl Future<Output = Result<Value, ClientError>>) -> Outcome {
    match tokio::time::timeout(PATIENCE, question).await {
        Ok(Ok(document)) => Ok(document),
        Ok(Err(problem @ ClientError::NoNode { .. })) => Err(format!("{problem}; start a node with `healnode run`")),
        Ok(Err(problem)) => Err(problem.to_string()),
        Err(_) => Err(format!("the node did not answer within {} seconds", PATIENCE.as_secs())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_tool_is_described_and_takes_an_object() {
        let tools = list();
        let names: Vec<&str> = tools.as_array().unwrap().iter().map(|tool| tool["name"].as_str().unwrap()).collect();
        assert_eq!(names, ["report", "status", "errors", "show", "flush"]);
        for tool in tools.as_array().unwrap() {
            assert!(tool["description"].is_string() && tool["inputSchema"]["type"] == "object", "{tool}");
        }
    }

    #[test]
    fn a_listed_error_is_small_and_has_its_issue() {
        let error = json!({"fingerprint": "f", "nodes": {"a": 1, "b": 2}, "releases": {"x": 3}, "issue": {"number": 7}});
        let summary = summary(&error);
        assert_eq!((&summary["nodes"], &summary["issue"]["number"], &summary["releases"]), (&json!(2), &json!(7), &Value::Null));
    }
}
