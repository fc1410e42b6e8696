//! A service that reports what it answers with 500, and every `tracing` event of level `ERROR`, with the 50 lines before.
//!
//! `cargo run --example client_service`, then `curl http://127.0.0.1:3000/orders/0` and `healnode errors`.

use anyhow::Context as _;
use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use healnode_client::Client;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let client = Client::builder().app("orders").release(healnode_client::release!()).environment("example").build()?;
    client.install_panic_hook();
    tracing_subscriber::registry().with(tracing_subscriber::fmt::layer()).with(client.layer()).init();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    let router = Router::new().route("/orders/{number}", get(order)).with_state(client);
    axum::serve(listener, router).await?;
    Ok(())
}

async fn order(State(client): State<Client>, Path(number): Path<u32>) -> Result<String, Failed> {
    tracing::info!(number, "an order is asked for");
    let price = price(number).context("working out the price");
    price.map(|price| format!("order {number} costs {price}\n")).map_err(|error| Failed::report(&client, &error, number))
}

fn price(number: u32) -> anyhow::Result<u32> {
    100_000_u32.checked_div(number).context("no order has the number 0")
}

/// An answer that says which occurrence to ask for, and nothing of what went wrong.
struct Failed(String);

impl Failed {
    fn report(client: &Client, error: &anyhow::Error, number: u32) -> Self {
        let event_id = client.capture_error_with(&**error, &[("order", &number)]);
        Self(event_id.map_or_else(String::new, |event_id| format!("this failed; its number is {event_id}\n")))
    }
}

impl IntoResponse for Failed {
    fn into_response(self) -> Response {
        (StatusCode::INTERNAL_SERVER_ERROR, self.0).into_response()
    }
}
