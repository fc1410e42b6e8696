//! One crash through two doors: sent by an SDK, and printed to standard error. Both must give one fingerprint.

#![allow(clippy::unwrap_used, reason = "a test ends at what it did not expect")]

mod support;

use healnode_capture::sentry::{Request, receive};
use healnode_capture::text::find_errors;
use healnode_report::{RawError, Report, in_app_frames};
use serde_json::{Value, json};

use support::NOW;

fn sent(event: &Value) -> RawError {
    let body = format!("{{}}\n{{\"type\":\"event\"}}\n{event}");
    let request = Request { uri: "/api/1/envelope/", body: body.as_bytes(), ..Request::default() };
    receive(&request, NOW).unwrap().errors.remove(0)
}

/// Checks that an event and a text give one error, with these frames.
fn check(event: &Value, text: &str, frames: &[&str]) {
    let sent = sent(event);
    let found = find_errors(text.lines());
    assert_eq!(found.len(), 1, "{text}");
    let printed = found.into_iter().next().unwrap().into_raw();
    let stack = sent.stack.as_deref().unwrap();
    assert_eq!((&sent.error_type, &sent.message), (&printed.error_type, &printed.message), "{stack}");
    assert_eq!(in_app_frames(stack), frames, "{stack}");
    assert_eq!(in_app_frames(printed.stack.as_deref().unwrap()), frames, "{text}");
    let (sent, printed) = (Report::new(sent, NOW), Report::new(printed, NOW));
    assert_eq!(sent.fingerprint(), printed.fingerprint());
}

/// What was sent, rendered, is found again as the same error.
fn check_rendered(event: &Value) {
    let sent = sent(event);
    let stack = sent.stack.clone().unwrap();
    let found = find_errors(stack.lines());
    assert_eq!(found.len(), 1, "{stack}");
    assert_eq!((&found[0].error_type, &found[0].message), (&sent.error_type, &sent.message), "{stack}");
    assert_eq!(in_app_frames(found[0].stack.as_deref().unwrap()), in_app_frames(&stack), "{stack}");
}

/// An exception with frames, the oldest call first: path, function, line, module.
fn exception(kind: &str, message: &str, module: &str, frames: &[(&str, &str, u32, &str)]) -> Value {
    let frames: Vec<Value> = frames
        .iter()
        .map(|(path, function, line, module)| json!({"abs_path": path, "filename": path, "function": function, "lineno": line, "module": module}))
        .collect();
    json!({"type": kind, "value": message, "module": module, "stacktrace": {"frames": frames}})
}

fn event(platform: &str, chain: &[Value]) -> Value {
    json!({"platform": platform, "exception": {"values": chain}})
}

fn python() -> Value {
    let cause = exception(
        "ConnectionError",
        "refused",
        "requests.exceptions",
        &[("/srv/app/jobs.py", "run", 7, "jobs"), ("/usr/lib/python3/site-packages/requests/api.py", "get", 59, "requests.api")],
    );
    let thrown = exception(
        "JobError",
        "job failed",
        "jobs.errors",
        &[("/srv/app/main.py", "<module>", 3, "__main__"), ("/srv/app/jobs.py", "run", 9, "jobs")],
    );
    event("python", &[cause, thrown])
}

#[test]
fn python_is_one_error_through_both_doors() {
    check(
        &python(),
        "Traceback (most recent call last):\n  File \"/srv/app/jobs.py\", line 7, in run\n    get(url)\n  \
         File \"/usr/lib/python3/site-packages/requests/api.py\", line 59, in get\n    return request(url)\n\
         requests.exceptions.ConnectionError: refused\n\nThe above exception was the direct cause of the following exception:\n\n\
         Traceback (most recent call last):\n  File \"/srv/app/main.py\", line 3, in <module>\n    run()\n  \
         File \"/srv/app/jobs.py\", line 9, in run\n    raise JobError(x) from e\njobs.errors.JobError: job failed",
        &["jobs.py:run", "main.py:<module>", "caused by requests.exceptions.ConnectionError: refused"],
    );
    check_rendered(&python());
}

