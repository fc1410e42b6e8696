//! What the settings mean: each value checked against what is allowed, every fault noted, none of them final.
//!
//! A wrong value reads as a placeholder, so that reading goes on and all faults are found; the result counts only if there was none.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::duration;
use super::fault::{Fault, Origin, hide_secrets};
use super::settings::{Setting, Settings, Value};

/// Reads settings by key. A key that does not exist is a bug of the caller and becomes a fault.
pub(super) struct Reader<'a> {
    settings: &'a mut Settings,
    faults: &'a mut Vec<Fault>,
    home: Option<PathBuf>,
    working_dir: &'a Path,
}

impl<'a> Reader<'a> {
    pub(super) fn new(settings: &'a mut Settings, faults: &'a mut Vec<Fault>, home: Option<PathBuf>, working_dir: &'a Path) -> Self {
        Self { settings, faults, home, working_dir }
    }

    /// Returns whether every source could be read and understood. If not, what seems to be missing may be there.
    pub(super) fn has_whole_sources(&self) -> bool {
        !self.faults.iter().any(|fault| fault.key.is_empty())
    }

    /// Returns whether nothing is wrong with a setting so far.
    pub(super) fn is_sound(&self, key: &str) -> bool {
        !self.faults.iter().any(|fault| fault.key == key)
    }

    /// Returns whether a setting has its default value, also where a source gave just that.
    pub(super) fn is_default(&self, key: &str) -> bool {
        self.setting(key).is_none_or(Setting::is_default)
    }

    /// Returns whether any source gave a setting, also where it gave the default value.
    pub(super) fn is_given(&self, key: &str) -> bool {
        self.setting(key).is_some_and(|setting| setting.origin != Origin::Default)
    }

    /// Gives a setting that nobody gave the value that follows from another one.
    pub(super) fn follow(&mut self, key: &str, text: &str, from: &str) {
        let origin = self.setting(from).map_or(Origin::Default, |setting| setting.origin.clone());
        self.settings.set(key, Value::Text(text.to_owned()), origin);
    }

    /// Notes that a setting's value does not do.
    pub(super) fn refuse(&mut self, key: &str, problem: impl Into<String>) {
        let value = self.settings.get(key).map(|setting| setting.value.to_toml()).unwrap_or_default();
        self.refuse_value(key, &value, problem);
    }

    /// Notes that something is wrong with a setting, without showing its value.
    pub(super) fn refuse_key(&mut self, key: &str, problem: impl Into<String>) {
        let origin = self.setting(key).map_or(Origin::Default, |setting| setting.origin.clone());
        self.faults.push(Fault::of_key(origin, key, problem));
    }

    pub(super) fn switch(&mut self, key: &str) -> bool {
        let Some(setting) = self.setting(key) else { return false };
        if let Value::Switch(switch) = setting.value {
            return switch;
        }
        let allowed = match setting.origin {
            Origin::Environment(_) => "allowed are true, 1, yes, on, false, 0, no, off",
            Origin::Default | Origin::File(..) | Origin::Flag(_) => "allowed are true and false, without quotes",
        };
        self.refuse(key, allowed);
        false
    }

    /// Reads a whole number within a range.
    pub(super) fn number<N: TryFrom<i64> + PartialOrd + Copy + std::fmt::Display + Default>(
        &mut self,
        key: &str,
        range: RangeInclusive<N>,
    ) -> N {
        let number = match self.setting(key).map(|setting| &setting.value) {
            Some(Value::Number(number)) => N::try_from(*number).ok().filter(|number| range.contains(number)),
            Some(Value::Text(_) | Value::Switch(_) | Value::List(_) | Value::Tables(_) | Value::Other(_)) | None => None,
        };
        number.unwrap_or_else(|| {
            self.refuse(key, format!("allowed is a whole number from {} to {}", range.start(), range.end()));
            N::default()
        })
    }

