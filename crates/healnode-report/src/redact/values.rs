//! What a value looks like: where it ends, and whether it is a secret at all.
//!
//! Blanks, references, masks, words of prose and code stay, because prose talks about passwords more often than it shows one.
//! `pairs.rs` has the names and what stands between name and value.

use super::keys::{is_strict_constant, secret_kind, tells_in_its_midst};
use super::kind::{PASSWORD, is_kind};
use super::scan::{byte, byte_before, distinct, has_mask, judged, run};
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

/// Skips what debug prints put around a string: `Some(`, also when the string has a line of its own, `String(`, `b`, `@`, `[`, the
/// `string(12)` of PHP, the `(string) (len=12)` of Go, the `chr` of R, and the `<<` of Erlang.
pub(crate) fn skip_wrapper(bytes: &[u8], start: usize) -> usize {
    let mut at = start;
    if let Some(length) = WRAPPERS.iter().find(|wrapper| bytes[at.min(bytes.len())..].starts_with(wrapper)).map(|wrapper| wrapper.len()) {
        at = skip_go_length(bytes, at + length);
    }
    for _ in 0..2 {
        let name_end = run(&bytes[..bytes.len().min(at + 24)], at, |byte| byte.is_ascii_alphanumeric() || byte == b'_');
        let next = byte(bytes, name_end);
        if name_end > at && next == b'(' {
            at = skip_line_end(bytes, skip_length(bytes, name_end + 1));
        } else if name_end == at + 1 && matches!(next, b'"' | b'\'') {
            return name_end;
        }
    }
    match (byte(bytes, at), byte(bytes, at + 1)) {
        (b'@' | b'&', b'"') | (b'[', b'"' | b'\'' | b'\\') => at + 1,
        _ => at,
    }
}

/// What languages put before a string when they print it for a debugger.
const WRAPPERS: &[&[u8]] = &[b"<<", b"(string) ", b"chr "];

/// Skips `(len=12) `.
fn skip_go_length(bytes: &[u8], at: usize) -> usize {
    let digits = if bytes[at..].starts_with(b"(len=") { at + 5 } else { return at };
    let end = run(&bytes[..bytes.len().min(digits + 6)], digits, |byte| byte.is_ascii_digit());
    if bytes[end..].starts_with(b") \"") { end + 2 } else { at }
}

/// Skips `12) ` before a quote.
fn skip_length(bytes: &[u8], at: usize) -> usize {
    let digits = run(&bytes[..bytes.len().min(at + 6)], at, |byte| byte.is_ascii_digit());
    if digits > at && bytes[digits..].starts_with(b") \"") { digits + 2 } else { at }
}

/// How far a string is indented on a line of its own, at most, in bytes.
const INDENT_BYTES_MAX: usize = 96;

/// Skips a line end and blanks before a quote.
fn skip_line_end(bytes: &[u8], at: usize) -> usize {
    let end = run(&bytes[..bytes.len().min(at + INDENT_BYTES_MAX)], at, |byte| is_blank(byte) || byte == b'\n');
    if byte(bytes, end) == b'"' { end } else { at }
}

/// Quotes in the escapes of URLs, JSON and HTML.
const ENCODED_QUOTES: &[&str] = &["%22", "%27", "%2522", "&quot;", "&#34;", "&#39;", "\\u0022", "\\u0027", "\\x22", "\\x27"];

/// Length of the escaped quote that a text begins with.
pub(crate) fn encoded_quote(rest: &[u8]) -> Option<usize> {
    ENCODED_QUOTES.iter().find(|quote| rest.starts_with(quote.as_bytes())).map(|quote| quote.len())
}

/// The inside of a quoted value that begins at `start`. Without a closing quote it runs to the end of the line.
pub(crate) fn quoted(text: &str, start: usize) -> Option<(usize, usize)> {
    let bytes = text.as_bytes();
    let start = start.min(bytes.len());
    let escapes = run(&bytes[..bytes.len().min(start + 7)], start, |byte| byte == b'\\') - start;
    let open = start + escapes;
    let quote = byte(bytes, open);
    if let Some(length) = encoded_quote(&bytes[start..]) {
        let (quote, from) = (&bytes[start..start + length], start + length);
        let close = bytes[from..].windows(length).position(|window| window == quote);
        let end = close.map_or(bytes.len(), |close| from + close);
        return Some((from, run(&bytes[..end], from, |byte| byte != b'\n')));
    }
    if let Some(inside) = quoted_by_pair(text, start) {
        return Some(inside);
    }
    if !matches!(quote, b'"' | b'\'' | b'`') {
        return None;
    }
    let mut from = open + 1;
    if quote == b'"' && bytes[from..].starts_with(b"\"\"") {
        from += 2;
    }
    Some((from, closing_quote(bytes, from, quote, escapes)))
}

/// Quotes that open and close by different characters.
const PAIRED_QUOTES: &[(&str, &str)] = &[
    ("\u{201c}", "\u{201d}"),
    ("\u{2018}", "\u{2019}"),
    ("\u{201e}", "\u{201c}"),
    ("\u{300c}", "\u{300d}"),
    ("\u{300e}", "\u{300f}"),
    ("\u{ab}", "\u{bb}"),
];

/// The inside of a value between quotes of print, such as `“…”` and `「…」`, on one line.
pub(crate) fn quoted_by_pair(text: &str, start: usize) -> Option<(usize, usize)> {
    if byte(text.as_bytes(), start).is_ascii() {
        return None;
    }
    let rest = text.get(start..)?;
    let (open, close) = PAIRED_QUOTES.iter().find(|(open, _)| rest.starts_with(open))?;
    let from = start + open.len();
    let line = judged(text, from).get(from..)?.split('\n').next()?;
    Some((from, from + line.find(close)?))
}

