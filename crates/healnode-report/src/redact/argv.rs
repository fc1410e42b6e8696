//! Secrets in the arguments of a command.
//!
//! An argument list knows more than its text: which word is a flag, which its value, and that `-p` is a password to `mysql` and a
//! port to `ssh`. A command line that came as one text is split as a shell would, and only the words that change are rewritten.

use std::ops::Range;

use super::clean::clean;
use super::keys::secret_kind;
use super::kind::{CREDENTIALS, Kind, PASSWORD, is_kind};
use super::pairs::is_blank_or_reference;
use super::redact;

/// A flag that takes a secret, for some programs only.
struct Flag {
    programs: &'static [&'static str],
    flag: &'static str,
    /// Whether the value may be the next word.
    takes_next: bool,
    /// Whether the value may be joined to the flag.
    joined: bool,
    kind: Kind,
}

const fn apart(programs: &'static [&'static str], flag: &'static str, kind: Kind) -> Flag {
    Flag { programs, flag, takes_next: true, joined: false, kind }
}

const fn joined(programs: &'static [&'static str], flag: &'static str, kind: Kind) -> Flag {
    Flag { programs, flag, takes_next: false, joined: true, kind }
}

const fn either(programs: &'static [&'static str], flag: &'static str, kind: Kind) -> Flag {
    Flag { programs, flag, takes_next: true, joined: true, kind }
}

const MYSQL: &[&str] = &["mysql", "mysqldump", "mysqladmin", "mysqlimport", "mysqlsh", "mariadb", "mariadb-dump"];
const MONGO: &[&str] = &["mongo", "mongosh", "mongodump", "mongorestore", "mongoimport", "mongoexport"];
const CLIENTS: &[&str] = &["cqlsh", "influx", "rabbitmqadmin", "docker", "podman", "helm", "oc", "az"];
const LDAP: &[&str] = &["ldapsearch", "ldapmodify", "ldapadd", "ldapwhoami"];

/// Every such flag. `mysql -p` asks for the password when it is not joined.
const FLAGS: &[Flag] = &[
    joined(MYSQL, "-p", PASSWORD),
    apart(MONGO, "-p", PASSWORD),
    apart(CLIENTS, "-p", PASSWORD),
    either(&["sshpass"], "-p", PASSWORD),
    joined(&["7z", "7za", "rar", "unrar"], "-p", PASSWORD),
    apart(&["redis-cli"], "-a", PASSWORD),
    either(&["sqlcmd", "bcp", "isql", "zip", "unzip"], "-P", PASSWORD),
    either(LDAP, "-w", PASSWORD),
    either(&["curl"], "-u", CREDENTIALS),
    either(&["curl"], "-U", CREDENTIALS),
    apart(&["curl"], "--user", CREDENTIALS),
    apart(&["curl"], "--proxy-user", CREDENTIALS),
    apart(&["http", "https", "httpie"], "-a", CREDENTIALS),
    apart(&["smbclient", "rpcclient"], "-U", CREDENTIALS),
];

/// Redacts the arguments of a command, the program included. Keeps their number and order.
pub fn redact_argv(argv: &[String]) -> Vec<String> {
    let mut redacted = Vec::with_capacity(argv.len());
    let mut programs = Vec::new();
    let mut expected = None;
    for word in argv {
        let kind = expected.take();
        let is_value = !word.starts_with("--") && !is_blank_or_reference(word);
        if let Some(kind) = kind.filter(|_| is_value) {
            redacted.push(value_token(word, kind));
            continue;
        }
        expected = value_expected_after(word, &programs);
        redacted.push(redact_word(word, &programs));
        programs.push(base_name(word).to_owned());
    }
    redacted
}

/// What takes a value's place. Of `user:password` the colon decides whether it holds a password.
fn value_token(word: &str, kind: Kind) -> String {
    if kind == CREDENTIALS && !word.contains([':', '%']) {
        return redact(word).into_owned();
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

fn redact_word(word: &str, programs: &[String]) -> String {
    if let Some((name, value)) = word.split_once('=')
        && is_name(name)
        && let Some(kind) = secret_kind(name)
        && !is_blank_or_reference(value.trim_matches(['"', '\'']))
    {
        return format!("{name}={}", kind.token());
    }
    for flag in flags_of(programs).filter(|flag| flag.joined) {
        if let Some(value) = word.strip_prefix(flag.flag)
            && !value.is_empty()
            && !is_blank_or_reference(value)
            && (flag.kind != CREDENTIALS || value.contains(':'))
        {
            return format!("{}{}", flag.flag, flag.kind.token());
        }
    }
    redact(word).into_owned()
}

fn flags_of(programs: &[String]) -> impl Iterator<Item = &'static Flag> {
    FLAGS.iter().filter(|flag| programs.iter().take(PROGRAM_WORDS_MAX).any(|program| flag.programs.contains(&program.as_str())))
}

/// How many leading words may name the program: `sudo`, `docker exec NAME` and the like come before it.
const PROGRAM_WORDS_MAX: usize = 8;

fn base_name(word: &str) -> &str {
    let name = word.rsplit(['/', '\\']).next().unwrap_or(word);
    name.strip_suffix(".exe").unwrap_or(name)
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b':' | b'/'))
}

/// Redacts a command line that came as one text. Words that hold no secret stay as they are written.
pub(crate) fn redact_command_line(line: &str) -> String {
    let line = clean(line);
    let words = split(&line);
    let argv: Vec<String> = words.iter().map(|word| word.text.clone()).collect();
    let mut out = String::with_capacity(line.len());
    let mut done = 0;
    for (word, redacted) in words.iter().zip(redact_argv(&argv)) {
        if redacted != word.text {
            out.push_str(&line[done..word.place.start]);
            out.push_str(&quote(&redacted));
            done = word.place.end;
        }
    }
    out.push_str(&line[done..]);
    redact(&out).into_owned()
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

/// Splits a line as a shell would, without expanding anything. A quote that is not closed runs to the end.
fn split(line: &str) -> Vec<Word> {
    let mut words = Vec::new();
    let mut characters = line.char_indices().peekable();
    while let Some((start, first)) = characters.peek().copied() {
        if first.is_whitespace() {
            characters.next();
            continue;
        }
        let mut text = String::new();
        let mut quote = None;
        let mut end = line.len();
        while let Some((at, character)) = characters.peek().copied() {
            if quote.is_none() && character.is_whitespace() {
                end = at;
                break;
            }
            characters.next();
            match (quote, character) {
                (None, '\'' | '"') => quote = Some(character),
                (Some(open), _) if open == character => quote = None,
                (None | Some('"'), '\\') => text.extend(characters.next().map(|(_, escaped)| escaped)),
                _ => text.push(character),
            }
        }
        words.push(Word { place: start..end, text });
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

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
        check("tool --token --verbose", "tool --token --verbose");
    }

    #[test]
    fn words_that_hold_no_secret_stay_as_they_are_written() {
        let line = "sh -c \"echo '$HOME' | wc\" --password 'hunter two' > out";
        assert_eq!(redact_command_line(line), "sh -c \"echo '$HOME' | wc\" --password <password> > out");
    }

    #[test]
    fn arguments_are_quoted_where_a_shell_needs_it() {
        let argv = ["echo", "", "it's", "a b", ">"].map(str::to_owned);
        assert_eq!(quote_argv(&argv), r"echo '' 'it'\''s' 'a b' '>'");
    }
}
