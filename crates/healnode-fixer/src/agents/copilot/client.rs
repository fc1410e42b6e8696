//! The protocol of the Copilot CLI's server mode, as far as a fix needs it: connect, open a session, one turn, detach.
//!
//! Answers what the CLI asks meanwhile: permissions by `policy.rs`, its one tool by taking the report down, everything else with a refusal.
//! Knows nothing of processes and of time; whoever calls it bounds both.

use std::collections::BTreeMap;
use std::path::PathBuf;

use healnode_core::FixAnswer;
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncWrite};

use super::frame::{FrameError, FrameReader, write_frame};
use super::policy::{Decision, Policy};
use crate::agents::answer::{answer_from, answer_schema};

/// The version of the protocol that is spoken here.
pub(super) const PROTOCOL_VERSION: u64 = 3;

/// The tool by which the model says what it did. Calling it ends its turn.
const REPORT_TOOL: &str = "submit_fix_report";

/// What the model may use: nothing that runs a command or opens an address.
const TOOLS: [&str; 6] = ["view", "edit", "create", "grep", "glob", REPORT_TOOL];

/// What a model is told when it is refused something.
const REFUSAL: &str = "denied by healnode policy";

/// The code of JSON-RPC for a method that is not there.
const NO_SUCH_METHOD: i32 = -32601;

/// One connection to a CLI.
pub(super) struct Client<R, W> {
    frames: FrameReader<R>,
    writer: W,
    last_id: u64,
}

/// What a session is opened with.
pub(super) struct Opening {
    /// The work copy.
    pub(super) work: PathBuf,
    /// The model, or nothing.
    pub(super) model: String,
    /// The provider as the protocol has it, or null.
    pub(super) provider: Value,
    /// The session that is taken up again.
    pub(super) session: Option<String>,
}

/// What came of one turn.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Turn {
    /// What the model said that it did.
    pub(super) answer: Option<FixAnswer>,
    /// What it was refused, and how often.
    pub(super) refused: BTreeMap<&'static str, u32>,
    /// Set when the turn broke off with an error; with the status of the model's provider, where there was one.
    pub(super) trouble: Option<Option<u16>>,
}

