//! The settings before they mean anything: key, value, and where the value comes from, laid over each other source by source.
//!
//! Which keys exist is decided by `default.toml` alone; names of environment variables follow from the keys. Unknown keys and variables are
//! found here; whether a value is allowed is `reader.rs`'s matter. Reads no file and no environment of its own.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::fmt::Write as _;
use std::path::Path;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::fault::{Fault, Origin};
use super::sources::{Environment, Overrides};
use super::suggestion::nearest;

/// Shorter names of some settings' variables, the stronger first. The full name is stronger than either.
const ALIASES: [(&str, [&str; 2]); 4] = [
    ("forge.auto_issue", ["HEALNODE_AUTO_ISSUE", "IPFS_AUTO_ISSUE"]),
    ("forge.auto_pr", ["HEALNODE_AUTO_PR", "IPFS_AUTO_PR"]),
    ("forge.auto_heal", ["HEALNODE_AUTO_HEAL", "IPFS_AUTO_HEAL"]),
    ("forge.repo", ["HEALNODE_REPO", "IPFS_REPO"]),
];

/// What the full name of every setting's variable begins with.
const PREFIX: &str = "HEALNODE_";

/// Variables that begin like settings and are none: which file to read, the token, the log filter, where the Copilot CLI is.
const NO_SETTINGS: [&str; 4] = ["HEALNODE_CONFIG", "HEALNODE_GITHUB_TOKEN", "HEALNODE_LOG", "HEALNODE_COPILOT_BIN"];

/// What other variables that are none begin with: those of the tests, and those that Kubernetes gives every container beside a service
/// called healnode.
const NO_SETTINGS_PREFIXES: [&str; 3] = ["HEALNODE_TESTS_", "HEALNODE_SERVICE_", "HEALNODE_PORT"];

/// Where the comments begin that say where a setting comes from. Most settings are shorter.
const COMMENT_COLUMN: usize = 56;

/// Every setting, in the order of `default.toml`.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Settings(Vec<Setting>);

/// One setting.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Setting {
    /// Its key with its section, such as `bundle.interval`.
    pub(super) key: String,
    /// Its value.
    pub(super) value: Value,
    /// Where the value comes from.
    pub(super) origin: Origin,
    default: Value,
}

/// A value as a source gives it.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Value {
    Text(String),
    Number(i64),
    Switch(bool),
    List(Vec<String>),
    /// Tables under one name, as `[[section.name]]` in a file. Each value is under its key.
    Tables(Vec<BTreeMap<String, Value>>),
    /// What no setting takes, as it stands in the file.
    Other(String),
}

