//! What a command is told by its environment, so that its own SDKs and `healnode-client` find the node.
//!
//! A value of the command's own stays, an empty one as well, for that is how an SDK is turned off. Where no node listens, SDKs are told
//! nothing; the library is told all the same, for it leaves its reports where the next node takes them in.

use std::ffi::OsString;
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::time::Duration;

use crate::config::Config;
use crate::ingest::reachable;
use crate::sessions::KEY_PREFIX;

/// How long a node on this machine may take to accept a connection. A system that listens accepts at once.
const ACCEPT_MAX: Duration = Duration::from_millis(20);

/// Hosts that are not to be reached through a proxy.
const NEAR_HOSTS: [&str; 2] = ["127.0.0.1", "localhost"];

/// Longest name of a deployment in a URL, in bytes.
const APP_BYTES_MAX: usize = 64;

/// What is added to a command's environment.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Additions {
    pub(super) variables: Vec<(&'static str, OsString)>,
    /// Under which token the command's SDK reports, if it was told.
    pub(super) token: Option<String>,
}

/// Returns what a command is told of the node's places, and of its address if somebody listens there.
pub(super) fn additions(config: &Config, app: &str) -> Additions {
    let own = |name: &str| std::env::var_os(name);
    let address = config.ingest.http.map(reachable).filter(|address| TcpStream::connect_timeout(address, ACCEPT_MAX).is_ok());
    let token = format!("{:032x}", rand::random::<u128>());
    let mut additions = address.map(|address| additions_for(address, app, token, own)).unwrap_or_default();
    additions.variables.extend(places(&config.status.socket, &config.data_dir, own));
    additions
}

/// Socket and data directory belong together: who names one of them means another node.
fn places(socket: &Path, data_dir: &Path, own: impl Fn(&str) -> Option<OsString>) -> Vec<(&'static str, OsString)> {
    let places = [("HEALNODE_STATUS_SOCKET", socket), ("HEALNODE_DATA_DIR", data_dir)];
    if places.iter().any(|(name, _)| own(name).is_some()) {
        return Vec::new();
    }
    places.into_iter().filter_map(|(name, path)| Some((name, std::path::absolute(path).ok()?.into()))).collect()
}

fn additions_for(address: SocketAddr, app: &str, token: String, own: impl Fn(&str) -> Option<OsString>) -> Additions {
    let is_unset = |name: &str| own(name).is_none();
    let mut additions = Additions::default();
    if is_unset("SENTRY_DSN") {
        // SDKs want a key of word characters and a number for the project; the name may stand before it.
        additions.variables.push(("SENTRY_DSN", format!("http://{KEY_PREFIX}{token}@{address}/{}/1", in_url(app)).into()));
        additions.token = Some(token);
    }
    if is_unset("SENTRY_SPOTLIGHT") {
        additions.variables.push(("SENTRY_SPOTLIGHT", format!("http://{address}/stream").into()));
    }
    additions.variables.extend(otlp(address, &own));
    additions.variables.extend(no_proxy(address, &own));
    additions
}

/// Endpoint and protocol belong together: one's own endpoint may speak gRPC only, and one's own choice of gRPC finds nobody here.
fn otlp(address: SocketAddr, own: impl Fn(&str) -> Option<OsString>) -> Vec<(&'static str, OsString)> {
    const PROTOCOL: &str = "OTEL_EXPORTER_OTLP_PROTOCOL";
    const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
    let protocol = own(PROTOCOL);
    let speaks_http = protocol.as_ref().is_none_or(|protocol| protocol.to_string_lossy().starts_with("http/"));
    if own(ENDPOINT).is_some() || !speaks_http {
        return Vec::new();
    }
    let endpoint = (ENDPOINT, format!("http://{address}").into());
    let protocol = protocol.is_none().then(|| (PROTOCOL, "http/protobuf".into()));
    std::iter::once(endpoint).chain(protocol).collect()
}

