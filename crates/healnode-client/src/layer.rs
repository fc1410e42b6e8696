//! A layer for `tracing`: keeps the last lines of this process, and reports events of level `ERROR`.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use tracing_core::field::{Field, Visit};
use tracing_core::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;

use crate::bounded::{self, Bounded};
use crate::busy::Busy;
use crate::capture::{Capture, now};
use crate::chain::{self, Described};
use crate::client::Inner;
use crate::contain::contain;
use crate::limits::{CONTEXT_BYTES_MAX, CONTEXT_MAX, LOG_LINE_BYTES_MAX, MESSAGE_BYTES_MAX};

/// Keeps the last lines of this process, and reports events of level `ERROR`.
///
/// The report has the type and the causes of the field that holds an error (`error = &error as &dyn std::error::Error`); of an event without
/// one, the type is the event's target. Other fields go along as tags.
pub struct TracingLayer {
    inner: Arc<Inner>,
    keep: Level,
}

impl TracingLayer {
    pub(crate) fn new(inner: &Arc<Inner>) -> Self {
        Self { inner: inner.clone(), keep: Level::INFO }
    }

    /// Down to which level events are kept as lines: `INFO` unless set. Lower ones cost a formatting each.
    pub fn keep(mut self, level: Level) -> Self {
        self.keep = level;
        self
    }

    /// Takes an event, on a thread that is inside.
    fn take(&self, event: &Event<'_>) {
        let metadata = event.metadata();
        let mut fields = Fields::default();
        event.record(&mut fields);
        if *metadata.level() == Level::ERROR {
            self.inner.capture_inside(|| fields.capture(event));
        }
        let (message, rest) = (fields.message.as_str(), fields.rest.as_str());
        self.inner.ring.push(Some(now()), format_args!("{:>5} {}: {message}{rest}", metadata.level(), metadata.target()));
    }
}

impl fmt::Debug for TracingLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TracingLayer").field("keep", &self.keep).finish_non_exhaustive()
    }
}

impl<S: Subscriber> Layer<S> for TracingLayer {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let level = *event.metadata().level();
        if !self.inner.is_enabled || level > self.keep {
            return;
        }
        if let Some(_inside) = Busy::enter() {
            contain(|| self.take(event));
        }
    }
}

/// What an event holds.
struct Fields {
    message: Bounded,
    /// The other fields as text, each behind a space.
    rest: Bounded,
    error: Option<Described>,
    tags: Vec<(&'static str, String)>,
}

impl Default for Fields {
    fn default() -> Self {
        Self { message: Bounded::new(MESSAGE_BYTES_MAX), rest: Bounded::new(LOG_LINE_BYTES_MAX), error: None, tags: Vec::new() }
    }
}

impl Fields {
    fn capture(&self, event: &Event<'_>) -> Capture {
        let metadata = event.metadata();
        let mut message = Bounded::new(MESSAGE_BYTES_MAX);
        message.add(format_args!("{}", self.message.as_str()));
        if let Some(error) = &self.error {
            let separator = if message.is_empty() { "" } else { ": " };
            message.add(format_args!("{separator}{}", error.message));
        }
        let error_type = self.error.as_ref().map_or(metadata.target(), |error| &error.error_type);
        let mut capture = Capture::new(error_type.to_owned(), message.into_text());
        capture.heading = self.error.as_ref().map(|error| error.causes.clone()).unwrap_or_default();
        if let (Some(file), Some(line)) = (metadata.file(), metadata.line()) {
            capture.tag("location", format_args!("{file}:{line}"));
        }
        for (name, value) in &self.tags {
            capture.tag(name, format_args!("{value}"));
        }
        capture
    }

    fn tag(&mut self, name: &'static str, value: fmt::Arguments<'_>) {
        if self.tags.len() < CONTEXT_MAX {
            self.tags.push((name, bounded::text(value, CONTEXT_BYTES_MAX)));
        }
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        match field.name() {
            "message" => self.message.add(format_args!("{value:?}")),
            name => {
                self.rest.add(format_args!(" {name}={value:?}"));
                self.tag(name, format_args!("{value:?}"));
            }
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "message" => self.message.add(format_args!("{value}")),
            name => {
                self.rest.add(format_args!(" {name}={value}"));
                self.tag(name, format_args!("{value}"));
            }
        }
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        let described = chain::describe(value, None);
        self.rest.add(format_args!(" {}={}", field.name(), described.message));
        self.error.get_or_insert(described);
    }
}
