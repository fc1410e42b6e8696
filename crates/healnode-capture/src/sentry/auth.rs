//! Who sent a request. On loopback a key is a label and no secret, so none is refused.
//!
//! It may stand in a header, in the query, or in the envelope's `dsn`, and the first that has it decides, in this order.

use crate::limits::{HEADER_BYTES_MAX, NAME_BYTES_MAX};
use crate::sentry::Request;
use crate::sentry::route::percent_decoded;

/// Key and name of a client, as far as it gave them.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Auth {
    /// The key of its DSN.
    pub key: Option<String>,
    /// The SDK and its version, such as `sentry.python/2.75.0`.
    pub client: Option<String>,
}

impl Auth {
    /// Reads the headers and the query of a request.
    pub(crate) fn of_request(request: &Request<'_>) -> Auth {
        let of_header = |header: Option<&str>| Auth::of_header(header.unwrap_or_default());
        let query = request.uri.split_once('?').map_or("", |(_, query)| query);
        of_header(request.sentry_auth).or(of_header(request.authorization)).or(Auth::of_query(query))
    }

    /// Reads `Sentry sentry_key=k, sentry_client=c`, in any order, with or without spaces. A header of another scheme has neither.
    fn of_header(header: &str) -> Auth {
        let header = header.trim();
        match header.get(..6) {
            Some(scheme) if scheme.eq_ignore_ascii_case("sentry") => Auth::of_pairs(&header[6..], ',', |value| value.trim().to_owned()),
            Some(_) | None => Auth::default(),
        }
    }

    fn of_query(query: &str) -> Auth {
        Auth::of_pairs(query, '&', |value| percent_decoded(&value.replace('+', " ")))
    }

    fn of_pairs(text: &str, separator: char, decode: impl Fn(&str) -> String) -> Auth {
        let mut auth = Auth::default();
        if text.len() > HEADER_BYTES_MAX {
            return auth;
        }
        for (name, value) in text.split(separator).filter_map(|pair| pair.split_once('=')) {
            let field = match name.trim() {
                "sentry_key" => &mut auth.key,
                "sentry_client" => &mut auth.client,
                _ => continue,
            };
            *field = Some(decode(value)).filter(|value| !value.is_empty() && value.len() <= NAME_BYTES_MAX);
        }
        auth
    }

    /// This, and what it lacks from another.
    pub(crate) fn or(self, other: Auth) -> Auth {
        Auth { key: self.key.or(other.key), client: self.client.or(other.client) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(request: Request<'_>, key: Option<&str>, client: Option<&str>) {
        assert_eq!(Auth::of_request(&request), Auth { key: key.map(str::to_owned), client: client.map(str::to_owned) });
    }

    #[test]
    fn a_key_may_stand_in_a_header_or_in_the_query() {
        let header = "Sentry sentry_version=7,sentry_key=k,sentry_client=sentry.java/8.53.0";
        check(Request { sentry_auth: Some(header), ..Request::default() }, Some("k"), Some("sentry.java/8.53.0"));
        check(Request { authorization: Some(header), ..Request::default() }, Some("k"), Some("sentry.java/8.53.0"));
        let uri = "/api/1/envelope/?sentry_key=k&sentry_client=sentry.javascript.node%2F11.12.0";
        check(Request { uri, ..Request::default() }, Some("k"), Some("sentry.javascript.node/11.12.0"));
        let both = Request { uri: "/x?sentry_client=c", sentry_auth: Some("sentry sentry_key=k , x=y"), ..Request::default() };
        check(both, Some("k"), Some("c"));
    }

    #[test]
    fn anything_else_is_nobody() {
        for header in ["", "Bearer sentry_key=k", "Sentry", "Sentry sentry_key=", "Sentry,,,==", "Séntry sentry_key=k"] {
            check(Request { sentry_auth: Some(header), ..Request::default() }, None, None);
        }
        let long = format!("Sentry sentry_key={}", "k".repeat(NAME_BYTES_MAX + 1));
        check(Request { sentry_auth: Some(&long), ..Request::default() }, None, None);
        let huge = format!("Sentry {}sentry_key=k", "x=y,".repeat(HEADER_BYTES_MAX));
        check(Request { sentry_auth: Some(&huge), ..Request::default() }, None, None);
    }
}
