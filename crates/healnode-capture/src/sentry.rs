//! What Sentry SDKs and Spotlight send: envelopes, and single events of older SDKs.
//!
//! [`receive`] takes a whole request apart. Events at level `error` or above become raw errors; everything else is counted, so that all that
//! is readable can be answered with 200. How an address names the app is in `sentry/route.rs`, how an event becomes an error in
//! `sentry/mapping.rs`, and how its frames become text in `sentry/stack.rs`.

mod auth;
mod dsn;
mod envelope;
mod event;
mod losses;
mod mapping;
mod route;
mod stack;
mod store;

use std::collections::BTreeMap;

use healnode_report::{RawError, UnixMillis};

pub use auth::Auth;
pub(crate) use event::Tags;
pub(crate) use route::app as app_of_prefix;
pub use route::{Route, Target};

use crate::encoding::{DecodeError, decode};
use crate::limits::{BODY_BYTES_MAX, DECODED_BYTES_MAX, EVENTS_MAX};
use crate::sentry::envelope::{Envelope, Item};
use crate::sentry::event::{Event, Level};
use crate::sentry::losses::ClientReport;
use crate::sentry::mapping::{Occurrence, attach, unreadable};

/// The parts of a request that matter. A header that is absent is `None`, and one that is too long is not read.
#[derive(Clone, Copy, Default)]
pub struct Request<'a> {
    /// Path and query, as they stand in the first line.
    pub uri: &'a str,
    /// `Content-Encoding`.
    pub content_encoding: Option<&'a str>,
    /// `X-Sentry-Auth`.
    pub sentry_auth: Option<&'a str>,
    /// `Authorization`.
    pub authorization: Option<&'a str>,
    /// The body, without the framing of HTTP.
    pub body: &'a [u8],
}

/// What a request brought.
#[derive(Clone, PartialEq, Default, Debug)]
pub struct Delivery {
    /// Id of its event as 32 hex digits: the event's own, else the envelope's, else none, and the caller makes one up.
    pub event_id: Option<String>,
    /// Who sent it.
    pub auth: Auth,
    /// The errors. Each names its app if that is known, and its event id.
    pub errors: Vec<RawError>,
    /// Events below the level of an error.
    pub messages: u64,
    /// Items that were passed over, by category: their type if it is a known one, else `other`.
    pub discarded: BTreeMap<&'static str, u64>,
    /// Errors that the application's SDK lost before it could send them, by reason.
    pub losses: BTreeMap<&'static str, u64>,
    /// Errors that the application itself chose not to send, by reason.
    pub choices: BTreeMap<&'static str, u64>,
    /// Whether the body was longer than allowed and its end was not read.
    pub is_cut: bool,
}

/// Why a request brought nothing.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ReceiveError {
    /// It is too long, and the part that may be read has no whole item. Answer with 413.
    #[error("the body is longer than {BODY_BYTES_MAX} bytes, or {DECODED_BYTES_MAX} after decoding")]
    TooLarge,
    /// It is neither an envelope nor an event. Answer with 400.
    #[error("the body is neither an envelope nor an event")]
    Unreadable,
}

/// Takes a request apart. `now` is when it came in: the times of a sender whose clock is off are corrected by it.
///
/// An address that is none of Sentry's is read as one of an envelope, which is what a tunnel needs.
///
/// # Errors
/// When nothing in it is readable. A request with one readable item is never an error, whatever is wrong with the others.
pub fn receive(request: &Request<'_>, now: UnixMillis) -> Result<Delivery, ReceiveError> {
    let route = Route::of(request.uri).unwrap_or_default();
    let decoded = decode(request.content_encoding, request.body).map_err(|error| match error {
        DecodeError::TooLarge => ReceiveError::TooLarge,
        DecodeError::Unreadable => ReceiveError::Unreadable,
    })?;
    let auth = Auth::of_request(request);
    let whole_lines = if decoded.is_cut { until_last_line(&decoded.bytes) } else { &decoded.bytes };
    let mut delivery = match route.target {
        Target::Store => from_store(whole_lines, &route, auth, now),
        Target::Envelope | Target::Stream => from_envelope(whole_lines, &route, auth, now),
    }
    .ok_or(if decoded.is_cut { ReceiveError::TooLarge } else { ReceiveError::Unreadable })?;
    if decoded.is_cut && (delivery.is_empty() || delivery.lacks_its_event()) {
        return Err(ReceiveError::TooLarge);
    }
    delivery.is_cut = decoded.is_cut;
    Ok(delivery)
}

