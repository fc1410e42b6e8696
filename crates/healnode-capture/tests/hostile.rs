//! Bad input: bombs, nesting, garbage, bodies that break off, headers without end. Nothing panics, and nothing outgrows its bound.
#![allow(clippy::unwrap_used, reason = "a test ends at what it did not expect")]

mod support;

use std::io::Write as _;

use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};
use healnode_capture::limits::{BODY_BYTES_MAX, DECODED_BYTES_MAX, EVENTS_MAX, HEADER_BYTES_MAX, LOG_LINES_MAX};
use healnode_capture::sentry::{Delivery, ReceiveError, Request, receive};
use healnode_report::Report;
use proptest::prelude::*;

use support::{Capture, NOW};

const EVENT: &str = r#"{"event_id":"31eb507129c243c2b62a97ecb0b93238","level":"error","exception":{"values":[{"type":"E","value":"v"}]}}"#;

fn envelope(body: &[u8]) -> Result<Delivery, ReceiveError> {
    receive(&Request { uri: "/api/1/envelope/", body, ..Request::default() }, NOW)
}

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn a_bomb_behind_an_event_does_not_cost_the_event() {
    let zeros = "0".repeat(20 * DECODED_BYTES_MAX);
    let text = format!("{{}}\n{{\"type\":\"event\"}}\n{EVENT}\n{{\"type\":\"attachment\",\"length\":{}}}\n{zeros}", zeros.len());
    let body = gzip(text.as_bytes());
    let request = Request { uri: "/api/1/envelope/", content_encoding: Some("gzip"), body: &body, ..Request::default() };
    let delivery = receive(&request, NOW).unwrap();
    assert_eq!((delivery.errors.len(), delivery.is_cut), (1, true));
}

#[test]
fn a_bomb_alone_is_too_large() {
    let zeros = "0".repeat(20 * DECODED_BYTES_MAX);
    let body = gzip(format!("{{}}\n{{\"type\":\"event\",\"length\":{}}}\n{zeros}", zeros.len()).as_bytes());
    let request = Request { uri: "/api/1/envelope/", content_encoding: Some("gzip"), body: &body, ..Request::default() };
    assert_eq!(receive(&request, NOW), Err(ReceiveError::TooLarge));
    let body = gzip(format!("{{}}\n{{\"type\":\"event\"}}\n{{\"message\":\"{zeros}\"}}").as_bytes());
    let request = Request { body: &body, ..request };
    assert_eq!(receive(&request, NOW), Err(ReceiveError::TooLarge));
    let body = vec![b' '; DECODED_BYTES_MAX + 1];
    assert_eq!(envelope(&body), Err(ReceiveError::TooLarge));
    let body = vec![0x1f; BODY_BYTES_MAX + 1];
    let request = Request { uri: "/api/1/envelope/", content_encoding: Some("br"), body: &body, ..Request::default() };
    assert_eq!(receive(&request, NOW), Err(ReceiveError::TooLarge));
}

