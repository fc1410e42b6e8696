//! One pass over a text: where a word has a digit or something announces data, what is there is told and replaced or kept.
//!
//! Words without digits are stepped over, but for a few that begin a date, an address or an id. The order of the questions is part
//! of the algorithm's version.

use super::addresses::{
    MAILBOX_BYTES_MAX, dashed_address_end, domain_end, email_end, host_at, ipv6_end, is_followed_by_address, mac_end, starts_a_name,
    uuid_end,
};
use super::class::{DIGIT, EVENT, LOWER, NOT_HEX, UPPER, byte, byte_before, class, from, is_digit, is_letter, is_word, last_word, run};
use super::context::Context;
use super::data;
use super::dates::{self, date_end, month_or_day};
use super::ids;
use super::lists::{REMOTE_KEYS, USER_KEYS, among};
use super::names::{Verdict, is_counter, is_hex_without_digits, judge};
use super::numbers::{Number, number_at, version_at};
use super::output::Output;
use super::random::{is_jagged, random_end};
use super::{paths, token_end};

/// The text with what varies replaced, or nothing if it stays as it is.
pub(crate) fn pass(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    let mut scanner = Scanner { text, bytes, at: 0, output: Output::new(text), next_sign: 0, closing_quote: usize::MAX, in_url: false };
    scanner.next_sign = scanner.find_sign(0);
    while scanner.at < bytes.len() {
        let class = class(bytes[scanner.at]);
        if class & (LOWER | UPPER | DIGIT) != 0 {
            scanner.word();
        } else if class & EVENT != 0 {
            scanner.event();
        } else {
            scanner.at += 1;
        }
    }
    scanner.output.finish(bytes.len())
}

struct Scanner<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    output: Output<'a>,
    /// Where the next `@` is.
    next_sign: usize,
    /// Where the quote closes that was opened last.
    closing_quote: usize,
    in_url: bool,
}

/// Longest quoted or parenthesised value that is taken for someone's data, in bytes.
const DATA_BYTES_MAX: usize = 256;

