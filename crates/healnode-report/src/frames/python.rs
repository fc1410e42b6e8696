//! Python: `  File "app.py", line 3, in main`, innermost frame last, causes first.

use super::Frame;
use super::text::holds_any;

const LIBRARIES: &[&str] = &["/site-packages/", "/dist-packages/", "/lib/python", "/Lib/", "/lib64/python"];

/// Sentences between a cause and the exception that it led to.
const CHAINS: &[&str] = &[
    "The above exception was the direct cause of the following exception",
    "During handling of the above exception, another exception occurred",
];

pub(crate) fn knows(line: &str) -> bool {
    line.contains("Traceback (most recent call last)") || frame(line).is_some()
}

/// Reads the first traceback, which is the innermost cause. Of a group, the first exception in it.
pub(crate) fn read(lines: &[&str]) -> Vec<Frame> {
    let cause = lines.iter().position(|line| CHAINS.iter().any(|chain| line.contains(chain)));
    let mut frames = Vec::new();
    for line in &lines[..cause.unwrap_or(lines.len())] {
        if is_group_rule(line) && !frames.is_empty() && is_later_member(line) {
            break;
        }
        if is_group_rule(line) {
            frames.clear();
        }
        frames.extend(frame(line));
    }
    frames.reverse();
    frames
}

fn is_group_rule(line: &str) -> bool {
    let line = line.trim_start_matches([' ', '|']);
    line.starts_with("+-+---") || line.starts_with("+------")
}

/// Whether a rule begins the second or a later exception of a group, or ends the group.
fn is_later_member(line: &str) -> bool {
    !line.contains("- 1 -")
}

fn frame(line: &str) -> Option<Frame> {
    let line = line.trim_start_matches([' ', '|']).strip_prefix("File \"")?;
    let (path, rest) = line.split_once('"')?;
    let rest = rest.strip_prefix(", line ")?;
    let function = rest.split_once(", in ").map_or("", |(_, function)| function).trim_end();
    let is_cell = path.starts_with("<ipython") || path.starts_with("Cell ") || path.contains("/ipykernel_");
    let in_app = !path.starts_with("<frozen") && !holds_any(path, LIBRARIES);
    let file = if is_cell { "cell" } else { path };
    Some(Frame::new(file, name(function), in_app))
}

/// A function's name without the call's parentheses and the enclosing functions of a local one.
fn name(function: &str) -> &str {
    let function = function.strip_suffix("()").unwrap_or(function);
    function.rsplit(".<locals>.").next().unwrap_or(function)
}

#[cfg(test)]
mod tests {
    use super::super::{in_app_frames, language};

    #[test]
    fn the_innermost_frame_of_the_application_comes_first() {
        let stack = "Traceback (most recent call last):\n  File \"/srv/app/main.py\", line 10, in main\n    run()\n    ^^^^^\n  \
                     File \"/srv/app/jobs.py\", line 7, in run\n    get()\n  \
                     File \"/usr/lib/python3.11/site-packages/requests/api.py\", line 9, in get\nValueError: bad";
        assert_eq!(in_app_frames(stack), ["jobs.py:run", "main.py:main"]);
        assert_eq!(language(stack), "python");
    }

    #[test]
    fn the_cause_decides_not_what_it_led_to() {
        let stack = "Traceback (most recent call last):\n  File \"a.py\", line 1, in inner\nKeyError: 1\n\n\
                     During handling of the above exception, another exception occurred:\n\n\
                     Traceback (most recent call last):\n  File \"b.py\", line 2, in outer\nValueError: x";
        assert_eq!(in_app_frames(stack), ["a.py:inner"]);
    }

    #[test]
    fn of_a_group_the_first_exception_decides() {
        let stack = "  + Exception Group Traceback (most recent call last):\n  |   File \"main.py\", line 3, in main\n  \
                     | ExceptionGroup: many (2 sub-exceptions)\n  +-+---------------- 1 ----------------\n    \
                     | Traceback (most recent call last):\n    |   File \"one.py\", line 1, in one\n    | ValueError: 1\n    \
                     +---------------- 2 ----------------\n    | Traceback (most recent call last):\n    \
                     |   File \"two.py\", line 1, in two\n    | ValueError: 2\n    +------------------------------------";
        assert_eq!(in_app_frames(stack), ["one.py:one"]);
    }
}