#[test]
fn a_message_of_several_lines_of_python_is_one_error_through_both_doors() {
    let frames = |line| [("/srv/app/jobs.py", "run", line, "jobs")];
    let event_of_one = |message| event("python", &[exception("OSError", message, "", &frames(7))]);
    let cause = exception("OSError", "no disk\nin slot 3", "", &frames(7));
    let thrown = exception("JobError", "job failed\nafter a while", "jobs", &frames(9));
    let event = event("python", &[cause, thrown]);
    check(
        &event,
        "Traceback (most recent call last):\n  File \"/srv/app/jobs.py\", line 7, in run\n    read()\nOSError: no disk\nin slot 3\n\n\
         During handling of the above exception, another exception occurred:\n\n\
         Traceback (most recent call last):\n  File \"/srv/app/jobs.py\", line 9, in run\n    fail()\njobs.JobError: job failed\nafter a while",
        &["jobs.py:run", "caused by OSError: no disk"],
    );
    check_rendered(&event);
    assert!(sent(&event).stack.is_some_and(|stack| stack.contains("after a while")));
    let blank = event_of_one("\n  no disk\nin slot 3\n");
    let printed =
        "Traceback (most recent call last):\n  File \"/srv/app/jobs.py\", line 7, in run\n    read()\nOSError: \n  no disk\nin slot 3\n";
    check(&blank, printed, &["jobs.py:run"]);
    let alone = json!({"platform": "python", "exception": {"values": [{"type": "JobError", "value": "job failed\nafter a while"}]}});
    assert_eq!(sent(&alone).message, "job failed\nafter a while", "without a trace it stands nowhere else");
}

fn node() -> Value {
    let runtime = ("node:internal/main/run_main_module", "?", 28, "run_main_module");
    let cause = exception(
        "SyntaxError",
        "Expected property name",
        "",
        &[
            runtime,
            ("/srv/app/a.js", "Object.<anonymous>", 4, "a"),
            ("/srv/app/a.js", "start", 3, "a"),
            ("/srv/app/a.js", "load", 2, "a"),
            ("<anonymous>", "JSON.parse", 0, "<anonymous>"),
        ],
    );
    let thrown = exception(
        "ConfigError",
        "worker 7 has no config",
        "",
        &[runtime, ("/srv/app/a.js", "Object.<anonymous>", 4, "a"), ("/srv/app/a.js", "start", 3, "a"), ("/srv/app/a.js", "load", 2, "a")],
    );
    event("node", &[cause, thrown])
}

#[test]
fn node_is_one_error_through_both_doors() {
    check(
        &node(),
        "/srv/app/a.js:2\nfunction load(n) { throw new ConfigError(n) }\n                   ^\n\nConfigError: worker 7 has no config\n    \
         at load (/srv/app/a.js:2:66)\n    at start (/srv/app/a.js:3:21)\n    ... 6 lines matching cause stack trace ...\n    \
         at node:internal/main/run_main_module:28:49 {\n  [cause]: SyntaxError: Expected property name\n      at JSON.parse (<anonymous>)\n      \
         at load (/srv/app/a.js:2:31)\n      at start (/srv/app/a.js:3:21)\n      at Object.<anonymous> (/srv/app/a.js:4:1)\n      \
         at node:internal/main/run_main_module:28:49\n}\n\nNode.js v20.20.2",
        &["a.js:load", "a.js:start", "a.js:", "caused by SyntaxError: Expected property name"],
    );
    check_rendered(&node());
}

#[test]
fn a_group_of_node_is_one_error_through_both_doors() {
    let error = |id: u32, kind: &str, message: &str, source: &str, function: &str| {
        let frames = [("/srv/app/a.js", "main", 20, "a"), ("/srv/app/a.js", function, id, "a")];
        let mut error = exception(kind, message, "", &frames);
        error["mechanism"] = json!({"exception_id": id, "parent_id": 0, "source": source});
        error
    };
    let event = event(
        "node",
        &[
            error(3, "RangeError", "two", "errors[1]", "g"),
            error(2, "TypeError", "one", "errors[0]", "f"),
            error(1, "Error", "before", "cause", "h"),
            error(0, "AggregateError", "all failed", "", "run"),
        ],
    );
    check(
        &event,
        "AggregateError: all failed\n    at run (/srv/app/a.js:9:1)\n    at main (/srv/app/a.js:20:1) {\n  [cause]: Error: before\n      \
         at h (/srv/app/a.js:7:1)\n      at main (/srv/app/a.js:20:1)\n  [errors]: [\n    TypeError: one\n        at f (/srv/app/a.js:1:2)\n        \
         at main (/srv/app/a.js:20:1),\n    RangeError: two\n        at g (/srv/app/a.js:3:2)\n        at main (/srv/app/a.js:20:1)\n  ]\n}",
        &["a.js:f", "a.js:main", "a.js:run", "a.js:h", "caused by TypeError: one"],
    );
    check_rendered(&event);
}

