//! Secrets that must go and texts that must stay, from `data/redaction.txt`.
//!
//! No secret stands in the file as a whole: `+` joins its parts, and `++` is a plus sign.

use healnode_report::redact;

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
