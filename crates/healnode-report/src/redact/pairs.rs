//! Values whose name tells that they are secret: `password=…`, `"token": "…"`, `api_key => '…'`, `--secret …`.
//!
//! Covers shell, JSON (also escaped), YAML, TOML, XML, tables, URL-encoded text, netrc, source code, and the debug prints of common
//! languages. Here are names and where their values stand; `separators.rs` has what is between, `values.rs` what a value looks like.

use super::fields::Field;
use super::headers;
use super::keys::{is_strict_constant, secret_kind, secret_kind_of_words, unsure_kind};
use super::kind::{AUTHORIZATION, COOKIE, Kind, PASSWORD, TOKEN};
use super::nearby::{generated_value, random_word};
use super::prose::{is_prompt, is_sentence, is_word_of_prose};
use super::quotes::{encoded_quote, quoted, quoted_by_pair, skip_wrapper};
use super::references::is_blank_or_reference;
use super::scan::{byte, byte_before, judged, looks_generated, looks_random, run, run_back};
use super::separators::{Separator, encoded_separator, operator};
use super::span::Spans;
use super::values::{bare_end, has_digit, has_letter, is_auth_method, is_blank, is_code, is_harmless, is_name};

/// Longest name that is looked at, in bytes to either side of its anchor.
const NAME_BYTES_MAX: usize = 64;

/// Longest name of a field that holds a name, and longest gap around its separator, in bytes.
const FIELD_BYTES_MAX: usize = 24;

/// Adds the value of the name that the anchor lies in, if the name tells a secret.
pub(crate) fn find(text: &str, start: usize, end: usize, spans: &mut Spans<'_>) {
    let bytes = text.as_bytes();
    if start < spans.name_end || spans.is_in_value(start) {
        return;
    }
    let name_start = run_back(bytes, start, NAME_BYTES_MAX, is_name);
    let name_max = bytes.len().min(end + NAME_BYTES_MAX);
    let name_end = run(&bytes[..name_max], end, |byte| is_name(byte) && byte != b'.');
    spans.name_end = name_end;
    let name = text.get(skip_escape(bytes, name_start)..name_end).unwrap_or_default();
    let sure = secret_kind(name).or_else(|| secret_kind_of_words(word_before(text, name_start), name));
    let Some(kind) = sure.or_else(|| unsure_kind(name)) else {
        return;
    };
    if bytes[..name_start].ends_with(b"${") {
        return;
    }
    let kind = if is_auth_variable(name, byte(bytes, name_end)) { PASSWORD } else { kind };
    let pair = Pair { text, name, name_start, name_end, kind };
    let value = pair.value().or_else(|| sure.and_then(|_| random_word(text, name_end)));
    if let Some((value_start, value_end)) = value
        && (sure.is_some() || is_key(name, text.get(value_start..value_end).unwrap_or_default()))
    {
        spans.add_value(value_start, value_end, kind);
        if let Some((from, to)) = new_value(text, value_end) {
            spans.add_value(from, to, kind);
        }
    }
}

/// The new value behind the old one, in the difference that a tool shows: `"old" -> "new"`.
fn new_value(text: &str, old_end: usize) -> Option<(usize, usize)> {
    let bytes = text.as_bytes();
    let closed = old_end + usize::from(matches!(byte(bytes, old_end), b'"' | b'\''));
    let arrow = run(&bytes[..bytes.len().min(closed + FIELD_BYTES_MAX)], closed, is_blank);
    if !matches!((byte(bytes, arrow), byte(bytes, arrow + 1)), (b'-' | b'=', b'>')) {
        return None;
    }
    let start = run(bytes, arrow + 2, is_blank);
    quoted(text, start).filter(|(from, to)| !is_blank_or_reference(text.get(*from..*to).unwrap_or_default()))
}

/// Words for a password in other languages, and names of short secrets that hold a blank.
pub(crate) const OTHER_NAMES: &[&str] = &[
    "contraseña",
    "mot de passe",
    "senha",
    "wachtwoord",
    "hasło",
    "parola",
    "пароль",
    "密码",
    "密碼",
    "パスワード",
    "비밀번호",
    "one-time code",
    "verification code",
    "confirmation code",
    "security code",
    "login code",
    "recovery code",
    "recovery_code",
    "backup code",
    "backup_code",
    "otp code",
    "2fa code",
    "pin",
];

