//! Sentry's SDK for Node, and what the documentation has for pages without one.

use std::path::Path;
use std::process::Command;

use crate::{Open, Run, install, nobody};

fn run(modules: &Path, dsn: &str, script: &str) -> Run {
    let script = format!("const Sentry = require('@sentry/node'); Sentry.init({{dsn: process.env.TEST_DSN}});\n{script}");
    Run::of(Command::new("node").args(["-e", &script]).env("NODE_PATH", modules).env("TEST_DSN", dsn))
}

const UNHANDLED: &str = "function charge() { throw new RangeError('no such row') }\ncharge()";

const REJECTED: &str = "async function main() { await 1; throw new SyntaxError('in a promise') }\nmain()";

const AT_ONCE: &str = "Sentry.captureException(new EvalError('lost'));\nprocess.exit(3)";

#[test]
fn errors_handled_and_not_in_promises_and_workers_are_all_reported() {
    let Some(modules) = install::node_modules() else { return };
    let open = Open::start();
    for (script, code) in [
        ("try { null.x } catch (error) { Sentry.captureException(error) }", 0),
        (UNHANDLED, 1),
        // The SDK takes the place of Node's own handler, which would end the process.
        (REJECTED, 0),
        (
            "const { Worker } = require('worker_threads');\nnew Worker(\"throw new URIError('in a worker')\", {eval: true}).on('error', () => {})",
            0,
        ),
        ("Sentry.captureMessage('disk almost full', 'warning')", 0),
    ] {
        let run = run(modules, &open.dsn(), script);
        assert_eq!(run.code(), Some(code), "{script}\n{run:?}");
    }
    open.has_counted(&["RangeError", "SyntaxError", "TypeError", "URIError"]);
    assert_eq!(open.node.ask(&["status"])["ingest"]["messages"], 1);
}

#[test]
fn an_application_does_not_notice_a_node_that_is_away() {
    let Some(modules) = install::node_modules() else { return };
    let open = Open::start();
    for script in [UNHANDLED, REJECTED, AT_ONCE] {
        let away = run(modules, &format!("http://hn@{}/app/1", nobody()), script);
        away.is_like(&run(modules, &open.dsn(), script));
    }
}

#[test]
fn a_crash_under_exec_that_the_sdk_tells_as_well_is_one_occurrence() {
    let Some(modules) = install::node_modules() else { return };
    let open = Open::start();
    let script = open.site.path().join("jobs.js");
    let text = "const Sentry = require('@sentry/node');\nSentry.init();\nfunction load() { throw new SyntaxError('no name') }\n\
                function main() {\n  try { load() } catch (cause) { throw new RangeError('two rows are wrong\\nrow 3', {cause}) }\n}\nmain();\n";
    std::fs::write(&script, text).unwrap();
    open.tells_once("RangeError", |command| {
        command.arg("node").arg(script).env("NODE_PATH", modules);
    });
}

#[test]
fn what_the_sdk_cannot_send_before_its_process_ends_is_told_by_exec() {
    let Some(modules) = install::node_modules() else { return };
    let open = Open::start();
    let script = open.site.path().join("lost.js");
    std::fs::write(&script, format!("const Sentry = require('@sentry/node');\nSentry.init();\n{AT_ONCE}\n")).unwrap();
    let mut command = open.node.command();
    command.args(["exec", "--", "node"]).arg(script).env("NODE_PATH", modules);
    assert_eq!(Run::of(&mut command).code(), Some(3));
    open.has_counted(&["ExitStatus"]);
}

/// The function for pages as the documentation has it, in a program.
#[test]
fn the_documented_function_for_pages_keeps_name_message_stack_and_cause() {
    let documented = include_str!("../../docs/INGEST.md").split("```js\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    if install::node_modules().is_none() {
        return;
    }
    let open = Open::start();
    let script = documented.replace("\"/healnode/", &format!("\"http://{}/shop-web/", open.door));
    let script = format!(
        "globalThis.addEventListener = () => {{}};\n{script}\nfunction load() {{ throw new SyntaxError('no name') }}\n\
        try {{ load() }} catch (cause) {{ reportError(new RangeError('two rows are wrong', {{cause}}), {{page: '/cart'}}) }}"
    );
    let file = open.site.path().join("page.js");
    std::fs::write(&file, script).unwrap();
    let run = Run::of(Command::new("node").arg(file));
    assert_eq!((run.code(), run.output.stderr.as_slice()), (Some(0), &b""[..]));
    open.has_counted(&["RangeError"]);
    let error = open.node.ask(&["errors"])[0].clone();
    assert_eq!(error["message"], "two rows are wrong");
    let frames = open.node.ask(&["why", error["fingerprint"].as_str().unwrap()])["grouping"]["frames"].clone();
    assert!(frames[0] == "page.js:load" && frames.to_string().contains("caused by SyntaxError: no name"), "{frames}");
}
