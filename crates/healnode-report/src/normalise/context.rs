//! Whether the words around a number give it a meaning.
//!
//! `status 503`, `errno 13` and `TLS 1.3` tell errors apart; `error 3 of 9`, `line 80` and `port 51234` do not.

use super::PLACEHOLDER;
use super::names::{among, is_code_family, is_counter, is_name, is_product, is_spaced_name};

/// A number and the text around it.
pub(crate) struct Context<'a> {
    before: &'a str,
    number: &'a str,
    after: &'a str,
    out: &'a str,
}

/// Words next to which a number is a code. A longer word that ends with one of the first four counts too.
const CODE_WORDS: &[&str] = &[
    "code",
    "status",
    "errno",
    "error",
    "exit",
    "signal",
    "sig",
    "http",
    "hresult",
    "ntstatus",
    "sqlstate",
    "smtp",
    "err",
    "rc",
    "returncode",
    "exitcode",
    "winerror",
    "sqlcode",
    "ec",
    "vendorcode",
    "nstatus",
];

/// Words that end with `code` and are something else.
const OTHER_CODES: &[&str] = &[
    "barcode",
    "bytecode",
    "decode",
    "encode",
    "opcode",
    "postcode",
    "qrcode",
    "transcode",
    "unicode",
    "zipcode",
    "zip_code",
    "postal_code",
    "country_code",
    "source_code",
    "promo_code",
    "invite_code",
    "line_code",
];

/// Codes of 32 bits in decimal, which have up to ten digits.
const WIDE_CODE_WORDS: &[&str] = &["hresult", "ntstatus", "exitcode", "exit_code", "winerror", "exit", "code"];

/// Ports that tell which service it was.
const SERVICE_PORTS: &[&str] = &[
    "21", "22", "25", "53", "80", "110", "143", "389", "443", "465", "587", "636", "993", "1433", "1521", "1883", "2049", "2181", "2379",
    "3306", "4222", "5432", "5672", "6379", "6443", "8086", "8125", "9042", "9092", "9200", "11211", "27017",
];

/// Reason phrases of HTTP, as they follow their number.
const REASONS: &[&str] = &[
    "bad request",
    "unauthorized",
    "payment required",
    "forbidden",
    "not found",
    "method not allowed",
    "not acceptable",
    "proxy authentication",
    "request timeout",
    "request time-out",
    "conflict",
    "gone",
    "length required",
    "precondition",
    "payload too large",
    "content too large",
    "request entity",
    "uri too long",
    "unsupported media",
    "range not satisfiable",
    "expectation failed",
    "misdirected",
    "unprocessable",
    "locked",
    "failed dependency",
    "too early",
    "upgrade required",
    "too many requests",
    "request header",
    "unavailable for legal",
    "internal server error",
    "not implemented",
    "bad gateway",
    "service unavailable",
    "service temporarily",
    "gateway timeout",
    "gateway time-out",
    "http version",
    "variant also",
    "insufficient storage",
    "loop detected",
    "not extended",
    "network authentication",
    "client error",
    "server error",
    "client closed",
];

