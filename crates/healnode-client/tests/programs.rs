//! Whole programs with and without the library: the same output, the same exit code, and a report.
//!
//! Without a test harness, because a panic and an exit code belong to the main thread of a process: this program starts itself anew as each of
//! the programs.
#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::exit, reason = "a test ends at what it did not expect, and prints")]

mod fake_node;

use std::error::Error;
use std::io;
use std::path::PathBuf;
use std::process::{Command, ExitCode, Output};

use fake_node::{FakeNode, Manner, TAKEN};
use healnode_client::Client;
use serde_json::Value;

const ANSWERS: Manner = Manner::Answers(TAKEN);

const CASES: &[(&str, fn())] = &[
    ("an_error_of_main_is_printed_and_exits_as_without_the_library", errors_of_main),
    ("a_panic_of_main_is_printed_and_exits_as_without_the_library", panic_of_main),
    ("a_panic_without_wrap_main_is_reported_before_the_process_ends", panic_with_hook),
    ("a_panic_of_a_thread_is_reported_and_the_hook_before_still_runs", panic_of_thread),
    ("what_main_returns_is_the_exit_code_and_nothing_is_reported", successes),
    ("an_error_is_reported_though_the_process_exits_at_once", exit_at_once),
    ("with_backtraces_asked_for_a_report_has_that_of_the_application", backtraces),
    ("a_silent_or_absent_node_changes_neither_output_nor_exit_code", no_answer),
    ("a_panic_under_a_silent_node_waits_for_the_spool_once", silent_panic),
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    if arguments.get(1).is_some_and(|argument| argument == "--program") {
        return program(&arguments[2], arguments.get(3).map(PathBuf::from));
    }
    let filter = arguments.iter().skip(1).find(|argument| !argument.starts_with('-'));
    for (name, case) in CASES.iter().filter(|(name, _)| filter.is_none_or(|filter| name.contains(filter.as_str()))) {
        case();
        println!("test {name} ... ok");
    }
    ExitCode::SUCCESS
}

/// Runs as one of the programs; without a folder, as it would be without the library.
fn program(name: &str, folder: Option<PathBuf>) -> ExitCode {
    let client = folder.map(|folder| Client::builder().socket(folder.join("socket")).data_dir(folder.join("data")).build().unwrap());
    match (name, client) {
        ("concrete", None) => plain(|| Err::<(), _>(gone())),
        ("concrete", Some(client)) => client.wrap_main(|| Err::<(), _>(gone())),
        ("boxed", None) => plain(|| Err::<(), Box<dyn Error>>(gone().into())),
        ("boxed", Some(client)) => client.wrap_main(|| Err::<(), Box<dyn Error>>(gone().into())),
        ("boxed_sync", None) => plain(|| Err::<(), Box<dyn Error + Send + Sync>>(gone().into())),
        ("boxed_sync", Some(client)) => client.wrap_main(|| Err::<(), Box<dyn Error + Send + Sync>>(gone().into())),
        ("text", None) => plain(|| Err::<(), _>("gone".to_owned())),
        ("text", Some(client)) => client.wrap_main(|| Err::<(), _>("gone".to_owned())),
        #[cfg(feature = "anyhow")]
        ("anyhow", None) => plain(|| Err::<(), _>(anyhow::Error::new(gone()).context("reading the rates"))),
        #[cfg(feature = "anyhow")]
        ("anyhow", Some(client)) => client.wrap_main(|| Err::<(), _>(anyhow::Error::new(gone()).context("reading the rates"))),
        #[cfg(feature = "eyre")]
        ("eyre", None) => plain(|| Err::<(), _>(eyre::Report::new(gone()).wrap_err("reading the rates"))),
        #[cfg(feature = "eyre")]
        ("eyre", Some(client)) => client.wrap_main(|| Err::<(), _>(eyre::Report::new(gone()).wrap_err("reading the rates"))),
        ("panic", None) => plain(|| -> Result<(), io::Error> { add_to_cart() }),
        ("panic", Some(client)) => client.wrap_main(|| -> Result<(), io::Error> { add_to_cart() }),
        ("hook", None) => plain(|| -> Result<(), io::Error> { add_to_cart() }),
        ("hook", Some(client)) => {
            assert!(client.install());
            assert!(!client.install());
            plain(|| -> Result<(), io::Error> { add_to_cart() })
        }
        ("thread", Some(client)) => {
            std::panic::set_hook(Box::new(|info| println!("the hook before: {}", info.payload_as_str().unwrap_or_default())));
            client.wrap_main(|| {
                let ended = std::thread::Builder::new().name("packer".to_owned()).spawn(add_to_cart_in_thread)?.join();
                Ok::<_, io::Error>(if ended.is_err() { ExitCode::from(3) } else { ExitCode::SUCCESS })
            })
        }
        ("unit", Some(client)) => client.wrap_main(|| Ok::<_, io::Error>(())),
        ("code", Some(client)) => client.wrap_main(|| Ok::<_, io::Error>(ExitCode::from(7))),
        ("handled", Some(client)) => {
            handle(&client);
            ExitCode::SUCCESS
        }
        ("at_once", Some(client)) => {
            client.install();
            healnode_client::capture_error(&gone());
            ExitCode::from(4)
        }
        ("exit", Some(client)) => {
            client.capture_error(&gone());
            client.flush(fake_node::PATIENCE);
            std::process::exit(5)
        }
        (name, _) => panic!("there is no program {name}"),
    }
}

fn gone() -> io::Error {
    io::Error::new(io::ErrorKind::NotFound, "gone")
}

/// What the standard library does with the result of `main`.
fn plain<T: std::process::Termination, E: std::fmt::Debug>(main: impl FnOnce() -> Result<T, E>) -> ExitCode {
    std::process::Termination::report(main())
}

