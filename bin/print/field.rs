//! Fields of a node's JSON, as text for a person. A missing or strange one reads as empty.

use std::time::Duration;

use healnode_node::UnixMillis;
use serde_json::Value;

use super::page::Page;
use super::text::{age, printable};

/// Columns of a peer id that are shown where it does not fit: its end, for all of them begin alike.
const PEER_ID_COLUMNS: usize = 8;

/// Returns a text.
pub(super) fn text(object: &Value, name: &str) -> String {
    object[name].as_str().map(printable).unwrap_or_default()
}

/// Returns a number.
pub(super) fn number(object: &Value, name: &str) -> u64 {
    object[name].as_u64().unwrap_or_default()
}

/// Returns a list.
pub(super) fn list<'a>(object: &'a Value, name: &str) -> &'a [Value] {
    object[name].as_array().map(Vec::as_slice).unwrap_or_default()
}

/// Returns numbers by name, the largest first.
pub(super) fn counts(object: &Value, name: &str) -> Vec<(String, u64)> {
    let entries = object[name].as_object().into_iter().flatten();
    let mut counts: Vec<(String, u64)> = entries.map(|(name, count)| (printable(name), count.as_u64().unwrap_or_default())).collect();
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    counts
}

/// Returns how long ago a time was, as `3m ago`.
pub(super) fn ago(object: &Value, name: &str, page: &Page) -> String {
    let Some(at) = object[name].as_str().and_then(|text| text.parse::<UnixMillis>().ok()) else { return String::new() };
    format!("{} ago", age(Duration::from_millis(page.now.0.saturating_sub(at.0))))
}

/// Returns a time and how long ago it was; nothing if there is none.
pub(super) fn time_and_age(object: &Value, name: &str, page: &Page) -> String {
    let time = text(object, name);
    if time.is_empty() { time } else { format!("{time} ({})", ago(object, name, page)) }
}

/// Returns the end of a peer id.
pub(super) fn short_peer(peer_id: &str) -> String {
    let start = peer_id.char_indices().rev().nth(PEER_ID_COLUMNS - 1).map_or(0, |(at, _)| at);
    format!("…{}", &peer_id[start..])
}

/// Returns `1 node`, `2 nodes`.
pub(super) fn counted(count: u64, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}
