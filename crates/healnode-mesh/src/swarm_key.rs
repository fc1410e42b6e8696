//! The pre-shared key of a private network, in the `swarm.key` format that IPFS uses.
//!
//! Two nodes with different keys cannot say a word to each other, and neither is told why: both only see a handshake that times out. So
//! people compare fingerprints, and the key itself is shown on request only.

use std::fmt;
use std::str::FromStr;

use libp2p::pnet::PreSharedKey;

const HEADER: &str = "/key/swarm/psk/1.0.0/";
const ENCODING: &str = "/base16/";

/// The key that all nodes of a private network share.
#[derive(Clone, PartialEq, Eq)]
pub struct SwarmKey([u8; 32]);

/// Why a text is no swarm key. It never quotes the text, which may hold a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SwarmKeyError {
    /// The first line is something else.
    #[error("a swarm key starts with the line {HEADER} (make one with `healnode swarm-key`)")]
    Header,
    /// The second line is something else, possibly an encoding that other programs know.
    #[error("the second line of a swarm key is {ENCODING}; other encodings are not supported (make one with `healnode swarm-key`)")]
    Encoding,
    /// The third line is something else.
    #[error("the third line of a swarm key is the key: 64 hexadecimal digits, and nothing after it")]
    Digits,
}

impl SwarmKey {
    /// Makes a key of 32 bytes, which come from a cryptographic source of randomness.
    pub fn generate(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Returns what two nodes can compare without showing the key: 32 hexadecimal digits, the same that other libp2p programs show.
    pub fn fingerprint(&self) -> String {
        self.pre_shared_key().fingerprint().to_string()
    }

    /// Returns the file's text. It is the secret itself.
    pub fn to_file(&self) -> String {
        self.pre_shared_key().to_key_file()
    }

    pub(crate) fn pre_shared_key(&self) -> PreSharedKey {
        PreSharedKey::new(self.0)
    }
}

impl FromStr for SwarmKey {
    type Err = SwarmKeyError;

    fn from_str(text: &str) -> Result<Self, SwarmKeyError> {
        let mut lines = text.trim().lines().map(str::trim);
        if lines.next() != Some(HEADER) {
            return Err(SwarmKeyError::Header);
        }
        if lines.next() != Some(ENCODING) {
            return Err(SwarmKeyError::Encoding);
        }
        match (lines.next().and_then(decode_hex), lines.next()) {
            (Some(key), None) => Ok(Self(key)),
            (Some(_) | None, _) => Err(SwarmKeyError::Digits),
        }
    }
}

impl fmt::Debug for SwarmKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SwarmKey(fingerprint {})", self.fingerprint())
    }
}

fn decode_hex(digits: &str) -> Option<[u8; 32]> {
    let values: Vec<u8> =
        digits.chars().map(|digit| digit.to_digit(16)).map(|value| value.and_then(|v| u8::try_from(v).ok())).collect::<Option<_>>()?;
    let bytes: Vec<u8> = values.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect();
    if values.len() == 64 { bytes.try_into().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGITS: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1eff";

    fn check(text: &str, expected: Result<(), SwarmKeyError>) {
        assert_eq!(text.parse::<SwarmKey>().map(|_| ()), expected, "{text:?}");
    }

    #[test]
    fn a_swarm_key_survives_its_file() {
        let key = SwarmKey::generate([0xa5; 32]);
        assert_eq!(key.to_file(), format!("{HEADER}\n{ENCODING}\n{}\n", "a5".repeat(32)));
        assert_eq!(key.to_file().parse(), Ok(key));
    }

    #[test]
    fn line_ends_and_blanks_around_the_lines_do_no_harm() {
        check(&format!("{HEADER}\r\n{ENCODING}\r\n{DIGITS}\r\n"), Ok(()));
        check(&format!("\n{HEADER} \n{ENCODING}\n  {}", DIGITS.to_uppercase()), Ok(()));
    }

    #[test]
    fn a_text_that_is_no_swarm_key_is_refused_with_the_line_at_fault() {
        check("", Err(SwarmKeyError::Header));
        check(DIGITS, Err(SwarmKeyError::Header));
        check(HEADER, Err(SwarmKeyError::Encoding));
        check(&format!("{HEADER}\n/base64/\nAAAA"), Err(SwarmKeyError::Encoding));
        check(&format!("{HEADER}\n{ENCODING}\n"), Err(SwarmKeyError::Digits));
        check(&format!("{HEADER}\n{ENCODING}\n{}", &DIGITS[1..]), Err(SwarmKeyError::Digits));
        check(&format!("{HEADER}\n{ENCODING}\n{DIGITS}0"), Err(SwarmKeyError::Digits));
        check(&format!("{HEADER}\n{ENCODING}\n{DIGITS}\n{DIGITS}"), Err(SwarmKeyError::Digits));
        check(&format!("{HEADER}\n{ENCODING}\n{}é", &DIGITS[2..]), Err(SwarmKeyError::Digits));
    }

    #[test]
    fn neither_debug_output_nor_an_error_shows_the_key() {
        let key = SwarmKey::generate([0xa5; 32]);
        assert!(!format!("{key:?}").contains("a5a5"));
        assert!(format!("{key:?}").contains(&key.fingerprint()));
        let broken = format!("{HEADER}\n{ENCODING}\na5a5a5").parse::<SwarmKey>().unwrap_err();
        assert!(!broken.to_string().contains("a5a5"));
    }
}
