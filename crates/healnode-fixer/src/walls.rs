//! Walls around a process: what it may read, write and connect to, and that nothing of it outlives its time.
//!
//! Landlock and seccomp bind a thread and what it starts. So a thread of its own binds itself, starts the process, and ends: the node stays
//! free, and no code runs between fork and exec. What the kernel lacks is left open, and [`WallsReport`] says so.

mod barrier;
mod ground;
mod kin;
mod running;

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::process::Command;

pub(crate) use ground::Ground;
pub use kin::sweep_orphans;
pub(crate) use running::{Ending, Running};

/// What a process may touch.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Walls {
    /// Folders in which it may do everything.
    pub(crate) writable: Vec<PathBuf>,
    /// Folders and files that it may read and execute. Those that do not exist are left out.
    pub(crate) readable: Vec<PathBuf>,
    /// TCP ports that it may connect to, on any address; empty for no network at all. Nothing may be listened on.
    pub(crate) ports: Vec<u16>,
}

/// A process to start.
pub(crate) struct Launch<'a> {
    /// Program and arguments.
    pub(crate) argv: &'a [String],
    /// Where it starts, an absolute path.
    pub(crate) dir: &'a Path,
    /// Its whole environment: nothing is inherited.
    pub(crate) env: BTreeMap<String, String>,
    /// What it may touch.
    pub(crate) walls: &'a Walls,
}

/// Why a process was not started. None of it runs.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LaunchError {
    /// There is no program in the command.
    #[error("the command is empty")]
    Empty,
    /// The kernel has walls, and refused these.
    #[error("the walls cannot be raised: {0}")]
    Walls(String),
    /// The program cannot be started, as when it is not installed.
    #[error("cannot start {program}: {source}")]
    Start {
        /// The program.
        program: String,
        /// What the system says.
        #[source]
        source: io::Error,
    },
}

/// What this machine's kernel can keep a process from.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct WallsReport {
    /// Files outside of the folders named.
    pub files: bool,
    /// TCP ports not named.
    pub ports: bool,
    /// Signals to the node and to other processes.
    pub signals: bool,
    /// All other kinds of sockets, and system calls that would go around the walls.
    pub calls: bool,
}

impl WallsReport {
    /// Looks at this machine: walls are raised around a thread that ends.
    pub fn look() -> WallsReport {
        let bare = Walls { writable: Vec::new(), readable: Vec::new(), ports: Vec::new() };
        std::thread::spawn(move || barrier::raise(&bare).unwrap_or_default()).join().unwrap_or_default()
    }

    /// Whether nothing is lacking.
    pub fn is_whole(&self) -> bool {
        *self == WallsReport { files: true, ports: true, signals: true, calls: true }
    }
}

impl fmt::Display for WallsReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_whole() {
            return f.write_str("fixer and tests run behind walls");
        }
        let open = [(self.files, "files"), (self.ports, "TCP ports"), (self.signals, "signals"), (self.calls, "other sockets")];
        let open: Vec<&str> = open.into_iter().filter(|(is_shut, _)| !is_shut).map(|(_, name)| name).collect();
        write!(f, "this machine's kernel (Landlock, seccomp) does not keep fixer and tests from: {}", open.join(", "))
    }
}

/// Returns whether fixer and tests could read a path behind walls, from this process's environment. `readable` and `data_dir` are those of
/// [`FixerConfig`](crate::FixerConfig).
pub fn is_readable_behind_walls(path: &Path, readable: &[PathBuf], data_dir: &Path) -> bool {
    Ground::look(readable, &[data_dir.to_owned()], |name| std::env::var(name).ok()).reads(path)
}

