//! Text as part of an address.

use std::fmt::Write;

/// Percent-encodes all but letters, digits, `-`, `.`, `_`, `~` and the bytes in `keep`.
pub(crate) fn encode(text: &str, keep: &[u8]) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) || keep.contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _infallible = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_means_something_in_an_address_is_encoded() {
        assert_eq!(encode("healer[bot]", b""), "healer%5Bbot%5D");
        assert_eq!(encode("a b&c=ü/~", b"/"), "a%20b%26c%3D%C3%BC/~");
    }
}
