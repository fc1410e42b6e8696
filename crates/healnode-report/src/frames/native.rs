//! C and C++: frames of gdb, lldb, sanitizers, valgrind, glibc's `backtrace()`, and crash handlers that print alike.
//!
//! The first stack with a frame of the application decides. A frame without a symbol is its module and offset, never an address,
//! and counts only where no frame of the application has a name: offsets move with each build.

use super::symbol;
use super::text::{base_name, behind_number, components, last_word, rooted, split_line};
use super::{Frame, Line};

/// Functions that end a program, check memory, or call `main`.
const RUNTIME: &[&str] = &[
    "abort",
    "calloc",
    "clone",
    "clone3",
    "free",
    "gsignal",
    "kill",
    "malloc",
    "malloc_consolidate",
    "malloc_printerr",
    "raise",
    "realloc",
    "start_thread",
];

/// How names of the runtime begin.
const RUNTIME_PREFIXES: &[&str] = &[
    "__",
    "_start",
    "_Unwind",
    "std::",
    "pthread_",
    "operator new",
    "operator delete",
    "_dl_",
    "_IO_",
    "_int_",
    "fuzzer::",
    "google::",
    "testing::",
    "absl::",
];

/// Whether a line is a frame, or the head of a sanitizer's report.
pub(super) fn is_frame(text: &str) -> bool {
    split(text).is_some() || text.starts_with("==") && text.contains("Sanitizer")
}

/// Whether a line is a frame that begins with its number.
pub(super) fn is_counted_frame(text: &str) -> bool {
    boost(text).or_else(|| crash_report(text)).is_some()
}

/// Reads the first stack with a frame of the application, or the first one.
pub(super) fn read<'a>(lines: &[Line<'a>]) -> Vec<Frame<'a>> {
    let mut first = None;
    let mut frames: Vec<Frame> = Vec::new();
    for line in lines {
        let Some(place) = split(line.text) else {
            continue;
        };
        if place.is_top && !frames.is_empty() {
            if frames.iter().any(|frame| frame.in_app) {
                break;
            }
            first = first.or(Some(std::mem::take(&mut frames)));
        }
        frames.push(frame(&place));
    }
    if lines.iter().any(|line| line.text.ends_with("(most recent call last):")) {
        frames.reverse();
    }
    if !frames.iter().any(|frame| frame.in_app) {
        return first.unwrap_or(frames);
    }
    let is_offset = |frame: &Frame| frame.function.starts_with(['+', '0']);
    if frames.iter().any(|frame| frame.in_app && !is_offset(frame)) {
        frames.iter_mut().filter(|frame| is_offset(frame)).for_each(|frame| frame.in_app = false);
    }
    frames
}

/// What a frame names.
struct Place<'a> {
    /// The function with its arguments, or an offset.
    call: &'a str,
    /// The source file, else the module, else nothing.
    path: &'a str,
    /// Whether the path is of a module.
    is_module: bool,
    /// Whether it is the first frame of a stack.
    is_top: bool,
}

fn split(text: &str) -> Option<Place<'_>> {
    match text.as_bytes().first()? {
        b'#' => {
            let rest = text[1..].trim_start();
            numbered(behind_number(rest, " ")?.trim_start(), rest.starts_with("0 "))
        }
        b'f' | b'*' => lldb(text.trim_start_matches(['*', ' '])),
        b'=' => valgrind(text),
        b'@' => addressed(text),
        b'0'..=b'9' => boost(text).or_else(|| crash_report(text)).or_else(|| glibc(text)).or_else(|| qualified(text)),
        _ => glibc(text).or_else(|| qualified(text)),
    }
}

/// What follows the number of a frame of gdb, of a sanitizer, or of a crash handler.
fn numbered(rest: &str, is_top: bool) -> Option<Place<'_>> {
    if let Some(place) = quoted(rest).or_else(|| tombstone(rest, is_top)) {
        return Some(place);
    }
    let (rest, module) = behind_module(rest);
    let is_addressed = rest.starts_with("0x");
    let call = if is_addressed { rest.split_once(" in ").map(|(_, call)| call) } else { Some(rest) };
    let Some(call) = call else {
        let (path, offset) = module?;
        return Some(Place { call: offset, path, is_module: true, is_top });
    };
    if let Some((call, path)) = call.rsplit_once(" from ").filter(|(_, path)| !path.contains(' ')) {
        return Some(Place { call, path, is_module: true, is_top });
    }
    if let Some((call, place)) = call.rsplit_once(" at ") {
        return Some(Place { call, path: without_line(place), is_module: false, is_top });
    }
    if !is_addressed && module.is_none() && call != "<signal handler called>" {
        return None;
    }
    let source = call.rsplit_once(' ').map(|(_, place)| without_line(place));
    let source = source.filter(|path| path.contains(['/', '\\', '.']) && !path.contains('('));
    let (path, is_module) = source.map_or((module.map_or("", |(path, _)| path), module.is_some()), |path| (path, false));
    Some(Place { call, path, is_module, is_top })
}

