//! `healnode exec` on a terminal: the command finds one, and whoever sits at the real one notices nothing.
//!
//! Each test makes a terminal of its own and types on it. `exec.rs` has the rest of the command.
#![allow(clippy::unwrap_used, reason = "what goes wrong here has to fail the test")]

mod harness;

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};

use harness::{Site, TestNode, wait_for};
use rustix::fs::{Mode, OFlags, open};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, Winsize, tcgetattr, tcsetwinsize};

/// Size of the terminals, unlike any default. Where a test interrupts a command right after it says that it is ready, the command becomes `sleep`
/// and does not start it: a shell that is interrupted just as it starts one waits for it.
const ROWS: u16 = 31;
const COLUMNS: u16 = 97;

#[test]
fn the_command_finds_a_terminal_like_the_real_one() {
    let site = Site::new();
    let node = site.node("a", &[], "");
    let script = "test -t 0 && test -t 1 && test -t 2 && stty size && : > /dev/tty && echo same modes: $(stty -g); exit 7";
    let alone = Screen::show(sh(script));
    let wrapped = Screen::show(exec(&node, &["sh", "-c", script]));
    assert!(alone.starts_with(&format!("{ROWS} {COLUMNS}\r\n")), "{alone}");
    let (same, footer) = wrapped.split_at(alone.len());
    assert_eq!(same, alone);
    assert!(footer.starts_with("healnode: "), "{footer}");
}

#[test]
fn bytes_are_shown_as_they_were_printed() {
    let site = Site::new();
    let node = site.node("a", &[], "");
    for script in [
        "printf 'a\\000b\\377\\r\\033[1mbold\\033[0m\\ttab\\n'; printf 'no end' >&2",
        "i=0; while [ $i -lt 300 ]; do echo out $i; echo err $i >&2; i=$((i + 1)); done",
        "stty -opost; printf 'raw\\nlines\\n'",
        "head -c 300000 /dev/zero | tr '\\000' x; echo end",
    ] {
        let alone = Screen::show_bytes(sh(script));
        assert_eq!(Screen::show_bytes(exec(&node, &["sh", "-c", script])), alone, "{script}");
    }
}

#[test]
fn the_exit_code_is_the_commands_own() {
    let site = Site::new();
    let node = site.node("a", &[], "");
    for (script, code) in [("exit 7", 7), ("kill -KILL $$", 137), ("true", 0)] {
        assert_eq!(Screen::new(exec(&node, &["sh", "-c", script])).end().code(), Some(code), "{script}");
    }
    assert_eq!(Screen::new(exec(&node, &["/nonexistent/command"])).end().code(), Some(127));
}

#[test]
fn what_is_typed_reaches_the_command() {
    let site = Site::new();
    let node = site.node("a", &[], "");
    let mut screen = Screen::new(exec(&node, &["cat"]));
    screen.wait_for_raw();
    screen.type_in("through\n\u{4}");
    assert_eq!(screen.end().code(), Some(0));
    assert_eq!(screen.text(), "through\r\nthrough\r\n");
}

#[test]
fn a_change_of_size_reaches_the_command() {
    let site = Site::new();
    let node = site.node("a", &[], "");
    for (redirection, stream) in [("", 1), ("< /dev/null", 1), ("2> /dev/null", 1), ("> /dev/null", 2)] {
        // The first of two signals may come before the size is there.
        let look = "size=$(stty size <&3); echo $size >&3; test \"$size\" = \"12 34\" && exit 0";
        let script = format!("exec 3>&{stream}; trap '{look}' WINCH; echo ready >&3; while :; do sleep 0.05; done");
        let mut screen = Screen::new(shell_line(&node, &script, redirection));
        screen.wait_for("ready");
        screen.resize(12, 34);
        screen.wait_for("12 34");
        assert_eq!(screen.end().code(), Some(0), "{redirection}");
    }
}

#[test]
fn an_interrupt_from_the_keyboard_ends_the_command_and_is_no_error() {
    let site = Site::new();
    let node = site.node("a", &[], "");
    let mut screen = Screen::new(exec(&node, &["sh", "-c", "echo ready; exec sleep 100"]));
    screen.wait_for("ready");
    screen.type_in("\u{3}");
    assert_eq!(screen.end().code(), Some(130));
    let mut screen = Screen::new(exec(&node, &["sh", "-c", "trap 'echo caught; exit 1' INT; echo ready; while :; do sleep 0.05; done"]));
    screen.wait_for("ready");
    screen.type_in("\u{3}");
    assert_eq!(screen.end().code(), Some(1));
    assert_eq!(screen.text(), "ready\r\n^Ccaught\r\n");
    assert!(!node.data_dir().join("spool").exists());
}

