//! Requests that real SDKs sent, and what each must yield: the right report, or the right silence.
#![allow(clippy::unwrap_used, reason = "a test ends at what it did not expect")]

mod support;

use healnode_capture::sentry::{Delivery, receive};
use healnode_report::{RawError, Report, in_app_frames};

use support::{Capture, NOW};

/// An error that a capture must yield.
struct Expected {
    name: &'static str,
    error_type: &'static str,
    message: &'static str,
    /// `Type: message` of its causes, nearest first.
    causes: &'static [&'static str],
    /// The frames that take part in the fingerprint.
    frames: &'static [&'static str],
    /// A line of the stack for the place that is to blame, or none for an error without a stack.
    blamed: Option<&'static str>,
}

const CHAIN_7: &[&str] =
    &["ConfigError: worker 7 has no config", "FileNotFoundError: [Errno 2] No such file or directory: '/nonexistent/worker-7.json'"];
const CHAIN_8: &[&str] =
    &["ConfigError: worker 8 has no config", "FileNotFoundError: [Errno 2] No such file or directory: '/nonexistent/worker-8.json'"];
const NODE_CHAIN: &[&str] = &["ConfigError: worker 7 has no config", "SyntaxError: Expected property name or '}' in JSON at position 1"];
const PYTHON_FRAMES: &[&str] = &[
    "py_send.py:load",
    "py_send.py:start",
    "py_send.py:<module>",
    "caused by FileNotFoundError: [Errno 2] No such file or directory: '/nonexistent/worker<*>.json'",
];
const NODE_FRAMES: &[&str] =
    &["send.js:load", "send.js:start", "send.js:", "caused by SyntaxError: Expected property name or '}' in JSON at position <*>"];
const RUBY_FRAMES: &[&str] = &[
    "send.rb:load_cfg",
    "send.rb:start",
    "send.rb:<main>",
    "caused by Errno::ENOENT: No such file or directory @ rb_sysopen - /nonexistent",
];
const STARTUP: &str = "startup failed for worker 7";
const PYTHON_START: Option<&str> = Some("py_send.py\", line 14, in start");

