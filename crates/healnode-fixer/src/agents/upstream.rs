//! One model call to a provider, with its key.
//!
//! Sends a request once and follows no redirect, so the key reaches the configured host only. What is asked, and what an answer means, is
//! up to `proxy.rs` and `openai.rs`.

use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use http::{Method, Request, Response, Uri};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use rustls::crypto::ring;
use rustls::{ClientConfig, RootCertStore};

use super::limits::CONNECT_LIMIT;
use super::provider::{Provider, WireApi};
use crate::agent::RoundEnd;

/// A provider, ready to be asked.
pub(super) struct Upstream {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    provider: Provider,
}

/// What may be asked of a provider. Nothing else is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Endpoint {
    /// One turn of a conversation.
    ChatCompletions,
    /// One turn of a conversation, the other way.
    Responses,
    /// Which models there are.
    Models,
}

/// Why a provider was not asked.
#[derive(Debug, thiserror::Error)]
pub(super) enum UpstreamError {
    /// The machine's certificates cannot be read, so no provider could be trusted. Nothing was sent.
    #[error("this machine's root certificates cannot be read")]
    Certificates(#[source] std::io::Error),
    /// TLS cannot be set up. Nothing was sent.
    #[error("TLS cannot be set up")]
    Tls(#[source] rustls::Error),
    /// No connection, or none any more. Nothing is known of an answer.
    #[error("the model provider does not answer")]
    Unanswered(#[source] hyper_util::client::legacy::Error),
}

/// What went wrong with a model call, as far as people need to know.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Trouble {
    /// No connection, or it broke before an answer.
    Unreachable,
    /// The provider answered with an error.
    Status(u16),
    /// The job had used up what it may.
    Budget,
}

impl Trouble {
    /// Returns how a round ends for it: a sentence that says what to mend, and whether waiting may help.
    pub(super) fn ending(self, provider: &Provider) -> RoundEnd {
        let host = provider.host();
        let (why, passing) = match self {
            Trouble::Unreachable => (format!("the model provider at {host} does not answer"), true),
            Trouble::Budget => ("the budget of model calls for one job is spent".to_owned(), false),
            Trouble::Status(status @ (401 | 403)) => (format!("the model provider at {host} refused the key ({status}): check it"), false),
            Trouble::Status(402) => (format!("the model provider at {host} wants to be paid (402)"), false),
            Trouble::Status(404) => (format!("{host} knows no such model or address (404): check base URL and model"), false),
            Trouble::Status(429) => (format!("the model provider at {host} is at its rate limit (429)"), true),
            Trouble::Status(status @ 500..) => (format!("the model provider at {host} is in trouble ({status})"), true),
            Trouble::Status(status) => (format!("the model provider at {host} refused the request ({status})"), false),
        };
        RoundEnd::Failed { why, passing }
    }
}

impl Upstream {
    /// Sets up connections to a provider, without making one.
    ///
    /// # Errors
    ///
    /// [`UpstreamError::Certificates`] and [`UpstreamError::Tls`], for a provider behind https only.
    pub(super) fn new(provider: &Provider) -> Result<Self, UpstreamError> {
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_connect_timeout(Some(CONNECT_LIMIT));
        tcp.set_nodelay(true);
        let builder = HttpsConnectorBuilder::new();
        let builder = if provider.base_url().scheme_str() == Some("https") {
            builder.with_provider_and_native_roots(ring::default_provider()).map_err(UpstreamError::Certificates)?
        } else {
            builder.with_tls_config(trusting_nobody()?)
        };
        let connector = builder.https_or_http().enable_http1().wrap_connector(tcp);
        Ok(Self { client: Client::builder(TokioExecutor::new()).build(connector), provider: provider.clone() })
    }

    /// Sends one request. Returns as soon as the head of the answer is there, whatever its status.
    ///
    /// # Errors
    ///
    /// [`UpstreamError::Unanswered`].
    pub(super) async fn send(&self, endpoint: Endpoint, accept: &HeaderValue, body: Bytes) -> Result<Response<Incoming>, UpstreamError> {
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = endpoint.method();
        *request.uri_mut() = endpoint.within(self.provider.base_url());
        let headers = request.headers_mut();
        headers.insert(ACCEPT, accept.clone());
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Some(key) = self.provider.key()
            && let Ok(mut bearer) = HeaderValue::try_from(format!("Bearer {}", key.reveal()))
        {
            bearer.set_sensitive(true);
            headers.insert(AUTHORIZATION, bearer);
        }
        self.client.request(request).await.map_err(UpstreamError::Unanswered)
    }
}

impl Endpoint {
    /// The endpoint for a turn of a conversation.
    pub(super) fn of(wire_api: WireApi) -> Self {
        match wire_api {
            WireApi::Completions => Endpoint::ChatCompletions,
            WireApi::Responses => Endpoint::Responses,
        }
    }

    /// Finds the endpoint by its method and its path below a base URL.
    pub(super) fn find(method: &Method, path: &str) -> Option<Self> {
        [Endpoint::ChatCompletions, Endpoint::Responses, Endpoint::Models]
            .into_iter()
            .find(|endpoint| endpoint.path() == path && endpoint.method() == *method)
    }

    fn method(self) -> Method {
        match self {
            Endpoint::ChatCompletions | Endpoint::Responses => Method::POST,
            Endpoint::Models => Method::GET,
        }
    }

    fn path(self) -> &'static str {
        match self {
            Endpoint::ChatCompletions => "/chat/completions",
            Endpoint::Responses => "/responses",
            Endpoint::Models => "/models",
        }
    }

    /// Its address at a provider. A base URL and a path of ours always make one.
    fn within(self, base_url: &Uri) -> Uri {
        let base = base_url.to_string();
        format!("{}{}", base.trim_end_matches('/'), self.path()).parse().unwrap_or_else(|_| base_url.clone())
    }
}

fn trusting_nobody() -> Result<ClientConfig, UpstreamError> {
    let builder = ClientConfig::builder_with_provider(ring::default_provider().into());
    let builder = builder.with_safe_default_protocol_versions().map_err(UpstreamError::Tls)?;
    Ok(builder.with_root_certificates(RootCertStore::empty()).with_no_client_auth())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_three_things_can_be_asked() {
        assert_eq!(Endpoint::find(&Method::POST, "/chat/completions"), Some(Endpoint::ChatCompletions));
        assert_eq!(Endpoint::find(&Method::POST, "/responses"), Some(Endpoint::Responses));
        assert_eq!(Endpoint::find(&Method::GET, "/models"), Some(Endpoint::Models));
        for (method, path) in [
            (Method::GET, "/chat/completions"),
            (Method::POST, "/models"),
            (Method::POST, "/chat/completions/"),
            (Method::POST, "/../chat/completions"),
            (Method::GET, "/files"),
            (Method::DELETE, "/models"),
            (Method::GET, "/"),
        ] {
            assert_eq!(Endpoint::find(&method, path), None, "{method} {path}");
        }
    }

    #[test]
    fn an_endpoint_lies_below_the_base_url() {
        for (base, expected) in
            [("https://h/v1", "https://h/v1/models"), ("https://h", "https://h/models"), ("https://h/a/b/", "https://h/a/b/models")]
        {
            assert_eq!(Endpoint::Models.within(&base.parse().unwrap()).to_string(), expected);
        }
    }

    #[tokio::test]
    async fn https_can_be_set_up() {
        let provider = Provider::new("https://localhost:1/v1", None, WireApi::Completions).unwrap();
        let upstream = Upstream::new(&provider).unwrap();
        let failed = upstream.send(Endpoint::Models, &HeaderValue::from_static("*/*"), Bytes::new()).await;
        assert!(matches!(failed, Err(UpstreamError::Unanswered(_))));
    }
}