impl Settings {
    /// Reads the built-in defaults, which say what settings there are.
    pub(super) fn of_defaults(text: &str) -> Self {
        let (table, _) = DeTable::parse_recoverable(text);
        let mut leaves = Vec::new();
        collect_leaves(table.get_ref(), "", &|_| false, &mut leaves);
        leaves.sort_by_key(|leaf| leaf.value.span().start);
        let setting = |leaf: Leaf<'_>| {
            let value = Value::of_toml(leaf.value, text);
            Setting { key: leaf.key, default: value.clone(), value, origin: Origin::Default }
        };
        Self(leaves.into_iter().map(setting).collect())
    }

    /// Lays the settings of a file over these; none of them when it is not TOML.
    pub(super) fn lay_file(&mut self, path: &Path, text: &str, faults: &mut Vec<Fault>) {
        let origin = |at: usize| Origin::File(path.to_owned(), Some(1 + text.bytes().take(at).filter(|byte| *byte == b'\n').count()));
        let (table, errors) = DeTable::parse_recoverable(text);
        for error in &errors {
            faults.push(Fault::of_key(origin(error.span().map_or(0, |span| span.start)), "", format!("not TOML: {}", error.message())));
        }
        if !errors.is_empty() {
            return;
        }
        let mut leaves = Vec::new();
        collect_leaves(table.get_ref(), "", &|key| self.get(key).is_some(), &mut leaves);
        leaves.sort_by_key(|leaf| leaf.value.span().start);
        for leaf in leaves {
            let origin = origin(leaf.value.span().start);
            if self.get(&leaf.key).is_some() {
                self.set(&leaf.key, Value::of_toml(leaf.value, text), origin);
            } else if !self.is_empty_section(&leaf) {
                faults.push(Fault::of_key(origin, &leaf.key, self.unknown(&leaf.key)));
            }
        }
    }

    /// Lays the environment over these.
    pub(super) fn lay_environment(&mut self, environment: &Environment, faults: &mut Vec<Fault>) {
        let mut known = BTreeSet::new();
        for setting in &mut self.0 {
            let names = variables(&setting.key);
            if let Some((name, text)) = names.iter().find_map(|name| Some((name, environment.get(name)?))) {
                setting.read_text(text, Origin::Environment(name.clone()), faults);
            }
            known.extend(names);
        }
        known.extend(NO_SETTINGS.map(str::to_owned));
        let unknown = |name: &&str| !known.contains(*name) && !NO_SETTINGS_PREFIXES.iter().any(|prefix| name.starts_with(prefix));
        for name in environment.names().filter(unknown) {
            let Some(rest) = name.strip_prefix(PREFIX) else { continue };
            let suggestion =
                nearest(rest, known.iter().filter_map(|known| known.strip_prefix(PREFIX))).map(|rest| format!("{PREFIX}{rest}"));
            faults.push(Fault::of_key(Origin::Environment(name.to_owned()), "", no_such_setting(suggestion.as_deref())));
        }
    }

    /// Lays the flags of the command line over these.
    pub(super) fn lay_flags(&mut self, flags: &Overrides, faults: &mut Vec<Fault>) {
        let log_lines = flags.log_lines.map(|lines| OsString::from(lines.to_string()));
        let flags = [
            ("data_dir", "--data-dir", flags.data_dir.as_ref().map(|path| path.as_os_str())),
            ("status.socket", "--socket", flags.socket.as_ref().map(|path| path.as_os_str())),
            ("capture.log_context_lines", "--log-lines", log_lines.as_deref()),
        ];
        for (key, flag, text) in flags {
            if let (Some(text), Some(setting)) = (text, self.0.iter_mut().find(|setting| setting.key == key)) {
                setting.read_text(text, Origin::Flag(flag), faults);
            }
        }
    }

    /// Returns a setting, if there is one of that key.
    pub(super) fn get(&self, key: &str) -> Option<&Setting> {
        self.0.iter().find(|setting| setting.key == key)
    }

    /// Gives a setting another value. Does nothing when there is none of that key.
    pub(super) fn set(&mut self, key: &str, value: Value, origin: Origin) {
        if let Some(setting) = self.0.iter_mut().find(|setting| setting.key == key) {
            setting.value = value;
            setting.origin = origin;
        }
    }

    /// Returns the variable that a setting was taken from, if it was.
    pub(super) fn variable_of(&self, key: &str) -> Option<&str> {
        match &self.get(key)?.origin {
            Origin::Environment(name) => Some(name),
            Origin::Default | Origin::File(..) | Origin::Flag(_) => None,
        }
    }

    /// Returns what settings come from besides the defaults, each once.
    pub(super) fn origins(&self) -> Vec<String> {
        let mut origins = Vec::new();
        for setting in &self.0 {
            let origin = match &setting.origin {
                Origin::Default => continue,
                Origin::File(path, _line) => path.display().to_string(),
                Origin::Environment(name) => format!("${name}"),
                Origin::Flag(flag) => (*flag).to_owned(),
            };
            if !origins.contains(&origin) {
                origins.push(origin);
            }
        }
        origins
    }

    /// Returns all settings as TOML, each with a comment that says where it comes from.
    pub(super) fn to_toml(&self) -> String {
        let mut toml = String::new();
        let mut section = "";
        for setting in &self.0 {
            let (its_section, name) = setting.key.rsplit_once('.').unwrap_or(("", &setting.key));
            if its_section != section {
                section = its_section;
                let _infallible = write!(toml, "\n[{section}]\n");
            }
            let line = format!("{name} = {}", setting.value.to_toml());
            let _infallible = writeln!(toml, "{line:COMMENT_COLUMN$} # {}", setting.origin);
        }
        toml
    }

    #[cfg(test)]
    pub(super) fn variables(&self) -> Vec<String> {
        self.0.iter().flat_map(|setting| variables(&setting.key)).collect()
    }

    fn unknown(&self, key: &str) -> String {
        if self.is_section(key) {
            return format!("a section, not a value; write [{key}] and its keys on lines of their own");
        }
        no_such_setting(nearest(key, self.0.iter().map(|setting| setting.key.as_str())))
    }

    fn is_section(&self, key: &str) -> bool {
        self.0.iter().any(|setting| setting.key.strip_prefix(key).is_some_and(|rest| rest.starts_with('.')))
    }

    fn is_empty_section(&self, leaf: &Leaf<'_>) -> bool {
        self.is_section(&leaf.key) && leaf.value.get_ref().as_table().is_some_and(DeTable::is_empty)
    }
}

