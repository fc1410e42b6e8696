//! What the Copilot CLI may do when it asks: read and write files of the work copy, but for git's and the forge's.
//!
//! Everything else is refused, also what this healnode has never heard of. No shell, no URL, no tool of others, no way out of a sandbox.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::agents::place::{Place, is_link};

/// The rules for one work copy.
pub(super) struct Policy {
    work: PathBuf,
}

/// The answer to one question.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Decision {
    /// Once.
    Approved,
    /// With the kind of thing that was asked for.
    Refused(&'static str),
}

impl Policy {
    /// For a work copy by its real path.
    pub(super) fn new(work: &Path) -> Self {
        Self { work: work.to_owned() }
    }

    /// Decides about one request of the CLI.
    pub(super) fn decide(&self, request: &Value) -> Decision {
        decide(request, &self.work, is_link)
    }
}

fn decide(request: &Value, work: &Path, is_link: impl Fn(&Path) -> bool) -> Decision {
    let place = |path: &str| Place::find(work, Path::new(path), &is_link);
    let is_allowed = match request["kind"].as_str() {
        Some("read") => every_path(request, "path", |path| place(path).is_some()),
        Some("write") => every_path(request, "fileName", |path| place(path).is_some_and(|place| place.is_writable())),
        _ => false,
    };
    let leaves_sandbox = request.get("requestSandboxBypass").is_some_and(|bypass| *bypass != Value::Bool(false));
    if is_allowed && !leaves_sandbox { Decision::Approved } else { Decision::Refused(kind(request)) }
}

/// Whether all paths of a request pass: the one that must be there, the one that it was resolved to, and those of its parts.
fn every_path(request: &Value, name: &str, passes: impl Fn(&str) -> bool) -> bool {
    let passes_if_there = |value: Option<&Value>| value.is_none_or(|path| path.as_str().is_some_and(&passes));
    let parts = match request.get("fileEdits") {
        None => &[],
        Some(Value::Array(parts)) => parts.as_slice(),
        Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_)) => return false,
    };
    request[name].as_str().is_some_and(&passes)
        && passes_if_there(request.get("resolvedPath"))
        && parts.iter().all(|part| passes_if_there(part.pointer("/before/path")) && passes_if_there(part.pointer("/after/path")))
}

/// The kind of a request, in words for a reviewer.
fn kind(request: &Value) -> &'static str {
    match request["kind"].as_str() {
        Some("read") => "reading elsewhere",
        Some("write") => "writing elsewhere",
        Some("shell") => "running a command",
        Some("url") => "opening an address",
        Some("mcp" | "custom-tool") => "another tool",
        Some("memory") => "remembering something",
        _ => "something else",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(request: Value, expected: Decision) {
        let decision = decide(&request, Path::new("/w/copy"), |path| path == Path::new("/w/copy/link"));
        assert_eq!(decision, expected, "{request}");
    }

    #[test]
    fn files_of_the_work_copy_may_be_read_and_written() {
        let read = |path: &str| json!({ "kind": "read", "intention": "x", "path": path });
        let write = |path: &str| json!({ "kind": "write", "fileName": path, "diff": "" });
        for path in ["/w/copy", "/w/copy/a.py", "/w/copy/.git/config", "src/a.py"] {
            check(read(path), Decision::Approved);
        }
        for path in ["/etc/passwd", "/", "/w", "/w/copy/../x", "/w/copy2/a", "/w/copy/link/x", "../x", "/proc/self/environ"] {
            check(read(path), Decision::Refused("reading elsewhere"));
            check(write(path), Decision::Refused("writing elsewhere"));
        }
        for path in ["/w/copy/a.py", "/w/copy/src/new.py", "a.py", "/w/copy/.gitignore"] {
            check(write(path), Decision::Approved);
        }
        for path in ["/w/copy", "/w/copy/.git/hooks/pre-commit", "/w/copy/sub/.git/config", "/w/copy/.GitHub/x.yml", "/w/copy/link"] {
            check(write(path), Decision::Refused("writing elsewhere"));
        }
    }

    #[test]
    fn every_path_of_a_request_has_to_pass() {
        let write = |more: Value| {
            let mut request = json!({ "kind": "write", "fileName": "/w/copy/a.py" });
            request.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            request
        };
        check(write(json!({ "resolvedPath": "/w/copy/a.py" })), Decision::Approved);
        check(
            write(json!({ "fileEdits": [{ "before": { "path": "/w/copy/a.py" }, "after": { "path": "/w/copy/b.py" } }] })),
            Decision::Approved,
        );
        for more in [
            json!({ "resolvedPath": "/etc/passwd" }),
            json!({ "resolvedPath": 1 }),
            json!({ "fileEdits": [{ "after": { "path": "/w/copy/.git/config" } }] }),
            json!({ "fileEdits": [{ "before": { "path": "/etc/passwd" } }] }),
            json!({ "fileEdits": { "after": {} } }),
            json!({ "requestSandboxBypass": true }),
            json!({ "requestSandboxBypass": "yes" }),
            json!({ "fileName": null }),
        ] {
            check(write(more), Decision::Refused("writing elsewhere"));
        }
    }

    #[test]
    fn everything_else_is_refused() {
        for (kind, words) in [
            ("shell", "running a command"),
            ("url", "opening an address"),
            ("mcp", "another tool"),
            ("custom-tool", "another tool"),
            ("memory", "remembering something"),
            ("hook", "something else"),
            ("workflow", "something else"),
            ("extension-management", "something else"),
            ("tomorrow", "something else"),
            ("Read", "something else"),
        ] {
            check(json!({ "kind": kind, "path": "/w/copy/a.py", "fileName": "/w/copy/a.py" }), Decision::Refused(words));
        }
        for request in [json!(null), json!({}), json!([]), json!({ "kind": 1 })] {
            check(request, Decision::Refused("something else"));
        }
        check(json!({ "kind": "read" }), Decision::Refused("reading elsewhere"));
    }
}