#[test]
fn an_interrupt_ends_the_script_around_the_command_as_well() {
    let site = Site::new();
    let node = site.node("a", &[], "");
    let script = format!("{} exec -- sh -c 'echo ready; exec sleep 100'; echo went on", healnode(&node));
    let mut screen = Screen::new(sh(&script));
    screen.wait_for("ready");
    screen.type_in("\u{3}");
    assert!(!screen.end().success());
    assert_eq!(screen.text(), "ready\r\n^C");
}

#[test]
fn a_command_with_its_input_from_elsewhere_has_the_keys_all_the_same() {
    let site = Site::new();
    let node = site.node("a", &[], "");
    let script = "cat; read key < /dev/tty; read other <&2; echo $key $other >&2";
    let mut screen = Screen::new(sh(&format!("echo piped | {} exec -- sh -c '{script}'", healnode(&node))));
    screen.wait_for("piped");
    screen.type_in("one\ntwo\n");
    assert_eq!(screen.end().code(), Some(0));
    assert!(screen.text().ends_with("one two\r\n"), "{}", screen.text());
}

#[test]
fn a_stopped_command_leaves_the_terminal_to_the_shell_and_goes_on_in_the_foreground() {
    let site = Site::new();
    let node = site.node("a", &[], "");
    let mut screen = Screen::new(interactive_shell());
    screen.wait_for("$ ");
    screen.type_in(&format!("{} exec -- cat\n", healnode(&node)));
    screen.wait_for_raw();
    screen.type_in("one\n");
    screen.wait_for("one\r\none\r\n");
    screen.type_in("\u{1a}");
    screen.wait_for("Stopped");
    screen.type_in("echo the shell $((40 + 2))\n");
    screen.wait_for("the shell 42");
    screen.type_in("fg\n");
    screen.wait_for_raw();
    screen.type_in("two\n");
    screen.wait_for("two\r\ntwo\r\n");
    screen.type_in("\u{4}");
    screen.wait_for_count("$ ", 4);
    screen.type_in("exit $?\n");
    assert_eq!(screen.end().code(), Some(0));
}

#[test]
fn a_command_whose_output_goes_elsewhere_is_stopped_and_goes_on_as_well() {
    let site = Site::new();
    let node = site.node("a", &[], "");
    let mut screen = Screen::new(interactive_shell());
    screen.wait_for("$ ");
    screen.type_in(&format!("{} exec -- sh -c 'echo ready >&2; cat >&2; exit 6' > /dev/null\n", healnode(&node)));
    screen.wait_for("\nready\r\n");
    screen.type_in("one\n");
    screen.wait_for("one\r\none\r\n");
    screen.type_in("\u{1a}");
    screen.wait_for("Stopped");
    screen.type_in("fg\n");
    screen.wait_for_count("exit 6'", 3);
    screen.type_in("two\n");
    screen.wait_for("two\r\ntwo\r\n");
    screen.type_in("\u{4}");
    screen.wait_for("healnode: ");
    screen.type_in("exit $?\n");
    assert_eq!(screen.end().code(), Some(6));
}

#[test]
fn a_command_that_is_killed_by_an_interrupt_while_its_output_goes_elsewhere_is_no_error() {
    let site = Site::new();
    let node = site.node("a", &[], "");
    for redirection in ["> /dev/null", "2> /dev/null", "< /dev/null"] {
        let mut screen = Screen::new(shell_line(&node, "echo ready; echo ready >&2; exec sleep 100", redirection));
        screen.wait_for("ready");
        screen.type_in("\u{3}");
        screen.end();
    }
    assert!(!node.data_dir().join("spool").exists());
}

#[test]
fn a_command_in_the_background_leaves_the_terminal_alone() {
    let site = Site::new();
    let node = site.node("a", &[], "");
    let mut screen = Screen::new(interactive_shell());
    screen.wait_for("$ ");
    screen.type_in(&format!("{} exec -- sh -c 'echo printed $((40 + 2)); cat; exit 5' &\n", healnode(&node)));
    screen.wait_for("printed 42");
    wait_for("what the shell tells before its next prompt", || {
        screen.type_in("\n");
        screen.text().contains("Stopped").then_some(())
    });
    screen.type_in("fg\n");
    screen.wait_for_count("exit 5'", 3);
    screen.type_in("typed\n");
    screen.wait_for("typed\r\ntyped\r\n");
    screen.type_in("\u{4}");
    screen.wait_for("healnode: ");
    screen.type_in("exit $?\n");
    assert_eq!(screen.end().code(), Some(5));
}

