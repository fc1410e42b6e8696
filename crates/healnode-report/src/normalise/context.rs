//! Whether the words around a number give it a meaning.
//!
//! `status 503`, `errno 13` and `TLS 1.3` tell errors apart; `error 3 of 9`, `line 80` and `port 51234` do not. Looks a bounded way
//! back and forth and changes nothing.

use super::class::{
    byte, byte_before, ends_with_ignore_case, from, is_digit, is_letter, is_word, last_word, run, run_back, starts_with_ignore_case,
};
use super::codes;
use super::lists::{
    ANSWER_WORDS, CODE_FAMILIES, CODE_WORDS, ENDINGS, ID_KEYS, IDENTIFIER_NOUNS, Key, NOT_HOSTS, OTHER_CODES, OWN_PARTS, PROCESSES,
    PRODUCTS, RESULT_WORDS, SERVICE_PORTS, SPACED_NAMES, among,
};
use super::names::{is_counter, is_name};

/// A word with digits and the text around it.
pub(crate) struct Context<'a> {
    bytes: &'a [u8],
    start: usize,
    end: usize,
    /// Whether a placeholder and one separator stand before.
    is_joined: bool,
    /// The word before.
    word: &'a [u8],
    key: Key,
    /// What stands between the two.
    separators: &'a [u8],
}

