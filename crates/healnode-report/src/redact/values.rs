//! What a value looks like: where it ends, and whether it is a secret at all.
//!
//! Blanks, references, masks, words of prose and code stay, because prose talks about passwords more often than it shows one.
//! `pairs.rs` has the names and what stands between name and value.

use super::keys::secret_kind;
use super::kind::{PASSWORD, is_kind};
use super::scan::{byte, byte_before, distinct, has_mask, run};
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

/// Skips what debug prints put around a string: `Some(`, `String(`, `b`, `@`, `[`, and the `string(12)` of PHP.
pub(crate) fn skip_wrapper(bytes: &[u8], start: usize) -> usize {
    let mut at = start;
    for _ in 0..2 {
        let name_end = run(&bytes[..bytes.len().min(at + 24)], at, |byte| byte.is_ascii_alphanumeric() || byte == b'_');
        let next = byte(bytes, name_end);
        if name_end > at && next == b'(' {
            at = skip_length(bytes, name_end + 1);
        } else if name_end == at + 1 && matches!(next, b'"' | b'\'') {
            return name_end;
        }
    }
    match (byte(bytes, at), byte(bytes, at + 1)) {
        (b'@' | b'&', b'"') | (b'[', b'"' | b'\'' | b'\\') => at + 1,
        _ => at,
    }
}

/// Skips `12) ` before a quote.
fn skip_length(bytes: &[u8], at: usize) -> usize {
    let digits = run(&bytes[..bytes.len().min(at + 6)], at, |byte| byte.is_ascii_digit());
    if digits > at && bytes[digits..].starts_with(b") \"") { digits + 2 } else { at }
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
    if !matches!(quote, b'"' | b'\'' | b'`') {
        return None;
    }
    let mut from = open + 1;
    if quote == b'"' && bytes[from..].starts_with(b"\"\"") {
        from += 2;
    }
    Some((from, closing_quote(bytes, from, quote, escapes)))
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
    if value.starts_with(['(', '[', '{', '*', '&', '@']) && value.len() < 3 || is_constant(value) || is_address(value) {
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
        || is_format(bytes)
        || is_variable(bytes)
        || NOTHING.iter().any(|word| word.eq_ignore_ascii_case(value))
}

/// Whether a value shows that its name does not mean a secret here: a count of tests that pass, a folder, a database.
pub(crate) fn is_harmless(name: &str, value: &str) -> bool {
    let is = |names: &[&str]| names.iter().any(|row| row.eq_ignore_ascii_case(name));
    let ends_with_key = name.len() >= 3 && name.as_bytes()[name.len() - 3..].eq_ignore_ascii_case(b"key");
    matches!(value, "0" | "1")
        || is_count(value) && !is(SHORT_NUMBERS) && !is_password(name)
        || is(&["pass", "pw", "otp", "sid", "credentials"]) && is_small_number(value)
        || is(&["sid"]) && is_database(value)
        || is(&["pwd", "oldpwd"]) && is_path(value)
        || ends_with_key && is_path(value) && value.contains(['.', '_', '-'])
}

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

/// Whether `user:password` is what documents write there: `user:password`, `username:pass`, `$1:$2`, nothing on both sides.
pub(crate) fn is_stand_in_pair(pair: &str) -> bool {
    let Some((user, password)) = pair.split_once(':') else {
        return false;
    };
    let is_among = |list: &[&str], word: &str| list.iter().any(|row| row.eq_ignore_ascii_case(word));
    let is_empty = |part: &str| {
        part.is_empty()
            || is_blank_or_reference(part)
            || matches!(part.as_bytes(), [b'$', digits @ ..] if digits.iter().all(u8::is_ascii_digit))
    };
    is_empty(user) && is_empty(password) || is_among(STAND_IN_USERS, user) && (is_empty(password) || is_among(STAND_IN_PASSWORDS, password))
}

const STAND_IN_USERS: &[&str] = &["user", "username", "usr", "login", "name"];
const STAND_IN_PASSWORDS: &[&str] = &["password", "pass", "passwd", "pwd", "secret", "token", "pw"];

/// Whether a value says that something else belongs there: `YOUR_TOKEN`, `your-key-here`, `ACCESS_TOKEN`.
fn is_stand_in(value: &str) -> bool {
    let is_constant = value.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_') && value.contains('_');
    let begins_with = |word: &str| value.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word));
    let is_words = value.bytes().all(|byte| byte.is_ascii_alphabetic() || matches!(byte, b'_' | b'-' | b' ' | b'.'));
    is_constant && secret_kind(value).is_some() || is_words && (begins_with("your") || begins_with("my-") || begins_with("insert"))
}

/// `[secret]`, `{token}`, `{TheKey}`: a word in brackets, also when the end was not taken for part of the value.
fn is_bracketed(value: &str) -> bool {
    let inside = value.strip_prefix(['[', '{']).map(|inside| inside.trim_end_matches([']', '}', ',', '.', ';']));
    inside.is_some_and(|inside| {
        !inside.is_empty() && inside.bytes().all(|byte| byte.is_ascii_alphabetic() || matches!(byte, b'-' | b'_' | b'.' | b' '))
    })
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

fn is_variable(value: &[u8]) -> bool {
    matches!(value, [b'$', first, rest @ ..] if (first.is_ascii_alphabetic() || *first == b'_')
        && rest.iter().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || *byte == b'_'))
}

/// Whether a value is what a setting such as `SMTP_AUTH` holds when it is no password.
pub(crate) fn is_auth_method(value: &str) -> bool {
    AUTH_METHODS.iter().any(|method| method.eq_ignore_ascii_case(value))
}

/// What a setting such as `SMTP_AUTH` holds when it is no password.
const AUTH_METHODS: &[&str] =
    &["basic", "plain", "login", "digest", "oauth2", "on", "off", "yes", "no", "0", "1", "cram-md5", "md5", "trust"];

const NOTHING: &[&str] = &["null", "none", "nil", "undefined", "true", "false", "redacted", "filtered", "masked", "hidden", "n/a"];

/// Whether a value is a word that prose and type annotations put behind a name.
pub(crate) fn is_word_of_prose(value: &str) -> bool {
    let word = value.trim_end_matches(|character: char| character.is_ascii_punctuation());
    word.len() < 2 && !has_digit(word) && value.len() < 3 || PROSE.iter().any(|row| row.eq_ignore_ascii_case(word))
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
    "only",
    "option",
    "optional",
    "or",
    "please",
    "rejected",
    "required",
    "revoked",
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
