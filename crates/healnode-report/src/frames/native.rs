//! C and C++: frames of gdb, of sanitizers, and of glibc's `backtrace()`.

use super::Frame;
use super::text::{base_name, between, without_brackets};

/// Functions that end a program, check memory, or call `main`.
const RUNTIME: &[&str] = &[
    "abort",
    "raise",
    "__assert_fail",
    "__assert_fail_base",
    "__GI_",
    "__libc_",
    "_start",
    "__pthread",
    "pthread_kill",
    "start_thread",
    "clone",
    "malloc",
    "free",
    "__interceptor",
    "__asan",
    "__ubsan",
    "__cxa",
    "__gnu_cxx",
    "std::",
    "operator new",
    "operator delete",
    "gsignal",
    "__restore_rt",
    "_Unwind",
];

pub(crate) fn knows(line: &str) -> bool {
    line.starts_with("==") && line.contains("Sanitizer") || frame(line).is_some()
}

/// Reads the first stack: gdb and sanitizers number frames from nought.
pub(crate) fn read(lines: &[&str]) -> Vec<Frame> {
    let mut frames = Vec::new();
    for line in lines {
        if !frames.is_empty() && line.trim_start().starts_with("#0 ") {
            break;
        }
        frames.extend(frame(line));
    }
    frames
}

fn frame(line: &str) -> Option<Frame> {
    let line = line.trim();
    if let Some(rest) = line.strip_prefix('#') {
        return numbered(rest);
    }
    backtrace(line)
}

/// `3  0x55d0 in add (id=5) at cart.c:12` or `3 0x55d0 in add(int) /srv/cart.cc:12:3`.
fn numbered(rest: &str) -> Option<Frame> {
    let (number, rest) = rest.split_once(' ')?;
    if number.is_empty() || !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let rest = rest.trim_start();
    let is_addressed = rest.starts_with("0x");
    let call = if is_addressed { rest.split_once(" in ").map_or(rest, |(_, call)| call) } else { rest };
    if is_addressed && call == rest {
        return module(rest);
    }
    if !is_addressed && !call.contains(" at ") && !call.contains(" from ") {
        return None;
    }
    let function = name(call);
    let place = place(call);
    let in_app =
        !is_runtime(&function) && !call.contains(" from /lib") && !place.starts_with("../sysdeps") && !place.contains("/usr/include/");
    Some(Frame::new(place, &function, in_app))
}

/// The file behind ` at ` of gdb, or behind the arguments of a sanitizer.
fn place(call: &str) -> &str {
    let place = call.rsplit_once(" at ").map(|(_, place)| place).or_else(|| call.rsplit_once(' ').map(|(_, place)| place));
    let place = place.unwrap_or_default();
    if place.starts_with('(') {
        return "";
    }
    place.split(':').next().unwrap_or(place)
}

/// A frame without a symbol: module and offset, never the absolute address.
fn module(rest: &str) -> Option<Frame> {
    let inside = between(rest, "(", ")")?;
    let (path, offset) = inside.split_once("+0x")?;
    Some(Frame::new(path, &format!("+0x{offset}"), !path.contains("/lib")))
}

/// `./shop(add+0x1d) [0x55d0]`.
fn backtrace(line: &str) -> Option<Frame> {
    let (call, address) = line.rsplit_once(" [0x")?;
    if !address.ends_with(']') {
        return None;
    }
    let (path, inside) = call.split_once('(')?;
    let inside = inside.strip_suffix(')')?;
    let function = inside.split("+0x").next().unwrap_or(inside);
    let shown = if function.is_empty() { inside } else { function };
    let in_app = !is_runtime(function) && !path.contains("/lib/") && !path.contains("/lib64/");
    let mut frame = Frame::new("", shown, in_app);
    frame.file = base_name(path);
    Some(frame)
}

fn is_runtime(function: &str) -> bool {
    RUNTIME.iter().any(|runtime| function == *runtime || runtime.len() > 4 && function.starts_with(runtime))
}

/// A function without arguments, template arguments, clones and versions of symbols.
fn name(call: &str) -> String {
    let call = call.split(" [clone").next().unwrap_or(call);
    let call = without_brackets(call, '<', '>');
    let name = call.split(['(', '@']).next().unwrap_or(&call);
    let name = name.split(" at ").next().unwrap_or(name).trim();
    name.split(" /").next().unwrap_or(name).to_owned()
}

#[cfg(test)]
mod tests {
    use super::super::{in_app_frames, language};

    #[test]
    fn gdb_and_a_sanitizer_name_the_same_functions() {
        let gdb = "#0  0x00007f in raise () from /lib/x86_64-linux-gnu/libc.so.6\n#1  0x00005 in Cart<int>::add (this=0x5, id=5) at cart.cc:12\n\
                   #2  main (argc=1) at main.cc:3";
        let asan = "==7==ERROR: AddressSanitizer: heap-use-after-free\n    #0 0x4f in Cart<long>::add(int) /srv/cart.cc:12:3\n    \
                    #1 0x50 in main /srv/main.cc:3:1";
        assert_eq!(in_app_frames(gdb), ["cart.cc:Cart::add", "main.cc:main"]);
        assert_eq!(in_app_frames(asan), in_app_frames(gdb));
        assert_eq!(language(asan), "cpp");
    }

    #[test]
    fn a_frame_without_a_symbol_is_module_and_offset() {
        assert_eq!(in_app_frames("./shop(+0x1d3) [0x55d0aa]\n./shop(add+0x1d) [0x55d0ab]"), ["shop:+0x1d3", "shop:add"]);
    }
}
