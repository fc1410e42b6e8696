//! What stands between healnode and the network, by the environment of this process. What stands before its own door is in `ingest.rs`.
//!
//! Names are told, never a value: addresses of proxies carry passwords.

use super::{Area, Finding, github};
use crate::config::{Config, ForgeKind};

/// Variables by which many programs find a proxy.
pub(super) const PROXY_VARIABLES: [&str; 6] = ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"];

/// What the environment says.
#[derive(Default)]
pub(super) struct Facts {
    /// Variables of proxies that are set.
    pub(super) proxies: Vec<&'static str>,
}

pub(super) fn judge(facts: &Facts, config: &Config, github: Option<&github::Facts>) -> Vec<Finding> {
    let is_github = config.forge.kind == ForgeKind::Github;
    is_github.then(|| bypassed(facts, github.is_some_and(github::Facts::is_unreachable))).flatten().into_iter().collect()
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

#[cfg(test)]
mod tests {
    use super::super::Level::{Ok, Warning};
    use super::super::finding::check;
    use super::*;

    #[test]
    fn a_proxy_matters_when_there_is_no_other_way() {
        let facts = |proxies: &[&'static str]| Facts { proxies: proxies.to_vec() };
        let judged = |facts: &Facts, is_unreachable| bypassed(facts, is_unreachable).into_iter().collect::<Vec<_>>();
        check(&judged(&facts(&[]), true), &[]);
        check(&judged(&facts(&["HTTPS_PROXY"]), false), &[(Ok, "HTTPS_PROXY is set")]);
        check(&judged(&facts(&["https_proxy", "ALL_PROXY"]), true), &[(Warning, "https_proxy, ALL_PROXY is set")]);
    }
}