/// Reason phrases of HTTP, as they follow their number.
const REASONS: &[&str] = &[
    "bad request",
    "unauthorized",
    "payment required",
    "forbidden",
    "not found",
    "page not found",
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
    "requested range",
    "expectation failed",
    "i'm a teapot",
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

/// Most digits of a code: longer numbers are ids.
const CODE_DIGITS_MAX: usize = 5;

/// Most digits of a code of 32 bits in decimal.
const WIDE_CODE_DIGITS_MAX: usize = 10;

/// Classes of SQLSTATE under which databases report errors.
const STATE_CLASSES: &[&[u8; 2]] = &[
    b"08", b"0A", b"0B", b"0P", b"21", b"22", b"23", b"25", b"26", b"28", b"2B", b"2D", b"34", b"38", b"3D", b"3F", b"40", b"42", b"44",
    b"53", b"54", b"55", b"57", b"58", b"F0", b"HV", b"HY", b"P0", b"XX",
];

impl<'a> Context<'a> {
    /// The word from `start` to `end`, and whether a placeholder and one separator stand before it.
    pub(crate) fn new(bytes: &'a [u8], start: usize, end: usize, is_joined: bool) -> Context<'a> {
        let separated = run_back(bytes, start, SEPARATORS_MAX, is_separator);
        let word = last_word(&bytes[..separated]);
        Context { bytes, start, end, is_joined, word, key: Key::of(word), separators: &bytes[separated..start] }
    }

    /// Whether the digits of a plain number carry meaning.
    pub(crate) fn keeps_number(&self) -> bool {
        self.keeps_digits_in_name()
            || self.is_code()
            || self.keeps_version()
            || self.is_service_port()
            || self.is_status()
            || self.separators.last() == Some(&b'/') && codes::is_arity(self.bytes, self.start, self.end)
    }

    /// Whether a hexadecimal number is an error code: up to 32 bits, next to a word that says so.
    pub(crate) fn keeps_hex(&self) -> bool {
        self.end - self.start <= 10 && (self.follows_code_word() || self.is_leading_result() || self.is_failed_result())
    }

    /// The `0x80070005` with which a message begins: 32 bits, of which the first says that it failed.
    fn is_leading_result(&self) -> bool {
        self.start == 0 && matches!(self.number(), [b'0', b'x', b'8' | b'C' | b'c', ..]) && self.end == 10
    }

    /// `(0x80004005)`, `exception 0xc0000005`: 32 bits of a facility of Windows, in parentheses or behind the word for it.
    fn is_failed_result(&self) -> bool {
        let is_facility =
            matches!(self.number(), [b'0', b'x', b'8', b'0', b'0', ..] | [b'0', b'x', b'c' | b'C', b'0', b'0', b'0', b'0', b'0', ..]);
        is_facility
            && self.end - self.start == 10
            && (self.separators.last() == Some(&b'(') && byte(self.bytes, self.end) == b')'
                || ends_with_ignore_case(self.word, "exception"))
    }

    /// Whether a version belongs to a product's name.
    pub(crate) fn keeps_version(&self) -> bool {
        let number = self.number();
        if number.len() > 12 || number.iter().any(|byte| matches!(byte, b',' | b'_' | b'+' | b'-')) {
            return false;
        }
        let (word, separators) = (self.word, self.separators);
        if matches!(separators, b"++") && matches!(word, b"C" | b"c" | b"gnu") {
            return number.len() == 2;
        }
        let is_dotted = number.contains(&b'.');
        if is_dotted
            && (codes::is_enhanced_status(self.bytes, self.start, self.end) || codes::is_protocol_version(self.bytes, self.start, self.end))
        {
            return true;
        }
        let joins = separators.iter().all(|byte| matches!(byte, b' ' | b'/' | b'-' | b'_' | b'=' | b'>' | b'<'));
        let is_version = is_dotted || number.len() <= 2 || separators.is_empty();
        if is_version && joins && self.follows_product() {
            let is_one_of_many = matches!(separators, b"-" | b"_") && is_counter(word);
            return !is_one_of_many && !self.is_counted();
        }
        if is_version && number.len() <= 8 && self.is_required() {
            return true;
        }
        number.len() <= 8
            && word.eq_ignore_ascii_case(b"version")
            && (separators.iter().any(|byte| matches!(byte, b'>' | b'<')) || self.follows_version_of())
    }

    /// `requires Blender 4.1`, `needs libfoo >= 1.2`: what a program asks for, by a name or a comparison.
    fn is_required(&self) -> bool {
        let is_named = self.separators == b" " && self.word.first().is_some_and(u8::is_ascii_uppercase) && self.word.len() > 1;
        let is_compared = matches!(self.separators, b" >= " | b">=" | b" > " | b" < " | b" <= ");
        let name = self.start - self.separators.len() - self.word.len();
        let before = &self.bytes[..name];
        (is_named || is_compared)
            && !self.is_counted()
            && before.strip_suffix(b" ").is_some_and(|before| {
                matches!(
                    last_word(before),
                    b"requires"
                        | b"require"
                        | b"required"
                        | b"requiring"
                        | b"needs"
                        | b"need"
                        | b"Requires"
                        | b"Unsupported"
                        | b"unsupported"
                )
            })
    }

    /// `CUDA version 11.8`, `class file version 61.0`, `NCCL version 2.18`. The version of anything else is the program's own.
    fn follows_version_of(&self) -> bool {
        let before = &self.bytes[..self.start - self.separators.len() - self.word.len()];
        let before = before.strip_suffix(b" ").unwrap_or_default();
        let word = last_word(before);
        let is_acronym = (3..=8).contains(&word.len()) && word.iter().all(u8::is_ascii_uppercase) && !among(OWN_PARTS, word);
        let is_dotted = || self.number().iter().filter(|byte| **byte == b'.').count() == 1;
        among(PRODUCTS, word) || word == b"major" || before.ends_with(b"class file") || is_acronym && is_dotted()
    }

    /// Whether the digits are the rest of a name: `utf-8`, `x86_64`, `so.6`, `python3.11`, `ORA-06512`.
    pub(crate) fn keeps_digits_in_name(&self) -> bool {
        let digits = self.number().iter().filter(|byte| is_digit(**byte)).count();
        let is_plain = digits == self.end - self.start;
        let separator = byte_before(self.bytes, self.start);
        let word = last_word(&self.bytes[..self.start.saturating_sub(1)]);
        match separator {
            b'_' => !self.is_joined && !word.is_empty() && self.keeps_digits_behind_underscore(word, digits),
            b'-' => digits <= 5 && (is_name(word) || is_code_family(word)),
            b'.' => digits <= 6 && (is_name(word) || !self.is_joined && continues_version(word)),
            b'/' | b' ' => digits <= 5 && is_plain && among(SPACED_NAMES, word) && !self.is_counted(),
            _ => false,
        }
    }

    /// `handle_1` is a name; `worker_1` and `part_1_2` are one of many.
    fn keeps_digits_behind_underscore(&self, word: &[u8], digits: usize) -> bool {
        let last = word.rsplit(|byte| *byte == b'_').next().unwrap_or_default();
        if is_name(last) {
            return digits <= 5;
        }
        let goes_on = byte(self.bytes, self.end) == b'_' && is_digit(byte(self.bytes, self.end + 1));
        let is_pair = goes_on || self.number().contains(&b'_') || last.iter().all(|byte| is_digit(*byte));
        digits <= 2 && !is_counter(last) && !is_pair
    }

    /// Whether a word of letters and digits is an SQLSTATE.
    pub(crate) fn is_state_code(&self) -> bool {
        let word = self.word;
        if self.number().len() != 5 {
            return false;
        }
        let is_announced = word.eq_ignore_ascii_case(b"sqlstate") || word.eq_ignore_ascii_case(b"state");
        is_announced || self.is_leading_state() || self.has_state_class() && (self.follows_word_for_codes() || self.is_near_database())
    }

    /// Whether five capitals and digits are of a class of SQLSTATE.
    fn has_state_class(&self) -> bool {
        let word = self.number();
        word.len() == 5
            && word.iter().all(|byte| is_digit(*byte) || byte.is_ascii_uppercase())
            && word.first_chunk().is_some_and(|class| STATE_CLASSES.contains(&class))
    }

    /// Whether the text before speaks of a database.
    fn is_near_database(&self) -> bool {
        let tail = self.tail(DATABASE_BYTES_MAX);
        ["sql", "deadlock", "postgres", "psycopg", "pgx", "transaction", "database"]
            .iter()
            .any(|row| tail.windows(row.len()).any(|text| text.eq_ignore_ascii_case(row.as_bytes())))
    }

    /// The `42P01` of `42P01: relation does not exist`.
    fn is_leading_state(&self) -> bool {
        self.start == 0 && from(self.bytes, self.end).starts_with(b": ") && self.has_state_class()
    }

    /// Whether a word that counts stands in a name that the text quotes as such: `unknown property 'stage1'`, or a key error, whose
    /// text is only the key.
    pub(crate) fn is_quoted_identifier(&self) -> bool {
        let is_part = |byte: u8| is_word(byte) || matches!(byte, b'_' | b'.');
        let start = run_back(self.bytes, self.start, IDENTIFIER_BYTES_MAX, is_part);
        let end = run(&self.bytes[..self.bytes.len().min(self.end + IDENTIFIER_BYTES_MAX)], self.end, is_part);
        let is_quoted =
            matches!(byte_before(self.bytes, start), b'\'' | b'"' | b'`') && matches!(byte(self.bytes, end), b'\'' | b'"' | b'`');
        if !is_quoted {
            return false;
        }
        let before = &self.bytes[..start - 1];
        let is_all = before.is_empty() && end + 1 == self.bytes.len();
        let noun = before.strip_suffix(b": ").or(before.strip_suffix(b" "));
        is_all || noun.is_some_and(|noun| among(IDENTIFIER_NOUNS, last_word(noun)))
    }

    /// Whether the word is the value of a key that names an id, as in `"orderId":"…"`.
    pub(crate) fn is_value_of_id(&self) -> bool {
        let start = run_back(self.bytes, self.start, IDENTIFIER_BYTES_MAX, |byte| is_word(byte) || matches!(byte, b'_' | b'-'));
        let separators = run_back(self.bytes, start, 4, |byte| matches!(byte, b'"' | b'\'' | b':' | b'=' | b' '));
        let key = last_word(&self.bytes[..separators]);
        if !self.bytes[separators..start].iter().any(|byte| matches!(byte, b':' | b'=')) {
            return separators < start && matches!(key, b"id" | b"ID" | b"Id");
        }
        if among(ID_KEYS, key) {
            return true;
        }
        let prefix = key.len().saturating_sub(2);
        match &key[prefix..] {
            b"Id" | b"ID" => true,
            b"id" => prefix == 0 || key[prefix - 1] == b'_' || key.ends_with(b"uuid") || key.ends_with(b"guid"),
            _ => false,
        }
    }

    /// The eight digits of `error:0A000410`, as OpenSSL packs its reasons.
    pub(crate) fn is_packed_error(&self) -> bool {
        let number = self.number();
        number.len() == 8
            && self.separators == b":"
            && self.word == b"error"
            && number.iter().all(|byte| is_digit(*byte) || matches!(byte, b'A'..=b'F'))
    }

    fn number(&self) -> &'a [u8] {
        &self.bytes[self.start..self.end]
    }

    fn is_code(&self) -> bool {
        let is_plain = self.number().iter().all(|byte| is_digit(*byte));
        if !is_plain || self.is_counted() || self.goes_on() {
            return false;
        }
        self.follows_code_word()
            || self.precedes_code_word()
            || self.follows_state()
            || self.is_argument()
            || self.is_leading_state()
            || self.is_close_code()
            || self.is_negative_result()
            || self.follows_number_of_code()
            || self.word.eq_ignore_ascii_case(b"state") && self.has_state_class()
            || self.is_remote_call_error()
            || self.separators.last() == Some(&b'(') && codes::is_error_of_file(self.bytes, self.start, self.end)
    }

    /// The errors that JSON-RPC reserves, such as `-32601`.
    fn is_remote_call_error(&self) -> bool {
        matches!(self.number(), [b'3', b'2', b'0' | b'6' | b'7', _, _]) && self.separators.last() == Some(&b'-')
    }

    /// `error:num=18`, `error number 18`: the word for a number stands behind the word for a code.
    fn follows_number_of_code(&self) -> bool {
        let is_number = || ["num", "number", "no"].iter().any(|row| self.word.eq_ignore_ascii_case(row.as_bytes()));
        if !matches!(self.word.len(), 2 | 3 | 6) || !is_number() || self.end - self.start > CODE_DIGITS_MAX {
            return false;
        }
        let start = self.start - self.separators.len() - self.word.len();
        let earlier = Context::new(self.bytes, start, start, false);
        earlier.follows_word_for_codes() || earlier.word.eq_ignore_ascii_case(b"alert")
    }

    /// Whether more groups of digits follow, as in a code that someone types, in the number of a card or of a phone.
    fn goes_on(&self) -> bool {
        let second = run(self.bytes, self.end + 1, is_digit);
        let has_second = second > self.end + 1;
        match byte(self.bytes, self.end) {
            b'-' => has_second,
            b' ' if has_second => {
                byte_before(self.bytes, self.start) == b'+' || byte(self.bytes, second) == b' ' && is_digit(byte(self.bytes, second + 1))
            }
            _ => false,
        }
    }

    fn follows_code_word(&self) -> bool {
        let (word, separators) = (self.word, self.separators);
        let is_result = separators == b"=" && among(RESULT_WORDS, word);
        if separators == b"[" && among(PROCESSES, word) {
            return false;
        }
        if !is_result && !self.follows_word_for_codes() && !self.follows_exited(word) && !self.follows_stated_code() {
            return false;
        }
        let number = self.number();
        let is_hex = byte(number, 1) | 0x20 == b'x';
        let digits_max = if is_hex || self.is_wide() { WIDE_CODE_DIGITS_MAX } else { CODE_DIGITS_MAX };
        number.len() <= digits_max && !(self.is_prose(separators) && ends_with_ignore_case(word, "error"))
    }

    /// `status was 503`, `exit code of 3`, `SocketException (10061)`.
    fn follows_stated_code(&self) -> bool {
        match (self.separators, self.word) {
            (b" ", b"was" | b"is" | b"of") => {
                let before = self.bytes[..self.start - self.word.len() - 1].strip_suffix(b" ").unwrap_or_default();
                ["code", "status", "errno"].iter().any(|row| ends_with_ignore_case(before, row))
            }
            (b" (", [_, .., b'n']) => self.word.ends_with(b"Exception"),
            _ => false,
        }
    }

    /// `closed: 1006`, with the codes that WebSocket has.
    fn is_close_code(&self) -> bool {
        let is_close = self.word.eq_ignore_ascii_case(b"close") || self.word.eq_ignore_ascii_case(b"closed");
        is_close && matches!(self.number(), [b'1', b'0', b'0' | b'1', _]) && !self.counts()
    }

    /// `failed with -22`, `ret=-22`, `returned -1`: a negative number behind such a word is an error.
    fn is_negative_result(&self) -> bool {
        let is_result = || {
            let before = self.bytes[..self.start - 1].strip_suffix(b" with ");
            let word = before.map_or(self.word, last_word);
            among(RESULT_WORDS, word) || word.eq_ignore_ascii_case(b"failed")
        };
        self.end - self.start <= 3 && self.separators.last() == Some(&b'-') && is_result()
    }

    #[inline]
    fn follows_word_for_codes(&self) -> bool {
        let ending = match self.word {
            [_, .., b'e' | b'E'] => "code",
            [_, .., b's' | b'S'] => "status",
            [_, .., b'o' | b'O'] => "errno",
            [_, .., b'r' | b'R'] => "error",
            [_, .., _] => return self.key.is_in(CODE_WORDS),
            _ => return false,
        };
        (ends_with_ignore_case(self.word, ending) || self.key.is_in(CODE_WORDS)) && !self.key.is_in(OTHER_CODES)
    }

    /// Also `TLSv`, of which the number has been taken off, and `Node.js`.
    fn follows_product(&self) -> bool {
        match self.word {
            b"js" => {
                let before = &self.bytes[..self.start - self.separators.len() - self.word.len()];
                before.strip_suffix(b".").is_some_and(|before| among(PRODUCTS, last_word(before)))
            }
            [word @ .., b'v'] if among(PRODUCTS, word) => true,
            _ => self.key.is_in(PRODUCTS),
        }
    }

    /// `error: 3 files` counts and `Error: 3 != 4` compares, `Error: 18456` does neither.
    fn is_prose(&self, separators: &[u8]) -> bool {
        separators.contains(&b':')
            && separators.contains(&b' ')
            && matches!(from(self.bytes, self.end), [b' ', next, ..] if is_letter(*next) || matches!(next, b'!' | b'=' | b'<' | b'>'))
    }

    /// Whether the words before are about exit codes or results, which may be 32 bits wide.
    fn is_wide(&self) -> bool {
        let tail = self.tail(24);
        self.end - self.start > CODE_DIGITS_MAX
            && ["exit", "hresult", "ntstatus", "winerror"]
                .iter()
                .any(|row| tail.windows(row.len()).any(|word| word.eq_ignore_ascii_case(row.as_bytes())))
    }

    /// `exited with 3`, `returned non-zero 3`.
    fn follows_exited(&self, word: &[u8]) -> bool {
        match word {
            b"with" => {
                let before = &self.bytes[..self.start.saturating_sub(b" with ".len())];
                ["exited", "terminated", "exit", "closed"].iter().any(|row| last_word(before).eq_ignore_ascii_case(row.as_bytes()))
            }
            b"zero" => ends_with_ignore_case(&self.bytes[..self.start], "returned non-zero "),
            _ => false,
        }
    }

    /// `404 error`, `503 is the status`, `17 (errno)`, `5 as code`.
    fn precedes_code_word(&self) -> bool {
        let number = self.number();
        let after = from(self.bytes, self.end);
        let after = match after {
            [b' ', b'(', ..] => &after[2..],
            [b' ', ..] => &after[1..],
            _ => return false,
        };
        let (word, rest) = after.split_at(run(after, 0, is_letter));
        let is_word = |row: &str| word.eq_ignore_ascii_case(row.as_bytes());
        match word.len() {
            _ if number.len() > CODE_DIGITS_MAX => false,
            2 if is_word("is") => {
                let window = &after[..after.len().min(24)];
                number.len() == 3 && [" code", " status"].iter().any(|row| window.windows(row.len()).any(|text| text == row.as_bytes()))
            }
            2 => is_word("as") && is_code_noun(rest),
            4..=6 if is_word("exit") || is_word("return") => is_code_noun(rest),
            5 if is_word("errno") => true,
            5 if is_word("error") => number.len() >= 3 && !counts(rest),
            6 if is_word("signal") => !counts(rest) && (number.len() == 2 || self.follows_article()),
            6 | 8 => number.len() == 3 && (is_word("status") || is_word("response")),
            _ => false,
        }
    }

    fn follows_article(&self) -> bool {
        self.separators == b" " && matches!(self.word, b"a" | b"an" | b"the")
    }

    /// The `(28000)` of `ERROR 1045 (28000)`, and the `[2002]` of `SQLSTATE[HY000] [2002]`.
    fn follows_state(&self) -> bool {
        let before = &self.bytes[..self.start];
        if let Some(before) = before.strip_suffix(b" (") {
            let word = last_word(before);
            let is_code = !word.is_empty() && word.len() <= CODE_DIGITS_MAX && word.iter().all(|byte| is_digit(*byte));
            let code = || Context::new(self.bytes, before.len() - word.len(), before.len(), false);
            return self.number().len() == 5 && byte(self.bytes, self.end) == b')' && is_code && code().follows_code_word();
        }
        let Some(state) = before.strip_suffix(b"] [") else {
            return false;
        };
        let word = last_word(state);
        word.len() == 5 && self.number().len() <= CODE_DIGITS_MAX && ends_with_ignore_case(&state[..state.len() - 5], "sqlstate[")
    }

    /// The number of `(1205, 'lock was too long')`, the arguments of a database's error.
    fn is_argument(&self) -> bool {
        self.start == 1
            && self.bytes[0] == b'('
            && self.number().len() <= CODE_DIGITS_MAX
            && matches!(from(self.bytes, self.end), [b',', b' ', b'\'' | b'"', ..])
    }

    /// Whether 4xx or 5xx is the status of an answer: before its reason, behind a word for answering, behind the protocol, or alone
    /// at the start.
    fn is_status(&self) -> bool {
        let number = self.number();
        if number.len() != 3 || !matches!(number[0], b'4' | b'5') || !is_digit(number[1]) || !is_digit(number[2]) {
            return false;
        }
        self.has_reason()
            || codes::has_enhanced_status(self.bytes, self.start, self.end)
            || self.is_answer()
            || self.follows_protocol()
            || self.start == 0 && matches!(byte(self.bytes, self.end), b',' | b':')
    }

    /// A reason phrase, or the symbol for one: `404 NOT_FOUND`.
    fn has_reason(&self) -> bool {
        let at = run(self.bytes, self.end, |byte| matches!(byte, b' ' | b':' | b'-' | b'(')).min(self.end + 3);
        let rest = from(self.bytes, at);
        let first = byte(rest, 0) | 0x20;
        let symbol = run(rest, 0, |byte| byte.is_ascii_uppercase() || byte == b'_');
        if at == self.end + 1 && symbol >= 4 && !is_word(byte(rest, symbol)) {
            return true;
        }
        at > self.end && REASONS.iter().any(|reason| reason.as_bytes()[0] == first && starts_with_ignore_case(rest, reason))
    }

    fn is_answer(&self) -> bool {
        let before = &self.bytes[..self.start];
        let with = before.strip_suffix(b" with ").or(before.strip_suffix(b" with a "));
        let word = with.map_or(self.word, last_word);
        let joins = with.is_some() || matches!(self.separators, b" " | b": " | b" (" | b" - ");
        let is_received = || (word == b"got" || word == b"received") && !self.is_expected();
        joins && (among(ANSWER_WORDS, word) || is_received()) && !self.counts()
    }

    /// Whether the text before says what was expected, so that two values are compared.
    fn is_expected(&self) -> bool {
        let tail = self.tail(EXPECTED_BYTES_MAX);
        tail.windows(8).any(|text| text.eq_ignore_ascii_case(b"expected"))
    }

    /// Whether a word stands behind that the number counts, and no preposition.
    fn counts(&self) -> bool {
        counts(from(self.bytes, self.end))
    }

    /// The status of a line in an access log: `"GET / HTTP/1.1" 503`.
    fn follows_protocol(&self) -> bool {
        let tail = self.tail(12);
        let tail = tail.strip_suffix(b"\" ").or(tail.strip_suffix(b" ")).unwrap_or_default();
        let start = run_back(tail, tail.len(), 3, |byte| is_digit(byte) || byte == b'.');
        start < tail.len() && tail[..start].ends_with(b"HTTP/")
    }

    fn is_service_port(&self) -> bool {
        let number = self.number();
        if !(2..=5).contains(&number.len()) || !among(SERVICE_PORTS, number) {
            return false;
        }
        let (word, separators) = (self.word, self.separators);
        if word.eq_ignore_ascii_case(b"port") {
            return true;
        }
        let is_place = byte(self.bytes, self.end) == b':' && is_digit(byte(self.bytes, self.end + 1));
        let follows_address = matches!(byte_before(self.bytes, self.start - usize::from(self.start > 0)), b']' | b'>');
        byte_before(self.bytes, self.start) == b':'
            && !is_place
            && (self.is_joined || follows_address || separators == b":" && self.follows_host(word))
    }

    fn follows_host(&self, word: &[u8]) -> bool {
        let end = self.start - 1;
        let start = run_back(self.bytes, end, HOST_BYTES_MAX, |byte| is_word(byte) || matches!(byte, b'.' | b'-' | b'_'));
        let host = &self.bytes[start..end];
        let is_file = host.contains(&b'.') && among(ENDINGS, word);
        !is_file && host.iter().any(|byte| is_letter(*byte)) && !among(NOT_HOSTS, host)
    }

    /// Whether the number only counts: `3 of 9`.
    fn is_counted(&self) -> bool {
        let after = from(self.bytes, self.end);
        match after {
            [b' ', b'o', ..] => after.starts_with(b" of "),
            [b' ', b't', ..] => after.starts_with(b" times"),
            [b' ', b'm', ..] => after.starts_with(b" more "),
            _ => false,
        }
    }

    fn tail(&self, length: usize) -> &'a [u8] {
        &self.bytes[self.start.saturating_sub(length)..self.start]
    }
}

