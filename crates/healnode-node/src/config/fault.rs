//! What is wrong with a configuration, said so that it can be mended: where it stands, the key, the value, and what is allowed.
//!
//! A value is redacted and clipped before it is shown, because tokens end up in the wrong settings. Who finds the faults is `settings.rs`
//! (unknown keys, wrong kinds) and `reader.rs` (wrong values).

use std::fmt::{self, Write as _};
use std::path::PathBuf;

/// Longest part of a wrong value that is shown, in characters. Enough to find it by.
const SHOWN_CHARS_MAX: usize = 80;

/// Everything that is wrong with a configuration. Nothing was started or changed.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub struct ConfigError {
    /// At least one.
    pub faults: Vec<Fault>,
}

/// One thing that is wrong.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fault {
    /// Where it stands.
    pub origin: Origin,
    /// The key, such as `bundle.interval`; empty when the source as a whole is at fault.
    pub key: String,
    /// The value as it may be shown; nothing when the key itself is at fault.
    pub value: Option<String>,
    /// What is wrong with it and what is allowed.
    pub problem: String,
}

/// Where a setting comes from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Origin {
    /// The built-in defaults.
    Default,
    /// A file, and the line if it is known; lines count from 1.
    File(PathBuf, Option<usize>),
    /// An environment variable.
    Environment(String),
    /// A flag of the command line.
    Flag(&'static str),
}

impl Fault {
    /// A key that is wrong, or, when `key` is empty, a source.
    pub(super) fn of_key(origin: Origin, key: &str, problem: impl Into<String>) -> Self {
        Self { origin, key: key.escape_debug().to_string(), value: None, problem: problem.into() }
    }

    /// A value that is wrong, as TOML or as text.
    pub(super) fn of_value(origin: Origin, key: &str, value: &str, problem: impl Into<String>) -> Self {
        Self { value: Some(shown(value)), ..Self::of_key(origin, key, problem) }
    }
}

/// Returns a value as it may be shown: without secrets, without control characters, and not too long.
fn shown(value: &str) -> String {
    let value = hide_secrets(value).unwrap_or_else(|| value.to_owned());
    let mut shown: String = value.chars().take(SHOWN_CHARS_MAX).flat_map(printable).collect();
    if value.chars().nth(SHOWN_CHARS_MAX).is_some() {
        shown.push('…');
    }
    shown
}

/// Returns a value without the secrets in it; nothing when it holds none. Addresses and folders are no secrets here: the operator needs them
/// to find the fault.
pub(super) fn hide_secrets(value: &str) -> Option<String> {
    if value.contains("/key/swarm/psk/") {
        return Some("<swarm-key>".to_owned());
    }
    let redacted = healnode_report::redact(value);
    ["token>", "key>", "jwt>", "password>", "credentials>", "secret>"]
        .iter()
        .any(|kind| redacted.contains(kind))
        .then(|| redacted.into_owned())
}

/// Returns a character, or its number if it could control a terminal or end a line.
fn printable(c: char) -> impl Iterator<Item = char> {
    let control = c.is_control();
    c.escape_default().filter(move |_| control).chain(std::iter::once(c).filter(move |_| !control))
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, fault) in self.faults.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            fault.fmt(f)?;
        }
        Ok(())
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.origin)?;
        if !self.key.is_empty() {
            f.write_str(&self.key)?;
            if let Some(value) = &self.value {
                write!(f, " = {value}")?;
            }
            f.write_str(": ")?;
        }
        f.write_str(&self.problem)
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            Origin::Default => "default".to_owned(),
            Origin::File(path, None) => path.display().to_string(),
            Origin::File(path, Some(line)) => format!("{}:{line}", path.display()),
            Origin::Environment(name) => format!("environment {name}"),
            Origin::Flag(name) => format!("flag {name}"),
        };
        text.chars().flat_map(printable).try_for_each(|c| f.write_char(c))
    }
}