fn java() -> Value {
    let launcher = ("Method.java", "invoke", 569, "java.lang.reflect.Method");
    let cause = exception(
        "IOException",
        "no disk",
        "java.io",
        &[launcher, ("Main.java", "main", 4, "shop.Main"), ("Cart.java", "start", 3, "shop.Cart"), ("Disk.java", "load", 2, "shop.Disk")],
    );
    let thrown = exception(
        "CartException",
        "worker 7 failed",
        "shop",
        &[launcher, ("Main.java", "main", 4, "shop.Main"), ("Cart.java", "start", 5, "shop.Cart")],
    );
    event("java", &[cause, thrown])
}

#[test]
fn java_is_one_error_through_both_doors() {
    check(
        &java(),
        "Exception in thread \"main\" shop.CartException: worker 7 failed\n\tat shop.Cart.start(Cart.java:5)\n\tat shop.Main.main(Main.java:4)\n\
         \tat java.base/java.lang.reflect.Method.invoke(Method.java:569)\nCaused by: java.io.IOException: no disk\n\
         \tat shop.Disk.load(Disk.java:2)\n\tat shop.Cart.start(Cart.java:3)\n\t... 2 more",
        &["shop.Disk:load", "shop.Cart:start", "shop.Main:main", "caused by java.io.IOException: no disk"],
    );
    check_rendered(&java());
}

fn ruby() -> Value {
    let cause = exception(
        "Errno::ENOENT",
        "No such file @ rb_sysopen - /x",
        "Errno",
        &[("/srv/app/send.rb", "<main>", 6, ""), ("/srv/app/send.rb", "load_cfg", 4, ""), ("/srv/app/send.rb", "read", 4, "")],
    );
    let thrown = exception(
        "RuntimeError",
        "startup failed",
        "",
        &[("/srv/app/send.rb", "<main>", 6, ""), ("/srv/app/send.rb", "rescue in start", 5, "")],
    );
    event("ruby", &[cause, thrown])
}

#[test]
fn ruby_is_one_error_through_both_doors() {
    check(
        &ruby(),
        "/srv/app/send.rb:5:in `rescue in start': startup failed (RuntimeError)\n\tfrom /srv/app/send.rb:6:in `<main>'\n\
         /srv/app/send.rb:4:in `read': No such file @ rb_sysopen - /x (Errno::ENOENT)\n\tfrom /srv/app/send.rb:4:in `load_cfg'\n\
         \tfrom /srv/app/send.rb:6:in `<main>'",
        &["send.rb:load_cfg", "send.rb:<main>", "caused by Errno::ENOENT: No such file @ rb_sysopen - /x"],
    );
    check_rendered(&ruby());
}

fn php() -> Value {
    let cause = exception(
        "InvalidArgumentException",
        "no id",
        "",
        &[
            ("/srv/app/index.php", "", 3, ""),
            ("/srv/app/Api.php", "App\\Api::post", 30, ""),
            ("/srv/app/Cart.php", "App\\Cart::add", 12, ""),
        ],
    );
    let thrown = exception(
        "App\\CartException",
        "bad cart",
        "",
        &[("/srv/app/index.php", "", 3, ""), ("/srv/app/Api.php", "App\\Api::post", 31, "")],
    );
    event("php", &[cause, thrown])
}

#[test]
fn php_is_one_error_through_both_doors() {
    check(
        &php(),
        "PHP Fatal error:  Uncaught InvalidArgumentException: no id in /srv/app/Cart.php:12\nStack trace:\n#0 /srv/app/Api.php(30): \
         App\\Cart::add()\n#1 /srv/app/index.php(3): App\\Api::post()\n#2 {main}\n\nNext App\\CartException: bad cart in /srv/app/Api.php:31\n\
         Stack trace:\n#0 /srv/app/index.php(3): App\\Api::post()\n#1 {main}\n  thrown in /srv/app/Api.php on line 31",
        &["cart.php:Cart::add", "api.php:Api::post", "index.php:", "caused by InvalidArgumentException: no id"],
    );
    check_rendered(&php());
}

