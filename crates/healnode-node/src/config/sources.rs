//! Where a configuration is read from: flags, environment, and at most one file.
//!
//! All of it is handed in, so a test needs no process environment; the only thing read here is the file.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use super::fault::{Fault, Origin};

/// Longest configuration file, in bytes; a longer one is refused. The defaults with all their comments take 8 KiB.
const FILE_BYTES_MAX: u64 = 1024 * 1024;

/// Name of the file in the working directory and in the folders for configuration.
const FILE_NAME: &str = "healnode.toml";

/// The file for the whole system.
const SYSTEM_FILE: &str = "/etc/healnode/healnode.toml";

/// Everything that decides a configuration.
#[derive(Clone, Default, Debug)]
pub struct Sources {
    /// The file that the command line names. It must exist.
    pub file: Option<PathBuf>,
    /// What flags say.
    pub flags: Overrides,
    /// The environment.
    pub environment: Environment,
    /// Where relative paths start.
    pub working_dir: PathBuf,
}

/// Flags that are settings.
#[derive(Clone, Default, Debug)]
pub struct Overrides {
    /// `--data-dir`.
    pub data_dir: Option<PathBuf>,
    /// `--socket`.
    pub socket: Option<PathBuf>,
    /// `--log-lines`.
    pub log_lines: Option<u16>,
}

/// Environment variables by name. Collect it from [`std::env::vars_os`], or from pairs.
#[derive(Clone, Default)]
pub struct Environment(BTreeMap<OsString, OsString>);

impl Environment {
    /// Returns a variable's value.
    pub(super) fn get(&self, name: &str) -> Option<&OsStr> {
        self.0.get(OsStr::new(name)).map(OsString::as_os_str)
    }

    /// Returns a variable's value as a path, unless it is empty.
    pub(super) fn path(&self, name: &str) -> Option<PathBuf> {
        self.get(name).filter(|value| !value.is_empty()).map(PathBuf::from)
    }

    /// Returns the names that are UTF-8; no setting has another.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().filter_map(|name| name.to_str())
    }
}

impl<K: Into<OsString>, V: Into<OsString>> FromIterator<(K, V)> for Environment {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(pairs: I) -> Self {
        Self(pairs.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }
}

/// Shows how many variables there are; their values are not for logs.
impl std::fmt::Debug for Environment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Environment({} variables)", self.0.len())
    }
}

impl Sources {
    /// Returns the configuration file and its text, or nothing when there is none.
    ///
    /// # Errors
    /// When a file that somebody named is not there, or one that is there cannot be read.
    pub(super) fn read_file(&self) -> Result<Option<(PathBuf, String)>, Fault> {
        if let Some(path) = &self.file {
            return self.read_named(path, Origin::Flag("--config"));
        }
        if let Some(path) = self.environment.path("HEALNODE_CONFIG") {
            return self.read_named(&path, Origin::Environment("HEALNODE_CONFIG".to_owned()));
        }
        for path in self.usual_files() {
            match self.read(&path) {
                Ok(text) => return Ok(Some((path, text))),
                Err(error) if is_absent(&error) => {}
                Err(error) => return Err(Fault::of_key(Origin::File(path, None), "", format!("cannot be read: {error}"))),
            }
        }
        Ok(None)
    }

    fn read_named(&self, path: &Path, origin: Origin) -> Result<Option<(PathBuf, String)>, Fault> {
        match self.read(path) {
            Ok(text) => Ok(Some((path.to_owned(), text))),
            Err(error) => Err(Fault::of_key(origin, "", format!("{} cannot be read: {error}", path.display()))),
        }
    }

    fn usual_files(&self) -> impl Iterator<Item = PathBuf> {
        let home_config = || self.environment.path("HOME").map(|home| home.join(".config"));
        let user_file = self.environment.path("XDG_CONFIG_HOME").or_else(home_config).map(|folder| folder.join("healnode").join(FILE_NAME));
        std::iter::once(PathBuf::from(FILE_NAME)).chain(user_file).chain(std::iter::once(PathBuf::from(SYSTEM_FILE)))
    }

    fn read(&self, path: &Path) -> io::Result<String> {
        let mut text = String::new();
        File::open(self.working_dir.join(path))?.take(FILE_BYTES_MAX + 1).read_to_string(&mut text)?;
        if text.len() as u64 > FILE_BYTES_MAX {
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("longer than {FILE_BYTES_MAX} bytes")));
        }
        Ok(text)
    }
}

fn is_absent(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::NotFound || error.kind() == io::ErrorKind::NotADirectory
}
