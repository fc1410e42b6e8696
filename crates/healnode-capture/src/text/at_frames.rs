//! JavaScript, Java, Kotlin and .NET: a line that names the error, then frames that begin with `at`.

use crate::text::block::{Grammar, Step};
use crate::text::title::{Title, is_titled};

struct AtFrames {
    title: Title,
    /// Whether Node is printing what else the error has, in braces.
    in_braces: bool,
}

/// Begins at a frame. The error's name is searched in the lines before. Returns at which of them the trace begins.
pub(crate) fn begin(line: &str, before: &[&str]) -> Option<(Box<dyn Grammar>, usize)> {
    if !is_frame(line) {
        return None;
    }
    let start = before.iter().rposition(|line| line.trim().is_empty()).map_or(0, |blank| blank + 1);
    let above = &before[start..];
    let nearest = above.len().checked_sub(1)?;
    let is_inner = |line: &str| line.trim_start().starts_with("---> ");
    let outer = above.iter().rposition(|line| !is_inner(line))?;
    let titled = above[..=outer].iter().rposition(|line| is_titled(line) && !line.starts_with([' ', '\t']));
    let head = titled.unwrap_or(if is_inner(above[nearest]) { outer } else { nearest });
    let mut title = Title::of_head(above[head]);
    for more in above[head + 1..].iter().take_while(|line| !is_inner(line)) {
        title.message.push('\n');
        title.message.push_str(more);
    }
    Some((Box::new(AtFrames { title, in_braces: line.ends_with('{') }), start + head))
}

impl Grammar for AtFrames {
    fn step(&mut self, line: &str) -> Step {
        if self.in_braces {
            self.in_braces = line != "}";
            return if self.in_braces { Step::Take } else { Step::TakeLast };
        }
        self.in_braces = is_frame(line) && line.ends_with('{');
        if is_frame(line) || is_between(line) { Step::Take } else { Step::End }
    }

    fn title(&self) -> Option<Title> {
        Some(self.title.clone())
    }
}

/// What stands between frames: causes, what was suppressed, what was left out, and the ends of inner exceptions.
fn is_between(line: &str) -> bool {
    if line.starts_with("Caused by: ") {
        return true;
    }
    let text = line.trim_start();
    let is_indented = text.len() < line.len();
    let starts = ["... ", "Suppressed: ", "Caused by: ", "--- End of ", "---> ", "[cause]: ", "[errors]: "];
    is_indented && starts.iter().any(|start| text.starts_with(start))
}

/// Whether a line is `at f (place)`, `at place:1:2` or `at Type.Method(arguments) in file:line 7`, indented.
fn is_frame(line: &str) -> bool {
    let text = line.trim_start();
    if text.len() == line.len() {
        return false;
    }
    let Some(call) = text.strip_prefix("at ") else {
        return false;
    };
    let call = call.trim_end_matches(['{', ',', ' ']);
    if let Some((_, place)) = call.strip_suffix(')').and_then(|call| call.rsplit_once(" (")) {
        return is_place(place) || matches!(place, "<anonymous>" | "native") || place.starts_with("index ");
    }
    let is_method = |(name, rest): (&str, &str)| name.contains('.') && !name.contains(' ') && rest.contains(')');
    call.split_once('(').is_some_and(is_method) || is_place(call)
}

/// Whether a text is a file with a line behind it.
fn is_place(text: &str) -> bool {
    let number = text.rsplit_once(':').map_or("", |(_, number)| number);
    let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    is_number && (text.contains(['/', '\\', '.', '<', '[']) || text.starts_with("node:"))
}