const ERRORS: &[Expected] = &[
    Expected {
        name: "py-deep-recursion-529KB-br",
        error_type: "ValueError",
        message: "deep qqqqqqqqqq",
        causes: &[],
        frames: &["py_send.py:rec", "py_send.py:<module>"],
        blamed: Some("py_send.py\", line 55, in rec"),
    },
    Expected { name: "py-event-attachment-br", error_type: "Error", message: "with attachment", causes: &[], frames: &[], blamed: None },
    Expected {
        name: "py-exception-chained-br",
        error_type: "RuntimeError",
        message: STARTUP,
        causes: CHAIN_7,
        frames: PYTHON_FRAMES,
        blamed: PYTHON_START,
    },
    Expected {
        name: "py-exception-chained-gzip",
        error_type: "RuntimeError",
        message: STARTUP,
        causes: CHAIN_7,
        frames: PYTHON_FRAMES,
        blamed: PYTHON_START,
    },
    Expected {
        name: "py-exception-chained-identity",
        error_type: "RuntimeError",
        message: STARTUP,
        causes: CHAIN_7,
        frames: PYTHON_FRAMES,
        blamed: PYTHON_START,
    },
    Expected {
        name: "py-exceptiongroup-br",
        error_type: "ExceptionGroup",
        message: "many",
        causes: &["ValueError: invalid literal for int() with base 10: 'x'", "ZeroDivisionError: division by zero"],
        frames: &["py_send.py:<module>", "caused by ValueError: invalid literal for int() with base 10: '<*>'"],
        blamed: Some("py_send.py\", line 29, in <module>"),
    },
    Expected {
        name: "py-logging-error-br",
        error_type: "Error",
        message: "job 42 failed after 3 tries",
        causes: &[],
        frames: &[],
        blamed: None,
    },
    Expected {
        name: "py-unhandled-br",
        error_type: "RuntimeError",
        message: "startup failed for worker 8",
        causes: CHAIN_8,
        frames: PYTHON_FRAMES,
        blamed: PYTHON_START,
    },
    Expected {
        name: "node-105KB-gzip-chunked",
        error_type: "Error",
        message: "big one",
        causes: &[],
        frames: &["big.js:"],
        blamed: Some("big.mjs:3:132"),
    },
    Expected {
        name: "node-exception-cause-chunked",
        error_type: "Error",
        message: STARTUP,
        causes: NODE_CHAIN,
        frames: NODE_FRAMES,
        blamed: Some("at start (/srv/deploy/demo-app/node-sdk/send.mjs:7:"),
    },
    Expected {
        name: "node-tunnel-dsn-in-header-chunked",
        error_type: "Error",
        message: STARTUP,
        causes: NODE_CHAIN,
        frames: NODE_FRAMES,
        blamed: Some("at start (/srv/deploy/demo-app/node-sdk/send.mjs:7:"),
    },
    Expected {
        name: "ruby53-exception-emptyencoding",
        error_type: "RuntimeError",
        message: STARTUP,
        causes: &["No such file or directory @ rb_sysopen - /nonexistent (Errno::ENOENT)"],
        frames: RUBY_FRAMES,
        blamed: Some("send.rb:5:in `rescue in start'"),
    },
    Expected {
        name: "ruby66-exception-cause-emptyencoding",
        error_type: "RuntimeError",
        message: STARTUP,
        causes: &["No such file or directory @ rb_sysopen - /nonexistent (Errno::ENOENT)"],
        frames: RUBY_FRAMES,
        blamed: Some("send.rb:5:in `rescue in start'"),
    },
    Expected {
        name: "ruby66-message-emptyencoding",
        error_type: "Error",
        message: "disk almost full: 97%",
        causes: &[],
        frames: &[],
        blamed: None,
    },
    Expected {
        name: "rust-anyhow-chain",
        error_type: "Error",
        message: STARTUP_OF_RUST,
        causes: &["0: failed to read config", "1: No such file or directory (os error 2)"],
        frames: &["rust_sdk::inner", "rust_sdk::outer", "rust_sdk::main", "caused by No such file or directory (os error 2)"],
        blamed: Some("src/main.rs:2:97"),
    },
    Expected { name: "rust-event-attachment", error_type: "Error", message: "with attachment", causes: &[], frames: &[], blamed: None },
    Expected {
        name: "rust-panic",
        error_type: "panic",
        message: "index out of bounds: the len is 0 but the index is 2",
        causes: &[],
        frames: &["rust_sdk::main"],
        blamed: Some("src/main.rs:14"),
    },
];

const STARTUP_OF_RUST: &str = "failed to start worker 7";

/// Captures with events below the level of an error.
const MESSAGES: &[&str] = &["node-message-chunked", "py-message-br", "rust-message"];

fn delivery(name: &str) -> Delivery {
    let capture = Capture::load(name);
    receive(&capture.request(), NOW).unwrap()
}

#[test]
fn every_error_is_reported_as_it_was() {
    for expected in ERRORS {
        let delivery = delivery(expected.name);
        let [raw] = delivery.errors.as_slice() else {
            panic!("{}: {delivery:?}", expected.name);
        };
        check(expected, raw);
        assert_eq!(raw.event_id, delivery.event_id, "{}", expected.name);
        assert_eq!(delivery.event_id.as_ref().map(String::len), Some(32), "{}", expected.name);
        assert_eq!(delivery.messages, 0, "{}", expected.name);
    }
}

fn check(expected: &Expected, raw: &RawError) {
    let name = expected.name;
    assert_eq!((raw.error_type.as_str(), raw.message.as_str()), (expected.error_type, expected.message), "{name}");
    let stack = raw.stack.as_deref().unwrap_or_default();
    assert_eq!(in_app_frames(stack), expected.frames, "{name}\n{stack}");
    let mut places: Vec<usize> = Vec::new();
    for cause in expected.causes {
        places.push(stack.find(cause).unwrap_or_else(|| panic!("{name}: no {cause} in\n{stack}")));
    }
    let is_causes_first = name.starts_with("py-exception-chained") || name.starts_with("py-unhandled");
    assert!(places.is_sorted_by(|one, other| if is_causes_first { one > other } else { one < other }), "{name}\n{stack}");
    match expected.blamed {
        Some(blamed) => assert!(stack.contains(blamed), "{name}: no {blamed} in\n{stack}"),
        None => assert_eq!(raw.stack, None, "{name}"),
    }
}

