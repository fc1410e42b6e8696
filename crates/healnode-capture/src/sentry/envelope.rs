//! The framing of an envelope: a header, then items of a header line and a payload each.
//!
//! A payload has as many bytes as its header says, or ends with its line. What comes before the first fault is kept.

use healnode_report::UnixMillis;

use crate::lenient::{fields, from_broken_json};
use crate::limits::{ATTACHMENT_BYTES_MAX, HEADER_BYTES_MAX, LOG_LINES_MAX, NAME_BYTES_MAX};
use crate::sentry::auth::Auth;
use crate::sentry::dsn::Dsn;
use crate::sentry::event::{Sdk, event_id};

/// An envelope, its items read as they are asked for.
pub(crate) struct Envelope<'a> {
    pub(crate) header: Header,
    pub(crate) items: Items<'a>,
}

/// The first line. Every field may be missing.
#[derive(Default)]
pub(crate) struct Header {
    event_id: Option<String>,
    dsn: Option<String>,
    sdk: Sdk,
    pub(crate) sent_at: Option<UnixMillis>,
}

fields!(Header { "event_id" => event_id, "dsn" => dsn, "sdk" => sdk, "sent_at" => sent_at });

impl<'a> Envelope<'a> {
    /// Reads the first line. `None` when it is no JSON object. A header that is too long has no fields.
    pub(crate) fn read(body: &'a [u8]) -> Option<Envelope<'a>> {
        let mut rest = body;
        let line = loop {
            let line = next_line(&mut rest)?;
            if !line.trim_ascii().is_empty() {
                break line;
            }
        };
        let is_object = line.trim_ascii_start().strip_prefix(b"\xef\xbb\xbf").unwrap_or(line.trim_ascii_start()).starts_with(b"{");
        if line.len() > HEADER_BYTES_MAX {
            return is_object.then(|| Envelope { header: Header::default(), items: Items { rest } });
        }
        Some(Envelope { header: from_broken_json(line)?, items: Items { rest } })
    }
}

impl Header {
    /// The id, as 32 hex digits.
    pub(crate) fn event_id(&self) -> Option<String> {
        event_id(self.event_id.as_deref()?)
    }

    /// Who sent it, as far as the header says.
    pub(crate) fn auth(&self) -> Auth {
        let is_short = |name: &String| name.len() <= NAME_BYTES_MAX;
        Auth { key: self.dsn().key.filter(is_short), client: self.client().filter(is_short) }
    }

    /// The app that its DSN names.
    pub(crate) fn app(&self) -> Option<String> {
        self.dsn().app
    }

    /// The SDK, as `name/version`.
    pub(crate) fn client(&self) -> Option<String> {
        self.sdk.label('/')
    }

    fn dsn(&self) -> Dsn {
        Dsn::of(self.dsn.as_deref().unwrap_or_default())
    }
}

/// The items of an envelope, up to the first that is broken or breaks off.
pub(crate) struct Items<'a> {
    rest: &'a [u8],
}

/// An item, whole.
pub(crate) struct Item<'a> {
    header: ItemHeader,
    pub(crate) payload: &'a [u8],
}

#[derive(Default)]
struct ItemHeader {
    kind: Option<String>,
    length: Option<u64>,
    content_type: Option<String>,
    filename: Option<String>,
}

fields!(ItemHeader { "type" => kind, "length" => length, "content_type" => content_type, "filename" => filename });

impl<'a> Iterator for Items<'a> {
    type Item = Item<'a>;

    fn next(&mut self) -> Option<Item<'a>> {
        let item = self.read();
        if item.is_none() {
            self.rest = &[];
        }
        item
    }
}

impl<'a> Items<'a> {
    fn read(&mut self) -> Option<Item<'a>> {
        let line = loop {
            let line = next_line(&mut self.rest)?;
            if !line.trim_ascii().is_empty() {
                break line;
            }
        };
        if line.len() > HEADER_BYTES_MAX {
            return None;
        }
        let header: ItemHeader = from_broken_json(line)?;
        let payload = match header.length {
            Some(length) => self.take(usize::try_from(length).ok()?)?,
            None => next_line(&mut self.rest).unwrap_or_default(),
        };
        Some(Item { header, payload })
    }

    /// Takes a payload of a length. Where the length ends within the first line it was counted wrongly, and the line is the payload.
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (payload, rest) = self.rest.split_at_checked(length)?;
        match rest.split_first() {
            None => self.rest = rest,
            Some((b'\n', rest)) => self.rest = rest,
            Some(_) if payload.contains(&b'\n') => self.rest = rest,
            Some(_) => return next_line(&mut self.rest),
        }
        Some(payload)
    }
}

