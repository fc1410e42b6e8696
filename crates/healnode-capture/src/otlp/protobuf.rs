//! Exports as protobuf. The numbers are those of the fields in OpenTelemetry's `logs.proto`, `trace.proto`, `resource.proto`, `common.proto`.

use crate::limits::TEXTS_MAX;
use crate::otlp::record::{Attribute, Record, Resource, Sink, id, is_wanted};
use crate::otlp::wire::{Field, Message, Value};

/// Reads an `ExportLogsServiceRequest`. Returns whether it was whole.
pub(crate) fn read_logs(body: &[u8], sink: &mut impl Sink) -> bool {
    read_request(body, sink, |record, resource, sink| read_log(record).log(resource, sink))
}

/// Reads an `ExportTraceServiceRequest`. Returns whether it was whole.
pub(crate) fn read_traces(body: &[u8], sink: &mut impl Sink) -> bool {
    read_request(body, sink, read_span)
}

/// Both requests have the same frame: resources, scopes in them, records in these.
fn read_request<S: Sink>(body: &[u8], sink: &mut S, mut read: impl FnMut(&[u8], &Resource, &mut S)) -> bool {
    let mut request = Message::new(body);
    for group in request.by_ref().filter_map(|field| of_number(1, &field)) {
        let mut resource = Resource::default();
        for attributes in Message::new(group).filter_map(|field| of_number(1, &field)) {
            read_resource(attributes, &mut resource);
        }
        for scope in Message::new(group).filter_map(|field| of_number(2, &field)) {
            for field in Message::new(scope).filter(|field| field.number == 2) {
                if let Some(record) = field.value.bytes() {
                    read(record, &resource, sink);
                }
            }
        }
    }
    !request.is_broken()
}

/// The message in a field of a number, also when it breaks off.
fn of_number<'a>(number: u64, field: &Field<'a>) -> Option<&'a [u8]> {
    field.value.part().filter(|_| field.number == number)
}

fn read_resource(bytes: &[u8], resource: &mut Resource) {
    for field in Message::new(bytes).filter(|field| field.number == 1) {
        read_attribute(field.value, |name, value| resource.set(name, value));
    }
}

fn read_log(bytes: &[u8]) -> Record {
    let mut record = Record::default();
    for Field { number, value } in Message::new(bytes) {
        match number {
            1 => record.nanos = value.number().unwrap_or(0),
            11 => record.observed_nanos = value.number().unwrap_or(0),
            2 => record.severity = value.number().unwrap_or(0),
            5 => record.body = value.bytes().and_then(text_of_any),
            6 => read_attribute(value, |name, value| record.set(name, value)),
            9 => record.trace_id = value.bytes().map(id).unwrap_or_default(),
            10 => record.span_id = value.bytes().map(id).unwrap_or_default(),
            _ => {}
        }
    }
    record
}

fn read_span(bytes: &[u8], resource: &Resource, sink: &mut impl Sink) {
    let ids =
        Message::new(bytes).filter(|field| field.number <= 2).map(|field| (field.number, field.value.bytes().map(id).unwrap_or_default()));
    let (mut trace_id, mut span_id) = (String::new(), String::new());
    for (number, id) in ids {
        *(if number == 1 { &mut trace_id } else { &mut span_id }) = id;
    }
    sink.passed_over("span", 1);
    for event in Message::new(bytes).filter(|field| field.number == 11).filter_map(|field| field.value.bytes()) {
        if let Some(record) = read_event(event) {
            sink.error(Record { trace_id: trace_id.clone(), span_id: span_id.clone(), ..record }.into_raw(resource));
        }
    }
}

/// Reads an event, if it is one of an exception.
fn read_event(bytes: &[u8]) -> Option<Record> {
    let mut record = Record::default();
    let mut is_exception = false;
    for Field { number, value } in Message::new(bytes) {
        match number {
            1 => record.nanos = value.number().unwrap_or(0),
            2 => is_exception = value.bytes() == Some(b"exception"),
            3 => read_attribute(value, |name, value| record.set(name, value)),
            _ => {}
        }
    }
    (is_exception && record.has_exception()).then_some(record)
}

/// Reads a `KeyValue`.
fn read_attribute(value: Value<'_>, mut set: impl FnMut(&str, Attribute)) {
    let Some(bytes) = value.bytes() else {
        return;
    };
    let (mut name, mut attribute) = ("", None);
    for field in Message::new(bytes) {
        match field.number {
            1 => name = field.value.bytes().and_then(|name| std::str::from_utf8(name).ok()).unwrap_or_default(),
            2 => attribute = field.value.bytes(),
            _ => {}
        }
    }
    if is_wanted(name) {
        set(name, attribute.map(read_any).unwrap_or_default());
    }
}

/// Reads an `AnyValue`: a text, or a list of texts.
fn read_any(bytes: &[u8]) -> Attribute {
    let mut attribute = Attribute::Other;
    for Field { number, value } in Message::new(bytes) {
        attribute = match number {
            1 => value.text().map_or(Attribute::Other, Attribute::Text),
            3 => value.number().map_or(Attribute::Other, |number| Attribute::Text(number.cast_signed().to_string())),
            5 => value.bytes().map_or(Attribute::Other, |list| Attribute::List(read_list(list))),
            _ => continue,
        };
    }
    attribute
}

fn read_list(bytes: &[u8]) -> Vec<String> {
    let values = Message::new(bytes).filter(|field| field.number == 1).filter_map(|field| field.value.bytes());
    values.filter_map(text_of_any).take(TEXTS_MAX).collect()
}

fn text_of_any(bytes: &[u8]) -> Option<String> {
    Message::new(bytes).filter(|field| field.number == 1).filter_map(|field| field.value.text()).last()
}
