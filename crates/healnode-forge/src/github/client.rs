//! One HTTP exchange with GitHub, through octocrab.
//!
//! Sends a request once: octocrab's own retries are off, because they re-send a create whose answer was lost. Says of a failure only
//! whether the request can have arrived. What an answer means is decided in `outcome.rs`.

use std::net::IpAddr;
use std::time::Duration;

use http::header::{ACCEPT, HeaderName};
use http::{Method, StatusCode, Uri};
use http_body_util::{BodyExt, Limited};
use hyper_util::client::legacy;
use octocrab::models::{AppId, InstallationId};
use octocrab::service::middleware::retry::RetryConfig;
use octocrab::{Octocrab, OctocrabBuilder};
use serde_json::Value;

use super::outcome::{Act, Answer, NoAnswer};
use super::{Credential, GitHubConfig, GitHubConfigError};

/// Bytes of one answer. A longer one counts as none.
///
/// 32 MiB: a page of 100 issues whose bodies are at GitHub's bound of 65,536 characters, at up to four bytes each, and the rest.
const ANSWER_BYTES_MAX: usize = 32 * 1024 * 1024;

/// How long each part of an exchange may take. GitHub itself gives a request 10 s.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Timeouts {
    /// To connect; nothing is sent before.
    pub connect: Duration,
    /// Between two pieces of an answer, and before the first.
    pub read: Duration,
    /// Between two pieces of a request.
    pub write: Duration,
    /// For the whole exchange, so that an answer that trickles in ends too.
    pub whole: Duration,
    /// For the whole exchange of a create, a comment or the opening of a pull request. The lease counts on it: see
    /// [`LEASE_LEFT_MIN`](healnode_core::LEASE_LEFT_MIN).
    pub create: Duration,
}

/// Who a request is sent as.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Sender {
    /// The account that files: a person's token, or the installation of an app.
    Bot,
    /// The app itself, which knows its own name but may not file. The same as [`Sender::Bot`] when there is no app.
    App,
}

/// A connection to one GitHub, as one account.
pub(crate) struct Client {
    bot: Octocrab,
    app: Option<Octocrab>,
    timeouts: Timeouts,
    /// The path of the API's address, as `/api/v3` on an Enterprise server; octocrab puts it before every route.
    base_path: String,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            read: Duration::from_secs(30),
            write: Duration::from_secs(30),
            whole: Duration::from_secs(60),
            create: Duration::from_secs(30),
        }
    }
}

impl Client {
    /// Must be called within a tokio runtime: octocrab starts a task of its own.
    pub(crate) fn new(config: &GitHubConfig) -> Result<Self, GitHubConfigError> {
        let builder = builder(config)?;
        let base_path = api_address(&config.api_url)?.path().trim_end_matches('/').to_owned();
        let (bot, app) = match &config.credential {
            Credential::Token(token) => (builder.personal_token(token.reveal().to_owned()).build(), None),
            Credential::App { id, installation, key_pem } => {
                let app = builder.app_from_rsa_pem(AppId(*id), key_pem.reveal()).map_err(GitHubConfigError::AppKey)?;
                let app = app.build().map_err(GitHubConfigError::Tls)?;
                (app.installation(InstallationId(*installation)), Some(app))
            }
        };
        Ok(Self { bot: bot.map_err(GitHubConfigError::Tls)?, app, timeouts: config.timeouts, base_path })
    }

    /// Tells whether it speaks as the installation of an app.
    pub(crate) fn is_app(&self) -> bool {
        self.app.is_some()
    }

    /// Makes sure that an installation has a token, so that its lack can't be mistaken for an unanswered create. Nothing to do otherwise.
    pub(crate) async fn log_in(&self) -> Result<Option<Answer>, NoAnswer> {
        if self.app.is_none() {
            return Ok(None);
        }
        match tokio::time::timeout(self.timeouts.whole, self.bot.installation_token()).await {
            Ok(Ok(_)) => Ok(None),
            Ok(Err(error)) => answer_in(&error).map(Some).ok_or_else(|| no_answer(&error)),
            Err(_elapsed) => Err(NoAnswer::Lost),
        }
    }

    /// Sends one request, once. `route` starts with a slash and is relative to the API's address.
    pub(crate) async fn send(
        &self,
        act: Act,
        sender: Sender,
        method: &Method,
        route: &str,
        body: Option<&Value>,
    ) -> Result<Answer, NoAnswer> {
        let exchange = self.exchange(sender, method, route, body);
        let patience = match act {
            Act::Read | Act::Change => self.timeouts.whole,
            Act::Comment | Act::Create | Act::Open => self.timeouts.create,
        };
        tokio::time::timeout(patience, exchange).await.unwrap_or(Err(NoAnswer::Lost))
    }

    async fn exchange(&self, sender: Sender, method: &Method, route: &str, body: Option<&Value>) -> Result<Answer, NoAnswer> {
        let crab = match sender {
            Sender::Bot => &self.bot,
            Sender::App => self.app.as_ref().unwrap_or(&self.bot),
        };
        let builder = http::Request::builder().method(method).uri(below(&self.base_path, route));
        let request = crab.build_request(builder, body).map_err(|error| no_answer(&error))?;
        let response = match crab.execute(request).await {
            Ok(response) => response,
            Err(error) => return answer_in(&error).ok_or_else(|| no_answer(&error)),
        };
        let (parts, body) = response.into_parts();
        let body = Limited::new(body, ANSWER_BYTES_MAX).collect().await.map_err(|error| {
            tracing::debug!(%error, "the answer broke off or was too long");
            NoAnswer::Lost
        })?;
        Ok(Answer { status: parts.status, headers: parts.headers, body: body.to_bytes().to_vec() })
    }
}

