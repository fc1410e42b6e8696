//! Which names tell that their value is a secret.
//!
//! A name is split into words at punctuation and at capitals, so that `dbPassword` counts and `compass` does not. The lists are
//! meant to grow by a word.

use super::kind::{API_KEY, AUTHORIZATION, COOKIE, Kind, PASSWORD, PRIVATE_KEY, SECRET, SESSION, TOKEN};

/// Parts of names that are worth a look, in lower case. Every word below contains one.
pub(crate) const ANCHORS: &[&str] = &[
    "pass", "pwd", "psw", "_pw", "psk", "secret", "token", "key", "cred", "auth", "cookie", "sess", "sid", "otp", "cvv", "cvc", "jwt",
    "bearer", "mnemonic", "csrf", "xsrf", "ssn",
];

/// Words that tell a secret wherever they stand in a name.
const ANYWHERE: &[(&str, Kind)] = &[
    ("password", PASSWORD),
    ("passwords", PASSWORD),
    ("passwd", PASSWORD),
    ("passphrase", PASSWORD),
    ("passcode", PASSWORD),
    ("passwort", PASSWORD),
    ("userpass", PASSWORD),
    ("userpwd", PASSWORD),
    ("pgpassword", PASSWORD),
    ("pwd", PASSWORD),
    ("secret", SECRET),
    ("secrets", SECRET),
    ("clientsecret", SECRET),
    ("cred", SECRET),
    ("creds", SECRET),
    ("credential", SECRET),
    ("credentials", SECRET),
    ("mnemonic", SECRET),
    ("psk", SECRET),
    ("presharedkey", SECRET),
    ("masterauth", PASSWORD),
    ("apikey", API_KEY),
    ("apitoken", TOKEN),
    ("apisecret", SECRET),
    ("accesskey", API_KEY),
    ("secretkey", SECRET),
    ("privatekey", PRIVATE_KEY),
    ("accountkey", SECRET),
    ("authtoken", TOKEN),
    ("accesstoken", TOKEN),
    ("refreshtoken", TOKEN),
    ("sharedaccesskey", SECRET),
    ("jwt", TOKEN),
    ("csrftoken", TOKEN),
    ("sessionid", SESSION),
    ("sessid", SESSION),
    ("jsessionid", SESSION),
    ("phpsessid", SESSION),
    ("sessiontoken", SESSION),
];

/// Words that tell a secret when they end a name.
const AT_THE_END: &[(&str, Kind)] = &[
    ("pass", PASSWORD),
    ("pw", PASSWORD),
    ("psw", PASSWORD),
    ("token", TOKEN),
    ("auth", AUTHORIZATION),
    ("authorization", AUTHORIZATION),
    ("bearer", TOKEN),
    ("cookie", COOKIE),
    ("sid", SESSION),
    ("otp", SECRET),
    ("cvv", SECRET),
    ("cvc", SECRET),
    ("csrf", TOKEN),
    ("xsrf", TOKEN),
    ("ssn", SECRET),
];

/// Words that make a following `key` a secret.
const BEFORE_KEY: &[(&str, Kind)] = &[
    ("api", API_KEY),
    ("app", API_KEY),
    ("access", API_KEY),
    ("preshared", SECRET),
    ("pre", SECRET),
    ("private", PRIVATE_KEY),
    ("secret", SECRET),
    ("signing", SECRET),
    ("sign", SECRET),
    ("encryption", SECRET),
    ("encrypt", SECRET),
    ("decryption", SECRET),
    ("shared", SECRET),
    ("account", SECRET),
    ("storage", SECRET),
    ("service", SECRET),
    ("master", SECRET),
    ("auth", API_KEY),
    ("client", SECRET),
    ("deploy", SECRET),
    ("license", SECRET),
    ("subscription", API_KEY),
    ("webhook", SECRET),
    ("ssh", PRIVATE_KEY),
    ("session", SECRET),
    ("host", PRIVATE_KEY),
    ("hmac", SECRET),
    ("root", SECRET),
    ("admin", SECRET),
    ("rapidapi", API_KEY),
];

