//! A DSN as it stands in the header of an envelope: `http://key:secret@host:port/app/project`.

use crate::sentry::route::app;

/// What of a DSN matters here. Host, secret and project do not.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub(crate) struct Dsn {
    pub(crate) key: Option<String>,
    pub(crate) app: Option<String>,
}

impl Dsn {
    /// Reads a DSN. Whatever it does not have is none; an empty text is an empty DSN.
    pub(crate) fn of(text: &str) -> Dsn {
        let rest = text.trim().split_once("://").map_or("", |(_, rest)| rest);
        let (user, place) = rest.split_once('@').unwrap_or(("", rest));
        let key = user.split(':').next().filter(|key| !key.is_empty()).map(str::to_owned);
        let path = place.split_once('/').map_or("", |(_, path)| path).split(['?', '#']).next().unwrap_or_default();
        let prefix = path.trim_end_matches('/').rsplit_once('/').map_or("", |(prefix, _)| prefix);
        Dsn { key, app: app(prefix) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dsn_has_a_key_and_perhaps_an_app() {
        for (text, key, app) in [
            ("http://hn@127.0.0.1:8969/billing-api/1", Some("hn"), Some("billing-api")),
            ("https://k:s@sentry.test/42", Some("k"), None),
            ("http://127.0.0.1/1", None, None),
            ("", None, None),
            ("nonsense", None, None),
        ] {
            assert_eq!(Dsn::of(text), Dsn { key: key.map(str::to_owned), app: app.map(str::to_owned) }, "{text}");
        }
    }
}