type Builder = OctocrabBuilder<octocrab::NoSvc, octocrab::DefaultOctocrabBuilderConfig, octocrab::NoAuth, octocrab::NotLayerReady>;

fn builder(config: &GitHubConfig) -> Result<Builder, GitHubConfigError> {
    let base = api_address(&config.api_url)?;
    if is_in_the_clear(&base) {
        tracing::warn!("forge.api_url is plain http, so the token and every issue travel unencrypted");
    }
    let builder = Octocrab::builder().base_uri(base).map_err(|_unparsed| GitHubConfigError::ApiUrl { given: config.api_url.clone() })?;
    let timeouts = config.timeouts;
    Ok(builder
        .add_retry_config(RetryConfig::None)
        .set_connect_timeout(Some(timeouts.connect))
        .set_read_timeout(Some(timeouts.read))
        .set_write_timeout(Some(timeouts.write))
        .add_header(ACCEPT, "application/vnd.github+json".to_owned())
        .add_header(HeaderName::from_static("x-healnode-id"), config.node_id.clone()))
}

fn api_address(text: &str) -> Result<Uri, GitHubConfigError> {
    let invalid = || GitHubConfigError::ApiUrl { given: text.to_owned() };
    let uri: Uri = text.parse().map_err(|_unparsed| invalid())?;
    let host = uri.host().unwrap_or_default();
    let web = matches!(uri.scheme_str(), Some("http" | "https")) && !host.is_empty();
    if !web || uri.query().is_some() || matches!(host, "github.com" | "www.github.com") {
        return Err(invalid());
    }
    Ok(uri)
}

/// Returns a route without the path of the API's address: links in answers have it.
fn below<'a>(base_path: &str, route: &'a str) -> &'a str {
    route.strip_prefix(base_path).filter(|rest| rest.starts_with('/')).unwrap_or(route)
}

fn is_in_the_clear(address: &Uri) -> bool {
    let host = address.host().unwrap_or_default().trim_matches(['[', ']']);
    let loopback = host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
    address.scheme_str() == Some("http") && !loopback
}

/// Returns the answer inside an error: octocrab turns a refused login into one on its way.
fn answer_in(error: &octocrab::Error) -> Option<Answer> {
    let octocrab::Error::GitHub { source, .. } = error else { return None };
    let headers = source.headers.clone().unwrap_or_default();
    Some(Answer { status: StatusCode::from_u16(source.status_code.as_u16()).ok()?, headers, body: source.message.clone().into_bytes() })
}

fn no_answer(error: &octocrab::Error) -> NoAnswer {
    tracing::debug!(error = %chain(error), "no answer from GitHub");
    if is_unsent(error) { NoAnswer::NotSent } else { NoAnswer::Lost }
}

fn is_unsent(error: &octocrab::Error) -> bool {
    if let octocrab::Error::Service { source, .. } = error {
        return source.downcast_ref::<legacy::Error>().is_some_and(legacy::Error::is_connect);
    }
    matches!(
        error,
        octocrab::Error::Uri { .. }
            | octocrab::Error::UriParse { .. }
            | octocrab::Error::Http { .. }
            | octocrab::Error::InvalidHeaderValue { .. }
            | octocrab::Error::Serde { .. }
            | octocrab::Error::JWT { .. }
    )
}

/// The causes alone: octocrab's own text has a backtrace, and for some errors nothing else.
fn chain(error: &octocrab::Error) -> String {
    let mut causes = Vec::new();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        causes.push(error.to_string());
        cause = error.source();
    }
    causes.join(": ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_that_of_an_api() {
        for text in ["https://api.github.com", "https://api.github.com/", "https://github.acme.example/api/v3", "http://127.0.0.1:4911"] {
            assert!(api_address(text).is_ok(), "{text}");
        }
        for text in ["", "api.github.com", "ftp://x", "https://", "https://github.com", "https://api.github.com/?a=b", "not an address"] {
            let error = api_address(text).unwrap_err().to_string();
            assert!(error.contains("forge.api_url"), "{error}");
        }
    }

    #[test]
    fn links_of_an_enterprise_server_lead_to_the_same_routes() {
        assert_eq!(below("/api/v3", "/api/v3/repositories/1/issues?page=2"), "/repositories/1/issues?page=2");
        assert_eq!(below("/api/v3", "/repos/acme/shop"), "/repos/acme/shop");
        assert_eq!(below("", "/repos/acme/shop"), "/repos/acme/shop");
        assert_eq!(below("/api", "/apiary/x"), "/apiary/x");
    }

    #[test]
    fn a_token_that_leaves_the_machine_unencrypted_is_noticed() {
        let noticed = |text: &str| is_in_the_clear(&text.parse().unwrap());
        assert!(noticed("http://github.acme.example/api/v3") && noticed("http://10.0.0.1"));
        assert!(!noticed("https://github.acme.example") && !noticed("http://127.0.0.1:4911") && !noticed("http://[::1]:4911"));
    }
}
