//! What people call this node: for other nodes' lists and for the table in an issue. It decides nothing; who a node is, its id says.

use healnode_report::limits::NAME_BYTES_MAX;
use healnode_report::redact;

/// Returns the configured name, else that of the CI runner, else the host's; nothing if there is none. It is redacted, for it is published.
pub(crate) fn display_name(configured: &str, variable: impl Fn(&str) -> Option<String>, host: &str) -> String {
    let runner = variable("RUNNER_NAME").unwrap_or_default();
    let name = [configured, &runner, host].into_iter().map(str::trim).find(|name| !name.is_empty()).unwrap_or_default();
    let name = redact(name).split_whitespace().collect::<Vec<_>>().join(" ");
    let end = (0..=NAME_BYTES_MAX.min(name.len())).rev().find(|end| name.is_char_boundary(*end)).unwrap_or_default();
    name[..end].trim_end().to_owned()
}

/// Returns what this machine calls itself, or nothing.
pub(crate) fn host_name() -> String {
    std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_configured_name_comes_before_the_runners_and_the_hosts() {
        let runner = |name: &str| (name == "RUNNER_NAME").then(|| "runner 7".to_owned());
        assert_eq!(display_name("shop-eu", runner, "web-1"), "shop-eu");
        assert_eq!(display_name(" ", runner, "web-1"), "runner 7");
        assert_eq!(display_name("", |_| Some(String::new()), "web-1\n"), "web-1");
        assert_eq!(display_name("", |_| None, ""), "");
    }

    #[test]
    fn a_name_is_redacted_on_one_line_and_within_its_bound() {
        assert_eq!(display_name("a\nb\tann@example.com", |_| None, ""), "a b <email>");
        let long = display_name(&"\u{e4}".repeat(100), |_| None, "");
        assert!(long.len() <= NAME_BYTES_MAX && long.chars().all(|c| c == '\u{e4}'));
    }
}