/// Adds the value of one of [`OTHER_NAMES`], when a colon or an equals sign stands between.
pub(crate) fn find_other(text: &str, start: usize, end: usize, spans: &mut Spans<'_>) {
    let bytes = text.as_bytes();
    if spans.is_in_value(start) || byte_before(bytes, start).is_ascii_alphanumeric() || is_name(byte(bytes, end)) {
        return;
    }
    let pair = Pair { text, name: &text[start..end], name_start: start, name_end: end, kind: PASSWORD };
    let separator = pair.separator();
    let value = match separator {
        Some((found @ (Separator::Colon | Separator::Equals), at)) => pair.value_behind(found, at),
        Some((Separator::Space, at)) => pair.number_behind_is(at),
        _ => None,
    };
    if let Some((from, to)) = value
        && has_digit(text.get(from..to).unwrap_or_default())
        && to - from >= 4
    {
        spans.add_value(from, to, PASSWORD);
    }
}

/// Adds the assertion that a form or a log holds behind `SAMLResponse`: it logs its bearer in.
pub(crate) fn find_assertion(text: &str, start: usize, end: usize, spans: &mut Spans<'_>) {
    if spans.is_in_value(start) || is_name(byte(text.as_bytes(), end)) {
        return;
    }
    let pair = Pair { text, name: &text[start..end], name_start: start, name_end: end, kind: TOKEN };
    if let Some((from, to)) = pair.value().filter(|(from, to)| to - from >= ASSERTION_BYTES_MIN) {
        spans.add_value(from, to, TOKEN);
    }
}

/// Shortest assertion, in bytes. Logs cut them.
const ASSERTION_BYTES_MIN: usize = 20;

/// The word before a name, with one space between, as in `api key`.
fn word_before(text: &str, name_start: usize) -> &str {
    let bytes = text.as_bytes();
    if byte_before(bytes, name_start) != b' ' || name_start == 0 {
        return "";
    }
    let start = run_back(bytes, name_start - 1, FIELD_BYTES_MAX, |byte| byte.is_ascii_alphabetic());
    text.get(start..name_start - 1).unwrap_or_default()
}

/// Whether the value of something named `…key` is an access key, and not the key of an object, a row or a cache.
fn is_key(name: &str, value: &str) -> bool {
    let bytes = value.as_bytes();
    let is_hex = bytes.iter().all(|byte| byte.is_ascii_hexdigit() || *byte == b'-');
    value.len() >= 20
        && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'+' | b'='))
        && (looks_random(bytes) || is_strict_constant(name) && is_hex && value.len() >= 32)
}

/// Whether a name is a variable such as `REDIS_AUTH`, which holds a password and no header.
fn is_auth_variable(name: &str, next: u8) -> bool {
    let suffix = name.len().checked_sub("_auth".len()).and_then(|at| name.get(at..));
    next == b'=' && suffix.is_some_and(|suffix| suffix.eq_ignore_ascii_case("_auth"))
}

/// A name may follow an escaped line end, `\u0026` or `%26`, whose letter or digits are no part of it, or the `-D` of a property.
fn skip_escape(bytes: &[u8], start: usize) -> usize {
    match (byte_before(bytes, start), byte(bytes, start)) {
        (b'\\', b'n' | b'r' | b't') => start + 1,
        (b'\\', b'u') if bytes[start..].starts_with(b"u00") => start + 5,
        (b'%', b'0'..=b'9') => start + 2,
        (_, b'-') if bytes[start..].starts_with(b"-D") => start + 2,
        _ => start,
    }
}

/// A name that tells a secret, and where it stands.
struct Pair<'a> {
    text: &'a str,
    name: &'a str,
    name_start: usize,
    name_end: usize,
    kind: Kind,
}

