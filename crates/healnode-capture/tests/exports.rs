//! Exports of OpenTelemetry: recorded ones, the same in JSON, and bad ones.

#![allow(clippy::unwrap_used, reason = "a test ends at what it did not expect")]

mod support;

use std::collections::BTreeSet;
use std::fs;
use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use healnode_capture::limits::{DECODED_BYTES_MAX, EXPORTED_ERRORS_MAX};
use healnode_capture::otlp::{Export, Format, ReceiveError, Request, Signal, receive};
use healnode_report::{Report, Severity, UnixMillis, in_app_frames};
use proptest::prelude::*;

use support::{NOW, data};

const TRACE: &str = "Traceback (most recent call last):\\n  File \\\"/srv/a.py\\\", line 3, in f\\nValueError: bad";

fn recorded(name: &str) -> Vec<u8> {
    fs::read(data().join("otlp").join(name)).unwrap()
}

fn logs() -> Export {
    let body = recorded("logs.bin");
    let request =
        Request { signal: Signal::Logs, content_type: Some("application/x-protobuf"), content_encoding: Some("gzip"), body: &body };
    receive(&request).unwrap()
}

fn traces() -> Export {
    let body = recorded("traces.bin");
    receive(&Request { signal: Signal::Traces, content_type: None, content_encoding: None, body: &body }).unwrap()
}

fn json(signal: Signal, body: &str) -> Result<Export, ReceiveError> {
    receive(&Request { signal, content_type: Some("application/json"), content_encoding: None, body: body.as_bytes() })
}

#[test]
fn a_recorded_exception_is_one_error_however_often_it_is_exported() {
    let (logs, traces) = (logs(), traces());
    let [of_log, outside] = logs.errors.as_slice() else {
        panic!("{logs:?}");
    };
    let [of_span] = traces.errors.as_slice() else {
        panic!("{traces:?}");
    };
    assert_eq!((of_log.error_type.as_str(), of_log.message.as_str()), ("ConfigError", "worker 7 has no config"));
    assert_eq!((of_span.error_type.as_str(), of_span.message.as_str()), ("ConfigError", "worker 7 has no config"));
    assert_eq!(of_log.event_id, of_span.event_id);
    assert_eq!(of_log.event_id.as_ref().map(String::len), Some(32));
    assert_eq!((outside.error_type.as_str(), outside.event_id.as_deref()), ("ValueError", None));
    let cause = "caused by FileNotFoundError: [Errno 2] No such file or directory: '/nonexistent/worker<*>.json'";
    assert_eq!(in_app_frames(of_span.stack.as_deref().unwrap()), ["otel.py:load", "otel.py:start", "otel.py:<module>", cause]);
    let fingerprint = |raw: &healnode_report::RawError| Report::new(raw.clone(), NOW).fingerprint();
    assert_eq!(fingerprint(of_log), fingerprint(of_span));
    assert_eq!(logs.discarded.into_iter().collect::<Vec<_>>(), [("error_log", 1), ("log", 1)]);
    assert_eq!(traces.discarded.into_iter().collect::<Vec<_>>(), [("span", 1)]);
}

#[test]
fn a_resource_names_app_release_and_place() {
    for export in [logs(), traces()] {
        assert_eq!(export.format, Format::Protobuf);
        let raw = &export.errors[0];
        assert_eq!((raw.app.as_deref(), raw.release.as_deref()), (Some("billing"), Some("1.4.2")));
        assert_eq!(raw.environment.as_deref(), Some("staging"));
        assert_eq!(raw.system.as_ref().unwrap().host, "vm");
        assert_eq!(raw.tags.get("service.instance.id").map(String::as_str), Some("worker-7"));
        assert_eq!(raw.tags.get("telemetry.sdk.language").map(String::as_str), Some("python"));
        assert!(raw.at.unwrap() > UnixMillis(1_700_000_000_000));
    }
}

