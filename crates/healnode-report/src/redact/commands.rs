//! Secrets in commands that a text mentions: `curl -u user:password`, `mysql -ppassword`, `net use … password`.
//!
//! A command may stand in a log line, behind a prompt, or as a list of quoted arguments, and goes on behind an escaped line end.
//! Which flag is a secret to which program is in `flags.rs`; argument lists that come as such are in `argv.rs`.

use super::argv::base_name;
use super::flags::{Flag, flags_of, has_flags};
use super::kind::PASSWORD;
use super::references::{is_blank_or_reference, is_stand_in_pair};
use super::scan::{byte, byte_before, run};
use super::span::Spans;

/// Programs whose name is worth a look in a text, in lower case. Names that are words of prose are not among them.
pub(crate) const PROGRAMS: &[&str] = &[
    "curl",
    "mysql",
    "mariadb",
    "mongo",
    "sshpass",
    "redis-cli",
    "sqlcmd",
    "ldapsearch",
    "ldapmodify",
    "ldapadd",
    "ldapwhoami",
    "smbclient",
    "rpcclient",
    "cqlsh",
    "rabbitmqadmin",
    "docker login",
    "podman login",
    "helm registry login",
    "oc login",
    "az login",
    "unzip",
    "ssh-keygen",
    "ipmitool",
    "mosquitto_pub",
    "mosquitto_sub",
    "psexec",
];

/// Longest command that is looked at, and most of its words.
const COMMAND_BYTES_MAX: usize = 1024;
const WORDS_MAX: usize = 48;

/// Adds the secrets among the arguments of the program whose name begins at `start`.
pub(crate) fn find(text: &str, start: usize, end: usize, spans: &mut Spans<'_>) {
    let bytes = text.as_bytes();
    if start < spans.command_end
        || byte_before(bytes, start).is_ascii_alphanumeric()
        || matches!(byte_before(bytes, start), b'-' | b'_' | b'.' | b'@')
    {
        return;
    }
    let name_end = run(bytes, end, |byte| byte.is_ascii_alphabetic() || byte == b'-');
    let Some(program) = text.get(start..name_end).filter(|_| matches!(byte(bytes, name_end), b' ' | b'"' | b'\'')) else {
        return;
    };
    let mut words = Words::new(bytes, name_end);
    let mut programs: Vec<String> = program.split(' ').map(str::to_ascii_lowercase).collect();
    let mut expected: Option<&Flag> = None;
    while let Some((from, to)) = words.next() {
        let word = text.get(from..to).unwrap_or_default();
        spans.command_end = to;
        if let Some(flag) = expected.take() {
            add(text, flag, from, to, spans);
            continue;
        }
        if word == "login" || has_flags(base_name(word)) {
            programs.push(base_name(word).to_owned());
        }
        expected = flags_of(&programs).find(|flag| flag.takes_next && flag.flag == word);
        let joined = || flags_of(&programs).find(|flag| flag.joined && word.len() > flag.flag.len() && word.starts_with(flag.flag));
        if expected.is_none()
            && let Some(flag) = joined()
        {
            let value = from + flag.flag.len();
            let quotes = run(&bytes[..to], value, |byte| matches!(byte, b'"' | b'\''));
            add(text, flag, quotes, to, spans);
        }
    }
}

fn add(text: &str, flag: &Flag, from: usize, to: usize, spans: &mut Spans<'_>) {
    let value = text.get(from..to).unwrap_or_default();
    if flag.is_secret(value) && !value.starts_with('-') && !is_blank_or_reference(value) && !is_stand_in_pair(value) {
        spans.add_value(from, to, flag.kind);
    }
}

/// Adds the password of `net use DRIVE SHARE PASSWORD /user:NAME`, in whatever order.
pub(crate) fn find_net_use(text: &str, _: usize, end: usize, spans: &mut Spans<'_>) {
    let mut words = Words::new(text.as_bytes(), end);
    let mut has_share = false;
    while let Some((from, to)) = words.next() {
        let word = text.get(from..to).unwrap_or_default();
        let is_option = word.starts_with('/') || word == "*" || word.len() == 2 && word.ends_with(':');
        if word.starts_with("\\\\") {
            has_share = true;
        } else if !is_option && has_share {
            if !is_blank_or_reference(word) {
                spans.add_value(from, to, PASSWORD);
            }
            return;
        }
    }
}

/// The words of a command in a text, without their quotes. Ends with the line, unless its end is escaped.
struct Words<'a> {
    bytes: &'a [u8],
    at: usize,
    left: usize,
}

impl<'a> Words<'a> {
    fn new(bytes: &'a [u8], at: usize) -> Self {
        Words { bytes: &bytes[..bytes.len().min(at + COMMAND_BYTES_MAX)], at, left: WORDS_MAX }
    }

    fn next(&mut self) -> Option<(usize, usize)> {
        self.left = self.left.checked_sub(1)?;
        let bytes = self.bytes;
        loop {
            match bytes.get(self.at)? {
                b' ' | b'\t' | b',' | b'[' | b']' => self.at += 1,
                b'\\' if byte(bytes, self.at + 1) == b'\n' => self.at += 2,
                b'"' | b'\'' if matches!(byte(bytes, self.at + 1), b',' | b' ' | b']') => self.at += 1,
                b'\n' | b';' | b'|' => return None,
                _ => break,
            }
        }
        let (from, to) = self.word();
        self.at = to + usize::from(to == from);
        Some(trim_quotes(bytes, from, to))
    }

    /// A word may have quoted parts, which may hold blanks.
    fn word(&self) -> (usize, usize) {
        let bytes = self.bytes;
        let mut at = self.at;
        let mut quote = None;
        while let Some(&here) = bytes.get(at) {
            match (quote, here) {
                (_, b'\n') => break,
                (None, b' ' | b'\t') => break,
                (None, b',') if matches!(byte(bytes, at + 1), b'"' | b'\'' | b' ') => break,
                (None, b'"' | b'\'') => quote = Some(here),
                (Some(open), _) if open == here => quote = None,
                _ => {}
            }
            at += 1;
        }
        (self.at, at)
    }
}

fn trim_quotes(bytes: &[u8], mut from: usize, mut to: usize) -> (usize, usize) {
    while to > from && matches!(bytes[to - 1], b'"' | b'\'' | b']' | b')') {
        to -= 1;
    }
    while from < to && matches!(bytes[from], b'"' | b'\'') {
        from += 1;
    }
    (from, to)
}