impl Scanner<'_> {
    fn event(&mut self) {
        match self.bytes[self.at] {
            b' ' | b'\t' | b'\n' => self.space(),
            b'<' => self.angle(),
            b'"' | b'\'' | b'`' => self.quote(),
            b'(' => self.parenthesis(),
            b')' | b']' | b'}' => self.close(),
            b'/' => self.slash(),
            b':' => self.colon(),
            b'=' => self.equals(),
            b'?' if self.in_url => self.query(),
            b',' => {
                self.output.fold_items(self.at);
                self.at += 1;
            }
            0x80.. => self.foreign_digits(),
            _ => self.at += 1,
        }
    }

    /// Replaces the text up to `end`, and with a hash the directories that are its first digits.
    #[inline]
    fn replace(&mut self, end: usize) {
        let length = if end - self.at < ids::SHARDED_BYTES_MIN { 0 } else { ids::shard_length(self.bytes, self.at, end) };
        if length > 0 && self.written(&self.bytes[self.at - length..self.at]) {
            self.output.drop_last(self.at, length);
        }
        self.at = self.output.replace(self.at, end);
    }

    /// Replaces an id up to `end`, and with it the short prefix that tells a service's kinds of ids apart: `inv_…`.
    fn replace_prefixed(&mut self, end: usize) {
        let length = ids::prefix_length(self.bytes, self.at);
        if length > 0 && !self.output.is_empty(self.at) && self.written(&self.bytes[self.at - length..self.at]) {
            self.output.drop_last(self.at, length);
        }
        self.replace(end);
    }

    fn replace_random(&mut self, end: usize) {
        if end - self.at >= PREFIXED_BYTES_MIN { self.replace_prefixed(end) } else { self.replace(end) }
    }

    fn written(&self, suffix: &[u8]) -> bool {
        self.output.ends_with(self.at, suffix)
    }

    fn space(&mut self) {
        self.in_url = false;
        self.output.fold_items(self.at);
        let end = run(self.bytes, self.at, |byte| matches!(byte, b' ' | b'\t' | b'\n'));
        if self.output.is_empty(self.at) || self.is_padding(end) {
            self.output.skip(self.at, end);
        } else if end > self.at + 1 || self.bytes[self.at] != b' ' {
            self.output.put(" ", self.at, end);
        }
        self.at = end;
    }

    /// Whether white space up to `end` only pads a variable inside brackets: `[   51.9]`.
    #[inline]
    fn is_padding(&self, end: usize) -> bool {
        let next = byte(self.bytes, end);
        if matches!(next, b']' | b')') {
            return self.written(b"<*>");
        }
        matches!(byte_before(self.bytes, self.at), b'[' | b'(') && (is_digit(next) || next == b'<') && self.is_closed(end)
    }

    /// Whether a bracket closes behind the word at `at`.
    fn is_closed(&self, at: usize) -> bool {
        let end = run(&self.bytes[..self.bytes.len().min(at + PADDED_BYTES_MAX)], at, |byte| !matches!(byte, b']' | b')' | b'\n'));
        matches!(byte(self.bytes, end), b']' | b')')
    }

    /// A placeholder, or what redaction left, with the domain behind it if it was the first part of a host's name.
    fn angle(&mut self) {
        match token_end(self.text, self.at) {
            Some(end) if byte(self.bytes, end) == b'%' && byte(self.bytes, end + 1) != b'%' => self.replace(end + 1),
            Some(end) if byte(self.bytes, end) == b'.' && starts_a_name(self.bytes, self.at) => {
                self.replace(domain_end(self.bytes, end + 1).unwrap_or(end));
            }
            Some(end) => self.replace(end),
            None => self.at += 1,
        }
    }

    /// A quoted value behind words that announce someone's data, or before words that judge it.
    fn quote(&mut self) {
        let quote = self.bytes[self.at];
        self.output.fold_items(self.at);
        self.at += 1;
        if self.closing_quote == self.at - 1 || is_word(byte(self.bytes, self.at)) && is_word(byte_before(self.bytes, self.at - 1)) {
            return;
        }
        self.in_url = false;
        let window = &self.bytes[self.at..self.bytes.len().min(self.at + DATA_BYTES_MAX)];
        let Some(length) = window.iter().position(|byte| *byte == quote) else {
            return;
        };
        let closing = self.at + length;
        self.closing_quote = closing;
        let is_data = || {
            data::is_entity_tag(&self.bytes[..self.at - 1], &self.bytes[self.at..closing])
                || data::announces(&self.bytes[..self.at - 1])
                || data::is_remarked(from(self.bytes, closing + 1))
        };
        if length > 0 && is_data() {
            self.replace(closing);
        }
    }

    /// The value in `Key (email)=(…) already exists`, and the name of a host behind its address.
    fn parenthesis(&mut self) {
        let is_value = self.bytes[..self.at].ends_with(b")=");
        if let Some(end) = ids::phone_end(self.bytes, self.at) {
            return self.replace(end);
        }
        self.at += 1;
        if is_value {
            let window = &self.bytes[self.at..self.bytes.len().min(self.at + DATA_BYTES_MAX)];
            if let Some(length) = window.iter().position(|byte| *byte == b')').filter(|length| *length > 0) {
                self.replace(self.at + length);
            }
        } else if self.written(b"<*> (")
            && let Some(host) = host_at(self.bytes, self.at)
            && byte(self.bytes, host.end) == b')'
        {
            self.replace(host.end);
        }
    }

    /// What closes a list: a comma before it goes, and so do parentheses that say a variable again, or nothing about it.
    fn close(&mut self) {
        if self.written(b"<*>,") {
            self.output.drop_last(self.at, 1);
        }
        let again: usize = match self.bytes[self.at] {
            b')' if self.written(b"<*> (<*>") => 5,
            b')' if self.written(b"<*> (") => 2,
            b']' if self.written(b"<*> [<*>") => 5,
            _ => 0,
        };
        if again > 0 {
            self.output.drop_last(self.at, again);
            self.output.skip(self.at, self.at + 1);
        } else {
            self.output.fold_items(self.at);
        }
        self.at += 1;
    }

    fn slash(&mut self) {
        match paths::variable_prefix(self.text, self.at) {
            Some(end) => self.at = self.output.replace_bare(self.at, end),
            None => self.at += 1,
        }
    }

    fn colon(&mut self) {
        if from(self.bytes, self.at).starts_with(b"://") {
            return self.authority();
        }
        let before = byte_before(self.bytes, self.at);
        if byte(self.bytes, self.at + 1) == b':' && !is_word(before) && before != b'>' {
            return self.unspecified_address();
        }
        self.person(before);
    }

    /// An address that begins with colons, also with a port behind: `::1`, `:::3000`, `[::]`.
    fn unspecified_address(&mut self) {
        match from(self.bytes, self.at) {
            [b':', b':', b'1', b':', ..] => return self.replace(self.at + 3),
            [b':', b':', b':', b'0'..=b'9', ..] => return self.replace(self.at + 2),
            _ => {}
        }
        let is_any = byte_before(self.bytes, self.at) == b'[' && byte(self.bytes, self.at + 2) == b']';
        match ipv6_end(self.bytes, self.at).or(is_any.then_some(self.at + 2)) {
            Some(end) => self.replace(end),
            None => self.at += 2,
        }
    }

    fn authority(&mut self) {
        self.in_url = true;
        self.at += 3;
        let is_user_info = |byte: u8| !matches!(byte, b' ' | b'\n' | b'/' | b'"' | b'\'' | b'@');
        let end = run(self.bytes, self.at, is_user_info);
        if let Some(end) = email_end(self.bytes, self.at, end).filter(|_| byte(self.bytes, end) == b'@') {
            self.at = self.output.replace_bare(self.at, end);
        } else if end > self.at && byte(self.bytes, end) == b'@' {
            self.at = self.output.replace_bare(self.at, end);
        }
    }

    fn query(&mut self) {
        self.at += 1;
        let end = run(self.bytes, self.at, |byte| !matches!(byte, b' ' | b'\n' | b'\t' | b'"' | b'\'' | b'`' | b')' | b']' | b'}'));
        if end > self.at {
            self.at = self.output.replace_bare(self.at, end);
        }
    }

    /// The value of a key that names an account, the other end, or a person.
    fn equals(&mut self) {
        let key = last_word(&self.bytes[..self.at]);
        let before = byte_before(self.bytes, self.at);
        let may_name = key.first().is_some_and(|byte| matches!(byte | 0x20, b'c' | b'l' | b'p' | b'r' | b'u'));
        if may_name
            && (among(USER_KEYS, key) || among(REMOTE_KEYS, key))
            && let Some(end) = data::value_end(self.bytes, self.at + 1)
        {
            self.at += 1;
            return self.replace(end);
        }
        self.person(before);
    }

    /// A person's name behind `customer name:`.
    fn person(&mut self, before: u8) {
        let end = if before == b'e' { data::person_end(self.bytes, self.at) } else { None };
        self.at += 1;
        if let Some(end) = end {
            self.at = run(self.bytes, self.at, |byte| byte == b' ');
            self.replace(end);
        }
    }

    fn foreign_digits(&mut self) {
        let mut end = self.at;
        loop {
            let length = ids::foreign_digit_length(self.bytes, end);
            if length == 0 {
                break;
            }
            end += length;
        }
        if end > self.at { self.replace(end) } else { self.at += 1 }
    }

    fn word(&mut self) {
        let start = self.at;
        let (mut end, mut kinds) = (start, 0);
        while let Some(byte) = self.bytes.get(end) {
            let class = class(*byte);
            if class & (LOWER | UPPER | DIGIT) == 0 {
                break;
            }
            kinds |= class;
            end += 1;
        }
        if let Some(end) = self.email_end() {
            return self.replace(end);
        }
        if kinds & NOT_HEX == 0
            && let Some(end) = self.hex_end(end)
        {
            return self.replace(end);
        }
        let may_be_host = matches!(byte(self.bytes, end), b'-' | b'.') && is_word(byte(self.bytes, end + 1));
        if may_be_host && let Some(end) = self.host_end() {
            return self.replace(end);
        }
        if kinds & DIGIT == 0 {
            self.word_of_letters(end, kinds);
        } else if kinds & (LOWER | UPPER) == 0 || !is_letter(self.bytes[start]) {
            self.number(end, kinds);
        } else {
            self.mixed_word(end, kinds);
        }
    }

    fn find_sign(&self, at: usize) -> usize {
        let rest = &self.bytes[at..];
        if !rest.contains(&b'@') {
            return usize::MAX;
        }
        rest.iter().position(|byte| *byte == b'@').map_or(usize::MAX, |length| at + length)
    }

    fn email_end(&mut self) -> Option<usize> {
        if self.next_sign < self.at {
            self.next_sign = self.find_sign(self.at);
        }
        let is_near = self.next_sign - self.at <= MAILBOX_BYTES_MAX;
        if is_near && starts_a_name(self.bytes, self.at) { email_end(self.bytes, self.at, self.next_sign) } else { None }
    }

    /// End of what a word of hexadecimal digits begins: a UUID, an address, the hash of an object.
    fn hex_end(&self, end: usize) -> Option<usize> {
        let (bytes, start) = (self.bytes, self.at);
        match (end - start, byte(bytes, end)) {
            (8, b'-') => uuid_end(bytes, start),
            (1..=4, b':') => mac_end(bytes, start).or_else(|| ipv6_end(bytes, start)),
            (2, b'-') | (4, b'.') => mac_end(bytes, start),
            _ => None,
        }
        .or_else(|| {
            (byte_before(bytes, start) == b'@' && byte(bytes, end) != b'.' && ids::is_object_hash(bytes, start, end) && self.has_digit(end))
                .then_some(end)
        })
    }

    fn has_digit(&self, end: usize) -> bool {
        self.bytes[self.at..end].iter().any(u8::is_ascii_digit)
    }

    /// End of the name of a host that is one of many, or the other end.
    fn host_end(&self) -> Option<usize> {
        if !starts_a_name(self.bytes, self.at) {
            return None;
        }
        let host = host_at(self.bytes, self.at)?;
        (host.is_numbered || is_followed_by_address(self.bytes, host.end)).then_some(host.end)
    }

    /// Steps over a word without digits, unless it begins something that varies.
    fn word_of_letters(&mut self, end: usize, kinds: u8) {
        let (bytes, start) = (self.bytes, self.at);
        let next = byte(bytes, end);
        if let Some((start, end)) = self.data_behind(end, next) {
            self.at = start;
            return self.replace(end);
        }
        let variable_end = match end - start {
            2 if next == b'-' && bytes[start..end] == *b"ip" => dashed_address_end(bytes, start),
            1 if next == b':' => paths::drive_prefix(self.text, start),
            3..=9 if kinds & UPPER != 0 && matches!(next, b' ' | b',') && month_or_day(&bytes[start..]) => date_end(bytes, start),
            5 if byte_before(bytes, start) == b'-' && self.written(b"<*>-") && ids::is_pod_suffix(&bytes[start..end]) => Some(end),
            6..=10 if next == b'-' => ids::pod_end(bytes, start, end),
            4.. if kinds & NOT_HEX == 0 && is_hex_without_digits(&bytes[start..end]) => Some(end),
            _ => None,
        };
        let is_mixed = kinds & LOWER != 0 && kinds & UPPER != 0;
        if is_mixed
            && variable_end.is_none()
            && (matches!(next, b'-' | b'_') || end - start >= RANDOM_BYTES_MIN && is_jagged(&bytes[start..end]))
            && let Some(end) = random_end(bytes, start, || false)
        {
            return self.replace_random(end);
        }
        match variable_end {
            Some(end) => self.replace(end),
            None => {
                self.plural(end);
                self.at = end;
            }
        }
    }

    /// The account or the resource that a word without digits announces: where it begins and ends.
    fn data_behind(&self, end: usize, next: u8) -> Option<(usize, usize)> {
        let word = &self.bytes[self.at..end];
        match (word.len(), next) {
            (3, b':') if word == b"arn" => ids::account_of_resource(self.bytes, self.at),
            (4, b' ') if word.eq_ignore_ascii_case(b"user") => {
                data::user_end(self.bytes, end).map(|name| (run(self.bytes, end, |byte| byte == b' '), name))
            }
            (8, b' ') if word.eq_ignore_ascii_case(b"password") => {
                data::password_owner_end(self.bytes, end).map(|name| (end + PASSWORD_FOR.len(), name))
            }
            _ => None,
        }
    }

    /// A count may be one, so the noun behind it loses the ending of the plural.
    fn plural(&mut self, end: usize) {
        let word = &self.bytes[self.at..end];
        let [_, .., before, b's'] = word else {
            return;
        };
        let is_plural = word.len() > 3 && before.is_ascii_lowercase() && !matches!(before, b's' | b'u' | b'i') && !word.ends_with(b"oes");
        let ends = matches!(byte(self.bytes, end), b' ' | b',' | b'.' | b';' | b'(' | b')' | b']' | b'\n' | b'\t');
        if !is_plural || !ends || !(self.written(b"<*> ") || self.is_second_part_of_counted()) {
            return;
        }
        if word.ends_with(b"ies") {
            self.output.put("y", end - 3, end);
        } else {
            self.output.skip(end - 1, end);
        }
    }

    /// Whether only `sub-` or the like stands between the word and a count.
    fn is_second_part_of_counted(&self) -> bool {
        self.written(b"<*> sub-")
    }

    /// A word that begins with a digit.
    fn number(&mut self, word_end: usize, kinds: u8) {
        let (number, end) = number_at(self.bytes, self.at);
        let context = Context::new(self.bytes, self.at, end, self.output.is_joined(self.at));
        let is_value = byte_before(self.bytes, self.at) == b'_' && context.is_value_of_id();
        let keeps = match number {
            Number::Mixed => return self.leading_digits(word_end, end, kinds),
            Number::Quantity => false,
            Number::Version => context.keeps_version(),
            Number::Hex => context.keeps_hex(),
            Number::Plain => (context.keeps_number() || context.is_packed_error()) && !is_value,
        };
        if keeps {
            self.at = end;
            return;
        }
        if byte_before(self.bytes, self.at) == b':' && self.written(b"<*>]:") {
            self.unwrap_address();
        }
        let end = if number == Number::Plain { ids::number_suffix_end(self.bytes, end) } else { end };
        let account = if number == Number::Quantity { ids::account_length(self.bytes, self.at) } else { 0 };
        if account > 0 && self.written(&self.bytes[self.at - account..self.at]) {
            self.output.drop_last(self.at, account);
        }
        if is_value { self.replace_prefixed(end) } else { self.replace(end) }
    }

    /// Letters directly behind digits: a word of both, unless the digits touch a letter of another script and so are a number.
    fn leading_digits(&mut self, word_end: usize, digits_end: usize, kinds: u8) {
        let touches = byte_before(self.bytes, self.at) >= 0x80 && self.bytes[digits_end..word_end].iter().all(|byte| is_letter(*byte));
        if touches { self.replace(digits_end) } else { self.mixed_word(word_end, kinds) }
    }

    /// The brackets of an address of IPv6 go with the port.
    fn unwrap_address(&mut self) {
        if self.written(b"[<*>]:") {
            self.output.drop_last(self.at, b"[<*>]:".len());
            self.output.replace_bare(self.at, self.at);
        }
    }

    /// A word of letters and digits.
    fn mixed_word(&mut self, end: usize, kinds: u8) {
        let (bytes, start) = (self.bytes, self.at);
        let is_joined = self.output.is_joined(start);
        let context = Context::new(bytes, start, end, is_joined);
        let is_mixed = kinds & (LOWER | UPPER | DIGIT) == LOWER | UPPER | DIGIT || matches!(byte(bytes, end), b'-' | b'_' | b'+' | b'/');
        if is_mixed && let Some(end) = random_end(bytes, start, || is_joined || context.is_value_of_id()) {
            return self.replace_random(end);
        }
        if let Some(end) = self.mixed_end(end) {
            return self.replace(end);
        }
        if context.is_state_code() || context.is_packed_error() {
            self.at = end;
            return;
        }
        if let Some(version) = self.version_end() {
            let context = Context::new(bytes, start, version, false);
            return if context.keeps_version() { self.at = version } else { self.replace(version) };
        }
        match judge(&bytes[start..end]) {
            Verdict::Keep if byte_before(bytes, start) == b'$' => self.counted(end),
            Verdict::Keep | Verdict::Variable if context.is_value_of_id() => self.replace_prefixed(ids::value_end(bytes, end)),
            Verdict::Keep => self.at = end,
            Verdict::Variable if context.keeps_digits_in_name() => self.at = end,
            Verdict::Variable => self.replace(ids::number_suffix_end(bytes, end)),
            Verdict::Counted { .. } if context.is_quoted_identifier() => self.at = end,
            Verdict::Counted { .. } => self.counted(end),
        }
    }

    /// Keeps the letters and replaces the digits behind them.
    fn counted(&mut self, end: usize) {
        let letters = run(self.bytes, self.at, is_letter);
        self.at = letters;
        if letters < end {
            self.replace(end);
        }
    }

    /// End of an id that is told by more than the word, or by what stands before.
    fn mixed_end(&self, end: usize) -> Option<usize> {
        let (bytes, start) = (self.bytes, self.at);
        let word = &bytes[start..end];
        if word[0] == b'P'
            && let Some(end) = dates::duration_end(bytes, start)
        {
            return Some(end);
        }
        if byte(bytes, end) == b'-' {
            let id = ids::groups_end(bytes, start).or_else(|| ids::pod_end(bytes, start, end)).or_else(|| ids::code_end(bytes, start, end));
            if id.is_some() {
                return id;
            }
        }
        let is_whole = byte_before(bytes, start) == b'-' && self.written(b"<*>-") && ids::is_pod_suffix(word)
            || ids::is_random_suffix(bytes, start, end)
            || ids::is_log_header(bytes, start, end)
            || ids::is_made_up(bytes, start, end)
            || ids::is_in_chain(bytes, start, end)
            || self.numbers_a_counter(word);
        is_whole.then_some(end)
    }

    /// `gpu-c21`, `TID-pva2m`: behind a word that counts and a separator, one letter and digits are a number, and so are letters and
    /// digits in turns.
    fn numbers_a_counter(&self, word: &[u8]) -> bool {
        if !matches!(byte_before(self.bytes, self.at), b'-' | b'_' | b'#') {
            return false;
        }
        let is_marked =
            word.len() <= 5 && is_letter(word[0]) && !matches!(word[0], b'v' | b'V') && word[1..].iter().all(u8::is_ascii_digit);
        let before = last_word(&self.bytes[..self.at - 1]);
        let is_tid = word.len() >= 4 && before.eq_ignore_ascii_case(b"tid");
        is_tid || is_marked && is_counter(before.rsplit(|byte| *byte == b'_').next().unwrap_or_default())
    }

    /// End of `v1.2.3`.
    fn version_end(&self) -> Option<usize> {
        if matches!(self.bytes[self.at], b'v' | b'V') { version_at(self.bytes, self.at + 1) } else { None }
    }
}

/// Longest text inside brackets whose padding goes, in bytes.
const PADDED_BYTES_MAX: usize = 32;

/// Shortest word of letters that may be random, in bytes.
const RANDOM_BYTES_MIN: usize = 6;

/// Shortest random token that takes its prefix along, in bytes.
const PREFIXED_BYTES_MIN: usize = 8;

/// What stands between `password` and the name of its owner.
const PASSWORD_FOR: &str = " for ";
