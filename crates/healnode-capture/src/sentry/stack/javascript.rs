//! V8's stacks as Node prints them: the frame that failed first, then in braces the `[cause]` and the `[errors]` of a group.

use super::links::{cause, members};
use super::{Language, frames, title};
use crate::sentry::event::{Exception, Frame};

pub(super) fn render(chain: &[Exception], out: &mut String) {
    if let Some(last) = chain.len().checked_sub(1) {
        draw(chain, last, "", "", out);
    }
}

/// Writes the exception at `at` and what led to it. That stands before it in the chain, so the search always ends.
fn draw(chain: &[Exception], at: usize, margin: &str, start: &str, out: &mut String) {
    let exception = &chain[at];
    let mut has_frames = false;
    out.push_str(&format!("{margin}{start}{}", title(Language::JavaScript, exception)));
    for frame in frames(exception).rev() {
        has_frames = true;
        out.push_str(&format!("\n{margin}    at {}", call(frame)));
    }
    let (cause, members) = (cause(chain, at), members(chain, at));
    let has_braces = has_frames && (cause.is_some() || !members.is_empty());
    if has_braces {
        out.push_str(" {");
    }
    if let Some(cause) = cause {
        out.push('\n');
        draw(chain, cause, &format!("{margin}  "), "[cause]: ", out);
    }
    for (number, member) in members.iter().enumerate() {
        out.push_str(&if number == 0 { format!("\n{margin}  [errors]: [\n") } else { ",\n".to_owned() });
        draw(chain, *member, &format!("{margin}    "), "", out);
    }
    if !members.is_empty() {
        out.push_str(&format!("\n{margin}  ]"));
    }
    if has_braces {
        out.push_str(&format!("\n{margin}}}"));
    }
}

fn call(frame: &Frame) -> String {
    let place = frame.place().unwrap_or_else(|| "<anonymous>".to_owned());
    match frame.name() {
        Some(name) => format!("{name} ({place})"),
        None => place,
    }
}
