//! Takes secrets and personal data out of a text.
//!
//! One automaton over all anchors (token prefixes, key words, punctuation) picks the few rules that look at a place; the rules
//! walk bytes by hand, so the cost is linear. A value leaves its kind behind, such as `<password>`, and nothing of itself.
//! Texts of a report pass here before anything else sees them; what is cut, grouped or shown comes after.

mod argv;
mod clean;
mod commands;
mod dialogs;
mod fields;
mod flags;
mod headers;
mod home;
mod inserts;
mod keys;
mod kind;
mod manifests;
mod nearby;
mod network;
mod numbers;
mod own;
mod pairs;
mod pem;
mod phrases;
mod prose;
mod quotes;
mod redactor;
mod references;
mod scan;
mod separators;
mod shapes;
mod span;
mod statements;
mod tokens;
mod urls;
mod values;

use std::borrow::Cow;
use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, AhoCorasickKind};

pub(crate) use argv::quote_argv;
pub(crate) use clean::clean;
pub use keys::names_a_secret;
use kind::Kind;
pub(crate) use kind::is_kind;
pub use own::RedactorError;
pub use redactor::{Redactor, RedactorOptions};

use span::Spans;
use tokens::TOKENS;

/// Redacts a text by the built-in rules: see [`Redactor::redact`].
pub fn redact(text: &str) -> Cow<'_, str> {
    Redactor::built_in().redact(text)
}

/// Redacts the arguments of a command by the built-in rules: see [`Redactor::redact_argv`].
pub fn redact_argv(argv: &[String]) -> Vec<String> {
    Redactor::built_in().redact_argv(argv)
}

/// What the value of a name is, when it is a secret.
fn named_kind(name: &str, value: &str) -> Option<Kind> {
    let is_secret = !references::is_blank_or_reference(value.trim()) && !values::is_harmless(name, value);
    keys::secret_kind(name).filter(|_| is_secret)
}

/// How often a text is gone through, at most, while something is found. A token in place of a value can bring a key and another
/// value together; the property tests hold with these passes.
const PASSES_MAX: usize = 6;

fn redact_with<'a>(redactor: &Redactor, text: &'a str) -> Cow<'a, str> {
    let (text, is_settled) = redact_until_settled(redactor, clean(text));
    if is_settled {
        return text;
    }
    let mut spans = Spans::new(redactor.own());
    redactor.own().settle(&text, &mut spans);
    match spans.replace_in(&text) {
        Some(settled) => redact_until_settled(redactor, Cow::Owned(settled)).0,
        None => text,
    }
}

fn redact_until_settled<'a>(redactor: &Redactor, mut text: Cow<'a, str>) -> (Cow<'a, str>, bool) {
    for _ in 0..PASSES_MAX {
        let traced = argv::redact_traces(&text, redactor);
        let Some(redacted) = pass(traced.as_deref().unwrap_or(&text), redactor).or(traced) else {
            return (text, true);
        };
        text = Cow::Owned(redacted);
    }
    (text, false)
}

fn pass(text: &str, redactor: &Redactor) -> Option<String> {
    let mut spans = Spans::new(redactor.own());
    for hit in ANCHORS.automaton.find_overlapping_iter(text) {
        match &ANCHORS.rules[hit.pattern().as_usize()] {
            Rule::Token(token) => token.find(text, hit.start(), &mut spans),
            Rule::At(find) => find(text, hit.start(), hit.end(), &mut spans),
        }
    }
    numbers::find(text, &mut spans);
    network::find_colon_addresses(text, &mut spans);
    redactor.own().find(text, &mut spans);
    spans.replace_in(text)
}

/// Looks at an anchor's place and adds the spans to redact.
type Find = fn(text: &str, start: usize, end: usize, spans: &mut Spans<'_>);

enum Rule {
    Token(&'static tokens::Token),
    At(Find),
}

struct Anchors {
    automaton: AhoCorasick,
    rules: Vec<Rule>,
}

static ANCHORS: LazyLock<Anchors> = LazyLock::new(|| {
    let mut literals = Vec::new();
    let mut rules = Vec::new();
    for token in TOKENS {
        literals.push(token.prefix);
        rules.push(Rule::Token(token));
    }
    for (anchors, find) in PLACES {
        for anchor in *anchors {
            literals.push(anchor);
            rules.push(Rule::At(*find));
        }
    }
    // A table of all transitions costs one and a half MiB and makes redaction a tenth faster.
    let automaton = AhoCorasick::builder()
        .ascii_case_insensitive(true)
        .kind(Some(AhoCorasickKind::DFA))
        .build(literals)
        .expect("a few hundred short literals fit into an automaton");
    Anchors { automaton, rules }
});

/// Anchors, in lower case, and the rule that looks at them.
const PLACES: &[(&[&str], Find)] = &[
    (keys::ANCHORS, pairs::find),
    (&["?", "&"], urls::find_parameter),
    (&["://"], urls::find_user_info),
    (&["bearer ", "basic "], headers::find_scheme),
    (&["cookie:", "cookie\":"], headers::find_cookie),
    (&["eyj"], shapes::find_jwt),
    (&["q~"], shapes::find_azure_secret),
    (&[":a"], shapes::find_telegram),
    (shapes::DISCORD_IDS, shapes::find_discord),
    (&["pat"], shapes::find_airtable),
    (&["s."], shapes::find_vault),
    (&[".atlasv1."], shapes::find_atlas),
    (&["-us"], shapes::find_mailchimp),
    (shapes::HASHES, shapes::find_crypt),
    (&["-----begin ", "-----begin%20", "-----begin+"], pem::find),
    (&["-----end "], pem::find_end),
    (&["private-lines:"], pem::find_putty),
    (pairs::OTHER_NAMES, pairs::find_other),
    (numbers::PHONES, numbers::find_phone_field),
    (home::LOGINS, home::find_ssh_login),
    (&["@", "%40"], network::find_email),
    (&["@"], urls::find_bare_user_info),
    (commands::PROGRAMS, commands::find),
    (&["net use "], commands::find_net_use),
    (statements::CONNECTS, statements::find_third_argument),
    (&["identified "], statements::find_identified),
    (&["convertto-securestring "], statements::find_secure_string),
    (&["jdbc:oracle:", "sqlplus "], statements::find_oracle),
    (statements::PGPASS, statements::find_pgpass),
    (dialogs::AUTHS, dialogs::find_auth),
    (&[" login "], dialogs::find_imap_login),
    (&["samlresponse", "samlassertion"], pairs::find_assertion),
    (&["temporary password ", "password for ", "password of "], dialogs::find_password_for),
    (phrases::ANCHORS, phrases::find),
    (manifests::ANCHORS, manifests::find),
    (&["+", "%2b"], numbers::find_phone),
    (
        &["/home/", "/users/", "\\users\\", "\\\\users\\\\", "~", "%2fhome%2f", "%2fusers%2f", "\\documents and settings\\", "%5cusers%5c"],
        home::find_directory,
    ),
    (&["user ", "user=", "user: ", "username ", "login "], home::find_login),
    (&["role "], home::find_role),
    (&["rhost="], home::find_pam_user),
    (&["sudo:", "(uid="], home::find_caller),
    (&["auth ", "auth\" \""], dialogs::find_redis_auth),
    (&["following password"], dialogs::find_password_below),
    (&["pragma key", "pragma rekey"], statements::find_pragma),
    (&["input_value="], fields::find_input),
    (inserts::ANCHORS, inserts::find),
];
