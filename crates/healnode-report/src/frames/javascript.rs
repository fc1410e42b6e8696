//! JavaScript and TypeScript: `    at add (/srv/cart.js:1:2)` of V8 and Hermes, `add@https://…:1:2` of Firefox and Safari.
//!
//! The innermost `[cause]` with a frame of the application decides; each of them prints all of its frames.

use std::borrow::Cow;

use super::bundle::file_name;
use super::text::{components, is_number, last_word, split_line};
use super::{Frame, Line};

/// Endings of files that a browser or a runtime runs. A place without a directory has one of these.
const ENDINGS: &[&str] = &[".js", ".mjs", ".cjs", ".ts", ".tsx", ".jsx", ".mts", ".cts", ".bundle", ".jsbundle", ".vue", ".svelte"];

/// Files of Node itself, as releases before 16 print them: without a directory.
const NODE_FILES: &[&str] = &[
    "_http_client.js",
    "_http_server.js",
    "_stream_readable.js",
    "_stream_writable.js",
    "_tls_wrap.js",
    "assert.js",
    "bootstrap_node.js",
    "buffer.js",
    "child_process.js",
    "dns.js",
    "domain.js",
    "events.js",
    "fs.js",
    "module.js",
    "net.js",
    "node.js",
    "stream.js",
    "timers.js",
    "tls.js",
    "vm.js",
    "zlib.js",
];

/// How the paths of runtimes and bundlers begin.
const RUNTIMES: &[&str] = &[
    "/var/runtime/",
    "[turbopack]",
    "bun:",
    "cloudflare:",
    "electron/",
    "ext:",
    "file:///var/runtime/",
    "internal/",
    "native",
    "node:",
    "webpack/",
];

/// Whether what follows `at ` is a frame.
pub(super) fn is_call(call: &str) -> bool {
    v8(call).is_some()
}

/// Whether a line is a frame of Firefox or Safari.
pub(super) fn is_browser_frame(text: &str) -> bool {
    browser(text).is_some()
}

/// Reads the frames of the last cause that has some of the application, or of the error itself. Of a list of errors the first is the cause.
pub(super) fn read<'a>(lines: &[Line<'a>]) -> Vec<Frame<'a>> {
    if let Some(list) = lines.iter().position(|line| line.text.starts_with("[errors]: [")) {
        let mut frames = block(first_member(&lines[list + 1..]));
        if !frames.iter().any(|frame| frame.in_app) {
            frames.clear();
        }
        frames.extend(block(&lines[..list]));
        return frames;
    }
    let cause = lines.iter().rposition(|line| is_cause(line.text)).unwrap_or(0);
    let frames = block(&lines[cause..]);
    if cause == 0 || frames.iter().any(|frame| frame.in_app) {
        return frames;
    }
    block(&lines[..cause])
}

/// The lines of a list up to its second error: the next line that is no farther in than the first.
fn first_member<'s, 'a>(list: &'s [Line<'a>]) -> &'s [Line<'a>] {
    let Some((head, rest)) = list.split_first() else { return list };
    let is_next = |line: &Line<'_>| line.indent <= head.indent && split(line.text).is_none();
    let length = rest.iter().position(is_next).unwrap_or(rest.len());
    &list[..=length]
}

fn is_cause(text: &str) -> bool {
    text.starts_with("[cause]: ") || text.starts_with("cause: ") || text.starts_with("Caused by: ")
}

fn block<'a>(lines: &[Line<'a>]) -> Vec<Frame<'a>> {
    let mut frames: Vec<Frame> = Vec::new();
    for line in lines {
        let Some((function, path)) = split(line.text) else {
            continue;
        };
        let is_resumed = frames.last().is_some_and(|last| matches!(&*last.function, "Generator.next" | "tryCatch"));
        frames.push(build(function, path, is_resumed));
    }
    frames
}

/// The function and the path of a frame, both as printed.
fn split(text: &str) -> Option<(&str, &str)> {
    match text.strip_prefix("at ") {
        Some(call) => v8(call),
        None => browser(text),
    }
}

