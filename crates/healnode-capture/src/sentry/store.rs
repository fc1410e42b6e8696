//! The body of the older store endpoint: one event as JSON, or as base64 of zlib of JSON.

use crate::encoding::decode;
use crate::sentry::event::Event;

/// Reads an event. `None` when the body holds none, in either form.
pub(crate) fn read(body: &[u8]) -> Option<Event> {
    let body = body.trim_ascii();
    let start = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    if start.starts_with(b"{") {
        return Event::read(body);
    }
    let packed = from_base64(body)?;
    Event::read(&decode(Some("deflate"), &packed).ok()?.bytes)
}

/// Undoes base64 of either alphabet, with or without line breaks and padding. `None` when it is none.
fn from_base64(text: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3 + 3);
    let (mut bits, mut held) = (0_u32, 0_u32);
    for byte in text.iter().filter(|byte| !byte.is_ascii_whitespace()) {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            b'=' => break,
            _ => return None,
        };
        bits = (bits << 6 | u32::from(value)) & 0xffff;
        held += 6;
        if held >= 8 {
            held -= 8;
            bytes.push((bits >> held & 0xff) as u8);
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_undone_in_every_shape() {
        for (text, bytes) in
            [("aGVsbG8=", b"hello".as_slice()), ("aGVs\r\nbG8", b"hello"), ("--__", b"\xfb\xef\xff"), ("++//", b"\xfb\xef\xff"), ("", b"")]
        {
            assert_eq!(from_base64(text.as_bytes()).as_deref(), Some(bytes), "{text}");
        }
        assert_eq!(from_base64(b"a b{"), None);
    }

    #[test]
    fn an_event_is_plain_or_packed() {
        assert!(read(b" \n{\"message\":\"m\"}").is_some());
        assert!(read(b"eJyrVspNLS5OTE9VslLKVaoFACq2BQ0=").is_some());
        for body in ["", "[]", "nonsense", "eJyrVspN", "####"] {
            assert!(read(body.as_bytes()).is_none(), "{body}");
        }
    }
}
