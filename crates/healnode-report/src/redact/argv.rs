//! Secrets in the arguments of a command.
//!
//! An argument list knows more than its text: which word is a flag, which its value, and that `-p` is a password to `mysql` and a
//! port to `ssh`. A command line that came as one text is split as a shell would, and only the words that change are rewritten.

use std::iter::Peekable;
use std::ops::Range;
use std::str::CharIndices;

use super::flags::{flags_of, has_flags};
use super::keys::secret_kind;
use super::kind::{COOKIE, CREDENTIALS, Kind, is_kind};
use super::redactor::Redactor;
use super::references::is_blank_or_reference;
use super::values::is_harmless;

/// How a word is looked at that no flag or name makes a secret.
#[derive(Clone, Copy)]
pub(crate) struct Look<'a> {
    redactor: &'a Redactor,
    /// Whether a word's text is redacted. Lines of a text are redacted as a whole anyway.
    text: bool,
    /// Whether a word with white space may be a script, as behind `sh -c` or `ssh HOST`.
    inside: bool,
}

impl<'a> Look<'a> {
    pub(crate) fn in_commands(redactor: &'a Redactor) -> Self {
        Look { redactor, text: true, inside: true }
    }

    fn in_traces(redactor: &'a Redactor) -> Self {
        Look { redactor, text: false, inside: true }
    }

    fn at(self, word: &str) -> String {
        if self.text { self.redactor.redact(word).into_owned() } else { word.to_owned() }
    }
}

/// Redacts the words of a command.
pub(crate) fn redact_words(argv: &[String], look: Look<'_>) -> Vec<String> {
    let mut redacted = Vec::with_capacity(argv.len());
    let mut programs = Vec::new();
    let mut expected = None;
    for word in argv {
        let kind = expected.take();
        let is_value = !look.redactor.allows(word) && !word.starts_with("--") && !is_blank_or_reference(word) && !ends_command(word);
        if let Some(kind) = kind.filter(|_| is_value) {
            redacted.push(value_token(word, kind, look));
            continue;
        }
        expected = value_expected_after(word, &programs);
        redacted.push(redact_word(word, &programs, look));
        if ends_command(word) || word.contains(COMMAND_ENDS) && has_flags(base_name(word)) {
            programs.clear();
        }
        if programs.len() < PROGRAM_WORDS_MAX {
            programs.push(base_name(word).to_owned());
        }
    }
    redacted
}

/// What a shell ends a command with. The next word may be a program.
const COMMAND_ENDS: [char; 4] = [';', '|', '&', '\n'];

fn ends_command(word: &str) -> bool {
    !word.is_empty() && word.chars().all(|character| COMMAND_ENDS.contains(&character))
}

/// What takes a value's place. Of `user:password` the colon decides whether it holds a password, and `curl -b` may name a file.
fn value_token(word: &str, kind: Kind, look: Look<'_>) -> String {
    if kind == CREDENTIALS && !word.contains([':', '%']) || kind == COOKIE && !word.contains('=') {
        return look.at(word);
    }
    kind.token()
}

fn value_expected_after(word: &str, programs: &[String]) -> Option<Kind> {
    let is_flag = word.starts_with('-') && word.len() > 2 && is_name(word);
    let by_name = if is_flag { secret_kind(word) } else { None };
    by_name.or_else(|| {
        let mut flags = flags_of(programs).filter(|flag| flag.takes_next);
        flags.find(|flag| flag.flag == word).map(|flag| flag.kind)
    })
}

fn redact_word(word: &str, programs: &[String], look: Look<'_>) -> String {
    if let Some((name, value)) = word.split_once('=')
        && is_name(name)
        && let Some(kind) = secret_kind(name)
        && !is_blank_or_reference(value.trim_matches(['"', '\'']))
        && !is_harmless(name, value)
        && !look.redactor.allows(value)
    {
        return format!("{name}={}", kind.token());
    }
    for flag in flags_of(programs).filter(|flag| flag.joined) {
        if let Some(value) = word.strip_prefix(flag.flag)
            && !value.is_empty()
            && !is_blank_or_reference(value)
            && !look.redactor.allows(value)
            && (flag.kind != CREDENTIALS || value.contains(':'))
        {
            return format!("{}{}", flag.flag, flag.kind.token());
        }
    }
    let text = look.at(word);
    if look.inside && word.contains(char::is_whitespace) {
        return rewrite(&text, Look { inside: false, ..look });
    }
    text
}