/// Takes a line off the front, without its end. `None` at the end.
fn next_line<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    if rest.is_empty() {
        return None;
    }
    let end = rest.iter().position(|byte| *byte == b'\n');
    let line = &rest[..end.unwrap_or(rest.len())];
    *rest = end.map_or(&[], |end| &rest[end + 1..]);
    Some(line)
}

impl Item<'_> {
    /// Its type, or an empty text.
    pub(crate) fn kind(&self) -> &str {
        self.header.kind.as_deref().unwrap_or_default()
    }

    /// The last lines of an attachment that is a log by its type or its name. `None` for any other, and for one that is not UTF-8.
    pub(crate) fn log_lines(&self) -> Option<Vec<String>> {
        let is_text = self.header.content_type.as_deref().is_some_and(|kind| kind.starts_with("text/plain"));
        let is_log = self.header.filename.as_deref().is_some_and(|name| name.ends_with(".log") || name.ends_with(".txt"));
        if !is_text && !is_log {
            return None;
        }
        let text = std::str::from_utf8(self.payload).ok()?;
        let mut from = text.len().saturating_sub(ATTACHMENT_BYTES_MAX);
        while !text.is_char_boundary(from) {
            from += 1;
        }
        let whole_lines = if from == 0 { text } else { text[from..].split_once('\n').map_or("", |(_, rest)| rest) };
        let lines: Vec<&str> = whole_lines.lines().filter(|line| !line.trim().is_empty()).collect();
        Some(lines[lines.len().saturating_sub(LOG_LINES_MAX)..].iter().map(|line| (*line).to_owned()).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(body: &[u8], items: &[(&str, &[u8])]) {
        let envelope = Envelope::read(body).unwrap();
        let read: Vec<(String, &[u8])> = envelope.items.map(|item| (item.kind().to_owned(), item.payload)).collect();
        let read: Vec<(&str, &[u8])> = read.iter().map(|(kind, payload)| (kind.as_str(), *payload)).collect();
        assert_eq!(read, items, "{}", String::from_utf8_lossy(body));
    }

    #[test]
    fn an_item_has_as_many_bytes_as_it_says_or_ends_with_its_line() {
        check(b"{}", &[]);
        check(b"\n{}\n\n\n", &[]);
        check(b"{}\n{\"type\":\"a\",\"length\":3}\nx\ny\n{\"type\":\"b\"}\nz\r\n", &[("a", b"x\ny"), ("b", b"z\r")]);
        check(b"{}\n{\"type\":\"a\",\"length\":0}\n\n{\"type\":\"b\"}\n{}", &[("a", b""), ("b", b"{}")]);
        check(b"{}\n{\"type\":\"a\",\"length\":2}\n\xff\n", &[("a", b"\xff\n")]);
        check(b"{}\n{\"type\":\"a\"}", &[("a", b"")]);
        check(b"{}\n{\"type\":\"a\",\"length\":null}\nx", &[("a", b"x")]);
    }

    #[test]
    fn what_comes_before_a_fault_is_kept() {
        check(b"{}\n{\"type\":\"a\"}\nx\nnonsense\ny\n{\"type\":\"b\"}\nz", &[("a", b"x")]);
        check(b"{}\n{\"type\":\"a\"}\nx\n{\"type\":\"b\",\"length\":9}\nz", &[("a", b"x")]);
        check(b"{}\n{\"type\":\"a\",\"length\":18446744073709551615}\nx", &[]);
    }

    #[test]
    fn a_length_that_was_counted_wrongly_does_not_cut_a_line() {
        check("{}\n{\"type\":\"a\",\"length\":3}\n\"éé\"\n{\"type\":\"b\"}\n1".as_bytes(), &[("a", "\"éé\"".as_bytes()), ("b", b"1")]);
    }

    #[test]
    fn a_header_that_is_too_long_has_no_fields_but_does_not_hide_the_items() {
        let body = format!("{{\"x\":\"{}\"}}\n{{\"type\":\"a\"}}\nx", "y".repeat(HEADER_BYTES_MAX));
        check(body.as_bytes(), &[("a", b"x")]);
        for body in ["", "\n\n", "nonsense", "[1]", "\"{\""] {
            assert!(Envelope::read(body.as_bytes()).is_none(), "{body}");
        }
    }
}