fn dotnet() -> Value {
    let cause = exception("System.IO.IOException", "no disk", "System.Private.CoreLib", &[("/srv/app/Disk.cs", "Write", 7, "Shop.Disk")]);
    let thrown = exception(
        "System.InvalidOperationException",
        "bad",
        "System.Private.CoreLib",
        &[("/srv/app/Program.cs", "Main", 3, "Shop.Program")],
    );
    event("csharp", &[cause, thrown])
}

#[test]
fn dotnet_is_one_error_through_both_doors() {
    check(
        &dotnet(),
        "Unhandled exception. System.InvalidOperationException: bad\n ---> System.IO.IOException: no disk\n   \
         at Shop.Disk.Write() in /srv/app/Disk.cs:line 7\n   --- End of inner exception stack trace ---\n   \
         at Shop.Program.Main(String[] args) in /srv/app/Program.cs:line 3",
        &["Shop.Disk:Write", "Shop.Program:Main", "caused by System.IO.IOException: no disk"],
    );
    check_rendered(&dotnet());
}

#[test]
fn a_rust_error_is_one_error_through_both_doors() {
    let capture = support::Capture::load("rust-anyhow-chain");
    let sent = receive(&capture.request(), NOW).unwrap().errors.remove(0);
    let printed = "Error: failed to start worker 7\n\nCaused by:\n    0: failed to read config\n    1: No such file or directory (os error 2)\n\n\
                   Stack backtrace:\n   0: anyhow::context::<impl anyhow::Context<T,E> for core::result::Result<T,E>>::context\n             \
                   at /root/.cargo/registry/src/index.crates.io-1949cf8c6b5b557f/anyhow-1.0.104/src/context.rs:54:37\n   1: rust_sdk::inner\n\
                   \x20            at ./src/main.rs:2:97\n   2: rust_sdk::outer\n             at ./src/main.rs:3:36\n   3: rust_sdk::main\n\
                   \x20            at ./src/main.rs:15:31\n   4: core::ops::function::FnOnce::call_once\n             \
                   at /rustc/59807616e1fa2540724bfbac14d7976d7e4a3860/library/core/src/ops/function.rs:250:5";
    let printed = find_errors(printed.lines()).remove(0).into_raw();
    assert_eq!(Report::new(sent, NOW).fingerprint(), Report::new(printed, NOW).fingerprint());
}

#[test]
fn causes_of_rust_are_listed_as_anyhow_lists_them() {
    for (chain, text, cause) in [
        (vec![("ParseIntError", "bad digit"), ("Error", "start")], "Error: start\n\nCaused by:\n    bad digit", "bad digit"),
        (
            vec![("Error", "two\nlines"), ("Error", "crate::b"), ("Error", "start")],
            "Error: start\n\nCaused by:\n    0: crate::b\n    1: two\n       lines",
            "two",
        ),
    ] {
        let frames = [("src/main.rs", "app::main", 3, "")];
        let chain: Vec<Value> = chain.into_iter().map(|(kind, message)| exception(kind, message, "", &frames)).collect();
        let text = format!("{text}\n\nStack backtrace:\n   0: app::main\n             at ./src/main.rs:3:1");
        let event = event("native", &chain);
        check(&event, &text, &["app::main", &format!("caused by {cause}")]);
        check_rendered(&event);
    }
}

#[test]
fn go_gives_the_same_frames_through_both_doors() {
    let chain = [exception(
        "*errors.errorString",
        "assignment to nil map",
        "",
        &[("/srv/app/main.go", "main", 9, "main"), ("/srv/app/cart/cart.go", "(*Cart).Add", 21, "shop/cart")],
    )];
    let sent = sent(&event("go", &chain));
    let printed = "panic: assignment to nil map\n\ngoroutine 1 [running]:\nshop/cart.(*Cart).Add(0xc0, 0x5)\n\t/srv/app/cart/cart.go:21 +0x1d\n\
                   main.main()\n\t/srv/app/main.go:9 +0x25\nexit status 2";
    let found = find_errors(printed.lines()).remove(0);
    assert_eq!(sent.message, found.message);
    assert_eq!(in_app_frames(sent.stack.as_deref().unwrap()), ["cart.go:cart.(*Cart).Add", "main.go:main.main"]);
    assert_eq!(in_app_frames(found.stack.as_deref().unwrap()), in_app_frames(sent.stack.as_deref().unwrap()));
}

