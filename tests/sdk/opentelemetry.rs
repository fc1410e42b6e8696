//! OpenTelemetry for Python, with the OTLP exporter over HTTP.

use std::path::Path;
use std::process::Command;

use crate::{Open, Run, install, nobody};

/// Exporters for spans and logs, as the documentation sets them up.
const SET_UP: &str = "
import logging, threading
from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk._logs import LoggerProvider, LoggingHandler
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
resource = Resource.create({'service.name': 'billing', 'service.version': '1.4.2'})
spans = TracerProvider(resource=resource)
spans.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
trace.set_tracer_provider(spans)
logs = LoggerProvider(resource=resource)
logs.add_log_record_processor(BatchLogRecordProcessor(OTLPLogExporter()))
logging.getLogger().addHandler(LoggingHandler(logger_provider=logs))
tracer = trace.get_tracer('tests')
";

fn run(python: &Path, endpoint: &str, script: &str) -> Run {
    let mut command = Command::new(python);
    command.args(["-c", &format!("import os\nos.environ['OTEL_EXPORTER_OTLP_ENDPOINT'] = {endpoint:?}\n{SET_UP}{script}")]);
    Run::of(command.env("OTEL_EXPORTER_OTLP_TIMEOUT", "1"))
}

/// An exception that ends the program, through a span.
const UNHANDLED: &str = "with tracer.start_as_current_span('charge'):\n    raise ValueError('no such row\\nin any table')";

#[test]
fn errors_in_spans_and_logs_handled_and_not_are_reported_once_each() {
    let Some(python) = install::python() else { return };
    let open = Open::start();
    for (script, code) in [
        (UNHANDLED, 1),
        ("try:\n    {}['sku']\nexcept KeyError:\n    logging.exception('job failed')", 0),
        (
            "with tracer.start_as_current_span('both') as span:\n    try:\n        open('/nonexistent')\n    except OSError as error:\n        \
             span.record_exception(error)\n        logging.exception('job failed')",
            0,
        ),
        (
            "def work():\n    with tracer.start_as_current_span('thread'):\n        1 / 0\nt = threading.Thread(target=work)\nt.start()\nt.join()",
            0,
        ),
        ("logging.error('disk almost full')", 0),
    ] {
        let run = run(python, &format!("http://{}", open.door), script);
        assert_eq!(run.code(), Some(code), "{script}\n{run:?}");
    }
    open.has_counted(&["FileNotFoundError", "KeyError", "ValueError", "ZeroDivisionError"]);
    assert_eq!(open.node.ask(&["errors"]).as_array().unwrap().iter().filter(|error| error["releases"]["1.4.2"] == 1).count(), 4);
}

/// Its exporter tries again until its own time is over, and the program waits for it at its end: here for a second.
#[test]
fn an_application_does_the_same_when_the_node_is_away() {
    let Some(python) = install::python() else { return };
    let away = run(python, &format!("http://{}", nobody()), UNHANDLED);
    let off = Run::of(Command::new(python).args(["-c", &format!("{SET_UP}{UNHANDLED}")]).env("OTEL_SDK_DISABLED", "true"));
    assert_eq!((away.code(), &away.output.stdout), (Some(1), &off.output.stdout));
    away.is_as_quick_as(&off);
}
