//! Secrets that their shape betrays and no fixed prefix does: dotted parts, a mark in the midst, a number before.
//!
//! Those with a prefix are rows of the table in `tokens.rs`.

use super::kind::{CHAT_TOKEN, JWT, MAIL_KEY, PASSWORD_HASH, SECRET, TOKEN};
use super::scan::{byte, is_base64, is_word, looks_generated, looks_random, probe, run, run_back, starts_a_word};
use super::span::Spans;
use super::tokens::{is_alnum, is_dotted, is_hex, trim_dots};

/// A JSON web token: dotted base64url parts, the first of which is a JSON object.
pub(crate) fn find_jwt(text: &str, start: usize, _: usize, spans: &mut Spans<'_>) {
    let bytes = text.as_bytes();
    if spans.covers(start) || !text[start..].starts_with("eyJ") || !starts_a_word(bytes, start) {
        return;
    }
    let header = probe(bytes, start, is_word);
    let payload = probe(bytes, header + 1, is_word);
    if header >= start + 14 && byte(bytes, header) == b'.' && payload >= header + 9 {
        spans.add_by_format(start, trim_dots(bytes, run(bytes, payload, is_dotted)), JWT);
    }
}

/// An Azure client secret: three characters, a digit, `Q~`, and at least 31 more.
pub(crate) fn find_azure_secret(text: &str, start: usize, end: usize, spans: &mut Spans<'_>) {
    let bytes = text.as_bytes();
    let is_body = |byte| is_dotted(byte) || byte == b'~';
    if start < 4 || !bytes[start - 1].is_ascii_digit() || spans.covers(start) {
        return;
    }
    let last = probe(bytes, end, is_body);
    if last >= end + 31 && looks_generated(&bytes[end..last]) && starts_a_word(bytes, start - 4) {
        spans.add_by_format(start - 4, trim_dots(bytes, run(bytes, last, is_body)), SECRET);
    }
}

/// Skips the digits of an escape such as `%22` or `\u0022`, which are no part of what follows.
fn skip_escape(bytes: &[u8], first: usize) -> usize {
    match &bytes[first.saturating_sub(2)..first] {
        [b'\\', b'u'] => first + 4,
        [.., b'%'] | [b'\\', b'x'] => first + 2,
        _ => first,
    }
}

/// A Telegram bot token: 8 to 10 digits, a colon, and 35 characters that begin with `A`, mostly `AA`.
pub(crate) fn find_telegram(text: &str, start: usize, _: usize, spans: &mut Spans<'_>) {
    let bytes = text.as_bytes();
    let first = skip_escape(bytes, run_back(bytes, start, 14, |byte| byte.is_ascii_digit()));
    if !(8..=10).contains(&start.saturating_sub(first)) || bytes[start + 1] != b'A' || spans.covers(start) {
        return;
    }
    let last = probe(bytes, start + 1, is_word);
    let length_min = if byte(bytes, start + 2) == b'A' { 20 } else { 35 };
    if last > start + length_min && looks_generated(&bytes[start + 1..last]) {
        spans.add_by_format(first, run(bytes, last, is_word), CHAT_TOKEN);
    }
}

/// An Airtable token: `pat`, 14 characters, a dot, and 64 hex digits.
pub(crate) fn find_airtable(text: &str, start: usize, end: usize, spans: &mut Spans<'_>) {
    let bytes = text.as_bytes();
    if byte(bytes, end + 14) != b'.' || !starts_a_word(bytes, start) || !bytes[end..end + 14].iter().all(u8::is_ascii_alphanumeric) {
        return;
    }
    let last = probe(bytes, end + 15, is_hex);
    if last >= end + 15 + 16 && looks_generated(&bytes[end + 15..last]) {
        spans.add_by_format(start, last, TOKEN);
    }
}

/// An old token of Vault: `s.` and 24 letters and digits.
pub(crate) fn find_vault(text: &str, start: usize, end: usize, spans: &mut Spans<'_>) {
    let bytes = text.as_bytes();
    if bytes[start] != b's' || !starts_a_word(bytes, start) {
        return;
    }
    let last = probe(bytes, end, is_alnum);
    if last == end + 24 && bytes[end..last].iter().any(u8::is_ascii_digit) && looks_random(&bytes[end..last]) {
        spans.add_by_format(start, last, TOKEN);
    }
}

/// A token of Terraform Cloud: 14 characters, `.atlasv1.`, and 60 or more.
pub(crate) fn find_atlas(text: &str, start: usize, end: usize, spans: &mut Spans<'_>) {
    let bytes = text.as_bytes();
    let first = run_back(bytes, start, 14, is_alnum);
    let last = probe(bytes, end, is_word);
    if start - first >= 8 && last >= end + 16 && looks_generated(&bytes[end..last]) {
        spans.add_by_format(first, run(bytes, last, is_word), TOKEN);
    }
}

/// How the base64 of a number of 17 to 19 digits begins, in lower case: the id of an account of Discord.
pub(crate) const DISCORD_IDS: &[&str] = &["mt", "mj", "mz", "nd", "nt", "nj", "nz", "od", "ot"];

/// A token of a Discord bot: its id in base64, a dot, 6 characters, a dot, and 27 or more.
pub(crate) fn find_discord(text: &str, start: usize, end: usize, spans: &mut Spans<'_>) {
    let bytes = text.as_bytes();
    if !bytes[start].is_ascii_uppercase()
        || !matches!(byte(bytes, end), b'A' | b'E' | b'I' | b'M' | b'Q' | b'U' | b'Y' | b'c' | b'g' | b'k')
    {
        return;
    }
    let id = probe(bytes, start, is_alnum);
    let time = probe(bytes, id + 1, is_word);
    let last = probe(bytes, time + 1, is_word);
    let has_shape = (22..=28).contains(&(id - start)) && (5..=7).contains(&(time.saturating_sub(id + 1))) && last >= time + 1 + 25;
    if has_shape && byte(bytes, id) == b'.' && byte(bytes, time) == b'.' && starts_a_word(bytes, start) {
        spans.add_by_format(start, last, CHAT_TOKEN);
    }
}

/// A Mailchimp key: 32 hex digits, `-us`, and the number of a data centre.
pub(crate) fn find_mailchimp(text: &str, start: usize, end: usize, spans: &mut Spans<'_>) {
    let bytes = text.as_bytes();
    let first = skip_escape(bytes, run_back(bytes, start, 37, is_hex));
    let last = run(bytes, end, |byte| byte.is_ascii_digit());
    if start.saturating_sub(first) == 32 && last > end && looks_generated(&bytes[first..start]) {
        spans.add_by_format(first, last, MAIL_KEY);
    }
}

/// A password hash in the form of `crypt`.
pub(crate) fn find_crypt(text: &str, start: usize, end: usize, spans: &mut Spans<'_>) {
    let bytes = text.as_bytes();
    let is_body = |byte| is_base64(byte) || matches!(byte, b'.' | b'$' | b',');
    if spans.covers(start) {
        return;
    }
    let probed = probe(bytes, end, is_body);
    if probed >= end + 20 && looks_generated(&bytes[end..probed]) {
        spans.add_by_format(start, trim_dots(bytes, run(bytes, probed, is_body)), PASSWORD_HASH);
    }
}
