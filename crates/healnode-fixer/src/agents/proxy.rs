//! A provider of models on this machine's loopback, for one round of a fixer that must not have the provider's key.
//!
//! Answers three paths below a secret of its own, so that no other program of this machine spends the key, and adds the key on the way out.
//! Everything else is not found. What it lets through is counted and bounded in `meter.rs`.

mod meter;

use std::convert::Infallible;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use http::header::{ACCEPT, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use http::{Request, Response, StatusCode};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use serde_json::json;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::sleep;

pub(super) use self::meter::{Budget, Exchange, Meter, tokens};
use self::meter::{MeteredAnswer, OverBudget};
use super::limits::{ACCEPT_REST, CONNECT_LIMIT, MODEL_REQUEST_BYTES_MAX, PROXY_CONNECTIONS_MAX};
use super::upstream::{Endpoint, Trouble, Upstream};

/// A running proxy. Dropping it closes its port and every connection.
pub(super) struct Proxy {
    address: SocketAddr,
    secret: String,
    _serving: JoinSet<()>,
}

type Body = BoxBody<Bytes, OverBudget>;

/// What every connection shares.
struct Desk {
    upstream: Upstream,
    meter: Arc<Meter>,
    /// What every path begins with.
    prefix: String,
}

impl Proxy {
    /// Listens on a free port. Must be called within a tokio runtime.
    ///
    /// # Errors
    ///
    /// Where the loopback cannot be listened on.
    pub(super) async fn start(upstream: Upstream, meter: Arc<Meter>) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let secret = format!("{:032x}", rand::random::<u128>());
        let desk = Arc::new(Desk { upstream, meter, prefix: format!("/{secret}/v1") });
        let mut serving = JoinSet::new();
        serving.spawn(serve(listener, desk));
        Ok(Self { address, secret, _serving: serving })
    }

    /// The base URL that a fixer is given: good for this proxy's life, worth nothing elsewhere.
    pub(super) fn base_url(&self) -> String {
        format!("http://{}/{}/v1", self.address, self.secret)
    }

    /// The one port that a fixer needs.
    pub(super) fn port(&self) -> u16 {
        self.address.port()
    }
}

async fn serve(listener: TcpListener, desk: Arc<Desk>) {
    let places = Arc::new(Semaphore::new(PROXY_CONNECTIONS_MAX));
    let mut connections = JoinSet::new();
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        let Ok((stream, _)) = listener.accept().await else {
            sleep(ACCEPT_REST).await;
            continue;
        };
        let desk = Arc::clone(&desk);
        connections.spawn(async move {
            attend(stream, desk).await;
            drop(place);
        });
        while connections.try_join_next().is_some() {}
    }
}

async fn attend(stream: TcpStream, desk: Arc<Desk>) {
    let service = service_fn(move |request| {
        let desk = Arc::clone(&desk);
        async move { Ok::<_, Infallible>(desk.answer(request).await) }
    });
    let mut server = http1::Builder::new();
    server.timer(TokioTimer::new()).header_read_timeout(CONNECT_LIMIT);
    if let Err(error) = server.serve_connection(TokioIo::new(stream), service).await {
        tracing::debug!(%error, "a connection to the model proxy broke");
    }
}

impl Desk {
    async fn answer(&self, request: Request<Incoming>) -> Response<Body> {
        let endpoint = request.uri().path().strip_prefix(&self.prefix).and_then(|path| Endpoint::find(request.method(), path));
        let Some(endpoint) = endpoint else { return refusal(StatusCode::NOT_FOUND, "there is nothing here") };
        let accept = request.headers().get(ACCEPT).cloned().unwrap_or(HeaderValue::from_static("application/json"));
        let Ok(body) = Limited::new(request.into_body(), MODEL_REQUEST_BYTES_MAX).collect().await else {
            return refusal(StatusCode::PAYLOAD_TOO_LARGE, "the request is too long");
        };
        let body = body.to_bytes();
        if !self.meter.admits(endpoint, body.len()) {
            return refusal(StatusCode::FORBIDDEN, "the budget of model calls for this job is spent");
        }
        match self.upstream.send(endpoint, &accept, body).await {
            Ok(answer) => self.pass(answer),
            Err(error) => {
                tracing::debug!(error = &error as &dyn std::error::Error, "a model call failed");
                self.meter.note(Trouble::Unreachable);
                refusal(StatusCode::BAD_GATEWAY, "the model provider cannot be reached")
            }
        }
    }