#[test]
fn json_is_read_like_protobuf() {
    let resource = r#"{"attributes":[{"key":"service.name","value":{"stringValue":"billing"}},{"key":"process.command_args","value":
        {"arrayValue":{"values":[{"stringValue":"node"},{"stringValue":"a.js"}]}}},{"key":"service.version","value":{"intValue":"7"}}]}"#;
    let exception = format!(
        r#"[{{"key":"exception.type","value":{{"stringValue":"ValueError"}}}},{{"key":"exception.message","value":{{"stringValue":"bad"}}}},
        {{"key":"exception.stacktrace","value":{{"stringValue":"{TRACE}"}}}},{{"key":"n","value":{{"kvlistValue":{{"values":[[[[]]]]}}}}}}]"#
    );
    let ids = r#""traceId":"5B8EFFF798038103D269B633813FC60C","spanId":"EEE19B7EC3C1B174""#;
    // The resource stands behind its records, which is legal.
    let logs = format!(
        r#"{{"resourceLogs":[{{"scopeLogs":[{{"logRecords":[{{"timeUnixNano":"1795612232000000000","severityNumber":21,"attributes":{exception},
        {ids}}},{{"severityNumber":9,"body":{{"stringValue":"x"}}}}]}}],"resource":{resource}}}]}}"#
    );
    let traces = format!(
        r#"{{"resourceSpans":[{{"resource":{resource},"scopeSpans":[{{"spans":[{{"events":[{{"name":"exception","timeUnixNano":1795612232000000000,
        "attributes":{exception}}},{{"name":"other","attributes":{exception}}}],{ids}}}]}}]}}]}}"#
    );
    let (logs, traces) = (json(Signal::Logs, &logs).unwrap(), json(Signal::Traces, &traces).unwrap());
    assert_eq!((logs.errors.len(), traces.errors.len()), (1, 1));
    for raw in [&logs.errors[0], &traces.errors[0]] {
        assert_eq!((raw.error_type.as_str(), raw.message.as_str()), ("ValueError", "bad"));
        assert_eq!((raw.app.as_deref(), raw.release.as_deref()), (Some("billing"), Some("7")));
        assert_eq!(raw.command, ["node", "a.js"]);
        assert_eq!(raw.at, Some(NOW));
        assert_eq!(raw.event_id, logs.errors[0].event_id);
    }
    assert_eq!((logs.errors[0].severity, traces.errors[0].severity), (Some(Severity::High), None));
    assert_eq!(logs.discarded["log"], 1);
    assert_eq!((logs.format.response(), logs.format.content_type()), (b"{}".as_slice(), "application/json"));
}

#[test]
fn a_record_at_level_error_counts_only_with_a_trace() {
    let log = |severity: u32, body: &str| {
        let body = format!(
            r#"{{"resourceLogs":[{{"scopeLogs":[{{"logRecords":[{{"severityNumber":{severity},"body":{{"stringValue":"{body}"}}}}]}}]}}]}}"#
        );
        json(Signal::Logs, &body).unwrap()
    };
    let traced = log(17, &format!("job failed\\n{TRACE}"));
    assert_eq!((traced.errors[0].error_type.as_str(), traced.errors[0].message.as_str()), ("ValueError", "bad"));
    assert!(traced.errors[0].stack.as_deref().unwrap().starts_with("Traceback"));
    assert_eq!(log(17, "disk almost full").discarded["error_log"], 1);
    assert_eq!(log(9, TRACE).discarded["log"], 1);
}