fn v8(call: &str) -> Option<(&str, &str)> {
    let call = call.trim_end_matches([' ', '{', ',']);
    let Some((function, place)) = call.strip_suffix(')').and_then(split_place) else {
        let call = call.strip_prefix("async ").unwrap_or(call);
        let path = split_line(call)?;
        return is_path(path).then_some(("", path));
    };
    let (function, place) = match function.strip_suffix(']') {
        Some(_) => (function, place),
        None => place.rsplit_once("] (").map_or((function, place), |(_, place)| (function, place)),
    };
    if matches!(place, "<anonymous>" | "native") || place.strip_prefix("index ").is_some_and(is_number) {
        return Some((function, ""));
    }
    if place.starts_with("eval at ") {
        return Some((function, "<anonymous>"));
    }
    let place = place.strip_prefix("address at ").unwrap_or(place);
    if place.starts_with("wasm://") {
        return Some((function, "wasm"));
    }
    Some((function, split_line(place)?))
}

/// Splits a call at the blank before the first bracket that has one.
fn split_place(call: &str) -> Option<(&str, &str)> {
    let (at, _) = call.match_indices('(').find(|(at, _)| call[..*at].ends_with(' '))?;
    Some((&call[..at - 1], &call[at + 1..]))
}

fn browser(text: &str) -> Option<(&str, &str)> {
    let (function, place) = text.split_once('@')?;
    let function = last_word(function);
    if function.starts_with(['/', '.']) {
        return None;
    }
    if place == "[native code]" {
        return Some((function, ""));
    }
    if place.starts_with("debugger eval code") {
        return Some((function, "<anonymous>"));
    }
    let place = place.split(" line ").next().unwrap_or(place);
    let path = split_line(place).unwrap_or(place);
    let is_url = path.split_once("://").is_some_and(|(scheme, _)| scheme.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b'-'));
    let is_file = is_url || path.starts_with('/') || ENDINGS.iter().any(|ending| path.ends_with(ending));
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || byte > 127 || b"_$.<>/*[]#".contains(&byte);
    (is_file && path.len() < place.len() && !path.contains(' ') && function.bytes().all(is_name)).then_some((function, path))
}

fn is_path(path: &str) -> bool {
    let is_rooted = path.starts_with(['/', '.']) || path.contains("://") || path.starts_with("node:") || path.get(1..3) == Some(":\\");
    is_rooted || !path.contains(' ') && (path.contains(['/', '\\']) || ENDINGS.iter().any(|ending| path.ends_with(ending)))
}

fn build<'a>(function: &'a str, path: &'a str, is_resumed: bool) -> Frame<'a> {
    if path.is_empty() || path == "<anonymous>" {
        return Frame { path, file: Cow::Borrowed(""), function: Cow::Borrowed(bare(function)), in_app: false };
    }
    let name = name(function);
    let file = file_name(path);
    let is_helper = is_resumed && matches!(name, "step" | "invoke") || is_async_helper(name);
    let function = Cow::Borrowed(if file.is_bundle { without_short_names(name) } else { name });
    Frame { path, in_app: !is_helper && !file.is_library && !is_library(path), file: file.name, function }
}

/// A name of a bundle without what the bundler called by one or two letters; another build calls it otherwise.
fn without_short_names(name: &str) -> &str {
    let (receiver, method) = name.rsplit_once('.').unwrap_or(("", name));
    match (receiver.len() <= 2, method.len() <= 2) {
        (_, true) => "",
        (true, false) => method,
        (false, false) => name,
    }
}

/// A function's name, empty when it has none.
fn name(function: &str) -> &str {
    let name = bare(function);
    let is_unnamed = name.contains("<anonymous>") || matches!(name, "eval" | "anonymous" | "code" | "_callee$" | "?" | "");
    if is_unnamed { "" } else { name }
}

/// A name without `async`, `new`, an alias in brackets, marks of Firefox, and receivers that only say that there is one.
fn bare(function: &str) -> &str {
    let alias = function.find('[').unwrap_or(function.len());
    let mut name = function[..alias].trim_ascii();
    if name.contains(' ') {
        for prefix in ["async ", "new ", "get ", "set "] {
            name = name.strip_prefix(prefix).unwrap_or(name);
        }
    }
    if name.contains('.') {
        for receiver in ["Object.", "Module.", "Function.", "Proxy.", "exports.", "global.", "globalThis.", "window.", "process."] {
            name = name.strip_prefix(receiver).unwrap_or(name);
        }
    }
    let name = name.rsplit('*').next().unwrap_or(name);
    name.trim_end_matches(['/', '<'])
}

