//! Which errors are the same.
//!
//! A fingerprint is SHA-256 over length-prefixed fields: version of the algorithm, error type, normalised message, in-app frames. A
//! change that moves a fingerprint needs a new version besides the former one, see [`Algorithms`], or a mesh of two versions files an issue
//! twice; `tests/data/golden.txt` notices.

use std::fmt;
use std::str::FromStr;

use serde::de::{Deserializer, Visitor};
use serde::ser::Serializer;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::frames::in_app_frames;
use crate::normalise::{normalise, normalise_type};
use crate::redact::redact;

/// One version of what decides a fingerprint. Redaction comes before and belongs to none of them.
#[derive(Clone, Copy, Debug)]
pub struct Algorithm {
    /// Its number, from 1. It is hashed in, as `hn1`, and stands in the marker of an issue, as `v1`.
    pub version: u16,
    /// Takes the generated parts out of a redacted error type.
    pub error_type: fn(&str) -> String,
    /// Takes out of a redacted message what varies.
    pub normalise: fn(&str) -> String,
    /// Takes out of a redacted trace the frames that count, innermost first.
    pub frames: fn(&str) -> Vec<String>,
}

/// The versions that a node computes.
#[derive(Clone, Copy, Debug)]
pub struct Algorithms {
    /// The one that new errors are filed under.
    pub current: Algorithm,
    /// The one before. Errors that are known by it are followed under it, and so are all while a live node knows no other.
    pub former: Option<Algorithm>,
}

impl Algorithms {
    /// Those of this build. Whoever changes what `current` gives for any text makes it the former one first.
    pub const BUILT_IN: Algorithms =
        Algorithms { current: Algorithm { version: 1, error_type: normalise_type, normalise, frames: in_app_frames }, former: None };
}

impl Default for Algorithms {
    fn default() -> Algorithms {
        Algorithms::BUILT_IN
    }
}

/// The part of a report's own fingerprint that stands for the computed one, as Sentry SDKs write it.
pub const DEFAULT_PART: &str = "{{ default }}";

/// What is the same for all occurrences of one error on every node: 32 bytes.
///
/// Displays as 64 hex digits and reads them in any case. `Debug` shows the first 12. In a binary format it is a byte string,
/// in a readable one the hex digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// Takes the 32 bytes of a fingerprint.
    pub fn from_bytes(bytes: [u8; 32]) -> Fingerprint {
        Fingerprint(bytes)
    }

    /// The 32 bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// How many hex digits people are shown: enough to tell a million apart, and to give to another command.
    pub const SHORT_DIGITS: usize = 12;

    /// The first [`SHORT_DIGITS`](Fingerprint::SHORT_DIGITS), for people.
    pub fn short(&self) -> String {
        hex(&self.0[..Fingerprint::SHORT_DIGITS / 2])
    }

    /// The same of a fingerprint that is a text. Of any other text, as many characters.
    pub fn short_of(text: &str) -> &str {
        text.char_indices().nth(Fingerprint::SHORT_DIGITS).map_or(text, |(end, _)| &text[..end])
    }

    /// The first 32 hex digits, as they stand in the marker of an issue.
    pub fn marker(&self) -> String {
        hex(&self.0[..16])
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&hex(&self.0))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.short())
    }
}

impl FromStr for Fingerprint {
    type Err = FingerprintFormatError;

    fn from_str(text: &str) -> Result<Fingerprint, FingerprintFormatError> {
        let digits = text.as_bytes();
        if digits.len() != 64 {
            return Err(FingerprintFormatError::Length { got: digits.len() });
        }
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = nibble(pair[0])? << 4 | nibble(pair[1])?;
        }
        Ok(Fingerprint(bytes))
    }
}

impl Serialize for Fingerprint {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            return serializer.collect_str(self);
        }
        serde_bytes::Bytes::new(&self.0).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Fingerprint {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Fingerprint, D::Error> {
        if deserializer.is_human_readable() {
            return deserializer.deserialize_str(HexVisitor);
        }
        serde_bytes::ByteArray::<32>::deserialize(deserializer).map(|bytes| Fingerprint(bytes.into_array()))
    }
}

