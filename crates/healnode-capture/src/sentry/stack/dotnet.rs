//! The stacks of .NET: titles from the outside in, then frames from the inside out.

use super::{Language, frames, title};
use crate::sentry::event::{Exception, Frame};

pub(super) fn render(chain: &[Exception], out: &mut String) {
    for (depth, exception) in chain.iter().rev().enumerate() {
        let start = if depth == 0 { "" } else { " ---> " };
        out.push_str(&format!("{start}{}\n", title(Language::DotNet, exception)));
    }
    for (at, exception) in chain.iter().enumerate() {
        for frame in frames(exception).rev() {
            out.push_str(&format!("   at {}\n", call(frame)));
        }
        if at + 1 < chain.len() {
            out.push_str("   --- End of inner exception stack trace ---\n");
        }
    }
}

fn call(frame: &Frame) -> String {
    let class = frame.owner().map(|class| format!("{class}.")).unwrap_or_default();
    let name = frame.name().unwrap_or("unknown");
    let arguments = if name.contains('(') { "" } else { "()" };
    let place = frame.path().map(|path| format!(" in {path}:line {}", frame.line.unwrap_or(0))).unwrap_or_default();
    format!("{class}{name}{arguments}{place}")
}
