//! An operator's own rules, compiled: patterns, allowed values, credentials.
//!
//! All patterns are one automaton of bounded size that runs in bounded windows, so that no pattern makes redaction more than linear.
//! Matches never touch a token of a redaction, so that redacting twice changes nothing.

use std::collections::BTreeSet;
use std::fmt;
use std::ops::Range;

use aho_corasick::{AhoCorasick, MatchKind};
use regex_automata::meta::{BuildError, Config, Regex};
use regex_automata::util::syntax;
use regex_automata::{Anchored, Input};

use super::clean::clean;
use super::kind::{OWN_PREFIX, SECRET, is_built_in, is_own_name};
use super::redactor::RedactorOptions;
use super::span::Spans;

/// Most own patterns. More cost every line.
const PATTERNS_MAX: usize = 64;

/// Longest pattern, in bytes as written, and its size when compiled. A counted repetition of a Unicode class is what grows.
const PATTERN_BYTES_MAX: usize = 1024;
const COMPILED_BYTES_MAX: usize = 256 * 1024;

/// Shortest credential that goes by its exact value, in bytes. A shorter one may be a word.
const CREDENTIAL_BYTES_MIN: usize = 8;

/// How much text is searched at once for an own pattern, in bytes. Bounds what a pattern costs that looks far ahead at every place. A
/// match that is longer than half of it is taken in pieces.
const WINDOW_BYTES: usize = 1024;

/// Why an operator's rules cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RedactorError {
    /// The name of a pattern does not fit into a token.
    #[error("pattern name {name:?} cannot be used: take 1 to 24 of a-z, 0-9 and -")]
    Name {
        /// The name as it was given.
        name: String,
    },
    /// A pattern is no regular expression that can be run in linear time.
    #[error("pattern {name} is no regular expression without look-around and back-references: mend it as the cause says")]
    Syntax {
        /// The pattern's name.
        name: String,
        /// What is wrong, and where.
        #[source]
        source: Box<BuildError>,
    },
    /// A pattern matches the empty text, which cannot be taken out.
    #[error("pattern {name} matches the empty text: let it demand at least one character")]
    Empty {
        /// The pattern's name.
        name: String,
    },
    /// A pattern is too long, or too large when compiled.
    #[error(
        "pattern {name} is too large: shorten it to {PATTERN_BYTES_MAX} bytes, lower the counts in its repetitions, or write [0-9] for \\d and (?-u:\\w) for \\w"
    )]
    TooLarge {
        /// The pattern's name.
        name: String,
    },
    /// There are more patterns than are run.
    #[error("{count} patterns are too many: join some by | until at most {PATTERNS_MAX} are left")]
    TooMany {
        /// How many there are.
        count: usize,
    },
    /// The credentials do not fit into an automaton.
    #[error("the credentials are too large to look for: leave out those that are no credentials")]
    Credentials(#[source] aho_corasick::BuildError),
}

/// The compiled rules.
pub(crate) struct Own {
    names: Vec<String>,
    patterns: Option<Regex>,
    allowed: BTreeSet<String>,
    credentials: Option<AhoCorasick>,
    ip_addresses: bool,
}

impl Default for Own {
    fn default() -> Self {
        Own { names: Vec::new(), patterns: None, allowed: BTreeSet::new(), credentials: None, ip_addresses: true }
    }
}

impl fmt::Debug for Own {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Redactor")
            .field("patterns", &self.names)
            .field("allowed", &self.allowed.len())
            .field("credentials", &self.credentials.as_ref().map_or(0, AhoCorasick::patterns_len))
            .field("ip_addresses", &self.ip_addresses)
            .finish()
    }
}

impl Own {
    pub(crate) fn new(options: &RedactorOptions) -> Result<Own, RedactorError> {
        Ok(Own {
            names: options.patterns.iter().map(|(name, _)| name.clone()).collect(),
            patterns: compile(&options.patterns)?,
            allowed: options.allowed.iter().map(|value| clean(value).into_owned()).filter(|value| !value.is_empty()).collect(),
            credentials: automaton(&options.credentials)?,
            ip_addresses: options.ip_addresses,
        })
    }

    pub(crate) fn has_allowed(&self) -> bool {
        !self.allowed.is_empty()
    }

    pub(crate) fn allows(&self, value: &str) -> bool {
        self.has_allowed() && self.allowed.contains(value)
    }

    pub(crate) fn keeps_ip_addresses(&self) -> bool {
        !self.ip_addresses
    }

    /// The token that a value leaves which one of the patterns found.
    pub(crate) fn token(&self, pattern: usize) -> String {
        format!("<{OWN_PREFIX}{}>", self.names.get(pattern).map_or("", String::as_str))
    }

    /// Adds every credential and every match of a pattern.
    pub(crate) fn find(&self, text: &str, spans: &mut Spans<'_>) {
        if self.credentials.is_none() && self.patterns.is_none() {
            return;
        }
        for gap in self.gaps(text) {
            for found in self.credentials.iter().flat_map(|credentials| credentials.find_iter(&text[gap.clone()])) {
                spans.add_credential(gap.start + found.start(), gap.start + found.end(), SECRET);
            }
            self.find_patterns(text, gap, &mut |pattern, value| spans.add_own(value.start, value.end, pattern));
        }
    }

