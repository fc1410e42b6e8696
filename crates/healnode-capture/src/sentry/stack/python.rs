//! Python's tracebacks: causes first, the sentence that joins them, groups as trees.

use std::fmt::Write as _;

use super::links::{cause, members};
use super::{Language, frames, title};
use crate::limits::FRAME_FIELD_BYTES_MAX;
use crate::sentry::event::{Exception, Frame};

const CAUSE: &str = "The above exception was the direct cause of the following exception:";
const CONTEXT: &str = "During handling of the above exception, another exception occurred:";

/// Deepest group within groups that is drawn. A deeper one is drawn as a plain exception.
const GROUPS_MAX: usize = 8;

pub(super) fn render(chain: &[Exception], out: &mut String) {
    if let Some(last) = chain.len().checked_sub(1) {
        draw(chain, last, 0, out);
    }
}

/// Writes the exception at `at`, after its cause. A cause stands before what it led to, so the search always ends.
fn draw(chain: &[Exception], at: usize, depth: usize, out: &mut String) {
    if let Some(cause) = cause(chain, at) {
        draw_cause(chain, cause, at, depth, out);
    }
    let exception = &chain[at];
    let members = if depth < GROUPS_MAX { members(chain, at) } else { Vec::new() };
    if members.is_empty() {
        draw_plain(exception, depth, out);
        return;
    }
    let margin = "  ".repeat(depth);
    let start = if depth == 0 { "  + " } else { "| " };
    write_line(out, &format!("{margin}{start}Exception Group Traceback (most recent call last):"));
    draw_frames(exception, &format!("{margin}  | "), out);
    draw_title(exception, &format!("{margin}  | "), out);
    for (number, member) in members.iter().enumerate() {
        let corner = if number == 0 { "+-+" } else { "  +" };
        write_line(out, &format!("{margin}  {corner}---------------- {} ----------------", number + 1));
        draw(chain, *member, depth + 1, out);
    }
    write_line(out, &format!("{margin}    +------------------------------------"));
}

fn draw_cause(chain: &[Exception], cause: usize, at: usize, depth: usize, out: &mut String) {
    draw(chain, cause, depth, out);
    let sources = [&chain[cause].mechanism.source, &chain[at].mechanism.source];
    let is_context = sources.into_iter().flatten().any(|source| source == "__context__");
    let margin = margin(depth);
    write_line(out, margin.trim_end());
    write_line(out, &format!("{margin}{}", if is_context { CONTEXT } else { CAUSE }));
    write_line(out, margin.trim_end());
}

/// What stands before the lines of an exception within groups.
fn margin(depth: usize) -> String {
    if depth == 0 { String::new() } else { format!("{}  | ", "  ".repeat(depth)) }
}

fn draw_plain(exception: &Exception, depth: usize, out: &mut String) {
    let margin = margin(depth);
    if frames(exception).next().is_some() {
        write_line(out, &format!("{margin}Traceback (most recent call last):"));
        draw_frames(exception, &margin, out);
    }
    draw_title(exception, &margin, out);
}

fn draw_title(exception: &Exception, margin: &str, out: &mut String) {
    for line in title(Language::Python, exception).lines() {
        write_line(out, &format!("{margin}{line}"));
    }
}

fn draw_frames(exception: &Exception, margin: &str, out: &mut String) {
    for frame in frames(exception) {
        write_line(out, &format!("{margin}{}", frame_line(frame)));
        let source = frame.source.as_deref().unwrap_or_default().trim();
        if !source.is_empty() && source.len() <= FRAME_FIELD_BYTES_MAX && !source.contains('\n') {
            write_line(out, &format!("{margin}    {source}"));
        }
    }
}

fn frame_line(frame: &Frame) -> String {
    let mut line = format!("  File \"{}\"", frame.path().unwrap_or("<unknown>"));
    // Writing to a String cannot fail.
    let _unfailing = write!(line, ", line {}", frame.line.unwrap_or(0));
    if let Some(name) = frame.name() {
        line.push_str(", in ");
        line.push_str(name);
    }
    line
}

fn write_line(out: &mut String, line: &str) {
    out.push_str(line);
    out.push('\n');
}