fn closing_quote(bytes: &[u8], from: usize, quote: u8, escapes: usize) -> usize {
    let mut at = from;
    while at < bytes.len() {
        let slashes = run(bytes, at, |byte| byte == b'\\') - at;
        at += slashes;
        let here = byte(bytes, at);
        if here == b'\n' {
            return if escapes == 0 { closing_quote_below(bytes, at, quote).unwrap_or(at) } else { at };
        }
        if here == quote && (slashes == escapes || escapes == 0 && slashes.is_multiple_of(2) || slashes < escapes) {
            return at - slashes.min(escapes);
        }
        at += 1;
    }
    bytes.len()
}

/// Most lines of a quoted value, and their bytes. A quote farther down is hardly that of the value.
const QUOTED_LINES_MAX: usize = 5;
const QUOTED_BYTES_MAX: usize = 512;

/// The quote that closes a value on one of the next lines, unless it has the look of one that opens.
fn closing_quote_below(bytes: &[u8], line_end: usize, quote: u8) -> Option<usize> {
    let window = &bytes[..bytes.len().min(line_end + QUOTED_BYTES_MAX)];
    let close = run(window, line_end, |byte| byte != quote);
    let lines = bytes[line_end..close].iter().filter(|byte| **byte == b'\n').count();
    let ends_word = byte_before(bytes, close).is_ascii_alphanumeric() || matches!(byte_before(bytes, close), b'!' | b'.' | b'+' | b'/');
    let is_free = matches!(byte(bytes, close + 1), b' ' | b'\n' | b',' | b';' | b')' | b']' | b'}');
    (close < window.len() && lines < QUOTED_LINES_MAX && ends_word && is_free).then_some(close)
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
    let opens = matches!(next, b'(' | b'[') || is_generic || next == b'!' && matches!(byte(bytes, path_end + 1), b'[' | b'(');
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

fn among(list: &[&str], word: &str) -> bool {
    list.iter().any(|row| row.eq_ignore_ascii_case(word))
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

/// Whether a value is what a setting such as `SMTP_AUTH` holds when it is no password.
pub(crate) fn is_auth_method(value: &str) -> bool {
    among(AUTH_METHODS, value)
}

/// What a setting such as `SMTP_AUTH` holds when it is no password.
const AUTH_METHODS: &[&str] =
    &["basic", "plain", "login", "digest", "oauth2", "on", "off", "yes", "no", "0", "1", "cram-md5", "md5", "trust"];

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

/// Whether a value is a word that prose and type annotations put behind a name.
pub(crate) fn is_word_of_prose(value: &str) -> bool {
    let word = value.trim_end_matches(|character: char| character.is_ascii_punctuation());
    word.len() < 2 && !has_digit(word) && value.len() < 3 || PROSE.iter().any(|row| row.eq_ignore_ascii_case(word))
}

/// Whether a value is a sentence about one, such as what a validator says: `can't be blank`, `This password is too common.`
pub(crate) fn is_sentence(value: &str) -> bool {
    let (mut words, mut told) = (0, 0);
    for word in value.split_ascii_whitespace().take(SENTENCE_WORDS_MAX) {
        words += 1;
        told += usize::from(among(SENTENCE, word.trim_end_matches(['.', '!', ','])));
    }
    let is_mixed = |word: &str| has_digit(word) && has_letter(word);
    words >= 3 && told >= 2 && !value.split_ascii_whitespace().take(SENTENCE_WORDS_MAX).any(is_mixed)
}

/// How many words tell whether a value is a sentence, at most.
const SENTENCE_WORDS_MAX: usize = 12;

/// Words that make up sentences about a value. A phrase that is a password hardly has two of them.
const SENTENCE: &[&str] = &[
    "is",
    "be",
    "must",
    "may",
    "should",
    "too",
    "not",
    "cannot",
    "can't",
    "isn't",
    "doesn't",
    "does",
    "at",
    "least",
    "than",
    "contain",
    "required",
    "characters",
    "please",
    "enter",
    "been",
];

/// `Password: `, with which a program asks for one.
pub(crate) fn is_prompt(value: &str) -> bool {
    let words = value.trim_end().strip_suffix([':', '?']);
    words.is_some_and(|words| words.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b' '))
}

const PROSE: &[&str] = &[
    "a",
    "an",
    "and",
    "any",
    "are",
    "argument",
    "authentication",
    "await",
    "bad",
    "bearer",
    "bool",
    "boolean",
    "bytes",
    "can",
    "cannot",
    "changed",
    "does",
    "empty",
    "error",
    "expected",
    "expired",
    "failed",
    "field",
    "for",
    "from",
    "got",
    "has",
    "if",
    "in",
    "include",
    "incorrect",
    "int",
    "integer",
    "invalid",
    "is",
    "it",
    "length",
    "malformed",
    "match",
    "may",
    "mismatch",
    "missing",
    "must",
    "needs",
    "new",
    "no",
    "not",
    "number",
    "object",
    "ok",
    "omit",
    "only",
    "option",
    "optional",
    "or",
    "please",
    "rejected",
    "required",
    "revoked",
    "same-origin",
    "should",
    "str",
    "string",
    "text",
    "that",
    "the",
    "this",
    "to",
    "too",
    "unauthorized",
    "unexpected",
    "unknown",
    "use",
    "user",
    "value",
    "verification",
    "was",
    "were",
    "with",
    "without",
    "wrong",
    "you",
    "your",
];