#[test]
fn every_other_capture_is_silent() {
    let names = Capture::names();
    assert_eq!(names.len(), 30);
    for name in names.iter().filter(|name| ERRORS.iter().all(|expected| expected.name != name.as_str())) {
        let delivery = delivery(name);
        assert_eq!(delivery.errors.len(), 0, "{name}");
        let is_message = MESSAGES.contains(&name.as_str());
        assert_eq!(delivery.messages, u64::from(is_message), "{name}");
        assert_eq!(delivery.discarded.is_empty(), is_message, "{name}: {delivery:?}");
        assert!(!delivery.discarded.contains_key("other"), "{name}: {delivery:?}");
    }
}

#[test]
fn everybody_who_sends_a_key_is_known_by_it() {
    for name in Capture::names() {
        let delivery = delivery(&name);
        assert_eq!(delivery.auth.key.as_deref(), Some("0123456789abcdef0123456789abcdef"), "{name}");
        assert!(delivery.auth.client.is_some_and(|client| client.starts_with("sentry")), "{name}");
    }
}

#[test]
fn what_is_around_an_error_comes_along() {
    let raw = delivery("py-exception-chained-br").errors.remove(0);
    assert_eq!((raw.app.as_deref(), raw.release.as_deref()), (Some("billing"), Some("1.4.2+9f3c2ab")));
    assert_eq!(raw.environment.as_deref(), Some("staging"));
    let system = raw.system.unwrap();
    assert_eq!((system.host.as_str(), system.runtime.as_str()), ("vm", "CPython 3.11.7"));
    assert_eq!(raw.command[..2], ["scripts/py_send.py", "chained"]);
    assert_eq!(raw.tags.get("sdk").map(String::as_str), Some("sentry.python.flask 2.75.0"));

    let raw = delivery("rust-panic").errors.remove(0);
    let system = raw.system.unwrap();
    assert_eq!((system.os.as_str(), system.arch.as_str()), ("Linux 6.18.44-fc-v657", "x86_64"));
    assert_eq!(system.runtime, "rustc 1.95.0");
    assert_eq!(raw.severity, Some(healnode_report::Severity::High));

    let report = delivery("py-client-report-br");
    assert_eq!(report.choices.into_iter().collect::<Vec<_>>(), [("before_send", 3)]);
}

#[test]
fn an_app_may_be_named_by_the_address() {
    let mut capture = Capture::load("py-exception-chained-br");
    capture.uri = "/billing-api/api/1/envelope/".to_owned();
    let raw = receive(&capture.request(), NOW).unwrap().errors.remove(0);
    assert_eq!((raw.app.as_deref(), raw.release.as_deref()), (Some("billing-api"), Some("billing@1.4.2+9f3c2ab")));
}

#[test]
fn source_lines_around_a_frame_and_variables_never_come_in() {
    for name in ["py-exception-chained-identity", "py-unhandled-br"] {
        let raw = delivery(name).errors.remove(0);
        let stack = raw.stack.unwrap();
        for planted in ["ghp_FAKE", "jane@example.org", "secret_token"] {
            assert!(!stack.contains(planted), "{name}\n{stack}");
        }
    }
}

#[test]
fn one_error_is_one_fingerprint_however_it_is_encoded() {
    let fingerprint = |name: &str| Report::new(delivery(name).errors.remove(0), NOW).fingerprint();
    let of_brotli = fingerprint("py-exception-chained-br");
    assert_eq!(of_brotli, fingerprint("py-exception-chained-gzip"));
    assert_eq!(of_brotli, fingerprint("py-exception-chained-identity"));
    assert_eq!(fingerprint("node-exception-cause-chunked"), fingerprint("node-tunnel-dsn-in-header-chunked"));
    assert_eq!(fingerprint("ruby53-exception-emptyencoding"), fingerprint("ruby66-exception-cause-emptyencoding"));
}
