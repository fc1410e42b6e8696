//! Rust: the header of a panic, and a backtrace of numbered functions with their places on the next line.

use super::Frame;
use super::text::{holds_any, split_line, without_brackets};

const LIBRARIES: &[&str] =
    &["/rustc/", "/registry/src/", "/git/checkouts/", "/rustlib/", "/.cargo/registry/", "library/std/", "library/core/"];

/// Crates of the standard library, and what starts or ends a program.
const RUNTIME: &[&str] = &[
    "std::",
    "core::",
    "alloc::",
    "<std::",
    "<core::",
    "<alloc::",
    "rust_begin_unwind",
    "__rust",
    "_start",
    "__libc_start",
    "start_thread",
    "clone",
    "backtrace::",
    "anyhow::",
    "<anyhow::",
    "color_eyre::",
    "eyre::",
    "tokio::",
    "<tokio::",
    "futures",
    "rayon",
    "tracing::",
    "main",
];

pub(crate) fn knows(line: &str) -> bool {
    header(line).is_some() || line == "stack backtrace:" || is_place(line) || numbered(line).is_some_and(|name| name.contains("::"))
}

pub(crate) fn read(lines: &[&str]) -> Vec<Frame> {
    let mut frames = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        if let Some(function) = numbered(line) {
            let next = lines.get(index + 1).copied().unwrap_or_default();
            let path = next.trim().strip_prefix("at ").and_then(split_line);
            frames.push(frame(function, path.unwrap_or_default()));
        }
    }
    if frames.iter().any(|frame| frame.in_app) {
        return frames;
    }
    lines.iter().find_map(|line| header(line)).map(|path| Frame::new(path, "", true)).into_iter().collect()
}

/// The file in the header of a panic, old style or new.
fn header(line: &str) -> Option<&str> {
    let (before, after) = line.split_once("panicked at ")?;
    if !before.starts_with("thread '") && !before.is_empty() {
        return None;
    }
    let place = after.rsplit("', ").next().unwrap_or(after).trim_end_matches(':');
    split_line(place).filter(|path| path.ends_with(".rs"))
}

fn is_place(line: &str) -> bool {
    line.trim().strip_prefix("at ").and_then(split_line).is_some_and(|path| path.ends_with(".rs"))
}

/// The function of `  12: name` or `  12: 0x55d0 - name`.
fn numbered(line: &str) -> Option<&str> {
    let (number, name) = line.trim_start().split_once(": ")?;
    let is_number = !number.is_empty() && number.len() <= 4 && number.bytes().all(|byte| byte.is_ascii_digit());
    let name = name.trim();
    let name = if name.starts_with("0x") { name.split_once(" - ")?.1 } else { name };
    (is_number && !name.is_empty()).then_some(name)
}

fn frame(function: &str, path: &str) -> Frame {
    let name = name(function);
    let is_runtime = RUNTIME
        .iter()
        .any(|runtime| if runtime.ends_with("::") { name.starts_with(runtime) } else { name == *runtime || name.starts_with("__rust") });
    Frame::new(path, &name, !is_runtime && !holds_any(path, LIBRARIES))
}

/// A function without its hash, the marks of closures, and generic arguments. `<T as Trait>` stays.
fn name(function: &str) -> String {
    let name = match function.rsplit_once("::h") {
        Some((name, hash)) if hash.len() == 16 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()) => name,
        _ => function,
    };
    let name = cut_closures(&name.replace("::{{closure}}", ""));
    match name.find("::<") {
        Some(generic) => format!("{}{}", &name[..generic], without_brackets(&name[generic..], '<', '>').trim_start_matches("::")),
        None => name,
    }
}

/// `f::{closure#3}` is `f`.
fn cut_closures(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    let mut rest = name;
    while let Some((before, after)) = rest.split_once("::{closure") {
        out.push_str(before);
        rest = after.split_once('}').map_or("", |(_, rest)| rest);
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::super::{in_app_frames, language};

    #[test]
    fn a_backtrace_gives_the_applications_functions() {
        let stack = "thread 'main' panicked at src/main.rs:4:5:\nindex out of bounds\nstack backtrace:\n   \
                     0: rust_begin_unwind\n             at /rustc/abc/library/std/src/panicking.rs:1:5\n   \
                     1: core::panicking::panic_fmt\n             at /rustc/abc/library/core/src/panicking.rs:1:5\n   \
                     2: shop::cart::add::{{closure}}\n             at ./src/cart.rs:9:13\n   \
                     3: <shop::Cart as core::ops::Drop>::drop::h0123456789abcdef\n             at ./src/cart.rs:30:1\n   \
                     4: shop::main\n             at ./src/main.rs:4:5\n";
        assert_eq!(
            in_app_frames(stack),
            ["cart.rs:shop::cart::add", "cart.rs:<shop::Cart as core::ops::Drop>::drop", "main.rs:shop::main"]
        );
        assert_eq!(language(stack), "rust");
    }

    #[test]
    fn without_a_backtrace_the_header_names_the_file() {
        let old = "thread 'worker' panicked at 'index out of bounds', src/cart.rs:4:5\nnote: run with `RUST_BACKTRACE=1`";
        let new = "thread 'worker' (4711) panicked at src/cart.rs:7:1:\nindex out of bounds";
        assert_eq!(in_app_frames(old), ["cart.rs:"]);
        assert_eq!(in_app_frames(new), ["cart.rs:"]);
    }
}
