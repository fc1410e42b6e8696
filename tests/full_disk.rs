//! A full disk: reports are turned away with a reason, questions are answered, nothing acknowledged is lost, and room heals it.
#![allow(clippy::unwrap_used, reason = "what goes wrong here has to fail the test")]

mod harness;

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use harness::{Site, wait_for};

/// A small disk of memory. Unmounted when dropped.
struct SmallDisk(PathBuf);

impl SmallDisk {
    /// Mounts one, where this process may.
    fn mount(path: &Path) -> Option<Self> {
        fs::create_dir_all(path).unwrap();
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", "size=24m", "tmpfs"]).arg(path).output().ok()?;
        mounted.status.success().then(|| Self(path.to_owned()))
    }

    fn filler(&self) -> PathBuf {
        self.0.join("filler")
    }

    fn fill(&self) {
        let mut file = fs::File::create(self.filler()).unwrap();
        while file.write_all(&[0; 4096]).is_ok() {}
        while file.write_all(&[0; 1]).is_ok() {}
    }

    fn free(&self) {
        fs::remove_file(self.filler()).unwrap();
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _unmounted = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[test]
fn a_full_disk_turns_reports_away_and_loses_none_that_was_acknowledged() {
    let site = Site::new();
    let mut node = site.node("a", &[], "[bundle]\ninterval = \"1h\"\n");
    let Some(disk) = SmallDisk::mount(&node.data_dir()) else {
        eprintln!("skipped: this process may not mount a disk");
        return;
    };
    node.start();
    let report = |number: u32| {
        node.http("POST", "/v1/report", &format!("{{\"type\":\"ValueError\",\"message\":\"full\",\"event_id\":\"{number}\"}}")).unwrap()
    };
    assert_eq!(report(1).0, 200);
    disk.fill();
    let (number, (status, answer)) = (2..).map(|number| (number, report(number))).find(|(_, (status, _))| *status != 200).unwrap();
    assert_eq!(status, 507, "{answer}");
    assert!(answer.contains("no room on the disk"), "{answer}");
    let acknowledged = u64::from(number) - 1;
    assert!(node.ask(&["status"])["disk"].as_str().unwrap().contains("no room on the disk"));
    assert_eq!(node.http("GET", "/healthz", "").unwrap().0, 503);

    disk.free();
    wait_for("the disk's mending", || (report(number).0 == 200).then_some(()));
    let fingerprint = node.ask(&["errors"])[0]["fingerprint"].as_str().unwrap().to_owned();
    node.wait_for_count(&fingerprint, acknowledged + 1);
    node.kill();
    node.start();
    node.wait_for_count(&fingerprint, acknowledged + 1);
    node.kill();
    drop(disk);
}
