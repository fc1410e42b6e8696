//! A redactor: the built-in rules, and what an operator adds to them.
//!
//! An operator may name own patterns, values that stay although a rule finds them, and credentials of the node that always go. All
//! are compiled once, under bounds, and shared by the clones. Without them it does what the free functions do.

use std::borrow::Cow;
use std::fmt;
use std::sync::{Arc, LazyLock};

use super::argv;
use super::clean::clean;
use super::own::{Own, RedactorError};

/// What an operator adds to the built-in rules. The default adds nothing.
#[derive(Clone)]
pub struct RedactorOptions {
    /// Own patterns: a name of 1 to 24 small letters, digits and `-`, and a regular expression without look-around and back-references.
    ///
    /// What its first group matches goes, or all of a match when it has none. The value leaves `<x-NAME>` behind.
    pub patterns: Vec<(String, String)>,
    /// Values that stay although a rule finds them, exactly as they stand in a text. Credentials go nevertheless.
    pub allowed: Vec<String>,
    /// The node's own credentials, which go wherever they stand, also JSON-escaped or URL-encoded. They leave `<secret>` behind.
    ///
    /// Those shorter than 8 bytes are left to the other rules: they would tear words apart.
    pub credentials: Vec<String>,
    /// Whether public IP addresses go.
    pub ip_addresses: bool,
}

impl Default for RedactorOptions {
    fn default() -> Self {
        RedactorOptions { patterns: Vec::new(), allowed: Vec::new(), credentials: Vec::new(), ip_addresses: true }
    }
}

impl fmt::Debug for RedactorOptions {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.patterns.iter().map(|(name, _)| name.as_str()).collect();
        formatter
            .debug_struct("RedactorOptions")
            .field("patterns", &names)
            .field("allowed", &self.allowed.len())
            .field("credentials", &self.credentials.len())
            .field("ip_addresses", &self.ip_addresses)
            .finish()
    }
}

/// Takes secrets and personal data out of texts, by the built-in rules and an operator's own. A clone costs next to nothing.
///
/// ```
/// use healnode_report::{Redactor, RedactorOptions};
///
/// let patterns = vec![("customer".to_owned(), "customer ([0-9]+)".to_owned())];
/// let redactor = Redactor::new(&RedactorOptions { patterns, ..RedactorOptions::default() })?;
/// assert_eq!(redactor.redact("customer 4711 sent password=hunter2"), "customer <x-customer> sent password=<password>");
/// # Ok::<(), healnode_report::RedactorError>(())
/// ```
#[derive(Clone)]
pub struct Redactor {
    own: Arc<Own>,
}

static BUILT_IN: LazyLock<Redactor> = LazyLock::new(|| Redactor { own: Arc::new(Own::default()) });

impl Default for Redactor {
    fn default() -> Self {
        BUILT_IN.clone()
    }
}

impl fmt::Debug for Redactor {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.own, formatter)
    }
}

impl Redactor {
    /// The redactor of the free functions: the built-in rules only.
    pub(crate) fn built_in() -> &'static Redactor {
        &BUILT_IN
    }

    /// Compiles an operator's rules. The error names the pattern that is at fault and says how to mend it.
    pub fn new(options: &RedactorOptions) -> Result<Redactor, RedactorError> {
        Ok(Redactor { own: Arc::new(Own::new(options)?) })
    }

    /// Redacts a text: every secret and personal datum that a rule knows becomes a typed token such as `<github-token>`.
    ///
    /// Also strips ANSI escapes, control characters other than `\n` and `\t`, and invisible or direction-changing characters.
    /// Total and linear on any text, and idempotent.
    pub fn redact<'a>(&self, text: &'a str) -> Cow<'a, str> {
        super::redact_with(self, text)
    }

    /// Redacts the arguments of a command, the program included. Keeps their number and order.
    pub fn redact_argv(&self, argv: &[String]) -> Vec<String> {
        argv::redact_words(argv, argv::Look::in_commands(self))
    }

    /// Redacts a command line that came as one text. Words that hold no secret stay as they are written.
    pub(crate) fn redact_command_line(&self, line: &str) -> String {
        self.redact(&argv::rewrite(&clean(line), argv::Look::in_commands(self))).into_owned()
    }

    /// Redacts the value of something that has a name, such as a tag or an environment variable.
    pub fn redact_named(&self, name: &str, value: &str) -> String {
        match super::named_kind(name, value) {
            Some(kind) if !self.allows(value) => kind.token(),
            _ => self.redact(value).into_owned(),
        }
    }

    /// Whether some values stay although a rule finds them. A node without them would redact what this one lets pass.
    pub fn has_allowed(&self) -> bool {
        self.own.has_allowed()
    }

    /// Whether a value stays although a rule finds it.
    pub(crate) fn allows(&self, value: &str) -> bool {
        self.own.allows(value)
    }

    pub(crate) fn own(&self) -> &Own {
        &self.own
    }
}