impl Pair<'_> {
    fn value(&self) -> Option<(usize, usize)> {
        let field = self.field();
        if let Some((from, to)) = field.next_element() {
            return self.accepts_quoted(from, to).then_some((from, to));
        }
        let is_value_of_field = field.holds_a_name();
        if is_value_of_field && let Some((from, to)) = field.inside_element() {
            return self.accepts_quoted(from, to).then_some((from, to));
        }
        if is_value_of_field && let Some(inside) = field.form_value() {
            return Some(inside);
        }
        if is_value_of_field && let Some(at) = field.sibling() {
            return self.value_behind(Separator::Equals, at);
        }
        let (separator, at) = self.separator()?;
        if is_value_of_field && separator == Separator::Comma {
            return None;
        }
        self.value_behind(separator, at)
    }

    fn field(&self) -> Field<'_> {
        Field { text: self.text, start: self.name_start, end: self.name_end }
    }

    fn value_behind(&self, separator: Separator, at: usize) -> Option<(usize, usize)> {
        match separator {
            Separator::Element => return self.element(at),
            Separator::Space => return self.after_space(at),
            Separator::Call => return self.argument(at),
            Separator::Cell => return self.cell(at),
            Separator::Equals | Separator::Colon | Separator::Arrow | Separator::Comma | Separator::Encoded => {}
        }
        let start = self.skip_to_value(at);
        if self.kind == AUTHORIZATION && separator != Separator::Comma {
            return headers::authorization(self.text, self.name, start);
        }
        if let Some((from, to)) = quoted(self.text, skip_wrapper(self.text.as_bytes(), start)) {
            return self.accepts_quoted_behind(separator, start, from, to).then_some((from, to));
        }
        self.bare_value(separator, start)
    }

    fn bare_value(&self, separator: Separator, start: usize) -> Option<(usize, usize)> {
        let bytes = self.text.as_bytes();
        if separator == Separator::Comma || bytes.get(start) == Some(&b'\n') {
            return None;
        }
        if let Some(block) = self.yaml_block(start) {
            return Some(block);
        }
        if byte(bytes, start) == b'(' && is_blank_or_reference(self.parenthesis(start)) {
            return None;
        }
        let end = bare_end(judged(self.text, start).as_bytes(), start, separator);
        self.accepts_bare(separator, start, end).then(|| (start, self.connection_end(bare_end(bytes, end, separator))))
    }

    /// The text in the parenthesis that opens at `start`, with it.
    fn parenthesis(&self, start: usize) -> &str {
        let window = &self.text.as_bytes()[..self.text.len().min(start + NAME_BYTES_MAX)];
        let end = run(window, start, |byte| !matches!(byte, b')' | b'\n'));
        self.text.get(start..end + 1).unwrap_or_default()
    }

    /// What stands between name and value, and where it ends.
    fn separator(&self) -> Option<(Separator, usize)> {
        let bytes = self.text.as_bytes();
        if let Some(content) = self.element_content() {
            return Some((Separator::Element, content));
        }
        if let Some((found, length)) = encoded_separator(&bytes[self.name_end..]) {
            return Some((found, self.name_end + length));
        }
        let closed = self.closed();
        let at = run(bytes, closed, is_blank);
        if let Some((found, length)) = encoded_separator(&bytes[at..]) {
            return Some((found, at + length));
        }
        if closed == self.name_end
            && let Some(behind) = self.typed(at)
        {
            return Some((Separator::Equals, behind));
        }
        if quoted_by_pair(self.text, closed).is_some() {
            return Some((Separator::Equals, closed));
        }
        let Some((found, length)) = operator(&bytes[at..]) else {
            return (at > closed && closed == self.name_end).then_some((Separator::Space, at));
        };
        let fits = match found {
            Separator::Colon => !self.is_part_of_path(at),
            Separator::Cell => (at > self.name_end || self.follows_bar()) && !self.is_in_template(),
            Separator::Comma => closed > self.name_end || length > 1 || self.opens_tuple(),
            Separator::Call => at == self.name_end && !self.is_getter(),
            Separator::Equals | Separator::Arrow | Separator::Space | Separator::Encoded | Separator::Element => true,
        };
        fits.then_some((found, at + length))
    }

    /// Whether the name is that of a function that takes the name of a secret, or of one whose first argument is a user.
    fn is_getter(&self) -> bool {
        let begins_with = |verb: &&str| self.name.get(..verb.len()).is_some_and(|start| start.eq_ignore_ascii_case(verb));
        self.kind == AUTHORIZATION || GETTERS.iter().any(begins_with)
    }

    /// Whether the name is a part of `arn:aws:…:secret:name`, a path of names with colons and no blanks.
    fn is_part_of_path(&self, colon: usize) -> bool {
        let bytes = self.text.as_bytes();
        let follows_name = byte_before(bytes, self.name_start) == b':' && byte_before(bytes, self.name_start - 1).is_ascii_alphanumeric();
        follows_name && byte(bytes, colon + 1).is_ascii_alphanumeric()
    }

    /// Whether what follows the name behind a comma is the next word of a list, such as of schemes, key words or flags.
    fn is_word_of_list(&self, value: &str) -> bool {
        let is_short_word = value.len() < 8 && value.bytes().all(|byte| byte.is_ascii_alphabetic());
        is_short_word || value.starts_with('-') || self.kind == AUTHORIZATION && !has_digit(value)
    }

    /// Behind the `=` of a declaration with a type, such as `token string = "…"` or `token: &str = "…"`.
    fn typed(&self, at: usize) -> Option<usize> {
        let bytes = self.text.as_bytes();
        let has_colon = byte(bytes, at) == b':';
        let from = run(bytes, at + usize::from(has_colon), is_blank);
        if from == self.name_end {
            return None;
        }
        let is_type_byte =
            |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'&' | b'<' | b'>' | b'.' | b'*' | b'[' | b']' | b'?');
        let type_end = run(&bytes[..bytes.len().min(from + FIELD_BYTES_MAX)], from, is_type_byte);
        let equals = run(bytes, type_end, is_blank);
        let value = run(bytes, equals + 1, is_blank);
        let is_type = has_colon || TYPES.contains(&self.text.get(from..type_end)?);
        let is_typed = is_type && type_end > from && byte(bytes, equals) == b'=' && matches!(byte(bytes, value), b'"' | b'\'' | b'`');
        is_typed.then_some(equals + 1)
    }

    /// Whether the name stands in `{{ … }}`, where `|` passes its value to a function.
    fn is_in_template(&self) -> bool {
        let before = &self.text.as_bytes()[self.name_start.saturating_sub(NAME_BYTES_MAX)..self.name_start];
        let last = before.windows(2).rposition(|pair| matches!(pair, b"{{" | b"}}" | b"{%" | b"%}"));
        last.is_some_and(|at| before[at] == b'{')
    }

    /// Whether the name opens a tuple of Erlang or Elixir: `{password,<<"…">>}`, `{:password, "…"}`.
    fn opens_tuple(&self) -> bool {
        let before = &self.text.as_bytes()[..self.name_start];
        before.strip_suffix(b":").unwrap_or(before).ends_with(b"{")
    }

    /// Whether the name is a cell of a table whose cells stand between bars.
    fn follows_bar(&self) -> bool {
        let bytes = self.text.as_bytes();
        byte_before(bytes, run_back(bytes, self.name_start, FIELD_BYTES_MAX, is_blank)) == b'|'
    }

    /// Where the content of an XML element begins whose name this is. It may have a prefix and attributes.
    fn element_content(&self) -> Option<usize> {
        let bytes = self.text.as_bytes();
        let mut before = self.name_start;
        if byte_before(bytes, before) == b':' {
            before = run_back(bytes, before - 1, FIELD_BYTES_MAX, |byte| byte.is_ascii_alphanumeric());
        }
        if byte_before(bytes, before) != b'<' || !matches!(byte(bytes, self.name_end), b'>' | b' ') {
            return None;
        }
        let window = &bytes[..bytes.len().min(self.name_end + ATTRIBUTES_BYTES_MAX)];
        let end = run(window, self.name_end, |byte| !matches!(byte, b'<' | b'>'));
        (byte(window, end) == b'>').then_some(end + 1)
    }

    /// End of the quotes and brackets that close the name, and of `%22`.
    fn closed(&self) -> usize {
        let bytes = self.text.as_bytes();
        if let Some(length) = encoded_quote(&bytes[self.name_end..]) {
            return self.name_end + length;
        }
        if bytes[self.name_end..].starts_with(b"%5D") || bytes[self.name_end..].starts_with(b"%5d") {
            return self.name_end + 3;
        }
        let max = bytes.len().min(self.name_end + 10);
        run(&bytes[..max], self.name_end, |byte| matches!(byte, b'"' | b'\'' | b'`' | b'\\' | b']'))
    }

    /// Skips blanks, and a line end when a quoted value follows on the next line.
    fn skip_to_value(&self, at: usize) -> usize {
        let bytes = self.text.as_bytes();
        let start = run(bytes, at, is_blank);
        let next = run(bytes, start, |byte| is_blank(byte) || byte == b'\n');
        let is_quoted = matches!(byte(bytes, next), b'"' | b'\'') || bytes[next..].starts_with(b"string(");
        if is_quoted { next } else { start }
    }

    fn element(&self, start: usize) -> Option<(usize, usize)> {
        let bytes = self.text.as_bytes();
        let from = run(bytes, start, |byte| byte.is_ascii_whitespace());
        let end = run(bytes, from, |byte| byte != b'<');
        let closing = &bytes[end..bytes.len().min(end + 2 + FIELD_BYTES_MAX + self.name.len())];
        let closes = closing.starts_with(b"</") && closing.windows(self.name.len()).any(|name| name == self.name.as_bytes());
        let value = self.text.get(from..end)?.trim_end();
        (closes && !is_blank_or_reference(value)).then_some((from, from + value.len()))
    }

    /// `Password("…")`, `setToken('…')`, and the bare form of debug prints, `Password(…)`.
    fn argument(&self, at: usize) -> Option<(usize, usize)> {
        let bytes = self.text.as_bytes();
        if let Some((from, to)) = quoted(self.text, at) {
            return self.accepts_quoted(from, to).then_some((from, to));
        }
        let window = judged(self.text, at).as_bytes();
        let end = run(window, at, |byte| !matches!(byte, b')' | b'(' | b' ' | b'\n' | b',' | b'"' | b'\'' | b'.' | b'['));
        let value = self.text.get(at..end)?;
        let is_value = value.len() >= 6 && has_letter(value) && looks_generated(value.as_bytes());
        (byte(bytes, end) == b')' && is_value && !is_blank_or_reference(value)).then_some((at, end))
    }

    /// The cell of a table behind the one that holds the name.
    fn cell(&self, at: usize) -> Option<(usize, usize)> {
        let bytes = self.text.as_bytes();
        let from = run(bytes, at, is_blank);
        let window = judged(self.text, from).as_bytes();
        let to = run(window, from, |byte| !matches!(byte, b'|' | b'\n' | b' ' | b'\t'));
        let value = self.text.get(from..to)?;
        (value.len() >= 6 && has_digit(value) && has_letter(value) && !is_blank_or_reference(value)).then_some((from, to))
    }

    /// `--token X`, `password X` in a netrc, `password 'X'` and `password is X1` in prose.
    fn after_space(&self, at: usize) -> Option<(usize, usize)> {
        let bytes = self.text.as_bytes();
        let is_flag = self.is_flag();
        if !is_flag && self.kind != PASSWORD {
            let found = generated_value(self.text, self.skip_is(at));
            return found.filter(|(from, to)| self.accepts_quoted(*from, *to));
        }
        let at = if is_flag { at } else { self.skip_is(at) };
        if let Some((from, to)) = quoted(self.text, at) {
            if self.name.eq_ignore_ascii_case("pass") && !has_digit(self.text.get(from..to)?) {
                return None;
            }
            return (to - from >= 4 && !byte(bytes, from).is_ascii_whitespace() && self.accepts_quoted(from, to)).then_some((from, to));
        }
        let end = bare_end(judged(self.text, at).as_bytes(), at, Separator::Space);
        let value = self.text.get(at..end)?;
        if value.starts_with('-') || is_blank_or_reference(value) || is_flag && (is_word_of_prose(value) || is_harmless(self.name, value)) {
            return None;
        }
        let is_type = !is_flag && is_code(self.text, value, end);
        let is_mixed = !is_type && value.len() >= 6 && has_letter(value) && has_digit(value) && !value.contains(['/', ':']);
        (is_flag || is_mixed || self.follows_login()).then(|| (at, bare_end(bytes, end, Separator::Space)))
    }

    /// Whether the name is an option of a command: `--token`, `-storepass`.
    fn is_flag(&self) -> bool {
        self.name.starts_with("--") || self.name.starts_with('-') && self.name.len() >= 6 || self.follows_setter()
    }

    /// Whether a shell or a build file sets the name as a variable, with no sign between: `setx NAME value`, `ENV NAME value`.
    fn follows_setter(&self) -> bool {
        let before = &self.text.as_bytes()[..self.name_start];
        is_strict_constant(self.name) && SETTERS.iter().any(|setter| before.ends_with(setter))
    }

    /// The number in `verification code is 482913`.
    fn number_behind_is(&self, at: usize) -> Option<(usize, usize)> {
        let from = self.skip_is(at);
        let to = run(self.text.as_bytes(), from, |byte| byte.is_ascii_digit());
        (from > at && (4..=8).contains(&(to - from))).then_some((from, to))
    }

    fn skip_is(&self, at: usize) -> usize {
        COPULAS.iter().find(|word| self.text[at..].starts_with(**word)).map_or(at, |word| at + word.len())
    }

    /// Whether the name is the third word of `login NAME password`.
    fn follows_login(&self) -> bool {
        let from = self.name_start.saturating_sub(NAME_BYTES_MAX);
        let before = self.text.get(from..self.name_start).unwrap_or_default();
        let mut words = before.split_whitespace().rev();
        words.next().is_some() && matches!(words.next(), Some("login" | "user"))
    }

    /// The indented lines behind `password: |`.
    fn yaml_block(&self, start: usize) -> Option<(usize, usize)> {
        let bytes = self.text.as_bytes();
        let window = &bytes[..bytes.len().min(start + 8)];
        let line_end = run(window, start, |byte| byte != b'\n');
        let mark = self.text.get(start..line_end)?.trim_end();
        if !matches!(mark, "|" | ">" | "|-" | ">-" | "|+" | ">+") {
            return None;
        }
        let first = run(bytes, line_end, |byte| is_blank(byte) || byte == b'\n');
        let mut end = first;
        while end < bytes.len() && end.saturating_sub(first) < 16 * 1024 {
            let next_line = run(bytes, end, |byte| byte != b'\n');
            end = next_line;
            if !matches!(bytes.get(next_line + 1), Some(b' ' | b'\t')) {
                break;
            }
            end += 1;
        }
        (end > first && !is_blank_or_reference(self.text.get(first..end)?.trim())).then_some((first, end))
    }

    /// A value in a connection string may hold blanks: it runs to the `;` when that ends a pair.
    fn connection_end(&self, end: usize) -> usize {
        let bytes = self.text.as_bytes();
        let window = judged(self.text, end).as_bytes();
        let semicolon = run(window, end, |byte| !matches!(byte, b';' | b'\n' | b'"' | b'\'' | b'`' | b'=' | b'<' | b'>'));
        if byte(bytes, end) != b' ' || byte(window, semicolon) != b';' {
            return end;
        }
        let next = run(window, semicolon + 1, |byte| is_name(byte) || byte == b' ');
        let is_followed = byte(bytes, semicolon + 1).is_ascii_alphabetic() && byte(bytes, next) == b'=';
        let is_last = matches!(byte(bytes, semicolon + 1), b'\n' | b'"' | b'\'') || semicolon + 1 == bytes.len();
        let is_pair = is_followed || is_last && byte_before(bytes, self.name_start) == b';';
        if is_pair { semicolon } else { end }
    }

    /// Whether a quoted value is a secret where its quote begins at `start`. Words in the back quotes of Markdown, commands in those of
    /// a shell, and words of a list are none.
    fn accepts_quoted_behind(&self, separator: Separator, start: usize, from: usize, to: usize) -> bool {
        let bytes = self.text.as_bytes();
        let value = self.text.get(from..to).unwrap_or_default();
        let is_back_quoted = byte(bytes, start) == b'`';
        let is_command = is_back_quoted && separator == Separator::Equals && value.contains(' ');
        let is_markdown = is_back_quoted && byte(bytes, self.name_end) == b'`' && !has_digit(value);
        let is_list = separator == Separator::Comma && self.is_word_of_list(value);
        !is_command && !is_markdown && !is_list && self.accepts_quoted(from, to)
    }

    fn accepts_quoted(&self, from: usize, to: usize) -> bool {
        let value = self.text.get(from..to).unwrap_or_default().trim();
        !is_blank_or_reference(value)
            && !self.follows_unexpected()
            && !is_word_of_prose(value)
            && !is_sentence(value)
            && !is_prompt(value)
            && !is_harmless(self.name, value)
            && !value.eq_ignore_ascii_case(self.name)
    }

    fn accepts_bare(&self, separator: Separator, start: usize, end: usize) -> bool {
        let value = self.text.get(start..end).unwrap_or_default();
        if is_blank_or_reference(value) || is_word_of_prose(value) || is_code(self.text, value, end) || is_harmless(self.name, value) {
            return false;
        }
        if self.kind == TOKEN && !has_letter(value) && value.len() < 12 {
            return false;
        }
        if self.kind == COOKIE {
            return value.contains('=') || value.len() >= 16;
        }
        if is_auth_variable(self.name, b'=') && is_auth_method(value) {
            return false;
        }
        match separator {
            Separator::Equals | Separator::Encoded => true,
            Separator::Colon | Separator::Arrow => self.accepts_after_colon(value, end),
            Separator::Comma | Separator::Space | Separator::Element | Separator::Call | Separator::Cell => false,
        }
    }

    /// After a colon prose is likely: a value needs a digit or a symbol, or a line of its own.
    fn accepts_after_colon(&self, value: &str, end: usize) -> bool {
        let has_symbol = value.bytes().any(|byte| byte.is_ascii_punctuation() && !matches!(byte, b'.' | b'-' | b'_' | b'!' | b'?'));
        if self.follows_unexpected() || self.is_next_name(value) {
            return false;
        }
        has_digit(value) || has_symbol || !value.is_ascii() || self.is_whole_line(end) && value.len() >= 4
    }

    /// Whether a value is a name that another colon follows, as in `no-secrets: token: string`.
    fn is_next_name(&self, value: &str) -> bool {
        value.strip_suffix(':').is_some_and(|name| name.bytes().all(|byte| byte.is_ascii_alphabetic() || matches!(byte, b'_' | b'-')))
    }

    /// Whether a parser complains about a token in the text.
    fn follows_unexpected(&self) -> bool {
        let before = self.text[..self.name_start].trim_end();
        let words = ["unexpected", "expected", "unknown", "next", "illegal", "invalid"];
        self.kind == TOKEN
            && words.iter().any(|word| {
                before.len() >= word.len() && before.as_bytes()[before.len() - word.len()..].eq_ignore_ascii_case(word.as_bytes())
            })
    }

    /// Whether name and value have a line of several for themselves, as in YAML.
    fn is_whole_line(&self, end: usize) -> bool {
        let bytes = self.text.as_bytes();
        let is_indent = |byte| matches!(byte, b' ' | b'\t' | b'"' | b'\'' | b'-');
        let start = run_back(bytes, self.name_start, NAME_BYTES_MAX, is_indent);
        let begins_line = start == 0 || bytes[start - 1] == b'\n';
        let after = run(bytes, end, is_blank);
        begins_line && (after == bytes.len() || bytes[after] == b'\n')
    }
}

/// Longest attributes of an XML element that holds a secret, in bytes.
const ATTRIBUTES_BYTES_MAX: usize = 256;

/// Verbs that a function begins with whose argument is the name of a secret.
const GETTERS: &[&str] = &["get", "fetch", "load", "read", "find", "delete", "remove", "list", "require", "describe", "has"];

/// What prose puts between a name and its value.
const COPULAS: &[&str] = &[
    "is ",
    "is: ",
    "was ",
    "was: ",
    "of ",
    "with ",
    "set to ",
    "reset to ",
    "changed to ",
    "must not be ",
    "cannot be ",
    "provided: ",
    "passed: ",
    "supplied: ",
    "given: ",
    "used: ",
    "received: ",
];

/// What sets the variable whose name and value follow.
const SETTERS: &[&[u8]] = &[b"setx ", b"ENV ", b"set -x ", b"set -gx ", b"setenv "];

/// Types of texts in languages that write them behind the name.
const TYPES: &[&str] = &["string", "String", "str", "text", "varchar", "[]byte", "bytes", "std::string"];
