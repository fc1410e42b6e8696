//! Numbers whose form says that they are codes: arities of functions, replies of mail servers, versions of wire protocols.
//!
//! What a word beside a number says is in `context`. Looks a bounded way back and changes nothing.

use super::class::{byte, byte_before, from, is_digit, is_letter, is_word, run, run_back};
use super::lists::{DOMAINS, ENDINGS, among};

/// Longest name of a function with its module, in bytes.
const FUNCTION_BYTES_MAX: usize = 96;

/// Longest name of a wire protocol, in bytes.
const PROTOCOL_BYTES_MAX: usize = 64;

/// How far before a number the word may stand that says what it is about, in bytes.
const WORDS_BYTES_MAX: usize = 96;

/// Whether a number is how many arguments a function takes: `Shop.Cart.total/2`, `cart_store:put/3`.
pub(crate) fn is_arity(bytes: &[u8], start: usize, end: usize) -> bool {
    if end - start > 2 || byte_before(bytes, start) != b'/' || matches!(byte(bytes, end), b'/' | b'.' | b'-' | b':' | b'_') {
        return false;
    }
    let name_end = start - 1;
    let name_start =
        run_back(bytes, name_end, FUNCTION_BYTES_MAX, |byte| is_word(byte) || matches!(byte, b'_' | b'.' | b':' | b'?' | b'!'));
    let name = &bytes[name_start..name_end];
    let Some(dot) = name.iter().rposition(|byte| matches!(byte, b'.' | b':')) else {
        return ends_with_any(&bytes[..name_start], &["function ", "callback "]) && name.first().is_some_and(|byte| is_letter(*byte));
    };
    let function = &name[dot + 1..];
    let is_name = |part: &[u8]| part.first().is_some_and(|byte| is_letter(*byte) || *byte == b'_');
    let module = name[..dot].rsplit(|byte| matches!(byte, b'.' | b':')).next().unwrap_or_default();
    let is_file = name[dot] == b'.' && (among(ENDINGS, function) || among(DOMAINS, function));
    is_name(function) && is_name(module) && !is_file && byte_before(bytes, name_start) != b'/'
}

/// Whether three numbers are the enhanced status behind a mail server's reply: `550 5.1.1`, or behind its key.
pub(crate) fn is_enhanced_status(bytes: &[u8], start: usize, end: usize) -> bool {
    let Some(before) = start.checked_sub(1).filter(|_| end - start <= 8 && is_status_triple(&bytes[start..end])) else {
        return false;
    };
    let reply = bytes[..before].last_chunk::<3>();
    let follows_reply = matches!(bytes[before], b' ' | b'-')
        && reply.is_some_and(|reply| reply.iter().all(|byte| is_digit(*byte)) && reply[0] == bytes[start])
        && !is_word(byte_before(bytes, before - 3));
    follows_reply || bytes[..start].ends_with(b"dsn=")
}

/// Whether a mail server's reply has its enhanced status behind it.
pub(crate) fn has_enhanced_status(bytes: &[u8], start: usize, end: usize) -> bool {
    let next = end + 1;
    let triple = run(&bytes[..bytes.len().min(next + 9)], next, |byte| is_digit(byte) || byte == b'.');
    matches!(byte(bytes, end), b' ' | b'-') && byte(bytes, next) == bytes[start] && is_status_triple(&bytes[next.min(triple)..triple])
}

fn is_triple(text: &[u8]) -> bool {
    text.iter().filter(|byte| **byte == b'.').count() == 2
}

/// `5.7.26`: a class, a subject, a detail.
fn is_status_triple(text: &[u8]) -> bool {
    if !is_triple(text) {
        return false;
    }
    let mut parts = text.split(|byte| *byte == b'.');
    let mut is_part = |length_max: usize| parts.next().is_some_and(|part| (1..=length_max).contains(&part.len()));
    matches!(text.first(), Some(b'2' | b'4' | b'5')) && is_part(1) && is_part(2) && is_part(3) && !is_part(3)
}

/// Whether three numbers are the version of a wire protocol, `/chain/sync/1.1.0`, in a text that speaks of protocols.
pub(crate) fn is_protocol_version(bytes: &[u8], start: usize, end: usize) -> bool {
    if byte_before(bytes, start) != b'/' || is_word(byte(bytes, end)) || end - start > 8 || !is_triple(&bytes[start..end]) {
        return false;
    }
    let name_start = run_back(bytes, start, PROTOCOL_BYTES_MAX, |byte| is_word(byte) || matches!(byte, b'/' | b'-' | b'_'));
    let name = &bytes[name_start..start];
    let words = &bytes[name_start.saturating_sub(WORDS_BYTES_MAX)..name_start];
    name[0] == b'/'
        && name.len() > 2
        && is_letter(name[1])
        && (["protocol", "multistream", "negotiat"].iter().any(|row| has_word(words, row)) || name.starts_with(b"/ipfs/"))
}

/// Whether a number in parentheses is the error behind a quoted file, socket or server at the end of a sentence:
/// `cannot connect through '/run/db.sock' (13)`.
pub(crate) fn is_error_of_file(bytes: &[u8], start: usize, end: usize) -> bool {
    if end - start > 3 || byte_before(bytes, start) != b'(' {
        return false;
    }
    let after = from(bytes, end);
    let closes = after.first() == Some(&b')') && matches!(after.get(1), None | Some(b'\n' | b'.' | b',' | b';' | b'"'));
    if !closes || !ends_with_any(&bytes[..start], &["' (", "\" ("]) {
        return false;
    }
    let words = &bytes[start.saturating_sub(WORDS_BYTES_MAX)..start];
    ["connect", "open", "socket", "bind", "read file", "write file", "create file"].iter().any(|row| has_word(words, row))
}

fn ends_with_any(bytes: &[u8], rows: &[&str]) -> bool {
    rows.iter().any(|row| bytes.ends_with(row.as_bytes()))
}

fn has_word(bytes: &[u8], row: &str) -> bool {
    bytes.windows(row.len()).any(|text| text.eq_ignore_ascii_case(row.as_bytes()))
}