/// How many leading words may name the program: `sudo`, `docker exec NAME` and the like come before it.
const PROGRAM_WORDS_MAX: usize = 8;

/// The name of a program without its folder and ending.
pub(crate) fn base_name(word: &str) -> &str {
    let name = word.rsplit(['/', '\\', ';', '|', '&', '(', '`']).next().unwrap_or(word);
    name.strip_suffix(".exe").unwrap_or(name)
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b':' | b'/'))
}

/// Redacts the words of a line. Those that hold no secret stay as they are written.
pub(crate) fn rewrite(line: &str, look: Look<'_>) -> String {
    let words = split(line);
    let argv: Vec<String> = words.iter().map(|word| word.text.clone()).collect();
    let mut out = String::with_capacity(line.len());
    let mut done = 0;
    for (word, redacted) in words.iter().zip(redact_words(&argv, look)) {
        if redacted != word.text {
            out.push_str(&line[done..word.place.start]);
            out.push_str(&quote(&redacted));
            done = word.place.end;
        }
    }
    out.push_str(&line[done..]);
    out
}

/// Redacts the lines of a text that a shell wrote before it ran them: `+ command` of `set -x`, and `$ command` of CI jobs.
/// `None` when that changes nothing.
pub(crate) fn redact_traces(text: &str, redactor: &Redactor) -> Option<String> {
    if !may_have_traces(text.as_bytes()) {
        return None;
    }
    let lines: Vec<String> = text.split('\n').map(|line| redact_trace(line, redactor)).collect();
    let redacted = lines.join("\n");
    (redacted != text).then_some(redacted)
}

/// Whether a line begins with `+` or `$`.
fn may_have_traces(bytes: &[u8]) -> bool {
    let may_begin = |byte: Option<&u8>| matches!(byte, Some(b'+' | b'$'));
    let any_line = || bytes.windows(2).any(|pair| pair[0] == b'\n' && may_begin(pair.get(1)));
    may_begin(bytes.first()) || bytes.contains(&b'\n') && any_line()
}

fn redact_trace(line: &str, redactor: &Redactor) -> String {
    match trace_start(line) {
        Some(start) => format!("{}{}", &line[..start], rewrite(&line[start..], Look::in_traces(redactor))),
        None => line.to_owned(),
    }
}

/// Where the command begins in a line of a shell's trace.
fn trace_start(line: &str) -> Option<usize> {
    let command = line.strip_prefix('$').unwrap_or_else(|| line.trim_start_matches('+'));
    (command.len() < line.len() && command.starts_with(' ')).then(|| line.len() - command.len() + 1)
}

/// Writes arguments as a shell would read them.
pub(crate) fn quote_argv(argv: &[String]) -> String {
    argv.iter().map(|word| quote(word)).collect::<Vec<_>>().join(" ")
}

fn quote(word: &str) -> String {
    if !word.is_empty() && is_plain(word) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// Whether a word needs no quotes. The brackets of a redaction's token don't count.
fn is_plain(word: &str) -> bool {
    let mut rest = word;
    while let Some((before, after)) = rest.split_once('<') {
        match after.split_once('>') {
            Some((name, behind)) if is_kind(name) && before.bytes().all(is_plain_byte) => rest = behind,
            _ => return false,
        }
    }
    rest.bytes().all(is_plain_byte)
}

fn is_plain_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'/' | b':' | b'=' | b'@' | b'%' | b'+' | b',') || byte >= 0x80
}

struct Word {
    place: Range<usize>,
    text: String,
}

/// Splits a line as a shell would, without expanding anything. What ends a command is a word of its own.
fn split(line: &str) -> Vec<Word> {
    let mut words = Vec::new();
    let mut characters = line.char_indices().peekable();
    while let Some((start, first)) = characters.peek().copied() {
        if COMMAND_ENDS.contains(&first) {
            characters.next();
            words.push(Word { place: start..start + first.len_utf8(), text: first.to_string() });
        } else if first.is_whitespace() {
            characters.next();
        } else {
            let (end, text) = read_word(line, &mut characters);
            words.push(Word { place: start..end, text });
        }
    }
    words
}