/// A frame without the module and the offset at its end, `(/srv/shop+0x1d)`, and both of these.
fn behind_module(rest: &str) -> (&str, Option<(&str, &str)>) {
    let rest = rest.split(" (BuildId: ").next().unwrap_or(rest);
    let found = rest.strip_suffix(')').and_then(|rest| rest.rsplit_once(" ("));
    let Some((before, inside)) = found else {
        return (rest, None);
    };
    match inside.find("+0x") {
        Some(at) => (before, Some((&inside[..at], &inside[at..]))),
        None => (rest, None),
    }
}

/// `pc 0001d2  /data/app/shop/lib/arm64/libshop.so (add+40)` of Android.
fn tombstone(rest: &str, is_top: bool) -> Option<Place<'_>> {
    let (address, rest) = rest.strip_prefix("pc ")?.split_once(' ')?;
    let (path, call) = rest.trim_start().split_once(" (").unwrap_or((rest.trim_start(), ""));
    let call = call.rsplit_once('+').map_or("", |(call, _)| call);
    Some(Place { call: if call.is_empty() { address } else { call }, path, is_module: true, is_top })
}

/// `00 0000007f shop!Cart::add+0x1d [C:\cart.cpp @ 12]` of Windows, or `0  shop!Cart::add(int) [cart.cpp : 12 + 0x5]`.
fn qualified(text: &str) -> Option<Place<'_>> {
    let (before, rest) = text.split_once('!')?;
    let end = ["+0x", " [", " + 0x"].iter().filter_map(|mark| rest.find(mark)).min()?;
    let source = rest.split_once('[').and_then(|(_, place)| place.split([':', '@']).next().map(|path| (path, place)));
    let path = source.map_or(
        last_word(before),
        |(path, place)| if path.len() == 1 { place.split(" @").next().unwrap_or(place) } else { path.trim_end() },
    );
    let is_symbol = rest.contains("0x") && !before.is_empty() && !rest.starts_with([' ', '=']);
    is_symbol.then_some(Place { call: &rest[..end], path, is_module: source.is_none(), is_top: false })
}

/// `Source "/srv/cart.cpp", line 12, in add [0x55]` or `Object "/srv/shop", at 0x7f, in add`.
fn quoted(rest: &str) -> Option<Place<'_>> {
    let is_module = rest.starts_with("Object \"");
    let (path, rest) = rest.strip_prefix("Source \"").or_else(|| rest.strip_prefix("Object \""))?.split_once('"')?;
    let call = rest.split_once(", in ")?.1;
    Some(Place { call: call.split(" [0x").next().unwrap_or(call), path, is_module, is_top: false })
}

/// `frame #0: 0x0000 shop`add(id=5) at cart.c:12:3`.
fn lldb(text: &str) -> Option<Place<'_>> {
    let rest = text.strip_prefix("frame #")?;
    let rest_of = behind_number(rest, ": ")?;
    let (module, call) = rest_of.split_once('`')?;
    let (call, path) = call.rsplit_once(" at ").map_or((call, ""), |(call, place)| (call, without_line(place)));
    let path = if path.is_empty() { module.rsplit(' ').next().unwrap_or(module) } else { path };
    Some(Place { call: call.split(" + ").next().unwrap_or(call), path, is_module: false, is_top: rest.starts_with("0:") })
}

/// `==7==    by 0x1091: add (cart.c:12)`.
fn valgrind(text: &str) -> Option<Place<'_>> {
    let (_, rest) = text.strip_prefix("==")?.split_once("==")?;
    let rest = rest.trim_start();
    let address = rest.strip_prefix("at 0x").or_else(|| rest.strip_prefix("by 0x"))?;
    let (call, place) = address.split_once(": ")?.1.rsplit_once(" (")?;
    let place = place.strip_suffix(')')?;
    let (path, is_module) = place.strip_prefix("in ").map_or((without_line(place), false), |path| (path, true));
    Some(Place { call, path, is_module, is_top: rest.starts_with("at ") })
}

/// `@     0x55d0aa  add()` of crash handlers.
fn addressed(text: &str) -> Option<Place<'_>> {
    let rest = text.strip_prefix('@')?.trim_start();
    let (address, call) = rest.strip_prefix("0x")?.split_once(' ')?;
    let is_known = call.trim() != "(unknown)";
    (is_known && address.bytes().all(|byte| byte.is_ascii_hexdigit())).then_some(Place {
        call: call.trim(),
        path: "",
        is_module: false,
        is_top: false,
    })
}

