//! Go: a function on one line, its file on the next, one block for each goroutine or wrapped error.
//!
//! The first block with a frame of the application decides: a runtime prints the goroutine that failed first, `pkg/errors` the
//! innermost error. Where a goroutine was created takes no part.

use std::borrow::Cow;

use super::text::{base_name, components, is_number, last_word, rooted, without_brackets};
use super::{Frame, Line};

/// Whether a line is the place of a frame.
pub(super) fn is_place(text: &str) -> bool {
    place(text).is_some()
}

/// Reads the first block of frames, or the first one that has frames of the application.
pub(super) fn read<'a>(lines: &[Line<'a>]) -> Vec<Frame<'a>> {
    let mut first = None;
    let mut block = Vec::new();
    let mut index = 0;
    while index < lines.len() {
        let found = pair(&lines[index..]);
        if let Some(frame) = found {
            block.push(frame);
            index += 2;
            continue;
        }
        if !block.is_empty() && !lines[index].text.starts_with("...") {
            let read = after_last_panic(std::mem::take(&mut block));
            if read.iter().any(|frame| frame.in_app) {
                return read;
            }
            first = first.or(Some(read));
        }
        index += 1;
    }
    let last = after_last_panic(block);
    if last.iter().any(|frame| frame.in_app) { last } else { first.unwrap_or(last) }
}

/// Frames before a panic's are those of deferred functions that it ran.
fn after_last_panic(mut frames: Vec<Frame>) -> Vec<Frame> {
    let last = frames.iter().rposition(|frame| matches!(&*frame.function, "panic" | "gopanic" | "runtime.gopanic"));
    frames.split_off(last.map_or(0, |last| last + 1))
}

/// The frame on the first two lines: a function above its place, or a place above the function with its source.
fn pair<'a>(lines: &[Line<'a>]) -> Option<Frame<'a>> {
    let [first, second, ..] = lines else {
        return None;
    };
    if let Some(path) = place(second.text) {
        let call = call(first.text)?;
        return Some(frame(call, path));
    }
    let path = place(first.text).filter(|_| first.text.ends_with(')'))?;
    let (call, _) = second.text.split_once(": ")?;
    let in_app = !is_library_path(path) && !components(path).zip(components(path).skip(1)).any(is_standard_directory);
    (!call.contains(' ')).then(|| Frame { path, file: base_name(path), function: name(call), in_app })
}

/// The path in `/srv/cart.go:21 +0x1d`, `/srv/cart.go:21` and `/srv/cart.go:21 (0x4f1c2a)`.
fn place(text: &str) -> Option<&str> {
    let at = text.find(".go:").map(|at| at + 3).or_else(|| text.find(".s:").map(|at| at + 2))?;
    let line = &text[at + 1..];
    let digits = line.bytes().take_while(u8::is_ascii_digit).count();
    let rest = &line[digits..];
    let is_end = rest.is_empty() || rest.starts_with(" +0x") || rest.starts_with(" (0x") || rest.starts_with(" fp=");
    let path = rooted(&text[..at]);
    (digits > 0 && is_end).then_some(path)
}

/// The function of a line with its arguments cut off. `None` for what cannot be one, and for where a goroutine was created.
fn call(text: &str) -> Option<&str> {
    if text.contains("created by ") {
        return None;
    }
    let arguments = text.strip_suffix(')').map_or(text.len(), opening);
    let name = &text[..arguments];
    let name = last_word(name);
    let is_function = name.contains('.') || name == "panic";
    (is_function && !name.ends_with([':', '.'])).then_some(name)
}

/// Where the bracket that closes at the end of a call opens.
fn opening(text: &str) -> usize {
    let mut depth = 0_usize;
    for (at, byte) in text.bytes().enumerate().rev() {
        match byte {
            b')' => depth += 1,
            b'(' if depth == 0 => return at,
            b'(' => depth -= 1,
            _ => {}
        }
    }
    text.len()
}

fn frame<'a>(call: &'a str, path: &'a str) -> Frame<'a> {
    let in_app = call != "panic" && !is_library(call, path);
    Frame { path, file: base_name(path), function: name(call), in_app }
}

/// A function with its package and receiver, without directories, type arguments and the counters of closures.
fn name(call: &str) -> Cow<'_, str> {
    let generic = call.find('[').unwrap_or(call.len());
    let start = call[..generic].rfind('/').map_or(0, |slash| slash + 1);
    let name = &call[start..];
    if generic == call.len() && !name.split(['.', '-']).any(is_counter) {
        return Cow::Borrowed(name);
    }
    let name = without_brackets(name, '[', ']');
    let mut out = String::with_capacity(name.len());
    for part in name.split('.').map(|part| part.split('-').next().unwrap_or(part)).filter(|part| !is_counter(part)) {
        if !out.is_empty() {
            out.push('.');
        }
        out.push_str(part);
    }
    Cow::Owned(out)
}