#[test]
fn a_panic_of_go_is_one_error_through_both_doors_whatever_was_thrown() {
    let frames = [("/srv/app/main.go", "main", 9, "main"), ("/srv/app/cart/cart.go", "(*Cart).Add", 21, "shop/cart")];
    for (kinds, message) in [
        (&["*errors.errorString"][..], "no cart"),
        (&["*fs.PathError", "*fmt.wrapError"], "two causes:\nno disk\nno time"),
        (&["runtime.boundsError"], "runtime error: index out of range [5] with length 3"),
    ] {
        let chain: Vec<Value> = kinds.iter().map(|kind| exception(kind, message, "", &frames)).collect();
        let mut event = event("go", &chain);
        event["level"] = "fatal".into();
        let printed = format!(
            "panic: {}\n\ngoroutine 1 [running]:\nshop/cart.(*Cart).Add(0xc0, 0x5)\n\t/srv/app/cart/cart.go:21 +0x1d\n\
             main.main()\n\t/srv/app/main.go:9 +0x25\nexit status 2",
            message.replace('\n', "\n\t")
        );
        check(&event, &printed, &["cart.go:cart.(*Cart).Add", "main.go:main.main"]);
        event["level"] = "error".into();
        assert_eq!(sent(&event).error_type, *kinds.last().unwrap(), "what was handled is no panic");
    }
}

#[test]
fn native_frames_are_named_as_a_debugger_names_them() {
    let frame =
        |function: &str, path: &str, line: u32| json!({"function": function, "abs_path": path, "lineno": line, "instruction_addr": "0x5"});
    let library = json!({"function": "raise", "package": "/lib/libc.so.6", "instruction_addr": "0x7"});
    let frames = [frame("main", "/srv/main.cc", 3), frame("Cart<long>::add(int)", "/srv/cart.cc", 12), library];
    let exception = json!({"type": "SIGABRT", "value": "Abort", "stacktrace": {"frames": frames}});
    let sent = sent(&event("native", &[exception]));
    assert_eq!(in_app_frames(sent.stack.as_deref().unwrap()), ["cart.cc:Cart::add", "main.cc:main"]);
}

#[test]
fn a_group_is_found_again_as_the_group_that_it_is() {
    let member = |id: u32, parent: u32, source: &str, kind: &str, function: &str| {
        json!({"type": kind, "value": "v", "mechanism": {"exception_id": id, "parent_id": parent, "source": source},
            "stacktrace": {"frames": [{"filename": "a.py", "function": function, "lineno": 3}]}})
    };
    let group = |id: u32, parent: Option<u32>, source: &str, function: &str| {
        json!({"type": "ExceptionGroup", "value": "many", "mechanism": {"exception_id": id, "parent_id": parent, "source": source,
            "is_exception_group": true}, "stacktrace": {"frames": [{"filename": "a.py", "function": function, "lineno": 9}]}})
    };
    let chain = [
        member(4, 2, "exceptions[0]", "KeyError", "deep"),
        member(3, 0, "exceptions[1]", "ValueError", "second"),
        member(5, 1, "__context__", "OSError", "before"),
        group(2, Some(0), "exceptions[2]", "inner"),
        member(1, 0, "exceptions[0]", "TypeError", "first"),
        group(0, None, "", "outer"),
    ];
    let sent = sent(&event("python", &chain));
    let stack = sent.stack.as_deref().unwrap();
    assert_eq!((sent.error_type.as_str(), sent.message.as_str()), ("ExceptionGroup", "many"));
    for function in ["deep", "second", "before", "inner", "first", "outer"] {
        assert!(stack.contains(&format!("in {function}\n")), "{function}\n{stack}");
    }
    assert!(stack.contains("During handling of the above exception"), "{stack}");
    check_rendered(&event("python", &chain));
}
