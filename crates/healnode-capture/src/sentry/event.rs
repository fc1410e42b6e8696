//! An event as SDKs send it. Every field may be missing, null, or of another kind than it should be.
//!
//! Only what becomes part of an error is read; `vars`, `request`, `user`, `modules` and most of `extra` never enter memory.

use std::collections::BTreeMap;

use healnode_report::UnixMillis;
use serde::de::{IgnoredAny, MapAccess, SeqAccess};

use crate::lenient::{Ends, Lenient, Name, Texts, element, fields, from_broken_json, object, value};
use crate::limits::{BREADCRUMBS_KEPT, EXCEPTIONS_KEPT, FIRST_FRAMES_KEPT, LAST_FRAMES_KEPT, TAGS_MAX, THREADS_MAX};

/// An event.
#[derive(Default)]
pub(crate) struct Event {
    event_id: Option<String>,
    kind: Option<String>,
    level: Option<String>,
    pub(crate) timestamp: Option<UnixMillis>,
    pub(crate) platform: Option<String>,
    pub(crate) release: Option<String>,
    pub(crate) dist: Option<String>,
    pub(crate) environment: Option<String>,
    pub(crate) server_name: Option<String>,
    pub(crate) transaction: Option<String>,
    pub(crate) logger: Option<String>,
    pub(crate) message: Message,
    pub(crate) logentry: Message,
    pub(crate) exceptions: Ends<Exception, EXCEPTIONS_KEPT, EXCEPTIONS_KEPT>,
    pub(crate) threads: Ends<Thread, THREADS_MAX, 0>,
    pub(crate) stacktrace: Stacktrace,
    pub(crate) breadcrumbs: Ends<Breadcrumb, 0, BREADCRUMBS_KEPT>,
    pub(crate) contexts: Contexts,
    pub(crate) tags: Tags,
    pub(crate) fingerprint: Texts,
    pub(crate) extra: Extra,
    pub(crate) sdk: Sdk,
}

fields!(Event {
    "event_id" => event_id,
    "type" => kind,
    "level" => level,
    "timestamp" => timestamp,
    "platform" => platform,
    "release" => release,
    "dist" => dist,
    "environment" => environment,
    "server_name" => server_name,
    "transaction" => transaction,
    "logger" => logger,
    "message" => message,
    "logentry" => logentry,
    "exception" => exceptions,
    "threads" => threads,
    "stacktrace" => stacktrace,
    "breadcrumbs" => breadcrumbs,
    "contexts" => contexts,
    "tags" => tags,
    "fingerprint" => fingerprint,
    "extra" => extra,
    "sdk" => sdk,
});

/// How bad an event is, as far as it matters here.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Level {
    Lower,
    Error,
    Fatal,
}

impl Event {
    /// Reads an event, mending its JSON where it has to. `None` when it is no object even then.
    pub(crate) fn read(payload: &[u8]) -> Option<Event> {
        from_broken_json(payload)
    }

    /// Its own id, as 32 hex digits.
    pub(crate) fn id(&self) -> Option<String> {
        event_id(self.event_id.as_deref()?)
    }

    /// Its level. One that is missing or unknown is `error`.
    pub(crate) fn level(&self) -> Level {
        match self.level.as_deref().unwrap_or_default().trim().to_ascii_lowercase().as_str() {
            "fatal" | "critical" | "emergency" | "alert" => Level::Fatal,
            "warning" | "warn" | "notice" | "info" | "information" | "log" | "debug" | "trace" | "sample" => Level::Lower,
            _ => Level::Error,
        }
    }

    /// Whether it measures a request, as old SDKs send it to the store endpoint.
    pub(crate) fn is_transaction(&self) -> bool {
        self.kind.as_deref() == Some("transaction")
    }

    /// The stack of the thread that crashed, or else the event's own.
    pub(crate) fn take_stack(&mut self) -> Stacktrace {
        let crashed = self.threads.0.iter_mut().find(|thread| thread.crashed == Some(true));
        match crashed.map(|thread| std::mem::take(&mut thread.stacktrace)) {
            Some(stacktrace) if !stacktrace.frames.0.is_empty() => stacktrace,
            Some(_) | None => std::mem::take(&mut self.stacktrace),
        }
    }
}

