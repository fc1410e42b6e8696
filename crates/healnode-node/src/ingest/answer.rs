//! What applications' SDKs are answered.
//!
//! SDKs differ in what they bear: some take 202 for a failure, some let an exception escape on 400, all fall silent for a while on 429. So all
//! that is readable is answered with 200, and 429 is kept for what cannot be kept.

use healnode_capture::otlp;
use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{CONNECTION, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use hyper::{Method, Response, StatusCode};

use crate::door::Taken;

/// Tells SDKs not to send for a day what would be dropped. An empty list of categories would mean all of them.
const UNWANTED: &str = "86400:transaction;span;session;profile;profile_chunk;replay;log_item;trace_metric:organization";

/// Tells SDKs to hold errors back for a minute.
const BUSY: &str = "60:error;default:organization";

/// What becomes of a request.
pub(super) enum Answer {
    /// Its errors are durable, or it brought none.
    Taken(Reply),
    /// Its errors cannot be kept now.
    ComeBack,
    /// Nothing in it can be read.
    Unreadable,
    /// It lacks what it has to have: what, in a sentence.
    Incomplete(String),
    /// It comes from a page that may not report.
    OtherPage,
    /// A browser asks whether a page may report.
    MayReport,
    /// It is too long, and nothing whole is in the part that was read.
    TooLarge,
    /// It took too long, or broke off.
    TooSlow,
    /// Nothing is taken at this address.
    NotFound,
    /// Nothing is asked by this method here.
    OtherMethod,
    /// Somebody looks who is there.
    Hello,
}

/// How a request is told that it was taken.
pub(super) enum Reply {
    /// As Sentry does, with the event's id.
    Sentry {
        /// 32 hexadecimal digits, or whatever id the application gave.
        event_id: String,
    },
    /// As OpenTelemetry collectors do.
    Otlp(otlp::Format),
    /// With what became of the one error.
    ReportError {
        /// What it was counted as.
        taken: Taken,
        /// The id of the occurrence.
        event_id: String,
        /// Whether a part of it was too long.
        clipped: bool,
    },
}

impl Answer {
    /// Returns the answer to a request that delivers nothing.
    pub(super) fn not_here(method: &Method) -> Self {
        if method == Method::GET || method == Method::HEAD { Answer::Hello } else { Answer::OtherMethod }
    }

    pub(super) fn into_response(self) -> Response<Full<Bytes>> {
        match self {
            Answer::Taken(Reply::Sentry { event_id }) => {
                let mut response = json(StatusCode::OK, &serde_json::json!({ "id": event_id }));
                response.headers_mut().insert("x-sentry-rate-limits", HeaderValue::from_static(UNWANTED));
                response
            }
            Answer::Taken(Reply::Otlp(format)) => response(StatusCode::OK, format.content_type(), Bytes::from_static(format.response())),
            Answer::Taken(Reply::ReportError { taken, event_id, clipped }) => {
                let mut told =
                    serde_json::json!({ "fingerprint": taken.fingerprint, "event_id": event_id, "clipped": clipped || taken.clipped });
                if let Some(rule) = taken.ignored_by {
                    told["ignored_by_rule"] = rule.into();
                }
                json(StatusCode::OK, &told)
            }
            Answer::ComeBack => {
                let mut response = problem(StatusCode::TOO_MANY_REQUESTS, "errors cannot be kept just now");
                response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("60"));
                response.headers_mut().insert("x-sentry-rate-limits", HeaderValue::from_static(BUSY));
                response
            }
            Answer::Unreadable => problem(StatusCode::BAD_REQUEST, "nothing in the body can be read"),
            Answer::Incomplete(what) => problem(StatusCode::BAD_REQUEST, &what),
            Answer::OtherPage => problem(StatusCode::FORBIDDEN, "pages of this origin may not report; see ingest.cors in docs/INGEST.md"),
            Answer::MayReport => response(StatusCode::OK, "text/plain", Bytes::new()),
            Answer::TooLarge => closing(problem(StatusCode::PAYLOAD_TOO_LARGE, "a body may have 1 MiB, or 2 MiB once it is decoded")),
            Answer::TooSlow => closing(problem(StatusCode::REQUEST_TIMEOUT, "the body took too long")),
            Answer::NotFound => problem(StatusCode::NOT_FOUND, "nothing is taken at this address; see docs/INGEST.md"),
            Answer::OtherMethod => problem(StatusCode::METHOD_NOT_ALLOWED, "errors are taken by POST; see docs/INGEST.md"),
            Answer::Hello => {
                response(StatusCode::OK, "text/plain", Bytes::from_static(b"healnode takes errors here; see docs/INGEST.md\n"))
            }
        }
    }
}

fn problem(status: StatusCode, what: &str) -> Response<Full<Bytes>> {
    json(status, &serde_json::json!({ "detail": what }))
}

fn closing(mut response: Response<Full<Bytes>>) -> Response<Full<Bytes>> {
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    response
}

fn json(status: StatusCode, body: &serde_json::Value) -> Response<Full<Bytes>> {
    response(status, "application/json", Bytes::from(body.to_string()))
}

fn response(status: StatusCode, content_type: &'static str, body: Bytes) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}
