//! Where the node of this machine is: its socket, and the folder that it takes reports from that found no node.
//!
//! The same variables and the same defaults as the node's own. The node's configuration file is not read: an application may run as another
//! user and in another folder, and would read another file.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Below the home directory, unless `HEALNODE_DATA_DIR` says otherwise.
const DATA_DIR: &str = ".local/state/healnode";

/// The node's socket in its data directory, unless `HEALNODE_STATUS_SOCKET` says otherwise.
const SOCKET: &str = "healnode.sock";

/// The node's places.
#[derive(Clone, Debug, Default)]
pub(crate) struct Places {
    /// Nothing when there is no home directory, and nobody named another place.
    pub(crate) socket: Option<PathBuf>,
    pub(crate) data_dir: Option<PathBuf>,
}

impl Places {
    /// Finds them: what the application said, else the environment, else the defaults.
    pub(crate) fn find(socket: Option<PathBuf>, data_dir: Option<PathBuf>, variable: impl Fn(&str) -> Option<OsString>) -> Self {
        let path = |name| variable(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let home = path("HOME");
        let data_dir =
            data_dir.or_else(|| expand(path("HEALNODE_DATA_DIR")?, home.as_deref(), None)).or_else(|| Some(home.as_ref()?.join(DATA_DIR)));
        let socket = socket
            .or_else(|| expand(path("HEALNODE_STATUS_SOCKET")?, home.as_deref(), data_dir.as_deref()))
            .or_else(|| Some(data_dir.as_ref()?.join(SOCKET)));
        Self { socket, data_dir }
    }
}

/// Replaces a leading `~` and `<data_dir>`, as the node does.
fn expand(path: PathBuf, home: Option<&Path>, data_dir: Option<&Path>) -> Option<PathBuf> {
    if let Ok(rest) = path.strip_prefix("~") {
        return home.map(|home| home.join(rest));
    }
    if let Ok(rest) = path.strip_prefix("<data_dir>") {
        return data_dir.map(|data_dir| data_dir.join(rest));
    }
    Some(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(variables: &[(&str, &str)], socket: &str, data_dir: &str) {
        let places = Places::find(None, None, |name| {
            variables.iter().find(|(variable, _)| *variable == name).map(|(_, value)| OsString::from(value))
        });
        assert_eq!((places.socket, places.data_dir), (Some(socket.into()), Some(data_dir.into())), "{variables:?}");
    }

    #[test]
    fn the_environment_says_where_the_node_is_as_it_tells_the_node() {
        let home = ("HOME", "/home/a");
        check(&[home], "/home/a/.local/state/healnode/healnode.sock", "/home/a/.local/state/healnode");
        check(&[home, ("HEALNODE_DATA_DIR", "/var/lib/healnode")], "/var/lib/healnode/healnode.sock", "/var/lib/healnode");
        check(&[home, ("HEALNODE_DATA_DIR", "~/x"), ("HEALNODE_STATUS_SOCKET", "<data_dir>/s")], "/home/a/x/s", "/home/a/x");
        check(&[home, ("HEALNODE_STATUS_SOCKET", "")], "/home/a/.local/state/healnode/healnode.sock", "/home/a/.local/state/healnode");
    }

    #[test]
    fn without_a_home_there_is_no_place_and_no_failure() {
        let places = Places::find(None, None, |_| None);
        assert_eq!((places.socket, places.data_dir), (None, None));
    }
}
