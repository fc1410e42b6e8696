//! Whether anything will be filed, and where; for a folder, whether it can be written to.

use std::path::PathBuf;

use super::secret::quoted;
use super::socket::RunningNode;
use super::{Area, Finding};
use crate::config::ForgeKind;

/// What is known of where issues go.
pub(super) struct Facts {
    pub(super) kind: ForgeKind,
    pub(super) auto_issue: bool,
    /// The repository or the folder; empty when none is named.
    pub(super) place: String,
    /// The folder; nothing when issues go elsewhere.
    pub(super) outbox: Option<Outbox>,
}

/// A folder for issues.
pub(super) struct Outbox {
    pub(super) dir: PathBuf,
    pub(super) state: OutboxState,
}

/// Whether a folder can take issues.
pub(super) enum OutboxState {
    /// It can.
    Ready,
    /// It can be made.
    ToBeMade,
    /// It cannot, for this reason.
    Blocked(String),
}

pub(super) fn judge(facts: &Facts, node: Option<&RunningNode>) -> Vec<Finding> {
    let mut findings = vec![if facts.auto_issue { on(facts, node) } else { off(facts, node) }];
    findings.extend(node.and_then(|node| restart(facts, node)));
    findings.extend(facts.outbox.as_ref().and_then(|outbox| folder(outbox, facts.auto_issue)));
    findings
}

fn on(facts: &Facts, node: Option<&RunningNode>) -> Finding {
    let place = &facts.place;
    match node.filter(|node| node.auto_issue) {
        Some(node) if !node.can_file => Finding::error(
            Area::Forge,
            format!("The running node cannot file: {}.", node.forge_state.trim_end_matches('.')),
            "Mend that, or what is said here about forge and token. The node looks again by itself within five minutes.",
        ),
        Some(node) => Finding::ok(Area::Forge, format!("Filing is on, and the running node can file into {}.", node.repo)),
        None => Finding::ok(Area::Forge, format!("Filing is on, and issues are to go to {place}.")),
    }
}

fn off(facts: &Facts, node: Option<&RunningNode>) -> Finding {
    let others = node.map_or(0, |node| node.peers.iter().filter(|peer| peer.can_file).count());
    let off = "Filing is off here (forge.auto_issue = false), so this node counts and shares only";
    if others > 0 {
        let who = if others == 1 { "1 other node files".to_owned() } else { format!("{others} other nodes can file") };
        return Finding::ok(Area::Forge, format!("{off}; {who}."));
    }
    let place = match (facts.kind, facts.place.is_empty()) {
        (ForgeKind::Outbox, _) => format!(
            "Issues are then Markdown files in {}. To file on GitHub, also set forge.kind = \"github\", forge.repo = \"owner/name\" and a token.",
            facts.place
        ),
        (ForgeKind::Github, true) => "It also takes forge.repo = \"owner/name\" and a token.".to_owned(),
        (ForgeKind::Github, false) => format!("Issues then go to {}.", facts.place),
    };
    Finding::warning(
        Area::Forge,
        format!("{off}, and nothing will be filed by it."),
        format!("To file, set forge.auto_issue = true (or HEALNODE_AUTO_ISSUE=true). {place}"),
    )
}

/// The node was started with other settings than doctor reads.
fn restart(facts: &Facts, node: &RunningNode) -> Option<Finding> {
    let is_same = node.auto_issue == facts.auto_issue && node.forge_kind == facts.kind.name() && is_same_place(&node.repo, &facts.place);
    (!is_same).then(|| {
        let files = |auto_issue: bool, kind: &str, place: &str| {
            let place = if place.is_empty() { "no repository" } else { place };
            format!("{kind}, {place}, filing {}", if auto_issue { "on" } else { "off" })
        };
        Finding::warning(
            Area::Forge,
            format!(
                "The running node has other settings ({}) than the configuration that doctor reads ({}).",
                files(node.auto_issue, &node.forge_kind, &node.repo),
                files(facts.auto_issue, facts.kind.name(), &facts.place)
            ),
            "Restart the node if the configuration was changed; else run doctor with the file, the flags and the environment of the node.",
        )
    })
}