/// Words that end the name of something about a secret, not of a secret.
const ABOUT: &[&str] = &[
    "algorithm",
    "arn",
    "at",
    "attempts",
    "bucket",
    "budget",
    "changed",
    "column",
    "count",
    "disabled",
    "enabled",
    "endpoint",
    "env",
    "error",
    "exception",
    "expired",
    "expires",
    "expiry",
    "expiration",
    "field",
    "file",
    "filename",
    "flow",
    "format",
    "header",
    "id",
    "ids",
    "in",
    "index",
    "invalid",
    "kind",
    "len",
    "length",
    "limit",
    "list",
    "manager",
    "max",
    "min",
    "mode",
    "name",
    "names",
    "parser",
    "path",
    "policy",
    "position",
    "prefix",
    "prompt",
    "provider",
    "rate",
    "ref",
    "required",
    "reset",
    "rotation",
    "size",
    "status",
    "stdin",
    "store",
    "strength",
    "timeout",
    "ttl",
    "type",
    "uri",
    "url",
    "usage",
    "used",
    "valid",
    "version",
    "hint",
    "fd",
    "validator",
    "scanning",
    "service",
    "encoder",
    "generator",
    "label",
    "message",
    "pattern",
    "placeholder",
    "regex",
    "rule",
    "rules",
    "title",
    "variable",
];

/// Words before `token` that make it a piece of text or a place in a list.
const OTHER_TOKENS: &[&str] = &[
    "bos",
    "completion",
    "continuation",
    "eos",
    "input",
    "max",
    "min",
    "next",
    "num",
    "output",
    "pad",
    "page",
    "prompt",
    "stop",
    "total",
    "unk",
];

/// Whether the name of a variable, key, header or flag tells that its value is a secret.
pub fn names_a_secret(name: &str) -> bool {
    secret_kind(name).is_some()
}

/// What the value of a name is, when the name tells a secret.
pub(crate) fn secret_kind(name: &str) -> Option<Kind> {
    let (words, count) = split(name);
    let words = &words[..count];
    let last = words.last()?;
    if among(ABOUT, last) {
        return None;
    }
    if among(words, "public") || among(words, "publishable") {
        return None;
    }
    let at_the_end = || find(AT_THE_END, last).filter(|_| !is_other_token(words));
    let anywhere = || words.iter().rev().find_map(|word| find(ANYWHERE, word).or_else(|| joined_kind(word)));
    key_kind(words).or_else(at_the_end).or_else(anywhere)
}

/// Whether the last word of a name tells nothing, as in `secret_scanning`: a setting about secrets, or one of several.
pub(crate) fn tells_in_its_midst(name: &str) -> bool {
    let (words, count) = split(name);
    let last = words[..count].last().copied().unwrap_or_default();
    let tells = find(AT_THE_END, last).or_else(|| find(ANYWHERE, last)).or_else(|| joined_kind(last));
    tells.is_none() && !last.eq_ignore_ascii_case("key")
}

/// What the value of a name of two words is, such as `api key`.
pub(crate) fn secret_kind_of_words(before: &str, name: &str) -> Option<Kind> {
    if before.is_empty() || before.eq_ignore_ascii_case("host") || !name.eq_ignore_ascii_case("key") {
        return None;
    }
    find(BEFORE_KEY, before)
}

/// What the value of a name may be that ends in `key` with an unknown word before, such as `HEROKU_KEY`, or that names a session or its
/// id. The value decides.
pub(crate) fn unsure_kind(name: &str) -> Option<Kind> {
    if names_a_session(name) {
        return Some(SESSION);
    }
    let ends_with_key = name.len().checked_sub(3).and_then(|at| name.get(at..)).is_some_and(|end| end.eq_ignore_ascii_case("key"));
    let (words, count) = if ends_with_key { split(name) } else { return None };
    let (last, before) = words[..count].split_last()?;
    let is_key = last.eq_ignore_ascii_case("key") && !before.is_empty() && !before.iter().any(|word| among(OTHER_KEYS, word));
    is_key.then_some(API_KEY)
}