/// Whether a function is one that compilers add to run an `async` function on older engines.
fn is_async_helper(name: &str) -> bool {
    matches!(
        name,
        "__awaiter"
            | "__generator"
            | "fulfilled"
            | "rejected"
            | "asyncGeneratorStep"
            | "_asyncToGenerator"
            | "_next"
            | "_throw"
            | "tryCatch"
    ) || name.starts_with("Generator.")
}

/// Whether a path is of an installed package, of a runtime, or of a bundler's own code.
fn is_library(path: &str) -> bool {
    let path = path.split(['?', '#']).next().unwrap_or(path);
    if RUNTIMES.iter().any(|prefix| path.starts_with(prefix)) || is_extension(path) {
        return true;
    }
    if !path.contains('/') && NODE_FILES.binary_search(&path).is_ok() {
        return true;
    }
    let mut before = "";
    for component in components(path) {
        let is_library = match component {
            "node_modules" | "bower_components" | ".pnpm" | ".yarn" | "jspm_packages" | "registry.npmjs.org" => true,
            "bootstrap" | "runtime" => before == "webpack",
            chunk if chunk.starts_with("node_modules_") => true,
            host => before.is_empty() && is_public_host(host),
        };
        if is_library {
            return true;
        }
        before = component;
    }
    false
}

/// Whether code is of what a person installed in the browser.
fn is_extension(path: &str) -> bool {
    let scheme = path.split_once("://").map_or("", |(scheme, _)| scheme);
    scheme.ends_with("-extension") || path.starts_with("user-script:")
}

/// Hosts that serve packages to everyone.
fn is_public_host(host: &str) -> bool {
    matches!(
        host,
        "ajax.googleapis.com"
            | "cdn.jsdelivr.net"
            | "cdn.skypack.dev"
            | "cdnjs.cloudflare.com"
            | "code.jquery.com"
            | "deno.land"
            | "esm.sh"
            | "jsr.io"
            | "stackpath.bootstrapcdn.com"
            | "unpkg.com"
            | "www.googletagmanager.com"
    )
}

#[cfg(test)]
mod tests {
    use super::super::{in_app_frames, language};
    use super::*;

    #[test]
    fn frames_of_v8_lose_places_receivers_and_libraries() {
        let stack = "TypeError: x is not a function\n    at Object.add (/srv/app/cart.js:10:5)\n    \
                     at async Server.handle [as emit] (file:///srv/app/server.mjs:3:1)\n    \
                     at Layer.run (/srv/app/node_modules/express/lib/layer.js:95:5)\n    \
                     at process.processTicksAndRejections (node:internal/process/task_queues:95:5)\n    at /srv/app/index.js:1:1";
        assert_eq!(in_app_frames(stack), ["cart.js:add", "server.js:Server.handle", "index.js:"]);
        assert_eq!(language(stack), "javascript");
    }

    #[test]
    fn of_a_list_of_errors_the_first_decides_however_many_there_are() {
        let one = "AggregateError: all failed\n    at run (/srv/a.js:9:1) {\n  [errors]: [\n    Error: one\n        at f (/srv/a.js:1:2)\n        at run (/srv/a.js:8:2)";
        let two = format!("{one},\n    Error: two\n        at g (/srv/a.js:3:2)\n  ]\n}}");
        let one = format!("{one}\n  ]\n}}");
        assert_eq!(in_app_frames(&one), ["a.js:f", "a.js:run", "caused by Error: one"]);
        assert_eq!(in_app_frames(&two), in_app_frames(&one));
    }

    #[test]
    fn browsers_print_the_same_frames_differently() {
        let v8 = "    at add (https://shop.test/assets/main.3f9a1c2b.js:1:200)";
        let firefox = "add@https://shop.test/assets/main.77aa01fe.js?v=2:1:9";
        assert_eq!(in_app_frames(v8), ["main.js:add"]);
        assert_eq!(in_app_frames(v8), in_app_frames(firefox));
    }

    #[test]
    fn short_names_in_a_bundle_are_the_bundlers() {
        for (name, left) in [("t", ""), ("e.t", ""), ("e.render", "render"), ("Cart.render", "Cart.render"), ("render", "render")] {
            assert_eq!(without_short_names(name), left);
        }
    }

    #[test]
    fn the_list_of_node_s_files_is_sorted() {
        assert!(NODE_FILES.is_sorted());
    }
}
