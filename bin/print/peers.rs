//! `peers`: one line for each other node.

use std::time::Duration;

use serde_json::Value;

use super::field::{counted, list, number, text};
use super::page::{Page, Style};
use super::table::{Cell, Table};
use super::text::{age, printable};

/// Returns the peers as a table.
pub(crate) fn peers(peers: &Value, page: &Page) -> String {
    let peers = peers.as_array().map(Vec::as_slice).unwrap_or_default();
    if peers.is_empty() {
        return "no other nodes so far; mesh.bootstrap names one to join\n".to_owned();
    }
    let mut table = Table::new(&["PEER", "LINK", "HEARD", "FILES", "VERSION", "ADDRESSES"]);
    for peer in peers {
        let is_connected = peer["connected"].as_bool().unwrap_or_default();
        let heard = peer["last_heard_s"]
            .as_u64()
            .map_or_else(|| "never".to_owned(), |seconds| format!("{} ago", age(Duration::from_secs(seconds))));
        let addresses: Vec<String> = list(peer, "addresses").iter().filter_map(Value::as_str).map(printable).collect();
        table.push(vec![
            Cell::new(format!("{} {}", text(peer, "peer_id"), text(peer, "name")).trim_end()),
            if is_connected { Cell::styled("up", Style::Good) } else { Cell::styled("down", Style::Warn) },
            Cell::new(heard),
            Cell::new(if peer["can_file"].as_bool().unwrap_or_default() { "yes" } else { "no" }),
            Cell::new(text(peer, "version")),
            match trouble(peer) {
                Some(trouble) => Cell::styled(trouble, Style::Bad),
                None => Cell::new(addresses.join(" ")),
            },
        ]);
    }
    table.render(page)
}

/// Returns what is wrong with a peer, the worst first.
fn trouble(peer: &Value) -> Option<String> {
    let is = |name: &str| peer[name].as_bool().unwrap_or_default();
    let faults = number(peer, "faults");
    match () {
        () if is("cloned") => Some("two nodes use this identity; stop one of them".to_owned()),
        () if is("clock_ahead") => Some("its clock is more than a day ahead of this one's; set the one that is wrong".to_owned()),
        () if faults > 0 => Some(format!("sent {} that no healnode sends; look after that machine", counted(faults, "message"))),
        () => None,
    }
}
