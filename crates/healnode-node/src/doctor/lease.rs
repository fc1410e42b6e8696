//! Which lease keeps two halves of a mesh from filing the same error, and why that one: what a running node says of the one that it took, else
//! what follows from the setting and the token's rights.

use healnode_forge::{Right, Rights};

use super::socket::RunningNode;
use super::{Area, Finding, github};
use crate::config::{Config, ForgeKind, Lease};

/// What takes part in the choice.
#[derive(Clone, Copy)]
pub(super) struct Facts {
    pub(super) kind: ForgeKind,
    /// The setting `forge.lease`.
    pub(super) setting: Lease,
    /// What the token may do; nothing when GitHub did not say.
    pub(super) rights: Option<Rights>,
    /// Whether other nodes take turns by labels there.
    pub(super) by_label: bool,
}

/// What holds the lease.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Choice {
    /// The lock file of the outbox.
    LockFile,
    /// A git ref.
    Ref,
    /// A git ref, if the token turns out to be allowed to; else labels.
    RefIfAllowed,
    /// Labels, for that is what is wanted, or all that the token may write.
    Label,
    /// Labels, because other nodes use them, which may not write git refs.
    LabelOfOthers,
    /// Nothing, because the configuration says so.
    NoneWanted,
    /// Nothing, because the token may write neither.
    NoneAllowed,
    /// GitHub has to be asked first.
    NotKnown,
}

/// What a split mesh can do without a lease.
const WITHOUT: &str = "While the mesh is split, each side may file one issue for the same error; the next sweep closes all but the first.";

pub(super) fn choose(facts: Facts) -> Choice {
    match (facts.kind, facts.setting, facts.rights) {
        (ForgeKind::Outbox, _, _) => Choice::LockFile,
        (ForgeKind::Github, Lease::None, _) => Choice::NoneWanted,
        (ForgeKind::Github, Lease::Ref | Lease::Label, None) => Choice::NotKnown,
        (
            ForgeKind::Github,
            Lease::Ref,
            Some(Rights { labels: Right::Yes | Right::Unknown, contents: Right::Yes | Right::Unknown, .. }),
        ) if facts.by_label => Choice::LabelOfOthers,
        (ForgeKind::Github, Lease::Ref, Some(Rights { contents: Right::Yes, .. })) => Choice::Ref,
        (ForgeKind::Github, Lease::Ref, Some(Rights { contents: Right::Unknown, .. })) => Choice::RefIfAllowed,
        (ForgeKind::Github, Lease::Ref | Lease::Label, Some(Rights { labels: Right::Yes | Right::Unknown, .. })) => Choice::Label,
        (ForgeKind::Github, Lease::Ref | Lease::Label, Some(Rights { labels: Right::No, .. })) => Choice::NoneAllowed,
    }
}

pub(super) fn judge(config: &Config, github: Option<&github::Facts>, node: Option<&RunningNode>) -> Option<Finding> {
    if let Some(node) = node.filter(|node| !node.lease.is_empty()) {
        return Some(taken(&node.lease, &node.lease_why));
    }
    let rights = github.and_then(github::Facts::rights);
    let by_label = github.is_some_and(github::Facts::leases_by_label);
    tell(Facts { kind: config.forge.kind, setting: config.forge.lease, rights, by_label })
}

/// A running node knows better than its rights tell: it has tried.
fn taken(kind: &str, why: &str) -> Finding {
    if kind == "none" {
        let what = format!("Nothing makes nodes file one at a time. {why}");
        return Finding::warning(
            Area::Lease,
            what,
            "Give the token Contents: write or at least Issues: write, and set forge.lease = \"ref\".",
        );
    }
    Finding::ok(Area::Lease, format!("The running node's lease is of the kind {kind}. {why}").trim_end().to_owned())
}

