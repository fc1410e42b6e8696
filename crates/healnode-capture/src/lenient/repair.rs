//! Mends the faults that applications make in JSON, in place.
//!
//! Known are: a byte order mark, bytes that are not UTF-8, lone halves of surrogate pairs, escapes that do not exist, raw control characters,
//! `NaN`, infinities, and numbers beyond all bounds. A text never gets longer, and one without these faults stays as it is.

/// Mends a text. What it cannot mend stays.
pub(crate) fn repair(text: &mut [u8]) {
    if text.starts_with(b"\xef\xbb\xbf") {
        text[..3].fill(b' ');
    }
    replace_bad_bytes(text);
    let mut at = 0;
    while at < text.len() {
        at = match text[at] {
            b'"' => repair_string(text, at + 1),
            b'-' | b'0'..=b'9' | b'N' | b'I' => repair_number(text, at),
            _ => at + 1,
        };
    }
}

/// Puts `?` in the place of bytes that are not UTF-8.
fn replace_bad_bytes(text: &mut [u8]) {
    let mut from = 0;
    while let Err(error) = std::str::from_utf8(&text[from..]) {
        let bad = from + error.valid_up_to();
        let end = error.error_len().map_or(text.len(), |length| bad + length);
        text[bad..end].fill(b'?');
        from = end;
    }
}

/// Mends a string that begins at `at`, and returns where it ends.
fn repair_string(text: &mut [u8], mut at: usize) -> usize {
    while at < text.len() {
        match text[at] {
            b'"' => return at + 1,
            b'\\' => at = repair_escape(text, at),
            byte => {
                if byte < 0x20 {
                    text[at] = b' ';
                }
                at += 1;
            }
        }
    }
    at
}

/// Mends an escape, and returns where it ends.
fn repair_escape(text: &mut [u8], at: usize) -> usize {
    match text.get(at + 1) {
        Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => at + 2,
        Some(b'u') => repair_unit(text, at),
        Some(_) | None => {
            text[at] = b'/';
            at + 1
        }
    }
}

/// Mends a `\u` escape, and returns where it ends. A lone half of a pair becomes the replacement character.
fn repair_unit(text: &mut [u8], at: usize) -> usize {
    match (unit(text, at), unit(text, at + 6)) {
        (None, _) => {
            text[at] = b'/';
            at + 1
        }
        (Some(0xd800..=0xdbff), Some(0xdc00..=0xdfff)) => at + 12,
        (Some(0xd800..=0xdfff), _) => {
            text[at..at + 6].copy_from_slice(br"\ufffd");
            at + 6
        }
        (Some(_), _) => at + 6,
    }
}

/// The number in a `\u` escape at `at`.
fn unit(text: &[u8], at: usize) -> Option<u16> {
    let digits = text.get(at..at + 6)?.strip_prefix(br"\u")?;
    if !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    u16::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

/// Puts `null`, or an empty text where there is no room for it, in the place of a number that JSON does not have. Returns where it ends.
fn repair_number(text: &mut [u8], at: usize) -> usize {
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'+' | b'.');
    let length = text[at..].iter().position(|byte| !is_part(byte)).unwrap_or(text.len() - at);
    let number = &mut text[at..at + length];
    let is_finite = std::str::from_utf8(number).ok().and_then(|number| number.parse::<f64>().ok()).is_some_and(f64::is_finite);
    if !is_finite {
        let stand_in: &[u8] = if length >= 4 { b"null" } else { b"\"\"" };
        let stand_in = &stand_in[..stand_in.len().min(length)];
        number.fill(b' ');
        number[..stand_in.len()].copy_from_slice(stand_in);
    }
    at + length.max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(broken: &[u8], mended: &str) {
        let mut text = broken.to_vec();
        repair(&mut text);
        assert_eq!(String::from_utf8(text).unwrap(), mended);
    }

    #[test]
    fn each_fault_is_mended_in_place() {
        check(b"\xef\xbb\xbf{}", "   {}");
        check(b"[NaN,Infinity,-Infinity,1e999,-1E+999]", "[\"\" ,null    ,null     ,null ,null   ]");
        check(br#"["\ud83d","\ude00","\ud83d\ude00"]"#, r#"["\ufffd","\ufffd","\ud83d\ude00"]"#);
        check(br#"["C:\dir\u12","a\"b"]"#, r#"["C:/dir/u12","a\"b"]"#);
        check(b"[\"\xff\xc3\"]", "[\"??\"]");
        check(b"[\"a\tb\"]", "[\"a b\"]");
    }

    #[test]
    fn whole_json_stays_as_it_is() {
        for text in [r#"{"a":[1,-2.5e3,true,null,"N\n"],"b":{"c":"é\u00e9"}}"#, "[]", "", "\""] {
            check(text.as_bytes(), text);
        }
    }
}