    /// Puts a token in place of every part between tokens in which a pattern still finds something. A pattern that asks for what is
    /// beside a match may find one more each time, and this ends it.
    pub(crate) fn settle(&self, text: &str, spans: &mut Spans<'_>) {
        for gap in self.gaps(text) {
            let mut first = None;
            self.find_patterns(text, gap.clone(), &mut |pattern, _| first = first.or(Some(pattern)));
            if let Some(pattern) = first {
                spans.add_own(gap.start, gap.end, pattern);
            }
        }
    }

    fn find_patterns(&self, text: &str, gap: Range<usize>, add: &mut dyn FnMut(usize, Range<usize>)) {
        let Some(patterns) = &self.patterns else {
            return;
        };
        let mut at = gap.start;
        while at < gap.end {
            let end = gap.end.min(ceil(text, at + WINDOW_BYTES));
            let input = Input::new(text).span(at..end);
            match patterns.search(&input) {
                None if end == gap.end => return,
                None => at = ceil(text, end - WINDOW_BYTES / 2),
                Some(found) if found.end() == end && end < gap.end && found.start() > at => at = found.start(),
                Some(found) => {
                    let inner = input.span(found.range()).anchored(Anchored::Pattern(found.pattern()));
                    let mut captures = patterns.create_captures();
                    if patterns.group_info().group_len(found.pattern()) > 1 {
                        patterns.search_captures(&inner, &mut captures);
                    }
                    let value = captures.get_group(1).map_or(found.range(), |group| group.range());
                    add(found.pattern().as_usize(), value);
                    at = found.end().max(ceil(text, at + 1));
                }
            }
        }
    }

    /// The parts of a text between the tokens that this redactor leaves.
    fn gaps(&self, text: &str) -> Vec<Range<usize>> {
        let mut gaps = Vec::new();
        let mut from = 0;
        for (open, _) in text.match_indices('<') {
            let name = text[open + 1..]
                .bytes()
                .take(TOKEN_BYTES_MAX)
                .position(|byte| byte == b'>')
                .and_then(|end| text.get(open + 1..open + 1 + end));
            if let Some(name) = name.filter(|name| self.is_token(name)) {
                gaps.push(from..open);
                from = open + name.len() + 2;
            }
        }
        gaps.push(from..text.len());
        gaps
    }

    fn is_token(&self, name: &str) -> bool {
        let is_own = || name.strip_prefix(OWN_PREFIX).is_some_and(|name| self.names.iter().any(|own| own == name));
        is_built_in(name) || is_own()
    }
}

/// Longest name of a token, in bytes.
const TOKEN_BYTES_MAX: usize = 32;

fn ceil(text: &str, mut at: usize) -> usize {
    while at < text.len() && !text.is_char_boundary(at) {
        at += 1;
    }
    at.min(text.len())
}

fn config() -> Config {
    Config::new().nfa_size_limit(Some(COMPILED_BYTES_MAX)).onepass(false)
}

fn compile(patterns: &[(String, String)]) -> Result<Option<Regex>, RedactorError> {
    if patterns.len() > PATTERNS_MAX {
        return Err(RedactorError::TooMany { count: patterns.len() });
    }
    for (name, pattern) in patterns {
        check(name, pattern)?;
    }
    if patterns.is_empty() {
        return Ok(None);
    }
    let sources: Vec<&str> = patterns.iter().map(|(_, pattern)| pattern.as_str()).collect();
    let together = config().nfa_size_limit(Some(COMPILED_BYTES_MAX * patterns.len()));
    let largest = || patterns.iter().max_by_key(|(_, pattern)| pattern.len()).map_or_else(String::new, |(name, _)| name.clone());
    let regex = Regex::builder().configure(together).build_many(&sources).map_err(|_| RedactorError::TooLarge { name: largest() })?;
    Ok(Some(regex))
}

/// Compiles a pattern alone, so that a fault has a name.
fn check(name: &str, pattern: &str) -> Result<(), RedactorError> {
    if !is_own_name(name) {
        return Err(RedactorError::Name { name: name.to_owned() });
    }
    let name = name.to_owned();
    if pattern.len() > PATTERN_BYTES_MAX {
        return Err(RedactorError::TooLarge { name });
    }
    if let Err(source) = Regex::builder().configure(config()).build(pattern) {
        let is_size = source.size_limit().is_some();
        return Err(if is_size { RedactorError::TooLarge { name } } else { RedactorError::Syntax { name, source: Box::new(source) } });
    }
    let shortest = syntax::parse(pattern).ok().and_then(|parsed| parsed.properties().minimum_len());
    if shortest.unwrap_or(0) == 0 { Err(RedactorError::Empty { name }) } else { Ok(()) }
}

fn automaton(credentials: &[String]) -> Result<Option<AhoCorasick>, RedactorError> {
    let forms: BTreeSet<String> = credentials
        .iter()
        .map(|value| clean(value.trim()).into_owned())
        .filter(|value| value.len() >= CREDENTIAL_BYTES_MIN)
        .flat_map(|value| [escaped(&value), url_encoded(&value), value])
        .collect();
    if forms.is_empty() {
        return Ok(None);
    }
    let automaton = AhoCorasick::builder().match_kind(MatchKind::LeftmostLongest).build(forms);
    automaton.map(Some).map_err(RedactorError::Credentials)
}

/// A text as it stands in JSON.
fn escaped(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    for character in value.chars() {
        match character {
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '"' | '\\' => out.extend(['\\', character]),
            _ => out.push(character),
        }
    }
    out
}

/// A text as it stands in a URL.
fn url_encoded(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    for byte in value.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => out.push(char::from(byte)),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}
