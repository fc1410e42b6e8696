//! What an application attached to an error, of whatever shape.
//!
//! Every text and number in it is redacted, by the names that lead to it as well, and then the whole as one text. What is
//! left is cut to the bounds in `limits.rs`. It takes no part in the fingerprint.

use serde_json::{Map, Value};

use crate::clip::{clip, line, settle};
use crate::limits::{CONTEXT_BYTES_MAX, CONTEXT_DEPTH_MAX, CONTEXT_NAME_BYTES_MAX, CONTEXT_TEXT_BYTES_MAX, CONTEXT_VALUES_MAX};
use crate::redact::{Redactor, names_a_secret};

/// How often a context is gone through, at most, until that changes nothing. One that is not settled then is left out.
const ROUNDS_MAX: usize = 6;

/// What stands in the place of what lies too deep.
const TOO_DEEP: &str = "[...]";

/// Names whose text says what a `value` beside them is.
const LABELS: &[&str] = &["name", "key", "field", "header"];

/// A context that is redacted and within its bounds.
pub(crate) struct Context {
    /// Nothing, if it could not be redacted for certain.
    pub(crate) value: Option<Value>,
    /// Whether anything was cut or left out.
    pub(crate) clipped: bool,
}

impl Context {
    pub(crate) fn of(raw: &Value, redactor: &Redactor) -> Context {
        let (mut value, mut clipped) = Walk::through(raw, redactor);
        for _ in 1..ROUNDS_MAX {
            let (next, cut) = Walk::through(&value, redactor);
            clipped |= cut;
            if next == value {
                return Context { value: Some(value), clipped };
            }
            value = next;
        }
        Context { value: None, clipped: true }
    }
}

/// The names that lead to a value.
#[derive(Clone, Copy)]
struct Names<'a> {
    own: &'a str,
    /// The nearest outer name that tells a secret.
    secret: Option<&'a str>,
}

impl<'a> Names<'a> {
    fn of_member(self, own: &'a str) -> Names<'a> {
        Names { own, secret: if names_a_secret(self.own) { Some(self.own) } else { self.secret } }
    }
}

struct Walk<'a> {
    redactor: &'a Redactor,
    bytes_left: usize,
    values_left: usize,
    clipped: bool,
}

impl Walk<'_> {
    fn through(value: &Value, redactor: &Redactor) -> (Value, bool) {
        let mut walk = Walk { redactor, bytes_left: CONTEXT_BYTES_MAX, values_left: CONTEXT_VALUES_MAX, clipped: false };
        let value = walk.value(value, Names { own: "", secret: None }, 1).unwrap_or(Value::Null);
        (redacted_as_a_whole(value, redactor), walk.clipped)
    }

    fn value(&mut self, value: &Value, names: Names<'_>, depth: usize) -> Option<Value> {
        self.values_left = self.affordable(self.values_left, 1)?;
        match value {
            Value::Null | Value::Bool(_) => self.scalar(value.clone()),
            Value::Number(number) => self.number(&number.to_string(), value, names),
            Value::String(text) => self.text(text, names),
            Value::Array(items) if depth <= CONTEXT_DEPTH_MAX => self.list(items, names, depth),
            Value::Object(members) if depth <= CONTEXT_DEPTH_MAX => self.object(members, names, depth),
            Value::Array(_) | Value::Object(_) => {
                self.clipped = true;
                self.scalar(Value::from(TOO_DEEP))
            }
        }
    }

    fn number(&mut self, digits: &str, number: &Value, names: Names<'_>) -> Option<Value> {
        let redacted = self.redacted(digits, names);
        self.scalar(if redacted == digits { number.clone() } else { Value::from(redacted) })
    }

    fn text(&mut self, text: &str, names: Names<'_>) -> Option<Value> {
        let bytes_max = CONTEXT_TEXT_BYTES_MAX.min(self.bytes_left);
        let part = settle(text, |text| self.redacted(text, names).into(), |text| clip(text, bytes_max));
        self.clipped |= part.clipped;
        self.scalar(Value::from(part.text))
    }

    fn list(&mut self, items: &[Value], names: Names<'_>, depth: usize) -> Option<Value> {
        self.spend(2)?;
        let mut kept = Vec::new();
        for item in self.redacted_lines(items).as_deref().unwrap_or(items) {
            if self.values_left == 0 {
                self.clipped = true;
                break;
            }
            kept.extend(self.value(item, names, depth + 1));
        }
        Some(Value::Array(kept))
    }

    /// The items without what only several of them together show to be a secret, such as the lines of a key.
    fn redacted_lines(&self, items: &[Value]) -> Option<Vec<Value>> {
        let lines = items.iter().map(Value::as_str).collect::<Option<Vec<&str>>>()?.join("\n");
        let redacted = self.redactor.redact(&lines);
        (redacted.lines().count() < lines.lines().count()).then(|| redacted.lines().map(Value::from).collect())
    }

    fn object(&mut self, members: &Map<String, Value>, names: Names<'_>, depth: usize) -> Option<Value> {
        self.spend(2)?;
        let label = LABELS.iter().find_map(|label| members.get(*label)?.as_str());
        let mut kept = Map::new();
        for (name, member) in members {
            if self.values_left == 0 {
                self.clipped = true;
                break;
            }
            let key = line(name, CONTEXT_NAME_BYTES_MAX);
            self.clipped |= key.clipped;
            let Some(()) = self.spend(json_bytes(&key.text) + 1) else { continue };
            let own = label.filter(|_| name == "value").unwrap_or(name);
            if let Some(member) = self.value(member, names.of_member(own), depth + 1) {
                kept.insert(key.text, member);
            }
        }
        Some(Value::Object(kept))
    }

    fn redacted(&self, text: &str, names: Names<'_>) -> String {
        let redacted = self.redactor.redact_named(names.own, text);
        match names.secret {
            Some(secret) => self.redactor.redact_named(secret, &redacted),
            None => redacted,
        }
    }

    fn scalar(&mut self, value: Value) -> Option<Value> {
        self.spend(value.to_string().len() + 1)?;
        Some(value)
    }

    fn spend(&mut self, bytes: usize) -> Option<()> {
        self.bytes_left = self.affordable(self.bytes_left, bytes)?;
        Some(())
    }

    fn affordable(&mut self, left: usize, cost: usize) -> Option<usize> {
        let left = left.checked_sub(cost);
        self.clipped |= left.is_none();
        left
    }
}