/// Starts a process behind walls, in a process group of its own. To be called within a tokio runtime.
pub(crate) fn launch(launch: Launch<'_>, stdin: Stdio, stdout: Stdio, stderr: Stdio) -> Result<Running, LaunchError> {
    let [program, arguments @ ..] = launch.argv else {
        return Err(LaunchError::Empty);
    };
    let mark = kin::mark(launch.dir);
    let mut command = std::process::Command::new(program);
    command.args(arguments).current_dir(launch.dir).env_clear().envs(launch.env).env(kin::MARK_NAME, &mark);
    command.stdin(stdin).stdout(stdout).stderr(stderr).process_group(0);
    kin::adopt_orphans();
    let file_bytes_max = kin::own_file_limit();
    let (runtime, walls, named) = (tokio::runtime::Handle::current(), launch.walls.clone(), program.clone());
    let start = |program: &str, source| LaunchError::Start { program: program.to_owned(), source };
    let starter = std::thread::Builder::new().name("fixer-start".into()).spawn(move || {
        let _runtime = runtime.enter();
        barrier::raise(&walls).map_err(LaunchError::Walls)?;
        kin::rooted(file_bytes_max, || Command::from(command).spawn()).map_err(|source| start(&named, source))
    });
    let broke_off = |_| LaunchError::Walls("the starting thread broke off".into());
    let child = starter.map_err(|source| start(program, source))?.join().map_err(broke_off)??;
    Ok(Running::watch(child, mark, file_bytes_max, launch.dir))
}

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, UdpSocket};
    use std::time::{Duration, Instant};

    use tokio::io::AsyncReadExt as _;

    use super::*;

    struct Room {
        folder: tempfile::TempDir,
    }

    impl Room {
        fn new() -> Room {
            let room = Room { folder: tempfile::tempdir().unwrap() };
            std::fs::create_dir(room.work()).unwrap();
            std::fs::create_dir(room.home()).unwrap();
            room.ground().furnish(&room.home()).unwrap();
            std::fs::write(room.folder.path().join("token"), "ghp_secret").unwrap();
            room
        }

        fn work(&self) -> PathBuf {
            self.folder.path().canonicalize().unwrap().join("work")
        }

        fn home(&self) -> PathBuf {
            self.folder.path().canonicalize().unwrap().join("home")
        }

        fn ground(&self) -> Ground {
            Ground::look(&[], &[], |name| std::env::var(name).ok())
        }

        fn start(&self, script: &str, ports: &[u16]) -> Running {
            let argv = ["python3".to_owned(), "-c".to_owned(), script.to_owned()];
            let (ground, work) = (self.ground(), self.work());
            let walls = ground.walls(&work, &self.home(), ports);
            let env = ground.environment(&self.home());
            let what = Launch { argv: &argv, dir: &work, env, walls: &walls };
            launch(what, Stdio::null(), Stdio::piped(), Stdio::null()).unwrap()
        }

        async fn says(&self, script: &str, ports: &[u16]) -> String {
            let mut running = self.start(script, ports);
            let mut said = String::new();
            running.stdout.take().unwrap().read_to_string(&mut said).await.unwrap();
            running.wait().await.unwrap();
            said.trim().to_owned()
        }
    }

    /// Python that runs one statement and says whether it was let.
    fn attempt(statement: &str) -> String {
        format!(
            "import os, socket, signal, subprocess\ntry:\n    {statement}\n    print('done')\nexcept OSError as error:\n    print(error.errno)"
        )
    }

    fn is_whole() -> bool {
        let report = WallsReport::look();
        if !report.is_whole() {
            eprintln!("skipped: {report}");
        }
        report.is_whole()
    }

    const REFUSED: &str = "13";

    #[tokio::test]
    async fn what_lies_outside_is_neither_read_nor_written_nor_signalled() {
        if !is_whole() {
            return;
        }
        let room = Room::new();
        let token = room.work().join("../token");
        let cases = [
            (format!("open({:?}).read()", token), REFUSED),
            (format!("open({:?}, 'w')", room.work().join("../planted")), REFUSED),
            (format!("open('/proc/{}/environ').read()", std::process::id()), REFUSED),
            (format!("os.kill({}, 0)", std::process::id()), "1"),
            ("open('/etc/shadow').read()".to_owned(), REFUSED),
            (format!("os.symlink({token:?}, 'link'); open('link').read()"), REFUSED),
            (format!("os.link({token:?}, 'hard')"), "18"),
            ("os.unshare(os.CLONE_NEWUSER) if hasattr(os, 'unshare') else open('/etc/shadow')".to_owned(), REFUSED),
            ("open('inside', 'w').write('x'); open('inside').read()".to_owned(), "done"),
            ("open(os.environ['HOME'] + '/tmp/x', 'w')".to_owned(), "done"),
            ("open('/dev/null', 'w').write('x')".to_owned(), "done"),
            ("subprocess.run(['git', '--version'], check=True, stdout=subprocess.DEVNULL)".to_owned(), "done"),
        ];
        for (statement, expected) in cases {
            assert_eq!(room.says(&attempt(&statement), &[]).await, expected, "{statement}");
        }
    }

    #[tokio::test]
    async fn only_named_ports_are_connected_to_and_only_by_plain_tcp() {
        if !is_whole() {
            return;
        }
        let room = Room::new();
        let (named, other) = (TcpListener::bind("127.0.0.1:0").unwrap(), TcpListener::bind("127.0.0.1:0").unwrap());
        let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
        let (named, other) = (named.local_addr().unwrap().port(), other.local_addr().unwrap().port());
        let connect = |port: u16| format!("socket.create_connection(('127.0.0.1', {port}))");
        let datagram = format!("socket.socket(type=socket.SOCK_DGRAM).sendto(b'x', ('127.0.0.1', {}))", udp.local_addr().unwrap().port());
        let cases: [(String, &[u16], &str); 10] = [
            (connect(named), &[named], "done"),
            (connect(other), &[named], REFUSED),
            (connect(named), &[], REFUSED),
            (datagram.clone(), &[named], REFUSED),
            (datagram, &[], REFUSED),
            ("socket.socket(socket.AF_UNIX)".into(), &[named], REFUSED),
            ("socket.socket(socket.AF_NETLINK, socket.SOCK_RAW)".into(), &[named], REFUSED),
            ("socket.socket(socket.AF_INET, socket.SOCK_STREAM, 262)".into(), &[named], REFUSED),
            (format!("socket.socket().sendto(b'x', 0x20000000, ('127.0.0.1', {other}))"), &[named], REFUSED),
            ("socket.socket().bind(('127.0.0.1', 0))".into(), &[named], REFUSED),
        ];
        for (statement, ports, expected) in cases {
            assert_eq!(room.says(&attempt(&statement), ports).await, expected, "{statement} with {ports:?}");
        }
    }

    #[tokio::test]
    async fn the_environment_is_what_was_given_and_a_mark() {
        let room = Room::new();
        let said = room.says("import os; print(sorted(os.environ))", &[]).await;
        assert!(said.contains("HEALNODE_FIX") && said.contains("'HOME'") && !said.contains("CARGO_MANIFEST_DIR"), "{said}");
    }

    /// Starts daemons that leave the group, of which one sheds its environment, says their numbers, and goes on or ends.
    const DAEMONS: &str = "import subprocess, os, sys, time
