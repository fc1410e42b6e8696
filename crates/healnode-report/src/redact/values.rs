//! What a value looks like: where one without quotes ends, and whether its name or its own look shows that it is no secret.
//!
//! `quotes.rs` has values in quotes, `references.rs` what stands for a secret, `prose.rs` the words of sentences. `pairs.rs` has the names
//! and what stands between name and value.

use super::keys::{is_strict_constant, secret_kind, tells_in_its_midst};
use super::kind::PASSWORD;
use super::scan::{byte, run};
use super::separators::Separator;

/// Longest name behind a comma that shows that another pair begins, in bytes.
const NAME_BYTES_MAX: usize = 64;

/// Whether a byte may be part of a name.
pub(crate) fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.')
}

/// Space or tab.
pub(crate) fn is_blank(byte: u8) -> bool {
    byte == b' ' || byte == b'\t'
}

/// Whether a digit is in a value.
pub(crate) fn has_digit(value: &str) -> bool {
    value.bytes().any(|byte| byte.is_ascii_digit())
}

/// Whether an ASCII letter is in a value.
pub(crate) fn has_letter(value: &str) -> bool {
    value.bytes().any(|byte| byte.is_ascii_alphabetic())
}

/// End of a value without quotes.
pub(crate) fn bare_end(bytes: &[u8], start: usize, separator: Separator) -> usize {
    let mut at = start;
    while at < bytes.len() && !ends_bare(bytes, at, separator) {
        at += 1;
    }
    at
}

fn ends_bare(bytes: &[u8], at: usize, separator: Separator) -> bool {
    match bytes[at] {
        b'<' => bytes[at..].starts_with(b"</") || bytes[at..].starts_with(b"<br"),
        b' ' | b'\t' | b'\n' | b'"' | b'\'' | b'`' | b'|' => true,
        b';' | b'&' => separator != Separator::Space,
        b'%' => separator == Separator::Encoded && ends_encoded(&bytes[at..]),
        b'\\' => {
            let slashes = run(&bytes[..bytes.len().min(at + 8)], at, |byte| byte == b'\\');
            matches!(byte(bytes, slashes), b'n' | b'r' | b't' | b'"' | b'\'') || bytes[slashes..].starts_with(b"u00")
        }
        b',' | b')' | b']' | b'}' => ends_item(bytes, at + 1),
        _ => false,
    }
}

/// Whether what follows a comma or a closing bracket shows that it is no part of the value.
fn ends_item(bytes: &[u8], at: usize) -> bool {
    if matches!(byte(bytes, at), b' ' | b'\n' | b'\t' | b',' | b')' | b']' | b'}' | b'"' | b'\'' | b'.' | b':' | b';') {
        return true;
    }
    let name = run(&bytes[..bytes.len().min(at + NAME_BYTES_MAX)], at, is_name);
    name > at && matches!(byte(bytes, name), b'=' | b':')
}

fn ends_encoded(rest: &[u8]) -> bool {
    let codes: [&[u8]; 7] = [b"%26", b"%3B", b"%3b", b"%22", b"%20", b"%2526", b"%0A"];
    codes.iter().any(|code| rest.starts_with(code))
}

/// Whether a bare value is an expression or a type of source code, such as `os.environ[`, `Token::new(`, `&str` or `0x1f`.
pub(crate) fn is_code(text: &str, value: &str, end: usize) -> bool {
    let is_alone = value.starts_with(['(', '[', '{', '*', '&', '@']) && value.len() < 3;
    if is_alone || is_constant(value) || is_address(value) || begins_object(value) {
        return true;
    }
    let bytes = value.as_bytes();
    let start = run(bytes, 0, |byte| matches!(byte, b'*' | b'&' | b'['));
    let is_path_byte = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b':');
    let path_end = run(bytes, start, is_path_byte);
    let path = value.get(start..path_end).unwrap_or_default();
    let next = if path_end == bytes.len() { text[end..].bytes().next().unwrap_or(b' ') } else { bytes[path_end] };
    let has_letters_only = path.bytes().all(|byte| byte.is_ascii_alphabetic() || matches!(byte, b'_' | b'.'));
    let is_typed = path.contains("::") || start > 0 && matches!(path, "mut" | "const") || is_type(path);
    let is_generic = next == b'<' && path.starts_with(|first: char| first.is_ascii_uppercase()) && !value.contains("</");
    let is_object = next == b'{' && path.starts_with(|first: char| first.is_ascii_uppercase());
    let opens = matches!(next, b'(' | b'[') || is_object || is_generic || next == b'!' && matches!(byte(bytes, path_end + 1), b'[' | b'(');
    let is_member = has_letters_only && path.contains('.') && !path.ends_with('.') && path_end == bytes.len();
    is_typed || is_member || has_letters_only && opens && !path.is_empty()
}

/// `{type:` and `{$ref:`, with which an object begins.
fn begins_object(value: &str) -> bool {
    let name = value.trim_start_matches('[').strip_prefix('{').and_then(|value| value.strip_suffix(':'));
    name.is_some_and(|name| name.bytes().all(|byte| byte.is_ascii_alphabetic() || matches!(byte, b'$' | b'_' | b'-')))
}

/// A link, which the rules for URLs look at.
fn is_address(value: &str) -> bool {
    value.starts_with("http://") || value.starts_with("https://")
}

