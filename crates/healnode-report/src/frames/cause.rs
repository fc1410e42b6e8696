//! The innermost cause of a chain of errors: its type and message, from the trace that shows the chain.
//!
//! Of a group, the first member counts. An error that is no end of a chain has no cause: its own type and message are known without the
//! trace. What varies in a message stays in; `key` takes it out. Go and C name no causes that their messages do not repeat.

use std::borrow::Cow;

use super::text::behind_number;
use super::{Language, Line, java, php, python, ruby};

/// Most lines above a sentence that are looked at for the error that it is about.
const LINES_ABOVE_MAX: usize = 16;

/// The cause that a trace in a language shows, as `type: message` where it shows both.
pub(super) fn innermost<'a>(language: Language, lines: &[Line<'a>]) -> Option<Cow<'a, str>> {
    let cause = match language {
        Language::Python => of_python(lines),
        Language::Java => of_java(lines),
        Language::Rust => of_rust(lines),
        Language::Php => return of_php(lines),
        Language::Ruby => return of_ruby(lines).map(type_first),
        Language::JavaScript => of_javascript(lines),
        Language::DotNet => of_dotnet(lines),
        Language::Go | Language::Native => None,
    };
    cause.map(str::trim).filter(|cause| !cause.is_empty()).map(Cow::Borrowed)
}

/// The error below the first traceback, when a sentence or a group says that others follow. In a group, that of its first member.
fn of_python<'a>(lines: &[Line<'a>]) -> Option<&'a str> {
    if !lines.iter().any(|line| python::is_chain(line.text) || python::group_rule(line.text).is_some()) {
        return None;
    }
    let mut cause = None;
    let mut is_chained = false;
    let mut frames_indent = None;
    for (at, line) in lines.iter().enumerate() {
        if let Some(member) = python::group_rule(line.text) {
            if member != Some("1") {
                break;
            }
            (cause, frames_indent, is_chained) = (None, None, true);
        } else if python::is_chain(line.text) {
            is_chained = true;
            cause = cause.or_else(|| lines[..at].iter().rev().take(LINES_ABOVE_MAX).map(|line| line.text).find(|text| is_error(text)));
        } else if cause.is_some() {
            continue;
        } else if line.language == Some(Language::Python) && !line.text.starts_with("Traceback") {
            frames_indent = Some(line.indent);
        } else if frames_indent.is_some_and(|indent| line.indent <= indent) && is_error(line.text) {
            cause = Some(line.text);
        }
    }
    cause.filter(|_| is_chained)
}

/// Whether a line begins with the name of a type and has nothing else but a message.
fn is_error(text: &str) -> bool {
    let name = text.split(": ").next().unwrap_or(text).trim_end_matches(':');
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || byte > 127 || b"_.$<>".contains(&byte);
    name.starts_with(|first: char| first.is_alphabetic() || first == '_') && name.bytes().all(is_name)
}

/// What stands behind the last `Caused by: `, or the first error of a trace that begins with its cause.
fn of_java<'a>(lines: &[Line<'a>]) -> Option<&'a str> {
    if lines.iter().any(|line| line.text.starts_with("Wrapped by: ")) {
        return lines.iter().map(|line| line.text).find(|text| is_error(text));
    }
    java::causes(lines).last()
}

/// The last of a list of causes, numbered or drawn as a tree.
fn of_rust<'a>(lines: &[Line<'a>]) -> Option<&'a str> {
    let drawn = lines.iter().rev().find_map(|line| line.text.split_once("─▶ "));
    if let Some((_, cause)) = drawn {
        return Some(cause);
    }
    let start = lines.iter().position(|line| matches!(line.text, "Caused by:" | "Error:"))?;
    let is_end = |line: &&Line| line.text.is_empty() || line.text.ends_with("acktrace:") || line.text == "Location:";
    let listed = lines[start + 1..].iter().take_while(|line| !is_end(line)).map(|line| line.text);
    let mut numbered = listed.clone().filter_map(|text| behind_number(text, ":"));
    let first = numbered.next();
    match (numbered.last().or(first), lines[start].text) {
        (Some(last), "Caused by:") => Some(last),
        (Some(last), _) => Some(last).filter(|_| first != Some(last)),
        (None, "Caused by:") => listed.clone().next(),
        (None, _) => None,
    }
}