    /// Reads a duration within a range.
    pub(super) fn duration(&mut self, key: &str, range: RangeInclusive<Duration>) -> Duration {
        let read = |setting: &Setting| match &setting.value {
            Value::Text(text) => duration::parse(text).ok().filter(|duration| range.contains(duration)),
            Value::Number(_) | Value::Switch(_) | Value::List(_) | Value::Tables(_) | Value::Other(_) => None,
        };
        self.setting(key).and_then(read).unwrap_or_else(|| {
            let (least, most) = (duration::format(*range.start()), duration::format(*range.end()));
            self.refuse(key, format!("allowed is a duration from {least} to {most}, a number with ms, s, m, h or d"));
            Duration::ZERO
        })
    }

    /// Reads a text that `parse` takes. `allowed` completes the sentence "allowed is …".
    pub(super) fn text<T>(&mut self, key: &str, allowed: &str, parse: impl FnOnce(&str) -> Option<T>) -> Option<T> {
        let value = match self.setting(key).map(|setting| &setting.value) {
            Some(Value::Text(text)) if !text.contains(char::is_control) => parse(text),
            Some(Value::Text(_) | Value::Number(_) | Value::Switch(_) | Value::List(_) | Value::Tables(_) | Value::Other(_)) | None => None,
        };
        if value.is_none() {
            self.refuse(key, format!("allowed is {allowed}"));
        }
        value
    }

    /// Reads a list of texts that `parse` takes, or says what is allowed. `example` completes the sentence "allowed is a list such as …".
    pub(super) fn list<T>(&mut self, key: &str, example: &str, parse: impl Fn(&str) -> Result<T, String>) -> Vec<T> {
        let Some(Value::List(items)) = self.setting(key).map(|setting| setting.value.clone()) else {
            self.refuse(key, format!("allowed is a list such as {example}"));
            return Vec::new();
        };
        let mut values = Vec::new();
        for item in items {
            let no_control = if item.contains(char::is_control) { Err("control characters are not allowed".to_owned()) } else { Ok(()) };
            match no_control.and_then(|()| parse(&item)) {
                Ok(value) => values.push(value),
                Err(problem) => self.refuse_value(key, &Value::Text(item).to_toml(), problem),
            }
        }
        values
    }

    /// Reads tables under one name, each by `read`, which says what is wrong with one. What it did not ask for is unknown.
    pub(super) fn tables<T>(&mut self, key: &str, read: impl Fn(&mut Row) -> Result<T, String>) -> Vec<T> {
        let tables = match self.setting(key).map(|setting| &setting.value) {
            Some(Value::Tables(tables)) => tables.clone(),
            Some(Value::List(items)) if items.is_empty() => Vec::new(),
            Some(Value::Text(_) | Value::Number(_) | Value::Switch(_) | Value::List(_) | Value::Other(_)) | None => {
                self.refuse(key, format!("allowed are tables in a file, each under a line [[{key}]]"));
                return Vec::new();
            }
        };
        let mut values = Vec::new();
        for (number, table) in (1..).zip(tables) {
            let mut row = Row { left: table, problem: None };
            let value = read(&mut row);
            let unknown = || row.left.keys().next().map(|name| format!("{name} is unknown there"));
            match (row.problem.take().or_else(unknown), value) {
                (None, Ok(value)) => values.push(value),
                (Some(problem), _) | (None, Err(problem)) => {
                    self.refuse_key(key, format!("number {number}: {problem}"));
                }
            }
        }
        values
    }

    /// Reads a path. `<data_dir>` at its beginning stands for `data_dir`.
    pub(super) fn path(&mut self, key: &str, data_dir: &Path) -> PathBuf {
        self.optional_path(key, data_dir).unwrap_or_else(|| {
            if self.is_sound(key) {
                self.refuse(key, "allowed is a path");
            }
            PathBuf::new()
        })
    }

