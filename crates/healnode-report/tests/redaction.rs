//! Secrets that must go and texts that must stay, from `data/redaction.txt`.
//!
//! No secret stands in the file as a whole: `+` joins its parts, and `++` is a plus sign.

use healnode_report::{Redactor, RedactorError, RedactorOptions, redact};

#[test]
fn secrets_go_and_other_text_stays() {
    let mut faults = Vec::new();
    for line in include_str!("data/redaction.txt").lines() {
        let Some((kind, text)) = line.split_once(": ").filter(|_| !line.starts_with('#')) else {
            continue;
        };
        check(kind, &text.replace("\\n", "\n"), &mut faults);
    }
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
}

fn options(patterns: &[(&str, &str)]) -> RedactorOptions {
    let patterns = patterns.iter().map(|(name, pattern)| ((*name).to_owned(), (*pattern).to_owned())).collect();
    RedactorOptions { patterns, ..RedactorOptions::default() }
}

#[test]
fn own_patterns_leave_their_names() {
    let redactor =
        Redactor::new(&options(&[("ticket", "TCK-[0-9]+"), ("customer-2", r"customer (\w+)"), ("staff", "(?i)staff/(?:a|b)")])).unwrap();
    for (text, expected) in [
        ("see TCK-4711, TCK-12", "see <x-ticket>, <x-ticket>"),
        ("customer müller left", "customer <x-customer-2> left"),
        ("STAFF/b and staff/c", "<x-staff> and staff/c"),
        ("password=TCK-4711x", "password=<x-ticket>"),
        ("postgres://a:TCK-4711@db", "postgres://<x-ticket>@db"),
        ("mail bob@example.com", "mail <email>"),
    ] {
        assert_eq!(redactor.redact(text), expected);
        assert_eq!(redactor.redact(expected), expected);
    }
    assert_eq!(redactor.redact_argv(&["tool".into(), "TCK-1".into()]), ["tool", "<x-ticket>"]);
    assert_eq!(redactor.redact_named("note", "TCK-1"), "<x-ticket>");
}

#[test]
fn a_pattern_at_fault_is_named() {
    let error = |patterns: &[(&str, &str)]| Redactor::new(&options(patterns)).unwrap_err();
    assert!(matches!(error(&[("Ticket", "a")]), RedactorError::Name { .. }));
    assert!(matches!(error(&[("a", "b"), ("ticket", "a(?=b)")]), RedactorError::Syntax { name, .. } if name == "ticket"));
    assert!(matches!(error(&[("ticket", "a*")]), RedactorError::Empty { name } if name == "ticket"));
    assert!(matches!(error(&[("ticket", r"(\w{1,500}\s){500}")]), RedactorError::TooLarge { name } if name == "ticket"));
    assert!(matches!(error(&[("ticket", &"a".repeat(5000))]), RedactorError::TooLarge { name } if name == "ticket"));
    assert!(matches!(error(&[("a", "b"); 65]), RedactorError::TooMany { count: 65 }));
    assert!(error(&[("ticket", "a*")]).to_string().contains("pattern ticket"));
}

#[test]
fn allowed_values_stay_and_credentials_go() {
    let own = |value: &str| vec![value.to_owned()];
    let redactor = Redactor::new(&RedactorOptions {
        allowed: ["support@example.com", "hunter2", "my own token/1"].map(str::to_owned).to_vec(),
        credentials: [own("my own token/1"), own("short")].concat(),
        ..RedactorOptions::default()
    })
    .unwrap();
    assert!(redactor.has_allowed() && !Redactor::default().has_allowed());
    for (text, expected) in [
        ("write to support@example.com or bob@example.com", "write to support@example.com or <email>"),
        ("password=hunter2 token=abc123def", "password=hunter2 token=<token>"),
        ("sent my own token/1 in short", "sent <secret> in short"),
        ("?t=my%20own%20token%2F1&a=1", "?t=<secret>&a=1"),
    ] {
        assert_eq!(redactor.redact(text), expected);
        assert_eq!(redactor.redact(expected), expected);
    }
    assert_eq!(redactor.redact_named("DB_PASSWORD", "hunter2"), "hunter2");
    assert_eq!(redactor.redact_argv(&["mysql".into(), "-phunter2".into()]), ["mysql", "-phunter2"]);
    assert!(!format!("{redactor:?}").contains("token"));
}

#[test]
fn public_addresses_stay_when_told_so() {
    let redactor = Redactor::new(&RedactorOptions { ip_addresses: false, ..RedactorOptions::default() }).unwrap();
    assert_eq!(redactor.redact("from 203.0.114.7 by anna@example.com"), "from 203.0.114.7 by <email>");
    assert_eq!(Redactor::default().redact("from 203.0.114.7"), "from <ip>");
}

fn check(kind: &str, text: &str, faults: &mut Vec<String>) {
    let (text, secrets) = assemble(text);
    let redacted = redact(&text);
    if kind == "stay" {
        if redacted != text {
            faults.push(format!("must stay: {text}\n      got: {redacted}"));
        }
        return;
    }
    if !redacted.contains(&format!("<{kind}>")) {
        faults.push(format!("must leave <{kind}>: {text}\n                got: {redacted}"));
    }
    for secret in secrets {
        if let Some(left) = windows(&secret).find(|window| redacted.contains(window)) {
            faults.push(format!("must go: {text}\n   left: {left} in {redacted}"));
        }
    }
}

/// Every eight characters of a secret, or the whole of a shorter one.
fn windows(secret: &str) -> impl Iterator<Item = &str> {
    let length = secret.len().min(8);
    (0..=secret.len() - length).filter_map(move |start| secret.get(start..start + length))
}

/// The text with its secrets put together, and the secrets, which stand between `[[` and `]]`.
fn assemble(text: &str) -> (String, Vec<String>) {
    let mut out = String::new();
    let mut secrets = Vec::new();
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once("[[") {
        let (parts, after) = behind.split_once("]]").expect("a secret is closed");
        let secret = parts.replace("++", "\0").replace('+', "").replace('\0', "+");
        out.push_str(before);
        out.push_str(&secret);
        secrets.push(secret);
        rest = after;
    }
    out.push_str(rest);
    (out, secrets)
}