impl<'a> Context<'a> {
    /// The number from `start` to `end` of a text, of which `out` is already written.
    pub(crate) fn new(text: &'a str, start: usize, end: usize, out: &'a str) -> Context<'a> {
        Context { before: &text[..start], number: &text[start..end], after: &text[end..], out }
    }

    /// Whether the digits carry meaning.
    pub(crate) fn keeps_number(&self) -> bool {
        self.keeps_digits_in_name() || self.is_code() || self.keeps_version() || self.is_service_port() || self.has_reason()
    }

    /// Whether a hexadecimal number is an error code: up to 32 bits, next to a word that says so.
    pub(crate) fn keeps_hex(&self) -> bool {
        self.number.len() <= 10 && self.follows_code_word()
    }

    /// Whether a version belongs to a product's name.
    pub(crate) fn keeps_version(&self) -> bool {
        let is_short = self.number.len() <= 12 && !self.number.contains([',', '_', '+', '-']);
        let (word, separators) = self.word_before();
        let joins = separators.bytes().all(|byte| matches!(byte, b' ' | b'/' | b'-' | b'_' | b'=' | b'>' | b'<'));
        let is_version = self.number.contains('.') || self.number.len() <= 2 || separators.is_empty();
        is_short && joins && is_version && is_product(strip_version_word(word)) && !self.is_counted()
    }

    /// Whether the digits are the rest of a name: `utf-8`, `x86_64`, `so.6`, `python3.11`, `ORA-06512`.
    pub(crate) fn keeps_digits_in_name(&self) -> bool {
        let digits = self.number.bytes().filter(u8::is_ascii_digit).count();
        let Some(separator) = self.before.bytes().next_back().filter(u8::is_ascii) else {
            return false;
        };
        let word = last_word(&self.before[..self.before.len() - 1]);
        match separator {
            b'_' if is_counter(word) => false,
            b'_' if !self.out.ends_with("<*>_") => digits <= 2 && !word.is_empty() || digits <= 5 && is_name(word),
            b'-' => digits <= 5 && (is_name(word) || is_code_family(word) && word.bytes().all(|byte| !byte.is_ascii_lowercase())),
            b'.' => digits <= 6 && (is_name(word) || self.continues_version(word)),
            b'/' | b' ' => digits <= 5 && self.number.len() == digits && is_spaced_name(word) && !self.is_counted(),
            _ => false,
        }
    }

    fn continues_version(&self, word: &str) -> bool {
        let ends_with_digit = word.bytes().next_back().is_some_and(|byte| byte.is_ascii_digit());
        let starts_with_letter = word.bytes().next().is_some_and(|byte| byte.is_ascii_alphabetic());
        ends_with_digit && starts_with_letter && self.out.ends_with('.') && !self.out.ends_with("<*>.") && word.len() <= 12
    }

    /// Whether a word of letters and digits is an SQLSTATE.
    pub(crate) fn is_state_code(&self) -> bool {
        let (word, _) = self.word_before();
        self.number.len() == 5 && (word.eq_ignore_ascii_case("sqlstate") || word.eq_ignore_ascii_case("state"))
    }

    fn is_code(&self) -> bool {
        let is_plain = self.number.bytes().all(|byte| byte.is_ascii_digit());
        if !is_plain || self.is_counted() {
            return false;
        }
        self.follows_code_word() || self.precedes_code_word() || self.is_state_in_parentheses()
    }

    fn follows_code_word(&self) -> bool {
        let (word, separators) = self.word_before();
        let word = last_part(word);
        if !is_code_word(word) && !self.follows_exited() {
            return false;
        }
        let is_prose = separators.contains(':') && separators.contains(' ') && starts_with_word(self.after);
        let is_loose = word.len() >= 5 && word[word.len() - 5..].eq_ignore_ascii_case("error");
        let is_hex = self.number.starts_with("0x") || self.number.starts_with("0X");
        let digits_max = if among(WIDE_CODE_WORDS, word) && self.is_wide() { 10 } else { 5 };
        (is_hex || self.number.len() <= digits_max) && !(is_loose && is_prose)
    }

    /// Whether the words before are about exit codes or results, which may be 32 bits wide.
    fn is_wide(&self) -> bool {
        let tail = tail(self.before, 24).to_ascii_lowercase();
        ["exit", "hresult", "ntstatus", "winerror"].iter().any(|word| tail.contains(word))
    }

    fn follows_exited(&self) -> bool {
        let tail = tail(self.before, 16).to_ascii_lowercase();
        ["exited with ", "exited: ", "terminated with ", "exit with ", "returned non-zero "].iter().any(|words| tail.ends_with(words))
    }

    fn precedes_code_word(&self) -> bool {
        let Some(rest) = self.after.strip_prefix(' ') else {
            return false;
        };
        let word = &rest[..rest.bytes().position(|byte| !byte.is_ascii_alphabetic()).unwrap_or(rest.len())];
        self.number.len() == 3 && among(&["error", "status", "response", "errno"], word)
    }

    /// The `(28000)` of `ERROR 1045 (28000): Access denied`.
    fn is_state_in_parentheses(&self) -> bool {
        let Some(before) = self.out.strip_suffix(" (") else {
            return false;
        };
        let word = last_word(before);
        self.number.len() == 5 && self.after.starts_with(')') && !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit())
    }

    fn has_reason(&self) -> bool {
        let is_status = self.number.len() == 3 && self.number.starts_with(['4', '5']);
        let Some(rest) = self.after.strip_prefix([' ', ':']).map(str::trim_start) else {
            return false;
        };
        is_status
            && REASONS
                .iter()
                .any(|reason| rest.len() >= reason.len() && rest.as_bytes()[..reason.len()].eq_ignore_ascii_case(reason.as_bytes()))
    }

    fn is_service_port(&self) -> bool {
        if !SERVICE_PORTS.contains(&self.number) {
            return false;
        }
        let (word, separators) = self.word_before();
        if word.eq_ignore_ascii_case("port") {
            return true;
        }
        let follows_address = self.out.strip_suffix(':').is_some_and(|before| before.ends_with(PLACEHOLDER) || before.ends_with(']'));
        let host = host_before(self.before);
        self.before.ends_with(':') && !self.after.starts_with(':') && (follows_address || separators == ":" && is_host(host))
    }

    /// Whether the number only counts: `3 of 9`.
    fn is_counted(&self) -> bool {
        let after = self.after.trim_start();
        self.after.starts_with(' ') && (after.starts_with("of ") || after.starts_with("times") || after.starts_with("more "))
    }

    /// The word before the number, and what stands between.
    fn word_before(&self) -> (&'a str, &'a str) {
        let separators = tail(self.before, 6).bytes().rev().take_while(|byte| is_separator(*byte)).count();
        let (before, separators) = self.before.split_at(self.before.len() - separators);
        (last_word(before), separators)
    }
}