#[test]
fn the_terminal_is_put_in_order_whatever_is_killed() {
    let site = Site::new();
    let node = site.node("a", &[], "");
    for victim in ["$$", "$(ps -o ppid= -p $PPID)", "$PPID"] {
        let mut screen = Screen::new(interactive_shell());
        screen.wait_for("$ ");
        let before = screen.modes();
        screen.type_in(&format!(
            "{} exec -- sh -c 'stty raw -echo; echo ready; read x; kill -KILL {victim}; sleep 0.2'; echo over $((40 + 2))\n",
            healnode(&node)
        ));
        screen.wait_for("\nready");
        screen.wait_for_raw();
        screen.type_in("\n");
        screen.wait_for("over 42");
        wait_for("the modes from before", || (screen.modes() == before).then_some(()));
        screen.type_in("exit 0\n");
        assert_eq!(screen.end().code(), Some(0), "{victim}");
    }
}

#[test]
fn a_stream_that_is_no_terminal_stays_none_and_the_other_stays_one() {
    let site = Site::new();
    let node = site.node("a", &[], "");
    let file = site.path().join("file");
    let script = "test -t 0 && echo in >&3; test -t 1 && echo out >&3; test -t 2 && echo err >&3; echo to out; echo to err >&2";
    for (redirection, terminals, shown) in [
        (format!("> {file:?}"), "in\nerr\n", "to err\r\n"),
        (format!("2> {file:?}"), "in\nout\n", "to out\r\n"),
        (format!("< /dev/null 2> {file:?}"), "out\n", "to out\r\n"),
    ] {
        let found = site.path().join("found");
        let mut screen = Screen::new(shell_line(&node, script, &format!("{redirection} 3> {found:?}")));
        assert_eq!(screen.end().code(), Some(0), "{redirection}");
        // A descriptor that the command inherits is none of healnode's.
        assert_eq!(std::fs::read_to_string(&found).unwrap(), terminals, "{redirection}");
        assert_eq!(screen.text(), shown, "{redirection}");
        let written = if shown.contains("err") { "to out\n" } else { "to err\n" };
        assert_eq!(std::fs::read_to_string(&file).unwrap(), written, "{redirection}");
    }
}

#[test]
fn what_was_shown_is_in_the_report_and_the_footer_tells_what_is_known() {
    let site = Site::new();
    let mut node = site.node("a", &[], "[bundle]\ninterval = \"1s\"\nmin_occurrences = 1\n");
    node.start();
    let script = "echo 'loading 3 rows'; printf '\\033[1mTraceback (most recent call last):\\033[0m\\n  File \"/srv/jobs/load.py\", line 8, in load\\n    \
                  row[3]\\nIndexError: list index out of range\\n' >&2; exit 1";
    let mut screen = Screen::new(exec(&node, &["sh", "-c", script]));
    assert_eq!(screen.end().code(), Some(1));
    let error = wait_for("the error", || node.ask(&["errors"]).get(0).cloned());
    let fingerprint = error["fingerprint"].as_str().unwrap();
    assert_eq!((&error["error_type"], &error["message"]), (&"IndexError".into(), &"list index out of range".into()));
    let footer = format!("healnode: {} seen 1 time on 1 node, ", &fingerprint[..12]);
    assert!(screen.text().contains(&footer), "{}", screen.text());
    node.wait_for_issue(fingerprint);
    let (_, issue) = &site.issues()[0];
    assert!(issue.contains("loading 3 rows") && issue.contains("Traceback (most recent call last):\n"), "{issue}");
}

