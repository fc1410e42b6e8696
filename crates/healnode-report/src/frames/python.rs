//! Python: `  File "app.py", line 3, in main`, innermost frame last, causes first; notebooks and crash dumps.
//!
//! A cause's traceback ends where it was caught, so the frames of what it led to are its callers and follow it. Of a group, the
//! first exception decides.

use std::borrow::Cow;

use super::text::{base_name, components, is_number, rooted, split_line};
use super::{Frame, Line};

/// Most tracebacks of one error that are put in order. Deeper chains are loops.
const SECTIONS_MAX: usize = 64;

/// Whether a line is a frame.
pub(super) fn is_frame(text: &str) -> bool {
    split(text).is_some()
}

/// Reads all tracebacks, the innermost cause first.
pub(super) fn read<'a>(lines: &[Line<'a>]) -> Vec<Frame<'a>> {
    let mut sections = Sections { all: vec![Vec::new()], current: 0 };
    let mut is_newest_first = false;
    let mut is_later_member = false;
    for line in lines {
        if let Some(member) = group_rule(line.text) {
            is_later_member = member != Some("1");
            if !is_later_member {
                sections.insert(sections.current);
            }
        } else if is_later_member {
            continue;
        } else if is_chain(line.text) || line.text.starts_with("Traceback (most") {
            sections.insert(sections.current + 1);
        } else if line.text.ends_with("(most recent call first):") {
            if is_newest_first && !sections.is_empty() && !line.text.starts_with("Current ") {
                break;
            }
            is_newest_first = true;
            sections = Sections { all: vec![Vec::new()], current: 0 };
        } else {
            sections.all[sections.current].extend(frame(line.text));
        }
    }
    let in_order = |mut section: Vec<Frame<'a>>| {
        if !is_newest_first {
            section.reverse();
        }
        section
    };
    sections.all.into_iter().flat_map(in_order).collect()
}

/// Tracebacks, the innermost cause first, and the one that is being read.
struct Sections<'a> {
    all: Vec<Vec<Frame<'a>>>,
    current: usize,
}

impl Sections<'_> {
    fn insert(&mut self, at: usize) {
        if self.all.len() < SECTIONS_MAX && !self.is_empty() {
            self.all.insert(at, Vec::new());
            self.current = at;
        }
    }

    fn is_empty(&self) -> bool {
        self.all[self.current].is_empty()
    }
}

/// The sentences between a cause and the exception that it led to.
fn is_chain(text: &str) -> bool {
    text.starts_with("The above exception was the direct cause of the following")
        || text.starts_with("During handling of the above exception, another")
}

/// The line above a member of an exception group, with the member's number, or the line below the last one, without.
fn group_rule(text: &str) -> Option<Option<&str>> {
    let rule = text.strip_prefix('+')?.trim_start_matches(['-', '+']);
    if !text.starts_with("+-") {
        return None;
    }
    Some(rule.split_whitespace().next().filter(|number| is_number(number)))
}

fn frame(text: &str) -> Option<Frame<'_>> {
    let (path, function) = split(text)?;
    let function = name(function);
    if matches!(function, "<listcomp>" | "<dictcomp>" | "<setcomp>" | "<genexpr>") {
        return None;
    }
    let in_app = !is_library(path, function);
    let file = if is_cell(path) { Cow::Borrowed("cell") } else { base_name(path) };
    Some(Frame { path, file, function: Cow::Borrowed(function), in_app })
}

/// The path and the function of a frame, both as printed.
fn split(text: &str) -> Option<(&str, &str)> {
    let text = text.strip_prefix("> ").unwrap_or(text);
    if let Some(rest) = text.strip_prefix("File \"") {
        let (path, rest) = rest.split_once('"')?;
        return Some((path, behind_line(rest.strip_prefix(", line ")?)));
    }
    if let Some(rest) = text.strip_prefix("File ") {
        let (place, function) = rest.split_once(", in ")?;
        return Some((split_line(place)?, function));
    }
    if text.starts_with("Cell In[") || text.starts_with("Cell In [") || text.starts_with("Input In [") {
        let (cell, rest) = text.split_once(',')?;
        let is_named = rest.contains(" in ") || rest.starts_with(" line ");
        return is_named.then(|| (cell, rest.split_once(" in ").map_or("<module>", |(_, function)| function)));
    }
    split_old_cell(text).or_else(|| split_short(text))
}

/// Whether a line is a frame as test runners and console formatters print it.
pub(super) fn is_short_frame(text: &str) -> bool {
    split_short(text).is_some()
}