/// Whether a name ends in `session` or `session_id`: the key to a session, or the number by which a log tells it from others.
fn names_a_session(name: &str) -> bool {
    let tail = name.len().checked_sub("session_id".len()).map_or(name, |at| name.get(at..).unwrap_or_default());
    let ends_with =
        |end: &str| tail.len().checked_sub(end.len()).and_then(|at| tail.get(at..)).is_some_and(|tail| tail.eq_ignore_ascii_case(end));
    ["session", "session_id", "sessionid", "session-id", "sess"].iter().any(|end| ends_with(end))
}

/// Whether a name is a constant or variable of an environment: capitals only.
pub(crate) fn is_strict_constant(name: &str) -> bool {
    name.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
}

/// Ends of a word that tell a secret whatever is joined to them, as in `dbpassword`.
const TAILS: &[(&str, Kind)] = &[("password", PASSWORD), ("passwd", PASSWORD), ("passphrase", PASSWORD), ("secret", SECRET)];

/// Ends of a word that tell a secret behind one of [`OWNERS`] only: `compass` and `turkey` are words.
const SHORT_TAILS: &[(&str, Kind)] = &[("pass", PASSWORD), ("pwd", PASSWORD), ("pw", PASSWORD), ("token", TOKEN)];

/// What has a password or token and is written as one word with it.
const OWNERS: &[&str] = &[
    "access",
    "admin",
    "api",
    "auth",
    "bearer",
    "bot",
    "csrf",
    "db",
    "deploy",
    "destkey",
    "deststore",
    "ftp",
    "git",
    "http",
    "id",
    "identity",
    "join",
    "key",
    "ldap",
    "mail",
    "mq",
    "my",
    "mysql",
    "pg",
    "proxy",
    "redis",
    "refresh",
    "require",
    "reset",
    "root",
    "session",
    "smtp",
    "sql",
    "srckey",
    "srcstore",
    "ssh",
    "store",
    "sudo",
    "svc",
    "trust",
    "user",
    "wifi",
];

fn joined_kind(word: &str) -> Option<Kind> {
    let head = |tail: &str| {
        let at = word.len().checked_sub(tail.len())?;
        word.get(at..)?.eq_ignore_ascii_case(tail).then(|| word.get(..at)).flatten()
    };
    let tail = TAILS.iter().find(|(tail, _)| head(tail).is_some());
    let short = || SHORT_TAILS.iter().find(|(tail, _)| head(tail).is_some_and(|owner| among(OWNERS, owner)));
    tail.or_else(short).map(|(_, kind)| *kind)
}

/// Words before `key` that make it the key of something stored, not of something locked.
const OTHER_KEYS: &[&str] = &[
    "cache",
    "client",
    "compound",
    "config",
    "dedup",
    "dict",
    "event",
    "feature",
    "flag",
    "foreign",
    "group",
    "hash",
    "idempotency",
    "index",
    "json",
    "locale",
    "lock",
    "lookup",
    "map",
    "message",
    "metric",
    "natural",
    "object",
    "partition",
    "pk",
    "primary",
    "pub",
    "public",
    "publishable",
    "query",
    "queue",
    "range",
    "record",
    "redis",
    "registry",
    "routing",
    "row",
    "s",
    "shard",
    "sort",
    "state",
    "storage",
    "surrogate",
    "tag",
    "translation",
    "unique",
];

fn key_kind(words: &[&str]) -> Option<Kind> {
    let (last, before) = words.split_last()?;
    if !last.eq_ignore_ascii_case("key") {
        return None;
    }
    find(BEFORE_KEY, before.last()?)
}

