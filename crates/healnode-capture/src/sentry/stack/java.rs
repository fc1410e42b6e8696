//! Java's stacks: the exception that was thrown first, then each cause without the frames that it shares with what it led to.

use super::{Language, frames, title};
use crate::sentry::event::{Exception, Frame};

pub(super) fn render(chain: &[Exception], out: &mut String) {
    let mut around: Vec<&Frame> = Vec::new();
    for (depth, exception) in chain.iter().rev().enumerate() {
        let start = if depth == 0 { "" } else { "Caused by: " };
        out.push_str(&format!("{start}{}\n", title(Language::Java, exception)));
        let frames: Vec<&Frame> = frames(exception).collect();
        let shared = frames.iter().zip(&around).take_while(|(one, other)| one == other).count();
        for frame in frames[shared..].iter().rev() {
            out.push_str(&format!("\tat {}\n", call(frame)));
        }
        if shared > 0 {
            out.push_str(&format!("\t... {shared} more\n"));
        }
        around = frames;
    }
}

fn call(frame: &Frame) -> String {
    let class = frame.owner().map(|class| format!("{class}.")).unwrap_or_default();
    format!("{class}{}({})", frame.name().unwrap_or("unknown"), place(frame))
}

fn place(frame: &Frame) -> String {
    let file = frame.filename.as_deref().or(frame.path());
    match (file, frame.line) {
        (Some(file), Some(line)) => format!("{file}:{line}"),
        (Some("Native Method"), None) => "Native Method".to_owned(),
        (Some(file), None) => file.to_owned(),
        (None, _) => "Unknown Source".to_owned(),
    }
}
