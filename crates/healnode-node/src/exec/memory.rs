//! Whether the system killed something for want of memory.
//!
//! Linux counts such kills: for the control group of this process, which the command shares, and for the machine. A kill that is not counted
//! in the group of the command was not the command's.

use std::fs;
use std::path::{Path, PathBuf};

/// A count of kills, and where it stands.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct KillCount {
    file: PathBuf,
    kills: u64,
}

impl KillCount {
    /// Reads the count for this process's control group, else for the machine; nothing where neither is counted.
    pub(super) fn now() -> Option<Self> {
        Self::below(Path::new("/"))
    }

    fn below(root: &Path) -> Option<Self> {
        let groups = fs::read_to_string(root.join("proc/self/cgroup")).unwrap_or_default();
        let mut files: Vec<PathBuf> = groups.lines().flat_map(files_of).collect();
        files.push("proc/vmstat".into());
        files.iter().find_map(|file| Self::read(root.join(file)))
    }

    fn read(file: PathBuf) -> Option<Self> {
        let text = fs::read_to_string(&file).ok()?;
        let kills = text.lines().find_map(|line| line.strip_prefix("oom_kill ")).and_then(|count| count.trim().parse().ok())?;
        Some(Self { file, kills })
    }

    /// Returns whether there were more kills since this was read.
    pub(super) fn has_risen(self) -> bool {
        Self::read(self.file).is_some_and(|now| now.kills > self.kills)
    }
}

/// Returns where kills in a group are counted, for a line of `/proc/self/cgroup`. In a container the group's own files may be at the root.
fn files_of(line: &str) -> Vec<PathBuf> {
    let mut parts = line.splitn(3, ':');
    let (Some(_), Some(controllers), Some(group)) = (parts.next(), parts.next(), parts.next()) else { return Vec::new() };
    let group = group.trim_start_matches('/');
    if controllers.is_empty() {
        ["sys/fs/cgroup", "sys/fs/cgroup/unified"].iter().map(|mount| Path::new(mount).join(group).join("memory.events")).collect()
    } else if controllers.split(',').any(|controller| controller == "memory") {
        let mount = Path::new("sys/fs/cgroup/memory");
        vec![mount.join(group).join("memory.oom_control"), mount.join("memory.oom_control")]
    } else {
        Vec::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(files: &[(&str, &str)], counted_in: &str) {
        let root = tempfile::tempdir().unwrap();
        for (file, text) in files {
            let path = root.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let before = KillCount::below(root.path()).unwrap();
        assert_eq!(before.file, root.path().join(counted_in));
        assert!(!before.clone().has_risen());
        let more = fs::read_to_string(&before.file).unwrap().replace("oom_kill 3", "oom_kill 4");
        fs::write(&before.file, more).unwrap();
        assert!(before.has_risen());
    }

    #[test]
    fn the_count_of_the_commands_own_group_is_read() {
        let machine = ("proc/vmstat", "pgfault 1\noom_kill 3\n");
        let events = "low 0\nhigh 0\nmax 9\noom 3\noom_kill 3\noom_group_kill 0\n";
        check(
            &[("proc/self/cgroup", "0::/user.slice/job\n"), ("sys/fs/cgroup/user.slice/job/memory.events", events), machine],
            "sys/fs/cgroup/user.slice/job/memory.events",
        );
        check(
            &[
                ("proc/self/cgroup", "9:name=systemd:/\n4:cpu,memory:/job\n0::/\n"),
                ("sys/fs/cgroup/memory/job/memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 3\n"),
                machine,
            ],
            "sys/fs/cgroup/memory/job/memory.oom_control",
        );
        check(&[("proc/self/cgroup", "0::/\n"), machine], "proc/vmstat");
    }

    #[test]
    fn where_nothing_is_counted_nothing_is_known() {
        assert_eq!(KillCount::below(Path::new("/nonexistent")), None);
    }
}