/// A number as source code writes it: `0x1f`, `-7`, `113u32`.
fn is_constant(value: &str) -> bool {
    let value = value.trim_end_matches([',', ';', ')']);
    let hex = value.strip_prefix("0x").is_some_and(|digits| digits.len() <= 8 && digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
    let suffix = ["u8", "u16", "u32", "u64", "i32", "i64", "usize"].iter().find_map(|suffix| value.strip_suffix(suffix));
    let number = suffix.or(value.strip_prefix('-')).unwrap_or_default();
    hex || !number.is_empty() && number.len() <= 10 && number.bytes().all(|byte| byte.is_ascii_digit())
}

/// Names of types that have a digit in them, or are too short to tell from a value.
fn is_type(word: &str) -> bool {
    matches!(
        word,
        "i8" | "i16" | "i32" | "i64" | "i128" | "u8" | "u16" | "u32" | "u64" | "u128" | "f32" | "f64" | "int32" | "int64" | "uint32"
    ) || matches!(word, "usize" | "isize" | "c_char" | "uint8" | "uint64" | "float64")
}

/// Whether a value shows that its name does not mean a secret here: a count of tests that pass, a folder, a database.
pub(crate) fn is_harmless(name: &str, value: &str) -> bool {
    let is = |names: &[&str]| names.iter().any(|row| row.eq_ignore_ascii_case(name));
    let ends_with_key = name.len() >= 3 && name.as_bytes()[name.len() - 3..].eq_ignore_ascii_case(b"key");
    matches!(value, "0" | "1")
        || is_count(value) && !is(SHORT_NUMBERS) && !is_password(name)
        || is(&["pass", "pw", "otp", "sid", "credentials"]) && is_small_number(value)
        || is(&["sid"]) && (is_database(value) || value.starts_with("S-1-"))
        || is(&["--secret"]) && value.starts_with("id=")
        || is(UPSTREAMS) && !has_digit(value)
        || is_setting(name, value)
        || is_path_of_words(value)
        || PUBLISHABLE.iter().any(|prefix| value.starts_with(prefix))
        || is(&["pwd", "oldpwd"]) && is_path(value)
        || ends_with_key && is_path(value) && value.contains(['.', '_', '-'])
}

/// `secret_scanning=beta`, `password_history=24`: a number, or a word behind a name in small letters that only has a telling word in it.
fn is_setting(name: &str, value: &str) -> bool {
    let is_word = value.len() <= SETTING_BYTES_MAX && value.bytes().all(|byte| byte.is_ascii_lowercase() || matches!(byte, b'_' | b'-'));
    let is_number = value.len() <= 4 && value.bytes().all(|byte| byte.is_ascii_digit());
    (is_word && !is_strict_constant(name) || is_number) && secret_kind(name).is_some() && tells_in_its_midst(name)
}

/// Longest word that a setting holds, in bytes. A longer one may be a password.
const SETTING_BYTES_MAX: usize = 12;

/// Directives of a web server that name what it passes a request to.
const UPSTREAMS: &[&str] = &["proxy_pass", "fastcgi_pass", "uwsgi_pass", "scgi_pass", "grpc_pass", "memcached_pass"];

/// How keys begin that are meant for browsers.
const PUBLISHABLE: &[&str] = &["pk_live_", "pk_test_"];

/// Names whose value is a secret of few digits.
const SHORT_NUMBERS: &[&str] = &["otp", "pin", "cvv", "cvc", "passcode"];

/// A number of few digits, which is no token.
fn is_count(value: &str) -> bool {
    value.len() <= 5 && value.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_password(name: &str) -> bool {
    secret_kind(name).is_some_and(|kind| kind == PASSWORD)
}

/// `12`, `0.5s`, `3/4`, `99%`. One-time passwords have at least four digits.
fn is_small_number(value: &str) -> bool {
    let number = value.trim_end_matches(['m', 's', '%', ',', ';', '.', ')']);
    let is_small = |part: &str| (1..=3).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
    value.len() <= 10 && number.split(['.', '/']).all(is_small)
}

/// The identifier of an Oracle database, such as `ORCL1`.
fn is_database(value: &str) -> bool {
    let is_sid = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
    value.len() <= 8 && value.starts_with(|first: char| first.is_ascii_uppercase()) && value.bytes().all(is_sid)
}

/// An absolute path. Base64 may begin with a slash as well, so that a key needs more to be one.
fn is_path(value: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'.' | b'_' | b'-' | b'<' | b'>' | b'*');
    value.starts_with('/') && value.bytes().all(is_part)
}

/// `/run/secrets/db`, also behind the name of what it holds.
fn is_path_of_words(value: &str) -> bool {
    let path = value.find(":/").map_or(value, |colon| &value[colon + 1..]).trim_end_matches(':');
    let is_word = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase() || matches!(byte, b'.' | b'_' | b'-'));
    path.strip_prefix('/').is_some_and(|path| path.contains('/') && path.split('/').all(is_word))
}

/// Whether a value is what a setting such as `SMTP_AUTH` holds when it is no password.
pub(crate) fn is_auth_method(value: &str) -> bool {
    among(AUTH_METHODS, value)
}

/// What a setting such as `SMTP_AUTH` holds when it is no password.
const AUTH_METHODS: &[&str] =
    &["basic", "plain", "login", "digest", "oauth2", "on", "off", "yes", "no", "0", "1", "cram-md5", "md5", "trust"];

/// Whether a word is on a list, in whatever case.
pub(crate) fn among(list: &[&str], word: &str) -> bool {
    list.iter().any(|row| row.eq_ignore_ascii_case(word))
}
