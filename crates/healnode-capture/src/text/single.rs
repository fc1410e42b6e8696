//! Errors that are one line: a process that a signal ended, and lines of a log at level error or above.

use crate::text::line::Line;
use crate::text::title::{NO_TYPE, Title};

/// Reads a line. A crash message is strong evidence, a level is weak.
pub(crate) fn read(line: &Line) -> Option<Title> {
    signal(&line.body).or_else(|| runtime(&line.body)).or_else(|| logged(line))
}

/// What shells print about signals, with their names.
const SIGNALS: &[(&str, &str)] = &[
    ("Segmentation fault", "SIGSEGV"),
    ("Aborted", "SIGABRT"),
    ("Bus error", "SIGBUS"),
    ("Floating point exception", "SIGFPE"),
    ("Illegal instruction", "SIGILL"),
    ("Killed", "SIGKILL"),
];

/// Reads `Segmentation fault (core dumped)`, alone or behind `bash: line 1: 77`, and the kernel's `app[77]: segfault at …`.
pub(crate) fn signal(line: &str) -> Option<Title> {
    let line = line.trim();
    if line.contains(": segfault at ") {
        return Some(Title::new("SIGSEGV", line));
    }
    let (text, is_dumped) = line.split_once("(core dumped)").map_or((line, false), |(text, _)| (text.trim_end(), true));
    let name = |text: &str| SIGNALS.iter().find(|(words, _)| text.ends_with(words)).map(|(words, name)| (text.len() - words.len(), *name));
    let (before, name) = name(text).or_else(|| of_shell(line))?;
    let is_alone = before == 0;
    let is_of_shell = is_dumped || of_shell(line).is_some();
    (is_alone || is_of_shell).then(|| Title::new(name, line))
}

/// `bash: line 1:    77 Killed                  ./app` or `bash: 77 Killed`, the number of the process before the words.
fn of_shell(line: &str) -> Option<(usize, &'static str)> {
    let (shell, rest) = line.split_once(": ")?;
    let rest = rest.strip_prefix("line ").and_then(|rest| rest.split_once(": ")).map_or(rest, |(_, rest)| rest).trim_start();
    let words = rest.trim_start_matches(|digit: char| digit.is_ascii_digit());
    if shell.contains(' ') || words.len() == rest.len() || !words.starts_with(' ') {
        return None;
    }
    let words = words.trim_start();
    SIGNALS.iter().find(|(start, _)| words.starts_with(start)).map(|(_, name)| (line.len() - words.len(), *name))
}

/// Words that only a runtime or a kernel prints: where they stand, and the type that they mean.
const RUNTIME: &[(&str, &str)] = &[
    ("has overflowed its stack", "StackOverflow"),
    ("FATAL ERROR: ", "FatalError"),
    ("Fatal Python error: ", "FatalPythonError"),
    ("Out of memory: Killed process ", "OutOfMemory"),
    ("Memory cgroup out of memory: Killed process ", "OutOfMemory"),
    ("Terminating due to java.lang.OutOfMemoryError", "java.lang.OutOfMemoryError"),
];

fn runtime(line: &str) -> Option<Title> {
    if let Some((place, fault)) = line.split_once(": runtime error: ") {
        let is_place = !place.contains(' ') && place.rsplit(':').next().is_some_and(|number| number.parse::<u32>().is_ok());
        return is_place.then(|| Title::new("UndefinedBehaviorSanitizer", fault.trim()));
    }
    let (words, name) = RUNTIME.iter().find(|(words, _)| line.contains(words))?;
    let message = line.strip_prefix(words).unwrap_or(line);
    Some(Title::new(*name, message.trim()))
}

/// Levels of errors as logs print them.
const LEVELS: &[&str] = &["ERROR", "FATAL", "CRITICAL", "SEVERE", "CRIT", "ALERT", "EMERG", "EMERGENCY", "PANIC", "ERR"];

/// Words of a line among which its level is searched.
const LEVEL_WORDS_MAX: usize = 5;

/// Reads a line of a log at level error or above: `ERROR …`, `[error] …`, `fatal: …`, `… - ERROR - …`, `level=error msg="…"`.
fn logged(line: &Line) -> Option<Title> {
    let text = line.body.trim();
    if let Some(message) = pairs(text) {
        return Some(Title::of_line(NO_TYPE, message));
    }
    let mut rest = text;
    for at in 0..LEVEL_WORDS_MAX {
        let (word, behind) = rest.split_once(' ').unwrap_or((rest, ""));
        if is_level(word, at == 0) && (at == 0 || line.has_prefix) {
            return titled(text, word, behind);
        }
        if behind.is_empty() {
            break;
        }
        rest = behind.trim_start();
    }
    None
}

/// Whether a word is a level: in capitals, or in brackets or before a colon in any case.
fn is_level(word: &str, is_first: bool) -> bool {
    let bare = word.trim_matches(['[', ']', '(', ')', '<', '>', ':', '|', ',']);
    let is_marked = bare.len() < word.len() && (is_first || word.starts_with('['));
    let bare = if is_first { bare.split(':').next().unwrap_or(bare) } else { bare };
    LEVELS.iter().any(|level| bare == *level || is_marked && bare.eq_ignore_ascii_case(level))
}

