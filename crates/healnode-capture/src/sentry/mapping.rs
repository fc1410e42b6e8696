//! Makes an error of an event.
//!
//! The exception that was thrown last gives type and message, whatever level the event has. The severity is left open, for the report's own
//! rules, unless the event says that it was fatal.

use std::collections::BTreeMap;

use healnode_report::{RawError, Severity, System, UnixMillis};

use crate::limits::LOG_LINES_MAX;
use crate::sentry::Sender;
use crate::sentry::event::{Event, Exception, Level, Mechanism};
use crate::sentry::stack::{Language, render, type_name};
use crate::text::{GO_PANIC, NO_TYPE};

/// The type of an event that could not be read.
const UNREADABLE_TYPE: &str = "UnreadableEvent";

/// An event and what is known about its sender.
pub(crate) struct Occurrence<'a> {
    pub(crate) event: Event,
    pub(crate) event_id: Option<String>,
    pub(crate) sender: &'a Sender<'a>,
}

/// The stub of an event that could not be read, so that its application is not silently without errors.
pub(crate) fn unreadable(client: Option<&str>, payload_bytes: usize) -> RawError {
    let name = client.and_then(|client| client.split('/').next()).unwrap_or("an unknown SDK");
    RawError::new(UNREADABLE_TYPE, format!("an event of {payload_bytes} bytes from {name} could not be read"))
}

/// Adds log lines of an attachment to an error, and keeps the last ones.
pub(crate) fn attach(error: &mut RawError, lines: Vec<String>) {
    error.logs.extend(lines);
    let beyond = error.logs.len().saturating_sub(LOG_LINES_MAX);
    error.logs.drain(..beyond);
}

impl Occurrence<'_> {
    pub(crate) fn into_raw(self) -> RawError {
        let Occurrence { mut event, event_id, sender } = self;
        let level = event.level();
        let chain = take_chain(&mut event);
        let language = Language::of(event.platform.as_deref(), event.sdk.name.as_deref(), &chain);
        let mut raw = headline(language, &chain);
        raw.stack = render(language, &chain);
        say_as_printed(language, level, &mut raw);
        raw.severity = severity(level, &raw);
        raw.tags = tags(&mut event, chain.last().map(|exception| &exception.mechanism), sender.client);
        (raw.app, raw.release) = app_and_release(event.release.take(), sender.app);
        raw.environment = event.environment.take();
        raw.at = event.timestamp.map(|at| corrected(at, sender.sent_at, sender.now));
        raw.event_id = event_id;
        raw.system = system(&mut event);
        raw.command = event.extra.argv.0;
        raw.fingerprint = event.fingerprint.0;
        attach(&mut raw, event.breadcrumbs.0.into_iter().filter_map(|breadcrumb| breadcrumb.into_line()).collect());
        raw
    }
}

/// The exceptions, the innermost cause first. An event without one has its message as the only one, and a stack that stands apart from the
/// exceptions goes to the last.
fn take_chain(event: &mut Event) -> Vec<Exception> {
    let message = std::mem::take(&mut event.logentry).into_text().or_else(|| std::mem::take(&mut event.message).into_text());
    let mut chain = std::mem::take(&mut event.exceptions.0);
    chain.retain(|exception| exception.kind.is_some() || exception.value.is_some() || !exception.stacktrace.frames.0.is_empty());
    if chain.is_empty() {
        chain.push(Exception { value: message, ..Exception::default() });
    } else if let Some(last) = chain.last_mut()
        && last.value.is_none()
        && last.kind.is_none()
    {
        last.value = message;
    }
    if chain.iter().all(|exception| exception.stacktrace.frames.0.is_empty())
        && let Some(last) = chain.last_mut()
    {
        last.stacktrace = event.take_stack();
    }
    chain
}

fn headline(language: Language, chain: &[Exception]) -> RawError {
    let Some(last) = chain.last() else {
        return RawError::new(NO_TYPE, "");
    };
    let error_type = if last.mechanism.synthetic == Some(true) { NO_TYPE.to_owned() } else { type_name(language, last) };
    RawError::new(error_type, last.value.clone().unwrap_or_default())
}

/// Calls an error what its program prints about it, where an SDK says more: a panic of Go, whatever was thrown, and of a message that Python
/// prints with its trace the first line, since the end of the message cannot be told there. The stack has all of it.
fn say_as_printed(language: Language, level: Level, raw: &mut RawError) {
    if language == Language::Go && level == Level::Fatal && raw.stack.is_some() {
        GO_PANIC.clone_into(&mut raw.error_type);
    }
    if language == Language::Python && raw.stack.is_some() {
        raw.message = raw.message.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default().to_owned();
    }
}

