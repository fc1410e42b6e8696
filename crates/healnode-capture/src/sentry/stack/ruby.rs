//! Ruby's stacks: the place, the message and the type on one line, callers below, then the cause in the same way.

use super::{Language, frames, type_name};
use crate::sentry::event::{Exception, Frame};

pub(super) fn render(chain: &[Exception], out: &mut String) {
    for exception in chain.iter().rev() {
        let mut frames = frames(exception).rev();
        let place = frames.next().map(|frame| format!("{}: ", call(frame))).unwrap_or_default();
        out.push_str(&format!("{place}{}\n", title(exception)));
        for frame in frames {
            out.push_str(&format!("\tfrom {}\n", call(frame)));
        }
    }
}

/// The message, with the type behind its first line.
fn title(exception: &Exception) -> String {
    let name = type_name(Language::Ruby, exception);
    match exception.value.as_deref().map(|value| value.split_once('\n').ok_or(value)) {
        None => format!("{name} ({name})"),
        Some(Err(line)) => format!("{line} ({name})"),
        Some(Ok((first, rest))) => format!("{first} ({name})\n{rest}"),
    }
}

fn call(frame: &Frame) -> String {
    let place = format!("{}:{}", frame.path().unwrap_or("(unknown)"), frame.line.unwrap_or(0));
    match frame.name() {
        Some(name) => format!("{place}:in `{name}'"),
        None => place,
    }
}