impl Setting {
    /// Returns whether it has its default value.
    pub(super) fn is_default(&self) -> bool {
        self.value == self.default
    }

    /// Takes the value from a text, in the form that the default has. What does not have that form is left for the reader to refuse.
    fn read_text(&mut self, text: &OsStr, origin: Origin, faults: &mut Vec<Fault>) {
        let Some(text) = text.to_str() else {
            faults.push(Fault::of_key(origin, &self.key, "the value is not UTF-8"));
            return;
        };
        let value = match self.default {
            Value::Switch(_) => read_switch(text).map(Value::Switch),
            Value::Number(_) => text.trim().parse().ok().map(Value::Number),
            Value::List(_) => {
                Some(Value::List(text.split(',').map(str::trim).filter(|item| !item.is_empty()).map(str::to_owned).collect()))
            }
            Value::Text(_) | Value::Tables(_) | Value::Other(_) => None,
        };
        self.value = value.unwrap_or_else(|| Value::Text(text.to_owned()));
        self.origin = origin;
    }
}

impl Value {
    fn of_toml(value: &Spanned<DeValue<'_>>, source: &str) -> Self {
        let known = match value.get_ref() {
            DeValue::String(text) => Some(Value::Text(text.clone().into_owned())),
            DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix()).ok().map(Value::Number),
            DeValue::Boolean(switch) => Some(Value::Switch(*switch)),
            DeValue::Array(items) if items.iter().any(|item| item.get_ref().is_table()) => {
                items.iter().map(|item| Some(table_of_toml(item.get_ref().as_table()?, source))).collect::<Option<_>>().map(Value::Tables)
            }
            DeValue::Array(items) => {
                items.iter().map(|item| item.get_ref().as_str().map(str::to_owned)).collect::<Option<_>>().map(Value::List)
            }
            DeValue::Float(_) | DeValue::Datetime(_) | DeValue::Table(_) => None,
        };
        known.unwrap_or_else(|| Value::Other(source.get(value.span()).unwrap_or_default().to_owned()))
    }

    /// Returns the value as it stands in a file.
    pub(super) fn to_toml(&self) -> String {
        match self {
            Value::Text(text) => toml::Value::from(text.as_str()).to_string(),
            Value::Number(number) => number.to_string(),
            Value::Switch(switch) => switch.to_string(),
            Value::List(items) => toml::Value::from(items.clone()).to_string(),
            Value::Tables(tables) => format!("[{}]", tables.iter().map(table_to_toml).collect::<Vec<_>>().join(", ")),
            Value::Other(text) => text.clone(),
        }
    }
}

fn table_of_toml(table: &DeTable<'_>, source: &str) -> BTreeMap<String, Value> {
    table.iter().map(|(name, value)| (name.get_ref().clone().into_owned(), Value::of_toml(value, source))).collect()
}

fn table_to_toml(table: &BTreeMap<String, Value>) -> String {
    let pairs: Vec<String> = table.iter().map(|(name, value)| format!("{name} = {}", value.to_toml())).collect();
    format!("{{ {} }}", pairs.join(", "))
}

/// A value in a file that is no section.
struct Leaf<'a> {
    key: String,
    value: &'a Spanned<DeValue<'a>>,
}

/// Collects what is no section; what is empty, or is given for a key that `is_key`, is none.
fn collect_leaves<'a>(table: &'a DeTable<'a>, prefix: &str, is_key: &dyn Fn(&str) -> bool, leaves: &mut Vec<Leaf<'a>>) {
    for (name, value) in table {
        let key = format!("{prefix}{}", name.get_ref());
        match value.get_ref().as_table() {
            Some(section) if !section.is_empty() && !is_key(&key) => collect_leaves(section, &format!("{key}."), is_key, leaves),
            Some(_) | None => leaves.push(Leaf { key, value }),
        }
    }
}

/// Returns the names of a setting's variables, the strongest first.
fn variables(key: &str) -> Vec<String> {
    let full = format!("{PREFIX}{}", key.to_uppercase().replace('.', "_"));
    let aliases = ALIASES.iter().filter(|(aliased, _)| *aliased == key).flat_map(|(_, names)| names.map(str::to_owned));
    std::iter::once(full).chain(aliases).collect()
}

fn read_switch(text: &str) -> Option<bool> {
    match text.trim().to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" | "on" => Some(true),
        "false" | "0" | "no" | "off" => Some(false),
        _ => None,
    }
}

fn no_such_setting(suggestion: Option<&str>) -> String {
    match suggestion {
        Some(name) => format!("no such setting; did you mean {name}?"),
        None => "no such setting; `healnode config --default` lists all".to_owned(),
    }
}
