//! Rust: the header of a panic, and a backtrace of numbered functions with their places on the next line.
//!
//! Without a backtrace the file in the header, or in the location that `eyre` prints, is the only frame. Lists of causes are
//! numbered like frames, and are told from them by their words.

use std::borrow::Cow;

use super::text::{base_name, behind_number, components, split_line};
use super::{Frame, Line};

/// Crates of the toolchain, and frameworks that call or are called by an application, where no path tells.
const CRATES: &[&str] = &[
    "__rustc",
    "actix_rt",
    "actix_server",
    "actix_web",
    "alloc",
    "anyhow",
    "async_std",
    "axum",
    "backtrace",
    "color_eyre",
    "core",
    "crossbeam",
    "diesel",
    "eyre",
    "futures_channel",
    "futures_core",
    "futures_executor",
    "futures_util",
    "h2",
    "hyper",
    "hyper_util",
    "panic_unwind",
    "rayon",
    "rayon_core",
    "reqwest",
    "rocket",
    "serde",
    "serde_json",
    "sqlx",
    "sqlx_core",
    "stable_eyre",
    "std",
    "std_detect",
    "test",
    "tokio",
    "tokio_util",
    "tonic",
    "tower",
    "tower_http",
    "tower_service",
    "tracing",
    "tracing_core",
    "tracing_futures",
    "tracing_subscriber",
    "warp",
];

/// Whether a line is a numbered function.
pub(super) fn is_frame(text: &str) -> bool {
    numbered(text).is_some_and(|frame| frame.is_addressed || frame.function.contains("::"))
}

/// Whether a line is the header of a panic, whichever release printed it.
pub(super) fn is_header(text: &str) -> bool {
    text.starts_with("thread '") && text.contains("' panicked at ")
        || text.starts_with("thread '") && text.contains(") panicked at ")
        || text.starts_with("panicked at ")
}

/// Whether a line says where an error is from: `Location:`, or a nested `at` of a report.
pub(super) fn is_origin(text: &str) -> bool {
    match text.strip_prefix("Location:") {
        Some(place) => place.is_empty() || source(place).is_some(),
        None => nested(text).is_some_and(is_place),
    }
}

/// What follows `at ` behind the lines that a report is drawn with.
fn nested(text: &str) -> Option<&str> {
    text.trim_start_matches(['├', '╰', '╴', '─', '▶', ' ']).strip_prefix("at ")
}

/// Whether what follows `at ` is a place in a source file.
pub(super) fn is_place(call: &str) -> bool {
    split_line(call).is_some_and(|path| path.ends_with(".rs"))
}

/// Reads the backtrace. Without one, or when all of it is of libraries, reads where the panic or the error says that it is from.
pub(super) fn read<'a>(lines: &[Line<'a>]) -> Vec<Frame<'a>> {
    let frames = backtrace(lines);
    if frames.iter().any(|frame| frame.in_app) {
        return frames;
    }
    let origins = origins(lines);
    if origins.iter().any(|frame| frame.in_app) { origins } else { frames }
}

fn backtrace<'a>(lines: &[Line<'a>]) -> Vec<Frame<'a>> {
    let mut frames = Vec::new();
    let is_title =
        |line: &Line| line.text.len() < 64 && !line.text.contains("RUST_BACKTRACE") && line.text.to_ascii_lowercase().contains("backtrace");
    let start = lines.iter().position(is_title);
    for index in start.unwrap_or(0)..lines.len() {
        let Some(numbered) = numbered(lines[index].text) else {
            continue;
        };
        let next = lines.get(index + 1).map_or("", |line| line.text);
        let path = next.strip_prefix("at ").and_then(split_line);
        if path.is_some() || start.is_some() || numbered.is_addressed || numbered.function.contains("::") {
            frames.push(frame(numbered.function, path.unwrap_or_default()));
        }
    }
    frames
}

/// A function of a backtrace, and whether its address stands before it.
struct Numbered<'a> {
    function: &'a str,
    is_addressed: bool,
}

/// The function of `12: name` or `12: 0x55d0 - name`.
fn numbered(text: &str) -> Option<Numbered<'_>> {
    let name = behind_number(text, ":")?.trim_start();
    let is_addressed = name.starts_with("0x");
    let function = if is_addressed { name.split_once(" - ")?.1 } else { name };
    is_symbol(function).then_some(Numbered { function, is_addressed })
}

/// Whether a text is the name of a function: words stand apart in it only between brackets.
fn is_symbol(name: &str) -> bool {
    let mut depth = 0_usize;
    for byte in name.bytes() {
        match byte {
            b'<' | b'{' | b'(' | b'[' => depth += 1,
            b'>' | b'}' | b')' | b']' => depth = depth.saturating_sub(1),
            b' ' if depth == 0 => return false,
            _ => {}
        }
    }
    !name.is_empty() && !name.ends_with(':')
}

/// Where a panic or an error says that it is from: the header of a panic, `Location:`, or the nested `at` lines of a report.
fn origins<'a>(lines: &[Line<'a>]) -> Vec<Frame<'a>> {
    let mut origins = Vec::new();
    let mut is_pending = false;
    for line in lines {
        let place = match line.text {
            text if is_header(text) => {
                is_pending = true;
                text.split_once("panicked at ").map(|(_, place)| place)
            }
            text if text.starts_with("Location:") => {
                is_pending = true;
                text.strip_prefix("Location:")
            }
            text if is_pending => Some(text),
            text => nested(text),
        };
        if let Some(path) = place.and_then(source) {
            is_pending = false;
            origins.push(Frame { path, file: base_name(path), function: Cow::Borrowed(""), in_app: !is_library_path(path) });
        }
    }
    origins.reverse();
    origins
}