#[test]
fn a_switch_in_the_commands_environment_that_the_node_has_otherwise_is_told_once_and_on_a_terminal_only() {
    let site = Site::new();
    let mut node = site.node("a", &[], "[bundle]\ninterval = \"1h\"\n");
    node.start();
    let shown = |value: &str, script: &str| {
        let mut command = exec(&node, &["sh", "-c", script]);
        command.env("HEALNODE_AUTO_ISSUE", value);
        Screen::show(command)
    };
    let warning = "healnode: HEALNODE_AUTO_ISSUE=false has no effect on a command; the node runs with auto_issue = true\r\n";
    assert_eq!(shown("false", "echo done"), format!("done\r\n{warning}"));
    assert_eq!(shown("false", "printf done"), format!("done\r\n{warning}"));
    let after_a_failure = shown("false", "echo failed; exit 3");
    assert!(after_a_failure.contains(" seen 1 time on 1 node") && after_a_failure.ends_with(&format!("\n{warning}")), "{after_a_failure}");
    assert_eq!(shown("true", "echo done"), "done\r\n");
    let output = node.command().env("HEALNODE_AUTO_ISSUE", "false").args(["exec", "--", "true"]).output().unwrap();
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// A terminal with a process on it, and all that it has shown.
struct Screen {
    master: File,
    child: Child,
    shown: Arc<Mutex<Vec<u8>>>,
    reader: Option<std::thread::JoinHandle<()>>,
}

impl Screen {
    /// Runs a command in a session of its own on a new terminal.
    fn new(command: Command) -> Self {
        let (master, slave) = terminal();
        let mut builder = Command::new("setsid");
        builder.args(["--ctty", "--wait"]).arg(command.get_program()).args(command.get_args());
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => builder.env(name, value),
                None => builder.env_remove(name),
            };
        }
        builder.stdin(Stdio::from(slave.try_clone().unwrap())).stdout(Stdio::from(slave.try_clone().unwrap())).stderr(Stdio::from(slave));
        let child = builder.spawn().unwrap();
        drop(builder);
        let shown = Arc::new(Mutex::new(Vec::new()));
        let (mut from, to) = (master.try_clone().unwrap(), shown.clone());
        let reader = std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(length @ 1..) = from.read(&mut buffer) {
                to.lock().unwrap().extend_from_slice(&buffer[..length]);
            }
        });
        Self { master, child, shown, reader: Some(reader) }
    }

    fn show(command: Command) -> String {
        String::from_utf8(Self::show_bytes(command)).unwrap()
    }

    fn show_bytes(command: Command) -> Vec<u8> {
        let mut screen = Self::new(command);
        screen.end();
        let shown = screen.shown.lock().unwrap();
        shown.clone()
    }

    fn type_in(&mut self, keys: &str) {
        self.master.write_all(keys.as_bytes()).unwrap();
    }

    fn resize(&self, rows: u16, columns: u16) {
        tcsetwinsize(&self.master, Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 }).unwrap();
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.shown.lock().unwrap()).into_owned()
    }

    fn wait_for(&self, part: &str) {
        self.wait_for_count(part, 1);
    }

    fn wait_for_count(&self, part: &str, count: usize) {
        wait_for(part, || (self.text().matches(part).count() >= count).then_some(()));
    }

    /// Waits until keys are passed on as they are, and not by a shell that edits its line.
    fn wait_for_raw(&self) {
        let is_raw = || !tcgetattr(&self.master).unwrap().local_modes.intersects(LocalModes::ISIG | LocalModes::ICANON);
        wait_for("keys as they are", || is_raw().then_some(()));
    }

    /// Returns all modes, in words.
    fn modes(&self) -> String {
        let modes = tcgetattr(&self.master).unwrap();
        format!("{:?} {:?} {:?} {:?}", modes.input_modes, modes.output_modes, modes.control_modes, modes.local_modes)
    }

    /// Waits for the end, and for all that was shown.
    fn end(&mut self) -> ExitStatus {
        let status = self.child.wait().unwrap();
        if let Some(reader) = self.reader.take() {
            reader.join().unwrap();
        }
        status
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        let _ended_already = self.child.kill();
        let _ended_already = self.child.wait();
    }
}

fn terminal() -> (File, OwnedFd) {
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
    grantpt(&master).unwrap();
    unlockpt(&master).unwrap();
    let slave = open(ptsname(&master, Vec::new()).unwrap(), OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC, Mode::empty()).unwrap();
    tcsetwinsize(&master, Winsize { ws_row: ROWS, ws_col: COLUMNS, ws_xpixel: 0, ws_ypixel: 0 }).unwrap();
    (File::from(master), slave)
}

fn sh(script: &str) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", script]);
    command
}

fn exec(node: &TestNode, argv: &[&str]) -> Command {
    let mut command = node.command();
    command.args(["exec", "--"]).args(argv);
    command
}

/// Runs a script under `healnode exec` in a shell that redirects its streams.
fn shell_line(node: &TestNode, script: &str, redirection: &str) -> Command {
    let mut command = sh(&format!("{} exec -- sh -c \"$1\" {redirection}", healnode(node)));
    command.args(["sh", script]);
    command
}

/// Returns the words by which a shell starts the program for a node.
fn healnode(node: &TestNode) -> String {
    let command = node.command();
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| format!("'{}'", word.to_str().unwrap())).collect::<Vec<_>>().join(" ")
}

fn interactive_shell() -> Command {
    let mut command = Command::new("bash");
    command.args(["--norc", "--noprofile", "--noediting", "-i"]).env("PS1", "$ ");
    command
}