fn is_other_token(words: &[&str]) -> bool {
    words.len() >= 2 && among(OTHER_TOKENS, words[words.len() - 2])
}

fn find(table: &[(&str, Kind)], word: &str) -> Option<Kind> {
    let (_, kind) = table.iter().find(|(row, _)| row.eq_ignore_ascii_case(word))?;
    Some(*kind)
}

fn among(list: &[&str], word: &str) -> bool {
    list.iter().any(|row| row.eq_ignore_ascii_case(word))
}

/// Most words of a name that are looked at, from its end.
const WORDS_MAX: usize = 8;

/// The last words of a name, in order, and how many there are. Trailing numbers and stages such as `prod` are left out.
fn split(name: &str) -> ([&str; WORDS_MAX], usize) {
    let mut words = [""; WORDS_MAX];
    let mut first = WORDS_MAX;
    let mut rest = name;
    while first > 0 {
        rest = rest.trim_end_matches(|character: char| !character.is_ascii_alphabetic());
        if rest.is_empty() {
            break;
        }
        let start = last_word_start(rest.as_bytes());
        let word = &rest[start..];
        rest = &rest[..start];
        if first == WORDS_MAX && among(STAGES, word) {
            continue;
        }
        first -= 1;
        words[first] = word;
    }
    words.rotate_left(first);
    (words, WORDS_MAX - first)
}

/// Words behind a name that say which of several values it is.
const STAGES: &[&str] = &["prod", "production", "dev", "staging", "value", "old", "new", "current", "hash", "b", "base", "text"];

/// Start of the last word of an ASCII name: behind punctuation, a digit, or where lower case turns to upper.
fn last_word_start(name: &[u8]) -> usize {
    let mut start = name.len();
    while start > 0 && name[start - 1].is_ascii_alphabetic() {
        let is_capital = name.get(start).is_some_and(u8::is_ascii_uppercase);
        if is_capital && name[start - 1].is_ascii_lowercase() {
            break;
        }
        let ends_acronym =
            start + 1 < name.len() && is_capital && name[start + 1].is_ascii_lowercase() && name[start - 1].is_ascii_uppercase();
        if ends_acronym {
            break;
        }
        start -= 1;
    }
    start
}

#[cfg(test)]
mod tests {
    use super::names_a_secret;

    #[test]
    fn names_of_secrets_are_told() {
        for name in [
            "password",
            "DB_PASSWORD",
            "dbPassword",
            "PGPASSWORD",
            "spring.datasource.password",
            "GITHUB_TOKEN",
            "--api-key",
            "APIKey",
            "aws_secret_access_key",
            "X-Api-Key",
            "clientSecret",
            "AccountKey",
            "DB_PASS",
            "SECRET_KEY",
            "secretKeyBase64",
            "password2",
            "JSESSIONID",
            "Authorization",
            "refresh_token",
            "MYSQL_PWD",
            "STRIPE_SECRET_PROD",
            "private_key",
            "SharedAccessKey",
            "SLACK_TOKEN_NEW",
            "_auth",
            "encryption-key",
            "-srcstorepass",
            "-destkeypass",
        ] {
            assert!(names_a_secret(name), "{name}");
        }
    }

    #[test]
    fn other_names_are_not() {
        for name in [
            "",
            "user",
            "turkey",
            "compass",
            "bypass",
            "monkey",
            "public_key",
            "primaryKey",
            "foreign_key",
            "cache_key",
            "prompt_tokens",
            "max_token",
            "next_page_token",
            "token_type",
            "password_file",
            "password-stdin",
            "key",
            "keyboard",
            "author",
            "secret_name",
            "tokenizer",
            "access_key_id",
            "sidecar",
            "passenger",
            "sort_key",
            "password_reset_flow",
            "token_bucket",
        ] {
            assert!(!names_a_secret(name), "{name}");
        }
    }
}