/// A body without its last line, which breaks off.
fn until_last_line(body: &[u8]) -> &[u8] {
    &body[..body.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1)]
}

fn from_store(body: &[u8], route: &Route, auth: Auth, now: UnixMillis) -> Option<Delivery> {
    let mut delivery = Delivery::default();
    let sender = Sender { app: route.app.as_deref(), client: auth.client.as_deref(), sent_at: None, now };
    match store::read(body) {
        Some(event) => delivery.add_event(event, None, &sender),
        None if body.trim_ascii_start().starts_with(b"{") => delivery.add_unreadable(body.len(), None, &sender),
        None => return None,
    }
    delivery.auth = auth;
    Some(delivery)
}

fn from_envelope(body: &[u8], route: &Route, auth: Auth, now: UnixMillis) -> Option<Delivery> {
    let envelope = Envelope::read(body)?;
    let header = &envelope.header;
    let client = header.client().or_else(|| auth.client.clone());
    let auth = auth.or(header.auth());
    let app = route.app.clone().or_else(|| header.app());
    let sender = Sender { app: app.as_deref(), client: client.as_deref(), sent_at: header.sent_at, now };
    let mut delivery = Delivery { event_id: header.event_id(), ..Delivery::default() };
    for item in envelope.items {
        delivery.add_item(&item, &sender);
    }
    delivery.auth = auth;
    Some(delivery)
}

/// What a request says about the sender of its events.
struct Sender<'a> {
    app: Option<&'a str>,
    client: Option<&'a str>,
    sent_at: Option<UnixMillis>,
    now: UnixMillis,
}

impl Delivery {
    /// Whether nothing at all came.
    fn is_empty(&self) -> bool {
        self.errors.is_empty() && self.messages == 0 && self.discarded.is_empty() && self.losses.is_empty() && self.choices.is_empty()
    }

    /// Whether an event was announced and none came.
    fn lacks_its_event(&self) -> bool {
        self.errors.is_empty() && self.messages == 0 && self.discarded.contains_key("event")
    }

    fn add_item(&mut self, item: &Item<'_>, sender: &Sender<'_>) {
        match item.kind() {
            "event" if self.errors.len() < EVENTS_MAX && !item.payload.trim_ascii().is_empty() => self.read_event(item, sender),
            "client_report" => ClientReport::read(item.payload).add_to(self),
            "attachment" => match (item.log_lines(), self.errors.last_mut()) {
                (Some(lines), Some(error)) => attach(error, lines),
                (Some(_) | None, Some(_) | None) => self.discard("attachment"),
            },
            kind => self.discard(category(kind)),
        }
    }

    fn read_event(&mut self, item: &Item<'_>, sender: &Sender<'_>) {
        let is_first = self.errors.is_empty() && self.messages == 0;
        let event_id = if is_first { self.event_id.clone() } else { None };
        match Event::read(item.payload) {
            Some(event) => self.add_event(event, event_id, sender),
            None => self.add_unreadable(item.payload.len(), event_id, sender),
        }
    }

    fn add_unreadable(&mut self, payload_bytes: usize, event_id: Option<String>, sender: &Sender<'_>) {
        let mut error = unreadable(sender.client, payload_bytes);
        error.app = sender.app.map(str::to_owned);
        error.event_id = event_id;
        self.errors.push(error);
    }

    fn add_event(&mut self, event: Event, event_id: Option<String>, sender: &Sender<'_>) {
        if event.is_transaction() {
            return self.discard("transaction");
        }
        let event_id = event.id().or(event_id);
        if self.errors.is_empty() && self.messages == 0 {
            self.event_id.clone_from(&event_id);
        }
        match event.level() {
            Level::Lower => self.messages += 1,
            Level::Error | Level::Fatal => {
                let occurrence = Occurrence { event, event_id, sender };
                self.errors.push(occurrence.into_raw());
            }
        }
    }

    fn discard(&mut self, category: &'static str) {
        *self.discarded.entry(category).or_default() += 1;
    }
}

/// Types of items that are known and not wanted.
const CATEGORIES: &[&str] = &[
    "event",
    "session",
    "sessions",
    "transaction",
    "span",
    "profile",
    "profile_chunk",
    "replay_event",
    "replay_recording",
    "replay_video",
    "log",
    "trace_metric",
    "check_in",
    "statsd",
    "metric_buckets",
    "feedback",
    "user_report",
    "security",
];

fn category(kind: &str) -> &'static str {
    CATEGORIES.iter().find(|known| **known == kind).copied().unwrap_or("other")
}