fn is_separator(byte: u8) -> bool {
    matches!(byte, b' ' | b':' | b'=' | b'#' | b'(' | b'[' | b'\'' | b'"' | b'`' | b'-' | b'/' | b'<' | b'>' | b'+' | b'_')
}

fn is_code_word(word: &str) -> bool {
    if among(OTHER_CODES, word) {
        return false;
    }
    let ends_with = |row: &&&str| word.len() > row.len() && word.as_bytes()[word.len() - row.len()..].eq_ignore_ascii_case(row.as_bytes());
    among(CODE_WORDS, word) || CODE_WORDS.iter().take(4).any(|row| ends_with(&row)) && !word.is_empty()
}

/// The last part of a dotted name.
fn last_part(word: &str) -> &str {
    word.rsplit('.').next().unwrap_or(word)
}

fn strip_version_word(word: &str) -> &str {
    word.strip_suffix(['v', 'V']).filter(|rest| is_product(rest)).unwrap_or(word)
}

/// The letters, digits and underscores that end a text.
fn last_word(text: &str) -> &str {
    let length = tail(text, 32).bytes().rev().take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'_').count();
    &text[text.len() - length..]
}

fn starts_with_word(text: &str) -> bool {
    text.strip_prefix(' ').is_some_and(|rest| rest.starts_with(|character: char| character.is_ascii_alphabetic()))
}

/// At most the last `bytes` bytes of a text, cut at a character boundary.
fn tail(text: &str, bytes: usize) -> &str {
    let mut start = text.len().saturating_sub(bytes);
    while !text.is_char_boundary(start) {
        start += 1;
    }
    &text[start..]
}

fn host_before(before: &str) -> &str {
    let before = before.strip_suffix(':').unwrap_or(before);
    let length =
        tail(before, 128).bytes().rev().take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_')).count();
    &before[before.len() - length..]
}

/// Endings of source files, behind which a number is a line.
const SOURCES: &[&str] = &[
    "c", "cc", "cpp", "cs", "ex", "exs", "go", "h", "hpp", "hs", "java", "js", "jsx", "kt", "lua", "mjs", "ml", "php", "pl", "py", "rb",
    "rs", "scala", "sh", "sql", "swift", "ts", "tsx", "vue", "json", "yaml", "yml", "toml", "xml", "html", "css", "txt", "csv", "log",
    "conf",
];

fn is_host(host: &str) -> bool {
    let ending = host.rsplit_once('.').map(|(_, ending)| ending);
    !host.is_empty()
        && !ending.is_some_and(|ending| among(SOURCES, ending))
        && host.bytes().any(|byte| byte.is_ascii_alphabetic())
        && !among(&["line", "row", "column", "col", "id", "count", "size", "pid"], host)
}

/// Phrases behind which a quoted text is someone's data.
const DATA_PHRASES: &[&str] = &[
    "invalid value",
    "invalid literal",
    "with base 10",
    "duplicate entry",
    "duplicate key value",
    "unknown value",
    "unexpected value",
    "string to float",
    "invalid input",
    "invalid url",
    "invalid date",
    "invalid email",
    "invalid uuid",
    "invalid id",
    "no such user",
    "user",
    "username",
    "login",
    "account",
    "customer",
    "for input string",
    "parsing",
    "invalid number",
    "invalid integer",
    "invalid time",
    "not a valid email",
    "type integer",
    "type uuid",
    "type date",
    "type numeric",
    "type boolean",
    "type timestamp",
    "type bigint",
    "isoformat string",
    "time data",
    "could not parse",
    "cannot parse",
    "failed to parse",
    "unable to parse",
    "unparseable date",
    "bad value",
    "illegal value",
    "value",
];

/// Whether the text before a quote announces someone's data.
pub(crate) fn announces_data(before: &str) -> bool {
    let before = tail(before, 64).trim_end_matches([' ', ':', '=', '(']);
    DATA_PHRASES.iter().any(|phrase| {
        let Some(start) = before.len().checked_sub(phrase.len()) else {
            return false;
        };
        let bytes = before.as_bytes();
        bytes[start..].eq_ignore_ascii_case(phrase.as_bytes())
            && !start.checked_sub(1).is_some_and(|before| bytes[before].is_ascii_alphanumeric() || bytes[before] == b'_')
    })
}