/// An id as 32 lower-case hex digits, with or without dashes before. `None` for any other text.
pub(crate) fn event_id(text: &str) -> Option<String> {
    let text = text.trim();
    let is_id = text.len() <= 36 && text.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    let digits: String = text.chars().filter(|digit| *digit != '-').collect();
    (is_id && digits.len() == 32).then(|| digits.to_ascii_lowercase())
}

/// A message: a text, or a template and what was made of it.
#[derive(Default)]
pub(crate) struct Message {
    formatted: Option<String>,
    template: Option<String>,
}

impl Message {
    /// What was said.
    pub(crate) fn into_text(self) -> Option<String> {
        self.formatted.or(self.template)
    }
}

impl Lenient for Message {
    fn from_text(text: &str) -> Message {
        Message { formatted: Option::from_text(text), template: None }
    }

    fn from_object<'de, A: MapAccess<'de>>(map: A) -> Result<Message, A::Error> {
        let parts: MessageParts = object(map)?;
        Ok(Message { formatted: parts.formatted, template: parts.message })
    }
}

#[derive(Default)]
struct MessageParts {
    formatted: Option<String>,
    message: Option<String>,
}

fields!(MessageParts { "formatted" => formatted, "message" => message });

/// An exception of a chain.
#[derive(Default)]
pub(crate) struct Exception {
    pub(crate) kind: Option<String>,
    pub(crate) value: Option<String>,
    pub(crate) module: Option<String>,
    pub(crate) stacktrace: Stacktrace,
    pub(crate) mechanism: Mechanism,
}

fields!(Exception { "type" => kind, "value" => value, "module" => module, "stacktrace" => stacktrace, "mechanism" => mechanism });

/// How an exception was caught, and what it is to the others.
#[derive(Default)]
pub(crate) struct Mechanism {
    pub(crate) kind: Option<String>,
    pub(crate) handled: Option<bool>,
    pub(crate) synthetic: Option<bool>,
    pub(crate) source: Option<String>,
    pub(crate) exception_id: Option<u64>,
    pub(crate) parent_id: Option<u64>,
}

fields!(Mechanism {
    "type" => kind,
    "handled" => handled,
    "synthetic" => synthetic,
    "source" => source,
    "exception_id" => exception_id,
    "parent_id" => parent_id,
});

/// Frames, the oldest call first.
#[derive(Default)]
pub(crate) struct Stacktrace {
    pub(crate) frames: Ends<Frame, FIRST_FRAMES_KEPT, LAST_FRAMES_KEPT>,
}

fields!(Stacktrace { "frames" => frames });

/// A place in the code.
#[derive(Clone, PartialEq, Default, Debug)]
pub(crate) struct Frame {
    pub(crate) function: Option<String>,
    pub(crate) raw_function: Option<String>,
    pub(crate) module: Option<String>,
    pub(crate) package: Option<String>,
    pub(crate) filename: Option<String>,
    pub(crate) abs_path: Option<String>,
    pub(crate) line: Option<u64>,
    pub(crate) column: Option<u64>,
    pub(crate) source: Option<String>,
    pub(crate) address: Option<String>,
}

fields!(Frame {
    "function" => function,
    "raw_function" => raw_function,
    "module" => module,
    "package" => package,
    "filename" => filename,
    "abs_path" => abs_path,
    "lineno" => line,
    "colno" => column,
    "context_line" => source,
    "instruction_addr" => address,
});

/// A thread of the process.
#[derive(Default)]
pub(crate) struct Thread {
    crashed: Option<bool>,
    stacktrace: Stacktrace,
}

fields!(Thread { "crashed" => crashed, "stacktrace" => stacktrace });

/// Something that happened before.
#[derive(Default)]
pub(crate) struct Breadcrumb {
    level: Option<String>,
    category: Option<String>,
    message: Option<String>,
}

fields!(Breadcrumb { "level" => level, "category" => category, "message" => message });

