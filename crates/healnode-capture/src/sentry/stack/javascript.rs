//! V8's stacks: the frame that failed first, causes below theirs in `[cause]`.

use super::{Language, frames, title};
use crate::sentry::event::{Exception, Frame};

pub(super) fn render(chain: &[Exception], out: &mut String) {
    for (depth, exception) in chain.iter().rev().enumerate() {
        let margin = "  ".repeat(depth);
        let start = if depth == 0 { "" } else { "[cause]: " };
        out.push_str(&format!("{margin}{start}{}\n", title(Language::JavaScript, exception)));
        for frame in frames(exception).rev() {
            out.push_str(&format!("{margin}    at {}\n", call(frame)));
        }
    }
}

fn call(frame: &Frame) -> String {
    let place = frame.place().unwrap_or_else(|| "<anonymous>".to_owned());
    match frame.name() {
        Some(name) => format!("{name} ({place})"),
        None => place,
    }
}