struct HexVisitor;

impl Visitor<'_> for HexVisitor {
    type Value = Fingerprint;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a fingerprint of 64 hex digits")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Fingerprint, E> {
        text.parse().map_err(E::custom)
    }
}

/// The text is no fingerprint.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum FingerprintFormatError {
    /// It has another length.
    #[error("a fingerprint has 64 hex digits, this has {got}")]
    Length {
        /// Its length, in bytes.
        got: usize,
    },
    /// It has a character that is no hex digit.
    #[error("a fingerprint has 64 hex digits and nothing else")]
    NotHex,
}

/// How a fingerprint came about: what was hashed.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize)]
pub struct Explanation {
    /// The fingerprint.
    pub fingerprint: Fingerprint,
    /// The version of the algorithm that it is of.
    pub version: u16,
    /// The fingerprint by the other version in use, with its number.
    pub other: Option<(Fingerprint, u16)>,
    /// The redacted error type, without its generated parts.
    pub error_type: String,
    /// The redacted and normalised message.
    pub message: String,
    /// The in-app frames nearest the throw, `basename:function`, innermost first; behind them the innermost cause of a chain, as
    /// `caused by type: message`.
    pub frames: Vec<String>,
    /// The report's own fingerprint, which takes the place of the above where it does not name it with [`DEFAULT_PART`]; empty for none.
    pub parts: Vec<String>,
    /// The number of the operator's rule that leaves it out, from 1.
    #[serde(skip)]
    pub(crate) ignored_by: Option<usize>,
}

/// Fingerprints an error: redacts, normalises, then hashes. `stack` is the trace as its language prints it.
pub fn fingerprint(error_type: &str, message: &str, stack: Option<&str>) -> Explanation {
    let stack = stack.map(redact);
    let redacted =
        Redacted { error_type: &redact(error_type), message: &redact(message), stack: stack.as_deref(), frames: None, parts: &[] };
    redacted.explain(&Algorithms::BUILT_IN)
}

/// What a fingerprint is made from, redacted.
pub(crate) struct Redacted<'a> {
    pub(crate) error_type: &'a str,
    pub(crate) message: &'a str,
    pub(crate) stack: Option<&'a str>,
    /// Frames that were chosen by a rule, in the place of those that the algorithm takes from the stack.
    pub(crate) frames: Option<&'a [String]>,
    /// The report's own fingerprint.
    pub(crate) parts: &'a [String],
}

impl Redacted<'_> {
    /// Fingerprints by the current version, and by the former one if there is one.
    pub(crate) fn explain(&self, algorithms: &Algorithms) -> Explanation {
        let explanation = self.explain_by(&algorithms.current);
        let other = algorithms.former.as_ref().map(|former| (self.explain_by(former).fingerprint, former.version));
        Explanation { other, ..explanation }
    }

    fn explain_by(&self, algorithm: &Algorithm) -> Explanation {
        let error_type = (algorithm.error_type)(self.error_type);
        let message = (algorithm.normalise)(self.message);
        let frames = match (self.frames, self.stack) {
            (Some(frames), _) => frames.to_vec(),
            (None, Some(stack)) => (algorithm.frames)(stack),
            (None, None) => Vec::new(),
        };
        let mut hash = Fields::new(algorithm.version);
        hash.field(&error_type);
        hash.field(&message);
        for frame in &frames {
            hash.field(frame);
        }
        let computed = hash.finish();
        let parts: Vec<String> = if self.parts.iter().all(|part| is_default(part)) { Vec::new() } else { self.parts.to_vec() };
        let fingerprint = if parts.is_empty() { computed } else { of_parts(algorithm.version, &parts, computed) };
        Explanation { fingerprint, version: algorithm.version, other: None, error_type, message, frames, parts, ignored_by: None }
    }
}

fn is_default(part: &str) -> bool {
    part.split_whitespace().collect::<String>() == "{{default}}"
}