#[inline(never)]
fn add_to_cart() -> Result<(), io::Error> {
    let rates: Vec<u32> = Vec::with_capacity(std::env::args().count());
    let index = std::env::args().count();
    println!("{}", rates[index - index.min(9)]);
    Ok(())
}

fn add_to_cart_in_thread() {
    drop(add_to_cart());
}

#[inline(never)]
fn handle(client: &Client) {
    client.capture_error(&gone());
}

fn run(program: &str, node: Option<&FakeNode>) -> Output {
    command(program, node).output().unwrap()
}

/// A program without what the environment of the tests says of backtraces.
fn command(program: &str, node: Option<&FakeNode>) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--program", program]).env_remove("RUST_BACKTRACE").env_remove("RUST_LIB_BACKTRACE").current_dir("/");
    if let Some(node) = node {
        command.arg(node.socket().parent().unwrap());
    }
    command
}

/// Checks that the library changes nothing, apart from the process id that a panic prints.
fn check_same(program: &str, node: &FakeNode) {
    let (without, with) = (run(program, None), run(program, Some(node)));
    assert_eq!(with.status, without.status, "{program}");
    assert_eq!(with.stdout, without.stdout, "{program}");
    assert_eq!(without_ids(&with.stderr), without_ids(&without.stderr), "{program}");
    assert!(!with.stderr.is_empty(), "{program}");
}

/// Takes out `(4711)` and the length of the command line.
fn without_ids(text: &[u8]) -> String {
    String::from_utf8_lossy(text).chars().filter(|c| !c.is_ascii_digit()).collect()
}

fn errors_of_main() {
    let mut programs = vec![
        ("concrete", "std::io::Error", "gone"),
        ("boxed", "std::io::Error", "gone"),
        ("boxed_sync", "std::io::Error", "gone"),
        ("text", "Error", "gone"),
    ];
    if cfg!(feature = "anyhow") {
        programs.push(("anyhow", "std::io::Error", "reading the rates: gone"));
    }
    if cfg!(feature = "eyre") {
        programs.push(("eyre", "std::io::Error", "reading the rates: gone"));
    }
    for (program, error_type, message) in programs {
        let node = FakeNode::new(ANSWERS);
        check_same(program, &node);
        let report = node.report();
        assert_eq!((&report["type"], &report["message"]), (&Value::from(error_type), &Value::from(message)), "{program}");
        assert_eq!(node.rest().len(), 0);
    }
}

fn check_panic(report: &Value, thread: &str) {
    assert_eq!((&report["type"], &report["severity"]), (&Value::from("panic"), &Value::from("high")));
    assert!(report["message"].as_str().unwrap().starts_with("index out of bounds: "), "{report}");
    assert_eq!(report["tags"]["thread"], thread);
    let stack = report["stack"].as_str().unwrap();
    let (heading, frames) = stack.split_once("\nstack backtrace:\n").unwrap();
    assert!(heading.starts_with(&format!("thread '{thread}' panicked at ")) && heading.contains("tests/programs.rs:"), "{stack}");
    let first = frames.lines().next().unwrap();
    assert!(first.ends_with(": programs::add_to_cart"), "{stack}");
    assert!(!frames.contains("healnode_client") && !frames.contains("rust_begin_unwind"), "{stack}");
}

fn panic_of_main() {
    let node = FakeNode::new(ANSWERS);
    check_same("panic", &node);
    check_panic(&node.report(), "main");
    assert_eq!(node.rest().len(), 0);
}

fn panic_with_hook() {
    let node = FakeNode::new(ANSWERS);
    check_same("hook", &node);
    check_panic(&node.report(), "main");
    assert_eq!(node.rest().len(), 0);
}

fn panic_of_thread() {
    let node = FakeNode::new(ANSWERS);
    let output = run("thread", Some(&node));
    assert_eq!(output.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&output.stdout).starts_with("the hook before: index out of bounds"));
    check_panic(&node.report(), "packer");
    assert_eq!(node.rest().len(), 0);
}

fn successes() {
    let node = FakeNode::new(ANSWERS);
    assert_eq!(run("unit", Some(&node)).status.code(), Some(0));
    assert_eq!(run("code", Some(&node)).status.code(), Some(7));
    assert_eq!((node.rest().len(), node.spool().len()), (0, 0));
}

fn exit_at_once() {
    let node = FakeNode::new(ANSWERS);
    assert_eq!(run("at_once", Some(&node)).status.code(), Some(4));
    assert_eq!(run("exit", Some(&node)).status.code(), Some(5));
    assert_eq!(node.rest().len(), 2);
}

fn backtraces() {
    let mut programs = vec![("handled", "programs::handle\n")];
    if cfg!(feature = "anyhow") {
        programs.push(("anyhow", "programs::program"));
    }
    for (program, function) in programs {
        let node = FakeNode::new(ANSWERS);
        command(program, Some(&node)).env("RUST_BACKTRACE", "1").output().unwrap();
        let report = node.report();
        let stack = report["stack"].as_str().unwrap();
        let (_, frames) = stack.split_once("stack backtrace:\n").unwrap();
        assert!(frames.contains(function) && frames.contains("programs::main") && !frames.contains("healnode_client"), "{stack}");
    }
}

fn no_answer() {
    for manner in [Manner::IsSilent, Manner::IsAbsent] {
        let node = FakeNode::new(manner);
        check_same("concrete", &node);
        assert_eq!(node.spool().len(), 1);
        assert_eq!(run("at_once", Some(&node)).status.code(), Some(4));
        assert_eq!(node.spool().len(), 2);
    }
}

fn silent_panic() {
    let node = FakeNode::new(Manner::IsSilent);
    check_same("panic", &node);
    assert_eq!(node.spool().len(), 1);
}