/// Extends both spellings. Where only one is set it holds for both, for programs read the one or the other first.
fn no_proxy(address: SocketAddr, own: impl Fn(&str) -> Option<OsString>) -> Vec<(&'static str, OsString)> {
    const NAMES: [&str; 2] = ["no_proxy", "NO_PROXY"];
    let host = address.ip().to_string();
    let extended = |name: &str| {
        let value = own(name).or_else(|| NAMES.iter().find_map(|name| own(name))).unwrap_or_default().into_string().ok()?;
        let mut hosts: Vec<&str> = value.split(',').map(str::trim).filter(|host| !host.is_empty()).collect();
        if hosts.contains(&"*") {
            return None;
        }
        for near in NEAR_HOSTS.into_iter().chain([host.as_str()]) {
            if !hosts.contains(&near) {
                hosts.push(near);
            }
        }
        Some(OsString::from(hosts.join(",")))
    };
    NAMES.into_iter().filter_map(|name| Some((name, extended(name)?))).collect()
}

fn in_url(app: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    let mut name: String = app.chars().map(|c| if is_plain(c) { c } else { '-' }).collect();
    name.truncate(APP_BYTES_MAX);
    // An empty step of a path, and one of dots, would not arrive as it was sent.
    if name.trim_matches('.').is_empty() { "app".to_owned() } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(own: &[(&str, &str)], expected: &[(&str, Option<&str>)]) {
        let of = |name: &str| own.iter().find(|(own, _)| *own == name).map(|(_, value)| OsString::from(value));
        let additions = additions_for("127.0.0.1:8969".parse().unwrap(), "billing api", "ab".repeat(16), of);
        for (name, value) in expected {
            let found = additions.variables.iter().find(|(added, _)| added == name).map(|(_, value)| value.to_str().unwrap());
            assert_eq!(found, *value, "{name}");
        }
        assert_eq!(additions.token.is_some(), of("SENTRY_DSN").is_none());
    }

    #[test]
    fn what_is_unset_is_set() {
        check(
            &[],
            &[
                ("SENTRY_DSN", Some("http://hn_abababababababababababababababab@127.0.0.1:8969/billing-api/1")),
                ("SENTRY_SPOTLIGHT", Some("http://127.0.0.1:8969/stream")),
                ("OTEL_EXPORTER_OTLP_ENDPOINT", Some("http://127.0.0.1:8969")),
                ("OTEL_EXPORTER_OTLP_PROTOCOL", Some("http/protobuf")),
                ("no_proxy", Some("127.0.0.1,localhost")),
                ("NO_PROXY", Some("127.0.0.1,localhost")),
            ],
        );
    }

    #[test]
    fn what_is_the_commands_own_stays() {
        check(&[("SENTRY_DSN", ""), ("SENTRY_SPOTLIGHT", "0")], &[("SENTRY_DSN", None), ("SENTRY_SPOTLIGHT", None)]);
        let nothing = [("OTEL_EXPORTER_OTLP_ENDPOINT", None), ("OTEL_EXPORTER_OTLP_PROTOCOL", None)];
        check(&[("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4317")], &nothing);
        check(&[("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")], &nothing);
        check(
            &[("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json")],
            &[("OTEL_EXPORTER_OTLP_ENDPOINT", Some("http://127.0.0.1:8969")), nothing[1]],
        );
    }

    #[test]
    fn the_library_is_told_both_places_or_none() {
        let told = |own: &[&str]| places(Path::new("/run/h.sock"), Path::new("/var/h"), |name| own.contains(&name).then(OsString::new));
        assert_eq!(told(&[]), [("HEALNODE_STATUS_SOCKET", "/run/h.sock".into()), ("HEALNODE_DATA_DIR", "/var/h".into())]);
        assert_eq!(told(&["HEALNODE_DATA_DIR"]), []);
        assert_eq!(told(&["HEALNODE_STATUS_SOCKET"]), []);
    }

    #[test]
    fn hosts_that_need_no_proxy_are_added_to_those_there_are() {
        let both = Some("corp.example,127.0.0.1,localhost");
        check(&[("NO_PROXY", "corp.example")], &[("no_proxy", both), ("NO_PROXY", both)]);
        check(&[("no_proxy", "localhost, 127.0.0.1")], &[("no_proxy", Some("localhost,127.0.0.1"))]);
        check(&[("no_proxy", "*")], &[("no_proxy", None), ("NO_PROXY", None)]);
    }

    #[test]
    fn a_name_is_one_step_of_a_path() {
        assert_eq!([in_url("a/../b"), in_url(".."), in_url(""), in_url("Ünit")], ["a-..-b", "app", "app", "-nit"]);
    }
}
