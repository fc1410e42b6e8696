//! Writes exceptions and frames the way their language prints them.
//!
//! So a crash that an SDK reports and the same crash on the standard error of a command read alike, down to their fingerprints. Source lines
//! are left out, except the one that Python prints. Whose code a frame is, is not decided here.

mod dotnet;
mod go;
mod java;
mod javascript;
mod links;
mod native;
mod php;
mod python;
mod ruby;
mod rust;

use crate::limits::FRAME_FIELD_BYTES_MAX;
use crate::sentry::event::{Exception, Frame};
use crate::text::NO_TYPE;

/// How traces are printed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Language {
    Python,
    JavaScript,
    Java,
    Go,
    Ruby,
    Php,
    DotNet,
    Rust,
    Native,
}

/// Endings of source files, for events whose platform says nothing.
const ENDINGS: &[(&str, Language)] = &[
    (".py", Language::Python),
    (".js", Language::JavaScript),
    (".mjs", Language::JavaScript),
    (".cjs", Language::JavaScript),
    (".ts", Language::JavaScript),
    (".tsx", Language::JavaScript),
    (".jsx", Language::JavaScript),
    (".java", Language::Java),
    (".kt", Language::Java),
    (".scala", Language::Java),
    (".go", Language::Go),
    (".rb", Language::Ruby),
    (".php", Language::Php),
    (".cs", Language::DotNet),
    (".fs", Language::DotNet),
    (".rs", Language::Rust),
];

impl Language {
    /// Judges by the platform that an event names, by its SDK, and else by the files of its frames.
    pub(crate) fn of(platform: Option<&str>, sdk: Option<&str>, chain: &[Exception]) -> Language {
        match platform.unwrap_or_default() {
            "python" => Language::Python,
            "javascript" | "node" => Language::JavaScript,
            "java" => Language::Java,
            "go" => Language::Go,
            "ruby" => Language::Ruby,
            "php" => Language::Php,
            "csharp" => Language::DotNet,
            "rust" => Language::Rust,
            _ if sdk.is_some_and(|sdk| sdk.starts_with("sentry.rust")) => Language::Rust,
            _ => Language::of_files(chain).unwrap_or(Language::Native),
        }
    }

    fn of_files(chain: &[Exception]) -> Option<Language> {
        let frames = chain.iter().flat_map(|exception| &exception.stacktrace.frames.0);
        frames
            .filter_map(Frame::path)
            .find_map(|path| ENDINGS.iter().find(|(ending, _)| path.ends_with(ending)))
            .map(|(_, language)| *language)
    }
}

/// Writes a chain, the innermost cause first in it. `None` when there is neither a frame nor a cause.
pub(crate) fn render(language: Language, chain: &[Exception]) -> Option<String> {
    if chain.len() < 2 && chain.iter().all(|exception| frames(exception).next().is_none()) {
        return None;
    }
    let mut out = String::new();
    match language {
        Language::Python => python::render(chain, &mut out),
        Language::JavaScript => javascript::render(chain, &mut out),
        Language::Java => java::render(chain, &mut out),
        Language::Go => go::render(chain, &mut out),
        Language::Ruby => ruby::render(chain, &mut out),
        Language::Php => php::render(chain, &mut out),
        Language::DotNet => dotnet::render(chain, &mut out),
        Language::Rust => rust::render(chain, &mut out),
        Language::Native => native::render(chain, &mut out),
    }
    out.truncate(out.trim_end().len());
    Some(out)
}

/// The name of an exception's type as its language prints it: Python and Java put its module before it.
pub(crate) fn type_name(language: Language, exception: &Exception) -> String {
    let name = exception.kind.as_deref().unwrap_or(NO_TYPE);
    let module = exception.module.as_deref().unwrap_or_default();
    let is_plain = match language {
        Language::Python => matches!(module, "" | "builtins" | "__main__" | "exceptions"),
        Language::Java => module.is_empty() || name.starts_with(&format!("{module}.")),
        Language::JavaScript | Language::Go | Language::Ruby | Language::Php | Language::DotNet | Language::Rust | Language::Native => true,
    };
    if is_plain || exception.kind.is_none() { name.to_owned() } else { format!("{module}.{name}") }
}

/// `Type: message`, or one of them alone.
fn title(language: Language, exception: &Exception) -> String {
    match (exception.kind.as_ref(), exception.value.as_deref()) {
        (None, Some(value)) => value.to_owned(),
        (_, None) => type_name(language, exception),
        (Some(_), Some(value)) => format!("{}: {value}", type_name(language, exception)),
    }
}

/// The frames that say something, the oldest call first.
fn frames(exception: &Exception) -> impl DoubleEndedIterator<Item = &Frame> {
    exception.stacktrace.frames.0.iter().filter(|frame| frame.name().is_some() || frame.path().is_some() || frame.address.is_some())
}

impl Frame {
    /// The function, if it has a name.
    fn name(&self) -> Option<&str> {
        let short = |text: &Option<String>| text.as_ref().filter(|text| text.len() <= FRAME_FIELD_BYTES_MAX).is_some();
        let name = if short(&self.function) { self.function.as_deref() } else { self.raw_function.as_deref() };
        name.filter(|name| name.len() <= FRAME_FIELD_BYTES_MAX && !matches!(*name, "?" | "<unknown>"))
    }

    /// The whole path of the file, else its name.
    fn path(&self) -> Option<&str> {
        [&self.abs_path, &self.filename].into_iter().flatten().map(String::as_str).find(|path| path.len() <= FRAME_FIELD_BYTES_MAX)
    }

    /// The module, if it has one.
    fn owner(&self) -> Option<&str> {
        self.module.as_deref().filter(|module| module.len() <= FRAME_FIELD_BYTES_MAX)
    }

    /// `path:line:column`, as far as it is known.
    fn place(&self) -> Option<String> {
        let mut place = self.path()?.to_owned();
        for number in [self.line, self.line.and(self.column)].into_iter().flatten() {
            place.push_str(&format!(":{number}"));
        }
        Some(place)
    }
}
