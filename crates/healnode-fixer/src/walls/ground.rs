//! The ground that fixers and tests stand on: which folders of this machine are readable behind walls, and with which environment.
//!
//! Programs, libraries and toolchains, and of `/etc` what programs look up. Never a folder with secrets: not the data directory, not the
//! home as a whole, not Cargo's credentials. Of a folder that holds something secret only the other parts are readable.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use super::Walls;
use crate::limits::GROUND_ENTRIES_MAX;

/// Folders of the system, where they exist.
const SYSTEM: &[&str] = &[
    "/usr",
    "/bin",
    "/sbin",
    "/lib",
    "/lib32",
    "/lib64",
    "/libx32",
    "/opt",
    "/nix/store",
    "/run/current-system",
    "/proc",
    "/sys/fs/cgroup",
    "/sys/devices/system/cpu",
    "/sys/devices/system/node",
    "/sys/kernel/mm/transparent_hugepage",
];

/// What programs look up in `/etc`. The rest may hold anything, healnode's own configuration for one.
const LOOKED_UP: &[&str] = &[
    "alternatives",
    "ca-certificates",
    "gai.conf",
    "group",
    "host.conf",
    "hosts",
    "java",
    "ld.so.cache",
    "ld.so.conf",
    "ld.so.conf.d",
    "locale.alias",
    "locale.conf",
    "localtime",
    "machine-id",
    "magic",
    "mime.types",
    "nsswitch.conf",
    "os-release",
    "passwd",
    "perl",
    "pki",
    "protocols",
    "resolv.conf",
    "services",
    "shells",
    "ssl",
    "terminfo",
    "timezone",
];

/// In the home, never readable.
const SECRET: &[&str] = &[
    ".ssh",
    ".gnupg",
    ".netrc",
    ".git-credentials",
    ".gitconfig",
    ".aws",
    ".azure",
    ".kube",
    ".docker",
    ".npmrc",
    ".pypirc",
    ".config/gh",
    ".config/git",
    ".config/gcloud",
    ".config/github-copilot",
    ".copilot",
    ".cargo/credentials.toml",
    ".cargo/credentials",
];

/// Variables of the node that a toolchain may need to be found. None of them holds a secret.
const HANDED_ON: &[&str] = &["PATH", "LANG", "RUSTUP_HOME", "RUSTUP_TOOLCHAIN", "PYENV_ROOT", "JAVA_HOME", "GOROOT", "NVM_DIR", "TZ"];

/// What is readable behind walls, and the environment there.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Ground {
    readable: Vec<PathBuf>,
    environment: BTreeMap<String, String>,
    cargo_home: Option<PathBuf>,
}

impl Ground {
    /// Looks at this machine. `extra` is what an operator adds, `secret` what stays unreadable whatever else is said.
    pub(crate) fn look(extra: &[PathBuf], secret: &[PathBuf], variable: impl Fn(&str) -> Option<String>) -> Ground {
        let environment: BTreeMap<String, String> = HANDED_ON
            .iter()
            .filter_map(|name| Some(((*name).to_owned(), variable(name)?)))
            .filter(|(_, value)| !value.is_empty())
            .collect();
        let home = variable("HOME").map(PathBuf::from).filter(|home| home.is_absolute());
        let cargo_home = variable("CARGO_HOME").map(PathBuf::from).or_else(|| home.as_ref().map(|home| home.join(".cargo")));
        let mut named: Vec<PathBuf> = SYSTEM.iter().map(PathBuf::from).collect();
        named.extend(LOOKED_UP.iter().map(|name| Path::new("/etc").join(name)));
        named.extend(toolchains(&environment, home.as_deref(), cargo_home.as_deref()));
        named.extend_from_slice(extra);
        let home_secrets = home.iter().flat_map(|home| SECRET.iter().map(|name| home.join(name)));
        let secret: Vec<PathBuf> = secret.iter().cloned().chain(home_secrets).map(|path| real(&path)).collect();
        let mut readable = Vec::new();
        for path in named {
            keep_apart(&real(&path), &secret, &mut readable);
        }
        Ground { readable, environment, cargo_home }
    }

    /// Walls around a work copy and a private home: both may be changed, the ground may be read, and the ports named be connected to.
    pub(crate) fn walls(&self, work: &Path, home: &Path, ports: &[u16]) -> Walls {
        Walls { writable: vec![work.to_owned(), home.to_owned()], readable: self.readable.clone(), ports: ports.to_vec() }
    }

    /// Whether a path can be read behind walls, without links on its way.
    pub(crate) fn reads(&self, path: &Path) -> bool {
        let path = real(path);
        self.readable.iter().any(|known| path.starts_with(known))
    }

    /// The environment behind walls: the toolchains, a private home, and nothing of the node's.
    pub(crate) fn environment(&self, home: &Path) -> BTreeMap<String, String> {
        let mut environment = self.environment.clone();
        environment.entry("LANG".into()).or_insert_with(|| "C.UTF-8".into());
        let own = [
            ("HOME", home.to_owned()),
            ("TMPDIR", home.join("tmp")),
            ("CARGO_HOME", home.join(".cargo")),
            ("XDG_CONFIG_HOME", home.join(".config")),
            ("XDG_CACHE_HOME", home.join(".cache")),
            ("GIT_CONFIG_GLOBAL", "/dev/null".into()),
        ];
        environment.extend(own.into_iter().map(|(name, path)| (name.to_owned(), path.to_string_lossy().into_owned())));
        let settings = [("GIT_CONFIG_NOSYSTEM", "1"), ("CARGO_NET_OFFLINE", "true"), ("PYTHONDONTWRITEBYTECODE", "1"), ("NO_COLOR", "1")];
        environment.extend(settings.map(|(name, value)| (name.to_owned(), value.to_owned())));
        // Names are looked up over TCP, the only thing that a port can be opened for.
        environment.insert("RES_OPTIONS".into(), "use-vc".into());
        environment
    }