/// The error above the first trace when others follow it, or the last of those that Laravel lists.
fn of_php<'a>(lines: &[Line<'a>]) -> Option<Cow<'a, str>> {
    if let Some(listed) = lines.iter().rev().find_map(|line| line.text.strip_prefix("[previous exception] ")) {
        let listed = listed.strip_prefix("[object] (").unwrap_or(listed);
        let error = listed.rsplit_once(" at ").map_or(listed, |(error, _)| error);
        return Some(without_code(error));
    }
    let next = lines.iter().position(|line| line.text.starts_with("Next ") && !line.text.ends_with(':'))?;
    let (head, path) = lines[..next].iter().find_map(|line| Some((line.text, php::thrown(line.text)?)))?;
    let head = head.split_once("Uncaught ").map_or(head, |(_, error)| error);
    Some(Cow::Borrowed(head.rfind(path).map_or(head, |at| head[..at].trim_end_matches(" in "))))
}

/// An error without the code that only Laravel prints behind its type.
fn without_code(error: &str) -> Cow<'_, str> {
    match error.split_once("(code: ").and_then(|(name, rest)| Some((name, rest.split_once(')')?.1))) {
        Some((name, rest)) => Cow::Owned(format!("{name}{rest}")),
        None => Cow::Borrowed(error),
    }
}

/// The head of the last of several traces, or what stands below `Caused by:`.
fn of_ruby<'a>(lines: &[Line<'a>]) -> Option<&'a str> {
    if let Some(at) = lines.iter().rposition(|line| ruby::is_list_of_causes(line.text)) {
        return lines[at + 1..].iter().map(|line| line.text).find(|text| !text.is_empty());
    }
    let mut heads = lines.iter().filter_map(|line| ruby::message(line.text));
    heads.next()?;
    heads.next_back()
}

/// `bad key (KeyError)` and `KeyError (bad key)`, both as `KeyError: bad key`.
fn type_first(cause: &str) -> Cow<'_, str> {
    let Some((before, inside)) = cause.strip_suffix(')').and_then(|cause| cause.rsplit_once(" (")) else {
        return Cow::Borrowed(cause);
    };
    if is_constant(inside) {
        return Cow::Owned(format!("{inside}: {before}"));
    }
    match cause.split_once(" (").zip(cause.strip_suffix(')')) {
        Some(((name, _), whole)) if is_constant(name) => Cow::Owned(format!("{name}: {}", &whole[name.len() + 2..])),
        _ => Cow::Borrowed(cause),
    }
}

/// Whether a text is the name of a class in Ruby, such as `Errno::ENOENT`.
fn is_constant(name: &str) -> bool {
    let is_part = |part: &str| {
        part.starts_with(char::is_uppercase) && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte > 127)
    };
    name.split("::").all(is_part)
}

/// The first of a list of `[errors]`, or the last `[cause]`. An object that is no error has no words.
fn of_javascript<'a>(lines: &[Line<'a>]) -> Option<&'a str> {
    let listed = lines.iter().position(|line| line.text.starts_with("[errors]: ["));
    let first = listed.and_then(|at| lines[at + 1..].iter().map(|line| line.text).find(|text| !text.is_empty()));
    let last = || {
        let causes = lines.iter().rev().filter(|line| !line.text.ends_with(": undefined"));
        causes.filter_map(|line| ["[cause]: ", "cause: ", "Caused by: "].iter().find_map(|mark| line.text.strip_prefix(mark))).next()
    };
    let cause = first.or_else(last)?.trim_end_matches(['{', ',', ' ', ':']);
    let cause = cause.strip_prefix('[').and_then(|cause| cause.strip_suffix(']')).unwrap_or(cause);
    Some(cause).filter(|cause| !cause.starts_with(['{', '[']))
}

/// What stands behind the last arrow, on a line of its own or, as older runtimes print it, behind the errors around it.
fn of_dotnet<'a>(lines: &[Line<'a>]) -> Option<&'a str> {
    let own = lines.iter().take_while(|line| !line.text.starts_with("---> (Inner Exception #"));
    let arrows = own.filter_map(|line| line.text.rsplit_once("---> ").filter(|(before, _)| before.is_empty() || before.ends_with(' ')));
    arrows.map(|(_, cause)| cause).last()
}