/// Whether a text goes on with a word that is no preposition.
fn counts(after: &[u8]) -> bool {
    let is_word = matches!(after, [b' ', letter, ..] if is_letter(*letter));
    let prepositions = [" for", " from", " on", " to", " after", " while", " when", " in ", " during", " at ", " by "];
    is_word && !prepositions.iter().any(|row| after.starts_with(row.as_bytes()))
}

/// Whether a text goes on with the word for a code, also behind what kind of code it is.
fn is_code_noun(after: &[u8]) -> bool {
    let Some(after) = after.strip_prefix(b" ") else {
        return false;
    };
    let (word, rest) = after.split_at(run(after, 0, is_letter));
    match word {
        b"code" | b"errno" => true,
        b"exit" | b"error" | b"return" | b"status" => rest.starts_with(b" code") || word == b"status",
        _ => false,
    }
}

/// How far before a number the word may stand that compares it, in bytes.
const EXPECTED_BYTES_MAX: usize = 48;

/// How far before a code a word may stand that speaks of a database, in bytes.
const DATABASE_BYTES_MAX: usize = 48;

/// Most separators between a word and its number, in bytes.
const SEPARATORS_MAX: usize = 6;

/// Longest part of an identifier or a value that is looked at on one side of a word, in bytes.
const IDENTIFIER_BYTES_MAX: usize = 48;

/// Longest name of a host before a port, in bytes.
const HOST_BYTES_MAX: usize = 64;

fn is_separator(byte: u8) -> bool {
    matches!(byte, b' ' | b':' | b'=' | b'#' | b'(' | b'[' | b'\'' | b'"' | b'`' | b'-' | b'/' | b'<' | b'>' | b'+' | b'_')
}

/// Families are in capitals: `ORA-00942`.
fn is_code_family(word: &[u8]) -> bool {
    !word.iter().any(u8::is_ascii_lowercase) && among(CODE_FAMILIES, word)
}

/// `python3` before `.11`.
fn continues_version(word: &[u8]) -> bool {
    word.len() <= 12 && word.first().is_some_and(|byte| is_letter(*byte)) && word.last().is_some_and(|byte| is_digit(*byte))
}
