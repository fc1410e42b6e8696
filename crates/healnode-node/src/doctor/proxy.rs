//! What stands between healnode and the network, or between applications and healnode, by the environment of this process.
//!
//! Names and hosts are told, never a whole value: addresses of proxies and of Sentry projects carry passwords and keys.

use std::net::{IpAddr, SocketAddr};

use super::{Area, Finding, github};
use crate::config::{Config, ForgeKind};

/// Variables by which many programs find a proxy.
pub(super) const PROXY_VARIABLES: [&str; 6] = ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"];

/// Variables by which applications find where their errors go.
pub(super) const INGEST_VARIABLES: [&str; 2] = ["SENTRY_DSN", "OTEL_EXPORTER_OTLP_ENDPOINT"];

/// What the environment says.
#[derive(Default)]
pub(super) struct Facts {
    /// Variables of proxies that are set.
    pub(super) proxies: Vec<&'static str>,
    /// Variables of applications that are set, and what they are set to.
    pub(super) ingests: Vec<(&'static str, String)>,
}

pub(super) fn judge(facts: &Facts, config: &Config, github: Option<&github::Facts>) -> Vec<Finding> {
    let mut findings: Vec<Finding> = Vec::new();
    if config.forge.kind == ForgeKind::Github {
        findings.extend(bypassed(facts, github.is_some_and(github::Facts::is_unreachable)));
    }
    if let Some(ingest) = config.ingest.http.filter(|_| Config::has_effect("ingest.http")) {
        findings.extend(elsewhere(facts, ingest));
    }
    findings
}

fn bypassed(facts: &Facts, is_unreachable: bool) -> Option<Finding> {
    let names = facts.proxies.join(", ");
    match (facts.proxies.is_empty(), is_unreachable) {
        (true, _) => None,
        (false, false) => {
            Some(Finding::ok(Area::Proxy, format!("{names} is set. healnode does not use proxies: it speaks to GitHub directly.")))
        }
        (false, true) => Some(Finding::warning(
            Area::Proxy,
            format!("{names} is set, but healnode does not use proxies, and GitHub cannot be reached directly."),
            "Let this machine connect to the host of forge.api_url on port 443 without the proxy, or leave filing to nodes that can.",
        )),
    }
}

fn elsewhere(facts: &Facts, ingest: SocketAddr) -> Vec<Finding> {
    let targets = facts.ingests.iter().filter_map(|(name, value)| Some((name, authority(value)?)));
    let others = targets.filter(|(_, authority)| !is_at(authority, ingest));
    let hint = |(name, authority): (&&str, &str)| {
        let what = format!(
            "{name} is set here and points to {authority}, not to this node at {ingest} (ingest.http). Applications with that setting report there."
        );
        Finding::ok(Area::Proxy, what)
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

    #[test]
    fn a_proxy_matters_when_there_is_no_other_way() {
        let facts = |proxies: &[&'static str]| Facts { proxies: proxies.to_vec(), ingests: Vec::new() };
        let judged = |facts: &Facts, is_unreachable| bypassed(facts, is_unreachable).into_iter().collect::<Vec<_>>();
        check(&judged(&facts(&[]), true), &[]);
        check(&judged(&facts(&["HTTPS_PROXY"]), false), &[(Ok, "HTTPS_PROXY is set")]);
        check(&judged(&facts(&["https_proxy", "ALL_PROXY"]), true), &[(Warning, "https_proxy, ALL_PROXY is set")]);
    }

    #[test]
    fn where_applications_report_is_a_hint_without_their_keys() {
        let ingest = "127.0.0.1:8969".parse().unwrap();
        let judged = |value: &str| elsewhere(&Facts { ingests: vec![("SENTRY_DSN", value.to_owned())], ..Facts::default() }, ingest);
        for own in ["http://key@127.0.0.1:8969/1", "http://key@localhost:8969/1", "http://key:secret@[::1]:8969/1"] {
            check(&judged(own), &[]);
        }
        check(&judged("https://publickey@o1.ingest.sentry.io/42"), &[(Ok, "points to o1.ingest.sentry.io, not")]);
        check(&judged("http://key@127.0.0.1:9000/1"), &[(Ok, "127.0.0.1:9000")]);
        assert!(!judged("https://publickey@o1.ingest.sentry.io/42")[0].what.contains("publickey"));
        check(&judged(""), &[]);
    }
}
