//! Tokens that chance wrote: ids in alphabets of 62 or 64 characters, told from names by their letters.
//!
//! Splits a token into the words that a reader would see in it, at changes of case, digits and separators. Names are made of words
//! that can be spoken; what a random source writes is not. Looks at one token and nothing around it.

use super::class::{LOWER, UPPER, byte, class, is_digit, is_letter, is_word, run};

/// Longest token that is judged, in bytes. Of a longer one the beginning decides.
const TOKEN_BYTES_MAX: usize = 96;

/// Shortest token that is judged, in bytes.
const TOKEN_BYTES_MIN: usize = 5;

/// Fewest characters of a token that has digits: shorter ones look like names too often.
const CHARACTERS_MIN: usize = 6;

/// Fewest characters of a token that has no digits, or that has the separators of paths.
const LONG_MIN: usize = 14;

/// For each letter, those that hardly ever follow it inside a word of English or of a program.
const RARE: [&[u8]; 26] = [
    b"",
    b"bdfhnpqx",
    b"jz",
    b"jnqtxz",
    b"jz",
    b"dghjnpqvwx",
    b"bdfjqvz",
    b"dfhjnqvx",
    b"hjquy",
    b"bcdfimnqrtuvxy",
    b"hjmopqrtvxy",
    b"hjmnqrxz",
    b"fhjknqrtvwxy",
    b"qrwxz",
    b"ehjqyz",
    b"fjmnqwxz",
    b"abcdefhijklmnopqstvxyz",
    b"hjqxz",
    b"jz",
    b"bjknvz",
    b"hjkquvxyz",
    b"bdfjklnpqvxyz",
    b"bdfjlmpqtuvyz",
    b"abdfhjklmnoqrsuxz",
    b"adfhjkqruvxyz",
    b"fhjklmnpqrtuvwxyz",
];

/// The letters above as bits.
static RARE_AFTER: [u32; 26] = {
    let mut masks = [0; 26];
    let mut row = 0;
    while row < 26 {
        let mut at = 0;
        while at < RARE[row].len() {
            masks[row] |= 1 << (RARE[row][at] - b'a');
            at += 1;
        }
        row += 1;
    }
    masks
};

/// End of the random token that begins at `at`, with the padding behind it. Less is enough where the text announces an id.
pub(crate) fn random_end(bytes: &[u8], at: usize, is_announced: impl Fn() -> bool) -> Option<usize> {
    let window = &bytes[..bytes.len().min(at + TOKEN_BYTES_MAX)];
    let (mut plain, mut kinds) = (at, 0);
    while plain < window.len() && (is_word(window[plain]) || matches!(window[plain], b'_' | b'-')) {
        kinds |= class(window[plain]);
        plain += 1;
    }
    if kinds & LOWER == 0 || kinds & UPPER == 0 {
        return None;
    }
    let is_part = matches!(byte(window, plain), b'+' | b'/');
    if plain - at < TOKEN_BYTES_MIN && !is_part {
        return None;
    }
    let letters = Letters::of(&window[at..plain]);
    if !letters.is_mixed || begins_with_word(&window[at..plain]) {
        return None;
    }
    let is_announced = is_announced();
    let is_random = letters.are_random() || is_announced && letters.are_unspoken();
    if is_part {
        let end = run(window, plain, is_base64);
        let whole = Letters::of(&window[at..end]);
        let goes_on = is_random && (window[plain..end].contains(&b'+') || byte(window, end) == b'=') && letters.characters >= LONG_MIN;
        if goes_on || whole.are_base64() || is_announced && whole.has_digit && whole.characters > LONG_MIN && whole.are_unspoken() {
            return Some(padding_end(bytes, whole_end(bytes, end, window.len())));
        }
    }
    let end = at + trim(&window[at..plain]);
    (is_random && !is_called(bytes, at, end)).then(|| padding_end(bytes, whole_end(bytes, end, window.len())))
}

/// Whether a word of small letters and digits has nothing in it that can be spoken.
pub(crate) fn is_unspoken(word: &[u8]) -> bool {
    let mut letters = Letters::default();
    letters.add_segments(word);
    letters.spoken == 0 && word.iter().any(u8::is_ascii_lowercase)
}

/// Whether a token is a word with something behind a separator: what is random in `Cart-Bq7xR_2k` begins behind it.
fn begins_with_word(token: &[u8]) -> bool {
    let end = run(token, 0, is_word);
    end < token.len() && end >= 3 && segment_end(&token[..end], 0) == end && is_spoken(&token[..end])
}

/// Whether the first letters of a word of six or more change their case as often as in hardly any name.
pub(crate) fn is_jagged(word: &[u8]) -> bool {
    if matches!(word, [_, one, two, three, ..] if class(*one) & class(*two) & class(*three) & LOWER != 0) {
        return false;
    }
    let head = &word[..word.len().min(JAGGED_BYTES)];
    head.windows(2).filter(|pair| pair[0].is_ascii_uppercase() != pair[1].is_ascii_uppercase()).count() >= 3
}

/// How many letters are looked at before a word without digits is judged, in bytes.
const JAGGED_BYTES: usize = 8;

fn is_base64(byte: u8) -> bool {
    is_word(byte) || matches!(byte, b'_' | b'-' | b'+' | b'/')
}

/// Length of a token without the separators behind it.
fn trim(token: &[u8]) -> usize {
    token.iter().rposition(|byte| is_word(*byte)).map_or(0, |last| last + 1)
}

/// End of a token that is longer than what is judged of it.
fn whole_end(bytes: &[u8], end: usize, limit: usize) -> usize {
    if end < limit { end } else { run(bytes, end, is_base64) }
}

