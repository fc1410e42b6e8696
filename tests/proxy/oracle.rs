//! What a node may never do to a forge, whatever happens to it: judged by what the proxy saw, after the fact.

use std::time::Duration;

use super::Exchange;

/// How late an answer may reach a node. What it sent before was no offence.
const GRACE: Duration = Duration::from_millis(100);

/// Returns a sentence for each offence.
pub(super) fn offences(exchanges: &[Exchange]) -> Vec<String> {
    let mut found = Vec::new();
    for (at, exchange) in exchanges.iter().enumerate() {
        let before = &exchanges[..at];
        if is_create(exchange) && !has_looked(before, exchange) {
            found.push(format!("{} created without having looked since the create before it", exchange.node));
        }
        if let Some(limited) = before.iter().find(|earlier| was_silenced(earlier, exchange)) {
            let since = exchange.came.duration_since(limited.ended.unwrap_or(limited.came));
            found.push(format!(
                "{} sent {} {} {since:?} after it was told to wait {:?}",
                exchange.node, exchange.method, exchange.path, limited.retry_after
            ));
        }
    }
    found
}

fn is_create(exchange: &Exchange) -> bool {
    !exchange.markers.is_empty()
}

/// Returns whether the node listed issues after the last create of anybody's for the same error, and got its answer before it created.
fn has_looked(before: &[Exchange], create: &Exchange) -> bool {
    let same = |earlier: &&Exchange| earlier.markers.iter().any(|marker| create.markers.contains(marker));
    let last = before.iter().rev().find(same);
    before.iter().any(|look| {
        let is_list = look.method == "GET" && look.path == "/issues" && look.node == create.node && look.status == Some(200);
        let is_answered = look.ended.is_some_and(|ended| ended <= create.came);
        is_list && is_answered && last.is_none_or(|last| last.ended.is_some_and(|ended| ended <= look.came))
    })
}

/// Returns whether `earlier` was answered with a wait that `exchange` of the same node falls into.
fn was_silenced(earlier: &Exchange, exchange: &Exchange) -> bool {
    let (Some(wait), Some(ended)) = (earlier.retry_after, earlier.ended) else { return false };
    earlier.node == exchange.node && exchange.came > ended + GRACE && exchange.came < ended + wait
}
