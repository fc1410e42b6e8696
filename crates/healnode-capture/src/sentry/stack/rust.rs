//! Rust's backtraces: short ones, as `RUST_BACKTRACE=1` prints them, with causes the way `anyhow` lists them.

use super::{Language, frames, title};
use crate::sentry::event::{Exception, Frame};

/// Marks that the standard library puts into a stack: above the first the program begins, below the second the handling of a panic.
const BEGIN: &str = "__rust_begin_short_backtrace";
const END: &str = "__rust_end_short_backtrace";

pub(super) fn render(chain: &[Exception], out: &mut String) {
    let Some((last, causes)) = chain.split_last() else {
        return;
    };
    let is_panic = last.kind.as_deref() == Some("panic");
    match last.value.as_deref().filter(|_| is_panic) {
        Some(message) => out.push_str(&format!("panicked:\n{message}\n")),
        None => out.push_str(&format!("{}\n", title(Language::Rust, last))),
    }
    write_causes(causes, out);
    let Some(exception) = chain.iter().find(|exception| frames(exception).next().is_some()) else {
        return;
    };
    out.push_str("\nstack backtrace:\n");
    for (number, frame) in short(exception).into_iter().enumerate() {
        out.push_str(&format!("{number:>4}: {}\n", frame.name().unwrap_or("<unknown>")));
        if let Some(place) = frame.place() {
            out.push_str(&format!("             at {place}\n"));
        }
    }
}

/// Writes causes as `anyhow` does: several ones are numbered, each is its message alone. Its type is known to the SDK only.
fn write_causes(causes: &[Exception], out: &mut String) {
    if !causes.is_empty() {
        out.push_str("\nCaused by:\n");
    }
    for (number, cause) in causes.iter().rev().enumerate() {
        let (start, margin) = if causes.len() > 1 { (format!("{number:>5}: "), "       ") } else { ("    ".to_owned(), "    ") };
        let message = cause.value.clone().unwrap_or_else(|| title(Language::Rust, cause));
        out.push_str(&format!("{start}{}\n", message.replace('\n', &format!("\n{margin}"))));
    }
}

/// The frames between the marks, the one that failed first. All of them where there are no marks.
fn short(exception: &Exception) -> Vec<&Frame> {
    let is = |frame: &Frame, mark: &str| frame.name().is_some_and(|name| name.contains(mark));
    let mut frames: Vec<&Frame> = frames(exception).rev().collect();
    if let Some(begin) = frames.iter().position(|frame| is(frame, BEGIN)) {
        frames.truncate(begin);
    }
    if let Some(end) = frames.iter().rposition(|frame| is(frame, END)) {
        frames.drain(..=end);
    }
    frames
}
