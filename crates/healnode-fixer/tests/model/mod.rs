//! A model for tests: an OpenAI-compatible server on a free port of this machine that says what a script says.
//!
//! Included with `#[path]` by every test that needs it. It keeps no state between requests: which step comes next is the number of turns of
//! the assistant in the request, so a request that is sent again gets the same answer. Past the end of the script it says `done`; a request
//! without tools, as for titles, gets `ok`, unless the script is for a model without tools.
#![allow(
    dead_code,
    clippy::unwrap_used,
    reason = "each of the tests that include this file uses a part of it, and ends at what it did not expect"
)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};

/// A running server. Dropping it ends it.
pub(crate) struct Model {
    address: SocketAddr,
    desk: Arc<Desk>,
}

/// One turn of the script.
#[derive(Clone)]
pub(crate) struct Step {
    turn: Turn,
    delay: Duration,
}

#[derive(Clone)]
enum Turn {
    Text(String),
    Tools(Vec<(String, Value)>),
    Status(u16),
}

struct Desk {
    steps: Vec<Step>,
    has_tools: bool,
    requests: Mutex<Vec<Value>>,
    closed: AtomicBool,
}

impl Step {
    /// Says something, and ends the turn.
    pub(crate) fn text(text: &str) -> Self {
        Self { turn: Turn::Text(text.to_owned()), delay: Duration::ZERO }
    }

    /// Calls a tool.
    pub(crate) fn tool(name: &str, arguments: Value) -> Self {
        Self::tools([(name, arguments)])
    }

    /// Calls several tools at once; for `/chat/completions` only.
    pub(crate) fn tools<const N: usize>(calls: [(&str, Value); N]) -> Self {
        let calls = calls.into_iter().map(|(name, arguments)| (name.to_owned(), arguments)).collect();
        Self { turn: Turn::Tools(calls), delay: Duration::ZERO }
    }

    /// Fails with an HTTP status, however often it is asked.
    pub(crate) fn status(status: u16) -> Self {
        Self { turn: Turn::Status(status), delay: Duration::ZERO }
    }

    /// The same, after a while.
    pub(crate) fn after(self, delay: Duration) -> Self {
        Self { delay, ..self }
    }
}

impl Model {
    /// Starts a model that calls tools.
    pub(crate) fn start(steps: Vec<Step>) -> Self {
        Self::with(steps, true)
    }

    /// Starts a model that answers requests without tools by the script too.
    pub(crate) fn without_tools(steps: Vec<Step>) -> Self {
        Self::with(steps, false)
    }

    fn with(steps: Vec<Step>, has_tools: bool) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let desk = Arc::new(Desk { steps, has_tools, requests: Mutex::default(), closed: AtomicBool::new(false) });
        let shared = Arc::clone(&desk);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if shared.closed.load(Ordering::SeqCst) {
                    return;
                }
                let desk = Arc::clone(&shared);
                thread::spawn(move || desk.attend(stream));
            }
        });
        Self { address, desk }
    }

    /// The base URL for a provider's configuration.
    pub(crate) fn base_url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// Its port.
    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }

    /// Every request so far: `method`, `path`, `headers` with small letters, `body`.
    pub(crate) fn requests(&self) -> Vec<Value> {
        self.desk.requests.lock().unwrap().clone()
    }

    /// What tools gave back, in the order of the last request.
    pub(crate) fn tool_results(&self) -> Vec<String> {
        let requests = self.requests();
        let messages = requests.last().and_then(|request| request["body"]["messages"].as_array().cloned()).unwrap_or_default();
        let results = messages.iter().filter(|message| message["role"] == "tool");
        results.map(|message| message["content"].as_str().map_or_else(|| message["content"].to_string(), str::to_owned)).collect()
    }
}

impl Drop for Model {
    fn drop(&mut self) {
        self.desk.closed.store(true, Ordering::SeqCst);
        let _woken = TcpStream::connect(self.address);
    }
}

