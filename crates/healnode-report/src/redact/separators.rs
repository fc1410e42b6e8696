//! What stands between a name and its value: operators of languages and formats, also in the escapes of URLs, JSON and HTML.

/// What stands between a name and its value.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Separator {
    /// `=`, `:=`, `?=` and the like.
    Equals,
    /// `:` and `==`.
    Colon,
    /// `=>` and `->`.
    Arrow,
    /// `,` between quoted values, and comparisons: only a quoted value counts.
    Comma,
    /// Nothing but blanks.
    Space,
    /// A separator in the escapes of a URL, where others are escaped as well.
    Encoded,
    /// `>` of an XML element.
    Element,
    /// `(` of a call or a debug print.
    Call,
    /// `|` of a table.
    Cell,
}

/// The operator that a text begins with, and its length.
pub(crate) fn operator(rest: &[u8]) -> Option<(Separator, usize)> {
    let found = match rest {
        [b'=', b'=', b'=', ..] | [b'!', b'=', b'=', ..] => (Separator::Comma, 3),
        [b'!', b'=', ..] => (Separator::Comma, 2),
        [b'=', b'=', ..] => (Separator::Colon, 2),
        [b'=' | b'-', b'>', ..] => (Separator::Arrow, 2),
        [b'=', ..] => (Separator::Equals, 1),
        [b':' | b'?' | b'.' | b'|' | b'+', b'=', ..] => (Separator::Equals, 2),
        [b':', b':', b'=', ..] | [b'|', b'|', b'=', ..] | [b'?', b'?', b'=', ..] => (Separator::Equals, 3),
        [b':', b':', b':', b'=', ..] => (Separator::Equals, 4),
        [b':', b':', ..] => return None,
        [b':', ..] => (Separator::Colon, 1),
        [b'|', ..] => (Separator::Cell, 1),
        [b',', ..] => (Separator::Comma, 1),
        [b'(', ..] => (Separator::Call, 1),
        _ => return None,
    };
    Some(found)
}

/// Separators in the escapes of URLs, JSON and HTML, as arrows of print, and in the full width of East Asian print.
const ENCODED: &[(&str, Separator)] = &[
    ("%3d", Separator::Encoded),
    ("%3a", Separator::Encoded),
    ("%253d", Separator::Encoded),
    ("%253a", Separator::Encoded),
    ("\\u003d", Separator::Equals),
    ("\\u003a", Separator::Colon),
    ("\\x3d", Separator::Equals),
    ("\\x3a", Separator::Colon),
    ("&#61;", Separator::Equals),
    ("&gt;", Separator::Equals),
    ("\u{2192}", Separator::Arrow),
    ("\u{21d2}", Separator::Arrow),
    ("\u{ff1a}", Separator::Colon),
    ("\u{ff1d}", Separator::Equals),
];

/// The escaped separator that a text begins with, and its length. What minds HTML or URLs writes one.
pub(crate) fn encoded_separator(rest: &[u8]) -> Option<(Separator, usize)> {
    if !matches!(rest.first(), Some(b'%' | b'\\' | b'&' | 0xe2 | 0xef)) {
        return None;
    }
    let row =
        ENCODED.iter().find(|(escape, _)| rest.get(..escape.len()).is_some_and(|start| start.eq_ignore_ascii_case(escape.as_bytes())));
    row.map(|(escape, separator)| (*separator, escape.len()))
}