/// The source file that a place ends in. The message of an old header stands before it.
fn source(place: &str) -> Option<&str> {
    let place = place.trim().trim_end_matches(':');
    let place = place.rsplit("', ").next().unwrap_or(place);
    split_line(place).filter(|path| path.ends_with(".rs") && !path.contains(' '))
}

fn frame<'a>(function: &'a str, path: &'a str) -> Frame<'a> {
    let is_source = function.contains("::") || path.ends_with(".rs");
    let in_app = is_source && !is_library_path(path) && CRATES.binary_search(&crate_name(function)).is_err();
    Frame { path, file: base_name(path), function: name(function), in_app }
}

/// Whether a path is of the toolchain or of a crate from a registry or another repository.
fn is_library_path(path: &str) -> bool {
    if path.starts_with("library/") || path.starts_with("/rustc/") || path.starts_with("src/libstd/") {
        return true;
    }
    let mut before = "";
    for component in components(path) {
        let is_library = matches!((before, component), ("registry", "src") | ("git", "checkouts") | (_, "rustlib" | ".cargo" | "vendor"));
        if is_library || component.starts_with("rustc-") {
            return true;
        }
        before = component;
    }
    false
}

/// The crate that a function, or the type that it is implemented on, is of.
fn crate_name(function: &str) -> &str {
    let bare = function.trim_start_matches(['<', '&', '*', '(', '[']);
    let bare = ["mut ", "dyn ", "const ", "impl "].iter().fold(bare, |bare, word| bare.strip_prefix(word).unwrap_or(bare));
    let end = bare.find(|character: char| !character.is_alphanumeric() && character != '_').unwrap_or(bare.len());
    let is_parameter = end <= 2 && function.starts_with('<') && !bare[end..].starts_with("::");
    match function.split_once(" as ") {
        Some((_, implemented)) if is_parameter => crate_name(implemented),
        _ => &bare[..end],
    }
}

/// A function without its hash, the marks of closures, and generic arguments. `<T as Trait>` stays.
fn name(function: &str) -> Cow<'_, str> {
    let name = match function.rsplit_once("::h") {
        Some((name, hash)) if hash.len() == 16 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()) => name,
        _ => function,
    };
    if !name.contains(['<', '{', '[']) {
        return Cow::Borrowed(name);
    }
    Cow::Owned(bare(name))
}

/// A name without what the compiler put between brackets, except the outermost `<T as Trait>` and `<impl Trait for T>`.
fn bare(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    let mut kept = 0_usize;
    let mut dropped = 0_usize;
    let mut before = ' ';
    for (at, character) in name.char_indices() {
        let is_qualified = at == 0 || name[at..].starts_with("<impl ");
        let is_arrow = character == '>' && before == '-';
        before = character;
        match character {
            '<' if dropped == 0 && kept == 0 && is_qualified => {
                kept = 1;
                out.push('<');
            }
            '<' | '{' | '[' => dropped += 1,
            '>' | '}' | ']' if dropped > 0 && !is_arrow => dropped -= 1,
            '>' if kept > 0 && !is_arrow => {
                kept = 0;
                out.push('>');
            }
            _ if dropped == 0 => out.push(character),
            _ => {}
        }
    }
    tidy(&out)
}

/// A name without the colons that stood before what was dropped.
fn tidy(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for part in name.split("::").filter(|part| !part.is_empty()) {
        if !out.is_empty() {
            out.push_str("::");
        }
        out.push_str(part);
    }
    out.replace(":: ", " ").replace("::>", ">")
}

#[cfg(test)]
mod tests {
    use super::super::{in_app_frames, language};
    use super::*;

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

    #[test]
    fn names_lose_what_the_compiler_adds() {
        for (function, bare) in [
            ("shop::cart::add::{closure#3}::{async_block#0}", "shop::cart::add"),
            ("shop::cart::add::<alloc::string::String>", "shop::cart::add"),
            ("shop::cart::add<u32>", "shop::cart::add"),
            ("shop[5a3f9c]::cart::{impl#2}::add", "shop::cart::add"),
            ("<shop::Repo<sqlx::Pool<P>> as shop::Store>::get::{{closure}}", "<shop::Repo as shop::Store>::get"),
            ("shop::cart::<impl core::fmt::Display for shop::Cart<T>>::fmt", "shop::cart::<impl core::fmt::Display for shop::Cart>::fmt"),
            ("<alloc::boxed::Box<dyn Fn() -> u8> as core::ops::Fn>::call", "<alloc::boxed::Box as core::ops::Fn>::call"),
        ] {
            assert_eq!(name(function), bare);
        }
    }

    #[test]
    fn a_list_of_causes_is_no_backtrace() {
        assert_eq!(in_app_frames("Error: start\n\nCaused by:\n    0: reading shop::config\n    1: not found"), Vec::<String>::new());
        assert!(CRATES.is_sorted());
    }
}