/// A crash is high at least. What the report's rules call low, because somebody stopped the program, stays so.
fn severity(level: Level, raw: &RawError) -> Option<Severity> {
    match (level, Severity::of(&raw.error_type, &raw.message)) {
        (Level::Lower | Level::Error, _) | (Level::Fatal, Severity::Low) => None,
        (Level::Fatal, judged) => Some(judged.max(Severity::High)),
    }
}

/// Splits `name@version`. The name is the app if the address names none; where the address names another, the release stays whole.
fn app_and_release(release: Option<String>, app: Option<&str>) -> (Option<String>, Option<String>) {
    let app = app.map(str::to_owned);
    let Some(release) = release else {
        return (app, None);
    };
    match release.split_once('@').filter(|(name, version)| !name.is_empty() && !version.is_empty()) {
        Some((name, version)) if app.as_deref().is_none_or(|app| app == name) => (Some(name.to_owned()), Some(version.to_owned())),
        Some(_) | None => (app, Some(release)),
    }
}

/// How far a sender's clock may be off before its times are corrected, in milliseconds.
const CLOCK_ERROR_MAX: u64 = 60_000;

/// The time of an event by our clock, if the sender's was off when it sent it.
fn corrected(at: UnixMillis, sent_at: Option<UnixMillis>, now: UnixMillis) -> UnixMillis {
    match sent_at {
        Some(sent_at) if sent_at.0.abs_diff(now.0) > CLOCK_ERROR_MAX => {
            UnixMillis(at.0.saturating_add(now.0).saturating_sub(sent_at.0)).clamped()
        }
        Some(_) | None => at,
    }
}

fn system(event: &mut Event) -> Option<System> {
    let contexts = &event.contexts;
    let system = System {
        os: contexts.os.label(),
        arch: contexts.device.arch().or(contexts.os.arch()).unwrap_or_default().to_owned(),
        host: event.server_name.take().unwrap_or_default(),
        runtime: contexts.runtime.label(),
        cwd: String::new(),
    };
    (system != System::default()).then_some(system)
}

/// Mechanisms that catch what nothing else caught, though some SDKs do not say so.
const LAST_RESORTS: &[&str] =
    &["excepthook", "panic", "UncaughtExceptionHandler", "auto.node.onuncaughtexception", "onuncaughtexception", "onunhandledrejection"];

