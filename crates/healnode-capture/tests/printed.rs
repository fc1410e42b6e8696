//! What programs print when they fail, and what must be found in it.

#![allow(clippy::unwrap_used, reason = "a test ends at what it did not expect")]

mod support;

use std::fs;

use healnode_capture::limits::{LINES_BEFORE_MAX, STACK_BYTES_MAX};
use healnode_capture::text::{Evidence, Finder, Found, find_errors};
use healnode_report::{Report, in_app_frames};
use proptest::prelude::*;

use support::{NOW, data};

/// Where an error begins, and what it says.
fn of_place(found: &Found, from: u64) -> (u64, String) {
    (found.lines.start() + from, format!("{}: {}", found.error_type, found.message))
}

/// An error that must be found: type, message, first and last line, frames that take part in the fingerprint.
type Expected<'a> = (&'a str, &'a str, u64, u64, &'a [&'a str]);

fn check(text: &str, expected: &[Expected<'_>]) {
    let found = find_errors(text.lines());
    let frames: Vec<Vec<String>> = found.iter().map(|found| in_app_frames(found.stack.as_deref().unwrap_or_default())).collect();
    let frames: Vec<Vec<&str>> = frames.iter().map(|frames| frames.iter().map(String::as_str).collect()).collect();
    let found: Vec<Expected<'_>> = found
        .iter()
        .zip(&frames)
        .map(|(found, frames)| {
            (found.error_type.as_str(), found.message.as_str(), *found.lines.start(), *found.lines.end(), frames.as_slice())
        })
        .collect();
    assert_eq!(found, expected, "\n{text}");
}

fn output(name: &str) -> String {
    fs::read_to_string(data().join("output").join(format!("{name}.err"))).unwrap()
}

#[test]
fn every_recorded_output_yields_what_it_should() {
    const PANIC: &str = "index out of bounds: the len is 0 but the index is 2";
    check(
        &output("py-chained"),
        &[(
            "RuntimeError",
            "startup failed for worker 7",
            0,
            18,
            &[
                "chain.py:load",
                "chain.py:start",
                "chain.py:<module>",
                "caused by FileNotFoundError: [Errno 2] No such file or directory: '/nonexistent/worker<*>.json'",
            ],
        )],
    );
    check(&output("py-thread"), &[("KeyError", "'tenant-3f9a'", 1, 7, &[])]);
    check(&output("py-sysexit"), &[("Error", "fatal: config missing", 0, 0, &[])]);
    check(&output("rust-panic-bt"), &[("panic", PANIC, 1, 20, &["rust_sdk::main"])]);
    check(&output("rust-panic-nobt"), &[("panic", PANIC, 1, 3, &["main.rs:"])]);
    check(&output("ruby"), &[("RuntimeError", "startup failed for worker 7", 0, 1, &["-e:<main>"])]);
    check(&output("perl"), &[("Error", "boom at stage 3", 0, 0, &[])]);
    check(&output("bash"), &[]);
    check(&output("kill9"), &[]);
}

#[test]
fn every_recorded_output_of_other_programs_yields_what_it_should() {
    check(
        &output("py-context"),
        &[(
            "KeyError",
            "'x'",
            0,
            15,
            &["crash.py:load", "crash.py:<module>", "caused by FileNotFoundError: [Errno 2] No such file or directory: '/nonexistent'"],
        )],
    );
    check(
        &output("py-group"),
        &[("ExceptionGroup", "many", 0, 27, &["st.py:<module>", "st.py:query", "caused by DbError: no table users"])],
    );
    check(
        &output("py-recursion"),
        &[("RecursionError", "maximum recursion depth exceeded", 0, 14, &["crash.py:rec", "crash.py:<module>"])],
    );
    check(
        &output("node-cause"),
        &[(
            "ConfigError",
            "worker 7 has no config",
            4,
            20,
            &["a.js:load", "a.js:start", "a.js:", "caused by SyntaxError: Expected property name or '}' in JSON at position <*>"],
        )],
    );
    check(&output("node-rejection"), &[("TypeError", "rejected\nsecond line 42", 4, 12, &["c.js:"])]);
    check(&output("node-properties"), &[("Error", "ENOENT: no such file or directory, open '/nonexistent'", 4, 18, &[])]);
    check(
        &output("java-cause"),
        &[("A$CartException", "worker 7 failed", 0, 13, &["A:load", "A:start", "A:main", "caused by java.io.IOException: no disk"])],
    );
    check(&output("perl-confess"), &[("Error", "boom", 0, 1, &[])]);
    check(&output("asan"), &[("AddressSanitizer", "heap-buffer-overflow", 1, 14, &["d.c:main"])]);
    check(
        &output("ubsan"),
        &[("UndefinedBehaviorSanitizer", "signed integer overflow: 2147483647 + 1 cannot be represented in type 'int'", 0, 0, &[])],
    );
    check(&output("cxx-exception"), &[("std::runtime_error", "boom", 0, 2, &[])]);
    check(&output("cxx-assertion"), &[("AssertionFailed", "Assertion `c==0' failed.", 0, 1, &[])]);
}

#[test]
fn only_a_trace_is_strong_evidence() {
    let evidence = |name: &str| find_errors(output(name).lines()).pop().unwrap().evidence;
    for name in ["py-chained", "py-thread", "rust-panic-bt", "rust-panic-nobt", "ruby"] {
        assert_eq!(evidence(name), Evidence::Trace, "{name}");
    }
    for name in ["py-sysexit", "perl"] {
        assert_eq!(evidence(name), Evidence::Line, "{name}");
    }
}

#[test]
fn python_is_found_alone_chained_and_grouped() {
    check(
        "ready\nTraceback (most recent call last):\n  File \"a.py\", line 3, in f\n    g()\n    ^^^\nValueError: bad input\nbye",
        &[("ValueError", "bad input", 1, 5, &["a.py:f"])],
    );
    check(
        "Traceback (most recent call last):\n  File \"a.py\", line 3, in f\nrequests.exceptions.ConnectionError: x\n\n\
         During handling of the above exception, another exception occurred:\n\n\
         Traceback (most recent call last):\n  File \"a.py\", line 5, in g\nKeyboardInterrupt\n\nready again",
        &[("KeyboardInterrupt", "", 0, 8, &["a.py:f", "a.py:g", "caused by requests.exceptions.ConnectionError: x"])],
    );
    check(
        "  + Exception Group Traceback (most recent call last):\n  |   File \"a.py\", line 29, in <module>\n  |     raise ExceptionGroup(\"many\", es)\n\
         \x20 | ExceptionGroup: many (2 sub-exceptions)\n  +-+---------------- 1 ----------------\n    | Traceback (most recent call last):\n\
         \x20   |   File \"a.py\", line 26, in one\n    | ValueError: x\n    +---------------- 2 ----------------\n    | KeyError: y\n\
         \x20   +------------------------------------\nnext",
        &[("ExceptionGroup", "many", 0, 10, &["a.py:one", "a.py:<module>", "caused by ValueError: x"])],
    );
    check(
        "  File \"a.py\", line 3\n    def f(:\n          ^\nSyntaxError: invalid syntax",
        &[("SyntaxError", "invalid syntax", 0, 3, &["a.py:"])],
    );
    check(
        "Traceback (most recent call last):\n  File \"a.py\", line 3, in f\nOSError: no disk\nin slot 3\n\nor 4\n\n\
         The above exception was the direct cause of the following exception:\n\n\
         Traceback (most recent call last):\n  File \"a.py\", line 5, in g\nJobError: failed\nafter a while\nready again\n\
         Traceback (most recent call last):\n  File \"b.py\", line 7, in h\nKeyError: 'x'\nbye",
        &[("JobError", "failed", 0, 11, &["a.py:f", "a.py:g", "caused by OSError: no disk"]), ("KeyError", "'x'", 14, 16, &["b.py:h"])],
    );
    check(
        "ERROR:root:job failed\nTraceback (most recent call last):\n  File \"a.py\", line 3, in f\nValueError: bad\nERROR:root:other",
        &[("ValueError", "bad", 1, 3, &["a.py:f"]), ("Error", "root:other", 4, 4, &[])],
    );
}

#[test]
fn javascript_java_and_dotnet_name_the_error_above_its_frames() {
    check(
        "/srv/app/x.js:3\n        throw new TypeError('x');\n        ^\n\nTypeError: x is undefined\n    at f (/srv/app/x.js:3:9)\n    \
         at node:internal/main:1:1\n\nNode.js v20.1.0",
        &[("TypeError", "x is undefined", 4, 6, &["x.js:f"])],
    );
    check(
        "Error: out\n    at g (/srv/app/x.js:9:9) {\n  [cause]: RangeError: in\n      at f (/srv/app/x.js:3:9) {\n    code: 'E'\n  }\n}\nbye",
        &[("Error", "out", 0, 6, &["x.js:f", "caused by RangeError: in"])],
    );
    check(
        "Error [ERR_MODULE_NOT_FOUND]: Cannot find module\nimported from a\n    at f (/srv/app/x.js:3:9)",
        &[("Error", "Cannot find module\nimported from a", 0, 2, &["x.js:f"])],
    );
    check(
        "start\nException in thread \"main\" shop.CartException: closed\n\tat shop.Cart.add(Cart.java:3)\n\tat shop.Main.main(Main.java:9)\n\
         Caused by: java.io.IOException: disk\n\tat shop.Disk.write(Disk.java:7)\n\t... 2 more\ndone",
        &[(
            "shop.CartException",
            "closed",
            1,
            6,
            &["shop.Disk:write", "shop.Cart:add", "shop.Main:main", "caused by java.io.IOException: disk"],
        )],
    );
    check(
        "2026-11-25 10:00:00,123 ERROR [main] c.s.App - job failed\njava.lang.IllegalStateException: closed\n\tat shop.Cart.add(Cart.java:3)\n\
         2026-11-25 10:00:01,123 INFO  [main] c.s.App - next",
        &[("java.lang.IllegalStateException", "closed", 1, 2, &["shop.Cart:add"])],
    );
    check(
        "Unhandled exception. System.InvalidOperationException: bad\n ---> System.IO.IOException: inner\n   at Shop.Disk.Write() in /srv/Disk.cs:line 7\n\
         \x20  --- End of inner exception stack trace ---\n   at Shop.Program.Main(String[] args) in /srv/Program.cs:line 3",
        &[(
            "System.InvalidOperationException",
            "bad",
            0,
            4,
            &["Shop.Disk:Write", "Shop.Program:Main", "caused by System.IO.IOException: inner"],
        )],
    );
}

#[test]
fn rust_is_found_in_every_form() {
    check(
        "thread 'main' panicked at src/main.rs:2:5:\nassertion `left == right` failed\n  left: 1\n right: 2\nmore output",
        &[("panic", "assertion `left == right` failed\n  left: 1\n right: 2", 0, 3, &["main.rs:"])],
    );
    check(
        "thread 'main' panicked at src/main.rs:2:5:\nfirst\nsecond\nnote: run with `RUST_BACKTRACE=1` environment variable\nmore",
        &[("panic", "first\nsecond", 0, 3, &["main.rs:"])],
    );
    check("thread 'worker' panicked at 'no config', src/main.rs:2:5\nnext line\nanother", &[("panic", "no config", 0, 0, &["main.rs:"])]);
    check(
        "Error: failed to start\n\nCaused by:\n    No such file\n\nStack backtrace:\n   0: app::start\n             at ./src/main.rs:3:5\nbye",
        &[("Error", "failed to start", 0, 7, &["app::start", "caused by No such file"])],
    );
    check(
        "\nthread 'main' has overflowed its stack\nfatal runtime error: stack overflow, aborting\nAborted (core dumped)",
        &[("StackOverflow", "thread 'main' has overflowed its stack", 1, 1, &[]), ("SIGABRT", "Aborted (core dumped)", 3, 3, &[])],
    );
}

#[test]
fn go_ruby_php_and_perl_are_found() {
    check(
        "panic: assignment to nil map [recovered]\n\tpanic: again\n\n[signal SIGSEGV: segmentation violation]\n\ngoroutine 1 [running]:\nmain.f(0x1)\n\
         \t/srv/app/main.go:9 +0x25\n\ngoroutine 7 [select]:\nmain.other()\n\t/srv/app/main.go:3 +0x1\nexit status 2\nbye",
        &[("panic", "assignment to nil map", 0, 12, &["main.go:main.f"])],
    );
    check(
        "panic: two causes:\n\tno disk\n\tno time [recovered, repanicked]\n\ngoroutine 1 [running]:\nmain.f(0x1)\n\t/srv/app/main.go:9 +0x25",
        &[("panic", "two causes:\nno disk\nno time", 0, 6, &["main.go:main.f"])],
    );
    check("panic: no more\nbread\n\nand wine", &[("panic", "no more", 0, 0, &[])]);
    check(
        "a.rb:1:in 'Cart#add': divided by 0 (ZeroDivisionError)\n\n  x / 0\n      ^\n\tfrom a.rb:3:in 'Object#run'\n\
         b.rb:9:in 'Disk#write': no space (Errno::ENOSPC)\n\tfrom b.rb:1:in 'Disk#open'\nbye",
        &[("ZeroDivisionError", "divided by 0", 0, 6, &["b.rb:write", "b.rb:open", "caused by Errno::ENOSPC: no space"])],
    );
    check(
        "PHP Fatal error:  Uncaught RuntimeException: in in /srv/a.php:3\nStack trace:\n#0 /srv/b.php(9): f()\n#1 {main}\n\n\
         Next LogicException: two\nlines in /srv/b.php:9\nStack trace:\n#0 {main}\n  thrown in /srv/b.php on line 9\nbye",
        &[("LogicException", "two\nlines", 0, 9, &["a.php:f", "b.php:", "caused by RuntimeException: in"])],
    );
    check(
        "[25-Nov-2026 10:00:00 UTC] PHP Fatal error:  Allowed memory size of 5 bytes exhausted in /srv/a.php on line 3",
        &[("PHP Fatal error", "Allowed memory size of 5 bytes exhausted", 0, 0, &[])],
    );
    check(
        "no such thing at /srv/a.pl line 3, <STDIN> line 9.\n\tmain::f() called at /srv/a.pl line 9\nx",
        &[("Error", "no such thing", 0, 1, &[])],
    );
}

#[test]
fn native_crashes_are_found() {
    check(
        "==7==ERROR: AddressSanitizer: heap-use-after-free on address 0x60 at pc 0x5 bp 0x7 sp 0x9\nREAD of size 4 at 0x60 thread T0\n    \
         #0 0x4f in add(int) /srv/cart.cc:12:3\n    #1 0x50 in main /srv/main.cc:3:1\n\nSUMMARY: AddressSanitizer: heap-use-after-free\n==7==ABORTING",
        &[("AddressSanitizer", "heap-use-after-free", 0, 5, &["cart.cc:add", "main.cc:main"])],
    );
    check(
        "terminate called after throwing an instance of 'std::runtime_error'\n  what():  boom\nAborted (core dumped)\nx",
        &[("std::runtime_error", "boom", 0, 2, &[])],
    );
    check("app: cart.c:12: add: Assertion `n > 0' failed.\nAborted", &[("AssertionFailed", "Assertion `n > 0' failed.", 0, 1, &[])]);
    check(
        "bash: line 1:    77 Segmentation fault      (core dumped) ./app",
        &[("SIGSEGV", "bash: line 1:    77 Segmentation fault      (core dumped) ./app", 0, 0, &[])],
    );
}

#[test]
fn what_logs_put_before_each_line_does_not_matter() {
    let plain = "Traceback (most recent call last):\n  File \"a.py\", line 3, in f\n    g()\nValueError: bad\n\
                 The end.\nthread 'main' panicked at src/main.rs:2:5:\nno config\nnote: run with\nx";
    let errors = |text: &str| -> Vec<(String, String, Option<String>)> {
        find_errors(text.lines()).into_iter().map(|found| (found.error_type, found.message, found.stack)).collect()
    };
    assert_eq!(errors(plain).len(), 2);
    for prefix in [
        "2026-11-25T10:00:00.123Z ",
        "web-1  | ",
        "Nov 25 10:00:00 host app[7]: ",
        "[2026-11-25 10:00:00] ",
        "build\tTest\t2026-11-25T10:00:00Z ",
    ] {
        let prefixed: Vec<String> = plain.lines().map(|line| format!("{prefix}{line}")).collect();
        assert_eq!(errors(&prefixed.join("\n")), errors(plain), "{prefix}");
    }
}

#[test]
fn prose_is_no_error() {
    let text = "at first I thought (really) it was fine\n  at the end of the day: we ship\nException handling is hard\nthe thread 'main' ended\n\
                panic at the disco\ngoroutine count: 5\n#0 is the first\nCaused by: rain\nINFO: 3 errors fixed\nfrom a.rb\nerrors were made\n\
                Tests: 3 failed, 4 passed\n  | table | row |\n  + plus\nListening on http://localhost:80\n\
                We meet\n  at home (now)\nor\n  at 10:30\nor\n  at f(x)";
    check(text, &[]);
}

#[test]
fn an_error_is_given_back_as_soon_as_it_is_whole() {
    let mut finder = Finder::default();
    let mut completed_at = Vec::new();
    for (number, line) in output("rust-panic-bt").lines().chain(["bye"]).enumerate() {
        completed_at.extend(finder.feed(line).into_iter().map(|_| number));
    }
    assert_eq!(completed_at, [20]);
    assert!(finder.flush().is_empty());
    finder.feed("ValueError: x");
    for line in ["Traceback (most recent call last):", "  File \"a.py\", line 3, in f", "ValueError: bad"] {
        assert!(finder.feed(line).is_empty());
    }
    let found = finder.flush();
    assert_eq!((found.len(), found[0].lines.clone()), (1, 23..=25));
}

#[test]
fn an_endless_trace_is_kept_within_its_bound() {
    let mut finder = Finder::default();
    let mut found = finder.feed("Traceback (most recent call last):");
    for line in 0..20_000 {
        found.extend(finder.feed(&format!("  File \"a.py\", line {line}, in f{line} {}", "x".repeat(100))));
    }
    found.extend(finder.feed("RecursionError: too deep"));
    found.extend(finder.flush());
    assert_eq!((found.len(), found[0].error_type.as_str()), (1, "RecursionError"));
    let stack = found[0].stack.as_deref().unwrap();
    assert!(stack.len() <= STACK_BYTES_MAX + 1_000, "{}", stack.len());
    assert!(stack.contains("in f0 ") && stack.contains("lines left out]") && stack.contains("in f19999 "));
}

#[test]
fn time_is_linear_whatever_the_lines_are() {
    for lines in [
        vec!["panic: x"],
        vec!["    at f (a.js:1:2)"],
        vec!["Error: x", "Caused by:"],
        vec!["a.rb:1:in 'x': y (Z)"],
        vec!["PHP Fatal error:  Uncaught A: b"],
        vec!["thread 'main' panicked at src/a.rs:1:2:", "x", "y"],
        vec!["==1==ERROR: AddressSanitizer: x", "y"],
        vec!["{\"level\":\"error\",\"stack\":\"panic: x\\n\\n\\n\"}"],
    ] {
        let mut finder = Finder::default();
        let count: usize = lines.iter().cycle().take(20_000).map(|line| finder.feed(line).len()).sum();
        assert!(count + finder.flush().len() <= 20_000, "{lines:?}");
    }
}

#[test]
fn a_report_of_a_panic_is_the_same_from_an_sdk_and_from_standard_error() {
    let capture = support::Capture::load("rust-panic");
    let sent = healnode_capture::sentry::receive(&capture.request(), NOW).unwrap().errors.remove(0);
    let printed = find_errors(output("rust-panic-bt").lines()).remove(0).into_raw();
    assert_eq!(Report::new(sent, NOW).fingerprint(), Report::new(printed, NOW).fingerprint());
}

/// Lines that grammars look for.
const LINES: &[&str] = &[
    "",
    " ",
    "x",
    "Traceback (most recent call last):",
    "  File \"a.py\", line 1, in f",
    "  File \"a.py\", line 1",
    "ValueError: x",
    "KeyError",
    "  | ValueError: x (2 sub-exceptions)",
    "  + Exception Group Traceback (most recent call last):",
    "    | Traceback (most recent call last):",
    "During handling of the above exception, another exception occurred:",
    "thread 'main' panicked at src/a.rs:1:2:",
    "thread 'é' (1) panicked at 'x', src/a.rs:1:2",
    "stack backtrace:",
    "   0: f",
    "note: run",
    "  left: 1",
    "panic: x",
    "fatal error: x",
    "goroutine 1 [running]:",
    "main.f()",
    "\t/a.go:1 +0x1",
    "exit status 2",
    "    at f (a.js:1:2)",
    "    at f (a.js:1:2) {",
    "}",
    "Caused by: x",
    "Caused by:",
    "\t... 3 more",
    " ---> X: y",
    "Error: x",
    "a.rb:1:in `f': x (Y)",
    "\tfrom a.rb:1:in `g'",
    "PHP Fatal error:  Uncaught A: b in /a.php:1",
    "Stack trace:",
    "#0 {main}",
    "Next B: c in /a.php:1",
    "  thrown in /a.php on line 1",
    "x at a.pl line 1.",
    "\tf called at a.pl line 1",
    "==1==ERROR: AddressSanitizer: x on address 0x1",
    "SUMMARY: x",
    "Aborted (core dumped)",
    "terminate called after throwing an instance of 'X'",
    "  what():  y",
    "2026-11-25T10:00:00Z ERROR x",
    "web-1 | x",
    "\u{1b}[31mERROR\u{1b}[0m x",
    "{\"level\":\"error\",\"msg\":\"x\",\"stack\":\"ValueError: x\\n  at f (a.js:1:2)\"}",
    "[ERROR] x",
    "level=error msg=\"x\"",
    "Killed",
];

proptest! {
    #[test]
    fn any_lines_in_any_order_are_read(lines in prop::collection::vec(prop::sample::select(LINES), 0..60)) {
        let found = find_errors(lines.iter().copied());
        for pair in found.windows(2) {
            prop_assert!(pair[0].lines.end() <= pair[1].lines.end(), "{found:?}\n{}", lines.join("\n"));
        }
        for error in found {
            prop_assert!(*error.lines.end() < lines.len() as u64 && error.lines.start() <= error.lines.end());
            prop_assert!(!error.error_type.is_empty());
            let _report = Report::new(error.into_raw(), NOW);
        }
    }

    /// What was found before counts again under the same first line, which is how it is known to be the same.
    #[test]
    fn whoever_reads_again_from_the_oldest_line_loses_nothing(lines in prop::collection::vec(prop::sample::select(LINES), 0..60), cut in 0_usize..60) {
        let cut = cut.min(lines.len());
        let mut finder = Finder::default();
        let mut found: Vec<(u64, String)> = lines[..cut].iter().flat_map(|line| finder.feed(line)).map(|found| of_place(&found, 0)).collect();
        let from = finder.oldest_line().unwrap_or(cut as u64);
        found.extend(find_errors(lines.iter().skip(usize::try_from(from).unwrap()).copied()).iter().map(|found| of_place(found, from)));
        for error in find_errors(lines.iter().copied()) {
            prop_assert!(found.contains(&of_place(&error, 0)), "{:?} from {from}, {:?}", of_place(&error, 0), found);
        }
    }

    #[test]
    fn any_text_is_read(text in "(?s)[ -~\t\n\u{1b}éß|:(){}\\[\\]#=.']{0,400}", bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _found = find_errors(text.lines());
        let _found = find_errors(String::from_utf8_lossy(&bytes).lines());
    }

    #[test]
    fn flushing_between_lines_never_loses_the_count(lines in prop::collection::vec((prop::sample::select(LINES), any::<bool>()), 0..60)) {
        let mut finder = Finder::default();
        let mut found: Vec<Found> = Vec::new();
        for (line, is_silent) in &lines {
            found.extend(finder.feed(line));
            if *is_silent {
                found.extend(finder.flush());
                prop_assert!(finder.flush().is_empty());
            }
        }
        found.extend(finder.flush());
        let first_before = LINES_BEFORE_MAX as u64;
        prop_assert!(found.iter().all(|found| *found.lines.end() < lines.len() as u64 && found.lines.end() + 1 >= found.lines.start().saturating_sub(first_before)));
    }
}
