//! Sentry's SDK for Python.

use std::path::Path;
use std::process::Command;

use crate::{Open, Run, install, nobody};

fn run(python: &Path, dsn: &str, script: &str) -> Run {
    Run::of(Command::new(python).args(["-c", &format!("import sentry_sdk\nsentry_sdk.init(dsn={dsn:?})\n{script}")]))
}

const UNHANDLED: &str = "def charge():\n    raise ValueError('no such row')\ncharge()";

const AT_ONCE: &str =
    "import sys\ntry:\n    open('/nonexistent')\nexcept OSError as error:\n    sentry_sdk.capture_exception(error)\n    sys.exit(3)";

#[test]
fn errors_handled_and_not_in_threads_and_coroutines_and_before_an_exit_are_all_reported() {
    let Some(python) = install::python() else { return };
    let open = Open::start();
    for (script, code) in [
        ("try:\n    {}['sku']\nexcept KeyError as error:\n    sentry_sdk.capture_exception(error)", 0),
        (UNHANDLED, 1),
        ("import threading\nt = threading.Thread(target=lambda: 1 / 0)\nt.start()\nt.join()", 0),
        ("import asyncio\nasync def main():\n    raise RuntimeError('loop closed')\nasyncio.run(main())", 1),
        ("sentry_sdk.capture_message('disk almost full', level='warning')", 0),
        (AT_ONCE, 3),
    ] {
        assert_eq!(run(python, &open.dsn(), script).code(), Some(code), "{script}");
    }
    open.has_counted(&["FileNotFoundError", "KeyError", "RuntimeError", "ValueError", "ZeroDivisionError"]);
    assert_eq!(open.node.ask(&["status"])["ingest"]["messages"], 1);
}

#[test]
fn an_application_does_not_notice_a_node_that_is_away() {
    let Some(python) = install::python() else { return };
    for script in [UNHANDLED, AT_ONCE] {
        let away = run(python, &format!("http://hn@{}/app/1", nobody()), script);
        // Python prints no source lines of a script on its command line, so the output is the same whatever the DSN.
        away.is_like(&run(python, "", script));
    }
}

#[test]
fn a_crash_under_exec_that_the_sdk_tells_as_well_is_one_occurrence() {
    let Some(python) = install::python() else { return };
    let open = Open::start();
    let script = open.site.path().join("jobs.py");
    let text = "import sentry_sdk\nsentry_sdk.init()\n\ndef load():\n    raise OSError('no disk\\nin slot 3')\n\ndef main():\n    try:\n        load()\n    \
                except OSError as cause:\n        raise ValueError('two rows are wrong\\nrow 3: no name\\n') from cause\n\nmain()\n";
    std::fs::write(&script, text).unwrap();
    open.tells_once("ValueError", |command| {
        command.arg(python).arg(script);
    });
}