impl Breadcrumb {
    /// A log line: level, category, message. `None` without a message.
    pub(crate) fn into_line(self) -> Option<String> {
        let message = self.message?;
        let words: Vec<String> = self.level.into_iter().chain(self.category.map(|category| format!("{category}:"))).collect();
        Some(words.into_iter().chain([message]).collect::<Vec<String>>().join(" "))
    }
}

/// The machine and the runtime.
#[derive(Default)]
pub(crate) struct Contexts {
    pub(crate) os: Context,
    pub(crate) runtime: Context,
    pub(crate) device: Context,
}

/// One of them.
#[derive(Default)]
pub(crate) struct Context {
    kind: Option<String>,
    name: Option<String>,
    version: Option<String>,
    arch: Option<String>,
    machine: Option<String>,
}

fields!(Context { "type" => kind, "name" => name, "version" => version, "arch" => arch, "machine" => machine });

impl Lenient for Contexts {
    fn from_object<'de, A: MapAccess<'de>>(mut map: A) -> Result<Contexts, A::Error> {
        let mut contexts = Contexts::default();
        while let Some(Name(name)) = map.next_key()? {
            let context: Context = value(&mut map)?;
            let is = |kind: &str| name == kind || context.kind.as_deref() == Some(kind);
            let place = if is("os") {
                &mut contexts.os
            } else if is("runtime") {
                &mut contexts.runtime
            } else if is("device") {
                &mut contexts.device
            } else {
                continue;
            };
            if place.is_empty() || name == "runtime" {
                *place = context;
            }
        }
        Ok(contexts)
    }
}

impl Context {
    fn is_empty(&self) -> bool {
        self.name.is_none() && self.version.is_none() && self.arch.is_none()
    }

    /// Its name and version.
    pub(crate) fn label(&self) -> String {
        let parts: Vec<&str> = [&self.name, &self.version].into_iter().flatten().map(|part| part.trim()).collect();
        parts.join(" ")
    }

    /// Its processor.
    pub(crate) fn arch(&self) -> Option<&str> {
        self.arch.as_deref().or(self.machine.as_deref())
    }
}

/// Tags, as an object or as a list of pairs.
#[derive(Default)]
pub(crate) struct Tags(pub(crate) BTreeMap<String, String>);

impl Lenient for Tags {
    fn from_object<'de, A: MapAccess<'de>>(mut map: A) -> Result<Tags, A::Error> {
        let mut tags = BTreeMap::new();
        while let Some(Name(name)) = map.next_key()? {
            if tags.len() == TAGS_MAX {
                map.next_value::<IgnoredAny>()?;
            } else if let Some(text) = value::<Option<String>, A>(&mut map)? {
                tags.insert(name.into_owned(), text);
            }
        }
        Ok(Tags(tags))
    }

    fn from_list<'de, A: SeqAccess<'de>>(mut list: A) -> Result<Tags, A::Error> {
        let mut tags = BTreeMap::new();
        while let Some(Pair(pair)) = element(&mut list)? {
            if tags.len() < TAGS_MAX {
                tags.extend(pair);
            }
        }
        Ok(Tags(tags))
    }
}

#[derive(Default)]
struct Pair(Option<(String, String)>);

impl Lenient for Pair {
    fn from_list<'de, A: SeqAccess<'de>>(list: A) -> Result<Pair, A::Error> {
        let mut texts = Texts::from_list(list)?.0.into_iter();
        Ok(Pair(texts.next().zip(texts.next())))
    }
}

/// What of the extra data is kept: the command.
#[derive(Default)]
pub(crate) struct Extra {
    pub(crate) argv: Texts,
}

fields!(Extra { "sys.argv" => argv });

/// The SDK.
#[derive(Default)]
pub(crate) struct Sdk {
    pub(crate) name: Option<String>,
    version: Option<String>,
}

fields!(Sdk { "name" => name, "version" => version });

impl Sdk {
    /// Its name and version with something between. `None` without a name.
    pub(crate) fn label(&self, between: char) -> Option<String> {
        let name = self.name.as_deref()?;
        Some(self.version.as_deref().map_or_else(|| name.to_owned(), |version| format!("{name}{between}{version}")))
    }
}