/// Where a word ends, and its text without quotes. A quote that is not closed runs to the end.
fn read_word(line: &str, characters: &mut Peekable<CharIndices<'_>>) -> (usize, String) {
    let mut text = String::new();
    let mut quote = None;
    while let Some((at, character)) = characters.peek().copied() {
        if quote.is_none() && (character.is_whitespace() || ends_words(&line[at..])) {
            return (at, text);
        }
        characters.next();
        match (quote, character) {
            (None, '\'' | '"') => quote = Some(character),
            (Some(open), _) if open == character => quote = None,
            (None | Some('"'), '\\') => text.extend(characters.next().map(|(_, escaped)| escaped)),
            _ => text.push(character),
        }
    }
    (line.len(), text)
}

/// Whether a command ends here and white space follows. Elsewhere a `;` or `&` may be part of a password or a URL.
fn ends_words(rest: &str) -> bool {
    let mut behind = rest.chars().take(3).skip_while(|character| COMMAND_ENDS.contains(character));
    rest.starts_with(COMMAND_ENDS) && behind.next().is_none_or(char::is_whitespace)
}

#[cfg(test)]
mod tests {
    use super::super::redact_argv;
    use super::*;

    fn redact_command_line(line: &str) -> String {
        Redactor::built_in().redact_command_line(line)
    }

    fn check(line: &str, expected: &str) {
        let argv: Vec<String> = line.split(' ').map(str::to_owned).collect();
        assert_eq!(quote_argv(&redact_argv(&argv)), expected);
        assert_eq!(redact_command_line(line), expected);
        assert_eq!(redact_command_line(expected), expected);
    }

    #[test]
    fn values_of_telling_flags_and_variables_go() {
        check("tool --token abc --verbose", "tool --token <token> --verbose");
        check("tool --api-key=SECRET123", "tool --api-key=<api-key>");
        check("DB_PASSWORD=hunter2 tool run", "DB_PASSWORD=<password> tool run");
        check("mysql -u root -phunter2 shop", "mysql -u root -p<password> shop");
        check("sudo mongosh -p hunter2", "sudo mongosh -p <password>");
        check("curl -u anna:hunter2 http://h/x", "curl -u <credentials> http://h/x");
        check("psql postgres://u:pw1@h/db", "psql postgres://<credentials>@h/db");
    }

    #[test]
    fn other_arguments_stay() {
        check("ssh -p 2222 host", "ssh -p 2222 host");
        check("docker login --password-stdin registry", "docker login --password-stdin registry");
        check("mysql -p shop", "mysql -p shop");
        check("PWD=/srv/app tool --ssh-key=/etc/x/id_rsa", "PWD=/srv/app tool --ssh-key=/etc/x/id_rsa");
        check("tool --token --verbose", "tool --token --verbose");
    }

    #[test]
    fn words_that_hold_no_secret_stay_as_they_are_written() {
        let line = "sh -c \"echo '$HOME' | wc\" --password 'hunter two' > out";
        assert_eq!(redact_command_line(line), "sh -c \"echo '$HOME' | wc\" --password <password> > out");
    }

    #[test]
    fn scripts_in_one_argument_are_looked_into() {
        for (line, expected) in [
            (
                "sh -c 'curl -u alice:sup3r https://x; mysql -pse9 db; exit 3'",
                "sh -c 'curl -u <credentials> https://x; mysql -p<password> db; exit 3'",
            ),
            ("ssh host 'mysql -pse9 db'", "ssh host 'mysql -p<password> db'"),
            ("bash -c \"echo hi;mysql -pse9 db\"", "bash -c 'echo hi;mysql -p<password> db'"),
            ("sh -c 'mysql -pse9 db\nssh -p2222 host'", "sh -c 'mysql -p<password> db\nssh -p2222 host'"),
            ("sh -c 'mysql x | ssh -p2222 host && redis-cli -a pw9'", "sh -c 'mysql x | ssh -p2222 host && redis-cli -a <password>'"),
            ("curl 'https://x?a=1&b=2' -u a:pw9", "curl 'https://x?a=1&b=2' -u <credentials>"),
            ("git commit -m \"don't pass -p22; it's over\"", "git commit -m \"don't pass -p22; it's over\""),
        ] {
            assert_eq!(redact_command_line(line), expected);
            assert_eq!(redact_command_line(expected), expected);
        }
    }

    #[test]
    fn arguments_are_quoted_where_a_shell_needs_it() {
        let argv = ["echo", "", "it's", "a b", ">"].map(str::to_owned);
        assert_eq!(quote_argv(&argv), r"echo '' 'it'\''s' 'a b' '>'");
    }
}