/// Why the talk with the CLI ended. Nothing more can be said to it.
#[derive(Debug, thiserror::Error)]
pub(super) enum ProtocolError {
    /// It closed its output.
    #[error("the Copilot CLI ended by itself")]
    Ended,
    /// It speaks another version.
    #[error("the Copilot CLI speaks version {0} of its protocol")]
    Version(u64),
    /// It answered a request with an error.
    #[error("the Copilot CLI refused {0}")]
    Refused(&'static str),
    /// It sent no message.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// It does not read.
    #[error("the pipe to the Copilot CLI broke")]
    Io(#[from] std::io::Error),
}

/// A message, as far as it matters here.
enum Message {
    Response { id: u64, result: Result<Value, ()> },
    Request { id: Value },
    Event { kind: String, data: Value },
    Other,
}

impl<R: AsyncRead + Unpin, W: AsyncWrite + Unpin> Client<R, W> {
    pub(super) fn new(reader: R, writer: W) -> Self {
        Self { frames: FrameReader::new(reader), writer, last_id: 0 }
    }

    /// Says hello, and checks the version.
    pub(super) async fn connect(&mut self) -> Result<(), ProtocolError> {
        let hello = self.call("connect", json!({})).await?;
        match hello["protocolVersion"].as_u64().unwrap_or_default() {
            PROTOCOL_VERSION => Ok(()),
            other => Err(ProtocolError::Version(other)),
        }
    }

    /// Opens a session that listens to nothing that the repository tells agents, or takes one up. Returns its id.
    pub(super) async fn open(&mut self, opening: &Opening) -> Result<String, ProtocolError> {
        let mut parameters = json!({
            "workingDirectory": opening.work,
            "requestPermission": true,
            "enableConfigDiscovery": false,
            "enableFileHooks": false,
            "enableHostGitOperations": false,
            "enableOnDemandInstructionDiscovery": false,
            "enableSkills": false,
            "availableTools": TOOLS,
            "tools": [{
                "name": REPORT_TOOL,
                "description": "Says what was done. Call it once, last, also when nothing could be done.",
                "isTerminal": true,
                "skipPermission": true,
                "parameters": answer_schema(),
            }],
        });
        if !opening.model.is_empty() {
            parameters["model"] = json!(opening.model);
        }
        if !opening.provider.is_null() {
            parameters["provider"] = opening.provider.clone();
        }
        let method = if let Some(session) = &opening.session {
            parameters["sessionId"] = json!(session);
            "session.resume"
        } else {
            "session.create"
        };
        let opened = self.call(method, parameters).await?;
        let session = opened["sessionId"].as_str().ok_or(ProtocolError::Refused(method))?;
        let options =
            json!({ "sessionId": session, "skipCustomInstructions": true, "customAgentsLocalOnly": true, "coauthorEnabled": false });
        self.call("session.options.update", options).await?;
        Ok(session.to_owned())
    }

    /// Sends a prompt, and answers what the CLI asks until the turn is over.
    pub(super) async fn turn(&mut self, session: &str, prompt: &str, policy: &Policy) -> Result<Turn, ProtocolError> {
        let sent = self.send("session.send", json!({ "sessionId": session, "prompt": prompt })).await?;
        let mut turn = Turn::default();
        let mut has_begun = false;
        loop {
            match self.read().await? {
                Message::Response { id, result: Err(()) } if id == sent => return Err(ProtocolError::Refused("session.send")),
                Message::Response { .. } | Message::Other => {}
                Message::Request { id } => self.decline(&id).await?,
                Message::Event { kind, data } => match &*kind {
                    "user.message" | "assistant.turn_start" => has_begun = true,
                    "permission.requested" => self.permit(session, &data, policy, &mut turn).await?,
                    "external_tool.requested" => self.take_report(session, &data, &mut turn).await?,
                    "session.idle" if has_begun => return Ok(turn),
                    "session.error" => {
                        turn.trouble = Some(data["statusCode"].as_u64().and_then(|status| u16::try_from(status).ok()));
                        return Ok(turn);
                    }
                    _ => {}
                },
            }
        }
    }

    /// Leaves a session; it can be taken up again.
    pub(super) async fn detach(&mut self, session: &str) -> Result<(), ProtocolError> {
        self.call("session.detach", json!({ "sessionId": session })).await.map(|_| ())
    }

    async fn permit(&mut self, session: &str, data: &Value, policy: &Policy, turn: &mut Turn) -> Result<(), ProtocolError> {
        if data["resolvedByHook"] == true {
            return Ok(());
        }
        let result = match policy.decide(&data["permissionRequest"]) {
            Decision::Approved => json!({ "kind": "approve-once" }),
            Decision::Refused(kind) => {
                *turn.refused.entry(kind).or_default() += 1;
                json!({ "kind": "reject", "feedback": REFUSAL })
            }
        };
        let parameters = json!({ "sessionId": session, "requestId": data["requestId"], "result": result });
        self.send("session.permissions.handlePendingPermissionRequest", parameters).await?;
        Ok(())
    }

    async fn take_report(&mut self, session: &str, data: &Value, turn: &mut Turn) -> Result<(), ProtocolError> {
        let is_report = data["toolName"] == REPORT_TOOL;
        if is_report {
            turn.answer = Some(answer_from(&data["arguments"]));
        }
        let result = if is_report { "recorded" } else { REFUSAL };
        let parameters = json!({ "sessionId": session, "requestId": data["requestId"], "result": result });
        self.send("session.tools.handlePendingToolCall", parameters).await?;
        Ok(())
    }

    /// Sends a request and waits for its answer. What the CLI says meanwhile is of no interest.
    async fn call(&mut self, method: &'static str, parameters: Value) -> Result<Value, ProtocolError> {
        let sent = self.send(method, parameters).await?;
        loop {
            match self.read().await? {
                Message::Response { id, result } if id == sent => return result.map_err(|()| ProtocolError::Refused(method)),
                Message::Request { id } => self.decline(&id).await?,
                Message::Response { .. } | Message::Event { .. } | Message::Other => {}
            }
        }
    }

    async fn send(&mut self, method: &str, parameters: Value) -> Result<u64, ProtocolError> {
        self.last_id += 1;
        let request = json!({ "jsonrpc": "2.0", "id": self.last_id, "method": method, "params": parameters });
        write_frame(&mut self.writer, &request.to_string()).await?;
        Ok(self.last_id)
    }

    async fn decline(&mut self, id: &Value) -> Result<(), ProtocolError> {
        let error = json!({ "code": NO_SUCH_METHOD, "message": REFUSAL });
        write_frame(&mut self.writer, &json!({ "jsonrpc": "2.0", "id": id, "error": error }).to_string()).await?;
        Ok(())
    }

    async fn read(&mut self) -> Result<Message, ProtocolError> {
        let frame = self.frames.read().await?.ok_or(ProtocolError::Ended)?;
        Ok(message(serde_json::from_slice(&frame).map_err(|_| FrameError::Head)?))
    }
}

fn message(mut value: Value) -> Message {
    let method = value["method"].as_str().map(str::to_owned);
    match (method, value.get("id").cloned()) {
        (Some(_), Some(id)) => Message::Request { id },
        (Some(method), None) if method == "session.event" => {
            let event = &mut value["params"]["event"];
            Message::Event { kind: event["type"].as_str().unwrap_or_default().to_owned(), data: event["data"].take() }
        }
        (None, Some(id)) if id.is_u64() => {
            let result = if value.get("error").is_some() { Err(()) } else { Ok(value["result"].take()) };
            Message::Response { id: id.as_u64().unwrap_or_default(), result }
        }
        (Some(_) | None, Some(_) | None) => Message::Other,
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use tokio::io::{DuplexStream, ReadHalf, WriteHalf, duplex, split};

    use super::*;

    type Half = Client<ReadHalf<DuplexStream>, WriteHalf<DuplexStream>>;

    /// The other end: says what it is told to say, and reads what is sent.
    struct Cli {
        frames: FrameReader<ReadHalf<DuplexStream>>,
        writer: WriteHalf<DuplexStream>,
    }

    impl Cli {
        fn pair() -> (Half, Self) {
            let (ours, theirs) = duplex(1 << 20);
            let (reader, writer) = split(ours);
            let client = Client::new(reader, writer);
            let (reader, writer) = split(theirs);
            (client, Self { frames: FrameReader::new(reader), writer })
        }

        async fn say(&mut self, message: Value) {
            write_frame(&mut self.writer, &message.to_string()).await.unwrap();
        }

        async fn event(&mut self, kind: &str, data: Value) {
            self.say(json!({ "method": "session.event", "params": { "sessionId": "S", "event": { "type": kind, "data": data } } })).await;
        }

        async fn hear(&mut self) -> Value {
            serde_json::from_slice(&self.frames.read().await.unwrap().unwrap()).unwrap()
        }
    }

    #[tokio::test]
    async fn only_the_known_version_is_spoken() {
        for (hello, expected) in [(json!({ "protocolVersion": 3 }), None), (json!({ "protocolVersion": 4 }), Some(4)), (json!({}), Some(0))]
        {
            let (mut client, mut cli) = Cli::pair();
            cli.say(json!({ "id": 1, "result": hello })).await;
            match (client.connect().await, expected) {
                (Ok(()), None) => {}
                (Err(ProtocolError::Version(found)), Some(expected)) => assert_eq!(found, expected),
                (other, _) => panic!("{other:?}"),
            }
        }
    }

    #[tokio::test]
    async fn a_session_offers_no_tool_that_runs_or_connects() {
        let (mut client, mut cli) = Cli::pair();
        for (id, result) in [(1, json!({ "sessionId": "S" })), (2, json!({}))] {
            cli.say(json!({ "id": id, "result": result })).await;
        }
        let opening = Opening { work: "/w/copy".into(), model: "m".into(), provider: json!({ "baseUrl": "u" }), session: None };
        assert_eq!(client.open(&opening).await.unwrap(), "S");
        let heard = cli.hear().await;
        assert_eq!(heard["method"], "session.create");
        assert_eq!(heard["params"]["availableTools"], json!(["view", "edit", "create", "grep", "glob", "submit_fix_report"]));
        assert_eq!(heard["params"]["requestPermission"], true);
        assert_eq!(heard["params"]["enableConfigDiscovery"], false);

        let heard = cli.hear().await;
        assert_eq!((heard["method"].as_str(), &heard["params"]["skipCustomInstructions"]), (Some("session.options.update"), &json!(true)));

        for (id, result) in [(3, json!({ "sessionId": "S" })), (4, json!({}))] {
            cli.say(json!({ "id": id, "result": result })).await;
        }
        client.open(&Opening { session: Some("S".into()), ..opening }).await.unwrap();
        let heard = cli.hear().await;
        assert_eq!((heard["method"].as_str(), heard["params"]["sessionId"].as_str()), (Some("session.resume"), Some("S")));
    }

    #[tokio::test]
    async fn a_turn_answers_questions_and_takes_the_report() {
        let (mut client, mut cli) = Cli::pair();
        let request = |id: &str, kind: &str, path: &str| json!({ "requestId": id, "permissionRequest": { "kind": kind, "path": path, "fileName": path } });
        cli.event("session.idle", json!({})).await;
        cli.say(json!({ "id": 1, "result": { "messageId": "M" } })).await;
        cli.event("user.message", json!({})).await;
        cli.event("permission.requested", request("R1", "write", "/w/copy/a.py")).await;
        cli.event("permission.requested", request("R2", "read", "/etc/passwd")).await;
        cli.event("permission.requested", json!({ "requestId": "R3", "resolvedByHook": true })).await;
        cli.say(json!({ "id": 77, "method": "hooks.invoke", "params": {} })).await;
        cli.say(json!(["no message"])).await;
        cli.event("external_tool.requested", json!({ "requestId": "Q1", "toolName": "other" })).await;
        let report = json!({ "root_cause": "empty", "files": ["a.py"] });
        cli.event("external_tool.requested", json!({ "requestId": "Q2", "toolName": "submit_fix_report", "arguments": report })).await;
        cli.event("session.idle", json!({})).await;
        let turn = client.turn("S", "mend it", &Policy::new(Path::new("/w/copy"))).await.unwrap();
        assert_eq!(turn.answer.unwrap().root_cause, "empty");
        assert_eq!(turn.refused, BTreeMap::from([("reading elsewhere", 1)]));
        assert_eq!(turn.trouble, None);

        assert_eq!(cli.hear().await["params"]["prompt"], "mend it");
        let heard = cli.hear().await;
        assert_eq!((heard["params"]["requestId"].as_str(), heard["params"]["result"]["kind"].as_str()), (Some("R1"), Some("approve-once")));
        let heard = cli.hear().await;
        assert_eq!((heard["params"]["requestId"].as_str(), heard["params"]["result"]["kind"].as_str()), (Some("R2"), Some("reject")));
        assert_eq!(heard["params"]["result"]["feedback"], "denied by healnode policy");
        let heard = cli.hear().await;
        assert_eq!((heard["id"].as_u64(), heard["error"]["code"].as_i64()), (Some(77), Some(-32601)));
        assert_eq!(cli.hear().await["params"]["result"], "denied by healnode policy");
        assert_eq!(cli.hear().await["params"]["result"], "recorded");
    }

    #[tokio::test]
    async fn a_turn_that_breaks_off_says_so() {
        let (mut client, mut cli) = Cli::pair();
        cli.event("session.error", json!({ "errorType": "query", "message": "text of strangers", "statusCode": 500 })).await;
        let turn = client.turn("S", "mend it", &Policy::new(Path::new("/w/copy"))).await.unwrap();
        assert_eq!(turn.trouble, Some(Some(500)));

        cli.say(json!({ "id": 2, "error": { "code": 1, "message": "no" } })).await;
        let refused = client.turn("S", "mend it", &Policy::new(Path::new("/w/copy"))).await;
        assert!(matches!(refused, Err(ProtocolError::Refused("session.send"))));

        drop(cli);
        let ended = client.turn("S", "mend it", &Policy::new(Path::new("/w/copy"))).await;
        assert!(matches!(ended, Err(ProtocolError::Ended | ProtocolError::Io(_))));
    }
}
