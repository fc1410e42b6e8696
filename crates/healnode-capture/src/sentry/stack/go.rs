//! Go's stacks: a goroutine with a function on one line and its file on the next, the frame that failed first.

use super::{Language, frames, title};
use crate::sentry::event::{Exception, Frame};

/// Go prints no causes with frames. The frames are those of the innermost exception that has any; the others are named above it.
pub(super) fn render(chain: &[Exception], out: &mut String) {
    for exception in chain.iter().rev() {
        out.push_str(&format!("{}\n", title(Language::Go, exception)));
    }
    let Some(exception) = chain.iter().find(|exception| frames(exception).next().is_some()) else {
        return;
    };
    out.push_str("\ngoroutine 1 [running]:\n");
    for frame in frames(exception).rev() {
        out.push_str(&format!("{}(...)\n\t{}\n", call(frame), frame.place_of_line()));
    }
}

impl Frame {
    /// `path:line`, without a column: Go prints none.
    fn place_of_line(&self) -> String {
        format!("{}:{}", self.path().unwrap_or("unknown.go"), self.line.unwrap_or(0))
    }
}

fn call(frame: &Frame) -> String {
    let name = frame.name().unwrap_or("unknown");
    match frame.owner() {
        Some(package) if !name.starts_with(&format!("{package}.")) => format!("{package}.{name}"),
        Some(_) | None => name.to_owned(),
    }
}