fn tell(facts: Facts) -> Option<Finding> {
    let by = |what: &str| Some(Finding::ok(Area::Lease, format!("One node at a time files, by {what}.")));
    match choose(facts) {
        Choice::NotKnown => None,
        Choice::LockFile => by("the lock file in the folder for issues"),
        Choice::Ref => by("a git ref (refs/healnode/lease), for the token may write the repository's contents"),
        Choice::RefIfAllowed => {
            by("a git ref (refs/healnode/lease) if the token was granted Contents: write, which only trying tells; else by labels")
        }
        Choice::Label if facts.setting == Lease::Label => by("labels, as forge.lease says"),
        Choice::Label => by("labels, for the token may not write the repository's contents, which a git ref takes"),
        Choice::LabelOfOthers => by("labels, as the label healnode-lease says: some node there may not write git refs"),
        Choice::NoneWanted => Some(Finding::warning(
            Area::Lease,
            format!("Nothing makes nodes file one at a time, as forge.lease says. {WITHOUT}"),
            "Set forge.lease = \"ref\" for a token that may write contents, or \"label\".",
        )),
        Choice::NoneAllowed => Some(Finding::warning(
            Area::Lease,
            format!("Nothing makes nodes file one at a time, for the token may write neither git refs nor labels. {WITHOUT}"),
            "Give the account write access to the repository, and the token Contents: write or at least Issues: write.",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Level::{Ok, Warning};
    use super::super::finding::check;
    use super::*;

    fn chosen(setting: Lease, labels: Right, contents: Right) -> Choice {
        choose(Facts {
            kind: ForgeKind::Github,
            setting,
            rights: Some(Rights { issues: Right::Yes, labels, contents, pulls: contents }),
            by_label: false,
        })
    }

    #[test]
    fn the_strongest_lease_that_is_wanted_and_allowed_is_taken() {
        use Right::{No, Unknown, Yes};
        for (setting, labels, contents, choice) in [
            (Lease::Ref, Yes, Yes, Choice::Ref),
            (Lease::Ref, Unknown, Unknown, Choice::RefIfAllowed),
            (Lease::Ref, Yes, No, Choice::Label),
            (Lease::Ref, Unknown, No, Choice::Label),
            (Lease::Ref, No, No, Choice::NoneAllowed),
            (Lease::Label, Yes, Yes, Choice::Label),
            (Lease::Label, No, Yes, Choice::NoneAllowed),
            (Lease::None, Yes, Yes, Choice::NoneWanted),
        ] {
            assert_eq!(chosen(setting, labels, contents), choice, "{setting:?} {labels:?} {contents:?}");
        }
        let facts = Facts { kind: ForgeKind::Github, setting: Lease::Ref, rights: None, by_label: true };
        assert_eq!(choose(facts), Choice::NotKnown);
        assert_eq!(choose(Facts { kind: ForgeKind::Outbox, ..facts }), Choice::LockFile);
        let rights = Some(Rights { issues: Yes, labels: Yes, contents: Yes, pulls: Yes });
        assert_eq!(choose(Facts { rights, ..facts }), Choice::LabelOfOthers);
        assert_eq!(choose(Facts { setting: Lease::None, rights, ..facts }), Choice::NoneWanted);
    }

    #[test]
    fn the_lease_that_a_node_took_is_told_as_it_tells_it() {
        check(&[taken("ref", "The git ref lets one node at a time create issues.")], &[(Ok, "of the kind ref. The git ref lets")]);
        check(&[taken("lock", "")], &[(Ok, "of the kind lock.")]);
        check(&[taken("none", "Two may file.")], &[(Warning, "one at a time. Two may file.")]);
    }

    #[test]
    fn no_lease_is_a_warning_that_says_what_can_happen() {
        let told = |setting, right| {
            let rights = Some(Rights { issues: right, labels: right, contents: right, pulls: right });
            tell(Facts { kind: ForgeKind::Github, setting, rights, by_label: false }).into_iter().collect::<Vec<_>>()
        };
        check(&told(Lease::None, Right::Yes), &[(Warning, "each side may file one issue")]);
        check(&told(Lease::Ref, Right::No), &[(Warning, "neither git refs nor labels")]);
        check(&told(Lease::Ref, Right::Yes), &[(Ok, "refs/healnode/lease")]);
        check(&told(Lease::Label, Right::Yes), &[(Ok, "as forge.lease says")]);
        check(&told(Lease::Ref, Right::Unknown), &[(Ok, "only trying tells")]);
    }
}
