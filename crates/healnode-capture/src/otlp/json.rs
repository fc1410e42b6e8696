//! Exports as JSON: names in lower camel case, ids as hex digits, 64-bit numbers perhaps as texts.
//!
//! The resource may stand behind its records, so the records of one resource that matter are held until it is read to its end.

use std::collections::BTreeMap;

use healnode_report::RawError;
use serde::de::{MapAccess, SeqAccess};

use crate::lenient::{Ends, Fields, Lenient, element, fields, from_broken_json, object, value};
use crate::limits::{EXPORTED_ERRORS_MAX, TEXTS_MAX};
use crate::otlp::record::{Attribute, Record, Resource, Sink, is_wanted};

/// Reads an `ExportLogsServiceRequest` or an `ExportTraceServiceRequest`. Returns whether it was readable, which it is as a whole or not at
/// all.
pub(crate) fn read(body: &[u8], sink: &mut impl Sink) -> bool {
    let Some(request) = from_broken_json::<Request>(body) else {
        return false;
    };
    for groups in [request.logs, request.spans] {
        groups.errors.into_iter().for_each(|error| sink.error(error));
        for (kind, count) in groups.passed_over {
            sink.passed_over(kind, count);
        }
    }
    true
}

#[derive(Default)]
struct Request {
    logs: Groups,
    spans: Groups,
}

fields!(Request { "resourceLogs" => logs, "resourceSpans" => spans });

/// The errors of all resources.
#[derive(Default)]
struct Groups {
    errors: Vec<RawError>,
    passed_over: BTreeMap<&'static str, u64>,
}

impl Sink for Groups {
    fn error(&mut self, error: RawError) {
        if self.errors.len() < EXPORTED_ERRORS_MAX {
            self.errors.push(error);
        } else {
            self.passed_over("beyond", 1);
        }
    }

    fn passed_over(&mut self, kind: &'static str, count: u64) {
        *self.passed_over.entry(kind).or_default() += count;
    }
}

impl Lenient for Groups {
    fn from_list<'de, A: SeqAccess<'de>>(mut list: A) -> Result<Groups, A::Error> {
        let mut groups = Groups::default();
        while let Some(group) = element::<Group, A>(&mut list)? {
            group.give(&mut groups);
        }
        Ok(groups)
    }
}

/// A resource and what it sent.
#[derive(Default)]
struct Group {
    resource: ResourceAttributes,
    logs: Scopes,
    spans: Scopes,
}

fields!(Group { "resource" => resource, "scopeLogs" => logs, "scopeSpans" => spans });

#[derive(Default)]
struct ResourceAttributes {
    attributes: Attributes,
}

fields!(ResourceAttributes { "attributes" => attributes });

impl Group {
    fn give(self, groups: &mut Groups) {
        let mut resource = Resource::default();
        for (name, value) in self.resource.attributes.0 {
            resource.set(&name, value);
        }
        for records in [self.logs.0, self.spans.0] {
            records.logs.into_iter().for_each(|record| record.log(&resource, groups));
            records.events.into_iter().for_each(|record| groups.error(record.into_raw(&resource)));
            for (kind, count) in records.passed_over {
                groups.passed_over(kind, count);
            }
        }
    }
}

/// The records of all scopes of a resource that matter, within the bound.
#[derive(Default)]
struct Records {
    logs: Vec<Record>,
    events: Vec<Record>,
    passed_over: BTreeMap<&'static str, u64>,
}

impl Records {
    fn add_log(&mut self, record: Record) {
        match record.may_be_error() {
            false => self.pass_over("log"),
            true if self.logs.len() < EXPORTED_ERRORS_MAX => self.logs.push(record),
            true => self.pass_over("beyond"),
        }
    }

    fn add_span(&mut self, span: Span) {
        self.pass_over("span");
        for event in span.events.0.into_iter().filter_map(Event::into_record) {
            if self.events.len() < EXPORTED_ERRORS_MAX {
                let (trace_id, span_id) = (hex_id(span.trace_id.as_deref()), hex_id(span.span_id.as_deref()));
                self.events.push(Record { trace_id, span_id, ..event });
            } else {
                self.pass_over("beyond");
            }
        }
    }

    fn pass_over(&mut self, kind: &'static str) {
        *self.passed_over.entry(kind).or_default() += 1;
    }
}

/// All scopes of a resource, their records in one.
#[derive(Default)]
struct Scopes(Records);

impl Lenient for Scopes {
    fn from_list<'de, A: SeqAccess<'de>>(mut list: A) -> Result<Scopes, A::Error> {
        let mut records = Records::default();
        while let Some(scope) = element::<Scope, A>(&mut list)? {
            scope.0.logs.into_iter().for_each(|record| records.add_log(record));
            let room = EXPORTED_ERRORS_MAX - records.events.len();
            let beyond = scope.0.events.len().saturating_sub(room) as u64;
            records.events.extend(scope.0.events.into_iter().take(room));
            for (kind, count) in scope.0.passed_over.into_iter().chain((beyond > 0).then_some(("beyond", beyond))) {
                *records.passed_over.entry(kind).or_default() += count;
            }
        }
        Ok(Scopes(records))
    }
}

/// One scope.
#[derive(Default)]
struct Scope(Records);