    /// Passes an answer on, piece by piece.
    fn pass(&self, answer: Response<Incoming>) -> Response<Body> {
        let (head, body) = answer.into_parts();
        if !head.status.is_success() {
            self.meter.note(Trouble::Status(head.status.as_u16()));
        }
        let mut passed = Response::new(BoxBody::new(MeteredAnswer::new(body, Arc::clone(&self.meter))));
        *passed.status_mut() = head.status;
        for name in [CONTENT_TYPE, RETRY_AFTER] {
            if let Some(value) = head.headers.get(&name) {
                passed.headers_mut().insert(name, value.clone());
            }
        }
        passed
    }
}

/// An error in the form in which providers tell theirs.
fn refusal(status: StatusCode, why: &str) -> Response<Body> {
    let body = json!({ "error": { "message": format!("healnode: {why}"), "type": "healnode" } }).to_string();
    let mut response = Response::new(Full::new(Bytes::from(body)).map_err(|never| match never {}).boxed());
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;
    use crate::agents::model::{Model, Step};
    use crate::agents::provider::{Provider, WireApi};

    const QUESTION: &str = r#"{"model":"m","messages":[{"role":"user","content":"hello"}],"tools":[{}]}"#;

    #[tokio::test]
    async fn the_key_is_added_on_the_way() {
        let model = Model::start(vec![Step::text("hello yourself")]);
        let (proxy, meter) = proxy_to(&model, Budget::default()).await;
        let (status, body) = post(&proxy, "/chat/completions", QUESTION).await;
        assert_eq!(status, 200, "{body}");
        assert!(body.contains("hello yourself"), "{body}");
        let asked = model.requests();
        assert_eq!(asked.len(), 1);
        assert_eq!(asked[0]["path"], "/v1/chat/completions");
        assert_eq!(asked[0]["headers"]["authorization"], "Bearer sk-real");
        assert_eq!(asked[0]["body"]["messages"][0]["content"], "hello");
        let exchange = meter.exchange();
        assert_eq!((exchange.calls, exchange.tokens_in, exchange.tokens_out), (1, 1000, 50));
    }

    #[tokio::test]
    async fn a_client_sends_no_headers_of_its_own_to_the_provider() {
        let model = Model::start(vec![Step::text("hello")]);
        let (proxy, _) = proxy_to(&model, Budget::default()).await;
        let path = proxy.base_url();
        let path = path.split_once(&proxy.port().to_string()).unwrap().1;
        let head = format!("POST {path}/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer other\r\nx-mine: 1\r\n");
        let (status, _) =
            exchange(&proxy, &format!("{head}connection: close\r\ncontent-length: {}\r\n\r\n{QUESTION}", QUESTION.len())).await;
        assert_eq!(status, 200);
        let headers = &model.requests()[0]["headers"];
        assert_eq!(headers["authorization"], "Bearer sk-real");
        assert!(headers["x-mine"].is_null());
    }

    #[tokio::test]
    async fn nothing_else_is_found() {
        let model = Model::start(vec![]);
        let (proxy, meter) = proxy_to(&model, Budget::default()).await;
        for (method, path) in [("POST", "/files"), ("GET", "/chat/completions"), ("POST", "/../v1/chat/completions"), ("DELETE", "/models")]
        {
            let base = proxy.base_url();
            let base = base.split_once(&proxy.port().to_string()).unwrap().1;
            let (status, _) = exchange(&proxy, &format!("{method} {base}{path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")).await;
            assert_eq!(status, 404, "{method} {path}");
        }
        let guessed = "POST /00000000000000000000000000000000/v1/chat/completions HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 2\r\n\r\n{}";
        assert_eq!(exchange(&proxy, guessed).await.0, 404);
        assert_eq!(
            exchange(&proxy, "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 2\r\n\r\n{}").await.0,
            404
        );
        assert!(model.requests().is_empty());
        assert_eq!(meter.exchange().calls, 0);
    }

    #[tokio::test]
    async fn a_spent_budget_ends_the_calls() {
        let model = Model::start(vec![Step::text("a"), Step::text("b"), Step::text("c")]);
        let (proxy, meter) = proxy_to(&model, Budget { calls: 2, ..Budget::default() }).await;
        for expected in [200, 200, 403, 403] {
            assert_eq!(post(&proxy, "/chat/completions", QUESTION).await.0, expected);
        }
        assert_eq!(model.requests().len(), 2);
        assert_eq!(meter.exchange().calls, 2);
        assert_eq!(meter.trouble(), Some(Trouble::Budget));
    }

    #[tokio::test]
    async fn a_budget_of_bytes_cuts_an_answer_off() {
        let model = Model::start(vec![Step::text(&"long ".repeat(10_000)), Step::text("b")]);
        let (proxy, meter) = proxy_to(&model, Budget { bytes: 1_000, ..Budget::default() }).await;
        let (_, body) = post(&proxy, "/chat/completions", QUESTION).await;
        assert!(body.len() < 50_000, "{}", body.len());
        assert_eq!(post(&proxy, "/chat/completions", QUESTION).await.0, 403);
        assert_eq!(meter.trouble(), Some(Trouble::Budget));
    }

    #[tokio::test]
    async fn a_stream_is_passed_on_and_its_tokens_are_counted() {
        let model = Model::start(vec![Step::text("streamed")]);
        let (proxy, meter) = proxy_to(&model, Budget::default()).await;
        let question = QUESTION.replacen('{', r#"{"stream":true,"#, 1);
        let (status, body) = post(&proxy, "/chat/completions", &question).await;
        assert_eq!(status, 200);
        assert!(body.contains("data: [DONE]"), "{body}");
        assert_eq!(meter.exchange().tokens_in, 1000);
    }

    #[tokio::test]
    async fn the_other_way_of_asking_is_passed_on_too() {
        let model = Model::start(vec![Step::text("answered")]);
        let (proxy, meter) = proxy_to(&model, Budget::default()).await;
        let (status, body) = post(&proxy, "/responses", r#"{"model":"m","input":"hello","tools":[{}],"stream":true}"#).await;
        assert_eq!(status, 200);
        assert!(body.contains("response.completed"), "{body}");
        assert_eq!((meter.exchange().tokens_in, meter.exchange().tokens_out), (1000, 50));
    }

    #[tokio::test]
    async fn trouble_of_the_provider_is_passed_on_and_noted() {
        let model = Model::start(vec![Step::status(429)]);
        let (proxy, meter) = proxy_to(&model, Budget::default()).await;
        assert_eq!(post(&proxy, "/chat/completions", QUESTION).await.0, 429);
        assert_eq!(meter.trouble(), Some(Trouble::Status(429)));

        let gone = Provider::new("http://127.0.0.1:1/v1", None, WireApi::Completions).unwrap();
        let meter = Arc::new(Meter::new(Budget::default()));
        let proxy = Proxy::start(Upstream::new(&gone).unwrap(), Arc::clone(&meter)).await.unwrap();
        assert_eq!(post(&proxy, "/chat/completions", QUESTION).await.0, 502);
        assert_eq!(meter.trouble(), Some(Trouble::Unreachable));
    }

    #[tokio::test]
    async fn a_dropped_proxy_answers_no_more() {
        let model = Model::start(vec![]);
        let (proxy, _) = proxy_to(&model, Budget::default()).await;
        let address = proxy.address;
        drop(proxy);
        while TcpStream::connect(address).await.is_ok() {
            tokio::task::yield_now().await;
        }
    }

    async fn proxy_to(model: &Model, budget: Budget) -> (Proxy, Arc<Meter>) {
        let provider = Provider::new(&model.base_url(), Some("sk-real".parse().unwrap()), WireApi::Completions).unwrap();
        let meter = Arc::new(Meter::new(budget));
        (Proxy::start(Upstream::new(&provider).unwrap(), Arc::clone(&meter)).await.unwrap(), meter)
    }

    async fn post(proxy: &Proxy, path: &str, body: &str) -> (u16, String) {
        let base = proxy.base_url();
        let base = base.split_once(&proxy.port().to_string()).unwrap().1;
        let head = format!("POST {base}{path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {}", body.len());
        exchange(proxy, &format!("{head}\r\n\r\n{body}")).await
    }

    async fn exchange(proxy: &Proxy, request: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(proxy.address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        let _cut_off = stream.read_to_end(&mut answer).await;
        let answer = String::from_utf8_lossy(&answer).into_owned();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_default();
        (head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_default(), body.to_owned())
    }
}
