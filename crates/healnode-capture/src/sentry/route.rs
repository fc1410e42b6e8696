//! Which door an address belongs to, and which app it names.
//!
//! An SDK puts what stands before the project in its DSN in front of `/api/`, so that `http://key@host/billing-api/1` names the app.

use crate::limits::{HEADER_BYTES_MAX, NAME_BYTES_MAX};

/// What a body is.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum Target {
    /// An envelope of an SDK.
    #[default]
    Envelope,
    /// A single event of an older SDK.
    Store,
    /// An envelope for Spotlight.
    Stream,
}

/// Where a request goes.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Route {
    /// What its body is.
    pub target: Target,
    /// The app that the address names.
    pub app: Option<String>,
}

impl Route {
    /// Reads `[/app]/api/<project>/envelope`, `[/app]/api/<project>/store` and `[/app]/stream`, each with or without a slash at the end and
    /// with or without a query. `None` for any other address.
    pub fn of(uri: &str) -> Option<Route> {
        if uri.len() > HEADER_BYTES_MAX {
            return None;
        }
        let path = uri.split(['?', '#']).next().unwrap_or_default();
        let path = path.strip_suffix('/').unwrap_or(path);
        let (before, last) = path.rsplit_once('/')?;
        let target = match last {
            "stream" => return Some(Route { target: Target::Stream, app: app(before) }),
            "envelope" => Target::Envelope,
            "store" => Target::Store,
            _ => return None,
        };
        let (before, project) = before.rsplit_once('/')?;
        let prefix = before.strip_suffix("/api")?;
        (!project.is_empty()).then(|| Route { target, app: app(prefix) })
    }
}

/// The app that a prefix of a path names.
pub(crate) fn app(prefix: &str) -> Option<String> {
    let name = percent_decoded(prefix.trim_matches('/'));
    (!name.trim().is_empty() && name.len() <= NAME_BYTES_MAX).then_some(name)
}

/// A text with its `%41` escapes resolved. What is no escape stays, and bytes that make no UTF-8 are replaced.
pub(crate) fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, behind)) = rest.split_first() {
        match escape(rest) {
            Some(byte) => {
                bytes.push(byte);
                rest = &rest[3..];
            }
            None => {
                bytes.push(first);
                rest = behind;
            }
        }
    }
    String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

fn escape(text: &[u8]) -> Option<u8> {
    let digits = text.get(..3)?.strip_prefix(b"%")?;
    if !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_names_its_door_and_its_app() {
        for (uri, target, app) in [
            ("/api/1/envelope/", Target::Envelope, None),
            ("/api/1/envelope", Target::Envelope, None),
            ("/billing-api/api/1/envelope/?sentry_key=k", Target::Envelope, Some("billing-api")),
            ("/team/billing/api/1/store/", Target::Store, Some("team/billing")),
            ("/stream", Target::Stream, None),
            ("/run%2D7/stream/", Target::Stream, Some("run-7")),
            ("//api/0/store", Target::Store, None),
        ] {
            assert_eq!(Route::of(uri), Some(Route { target, app: app.map(str::to_owned) }), "{uri}");
        }
    }

    #[test]
    fn other_addresses_are_not_sentrys() {
        for uri in ["", "/", "/tunnel", "/api/1/", "/api/envelope", "/xapi/1/envelope/", "/v1/logs", "/api//envelope/"] {
            assert_eq!(Route::of(uri), None, "{uri}");
        }
        assert_eq!(Route::of(&format!("/{}/stream", "a".repeat(HEADER_BYTES_MAX))), None);
    }
}