#[test]
fn half_an_exception_is_completed_from_its_trace() {
    let event = |attributes: &str| {
        let body = format!(
            r#"{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{{"events":[{{"name":"exception","attributes":[{attributes}]}}]}}]}}]}}]}}"#
        );
        let export = json(Signal::Traces, &body).unwrap();
        export.errors.first().map(|raw| (raw.error_type.clone(), raw.message.clone()))
    };
    let pair = |name: &str, text: &str| format!(r#"{{"key":"exception.{name}","value":{{"stringValue":"{text}"}}}}"#);
    let named = |kind: &str, message: &str| Some((kind.to_owned(), message.to_owned()));
    assert_eq!(event(&pair("stacktrace", TRACE)), named("ValueError", "bad"));
    assert_eq!(event(&pair("message", "m")), named("Error", "m"));
    assert_eq!(event(&pair("type", "__main__.ConfigError")), named("ConfigError", ""));
    assert_eq!(event(&pair("type", " ")), None);
    let three = |kind: &str, message: &str, stack: &str| {
        event(&[pair("type", kind), pair("message", message), pair("stacktrace", stack)].join(","))
    };
    assert_eq!(three("app.ValueError", "ba", TRACE), named("ValueError", "bad"), "the trace says what is printed elsewhere");
    assert_eq!(three("KeyError", "ba", TRACE), named("KeyError", "ba"), "the trace is of another error");
    assert_eq!(three("ValueError", "bad", "elsewhere"), named("ValueError", "bad"));
    assert_eq!(event(&pair("other", "x")), None);
}

#[test]
fn errors_beyond_the_bound_and_twice_the_same_are_counted() {
    let attributes = |n: usize| format!(r#"[{{"key":"exception.type","value":{{"stringValue":"E{n}"}}}}]"#);
    let records: Vec<String> = (0..EXPORTED_ERRORS_MAX + 5).map(|n| format!(r#"{{"attributes":{}}}"#, attributes(n))).collect();
    let export =
        json(Signal::Logs, &format!(r#"{{"resourceLogs":[{{"scopeLogs":[{{"logRecords":[{}]}}]}}]}}"#, records.join(","))).unwrap();
    assert_eq!((export.errors.len(), export.discarded["beyond"]), (EXPORTED_ERRORS_MAX, 5));
    let twice = format!(r#"{{"traceId":"0a","attributes":{}}}"#, attributes(1));
    let export = json(Signal::Logs, &format!(r#"{{"resourceLogs":[{{"scopeLogs":[{{"logRecords":[{twice},{twice}]}}]}}]}}"#)).unwrap();
    assert_eq!((export.errors.len(), export.discarded["duplicate"]), (1, 1));
}

#[test]
fn an_export_may_break_off_at_every_byte() {
    for (signal, body) in [(Signal::Traces, recorded("traces.bin")), (Signal::Logs, recorded("logs.bin"))] {
        let encoding = (signal == Signal::Logs).then_some("gzip");
        let whole = receive(&Request { signal, content_type: None, content_encoding: encoding, body: &body }).unwrap().errors.len();
        for end in 0..body.len() {
            if let Ok(export) = receive(&Request { signal, content_type: None, content_encoding: encoding, body: &body[..end] }) {
                assert!(export.errors.len() <= whole, "{end}");
            }
        }
    }
}

#[test]
fn what_stands_before_the_cut_of_a_bomb_is_kept() {
    let message = |number: u8, bytes: &[u8]| {
        let mut out = vec![number << 3 | 2];
        let mut length = bytes.len();
        while length >= 0x80 {
            out.push((length & 0x7f) as u8 | 0x80);
            length >>= 7;
        }
        out.push(length as u8);
        out.extend_from_slice(bytes);
        out
    };
    let attribute = message(6, &[message(1, b"exception.type"), message(2, &message(1, b"E"))].concat());
    let filler = message(2, &message(5, &message(1, &vec![b'x'; 4 * DECODED_BYTES_MAX])));
    let body = message(1, &message(2, &[message(2, &attribute), filler].concat()));
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(&body).unwrap();
    let body = encoder.finish().unwrap();
    let request = Request { signal: Signal::Logs, content_type: None, content_encoding: Some("gzip"), body: &body };
    let export = receive(&request).unwrap();
    assert_eq!((export.errors.len(), export.is_cut), (1, true));
}

#[test]
fn garbage_is_refused() {
    for body in ["nonsense", "[]", "{", "\u{ff}", "{\"resourceLogs\":"] {
        assert_eq!(json(Signal::Logs, body), Err(ReceiveError::Unreadable), "{body}");
        let request =
            Request { signal: Signal::Logs, content_type: Some("application/x-protobuf"), content_encoding: None, body: body.as_bytes() };
        assert_eq!(receive(&request), Err(ReceiveError::Unreadable), "{body}");
    }
    for body in ["{}", r#"{"resourceLogs":null}"#, r#"{"resourceLogs":[null,7,{"scopeLogs":{}}]}"#] {
        assert!(json(Signal::Logs, body).unwrap().errors.is_empty(), "{body}");
    }
    let empty = Request { signal: Signal::Logs, content_type: None, content_encoding: None, body: b"" };
    assert!(receive(&empty).unwrap().errors.is_empty());
    let deep = format!("{}{}", r#"{"resourceLogs":["#.repeat(50_000), "]}".repeat(50_000));
    assert!(json(Signal::Logs, &deep).unwrap().errors.is_empty());
    let deep = format!(
        r#"{{"resourceLogs":[{{"resource":{{"attributes":[{{"key":"service.name","value":{}1{}}}]}}}}]}}"#,
        r#"{"arrayValue":{"values":["#.repeat(50_000),
        "]}}".repeat(50_000)
    );
    assert!(json(Signal::Logs, &deep).unwrap().errors.is_empty());
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(body in prop::collection::vec(any::<u8>(), 0..600), is_logs in any::<bool>()) {
        let signal = if is_logs { Signal::Logs } else { Signal::Traces };
        for content_type in [None, Some("application/json"), Some("application/x-protobuf")] {
            let _read = receive(&Request { signal, content_type, content_encoding: None, body: &body });
        }
    }

    #[test]
    fn a_flipped_byte_does_not_harm(at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut body = recorded("traces.bin");
        let at = at.index(body.len());
        body[at] = byte;
        if let Ok(export) = receive(&Request { signal: Signal::Traces, content_type: None, content_encoding: None, body: &body }) {
            let ids: BTreeSet<Option<String>> = export.errors.iter().map(|raw| raw.event_id.clone()).collect();
            prop_assert!(ids.len() <= 1);
            for raw in export.errors {
                let _report = Report::new(raw, NOW);
            }
        }
    }
}
