//! Takes connections, so many at a time, and serves each in a task of its own.
//!
//! What is served, and how, is whoever opened the listener's matter. More connections than there are places wait to be taken.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tracing::debug;

/// How long to wait before a connection is taken again after that failed. Mostly it is want of file descriptors, and connections that end give
/// some back.
const RETRY: Duration = Duration::from_millis(50);

/// Serves connections until it is dropped, which ends those that are open.
pub(crate) async fn serve_each<F>(listener: TcpListener, places: Arc<Semaphore>, serve: impl Fn(TcpStream) -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    let mut connections = JoinSet::new();
    while let Ok(place) = places.clone().acquire_owned().await {
        while connections.try_join_next().is_some() {}
        match listener.accept().await {
            Ok((stream, _)) => {
                let served = serve(stream);
                connections.spawn(async move {
                    served.await;
                    drop(place);
                });
            }
            Err(problem) => {
                debug!(%problem, "a connection could not be taken");
                tokio::time::sleep(RETRY).await;
            }
        }
    }
}