/// `0# add(int) at /srv/cart.cpp:12` or `0# add(int) in ./shop`.
fn boost(text: &str) -> Option<Place<'_>> {
    let rest = behind_number(text, "# ")?;
    let is_top = text.starts_with("0#");
    if let Some((call, place)) = rest.rsplit_once(" at ") {
        return Some(Place { call, path: without_line(place), is_module: false, is_top });
    }
    let (call, path) = rest.rsplit_once(" in ")?;
    Some(Place { call, path, is_module: true, is_top })
}

/// `3   shop   0x000102 add + 12` of crash reports on macOS.
fn crash_report(text: &str) -> Option<Place<'_>> {
    let rest = behind_number(text, " ")?.trim_start();
    let (path, rest) = rest.split_once(' ')?;
    let (address, call) = rest.trim_start().split_once(' ')?;
    let (call, offset) = call.trim_start().split_once(" + ")?;
    let is_offset = offset.starts_with(|character: char| character.is_ascii_digit());
    (address.starts_with("0x") && is_offset).then_some(Place { call, path, is_module: true, is_top: text.starts_with("0 ") })
}

/// `./shop(add+0x1d) [0x55d0]`.
fn glibc(text: &str) -> Option<Place<'_>> {
    let (call, address) = text.rsplit_once(" [0x").or_else(|| text.rsplit_once("[0x"))?;
    let (path, inside) = call.split_once('(')?;
    let inside = inside.trim_end().strip_suffix(')')?;
    if !address.ends_with(']') {
        return None;
    }
    let path = rooted(path);
    let (function, _) = inside.split_once("+0x")?;
    Some(Place { call: if function.is_empty() { inside } else { function }, path, is_module: true, is_top: false })
}

fn without_line(place: &str) -> &str {
    split_line(place).unwrap_or(place)
}

fn frame<'a>(place: &Place<'a>) -> Frame<'a> {
    let function = symbol::name(place.call);
    let is_unknown = function.starts_with("??") || function.starts_with('<') && function.ends_with("called>");
    let in_app = !is_unknown && !is_runtime(&function) && !is_library(place.path, place.is_module) && !function.is_empty();
    let versioned = if place.is_module { place.path.find(".so.") } else { None };
    let file = base_name(&place.path[..versioned.map_or(place.path.len(), |at| at + 3)]);
    Frame { path: place.path, file, function, in_app }
}

fn is_runtime(function: &str) -> bool {
    RUNTIME.contains(&function) || RUNTIME_PREFIXES.iter().any(|prefix| function.starts_with(prefix))
}

/// Whether a path is of a system library, its headers or its sources.
fn is_library(path: &str, is_module: bool) -> bool {
    let is_system = [
        "/lib/",
        "/lib64/",
        "/usr/lib",
        "/usr/include/",
        "/usr/src/",
        "/System/",
        "/system/",
        "/apex/",
        "/build/glibc",
        "linux-vdso",
        "linux-gate",
    ];
    if is_system.iter().any(|prefix| path.starts_with(prefix)) || is_module && is_system_module(path) {
        return true;
    }
    components(path).any(|component| matches!(component, "sysdeps" | "nptl" | "compiler-rt" | "libsanitizer" | "System32" | "csu"))
        || path.contains("/include/c++/")
}

/// Whether a module without a directory is one of Windows or macOS.
fn is_system_module(module: &str) -> bool {
    let name = module.split('.').next().unwrap_or(module);
    let is_known = ["AppKit", "CoreFoundation", "Foundation", "GraphicsServices", "QuartzCore", "UIKit", "UIKitCore", "dyld", "ntdll"];
    let is_named = ["lib", "kernel32", "kernelbase", "ucrtbase", "vcruntime", "msvcrt", "msvcp", "user32", "combase"];
    let begins = |prefix: &&str| name.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix));
    is_known.contains(&name) || is_named.iter().any(begins)
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
    fn other_tools_name_them_too() {
        for stack in [
            "* frame #0: 0x0000000100003f2c shop`Cart::add(this=0x0, id=5) at cart.cc:12:3\n  frame #1: 0x01 shop`main at main.cc:3:1",
            "==7== Invalid read of size 4\n==7==    at 0x1091: Cart::add(int) (cart.cc:12)\n==7==    by 0x2: main (main.cc:3)",
            " 0# Cart::add(int) at /srv/cart.cc:12\n 1# main at /srv/main.cc:3",
        ] {
            assert_eq!(in_app_frames(stack), ["cart.cc:Cart::add", "main.cc:main"], "{stack}");
        }
    }

    #[test]
    fn a_frame_without_a_symbol_is_module_and_offset() {
        assert_eq!(in_app_frames("./shop(+0x1d3) [0x55d0aa]\n./shop(add+0x1d) [0x55d0ab]"), ["shop:add"]);
        assert_eq!(in_app_frames("./shop(+0x1d3) [0x55d0aa]\n/lib/libc.so.6(+0x2a) [0x7f]"), ["shop:+0x1d3"]);
    }
}