/// `tests/test_cart.py:12: in test_add` and `/srv/cart.py:12 in add`.
fn split_short(text: &str) -> Option<(&str, &str)> {
    let (place, function) = text.split_once(" in ")?;
    let path = split_line(place.trim_end_matches(':')).filter(|path| path.ends_with(".py"))?;
    let function = function.trim_end_matches(['│', ' ']);
    (!function.contains(' ')).then_some((rooted(path), function))
}

/// Whether a line is a frame of a notebook of the older kind: a path, `in`, and a call.
pub(super) fn is_old_cell(text: &str) -> bool {
    split_old_cell(text).is_some()
}

fn split_old_cell(text: &str) -> Option<(&str, &str)> {
    let (path, function) = text.split_once(" in ")?;
    let is_path = path.starts_with("<ipython-input-") || path.ends_with(".py") && path.starts_with(['/', '~', '.']);
    (is_path && !path.contains(' ') && (function.ends_with(')') || function == "<module>")).then_some((path, function))
}

/// The function behind the number of a line, which follows a comma in tracebacks and none in crash dumps.
fn behind_line(rest: &str) -> &str {
    let rest = rest.trim_start_matches(|character: char| character.is_ascii_digit());
    rest.strip_prefix(", in ").or_else(|| rest.strip_prefix(" in ")).unwrap_or_default()
}

/// A function's name without a notebook's arguments, its class, and the functions around it.
fn name(function: &str) -> &str {
    if function.starts_with('<') {
        return if function.starts_with("<cell line") { "<module>" } else { function.trim_end_matches("()") };
    }
    let function = function.split('(').next().unwrap_or(function);
    function.rsplit('.').next().unwrap_or(function)
}

fn is_cell(path: &str) -> bool {
    path.starts_with("<ipython") || path.starts_with("Cell In") || path.starts_with("Input In") || path.contains("ipykernel_")
}

/// Whether a path is of an installed package, of the standard library, of generated code, or of what starts a program.
///
/// A source of Cython is printed with its path in the package that it was built for.
fn is_library(path: &str, function: &str) -> bool {
    if path.starts_with('<') {
        let is_typed_in = matches!(path, "<stdin>" | "<console>") || path == "<string>" && function == "<module>";
        return !is_typed_in && !is_cell(path);
    }
    let mut before = "";
    for component in components(path) {
        let version = || component.strip_prefix("python").or_else(|| component.strip_prefix("pypy"));
        let is_versioned = || version().is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
        match component {
            "site-packages" | "dist-packages" | "Lib" | ".vscode" | ".vscode-server" | "pydev" => return true,
            _ if matches!(before, "lib" | "lib64" | "Lib") && is_versioned() => return true,
            _ if component.ends_with(".egg") || component.ends_with(".whl") => return true,
            _ => before = component,
        }
    }
    let is_compiled_package = path.ends_with(".pyx") && !path.starts_with('/');
    is_compiled_package || is_launcher(path, function) || path.starts_with("/var/runtime/")
}

/// Whether a file is the script that a package installs to start itself.
fn is_launcher(path: &str, function: &str) -> bool {
    let mut components = path.rsplit(['/', '\\']);
    let file = components.next().unwrap_or_default();
    let directory = components.next().unwrap_or_default();
    function == "<module>" && matches!(directory, "bin" | "Scripts") && !file.ends_with(".py")
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
    fn the_cause_comes_first_and_what_it_led_to_are_its_callers() {
        let stack = "Traceback (most recent call last):\n  File \"a.py\", line 1, in inner\nKeyError: 1\n\n\
                     During handling of the above exception, another exception occurred:\n\n\
                     Traceback (most recent call last):\n  File \"b.py\", line 3, in main\n  File \"b.py\", line 2, in outer\nValueError: x";
        assert_eq!(in_app_frames(stack), ["a.py:inner", "b.py:outer", "b.py:main"]);
    }

    #[test]
    fn of_a_group_the_first_exception_decides() {
        let stack = "  + Exception Group Traceback (most recent call last):\n  |   File \"main.py\", line 3, in main\n  \
                     | ExceptionGroup: many (2 sub-exceptions)\n  +-+---------------- 1 ----------------\n    \
                     | Traceback (most recent call last):\n    |   File \"one.py\", line 1, in one\n    | ValueError: 1\n    \
                     +---------------- 2 ----------------\n    | Traceback (most recent call last):\n    \
                     |   File \"two.py\", line 1, in two\n    | ValueError: 2\n    +------------------------------------";
        assert_eq!(in_app_frames(stack), ["one.py:one", "main.py:main"]);
    }
}
