//! What stands where a secret would: references, masks, examples, and tokens of an earlier redaction.
//!
//! All of it stays: it says where the secret is, or that there is none.

use super::keys::secret_kind;
use super::kind::is_kind;
use super::scan::{distinct, has_mask};
use super::values::among;

/// Whether a value is empty, a reference to the secret, a mask, or a token of an earlier redaction.
pub(crate) fn is_blank_or_reference(value: &str) -> bool {
    let bytes = value.as_bytes();
    let is_mask = bytes.iter().all(|byte| matches!(byte, b'*' | b'x' | b'X' | b'.' | b'-' | b'_' | b'?' | b'#'));
    let is_monotonous = has_mask(bytes) || value.len() >= 16 && distinct(bytes) <= 3;
    let wrapped = |open: &str, close: &str| value.starts_with(open) && value.ends_with(close);
    value.is_empty()
        || is_mask
        || is_monotonous
        || is_stand_in(value)
        || is_angled(value)
        || is_bracketed(value)
        || wrapped("{", "}")
        || wrapped("[", "]")
        || wrapped("%", "%")
        || value.starts_with("%(")
        || value.starts_with("${")
        || value.starts_with("$(")
        || value.starts_with("{{")
        || value.starts_with("#{")
        || value.starts_with("<%")
        || is_address_of_secret(value)
        || is_bound(value)
        || is_cut_example(value)
        || is_format(bytes)
        || is_variable(value)
        || is_remark(value)
        || among(NOTHING, value.trim_matches(['*', '_', '-', '#']))
}

/// Whether `user:password` is what documents write there: `user:password`, `username:pass`, `$1:$2`, nothing on both sides, or the name
/// of a user and no password.
pub(crate) fn is_stand_in_pair(pair: &str) -> bool {
    let Some((user, password)) = pair.split_once(':') else {
        return false;
    };
    let is_login = user.len() <= LOGIN_BYTES_MAX && user.bytes().all(|byte| byte.is_ascii_alphabetic() || matches!(byte, b'_' | b'-'));
    let is_empty = |part: &str| {
        part.is_empty()
            || is_blank_or_reference(part)
            || matches!(part.as_bytes(), [b'$', digits @ ..] if digits.iter().all(u8::is_ascii_digit))
    };
    is_empty(user) && is_empty(password)
        || password.is_empty() && is_login
        || among(STAND_IN_USERS, user) && (is_empty(password) || among(STAND_IN_PASSWORDS, password))
}

/// Longest name that is taken for one when no password follows, in bytes. A token may stand there instead.
const LOGIN_BYTES_MAX: usize = 16;

const STAND_IN_USERS: &[&str] = &["user", "username", "usr", "login", "name"];
const STAND_IN_PASSWORDS: &[&str] = &["password", "pass", "passwd", "pwd", "secret", "token", "pw"];

/// Whether a value says that something else belongs there: `YOUR_TOKEN`, `your-key-here`, `ACCESS_TOKEN`.
fn is_stand_in(value: &str) -> bool {
    let value = value.trim_end_matches([']', ')', ',', ';', '.']);
    let is_constant = value.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_');
    let begins_with = |word: &&str| value.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word));
    let is_words = value.bytes().all(|byte| byte.is_ascii_alphabetic() || matches!(byte, b'_' | b'-' | b' ' | b'.'));
    is_constant && secret_kind(value).is_some()
        || is_words && (STAND_INS.iter().any(begins_with) || value.contains("-your-") || value.contains("_your_"))
}

/// How words begin that ask for something else in their place.
const STAND_INS: &[&str] = &[
    "your",
    "my-",
    "dummy",
    "example",
    "sample",
    "insert",
    "replace",
    "change-",
    "change_",
    "changeme",
    "placeholder",
    "todo",
    "fixme",
    "enter-",
    "enter_",
    "put-",
    "put_",
    "some-",
    "some_",
];

/// `[secret]`, `{token}`, `{TheKey}`: a word in brackets, also when the end was not taken for part of the value.
fn is_bracketed(value: &str) -> bool {
    let inside = value.strip_prefix(['[', '{']).map(|inside| inside.trim_end_matches([']', '}', ',', '.', ';']));
    inside.is_some_and(|inside| {
        !inside.is_empty() && inside.bytes().all(|byte| byte.is_ascii_alphabetic() || matches!(byte, b'-' | b'_' | b'.' | b' '))
    })
}