    /// Reads a path; an empty text is none.
    pub(super) fn optional_path(&mut self, key: &str, data_dir: &Path) -> Option<PathBuf> {
        let text = self.text(key, "a path in quotes", |text| Some(text.to_owned())).filter(|text| !text.is_empty())?;
        if hide_secrets(&text).is_some() {
            self.refuse(key, "this is a secret itself; write it into a file and name the file here");
            return None;
        }
        let origin = self.setting(key)?.origin.clone();
        let path = match self.expand(&text, &origin, data_dir) {
            Ok(path) => path,
            Err(problem) => {
                self.refuse(key, problem);
                return None;
            }
        };
        self.settings.set(key, Value::Text(path.to_string_lossy().into_owned()), origin);
        Some(path)
    }

    fn expand(&self, text: &str, origin: &Origin, data_dir: &Path) -> Result<PathBuf, &'static str> {
        if let Some(rest) = below(text, "<data_dir>") {
            return Ok(join(data_dir, rest));
        }
        if let Some(rest) = below(text, "~") {
            let home = self.home.as_deref().ok_or("there is no HOME in the environment; give the whole path")?;
            return Ok(join(home, rest));
        }
        if text.starts_with('~') {
            return Err("of the home directories only one's own is known, as ~/…; give the whole path");
        }
        let folder = match origin {
            Origin::File(file, _) => self.working_dir.join(file).parent().map(Path::to_owned),
            Origin::Default | Origin::Environment(_) | Origin::Flag(_) => None,
        };
        Ok(folder.as_deref().unwrap_or(self.working_dir).join(text))
    }

    fn setting(&self, key: &str) -> Option<&Setting> {
        self.settings.get(key)
    }

    fn refuse_value(&mut self, key: &str, value: &str, problem: impl Into<String>) {
        let origin = self.setting(key).map_or(Origin::Default, |setting| setting.origin.clone());
        self.faults.push(Fault::of_value(origin, key, value, problem));
    }
}

/// One of several tables under one name.
pub(super) struct Row {
    left: BTreeMap<String, Value>,
    problem: Option<String>,
}

impl Row {
    /// Takes a text out.
    pub(super) fn text(&mut self, name: &str) -> Option<String> {
        match self.left.remove(name)? {
            Value::Text(text) if !text.is_empty() => return Some(text),
            Value::Text(_) | Value::Number(_) | Value::Switch(_) | Value::List(_) | Value::Tables(_) | Value::Other(_) => {}
        }
        self.refuse(format!("{name} has to be a text in quotes, and not empty"));
        None
    }

    /// Takes a switch out.
    pub(super) fn switch(&mut self, name: &str) -> Option<bool> {
        match self.left.remove(name)? {
            Value::Switch(switch) => return Some(switch),
            Value::Text(_) | Value::Number(_) | Value::List(_) | Value::Tables(_) | Value::Other(_) => {}
        }
        self.refuse(format!("{name} has to be true or false, without quotes"));
        None
    }

    /// Takes a list of texts out.
    pub(super) fn list(&mut self, name: &str) -> Option<Vec<String>> {
        match self.left.remove(name)? {
            Value::List(items) if !items.is_empty() => return Some(items),
            Value::Text(_) | Value::Number(_) | Value::Switch(_) | Value::List(_) | Value::Tables(_) | Value::Other(_) => {}
        }
        self.refuse(format!("{name} has to be a list of texts, such as [\"checkout\"]"));
        None
    }

    fn refuse(&mut self, problem: String) {
        self.problem.get_or_insert(problem);
    }
}

/// Returns what follows `folder` in a path, if it begins with it.
fn below<'a>(path: &'a str, folder: &str) -> Option<&'a str> {
    let rest = path.strip_prefix(folder)?;
    if rest.is_empty() { Some(rest) } else { rest.strip_prefix('/') }
}

fn join(folder: &Path, rest: &str) -> PathBuf {
    if rest.is_empty() { folder.to_owned() } else { folder.join(rest) }
}