/// The application's own tags, and how the event was caught.
fn tags(event: &mut Event, mechanism: Option<&Mechanism>, client: Option<&str>) -> BTreeMap<String, String> {
    let mut tags = std::mem::take(&mut event.tags.0);
    let is_unhandled = mechanism.is_some_and(|mechanism| {
        mechanism.handled == Some(false) || mechanism.kind.as_deref().is_some_and(|kind| LAST_RESORTS.contains(&kind))
    });
    let ours = [
        ("sdk", event.sdk.label(' ').or_else(|| client.map(|client| client.replace('/', " ")))),
        ("logger", event.logger.take()),
        ("transaction", event.transaction.take()),
        ("dist", event.dist.take()),
        ("handled", is_unhandled.then(|| "no".to_owned())),
    ];
    for (name, text) in ours {
        if let Some(text) = text {
            tags.entry(name.to_owned()).or_insert(text);
        }
    }
    tags
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMillis = UnixMillis(1_795_612_232_000);

    fn read(event: &str) -> RawError {
        let sender = Sender { app: None, client: Some("sentry.test/1.0"), sent_at: None, now: NOW };
        Occurrence { event: Event::read(event.as_bytes()).unwrap(), event_id: None, sender: &sender }.into_raw()
    }

    #[test]
    fn the_last_exception_names_the_error() {
        let raw = read(r#"{"exception":[{"type":"A","value":"a"},{"type":"B","value":"b"}],"message":"m"}"#);
        assert_eq!((raw.error_type.as_str(), raw.message.as_str()), ("B", "b"));
        let raw = read(r#"{"exception":{"values":[{"type":"Error","value":"m","mechanism":{"synthetic":true}}]}}"#);
        assert_eq!((raw.error_type.as_str(), raw.message.as_str()), (NO_TYPE, "m"));
    }

    #[test]
    fn a_message_has_many_shapes() {
        for event in [
            r#"{"message":"job 42 failed"}"#,
            r#"{"message":{"formatted":"job 42 failed","message":"job %s failed"}}"#,
            r#"{"message":"","logentry":{"message":"job 42 failed","formatted":null}}"#,
            r#"{"exception":null,"logentry":"job 42 failed"}"#,
            r#"{"exception":{"values":[{"value":"job 42 failed"}]}}"#,
            r#"{"exception":{"values":[{"stacktrace":{"frames":[{"function":"f"}]}}]},"message":"job 42 failed"}"#,
        ] {
            let raw = read(event);
            assert_eq!((raw.error_type.as_str(), raw.message.as_str()), (NO_TYPE, "job 42 failed"), "{event}");
        }
        assert_eq!(read("{}").message, "");
    }

    #[test]
    fn only_a_fatal_event_has_a_severity() {
        let severity =
            |level: &str, kind: &str| read(&format!(r#"{{"level":"{level}","exception":[{{"type":"{kind}","value":"x"}}]}}"#)).severity;
        assert_eq!(severity("error", "ValueError"), None);
        assert_eq!(severity("fatal", "ValueError"), Some(Severity::High));
        assert_eq!(severity("fatal", "MemoryError"), Some(Severity::Critical));
        assert_eq!(severity("fatal", "KeyboardInterrupt"), None);
    }

    #[test]
    fn an_app_is_the_part_of_its_release_before_the_at_sign() {
        let check = |release: &str, app: Option<&str>, expected: (Option<&str>, Option<&str>)| {
            let (app, release) = app_and_release(Some(release.to_owned()), app);
            assert_eq!((app.as_deref(), release.as_deref()), expected);
        };
        check("billing@1.4.2+9f3c2ab", None, (Some("billing"), Some("1.4.2+9f3c2ab")));
        check("billing@1.4.2", Some("billing"), (Some("billing"), Some("1.4.2")));
        check("billing@1.4.2", Some("shop"), (Some("shop"), Some("billing@1.4.2")));
        check("1.4.2", None, (None, Some("1.4.2")));
        check("@1.4.2", None, (None, Some("@1.4.2")));
    }

    #[test]
    fn times_are_corrected_only_when_the_senders_clock_is_off() {
        let at = UnixMillis(NOW.0 - 5_000);
        assert_eq!(corrected(at, None, NOW), at);
        assert_eq!(corrected(at, Some(UnixMillis(NOW.0 - 4_000)), NOW), at);
        let off = 7_200_000;
        assert_eq!(corrected(UnixMillis(at.0 - off), Some(UnixMillis(NOW.0 - off)), NOW), at);
        assert_eq!(corrected(UnixMillis(0), Some(UnixMillis(u64::MAX)), NOW), UnixMillis(0));
    }

    #[test]
    fn everything_around_an_error_is_mapped() {
        let raw = read(
            r#"{"platform":"python","server_name":"web-1","environment":"prod","logger":"jobs","dist":"7","tags":[["a","b"],["c",3],[],7],
            "contexts":{"os":{"name":"Linux","version":"6.1\n"},"rust":{"type":"runtime","name":"rustc","version":"1.95"},
            "device":{"arch":"x86_64"},"state":[1]},"extra":{"sys.argv":["a.py","-x"],"other":{"deep":[]}},"fingerprint":["{{ default }}",5],
            "breadcrumbs":[{"message":"start","category":"http","level":"info"},{"category":"x"},{"message":"end"}],
            "exception":[{"type":"E","mechanism":{"type":"excepthook"}}],"timestamp":1795612232.5}"#,
        );
        let system = raw.system.unwrap();
        assert_eq!((system.os.as_str(), system.arch.as_str(), system.host.as_str()), ("Linux 6.1", "x86_64", "web-1"));
        assert_eq!(system.runtime, "rustc 1.95");
        assert_eq!(raw.logs, ["info http: start", "end"]);
        assert_eq!(raw.command, ["a.py", "-x"]);
        assert_eq!(raw.fingerprint, ["{{ default }}", "5"]);
        assert_eq!(raw.at, Some(UnixMillis(1_795_612_232_500)));
        let tags: Vec<(&str, &str)> = raw.tags.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
        assert_eq!(tags, [("a", "b"), ("c", "3"), ("dist", "7"), ("handled", "no"), ("logger", "jobs"), ("sdk", "sentry.test 1.0")]);
    }
}