impl Desk {
    fn attend(&self, stream: TcpStream) {
        let Some(request) = read_request(&stream) else { return };
        self.requests.lock().unwrap().push(request.clone());
        let step = self.step(&request["body"]);
        let answer = match (request["method"].as_str(), request["path"].as_str()) {
            (Some("GET"), Some("/v1/models")) => {
                whole(200, &json!({ "object": "list", "data": [{ "id": "any-name", "object": "model" }] }))
            }
            (Some("POST"), Some("/v1/chat/completions")) => {
                self.wait(step.delay);
                chat(&request["body"], &step.turn)
            }
            (Some("POST"), Some("/v1/responses")) => {
                self.wait(step.delay);
                responses(&request["body"], &step.turn)
            }
            _ => whole(404, &json!({ "error": { "message": "not found" } })),
        };
        let _gone = (&stream).write_all(answer.as_bytes());
    }

    fn step(&self, body: &Value) -> Step {
        if self.has_tools && body["tools"].as_array().is_none_or(Vec::is_empty) {
            return Step::text("ok");
        }
        self.steps.get(turns_so_far(body)).cloned().unwrap_or_else(|| Step::text("done"))
    }

    fn wait(&self, delay: Duration) {
        let until = Instant::now() + delay;
        while Instant::now() < until && !self.closed.load(Ordering::SeqCst) {
            thread::sleep(Duration::from_millis(10));
        }
    }
}

fn turns_so_far(body: &Value) -> usize {
    let count =
        |list: &Value, name: &str, value: &str| list.as_array().map_or(0, |list| list.iter().filter(|item| item[name] == value).count());
    count(&body["messages"], "role", "assistant") + count(&body["input"], "type", "function_call")
}

fn chat(body: &Value, turn: &Turn) -> String {
    let turns = turns_so_far(body);
    let (message, reason) = match turn {
        Turn::Status(status) => return whole(*status, &json!({ "error": { "message": "as the script says" } })),
        Turn::Text(text) => (json!({ "role": "assistant", "content": text }), "stop"),
        Turn::Tools(calls) => {
            let call = |(at, (name, arguments)): (usize, &(String, Value))| {
                let function = json!({ "name": name, "arguments": arguments.to_string() });
                json!({ "index": at, "id": format!("call_{turns}_{at}"), "type": "function", "function": function })
            };
            let calls: Vec<Value> = calls.iter().enumerate().map(call).collect();
            (json!({ "role": "assistant", "content": null, "tool_calls": calls }), "tool_calls")
        }
    };
    let usage = json!({ "prompt_tokens": 1000, "completion_tokens": 50, "total_tokens": 1050 });
    let frame = |object: &str| json!({ "id": "chatcmpl-1", "object": object, "created": 0, "model": body["model"] });
    if body["stream"] != true {
        let choice = json!({ "index": 0, "message": message, "finish_reason": reason });
        return whole(200, &merged(frame("chat.completion"), json!({ "choices": [choice], "usage": usage })));
    }
    let chunk = |rest: Value| merged(frame("chat.completion.chunk"), rest);
    let delta = |delta: Value, reason: Value| chunk(json!({ "choices": [{ "index": 0, "delta": delta, "finish_reason": reason }] }));
    let chunks = [
        delta(json!({ "role": "assistant", "content": "" }), Value::Null),
        delta(message, Value::Null),
        delta(json!({}), json!(reason)),
        chunk(json!({ "choices": [], "usage": usage })),
    ];
    let lines: String = chunks.iter().map(|chunk| format!("data: {chunk}\n\n")).collect();
    streamed(&format!("{lines}data: [DONE]\n\n"))
}

fn responses(body: &Value, turn: &Turn) -> String {
    let turns = turns_so_far(body);
    let item = match turn {
        Turn::Status(status) => return whole(*status, &json!({ "error": { "message": "as the script says" } })),
        Turn::Text(text) => {
            let content = json!([{ "type": "output_text", "text": text, "annotations": [] }]);
            json!({ "type": "message", "id": format!("msg_{turns}"), "role": "assistant", "status": "completed", "content": content })
        }
        Turn::Tools(calls) => {
            let (name, arguments) = calls.first().unwrap();
            let ids = json!({ "id": format!("fc_{turns}"), "call_id": format!("call_{turns}"), "status": "completed" });
            merged(ids, json!({ "type": "function_call", "name": name, "arguments": arguments.to_string() }))
        }
    };
    let usage = json!({
        "input_tokens": 1000, "output_tokens": 50, "total_tokens": 1050,
        "input_tokens_details": { "cached_tokens": 0 }, "output_tokens_details": { "reasoning_tokens": 0 },
    });
    let response = json!({ "id": "resp_1", "object": "response", "created_at": 0, "model": body["model"] });
    let complete = merged(response.clone(), json!({ "status": "completed", "output": [item], "usage": usage }));
    if body["stream"] != true {
        return whole(200, &complete);
    }
    let mut events =
        vec![json!({ "type": "response.created", "response": merged(response, json!({ "status": "in_progress", "output": [] })) })];
    events.extend(item_events(&item));
    events.push(json!({ "type": "response.completed", "response": complete }));
    let line = |(number, event): (usize, Value)| {
        let event = merged(event, json!({ "sequence_number": number }));
        format!("event: {}\ndata: {event}\n\n", event["type"].as_str().unwrap())
    };
    streamed(&events.into_iter().enumerate().map(line).collect::<String>())
}