#[test]
fn nesting_does_not_overflow_the_stack_wherever_it_stands() {
    let lists = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let objects = format!("{}1{}", r#"{"values":"#.repeat(100_000), "}".repeat(100_000));
    for deep in [&lists, &objects, &"[".repeat(100_000), &r#"{"a":"#.repeat(100_000)] {
        for name in ["x", "message", "exception", "threads", "contexts", "tags", "extra", "breadcrumbs", "fingerprint", "timestamp", "sdk"]
        {
            let body = format!("{{}}\n{{\"type\":\"event\"}}\n{{\"{name}\":{deep},\"level\":\"error\"}}");
            assert_eq!(envelope(body.as_bytes()).unwrap().errors.len(), 1, "{name}");
        }
        let _readable = envelope(deep.as_bytes());
        let _readable = envelope(format!("{{}}\n{deep}\n{deep}").as_bytes());
    }
}

#[test]
fn an_envelope_may_break_off_at_every_byte() {
    for name in ["rust-event-attachment", "node-client-report-chunked", "py-exception-chained-identity"] {
        let mut capture = Capture::load(name);
        let whole = receive(&capture.request(), NOW).unwrap();
        let body = std::mem::take(&mut capture.body);
        for end in 0..body.len() {
            capture.body = body[..end].to_vec();
            if let Ok(delivery) = receive(&capture.request(), NOW) {
                assert!(delivery.errors.len() <= whole.errors.len() && delivery.messages <= whole.messages, "{name} at {end}");
            }
        }
    }
}

#[test]
fn a_compressed_envelope_may_break_off_at_every_byte() {
    for name in ["py-exception-chained-br", "py-exception-chained-gzip"] {
        let mut capture = Capture::load(name);
        let body = std::mem::take(&mut capture.body);
        for end in 0..body.len() {
            capture.body = body[..end].to_vec();
            if let Ok(delivery) = receive(&capture.request(), NOW) {
                assert!(delivery.errors.len() <= 1, "{name} at {end}");
            }
        }
    }
}

#[test]
fn an_event_that_cannot_be_read_leaves_a_stub() {
    let header = r#"{"event_id":"31eb507129c243c2b62a97ecb0b93238","sdk":{"name":"sentry.test","version":"1"},"dsn":"http://k@h/shop/1"}"#;
    for payload in ["[]", "null", "{\"exception\":", "nonsense", "{\"a\" 1}"] {
        let delivery = envelope(format!("{header}\n{{\"type\":\"event\"}}\n{payload}").as_bytes()).unwrap();
        let [raw] = delivery.errors.as_slice() else {
            panic!("{payload}: {delivery:?}");
        };
        assert_eq!(raw.error_type, "UnreadableEvent");
        assert_eq!(raw.message, format!("an event of {} bytes from sentry.test could not be read", payload.len()));
        assert_eq!((raw.app.as_deref(), raw.event_id.as_deref()), (Some("shop"), Some("31eb507129c243c2b62a97ecb0b93238")));
    }
}

#[test]
fn headers_without_end_are_not_read() {
    let long = "x".repeat(100 * HEADER_BYTES_MAX);
    let body = format!("{{\"dsn\":\"{long}\"}}\n{{\"type\":\"event\"}}\n{EVENT}");
    let (uri, auth) = (format!("/api/1/envelope/?sentry_key={long}"), format!("Sentry sentry_key={long}"));
    let request =
        Request { uri: &uri, content_encoding: None, sentry_auth: Some(&auth), authorization: Some(&auth), body: body.as_bytes() };
    let delivery = receive(&request, NOW).unwrap();
    assert_eq!((delivery.errors.len(), delivery.auth.key), (1, None));
    let request = Request { content_encoding: Some(&long), ..request };
    assert_eq!(receive(&request, NOW).unwrap().errors.len(), 1);
    let body = format!("{{}}\n{{\"type\":\"event\",\"x\":\"{long}\"}}\n{EVENT}");
    assert_eq!(envelope(body.as_bytes()).unwrap().errors.len(), 0);
}

#[test]
fn lists_without_end_keep_their_ends() {
    let frames: Vec<String> = (0..20_000).map(|line| format!(r#"{{"function":"f{line}","filename":"a.py","lineno":{line}}}"#)).collect();
    let crumbs = vec![r#"{"message":"m"}"#; 1_000].join(",");
    let event = format!(
        r#"{{"platform":"python","breadcrumbs":[{crumbs}],"exception":[{{"type":"E","stacktrace":{{"frames":[{}]}}}}]}}"#,
        frames.join(",")
    );
    assert!(event.len() < DECODED_BYTES_MAX);
    let delivery = envelope(format!("{{}}\n{{\"type\":\"event\"}}\n{event}").as_bytes()).unwrap();
    let stack = delivery.errors[0].stack.as_deref().unwrap();
    assert!(stack.contains("in f0\n") && stack.contains("in f19999\n") && !stack.contains("in f1000\n"));
    assert_eq!(stack.lines().count(), 252);
    assert_eq!(delivery.errors[0].logs.len(), LOG_LINES_MAX);

    let empty = format!(r#"{{"exception":[{}]}}"#, vec!["{}"; 500_000].join(","));
    assert_eq!(envelope(format!("{{}}\n{{\"type\":\"event\"}}\n{empty}").as_bytes()).unwrap().errors.len(), 1);
}

#[test]
fn an_envelope_with_too_many_events_is_no_flood() {
    let body = format!("{{}}\n{}", format!("{{\"type\":\"event\"}}\n{EVENT}\n").repeat(10_000));
    let delivery = envelope(body.as_bytes()).unwrap();
    assert_eq!(delivery.errors.len(), EVENTS_MAX);
    assert_eq!(delivery.discarded["event"], 10_000 - EVENTS_MAX as u64);
}

#[test]
fn an_event_of_an_older_sdk_is_read_in_every_form() {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(EVENT.as_bytes()).unwrap();
    let packed = base64(&encoder.finish().unwrap());
    for body in [EVENT, &format!("\u{feff}{EVENT}"), &format!("  {EVENT}\n"), &packed] {
        let request = Request { uri: "/shop/api/1/store/", body: body.as_bytes(), ..Request::default() };
        let delivery = receive(&request, NOW).unwrap();
        assert_eq!(delivery.event_id.as_deref(), Some("31eb507129c243c2b62a97ecb0b93238"));
        let raw = &delivery.errors[0];
        assert_eq!((raw.error_type.as_str(), raw.message.as_str(), raw.app.as_deref()), ("E", "v", Some("shop")));
    }
    let request = Request { uri: "/api/1/store/", body: br#"{"type":"transaction"}"#, ..Request::default() };
    let delivery = receive(&request, NOW).unwrap();
    assert_eq!((delivery.errors.len(), delivery.discarded["transaction"]), (0, 1));
    let request = Request { uri: "/shop/api/1/store/", body: br#"{"exception":"#, ..Request::default() };
    assert_eq!(receive(&request, NOW).unwrap().errors[0].error_type, "UnreadableEvent");
    for body in ["", "nonsense", "[]", "####"] {
        let request = Request { uri: "/api/1/store/", body: body.as_bytes(), ..Request::default() };
        assert_eq!(receive(&request, NOW), Err(ReceiveError::Unreadable), "{body}");
    }
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let digit = |bits: u32, at: u32| char::from(DIGITS[(bits >> (18 - 6 * at) & 63) as usize]);
    let group = |group: &[u8]| {
        let bits = group.iter().enumerate().fold(0, |bits, (at, byte)| bits | u32::from(*byte) << (16 - 8 * at));
        (0..=group.len() as u32).map(|at| digit(bits, at)).collect::<String>()
    };
    bytes.chunks(3).map(group).collect()
}

/// Pieces of envelopes, so that texts made of them come close to the edges.
const PIECES: &[&str] = &[
    "{",
    "}",
    "[",
    "]",
    ":",
    ",",
    "\"",
    "\\",
    "\n",
    "\r",
    "{}",
    "{}\n",
    "null",
    "true",
    "-1",
    "1e999",
    "NaN",
    "\\ud83d",
    "\u{feff}",
    "\"type\"",
    "\"event\"",
    "{\"type\":\"event\"}\n",
    "\"length\":",
    "5",
    "\"exception\":",
    "\"values\":",
    "\"stacktrace\":",
    "\"frames\":",
    "\"function\":\"f\"",
    "\"filename\":\"a.py\"",
    "\"platform\":",
    "\"python\"",
    "\"java\"",
    "\"php\"",
    "\"ruby\"",
    "\"csharp\"",
    "\"go\"",
    "\"native\"",
    "\"node\"",
    "\"mechanism\":",
    "\"exception_id\":1",
    "\"parent_id\":1",
    "\"is_exception_group\":true",
    "\"source\":\"exceptions[0]\"",
    "\"value\":\"v\"",
    "\"message\":",
    "\"tags\":",
    "\"breadcrumbs\":",
    "\"client_report\"",
    "\"discarded_events\":",
    "\"attachment\"",
    "é",
    "a",
];

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(body in prop::collection::vec(any::<u8>(), 0..2_000), encoding in "gzip|br|zstd|deflate||x") {
        let request = Request { uri: "/stream", content_encoding: Some(&encoding), body: &body, ..Request::default() };
        let _read = receive(&request, NOW);
        let _read = receive(&Request { uri: "/api/1/store/", ..request }, NOW);
    }

    #[test]
    fn any_pieces_of_an_envelope_are_read_or_refused(pieces in prop::collection::vec(prop::sample::select(PIECES), 0..60)) {
        let body = pieces.concat();
        for body in [body.clone(), format!("{{}}\n{{\"type\":\"event\"}}\n{{{body}")] {
            for raw in envelope(body.as_bytes()).map(|delivery| delivery.errors).unwrap_or_default() {
                prop_assert!(raw.message.len() <= body.len().max(100));
                let _report = Report::new(raw, NOW);
            }
        }
    }

    #[test]
    fn a_flipped_byte_harms_nothing_else(at in any::<prop::sample::Index>(), byte in any::<u8>(), name in prop::sample::select(&["rust-panic", "ruby66-exception-cause-emptyencoding", "py-exception-chained-br"][..])) {
        let mut capture = Capture::load(name);
        let at = at.index(capture.body.len());
        capture.body[at] = byte;
        if let Ok(delivery) = receive(&capture.request(), NOW) {
            prop_assert!(delivery.errors.len() <= 1);
        }
    }
}
