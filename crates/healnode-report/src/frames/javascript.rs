//! JavaScript and TypeScript: `    at add (/srv/cart.js:1:2)` of V8, `add@https://…:1:2` of Firefox and Safari.

use super::Frame;
use super::text::{holds_any, split_line};

const LIBRARIES: &[&str] = &["/node_modules/", "node:", "internal/", "webpack/bootstrap", "/.pnpm/", "ext:", "/deno/", "native "];

pub(crate) fn knows(line: &str) -> bool {
    frame(line).is_some()
}

/// Reads the frames of the last `[cause]`, or of the error itself.
pub(crate) fn read(lines: &[&str]) -> Vec<Frame> {
    let cause = lines.iter().rposition(|line| line.trim_start().starts_with("[cause]: ")).unwrap_or(0);
    lines[cause..].iter().filter_map(|line| frame(line)).collect()
}

fn frame(line: &str) -> Option<Frame> {
    let line = line.trim().trim_end_matches(['{', ',']).trim_end();
    if let Some(call) = line.strip_prefix("at ") {
        return v8(call);
    }
    let (function, place) = line.split_once('@')?;
    let path = split_line(place).filter(|path| path.contains('/') && !path.contains(' '))?;
    let is_name = function
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$' | b'.' | b'<' | b'/' | b'*' | b'[' | b']' | b' '));
    is_name.then(|| build(function, path))
}

fn v8(call: &str) -> Option<Frame> {
    let Some((function, place)) = call.strip_suffix(')').and_then(|call| call.rsplit_once(" (")) else {
        let call = call.strip_prefix("async ").unwrap_or(call);
        let path = split_line(call)?;
        return (!path.contains(' ') && path.contains(['/', '\\', '.', ':'])).then(|| build("", path));
    };
    if matches!(place, "<anonymous>" | "native" | "index 0") {
        return Some(Frame::new("", "", false));
    }
    let place = place.rsplit("), ").next().unwrap_or(place);
    Some(build(function, split_line(place)?))
}

fn build(function: &str, path: &str) -> Frame {
    let in_app = !holds_any(path, LIBRARIES) && !path.starts_with("node:") && !path.contains("<anonymous>");
    let path = path.strip_prefix("file://").unwrap_or(path);
    Frame::new(path, &name(function), in_app)
}

/// A function's name without `async`, `new`, an alias in brackets, and receivers that only say that there is one.
fn name(function: &str) -> String {
    let mut name = function.split(" [as ").next().unwrap_or(function).trim();
    for prefix in ["async ", "new ", "get ", "set "] {
        name = name.strip_prefix(prefix).unwrap_or(name);
    }
    for receiver in ["Object.", "Module.", "Function.", "Proxy.", "exports.", "global.", "window.", "process."] {
        name = name.strip_prefix(receiver).unwrap_or(name);
    }
    let is_anonymous = name.contains("<anonymous>") || name == "eval" || name.starts_with("anonymous");
    if is_anonymous { String::new() } else { name.trim_end_matches(['/', '<']).to_owned() }
}

#[cfg(test)]
mod tests {
    use super::super::{in_app_frames, language};

    #[test]
    fn frames_of_v8_lose_places_receivers_and_libraries() {
        let stack = "TypeError: x is not a function\n    at Object.add (/srv/app/cart.js:10:5)\n    \
                     at async Server.handle [as emit] (file:///srv/app/server.mjs:3:1)\n    \
                     at Layer.run (/srv/app/node_modules/express/lib/layer.js:95:5)\n    \
                     at process.processTicksAndRejections (node:internal/process/task_queues:95:5)\n    at /srv/app/index.js:1:1";
        assert_eq!(in_app_frames(stack), ["cart.js:add", "server.mjs:Server.handle", "index.js:"]);
        assert_eq!(language(stack), "javascript");
    }

    #[test]
    fn browsers_print_the_same_frames_differently() {
        let v8 = "    at add (https://shop.test/assets/main.3f9a1c2b.js:1:200)";
        let firefox = "add@https://shop.test/assets/main.77aa01fe.js?v=2:1:9";
        assert_eq!(in_app_frames(v8), in_app_frames(firefox));
    }
}