one = subprocess.Popen(['setsid', 'sh', '-c', 'trap \"\" TERM; sleep 600'], stdout=subprocess.DEVNULL)
two = subprocess.run(['env', '-i', 'PATH=' + os.environ['PATH'], 'sh', '-c', 'setsid sleep 600 >/dev/null 2>&1 & echo $!'], capture_output=True, text=True)
print(one.pid, two.stdout.strip(), flush=True)
";

    async fn numbers(running: &mut Running) -> Vec<i32> {
        let mut said = String::new();
        let output = running.stdout.as_mut().unwrap();
        while !said.ends_with('\n') {
            let byte = output.read_u8().await.unwrap();
            said.push(char::from(byte));
        }
        said.split_whitespace().map(|number| number.parse().unwrap()).collect()
    }

    fn is_alive(pid: i32) -> bool {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        stat.rsplit_once(')').is_some_and(|(_, rest)| !rest.trim_start().starts_with(['Z', 'X']))
    }

    #[tokio::test]
    async fn daemons_end_with_the_process_that_started_them() {
        let room = Room::new();
        let mut running = room.start(&format!("{DAEMONS}time.sleep(0.1)"), &[]);
        let daemons = numbers(&mut running).await;
        assert_eq!(daemons.len(), 2);
        assert_eq!(running.wait().await.unwrap().to_string(), "exit 0");
        assert!(!daemons.iter().any(|pid| is_alive(*pid)));
    }

    #[tokio::test]
    async fn daemons_end_when_the_process_is_stopped_or_dropped() {
        let room = Room::new();
        let mut stopped = room.start(&format!("{DAEMONS}time.sleep(600)"), &[]);
        let mut dropped = room.start(&format!("{DAEMONS}time.sleep(600)"), &[]);
        let (of_stopped, of_dropped) = (numbers(&mut stopped).await, numbers(&mut dropped).await);
        assert!(of_stopped.iter().chain(&of_dropped).all(|pid| is_alive(*pid)));
        let before = Instant::now();
        assert_eq!(stopped.stop().await.unwrap().to_string(), "signal 15");
        assert!(before.elapsed() < Duration::from_secs(5), "nothing made it wait");
        assert!(!of_stopped.iter().any(|pid| is_alive(*pid)));
        drop(dropped);
        assert!(!of_dropped.iter().any(|pid| is_alive(*pid)));
    }

    #[tokio::test]
    async fn what_a_killed_node_left_is_found_by_its_folder() {
        let (room, other) = (Room::new(), Room::new());
        let (mut left, mut stays) =
            (room.start(&format!("{DAEMONS}time.sleep(600)"), &[]), other.start("import time; print(1, flush=True); time.sleep(600)", &[]));
        let daemons = numbers(&mut left).await;
        numbers(&mut stays).await;
        assert!(sweep_orphans(room.folder.path()) >= 2);
        assert!(!is_alive(daemons[0]), "it carries the mark");
        assert!(is_alive(stays.child_id()), "another folder's is left alone");
    }

    #[tokio::test]
    async fn a_process_that_starts_without_end_is_stopped() {
        let room = Room::new();
        let mut running = room.start("import subprocess\nwhile True: subprocess.Popen(['sleep', '600'])", &[]);
        assert_eq!(running.wait().await.unwrap().to_string(), "stopped for too many processes");
    }

    #[tokio::test]
    async fn a_program_that_is_not_there_is_named() {
        let room = Room::new();
        let (ground, work) = (room.ground(), room.work());
        let walls = ground.walls(&work, &room.home(), &[]);
        let argv = ["healnode-no-such-program".to_owned()];
        let what = Launch { argv: &argv, dir: &work, env: ground.environment(&room.home()), walls: &walls };
        let error = launch(what, Stdio::null(), Stdio::null(), Stdio::null()).unwrap_err();
        assert!(error.to_string().starts_with("cannot start healnode-no-such-program"), "{error}");
    }
}
