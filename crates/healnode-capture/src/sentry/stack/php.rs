//! PHP's stacks: the innermost cause first, each line a call and where it was made.

use super::{Language, frames, title};
use crate::sentry::event::{Exception, Frame};

pub(super) fn render(chain: &[Exception], out: &mut String) {
    let mut thrown = None;
    for (at, exception) in chain.iter().enumerate() {
        let mut frames = frames(exception).rev();
        let first = frames.next();
        let start = if at == 0 { "PHP Fatal error:  Uncaught " } else { "\nNext " };
        let place = first.map(|frame| format!(" in {}", place(frame, ':'))).unwrap_or_default();
        out.push_str(&format!("{start}{}{place}\nStack trace:\n", title(Language::Php, exception)));
        write_calls(first, frames, out);
        thrown = first;
    }
    if let Some(frame) = thrown {
        out.push_str(&format!("  thrown in {}\n", place(frame, ' ').replacen(' ', " on line ", 1)));
    }
}

/// A frame names the function that it is in, and PHP prints that function at the place of its caller.
fn write_calls<'a>(mut inner: Option<&'a Frame>, callers: impl Iterator<Item = &'a Frame>, out: &mut String) {
    let mut number = 0;
    for caller in callers {
        let name = inner.and_then(Frame::name).unwrap_or("{closure}");
        out.push_str(&format!("#{number} {}: {name}()\n", called_at(caller)));
        inner = Some(caller);
        number += 1;
    }
    out.push_str(&format!("#{number} {{main}}\n"));
}

fn called_at(frame: &Frame) -> String {
    match frame.path() {
        Some(path) if path != "[internal]" => format!("{path}({})", frame.line.unwrap_or(0)),
        Some(_) | None => "[internal function]".to_owned(),
    }
}

fn place(frame: &Frame, between: char) -> String {
    format!("{}{between}{}", frame.path().unwrap_or("unknown"), frame.line.unwrap_or(0))
}