/// Whether a part of a name is given to a closure, a wrapper or a method value by the compiler.
fn is_counter(part: &str) -> bool {
    if matches!(part, "fm" | "glob" | "") {
        return true;
    }
    let number = ["func", "gowrap", "deferwrap", "range"].iter().find_map(|kind| part.strip_prefix(kind)).unwrap_or(part);
    is_number(number)
}

/// Packages of the standard library, by the first part of their path.
const STANDARD: &[&str] = &[
    "archive",
    "bufio",
    "bytes",
    "cmp",
    "compress",
    "container",
    "context",
    "crypto",
    "database",
    "debug",
    "embed",
    "encoding",
    "errors",
    "expvar",
    "flag",
    "fmt",
    "go",
    "hash",
    "html",
    "image",
    "index",
    "internal",
    "io",
    "iter",
    "log",
    "maps",
    "math",
    "mime",
    "net",
    "os",
    "path",
    "plugin",
    "reflect",
    "regexp",
    "runtime",
    "slices",
    "sort",
    "strconv",
    "strings",
    "sync",
    "syscall",
    "testing",
    "text",
    "time",
    "unicode",
    "unique",
    "unsafe",
    "vendor",
    "weak",
];

/// Whether a function is of a module from elsewhere, of a vendored one, or of the standard library.
///
/// The standard library lies in `src/` of wherever Go is installed, or, when paths are trimmed, under the name of its package.
fn is_library(call: &str, path: &str) -> bool {
    if is_library_path(path) {
        return true;
    }
    let package = package(call);
    let first = package.split('/').next().unwrap_or(package);
    let is_standard = STANDARD.binary_search(&first).is_ok();
    is_standard && (path.starts_with(package) || is_below_source(path, first)) || path.starts_with('_') && path.ends_with(".go")
}

/// Whether a path is of the module cache or of a vendored module.
fn is_library_path(path: &str) -> bool {
    let mut before = "";
    for component in components(path) {
        if component == "vendor" || before == "pkg" && component == "mod" || component.contains("@v") {
            return true;
        }
        before = component;
    }
    false
}

/// Whether two directories are `src` and a package of the standard library in it.
fn is_standard_directory((above, below): (&str, &str)) -> bool {
    above == "src" && STANDARD.binary_search(&below).is_ok()
}

/// The import path of a function: `net/http` of `net/http.(*conn).serve`.
fn package(call: &str) -> &str {
    let start = call.split(['(', '[']).next().unwrap_or(call).rfind('/').map_or(0, |slash| slash + 1);
    let end = call[start..].find('.').map_or(call.len(), |dot| start + dot);
    &call[..end]
}

/// Whether a path has `src/` right before the first part of a package.
fn is_below_source(path: &str, first: &str) -> bool {
    components(path).zip(components(path).skip(1)).any(|(above, below)| above == "src" && below == first)
}

#[cfg(test)]
mod tests {
    use super::super::{in_app_frames, language};
    use super::*;

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

    #[test]
    fn names_lose_type_arguments_and_counters() {
        for (call, function) in [
            ("example.org/shop/v2/cart.(*Cart).Add", "cart.(*Cart).Add"),
            ("main.Map[go.shape.int_0,example.org/x.T].func2", "main.Map"),
            ("shop/cart.(*Set[...]).Add", "cart.(*Set).Add"),
            ("main.run.gowrap1", "main.run"),
            ("main.(*Job).Run-fm", "main.(*Job).Run"),
            ("main.glob..func1", "main"),
            ("main.each.func1-range2", "main.each"),
        ] {
            assert_eq!(name(call), function);
        }
    }

    #[test]
    fn the_standard_library_is_known_wherever_it_lies() {
        assert!(is_library("net/http.(*conn).serve", "/home/a/sdk/go1.22/src/net/http/server.go"));
        assert!(is_library("runtime.gopanic", "runtime/panic.go"));
        assert!(is_library("example.org/x.F", "/go/pkg/mod/example.org/x@v1.2.3/x.go"));
        assert!(!is_library("example.org/me/app.F", "/go/src/example.org/me/app/x.go"));
        assert!(!is_library("shop/net.F", "/srv/shop/net/x.go"));
        assert!(STANDARD.is_sorted());
    }
}