#[cfg(test)]
mod tests {
    use super::super::lines;
    use super::*;

    fn cause(language: Language, stack: &str) -> Option<String> {
        innermost(language, &lines(stack)).map(Cow::into_owned)
    }

    #[test]
    fn every_language_has_its_own_way_to_name_it() {
        for (language, stack, expected) in [
            (
                Language::Python,
                "Traceback (most recent call last):\n  File \"a.py\", line 1, in a\n    x\nKeyError: 'k'\n\n\
                 During handling of the above exception, another exception occurred:\n\n\
                 Traceback (most recent call last):\n  File \"a.py\", line 2, in b\nValueError: v",
                "KeyError: 'k'",
            ),
            (
                Language::Java,
                "a.B: b\n\tat a.C.d(C.java:1)\nCaused by: e.F: f\n\tat a.G.h(G.java:1)\nCaused by: i.J: j\n\t... 2 more",
                "i.J: j",
            ),
            (Language::Rust, "Error: a\n\nCaused by:\n    0: b\n    1: c d\n\nStack backtrace:\n   0: x::y", "c d"),
            (Language::Rust, "Error: a\n\nCaused by:\n    c d", "c d"),
            (Language::Rust, "Error: a\n├╴at src/a.rs:1:2\n│\n╰─▶ c d\n   ╰╴at src/b.rs:1:2", "c d"),
            (Language::Rust, "Error: \n   0: a\n   1: c d\n\nLocation:\n   src/a.rs:1", "c d"),
            (
                Language::Php,
                "PHP Fatal error:  Uncaught E: m n in /a/B.php:3\nStack trace:\n#0 {main}\n\nNext F: o in /a/C.php:9",
                "E: m n",
            ),
            (Language::Php, "[previous exception] [object] (PDOException(code: 7): gone at /srv/a.php:4)", "PDOException: gone"),
            (Language::Ruby, "a.rb:1:in `x': b (A::B)\n\tfrom a.rb:2:in `y'\na.rb:3:in `z': c (KeyError)", "KeyError: c"),
            (
                Language::Ruby,
                "a.rb:1:in `x': b (A::B)\n\tfrom a.rb:2:in `y'\na.rb:3:in `z': no file (Errno::ENOENT)",
                "Errno::ENOENT: no file",
            ),
            (Language::Ruby, "A (b)\n\nCaused by:\nKeyError (c (d))\n\na.rb:3:in `z'", "KeyError: c (d)"),
            (Language::JavaScript, "Error: a\n    at b (/c.js:1:2) {\n  [cause]: TypeError: d\n      at e (/c.js:2:2)\n}", "TypeError: d"),
            (Language::JavaScript, "AggregateError: a\n    at b (/c.js:1:2) {\n  [errors]: [\n    Error: d\n        at e", "Error: d"),
            (Language::JavaScript, "Error: a\n    at b (/c.js:1:2) {\n  [cause]: [Error: d] {\n    code: 1 } }", "Error: d"),
            (Language::DotNet, "A.B: c\n ---> D.E: f\n   at G.H.I()\n   --- End of inner exception stack trace ---", "D.E: f"),
            (Language::DotNet, "A.B: c ---> D.E: f ---> J.K: l\n   at G.H.I()", "J.K: l"),
        ] {
            assert_eq!(cause(language, stack).as_deref(), Some(expected), "{stack}");
        }
    }

    #[test]
    fn an_error_by_itself_has_none() {
        for (language, stack) in [
            (Language::Python, "Traceback (most recent call last):\n  File \"a.py\", line 1, in a\nKeyError: 'k'"),
            (Language::Java, "a.B: b\n\tat a.C.d(C.java:1)"),
            (Language::Rust, "Error: \n   0: a\n\nLocation:\n   src/a.rs:1"),
            (Language::Php, "PHP Fatal error:  Uncaught E: m in /a/B.php:3\nStack trace:\n#0 {main}"),
            (Language::Ruby, "a.rb:1:in `x': b (A::B)\n\tfrom a.rb:2:in `y'"),
            (Language::JavaScript, "Error: a\n    at b (/c.js:1:2) {\n  [cause]: undefined\n}"),
            (Language::DotNet, "A.B: c\n   at G.H.I()"),
        ] {
            assert_eq!(cause(language, stack), None, "{stack}");
        }
    }
}