fn json_bytes(text: &str) -> usize {
    Value::from(text).to_string().len()
}

/// Redacts a value as one text: what is a secret only together with what stands beside it. Where that breaks the form, the text is left.
fn redacted_as_a_whole(value: Value, redactor: &Redactor) -> Value {
    let text = value.to_string();
    let redacted = redactor.redact(&text);
    if redacted == text {
        return value;
    }
    serde_json::from_str(&redacted).unwrap_or_else(|_| Value::from(redacted.into_owned()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn admit(raw: &Value) -> Context {
        Context::of(raw, Redactor::built_in())
    }

    #[test]
    fn what_holds_no_secret_stays_as_it_is() {
        let raw = json!({"cart": {"items": [1, 2.5, -3], "empty": false, "note": null}, "retries": 3, "path": "/api/orders"});
        let context = admit(&raw);
        assert_eq!((context.value, context.clipped), (Some(raw), false));
    }

    #[test]
    fn secrets_go_wherever_they_stand() {
        let key = "-----BEGIN RSA PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC\n-----END RSA PRIVATE KEY-----";
        let context = admit(&json!({
            "db": {"password": "hunter2", "pin_token": 84_729_471_u64},
            "credentials": {"first": ["hunter2", {"inner": "hunter2"}]},
            "headers": [{"name": "Authorization", "value": "hunter2-hunter2"}, "Cookie: a=hunter2"],
            "url": "https://root:hunter2@db.example.net/x",
            "hunter2@example.net": "ok",
            "pem": key,
            "lines": key.split('\n').collect::<Vec<_>>(),
        }));
        let text = context.value.unwrap().to_string();
        assert!(!text.contains("hunter2") && !text.contains("84729471") && !text.contains("MIIEvQ"), "{text}");
        assert!(text.contains("db.example.net") || text.contains("<password>"), "{text}");
    }

    #[test]
    fn too_much_is_cut_and_it_says_so() {
        let wide = json!((0..10_000).map(|n| json!({"n": n})).collect::<Vec<_>>());
        let long = json!({"text": "word ".repeat(10_000), "behind": 1});
        let many: Map<String, Value> = (0..1_000).map(|n| (format!("name {n} {}", "x".repeat(200)), json!("y".repeat(100)))).collect();
        let mut deep = json!("core");
        for _ in 0..100 {
            deep = json!([deep]);
        }
        for raw in [wide, long, Value::from(many), deep] {
            let context = admit(&raw);
            let value = context.value.unwrap();
            assert!(context.clipped && value.to_string().len() <= CONTEXT_BYTES_MAX);
            let again = admit(&value);
            assert_eq!((again.value, again.clipped), (Some(value), false));
        }
    }

    #[test]
    fn a_long_text_leaves_room_for_what_stands_behind_it() {
        let context = admit(&json!({"a": "word ".repeat(10_000), "b": 1}));
        assert_eq!(context.value.unwrap()["b"], 1);
    }
}