    /// Furnishes an empty private home: a folder for temporary files, and links to the crates that Cargo has already.
    pub(crate) fn furnish(&self, home: &Path) -> io::Result<()> {
        fs::create_dir_all(home.join("tmp"))?;
        fs::create_dir_all(home.join(".cargo"))?;
        for name in ["registry", "git"] {
            let crates = self.cargo_home.iter().map(|home| home.join(name)).find(|path| path.is_dir());
            if let Some(crates) = crates {
                symlink(crates, home.join(".cargo").join(name))?;
            }
        }
        Ok(())
    }
}

/// Folders of the toolchains: those on the path, what lies beside their `bin` and `shims`, Cargo's crates, Rust's compilers.
fn toolchains(environment: &BTreeMap<String, String>, home: Option<&Path>, cargo_home: Option<&Path>) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = Vec::new();
    let path = environment.get("PATH").map(std::env::split_paths).into_iter().flatten();
    for folder in path.filter(|folder| folder.is_absolute()) {
        let beside = folder.parent().filter(|_| folder.ends_with("bin") || folder.ends_with("shims"));
        found.extend(beside.filter(|beside| is_toolchain(beside, home, cargo_home)).map(Path::to_owned));
        found.push(folder);
    }
    found.extend(cargo_home.iter().flat_map(|home| ["bin", "registry", "git"].map(|name| home.join(name))));
    found.extend(
        ["RUSTUP_HOME", "PYENV_ROOT", "JAVA_HOME", "GOROOT", "NVM_DIR"].iter().filter_map(|name| environment.get(*name)).map(PathBuf::from),
    );
    found.extend(home.filter(|_| !environment.contains_key("RUSTUP_HOME")).map(|home| home.join(".rustup")));
    found
}

/// Whether a folder with programs in it holds nothing else: not the root, not a home, not Cargo's with its credentials.
fn is_toolchain(folder: &Path, home: Option<&Path>, cargo_home: Option<&Path>) -> bool {
    folder.parent().is_some()
        && home.is_none_or(|home| !home.starts_with(folder) && folder != home.join(".local"))
        && cargo_home != Some(folder)
}

/// A path without links, or as it is when it does not exist.
fn real(path: &Path) -> PathBuf {
    fs::canonicalize(path).unwrap_or_else(|_| path.to_owned())
}

/// Adds a path, or of a folder that holds a secret those parts of it that do not.
fn keep_apart(path: &Path, secret: &[PathBuf], readable: &mut Vec<PathBuf>) {
    if readable.iter().any(|known| path.starts_with(known)) || secret.iter().any(|secret| path.starts_with(secret)) {
        return;
    }
    if !secret.iter().any(|secret| secret.starts_with(path)) {
        readable.push(path.to_owned());
        return;
    }
    let entries = fs::read_dir(path).into_iter().flatten().take(GROUND_ENTRIES_MAX);
    for entry in entries.flatten().filter(|entry| entry.file_type().is_ok_and(|kind| !kind.is_symlink())) {
        keep_apart(&entry.path(), secret, readable);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ground(home: &Path, path: &str, secret: &[PathBuf]) -> Ground {
        let variable = |name: &str| match name {
            "HOME" => Some(home.to_string_lossy().into_owned()),
            "PATH" => Some(path.to_owned()),
            "GITHUB_TOKEN" => Some("ghp_secret".to_owned()),
            _ => None,
        };
        Ground::look(&[], secret, variable)
    }

    #[test]
    fn toolchains_are_readable_and_the_secrets_beside_them_are_not() {
        let home = tempfile::tempdir().unwrap();
        let home = home.path().canonicalize().unwrap();
        for folder in [".cargo/bin", ".cargo/registry", ".ssh", "tools/go/bin", ".local/bin"] {
            fs::create_dir_all(home.join(folder)).unwrap();
        }
        let path = format!("{0}/.cargo/bin:{0}/tools/go/bin:{0}/.local/bin:/usr/bin", home.display());
        let ground = ground(&home, &path, &[]);
        for (name, expected) in [
            (".cargo/bin/cargo", true),
            (".cargo/registry/src", true),
            (".cargo/credentials.toml", false),
            ("tools/go/src", true),
            (".local/bin/tool", true),
            (".local/share/keyrings", false),
            (".ssh/id_ed25519", false),
            ("notes.txt", false),
        ] {
            assert_eq!(ground.reads(&home.join(name)), expected, "{name}");
        }
        assert!(!ground.reads(Path::new("/etc/shadow")) && !ground.reads(Path::new("/etc/healnode/token")));
        assert!(!ground.environment(&home).values().any(|value| value.contains("ghp_")));
    }

    #[test]
    fn a_data_directory_within_a_toolchain_stays_unreadable() {
        let home = tempfile::tempdir().unwrap();
        let home = home.path().canonicalize().unwrap();
        fs::create_dir_all(home.join("app/bin")).unwrap();
        fs::create_dir_all(home.join("app/lib")).unwrap();
        fs::create_dir_all(home.join("app/data/fix")).unwrap();
        let ground = ground(&home, &format!("{}/app/bin", home.display()), &[home.join("app/data")]);
        assert!(ground.reads(&home.join("app/lib/x")));
        assert!(!ground.reads(&home.join("app/data/identity")));
    }
}
