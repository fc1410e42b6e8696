//! How errors of applications find this node's door, and what leads them elsewhere, by the environment of this process.
//!
//! Names and hosts are told, never a whole value: addresses of proxies and of Sentry projects carry passwords and keys.

use std::net::{IpAddr, SocketAddr};

use super::{Area, Finding};
use crate::ingest::reachable;

/// Variables by which applications find where their errors go.
pub(super) const TARGET_VARIABLES: [&str; 2] = ["SENTRY_DSN", "OTEL_EXPORTER_OTLP_ENDPOINT"];

/// Variables by which programs find a proxy for what they send unencrypted, as they send it to this machine.
pub(super) const PROXY_VARIABLES: [&str; 4] = ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"];

/// Variables by which programs find what is to go past the proxy. Which of them they read first differs.
pub(super) const EXCEPTION_VARIABLES: [&str; 2] = ["no_proxy", "NO_PROXY"];

/// What the environment says.
#[derive(Default)]
pub(super) struct Facts {
    /// Where applications report to, of [`TARGET_VARIABLES`].
    pub(super) targets: Vec<(&'static str, String)>,
    /// Which of [`PROXY_VARIABLES`] are set.
    pub(super) proxies: Vec<&'static str>,
    /// Those of [`EXCEPTION_VARIABLES`] that are set.
    pub(super) exceptions: Vec<String>,
}

/// Judges by where the door is, or nothing when there is none.
pub(super) fn judge(facts: &Facts, door: Option<SocketAddr>) -> Vec<Finding> {
    let Some(door) = door.map(reachable) else { return Vec::new() };
    let mut findings = vec![way_in(door)];
    findings.extend(diverted(facts, door));
    findings.extend(elsewhere(facts, door));
    findings
}

fn way_in(door: SocketAddr) -> Finding {
    Finding::ok(
        Area::Ingest,
        format!(
            "SDKs of Sentry report here with SENTRY_DSN=http://hn@{door}/billing-api/1, the application's name in place of billing-api, and \
             OpenTelemetry with OTEL_EXPORTER_OTLP_ENDPOINT=http://{door} and OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf."
        ),
    )
}

/// A proxy in the way of what applications send to this machine. They lose it without a word.
fn diverted(facts: &Facts, door: SocketAddr) -> Option<Finding> {
    let names = facts.proxies.join(", ");
    let host = door.ip().to_string();
    let is_spared = |list: &String| list.split(',').map(str::trim).any(|entry| entry == "*" || entry == host);
    if facts.proxies.is_empty() {
        return None;
    }
    if facts.exceptions.is_empty() || !facts.exceptions.iter().all(is_spared) {
        return Some(Finding::warning(
            Area::Ingest,
            format!(
                "{names} is set and does not spare {host}: applications with this environment send their errors to the proxy, which loses them."
            ),
            format!(
                "Add {host},localhost to no_proxy and NO_PROXY of the applications, or start them by healnode exec, which does. \
                 SDKs of Sentry for Rust read neither: start those without {names}."
            ),
        ));
    }
    Some(Finding::ok(
        Area::Ingest,
        format!("{names} is set and spares {host}. SDKs of Sentry for Rust ask the proxy all the same: start those without it."),
    ))
}

/// Applications that report to somebody else.
fn elsewhere(facts: &Facts, ingest: SocketAddr) -> Vec<Finding> {
    let others = facts.targets.iter().filter_map(|(name, value)| Some((name, authority(value)?)));
    let others = others.filter(|(_, authority)| !is_at(authority, ingest));
    let hint = |(name, authority): (&&str, &str)| {
        let what = format!(
            "{name} is set here and points to {authority}, not to this node at {ingest} (ingest.http). Applications with that setting report there."
        );
        Finding::ok(Area::Ingest, what)
    };
    others.map(hint).collect()
}

/// Returns host and port of an address, without what is before an `@`.
fn authority(address: &str) -> Option<&str> {
    let rest = address.split_once("://").map_or(address, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next()?;
    let authority = authority.rsplit('@').next()?;
    (!authority.is_empty()).then_some(authority)
}

fn is_at(authority: &str, ingest: SocketAddr) -> bool {
    let Some((host, port)) = authority.rsplit_once(':') else { return false };
    let ip = if host == "localhost" { Some(IpAddr::from([127, 0, 0, 1])) } else { host.trim_matches(['[', ']']).parse().ok() };
    let is_same_host =
        ip.is_some_and(|ip| ip == ingest.ip() || ip.is_loopback() && ingest.ip().is_loopback() || ingest.ip().is_unspecified());
    is_same_host && port.parse() == Ok(ingest.port())
}

#[cfg(test)]
mod tests {
    use super::super::Level::{Ok, Warning};
    use super::super::finding::check;
    use super::*;

    fn door() -> SocketAddr {
        "127.0.0.1:8969".parse().unwrap()
    }

    #[test]
    fn the_lines_to_set_are_told_where_there_is_a_door() {
        check(
            &judge(&Facts::default(), Some("0.0.0.0:9000".parse().unwrap())),
            &[(Ok, "SENTRY_DSN=http://hn@127.0.0.1:9000/billing-api/1,")],
        );
        check(&judge(&Facts { proxies: vec!["http_proxy"], ..Facts::default() }, None), &[]);
    }

    #[test]
    fn a_proxy_that_takes_what_is_sent_to_this_machine_is_a_warning() {
        let judged = |exceptions: &[&str]| {
            let exceptions = exceptions.iter().map(|list| (*list).to_owned()).collect();
            diverted(&Facts { proxies: vec!["http_proxy", "ALL_PROXY"], exceptions, ..Facts::default() }, door())
                .into_iter()
                .collect::<Vec<_>>()
        };
        for lost in [&[][..], &["corp.example"], &["127.0.0.1", "corp.example"], &["127.0.0.11"]] {
            check(&judged(lost), &[(Warning, "http_proxy, ALL_PROXY is set and does not spare 127.0.0.1")]);
        }
        for spared in [&["127.0.0.1,localhost"][..], &["*"], &["corp.example, 127.0.0.1", "127.0.0.1"]] {
            check(&judged(spared), &[(Ok, "for Rust")]);
        }
        assert_eq!(diverted(&Facts { exceptions: vec!["corp.example".to_owned()], ..Facts::default() }, door()), None);
    }

    #[test]
    fn where_applications_report_is_a_hint_without_their_keys() {
        let judged = |value: &str| elsewhere(&Facts { targets: vec![("SENTRY_DSN", value.to_owned())], ..Facts::default() }, door());
        for own in ["http://key@127.0.0.1:8969/1", "http://key@localhost:8969/1", "http://key:secret@[::1]:8969/1"] {
            check(&judged(own), &[]);
        }
        check(&judged("https://publickey@o1.ingest.sentry.io/42"), &[(Ok, "points to o1.ingest.sentry.io, not")]);
        check(&judged("http://key@127.0.0.1:9000/1"), &[(Ok, "127.0.0.1:9000")]);
        assert!(!judged("https://publickey@o1.ingest.sentry.io/42")[0].what.contains("publickey"));
        check(&judged(""), &[]);
    }
}