fn item_events(item: &Value) -> Vec<Value> {
    let place = json!({ "output_index": 0, "item_id": item["id"] });
    let event = |kind: &str, rest: Value| merged(merged(place.clone(), json!({ "type": kind })), rest);
    let mut begun = item.clone();
    begun["status"] = json!("in_progress");
    let done = event("response.output_item.done", json!({ "item": item }));
    if item["type"] == "function_call" {
        begun["arguments"] = json!("");
        return vec![
            event("response.output_item.added", json!({ "item": begun })),
            event("response.function_call_arguments.delta", json!({ "delta": item["arguments"] })),
            event("response.function_call_arguments.done", json!({ "arguments": item["arguments"] })),
            done,
        ];
    }
    begun["content"] = json!([]);
    let part = &item["content"][0];
    let empty = json!({ "type": "output_text", "text": "", "annotations": [] });
    vec![
        event("response.output_item.added", json!({ "item": begun })),
        event("response.content_part.added", json!({ "content_index": 0, "part": empty })),
        event("response.output_text.delta", json!({ "content_index": 0, "delta": part["text"] })),
        event("response.output_text.done", json!({ "content_index": 0, "text": part["text"] })),
        event("response.content_part.done", json!({ "content_index": 0, "part": part })),
        done,
    ]
}

fn read_request(stream: &TcpStream) -> Option<Value> {
    let mut reader = BufReader::new(stream);
    let first = read_line(&mut reader)?;
    let mut words = first.split(' ');
    let (method, path) = (words.next()?, words.next()?);
    let mut headers = Map::new();
    loop {
        let line = read_line(&mut reader)?;
        let Some((name, value)) = line.split_once(':') else { break };
        headers.insert(name.to_ascii_lowercase(), json!(value.trim()));
    }
    let is_chunked = headers.get("transfer-encoding").is_some_and(|encoding| encoding == "chunked");
    let body = if is_chunked {
        read_chunks(&mut reader)?
    } else {
        let length = headers.get("content-length").and_then(Value::as_str).map_or(Some(0), |length| length.parse().ok())?;
        read_bytes(&mut reader, length)?
    };
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    Some(json!({ "method": method, "path": path, "headers": headers, "body": body }))
}

fn read_line(reader: &mut impl BufRead) -> Option<String> {
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|bytes| *bytes > 0)?;
    Some(line.trim_end().to_owned())
}

fn read_chunks(reader: &mut impl BufRead) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let length = usize::from_str_radix(&read_line(reader)?, 16).ok()?;
        body.extend(read_bytes(reader, length)?);
        read_line(reader)?;
        if length == 0 {
            return Some(body);
        }
    }
}

fn read_bytes(reader: &mut impl Read, length: usize) -> Option<Vec<u8>> {
    let mut bytes = vec![0; length];
    reader.read_exact(&mut bytes).ok()?;
    Some(bytes)
}

fn whole(status: u16, body: &Value) -> String {
    let body = body.to_string();
    let head = format!("HTTP/1.1 {status} Scripted\r\ncontent-type: application/json\r\nconnection: close");
    format!("{head}\r\ncontent-length: {}\r\n\r\n{body}", body.len())
}

fn streamed(body: &str) -> String {
    format!("HTTP/1.1 200 Scripted\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n{body}")
}

fn merged(mut object: Value, more: Value) -> Value {
    if let (Some(object), Value::Object(more)) = (object.as_object_mut(), more) {
        object.extend(more);
    }
    object
}