/// How an address of a secret in a store begins.
const STORES: &[&str] = &[
    "op://",
    "vault:",
    "vault://",
    "ref+",
    "arn:aws:",
    "projects/",
    "@Microsoft.KeyVault",
    "keyvault:",
    "secretsmanager:",
    "ssm:",
    "env:",
    "!",
];

fn is_address_of_secret(value: &str) -> bool {
    let is_part =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b':' | b'-' | b'_' | b'.' | b'#' | b'+' | b'@' | b'(' | b'=');
    STORES.iter().any(|store| value.starts_with(store)) && value.bytes().all(is_part) && value.contains(['/', ':'])
}

/// A name or number to which a statement binds a value later, or a template puts one: `:password`, `@token`, `$1`, `@password@`.
fn is_bound(value: &str) -> bool {
    let name = value.trim_end_matches([',', ';', ')', '@']);
    match name.as_bytes() {
        [b':' | b'@', ..] => name[1..].bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_') && secret_kind(&name[1..]).is_some(),
        [b'$', digits @ ..] => (1..=2).contains(&digits.len()) && digits.iter().all(u8::is_ascii_digit),
        _ => false,
    }
}

/// Longest beginning that an example shows of a value, in bytes.
const EXAMPLE_BYTES_MAX: usize = 12;

/// `…`, `sk-...`, `sk-xxxx`: an example that shows how a value begins.
fn is_cut_example(value: &str) -> bool {
    let begin = value.trim_end_matches(['x', 'X', '.', '\u{2026}']);
    let is_cut = value.len() >= begin.len() + 3 && begin.bytes().all(|byte| byte.is_ascii_alphabetic() || matches!(byte, b'-' | b'_'));
    is_cut && begin.len() <= EXAMPLE_BYTES_MAX && (begin.is_empty() || begin.ends_with(['-', '_']))
}

/// `(sensitive value)`, `(known after apply)`: words in parentheses say something about a value.
fn is_remark(value: &str) -> bool {
    let inside = value.strip_prefix('(').and_then(|value| value.strip_suffix(')'));
    inside.is_some_and(|inside| inside.bytes().all(|byte| byte.is_ascii_alphabetic() || matches!(byte, b' ' | b'-')))
}

/// `<password>`, `<your-key>`, also several joined, and with punctuation behind.
fn is_angled(value: &str) -> bool {
    let value = value.trim_end_matches([',', '.', ';', ')', ']', '}']);
    let inside = value.strip_prefix('<').and_then(|value| value.strip_suffix('>'));
    inside.is_some_and(|inside| {
        is_kind(inside)
            || inside
                .bytes()
                .all(|byte| byte.is_ascii_alphabetic() || matches!(byte, b'-' | b'_' | b' ' | b'*' | b'<' | b'>' | b'.' | b':' | b'/'))
    })
}

fn is_format(value: &[u8]) -> bool {
    matches!(value, [b'%', b's' | b'd' | b'v' | b'q' | b'r' | b'@', ..] if value.len() <= 3)
}

/// `$DB_PASSWORD`, and in small letters what cannot be a password: `$password`, `$null`, and members such as `$cred.Password`.
fn is_variable(value: &str) -> bool {
    let Some(name) = value.strip_prefix('$').map(|name| name.trim_end_matches([',', ';', ')', '.', ':'])) else {
        return false;
    };
    let is_part = |byte: u8| byte.is_ascii_alphabetic() || byte == b'_';
    let is_constant = name.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_');
    let is_path = name.bytes().all(|byte| is_part(byte) || matches!(byte, b'.' | b':' | b'-' | b'>' | b'[' | b']' | b'\'' | b'"'));
    let is_member = is_path && (name.contains(['.', ':', '[']) || name.contains("->"));
    let tells_itself = name.bytes().all(is_part) && (secret_kind(name).is_some() || among(NOTHING, name));
    name.bytes().next().is_some_and(is_part) && (is_constant || is_member || tells_itself)
}

const NOTHING: &[&str] = &[
    "null",
    "none",
    "nil",
    "undefined",
    "true",
    "false",
    "redacted",
    "filtered",
    "masked",
    "hidden",
    "n/a",
    "yes",
    "no",
    "on",
    "off",
    "set",
    "unset",
];