impl Fields for Scope {
    fn read<'de, A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<bool, A::Error> {
        match name {
            "logRecords" => self.0 = value::<Logs, A>(map)?.0,
            "spans" => self.0 = value::<Spans, A>(map)?.0,
            _ => return Ok(false),
        }
        Ok(true)
    }
}

impl Lenient for Scope {
    fn from_object<'de, A: MapAccess<'de>>(map: A) -> Result<Scope, A::Error> {
        object(map)
    }
}

#[derive(Default)]
struct Logs(Records);

impl Lenient for Logs {
    fn from_list<'de, A: SeqAccess<'de>>(mut list: A) -> Result<Logs, A::Error> {
        let mut records = Records::default();
        while let Some(log) = element::<Log, A>(&mut list)? {
            records.add_log(log.into_record());
        }
        Ok(Logs(records))
    }
}

#[derive(Default)]
struct Spans(Records);

impl Lenient for Spans {
    fn from_list<'de, A: SeqAccess<'de>>(mut list: A) -> Result<Spans, A::Error> {
        let mut records = Records::default();
        while let Some(span) = element(&mut list)? {
            records.add_span(span);
        }
        Ok(Spans(records))
    }
}

/// A log record.
#[derive(Default)]
struct Log {
    nanos: Option<u64>,
    observed_nanos: Option<u64>,
    severity: Option<u64>,
    body: AnyValue,
    attributes: Attributes,
    trace_id: Option<String>,
    span_id: Option<String>,
}

fields!(Log {
    "timeUnixNano" => nanos,
    "observedTimeUnixNano" => observed_nanos,
    "severityNumber" => severity,
    "body" => body,
    "attributes" => attributes,
    "traceId" => trace_id,
    "spanId" => span_id,
});

impl Log {
    fn into_record(self) -> Record {
        let mut record = Record {
            nanos: self.nanos.unwrap_or(0),
            observed_nanos: self.observed_nanos.unwrap_or(0),
            severity: self.severity.unwrap_or(0),
            body: self.body.text,
            trace_id: hex_id(self.trace_id.as_deref()),
            span_id: hex_id(self.span_id.as_deref()),
            ..Record::default()
        };
        self.attributes.0.into_iter().for_each(|(name, value)| record.set(&name, value));
        record
    }
}

/// A span.
#[derive(Default)]
struct Span {
    trace_id: Option<String>,
    span_id: Option<String>,
    events: Ends<Event, 0, EXPORTED_ERRORS_MAX>,
}

fields!(Span { "traceId" => trace_id, "spanId" => span_id, "events" => events });

/// An event of a span.
#[derive(Default)]
struct Event {
    nanos: Option<u64>,
    name: Option<String>,
    attributes: Attributes,
}

fields!(Event { "timeUnixNano" => nanos, "name" => name, "attributes" => attributes });

impl Event {
    /// The event, if it is one of an exception.
    fn into_record(self) -> Option<Record> {
        let mut record = Record { nanos: self.nanos.unwrap_or(0), ..Record::default() };
        self.attributes.0.into_iter().for_each(|(name, value)| record.set(&name, value));
        (self.name.as_deref() == Some("exception") && record.has_exception()).then_some(record)
    }
}

/// Attributes that may matter.
#[derive(Default)]
struct Attributes(Vec<(String, Attribute)>);

impl Lenient for Attributes {
    fn from_list<'de, A: SeqAccess<'de>>(mut list: A) -> Result<Attributes, A::Error> {
        let mut attributes = Vec::new();
        while let Some(pair) = element::<KeyValue, A>(&mut list)? {
            if let Some(name) = pair.key.filter(|name| is_wanted(name))
                && attributes.len() < TEXTS_MAX
            {
                attributes.push((name, pair.value.into_attribute()));
            }
        }
        Ok(Attributes(attributes))
    }
}

#[derive(Default)]
struct KeyValue {
    key: Option<String>,
    value: AnyValue,
}

fields!(KeyValue { "key" => key, "value" => value });

/// A text, a number as text, or a list of texts. Lists in lists and maps are passed over.
#[derive(Default)]
struct AnyValue {
    text: Option<String>,
    number: Option<String>,
    list: List,
}

fields!(AnyValue { "stringValue" => text, "intValue" => number, "arrayValue" => list });

impl AnyValue {
    fn into_attribute(self) -> Attribute {
        match self.text.or(self.number) {
            Some(text) => Attribute::Text(text),
            None if self.list.values.0.is_empty() => Attribute::Other,
            None => Attribute::List(self.list.values.0.into_iter().filter_map(|value| value.text).collect()),
        }
    }
}

#[derive(Default)]
struct List {
    values: Ends<TextValue, TEXTS_MAX, 0>,
}

fields!(List { "values" => values });

#[derive(Default)]
struct TextValue {
    text: Option<String>,
}

fields!(TextValue { "stringValue" => text });

/// An id in lower case. One that is no hex, too long, or all zeros, is none.
fn hex_id(text: Option<&str>) -> String {
    let text = text.unwrap_or_default();
    let is_id = text.len() <= 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit()) && text.bytes().any(|byte| byte != b'0');
    if is_id { text.to_ascii_lowercase() } else { String::new() }
}