/// The `==` of base64, if it does not begin a value.
fn padding_end(bytes: &[u8], end: usize) -> usize {
    let padded = run(&bytes[..bytes.len().min(end + 2)], end, |byte| byte == b'=');
    if is_word(byte(bytes, padded)) || matches!(byte(bytes, padded), b'"' | b'\'' | b'=' | b'<') && padded == end + 1 {
        end
    } else {
        padded
    }
}

/// Whether a token is called, has members or is one, so that it is a name.
fn is_called(bytes: &[u8], at: usize, end: usize) -> bool {
    byte(bytes, end) == b'(' || bytes[..at].ends_with(b"::") || byte(bytes, end) == b':' && byte(bytes, end + 1) == b':'
}

/// What the characters of a token are.
#[derive(Default)]
struct Letters {
    characters: usize,
    /// How many of them are in words that can be spoken, or in parts of one case.
    spoken: usize,
    segments: usize,
    has_digit: bool,
    /// Whether a part has letters of both cases.
    is_mixed: bool,
}

impl Letters {
    fn of(token: &[u8]) -> Letters {
        let mut letters = Letters::default();
        for part in token.split(|byte| !is_word(*byte)) {
            letters.add_part(part);
        }
        letters
    }

    fn add_part(&mut self, part: &[u8]) {
        let count = part.iter().filter(|byte| is_letter(**byte)).count();
        let capitals = part.iter().filter(|byte| byte.is_ascii_uppercase()).count();
        self.has_digit |= count < part.len();
        if capitals > 0 && capitals < count {
            self.is_mixed = true;
            self.characters += part.len();
            self.add_segments(part);
        } else if count >= 3 {
            self.characters += part.len();
            self.spoken += part.len();
            self.segments += 1;
        } else if count > 0 && count < part.len() {
            self.characters += part.len();
            self.segments += 2;
        }
    }

    fn add_segments(&mut self, part: &[u8]) {
        let mut at = 0;
        while at < part.len() {
            let end = segment_end(part, at);
            if is_spoken(&part[at..end]) {
                self.spoken += end - at;
            }
            self.segments += 1;
            at = end;
        }
    }

    fn are_random(&self) -> bool {
        let has_digits = self.has_digit && self.characters >= CHARACTERS_MIN && self.segments >= 4;
        let is_long = self.characters >= LONG_MIN && self.segments * 3 >= self.characters;
        let is_jagged = self.characters >= CHARACTERS_MIN && self.segments * 2 > self.characters;
        self.are_unspoken() && self.segments * 4 >= self.characters && (has_digits || is_long || is_jagged)
    }

    /// Whether words are the smaller part.
    fn are_unspoken(&self) -> bool {
        self.is_mixed && self.spoken * 2 < self.characters && self.segments >= 3
    }

    fn are_base64(&self) -> bool {
        self.are_random() && self.has_digit && self.characters > LONG_MIN && self.spoken * 3 < self.characters
    }
}

/// End of the digits, the capitals, or the word with or without a capital in front, that begins at `at`.
fn segment_end(part: &[u8], at: usize) -> usize {
    if is_digit(part[at]) {
        return run(part, at, is_digit);
    }
    let capitals = run(part, at, |byte| byte.is_ascii_uppercase());
    let small = run(part, capitals, |byte| byte.is_ascii_lowercase());
    match capitals - at {
        0 | 1 => small,
        _ if small > capitals => capitals - 1,
        _ => capitals,
    }
}

/// Whether a segment can be a word, or capitals that stand for words.
fn is_spoken(segment: &[u8]) -> bool {
    if is_digit(segment[0]) || segment.len() == 1 {
        return false;
    }
    let rare = segment.windows(2).filter(|pair| is_rare(pair[0], pair[1])).count();
    if segment[1].is_ascii_uppercase() {
        return segment.len() <= 3 || rare * 3 < segment.len();
    }
    let has_vowel = segment.iter().any(|byte| matches!(byte | 0x20, b'a' | b'e' | b'i' | b'o' | b'u' | b'y'));
    segment.len() >= 3 && has_vowel && rare * 4 < segment.len()
}

fn is_rare(one: u8, other: u8) -> bool {
    let index = |byte: u8| usize::from((byte | 0x20).wrapping_sub(b'a'));
    RARE_AFTER.get(index(one)).is_some_and(|mask| mask >> (index(other) % 32) & 1 == 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn random_tokens_are_found_whole() {
        for token in [
            "hR4nZ-2TbC8wKq5_JsVdE",
            "V1StGXR8Z5jdHi6B",
            "xKq_9-wLp0z",
            "vTqRzLpXwKbNdGfHsJmYc",
            "Wq7xZ_2p",
            "eHVkbQ",
            "u8Rk2Qx1ZpLw+9sT0vBn/4mYcKd==",
        ] {
            assert_eq!(random_end(token.as_bytes(), 0, || false), Some(token.len()), "{token}");
        }
    }

    #[test]
    fn names_are_none() {
        for name in [
            "AES-128-GCM",
            "Win7-SRV08R2-Package-TopLevel",
            "TLS_AES_128_GCM_SHA256",
            "aarch64-unknown-linux-gnu",
            "SimpleAsyncTaskExecutor-1",
            "Base64UrlEncoder",
            "X509_get0_pubkey_bitstr",
            "HttpURLConnection",
            "MaxPool2d",
            "UnsatisfiedDependencyException",
            "JDBC4ResultSet",
            "ISO8601DateFormat",
            "XMLHttpRequest",
            "com/shop/CartV2Controller",
            "bXkQ9z2Lp(4)",
        ] {
            assert_eq!(random_end(name.as_bytes(), 0, || false), None, "{name}");
        }
    }
}
