//! Stacks of native code, as a debugger prints them, the frame that failed first.

use super::{Language, frames, title};
use crate::sentry::event::{Exception, Frame};

pub(super) fn render(chain: &[Exception], out: &mut String) {
    for exception in chain.iter().rev() {
        out.push_str(&format!("{}\n", title(Language::Native, exception)));
    }
    let Some(exception) = chain.iter().find(|exception| frames(exception).next().is_some()) else {
        return;
    };
    for (number, frame) in frames(exception).rev().enumerate() {
        out.push_str(&format!("#{number} {}\n", call(frame)));
    }
}

fn call(frame: &Frame) -> String {
    let address = frame.address.as_deref().unwrap_or("0x0");
    let name = frame.name().unwrap_or("??");
    let arguments = if name.contains('(') { "" } else { " ()" };
    let place = match (frame.place(), frame.package.as_deref()) {
        (Some(place), _) => format!(" at {place}"),
        (None, Some(package)) => format!(" from {package}"),
        (None, None) => String::new(),
    };
    format!("{address} in {name}{arguments}{place}")
}