/// Hashes a report's own list of parts, `computed` in the place of the default one.
fn of_parts(version: u16, parts: &[String], computed: Fingerprint) -> Fingerprint {
    let mut hash = Fields::new(version);
    hash.field("parts");
    for part in parts {
        if is_default(part) { hash.field(&computed.to_string()) } else { hash.field(part) }
    }
    hash.finish()
}

impl Explanation {
    /// Takes the other version's fingerprint for the fingerprint, and the other way round. Nothing happens when there is no other.
    pub(crate) fn swap(&mut self) {
        if let Some((other, version)) = &mut self.other {
            std::mem::swap(&mut self.fingerprint, other);
            std::mem::swap(&mut self.version, version);
        }
    }
}

/// Fields to be hashed, each with its length first, so that text cannot move from one field to the next.
struct Fields(Vec<u8>);

impl Fields {
    fn new(version: u16) -> Fields {
        let mut fields = Fields(Vec::with_capacity(512));
        fields.field(&format!("hn{version}"));
        fields
    }

    fn field(&mut self, text: &str) {
        self.0.extend_from_slice(&(text.len() as u64).to_be_bytes());
        self.0.extend_from_slice(text.as_bytes());
    }

    fn finish(self) -> Fingerprint {
        Fingerprint(Sha256::digest(&self.0).into())
    }
}

fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        text.push(char::from(DIGITS[usize::from(byte >> 4)]));
        text.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
    text
}

fn nibble(digit: u8) -> Result<u8, FingerprintFormatError> {
    match digit {
        b'0'..=b'9' => Ok(digit - b'0'),
        b'a'..=b'f' => Ok(digit - b'a' + 10),
        b'A'..=b'F' => Ok(digit - b'A' + 10),
        _ => Err(FingerprintFormatError::NotHex),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_are_shown_the_same_digits_of_a_fingerprint_and_of_its_text() {
        let fingerprint = Fingerprint::from_bytes([0xab; 32]);
        assert_eq!(Fingerprint::short_of(&fingerprint.to_string()), fingerprint.short());
        assert_eq!(Fingerprint::short_of("ab"), "ab");
        assert_eq!(Fingerprint::short_of("ééééééééééééé"), "éééééééééééé");
    }

    #[test]
    fn a_fingerprint_reads_back_from_its_hex_digits() {
        let fingerprint = fingerprint("ValueError", "bad", None).fingerprint;
        assert_eq!(fingerprint.to_string().parse(), Ok(fingerprint));
        assert_eq!(fingerprint.to_string().to_uppercase().parse(), Ok(fingerprint));
        assert!(fingerprint.to_string().starts_with(&fingerprint.marker()));
        assert!(fingerprint.marker().starts_with(&fingerprint.short()));
    }

    #[test]
    fn what_is_no_fingerprint_is_refused() {
        assert_eq!("ab".parse::<Fingerprint>(), Err(FingerprintFormatError::Length { got: 2 }));
        assert_eq!("g".repeat(64).parse::<Fingerprint>(), Err(FingerprintFormatError::NotHex));
    }

    #[test]
    fn it_is_hex_in_json_and_thirty_two_bytes_in_cbor() {
        let fingerprint = fingerprint("ValueError", "bad", None).fingerprint;
        let json = serde_json::to_string(&fingerprint).unwrap();
        assert_eq!(json, format!("\"{fingerprint}\""));
        assert_eq!(serde_json::from_str::<Fingerprint>(&json).unwrap(), fingerprint);
        let cbor = serde_cbor::to_vec(&fingerprint).unwrap();
        assert_eq!(cbor.len(), 34);
        assert_eq!(serde_cbor::from_slice::<Fingerprint>(&cbor).unwrap(), fingerprint);
    }

    #[test]
    fn text_cannot_move_between_fields() {
        let one = fingerprint("Ab", "c", None).fingerprint;
        let other = fingerprint("A", "bc", None).fingerprint;
        assert_ne!(one, other);
    }
}
