//! What a pass writes: the text as it is, and placeholders in place of what varies.
//!
//! Text that stays is copied late, in one piece, so a pass that changes nothing writes nothing. Placeholders with only a separator
//! between become one, and so do repeated items of a list. Decides nothing about what varies.

use super::PLACEHOLDER;
use super::class::{byte, byte_before, is_letter, is_word, last_word};
use super::names::is_counter;

/// The text so far. What is before `copied` has been written or replaced, what is between there and `at` stays as it is.
pub(crate) struct Output<'a> {
    text: &'a str,
    bytes: &'a [u8],
    copied: usize,
    out: String,
    is_changed: bool,
    /// Whether the item of a list that is being written has a placeholder.
    has_placeholder: bool,
    /// Whether an item with a placeholder has ended at a separator.
    is_list: bool,
}

/// Longest text that may stand between two placeholders that become one, in bytes, with a placeholder.
const TAIL_BYTES: usize = 8;

/// Longest item of a list that is compared with the one before, in bytes.
const ITEM_BYTES_MAX: usize = 64;

impl<'a> Output<'a> {
    pub(crate) fn new(text: &'a str) -> Output<'a> {
        Output { text, bytes: text.as_bytes(), copied: 0, out: String::new(), is_changed: false, has_placeholder: false, is_list: false }
    }

    /// The whole text with all up to `at`, or nothing if it is as it was.
    pub(crate) fn finish(mut self, at: usize) -> Option<String> {
        self.fold_items(at);
        if self.last_byte(at) == Some(b' ') {
            self.flush(at);
            self.out.truncate(self.out.trim_end_matches(' ').len());
            self.is_changed = true;
        }
        if self.is_changed {
            self.flush(at);
        }
        self.is_changed.then_some(self.out)
    }

    /// Whether nothing has been written before `at`.
    pub(crate) fn is_empty(&self, at: usize) -> bool {
        self.copied == at && self.out.is_empty()
    }

    /// Whether what is written up to `at` ends so.
    pub(crate) fn ends_with(&self, at: usize, suffix: &[u8]) -> bool {
        let pending = &self.bytes[self.copied..at];
        if pending.len() >= suffix.len() {
            return pending.ends_with(suffix);
        }
        let (before, after) = suffix.split_at(suffix.len() - pending.len());
        pending == after && self.out.as_bytes().ends_with(before)
    }

    /// Whether a placeholder and one byte more end what is written up to `at`.
    pub(crate) fn is_joined(&self, at: usize) -> bool {
        let tail = self.tail(at);
        at > 0 && tail[..TAIL_BYTES - 1].ends_with(PLACEHOLDER.as_bytes())
    }

    /// Leaves out the text from `at` to `end`.
    pub(crate) fn skip(&mut self, at: usize, end: usize) {
        self.flush(at);
        self.copied = end;
        self.is_changed = true;
    }

    /// Writes something else in place of the text from `at` to `end`.
    pub(crate) fn put(&mut self, text: &str, at: usize, end: usize) {
        self.skip(at, end);
        self.out.push_str(text);
    }

    /// Takes away the last `count` bytes of what is written up to `at`. They must be ASCII.
    pub(crate) fn drop_last(&mut self, at: usize, count: usize) {
        self.flush(at);
        self.out.truncate(self.out.len() - count);
        self.is_changed = true;
    }

    /// Writes a placeholder for the text from `at` to `end`. A sign before it goes, and so does what parts a word that counts from
    /// its number; a placeholder before it that only a separator parts takes it in.
    pub(crate) fn replace(&mut self, at: usize, mut end: usize) -> usize {
        if self.drop_sign(at) == Some(b'<') && byte(self.bytes, end) == b'>' {
            end += 1;
        }
        self.replace_bare(at, end)
    }

    /// Like [`Output::replace`] for what has no sign.
    pub(crate) fn replace_bare(&mut self, at: usize, end: usize) -> usize {
        self.has_placeholder = true;
        if let Some(length) = self.joiner_length(at) {
            self.drop_last(at, length);
            self.skip(at.max(self.copied), end);
            return end;
        }
        if self.copied <= at && &self.bytes[at..end] == PLACEHOLDER.as_bytes() {
            return end;
        }
        self.skip(at.max(self.copied), end);
        self.out.push_str(PLACEHOLDER);
        end
    }

    /// Repeated items become one: `a1, a2, a3`. What is written up to `at` ends with an item.
    pub(crate) fn fold_items(&mut self, at: usize) {
        if !std::mem::take(&mut self.has_placeholder) {
            return;
        }
        let is_phrase = self.is_single_placeholder(at);
        if is_phrase && !self.ends_phrase(at) {
            return;
        }
        self.flush(at);
        let written = self.out.as_bytes();
        let start = if is_phrase { phrase_start(written) } else { Some(item_start(written)) };
        if let Some(length) = start.and_then(|start| folded_length(written, start)) {
            self.out.truncate(length);
            self.is_changed = true;
        }
    }

    /// Whether an item of several words may end at `at`, and is not the first with a placeholder.
    fn ends_phrase(&mut self, at: usize) -> bool {
        matches!(self.bytes.get(at), None | Some(b',' | b';')) && std::mem::replace(&mut self.is_list, true)
    }

    /// Whether the item that ends at `at` is a placeholder and nothing else, as most are. Those have been joined already.
    fn is_single_placeholder(&self, at: usize) -> bool {
        let tail = self.tail(at);
        tail.ends_with(PLACEHOLDER.as_bytes()) && is_delimiter(tail[TAIL_BYTES - PLACEHOLDER.len() - 1])
    }

    fn flush(&mut self, at: usize) {
        if at > self.copied {
            if self.out.capacity() == 0 {
                self.out.reserve(self.text.len());
            }
            self.out.push_str(&self.text[self.copied..at]);
            self.copied = at;
        }
    }

    fn last_byte(&self, at: usize) -> Option<u8> {
        if at > self.copied { Some(self.bytes[at - 1]) } else { self.out.as_bytes().last().copied() }
    }

    /// The last bytes of what is written up to `at`, with spaces in front where there are fewer.
    fn tail(&self, at: usize) -> [u8; TAIL_BYTES] {
        let mut tail = [b' '; TAIL_BYTES];
        let pending = &self.bytes[self.copied..at];
        if let Some(last) = pending.last_chunk() {
            return *last;
        }
        let (before, after) = tail.split_at_mut(TAIL_BYTES - pending.len());
        after.copy_from_slice(pending);
        let written = self.out.as_bytes();
        let count = before.len().min(written.len());
        let start = before.len() - count;
        before[start..].copy_from_slice(&written[written.len() - count..]);
        tail
    }

    /// How much stands between the placeholder before and `at`, if that joins two variables to one.
    fn joiner_length(&self, at: usize) -> Option<usize> {
        let tail = self.tail(at);
        let placeholder = tail.iter().rposition(|byte| *byte == b'>')? + 1;
        let joiner = &tail[placeholder..];
        (tail[..placeholder].ends_with(PLACEHOLDER.as_bytes()) && is_joiner(joiner)).then_some(joiner.len())
    }

    /// Takes away a sign, the mark of a weak tag, or what parts a counting word from its number. Returns what went.
    fn drop_sign(&mut self, at: usize) -> Option<u8> {
        let tail = self.tail(at);
        let [.., before, sign] = tail;
        if is_word(sign) || sign == b' ' {
            return None;
        }
        let drops = match sign {
            b'-' | b'+' if !(is_word(before) || matches!(before, b'>' | b'-' | b'+')) => true,
            b'<' | b'>' | b'~' => before == b' ',
            b'-' | b'_' | b'#' => self.follows_counter(at),
            b'"' if tail.ends_with(b"W/\"") && !is_word(tail[TAIL_BYTES - 4]) => {
                self.drop_last(at, 3);
                self.out.push('"');
                return Some(sign);
            }
            _ => false,
        };
        if !drops || self.is_empty(at) {
            return None;
        }
        self.drop_last(at, 1);
        Some(sign)
    }

    fn follows_counter(&self, at: usize) -> bool {
        let written = if self.copied < at { &self.bytes[..at] } else { self.out.as_bytes() };
        let word = written.split_last().map_or(&b""[..], |(_, before)| last_word(before));
        let word = word.rsplit(|byte| *byte == b'_').next().unwrap_or_default();
        word.last().is_some_and(|byte| is_letter(*byte)) && is_counter(word)
    }
}

/// What may stand between two variables that count as one.
fn is_joiner(text: &[u8]) -> bool {
    match text {
        [] => true,
        [byte] => matches!(byte, b' ' | b'.' | b':' | b'-' | b'_' | b'/' | b',' | b'x' | b'|' | b'\\' | b'@' | b'+'),
        [b',' | b';', b' '] | [b'.', b'.'] | [b'.', b'.', b'.'] | [b' ', b'-', b' '] => true,
        [0xc3, 0x97] | [b' ', 0xc3, 0x97, b' '] => true,
        [b'\'', b',', b' ', b'\''] | [b'"', b',', b' ', b'"'] | [b')', b',', b' ', b'('] | [b']', b',', b' ', b'['] => true,
        _ => false,
    }
}

fn is_delimiter(byte: u8) -> bool {
    matches!(byte, b' ' | b',' | b'(' | b'[' | b'{' | b'"' | b'\'' | b'`')
}

/// Length of what is written without the item that begins at `start`, if the same item stands before it.
fn folded_length(written: &[u8], start: usize) -> Option<usize> {
    let (before, item) = written.split_at(start);
    let separator = [&b", "[..], b"; ", b" ", b","].into_iter().find(|separator| before.ends_with(separator))?;
    let before = &before[..before.len() - separator.len()];
    let is_item = !item.is_empty()
        && item.len() < ITEM_BYTES_MAX
        && before.ends_with(item)
        && is_delimiter(byte_before(before, before.len() - item.len()));
    is_item.then_some(start - separator.len())
}

/// Where the item of several words begins that ends a list: `tag 14, tag 15`.
fn phrase_start(written: &[u8]) -> Option<usize> {
    let low = written.len().saturating_sub(ITEM_BYTES_MAX);
    written[low..].windows(2).rposition(|pair| matches!(pair, b", " | b"; ")).map(|at| low + at + 2)
}

fn item_start(written: &[u8]) -> usize {
    let low = written.len().saturating_sub(ITEM_BYTES_MAX);
    let mut start = written.len();
    while start > low && !is_delimiter(byte_before(written, start)) {
        start -= 1;
    }
    start
}