/// GitHub does not tell apart upper and lower case in names.
fn is_same_place(one: &str, other: &str) -> bool {
    one.eq_ignore_ascii_case(other)
}

fn folder(outbox: &Outbox, auto_issue: bool) -> Option<Finding> {
    let dir = outbox.dir.display();
    match &outbox.state {
        OutboxState::Ready => auto_issue.then(|| Finding::ok(Area::Forge, format!("Issues can be written to {dir}."))),
        OutboxState::ToBeMade => {
            auto_issue.then(|| Finding::ok(Area::Forge, format!("The folder {dir} is not there yet; it is made when it is needed.")))
        }
        OutboxState::Blocked(why) => {
            let mend =
                format!("Let the node's user own it (sudo chown USER {}), or set forge.outbox to another folder.", quoted(&outbox.dir));
            let level = if auto_issue { Finding::error } else { Finding::warning };
            Some(level(Area::Forge, format!("{}.", why.trim_end_matches('.')), mend))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Level::{Error, Ok, Warning};
    use super::super::finding::check;
    use super::super::socket::Peer;
    use super::*;

    fn facts(kind: ForgeKind, auto_issue: bool, place: &str) -> Facts {
        Facts { kind, auto_issue, place: place.to_owned(), outbox: None }
    }

    fn node(auto_issue: bool, can_file: bool) -> RunningNode {
        let forge_state = if can_file { "ready" } else { "GitHub refused the token (401)." }.to_owned();
        RunningNode {
            auto_issue,
            can_file,
            forge_kind: "github".to_owned(),
            repo: "acme/Shop".to_owned(),
            forge_state,
            ..RunningNode::default()
        }
    }

    #[test]
    fn filing_that_is_off_says_what_it_would_take() {
        check(&judge(&facts(ForgeKind::Outbox, false, "/o"), None), &[(Warning, "Markdown files in /o")]);
        check(&judge(&facts(ForgeKind::Github, false, ""), None), &[(Warning, "forge.repo")]);
        check(&judge(&facts(ForgeKind::Github, false, "acme/shop"), None), &[(Warning, "then go to acme/shop.")]);
        let peers = vec![Peer { can_file: true, ..Peer::default() }];
        check(
            &judge(&facts(ForgeKind::Github, false, "acme/shop"), Some(&RunningNode { peers, ..node(false, false) })),
            &[(Ok, "1 other node files.")],
        );
    }

    #[test]
    fn filing_that_is_on_works_or_says_why_not() {
        let on = || facts(ForgeKind::Github, true, "acme/shop");
        check(&judge(&on(), None), &[(Ok, "to go to acme/shop")]);
        check(&judge(&on(), Some(&node(true, true))), &[(Ok, "can file into acme/Shop")]);
        check(&judge(&on(), Some(&node(true, false))), &[(Error, "cannot file: GitHub refused the token (401).")]);
    }

    #[test]
    fn a_node_with_other_settings_is_noticed() {
        let judged = judge(&facts(ForgeKind::Github, true, "acme/other"), Some(&node(true, true)));
        check(&judged, &[(Ok, "acme/Shop"), (Warning, "Restart the node")]);
        check(
            &judge(&facts(ForgeKind::Github, true, "acme/shop"), Some(&node(false, false))),
            &[(Ok, "Filing is on"), (Warning, "filing off")],
        );
    }

    #[test]
    fn a_folder_takes_issues_or_says_why_not() {
        let judged = |auto_issue, state| {
            let outbox = Some(Outbox { dir: PathBuf::from("/o"), state });
            judge(&Facts { outbox, ..facts(ForgeKind::Outbox, auto_issue, "/o") }, None)
        };
        check(&judged(true, OutboxState::Ready), &[(Ok, "Filing is on"), (Ok, "written to /o")]);
        check(&judged(true, OutboxState::ToBeMade), &[(Ok, "Filing is on"), (Ok, "not there yet")]);
        check(&judged(true, OutboxState::Blocked("It is full.".to_owned())), &[(Ok, "Filing is on"), (Error, "It is full.")]);
        check(&judged(false, OutboxState::Blocked("It is full.".to_owned())), &[(Warning, "off"), (Warning, "forge.outbox")]);
        check(&judged(false, OutboxState::Ready), &[(Warning, "off")]);
    }
}
