//! JSON-RPC 2.0, as far as a server of the Model Context Protocol needs it: one message a line, and no batches.

use serde_json::{Value, json};

/// A request that wants an answer.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Request {
    /// A text or a whole number, given back with the answer.
    pub(super) id: Value,
    pub(super) method: String,
    /// Null when there are none.
    pub(super) params: Value,
}

/// Why a message cannot be answered as it wishes. What it said is not repeated.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Fault {
    /// It is no JSON.
    NotJson,
    /// It is longer than a line may be.
    TooLong,
    /// It is no request of JSON-RPC 2.0.
    NotRequest,
    /// There is no such method.
    UnknownMethod,
    /// What it says is not what the method takes.
    BadParams(&'static str),
}

impl Fault {
    fn code(self) -> i32 {
        match self {
            Fault::NotJson => -32_700,
            Fault::TooLong | Fault::NotRequest => -32_600,
            Fault::UnknownMethod => -32_601,
            Fault::BadParams(_) => -32_602,
        }
    }

    fn sentence(self) -> &'static str {
        match self {
            Fault::NotJson => "the line is no JSON",
            Fault::TooLong => "the line is longer than 1048576 bytes",
            Fault::NotRequest => "the line is no request of JSON-RPC 2.0",
            Fault::UnknownMethod => "this server has no such method",
            Fault::BadParams(sentence) => sentence,
        }
    }
}

/// Reads one line. Nothing for what wants no answer: an empty line, a notification, an answer to a question that was never asked.
pub(super) fn read(line: &[u8]) -> Result<Option<Request>, Fault> {
    if line.trim_ascii().is_empty() {
        return Ok(None);
    }
    let message: Value = serde_json::from_slice(line).map_err(|_| Fault::NotJson)?;
    let fields = message.as_object().filter(|fields| fields.get("jsonrpc").is_some_and(|version| version == "2.0"));
    let fields = fields.ok_or(Fault::NotRequest)?;
    let Some(method) = fields.get("method") else {
        let is_answer = fields.contains_key("result") || fields.contains_key("error");
        return if is_answer { Ok(None) } else { Err(Fault::NotRequest) };
    };
    let method = method.as_str().ok_or(Fault::NotRequest)?.to_owned();
    let Some(id) = fields.get("id") else { return Ok(None) };
    if !(id.is_string() || id.is_i64() || id.is_u64()) {
        return Err(Fault::NotRequest);
    }
    Ok(Some(Request { id: id.clone(), method, params: fields.get("params").cloned().unwrap_or_default() }))
}

/// Returns the message that answers a request.
pub(super) fn success(id: &Value, result: &Value) -> Value {
    json!({ "jsonrpc": "2.0", "id": id, "result": result })
}

/// Returns the message that says why a request is not answered.
pub(super) fn failure(id: &Value, fault: Fault) -> Value {
    json!({ "jsonrpc": "2.0", "id": id, "error": { "code": fault.code(), "message": fault.sentence() } })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_read_and_what_wants_no_answer_is_passed_over() {
        let request = read(br#"{"jsonrpc":"2.0","id":7,"method":"ping"}"#).unwrap().unwrap();
        assert_eq!(request, Request { id: json!(7), method: "ping".to_owned(), params: Value::Null });
        for line in [
            "",
            "  ",
            r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#,
            r#"{"jsonrpc":"2.0","id":1,"result":{}}"#,
            r#"{"jsonrpc":"2.0","id":1,"error":{"code":1,"message":"no"}}"#,
        ] {
            assert_eq!(read(line.as_bytes()), Ok(None), "{line}");
        }
    }

    #[test]
    fn what_is_no_request_is_a_fault() {
        for (line, fault) in [
            ("{", Fault::NotJson),
            ("\u{0}", Fault::NotJson),
            ("[]", Fault::NotRequest),
            ("7", Fault::NotRequest),
            (r#"{"id":1,"method":"ping"}"#, Fault::NotRequest),
            (r#"{"jsonrpc":"1.0","id":1,"method":"ping"}"#, Fault::NotRequest),
            (r#"{"jsonrpc":"2.0","id":1}"#, Fault::NotRequest),
            (r#"{"jsonrpc":"2.0","id":1,"method":2}"#, Fault::NotRequest),
            (r#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#, Fault::NotRequest),
            (r#"{"jsonrpc":"2.0","id":1.5,"method":"ping"}"#, Fault::NotRequest),
            (r#"[{"jsonrpc":"2.0","id":1,"method":"ping"}]"#, Fault::NotRequest),
        ] {
            assert_eq!(read(line.as_bytes()), Err(fault), "{line}");
        }
        assert_eq!(read(&[b'['; 100_000]), Err(Fault::NotJson));
    }
}
