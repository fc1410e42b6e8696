//! Undoes the content encoding of a body, up to a bound on what comes out.
//!
//! Every encoding that a Sentry SDK or an OpenTelemetry exporter may use is known. A bomb costs as much as the bound, and no more: what came
//! out up to there is given back, marked as cut. The bounds are in `limits.rs`.

use std::borrow::Cow;
use std::io::Read;

use crate::limits::{BODY_BYTES_MAX, DECODED_BYTES_MAX, ZSTD_WINDOW_BYTES_MAX};

/// A decoded body.
#[derive(Clone, PartialEq, Eq)]
pub struct Decoded<'a> {
    /// What came out, at most [`DECODED_BYTES_MAX`].
    pub bytes: Cow<'a, [u8]>,
    /// Whether more would have come out.
    pub is_cut: bool,
}

/// Shows the length, because the bytes are somebody's data.
impl std::fmt::Debug for Decoded<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Decoded").field("bytes", &self.bytes.len()).field("is_cut", &self.is_cut).finish()
    }
}

/// Why a body cannot be decoded. Nothing was taken from it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum DecodeError {
    /// It was longer than allowed before decoding.
    #[error("the body is longer than {BODY_BYTES_MAX} bytes")]
    TooLarge,
    /// Not a byte came out.
    #[error("the body is not in the encoding that its header names")]
    Unreadable,
}

/// Undoes a content encoding: absent, empty, `identity`, `gzip`, `x-gzip`, `br`, `deflate` (with or without zlib's header) or `zstd`.
///
/// A body that breaks off or turns bad yields what came before. One that begins like JSON, against its header, is taken as it is: some
/// proxies decode a body and leave the header.
///
/// # Errors
/// When the body is too long as it was sent, or when nothing can be read from it.
pub fn decode<'a>(encoding: Option<&str>, body: &'a [u8]) -> Result<Decoded<'a>, DecodeError> {
    let encoding = encoding.unwrap_or_default().trim();
    let is = |name: &str| encoding.eq_ignore_ascii_case(name);
    if encoding.is_empty() || is("identity") {
        return Ok(plain(body));
    }
    if body.len() > BODY_BYTES_MAX {
        return Err(DecodeError::TooLarge);
    }
    let decoded = if is("gzip") || is("x-gzip") || body.starts_with(&[0x1f, 0x8b]) {
        inflate(flate2::read::MultiGzDecoder::new(body))
    } else if is("br") {
        inflate(brotli_decompressor::Decompressor::new(body, BUFFER_BYTES))
    } else if is("deflate") {
        deflate(body)
    } else if is("zstd") {
        zstd(body)
    } else {
        Inflated::default()
    };
    if !decoded.bytes.is_empty() {
        return Ok(Decoded { bytes: Cow::Owned(decoded.bytes), is_cut: decoded.is_cut });
    }
    match body.trim_ascii_start().first() {
        Some(b'{') => Ok(plain(body)),
        None => Ok(plain(&[])),
        Some(_) if decoded.is_whole => Ok(plain(&[])),
        Some(_) => Err(DecodeError::Unreadable),
    }
}

fn plain(body: &[u8]) -> Decoded<'_> {
    Decoded { bytes: Cow::Borrowed(&body[..body.len().min(DECODED_BYTES_MAX)]), is_cut: body.len() > DECODED_BYTES_MAX }
}

fn deflate(body: &[u8]) -> Inflated {
    let wrapped = inflate(flate2::read::ZlibDecoder::new(body));
    if wrapped.bytes.is_empty() && !wrapped.is_whole { inflate(flate2::read::DeflateDecoder::new(body)) } else { wrapped }
}

fn zstd(body: &[u8]) -> Inflated {
    match ruzstd::decoding::StreamingDecoder::new_with_max_window_size(body, ZSTD_WINDOW_BYTES_MAX) {
        Ok(decoder) => inflate(decoder),
        Err(_) => Inflated::default(),
    }
}

/// Size of the steps in which a body is decoded, in bytes.
const BUFFER_BYTES: usize = 16 * 1024;

#[derive(Default)]
struct Inflated {
    bytes: Vec<u8>,
    is_cut: bool,
    /// Whether the end was reached without a fault.
    is_whole: bool,
}

