//! Who answers the model calls: an address, a key, and which of two ways of asking it understands.
//!
//! A key cannot be printed, and does not go over a connection that others can read. Nothing here connects; see `upstream.rs`.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use http::Uri;

/// Bytes of a key. 4 KiB: tokens that carry claims reach some 2 KiB.
const KEY_BYTES_MAX: usize = 4 * 1024;

/// A provider of models that speaks as OpenAI's API does.
#[derive(Clone, Debug)]
pub struct Provider {
    base_url: Uri,
    key: Option<ProviderKey>,
    wire_api: WireApi,
}

/// A key or token for a provider. `Debug` hides it, and it has no `Display`.
#[derive(Clone, PartialEq, Eq)]
pub struct ProviderKey(String);

/// Which of OpenAI's two ways of asking a provider understands.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum WireApi {
    /// `POST …/chat/completions`.
    #[default]
    Completions,
    /// `POST …/responses`.
    Responses,
}

/// Why this is not a provider. No message holds the key.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum InvalidProvider {
    /// The address cannot be used.
    #[error("the base URL of a model provider is http://HOST/PATH or https://HOST/PATH, without user, query or fragment")]
    Address,
    /// Others could read the key.
    #[error("a key for a model provider is not sent over plain http, but to this machine: use https, or leave the key out")]
    KeyInTheOpen,
    /// The key cannot stand in a header.
    #[error("a key for a model provider is 1 to {KEY_BYTES_MAX} visible ASCII characters")]
    Key,
    /// There are two ways only.
    #[error("the wire API of a model provider is `completions` or `responses`")]
    WireApi,
}

impl Provider {
    /// Checks an address and a key.
    ///
    /// # Errors
    ///
    /// [`InvalidProvider::Address`] and [`InvalidProvider::KeyInTheOpen`].
    pub fn new(base_url: &str, key: Option<ProviderKey>, wire_api: WireApi) -> Result<Self, InvalidProvider> {
        let base_url: Uri = base_url.trim_end_matches('/').parse().map_err(|_| InvalidProvider::Address)?;
        let host = base_url.host().unwrap_or_default();
        let has_user = base_url.authority().is_some_and(|authority| authority.as_str().contains('@'));
        let is_web = matches!(base_url.scheme_str(), Some("http" | "https"));
        if host.is_empty() || has_user || !is_web || base_url.query().is_some() {
            return Err(InvalidProvider::Address);
        }
        if key.is_some() && base_url.scheme_str() == Some("http") && !is_this_machine(host) {
            return Err(InvalidProvider::KeyInTheOpen);
        }
        Ok(Self { base_url, key, wire_api })
    }

    /// Which way of asking it understands.
    #[must_use]
    pub fn wire_api(&self) -> WireApi {
        self.wire_api
    }

    /// Its host, for people.
    #[must_use]
    pub fn host(&self) -> &str {
        self.base_url.host().unwrap_or_default()
    }

    /// Its address, without a slash at the end.
    pub(super) fn base_url(&self) -> &Uri {
        &self.base_url
    }

    /// Its key. Goes into a header, and nowhere else.
    pub(super) fn key(&self) -> Option<&ProviderKey> {
        self.key.as_ref()
    }
}

impl ProviderKey {
    /// The key itself. Whoever calls this must not show it.
    pub(super) fn reveal(&self) -> &str {
        &self.0
    }
}

impl WireApi {
    /// Its name, as the Copilot CLI and the configuration have it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            WireApi::Completions => "completions",
            WireApi::Responses => "responses",
        }
    }
}

impl FromStr for ProviderKey {
    type Err = InvalidProvider;

    /// Takes a key, without the white space around it that files have.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let key = text.trim();
        let is_key = (1..=KEY_BYTES_MAX).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic());
        if is_key { Ok(Self(key.to_owned())) } else { Err(InvalidProvider::Key) }
    }
}

impl fmt::Debug for ProviderKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ProviderKey({} bytes)", self.0.len())
    }
}

impl FromStr for WireApi {
    type Err = InvalidProvider;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        [WireApi::Completions, WireApi::Responses].into_iter().find(|wire_api| wire_api.name() == text).ok_or(InvalidProvider::WireApi)
    }
}

fn is_this_machine(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_goes_over_https_or_to_this_machine() {
        let check = |url: &str, with_key: bool, expected: Result<(), InvalidProvider>| {
            let key = with_key.then(|| "sk-1".parse().unwrap());
            assert_eq!(Provider::new(url, key, WireApi::Completions).map(|_| ()), expected, "{url} {with_key}");
        };
        for url in ["https://api.example.com/v1", "http://127.0.0.1:11434/v1", "http://[::1]:8/v1/", "http://localhost", "https://h"] {
            check(url, true, Ok(()));
            check(url, false, Ok(()));
        }
        for url in ["http://10.0.0.5/v1", "http://api.example.com/v1", "http://localhost.example.com/v1"] {
            check(url, true, Err(InvalidProvider::KeyInTheOpen));
            check(url, false, Ok(()));
        }
        for url in ["", "/v1", "ftp://h/v1", "https://user:secret@h/v1", "https://h/v1?key=1", "h", "https://"] {
            check(url, true, Err(InvalidProvider::Address));
        }
    }

    #[test]
    fn a_key_is_never_printed() {
        let key: ProviderKey = " sk-verysecret\n".parse().unwrap();
        assert_eq!(key.reveal(), "sk-verysecret");
        let provider = Provider::new("https://h/v1", Some(key), WireApi::Responses).unwrap();
        assert!(!format!("{provider:?}").contains("verysecret"));
    }

    #[test]
    fn a_key_stands_in_a_header() {
        for text in ["", "  ", "a b", "a\nb", "ä"] {
            assert_eq!(text.parse::<ProviderKey>(), Err(InvalidProvider::Key), "{text:?}");
        }
        assert!("k".repeat(KEY_BYTES_MAX + 1).parse::<ProviderKey>().is_err());
    }

    #[test]
    fn a_wire_api_goes_by_its_name() {
        assert_eq!("completions".parse(), Ok(WireApi::Completions));
        assert_eq!("responses".parse(), Ok(WireApi::Responses));
        assert_eq!("chat".parse::<WireApi>(), Err(InvalidProvider::WireApi));
    }
}
