//! Which pages in a browser may report.
//!
//! None, unless the operator names one: else any page that somebody on this machine visits could file issues. Leaving out the headers that let
//! a page read an answer would not keep it from asking, so who asks is looked at.

use hyper::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS,
    ACCESS_CONTROL_MAX_AGE, HeaderMap, HeaderValue, ORIGIN, VARY,
};

/// Headers that pages may send.
const REQUEST_HEADERS: &str = "Content-Type, X-Sentry-Auth, Content-Encoding, sentry-trace, baggage";

/// Headers that pages may read.
const ANSWER_HEADERS: &str = "X-Sentry-Rate-Limits, Retry-After, X-Sentry-Error";

/// How long a browser need not ask again, in seconds.
const MAX_AGE: &str = "3600";

/// Pages that may report.
#[derive(Clone, Default)]
pub(super) struct Pages(Option<HeaderValue>);

impl Pages {
    /// Takes the origin whose pages may report, `*` for all and an empty text for none.
    pub(super) fn of(origin: &str) -> Self {
        Self(HeaderValue::from_str(origin).ok().filter(|origin| !origin.is_empty()))
    }

    /// Returns whether any may.
    pub(super) fn are_any(&self) -> bool {
        self.0.is_some()
    }

    /// Returns whether a request comes from no page, from one that may report, or, as its browser says, from a page of the address that it
    /// was sent to: that is an application's own tunnel.
    pub(super) fn may_send(&self, headers: &HeaderMap) -> bool {
        let Some(origin) = headers.get(ORIGIN) else { return true };
        let is_own = headers.get("sec-fetch-site").is_some_and(|site| site == "same-origin");
        is_own || self.0.as_ref().is_some_and(|allowed| allowed == "*" || allowed == origin)
    }

    /// Tells a browser in an answer what pages may do.
    pub(super) fn tell(&self, headers: &mut HeaderMap) {
        let Some(allowed) = &self.0 else { return };
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, allowed.clone());
        headers.insert(VARY, HeaderValue::from_static("Origin"));
        for (name, value) in [
            (ACCESS_CONTROL_ALLOW_METHODS, "POST, OPTIONS"),
            (ACCESS_CONTROL_ALLOW_HEADERS, REQUEST_HEADERS),
            (ACCESS_CONTROL_EXPOSE_HEADERS, ANSWER_HEADERS),
            (ACCESS_CONTROL_MAX_AGE, MAX_AGE),
        ] {
            headers.insert(name, HeaderValue::from_static(value));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn may_send(allowed: &str, headers: &[(&'static str, &'static str)]) -> bool {
        let headers = headers.iter().map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_static(value))).collect();
        Pages::of(allowed).may_send(&headers)
    }

    #[test]
    fn a_page_of_another_site_may_report_only_when_it_is_named() {
        const SHOP: (&str, &str) = ("origin", "https://shop.example");
        assert!(may_send("", &[]), "an SDK outside of a browser");
        for headers in
            [&[SHOP][..], &[SHOP, ("sec-fetch-site", "cross-site")], &[SHOP, ("sec-fetch-site", "same-site")], &[("origin", "null")]]
        {
            assert!(!may_send("", headers), "{headers:?}");
            assert!(!may_send("https://other.example", headers), "{headers:?}");
            assert!(may_send("*", headers), "{headers:?}");
        }
        assert!(may_send("https://shop.example", &[SHOP]));
        assert!(may_send("", &[SHOP, ("sec-fetch-site", "same-origin")]), "a tunnel");
    }

    #[test]
    fn nothing_is_told_unless_a_page_is_named() {
        let mut headers = HeaderMap::new();
        Pages::of("").tell(&mut headers);
        assert!(headers.is_empty());
        Pages::of("https://shop.example").tell(&mut headers);
        assert_eq!(headers[ACCESS_CONTROL_ALLOW_ORIGIN], "https://shop.example");
        assert!(headers[ACCESS_CONTROL_ALLOW_HEADERS].to_str().unwrap().starts_with("Content-Type"));
    }
}