fn titled(text: &str, word: &str, behind: &str) -> Option<Title> {
    let (level, logger) = word.split_once(':').map_or((word, ""), |(level, rest)| (level, rest.trim_matches(':')));
    let is_lower = level.bytes().any(|byte| byte.is_ascii_lowercase()) && text.starts_with(word) && !word.starts_with('[');
    let message = without_decoration(behind);
    let message = match (is_lower, logger.is_empty()) {
        (true, _) => text.to_owned(),
        (false, true) => message.to_owned(),
        (false, false) => format!("{logger}{}{message}", if message.is_empty() { "" } else { " " }),
    };
    (!message.is_empty()).then(|| Title::of_line(NO_TYPE, message))
}

/// A message without the process, the thread and the dashes that stand before it.
fn without_decoration(text: &str) -> &str {
    let mut text = text.trim_start();
    loop {
        let rest = text.trim_start_matches(['-', ':', '|', ' ']);
        let rest = match rest.strip_prefix('[').and_then(|inside| inside.split_once(']')) {
            Some((inside, behind)) if !inside.contains(' ') => behind.trim_start(),
            Some(_) | None => rest,
        };
        let digits = rest.trim_start_matches(|digit: char| digit.is_ascii_digit());
        let rest = if digits.len() < rest.len() && digits.starts_with(" ---") { digits } else { rest };
        if rest.len() == text.len() {
            return rest;
        }
        text = rest;
    }
}

/// The message of `level=error msg="…" err="…"`.
fn pairs(text: &str) -> Option<String> {
    let is_error =
        ["level=error", "level=fatal", "level=panic", "level=critical", "lvl=eror", "lvl=crit"].iter().any(|pair| text.contains(pair));
    if !is_error {
        return None;
    }
    let parts: Vec<&str> = ["msg=", "err=", "error="].iter().filter_map(|name| pair(text, name)).collect();
    Some(if parts.is_empty() { text.to_owned() } else { parts.join(": ") })
}

/// The value of a pair whose name stands behind a space, without its quotes.
fn pair<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let start = text.match_indices(name).find(|(at, _)| text[..*at].ends_with(' ')).map(|(at, _)| at + name.len())?;
    let value = &text[start..];
    match value.strip_prefix('"') {
        Some(quoted) => quoted.split_once('"').map(|(value, _)| value),
        None => value.split(' ').next(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signal_is_read_from_what_a_shell_or_the_kernel_prints() {
        for (line, name) in [
            ("Segmentation fault (core dumped)", "SIGSEGV"),
            ("Segmentation fault", "SIGSEGV"),
            ("bash: line 1:    77 Killed                  ./app --all", "SIGKILL"),
            ("./run.sh: line 3: 4711 Aborted                 (core dumped) ./app", "SIGABRT"),
            ("app[77]: segfault at 0 ip 00005 sp 00007 error 4 in app[55d]", "SIGSEGV"),
            ("bash: 4711 Aborted                 ./app", "SIGABRT"),
            ("Killed", "SIGKILL"),
        ] {
            assert_eq!(signal(line).map(|title| title.error_type).as_deref(), Some(name), "{line}");
        }
        for line in ["Killed the job", "It was Aborted", "line 1: Killed", "", "Process Killed", "bash: 7Killed", "app: 7 Killers"] {
            assert_eq!(signal(line), None, "{line}");
        }
    }

    #[test]
    fn a_line_of_a_log_is_an_error_by_its_level() {
        for (line, message) in [
            ("ERROR job 42 failed", "job 42 failed"),
            ("ERROR: job 42 failed", "job 42 failed"),
            ("ERROR:root:job 42 failed", "root:job 42 failed"),
            ("[ERROR] job 42 failed", "job 42 failed"),
            ("fatal: not a git repository", "fatal: not a git repository"),
            ("error: linking failed", "error: linking failed"),
            ("2026-11-25 10:00:00,1 - billing - ERROR - job failed", "job failed"),
            ("2026-11-25 10:00:00.123 ERROR 4711 --- [main] c.e.App : job failed", "c.e.App : job failed"),
            ("2026/11/25 10:00:00 [error] 29#29: *1 open() failed", "29#29: *1 open() failed"),
            ("time=x level=error msg=\"job failed\" err=\"no disk\" n=3", "job failed: no disk"),
        ] {
            let title = logged(&Line::of(line)).unwrap_or_else(|| panic!("{line}"));
            assert_eq!(title.message, message, "{line}");
        }
        for line in [
            "no ERROR here",
            "INFO ERROR",
            "errors: 0",
            "2026-11-25 10:00:00 INFO level is fine",
            "ERROR",
            "level=info msg=x",
            "Errors",
            "",
        ] {
            assert_eq!(logged(&Line::of(line)), None, "{line}");
        }
    }
}