/// Reads until the end, a fault, or the bound. The result never has a larger capacity than the bound.
fn inflate(mut decoder: impl Read) -> Inflated {
    let mut buffer = [0; BUFFER_BYTES];
    let mut inflated = Inflated::default();
    loop {
        let read = match decoder.read(&mut buffer) {
            Ok(0) => {
                inflated.is_whole = true;
                return inflated;
            }
            Ok(read) => read,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(_) => return inflated,
        };
        let room = DECODED_BYTES_MAX - inflated.bytes.len();
        if read > room {
            append(&mut inflated.bytes, &buffer[..room]);
            inflated.is_cut = true;
            return inflated;
        }
        append(&mut inflated.bytes, &buffer[..read]);
    }
}

/// Appends, doubling the capacity up to the bound and not beyond it.
fn append(bytes: &mut Vec<u8>, more: &[u8]) {
    if bytes.capacity() - bytes.len() < more.len() {
        let wanted = (bytes.capacity() * 2).max(bytes.len() + more.len()).min(DECODED_BYTES_MAX);
        bytes.reserve_exact(wanted - bytes.len());
    }
    bytes.extend_from_slice(more);
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::Compression;
    use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
    use ruzstd::encoding::{CompressionLevel, compress_to_vec};

    use super::*;

    #[test]
    fn every_encoding_is_undone() {
        let text = br#"{"event_id":"0"}"#.as_slice();
        for (encoding, body) in [
            (None, text.to_vec()),
            (Some(""), text.to_vec()),
            (Some(" identity "), text.to_vec()),
            (Some("gzip"), gzip(text)),
            (Some("X-GZIP"), gzip(text)),
            (Some("deflate"), zlib(text)),
            (Some("deflate"), raw(text)),
            (Some("zstd"), compress_to_vec(text, CompressionLevel::Fastest)),
            (Some("br"), BROTLI_SMALL.to_vec()),
            (Some("gzip"), text.to_vec()),
        ] {
            let decoded = decode(encoding, &body).unwrap();
            assert_eq!((&*decoded.bytes, decoded.is_cut), (text, false), "{encoding:?}");
        }
    }

    #[test]
    fn a_bomb_is_cut_at_the_bound_and_takes_no_more_memory() {
        let zeros = vec![b'0'; 5 * DECODED_BYTES_MAX];
        for (encoding, body) in [
            ("gzip", gzip(&zeros)),
            ("deflate", zlib(&zeros)),
            ("deflate", raw(&zeros)),
            ("zstd", compress_to_vec(zeros.as_slice(), CompressionLevel::Fastest)),
            ("br", BROTLI_BOMB.to_vec()),
        ] {
            assert!(body.len() < 100_000, "{encoding}: {}", body.len());
            let decoded = decode(Some(encoding), &body).unwrap();
            assert_eq!((decoded.bytes.len(), decoded.is_cut), (DECODED_BYTES_MAX, true), "{encoding}");
            assert!(decoded.bytes.into_owned().capacity() <= DECODED_BYTES_MAX);
        }
    }

    #[test]
    fn a_body_that_breaks_off_yields_what_came_before() {
        let text: Vec<u8> = (0..40_000_u32).flat_map(u32::to_le_bytes).collect();
        let body = gzip(&text);
        let decoded = decode(Some("gzip"), &body[..body.len() / 2]).unwrap();
        assert!(!decoded.bytes.is_empty() && text.starts_with(&decoded.bytes));
    }

    #[test]
    fn what_is_in_no_encoding_is_refused() {
        for encoding in ["gzip", "br", "deflate", "zstd", "rot13"] {
            assert_eq!(decode(Some(encoding), b"\xff\xfe garbage \x00\x01"), Err(DecodeError::Unreadable), "{encoding}");
        }
        let long = vec![1; BODY_BYTES_MAX + 1];
        assert_eq!(decode(Some("br"), &long), Err(DecodeError::TooLarge));
        assert_eq!(decode(Some("br"), b"").unwrap().bytes.len(), 0);
    }

    /// `{"event_id":"0"}` as Python's `brotli.compress` gives it.
    const BROTLI_SMALL: &[u8] = b"\x8b\x07\x80\x7b\x22\x65\x76\x65\x6e\x74\x5f\x69\x64\x22\x3a\x22\x30\x22\x7d\x03";
    /// Ten MiB of `0` as Python's `brotli.compress` gives them.
    const BROTLI_BOMB: &[u8] =
        b"\xcb\xff\xff\x3f\xf8\x25\x60\xe2\xb1\x40\x20\xf7\xfe\x2f\xff\xff\x3f\xf0\x4b\x00\xc4\x61\x11\x80\xee\xfd\x07";

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    fn zlib(text: &[u8]) -> Vec<u8> {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    fn raw(text: &[u8]) -> Vec<u8> {
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }
}
