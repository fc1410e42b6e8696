//! Go: a function on one line, its file on the next, one block for each goroutine.

use super::Frame;
use super::text::{holds_any, split_line};

const LIBRARIES: &[&str] =
    &["/pkg/mod/", "/usr/local/go/src/", "/go/src/runtime/", "/libexec/src/", "/vendor/", "/usr/lib/go", "/hostedtoolcache/go/"];

pub(crate) fn knows(line: &str) -> bool {
    line.starts_with("goroutine ") && line.ends_with("]:") || place(line).is_some() || line.starts_with("panic: ")
}

/// Reads the first goroutine, which is the one that failed.
pub(crate) fn read(lines: &[&str]) -> Vec<Frame> {
    let start = lines.iter().position(|line| line.starts_with("goroutine ")).map_or(0, |line| line + 1);
    let mut frames = Vec::new();
    for pair in lines[start..].windows(2) {
        if pair[0].trim().is_empty() || pair[0].starts_with("created by ") || pair[0].starts_with("goroutine ") {
            break;
        }
        if let Some(path) = place(pair[1]) {
            frames.push(frame(pair[0], path));
        }
    }
    after_last_panic(frames)
}

/// Frames before a panic's are those of deferred functions that it ran.
fn after_last_panic(mut frames: Vec<Frame>) -> Vec<Frame> {
    let last = frames.iter().rposition(|frame| frame.function == "panic");
    frames.split_off(last.map_or(0, |last| last + 1))
}

fn place(line: &str) -> Option<&str> {
    let line = line.strip_prefix('\t').or_else(|| line.strip_prefix("    "))?;
    let place = line.split(" +0x").next().unwrap_or(line).trim_end();
    split_line(place).filter(|path| path.ends_with(".go") || path.ends_with(".s"))
}

fn frame(call: &str, path: &str) -> Frame {
    let name = name(call);
    let is_runtime = name == "panic" || name.starts_with("runtime.") || name.starts_with("runtime/");
    let in_app = !is_runtime && !holds_any(path, LIBRARIES);
    Frame::new(path, &name, in_app)
}

/// A function with its package and receiver, without arguments, directories and the numbers of closures.
fn name(call: &str) -> String {
    let name = match call.rfind('(') {
        Some(arguments) if call.ends_with(')') => &call[..arguments],
        _ => call,
    };
    let name = name.rsplit('/').next().unwrap_or(name);
    let is_counter = |part: &&str| part.strip_prefix("func").unwrap_or(part).bytes().all(|byte| byte.is_ascii_digit());
    let parts: Vec<&str> = name.split('.').filter(|part| !is_counter(part)).collect();
    parts.join(".").replace("[...]", "")
}

#[cfg(test)]
mod tests {
    use super::super::{in_app_frames, language};

    #[test]
    fn the_failing_goroutine_decides_and_receivers_stay() {
        let stack = "panic: runtime error: index out of range [5] with length 3\n\ngoroutine 1 [running]:\n\
                     panic({0x45, 0x1})\n\t/usr/local/go/src/runtime/panic.go:884 +0x212\n\
                     shop/cart.(*Cart).Add(0xc000012345, 0x5)\n\t/srv/shop/cart/cart.go:21 +0x1d\n\
                     main.main.func1()\n\t/srv/shop/main.go:9 +0x25\n\
                     created by main.main in goroutine 1\n\t/srv/shop/main.go:8 +0x25\n\ngoroutine 7 [select]:\n\
                     main.other()\n\t/srv/shop/other.go:3 +0x1";
        assert_eq!(in_app_frames(stack), ["cart.go:cart.(*Cart).Add", "main.go:main.main"]);
        assert_eq!(language(stack), "go");
    }
}
